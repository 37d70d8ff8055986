//! What came back for messages, raw and for ever: what a hit is called can change when the rules do.

use crate::codes::Code;
use crate::db::Db;
use crate::duplicates;
use crate::error::{Error, Result};
use crate::outbox;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_model::response::{BounceClass, Hand, MayLeave, Response, ResponseKind};
use carillon_model::{ContactId, MessageId, Moment, ResponseId};
use rusqlite::Row;

const ADD: &str = sql!(
    "INSERT INTO responses(id, kind, message, contact, at, arrived_at, source, hand, class, link, rule, detail, may_leave)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
);
const FIND_LINK: &str = sql!("SELECT id FROM links WHERE url = ?1");
const ADD_LINK: &str = sql!("INSERT INTO links(url) VALUES(?1) RETURNING id");
const OF_MESSAGE: &str = sql!(
    "SELECT r.id, r.kind, r.message, r.contact, r.at, r.arrived_at, s.text, r.hand, r.class, l.url, r.rule, r.detail, r.may_leave
     FROM responses r JOIN sources s ON s.id = r.source LEFT JOIN links l ON l.id = r.link
     WHERE r.message = ?1 AND r.message IS NOT NULL ORDER BY r.at, r.id"
);
const BEFORE: &str = sql!(
    "SELECT 1 FROM responses WHERE message = ?1 AND message IS NOT NULL AND kind = ?2 AND hand = ?3 LIMIT 1"
);
const BOUNCED_SINCE: &str = sql!(
    "SELECT count(*) FROM responses WHERE kind = 2 AND contact = ?1 AND at >= ?2 AND class = ?3 AND message IS NOT NULL"
);
const UNPROVED: &str = sql!(
    "SELECT 1 FROM responses WHERE kind = 2 AND contact = ?1 AND at >= ?2 AND arrived_at BETWEEN ?2 AND ?3 AND class = ?4 AND message IS NULL LIMIT 1"
);
const SAID: &str = sql!(
    "SELECT r.id, r.kind, r.message, r.contact, r.at, r.arrived_at, s.text, r.hand, r.class, l.url, r.rule, r.detail, r.may_leave
     FROM responses r JOIN sources s ON s.id = r.source LEFT JOIN links l ON l.id = r.link
     WHERE r.kind = ?1 AND r.kind NOT IN (0, 5, 6) AND r.id < ?2 ORDER BY r.id DESC LIMIT ?3"
);
const ONE: &str = sql!(
    "SELECT r.id, r.kind, r.message, r.contact, r.at, r.arrived_at, s.text, r.hand, r.class, l.url, r.rule, r.detail, r.may_leave
     FROM responses r JOIN sources s ON s.id = r.source LEFT JOIN links l ON l.id = r.link WHERE r.id = ?1"
);
const UNDECIDED: &str = sql!(
    "SELECT r.id, r.kind, r.message, r.contact, r.at, r.arrived_at, s.text, r.hand, r.class, l.url, r.rule, r.detail, r.may_leave
     FROM responses r INDEXED BY responses_undecided JOIN sources s ON s.id = r.source LEFT JOIN links l ON l.id = r.link
     WHERE r.may_leave = 0 ORDER BY r.id DESC LIMIT ?1",
    scan: "only the index of replies nobody has decided on is walked"
);
const COUNT_UNDECIDED: &str = sql!(
    "SELECT count(*) FROM responses INDEXED BY responses_undecided WHERE may_leave = 0",
    scan: "only the index of replies nobody has decided on is walked"
);
const UNDECIDED_OF: &str = sql!(
    "SELECT id FROM responses INDEXED BY responses_undecided WHERE may_leave = 0 AND contact = ?1 ORDER BY id"
);
const WHO_IS_UNDECIDED: &str = sql!(
    "SELECT DISTINCT contact FROM responses INDEXED BY responses_undecided WHERE may_leave = 0 AND contact IS NOT NULL",
    scan: "a whole audience is looked up at once"
);
const DECIDE: &str = sql!("UPDATE responses SET may_leave = ?2 WHERE id = ?1 AND may_leave IS NOT NULL");
const CALL: &str = sql!("UPDATE responses SET hand = ?2, rule = ?3 WHERE id = ?1");
const NEWEST: &str = sql!("SELECT ifnull(max(id), 0) FROM responses");

/// Something that came back, to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewResponse {
    pub kind: ResponseKind,
    pub message: Option<MessageId>,
    pub contact: Option<ContactId>,
    /// When it happened. It arrives at the moment of the write.
    pub at: Moment,
    pub source: String,
    pub hand: Hand,
    pub class: Option<BounceClass>,
    pub link: Option<String>,
    pub rule: Option<String>,
    pub detail: Option<String>,
    /// A reply that may be a wish to get no more mail: marketing to the contact rests from this write on.
    pub may_leave: bool,
}

/// Longest text that is kept of what was said, in bytes.
pub const MOST_DETAIL: usize = 16 * 1024;
/// Longest address of a link that is kept, in bytes.
const MOST_LINK: usize = 8 * 1024;

/// Keeps what came back. Figures count a message once for each kind, and the hands of machines not at all. True with the
/// number: the first of its kind by this hand for its message.
///
/// # Errors
/// SQLite's.
pub fn add(tx: &mut Tx<'_>, new: &NewResponse) -> Result<(ResponseId, bool)> {
    let first = match new.message {
        Some(message) => tx
            .value::<i64>(BEFORE, (message.0, new.kind.code(), new.hand.code()))?
            .is_none(),
        None => true,
    };
    let id = tx.take(Mark::Responses, 1);
    let source = tx.source(&new.source)?;
    let link = match new.link.as_deref().map(|url| cut(url, MOST_LINK)) {
        Some(url) => Some(link(tx, url)?),
        None => None,
    };
    let now = ms(tx.now());
    tx.run(
        ADD,
        rusqlite::params![
            id,
            new.kind.code(),
            new.message.map(|m| m.0),
            new.contact.map(|c| c.0),
            ms(new.at),
            now,
            source,
            new.hand.code(),
            new.class.map(Code::code),
            link,
            new.rule.as_deref(),
            new.detail.as_deref().map(|text| cut(text, MOST_DETAIL)),
            new.may_leave.then_some(MayLeave::Open.code()),
        ],
    )?;
    if first && new.hand == Hand::Human {
        figures(tx, new)?;
    }
    tx.touch("responses", id, id);
    tx.topic(Topic::Responses);
    Ok((ResponseId(id), first))
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn link(tx: &Tx<'_>, url: &str) -> Result<i64> {
    if let Some(id) = tx.value(FIND_LINK, (url,))? {
        return Ok(id);
    }
    tx.value(ADD_LINK, (url,))?
        .ok_or_else(|| Error::damaged("links", "a new link got no number"))
}

fn figures(tx: &mut Tx<'_>, new: &NewResponse) -> Result<()> {
    let Some(metric) = Metric::of_response(new.kind) else {
        return Ok(());
    };
    let Some(message) = new.message else {
        return Ok(());
    };
    let Some(row) = outbox::load(tx, message)? else {
        return Ok(());
    };
    let journey = i64::from(row.key.journey.0);
    tx.roll(metric, journey, &row.key.step.0, new.at, 1);
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Response> {
    Ok(Response {
        id: ResponseId(row.get(0)?),
        kind: ResponseKind::of(row.get(1)?)?,
        message: row.get::<_, Option<i64>>(2)?.map(MessageId),
        contact: row.get::<_, Option<u32>>(3)?.map(ContactId),
        at: moment(row.get(4)?)?,
        arrived_at: moment(row.get(5)?)?,
        source: row.get(6)?,
        hand: Hand::of(row.get(7)?)?,
        class: row.get::<_, Option<i64>>(8)?.map(BounceClass::of).transpose()?,
        link: row.get(9)?,
        rule: row.get(10)?,
        detail: row.get(11)?,
        may_leave: row.get::<_, Option<i64>>(12)?.map(MayLeave::of).transpose()?,
    })
}

/// Everything that came back for one message, by moment.
///
/// # Errors
/// [`Error::Damaged`].
pub fn of_message(db: &Db<'_>, message: MessageId) -> Result<Vec<Response>> {
    db.all(OF_MESSAGE, (message.0,), read)
}

/// What was said, newest first, of one kind, below an id: replies, bounces, complaints, unsubscriptions. Deliveries,
/// opens and clicks are found through their message alone.
///
/// # Errors
/// [`Error::Damaged`].
pub fn said(db: &Db<'_>, kind: ResponseKind, below: Option<ResponseId>, limit: u32) -> Result<Vec<Response>> {
    let below = below.map_or(i64::MAX, |id| id.0);
    db.all(SAID, (kind.code(), below, limit), read)
}

/// One of them.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: ResponseId) -> Result<Option<Response>> {
    db.one(ONE, (id.0,), read)
}

/// Replies that may be a wish to get no more mail and that nobody has decided on, newest first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn undecided(db: &Db<'_>, limit: u32) -> Result<Vec<Response>> {
    db.all(UNDECIDED, (limit,), read)
}

/// How many of them there are.
///
/// # Errors
/// SQLite's.
pub fn undecided_count(db: &Db<'_>) -> Result<u64> {
    Ok(db.value::<i64>(COUNT_UNDECIDED, ())?.unwrap_or(0).unsigned_abs())
}

/// Those of one contact, and of whoever was merged into it, oldest first.
///
/// # Errors
/// SQLite's.
pub fn undecided_of(db: &Db<'_>, contact: ContactId) -> Result<Vec<ResponseId>> {
    let mut found = Vec::new();
    let merged = duplicates::aliases_of(db, contact)?;
    for one in merged.iter().map(|alias| alias.absorbed).chain([contact]) {
        found.extend(db.all(UNDECIDED_OF, (one.0,), |row| Ok(ResponseId(row.get(0)?)))?);
    }
    found.sort_unstable();
    Ok(found)
}

/// Everybody a reply of whom nobody has decided on.
///
/// # Errors
/// SQLite's.
pub fn who_is_undecided(db: &Db<'_>) -> Result<Vec<ContactId>> {
    let contacts = db.all(WHO_IS_UNDECIDED, (), |row| Ok(ContactId(row.get(0)?)))?;
    contacts
        .into_iter()
        .map(|contact| duplicates::standing(db, contact))
        .collect()
}

/// Keeps what was decided on a reply that may be a wish to get no more mail. What follows is the caller's.
///
/// # Errors
/// [`Error::NotFound`] where there is no such reply.
pub fn decide(tx: &mut Tx<'_>, id: ResponseId, decided: MayLeave) -> Result<()> {
    if tx.run(DECIDE, (id.0, decided.code()))? == 0 {
        return Err(Error::missing("response", id));
    }
    tx.touch("responses", id.0, id.0);
    tx.topic(Topic::Responses);
    Ok(())
}

/// Whether a bounce of a class that names no message of ours, only the contact's address, came in a span of time.
///
/// # Errors
/// SQLite's.
pub fn has_unproved_bounce(
    db: &Db<'_>,
    contact: ContactId,
    arrived: std::ops::RangeInclusive<Moment>,
    class: BounceClass,
) -> Result<bool> {
    let (from, to) = (ms(*arrived.start()), ms(*arrived.end()));
    let found = db.value::<i64>(UNPROVED, (contact.0, from, to, class.code()))?;
    Ok(found.is_some())
}

/// How many bounces of a class one contact had since a moment, of messages that are known.
///
/// # Errors
/// SQLite's.
pub fn bounced_since(db: &Db<'_>, contact: ContactId, since: Moment, class: BounceClass) -> Result<u32> {
    Ok(db
        .value(BOUNCED_SINCE, (contact.0, ms(since), class.code()))?
        .unwrap_or(0))
}

/// Calls a hit by another name: the rules changed, or a later hit told what an earlier one was.
///
/// # Errors
/// [`Error::NotFound`].
pub fn call(tx: &mut Tx<'_>, id: ResponseId, hand: Hand, rule: Option<&str>) -> Result<()> {
    if tx.run(CALL, (id.0, hand.code(), rule))? == 0 {
        return Err(Error::missing("response", id));
    }
    tx.touch("responses", id.0, id.0);
    tx.topic(Topic::Responses);
    Ok(())
}

/// The id of the newest; 0 where nothing came back yet.
///
/// # Errors
/// SQLite's.
pub fn last_id(db: &Db<'_>) -> Result<ResponseId> {
    Ok(ResponseId(db.value(NEWEST, ())?.unwrap_or(0)))
}
