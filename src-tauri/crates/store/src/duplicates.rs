//! Contacts that may be one person, and those that were made one.

mod aliases;
mod kept;
mod lent;
mod merge;
mod pairs;
mod person;
mod unmerge;

pub use aliases::{Alias, alias_email, aliases_of, is_alias, moved_people, standing};
pub use merge::merge;
pub use pairs::{NewPair, Pair, PairState, different_pairs, end_run, open_count, open_pairs, pair, put, say};
pub use unmerge::unmerge;

pub(crate) use aliases::{any, by_email, forget};
pub(crate) use lent::{Lent, lent};
pub(crate) use pairs::outdated;

#[cfg(test)]
pub(crate) use kept::{TABLES, insert_sql};

use crate::codes::from_json;
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::{moment, moment_opt};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::contact::Contact;
use carillon_model::{ContactId, MergeId, Moment};
use rusqlite::Row;

const GET: &str = sql!(
    "SELECT m.id, m.survivor, m.absorbed, m.email, s.text, m.at, m.undone_at FROM merges m JOIN sources s ON s.id = m.source
     WHERE m.id = ?1"
);
const LIST: &str = sql!(
    "SELECT m.id, m.survivor, m.absorbed, m.email, s.text, m.at, m.undone_at FROM merges m JOIN sources s ON s.id = m.source
     WHERE m.id < ?1 ORDER BY m.id DESC LIMIT ?2"
);
const WAS: &str = sql!("SELECT was FROM merges WHERE id = ?1 AND undone_at IS NULL");
const INTO: &str = sql!("SELECT was FROM merges WHERE survivor = ?1 AND undone_at IS NULL ORDER BY id");

/// Two contacts that were made one.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    pub id: MergeId,
    pub survivor: ContactId,
    pub absorbed: ContactId,
    /// The address of the absorbed.
    pub email: String,
    /// Who did it.
    pub source: String,
    pub at: Moment,
    /// When it was taken back.
    pub undone_at: Option<Moment>,
}

fn read(row: &Row<'_>) -> Result<Merged> {
    Ok(Merged {
        id: MergeId(row.get(0)?),
        survivor: ContactId(row.get(1)?),
        absorbed: ContactId(row.get(2)?),
        email: row.get(3)?,
        source: row.get(4)?,
        at: moment(row.get(5)?)?,
        undone_at: moment_opt(row.get(6)?)?,
    })
}

/// One merge.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn get(db: &Db<'_>, id: MergeId) -> Result<Option<Merged>> {
    db.one(GET, (id.0,), read)
}

/// Merges, the last first, those before `before` if it is given.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn merges(db: &Db<'_>, before: Option<MergeId>, limit: u32) -> Result<Vec<Merged>> {
    db.all(LIST, (before.map_or(i64::MAX, |id| i64::from(id.0)), limit), read)
}

/// The survivor and the absorbed as they were before a merge, each value with its source and moment. `None`: there is no
/// such merge, or it was taken back.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn before(db: &Db<'_>, id: MergeId) -> Result<Option<[Contact; 2]>> {
    let was: Option<String> = db.value(WAS, (id.0,))?;
    was.map(|text| from_json::<merge::Was>("merges", &text).map(|was| [was.survivor, was.absorbed]))
        .transpose()
}

/// Contacts as they were when they were merged into this one: what they say of it still counts, where the most frequent
/// value is asked for.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn absorbed_into(db: &Db<'_>, contact: ContactId) -> Result<Vec<Contact>> {
    db.all(INTO, (contact.0,), |row| {
        let text: String = row.get(0)?;
        from_json::<merge::Was>("merges", &text).map(|was| was.absorbed)
    })
}

fn tell(tx: &mut Tx<'_>) {
    tx.touch("duplicate_pairs", 0, 0);
    tx.topic(Topic::Duplicates);
}
