//! Writing values of contacts.

use super::adding::Columns;
use super::history::{self, Was};
use super::{CREATED_AT, EMAIL, TIME_ZONE};
use crate::catalogue::{CustomField, FieldRef};
use crate::db::Db;
use crate::duplicates;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::suppressions;
use crate::time::{ms, whole};
use crate::topics::Topic;
use crate::tx::Tx;
use crate::values;
use carillon_model::ContactId;
use carillon_model::consent::SuppressionReason;
use carillon_model::contact::{BUILT_IN_FIELDS, Value};
use rusqlite::types::Value as Cell;
use serde::{Deserialize, Serialize};

pub(super) const FIND: &str = sql!("SELECT id FROM contacts WHERE email = ?1");
const EMAIL_OF: &str = sql!("SELECT email FROM contacts WHERE id = ?1");
const TOUCHED: &str = sql!("UPDATE contacts SET updated_at = ?2 WHERE id = ?1");
const ZONE_SOURCE: &str = sql!("UPDATE contacts SET zone_source = NULL WHERE id = ?1");
const SET_PROVENANCE: &str = sql!(
    "INSERT INTO provenance(contact, field, source, at) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(contact, field) DO UPDATE SET source = excluded.source, at = excluded.at"
);
const DELETE_ONE_PROVENANCE: &str = sql!("DELETE FROM provenance WHERE contact = ?1 AND field = ?2");
const ORIGIN: &str = sql!("SELECT source, at FROM provenance WHERE contact = ?1 AND field = ?2");

/// An address as it is kept and compared: trimmed, lower-cased.
pub fn normalise_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether an update may replace a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The new value wins.
    Overwrite,
    /// Only where there is none.
    EmptyOnly,
}

/// A value an update replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    pub key: String,
    pub was: Option<Value>,
    pub now: Option<Value>,
    /// Who wrote what it was; `None`: whoever added the contact.
    pub(crate) origin: Option<Origin>,
}

/// Who wrote a value, by the number of the source, and when, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) source: i64,
    pub(crate) at: i64,
}

/// Who wrote the value of a field, by its number; `None`: whoever added the contact.
pub(crate) fn origin(db: &Db<'_>, id: ContactId, field: i64) -> Result<Option<Origin>> {
    db.one(ORIGIN, (id.0, field), |row| {
        Ok(Origin {
            source: row.get(0)?,
            at: row.get(1)?,
        })
    })
}

/// Puts a value back as it was, as written by whom it was written. Its field exists, and so does the contact.
pub(crate) fn put_back(
    tx: &mut Tx<'_>,
    id: ContactId,
    key: &str,
    value: Option<&Value>,
    origin: Option<Origin>,
    by: &str,
) -> Result<()> {
    let was = set_field(tx, id, key, value, by)?;
    let field = tx.catalogue.field(key)?.number();
    match origin {
        Some(from) => tx.run(SET_PROVENANCE, (id.0, field, from.source, from.at))?,
        None => tx.run(DELETE_ONE_PROVENANCE, (id.0, field))?,
    };
    if was.as_ref() == value {
        // Nothing was written, but when it was is another moment now.
        tx.change(Change::FieldSet {
            contact: id,
            key: key.to_owned(),
            value: was,
        });
    }
    Ok(())
}

/// Writes values of an existing contact, each by its own rule. An absent value in `row` changes nothing, and
/// neither does one that is there already: neither gets a new provenance.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] for a value its field cannot hold.
pub fn update(
    tx: &mut Tx<'_>,
    id: ContactId,
    columns: &Columns,
    row: &[Option<Value>],
    fill: &[Fill],
    source: &str,
) -> Result<Vec<Updated>> {
    let before = super::record_fields(tx, id)?.ok_or_else(|| Error::missing("contact", id))?;
    let mut changed = Vec::new();
    for (place, key) in columns.keys().enumerate() {
        let Some(new) = row.get(place).and_then(Option::as_ref).cloned().map(values::kept) else {
            continue;
        };
        let was = before.iter().find(|(k, _)| k == key).map(|(_, v)| v);
        let allowed = was.is_none() || fill.get(place).copied().unwrap_or(Fill::Overwrite) == Fill::Overwrite;
        if !allowed || was == Some(&new) {
            continue;
        }
        let origin = origin(tx, id, tx.catalogue.field(key)?.number())?;
        write_value(tx, id, key, Some(&new), source)?;
        changed.push(Updated {
            key: key.to_owned(),
            was: was.cloned(),
            now: Some(new),
            origin,
        });
    }
    if !changed.is_empty() {
        tell_changed(tx, id)?;
    }
    Ok(changed)
}

/// Sets one field, or clears it. `email` may be changed to an address nobody has; it cannot be cleared.
/// What it was is returned; setting what is there already changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Taken`] for an address in use, [`Error::Invalid`] otherwise.
pub fn set_field(
    tx: &mut Tx<'_>,
    id: ContactId,
    key: &str,
    value: Option<&Value>,
    source: &str,
) -> Result<Option<Value>> {
    change(tx, id, key, value, source, true)
}

/// [`set_field`] for who keeps what was there for an undoing: the history does not keep it, too.
pub(crate) fn mend_field(
    tx: &mut Tx<'_>,
    id: ContactId,
    key: &str,
    value: Option<&Value>,
    source: &str,
) -> Result<Option<Value>> {
    change(tx, id, key, value, source, false)
}

fn change(
    tx: &mut Tx<'_>,
    id: ContactId,
    key: &str,
    value: Option<&Value>,
    source: &str,
    keep: bool,
) -> Result<Option<Value>> {
    tx.catalogue.writable(key)?;
    let mut before = super::record_fields(tx, id)?.ok_or_else(|| Error::missing("contact", id))?;
    let place = before.iter().position(|(k, _)| k == key);
    let was = place.map(|at| before.swap_remove(at).1);
    let normal = match (key, value) {
        ("email", Some(Value::Text(email))) => Some(Value::Text(normalise_email(email))),
        (_, value) => value.cloned().map(values::kept),
    };
    if was == normal {
        return Ok(was);
    }
    // What a contact gets in the write that adds it came with it.
    if keep && !(was.is_none() && is_new(tx, &before)) {
        let field = tx.catalogue.field(key)?.number();
        let found = Was {
            field,
            value: was.as_ref(),
            origin: origin(tx, id, field)?,
        };
        let by = Origin {
            source: tx.source(source)?,
            at: ms(tx.now()),
        };
        history::keep(tx, id, &found, by)?;
    }
    write_value(tx, id, key, normal.as_ref(), source)?;
    tell_changed(tx, id)?;
    Ok(was)
}

/// Whether a contact with these values was added at this very moment.
fn is_new(tx: &Tx<'_>, values: &[(String, Value)]) -> bool {
    let added = Value::DateTime(whole(tx.now()));
    let is_added = |(key, value): &(String, Value)| key == BUILT_IN_FIELDS[CREATED_AT].0 && *value == added;
    values.iter().any(is_added)
}

pub(super) fn tell_changed(tx: &mut Tx<'_>, id: ContactId) -> Result<()> {
    let now = ms(tx.now());
    tx.run(TOUCHED, (id.0, now))?;
    contacts_touched(tx, id);
    Ok(())
}

/// Tells that something changed that is read with a contact.
pub(crate) fn contacts_touched(tx: &mut Tx<'_>, id: ContactId) {
    tx.touch("contacts", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Contacts);
}

/// Writes one value with its provenance and tells the index. The contact exists and the value differs.
pub(crate) fn write_value(
    tx: &mut Tx<'_>,
    id: ContactId,
    key: &str,
    value: Option<&Value>,
    source: &str,
) -> Result<()> {
    let catalogue = tx.catalogue.clone();
    let field = catalogue.field(key)?;
    let (cell, currency) = values::cells(field, value)?;
    match field {
        FieldRef::BuiltIn(CREATED_AT) => {
            return Err(Error::Invalid(
                "When a contact was added cannot be changed.".to_owned(),
            ));
        }
        FieldRef::BuiltIn(i) => {
            write_builtin(tx, id, i, &cell)?;
        }
        FieldRef::Custom(c) => {
            match currency {
                Some(currency) => tx.run(&set_money_sql(c), (id.0, cell, currency))?,
                None => tx.run(&set_custom_sql(c), (id.0, cell))?,
            };
        }
        FieldRef::Company(_) | FieldRef::OfCompany(_) => return Err(not_its_own(key)),
    }
    let source = tx.source(source)?;
    let now = ms(tx.now());
    tx.run(SET_PROVENANCE, (id.0, field.number(), source, now))?;
    duplicates::outdated(tx, id)?;
    tx.change(Change::FieldSet {
        contact: id,
        key: key.to_owned(),
        value: value.cloned().map(values::kept),
    });
    Ok(())
}

fn write_builtin(tx: &mut Tx<'_>, id: ContactId, i: usize, cell: &Cell) -> Result<()> {
    if i == TIME_ZONE {
        tx.run(ZONE_SOURCE, (id.0,))?;
    }
    if i != EMAIL {
        tx.run(&builtin_column(i), (id.0, cell))?;
        return Ok(());
    }
    let Cell::Text(email) = cell else {
        return Err(Error::Invalid("A contact needs an e-mail address.".to_owned()));
    };
    if email.is_empty() {
        return Err(Error::Invalid("A contact needs an e-mail address.".to_owned()));
    }
    if tx.value::<u32>(FIND, (email,))?.is_some() || duplicates::by_email(tx, email)?.is_some() {
        return Err(Error::Taken {
            what: "contact",
            name: email.clone(),
        });
    }
    let said = own_word(tx, id)?;
    crate::choices::carry(tx, id, email)?;
    tx.run(&builtin_column(i), (id.0, cell))?;
    if let Some(reason) = said {
        suppressions::add(tx, email, reason, "new address")?;
    }
    suppressions::mark(tx, id, email)
}

/// Why the contact is not written to, where that is the person's own word: it holds for their next address too. A
/// bounce does not.
fn own_word(db: &Db<'_>, id: ContactId) -> Result<Option<SuppressionReason>> {
    let Some(email) = db.value::<String>(EMAIL_OF, (id.0,))? else {
        return Ok(None);
    };
    let said = [SuppressionReason::Unsubscribed, SuppressionReason::Complained];
    Ok(suppressions::contains(db, &email)?.filter(|reason| said.contains(reason)))
}

/// [`crate::catalogue::Catalogue::writable`] refuses them before.
pub(super) fn not_its_own(key: &str) -> Error {
    Error::Invalid(format!("\"{key}\" is a field of companies."))
}

/// The statement that writes a built-in field.
pub(crate) fn builtin_column(i: usize) -> String {
    format!("UPDATE contacts SET {} = ?2 WHERE id = ?1", BUILT_IN_FIELDS[i].0)
}

/// The statement that writes a custom field of a contact or a company.
pub(crate) fn set_custom_sql(custom: &CustomField) -> String {
    let ((table, whose), column) = (custom.table(), custom.column());
    format!(
        "INSERT INTO {table}({whose}, {column}) VALUES(?1, ?2)
         ON CONFLICT({whose}) DO UPDATE SET {column} = excluded.{column}"
    )
}

/// [`set_custom_sql`] of an amount with its currency.
pub(crate) fn set_money_sql(custom: &CustomField) -> String {
    let ((table, whose), column) = (custom.table(), custom.column());
    format!(
        "INSERT INTO {table}({whose}, {column}, {column}c) VALUES(?1, ?2, ?3)
         ON CONFLICT({whose}) DO UPDATE SET {column} = excluded.{column}, {column}c = excluded.{column}c"
    )
}
