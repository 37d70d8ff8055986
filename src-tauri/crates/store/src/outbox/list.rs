//! Reading the outbox.

use crate::codes::{Code, from_word};
use crate::db::Db;
use crate::error::Result;
use crate::rollups;
use crate::sql::sql;
use crate::time::{moment, moment_opt};
use carillon_model::message::{FailureClass, Message, MessageKey, MessageState};
use carillon_model::{AccountId, ContactId, JourneyId, MessageId, Moment, StepId, TemplateId};
use rusqlite::Row;
use std::collections::BTreeMap;

const PAGE: &str = sql!(
    "SELECT o.id, o.journey, o.step, o.contact, o.number, o.visit, o.account, o.template, o.subject, o.state,
            o.queued_at, o.next_at, o.attempts, o.last_word, o.domain, ifnull(c.email, l.email)
     FROM outbox o LEFT JOIN contacts c ON c.id = o.contact LEFT JOIN contact_aliases l ON l.absorbed = o.contact
     WHERE o.id < ?1 AND (?2 IS NULL OR o.state = ?2) AND (?3 IS NULL OR o.journey = ?3) AND (?4 IS NULL OR o.account = ?4)
     ORDER BY o.id DESC LIMIT ?5"
);
const OF_CONTACT: &str = sql!(
    "SELECT o.id, o.journey, o.step, o.contact, o.number, o.visit, o.account, o.template, o.subject, o.state,
            o.queued_at, o.next_at, o.attempts, o.last_word, o.domain, ifnull(c.email, l.email)
     FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id
       AND e.contact IN (SELECT ?1 UNION ALL SELECT absorbed FROM contact_aliases WHERE contact = ?1)
     CROSS JOIN outbox o ON o.enrolment = e.id LEFT JOIN contacts c ON c.id = o.contact
     LEFT JOIN contact_aliases l ON l.absorbed = o.contact ORDER BY o.id DESC"
);
const GET: &str = sql!(
    "SELECT o.id, o.journey, o.step, o.contact, o.number, o.visit, o.account, o.template, o.subject, o.state,
            o.queued_at, o.next_at, o.attempts, o.last_word, o.domain, ifnull(c.email, l.email)
     FROM outbox o LEFT JOIN contacts c ON c.id = o.contact LEFT JOIN contact_aliases l ON l.absorbed = o.contact WHERE o.id = ?1"
);
const ATTEMPTS: &str = sql!(
    "WITH RECURSIVE chain(id, prev, number, at, state, class, code, detail) AS (
       SELECT a.id, a.prev, a.number, a.at, a.state, a.class, a.code, a.detail FROM attempts a
       WHERE a.id = (SELECT last_attempt FROM outbox WHERE id = ?1)
       UNION ALL
       SELECT a.id, a.prev, a.number, a.at, a.state, a.class, a.code, a.detail
       FROM chain c CROSS JOIN attempts a ON a.id = c.prev)
     SELECT number, at, state, class, code, detail FROM chain ORDER BY id"
);

/// Which messages to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub state: Option<MessageState>,
    pub journey: Option<JourneyId>,
    pub account: Option<AccountId>,
}

fn read(db: &Db<'_>, row: &Row<'_>) -> Result<Message> {
    let id = MessageId(row.get(0)?);
    let state = MessageState::of(row.get(9)?)?;
    let waits = matches!(state, MessageState::Queued | MessageState::Deferred);
    Ok(Message {
        id,
        key: MessageKey {
            journey: JourneyId(row.get(1)?),
            step: StepId(row.get(2)?),
            contact: ContactId(row.get(3)?),
            enrolment: row.get(4)?,
            visit: row.get(5)?,
        },
        account: AccountId(row.get(6)?),
        template: TemplateId(row.get(7)?),
        subject: row.get(8)?,
        state,
        queued_at: moment(row.get(10)?)?,
        next_at: moment_opt(row.get(11)?)?.filter(|_| waits),
        attempts: row.get(12)?,
        last_word: row.get(13)?,
        message_id: db
            .tokens()
            .message_id(id.0, row.get_ref(14)?.as_str().unwrap_or("invalid")),
        to: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
    })
}

/// Messages newest first, those before `before` if it is given. `to` is empty where the contact was erased.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn page(db: &Db<'_>, filter: Filter, before: Option<MessageId>, limit: u32) -> Result<Vec<Message>> {
    db.all(
        PAGE,
        (
            before.map_or(i64::MAX, |m| m.0),
            filter.state.map(Code::code),
            filter.journey.map(|j| j.0),
            filter.account.map(|a| a.0),
            limit,
        ),
        |row| read(db, row),
    )
}

/// All messages to a contact and to those that were merged into it, newest first.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn of_contact(db: &Db<'_>, contact: ContactId) -> Result<Vec<Message>> {
    db.all(OF_CONTACT, (contact.0,), |row| read(db, row))
}

/// One message.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn get(db: &Db<'_>, id: MessageId) -> Result<Option<Message>> {
    db.one(GET, (id.0,), |row| read(db, row))
}

/// How many stand in each state, of one journey or of all, without counting.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn counts(db: &Db<'_>, journey: Option<JourneyId>) -> Result<BTreeMap<MessageState, u64>> {
    let rows = match journey {
        Some(journey) => rollups::gauges(db, "outbox", i64::from(journey.0))?,
        None => rollups::gauge_sums(db, "outbox")?,
    };
    rows.into_iter()
        .filter(|(_, n)| *n != 0)
        .map(|(state, n)| Ok((MessageState::of(state)?, n.unsigned_abs())))
        .collect()
}

/// One try at sending a message, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub number: u32,
    pub at: Moment,
    pub state: MessageState,
    pub class: Option<FailureClass>,
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// All tries at sending a message, oldest first.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn attempts(db: &Db<'_>, id: MessageId) -> Result<Vec<Attempt>> {
    db.all(ATTEMPTS, (id.0,), |row| {
        let class: Option<String> = row.get(3)?;
        Ok(Attempt {
            number: row.get(0)?,
            at: moment(row.get(1)?)?,
            state: MessageState::of(row.get(2)?)?,
            class: class.map(|c| from_word("attempts", &c)).transpose()?,
            code: row.get(4)?,
            detail: row.get(5)?,
        })
    })
}
