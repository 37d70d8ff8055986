//! Rows of a Parquet file, read column by column and put together again. Columns in columns are named with dots, and a
//! list becomes one cell with bars, as in JSON.

mod cells;
mod footer;
mod pages;
mod thrift;
mod unpack;

use super::ahead::{Ahead, Out};
use super::layout::unreadable;
use super::source::{BadRecord, COLUMNS_MAX, FIELD_MAX, Record};
use crate::error::{ApiError, Code, Result, fail, sentence};
use ::parquet::basic::{ConvertedType, Encoding, LogicalType, Repetition};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use ::parquet::schema::types::Type as Schema;
use cells::{Kind, old_moment, real};
use pages::{Pages, Shared};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows read of each column at a time; of a column whose values may each repeat the one before.
const ROWS: usize = 256;
const ROWS_REPEATING: usize = 8;
/// Longest row, in bytes of text.
const ROW_MAX: usize = 4 << 20;
/// Largest text of all rows of a file, in bytes, a byte more for each cell: what a few kilobytes can be made to unfold to
/// has an end.
const TEXT_MAX: u64 = if cfg!(test) { 256 << 20 } else { 8 << 30 };
/// Rows that a file of any length may have, and how many more for each byte of it: an address is never shorter than that,
/// however well it is packed, but nothing at all can be said a thousand million times in a few bytes.
const ROWS_ALWAYS: u64 = 1 << 20;
const ROWS_A_BYTE: u64 = 64;

/// Why a file cannot be read.
#[derive(Debug)]
enum Fault {
    Damaged(String),
    Encrypted,
    TooLarge,
    TooManyColumns,
    TooManyRows(u64),
    Io(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl Fault {
    fn told(self, path: &Path) -> ApiError {
        let (key, detail) = match self {
            Fault::Io(error) => return unreadable(path, error),
            Fault::Damaged(detail) => ("imports.damaged_parquet", detail),
            Fault::Encrypted => ("imports.encrypted_parquet", String::new()),
            Fault::TooLarge => ("imports.large_parquet", String::new()),
            Fault::TooManyColumns => ("imports.wide_parquet", COLUMNS_MAX.to_string()),
            Fault::TooManyRows(rows) => ("imports.long_parquet", rows.to_string()),
        };
        fail(
            Code::Invalid,
            key,
            &[("file", &path.display()), ("detail", &detail)],
        )
        .at("file")
    }
}

/// A file that was looked at.
struct Looked {
    file: File,
    about: ParquetMetaData,
    /// Names of the columns that hold values.
    columns: Vec<String>,
}

fn look_at(path: &Path) -> Result<Looked> {
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let about = footer::read(&mut file).map_err(|fault| fault.told(path))?;
    let schema = about.file_metadata().schema_descr();
    if schema.num_columns() > COLUMNS_MAX {
        return Err(Fault::TooManyColumns.told(path));
    }
    let mut columns = Vec::new();
    for column in schema.root_schema().get_fields() {
        name("", column, &mut columns);
    }
    let length = file.metadata().map_err(|e| unreadable(path, e))?.len();
    let parts = about.row_groups().iter();
    let rows = parts.fold(0_u64, |sum, part| {
        sum.saturating_add(u64::try_from(part.num_rows()).unwrap_or(u64::MAX))
    });
    if rows > ROWS_ALWAYS.saturating_add(length.saturating_mul(ROWS_A_BYTE)) {
        return Err(Fault::TooManyRows(rows).told(path));
    }
    if columns.is_empty() || columns.len() != schema.num_columns() {
        return Err(Fault::Damaged(sentence("imports.parquet_without_columns", &[])).told(path));
    }
    Ok(Looked { file, about, columns })
}

/// How many rows a file says it has.
///
/// # Errors
/// When it is cut off, encrypted, or no file of this kind.
pub(super) fn look(path: &Path) -> Result<u64> {
    let looked = look_at(path)?;
    Ok(u64::try_from(looked.about.file_metadata().num_rows()).unwrap_or(0))
}

/// Adds the names of a column and those in it. The levels that only say "a list of these" have none.
fn name(before: &str, column: &Schema, names: &mut Vec<String>) {
    let own = match before {
        "" => column.name().to_owned(),
        before => format!("{before}.{}", column.name()),
    };
    named(&own, column, names);
}

fn named(own: &str, column: &Schema, names: &mut Vec<String>) {
    if column.is_primitive() {
        names.push(own.to_owned());
        return;
    }
    let about = column.get_basic_info();
    let repeated = |inner: &Schema| {
        let about = inner.get_basic_info();
        about.has_repetition() && about.repetition() == Repetition::REPEATED
    };
    let list = matches!(about.logical_type_ref(), Some(LogicalType::List))
        || about.converted_type() == ConvertedType::LIST;
    let map = matches!(about.logical_type_ref(), Some(LogicalType::Map))
        || matches!(
            about.converted_type(),
            ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE
        );
    match column.get_fields() {
        [inner] if list && repeated(inner) => match inner.is_primitive() {
            true => names.push(own.to_owned()),
            false => match inner.get_fields() {
                // Two levels around each element, but for those who write one only.
                [element] if inner.name() != "array" && !inner.name().ends_with("_tuple") => {
                    named(own, element, names);
                }
                _ => named(own, inner, names),
            },
        },
        [pairs] if map && repeated(pairs) => named(own, pairs, names),
        fields => fields.iter().for_each(|field| name(own, field, names)),
    }
}

/// The rows of a file, the names of its columns before them.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn open(path: &Path) -> Result<Ahead> {
    let looked = look_at(path)?;
    let taken: Arc<AtomicU64> = Arc::default();
    let shared = Shared::new(looked.file, taken.clone()).map_err(|e| unreadable(path, e))?;
    let (about, columns) = (looked.about, looked.columns);
    Ahead::start(path, taken, move |mut out| {
        let heading = Record {
            line: 0,
            fields: columns,
            fault: None,
        };
        if !out.row(heading) {
            return;
        }
        let mut rows = Rows {
            shared: Arc::new(shared),
            line: 0,
            text: 0,
        };
        for part in about.row_groups() {
            match rows.part(part, &mut out) {
                Ok(true) => {}
                Ok(false) => return,
                Err(bad) => return out.end(Some(bad)),
            }
        }
        out.end(None);
    })
}

/// The reading side.
struct Rows {
    shared: Arc<Shared>,
    line: u64,
    text: u64,
}

impl Rows {
    fn damaged(&self, detail: &str) -> BadRecord {
        BadRecord::Damaged {
            line: self.line,
            detail: detail.to_owned(),
        }
    }

    /// Sends the rows of a part of the file. False: nobody wants them.
    fn part(&mut self, part: &RowGroupMetaData, out: &mut Out) -> std::result::Result<bool, BadRecord> {
        let told = |error: ParquetError, line| match error {
            ParquetError::External(e) if e.is::<std::io::Error>() => BadRecord::Io(e.to_string()),
            ParquetError::General(detail) => BadRecord::Damaged { line, detail },
            other => BadRecord::Damaged {
                line,
                detail: other.to_string(),
            },
        };
        let repeating = |encoding| encoding == Encoding::DELTA_BYTE_ARRAY;
        let rows = match part.columns().iter().any(|c| c.encodings().any(repeating)) {
            true => ROWS_REPEATING,
            false => ROWS,
        };
        self.shared.rows.store(rows, Ordering::Relaxed);
        let mut columns = Vec::with_capacity(part.num_columns());
        for chunk in part.columns() {
            if chunk.file_path().is_some() {
                return Err(self.damaged(&sentence("imports.parquet_elsewhere", &[])));
            }
            let pages = Pages::new(self.shared.clone(), chunk).map_err(|e| told(e, self.line))?;
            let described = chunk.column_descr_ptr();
            columns.push(Column {
                kind: Kind::of(&described),
                full: described.max_def_level(),
                listed: described.max_rep_level() > 0,
                reader: get_column_reader(described, Box::new(pages)),
                values: Values::default(),
                defined: Vec::new(),
                repeated: Vec::new(),
                level: 0,
                value: 0,
            });
        }
        let mut left = usize::try_from(part.num_rows())
            .map_err(|_| self.damaged("a part of it has fewer than no rows"))?;
        while left > 0 {
            let many = left.min(rows);
            self.shared.begin();
            for column in &mut columns {
                let read = column.read(many).map_err(|e| told(e, self.line))?;
                if read != many {
                    return Err(self.damaged("one of its columns has fewer rows than the others"));
                }
            }
            for _ in 0..many {
                let row = self.row(&mut columns)?;
                if !out.row(row) {
                    return Ok(false);
                }
            }
            left -= many;
        }
        Ok(true)
    }

    fn row(&mut self, columns: &mut [Column]) -> std::result::Result<Record, BadRecord> {
        self.line += 1;
        let line = self.line;
        let mut fields = Vec::with_capacity(columns.len());
        let mut length = 0;
        for column in columns {
            let cell = column.cell().ok_or(BadRecord::FieldTooLong { line })?;
            length += cell.len();
            if length > ROW_MAX {
                return Err(BadRecord::RecordTooLong { line });
            }
            fields.push(cell);
        }
        self.text += (length + fields.len()) as u64;
        match self.text > TEXT_MAX {
            true => Err(self.damaged(&sentence("imports.parquet_unfolds", &[]))),
            false => Ok(Record {
                line,
                fields,
                fault: None,
            }),
        }
    }
}

/// Values as the library reads them.
#[derive(Default)]
struct Values {
    yes_no: Vec<bool>,
    short: Vec<i32>,
    whole: Vec<i64>,
    moments: Vec<Int96>,
    single: Vec<f32>,
    double: Vec<f64>,
    bytes: Vec<ByteArray>,
    fixed: Vec<FixedLenByteArray>,
}

/// A column and the rows of it that were read last.
struct Column {
    kind: Kind,
    reader: ColumnReader,
    /// Level at which a value is there.
    full: i16,
    listed: bool,
    values: Values,
    defined: Vec<i16>,
    repeated: Vec<i16>,
    /// Levels and values that were taken.
    level: usize,
    value: usize,
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    defined: &mut Vec<i16>,
    repeated: &mut Vec<i16>,
    into: &mut Vec<T::T>,
) -> std::result::Result<usize, ParquetError> {
    into.clear();
    let (rows, _, _) = reader.read_records(rows, Some(defined), Some(repeated), into)?;
    Ok(rows)
}

impl Column {
    /// Reads so many rows; how many there were.
    fn read(&mut self, rows: usize) -> std::result::Result<usize, ParquetError> {
        self.defined.clear();
        self.repeated.clear();
        (self.level, self.value) = (0, 0);
        let (d, r, v) = (&mut self.defined, &mut self.repeated, &mut self.values);
        match &mut self.reader {
            ColumnReader::BoolColumnReader(from) => read(from, rows, d, r, &mut v.yes_no),
            ColumnReader::Int32ColumnReader(from) => read(from, rows, d, r, &mut v.short),
            ColumnReader::Int64ColumnReader(from) => read(from, rows, d, r, &mut v.whole),
            ColumnReader::Int96ColumnReader(from) => read(from, rows, d, r, &mut v.moments),
            ColumnReader::FloatColumnReader(from) => read(from, rows, d, r, &mut v.single),
            ColumnReader::DoubleColumnReader(from) => read(from, rows, d, r, &mut v.double),
            ColumnReader::ByteArrayColumnReader(from) => read(from, rows, d, r, &mut v.bytes),
            ColumnReader::FixedLenByteArrayColumnReader(from) => read(from, rows, d, r, &mut v.fixed),
        }
    }

    /// The next value as text; nothing where there is none, and never twice.
    fn next_value(&mut self) -> String {
        let at = self.value;
        self.value += 1;
        let (kind, values) = (self.kind, &self.values);
        let text = match &self.reader {
            ColumnReader::BoolColumnReader(_) => values.yes_no.get(at).map(ToString::to_string),
            ColumnReader::Int32ColumnReader(_) => {
                values.short.get(at).map(|n| kind.whole(i64::from(*n), true))
            }
            ColumnReader::Int64ColumnReader(_) => values.whole.get(at).map(|n| kind.whole(*n, false)),
            ColumnReader::Int96ColumnReader(_) => values.moments.get(at).map(old_moment),
            ColumnReader::FloatColumnReader(_) => values.single.get(at).map(|n| real(*n)),
            ColumnReader::DoubleColumnReader(_) => values.double.get(at).map(|n| real(*n)),
            ColumnReader::ByteArrayColumnReader(_) => values.bytes.get(at).map(|b| kind.bytes(b.data())),
            ColumnReader::FixedLenByteArrayColumnReader(_) => {
                values.fixed.get(at).map(|b| kind.bytes(b.data()))
            }
        };
        text.unwrap_or_default()
    }

    /// The cell of the next row; `None`: it is too long.
    fn cell(&mut self) -> Option<String> {
        let mut cell = String::new();
        let mut several = false;
        loop {
            let there = self.full == 0 || self.defined.get(self.level) == Some(&self.full);
            self.level += 1;
            if there {
                if several {
                    cell.push('|');
                }
                let value = self.next_value();
                if cell.len() + value.len() > FIELD_MAX {
                    return None;
                }
                cell.push_str(&value);
                several = true;
            }
            let more = self.listed && self.repeated.get(self.level).is_some_and(|level| *level > 0);
            if !more {
                return Some(cell);
            }
        }
    }
}

#[cfg(test)]
mod tests;
