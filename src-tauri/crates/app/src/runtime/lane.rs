//! One account's sessions at work.

use super::budget::Pace;
use super::dispatch::{self, Dispatched, LaneEnd};
use super::door::{AtDot, CLAIM, Claim};
use super::exit::Exit;
use super::parcel::{Parcel, Written};
use super::words::{stops_the_lane, word_of_finish, word_of_stop};
use crate::accounts;
use crate::error::{ApiError, Result};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::channels::email::{Login, Options, Phase, Session};
use carillon_adapters::dialer::Dialer;
use carillon_adapters::dkim::Signer;
use carillon_model::account::Account;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::{MessageId, Moment};
use carillon_store::Priority;
use carillon_store::outbox::{self, Word};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// More than a lane can have claimed and not be done with: what waits for a session, what sessions have, and the next
/// claim.
const MOST_ON_THEIR_WAY: u32 = 1 << 16;

/// A message that is claimed, with its place among those the lane is not done with.
pub(super) type OnItsWay = (Parcel, OwnedSemaphorePermit);

/// Messages that were rendered together, with their places.
type Batch = (Vec<Written>, OwnedSemaphorePermit);

/// An account, its sessions, and what they came to so far.
pub(super) struct Lane {
    pub(super) open: Arc<Open>,
    pub(super) account: Arc<Account>,
    /// The server is on this machine: nothing leaves it.
    pub(super) loopback: bool,
    dialer: Dialer,
    /// Signs what leaves, where the account has a key that is published.
    pub(super) signer: Option<Signer>,
    stop: Arc<AtomicBool>,
    /// Words that ride in the next commit.
    words: Mutex<Vec<(MessageId, Word)>>,
    done: Mutex<Dispatched>,
    trouble: Mutex<Option<String>>,
    /// The limit is used up until then.
    spent_until: Mutex<Option<Moment>>,
    /// Nothing more may leave for now, which is nobody's fault.
    halted: AtomicBool,
    /// Some session was opened.
    reached: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    pub(super) fn new(open: Arc<Open>, account: Account, stop: Arc<AtomicBool>) -> Lane {
        let local = accounts::is_here(&account.host);
        Lane {
            loopback: local || open.dialer.loopback_only(),
            // The gate lets mail out to a server on this machine; the address must keep what its name promised.
            dialer: match local {
                true => open.dialer.clone().held_to_loopback(),
                false => open.dialer.clone(),
            },
            signer: None,
            account: Arc::new(account),
            open,
            stop,
            words: Mutex::default(),
            done: Mutex::default(),
            trouble: Mutex::default(),
            spent_until: Mutex::default(),
            halted: AtomicBool::new(false),
            reached: AtomicBool::new(false),
        }
    }

    pub(super) fn fence(&self) -> i64 {
        self.open.store.fence()
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.open.runtime.pace
    }

    pub(super) fn stopped(&self) -> bool {
        let flags = [&self.halted, &*self.stop];
        locked(&self.trouble).is_some() || flags.iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Nothing more may leave for now: what is claimed goes back, and no session offers it in vain.
    pub(super) fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// The account sends no more for now, and why.
    pub(super) fn give_up(&self, why: String) {
        locked(&self.trouble).get_or_insert(why);
    }

    /// The account's limit is used up for now.
    pub(super) fn rest_until(&self, at: Moment) {
        *locked(&self.spent_until) = Some(at);
    }

    /// Adds to what this lane came to.
    pub(super) fn add(&self, done: Dispatched) {
        locked(&self.done).add(done);
    }

    /// The words no commit carries yet.
    pub(super) fn take_words(&self) -> Vec<(MessageId, Word)> {
        std::mem::take(&mut *locked(&self.words))
    }

    /// Puts words back that a commit could not store.
    pub(super) fn keep_words(&self, mut earlier: Vec<(MessageId, Word)>) {
        let mut words = locked(&self.words);
        earlier.append(&mut words);
        *words = earlier;
    }

    /// Sends what is due, until nothing more may go or something is wrong.
    pub(super) async fn run(mut self) -> Result<Dispatched> {
        let exit = match self.ready().await {
            Ok(exit) => exit,
            Err(error) => {
                self.give_up(error.message);
                None
            }
        };
        let lane = Arc::new(self);
        if let Some(exit) = exit
            && !lane.stopped()
            && let Err(error) = lane.send_all(Arc::new(exit)).await
        {
            // The rows do not know yet what their servers said; the next dispatch tells them first.
            lane.open.runtime.leave(lane.take_words());
            return Err(error);
        }
        let done = *locked(&lane.done);
        let end = LaneEnd {
            trouble: locked(&lane.trouble).clone(),
            spent_until: *locked(&lane.spent_until),
            got_on: done.accepted > 0,
        };
        dispatch::note_end(&lane.open, lane.account.id, end).await?;
        Ok(done)
    }

    /// What every message of the account needs: the way out, and what signs.
    async fn ready(&mut self) -> Result<Option<Exit>> {
        self.signer = accounts::signer(&self.open, &self.account).await?;
        Exit::of(self).await
    }

    async fn send_all(self: &Arc<Self>, exit: Arc<Exit>) -> Result<()> {
        let sessions = usize::from(self.account.sessions.max(1));
        // Room for a whole claim: the next is claimed and rendered while this one is sent.
        let (parcels_in, parcels) = mpsc::channel::<OnItsWay>(sessions.max(CLAIM as usize));
        let parcels = Arc::new(tokio::sync::Mutex::new(parcels));
        let (dots_in, dots) = mpsc::channel::<AtDot>(sessions);
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..sessions {
            let (lane, parcels, dots, exit) = (self.clone(), parcels.clone(), dots_in.clone(), exit.clone());
            workers.spawn(async move {
                match &*exit {
                    Exit::Smtp(secret) => lane.session(parcels, dots, secret.as_ref()).await,
                    Exit::Api(line) => lane.calls(parcels, dots, line).await,
                }
            });
        }
        drop((dots_in, parcels));
        let lane = self.clone();
        let gatekeeper = tokio::spawn(async move { lane.gatekeeper(dots).await });
        let (written_in, written) = mpsc::channel(1);
        let (fed, packed) = tokio::join!(self.feed(written_in), self.pack_for(written, parcels_in));
        // Whatever fails, each session comes to its end: one that has written its dot waits for the reply.
        let mut worked = Ok(());
        while let Some(worker) = workers.join_next().await {
            worked = worked.and(worker.map_err(ApiError::internal));
        }
        let kept = gatekeeper.await.map_err(ApiError::internal);
        fed.and(packed).and(worked).and(kept?)?;
        self.flush().await?;
        // What a session had claimed and could not offer goes back.
        self.release_claimed().await
    }

    /// Claims and renders until nothing more may go.
    async fn feed(self: &Arc<Self>, to_pack: mpsc::Sender<Batch>) -> Result<()> {
        let room = Arc::new(Semaphore::new(MOST_ON_THEIR_WAY as usize));
        while !self.stopped() {
            let free = u32::try_from(room.available_permits()).unwrap_or(MOST_ON_THEIR_WAY);
            // Words that wait may free nothing; what is deferred is not due.
            let claimed = match self.claim(MOST_ON_THEIR_WAY - free).await? {
                Claim::Some(claimed) => claimed,
                Claim::Later => {
                    let all_are_done = room.acquire_many(MOST_ON_THEIR_WAY).await;
                    drop(all_are_done.map_err(ApiError::internal)?);
                    continue;
                }
                Claim::None => return Ok(()),
            };
            let written = self.render(claimed).await?;
            let many = u32::try_from(written.len()).unwrap_or(MOST_ON_THEIR_WAY);
            let places = room.clone().acquire_many_owned(many).await;
            let places = places.map_err(ApiError::internal)?;
            if to_pack.send((written, places)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Packs what is rendered, while the next is, and hands it to the sessions.
    async fn pack_for(
        self: &Arc<Self>,
        mut written: mpsc::Receiver<Batch>,
        sessions: mpsc::Sender<OnItsWay>,
    ) -> Result<()> {
        while let Some((batch, mut places)) = written.recv().await {
            for parcel in self.pack_all(batch).await? {
                let Some(place) = places.split(1) else {
                    return Err(ApiError::internal("more was packed than was written"));
                };
                if sessions.send((parcel, place)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Keeps a word for the next commit.
    pub(super) fn say(&self, id: MessageId, word: Word) {
        locked(&self.done).count(word.state());
        locked(&self.words).push((id, word));
    }

    /// One session's work: message after message, a new connection where the old one is used up.
    async fn session(
        self: Arc<Self>,
        parcels: Arc<tokio::sync::Mutex<mpsc::Receiver<OnItsWay>>>,
        dots: mpsc::Sender<AtDot>,
        secret: Option<&Secret>,
    ) {
        let mut session: Option<Session> = None;
        loop {
            let parcel = parcels.lock().await.recv().await;
            let Some((parcel, _place)) = parcel else { break };
            if self.stopped() {
                // Its claim is released when the lane ends.
                continue;
            }
            session = match self.send(session, parcel, &dots, secret).await {
                Ok(session) => session,
                // A server may take fewer sessions than it is offered: the others go on. Where there is none at all,
                // the account needs its server or its user back; nothing is wrong with its messages.
                Err(failure) => {
                    if !self.reached.load(Ordering::Relaxed) {
                        self.give_up(failure.detail);
                    }
                    return;
                }
            };
        }
        if let Some(session) = session {
            session.quit().await;
        }
    }

    /// A session; where one signs in, with a token that is fresh now.
    async fn open_session(&self, secret: Option<&Secret>) -> std::result::Result<Session, Failure> {
        let options = Options {
            login: accounts::login(&self.account),
            ..Options::default()
        };
        let fresh = match options.login {
            Login::Token => accounts::secret(&self.open, &self.account)
                .await
                .map_err(|error| Failure {
                    class: FailureClass::Auth,
                    code: "token".to_owned(),
                    detail: error.message,
                })?,
            Login::Password => None,
        };
        Session::open_with(&self.account, fresh.as_ref().or(secret), &self.dialer, &options)
            .await
            .map_err(|stopped| stopped.failure)
    }

    /// One message. The session, if it is good for another; an error when there was none to be had, and then nothing
    /// became of the message.
    async fn send(
        &self,
        mut session: Option<Session>,
        parcel: Parcel,
        dots: &mpsc::Sender<AtDot>,
        secret: Option<&Secret>,
    ) -> std::result::Result<Option<Session>, Failure> {
        // A server that ends the session between two messages is asked once more through a new one.
        for again in [true, false] {
            let ready_session = match session.take().filter(|s| !s.spent()) {
                Some(session) => session,
                None => {
                    let session = self.open_session(secret).await?;
                    self.reached.store(true, Ordering::Relaxed);
                    session
                }
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
                    let (failure, now) = (&stopped.failure, self.open.now());
                    let word = word_of_stop(failure, stopped.phase, parcel.id, parcel.attempts, now);
                    self.say(parcel.id, word);
                    self.heed(failure, stopped.phase);
                    return Ok(stopped.session);
                }
            };
            if !ask(&parcel, dots).await {
                ready.abandon();
                return Ok(None);
            }
            let finished = ready.finish().await;
            carillon_store::crash::point("replied");
            let word = word_of_finish(&finished, parcel.id, parcel.attempts, self.open.now());
            self.say(parcel.id, word);
            if let Err(failure) = &finished.outcome {
                self.heed(failure, Phase::Dot);
            }
            return Ok(finished.session);
        }
        Ok(None)
    }

    /// Stops the lane where a failure is about its sender.
    fn heed(&self, failure: &Failure, phase: Phase) {
        if stops_the_lane(failure, phase) {
            self.give_up(format!("{} {}", failure.code, failure.detail));
        }
    }

    /// Stores the words no session was left to carry.
    async fn flush(&self) -> Result<()> {
        let words = self.take_words();
        if words.is_empty() {
            return Ok(());
        }
        let (fence, carried) = (self.fence(), words.clone());
        let stored = self
            .open
            .store
            .write(Priority::Gate, move |tx| dispatch::tell(tx, fence, &carried))
            .await;
        if stored.is_err() {
            self.keep_words(words);
        }
        Ok(stored?)
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

/// Asks the gate for a message at the last moment before it is said. True: it is in flight, durably.
pub(super) async fn ask(parcel: &Parcel, dots: &mpsc::Sender<AtDot>) -> bool {
    let (answer, verdict) = oneshot::channel();
    carillon_store::crash::point("at_dot");
    let at_dot = AtDot {
        id: parcel.id,
        to: parcel.to.clone(),
        subject: parcel.subject.clone(),
        answer,
    };
    let passed = dots.send(at_dot).await.is_ok() && verdict.await.unwrap_or(false);
    if passed {
        carillon_store::crash::point("in_flight");
    }
    passed
}
