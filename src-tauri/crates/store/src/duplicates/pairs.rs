//! Pairs of contacts that may be one person, until somebody says what they are.

use super::kept::Rows;
use crate::contacts;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::tx::Tx;
use carillon_model::contact::Contact;
use carillon_model::{ContactId, Moment, Seq};
use rusqlite::Row;

const GET: &str = sql!(
    "SELECT a, b, state, probability, same, weights, run, changed_at FROM duplicate_pairs WHERE a = ?1 AND b = ?2"
);
const OPEN: &str = sql!(
    "SELECT a, b, state, probability, same, weights, run, changed_at FROM duplicate_pairs
     WHERE state = 0 ORDER BY probability DESC, a, b LIMIT ?1 OFFSET ?2"
);
const OPEN_COUNT: &str = sql!("SELECT count(*) FROM duplicate_pairs WHERE state = 0");
const ANY_OPEN: &str = sql!("SELECT 1 FROM duplicate_pairs WHERE state = 0 LIMIT 1");
const DIFFERENT: &str = sql!(
    "SELECT a, b, state, probability, same, weights, run, changed_at FROM duplicate_pairs
     WHERE state = 1 ORDER BY changed_at DESC, a, b LIMIT ?1"
);
const PUT: &str = sql!(
    "INSERT INTO duplicate_pairs(a, b, state, probability, same, weights, run, changed_at)
     VALUES(?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT(a, b) DO UPDATE SET probability = excluded.probability, same = excluded.same,
       weights = excluded.weights, run = excluded.run, changed_at = excluded.changed_at WHERE state = 0"
);
const SAY: &str = sql!("UPDATE duplicate_pairs SET state = ?3, changed_at = ?4 WHERE a = ?1 AND b = ?2");
const ADD_SAID: &str = sql!(
    "INSERT INTO duplicate_pairs(a, b, state, probability, same, weights, run, changed_at)
     VALUES(?1, ?2, ?3, 0.0, '', '[]', 0, ?4)"
);
const END_RUN: &str = sql!("DELETE FROM duplicate_pairs WHERE state = 0 AND run < ?1");
const OUTDATED: &str = sql!("DELETE FROM duplicate_pairs WHERE state = 0 AND (a = ?1 OR b = ?1)");
const OF: &str = sql!(
    "SELECT a, b, state, probability, same, weights, run, changed_at FROM duplicate_pairs WHERE a = ?1 OR b = ?1"
);
const DROP: &str = sql!("DELETE FROM duplicate_pairs WHERE a = ?1 AND b = ?2");
const HAND_ON: &str = sql!(
    "INSERT INTO duplicate_pairs(a, b, state, probability, same, weights, run, changed_at)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT(a, b) DO UPDATE SET state = 1, changed_at = excluded.changed_at
       WHERE excluded.state = 1 AND duplicate_pairs.state = 0"
);
const CHANGED: &str =
    sql!("SELECT first, last FROM changes WHERE seq > ?1 AND \"table\" = 'contacts' ORDER BY first");

/// What was said of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairState {
    Open,
    /// They are two people: no later search brings the pair back.
    Different,
}

impl PairState {
    fn code(self) -> i64 {
        match self {
            PairState::Open => 0,
            PairState::Different => 1,
        }
    }

    fn of(code: i64) -> Result<PairState> {
        [PairState::Open, PairState::Different]
            .into_iter()
            .find(|state| state.code() == code)
            .ok_or_else(|| Error::damaged("duplicate_pairs", format!("{code} is no state")))
    }
}

/// Two contacts that may be one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The lower number.
    pub a: ContactId,
    pub b: ContactId,
    pub state: PairState,
    /// That they are one person, 0 to 1.
    pub probability: f64,
    /// Words for what is the very same in both.
    pub same: Vec<String>,
    /// What speaks for and against, as the caller's own text (JSON).
    pub weights: String,
    pub run: i64,
    pub changed_at: Moment,
}

fn read(row: &Row<'_>) -> Result<Pair> {
    let same: String = row.get(4)?;
    Ok(Pair {
        a: ContactId(row.get(0)?),
        b: ContactId(row.get(1)?),
        state: PairState::of(row.get(2)?)?,
        probability: row.get(3)?,
        same: same.split_whitespace().map(str::to_owned).collect(),
        weights: row.get(5)?,
        run: row.get(6)?,
        changed_at: moment(row.get(7)?)?,
    })
}

fn ordered(a: ContactId, b: ContactId) -> (u32, u32) {
    (a.0.min(b.0), a.0.max(b.0))
}

/// Both contacts of a pair.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for one contact twice.
pub(super) fn found(db: &Db<'_>, a: ContactId, b: ContactId) -> Result<[Contact; 2]> {
    if a == b {
        return Err(Error::Invalid("These are one contact already.".to_owned()));
    }
    let one = |id| contacts::get(db, id)?.ok_or_else(|| Error::missing("contact", id));
    Ok([one(a)?, one(b)?])
}

/// What is known of a pair, in either order.
///
/// # Errors
/// [`Error::Damaged`].
pub fn pair(db: &Db<'_>, a: ContactId, b: ContactId) -> Result<Option<Pair>> {
    db.one(GET, ordered(a, b), read)
}

/// Pairs that wait for somebody's word, the likeliest first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn open_pairs(db: &Db<'_>, offset: u32, limit: u32) -> Result<Vec<Pair>> {
    db.all(OPEN, (limit, offset), read)
}

/// How many wait.
///
/// # Errors
/// SQLite's.
pub fn open_count(db: &Db<'_>) -> Result<u64> {
    Ok(db.value::<i64>(OPEN_COUNT, ())?.unwrap_or(0).unsigned_abs())
}

/// Pairs that somebody said are two people, the last word first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn different_pairs(db: &Db<'_>, limit: u32) -> Result<Vec<Pair>> {
    db.all(DIFFERENT, (limit,), read)
}

/// A pair a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPair {
    pub a: ContactId,
    pub b: ContactId,
    pub probability: f64,
    pub same: Vec<String>,
    pub weights: String,
}

/// Keeps pairs of a search that read the contacts as the commit `read` had left them. Pairs somebody spoke about stay as
/// they are, and one is left out where a contact is gone or was changed since. How many wait now because of it.
///
/// # Errors
/// SQLite's.
pub fn put(tx: &mut Tx<'_>, found: &[NewPair], run: i64, read: Seq) -> Result<u64> {
    let now = ms(tx.now());
    let changed: Vec<(i64, i64)> = tx.all(CHANGED, (read.0,), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut kept = 0;
    for new in found {
        let as_read = |id: ContactId| -> Result<bool> {
            let id_in = |(first, last): &(i64, i64)| (*first..=*last).contains(&i64::from(id.0));
            Ok(!changed.iter().any(id_in) && contacts::exists(tx, id)?)
        };
        if new.a == new.b || !as_read(new.a)? || !as_read(new.b)? {
            continue;
        }
        let (a, b) = ordered(new.a, new.b);
        let same = new.same.join(" ");
        kept += tx.run(PUT, (a, b, new.probability, same, &new.weights, run, now))? as u64;
    }
    super::tell(tx);
    Ok(kept)
}

/// Ends a search: pairs that wait and were not found again are dropped.
///
/// # Errors
/// SQLite's.
pub fn end_run(tx: &mut Tx<'_>, run: i64) -> Result<u64> {
    let dropped = tx.run(END_RUN, (run,))? as u64;
    super::tell(tx);
    Ok(dropped)
}

/// Writes down what somebody says of a pair, whether a search found it or not.
///
/// # Errors
/// [`Error::NotFound`] for a contact that is gone, [`Error::Invalid`] for one contact twice.
pub fn say(tx: &mut Tx<'_>, a: ContactId, b: ContactId, state: PairState) -> Result<()> {
    found(tx, a, b)?;
    let ((a, b), now) = (ordered(a, b), ms(tx.now()));
    if tx.run(SAY, (a, b, state.code(), now))? == 0 {
        tx.run(ADD_SAID, (a, b, state.code(), now))?;
    }
    super::tell(tx);
    Ok(())
}

/// A value of the contact was written: what a search thought of it holds no more.
pub(crate) fn outdated(tx: &mut Tx<'_>, id: ContactId) -> Result<()> {
    let any = match tx.open_pairs {
        Some(any) => any,
        None => tx.value::<i64>(ANY_OPEN, ())?.is_some(),
    };
    tx.open_pairs = Some(any);
    if any && tx.run(OUTDATED, (id.0,))? > 0 {
        super::tell(tx);
    }
    Ok(())
}

/// Pairs of the absorbed become pairs of the survivor: what was said of one holds for the other. Those that were made.
pub(super) fn hand_on(tx: &mut Tx<'_>, survivor: ContactId, absorbed: ContactId) -> Result<Vec<(u32, u32)>> {
    let now = ms(tx.now());
    let mut made = Vec::new();
    for pair in tx.all(OF, (absorbed.0,), read)? {
        let other = if pair.a == absorbed { pair.b } else { pair.a };
        tx.run(DROP, (pair.a.0, pair.b.0))?;
        if other == survivor {
            continue;
        }
        let (a, b) = ordered(survivor, other);
        let (same, state) = (pair.same.join(" "), pair.state.code());
        let weights = pair.weights.as_str();
        if tx.run(
            HAND_ON,
            (a, b, state, pair.probability, same, weights, pair.run, now),
        )? > 0
        {
            made.push((a, b));
        }
    }
    Ok(made)
}

/// Pairs as they were before a merge, but for those somebody spoke about since.
pub(super) fn take_back(tx: &mut Tx<'_>, was: &Rows, made: &[(u32, u32)]) -> Result<()> {
    let said = |tx: &Tx<'_>, key: (u32, u32), before: i64| -> Result<bool> {
        let now = tx.one(GET, key, read)?;
        Ok(now.is_some_and(|pair| pair.state == PairState::Different && ms(pair.changed_at) > before))
    };
    let key = |row: usize| -> Result<(u32, u32)> {
        let id = |column| -> Result<u32> {
            u32::try_from(was.number(row, column)?).map_err(|e| Error::damaged("merges", e))
        };
        Ok((id("a")?, id("b")?))
    };
    for made in made {
        tx.run(DROP, *made)?;
    }
    for row in 0..was.rows.len() {
        let before = was.number(row, "changed_at")?;
        if !said(tx, key(row)?, before)? {
            was.put_back(tx, row)?;
        }
    }
    Ok(())
}
