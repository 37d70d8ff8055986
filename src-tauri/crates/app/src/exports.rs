//! Tables as files: contacts, messages, events and whatever else is listed, as CSV, a workbook of Excel or Parquet. A list
//! is read to its end page by page, as its screen reads it, and written beside the file, which is there when all of it is.

mod cells;
mod columns;
mod companies;
mod csv;
mod files;
mod lists;
mod past;
mod people;
mod workbook;

pub(crate) use cells::{Cell, Column, Kind};
pub(crate) use lists::List;

use crate::Ctx;
use crate::commands;
use crate::contacts::Who;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::{SaveRef, beside};
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::message::MessageState;
use carillon_model::{CampaignId, ContactId, JourneyId};
use files::Writing;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ts_rs::TS;

commands! {
    mutate "exports.start" start(ExportTable) -> ExportStarted, reads [];
}

/// What to write, where and as what.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ExportTable {
    pub list: ExportList,
    pub to: SaveRef,
    /// By the ending of the file where it is left out.
    #[serde(default)]
    pub format: Option<ExportFormat>,
}

/// What is written.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "of", rename_all = "snake_case")]
#[ts(export)]
pub enum ExportList {
    /// Contacts with these fields, all of them where none is named, and their tags.
    Contacts {
        who: Who,
        #[serde(default)]
        columns: Vec<String>,
    },
    /// Companies with all their fields.
    Companies,
    /// Messages, as the outbox lists them.
    Messages {
        /// None: all.
        #[serde(default)]
        states: Vec<MessageState>,
        #[serde(default)]
        journey: Option<JourneyId>,
        #[serde(default)]
        search: Option<String>,
    },
    /// What contacts did, in the order it was learned; each property is a column.
    Events {
        /// Only of one contact.
        #[serde(default)]
        contact: Option<ContactId>,
        /// Only of this name.
        #[serde(default)]
        name: Option<String>,
    },
    /// Every value of a contact that is known, now and before, with who wrote it when: what they may ask for of themselves.
    History { contact: ContactId },
    /// Contacts that are not written to. Of whoever is no contact only a hash is known, and nothing is written.
    Suppressions,
    /// Who gets a campaign, who is held out and who is left out, with what became of each message.
    Campaign { campaign: CampaignId },
    /// Who is inside a journey, and where.
    Journey {
        journey: JourneyId,
        /// Only at this step.
        #[serde(default)]
        step: Option<String>,
    },
    /// Figures a day.
    Report { report: ExportReport },
    /// How far contacts came in a journey.
    Funnel { journey: JourneyId },
}

/// Figures that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ExportReport {
    Messages,
    Growth,
}

/// What a table is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ExportFormat {
    Csv,
    Xlsx,
    Parquet,
}

impl ExportFormat {
    /// By the ending of a file: `.xlsx`, `.parquet`, or anything else for CSV.
    fn of(to: &SaveRef) -> ExportFormat {
        let name = match to {
            SaveRef::Path { path } => path.as_path(),
            SaveRef::Download { download } => Path::new(download),
        };
        let ends = |with: &str| name.extension().is_some_and(|e| e.eq_ignore_ascii_case(with));
        match () {
            () if ends("xlsx") => ExportFormat::Xlsx,
            () if ends("parquet") => ExportFormat::Parquet,
            () => ExportFormat::Csv,
        }
    }
}

/// An export that was started; the file is there when the job is done. `path` and `ticket` as in `Saved`.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ExportStarted {
    pub job: u32,
    pub path: Option<PathBuf>,
    pub ticket: Option<String>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Exported {
    pub path: Option<PathBuf>,
    pub ticket: Option<String>,
    #[ts(type = "number")]
    pub rows: u64,
    /// Sheets of a workbook: a sheet has 1,048,576 rows at most, and what is longer goes on in the next. 1 of any other file.
    pub sheets: u32,
}

async fn start(cx: &Ctx, req: ExportTable) -> Result<ExportStarted> {
    let open = cx.open()?.clone();
    let format = req.format.unwrap_or_else(|| ExportFormat::of(&req.to));
    let (path, saved) = cx.save(&req.to)?;
    let list = lists::of(cx, req.list).await?;
    let told = ExportStarted {
        job: 0,
        path: saved.path.clone(),
        ticket: saved.ticket.clone(),
    };
    let job = open.jobs.clone().start("exports.start", |job| async move {
        let beside = beside(&path)?;
        let written = match write(&open, &job, format, &beside, &path, list).await {
            Ok(counted) => std::fs::rename(&beside, &path)
                .map(|()| counted)
                .map_err(|e| cannot(&path, &e)),
            Err(error) => Err(error),
        };
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written.map(|(rows, sheets)| Exported {
            path: saved.path,
            ticket: saved.ticket,
            rows,
            sheets,
        })
    });
    Ok(ExportStarted { job, ..told })
}

/// Writes at `beside` what is to be at `path`. How many rows and sheets there are.
async fn write(
    open: &Arc<Open>,
    job: &Job,
    format: ExportFormat,
    beside: &Path,
    path: &Path,
    mut list: List,
) -> Result<(u64, u32)> {
    job.phase("writing");
    let mut writing = Writing::create(format, list.columns(), beside, path)?;
    let mut rows = 0;
    while let Some(page) = list.next(open).await? {
        job.check()?;
        rows += page.len() as u64;
        let path = path.to_owned();
        writing = crate::imports::blocking(move || {
            for row in page {
                writing.write(row, &path)?;
            }
            Ok(writing)
        })
        .await?;
        job.progress(rows, list.total().max(rows));
    }
    job.check()?;
    let (beside, path) = (beside.to_owned(), path.to_owned());
    let sheets = crate::imports::blocking(move || writing.finish(&beside, &path)).await?;
    Ok((rows, sheets))
}

pub(super) fn cannot(path: &Path, detail: &dyn std::fmt::Display) -> ApiError {
    fail(
        Code::File,
        "files.cannot_write",
        &[("file", &path.display()), ("detail", &detail)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_s_own_ending_says_what_it_is() {
        for (name, format) in [
            ("a.csv", ExportFormat::Csv),
            ("a.XLSX", ExportFormat::Xlsx),
            ("a.b.parquet", ExportFormat::Parquet),
            ("xlsx", ExportFormat::Csv),
        ] {
            let to = SaveRef::Download {
                download: name.into(),
            };
            assert_eq!(ExportFormat::of(&to), format, "{name}");
        }
    }
}
