//! Messages by day.

use crate::db::Db;
use crate::error::Result;
use crate::rollups::{Metric, series};
use crate::time::{date, days};
use carillon_model::JourneyId;
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeMap;

/// One day on the wall clock of the workspace's zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Day {
    pub date: NaiveDate,
    pub queued: i64,
    pub accepted: i64,
    pub bounced: i64,
    pub suppressed: i64,
    pub unknown: i64,
}

/// Each day from `first` to `last`, both included, days without messages too; of one journey or of all.
///
/// # Errors
/// SQLite's.
pub fn messages_over_time(
    db: &Db<'_>,
    journey: Option<JourneyId>,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<Day>> {
    let (from, to) = (days(first), days(last));
    let mut found: BTreeMap<i64, Day> = BTreeMap::new();
    for day in from..=to {
        found.insert(
            day,
            Day {
                date: date(day)?,
                ..Day::default()
            },
        );
    }
    let object = journey.map(|j| i64::from(j.0));
    type Cell = fn(&mut Day) -> &mut i64;
    let columns: [(Metric, Cell); 5] = [
        (Metric::Queued, |d| &mut d.queued),
        (Metric::Accepted, |d| &mut d.accepted),
        (Metric::Bounced, |d| &mut d.bounced),
        (Metric::Suppressed, |d| &mut d.suppressed),
        (Metric::Unknown, |d| &mut d.unknown),
    ];
    for (metric, cell) in columns {
        for (hour, n) in series(db, metric, object, from * 24, to * 24 + 23)? {
            if let Some(day) = found.get_mut(&hour.div_euclid(24)) {
                *cell(day) += n;
            }
        }
    }
    Ok(found.into_values().collect())
}
