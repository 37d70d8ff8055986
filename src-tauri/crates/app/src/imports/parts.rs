//! Whether a workbook is as large as one can be, before anything of it is kept: its parts are compressed, and a few
//! kilobytes of them can be made to unfold to any size.

use super::layout::unreadable;
use crate::error::{ApiError, Code, Result, fail};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Most parts of a workbook.
const PARTS: usize = 10_000;
/// Largest sheet, in bytes: a million rows of a hundred full cells have less. It is read row by row.
const SHEET_MAX: u64 = 8 << 30;
/// Longest stretch of a sheet or of the texts between the beginnings of two cells, in bytes: what one cell can hold.
const CELL_MAX: u64 = 4 << 20;
/// Largest list of the texts that cells share, in bytes. It is held in memory.
const TEXTS_MAX: u64 = 256 << 20;
/// Largest of the other parts, in bytes.
const OTHER_MAX: u64 = 64 << 20;
/// Least bytes of a shared text: `<si></si>`.
const TEXT_LEAST: u64 = 9;

/// What kind of part it is: how large it may be, and the names of what follow each other in it.
struct Limit {
    most: u64,
    /// Elements that begin anew what is held in memory.
    units: &'static [&'static [u8]],
}

fn limit(name: &str) -> Limit {
    let name = name.to_ascii_lowercase();
    let name = name.trim_start_matches('/');
    if name.starts_with("xl/worksheets/") && name.ends_with(".xml") {
        Limit {
            most: SHEET_MAX,
            units: &[b"c", b"row"],
        }
    } else if name.ends_with("sharedstrings.xml") {
        Limit {
            most: TEXTS_MAX,
            units: &[b"si"],
        }
    } else {
        Limit {
            most: OTHER_MAX,
            units: &[],
        }
    }
}

/// Reads all parts of a workbook once, to see how large they are.
///
/// # Errors
/// When it is none, or a part is larger than it can be.
pub(super) fn check(path: &Path) -> Result<()> {
    let named: [(&str, &dyn std::fmt::Display); 1] = [("file", &path.display())];
    let no_workbook = || fail(Code::Invalid, "imports.no_workbook", &named).at("file");
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| no_workbook())?;
    let has = |end: &str| zip.file_names().flatten().any(|name| name.ends_with(end));
    if !has("[Content_Types].xml") || !has("workbook.xml") {
        return Err(no_workbook());
    }
    let too_large = || fail(Code::Invalid, "imports.workbook_too_large", &named).at("file");
    if zip.len() > PARTS {
        return Err(too_large());
    }
    for part in 0..zip.len() {
        let mut part = zip.by_index(part).map_err(|_| no_workbook())?;
        let limit = limit(&part.name().map_err(|_| no_workbook())?);
        if part.size() > limit.most {
            return Err(too_large());
        }
        let mut scan = Scan::new(&limit);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match part.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) if scan.take(&buffer[..read]) => {}
                Ok(_) => return Err(too_large()),
                Err(e) => return Err(damaged(path, &e)),
            }
        }
        if scan.claimed > scan.length / TEXT_LEAST + 1 {
            return Err(too_large());
        }
    }
    Ok(())
}

fn damaged(path: &Path, detail: &dyn std::fmt::Display) -> ApiError {
    let named: [(&str, &dyn std::fmt::Display); 2] = [("file", &path.display()), ("detail", detail)];
    fail(Code::Invalid, "imports.damaged_workbook", &named).at("file")
}

/// Longest name of an element that is looked at.
const NAME_MAX: usize = 64;

/// Where in the text of a part the scan stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Text,
    /// Behind `<`: the name of an element.
    Name,
    /// In a comment, a section of characters or a declaration: a `<` in it begins nothing.
    Special,
}

/// Measures a part as it streams by.
struct Scan<'a> {
    limit: &'a Limit,
    length: u64,
    /// Bytes since the last unit began.
    run: u64,
    at: At,
    name: Vec<u8>,
    /// The last three bytes, to see the end of what is special.
    last: [u8; 3],
    /// What ends it.
    closing: &'static [u8],
    /// How many texts the list says it has: a reader may reserve room for them.
    claimed: u64,
    head: Vec<u8>,
}

/// Bytes at the start of the list of texts in which it says how many there are.
const HEAD: usize = 4 << 10;

impl<'a> Scan<'a> {
    fn new(limit: &'a Limit) -> Scan<'a> {
        Scan {
            limit,
            length: 0,
            run: 0,
            at: At::Text,
            name: Vec::new(),
            last: [0; 3],
            closing: b">",
            claimed: 0,
            head: Vec::new(),
        }
    }

    /// Takes the next bytes. False: it is too much.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.length += bytes.len() as u64;
        if self.length > self.limit.most {
            return false;
        }
        if self.limit.units.is_empty() {
            return true;
        }
        if self.head.len() < HEAD {
            let more = bytes.len().min(HEAD - self.head.len());
            self.head.extend_from_slice(&bytes[..more]);
            self.claimed = claimed(&self.head);
        }
        bytes.iter().all(|byte| self.byte(*byte))
    }

    fn byte(&mut self, byte: u8) -> bool {
        self.run += 1;
        self.last = [self.last[1], self.last[2], byte];
        match self.at {
            At::Text if byte == b'<' => {
                self.at = At::Name;
                self.name.clear();
            }
            At::Text => {}
            At::Name => match byte {
                b'!' if self.name.is_empty() => {
                    self.at = At::Special;
                    self.closing = b"";
                    self.name.clear();
                }
                // A prefix says nothing.
                b':' => self.name.clear(),
                b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>' if !self.name.is_empty() => {
                    if self.limit.units.contains(&self.name.as_slice()) {
                        self.run = 0;
                    }
                    self.at = At::Text;
                }
                _ if self.name.len() < NAME_MAX => self.name.push(byte),
                _ => {}
            },
            At::Special if self.closing.is_empty() => {
                self.closing = match byte {
                    b'-' => b"-->",
                    b'[' => b"]]>",
                    _ => b">",
                }
            }
            At::Special => {
                if self.last.ends_with(self.closing) {
                    self.at = At::Text;
                }
            }
        }
        self.run <= CELL_MAX
    }
}

/// The number in `uniqueCount="…"`.
fn claimed(head: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(head);
    text.split("uniqueCount=")
        .skip(1)
        .filter_map(|rest| {
            let digits = rest.trim_start_matches(['"', '\'']);
            let end = digits.find(|c: char| !c.is_ascii_digit())?;
            // More digits than a number has are more than there can be.
            digits
                .get(..end)
                .filter(|d| !d.is_empty())
                .map(|d| d.parse().unwrap_or(u64::MAX))
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    /// The name of a part, and what writes it.
    type Part<'a> = (&'a str, &'a dyn Fn(&mut dyn Write));

    fn book(parts: &[Part<'_>]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut zip = zip::ZipWriter::new(File::create(file.path()).expect("created"));
        let empty: &dyn Fn(&mut dyn Write) = &|_| {};
        let always = [("[Content_Types].xml", empty), ("xl/workbook.xml", empty)];
        for (name, write) in always.iter().chain(parts) {
            zip.start_file(*name, SimpleFileOptions::default())
                .expect("begun");
            write(&mut zip);
        }
        zip.finish().expect("finished");
        file
    }

    fn refused(parts: &[Part<'_>]) -> bool {
        let file = book(parts);
        let length = std::fs::metadata(file.path()).expect("a file").len();
        assert!(length < 2 << 20, "a bomb is small: {length}");
        check(file.path()).is_err()
    }

    fn spaces(to: &mut dyn Write, megabytes: usize) {
        let block = vec![b' '; 1 << 20];
        for _ in 0..megabytes {
            to.write_all(&block).expect("written");
        }
    }

    #[test]
    fn a_few_kilobytes_that_unfold_to_gigabytes_are_refused() {
        assert!(refused(&[("xl/styles.xml", &|to| spaces(to, 65))]));
        assert!(refused(&[("xl/sharedStrings.xml", &|to| spaces(to, 5))]));
        assert!(refused(&[("xl/worksheets/sheet1.xml", &|to| {
            to.write_all(b"<sheetData><row><c t='inlineStr'><is><t>")
                .expect("written");
            spaces(to, 5);
        })]));
        // What is told apart in a section of characters is one text all the same, and so are its runs.
        assert!(refused(&[("xl/worksheets/sheet1.xml", &|to| {
            to.write_all(b"<row><c><is><t><![CDATA[").expect("written");
            for _ in 0..5 {
                to.write_all("<c ".repeat(400_000).as_bytes()).expect("written");
            }
        })]));
        assert!(refused(&[("xl/worksheets/sheet1.xml", &|to| {
            to.write_all(b"<row><c><is>").expect("written");
            to.write_all("<r><t>x</t></r>".repeat(400_000).as_bytes())
                .expect("written");
        })]));
        assert!(refused(&[("xl/sharedStrings.xml", &|to| {
            to.write_all(b"<sst count=\"3\" uniqueCount=\"99999999999\"><si><t>a</t></si></sst>")
                .expect("written");
        })]));
    }

    #[test]
    fn a_large_sheet_of_ordinary_cells_is_none() {
        let row = r#"<x:row r="7"><x:c r="A7" t="s"><x:v>12</x:v></x:c><!-- <c --><x:c r="B7"/></x:row>"#;
        let parts: [Part<'_>; 2] = [
            ("xl/worksheets/sheet1.xml", &|to: &mut dyn Write| {
                for _ in 0..70 {
                    to.write_all(row.repeat(1_000).as_bytes()).expect("written");
                }
            }),
            ("xl/sharedStrings.xml", &|to: &mut dyn Write| {
                to.write_all(
                    b"<sst count=\"1000000\" uniqueCount=\"2\"><si><t>a</t></si><si><t>b</t></si></sst>",
                )
                .expect("written");
            }),
        ];
        let file = book(&parts);
        check(file.path()).expect("a workbook");
    }

    #[test]
    fn an_archive_that_is_no_workbook_is_refused_as_such() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut zip = zip::ZipWriter::new(File::create(file.path()).expect("created"));
        zip.start_file("subscribed.csv", SimpleFileOptions::default())
            .expect("begun");
        zip.finish().expect("finished");
        let error = check(file.path()).expect_err("no workbook");
        assert!(error.message.contains("archive"), "{error}");
    }
}
