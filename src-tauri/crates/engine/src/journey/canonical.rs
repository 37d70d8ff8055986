//! The text of a journey: one drawing, one text; and reading it back from strangers.

use super::settings::clipped;
use carillon_model::journey::{JOURNEY_FORMAT, Journey};
use serde_json::Value;
use std::cmp::Ordering;
use std::fmt::Write;

/// Largest file read, in bytes.
pub const FILE_BYTES_ALLOWED: usize = 4 * 1024 * 1024;
/// Deepest nesting of a file.
pub const FILE_DEPTH_ALLOWED: usize = 32;

/// Why a text is no journey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the file has {bytes} bytes; a journey has at most {FILE_BYTES_ALLOWED}. Nothing was imported.")]
    TooLarge { bytes: usize },
    #[error(
        "the file is nested more than {FILE_DEPTH_ALLOWED} deep, which no journey is. Nothing was imported."
    )]
    TooDeep,
    #[error("this is no journey file: {message} (line {line}, column {column}). Nothing was imported.")]
    NotAJourney {
        line: usize,
        column: usize,
        message: String,
    },
    #[error("the file says it is `{found}`; this program reads `{JOURNEY_FORMAT}`. Nothing was imported.")]
    OtherFormat { found: String },
}

/// Reads a journey from a file of a stranger: bounded in size and depth, nothing unknown let pass. Whether
/// the drawing makes sense is [`super::compile`]'s to say.
pub fn read(text: &str) -> Result<Journey, Unreadable> {
    if text.len() > FILE_BYTES_ALLOWED {
        return Err(Unreadable::TooLarge { bytes: text.len() });
    }
    if depth(text) > FILE_DEPTH_ALLOWED {
        return Err(Unreadable::TooDeep);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    #[derive(serde::Deserialize)]
    struct Stamp {
        format: String,
    }
    if let Ok(Stamp { format }) = serde_json::from_str::<Stamp>(text)
        && format != JOURNEY_FORMAT
    {
        return Err(Unreadable::OtherFormat {
            found: clipped(&format),
        });
    }
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        let message = message.chars().filter(|c| !c.is_control()).take(200).collect();
        Unreadable::NotAJourney {
            line: error.line(),
            column: error.column(),
            message,
        }
    })
}

/// The canonical text: pretty JSON, steps in natural order of their ids, keys sorted, `layout` last.
pub fn canonical(journey: &Journey) -> String {
    let mut text = without_layout(journey);
    if !journey.layout.is_empty() {
        let layout = serde_json::to_value(&journey.layout).unwrap_or_default();
        text.truncate(text.len() - 3);
        text.push_str(",\n  \"layout\": ");
        write(&layout, 1, &mut text);
        text.push_str("\n}\n");
    }
    text
}

/// The canonical text without the places of the boxes: what makes a version.
pub fn without_layout(journey: &Journey) -> String {
    let mut bare = Journey {
        layout: Default::default(),
        ..journey.clone()
    };
    bare.steps.sort_by(|a, b| natural(&a.id.0, &b.id.0));
    let mut text = String::new();
    write(&serde_json::to_value(&bare).unwrap_or_default(), 0, &mut text);
    text.push('\n');
    text
}

/// Order of ids as people count: `s2` before `s10`. Runs of digits compare as numbers, the rest as text;
/// ids that only differ in leading zeros compare as text.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, rest) = digits(left);
            let (n, other_rest) = digits(right);
            let order = m.len().cmp(&n.len()).then(m.cmp(n));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (rest, other_rest);
        } else if x != y {
            return x.cmp(&y);
        } else {
            (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The leading digits without zeros in front, and what follows them.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

/// Writes JSON with sorted keys, two spaces a level. Whole numbers are written without a fraction, because
/// a screen writes `3` where a program writes `3.0`.
pub(super) fn write(value: &Value, level: usize, out: &mut String) {
    let margin = |out: &mut String, level: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                out.push(if place == 0 { '[' } else { ',' });
                margin(out, level + 1);
                write(item, level + 1, out);
            }
            margin(out, level);
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            for (place, (key, field)) in fields.into_iter().enumerate() {
                out.push(if place == 0 { '{' } else { ',' });
                margin(out, level + 1);
                // Writing to a String does not fail.
                let _ = write!(out, "{}: ", Value::from(key.as_str()));
                write(field, level + 1, out);
            }
            margin(out, level);
            out.push('}');
        }
        other => {
            let _ = write!(out, "{}", plain(other));
        }
    }
}

/// A number that is whole, as a whole number.
pub(super) fn plain(value: &Value) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() < EXACT => {
            Value::from(number as i64)
        }
        _ => value.clone(),
    }
}

/// Deepest nesting of brackets outside of strings.
fn depth(text: &str) -> usize {
    let (mut deepest, mut level, mut quoted, mut escaped) = (0usize, 0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !quoted => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
