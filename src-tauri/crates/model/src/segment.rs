//! The segment expression: who is meant.
//!
//! A missing value never matches a clause; [`Expr::Not`] is the exact complement, so `not (city is "Bonn")`
//! holds for somebody without a city and `city is not "Bonn"` does not.

use crate::Moment;
use crate::consent::{Basis, Channel, Purpose};
use crate::contact::{Money, Value};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ts_rs::TS;

/// A condition on one contact at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "is", content = "of", rename_all = "snake_case")]
#[ts(export)]
pub enum Expr {
    /// Everybody.
    Everyone,
    /// Each holds; an empty list holds.
    All(Vec<Expr>),
    /// At least one holds; an empty list does not.
    Any(Vec<Expr>),
    /// Not one holds; an empty list holds.
    None(Vec<Expr>),
    /// At least `k` of them hold.
    AtLeast { k: u32, of: Vec<Expr> },
    /// The complement.
    Not(Box<Expr>),
    /// One test.
    Clause(Clause),
}

/// One test of one contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "clause", rename_all = "snake_case")]
#[ts(export)]
pub enum Clause {
    /// A built-in or custom field.
    Field { key: String, test: Test },
    /// Has the tag.
    Tag { tag: String },
    /// Did an event a number of times within a window.
    Did {
        event: EventMatch,
        times: Times,
        window: Window,
    },
    /// Was sent a message: `Some(template key)` or any. Counts what a server accepted.
    Sent {
        template: Option<String>,
        times: Times,
        window: Window,
    },
    /// May be written to: the ledger's last word for channel and purpose is a grant, by `basis` if given,
    /// and the address is not suppressed.
    Consent {
        channel: Channel,
        purpose: Purpose,
        basis: Option<Basis>,
    },
    /// Is in another saved segment, by name.
    InSegment { name: String },
    /// A stable share of all contacts: hash of (`salt`, contact) below `percent` of 100.
    Sample { percent: f64, salt: String },
}

/// A test of a field's value. Text is compared on its NFKC, case-folded, trimmed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "op", content = "arg", rename_all = "snake_case")]
#[ts(export)]
pub enum Test {
    /// Has any value.
    Known,
    /// Text, choice: equals one of them. `is "a"` is a list of one.
    Is(Vec<String>),
    /// Text, choice: has a value that equals none of them.
    IsNot(Vec<String>),
    /// Text.
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    /// Number: compared as IEEE doubles.
    Number(Compare<f64>),
    /// Money: holds only within the same currency.
    Money(Compare<Money>),
    /// Yes/no.
    YesNo(bool),
    /// Multi-choice: has at least one of them.
    HasAny(BTreeSet<String>),
    /// Multi-choice: has each of them.
    HasAll(BTreeSet<String>),
    /// Date, or date and time seen as a date in `zone`.
    Date {
        when: DateTest,
        zone: Zone,
    },
    /// Text, number, money, choice, yes/no: exact equality with a value of the field's own type.
    Equals(Value),
}

/// An ordering test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "cmp", content = "to", rename_all = "snake_case")]
#[ts(export)]
pub enum Compare<T> {
    Eq(T),
    Ne(T),
    Lt(T),
    Le(T),
    Gt(T),
    Ge(T),
    /// Both ends included.
    Between(T, T),
}

/// A test of a calendar date, relative ones against today in the clause's zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "date", content = "arg", rename_all = "snake_case")]
#[ts(export)]
pub enum DateTest {
    On(NaiveDate),
    Before(NaiveDate),
    After(NaiveDate),
    /// Both ends included.
    Between(NaiveDate, NaiveDate),
    /// From `n - 1` days ago to today: `in the last 1 day` is today.
    InLastDays(u32),
    /// From today to `n - 1` days ahead.
    InNextDays(u32),
    /// Before the day `n` days ago.
    MoreThanDaysAgo(u32),
    /// After the day `n` days ahead.
    MoreThanDaysAhead(u32),
    /// Month and day of the date equal those of a day within `n` days from today (0: today itself).
    /// 29 February counts on 28 February in other years.
    AnniversaryWithinDays(u32),
}

/// Whose calendar a date is read in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "zone", content = "name", rename_all = "snake_case")]
#[ts(export)]
pub enum Zone {
    /// The workspace's zone.
    Workspace,
    /// The contact's `time_zone`, else the workspace's.
    Contact,
    /// An IANA zone.
    Named(String),
}

/// Events by name whose properties match every test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventMatch {
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub props: Vec<PropMatch>,
}

/// A test of one property of an event. A missing property never matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PropMatch {
    pub key: String,
    /// `Is`, `IsNot`, `Contains`, `StartsWith`, `EndsWith`, `Number`, `Money`, `YesNo` or `Known`.
    pub test: Test,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "times", content = "n", rename_all = "snake_case")]
#[ts(export)]
pub enum Times {
    AtLeast(u32),
    AtMost(u32),
    Exactly(u32),
}

/// Within which time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "window", content = "arg", rename_all = "snake_case")]
#[ts(export)]
pub enum Window {
    Ever,
    /// `(now - secs, now]`: exact seconds before now, not calendar days.
    LastSecs(u32),
    /// `[from, to)`; an open end is `None`.
    Between {
        from: Option<Moment>,
        to: Option<Moment>,
    },
    /// Whole days of the calendar in `zone`.
    Days {
        days: Days,
        zone: Zone,
    },
}

/// Days of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "days", content = "arg", rename_all = "snake_case")]
#[ts(export)]
pub enum Days {
    On(NaiveDate),
    /// That day and all later ones.
    Since(NaiveDate),
    /// All earlier days.
    Before(NaiveDate),
    /// Both ends included.
    Between(NaiveDate, NaiveDate),
}

/// A saved segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Segment {
    pub id: crate::SegmentId,
    pub name: String,
    /// The canonical text form.
    pub text: String,
    pub created_at: Moment,
}
