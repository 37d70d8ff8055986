//! The clock as a screen sees it, and how a virtual one is moved by hand.

use super::{drive, next_due};
use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::table::{JobStarted, NoArgs};
use carillon_model::Moment;
use carillon_model::workspace::ClockKind;
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use ts_rs::TS;

commands! {
    query "clock.get" get(NoArgs) -> ClockView, reads [Clock, Enrolments, Outbox, Journeys];
    mutate "clock.play" play(PlayClock) -> ClockView, reads [];
    mutate "clock.pause" pause(NoArgs) -> ClockView, reads [];
    mutate "clock.jump" jump(JumpClock) -> JobStarted, reads [];
}

/// What the screen shows of the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClockView {
    pub kind: ClockKind,
    /// Workspace time.
    pub now: Moment,
    /// A virtual clock advances by itself. Always true for a real one.
    pub running: bool,
    /// Virtual seconds a real second while it plays.
    pub speed: f64,
    /// The next instant at which something is due, if any.
    pub next_due: Option<Moment>,
    /// A jump is being worked off up to this instant.
    pub jumping_to: Option<Moment>,
}

/// How fast a virtual clock is to play: virtual seconds a real second.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PlayClock {
    pub speed: f64,
}

/// Where to jump.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum JumpTo {
    At(Moment),
    NextDue,
}

/// A jump of a virtual clock; everything due on the way happens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct JumpClock {
    pub to: JumpTo,
}

async fn get(cx: &Ctx, _: NoArgs) -> Result<ClockView> {
    let open = cx.open()?;
    let real = open.clock.kind() == ClockKind::Real;
    let speed = if real { 1.0 } else { open.runtime.speed() };
    Ok(ClockView {
        kind: open.clock.kind(),
        now: open.now(),
        running: real || speed > 0.0,
        speed,
        next_due: next_due(open).await?,
        jumping_to: *open
            .runtime
            .jumping_to
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    })
}

/// Virtual seconds a real second: at most a day a second.
const FASTEST: f64 = 86_400.0;

async fn set_speed(cx: &Ctx, speed: f64) -> Result<ClockView> {
    let open = cx.open()?;
    if open.clock.kind() == ClockKind::Real {
        return Err(fail(Code::Refused, "workspaces.real_clock", &[]));
    }
    let speed = if speed.is_finite() {
        speed.clamp(0.0, FASTEST)
    } else {
        0.0
    };
    open.runtime.speed.store(speed.to_bits(), Ordering::Relaxed);
    open.runtime.nudge();
    cx.app.bus().tell(0, vec!["clock".into()]);
    get(cx, NoArgs {}).await
}

async fn play(cx: &Ctx, req: PlayClock) -> Result<ClockView> {
    set_speed(cx, req.speed).await
}

async fn pause(cx: &Ctx, _: NoArgs) -> Result<ClockView> {
    set_speed(cx, 0.0).await
}

async fn jump(cx: &Ctx, req: JumpClock) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    if open.clock.kind() == ClockKind::Real {
        return Err(fail(Code::Refused, "workspaces.real_clock", &[]));
    }
    let until = match req.to {
        JumpTo::At(at) => at,
        JumpTo::NextDue => next_due(&open).await?.unwrap_or_else(|| open.now()),
    };
    if until < open.now() {
        return Err(fail(
            Code::Invalid,
            "workspaces.virtual_past",
            &[("now", &open.now().to_rfc3339())],
        ));
    }
    let job = cx.app.jobs().start("clock.jump", move |job| async move {
        drive(&open, Some(until), &job).await
    });
    Ok(JobStarted { job })
}
