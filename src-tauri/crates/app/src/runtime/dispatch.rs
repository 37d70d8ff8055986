//! From the outbox to the servers: claims, renders, offers, and asks the gate at the dot.
//!
//! Each account has a lane with its sessions. Sessions that stand before the final dot share one commit, which
//! asks the gate for each of them, marks those that pass in flight, and stores what the last group came to. So the
//! rate grows with the sessions, and a crash leaves at most one unknown message a session.

use super::lane::{Held, back_off, word_of_finish, word_of_stop};
use crate::clock::machine_now;
use crate::error::{ApiError, Result};
use crate::gate::{self, Case};
use crate::workspaces::Open;
use crate::{accounts, letters};
use carillon_adapters::Secret;
use carillon_adapters::channels::email::{Phase, Session};
use carillon_model::account::Account;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::journey::JourneyState;
use carillon_model::message::{FailureClass, MessageState, Refusal};
use carillon_model::{AccountId, MessageId, Moment};
use carillon_render::TemplateParts;
use carillon_render::child::{Mode, Output, Request};
use carillon_store::outbox::{self, Claimed, Word};
use carillon_store::{Priority, Tx, consents, journeys, settings, suppressions};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, mpsc, oneshot};

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

    fn count(&mut self, state: MessageState) {
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

/// Key of the setting that holds all sending.
pub const PAUSED: &str = "sending_paused";

/// Longest a claim is kept without a word (real time): longer than the wait for a reply to the dot.
const LEASE: TimeDelta = TimeDelta::minutes(20);
/// Messages a lane claims and renders at once.
const CLAIM: u32 = 200;

/// Sends what may go now, through all accounts, until nothing more may. Stops between two messages when `stop` says
/// so.
///
/// # Errors
/// The store's. What servers say is kept with the messages.
pub async fn dispatch(open: &Arc<Open>, stop: &Arc<AtomicBool>) -> Result<Dispatched> {
    let now = open.now();
    let lanes = open
        .store
        .read(move |db| {
            let mut lanes = Vec::new();
            if settings::get::<bool>(db, PAUSED)?.unwrap_or(false) {
                return Ok(lanes);
            }
            for row in carillon_store::accounts::list(db)? {
                let due = outbox::next_at(db, row.account.id)?.is_some_and(|at| at <= now);
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
    let mut all = Dispatched::default();
    while let Some(lane) = running.join_next().await {
        all.add(lane.map_err(ApiError::internal)??);
    }
    Ok(all)
}

/// Sends nothing, but says that the account cannot work now, for the screen.
fn lane_key(id: AccountId) -> String {
    format!("lane_of_account_{id}")
}

/// Why an account sends nothing now, if so.
pub async fn trouble(open: &Open, id: AccountId) -> Result<Option<String>> {
    Ok(open
        .store
        .read(move |db| settings::get(db, &lane_key(id)))
        .await?)
}

/// A message with its bytes, for a session.
struct Parcel {
    id: MessageId,
    attempts: u32,
    queued_at: Moment,
    to: String,
    subject: String,
    bytes: Vec<u8>,
}

/// A session that stands at the dot and asks.
struct AtDot {
    id: MessageId,
    subject: String,
    answer: oneshot::Sender<bool>,
}

/// One account's sessions at work.
struct Lane {
    open: Arc<Open>,
    account: Arc<Account>,
    loopback: bool,
    stop: Arc<AtomicBool>,
    /// Words that ride in the next commit.
    words: Mutex<Vec<(MessageId, Word)>>,
    done: std::sync::Mutex<Dispatched>,
    trouble: std::sync::Mutex<Option<String>>,
}

impl Lane {
    fn new(open: Arc<Open>, account: Account, stop: Arc<AtomicBool>) -> Lane {
        let host = account.host.as_str();
        let local = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.to_canonical().is_loopback());
        Lane {
            loopback: local || open.dialer.loopback_only(),
            account: Arc::new(account),
            open,
            stop,
            words: Mutex::default(),
            done: std::sync::Mutex::default(),
            trouble: std::sync::Mutex::default(),
        }
    }

    fn fence(&self) -> i64 {
        self.open.store.fence()
    }

    fn stopped(&self) -> bool {
        let troubled = self
            .trouble
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .is_some();
        troubled || self.stop.load(Ordering::Relaxed)
    }

    fn give_up(&self, why: String) {
        self.trouble
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get_or_insert(why);
    }

    async fn run(self) -> Result<Dispatched> {
        let secret = match accounts::secret(&self.open, &self.account).await {
            Ok(secret) => secret.map(Arc::new),
            Err(e) => {
                self.give_up(e.message);
                None
            }
        };
        let lane = Arc::new(self);
        if !lane.stopped() {
            lane.send_all(secret).await?;
        }
        let key = lane_key(lane.account.id);
        let trouble = lane
            .trouble
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let known = trouble_before(&lane.open, lane.account.id).await?;
        if known != trouble {
            let kept = trouble.clone();
            lane.open
                .store
                .write(Priority::Tick, move |tx| settings::set(tx, &key, kept.as_ref()))
                .await?;
        }
        let done = *lane
            .done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match trouble {
            // What is due stays due; the caller must not spin on it.
            Some(_) if done.accepted == 0 => Ok(Dispatched {
                held: done.held.max(1),
                ..done
            }),
            _ => Ok(done),
        }
    }

    async fn send_all(self: &Arc<Self>, secret: Option<Arc<Secret>>) -> Result<()> {
        let sessions = usize::from(self.account.sessions.max(1));
        let (parcels_in, parcels) = mpsc::channel::<Parcel>(sessions);
        let parcels = Arc::new(Mutex::new(parcels));
        let (dots_in, dots) = mpsc::channel::<AtDot>(sessions);
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..sessions {
            let (lane, parcels, dots, secret) =
                (self.clone(), parcels.clone(), dots_in.clone(), secret.clone());
            workers.spawn(async move { lane.session(parcels, dots, secret).await });
        }
        drop(dots_in);
        let lane = self.clone();
        let gatekeeper = tokio::spawn(async move { lane.gatekeeper(dots).await });
        let fed = self.feed(parcels_in).await;
        while let Some(worker) = workers.join_next().await {
            worker.map_err(ApiError::internal)?;
        }
        gatekeeper.await.map_err(ApiError::internal)??;
        self.flush().await?;
        // What a session had claimed and could not offer goes back.
        self.release_claimed().await?;
        fed
    }

    /// Claims and renders until nothing more may go.
    async fn feed(self: &Arc<Self>, parcels: mpsc::Sender<Parcel>) -> Result<()> {
        while !self.stopped() {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                // Words that wait may free nothing; what is deferred is not due.
                return Ok(());
            }
            for parcel in self.render(claimed).await? {
                if parcels.send(parcel).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Claims messages and asks the gate a first time, so that nobody is connected to for what cannot leave anyway.
    async fn claim(self: &Arc<Self>) -> Result<Vec<Claimed>> {
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
                let mut budget = Budget::of(tx, &lane.account, now)?;
                loop {
                    let claimed = outbox::claim(tx, account, now, CLAIM, lease, fence)?;
                    let last = claimed.len() < CLAIM as usize;
                    for message in claimed {
                        match lane.ask(tx, &message, budget.left == 0)? {
                            None => {
                                budget.left = budget.left.saturating_sub(1);
                                out.push(message);
                            }
                            Some(refusal) => counted.count(lane.refuse(tx, &message, refusal, now, &budget)?),
                        }
                    }
                    if last || !out.is_empty() {
                        break;
                    }
                }
                Ok((out, counted))
            })
            .await?;
        self.done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .add(done.1);
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
                || settings::get::<bool>(tx, PAUSED)?.unwrap_or(false),
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

    /// Bytes for each claimed message. What cannot be rendered is ended with the reason.
    async fn render(self: &Arc<Self>, claimed: Vec<Claimed>) -> Result<Vec<Parcel>> {
        let workspace = self.open.workspace()?;
        let sender = letters::sender(&workspace, Some(&self.account));
        let zone = self.open.store.catalogue().zone();
        let mut by_template: BTreeMap<u32, Vec<Claimed>> = BTreeMap::new();
        for message in claimed {
            by_template.entry(message.template.0).or_default().push(message);
        }
        let mut parcels = Vec::new();
        for (template, messages) in by_template {
            let id = carillon_model::TemplateId(template);
            let found = self
                .open
                .store
                .read(move |db| carillon_store::templates::get(db, id))
                .await?;
            let records: Vec<_> = self
                .open
                .store
                .with_index(|index| messages.iter().map(|m| index.record(m.key.contact)).collect());
            let mut ready = Vec::new();
            let mut contexts = Vec::new();
            for (message, record) in messages.into_iter().zip(records) {
                let Some(record) = record else {
                    self.say(
                        message.id,
                        Word::Suppressed {
                            refusal: Refusal::NoContact,
                        },
                    )
                    .await;
                    continue;
                };
                let token = message
                    .message_id
                    .trim_start_matches('<')
                    .split('@')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                let unsubscribe = letters::unsubscribe_mailto(&self.account, &token);
                contexts.push(letters::context(
                    &record,
                    zone,
                    self.open.now(),
                    Some(unsubscribe),
                ));
                ready.push((message, record, token));
            }
            let template = match &found {
                Some(template) => TemplateParts::from(template),
                None => TemplateParts::default(),
            };
            let request = Request {
                template,
                sender: sender.clone(),
                mode: Mode::Render,
                contexts,
            };
            let answers = self.open.press.run(request).await?;
            for ((message, record, token), answer) in ready.into_iter().zip(answers) {
                let rendered = match answer {
                    Ok(Output::Message(rendered)) => Ok(rendered),
                    Ok(_) => Err("the template gave no message".to_owned()),
                    Err(e) => Err(e.to_string()),
                };
                let composed = rendered.and_then(|rendered| {
                    let envelope = letters::envelope(
                        &workspace,
                        &self.account,
                        &record,
                        message.message_id.clone(),
                        &token,
                        machine_now(),
                        !message.transactional,
                    );
                    let bytes = carillon_render::compose(&envelope, &rendered).map_err(|e| e.to_string())?;
                    Ok((rendered.subject, bytes))
                });
                match composed {
                    Ok((subject, bytes)) => parcels.push(Parcel {
                        id: message.id,
                        attempts: message.attempts,
                        queued_at: message.queued_at,
                        to: message.to.unwrap_or_default(),
                        subject,
                        bytes,
                    }),
                    Err(why) => self.say(message.id, Word::Cancelled { why }).await,
                }
            }
        }
        Ok(parcels)
    }

    /// Keeps a word for the next commit.
    async fn say(&self, id: MessageId, word: Word) {
        self.done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .count(word.state());
        self.words.lock().await.push((id, word));
    }

    /// One session's work: message after message, a new connection where the old one is used up.
    async fn session(
        self: Arc<Self>,
        parcels: Arc<Mutex<mpsc::Receiver<Parcel>>>,
        dots: mpsc::Sender<AtDot>,
        secret: Option<Arc<Secret>>,
    ) {
        let mut session: Option<Session> = None;
        loop {
            let parcel = parcels.lock().await.recv().await;
            let Some(parcel) = parcel else { break };
            if self.stopped() {
                // Its claim is released when the lane ends.
                continue;
            }
            session = self.send(session, parcel, &dots, secret.as_deref()).await;
        }
        if let Some(session) = session {
            session.quit().await;
        }
    }

    async fn send(
        &self,
        mut session: Option<Session>,
        parcel: Parcel,
        dots: &mpsc::Sender<AtDot>,
        secret: Option<&Secret>,
    ) -> Option<Session> {
        let now = self.open.now();
        // A server that ends the session between two messages is asked once more through a new one.
        for again in [true, false] {
            let ready_session = match session.take().filter(|s| !s.spent()) {
                Some(session) => session,
                None => match Session::open(&self.account, secret, &self.open.dialer).await {
                    Ok(session) => session,
                    Err(stopped) => {
                        self.not_reached(&parcel, &stopped.failure, now).await;
                        return None;
                    }
                },
            };
            let ready = match ready_session
                .offer(&self.account.from_email, &parcel.to, &parcel.bytes)
                .await
            {
                Ok(ready) => ready,
                Err(stopped) => {
                    if stopped.phase == Phase::Idle && again {
                        continue;
                    }
                    let word = word_of_stop(
                        &stopped.failure,
                        parcel.id,
                        parcel.attempts,
                        parcel.queued_at,
                        now,
                    );
                    self.last_word(&parcel, word).await;
                    if stopped.failure.class == FailureClass::Sender {
                        // Policy or reputation: going on would do harm, and the contacts are not to blame.
                        self.give_up(format!("{} {}", stopped.failure.code, stopped.failure.detail));
                    }
                    return stopped.session;
                }
            };
            let (answer, verdict) = oneshot::channel();
            carillon_store::crash::point("at_dot");
            let asked = dots
                .send(AtDot {
                    id: parcel.id,
                    subject: parcel.subject.clone(),
                    answer,
                })
                .await
                .is_ok();
            if !asked || !verdict.await.unwrap_or(false) {
                ready.abandon();
                return None;
            }
            carillon_store::crash::point("in_flight");
            let finished = ready.finish().await;
            carillon_store::crash::point("replied");
            let word = word_of_finish(&finished, parcel.id, parcel.attempts, parcel.queued_at, now);
            self.last_word(&parcel, word).await;
            return finished.session;
        }
        None
    }

    /// What a server said of a message, before its dot or after it.
    async fn last_word(&self, parcel: &Parcel, word: Word) {
        if let Word::Bounced { failure } = &word
            && failure.class == FailureClass::Recipient
        {
            self.suppress(&parcel.to).await;
        }
        self.say(parcel.id, word).await;
    }

    /// An address that does not exist is not written to again.
    async fn suppress(&self, to: &str) {
        let to = to.to_owned();
        let added = self
            .open
            .store
            .write(Priority::Intake, move |tx| {
                suppressions::add(
                    tx,
                    &to,
                    carillon_model::consent::SuppressionReason::Bounced,
                    "smtp",
                )
            })
            .await;
        if let Err(error) = added {
            tracing::error!(%error, "a bounced address was not put on the list");
        }
    }

    async fn not_reached(&self, parcel: &Parcel, failure: &carillon_model::message::Failure, now: Moment) {
        match failure.class {
            // Nothing is wrong with the message: the account needs its user.
            FailureClass::Auth | FailureClass::Setup | FailureClass::Refused => {
                self.give_up(failure.detail.clone())
            }
            _ => {
                let word = Word::Deferred {
                    next_at: back_off(parcel.id, parcel.attempts, now),
                    failure: failure.clone(),
                };
                self.say(parcel.id, word).await;
                self.give_up(failure.detail.clone());
            }
        }
    }

    /// Answers sessions at the dot, as many as stand there with one commit.
    async fn gatekeeper(self: Arc<Self>, mut dots: mpsc::Receiver<AtDot>) -> Result<()> {
        while let Some(first) = dots.recv().await {
            let mut group = vec![first];
            while let Ok(next) = dots.try_recv() {
                group.push(next);
            }
            let words = std::mem::take(&mut *self.words.lock().await);
            let asked: Vec<(MessageId, String)> = group.iter().map(|d| (d.id, d.subject.clone())).collect();
            let lane = self.clone();
            let now = self.open.now();
            let (passed, counted) = self
                .open
                .store
                .write(Priority::Gate, move |tx| lane.open_gate(tx, &words, &asked, now))
                .await?;
            self.done
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .add(counted);
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
        asked: &[(MessageId, String)],
        now: Moment,
    ) -> carillon_store::Result<(Vec<MessageId>, Dispatched)> {
        let fence = self.fence();
        for (id, word) in words {
            outbox::record(tx, *id, fence, word)?;
        }
        let mut passed = Vec::new();
        let mut counted = Dispatched::default();
        let mut budget = Budget::of(tx, &self.account, now)?;
        for (id, subject) in asked {
            let Some(message) = outbox::load(tx, *id)? else {
                continue;
            };
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

    /// Stores the words no session was left to carry.
    async fn flush(&self) -> Result<()> {
        let words = std::mem::take(&mut *self.words.lock().await);
        let fence = self.fence();
        if !words.is_empty() {
            self.open
                .store
                .write(Priority::Gate, move |tx| {
                    for (id, word) in &words {
                        outbox::record(tx, *id, fence, word)?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }

    async fn release_claimed(&self) -> Result<()> {
        let (account, fence) = (self.account.id, self.fence());
        self.open
            .store
            .write(Priority::Gate, move |tx| outbox::release_all(tx, account, fence))
            .await?;
        Ok(())
    }
}

async fn trouble_before(open: &Open, id: AccountId) -> Result<Option<String>> {
    trouble(open, id).await
}

/// What an account's limits leave now.
struct Budget {
    left: u32,
    /// When something is free again, where nothing is left.
    free_at: Option<Moment>,
}

impl Budget {
    fn of(tx: &Tx<'_>, account: &Account, now: Moment) -> carillon_store::Result<Budget> {
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
