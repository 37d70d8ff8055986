//! Reading contacts.

use super::{CREATED_AT, EMAIL, TIME_ZONE};
use crate::catalogue::{COMPANY, Catalogue, FieldRef};
use crate::db::Db;
use crate::duplicates;
use crate::error::Result;
use crate::sql::sql;
use crate::time::moment;
use crate::values;
use carillon_model::contact::{
    BUILT_IN_FIELDS, COMPANY_FIELDS, COMPANY_PREFIX, Contact, FieldType, FieldValue, Provenance, Value,
};
use carillon_model::{ContactId, Moment};
use rusqlite::Row;
use std::collections::{BTreeSet, HashMap};

/// Columns every reading statement begins with.
pub(crate) const CELLS: &str = "c.id, c.email, c.first_name, c.last_name, c.phone, c.country, c.city, c.language, c.time_zone, c.created_at, c.zone_source, c.source, c.company_id";
/// How many of them there are.
const FIXED: usize = 13;

const BY_EMAIL: &str = sql!("SELECT id FROM contacts WHERE email = ?1");
const ADDRESS: &str = sql!("SELECT email FROM contacts WHERE id = ?1");
const COUNT: &str = sql!("SELECT n FROM gauges WHERE gauge = 'contacts' AND object = 0 AND part = 0");
const TAGS: &str = sql!(
    "SELECT t.name FROM tags t WHERE EXISTS(SELECT 1 FROM contact_tags x WHERE x.tag = t.id AND x.contact = ?1) ORDER BY t.name"
);
const PROVENANCE: &str = sql!(
    "SELECT p.field, s.text, p.at FROM provenance p JOIN sources s ON s.id = p.source WHERE p.contact = ?1"
);
const SOURCE: &str = sql!("SELECT text FROM sources WHERE id = ?1");

/// A statement over contacts with their custom fields and the values of their companies, prepared for one catalogue.
pub(crate) struct Reader<'a> {
    /// All but the built-in fields, with the place of their first cell.
    further: Vec<(FieldRef<'a>, usize)>,
    pub(crate) select: String,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue) -> Reader<'a> {
        let own = catalogue.active().map(FieldRef::Custom);
        let of_company = (0..COMPANY_FIELDS.len()).map(FieldRef::Company);
        let of_company = of_company.chain(catalogue.of_companies().map(FieldRef::OfCompany));
        Reader::with(own.chain(of_company))
    }

    /// A reader of what is said of contacts themselves, retired fields included.
    pub(crate) fn said(catalogue: &'a Catalogue) -> Reader<'a> {
        let own = catalogue.custom.iter().filter(|custom| {
            let field = &custom.field;
            !field.is_of_company() && field.score.is_none()
        });
        let company = FieldRef::Company(COMPANY);
        Reader::with(own.map(FieldRef::Custom).chain([company]))
    }

    /// A reader of one field's values ([`Reader::value`]).
    pub(crate) fn only(field: FieldRef<'a>) -> Reader<'a> {
        let further = !matches!(field, FieldRef::BuiltIn(_));
        Reader::with(further.then_some(field))
    }

    /// A reader of these fields alone: what is not asked for is not read.
    fn asked(catalogue: &'a Catalogue, keys: &[String]) -> Reader<'a> {
        let found = catalogue.all().filter(|field| {
            let built_in = matches!(field, FieldRef::BuiltIn(_));
            !built_in && keys.iter().any(|key| key == field.key())
        });
        Reader::with(found)
    }

    fn with(fields: impl IntoIterator<Item = FieldRef<'a>>) -> Reader<'a> {
        let mut select = format!("SELECT {CELLS}");
        let mut further = Vec::new();
        let mut place = FIXED;
        for field in fields {
            further.push((field, place));
            for column in columns(field) {
                select.push_str(", ");
                select.push_str(&column);
                place += 1;
            }
        }
        select.push_str(
            " FROM contacts c LEFT JOIN contact_fields f ON f.contact = c.id LEFT JOIN companies k ON k.id = c.company_id
              LEFT JOIN company_fields w ON w.company = c.company_id",
        );
        Reader { further, select }
    }

    /// The statement for one contact by its id.
    pub(crate) fn by_id(&self) -> String {
        format!("{} WHERE c.id = ?1", self.select)
    }

    /// The statement for contacts after an id, in order.
    pub(crate) fn after_id(&self) -> String {
        format!("{} WHERE c.id > ?1 ORDER BY c.id LIMIT ?2", self.select)
    }

    /// The statement for contacts whose ids lie between two, in order.
    pub(crate) fn between_ids(&self) -> String {
        format!("{} WHERE c.id BETWEEN ?1 AND ?2 ORDER BY c.id", self.select)
    }

    /// The row's value of one of its fields.
    pub(crate) fn value(&self, row: &Row<'_>, field: FieldRef<'_>) -> Result<Option<Value>> {
        match field {
            FieldRef::BuiltIn(CREATED_AT) => Ok(Some(Value::DateTime(moment(row.get(CREATED_AT + 1)?)?))),
            FieldRef::BuiltIn(i) => Ok(built_in(row, i)),
            FieldRef::Custom(_) | FieldRef::Company(_) | FieldRef::OfCompany(_) => {
                let number = field.number();
                let place = self.further.iter().find(|(own, _)| own.number() == number);
                place.map_or(Ok(None), |(own, place)| cell(row, *own, *place))
            }
        }
    }

    /// Each value of the row, with its field.
    pub(crate) fn values(&self, row: &Row<'_>, mut each: impl FnMut(FieldRef<'_>, Value)) -> Result<()> {
        for i in 0..CREATED_AT {
            if let Some(value) = built_in(row, i) {
                each(FieldRef::BuiltIn(i), value);
            }
        }
        each(
            FieldRef::BuiltIn(CREATED_AT),
            Value::DateTime(moment(row.get(9)?)?),
        );
        for (field, place) in &self.further {
            if let Some(value) = cell(row, *field, *place)? {
                each(*field, value);
            }
        }
        Ok(())
    }

    fn contact(&self, db: &Db<'_>, row: &Row<'_>, sources: &mut HashMap<i64, String>) -> Result<Contact> {
        let id: u32 = row.get(0)?;
        let created_at = moment(row.get(9)?)?;
        let later: HashMap<i64, Provenance> = db
            .all(PROVENANCE, (id,), |p| {
                let provenance = Provenance {
                    source: p.get(1)?,
                    at: moment(p.get(2)?)?,
                };
                Ok((p.get::<_, i64>(0)?, provenance))
            })?
            .into_iter()
            .collect();
        let first = source_text(db, sources, row.get(11)?)?;
        let zone_source = row
            .get::<_, Option<i64>>(10)?
            .map(|s| source_text(db, sources, s))
            .transpose()?;
        let measured = self.measured(db, id)?;
        let company: Option<i64> = row.get(12)?;
        let company = company.map(|id| crate::companies::changed_at(db, id).map(|at| (id, at)));
        let company = company.transpose()?;
        let mut fields = Vec::new();
        self.values(row, |field, value| {
            let by_score = field.custom().and_then(|custom| custom.field.score.as_ref());
            let by_score = by_score.map(|score| Provenance {
                source: format!("score:{score}"),
                at: measured.get(score).copied().unwrap_or(created_at),
            });
            // Which company it is was said of the contact; all else was said of the company.
            let by_company = match field {
                FieldRef::Company(COMPANY) | FieldRef::BuiltIn(_) | FieldRef::Custom(_) => None,
                FieldRef::Company(_) | FieldRef::OfCompany(_) => company.map(|(id, at)| Provenance {
                    source: format!("company:{id}"),
                    at: at.unwrap_or(created_at),
                }),
            };
            let later = by_score
                .or(by_company)
                .or_else(|| later.get(&field.number()).cloned());
            let provenance = later.unwrap_or_else(|| Provenance {
                source: match (field, &zone_source) {
                    (FieldRef::BuiltIn(TIME_ZONE), Some(source)) => source.clone(),
                    _ => first.clone(),
                },
                at: created_at,
            });
            fields.push(FieldValue {
                key: field.key().to_owned(),
                value,
                provenance,
            });
        })?;
        Ok(Contact {
            id: ContactId(id),
            email: row.get(1 + EMAIL)?,
            fields,
            tags: tags_of(db, id)?,
            created_at,
        })
    }

    /// When each score of a contact last changed, by key.
    fn measured(&self, db: &Db<'_>, id: u32) -> Result<HashMap<String, Moment>> {
        let scored = |field: &FieldRef<'_>| matches!(field, FieldRef::Custom(c) if c.field.score.is_some());
        if !self.further.iter().any(|(field, _)| scored(field)) {
            return Ok(HashMap::new());
        }
        let all = db.all(crate::scores::LAST_CHANGES, (id,), |row| {
            Ok((row.get(0)?, moment(row.get(1)?)?))
        })?;
        Ok(all.into_iter().collect())
    }
}

/// A text of a built-in field, by its place among them.
fn built_in(row: &Row<'_>, i: usize) -> Option<Value> {
    let text = row.get_ref(i + 1).ok()?.as_str_or_null().ok().flatten()?;
    Some(Value::Text(text.to_owned()))
}

/// The value of a field that is not built in and whose first cell is there.
fn cell(row: &Row<'_>, field: FieldRef<'_>, place: usize) -> Result<Option<Value>> {
    let currency = match field.field_type() {
        FieldType::Money => Some(row.get_ref(place + 1)?),
        _ => None,
    };
    values::value(field, row.get_ref(place)?, currency)
}

/// The cells of a field that is not built in, as a statement of [`Reader`] reads them.
fn columns(field: FieldRef<'_>) -> Vec<String> {
    let first = match field {
        FieldRef::Custom(custom) => format!("f.{}", custom.column()),
        FieldRef::OfCompany(custom) => format!("w.{}", custom.column()),
        FieldRef::Company(i) => format!("k.{}", company_column(i)),
        FieldRef::BuiltIn(i) => format!("c.{}", builtin_key(i)),
    };
    match field.field_type() {
        FieldType::Money => vec![first.clone(), format!("{first}c")],
        _ => vec![first],
    }
}

/// The column of `companies` of a field every company has.
pub(crate) fn company_column(i: usize) -> &'static str {
    COMPANY_FIELDS[i].0.trim_start_matches(COMPANY_PREFIX)
}

pub(super) fn source_text(db: &Db<'_>, known: &mut HashMap<i64, String>, id: i64) -> Result<String> {
    if let Some(text) = known.get(&id) {
        return Ok(text.clone());
    }
    let text: String = db.value(SOURCE, (id,))?.unwrap_or_default();
    known.insert(id, text.clone());
    Ok(text)
}

fn tags_of(db: &Db<'_>, id: u32) -> Result<BTreeSet<String>> {
    Ok(db.all(TAGS, (id,), |row| Ok(row.get(0)?))?.into_iter().collect())
}

/// A contact with all values, their provenance, and tags. `None`: nobody has this id (any more).
///
/// # Errors
/// [`crate::Error::Damaged`] when a column holds what its field cannot.
pub fn get(db: &Db<'_>, id: ContactId) -> Result<Option<Contact>> {
    Ok(get_many(db, &[id])?.pop())
}

/// [`get`] for many, in the order asked; those that are gone are left out.
///
/// # Errors
/// As [`get`].
pub fn get_many(db: &Db<'_>, ids: &[ContactId]) -> Result<Vec<Contact>> {
    let reader = Reader::new(&db.catalogue);
    let select = reader.by_id();
    let mut sources = HashMap::new();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(contact) = db.one(&select, (id.0,), |row| reader.contact(db, row, &mut sources))? {
            found.push(contact);
        }
    }
    Ok(found)
}

/// Contacts with an id above `after`, in order: for exports. Walk with the last id until it is empty.
///
/// # Errors
/// As [`get`].
pub fn range_after(db: &Db<'_>, after: Option<ContactId>, limit: u32) -> Result<Vec<Contact>> {
    let reader = Reader::new(&db.catalogue);
    let mut sources = HashMap::new();
    db.all(
        &reader.after_id(),
        (after.map_or(-1, |id| i64::from(id.0)), limit),
        |row| reader.contact(db, row, &mut sources),
    )
}

/// A contact with the values asked for, in their order.
pub type Asked = (ContactId, Vec<Option<Value>>);

/// Contacts with an id above `after`, in order, with no more than these fields: for whoever walks through all. A key
/// that is no field has no values.
///
/// # Errors
/// As [`get`].
pub fn values_after(
    db: &Db<'_>,
    keys: &[String],
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Asked>> {
    let reader = Reader::asked(&db.catalogue, keys);
    let place = places(keys);
    db.all(
        &reader.after_id(),
        (after.map_or(-1, |id| i64::from(id.0)), limit),
        |row| asked(&reader, row, &place),
    )
}

/// [`values_after`] for these contacts, in the order asked; those that are gone are left out.
///
/// # Errors
/// As [`get`].
pub fn values_of(db: &Db<'_>, keys: &[String], ids: &[ContactId]) -> Result<Vec<Asked>> {
    let reader = Reader::asked(&db.catalogue, keys);
    let select = reader.by_id();
    let place = places(keys);
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(db.one(&select, (id.0,), |row| asked(&reader, row, &place))?);
    }
    Ok(found)
}

fn places(keys: &[String]) -> HashMap<&str, usize> {
    keys.iter()
        .enumerate()
        .map(|(i, key)| (key.as_str(), i))
        .collect()
}

fn asked(reader: &Reader<'_>, row: &Row<'_>, place: &HashMap<&str, usize>) -> Result<Asked> {
    let mut values = vec![None; place.len()];
    reader.values(row, |field, value| {
        if let Some(i) = place.get(field.key()) {
            values[*i] = Some(value);
        }
    })?;
    Ok((ContactId(row.get(0)?), values))
}

/// The contact of an address, in any case and with spaces around.
///
/// # Errors
/// As [`get`].
pub fn by_email(db: &Db<'_>, email: &str) -> Result<Option<Contact>> {
    match id_of(db, email)? {
        Some(id) => get(db, id),
        None => Ok(None),
    }
}

/// The id of an address, as [`by_email`]. The address of a contact that was merged into another leads to that one.
///
/// # Errors
/// SQLite's.
pub fn id_of(db: &Db<'_>, email: &str) -> Result<Option<ContactId>> {
    match holder_of(db, email)? {
        Some(id) => Ok(Some(id)),
        None => duplicates::by_email(db, &super::normalise_email(email)),
    }
}

/// Whoever has this very address now.
pub(crate) fn holder_of(db: &Db<'_>, email: &str) -> Result<Option<ContactId>> {
    Ok(db
        .value(BY_EMAIL, (super::normalise_email(email),))?
        .map(ContactId))
}

/// The address of a contact.
///
/// # Errors
/// SQLite's.
pub fn email_of(db: &Db<'_>, id: ContactId) -> Result<Option<String>> {
    db.value(ADDRESS, (id.0,))
}

/// How many contacts there are, without counting.
///
/// # Errors
/// SQLite's.
pub fn count(db: &Db<'_>) -> Result<u64> {
    Ok(u64::try_from(db.value::<i64>(COUNT, ())?.unwrap_or(0)).unwrap_or(0))
}

/// Values of one contact by key: what the rows say, for checks against the index.
///
/// # Errors
/// As [`get`].
pub fn record_fields(db: &Db<'_>, id: ContactId) -> Result<Option<Vec<(String, Value)>>> {
    let reader = Reader::new(&db.catalogue);
    db.one(&reader.by_id(), (id.0,), |row| {
        let mut found = Vec::new();
        reader.values(row, |field, value| found.push((field.key().to_owned(), value)))?;
        Ok(found)
    })
}

/// The label of a built-in column, which is its key.
pub(crate) fn builtin_key(i: usize) -> &'static str {
    BUILT_IN_FIELDS[i].0
}

const THERE: &str = sql!("SELECT 1 FROM contacts WHERE id = ?1");

/// Whether somebody has this id.
///
/// # Errors
/// SQLite's.
pub fn exists(db: &Db<'_>, id: ContactId) -> Result<bool> {
    Ok(db.value::<i64>(THERE, (id.0,))?.is_some())
}
