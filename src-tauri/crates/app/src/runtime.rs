//! The loop that lets a workspace live: intake is what commits bring, then ticks, then dispatch, again and again.

mod agenda;
mod awake;
mod budget;
pub mod clock;
pub mod dispatch;
mod door;
mod due;
mod exit;
mod lane;
mod parcel;
mod plan;
pub mod tick;
mod words;

pub(crate) use awake::hear;
pub(crate) use door::STALE;
pub use due::begin_calendar;
pub use plan::catalogue;

use crate::Ctx;
use crate::clock::machine_now;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::folders::WhileRunning;
use crate::intake;
use crate::jobs::Job;
use crate::table::JobStarted;
use crate::workspaces::{Open, moment};
use awake::{BEAT, Pause, since, wake_up};
use carillon_model::journey::JourneyState;
use carillon_model::workspace::ClockKind;
use carillon_model::{JourneyId, MessageId, Moment};
use carillon_store::outbox::Word;
use carillon_store::{Priority, enrolments, inputs, outbox, settings};
use chrono::TimeDelta;
use dispatch::Dispatched;
use plan::Plan;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use ts_rs::TS;

commands! {
    mutate "runtime.run" run(RunArgs) -> JobStarted, reads [];
}

/// How long to run. Nothing: until nothing is due.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RunArgs {
    #[serde(default)]
    pub until: Option<String>,
    #[serde(default)]
    pub for_secs: Option<u32>,
}

/// What a run came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Ran {
    pub now: Moment,
    #[ts(type = "number")]
    pub calls: u64,
    #[ts(type = "number")]
    pub entered: u64,
    #[ts(type = "number")]
    pub queued: u64,
    #[ts(type = "number")]
    pub accepted: u64,
    #[ts(type = "number")]
    pub refused: u64,
    #[ts(type = "number")]
    pub held: u64,
    pub next_due: Option<Moment>,
    /// Why an account sends nothing now.
    pub troubles: Vec<String>,
}

/// The running side of an open workspace.
#[derive(Debug)]
pub struct Runtime {
    plan: Arc<Mutex<Plan>>,
    /// One drives at a time: the studio's own loop, or a run somebody asked for.
    drive: tokio::sync::Mutex<()>,
    stop: Arc<AtomicBool>,
    wake: Notify,
    /// Virtual seconds a real second, as bits of an f64; 0: paused.
    speed: AtomicU64,
    jumping_to: Mutex<Option<Moment>>,
    /// What a dispatch that failed could not store.
    left: Mutex<Vec<(MessageId, Word)>>,
    /// What each account let go in the last minute.
    pace: budget::Pace,
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime {
            plan: Arc::default(),
            drive: tokio::sync::Mutex::new(()),
            stop: Arc::default(),
            wake: Notify::new(),
            speed: AtomicU64::new(0),
            jumping_to: Mutex::default(),
            left: Mutex::default(),
            pace: budget::Pace::default(),
        }
    }
}

impl Runtime {
    /// Asks all that runs to come to an end, and waits for it.
    pub async fn stop(&self, _open: &Open) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake.notify_waiters();
        let _ = self.drive.lock().await;
    }

    /// Something may be due: look again.
    pub fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Keeps the words of a dispatch that failed, which their rows do not know yet.
    fn leave(&self, mut words: Vec<(MessageId, Word)>) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.append(&mut words);
    }

    fn take_left(&self) -> Vec<(MessageId, Word)> {
        std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether all that runs was asked to come to an end.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn speed(&self) -> f64 {
        f64::from_bits(self.speed.load(Ordering::Relaxed))
    }

    /// The plan, for those who commit journeys' work outside the loop.
    pub fn plan(&self) -> Arc<Mutex<Plan>> {
        self.plan.clone()
    }
}

/// Ways to break the promises on purpose, so that the harness that guards them is seen to turn red. Only in a build
/// made for that, and in a process that can reach nothing but loopback.
#[cfg(feature = "faults")]
pub(crate) fn breaks(what: &str) -> bool {
    carillon_adapters::dialer::process_is_loopback_only()
        && std::env::var("CARILLON_FAULT").is_ok_and(|faults| faults.split(',').any(|fault| fault == what))
}

/// The shipped program keeps its promises.
#[cfg(not(feature = "faults"))]
pub(crate) fn breaks(_: &str) -> bool {
    false
}

/// One round of ticks at `now`, until nothing is due any more at that moment.
async fn ticks(open: &Arc<Open>, now: Moment, job: &Job, ran: &mut Ran) -> Result<()> {
    let on_time = open.clock.kind() == ClockKind::Virtual;
    loop {
        let plan = open.runtime.plan();
        let ticked = tick::commit(&open.store, Priority::Tick, plan, move |tx, plan| {
            tick::tick(tx, plan, now, on_time)
        });
        let done = ticked.await?;
        ran.calls += done.calls;
        ran.entered += done.entered;
        ran.queued += done.queued;
        // A tick that wrote something may have caused edges and events of its own.
        if (!done.more && done.calls == 0 && done.entered == 0) || open.runtime.stopped() {
            return Ok(());
        }
        job.check()?;
    }
}

/// Does all that is due now: ticks, sends, and what sending brought back, until nothing more happens.
async fn settle(open: &Arc<Open>, job: &Job, ran: &mut Ran) -> Result<()> {
    if breaks("retry-unknown") {
        open.store
            .write(Priority::Gate, |tx| {
                let all = carillon_model::message::MessageState::Unknown;
                outbox::resolve_batch(tx, all, None, None, outbox::Resolution::NotSent, 1_000_000)
            })
            .await?;
    }
    loop {
        let answered = crate::world::turn(open, job).await?;
        let now = open.now();
        let came = crate::campaigns::advance::advance(open, now).await?;
        ticks(open, now, job, ran).await?;
        let sent: Dispatched = dispatch::dispatch(open, &open.runtime.stop).await?;
        ran.accepted += sent.accepted;
        ran.refused += sent.refused;
        ran.held += sent.held;
        let again = answered || came || sent.accepted + sent.refused > 0;
        if !again || open.runtime.stopped() {
            return Ok(());
        }
    }
}

/// The next moment at which something is due: a deadline, a kept input, a date, a membership that turns over with
/// time, or a message that may go.
pub async fn next_due(open: &Arc<Open>) -> Result<Option<Moment>> {
    let answers = crate::world::next_at(open).await?;
    Ok(dues(open).await?.into_iter().chain(answers).min())
}

/// The first moment of each kind of thing that can be due, but for what the world of a sample answers.
async fn dues(open: &Arc<Open>) -> Result<Vec<Moment>> {
    let of = open.clone();
    let mut all = open
        .store
        .read(move |db| {
            let paused: Vec<JourneyId> = carillon_store::journeys::list(db)?
                .into_iter()
                .filter(|row| row.state == JourneyState::Paused)
                .map(|row| row.id)
                .collect();
            let mut all = vec![
                enrolments::next_wake(db, &paused)?,
                inputs::next(db, &paused)?,
                crate::campaigns::advance::next(db)?,
            ];
            if !settings::get::<bool>(db, dispatch::PAUSED)?.unwrap_or(false) {
                for row in carillon_store::accounts::list(db)? {
                    if !row.paused {
                        all.push(dispatch::next_at(db, &of, &row.account)?);
                    }
                }
            }
            Ok(all)
        })
        .await?;
    let plan = open.runtime.plan.lock();
    all.push(plan.unwrap_or_else(PoisonError::into_inner).agenda.next());
    all.push(open.store.with_index(carillon_store::Index::next_due));
    Ok(all.into_iter().flatten().collect())
}

/// A virtual clock moves at most so far in one commit: what happens within is handled at its own moment. Where journeys
/// write what others see as of the commit (fields, tags, events), and in a sample, it stops at each moment.
const STRIDE: TimeDelta = TimeDelta::hours(1);

/// Moves a virtual clock to `until`, with everything that is due on the way.
async fn run_virtual(open: &Arc<Open>, until: Moment, job: &Job, ran: &mut Ran) -> Result<()> {
    let from = open.now();
    let total = (until - from).num_seconds().max(1).unsigned_abs();
    settle(open, job, ran).await?;
    while open.now() < until && !open.runtime.stopped() {
        job.check()?;
        let now = open.now();
        job.progress((now - from).num_seconds().max(0).unsigned_abs(), total);
        // Within a stride no membership may turn over by time: those edges must stand before what follows them.
        let membership = open
            .store
            .with_index(carillon_store::Index::next_due)
            .filter(|at| *at > now);
        let due = dues(open).await?.into_iter().filter(|at| *at > now).min();
        let due = due.unwrap_or(until).min(until);
        let answer = crate::world::next_at(open).await?.filter(|at| *at > now);
        let first = answer.map_or(due, |answer| answer.min(due));
        let campaign = open.store.read(crate::campaigns::advance::next).await?;
        let membership = [membership, campaign.filter(|at| *at > now)]
            .into_iter()
            .flatten()
            .min();
        let stride = match open.sample || writes(open) {
            true => TimeDelta::zero(),
            false => STRIDE,
        };
        let stride = first.checked_add_signed(stride).unwrap_or(until);
        // What people answer is taken in by strides whatever journeys write: each answer is told at its own moment. It
        // stands before what is due of a journey after it.
        let answers = first.checked_add_signed(STRIDE).unwrap_or(until);
        let target = match answer.is_some_and(|answer| answer < due) {
            true => answers.min(due - TimeDelta::milliseconds(1)),
            false => stride,
        };
        let target = target.min(until).min(membership.unwrap_or(until).max(first));
        open.store
            .advance_clock(target.max(now + TimeDelta::milliseconds(1)).min(until))
            .await?;
        settle(open, job, ran).await?;
    }
    Ok(())
}

fn writes(open: &Open) -> bool {
    let plan = open.runtime.plan.lock();
    plan.unwrap_or_else(PoisonError::into_inner).writes()
}

/// Lets a real clock run until a moment, looking again at least every thirty seconds: a laptop sleeps.
async fn run_real(open: &Arc<Open>, until: Moment, job: &Job, ran: &mut Ran) -> Result<()> {
    let mut commits = open.store.subscribe();
    let mut listened = Pause::begin();
    loop {
        if listened.elapsed() >= intake::EVERY || listened.was_suspended() {
            intake::before_sending(open).await?;
            listened = Pause::begin();
        }
        open.store.advance_clock(machine_now()).await?;
        settle(open, job, ran).await?;
        // What this look itself committed is not news; what comes after it is.
        commits = commits.resubscribe();
        job.check()?;
        if machine_now() >= until || open.runtime.stopped() {
            return Ok(());
        }
        let due = next_due(open).await?.unwrap_or(until);
        let left = (until - machine_now()).to_std().unwrap_or_default();
        let pause = pause_until(Some(due)).min(left);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = open.runtime.wake.notified() => {}
            _ = commits.recv() => {}
            () = job.asked_to_stop() => {}
        }
    }
}

/// Longest the loop sleeps: timers stop while a machine is suspended, so the clock is asked again.
const LOOK: Duration = Duration::from_secs(30);

async fn troubles(open: &Arc<Open>) -> Result<Vec<String>> {
    let accounts = open.store.read(carillon_store::accounts::list).await?;
    let mut all = Vec::new();
    for row in accounts {
        if let Some(why) = dispatch::trouble(open, row.account.id).await? {
            all.push(format!("{}: {why}", row.account.name));
        }
    }
    Ok(all)
}

async fn run(cx: &Ctx, req: RunArgs) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let until = match (&req.until, req.for_secs) {
        (Some(text), _) => Some(moment(text)?),
        (None, Some(secs)) => Some(open.now() + TimeDelta::seconds(i64::from(secs))),
        (None, None) => None,
    };
    if let Some(until) = until
        && open.clock.kind() == ClockKind::Virtual
        && until < open.now()
    {
        return Err(fail(
            Code::Invalid,
            "workspaces.virtual_past",
            &[("now", &open.now().to_rfc3339())],
        ));
    }
    let alone = !cx.app.inner.lively && open.clock.kind() == ClockKind::Real;
    let job = cx.app.jobs().start("runtime.run", move |job| async move {
        // Where nobody looks into the watched folders all the time, a run does.
        let folders = match alone {
            true => Some(WhileRunning::begin(&open, &job).await?),
            false => None,
        };
        let ran = drive(&open, until, &job).await;
        if let Some(folders) = folders {
            folders.end(&job).await;
        }
        ran
    });
    Ok(JobStarted { job })
}

/// Runs until a moment, or until nothing is due.
pub async fn drive(open: &Arc<Open>, until: Option<Moment>, job: &Job) -> Result<Ran> {
    let _driving = open.runtime.drive.lock().await;
    let mut ran = Ran::default();
    job.phase("running");
    intake::before_sending(open).await?;
    dispatch::try_again(open, None).await?;
    *open
        .runtime
        .jumping_to
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = until;
    let outcome = match (until, open.clock.kind()) {
        (Some(until), ClockKind::Virtual) => run_virtual(open, until, job, &mut ran).await,
        (Some(until), ClockKind::Real) => run_real(open, until, job, &mut ran).await,
        (None, ClockKind::Virtual) => settle(open, job, &mut ran).await,
        (None, ClockKind::Real) => match open.store.advance_clock(machine_now()).await {
            Ok(_) => settle(open, job, &mut ran).await,
            Err(e) => Err(e.into()),
        },
    };
    *open
        .runtime
        .jumping_to
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = None;
    outcome?;
    ran.now = open.now();
    ran.next_due = next_due(open).await?;
    ran.troubles = troubles(open).await?;
    Ok(ran)
}

/// The studio's own loop: a real clock goes by itself, a virtual one while it plays.
pub fn live(open: Arc<Open>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut commits = open.store.subscribe();
        let mut played = None;
        wake_up(&open, open.store.left_at()).await;
        while !open.runtime.stopped() {
            let speed = open.runtime.speed();
            let playing = speed > 0.0 && open.clock.kind() == ClockKind::Virtual;
            let step = {
                let _driving = open.runtime.drive.lock().await;
                let passed = match playing {
                    true => Some(since(&mut played)),
                    false => None,
                };
                beat(&open, passed.map(|passed| passed.as_secs_f64() * 1_000.0 * speed)).await
            };
            if !playing {
                played = None;
            }
            if let Err(error) = step {
                tracing::error!(%error, "the loop met an error and goes on");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let pause = match playing {
                true => BEAT,
                false => wait_for(&open).await,
            };
            let asleep = Pause::begin();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = open.runtime.wake.notified() => {}
                _ = commits.recv() => {
                    // Many commits, one look.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    commits = commits.resubscribe();
                }
            }
            if asleep.was_suspended() {
                wake_up(&open, asleep.began()).await;
            }
        }
    })
}

async fn wait_for(open: &Arc<Open>) -> Duration {
    if open.clock.kind() == ClockKind::Virtual {
        return LOOK;
    }
    pause_until(next_due(open).await.ok().flatten())
}

/// How long a real clock may be left alone. What is past and was not done waits for something: a commit wakes the loop.
fn pause_until(due: Option<Moment>) -> Duration {
    due.map_or(LOOK, |at| (at - machine_now()).to_std().unwrap_or(AGAIN))
        .clamp(Duration::from_millis(50), LOOK)
}

/// How soon the loop looks again at what is overdue.
const AGAIN: Duration = Duration::from_secs(1);

/// One look: the clock moves on, and what is due happens.
async fn beat(open: &Arc<Open>, virtual_millis: Option<f64>) -> Result<()> {
    let (mut ran, job) = (Ran::default(), Job::unwatched());
    match (open.clock.kind(), virtual_millis) {
        (ClockKind::Real, _) => {
            let due = open
                .store
                .with_index(carillon_store::Index::next_due)
                .is_some_and(|at| at <= machine_now());
            if due {
                open.store.advance_clock(machine_now()).await?;
            }
            settle(open, &job, &mut ran).await
        }
        (ClockKind::Virtual, Some(millis)) => {
            let until = open.now() + TimeDelta::milliseconds(millis as i64);
            run_virtual(open, until, &job, &mut ran).await
        }
        (ClockKind::Virtual, None) => settle(open, &job, &mut ran).await,
    }
}
