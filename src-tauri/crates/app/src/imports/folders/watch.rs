//! The loop that looks into folders, and what it remembers between two looks.

use super::scan::{self, Found, Looks};
use super::take::{self, Next, Taking};
use super::words::FoldersLooked;
use super::{is_live, shown_file};
use crate::error::{Code, Result, sentence};
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::FolderId;
use carillon_store::Priority;
use carillon_store::imports::folders::{self, FileRow, FileState, FolderRow};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{MutexGuard, Notify, oneshot};
use tokio::task::JoinHandle;

/// How often folders are looked into.
const EVERY: Duration = Duration::from_secs(5);
/// A look takes at most this share of the time: a large folder on a slow drive is looked into less often.
const SHARE: u32 = 20;
/// Between the two looks of somebody who asks for them now.
const REST: Duration = Duration::from_secs(2);
/// How long a folder may take to answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How soon a file that could not be read is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// What is remembered of the folders of an open workspace.
#[derive(Debug, Default)]
pub struct Folders {
    /// One at a time takes files: the loop, or somebody who asks for it.
    driving: tokio::sync::Mutex<BTreeMap<FolderId, Watch>>,
    pub(super) wake: Notify,
}

/// What is remembered of one folder.
#[derive(Debug, Default)]
pub(super) struct Watch {
    looks: Looks,
    /// A look that has not been answered yet.
    pending: Option<JoinHandle<std::io::Result<Vec<Found>>>>,
    /// Files that are not tried before.
    later: BTreeMap<String, Instant>,
}

/// What is to be done in a folder.
#[derive(Default)]
struct Ready {
    go_on: Vec<(FileRow, PathBuf)>,
    gone: Vec<FileRow>,
    take: Vec<(Found, Option<FileRow>)>,
}

impl Ready {
    fn is_empty(&self) -> bool {
        self.go_on.is_empty() && self.gone.is_empty() && self.take.is_empty()
    }
}

/// What came of a file of a folder.
struct Came {
    found: Option<Found>,
    name: String,
    next: Next,
}

fn trouble(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => sentence("imports.folders.gone", &[]),
        _ => sentence("imports.folders.unreadable", &[("detail", error)]),
    }
}

impl Watch {
    /// The files of the folder, or why it cannot be read.
    async fn scan(&mut self, open: &Open, folder: &FolderRow) -> std::result::Result<Vec<Found>, String> {
        let (path, ours) = (PathBuf::from(&folder.path), open.path.clone());
        let begin = || tokio::task::spawn_blocking(move || scan::scan(&path, &ours));
        let mut asked = self.pending.take().unwrap_or_else(begin);
        match tokio::time::timeout(ANSWER, &mut asked).await {
            Ok(Ok(found)) => found.map_err(|e| trouble(&e)),
            Ok(Err(e)) => Err(sentence("imports.folders.unreadable", &[("detail", &e)])),
            Err(_) => {
                self.pending = Some(asked);
                Err(sentence("imports.folders.slow", &[]))
            }
        }
    }

    /// Looks into the folder once.
    async fn look(&mut self, open: &Open, folder: &FolderRow) -> Result<Ready> {
        let id = folder.id;
        let (found, why) = match self.scan(open, folder).await {
            Ok(found) => (found, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        if folder.trouble != why {
            let why = why.clone();
            open.store
                .write(Priority::User, move |tx| {
                    folders::set_trouble(tx, id, why.as_deref())
                })
                .await?;
        }
        if why.is_some() {
            self.looks.forget();
            return Ok(Ready::default());
        }
        let now = Instant::now();
        self.later.retain(|_, at| *at > now);
        let mut ready = Ready::default();
        let unfinished = open.store.read(move |db| folders::unfinished(db, id)).await?;
        let named: Vec<String> = unfinished.iter().map(|file| file.seen.name.clone()).collect();
        for file in unfinished {
            if file.import.is_none_or(|import| is_live(open, import)) {
                continue;
            }
            match found.iter().find(|found| found.seen.name == file.seen.name) {
                Some(_) if self.later.contains_key(&file.seen.name) => {}
                Some(found) => ready.go_on.push((file, found.path.clone())),
                None => ready.gone.push(file),
            }
        }
        let gone = sentence("imports.folders.vanished", &[]);
        ready.gone.retain(|file| file.why.as_ref() != Some(&gone));
        let meant = found
            .into_iter()
            .filter(|f| scan::is_meant(&folder.pattern, &f.seen.name));
        let rest = self.looks.at_rest(meant.collect());
        let rest: Vec<Found> = rest
            .into_iter()
            .filter(|f| !named.contains(&f.seen.name) && !self.later.contains_key(&f.seen.name))
            .collect();
        self.take_new(open, id, rest, &mut ready).await?;
        Ok(ready)
    }

    /// Sorts out what is known already of files at rest.
    async fn take_new(
        &mut self,
        open: &Open,
        id: FolderId,
        rest: Vec<Found>,
        ready: &mut Ready,
    ) -> Result<()> {
        if rest.is_empty() {
            return Ok(());
        }
        let known = open
            .store
            .read(move |db| {
                rest.into_iter()
                    .map(|found| {
                        let newest = folders::newest_of(db, id, &found.seen.name)?;
                        Ok((found, newest))
                    })
                    .collect::<carillon_store::Result<Vec<_>>>()
            })
            .await?;
        for (found, newest) in known {
            match newest {
                Some(file) if file.seen == found.seen && file.state == FileState::Unread => {
                    ready.take.push((found, Some(file)));
                }
                Some(file) if file.seen == found.seen => self.looks.settle(&found.seen),
                Some(file) if matches!(file.state, FileState::Waits | FileState::Unread) => {
                    take::replace(open, file).await?;
                    ready.take.push((found, None));
                }
                _ => ready.take.push((found, None)),
            }
        }
        Ok(())
    }

    /// Remembers what is to be done with files at the next look.
    fn learn(&mut self, came: &[Came]) {
        for came in came {
            match (came.next, &came.found) {
                (Next::TryLater, _) => {
                    self.later.insert(came.name.clone(), Instant::now() + RETRY);
                }
                (Next::Nothing, Some(found)) => self.looks.settle(&found.seen),
                _ => {}
            }
        }
    }
}

/// Does what is to be done in a folder, one file after the other: of two lists that say different things of somebody, the
/// one written last stands.
async fn work_off(taking: Taking, ready: Ready) -> Result<Vec<Came>> {
    let mut came = Vec::new();
    for file in ready.gone {
        taking.say_gone(&file).await?;
    }
    for (file, path) in ready.go_on {
        let next = or_later(&taking, &file.seen.name, taking.go_on(&file, &path).await)?;
        let name = file.seen.name;
        came.push(Came {
            found: None,
            name,
            next,
        });
    }
    for (found, known) in ready.take {
        let next = or_later(&taking, &found.seen.name, taking.take(&found, known).await)?;
        let name = found.seen.name.clone();
        came.push(Came {
            found: Some(found),
            name,
            next,
        });
    }
    Ok(came)
}

/// What a single file cannot do to the others: an error of its own keeps none of them from being taken.
fn or_later(taking: &Taking, name: &str, next: Result<Next>) -> Result<Next> {
    match next {
        Err(error) if error.code != Code::Cancelled && !taking.open.runtime.stopped() => {
            tracing::warn!(%error, name, "a file of a watched folder is tried again later");
            Ok(Next::TryLater)
        }
        next => next,
    }
}

/// The folders that are not paused.
pub(super) async fn watched(open: &Open) -> Result<Vec<FolderRow>> {
    let all = open.store.read(folders::list).await?;
    Ok(all.into_iter().filter(|folder| !folder.paused).collect())
}

/// One look into every folder, and what is to be done there as a job.
async fn beat(open: &Arc<Open>) -> Result<()> {
    let mut watches = open.folders.driving.lock().await;
    let all = watched(open).await?;
    watches.retain(|id, _| all.iter().any(|folder| folder.id == *id));
    for folder in all {
        let watch = watches.entry(folder.id).or_default();
        let ready = watch.look(open, &folder).await?;
        if ready.is_empty() {
            continue;
        }
        let (done, came) = oneshot::channel();
        let of = open.clone();
        open.jobs.start("imports.folder_look", |job| async move {
            let taking = Taking {
                open: of,
                job,
                folder,
                within_limits: true,
            };
            let came = work_off(taking, ready).await?;
            let _ = done.send(came);
            Ok(())
        });
        // A job that was stopped tells nothing: its files are looked at again.
        if let Ok(came) = came.await {
            watch.learn(&came);
        }
    }
    Ok(())
}

/// Looks into the folders of an open workspace for as long as it is open.
pub(crate) fn live(open: Arc<Open>) -> JoinHandle<()> {
    tokio::spawn(watch(open, Arc::default()))
}

async fn watch(open: Arc<Open>, end: Arc<Notify>) {
    while !open.runtime.stopped() {
        let began = Instant::now();
        if let Err(error) = beat(&open).await {
            tracing::error!(%error, "the watched folders could not be looked into");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY.max(began.elapsed() * SHARE)) => {}
            () = open.folders.wake.notified() => {}
            () = end.notified() => return,
        }
    }
}

/// Folders that are looked into while something runs, where nobody does it all the time.
pub(crate) struct WhileRunning {
    end: Arc<Notify>,
    watching: JoinHandle<()>,
}

impl WhileRunning {
    /// Takes what lies there now, and goes on looking.
    ///
    /// # Errors
    /// The store's, and `Cancelled`.
    pub async fn begin(open: &Arc<Open>, job: &Arc<Job>) -> Result<WhileRunning> {
        let all = watched(open).await?;
        look_now(open, job, all).await?;
        let end = Arc::new(Notify::new());
        let watching = tokio::spawn(watch(open.clone(), end.clone()));
        Ok(WhileRunning { end, watching })
    }

    /// Looks no more, once a file that is being imported is done, or somebody stops waiting for it.
    pub async fn end(mut self, job: &Job) {
        self.end.notify_one();
        tokio::select! {
            _ = &mut self.watching => {}
            () = job.asked_to_stop() => self.watching.abort(),
        }
    }
}

/// Looks into folders twice, and takes what came to rest.
pub(super) async fn look_now(open: &Arc<Open>, job: &Arc<Job>, all: Vec<FolderRow>) -> Result<FoldersLooked> {
    let mut looked = FoldersLooked::default();
    if all.is_empty() {
        return Ok(looked);
    }
    let _driving = lock(open, job).await?;
    let mut watches: Vec<Watch> = all.iter().map(|_| Watch::default()).collect();
    for (folder, watch) in all.iter().zip(&mut watches) {
        watch.look(open, folder).await?;
    }
    tokio::select! {
        () = tokio::time::sleep(REST) => {}
        () = job.asked_to_stop() => {}
    }
    for (folder, watch) in all.into_iter().zip(&mut watches) {
        job.check()?;
        let id = folder.id;
        let ready = watch.look(open, &folder).await?;
        let taking = Taking {
            open: open.clone(),
            job: job.clone(),
            folder,
            within_limits: true,
        };
        let came = work_off(taking, ready).await?;
        let of = open.clone();
        let (files, why) = open
            .store
            .read(move |db| {
                let mut files = Vec::new();
                for came in came.iter().filter(|came| came.next != Next::LookAgain) {
                    if let Some(file) = folders::newest_of(db, id, &came.name)? {
                        files.push(shown_file(db, &of, file)?);
                    }
                }
                let why =
                    folders::get(db, id)?.and_then(|f| f.trouble.map(|why| format!("{}: {why}", f.path)));
                Ok((files, why))
            })
            .await?;
        looked.files.extend(files);
        looked.troubles.extend(why);
    }
    Ok(looked)
}

/// Waits until nobody else takes files.
pub(super) async fn lock<'a>(open: &'a Open, job: &Job) -> Result<MutexGuard<'a, BTreeMap<FolderId, Watch>>> {
    loop {
        job.check()?;
        tokio::select! {
            driving = open.folders.driving.lock() => return Ok(driving),
            () = job.asked_to_stop() => {}
        }
    }
}
