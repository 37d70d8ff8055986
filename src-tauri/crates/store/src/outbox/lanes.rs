//! The way of a message up to the dot: queued, claimed under its owner's fence, in flight.

use super::record::{count_state, settle};
use super::{NewMessage, Word, check, state_of};
use crate::campaigns;
use crate::codes::{Code, word};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::rollups::Metric;
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_model::message::{MessageKey, MessageState, Refusal};
use carillon_model::{AccountId, ContactId, EnrolmentId, JourneyId, MessageId, Moment, StepId, TemplateId};
use rusqlite::Row;

const ADD: &str = sql!(
    "INSERT INTO outbox(id, enrolment, step, visit, journey, contact, number, account, template, transactional,
                        state, queued_at, next_at, changed_at, domain, subject, to_domain)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?11, ?11, ?12, ?13, ?14)
     ON CONFLICT(enrolment, step, visit) DO NOTHING"
);
const SUBJECT: &str = sql!("SELECT subject FROM templates WHERE id = ?1");
const RENDERED: &str = sql!("UPDATE outbox SET subject = ?2 WHERE id = ?1");
const DUE: &str = sql!(
    "SELECT id FROM outbox WHERE account = ?1 AND state < 2 AND next_at <= ?2 ORDER BY next_at, id LIMIT ?3"
);
const DUE_ASKED_FOR: &str = sql!(
    "SELECT id FROM outbox INDEXED BY outbox_asked_for WHERE account = ?1 AND state < 2 AND transactional = 1
       AND next_at <= ?2 ORDER BY next_at, id LIMIT ?3"
);
const NEXT_ASKED_FOR: &str = sql!(
    "SELECT min(next_at) FROM outbox INDEXED BY outbox_asked_for WHERE account = ?1 AND state < 2 AND transactional = 1"
);
const NEXT: &str = sql!("SELECT min(next_at) FROM outbox WHERE account = ?1 AND state < 2");
const CLAIM: &str =
    sql!("UPDATE outbox SET was = state, state = 2, fence = ?2, changed_at = ?3 WHERE id = ?1");
const PUT_BACK: &str = sql!(
    "UPDATE outbox SET state = ifnull(was, 0), was = NULL, fence = NULL,
                       next_at = ifnull(?2, next_at), changed_at = ?3 WHERE id = ?1"
);
const LOAD: &str = sql!(
    "SELECT o.id, o.journey, o.step, o.contact, o.number, o.visit, o.enrolment, o.account, o.template,
            o.transactional, o.state, o.attempts, o.queued_at, o.next_at, o.domain, o.subject,
            o.fence, c.email, c.suppressed, o.to_domain
     FROM outbox o LEFT JOIN contacts c ON c.id = o.contact WHERE o.id = ?1"
);
const HELD: &str = sql!("SELECT fence FROM outbox WHERE id = ?1");
const IN_FLIGHT: &str =
    sql!("UPDATE outbox SET state = 3, attempts = attempts + 1, changed_at = ?2, was = NULL WHERE id = ?1");
const HELD_FOR: &str = sql!(
    "SELECT id FROM outbox INDEXED BY outbox_waiting WHERE state < 2 AND account = ?1 AND next_at > ?2 AND last_word = ?3
       AND id > ?4 ORDER BY id LIMIT ?5"
);
const HELD_OF: &str = sql!(
    "SELECT o.id FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id AND e.contact = ?1
     CROSS JOIN outbox o ON o.enrolment = e.id WHERE o.state < 2 AND o.last_word = ?2"
);
const TAKE_UP: &str = sql!("UPDATE outbox SET next_at = ?2, last_word = NULL, changed_at = ?2 WHERE id = ?1");
const SAY: &str = sql!("UPDATE outbox SET last_word = ?2 WHERE id = ?1");
const CLAIMED_BY: &str = sql!(
    "SELECT id FROM outbox WHERE state = 2 AND state BETWEEN 2 AND 5 AND account = ?1 AND fence = ?2 ORDER BY id"
);
const WAITING_OF: &str = sql!(
    "SELECT id FROM outbox INDEXED BY outbox_waiting WHERE state < 2 AND journey = ?1 LIMIT ?2",
    scan: "only the index of waiting messages is walked, when a journey is stopped"
);
const UNSETTLED: &str = sql!(
    "SELECT id, state FROM outbox WHERE state <= 4 ORDER BY id",
    scan: "a restored file's outbox is frozen once"
);
const FREEZE: &str =
    sql!("UPDATE outbox SET was = state, state = 5, fence = NULL, changed_at = ?2 WHERE id = ?1");

/// A message a session may send, with everything the gate asks of its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub id: MessageId,
    pub key: MessageKey,
    pub enrolment: EnrolmentId,
    pub account: AccountId,
    pub template: TemplateId,
    pub transactional: bool,
    pub state: MessageState,
    /// Times it was in flight before.
    pub attempts: u32,
    pub queued_at: Moment,
    pub next_at: Moment,
    pub subject: String,
    /// With its angle brackets.
    pub message_id: String,
    /// `None`: the contact was erased.
    pub to: Option<String>,
    /// The address stands on the suppression list.
    pub suppressed: bool,
    /// The ownership that claimed it.
    pub fence: Option<i64>,
    /// The recipient's domain, where it is a campaign's message.
    pub to_domain: Option<String>,
}

fn read(db: &Db<'_>, row: &Row<'_>) -> Result<Claimed> {
    let id = MessageId(row.get(0)?);
    Ok(Claimed {
        id,
        key: MessageKey {
            journey: JourneyId(row.get(1)?),
            step: StepId(row.get(2)?),
            contact: ContactId(row.get(3)?),
            enrolment: row.get(4)?,
            visit: row.get(5)?,
        },
        enrolment: EnrolmentId(row.get(6)?),
        account: AccountId(row.get(7)?),
        template: TemplateId(row.get(8)?),
        transactional: row.get(9)?,
        state: MessageState::of(row.get(10)?)?,
        attempts: row.get(11)?,
        queued_at: moment(row.get(12)?)?,
        next_at: moment(row.get(13)?)?,
        message_id: db
            .tokens()
            .message_id(id.0, row.get_ref(14)?.as_str().unwrap_or("invalid")),
        subject: row.get(15)?,
        fence: row.get(16)?,
        to: row.get(17)?,
        suppressed: row.get::<_, Option<bool>>(18)?.unwrap_or(false),
        to_domain: row.get(19)?,
    })
}

/// Queues a message in the write that decides it, to go at once. Its Message-ID gets the domain the account
/// sends from now. False: the message was decided before, and nothing was added.
///
/// # Errors
/// [`Error::NotFound`] for the account or template, [`Error::Invalid`] when the account's sender address has no
/// domain.
pub fn queue(tx: &mut Tx<'_>, message: &NewMessage) -> Result<bool> {
    let (domain, subject) = tx.letterhead(message.account, message.template)?;
    let to_domain = campaigns::domain_of(tx, message.journey, message.contact)?;
    let id = tx.marks.get(Mark::Outbox);
    let now = tx.now();
    let added = tx.run(
        ADD,
        (
            id,
            message.enrolment.0,
            &message.step.0,
            message.visit,
            message.journey.0,
            message.contact.0,
            message.number,
            message.account.0,
            message.template.0,
            message.transactional,
            ms(now),
            domain,
            subject,
            &to_domain,
        ),
    )?;
    if added == 0 {
        return Ok(false);
    }
    tx.take(Mark::Outbox, 1);
    let journey = i64::from(message.journey.0);
    tx.gauge("outbox", journey, MessageState::Queued.code(), 1);
    if let Some(domain) = &to_domain {
        campaigns::moved(tx, message.journey, domain, None, MessageState::Queued);
    }
    tx.roll(Metric::Queued, journey, &message.step.0, now, 1);
    tell(tx, MessageId(id));
    Ok(true)
}

/// What messages of an account and template begin with: the sender's domain and the template's subject.
pub(crate) fn letterhead(db: &Db<'_>, account: AccountId, template: TemplateId) -> Result<(String, String)> {
    let from = crate::accounts::get(db, account)?
        .ok_or_else(|| Error::missing("account", account))?
        .account
        .from_email;
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain.trim());
    if domain.is_empty()
        || !domain
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
    {
        return Err(Error::Invalid(format!(
            "Messages cannot come from \"{from}\": it has no domain."
        )));
    }
    let subject = db
        .value(SUBJECT, (template.0,))?
        .ok_or_else(|| Error::missing("template", template))?;
    Ok((domain.to_owned(), subject))
}

/// Messages get numbers from this one on, if theirs are not higher already.
pub fn number_from(tx: &mut Tx<'_>, first: i64) {
    let next = tx.marks.get(Mark::Outbox);
    tx.marks.set(Mark::Outbox, next.max(first));
}

/// Keeps the subject as it was rendered for the contact.
///
/// # Errors
/// SQLite's.
pub fn rendered(tx: &mut Tx<'_>, id: MessageId, subject: &str) -> Result<()> {
    tx.run(RENDERED, (id.0, subject))?;
    tell(tx, id);
    Ok(())
}

pub(super) fn tell(tx: &mut Tx<'_>, id: MessageId) {
    tx.touch("outbox", id.0, id.0);
    tx.topic(Topic::Outbox);
}

/// Which messages of an account are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Any,
    /// Those the contact asked for: marketing waits.
    Transactional,
}

/// Claims up to `limit` messages of an account that may go now, oldest first. `fence` is the store's own
/// ([`crate::Store::fence`]): a claim holds as long as its owner works on it.
///
/// # Errors
/// [`Error::Damaged`].
pub fn claim(
    tx: &mut Tx<'_>,
    account: AccountId,
    which: Which,
    now: Moment,
    limit: u32,
    fence: i64,
) -> Result<Vec<Claimed>> {
    let due = match which {
        Which::Any => DUE,
        Which::Transactional => DUE_ASKED_FOR,
    };
    let ids = tx.all(due, (account.0, ms(now), limit), |row| Ok(MessageId(row.get(0)?)))?;
    let mut claimed = Vec::with_capacity(ids.len());
    let at = ms(tx.now());
    for id in ids {
        let before = state_of(tx, id)?;
        tx.run(CLAIM, (id.0, fence, at))?;
        let row = must_load(tx, id)?;
        count_state(tx, &row, before, MessageState::Claimed);
        tell(tx, id);
        claimed.push(row);
    }
    Ok(claimed)
}

/// A message with everything the gate asks of its row.
///
/// # Errors
/// [`Error::Damaged`].
pub fn load(db: &Db<'_>, id: MessageId) -> Result<Option<Claimed>> {
    db.one(LOAD, (id.0,), |row| read(db, row))
}

/// When a server took a message, if one did.
///
/// # Errors
/// SQLite's.
pub fn accepted_at(db: &Db<'_>, id: MessageId) -> Result<Option<Moment>> {
    const ACCEPTED: &str = sql!("SELECT accepted_at FROM outbox WHERE id = ?1");
    moment_opt(db.value::<Option<i64>>(ACCEPTED, (id.0,))?.flatten())
}

pub(super) fn must_load(db: &Db<'_>, id: MessageId) -> Result<Claimed> {
    load(db, id)?.ok_or_else(|| Error::missing("message", id))
}

/// When the first waiting message of an account may go.
///
/// # Errors
/// SQLite's.
pub fn next_at(db: &Db<'_>, account: AccountId, which: Which) -> Result<Option<Moment>> {
    let next = match which {
        Which::Any => NEXT,
        Which::Transactional => NEXT_ASKED_FOR,
    };
    moment_opt(db.value::<Option<i64>>(next, (account.0,))?.flatten())
}

/// How many messages are claimed or in flight.
///
/// # Errors
/// SQLite's.
pub fn on_their_way(db: &Db<'_>) -> Result<u64> {
    const OPEN: &str =
        sql!("SELECT count(*) FROM outbox WHERE state BETWEEN 2 AND 3 AND state BETWEEN 2 AND 5");
    Ok(db.value::<i64>(OPEN, ())?.unwrap_or(0).unsigned_abs())
}

/// How many messages of an account are not settled: they wait, are on their way, unknown or frozen.
///
/// # Errors
/// SQLite's.
pub fn waiting_for(db: &Db<'_>, account: AccountId) -> Result<u64> {
    const WAIT: &str = sql!("SELECT count(*) FROM outbox WHERE account = ?1 AND state < 2");
    const HELD: &str = sql!("SELECT count(*) FROM outbox WHERE state BETWEEN 2 AND 5 AND account = ?1");
    let count = |sql| -> Result<u64> { Ok(db.value::<i64>(sql, (account.0,))?.unwrap_or(0).unsigned_abs()) };
    Ok(count(WAIT)? + count(HELD)?)
}

fn held(tx: &Tx<'_>, id: MessageId, fence: i64) -> Result<()> {
    let holder = tx.one(HELD, (id.0,), |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    match holder {
        Some(Some(f)) if f == fence => Ok(()),
        Some(_) => Err(Error::LostLease { id: id.0 }),
        None => Err(Error::missing("message", id)),
    }
}

/// Marks claimed messages in flight: durable before the dot. The gate has decided, in this same write. The
/// rows count against no limit here; see [`crate::accounts::spend`].
///
/// # Errors
/// [`Error::LostLease`] when another claim has one of them: then none is marked.
pub fn in_flight(tx: &mut Tx<'_>, ids: &[MessageId], fence: i64) -> Result<()> {
    let now = ms(tx.now());
    for id in ids {
        held(tx, *id, fence)?;
        let row = must_load(tx, *id)?;
        check(*id, row.state, MessageState::InFlight)?;
        tx.run(IN_FLIGHT, (id.0, now))?;
        count_state(tx, &row, row.state, MessageState::InFlight);
        tell(tx, *id);
    }
    Ok(())
}

/// Puts a claimed message back as it was: nothing of it was said to a server. `next_at` if it should wait.
///
/// # Errors
/// [`Error::LostLease`], [`Error::Invalid`] when it is in flight already.
pub fn release(tx: &mut Tx<'_>, id: MessageId, fence: i64, next_at: Option<Moment>) -> Result<()> {
    held(tx, id, fence)?;
    put_back(tx, id, next_at)
}

/// Puts a claimed message back to wait until `next_at`, with the word why the gate did not let it go yet.
///
/// # Errors
/// As [`release`].
pub fn hold(tx: &mut Tx<'_>, id: MessageId, fence: i64, next_at: Moment, refusal: Refusal) -> Result<()> {
    release(tx, id, fence, Some(next_at))?;
    tx.run(SAY, (id.0, word(&refusal)?))?;
    Ok(())
}

/// Puts back everything an account's sessions had claimed and not sent. How many.
///
/// # Errors
/// SQLite's.
pub fn release_all(tx: &mut Tx<'_>, account: AccountId, fence: i64) -> Result<u64> {
    let ids = tx.all(CLAIMED_BY, (account.0, fence), |row| Ok(MessageId(row.get(0)?)))?;
    for id in &ids {
        put_back(tx, *id, None)?;
    }
    Ok(ids.len() as u64)
}

pub(super) fn put_back(tx: &mut Tx<'_>, id: MessageId, next_at: Option<Moment>) -> Result<()> {
    let row = must_load(tx, id)?;
    check(id, row.state, MessageState::Queued)?;
    let now = ms(tx.now());
    tx.run(PUT_BACK, (id.0, next_at.map(ms), now))?;
    let after = state_of(tx, id)?;
    count_state(tx, &row, row.state, after);
    tell(tx, id);
    Ok(())
}

/// Lets up to `limit` messages of an account go at once that the gate held for this reason, because it is over: those
/// after `after` in the order of their numbers. The last one; call with it until there is none.
///
/// # Errors
/// SQLite's.
pub fn take_up(
    tx: &mut Tx<'_>,
    account: AccountId,
    refusal: Refusal,
    after: MessageId,
    limit: u32,
) -> Result<Option<MessageId>> {
    let now = ms(tx.now());
    let held = (account.0, now, word(&refusal)?, after.0, limit);
    let ids = tx.all(HELD_FOR, held, |row| Ok(MessageId(row.get(0)?)))?;
    for id in &ids {
        tx.run(TAKE_UP, (id.0, now))?;
        tell(tx, *id);
    }
    Ok(ids.last().copied())
}

/// The same of what is held of one contact.
///
/// # Errors
/// SQLite's.
pub fn take_up_of(tx: &mut Tx<'_>, contact: ContactId, refusal: Refusal) -> Result<()> {
    let now = ms(tx.now());
    let ids = tx.all(HELD_OF, (contact.0, word(&refusal)?), |row| {
        Ok(MessageId(row.get(0)?))
    })?;
    for id in ids {
        tx.run(TAKE_UP, (id.0, now))?;
        tell(tx, id);
    }
    Ok(())
}

/// Cancels up to `limit` waiting messages of a journey that is stopped; call until it answers 0. What is in
/// flight stays.
///
/// # Errors
/// SQLite's.
pub fn cancel_journey(tx: &mut Tx<'_>, journey: JourneyId, limit: u32) -> Result<u64> {
    let ids = tx.all(WAITING_OF, (journey.0, limit), |row| Ok(MessageId(row.get(0)?)))?;
    for id in &ids {
        settle(
            tx,
            *id,
            &Word::Cancelled {
                why: "The journey was stopped.".to_owned(),
            },
        )?;
    }
    Ok(ids.len() as u64)
}

/// Freezes everything that is not settled: a restored copy does not know what became of it since. How many.
///
/// # Errors
/// SQLite's.
pub fn freeze_all(tx: &mut Tx<'_>) -> Result<u64> {
    let now = ms(tx.now());
    let rows = tx.all(UNSETTLED, (), |row| {
        Ok((MessageId(row.get(0)?), row.get::<_, i64>(1)?))
    })?;
    for (id, state) in &rows {
        let row = must_load(tx, *id)?;
        tx.run(FREEZE, (id.0, now))?;
        count_state(tx, &row, MessageState::of(*state)?, MessageState::Frozen);
        tell(tx, *id);
    }
    Ok(rows.len() as u64)
}
