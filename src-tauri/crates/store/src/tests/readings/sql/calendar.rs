//! Days, periods and anniversaries, reckoned apart from the engine.

use carillon_model::Moment;
use carillon_model::contact::FieldType;
use carillon_model::segment::{DateTest, Period};
use chrono::{Datelike, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use std::collections::BTreeSet;

pub(super) fn epoch_day(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) - 719_163
}

pub(super) fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day.checked_add(719_163)?).ok()?)
}

pub(super) fn today(now: Moment, zone: Tz) -> i64 {
    let offset = zone.offset_from_utc_datetime(&now.naive_utc()).fix();
    epoch_day((now.naive_utc() + offset).date())
}

/// Milliseconds of the first instant of a day in a zone; beyond all calendars, before or after everything.
pub(super) fn begins(day: i64, zone: Tz) -> i64 {
    let Some(date) = date_of(day) else {
        return if day < 0 { i64::MIN } else { i64::MAX };
    };
    let midnight = date.and_time(NaiveTime::MIN);
    let first = (0..27 * 60).find_map(|minute| {
        let local = midnight.checked_add_signed(TimeDelta::minutes(minute))?;
        Some(zone.from_local_datetime(&local).earliest()?.timestamp_millis())
    });
    first.unwrap()
}

/// Days from 1970, both ends included; an open end is the largest number.
pub(super) type Range = (i64, i64);
const OPEN: i64 = i64::MAX;
const FIRST: i64 = i64::MIN;

pub(super) fn ranges(when: &DateTest, today: i64) -> Vec<Range> {
    let day = |date: &NaiveDate| epoch_day(*date);
    match when {
        DateTest::On(d) => vec![(day(d), day(d))],
        DateTest::Before(d) => vec![(FIRST, day(d) - 1)],
        DateTest::After(d) => vec![(day(d) + 1, OPEN)],
        DateTest::Between(a, b) => vec![(day(a), day(b))],
        DateTest::InLastDays(n) => vec![(today - i64::from(*n) + 1, today)],
        DateTest::InNextDays(n) => vec![(today, today + i64::from(*n) - 1)],
        DateTest::MoreThanDaysAgo(n) => vec![(FIRST, today - i64::from(*n) - 1)],
        DateTest::MoreThanDaysAhead(n) => vec![(today + i64::from(*n) + 1, OPEN)],
        // Of these there is no first and no last day.
        DateTest::Weekday(_) | DateTest::Month(_) | DateTest::DayOfMonth(_) => Vec::new(),
        DateTest::AnniversaryWithinDays(_)
        | DateTest::AnniversaryInLastDays(_)
        | DateTest::AnniversaryInNextDays(_)
        | DateTest::AnniversaryDaysAgo(_)
        | DateTest::AnniversaryInDays(_) => Vec::new(),
        DateTest::Beside { .. } => Vec::new(),
        // No calendar goes further back.
        DateTest::InLastMonths(n) => vec![(months_on(today, -i64::from((*n).min(1_200_000))) + 1, today)],
        DateTest::InNextMonths(n) => vec![(today, months_on(today, i64::from(*n)) - 1)],
        DateTest::This(period) => {
            let this = period_of(*period, today);
            vec![days_of(*period, this, today)]
        }
        DateTest::Last(period) => {
            let this = period_of(*period, today);
            let before = (1..).find(|n| period_of(*period, today - n) != this).unwrap();
            vec![days_of(*period, period_of(*period, today - before), today)]
        }
        DateTest::Next(period) => {
            let this = period_of(*period, today);
            let after = (1..).find(|n| period_of(*period, today + n) != this).unwrap();
            vec![days_of(*period, period_of(*period, today + after), today)]
        }
    }
}

/// The name of the period a day lies in.
fn period_of(period: Period, day: i64) -> (i32, u32) {
    let date = date_of(day).unwrap();
    match period {
        Period::Day => (0, u32::try_from(day).unwrap()),
        Period::Week => (date.iso_week().year(), date.iso_week().week()),
        Period::Month => (date.year(), date.month()),
        Period::Quarter => (date.year(), date.month().div_ceil(3)),
        Period::Year => (date.year(), 0),
    }
}

/// The first and the last day near today whose period has the name.
fn days_of(period: Period, name: (i32, u32), today: i64) -> Range {
    let days: Vec<i64> = (today - 800..=today + 800)
        .filter(|day| period_of(period, *day) == name)
        .collect();
    (days[0], days[days.len() - 1])
}

fn month_day(date: NaiveDate) -> String {
    format!("{:02}-{:02}", date.month(), date.day())
}

/// The same day so many months on, or the last one of a shorter month.
fn months_on(day: i64, months: i64) -> i64 {
    let date = date_of(day).unwrap();
    let month = i64::from(date.year()) * 12 + i64::from(date.month0()) + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let (year, month) = (i32::try_from(year).unwrap(), u32::try_from(month).unwrap());
    let last = (1..=date.day())
        .rev()
        .find_map(|day| NaiveDate::from_ymd_opt(year, month, day));
    epoch_day(last.unwrap())
}

/// Months and days that pass a test which no range of days is; `None` for any other test.
pub(super) fn month_days(when: &DateTest, today: i64) -> Option<BTreeSet<String>> {
    // Any leap year has all of them.
    let year = (0..366).map(|n| NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::Days::new(n));
    let near = |n: &u32| i64::from((*n).min(367));
    Some(match when {
        DateTest::Month(month) => year
            .filter(|d| d.month() == *month as u32 + 1)
            .map(month_day)
            .collect(),
        DateTest::DayOfMonth(day) => year
            .filter(|d| d.day() == u32::from(*day))
            .map(month_day)
            .collect(),
        DateTest::AnniversaryWithinDays(n) => anniversaries(today - near(n), today + near(n)),
        DateTest::AnniversaryInLastDays(n) => anniversaries(today - near(n) + 1, today),
        DateTest::AnniversaryInNextDays(n) => anniversaries(today, today + near(n) - 1),
        DateTest::AnniversaryDaysAgo(n) => anniversaries(today - i64::from(*n), today - i64::from(*n)),
        DateTest::AnniversaryInDays(n) => anniversaries(today + i64::from(*n), today + i64::from(*n)),
        _ => return None,
    })
}

/// Months and days whose anniversary lies from the first to the last day.
fn anniversaries(first: i64, last: i64) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for date in (first..=last).filter_map(date_of) {
        all.insert(month_day(date));
        if (date.month(), date.day()) == (2, 28) && !date.leap_year() {
            all.insert("02-29".to_owned());
        }
    }
    all
}

/// The day of a date, or of a moment in a zone, counted from 1970, as SQL. Moments lie within two years of now.
pub(super) fn day_in(column: &str, field_type: FieldType, zone: Tz, now: Moment) -> String {
    if field_type == FieldType::Date {
        return column.to_owned();
    }
    let offset = |second: i64| {
        let at = Moment::from_timestamp(second, 0).unwrap();
        i64::from(
            zone.offset_from_utc_datetime(&at.naive_utc())
                .fix()
                .local_minus_utc(),
        )
    };
    let day = |column: &str, offset: i64| format!("({column} + {}) / 86400000", offset * 1_000);
    let mut cases = String::new();
    let start = now.timestamp() - 730 * 86_400;
    for n in 0..1_460 {
        let (mut low, mut high) = (start + n * 86_400, start + (n + 1) * 86_400);
        let before = offset(low);
        if before == offset(high) {
            continue;
        }
        // Clocks change once a day at most.
        while high - low > 1 {
            let half = (low + high) / 2;
            match offset(half) == before {
                true => low = half,
                false => high = half,
            }
        }
        cases.push_str(&format!(
            " WHEN {column} < {} THEN {}",
            high * 1_000,
            day(column, before)
        ));
    }
    let other = day(column, offset(start + 1_460 * 86_400));
    match cases.is_empty() {
        true => other,
        false => format!("(CASE{cases} ELSE {other} END)"),
    }
}

#[test]
fn days_begin_where_the_clocks_of_a_zone_let_them() {
    let day = |text: &str| epoch_day(text.parse().unwrap());
    let at = |text: &str| text.parse::<Moment>().unwrap().timestamp_millis();
    let brazil = begins(day("2018-11-04"), chrono_tz::America::Sao_Paulo);
    assert_eq!(brazil, at("2018-11-04T03:00:00Z"));
    let samoa = begins(day("2011-12-30"), chrono_tz::Pacific::Apia);
    assert_eq!(samoa, at("2011-12-30T10:00:00Z"));
    let next = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(1);
    assert_eq!(date_of(epoch_day(next)), Some(next));
}
