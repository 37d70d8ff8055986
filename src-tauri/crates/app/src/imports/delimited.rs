//! Reading delimited text from anywhere in flat memory: encodings, delimiters, quotes, hostile lengths.

use super::layout::{Layout, SAMPLE, TextEncoding, named_delimiter, unreadable};
use super::source::{BadRecord, COLUMNS_MAX, FIELD_MAX, Record};
use crate::error::Result;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Decodes a file to UTF-8 in flat memory; what cannot be decoded becomes U+FFFD.
pub(super) struct Decoded {
    from: BufReader<File>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    raw_at: usize,
    raw_end: usize,
    /// Bytes taken from the file so far.
    taken: u64,
    ended: bool,
    finished: bool,
}

impl Decoded {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, encoding: TextEncoding) -> Result<Decoded> {
        let file = File::open(path).map_err(|e| unreadable(path, e))?;
        Ok(Decoded {
            from: BufReader::with_capacity(SAMPLE, file),
            decoder: encoding.encoding().new_decoder_with_bom_removal(),
            raw: vec![0; SAMPLE],
            raw_at: 0,
            raw_end: 0,
            taken: 0,
            ended: false,
            finished: false,
        })
    }

    /// Bytes taken from the file so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }
}

impl Read for Decoded {
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

impl Record {
    /// Whether it is no row but a line like `sep=;`.
    fn names_delimiter(&self, delimiter: char) -> bool {
        named_delimiter(&self.fields.join(&delimiter.to_string())).is_some()
    }
}

/// Records of a delimited file, one after the other, in memory bounded by one record.
pub struct Delimited {
    from: Decoded,
    parser: csv_core::Reader,
    input: Vec<u8>,
    at: usize,
    end: usize,
    eof: bool,
    output: Vec<u8>,
    ends: Vec<usize>,
    failed: bool,
    /// Nothing was read yet.
    first: bool,
    delimiter: char,
    /// Line of the next byte.
    line: u64,
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

impl Delimited {
    /// Opens a file with a layout.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, layout: Layout) -> Result<Delimited> {
        let delimiter = u8::try_from(layout.delimiter).unwrap_or(b',');
        Ok(Delimited {
            from: Decoded::open(path, layout.encoding)?,
            line: 1,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            input: vec![0; SAMPLE],
            at: 0,
            end: 0,
            eof: false,
            output: vec![0; 4096],
            ends: vec![0; COLUMNS_MAX + 1],
            failed: false,
            first: true,
            delimiter: layout.delimiter,
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
                    return Ok(Some(Record {
                        line,
                        fields,
                        fault: None,
                    }));
                }
            }
        }
    }
}

impl Iterator for Delimited {
    type Item = std::result::Result<Record, BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let mut record = self.read_record();
        if self.first
            && record
                .as_ref()
                .is_ok_and(|r| r.as_ref().is_some_and(|r| r.names_delimiter(self.delimiter)))
        {
            record = self.read_record();
        }
        self.first = false;
        let record = record.transpose();
        self.failed = matches!(record, Some(Err(_)));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::WINDOWS_1252;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("written");
        file
    }

    fn read(bytes: &[u8]) -> (Layout, Vec<Vec<String>>) {
        let file = file(bytes);
        let layout = Layout::detect(file.path()).expect("a layout");
        let rows = Delimited::open(file.path(), layout).expect("opened");
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
    fn a_few_damaged_letters_do_not_spoil_those_of_everybody_else() {
        let mut bytes = "email,name\n".to_owned().into_bytes();
        for n in 0..100 {
            bytes.extend_from_slice(format!("p{n}@example.com,Jürgen Müller\n").as_bytes());
        }
        bytes.extend_from_slice(b"late@example.com,M\xFCller\n");
        let (layout, rows) = read(&bytes);
        assert_eq!(layout.encoding, TextEncoding::Utf8);
        assert_eq!(rows[1][1], "Jürgen Müller");
        assert_eq!(rows.last().map(|r| r[1].as_str()), Some("M\u{FFFD}ller"));
    }

    #[test]
    fn a_line_that_names_the_delimiter_is_no_row() {
        for text in [
            "sep=;\r\nemail;name\r\na@example.com;A, B, C\r\n",
            "\"sep=;\"\nemail;name\na@example.com;A, B, C\n",
        ] {
            let (layout, rows) = read(text.as_bytes());
            assert_eq!(layout.delimiter, ';');
            assert_eq!(rows, [["email", "name"], ["a@example.com", "A, B, C"]]);
        }
        let (_, rows) = read(b"sep=often,name\na,b\n");
        assert_eq!(rows.len(), 2);
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
        let mut rows = Delimited::open(file.path(), layout).expect("opened");
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
        let mut rows = Delimited::open(file.path(), layout).expect("opened");
        assert_eq!(rows.next(), Some(Err(BadRecord::TooManyColumns { line: 1 })));
    }

    #[test]
    fn a_record_knows_the_line_it_starts_on_after_empty_lines_and_breaks_in_quotes() {
        let file = file(b"email,name\r\n\r\n\r\na@example.com,\"A\r\nB\"\r\nb@example.com,B\r\n");
        let layout = Layout {
            encoding: TextEncoding::Utf8,
            delimiter: ',',
        };
        let rows = Delimited::open(file.path(), layout).expect("opened");
        let lines: Vec<u64> = rows.map(|r| r.expect("a record").line).collect();
        assert_eq!(lines, [1, 4, 6]);
    }
}
