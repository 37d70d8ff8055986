//! Waiting for new mail: IDLE (RFC 2177), or NOOP where the server has none.

use super::Imap;
use super::failures::{Fault, Step};
use super::session::Heard;
use super::wire::Lost;
use carillon_model::message::Failure;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep_until};

/// How often the wall clock is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// A wall clock that ran ahead of the timers by more than this: the machine slept.
const SLEPT: Duration = Duration::from_secs(30);

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There is mail that was not read yet.
    Mail,
    /// The time is over.
    Time,
    /// The machine slept, and the connection still lives. What came meanwhile may not have been told: read.
    Slept,
}

/// The two clocks when waiting began.
struct Clocks {
    timer: Instant,
    wall: SystemTime,
    now: fn() -> SystemTime,
}

impl Clocks {
    fn start(now: fn() -> SystemTime) -> Clocks {
        Clocks {
            timer: Instant::now(),
            wall: now(),
            now,
        }
    }

    fn slept(&self) -> bool {
        let wall = (self.now)().duration_since(self.wall).unwrap_or_default();
        wall > self.timer.elapsed() + SLEPT
    }
}

impl Imap {
    /// Waits until the first of the mailbox's folders has mail that [`Imap::fetch`] has not given yet. Returns at once
    /// where it has.
    ///
    /// # Errors
    /// `Transient` where the connection is dead, which shows at the latest after [`super::Timeouts::idle`], or within
    /// [`super::Timeouts::probe`] after a sleep: open a new session.
    pub async fn wait(&mut self, at_most: Duration) -> Result<Wake, Failure> {
        let end = Instant::now() + at_most;
        let clocks = Clocks::start(self.options.clock);
        let folder = self.folders[0].clone();
        if self.opened.as_ref().is_none_or(|opened| opened.folder != folder) {
            self.examine(&folder).await?;
        }
        let mut listens = self.offers("IDLE");
        loop {
            if self.has_mail(&folder) {
                return Ok(Wake::Mail);
            }
            if Instant::now() >= end {
                return Ok(Wake::Time);
            }
            let slept = if listens {
                let until = end.min(Instant::now() + self.options.timeouts.idle);
                match self.idle(until, &clocks).await {
                    Ok(Idled::Slept) => true,
                    Ok(Idled::Told) => false,
                    Ok(Idled::Ended) | Err(Fault::Refused(_)) => {
                        listens = false;
                        false
                    }
                    Err(Fault::Lost(failure)) => return Err(failure),
                }
            } else {
                self.poll(end, &clocks).await?
            };
            if slept && !self.has_mail(&folder) {
                return Ok(Wake::Slept);
            }
        }
    }

    /// Whether the open folder has more than was read.
    fn has_mail(&self, folder: &str) -> bool {
        let Some(opened) = &self.opened else { return false };
        let read = self.read.get(folder);
        let behind = read.is_some_and(|(validity, next)| {
            opened.uid_validity != *validity || opened.uid_next.is_some_and(|end| end > *next)
        });
        behind || opened.exists > opened.seen
    }

    /// One IDLE: until mail is told, the time is over or the machine has slept.
    async fn idle(&mut self, until: Instant, clocks: &Clocks) -> Result<Idled, Fault> {
        let step = Step::Wait;
        let begun = Instant::now() + self.options.timeouts.command;
        let tag = self.tell(&step, "IDLE", begun).await?;
        let mut listening = false;
        for _ in 0..self.options.limits.responses {
            let deadline = match listening {
                true => until.min(Instant::now() + LOOK),
                false => begun,
            };
            let said = match self.wire.response(deadline).await {
                Err(Lost::TimedOut) if listening => {
                    let slept = clocks.slept();
                    if !slept && Instant::now() < until {
                        continue;
                    }
                    self.end_idle(&tag).await?;
                    return Ok(if slept { Idled::Slept } else { Idled::Told });
                }
                Err(lost) => return Err(self.lose(&step, lost)),
                Ok(said) => said,
            };
            // Each response has the whole budget of a command: a folder may tell of itself for hours.
            self.wire.begin();
            match self.sort(&step, &tag, said)? {
                Heard::Go(_) => listening = true,
                Heard::End(body) => return self.end(&step, body).map(|_| Idled::Ended),
                _ => {}
            }
            if listening
                && self
                    .opened
                    .as_ref()
                    .is_some_and(|opened| opened.exists > opened.seen)
            {
                self.end_idle(&tag).await?;
                return Ok(Idled::Told);
            }
        }
        Err(self.lose(&step, Lost::TooLong))
    }

    async fn end_idle(&mut self, tag: &str) -> Result<(), Fault> {
        let step = Step::Wait;
        let deadline = Instant::now() + self.options.timeouts.probe;
        self.say(&step, b"DONE\r\n", deadline).await?;
        for _ in 0..self.options.limits.responses {
            if let Heard::End(body) = self.hear(&step, tag, deadline).await? {
                return self.end(&step, body).map(drop);
            }
        }
        Err(self.lose(&step, Lost::TooLong))
    }

    /// A pause and a question (RFC 3501 §6.1.2). Whether the machine slept.
    async fn poll(&mut self, end: Instant, clocks: &Clocks) -> Result<bool, Failure> {
        let until = end.min(Instant::now() + self.options.timeouts.poll);
        let mut slept = false;
        while Instant::now() < until && !slept {
            sleep_until(until.min(Instant::now() + LOOK)).await;
            slept = clocks.slept();
        }
        let limit = match slept {
            true => self.options.timeouts.probe,
            false => self.options.timeouts.command,
        };
        self.ask(&Step::Wait, "NOOP", limit).await?;
        Ok(slept)
    }
}

/// How one IDLE ended.
enum Idled {
    /// Mail was told, or its time was over.
    Told,
    Slept,
    /// By the server, although nobody asked it to.
    Ended,
}
