//! Lines of a file of events, read and typed.

use super::looked::{JsonLines, Looked};
use super::{EventName, EventsPlan};
use crate::error::{ApiError, Code, Result, fail};
use crate::fields::key_of;
use crate::imports::clean;
use crate::imports::delimited::Delimited;
use crate::imports::values::{self, DateOrder, Reading};
use carillon_model::Moment;
use carillon_model::contact::{Currency, FieldType, Money, Value};
use carillon_model::event::Prop;
use chrono_tz::Tz;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// Most properties of an event.
pub(super) const PROPS_MAX: usize = 100;
/// Longest text of a property, in characters.
const TEXT_MAX: usize = 4_000;

/// An event that can be written once its contact is found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incoming {
    pub email: String,
    pub name: String,
    pub at: Moment,
    pub props: BTreeMap<String, Prop>,
    /// The same for the same event, whatever file it comes in.
    pub key: [u8; 16],
}

/// A line of the file: an event, or the word of the reason why it is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub line: u64,
    pub cells: Vec<String>,
    pub what: std::result::Result<Incoming, &'static str>,
}

enum From {
    Csv {
        records: Box<Delimited>,
        columns: Columns,
    },
    Json {
        lines: JsonLines,
        plan: EventsPlan,
    },
}

/// Where what stands in a CSV.
struct Columns {
    heading: Vec<String>,
    email: usize,
    name: std::result::Result<usize, String>,
    at: usize,
    key: Option<usize>,
    order: DateOrder,
    /// The others, with the name and the reading of the property.
    props: Vec<(usize, String, Reading)>,
}

/// Reads a file line by line.
pub(super) struct Lines {
    from: From,
    zone: Tz,
    /// Bytes of the file.
    pub length: u64,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or a column of the plan is not there.
    pub fn open(path: &Path, plan: &EventsPlan, zone: Tz) -> Result<Lines> {
        let looked = Looked::at(path)?;
        let length = std::fs::metadata(path)?.len();
        if let EventName::Fixed(name) = &plan.name
            && event_name(name).is_none()
        {
            return Err(fail(Code::Invalid, "imports.bad_event", &[("name", name)]).at("name"));
        }
        let from = match looked.layout {
            None => From::Json {
                lines: JsonLines::open(path)?,
                plan: plan.clone(),
            },
            Some(layout) => {
                let mut records = Delimited::open(path, layout)?;
                records.next();
                From::Csv {
                    records: Box::new(records),
                    columns: Columns::of(&looked, plan, zone)?,
                }
            }
        };
        Ok(Lines { from, zone, length })
    }

    /// Heading of the reject file.
    pub fn heading(&self) -> Vec<String> {
        match &self.from {
            From::Csv { columns, .. } => columns.heading.clone(),
            From::Json { .. } => vec!["json".to_owned()],
        }
    }

    /// Bytes taken in so far.
    pub fn bytes(&self) -> u64 {
        match &self.from {
            From::Csv { records, .. } => records.bytes(),
            From::Json { lines, .. } => lines.bytes,
        }
    }
}

impl Iterator for Lines {
    type Item = std::result::Result<Line, ApiError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.from {
            From::Csv { records, columns } => Some(match records.next()? {
                Ok(record) => {
                    let what = columns.read(&record.fields, self.zone);
                    Ok(Line {
                        line: record.line,
                        cells: record.fields,
                        what,
                    })
                }
                Err(bad) => Err(crate::imports::broken(&bad, "imports.kept_again")),
            }),
            From::Json { lines, plan } => Some(lines.next_line()?.map(|(line, text)| {
                let what = read_json(&text, plan, self.zone);
                Line {
                    line,
                    cells: vec![text],
                    what,
                }
            })),
        }
    }
}

impl Columns {
    fn of(looked: &Looked, plan: &EventsPlan, zone: Tz) -> Result<Columns> {
        let find = |wanted: &str, at: &str| {
            let found = looked
                .columns
                .iter()
                .position(|c| c.eq_ignore_ascii_case(wanted.trim()));
            let columns = looked.columns.join(", ");
            found.ok_or_else(|| {
                fail(
                    Code::Invalid,
                    "imports.no_event_column",
                    &[("column", &wanted), ("columns", &columns)],
                )
                .at(at)
            })
        };
        let email = find(&plan.email, "email")?;
        let at = find(&plan.at, "at")?;
        let name = match &plan.name {
            EventName::Column(name) => Ok(find(name, "name")?),
            EventName::Fixed(name) => Err(name.clone()),
        };
        let key = plan.key.as_deref().map(|key| find(key, "key")).transpose()?;
        let taken = [Some(email), Some(at), name.as_ref().ok().copied(), key];
        let props = (0..looked.columns.len())
            .filter(|i| !taken.contains(&Some(*i)) && !looked.columns[*i].is_empty())
            .take(PROPS_MAX)
            .map(|i| {
                (
                    i,
                    key_of(&looked.columns[i]),
                    property(&looked.columns[i], &looked.column(i), zone),
                )
            })
            .collect();
        let order = values::fit(FieldType::DateTime, &looked.column(at), zone).date_order;
        Ok(Columns {
            heading: looked.columns.clone(),
            email,
            name,
            at,
            key,
            order,
            props,
        })
    }

    fn read(&self, cells: &[String], zone: Tz) -> std::result::Result<Incoming, &'static str> {
        if cells.len() != self.heading.len() {
            return Err("columns");
        }
        let name = match &self.name {
            Ok(column) => &cells[*column],
            Err(fixed) => fixed,
        };
        let at = values::moment(&clean::line(&cells[self.at]), self.order, zone);
        let mut props = BTreeMap::new();
        for (column, key, reading) in &self.props {
            if let Some(prop) = cell_prop(&cells[*column], reading, zone) {
                props.insert(key.clone(), prop);
            }
        }
        let key = match self
            .key
            .map(|column| clean::line(&cells[column]))
            .filter(|key| !key.is_empty())
        {
            Some(own) => hashed(&["key", &own]),
            None => hashed(&cells.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        incoming(&cells[self.email], name, at, props, key)
    }
}

/// How the cells of a property are read: as a type only where nearly all agree, and as yes or no only where
/// they say so in words.
fn property(heading: &str, cells: &[&str], zone: Tz) -> Reading {
    let words = |c: &&str| {
        matches!(
            clean::line(c).to_lowercase().as_str(),
            "" | "true" | "false" | "yes" | "no"
        )
    };
    let guessed = values::guess(heading, cells, zone);
    match guessed.field_type {
        FieldType::Number | FieldType::Money => guessed,
        FieldType::YesNo if cells.iter().all(words) => guessed,
        FieldType::YesNo => values::fit(FieldType::Number, cells, zone),
        _ => Reading::text(),
    }
}

fn cell_prop(cell: &str, reading: &Reading, zone: Tz) -> Option<Prop> {
    let text = short(cell);
    match reading.read(&text, zone) {
        Ok(Some(Value::Number(n))) => Some(Prop::Number(n)),
        Ok(Some(Value::Money(money))) => Some(Prop::Money(money)),
        Ok(Some(Value::YesNo(yes))) => Some(Prop::YesNo(yes)),
        Ok(None) => None,
        _ => Some(written_money(&text).map_or_else(|| Prop::Text(text), Prop::Money)),
    }
}

fn short(text: &str) -> String {
    clean::line(text).chars().take(TEXT_MAX).collect()
}

/// `12.50 EUR`: an amount with a point, a space, three capitals.
fn written_money(text: &str) -> Option<Money> {
    let (amount, code) = text.split_once(' ')?;
    let digits = amount.strip_prefix('-').unwrap_or(amount);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let known = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if !plain || !known {
        return None;
    }
    values::money(amount, '.', Currency::parse(code))
}

/// An event's name: a word of small letters, digits and `_`. Capitals, spaces and dashes are forgiven.
fn event_name(text: &str) -> Option<String> {
    let name: String = clean::line(text).to_lowercase().replace([' ', '-'], "_");
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (first && rest && name.len() <= 63).then_some(name)
}

fn incoming(
    email: &str,
    name: &str,
    at: Option<Moment>,
    props: BTreeMap<String, Prop>,
    key: [u8; 16],
) -> std::result::Result<Incoming, &'static str> {
    let email = clean::address(email).map_err(clean::BadAddress::word)?;
    if clean::line(name).is_empty() {
        return Err("no_name");
    }
    let name = event_name(name).ok_or("bad_event_name")?;
    Ok(Incoming {
        email,
        name,
        at: at.ok_or("bad_moment")?,
        props,
        key,
    })
}

/// The first 16 bytes of BLAKE3 over the parts, each with its length, so that no two lists run together.
fn hashed(parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

fn read_json(text: &str, plan: &EventsPlan, zone: Tz) -> std::result::Result<Incoming, &'static str> {
    let Ok(Json::Object(object)) = serde_json::from_str::<Json>(text) else {
        return Err("not_json");
    };
    let string = |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default();
    let name = match &plan.name {
        EventName::Column(column) => string(column),
        EventName::Fixed(name) => name,
    };
    let at = match object.get(&plan.at) {
        Some(Json::String(at)) => values::moment(&clean::line(at), DateOrder::YearMonthDay, zone),
        // Numbers are seconds since 1970, or milliseconds where they are that large.
        Some(Json::Number(n)) => n.as_i64().and_then(|n| match n.abs() > 100_000_000_000 {
            true => chrono::DateTime::from_timestamp_millis(n),
            false => chrono::DateTime::from_timestamp(n, 0),
        }),
        _ => None,
    };
    let named = |column: &String| match &plan.name {
        EventName::Column(name) => name == column,
        EventName::Fixed(_) => false,
    };
    let reserved =
        |key: &String| *key == plan.email || *key == plan.at || named(key) || plan.key.as_ref() == Some(key);
    let given: Vec<(&String, &Json)> = match object.get("props") {
        Some(Json::Object(props)) => props.iter().collect(),
        _ => object.iter().filter(|(key, _)| !reserved(key)).collect(),
    };
    let props = given
        .into_iter()
        .take(PROPS_MAX)
        .filter_map(|(key, value)| Some((key_of(key), json_prop(value)?)))
        .collect();
    let own = plan
        .key
        .as_deref()
        .and_then(|key| object.get(key))
        .map(|value| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        });
    let key = match own
        .as_deref()
        .map(str::trim)
        .filter(|own| !own.is_empty() && *own != "null")
    {
        Some(own) => hashed(&["key", own]),
        None => hashed(&[text]),
    };
    incoming(string(&plan.email), name, at, props, key)
}

fn json_prop(value: &Json) -> Option<Prop> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(yes) => Prop::YesNo(*yes),
        Json::Number(n) => Prop::Number(n.as_f64().filter(|n| n.is_finite())?),
        Json::String(text) => {
            let text = short(text);
            match written_money(&text) {
                _ if text.is_empty() => return None,
                Some(money) => Prop::Money(money),
                None => Prop::Text(text),
            }
        }
        Json::Object(parts) if parts.len() == 2 => match (parts.get("minor"), parts.get("currency")) {
            (Some(minor), Some(currency)) => Prop::Money(Money {
                minor: minor.as_i64()?,
                currency: Currency::parse(currency.as_str()?)?,
            }),
            _ => Prop::Text(short(&value.to_string())),
        },
        Json::Array(_) | Json::Object(_) => Prop::Text(short(&value.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> EventsPlan {
        EventsPlan {
            file: crate::files::FileRef::Upload {
                upload: String::new(),
            },
            email: "email".into(),
            name: EventName::Column("event".into()),
            at: "at".into(),
            key: None,
            source: "shop".into(),
        }
    }

    fn read(text: &str) -> std::result::Result<Incoming, &'static str> {
        read_json(text, &plan(), Tz::UTC)
    }

    #[test]
    fn properties_of_json_keep_their_types() {
        let line = r#"{"email":"A@Example.com","event":"Order","at":"2026-01-02T03:04:05Z",
            "props":{"items":3,"gift":true,"amount":{"minor":1250,"currency":"EUR"},"paid":"12.50 EUR","code":"007","none":null}}"#;
        let got = read(line).expect("an event");
        let eur = Money {
            minor: 1250,
            currency: Currency(*b"EUR"),
        };
        assert_eq!(
            (got.email.as_str(), got.name.as_str()),
            ("a@example.com", "order")
        );
        let want: BTreeMap<String, Prop> = [
            ("items", Prop::Number(3.0)),
            ("gift", Prop::YesNo(true)),
            ("amount", Prop::Money(eur)),
            ("paid", Prop::Money(eur)),
            ("code", Prop::Text("007".into())),
        ]
        .map(|(key, prop)| (key.to_owned(), prop))
        .into();
        assert_eq!(got.props, want);
    }

    #[test]
    fn what_is_no_event_says_why() {
        let at = "\"at\":\"2026-01-02T03:04:05Z\"";
        for (line, why) in [
            ("{\"email\":".to_owned(), "not_json"),
            ("[1]".to_owned(), "not_json"),
            (format!("{{\"event\":\"order\",{at}}}"), "email_missing"),
            (
                format!("{{\"email\":\"x\",\"event\":\"order\",{at}}}"),
                "email_invalid",
            ),
            (format!("{{\"email\":\"a@example.com\",{at}}}"), "no_name"),
            (
                format!("{{\"email\":\"a@example.com\",\"event\":\"Order placed!\",{at}}}"),
                "bad_event_name",
            ),
            (
                "{\"email\":\"a@example.com\",\"event\":\"order\",\"at\":\"yesterday\"}".to_owned(),
                "bad_moment",
            ),
        ] {
            assert_eq!(read(&line), Err(why), "{line}");
        }
    }

    #[test]
    fn the_same_line_has_the_same_key_and_another_line_another() {
        let line = |second: u32| {
            format!(
                "{{\"email\":\"a@example.com\",\"event\":\"order\",\"at\":\"2026-01-02T03:04:{second:02}Z\"}}"
            )
        };
        let key = |second| read(&line(second)).expect("an event").key;
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
        assert_ne!(hashed(&["ab", "c"]), hashed(&["a", "bc"]));
    }

    #[test]
    fn a_column_of_zeros_and_ones_is_numbers_and_codes_stay_text() {
        assert_eq!(
            property("items", &["1", "0", "1"], Tz::UTC).field_type,
            FieldType::Number
        );
        assert_eq!(
            property("gift", &["yes", "no", ""], Tz::UTC).field_type,
            FieldType::YesNo
        );
        assert_eq!(
            property("order id", &["1001", "1002"], Tz::UTC).field_type,
            FieldType::Text
        );
        assert_eq!(
            property("amount", &["12.50 EUR", "3.00 EUR"], Tz::UTC).field_type,
            FieldType::Money
        );
        assert_eq!(written_money("12.505 EUR"), None);
        assert_eq!(written_money("one EUR"), None);
    }
}
