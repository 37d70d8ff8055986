//! The outbox: one row a message, under a unique key, through the states of [`MessageState`].
//!
//! The law of the states is here, the decisions are not: who may be written to, when, and what a failure leads
//! to is said by the caller. Whenever a message reaches a state a journey may know of, the store itself puts
//! the outcome into [`crate::inputs`] in the same write, so that no caller can forget it.

pub mod due;
mod elsewhere;
mod lanes;
mod list;
mod record;

pub use lanes::{
    Claimed, Which, accepted_at, cancel_journey, claim, freeze_all, hold, in_flight, load, next_at,
    number_from, on_their_way, queue, release, release_all, rendered, take_up, take_up_of, waiting_for,
};
pub use list::{Attempt, Filter, attempts, counts, get, of_contact, page};
pub use record::{Resolution, Word, doubtful, late_bounce, proved, record, resolve, resolve_batch};

pub(crate) use elsewhere::{Elsewhere, TakenOver, since, take_over};
pub(crate) use lanes::letterhead;
pub(crate) use record::{cancel_merged, forget, give_sent, is_merged, wait_again};

use crate::codes::Code;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::message::MessageState;
use carillon_model::{AccountId, ContactId, EnrolmentId, JourneyId, MessageId, StepId, TemplateId};

/// Key of the setting that holds all sending.
pub const PAUSED: &str = "sending_paused";

/// Key of the setting that says why: the file was put in its place by a restore, and nobody has resumed sending since.
pub const RESTORED: &str = "sending_paused_by_restore";

/// A message to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// The passage that asks for it; with step and visit it is the message's identity.
    pub enrolment: EnrolmentId,
    pub journey: JourneyId,
    pub step: StepId,
    pub contact: ContactId,
    /// Number of the passage among those of the contact in the journey.
    pub number: u32,
    pub visit: u32,
    pub account: AccountId,
    pub template: TemplateId,
    pub transactional: bool,
}

/// What an opening settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Were in flight when the last owner went: their outcome is unknown.
    pub unknown: Vec<MessageId>,
    /// Were claimed, and nothing of them was said: back in the queue.
    pub requeued: u64,
}

const CLAIMED: &str = sql!("SELECT id FROM outbox WHERE state = 2 AND state BETWEEN 2 AND 5 ORDER BY id");
const IN_FLIGHT: &str = sql!("SELECT id FROM outbox WHERE state = 3 AND state BETWEEN 2 AND 5 ORDER BY id");

/// Settles what is claimed or in flight though nobody works on it: after another owner of the file ended, or after the
/// work on it failed. No session may be open.
///
/// # Errors
/// SQLite's.
pub fn recover(tx: &mut Tx<'_>) -> Result<Recovered> {
    let ids = |tx: &Tx<'_>, sql| tx.all(sql, (), |row| Ok(MessageId(row.get(0)?)));
    let claimed = ids(tx, CLAIMED)?;
    let unknown = ids(tx, IN_FLIGHT)?;
    for id in &claimed {
        lanes::put_back(tx, *id, None)?;
    }
    for id in &unknown {
        let word = Word::Unknown {
            failure: carillon_model::message::Failure {
                class: carillon_model::message::FailureClass::Unknown,
                code: "owner_gone".to_owned(),
                detail: "The work on this message ended before its server's reply was kept.".to_owned(),
            },
        };
        record::settle(tx, *id, &word)?;
    }
    Ok(Recovered {
        unknown,
        requeued: claimed.len() as u64,
    })
}

/// Puts what is claimed for a contact back into the queue, because the contact is merged into another.
pub(crate) fn unclaim(tx: &mut Tx<'_>, contact: ContactId) -> Result<()> {
    const CLAIMED_FOR: &str = sql!(
        "SELECT o.id FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id AND e.contact = ?1
         CROSS JOIN outbox o ON o.enrolment = e.id WHERE o.state = 2"
    );
    let claimed = tx.all(CLAIMED_FOR, (contact.0,), |row| Ok(MessageId(row.get(0)?)))?;
    claimed
        .into_iter()
        .try_for_each(|id| lanes::put_back(tx, id, None))
}

/// Whether the law allows the step from one state to another.
pub fn allowed(from: MessageState, to: MessageState) -> bool {
    use MessageState::{
        Accepted, Bounced, Cancelled, Claimed, Deferred, Expired, Frozen, InFlight, Queued, Suppressed,
        Unknown,
    };
    match from {
        Queued | Deferred => matches!(to, Claimed | Cancelled | Expired | Suppressed | Frozen),
        Claimed => matches!(
            to,
            Queued | Deferred | InFlight | Bounced | Suppressed | Expired | Cancelled | Frozen
        ),
        InFlight => matches!(to, Accepted | Deferred | Bounced | Unknown | Expired | Frozen),
        // A late proof, or the user's word.
        Unknown => matches!(to, Accepted | Bounced | Queued | Cancelled | Frozen),
        Frozen => matches!(to, Accepted | Queued | Unknown | Cancelled),
        Accepted => matches!(to, Bounced),
        Bounced | Suppressed | Expired | Cancelled => false,
    }
}

fn check(id: MessageId, from: MessageState, to: MessageState) -> Result<()> {
    if allowed(from, to) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "Message {id} is {from:?} and cannot become {to:?}."
    )))
}

fn state_of(tx: &Tx<'_>, id: MessageId) -> Result<MessageState> {
    const STATE: &str = sql!("SELECT state FROM outbox WHERE id = ?1");
    let code = tx
        .value::<i64>(STATE, (id.0,))?
        .ok_or_else(|| Error::missing("message", id))?;
    MessageState::of(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_an_end_but_a_late_bounce_and_nothing_from_unknown_to_claimed() {
        for (state, _) in MessageState::TABLE {
            for end in [
                MessageState::Bounced,
                MessageState::Suppressed,
                MessageState::Expired,
                MessageState::Cancelled,
            ] {
                assert!(!allowed(end, *state));
            }
            assert_eq!(
                allowed(MessageState::Accepted, *state),
                *state == MessageState::Bounced
            );
        }
        assert!(!allowed(MessageState::Unknown, MessageState::Claimed));
        assert!(!allowed(MessageState::InFlight, MessageState::Queued));
        assert!(!allowed(MessageState::Claimed, MessageState::Accepted));
    }
}
