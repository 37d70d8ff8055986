//! Adding contacts, many at a time.

use super::write::{FIND, normalise_email, not_its_own};
use super::{CREATED_AT, EMAIL, TIME_ZONE};
use crate::catalogue::{Catalogue, FieldRef};
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
use carillon_engine::index::Given;
use carillon_model::contact::{BUILT_IN_FIELDS, Value};
use carillon_model::{ContactId, Moment};
use rusqlite::types::Value as Cell;
use rusqlite::{CachedStatement, OptionalExtension};
use std::sync::Arc;

const INSERT: &str = sql!(
    "INSERT INTO contacts(id, email, first_name, last_name, phone, country, city, language, time_zone,
                          zone_source, suppressed, source, created_at, updated_at)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)
     ON CONFLICT(email) DO NOTHING"
);

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
    tx.expect(2 * rows.len());
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

fn tell_added(tx: &mut Tx<'_>, contact: ContactId, fields: Given, suppressed: bool) {
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
    /// Keys of the columns, `email` and `created_at`.
    told: Arc<[Arc<str>]>,
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
        let always = [EMAIL, CREATED_AT].map(|field| BUILT_IN_FIELDS[field].0);
        let conn = tx.conn;
        Ok(Adding {
            columns,
            fields: fields.collect::<Result<_>>()?,
            told: columns
                .keys
                .iter()
                .cloned()
                .chain(always.map(Arc::from))
                .collect(),
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
    fn told(&self, row: &mut NewContact, email: String) -> Given {
        let mut values = std::mem::take(&mut row.values);
        for value in values.iter_mut().flatten() {
            values::keep(value);
        }
        values.push(Some(Value::Text(email)));
        values.push(Some(Value::DateTime(whole(self.now))));
        Given::of(self.told.clone(), values)
    }
}
