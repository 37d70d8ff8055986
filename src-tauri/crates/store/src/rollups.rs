//! Figures kept in the commit that causes them: sums by day or hour, and how many stand where now.

use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::{day_bucket, hour_bucket};
use carillon_model::Moment;
use carillon_model::response::ResponseKind;
use chrono_tz::Tz;

/// What is summed. `object` and `part` are what each says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Events by day: object 0, part the event's name.
    Events,
    /// Messages a server took, by hour: object the journey, part the step.
    Accepted,
    /// Messages refused for good, by hour: object the journey, part the step.
    Bounced,
    /// Messages the gate kept back, by hour: object the journey, part the step.
    Suppressed,
    /// Messages of unknown outcome, by hour: object the journey, part the step.
    Unknown,
    /// Messages decided, by hour: object the journey, part the step.
    Queued,
    /// Messages a server took, by hour: object the account, part empty.
    AcceptedByAccount,
    /// Arrivals at a step, by day: object the journey, part the step.
    StepEntered,
    /// Departures from a step, by day: object the journey, part `step/port`.
    StepLeft,
    /// Passages that ended, by day: object the journey, part `completed`, `goal`, `exit_rule`, `stopped`
    /// or `erased`, the first three with `/` and the reason or the goal's step where there is one.
    Ended,
    /// Passages begun, by day: object the journey, part empty.
    Enrolled,
    /// Messages a server took, by day: object the template, part empty.
    AcceptedByTemplate,
    /// Messages somebody opened, clicked in, answered, complained of or unsubscribed by, each once and by people alone, by
    /// hour: object the journey, part the step.
    Opened,
    Clicked,
    Replied,
    Complained,
    Unsubscribed,
    /// Messages whose arrival was told of, by hour: object the journey, part the step.
    Delivered,
    /// Contacts added, by day: object 0, part empty.
    ContactsAdded,
    /// Contacts removed, by day: object 0, part empty.
    ContactsRemoved,
}

impl Metric {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Metric::Events => "events",
            Metric::Accepted => "accepted",
            Metric::Bounced => "bounced",
            Metric::Suppressed => "suppressed",
            Metric::Unknown => "unknown",
            Metric::Queued => "queued",
            Metric::AcceptedByAccount => "accepted_by_account",
            Metric::StepEntered => "step_entered",
            Metric::StepLeft => "step_left",
            Metric::Ended => "ended",
            Metric::Enrolled => "enrolled",
            Metric::AcceptedByTemplate => "accepted_by_template",
            Metric::Opened => "opened",
            Metric::Clicked => "clicked",
            Metric::Replied => "replied",
            Metric::Complained => "complained",
            Metric::Unsubscribed => "unsubscribed",
            Metric::Delivered => "delivered",
            Metric::ContactsAdded => "contacts_added",
            Metric::ContactsRemoved => "contacts_removed",
        }
    }

    /// What a response adds to, if anything. Bounces are counted with the message's own state.
    pub fn of_response(kind: ResponseKind) -> Option<Metric> {
        Some(match kind {
            ResponseKind::Opened => Metric::Opened,
            ResponseKind::Clicked => Metric::Clicked,
            ResponseKind::Replied => Metric::Replied,
            ResponseKind::Complained => Metric::Complained,
            ResponseKind::Unsubscribed => Metric::Unsubscribed,
            ResponseKind::Delivered => Metric::Delivered,
            ResponseKind::Delayed
            | ResponseKind::Bounced
            | ResponseKind::AutoReplied
            | ResponseKind::Submitted
            | ResponseKind::Confirmed => return None,
        })
    }

    /// Whether its buckets are hours; else they are days.
    pub fn hourly(self) -> bool {
        matches!(
            self,
            Metric::Accepted
                | Metric::Bounced
                | Metric::Suppressed
                | Metric::Unknown
                | Metric::Queued
                | Metric::AcceptedByAccount
                | Metric::Opened
                | Metric::Clicked
                | Metric::Replied
                | Metric::Complained
                | Metric::Unsubscribed
                | Metric::Delivered
        )
    }

    /// The bucket of a moment on the wall clock of `zone`.
    pub fn bucket(self, at: Moment, zone: Tz) -> i64 {
        match self.hourly() {
            true => hour_bucket(at, zone),
            false => day_bucket(at, zone),
        }
    }
}

const SERIES: &str = sql!(
    "SELECT bucket, sum(n) FROM rollups WHERE metric = ?1 AND object = ?2 AND bucket BETWEEN ?3 AND ?4
     GROUP BY bucket ORDER BY bucket"
);
const SERIES_ALL: &str = sql!(
    "SELECT bucket, sum(n) FROM rollups WHERE metric = ?1 AND bucket BETWEEN ?2 AND ?3 GROUP BY bucket ORDER BY bucket"
);
const SERIES_PART: &str = sql!(
    "SELECT bucket, n FROM rollups WHERE metric = ?1 AND object = ?2 AND part = ?3 AND bucket BETWEEN ?4 AND ?5 ORDER BY bucket"
);
const PARTS: &str =
    sql!("SELECT part, sum(n) FROM rollups WHERE metric = ?1 AND object = ?2 GROUP BY part ORDER BY part");
const OBJECTS: &str = sql!(
    "SELECT object, sum(n) FROM rollups WHERE metric = ?1 AND bucket >= ?2 GROUP BY object ORDER BY object"
);
const GAUGES: &str = sql!("SELECT part, n FROM gauges WHERE gauge = ?1 AND object = ?2 ORDER BY part");
const GAUGE_SUMS: &str = sql!("SELECT part, sum(n) FROM gauges WHERE gauge = ?1 GROUP BY part ORDER BY part");

/// Sums by bucket from `first` to `last`, both included; buckets without any are left out. `object` `None`:
/// over all objects.
///
/// # Errors
/// SQLite's.
pub fn series(
    db: &Db<'_>,
    metric: Metric,
    object: Option<i64>,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, i64)>> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    match object {
        Some(object) => db.all(SERIES, (metric.word(), object, first, last), read),
        None => db.all(SERIES_ALL, (metric.word(), first, last), read),
    }
}

/// As [`series`], of one part of one object.
///
/// # Errors
/// SQLite's.
pub fn series_of_part(
    db: &Db<'_>,
    metric: Metric,
    object: i64,
    part: &str,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, i64)>> {
    db.all(SERIES_PART, (metric.word(), object, part, first, last), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Sums by object from bucket `first` on.
///
/// # Errors
/// SQLite's.
pub fn objects(db: &Db<'_>, metric: Metric, first: i64) -> Result<Vec<(i64, i64)>> {
    db.all(OBJECTS, (metric.word(), first), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Sums over all time by part.
///
/// # Errors
/// SQLite's.
pub fn parts(db: &Db<'_>, metric: Metric, object: i64) -> Result<Vec<(String, i64)>> {
    db.all(PARTS, (metric.word(), object), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// A gauge of one object, by part.
pub(crate) fn gauges(db: &Db<'_>, gauge: &'static str, object: i64) -> Result<Vec<(i64, i64)>> {
    db.all(GAUGES, (gauge, object), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// A gauge over all objects, by part.
pub(crate) fn gauge_sums(db: &Db<'_>, gauge: &'static str) -> Result<Vec<(i64, i64)>> {
    db.all(GAUGE_SUMS, (gauge,), |row| Ok((row.get(0)?, row.get(1)?)))
}
