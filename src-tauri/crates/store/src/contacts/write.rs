//! Writing contacts.

use super::history::{self, Was};
use super::{CREATED_AT, EMAIL, TIME_ZONE};
use crate::catalogue::{Catalogue, CustomField, FieldRef};
use crate::db::Db;
use crate::duplicates;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::suppressions;
use crate::time::{ms, whole};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use crate::values;
use carillon_model::consent::SuppressionReason;
use carillon_model::contact::{BUILT_IN_FIELDS, Value};
use carillon_model::{ContactId, Moment};
use rusqlite::types::Value as Cell;
use rusqlite::{CachedStatement, OptionalExtension};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const FIND: &str = sql!("SELECT id FROM contacts WHERE email = ?1");
const INSERT: &str = sql!(
    "INSERT INTO contacts(id, email, first_name, last_name, phone, country, city, language, time_zone,
                          zone_source, suppressed, source, created_at, updated_at)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)
     ON CONFLICT(email) DO NOTHING"
);
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

/// Fields of a batch, looked up once: the values of each row stand in this order.
#[derive(Clone, Debug)]
pub struct Columns {
    keys: Vec<Arc<str>>,
    /// Place in the row of each built-in field but `email` and `created_at`.
    builtin: [Option<usize>; BUILT_IN_FIELDS.len()],
    /// Places in the row of custom fields, in the order of the statement.
    custom: Vec<usize>,
    insert_custom: Option<String>,
}

impl Columns {
    /// Looks up the keys.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown key, [`Error::Invalid`] for `email`, `created_at` or a key twice.
    pub fn resolve(db: &Db<'_>, keys: &[&str]) -> Result<Columns> {
        let mut columns = Columns {
            keys: keys.iter().map(|k| Arc::from(*k)).collect(),
            builtin: [None; BUILT_IN_FIELDS.len()],
            custom: Vec::new(),
            insert_custom: None,
        };
        let mut names = String::new();
        let mut marks = String::new();
        let mut next = 2;
        for (place, key) in keys.iter().enumerate() {
            if keys[..place].contains(key) {
                return Err(Error::Invalid(format!("The field \"{key}\" is named twice.")));
            }
            match db.catalogue.writable(key)? {
                FieldRef::BuiltIn(EMAIL | CREATED_AT) => {
                    return Err(Error::Invalid(format!("\"{key}\" is not set as a field.")));
                }
                FieldRef::BuiltIn(i) => columns.builtin[i] = Some(place),
                FieldRef::Custom(c) => {
                    columns.custom.push(place);
                    let column = c.column();
                    names.push_str(&format!(", {column}"));
                    marks.push_str(&format!(", ?{next}"));
                    next += 1;
                    if c.field.field_type == carillon_model::contact::FieldType::Money {
                        names.push_str(&format!(", {column}c"));
                        marks.push_str(&format!(", ?{next}"));
                        next += 1;
                    }
                }
                FieldRef::Company(_) | FieldRef::OfCompany(_) => return Err(not_its_own(key)),
            }
        }
        if next > 2 {
            columns.insert_custom = Some(insert_custom_sql(&names, &marks));
        }
        Ok(columns)
    }

    #[cfg(test)]
    pub(crate) fn insert_custom(&self) -> Option<&str> {
        self.insert_custom.as_deref()
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &**key)
    }
}

fn insert_custom_sql(names: &str, marks: &str) -> String {
    format!("INSERT INTO contact_fields(contact{names}) VALUES(?1{marks})")
}

/// A contact to be added.
#[derive(Clone, Debug)]
pub struct NewContact {
    pub email: String,
    /// One for each of the [`Columns`].
    pub values: Vec<Option<Value>>,
    /// Who chose `time_zone`, if it was not the source of the rest: `country`, `workspace`.
    pub zone_source: Option<String>,
}

/// What became of a row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    New {
        id: ContactId,
        suppressed: bool,
    },
    /// Somebody had the address already; nothing of the row was written.
    Exists(ContactId),
}

impl Inserted {
    /// The contact of the address.
    pub fn id(self) -> ContactId {
        match self {
            Inserted::New { id, .. } | Inserted::Exists(id) => id,
        }
    }
}

/// Adds contacts, sorted by address whatever their order here; the answers are in the order given. An address
/// on the suppression list is added and marked: the gate lets nothing through to it. Values of those who are added are
/// taken out of their rows.
///
/// # Errors
/// [`Error::Invalid`] for an empty address or a value its field cannot hold: then none is added.
pub fn insert_batch(
    tx: &mut Tx<'_>,
    columns: &Columns,
    rows: &mut [NewContact],
    source: &str,
) -> Result<Vec<Inserted>> {
    let catalogue = tx.catalogue.clone();
    let mut emails: Vec<String> = rows.iter().map(|r| normalise_email(&r.email)).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_unstable_by(|a, b| emails[*a].cmp(&emails[*b]).then(a.cmp(b)));
    let check_list = suppressions::any(tx)?;
    let check_aliases = duplicates::any(tx)?;
    let mut adding = Adding::new(tx, &catalogue, columns, source)?;
    let mut done = vec![Inserted::Exists(ContactId(0)); rows.len()];
    let first = tx.marks.get(Mark::Contacts);
    // Lists are of new people or of known ones for long stretches: what the row before was is tried first.
    let mut is_known = true;
    for place in order {
        let email = std::mem::take(&mut emails[place]);
        if email.is_empty() {
            return Err(Error::Invalid("A contact needs an e-mail address.".to_owned()));
        }
        if is_known || check_aliases {
            let mut known = adding.known(&email)?;
            if check_aliases && known.is_none() {
                known = duplicates::by_email(tx, &email)?;
            }
            is_known = known.is_some();
            if let Some(id) = known {
                done[place] = Inserted::Exists(id);
                continue;
            }
        }
        let suppressed = check_list && suppressions::contains(tx, &email)?.is_some();
        let id = next_contact(tx)?;
        if adding.add(tx, &rows[place], &email, id, suppressed)? {
            tx.take(Mark::Contacts, 1);
            let fields = adding.told(&mut rows[place], email);
            tell_added(tx, id, fields, suppressed);
            done[place] = Inserted::New { id, suppressed };
        } else {
            let known = adding.known(&email)?;
            let lost = || Error::damaged("contacts", "an address is taken by nobody");
            done[place] = Inserted::Exists(known.ok_or_else(lost)?);
            is_known = true;
        }
    }
    let last = tx.marks.get(Mark::Contacts) - 1;
    if last >= first {
        let now = tx.now();
        tx.touch("contacts", first, last);
        tx.gauge("contacts", 0, 0, last - first + 1);
        tx.roll(Metric::ContactsAdded, 0, "", now, last - first + 1);
        tx.topic(Topic::Contacts);
    }
    Ok(done)
}

/// The number of a contact who is added next.
fn next_contact(tx: &Tx<'_>) -> Result<ContactId> {
    let id = tx.marks.get(Mark::Contacts);
    u32::try_from(id)
        .map(ContactId)
        .map_err(|_| Error::Invalid("This workspace has no numbers left for new contacts.".to_owned()))
}

fn tell_added(tx: &mut Tx<'_>, contact: ContactId, fields: Vec<(Arc<str>, Value)>, suppressed: bool) {
    tx.change(Change::ContactAdded { contact, fields });
    if suppressed {
        tx.change(Change::SuppressedSet { contact, on: true });
    }
}

/// What all contacts of a batch share: statements, fields, who adds them and when.
struct Adding<'a, 'c> {
    columns: &'a Columns,
    /// One for each of the columns.
    fields: Vec<FieldRef<'a>>,
    email: Arc<str>,
    created_at: Arc<str>,
    source: i64,
    now: Moment,
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    insert_custom: Option<CachedStatement<'c>>,
}

impl<'a, 'c> Adding<'a, 'c> {
    fn new(
        tx: &mut Tx<'c>,
        catalogue: &'a Catalogue,
        columns: &'a Columns,
        source: &str,
    ) -> Result<Adding<'a, 'c>> {
        let fields = columns.keys().map(|key| catalogue.field(key));
        let custom = columns.insert_custom.as_deref();
        let conn = tx.conn;
        Ok(Adding {
            columns,
            fields: fields.collect::<Result<_>>()?,
            email: BUILT_IN_FIELDS[EMAIL].0.into(),
            created_at: BUILT_IN_FIELDS[CREATED_AT].0.into(),
            source: tx.source(source)?,
            now: tx.now(),
            find: conn.prepare_cached(FIND)?,
            insert: conn.prepare_cached(INSERT)?,
            insert_custom: custom.map(|sql| conn.prepare_cached(sql)).transpose()?,
        })
    }

    /// Who has the address.
    fn known(&mut self, email: &str) -> Result<Option<ContactId>> {
        let id = self.find.query_row((email,), |row| row.get(0)).optional()?;
        Ok(id.map(ContactId))
    }

    /// Writes a contact; `false`: somebody has the address, and nothing was written.
    fn add(
        &mut self,
        tx: &mut Tx<'_>,
        row: &NewContact,
        email: &str,
        id: ContactId,
        suppressed: bool,
    ) -> Result<bool> {
        let keys = &self.columns.keys;
        if row.values.len() != keys.len() {
            return Err(Error::Invalid(format!(
                "A row has {} values for {} fields.",
                row.values.len(),
                keys.len()
            )));
        }
        let text = |i: usize| -> Result<Option<&str>> {
            match self.columns.builtin[i].and_then(|place| row.values[place].as_ref()) {
                None => Ok(None),
                Some(value @ Value::Text(text)) => {
                    values::check(FieldRef::BuiltIn(i), value).map(|()| Some(text.as_str()))
                }
                Some(other) => values::check(FieldRef::BuiltIn(i), other).map(|()| None),
            }
        };
        let zone_source = match &row.zone_source {
            Some(zone_source) => Some(tx.source(zone_source)?),
            None => None,
        };
        let added = self.insert.execute(rusqlite::params![
            id.0,
            email,
            text(1)?,
            text(2)?,
            text(3)?,
            text(4)?,
            text(5)?,
            text(6)?,
            text(TIME_ZONE)?,
            zone_source,
            suppressed,
            self.source,
            ms(self.now)
        ])?;
        if added == 0 {
            return Ok(false);
        }
        if let Some(insert) = &mut self.insert_custom {
            let mut cells = Vec::with_capacity(2 * self.columns.custom.len() + 1);
            cells.push(Cell::Integer(i64::from(id.0)));
            for place in &self.columns.custom {
                let (cell, currency) = values::cells(self.fields[*place], row.values[*place].as_ref())?;
                cells.push(cell);
                cells.extend(currency);
            }
            insert.execute(rusqlite::params_from_iter(cells))?;
        }
        Ok(true)
    }

    /// The values of a contact who was written, by their keys; they are taken out of its row.
    fn told(&self, row: &mut NewContact, email: String) -> Vec<(Arc<str>, Value)> {
        let mut fields = Vec::with_capacity(self.columns.keys.len() + 2);
        fields.push((self.email.clone(), Value::Text(email)));
        fields.push((self.created_at.clone(), Value::DateTime(whole(self.now))));
        let given = self.columns.keys.iter().zip(std::mem::take(&mut row.values));
        fields.extend(given.filter_map(|(key, value)| Some((key.clone(), values::kept(value?)))));
        fields
    }
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

/// [`Catalogue::writable`] refuses them before.
fn not_its_own(key: &str) -> Error {
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
