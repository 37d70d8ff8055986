//! A workbook of Excel: its sheets are written to the disk row by row, beside the file, where only this user's files are.

use super::{Cell, Column, cannot};
use crate::error::Result;
use crate::imports::source::plain;
use chrono::Datelike;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use std::path::Path;

/// Rows of a sheet (ECMA-376 has no limit; Excel has this one).
const SHEET_ROWS: u32 = 1_048_576;
/// Longest text of a cell that Excel opens, in UTF-16 units.
const CELL_UNITS: usize = 32_767;
/// First year of which every program has the same days: 1900 has one too many in Excel.
const FIRST_YEAR: i32 = 1901;
const LAST_YEAR: i32 = 9999;
/// Whole numbers from here on lose digits in a spreadsheet.
const EXACT: u64 = 1_000_000_000_000_000;

/// A workbook as it grows.
pub(super) struct Sheets {
    workbook: Workbook,
    sheet: Worksheet,
    /// Rows of the sheet so far, and sheets.
    rows: u32,
    sheets: u32,
    columns: Vec<Column>,
    date: Format,
    /// Rows of a sheet at most.
    most: u32,
}

impl Sheets {
    /// Begins a workbook with the names of its columns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(columns: Vec<Column>, beside: &Path, path: &Path) -> Result<Sheets> {
        let begin = || {
            let mut workbook = Workbook::new();
            workbook.set_tempdir(beside.parent().unwrap_or(Path::new(".")))?;
            let sheet = workbook.new_worksheet_with_constant_memory()?;
            let mut sheets = Sheets {
                workbook,
                sheet,
                rows: 0,
                sheets: 1,
                columns,
                date: Format::new().set_num_format("yyyy-mm-dd"),
                most: SHEET_ROWS,
            };
            sheets.heading()?;
            Ok(sheets)
        };
        begin().map_err(|e: XlsxError| cannot(path, &e))
    }

    fn heading(&mut self) -> std::result::Result<(), XlsxError> {
        self.sheet.set_freeze_panes(1, 0)?;
        for (place, column) in (0..).zip(&self.columns) {
            self.sheet.write_string(0, place, short(column.name.clone()))?;
        }
        self.rows = 1;
        Ok(())
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &[Cell], path: &Path) -> Result<()> {
        self.put(row).map_err(|e| cannot(path, &e))
    }

    /// Texts are always such: no cell is ever a formula, whatever it begins with (ASVS 1.2.10). Numbers that a spreadsheet
    /// would round, dates that it counts wrongly, and moments, which it has without their zone, are texts as well.
    fn put(&mut self, row: &[Cell]) -> std::result::Result<(), XlsxError> {
        if self.rows == self.most {
            let next = self.workbook.new_worksheet_with_constant_memory()?;
            let full = std::mem::replace(&mut self.sheet, next);
            self.workbook.push_worksheet(full);
            self.sheets += 1;
            self.heading()?;
        }
        let at = self.rows;
        for (place, cell) in (0..).zip(row) {
            match cell {
                Cell::Empty => {}
                Cell::Number(n) if n.is_finite() && plain(*n).parse() == Ok(*n) => {
                    self.sheet.write_number(at, place, *n)?;
                }
                Cell::Whole(n) if n.unsigned_abs() < EXACT => {
                    self.sheet.write_number(at, place, *n as f64)?;
                }
                Cell::YesNo(yes) => {
                    self.sheet.write_boolean(at, place, *yes)?;
                }
                Cell::Date(date) if (FIRST_YEAR..=LAST_YEAR).contains(&date.year()) => {
                    let year = u16::try_from(date.year()).unwrap_or_default();
                    let (month, day) = (date.month() as u8, date.day() as u8);
                    let day = ExcelDateTime::from_ymd(year, month, day)?;
                    self.sheet
                        .write_datetime_with_format(at, place, day, &self.date)?;
                }
                other => {
                    self.sheet.write_string(at, place, short(other.shown()))?;
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends the workbook; how many sheets it has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, beside: &Path, path: &Path) -> Result<u32> {
        self.workbook.push_worksheet(self.sheet);
        self.workbook.save(beside).map_err(|e| cannot(path, &e))?;
        Ok(self.sheets)
    }
}

fn short(cell: String) -> String {
    // A letter has a byte at least: what is short in bytes is short in units.
    if cell.len() <= CELL_UNITS {
        return cell;
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= CELL_UNITS
    };
    cell.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;
    use calamine::{Data, Reader, Xlsx};

    #[test]
    fn a_text_is_cut_where_excel_would_not_open_it() {
        assert_eq!(short("a".repeat(40_000)).len(), CELL_UNITS);
        assert_eq!(short("😀".repeat(40_000)).chars().count(), CELL_UNITS / 2);
        assert_eq!(short("short".into()), "short");
    }

    #[test]
    fn what_is_longer_than_a_sheet_goes_on_in_the_next_under_the_same_names() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.xlsx");
        let columns = vec![Column::new("n", Kind::Whole), Column::new("t", Kind::Text)];
        let mut sheets = Sheets::create(columns, &path, &path).expect("begun");
        sheets.most = 4;
        for n in 0..7 {
            sheets
                .write(&[Cell::Whole(n), Cell::Text("=1+1".into())], &path)
                .expect("written");
        }
        assert_eq!(sheets.finish(&path, &path).expect("saved"), 3);
        let mut book: Xlsx<_> = calamine::open_workbook(&path).expect("a workbook");
        let mut numbers = Vec::new();
        for name in book.sheet_names() {
            let range = book.worksheet_range(&name).expect("a sheet");
            let mut rows = range.rows();
            assert_eq!(rows.next().expect("names")[0], Data::String("n".into()));
            numbers.extend(rows.map(|row| row[0].clone()));
            assert!(book.worksheet_formula(&name).expect("formulas").is_empty());
        }
        assert_eq!(
            numbers,
            (0..7).map(|n| Data::Float(f64::from(n))).collect::<Vec<_>>()
        );
    }
}
