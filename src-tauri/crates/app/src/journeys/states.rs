//! Pause, resume, drain, stop.

use super::{OneJourney, StateNow, row};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::runtime::tick;
use carillon_model::JourneyId;
use carillon_model::journey::JourneyState::{self, Draft, Draining, Live, Paused, Stopped};
use carillon_store::{Priority, journeys as rows, outbox};

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

async fn go(cx: &Ctx, id: JourneyId, to: JourneyState) -> Result<StateNow> {
    let open = cx.open()?;
    let before = row(open, id).await?;
    if !allowed_before(to).contains(&before.state) {
        let state = serde_json::to_value(before.state).map_err(ApiError::internal)?;
        let state = state.as_str().unwrap_or_default();
        return Err(fail(
            Code::Refused,
            "journeys.state",
            &[("name", &before.name), ("state", &state)],
        ));
    }
    open.store
        .write(Priority::User, move |tx| rows::set_state(tx, id, to))
        .await?;
    open.runtime.nudge();
    Ok(StateNow { state: to })
}

pub(super) async fn pause(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    go(cx, req.id, Paused).await
}

pub(super) async fn resume(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    go(cx, req.id, Live).await
}

pub(super) async fn drain(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    go(cx, req.id, Draining).await
}

pub(super) async fn stop(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    let open = cx.open()?.clone();
    let now = go(cx, req.id, Stopped).await?;
    let id = req.id;
    loop {
        let (plan, at) = (open.runtime.plan(), open.now());
        let more = open
            .store
            .write(Priority::User, move |tx| {
                let mut plan = plan.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let more = tick::stop(tx, &mut plan, id, at)?;
                let cancelled = outbox::cancel_journey(tx, id, 500)?;
                Ok(more || cancelled > 0)
            })
            .await?;
        if !more {
            return Ok(now);
        }
    }
}
