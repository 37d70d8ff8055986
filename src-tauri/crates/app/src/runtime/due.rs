//! What is due, in the order in which it is to be told.

use super::plan::Plan;
use carillon_model::event::Event;
use carillon_model::journey::StepIx;
use carillon_model::{ContactId, EventId, JourneyId, Moment, VersionId};
use carillon_store::enrolments::{self, Enrolment};
use carillon_store::inputs::{self, Pending};
use carillon_store::segments::EdgeRow;
use carillon_store::{Result, Tx, events, segments, settings};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of each kind of input that one commit takes in, where nobody says otherwise.
pub(super) const BATCH: u32 = 500;
pub(super) const EDGES: &str = "tick_edges";
pub(super) const EVENTS: &str = "tick_events";
/// Dates and schedules up to this moment (milliseconds) have let their contacts in.
pub(super) const ENTRIES: &str = "tick_entries";

/// Has the calendar begin with the first publish, though nothing be handled for days: what comes round from then on is
/// not lost.
///
/// # Errors
/// SQLite's.
pub fn begin_calendar(tx: &mut Tx<'_>) -> Result<()> {
    match settings::cursor(tx, ENTRIES)? {
        0 => settings::set_cursor(tx, ENTRIES, tx.now().timestamp_millis()),
        _ => Ok(()),
    }
}

/// Something that is to be told, with the moment it is meant for.
pub(super) enum Item {
    Edge(EdgeRow),
    Happened(Event),
    Input(inputs::InputRow),
    Wake(Enrolment),
    Entry(VersionId, StepIx, Option<ContactId>),
}

impl Item {
    /// Whom it concerns; `None`: everybody.
    fn contact(&self) -> Option<ContactId> {
        match self {
            Item::Edge(edge) => Some(edge.contact),
            Item::Happened(event) => Some(event.contact),
            Item::Input(row) => Some(row.input.contact),
            Item::Wake(enrolment) => Some(enrolment.contact),
            Item::Entry(.., contact) => *contact,
        }
    }

    /// The one journey it concerns, if it is one.
    pub(super) fn journey(&self) -> Option<JourneyId> {
        match self {
            Item::Input(row) => row.input.journey,
            Item::Wake(enrolment) => Some(enrolment.journey),
            Item::Edge(_) | Item::Happened(_) | Item::Entry(..) => None,
        }
    }

    /// Its place within one moment: memberships (a passage's own before those that let in, and between them waits
    /// that were moved), deadlines, events of steps, outcomes, events from outside, the calendar. `caused`: memberships that an event from outside or an
    /// outcome turned over come after it, because a goal it reaches uses it up.
    fn rank(&self, plan: &Plan, caused: &BTreeSet<(Moment, ContactId)>) -> u8 {
        match self {
            Item::Edge(edge) => {
                let after = caused.contains(&(edge.at, edge.contact));
                let own = plan.watches.contains_key(&edge.segment);
                (if own { 0 } else { 2 }) + if after { 7 } else { 0 }
            }
            Item::Input(row) if row.input.is_moved() => 1,
            Item::Wake(_) => 3,
            Item::Happened(event) if posted(event) => 4,
            Item::Input(_) => 5,
            Item::Happened(_) => 6,
            Item::Entry(..) => 10,
        }
    }

    /// The moment and contact whose memberships it may have turned over in the commit that brought it.
    fn cause(&self) -> Option<(Moment, ContactId)> {
        match self {
            Item::Happened(event) if !posted(event) => Some((event.arrived_at, event.contact)),
            Item::Input(row) => match row.input.pending {
                Pending::Outcome { .. } => Some((row.input.planned_at, row.input.contact)),
                Pending::Input { .. } | Pending::Happened { .. } | Pending::Enter { .. } => None,
            },
            Item::Happened(_) | Item::Edge(_) | Item::Wake(_) | Item::Entry(..) => None,
        }
    }
}

/// Where what a journey writes comes from.
pub(super) const BY_JOURNEY: &str = "journey:";

/// Whether a step of a journey recorded it.
pub(super) fn posted(event: &Event) -> bool {
    event.source.starts_with(BY_JOURNEY)
}

/// What is due.
pub(super) struct Gathered {
    /// In the order it is told.
    pub(super) items: Vec<(Moment, u8, Item)>,
    /// There is more of some kind.
    pub(super) more: bool,
    /// Dates and schedules up to this moment are among it.
    pub(super) upto: Moment,
    /// Up to here all is among it that is due: where one kind has more than fits, the others wait for it, so that
    /// nobody is told of ten o'clock before what a full batch has left of nine. `None`: all of it.
    pub(super) horizon: Option<Moment>,
}

pub(super) fn gather(tx: &Tx<'_>, plan: &mut Plan, now: Moment) -> Result<Gathered> {
    let (paused, batch) = (plan.paused(), plan.batch);
    let edges = segments::edges_after(tx, settings::cursor(tx, EDGES)?, batch)?;
    let happened = events::after(tx, EventId(settings::cursor(tx, EVENTS)?), batch)?;
    let waiting = inputs::due(tx, now, &paused, batch)?;
    let wakes = enrolments::due(tx, now, &paused, batch)?;
    let entries = plan.agenda.take(tx, now, batch as usize);
    let full = |n: usize| n >= batch as usize;
    let ends = [
        // Edges and events come in the order they were written.
        (full(edges.len()), edges.iter().map(|edge| edge.at).max()),
        (
            full(happened.len()),
            happened.iter().map(|event| event.arrived_at).max(),
        ),
        (
            full(waiting.len()),
            waiting.last().map(|row| row.input.planned_at),
        ),
        (
            full(wakes.len()),
            wakes.last().and_then(|wake| wake.state.wake_at),
        ),
        (full(entries.len()), entries.last().map(|(at, ..)| *at)),
    ];
    let more = ends.iter().any(|(full, _)| *full);
    let horizon = ends
        .into_iter()
        .filter(|(full, _)| *full)
        .filter_map(|(_, at)| at)
        .min();
    let upto = match entries.last() {
        Some((at, ..)) if full(entries.len()) => *at,
        _ => now,
    };

    let mut items: Vec<(Moment, i64, Item)> = Vec::new();
    // An event is told when it arrives, however long ago it happened. What the people of a sample did within a stride of
    // its clock, which is one commit, is told at its own moment, like everything else.
    let sample = tx
        .catalogue()
        .workspace()
        .is_some_and(|workspace| workspace.sample);
    let told_at = |event: &Event| match sample && event.arrived_at - event.at <= super::STRIDE {
        true => event.at.min(event.arrived_at),
        false => event.arrived_at,
    };
    // And what an answer turned over, with it.
    let mut answered: BTreeMap<(Moment, ContactId), Moment> = BTreeMap::new();
    for event in happened.iter().filter(|_| sample) {
        let last = answered
            .entry((event.arrived_at, event.contact))
            .or_insert_with(|| told_at(event));
        *last = told_at(event).max(*last);
    }
    items.extend(edges.into_iter().map(|edge| {
        let at = answered.get(&(edge.at, edge.contact)).copied();
        (at.unwrap_or(edge.at), edge.id, Item::Edge(edge))
    }));
    items.extend(
        happened
            .into_iter()
            .map(|event| (told_at(&event), event.id.0, Item::Happened(event))),
    );
    items.extend(
        waiting
            .into_iter()
            .map(|row| (row.input.planned_at, row.id, Item::Input(row))),
    );
    items.extend(
        wakes
            .into_iter()
            .map(|wake| (wake.state.wake_at.unwrap_or(now), wake.id.0, Item::Wake(wake))),
    );
    items.extend(entries.into_iter().map(|(at, version, step, contact)| {
        let order = (i64::from(step.0) << 32) | contact.map_or(0, |contact| i64::from(contact.0));
        (at, order, Item::Entry(version, step, contact))
    }));
    let caused = items.iter().filter_map(|(.., item)| item.cause()).collect();
    let mut ranked: Vec<(Moment, u8, i64, Item)> = items
        .into_iter()
        .map(|(at, order, item)| (at, item.rank(plan, &caused), order, item))
        .collect();
    ranked.sort_by_key(|(at, rank, order, _)| (*at, *rank, *order));
    let items = ranked
        .into_iter()
        .map(|(at, rank, _, item)| (at, rank, item))
        .collect();
    Ok(Gathered {
        items,
        more,
        upto,
        horizon,
    })
}

/// What one commit has still to take in.
pub(super) struct Queue {
    items: std::vec::IntoIter<(Moment, u8, Item)>,
    /// How many of the rest concern a contact, and how many everybody.
    of_contact: BTreeMap<ContactId, u32>,
    of_all: u32,
    /// For each length of the rest, the first edge and event in it: cursors only know how far, not which.
    first_left: Vec<(i64, i64)>,
}

impl Queue {
    pub(super) fn new(items: Vec<(Moment, u8, Item)>) -> Queue {
        let (mut of_contact, mut of_all) = (BTreeMap::new(), 0);
        let mut first_left = vec![(i64::MAX, i64::MAX)];
        for (_, _, item) in items.iter().rev() {
            match item.contact() {
                Some(contact) => *of_contact.entry(contact).or_insert(0) += 1,
                None => of_all += 1,
            }
            let (edge, event) = first_left.last().copied().unwrap_or((i64::MAX, i64::MAX));
            first_left.push(match item {
                Item::Edge(row) => (edge.min(row.id), event),
                Item::Happened(row) => (edge, event.min(row.id.0)),
                Item::Input(_) | Item::Wake(_) | Item::Entry(..) => (edge, event),
            });
        }
        Queue {
            items: items.into_iter(),
            of_contact,
            of_all,
            first_left,
        }
    }

    pub(super) fn next(&mut self) -> Option<(Moment, u8, Item)> {
        let next = self.items.next()?;
        match next.2.contact() {
            Some(contact) => {
                let left = self.of_contact.entry(contact).or_insert(1);
                *left = left.saturating_sub(1);
            }
            None => self.of_all -= 1,
        }
        Some(next)
    }

    /// Whether the commit must end here: what was written for a contact comes before what else is to be told of it,
    /// and only what is committed turns memberships over. Never within one kind at one moment.
    pub(super) fn may_stop(
        &self,
        (at, rank): (Moment, u8),
        disturbed: &BTreeSet<ContactId>,
        taken: &Taken,
    ) -> bool {
        let Some((next_at, next_rank, _)) = self.items.as_slice().first() else {
            return false;
        };
        let kind = |rank: u8| match rank {
            0..=2 => 0,
            6..=9 => 6,
            other => other,
        };
        let waits = |contact: &ContactId| {
            self.of_all > 0 || self.of_contact.get(contact).is_some_and(|left| *left > 0)
        };
        (at, kind(rank)) != (*next_at, kind(*next_rank))
            && self.parts_streams(taken)
            && disturbed.iter().any(waits)
    }

    /// Whether all edges and events taken were written before all that are left.
    pub(super) fn parts_streams(&self, taken: &Taken) -> bool {
        let (edge, event) = self
            .first_left
            .get(self.items.len())
            .copied()
            .unwrap_or((i64::MAX, i64::MAX));
        taken.edge.is_none_or(|last| last < edge) && taken.event.is_none_or(|last| last < event)
    }

    /// The moment of what is next, if anything is.
    pub(super) fn next_at(&self) -> Option<Moment> {
        self.items.as_slice().first().map(|(at, ..)| *at)
    }

    pub(super) fn entries_left(self) -> impl Iterator<Item = (Moment, VersionId, StepIx, Option<ContactId>)> {
        self.items.filter_map(|(at, _, item)| match item {
            Item::Entry(version, step, contact) => Some((at, version, step, contact)),
            _ => None,
        })
    }
}

/// How far a commit has come in each stream.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) edge: Option<i64>,
    pub(super) event: Option<i64>,
    pub(super) inputs: Vec<i64>,
}

impl Taken {
    pub(super) fn note(&mut self, item: &Item) {
        match item {
            Item::Edge(edge) => self.edge = self.edge.max(Some(edge.id)),
            Item::Happened(event) => self.event = self.event.max(Some(event.id.0)),
            Item::Input(row) => self.inputs.push(row.id),
            Item::Wake(_) | Item::Entry(..) => {}
        }
    }
}
