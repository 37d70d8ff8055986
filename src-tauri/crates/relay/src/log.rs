//! A tenant's file: the append-only log of sealed events and what the relay must remember to answer without the laptop.

mod reads;
mod space;
mod write;

pub use reads::Page;
pub(crate) use reads::{Known, suppressions, tally};
pub use write::{Also, Entry, Outcome, Weight};
pub(crate) use write::{clean, set_token_keys, suppress};

use crate::config::{Clock, Limits};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// Work that may wait for the disk; what does not fit is refused (pixels, clicks) or waits (words of people).
const QUEUE: usize = 8_192;

/// Bytes of a page of the file.
const PAGE: u64 = 4_096;

/// A tenant's file in use. One thread writes, with all that waits in one durable commit; readers have a connection of
/// their own.
#[derive(Debug)]
pub struct Log {
    queue: mpsc::Sender<write::Work>,
    reader: Arc<Mutex<Connection>>,
    head: watch::Receiver<u64>,
    epoch: String,
    counts: Arc<Counts>,
    folder: PathBuf,
}

/// What was answered and not written down, and what is free, since the start.
#[derive(Debug, Default)]
pub struct Counts {
    pub pixels: AtomicU64,
    pub clicks: AtomicU64,
    pub used: AtomicU64,
    /// 0 everything, 1 no pixels, 2 only words.
    pub room: AtomicU64,
}

/// Why something was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("There is no room left on the relay's disk.")]
    Full,
    #[error("The relay's file could not be used: {0}")]
    Sqlite(String),
    #[error("The relay is stopping.")]
    Stopping,
}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> LogError {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => LogError::Full,
            _ => LogError::Sqlite(error.to_string()),
        }
    }
}

impl Log {
    /// Opens or creates the file in a tenant's folder and starts its writer.
    ///
    /// # Errors
    /// When the file cannot be opened, is not ours, or this program's SQLite is older than 3.51.3 (which may lose
    /// commits of a WAL file).
    pub fn open(folder: &Path, limits: &Limits, clock: &Clock) -> Result<Log, LogError> {
        if rusqlite::version_number() < 3_051_003 {
            return Err(LogError::Sqlite(format!(
                "SQLite {} is older than 3.51.3",
                rusqlite::version()
            )));
        }
        private_folder(folder).map_err(|e| LogError::Sqlite(e.to_string()))?;
        let file = folder.join("relay.db");
        let writer = connect(&file)?;
        writer.execute_batch("PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 4194304;")?;
        if clock.is_told() {
            // Still whole after a power cut, and perhaps without the last events, which are played again.
            writer.pragma_update(None, "synchronous", "NORMAL")?;
        }
        migrate(&writer)?;
        let quota = limits.quota_bytes / PAGE;
        let most = quota + limits.reserve_bytes / PAGE;
        writer.pragma_update(None, "max_page_count", i64::try_from(most).unwrap_or(i64::MAX))?;
        let epoch = epoch(&writer, &file, clock)?;
        let reader = connect(&file)?;
        reader.pragma_update(None, "query_only", true)?;
        let (queue, work) = mpsc::channel(QUEUE);
        let (tell, head) = watch::channel(reads::head(&writer)?);
        let counts = Arc::new(Counts::default());
        let room = space::Space::new(folder, quota, limits.reserve_bytes, counts.clone());
        let pen = write::Writer::new(writer, room, tell, counts.clone())?;
        std::thread::Builder::new()
            .name("relay-writer".to_owned())
            .spawn(move || pen.run(work))
            .map_err(|e| LogError::Sqlite(e.to_string()))?;
        Ok(Log {
            queue,
            reader: Arc::new(Mutex::new(reader)),
            head,
            epoch,
            counts,
            folder: folder.to_owned(),
        })
    }

    /// Random, and new whenever the file was created or is not the one it was; a copy has another inode.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The highest sequence number, to be waited on.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// What was dropped and how full it is.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The folder of the tenant.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes entries in one commit and returns when it is on the disk, with an outcome for each. Lighter ones than
    /// words of people are refused at once when the writer cannot keep up.
    pub async fn append(&self, entries: Vec<Entry>) -> Vec<Outcome> {
        let (count, words) = (entries.len(), entries.iter().any(|e| e.weight == Weight::Words));
        let (reply, outcome) = oneshot::channel();
        let work = write::Work::Append { entries, reply };
        let queued = if words {
            self.queue.send(work).await.is_ok()
        } else {
            self.queue.try_send(work).is_ok()
        };
        let outcome = if queued { outcome.await.ok() } else { None };
        outcome.unwrap_or_else(|| vec![Outcome::NotKept; count])
    }

    /// Changes rows in the commit of whatever else waits. `change` may run more than once, and its rows are kept once.
    ///
    /// # Errors
    /// When there is no room for it, or the file fails.
    pub async fn change<T, F>(&self, change: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let slot: Arc<Mutex<Option<T>>> = Arc::default();
        let result = slot.clone();
        let (reply, outcome) = oneshot::channel();
        let apply = Box::new(move |tx: &Connection| {
            let value = change(tx)?;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        let work = write::Work::Change { apply, reply };
        self.queue.send(work).await.map_err(|_| LogError::Stopping)?;
        outcome.await.map_err(|_| LogError::Stopping)??;
        let value = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.ok_or(LogError::Stopping)
    }

    /// Reads rows, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn read<T, F>(&self, read: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let reader = self.reader.clone();
        let task = tokio::task::spawn_blocking(move || {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            read(&reader)
        });
        Ok(task.await.map_err(|_| LogError::Stopping)??)
    }
}

fn connect(file: &Path) -> Result<Connection, LogError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// The version of the file this program writes.
const VERSION: i64 = 2;

/// What was chosen on the preference page, by the keyed hash of the address: shown again when the page is opened from a
/// mail that is older than the choice.
const CHOICES: &str = "CREATE TABLE choices (address BLOB PRIMARY KEY, packed BLOB NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;";

fn migrate(db: &Connection) -> Result<(), LogError> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    match version {
        VERSION => Ok(()),
        0 => Ok(db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {} {CHOICES} PRAGMA user_version = {VERSION}; COMMIT;",
            include_str!("schema.sql")
        ))?),
        1 => Ok(db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {CHOICES} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?),
        newer => Err(LogError::Sqlite(format!(
            "it was written by a newer carillon-relay (version {newer}); update this one"
        ))),
    }
}

/// The epoch of this file, a new one when it is not the file it was: created, or put back from a copy.
fn epoch(db: &Connection, file: &Path, clock: &Clock) -> Result<String, LogError> {
    let here = identity(file);
    let known: Option<Vec<u8>> = meta(db, "file")?;
    if known.as_deref() != Some(here.as_bytes()) {
        let epoch = crate::random_word(16);
        db.execute_batch("BEGIN IMMEDIATE")?;
        db.execute(
            "INSERT INTO epochs (epoch, began_at) VALUES (?1, ?2)",
            params![epoch, clock.now().timestamp_millis()],
        )?;
        db.execute(
            "INSERT OR REPLACE INTO meta VALUES ('file', ?1)",
            [here.as_bytes()],
        )?;
        db.execute_batch("COMMIT")?;
    }
    let last = "SELECT epoch FROM epochs ORDER BY id DESC LIMIT 1";
    Ok(db.query_row(last, [], |r| r.get(0))?)
}

/// What a copy of the file does not share with it. Elsewhere than on Unix, its time of creation.
fn identity(file: &Path) -> String {
    let Ok(about) = std::fs::metadata(file) else {
        return String::new();
    };
    #[cfg(unix)]
    return format!("inode {}", std::os::unix::fs::MetadataExt::ino(&about));
    #[cfg(not(unix))]
    return format!("created {:?}", about.created().ok());
}

/// A value of `meta`.
pub(crate) fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |r| r.get(0))
        .optional()
}

/// Sets a value of `meta`.
pub(crate) fn set_meta(db: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
        .execute(params![key, value])
        .map(|_| ())
}

/// A folder only its owner may read.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
