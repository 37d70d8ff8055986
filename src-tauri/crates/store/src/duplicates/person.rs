//! What is stored of one contact, part by part, so that a part can go back where nobody touched it since.

use super::kept::{Cell, Rows};
use crate::catalogue::{COMPANY, Catalogue, FieldRef};
use crate::contacts::{EMAIL, Origin, TIME_ZONE, builtin_column, set_custom_sql, set_money_sql};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::suppressions::{self, hash, written_keys};
use crate::tx::Tx;
use carillon_model::ContactId;
use carillon_model::contact::{BUILT_IN_FIELDS, FieldType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const CONTACT: &str = sql!("SELECT * FROM contacts WHERE id = ?1");
pub(super) const VALUES: &str = sql!("SELECT * FROM contact_fields WHERE contact = ?1");
pub(super) const PROVENANCE: &str = sql!("SELECT * FROM provenance WHERE contact = ?1");
pub(super) const TAGS: &str =
    sql!("SELECT x.* FROM tags t CROSS JOIN contact_tags x ON x.tag = t.id AND x.contact = ?1");
pub(super) const PERMISSIONS: &str = sql!("SELECT * FROM permissions WHERE contact = ?1");
const CHOICES: &str = sql!("SELECT * FROM choices WHERE hash = ?1 AND key = ?2");
const LISTED: &str = sql!("SELECT * FROM suppressions WHERE hash = ?1 AND key = ?2");
const SET_PROVENANCE: &str = sql!(
    "INSERT INTO provenance(contact, field, source, at) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(contact, field) DO UPDATE SET source = excluded.source, at = excluded.at"
);
const NO_PROVENANCE: &str = sql!("DELETE FROM provenance WHERE contact = ?1 AND field = ?2");
const ZONE_SOURCE: &str = sql!("UPDATE contacts SET zone_source = ?2 WHERE id = ?1");
/// A company that was removed since is not given back.
const SET_COMPANY: &str =
    sql!("UPDATE contacts SET company_id = (SELECT id FROM companies WHERE id = ?2) WHERE id = ?1");
const TOUCHED: &str = sql!("UPDATE contacts SET updated_at = ?2 WHERE id = ?1");
const PUT_TAG: &str = sql!(
    "INSERT INTO contact_tags(tag, contact, source, at) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(tag, contact) DO UPDATE SET source = excluded.source, at = excluded.at"
);
const NO_TAG: &str = sql!("DELETE FROM contact_tags WHERE tag = ?1 AND contact = ?2");
const PUT_PERMISSION: &str = sql!(
    "INSERT INTO permissions(contact, channel, purpose, granted, basis, consent) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT(contact, channel, purpose)
     DO UPDATE SET granted = excluded.granted, basis = excluded.basis, consent = excluded.consent"
);
const NO_PERMISSION: &str =
    sql!("DELETE FROM permissions WHERE contact = ?1 AND channel = ?2 AND purpose = ?3");
const NO_CHOICE: &str = sql!("DELETE FROM choices WHERE hash = ?1 AND key = ?2");
const NO_VALUES: &str = sql!("DELETE FROM contact_fields WHERE contact = ?1");

/// A value as it lies in its columns, and who wrote it; `None`: whoever added the contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) cells: Vec<Cell>,
    pub(super) origin: Option<Origin>,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.cells.first().is_none_or(|cell| *cell == Cell::Null)
    }
}

/// A channel and purpose; whether it is granted, on what basis, and the row of the ledger that says so.
type Word = ((i64, i64), (i64, i64, i64));
/// A key and the hash of an address under it, with the rows about it.
type ByHash = ((i64, Vec<u8>), Rows);

/// See the module. Email and the moment it was added stay with a contact always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Person {
    /// By the field's number.
    pub(super) fields: BTreeMap<i64, Held>,
    /// Source and moment by the tag's number.
    pub(super) tags: BTreeMap<i64, (i64, i64)>,
    pub(super) permissions: Vec<Word>,
    /// What was chosen on the preference page, by key and hash.
    choices: Vec<ByHash>,
    /// The entries of its address on the list of those who are not written to, likewise.
    listed: Vec<ByHash>,
    pub(super) updated_at: i64,
    has_values: bool,
}

fn damaged(what: &str) -> Error {
    Error::damaged("contacts", format!("{what} of a contact cannot be read"))
}

/// The columns of a custom field.
fn columns(column: &str, kind: FieldType) -> Vec<String> {
    match kind {
        FieldType::Money => vec![column.to_owned(), format!("{column}c")],
        _ => vec![column.to_owned()],
    }
}

/// Each field that can be taken from one contact to another, which company it has among them: a score writes its own, from
/// what the contact then is.
fn movable(catalogue: &Catalogue) -> impl Iterator<Item = FieldRef<'_>> {
    let built_in = (EMAIL + 1..=TIME_ZONE).map(FieldRef::BuiltIn);
    let said = catalogue.active().filter(|custom| custom.field.score.is_none());
    let company = FieldRef::Company(COMPANY);
    built_in.chain([company]).chain(said.map(FieldRef::Custom))
}

/// Whether a field can be taken from one contact to another.
pub(super) fn is_movable(catalogue: &Catalogue, number: i64) -> bool {
    movable(catalogue).any(|field| field.number() == number)
}

impl Person {
    /// A contact as it stands.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub(super) fn read(tx: &Tx<'_>, id: ContactId) -> Result<Person> {
        let row = Rows::read(tx, "contacts", CONTACT, (id.0,))?;
        if row.rows.is_empty() {
            return Err(Error::missing("contact", id));
        }
        let values = Rows::read(tx, "contact_fields", VALUES, (id.0,))?;
        let origins = origins(tx, id)?;
        let mut fields = BTreeMap::new();
        for field in movable(&tx.catalogue) {
            let cells = match field {
                FieldRef::BuiltIn(i) => {
                    let mut cells = vec![row.cell(0, BUILT_IN_FIELDS[i].0).cloned().unwrap_or(Cell::Null)];
                    if i == TIME_ZONE {
                        cells.push(row.cell(0, "zone_source").cloned().unwrap_or(Cell::Null));
                    }
                    cells
                }
                FieldRef::Company(_) => vec![row.cell(0, "company_id").cloned().unwrap_or(Cell::Null)],
                FieldRef::Custom(c) | FieldRef::OfCompany(c) => columns(&c.column(), c.field.field_type)
                    .iter()
                    .map(|name| values.cell(0, name).cloned().unwrap_or(Cell::Null))
                    .collect(),
            };
            let origin = origins.get(&field.number()).copied();
            fields.insert(field.number(), Held { cells, origin });
        }
        Ok(Person {
            fields,
            tags: tags(tx, id)?,
            permissions: permissions(tx, id)?,
            choices: by_hash(tx, id, "choices", CHOICES)?,
            listed: by_hash(tx, id, "suppressions", LISTED)?,
            updated_at: row.number(0, "updated_at")?,
            has_values: !values.rows.is_empty(),
        })
    }

    /// Puts back, of this contact as it was, each part that still is as `left` says.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(super) fn put_back(&self, tx: &mut Tx<'_>, id: ContactId, left: &Person, source: &str) -> Result<()> {
        let now = Person::read(tx, id)?;
        let mut whole = true;
        for (number, was) in &self.fields {
            let Some(current) = now.fields.get(number) else {
                continue;
            };
            match left.fields.get(number) == Some(current) {
                true => write_field(tx, id, *number, was)?,
                false => whole = false,
            }
        }
        for tag in self.tags.keys().chain(left.tags.keys()) {
            if left.tags.get(tag) == now.tags.get(tag) {
                match self.tags.get(tag) {
                    Some((source, at)) => tx.run(PUT_TAG, (tag, id.0, source, at))?,
                    None => tx.run(NO_TAG, (tag, id.0))?,
                };
            }
        }
        self.put_permissions_back(tx, id, left, &now)?;
        for (key, was) in &self.choices {
            let of = |person: &Person| {
                person
                    .choices
                    .iter()
                    .find(|(k, _)| k == key)
                    .map(|(_, r)| r.clone())
            };
            if of(left) == of(&now) {
                tx.run(NO_CHOICE, (&key.1, key.0))?;
                was.put_all_back(tx)?;
            }
        }
        self.put_on_list(tx, id, left, &now, source)?;
        if whole && now.updated_at == left.updated_at {
            tx.run(TOUCHED, (id.0, self.updated_at))?;
        }
        let empty = |person: &Person| {
            person
                .fields
                .iter()
                .filter(|(number, _)| **number >= crate::catalogue::CUSTOM_FROM)
                .all(|(_, held)| held.is_empty())
        };
        if !self.has_values && empty(&Person::read(tx, id)?) {
            tx.run(NO_VALUES, (id.0,))?;
        }
        Ok(())
    }

    /// The address leaves the list where only the merge had put it there, and stands on it as before where it did before.
    fn put_on_list(
        &self,
        tx: &mut Tx<'_>,
        id: ContactId,
        left: &Person,
        now: &Person,
        source: &str,
    ) -> Result<()> {
        if self.listed == now.listed || left.listed != now.listed {
            return Ok(());
        }
        if self.listed.iter().any(|(_, rows)| !rows.rows.is_empty()) {
            return self.listed.iter().try_for_each(|(_, rows)| rows.put_all_back(tx));
        }
        let email = crate::contacts::email_of(tx, id)?.ok_or_else(|| damaged("the address"))?;
        suppressions::take_off(tx, &email, |by| by == source, "the merge was taken back", source)?;
        Ok(())
    }

    fn put_permissions_back(&self, tx: &Tx<'_>, id: ContactId, left: &Person, now: &Person) -> Result<()> {
        let of = |person: &Person, about: &(i64, i64)| {
            person
                .permissions
                .iter()
                .find(|(a, _)| a == about)
                .map(|(_, word)| *word)
        };
        for (about, _) in self.permissions.iter().chain(&left.permissions) {
            if of(left, about) != of(now, about) {
                continue;
            }
            match of(self, about) {
                Some((granted, basis, consent)) => {
                    tx.run(PUT_PERMISSION, (id.0, about.0, about.1, granted, basis, consent))?
                }
                None => tx.run(NO_PERMISSION, (id.0, about.0, about.1))?,
            };
        }
        Ok(())
    }
}

fn origins(db: &Db<'_>, id: ContactId) -> Result<BTreeMap<i64, Origin>> {
    let rows = Rows::read(db, "provenance", PROVENANCE, (id.0,))?;
    (0..rows.rows.len())
        .map(|i| {
            let origin = Origin {
                source: rows.number(i, "source")?,
                at: rows.number(i, "at")?,
            };
            Ok((rows.number(i, "field")?, origin))
        })
        .collect()
}

fn tags(db: &Db<'_>, id: ContactId) -> Result<BTreeMap<i64, (i64, i64)>> {
    let rows = Rows::read(db, "contact_tags", TAGS, (id.0,))?;
    (0..rows.rows.len())
        .map(|i| {
            Ok((
                rows.number(i, "tag")?,
                (rows.number(i, "source")?, rows.number(i, "at")?),
            ))
        })
        .collect()
}

fn permissions(db: &Db<'_>, id: ContactId) -> Result<Vec<Word>> {
    let rows = Rows::read(db, "permissions", PERMISSIONS, (id.0,))?;
    (0..rows.rows.len())
        .map(|i| {
            let n = |column| rows.number(i, column);
            Ok((
                (n("channel")?, n("purpose")?),
                (n("granted")?, n("basis")?, n("consent")?),
            ))
        })
        .collect()
}

/// Rows about the address of a contact, under each key that is written.
fn by_hash(db: &Db<'_>, id: ContactId, table: &str, sql: &str) -> Result<Vec<ByHash>> {
    let email = crate::contacts::email_of(db, id)?.ok_or_else(|| damaged("the address"))?;
    let mut found = Vec::new();
    for (number, key) in written_keys(db)? {
        let hash = hash(&key, &email).to_vec();
        let rows = Rows::read(db, table, sql, (&hash, number))?;
        found.push(((number, hash), rows));
    }
    Ok(found)
}

/// Who wrote a value and when, whether it was written with the contact or later.
pub(super) fn whence(tx: &Tx<'_>, id: ContactId, number: i64, held: &Held) -> Result<Origin> {
    if let Some(origin) = held.origin {
        return Ok(origin);
    }
    let row = Rows::read(tx, "contacts", CONTACT, (id.0,))?;
    let zone = held.cells.get(1).and_then(Cell::int);
    let source = match zone.filter(|_| number == TIME_ZONE as i64) {
        Some(source) => source,
        None => row.number(0, "source")?,
    };
    Ok(Origin {
        source,
        at: row.number(0, "created_at")?,
    })
}

/// Writes a value into its columns as it is held, with who wrote it.
pub(super) fn write_field(tx: &mut Tx<'_>, id: ContactId, number: i64, held: &Held) -> Result<()> {
    let catalogue = tx.catalogue.clone();
    let Some(field) = catalogue.by_number(number) else {
        return Ok(());
    };
    let cell = |i: usize| held.cells.get(i).map_or(Cell::Null, Clone::clone).sql();
    match field {
        FieldRef::BuiltIn(i) if (EMAIL + 1..=TIME_ZONE).contains(&i) => {
            tx.run(&builtin_column(i), (id.0, cell(0)))?;
            if i == TIME_ZONE {
                tx.run(ZONE_SOURCE, (id.0, cell(1)))?;
            }
        }
        FieldRef::Company(COMPANY) => {
            tx.run(SET_COMPANY, (id.0, cell(0)))?;
        }
        FieldRef::BuiltIn(_) | FieldRef::Company(_) | FieldRef::OfCompany(_) => {
            return Err(damaged("a field"));
        }
        FieldRef::Custom(c) if c.field.field_type == FieldType::Money => {
            tx.run(&set_money_sql(c), (id.0, cell(0), cell(1)))?;
        }
        FieldRef::Custom(c) => {
            tx.run(&set_custom_sql(c), (id.0, cell(0)))?;
        }
    }
    match held.origin {
        Some(origin) => tx.run(SET_PROVENANCE, (id.0, number, origin.source, origin.at))?,
        None => tx.run(NO_PROVENANCE, (id.0, number))?,
    };
    Ok(())
}

/// Gives a tag as it was given to another.
pub(super) fn write_tag(tx: &mut Tx<'_>, id: ContactId, tag: i64, (source, at): (i64, i64)) -> Result<()> {
    const NAME: &str = sql!("SELECT name FROM tags WHERE id = ?1");
    tx.run(PUT_TAG, (tag, id.0, source, at))?;
    if let Some(tag) = tx.value::<String>(NAME, (tag,))? {
        tx.change(Change::TagSet {
            contact: id,
            tag,
            on: true,
        });
    }
    Ok(())
}

/// Keeps a no of somebody who is the same person: the ledger's row that says it is the other's.
pub(super) fn write_no(
    tx: &Tx<'_>,
    id: ContactId,
    about: (i64, i64),
    basis: i64,
    consent: i64,
) -> Result<()> {
    tx.run(PUT_PERMISSION, (id.0, about.0, about.1, 0, basis, consent))?;
    Ok(())
}

pub(super) fn touched(tx: &Tx<'_>, id: ContactId, at: i64) -> Result<()> {
    tx.run(TOUCHED, (id.0, at))?;
    Ok(())
}
