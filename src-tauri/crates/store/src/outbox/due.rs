//! What fell due at once, because nobody was there when it fell due.

use super::Word;
use super::record::settle;
use crate::codes::word;
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::message::Refusal;
use carillon_model::{ContactId, JourneyId, MessageId, Moment};

const FELL_DUE: &str = sql!(
    "SELECT journey, count(*) FROM outbox INDEXED BY outbox_waiting
     WHERE state < 2 AND transactional = 0 AND queued_at BETWEEN ?1 AND ?2 GROUP BY journey ORDER BY journey",
    scan: "only the index of waiting messages is walked, when somebody comes back"
);
const QUEUED_BETWEEN: &str = sql!(
    "SELECT id, contact, next_at, ifnull(last_word = ?6, 1) FROM outbox INDEXED BY outbox_waiting
     WHERE state < 2 AND transactional = 0 AND journey = ?1 AND queued_at BETWEEN ?2 AND ?3 AND id > ?4
     ORDER BY id LIMIT ?5",
    scan: "only the index of waiting messages is walked, when somebody says what becomes of them"
);
const MOVE: &str = sql!("UPDATE outbox SET next_at = ?2, last_word = NULL, changed_at = ?3 WHERE id = ?1");

/// A message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: MessageId,
    pub contact: ContactId,
    /// When it may next be tried.
    pub next_at: Moment,
    /// Nothing is known to keep it but that nobody has said yet what becomes of it.
    pub held: bool,
}

/// How many marketing messages that were queued in this span wait, by journey.
///
/// # Errors
/// SQLite's.
pub fn waiting_by_journey(db: &Db<'_>, from: Moment, to: Moment) -> Result<Vec<(JourneyId, u64)>> {
    db.all(FELL_DUE, (ms(from), ms(to)), |row| {
        Ok((JourneyId(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs()))
    })
}

/// Up to `limit` marketing messages of a journey that were queued in this span and wait, with numbers above `after`.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn waiting_of(
    db: &Db<'_>,
    journey: JourneyId,
    (from, to): (Moment, Moment),
    after: MessageId,
    limit: u32,
) -> Result<Vec<Waiting>> {
    db.all(
        QUEUED_BETWEEN,
        (journey.0, ms(from), ms(to), after.0, limit, word(&Refusal::Away)?),
        |row| {
            Ok(Waiting {
                id: MessageId(row.get(0)?),
                contact: ContactId(row.get(1)?),
                next_at: moment(row.get(2)?)?,
                held: row.get(3)?,
            })
        },
    )
}

/// Lets a waiting message go at a moment, and not before.
///
/// # Errors
/// SQLite's.
pub fn move_to(tx: &mut Tx<'_>, id: MessageId, at: Moment) -> Result<()> {
    let now = ms(tx.now());
    tx.run(MOVE, (id.0, ms(at), now))?;
    tx.touch("outbox", id.0, id.0);
    tx.topic(Topic::Outbox);
    Ok(())
}

/// Takes a waiting message back; its journey hears of it.
///
/// # Errors
/// [`crate::Error::Invalid`] for one that does not wait any more.
pub fn cancel(tx: &mut Tx<'_>, id: MessageId, why: &str) -> Result<()> {
    settle(tx, id, &Word::Cancelled { why: why.to_owned() })
}
