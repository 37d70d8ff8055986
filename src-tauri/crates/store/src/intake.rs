//! What came from outside, exactly once.

use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::ms;
use crate::tx::Tx;
use carillon_model::Moment;

const CURSOR: &str = sql!("SELECT epoch, seq FROM intake_cursors WHERE source = ?1");
const SET_CURSOR: &str = sql!(
    "INSERT INTO intake_cursors(source, epoch, seq) VALUES(?1, ?2, ?3)
     ON CONFLICT(source) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq"
);
const ADD_KEY: &str =
    sql!("INSERT INTO intake_keys(source, key, at) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING");
const SEEN: &str =
    sql!("SELECT k.at FROM sources s JOIN intake_keys k ON k.source = s.id WHERE s.text = ?1 AND k.key = ?2");
const SEEN_NOW: &str = sql!("UPDATE intake_keys SET at = ?3 WHERE source = ?1 AND key = ?2");
const FORGET: &str = sql!("DELETE FROM intake_keys WHERE at < ?1", scan: "once a day");

/// How long the keys of unordered sources are kept, in days.
pub const KEEP_DAYS: i64 = 90;

/// How far an ordered source was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeCursor {
    /// Changes when the source was made anew or restored: then its numbers begin again.
    pub epoch: String,
    pub seq: i64,
}

/// How far a source was read, if ever.
///
/// # Errors
/// SQLite's.
pub fn cursor(db: &Db<'_>, source: &str) -> Result<Option<IntakeCursor>> {
    db.one(CURSOR, (source,), |row| {
        Ok(IntakeCursor {
            epoch: row.get(0)?,
            seq: row.get(1)?,
        })
    })
}

/// Moves the cursor of a source, in the write that takes in what was read.
///
/// # Errors
/// SQLite's.
pub fn set_cursor(tx: &mut Tx<'_>, source: &str, cursor: &IntakeCursor) -> Result<()> {
    tx.run(SET_CURSOR, (source, &cursor.epoch, cursor.seq))?;
    tx.touch("intake_cursors", 0, 0);
    Ok(())
}

/// Remembers the keys of a batch of an unordered source: which of them are new, in the order given. A key
/// twice in one batch is new once.
///
/// # Errors
/// SQLite's.
pub fn remember(tx: &mut Tx<'_>, source: &str, keys: &[[u8; 16]]) -> Result<Vec<bool>> {
    let source = tx.source(source)?;
    let now = ms(tx.now());
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|i| (keys[*i], *i));
    let mut new = vec![false; keys.len()];
    for i in order {
        new[i] = tx.run(ADD_KEY, (source, keys[i].as_slice(), now))? > 0;
    }
    tx.touch("intake_keys", 0, 0);
    Ok(new)
}

/// Which of the keys of a source that tells everything again each time have to be remembered now, in the order given:
/// they are new, or were last remembered half of [`KEEP_DAYS`] ago.
///
/// # Errors
/// SQLite's.
pub fn fading(db: &Db<'_>, source: &str, keys: &[[u8; 16]], now: Moment) -> Result<Vec<bool>> {
    let soon = ms(now) - KEEP_DAYS / 2 * 86_400_000;
    keys.iter()
        .map(|key| {
            let seen: Option<i64> = db.one(SEEN, (source, key.as_slice()), |row| Ok(row.get(0)?))?;
            Ok(seen.is_none_or(|at| at < soon))
        })
        .collect()
}

/// [`remember`], and keys that were there count from now on again: for a source that tells everything each time.
///
/// # Errors
/// SQLite's.
pub fn remember_on(tx: &mut Tx<'_>, source: &str, keys: &[[u8; 16]]) -> Result<Vec<bool>> {
    let new = remember(tx, source, keys)?;
    let (source, now) = (tx.source(source)?, ms(tx.now()));
    for (key, _) in keys.iter().zip(&new).filter(|(_, new)| !**new) {
        tx.run(SEEN_NOW, (source, key.as_slice(), now))?;
    }
    Ok(new)
}

/// Forgets keys older than [`KEEP_DAYS`]. How many.
///
/// # Errors
/// SQLite's.
pub fn forget_old(tx: &mut Tx<'_>, now: Moment) -> Result<usize> {
    let gone = tx.run(FORGET, (ms(now) - KEEP_DAYS * 86_400_000,))?;
    tx.touch("intake_keys", 0, 0);
    Ok(gone)
}
