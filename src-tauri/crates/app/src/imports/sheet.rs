//! A sheet of an Excel workbook (ECMA-376), row by row.
//! Nothing is read before [`super::parts::check`] saw that the workbook is as large as one can be.

use super::ahead::{Ahead, BATCH, Counted, Out};
use super::layout::unreadable;
use super::parts;
use super::source::{BadRecord, COLUMNS_MAX, FIELD_MAX, Record, plain};
use crate::error::{ApiError, Code, Result, fail};
use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Rows whose cells say how many columns there are: a spreadsheet leaves out those that are empty at a row's end.
const WIDTH_ROWS: usize = 500;

type Workbook = Xlsx<BufReader<Counted>>;

fn damaged(path: &Path, detail: &dyn std::fmt::Display) -> ApiError {
    let named: [(&str, &dyn std::fmt::Display); 2] = [("file", &path.display()), ("detail", detail)];
    fail(Code::Invalid, "imports.damaged_workbook", &named).at("file")
}

fn workbook(path: &Path, taken: Arc<AtomicU64>) -> Result<Workbook> {
    let from = File::open(path).map_err(|e| unreadable(path, e))?;
    Xlsx::new(BufReader::with_capacity(64 << 10, Counted { from, taken })).map_err(|e| damaged(path, &e))
}

/// The sheets of a workbook, the one that is read (the first that is shown where none is asked for), and how many rows
/// it says it has.
///
/// # Errors
/// When it is no workbook, is larger than one can be, or has no such sheet.
pub(super) fn look(path: &Path, asked: Option<&str>) -> Result<(Vec<String>, String, Option<u64>)> {
    parts::check(path)?;
    let mut workbook = workbook(path, Arc::default())?;
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|s| s.typ == SheetType::WorkSheet && s.visible == SheetVisible::Visible)
        .map(|s| s.name.clone())
        .collect();
    let sheet = match asked {
        None => sheets.first().cloned(),
        Some(name) => sheets.iter().find(|s| s.as_str() == name).cloned(),
    };
    let Some(sheet) = sheet else {
        let (name, all) = (asked.unwrap_or_default(), sheets.join(", "));
        return Err(fail(
            Code::Invalid,
            "imports.no_sheet",
            &[("name", &name), ("sheets", &all)],
        )
        .at("sheet"));
    };
    let cells = workbook
        .worksheet_cells_reader(&sheet)
        .map_err(|e| damaged(path, &e))?;
    let size = cells.dimensions();
    let rows = u64::from(size.end.0.saturating_sub(size.start.0));
    Ok((sheets, sheet, (rows > 0).then_some(rows)))
}

/// The rows of a sheet, by its name, that are not empty. Each has at least as many cells as the widest of the first
/// rows.
///
/// # Errors
/// When the workbook cannot be opened.
pub(super) fn open(path: &Path, sheet: &str) -> Result<Ahead> {
    let taken: Arc<AtomicU64> = Arc::default();
    let mut workbook = workbook(path, taken.clone())?;
    let name = sheet.to_owned();
    Ahead::start(path, taken, move |out| {
        Rows { out, width: None }.read(&mut workbook, &name)
    })
}

/// The reading side. That nobody listens any more ends it.
struct Rows {
    out: Out,
    /// Least number of cells of a row, once it is known.
    width: Option<usize>,
}

impl Rows {
    fn read(mut self, workbook: &mut Workbook, sheet: &str) {
        let bad = match workbook.worksheet_cells_reader(sheet) {
            Ok(mut cells) => {
                let mut row = Record {
                    line: 0,
                    fields: Vec::new(),
                    fault: None,
                };
                loop {
                    let cell = match cells.next_cell() {
                        Ok(Some(cell)) => cell,
                        Ok(None) => break self.row(&mut row).err(),
                        Err(e) => {
                            let (line, detail) = (row.line, e.to_string());
                            break Some(BadRecord::Damaged { line, detail });
                        }
                    };
                    let (at, column) = cell.get_position();
                    let line = u64::from(at) + 1;
                    if line != row.line {
                        if let Err(bad) = self.row(&mut row) {
                            break Some(bad);
                        }
                        row.line = line;
                    }
                    if self.gone() {
                        return;
                    }
                    if let Err(bad) = put(&mut row, column as usize, text(cell.get_value())) {
                        break Some(bad);
                    }
                }
            }
            Err(e) => Some(BadRecord::Damaged {
                line: 0,
                detail: e.to_string(),
            }),
        };
        self.settle_width();
        self.out.end(bad);
    }

    /// Takes a row that is complete.
    fn row(&mut self, row: &mut Record) -> std::result::Result<(), BadRecord> {
        let mut fields = std::mem::take(&mut row.fields);
        while fields.last().is_some_and(|cell| cell.trim().is_empty()) {
            fields.pop();
        }
        if fields.is_empty() {
            return Ok(());
        }
        pad(&mut fields, self.width.unwrap_or(0));
        self.out.batch.push(Ok(Record {
            line: row.line,
            fields,
            fault: None,
        }));
        match self.width {
            None if self.out.batch.len() >= WIDTH_ROWS => self.settle_width(),
            _ => {}
        }
        Ok(())
    }

    fn settle_width(&mut self) {
        if self.width.is_some() {
            return;
        }
        let rows = || self.out.batch.iter().flatten();
        let width = rows().map(|row| row.fields.len()).max().unwrap_or(0);
        for row in self.out.batch.iter_mut().flatten() {
            pad(&mut row.fields, width);
        }
        self.width = Some(width);
    }

    /// Sends what is complete. True: nobody wants it.
    fn gone(&mut self) -> bool {
        self.width.is_some() && self.out.batch.len() >= BATCH && !self.out.send()
    }
}

fn pad(fields: &mut Vec<String>, width: usize) {
    if fields.len() < width {
        fields.resize(width, String::new());
    }
}

fn put(row: &mut Record, column: usize, cell: String) -> std::result::Result<(), BadRecord> {
    let line = row.line;
    if cell.is_empty() {
        return Ok(());
    }
    if column >= COLUMNS_MAX {
        return Err(BadRecord::TooManyColumns { line });
    }
    if cell.len() > FIELD_MAX {
        return Err(BadRecord::FieldTooLong { line });
    }
    pad(&mut row.fields, column + 1);
    row.fields[column] = cell;
    Ok(())
}

/// A cell as text: numbers without an exponent, dates as ISO 8601.
fn text(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(n) => plain(*n),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(at) => moment(at),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// Days of the calendar that a spreadsheet has (to the end of 9999).
const LAST_DAY: f64 = 2_958_466.0;

fn moment(at: &ExcelDateTime) -> String {
    let value = at.as_f64();
    if at.is_duration() || !(0.0..LAST_DAY).contains(&value) {
        return plain(value);
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (value < 1.0, value.fract() == 0.0) {
        (true, _) => clock,
        (_, true) => date,
        _ => format!("{date}T{clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn dates_are_iso_text_and_durations_are_numbers() {
        let at = |value, kind| moment(&ExcelDateTime::new(value, kind, false));
        assert_eq!(at(45943.0, ExcelDateTimeType::DateTime), "2025-10-13");
        assert_eq!(at(45943.5, ExcelDateTimeType::DateTime), "2025-10-13T12:00:00");
        assert_eq!(at(0.25, ExcelDateTimeType::DateTime), "06:00:00");
        assert_eq!(at(1.5, ExcelDateTimeType::TimeDelta), "1.5");
        assert_eq!(at(-3.0, ExcelDateTimeType::DateTime), "-3");
        assert_eq!(at(f64::NAN, ExcelDateTimeType::DateTime), "NaN");
    }

    fn saved(make: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut book = rust_xlsxwriter::Workbook::new();
        make(book.add_worksheet());
        book.save(file.path()).expect("saved");
        file
    }

    #[test]
    fn a_row_has_as_many_cells_as_the_widest_and_empty_rows_are_none() {
        let file = saved(|sheet| {
            sheet.write(0, 0, "email").expect("written");
            sheet.write(2, 0, "a@example.com").expect("written");
            sheet.write(2, 2, 1e6).expect("written");
            for row in 4..3_000 {
                sheet
                    .write(row, 0, format!("p{row}@example.com"))
                    .expect("written");
            }
        });
        let (sheets, name, _) = look(file.path(), None).expect("a workbook");
        assert_eq!(sheets, ["Sheet1"]);
        let rows: Vec<Record> = open(file.path(), &name)
            .expect("opened")
            .map(|row| row.expect("a row"))
            .collect();
        assert_eq!(rows.len(), 2 + 2_996);
        assert!(rows.iter().all(|row| row.fields.len() == 3));
        assert_eq!((rows[1].line, rows[1].fields[2].as_str()), (3, "1000000"));
        assert_eq!(rows.last().map(|row| row.line), Some(3_000));
    }

    #[test]
    fn what_nobody_reads_to_its_end_ends_its_thread() {
        let file = saved(|sheet| {
            for row in 0..20_000 {
                sheet.write(row, 0, "x").expect("written");
            }
        });
        let mut sheet = open(file.path(), "Sheet1").expect("opened");
        assert!(sheet.next().is_some());
        let taken = sheet.watch();
        drop(sheet);
        while taken.strong_count() > 0 {
            std::thread::yield_now();
        }
    }
}
