//! Importing contacts from delimited files: looked at, mapped, tried without a trace, run in small commits that
//! carry their position, resumed after a kill, and taken back.

mod chunks;
pub mod clean;
mod mapping;
mod plan;
mod run;
pub mod source;
pub mod values;
mod write;

use crate::Ctx;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::files::{FileRef, SaveRef, Saved};
use crate::jobs::Job;
use crate::table::{JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{Currency, FieldType};
use carillon_model::{ContactId, ImportId, Moment};
use carillon_store::imports::{ImportKind, ImportState};
use carillon_store::{Db, Priority, consents, crash, settings};
use plan::{Identity, Kept, Sample};
use serde::{Deserialize, Serialize};
use source::{Layout, TextEncoding};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use ts_rs::TS;
use values::{DateOrder, Reading};

commands! {
    mutate "contacts.import_open" open_file(OpenImport) -> ImportPreview, reads [];
    mutate "contacts.import_dry_run" dry_run(ImportPlan) -> JobStarted, reads [];
    mutate "contacts.import_run" run_import(ImportPlan) -> ImportStarted, reads [];
    mutate "contacts.import_resume" resume(ResumeImport) -> ImportStarted, reads [];
    query "imports.list" list(NoArgs) -> Vec<ImportRow>, reads [Imports];
    query "imports.get" get(OneImport) -> ImportRow, reads [Imports];
    mutate "imports.undo" undo(OneImport) -> JobStarted, reads [];
    mutate "imports.errors" errors(SaveErrors) -> Saved, reads [];
}

/// A file to look at. What is left out is guessed.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OpenImport {
    pub file: FileRef,
    #[serde(default)]
    #[ts(type = "string | null")]
    pub delimiter: Option<char>,
    #[serde(default)]
    pub encoding: Option<TextEncoding>,
    /// Whether the first row names the columns.
    #[serde(default)]
    pub header: Option<bool>,
}

/// What becomes of a column. Order of dates, decimal mark and currency are found in the file where they are
/// left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "to", rename_all = "snake_case")]
#[ts(export)]
pub enum ColumnPlan {
    Skip,
    /// A field by key. One that is not there is made, with the type the column seems to hold.
    Field {
        key: String,
        /// Values that are there stay.
        #[serde(default)]
        fill_only: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        date_order: Option<DateOrder>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "string")]
        decimal: Option<char>,
        /// Of amounts that name none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        currency: Option<Currency>,
    },
    /// A field to be made, with a key from its label where none is given.
    NewField {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        key: Option<String>,
        label: String,
        #[serde(rename = "type")]
        field_type: FieldType,
        /// Of amounts that name none.
        #[serde(default)]
        currency: Option<Currency>,
        #[serde(default)]
        fill_only: bool,
        /// Options of a choice; those in the file follow them, up to 63.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<String>>", optional)]
        options: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        date_order: Option<DateOrder>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "string")]
        decimal: Option<char>,
    },
    Tags {
        separator: String,
    },
}

impl ColumnPlan {
    /// The plan with what was found out about reading its cells.
    fn read_as(self, reading: &Reading, found: Option<Currency>) -> ColumnPlan {
        let kind = reading.field_type;
        let order = matches!(kind, FieldType::Date | FieldType::DateTime).then_some(reading.date_order);
        let mark = matches!(kind, FieldType::Number | FieldType::Money).then_some(reading.decimal);
        match self {
            ColumnPlan::Field { key, fill_only, .. } => ColumnPlan::Field {
                key,
                fill_only,
                date_order: order,
                decimal: mark,
                currency: found,
            },
            ColumnPlan::NewField {
                key,
                label,
                field_type,
                fill_only,
                options,
                ..
            } => ColumnPlan::NewField {
                key,
                label,
                field_type,
                currency: found,
                fill_only,
                options,
                date_order: order,
                decimal: mark,
            },
            other => other,
        }
    }
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportColumn {
    pub name: String,
    /// The field the column seems to be: a known key, `tags`, or null.
    pub guess: Option<String>,
    /// The type its values look like.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Currency found in the values, for money.
    pub currency: Option<Currency>,
    /// Share of empty cells among the rows looked at, 0 to 1.
    pub empty: f64,
    /// What would become of it if nobody said otherwise.
    pub plan: ColumnPlan,
}

/// The beginning of a file and what it seems to hold.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportPreview {
    /// Names the opened file in the next calls.
    pub file: FileRef,
    pub name: String,
    #[ts(type = "number")]
    pub bytes: u64,
    #[ts(type = "string")]
    pub delimiter: char,
    pub encoding: TextEncoding,
    pub header: bool,
    pub columns: Vec<ImportColumn>,
    /// The first rows, at most 50.
    pub rows: Vec<Vec<String>>,
    /// Estimated from the size where the file is large.
    #[ts(type = "number")]
    pub rows_about: u64,
    /// Sentences.
    pub warnings: Vec<String>,
}

/// Whom an import may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ImportMode {
    /// Only add new ones.
    Create,
    /// Only change known ones.
    Update,
    Both,
}

/// What to import, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportPlan {
    pub file: FileRef,
    #[ts(type = "string")]
    pub delimiter: char,
    pub encoding: TextEncoding,
    pub header: bool,
    /// One a column.
    pub columns: Vec<ColumnPlan>,
    pub mode: ImportMode,
    /// Why they may be written to; null: they are kept, and nothing is sent.
    pub basis: Option<Basis>,
    /// Where the people come from: "shop customers 2026".
    pub source: String,
    /// The words they agreed to.
    #[serde(default)]
    pub wording: Option<String>,
    /// For all of them.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// What an import does, or would do. Each row counts once from `new` to `skipped`; the rest says more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportCounts {
    #[ts(type = "number")]
    pub rows: u64,
    #[ts(type = "number")]
    pub new: u64,
    #[ts(type = "number")]
    pub changed: u64,
    #[ts(type = "number")]
    pub unchanged: u64,
    /// The address stands further up in the file; the first row wins. For events: known already.
    #[ts(type = "number")]
    pub duplicate: u64,
    #[ts(type = "number")]
    pub invalid: u64,
    /// Rows that the mode leaves out.
    #[ts(type = "number")]
    pub skipped: u64,
    /// Taken rows whose address is suppressed, and stays so.
    #[ts(type = "number")]
    pub suppressed: u64,
    /// Taken rows without a value that could not be read.
    #[ts(type = "number")]
    pub with_gaps: u64,
    /// Taken rows of people who took their permission back: it stays so.
    #[ts(type = "number")]
    pub withdrawn: u64,
}

impl ImportCounts {
    fn add(&mut self, other: ImportCounts) {
        self.rows += other.rows;
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.duplicate += other.duplicate;
        self.invalid += other.invalid;
        self.skipped += other.skipped;
        self.suppressed += other.suppressed;
        self.with_gaps += other.with_gaps;
        self.withdrawn += other.withdrawn;
    }
}

/// A row that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportExample {
    /// Line of the file the row starts on, from 1.
    #[ts(type = "number")]
    pub line: u64,
    pub reason: String,
    pub text: String,
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportReport {
    pub counts: ImportCounts,
    /// The first rows that need attention, refused ones before those that lack a value; at most 20.
    pub examples: Vec<ImportExample>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportDone {
    pub import: ImportId,
    pub counts: ImportCounts,
    pub examples: Vec<ImportExample>,
    /// The file with the rows that need attention, if there are any.
    pub rejects: Option<PathBuf>,
}

/// An import that was started.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportStarted {
    pub job: u32,
    pub import: ImportId,
}

/// An import to go on with, and the file it was reading.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ResumeImport {
    pub id: ImportId,
    pub file: FileRef,
}

/// Which import.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneImport {
    pub id: ImportId,
}

/// Where to write the rows of an import that need attention.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveErrors {
    pub id: ImportId,
    pub to: SaveRef,
}

/// An import in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportRow {
    pub id: ImportId,
    /// Name of the file.
    pub name: String,
    /// `contacts` or `events`.
    pub what: String,
    /// `running`, `done`, `cancelled` (by the user), `failed` (interrupted) or `undone`.
    pub state: String,
    pub at: Moment,
    /// Where the rows come from, in the user's words.
    pub source: String,
    pub counts: ImportCounts,
    /// There is a file with rows that need attention.
    pub has_errors: bool,
    pub undoable: bool,
    /// It can go on where it stopped.
    pub resumable: bool,
}

/// What taking an import back did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportUndone {
    /// Contacts or events it had added, removed again.
    #[ts(type = "number")]
    pub removed: u64,
    /// Contacts it had changed whose values went back, where nobody changed them since.
    #[ts(type = "number")]
    pub restored: u64,
    /// Contacts it had added that stay: mailed, in a journey, or changed since.
    #[ts(type = "number")]
    pub kept: u64,
    /// Contacts whose permission is again what it was.
    #[ts(type = "number")]
    pub permissions: u64,
}

/// Imports this process is working on.
static LIVE: LazyLock<Mutex<BTreeSet<(String, ImportId)>>> = LazyLock::new(Mutex::default);

fn live() -> std::sync::MutexGuard<'static, BTreeSet<(String, ImportId)>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
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

pub(crate) use plan::broken;
pub(crate) use run::tidy_rejects;

/// The file's own name.
pub(crate) fn name_of(path: &Path) -> String {
    clean::line(&path.file_name().unwrap_or_default().to_string_lossy())
}

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
    refuse_workspace(open, &path)?;
    Ok(path)
}

fn refuse_workspace(open: &Open, path: &Path) -> Result<()> {
    let whole = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    match whole(path) == whole(&open.path) {
        true => Err(fail(
            Code::Refused,
            "imports.is_workspace",
            &[("file", &path.display())],
        )
        .at("file")),
        false => Ok(()),
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
    blocking(move || {
        let mut layout = Layout::detect(&path)?;
        if let Some(encoding) = req.encoding.filter(|e| *e != layout.encoding) {
            layout = Layout::with_encoding(&path, encoding)?;
        }
        layout.delimiter = req.delimiter.unwrap_or(layout.delimiter);
        let bytes = std::fs::metadata(&path)?.len();
        let (mut sample, header) = Sample::read(&path, layout, req.header)?;
        let columns = mapping::guess(&sample.heading, &sample.rows, &fields, zone);
        let warnings = warnings(&sample, header, &columns);
        let rows_about = match sample.whole || sample.text == 0 {
            true => sample.rows.len() as u64,
            false => {
                (u128::from(layout.text_bytes(bytes)) * sample.rows.len() as u128 / sample.text as u128)
                    as u64
            }
        };
        sample.rows.truncate(SHOWN);
        Ok(ImportPreview {
            file: req.file,
            name: name_of(&path),
            bytes,
            delimiter: layout.delimiter,
            encoding: layout.encoding,
            header,
            columns,
            rows: sample.rows,
            rows_about,
            warnings,
        })
    })
    .await
}

fn warnings(sample: &Sample, header: bool, columns: &[ImportColumn]) -> Vec<String> {
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
    if !columns.iter().any(|c| c.guess.as_deref() == Some("email")) {
        warnings.push(sentence("imports.warnings.no_email", &[]));
    }
    if sample.rows.is_empty() {
        warnings.push(sentence("imports.warnings.only_heading", &[]));
    }
    if header && !mapping::is_heading(&sample.heading) {
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
    let kept = resolved(&open, &path, req).await?;
    let (name, text) = (
        name_of(&path),
        serde_json::to_string(&kept).map_err(ApiError::internal)?,
    );
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
    let looked_at = path.clone();
    if blocking(move || Identity::of(&looked_at)).await? != kept.identity {
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
    let at_work = live().contains(&(open.workspace_id.clone(), row.id));
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
        what: match row.kind {
            ImportKind::Contacts => "contacts",
            ImportKind::Events => "events",
        }
        .to_owned(),
        has_errors: reject_path(open, row.id).exists(),
        undoable: !at_work && row.state != ImportState::Undone,
        resumable: !at_work && row.state == ImportState::Running,
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
    refuse_workspace(open, &path)?;
    blocking(move || {
        let mut beside = path.clone().into_os_string();
        beside.push(".part");
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
        take_back(&open, &job, row)
            .await
            .inspect_err(|error| tracing::info!(%id, %error, "an import was not taken back"))
    });
    Ok(JobStarted { job })
}

/// Rows taken back in one write.
const UNDO: u32 = 500;

async fn take_back(open: &Open, job: &Job, row: carillon_store::imports::ImportRow) -> Result<ImportUndone> {
    let id = row.id;
    job.phase("undoing");
    if row.state == ImportState::Running {
        open.store
            .write(Priority::User, move |tx| {
                carillon_store::imports::end(tx, id, true)
            })
            .await?;
    }
    let mut done = ImportUndone {
        permissions: permissions_back(open, job, &row).await?,
        ..ImportUndone::default()
    };
    let total = row.counts.added + row.counts.changed;
    let mut looked_at = 0;
    loop {
        job.check()?;
        let part = open
            .store
            .write(Priority::Import, move |tx| {
                let part = carillon_store::imports::undo(tx, id, UNDO)?;
                crash::point("undo_slice");
                Ok(part)
            })
            .await?;
        done.removed += part.removed + part.events;
        done.restored += part.restored;
        done.kept += part.kept;
        looked_at += u64::from(UNDO);
        job.progress(looked_at.min(total), total);
        if part.finished {
            return Ok(done);
        }
    }
}

/// Where the last word about a contact who was there before is the import's, the word before it is said again;
/// or, if there was none, that there is no permission. Those the import added are removed or keep theirs.
async fn permissions_back(open: &Open, job: &Job, row: &carillon_store::imports::ImportRow) -> Result<u64> {
    let gave = serde_json::from_str::<Kept>(&row.plan).is_ok_and(|kept| kept.basis.is_some());
    if !gave || row.kind != ImportKind::Contacts {
        return Ok(0);
    }
    let first = row
        .range
        .and_then(|(first, _)| u32::try_from(first).ok())
        .unwrap_or(u32::MAX);
    let there: Vec<u32> = open
        .store
        .with_index(|index| index.contacts().iter().take_while(|id| *id < first).collect());
    let mark = format!(" ({})", row.source());
    let by = format!("undo:{}", row.source());
    let mut back = 0;
    for batch in there.chunks(5_000) {
        job.check()?;
        let ids: Vec<ContactId> = batch.iter().copied().map(ContactId).collect();
        let mark = mark.clone();
        let mut words: Vec<Consent> = open
            .store
            .read(move |db| {
                Ok(ids
                    .iter()
                    .map(|id| word_before(db, *id, &mark))
                    .collect::<carillon_store::Result<Vec<_>>>()?
                    .into_iter()
                    .flatten()
                    .collect())
            })
            .await?;
        back += words.len() as u64;
        while !words.is_empty() {
            let mut rows: Vec<Consent> = words.split_off(words.len().saturating_sub(1_000));
            let by = by.clone();
            open.store
                .write(Priority::Import, move |tx| {
                    for row in &mut rows {
                        row.at = tx.now().max(row.at);
                        row.source.clone_from(&by);
                    }
                    consents::append(tx, &rows)
                })
                .await?;
        }
    }
    Ok(back)
}

fn word_before(db: &Db<'_>, contact: ContactId, mark: &str) -> carillon_store::Result<Option<Consent>> {
    let about = |row: &&Consent| row.channel == Channel::Email && row.purpose == Purpose::Marketing;
    let ledger = consents::of(db, contact)?;
    let Some(last) = ledger
        .iter()
        .rfind(about)
        .filter(|row| row.source.ends_with(mark))
    else {
        return Ok(None);
    };
    let before = ledger
        .iter()
        .filter(about)
        .rfind(|row| !row.source.ends_with(mark));
    Ok(Some(match before {
        Some(before) => Consent {
            at: last.at,
            ..before.clone()
        },
        None => Consent {
            action: ConsentAction::Withdrawn,
            wording: None,
            ..last.clone()
        },
    }))
}
