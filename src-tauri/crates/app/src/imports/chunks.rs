//! From a file to rows that can be written: read, checked, typed and sorted on a thread of its own, a chunk at a
//! time. The same file cut by the same plan gives the same chunks, so that an import goes on after a kill where
//! its position says.

use super::clean;
use super::plan::{Kept, Options, TEXT_MAX, folded, options_of, tags};
use super::source::{BadRecord, Record, Records};
use super::status::Standing;
use crate::companies;
use crate::error::{Result, sentence};
use carillon_engine::companies::{domain_of, is_anybodys};
use carillon_model::contact::{FieldType, Value};
use chrono_tz::Tz;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::path::Path;
use std::sync::Arc;

/// Rows of a chunk at most, and of the first.
const CHUNK_ROWS: usize = 100_000;
pub(crate) const FIRST_ROWS: usize = 10_000;

/// The most rows of a chunk.
pub(crate) fn most_rows() -> usize {
    CHUNK_ROWS
}

/// Memory of a chunk, in bytes, as [`weight`] counts it.
const CHUNK_BYTES: usize = 64 << 20;
/// Rows shown as examples.
pub(crate) const EXAMPLES: usize = 20;

/// A row and what is to become of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub line: u64,
    /// Empty where there is no usable one.
    pub email: String,
    /// What the list says of whether they may be written to.
    pub standing: Standing,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// Not taken; the reason as a sentence.
    Refused {
        duplicate: bool,
        reason: String,
        cells: Vec<String>,
    },
    Person(Box<Person>),
}

/// Somebody the row is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Person {
    /// One for each field column of the plan.
    pub values: Vec<Option<Value>>,
    pub tags: Vec<String>,
    /// What was left out and why, with the cells as they were.
    pub gaps: Option<(String, Vec<String>)>,
}

/// Rows sorted by address: a batch in the order of a unique key is three to five times as fast.
pub(crate) struct Chunk {
    /// Rows of the file before it.
    pub start: u64,
    pub rows: Vec<Row>,
    /// Bytes of the file up to its end.
    pub bytes: u64,
    /// The file cannot be read on from here.
    pub broken: Option<BadRecord>,
}

/// A row for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub line: u64,
    pub reason: String,
    pub text: String,
}

/// Reads chunks.
pub(crate) struct Chunks {
    records: Records,
    kept: Arc<Kept>,
    options: Arc<Options>,
    zone: Tz,
    addresses: Addresses,
    start: u64,
    /// Rows of the next one.
    rows: usize,
    ended: bool,
    /// First rows that were refused, and first that lack something.
    pub refused: Vec<Seen>,
    pub lacking: Vec<Seen>,
}

impl Chunks {
    pub fn open(path: &Path, kept: Arc<Kept>, options: Arc<Options>, zone: Tz) -> Result<Chunks> {
        let mut records = Records::open(path, &kept.format)?;
        let mut ended = false;
        if kept.header {
            ended = !matches!(records.next(), Some(Ok(_)));
        }
        Ok(Chunks {
            records,
            rows: kept.first_rows.clamp(1, CHUNK_ROWS),
            kept,
            options,
            zone,
            addresses: Addresses::default(),
            start: 0,
            ended,
            refused: Vec::new(),
            lacking: Vec::new(),
        })
    }

    fn row(&mut self, record: Record) -> Row {
        let (line, cells) = (record.line, record.fields);
        let refuse = |email: String, standing: Standing, word: &str, cells: Vec<String>| Row {
            line,
            email,
            standing,
            what: What::Refused {
                duplicate: word == "duplicate",
                reason: reason(word),
                cells,
            },
        };
        if let Some(word) = record.fault {
            return refuse(String::new(), Standing::Free, word, cells);
        }
        if let Some(lines) = swallowed(&cells, &self.kept) {
            let reason = sentence("imports.reasons.open_quote", &[("lines", &lines)]);
            return Row {
                line,
                email: String::new(),
                standing: Standing::Free,
                what: What::Refused {
                    duplicate: false,
                    reason,
                    cells,
                },
            };
        }
        if cells.len() != self.kept.heading.len() {
            return refuse(String::new(), Standing::Free, "columns", cells);
        }
        let email = match clean::address(&cells[self.kept.email]) {
            Ok(email) => email,
            Err(bad) => return refuse(String::new(), Standing::Free, bad.word(), cells),
        };
        let mut lacks = Vec::new();
        let standing = self.kept.standing(&cells, &mut lacks);
        // The first row of an address wins, but a no further down is heard all the same.
        if !self.addresses.insert(&email) {
            return refuse(email, standing, "duplicate", cells);
        }
        let mut values = Vec::with_capacity(self.kept.fields.len());
        for (place, column) in self.kept.fields.iter().enumerate() {
            let value = self.value(place, &cells[column.column], &mut lacks);
            values.push(value);
        }
        let own = self
            .kept
            .tag_columns
            .iter()
            .flat_map(|(i, by)| cells[*i].split(by.as_str()));
        let tags = tags(own.chain(self.kept.tags.iter().map(String::as_str)));
        let gaps = (!lacks.is_empty()).then(|| (lacks.join("; "), cells));
        Row {
            line,
            email,
            standing,
            what: What::Person(Box::new(Person { values, tags, gaps })),
        }
    }

    /// The value of a cell. What cannot be taken is left out, and `lacks` says why.
    fn value(&self, place: usize, cell: &str, lacks: &mut Vec<String>) -> Option<Value> {
        let column = &self.kept.fields[place];
        let mut lack = |word: &str| lacks.push(format!("{}: {}", column.name, reason(word)));
        let value = match column.reading.read(cell, self.zone) {
            Ok(value) => value?,
            Err(word) => {
                lack(word);
                return None;
            }
        };
        match (&value, column.reading.field_type) {
            _ if cell.contains('\u{FFFD}') => {
                lack("unreadable_letters");
                None
            }
            (Value::Text(text), _) if text.chars().count() > TEXT_MAX => {
                lack("too_long");
                None
            }
            (Value::Text(text), _) if column.key == "time_zone" => match text.parse::<Tz>() {
                Ok(zone) => Some(Value::Text(zone.name().to_owned())),
                Err(_) => {
                    lack("bad_zone");
                    None
                }
            },
            (Value::Text(text), _) if column.key == companies::DOMAIN => {
                let domain = domain_of(text).filter(|domain| !is_anybodys(domain));
                if domain.is_none() {
                    lack("bad_domain");
                }
                domain.map(Value::Text)
            }
            (_, FieldType::Choice | FieldType::MultiChoice) => {
                let several = matches!(value, Value::MultiChoice(_));
                let known = self.options.get(&place)?;
                let asked = options_of(value);
                let found: BTreeSet<String> = asked
                    .iter()
                    .filter_map(|o| known.get(&folded(o)).cloned())
                    .collect();
                if asked.iter().any(|o| !known.contains_key(&folded(o))) {
                    lack("too_many_options");
                }
                match several {
                    _ if found.is_empty() => None,
                    true => Some(Value::MultiChoice(found)),
                    false => found.into_iter().next().map(Value::Choice),
                }
            }
            _ => Some(value),
        }
    }

    fn note(&mut self, row: &Row) {
        let (list, reason, cells) = match &row.what {
            What::Refused { reason, cells, .. } => (&mut self.refused, reason, cells),
            What::Person(person) => match &person.gaps {
                Some((reason, cells)) => (&mut self.lacking, reason, cells),
                None => return,
            },
        };
        if list.len() < EXAMPLES {
            list.push(seen(row.line, reason, cells));
        }
    }
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let mut chunk = Chunk {
            start: self.start,
            rows: Vec::new(),
            bytes: 0,
            broken: None,
        };
        let mut held = 0;
        while !self.ended && chunk.rows.len() < self.rows && held < CHUNK_BYTES {
            match self.records.next() {
                None => self.ended = true,
                Some(Err(bad)) => {
                    chunk.broken = Some(bad);
                    self.ended = true;
                }
                Some(Ok(record)) => {
                    held += weight(&record.fields);
                    let row = self.row(record);
                    self.note(&row);
                    chunk.rows.push(row);
                }
            }
        }
        if chunk.rows.is_empty() && chunk.broken.is_none() {
            return None;
        }
        chunk
            .rows
            .sort_unstable_by(|a, b| a.email.cmp(&b.email).then(a.line.cmp(&b.line)));
        self.rows = (2 * self.rows).min(CHUNK_ROWS);
        chunk.bytes = self.records.bytes();
        self.start += chunk.rows.len() as u64;
        Some(chunk)
    }
}

/// A row for people to look at, its text cut short.
pub(crate) fn seen(line: u64, reason: &str, cells: &[String]) -> Seen {
    let joined = cells.join(" | ");
    let text = clean::line(&joined).chars().take(200).collect();
    Seen {
        line,
        reason: reason.to_owned(),
        text,
    }
}

/// The sentence of a reason.
pub(crate) fn reason(word: &str) -> String {
    sentence(&format!("imports.reasons.{word}"), &[])
}

/// Bytes a row takes in memory, from above.
fn weight(cells: &[String]) -> usize {
    128 + cells.iter().map(|c| c.len() + 56).sum::<usize>()
}

/// A quote that was never closed makes rows into one cell. How many lines of the cells look like rows of this
/// file: as many columns as its heading, with an address where the addresses are.
fn swallowed(cells: &[String], kept: &Kept) -> Option<usize> {
    let delimiter = kept.format.layout()?.delimiter;
    let row = |line: &&str| {
        line.matches(delimiter).count() + 1 == kept.heading.len()
            && line
                .split(delimiter)
                .nth(kept.email)
                .is_some_and(|cell| clean::address(cell).is_ok())
    };
    let count = |cell: &String| cell.lines().skip(1).filter(row).count();
    let lines = cells
        .iter()
        .filter(|c| c.contains('\n'))
        .map(count)
        .sum::<usize>();
    (lines > 0).then_some(lines)
}

/// The addresses met so far, as 64-bit hashes under a key of this run (SipHash: nobody can make two collide).
/// In parts, so that growing one copies little: 9 to 18 bytes an address.
struct Addresses {
    keyed: RandomState,
    parts: Vec<HashSet<u64, BuildHasherDefault<AsIs>>>,
}

const PARTS: usize = 256;

impl Default for Addresses {
    fn default() -> Addresses {
        Addresses {
            keyed: RandomState::new(),
            parts: vec![HashSet::default(); PARTS],
        }
    }
}

impl Addresses {
    /// False: it was there.
    fn insert(&mut self, address: &str) -> bool {
        let hash = self.keyed.hash_one(address);
        // The middle bits: the set itself uses both ends.
        self.parts[(hash >> 32) as usize % PARTS].insert(hash)
    }
}

/// A hash that is one already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of each chunk of a list, by a plan that is kept as `keep` makes it.
    fn lengths(keep: impl FnOnce(&mut serde_json::Value)) -> Vec<usize> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let rows: String = (0..45_000).map(|n| format!("{n}@x.example\n")).collect();
        std::fs::write(file.path(), format!("email\n{rows}")).expect("written");
        let plan = serde_json::json!({
            "file": { "path": file.path() }, "header": true, "columns": [{ "to": "field", "key": "email" }], "mode": "both",
            "basis": null, "source": "a list",
        });
        let plan = serde_json::from_value(plan).expect("a plan");
        let kept = super::super::plan::resolve(&plan, file.path(), &[], Tz::UTC).expect("it fits");
        let mut kept = serde_json::to_value(&kept).expect("JSON");
        keep(&mut kept);
        let kept = serde_json::from_value(kept).expect("a kept plan");
        let chunks = Chunks::open(file.path(), Arc::new(kept), Arc::default(), Tz::UTC).expect("a file");
        chunks.map(|chunk| chunk.rows.len()).collect()
    }

    #[test]
    fn chunks_grow_but_for_a_plan_that_was_kept_before_they_did() {
        assert_eq!(lengths(|_| {}), [10_000, 20_000, 15_000]);
        let before = |kept: &mut serde_json::Value| {
            let kept = kept.as_object_mut().expect("an object");
            assert!(kept.remove("first_rows").is_some());
        };
        assert_eq!(lengths(before), [45_000]);
    }

    #[test]
    fn an_address_is_new_once() {
        let mut met = Addresses::default();
        assert!(met.insert("a@example.com"));
        assert!(met.insert("b@example.com"));
        assert!(!met.insert("a@example.com"));
    }
}
