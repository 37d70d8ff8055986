//! A provider, asked for what happened: events by its cursor, lists both ways, and its records where an answer was lost.

mod doubts;
mod lists;

use super::{AGAIN, hits, note_failure};
use crate::error::{ApiError, Code, Result};
use crate::providers as using;
use crate::responses::{self, Heard};
use crate::workspaces::Open;
use carillon_adapters::http::Failed;
use carillon_adapters::providers::{Api, Batch, Bounce, Event, EventKind, rules_of};
use carillon_model::message::Failure;
use carillon_model::response::{BounceClass, ResponseKind};
use carillon_model::{MessageId, ProviderId};
use carillon_store::providers::{self as rows, ProviderRow};
use carillon_store::{Priority, Tx, accounts, contacts, opt_out_sources, outbox};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait a provider may ask for before it is read again: well within the five minutes after which nothing leaves.
const LONGEST_WAIT: Duration = Duration::from_secs(240);
/// Addresses told to a provider in one go, each with a request of its own: while it is listened to, and where somebody
/// waits for the end of a reading.
const TOLD_LISTENING: usize = 500;
const TOLD_ONCE: usize = 25;
/// Days after a message in which an event that names only the address is taken to be about it.
const WITHIN_DAYS: i64 = 7;

/// Why a provider cannot be read now.
enum Trouble {
    Outside {
        why: String,
        /// Not before this long from now.
        wait: Option<Duration>,
    },
    File(ApiError),
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Trouble {
        Trouble::Outside {
            wait: failed.retry_after,
            why: failed.failure.detail,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Failed::from(failure).into()
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Trouble {
        match error.code {
            Code::Keychain | Code::Refused => Trouble::Outside {
                why: error.message,
                wait: None,
            },
            _ => Trouble::File(error),
        }
    }
}

impl From<carillon_store::Error> for Trouble {
    fn from(error: carillon_store::Error) -> Trouble {
        Trouble::File(error.into())
    }
}

/// Asks a provider again and again until somebody ends the task.
pub(super) async fn listen(open: Arc<Open>, row: ProviderRow) {
    let every = Duration::from_secs(rules_of(row.provider.kind).every_secs.into());
    let mut failed: usize = 0;
    loop {
        let pause = match round(&open, &row, TOLD_LISTENING).await {
            Ok(()) => {
                failed = 0;
                every
            }
            Err(trouble) => {
                let (why, wait) = match trouble {
                    Trouble::Outside { why, wait } => (why, wait),
                    Trouble::File(error) => {
                        tracing::error!(%error, provider = %row.id, "what a provider told could not be taken in");
                        (error.message, None)
                    }
                };
                if let Err(error) = note_failure(&open, &rows::source(row.id), &why).await {
                    tracing::error!(%error, "what is wrong with a provider could not be kept");
                }
                let again = Duration::from_secs(AGAIN[failed.min(AGAIN.len() - 1)]);
                failed += 1;
                again.max(wait.unwrap_or_default().min(LONGEST_WAIT))
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = open.intake.wake.notified() => {}
        }
    }
}

/// Reads a provider once. What goes wrong outside is noted with it.
///
/// # Errors
/// The store's.
pub(super) async fn read_once(open: &Arc<Open>, row: &ProviderRow) -> Result<()> {
    match round(open, row, TOLD_ONCE).await {
        Ok(()) => Ok(()),
        Err(Trouble::Outside { why, .. }) => note_failure(open, &rows::source(row.id), &why).await,
        Err(Trouble::File(error)) => Err(error),
    }
}

/// Everything it has; then it counts as read up to the moment this began. Its lists and records come after that: what
/// stands on its lists it does not send to, whatever is asked of it.
async fn round(open: &Arc<Open>, row: &ProviderRow, most_told: usize) -> std::result::Result<(), Trouble> {
    let api = using::api(open, row.id).await?;
    if rows::tells(&row.provider) {
        let began = open.now();
        while read_batch(open, &api, row.id).await? {}
        let source = rows::source(row.id);
        open.store
            .write(Priority::Intake, move |tx| {
                opt_out_sources::read(tx, &source, began).map(drop)
            })
            .await?;
    }
    let due = lists::are_due(open, row.id).await?;
    doubts::ask(open, &api, row.id, due).await?;
    if due {
        lists::exchange(open, &api, row, most_told).await?;
    }
    // Last: what still stands on its lists was seen again just now.
    Ok(super::tidy(open).await?)
}

/// Reads and takes in one batch, and lets the provider forget it. True: there is more.
async fn read_batch(open: &Arc<Open>, api: &Api, id: ProviderId) -> std::result::Result<bool, Trouble> {
    let _reading = open.intake.reading(&rows::source(id)).await;
    let cursor = open.store.read(move |db| rows::cursor(db, id)).await?;
    // The provider's own clock is that of the world, whatever the workspace's says.
    let now = crate::clock::machine_now();
    let batch = api.poll(cursor.as_deref(), now).await?;
    if batch.unreadable > 0 {
        tracing::warn!(provider = %id, n = batch.unreadable, "a provider told things that cannot be read");
    }
    if !batch.events.is_empty() || cursor.as_deref() != Some(batch.cursor.as_str()) {
        take_in(open, id, &batch).await?;
    }
    api.ack(&batch).await?;
    Ok(batch.more)
}

/// Takes in what a batch holds, each thing once, and moves the cursor in the same write.
async fn take_in(open: &Open, id: ProviderId, batch: &Batch) -> Result<()> {
    let (events, next) = (batch.events.clone(), batch.cursor.clone());
    Ok(open
        .store
        .write(Priority::Intake, move |tx| {
            let source = rows::source(id);
            let keys: Vec<[u8; 16]> = events.iter().map(|event| event.key).collect();
            let new = carillon_store::intake::remember(tx, &source, &keys)?;
            for (event, _) in events.iter().zip(new).filter(|(_, new)| *new) {
                hear(tx, id, &source, event)?;
            }
            rows::set_cursor(tx, id, &next)
        })
        .await?)
}

/// One event. What names no message of ours counts only where it says something of the address for good.
fn hear(tx: &mut Tx<'_>, id: ProviderId, source: &str, event: &Event) -> carillon_store::Result<()> {
    let message = message_of(tx, id, event)?;
    let agent = event.user_agent.as_deref().unwrap_or_default();
    let (kind, class) = match (&event.kind, message) {
        (EventKind::Opened, Some(message)) => {
            return hits::of_provider(tx, source, message, event.at, None, agent);
        }
        (EventKind::Clicked { url }, Some(message)) => {
            return hits::of_provider(tx, source, message, event.at, Some(url.clone()), agent);
        }
        (EventKind::Delivered, Some(_)) => (ResponseKind::Delivered, None),
        (EventKind::Delayed, Some(_)) => (ResponseKind::Delayed, None),
        (EventKind::Bounced(bounce), Some(_)) => (ResponseKind::Bounced, Some(class(*bounce))),
        (EventKind::Rejected, Some(_)) => (ResponseKind::Bounced, Some(BounceClass::Block)),
        (EventKind::Complained, _) => (ResponseKind::Complained, None),
        (EventKind::Unsubscribed, _) => (ResponseKind::Unsubscribed, None),
        // Of a message of somebody else: what it says of the address stands on the provider's list, too.
        (_, None) => return Ok(()),
    };
    let heard = Heard {
        message,
        address: Some(event.recipient.clone()),
        class,
        rule: class.map(|_| "provider".to_owned()),
        detail: Some(event.detail.clone()).filter(|detail| !detail.is_empty()),
        ..Heard::of(kind, source, event.at)
    };
    responses::take_in(tx, &heard).map(drop)
}

fn class(bounce: Bounce) -> BounceClass {
    match bounce {
        Bounce::Hard => BounceClass::Hard,
        Bounce::Soft => BounceClass::Soft,
        Bounce::Block => BounceClass::Block,
    }
}

/// The message an event is about: by our Message-ID, by the provider's own name for it, and where neither is told, for
/// what is sure of the address, the last message that left for it through this provider.
fn message_of(tx: &Tx<'_>, id: ProviderId, event: &Event) -> carillon_store::Result<Option<MessageId>> {
    let ours = |text: &str| tx.tokens().read_message_id(text).map(MessageId);
    if let Some(message) = event.message_id.as_deref().and_then(ours) {
        return Ok(Some(message));
    }
    if let Some(called) = &event.provider_id
        && let Some(message) = rows::message_of(tx, id, called)?
    {
        return Ok(Some(message));
    }
    let sure = matches!(
        event.kind,
        EventKind::Bounced(_) | EventKind::Rejected | EventKind::Complained | EventKind::Unsubscribed
    );
    match sure && event.message_id.is_none() {
        true => last_sent(tx, id, event),
        false => Ok(None),
    }
}

fn last_sent(tx: &Tx<'_>, id: ProviderId, event: &Event) -> carillon_store::Result<Option<MessageId>> {
    let Some(contact) = contacts::id_of(tx, &event.recipient)? else {
        return Ok(None);
    };
    let at = event.at.min(tx.now());
    let (since, until) = (at - TimeDelta::days(WITHIN_DAYS), at + TimeDelta::minutes(5));
    let through: Vec<_> = accounts::list(tx)?
        .into_iter()
        .filter(|row| row.account.provider == Some(id))
        .map(|row| row.account.id)
        .collect();
    Ok(outbox::of_contact(tx, contact)?
        .into_iter()
        .filter(|m| through.contains(&m.account) && responses::may_have_left(m.state))
        .filter(|m| m.queued_at >= since && m.queued_at <= until)
        .map(|m| m.id)
        .max())
}
