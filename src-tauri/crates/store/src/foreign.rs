//! Tables of a SQLite file of somebody else, read and never written. Such a file may be made to harm whoever opens it:
//! its schema is not trusted, its views and triggers are off, its values have a longest length, and a statement that
//! gives no row for a while is stopped.

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Longest value and longest row, in bytes.
pub const LONGEST: i32 = 4 << 20;
/// Longest text of a statement of the file's schema, in bytes.
const LONGEST_SQL: i32 = 1 << 20;
/// Steps of SQLite's machine after which the time is looked at.
const STEPS: i32 = 1_000;
/// Longest wait for one row.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest count of a table's rows; a larger table is not counted.
const COUNTING: Duration = Duration::from_secs(2);
/// Rows after which it is asked whether the file is still the same.
const ASK_AGAIN: u64 = 1_000;
/// Bytes of a database's header, and where its application's number stands.
const HEADER: usize = 100;
const APPLICATION: std::ops::Range<usize> = 68..72;
/// What a journal begins with while it is needed.
const JOURNAL: [u8; 8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7];

/// Why a file of somebody else cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// Another program has not finished writing it: what stands beside it belongs to it.
    #[error("another program is writing it")]
    InUse,
    /// It was written to while it was read.
    #[error("it was changed while it was read")]
    Changed,
    /// It is a workspace of ours.
    #[error("it is a workspace")]
    Workspace,
    /// There is no such table.
    #[error("there is no such table")]
    NoTable,
    /// A row took too long, or is too long.
    #[error("a row of it cannot be read in reasonable time")]
    TooSlow,
    /// What SQLite says of it.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What the system says of it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A table that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignTable {
    pub name: String,
    /// Names of its columns, in order.
    pub columns: Vec<String>,
}

/// When what is running must have given a row, in milliseconds since the file was opened.
#[derive(Clone)]
struct Patience {
    since: Instant,
    until: Arc<AtomicU64>,
}

impl Patience {
    fn begin(&self, how_long: Duration) {
        let until = self.since.elapsed() + how_long;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::Relaxed);
    }

    fn over(&self) -> bool {
        self.since.elapsed().as_millis() > u128::from(self.until.load(Ordering::Relaxed))
    }
}

/// A SQLite file of somebody else.
pub struct Foreign {
    conn: Connection,
    path: PathBuf,
    patience: Patience,
    /// Length and time of the last change.
    seen: (u64, Option<SystemTime>),
}

fn seen(path: &Path) -> std::io::Result<(u64, Option<SystemTime>)> {
    let there = std::fs::metadata(path)?;
    Ok((there.len(), there.modified().ok()))
}

/// Whether something stands beside the file that another program has still to bring into it: a log of writes, or a
/// journal that is not over (one that is begins with zeros, where its program keeps it).
fn unfinished(path: &Path) -> bool {
    let beside = |end: &str| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        PathBuf::from(beside)
    };
    let log = std::fs::metadata(beside("-wal")).is_ok_and(|there| there.len() > 0);
    log || std::fs::File::open(beside("-journal")).is_ok_and(|mut journal| {
        let mut begin = [0; JOURNAL.len()];
        journal.read_exact(&mut begin).is_ok() && begin == JOURNAL
    })
}

/// Whether a file is a workspace of ours, by its header.
fn is_workspace(path: &Path) -> std::io::Result<bool> {
    let mut header = Vec::with_capacity(HEADER);
    std::fs::File::open(path)?
        .take(HEADER as u64)
        .read_to_end(&mut header)?;
    let id = header.get(APPLICATION).and_then(|bytes| bytes.try_into().ok());
    Ok(id.map(u32::from_be_bytes).map(i64::from) == Some(crate::APPLICATION_ID))
}

/// An address of the file for SQLite: read as if nobody could write to it, so that neither locks nor files beside it
/// are made.
fn address(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut address = String::from("file:");
    let text = absolute.to_string_lossy();
    // A drive of Windows: file:/C:/...
    if !text.starts_with('/') {
        address.push('/');
    }
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                address.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => address.push('/'),
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address.push_str("?mode=ro&immutable=1");
    address
}

/// A name as SQL quotes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Foreign {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is none of SQLite's, is a workspace, or another program has it half written.
    pub fn open(path: &Path) -> Result<Foreign, ForeignError> {
        if is_workspace(path)? {
            return Err(ForeignError::Workspace);
        }
        if unfinished(path) {
            return Err(ForeignError::InUse);
        }
        let seen = seen(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
        let conn = Connection::open_with_flags(address(path), flags)?;
        for (config, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        ] {
            conn.set_db_config(config, on)?;
        }
        for (limit, most) in [
            (Limit::SQLITE_LIMIT_LENGTH, LONGEST),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST_SQL),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        ] {
            conn.set_limit(limit, most)?;
        }
        let patience = Patience {
            since: Instant::now(),
            until: Arc::default(),
        };
        patience.begin(PATIENCE);
        let waits = patience.clone();
        conn.progress_handler(STEPS, Some(move || waits.over()))?;
        // scan: none of these reads a table.
        conn.execute_batch(
            "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA temp_store=2;",
        )?;
        Ok(Foreign {
            conn,
            path: path.to_owned(),
            patience,
            seen,
        })
    }

    /// The tables that hold rows of their own, in the order of their names. Neither views nor tables that a module
    /// makes up are among them.
    ///
    /// # Errors
    /// When the file's schema cannot be read.
    pub fn tables(&self) -> Result<Vec<ForeignTable>, ForeignError> {
        self.patience.begin(PATIENCE);
        let mut statement = self.conn.prepare(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut tables = Vec::new();
        for name in names {
            let name = name?;
            let columns = self.columns(&name)?;
            tables.push(ForeignTable { name, columns });
        }
        Ok(tables)
    }

    /// Names of a table's columns, those that it computes among them.
    fn columns(&self, table: &str) -> Result<Vec<String>, ForeignError> {
        let mut statement = self
            .conn
            .prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden IN (0, 2, 3) ORDER BY cid")?;
        let names = statement.query_map([table], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// How many rows a table has; `None` where counting them takes long.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn count(&self, table: &str) -> Result<Option<u64>, ForeignError> {
        self.patience.begin(COUNTING);
        let sql = format!("SELECT count(*) FROM {}", quoted(table));
        let counted = self.conn.query_row(&sql, [], |row| row.get::<_, i64>(0));
        match counted {
            Ok(rows) => Ok(Some(rows.unsigned_abs())),
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Reads a table from its first row to its last, in an order that is the same each time. `take` says whether it wants
    /// more; it gets the cells of a row as text: numbers in full, nothing for NULL, and letters that are none as U+FFFD.
    ///
    /// # Errors
    /// When there is no such table, a row cannot be read, or somebody wrote to the file meanwhile.
    pub fn read(&self, table: &str, mut take: impl FnMut(Vec<String>) -> bool) -> Result<(), ForeignError> {
        if !self.tables()?.iter().any(|found| found.name == table) {
            return Err(ForeignError::NoTable);
        }
        let columns = self.columns(table)?;
        let named: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
        // NOT INDEXED: in the order of the table itself, whatever indexes there are.
        let sql = format!("SELECT {} FROM {} NOT INDEXED", named.join(", "), quoted(table));
        self.patience.begin(PATIENCE);
        let mut statement = self.conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut read = 0_u64;
        loop {
            if read.is_multiple_of(ASK_AGAIN) {
                self.same()?;
            }
            self.patience.begin(PATIENCE);
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(e) => return Err(told(e)),
            };
            let mut cells = Vec::with_capacity(columns.len());
            for i in 0..columns.len() {
                cells.push(text(row.get_ref(i).map_err(told)?));
            }
            read += 1;
            if !take(cells) {
                return Ok(());
            }
        }
        self.same()
    }

    /// Refuses to go on where somebody wrote to the file since it was opened: nothing keeps others from it.
    fn same(&self) -> Result<(), ForeignError> {
        match seen(&self.path)? == self.seen && !unfinished(&self.path) {
            true => Ok(()),
            false => Err(ForeignError::Changed),
        }
    }
}

fn told(error: rusqlite::Error) -> ForeignError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted | rusqlite::ErrorCode::TooBig) => {
            ForeignError::TooSlow
        }
        _ => error.into(),
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(n) => n.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sql: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let conn = Connection::open(dir.path().join("their.db")).unwrap();
        conn.execute_batch(sql).unwrap();
        dir
    }

    fn rows(dir: &tempfile::TempDir, table: &str) -> Result<Vec<Vec<String>>, ForeignError> {
        let foreign = Foreign::open(&dir.path().join("their.db"))?;
        let mut all = Vec::new();
        foreign.read(table, |row| {
            all.push(row);
            true
        })?;
        Ok(all)
    }

    #[test]
    fn values_of_every_kind_come_as_they_are() {
        let dir = made(
            "CREATE TABLE \"odd \"\" name\" (a, \"b c\", d AS (a + 1));
             INSERT INTO \"odd \"\" name\" VALUES (9007199254740993, 0.30000000000000004), (NULL, 'é'), (x'C3A9', x'FF');
             CREATE VIEW v AS SELECT * FROM v2; CREATE VIEW v2 AS SELECT * FROM v;",
        );
        let foreign = Foreign::open(&dir.path().join("their.db")).unwrap();
        let tables = foreign.tables().unwrap();
        assert_eq!(tables.len(), 1, "{tables:?}");
        assert_eq!(tables[0].columns, ["a", "b c", "d"]);
        assert_eq!(foreign.count(&tables[0].name).unwrap(), Some(3));
        assert_eq!(
            rows(&dir, "odd \" name").unwrap(),
            [
                ["9007199254740993", "0.30000000000000004", "9007199254740994"],
                ["", "é", ""],
                ["é", "\u{FFFD}", "1"]
            ]
        );
        assert!(matches!(rows(&dir, "v"), Err(ForeignError::NoTable)));
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_file_that_somebody_writes_to_is_refused_before_and_while_it_is_read() {
        let dir = made("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);");
        let path = dir.path().join("their.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert!(matches!(Foreign::open(&path), Err(ForeignError::InUse)));
        drop(writer);
        assert_eq!(rows(&dir, "t").unwrap().len(), 2);
        let journal = dir.path().join("their.db-journal");
        std::fs::write(&journal, [0; 512]).unwrap();
        assert_eq!(rows(&dir, "t").unwrap().len(), 2, "a journal that is over");
        std::fs::write(&journal, JOURNAL).unwrap();
        assert!(matches!(Foreign::open(&path), Err(ForeignError::InUse)));
        std::fs::remove_file(&journal).unwrap();
        let foreign = Foreign::open(&path).unwrap();
        let ended = foreign.read("t", |_| {
            let writer = Connection::open(&path).unwrap();
            writer
                .execute_batch("PRAGMA journal_mode=DELETE; INSERT INTO t SELECT randomblob(9000) FROM t;")
                .unwrap();
            true
        });
        assert!(matches!(ended, Err(ForeignError::Changed)), "{ended:?}");
    }

    #[test]
    fn a_row_that_takes_for_ever_or_fills_the_memory_is_given_up() {
        let dir = made("CREATE TABLE t(n, big AS (zeroblob(n))); INSERT INTO t VALUES (900000000);");
        let ended = rows(&dir, "t");
        assert!(matches!(ended, Err(ForeignError::TooSlow)), "{ended:?}");
        let dir = made("CREATE TABLE t(n); INSERT INTO t VALUES (1);");
        let foreign = Foreign::open(&dir.path().join("their.db")).unwrap();
        foreign.patience.begin(Duration::from_millis(50));
        let slow = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
        let ended = foreign.conn.query_row(slow, [], |row| row.get::<_, i64>(0));
        let code = ended.unwrap_err().sqlite_error_code();
        assert_eq!(code, Some(rusqlite::ErrorCode::OperationInterrupted));
    }

    #[test]
    fn damaged_files_and_workspaces_are_refused() {
        let dir = made("CREATE TABLE t(a); INSERT INTO t SELECT randomblob(3000);");
        let path = dir.path().join("their.db");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(rows(&dir, "t").is_err());
        let mut schema = whole.clone();
        schema[100..4096].fill(0x5A);
        std::fs::write(&path, &schema).unwrap();
        assert!(rows(&dir, "t").is_err());
        let mut ours = whole;
        ours[APPLICATION].copy_from_slice(&(crate::APPLICATION_ID as u32).to_be_bytes());
        std::fs::write(&path, &ours).unwrap();
        assert!(matches!(rows(&dir, "t"), Err(ForeignError::Workspace)));
    }
}
