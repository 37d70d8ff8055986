//! Listening: what mailboxes, relays and providers have for this workspace is read and taken in, and the cursor of its
//! source moves in the same write. So each thing counts once, whatever ends in between.

mod heard;
mod hits;
mod list;
mod mailbox;
mod provider;
mod relay;

pub use heard::heard;
pub use mailbox::{door as mailbox_door, secret as mailbox_secret};

use crate::error::{ApiError, Result};
use crate::relay::Paired;
use crate::responses::{self, Taken};
use crate::workspaces::Open;
use carillon_adapters::mailbox::notice::{self, Notice, Rules};
use carillon_adapters::relays::RelayClient;
use carillon_adapters::{Dialer, Http};
use carillon_model::mailbox::Mailbox;
use carillon_model::workspace::ClockKind;
use carillon_model::{MailboxId, Moment, ProviderId};
use carillon_store::providers::{self, ProviderRow};
use carillon_store::{Priority, Topic, Tx, mailboxes, opt_out_sources};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// The listening side of an open workspace.
#[derive(Default)]
pub struct Intake {
    /// Something changed: look again at once.
    wake: Notify,
    /// The studio listens all the time; a single command reads when it needs to.
    live: AtomicBool,
    /// By source: one reading at a time. Each source has its own, so that a slow one keeps nobody else waiting.
    reading: std::sync::Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// The day, since 1970, on which keys of what was taken in long ago were forgotten.
    tidied_on: AtomicI64,
    /// One pulls from the relay at a time: what it answers fits the cursor it was asked with.
    pulling: tokio::sync::Mutex<()>,
    /// Connections to providers, shared by those who read and those who send.
    http: tokio::sync::OnceCell<Http>,
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

    /// Waits until nobody else reads a source, and keeps others from it until the guard is gone.
    async fn reading(&self, source: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(source.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// The client providers are asked through. `dialer`: of this workspace.
    pub async fn http(&self, dialer: &Dialer) -> Http {
        let made = self.http.get_or_init(|| Http::new(dialer.clone()));
        made.await.clone()
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
        let mut asked: BTreeMap<ProviderId, (ProviderRow, Listener)> = BTreeMap::new();
        let mut line: Option<(Paired, Listener)> = None;
        loop {
            match wanted(&open).await {
                Ok(Wanted {
                    mailboxes,
                    providers,
                    relay,
                }) => {
                    keep_up(&mut running, mailboxes, |mailbox| {
                        tokio::spawn(mailbox::listen(open.clone(), mailbox))
                    });
                    keep_up(&mut asked, providers, |row| {
                        tokio::spawn(provider::listen(open.clone(), row))
                    });
                    line = line.filter(|(paired, _)| relay.as_ref() == Some(paired));
                    // A sample's own relay is pulled where its people act.
                    if let Some(paired) = relay.filter(|_| line.is_none() && !open.sample) {
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
                            || commit.topics.contains(Topic::Providers)
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

/// The sources that are read.
struct Wanted {
    mailboxes: BTreeMap<MailboxId, Mailbox>,
    providers: BTreeMap<ProviderId, ProviderRow>,
    relay: Option<Paired>,
}

async fn wanted(open: &Open) -> Result<Wanted> {
    let (mailboxes, providers, relay) = open
        .store
        .read(|db| {
            let (mailboxes, providers) = (mailboxes::list(db)?, providers::list(db)?);
            Ok((mailboxes, providers, crate::relay::paired(db)?))
        })
        .await?;
    Ok(Wanted {
        mailboxes: mailboxes
            .into_iter()
            .filter(|row| !row.paused)
            .map(|row| (row.mailbox.id, row.mailbox))
            .collect(),
        providers: providers
            .into_iter()
            .filter(|row| !row.paused)
            .map(|row| (row.id, row))
            .collect(),
        relay,
    })
}

/// Ends the listeners of sources that are gone or changed, and starts those that are missing.
fn keep_up<K: Ord + Copy, S: PartialEq + Clone>(
    running: &mut BTreeMap<K, (S, Listener)>,
    mut wanted: BTreeMap<K, S>,
    listen: impl Fn(S) -> JoinHandle<()>,
) {
    running.retain(|id, (source, _)| wanted.get(id) == Some(source));
    wanted.retain(|id, _| !running.contains_key(id));
    for (id, source) in wanted {
        let listener = Listener(listen(source.clone()));
        running.insert(id, (source, listener));
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
    let Wanted {
        mailboxes,
        providers,
        relay,
    } = wanted(open).await?;
    for mailbox in mailboxes.into_values() {
        mailbox::read_once(open, &mailbox).await?;
    }
    for row in providers.into_values() {
        provider::read_once(open, &row).await?;
    }
    match relay {
        Some(_) => relay::read_once(open).await,
        None => Ok(()),
    }
}

/// Reads the relay once, as `client` asks it: whether it had anything, or why it cannot be read.
///
/// # Errors
/// The store's.
pub(crate) async fn read_relay(
    open: &Arc<Open>,
    client: &RelayClient,
) -> Result<std::result::Result<bool, String>> {
    relay::read(open, client).await
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
