//! What it takes to be in the top or the bottom, as it was measured, so that opening again gives the same members.

use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_engine::index::Staged;
use carillon_model::SegmentId;
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::segment::Cut;
use rusqlite::Row;
use std::collections::BTreeMap;

const ALL: &str = sql!(
    "SELECT segment, clause, measured_at, number, minor, currency FROM segment_cuts ORDER BY segment, clause"
);
const FORGET: &str = sql!("DELETE FROM segment_cuts WHERE segment = ?1");
const KEEP: &str = sql!(
    "INSERT INTO segment_cuts(segment, clause, measured_at, number, minor, currency) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
);

/// Of each segment or watch, by the canonical texts of its clauses.
pub(crate) type Cuts = BTreeMap<SegmentId, BTreeMap<String, Cut>>;

/// All that is kept.
///
/// # Errors
/// [`Error::Damaged`].
pub(crate) fn all(db: &Db<'_>) -> Result<Cuts> {
    let mut found = Cuts::new();
    for (segment, clause, cut) in db.all(ALL, (), read)? {
        found.entry(segment).or_default().insert(clause, cut);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<(SegmentId, String, Cut)> {
    let (number, minor): (Option<f64>, Option<i64>) = (row.get(3)?, row.get(4)?);
    let currency: Option<String> = row.get(5)?;
    let value = match (number, minor.zip(currency)) {
        (Some(number), _) => Some(Value::Number(number)),
        (None, Some((minor, code))) => {
            let currency = Currency::parse(&code).ok_or_else(|| Error::damaged("segment_cuts", &code))?;
            Some(Value::Money(Money { minor, currency }))
        }
        (None, None) => None,
    };
    let measured_at = moment(row.get(2)?)?;
    Ok((SegmentId(row.get(0)?), row.get(1)?, Cut { measured_at, value }))
}

/// Keeps what a commit measured, as a part of it.
///
/// # Errors
/// SQLite's.
pub(crate) fn write(tx: &mut Tx<'_>, staged: &Staged) -> Result<()> {
    for (segment, cuts) in staged.cuts() {
        tx.touch("segments", i64::from(segment.0), i64::from(segment.0));
        tx.topic(Topic::Segments);
        tx.run(FORGET, (segment.0,))?;
        let by_clause: BTreeMap<&String, &Cut> = cuts.iter().map(|(clause, cut)| (clause, cut)).collect();
        for (clause, cut) in by_clause {
            let number = match &cut.value {
                Some(Value::Number(number)) => Some(*number),
                _ => None,
            };
            let money = match &cut.value {
                Some(Value::Money(money)) => Some(*money),
                _ => None,
            };
            let (minor, currency) = (
                money.map(|m| m.minor),
                money.map(|m| m.currency.as_str().to_owned()),
            );
            tx.run(
                KEEP,
                (segment.0, clause, ms(cut.measured_at), number, minor, currency),
            )?;
        }
    }
    Ok(())
}
