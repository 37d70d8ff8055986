//! The file as the index reads it when something is first asked for: a connection of its own, one snapshot a reading.

use crate::catalogue::Catalogue;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::open;
use crate::{contact_chunks, enrolments, event_chunks, outbox, scores, segments};
use carillon_engine::index::{ColumnPart, EventPart, Source};
use carillon_engine::record::{Movement, Turned};
use carillon_model::{ContactId, MessageId, Moment};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
pub(crate) struct Shelf {
    /// `None` once the file is let go.
    conn: Mutex<Option<Connection>>,
    identity: Arc<Identity>,
    orders: Arc<crate::contacts::Orders>,
    /// How many readings have failed, and how the last one did.
    failed: Mutex<(u64, Option<Arc<Error>>)>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelf")
    }
}

impl Shelf {
    pub fn open(path: &Path, identity: Arc<Identity>, orders: Arc<crate::contacts::Orders>) -> Result<Shelf> {
        Ok(Shelf {
            conn: Mutex::new(Some(open::shelf_connection(path)?)),
            identity,
            orders,
            failed: Mutex::new((0, None)),
        })
    }

    /// Lets the file go; whatever is read from now on fails.
    pub fn close(&self) {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// How many readings have failed so far.
    pub fn failures(&self) -> u64 {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Whether all was read that was asked for since so many readings had failed. What was not read counted as if nobody
    /// had it, and is tried again when it is asked for again.
    ///
    /// # Errors
    /// [`Error::Unread`], with how the last one failed.
    pub fn check(&self, failures: u64) -> Result<()> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match &failed.1 {
            Some(error) if failed.0 > failures => Err(Error::Unread(error.clone())),
            _ => Ok(()),
        }
    }

    fn read(&self, f: impl FnOnce(&Db<'_>) -> Result<()>) -> bool {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match &*conn {
            Some(conn) => self.snapshot(conn, f),
            None => Err(Error::Closed),
        };
        done.map_err(|error| {
            tracing::error!(%error, "the index could not read from the file");
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            *failed = (failed.0 + 1, Some(Arc::new(error)));
        })
        .is_ok()
    }

    fn snapshot(&self, conn: &Connection, f: impl FnOnce(&Db<'_>) -> Result<()>) -> Result<()> {
        // Rolled back when it is dropped, also where the reading panics: the next one begins anew.
        let snapshot = conn.unchecked_transaction()?;
        f(&Db {
            conn: &snapshot,
            catalogue: Arc::new(Catalogue::load(&snapshot)?),
            identity: self.identity.clone(),
            orders: self.orders.clone(),
        })
    }
}

impl Source for Shelf {
    fn column(&self, key: &str, give: &mut dyn FnMut(ColumnPart) -> bool) -> bool {
        self.read(|db| contact_chunks::give(db, key, give))
    }

    fn events(&self, name: &str, give: &mut dyn FnMut(EventPart) -> bool) -> bool {
        self.read(|db| event_chunks::give(db, name, give))
    }

    fn sent(&self, give: &mut dyn FnMut(ContactId, &str, Moment, MessageId)) -> bool {
        self.read(|db| outbox::give_sent(db, give))
    }

    fn turned(&self, key: &str, give: &mut dyn FnMut(ContactId, Turned)) -> bool {
        self.read(|db| scores::give_turned(db, key, give))
    }

    fn moved(&self, movement: &Movement, give: &mut dyn FnMut(ContactId, Moment, i64)) -> bool {
        self.read(|db| match movement.kind.is_of_journey() {
            true => enrolments::give_moved(db, movement, give),
            false => segments::give_moved(db, movement, give),
        })
    }
}
