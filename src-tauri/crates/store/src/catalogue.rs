//! What every connection must know of the file before it can read a contact: its fields, its zone, the keys
//! its suppressions are hashed with. Small, immutable, replaced as a whole by the commit that changes it.

use crate::codes::{from_json, from_word};
use crate::error::{Error, Result};
use crate::sql::sql;
use carillon_model::contact::{BUILT_IN_FIELDS, COMPANY_FIELDS, Field, FieldType, is_of_company};
use carillon_model::workspace::Workspace;
use chrono_tz::Tz;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;

/// Custom fields are numbered from here in `provenance` and `import_changes`.
pub(crate) const CUSTOM_FROM: i64 = 100;

/// The number of `company.name`, and of which company a contact has; the others of companies follow.
pub(crate) const COMPANY_FROM: i64 = BUILT_IN_FIELDS.len() as i64;

/// A custom field with its column.
#[derive(Clone, Debug)]
pub struct CustomField {
    pub id: i64,
    pub field: Field,
    pub retired: bool,
}

impl CustomField {
    /// Column of its table.
    pub(crate) fn column(&self) -> String {
        format!("f{}", self.id)
    }

    /// The table its column stands in, and the column there that names whose value it is.
    pub(crate) fn table(&self) -> (&'static str, &'static str) {
        match self.field.is_of_company() {
            true => ("company_fields", "company"),
            false => ("contact_fields", "contact"),
        }
    }
}

/// A field as a statement sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldRef<'a> {
    /// Position in [`BUILT_IN_FIELDS`].
    BuiltIn(usize),
    Custom(&'a CustomField),
    /// Position in [`COMPANY_FIELDS`].
    Company(usize),
    /// A custom field of companies.
    OfCompany(&'a CustomField),
}

/// `company.name`: as a field of a contact it stands for the company itself.
pub(crate) const COMPANY: usize = 0;
/// `company.domain`.
pub(crate) const COMPANY_DOMAIN: usize = 1;
const _: () = assert!(COMPANY_FIELDS.len() == COMPANY_DOMAIN + 1);

impl<'a> FieldRef<'a> {
    /// The custom field it is, of contacts or of companies.
    pub(crate) fn custom(self) -> Option<&'a CustomField> {
        match self {
            FieldRef::BuiltIn(_) | FieldRef::Company(_) => None,
            FieldRef::Custom(custom) | FieldRef::OfCompany(custom) => Some(custom),
        }
    }

    /// Its number in `provenance` and `import_changes`.
    pub(crate) fn number(self) -> i64 {
        match self {
            FieldRef::BuiltIn(i) => i64::try_from(i).unwrap_or(0),
            FieldRef::Company(i) => COMPANY_FROM + i64::try_from(i).unwrap_or(0),
            FieldRef::Custom(c) | FieldRef::OfCompany(c) => CUSTOM_FROM + c.id,
        }
    }

    pub(crate) fn key(&self) -> &str {
        match self {
            FieldRef::BuiltIn(i) => BUILT_IN_FIELDS[*i].0,
            FieldRef::Company(i) => COMPANY_FIELDS[*i].0,
            FieldRef::Custom(c) | FieldRef::OfCompany(c) => &c.field.key,
        }
    }

    pub(crate) fn field_type(self) -> FieldType {
        match self {
            FieldRef::BuiltIn(i) => BUILT_IN_FIELDS[i].2,
            FieldRef::Company(i) => COMPANY_FIELDS[i].2,
            FieldRef::Custom(c) | FieldRef::OfCompany(c) => c.field.field_type,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Catalogue {
    /// Custom fields in the order screens show them, retired ones included.
    pub(crate) custom: Vec<CustomField>,
    by_key: HashMap<String, usize>,
    /// `(id, key)` of each key suppressions are hashed with; the file's own first.
    pub(crate) hash_keys: Vec<(i64, [u8; 32])>,
    pub(crate) workspace: Option<Workspace>,
    pub(crate) zone: Tz,
}

const FIELDS: &str = sql!(
    "SELECT id, key, label, type, options, retired_at IS NOT NULL, score FROM fields ORDER BY position, id"
);
const KEYS: &str = sql!("SELECT id, key FROM suppression_keys ORDER BY id");
pub(crate) const WORKSPACE: &str = sql!("SELECT value FROM settings WHERE key = 'workspace'");

impl Catalogue {
    pub(crate) fn load(conn: &Connection) -> Result<Catalogue> {
        let mut custom = Vec::new();
        let mut statement = conn.prepare_cached(FIELDS)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            custom.push(CustomField {
                id: row.get(0)?,
                field: Field {
                    key: row.get(1)?,
                    label: row.get(2)?,
                    field_type: from_word("fields", &row.get::<_, String>(3)?)?,
                    options: from_json("fields", &row.get::<_, String>(4)?)?,
                    built_in: false,
                    score: row.get(6)?,
                },
                retired: row.get(5)?,
            });
        }
        let mut hash_keys = Vec::new();
        let mut statement = conn.prepare_cached(KEYS)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let key: Vec<u8> = row.get(1)?;
            let key = key
                .try_into()
                .map_err(|_| Error::damaged("suppression_keys", "a key has a wrong length"))?;
            hash_keys.push((row.get(0)?, key));
        }
        let workspace: Option<String> = conn.query_row(WORKSPACE, (), |row| row.get(0)).optional()?;
        let workspace: Option<Workspace> = workspace.map(|w| from_json("settings", &w)).transpose()?;
        let zone = workspace
            .as_ref()
            .and_then(|w| w.time_zone.parse().ok())
            .unwrap_or(Tz::UTC);
        Ok(Catalogue {
            by_key: custom
                .iter()
                .enumerate()
                .filter(|(_, c)| !c.retired)
                .map(|(i, c)| (c.field.key.clone(), i))
                .collect(),
            custom,
            hash_keys,
            workspace,
            zone,
        })
    }

    /// Built-in fields, then the custom ones that are not retired; those of companies after those of contacts.
    pub fn fields(&self) -> Vec<Field> {
        let built_in = |(key, label, field_type): &(&str, &str, FieldType)| Field {
            key: (*key).to_owned(),
            label: (*label).to_owned(),
            field_type: *field_type,
            options: Vec::new(),
            built_in: true,
            score: None,
        };
        BUILT_IN_FIELDS
            .iter()
            .map(built_in)
            .chain(self.active().map(|c| c.field.clone()))
            .chain(COMPANY_FIELDS.iter().map(built_in))
            .chain(self.of_companies().map(|c| c.field.clone()))
            .collect()
    }

    /// The workspace's zone; UTC where it names none that is known.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// What the workspace says of itself.
    pub fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// Custom fields of contacts in use.
    pub(crate) fn active(&self) -> impl Iterator<Item = &CustomField> {
        self.custom
            .iter()
            .filter(|c| !c.retired && !c.field.is_of_company())
    }

    /// Custom fields of companies in use.
    pub(crate) fn of_companies(&self) -> impl Iterator<Item = &CustomField> {
        self.custom
            .iter()
            .filter(|c| !c.retired && c.field.is_of_company())
    }

    /// All fields in use: the built-in ones, then the custom ones, then those of companies.
    pub(crate) fn all(&self) -> impl Iterator<Item = FieldRef<'_>> {
        let built_in = (0..BUILT_IN_FIELDS.len()).map(FieldRef::BuiltIn);
        let of_companies = (0..COMPANY_FIELDS.len()).map(FieldRef::Company);
        built_in
            .chain(self.active().map(FieldRef::Custom))
            .chain(of_companies)
            .chain(self.of_companies().map(FieldRef::OfCompany))
    }

    /// Fields that the score of this key writes.
    pub(crate) fn written_by(&self, score: &str) -> impl Iterator<Item = &Field> {
        let fields = self.active().map(|custom| &custom.field);
        fields.filter(move |field| field.score.as_deref() == Some(score))
    }

    /// What people read for a field.
    pub(crate) fn label<'a>(&'a self, field: FieldRef<'a>) -> &'a str {
        match field {
            FieldRef::BuiltIn(i) => BUILT_IN_FIELDS[i].1,
            FieldRef::Company(i) => COMPANY_FIELDS[i].1,
            FieldRef::Custom(custom) | FieldRef::OfCompany(custom) => &custom.field.label,
        }
    }

    /// A field of contacts that people, imports and journeys may write.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] for one that a score writes or that is read of the company.
    pub(crate) fn writable(&self, key: &str) -> Result<FieldRef<'_>> {
        match self.said(key)? {
            FieldRef::Company(_) | FieldRef::OfCompany(_) => Err(Error::Invalid(format!(
                "\"{key}\" is read of the contact's company; change it there, or give the contact another company."
            ))),
            field => Ok(field),
        }
    }

    /// A field whose values somebody says, of contacts or of companies.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] for one that a score writes.
    pub(crate) fn said(&self, key: &str) -> Result<FieldRef<'_>> {
        let field = self.field(key)?;
        match field.custom() {
            Some(custom) if custom.field.score.is_some() => Err(Error::Invalid(format!(
                "\"{key}\" is written by a score alone; add points to the score instead."
            ))),
            _ => Ok(field),
        }
    }

    pub(crate) fn field(&self, key: &str) -> Result<FieldRef<'_>> {
        if let Some(i) = BUILT_IN_FIELDS.iter().position(|f| f.0 == key) {
            return Ok(FieldRef::BuiltIn(i));
        }
        if let Some(i) = COMPANY_FIELDS.iter().position(|f| f.0 == key) {
            return Ok(FieldRef::Company(i));
        }
        self.by_key
            .get(key)
            .map(|i| of(&self.custom[*i]))
            .ok_or_else(|| Error::missing("field", key))
    }

    /// The field of a number in `provenance` or `import_changes`, retired ones included.
    pub(crate) fn by_number(&self, number: i64) -> Option<FieldRef<'_>> {
        if number < CUSTOM_FROM {
            let i = usize::try_from(number).ok()?;
            return match i.checked_sub(BUILT_IN_FIELDS.len()) {
                None => Some(FieldRef::BuiltIn(i)),
                Some(i) => (i < COMPANY_FIELDS.len()).then_some(FieldRef::Company(i)),
            };
        }
        self.custom.iter().find(|c| c.id == number - CUSTOM_FROM).map(of)
    }
}

/// A custom field by whose it is.
fn of(custom: &CustomField) -> FieldRef<'_> {
    match is_of_company(&custom.field.key) {
        true => FieldRef::OfCompany(custom),
        false => FieldRef::Custom(custom),
    }
}
