//! The beginning of a file of events, and its lines where they are JSON.

use super::lines::PROPS_MAX;
use super::{EventsFormat, EventsGuess};
use crate::error::{Code, Result, fail, sentence};
use crate::imports::clean;
use crate::imports::delimited::Delimited;
use crate::imports::layout::Layout;
use serde_json::Value as Json;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line of JSON, in bytes.
const LINE_MAX: usize = 1 << 20;
/// Lines looked at to guess.
const SAMPLE: usize = 500;

/// The beginning of a file.
pub(super) struct Looked {
    /// `None`: JSON lines.
    pub layout: Option<Layout>,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    whole: bool,
    text: usize,
}

const EMAIL: [&str; 8] = [
    "email",
    "mail",
    "emailaddress",
    "customeremail",
    "contactemail",
    "contact",
    "useremail",
    "customer",
];
const NAME: [&str; 6] = ["event", "eventname", "name", "type", "eventtype", "action"];
const AT: [&str; 12] = [
    "at",
    "time",
    "timestamp",
    "date",
    "datetime",
    "occurredat",
    "createdat",
    "happenedat",
    "when",
    "moment",
    "eventtime",
    "ts",
];
const KEY: [&str; 7] = [
    "id",
    "key",
    "eventid",
    "uuid",
    "eventkey",
    "messageid",
    "idempotencykey",
];

impl Looked {
    pub fn at(path: &Path) -> Result<Looked> {
        let layout = Layout::detect(path)?;
        if is_json(path)? {
            return Looked::at_json(path);
        }
        let mut looked = Looked {
            layout: Some(layout),
            columns: Vec::new(),
            rows: Vec::new(),
            whole: true,
            text: 0,
        };
        let mut records = Delimited::open(path, layout)?;
        if let Some(Ok(heading)) = records.next() {
            looked.columns = heading.fields.iter().map(|name| clean::line(name)).collect();
        }
        for record in records {
            if looked.rows.len() == SAMPLE {
                looked.whole = false;
                break;
            }
            let Ok(record) = record else { break };
            looked.text += record.fields.iter().map(|f| f.len() + 1).sum::<usize>();
            looked.rows.push(record.fields);
        }
        Ok(looked)
    }

    fn at_json(path: &Path) -> Result<Looked> {
        let mut looked = Looked {
            layout: None,
            columns: Vec::new(),
            rows: Vec::new(),
            whole: true,
            text: 0,
        };
        let mut objects = Vec::new();
        let mut lines = JsonLines::open(path)?;
        while let Some(read) = lines.next_line() {
            let (_, line) = read?;
            if objects.len() == SAMPLE {
                looked.whole = false;
                break;
            }
            looked.text += line.len() + 1;
            if let Ok(Json::Object(object)) = serde_json::from_str::<Json>(&line) {
                for key in object.keys() {
                    if !looked.columns.contains(key) && looked.columns.len() < PROPS_MAX {
                        looked.columns.push(key.clone());
                    }
                }
                objects.push(object);
            }
        }
        let cell = |value: Option<&Json>| match value {
            None => String::new(),
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        looked.rows = objects
            .iter()
            .map(|object| looked.columns.iter().map(|key| cell(object.get(key))).collect())
            .collect();
        Ok(looked)
    }

    pub fn format(&self) -> EventsFormat {
        if self.layout.is_some() {
            EventsFormat::Csv
        } else {
            EventsFormat::JsonLines
        }
    }

    pub fn rows_about(&self, bytes: u64) -> u64 {
        let bytes = self.layout.map_or(bytes, |layout| layout.text_bytes(bytes));
        match self.whole || self.text == 0 {
            true => self.rows.len() as u64,
            false => (u128::from(bytes) * self.rows.len() as u128 / self.text as u128) as u64,
        }
    }

    pub fn guess(&self) -> EventsGuess {
        let normal = |name: &str| {
            name.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect::<String>()
        };
        let of = |words: &[&str]| {
            words
                .iter()
                .find_map(|word| self.columns.iter().find(|column| normal(column) == *word))
                .cloned()
        };
        EventsGuess {
            email: of(&EMAIL),
            name: of(&NAME),
            at: of(&AT),
            key: of(&KEY),
        }
    }

    /// Cells of a column.
    pub fn column(&self, i: usize) -> Vec<&str> {
        self.rows
            .iter()
            .map(|row| row.get(i).map_or("", String::as_str))
            .collect()
    }
}

/// Whether the first thing in the file is an object.
fn is_json(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut head)?;
    let text = String::from_utf8_lossy(&head);
    Ok(text.trim_start_matches('\u{FEFF}').trim_start().starts_with('{'))
}

/// Lines of a text file, each at most [`LINE_MAX`] long.
pub(super) struct JsonLines {
    from: BufReader<File>,
    path: PathBuf,
    line: u64,
    /// Bytes taken in so far.
    pub bytes: u64,
}

impl JsonLines {
    pub fn open(path: &Path) -> Result<JsonLines> {
        let file = File::open(path)?;
        Ok(JsonLines {
            from: BufReader::with_capacity(256 << 10, file),
            path: path.to_owned(),
            line: 0,
            bytes: 0,
        })
    }

    /// The next line that is not blank, with its number.
    pub fn next_line(&mut self) -> Option<Result<(u64, String)>> {
        loop {
            let mut raw = Vec::new();
            self.line += 1;
            match (&mut self.from)
                .take(LINE_MAX as u64 + 1)
                .read_until(b'\n', &mut raw)
            {
                Ok(0) => return None,
                Ok(read) => self.bytes += read as u64,
                Err(e) => {
                    let unreadable = [
                        ("file", &self.path.display() as &dyn std::fmt::Display),
                        ("detail", &e),
                    ];
                    return Some(Err(fail(Code::File, "imports.unreadable", &unreadable)));
                }
            }
            if raw.len() > LINE_MAX {
                let kept = sentence("imports.kept_again", &[]);
                return Some(Err(fail(
                    Code::Invalid,
                    "imports.line_too_long",
                    &[("line", &self.line), ("kept", &kept)],
                )));
            }
            let text = String::from_utf8_lossy(&raw);
            let text = text.trim_start_matches('\u{FEFF}').trim();
            if !text.is_empty() {
                return Some(Ok((self.line, text.to_owned())));
            }
        }
    }
}
