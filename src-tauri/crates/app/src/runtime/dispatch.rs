//! From the outbox to the servers: claims, renders, offers, and asks the gate at the dot.
//!
//! Each account has a lane with its sessions. Sessions that stand before the final dot share one commit, which
//! asks the gate for each of them, marks those that pass in flight, and stores what the last group came to. So the
//! rate grows with the sessions, and a crash leaves at most one unknown message a session.

use super::budget::{self, Budget};
use super::lane::Lane;
use crate::error::{ApiError, Result, sentence};
use crate::listening;
use crate::workspaces::Open;
use carillon_model::account::Account;
use carillon_model::consent::SuppressionReason;
use carillon_model::message::{Failure, FailureClass, MessageState, Refusal};
use carillon_model::{AccountId, MessageId, Moment};
use carillon_store::outbox::{self, Word};
use carillon_store::{Db, Error, Priority, Tx, accounts, settings, suppressions};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a dispatch came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dispatched {
    pub accepted: u64,
    /// Refused by the gate for good, or by a server.
    pub refused: u64,
    /// Held by the gate, deferred, or of unknown outcome.
    pub held: u64,
}

impl Dispatched {
    /// Adds another's.
    pub fn add(&mut self, other: Dispatched) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.held += other.held;
    }

    pub(super) fn count(&mut self, state: MessageState) {
        match state {
            MessageState::Accepted => self.accepted += 1,
            MessageState::Bounced
            | MessageState::Suppressed
            | MessageState::Expired
            | MessageState::Cancelled => self.refused += 1,
            _ => self.held += 1,
        }
    }
}

pub use carillon_store::outbox::PAUSED;

/// How long an account that met trouble is left alone, in minutes, by the times it met it in a row; the last one
/// repeats. A server that is down or refuses a password is not asked again for every message.
const REST: [i64; 5] = [1, 5, 15, 30, 60];

/// Why an account sends nothing now, and until when it is left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Trouble {
    why: String,
    times: u32,
    until: Moment,
}

fn trouble_key(id: AccountId) -> String {
    format!("lane_of_account_{id}")
}

/// Sends what may go now, through all accounts, until nothing more may. Stops between two messages when `stop` says
/// so.
///
/// # Errors
/// The store's. What servers say is kept with the messages.
pub async fn dispatch(open: &Arc<Open>, stop: &Arc<AtomicBool>) -> Result<Dispatched> {
    settle_left(open).await?;
    let now = open.now();
    let of = open.clone();
    let lanes = open
        .store
        .read(move |db| {
            let mut lanes = Vec::new();
            if settings::get::<bool>(db, PAUSED)?.unwrap_or(false) {
                return Ok(lanes);
            }
            for row in accounts::list(db)? {
                let due = next_at(db, &of, &row.account)?.is_some_and(|at| at <= now);
                if due && !row.paused {
                    lanes.push(row.account);
                }
            }
            Ok(lanes)
        })
        .await?;
    let mut running = tokio::task::JoinSet::new();
    for account in lanes {
        let (open, stop) = (open.clone(), stop.clone());
        running.spawn(async move { Lane::new(open, account, stop).run().await });
    }
    // One lane's failure does not take the sessions of another away from between their dot and its reply.
    let mut all = Ok(Dispatched::default());
    while let Some(lane) = running.join_next().await {
        let done = lane.map_err(ApiError::internal).and_then(|done| done);
        all = match (all, done) {
            (Ok(mut sum), Ok(done)) => {
                sum.add(done);
                Ok(sum)
            }
            (Err(first), _) | (Ok(_), Err(first)) => Err(first),
        };
    }
    all
}

/// What a dispatch that failed has left: words its rows do not know, and claims nobody holds any more, for no session is
/// open now. Without a word a message in flight is unknown, as after a crash.
async fn settle_left(open: &Arc<Open>) -> Result<()> {
    let words = open.runtime.take_left();
    if words.is_empty() && open.store.read(outbox::on_their_way).await? == 0 {
        return Ok(());
    }
    let (fence, carried) = (open.store.fence(), words.clone());
    let settled = open
        .store
        .write(Priority::Gate, move |tx| {
            tell(tx, fence, &carried)?;
            outbox::recover(tx).map(drop)
        })
        .await;
    if settled.is_err() {
        open.runtime.leave(words);
    }
    Ok(settled?)
}

/// Stores words, in their order; an address that does not exist goes onto the list with its word. A message that was
/// taken back meanwhile needs none. A word the law does not know says that nobody knows: one message may not keep
/// the words of all others from being stored.
///
/// # Errors
/// The store's.
pub(super) fn tell(tx: &mut Tx<'_>, fence: i64, words: &[(MessageId, Word)]) -> carillon_store::Result<()> {
    for (id, word) in words {
        match outbox::record(tx, *id, fence, word) {
            Ok(()) => list_if_gone(tx, *id, word)?,
            Err(Error::LostLease { .. } | Error::NotFound { .. }) => {
                tracing::warn!(message = %id, ?word, "a word came for a message that is held no more");
            }
            Err(Error::Invalid(why)) => {
                tracing::error!(message = %id, ?word, why, "a word that no message of this state can have");
                let failure = Failure {
                    class: FailureClass::Unknown,
                    code: "out_of_order".to_owned(),
                    detail: why,
                };
                match outbox::record(tx, *id, fence, &Word::Unknown { failure }) {
                    Err(Error::Invalid(_)) | Ok(()) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn list_if_gone(tx: &mut Tx<'_>, id: MessageId, word: &Word) -> carillon_store::Result<()> {
    let Word::Bounced { failure } = word else {
        return Ok(());
    };
    let to = outbox::load(tx, id)?.and_then(|message| message.to);
    match to {
        Some(to) if failure.class == FailureClass::Recipient => {
            suppressions::add(tx, &to, SuppressionReason::Bounced, "smtp").map(drop)
        }
        _ => Ok(()),
    }
}

/// When an account may send its first waiting message: not before its rest is over, and marketing only while somebody
/// listens.
///
/// # Errors
/// The store's.
pub fn next_at(db: &Db<'_>, open: &Open, account: &Account) -> carillon_store::Result<Option<Moment>> {
    let rest = settings::get::<Trouble>(db, &trouble_key(account.id))?.map(|trouble| trouble.until);
    let which = listening::may_leave(db, open, account)?;
    Ok(outbox::next_at(db, account.id, which)?.map(|at| at.max(rest.unwrap_or(at))))
}

/// Why an account sends nothing now, if so.
///
/// # Errors
/// The store's.
pub async fn trouble(open: &Open, id: AccountId) -> Result<Option<String>> {
    let trouble = open
        .store
        .read(move |db| settings::get::<Trouble>(db, &trouble_key(id)))
        .await?;
    Ok(trouble.map(|trouble| trouble.why))
}

/// Counts a mail that is none of the outbox against its account's limits, durably, before its dot is written. False: they
/// are used up.
///
/// # Errors
/// The store's.
pub async fn spend_one(open: &Arc<Open>, id: AccountId) -> Result<bool> {
    let (lane, now) = (open.clone(), open.now());
    Ok(open
        .store
        .write(Priority::Gate, move |tx| {
            let pace = &lane.runtime.pace;
            let left = Budget::of(tx, id, now, pace)?.left;
            budget::spend(tx, id, now, left.min(1) as usize, pace)?;
            Ok(left > 0)
        })
        .await?)
}

/// How a lane came to its end.
#[derive(Debug, Default)]
pub(super) struct LaneEnd {
    /// What is wrong with the account, if something is.
    pub(super) trouble: Option<String>,
    /// Its limit is used up until then.
    pub(super) spent_until: Option<Moment>,
    /// A server took something: what is wrong now is not what was wrong before.
    pub(super) got_on: bool,
}

/// Keeps what is wrong with an account for the screen and lets it rest, or until its limit is free again; or notes that
/// nothing is wrong any more.
pub(super) async fn note_end(open: &Open, id: AccountId, end: LaneEnd) -> Result<()> {
    let (now, key) = (open.now(), trouble_key(id));
    let known: Option<Trouble> = open.store.read(move |db| settings::get(db, &key)).await?;
    let trouble = match end {
        LaneEnd {
            trouble: Some(why),
            got_on,
            ..
        } => {
            let times = known.as_ref().filter(|_| !got_on).map_or(0, |known| known.times);
            Some(Trouble {
                why,
                times: times.saturating_add(1),
                until: now + TimeDelta::minutes(REST[(times as usize).min(REST.len() - 1)]),
            })
        }
        LaneEnd {
            spent_until: Some(until),
            ..
        } => Some(Trouble {
            why: sentence("outbox.refusals.over_limit", &[]),
            times: 0,
            until: until.max(now + TimeDelta::seconds(1)),
        }),
        _ => None,
    };
    if known == trouble {
        return Ok(());
    }
    open.store
        .write(Priority::Tick, move |tx| {
            settings::set(tx, &trouble_key(id), trouble.as_ref())
        })
        .await?;
    Ok(())
}

/// Messages of an account that one write takes up.
const TAKEN_UP: u32 = 500;

/// Ends the rest of one account, or of all of them, and lets go at once what a pause held: somebody changed something, or
/// asks for another try.
///
/// # Errors
/// The store's.
pub async fn try_again(open: &Open, id: Option<AccountId>) -> Result<()> {
    let ids: Vec<AccountId> = open
        .store
        .read(accounts::list)
        .await?
        .into_iter()
        .map(|row| row.account.id)
        .collect();
    for id in ids.into_iter().filter(|each| id.is_none_or(|id| id == *each)) {
        let mut last = Some(MessageId(0));
        while let Some(after) = last {
            let next = move |tx: &mut Tx<'_>| {
                end_rest(tx, id)?;
                outbox::take_up(tx, id, Refusal::Paused, after, TAKEN_UP)
            };
            last = open.store.write(Priority::User, next).await?;
        }
    }
    Ok(())
}

fn end_rest(tx: &mut Tx<'_>, id: AccountId) -> carillon_store::Result<()> {
    let key = trouble_key(id);
    let Some(trouble) = settings::get::<Trouble>(tx, &key)? else {
        return Ok(());
    };
    let rested = Trouble {
        until: tx.now().min(trouble.until),
        ..trouble
    };
    settings::set(tx, &key, Some(&rested))
}
