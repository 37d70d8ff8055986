//! How points grow less: by dates of UTC, in whole numbers, so that every machine counts the same.

use carillon_model::Moment;
use carillon_model::score::Decay;
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};

/// One, in the numbers weights are counted in.
const ONE: u64 = 1 << 32;

/// The square root of a half, its square root, and so on: 2 to the minus 1/2, 1/4, 1/8 ... of [`ONE`].
const ROOTS: [u64; 32] = {
    let mut roots = [(1u64 << 63).isqrt(); 32];
    let mut i = 1;
    while i < roots.len() {
        roots[i] = (roots[i - 1] << 32).isqrt();
        i += 1;
    }
    roots
};

/// What is left at `now` of `milli` thousandths given at `at`, which is not later, and when it will be less.
pub(super) fn left(milli: i64, decay: Decay, at: Moment, now: Moment) -> (i64, Option<Moment>) {
    let (given, today) = (at.date_naive(), now.date_naive());
    match decay {
        Decay::None => (milli, None),
        Decay::Linear { percent, months } => {
            let passed = months_between(given, today) / months.max(1);
            let left = 100u32.saturating_sub(percent.saturating_mul(passed));
            let next = (left > 0 && percent > 0 && milli != 0)
                .then(|| given.checked_add_months(Months::new((passed + 1).saturating_mul(months.max(1)))))
                .flatten();
            (milli * i64::from(left) / 100, next.map(midnight))
        }
        Decay::HalfLife { days } => {
            let passed = (today - given).num_days().max(0).unsigned_abs();
            let weight = halved(passed, u64::from(days.max(1)));
            let size = (u128::from(milli.unsigned_abs()) * u128::from(weight) + u128::from(ONE / 2)) >> 32;
            let left = milli.signum() * i64::try_from(size).unwrap_or(i64::MAX);
            let next = (left != 0)
                .then(|| today.checked_add_days(Days::new(1)))
                .flatten();
            (left, next.map(midnight))
        }
    }
}

fn midnight(date: NaiveDate) -> Moment {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The most months one can go on from `from` without passing `to`; the 31st is the last day of a shorter month.
fn months_between(from: NaiveDate, to: NaiveDate) -> u32 {
    let of = |date: NaiveDate| date.year() * 12 + date.month0() as i32;
    let months = u32::try_from(of(to) - of(from)).unwrap_or(0);
    match from.checked_add_months(Months::new(months)) {
        Some(reached) if reached <= to => months,
        _ => months.saturating_sub(1),
    }
}

/// [`ONE`] halved `days / of` times; the fraction is worked out bit by bit.
fn halved(days: u64, of: u64) -> u64 {
    let (whole, mut rest) = (days / of, days % of);
    let mut weight = ONE;
    for root in ROOTS {
        rest *= 2;
        if rest >= of {
            rest -= of;
            weight = (weight * root) >> 32;
        }
        if rest == 0 {
            break;
        }
    }
    weight
        .checked_shr(u32::try_from(whole).unwrap_or(u32::MAX))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Moment {
        midnight(text.parse().expect("a date"))
    }

    #[test]
    fn a_half_life_halves_and_is_near_the_power_between() {
        assert_eq!(
            [0, 30, 60, 300].map(|days| halved(days, 30)),
            [ONE, ONE / 2, ONE / 4, ONE >> 10]
        );
        for (days, of) in [(1, 30), (7, 30), (29, 30), (100, 7), (3, 365), (4_000, 365)] {
            let exact = 2f64.powf(-(days as f64) / of as f64);
            let found = halved(days, of) as f64 / ONE as f64;
            assert!(
                (found - exact).abs() < 1e-8,
                "{days} of {of}: {found} for {exact}"
            );
        }
        assert_eq!(halved(u64::from(u32::MAX) * 40, 1), 0);
    }

    #[test]
    fn months_end_where_months_end() {
        let months = |from: &str, to: &str| months_between(day(from).date_naive(), day(to).date_naive());
        assert_eq!(months("2026-01-31", "2026-02-27"), 0);
        assert_eq!(months("2026-01-31", "2026-02-28"), 1);
        assert_eq!(months("2026-01-31", "2026-03-30"), 1);
        assert_eq!(months("2026-01-31", "2026-03-31"), 2);
        assert_eq!(months("2025-12-15", "2026-12-14"), 11);
        assert_eq!(months("2026-05-01", "2026-04-01"), 0);
    }

    #[test]
    fn a_linear_decay_goes_down_in_steps_until_nothing_is_left() {
        let decay = Decay::Linear {
            percent: 40,
            months: 2,
        };
        let at = day("2026-01-31");
        let of = |now: &str| left(10_000, decay, at, day(now));
        assert_eq!(of("2026-01-31"), (10_000, Some(day("2026-03-31"))));
        assert_eq!(of("2026-03-30"), (10_000, Some(day("2026-03-31"))));
        assert_eq!(of("2026-03-31"), (6_000, Some(day("2026-05-31"))));
        assert_eq!(of("2026-05-31"), (2_000, Some(day("2026-07-31"))));
        assert_eq!(of("2026-07-31"), (0, None));
        assert_eq!(left(-10_000, decay, at, day("2026-04-01")).0, -6_000);
    }

    #[test]
    fn what_has_halved_to_nothing_needs_no_more_midnights() {
        let at = day("2026-01-01");
        let decay = Decay::HalfLife { days: 1 };
        assert_eq!(
            left(4_000, decay, at, day("2026-01-03")),
            (1_000, Some(day("2026-01-04")))
        );
        assert_eq!(left(-4_000, decay, at, day("2026-01-02")).0, -2_000);
        assert_eq!(left(4_000, decay, at, day("2026-01-15")), (0, None));
    }
}
