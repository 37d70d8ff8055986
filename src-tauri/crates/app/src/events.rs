//! Events from files: CSV and JSON lines, exactly once however often the same line comes; and what one contact
//! did.

mod lines;
mod looked;

use crate::Ctx;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::FileRef;
use crate::imports::{self, AtWork, ImportCounts, ImportDone, ImportExample, ImportStarted, RejectFile};
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_engine::segment::Needs;
use carillon_model::event::Event;
use carillon_model::{ContactId, EventId, ImportId};
use carillon_store::events::NewEvent;
use carillon_store::imports::ImportKind;
use carillon_store::{Error, Priority, Tx, contacts, crash, intake, settings};
use lines::{Incoming, Line, Lines};
use looked::Looked;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use ts_rs::TS;

commands! {
    mutate "events.import_open" open_file(OpenEvents) -> EventsPreview, reads [];
    mutate "events.import_run" run(EventsPlan) -> ImportStarted, reads [];
    query "events.of" of(EventsOf) -> Vec<Event>, reads [Events];
}

/// A file to look at.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OpenEvents {
    pub file: FileRef,
}

/// How a file of events is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum EventsFormat {
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// Columns that seem to hold what an event needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventsGuess {
    pub email: Option<String>,
    pub name: Option<String>,
    pub at: Option<String>,
    /// A key of each event, so that none counts twice.
    pub key: Option<String>,
}

/// The beginning of a file of events.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventsPreview {
    pub file: FileRef,
    pub name: String,
    pub format: EventsFormat,
    #[ts(type = "number")]
    pub bytes: u64,
    pub columns: Vec<String>,
    /// The first rows, at most 50.
    pub rows: Vec<Vec<String>>,
    #[ts(type = "number")]
    pub rows_about: u64,
    pub guess: EventsGuess,
}

/// Where the name of each event stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum EventName {
    Column(String),
    /// All events have this one.
    Fixed(String),
}

/// What to import. Columns that are not named here are properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct EventsPlan {
    pub file: FileRef,
    /// Column with the contact's address.
    pub email: String,
    pub name: EventName,
    /// Column with the moment.
    pub at: String,
    /// Column with a key that no two events share; else the whole line is the key.
    #[serde(default)]
    pub key: Option<String>,
    /// Where they come from: `shop`. Keys are compared within a source.
    pub source: String,
}

/// Whose events.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct EventsOf {
    pub contact: ContactId,
}

/// Events shown of one contact.
const SHOWN: usize = 1_000;
/// Rows written in one transaction.
const SLICE: usize = 1_000;

/// The contact's events, newest first, at most a thousand.
async fn of(cx: &Ctx, req: EventsOf) -> Result<Vec<Event>> {
    let open = cx.open()?;
    let mut ids: Vec<EventId> = open
        .store
        .with_index(|index| index.record_of(req.contact, &Needs::every_event()))
        .map(|record| record.events.iter().rev().take(SHOWN).map(|e| e.id).collect())
        .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &req.contact)]))?;
    ids.dedup();
    Ok(open
        .store
        .read(move |db| carillon_store::events::get_many(db, &ids))
        .await?)
}

async fn open_file(cx: &Ctx, req: OpenEvents) -> Result<EventsPreview> {
    let open = cx.open()?;
    let path = imports::list_path(cx, open, &req.file)?;
    let name = cx.name_of(&req.file);
    imports::blocking(move || {
        let bytes = std::fs::metadata(&path)?.len();
        let looked = Looked::at(&path)?;
        Ok(EventsPreview {
            name,
            format: looked.format(),
            bytes,
            guess: looked.guess(),
            rows_about: looked.rows_about(bytes),
            rows: looked.rows.iter().take(50).cloned().collect(),
            columns: looked.columns,
            file: req.file,
        })
    })
    .await
}

async fn run(cx: &Ctx, req: EventsPlan) -> Result<ImportStarted> {
    let open = cx.open()?.clone();
    let path = imports::list_path(cx, &open, &req.file)?;
    let mut plan = req;
    plan.source = imports::clean::line(&plan.source);
    if plan.source.is_empty() {
        return Err(fail(Code::Invalid, "imports.no_source", &[]).at("source"));
    }
    let name = cx.name_of(&plan.file);
    let zone = open.store.catalogue().zone();
    let asked = plan.clone();
    let lines = imports::blocking(move || Lines::open(&path, &asked, zone)).await?;
    let text = serde_json::to_string(&plan).map_err(ApiError::internal)?;
    let id = open
        .store
        .write(Priority::User, move |tx| {
            carillon_store::imports::begin(tx, ImportKind::Events, &name, &text)
        })
        .await?;
    let at_work = AtWork::begin(&open, id)?;
    let job = open.jobs.clone().start("events.import_run", |job| {
        pour(open, job, at_work, id, plan, lines)
    });
    Ok(ImportStarted { job, import: id })
}

/// An import of events at work on the writer's thread.
struct Work {
    id: ImportId,
    source: String,
    rejects: Mutex<RejectFile>,
}

/// Rows that came together.
struct Slice {
    lines: Vec<Line>,
    /// Bytes of the file up to its end.
    bytes: u64,
    broken: Option<ApiError>,
}

fn read_ahead(mut lines: Lines) -> mpsc::Receiver<Slice> {
    let (sender, slices) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut slice = Slice {
                lines: Vec::with_capacity(SLICE),
                bytes: 0,
                broken: None,
            };
            let mut ended = false;
            while slice.lines.len() < SLICE && !ended {
                match lines.next() {
                    Some(Ok(line)) => slice.lines.push(line),
                    Some(Err(error)) => {
                        slice.broken = Some(error);
                        ended = true;
                    }
                    None => ended = true,
                }
            }
            slice.bytes = lines.bytes();
            if sender.blocking_send(slice).is_err() || ended {
                break;
            }
        }
    });
    slices
}

async fn pour(
    open: Arc<Open>,
    job: Arc<Job>,
    at_work: AtWork,
    id: ImportId,
    plan: EventsPlan,
    lines: Lines,
) -> Result<ImportDone> {
    let _at_work = at_work;
    let outcome = pour_lines(&open, &job, id, plan, lines).await;
    if outcome.is_err() {
        // Exactly once makes going on the same as beginning again: what is there counts as known.
        let ended = open
            .store
            .write(Priority::Import, move |tx| {
                carillon_store::imports::end(tx, id, true)
            })
            .await;
        if let Err(error) = ended {
            tracing::debug!(%id, %error, "an import that stopped was not ended");
        }
    }
    outcome
}

async fn pour_lines(
    open: &Arc<Open>,
    job: &Arc<Job>,
    id: ImportId,
    plan: EventsPlan,
    lines: Lines,
) -> Result<ImportDone> {
    job.phase("writing");
    let total = lines.length;
    let rejects = RejectFile::create(&imports::reject_path(open, id), &lines.heading(), None)?;
    let work = Arc::new(Work {
        id,
        source: format!("events:{}", plan.source),
        rejects: Mutex::new(rejects),
    });
    let mut slices = read_ahead(lines);
    let mut position = 0;
    let mut examples: Vec<ImportExample> = Vec::new();
    while let Some(slice) = slices.recv().await {
        job.check()?;
        position += slice.lines.len() as u64;
        let work = work.clone();
        let refused = open
            .store
            .write(Priority::Import, move |tx| {
                write(tx, &work, slice.lines, position)
            })
            .await?;
        examples.extend(refused.into_iter().take(20 - examples.len().min(20)));
        job.progress(slice.bytes, total);
        if let Some(error) = slice.broken {
            return Err(error);
        }
    }
    crash::point("import_end");
    open.store
        .write(Priority::Import, move |tx| {
            carillon_store::imports::end(tx, id, false)
        })
        .await?;
    drop(work);
    let row = imports::existing(open, id).await?;
    let counts = open.store.read(move |db| imports::counts(db, &row)).await?;
    // What is known already needs no attention.
    let rejects = imports::tidy_rejects(
        open,
        id,
        ImportCounts {
            duplicate: 0,
            ..counts
        },
    )?;
    Ok(ImportDone {
        import: id,
        counts,
        examples,
        rejects,
    })
}

/// Writes a slice; the rows that were refused.
fn write(
    tx: &mut Tx<'_>,
    work: &Work,
    lines: Vec<Line>,
    position: u64,
) -> std::result::Result<Vec<ImportExample>, Error> {
    let mut refused = Vec::new();
    let mut found: Vec<(ContactId, Incoming)> = Vec::with_capacity(lines.len());
    for line in lines {
        let Line { line, cells, what } = line;
        match what {
            Ok(incoming) => match contacts::id_of(tx, &incoming.email)? {
                Some(contact) => found.push((contact, incoming)),
                None => refused.push((line, "no_contact", cells)),
            },
            Err(why) => refused.push((line, why, cells)),
        }
    }
    let fresh = fresh(tx, work, &found)?;
    let source = carillon_store::imports::source(work.id);
    let new: Vec<NewEvent> = found
        .into_iter()
        .zip(&fresh)
        .filter(|(_, fresh)| **fresh)
        .map(|((contact, i), _)| NewEvent {
            contact,
            name: i.name,
            at: i.at,
            source: source.clone(),
            props: i.props,
        })
        .collect();
    let ids = carillon_store::events::append(tx, &new)?;
    let counts = carillon_store::imports::ImportCounts {
        added: ids.len() as u64,
        duplicate: fresh.iter().filter(|fresh| !**fresh).count() as u64,
        invalid: refused.len() as u64,
        ..carillon_store::imports::ImportCounts::default()
    };
    let examples = reject(tx, work, refused)?;
    let range = ids.first().zip(ids.last()).map(|(first, last)| (first.0, last.0));
    carillon_store::imports::advance(tx, work.id, position, range, counts)?;
    crash::point("import_slice");
    Ok(examples)
}

/// Which events are to be written: those whose key is new, and those whose event was taken back since.
fn fresh(tx: &mut Tx<'_>, work: &Work, found: &[(ContactId, Incoming)]) -> carillon_store::Result<Vec<bool>> {
    let keys: Vec<[u8; 16]> = found.iter().map(|(_, incoming)| incoming.key).collect();
    let mut fresh = intake::remember(tx, &work.source, &keys)?;
    let mut met: BTreeSet<[u8; 16]> = keys
        .iter()
        .zip(&fresh)
        .filter(|(_, fresh)| **fresh)
        .map(|(k, _)| *k)
        .collect();
    for (fresh, (contact, incoming)) in fresh.iter_mut().zip(found) {
        if !*fresh && met.insert(incoming.key) {
            let at = carillon_store::time::whole(incoming.at);
            let mut needs = Needs::default();
            needs.events.insert(incoming.name.clone());
            let record = tx
                .with_index(|index| index.record_of(*contact, &needs))
                .unwrap_or_default();
            *fresh = !record
                .events
                .iter()
                .any(|event| event.at == at && event.name == incoming.name);
        }
    }
    Ok(fresh)
}

fn reject(
    tx: &mut Tx<'_>,
    work: &Work,
    refused: Vec<(u64, &'static str, Vec<String>)>,
) -> std::result::Result<Vec<ImportExample>, Error> {
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    let mut file = work.rejects.lock().unwrap_or_else(PoisonError::into_inner);
    let path = file.path.clone();
    let mut examples = Vec::with_capacity(refused.len());
    let mut write = || {
        for (line, why, cells) in &refused {
            let reason = crate::error::sentence(&format!("imports.reasons.{why}"), &[]);
            file.write(*line, &reason, cells)?;
            let text = imports::clean::line(&cells.join(" | "))
                .chars()
                .take(200)
                .collect();
            examples.push(ImportExample {
                line: *line,
                reason,
                text,
            });
        }
        file.flush()
    };
    let length = write().map_err(|source| Error::Io { path, source })?;
    let name = format!("import:{}:rejects", work.id);
    settings::set_cursor(tx, &name, i64::try_from(length).unwrap_or(i64::MAX))?;
    Ok(examples)
}
