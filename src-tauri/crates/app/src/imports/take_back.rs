//! Taking an import back, in small commits that can be gone on with.

use super::ImportUndone;
use crate::error::Result;
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_store::imports::ImportState;
use carillon_store::{Priority, crash};

/// Rows taken back in one write.
const UNDO: u32 = 500;

/// Takes back what an import did, where nobody touched it since.
pub(super) async fn take_back(
    open: &Open,
    job: &Job,
    row: carillon_store::imports::ImportRow,
) -> Result<ImportUndone> {
    let id = row.id;
    job.phase("undoing");
    if row.state == ImportState::Running {
        open.store
            .write(Priority::User, move |tx| {
                carillon_store::imports::end(tx, id, true)
            })
            .await?;
    }
    let mut done = ImportUndone::default();
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
        done.permissions += part.permissions;
        done.suppressions += part.suppressions;
        looked_at += u64::from(UNDO);
        job.progress(looked_at.min(total), total);
        if part.finished {
            return Ok(done);
        }
    }
}
