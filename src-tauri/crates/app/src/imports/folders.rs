//! Folders whose new files are imported like an import that somebody made by hand. A file is taken once two looks found the
//! same of it; nothing in the folder is ever changed.
//!
//! Folders are looked into again and again: drives of a network and folders in a cloud tell nothing of what arrives, and what
//! tells can drop what it tells.

mod recipe;
mod scan;
mod take;
mod watch;
mod words;

use super::{existing, is_live};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::ColumnPlan;
use crate::imports::plan::Kept;
use crate::table::{Done, JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_model::{FolderFileId, FolderId};
use carillon_store::imports::folders::{self, FileRow, FileState, FolderRow};
use carillon_store::imports::{ImportKind, ImportState};
use carillon_store::{Db, Priority};
use recipe::Recipe;
use std::path::{Path, PathBuf};
use take::Taking;
use watch::{lock, look_now, watched};

pub use watch::Folders;
pub(crate) use watch::{WhileRunning, live};
pub use words::*;

/// Most folders, and most files told at once.
const MOST: usize = 50;
const FILES: u32 = 100;

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
