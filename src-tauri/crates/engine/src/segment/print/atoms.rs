//! Values, names and texts as they are written.

use super::super::parse::is_reserved;
use carillon_model::Moment;
use carillon_model::contact::{Currency, Money, Value};
use chrono::SecondsFormat;

pub(in crate::segment) fn value(value: &Value) -> String {
    match value {
        Value::Text(t) => text(t),
        Value::Choice(t) => format!("option {}", text(t)),
        Value::Number(n) => number(*n),
        Value::Money(m) => money(m),
        Value::YesNo(b) => yes_no(*b).to_owned(),
        Value::MultiChoice(set) => texts(set),
        Value::Date(d) => d.to_string(),
        Value::DateTime(m) => moment(*m),
    }
}

pub(super) fn yes_no(b: bool) -> &'static str {
    if b { "yes" } else { "no" }
}

pub(in crate::segment) fn moment(m: Moment) -> String {
    m.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The shortest digits that read back as the same double.
pub(in crate::segment) fn number(n: f64) -> String {
    if n.is_nan() {
        "nan".to_owned()
    } else if n.is_infinite() {
        if n > 0.0 { "infinity" } else { "minus infinity" }.to_owned()
    } else if n == 0.0 || (1e-5..1e15).contains(&n.abs()) {
        n.to_string()
    } else {
        format!("{n:e}")
    }
}

pub(super) fn money(m: &Money) -> String {
    let digits = m.currency.digits() as usize;
    let sign = if m.minor < 0 { "-" } else { "" };
    let padded = format!("{:0width$}", m.minor.unsigned_abs(), width = digits + 1);
    let (whole, part) = padded.split_at(padded.len() - digits);
    let point = if digits == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{part} {}", code(&m.currency))
}

pub(super) fn code(currency: &Currency) -> &str {
    // `AND` would read as the word.
    match currency.as_str() {
        "AND" => "\"AND\"",
        plain => plain,
    }
}

pub(super) fn texts<'a>(list: impl IntoIterator<Item = &'a String>) -> String {
    format!(
        "({})",
        list.into_iter().map(|t| text(t)).collect::<Vec<_>>().join(", ")
    )
}

pub(in crate::segment) fn text(text: &str) -> String {
    quoted(text, '"')
}

pub(super) fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            _ if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn is_plain(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A key of words with points between them, as those of companies: the reader takes it as one word.
fn is_plain_path(key: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    key.starts_with(|c: char| c.is_ascii_lowercase()) && key.split('.').all(word)
}

pub(in crate::segment) fn key(key: &str) -> String {
    if is_plain_path(key) && !is_reserved(key) {
        key.to_owned()
    } else {
        quoted(key, '`')
    }
}

pub(super) fn name(name: &str) -> String {
    if is_plain(name) && name != "not" {
        name.to_owned()
    } else {
        text(name)
    }
}
