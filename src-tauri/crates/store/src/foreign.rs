//! Tables and views of a SQLite file of somebody else, read and never written. Such a file may be made to harm whoever opens it:
//! its schema is not trusted, its triggers are off, its values have a longest length, and a statement that gives no row for a
//! while, or takes too much memory, is stopped. A view may only read, with functions that do nothing else and give the same
//! each time.

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
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
/// Longest value and longest row of a view, which can make up more of them than the file holds.
const LONGEST_OF_VIEW: i32 = 2 << 20;
/// Memory that all of SQLite may take more than when the file was opened, in bytes: for what a view sorts and groups.
const MEMORY: i64 = 256 << 20;
/// Longest text of a statement of the file's schema, in bytes.
const LONGEST_SQL: i32 = 1 << 20;
/// Steps of SQLite's machine after which the time is looked at.
const STEPS: i32 = 200;
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
    /// A view does what is not allowed, or makes no sense.
    #[error("the view {0} cannot be read: {1}")]
    View(String, rusqlite::Error),
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

/// A table or view that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignTable {
    pub name: String,
    pub is_view: bool,
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
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (Limit::SQLITE_LIMIT_VDBE_OP, 100_000),
            // A pattern is compared in one step, which nothing stops.
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        ] {
            conn.set_limit(limit, most)?;
        }
        let patience = Patience {
            since: Instant::now(),
            until: Arc::default(),
        };
        patience.begin(PATIENCE);
        let waits = patience.clone();
        let most = memory() + MEMORY;
        conn.progress_handler(STEPS, Some(move || waits.over() || memory() > most))?;
        // scan: none of these reads a table.
        conn.execute_batch(
            "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA temp_store=2;",
        )?;
        conn.authorizer(Some(|asked: AuthContext<'_>| may(&asked.action)))?;
        Ok(Foreign {
            conn,
            path: path.to_owned(),
            patience,
            seen,
        })
    }

    /// The tables that hold rows of their own, then the views, each in the order of their names. Tables that a module makes
    /// up are not among them, nor views that make no sense.
    ///
    /// # Errors
    /// When the file's schema cannot be read.
    pub fn tables(&self) -> Result<Vec<ForeignTable>, ForeignError> {
        self.patience.begin(PATIENCE);
        let mut statement = self.conn.prepare(
            "SELECT name, type = 'view' FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'view') \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name",
        )?;
        let names = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let mut tables = Vec::new();
        for name in names {
            let (name, is_view) = name?;
            match self.columns(&name) {
                Ok(columns) if is_view && columns.is_empty() => {}
                Ok(columns) => tables.push(ForeignTable {
                    name,
                    is_view,
                    columns,
                }),
                Err(_) if is_view => {}
                Err(e) => return Err(e),
            }
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

    /// How many rows a table or view has; `None` where counting them takes long.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn count(&self, table: &ForeignTable) -> Result<Option<u64>, ForeignError> {
        self.narrow(table)?;
        self.patience.begin(COUNTING);
        let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
        let counted = self.conn.query_row(&sql, [], |row| row.get::<_, i64>(0));
        match counted {
            Ok(rows) => Ok(Some(rows.unsigned_abs())),
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => Ok(None),
            Err(e) => Err(of_view(table, e)),
        }
    }

    /// Bounds what a view may make up.
    fn narrow(&self, table: &ForeignTable) -> Result<(), ForeignError> {
        if table.is_view {
            self.conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_OF_VIEW)?;
        }
        Ok(())
    }

    /// Reads a table from its first row to its last, in an order that is the same each time. `take` says whether it wants
    /// more; it gets the cells of a row as text: numbers in full, nothing for NULL, and letters that are none as U+FFFD.
    ///
    /// # Errors
    /// When there is no such table, a row cannot be read, or somebody wrote to the file meanwhile.
    pub fn read(&self, table: &str, mut take: impl FnMut(Vec<String>) -> bool) -> Result<(), ForeignError> {
        let table = self.tables()?.into_iter().find(|found| found.name == table);
        let table = table.ok_or(ForeignError::NoTable)?;
        self.narrow(&table)?;
        let columns = &table.columns;
        let named: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
        // NOT INDEXED: in the order of the table itself, whatever indexes there are. A view has the order of its own plan, which
        // is the same for the same file.
        let order = if table.is_view { "" } else { " NOT INDEXED" };
        let sql = format!("SELECT {} FROM {}{order}", named.join(", "), quoted(&table.name));
        self.patience.begin(PATIENCE);
        let mut statement = self.conn.prepare(&sql).map_err(|e| of_view(&table, e))?;
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
                Err(e) => return Err(told(&table, e)),
            };
            let mut cells = Vec::with_capacity(columns.len());
            for i in 0..columns.len() {
                cells.push(text(row.get_ref(i).map_err(|e| told(&table, e))?));
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

/// Functions that give something else each time: a list that is read again after a kill must be the same.
const FICKLE: [&str; 2] = ["random", "randomblob"];

/// What a statement may do: read, with functions, and ask which tables there are.
fn may(action: &AuthAction<'_>) -> Authorization {
    let allowed = match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => !FICKLE
            .iter()
            .any(|fickle| fickle.eq_ignore_ascii_case(function_name)),
        AuthAction::Pragma { pragma_name, .. } => ["table_list", "table_xinfo"].contains(pragma_name),
        _ => false,
    };
    match allowed {
        true => Authorization::Allow,
        false => Authorization::Deny,
    }
}

/// Memory that SQLite holds in this program, in bytes.
fn memory() -> i64 {
    // It takes nothing and may be called at any time from any thread.
    #[allow(unsafe_code)]
    unsafe {
        libsqlite3_sys::sqlite3_memory_used()
    }
}

fn told(table: &ForeignTable, error: rusqlite::Error) -> ForeignError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted | rusqlite::ErrorCode::TooBig) => {
            ForeignError::TooSlow
        }
        _ => of_view(table, error),
    }
}

fn of_view(table: &ForeignTable, error: rusqlite::Error) -> ForeignError {
    match table.is_view {
        true => ForeignError::View(table.name.clone(), error),
        false => error.into(),
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
        assert_eq!(
            tables.len(),
            1,
            "views that ask each other make no sense: {tables:?}"
        );
        assert_eq!(tables[0].columns, ["a", "b c", "d"]);
        assert_eq!(foreign.count(&tables[0]).unwrap(), Some(3));
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
    fn views_are_read_after_the_tables_with_what_they_join_group_and_sort() {
        let dir = made(
            "CREATE TABLE people(id INTEGER PRIMARY KEY, mail, name); CREATE TABLE orders(person, sum);
             INSERT INTO people VALUES (1, 'b@example.com', 'B'), (2, 'a@example.com', 'A'), (3, NULL, 'C');
             INSERT INTO orders VALUES (1, 5), (1, 7), (2, 9);
             CREATE VIEW buyers(\"e mail\", total) AS SELECT lower(mail), sum(sum) FROM people JOIN orders ON person = id
               WHERE mail LIKE '%@%' GROUP BY id ORDER BY mail;
             CREATE VIEW a_view_of_a_view AS SELECT * FROM buyers WHERE total > 9;",
        );
        let foreign = Foreign::open(&dir.path().join("their.db")).unwrap();
        let tables = foreign.tables().unwrap();
        let named: Vec<_> = tables.iter().map(|t| (t.name.as_str(), t.is_view)).collect();
        assert_eq!(
            named,
            [
                ("orders", false),
                ("people", false),
                ("a_view_of_a_view", true),
                ("buyers", true)
            ]
        );
        assert_eq!(tables[3].columns, ["e mail", "total"]);
        assert_eq!(foreign.count(&tables[3]).unwrap(), Some(2));
        let both = [["a@example.com", "9"], ["b@example.com", "12"]];
        assert_eq!(rows(&dir, "buyers").unwrap(), both);
        assert_eq!(rows(&dir, "a_view_of_a_view").unwrap(), [["b@example.com", "12"]]);
    }

    #[test]
    fn a_view_only_reads_with_functions_that_do_nothing_else() {
        let dir = made(
            "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);
             CREATE VIRTUAL TABLE words USING fts5(a);
             CREATE VIEW loads AS SELECT load_extension('x') AS a FROM t;
             CREATE VIEW fickle AS SELECT a FROM t ORDER BY random();
             CREATE VIEW settings AS SELECT * FROM pragma_journal_mode;
             CREATE VIEW module AS SELECT * FROM words;
             CREATE VIEW missing AS SELECT * FROM nowhere;
             CREATE TRIGGER changes INSTEAD OF INSERT ON fickle BEGIN DELETE FROM t; END;",
        );
        for view in ["loads", "fickle", "settings", "module", "missing"] {
            let ended = rows(&dir, view);
            let refused = matches!(ended, Err(ForeignError::View(..) | ForeignError::NoTable));
            assert!(refused, "{view}: {ended:?}");
        }
        assert_eq!(
            rows(&dir, "t").unwrap().len(),
            2,
            "and keeps no table from being read"
        );
    }

    #[test]
    fn a_view_that_never_ends_or_fills_the_memory_is_given_up() {
        let dir = made(
            "CREATE VIEW forever AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c;
             CREATE VIEW heavy AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 1000000)
               SELECT zeroblob(1000000) AS z, n FROM c ORDER BY n % 7, z;
             CREATE VIEW long AS SELECT hex(zeroblob(1500000)) AS a;",
        );
        let foreign = Foreign::open(&dir.path().join("their.db")).unwrap();
        let tables = foreign.tables().unwrap();
        assert_eq!(
            foreign.count(&tables[0]).unwrap(),
            None,
            "counting gives up first"
        );
        for view in ["heavy", "long"] {
            let before = memory();
            let began = Instant::now();
            let ended = rows(&dir, view).map(|rows| rows.len());
            assert!(matches!(ended, Err(ForeignError::TooSlow)), "{view}: {ended:?}");
            assert!(began.elapsed() < PATIENCE, "{view} by its size, before its time");
            assert!(memory() < before + MEMORY, "{view} gave its memory back");
        }
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
