//! The file's one order of commits: which rows of which table each touched.

use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use carillon_model::Seq;

const AFTER: &str = sql!(
    "SELECT seq, \"table\", first, last FROM changes WHERE seq > ?1 ORDER BY seq, \"table\", first LIMIT ?2"
);
const OF_TABLE: &str =
    sql!("SELECT first, last FROM changes WHERE seq > ?1 AND \"table\" = ?2 ORDER BY seq, first");

/// Rows of one table that one commit touched. A commit that touched many far apart names one range around
/// them, so a row inside may be as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    pub seq: Seq,
    pub table: String,
    pub first: i64,
    pub last: i64,
}

/// What commits after `seq` touched, in order.
///
/// # Errors
/// SQLite's.
pub fn after(db: &Db<'_>, seq: Seq, limit: u32) -> Result<Vec<Touched>> {
    db.all(AFTER, (seq.0, limit), |row| {
        Ok(Touched {
            seq: Seq(row.get(0)?),
            table: row.get(1)?,
            first: row.get(2)?,
            last: row.get(3)?,
        })
    })
}

/// Ranges of one table that commits after `seq` touched, first and last included.
///
/// # Errors
/// SQLite's.
pub fn ranges(db: &Db<'_>, table: &str, seq: Seq) -> Result<Vec<(i64, i64)>> {
    db.all(OF_TABLE, (seq.0, table), |row| Ok((row.get(0)?, row.get(1)?)))
}
