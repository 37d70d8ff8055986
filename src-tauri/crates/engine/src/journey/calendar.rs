//! Local calendars to instants. The one place that knows what a missing or doubled local time means:
//! a missing one (spring) is the first valid instant after the gap, a doubled one (autumn) is the first.

use carillon_model::Moment;
use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;

/// The instant of a local time in a zone.
pub fn instant(zone: Tz, local: NaiveDateTime) -> Moment {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => at.with_timezone(&Utc),
        LocalResult::Ambiguous(first, _) => first.with_timezone(&Utc),
        LocalResult::None => after_gap(zone, local),
    }
}

/// The first instant whose local time is not before `local`. Two days around it are enough: offsets reach
/// from -12 to +14 hours, and the longest gap ever (Samoa, 30 December 2011) is one day.
fn after_gap(zone: Tz, local: NaiveDateTime) -> Moment {
    let reading = |secs: i64| match DateTime::from_timestamp(secs, 0) {
        Some(at) => zone.from_utc_datetime(&at.naive_utc()).naive_local() >= local,
        None => true,
    };
    let middle = local.and_utc().timestamp();
    let (mut before, mut after) = (middle - 2 * 86_400, middle + 2 * 86_400);
    while after - before > 1 {
        let half = before + (after - before) / 2;
        if reading(half) {
            after = half
        } else {
            before = half
        }
    }
    DateTime::from_timestamp(after, 0).unwrap_or_else(|| local.and_utc())
}

/// The local date and time of an instant.
pub fn local(zone: Tz, at: Moment) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// A weekly window of local time. `from` later than `to` reaches past midnight and belongs to the day it
/// begins on; the end is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Monday first.
    pub days: [bool; 7],
    pub from: NaiveTime,
    pub to: NaiveTime,
}

impl Window {
    /// The first instant from `now` on that lies inside: `now` itself when it is open.
    /// `None` if no day is chosen or the window is empty.
    pub fn next_open(&self, zone: Tz, now: Moment) -> Option<Moment> {
        let today = local(zone, now).date();
        // One day back for a window that began yesterday; three weeks ahead, because a clock change can
        // swallow a short weekly window whole.
        (-1i64..=22).find_map(|offset| {
            let day = shifted(today, offset)?;
            if !self.days[day.weekday().num_days_from_monday() as usize] {
                return None;
            }
            let open = instant(zone, day.and_time(self.from));
            let last = if self.from < self.to {
                day
            } else {
                shifted(day, 1)?
            };
            let close = instant(zone, last.and_time(self.to));
            (open < close && now < close).then(|| open.max(now))
        })
    }
}

/// What happens on 29 February in years that have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeapDay {
    #[default]
    Feb28,
    Mar1,
    Skip,
}

/// The occurrence of a yearly date in `year`, if it has one there.
pub fn anniversary(date: NaiveDate, year: i32, rule: LeapDay) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, date.month(), date.day()).or_else(|| match rule {
        LeapDay::Feb28 => NaiveDate::from_ymd_opt(year, 2, 28),
        LeapDay::Mar1 => NaiveDate::from_ymd_opt(year, 3, 1),
        LeapDay::Skip => None,
    })
}

/// A day of a month, or the month's last day where it is shorter.
pub fn day_of_month(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    (28..=31)
        .rev()
        .filter(|last| day >= *last)
        .find_map(|last| NaiveDate::from_ymd_opt(year, month, last))
        .or_else(|| NaiveDate::from_ymd_opt(year, month, day))
}

/// A date some days away; `None` beyond the calendar.
pub fn shifted(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    if days >= 0 {
        date.checked_add_days(Days::new(days.unsigned_abs()))
    } else {
        date.checked_sub_days(Days::new(days.unsigned_abs()))
    }
}

/// The instant some seconds later, or the last instant there is.
pub fn later(at: Moment, secs: i64) -> Moment {
    at.checked_add_signed(TimeDelta::seconds(secs))
        .unwrap_or(Moment::MAX_UTC)
}

/// Monday first, as in [`Window::days`].
pub fn weekday_index(day: Weekday) -> usize {
    day.num_days_from_monday() as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn time(text: &str) -> NaiveTime {
        NaiveTime::parse_from_str(text, "%H:%M").unwrap()
    }

    fn utc(text: &str) -> Moment {
        text.parse().unwrap()
    }

    #[test]
    fn a_local_time_becomes_the_instant_the_rules_of_its_zone_give() {
        let table = [
            // ordinary days
            ("Europe/Berlin", "2026-01-15T09:00:00", "2026-01-15T08:00:00Z"),
            ("Europe/Berlin", "2026-07-15T09:00:00", "2026-07-15T07:00:00Z"),
            // spring: 02:00 to 03:00 is missing on 29 March 2026
            ("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
            ("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            // autumn: 02:30 comes twice on 25 October 2026
            ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
            ("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
            ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z"),
            ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),
            ("America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z"),
            // half an hour: 02:00 to 02:30 is missing on 4 October 2026, 01:30 to 02:00 comes twice on 5 April
            (
                "Australia/Lord_Howe",
                "2026-10-04T02:15:00",
                "2026-10-03T15:30:00Z",
            ),
            (
                "Australia/Lord_Howe",
                "2026-10-04T02:30:00",
                "2026-10-03T15:30:00Z",
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-05T01:45:00",
                "2026-04-04T14:45:00Z",
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-05T02:00:00",
                "2026-04-04T15:30:00Z",
            ),
            // Morocco leaves UTC+1 for Ramadan: 03:00 → 02:00 on 15 February 2026, back 02:00 → 03:00 on 22 March
            ("Africa/Casablanca", "2026-02-15T02:30:00", "2026-02-15T01:30:00Z"),
            ("Africa/Casablanca", "2026-03-22T02:30:00", "2026-03-22T02:00:00Z"),
            ("Africa/Casablanca", "2026-03-01T09:00:00", "2026-03-01T09:00:00Z"),
            ("Africa/Casablanca", "2026-06-01T09:00:00", "2026-06-01T08:00:00Z"),
            // a whole day that never was
            ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-30T10:00:00Z"),
            // leap day and year's end
            ("Europe/Berlin", "2028-02-29T12:00:00", "2028-02-29T11:00:00Z"),
            ("America/New_York", "2026-12-31T23:59:59", "2027-01-01T04:59:59Z"),
        ];
        for (zone, local, expected) in table {
            let zone: Tz = zone.parse().unwrap();
            assert_eq!(
                instant(zone, local.parse().unwrap()),
                utc(expected),
                "{zone} {local}"
            );
        }
    }

    #[test]
    fn a_window_opens_at_the_next_instant_that_lies_inside_it() {
        let all = [true; 7];
        let workdays = [true, true, true, true, true, false, false];
        let monday = [true, false, false, false, false, false, false];
        let table = [
            (
                workdays,
                "09:00",
                "17:00",
                "Europe/Berlin",
                "2026-01-14T10:00:00Z",
                "2026-01-14T10:00:00Z",
            ),
            (
                workdays,
                "09:00",
                "17:00",
                "Europe/Berlin",
                "2026-01-14T07:59:59Z",
                "2026-01-14T08:00:00Z",
            ),
            (
                workdays,
                "09:00",
                "17:00",
                "Europe/Berlin",
                "2026-01-14T16:00:00Z",
                "2026-01-15T08:00:00Z",
            ),
            // Friday after hours, to Monday
            (
                workdays,
                "09:00",
                "17:00",
                "Europe/Berlin",
                "2026-01-16T16:00:00Z",
                "2026-01-19T08:00:00Z",
            ),
            // the week of a clock change
            (
                workdays,
                "09:00",
                "17:00",
                "Europe/Berlin",
                "2026-03-27T20:00:00Z",
                "2026-03-30T07:00:00Z",
            ),
            // opens in the missing hour
            (
                all,
                "02:30",
                "05:00",
                "Europe/Berlin",
                "2026-03-29T00:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            // wholly in the missing hour: the next day
            (
                all,
                "02:15",
                "02:45",
                "Europe/Berlin",
                "2026-03-29T00:00:00Z",
                "2026-03-30T00:15:00Z",
            ),
            // the doubled hour: the first
            (
                all,
                "02:30",
                "03:30",
                "Europe/Berlin",
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
            ),
            (
                all,
                "02:30",
                "03:30",
                "Europe/Berlin",
                "2026-10-25T01:10:00Z",
                "2026-10-25T01:10:00Z",
            ),
            // over midnight, belonging to Monday
            (
                monday,
                "22:00",
                "06:00",
                "America/New_York",
                "2026-01-13T05:00:00Z",
                "2026-01-13T05:00:00Z",
            ),
            (
                monday,
                "22:00",
                "06:00",
                "America/New_York",
                "2026-01-13T11:00:00Z",
                "2026-01-20T03:00:00Z",
            ),
            // until midnight, over the year's end
            (
                all,
                "20:00",
                "00:00",
                "Australia/Lord_Howe",
                "2026-12-31T13:30:00Z",
                "2027-01-01T09:00:00Z",
            ),
            // Ramadan's end in Morocco
            (
                all,
                "02:30",
                "04:00",
                "Africa/Casablanca",
                "2026-03-22T01:00:00Z",
                "2026-03-22T02:00:00Z",
            ),
        ];
        for (days, from, to, zone, now, expected) in table {
            let window = Window {
                days,
                from: time(from),
                to: time(to),
            };
            let zone: Tz = zone.parse().unwrap();
            assert_eq!(
                window.next_open(zone, utc(now)),
                Some(utc(expected)),
                "{from}-{to} {zone} {now}"
            );
        }
    }

    #[test]
    fn a_window_without_days_never_opens() {
        let window = Window {
            days: [false; 7],
            from: time("09:00"),
            to: time("17:00"),
        };
        assert_eq!(
            window.next_open(chrono_tz::UTC, utc("2026-01-01T00:00:00Z")),
            None
        );
    }

    #[test]
    fn a_leap_day_follows_its_rule_in_other_years() {
        let born = NaiveDate::from_ymd_opt(2000, 2, 29).unwrap();
        let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d);
        assert_eq!(anniversary(born, 2028, LeapDay::Skip), date(2028, 2, 29));
        assert_eq!(anniversary(born, 2027, LeapDay::Feb28), date(2027, 2, 28));
        assert_eq!(anniversary(born, 2027, LeapDay::Mar1), date(2027, 3, 1));
        assert_eq!(anniversary(born, 2027, LeapDay::Skip), None);
        assert_eq!(
            anniversary(born, 2100, LeapDay::Feb28),
            date(2100, 2, 28),
            "2100 is no leap year"
        );
    }

    #[test]
    fn a_day_a_short_month_lacks_is_its_last_day() {
        let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d);
        assert_eq!(day_of_month(2027, 2, 31), date(2027, 2, 28));
        assert_eq!(day_of_month(2028, 2, 30), date(2028, 2, 29));
        assert_eq!(day_of_month(2026, 4, 31), date(2026, 4, 30));
        assert_eq!(day_of_month(2026, 5, 31), date(2026, 5, 31));
        assert_eq!(day_of_month(2026, 5, 7), date(2026, 5, 7));
    }
}
