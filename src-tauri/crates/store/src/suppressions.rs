//! Addresses never to be written to: keyed hashes that outlive the contact and travel with the file.
//!
//! A hash is the first 16 bytes of the keyed BLAKE3 of the normalised address. The key is the file's own;
//! lists taken over from another file keep the key they were hashed with, and an address is looked up under
//! each key. `contacts.suppressed` repeats the answer for those who are contacts now.

mod shared;

pub use shared::{
    EVERY_MAIL, FROM_MACHINES, Line, MARKETING, key_to_share, last_act, share_under, take_in, told_since,
    whose,
};
pub(crate) use shared::{shared_key, written_keys};

use crate::choices;
use crate::codes::Code;
use crate::contacts::{holder_of, normalise_email};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::imports;
use crate::membership::Change;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::consent::SuppressionReason;
use carillon_model::{ContactId, Moment};
use rusqlite::Connection;

const ANY: &str = sql!("SELECT 1 FROM suppressions LIMIT 1");
const FIND: &str = sql!("SELECT reason FROM suppressions WHERE hash = ?1 AND key = ?2");
const ENTRY: &str = sql!(
    "SELECT u.reason, s.text, u.at FROM suppressions u JOIN sources s ON s.id = u.source WHERE u.hash = ?1 AND u.key = ?2"
);
const ADD: &str = sql!(
    "INSERT INTO suppressions(hash, key, reason, source, at) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(hash, key) DO NOTHING"
);
const RAISE: &str = sql!("UPDATE suppressions SET reason = ?3, source = ?4 WHERE hash = ?1 AND key = ?2");
const SET_SOURCE: &str = sql!("UPDATE suppressions SET source = ?3 WHERE hash = ?1 AND key = ?2");
const REMOVE: &str = sql!("DELETE FROM suppressions WHERE hash = ?1 AND key = ?2");
const ACT: &str =
    sql!("INSERT INTO suppression_acts(hash, added, reason, source, at) VALUES(?1, ?2, ?3, ?4, ?5)");
const MARK: &str = sql!("UPDATE contacts SET suppressed = ?2 WHERE id = ?1 AND suppressed <> ?2");
const MARKED: &str = sql!("SELECT suppressed FROM contacts WHERE id = ?1");
const COUNTS: &str = sql!("SELECT reason, count(*) FROM suppressions GROUP BY reason ORDER BY reason", scan: "shown on one screen, and the list is small beside the contacts");
const ACTS: &str = sql!(
    "SELECT a.added, a.reason, s.text, a.at FROM suppression_acts a JOIN sources s ON s.id = a.source
     ORDER BY a.id DESC LIMIT ?1"
);
const ADD_KEY: &str = sql!("INSERT INTO suppression_keys(key) VALUES(?1) ON CONFLICT(key) DO NOTHING");
const FIND_KEY: &str = sql!("SELECT id FROM suppression_keys WHERE key = ?1");
const OTHER_KEYS: &str = sql!("SELECT id, key FROM suppression_keys");
const OTHER_ROWS: &str = sql!("SELECT hash, reason, at FROM suppressions WHERE key = ?1", scan: "the whole list of another file is taken over");
const LISTED: &str = sql!(
    "SELECT id, email FROM contacts WHERE suppressed = 1 AND id > ?1 ORDER BY id LIMIT ?2",
    scan: "page by page, to tell a provider now and then"
);
const EVERYBODY: &str =
    sql!("SELECT id, email FROM contacts", scan: "each contact is looked up on a list that was taken over");

pub(crate) fn hash(key: &[u8; 32], email: &str) -> [u8; 16] {
    let full = blake3::keyed_hash(key, email.as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&full.as_bytes()[..16]);
    short
}

/// Whether the list has any entry.
pub(crate) fn any(db: &Db<'_>) -> Result<bool> {
    Ok(db.value::<i64>(ANY, ())?.is_some())
}

/// Why the address is on the list, if it is.
///
/// # Errors
/// SQLite's.
pub fn contains(db: &Db<'_>, email: &str) -> Result<Option<SuppressionReason>> {
    let email = normalise_email(email);
    for (id, key) in &db.catalogue.hash_keys {
        if let Some(reason) = db.value::<i64>(FIND, (hash(key, &email).as_slice(), id))? {
            return SuppressionReason::of(reason).map(Some);
        }
    }
    Ok(None)
}

/// Whether the list keeps a message from an address. Who unsubscribed still gets what they asked for themselves: a
/// transactional message; any other reason bars that, too.
///
/// # Errors
/// SQLite's.
pub fn bars(db: &Db<'_>, email: &str, transactional: bool) -> Result<bool> {
    let email = normalise_email(email);
    for (id, key) in &db.catalogue.hash_keys {
        let Some(reason) = db.value::<i64>(FIND, (hash(key, &email).as_slice(), id))? else {
            continue;
        };
        if !transactional || SuppressionReason::of(reason)? != SuppressionReason::Unsubscribed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub reason: SuppressionReason,
    pub source: String,
    /// Since when the address is not written to.
    pub at: Moment,
}

/// The entry of an address, if it is on the list; of several the oldest.
///
/// # Errors
/// SQLite's.
pub fn entry(db: &Db<'_>, email: &str) -> Result<Option<Entry>> {
    let email = normalise_email(email);
    let mut oldest: Option<Entry> = None;
    for (id, key) in &db.catalogue.hash_keys {
        let found = db.one(ENTRY, (hash(key, &email).as_slice(), id), |row| {
            Ok(Entry {
                reason: SuppressionReason::of(row.get(0)?)?,
                source: row.get(1)?,
                at: moment(row.get(2)?)?,
            })
        })?;
        oldest = match (oldest, found) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, other) => one.or(other),
        };
    }
    Ok(oldest)
}

/// Whether a contact's address is on the list: one point read, for the gate.
///
/// # Errors
/// SQLite's.
pub fn of_contact(db: &Db<'_>, contact: ContactId) -> Result<bool> {
    Ok(db.value(MARKED, (contact.0,))?.unwrap_or(false))
}

/// How many entries there are for each reason.
///
/// # Errors
/// SQLite's.
pub fn counts(db: &Db<'_>) -> Result<Vec<(SuppressionReason, u64)>> {
    db.all(COUNTS, (), |row| {
        Ok((
            SuppressionReason::of(row.get(0)?)?,
            row.get::<_, i64>(1)?.unsigned_abs(),
        ))
    })
}

/// Puts an address on the list. False: it was there, and its reason stays; but for one who had unsubscribed, whom any
/// other reason bars from more.
///
/// # Errors
/// [`Error::Invalid`] for an empty address.
pub fn add(tx: &mut Tx<'_>, email: &str, reason: SuppressionReason, source: &str) -> Result<bool> {
    let email = normalise_email(email);
    if email.is_empty() {
        return Err(Error::Invalid("There is no address to suppress.".to_owned()));
    }
    match contains(tx, &email)? {
        Some(SuppressionReason::Unsubscribed) if reason != SuppressionReason::Unsubscribed => {}
        Some(_) => {
            stand_on(tx, &email, source)?;
            return Ok(false);
        }
        None => {}
    }
    // A merged list's entry stays as it came; ours stands beside it.
    for (id, key) in shared::written_keys(tx)? {
        shared::list(tx, id, &hash(&key, &email), reason, source)?;
    }
    if let Some(contact) = holder_of(tx, &email)? {
        set_mark(tx, contact, true)?;
    }
    Ok(true)
}

/// An entry that only an import brought stands on this word from now on: taking the import back leaves it. The undoing
/// of an import is no word.
fn stand_on(tx: &mut Tx<'_>, email: &str, source: &str) -> Result<()> {
    if imports::is_undo(source) {
        return Ok(());
    }
    for (id, key) in shared::written_keys(tx)? {
        let hash = hash(&key, email);
        let before = shared::source_of(tx, id, &hash)?;
        if before.is_some_and(|before| before != source && imports::brought_by(&before)) {
            let source = tx.source(source)?;
            tx.run(SET_SOURCE, (hash.as_slice(), id, source))?;
            tx.touch("suppressions", 0, 0);
            tx.topic(Topic::Suppressions);
        }
    }
    Ok(())
}

/// Takes an address off the list where every entry of ours is such that it may be; what came with another file's list
/// stays. False: nothing was taken off.
pub(crate) fn take_off(
    tx: &mut Tx<'_>,
    email: &str,
    ours: impl Fn(&str) -> bool,
    why: &str,
    source: &str,
) -> Result<bool> {
    let email = normalise_email(email);
    let (by, now) = (tx.source(source)?, ms(tx.now()));
    let mut removed = false;
    for (id, key) in shared::written_keys(tx)? {
        let hash = hash(&key, &email);
        if !shared::source_of(tx, id, &hash)?.is_some_and(|source| ours(&source)) {
            continue;
        }
        tx.run(REMOVE, (hash.as_slice(), id))?;
        tx.run(ACT, (hash.as_slice(), false, why, by, now))?;
        removed = true;
    }
    if removed {
        if let Some(contact) = holder_of(tx, &email)? {
            mark(tx, contact, &email)?;
        }
        tx.touch("suppressions", 0, 0);
        tx.topic(Topic::Suppressions);
    }
    Ok(removed)
}

fn own_key(db: &Db<'_>) -> Result<(i64, [u8; 32])> {
    db.catalogue
        .hash_keys
        .first()
        .copied()
        .ok_or_else(|| Error::damaged("suppression_keys", "the file has no key of its own"))
}

/// Takes an address off the list: only ever because somebody said so, and the record says who and why.
/// False: it was not there.
///
/// # Errors
/// [`Error::Invalid`] without a reason.
pub fn remove(tx: &mut Tx<'_>, email: &str, reason: &str, source: &str) -> Result<bool> {
    if reason.trim().is_empty() {
        return Err(Error::Invalid(
            "Say why this address may be written to again; the reason is kept.".to_owned(),
        ));
    }
    let email = normalise_email(email);
    let source = tx.source(source)?;
    let now = ms(tx.now());
    let keys = tx.catalogue.hash_keys.clone();
    let mut removed = false;
    for (id, key) in keys {
        let hash = hash(&key, &email);
        if tx.run(REMOVE, (hash.as_slice(), id))? > 0 {
            tx.run(ACT, (hash.as_slice(), false, reason.trim(), source, now))?;
            removed = true;
        }
    }
    if removed {
        if let Some(contact) = holder_of(tx, &email)? {
            set_mark(tx, contact, false)?;
        }
        tx.touch("suppressions", 0, 0);
        tx.topic(Topic::Suppressions);
    }
    Ok(removed)
}

/// Looks an address up anew for a contact that got it.
pub(crate) fn mark(tx: &mut Tx<'_>, contact: ContactId, email: &str) -> Result<()> {
    let on = contains(tx, email)?.is_some();
    set_mark(tx, contact, on)
}

fn set_mark(tx: &mut Tx<'_>, contact: ContactId, on: bool) -> Result<()> {
    if tx.run(MARK, (contact.0, on))? > 0 {
        tx.change(Change::SuppressedSet { contact, on });
        tx.touch("contacts", i64::from(contact.0), i64::from(contact.0));
        tx.topic(Topic::Contacts);
    }
    Ok(())
}

/// An entry of the record of who was put on the list or taken off it. The address cannot be read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    pub added: bool,
    pub reason: String,
    pub source: String,
    pub at: Moment,
}

/// The newest entries of that record.
///
/// # Errors
/// SQLite's.
pub fn acts(db: &Db<'_>, limit: u32) -> Result<Vec<Act>> {
    db.all(ACTS, (limit,), |row| {
        Ok(Act {
            added: row.get(0)?,
            reason: row.get(1)?,
            source: row.get(2)?,
            at: moment(row.get(3)?)?,
        })
    })
}

/// Contacts whose address is on the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub entries: Vec<(String, SuppressionReason)>,
    /// Where to go on, if there may be more.
    pub after: Option<ContactId>,
}

/// A page of the contacts whose address is on the list, after `after` in the order of their numbers. Who is no contact
/// is known by a hash alone.
///
/// # Errors
/// SQLite's.
pub fn listed(db: &Db<'_>, after: ContactId, limit: u32) -> Result<Listed> {
    let rows: Vec<(u32, String)> = db.all(LISTED, (after.0, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let more = rows.len() == limit as usize;
    let mut listed = Listed {
        after: rows.last().map(|(id, _)| ContactId(*id)).filter(|_| more),
        ..Listed::default()
    };
    for (_, email) in rows {
        if let Some(reason) = contains(db, &email)? {
            listed.entries.push((email, reason));
        }
    }
    Ok(listed)
}

/// A list read from another file: hashes under the keys they were made with.
#[derive(Clone, Default)]
pub struct Foreign {
    keys: Vec<([u8; 32], Vec<ForeignEntry>, choices::Foreign)>,
}

type ForeignEntry = (Vec<u8>, i64, i64);

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign").field("entries", &self.len()).finish()
    }
}

impl Foreign {
    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.keys.iter().map(|(_, rows, _)| rows.len()).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the list of another workspace.
    pub(crate) fn read(conn: &Connection) -> Result<Foreign> {
        let mut keys = Vec::new();
        let mut statement = conn.prepare(OTHER_KEYS)?;
        let mut found = statement.query(())?;
        while let Some(row) = found.next()? {
            let id: i64 = row.get(0)?;
            let key: Vec<u8> = row.get(1)?;
            let key = key
                .try_into()
                .map_err(|_| Error::damaged("suppression_keys", "a key has a wrong length"))?;
            let mut entries = conn.prepare_cached(OTHER_ROWS)?;
            let rows = entries
                .query_map((id,), |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
                .collect::<Result<Vec<ForeignEntry>, _>>()?;
            keys.push((key, rows, choices::read_foreign(conn, id)?));
        }
        Ok(Foreign { keys })
    }
}

/// Takes over the list of another file; entries that are there already stay as they are. How many were new.
///
/// # Errors
/// SQLite's.
pub fn merge(tx: &mut Tx<'_>, list: &Foreign, source: &str) -> Result<u64> {
    let source = tx.source(source)?;
    let now = ms(tx.now());
    let mut new = 0;
    for (key, entries, chosen) in &list.keys {
        tx.run(ADD_KEY, (key.as_slice(),))?;
        let id: i64 = tx
            .value(FIND_KEY, (key.as_slice(),))?
            .ok_or_else(|| Error::damaged("suppression_keys", "a new key is not there"))?;
        for (hash, reason, at) in entries {
            if tx.run(ADD, (hash, id, reason, source, at))? > 0 {
                tx.run(ACT, (hash, true, "merged", source, now))?;
                new += 1;
            }
        }
        choices::merge(tx, id, chosen, source)?;
    }
    tx.recatalogue()?;
    if new > 0 {
        let everybody = tx.all(EVERYBODY, (), |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))
        })?;
        for (id, email) in everybody {
            if contains(tx, &email)?.is_some() {
                set_mark(tx, ContactId(id), true)?;
            }
        }
        tx.topic(Topic::Suppressions);
    }
    Ok(new)
}

/// The keyed hash under which this file and the other machines at its relay list an address: what may be told to a relay,
/// which does not have the key.
///
/// # Errors
/// [`Error::Damaged`] when the file has no key.
pub fn address_hash(db: &Db<'_>, email: &str) -> Result<[u8; 16]> {
    let (_, key) = shared::shared_key(db)?;
    Ok(hash(&key, &normalise_email(email)))
}
