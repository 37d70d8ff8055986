//! Tags of contacts.

use super::write::tell_changed;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::ContactId;

const ADD_TAG: &str =
    sql!("INSERT INTO contact_tags(tag, contact, source, at) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
const REMOVE_TAG: &str = sql!("DELETE FROM contact_tags WHERE tag = ?1 AND contact = ?2");
const TAG_NAMES: &str = sql!("SELECT name FROM tags ORDER BY name");
const FIND_TAG: &str = sql!("SELECT id FROM tags WHERE name = ?1");

/// All tags ever used, by name.
///
/// # Errors
/// SQLite's.
pub fn tags(db: &Db<'_>) -> Result<Vec<String>> {
    db.all(TAG_NAMES, (), |row| Ok(row.get(0)?))
}

/// Gives a tag. False: the contact had it.
///
/// # Errors
/// [`Error::NotFound`] for a contact who is not there, [`Error::Invalid`] for an empty tag.
pub fn add_tag(tx: &mut Tx<'_>, id: ContactId, tag: &str, source: &str) -> Result<bool> {
    let tag = tag.trim();
    if tag.is_empty() {
        return Err(Error::Invalid("A tag needs a name.".to_owned()));
    }
    if !super::exists(tx, id)? {
        return Err(Error::missing("contact", id));
    }
    let number = tx.tag(tag)?;
    let source = tx.source(source)?;
    let now = ms(tx.now());
    if tx.run(ADD_TAG, (number, id.0, source, now))? == 0 {
        return Ok(false);
    }
    tell_tag(tx, id, tag, true)?;
    Ok(true)
}

/// Takes a tag. False: the contact did not have it.
///
/// # Errors
/// SQLite's.
pub fn remove_tag(tx: &mut Tx<'_>, id: ContactId, tag: &str) -> Result<bool> {
    let tag = tag.trim();
    let Some(number) = tx.value::<i64>(FIND_TAG, (tag,))? else {
        return Ok(false);
    };
    if tx.run(REMOVE_TAG, (number, id.0))? == 0 {
        return Ok(false);
    }
    tell_tag(tx, id, tag, false)?;
    Ok(true)
}

fn tell_tag(tx: &mut Tx<'_>, id: ContactId, tag: &str, on: bool) -> Result<()> {
    tx.change(Change::TagSet {
        contact: id,
        tag: tag.to_owned(),
        on,
    });
    tx.topic(Topic::Tags);
    tell_changed(tx, id)
}
