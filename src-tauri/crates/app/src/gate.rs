//! The gate: the only way out. Asked at the last instant, in the transaction that marks a message in flight.

use carillon_model::message::Refusal;

/// What the gate knows of one message when its session stands before the final dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The contact is still there.
    pub contact: bool,
    /// The ledger's last word for channel and purpose is a grant. Transactional messages need none.
    pub permitted: bool,
    /// The list keeps this message from its address.
    pub suppressed: bool,
    /// The contact left the topic the mail is about.
    pub topic_left: bool,
    /// The contact asked for no mails until a day that is still to come.
    pub rests: bool,
    /// A reply of the contact may be a wish to get no more mail, and nobody has decided on it.
    pub may_leave: bool,
    /// Typed as transactional: consent for marketing does not matter, nor what was chosen of it; the suppression list does.
    pub transactional: bool,
    /// The journey was stopped.
    pub stopped: bool,
    /// Sending, the account or the journey is paused.
    pub paused: bool,
    /// The account has used up what its limits allow.
    pub over_limit: bool,
    /// The server is on this machine: nothing leaves it.
    pub loopback: bool,
    /// There is a source of opt-outs (mailbox, relay, provider), and each was read lately.
    pub listening: bool,
    /// It fell due with many others while nobody was there, and nobody has said yet what becomes of them.
    pub away: bool,
}

/// Whether the message must not leave, and why. `None` lets it pass.
///
/// The order is that of finality: what ends a message is said before what only holds it.
pub fn decide(case: &Case) -> Option<Refusal> {
    if !case.contact {
        return Some(Refusal::NoContact);
    }
    if case.suppressed {
        return Some(Refusal::Suppressed);
    }
    if !case.permitted && !case.transactional {
        return Some(Refusal::NoConsent);
    }
    if case.topic_left && !case.transactional {
        return Some(Refusal::TopicLeft);
    }
    if case.stopped {
        return Some(Refusal::Stopped);
    }
    if case.paused {
        return Some(Refusal::Paused);
    }
    if case.rests && !case.transactional {
        return Some(Refusal::ContactPaused);
    }
    if case.may_leave && !case.transactional {
        return Some(Refusal::MayLeave);
    }
    // A machine that cannot hear an unsubscribe must not send marketing (48 h at Gmail and Yahoo, 10 business
    // days under CAN-SPAM and CASL).
    if !case.loopback && !case.transactional && !case.listening {
        return Some(Refusal::NoOptOutSource);
    }
    if case.away && !case.transactional {
        return Some(Refusal::Away);
    }
    if case.over_limit {
        return Some(Refusal::OverLimit);
    }
    None
}

/// Whether a refusal ends the message, or holds it until something changes.
pub fn is_final(refusal: Refusal) -> bool {
    match refusal {
        Refusal::NoConsent
        | Refusal::Suppressed
        | Refusal::TopicLeft
        | Refusal::NoContact
        | Refusal::Stopped => true,
        Refusal::ContactPaused
        | Refusal::MayLeave
        | Refusal::Paused
        | Refusal::OverLimit
        | Refusal::NoOptOutSource
        | Refusal::Away => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Case = Case {
        contact: true,
        permitted: true,
        suppressed: false,
        topic_left: false,
        rests: false,
        may_leave: false,
        transactional: false,
        stopped: false,
        paused: false,
        over_limit: false,
        loopback: true,
        listening: false,
        away: false,
    };

    #[test]
    fn a_message_with_everything_in_order_passes() {
        assert_eq!(decide(&OPEN), None);
    }

    #[test]
    fn each_reason_alone_stops_a_message() {
        assert_eq!(
            decide(&Case {
                contact: false,
                ..OPEN
            }),
            Some(Refusal::NoContact)
        );
        assert_eq!(
            decide(&Case {
                suppressed: true,
                ..OPEN
            }),
            Some(Refusal::Suppressed)
        );
        assert_eq!(
            decide(&Case {
                permitted: false,
                ..OPEN
            }),
            Some(Refusal::NoConsent)
        );
        assert_eq!(
            decide(&Case {
                stopped: true,
                ..OPEN
            }),
            Some(Refusal::Stopped)
        );
        assert_eq!(
            decide(&Case {
                topic_left: true,
                ..OPEN
            }),
            Some(Refusal::TopicLeft)
        );
        assert_eq!(
            decide(&Case { rests: true, ..OPEN }),
            Some(Refusal::ContactPaused)
        );
        assert_eq!(
            decide(&Case {
                may_leave: true,
                ..OPEN
            }),
            Some(Refusal::MayLeave)
        );
        assert_eq!(decide(&Case { paused: true, ..OPEN }), Some(Refusal::Paused));
        assert_eq!(
            decide(&Case {
                over_limit: true,
                ..OPEN
            }),
            Some(Refusal::OverLimit)
        );
        assert_eq!(
            decide(&Case {
                loopback: false,
                ..OPEN
            }),
            Some(Refusal::NoOptOutSource)
        );
    }

    #[test]
    fn what_fell_due_in_an_absence_waits_for_an_answer_unless_it_was_asked_for() {
        let away = Case { away: true, ..OPEN };
        assert_eq!(decide(&away), Some(Refusal::Away));
        let asked_for = Case {
            transactional: true,
            ..away
        };
        assert_eq!(decide(&asked_for), None);
        assert!(!is_final(Refusal::Away));
    }

    #[test]
    fn a_transactional_message_needs_no_marketing_consent_but_respects_the_list() {
        let case = Case {
            transactional: true,
            permitted: false,
            topic_left: true,
            rests: true,
            may_leave: true,
            ..OPEN
        };
        assert_eq!(decide(&case), None);
        assert_eq!(
            decide(&Case {
                suppressed: true,
                ..case
            }),
            Some(Refusal::Suppressed)
        );
    }

    #[test]
    fn marketing_leaves_only_while_somebody_listens_and_what_was_asked_for_leaves_all_the_same() {
        let outside = Case {
            loopback: false,
            ..OPEN
        };
        assert_eq!(decide(&outside), Some(Refusal::NoOptOutSource));
        let heard = Case {
            listening: true,
            ..outside
        };
        assert_eq!(decide(&heard), None);
        let asked_for = Case {
            transactional: true,
            ..outside
        };
        assert_eq!(decide(&asked_for), None);
    }

    #[test]
    fn nothing_passes_the_gate_that_any_single_fact_forbids() {
        // All 8,192 cases against the rule written the other way round.
        for bits in 0..8_192u32 {
            let bit = |n: u32| bits & (1 << n) != 0;
            let case = Case {
                contact: bit(0),
                permitted: bit(1),
                suppressed: bit(2),
                transactional: bit(3),
                stopped: bit(4),
                paused: bit(5),
                over_limit: bit(6),
                loopback: bit(7),
                listening: bit(8),
                topic_left: bit(9),
                rests: bit(10),
                away: bit(11),
                may_leave: bit(12),
            };
            let allowed = case.contact
                && !case.suppressed
                && (case.transactional
                    || (case.permitted && !case.topic_left && !case.rests && !case.may_leave))
                && !case.stopped
                && !case.paused
                && !case.over_limit
                && (case.loopback || case.listening || case.transactional)
                && (!case.away || case.transactional);
            assert_eq!(decide(&case).is_none(), allowed, "{case:?}");
        }
    }
}
