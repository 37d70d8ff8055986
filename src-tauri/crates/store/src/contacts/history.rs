//! Where the values of a contact came from, and what they were before.
//!
//! Who replaces a value keeps what it was: imports, cleansings and merges for their undoing, whoever else writes in
//! `contact_history`. So nothing is kept twice, and a value knows who wrote it when, who replaced it when, and what stood
//! there before, as far back as the file goes. New contacts have no rows: all their values came with them.
//!
//! Taking something back is a writing too. A value that an import wrote and that went back is told as what it was: from
//! that import, until its undoing. Only a merge that is taken back leaves nothing here: what it lent was another person's.

mod told;

pub use told::{Past, of};

pub(crate) use told::is_told;

use super::{Origin, TIME_ZONE};
use crate::codes::json;
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::ContactId;
use carillon_model::contact::Value;

/// Earlier values of one field of one contact that `contact_history` keeps: the newest. A field that a shop or a journey
/// writes every hour would fill the file otherwise.
pub const MOST_KEPT: i64 = 1_000;

const KEEP: &str = sql!(
    "INSERT INTO contact_history(contact, field, n, was, was_source, was_at, source, at)
     VALUES(?1, ?2, (SELECT ifnull(max(n), 0) + 1 FROM contact_history WHERE contact = ?1 AND field = ?2),
            ?3, ?4, ?5, ?6, ?7) RETURNING n"
);
const DROP_OLD: &str = sql!("DELETE FROM contact_history WHERE contact = ?1 AND field = ?2 AND n <= ?3");
const FORGET: &str = sql!("DELETE FROM contact_history WHERE contact = ?1");
const FORGET_IMPORTED: &str =
    sql!("DELETE FROM import_changes WHERE import IN (SELECT id FROM imports) AND contact = ?1");
const ZONE: &str =
    sql!("SELECT zone_source, created_at FROM contacts WHERE id = ?1 AND zone_source IS NOT NULL");
const WRITTEN: &str = sql!(
    "SELECT was_at FROM contact_history WHERE contact = ?1 AND field = ?2 AND was_source = ?3
     UNION ALL SELECT at FROM provenance WHERE contact = ?1 AND field = ?2 AND source = ?3 LIMIT 1"
);
const HAND_ON: &str = sql!(
    "UPDATE contact_history SET was = ?6, was_source = ?7, was_at = ?8
     WHERE contact = ?1 AND field = ?2 AND was_source = ?3 AND was_at = ?4 AND at >= ?5"
);

/// A value that stood in a field, by the field's number, and who had written it; `None`: whoever added the contact.
pub(crate) struct Was<'v> {
    pub(crate) field: i64,
    pub(crate) value: Option<&'v Value>,
    pub(crate) origin: Option<Origin>,
}

/// Keeps what a field was. `by`: who replaced it, and when.
pub(crate) fn keep(tx: &Tx<'_>, contact: ContactId, was: &Was<'_>, by: Origin) -> Result<()> {
    let origin = match was.origin {
        None if was.field == TIME_ZONE as i64 => chosen_zone(tx, contact)?,
        origin => origin,
    };
    let value = was.value.map(json).transpose()?;
    let (source, at) = (origin.map(|o| o.source), origin.map(|o| o.at));
    let n: Option<i64> = tx.value(KEEP, (contact.0, was.field, value, source, at, by.source, by.at))?;
    if let Some(n) = n.filter(|n| *n > MOST_KEPT) {
        tx.run(DROP_OLD, (contact.0, was.field, n - MOST_KEPT))?;
    }
    Ok(())
}

/// Who chose the time zone of a contact, where it was not whoever added them.
fn chosen_zone(db: &Db<'_>, contact: ContactId) -> Result<Option<Origin>> {
    db.one(ZONE, (contact.0,), |row| {
        Ok(Origin {
            source: row.get(0)?,
            at: row.get(1)?,
        })
    })
}

/// Keeps what somebody found in a field and keeps no longer for an undoing, because others wrote there since. `or_at`: the
/// moment of that writing, where nothing says it more exactly.
pub(crate) fn outlive(tx: &Tx<'_>, contact: ContactId, was: &Was<'_>, source: i64, or_at: i64) -> Result<()> {
    let at = tx
        .value(WRITTEN, (contact.0, was.field, source))?
        .unwrap_or(or_at);
    keep(tx, contact, was, Origin { source, at })
}

/// A value that was only lent is told no more: whoever replaced it since `since` replaced what was there before it.
pub(crate) fn hand_on(
    tx: &Tx<'_>,
    contact: ContactId,
    lent: Origin,
    since: i64,
    was: &Was<'_>,
) -> Result<()> {
    let value = was.value.map(json).transpose()?;
    let (source, at) = (was.origin.map(|o| o.source), was.origin.map(|o| o.at));
    tx.run(
        HAND_ON,
        (
            contact.0,
            was.field,
            lent.source,
            lent.at,
            since,
            value,
            source,
            at,
        ),
    )?;
    Ok(())
}

/// Forgets what a contact's values were, with the contact.
pub(crate) fn forget(tx: &Tx<'_>, contact: ContactId) -> Result<()> {
    tx.run(FORGET, (contact.0,))?;
    tx.run(FORGET_IMPORTED, (contact.0,))?;
    Ok(())
}
