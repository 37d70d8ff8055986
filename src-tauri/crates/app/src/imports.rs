//! Importing contacts from files of any kind: looked at, mapped, tried without a trace, run in small commits that
//! carry their position, resumed after a kill, and taken back.

mod ahead;
mod cards;
mod chunks;
pub mod clean;
mod database;
pub(crate) mod delimited;
mod employers;
pub mod folders;
mod format;
mod headings;
mod json;
pub(crate) mod layout;
mod mapping;
mod parquet;
mod parts;
mod plan;
mod rejects;
mod run;
mod sheet;
pub mod source;
mod status;
mod take_back;
pub mod values;
mod words;
mod write;

use crate::Ctx;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::files::{FileRef, Saved, beside};
use crate::table::{Done, JobStarted, LOCAL, NoArgs};
use crate::workspaces::Open;
use carillon_model::ImportId;
use carillon_store::imports::{ImportKind, ImportState};
use carillon_store::{Db, Priority, settings};
use folders::{
    add as add_folder, files as folder_files, leave_file, list as list_folders, look as look_into,
    remove as remove_folder, set as set_folder, take_file,
};
use format::{Asked, Format, Looked};
use plan::{Identity, Kept, Sample};
use serde::Deserialize;
use status::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

pub use folders::{
    AddFolder, FolderColumn, FolderFile, FolderFileState, FolderFilesOf, FolderLimits, FoldersLooked,
    LookIntoFolder, OneFolder, OneFolderFile, SetFolder, WatchedFolder,
};
pub use format::FileKind;
pub use status::{Standing, StatusReading};
pub use words::*;

commands! {
    mutate "contacts.import_open" open_file(OpenImport) -> ImportPreview, reads [];
    mutate "contacts.import_dry_run" dry_run(ImportPlan) -> JobStarted, reads [];
    mutate "contacts.import_run" run_import(ImportPlan) -> ImportStarted, reads [];
    mutate "contacts.import_resume" resume(ResumeImport) -> ImportStarted, reads [];
    query "imports.list" list(NoArgs) -> Vec<ImportRow>, reads [Imports];
    query "imports.get" get(OneImport) -> ImportRow, reads [Imports];
    mutate "imports.undo" undo(OneImport) -> JobStarted, reads [];
    mutate "imports.errors" errors(SaveErrors) -> Saved, reads [];
    query "imports.folders" list_folders(NoArgs) -> Vec<WatchedFolder>, reads [Imports];
    query "imports.folder_files" folder_files(FolderFilesOf) -> Vec<FolderFile>, reads [Imports];
    mutate "imports.folder_add" add_folder(AddFolder) -> WatchedFolder, reads [], only LOCAL;
    mutate "imports.folder_set" set_folder(SetFolder) -> WatchedFolder, reads [];
    mutate "imports.folder_remove" remove_folder(OneFolder) -> Done, reads [];
    mutate "imports.folder_look" look_into(LookIntoFolder) -> JobStarted, reads [];
    mutate "imports.folder_take" take_file(OneFolderFile) -> JobStarted, reads [];
    mutate "imports.folder_leave" leave_file(OneFolderFile) -> Done, reads [];
}

/// Imports this process is working on.
static LIVE: LazyLock<Mutex<BTreeSet<(String, ImportId)>>> = LazyLock::new(Mutex::default);

fn live() -> std::sync::MutexGuard<'static, BTreeSet<(String, ImportId)>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process is working on an import.
fn is_live(open: &Open, id: ImportId) -> bool {
    live().contains(&(open.workspace_id.clone(), id))
}

/// Work on one import, by one job at a time.
pub(crate) struct AtWork(String, ImportId);

impl AtWork {
    /// Begins work.
    ///
    /// # Errors
    /// When another job is at it.
    pub(crate) fn begin(open: &Open, id: ImportId) -> Result<AtWork> {
        match live().insert((open.workspace_id.clone(), id)) {
            true => Ok(AtWork(open.workspace_id.clone(), id)),
            false => Err(fail(Code::Refused, "imports.still_running", &[("id", &id)])),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        live().remove(&(std::mem::take(&mut self.0), self.1));
    }
}

pub(crate) use mapping::normal as heading;
pub(crate) use plan::broken;
pub(crate) use rejects::RejectFile;
pub(crate) use run::tidy_rejects;

/// The file with the rows of an import that need attention.
pub(crate) fn reject_path(open: &Open, id: ImportId) -> PathBuf {
    let mut name = open.path.as_os_str().to_owned();
    name.push(format!(".import-{id}.csv"));
    PathBuf::from(name)
}

/// The path of a list to read. The workspace's own file is refused before it is touched: closing it anywhere in
/// this process would drop SQLite's locks on it.
pub(crate) fn list_path(cx: &Ctx, open: &Open, file: &FileRef) -> Result<PathBuf> {
    let path = cx.path(file)?;
    let whole = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    match whole(&path) == whole(&open.path) {
        true => Err(fail(
            Code::Refused,
            "imports.is_workspace",
            &[("file", &path.display())],
        )
        .at("file")),
        false => Ok(path),
    }
}

/// Runs what reads files where waiting for a disk is allowed.
pub(crate) async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(f).await.map_err(ApiError::internal)?
}

const SHOWN: usize = 50;

async fn open_file(cx: &Ctx, req: OpenImport) -> Result<ImportPreview> {
    let open = cx.open()?;
    let path = list_path(cx, open, &req.file)?;
    let fields = open.store.catalogue().fields();
    let zone = open.store.catalogue().zone();
    let name = cx.name_of(&req.file);
    blocking(move || {
        let asked = Asked {
            delimiter: req.delimiter,
            encoding: req.encoding,
            sheet: req.sheet,
        };
        let looked = Looked::at(&path, &asked)?;
        let bytes = std::fs::metadata(&path)?.len();
        let (mut sample, header) = Sample::read(&path, &looked.format, req.header)?;
        let program = Program::of(&sample.heading);
        let columns = mapping::guess(&sample.heading, &sample.rows, &fields, zone, program);
        let warnings = warnings(&sample, header, &looked.format, &columns, program);
        let rows_about = rows_about(&looked, &sample, header, bytes);
        let standings = standings(&path, &looked.format, header, &columns)?;
        sample.rows.truncate(SHOWN);
        let layout = looked.format.layout();
        Ok(ImportPreview {
            file: req.file,
            everybody: program.map(|program| program.by_name(&name)).unwrap_or_default(),
            name,
            bytes,
            kind: looked.format.kind(),
            delimiter: layout.map(|layout| layout.delimiter),
            encoding: layout.map(|layout| layout.encoding),
            sheet: looked.format.part().map(str::to_owned),
            sheets: looked.sheets,
            may_lack_heading: looked.format.may_lack_heading(),
            program: program.map(|program| program.label.clone()),
            standings,
            header,
            columns,
            rows: sample.rows,
            rows_about,
            warnings,
        })
    })
    .await
}

/// How many rows a file has, as well as it can be known without reading it all.
fn rows_about(looked: &Looked, sample: &Sample, header: bool, bytes: u64) -> u64 {
    let seen = sample.rows.len() as u64;
    match (looked.rows, looked.format.layout()) {
        _ if sample.whole || sample.text == 0 => seen,
        (Some(rows), None) => rows + u64::from(!header),
        (_, layout) => {
            let text = layout.map_or(bytes, |layout| layout.text_bytes(bytes));
            (u128::from(text) * u128::from(seen) / sample.text as u128) as u64
        }
    }
}

/// How many rows of the whole file say what of their person; nothing is read where no column says anything.
fn standings(
    path: &Path,
    format: &Format,
    header: bool,
    columns: &[ImportColumn],
) -> Result<Vec<StandingCount>> {
    let reads: Vec<(usize, StatusReading)> = columns
        .iter()
        .enumerate()
        .filter_map(|(i, column)| match column.plan {
            ColumnPlan::Status { reads } => Some((i, reads)),
            _ => None,
        })
        .collect();
    if reads.is_empty() {
        return Ok(Vec::new());
    }
    let mut counts: BTreeMap<Standing, u64> = BTreeMap::new();
    let records = source::Records::open(path, format)?.skip(usize::from(header));
    for record in records.map_while(std::result::Result::ok) {
        let said = reads.iter().map(|(i, reads)| {
            let cell = record.fields.get(*i).map_or("", String::as_str);
            status::read(*reads, cell).unwrap_or(Standing::NotPermitted)
        });
        *counts.entry(said.max().unwrap_or_default()).or_default() += 1;
    }
    Ok(counts
        .into_iter()
        .map(|(standing, rows)| StandingCount { standing, rows })
        .collect())
}

fn warnings(
    sample: &Sample,
    header: bool,
    format: &Format,
    columns: &[ImportColumn],
    program: Option<&Program>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let ragged = sample
        .rows
        .iter()
        .filter(|r| r.len() != sample.heading.len())
        .count();
    if ragged > 0 {
        let of = sample.rows.len();
        warnings.push(sentence(
            "imports.warnings.ragged",
            &[("n", &ragged), ("of", &of), ("columns", &sample.heading.len())],
        ));
    }
    let email = columns.iter().position(|c| c.guess.as_deref() == Some("email"));
    match email {
        None => warnings.push(sentence("imports.warnings.no_email", &[])),
        Some(email) => {
            let without = |row: &&Vec<String>| row.get(email).is_none_or(|cell| cell.trim().is_empty());
            let (n, of) = (sample.rows.iter().filter(without).count(), sample.rows.len());
            if n > 0 {
                warnings.push(sentence(
                    "imports.warnings.without_email",
                    &[("n", &n), ("of", &of)],
                ));
            }
        }
    }
    if let Some(program) = program {
        let says = columns
            .iter()
            .any(|c| matches!(c.plan, ColumnPlan::Status { .. }));
        if program.note == Some(status::Note::Always) || program.note.is_some() && !says {
            warnings.push(sentence(&format!("imports.programs.{}", program.key), &[]));
        }
    }
    if sample.rows.is_empty() {
        warnings.push(sentence("imports.warnings.only_heading", &[]));
    }
    if header && format.may_lack_heading() && !mapping::is_heading(&sample.heading) {
        warnings.push(sentence("imports.warnings.heading_is_data", &[]));
    }
    if sample.rows.iter().flatten().any(|cell| cell.contains('\u{FFFD}')) {
        warnings.push(sentence("imports.warnings.encoding", &[]));
    }
    if let Some(bad) = &sample.bad {
        warnings.push(plan::broken(bad, "imports.kept_nothing").message);
    }
    warnings
}

async fn resolved(open: &Arc<Open>, path: &Path, plan: ImportPlan) -> Result<Kept> {
    let fields = open.store.catalogue().fields();
    let zone = open.store.catalogue().zone();
    let path = path.to_owned();
    blocking(move || plan::resolve(&plan, &path, &fields, zone)).await
}

async fn dry_run(cx: &Ctx, req: ImportPlan) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let path = list_path(cx, &open, &req.file)?;
    let kept = Arc::new(resolved(&open, &path, req).await?);
    let job = open.jobs.clone().start("contacts.import_dry_run", |job| {
        run::try_out(open, job, kept, path)
    });
    Ok(JobStarted { job })
}

async fn run_import(cx: &Ctx, req: ImportPlan) -> Result<ImportStarted> {
    let open = cx.open()?.clone();
    let path = list_path(cx, &open, &req.file)?;
    let name = cx.name_of(&req.file);
    let kept = resolved(&open, &path, req).await?;
    let text = serde_json::to_string(&kept).map_err(ApiError::internal)?;
    let id = open
        .store
        .write(Priority::User, move |tx| {
            carillon_store::imports::begin(tx, ImportKind::Contacts, &name, &text)
        })
        .await?;
    let at_work = AtWork::begin(&open, id)?;
    let kept = Arc::new(kept);
    let job = open.jobs.clone().start("contacts.import_run", |job| {
        run::pour(open, job, at_work, id, kept, path)
    });
    Ok(ImportStarted { job, import: id })
}

async fn resume(cx: &Ctx, req: ResumeImport) -> Result<ImportStarted> {
    let open = cx.open()?.clone();
    let path = list_path(cx, &open, &req.file)?;
    let at_work = AtWork::begin(&open, req.id)?;
    let row = existing(&open, req.id).await?;
    if row.state != ImportState::Running || row.kind != ImportKind::Contacts {
        return Err(fail(Code::Refused, "imports.not_resumable", &[("id", &req.id)]));
    }
    let kept: Kept = serde_json::from_str(&row.plan).map_err(ApiError::internal)?;
    let (looked_at, format) = (path.clone(), kept.format.clone());
    let identity = blocking(move || {
        if matches!(format, Format::Sheet { .. }) {
            parts::check(&looked_at)?;
        }
        Identity::of(&looked_at)
    });
    if identity.await? != kept.identity {
        return Err(fail(Code::Refused, "imports.changed_file", &[("id", &req.id)]).at("file"));
    }
    let (id, kept) = (req.id, Arc::new(kept));
    let job = open.jobs.clone().start("contacts.import_resume", |job| {
        run::pour(open, job, at_work, id, kept, path)
    });
    Ok(ImportStarted { job, import: id })
}

/// The row of an import, or a sentence that there is none.
pub(crate) async fn existing(open: &Open, id: ImportId) -> Result<carillon_store::imports::ImportRow> {
    let found = open
        .store
        .read(move |db| carillon_store::imports::get(db, id))
        .await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.import", &[("name", &id)]))
}

/// What an import did so far, with the counters it keeps beside its row.
pub(crate) fn counts(
    db: &Db<'_>,
    row: &carillon_store::imports::ImportRow,
) -> carillon_store::Result<ImportCounts> {
    let counter = |what| {
        Ok::<u64, carillon_store::Error>(settings::cursor(db, &write::counter(row.id, what))?.unsigned_abs())
    };
    let c = row.counts;
    let said = |standing: Standing| {
        let word = write::STANDINGS.iter().find(|(of, _)| *of == standing);
        word.map_or(Ok(0), |(_, word)| counter(word))
    };
    let sorted = c.added + c.changed + c.unchanged + c.duplicate + c.invalid;
    Ok(ImportCounts {
        rows: row.position,
        new: c.added,
        changed: c.changed,
        unchanged: c.unchanged,
        duplicate: c.duplicate,
        invalid: c.invalid,
        skipped: row.position.saturating_sub(sorted),
        suppressed: c.suppressed,
        with_gaps: counter(write::WITH_GAPS)?,
        withdrawn: counter(write::WITHDRAWN)?,
        not_permitted: said(Standing::NotPermitted)?,
        unsubscribed: said(Standing::Unsubscribed)?,
        bounced: said(Standing::Bounced)?,
        blocked: said(Standing::Blocked)?,
        complained: said(Standing::Complained)?,
    })
}

/// What of a plan a list shows, whatever is imported.
#[derive(Deserialize)]
struct Shown {
    source: String,
}

fn shown(
    db: &Db<'_>,
    open: &Open,
    row: carillon_store::imports::ImportRow,
) -> carillon_store::Result<ImportRow> {
    let at_work = is_live(open, row.id);
    let stopped = settings::cursor(db, &write::counter(row.id, write::STOPPED))? > 0;
    let state = match row.state {
        ImportState::Running if at_work => "running",
        ImportState::Running if stopped => "cancelled",
        ImportState::Running => "failed",
        ImportState::Done => "done",
        ImportState::Cancelled => "cancelled",
        ImportState::Undoing if at_work => "running",
        ImportState::Undoing => "failed",
        ImportState::Undone => "undone",
    };
    let source = serde_json::from_str::<Shown>(&row.plan)
        .map(|plan| plan.source)
        .unwrap_or_default();
    Ok(ImportRow {
        counts: counts(db, &row)?,
        what: row.kind.word().to_owned(),
        has_errors: reject_path(open, row.id).exists(),
        undoable: !at_work && row.state != ImportState::Undone,
        // A file of events is imported again instead: no line of it counts twice.
        resumable: !at_work && row.state == ImportState::Running && row.kind == ImportKind::Contacts,
        id: row.id,
        name: row.name,
        state: state.to_owned(),
        at: row.started_at,
        source,
    })
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<ImportRow>> {
    let open = cx.open()?.clone();
    let store = open.store.clone();
    Ok(store
        .read(move |db| {
            carillon_store::imports::list(db)?
                .into_iter()
                .map(|row| shown(db, &open, row))
                .collect()
        })
        .await?)
}

async fn get(cx: &Ctx, req: OneImport) -> Result<ImportRow> {
    let open = cx.open()?.clone();
    let row = existing(&open, req.id).await?;
    let store = open.store.clone();
    Ok(store.read(move |db| shown(db, &open, row)).await?)
}

async fn errors(cx: &Ctx, req: SaveErrors) -> Result<Saved> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let from = reject_path(open, req.id);
    if !from.exists() {
        return Err(fail(Code::NotFound, "imports.no_errors", &[("id", &req.id)]));
    }
    let (path, saved) = cx.save(&req.to)?;
    blocking(move || {
        let beside = beside(&path)?;
        let written = std::fs::copy(&from, &beside).and_then(|_| std::fs::rename(&beside, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written.map_err(|e| {
            fail(
                Code::File,
                "files.cannot_write",
                &[("file", &path.display()), ("detail", &e)],
            )
        })
    })
    .await?;
    Ok(saved)
}

async fn undo(cx: &Ctx, req: OneImport) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let at_work = AtWork::begin(&open, req.id)?;
    let row = existing(&open, req.id).await?;
    if row.state == ImportState::Undone {
        return Err(fail(Code::Refused, "imports.undone", &[("id", &req.id)]));
    }
    let id = req.id;
    let job = open.jobs.clone().start("imports.undo", |job| async move {
        let _at_work = at_work;
        take_back::take_back(&open, &job, row)
            .await
            .inspect_err(|error| tracing::info!(%id, %error, "an import was not taken back"))
    });
    Ok(JobStarted { job })
}
