//! A file as it grows, whatever it is written as.

use super::columns::Columns;
use super::csv::Lines;
use super::workbook::Sheets;
use super::{Cell, Column, ExportFormat};
use crate::error::Result;
use std::path::Path;

/// The file as it grows, in flat memory.
pub(super) enum Writing {
    Csv(Box<Lines>),
    Workbook(Box<Sheets>),
    Parquet(Box<Columns>),
}

impl Writing {
    /// Begins what is to be at `path` at `beside`. A name of a column that comes twice gets a number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(format: ExportFormat, columns: Vec<Column>, beside: &Path, path: &Path) -> Result<Writing> {
        let columns = told_apart(columns);
        Ok(match format {
            ExportFormat::Csv => Writing::Csv(Box::new(Lines::create(&columns, beside, path)?)),
            ExportFormat::Xlsx => Writing::Workbook(Box::new(Sheets::create(columns, beside, path)?)),
            ExportFormat::Parquet => Writing::Parquet(Box::new(Columns::create(columns, beside, path)?)),
        })
    }

    /// Adds a row, a cell for each column.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: Vec<Cell>, path: &Path) -> Result<()> {
        match self {
            Writing::Csv(lines) => lines.write(&row, path),
            Writing::Workbook(sheets) => sheets.write(&row, path),
            Writing::Parquet(columns) => columns.write(row, path),
        }
    }

    /// Ends the file; how many sheets it has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self, beside: &Path, path: &Path) -> Result<u32> {
        match self {
            Writing::Csv(lines) => lines.finish(path).map(|()| 1),
            Writing::Workbook(sheets) => sheets.finish(beside, path),
            Writing::Parquet(columns) => columns.finish(path).map(|()| 1),
        }
    }
}

fn told_apart(mut columns: Vec<Column>) -> Vec<Column> {
    let mut taken = std::collections::BTreeSet::new();
    for column in &mut columns {
        let own = column.name.clone();
        let mut n = 2;
        while !taken.insert(column.name.clone()) {
            column.name = format!("{own}_{n}");
            n += 1;
        }
    }
    columns
}
