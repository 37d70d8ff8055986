//! Taking an import back, in small commits that can be gone on with.

use super::ImportUndone;
use super::plan::Kept;
use crate::error::Result;
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::ContactId;
use carillon_model::consent::{Channel, Consent, ConsentAction, Purpose};
use carillon_store::imports::{ImportKind, ImportState};
use carillon_store::{Db, Priority, consents, crash};

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
