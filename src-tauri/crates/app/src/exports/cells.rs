//! Cells with their types: what a spreadsheet shows of them, and what comes back when the file is imported.

use carillon_model::Moment;
use carillon_model::contact::{FieldType, Value};
use chrono::{NaiveDate, SecondsFormat};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    /// A number without a fraction.
    Whole,
    YesNo,
    Date,
    Moment,
    /// Several texts.
    Texts,
}

impl Kind {
    /// What a field of contacts holds. An amount of money is a text with its currency.
    pub fn of(field: FieldType) -> Kind {
        match field {
            FieldType::Text | FieldType::Choice | FieldType::Money => Kind::Text,
            FieldType::Number => Kind::Number,
            FieldType::YesNo => Kind::YesNo,
            FieldType::MultiChoice => Kind::Texts,
            FieldType::Date => Kind::Date,
            FieldType::DateTime => Kind::Moment,
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub name: String,
    pub kind: Kind,
}

impl Column {
    pub fn new(name: &str, kind: Kind) -> Column {
        Column {
            name: name.to_owned(),
            kind,
        }
    }
}

/// A cell. One that does not fit its column is written as text where a text can be, and left out elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Whole(i64),
    YesNo(bool),
    Date(NaiveDate),
    Moment(Moment),
    Texts(Vec<String>),
}

impl Cell {
    /// A text, which is nothing where it is empty.
    pub fn text(text: impl Into<String>) -> Cell {
        match text.into() {
            text if text.is_empty() => Cell::Empty,
            text => Cell::Text(text),
        }
    }

    /// The cell as text: what is in a CSV file.
    pub fn shown(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Number(n) => n.to_string(),
            Cell::Whole(n) => n.to_string(),
            Cell::YesNo(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            Cell::Date(date) => date.to_string(),
            Cell::Moment(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Cell::Texts(texts) => texts.join("|"),
        }
    }
}

impl From<Option<Moment>> for Cell {
    fn from(at: Option<Moment>) -> Cell {
        at.map_or(Cell::Empty, Cell::Moment)
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Cell {
        i64::try_from(n).map_or_else(|_| Cell::Text(n.to_string()), Cell::Whole)
    }
}

impl From<&Value> for Cell {
    fn from(value: &Value) -> Cell {
        match value {
            Value::Text(text) | Value::Choice(text) => Cell::text(text),
            Value::Number(n) => Cell::Number(*n),
            Value::Money(m) => Cell::Text(amount(m)),
            Value::YesNo(yes) => Cell::YesNo(*yes),
            Value::MultiChoice(options) => Cell::Texts(options.iter().cloned().collect()),
            Value::Date(date) => Cell::Date(*date),
            Value::DateTime(at) => Cell::Moment(*at),
        }
    }
}

/// An amount with its currency: `12.50 EUR`.
pub(crate) fn amount(money: &carillon_model::contact::Money) -> String {
    let digits = money.currency.digits() as usize;
    let unit = 10_u64.pow(money.currency.digits());
    let sign = if money.minor < 0 { "-" } else { "" };
    let (whole, part) = (
        money.minor.unsigned_abs() / unit,
        money.minor.unsigned_abs() % unit,
    );
    match digits {
        0 => format!("{sign}{whole} {}", money.currency),
        _ => format!("{sign}{whole}.{part:0digits$} {}", money.currency),
    }
}
