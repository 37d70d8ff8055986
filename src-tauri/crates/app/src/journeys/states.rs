//! Pause, resume, drain, stop.

use super::{OneJourney, StateNow, row};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::runtime::{dispatch, tick};
use crate::workspaces::Open;
use carillon_model::JourneyId;
use carillon_model::journey::JourneyState::{self, Draft, Draining, Live, Paused, Stopped};
use carillon_store::{Priority, journeys as rows};

/// The states a journey may go to `to` from; a draft goes nowhere, because it is published first.
fn allowed_before(to: JourneyState) -> &'static [JourneyState] {
    match to {
        Draft => &[],
        Live => &[Paused, Draining],
        Paused => &[Live, Draining],
        Draining => &[Live, Paused],
        Stopped => &[Live, Paused, Draining],
    }
}

/// The refusal of what a journey's state does not allow.
pub(super) fn not_now(name: &str, state: JourneyState) -> ApiError {
    let word = serde_json::to_value(state).unwrap_or_default();
    let word = word.as_str().unwrap_or_default();
    fail(
        Code::Refused,
        "journeys.state",
        &[("name", &name), ("state", &word)],
    )
}

async fn go(cx: &Ctx, id: JourneyId, to: JourneyState) -> Result<StateNow> {
    let open = cx.open()?;
    let name = row(open, id).await?.name;
    // Read where it is written: somebody else may change the state at the same time.
    let before = open
        .store
        .write(Priority::User, move |tx| {
            let before = rows::get(tx, id)?.map(|row| row.state);
            if before.is_some_and(|before| allowed_before(to).contains(&before)) {
                rows::set_state(tx, id, to)?;
                return Ok(None);
            }
            Ok(before)
        })
        .await?;
    if let Some(before) = before {
        return Err(not_now(&name, before));
    }
    open.runtime.nudge();
    Ok(StateNow { state: to })
}

pub(super) async fn pause(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    go(cx, req.id, Paused).await
}

pub(super) async fn resume(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    go_on(cx, req.id, Live).await
}

pub(super) async fn drain(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    go_on(cx, req.id, Draining).await
}

/// Into a state in which mails leave: those a pause held go at once.
async fn go_on(cx: &Ctx, id: JourneyId, to: JourneyState) -> Result<StateNow> {
    let now = go(cx, id, to).await?;
    let open = cx.open()?;
    dispatch::try_again(open, None).await?;
    open.runtime.nudge();
    Ok(now)
}

pub(super) async fn stop(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    let now = go(cx, req.id, Stopped).await?;
    finish_stop(cx.open()?, req.id).await?;
    Ok(now)
}

/// Takes everybody out of a stopped journey. What is cut off here, the ticks do.
///
/// # Errors
/// The store's.
pub(crate) async fn finish_stop(open: &Open, id: JourneyId) -> Result<()> {
    loop {
        let (plan, at) = (open.runtime.plan(), open.now());
        let more = tick::commit(&open.store, Priority::User, plan, move |tx, plan| {
            tick::stop(tx, plan, id, at)
        });
        if !more.await? {
            return Ok(());
        }
    }
}
