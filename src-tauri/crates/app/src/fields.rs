//! Fields of contacts and companies.

use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::values::Reading;
use crate::table::{Done, NoArgs};
use crate::{Ctx, journeys, runtime};
use carillon_model::contact::{
    BUILT_IN_FIELDS, COMPANY_FIELDS, COMPANY_PREFIX, Field, FieldType, Value, is_of_company,
};
use carillon_store::Priority;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "fields.list" list(NoArgs) -> Vec<Field>, reads [Fields];
    mutate "fields.add" add(AddField) -> Field, reads [];
    mutate "fields.retire" retire(RetireField) -> Done, reads [];
}

/// A field to add; without a key, one is made from the label.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddField {
    #[serde(default)]
    pub key: Option<String>,
    pub label: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    #[serde(default)]
    pub options: Vec<String>,
    /// A field of companies: `company.` stands before its key.
    #[serde(default)]
    pub of_company: bool,
}

/// A field to hide.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RetireField {
    pub key: String,
}

/// A key made from what people call it: lower-case ASCII, other letters dropped to their base where they
/// have one.
pub fn key_of(label: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let mut key = String::new();
    for c in label.nfkd().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => key.push(c),
            'ß' => key.push_str("ss"),
            c if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) => {}
            _ if !key.is_empty() && !key.ends_with('_') => key.push('_'),
            _ => {}
        }
    }
    let key = key.trim_end_matches('_').chars().take(60).collect::<String>();
    if key.starts_with(|c: char| c.is_ascii_lowercase()) {
        key
    } else {
        format!("field_{key}").trim_end_matches('_').to_owned()
    }
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<Field>> {
    Ok(cx.open()?.store.catalogue().fields())
}

async fn add(cx: &Ctx, req: AddField) -> Result<Field> {
    let open = cx.open()?;
    let key = req.key.unwrap_or_else(|| key_of(&req.label));
    let key = match req.of_company && !is_of_company(&key) {
        true => format!("{COMPANY_PREFIX}{key}"),
        false => key,
    };
    let field = Field {
        key,
        label: crate::imports::clean::line(&req.label),
        field_type: req.field_type,
        options: req
            .options
            .iter()
            .map(|o| crate::imports::clean::line(o))
            .filter(|o| !o.is_empty())
            .collect(),
        built_in: false,
        score: None,
    };
    let written = field.clone();
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::fields::add(tx, &written)
        })
        .await?;
    Ok(field)
}

async fn retire(cx: &Ctx, req: RetireField) -> Result<Done> {
    let open = cx.open()?;
    if BUILT_IN_FIELDS
        .iter()
        .chain(COMPANY_FIELDS)
        .any(|(key, ..)| *key == req.key)
    {
        return Err(fail(Code::Refused, "fields.built_in", &[("key", &req.key)]));
    }
    let known = open.store.catalogue().fields();
    if known
        .iter()
        .any(|field| field.key == req.key && field.score.is_some())
    {
        return Err(fail(Code::Refused, "fields.scored", &[("key", &req.key)]));
    }
    let key = req.key.clone();
    let users = open
        .store
        .write(Priority::User, move |tx| {
            let before = runtime::catalogue(tx)?;
            let mut after = before.clone();
            after.fields.retain(|field| field.key != key);
            let users = journeys::broken_by(tx, &before, &after)?;
            if users.is_empty() {
                carillon_store::fields::retire(tx, &key)?;
            }
            Ok(users)
        })
        .await?;
    if !users.is_empty() {
        return Err(fail(
            Code::Refused,
            "fields.needed",
            &[("key", &req.key), ("users", &users)],
        ));
    }
    Ok(Done {})
}

/// A value written as text, as a command line has it: read as a list is, with a decimal point and days like 2026-01-31.
/// `None`: there is none.
///
/// # Errors
/// A sentence that names the field.
pub fn read(field: &Field, text: &str) -> Result<Option<Value>> {
    let reading = Reading {
        field_type: field.field_type,
        ..Reading::text()
    };
    reading.read(text, chrono_tz::Tz::UTC).map_err(|_| {
        fail(
            Code::Invalid,
            "fields.bad_value",
            &[("value", &text), ("key", &field.key)],
        )
    })
}

/// The value as its field may hold it: text cleaned, zones and choices known.
///
/// # Errors
/// A sentence that names the field.
pub fn fitting(field: &Field, value: Value) -> Result<Value> {
    let bad = |shown: &str| {
        fail(
            Code::Invalid,
            "fields.bad_value",
            &[("value", &shown), ("key", &field.key)],
        )
        .at(&field.key)
    };
    let value = match value {
        Value::Text(text) => {
            let text = crate::imports::clean::line(&text);
            if field.key == "time_zone" && text.parse::<chrono_tz::Tz>().is_err() {
                return Err(bad(&text));
            }
            // A screen sends plain text for a choice.
            if field.field_type == FieldType::Choice {
                Value::Choice(text)
            } else {
                Value::Text(text)
            }
        }
        other => other,
    };
    if value.field_type() != field.field_type {
        return Err(bad(&serde_json::to_string(&value).unwrap_or_default()));
    }
    match &value {
        Value::Choice(option) if !field.options.contains(option) => Err(bad(option)),
        Value::MultiChoice(options) => match options.iter().find(|o| !field.options.contains(o)) {
            Some(option) => Err(bad(option)),
            None => Ok(value),
        },
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_keys() {
        assert_eq!(key_of("Favourite roast"), "favourite_roast");
        assert_eq!(key_of("Größe (cm)"), "grosse_cm");
        assert_eq!(key_of("2nd choice"), "field_2nd_choice");
        assert_eq!(key_of("  --  "), "field");
    }
}
