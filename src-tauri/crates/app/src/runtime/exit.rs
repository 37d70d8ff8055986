//! How a message leaves: through sessions with a mail server, or by calls of a provider's API.
//!
//! A call is one piece: nothing of the message is said before the gate has let it go, and its answer stands for the
//! reply to the dot. An answer that is lost leaves it unknown, whatever the call came to.

use super::door::AtDot;
use super::lane::{Lane, OnItsWay, ask};
use super::parcel::Parcel;
use super::words::{stops_the_lane, word_of_call, word_of_stop};
use crate::error::{Code, Result};
use crate::{accounts, providers};
use carillon_adapters::Secret;
use carillon_adapters::channels::email::Phase;
use carillon_adapters::http::Failed;
use carillon_adapters::providers::{Accepted, Api, Outgoing};
use carillon_model::message::FailureClass;
use carillon_model::{MessageId, ProviderId};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

/// So often a call whose answer was lost is made again where the provider recognises the second one.
const REPEATS: u32 = 2;
/// And so long after: what was lost may still be on its way there.
const REPEAT_AFTER: Duration = Duration::from_secs(2);

/// The way out of an account.
pub(super) enum Exit {
    Smtp(Option<Secret>),
    Api(Box<Line>),
}

/// A provider's API, asked no faster than it allows.
pub(super) struct Line {
    api: Api,
    by: ProviderId,
    /// Between two calls.
    gap: Duration,
    next: Mutex<Instant>,
}

impl Exit {
    /// The way out of a lane's account. A provider is asked what it takes now, which also tells that it is there and
    /// takes the key: while it does not, nothing is claimed. `None`: it asks to be left alone for a while.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub(super) async fn of(lane: &Lane) -> Result<Option<Exit>> {
        let Some(by) = lane.account.provider else {
            let secret = accounts::secret(&lane.open, &lane.account).await?;
            return Ok(Some(Exit::Smtp(secret)));
        };
        let api = providers::api(&lane.open, by).await?;
        let quota = match api.quota().await {
            Ok(quota) => quota,
            Err(failed) if lane.waits(&failed) => return Ok(None),
            Err(failed) => return Err(providers::in_words(failed.failure, Code::Outside)),
        };
        providers::note_quota(&lane.open, by, quota).await?;
        let left = quota.map(|quota| quota.limit.saturating_sub(quota.sent));
        lane.pace().allow(lane.account.id, left);
        let per_second = quota.and_then(|quota| quota.per_second).filter(|n| *n > 0.0);
        let line = Line {
            api,
            by,
            gap: per_second.map_or(Duration::ZERO, |n| Duration::from_secs_f64((1.0 / n).min(60.0))),
            next: Mutex::new(Instant::now()),
        };
        Ok(Some(Exit::Api(Box::new(line))))
    }
}

impl Line {
    /// Waits until the next call may be made.
    async fn turn(&self) {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + self.gap;
    }

    /// One message, handed over once; again with the same key where the provider knows it for the same, unless somebody
    /// said no meanwhile: the second call may be the one that arrives.
    async fn hand_over(
        &self,
        lane: &Arc<Lane>,
        id: MessageId,
        message: &Outgoing<'_>,
    ) -> std::result::Result<Accepted, Failed> {
        let mut outcome = self.api.send(message).await;
        for _ in 0..REPEATS {
            let lost = matches!(&outcome, Err(failed) if failed.failure.class == FailureClass::Unknown);
            if !lost || !self.api.recognises_repeats() {
                break;
            }
            tokio::time::sleep(REPEAT_AFTER).await;
            if !lane.may_go_again(id).await.unwrap_or(false) {
                break;
            }
            // Only an answer settles it: a second call that does not get there says nothing of the first.
            if let Ok(accepted) = self.api.send(message).await {
                outcome = Ok(accepted);
            }
        }
        outcome
    }
}

impl Lane {
    /// Waits as long as a provider asks for. False: it does not ask.
    fn waits(&self, failed: &Failed) -> bool {
        let wait = failed.retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
        let Some(wait) = wait.filter(|_| failed.failure.class == FailureClass::Throttled) else {
            return false;
        };
        self.rest_until(self.open.now() + wait);
        self.halt();
        true
    }

    /// One caller's work: message after message.
    pub(super) async fn calls(
        self: Arc<Self>,
        parcels: Arc<Mutex<mpsc::Receiver<OnItsWay>>>,
        dots: mpsc::Sender<AtDot>,
        line: &Line,
    ) {
        loop {
            let parcel = parcels.lock().await.recv().await;
            let Some((parcel, _place)) = parcel else { break };
            if self.stopped() {
                // Its claim is released when the lane ends.
                continue;
            }
            self.call(parcel, &dots, line).await;
        }
    }

    async fn call(self: &Arc<Self>, parcel: Parcel, dots: &mpsc::Sender<AtDot>, line: &Line) {
        let message = Outgoing {
            mime: &parcel.bytes,
            from: &self.account.from_email,
            to: &parcel.to,
            message_id: parcel.message_id.trim_matches(['<', '>']),
        };
        if let Err(failure) = line.api.fits(&message) {
            let now = self.open.now();
            let word = word_of_stop(&failure, Phase::Check, parcel.id, parcel.attempts, now);
            self.say(parcel.id, word);
            return;
        }
        line.turn().await;
        if self.stopped() || !ask(&parcel, dots).await {
            return;
        }
        let outcome = line.hand_over(self, parcel.id, &message).await;
        carillon_store::crash::point("replied");
        if let Err(failed) = &outcome
            && stops_the_lane(&failed.failure, Phase::Mail)
            && !self.waits(failed)
        {
            self.give_up(failed.failure.detail.clone());
        }
        let label = line.api.label();
        let word = word_of_call(
            outcome,
            line.by,
            label,
            parcel.id,
            parcel.attempts,
            self.open.now(),
        );
        self.say(parcel.id, word);
    }
}
