//! The gate where a lane stands before it: asked when a message is claimed, and again at the dot.

use super::dispatch::{self, Dispatched};
use super::lane::Lane;
use super::words::Held;
use crate::clock::machine_now;
use crate::error::Result;
use crate::gate::{self, Case};
use carillon_model::consent::{Channel, Purpose};
use carillon_model::journey::JourneyState;
use carillon_model::message::{MessageState, Refusal};
use carillon_model::{AccountId, MessageId, Moment};
use carillon_store::outbox::{self, Claimed, Word};
use carillon_store::{Priority, Tx, consents, journeys, settings, suppressions};
use chrono::TimeDelta;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Longest a claim is kept without a word (real time): longer than the wait for a reply to the dot.
const LEASE: TimeDelta = TimeDelta::minutes(20);
/// Messages a lane claims and renders at once.
const CLAIM: u32 = 200;

/// A session that stands at the dot and asks.
pub(super) struct AtDot {
    pub(super) id: MessageId,
    /// Whom the session named to the server.
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) answer: oneshot::Sender<bool>,
}

impl Lane {
    /// Claims messages and asks the gate a first time, so that nobody is connected to for what cannot leave anyway.
    pub(super) async fn claim(self: &Arc<Self>) -> Result<Vec<Claimed>> {
        let lane = self.clone();
        let (account, fence) = (self.account.id, self.fence());
        let now = self.open.now();
        let done = self
            .open
            .store
            .write(Priority::Tick, move |tx| {
                let lease = machine_now() + LEASE;
                let mut out = Vec::new();
                let mut counted = Dispatched::default();
                let budget = Budget::of(tx, account, now)?;
                // Where the limit is used up nothing is claimed: the whole queue would be written to say so.
                while out.is_empty() && budget.left > 0 {
                    let limit = CLAIM.min(budget.left);
                    let claimed = outbox::claim(tx, account, now, limit, lease, fence)?;
                    let last = claimed.len() < limit as usize;
                    for message in claimed {
                        match lane.ask(tx, &message, false)? {
                            None => out.push(message),
                            Some(refusal) => counted.count(lane.refuse(tx, &message, refusal, now, &budget)?),
                        }
                    }
                    if last {
                        break;
                    }
                }
                if budget.left == 0 {
                    lane.rest_until(budget.free_at.unwrap_or(now + TimeDelta::minutes(1)));
                }
                Ok((out, counted))
            })
            .await?;
        self.add(done.1);
        Ok(done.0)
    }

    /// What the gate says of a message, read from the rows of this very write.
    fn ask(
        &self,
        tx: &Tx<'_>,
        message: &Claimed,
        over_limit: bool,
    ) -> carillon_store::Result<Option<Refusal>> {
        if super::breaks("gate-off") {
            return Ok(None);
        }
        let journey = journeys::get(tx, message.key.journey)?.map(|j| j.state);
        let permitted =
            consents::permission(tx, message.key.contact, Channel::Email, Purpose::Marketing)?.is_some();
        let listed = match &message.to {
            Some(to) => suppressions::contains(tx, to)?.is_some(),
            None => false,
        };
        let account_paused = carillon_store::accounts::get(tx, message.account)?.is_none_or(|row| row.paused);
        Ok(gate::decide(&Case {
            contact: message.to.is_some(),
            permitted,
            suppressed: message.suppressed || listed,
            transactional: message.transactional,
            stopped: journey == Some(JourneyState::Stopped),
            paused: account_paused
                || journey == Some(JourneyState::Paused)
                || settings::get::<bool>(tx, dispatch::PAUSED)?.unwrap_or(false),
            over_limit,
            loopback: self.loopback,
            opt_out_sources: 0,
        }))
    }

    /// Writes a refusal: an end, or a wait.
    fn refuse(
        &self,
        tx: &mut Tx<'_>,
        message: &Claimed,
        refusal: Refusal,
        now: Moment,
        budget: &Budget,
    ) -> carillon_store::Result<MessageState> {
        if gate::is_final(refusal) {
            outbox::record(tx, message.id, self.fence(), &Word::Suppressed { refusal })?;
            return Ok(MessageState::Suppressed);
        }
        let next = match refusal {
            Refusal::OverLimit => budget.free_at.unwrap_or(now + TimeDelta::minutes(1)),
            _ => now + Held::LOOK_AGAIN,
        };
        outbox::hold(
            tx,
            message.id,
            self.fence(),
            next.max(now + TimeDelta::seconds(1)),
            refusal,
        )?;
        Ok(MessageState::Queued)
    }

    /// Answers sessions at the dot, as many as stand there with one commit.
    pub(super) async fn gatekeeper(self: Arc<Self>, mut dots: mpsc::Receiver<AtDot>) -> Result<()> {
        while let Some(first) = dots.recv().await {
            let mut group = vec![first];
            while let Ok(next) = dots.try_recv() {
                group.push(next);
            }
            let words = self.take_words();
            let carried = words.clone();
            let asked: Vec<Asked> = group
                .iter()
                .map(|dot| Asked {
                    id: dot.id,
                    to: dot.to.clone(),
                    subject: dot.subject.clone(),
                })
                .collect();
            let lane = self.clone();
            let now = self.open.now();
            let opened = self
                .open
                .store
                .write(Priority::Gate, move |tx| {
                    lane.open_gate(tx, &carried, &asked, now)
                })
                .await;
            let (passed, counted) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    // Nobody passes: the sessions at the dot leave without it, and the words wait for a commit.
                    self.keep_words(words);
                    self.give_up(error.to_string());
                    return Err(error.into());
                }
            };
            self.add(counted);
            for dot in group {
                // A session that is gone drops its connection: nothing was delivered, and the row is in flight;
                // the opening after a crash calls that unknown, which is the truth.
                let _ = dot.answer.send(passed.contains(&dot.id));
            }
        }
        Ok(())
    }

    /// The transaction of the gate: words of the last group, the gate's answer for this one, in flight those that pass.
    fn open_gate(
        &self,
        tx: &mut Tx<'_>,
        words: &[(MessageId, Word)],
        asked: &[Asked],
        now: Moment,
    ) -> carillon_store::Result<(Vec<MessageId>, Dispatched)> {
        let fence = self.fence();
        dispatch::tell(tx, fence, words)?;
        let mut passed = Vec::new();
        let mut counted = Dispatched::default();
        let mut budget = Budget::of(tx, self.account.id, now)?;
        for Asked { id, to, subject } in asked {
            let Some(message) = outbox::load(tx, *id)? else {
                continue;
            };
            // Taken back while its session was on the way to the dot, by whoever erased the contact; or the contact
            // has another address now, and consent and the list were asked about that one.
            let same = message.to.as_deref().is_none_or(|now| now == to);
            if message.state != MessageState::Claimed || message.fence != Some(fence) || !same {
                continue;
            }
            match self.ask(tx, &message, budget.left == 0)? {
                None => {
                    budget.left = budget.left.saturating_sub(1);
                    outbox::rendered(tx, *id, subject)?;
                    passed.push(*id);
                }
                Some(refusal) => counted.count(self.refuse(tx, &message, refusal, now, &budget)?),
            }
        }
        outbox::in_flight(tx, &passed, fence)?;
        carillon_store::accounts::spend(
            tx,
            self.account.id,
            now,
            u32::try_from(passed.len()).unwrap_or(u32::MAX),
        )?;
        Ok((passed, counted))
    }
}

/// What a session at the dot says of its message.
struct Asked {
    id: MessageId,
    to: String,
    subject: String,
}

/// What an account's limits leave now.
struct Budget {
    left: u32,
    /// When something is free again, where nothing is left.
    free_at: Option<Moment>,
}

impl Budget {
    /// By the limits as they are now: somebody may have lowered them while the lane works.
    fn of(tx: &Tx<'_>, id: AccountId, now: Moment) -> carillon_store::Result<Budget> {
        let Some(account) = carillon_store::accounts::get(tx, id)?.map(|row| row.account) else {
            return Ok(Budget {
                left: 0,
                free_at: None,
            });
        };
        let day = TimeDelta::hours(24);
        let minute = TimeDelta::seconds(60);
        let spent_day = carillon_store::accounts::spent(tx, account.id, now - day)?;
        let spent_minute = carillon_store::accounts::spent(tx, account.id, now - minute)?;
        let left_day = account.per_day.saturating_sub(spent_day);
        let left_minute = account.per_minute.saturating_sub(spent_minute);
        let left = left_day.min(left_minute);
        let window = if left_day == 0 { day } else { minute };
        let free_at = match left {
            0 => carillon_store::accounts::first_spent(tx, account.id, now - window)?.map(|at| at + window),
            _ => None,
        };
        Ok(Budget { left, free_at })
    }
}
