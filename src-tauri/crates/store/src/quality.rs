//! How good the data of contacts is: figures by field and day, kept as they were measured.
//!
//! Nothing is kept of who they are about: figures alone outlive a contact.

use crate::catalogue::FieldRef;
use crate::contacts::history::is_told;
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::{date, day_bucket, moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::{Moment, Seq};
use chrono::NaiveDate;
use std::collections::BTreeMap;

const NEXT_SEQ: &str = sql!("SELECT next FROM marks WHERE name = 'seq'");
const ANY_CHANGE: &str = sql!("SELECT 1 FROM changes WHERE seq >= ?1 AND \"table\" = 'contacts' LIMIT 1");
const PUT_DAY: &str = sql!(
    "INSERT INTO quality_days(day, at, seq, contacts, pairs) VALUES(?1, ?2, ?3, ?4, ?5)
     ON CONFLICT(day) DO UPDATE SET at = excluded.at, seq = excluded.seq, contacts = excluded.contacts,
       pairs = excluded.pairs"
);
const DROP_DAY: &str = sql!("DELETE FROM quality_fields WHERE day = ?1");
const PUT_FIELD: &str =
    sql!("INSERT INTO quality_fields(day, field, known, valid, tidy) VALUES(?1, ?2, ?3, ?4, ?5)");
const LAST: &str = sql!("SELECT day, at, seq, contacts, pairs FROM quality_days ORDER BY day DESC LIMIT 1");
const DAYS: &str = sql!("SELECT day, at, seq, contacts, pairs FROM quality_days WHERE day > ?1 ORDER BY day");
const FIELDS: &str =
    sql!("SELECT day, field, known, valid, tidy FROM quality_fields WHERE day > ?1 ORDER BY day, field");
const LOOKED: &str = sql!("SELECT 1 FROM duplicate_pairs LIMIT 1");

/// Of all contacts: how many values of a field are there, how many of those can be what the field is for, and how many of
/// those are written as they should be, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldFigures {
    pub known: u32,
    pub valid: u32,
    pub tidy: u32,
}

/// What was measured of all fields at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// [`next_seq`] before the first contact was read.
    pub seq: Seq,
    pub contacts: u32,
    /// By the keys of the fields.
    pub fields: BTreeMap<String, FieldFigures>,
}

/// A day on which was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityDay {
    pub day: NaiveDate,
    pub at: Moment,
    pub seq: Seq,
    pub contacts: u32,
    /// Pairs of contacts that may be one person and wait for a word. `None`: nobody ever looked for them.
    pub pairs: Option<u32>,
}

/// Keys of the fields that are measured: those of contacts themselves that somebody says, in the order of screens.
pub fn keys(db: &Db<'_>) -> Vec<String> {
    let said = |field: &FieldRef<'_>| is_told(*field) && !matches!(field, FieldRef::Company(_));
    let fields = db.catalogue.all().filter(said);
    fields.map(|field| field.key().to_owned()).collect()
}

/// The number of the next commit: what is read after it was asked for has at least all before it.
///
/// # Errors
/// SQLite's.
pub fn next_seq(db: &Db<'_>) -> Result<Seq> {
    Ok(Seq(db.value(NEXT_SEQ, ())?.unwrap_or(0)))
}

/// Whether contacts changed since a commit, or with it.
///
/// # Errors
/// SQLite's.
pub fn changed_since(db: &Db<'_>, seq: Seq) -> Result<bool> {
    Ok(db.value::<i64>(ANY_CHANGE, (seq.0,))?.is_some())
}

/// Keeps what was measured as that of today: the last of a day counts.
///
/// # Errors
/// SQLite's.
pub fn put(tx: &mut Tx<'_>, measured: &Measured) -> Result<()> {
    let now = tx.now();
    let day = day_bucket(now, tx.catalogue.zone());
    let pairs = match tx.value::<i64>(LOOKED, ())? {
        Some(_) => Some(crate::duplicates::open_count(tx)?),
        None => None,
    };
    let pairs = pairs.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    tx.run(PUT_DAY, (day, ms(now), measured.seq.0, measured.contacts, pairs))?;
    tx.run(DROP_DAY, (day,))?;
    let catalogue = tx.catalogue.clone();
    for (key, figures) in &measured.fields {
        // A field that was retired meanwhile has no figures of today.
        if let Ok(field) = catalogue.field(key) {
            let FieldFigures { known, valid, tidy } = *figures;
            tx.run(PUT_FIELD, (day, field.number(), known, valid, tidy))?;
        }
    }
    tx.topic(Topic::Cleansing);
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> Result<QualityDay> {
    Ok(QualityDay {
        day: date(row.get(0)?)?,
        at: moment(row.get(1)?)?,
        seq: Seq(row.get(2)?),
        contacts: row.get(3)?,
        pairs: row.get(4)?,
    })
}

/// When was measured last.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn last(db: &Db<'_>) -> Result<Option<QualityDay>> {
    db.one(LAST, (), read)
}

/// Days of the last `span` before and with `today` on which was measured, in their order.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn days(db: &Db<'_>, today: NaiveDate, span: u32) -> Result<Vec<QualityDay>> {
    db.all(DAYS, (crate::time::days(today) - i64::from(span),), read)
}

/// Figures of each field in use on those days, in their order, by its key.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn of_fields(
    db: &Db<'_>,
    today: NaiveDate,
    span: u32,
) -> Result<BTreeMap<String, Vec<(NaiveDate, FieldFigures)>>> {
    let mut all: BTreeMap<String, Vec<(NaiveDate, FieldFigures)>> = BTreeMap::new();
    let rows = db.all(FIELDS, (crate::time::days(today) - i64::from(span),), |row| {
        let figures = FieldFigures {
            known: row.get(2)?,
            valid: row.get(3)?,
            tidy: row.get(4)?,
        };
        Ok((row.get::<_, i64>(1)?, date(row.get(0)?)?, figures))
    })?;
    for (number, day, figures) in rows {
        let field = db.catalogue.by_number(number);
        let in_use = |field: &FieldRef<'_>| field.custom().is_none_or(|custom| !custom.retired);
        if let Some(field) = field.filter(in_use) {
            all.entry(field.key().to_owned())
                .or_default()
                .push((day, figures));
        }
    }
    Ok(all)
}
