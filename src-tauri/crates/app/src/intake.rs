//! Listening: what mailboxes, relays and providers have for this workspace is read and taken in, and the cursor of its
//! source moves in the same write. So each thing counts once, whatever ends in between.

mod heard;
mod hits;
mod list;
mod mailbox;
mod relay;

pub use heard::heard;
pub use mailbox::{door as mailbox_door, secret as mailbox_secret};

use crate::error::{ApiError, Result};
use crate::relay::Paired;
use crate::responses::{self, Taken};
use crate::workspaces::Open;
use carillon_adapters::mailbox::notice::{self, Notice, Rules};
use carillon_model::mailbox::Mailbox;
use carillon_model::workspace::ClockKind;
use carillon_model::{MailboxId, Moment};
use carillon_store::{Priority, Topic, Tx, mailboxes, opt_out_sources};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The listening side of an open workspace.
#[derive(Default)]
pub struct Intake {
    /// Something changed: look again at once.
    wake: Notify,
    /// The studio listens all the time; a single command reads when it needs to.
    live: AtomicBool,
    /// One reading at a time.
    reading: tokio::sync::Mutex<()>,
    /// The day, since 1970, on which keys of what was taken in long ago were forgotten.
    tidied_on: AtomicI64,
}

impl Intake {
    /// Somebody changed something that may let a source be read now.
    pub fn nudge(&self) {
        self.wake.notify_waiters();
    }

    /// Whether the studio listens all the time.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }
}

/// How often a source is read though it says of itself when there is something.
pub(crate) const EVERY: Duration = Duration::from_secs(60);
/// How long after a failure a source is tried again, by the times it failed in a row; the last one repeats. Shorter than
/// the five minutes after which the gate closes.
const AGAIN: [u64; 4] = [5, 15, 60, 120];

/// Listens to every source for as long as the workspace is open.
pub fn live(open: Arc<Open>) -> JoinHandle<()> {
    tokio::spawn(async move {
        open.intake.live.store(true, Ordering::Relaxed);
        let mut commits = open.store.subscribe();
        let mut running: BTreeMap<MailboxId, (Mailbox, Listener)> = BTreeMap::new();
        let mut line: Option<(Paired, Listener)> = None;
        loop {
            match wanted(&open).await {
                Ok((mailboxes, relay)) => {
                    keep_up(&open, &mut running, mailboxes);
                    line = line.filter(|(paired, _)| relay.as_ref() == Some(paired));
                    if let Some(paired) = relay.filter(|_| line.is_none()) {
                        let listener = Listener(tokio::spawn(relay::listen(open.clone())));
                        line = Some((paired, listener));
                    }
                }
                Err(error) => tracing::error!(%error, "the sources could not be read from the file"),
            }
            loop {
                match commits.recv().await {
                    Ok(commit)
                        if commit.topics.contains(Topic::Mailboxes)
                            || commit.topics.contains(Topic::Relay) =>
                    {
                        break;
                    }
                    Ok(_) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => break,
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                }
            }
        }
    })
}

/// Ends with its owner: an aborted supervisor takes its listeners along.
struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The mailboxes that are read, and the relay.
async fn wanted(open: &Open) -> Result<(BTreeMap<MailboxId, Mailbox>, Option<Paired>)> {
    let (rows, paired) = open
        .store
        .read(|db| Ok((mailboxes::list(db)?, crate::relay::paired(db)?)))
        .await?;
    let mailboxes = rows
        .into_iter()
        .filter(|row| !row.paused)
        .map(|row| (row.mailbox.id, row.mailbox))
        .collect();
    Ok((mailboxes, paired))
}

fn keep_up(
    open: &Arc<Open>,
    running: &mut BTreeMap<MailboxId, (Mailbox, Listener)>,
    mut wanted: BTreeMap<MailboxId, Mailbox>,
) {
    running.retain(|id, (mailbox, _)| wanted.get(id) == Some(mailbox));
    wanted.retain(|id, _| !running.contains_key(id));
    for (id, mailbox) in wanted {
        let listener = tokio::spawn(mailbox::listen(open.clone(), mailbox.clone()));
        running.insert(id, (mailbox, Listener(listener)));
    }
}

/// Forgets, once a day, the keys of what was taken in so long ago that nobody brings it again.
async fn tidy(open: &Open) -> Result<()> {
    let now = open.now();
    let today = now.timestamp() / 86_400;
    if open.intake.tidied_on.swap(today, Ordering::Relaxed) == today {
        return Ok(());
    }
    let forget = move |tx: &mut Tx<'_>| carillon_store::intake::forget_old(tx, now).map(drop);
    Ok(open.store.write(Priority::Import, forget).await?)
}

/// Reads every source once, from where it was read to. What cannot be read is noted with its source.
///
/// # Errors
/// The store's.
pub async fn read_all(open: &Arc<Open>) -> Result<()> {
    let (mailboxes, paired) = wanted(open).await?;
    for mailbox in mailboxes.into_values() {
        mailbox::read_once(open, &mailbox).await?;
    }
    match paired {
        Some(_) => relay::read_once(open).await,
        None => Ok(()),
    }
}

/// Reads every source before anything is sent, where nobody listens all the time.
///
/// # Errors
/// The store's.
pub async fn before_sending(open: &Arc<Open>) -> Result<()> {
    if open.clock.kind() == ClockKind::Real && !open.intake.is_live() {
        read_all(open).await?;
    }
    Ok(())
}

/// A mail that came in.
pub struct Letter {
    /// The same for the same mail, wherever and however often it is read.
    pub key: [u8; 16],
    /// When it came to its server.
    pub at: Moment,
    pub raw: Vec<u8>,
}

/// Takes in mails that came to one source, each once; `also` moves the cursor of the source in the same write. What
/// became of each thing they said.
///
/// # Errors
/// The store's.
pub async fn take_in_letters(
    open: &Open,
    source: String,
    letters: Vec<Letter>,
    also: impl FnOnce(&mut Tx<'_>) -> carillon_store::Result<()> + Send + 'static,
) -> Result<Vec<Taken>> {
    tidy(open).await?;
    let keys: Vec<[u8; 16]> = letters.iter().map(|letter| letter.key).collect();
    // Hostile mail is read off the async threads, and before the write begins.
    let read = move || -> Vec<Notice> {
        let each = letters.iter();
        each.map(|letter| read_mail(&letter.raw, letter.at)).collect()
    };
    let notices = tokio::task::spawn_blocking(read)
        .await
        .map_err(ApiError::internal)?;
    Ok(open
        .store
        .write(Priority::Intake, move |tx| {
            let new = carillon_store::intake::remember(tx, &source, &keys)?;
            let mut taken = Vec::new();
            for (notice, _) in notices.iter().zip(new).filter(|(_, new)| *new) {
                for one in heard(tx, notice, &source) {
                    taken.push(responses::take_in(tx, &one)?);
                }
            }
            also(tx)?;
            Ok(taken)
        })
        .await?)
}

/// What a mail says, by the rules of this build. `at`: when it came in.
pub fn read_mail(raw: &[u8], at: Moment) -> Notice {
    notice::read(raw, Rules::embedded(), at)
}

/// The same for whoever looks at a file: as JSON, with today as the day it came in.
///
/// # Errors
/// None but a fault of this program.
pub fn describe_mail(raw: &[u8]) -> Result<serde_json::Value> {
    serde_json::to_value(read_mail(raw, crate::clock::machine_now())).map_err(ApiError::internal)
}

/// Notes why a source cannot be read, for the screen and the gate.
async fn note_failure(open: &Open, source: &str, why: &str) -> Result<()> {
    let (source, why) = (source.to_owned(), why.to_owned());
    Ok(open
        .store
        .write(Priority::Intake, move |tx| {
            opt_out_sources::failed(tx, &source, &why)
        })
        .await?)
}
