//! Who can tell of an opt-out, and when each was read last: what the gate asks before marketing leaves.

use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment_opt, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::Moment;

const LIST: &str = sql!("SELECT name, label, read_at, trouble FROM opt_out_sources ORDER BY name");
const KEEP: &str = sql!(
    "INSERT INTO opt_out_sources(name, label) VALUES(?1, ?2)
     ON CONFLICT(name) DO UPDATE SET label = excluded.label"
);
const REMOVE: &str = sql!("DELETE FROM opt_out_sources WHERE name = ?1");
const READ: &str = sql!("UPDATE opt_out_sources SET read_at = ?2, trouble = NULL WHERE name = ?1");
const TROUBLE: &str = sql!("UPDATE opt_out_sources SET trouble = ?2 WHERE name = ?1 AND trouble IS NOT ?2");
const FORGET: &str = sql!("UPDATE opt_out_sources SET read_at = NULL WHERE read_at IS NOT NULL");
const FRESH: &str = sql!(
    "SELECT count(*), ifnull(sum(read_at IS NULL OR read_at < ?1 OR read_at > ?2), 0) FROM opt_out_sources"
);

/// A source of opt-outs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutSource {
    /// `mailbox:1`, `relay`, `provider:2`.
    pub name: String,
    /// What the user calls it.
    pub label: String,
    /// Everything up to then is taken in.
    pub read_at: Option<Moment>,
    /// Why it could not be read since.
    pub trouble: Option<String>,
}

/// All of them.
///
/// # Errors
/// SQLite's.
pub fn list(db: &Db<'_>) -> Result<Vec<OptOutSource>> {
    db.all(LIST, (), |row| {
        Ok(OptOutSource {
            name: row.get(0)?,
            label: row.get(1)?,
            read_at: moment_opt(row.get(2)?)?,
            trouble: row.get(3)?,
        })
    })
}

/// Whether there is a source, and each was read since a moment. A reading of the future is none: the clock was moved.
///
/// # Errors
/// SQLite's.
pub fn all_read_since(db: &Db<'_>, since: Moment, now: Moment) -> Result<bool> {
    let counted = db.one(FRESH, (ms(since), ms(now)), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    Ok(matches!(counted, Some((all, 0)) if all > 0))
}

/// Adds a source, or gives it another label. It counts as unread until it is read.
///
/// # Errors
/// [`Error::Invalid`] without a name.
pub fn keep(tx: &mut Tx<'_>, name: &str, label: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::Invalid("A source of opt-outs needs a name.".to_owned()));
    }
    tx.run(KEEP, (name, label))?;
    tell(tx);
    Ok(())
}

/// Removes a source: it is listened to no more.
///
/// # Errors
/// SQLite's.
pub fn remove(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.run(REMOVE, (name,))?;
    tell(tx);
    Ok(())
}

/// Notes that everything a source had up to a moment is taken in: in the write that takes in the last of it, or after it.
/// False: there is no such source any more.
///
/// # Errors
/// SQLite's.
pub fn read(tx: &mut Tx<'_>, name: &str, up_to: Moment) -> Result<bool> {
    let known = tx.run(READ, (name, ms(up_to)))? > 0;
    tell(tx);
    Ok(known)
}

/// Notes why a source could not be read.
///
/// # Errors
/// SQLite's.
pub fn failed(tx: &mut Tx<'_>, name: &str, why: &str) -> Result<()> {
    if tx.run(TROUBLE, (name, why))? > 0 {
        tell(tx);
    }
    Ok(())
}

/// Lets every source count as unread: the file was restored, or is a copy of another.
///
/// # Errors
/// SQLite's.
pub fn forget_all(tx: &mut Tx<'_>) -> Result<()> {
    if tx.run(FORGET, ())? > 0 {
        tell(tx);
    }
    Ok(())
}

/// Tells screens that the relay of this workspace, or what it is told, changed.
pub fn relay_changed(tx: &mut Tx<'_>) {
    tx.touch("settings", 0, 0);
    tx.topic(Topic::Relay);
}

/// Tells screens and the loop that what counts as read lately changed.
pub fn changed(tx: &mut Tx<'_>) {
    tell(tx);
}

fn tell(tx: &mut Tx<'_>) {
    tx.touch("opt_out_sources", 0, 0);
    tx.topic(Topic::OptOutSources);
}
