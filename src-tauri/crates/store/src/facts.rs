//! What happened on each passage, and what each call of the kernel got. Both are chains: a row names the one
//! before it, so that a passage's path is read by point reads, newest first, without an index.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::enrolments::{self, Enrolment, end_part};
use crate::error::Result;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::tx::{Mark, Tx};
use carillon_model::journey::{Fact, FactKind};
use carillon_model::{EnrolmentId, Moment, StepId};
use rusqlite::Row;

const ADD: &str =
    sql!("INSERT INTO facts(id, enrolment, prev, at, step, what) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
const PATH: &str = sql!(
    "WITH RECURSIVE chain(id, prev, at, step, what) AS (
       SELECT f.id, f.prev, f.at, f.step, f.what FROM facts f
       WHERE f.id = (SELECT last_fact FROM enrolments WHERE id = ?1)
       UNION ALL
       SELECT f.id, f.prev, f.at, f.step, f.what FROM chain c CROSS JOIN facts f ON f.id = c.prev)
     SELECT at, step, what FROM chain ORDER BY id"
);
const ADD_CALL: &str =
    sql!("INSERT INTO calls(id, enrolment, prev, at, input, who) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
const CALLS: &str = sql!(
    "WITH RECURSIVE chain(id, prev, at, input, who) AS (
       SELECT f.id, f.prev, f.at, f.input, f.who FROM calls f
       WHERE f.id = (SELECT last_call FROM enrolments WHERE id = ?1)
       UNION ALL
       SELECT f.id, f.prev, f.at, f.input, f.who FROM chain c CROSS JOIN calls f ON f.id = c.prev)
     SELECT at, input, who FROM chain ORDER BY id"
);

const FIRST_CALL: &str = sql!(
    "WITH RECURSIVE chain(id, prev, at, input, who) AS (
       SELECT f.id, f.prev, f.at, f.input, f.who FROM calls f
       WHERE f.id = (SELECT last_call FROM enrolments WHERE id = ?1)
       UNION ALL
       SELECT f.id, f.prev, f.at, f.input, f.who FROM chain c CROSS JOIN calls f ON f.id = c.prev)
     SELECT at, input, who FROM chain ORDER BY id LIMIT 1"
);

const FORGET_CALLS: &str = sql!(
    "WITH RECURSIVE chain(id, prev) AS (
       SELECT f.id, f.prev FROM calls f WHERE f.id = (SELECT last_call FROM enrolments WHERE id = ?1)
       UNION ALL
       SELECT f.id, f.prev FROM chain c CROSS JOIN calls f ON f.id = c.prev)
     DELETE FROM calls WHERE id IN (SELECT id FROM chain)"
);

/// Appends facts to a passage, in order. The passage is to be written after it, by [`crate::enrolments::update`].
///
/// # Errors
/// SQLite's.
pub fn append(tx: &mut Tx<'_>, enrolment: &mut Enrolment, facts: &[Fact]) -> Result<()> {
    let journey = i64::from(enrolment.journey.0);
    let first = tx.take(Mark::Facts, facts.len());
    let told = (first..).zip(facts);
    let told = told.map(|(id, fact)| (id, fact.at, &fact.step, &fact.what));
    enrolments::tell_steps(tx, enrolment, told)?;
    for (id, fact) in (first..).zip(facts) {
        tx.run(
            ADD,
            (
                id,
                enrolment.id.0,
                enrolment.last_fact,
                ms(fact.at),
                &fact.step.0,
                json(&fact.what)?,
            ),
        )?;
        enrolment.last_fact = Some(id);
        match &fact.what {
            FactKind::Entered { .. } => tx.roll(Metric::StepEntered, journey, &fact.step.0, fact.at, 1),
            FactKind::Left { port, .. } => {
                tx.roll(
                    Metric::StepLeft,
                    journey,
                    &format!("{}/{port}", fact.step),
                    fact.at,
                    1,
                );
            }
            FactKind::Ended { end } => tx.roll(Metric::Ended, journey, &end_part(end), fact.at, 1),
            _ => {}
        }
    }
    if !facts.is_empty() {
        tx.touch("facts", first, tx.marks.get(Mark::Facts) - 1);
    }
    Ok(())
}

/// All facts of a passage, oldest first.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn path(db: &Db<'_>, enrolment: EnrolmentId) -> Result<Vec<Fact>> {
    db.all(PATH, (enrolment.0,), |row| {
        Ok(Fact {
            at: moment(row.get(0)?)?,
            step: StepId(row.get(1)?),
            what: from_json("facts", &row.get::<_, String>(2)?)?,
        })
    })
}

/// What one call of the kernel got: everything replay reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub at: Moment,
    /// The input as JSON.
    pub input: String,
    /// What the version needs of the contact, as the driver's own compact text.
    pub who: String,
}

/// Keeps a call. The passage is to be written after it, by [`crate::enrolments::update`].
///
/// # Errors
/// SQLite's.
pub fn append_call(tx: &mut Tx<'_>, enrolment: &mut Enrolment, call: &Call) -> Result<()> {
    let id = tx.take(Mark::Calls, 1);
    tx.run(
        ADD_CALL,
        (
            id,
            enrolment.id.0,
            enrolment.last_call,
            ms(call.at),
            &call.input,
            &call.who,
        ),
    )?;
    enrolment.last_call = Some(id);
    tx.touch("calls", id, id);
    Ok(())
}

/// When the last call of a passage was made.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn last_call_at(db: &Db<'_>, enrolment: &Enrolment) -> Result<Option<Moment>> {
    const AT: &str = sql!("SELECT at FROM calls WHERE id = ?1");
    match enrolment.last_call {
        Some(last) => moment_opt(db.value(AT, (last,))?),
        None => Ok(None),
    }
}

/// All calls of a passage, oldest first.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn calls(db: &Db<'_>, enrolment: EnrolmentId) -> Result<Vec<Call>> {
    db.all(CALLS, (enrolment.0,), read_call)
}

/// The call a passage began with; `None` where none was made in this file.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn first_call(db: &Db<'_>, enrolment: EnrolmentId) -> Result<Option<Call>> {
    db.one(FIRST_CALL, (enrolment.0,), read_call)
}

fn read_call(row: &Row<'_>) -> Result<Call> {
    Ok(Call {
        at: moment(row.get(0)?)?,
        input: row.get(1)?,
        who: row.get(2)?,
    })
}

/// Forgets what the calls of a passage got: it is what was known of a contact who is erased.
pub(crate) fn forget_calls(tx: &mut Tx<'_>, enrolment: EnrolmentId) -> Result<()> {
    if tx.run(FORGET_CALLS, (enrolment.0,))? > 0 {
        tx.touch("calls", 0, 0);
    }
    Ok(())
}

/// How many facts there are in the whole file: those handed out less none, as facts are never removed.
///
/// # Errors
/// SQLite's.
pub fn count(db: &Db<'_>) -> Result<u64> {
    const LAST: &str = sql!("SELECT ifnull(max(id), 0) FROM facts");
    Ok(db.value::<i64>(LAST, ())?.unwrap_or(0).unsigned_abs())
}
