//! The gate where a lane stands before it: asked when a message is claimed, and again at the dot.

use super::budget::{self, Budget};
use super::dispatch::{self, Dispatched};
use super::lane::Lane;
use super::words::LOOK_AGAIN;
use crate::absence;
use crate::error::Result;
use crate::gate::{self, Case};
use crate::listening;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::journey::JourneyState;
use carillon_model::message::{MessageState, Refusal};
use carillon_model::{MessageId, Moment};
use carillon_store::choices::{self, Choice};
use carillon_store::outbox::{self, Claimed, Word};
use carillon_store::{Db, Priority, Tx, consents, journeys, responses, settings, suppressions, templates};
use chrono::TimeDelta;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Messages a lane claims and renders at once.
pub(super) const CLAIM: u32 = 200;

/// What a lane may take up next.
pub(super) enum Claim {
    Some(Vec<Claimed>),
    /// What is on its way is all that the limits leave.
    Later,
    /// Nothing is due, or the limits are used up.
    None,
}

/// A mail that would come so long after it was due, because its contact wanted none meanwhile, is not sent at all: nobody
/// wants the letters of three months on one morning.
pub(crate) const STALE: TimeDelta = TimeDelta::days(7);
/// A message that waits for a decision on a reply is taken up by the decision; this is for what ends the doubt otherwise. Each
/// look is a stop of a clock that runs fast.
const UNDECIDED: TimeDelta = TimeDelta::days(1);

/// A session that stands at the dot and asks.
pub(super) struct AtDot {
    pub(super) id: MessageId,
    /// Whom the session named to the server.
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) answer: oneshot::Sender<bool>,
}

impl Lane {
    /// Claims a few messages and asks the gate a first time, so that nobody is connected to for what cannot leave anyway.
    /// So many are `on_their_way`: the limits must leave room for them, too.
    pub(super) async fn claim(self: &Arc<Self>, on_their_way: u32) -> Result<Claim> {
        let lane = self.clone();
        let (account, fence) = (self.account.id, self.fence());
        let now = self.open.now();
        let (claimed, counted) = self
            .open
            .store
            .write(Priority::Tick, move |tx| {
                let mut counted = Dispatched::default();
                let budget = Budget::of(tx, account, now, lane.pace())?;
                if budget.left == 0 {
                    // Nothing is claimed: the whole queue would be written to say so.
                    lane.rest_until(budget.free_at);
                    return Ok((Claim::None, counted));
                }
                if budget.left <= on_their_way {
                    return Ok((Claim::Later, counted));
                }
                let limit = CLAIM.min(budget.left - on_their_way);
                let which = listening::may_leave(tx, &lane.open, &lane.account)?;
                let claimed = outbox::claim(tx, account, which, now, limit, fence)?;
                if claimed.is_empty() {
                    return Ok((Claim::None, counted));
                }
                let mut out = Vec::with_capacity(claimed.len());
                for message in claimed {
                    match lane.ask(tx, &message, false)? {
                        None => out.push(message),
                        Some(refusal) => {
                            counted.count(lane.refuse(tx, &message, refusal, now, &budget)?);
                        }
                    }
                }
                Ok((Claim::Some(out), counted))
            })
            .await?;
        self.add(counted);
        Ok(claimed)
    }

    /// What the gate says of a message, read from the rows of this very write, where it is one.
    fn ask(
        &self,
        tx: &Db<'_>,
        message: &Claimed,
        over_limit: bool,
    ) -> carillon_store::Result<Option<Refusal>> {
        if super::breaks("gate-off") {
            return Ok(None);
        }
        let journey = journeys::state(tx, message.key.journey)?;
        let permitted =
            consents::permission(tx, message.key.contact, Channel::Email, Purpose::Marketing)?.is_some();
        let listed = match &message.to {
            Some(to) => suppressions::bars(tx, to, message.transactional)?,
            None => false,
        };
        let chosen = self.chosen(tx, message)?;
        let topic = templates::topic(tx, message.template)?;
        let marked = message.suppressed && !message.transactional;
        Ok(gate::decide(&Case {
            contact: message.to.is_some(),
            permitted,
            suppressed: marked || listed,
            topic_left: topic.is_some_and(|topic| chosen.leaves(topic)),
            rests: chosen.rests(self.open.now()).is_some(),
            may_leave: !responses::undecided_of(tx, message.key.contact)?.is_empty(),
            transactional: message.transactional,
            stopped: journey == Some(JourneyState::Stopped),
            paused: journey == Some(JourneyState::Paused) || self.closed(tx)?,
            over_limit,
            loopback: self.loopback,
            listening: listening::is_fresh(tx, self.open.now())?,
            away: absence::holds(tx, message)?,
        }))
    }

    /// Whether the gate would still let a message go whose first call may not have arrived. What it counts by, the limits,
    /// was spent for it already.
    pub(super) async fn may_go_again(self: &Arc<Self>, id: MessageId) -> Result<bool> {
        let lane = self.clone();
        let asked = self.open.store.read(move |db| match outbox::load(db, id)? {
            Some(message) => Ok(lane.ask(db, &message, false)?.is_none()),
            None => Ok(false),
        });
        Ok(asked.await?)
    }

    /// What the recipient chose of marketing.
    fn chosen(&self, tx: &Db<'_>, message: &Claimed) -> carillon_store::Result<Choice> {
        match &message.to {
            Some(to) if !message.transactional => choices::of(tx, to),
            _ => Ok(Choice::default()),
        }
    }

    /// Whether the account is switched off, or all sending paused.
    fn closed(&self, tx: &Db<'_>) -> carillon_store::Result<bool> {
        let off = carillon_store::accounts::get(tx, self.account.id)?.is_none_or(|row| row.paused);
        Ok(off || settings::get::<bool>(tx, dispatch::PAUSED)?.unwrap_or(false))
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
        let rests = match refusal {
            Refusal::ContactPaused => self.chosen(tx, message)?.rests(now),
            _ => None,
        };
        let late = match refusal {
            // Nobody knows when somebody decides: it waits as long as it may wait for a pause.
            Refusal::MayLeave => now - message.queued_at > STALE,
            _ => rests.is_some_and(|until| until - message.queued_at > STALE),
        };
        if late || gate::is_final(refusal) {
            outbox::record(tx, message.id, self.fence(), &Word::Suppressed { refusal })?;
            return Ok(MessageState::Suppressed);
        }
        let next = match refusal {
            Refusal::OverLimit => budget.free_at,
            Refusal::ContactPaused => rests.unwrap_or(now + LOOK_AGAIN),
            Refusal::MayLeave => now + UNDECIDED,
            _ => now + LOOK_AGAIN,
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
        let mut budget = Budget::of(tx, self.account.id, now, self.pace())?;
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
                Some(refusal) => {
                    if refusal == Refusal::OverLimit {
                        self.rest_until(budget.free_at);
                        self.halt();
                    }
                    counted.count(self.refuse(tx, &message, refusal, now, &budget)?);
                }
            }
        }
        if self.closed(tx)? {
            self.halt();
        }
        outbox::in_flight(tx, &passed, fence)?;
        budget::spend(tx, self.account.id, now, passed.len(), self.pace())?;
        Ok((passed, counted))
    }
}

/// What a session at the dot says of its message.
struct Asked {
    id: MessageId,
    to: String,
    subject: String,
}
