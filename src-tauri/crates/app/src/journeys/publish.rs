//! Publishing: a draft becomes a version that contacts enter.

use super::states::finish_stop;
use super::{Entering, OneJourney, PublishJourney, PublishedNow, draft_of, inside, known, row};
use crate::error::{Code, Result, fail};
use crate::workspaces::Open;
use crate::{Ctx, runtime, templates};
use carillon_engine::journey::{Entry, JourneyVersion};
use carillon_model::journey::{JourneyState, StepIx};
use carillon_model::segment::Expr;
use carillon_model::{ContactId, JourneyId, Moment, StepId};
use carillon_store::inputs::{NewInput, Pending};
use carillon_store::journeys::JourneyRow;
use carillon_store::{Priority, Tx, inputs, journeys as rows, segments, waits};
use std::sync::Arc;

/// Contacts that come in at the publish, because a step says that those who are in the segment already do.
fn current(open: &Open, version: &JourneyVersion) -> Vec<(StepId, ContactId)> {
    let now = open.now();
    let mut all = Vec::new();
    for (step, entry) in version.entries() {
        let Entry::Segment(wanted) = entry else { continue };
        if !wanted.include_current {
            continue;
        }
        let (Some(is_in), Some(placed)) = (
            version.conditions().get(usize::from(wanted.is_in.0)),
            version.placed(step),
        ) else {
            continue;
        };
        let members = open.store.with_index(|index| {
            let members = index.members(is_in, now);
            if wanted.on_entered {
                members
            } else {
                index.contacts() - &members
            }
        });
        all.extend(members.into_iter().map(|id| (placed.id.clone(), ContactId(id))));
    }
    all
}

/// Contacts that come in by a publish of a journey in this state: none where it stays one that lets nobody in.
fn arrivals(open: &Open, version: &JourneyVersion, state: JourneyState) -> Vec<(StepId, ContactId)> {
    match state {
        JourneyState::Draining => Vec::new(),
        _ => current(open, version),
    }
}

/// What lets a contact in at an entry step, as soon as the runtime comes by.
pub(crate) fn arrival(journey: JourneyId, entry: StepId, contact: ContactId, now: Moment) -> NewInput {
    NewInput {
        planned_at: now,
        enrolment: None,
        journey: Some(journey),
        contact,
        pending: Pending::Enter {
            entry,
            planned: now,
            event: None,
        },
    }
}

pub(super) async fn entering(cx: &Ctx, req: OneJourney) -> Result<Entering> {
    let open = cx.open()?;
    let row = row(open, req.id).await?;
    let version = draft_of(open, &row.draft, &known(open).await?).await?;
    let inside = open
        .store
        .read(move |db| inside::active(db, &rows::versions(db, req.id)?))
        .await?;
    Ok(Entering {
        now: arrivals(open, &version, row.state).len() as u64,
        inside,
    })
}

pub(super) async fn publish(cx: &Ctx, req: PublishJourney) -> Result<PublishedNow> {
    let open = cx.open()?;
    let read = row(open, req.id).await?;
    if req.revision.is_some_and(|seen| seen != read.revision) {
        return Err(fail(Code::Stale, "journeys.changed", &[("name", &read.name)]));
    }
    publish_as_read(open, read).await
}

/// Makes the draft a version that contacts enter. Its watched conditions are followed from this commit on. A journey
/// that is paused, or lets nobody in any more, stays so until it is resumed.
///
/// # Errors
/// `Refused` with the problems, where the sender's postal address is empty or a mail does not say it; `Stale` where it was
/// changed meanwhile.
pub async fn publish_now(open: &Arc<Open>, id: JourneyId) -> Result<PublishedNow> {
    publish_as_read(open, row(open, id).await?).await
}

/// Publishes a journey as it was read, or not at all.
///
/// # Errors
/// As of [`publish_now`].
pub async fn publish_as_read(open: &Arc<Open>, read: JourneyRow) -> Result<PublishedNow> {
    let name = read.name.clone();
    let published = publish_and(open, read, |_| Ok(true)).await?;
    published.ok_or_else(|| fail(Code::Stale, "journeys.changed", &[("name", &name)]))
}

/// Publishes a journey as it was read, with what else belongs to that write. False: it was changed meanwhile, or `also`
/// wants it not to be; then nothing was done.
///
/// # Errors
/// As of [`publish_now`].
pub(crate) async fn publish_with(
    open: &Arc<Open>,
    read: JourneyRow,
    also: impl FnOnce(&mut Tx<'_>) -> carillon_store::Result<bool> + Send + 'static,
) -> Result<bool> {
    Ok(publish_and(open, read, also).await?.is_some())
}

async fn publish_and(
    open: &Arc<Open>,
    read: JourneyRow,
    also: impl FnOnce(&mut Tx<'_>) -> carillon_store::Result<bool> + Send + 'static,
) -> Result<Option<PublishedNow>> {
    let id = read.id;
    let catalogue = known(open).await?;
    let version = draft_of(open, &read.draft, &catalogue).await?;
    let mails = !version.needs().templates.is_empty();
    if mails && open.workspace()?.postal_address.trim().is_empty() {
        return Err(fail(Code::Refused, "journeys.no_address", &[]));
    }
    templates::check_sendable(open, &read.draft).await?;
    if read.state == JourneyState::Stopped {
        // Whoever is still inside leaves before it begins anew.
        finish_stop(open, id).await?;
    }
    let entering = arrivals(open, &version, read.state);
    let watched: Vec<(usize, Expr)> = version
        .watched()
        .iter()
        .filter_map(|ix| {
            Some((
                usize::from(ix.0),
                version.conditions().get(usize::from(ix.0))?.clone(),
            ))
        })
        .collect();
    let hanging: Vec<(StepIx, String)> = version
        .hanging()
        .map(|(step, field)| (step, field.to_owned()))
        .collect();
    let now = open.now();
    let count = entering.len() as u64;
    let published = open
        .store
        .write(Priority::User, move |tx| {
            // What was checked is what is published: the drawing, what it refers to, and the state.
            let same = rows::get(tx, id)?.is_some_and(|it| it.draft == read.draft && it.state == read.state);
            if !same || runtime::catalogue(tx)? != catalogue || !also(tx)? {
                return Ok(None);
            }
            runtime::begin_calendar(tx)?;
            let published = rows::publish(tx, id)?;
            segments::watch(tx, published.id, &watched)?;
            waits::add(tx, published.id, &hanging)?;
            let pending: Vec<NewInput> = entering
                .into_iter()
                .map(|(entry, contact)| arrival(id, entry, contact, now))
                .collect();
            inputs::push(tx, &pending)?;
            Ok(Some(published))
        })
        .await?;
    open.runtime.nudge();
    Ok(published.map(|published| PublishedNow {
        version: published.number,
        entering: count,
    }))
}
