//! Custom fields: typed columns of `contact_fields`, or of `company_fields` for those of companies, added and retired at run time, never dropped.

use crate::catalogue::{CustomField, FieldRef};
use crate::codes::{json, word};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use crate::values::{self, MOST_OPTIONS};
use carillon_model::ContactId;
use carillon_model::contact::{BUILT_IN_FIELDS, COMPANY_FIELDS, COMPANY_PREFIX, Field, FieldType};

/// Most custom fields a workspace can have, retired ones included (SQLite's limit is 2,000 columns).
pub const MOST_FIELDS: usize = 900;

const ADD: &str = sql!(
    "INSERT INTO fields(key, label, type, options, position, created_at, score)
     VALUES(?1, ?2, ?3, ?4, (SELECT ifnull(max(position), 0) + 1 FROM fields), ?5, ?6) RETURNING id"
);
const RETIRE: &str =
    sql!("UPDATE fields SET retired_at = ?2, key = key || ':' || id WHERE key = ?1 AND retired_at IS NULL");
const CHANGE: &str = sql!("UPDATE fields SET label = ?2, options = ?3 WHERE key = ?1 AND retired_at IS NULL");

/// All fields in use: the built-in ones, then the custom ones in their order.
pub fn list(db: &Db<'_>) -> Vec<Field> {
    db.catalogue.fields()
}

/// Adds a custom field: one row, and one column (two for money) in about a millisecond however many
/// contacts there are.
///
/// # Errors
/// [`Error::Taken`] for a key in use, [`Error::Invalid`] for a key, type or options that cannot be.
pub fn add(tx: &mut Tx<'_>, field: &Field) -> Result<()> {
    if field.score.is_some() {
        return Err(Error::Invalid(
            "Fields of scores come and go with their score.".to_owned(),
        ));
    }
    insert(tx, field)
}

/// [`add`] of any field, also one that a score writes.
pub(crate) fn insert(tx: &mut Tx<'_>, field: &Field) -> Result<()> {
    check_key(&field.key)?;
    check_options(field)?;
    if tx.catalogue.field(&field.key).is_ok() {
        return Err(Error::Taken {
            what: "field",
            name: field.key.clone(),
        });
    }
    if tx.catalogue.custom.len() >= MOST_FIELDS {
        return Err(Error::Invalid(format!(
            "A workspace has at most {MOST_FIELDS} fields of its own."
        )));
    }
    if field.is_of_company() && field.score.is_some() {
        return Err(Error::Invalid(
            "A score measures contacts, not companies.".to_owned(),
        ));
    }
    let now = ms(tx.now());
    let id: i64 = tx
        .value(
            ADD,
            (
                &field.key,
                label(field),
                word(&field.field_type)?,
                json(&field.options)?,
                now,
                &field.score,
            ),
        )?
        .ok_or_else(|| Error::damaged("fields", "a new field got no number"))?;
    let custom = CustomField {
        id,
        field: field.clone(),
        retired: false,
    };
    for statement in columns(&custom) {
        tx.conn.execute_batch(&statement)?;
    }
    tx.recatalogue()?;
    tx.touch("fields", id, id);
    tx.topic(Topic::Fields);
    Ok(())
}

/// Statements that give a new field its place.
pub(crate) fn columns(custom: &CustomField) -> Vec<String> {
    let (kind, column) = (values::column_type(custom.field.field_type), custom.column());
    let (table, _) = custom.table();
    let mut statements = vec![format!("ALTER TABLE {table} ADD COLUMN {column} {kind}")];
    if custom.field.field_type == FieldType::Money {
        statements.push(format!("ALTER TABLE {table} ADD COLUMN {column}c TEXT"));
    }
    statements
}

/// Changes the label of a custom field, and adds options to a choice: those it has keep their places.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] when an option would be lost or moved.
pub fn change(tx: &mut Tx<'_>, key: &str, new_label: &str, options: &[String]) -> Result<()> {
    let Some(custom) = tx.catalogue.field(key)?.custom() else {
        return Err(Error::Invalid(format!(
            "\"{key}\" is built in and cannot be changed."
        )));
    };
    tx.catalogue.said(key)?;
    let field = Field {
        label: new_label.to_owned(),
        options: options.to_vec(),
        ..custom.field.clone()
    };
    if !options.starts_with(&custom.field.options) {
        return Err(Error::Invalid(format!(
            "The options of \"{key}\" can grow at the end; none can be taken away or moved, because contacts have them."
        )));
    }
    check_options(&field)?;
    tx.run(CHANGE, (key, label(&field), json(&field.options)?))?;
    tx.recatalogue()?;
    tx.touch("fields", 0, 0);
    tx.topic(Topic::Fields);
    Ok(())
}

/// Retires a custom field: its values are no longer shown or asked for; the column stays, the key is free.
/// For the segments that name it, nobody has a value any more.
///
/// # Errors
/// [`Error::NotFound`] for a key that is not a custom field in use.
pub fn retire(tx: &mut Tx<'_>, key: &str) -> Result<()> {
    tx.catalogue.said(key)?;
    remove(tx, key)
}

/// [`retire`] of any field, also one that a score writes.
pub(crate) fn remove(tx: &mut Tx<'_>, key: &str) -> Result<()> {
    let holders = match tx.catalogue.field(key).ok().and_then(FieldRef::custom) {
        Some(custom) => holders_sql(custom),
        None => return Err(Error::missing("custom field", key)),
    };
    let holders = tx.all(&holders, (), |row| Ok(row.get::<_, u32>(0)?))?;
    tx.run(RETIRE, (key, ms(tx.now())))?;
    tx.recatalogue()?;
    tx.touch("fields", 0, 0);
    for contact in holders {
        tx.change(Change::FieldSet {
            contact: ContactId(contact),
            key: key.to_owned(),
            value: None,
        });
    }
    tx.topic(Topic::Fields);
    tx.topic(Topic::Contacts);
    tx.topic(Topic::Companies);
    Ok(())
}

/// `scan:` somebody retires a field once in a long while, and all who hold it are meant.
pub(crate) fn holders_sql(custom: &CustomField) -> String {
    let column = custom.column();
    match custom.field.is_of_company() {
        true => format!(
            "SELECT c.id FROM company_fields f CROSS JOIN contacts c ON c.company_id = f.company WHERE f.{column} IS NOT NULL"
        ),
        false => format!("SELECT contact FROM contact_fields WHERE {column} IS NOT NULL"),
    }
}

fn label(field: &Field) -> &str {
    if field.label.trim().is_empty() {
        &field.key
    } else {
        &field.label
    }
}

fn check_key(key: &str) -> Result<()> {
    let own = key.strip_prefix(COMPANY_PREFIX).unwrap_or(key);
    let mut letters = own.bytes();
    let starts = letters.next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !starts || !rest || own.len() > 63 {
        return Err(Error::Invalid(format!(
            "\"{key}\" cannot be the key of a field: use lower-case letters, digits and _, a letter first, at most 63."
        )));
    }
    if BUILT_IN_FIELDS.iter().chain(COMPANY_FIELDS).any(|f| f.0 == key) {
        return Err(Error::Taken {
            what: "field",
            name: key.to_owned(),
        });
    }
    Ok(())
}

fn check_options(field: &Field) -> Result<()> {
    let chooses = matches!(field.field_type, FieldType::Choice | FieldType::MultiChoice);
    if !chooses && !field.options.is_empty() {
        return Err(Error::Invalid(format!(
            "\"{}\" is not a choice and has no options.",
            field.key
        )));
    }
    if chooses && (field.options.is_empty() || field.options.len() > MOST_OPTIONS) {
        return Err(Error::Invalid(format!(
            "A choice has 1 to {MOST_OPTIONS} options; \"{}\" has {}.",
            field.key,
            field.options.len()
        )));
    }
    let distinct: std::collections::BTreeSet<&String> = field.options.iter().collect();
    if distinct.len() != field.options.len() || field.options.iter().any(|o| o.trim().is_empty()) {
        return Err(Error::Invalid(format!(
            "The options of \"{}\" must differ and not be empty.",
            field.key
        )));
    }
    Ok(())
}
