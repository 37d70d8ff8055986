//! The job of an import: a thread reads ahead, slices are written one by one.

use super::chunks::{Chunk, Chunks, EXAMPLES, Seen};
use super::employers::Employers;
use super::plan::{self, Kept, Options};
use super::rejects::RejectFile;
use super::source::BadRecord;
use super::write::{self, Work};
use super::{AtWork, ImportCounts, ImportDone, ImportExample, ImportReport, reject_path};
use crate::error::{ApiError, Code, Result};
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::ImportId;
use carillon_model::contact::Field;
use carillon_store::{Priority, crash, settings};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Rows of a slice at most, and to begin with.
const SLICE_MOST: usize = 10_000;
const SLICE_FIRST: usize = 500;
const SLICE_LEAST: usize = 50;
/// Time a slice should take: no transaction of an import holds up a gate or a tick by more than twice this.
const SLICE_TIME: Duration = Duration::from_millis(25);
/// Rows a dry run reads in one snapshot.
const DRY: usize = 5_000;

type Examples = (Vec<Seen>, Vec<Seen>);

/// Reads chunks on a thread of its own. The next one is begun when the last was taken, so that no more than two
/// are in memory.
fn read_ahead(
    path: PathBuf,
    kept: Arc<Kept>,
    options: Arc<Options>,
    open: &Open,
) -> (mpsc::Receiver<Chunk>, tokio::task::JoinHandle<Result<Examples>>) {
    let (sender, chunks) = mpsc::channel(1);
    let zone = open.store.catalogue().zone();
    let runtime = tokio::runtime::Handle::current();
    let reader = tokio::task::spawn_blocking(move || {
        let mut reader = Chunks::open(&path, kept, options, zone)?;
        while let Ok(room) = runtime.block_on(sender.reserve()) {
            match reader.next() {
                Some(chunk) => room.send(chunk),
                None => break,
            }
        }
        Ok((reader.refused, reader.lacking))
    });
    (chunks, reader)
}

async fn examples(reader: tokio::task::JoinHandle<Result<Examples>>) -> Result<Vec<ImportExample>> {
    let (mut refused, lacking) = reader.await.map_err(ApiError::internal)??;
    refused.extend(lacking);
    refused.truncate(EXAMPLES);
    Ok(refused
        .into_iter()
        .map(|s| ImportExample {
            line: s.line,
            reason: s.reason,
            text: s.text,
        })
        .collect())
}

/// What choices hold, and the fields that must be made first.
async fn options(
    open: &Arc<Open>,
    job: &Arc<Job>,
    kept: &Arc<Kept>,
    path: &Path,
) -> Result<(Arc<Options>, Vec<Field>)> {
    job.phase("reading");
    let fields = open.store.catalogue().fields();
    let (job, kept, path) = (job.clone(), kept.clone(), path.to_owned());
    let (options, made) = super::blocking(move || kept.options(&path, &fields, &|| job.check())).await?;
    Ok((Arc::new(options), made))
}

/// Says what an import would do. Nothing is changed.
pub(super) async fn try_out(
    open: Arc<Open>,
    job: Arc<Job>,
    kept: Arc<Kept>,
    path: PathBuf,
) -> Result<ImportReport> {
    let total = kept.identity.length();
    let (options, _) = options(&open, &job, &kept, &path).await?;
    job.phase("trying");
    let (mut chunks, reader) = read_ahead(path, kept.clone(), options, &open);
    let mut counts = ImportCounts::default();
    let mut employers = Employers::default();
    while let Some(chunk) = chunks.recv().await {
        let mut rows = chunk.rows.into_iter();
        loop {
            job.check()?;
            let slice: Vec<_> = rows.by_ref().take(DRY).collect();
            if slice.is_empty() {
                break;
            }
            let kept = kept.clone();
            let mut seen = std::mem::take(&mut employers);
            let (judged, seen) = open
                .store
                .read(move |db| Ok((write::judge(db, &kept, &slice, &mut seen)?, seen)))
                .await?;
            employers = seen;
            counts.add(judged);
        }
        if let Some(bad) = &chunk.broken {
            return Err(plan::broken(bad, "imports.kept_nothing"));
        }
        job.progress(chunk.bytes, total);
    }
    Ok(ImportReport {
        counts,
        examples: examples(reader).await?,
    })
}

/// Runs an import from where it stands to its end.
pub(super) async fn pour(
    open: Arc<Open>,
    job: Arc<Job>,
    at_work: AtWork,
    id: ImportId,
    kept: Arc<Kept>,
    path: PathBuf,
) -> Result<ImportDone> {
    let _at_work = at_work;
    let outcome = pour_rows(&open, &job, id, kept, path).await;
    if let Err(error) = &outcome {
        let stopped = i64::from(error.code == Code::Cancelled);
        let marked = open
            .store
            .write(Priority::Import, move |tx| {
                settings::set_cursor(tx, &write::counter(id, write::STOPPED), stopped)
            })
            .await;
        if let Err(error) = marked {
            tracing::debug!(%id, %error, "why an import stopped was not noted");
        }
    }
    outcome
}

async fn pour_rows(
    open: &Arc<Open>,
    job: &Arc<Job>,
    id: ImportId,
    kept: Arc<Kept>,
    path: PathBuf,
) -> Result<ImportDone> {
    let (options, made) = options(open, job, &kept, &path).await?;
    make_fields(open, made).await?;
    let rejects = open_rejects(open, id, &kept).await?;
    let mut position = super::existing(open, id).await?.position;
    job.phase("writing");
    let total = kept.identity.length();
    let work = Arc::new(Work {
        id,
        kept: kept.clone(),
        rejects,
    });
    let (mut chunks, reader) = read_ahead(path, kept, options, open);
    let mut pace = Pace::default();
    let mut read = 0;
    while let Some(chunk) = chunks.recv().await {
        let (from, bytes, length) = (read, chunk.bytes, chunk.rows.len() as u64);
        let (start, broken) = (chunk.start, chunk.broken.clone());
        let progress = |done: u64| {
            let part = (bytes - from) * done.saturating_sub(start) / length.max(1);
            job.progress(from + part, total);
        };
        // A chunk that a failing disk cut short is not the chunk that is read next time.
        if !matches!(broken, Some(BadRecord::Io(_))) {
            position = write_chunk(open, job, &work, chunk, position, &mut pace, progress).await?;
        }
        read = bytes;
        match broken {
            None => {}
            Some(bad @ BadRecord::Io(_)) => return Err(plan::broken(&bad, "imports.kept_resume")),
            Some(bad) => {
                // The mended file is another one: this import is over.
                open.store
                    .write(Priority::Import, move |tx| {
                        carillon_store::imports::end(tx, id, true)
                    })
                    .await?;
                return Err(plan::broken(&bad, "imports.kept_before"));
            }
        }
    }
    let examples = examples(reader).await?;
    crash::point("import_end");
    open.store
        .write(Priority::Import, move |tx| {
            carillon_store::imports::end(tx, id, false)
        })
        .await?;
    drop(work);
    let row = super::existing(open, id).await?;
    let counts = open.store.read(move |db| super::counts(db, &row)).await?;
    let rejects = tidy_rejects(open, id, counts)?;
    Ok(ImportDone {
        import: id,
        counts,
        examples,
        rejects,
    })
}

async fn write_chunk(
    open: &Open,
    job: &Job,
    work: &Arc<Work>,
    chunk: Chunk,
    mut position: u64,
    pace: &mut Pace,
    progress: impl Fn(u64),
) -> Result<u64> {
    let done = usize::try_from(position.saturating_sub(chunk.start)).unwrap_or(usize::MAX);
    if done > 0 {
        // What was written before is only read past, which may take long as well.
        job.check()?;
    }
    let mut rows = chunk.rows.into_iter().skip(done);
    loop {
        let slice: Vec<_> = rows.by_ref().take(pace.rows).collect();
        if slice.is_empty() {
            return Ok(position);
        }
        // Here and not after the last rows: an import whose rows are all written has nothing left to stop.
        job.check()?;
        let (n, work) = (slice.len(), work.clone());
        let next = position + n as u64;
        let begun = open
            .store
            .write(Priority::Import, move |tx| {
                let begun = Instant::now();
                write::slice(tx, &work, slice, next)?;
                Ok(begun)
            })
            .await?;
        pace.took(n, begun.elapsed());
        position = next;
        progress(position);
    }
}

/// How many rows fit in the time of a slice, learned from the last ones.
struct Pace {
    rows: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { rows: SLICE_FIRST }
    }
}

impl Pace {
    fn took(&mut self, rows: usize, time: Duration) {
        let fit = rows as f64 * SLICE_TIME.as_secs_f64() / time.as_secs_f64().max(1e-6);
        self.rows = (fit as usize)
            .clamp(self.rows / 2, self.rows * 2)
            .clamp(SLICE_LEAST, SLICE_MOST);
    }
}

async fn make_fields(open: &Open, made: Vec<Field>) -> Result<()> {
    for field in made {
        open.store
            .write(Priority::User, move |tx| {
                match tx.catalogue().fields().iter().find(|f| f.key == field.key) {
                    Some(known) if known.options == field.options => Ok(()),
                    Some(known) => {
                        carillon_store::fields::change(tx, &field.key, &known.label, &field.options)
                    }
                    None => carillon_store::fields::add(tx, &field),
                }
            })
            .await?;
    }
    Ok(())
}

async fn open_rejects(open: &Open, id: ImportId, kept: &Kept) -> Result<Arc<Mutex<RejectFile>>> {
    let name = write::counter(id, write::REJECTS);
    let length = open.store.read(move |db| settings::cursor(db, &name)).await?;
    let file = RejectFile::create(&reject_path(open, id), &kept.heading, Some(length.unsigned_abs()))?;
    Ok(Arc::new(Mutex::new(file)))
}

/// The file with the rows that need attention; none is left where there are none.
pub(crate) fn tidy_rejects(open: &Open, id: ImportId, counts: ImportCounts) -> Result<Option<PathBuf>> {
    let path = reject_path(open, id);
    if counts.invalid + counts.duplicate + counts.with_gaps > 0 {
        return Ok(Some(path));
    }
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_grow_while_they_are_quick_and_shrink_when_they_are_slow() {
        let mut pace = Pace::default();
        for _ in 0..10 {
            pace.took(pace.rows, Duration::from_millis(1));
        }
        assert_eq!(pace.rows, SLICE_MOST);
        pace.took(pace.rows, Duration::from_millis(50));
        assert_eq!(pace.rows, SLICE_MOST / 2);
        for _ in 0..20 {
            pace.took(pace.rows, Duration::from_secs(1));
        }
        assert_eq!(pace.rows, SLICE_LEAST);
    }
}
