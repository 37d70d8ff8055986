//! Contacts as a file: CSV, or a workbook of Excel.

use super::changes::whom;
use super::{ExportContacts, ExportFormat, ExportStarted};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::beside;
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::ContactId;
use carillon_model::contact::{Contact, Value};
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// A value as a spreadsheet shows it.
fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Choice(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Money(m) => {
            let digits = m.currency.digits() as usize;
            let unit = 10i64.pow(m.currency.digits());
            let sign = if m.minor < 0 { "-" } else { "" };
            let (whole, part) = (
                m.minor.unsigned_abs() / unit.unsigned_abs(),
                m.minor.unsigned_abs() % unit.unsigned_abs(),
            );
            match digits {
                0 => format!("{sign}{whole} {}", m.currency),
                _ => format!("{sign}{whole}.{part:0digits$} {}", m.currency),
            }
        }
        Value::YesNo(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::MultiChoice(options) => options.iter().cloned().collect::<Vec<_>>().join("|"),
        Value::Date(date) => date.to_string(),
        Value::DateTime(at) => at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    }
}

pub(super) async fn export(cx: &Ctx, req: ExportContacts) -> Result<ExportStarted> {
    let open = cx.open()?.clone();
    let format = req.format.unwrap_or_else(|| ExportFormat::of(&req.to));
    let (path, saved) = cx.save(&req.to)?;
    let ids = whom(&open, req.who)?;
    let columns: Vec<String> = match req.columns.is_empty() {
        false => req.columns,
        true => open
            .store
            .catalogue()
            .fields()
            .into_iter()
            .map(|f| f.key)
            .collect(),
    };
    let (path_told, ticket) = (saved.path.clone(), saved.ticket.clone());
    let job = open.jobs.clone().start("contacts.export", |job| async move {
        let beside = beside(&path)?;
        let written = match write(&open, &job, format, &beside, &path, &ids, &columns).await {
            Ok(()) => std::fs::rename(&beside, &path).map_err(|e| cannot(&path, &e)),
            Err(error) => Err(error),
        };
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written.map(|()| saved)
    });
    Ok(ExportStarted {
        job,
        path: path_told,
        ticket,
    })
}

fn cannot(path: &Path, detail: &dyn std::fmt::Display) -> ApiError {
    fail(
        Code::File,
        "files.cannot_write",
        &[("file", &path.display()), ("detail", &detail)],
    )
}

/// Contacts read at a time.
const BATCH: usize = 1_000;

/// Writes at `beside` what is to be at `path`.
async fn write(
    open: &Open,
    job: &Job,
    format: ExportFormat,
    beside: &Path,
    path: &Path,
    ids: &[ContactId],
    columns: &[String],
) -> Result<()> {
    job.phase("writing");
    let total = ids.len() as u64;
    let mut file = Rows::create(format, beside, path)?;
    let heading = columns.iter().map(String::as_str).chain(["tags"]);
    file.write(heading.map(str::to_owned).collect(), path)?;
    let mut done = 0;
    for batch in ids.chunks(BATCH) {
        job.check()?;
        let batch = batch.to_vec();
        done += batch.len() as u64;
        let contacts = open
            .store
            .read(move |db| carillon_store::contacts::get_many(db, &batch))
            .await?;
        for contact in contacts {
            file.write(row(&contact, columns), path)?;
        }
        job.progress(done, total);
    }
    let (beside, path) = (beside.to_owned(), path.to_owned());
    crate::imports::blocking(move || file.finish(&beside, &path)).await
}

fn row(contact: &Contact, columns: &[String]) -> Vec<String> {
    let values: BTreeMap<&str, String> = contact
        .fields
        .iter()
        .map(|f| (f.key.as_str(), cell(&f.value)))
        .collect();
    let tags = contact.tags.iter().cloned().collect::<Vec<_>>().join("|");
    let cells = columns.iter().map(|key| match key.as_str() {
        "email" => contact.email.clone(),
        key => values.get(key).cloned().unwrap_or_default(),
    });
    cells.chain([tags]).collect()
}

/// The file as it grows, in flat memory.
enum Rows {
    Csv(Box<csv::Writer<File>>),
    Workbook(Box<Sheets>),
}

/// A workbook: its sheets are written to the disk row by row, beside the file, where only this user's files are.
struct Sheets {
    workbook: Workbook,
    sheet: Worksheet,
    /// Rows of the sheet so far.
    rows: u32,
    heading: Vec<String>,
}

/// Rows of a sheet (ECMA-376 has no limit; Excel has this one).
const SHEET_ROWS: u32 = 1_048_576;
/// Longest text of a cell that Excel opens, in UTF-16 units.
const CELL_UNITS: usize = 32_767;

impl Rows {
    fn create(format: ExportFormat, beside: &Path, path: &Path) -> Result<Rows> {
        match format {
            ExportFormat::Csv => {
                let writer = csv::Writer::from_path(beside).map_err(|e| cannot(path, &e))?;
                Ok(Rows::Csv(Box::new(writer)))
            }
            ExportFormat::Xlsx => {
                let mut workbook = Workbook::new();
                let folder = beside.parent().unwrap_or(Path::new("."));
                workbook.set_tempdir(folder).map_err(|e| cannot(path, &e))?;
                let sheet = workbook
                    .new_worksheet_with_constant_memory()
                    .map_err(|e| cannot(path, &e))?;
                Ok(Rows::Workbook(Box::new(Sheets {
                    workbook,
                    sheet,
                    rows: 0,
                    heading: Vec::new(),
                })))
            }
        }
    }

    fn write(&mut self, cells: Vec<String>, path: &Path) -> Result<()> {
        match self {
            Rows::Csv(writer) => {
                let cells = cells.iter().map(|cell| crate::imports::source::defused(cell));
                writer.write_record(cells).map_err(|e| cannot(path, &e))
            }
            Rows::Workbook(sheets) => sheets.write(cells).map_err(|e| cannot(path, &e)),
        }
    }

    fn finish(self, beside: &Path, path: &Path) -> Result<()> {
        match self {
            Rows::Csv(mut writer) => writer.flush().map_err(|e| cannot(path, &e)),
            Rows::Workbook(mut sheets) => {
                sheets.workbook.push_worksheet(sheets.sheet);
                sheets.workbook.save(beside).map_err(|e| cannot(path, &e))
            }
        }
    }
}

impl Sheets {
    /// Adds a row of texts: no cell is ever a formula, whatever it begins with (ASVS 1.2.10).
    fn write(&mut self, cells: Vec<String>) -> std::result::Result<(), XlsxError> {
        if self.heading.is_empty() {
            self.heading.clone_from(&cells);
        }
        if self.rows == SHEET_ROWS {
            let next = self.workbook.new_worksheet_with_constant_memory()?;
            let full = std::mem::replace(&mut self.sheet, next);
            self.workbook.push_worksheet(full);
            self.rows = 0;
            for (column, cell) in (0..).zip(self.heading.clone()) {
                self.sheet.write_string(0, column, cell)?;
            }
            self.rows = 1;
        }
        for (column, cell) in (0..).zip(cells) {
            if !cell.is_empty() {
                self.sheet.write_string(self.rows, column, short(cell))?;
            }
        }
        self.rows += 1;
        Ok(())
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
    use super::*;
    use crate::files::SaveRef;

    #[test]
    fn the_file_s_own_ending_says_what_it_is() {
        for (name, format) in [
            ("a.csv", ExportFormat::Csv),
            ("a.XLSX", ExportFormat::Xlsx),
            ("xlsx", ExportFormat::Csv),
        ] {
            let to = SaveRef::Download {
                download: name.into(),
            };
            assert_eq!(ExportFormat::of(&to), format, "{name}");
        }
    }

    #[test]
    fn a_text_is_cut_where_excel_would_not_open_it() {
        assert_eq!(short("a".repeat(40_000)).len(), CELL_UNITS);
        assert_eq!(short("😀".repeat(40_000)).chars().count(), CELL_UNITS / 2);
        assert_eq!(short("short".into()), "short");
    }
}
