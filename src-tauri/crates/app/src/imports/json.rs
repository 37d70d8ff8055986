//! Contacts as JSON: a list of objects, or one object after the other, each read by itself and at most
//! [`RECORD_MAX`] long. Parts of parts become columns named with dots; several values become one cell with bars.

use super::delimited::Decoded;
use super::layout::{SAMPLE, TextEncoding, unreadable};
use super::plan;
use super::source::{BadRecord, COLUMNS_MAX, Record, plain};
use crate::error::Result;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest object, in bytes of UTF-8.
const RECORD_MAX: usize = 4 << 20;
/// Longest name of a column, in characters.
const NAME_MAX: usize = 200;

/// How the objects follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One a line (NDJSON): a line that is none spoils no other.
    Lines,
    /// One after the other, over several lines.
    Stream,
    /// A list in brackets.
    List,
}

/// The contacts of a file, the names of the columns before them.
pub struct Json {
    from: BufReader<Decoded>,
    shape: Shape,
    columns: Vec<String>,
    places: HashMap<String, usize>,
    /// Line of the next byte.
    line: u64,
    /// The names were given.
    named: bool,
    /// Nothing comes any more.
    ended: bool,
    opened: bool,
}

type Read1<T> = std::result::Result<T, BadRecord>;

impl Json {
    /// Opens a file whose columns are known; see [`columns`].
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, encoding: TextEncoding, columns: Vec<String>) -> Result<Json> {
        let mut head = Vec::new();
        Decoded::open(path, encoding)?
            .take(SAMPLE as u64)
            .read_to_end(&mut head)
            .map_err(|e| unreadable(path, e))?;
        let places = columns.iter().cloned().zip(0..).collect();
        Ok(Json {
            from: BufReader::with_capacity(SAMPLE, Decoded::open(path, encoding)?),
            shape: shape(&String::from_utf8_lossy(&head)),
            columns,
            places,
            line: 1,
            named: false,
            ended: false,
            opened: false,
        })
    }

    /// Bytes of the file that were taken in.
    pub fn bytes(&self) -> u64 {
        self.from.get_ref().taken()
    }

    /// The next object as text, with the line it starts on.
    fn object(&mut self) -> Read1<Option<(u64, Vec<u8>)>> {
        match self.shape {
            Shape::Lines => self.whole_line(),
            Shape::Stream | Shape::List => self.element(),
        }
    }

    fn whole_line(&mut self) -> Read1<Option<(u64, Vec<u8>)>> {
        loop {
            let mut raw = Vec::new();
            let line = self.line;
            let read = (&mut self.from)
                .take(RECORD_MAX as u64 + 1)
                .read_until(b'\n', &mut raw)
                .map_err(io)?;
            self.line += 1;
            if read == 0 {
                return Ok(None);
            }
            if raw.len() > RECORD_MAX {
                return Err(BadRecord::RecordTooLong { line });
            }
            let text = raw.trim_ascii();
            if !text.is_empty() {
                return Ok(Some((line, text.to_vec())));
            }
        }
    }

    fn peek(&mut self) -> Read1<Option<u8>> {
        Ok(self.from.fill_buf().map_err(io)?.first().copied())
    }

    fn step(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\n');
        self.from.consume(1);
    }

    /// Passes over what stands between objects. What comes then; `None`: nothing.
    fn between(&mut self) -> Read1<Option<u8>> {
        while let Some(byte) = self.peek()? {
            let opens = self.shape == Shape::List && !self.opened && byte == b'[';
            self.opened |= opens;
            if !(opens || byte.is_ascii_whitespace() || byte == b',') {
                return Ok(Some(byte));
            }
            self.step(byte);
        }
        Ok(None)
    }

    fn element(&mut self) -> Read1<Option<(u64, Vec<u8>)>> {
        let first = self.between()?;
        let (start, line) = (self.shape == Shape::List, self.line);
        match first {
            Some(b']') if start => return Ok(None),
            None if start => return Err(cut_off(line)),
            None => return Ok(None),
            Some(_) => {}
        }
        let mut text = Vec::new();
        let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
        while let Some(byte) = self.peek()? {
            let over = !quoted && depth == 0 && !text.is_empty();
            if over && (matches!(byte, b',' | b']' | b'}' | b'{') || byte == b'\n') {
                return Ok(Some((line, text)));
            }
            self.step(byte);
            text.push(byte);
            if text.len() > RECORD_MAX {
                return Err(BadRecord::RecordTooLong { line });
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth += 1,
                b'}' | b']' if !quoted => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(Some((line, text)));
                    }
                }
                _ => {}
            }
        }
        match quoted || depth > 0 {
            true => Err(cut_off(line)),
            false => Ok(Some((line, text))),
        }
    }

    fn record(&self, line: u64, text: &[u8]) -> Record {
        let Some(cells) = cells(text) else {
            return Record {
                line,
                fields: vec![String::from_utf8_lossy(text).into_owned()],
                fault: Some("not_json"),
            };
        };
        let mut fields = vec![String::new(); self.columns.len()];
        for (name, cell) in cells {
            if let Some(place) = self.places.get(&name) {
                fields[*place] = cell;
            }
        }
        Record {
            line,
            fields,
            fault: None,
        }
    }
}

impl Iterator for Json {
    type Item = Read1<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.named {
            self.named = true;
            return Some(Ok(Record {
                line: 0,
                fields: self.columns.clone(),
                fault: None,
            }));
        }
        if self.ended {
            return None;
        }
        let read = self.object();
        self.ended = !matches!(read, Ok(Some(_)));
        match read {
            Ok(Some((line, text))) => Some(Ok(self.record(line, &text))),
            Ok(None) => None,
            Err(bad) => Some(Err(bad)),
        }
    }
}

fn io(error: std::io::Error) -> BadRecord {
    BadRecord::Io(error.to_string())
}

fn cut_off(line: u64) -> BadRecord {
    BadRecord::Damaged {
        line,
        detail: crate::error::sentence("imports.json_cut_off", &[]),
    }
}

fn shape(head: &str) -> Shape {
    let text = head.trim_start_matches('\u{FEFF}').trim_start();
    if text.starts_with('[') {
        return Shape::List;
    }
    let first = text.lines().next().unwrap_or_default();
    match serde_json::from_str::<serde::de::IgnoredAny>(first) {
        Ok(_) => Shape::Lines,
        Err(_) => Shape::Stream,
    }
}

/// The names of all columns, those of the first contact first, and how many contacts there are. Reads the whole file: what
/// only the last contact has is a column, too.
///
/// # Errors
/// When it cannot be read, or has more columns than [`COLUMNS_MAX`].
pub(super) fn columns(path: &Path, encoding: TextEncoding) -> Result<(Vec<String>, u64)> {
    let mut json = Json::open(path, encoding, Vec::new())?;
    let mut rows = 0;
    loop {
        match json.object() {
            Ok(None) => break,
            // What cannot be read on is told where the rows before it are shown.
            Err(_) => break,
            Ok(Some((line, text))) => {
                rows += 1;
                for (name, _) in cells(&text).unwrap_or_default() {
                    if json.places.contains_key(&name) {
                        continue;
                    }
                    if json.columns.len() == COLUMNS_MAX {
                        let bad = BadRecord::TooManyColumns { line };
                        return Err(plan::broken(&bad, "imports.kept_nothing"));
                    }
                    json.places.insert(name.clone(), json.columns.len());
                    json.columns.push(name);
                }
            }
        }
    }
    Ok((json.columns, rows))
}

/// The cells of an object by the names of their columns; `None`: it is none.
fn cells(text: &[u8]) -> Option<Vec<(String, String)>> {
    let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(text) else {
        return None;
    };
    let mut found = Vec::new();
    flatten("", &value, &mut found);
    Some(found)
}

fn flatten(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    let text = match value {
        Value::Null => return,
        Value::Bool(yes) => yes.to_string(),
        Value::String(text) => text.clone(),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(n), _, _) => n.to_string(),
            (_, Some(n), _) => n.to_string(),
            (_, _, Some(n)) => plain(n),
            _ => n.to_string(),
        },
        Value::Object(parts) => {
            for (key, part) in parts {
                let key = match name.is_empty() {
                    true => key.clone(),
                    false => format!("{name}.{key}"),
                };
                flatten(&key.chars().take(NAME_MAX).collect::<String>(), part, out);
            }
            return;
        }
        Value::Array(several) => {
            let mut all = Vec::new();
            for one in several {
                flatten(name, one, &mut all);
            }
            let mut places: HashMap<String, usize> = HashMap::new();
            let begin = out.len();
            for (name, cell) in all {
                match places.get(&name) {
                    Some(at) => {
                        let so_far: &mut (String, String) = &mut out[begin + at];
                        so_far.1.push('|');
                        so_far.1.push_str(&cell);
                    }
                    None => {
                        places.insert(name.clone(), out.len() - begin);
                        out.push((name, cell));
                    }
                }
            }
            return;
        }
    };
    out.push((name.to_owned(), text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<Read1<Record>>) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let (names, _) = columns(file.path(), TextEncoding::Utf8).expect("columns");
        let json = Json::open(file.path(), TextEncoding::Utf8, names.clone()).expect("opened");
        (names, json.skip(1).collect())
    }

    fn fields(rows: Vec<Read1<Record>>) -> Vec<Vec<String>> {
        rows.into_iter().map(|r| r.expect("a record").fields).collect()
    }

    const ONE: &str = r#"{"email":"a@example.com","name":{"first":"Ada","last":"L"},"likes":["tea","a, b"],"n":1e6,"vip":true,"gone":null}"#;
    const TWO: &str =
        r#"{"email":"b@example.com","lists":[{"id":1,"name":"x"},{"id":2,"name":"y"}],"text":"} \" ["}"#;

    #[test]
    fn a_list_lines_and_objects_over_several_lines_bring_the_same_people() {
        let pretty = |text: &str| {
            let value: Value = serde_json::from_str(text).expect("JSON");
            serde_json::to_string_pretty(&value).expect("text")
        };
        let want = read(&format!("{ONE}\n{TWO}\n"));
        assert_eq!(want.0.len(), 9);
        let cell = |row: &[String], name: &str| {
            let at = want.0.iter().position(|column| column == name).expect("a column");
            row[at].clone()
        };
        let rows = fields(want.1);
        for (row, name, want) in [
            (0, "email", "a@example.com"),
            (0, "name.first", "Ada"),
            (0, "name.last", "L"),
            (0, "likes", "tea|a, b"),
            (0, "n", "1000000"),
            (0, "vip", "true"),
            (0, "lists.id", ""),
            (1, "lists.id", "1|2"),
            (1, "lists.name", "x|y"),
            (1, "text", "} \" ["),
        ] {
            assert_eq!(cell(&rows[row], name), want, "{name}");
        }
        for text in [
            format!("[{ONE},{TWO}]"),
            format!("[\n{},\n{}\n]\n", pretty(ONE), pretty(TWO)),
            format!("{}\n{}", pretty(ONE), pretty(TWO)),
            format!("\u{FEFF}{ONE}\r\n\r\n{TWO}"),
        ] {
            let got = read(&text);
            assert_eq!((got.0, fields(got.1)), (want.0.clone(), rows.clone()), "{text}");
        }
    }

    #[test]
    fn a_line_that_is_no_object_is_refused_alone_and_a_list_that_breaks_off_says_so() {
        let (_, rows) = read(&format!("{ONE}\n{{\"email\": oops\n[1]\n{TWO}\n"));
        let faults: Vec<_> = rows
            .iter()
            .map(|r| r.as_ref().ok().and_then(|r| r.fault))
            .collect();
        assert_eq!(faults, [None, Some("not_json"), Some("not_json"), None]);
        let (_, rows) = read(&format!("[{ONE},7,{{\"email\": ]}},{TWO}]"));
        let faults: Vec<_> = rows
            .iter()
            .map(|r| r.as_ref().ok().and_then(|r| r.fault))
            .collect();
        assert_eq!(faults[1], Some("not_json"));
        let (_, rows) = read(&format!("[{ONE},{}", &TWO[..20]));
        assert!(matches!(rows[1], Err(BadRecord::Damaged { .. })), "{rows:?}");
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn an_object_without_an_end_is_a_clear_error_and_not_a_gigabyte() {
        let (_, rows) = read(&format!("[{{\"email\":\"{}\"}}]", "x".repeat(RECORD_MAX)));
        assert_eq!(rows, [Err(BadRecord::RecordTooLong { line: 1 })]);
        let (_, rows) = read(&"[".repeat(100_000));
        assert!(matches!(rows[0], Err(BadRecord::Damaged { .. })), "{rows:?}");
    }
}
