//! The segment expression: who is meant.
//!
//! A missing value never matches a clause; [`Expr::Not`] is the exact complement, so `not (city is "Bonn")`
//! holds for somebody without a city and `city is not "Bonn"` does not.

use crate::consent::{Basis, Channel, Purpose};
use crate::contact::{Currency, Money, Value};
use crate::response::ResponseKind;
use crate::{Moment, StepId};
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
    /// A score has risen, or fallen if not `rose`, by so many points in the last `within_secs`: what it is now beside what it was
    /// at the beginning of that time, or, where it was not measured yet, beside what it was found to be first.
    Shifted {
        key: String,
        rose: bool,
        by: Shift,
        within_secs: u32,
    },
    /// Is among the highest of a number, a score or the amounts of a currency, or among the lowest if not `top`: so many percent of
    /// all who have one, rounded up, and whoever has as much as the last of them.
    Ranked {
        key: String,
        top: bool,
        percent: f64,
        currency: Option<Currency>,
        /// What it takes, once that was measured. No part of the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        cut: Option<Cut>,
    },
    /// Has the tag.
    Tag { tag: String },
    /// Did an event a number of times within a window.
    Did {
        event: EventMatch,
        times: Times,
        window: Window,
    },
    /// Of the calendar in `zone`, at least `n` periods in a row each hold a matching event of the window.
    Streak {
        event: EventMatch,
        n: u32,
        period: Period,
        zone: Zone,
        window: Window,
    },
    /// The first of all matching events so far lies in the window.
    FirstDid { event: EventMatch, window: Window },
    /// The last of all matching events so far lies in the window.
    LastDid { event: EventMatch, window: Window },
    /// What a property of the matching events in the window comes to. Only values of the kind of the bound are taken:
    /// numbers, or amounts of its currency; of all kinds where different values are counted.
    Aggregate {
        function: Aggregate,
        prop: String,
        event: EventMatch,
        bound: AggregateBound,
        window: Window,
    },
    /// An event in the window which another one `follows` later and at most `within_secs` after it, or, if not
    /// `follows`, has not followed in that time, which is over.
    Sequence {
        first: EventMatch,
        then: EventMatch,
        follows: bool,
        within_secs: u32,
        window: Window,
    },
    /// Was sent a message: `Some(template key)` or any. Counts what a server accepted.
    Sent {
        template: Option<String>,
        times: Times,
        window: Window,
    },
    /// Of the `last` messages that were sent, so many were answered. Nobody passes to whom fewer were sent. A message is
    /// answered by an event about its template from its own moment on, until the next one of that template is sent.
    Answered { answer: Answer, times: Times, last: u32 },
    /// May be written to: the ledger's last word for channel and purpose is a grant, by `basis` if given,
    /// and the address is not suppressed.
    Consent {
        channel: Channel,
        purpose: Purpose,
        basis: Option<Basis>,
    },
    /// Is in another saved segment, by name.
    InSegment { name: String },
    /// Came into or out of a saved segment, a journey or a step of one, by its name, a number of times within a window.
    Moved {
        movement: MovementKind,
        name: String,
        /// The id of the step, where the movement is a step's, and only there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        step: Option<StepId>,
        times: Times,
        window: Window,
    },
    /// Is on its way in a journey, by name; with the id of a step: stands at that step.
    InJourney {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        step: Option<StepId>,
    },
    /// A stable share of all contacts: hash of (`salt`, contact) below `percent` of 100.
    Sample { percent: f64, salt: String },
}

/// By how much a score has risen or fallen: a difference of points, or percents of what it was. What was not above 0 has no
/// percents: from there it has risen by more than any if it is above 0 now, and it cannot fall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "by", content = "n", rename_all = "snake_case")]
#[ts(export)]
pub enum Shift {
    AtLeast(f64),
    MoreThan(f64),
    AtLeastPercent(f64),
    MoreThanPercent(f64),
}

/// What it takes to be among the first or the last. It is measured from the values of all, and stays what it is until it is measured
/// again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Cut {
    pub measured_at: Moment,
    /// The value of the last one that is in; `None` where nobody had a value.
    pub value: Option<Value>,
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
    /// Text: has a value in which it does not stand, or not there.
    NotContains(String),
    NotStartsWith(String),
    NotEndsWith(String),
    /// Text: is all of the pattern, in which `*` stands for any characters and `?` for any one; a backslash before one
    /// of them, or before itself, means it as it stands.
    Like(String),
    /// Text: has a value that is not.
    NotLike(String),
    /// Text: as it is but for a slip or two. A slip is a letter too many, one too few, another one, or two neighbours
    /// exchanged; up to two letters have none, up to five one, longer texts two.
    Nearly(String),
    /// Text: has a value that is farther away.
    NotNearly(String),
    /// Text: the regular expression finds something in it as it was written, whatever the case.
    Matches(String),
    /// Text: has a value in which it finds nothing. One that is no regular expression passes nothing either way.
    NotMatches(String),
    /// Text: so many characters, outer spaces left out.
    Characters(Times),
    /// Text: what stands behind its last `@` is one of these domains.
    Domain(Vec<String>),
    /// Text: its domain is one at which anybody gets a mailbox (`assets/rules/free_mail.json`).
    FreeMail,
    /// Text: an address of a function, not of a person (`assets/rules/role_accounts.json`).
    RoleAccount,
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
    /// Multi-choice: has each of them and no other.
    HasExactly(BTreeSet<String>),
    /// Multi-choice: so many options.
    Options(Times),
    /// Number: this one times a whole number, as far as a division of doubles tells.
    MultipleOf(f64),
    /// Text, number, money, choice, yes/no: compared with the value of another field. Holds only where the other has one.
    /// Text and choices are compared as by `Is`, amounts within their currency; texts, choices and yes/no have no order.
    Field {
        order: FieldOrder,
        key: String,
    },
    /// Date, or date and time seen as a date in `zone`.
    Date {
        when: DateTest,
        zone: Zone,
    },
    /// Text, number, money, choice, yes/no: exact equality with a value of the field's own type.
    Equals(Value),
}

/// How a value stands to another field's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FieldOrder {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
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
    /// Neither end passes.
    NotBetween(T, T),
}

impl<T> Compare<T> {
    /// The same test of something else.
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> Compare<U> {
        match self {
            Compare::Eq(to) => Compare::Eq(of(to)),
            Compare::Ne(to) => Compare::Ne(of(to)),
            Compare::Lt(to) => Compare::Lt(of(to)),
            Compare::Le(to) => Compare::Le(of(to)),
            Compare::Gt(to) => Compare::Gt(of(to)),
            Compare::Ge(to) => Compare::Ge(of(to)),
            Compare::Between(low, high) => Compare::Between(of(low), of(high)),
            Compare::NotBetween(low, high) => Compare::NotBetween(of(low), of(high)),
        }
    }
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
    /// In the period of the calendar in which today lies.
    This(Period),
    /// In the one before.
    Last(Period),
    /// In the one after.
    Next(Period),
    /// From the day after the one `n` months ago to today; the 31st counts as the last day of a shorter month.
    InLastMonths(u32),
    /// From today to the day before the one `n` months ahead.
    InNextMonths(u32),
    Weekday(Weekday),
    Month(Month),
    /// 1 to 31.
    DayOfMonth(u8),
    /// An anniversary, as in `AnniversaryWithinDays`, was from `n - 1` days ago to today.
    AnniversaryInLastDays(u32),
    /// It is from today to `n - 1` days ahead.
    AnniversaryInNextDays(u32),
    /// It was exactly `n` days ago.
    AnniversaryDaysAgo(u32),
    /// It is in exactly `n` days.
    AnniversaryInDays(u32),
    /// Seen from the date of another field, moved by `plus_days`. Holds only where the other has a date too.
    Beside {
        order: Beside,
        key: String,
        plus_days: i32,
    },
}

/// On which side of another date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Beside {
    Before,
    On,
    After,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A month of any year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Month {
    January,
    February,
    March,
    April,
    May,
    June,
    July,
    August,
    September,
    October,
    November,
    December,
}

/// A part of the calendar. Weeks begin on Monday, quarters in January, April, July and October.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Period {
    Day,
    Week,
    Month,
    Quarter,
    Year,
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
    /// One of text, `Number`, `MultipleOf`, `Money`, `YesNo` or `Known`.
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
    /// Both ends included.
    Between(u32, u32),
}

/// What a person did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Answer {
    Opened,
    Clicked,
    Replied,
}

impl Answer {
    /// The event that tells of it.
    pub fn event(self) -> &'static str {
        let kind = match self {
            Answer::Opened => ResponseKind::Opened,
            Answer::Clicked => ResponseKind::Clicked,
            Answer::Replied => ResponseKind::Replied,
        };
        kind.event().unwrap_or_default()
    }
}

/// Into a segment, a journey or a step of a journey, or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MovementKind {
    /// Became a member, whatever made it one: a fact, time, or a new definition.
    JoinedSegment,
    LeftSegment,
    EnteredJourney,
    /// By whatever end, a goal among them.
    LeftJourney,
    /// Left a journey because a goal was reached.
    ReachedGoal,
    CameToStep,
    /// Went on from a step by one of its own ways: was not taken away by a goal or a rule, and did not end there.
    PassedStep,
    /// Stands at a step no more, for whatever reason, passing it among them.
    LeftStep,
}

impl MovementKind {
    /// Whether it is a journey's or a step's of one; else it is a segment's.
    pub fn is_of_journey(self) -> bool {
        !matches!(self, MovementKind::JoinedSegment | MovementKind::LeftSegment)
    }

    /// Whether it is that of a step.
    pub fn is_of_step(self) -> bool {
        matches!(
            self,
            MovementKind::CameToStep | MovementKind::PassedStep | MovementKind::LeftStep
        )
    }
}

/// What is made of the values of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Aggregate {
    /// 0 where there is no value.
    Sum,
    Average,
    Minimum,
    Maximum,
    /// How many different values; 0 where there is none. Texts are the same as in [`Test::Is`].
    Different,
}

/// Where the aggregate must lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "of", content = "compare", rename_all = "snake_case")]
#[ts(export)]
pub enum AggregateBound {
    Number(Compare<f64>),
    Money(Compare<Money>),
}

/// Within which time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "window", content = "arg", rename_all = "snake_case")]
#[ts(export)]
pub enum Window {
    Ever,
    /// `(now - secs, now]`: exact seconds before now, not calendar days.
    LastSecs(u32),
    /// `(.., now - secs]`.
    MoreThanSecsAgo(u32),
    /// `(now - the longer, now - the shorter]`, whichever stands first.
    BetweenSecsAgo(u32, u32),
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
    /// Those of the period in which now lies. A period begins with the first instant of its first day.
    This(Period),
    /// Those of the period before.
    Last(Period),
    /// From the day after the one `n` months ago on; the 31st counts as the last day of a shorter month. As
    /// [`DateTest::InLastMonths`].
    LastMonths(u32),
    /// The day `n` months ago and all earlier ones: what `LastMonths` leaves out.
    MoreThanMonthsAgo(u32),
    /// What `LastMonths` of the longer has and `LastMonths` of the shorter has not, whichever stands first.
    BetweenMonthsAgo(u32, u32),
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
