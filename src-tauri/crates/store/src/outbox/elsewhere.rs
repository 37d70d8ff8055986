//! Messages that another copy of this very file decided: their keys are taken over, so that none is decided again.

use super::lanes::tell;
use crate::codes::Code;
use crate::db::Db;
use crate::error::Result;
use crate::membership::Change;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::tx::Tx;
use crate::{accounts, enrolments, journeys, templates};
use carillon_model::message::MessageState;
use carillon_model::{AccountId, ContactId, EnrolmentId, JourneyId, MessageId, TemplateId};
use rusqlite::Connection;

const SINCE: &str = sql!(
    "SELECT id, enrolment, step, visit, journey, contact, number, account, template, transactional, state, attempts,
            queued_at, changed_at, accepted_at, domain, subject, last_word FROM outbox WHERE id >= ?1 ORDER BY id"
);
const ADD: &str = sql!(
    "INSERT INTO outbox(id, enrolment, step, visit, journey, contact, number, account, template, transactional,
                        state, attempts, queued_at, next_at, changed_at, accepted_at, domain, subject, last_word)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14, ?15, ?16, ?17, ?18)
     ON CONFLICT DO NOTHING"
);
const CONTACT: &str = sql!("SELECT 1 FROM contacts WHERE id = ?1");

/// A message as the other copy has it. Times are milliseconds.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    id: i64,
    enrolment: i64,
    step: String,
    visit: u32,
    journey: u32,
    contact: u32,
    number: u32,
    account: u32,
    template: u32,
    transactional: bool,
    state: i64,
    attempts: u32,
    queued_at: i64,
    changed_at: i64,
    accepted_at: Option<i64>,
    domain: String,
    subject: String,
    last_word: Option<String>,
}

/// What a taking over came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TakenOver {
    /// Messages taken over, those frozen among them.
    pub(crate) all: u64,
    /// Those whose fate is not known.
    pub(crate) frozen: u64,
}

/// The messages of another copy from number `first` on.
pub(crate) fn since(conn: &Connection, first: i64) -> Result<Vec<Elsewhere>> {
    conn.prepare(SINCE)?
        .query_map((first,), |row| {
            Ok(Elsewhere {
                id: row.get(0)?,
                enrolment: row.get(1)?,
                step: row.get(2)?,
                visit: row.get(3)?,
                journey: row.get(4)?,
                contact: row.get(5)?,
                number: row.get(6)?,
                account: row.get(7)?,
                template: row.get(8)?,
                transactional: row.get(9)?,
                state: row.get(10)?,
                attempts: row.get(11)?,
                queued_at: row.get(12)?,
                changed_at: row.get(13)?,
                accepted_at: row.get(14)?,
                domain: row.get(15)?,
                subject: row.get(16)?,
                last_word: row.get(17)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()
        .map_err(Into::into)
}

/// Takes over messages under their own numbers, so that what comes back of them later still names the right one: an
/// end stays that end, everything else is frozen. A passage this file does not know keeps its number for whenever it
/// begins here. Left out is what concerns a contact, journey, account or template this file does not have: their
/// numbers are never given out again, so the same key cannot be decided here.
///
/// # Errors
/// SQLite's.
pub(crate) fn take_over(tx: &mut Tx<'_>, rows: &[Elsewhere]) -> Result<TakenOver> {
    let mut done = TakenOver::default();
    for row in rows {
        if !concerns(tx, row)? {
            continue;
        }
        let contact = ContactId(row.contact);
        let passage = EnrolmentId(row.enrolment);
        let enrolment = enrolments::keep_number(tx, JourneyId(row.journey), contact, row.number, passage)?;
        let state = match MessageState::of(row.state)? {
            end @ (MessageState::Accepted
            | MessageState::Bounced
            | MessageState::Suppressed
            | MessageState::Expired
            | MessageState::Cancelled) => end,
            _ => MessageState::Frozen,
        };
        // A virtual clock went back with the file, and nothing has happened after it yet.
        let now = ms(tx.now());
        let accepted_at = row.accepted_at.map(|at| at.min(now));
        let added = tx.run(
            ADD,
            rusqlite::params![
                row.id,
                enrolment.0,
                row.step,
                row.visit,
                row.journey,
                row.contact,
                row.number,
                row.account,
                row.template,
                row.transactional,
                state.code(),
                row.attempts,
                row.queued_at.min(now),
                row.changed_at.min(now),
                accepted_at,
                row.domain,
                row.subject,
                row.last_word,
            ],
        )?;
        if added > 0 {
            done.all += 1;
            done.frozen += u64::from(state == MessageState::Frozen);
            figures(tx, row, state, accepted_at)?;
            tell(tx, MessageId(row.id));
        }
    }
    Ok(done)
}

fn concerns(db: &Db<'_>, row: &Elsewhere) -> Result<bool> {
    Ok(db.value::<i64>(CONTACT, (row.contact,))?.is_some()
        && journeys::get(db, JourneyId(row.journey))?.is_some()
        && accounts::get(db, AccountId(row.account))?.is_some()
        && templates::get(db, TemplateId(row.template))?.is_some())
}

/// The figures the message would have left had this file decided and sent it.
fn figures(tx: &mut Tx<'_>, row: &Elsewhere, state: MessageState, accepted_at: Option<i64>) -> Result<()> {
    let journey = i64::from(row.journey);
    let now = ms(tx.now());
    tx.gauge("outbox", journey, state.code(), 1);
    tx.roll(
        Metric::Queued,
        journey,
        &row.step,
        moment(row.queued_at.min(now))?,
        1,
    );
    if let Some(at) = accepted_at {
        let at = moment(at)?;
        tx.roll(Metric::Accepted, journey, &row.step, at, 1);
        tx.roll(Metric::AcceptedByAccount, i64::from(row.account), "", at, 1);
        tx.roll(Metric::AcceptedByTemplate, i64::from(row.template), "", at, 1);
        if let Some(template) = templates::get(tx, TemplateId(row.template))? {
            tx.change(Change::Sent {
                contact: ContactId(row.contact),
                template: template.name,
                at,
                id: MessageId(row.id),
            });
        }
    }
    let refused = match state {
        MessageState::Bounced => Metric::Bounced,
        MessageState::Suppressed => Metric::Suppressed,
        _ => return Ok(()),
    };
    tx.roll(refused, journey, &row.step, moment(row.changed_at.min(now))?, 1);
    Ok(())
}
