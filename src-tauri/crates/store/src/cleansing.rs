//! Cleansings: values of many contacts put right at once, and put back at once.
//!
//! A cleansing names itself as the source of what it writes. So taking it back knows which values are still its own, and
//! leaves alone what anybody wrote since.

use crate::catalogue::FieldRef;
use crate::codes::{from_json, from_word, json, word};
use crate::contacts::{self, Origin, history};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::contact::Value;
use carillon_model::{CleansingId, ContactId, Moment};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

const ADD: &str = sql!("INSERT INTO cleansings(state, source, at) VALUES(?1, 0, ?2) RETURNING id");
const SET_SOURCE: &str = sql!("UPDATE cleansings SET source = ?2 WHERE id = ?1");
const SOURCE: &str = sql!("SELECT source FROM cleansings WHERE id = ?1");
const GET: &str = sql!("SELECT id, state, contacts, changed, at, undone_at FROM cleansings WHERE id = ?1");
const LIST: &str =
    sql!("SELECT id, state, contacts, changed, at, undone_at FROM cleansings ORDER BY id DESC LIMIT ?1");
const COUNT: &str =
    sql!("UPDATE cleansings SET contacts = contacts + ?2, changed = changed + ?3 WHERE id = ?1");
const SET_STATE: &str = sql!("UPDATE cleansings SET state = ?2, undone_at = ?3 WHERE id = ?1");
const KEEP: &str = sql!(
    "INSERT INTO cleansing_changes(cleansing, contact, field, was, was_source, was_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT(cleansing, contact, field) DO NOTHING"
);
const CHANGES: &str = sql!(
    "SELECT contact, field, was, was_source, was_at FROM cleansing_changes WHERE cleansing = ?1
     ORDER BY contact, field LIMIT ?2"
);
const DROP: &str = sql!("DELETE FROM cleansing_changes WHERE cleansing = ?1 AND contact = ?2 AND field = ?3");
const HAND_ON: &str = sql!(
    "UPDATE cleansing_changes SET was = ?4, was_source = ?5, was_at = ?6
     WHERE contact = ?1 AND field = ?2 AND was_source = ?3"
);
const FORGET: &str = sql!("DELETE FROM cleansing_changes WHERE contact = ?1");

/// Where a cleansing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CleansingState {
    /// Begun and not ended: it runs, or a crash or somebody stopped it.
    Running,
    Done,
    /// Being taken back.
    Undoing,
    Undone,
}

/// A cleansing as the file keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleansingRow {
    pub id: CleansingId,
    pub state: CleansingState,
    /// Contacts it changed, and how many of their values.
    pub contacts: u32,
    pub changed: u32,
    pub at: Moment,
    pub undone_at: Option<Moment>,
}

fn read(row: &Row<'_>) -> Result<CleansingRow> {
    Ok(CleansingRow {
        id: CleansingId(row.get(0)?),
        state: from_word("cleansings", &row.get::<_, String>(1)?)?,
        contacts: row.get(2)?,
        changed: row.get(3)?,
        at: moment(row.get(4)?)?,
        undone_at: moment_opt(row.get(5)?)?,
    })
}

/// The source the values of a cleansing name.
pub fn source(id: CleansingId) -> String {
    format!("cleansing:{id}")
}

/// One cleansing.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: CleansingId) -> Result<Option<CleansingRow>> {
    db.one(GET, (id.0,), read)
}

/// Cleansings, the last first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>, limit: u32) -> Result<Vec<CleansingRow>> {
    db.all(LIST, (limit,), read)
}

fn tell(tx: &mut Tx<'_>, id: CleansingId) {
    tx.touch("cleansings", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Cleansing);
}

/// Tells whoever shows cleansings that there is something new to see, where no row says so.
pub fn announce(tx: &mut Tx<'_>) {
    tx.topic(Topic::Cleansing);
}

/// Begins a cleansing.
///
/// # Errors
/// SQLite's.
pub fn begin(tx: &mut Tx<'_>) -> Result<CleansingId> {
    let now = ms(tx.now());
    let id: u32 = tx
        .value(ADD, (word(&CleansingState::Running)?, now))?
        .ok_or_else(|| Error::damaged("cleansings", "a new cleansing got no number"))?;
    let id = CleansingId(id);
    let source = tx.source(&source(id))?;
    tx.run(SET_SOURCE, (id.0, source))?;
    tell(tx, id);
    Ok(id)
}

fn set_state(tx: &mut Tx<'_>, id: CleansingId, state: CleansingState) -> Result<()> {
    let undone = (state == CleansingState::Undone).then(|| ms(tx.now()));
    tx.run(SET_STATE, (id.0, word(&state)?, undone))?;
    tell(tx, id);
    Ok(())
}

/// Ends a cleansing that runs.
///
/// # Errors
/// [`Error::Invalid`] when it does not run.
pub fn end(tx: &mut Tx<'_>, id: CleansingId) -> Result<()> {
    let known = get(tx, id)?.ok_or_else(|| Error::missing("cleansing", id))?;
    if known.state != CleansingState::Running {
        return Err(Error::Invalid(format!("Cleansing {id} is not running.")));
    }
    set_state(tx, id, CleansingState::Done)
}

/// A value to put right.
#[derive(Clone, Debug, PartialEq)]
pub struct Mend {
    pub key: String,
    /// What somebody looked at: if it is not any more what is there, nothing is written.
    pub was: Option<Value>,
    pub now: Value,
}

/// What became of the values of one contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    pub written: u32,
    /// Values that are others by now.
    pub changed_since: u32,
    /// Whoever has the address that was to be written; then it was not.
    pub taken: Option<ContactId>,
}

/// Puts values of a contact right. An address that leads to somebody already is not written. What the person said to the
/// address before goes with it, and a new one that is on the list of those not to be written to stays on it, both as with
/// any change of an address ([`contacts::set_field`]).
///
/// # Errors
/// [`Error::Invalid`] for a cleansing that does not run, or a value its field cannot hold.
pub fn mend(tx: &mut Tx<'_>, id: CleansingId, contact: ContactId, mends: &[Mend]) -> Result<Mended> {
    let known = get(tx, id)?.ok_or_else(|| Error::missing("cleansing", id))?;
    if known.state != CleansingState::Running {
        return Err(Error::Invalid(format!("Cleansing {id} is not running.")));
    }
    let mut done = Mended::default();
    let Some(before) = contacts::record_fields(tx, contact)? else {
        return Ok(done);
    };
    let source = source(id);
    for mend in mends {
        let here = before
            .iter()
            .find(|(key, _)| *key == mend.key)
            .map(|(_, value)| value);
        if here != mend.was.as_ref() {
            done.changed_since += 1;
            continue;
        }
        if let ("email", Value::Text(email)) = (mend.key.as_str(), &mend.now)
            && let Some(other) = contacts::id_of(tx, email)?
        {
            done.taken = Some(other);
            continue;
        }
        let field = tx.catalogue.field(&mend.key)?.number();
        let origin = contacts::origin(tx, contact, field)?;
        contacts::mend_field(tx, contact, &mend.key, Some(&mend.now), &source)?;
        let was = mend.was.as_ref().map(json).transpose()?;
        let (by, at) = (origin.map(|o| o.source), origin.map(|o| o.at));
        tx.run(KEEP, (id.0, contact.0, field, was, by, at))?;
        done.written += 1;
    }
    if done.written > 0 {
        tx.run(COUNT, (id.0, 1, done.written))?;
        tell(tx, id);
    }
    Ok(done)
}

/// What taking back did so far in this call, and whether there is more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleansingUndone {
    /// Values that are as they were.
    pub restored: u32,
    /// Values that stay: written by somebody since, of a contact that is gone, or an address somebody else has by now.
    pub kept: u32,
    pub finished: bool,
}

/// A change while it is taken back.
struct Was {
    contact: ContactId,
    field: i64,
    value: Option<String>,
    origin: Option<Origin>,
}

impl Was {
    fn value(&self) -> Result<Option<Value>> {
        let text = self.value.as_deref();
        text.map(|text| from_json("cleansing_changes", text)).transpose()
    }
}

/// Takes back up to `limit` values of a cleansing; call until [`CleansingUndone::finished`]. A person's own no goes with
/// the address here, too: who is on the list of those not to be written to by it stays there under both addresses.
///
/// # Errors
/// [`Error::Invalid`] when it was taken back before.
pub fn undo(tx: &mut Tx<'_>, id: CleansingId, limit: u32) -> Result<CleansingUndone> {
    let known = get(tx, id)?.ok_or_else(|| Error::missing("cleansing", id))?;
    match known.state {
        CleansingState::Undone => {
            return Err(Error::Invalid(format!("Cleansing {id} was taken back already.")));
        }
        CleansingState::Undoing => {}
        CleansingState::Running | CleansingState::Done => set_state(tx, id, CleansingState::Undoing)?,
    }
    let own: i64 = tx
        .value(SOURCE, (id.0,))?
        .ok_or_else(|| Error::missing("cleansing", id))?;
    let limit = limit.max(1);
    let changes = tx.all(CHANGES, (id.0, limit), |row| {
        let (source, at): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
        Ok(Was {
            contact: ContactId(row.get(0)?),
            field: row.get(1)?,
            value: row.get(2)?,
            origin: source.zip(at).map(|(source, at)| Origin { source, at }),
        })
    })?;
    let mut done = CleansingUndone {
        finished: changes.len() < limit as usize,
        ..CleansingUndone::default()
    };
    for was in changes {
        tx.run(DROP, (id.0, was.contact.0, was.field))?;
        match restore(tx, id, own, ms(known.at), was)? {
            true => done.restored += 1,
            false => done.kept += 1,
        }
    }
    if done.finished {
        set_state(tx, id, CleansingState::Undone)?;
    }
    Ok(done)
}

/// Puts one value back, with who had written it. `own`: the source of the cleansing, which began at `begun`. False: it stays.
fn restore(tx: &mut Tx<'_>, id: CleansingId, own: i64, begun: i64, was: Was) -> Result<bool> {
    let catalogue = tx.catalogue.clone();
    let Some(field) = catalogue.by_number(was.field) else {
        return Ok(false);
    };
    let retired = matches!(field, FieldRef::Custom(custom) if custom.retired);
    if retired || !contacts::exists(tx, was.contact)? {
        return Ok(false);
    }
    let by = contacts::origin(tx, was.contact, was.field)?.map(|origin| origin.source);
    if by != Some(own) {
        // A later cleansing found our value and wrote its own: once that one is taken back, what was before both comes back.
        let (source, at) = (was.origin.map(|o| o.source), was.origin.map(|o| o.at));
        if tx.run(HAND_ON, (was.contact.0, was.field, own, &was.value, source, at))? == 0 {
            let value = was.value()?;
            let found = history::Was {
                field: was.field,
                value: value.as_ref(),
                origin: was.origin,
            };
            history::outlive(tx, was.contact, &found, own, begun)?;
        }
        return Ok(false);
    }
    let value = was.value()?;
    if let ("email", Some(Value::Text(email))) = (field.key(), &value)
        && contacts::id_of(tx, email)?.is_some()
    {
        return Ok(false);
    }
    let undo = format!("undo:{}", source(id));
    contacts::put_back(tx, was.contact, field.key(), value.as_ref(), was.origin, &undo)?;
    Ok(true)
}

/// Forgets what a contact's values were, with the contact.
pub(crate) fn forget(tx: &mut Tx<'_>, contact: ContactId) -> Result<()> {
    tx.run(FORGET, (contact.0,))?;
    Ok(())
}
