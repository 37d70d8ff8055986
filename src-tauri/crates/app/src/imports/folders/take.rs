//! What becomes of one file of a folder: imported, the same as another one, or left for somebody to look at.

use super::recipe::Recipe;
use super::scan::{Found, is_still};
use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::imports::format::Format;
use crate::imports::plan::{self, Kept};
use crate::imports::{AtWork, ImportReport, blocking, clean, existing, is_live, parts, run};
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::ImportId;
use carillon_store::imports::folders::{self, Begun, FileRow, FileState, FolderRow};
use carillon_store::{Priority, crash};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes hashed at a time.
const HASHED: usize = 256 << 10;

/// What is needed to take the files of a folder.
pub(super) struct Taking {
    pub open: Arc<Open>,
    pub job: Arc<Job>,
    pub folder: FolderRow,
    /// Whether the folder's limits hold: not where somebody said to take a file.
    pub within_limits: bool,
}

/// What to do with a file at the next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, until it changes.
    Nothing,
    /// It changed meanwhile: it is looked at as if it were new.
    LookAgain,
    /// It may be readable later.
    TryLater,
}

/// BLAKE3 of all a file holds.
async fn hash(path: &Path, job: &Arc<Job>) -> Result<[u8; 32]> {
    let (path, job) = (path.to_owned(), job.clone());
    blocking(move || {
        let mut file = std::fs::File::open(&path)?;
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; HASHED]);
        loop {
            job.check()?;
            match file.read(&mut buffer)? {
                0 => return Ok(*hasher.finalize().as_bytes()),
                n => hasher.update(&buffer[..n]),
            };
        }
    })
    .await
}

/// Why a file waits although it could be imported, if it does.
fn beyond(recipe: &Recipe, report: &ImportReport) -> Option<String> {
    let (counts, limits) = (&report.counts, recipe.limits);
    let first = report.examples.first();
    let first = first.map(|e| {
        sentence(
            "imports.folders.first_refused",
            &[("line", &e.line), ("reason", &e.reason)],
        )
    });
    if counts.invalid * 100 > u64::from(limits.refused_percent) * counts.rows {
        let said: [(&str, &dyn std::fmt::Display); 4] = [
            ("n", &counts.invalid),
            ("rows", &counts.rows),
            ("percent", &limits.refused_percent),
            ("first", &first.unwrap_or_default()),
        ];
        return Some(
            sentence("imports.folders.many_refused", &said)
                .trim_end()
                .to_owned(),
        );
    }
    let touched = counts.new + counts.changed;
    let most = limits.most_contacts.filter(|most| touched > *most)?;
    Some(sentence(
        "imports.folders.many_contacts",
        &[("n", &touched), ("most", &most)],
    ))
}

impl Taking {
    /// Notes a file that is not imported.
    async fn note(
        &self,
        found: &Found,
        hash: Option<[u8; 32]>,
        known: Option<FileRow>,
        (state, import, why): (FileState, Option<ImportId>, Option<String>),
    ) -> Result<Next> {
        let (folder, seen) = (self.folder.id, found.seen.clone());
        let is_known = |file: &FileRow| (file.state, file.import, &file.why) == (state, import, &why);
        if !known.as_ref().is_some_and(is_known) {
            self.open
                .store
                .write(Priority::User, move |tx| {
                    let what = (state, import, why.as_deref());
                    match &known {
                        Some(file) => folders::set_file(tx, file, hash, what),
                        None => folders::note(tx, folder, &seen, hash, what).map(drop),
                    }
                })
                .await?;
        }
        Ok(match state {
            FileState::Unread => Next::TryLater,
            _ => Next::Nothing,
        })
    }

    /// Notes why a file cannot be imported: one that could not be read is tried again, any other waits.
    async fn refuse(
        &self,
        found: &Found,
        hash: Option<[u8; 32]>,
        known: Option<FileRow>,
        error: ApiError,
    ) -> Result<Next> {
        if error.code == Code::Cancelled {
            return Err(error);
        }
        if !is_still(&found.path, &found.seen) {
            return Ok(Next::LookAgain);
        }
        let state = match error.code {
            Code::File => FileState::Unread,
            _ => FileState::Waits,
        };
        self.note(found, hash, known, (state, None, Some(error.message)))
            .await
    }

    /// Imports a file that came to rest, or notes why it is not. `known`: its note, where it has one as it is now.
    ///
    /// # Errors
    /// The store's, and `Cancelled`.
    pub async fn take(&self, found: &Found, known: Option<FileRow>) -> Result<Next> {
        if found.is_link {
            let why = sentence("imports.folders.link", &[]);
            return self
                .note(found, None, known, (FileState::Waits, None, Some(why)))
                .await;
        }
        let hash = match hash(&found.path, &self.job).await {
            Ok(hash) => hash,
            Err(error) => return self.refuse(found, None, known, error).await,
        };
        let folder = self.folder.id;
        let same = self
            .open
            .store
            .read(move |db| folders::same(db, folder, hash))
            .await?;
        if let Some(import) = same {
            // The file whose import was interrupted may be gone; this one has all it held.
            let unfinished = self
                .open
                .store
                .read(move |db| folders::unfinished(db, folder))
                .await?;
            if let Some(file) = unfinished.into_iter().find(|file| file.import == Some(import)) {
                self.go_on(&file, &found.path).await?;
            }
            return self
                .note(found, Some(hash), known, (FileState::Same, Some(import), None))
                .await;
        }
        let kept = match self.fitted(&found.path).await {
            Ok(kept) => Arc::new(kept),
            Err(error) => return self.refuse(found, Some(hash), known, error).await,
        };
        if self.within_limits {
            match self.tried(&kept, &found.path).await {
                Ok(None) => {}
                Ok(Some(why)) => {
                    let what = (FileState::Waits, None, Some(why));
                    return self.note(found, Some(hash), known, what).await;
                }
                Err(error) => return self.refuse(found, Some(hash), known, error).await,
            }
        }
        if !is_still(&found.path, &found.seen) {
            return Ok(Next::LookAgain);
        }
        self.begin(found, hash, known, kept).await
    }

    fn recipe(&self) -> Result<Recipe> {
        serde_json::from_str(&self.folder.recipe).map_err(ApiError::internal)
    }

    /// The recipe as it is for one file.
    async fn fitted(&self, path: &Path) -> Result<Kept> {
        let (recipe, path) = (self.recipe()?, path.to_owned());
        let catalogue = self.open.store.catalogue();
        let (fields, zone) = (catalogue.fields(), catalogue.zone());
        blocking(move || {
            let plan = recipe.fit(&path, &fields, zone)?;
            plan::resolve(&plan, &path, &fields, zone)
        })
        .await
    }

    /// Tries a file without a trace: why it waits, if it does.
    async fn tried(&self, kept: &Arc<Kept>, path: &Path) -> Result<Option<String>> {
        let (open, job) = (self.open.clone(), self.job.clone());
        let report = run::try_out(open, job, kept.clone(), path.to_owned()).await?;
        Ok(beyond(&self.recipe()?, &report))
    }

    /// Begins the import of a file in the commit that notes it, and does it.
    async fn begin(
        &self,
        found: &Found,
        hash: [u8; 32],
        known: Option<FileRow>,
        kept: Arc<Kept>,
    ) -> Result<Next> {
        let plan = serde_json::to_string(&*kept).map_err(ApiError::internal)?;
        let (folder, seen) = (self.folder.id, found.seen.clone());
        let shown = clean::line(&seen.name);
        let (begun, file) = self
            .open
            .store
            .write(Priority::User, move |tx| {
                let begun = folders::take(tx, folder, &seen, hash, (&shown, &plan), known.as_ref())?;
                Ok((begun, folders::newest_of(tx, folder, &seen.name)?))
            })
            .await?;
        crash::point("folder_file_begun");
        if let (Begun::Import(import), Some(file)) = (begun, file) {
            self.pour(&file, import, kept, found.path.clone()).await?;
        }
        Ok(Next::Nothing)
    }

    /// Goes on with an interrupted import from a path that should hold the same. Nothing is done where it does not: such an
    /// import has no way to its end, and is over.
    ///
    /// # Errors
    /// The store's, and `Cancelled`.
    pub async fn go_on(&self, file: &FileRow, path: &Path) -> Result<Next> {
        let Some(import) = file.import.filter(|id| !is_live(&self.open, *id)) else {
            return Ok(Next::Nothing);
        };
        let found = match hash(path, &self.job).await {
            Ok(found) => found,
            Err(error) if error.code == Code::Cancelled => return Err(error),
            Err(error) => return self.say_why(file, Some(error.message)).await,
        };
        if file.hash != Some(found) {
            self.open
                .store
                .write(Priority::User, move |tx| {
                    carillon_store::imports::end(tx, import, true)
                })
                .await?;
            let why = sentence("imports.folders.changed_half", &[]);
            return self.say_why(file, Some(why)).await.map(|_| Next::LookAgain);
        }
        let row = existing(&self.open, import).await?;
        let kept: Kept = serde_json::from_str(&row.plan).map_err(ApiError::internal)?;
        if matches!(kept.format, Format::Sheet { .. }) {
            let path = path.to_owned();
            blocking(move || parts::check(&path)).await?;
        }
        self.pour(file, import, Arc::new(kept), path.to_owned()).await
    }

    async fn pour(&self, file: &FileRow, import: ImportId, kept: Arc<Kept>, path: PathBuf) -> Result<Next> {
        let at_work = AtWork::begin(&self.open, import)?;
        let (open, job) = (self.open.clone(), self.job.clone());
        match run::pour(open, job, at_work, import, kept, path).await {
            Ok(_) => self.say_why(file, None).await.map(|_| Next::Nothing),
            Err(error) if error.code == Code::Cancelled => Err(error),
            Err(error) => self.say_why(file, Some(error.message)).await,
        }
    }

    /// Notes why an import did not come to its end, or that it did.
    async fn say_why(&self, file: &FileRow, why: Option<String>) -> Result<Next> {
        if file.why != why {
            let file = file.clone();
            self.open
                .store
                .write(Priority::User, move |tx| {
                    folders::set_file(tx, &file, None, (file.state, file.import, why.as_deref()))
                })
                .await?;
        }
        Ok(Next::TryLater)
    }

    /// Says of a file whose import was interrupted that it is gone.
    ///
    /// # Errors
    /// The store's.
    pub async fn say_gone(&self, file: &FileRow) -> Result<Next> {
        self.say_why(file, Some(sentence("imports.folders.vanished", &[])))
            .await
    }
}

/// Says of a file that nothing more becomes of it because a changed one of its name came.
pub(super) async fn replace(open: &Open, file: FileRow) -> Result<()> {
    let why = sentence("imports.folders.replaced", &[]);
    open.store
        .write(Priority::User, move |tx| {
            folders::set_file(tx, &file, None, (FileState::Left, None, Some(&why)))
        })
        .await?;
    Ok(())
}

/// The error of a file that is asked for and not there as it was.
pub(super) fn not_there(name: &str) -> ApiError {
    fail(Code::Refused, "imports.folders.not_there", &[("name", &name)])
}
