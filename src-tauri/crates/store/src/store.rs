//! The handle of an open workspace file.

use crate::catalogue::Catalogue;
use crate::db::Db;
use crate::error::{Error, Refusal, Result};
use crate::identity;
use crate::membership::{self, Index};
use crate::memberships::{self, LostEdges};
use crate::open::{self, OpenGuard, OpenOptions};
use crate::shelf::Shelf;
use crate::topics::{Commit, Topics};
use crate::tx::{Mark, Marks, Tx};
use crate::writer::{Now, Priority, Queue, Shared, Writer};
use crate::{outbox, settings, sql, time};
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{Moment, Seq};
use sqlx::Connection as _;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{broadcast, oneshot};

/// Readers of the pool.
const READERS: u32 = 4;

/// An open workspace: one writer, four readers, the index in memory. Clones share it; the file is let go
/// when [`Store::close`] was awaited or the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    readers: SqlitePool,
    runtime: tokio::runtime::Handle,
    fence: i64,
    left_at: Moment,
    recovered: outbox::Recovered,
    repaired: Vec<LostEdges>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    guard: Mutex<Option<OpenGuard>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a new workspace file and opens it. Its clock starts at `workspace.created_at`.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when there is a file, and whatever SQLite says of the place.
    pub async fn create(path: &Path, workspace: &Workspace, options: OpenOptions) -> Result<Store> {
        refuse_key(&options)?;
        open::assert_sqlite()?;
        let guard = OpenGuard::take(path, || match std::fs::symlink_metadata(path) {
            Ok(_) => Err(Refusal::Exists(path.to_owned()).into()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Refusal::Unreadable {
                path: path.to_owned(),
                detail: e.to_string(),
            }
            .into()),
        })?;
        open::migrate(path, true).await?;
        let file = path.to_owned();
        let workspace = workspace.clone();
        blocking(move || {
            let conn = open::writer_connection(&file)?;
            let tx = conn.unchecked_transaction()?;
            identity::found(&tx)?;
            settings::found(&tx, &workspace)?;
            tx.commit()?;
            Ok(())
        })
        .await?;
        Store::start(path, options, guard).await
    }

    /// Opens a workspace file: looks at it, brings it up to date (after a verified copy), opens the index
    /// at its own clock, and settles what a crash left in flight.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason, the file untouched.
    pub async fn open(path: &Path, options: OpenOptions) -> Result<Store> {
        refuse_key(&options)?;
        open::assert_sqlite()?;
        let guard = OpenGuard::take(path, || Ok(open::inspect(path)?))?;
        open::migrate(path, false).await?;
        Store::start(path, options, guard).await
    }

    async fn start(path: &Path, options: OpenOptions, guard: OpenGuard) -> Result<Store> {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .test_before_acquire(false)
            .connect_with(open::reader_options(path))
            .await?;
        let file = path.to_owned();
        let queue = Arc::new(Queue::default());
        let jobs = queue.clone();
        let now: Now = options.now.unwrap_or_else(|| Arc::new(time::system_now));
        let (shared, fence, left_at, recovered, repaired, thread) = blocking(move || {
            let (mut writer, shared, fence) = prepare(&file, now)?;
            let left_at = shared.last.read().unwrap_or_else(PoisonError::into_inner).at;
            // Before the first commit.
            writer.transact(|tx| memberships::settle(tx))?;
            let recovered = writer.transact(outbox::recover)?;
            if let Some(frozen) = writer.transact(crate::backup::wake)? {
                tracing::warn!(
                    frozen,
                    "this file is a copy of a workspace: its sending is paused"
                );
            }
            let repaired = writer.transact(memberships::check)?;
            for lost in &repaired {
                tracing::warn!(
                    segment = %lost.segment, entered = lost.entered, left = lost.left,
                    "a segment has other members than the file was left with; the missing edges were written"
                );
            }
            let thread = std::thread::Builder::new()
                .name("carillon-writer".to_owned())
                .spawn(move || writer.run(&jobs))
                .map_err(|source| Error::Io { path: file, source })?;
            Ok((shared, fence, left_at, recovered, repaired, thread))
        })
        .await?;
        Ok(Store {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                queue,
                shared,
                readers,
                runtime: tokio::runtime::Handle::current(),
                fence,
                left_at,
                recovered,
                repaired,
                writer: Mutex::new(Some(thread)),
                guard: Mutex::new(Some(guard)),
            }),
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The number of this ownership: each opening has a higher one, and claims of lower ones are void.
    pub fn fence(&self) -> i64 {
        self.inner.fence
    }

    /// The workspace's own name among all: 32 hexadecimal digits, chosen when it was created; copies share it.
    pub fn workspace_id(&self) -> String {
        self.inner.shared.identity.name()
    }

    /// The index's clock as the last owner left it.
    pub fn left_at(&self) -> Moment {
        self.inner.left_at
    }

    /// What the last owner left unfinished and this opening settled.
    pub fn recovered(&self) -> &outbox::Recovered {
        &self.inner.recovered
    }

    /// Segments and watches whose members came out otherwise than the file was left with, and whose missing edges
    /// this opening wrote: a newer program read the same rows differently, or somebody else wrote to the file.
    pub fn repaired(&self) -> &[LostEdges] {
        &self.inner.repaired
    }

    /// The last commit: its `seq` and the index's clock.
    pub fn last(&self) -> Commit {
        *self
            .inner
            .shared
            .last
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The index's clock.
    pub fn as_of(&self) -> Moment {
        self.last().at
    }

    /// The last commit's `seq`.
    pub fn seq(&self) -> Seq {
        self.last().seq
    }

    /// Fields, zone, workspace as of the last commit.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.inner
            .shared
            .catalogue
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes and reads public tokens.
    pub fn tokens(&self) -> &crate::tokens::Tokens {
        &self.inner.shared.identity.tokens
    }

    /// Reads the index as of the last commit. The writer waits with its next publish until `f` is done.
    pub fn with_index<T>(&self, f: impl FnOnce(&Index) -> T) -> T {
        f(&self
            .inner
            .shared
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner))
    }

    /// What the index reads from.
    #[cfg(test)]
    pub(crate) fn shelf(&self) -> Arc<Shelf> {
        self.inner.shared.shelf.clone()
    }

    /// How many readings of the index from the file have failed since it was opened.
    pub fn readings_failed(&self) -> u64 {
        self.inner.shared.shelf.failures()
    }

    /// Whether all that the index was asked for could be read, since so many readings had failed
    /// ([`Store::readings_failed`]). What could not counted as if nobody had it; no write is kept that was worked out so.
    ///
    /// # Errors
    /// [`Error::Unread`].
    pub fn check_readings(&self, failed: u64) -> Result<()> {
        self.inner.shared.shelf.check(failed)
    }

    /// Each commit from now on, after it was published. A receiver that lags by more than 1,024 commits is
    /// told so and should read everything again.
    pub fn subscribe(&self) -> broadcast::Receiver<Commit> {
        self.inner.shared.commits.subscribe()
    }

    /// Runs `f` in one transaction on the writer's thread, after all writes of higher priority that wait.
    /// When the answer comes, the rows are durable and the index knows them; on an error nothing was kept. In a sample
    /// only writes of [`Priority::User`] and [`Priority::Import`] outlive a power cut for sure.
    /// A write takes at most about 50 ms: longer work is many writes.
    ///
    /// # Errors
    /// What `f` returned; [`Error::Panicked`] if it panicked; SQLite's word if the COMMIT failed.
    pub async fn write<T, F>(&self, priority: Priority, f: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(priority, f)?.await.map_err(|_| Error::Closed)?
    }

    /// [`Store::write`] for threads that do not run async tasks; panics inside one.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T, F>(&self, priority: Priority, f: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(priority, f)?
            .blocking_recv()
            .map_err(|_| Error::Closed)?
    }

    fn submit<T, F>(&self, priority: Priority, f: F) -> Result<oneshot::Receiver<Result<T>>>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (answer, waiting) = oneshot::channel();
        let job = Box::new(move |writer: &mut Writer| {
            // Whoever asked may have gone; the write was done all the same.
            answer.send(writer.transact_as(priority, f)).ok();
        });
        if self.inner.queue.push(priority, job) {
            Ok(waiting)
        } else {
            Err(Error::Closed)
        }
    }

    /// Moves the index's clock forward in a commit of its own, with the edges that time alone causes. With a
    /// virtual clock this is how time passes; with a real one the clock cannot pass the machine's.
    ///
    /// # Errors
    /// As [`Store::write`]. An earlier moment is no error and changes nothing.
    pub async fn advance_clock(&self, to: Moment) -> Result<Commit> {
        if time::whole(to) <= self.as_of() {
            return Ok(self.last());
        }
        self.write(Priority::Tick, move |tx| {
            tx.advance(to);
            Ok(())
        })
        .await?;
        Ok(self.last())
    }

    /// Reads one snapshot of the file on a reader's connection.
    ///
    /// # Errors
    /// What `f` returned, or SQLite's word.
    pub async fn read<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&Db<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let mut reader = self.inner.readers.acquire().await.map_err(|e| match e {
            sqlx::Error::PoolClosed => Error::Closed,
            other => other.into(),
        })?;
        let shared = self.inner.shared.clone();
        let runtime = self.inner.runtime.clone();
        blocking(move || {
            let mut locked = runtime.block_on(reader.lock_handle())?;
            // sqlx hands one statement at a time to a thread, two switches each (20 times slower over rows);
            // while its lock is held the same handle is ours, and rusqlite does not close it.
            #[allow(unsafe_code)]
            let conn = unsafe { rusqlite::Connection::from_handle(locked.as_raw_handle().as_ptr()) }?;
            open::keep_plans(&conn)?;
            let snapshot = conn.unchecked_transaction()?;
            let catalogue = shared
                .catalogue
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let db = Db {
                conn: &snapshot,
                catalogue,
                identity: shared.identity.clone(),
                orders: shared.orders.clone(),
            };
            f(&db)
        })
        .await
    }

    /// [`Store::read`] for threads that do not run async tasks; panics inside one.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&Db<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.runtime.block_on(self.read(f))
    }

    /// One page of contacts: [`crate::contacts::page`] on a reader.
    ///
    /// # Errors
    /// As that.
    pub async fn contacts_page(&self, query: crate::contacts::PageQuery) -> Result<crate::contacts::Page> {
        self.read(move |db| crate::contacts::page(db, &query)).await
    }

    /// Lets the file go: the writes that wait are done, whom the segments mean is kept, the WAL is copied back, all
    /// connections are closed.
    pub async fn close(&self) {
        match self.write(Priority::Import, memberships::close).await {
            Ok(()) | Err(Error::Closed) => {}
            // The next opening reads what there was before, or works out who is meant.
            Err(error) => tracing::warn!(%error, "whom the segments mean was not kept"),
        }
        self.inner.queue.close();
        let thread = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.inner.readers.close().await;
        if let Some(thread) = thread {
            // A panic of the thread was reported by the write that met it.
            tokio::task::spawn_blocking(move || thread.join()).await.ok();
        }
        self.inner.shared.shelf.close();
        self.inner
            .guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            thread.join().ok();
        }
        self.shared.shelf.close();
    }
}

fn refuse_key(options: &OpenOptions) -> Result<(), Refusal> {
    match options.key {
        None => Ok(()),
        Some(_) => Err(Refusal::NoEncryption),
    }
}

/// Loads what the writer and everybody else share, and builds the index.
fn prepare(path: &Path, now: Now) -> Result<(Writer, Arc<Shared>, i64)> {
    let conn = open::writer_connection(path)?;
    let fence = identity::raise_fence(&conn)?;
    let identity = Arc::new(identity::load(&conn)?);
    let catalogue = Arc::new(Catalogue::load(&conn)?);
    let clock = catalogue.workspace.as_ref().map_or(ClockKind::Real, |w| w.clock);
    let orders = Arc::new(crate::contacts::Orders::default());
    let shelf = Arc::new(Shelf::open(path, identity.clone(), orders.clone())?);
    let (index, marks) = {
        let db = Db {
            conn: &conn,
            catalogue: catalogue.clone(),
            identity: identity.clone(),
            orders: orders.clone(),
        };
        let marks = Marks::load(&db)?;
        let index = membership::open(&db, &marks, time::moment(marks.get(Mark::AsOf))?, &shelf)?;
        (index, marks)
    };
    let last = Commit {
        seq: Seq(marks.get(Mark::Seq) - 1),
        at: time::moment(marks.get(Mark::AsOf))?,
        topics: Topics::default(),
    };
    let shared = Arc::new(Shared {
        index: RwLock::new(index),
        shelf,
        catalogue: RwLock::new(catalogue),
        identity,
        last: RwLock::new(last),
        commits: broadcast::channel(1024).0,
        orders,
    });
    let writer = Writer::new(conn, shared.clone(), marks, now, clock);
    Ok((writer, shared, fence))
}

/// Runs `f` where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(f).await {
        Ok(outcome) => outcome,
        Err(e) if e.is_panic() => Err(Error::Panicked("while reading".to_owned())),
        Err(_) => Err(Error::Closed),
    }
}

/// The SQLite that sqlx and rusqlite say they are: the same one.
///
/// # Errors
/// What either says when it cannot run.
pub async fn sqlite_versions() -> Result<(String, String)> {
    let mut conn = sqlx::sqlite::SqliteConnection::connect("sqlite::memory:").await?;
    let of_sqlx: String = sqlx::query_scalar(sql::sql!("SELECT sqlite_version()"))
        .fetch_one(&mut conn)
        .await?;
    conn.close().await?;
    Ok((of_sqlx, rusqlite::version().to_owned()))
}
