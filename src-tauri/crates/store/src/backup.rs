//! Backups while the workspace runs, and restoring one.

mod replaced;

use crate::error::{Error, Refusal, Result};
use crate::open::{self, CopyBy, OpenGuard, OpenOptions, beside};
use crate::store::{Store, blocking};
use crate::tx::{Mark, Marks, Tx};
use crate::writer::Priority;
use crate::{opt_out_sources, outbox, settings, suppressions};
use replaced::Replaced;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// What a restoring did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Messages whose fate since the backup is not known: held until the user resolves them.
    pub frozen: u64,
    /// Messages the replaced file had decided since the backup, sent or not: they are not decided again.
    pub taken_over: u64,
    /// Suppressed addresses taken over from the replaced file.
    pub suppressions: u64,
    /// Withdrawn permissions taken over from the replaced file.
    pub withdrawals: u64,
    /// Where the replaced file is kept.
    pub replaced: Option<PathBuf>,
    /// Why something the replaced file knew could not be read: it is damaged.
    pub unread: Option<String>,
}

/// A copy that is opened as the workspace, without a restoring: nothing of it may leave before somebody decided, because
/// the workspace it was made of may have sent it since. How many messages were frozen; `None`: it is no copy.
pub(crate) fn wake(tx: &mut Tx<'_>) -> Result<Option<u64>> {
    match open::unmark_copy(tx.conn)? {
        true => freeze(tx).map(Some),
        false => Ok(None),
    }
}

fn freeze(tx: &mut Tx<'_>) -> Result<u64> {
    settings::set(tx, outbox::PAUSED, Some(&true))?;
    settings::set(tx, outbox::RESTORED, Some(&true))?;
    // What it read of its sources, it read long ago.
    opt_out_sources::forget_all(tx)?;
    outbox::freeze_all(tx)
}

impl Store {
    /// Writes a checked copy of one moment of the workspace to `target` while everything goes on. Its bytes.
    ///
    /// # Errors
    /// [`Refusal::Exists`] when there is a file; [`Error::Invalid`] when the copy is not equal (it is removed).
    pub async fn backup_to(&self, target: &Path) -> Result<u64> {
        if target.exists() {
            return Err(Refusal::Exists(target.to_owned()).into());
        }
        let (from, target) = (self.path().to_owned(), target.to_owned());
        blocking(move || {
            let mut conn = Connection::open_with_flags(&from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            conn.busy_timeout(open::BUSY)?;
            conn.execute_batch(
                "PRAGMA wal_autocheckpoint = 0; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;",
            )?;
            open::verified_copy(&mut conn, &target, CopyBy::Pages).map_err(|e| match e {
                Error::Invalid(detail) => {
                    Error::Invalid(format!("The backup was not kept, because {detail}."))
                }
                other => other,
            })?;
            let bytes = std::fs::metadata(&target).map_err(|source| Error::Io { path: target, source })?;
            Ok(bytes.len())
        })
        .await
    }
}

/// Puts a backup in the place of `target`. The backup itself is not touched. What it had not settled is frozen, what
/// the file it replaces has sent, decided and been refused since is taken over, sending is paused, and that file is
/// kept beside under another name. All of it is done on a copy, which takes the place at the end in one step. Of a
/// damaged target what can be read is taken over.
///
/// # Errors
/// A [`Refusal`] when the backup is no sound workspace, or the target is open or no workspace; the target is as it was
/// then.
pub async fn restore(backup: &Path, target: &Path) -> Result<Restored> {
    open::inspect(backup)?;
    let guard = OpenGuard::take(target, || match std::fs::symlink_metadata(target) {
        Ok(_) => match open::inspect(target) {
            Ok(()) | Err(Refusal::Damaged { .. }) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        },
        Err(_) => Ok(()),
    })?;
    let part = beside(target, ".restoring");
    remove_all(&part);
    let (from, to) = (backup.to_owned(), part.clone());
    blocking(move || copy_backup(&from, &to)).await?;
    let store = Store::open(&part, OpenOptions::default()).await?;
    let settled = settle(&store, target).await;
    store.close().await;
    let mut restored = settled.inspect_err(|_| remove_all(&part))?;
    let (from, to) = (part.clone(), target.to_owned());
    restored.replaced = blocking(move || take_place(&from, &to)).await?;
    drop(guard);
    Ok(restored)
}

/// One write: nothing of the copy may leave, and nothing the replaced file knows is forgotten.
async fn settle(store: &Store, target: &Path) -> Result<Restored> {
    let (old, workspace) = (target.to_owned(), store.workspace_id());
    let first = store.read(|db| Ok(Marks::load(db)?.get(Mark::Outbox))).await?;
    let replaced = blocking(move || match old.exists() {
        true => Replaced::read(&old, &workspace, first),
        false => Ok(Replaced::default()),
    })
    .await?;
    store
        .write(Priority::User, move |tx| {
            let frozen = freeze(tx)?;
            let taken_over = replaced.take_over_messages(tx)?;
            let suppressions = suppressions::merge(tx, replaced.suppressed(), "restore")?;
            Ok(Restored {
                frozen: frozen + taken_over.frozen,
                taken_over: taken_over.all,
                suppressions,
                withdrawals: replaced.take_over_withdrawals(tx)?,
                replaced: None,
                unread: replaced.unread().map(str::to_owned),
            })
        })
        .await
}

fn copy_backup(from: &Path, to: &Path) -> Result<()> {
    let mut conn = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let copied = open::verified_copy(&mut conn, to, CopyBy::Pages).and_then(|()| {
        // What a copy is spared is done by the restoring itself.
        open::unmark_copy(&Connection::open(to)?)
    });
    let damaged = |detail: String| {
        let path = from.to_owned();
        Error::from(Refusal::Damaged { path, detail })
    };
    copied.map(drop).map_err(|e| match e {
        Error::Invalid(detail) => damaged(detail),
        e if e.is_damage() => damaged(e.to_string()),
        other => other,
    })
}

/// The copy takes the place of the target; what stood there is kept under another name first.
fn take_place(part: &Path, target: &Path) -> Result<Option<PathBuf>> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let replaced = match target.exists() {
        false => None,
        true => {
            let kept = (1..)
                .map(|n| beside(target, &format!(".replaced-{n}")))
                .find(|p| !p.exists())
                .unwrap_or_else(|| beside(target, ".replaced"));
            // A second name first, so that the place is never empty; where links cannot be made, a rename.
            if std::fs::hard_link(target, &kept).is_err() {
                std::fs::rename(target, &kept).map_err(io(target))?;
            }
            Some(kept)
        }
    };
    // The old file's WAL was copied back, or stays with a file too damaged for that; left beside the new file it would
    // be read as its own.
    let wal = beside(target, "-wal");
    if let Some(kept) = &replaced
        && std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0)
    {
        std::fs::rename(&wal, beside(kept, "-wal")).map_err(io(target))?;
    }
    for left in [wal, beside(target, "-shm")] {
        match std::fs::remove_file(left) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(target)(e)),
            _ => {}
        }
    }
    std::fs::rename(part, target).map_err(io(target))?;
    remove_all(part);
    open::sync_folder(target);
    Ok(replaced)
}

/// Removes a half-made file with what SQLite keeps beside it. Nothing of it is of use; what stays is retried.
fn remove_all(path: &Path) {
    for suffix in ["", "-wal", "-shm", ".part"] {
        std::fs::remove_file(beside(path, suffix)).ok();
    }
    std::fs::remove_file(open::copy_path(path, open::format_version())).ok();
}
