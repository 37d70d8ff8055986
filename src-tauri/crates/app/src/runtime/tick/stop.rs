//! Stopping a journey: everybody out, nothing of it left waiting. Some at a time; the tick takes up what a kill or a
//! failed write left half done.

use super::super::due::BATCH;
use super::super::plan::Plan;
use super::entries_seen;
use super::given::{call, write};
use carillon_model::journey::{End, Input};
use carillon_model::{JourneyId, Moment};
use carillon_store::{Result, Tx, enrolments, inputs, outbox};

/// Takes everybody out of a journey that was stopped and cancels what it had queued, some at a time. True: there is
/// more.
///
/// # Errors
/// The store's. Nothing was written then, and the plan must [forget](Plan::forget) it, as [`super::commit`] sees to.
pub fn stop(tx: &mut Tx<'_>, plan: &mut Plan, journey: JourneyId, now: Moment) -> Result<bool> {
    let (_, entries_after) = entries_seen(tx, now)?;
    plan.refresh(tx, entries_after, now)?;
    some(tx, plan, journey, now)
}

/// Goes on with a stop that is not done. True: there is more.
pub(super) fn go_on(tx: &mut Tx<'_>, plan: &mut Plan, now: Moment) -> Result<bool> {
    let Some(journey) = plan.stopping() else {
        return Ok(false);
    };
    if !some(tx, plan, journey, now)? {
        plan.has_stopped(journey);
    }
    Ok(plan.stopping().is_some())
}

fn some(tx: &mut Tx<'_>, plan: &Plan, journey: JourneyId, now: Moment) -> Result<bool> {
    let inside = enrolments::active_in(tx, journey, None, BATCH)?;
    let more = inside.len() >= BATCH as usize;
    let scope = tx.with_index(|index| index.scope().clone());
    for enrolment in inside {
        let version = plan.version(enrolment.version);
        let needs = version.as_ref().map(|version| version.needs().of_contact());
        let record =
            needs.and_then(|needs| tx.with_index(|index| index.record_of(enrolment.contact, &needs)));
        match (version, record) {
            (Some(version), Some(record)) => {
                let (enrolment, given, _) = call(
                    &scope,
                    now,
                    enrolment,
                    &version,
                    &record,
                    &Input::Stop(End::Stopped),
                );
                write(tx, plan, &version, enrolment, given)?;
            }
            // A version that cannot run, or a contact that is gone: the passage ends all the same.
            _ => enrolments::end(tx, enrolment, End::Stopped)?,
        }
    }
    if more || outbox::cancel_journey(tx, journey, BATCH)? >= u64::from(BATCH) {
        return Ok(true);
    }
    inputs::drop_of(tx, journey)?;
    Ok(false)
}
