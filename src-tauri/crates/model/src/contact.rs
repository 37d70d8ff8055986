//! Contacts, their fields and the provenance of each value.

use crate::{ContactId, Moment};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use ts_rs::TS;

/// An ISO 4217 currency code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(export, type = "string")]
pub struct Currency(pub [u8; 3]);

impl Currency {
    /// Reads three ASCII letters, in any case.
    pub fn parse(text: &str) -> Option<Currency> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Currency(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Decimal digits of the minor unit (ISO 4217, table A.1): 2 for most, 0 for JPY, 3 for KWD.
    pub fn digits(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Currency::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a currency is three letters, like EUR"))
    }
}

/// An amount in minor units (cents) with its currency. Amounts of two currencies are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// What a field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FieldType {
    Text,
    Number,
    Money,
    YesNo,
    Choice,
    MultiChoice,
    Date,
    DateTime,
}

/// A value of a field. An absent value is the absence of a `Value`, never an empty one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
#[ts(export)]
pub enum Value {
    Text(String),
    Number(f64),
    Money(Money),
    YesNo(bool),
    Choice(String),
    MultiChoice(BTreeSet<String>),
    Date(NaiveDate),
    DateTime(Moment),
}

impl Value {
    /// The type whose fields hold this value.
    pub fn field_type(&self) -> FieldType {
        match self {
            Value::Text(_) => FieldType::Text,
            Value::Number(_) => FieldType::Number,
            Value::Money(_) => FieldType::Money,
            Value::YesNo(_) => FieldType::YesNo,
            Value::Choice(_) => FieldType::Choice,
            Value::MultiChoice(_) => FieldType::MultiChoice,
            Value::Date(_) => FieldType::Date,
            Value::DateTime(_) => FieldType::DateTime,
        }
    }
}

/// The definition of a field. Built-in fields are columns of `contacts`, custom ones of `contact_fields`. Those of companies
/// have keys that begin with [`COMPANY_PREFIX`]: a contact reads the values of its company as its own, and cannot write them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Field {
    /// Lower-case word used in segments and templates: `[a-z][a-z0-9_]{0,62}`; `company.` before it for a field of companies.
    pub key: String,
    /// What people read.
    pub label: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Allowed options of choice and multi-choice fields, in order; at most 63.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// True for the fields of [`BUILT_IN_FIELDS`] and [`COMPANY_FIELDS`].
    #[serde(default)]
    pub built_in: bool,
    /// The key of the score that alone writes the field; `None`: people, imports and journeys do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
}

impl Field {
    /// Whether it is a field of companies, which contacts read of theirs.
    pub fn is_of_company(&self) -> bool {
        is_of_company(&self.key)
    }
}

/// What the keys of companies' fields begin with.
pub const COMPANY_PREFIX: &str = "company.";

/// Whether a key names a field of companies.
pub fn is_of_company(key: &str) -> bool {
    key.starts_with(COMPANY_PREFIX)
}

/// Key, label and type of the fields every company has, in the order screens show them. `company.domain` is unique where
/// it is known.
pub const COMPANY_FIELDS: &[(&str, &str, FieldType)] = &[
    ("company.name", "Company", FieldType::Text),
    ("company.domain", "Company domain", FieldType::Text),
];

/// Key, label and type of the fields every workspace has, in the order screens show them.
/// `email` is unique and kept lower-cased; `time_zone` is an IANA name; `created_at` is set by Carillon.
pub const BUILT_IN_FIELDS: &[(&str, &str, FieldType)] = &[
    ("email", "E-mail", FieldType::Text),
    ("first_name", "First name", FieldType::Text),
    ("last_name", "Last name", FieldType::Text),
    ("phone", "Phone", FieldType::Text),
    ("country", "Country", FieldType::Text),
    ("city", "City", FieldType::Text),
    ("language", "Language", FieldType::Text),
    ("time_zone", "Time zone", FieldType::Text),
    ("created_at", "Added", FieldType::DateTime),
];

/// Who wrote a value, and when: each field of each contact keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Provenance {
    /// A short stable word with its object: `import:12`, `journey:3/welcome`, `user`, `event:991`, `workspace`.
    pub source: String,
    pub at: Moment,
}

/// A field of one contact with its value and provenance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FieldValue {
    pub key: String,
    pub value: Value,
    pub provenance: Provenance,
}

/// A contact with everything a person's page shows of its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Contact {
    pub id: ContactId,
    pub email: String,
    pub fields: Vec<FieldValue>,
    pub tags: BTreeSet<String>,
    pub created_at: Moment,
}
