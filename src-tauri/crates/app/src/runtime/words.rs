//! Which failure leads where: the table of what a message becomes after an attempt.

use carillon_adapters::channels::email::{Finished, Phase};
use carillon_adapters::http::Failed;
use carillon_adapters::providers::Accepted;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::{MessageId, Moment, ProviderId};
use carillon_store::outbox::Word;
use chrono::TimeDelta;

/// When what the gate holds is looked at again. The end of a pause takes it up at once; this is the net below.
pub const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(5);

/// Pauses between attempts, in minutes. After the last one a message is given up, about a day after its first attempt
/// however long it had waited for its account's limit: a direct server would try four to five days (RFC 5321
/// §4.5.4.1), a client may give up, and marketing of the day before is of no use.
const PAUSES: [i64; 6] = [5, 15, 60, 240, 480, 960];

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

fn later(failure: &Failure, id: MessageId, attempts: u32, now: Moment) -> Word {
    if attempts as usize >= PAUSES.len() {
        return Word::Expired;
    }
    Word::Deferred {
        next_at: back_off(id, attempts, now),
        failure: failure.clone(),
    }
}

/// After a stop before the dot: nothing was delivered. `attempts`: those that failed before this one.
pub fn word_of_stop(failure: &Failure, phase: Phase, id: MessageId, attempts: u32, now: Moment) -> Word {
    match failure.class {
        // This server can never take this message; another one may be taken.
        FailureClass::Sender if phase == Phase::Check => Word::Cancelled {
            why: failure.detail.clone(),
        },
        FailureClass::Recipient => Word::Bounced { failure: failure.clone() },
        FailureClass::Transient
        | FailureClass::Throttled
        | FailureClass::Sender
        | FailureClass::Auth
        | FailureClass::Setup
        | FailureClass::Refused
        // Before the dot nothing can be unknown.
        | FailureClass::Unknown => later(failure, id, attempts, now),
    }
}

/// After the dot: the server's reply decides, and no reply is unknown. A server that has read the whole message and
/// refuses it for good (5xx) is not offered it again, whoever is to blame; what it says of a limit or of a full mailbox
/// passes.
pub fn word_of_finish(finished: &Finished, id: MessageId, attempts: u32, now: Moment) -> Word {
    let failure = match &finished.outcome {
        Ok(reply) => {
            return Word::Accepted {
                reply: format!("{} {}", reply.codes(), reply.text()),
            };
        }
        Err(failure) => failure,
    };
    let passes = matches!(failure.class, FailureClass::Transient | FailureClass::Throttled);
    let for_good = finished.phase == Phase::Dot && failure.code.starts_with('5') && !passes;
    match failure.class {
        FailureClass::Unknown => Word::Unknown {
            failure: failure.clone(),
        },
        _ if for_good => Word::Bounced {
            failure: failure.clone(),
        },
        _ => word_of_stop(failure, finished.phase, id, attempts, now),
    }
}

/// After a call of a provider's API: its answer decides, and no answer is unknown. What is refused because of the sender
/// waits until somebody has looked, as before the dot: a provider that refuses a request has taken nothing.
pub fn word_of_call(
    outcome: Result<Accepted, Failed>,
    by: ProviderId,
    label: &str,
    id: MessageId,
    attempts: u32,
    now: Moment,
) -> Word {
    let Failed { failure, retry_after } = match outcome {
        Ok(Accepted { provider_id: called }) => {
            let reply = match called.is_empty() {
                true => format!("{label} took it."),
                false => format!("{label} took it as {called}."),
            };
            return Word::Taken { by, called, reply };
        }
        Err(failed) => failed,
    };
    if failure.class == FailureClass::Unknown {
        return Word::Unknown { failure };
    }
    let asked = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
    match (word_of_stop(&failure, Phase::Mail, id, attempts, now), asked) {
        (Word::Deferred { next_at, failure }, Some(wait)) => Word::Deferred {
            next_at: next_at.max(now + wait),
            failure,
        },
        (word, _) => word,
    }
}

/// Whether a failure says more of the sender than of the message: going on would do harm or find the same again, and
/// the contacts are not to blame.
pub fn stops_the_lane(failure: &Failure, phase: Phase) -> bool {
    let of_sender = matches!(
        failure.class,
        FailureClass::Sender
            | FailureClass::Throttled
            | FailureClass::Auth
            | FailureClass::Setup
            | FailureClass::Refused
    );
    of_sender && phase != Phase::Check
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_model::message::MessageState;
    use carillon_store::outbox::allowed;

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
                    word_of_stop(&failure(class), Phase::Rcpt, MessageId(1), 0, at(0)),
                    Word::Deferred { .. }
                ),
                "{class:?}"
            );
        }
        assert!(matches!(
            word_of_stop(
                &failure(FailureClass::Recipient),
                Phase::Rcpt,
                MessageId(1),
                0,
                at(0)
            ),
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
            word_of_finish(&lost, MessageId(1), 0, at(0)),
            Word::Unknown { .. }
        ));
        let no = Finished {
            outcome: Err(failure(FailureClass::Transient)),
            phase: Phase::Dot,
            session: None,
        };
        assert!(matches!(
            word_of_finish(&no, MessageId(1), 0, at(0)),
            Word::Deferred { .. }
        ));
    }

    #[test]
    fn a_message_that_was_read_whole_and_refused_for_good_is_not_offered_again() {
        let refused = |class, code: &str, phase| {
            let outcome = Err(Failure {
                code: code.into(),
                ..failure(class)
            });
            let finished = Finished {
                outcome,
                phase,
                session: None,
            };
            word_of_finish(&finished, MessageId(1), 0, at(0)).state()
        };
        for class in [FailureClass::Recipient, FailureClass::Sender, FailureClass::Auth] {
            assert_eq!(
                refused(class, "554 5.7.1", Phase::Dot),
                MessageState::Bounced,
                "{class:?}"
            );
        }
        // A limit and a full mailbox pass, whatever the first digit; so does what ends before the dot is written.
        for class in [FailureClass::Throttled, FailureClass::Transient] {
            assert_eq!(
                refused(class, "550 5.4.5", Phase::Dot),
                MessageState::Deferred,
                "{class:?}"
            );
        }
        assert_eq!(
            refused(FailureClass::Sender, "554 5.7.1", Phase::Body),
            MessageState::Deferred
        );
        assert_eq!(
            refused(FailureClass::Sender, "451 4.3.0", Phase::Dot),
            MessageState::Deferred
        );
    }

    #[test]
    fn a_message_is_given_up_about_a_day_after_its_first_attempt() {
        let (mut now, mut attempts) = (at(0), 0);
        while let Word::Deferred { next_at, .. } = word_of_stop(
            &failure(FailureClass::Transient),
            Phase::Rcpt,
            MessageId(1),
            attempts,
            now,
        ) {
            (now, attempts) = (next_at, attempts + 1);
        }
        assert_eq!(attempts, 6);
        assert!(now >= at(14 * 60) && now <= at(30 * 60), "{now}");
    }

    #[test]
    fn whatever_a_server_says_before_or_after_the_dot_is_a_step_the_law_knows() {
        for class in [
            FailureClass::Transient,
            FailureClass::Throttled,
            FailureClass::Recipient,
            FailureClass::Sender,
            FailureClass::Auth,
            FailureClass::Setup,
            FailureClass::Refused,
            FailureClass::Unknown,
        ] {
            for attempts in [0, 6, 40] {
                for phase in [Phase::Check, Phase::Mail, Phase::Rcpt, Phase::Data] {
                    let word = word_of_stop(&failure(class), phase, MessageId(1), attempts, at(0));
                    assert!(
                        allowed(MessageState::Claimed, word.state()),
                        "{class:?} {phase:?}"
                    );
                }
                let finished = Finished {
                    outcome: Err(failure(class)),
                    phase: Phase::Dot,
                    session: None,
                };
                let word = word_of_finish(&finished, MessageId(1), attempts, at(0));
                assert!(
                    allowed(MessageState::InFlight, word.state()),
                    "{class:?} {attempts}"
                );
            }
        }
    }

    #[test]
    fn whatever_a_provider_answers_is_a_step_the_law_knows_and_a_lost_answer_is_unknown() {
        let call = |outcome, attempts| {
            word_of_call(outcome, ProviderId(1), "Mailgun", MessageId(1), attempts, at(0))
        };
        let taken = call(
            Ok(Accepted {
                provider_id: "x1".into(),
            }),
            0,
        );
        assert!(matches!(&taken, Word::Taken { called, .. } if called == "x1"));
        assert_eq!(taken.state(), MessageState::Accepted);
        for (class, state) in [
            (FailureClass::Unknown, MessageState::Unknown),
            (FailureClass::Recipient, MessageState::Bounced),
            (FailureClass::Transient, MessageState::Deferred),
            (FailureClass::Throttled, MessageState::Deferred),
            (FailureClass::Sender, MessageState::Deferred),
            (FailureClass::Auth, MessageState::Deferred),
            (FailureClass::Setup, MessageState::Deferred),
            (FailureClass::Refused, MessageState::Deferred),
        ] {
            let failed = |retry_after| {
                Err(Failed {
                    failure: failure(class),
                    retry_after,
                })
            };
            assert_eq!(call(failed(None), 0).state(), state, "{class:?}");
            for attempts in [0, 6, 40] {
                assert!(
                    allowed(MessageState::InFlight, call(failed(None), attempts).state()),
                    "{class:?} {attempts}"
                );
            }
        }
        let wait = std::time::Duration::from_secs(7_200);
        let busy = Failed {
            failure: failure(FailureClass::Throttled),
            retry_after: Some(wait),
        };
        assert!(matches!(call(Err(busy), 0), Word::Deferred { next_at, .. } if next_at >= at(120)));
    }

    #[test]
    fn one_address_a_server_cannot_take_stops_no_lane_and_a_policy_does() {
        let sender = failure(FailureClass::Sender);
        assert!(!stops_the_lane(&sender, Phase::Check));
        assert!(matches!(
            word_of_stop(&sender, Phase::Check, MessageId(1), 0, at(0)),
            Word::Cancelled { .. }
        ));
        for phase in [Phase::Mail, Phase::Dot] {
            assert!(stops_the_lane(&sender, phase));
            assert!(stops_the_lane(&failure(FailureClass::Throttled), phase));
            assert!(!stops_the_lane(&failure(FailureClass::Transient), phase));
            assert!(!stops_the_lane(&failure(FailureClass::Recipient), phase));
        }
    }
}
