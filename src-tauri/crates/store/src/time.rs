//! Moments as the file keeps them: milliseconds since 1970-01-01T00:00:00Z.
//!
//! Finer parts of a moment are cut off on the way in, so that live, simulated and replayed runs see the
//! same moments only if their clocks tick in whole milliseconds; [`whole`] makes one.

use crate::{Error, Result};
use carillon_model::Moment;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// Milliseconds since 1970, rounded down.
pub fn ms(at: Moment) -> i64 {
    at.timestamp_millis()
}

/// The moment cut to whole milliseconds, as it will read back from the file.
pub fn whole(at: Moment) -> Moment {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// The moment of a column, or a damaged row.
pub(crate) fn moment(ms: i64) -> Result<Moment> {
    DateTime::from_timestamp_millis(ms).ok_or_else(|| Error::damaged("times", format!("{ms} is no moment")))
}

pub(crate) fn moment_opt(ms: Option<i64>) -> Result<Option<Moment>> {
    ms.map(moment).transpose()
}

/// Days since 1970-01-01 of a calendar date.
pub fn days(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// The calendar date of a day number.
pub(crate) fn date(days: i64) -> Result<NaiveDate> {
    chrono::TimeDelta::try_days(days)
        .and_then(|d| NaiveDate::default().checked_add_signed(d))
        .ok_or_else(|| Error::damaged("dates", format!("day {days} is no date")))
}

/// Day since 1970-01-01 on the wall clock of `zone`.
pub fn day_bucket(at: Moment, zone: Tz) -> i64 {
    days(zone.from_utc_datetime(&at.naive_utc()).date_naive())
}

/// Hour since 1970-01-01T00 on the wall clock of `zone`; an hour doubled in autumn is one bucket.
pub fn hour_bucket(at: Moment, zone: Tz) -> i64 {
    use chrono::Timelike;
    let local = zone.from_utc_datetime(&at.naive_utc());
    days(local.date_naive()) * 24 + i64::from(local.hour())
}

/// The machine's clock in whole milliseconds.
pub(crate) fn system_now() -> Moment {
    whole(Utc::now())
}
