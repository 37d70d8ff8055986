//! The inbox of the tick: what a passage is to be told, in planned order, until it was told.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::tx::{Mark, Tx};
use carillon_model::event::Event;
use carillon_model::journey::{Input, Outcome};
use carillon_model::{ContactId, EnrolmentId, EventId, JourneyId, MessageId, Moment, StepId};
use serde::{Deserialize, Serialize};

/// What waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "pending", rename_all = "snake_case")]
pub enum Pending {
    /// Ready for the kernel, of the version the passage is on.
    Input { input: Input },
    /// The contact did something while its journey was paused: it is told to the passage the contact is in then, or
    /// lets it in.
    Happened { event: Event },
    /// A contact comes in at an entry step, of the version that is entered when it is told.
    Enter {
        entry: StepId,
        planned: Moment,
        event: Option<EventId>,
    },
    /// What became of a message. Steps are named by their id here, because the row outlives mappings.
    Outcome {
        message: MessageId,
        step: StepId,
        visit: u32,
        outcome: Outcome,
    },
}

/// An input to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewInput {
    /// When it happened, or was to happen: the order in which inputs are told.
    pub planned_at: Moment,
    /// For whom; `None` where the passage is still to begin.
    pub enrolment: Option<EnrolmentId>,
    /// For a passage that is still to begin.
    pub journey: Option<JourneyId>,
    pub contact: ContactId,
    pub pending: Pending,
}

impl NewInput {
    /// Whether it only says that a field its wait hangs on was written.
    pub fn is_moved(&self) -> bool {
        matches!(self.pending, Pending::Input { input: Input::Moved })
    }
}

/// An input that waits, with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRow {
    pub id: i64,
    pub input: NewInput,
}

const ADD: &str = sql!(
    "INSERT INTO inputs(id, planned_at, journey, enrolment, contact, input) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
);
const DUE: &str = sql!(
    "SELECT id, planned_at, journey, enrolment, contact, input FROM inputs
     WHERE planned_at <= ?1 AND (journey IS NULL OR journey NOT IN (SELECT value FROM json_each(?3)))
     ORDER BY planned_at, id LIMIT ?2"
);
const NEXT: &str = sql!(
    "SELECT planned_at FROM inputs WHERE journey IS NULL OR journey NOT IN (SELECT value FROM json_each(?1))
     ORDER BY planned_at LIMIT 1"
);
const DONE: &str = sql!("DELETE FROM inputs WHERE id = ?1");
const ENTERING: &str = sql!(
    "SELECT id, input FROM inputs WHERE journey = ?1 AND contact = ?2 AND enrolment IS NULL ORDER BY id"
);
const COMING: &str = sql!("SELECT 1 FROM inputs WHERE journey = ?1 AND enrolment IS NULL LIMIT 1");
const FORGET: &str = sql!(
    "DELETE FROM inputs WHERE contact = ?1",
    scan: "a contact is erased once, and the inbox is nearly empty between ticks"
);
const DROP: &str = sql!(
    "DELETE FROM inputs WHERE journey = ?1",
    scan: "a journey is stopped once, and the inbox is nearly empty between ticks"
);

/// Keeps inputs until they are told.
///
/// # Errors
/// SQLite's.
pub fn push(tx: &mut Tx<'_>, inputs: &[NewInput]) -> Result<()> {
    let first = tx.take(Mark::Inputs, inputs.len());
    for (id, input) in (first..).zip(inputs) {
        tx.run(
            ADD,
            (
                id,
                ms(input.planned_at),
                input.journey.map(|j| j.0),
                input.enrolment.map(|e| e.0),
                input.contact.0,
                json(&input.pending)?,
            ),
        )?;
    }
    if !inputs.is_empty() {
        tx.touch("inputs", first, tx.marks.get(Mark::Inputs) - 1);
    }
    Ok(())
}

/// Whether somebody waits to be let into a journey.
///
/// # Errors
/// SQLite's.
pub fn entering(db: &Db<'_>, journey: JourneyId) -> Result<bool> {
    Ok(db.value::<i64>(COMING, (journey.0,))?.is_some())
}

/// Keeps a contact's way in at an entry in place of earlier ones there that no event brought.
///
/// # Errors
/// SQLite's; [`crate::Error::Damaged`].
pub fn push_last(tx: &mut Tx<'_>, input: NewInput) -> Result<()> {
    let place = |pending: &Pending| match pending {
        Pending::Enter {
            entry, event: None, ..
        } => Some(entry.clone()),
        _ => None,
    };
    if let (Some(journey), Some(wanted)) = (input.journey, place(&input.pending)) {
        let waiting: Vec<(i64, Pending)> = tx.all(ENTERING, (journey.0, input.contact.0), |row| {
            Ok((row.get(0)?, from_json("inputs", &row.get::<_, String>(1)?)?))
        })?;
        let earlier = waiting
            .iter()
            .filter(|(_, pending)| place(pending) == Some(wanted.clone()));
        let earlier: Vec<i64> = earlier.map(|(id, _)| *id).collect();
        done(tx, &earlier)?;
    }
    push(tx, &[input])
}

/// Inputs planned for `now` or earlier, in planned order, but for those of paused journeys.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn due(db: &Db<'_>, now: Moment, paused: &[JourneyId], limit: u32) -> Result<Vec<InputRow>> {
    db.all(DUE, (ms(now), limit, json(&paused)?), |row| {
        Ok(InputRow {
            id: row.get(0)?,
            input: NewInput {
                planned_at: moment(row.get(1)?)?,
                journey: row.get::<_, Option<u32>>(2)?.map(JourneyId),
                enrolment: row.get::<_, Option<i64>>(3)?.map(EnrolmentId),
                contact: ContactId(row.get(4)?),
                pending: from_json("inputs", &row.get::<_, String>(5)?)?,
            },
        })
    })
}

/// The moment of the first input that waits, but for those of paused journeys.
///
/// # Errors
/// SQLite's.
pub fn next(db: &Db<'_>, paused: &[JourneyId]) -> Result<Option<Moment>> {
    moment_opt(db.value(NEXT, (json(&paused)?,))?)
}

/// Takes inputs away, in the write that told them.
///
/// # Errors
/// SQLite's.
pub fn done(tx: &mut Tx<'_>, ids: &[i64]) -> Result<()> {
    for id in ids {
        tx.run(DONE, (id,))?;
    }
    if !ids.is_empty() {
        tx.touch("inputs", 0, 0);
    }
    Ok(())
}

/// Drops what waits for a journey, because it was stopped.
///
/// # Errors
/// SQLite's.
pub fn drop_of(tx: &mut Tx<'_>, journey: JourneyId) -> Result<()> {
    if tx.run(DROP, (journey.0,))? > 0 {
        tx.touch("inputs", 0, 0);
    }
    Ok(())
}

/// Drops what waits for a contact who is erased.
pub(crate) fn forget(tx: &Tx<'_>, contact: ContactId) -> Result<()> {
    tx.run(FORGET, (contact.0,))?;
    Ok(())
}
