//! Backups while the workspace runs, and restoring one.

use crate::codes::Code;
use crate::contacts::id_of;
use crate::error::{Error, Refusal, Result};
use crate::open::{self, CopyBy, OpenGuard, OpenOptions, beside};
use crate::sql::sql;
use crate::store::{Store, blocking};
use crate::suppressions::Foreign;
use crate::time::moment;
use crate::writer::Priority;
use crate::{consents, outbox, suppressions};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

const WITHDRAWN: &str = sql!(
    "SELECT c.email, p.channel, p.purpose, p.basis, l.at FROM permissions p
     CROSS JOIN contacts c ON c.id = p.contact CROSS JOIN consents l ON l.id = p.consent WHERE p.granted = 0",
    scan: "all opt-outs of a replaced file are taken over once"
);

/// What a restoring did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Messages whose fate since the backup is not known: held until the user resolves them.
    pub frozen: u64,
    /// Suppressed addresses taken over from the replaced file.
    pub suppressions: u64,
    /// Withdrawn permissions taken over from the replaced file.
    pub withdrawals: u64,
    /// Where the replaced file is kept.
    pub replaced: Option<PathBuf>,
}

/// Opt-outs a file knows of.
#[derive(Debug, Default)]
struct OptOuts {
    suppressed: Foreign,
    withdrawn: Vec<Withdrawal>,
}

#[derive(Debug)]
struct Withdrawal {
    email: String,
    channel: Channel,
    purpose: Purpose,
    basis: Basis,
    at: carillon_model::Moment,
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

/// Puts a backup in the place of `target`. The backup itself is not touched. What it had not settled is frozen,
/// the opt-outs of the file it replaces are taken over, and that file is kept beside under another name. All of
/// it is done on a copy, which takes the place at the end in one step.
///
/// # Errors
/// A [`Refusal`] when the backup is no sound workspace, or the target is open; the target is as it was then.
pub async fn restore(backup: &Path, target: &Path) -> Result<Restored> {
    open::inspect(backup)?;
    let guard = OpenGuard::take(target, || match std::fs::symlink_metadata(target) {
        Ok(_) => Ok(open::inspect(target)?),
        Err(_) => Ok(()),
    })?;
    let part = beside(target, ".restoring");
    remove_all(&part);
    let (from, to, old) = (backup.to_owned(), part.clone(), target.to_owned());
    let opt_outs = blocking(move || {
        copy_backup(&from, &to)?;
        match old.exists() {
            true => read_opt_outs(&old),
            false => Ok(OptOuts::default()),
        }
    })
    .await?;
    let store = Store::open(&part, OpenOptions::default()).await?;
    let settled = settle(&store, opt_outs).await;
    store.close().await;
    let (frozen, suppressions, withdrawals) = settled.inspect_err(|_| remove_all(&part))?;
    let (from, to) = (part.clone(), target.to_owned());
    let replaced = blocking(move || take_place(&from, &to)).await?;
    drop(guard);
    Ok(Restored {
        frozen,
        suppressions,
        withdrawals,
        replaced,
    })
}

async fn settle(store: &Store, opt_outs: OptOuts) -> Result<(u64, u64, u64)> {
    store
        .write(Priority::User, move |tx| {
            let frozen = outbox::freeze_all(tx)?;
            let suppressed = suppressions::merge(tx, &opt_outs.suppressed, "restore")?;
            let mut withdrawn = 0;
            for w in &opt_outs.withdrawn {
                let Some(contact) = id_of(tx, &w.email)? else {
                    continue;
                };
                if consents::permission(tx, contact, w.channel, w.purpose)?.is_none() {
                    continue;
                }
                let row = Consent {
                    contact,
                    channel: w.channel,
                    purpose: w.purpose,
                    action: ConsentAction::Withdrawn,
                    basis: w.basis,
                    wording: None,
                    wording_hash: None,
                    source: "restore".to_owned(),
                    at: w.at,
                };
                consents::append(tx, &[row])?;
                withdrawn += u64::from(consents::permission(tx, contact, w.channel, w.purpose)?.is_none());
            }
            Ok((frozen, suppressed, withdrawn))
        })
        .await
}

fn copy_backup(from: &Path, to: &Path) -> Result<()> {
    let mut conn = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    open::verified_copy(&mut conn, to, CopyBy::Pages).map_err(|e| match e {
        Error::Invalid(detail) => Refusal::Damaged {
            path: from.to_owned(),
            detail,
        }
        .into(),
        Error::Sqlite(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            Refusal::Damaged {
                path: from.to_owned(),
                detail: e.to_string(),
            }
            .into()
        }
        other => other,
    })
}

/// Reads the opt-outs of the file that is replaced, and copies its WAL back so that it can be renamed alone.
fn read_opt_outs(path: &Path) -> Result<OptOuts> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(open::BUSY)?;
    let busy: bool = conn.query_row(sql!("PRAGMA wal_checkpoint(TRUNCATE)"), (), |row| row.get(0))?;
    if busy {
        return Err(Error::Invalid(
            "The workspace is still in use by another program. Close it there and try again; nothing was changed.".to_owned(),
        ));
    }
    let suppressed = Foreign::read(&conn)?;
    let mut withdrawn = Vec::new();
    let mut statement = conn.prepare(WITHDRAWN)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        withdrawn.push(Withdrawal {
            email: row.get(0)?,
            channel: Channel::of(row.get(1)?)?,
            purpose: Purpose::of(row.get(2)?)?,
            basis: Basis::of(row.get(3)?)?,
            at: moment(row.get(4)?)?,
        });
    }
    Ok(OptOuts {
        suppressed,
        withdrawn,
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
    // The old file's WAL was copied back; left beside the new file it would be read as its own.
    for suffix in ["-wal", "-shm"] {
        match std::fs::remove_file(beside(target, suffix)) {
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
