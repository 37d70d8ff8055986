//! CSV (RFC 4180) that no spreadsheet runs as a formula.

use super::{Cell, Column, cannot};
use crate::error::Result;
use crate::imports::source::defused;
use std::fs::File;
use std::path::Path;

/// A CSV file as it grows.
pub(super) struct Lines(csv::Writer<File>);

impl Lines {
    /// Begins a file with the names of its columns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(columns: &[Column], beside: &Path, path: &Path) -> Result<Lines> {
        let writer = csv::Writer::from_path(beside).map_err(|e| cannot(path, &e))?;
        let mut lines = Lines(writer);
        let names = columns.iter().map(|column| defused(&column.name));
        lines.0.write_record(names).map_err(|e| cannot(path, &e))?;
        Ok(lines)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &[Cell], path: &Path) -> Result<()> {
        let cells = row.iter().map(|cell| defused(&cell.shown()));
        self.0.write_record(cells).map_err(|e| cannot(path, &e))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, path: &Path) -> Result<()> {
        self.0.flush().map_err(|e| cannot(path, &e))
    }
}
