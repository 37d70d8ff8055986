//! When the value of a field was written last, as a moment of its own: `phone changed more than 180 days ago`.
//!
//! The moment stands beside the values under a key that no field can have, so whatever reads, counts or follows a date does so
//! with it. Who has no value has no such moment.

use carillon_model::Moment;
use carillon_model::contact::{Field, Value};
use carillon_model::segment::Test;
use std::collections::BTreeMap;

const CHANGED: &str = " changed";

/// The key under which the moment stands at which the value of `field` was written.
pub fn changed_key(field: &str) -> String {
    format!("{field}{CHANGED}")
}

/// The field of which a key is [`changed_key`].
pub fn changed_field(key: &str) -> Option<&str> {
    key.strip_suffix(CHANGED).filter(|field| !field.is_empty())
}

/// Whether the file knows when a field was written: not of what is worked out, nor of a company's.
pub fn knows_changes(field: &Field) -> bool {
    field.score.is_none() && !field.is_of_company() && field.key != "created_at"
}

/// The field, of a clause that asks when its value was written.
pub(super) fn asked<'c>(key: &'c str, test: &Test) -> Option<&'c str> {
    changed_field(key).filter(|_| matches!(test, Test::Date { .. }))
}

/// Writes a value into a record at `now`, with the moment.
pub(crate) fn write(fields: &mut BTreeMap<String, Value>, key: &str, value: Option<Value>, now: Moment) {
    let moment = value.is_some().then_some(Value::DateTime(now));
    put(fields, key.to_owned(), value);
    put(fields, changed_key(key), moment);
}

fn put(fields: &mut BTreeMap<String, Value>, key: String, value: Option<Value>) {
    match value {
        Some(value) => drop(fields.insert(key, value)),
        None => drop(fields.remove(&key)),
    }
}
