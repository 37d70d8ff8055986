//! The relay, pulled by its cursor or heard on its live line.

use super::{AGAIN, EVERY, hits, list, note_failure};
use crate::error::{ApiError, Code, Result};
use crate::relay;
use crate::workspaces::Open;
use carillon_adapters::relays::{Cursor, History, OpenedHit, RelayClient};
use carillon_model::Moment;
use carillon_model::message::Failure;
use carillon_model::relay::Pulled;
use carillon_store::intake::{self, IntakeCursor};
use carillon_store::{Commit, Priority, Topic, opt_out_sources, settings};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};

/// Events asked for at once.
const BATCH: usize = 500;
/// Key of the setting with the digest of the last event: shows a relay that was set back.
const DIGEST: &str = "relay_digest";

/// Why the relay cannot be heard now.
pub(super) enum Trouble {
    Outside(String),
    File(ApiError),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Outside(failure.detail)
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Trouble {
        match error.code {
            Code::Keychain | Code::Refused => Trouble::Outside(error.message),
            _ => Trouble::File(error),
        }
    }
}

/// Listens to the relay until somebody ends the task.
pub(super) async fn listen(open: Arc<Open>) {
    let mut failed: usize = 0;
    loop {
        let why = match line(&open, &mut failed).await {
            // The relay ends a line after a quarter of an hour.
            Ok(()) => continue,
            Err(Trouble::Outside(why)) => why,
            Err(Trouble::File(error)) => {
                tracing::error!(%error, "what the relay holds could not be taken in");
                error.message
            }
        };
        if failed > 0
            && let Err(error) = note_failure(&open, relay::SOURCE, &why).await
        {
            tracing::error!(%error, "what is wrong with the relay could not be kept");
        }
        let pause = AGAIN[failed.min(AGAIN.len() - 1)];
        failed += 1;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(pause)) => {}
            () = open.intake.wake.notified() => {}
        }
    }
}

/// One live line, from the catching up until it ends.
async fn line(open: &Arc<Open>, failed: &mut usize) -> std::result::Result<(), Trouble> {
    let Some(client) = connect(open, failed).await? else {
        // Given up meanwhile: whoever started this task ends it.
        std::future::pending::<()>().await;
        return Ok(());
    };
    catch_up(open, &client).await?;
    *failed = 0;
    let since = cursor(open).await?.seq;
    let mut commits = open.store.subscribe();
    let mut line = client.live(since).await?;
    loop {
        let began = open.now();
        let said = tokio::select! {
            said = tokio::time::timeout(EVERY, line.next()) => said,
            () = list_changes(&mut commits) => {
                let epoch = cursor(open).await?.epoch;
                list::exchange(open, &client, &epoch).await?;
                continue;
            }
        };
        match said {
            Ok(event) => match event? {
                None => return Ok(()),
                Some(pulled) if pulled.events.is_empty() => read_up_to(open, began).await?,
                Some(pulled) => {
                    if !apply(open, &client, &pulled, None).await? {
                        // Another history: it is read from its beginning.
                        return Ok(());
                    }
                }
            },
            // Nothing was said. That the line still lives is shown by asking.
            Err(_) => drop(catch_up(open, &client).await?),
        }
    }
}

async fn connect(open: &Open, failed: &mut usize) -> std::result::Result<Option<RelayClient>, Trouble> {
    match relay::client(open).await {
        Ok(client) => Ok(client),
        Err(error) => {
            *failed = (*failed).max(1);
            Err(error.into())
        }
    }
}

/// Reads the relay once, where there is one. What goes wrong outside is noted with it.
///
/// # Errors
/// The store's.
pub(super) async fn read_once(open: &Arc<Open>) -> Result<()> {
    let read = async {
        match relay::client(open).await? {
            Some(client) => catch_up(open, &client).await,
            None => Ok(false),
        }
    };
    match said(read.await)? {
        Ok(_) => Ok(()),
        Err(why) => note_failure(open, relay::SOURCE, &why).await,
    }
}

/// The same as `client` asks it, and whether it had anything, or why it cannot be read.
///
/// # Errors
/// The store's.
pub(super) async fn read(
    open: &Arc<Open>,
    client: &RelayClient,
) -> Result<std::result::Result<bool, String>> {
    said(catch_up(open, client).await)
}

fn said(read: std::result::Result<bool, Trouble>) -> Result<std::result::Result<bool, String>> {
    match read {
        Ok(had) => Ok(Ok(had)),
        Err(Trouble::Outside(why)) => Ok(Err(why)),
        Err(Trouble::File(error)) => Err(error),
    }
}

/// Everything the relay has; then it counts as read up to the moment this began. Whether it had anything.
async fn catch_up(open: &Arc<Open>, client: &RelayClient) -> std::result::Result<bool, Trouble> {
    super::tidy(open).await?;
    let _pulling = open.intake.pulling.lock().await;
    let began = open.now();
    let mut had = false;
    loop {
        let since = cursor(open).await?.seq;
        let pulled = client.pull(since, BATCH, 0).await?;
        let last = pulled.events.len() < BATCH;
        had |= !pulled.events.is_empty();
        let goes_on = apply(open, client, &pulled, Some(began).filter(|_| last && open.sample)).await?;
        if goes_on && last {
            break;
        }
    }
    // A practice relay has no other machine, and its reading was noted with what it had.
    if !open.sample {
        let epoch = cursor(open).await?.epoch;
        list::exchange(open, client, &epoch).await?;
        read_up_to(open, began).await?;
    }
    Ok(had)
}

/// Until the list of this file changes: the other machines hear of it at once.
async fn list_changes(commits: &mut broadcast::Receiver<Commit>) {
    loop {
        match commits.recv().await {
            Ok(commit) if commit.topics.contains(Topic::Suppressions) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn read_up_to(open: &Open, moment: Moment) -> Result<()> {
    open.store
        .write(Priority::Intake, move |tx| {
            opt_out_sources::read(tx, relay::SOURCE, moment).map(drop)
        })
        .await?;
    Ok(())
}

async fn cursor(open: &Open) -> Result<Cursor> {
    Ok(open
        .store
        .read(|db| {
            let known = intake::cursor(db, relay::SOURCE)?;
            let digest: Option<String> = settings::get(db, DIGEST)?;
            Ok(known.map_or_else(Cursor::default, |known| Cursor {
                epoch: known.epoch,
                seq: known.seq.unsigned_abs(),
                digest: digest.unwrap_or_default(),
            }))
        })
        .await?)
}

/// Takes in what was pulled, once each, and acknowledges it. `read`: the moment up to which the relay is read with it. False:
/// the relay tells another history than before, and is read from its beginning next.
async fn apply(
    open: &Arc<Open>,
    client: &RelayClient,
    pulled: &Pulled,
    read: Option<Moment>,
) -> std::result::Result<bool, Trouble> {
    let _reading = open.intake.reading(relay::SOURCE).await;
    let known = cursor(open).await?;
    let history = known.judge(pulled);
    if history != History::Goes {
        tracing::warn!(
            ?history,
            "the relay was made anew or set back; it is read from its beginning"
        );
        let beginning = Cursor {
            epoch: pulled.epoch.clone(),
            ..Cursor::default()
        };
        set_cursor(open, beginning, Vec::new(), None).await?;
        return Ok(false);
    }
    if pulled.events.is_empty() && known.epoch == pulled.epoch {
        if let Some(read) = read {
            read_up_to(open, read).await?;
        }
        return Ok(true);
    }
    let mut opened: Vec<OpenedHit> = Vec::with_capacity(pulled.events.len());
    for event in &pulled.events {
        match client.open(event) {
            Ok(hit) => opened.push(hit),
            Err(failure) => tracing::warn!(%failure.detail, "an event of the relay is left out"),
        }
    }
    if open.sample {
        // Visitors of a practice relay are played many at once and say when they came.
        opened.sort_by_key(|hit| hit.received_at);
    }
    let after = known.after(pulled);
    set_cursor(open, after.clone(), opened, read).await?;
    if !pulled.events.is_empty() {
        client.ack(&after.epoch, after.seq).await?;
    }
    Ok(true)
}

/// (epoch, seq) is the identity of an event for ever. At a practice relay it is what was done and when: a visit that was
/// played, and after a crash once more, is one.
fn key(hit: &OpenedHit, sample: bool) -> [u8; 16] {
    let what = match sample {
        true => format!(
            "{}\n{}",
            hit.received_at.timestamp_millis(),
            serde_json::to_string(&hit.hit).unwrap_or_default()
        ),
        false => format!("{}\n{}", hit.epoch, hit.seq),
    };
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(what.as_bytes()).as_bytes()[..16]);
    key
}

async fn set_cursor(open: &Open, cursor: Cursor, opened: Vec<OpenedHit>, read: Option<Moment>) -> Result<()> {
    let sample = open.sample;
    open.store
        .write(Priority::Intake, move |tx| {
            let keys: Vec<[u8; 16]> = opened.iter().map(|hit| key(hit, sample)).collect();
            let new = intake::remember(tx, relay::SOURCE, &keys)?;
            for (hit, new) in opened.iter().zip(new) {
                if new {
                    hits::take_in(tx, hit)?;
                }
            }
            let seq = i64::try_from(cursor.seq).unwrap_or(i64::MAX);
            let at = IntakeCursor {
                epoch: cursor.epoch.clone(),
                seq,
            };
            intake::set_cursor(tx, relay::SOURCE, &at)?;
            settings::set(tx, DIGEST, Some(&cursor.digest))?;
            match read {
                Some(read) => opt_out_sources::read(tx, relay::SOURCE, read).map(drop),
                None => Ok(()),
            }
        })
        .await?;
    Ok(())
}
