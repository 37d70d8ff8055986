//! Periods of the calendar: days, weeks, months, quarters and years.

use super::dates::{local_date, months_later, start_of_day};
use carillon_model::Moment;
use carillon_model::segment::Period;
use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use smallvec::SmallVec;
use std::collections::HashMap;

/// The first day of the period in which `date` lies.
pub(super) fn first_day(period: Period, date: NaiveDate) -> Option<NaiveDate> {
    match period {
        Period::Day => Some(date),
        Period::Week => date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))),
        Period::Month => date.with_day(1),
        Period::Quarter => NaiveDate::from_ymd_opt(date.year(), date.month0() / 3 * 3 + 1, 1),
        Period::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
    }
}

/// The first day of the period after the one that begins on `first`.
pub(super) fn next_first(period: Period, first: NaiveDate) -> Option<NaiveDate> {
    match period {
        Period::Day => first.succ_opt(),
        Period::Week => first.checked_add_days(Days::new(7)),
        Period::Month => first.checked_add_months(Months::new(1)),
        Period::Quarter => first.checked_add_months(Months::new(3)),
        Period::Year => first.checked_add_months(Months::new(12)),
    }
}

/// The first day of the period before the one that begins on `first`.
pub(super) fn previous_first(period: Period, first: NaiveDate) -> Option<NaiveDate> {
    first_day(period, first.pred_opt()?)
}

/// The day on the calendar of `tz` that has begun at `at` and none after it: a day begins with its first instant, also
/// where the clocks are set back over that midnight and bring the day before back for a while.
pub(super) fn day_at(at: Moment, tz: Tz) -> Option<NaiveDate> {
    let mut day = local_date(at, tz)?;
    while let Some(next) = day.succ_opt()
        && start_of_day(tz, next).is_some_and(|begins| begins <= at)
    {
        day = next;
    }
    Some(day)
}

/// [`day_at`] of many moments: the calendar is asked once for each day of UTC.
pub(crate) struct DaysOf {
    tz: Tz,
    /// By day of UTC: the day that has begun by then, and those that begin in it, with their first instants.
    known: HashMap<i64, SmallVec<[(Moment, NaiveDate); 3]>>,
}

impl DaysOf {
    pub fn new(tz: Tz) -> DaysOf {
        DaysOf {
            tz,
            known: HashMap::new(),
        }
    }

    pub fn at(&mut self, at: Moment) -> Option<NaiveDate> {
        let number = at.timestamp().div_euclid(86_400);
        let tz = self.tz;
        let days = self
            .known
            .entry(number)
            .or_insert_with(|| days_within(number, tz));
        let known = days.iter().rev().find(|(begins, _)| *begins <= at);
        known.map_or_else(|| day_at(at, tz), |(_, day)| Some(*day))
    }
}

/// Nothing at the ends of time, where the first instant of the day has no date.
fn days_within(number: i64, tz: Tz) -> SmallVec<[(Moment, NaiveDate); 3]> {
    let instant = |number: i64| Moment::from_timestamp(number.saturating_mul(86_400), 0);
    let begins = instant(number).unwrap_or(Moment::MIN_UTC);
    let ends = instant(number.saturating_add(1)).unwrap_or(Moment::MAX_UTC);
    let first = day_at(begins, tz);
    let mut days: SmallVec<_> = first.map(|day| (begins, day)).into_iter().collect();
    let mut next = first.and_then(|day| day.succ_opt());
    while let Some((begins, day)) = next.and_then(|day| Some((start_of_day(tz, day)?, day)))
        && begins <= ends
    {
        days.push((begins, day));
        next = day.succ_opt();
    }
    days
}

/// The first instant behind the day `n` months before that of `now`; `None` beyond all calendars. What happened from
/// then on did so in the last `n` months.
pub(super) fn months_back(now: Moment, n: u32, tz: Tz) -> Option<Moment> {
    let day = day_at(now, tz)?.checked_sub_months(Months::new(n))?;
    start_of_day(tz, day.succ_opt()?)
}

/// The first instant at which what happened at `at` did not do so in the last `n` months any more: the first at which
/// [`months_back`] is later. `None` beyond all calendars.
pub(super) fn months_over(at: Moment, n: u32, tz: Tz) -> Option<Moment> {
    start_of_day(tz, months_later(day_at(at, tz)?, n)?)
}

/// The instants at which the period that holds an instant begins, the one before it and the two after it. Those beyond
/// all calendars are `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Around {
    pub last: Option<Moment>,
    pub this: Moment,
    pub next: Option<Moment>,
    pub after: Option<Moment>,
}

impl Around {
    /// Around the instant `at` on the calendar of `tz`. A period begins with the first instant of its first day, also
    /// where the clocks are set back over that midnight and bring the day before back for a while.
    pub fn at(at: Moment, period: Period, tz: Tz) -> Option<Around> {
        let mut first = first_day(period, local_date(at, tz)?)?;
        let mut next = next_first(period, first);
        while let Some(day) = next
            && start_of_day(tz, day).is_some_and(|begins| begins <= at)
        {
            (first, next) = (day, next_first(period, day));
        }
        let begins = |day: Option<NaiveDate>| start_of_day(tz, day?);
        Some(Around {
            last: begins(previous_first(period, first)),
            this: start_of_day(tz, first)?,
            next: begins(next),
            after: begins(next.and_then(|day| next_first(period, day))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    #[test]
    fn a_period_begins_where_the_calendar_says() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date of the test");
        for (period, of, first, next, previous) in [
            (
                Period::Day,
                "2024-02-29",
                "2024-02-29",
                "2024-03-01",
                "2024-02-28",
            ),
            // The first of January 2027 is a Friday.
            (
                Period::Week,
                "2027-01-01",
                "2026-12-28",
                "2027-01-04",
                "2026-12-21",
            ),
            (
                Period::Week,
                "2026-12-28",
                "2026-12-28",
                "2027-01-04",
                "2026-12-21",
            ),
            (
                Period::Month,
                "2024-03-31",
                "2024-03-01",
                "2024-04-01",
                "2024-02-01",
            ),
            (
                Period::Quarter,
                "2026-02-28",
                "2026-01-01",
                "2026-04-01",
                "2025-10-01",
            ),
            (
                Period::Quarter,
                "2026-12-31",
                "2026-10-01",
                "2027-01-01",
                "2026-07-01",
            ),
            (
                Period::Year,
                "2026-11-27",
                "2026-01-01",
                "2027-01-01",
                "2025-01-01",
            ),
        ] {
            let begins = first_day(period, day(of));
            assert_eq!(begins, Some(day(first)), "{period:?} {of}");
            assert_eq!(
                begins.and_then(|d| next_first(period, d)),
                Some(day(next)),
                "{period:?} {of}"
            );
            assert_eq!(
                begins.and_then(|d| previous_first(period, d)),
                Some(day(previous)),
                "{period:?} {of}"
            );
        }
    }

    #[test]
    fn a_day_that_comes_back_for_an_hour_still_belongs_to_the_new_period() {
        // St John's set its clocks back from 00:01 on Sunday to 23:01 on Saturday.
        let tz = chrono_tz::America::St_Johns;
        let at = |text: &str| text.parse::<Moment>().expect("a moment of the test");
        let begins = at("2010-11-07T02:30:00Z");
        for (now, this) in [
            ("2010-11-07T02:29:59Z", at("2010-11-06T02:30:00Z")),
            ("2010-11-07T02:30:00Z", begins),
            ("2010-11-07T03:00:00Z", begins),
            ("2010-11-07T03:30:00Z", begins),
        ] {
            let around = Around::at(at(now), Period::Day, tz).expect("in range");
            assert_eq!(around.this, this, "{now}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_day_of_many_moments_is_that_of_each(
            zone in 0..TZ_VARIANTS.len(), moments in proptest::collection::vec(-4_000_000_000i64..2_500_000_000, 1..40), near in 0i64..200_000
        ) {
            let tz = TZ_VARIANTS[zone];
            let mut days = DaysOf::new(tz);
            for second in moments.iter().flat_map(|second| [*second, *second + near]) {
                let at = Moment::from_timestamp(second, 7).expect("in range");
                prop_assert_eq!(days.at(at), day_at(at, tz), "{} in {}", at, tz);
            }
        }
    }

    #[test]
    fn the_days_at_the_ends_of_time_are_found_or_not_and_near_a_day_that_comes_back_are_the_same() {
        let tz = chrono_tz::America::St_Johns;
        let mut days = DaysOf::new(tz);
        let begins: Moment = "2010-11-05T12:00:00Z".parse().expect("a moment of the test");
        for at in (0..1_000).map(|step| begins + chrono::TimeDelta::minutes(step * 5)) {
            assert_eq!(days.at(at), day_at(at, tz), "{at}");
        }
        for at in [Moment::MIN_UTC, Moment::MAX_UTC] {
            assert_eq!(days.at(at), day_at(at, tz), "{at}");
        }
    }
}
