//! Records of any kind of file, one after the other: what is read after here does not know which kind it was.

use super::ahead::Ahead;
use super::cards::Cards;
use super::delimited::Delimited;
use super::format::Format;
use super::json::Json;
use super::{database, parquet, sheet};
use crate::error::Result;
use std::path::Path;

/// Longest field, in bytes of UTF-8.
pub const FIELD_MAX: usize = 1 << 20;
/// Most columns.
pub const COLUMNS_MAX: usize = 512;

/// A record of the file: its fields and the line it starts on (in a sheet, the row; 1 is the heading's).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub line: u64,
    pub fields: Vec<String>,
    /// Why it cannot be read while those after it can: a word of `imports.reasons.*`.
    pub fault: Option<&'static str>,
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
    /// A contact of a JSON or vCard file is longer than one can be.
    RecordTooLong {
        line: u64,
    },
    /// The rest of the file makes no sense.
    Damaged {
        line: u64,
        detail: String,
    },
    Io(String),
}

/// Records of a file. Where the file has no row of names itself, the names of its columns come first.
pub enum Records {
    Delimited(Box<Delimited>),
    Json(Box<Json>),
    Cards(Box<Cards>),
    /// Of a sheet, of Parquet, of a table.
    Ahead(Ahead),
}

impl Records {
    /// Opens a file of a known format.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, format: &Format) -> Result<Records> {
        Ok(match format {
            Format::Text(layout) => Records::Delimited(Box::new(Delimited::open(path, *layout)?)),
            Format::Sheet { sheet } => Records::Ahead(sheet::open(path, sheet)?),
            Format::Parquet { .. } => Records::Ahead(parquet::open(path)?),
            Format::Database { table } => Records::Ahead(database::open(path, table)?),
            Format::Json { json, columns } => {
                Records::Json(Box::new(Json::open(path, *json, columns.clone())?))
            }
            Format::Cards { cards } => Records::Cards(Box::new(Cards::open(path, *cards)?)),
        })
    }

    /// Bytes of the file that were taken in.
    pub fn bytes(&self) -> u64 {
        match self {
            Records::Delimited(records) => records.bytes(),
            Records::Json(json) => json.bytes(),
            Records::Cards(cards) => cards.bytes(),
            Records::Ahead(rows) => rows.bytes(),
        }
    }
}

impl Iterator for Records {
    type Item = std::result::Result<Record, BadRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Records::Delimited(records) => records.next(),
            Records::Json(json) => json.next(),
            Records::Cards(cards) => cards.next(),
            Records::Ahead(rows) => rows.next(),
        }
    }
}

/// A number as people write it: without an exponent, and without the digits beyond the fifteen that spreadsheets
/// keep, which only show how it is stored.
pub(crate) fn plain(n: f64) -> String {
    let rounded = format!("{n:.14e}").parse().unwrap_or(n);
    match rounded == 0.0 {
        true => "0".to_owned(),
        false => rounded.to_string(),
    }
}

/// Beginnings of what a spreadsheet runs as a formula (ASVS 1.2.10).
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\0'];

/// A cell that no spreadsheet runs as a formula: `'` before `= + - @ TAB NUL`. A plain number keeps its sign.
pub fn defused(cell: &str) -> String {
    let dangerous = cell.starts_with(FORMULA);
    if dangerous && cell.parse::<f64>().is_err() {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// The cell as it was before [`defused`]: what Carillon wrote comes back as it was.
pub fn undefused(cell: &str) -> &str {
    cell.strip_prefix('\'')
        .filter(|rest| rest.starts_with(FORMULA))
        .unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (n, text) in [
            (1e6, "1000000"),
            (1e21, "1000000000000000000000"),
            (0.1 + 0.2, "0.3"),
            (-2.5, "-2.5"),
            (-0.0, "0"),
            (491_234_567_890.0, "491234567890"),
            (1e-7, "0.0000001"),
        ] {
            assert_eq!(plain(n), text);
        }
    }

    #[test]
    fn formulas_in_reject_files_are_defused_and_numbers_are_not() {
        assert_eq!(defused("=1+1"), "'=1+1");
        assert_eq!(defused("@x"), "'@x");
        assert_eq!(defused("-12.5"), "-12.5");
        assert_eq!(defused("plain"), "plain");
        for cell in ["=1+1", "+49 30 23125", "'s Gravenhage", "plain"] {
            assert_eq!(undefused(&defused(cell)), cell);
        }
    }
}
