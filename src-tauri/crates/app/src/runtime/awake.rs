//! Sleep and waking: a clock that plays does not leap over a night, and after one the world is heard before anything
//! leaves, and what fell due meanwhile is counted before any of it does.

use super::{LOOK, Ran, ticks};
use crate::absence;
use crate::campaigns::advance;
use crate::clock::machine_now;
use crate::error::Result;
use crate::intake;
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_model::Moment;
use carillon_model::workspace::ClockKind;
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a clock that plays moves on.
pub(super) const BEAT: Duration = Duration::from_millis(100);
/// Most real time that counts as played between two looks: a machine that slept, or was busy, does not make a virtual
/// clock leap.
const PLAYED: Duration = Duration::from_millis(500);

/// How long a clock has played since it was last asked.
pub(super) fn since(last: &mut Option<Instant>) -> Duration {
    let passed = last.map(|last| last.elapsed());
    *last = Some(Instant::now());
    played(passed)
}

/// What counts as played of the time that passed; at the first beat, one beat.
fn played(passed: Option<Duration>) -> Duration {
    passed.map_or(BEAT, |passed| passed.min(PLAYED))
}

/// Reads every source of a workspace on the real clock while nothing is sent: whoever said no while it was closed, or
/// the machine slept, is heard before what is due leaves, however lately each source was read before that. What cannot
/// be read is noted with its source, and is the gate's to judge. `since`: when nobody was there any more.
pub(super) async fn wake_up(open: &Arc<Open>, since: Moment) {
    if open.clock.kind() != ClockKind::Real {
        return;
    }
    let _driving = open.runtime.drive.lock().await;
    tokio::select! {
        read = intake::read_all(open) => {
            if let Err(error) = read {
                tracing::error!(%error, "the sources could not be read before sending");
            }
        }
        // Whoever closes the workspace waits for nobody's server.
        () = stopped(open) => {}
    }
    if let Err(error) = catch_up(open, since).await {
        tracing::error!(%error, "what fell due meanwhile could not be counted before sending");
    }
}

/// Lets journeys and campaigns decide all that fell due since, sends nothing of it, and notes the absence.
async fn catch_up(open: &Arc<Open>, since: Moment) -> Result<()> {
    open.store.advance_clock(machine_now()).await?;
    loop {
        let now = open.now();
        ticks(open, now, &Job::unwatched(), &mut Ran::default()).await?;
        if open.runtime.stopped() || !advance::advance(open, now).await? {
            break;
        }
    }
    absence::note(open, since).await
}

async fn stopped(open: &Open) {
    loop {
        // Before the question, so that an end between the two is not missed.
        let woken = open.runtime.wake.notified();
        if open.runtime.stopped() {
            return;
        }
        woken.await;
    }
}

/// A stretch of time on both clocks of the machine: timers stand still while it is suspended, its calendar does not.
pub(super) struct Pause {
    calendar: Moment,
    timer: Instant,
}

impl Pause {
    pub(super) fn begin() -> Pause {
        Pause {
            calendar: machine_now(),
            timer: Instant::now(),
        }
    }

    /// When it began, by the calendar.
    pub(super) fn began(&self) -> Moment {
        self.calendar
    }

    /// By the timer.
    pub(super) fn elapsed(&self) -> Duration {
        self.timer.elapsed()
    }

    /// Whether the machine was suspended in it for longer than the loop ever sleeps.
    pub(super) fn was_suspended(&self) -> bool {
        is_gap(machine_now() - self.calendar, self.timer.elapsed())
    }
}

fn is_gap(calendar: TimeDelta, timer: Duration) -> bool {
    calendar
        .to_std()
        .is_ok_and(|calendar| calendar > timer.saturating_add(LOOK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_plays_does_not_leap_over_a_night_in_which_the_machine_slept() {
        assert_eq!(played(Some(Duration::from_secs(8 * 3_600))), PLAYED);
        assert_eq!(
            played(Some(Duration::from_millis(120))),
            Duration::from_millis(120)
        );
        assert_eq!(played(None), BEAT, "nor over the time in which it stood still");
    }

    #[test]
    fn a_calendar_that_went_on_without_the_timer_tells_that_the_machine_slept() {
        let second = Duration::from_secs(1);
        assert!(is_gap(TimeDelta::minutes(4), second));
        assert!(
            !is_gap(TimeDelta::seconds(3), second),
            "a slow minute is no sleep"
        );
        assert!(!is_gap(TimeDelta::minutes(4), Duration::from_secs(240)));
        assert!(
            !is_gap(TimeDelta::hours(-1), second),
            "a clock that was set back is none"
        );
    }
}
