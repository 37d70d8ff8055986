//! What people chose on the preference page: topics they left, and a pause. Kept as the suppression list is: by the keyed
//! hash of the address, so that it outlives the contact.

use crate::contacts::{self, normalise_email};
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::suppressions::{hash, shared_key, written_keys};
use crate::time::{moment_opt, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::{ContactId, Moment};
use rusqlite::Connection;
use std::collections::HashMap;

const FIND: &str = sql!("SELECT topics_left, paused_until FROM choices WHERE hash = ?1 AND key = ?2");
const PUT: &str = sql!(
    "INSERT INTO choices(hash, key, topics_left, paused_until, source, at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT(hash, key) DO UPDATE SET topics_left = excluded.topics_left, paused_until = excluded.paused_until,
       source = excluded.source, at = excluded.at WHERE excluded.at >= choices.at"
);
const LEAVE: &str = sql!(
    "INSERT INTO choices(hash, key, topics_left, paused_until, source, at) VALUES(?1, ?2, ?3, NULL, ?4, ?5)
     ON CONFLICT(hash, key) DO UPDATE SET topics_left = topics_left | excluded.topics_left"
);
const REJOIN: &str = sql!("UPDATE choices SET topics_left = topics_left & ~?3 WHERE hash = ?1 AND key = ?2");
const ALL: &str = sql!("SELECT hash, key, topics_left, paused_until FROM choices", scan: "a whole audience is looked up at once");
const OTHER: &str = sql!(
    "SELECT hash, topics_left, paused_until, at FROM choices WHERE key = ?1",
    scan: "the choices of another file are taken over"
);

/// Topics have the numbers 0 to 31.
pub const MOST_TOPICS: u8 = 32;

/// What somebody chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Bit n: the topic number n was left.
    pub left: u32,
    /// No marketing before this moment.
    pub paused_until: Option<Moment>,
}

impl Choice {
    /// Whether a topic was left.
    pub fn leaves(&self, topic: u8) -> bool {
        topic < MOST_TOPICS && self.left & (1 << topic) != 0
    }

    /// Until when marketing rests, if it rests now.
    pub fn rests(&self, now: Moment) -> Option<Moment> {
        self.paused_until.filter(|until| *until > now)
    }

    pub(crate) fn and(self, other: Choice) -> Choice {
        Choice {
            left: self.left | other.left,
            paused_until: self.paused_until.max(other.paused_until),
        }
    }
}

fn bits(column: i64) -> u32 {
    u32::try_from(column & i64::from(u32::MAX)).unwrap_or(0)
}

/// What whoever has this address chose.
///
/// # Errors
/// SQLite's.
pub fn of(db: &Db<'_>, email: &str) -> Result<Choice> {
    let email = normalise_email(email);
    let mut all = Choice::default();
    for (id, key) in &db.catalogue.hash_keys {
        let found = db.one(FIND, (hash(key, &email).as_slice(), id), |row| {
            Ok(Choice {
                left: bits(row.get(0)?),
                paused_until: moment_opt(row.get(1)?)?,
            })
        })?;
        all = all.and(found.unwrap_or_default());
    }
    Ok(all)
}

/// Everybody's choices, for whoever asks about many.
#[derive(Clone, Debug, Default)]
pub struct Everybody {
    keys: Vec<(i64, [u8; 32])>,
    choices: HashMap<(i64, Vec<u8>), Choice>,
}

impl Everybody {
    /// What whoever has this address chose.
    pub fn of(&self, email: &str) -> Choice {
        if self.choices.is_empty() {
            return Choice::default();
        }
        let email = normalise_email(email);
        self.keys
            .iter()
            .filter_map(|(id, key)| self.choices.get(&(*id, hash(key, &email).to_vec())))
            .fold(Choice::default(), |all, one| all.and(*one))
    }
}

/// All choices that were made.
///
/// # Errors
/// SQLite's.
pub fn everybody(db: &Db<'_>) -> Result<Everybody> {
    let rows = db.all(ALL, (), |row| {
        let choice = Choice {
            left: bits(row.get(2)?),
            paused_until: moment_opt(row.get(3)?)?,
        };
        Ok(((row.get(1)?, row.get(0)?), choice))
    })?;
    Ok(Everybody {
        keys: db.catalogue.hash_keys.clone(),
        choices: rows.into_iter().collect(),
    })
}

/// Keeps what was chosen at a moment, unless something chosen later is known.
///
/// # Errors
/// SQLite's.
pub fn set(tx: &mut Tx<'_>, email: &str, choice: &Choice, source: &str, at: Moment) -> Result<()> {
    let email = normalise_email(email);
    let source = tx.source(source)?;
    for (id, key) in written_keys(tx)? {
        tx.run(
            PUT,
            (
                hash(&key, &email).as_slice(),
                id,
                choice.left,
                choice.paused_until.map(ms),
                source,
                ms(at),
            ),
        )?;
    }
    tell(tx);
    Ok(())
}

/// The same of an address only the shared hash is known of.
///
/// # Errors
/// SQLite's.
pub fn set_hash(tx: &mut Tx<'_>, hash: &[u8; 16], choice: &Choice, source: &str, at: Moment) -> Result<()> {
    let (key, _) = shared_key(tx)?;
    let source = tx.source(source)?;
    let until = choice.paused_until.map(ms);
    tx.run(PUT, (hash.as_slice(), key, choice.left, until, source, ms(at)))?;
    tell(tx);
    Ok(())
}

/// What a contact chose holds for the address it gets, too.
pub(crate) fn carry(tx: &mut Tx<'_>, contact: ContactId, to: &str) -> Result<()> {
    let chosen = match contacts::email_of(tx, contact)? {
        Some(email) => of(tx, &email)?,
        None => Choice::default(),
    };
    match chosen == Choice::default() {
        true => Ok(()),
        false => set(tx, to, &chosen.and(of(tx, to)?), "new address", tx.now()),
    }
}

/// Notes that another machine was told of a topic that was left, or taken up again.
pub(crate) fn set_topic(tx: &mut Tx<'_>, key: i64, hash: &[u8; 16], topic: u8, left: bool) -> Result<()> {
    let bit = 1_i64 << topic.min(MOST_TOPICS - 1);
    if left {
        let source = tx.source("relay")?;
        let now = ms(tx.now());
        tx.run(LEAVE, (hash.as_slice(), key, bit, source, now))?;
    } else {
        tx.run(REJOIN, (hash.as_slice(), key, bit))?;
    }
    tell(tx);
    Ok(())
}

fn tell(tx: &mut Tx<'_>) {
    tx.touch("choices", 0, 0);
    tx.topic(Topic::Suppressions);
}

/// Choices of another file under one of its keys.
pub(crate) type Foreign = Vec<(Vec<u8>, i64, Option<i64>, i64)>;

/// Reads the choices of another workspace. A file of before there were any has none.
pub(crate) fn read_foreign(conn: &Connection, key: i64) -> Result<Foreign> {
    if !conn.table_exists(None, "choices")? {
        return Ok(Foreign::new());
    }
    let mut statement = conn.prepare_cached(OTHER)?;
    let rows = statement.query_map((key,), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes over choices of another file: what was chosen later stands.
pub(crate) fn merge(tx: &mut Tx<'_>, key: i64, choices: &Foreign, source: i64) -> Result<()> {
    for (hash, left, until, at) in choices {
        tx.run(PUT, (hash, key, left, until, source, at))?;
    }
    if !choices.is_empty() {
        tell(tx);
    }
    Ok(())
}
