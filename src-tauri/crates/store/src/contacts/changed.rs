//! When the values of contacts were written, for an index that is asked for it: [`changed_key`] of a field is a moment that
//! follows the value.
//!
//! It is not kept twice: `provenance` says it of a value that was written later than the contact was added, and of any other
//! it is that moment.

use crate::catalogue::{Catalogue, FieldRef};
use crate::contacts::{CREATED_AT, Reader};
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::moment;
use crate::tx::Tx;
use carillon_engine::index::Change;
use carillon_engine::segment::changed_key;
use carillon_model::contact::Value;
use carillon_model::{ContactId, Moment};
use std::collections::{BTreeMap, BTreeSet};

const WRITTEN: &str = sql!(
    "SELECT ifnull(p.at, c.created_at) FROM contacts c LEFT JOIN provenance p ON p.contact = c.id AND p.field = ?2
     WHERE c.id = ?1"
);
const WRITTEN_BY: &str =
    sql!("SELECT contact, at FROM provenance WHERE contact BETWEEN ?1 AND ?2 AND field = ?3");
const ADDED: &str = sql!("SELECT id, created_at FROM contacts WHERE id BETWEEN ?1 AND ?2");

/// The fields of which the file knows when they were written.
pub(crate) fn known(catalogue: &Catalogue) -> impl Iterator<Item = FieldRef<'_>> {
    catalogue.all().filter(|field| is_known(*field))
}

fn is_known(field: FieldRef<'_>) -> bool {
    match field {
        FieldRef::BuiltIn(place) => place != CREATED_AT,
        FieldRef::Custom(custom) => custom.field.score.is_none(),
        FieldRef::Company(_) | FieldRef::OfCompany(_) => false,
    }
}

/// Says in the commit when the values were written that it changes, where somebody follows that.
pub(crate) fn follow(tx: &mut Tx<'_>, changes: &mut Vec<Change>) -> Result<()> {
    let wanted = wanted(tx, changes);
    if wanted.is_empty() {
        return Ok(());
    }
    let mut told = Vec::new();
    for change in changes.iter() {
        match change {
            Change::FieldSet { contact, key, value } if wanted.contains(key) => {
                told.push(written(tx, *contact, key, value.is_some())?);
            }
            Change::ContactAdded { contact, fields } => {
                for (key, _) in fields.iter().filter(|(key, _)| wanted.contains(&***key)) {
                    told.push(written(tx, *contact, key, true)?);
                }
            }
            _ => {}
        }
    }
    changes.append(&mut told);
    Ok(())
}

/// Keys of the fields whose writing is followed; all where the commit itself may say who follows what.
fn wanted(tx: &Tx<'_>, changes: &[Change]) -> BTreeSet<String> {
    let defines = |change: &Change| {
        matches!(
            change,
            Change::SegmentSaved { .. } | Change::WatchAdded { .. } | Change::ScorePublished { .. }
        )
    };
    let writes = |change: &Change| matches!(change, Change::FieldSet { .. } | Change::ContactAdded { .. });
    if !changes.iter().any(writes) {
        return BTreeSet::new();
    }
    let all = changes.iter().any(defines);
    let keys = known(&tx.catalogue).map(|field| field.key().to_owned());
    tx.with_index(|index| keys.filter(|key| all || index.follows_writing(key)).collect())
}

fn written(db: &Db<'_>, contact: ContactId, key: &str, there: bool) -> Result<Change> {
    let number = db.catalogue.field(key)?.number();
    let at = match there {
        true => db.value::<i64>(WRITTEN, (contact.0, number))?,
        false => None,
    };
    Ok(Change::FieldSet {
        contact,
        key: changed_key(key),
        value: at.map(moment).transpose()?.map(Value::DateTime),
    })
}

/// When the values of a field were written of those contacts of a range who have one.
pub(crate) fn each(
    db: &Db<'_>,
    field: FieldRef<'_>,
    range: (i64, i64),
    mut give: impl FnMut(ContactId, Moment),
) -> Result<()> {
    if !is_known(field) {
        return Ok(());
    }
    let mut written: BTreeMap<u32, i64> = BTreeMap::new();
    db.each(ADDED, range, |row| {
        written.insert(row.get(0)?, row.get(1)?);
        Ok(())
    })?;
    db.each(WRITTEN_BY, (range.0, range.1, field.number()), |row| {
        written.insert(row.get(0)?, row.get(1)?);
        Ok(())
    })?;
    let reader = Reader::only(field);
    db.each(&reader.between_ids(), range, |row| {
        let id: u32 = row.get(0)?;
        if reader.value(row, field)?.is_some()
            && let Some(at) = written.get(&id)
        {
            give(ContactId(id), moment(*at)?);
        }
        Ok(())
    })
}
