//! Reading delimited text from anywhere in flat memory: encodings, delimiters, quotes, hostile lengths.

use crate::error::{Code, Result, fail};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use ts_rs::TS;

/// How the bytes of a file are to be read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub enum TextEncoding {
    #[serde(rename = "utf-8", alias = "utf-8-bom")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl TextEncoding {
    fn encoding(self) -> &'static Encoding {
        match self {
            TextEncoding::Utf8 => UTF_8,
            TextEncoding::Utf16Le => UTF_16LE,
            TextEncoding::Utf16Be => UTF_16BE,
            TextEncoding::Windows1252 => WINDOWS_1252,
        }
    }
}

/// How a file is laid out. Guessed by [`Layout::detect`], correctable by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Layout {
    pub encoding: TextEncoding,
    /// One of `,` `;` TAB `|`.
    #[ts(type = "string")]
    pub delimiter: char,
}

/// Longest field, in bytes of UTF-8.
pub const FIELD_MAX: usize = 1 << 20;
/// Most columns.
pub const COLUMNS_MAX: usize = 512;
pub(crate) const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
const SAMPLE: usize = 256 << 10;

fn unreadable(path: &Path, detail: impl std::fmt::Display) -> crate::error::ApiError {
    fail(
        Code::Invalid,
        "imports.unreadable",
        &[("file", &path.display()), ("detail", &detail)],
    )
}

impl Layout {
    /// Guesses encoding and delimiter. A file without a byte order mark that is valid UTF-8 to its end is
    /// UTF-8; one in which every other byte of the start is NUL is UTF-16; any other is Windows-1252.
    ///
    /// # Errors
    /// When the file cannot be read, or is empty.
    pub fn detect(path: &Path) -> Result<Layout> {
        let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
        if file.metadata().map_err(|e| unreadable(path, e))?.is_dir() {
            return Err(fail(
                Code::Invalid,
                "imports.folder",
                &[("file", &path.display())],
            ));
        }
        let mut head = vec![0; SAMPLE];
        let filled = fill(&mut file, &mut head).map_err(|e| unreadable(path, e))?;
        head.truncate(filled);
        if head.is_empty() {
            return Err(fail(Code::Invalid, "imports.empty", &[("file", &path.display())]));
        }
        let encoding = match Encoding::for_bom(&head) {
            Some((e, _)) if e == UTF_16LE => TextEncoding::Utf16Le,
            Some((e, _)) if e == UTF_16BE => TextEncoding::Utf16Be,
            Some(_) => TextEncoding::Utf8,
            None => match nul_pattern(&head) {
                Some(encoding) => encoding,
                None if is_utf8(path).map_err(|e| unreadable(path, e))? => TextEncoding::Utf8,
                None => TextEncoding::Windows1252,
            },
        };
        Ok(Layout::of_head(&head, encoding))
    }

    fn of_head(head: &[u8], encoding: TextEncoding) -> Layout {
        let (text, _) = encoding.encoding().decode_with_bom_removal(head);
        Layout {
            encoding,
            delimiter: guess_delimiter(&text),
        }
    }

    /// Guesses the delimiter of a file whose encoding is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_encoding(path: &Path, encoding: TextEncoding) -> Result<Layout> {
        let mut head = vec![0; SAMPLE];
        let filled = File::open(path)
            .and_then(|mut file| fill(&mut file, &mut head))
            .map_err(|e| unreadable(path, e))?;
        Ok(Layout::of_head(&head[..filled], encoding))
    }

    /// About how many bytes of UTF-8 so many bytes of the file are, for estimates.
    pub fn text_bytes(self, bytes: u64) -> u64 {
        match self.encoding {
            TextEncoding::Utf16Le | TextEncoding::Utf16Be => bytes / 2,
            TextEncoding::Utf8 | TextEncoding::Windows1252 => bytes,
        }
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// UTF-16 without a mark: Latin letters leave a NUL in every other byte.
fn nul_pattern(head: &[u8]) -> Option<TextEncoding> {
    let pairs = head.len() / 2;
    if pairs < 2 {
        return None;
    }
    let nuls = |odd: usize| head.chunks_exact(2).filter(|pair| pair[odd] == 0).count();
    let (first, second) = (nuls(0), nuls(1));
    if second * 10 > pairs * 6 && first * 10 < pairs {
        Some(TextEncoding::Utf16Le)
    } else if first * 10 > pairs * 6 && second * 10 < pairs {
        Some(TextEncoding::Utf16Be)
    } else {
        None
    }
}

fn is_utf8(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; SAMPLE];
    let mut kept = 0;
    loop {
        let read = fill(&mut file, &mut buffer[kept..])?;
        let filled = kept + read;
        match std::str::from_utf8(&buffer[..filled]) {
            Ok(_) => kept = 0,
            Err(e) if e.error_len().is_some() => return Ok(false),
            Err(e) => {
                // A character is cut in two by the end of the buffer: carry its first bytes over.
                let valid = e.valid_up_to();
                if read == 0 {
                    return Ok(false);
                }
                buffer.copy_within(valid..filled, 0);
                kept = filled - valid;
            }
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// The delimiter that splits the first records most evenly; a comma where none does.
fn guess_delimiter(text: &str) -> char {
    let score = |delimiter: char| {
        let mut counts = Vec::new();
        let (mut quoted, mut count) = (false, 0usize);
        for c in text.chars() {
            match c {
                '"' => quoted = !quoted,
                '\n' if !quoted => {
                    counts.push(count);
                    count = 0;
                    if counts.len() == 50 {
                        break;
                    }
                }
                c if c == delimiter && !quoted => count += 1,
                _ => {}
            }
        }
        if counts.is_empty() {
            counts.push(count);
        }
        let first = counts[0];
        let alike = counts.iter().filter(|n| **n == first).count();
        // Columns count for more the more records agree with the heading.
        if first == 0 {
            0
        } else {
            first.min(COLUMNS_MAX) * alike * 100 / counts.len()
        }
    };
    let mut best = (',', 0);
    for delimiter in DELIMITERS {
        let points = score(delimiter);
        if points > best.1 {
            best = (delimiter, points);
        }
    }
    best.0
}

/// Decodes a file to UTF-8 in flat memory; what cannot be decoded becomes U+FFFD.
struct Decoded<R> {
    from: R,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    raw_at: usize,
    raw_end: usize,
    /// Bytes taken from the file so far.
    taken: u64,
    ended: bool,
    finished: bool,
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if self.finished || out.is_empty() {
                return Ok(0);
            }
            if self.raw_at == self.raw_end && !self.ended {
                self.raw_end = self.from.read(&mut self.raw)?;
                self.raw_at = 0;
                self.taken += self.raw_end as u64;
                self.ended = self.raw_end == 0;
            }
            let (result, read, written, _) =
                self.decoder
                    .decode_to_utf8(&self.raw[self.raw_at..self.raw_end], out, self.ended);
            self.raw_at += read;
            if self.ended && matches!(result, encoding_rs::CoderResult::InputEmpty) {
                self.finished = true;
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

/// A record of the file: its fields and the line it starts on (1 is the heading's).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub line: u64,
    pub fields: Vec<String>,
}

/// A bad place in the file that ends or interrupts the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// A field is longer than [`FIELD_MAX`]: most often a quote that is never closed.
    FieldTooLong {
        line: u64,
    },
    TooManyColumns {
        line: u64,
    },
    Io(String),
}

/// Records of a delimited file, one after the other, in memory bounded by one record.
pub struct Records {
    from: Decoded<BufReader<File>>,
    parser: csv_core::Reader,
    input: Vec<u8>,
    at: usize,
    end: usize,
    eof: bool,
    output: Vec<u8>,
    ends: Vec<usize>,
    failed: bool,
    /// Line of the next byte.
    line: u64,
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

impl Records {
    /// Opens a file with a layout.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, layout: Layout) -> Result<Records> {
        let file = File::open(path).map_err(|e| unreadable(path, e))?;
        let delimiter = u8::try_from(layout.delimiter).unwrap_or(b',');
        Ok(Records {
            from: Decoded {
                from: BufReader::with_capacity(SAMPLE, file),
                decoder: layout.encoding.encoding().new_decoder_with_bom_removal(),
                raw: vec![0; SAMPLE],
                raw_at: 0,
                raw_end: 0,
                taken: 0,
                ended: false,
                finished: false,
            },
            line: 1,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            input: vec![0; SAMPLE],
            at: 0,
            end: 0,
            eof: false,
            output: vec![0; 4096],
            ends: vec![0; COLUMNS_MAX + 1],
            failed: false,
        })
    }

    /// Bytes of the file that were taken in.
    pub fn bytes(&self) -> u64 {
        self.from.taken
    }

    fn read_record(&mut self) -> std::result::Result<Option<Record>, BadRecord> {
        // Empty lines before a record are passed over and belong to no record.
        let mut line = self.line;
        let mut begun = false;
        let (mut written, mut fields) = (0usize, 0usize);
        loop {
            if self.at == self.end && !self.eof {
                self.end = self
                    .from
                    .read(&mut self.input)
                    .map_err(|e| BadRecord::Io(e.to_string()))?;
                self.at = 0;
                self.eof = self.end == 0;
            }
            let (result, read, out, ended) = self.parser.read_record(
                &self.input[self.at..self.end],
                &mut self.output[written..],
                &mut self.ends[fields..],
            );
            let consumed = &self.input[self.at..self.at + read];
            if !begun && let Some(first) = consumed.iter().position(|b| !b"\r\n".contains(b)) {
                begun = true;
                line = self.line + newlines(&consumed[..first]);
            }
            self.line += newlines(consumed);
            self.at += read;
            written += out;
            fields += ended;
            let open_field = written
                - if fields > 0 {
                    self.ends[fields - 1].min(written)
                } else {
                    0
                };
            if open_field > FIELD_MAX || written > 4 * FIELD_MAX {
                return Err(BadRecord::FieldTooLong { line });
            }
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => {
                    let grown = self.output.len() * 2;
                    self.output.resize(grown, 0);
                }
                csv_core::ReadRecordResult::OutputEndsFull => return Err(BadRecord::TooManyColumns { line }),
                csv_core::ReadRecordResult::End => return Ok(None),
                csv_core::ReadRecordResult::Record => {
                    let mut start = 0;
                    let fields = self.ends[..fields]
                        .iter()
                        .map(|end| {
                            let field = String::from_utf8_lossy(&self.output[start..*end]).into_owned();
                            start = *end;
                            field
                        })
                        .collect();
                    return Ok(Some(Record { line, fields }));
                }
            }
        }
    }
}

impl Iterator for Records {
    type Item = std::result::Result<Record, BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let record = self.read_record().transpose();
        self.failed = matches!(record, Some(Err(_)));
        record
    }
}

/// A cell that no spreadsheet runs as a formula: `'` before `= + - @ TAB NUL` (ASVS 1.2.10).
/// A plain number keeps its sign.
pub fn defused(cell: &str) -> String {
    let dangerous = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
    if dangerous && cell.parse::<f64>().is_err() {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("written");
        file
    }

    fn read(bytes: &[u8]) -> (Layout, Vec<Vec<String>>) {
        let file = file(bytes);
        let layout = Layout::detect(file.path()).expect("a layout");
        let rows = Records::open(file.path(), layout).expect("opened");
        (layout, rows.map(|r| r.expect("a record").fields).collect())
    }

    fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units
            .flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() })
            .collect()
    }

    #[test]
    fn every_encoding_gives_the_same_rows() {
        let text = "email;name\njo@example.com;Jörg Müller\nli@example.com;\"a\n\"\"b\"\"\"\n";
        let want = vec![
            vec!["email".to_owned(), "name".into()],
            vec!["jo@example.com".into(), "Jörg Müller".into()],
            vec!["li@example.com".into(), "a\n\"b\"".into()],
        ];
        let (latin, _, _) = WINDOWS_1252.encode(text);
        let with_mark = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), TextEncoding::Utf8),
            (with_mark, TextEncoding::Utf8),
            (utf16(text, true, true), TextEncoding::Utf16Le),
            (utf16(text, false, true), TextEncoding::Utf16Be),
            (utf16(text, true, false), TextEncoding::Utf16Le),
            (latin.to_vec(), TextEncoding::Windows1252),
        ] {
            let (layout, rows) = read(&bytes);
            assert_eq!(
                layout,
                Layout {
                    encoding,
                    delimiter: ';'
                }
            );
            assert_eq!(rows, want, "{encoding:?}");
        }
    }

    #[test]
    fn a_late_umlaut_in_windows_1252_is_not_taken_for_utf_8() {
        let mut bytes = b"email,name\n".to_vec();
        while bytes.len() < 2 * SAMPLE {
            bytes.extend_from_slice(b"someone@example.com,Someone\n");
        }
        bytes.extend_from_slice(b"late@example.com,M\xFCller\n");
        let (layout, rows) = read(&bytes);
        assert_eq!(layout.encoding, TextEncoding::Windows1252);
        assert_eq!(rows.last().map(|r| r[1].as_str()), Some("Müller"));
    }

    #[test]
    fn a_character_cut_by_the_read_buffer_stays_whole() {
        let mut text = "email,name\n".to_owned();
        while text.len() < SAMPLE - 2 {
            text.push('x');
        }
        text.push_str("€€€,y\n");
        let (layout, rows) = read(text.as_bytes());
        assert_eq!(layout.encoding, TextEncoding::Utf8);
        assert!(rows[1][0].ends_with("€€€"));
    }

    #[test]
    fn an_unclosed_quote_is_a_clear_error_and_not_a_gigabyte() {
        let mut bytes = b"email,name\na@example.com,\"open".to_vec();
        bytes.resize(8 << 20, b'x');
        let file = file(&bytes);
        let layout = Layout {
            encoding: TextEncoding::Utf8,
            delimiter: ',',
        };
        let mut rows = Records::open(file.path(), layout).expect("opened");
        assert!(rows.next().expect("heading").is_ok());
        assert_eq!(rows.next(), Some(Err(BadRecord::FieldTooLong { line: 2 })));
        assert!(rows.output.len() <= 8 * FIELD_MAX);
        assert_eq!(rows.next(), None);
    }

    #[test]
    fn too_many_columns_are_refused() {
        let file = file(",".repeat(COLUMNS_MAX + 5).as_bytes());
        let layout = Layout {
            encoding: TextEncoding::Utf8,
            delimiter: ',',
        };
        let mut rows = Records::open(file.path(), layout).expect("opened");
        assert_eq!(rows.next(), Some(Err(BadRecord::TooManyColumns { line: 1 })));
    }

    #[test]
    fn a_record_knows_the_line_it_starts_on_after_empty_lines_and_breaks_in_quotes() {
        let file = file(b"email,name\r\n\r\n\r\na@example.com,\"A\r\nB\"\r\nb@example.com,B\r\n");
        let layout = Layout {
            encoding: TextEncoding::Utf8,
            delimiter: ',',
        };
        let rows = Records::open(file.path(), layout).expect("opened");
        let lines: Vec<u64> = rows.map(|r| r.expect("a record").line).collect();
        assert_eq!(lines, [1, 4, 6]);
    }

    #[test]
    fn formulas_in_reject_files_are_defused_and_numbers_are_not() {
        assert_eq!(defused("=1+1"), "'=1+1");
        assert_eq!(defused("@x"), "'@x");
        assert_eq!(defused("-12.5"), "-12.5");
        assert_eq!(defused("plain"), "plain");
    }
}
