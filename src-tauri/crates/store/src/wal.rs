//! Copying the WAL back into the file, which SQLite calls a checkpoint.
//!
//! A long one is copied by a thread beside the writer, again and again until little is left; then the writer copies the rest,
//! and the WAL begins anew. So whoever waits for the writer waits for milliseconds, not for all that a large commit wrote.

use crate::error::Result;
use crate::sql::sql;
use rusqlite::Connection;
use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A WAL of so many pages of 4 KiB (64 MB) is copied back even while others wait. Tests have theirs copied all the time.
const LIMIT: i64 = if cfg!(test) { 32 } else { (64 << 20) / 4096 };
/// With so many pages the writer waits until they are copied.
const MOST: i64 = 4 * LIMIT;
/// So many pages the writer copies itself.
const LITTLE: i64 = LIMIT / 8;

thread_local! {
    /// Pages in the WAL after this thread's last commit.
    static PAGES: Cell<i64> = const { Cell::new(0) };
}

/// What the writer tells SQLite to call after each of its commits.
pub(crate) fn note_pages(_: &rusqlite::hooks::Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    PAGES.set(i64::from(pages));
    Ok(())
}

/// The WAL, as the writer sees to it.
#[derive(Default)]
pub(crate) struct Wal {
    /// Pages it had when it was last copied as far as readers allow. With fewer it has begun anew since.
    since: i64,
    /// Pages that the thread has copied, or will have when it is done.
    copied: i64,
    /// Made when it is first needed.
    beside: Option<Beside>,
}

impl Wal {
    /// After a job: sees that the WAL does not grow without end.
    pub(crate) fn look(&mut self, conn: &Connection) {
        let pages = PAGES.get();
        if pages < self.since {
            (self.since, self.copied) = (0, 0);
        }
        if pages < self.since + LIMIT || self.is_copying(pages) || self.copy_beside(conn, pages) {
            return;
        }
        // When all of it is in the file and nobody reads it, the next commit begins it anew.
        copy(conn);
        self.since = pages;
    }

    /// Whether the thread is at work; with too much in the WAL it is waited for.
    fn is_copying(&mut self, pages: i64) -> bool {
        self.beside
            .as_mut()
            .is_some_and(|beside| beside.is_busy(pages >= self.since + MOST))
    }

    /// Has the thread copy what is not copied yet, where that is much.
    fn copy_beside(&mut self, conn: &Connection, pages: i64) -> bool {
        let left = pages - self.copied.max(self.since);
        if left <= LITTLE || pages >= self.since + MOST {
            return false;
        }
        if self.beside.is_none() {
            let begun = conn.path().map(|path| Beside::begin(Path::new(path)));
            match begun {
                Some(Ok(beside)) => self.beside = Some(beside),
                Some(Err(error)) => tracing::warn!(error, "the writer has to copy the WAL"),
                None => {}
            }
        }
        let asked = self.beside.as_mut().is_some_and(Beside::ask);
        if asked {
            self.copied = pages;
        }
        asked
    }

    /// Copies all of it back and empties it, if no reader stands in the way: whether one does.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn empty(&mut self, conn: &Connection) -> Result<bool> {
        if self.is_copying(0) {
            return Ok(true);
        }
        conn.busy_timeout(Duration::ZERO)?;
        let busy = conn.query_row(sql!("PRAGMA wal_checkpoint(TRUNCATE)"), (), |row| {
            row.get::<_, bool>(0)
        });
        conn.busy_timeout(crate::open::BUSY)?;
        let busy = busy?;
        if !busy {
            (self.since, self.copied) = (0, 0);
            PAGES.set(0);
        }
        Ok(busy)
    }

    /// Waits for the thread and ends it.
    pub(crate) fn end(&mut self) {
        if let Some(Beside { ask, thread, .. }) = self.beside.take() {
            drop(ask);
            if thread.join().is_err() {
                tracing::error!("the thread that copies the WAL broke down");
            }
        }
    }
}

/// Copies what no reader needs to stay. Where that fails, it is tried again when there is more.
fn copy(conn: &Connection) {
    if let Err(error) = conn.query_row(sql!("PRAGMA wal_checkpoint(PASSIVE)"), (), |_| Ok(())) {
        tracing::warn!(%error, "the WAL could not be copied back");
    }
}

/// A thread with a connection of its own that copies when it is asked to.
struct Beside {
    ask: Sender<()>,
    done: Receiver<()>,
    is_asked: bool,
    thread: JoinHandle<()>,
}

impl Beside {
    fn begin(path: &Path) -> std::result::Result<Beside, String> {
        let conn = crate::open::copier_connection(path).map_err(|error| error.to_string())?;
        let (ask, asked) = channel();
        let (tell, done) = channel();
        let copying = move || {
            for () in asked {
                copy(&conn);
                if tell.send(()).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("carillon-wal".to_owned())
            .spawn(copying)
            .map_err(|error| error.to_string())?;
        Ok(Beside {
            ask,
            done,
            is_asked: false,
            thread,
        })
    }

    /// False when it is gone.
    fn ask(&mut self) -> bool {
        self.is_asked = self.ask.send(()).is_ok();
        self.is_asked
    }

    /// Whether it is at it; with `wait`, it has come to the end then.
    fn is_busy(&mut self, wait: bool) -> bool {
        if !self.is_asked {
            return false;
        }
        let answer = match wait {
            true => self.done.recv().map_err(|_| TryRecvError::Disconnected),
            false => self.done.try_recv(),
        };
        self.is_asked = answer == Err(TryRecvError::Empty);
        self.is_asked
    }
}
