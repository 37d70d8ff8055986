//! What became of a message.

use super::lanes::{must_load, tell};
use super::{Claimed, check};
use crate::campaigns;
use crate::codes::{Code, word};
use crate::db::Db;
use crate::duplicates;
use crate::error::{Error, Result};
use crate::inputs::{self, NewInput, Pending};
use crate::membership::Change;
use crate::providers;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::templates;
use crate::time::{moment, ms};
use crate::tx::{Mark, Tx};
use carillon_model::journey::Outcome;
use carillon_model::message::{Failure, MessageState, Refusal};
use carillon_model::{AccountId, ContactId, JourneyId, MessageId, Moment, ProviderId};

const SENT: &str = sql!(
    "SELECT ifnull(a.contact, o.contact), t.name, o.accepted_at, o.id FROM outbox o JOIN templates t ON t.id = o.template
     LEFT JOIN contact_aliases a ON a.absorbed = o.contact WHERE o.accepted_at IS NOT NULL",
    scan: "the index reads all messages when somebody first asks for one"
);
const SETTLE: &str = sql!(
    "UPDATE outbox SET state = ?2, next_at = ifnull(?3, next_at), last_word = ?4, last_attempt = ifnull(?5, last_attempt),
                       changed_at = ?6, accepted_at = CASE ?2 WHEN 6 THEN ?6 ELSE accepted_at END, attempts = attempts + ?7,
                       fence = NULL, was = NULL WHERE id = ?1"
);
const ATTEMPT: &str = sql!(
    "INSERT INTO attempts(id, message, prev, number, at, state, class, code, detail)
     VALUES(?1, ?2, (SELECT last_attempt FROM outbox WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8)"
);
const FENCE: &str = sql!("SELECT fence FROM outbox WHERE id = ?1");
const OPEN_OF: &str = sql!(
    "SELECT o.id FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id
       AND e.contact IN (SELECT ?1 UNION ALL SELECT absorbed FROM contact_aliases WHERE contact = ?1)
     CROSS JOIN outbox o ON o.enrolment = e.id WHERE o.state < 2 OR o.state IN (2, 5)"
);
const DOUBTFUL: &str = sql!(
    "SELECT id FROM outbox WHERE state BETWEEN 4 AND 5 AND state BETWEEN 2 AND 5 AND account = ?1
       AND changed_at BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4"
);
const HELD: &str = sql!(
    "SELECT id FROM outbox WHERE state = ?1 AND state BETWEEN 2 AND 5 AND id > ?2
       AND (?3 IS NULL OR journey = ?3) AND (?4 IS NULL OR account = ?4) ORDER BY id LIMIT ?5"
);

/// The word on a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// A server took it; its reply, which often names its own queue id.
    Accepted { reply: String },
    /// A provider took it, and calls it so.
    Taken {
        by: ProviderId,
        called: String,
        reply: String,
    },
    /// Refused for the moment, or a break before the dot.
    Deferred { next_at: Moment, failure: Failure },
    /// Refused for good.
    Bounced { failure: Failure },
    /// The dot was written and no reply is known.
    Unknown { failure: Failure },
    /// The gate refused it for good.
    Suppressed { refusal: Refusal },
    /// Too late to be of use.
    Expired,
    /// Taken back.
    Cancelled { why: String },
}

impl Word {
    /// The state it leads to.
    pub fn state(&self) -> MessageState {
        match self {
            Word::Accepted { .. } | Word::Taken { .. } => MessageState::Accepted,
            Word::Deferred { .. } => MessageState::Deferred,
            Word::Bounced { .. } => MessageState::Bounced,
            Word::Unknown { .. } => MessageState::Unknown,
            Word::Suppressed { .. } => MessageState::Suppressed,
            Word::Expired => MessageState::Expired,
            Word::Cancelled { .. } => MessageState::Cancelled,
        }
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Word::Deferred { failure, .. } | Word::Bounced { failure } | Word::Unknown { failure } => {
                Some(failure)
            }
            _ => None,
        }
    }

    fn text(&self) -> Result<Option<String>> {
        Ok(match self {
            Word::Accepted { reply } | Word::Taken { reply, .. } => Some(reply.clone()),
            Word::Cancelled { why } => Some(why.clone()),
            Word::Suppressed { refusal } => Some(word(refusal)?),
            Word::Expired => None,
            // A server's code belongs to what it said; a word of ours does not.
            other => other
                .failure()
                .map(|f| match f.code.starts_with(|c: char| c.is_ascii_digit()) {
                    true => format!("{} {}", f.code, f.detail),
                    false => f.detail.clone(),
                }),
        })
    }

    /// What a journey may know of it.
    fn outcome(&self) -> Option<Outcome> {
        Some(match self {
            Word::Accepted { .. } | Word::Taken { .. } => Outcome::Accepted,
            Word::Bounced { .. } => Outcome::Bounced,
            Word::Unknown { .. } => Outcome::Unknown,
            Word::Suppressed { .. } => Outcome::Suppressed,
            Word::Expired => Outcome::Expired,
            Word::Cancelled { .. } => Outcome::Cancelled,
            Word::Deferred { .. } => return None,
        })
    }
}

/// Gives all messages that a server took; those of an absorbed contact are the survivor's.
pub(crate) fn give_sent(db: &Db<'_>, give: &mut dyn FnMut(ContactId, &str, Moment, MessageId)) -> Result<()> {
    db.each(SENT, (), |row| {
        let template = row
            .get_ref(1)?
            .as_str()
            .map_err(|e| Error::damaged("templates", e))?;
        give(
            ContactId(row.get(0)?),
            template,
            moment(row.get(2)?)?,
            MessageId(row.get(3)?),
        );
        Ok(())
    })
}

/// Records what became of a claimed or in-flight message, with its attempt, figures and outcome.
///
/// # Errors
/// [`Error::LostLease`] when another claim has it, [`Error::Invalid`] for a step the law does not know.
pub fn record(tx: &mut Tx<'_>, id: MessageId, fence: i64, word: &Word) -> Result<()> {
    match tx.value::<Option<i64>>(FENCE, (id.0,))? {
        Some(Some(f)) if f == fence => settle(tx, id, word),
        Some(_) => Err(Error::LostLease { id: id.0 }),
        None => Err(Error::missing("message", id)),
    }
}

/// Records a bounce that a mailbox or provider reported after a server had accepted the message, or while its
/// outcome was unknown.
///
/// # Errors
/// [`Error::Invalid`] for another word, or a message that was neither.
pub fn late_bounce(tx: &mut Tx<'_>, id: MessageId, word: &Word) -> Result<()> {
    let state = super::state_of(tx, id)?;
    let held = matches!(state, MessageState::Accepted | MessageState::Unknown);
    match (held, word) {
        (true, Word::Bounced { .. }) => settle(tx, id, word),
        _ => Err(Error::Invalid(format!(
            "Message {id} is {state:?}; no bounce can come late for it."
        ))),
    }
}

/// Records that a message of unknown fate had left after all: something came back for it. `proof`: what, in a sentence.
///
/// # Errors
/// [`Error::Invalid`] when its fate is known.
pub fn proved(tx: &mut Tx<'_>, id: MessageId, proof: &str) -> Result<()> {
    match super::state_of(tx, id)? {
        MessageState::Unknown | MessageState::Frozen => settle(
            tx,
            id,
            &Word::Accepted {
                reply: proof.to_owned(),
            },
        ),
        state => Err(Error::Invalid(format!(
            "Message {id} is {state:?}; there is nothing to prove."
        ))),
    }
}

/// [`record`] without a claim: by the user, by the opening of the file.
pub(crate) fn settle(tx: &mut Tx<'_>, id: MessageId, word: &Word) -> Result<()> {
    let row = must_load(tx, id)?;
    let to = word.state();
    check(id, row.state, to)?;
    let now = tx.now();
    let attempt = match (row.state, word) {
        (MessageState::InFlight, _) | (_, Word::Deferred { .. } | Word::Bounced { .. }) => {
            Some(add_attempt(tx, &row, word, now)?)
        }
        _ => None,
    };
    let next_at = match word {
        Word::Deferred { next_at, .. } => Some(ms(*next_at)),
        _ => None,
    };
    // One in flight is counted already.
    let more = i64::from(attempt.is_some() && row.state != MessageState::InFlight);
    tx.run(
        SETTLE,
        (id.0, to.code(), next_at, word.text()?, attempt, ms(now), more),
    )?;
    if let Word::Taken { by, called, .. } = word {
        providers::know(tx, *by, called, id)?;
    }
    figures(tx, &row, to, now)?;
    if let Some(outcome) = word.outcome() {
        tell_journey(tx, &row, outcome, now)?;
    }
    tell(tx, id);
    Ok(())
}

fn add_attempt(tx: &mut Tx<'_>, row: &Claimed, outcome: &Word, now: Moment) -> Result<i64> {
    let id = tx.take(Mark::Attempts, 1);
    let failure = outcome.failure();
    // A break before the dot was no passage in flight, but an attempt all the same.
    let number = row.attempts + u32::from(row.state != MessageState::InFlight);
    tx.run(
        ATTEMPT,
        (
            id,
            row.id.0,
            number,
            ms(now),
            outcome.state().code(),
            failure.map(|f| word(&f.class)).transpose()?,
            failure.map(|f| f.code.as_str()),
            match outcome {
                Word::Accepted { reply } | Word::Taken { reply, .. } => Some(reply.as_str()),
                other => other.failure().map(|f| f.detail.as_str()),
            },
        ),
    )?;
    tx.touch("attempts", id, id);
    Ok(id)
}

pub(super) fn count_state(tx: &mut Tx<'_>, row: &Claimed, from: MessageState, to: MessageState) {
    let journey = i64::from(row.key.journey.0);
    if let Some(domain) = &row.to_domain {
        campaigns::moved(tx, row.key.journey, domain, Some(from), to);
    }
    tx.gauge("outbox", journey, from.code(), -1);
    tx.gauge("outbox", journey, to.code(), 1);
}

fn figures(tx: &mut Tx<'_>, row: &Claimed, to: MessageState, now: Moment) -> Result<()> {
    count_state(tx, row, row.state, to);
    let metric = match to {
        MessageState::Accepted => Metric::Accepted,
        MessageState::Bounced => Metric::Bounced,
        MessageState::Suppressed => Metric::Suppressed,
        MessageState::Unknown => Metric::Unknown,
        _ => return Ok(()),
    };
    tx.roll(metric, i64::from(row.key.journey.0), &row.key.step.0, now, 1);
    if to == MessageState::Accepted {
        if row.to_domain.is_some() {
            campaigns::accepted(tx, row, now)?;
        }
        tx.roll(Metric::AcceptedByAccount, i64::from(row.account.0), "", now, 1);
        tx.roll(Metric::AcceptedByTemplate, i64::from(row.template.0), "", now, 1);
        let template = templates::get(tx, row.template)?
            .ok_or_else(|| Error::damaged("outbox", format!("message {} has no template", row.id)))?;
        let contact = duplicates::standing(tx, row.key.contact)?;
        tx.change(Change::Sent {
            contact,
            template: template.name,
            at: now,
            id: row.id,
        });
    }
    Ok(())
}

fn tell_journey(tx: &mut Tx<'_>, row: &Claimed, outcome: Outcome, now: Moment) -> Result<()> {
    inputs::push(
        tx,
        &[NewInput {
            planned_at: now,
            enrolment: Some(row.enrolment),
            journey: Some(row.key.journey),
            contact: row.key.contact,
            pending: Pending::Outcome {
                message: row.id,
                step: row.key.step.clone(),
                visit: row.key.visit,
                outcome,
            },
        }],
    )
}

/// Messages of an account whose fate is not known since a moment in between, oldest first, at most `limit`.
///
/// # Errors
/// [`Error::Damaged`].
pub fn doubtful(
    db: &Db<'_>,
    account: AccountId,
    since: Moment,
    until: Moment,
    limit: u32,
) -> Result<Vec<Claimed>> {
    let ids: Vec<MessageId> = db.all(DOUBTFUL, (account.0, ms(since), ms(until), limit), |row| {
        Ok(MessageId(row.get(0)?))
    })?;
    ids.into_iter().map(|id| must_load(db, id)).collect()
}

/// The user's word on messages whose fate is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// They arrived.
    Sent,
    /// They did not: they go again.
    NotSent,
    /// Nobody can tell (frozen ones only).
    Unknown,
    /// They shall not go.
    Cancelled,
}

const AGAIN: &str = sql!(
    "UPDATE outbox SET state = 0, next_at = ?2, last_word = ?3, changed_at = ?2, fence = NULL, was = NULL
     WHERE id = ?1"
);
const DOUBT: &str =
    sql!("UPDATE outbox SET state = 4, last_word = ?3, changed_at = ?2, was = NULL WHERE id = ?1");

/// Resolves one message that is unknown or frozen.
///
/// # Errors
/// [`Error::Invalid`] when it is neither, or unknown and resolved as unknown.
pub fn resolve(tx: &mut Tx<'_>, id: MessageId, resolution: Resolution) -> Result<()> {
    let row = must_load(tx, id)?;
    if !matches!(row.state, MessageState::Unknown | MessageState::Frozen) {
        return Err(Error::Invalid(format!(
            "Message {id} is {:?}; there is nothing to resolve.",
            row.state
        )));
    }
    let now = ms(tx.now());
    let (statement, to, why) = match resolution {
        Resolution::Sent => {
            return settle(
                tx,
                id,
                &Word::Accepted {
                    reply: "Resolved by hand: sent.".to_owned(),
                },
            );
        }
        Resolution::Cancelled => {
            return settle(
                tx,
                id,
                &Word::Cancelled {
                    why: "Resolved by hand: cancelled.".to_owned(),
                },
            );
        }
        Resolution::NotSent => (AGAIN, MessageState::Queued, "Resolved by hand: not sent."),
        Resolution::Unknown => (DOUBT, MessageState::Unknown, "Resolved by hand: unknown."),
    };
    check(id, row.state, to)?;
    tx.run(statement, (id.0, now, why))?;
    count_state(tx, &row, row.state, to);
    tell(tx, id);
    Ok(())
}

/// Resolves up to `limit` unknown or frozen messages, of one journey or account or of all; call until it
/// answers 0. How many.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_batch(
    tx: &mut Tx<'_>,
    from: MessageState,
    journey: Option<JourneyId>,
    account: Option<AccountId>,
    resolution: Resolution,
    limit: u32,
) -> Result<u64> {
    if !matches!(from, MessageState::Unknown | MessageState::Frozen) {
        return Err(Error::Invalid(
            "Only unknown and frozen messages can be resolved.".to_owned(),
        ));
    }
    let ids = tx.all(
        HELD,
        (from.code(), 0, journey.map(|j| j.0), account.map(|a| a.0), limit),
        |row| Ok(MessageId(row.get(0)?)),
    )?;
    for id in &ids {
        resolve(tx, *id, resolution)?;
    }
    Ok(ids.len() as u64)
}

/// Cancels what waits for a contact who is erased. What is in flight or unknown keeps its row, without a name.
pub(crate) fn forget(tx: &mut Tx<'_>, contact: ContactId) -> Result<()> {
    let ids = tx.all(OPEN_OF, (contact.0,), |row| Ok(MessageId(row.get(0)?)))?;
    for id in ids {
        settle(
            tx,
            id,
            &Word::Cancelled {
                why: "The contact was erased.".to_owned(),
            },
        )?;
    }
    Ok(())
}

const CANCEL: &str = sql!(
    "UPDATE outbox SET state = 10, last_word = ?2, changed_at = ?3, fence = NULL, was = NULL WHERE id = ?1"
);
const WORD_OF: &str = sql!("SELECT state = 10 AND last_word = ?2 FROM outbox WHERE id = ?1");
const WITH_CONTACT: &str = "The contact was merged into another.";

/// Cancels messages of a contact that is merged into another; its passages have ended and are told nothing. One that is
/// claimed goes back to the queue first.
pub(crate) fn cancel_merged(tx: &mut Tx<'_>, ids: &[MessageId]) -> Result<()> {
    for id in ids {
        let row = must_load(tx, *id)?;
        check(*id, row.state, MessageState::Cancelled)?;
        let now = ms(tx.now());
        tx.run(CANCEL, (id.0, WITH_CONTACT, now))?;
        count_state(tx, &row, row.state, MessageState::Cancelled);
        tell(tx, *id);
    }
    Ok(())
}

/// Whether a message was cancelled by [`cancel_merged`] and by nothing else: only then may it wait again.
pub(crate) fn is_merged(db: &Db<'_>, id: MessageId) -> Result<bool> {
    Ok(db.value::<bool>(WORD_OF, (id.0, WITH_CONTACT))?.unwrap_or(false))
}

/// Counts a message that is put back as it was before [`cancel_merged`]. Nothing was said of it to anybody.
pub(crate) fn wait_again(tx: &mut Tx<'_>, id: MessageId, as_before: MessageState) -> Result<()> {
    let row = must_load(tx, id)?;
    count_state(tx, &row, row.state, as_before);
    tell(tx, id);
    Ok(())
}
