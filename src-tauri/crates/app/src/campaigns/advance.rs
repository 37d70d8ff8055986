//! What campaigns do by themselves as time goes on: start, let their contacts in, count their tests, end.

use super::audience::shares;
use super::document::{entry, for_rest, in_test};
use super::states::begin;
use super::test;
use crate::error::Result;
use crate::journeys::arrival;
use crate::workspaces::Open;
use carillon_engine::experiment::place;
use carillon_model::campaign::CampaignState::{Decided, Done, Recallable, Scheduled, Sending, Testing};
use carillon_model::campaign::Part;
use carillon_model::journey::JourneyState;
use carillon_model::message::MessageState;
use carillon_model::{CampaignId, ContactId, Moment};
use carillon_store::campaigns::{self as rows, CampaignRow};
use carillon_store::inputs::NewInput;
use carillon_store::{Db, Priority, Tx, inputs, journeys, outbox};
use std::sync::Arc;

/// Contacts that one write lets in.
const BATCH: usize = 1_000;

/// Does what is due of all campaigns. True: something was done, and there may be more.
///
/// # Errors
/// The store's.
pub async fn advance(open: &Arc<Open>, now: Moment) -> Result<bool> {
    let busy = open.store.read(busy).await?;
    let mut more = false;
    for id in busy {
        more |= open
            .store
            .write(Priority::Tick, move |tx| match rows::get(tx, id)? {
                Some(row) => move_on(tx, row, now),
                None => Ok(false),
            })
            .await?;
    }
    Ok(more)
}

/// Campaigns that do something by themselves.
fn busy(db: &Db<'_>) -> carillon_store::Result<Vec<CampaignId>> {
    let moves = |row: &CampaignRow| matches!(row.state, Scheduled | Recallable | Sending | Testing);
    Ok(rows::list(db)?
        .iter()
        .filter(|row| moves(row))
        .map(|row| row.id)
        .collect())
}

/// When the next of all campaigns is due.
///
/// # Errors
/// The store's.
pub fn next(db: &Db<'_>) -> carillon_store::Result<Option<Moment>> {
    let mut next: Option<Moment> = None;
    for row in rows::list(db)? {
        let due = match row.state {
            Scheduled | Recallable => row.recall_until,
            Testing => [rows::next_ripe(db, row.id)?, row.ends_at]
                .into_iter()
                .flatten()
                .min(),
            _ => None,
        };
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next)
}

fn move_on(tx: &mut Tx<'_>, mut row: CampaignRow, now: Moment) -> carillon_store::Result<bool> {
    match row.state {
        Scheduled | Recallable => {
            let Some(until) = row.recall_until.filter(|until| *until <= now) else {
                return Ok(false);
            };
            if row.state == Scheduled {
                begin(tx, &mut row, now, until)?;
            }
            row.started_at = Some(now);
            row.state = Sending;
            if let Some(test) = &row.campaign.test {
                row.state = Testing;
                row.ends_at = Some(now + chrono::TimeDelta::hours(i64::from(test.ends_after_hours)));
            }
            rows::update(tx, &row)?;
            Ok(true)
        }
        Testing => {
            let came = let_in(tx, &mut row, now)?;
            Ok(test::look(tx, row, now)? || came)
        }
        Sending => {
            if let_in(tx, &mut row, now)? {
                return Ok(true);
            }
            finish(tx, row, now)
        }
        _ => Ok(false),
    }
}

/// The entry a contact comes in at in the present part of the campaign.
fn way(row: &CampaignRow, contact: ContactId) -> Option<String> {
    let chosen = row.decision.as_ref().and_then(|decision| decision.chosen);
    match (place(row.id, contact, shares(&row.campaign)), chosen) {
        (Part::HeldOut, _) => None,
        (Part::Arm(arm), None) => Some(in_test(arm)),
        (Part::Arm(_), Some(_)) => None,
        (Part::Rest, Some(arm)) => Some(for_rest(arm)),
        (Part::Rest, None) => row.campaign.test.is_none().then(|| for_rest(0)),
    }
}

/// Lets the next contacts in. True: some came, and others may follow.
fn let_in(tx: &mut Tx<'_>, row: &mut CampaignRow, now: Moment) -> carillon_store::Result<bool> {
    if row.entered == ContactId(u32::MAX) {
        return Ok(false);
    }
    let audience = rows::audience(tx, row.id)?.unwrap_or_default();
    let mut coming: Vec<NewInput> = Vec::new();
    let mut next = ContactId(u32::MAX);
    for contact in audience.range(row.entered.0..) {
        if coming.len() == BATCH {
            next = ContactId(contact);
            break;
        }
        if let Some(message) = way(row, ContactId(contact)) {
            coming.push(arrival(row.id.into(), entry(&message), ContactId(contact), now));
        }
    }
    inputs::push(tx, &coming)?;
    row.entered = next;
    rows::update(tx, row)?;
    Ok(true)
}

/// Ends a campaign of which nothing is on its way any more.
fn finish(tx: &mut Tx<'_>, mut row: CampaignRow, now: Moment) -> carillon_store::Result<bool> {
    let journey = row.id.into();
    let versions = journeys::versions(tx, journey)?;
    let counts = outbox::counts(tx, Some(journey))?;
    let on_its_way = [
        MessageState::Queued,
        MessageState::Deferred,
        MessageState::Claimed,
        MessageState::InFlight,
    ];
    let busy = on_its_way
        .iter()
        .any(|state| counts.get(state).copied().unwrap_or(0) > 0)
        || inputs::entering(tx, journey)?
        || crate::journeys::active(tx, &versions)? > 0;
    if busy {
        return Ok(false);
    }
    row.state = Done;
    row.done_at = Some(now);
    rows::update(tx, &row)?;
    // What a person resolves later may still go.
    journeys::set_state(tx, journey, JourneyState::Draining)?;
    Ok(false)
}

/// The rest begins anew with the contacts.
pub(super) fn turn(row: &mut CampaignRow, chosen: Option<u8>) {
    match chosen {
        Some(_) => {
            row.state = Sending;
            row.entered = ContactId(0);
        }
        None => row.state = Decided,
    }
}
