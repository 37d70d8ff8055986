//! Which failure leads where: the table of what a message becomes after an attempt.

use carillon_adapters::channels::email::Finished;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::{MessageId, Moment};
use carillon_store::outbox::Word;
use chrono::TimeDelta;

/// What is held is looked at again after this.
pub struct Held;

impl Held {
    /// A pause ends by a user's word, which also makes a tick; this is the net below.
    pub const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(5);
}

/// Pauses between attempts, in minutes; the last one repeats.
const PAUSES: [i64; 6] = [5, 15, 60, 240, 480, 960];
/// A marketing message that did not leave within a day is of no use (RFC 5321 §4.5.4.1 lets a client give up; a
/// direct server would try four to five days).
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);

/// When to try again: full jitter over the pause, the same for the same attempt, so that a crash changes nothing.
pub fn back_off(id: MessageId, attempts: u32, now: Moment) -> Moment {
    let pause = PAUSES[(attempts as usize).min(PAUSES.len() - 1)] * 60_000;
    let mut hash =
        (id.0.unsigned_abs() << 8 | u64::from(attempts & 0xFF)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash ^= hash >> 29;
    // At least half of it: a server that is asked again at once says the same again.
    let spread = i64::try_from(hash % (pause.unsigned_abs() / 2 + 1)).unwrap_or(0);
    now + TimeDelta::milliseconds(pause / 2 + spread)
}

fn later(failure: &Failure, id: MessageId, attempts: u32, queued_at: Moment, now: Moment) -> Word {
    if now - queued_at >= GIVE_UP_AFTER {
        return Word::Expired;
    }
    Word::Deferred {
        next_at: back_off(id, attempts, now),
        failure: failure.clone(),
    }
}

/// After a stop before the dot: nothing was delivered.
pub fn word_of_stop(failure: &Failure, id: MessageId, attempts: u32, queued_at: Moment, now: Moment) -> Word {
    match failure.class {
        FailureClass::Recipient => Word::Bounced { failure: failure.clone() },
        FailureClass::Transient
        | FailureClass::Throttled
        | FailureClass::Sender
        | FailureClass::Auth
        | FailureClass::Setup
        | FailureClass::Refused
        // Before the dot nothing can be unknown.
        | FailureClass::Unknown => later(failure, id, attempts, queued_at, now),
    }
}

/// After the dot: the server's reply decides, and no reply is unknown.
pub fn word_of_finish(
    finished: &Finished,
    id: MessageId,
    attempts: u32,
    queued_at: Moment,
    now: Moment,
) -> Word {
    match &finished.outcome {
        Ok(reply) => Word::Accepted {
            reply: format!("{} {}", reply.codes(), reply.text()),
        },
        Err(failure) => match failure.class {
            FailureClass::Unknown => Word::Unknown {
                failure: failure.clone(),
            },
            _ => word_of_stop(failure, id, attempts, queued_at, now),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_adapters::channels::email::Phase;

    fn failure(class: FailureClass) -> Failure {
        Failure {
            class,
            code: "450".into(),
            detail: "not now".into(),
        }
    }

    fn at(minutes: i64) -> Moment {
        Moment::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn pauses_grow_and_keep_within_their_bounds() {
        for attempts in 0..10u32 {
            let pause = PAUSES[(attempts as usize).min(5)];
            for id in 1..200 {
                let next = back_off(MessageId(id), attempts, at(0));
                assert!(
                    next >= at(pause) - TimeDelta::minutes(pause) / 2,
                    "{attempts} {id}"
                );
                assert!(next <= at(pause), "{attempts} {id}");
            }
        }
        assert_eq!(back_off(MessageId(7), 2, at(0)), back_off(MessageId(7), 2, at(0)));
    }

    #[test]
    fn a_failure_before_the_dot_is_never_unknown_and_never_lost() {
        for class in [
            FailureClass::Transient,
            FailureClass::Throttled,
            FailureClass::Sender,
            FailureClass::Unknown,
        ] {
            assert!(
                matches!(
                    word_of_stop(&failure(class), MessageId(1), 0, at(0), at(0)),
                    Word::Deferred { .. }
                ),
                "{class:?}"
            );
        }
        assert!(matches!(
            word_of_stop(&failure(FailureClass::Recipient), MessageId(1), 0, at(0), at(0)),
            Word::Bounced { .. }
        ));
    }

    #[test]
    fn a_lost_reply_to_the_dot_is_unknown_and_not_tried_again() {
        let lost = Finished {
            outcome: Err(failure(FailureClass::Unknown)),
            phase: Phase::Dot,
            session: None,
        };
        assert!(matches!(
            word_of_finish(&lost, MessageId(1), 0, at(0), at(0)),
            Word::Unknown { .. }
        ));
        let no = Finished {
            outcome: Err(failure(FailureClass::Transient)),
            phase: Phase::Dot,
            session: None,
        };
        assert!(matches!(
            word_of_finish(&no, MessageId(1), 0, at(0), at(0)),
            Word::Deferred { .. }
        ));
    }

    #[test]
    fn a_message_is_given_up_after_a_day() {
        let word = word_of_stop(
            &failure(FailureClass::Transient),
            MessageId(1),
            5,
            at(0),
            at(24 * 60),
        );
        assert_eq!(word, Word::Expired);
    }
}
