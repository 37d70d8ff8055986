//! Copies of the workspace, and putting one in its place.

use crate::commands;
use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::files::{self, FileRef, SaveRef};
use crate::owner::{self, Claim};
use crate::table::LOCAL;
use crate::workspaces;
use crate::{Ctx, Current};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use ts_rs::TS;

commands! {
    mutate "backup.create" create(CreateBackup) -> BackupMade, reads [];
    mutate "backup.restore" restore(RestoreBackup) -> Restored, reads [], only LOCAL, home true;
}

/// Where to write the copy.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CreateBackup {
    pub to: SaveRef,
}

/// A copy that was written and read back.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackupMade {
    pub path: Option<PathBuf>,
    pub ticket: Option<String>,
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Which copy to put in the place of a workspace: the open one, or a file that need not be there.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RestoreBackup {
    pub from: FileRef,
    #[serde(default)]
    #[ts(optional)]
    pub file: Option<PathBuf>,
}

/// What a restore did. Sending is paused in the restored workspace until somebody resumes it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Restored {
    pub workspace: workspaces::WorkspaceInfo,
    /// Messages held until somebody says what became of them.
    #[ts(type = "number")]
    pub frozen: u64,
    /// Messages the replaced file had decided since the copy was made: they are not decided again.
    #[ts(type = "number")]
    pub taken_over: u64,
    /// Opt-outs of the replaced file that the copy did not know.
    #[ts(type = "number")]
    pub merged: u64,
    /// Where the replaced file is.
    pub replaced: Option<PathBuf>,
    /// A sentence where the replaced file is so damaged that opt-outs or messages of it may be missing.
    pub warning: Option<String>,
}

async fn create(cx: &Ctx, req: CreateBackup) -> Result<BackupMade> {
    let open = cx.open()?;
    let (path, saved) = cx.save(&req.to)?;
    if path.exists() {
        return Err(fail(Code::File, "backup.exists", &[("file", &path.display())]));
    }
    files::can_be_made(&path)?;
    open.store
        .backup_to(&path)
        .await
        .map_err(|e| fail(Code::File, "backup.failed", &[("detail", &e)]))?;
    let bytes = std::fs::metadata(&path)?.len();
    Ok(BackupMade {
        path: saved.path,
        ticket: saved.ticket,
        bytes,
    })
}

/// The copy is prepared whole beside the workspace and put in its place by one rename; what fails before leaves the
/// workspace as it was.
async fn restore(cx: &Ctx, req: RestoreBackup) -> Result<Restored> {
    let from = cx.path(&req.from)?;
    let there = match &*cx.app.inner.current.read().await {
        Current::Own(open) => Some((open.path.clone(), None)),
        Current::Other { file, remote } => Some((file.clone(), Some(remote.pid))),
        Current::Nothing => None,
    };
    let file = match (req.file, &there) {
        (Some(file), _) => workspaces::one_name(&file)?,
        (None, Some((file, _))) => file.clone(),
        (None, None) => return Err(fail(Code::Closed, "closed", &[])),
    };
    let mut place = file.clone().into_os_string();
    place.push(".place");
    files::can_be_made(Path::new(&place))?;
    // Held until the copy is in its place, so that nobody opens the file in between.
    let ownership = match there.filter(|(there, _)| *there == file) {
        Some((_, Some(pid))) => return Err(not_owner(pid)),
        Some((_, None)) => cx.open()?.let_go(),
        None => match owner::claim(&file).await? {
            Claim::Ours(ownership, _) => Some(ownership),
            Claim::Theirs(remote) => return Err(not_owner(remote.pid)),
        },
    };
    workspaces::close_current(&cx.app).await;
    let done = carillon_store::backup::restore(&from, &file).await;
    drop(ownership);
    // Whatever happened, what is there now is opened.
    let workspace = workspaces::open_path(&cx.app, &file).await;
    let done = done.map_err(|e| fail(Code::File, "backup.restore_failed", &[("detail", &e)]))?;
    let warning = done
        .unread
        .map(|detail| sentence("backup.unread", &[("detail", &detail)]));
    Ok(Restored {
        workspace: workspace?,
        frozen: done.frozen,
        taken_over: done.taken_over,
        merged: done.suppressions + done.withdrawals,
        replaced: done.replaced,
        warning,
    })
}

fn not_owner(pid: u32) -> ApiError {
    fail(Code::Refused, "backup.not_owner", &[("pid", &pid)]).retry()
}
