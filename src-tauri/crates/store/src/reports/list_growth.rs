//! How the list grows.

use crate::contacts;
use crate::db::Db;
use crate::error::Result;
use crate::rollups::{Metric, series};
use crate::time::{date, days};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeMap;

/// One day on the wall clock of the workspace's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    pub date: NaiveDate,
    pub added: i64,
    pub removed: i64,
    /// Contacts at the end of the day.
    pub total: i64,
}

/// Each day from `first` to `last`, both included.
///
/// # Errors
/// SQLite's.
pub fn list_growth(db: &Db<'_>, first: NaiveDate, last: NaiveDate) -> Result<Vec<Day>> {
    let (from, to) = (days(first), days(last));
    let all = |metric| -> Result<BTreeMap<i64, i64>> {
        Ok(series(db, metric, Some(0), from, i64::MAX)?.into_iter().collect())
    };
    let (added, removed) = (all(Metric::ContactsAdded)?, all(Metric::ContactsRemoved)?);
    // The total of today less all that came since the first day: what was there before it.
    let mut total = i64::try_from(contacts::count(db)?).unwrap_or(i64::MAX) - added.values().sum::<i64>()
        + removed.values().sum::<i64>();
    (from..=to)
        .map(|day| {
            let (a, r) = (
                added.get(&day).copied().unwrap_or(0),
                removed.get(&day).copied().unwrap_or(0),
            );
            total += a - r;
            Ok(Day {
                date: date(day)?,
                added: a,
                removed: r,
                total,
            })
        })
        .collect()
}
