//! Enrolments: where each contact stands in each journey.

mod movements;
mod steps;

pub(crate) use movements::{give_moved, movements, movements_at_end};
pub(crate) use steps::tell_steps;

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::facts;
use crate::rollups::{self, Metric};
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_engine::journey::{ENTRIES_AN_HOUR, PastEnrolment};
use carillon_model::journey::{End, State, StepIx};
use carillon_model::segment::MovementKind;
use carillon_model::{ContactId, EnrolmentId, JourneyId, Moment, VersionId};
use movements::{movements_of, tell_moved};
use rusqlite::Row;

/// One passage of one contact through one journey.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    pub id: EnrolmentId,
    pub journey: JourneyId,
    pub version: VersionId,
    pub contact: ContactId,
    /// 1 for the contact's first passage through the journey.
    pub number: u32,
    pub state: State,
    pub entered_at: Moment,
    pub ended_at: Option<Moment>,
    pub(crate) last_fact: Option<i64>,
    pub(crate) last_call: Option<i64>,
    /// The step the row stands at in the file, which the gauges count.
    stored: Option<StepIx>,
    /// The row has ended in the file.
    over: bool,
}

const GET: &str = sql!(
    "SELECT id, journey, version, contact, number, step, planned_at, wake_at, visits, ended, entered_at, ended_at, last_fact, last_call, reached
     FROM enrolments WHERE id = ?1"
);
const DUE: &str = sql!(
    "SELECT id, journey, version, contact, number, step, planned_at, wake_at, visits, ended, entered_at, ended_at, last_fact, last_call, reached
     FROM enrolments WHERE active = 1 AND wake_at IS NOT NULL AND wake_at <= ?1
       AND journey NOT IN (SELECT value FROM json_each(?3)) ORDER BY wake_at, id LIMIT ?2"
);
const NEXT: &str = sql!(
    "SELECT wake_at FROM enrolments WHERE active = 1 AND wake_at IS NOT NULL
       AND journey NOT IN (SELECT value FROM json_each(?1)) ORDER BY wake_at LIMIT 1"
);
const ACTIVE: &str = sql!(
    "SELECT id, journey, version, contact, number, step, planned_at, wake_at, visits, ended, entered_at, ended_at, last_fact, last_call, reached
     FROM enrolments WHERE contact = ?1 AND active = 1 ORDER BY id"
);
const OF_CONTACT: &str = sql!(
    "SELECT e.id, e.journey, e.version, e.contact, e.number, e.step, e.planned_at, e.wake_at, e.visits, e.ended, e.entered_at, e.ended_at, e.last_fact, e.last_call, e.reached
     FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id
       AND e.contact IN (SELECT ?1 UNION ALL SELECT absorbed FROM contact_aliases WHERE contact = ?1) ORDER BY e.id"
);
const LAST: &str = sql!(
    "SELECT id, journey, version, contact, number, step, planned_at, wake_at, visits, ended, entered_at, ended_at, last_fact, last_call, reached
     FROM enrolments WHERE journey = ?1 AND contact = ?2 ORDER BY number DESC LIMIT 1"
);
const ENTERED: &str = sql!(
    "SELECT number, entered_at, active FROM enrolments WHERE journey = ?1 AND contact = ?2 AND number IN (?3, ?4)"
);
const MERGED_ENTERED: &str = sql!(
    "SELECT max(e.entered_at) FROM contact_aliases a CROSS JOIN enrolments e ON e.journey = ?1 AND e.contact = a.absorbed
     WHERE a.contact = ?2"
);
const WAS_MERGED: &str = sql!("SELECT ended FROM enrolments WHERE id = ?1 AND active = 0");
const LAST_NUMBER: &str =
    sql!("SELECT number FROM enrolments WHERE journey = ?1 AND contact = ?2 ORDER BY number DESC LIMIT 1");
const ADD: &str = sql!(
    "INSERT INTO enrolments(id, journey, version, contact, number, active, step, planned_at, wake_at, visits, entered_at, reached)
     VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10, ?11)"
);
const NUMBERED: &str = sql!("SELECT id FROM enrolments WHERE journey = ?1 AND contact = ?2 AND number = ?3");
const KEPT: &str = sql!("SELECT value FROM meta WHERE key = ?1");
const KEEP: &str = sql!("INSERT INTO meta(key, value) VALUES(?1, ?2)");
const UPDATE: &str = sql!(
    "UPDATE enrolments SET active = ?2, step = ?3, planned_at = ?4, wake_at = ?5, visits = ?6, ended = ?7,
                           ended_at = ?8, last_fact = ?9, last_call = ?10, version = ?11, reached = ?12 WHERE id = ?1"
);
const OF_JOURNEY: &str = sql!(
    "SELECT id, journey, version, contact, number, step, planned_at, wake_at, visits, ended, entered_at, ended_at, last_fact, last_call, reached
     FROM enrolments WHERE journey = ?1 AND contact > ?2 AND active = 1 ORDER BY contact, number LIMIT ?3"
);

fn read(row: &Row<'_>) -> Result<Enrolment> {
    let at = row.get::<_, Option<u16>>(5)?.map(StepIx);
    let ended: Option<String> = row.get(9)?;
    let over = ended.is_some();
    Ok(Enrolment {
        id: EnrolmentId(row.get(0)?),
        journey: JourneyId(row.get(1)?),
        version: VersionId(row.get(2)?),
        contact: ContactId(row.get(3)?),
        number: row.get(4)?,
        state: State {
            at,
            planned_at: moment(row.get(6)?)?,
            wake_at: moment_opt(row.get(7)?)?,
            visits: read_visits(
                row.get_ref(8)?
                    .as_blob()
                    .map_err(|e| Error::damaged("enrolments", e))?,
            )?,
            reached: read_steps(
                row.get_ref(14)?
                    .as_blob_or_null()
                    .map_err(|e| Error::damaged("enrolments", e))?,
            ),
            end: ended.map(|e| from_json("enrolments", &e)).transpose()?,
        },
        entered_at: moment(row.get(10)?)?,
        ended_at: moment_opt(row.get(11)?)?,
        last_fact: row.get(12)?,
        last_call: row.get(13)?,
        stored: at,
        over,
    })
}

/// Six bytes a step: u16 step, u32 count, little-endian.
fn write_visits(visits: &[(StepIx, u32)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(visits.len() * 6);
    for (step, n) in visits {
        bytes.extend_from_slice(&step.0.to_le_bytes());
        bytes.extend_from_slice(&n.to_le_bytes());
    }
    bytes
}

fn read_visits(bytes: &[u8]) -> Result<Vec<(StepIx, u32)>> {
    let (chunks, rest) = bytes.as_chunks::<6>();
    if !rest.is_empty() {
        return Err(Error::damaged(
            "enrolments",
            "the visits of a passage are cut off",
        ));
    }
    Ok(chunks
        .iter()
        .map(|c| {
            (
                StepIx(u16::from_le_bytes([c[0], c[1]])),
                u32::from_le_bytes([c[2], c[3], c[4], c[5]]),
            )
        })
        .collect())
}

/// Two bytes a step, little-endian; most passages have none, and then no cell either.
fn write_steps(steps: &[StepIx]) -> Option<Vec<u8>> {
    (!steps.is_empty()).then(|| steps.iter().flat_map(|s| s.0.to_le_bytes()).collect())
}

fn read_steps(bytes: Option<&[u8]>) -> Vec<StepIx> {
    let (pairs, _) = bytes.unwrap_or_default().as_chunks::<2>();
    pairs.iter().map(|p| StepIx(u16::from_le_bytes(*p))).collect()
}

/// One passage.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: EnrolmentId) -> Result<Option<Enrolment>> {
    db.one(GET, (id.0,), read)
}

/// Passages whose deadline is not after `now`, by deadline and id, but for those of paused journeys.
///
/// # Errors
/// [`Error::Damaged`].
pub fn due(db: &Db<'_>, now: Moment, paused: &[JourneyId], limit: u32) -> Result<Vec<Enrolment>> {
    db.all(DUE, (ms(now), limit, json(&paused)?), read)
}

/// The next deadline of anybody but in paused journeys.
///
/// # Errors
/// SQLite's.
pub fn next_wake(db: &Db<'_>, paused: &[JourneyId]) -> Result<Option<Moment>> {
    moment_opt(db.value(NEXT, (json(&paused)?,))?)
}

/// Passages a contact is in now.
///
/// # Errors
/// [`Error::Damaged`].
pub fn active_of(db: &Db<'_>, contact: ContactId) -> Result<Vec<Enrolment>> {
    db.all(ACTIVE, (contact.0,), read)
}

/// All passages of a contact and of those that were merged into it, past ones included, oldest first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn of_contact(db: &Db<'_>, contact: ContactId) -> Result<Vec<Enrolment>> {
    db.all(OF_CONTACT, (contact.0,), read)
}

/// A contact's last passage through a journey: what the rule of re-entry reads.
///
/// # Errors
/// [`Error::Damaged`].
pub fn last_of(db: &Db<'_>, journey: JourneyId, contact: ContactId) -> Result<Option<Enrolment>> {
    db.one(LAST, (journey.0, contact.0), read)
}

/// What the rule of re-entry reads of a contact's passages through a journey: the last one, and the one that was
/// [`ENTRIES_AN_HOUR`] before the next. Passages of contacts that were merged into it are its own here.
///
/// # Errors
/// [`Error::Damaged`].
pub fn history(db: &Db<'_>, journey: JourneyId, contact: ContactId) -> Result<Vec<PastEnrolment>> {
    let mut known = own_history(db, journey, contact)?;
    let merged: Option<Option<i64>> = db.value(MERGED_ENTERED, (journey.0, contact.0))?;
    if let Some(entered_at) = moment_opt(merged.flatten())? {
        match known.iter_mut().max_by_key(|past| past.number) {
            Some(last) => last.entered_at = last.entered_at.max(entered_at),
            None => known.push(PastEnrolment {
                number: 0,
                entered_at,
                ended: true,
            }),
        }
    }
    Ok(known)
}

fn own_history(db: &Db<'_>, journey: JourneyId, contact: ContactId) -> Result<Vec<PastEnrolment>> {
    let Some(last) = db.value::<u32>(LAST_NUMBER, (journey.0, contact.0))? else {
        return Ok(Vec::new());
    };
    let before = (last + 1).saturating_sub(ENTRIES_AN_HOUR);
    db.all(ENTERED, (journey.0, contact.0, before, last), |row| {
        Ok(PastEnrolment {
            number: row.get(0)?,
            entered_at: moment(row.get(1)?)?,
            ended: !row.get::<_, bool>(2)?,
        })
    })
}

/// Passages of a journey that have not ended, of contacts with an id above `after`, by contact: for stopping.
///
/// # Errors
/// [`Error::Damaged`].
pub fn active_in(
    db: &Db<'_>,
    journey: JourneyId,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Enrolment>> {
    db.all(
        OF_JOURNEY,
        (journey.0, after.map_or(-1, |c| i64::from(c.0)), limit),
        read,
    )
}

/// Begins a passage; its number is one above the contact's last in the journey.
///
/// # Errors
/// [`Error::Invalid`] while the last one has not ended: one passage at a time, always.
pub fn insert(
    tx: &mut Tx<'_>,
    journey: JourneyId,
    version: VersionId,
    contact: ContactId,
    state: State,
    entered_at: Moment,
) -> Result<Enrolment> {
    let last = last_of(tx, journey, contact)?;
    if last.as_ref().is_some_and(|l| l.state.end.is_none()) {
        return Err(Error::Invalid(format!(
            "Contact {contact} is in this journey already."
        )));
    }
    let number = last.map_or(1, |l| l.number + 1);
    let id = match kept_number(tx, journey, contact, number)? {
        Some(id) => id,
        None => tx.take(Mark::Enrolments, 1),
    };
    tx.run(
        ADD,
        (
            id,
            journey.0,
            version.0,
            contact.0,
            number,
            state.at.map(|s| s.0),
            ms(state.planned_at),
            state.wake_at.map(ms),
            write_visits(&state.visits),
            ms(entered_at),
            write_steps(&state.reached),
        ),
    )?;
    if let Some(step) = state.at {
        tx.gauge("standing", i64::from(version.0), i64::from(step.0), 1);
    }
    tx.roll(Metric::Enrolled, i64::from(journey.0), "", entered_at, 1);
    tell_moved(tx, contact, journey, MovementKind::EnteredJourney, entered_at, id);
    tx.touch("enrolments", id, id);
    tx.topic(Topic::Enrolments);
    Ok(Enrolment {
        id: EnrolmentId(id),
        journey,
        version,
        contact,
        number,
        stored: state.at,
        over: false,
        state,
        entered_at,
        ended_at: None,
        last_fact: None,
        last_call: None,
    })
}

fn kept_key(journey: JourneyId, contact: ContactId, number: u32) -> String {
    format!("passage/{journey}/{contact}/{number}")
}

fn kept_number(db: &Db<'_>, journey: JourneyId, contact: ContactId, number: u32) -> Result<Option<i64>> {
    let kept: Option<Vec<u8>> = db.value(KEPT, (kept_key(journey, contact, number),))?;
    kept.map(|bytes| {
        <[u8; 8]>::try_from(bytes)
            .map(i64::from_be_bytes)
            .map_err(|_| Error::damaged("meta", "the number kept for a passage has a wrong length"))
    })
    .transpose()
}

/// The number of a contact's passage, which another copy of this file began as `theirs`: the one it has here, else
/// one that is kept for it until it begins here, so that the messages decided for it there are not decided again.
///
/// # Errors
/// SQLite's.
pub(crate) fn keep_number(
    tx: &mut Tx<'_>,
    journey: JourneyId,
    contact: ContactId,
    number: u32,
    theirs: EnrolmentId,
) -> Result<EnrolmentId> {
    if let Some(id) = tx.value::<i64>(NUMBERED, (journey.0, contact.0, number))? {
        return Ok(EnrolmentId(id));
    }
    if let Some(id) = kept_number(tx, journey, contact, number)? {
        return Ok(EnrolmentId(id));
    }
    let id = match get(tx, theirs)? {
        Some(_) => tx.take(Mark::Enrolments, 1),
        None => theirs.0,
    };
    tx.run(
        KEEP,
        (kept_key(journey, contact, number), id.to_be_bytes().as_slice()),
    )?;
    Ok(EnrolmentId(id))
}

/// Writes where a passage stands, with the facts and calls appended to it before. It was read, or begun, in
/// this same write.
///
/// # Errors
/// [`Error::NotFound`].
pub fn update(tx: &mut Tx<'_>, enrolment: &mut Enrolment) -> Result<()> {
    let state = &enrolment.state;
    let active = state.end.is_none();
    if !active && enrolment.ended_at.is_none() {
        enrolment.ended_at = Some(tx.now());
    }
    let ended = state.end.as_ref().map(json).transpose()?;
    if let (Some(end), Some(at), false) = (&state.end, enrolment.ended_at, enrolment.over) {
        for kind in movements_of(end) {
            tell_moved(
                tx,
                enrolment.contact,
                enrolment.journey,
                *kind,
                at,
                enrolment.id.0,
            );
        }
        steps::tell_end(tx, enrolment, at)?;
    }
    enrolment.over = !active;
    let standing = if active { state.at } else { None };
    let rows = tx.run(
        UPDATE,
        (
            enrolment.id.0,
            active,
            standing.map(|s| s.0),
            ms(state.planned_at),
            state.wake_at.filter(|_| active).map(ms),
            write_visits(&state.visits),
            ended,
            enrolment.ended_at.map(ms),
            enrolment.last_fact,
            enrolment.last_call,
            enrolment.version.0,
            write_steps(&state.reached),
        ),
    )?;
    if rows == 0 {
        return Err(Error::missing("enrolment", enrolment.id));
    }
    if enrolment.stored != standing {
        let version = i64::from(enrolment.version.0);
        if let Some(step) = enrolment.stored {
            tx.gauge("standing", version, i64::from(step.0), -1);
        }
        if let Some(step) = standing {
            tx.gauge("standing", version, i64::from(step.0), 1);
        }
        enrolment.stored = standing;
    }
    tx.touch("enrolments", enrolment.id.0, enrolment.id.0);
    tx.topic(Topic::Enrolments);
    Ok(())
}

/// Ends what a contact is still in, because the contact is erased, and forgets what was known of it on its passages.
pub(crate) fn end_erased(tx: &mut Tx<'_>, contact: ContactId) -> Result<()> {
    for mut enrolment in of_contact(tx, contact)? {
        facts::forget_calls(tx, enrolment.id)?;
        enrolment.last_call = None;
        match enrolment.state.end {
            None => end(tx, enrolment, End::Erased)?,
            Some(_) => update(tx, &mut enrolment)?,
        }
    }
    Ok(())
}

/// Ends a passage that nothing can be told any more: its contact is gone, or its version cannot run.
///
/// # Errors
/// SQLite's.
pub fn end(tx: &mut Tx<'_>, mut enrolment: Enrolment, end: End) -> Result<()> {
    let (journey, now) = (i64::from(enrolment.journey.0), tx.now());
    tx.roll(Metric::Ended, journey, &end_part(&end), now, 1);
    enrolment.state.at = None;
    enrolment.state.wake_at = None;
    enrolment.state.end = Some(end);
    update(tx, &mut enrolment)
}

/// Whether a passage ended because its contact was merged into another.
pub(crate) fn is_merged(db: &Db<'_>, id: EnrolmentId) -> Result<bool> {
    let ended: Option<Option<String>> = db.value(WAS_MERGED, (id.0,))?;
    Ok(match ended.flatten() {
        Some(text) => from_json::<End>("enrolments", &text)? == End::Merged,
        None => false,
    })
}

/// How many stand in each step of a version now, without counting.
///
/// # Errors
/// SQLite's.
pub fn standing(db: &Db<'_>, version: VersionId) -> Result<Vec<(StepIx, u64)>> {
    Ok(rollups::gauges(db, "standing", i64::from(version.0))?
        .into_iter()
        .filter(|(_, n)| *n != 0)
        .map(|(step, n)| (StepIx(u16::try_from(step).unwrap_or(u16::MAX)), n.unsigned_abs()))
        .collect())
}

/// The part of an end in roll-ups: its word, and after a slash its reason where it has one.
pub(crate) fn end_part(end: &End) -> String {
    let (word, reason) = match end {
        End::Completed(reason) => ("completed", reason.as_str()),
        End::Goal(step) => ("goal", step.0.as_str()),
        End::ExitRule(reason) => ("exit_rule", reason.as_str()),
        End::Stopped => ("stopped", ""),
        End::Erased => ("erased", ""),
        End::Merged => ("merged", ""),
    };
    match reason {
        "" => word.to_owned(),
        reason => format!("{word}/{reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_read_back_and_a_cut_off_row_is_reported() {
        let visits = vec![(StepIx(0), 1), (StepIx(65_535), u32::MAX)];
        let bytes = write_visits(&visits);
        assert_eq!(read_visits(&bytes).unwrap(), visits);
        assert!(matches!(read_visits(&bytes[1..]), Err(Error::Damaged { .. })));
    }
}
