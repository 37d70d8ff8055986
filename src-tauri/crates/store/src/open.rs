//! Opening: what is refused and why, what is brought up to date, and how.

use crate::error::{Error, Refusal, Result};
use crate::sql::sql;
use carillon_model::Moment;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// `application_id` of a workspace: "Crln".
pub const APPLICATION_ID: i64 = 0x4372_6C6E;

/// SQLite 3.7.0 to 3.51.2 can lose a write when a WAL file is reset beside a second connection.
pub const OLDEST_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// Migrations in order; a file's `user_version` counts those it has had.
pub(crate) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_workspace", include_str!("../migrations/0001_workspace.sql")),
    ("0002_contacts", include_str!("../migrations/0002_contacts.sql")),
    ("0003_segments", include_str!("../migrations/0003_segments.sql")),
    ("0004_journeys", include_str!("../migrations/0004_journeys.sql")),
    ("0005_messages", include_str!("../migrations/0005_messages.sql")),
    ("0006_figures", include_str!("../migrations/0006_figures.sql")),
    ("0007_waits", include_str!("../migrations/0007_waits.sql")),
    ("0008_revisions", include_str!("../migrations/0008_revisions.sql")),
    ("0009_responses", include_str!("../migrations/0009_responses.sql")),
    ("0010_campaigns", include_str!("../migrations/0010_campaigns.sql")),
    ("0011_choices", include_str!("../migrations/0011_choices.sql")),
    ("0012_providers", include_str!("../migrations/0012_providers.sql")),
    ("0013_scores", include_str!("../migrations/0013_scores.sql")),
    (
        "0014_duplicates",
        include_str!("../migrations/0014_duplicates.sql"),
    ),
    ("0015_may_leave", include_str!("../migrations/0015_may_leave.sql")),
    (
        "0016_event_chunks",
        include_str!("../migrations/0016_event_chunks.sql"),
    ),
    ("0017_cleansing", include_str!("../migrations/0017_cleansing.sql")),
    ("0018_chunks", include_str!("../migrations/0018_chunks.sql")),
    ("0019_companies", include_str!("../migrations/0019_companies.sql")),
    (
        "0020_data_quality",
        include_str!("../migrations/0020_data_quality.sql"),
    ),
    (
        "0021_folders_removals",
        include_str!("../migrations/0021_folders_removals.sql"),
    ),
    (
        "0022_memberships",
        include_str!("../migrations/0022_memberships.sql"),
    ),
    (
        "0023_shared_properties",
        include_str!("../migrations/0023_shared_properties.sql"),
    ),
    ("0024_cuts", include_str!("../migrations/0024_cuts.sql")),
];

/// `user_version` of a file this program has brought up to date.
pub fn format_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// A key for an encrypted file. There are none yet, and one given is refused.
pub struct Key(pub [u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// How to open.
#[derive(Default)]
pub struct OpenOptions {
    /// Only `None` so far.
    pub key: Option<Key>,
    /// The clock of a workspace with a real one; `None`: the machine's. A virtual clock moves by
    /// [`crate::Store::advance_clock`] alone.
    pub now: Option<Arc<dyn Fn() -> Moment + Send + Sync>>,
}

/// How long a connection waits for a lock of another one.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Keeps a path from being opened twice, or looked at with plain file calls, in this process: closing any
/// other descriptor of a database drops SQLite's locks on it (POSIX advisory locks belong to the process).
#[derive(Debug)]
pub(crate) struct OpenGuard(PathBuf);

impl OpenGuard {
    /// Takes the path after `check` passed, with nobody else opening meanwhile.
    pub(crate) fn take(path: &Path, check: impl FnOnce() -> Result<()>) -> Result<OpenGuard> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let name = canonical(path);
        if open.contains(&name) {
            return Err(Refusal::AlreadyOpen(path.to_owned()).into());
        }
        check()?;
        open.insert(name.clone());
        Ok(OpenGuard(name))
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        OPEN.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
    }
}

/// Whether a file would be opened, by its first page alone; nothing is written, beside it neither. A file that is open
/// in this process is not touched: it was looked at then.
///
/// # Errors
/// A [`Refusal`] that says why not.
pub fn look_at(path: &Path) -> Result<()> {
    // Held, so that nobody in this process opens the file while its descriptor is about to be closed.
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    match open.contains(&canonical(path)) {
        true => Ok(()),
        false => Ok(inspect(path)?),
    }
}

fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.parent().map(Path::canonicalize), absolute.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent
            .join(name)
            .canonicalize()
            .unwrap_or_else(|_| parent.join(name)),
        _ => absolute,
    }
}

/// Asserts that the one SQLite of the program is new enough.
///
/// # Errors
/// [`Refusal::OldSqlite`].
pub fn assert_sqlite() -> Result<(), Refusal> {
    if rusqlite::version_number() >= OLDEST_SQLITE.0 {
        return Ok(());
    }
    Err(Refusal::OldSqlite {
        found: rusqlite::version().to_owned(),
        needed: OLDEST_SQLITE.1,
    })
}

/// Looks at a file that nobody in this process has open: what its first page says. Nothing is written.
///
/// # Errors
/// A [`Refusal`] that says why the file would not be opened.
pub(crate) fn inspect(path: &Path) -> Result<(), Refusal> {
    let unreadable = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Refusal::Missing(path.to_owned()),
        _ => Refusal::Unreadable {
            path: path.to_owned(),
            detail: e.to_string(),
        },
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Refusal::Folder(path.to_owned()));
    }
    if !metadata.is_file() {
        return Err(Refusal::NotOurs(path.to_owned()));
    }
    let mut header = Vec::with_capacity(100);
    std::fs::File::open(path)
        .and_then(|f| f.take(100).read_to_end(&mut header))
        .map_err(unreadable)?;
    check_header(path, &header)?;
    if metadata.permissions().readonly() {
        return Err(Refusal::ReadOnly(path.to_owned()));
    }
    match std::fs::OpenOptions::new().append(true).open(path) {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::ReadOnly(path.to_owned())),
    }
}

/// The database header (sqlite.org/fileformat2.html §1.3).
fn check_header(path: &Path, header: &[u8]) -> Result<(), Refusal> {
    if header.len() < 16 || &header[..16] != b"SQLite format 3\0" {
        return Err(Refusal::NotOurs(path.to_owned()));
    }
    let damaged = |detail: &str| Refusal::Damaged {
        path: path.to_owned(),
        detail: detail.to_owned(),
    };
    if header.len() < 100 {
        return Err(damaged("it is cut off"));
    }
    let number = |at: usize| {
        i64::from(u32::from_be_bytes([
            header[at],
            header[at + 1],
            header[at + 2],
            header[at + 3],
        ]))
    };
    if number(68) != APPLICATION_ID {
        return Err(Refusal::NotOurs(path.to_owned()));
    }
    let page = u16::from_be_bytes([header[16], header[17]]);
    if page != 1 && (page < 512 || !page.is_power_of_two()) {
        return Err(damaged("its page size is impossible"));
    }
    if header[21..24] != [64, 32, 32] || !(1..=2).contains(&header[18]) || !(1..=2).contains(&header[19]) {
        return Err(damaged("its fixed bytes are wrong"));
    }
    version_known(path, number(60))
}

pub(crate) fn version_known(path: &Path, found: i64) -> Result<(), Refusal> {
    match found {
        v if v > format_version() => Err(Refusal::Newer {
            path: path.to_owned(),
            found: v,
            known: format_version(),
        }),
        v if v < 1 => Err(Refusal::Damaged {
            path: path.to_owned(),
            detail: "it names no format".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Options all connections of sqlx share.
pub(crate) fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging()
}

/// Options of a reader: it cannot write, and never checkpoints.
pub(crate) fn reader_options(path: &Path) -> SqliteConnectOptions {
    connect_options(path)
        .pragma("cache_size", "-4096")
        .pragma("wal_autocheckpoint", "0")
        .pragma("query_only", "ON")
}

/// Brings the file up to date through sqlx: all missing migrations in one transaction, after a verified copy
/// if the file has rows of an older format. `create` makes a new file.
pub(crate) async fn migrate(path: &Path, create: bool) -> Result<()> {
    use sqlx::Connection as _;
    let mut conn = connect_options(path)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .connect()
        .await
        .map_err(|e| opening(path, e))?;
    let outcome = migrate_on(&mut conn, path, create).await;
    conn.close().await?;
    outcome
}

async fn migrate_on(conn: &mut sqlx::SqliteConnection, path: &Path, create: bool) -> Result<()> {
    let found: i64 = sqlx::query_scalar(sql!("PRAGMA user_version"))
        .fetch_one(&mut *conn)
        .await
        .map_err(|e| opening(path, e))?;
    if !create {
        version_known(path, found)?;
    }
    if found == format_version() {
        return Ok(());
    }
    if !create {
        copy_before(path, found)?;
    }
    let mut script = String::from("BEGIN IMMEDIATE;\n");
    for (_, text) in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        script.push_str(text);
    }
    script.push_str(&format!(
        "PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {};\nCOMMIT;\nPRAGMA wal_checkpoint(TRUNCATE);",
        format_version()
    ));
    sqlx::raw_sql(sqlx::AssertSqlSafe(script))
        .execute(&mut *conn)
        .await
        .map_err(|e| opening(path, e))?;
    Ok(())
}

/// What SQLite says to a file it cannot use, as a refusal.
fn opening(path: &Path, error: sqlx::Error) -> Error {
    let code = error
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|c| c.parse::<i32>().ok())
        .unwrap_or(0);
    match code & 0xff {
        libsqlite3_sys::SQLITE_NOTADB | libsqlite3_sys::SQLITE_CORRUPT => Refusal::Damaged {
            path: path.to_owned(),
            detail: error.to_string(),
        }
        .into(),
        libsqlite3_sys::SQLITE_READONLY => Refusal::ReadOnly(path.to_owned()).into(),
        libsqlite3_sys::SQLITE_CANTOPEN => Refusal::Unreadable {
            path: path.to_owned(),
            detail: error.to_string(),
        }
        .into(),
        libsqlite3_sys::SQLITE_FULL => Error::Full,
        _ => Error::Readers(error),
    }
}

/// Where the copy made before a change of format stands.
pub fn copy_path(path: &Path, version: i64) -> PathBuf {
    beside(path, &format!(".before-v{version}"))
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn copy_before(path: &Path, found: i64) -> Result<()> {
    let mut from = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    from.busy_timeout(BUSY)?;
    let target = copy_path(path, format_version());
    verified_copy(&mut from, &target, CopyBy::Vacuum).map_err(|e| match e {
        Error::Invalid(detail) => Refusal::BadCopy {
            path: path.to_owned(),
            detail,
        }
        .into(),
        other => other,
    })?;
    tracing::info!(
        from = found,
        to = format_version(),
        "a copy was made before the update of the workspace"
    );
    Ok(())
}

/// How a copy is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyBy {
    /// `VACUUM INTO`: compact, without what was deleted. Nobody else may write meanwhile.
    Vacuum,
    /// SQLite's backup of the pages of one snapshot, while others write.
    Pages,
}

/// Key in `meta` of a file that is a copy of a living workspace.
const COPY: &str = "copy";
const MARK_COPY: &str = sql!("INSERT INTO meta(key, value) VALUES(?1, x'01') ON CONFLICT(key) DO NOTHING");
const UNMARK_COPY: &str = sql!("DELETE FROM meta WHERE key = ?1");

/// Takes the mark off a copy that is about to become the workspace. False: there was none.
pub(crate) fn unmark_copy(conn: &Connection) -> Result<bool> {
    Ok(conn.execute(UNMARK_COPY, (COPY,))? > 0)
}

/// Writes a copy of the file at `target`, checks it, marks it as a copy, syncs it, and only then gives it its name.
///
/// # Errors
/// [`Error::Invalid`] with a clause of a sentence when the copy does not equal the file; it is removed then.
pub(crate) fn verified_copy(from: &mut Connection, target: &Path, by: CopyBy) -> Result<()> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let part = beside(target, ".part");
    match std::fs::remove_file(&part) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(&part)(e)),
        _ => {}
    }
    if let Err(error) = copy_and_compare(from, &part, by) {
        // The half-made copy is of no use to anybody; the error that made it so is what matters.
        std::fs::remove_file(&part).ok();
        return Err(error);
    }
    std::fs::File::open(&part)
        .and_then(|f| f.sync_all())
        .map_err(io(&part))?;
    std::fs::rename(&part, target).map_err(io(target))?;
    sync_folder(target);
    Ok(())
}

fn copy_and_compare(from: &mut Connection, part: &Path, by: CopyBy) -> Result<()> {
    let before = match by {
        CopyBy::Vacuum => {
            let text = part
                .to_str()
                .ok_or_else(|| Error::Invalid("the name of the copy is not Unicode".to_owned()))?;
            from.execute(sql!("VACUUM INTO ?1"), (text,))?;
            counts(from)?
        }
        CopyBy::Pages => {
            let snapshot = from.transaction()?;
            let before = counts(&snapshot)?;
            let mut copy = Connection::open(part)?;
            rusqlite::backup::Backup::new(&snapshot, &mut copy)?.run_to_completion(
                4096,
                Duration::ZERO,
                None,
            )?;
            // The pages say WAL; a copy stands alone.
            copy.query_row(sql!("PRAGMA journal_mode = DELETE"), (), |_| Ok(()))?;
            before
        }
    };
    let copy = Connection::open_with_flags(part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    equal(&before, &copy)?;
    copy.execute(MARK_COPY, (COPY,))?;
    Ok(())
}

/// A rename is durable when its folder is; not every platform can say so.
pub(crate) fn sync_folder(of: &Path) {
    if let Some(folder) = of.parent()
        && let Ok(folder) = std::fs::File::open(folder)
    {
        folder.sync_all().ok();
    }
}

/// Rows of each table.
fn counts(conn: &Connection) -> Result<Vec<(String, i64)>> {
    let mut statement = conn.prepare(sql!(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ))?;
    let names: Vec<String> = statement
        .query_map((), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    names
        .into_iter()
        .map(|name| {
            let quoted = name.replace('"', "\"\"");
            let n = conn.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), (), |row| {
                row.get(0)
            })?;
            Ok((name, n))
        })
        .collect()
}

fn equal(before: &[(String, i64)], copy: &Connection) -> Result<()> {
    let check: String = copy.query_row(sql!("PRAGMA quick_check(1)"), (), |row| row.get(0))?;
    if check != "ok" {
        return Err(Error::Invalid(format!("the check of the copy says: {check}")));
    }
    let after = counts(copy)?;
    match before.iter().zip(&after).find(|(a, b)| a != b) {
        Some((a, b)) => Err(Error::Invalid(format!(
            "{} has {} rows and {} in the copy",
            a.0, a.1, b.1
        ))),
        None if before.len() != after.len() => Err(Error::Invalid("the copy has other tables".to_owned())),
        None => Ok(()),
    }
}

/// A statement is planned once and not anew for each value it is run with, as SQLite does where it has samples of the
/// columns (<https://sqlite.org/queryplanner-ng.html#qpstab>).
pub(crate) fn keep_plans(conn: &Connection) -> Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The connection the index reads through: it cannot write, and never checkpoints.
///
/// # Errors
/// SQLite's.
pub(crate) fn shelf_connection(path: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -4096;",
    )?;
    Ok(conn)
}

/// The connection that copies the WAL back beside the writer's: it reads and writes no row.
pub(crate) fn copier_connection(path: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA wal_autocheckpoint = 0;",
    )?;
    Ok(conn)
}

/// The writer's own connection.
pub(crate) fn writer_connection(path: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768;",
    )?;
    conn.set_prepared_statement_cache_capacity(256);
    keep_plans(&conn)?;
    Ok(conn)
}
