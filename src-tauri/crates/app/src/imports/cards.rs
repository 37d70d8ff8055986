//! vCards (RFC 2426, RFC 6350, and version 2.1 of phones): one person a card.

use super::delimited::Decoded;
use super::layout::{SAMPLE, TextEncoding};
use super::source::{BadRecord, Record};
use crate::error::Result;
use calcard::vcard::{VCard, VCardEntry, VCardParameterName, VCardParameterValue, VCardProperty, VCardValue};
use calcard::{Entry, Parser};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest card without its pictures, in bytes of UTF-8.
const CARD_MAX: usize = 1 << 20;
/// Longest line, in bytes: version 4 keeps a picture in one.
const LINE_MAX: u64 = 32 << 20;

/// What a card says of a person, as the columns of a list.
const COLUMNS: [&str; 19] = [
    "E-mail",
    "First name",
    "Last name",
    "Name",
    "Other e-mails",
    "Phone",
    "Other phones",
    "Company",
    "Job title",
    "Street",
    "Postal code",
    "City",
    "Region",
    "Country",
    "Birthday",
    "Website",
    "Language",
    "Time zone",
    "Tags",
];

/// Properties nobody imports and that make a card long.
const LEFT_OUT: [&str; 4] = ["PHOTO", "LOGO", "SOUND", "KEY"];

/// The people of a file, the names of the columns before them.
pub struct Cards {
    from: BufReader<Decoded>,
    line: u64,
    named: bool,
    ended: bool,
    /// The beginning of a card that was met inside another one.
    begun: Option<(u64, String)>,
}

type Read1<T> = std::result::Result<T, BadRecord>;

impl Cards {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, encoding: TextEncoding) -> Result<Cards> {
        Ok(Cards {
            from: BufReader::with_capacity(SAMPLE, Decoded::open(path, encoding)?),
            line: 0,
            named: false,
            ended: false,
            begun: None,
        })
    }

    /// Bytes of the file that were taken in.
    pub fn bytes(&self) -> u64 {
        self.from.get_ref().taken()
    }

    fn read_line(&mut self) -> Read1<Option<String>> {
        let mut raw = Vec::new();
        self.line += 1;
        let read = (&mut self.from)
            .take(LINE_MAX)
            .read_until(b'\n', &mut raw)
            .map_err(|e| BadRecord::Io(e.to_string()))?;
        if raw.len() as u64 == LINE_MAX {
            return Err(BadRecord::RecordTooLong { line: self.line });
        }
        Ok((read > 0).then(|| String::from_utf8_lossy(&raw).into_owned()))
    }

    /// The text of the next card without its pictures, with the line it begins on.
    fn card(&mut self) -> Read1<Option<(u64, String)>> {
        let mut card = self.begun.take();
        let mut skipping = false;
        while let Some(line) = self.read_line()? {
            let bare = line.trim();
            if bare.eq_ignore_ascii_case("BEGIN:VCARD") {
                let begins = (self.line, line.clone());
                // One that was never ended gives way to the next.
                if card.is_some() {
                    self.begun = Some(begins);
                    return Ok(card);
                }
                card = Some(begins);
                continue;
            }
            let Some((begun, text)) = card.as_mut() else {
                continue;
            };
            if !line.starts_with([' ', '\t']) {
                let name = line.split([':', ';']).next().unwrap_or_default();
                let name = name.rsplit('.').next().unwrap_or_default().trim();
                skipping = LEFT_OUT.iter().any(|left| name.eq_ignore_ascii_case(left));
            }
            if skipping {
                continue;
            }
            text.push_str(&line);
            if text.len() > CARD_MAX {
                return Err(BadRecord::RecordTooLong { line: *begun });
            }
            if bare.eq_ignore_ascii_case("END:VCARD") {
                return Ok(card);
            }
        }
        Ok(card)
    }
}

impl Iterator for Cards {
    type Item = Read1<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.named {
            self.named = true;
            return Some(Ok(Record {
                line: 0,
                fields: COLUMNS.map(str::to_owned).to_vec(),
                fault: None,
            }));
        }
        if self.ended {
            return None;
        }
        let card = self.card();
        self.ended = !matches!(card, Ok(Some(_)));
        Some(card.transpose()?.map(|(line, text)| record(line, text)))
    }
}

/// How many cards a file has. Reads the whole of it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn count(path: &Path, encoding: TextEncoding) -> Result<u64> {
    let cards = Cards::open(path, encoding)?.skip(1);
    Ok(cards.take_while(std::result::Result::is_ok).count() as u64)
}

fn record(line: u64, text: String) -> Record {
    match Parser::new(&text).entry() {
        Entry::VCard(card) => Record {
            line,
            fields: cells(&card),
            fault: None,
        },
        _ => Record {
            line,
            fields: vec![text],
            fault: Some("not_a_card"),
        },
    }
}

/// A person's cells in the order of [`COLUMNS`].
fn cells(card: &VCard) -> Vec<String> {
    let (email, emails) = first_and_others(card, &VCardProperty::Email);
    let (phone, phones) = first_and_others(card, &VCardProperty::Tel);
    let name = parts(card, &VCardProperty::N);
    let at = |parts: &[String], i: usize| parts.get(i).cloned().unwrap_or_default();
    let place = parts(card, &VCardProperty::Adr);
    let one = |property| first_and_others(card, &property).0;
    let company = at(&parts(card, &VCardProperty::Org), 0);
    let tags: Vec<String> = card
        .properties(&VCardProperty::Categories)
        .flat_map(|entry| entry.values.iter().map(text))
        .collect();
    vec![
        email,
        at(&name, 1),
        at(&name, 0),
        one(VCardProperty::Fn),
        emails,
        phone,
        phones,
        company,
        one(VCardProperty::Title),
        at(&place, 2),
        at(&place, 5),
        at(&place, 3),
        at(&place, 4),
        at(&place, 6),
        one(VCardProperty::Bday),
        one(VCardProperty::Url),
        one(VCardProperty::Lang),
        one(VCardProperty::Tz),
        tags.join("|"),
    ]
}

/// The parts of the first property of a kind that has any.
fn parts(card: &VCard, property: &VCardProperty) -> Vec<String> {
    card.properties(property)
        .map(|entry| entry.values.iter().map(text).collect::<Vec<_>>())
        .find(|parts| parts.iter().any(|part| !part.is_empty()))
        .unwrap_or_default()
}

/// The value the card prefers (RFC 6350 §5.3; `TYPE=pref` before it), and the others with commas.
fn first_and_others(card: &VCard, property: &VCardProperty) -> (String, String) {
    let mut values: Vec<(u32, String)> = card
        .properties(property)
        .map(|entry| {
            (
                preference(entry),
                entry.values.first().map(text).unwrap_or_default(),
            )
        })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    values.sort_by_key(|(preference, _)| *preference);
    let mut values = values.into_iter().map(|(_, value)| value);
    let first = values.next().unwrap_or_default();
    (first, values.collect::<Vec<_>>().join(", "))
}

/// The smaller the more preferred; 101: not at all.
fn preference(entry: &VCardEntry) -> u32 {
    let of = |param: &calcard::vcard::VCardParameter| match (&param.name, &param.value) {
        (VCardParameterName::Pref, VCardParameterValue::Integer(n)) => Some(*n),
        (VCardParameterName::Pref, _) => Some(1),
        (VCardParameterName::Type, VCardParameterValue::Text(word)) if word.eq_ignore_ascii_case("pref") => {
            Some(1)
        }
        _ => None,
    };
    entry.params.iter().find_map(of).unwrap_or(101)
}

fn text(value: &VCardValue) -> String {
    let text = match value {
        VCardValue::PartialDateTime(at) => match (at.year, at.month, at.day) {
            (Some(year), Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
            (None, Some(month), Some(day)) => format!("--{month:02}-{day:02}"),
            _ => String::new(),
        },
        VCardValue::Component(parts) => parts.join(" "),
        VCardValue::Integer(n) => n.to_string(),
        VCardValue::Float(n) => super::source::plain(*n),
        VCardValue::Boolean(yes) => yes.to_string(),
        other => other.as_text().unwrap_or_default().to_owned(),
    };
    let text = text.trim();
    ["tel:", "mailto:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Read1<Record>> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let cards = Cards::open(file.path(), TextEncoding::Utf8).expect("opened");
        cards.skip(1).collect()
    }

    fn of(record: &Read1<Record>, column: &str) -> String {
        let at = COLUMNS.iter().position(|c| *c == column).expect("a column");
        record.as_ref().expect("a record").fields[at].clone()
    }

    const THREE: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lovelace;Ada;;;\r\nFN:Ada Lovelace\r\n\
        EMAIL;TYPE=work:work@example.com\r\nEMAIL;TYPE=home;TYPE=pref:ada@example.com\r\n\
        TEL;TYPE=cell:+49 30 1234\r\nORG:Engines;Maths\r\nADR:;;1 St James;London;;SW1;England\r\n\
        BDAY:1815-12-10\r\nCATEGORIES:vip,fair\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\nEND:VCARD\r\n";

    #[test]
    fn a_card_of_each_version_gives_the_preferred_address_and_the_parts_of_the_name() {
        let two = "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg\n\
            EMAIL;INTERNET:jo@example.com\nTEL;CELL;PREF:0301\nEND:VCARD\n";
        let four = "BEGIN:VCARD\nVERSION:4.0\nFN:Bo\nN:Ek;Bo;;;\nitem1.EMAIL;PREF=2:two@example.com\n\
            EMAIL;PREF=1:bo@example.com\nTEL;VALUE=uri:tel:+46-8-1\nBDAY:--0412\nEND:VCARD\n";
        let rows = read(&format!("{THREE}{two}\n{four}"));
        assert_eq!(rows.len(), 3);
        for (row, column, want) in [
            (0, "E-mail", "ada@example.com"),
            (0, "Other e-mails", "work@example.com"),
            (0, "First name", "Ada"),
            (0, "Last name", "Lovelace"),
            (0, "Phone", "+49 30 1234"),
            (0, "Company", "Engines"),
            (0, "City", "London"),
            (0, "Country", "England"),
            (0, "Postal code", "SW1"),
            (0, "Birthday", "1815-12-10"),
            (0, "Tags", "vip|fair"),
            (1, "E-mail", "jo@example.com"),
            (1, "First name", "Jörg"),
            (1, "Last name", "Müller"),
            (1, "Phone", "0301"),
            (2, "E-mail", "bo@example.com"),
            (2, "Phone", "+46-8-1"),
            (2, "Birthday", "--04-12"),
        ] {
            assert_eq!(of(&rows[row], column), want, "{row} {column}");
        }
        let lines: Vec<u64> = rows.iter().map(|r| r.as_ref().expect("a record").line).collect();
        assert_eq!(lines, [1, 15, 22]);
    }

    #[test]
    fn a_card_without_an_end_takes_nobody_with_it() {
        let rows = read(&format!("BEGIN:VCARD\nVERSION:3.0\nEMAIL:x@example.com\n{THREE}"));
        assert_eq!(rows.len(), 2);
        assert_eq!(of(&rows[1], "E-mail"), "ada@example.com");
    }

    #[test]
    fn a_card_that_never_ends_is_a_clear_error() {
        let rows = read(&format!("BEGIN:VCARD\n{}", "NOTE:x\n".repeat(CARD_MAX / 6)));
        assert_eq!(rows, [Err(BadRecord::RecordTooLong { line: 1 })]);
    }
}
