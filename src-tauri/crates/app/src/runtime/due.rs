//! What is due, in the order in which it is to be told.

use super::plan::Plan;
use carillon_model::event::Event;
use carillon_model::journey::StepIx;
use carillon_model::{ContactId, EventId, Moment, VersionId};
use carillon_store::enrolments::{self, Enrolment};
use carillon_store::segments::EdgeRow;
use carillon_store::{Result, Tx, events, inputs, segments, settings};
use chrono::TimeDelta;

/// Rows of each kind of input that one commit takes in.
pub(super) const BATCH: u32 = 500;
pub(super) const EDGES: &str = "tick_edges";
pub(super) const EVENTS: &str = "tick_events";
/// Dates and schedules up to this moment (milliseconds) have let their contacts in.
pub(super) const ENTRIES: &str = "tick_entries";

/// Something that is to be told, with the moment it is meant for.
pub(super) enum Item {
    Edge(EdgeRow),
    Happened(Event),
    Input(inputs::InputRow),
    Wake(Enrolment),
    Entry(VersionId, StepIx, Option<ContactId>),
}

// Within one moment: memberships first, then deadlines, then what happened.
const EDGE: u8 = 0;
const ENTRY: u8 = 1;
const WAKE: u8 = 2;
const INPUT: u8 = 3;
const HAPPENED: u8 = 4;

impl Item {
    pub(super) fn rank(&self) -> u8 {
        match self {
            Item::Edge(_) => EDGE,
            Item::Entry(..) => ENTRY,
            Item::Wake(_) => WAKE,
            Item::Input(_) => INPUT,
            Item::Happened(_) => HAPPENED,
        }
    }
}

/// What one commit takes in.
pub(super) struct Due {
    /// Each with the moment it is meant for and its order within it.
    pub(super) items: Vec<(Moment, i64, Item)>,
    /// Rows of `inputs` among them.
    pub(super) told: Vec<i64>,
    pub(super) last_edge: Option<i64>,
    pub(super) last_event: Option<EventId>,
    /// Dates and schedules up to here are among them.
    pub(super) entries_upto: Moment,
    /// There is more than fits.
    pub(super) more: bool,
}

/// Up to [`BATCH`] rows of each kind. Where one kind has more, the others stop at the moment it stops at: nobody is
/// told of ten o'clock before what a full batch has left of nine.
pub(super) fn due(tx: &Tx<'_>, plan: &mut Plan, now: Moment) -> Result<Due> {
    let paused = plan.paused();
    let full = |n: usize| n >= BATCH as usize;
    let mut edges = segments::edges_after(tx, settings::cursor(tx, EDGES)?, BATCH)?;
    let mut happened = events::after(tx, EventId(settings::cursor(tx, EVENTS)?), BATCH)?;
    let mut waiting = inputs::due(tx, now, &paused, BATCH)?;
    let mut wakes = enrolments::due(tx, now, &paused, BATCH)?;
    let ends = [
        // Edges and events are read in the order they were written; the latest moment among them is where they stop.
        (full(edges.len()), edges.iter().map(|e| e.at).max(), EDGE),
        (
            full(happened.len()),
            happened.iter().map(|e| e.arrived_at).max(),
            HAPPENED,
        ),
        (
            full(waiting.len()),
            waiting.last().map(|row| row.input.planned_at),
            INPUT,
        ),
        (
            full(wakes.len()),
            wakes.last().and_then(|wake| wake.state.wake_at),
            WAKE,
        ),
    ];
    let end = ends
        .into_iter()
        .filter_map(|(full, at, rank)| Some((at.filter(|_| full)?, rank)))
        .min();
    let mut more = end.is_some();
    let mut horizon = end.unwrap_or((now, u8::MAX)).min((now, u8::MAX));
    let mut entries_upto = match horizon {
        (at, rank) if rank < ENTRY => at - TimeDelta::milliseconds(1),
        (at, _) => at,
    };
    let entries = plan.take_due(tx, entries_upto, BATCH as usize);
    if full(entries.len())
        && let Some((at, ..)) = entries.last()
    {
        horizon = horizon.min((*at, ENTRY));
        entries_upto = *at;
        more = true;
    }
    let beyond = |at: Moment, rank: u8| (at, rank) > horizon;
    let first = |found: Option<usize>, all: usize| found.unwrap_or(all);
    edges.truncate(first(edges.iter().position(|e| beyond(e.at, EDGE)), edges.len()));
    happened.truncate(first(
        happened.iter().position(|e| beyond(e.arrived_at, HAPPENED)),
        happened.len(),
    ));
    waiting.retain(|row| !beyond(row.input.planned_at, INPUT));
    wakes.retain(|wake| !wake.state.wake_at.is_some_and(|at| beyond(at, WAKE)));
    let mut due = Due {
        items: Vec::new(),
        told: waiting.iter().map(|row| row.id).collect(),
        last_edge: edges.last().map(|e| e.id),
        last_event: happened.last().map(|e| e.id),
        entries_upto,
        more,
    };
    let items = &mut due.items;
    items.extend(edges.into_iter().map(|e| (e.at, e.id, Item::Edge(e))));
    // An event is told when it arrives, however long ago it happened.
    items.extend(
        happened
            .into_iter()
            .map(|e| (e.arrived_at, e.id.0, Item::Happened(e))),
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
        let order = contact.map_or(-1, |c| i64::from(c.0));
        (at, order, Item::Entry(version, step, contact))
    }));
    Ok(due)
}
