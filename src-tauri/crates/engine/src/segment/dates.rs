//! Calendar dates in a zone, and the instants at which they change.

use super::periods::{first_day, next_first, previous_first};
use crate::record::Scope;
use carillon_model::Moment;
use carillon_model::segment::{Beside, DateTest, Period, Zone};
use chrono::{Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// The date on the calendars of `tz` at `m`; `None` only beyond the years chrono can name.
pub fn local_date(m: Moment, tz: Tz) -> Option<NaiveDate> {
    let utc = m.naive_utc();
    Some(
        utc.checked_add_offset(tz.offset_from_utc_datetime(&utc).fix())?
            .date(),
    )
}

/// The first instant of `date` in `tz`: midnight, or where clocks skip it the first instant after.
pub fn start_of_day(tz: Tz, date: NaiveDate) -> Option<Moment> {
    let before = date
        .and_time(NaiveTime::MIN)
        .and_utc()
        .checked_sub_signed(TimeDelta::hours(27))?;
    first_on_or_after(tz, date, before)
}

/// The zone a clause means; `None` if its name is unknown, and then the clause holds for nobody.
pub(crate) fn zone_of(zone: &Zone, contact: impl FnOnce() -> Option<Tz>, scope: &Scope) -> Option<Tz> {
    match zone {
        Zone::Workspace => Some(scope.zone),
        Zone::Contact => Some(contact().unwrap_or(scope.zone)),
        Zone::Named(name) => name.parse().ok(),
    }
}

/// Whether a date passes, seen from `today`.
pub(crate) fn date_truth(when: &DateTest, date: NaiveDate, today: NaiveDate) -> bool {
    let ahead = (date - today).num_days();
    match when {
        DateTest::On(d) => date == *d,
        DateTest::Before(d) => date < *d,
        DateTest::After(d) => date > *d,
        DateTest::Between(from, to) => *from <= date && date <= *to,
        DateTest::InLastDays(n) => (0..i64::from(*n)).contains(&-ahead),
        DateTest::InNextDays(n) => (0..i64::from(*n)).contains(&ahead),
        DateTest::MoreThanDaysAgo(n) => -ahead > i64::from(*n),
        DateTest::MoreThanDaysAhead(n) => ahead > i64::from(*n),
        DateTest::This(period) => first_day(*period, date) == first_day(*period, today),
        DateTest::Last(period) => {
            let this = first_day(*period, today);
            first_day(*period, date) == this.and_then(|first| previous_first(*period, first))
        }
        DateTest::Next(period) => {
            let this = first_day(*period, today);
            first_day(*period, date) == this.and_then(|first| next_first(*period, first))
        }
        DateTest::InLastMonths(n) => {
            let from = today.checked_sub_months(Months::new(*n));
            date <= today && from.is_none_or(|from| from < date)
        }
        DateTest::InNextMonths(n) => {
            let end = today.checked_add_months(Months::new(*n));
            today <= date && end.is_none_or(|end| date < end)
        }
        DateTest::Weekday(day) => date.weekday().num_days_from_monday() == *day as u32,
        DateTest::Month(month) => date.month0() == *month as u32,
        DateTest::DayOfMonth(day) => date.day() == u32::from(*day),
        DateTest::AnniversaryWithinDays(_)
        | DateTest::AnniversaryInLastDays(_)
        | DateTest::AnniversaryInNextDays(_)
        | DateTest::AnniversaryDaysAgo(_)
        | DateTest::AnniversaryInDays(_) => {
            Anniversaries::of(when, today).is_some_and(|those| those.has(date))
        }
        // Not today's business: see `beside`.
        DateTest::Beside { .. } => false,
    }
}

/// Whether a date lies on the wanted side of another one, moved by a number of days.
pub(crate) fn beside(order: Beside, date: NaiveDate, other: NaiveDate, plus_days: i32) -> bool {
    let Some(other) = other.checked_add_signed(TimeDelta::days(i64::from(plus_days))) else {
        return false;
    };
    match order {
        Beside::Before => date < other,
        Beside::On => date == other,
        Beside::After => date > other,
    }
}

/// The days on which an anniversary is wanted: both ends included.
struct Anniversaries {
    first: NaiveDate,
    last: NaiveDate,
}

impl Anniversaries {
    /// `None`: on no day.
    fn of(when: &DateTest, today: NaiveDate) -> Option<Anniversaries> {
        let days = |n: u32| Days::new(u64::from(n));
        // Two years hold every anniversary.
        let (first, last) = match when {
            DateTest::AnniversaryWithinDays(n) => {
                let n = days((*n).min(740));
                (today.checked_sub_days(n)?, today.checked_add_days(n)?)
            }
            DateTest::AnniversaryInLastDays(n) => {
                (today.checked_sub_days(days(n.checked_sub(1)?.min(740)))?, today)
            }
            DateTest::AnniversaryInNextDays(n) => {
                (today, today.checked_add_days(days(n.checked_sub(1)?.min(740)))?)
            }
            DateTest::AnniversaryDaysAgo(n) => {
                let day = today.checked_sub_days(days(*n))?;
                (day, day)
            }
            DateTest::AnniversaryInDays(n) => {
                let day = today.checked_add_days(days(*n))?;
                (day, day)
            }
            _ => return None,
        };
        Some(Anniversaries { first, last })
    }

    fn has(&self, date: NaiveDate) -> bool {
        (self.first.year()..=self.last.year())
            .filter_map(|year| anniversary(date, year))
            .any(|day| self.first <= day && day <= self.last)
    }

    /// In how many days, from 1, an anniversary of `date` first comes among them or leaves them; `None`: never, since
    /// they are a whole year.
    fn change(&self, date: NaiveDate) -> Option<i64> {
        if (self.last - self.first).num_days() >= 366 {
            return None;
        }
        let after = |day: NaiveDate, most: i64| {
            (day.year()..=day.year() + 1)
                .filter_map(|year| anniversary(date, year))
                .map(|next| (next - day).num_days())
                .find(|days| *days >= most)
        };
        // It comes when the last day reaches it and has left when the first day is past it.
        let comes = after(self.last, 1);
        let leaves = after(self.first, 0).map(|days| days + 1);
        [comes, leaves].into_iter().flatten().min()
    }
}

/// The days on which the periods around `date` begin: the one before it, its own and the two after it.
fn beginnings(period: Period, date: NaiveDate) -> [Option<NaiveDate>; 4] {
    let this = first_day(period, date);
    let last = this.and_then(|first| previous_first(period, first));
    let next = this.and_then(|first| next_first(period, first));
    [last, this, next, next.and_then(|first| next_first(period, first))]
}

/// Whether the truth of a date test may change from one day to the next.
pub(crate) fn moves_with_days(when: &DateTest) -> bool {
    !matches!(
        when,
        DateTest::On(_)
            | DateTest::Before(_)
            | DateTest::After(_)
            | DateTest::Between(..)
            | DateTest::Weekday(_)
            | DateTest::Month(_)
            | DateTest::DayOfMonth(_)
            | DateTest::Beside { .. }
    )
}

/// The first day after `today` on which [`date_truth`] of the same date may differ.
pub(crate) fn next_change_day(when: &DateTest, date: NaiveDate, today: NaiveDate) -> Option<NaiveDate> {
    let plus = |n: u64| date.checked_add_days(Days::new(n));
    let minus = |n: u64| date.checked_sub_days(Days::new(n));
    let later = |days: &[Option<NaiveDate>]| days.iter().flatten().filter(|d| **d > today).min().copied();
    match when {
        DateTest::On(_)
        | DateTest::Before(_)
        | DateTest::After(_)
        | DateTest::Between(..)
        | DateTest::Weekday(_)
        | DateTest::Month(_)
        | DateTest::DayOfMonth(_)
        | DateTest::Beside { .. } => None,
        DateTest::InLastDays(n) => later(&[Some(date), plus(u64::from(*n))]),
        DateTest::InNextDays(0) => None,
        DateTest::InNextDays(n) => later(&[minus(u64::from(*n) - 1), plus(1)]),
        DateTest::MoreThanDaysAgo(n) => later(&[plus(u64::from(*n) + 1)]),
        DateTest::MoreThanDaysAhead(n) => later(&[minus(u64::from(*n))]),
        DateTest::This(period) | DateTest::Last(period) | DateTest::Next(period) => {
            later(&beginnings(*period, date))
        }
        DateTest::InLastMonths(n) => later(&[Some(date), months_later(date, *n)]),
        DateTest::InNextMonths(n) => later(&[months_before(date, *n), plus(1)]),
        DateTest::AnniversaryWithinDays(_)
        | DateTest::AnniversaryInLastDays(_)
        | DateTest::AnniversaryInNextDays(_)
        | DateTest::AnniversaryDaysAgo(_)
        | DateTest::AnniversaryInDays(_) => {
            let days = Anniversaries::of(when, today)?.change(date)?;
            today.checked_add_signed(TimeDelta::days(days))
        }
    }
}

/// The first day that is not before `date` any more when it is taken back by months.
pub(super) fn months_later(date: NaiveDate, n: u32) -> Option<NaiveDate> {
    let months = Months::new(n);
    let near = date.checked_add_months(months)?;
    // Short months: a day or two behind.
    near.iter_days()
        .take(5)
        .find(|day| day.checked_sub_months(months).is_some_and(|back| back >= date))
}

/// The first day that is after `date` when it is taken on by months.
fn months_before(date: NaiveDate, n: u32) -> Option<NaiveDate> {
    let months = Months::new(n);
    let near = date.checked_sub_months(months)?;
    near.iter_days()
        .take(5)
        .find(|day| day.checked_add_months(months).is_none_or(|on| on > date))
}

/// The first instant after `now` at which the date in `tz` is neither `today` (the date at `now`) nor any other
/// day before `until`: usually the start of `until`, but clocks set back over midnight bring a day back.
pub(crate) fn leaves_days(tz: Tz, now: Moment, today: NaiveDate, until: NaiveDate) -> Option<Moment> {
    let forward = first_on_or_after(tz, until, now);
    match (falls_back(tz, now, today), forward) {
        (Some(back), Some(forward)) => Some(back.min(forward)),
        (back, forward) => back.or(forward),
    }
}

/// 29 February stands on 28 February in other years.
fn anniversary(date: NaiveDate, year: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, date.month(), date.day()).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
}

/// The first instant later than `after` (which lies before it) whose date is `date` or a later one.
fn first_on_or_after(tz: Tz, date: NaiveDate, after: Moment) -> Option<Moment> {
    let midnight = date.and_time(NaiveTime::MIN);
    match tz.from_local_datetime(&midnight) {
        MappedLocalTime::Single(at) if at > after => return Some(at.to_utc()),
        MappedLocalTime::Ambiguous(a, b) => {
            let (first, second) = (a.min(b), a.max(b));
            if first > after {
                return Some(first.to_utc());
            }
            if second > after {
                return Some(second.to_utc());
            }
        }
        _ => {}
    }
    // Midnight does not exist here: the clocks jump over it, by at most a day, at a whole second.
    let reached = |second: i64| {
        Moment::from_timestamp(second, 0)
            .and_then(|m| local_date(m, tz))
            .is_none_or(|d| d >= date)
    };
    let middle = midnight.and_utc().timestamp();
    let mut low = after.timestamp().max(middle - 27 * 3_600);
    let mut high = (middle + 27 * 3_600).max(low + 1);
    while high - low > 1 {
        let half = low + (high - low) / 2;
        if reached(half) {
            high = half;
        } else {
            low = half;
        }
    }
    Moment::from_timestamp(high, 0)
}

/// The first instant after `now` at which clocks set back make the date earlier than `today`. Only possible
/// within about a day of `today`'s midnight, since no zone was ever set back by more than a day.
fn falls_back(tz: Tz, now: Moment, today: NaiveDate) -> Option<Moment> {
    let start = now.timestamp();
    let offset = |second: i64| {
        Moment::from_timestamp(second, 0).map(|m| {
            tz.offset_from_utc_datetime(&m.naive_utc())
                .fix()
                .local_minus_utc()
        })
    };
    let mut low = start;
    for hours in [7, 14, 21, 27] {
        let end = start + hours * 3_600;
        let (before, after) = (offset(low)?, offset(end)?);
        if after < before {
            let (mut a, mut b) = (low, end);
            while b - a > 1 {
                let half = a + (b - a) / 2;
                if offset(half)? == before {
                    a = half
                } else {
                    b = half
                }
            }
            let at = Moment::from_timestamp(b, 0)?;
            if local_date(at, tz)? < today {
                return Some(at);
            }
        }
        low = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    fn at(text: &str) -> Moment {
        text.parse().expect("a moment of the test")
    }

    #[test]
    fn the_day_begins_where_clocks_allow_it() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date of the test");
        // Brazil skipped midnight when summer began, Samoa skipped a whole day.
        let brazil = start_of_day(chrono_tz::America::Sao_Paulo, day("2018-11-04"));
        assert_eq!(brazil, Some(at("2018-11-04T03:00:00Z")));
        assert_eq!(
            start_of_day(chrono_tz::Pacific::Apia, day("2011-12-30")),
            Some(at("2011-12-30T10:00:00Z"))
        );
        assert_eq!(
            start_of_day(chrono_tz::Europe::Berlin, day("2026-07-01")),
            Some(at("2026-06-30T22:00:00Z"))
        );
    }

    #[test]
    fn a_day_that_comes_back_for_an_hour_is_noticed() {
        // St John's set its clocks back from 00:01 to 23:01.
        let tz = chrono_tz::America::St_Johns;
        let now = at("2010-11-07T02:30:30Z");
        let today = local_date(now, tz).expect("a date");
        assert_eq!(today.to_string(), "2010-11-07");
        let until = leaves_days(tz, now, today, today + Days::new(5));
        assert_eq!(until, Some(at("2010-11-07T02:31:00Z")));
    }

    #[test]
    fn the_29th_of_february_counts_on_the_28th_in_other_years() {
        let leap = "2020-02-29".parse().expect("a date");
        let holds = |today: &str| {
            date_truth(
                &DateTest::AnniversaryWithinDays(0),
                leap,
                today.parse().expect("a date"),
            )
        };
        assert!(holds("2026-02-28") && !holds("2026-03-01"));
        assert!(holds("2028-02-29") && !holds("2028-02-28"));
    }

    const PERIODS: [Period; 5] = [
        Period::Day,
        Period::Week,
        Period::Month,
        Period::Quarter,
        Period::Year,
    ];

    #[test]
    fn months_end_with_the_last_day_of_a_shorter_one() {
        let holds = |when: DateTest, date: &str, today: &str| {
            date_truth(
                &when,
                date.parse().expect("a date"),
                today.parse().expect("a date"),
            )
        };
        let (last, next) = (DateTest::InLastMonths(1), DateTest::InNextMonths(1));
        assert!(!holds(last.clone(), "2026-02-28", "2026-03-31"));
        assert!(
            holds(last.clone(), "2026-03-01", "2026-03-31")
                && holds(last.clone(), "2026-03-31", "2026-03-31")
        );
        assert!(!holds(last, "2026-04-01", "2026-03-31"));
        assert!(holds(next.clone(), "2026-02-27", "2026-01-31") && !holds(next, "2026-02-28", "2026-01-31"));
    }

    #[test]
    fn an_anniversary_is_ahead_or_behind_or_on_its_day() {
        let born = "1990-01-03".parse().expect("a date");
        let holds = |when: &DateTest, today: &str| date_truth(when, born, today.parse().expect("a date"));
        let ahead = DateTest::AnniversaryInNextDays(7);
        assert!(holds(&ahead, "2025-12-28") && holds(&ahead, "2026-01-03"));
        assert!(!holds(&ahead, "2025-12-27") && !holds(&ahead, "2026-01-04"));
        let behind = DateTest::AnniversaryInLastDays(7);
        assert!(
            holds(&behind, "2026-01-03") && holds(&behind, "2026-01-09") && !holds(&behind, "2026-01-10")
        );
        let exactly = DateTest::AnniversaryInDays(7);
        assert!(holds(&exactly, "2025-12-27") && !holds(&exactly, "2025-12-28"));
        assert!(holds(&DateTest::AnniversaryDaysAgo(3), "2026-01-06"));
        let never = [
            DateTest::AnniversaryInLastDays(0),
            DateTest::AnniversaryInNextDays(0),
        ];
        assert!(never.iter().all(|when| !holds(when, "2026-01-03")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn days_are_left_exactly_when_the_local_date_says_so(
            zone in 0..TZ_VARIANTS.len(), second in 0i64..2_500_000_000, days in 1u64..4, steps in proptest::collection::vec(0f64..1.0, 24)
        ) {
            let tz = TZ_VARIANTS[zone];
            let now = Moment::from_timestamp(second, 123).expect("in range");
            let today = local_date(now, tz).expect("in range");
            let until = today + Days::new(days);
            let end = leaves_days(tz, now, today, until).expect("in range");
            prop_assert!(end > now);
            let there = local_date(end, tz).expect("in range");
            prop_assert!(there < today || there >= until, "{end} is still {there}");
            for step in steps {
                let probe = now + (end - now).mul_f64_floor(step);
                let date = local_date(probe, tz).expect("in range");
                prop_assert!(today <= date && date < until, "{probe} is {date} in {tz}");
            }
        }

        #[test]
        fn a_date_test_changes_only_on_its_next_change_day(
            n in 0u32..400, kind in 0usize..14, offset in -800i64..800, base in 0i64..60_000
        ) {
            let test = [DateTest::InLastDays(n), DateTest::InNextDays(n), DateTest::MoreThanDaysAgo(n),
                DateTest::MoreThanDaysAhead(n), DateTest::AnniversaryWithinDays(n), DateTest::AnniversaryInLastDays(n),
                DateTest::AnniversaryInNextDays(n), DateTest::AnniversaryDaysAgo(n), DateTest::AnniversaryInDays(n),
                DateTest::InLastMonths(n % 20), DateTest::InNextMonths(n % 20), DateTest::This(PERIODS[n as usize % 5]),
                DateTest::Last(PERIODS[n as usize % 5]), DateTest::Next(PERIODS[n as usize % 5])][kind].clone();
            let today = NaiveDate::from_ymd_opt(1930, 1, 1).expect("a date") + TimeDelta::days(base);
            let date = today + TimeDelta::days(offset);
            let now = date_truth(&test, date, today);
            let end = next_change_day(&test, date, today).unwrap_or(today + Days::new(800)).min(today + Days::new(800));
            let mut day = today;
            while day < end {
                prop_assert_eq!(date_truth(&test, date, day), now, "{:?} of {} on {}", test, date, day);
                day = day + Days::new(1);
            }
        }
    }

    trait Part {
        fn mul_f64_floor(self, part: f64) -> TimeDelta;
    }
    impl Part for TimeDelta {
        fn mul_f64_floor(self, part: f64) -> TimeDelta {
            TimeDelta::milliseconds((self.num_milliseconds() as f64 * part) as i64)
        }
    }
}
