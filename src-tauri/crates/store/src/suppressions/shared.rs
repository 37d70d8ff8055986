//! What machines that share a relay tell each other of the list: keyed hashes, all under one key.

use super::{ACT, ADD, ADD_KEY, FIND, FIND_KEY, RAISE, REMOVE, hash, own_key, set_mark};
use crate::choices::{self, MOST_TOPICS};
use crate::codes::Code;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::settings;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::ContactId;
use carillon_model::consent::SuppressionReason;
use std::collections::BTreeSet;

const ACTS_SINCE: &str = sql!("SELECT id, hash FROM suppression_acts WHERE id > ?1 ORDER BY id LIMIT ?2");
const LAST_ACT: &str = sql!("SELECT max(id) FROM suppression_acts");
const SOURCE_OF: &str = sql!(
    "SELECT s.text FROM suppressions u JOIN sources s ON s.id = u.source WHERE u.hash = ?1 AND u.key = ?2"
);
const SUPPRESSED: &str = sql!(
    "SELECT email FROM contacts WHERE suppressed <> 0",
    scan: "once, when this file begins to share a list under another key"
);
const EVERYBODY: &str = sql!("SELECT id, email FROM contacts", scan: "each contact is looked up among hashes that came from elsewhere");

/// Setting with the number of the key under which this file shares its list; its own where there is none.
const SHARED: &str = "shared_hash_key";
/// The source of what other machines told.
pub const FROM_MACHINES: &str = "relay:machines";

/// Everything of the marketing kind.
pub const MARKETING: u16 = 0;
/// Every mail, also what was asked for: complained, bounced, put on the list by hand.
pub const EVERY_MAIL: u16 = u16::MAX;

/// A change of the list. `scope`: [`MARKETING`], [`EVERY_MAIL`], or a topic's number plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub hash: [u8; 16],
    pub scope: u16,
    pub lifted: bool,
}

/// The key under which this file and other machines name an address.
pub(crate) fn shared_key(db: &Db<'_>) -> Result<(i64, [u8; 32])> {
    match settings::get::<i64>(db, SHARED)? {
        None => own_key(db),
        Some(id) => {
            let known = db.catalogue.hash_keys.iter().find(|(known, _)| *known == id);
            known
                .copied()
                .ok_or_else(|| Error::damaged("suppression_keys", "the shared key is not there"))
        }
    }
}

/// The keys under which a new entry is written: the file's own, and the one it shares.
pub(crate) fn written_keys(db: &Db<'_>) -> Result<Vec<(i64, [u8; 32])>> {
    let (own, shared) = (own_key(db)?, shared_key(db)?);
    Ok(match own.0 == shared.0 {
        true => vec![own],
        false => vec![own, shared],
    })
}

/// The key itself, to be told to another machine of the workspace under a seal.
///
/// # Errors
/// [`Error::Damaged`] when the file has none.
pub fn key_to_share(db: &Db<'_>) -> Result<[u8; 32]> {
    Ok(shared_key(db)?.1)
}

/// From now on this file shares its list under the key of another machine; what it knows of its contacts is listed under
/// that key, too.
///
/// # Errors
/// SQLite's.
pub fn share_under(tx: &mut Tx<'_>, key: &[u8; 32]) -> Result<()> {
    tx.run(ADD_KEY, (key.as_slice(),))?;
    let id: i64 = tx
        .value(FIND_KEY, (key.as_slice(),))?
        .ok_or_else(|| Error::damaged("suppression_keys", "a new key is not there"))?;
    let own = own_key(tx)?.0;
    settings::set(tx, SHARED, (id != own).then_some(&id))?;
    tx.recatalogue()?;
    if id == own {
        return Ok(());
    }
    let listed: Vec<String> = tx.all(SUPPRESSED, (), |row| Ok(row.get(0)?))?;
    for email in listed {
        if let Some(entry) = super::entry(tx, &email)? {
            list(tx, id, &hash(key, &email), entry.reason, &entry.source)?;
        }
    }
    Ok(())
}

/// Puts a hash on the list under one key. False: it was there; for one who had unsubscribed any other reason bars more.
pub(super) fn list(
    tx: &mut Tx<'_>,
    key: i64,
    hash: &[u8; 16],
    reason: SuppressionReason,
    source: &str,
) -> Result<bool> {
    let known = tx.value::<i64>(FIND, (hash.as_slice(), key))?;
    let known = known.map(SuppressionReason::of).transpose()?;
    let raised = known == Some(SuppressionReason::Unsubscribed) && reason != SuppressionReason::Unsubscribed;
    if known.is_some() && !raised {
        return Ok(false);
    }
    let source = tx.source(source)?;
    let now = ms(tx.now());
    match raised {
        true => tx.run(RAISE, (hash.as_slice(), key, reason.code(), source))?,
        false => tx.run(ADD, (hash.as_slice(), key, reason.code(), source, now))?,
    };
    tx.run(ACT, (hash.as_slice(), true, format!("{reason:?}"), source, now))?;
    tx.touch("suppressions", 0, 0);
    tx.topic(Topic::Suppressions);
    Ok(true)
}

/// What changed here since an act of the record, for the relay, and the act it goes up to. What came from other machines
/// is not told back.
///
/// # Errors
/// SQLite's.
pub fn told_since(db: &Db<'_>, act: i64, limit: u32) -> Result<(Vec<Line>, i64)> {
    let (key, _) = shared_key(db)?;
    let acts: Vec<(i64, Vec<u8>)> = db.all(ACTS_SINCE, (act, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let upto = acts.last().map_or(act, |(id, _)| *id);
    let hashes: BTreeSet<Vec<u8>> = acts.into_iter().map(|(_, hash)| hash).collect();
    let mut lines = Vec::new();
    for bytes in hashes {
        let Ok(hash) = <[u8; 16]>::try_from(bytes.as_slice()) else {
            continue;
        };
        let line = |scope: u16, lifted: bool| Line { hash, scope, lifted };
        let reason = db.value::<i64>(FIND, (bytes.as_slice(), key))?;
        match reason.map(SuppressionReason::of).transpose()? {
            None => lines.extend([line(MARKETING, true), line(EVERY_MAIL, true)]),
            Some(_) if source_of(db, key, &hash)?.as_deref() == Some(FROM_MACHINES) => {}
            Some(SuppressionReason::Unsubscribed) => lines.push(line(MARKETING, false)),
            Some(_) => lines.push(line(EVERY_MAIL, false)),
        }
    }
    Ok((lines, upto))
}

/// The last act of the record.
///
/// # Errors
/// SQLite's.
pub fn last_act(db: &Db<'_>) -> Result<i64> {
    Ok(db.value::<Option<i64>>(LAST_ACT, ())?.flatten().unwrap_or(0))
}

pub(super) fn source_of(db: &Db<'_>, key: i64, hash: &[u8; 16]) -> Result<Option<String>> {
    db.value(SOURCE_OF, (hash.as_slice(), key))
}

/// Takes in what other machines told. Nobody's address is known from it: whoever is a contact is found by
/// [`whose`] beforehand, and the gate compares the hash of each recipient.
///
/// # Errors
/// SQLite's.
pub fn take_in(tx: &mut Tx<'_>, lines: &[Line], contacts: &[ContactId]) -> Result<()> {
    let (key, _) = shared_key(tx)?;
    for line in lines {
        match (line.scope, line.lifted) {
            (MARKETING, false) => {
                list(
                    tx,
                    key,
                    &line.hash,
                    SuppressionReason::Unsubscribed,
                    FROM_MACHINES,
                )?;
            }
            (EVERY_MAIL, false) => {
                list(tx, key, &line.hash, SuppressionReason::Imported, FROM_MACHINES)?;
            }
            (MARKETING, true) => lift(tx, key, &line.hash, |reason, _| {
                reason == SuppressionReason::Unsubscribed
            })?,
            (EVERY_MAIL, true) => lift(tx, key, &line.hash, |_, source| source == FROM_MACHINES)?,
            (topic, lifted) if topic <= u16::from(MOST_TOPICS) => {
                let number = u8::try_from(topic - 1).unwrap_or(MOST_TOPICS);
                choices::set_topic(tx, key, &line.hash, number, !lifted)?;
            }
            _ => {}
        }
    }
    for contact in contacts {
        if let Some(email) = crate::contacts::email_of(tx, *contact)? {
            let on = super::contains(tx, &email)?.is_some();
            set_mark(tx, *contact, on)?;
        }
    }
    Ok(())
}

/// Takes a hash off, if reason and source are such that another machine may say so.
fn lift(
    tx: &mut Tx<'_>,
    key: i64,
    hash: &[u8; 16],
    may: impl Fn(SuppressionReason, &str) -> bool,
) -> Result<()> {
    let Some(reason) = tx.value::<i64>(FIND, (hash.as_slice(), key))? else {
        return Ok(());
    };
    let source = source_of(tx, key, hash)?.unwrap_or_default();
    if !may(SuppressionReason::of(reason)?, &source) {
        return Ok(());
    }
    tx.run(REMOVE, (hash.as_slice(), key))?;
    let (source, now) = (tx.source(FROM_MACHINES)?, ms(tx.now()));
    tx.run(
        ACT,
        (hash.as_slice(), false, "lifted by another machine", source, now),
    )?;
    tx.touch("suppressions", 0, 0);
    tx.topic(Topic::Suppressions);
    Ok(())
}

/// The contacts whose addresses have these hashes.
///
/// # Errors
/// SQLite's.
pub fn whose(db: &Db<'_>, hashes: &BTreeSet<[u8; 16]>) -> Result<Vec<ContactId>> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let (_, key) = shared_key(db)?;
    let everybody = db.all(EVERYBODY, (), |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))
    })?;
    Ok(everybody
        .into_iter()
        .filter(|(_, email)| hashes.contains(&hash(&key, email)))
        .map(|(id, _)| ContactId(id))
        .collect())
}
