//! The writer: one thread, one connection. All that waits goes into one durable commit, so that the rate grows with
//! those who wait, and nobody is answered before the disk has it.

use super::space::Space;
use super::{Counts, LogError};
use crate::seal;
use carillon_model::Moment;
use carillon_model::relay::HitKind;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot, watch};

/// Most pieces of work in one commit.
const MOST: usize = 1_024;

/// What is refused first when room runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Opens, hidden links, page views.
    Pixels = 0,
    /// Clicks, events of sites and shops.
    Clicks = 1,
    /// What a person says: unsubscribes, preferences, confirmations, forms. And what devices change.
    Words = 2,
}

impl Weight {
    /// The weight of a kind of hit.
    pub fn of(kind: HitKind) -> Weight {
        match kind {
            HitKind::Open | HitKind::Hidden | HitKind::Page => Weight::Pixels,
            HitKind::Click | HitKind::Identify | HitKind::Track => Weight::Clicks,
            HitKind::Unsubscribe | HitKind::Preferences | HitKind::Confirm | HitKind::Form => Weight::Words,
        }
    }
}

/// An event to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: HitKind,
    pub weight: Weight,
    pub received_at: Moment,
    pub sealed: Vec<u8>,
    /// Written only if nothing with this id was, and the moment until which that is remembered.
    pub once: Option<([u8; 16], Moment)>,
    /// What is kept of an address in the same commit.
    pub also: Vec<Also>,
}

/// What an event brings with it: what other machines obey at once, and what a page shows the next time.
#[derive(Clone, Copy, Debug)]
pub enum Also {
    Suppress {
        address: [u8; 16],
        scope: u16,
        lifted: bool,
    },
    /// Choices of the preference page, as a link has them.
    Choose { address: [u8; 16], packed: [u8; 10] },
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// On the disk, under this number.
    Kept(u64),
    /// Its id had been written before.
    Before,
    /// Not on the disk: no room, or the disk failed.
    NotKept,
}

/// How long choices are shown on the page of a mail of before them, in days. The studio keeps them for good, and the links
/// of its next mails say them.
const CHOICES_DAYS: i64 = 400;

type Apply = Box<dyn Fn(&Connection) -> rusqlite::Result<()> + Send>;

pub(super) enum Work {
    Append {
        entries: Vec<Entry>,
        reply: oneshot::Sender<Vec<Outcome>>,
    },
    Change {
        apply: Apply,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
}

/// What one commit came to, work by work.
enum Said {
    Entries(Vec<Outcome>),
    Changed,
}

pub(super) struct Writer {
    db: Connection,
    space: Space,
    epoch: i64,
    head: watch::Sender<u64>,
    counts: Arc<Counts>,
}

impl Writer {
    pub(super) fn new(
        db: Connection,
        space: Space,
        head: watch::Sender<u64>,
        counts: Arc<Counts>,
    ) -> Result<Writer, LogError> {
        let epoch = db.query_row("SELECT max(id) FROM epochs", [], |r| r.get(0))?;
        Ok(Writer {
            db,
            space,
            epoch,
            head,
            counts,
        })
    }

    /// Until nobody can ask any more.
    pub(super) fn run(mut self, mut work: mpsc::Receiver<Work>) {
        while let Some(first) = work.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MOST
                && let Ok(next) = work.try_recv()
            {
                batch.push(next);
            }
            self.settle(batch);
        }
    }

    /// Commits a batch, giving up pixels, then clicks, then the reserve, before words of people.
    fn settle(&mut self, batch: Vec<Work>) {
        let mut lightest = self.space.lightest(&self.db);
        let mut result = self.commit(&batch, lightest);
        let mut copied = false;
        while let Err(LogError::Full) = result {
            if !std::mem::replace(&mut copied, true) {
                // The disk may hold a WAL that has long been copied into the file.
                let copy = "PRAGMA wal_checkpoint(TRUNCATE)";
                self.db.query_row(copy, [], |_| Ok(())).ok();
            } else {
                lightest = match lightest {
                    Weight::Pixels => Weight::Clicks,
                    Weight::Clicks => Weight::Words,
                    Weight::Words if self.space.release() => Weight::Words,
                    Weight::Words => break,
                };
                self.space.no_lighter_than(lightest);
            }
            result = self.commit(&batch, lightest);
        }
        match result {
            Ok((said, head)) => {
                // First the live line, then the browser: whoever was answered can be pulled.
                self.head.send_if_modified(|known| {
                    let newer = head > *known;
                    *known = head.max(*known);
                    newer
                });
                self.answer(batch, said);
            }
            // One bad change must not cost what others in the batch said.
            Err(_) if batch.len() > 1 => batch.into_iter().for_each(|one| self.settle(vec![one])),
            Err(error) => refuse(batch, &error),
        }
    }

    fn commit(&mut self, batch: &[Work], lightest: Weight) -> Result<(Vec<Said>, u64), LogError> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut head = 0;
        let mut said = Vec::with_capacity(batch.len());
        for work in batch {
            said.push(match work {
                Work::Change { apply, .. } => {
                    apply(&tx)?;
                    Said::Changed
                }
                Work::Append { entries, .. } => {
                    let mut outcomes = Vec::with_capacity(entries.len());
                    for entry in entries {
                        let outcome = if entry.weight < lightest {
                            Outcome::NotKept
                        } else {
                            insert(&tx, self.epoch, entry)?
                        };
                        if let Outcome::Kept(seq) = outcome {
                            head = seq;
                        }
                        outcomes.push(outcome);
                    }
                    Said::Entries(outcomes)
                }
            });
        }
        tx.commit()?;
        Ok((said, head))
    }

    fn answer(&self, batch: Vec<Work>, said: Vec<Said>) {
        for (work, said) in batch.into_iter().zip(said) {
            match (work, said) {
                (Work::Append { entries, reply }, Said::Entries(outcomes)) => {
                    for (entry, _) in entries
                        .iter()
                        .zip(&outcomes)
                        .filter(|(_, o)| **o == Outcome::NotKept)
                    {
                        match entry.weight {
                            Weight::Pixels => self.counts.pixels.fetch_add(1, Ordering::Relaxed),
                            _ => self.counts.clicks.fetch_add(1, Ordering::Relaxed),
                        };
                    }
                    reply.send(outcomes).ok();
                }
                (Work::Change { reply, .. }, _) => {
                    reply.send(Ok(())).ok();
                }
                (Work::Append { .. }, Said::Changed) => {}
            }
        }
    }
}

fn refuse(batch: Vec<Work>, error: &LogError) {
    tracing::error!("not written: {error}");
    for work in batch {
        match work {
            Work::Append { entries, reply } => {
                reply.send(vec![Outcome::NotKept; entries.len()]).ok();
            }
            Work::Change { reply, .. } => {
                reply.send(Err(error.clone())).ok();
            }
        }
    }
}

fn insert(tx: &Connection, epoch: i64, entry: &Entry) -> rusqlite::Result<Outcome> {
    if let Some((id, until)) = &entry.once {
        let new = tx
            .prepare_cached("INSERT OR IGNORE INTO once (id, until) VALUES (?1, ?2)")?
            .execute(params![id, until.timestamp_millis()])?;
        if new == 0 {
            return Ok(Outcome::Before);
        }
    }
    for also in &entry.also {
        match also {
            Also::Suppress {
                address,
                scope,
                lifted,
            } => suppress(tx, address, *scope, *lifted)?,
            Also::Choose { address, packed } => {
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO choices (address, packed, at) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![address, packed, entry.received_at.timestamp_millis()])?;
            }
        }
    }
    tx.prepare_cached("INSERT INTO events (epoch, kind, received_at, sealed) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            epoch,
            seal::number(entry.kind),
            entry.received_at.timestamp_millis(),
            entry.sealed
        ])?;
    Ok(Outcome::Kept(
        u64::try_from(tx.last_insert_rowid()).unwrap_or_default(),
    ))
}

/// Puts an address on the list or takes it off. Only a change gets a new number.
pub(crate) fn suppress(
    tx: &Connection,
    address: &[u8; 16],
    scope: u16,
    lifted: bool,
) -> rusqlite::Result<()> {
    if scope == 0 && !lifted {
        // What was chosen before is over; the page shows that nothing is sent.
        tx.prepare_cached("DELETE FROM choices WHERE address = ?1")?
            .execute([address])?;
    }
    let known: Option<bool> = tx
        .prepare_cached("SELECT lifted FROM suppressions WHERE address = ?1 AND scope = ?2")?
        .query_row(params![address, scope], |r| r.get(0))
        .optional()?;
    if known == Some(lifted) || (known.is_none() && lifted) {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO suppressions (address, scope, lifted, changed)
         VALUES (?1, ?2, ?3, 1 + (SELECT coalesce(max(changed), 0) FROM suppressions))",
    )?
    .execute(params![address, scope, lifted])
    .map(|_| ())
}

/// Deletes what was acknowledged longer ago than the grace, and ids that need not be remembered.
pub(crate) fn clean(tx: &Connection, now: Moment, grace_days: u32) -> rusqlite::Result<u64> {
    let before = now.timestamp_millis() - i64::from(grace_days) * 86_400_000;
    let upto: Option<i64> =
        tx.query_row("SELECT max(seq) FROM acks WHERE at <= ?1", [before], |r| r.get(0))?;
    let mut gone = 0;
    if let Some(upto) = upto {
        gone = tx.execute("DELETE FROM events WHERE seq <= ?1", [upto])?;
        tx.execute("DELETE FROM acks WHERE seq < ?1", [upto])?;
    }
    tx.execute(
        "DELETE FROM choices WHERE at < ?1",
        [now.timestamp_millis() - CHOICES_DAYS * 86_400_000],
    )?;
    tx.execute("DELETE FROM once WHERE until < ?1", [now.timestamp_millis()])?;
    Ok(gone as u64)
}

/// Keys of links, to be found by their id; those that are not among `keep` are forgotten.
pub(crate) fn set_token_keys(
    tx: &Connection,
    keep: &[crate::tokens::TokenKey],
    now: Moment,
) -> rusqlite::Result<()> {
    let ids: HashSet<&str> = keep.iter().map(|k| k.id()).collect();
    let known: Vec<String> = tx
        .prepare("SELECT id FROM token_keys")?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for old in known.iter().filter(|id| !ids.contains(id.as_str())) {
        tx.execute("DELETE FROM token_keys WHERE id = ?1", [old])?;
    }
    for key in keep {
        tx.execute(
            "INSERT OR IGNORE INTO token_keys (id, secret, added_at) VALUES (?1, ?2, ?3)",
            params![key.id(), key.secret(), now.timestamp_millis()],
        )?;
    }
    Ok(())
}
