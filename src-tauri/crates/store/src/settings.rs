//! What the workspace says of itself, the user's settings, and the cursors of those who read its streams.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::workspace::Workspace;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

const GET: &str = sql!("SELECT value FROM settings WHERE key = ?1");
const SET: &str = sql!(
    "INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
);
const UNSET: &str = sql!("DELETE FROM settings WHERE key = ?1");
const START_CLOCK: &str = sql!("INSERT INTO marks(name, next) VALUES('as_of', ?1)");
const CURSOR: &str = sql!("SELECT position FROM cursors WHERE name = ?1");
const SET_CURSOR: &str = sql!(
    "INSERT INTO cursors(name, position) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET position = excluded.position"
);

/// First rows of a new file.
pub(crate) fn found(conn: &Connection, workspace: &Workspace) -> Result<()> {
    check_zone(workspace)?;
    conn.execute(SET, ("workspace", json(workspace)?))?;
    conn.execute(START_CLOCK, (ms(workspace.created_at),))?;
    Ok(())
}

fn check_zone(workspace: &Workspace) -> Result<()> {
    match workspace.time_zone.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Invalid(format!(
            "\"{}\" is not a time zone. Use a name like Europe/Berlin.",
            workspace.time_zone
        ))),
    }
}

/// What the workspace says of itself.
///
/// # Errors
/// [`Error::Damaged`] when the file has none.
pub fn workspace(db: &Db<'_>) -> Result<Workspace> {
    db.catalogue
        .workspace
        .clone()
        .ok_or_else(|| Error::damaged("settings", "the workspace does not say who it is"))
}

/// Replaces name, zone, address and organisation. Clock, sample mark and creation stay as they were made.
///
/// # Errors
/// [`Error::Invalid`] when the zone is unknown.
pub fn set_workspace(tx: &mut Tx<'_>, workspace: &Workspace) -> Result<()> {
    check_zone(workspace)?;
    let before = self::workspace(tx)?;
    let after = Workspace {
        clock: before.clock,
        sample: before.sample,
        created_at: before.created_at,
        ..workspace.clone()
    };
    tx.run(SET, ("workspace", json(&after)?))?;
    tx.recatalogue()?;
    if before.time_zone != after.time_zone {
        let zone = tx.catalogue.zone;
        tx.change(Change::ZoneSet(zone));
    }
    tx.touch("settings", 0, 0);
    tx.topic(Topic::Workspace);
    Ok(())
}

/// A setting of the user, if it was ever set.
///
/// # Errors
/// [`Error::Damaged`] when it cannot be read as `T`.
pub fn get<T: DeserializeOwned>(db: &Db<'_>, key: &str) -> Result<Option<T>> {
    let text: Option<String> = db.value(GET, (key,))?;
    text.map(|t| from_json("settings", &t)).transpose()
}

/// Sets a setting of the user; `None` takes it away. The key `workspace` is refused.
///
/// # Errors
/// [`Error::Invalid`] for that key.
pub fn set<T: Serialize>(tx: &mut Tx<'_>, key: &str, value: Option<&T>) -> Result<()> {
    if key == "workspace" {
        return Err(Error::Invalid(
            "The workspace itself is not a setting.".to_owned(),
        ));
    }
    match value {
        Some(value) => tx.run(SET, (key, json(value)?))?,
        None => tx.run(UNSET, (key,))?,
    };
    tx.touch("settings", 0, 0);
    tx.topic(Topic::Workspace);
    Ok(())
}

/// How far a reader of a stream has come: 0 before its first row.
///
/// # Errors
/// SQLite's.
pub fn cursor(db: &Db<'_>, name: &str) -> Result<i64> {
    Ok(db.value(CURSOR, (name,))?.unwrap_or(0))
}

/// Moves a reader of a stream, in the commit that carries what it did with the rows.
///
/// # Errors
/// SQLite's.
pub fn set_cursor(tx: &mut Tx<'_>, name: &str, position: i64) -> Result<()> {
    tx.run(SET_CURSOR, (name, position))?;
    tx.touch("cursors", 0, 0);
    Ok(())
}
