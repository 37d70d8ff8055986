//! The consent ledger, and its last word.

use crate::codes::Code;
use crate::contacts;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_model::ContactId;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use rusqlite::CachedStatement;
use std::collections::{BTreeMap, HashMap};

const ADD: &str = sql!(
    "INSERT INTO consents(id, contact, channel, purpose, action, basis, wording, source, at)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
);
/// The same word of contacts whose numbers follow one another, and that it is their last.
const ADD_EACH: &str = sql!(
    "INSERT INTO consents(id, contact, channel, purpose, action, basis, wording, source, at)
     SELECT ?1 + id - ?2, id, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM contacts WHERE id BETWEEN ?2 AND ?3 ORDER BY id"
);
const SET_EACH: &str = sql!(
    "INSERT INTO permissions(contact, channel, purpose, granted, basis, consent)
     SELECT contact, channel, purpose, ?3, basis, id FROM consents WHERE id BETWEEN ?1 AND ?2 ORDER BY id"
);
const ANY_WORD: &str = sql!("SELECT EXISTS(SELECT 1 FROM permissions WHERE contact BETWEEN ?1 AND ?2)");
const ADD_WORDING: &str =
    sql!("INSERT INTO wordings(hash, text) VALUES(?1, ?2) ON CONFLICT(hash) DO NOTHING");
const WORDING: &str = sql!("SELECT text FROM wordings WHERE hash = ?1");
const FIND_WORDING: &str = sql!("SELECT id FROM wordings WHERE hash = ?1");
const LAST: &str = sql!(
    "SELECT p.granted, p.basis, c.at, p.consent FROM permissions p JOIN consents c ON c.id = p.consent
     WHERE p.contact = ?1 AND p.channel = ?2 AND p.purpose = ?3"
);
/// Nothing where the last word is of a later moment.
const SET: &str = sql!(
    "INSERT INTO permissions(contact, channel, purpose, granted, basis, consent) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT(contact, channel, purpose)
     DO UPDATE SET granted = excluded.granted, basis = excluded.basis, consent = excluded.consent
     WHERE ifnull((SELECT at FROM consents WHERE id = permissions.consent), ?7) <= ?7"
);
const OF_CONTACT: &str = sql!(
    "SELECT c.channel, c.purpose, c.action, c.basis, w.text, w.hash, s.text, c.at, c.id
     FROM consents c LEFT JOIN wordings w ON w.id = c.wording JOIN sources s ON s.id = c.source
     WHERE c.contact = ?1 ORDER BY c.at, c.id"
);
const WORDS: &str = sql!(
    "SELECT channel, purpose, granted, basis FROM permissions WHERE contact = ?1 ORDER BY channel, purpose"
);
const SAID_NO: &str = sql!(
    "SELECT s.text FROM permissions p CROSS JOIN consents c ON c.id = p.consent CROSS JOIN sources s ON s.id = c.source
     WHERE p.contact = ?1 AND p.channel = ?2 AND p.purpose = ?3 AND p.granted = 0"
);
const GRANTS: &str =
    sql!("SELECT granted, basis FROM permissions WHERE contact = ?1 AND channel = ?2 AND purpose = ?3");

/// Appends rows to the ledger in the order given. Each becomes the last word of its channel and purpose unless
/// a row with a later moment stands there already: an old list imported today does not undo a later opt-out. What is only
/// requested becomes nobody's last word.
/// `wording_hash` is worked out here from the wording.
///
/// # Errors
/// [`Error::NotFound`] for a contact who is not there.
pub fn append(tx: &mut Tx<'_>, rows: &[Consent]) -> Result<()> {
    let mut ledger = Appending::new(tx)?;
    rows.iter()
        .try_for_each(|row| ledger.append(tx, row, row.contact))
}

/// As [`append`], where all say the same: `word` with each of the contacts in turn, whoever it names itself.
///
/// # Errors
/// [`Error::NotFound`] for a contact who is not there.
pub fn append_of_each(tx: &mut Tx<'_>, word: &Consent, contacts: &[ContactId]) -> Result<()> {
    let mut ledger = Appending::new(tx)?;
    for run in contacts.chunk_by(|one, next| one.0.checked_add(1) == Some(next.0)) {
        if !ledger.append_first(tx, word, run)? {
            run.iter()
                .try_for_each(|contact| ledger.append(tx, word, *contact))?;
        }
    }
    Ok(())
}

/// Keeps the words of a consent that may be given, so that they are known by their hash however they are changed later.
///
/// # Errors
/// SQLite's.
pub fn keep_wording(tx: &mut Tx<'_>, text: &str) -> Result<()> {
    wording(tx, text)?;
    tx.touch("wordings", 0, 0);
    Ok(())
}

/// The words with this BLAKE3, in hex, if they were ever kept.
///
/// # Errors
/// SQLite's.
pub fn wording_of(db: &Db<'_>, hash: &str) -> Result<Option<String>> {
    match blake3::Hash::from_hex(hash) {
        Ok(hash) => db.value(WORDING, (hash.as_bytes().as_slice(),)),
        Err(_) => Ok(None),
    }
}

fn wording(tx: &Tx<'_>, text: &str) -> Result<i64> {
    let hash = blake3::hash(text.as_bytes());
    tx.run(ADD_WORDING, (hash.as_bytes().as_slice(), text))?;
    tx.value(FIND_WORDING, (hash.as_bytes().as_slice(),))?
        .ok_or_else(|| Error::damaged("wordings", "a new wording is not there"))
}

/// Fewer are not worth statements of their own.
const FEW: usize = 4;

/// Rows on their way into the ledger.
struct Appending<'c> {
    add: CachedStatement<'c>,
    set: CachedStatement<'c>,
    wordings: HashMap<String, i64>,
}

impl<'c> Appending<'c> {
    fn new(tx: &Tx<'c>) -> Result<Appending<'c>> {
        Ok(Appending {
            add: tx.conn.prepare_cached(ADD)?,
            set: tx.conn.prepare_cached(SET)?,
            wordings: HashMap::new(),
        })
    }

    fn wording(&mut self, tx: &Tx<'_>, text: &str) -> Result<i64> {
        if let Some(id) = self.wordings.get(text) {
            return Ok(*id);
        }
        let id = wording(tx, text)?;
        self.wordings.insert(text.to_owned(), id);
        Ok(id)
    }

    /// Appends what a row says, of each of these contacts, whose numbers follow one another, by two statements. `false`: of some
    /// there is a word already, and nothing was done.
    fn append_first(&mut self, tx: &mut Tx<'_>, row: &Consent, run: &[ContactId]) -> Result<bool> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Ok(true);
        };
        let is_word = row.action != ConsentAction::Requested;
        if run.len() < FEW || !is_word || tx.value(ANY_WORD, (first.0, last.0))? == Some(true) {
            return Ok(false);
        }
        let wording = row.wording.as_deref().map(|text| self.wording(tx, text));
        let (wording, source) = (wording.transpose()?, tx.source(&row.source)?);
        let id = tx.take(Mark::Consents, run.len());
        let last_id = tx.marks.get(Mark::Consents) - 1;
        let (channel, purpose, basis) = (row.channel, row.purpose, row.basis);
        let granted = row.action == ConsentAction::Granted;
        let added = tx.run(
            ADD_EACH,
            (
                id,
                first.0,
                last.0,
                channel.code(),
                purpose.code(),
                row.action.code(),
                basis.code(),
                wording,
                source,
                ms(row.at),
            ),
        )?;
        if added != run.len() {
            return Err(Error::missing("contact", first));
        }
        tx.run(SET_EACH, (id, last_id, granted))?;
        tx.touch("consents", id, last_id);
        tx.topic(Topic::Consents);
        for contact in run {
            tx.change(Change::PermissionSet {
                contact: *contact,
                channel,
                purpose,
                basis: granted.then_some(basis),
            });
        }
        Ok(true)
    }

    /// Appends what a row says, of this contact.
    fn append(&mut self, tx: &mut Tx<'_>, row: &Consent, contact: ContactId) -> Result<()> {
        if !tx.adds(contact) && !contacts::exists(tx, contact)? {
            return Err(Error::missing("contact", contact));
        }
        let wording = row.wording.as_deref().map(|text| self.wording(tx, text));
        let wording = wording.transpose()?;
        let id = tx.take(Mark::Consents, 1);
        let source = tx.source(&row.source)?;
        let (channel, purpose) = (row.channel, row.purpose);
        let at = ms(row.at);
        self.add.execute((
            id,
            contact.0,
            channel.code(),
            purpose.code(),
            row.action.code(),
            row.basis.code(),
            wording,
            source,
            at,
        ))?;
        tx.touch("consents", id, id);
        tx.topic(Topic::Consents);
        if row.action == ConsentAction::Requested {
            return Ok(());
        }
        let granted = row.action == ConsentAction::Granted;
        let set = self.set.execute((
            contact.0,
            channel.code(),
            purpose.code(),
            granted,
            row.basis.code(),
            id,
            at,
        ))?;
        if set > 0 {
            tx.change(Change::PermissionSet {
                contact,
                channel,
                purpose,
                basis: granted.then_some(row.basis),
            });
        }
        Ok(())
    }
}

/// The ledger of one contact and of those that were merged into it, by moment.
///
/// # Errors
/// [`Error::Damaged`] when a row cannot be understood.
pub fn of(db: &Db<'_>, contact: ContactId) -> Result<Vec<Consent>> {
    let mut rows = rows_of(db, contact)?;
    for alias in crate::duplicates::aliases_of(db, contact)? {
        rows.extend(rows_of(db, alias.absorbed)?);
    }
    rows.sort_by_key(|(id, row)| (row.at, *id));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Appends one row; see [`append`].
///
/// # Errors
/// As [`append`].
pub fn add(tx: &mut Tx<'_>, row: &Consent) -> Result<()> {
    append(tx, std::slice::from_ref(row))
}

/// The ledger's last word for one channel and purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    pub channel: Channel,
    pub purpose: Purpose,
    pub granted: bool,
    pub basis: Basis,
}

/// The ledger's last words on a contact.
///
/// # Errors
/// [`Error::Damaged`].
pub fn permissions_of(db: &Db<'_>, contact: ContactId) -> Result<Vec<Permission>> {
    db.all(WORDS, (contact.0,), |row| {
        Ok(Permission {
            channel: Channel::of(row.get(0)?)?,
            purpose: Purpose::of(row.get(1)?)?,
            granted: row.get(2)?,
            basis: Basis::of(row.get(3)?)?,
        })
    })
}

/// The ledger of one contact with the number of each row.
pub(crate) fn rows_of(db: &Db<'_>, contact: ContactId) -> Result<Vec<(i64, Consent)>> {
    db.all(OF_CONTACT, (contact.0,), |row| {
        let hash: Option<Vec<u8>> = row.get(5)?;
        let hash = hash.and_then(|h| blake3::Hash::from_slice(&h).ok());
        let consent = Consent {
            contact,
            channel: Channel::of(row.get(0)?)?,
            purpose: Purpose::of(row.get(1)?)?,
            action: ConsentAction::of(row.get(2)?)?,
            basis: Basis::of(row.get(3)?)?,
            wording: row.get(4)?,
            wording_hash: hash.map(|h| h.to_hex().to_string()),
            source: row.get(6)?,
            at: moment(row.get(7)?)?,
        };
        Ok((row.get(8)?, consent))
    })
}

/// What was said in a form and waits for its confirmation: of each purpose the newest request that nothing was said after.
///
/// # Errors
/// As [`of`].
pub fn requested(db: &Db<'_>, contact: ContactId, channel: Channel) -> Result<Vec<Consent>> {
    let mut newest: BTreeMap<Purpose, Consent> = BTreeMap::new();
    let own = rows_of(db, contact)?.into_iter().map(|(_, row)| row);
    for row in own.filter(|row| row.channel == channel) {
        newest.insert(row.purpose, row);
    }
    let waits = |row: &Consent| row.action == ConsentAction::Requested;
    Ok(newest.into_values().filter(waits).collect())
}

/// The ledger's last word where it is a grant: what the gate asks, by one point read.
///
/// # Errors
/// SQLite's.
pub fn permission(
    db: &Db<'_>,
    contact: ContactId,
    channel: Channel,
    purpose: Purpose,
) -> Result<Option<Basis>> {
    let word = db.one(GRANTS, (contact.0, channel.code(), purpose.code()), |row| {
        Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?))
    })?;
    match word {
        Some((true, basis)) => Basis::of(basis).map(Some),
        _ => Ok(None),
    }
}

/// Whether the ledger's last word is a no of the contact's own; not one that only takes back what an import said.
///
/// # Errors
/// SQLite's.
pub fn said_no(db: &Db<'_>, contact: ContactId, channel: Channel, purpose: Purpose) -> Result<bool> {
    let source: Option<String> = db.value(SAID_NO, (contact.0, channel.code(), purpose.code()))?;
    Ok(source.is_some_and(|source| !crate::imports::is_undo(&source)))
}

/// The row of the ledger that is the last word.
pub(crate) fn last_row(
    db: &Db<'_>,
    contact: ContactId,
    channel: Channel,
    purpose: Purpose,
) -> Result<Option<i64>> {
    db.one(LAST, (contact.0, channel.code(), purpose.code()), |row| {
        Ok(row.get(3)?)
    })
}
