//! What every connection must know of the file before it can read a contact: its fields, its zone, the keys
//! its suppressions are hashed with. Small, immutable, replaced as a whole by the commit that changes it.

use crate::codes::{from_json, from_word};
use crate::error::{Error, Result};
use crate::sql::sql;
use carillon_model::contact::{BUILT_IN_FIELDS, Field, FieldType};
use carillon_model::workspace::Workspace;
use chrono_tz::Tz;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;

/// Custom fields are numbered from here in `provenance` and `import_changes`.
pub(crate) const CUSTOM_FROM: i64 = 100;

/// A custom field with its column.
#[derive(Clone, Debug)]
pub struct CustomField {
    pub id: i64,
    pub field: Field,
    pub retired: bool,
}

impl CustomField {
    /// Column of `contact_fields`.
    pub(crate) fn column(&self) -> String {
        format!("f{}", self.id)
    }
}

/// A field as a statement sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldRef<'a> {
    /// Position in [`BUILT_IN_FIELDS`].
    BuiltIn(usize),
    Custom(&'a CustomField),
}

impl FieldRef<'_> {
    /// Its number in `provenance` and `import_changes`.
    pub(crate) fn number(self) -> i64 {
        match self {
            FieldRef::BuiltIn(i) => i64::try_from(i).unwrap_or(0),
            FieldRef::Custom(c) => CUSTOM_FROM + c.id,
        }
    }

    pub(crate) fn key(&self) -> &str {
        match self {
            FieldRef::BuiltIn(i) => BUILT_IN_FIELDS[*i].0,
            FieldRef::Custom(c) => &c.field.key,
        }
    }

    pub(crate) fn field_type(self) -> FieldType {
        match self {
            FieldRef::BuiltIn(i) => BUILT_IN_FIELDS[i].2,
            FieldRef::Custom(c) => c.field.field_type,
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

    /// Built-in fields, then the custom ones that are not retired.
    pub fn fields(&self) -> Vec<Field> {
        BUILT_IN_FIELDS
            .iter()
            .map(|(key, label, field_type)| Field {
                key: (*key).to_owned(),
                label: (*label).to_owned(),
                field_type: *field_type,
                options: Vec::new(),
                built_in: true,
                score: None,
            })
            .chain(self.active().map(|c| c.field.clone()))
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

    /// Custom fields in use.
    pub(crate) fn active(&self) -> impl Iterator<Item = &CustomField> {
        self.custom.iter().filter(|c| !c.retired)
    }

    /// All fields in use: the built-in ones, then the custom ones.
    pub(crate) fn all(&self) -> impl Iterator<Item = FieldRef<'_>> {
        let built_in = (0..BUILT_IN_FIELDS.len()).map(FieldRef::BuiltIn);
        built_in.chain(self.active().map(FieldRef::Custom))
    }

    /// Fields that the score of this key writes.
    pub(crate) fn written_by(&self, score: &str) -> impl Iterator<Item = &Field> {
        let fields = self.active().map(|custom| &custom.field);
        fields.filter(move |field| field.score.as_deref() == Some(score))
    }

    /// A field that people, imports and journeys may write.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] for one that a score writes.
    pub(crate) fn writable(&self, key: &str) -> Result<FieldRef<'_>> {
        let field = self.field(key)?;
        match field {
            FieldRef::Custom(custom) if custom.field.score.is_some() => Err(Error::Invalid(format!(
                "\"{key}\" is written by a score alone; add points to the score instead."
            ))),
            _ => Ok(field),
        }
    }

    pub(crate) fn field(&self, key: &str) -> Result<FieldRef<'_>> {
        if let Some(i) = BUILT_IN_FIELDS.iter().position(|f| f.0 == key) {
            return Ok(FieldRef::BuiltIn(i));
        }
        self.by_key
            .get(key)
            .map(|i| FieldRef::Custom(&self.custom[*i]))
            .ok_or_else(|| Error::missing("field", key))
    }

    /// The field of a number in `provenance` or `import_changes`, retired ones included.
    pub(crate) fn by_number(&self, number: i64) -> Option<FieldRef<'_>> {
        if number < CUSTOM_FROM {
            let i = usize::try_from(number).ok()?;
            return (i < BUILT_IN_FIELDS.len()).then_some(FieldRef::BuiltIn(i));
        }
        self.custom
            .iter()
            .find(|c| c.id == number - CUSTOM_FROM)
            .map(FieldRef::Custom)
    }
}
