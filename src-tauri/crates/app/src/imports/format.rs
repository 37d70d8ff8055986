//! What kind of file it is. What it holds says so; its name does not matter.

use super::layout::{Layout, SAMPLE, TextEncoding, unreadable};
use super::{cards, database, delimited::Decoded, json, parquet, sheet};
use crate::error::{Code, Result, fail};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use ts_rs::TS;

/// How a file is read, as it is kept with an import. A plan of before there was more than delimited text reads as
/// [`Format::Text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Format {
    Text(Layout),
    /// A workbook of Excel (ECMA-376), and which of its sheets.
    Sheet {
        sheet: String,
    },
    /// A list of objects, or one after the other; the columns they have together.
    Json {
        json: TextEncoding,
        columns: Vec<String>,
    },
    Cards {
        cards: TextEncoding,
    },
    /// A file of Parquet, and how many rows it says it has.
    Parquet {
        parquet: u64,
    },
    /// A database of SQLite, and which of its tables.
    Database {
        table: String,
    },
}

/// The kind of a file, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FileKind {
    Text,
    Sheet,
    Json,
    Cards,
    Parquet,
    Database,
}

/// What the user says of a file; what is left out is found.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub delimiter: Option<char>,
    pub encoding: Option<TextEncoding>,
    /// Which sheet of a workbook, or table or view of a database.
    pub sheet: Option<String>,
}

/// A file that was looked at.
#[derive(Debug)]
pub struct Looked {
    pub format: Format,
    /// Names of the sheets or tables, where it has any.
    pub sheets: Vec<String>,
    /// How many rows there are, where that is known without an estimate.
    pub rows: Option<u64>,
}

impl Format {
    /// What people call it.
    pub fn kind(&self) -> FileKind {
        match self {
            Format::Text(_) => FileKind::Text,
            Format::Sheet { .. } => FileKind::Sheet,
            Format::Json { .. } => FileKind::Json,
            Format::Cards { .. } => FileKind::Cards,
            Format::Parquet { .. } => FileKind::Parquet,
            Format::Database { .. } => FileKind::Database,
        }
    }

    /// Which of the parts of the file it is: a sheet of a workbook, a table or view of a database.
    pub fn part(&self) -> Option<&str> {
        match self {
            Format::Sheet { sheet } => Some(sheet),
            Format::Database { table } => Some(table),
            _ => None,
        }
    }

    /// The layout of delimited text.
    pub fn layout(&self) -> Option<Layout> {
        match self {
            Format::Text(layout) => Some(*layout),
            _ => None,
        }
    }

    /// Whether the first row may be somebody instead of names: where the file names its columns itself, it never is.
    pub fn may_lack_heading(&self) -> bool {
        matches!(self, Format::Text(_) | Format::Sheet { .. })
    }
}

impl Looked {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it cannot be read, is of a kind that cannot be imported, or is dangerously large.
    pub fn at(path: &Path, asked: &Asked) -> Result<Looked> {
        let mut head = [0; 16];
        let filled = match path.is_dir() {
            true => 0,
            false => File::open(path)
                .and_then(|mut file| file.read(&mut head))
                .map_err(|e| unreadable(path, e))?,
        };
        if let Some(refused) = refused(&head[..filled]) {
            return Err(fail(Code::Invalid, refused, &[("file", &path.display())]).at("file"));
        }
        if head.starts_with(b"PK\x03\x04") {
            let (sheets, sheet, rows) = sheet::look(path, asked.sheet.as_deref())?;
            return Ok(Looked {
                format: Format::Sheet { sheet },
                sheets,
                rows,
            });
        }
        if head.starts_with(b"PAR1") || head.starts_with(b"PARE") {
            let rows = parquet::look(path)?;
            return Ok(Looked {
                format: Format::Parquet { parquet: rows },
                sheets: Vec::new(),
                rows: Some(rows),
            });
        }
        if head.starts_with(b"SQLite format 3\0") {
            let (sheets, table, rows) = database::look(path, asked.sheet.as_deref())?;
            return Ok(Looked {
                format: Format::Database { table },
                sheets,
                rows,
            });
        }
        let mut layout = Layout::detect(path)?;
        if let Some(encoding) = asked.encoding.filter(|e| *e != layout.encoding) {
            layout = Layout::with_encoding(path, encoding)?;
        }
        let (format, rows) = match text_kind(path, layout.encoding)? {
            FileKind::Json => {
                let (columns, rows) = json::columns(path, layout.encoding)?;
                let json = layout.encoding;
                (Format::Json { json, columns }, Some(rows))
            }
            FileKind::Cards => {
                let rows = cards::count(path, layout.encoding)?;
                let cards = layout.encoding;
                (Format::Cards { cards }, Some(rows))
            }
            _ => {
                layout.delimiter = asked.delimiter.unwrap_or(layout.delimiter);
                (Format::Text(layout), None)
            }
        };
        Ok(Looked {
            format,
            sheets: Vec::new(),
            rows,
        })
    }
}

/// Kinds people try and that cannot be imported, by their first bytes.
fn refused(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 3] = [
        // Compound files: Excel up to 2003, and any newer one with a password.
        (b"\xD0\xCF\x11\xE0", "imports.old_workbook"),
        (b"%PDF-", "imports.not_a_list"),
        (b"\x1F\x8B", "imports.not_a_list"),
    ];
    kinds
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, key)| *key)
}

fn text_kind(path: &Path, encoding: TextEncoding) -> Result<FileKind> {
    let mut head = Vec::new();
    Decoded::open(path, encoding)?
        .take(SAMPLE as u64)
        .read_to_end(&mut head)
        .map_err(|e| unreadable(path, e))?;
    let text = String::from_utf8_lossy(&head);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let begins = |word: &str| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let list = text
        .strip_prefix('[')
        .is_some_and(|rest| rest.trim_start().starts_with(['{', ']']));
    Ok(match () {
        () if text.starts_with('{') || list => FileKind::Json,
        () if begins("BEGIN:VCARD") => FileKind::Cards,
        () => FileKind::Text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8]) -> Result<FileKind> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("written");
        Looked::at(file.path(), &Asked::default()).map(|looked| looked.format.kind())
    }

    #[test]
    fn what_a_file_holds_says_what_it_is() {
        let utf16: Vec<u8> = "\u{FEFF}[ {\"email\":\"a@example.com\"} ]"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, want) in [
            (&b"email,name\na@example.com,A\n"[..], FileKind::Text),
            (&b"\n {\"email\":\"a@example.com\"}\n"[..], FileKind::Json),
            (&b"[]"[..], FileKind::Json),
            (&b"[draft],name\nx,y\n"[..], FileKind::Text),
            (&utf16[..], FileKind::Json),
            (
                &b"begin:vcard\nEMAIL:a@example.com\nend:vcard\n"[..],
                FileKind::Cards,
            ),
        ] {
            assert_eq!(kind(bytes).expect("a kind"), want, "{bytes:?}");
        }
        for bytes in [
            &b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"[..],
            b"SQLite format 3\0",
            b"PAR1....",
            b"%PDF-1.7",
        ] {
            assert!(kind(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_kept_plan_of_delimited_text_reads_as_it_did() {
        let kept: Format =
            serde_json::from_str(r#"{"encoding":"windows-1252","delimiter":";"}"#).expect("a format");
        let layout = Layout {
            encoding: TextEncoding::Windows1252,
            delimiter: ';',
        };
        assert_eq!(kept, Format::Text(layout));
        for format in [
            Format::Sheet {
                sheet: "Leute".into(),
            },
            Format::Json {
                json: TextEncoding::Utf8,
                columns: vec!["a".into()],
            },
            Format::Cards {
                cards: TextEncoding::Utf8,
            },
            Format::Parquet { parquet: 7 },
            Format::Database {
                table: "people".into(),
            },
        ] {
            let text = serde_json::to_string(&format).expect("text");
            assert_eq!(serde_json::from_str::<Format>(&text).expect("a format"), format);
        }
    }
}
