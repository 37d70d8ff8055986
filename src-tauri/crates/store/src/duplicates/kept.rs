//! Rows put aside as they are, to be put back as they were.

use crate::db::Db;
use crate::error::{Error, Result};
use rusqlite::types::{Value as Sql, ValueRef};
use serde::{Deserialize, Serialize};

/// A cell of a row. Bits of a real number, so that it comes back as the very same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cell {
    Null,
    Int(i64),
    Real(u64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    fn of(cell: ValueRef<'_>) -> Result<Cell> {
        Ok(match cell {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(n) => Cell::Int(n),
            ValueRef::Real(x) => Cell::Real(x.to_bits()),
            ValueRef::Text(text) => Cell::Text(
                std::str::from_utf8(text)
                    .map_err(|e| Error::damaged("merges", e))?
                    .to_owned(),
            ),
            ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
        })
    }

    /// As a parameter of a statement.
    pub(super) fn sql(&self) -> Sql {
        match self {
            Cell::Null => Sql::Null,
            Cell::Int(n) => Sql::Integer(*n),
            Cell::Real(bits) => Sql::Real(f64::from_bits(*bits)),
            Cell::Text(text) => Sql::Text(text.clone()),
            Cell::Blob(bytes) => Sql::Blob(bytes.clone()),
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Cell::Int(n) => Some(*n),
            _ => None,
        }
    }
}

/// Rows of one table, with the names of their columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rows {
    table: String,
    columns: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Tables whose rows are put aside.
pub(crate) const TABLES: [&str; 11] = [
    "contacts",
    "contact_fields",
    "provenance",
    "contact_tags",
    "permissions",
    "inputs",
    "enrolments",
    "outbox",
    "duplicate_pairs",
    "choices",
    "suppressions",
];

impl Rows {
    /// The rows a statement that reads all columns of a table finds.
    pub(super) fn read(db: &Db<'_>, table: &str, sql: &str, params: impl rusqlite::Params) -> Result<Rows> {
        let mut statement = db.conn.prepare_cached(sql)?;
        let columns: Vec<String> = statement.column_names().iter().map(|c| (*c).to_owned()).collect();
        let mut found = Vec::new();
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            found.push(
                (0..columns.len())
                    .map(|i| Cell::of(row.get_ref(i)?))
                    .collect::<Result<Vec<Cell>>>()?,
            );
        }
        Ok(Rows {
            table: table.to_owned(),
            columns,
            rows: found,
        })
    }

    /// The cell of a column in a row.
    pub(super) fn cell(&self, row: usize, column: &str) -> Option<&Cell> {
        let at = self.columns.iter().position(|c| c == column)?;
        self.rows.get(row)?.get(at)
    }

    /// The number in a column of a row.
    ///
    /// # Errors
    /// [`Error::Damaged`] where there is none.
    pub(super) fn number(&self, row: usize, column: &str) -> Result<i64> {
        self.cell(row, column)
            .and_then(Cell::int)
            .ok_or_else(|| Error::damaged("merges", format!("{}.{column} is not kept", self.table)))
    }

    /// Puts one row back; what has its key is replaced.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a table or column that is none: the text is of the file, and files come from anywhere.
    pub(super) fn put_back(&self, db: &Db<'_>, row: usize) -> Result<()> {
        let plain = |name: &String| {
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let Some(cells) = self.rows.get(row) else {
            return Ok(());
        };
        let known = TABLES.contains(&self.table.as_str());
        if !known || !self.columns.iter().all(plain) || cells.len() != self.columns.len() {
            return Err(Error::damaged(
                "merges",
                "what was kept of a contact cannot be read",
            ));
        }
        let params = cells.iter().map(Cell::sql);
        db.run(
            &insert_sql(&self.table, &self.columns),
            rusqlite::params_from_iter(params),
        )?;
        Ok(())
    }

    /// [`Rows::put_back`] of all.
    pub(super) fn put_all_back(&self, db: &Db<'_>) -> Result<()> {
        (0..self.rows.len()).try_for_each(|row| self.put_back(db, row))
    }
}

/// The statement that writes a whole row.
pub(crate) fn insert_sql(table: &str, columns: &[String]) -> String {
    let marks: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
    let quoted: Vec<String> = columns.iter().map(|c| format!("\"{c}\"")).collect();
    // What is gone was removed, but for rows that only changed. Whoever has the address by now is never replaced.
    let or = if table == "contacts" { "ABORT" } else { "REPLACE" };
    format!(
        "INSERT OR {or} INTO {table}({}) VALUES({})",
        quoted.join(", "),
        marks.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_comes_back_from_its_text_as_the_very_same() {
        for cell in [
            Cell::Null,
            Cell::Int(i64::MIN),
            Cell::Real(0.1_f64.to_bits()),
            Cell::Text("Ω".to_owned()),
            Cell::Blob(vec![0, 255]),
        ] {
            let text = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell);
        }
    }
}
