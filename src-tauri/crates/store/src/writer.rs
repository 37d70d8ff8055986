//! The one writer: a thread with a connection of its own, which runs closures one at a time, the most
//! urgent first, each in one transaction.

use crate::catalogue::Catalogue;
use crate::crash;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::membership::Index;
use crate::shelf::Shelf;
use crate::sql::sql;
use crate::time;
use crate::topics::{Commit, Topic};
use crate::tx::{Mark, Marks, Names, Sealed, Tx};
use crate::wal::{self, Wal};
use crate::{contact_chunks, event_chunks, memberships};
use carillon_model::workspace::ClockKind;
use carillon_model::{Moment, SegmentId};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::broadcast;

/// Who goes first. The order is the urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Priority {
    /// In-flight marks of sessions that stand at the dot.
    Gate,
    /// Journeys.
    Tick,
    /// What comes from outside.
    Intake,
    /// What somebody did on a screen.
    User,
    /// Long work in short pieces.
    Import,
}

const PRIORITIES: usize = 5;

/// A writer with nothing to do for so long copies the WAL back.
const IDLE: Duration = Duration::from_secs(2);
/// How long it then keeps memberships.
const REST: Duration = Duration::from_millis(40);
/// And how long after a commit where too much was done to them.
const AMID: Duration = Duration::from_millis(5);

pub(crate) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// Work that waits for the writer.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<Waiting>,
    woken: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: [VecDeque<Job>; PRIORITIES],
    closed: bool,
}

enum Next {
    Job(Job),
    Idle,
    Closed,
}

impl Queue {
    /// False when the store is closed; the job is dropped then.
    pub(crate) fn push(&self, priority: Priority, job: Job) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return false;
        }
        state.jobs[priority as usize].push_back(job);
        self.woken.notify_one();
        true
    }

    /// No more jobs; those that wait are still done.
    pub(crate) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.woken.notify_all();
    }

    /// `restless`: there is something to do when nobody asks for anything.
    fn next(&self, restless: bool) -> Next {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = state.jobs.iter_mut().find_map(VecDeque::pop_front) {
                return Next::Job(job);
            }
            if state.closed {
                return Next::Closed;
            }
            if restless {
                let (again, timeout) = self
                    .woken
                    .wait_timeout(state, IDLE)
                    .unwrap_or_else(PoisonError::into_inner);
                state = again;
                if timeout.timed_out() && state.jobs.iter().all(VecDeque::is_empty) && !state.closed {
                    return Next::Idle;
                }
            } else {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// What the writer shares with everybody.
pub(crate) struct Shared {
    pub(crate) index: RwLock<Index>,
    /// What the index reads from when it is asked for something first.
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) catalogue: RwLock<Arc<Catalogue>>,
    pub(crate) identity: Arc<Identity>,
    /// The last commit.
    pub(crate) last: RwLock<Commit>,
    pub(crate) commits: broadcast::Sender<Commit>,
    pub(crate) orders: Arc<crate::contacts::Orders>,
}

/// The clock a write reads.
pub(crate) type Now = Arc<dyn Fn() -> Moment + Send + Sync>;

/// The state of the writer's thread.
pub(crate) struct Writer {
    conn: Connection,
    shared: Arc<Shared>,
    marks: Marks,
    names: Names,
    now: Now,
    clock: ClockKind,
    /// A commit waits for the disk.
    waits: bool,
    /// Something is in the WAL that is not in the file.
    dirty: bool,
    wal: Wal,
    /// Parts of contacts whose chunks were not compared with their rows since the file was opened, or not made yet.
    unchecked: Range<i64>,
    /// Memberships that were believed at opening and were not compared with their rows since.
    unproved: VecDeque<SegmentId>,
    /// Some of either were not as their rows.
    untrue: bool,
    /// Memberships are to be kept.
    unkept: bool,
    /// Bytes of what commits did to those that are.
    verdict_bytes: i64,
}

impl Writer {
    pub(crate) fn new(
        conn: Connection,
        shared: Arc<Shared>,
        marks: Marks,
        now: Now,
        clock: ClockKind,
    ) -> Writer {
        let unproved = {
            let index = shared.index.read().unwrap_or_else(PoisonError::into_inner);
            index.kept().keys().copied().collect()
        };
        Writer {
            conn,
            shared,
            unchecked: 0..contact_chunks::full(&marks),
            unproved,
            untrue: false,
            unkept: memberships::are_kept(&marks),
            // What there is of it is known when it was looked at once.
            verdict_bytes: 0,
            marks,
            names: Names::default(),
            now,
            clock,
            waits: true,
            dirty: true,
            wal: Wal::default(),
        }
    }

    /// Runs jobs until the queue is closed and empty, then copies the WAL back.
    pub(crate) fn run(mut self, queue: &Queue) {
        self.conn.wal_hook(Some(wal::note_pages));
        loop {
            match queue.next(self.dirty || self.unkept || self.is_unsure()) {
                Next::Job(job) => {
                    job(&mut self);
                    self.keep_if_many();
                    self.wal.look(&self.conn);
                }
                Next::Idle => {
                    self.keep_memberships(REST);
                    self.check_part();
                    self.empty_wal();
                }
                Next::Closed => break,
            }
        }
        self.wal.end();
        self.empty_wal();
    }

    /// [`Writer::transact`] for a job of this urgency. In a sample, what the workspace does by itself waits for no disk:
    /// its people are made up and nothing leaves this machine. Such commits outlive the program; a power cut may set the
    /// file back to the last one that waited, whole. What a user does waits always.
    pub(crate) fn transact_as<T>(
        &mut self,
        priority: Priority,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let by_user = matches!(priority, Priority::User | Priority::Import);
        let waits = by_user || !self.is_sample();
        if waits != self.waits {
            self.conn.execute_batch(match waits {
                true => sql!("PRAGMA synchronous = FULL"),
                false => sql!("PRAGMA synchronous = NORMAL"),
            })?;
            self.waits = waits;
        }
        self.transact(f)
    }

    fn is_sample(&self) -> bool {
        let catalogue = self.shared.catalogue.read();
        let catalogue = catalogue.unwrap_or_else(PoisonError::into_inner);
        catalogue.workspace().is_some_and(|workspace| workspace.sample)
    }

    /// One transaction: the closure's rows, their edges, COMMIT, the index, the subscribers.
    pub(crate) fn transact<T>(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.conn.execute_batch(sql!("BEGIN IMMEDIATE"))?;
        let shared = self.shared.clone();
        match self.attempt(&shared, f) {
            Ok((value, sealed)) => {
                if let Some(sealed) = sealed {
                    self.commit(&shared, sealed)?;
                } else if let Err(error) = self.conn.execute_batch(sql!("COMMIT")) {
                    self.roll_back();
                    return Err(error.into());
                }
                Ok(value)
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn attempt<T>(
        &self,
        shared: &Shared,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<(T, Option<Sealed>)> {
        let db = self.db(shared);
        let as_of = time::moment(self.marks.get(Mark::AsOf))?;
        let limit = match self.clock {
            ClockKind::Real => Some(time::whole((self.now)())),
            ClockKind::Virtual => None,
        };
        let now = limit.map_or(as_of, |limit| limit.max(as_of));
        let mut tx = Tx::new(
            db,
            &shared.index,
            self.marks.clone(),
            self.names.clone(),
            now,
            limit,
        );
        let failures = shared.shelf.failures();
        catch_unwind(AssertUnwindSafe(move || {
            let value = f(&mut tx)?;
            let sealed = tx.seal(&self.marks)?;
            // An edge that was drawn without all that was to be read is no edge.
            shared.shelf.check(failures)?;
            Ok((value, sealed))
        }))
        .unwrap_or_else(|panic| Err(Error::Panicked(panic_text(&*panic))))
    }

    fn commit(&mut self, shared: &Shared, sealed: Sealed) -> Result<()> {
        if let Err(error) = self.conn.execute_batch(sql!("COMMIT")) {
            self.roll_back();
            return Err(error.into());
        }
        crash::point("after_commit");
        self.dirty = true;
        let before = std::mem::replace(&mut self.marks, sealed.marks);
        // Parts that were filled since get their chunks while the file rests.
        self.unchecked.end = self.unchecked.end.max(contact_chunks::full(&self.marks));
        self.names = sealed.names;
        let commit = Commit {
            seq: sealed.seq,
            at: sealed.now,
            topics: sealed.topics,
        };
        {
            let mut index = shared.index.write().unwrap_or_else(PoisonError::into_inner);
            self.verdict_bytes += sealed.verdict_bytes;
            if index.publish(sealed.staged).is_err() {
                // Only this thread publishes; should it ever be so, the rows are right and the index follows.
                let db = Db {
                    conn: &self.conn,
                    catalogue: sealed.catalogue.clone(),
                    identity: shared.identity.clone(),
                    orders: shared.orders.clone(),
                };
                memberships::disbelieve(&db)?;
                *index = crate::membership::build(&db, &self.marks, sealed.now, &shared.shelf)?;
            }
            self.unkept |=
                memberships::are_kept(&self.marks) && memberships::wait(&index, self.verdict_bytes);
        }
        *shared.catalogue.write().unwrap_or_else(PoisonError::into_inner) = sealed.catalogue;
        *shared.last.write().unwrap_or_else(PoisonError::into_inner) = commit;
        crash::point("after_publish");
        // No subscriber is no error.
        shared.commits.send(commit).ok();
        self.keep_chunks(shared, &before);
        Ok(())
    }

    /// The file as the last commit left it.
    fn db(&self, shared: &Shared) -> Db<'_> {
        let catalogue = shared
            .catalogue
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Db {
            conn: &self.conn,
            catalogue,
            identity: shared.identity.clone(),
            orders: shared.orders.clone(),
        }
    }

    /// What the commit filled, for the next opening; one that cannot be kept now is made then.
    fn keep_chunks(&self, shared: &Shared, before: &Marks) {
        if !event_chunks::fills(before, &self.marks) {
            return;
        }
        let db = self.db(shared);
        event_chunks::keep(&db, before, &self.marks).ok();
    }

    /// Keeps memberships for about so long.
    fn keep_memberships(&mut self, time: Duration) {
        if !self.unkept {
            return;
        }
        // The file says as much as before where that cannot be done; it is tried again after the next commit.
        self.unkept = false;
        self.dirty = true;
        let kept = self.transact(|tx| {
            let done = memberships::keep_for(tx, time)?;
            Ok((done, memberships::verdict_bytes(tx)?))
        });
        match kept {
            Ok((done, bytes)) => (self.unkept, self.verdict_bytes) = (!done, bytes),
            Err(error) => tracing::warn!(%error, "whom the segments mean could not be kept"),
        }
    }

    fn keep_if_many(&mut self) {
        if self.verdict_bytes > memberships::MOST_BYTES {
            self.keep_memberships(AMID);
        }
    }

    /// Something that an opening believed was not yet compared with its rows.
    fn is_unsure(&self) -> bool {
        !self.unchecked.is_empty() || !self.unproved.is_empty()
    }

    /// Compares the chunks of one part with its rows and brings them up to date, and after all parts one membership. What this
    /// program did not do itself was written to the file by somebody else: after the last the index is then built anew.
    fn check_part(&mut self) {
        let Some(part) = self.unchecked.next() else {
            self.prove_membership();
            return;
        };
        let shared = self.shared.clone();
        match contact_chunks::is_true(&self.db(&shared), part) {
            Ok(is_true) => self.untrue |= !is_true,
            Err(error) => {
                tracing::warn!(%error, part, "a part of the contacts could not be compared with its rows")
            }
        }
        self.dirty = true;
        self.build_anew_if_untrue();
    }

    fn prove_membership(&mut self) {
        let Some(segment) = self.unproved.pop_front() else {
            return;
        };
        let failures = self.shared.shelf.failures();
        let (is_true, held) = {
            let index = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
            let held = index.held();
            (index.is_true(segment), held)
        };
        // An opening that reads nothing is to stay small.
        let mut index = self.shared.index.write().unwrap_or_else(PoisonError::into_inner);
        index.let_go_since(&held);
        drop(index);
        match self.shared.shelf.check(failures) {
            Ok(()) => self.untrue |= !is_true,
            Err(error) => {
                tracing::warn!(%error, %segment, "a membership could not be compared with its rows");
            }
        }
        self.build_anew_if_untrue();
    }

    fn build_anew_if_untrue(&mut self) {
        if !self.untrue || self.is_unsure() {
            return;
        }
        self.untrue = false;
        let shared = self.shared.clone();
        if let Err(error) = self.build_anew(&shared) {
            tracing::error!(%error, "the index could not be built anew from the rows that somebody else wrote");
        }
    }

    fn build_anew(&mut self, shared: &Shared) -> Result<()> {
        let as_of = time::moment(self.marks.get(Mark::AsOf))?;
        memberships::disbelieve(&self.db(shared))?;
        let index = crate::membership::build(&self.db(shared), &self.marks, as_of, &shared.shelf)?;
        self.unkept = true;
        *shared.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        let repaired = self.transact(|tx| {
            tx.topic(Topic::Contacts);
            memberships::check(tx)
        })?;
        tracing::warn!(
            segments = repaired.len(),
            "somebody else wrote to this file; the index was built anew"
        );
        Ok(())
    }

    fn empty_wal(&mut self) {
        match self.wal.empty(&self.conn) {
            Ok(busy) => self.dirty = busy,
            Err(error) => {
                tracing::warn!(%error, "the WAL could not be copied back; it will be tried again");
            }
        }
    }

    fn roll_back(&mut self) {
        // SQLite may have rolled back by itself (disk full); there is nothing to undo then.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch(sql!("ROLLBACK"))
        {
            tracing::error!(%error, "a write could not be rolled back");
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}
