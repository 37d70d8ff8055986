//! Parquet: each column with its type, a few ten thousand rows at a time, packed with Snappy, which every reader knows.

use super::{Cell, Column, Kind, cannot};
use crate::error::Result;
use carillon_model::Moment;
use chrono::{Datelike, NaiveDate};
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows of a part of the file, and bytes after which it has fewer.
const PART_ROWS: usize = 50_000;
const PART_BYTES: usize = 32 << 20;
/// Days of our calendar before 1970.
const EPOCH_DAYS: i32 = 719_163;

type Written<T> = std::result::Result<T, ParquetError>;

/// A file as it grows.
pub(super) struct Columns {
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
}

impl Columns {
    /// Begins a file with these columns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(columns: Vec<Column>, beside: &Path, path: &Path) -> Result<Columns> {
        let file = File::create(beside).map_err(|e| cannot(path, &e))?;
        let begin = || {
            let schema = schema(&columns)?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_created_by(format!("Carillon {}", env!("CARGO_PKG_VERSION")))
                .build();
            SerializedFileWriter::new(file, schema, Arc::new(properties))
        };
        let writer = begin().map_err(|e| cannot(path, &e))?;
        Ok(Columns {
            writer,
            columns,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: Vec<Cell>, path: &Path) -> Result<()> {
        self.bytes += row.iter().map(weight).sum::<usize>();
        self.rows.push(row);
        match self.rows.len() >= PART_ROWS || self.bytes >= PART_BYTES {
            true => self.part().map_err(|e| cannot(path, &e)),
            false => Ok(()),
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, path: &Path) -> Result<()> {
        let end = |columns: &mut Columns| {
            if !columns.rows.is_empty() {
                columns.part()?;
            }
            columns.writer.finish().map(drop)
        };
        end(&mut self).map_err(|e| cannot(path, &e))
    }

    /// Writes the rows there are as a part.
    fn part(&mut self) -> Written<()> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut part = self.writer.next_row_group()?;
        let mut place = 0;
        while let Some(mut column) = part.next_column()? {
            let kind = self.columns.get(place).map_or(Kind::Text, |column| column.kind);
            let cells = rows.iter().map(|row| row.get(place).unwrap_or(&Cell::Empty));
            put(column.untyped(), kind, cells)?;
            column.close()?;
            place += 1;
        }
        part.close().map(drop)
    }
}

fn weight(cell: &Cell) -> usize {
    32 + match cell {
        Cell::Text(text) => text.len(),
        Cell::Texts(texts) => texts.iter().map(|text| text.len() + 32).sum(),
        _ => 0,
    }
}

/// Every column may be empty.
fn schema(columns: &[Column]) -> Written<TypePtr> {
    let plain = |name: &str, physical, logical: Option<LogicalType>, converted| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .with_converted_type(converted)
            .build()
            .map(Arc::new)
    };
    let none = ConvertedType::NONE;
    let text = |name: &str, repetition| {
        Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_repetition(repetition)
            .with_logical_type(Some(LogicalType::String))
            .with_converted_type(ConvertedType::UTF8)
            .build()
            .map(Arc::new)
    };
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        let name = column.name.as_str();
        fields.push(match column.kind {
            Kind::Text => text(name, Repetition::OPTIONAL)?,
            Kind::Number => plain(name, Physical::DOUBLE, None, none)?,
            Kind::Whole => plain(name, Physical::INT64, None, none)?,
            Kind::YesNo => plain(name, Physical::BOOLEAN, None, none)?,
            Kind::Date => plain(
                name,
                Physical::INT32,
                Some(LogicalType::Date),
                ConvertedType::DATE,
            )?,
            Kind::Moment => {
                let at = LogicalType::timestamp(true, TimeUnit::MILLIS);
                plain(name, Physical::INT64, Some(at), ConvertedType::TIMESTAMP_MILLIS)?
            }
            Kind::Texts => {
                let list = Type::group_type_builder("list")
                    .with_repetition(Repetition::REPEATED)
                    .with_fields(vec![text("element", Repetition::REQUIRED)?])
                    .build()?;
                Type::group_type_builder(name)
                    .with_repetition(Repetition::OPTIONAL)
                    .with_logical_type(Some(LogicalType::List))
                    .with_converted_type(ConvertedType::LIST)
                    .with_fields(vec![Arc::new(list)])
                    .build()
                    .map(Arc::new)?
            }
        });
    }
    Type::group_type_builder("table")
        .with_fields(fields)
        .build()
        .map(Arc::new)
}

fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_DAYS
}

/// The values of those cells that have one, and a level for each cell that says whether it does.
fn split<'a, T>(
    cells: impl Iterator<Item = &'a Cell>,
    value: impl Fn(&Cell) -> Option<T>,
) -> (Vec<T>, Vec<i16>) {
    let (mut values, mut there) = (Vec::new(), Vec::new());
    for cell in cells {
        let found = value(cell);
        there.push(i16::from(found.is_some()));
        values.extend(found);
    }
    (values, there)
}

/// Writes the cells of a column.
fn put<'a>(writer: &mut ColumnWriter<'_>, kind: Kind, cells: impl Iterator<Item = &'a Cell>) -> Written<()> {
    match writer {
        ColumnWriter::ByteArrayColumnWriter(to) if kind == Kind::Texts => {
            put_lists(to, cells)?;
        }
        ColumnWriter::ByteArrayColumnWriter(to) => {
            let (values, there) = split(cells, |cell| match cell {
                Cell::Empty => None,
                cell => Some(ByteArray::from(cell.shown().as_str())),
            });
            to.write_batch(&values, Some(&there), None)?;
        }
        ColumnWriter::DoubleColumnWriter(to) => {
            let (values, there) = split(cells, |cell| match cell {
                Cell::Number(n) => Some(*n),
                Cell::Whole(n) => Some(*n as f64),
                _ => None,
            });
            to.write_batch(&values, Some(&there), None)?;
        }
        ColumnWriter::BoolColumnWriter(to) => {
            let (values, there) = split(cells, |cell| match cell {
                Cell::YesNo(yes) => Some(*yes),
                _ => None,
            });
            to.write_batch(&values, Some(&there), None)?;
        }
        ColumnWriter::Int32ColumnWriter(to) => {
            let (values, there) = split(cells, |cell| match cell {
                Cell::Date(date) => Some(days(*date)),
                _ => None,
            });
            to.write_batch(&values, Some(&there), None)?;
        }
        ColumnWriter::Int64ColumnWriter(to) => {
            let (values, there) = split(cells, |cell| match cell {
                Cell::Moment(at) => Some(Moment::timestamp_millis(at)),
                Cell::Whole(n) => Some(*n),
                _ => None,
            });
            to.write_batch(&values, Some(&there), None)?;
        }
        _ => {
            return Err(ParquetError::General(
                "a column has another type than its cells".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Writes lists of texts: level 0 is no list, 1 a list without anything in it, 2 a text of one.
fn put_lists<'a>(
    to: &mut ColumnWriterImpl<'_, ByteArrayType>,
    cells: impl Iterator<Item = &'a Cell>,
) -> Written<usize> {
    let (mut values, mut there, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let several = match cell {
            Cell::Empty => {
                there.push(0);
                again.push(0);
                continue;
            }
            Cell::Texts(texts) => texts.iter().map(|text| ByteArray::from(text.as_str())).collect(),
            other => vec![ByteArray::from(other.shown().as_str())],
        };
        if several.is_empty() {
            there.push(1);
            again.push(0);
        }
        for (place, text) in several.into_iter().enumerate() {
            there.push(2);
            again.push(i16::from(place > 0));
            values.push(text);
        }
    }
    to.write_batch(&values, Some(&there), Some(&again))
}
