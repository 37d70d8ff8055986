//! Values while a template runs.

use crate::locale::Locale;
use carillon_model::Moment;
use carillon_model::contact::{Money, Value};
use carillon_model::event::Prop;
use chrono::NaiveDate;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

/// A value. Cloning is cheap: texts and lists are shared.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Nil,
    Bool(bool),
    Int(i64),
    Num(f64),
    Str(Arc<str>),
    /// HTML that is safe as it stands: made by `capture`, `escape`, `newline_to_br` and `unsubscribe_line`.
    Markup(Arc<str>),
    Money(Money),
    Date(NaiveDate),
    At(Moment),
    List(Arc<[Val]>),
    /// The words `empty` and `blank`, which only compare.
    Empty,
    Blank,
}

impl Val {
    pub(crate) fn str(text: impl AsRef<str>) -> Val {
        Val::Str(Arc::from(text.as_ref()))
    }

    /// Only nil and false are false (Liquid's rule).
    pub(crate) fn truthy(&self) -> bool {
        !matches!(self, Val::Nil | Val::Bool(false))
    }

    /// Nothing that a reader would see.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Val::Nil | Val::Empty | Val::Blank => true,
            Val::Str(text) | Val::Markup(text) => text.trim().is_empty(),
            Val::List(items) => items.is_empty(),
            _ => false,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Val::Empty | Val::Blank => true,
            Val::Str(text) | Val::Markup(text) => text.is_empty(),
            Val::List(items) => items.is_empty(),
            _ => false,
        }
    }

    /// As text in the reader's language.
    pub(crate) fn text(&self, locale: &Locale) -> String {
        match self {
            Val::Nil | Val::Empty | Val::Blank => String::new(),
            Val::Bool(true) => "true".into(),
            Val::Bool(false) => "false".into(),
            Val::Int(number) => number.to_string(),
            Val::Num(number) => plain_number(*number),
            Val::Str(text) | Val::Markup(text) => text.to_string(),
            Val::Money(money) => locale.money(*money),
            Val::Date(date) => locale.date(*date),
            Val::At(moment) => locale.moment(*moment),
            Val::List(items) => items
                .iter()
                .map(|item| item.text(locale))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    /// As a number: money in major units, texts that read as one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Val::Int(number) => Some(*number as f64),
            Val::Num(number) => Some(*number),
            Val::Money(money) => Some(money.minor as f64 / 10f64.powi(money.currency.digits() as i32)),
            Val::Str(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        }
    }

    /// Order of two values, where they have one. Money only within one currency.
    pub(crate) fn compare(&self, other: &Val) -> Option<Ordering> {
        match (self, other) {
            (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
            (Val::Money(a), Val::Money(b)) => (a.currency == b.currency).then(|| a.minor.cmp(&b.minor)),
            (Val::Int(_) | Val::Num(_) | Val::Money(_), Val::Int(_) | Val::Num(_) | Val::Money(_)) => {
                self.number()?.partial_cmp(&other.number()?)
            }
            (Val::Str(a) | Val::Markup(a), Val::Str(b) | Val::Markup(b)) => Some(a.cmp(b)),
            (Val::Date(a), Val::Date(b)) => Some(a.cmp(b)),
            (Val::At(a), Val::At(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    pub(crate) fn equals(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::Blank, value) | (value, Val::Blank) => value.is_blank() || !value.truthy(),
            (Val::Empty, value) | (value, Val::Empty) => value.is_empty(),
            (Val::Nil, Val::Nil) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::List(a), Val::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    pub(crate) fn contains(&self, other: &Val) -> bool {
        match (self, other) {
            (Val::Str(text) | Val::Markup(text), Val::Str(part) | Val::Markup(part)) => {
                text.contains(&**part)
            }
            (Val::List(items), _) => items.iter().any(|item| item.equals(other)),
            _ => false,
        }
    }

    /// Bytes held, for the budget.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Val::Str(text) | Val::Markup(text) => text.len(),
            Val::List(items) => items.iter().map(Val::weight).sum(),
            _ => 1,
        }
    }
}

/// A number without needless digits: `3`, `3.5`.
pub(crate) fn plain_number(number: f64) -> String {
    if !number.is_finite() {
        String::new()
    } else {
        format!("{number}")
    }
}

/// Text from outside without what no mail should carry: control characters other than tab and line feed, and
/// the Unicode overrides and isolates that turn the direction of what follows (UAX #9, "Trojan source").
pub(crate) fn cleaned(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t')) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    text.chars()
        .map(|c| {
            if c == '\r' || c == '\u{2028}' || c == '\u{2029}' {
                '\n'
            } else {
                c
            }
        })
        .filter(|c| !is_unwelcome(*c))
        .collect()
}

pub(crate) fn is_unwelcome(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn from_text(text: &str) -> Val {
    if text.trim().is_empty() {
        Val::Nil
    } else {
        Val::str(cleaned(text))
    }
}

impl From<&Value> for Val {
    fn from(value: &Value) -> Val {
        match value {
            Value::Text(text) | Value::Choice(text) => from_text(text),
            Value::Number(number) => Val::Num(*number),
            Value::Money(money) => Val::Money(*money),
            Value::YesNo(yes) => Val::Bool(*yes),
            Value::MultiChoice(options) => Val::List(options.iter().map(|o| from_text(o)).collect()),
            Value::Date(date) => Val::Date(*date),
            Value::DateTime(moment) => Val::At(*moment),
        }
    }
}

impl From<&Prop> for Val {
    fn from(prop: &Prop) -> Val {
        match prop {
            Prop::YesNo(yes) => Val::Bool(*yes),
            Prop::Number(number) => Val::Num(*number),
            Prop::Money(money) => Val::Money(*money),
            Prop::Text(text) => from_text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_outside_keep_their_lines_and_lose_what_no_mail_carries() {
        assert_eq!(cleaned("a\tb\nc ~"), "a\tb\nc ~");
        assert_eq!(cleaned("a\r\nb\rc"), "a\nb\nc");
        assert_eq!(cleaned("a\u{2028}b\u{7}c\u{7f}d\u{202e}é"), "a\nbcdé");
    }
}
