//! Folders whose new files are imported like an import that somebody made by hand. A file is taken once two looks found the
//! same of it; nothing in the folder is ever changed.
//!
//! Folders are looked into again and again: drives of a network and folders in a cloud tell nothing of what arrives, and what
//! tells can drop what it tells.

mod recipe;
mod scan;
mod take;
mod words;

use super::{existing, is_live};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::imports::ColumnPlan;
use crate::imports::plan::Kept;
use crate::jobs::Job;
use crate::table::{Done, JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_model::{FolderFileId, FolderId};
use carillon_store::imports::folders::{self, FileRow, FileState, FolderRow};
use carillon_store::imports::{ImportKind, ImportState};
use carillon_store::{Db, Priority};
use recipe::Recipe;
use scan::{Found, Looks};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use take::{Next, Taking};
use tokio::sync::{MutexGuard, Notify, oneshot};
use tokio::task::JoinHandle;

pub use words::*;

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
/// Most folders, and most files told at once.
const MOST: usize = 50;
const FILES: u32 = 100;

/// What is remembered of the folders of an open workspace.
#[derive(Debug, Default)]
pub struct Folders {
    /// One at a time takes files: the loop, or somebody who asks for it.
    driving: tokio::sync::Mutex<BTreeMap<FolderId, Watch>>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Watch {
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

async fn watched(open: &Open) -> Result<Vec<FolderRow>> {
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
async fn look_now(open: &Arc<Open>, job: &Arc<Job>, all: Vec<FolderRow>) -> Result<FoldersLooked> {
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
async fn lock<'a>(open: &'a Open, job: &Job) -> Result<MutexGuard<'a, BTreeMap<FolderId, Watch>>> {
    loop {
        job.check()?;
        tokio::select! {
            driving = open.folders.driving.lock() => return Ok(driving),
            () = job.asked_to_stop() => {}
        }
    }
}

pub(super) async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<WatchedFolder>> {
    let open = cx.open()?;
    let list = |db: &Db<'_>| folders::list(db)?.into_iter().map(|row| shown(db, row)).collect();
    Ok(open.store.read(list).await?)
}

fn shown(db: &Db<'_>, row: FolderRow) -> carillon_store::Result<WatchedFolder> {
    let recipe: Recipe = serde_json::from_str(&row.recipe)
        .map_err(|e| carillon_store::Error::Invalid(format!("a folder's recipe: {e}")))?;
    let counts = folders::counts(db, row.id)?;
    let of = |state| counts.iter().find(|n| n.state == state).map_or(0, |n| n.files);
    let arrived = counts.iter().filter(|n| n.state != FileState::Before);
    let like = carillon_store::imports::get(db, row.origin)?;
    let columns = recipe.heading.iter().zip(&recipe.columns);
    Ok(WatchedFolder {
        id: row.id,
        path: row.path,
        pattern: row.pattern,
        paused: row.paused,
        trouble: row.trouble.filter(|_| !row.paused),
        like: row.origin,
        like_name: like.map(|import| import.name).unwrap_or_default(),
        columns: columns
            .filter_map(|(column, plan)| {
                let to = match plan {
                    ColumnPlan::Field { key, .. } => key.clone(),
                    ColumnPlan::Tags { .. } => "tags".to_owned(),
                    ColumnPlan::Status { .. } => "status".to_owned(),
                    ColumnPlan::NewField { .. } | ColumnPlan::Skip => return None,
                };
                let column = column.clone();
                Some(FolderColumn { column, to })
            })
            .collect(),
        source: recipe.source,
        basis: recipe.basis,
        mode: recipe.mode,
        everybody: recipe.everybody,
        tags: recipe.tags,
        limits: recipe.limits,
        imported: of(FileState::Taken),
        waiting: of(FileState::Waits),
        last_at: arrived.map(|n| n.last_at).max(),
        made_at: row.made_at,
    })
}

fn shown_file(db: &Db<'_>, open: &Open, file: FileRow) -> carillon_store::Result<FolderFile> {
    let own = file.import.filter(|_| file.state == FileState::Taken);
    let import = match own {
        Some(id) => carillon_store::imports::get(db, id)?,
        None => None,
    };
    let state = match (file.state, import.as_ref().map(|import| import.state)) {
        (FileState::Taken, Some(ImportState::Running)) if own.is_some_and(|id| is_live(open, id)) => {
            FolderFileState::Running
        }
        (FileState::Taken, Some(ImportState::Running)) => FolderFileState::Interrupted,
        (FileState::Taken, Some(ImportState::Cancelled)) => FolderFileState::Stopped,
        (FileState::Taken, Some(ImportState::Undoing | ImportState::Undone)) => FolderFileState::Undone,
        (FileState::Taken | FileState::Before, _) => FolderFileState::Imported,
        (FileState::Same, _) => FolderFileState::Same,
        (FileState::Waits, _) => FolderFileState::Waits,
        (FileState::Unread, _) => FolderFileState::Unread,
        (FileState::Left, _) => FolderFileState::Left,
    };
    Ok(FolderFile {
        id: file.id,
        name: super::clean::line(&file.seen.name),
        bytes: file.seen.size,
        state,
        import: file.import,
        counts: import.map(|import| super::counts(db, &import)).transpose()?,
        why: file.why,
        at: file.at,
    })
}

pub(super) async fn files(cx: &Ctx, req: FolderFilesOf) -> Result<Vec<FolderFile>> {
    let open = cx.open()?.clone();
    known(&open, req.id).await?;
    let store = open.store.clone();
    Ok(store
        .read(move |db| {
            let files = folders::files(db, req.id, req.before, FILES)?;
            files
                .into_iter()
                .map(|file| shown_file(db, &open, file))
                .collect()
        })
        .await?)
}

/// The row of a folder, or a sentence that there is none.
async fn known(open: &Open, id: FolderId) -> Result<FolderRow> {
    let found = open.store.read(move |db| folders::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.folder", &[("name", &id)]))
}

async fn known_file(open: &Open, id: FolderFileId) -> Result<FileRow> {
    let found = open.store.read(move |db| folders::file(db, id)).await?;
    let found =
        found.filter(|file| matches!(file.state, FileState::Waits | FileState::Unread | FileState::Left));
    found.ok_or_else(|| fail(Code::NotFound, "not_found.folder_file", &[("name", &id)]))
}

/// A pattern as it is kept.
fn pattern(text: &str) -> Result<String> {
    let parts: Vec<&str> = text
        .split([',', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let whole = parts.join(", ");
    match whole.is_empty() || whole.chars().count() > 200 || whole.contains(['/', '\\']) {
        true => Err(fail(Code::Invalid, "imports.folders.bad_pattern", &[("text", &text)]).at("pattern")),
        false => Ok(whole),
    }
}

fn limits(limits: FolderLimits) -> Result<FolderLimits> {
    match limits.refused_percent {
        0..=100 => Ok(limits),
        n => Err(fail(Code::Invalid, "imports.folders.bad_percent", &[("n", &n)]).at("limits")),
    }
}

/// The folder by its one name.
fn folder_of(path: &Path) -> Result<(PathBuf, String)> {
    let no_folder = || {
        fail(
            Code::Invalid,
            "imports.folders.no_folder",
            &[("folder", &path.display())],
        )
        .at("folder")
    };
    let whole = crate::workspaces::one_name(path)?;
    if !path.is_absolute() || !whole.is_dir() {
        return Err(no_folder());
    }
    let text = whole.to_str().ok_or_else(no_folder)?.to_owned();
    Ok((whole, text))
}

pub(super) async fn add(cx: &Ctx, req: AddFolder) -> Result<WatchedFolder> {
    let open = cx.open()?.clone();
    let (pattern, limits) = (pattern(&req.pattern)?, limits(req.limits)?);
    let (ours, folder) = (open.path.clone(), req.folder.clone());
    let ((path, text), there) = super::blocking(move || {
        let folder = folder_of(&folder)?;
        let there = scan::scan(&folder.0, &ours)
            .map_err(|e| fail(Code::File, "imports.folders.unreadable", &[("detail", &e)]).at("folder"))?;
        Ok((folder, there))
    })
    .await?;
    let like = existing(&open, req.like).await?;
    let about: [(&str, &dyn std::fmt::Display); 1] = [("id", &req.like)];
    if like.kind != ImportKind::Contacts {
        return Err(fail(Code::Invalid, "imports.folders.only_contacts", &about).at("like"));
    }
    if like.state != ImportState::Done {
        return Err(fail(Code::Refused, "imports.folders.not_done", &about).at("like"));
    }
    let kept: Kept = serde_json::from_str(&like.plan).map_err(ApiError::internal)?;
    let recipe = serde_json::to_string(&Recipe::of(kept, limits)).map_err(ApiError::internal)?;
    let all = open.store.read(folders::list).await?;
    if all.len() >= MOST {
        return Err(fail(
            Code::Refused,
            "imports.folders.too_many",
            &[("most", &MOST)],
        ));
    }
    if all.iter().any(|f| f.path == text && f.pattern == pattern) {
        let named: [(&str, &dyn std::fmt::Display); 2] = [("folder", &path.display()), ("pattern", &pattern)];
        return Err(fail(Code::Refused, "imports.folders.watched", &named).at("folder"));
    }
    let before: Vec<folders::Seen> = match req.existing {
        true => Vec::new(),
        false => there.into_iter().map(|found| found.seen).collect(),
    };
    let added = open
        .store
        .write(Priority::User, move |tx| {
            let id = folders::add(tx, (&text, &pattern), &recipe, req.like, &before)?;
            folders::get(tx, id)
        })
        .await?;
    open.folders.wake.notify_one();
    let row = added.ok_or_else(|| ApiError::internal("a folder that was made is not there"))?;
    Ok(open.store.read(move |db| shown(db, row)).await?)
}

pub(super) async fn set(cx: &Ctx, req: SetFolder) -> Result<WatchedFolder> {
    let open = cx.open()?;
    let row = known(open, req.id).await?;
    let mut recipe: Recipe = serde_json::from_str(&row.recipe).map_err(ApiError::internal)?;
    if let Some(asked) = req.limits {
        recipe.limits = limits(asked)?;
    }
    let pattern = req.pattern.as_deref().map_or(Ok(row.pattern), pattern)?;
    let paused = req.paused.unwrap_or(row.paused);
    let recipe = serde_json::to_string(&recipe).map_err(ApiError::internal)?;
    let changed = open
        .store
        .write(Priority::User, move |tx| {
            folders::set(tx, req.id, &pattern, &recipe, paused)?;
            folders::get(tx, req.id)
        })
        .await?;
    open.folders.wake.notify_one();
    let row = changed.ok_or_else(|| fail(Code::NotFound, "not_found.folder", &[("name", &req.id)]))?;
    Ok(open.store.read(move |db| shown(db, row)).await?)
}

pub(super) async fn remove(cx: &Ctx, req: OneFolder) -> Result<Done> {
    let open = cx.open()?;
    known(open, req.id).await?;
    open.store
        .write(Priority::User, move |tx| folders::remove(tx, req.id))
        .await?;
    Ok(Done {})
}

pub(super) async fn look(cx: &Ctx, req: LookIntoFolder) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let all = match req.id {
        Some(id) => vec![known(&open, id).await?],
        None => watched(&open).await?,
    };
    let job = open.jobs.clone().start("imports.folder_look", |job| async move {
        look_now(&open, &job, all).await
    });
    Ok(JobStarted { job })
}

pub(super) async fn take_file(cx: &Ctx, req: OneFolderFile) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let file = known_file(&open, req.id).await?;
    let folder = known(&open, file.folder).await?;
    let job = open.jobs.clone().start("imports.folder_take", |job| async move {
        let _driving = lock(&open, &job).await?;
        let (path, ours) = (PathBuf::from(&folder.path), open.path.clone());
        let found = super::blocking(move || scan::scan(&path, &ours).map_err(ApiError::from)).await?;
        let found = found.into_iter().find(|found| found.seen == file.seen);
        let found = found.ok_or_else(|| take::not_there(&file.seen.name))?;
        let id = file.id;
        let taking = Taking {
            open: open.clone(),
            job,
            folder,
            within_limits: false,
        };
        taking.take(&found, Some(file)).await?;
        let of = open.clone();
        let shown = move |db: &Db<'_>| folders::file(db, id)?.map(|f| shown_file(db, &of, f)).transpose();
        Ok(open.store.read(shown).await?)
    });
    Ok(JobStarted { job })
}

pub(super) async fn leave_file(cx: &Ctx, req: OneFolderFile) -> Result<Done> {
    let open = cx.open()?;
    let file = known_file(open, req.id).await?;
    open.store
        .write(Priority::User, move |tx| {
            let why = file.why.clone();
            folders::set_file(tx, &file, None, (FileState::Left, None, why.as_deref()))
        })
        .await?;
    Ok(Done {})
}
