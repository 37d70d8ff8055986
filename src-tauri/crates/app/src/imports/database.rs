//! A table or view of a SQLite file of somebody else, row by row. [`carillon_store::foreign`] guards against what such a file may be
//! made to do.

use super::ahead::Ahead;
use super::layout::unreadable;
use super::source::{BadRecord, COLUMNS_MAX, FIELD_MAX, Record};
use crate::error::{ApiError, Code, Result, fail, sentence};
use carillon_store::foreign::{Foreign, ForeignError, ForeignTable};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names of tables that an error tells.
const NAMES_TOLD: usize = 20;

fn told(path: &Path, error: ForeignError) -> ApiError {
    let file: (&str, &dyn std::fmt::Display) = ("file", &path.display());
    let error = match error {
        ForeignError::Io(error) => unreadable(path, error),
        ForeignError::InUse => fail(Code::Refused, "imports.database_in_use", &[file]),
        ForeignError::Changed => fail(Code::Refused, "imports.database_changed", &[file]),
        ForeignError::Workspace => fail(Code::Refused, "imports.is_other_workspace", &[file]),
        ForeignError::View(name, error) => fail(
            Code::Invalid,
            "imports.bad_view",
            &[("name", &name), ("detail", &error)],
        ),
        other => fail(
            Code::Invalid,
            "imports.damaged_database",
            &[file, ("detail", &other)],
        ),
    };
    error.at("file")
}

/// The tables and views of a database, the one that is read, and how many rows it has. Where none is asked for, it is the first with
/// a column that looks like e-mail addresses, or else the first.
///
/// # Errors
/// When it is no database, another program is writing it, or it has no such table.
pub(super) fn look(path: &Path, asked: Option<&str>) -> Result<(Vec<String>, String, Option<u64>)> {
    let database = Foreign::open(path).map_err(|e| told(path, e))?;
    let tables = database.tables().map_err(|e| told(path, e))?;
    let table = match asked {
        Some(name) => tables.iter().find(|table| table.name == name),
        None => tables.iter().find(|table| has_address(table)).or(tables.first()),
    };
    let Some(table) = table else {
        let names: Vec<&str> = tables.iter().map(|t| t.name.as_str()).take(NAMES_TOLD).collect();
        let key = match tables.is_empty() {
            true => "imports.database_without_tables",
            false => "imports.no_table",
        };
        let named: [(&str, &dyn std::fmt::Display); 3] = [
            ("file", &path.display()),
            ("name", &asked.unwrap_or_default()),
            ("tables", &names.join(", ")),
        ];
        return Err(fail(Code::Invalid, key, &named).at("sheet"));
    };
    if table.columns.len() > COLUMNS_MAX {
        let named: [(&str, &dyn std::fmt::Display); 2] = [("name", &table.name), ("most", &COLUMNS_MAX)];
        return Err(fail(Code::Invalid, "imports.wide_table", &named).at("sheet"));
    }
    let rows = database.count(table).map_err(|e| told(path, e))?;
    let table = table.name.clone();
    let names = tables.into_iter().map(|table| table.name).collect();
    Ok((names, table, rows))
}

fn has_address(table: &ForeignTable) -> bool {
    table.columns.iter().any(|name| {
        let name = super::heading(name);
        name.contains("mail")
    })
}

/// The rows of a table, the names of its columns before them.
///
/// # Errors
/// When the database cannot be opened, or has no such table.
pub(super) fn open(path: &Path, table: &str) -> Result<Ahead> {
    let database = Foreign::open(path).map_err(|e| told(path, e))?;
    let tables = database.tables().map_err(|e| told(path, e))?;
    let Some(found) = tables.into_iter().find(|found| found.name == table) else {
        return Err(told(path, ForeignError::NoTable));
    };
    let taken: Arc<AtomicU64> = Arc::default();
    let counter = taken.clone();
    Ahead::start(path, taken, move |mut out| {
        let mut record = Record {
            line: 0,
            fields: found.columns,
            fault: None,
        };
        let mut bad = None;
        if !out.row(record.clone()) {
            return;
        }
        let mut wanted = true;
        let read = database.read(&found.name, |fields| {
            record.line += 1;
            let line = record.line;
            if fields.iter().any(|cell| cell.len() > FIELD_MAX) {
                bad = Some(BadRecord::FieldTooLong { line });
                return false;
            }
            let bytes: usize = fields.iter().map(|cell| cell.len() + 1).sum();
            counter.fetch_add(bytes as u64, Ordering::Relaxed);
            wanted = out.row(Record {
                line,
                fields,
                fault: None,
            });
            wanted
        });
        if !wanted {
            return;
        }
        out.end(bad.or_else(|| read.err().map(|e| broken(e, record.line))));
    })
}

/// What keeps the rest of a table from being read.
fn broken(error: ForeignError, line: u64) -> BadRecord {
    let detail = match error {
        ForeignError::Io(error) => return BadRecord::Io(error.to_string()),
        ForeignError::Changed | ForeignError::InUse => sentence("imports.table_changed", &[]),
        ForeignError::TooSlow => sentence("imports.table_slow", &[]),
        other => other.to_string(),
    };
    BadRecord::Damaged { line, detail }
}

#[cfg(test)]
mod tests {
    use super::super::format::{Asked, Format, Looked};
    use super::*;

    fn made(sql: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let conn = rusqlite::Connection::open(file.path()).expect("a database");
        conn.execute_batch(sql).expect("made");
        file
    }

    #[test]
    fn the_table_with_addresses_is_read_where_none_is_asked_for_and_any_other_can_be() {
        let file = made(
            "CREATE VIEW members AS SELECT \"E-Mail\" AS mail FROM people WHERE \"E-Mail\" <> '';
             CREATE TABLE a_log (at TEXT); CREATE TABLE people (id INTEGER PRIMARY KEY, \"E-Mail\" TEXT, n REAL);
             INSERT INTO people VALUES (1, 'a@example.com', 0.1), (2, NULL, 1e21);",
        );
        let looked = Looked::at(file.path(), &Asked::default()).expect("looked at");
        assert_eq!(looked.sheets, ["a_log", "people", "members"]);
        assert_eq!(looked.rows, Some(2));
        assert_eq!(
            looked.format,
            Format::Database {
                table: "people".into()
            }
        );
        let rows: Vec<Record> = open(file.path(), "people")
            .expect("opened")
            .map(|r| r.expect("a row"))
            .collect();
        let want = [
            ["id", "E-Mail", "n"],
            ["1", "a@example.com", "0.1"],
            ["2", "", "1000000000000000000000"],
        ];
        assert_eq!(
            rows.iter().map(|row| row.fields.clone()).collect::<Vec<_>>(),
            want
        );
        assert_eq!(rows[2].line, 2);
        let asked = |name: &str| Asked {
            sheet: Some(name.into()),
            ..Asked::default()
        };
        let log = Looked::at(file.path(), &asked("a_log")).expect("looked at");
        assert_eq!(log.format.part(), Some("a_log"));
        let view = Looked::at(file.path(), &asked("members")).expect("looked at");
        assert_eq!(view.rows, Some(1));
        let rows: Vec<Record> = open(file.path(), "members")
            .expect("opened")
            .map(|r| r.expect("a row"))
            .collect();
        assert_eq!(
            (&rows[0].fields[0], &rows[1].fields[0]),
            (&"mail".to_owned(), &"a@example.com".to_owned())
        );
        let error = Looked::at(file.path(), &asked("views")).expect_err("no such table");
        assert!(error.message.contains("people"), "{error}");
    }

    #[test]
    fn a_cell_that_is_too_long_ends_the_reading_and_says_where() {
        let file = made("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), (hex(zeroblob(600000)));");
        let rows: Vec<_> = open(file.path(), "t").expect("opened").skip(2).collect();
        assert_eq!(rows, [Err(BadRecord::FieldTooLong { line: 2 })]);
    }
}
