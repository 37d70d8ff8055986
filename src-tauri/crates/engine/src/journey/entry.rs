//! How contacts come in: whether an edge, an event or a date lets somebody in, and when the next one does.

use super::calendar::{self, LeapDay};
use super::settings::{TimeOfDay, ZoneChoice};
use super::version::JourneyVersion;
use crate::record::ContactRecord;
use crate::segment;
use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::journey::{ConditionIx, ReEntry, StepIx};
use carillon_model::segment::EventMatch;
use chrono::{Datelike, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How contacts come in at one entry step.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    Segment(SegmentEntry),
    Event(EventMatch),
    Date(DateEntry),
    Schedule(ScheduleEntry),
    Manual,
}

/// Somebody entered or left a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentEntry {
    pub segment: String,
    /// The segment as a condition of the version.
    pub is_in: ConditionIx,
    /// True: entered; false: left.
    pub on_entered: bool,
    /// Those who are (or, for left, are not) in it at the publish come in as well.
    pub include_current: bool,
}

/// A date field came round.
#[derive(Clone, Debug, PartialEq)]
pub struct DateEntry {
    pub field: String,
    pub offset_days: i64,
    pub at: TimeOfDay,
    pub zone: ZoneChoice,
    pub yearly: bool,
    pub leap_day: LeapDay,
}

/// A moment of the calendar came round, for everybody a condition holds for.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleEntry {
    pub rule: ScheduleRule,
    pub at: TimeOfDay,
    pub zone: ZoneChoice,
    pub who: ConditionIx,
}

/// Which days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleRule {
    Once(NaiveDate),
    EveryDay,
    /// Monday first.
    EveryWeek([bool; 7]),
    /// 1 to 31; a month that is shorter means its last day.
    EveryMonth(u32),
}

/// A passage of the contact through the same journey that is or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastEnrolment {
    /// From 1, in order of entry.
    pub number: u32,
    pub entered_at: Moment,
    pub ended: bool,
}

/// What the re-entry policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As enrolment of this number.
    Welcome { enrolment: u32 },
    /// One passage at a time.
    StillInside,
    /// Once in a life.
    OnceOnly,
    /// Not before this moment.
    TooSoon { until: Moment },
    /// It came in [`ENTRIES_AN_HOUR`] times within an hour.
    TooOften,
    /// The step is no entry of this version.
    NoEntry,
}

/// Most entries of one contact in one journey within an hour. Who has more is let in by what journeys themselves do:
/// one gives a tag by which another lets in, which takes it, and so on.
pub const ENTRIES_AN_HOUR: u32 = 100;

/// Whether a contact with this history may enter at `entry`. Of the history only two passages matter: the last one, and
/// the one [`ENTRIES_AN_HOUR`] before the next.
pub fn admit(version: &JourneyVersion, entry: StepIx, history: &[PastEnrolment], now: Moment) -> Admission {
    if version.entry(entry).is_none() {
        return Admission::NoEntry;
    }
    let Some(last) = history.iter().max_by_key(|past| past.number) else {
        return Admission::Welcome { enrolment: 1 };
    };
    if history.iter().any(|past| !past.ended) {
        return Admission::StillInside;
    }
    let again = Admission::Welcome {
        enrolment: last.number.saturating_add(1),
    };
    let hour_ago = now.checked_sub_signed(TimeDelta::hours(1)).unwrap_or(now);
    let long_before = |past: &&PastEnrolment| past.number + ENTRIES_AN_HOUR == last.number.saturating_add(1);
    if history
        .iter()
        .find(long_before)
        .is_some_and(|past| past.entered_at > hour_ago)
    {
        return Admission::TooOften;
    }
    match version.document().re_entry {
        ReEntry::Never => Admission::OnceOnly,
        ReEntry::AfterExit => again,
        ReEntry::AfterDays { days } => {
            let until = calendar::later(last.entered_at, i64::from(days) * 86_400);
            if now >= until {
                again
            } else {
                Admission::TooSoon { until }
            }
        }
    }
}

/// Whether an edge of a segment (`entered`, else left) lets the contact in at `entry`.
pub fn admits_edge(version: &JourneyVersion, entry: StepIx, segment: &str, entered: bool) -> bool {
    match version.entry(entry) {
        Some(Entry::Segment(wanted)) => wanted.segment == segment && wanted.on_entered == entered,
        Some(Entry::Event(_) | Entry::Date(_) | Entry::Schedule(_) | Entry::Manual) | None => false,
    }
}

/// Whether an event lets its contact in at `entry`.
pub fn admits_event(version: &JourneyVersion, entry: StepIx, event: &Event) -> bool {
    match version.entry(entry) {
        Some(Entry::Event(wanted)) => segment::event_matches(wanted, event),
        Some(Entry::Segment(_) | Entry::Date(_) | Entry::Schedule(_) | Entry::Manual) | None => false,
    }
}

/// The condition a contact must meet when the schedule of `entry` comes round.
pub fn schedule_condition(version: &JourneyVersion, entry: StepIx) -> Option<ConditionIx> {
    match version.entry(entry) {
        Some(Entry::Schedule(schedule)) => Some(schedule.who),
        Some(Entry::Segment(_) | Entry::Date(_) | Entry::Event(_) | Entry::Manual) | None => None,
    }
}

/// Whether a moment of a date or schedule lets nobody in because its next one has come by `now` too: of the times that
/// were missed while the machine slept only the last is made up for.
pub fn is_made_up_for(next: Option<Moment>, now: Moment) -> bool {
    next.is_some_and(|next| next <= now)
}

/// The next moment after `after` at which a date or schedule entry lets the contact in; `None` for other
/// entries, for contacts without the date, and when it never comes again. `workspace` is the workspace's zone.
///
/// Of a schedule in a fixed zone `who` is not read, so one answer serves everybody.
pub fn entry_due(
    version: &JourneyVersion,
    entry: StepIx,
    who: Option<&ContactRecord>,
    workspace: Tz,
    after: Moment,
) -> Option<Moment> {
    let own = who.and_then(ContactRecord::zone);
    match version.entry(entry)? {
        Entry::Date(date) => {
            let zone = date.zone.resolve(own, workspace);
            let day = day_of(who?.fields.get(&date.field)?, zone)?;
            date.next(day, zone, after)
        }
        Entry::Schedule(schedule) => schedule.next(schedule.zone.resolve(own, workspace), after),
        Entry::Segment(_) | Entry::Event(_) | Entry::Manual => None,
    }
}

/// The calendar day of a date, or of a moment seen in `zone`.
pub fn day_of(value: &Value, zone: Tz) -> Option<NaiveDate> {
    match value {
        Value::Date(date) => Some(*date),
        Value::DateTime(at) => Some(calendar::local(zone, *at).date()),
        Value::Text(_)
        | Value::Number(_)
        | Value::Money(_)
        | Value::YesNo(_)
        | Value::Choice(_)
        | Value::MultiChoice(_) => None,
    }
}

impl DateEntry {
    /// The first occurrence after `after`. A yearly date comes round from its own year on.
    fn next(&self, date: NaiveDate, zone: Tz, after: Moment) -> Option<Moment> {
        let due = |day: NaiveDate| {
            let day = calendar::shifted(day, self.offset_days)?;
            Some(calendar::instant(zone, day.and_time(self.at.0))).filter(|at| *at > after)
        };
        if !self.yearly {
            return due(date);
        }
        // The day before the offset lies at most a calendar day off; nine years always hold a leap day.
        let around = calendar::shifted(calendar::local(zone, after).date(), -self.offset_days)?.year();
        let first = date.year().max(around - 1);
        (first..=first + 9).find_map(|year| due(calendar::anniversary(date, year, self.leap_day)?))
    }
}

impl ScheduleEntry {
    fn next(&self, zone: Tz, after: Moment) -> Option<Moment> {
        let due =
            |day: NaiveDate| Some(calendar::instant(zone, day.and_time(self.at.0))).filter(|at| *at > after);
        let today = calendar::local(zone, after).date();
        let upcoming = |days: i64| (-1..=days).filter_map(move |offset| calendar::shifted(today, offset));
        match &self.rule {
            ScheduleRule::Once(date) => due(*date),
            ScheduleRule::EveryDay => upcoming(3).find_map(due),
            ScheduleRule::EveryWeek(days) => upcoming(9)
                .filter(|day| days[calendar::weekday_index(day.weekday())])
                .find_map(due),
            ScheduleRule::EveryMonth(day) => {
                let month = today.year() * 12 + today.month0() as i32;
                (month - 1..=month + 2).find_map(|month| {
                    due(calendar::day_of_month(
                        month.div_euclid(12),
                        month.rem_euclid(12) as u32 + 1,
                        *day,
                    )?)
                })
            }
        }
    }
}
