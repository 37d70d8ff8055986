//! Which moments count in a window: of one moment from when until when, and of many at one time.

use super::dates::{local_date, start_of_day, zone_of};
use super::periods::{Around, months_back, months_over};
use crate::record::Scope;
use carillon_model::Moment;
use carillon_model::segment::{Days, Period, Window};
use chrono::{Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// From which moment on something counts, and before which; `None`: for ever.
pub(crate) type Span = (Moment, Option<Moment>);

/// The zone whose days a window means (any, where it means none); `None` if its name is unknown, and then its
/// clause holds for nobody.
pub(crate) fn zone_of_window(
    window: &Window,
    contact: impl FnOnce() -> Option<Tz>,
    scope: &Scope,
) -> Option<Tz> {
    match window {
        Window::Days { zone, .. } => zone_of(zone, contact, scope),
        Window::Ever
        | Window::LastSecs(_)
        | Window::MoreThanSecsAgo(_)
        | Window::BetweenSecsAgo(..)
        | Window::Between { .. } => Some(scope.zone),
    }
}

fn later(at: Moment, secs: u32) -> Option<Moment> {
    at.checked_add_signed(TimeDelta::seconds(i64::from(secs)))
}

/// When moments begin and cease to count in one window, asked at one `now`.
pub(crate) struct Spans<'a> {
    window: &'a Window,
    tz: Tz,
    /// Of a window that is a period: the periods around now, since most moments lie in them or long before.
    around: Option<Around>,
}

impl<'a> Spans<'a> {
    /// Days are those of `tz`.
    pub fn new(window: &'a Window, tz: Tz, now: Moment) -> Spans<'a> {
        let around = match window {
            Window::Days {
                days: Days::This(period) | Days::Last(period),
                ..
            } => Around::at(now, *period, tz),
            _ => None,
        };
        Spans { window, tz, around }
    }

    /// From which moment on, and before which, something that happened at `at` counts; `None`: not any more, or never.
    pub fn of(&self, at: Moment) -> Option<Span> {
        let inside = match self.window {
            Window::Ever => true,
            Window::LastSecs(0) => false,
            Window::LastSecs(secs) => return Some((at, later(at, *secs))),
            Window::MoreThanSecsAgo(secs) => return later(at, *secs).map(|begins| (begins, None)),
            Window::BetweenSecsAgo(a, b) if a == b => false,
            Window::BetweenSecsAgo(a, b) => {
                let begins = later(at, *a.min(b));
                return begins.map(|begins| (begins, later(at, *a.max(b))));
            }
            Window::Between { from, to } => from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to),
            Window::Days { days, .. } => return self.of_days(*days, at),
        };
        inside.then_some((at, None))
    }

    fn of_days(&self, days: Days, at: Moment) -> Option<Span> {
        let inside = match days {
            Days::On(day) => local_date(at, self.tz)? == day,
            Days::Since(day) => local_date(at, self.tz)? >= day,
            Days::Before(day) => local_date(at, self.tz)? < day,
            Days::Between(first, last) => (first..=last).contains(&local_date(at, self.tz)?),
            Days::This(period) => return Some((at, self.around(at, period)?.next)),
            Days::Last(period) => {
                let around = self.around(at, period)?;
                return around.next.map(|begins| (begins, around.after));
            }
            Days::LastMonths(0) => false,
            Days::LastMonths(n) => return Some((at, months_over(at, n, self.tz))),
            Days::MoreThanMonthsAgo(n) => {
                return months_over(at, n, self.tz).map(|begins| (begins.max(at), None));
            }
            Days::BetweenMonthsAgo(a, b) if a == b => false,
            Days::BetweenMonthsAgo(a, b) => {
                let begins = months_over(at, a.min(b), self.tz)?;
                return Some((begins.max(at), months_over(at, a.max(b), self.tz)));
            }
        };
        inside.then_some((at, None))
    }

    /// The periods around `at`, if something of then can still count.
    fn around(&self, at: Moment, period: Period) -> Option<Around> {
        let now = self.around?;
        if now.last.is_some_and(|last| at < last) {
            return None;
        }
        if at < now.this {
            return Some(Around {
                last: None,
                this: now.last?,
                next: Some(now.this),
                after: now.next,
            });
        }
        if now.next.is_none_or(|next| at < next) {
            return Some(now);
        }
        Around::at(at, period, self.tz)
    }
}

/// What happened before this moment counts in a window or does not, and time alone never changes that again: seen from
/// `now`, on any calendar. `zone` is near enough for periods, whose days begin elsewhere a day earlier or later.
pub(crate) fn settled_before(window: &Window, zone: Tz, now: Moment) -> Moment {
    let ago = |secs: u32| now.checked_sub_signed(TimeDelta::seconds(i64::from(secs)));
    let months_ago = |n: u32| {
        let then = now.checked_sub_months(Months::new(n));
        then.and_then(|then| then.checked_sub_signed(TimeDelta::days(5)))
    };
    let settled = match window {
        Window::LastSecs(secs) | Window::MoreThanSecsAgo(secs) => ago(*secs),
        Window::BetweenSecsAgo(a, b) => ago(*a.max(b)),
        // Only what is still to come begins to count.
        Window::Ever | Window::Between { .. } => Some(now),
        Window::Days { days, .. } => match days {
            Days::On(_) | Days::Since(_) | Days::Before(_) | Days::Between(..) => Some(now),
            // Where it is yesterday still, the period may be the one before.
            Days::This(period) | Days::Last(period) => now
                .checked_sub_signed(TimeDelta::days(2))
                .and_then(|early| Around::at(early, *period, zone))
                .and_then(|around| around.last?.checked_sub_signed(TimeDelta::days(2))),
            // Short months move a day by three at most, and calendars another by one.
            Days::LastMonths(n) | Days::MoreThanMonthsAgo(n) => months_ago(*n),
            Days::BetweenMonthsAgo(a, b) => months_ago(*a.max(b)),
        },
    };
    settled.unwrap_or(Moment::MIN_UTC)
}

/// Which of many moments count at one `now`: bounds worked out once instead of a look at the calendar for each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting<'a> {
    /// From the first, before the second: all of these do.
    sure: [Moment; 2],
    /// No others do; of those between, the calendar says.
    maybe: [Moment; 2],
    /// The same in milliseconds.
    sure_millis: [i64; 2],
    maybe_millis: [i64; 2],
    days: Option<(&'a Days, Tz)>,
}

/// The first millisecond since 1970 that is not before a moment.
pub(crate) fn first_milli(at: Moment) -> i64 {
    let more = !at.timestamp_subsec_nanos().is_multiple_of(1_000_000);
    at.timestamp_millis() + i64::from(more)
}

impl<'a> Counting<'a> {
    /// Those that count at `now` in `window`, whose days are those of `tz`.
    pub fn new(window: &'a Window, tz: Tz, now: Moment) -> Counting<'a> {
        let behind = |at: Moment| {
            at.checked_add_signed(TimeDelta::nanoseconds(1))
                .unwrap_or(Moment::MAX_UTC)
        };
        let ago = |secs: u32| {
            let secs = TimeDelta::seconds(i64::from(secs));
            now.checked_sub_signed(secs).map_or(Moment::MIN_UTC, behind)
        };
        let all = [Moment::MIN_UTC, behind(now)];
        let [first, last] = match window {
            Window::Ever => all,
            Window::LastSecs(secs) => [ago(*secs), all[1]],
            Window::MoreThanSecsAgo(secs) => [all[0], ago(*secs)],
            Window::BetweenSecsAgo(a, b) => [ago(*a.max(b)), ago(*a.min(b))],
            Window::Between { from, to } => [from.unwrap_or(all[0]), to.unwrap_or(all[1])],
            Window::Days {
                days: Days::This(period),
                ..
            } => match Around::at(now, *period, tz) {
                Some(around) => [around.this, around.next.unwrap_or(all[1])],
                None => [all[1]; 2],
            },
            Window::Days {
                days: Days::Last(period),
                ..
            } => match Around::at(now, *period, tz) {
                Some(around) => [around.last.unwrap_or(all[0]), around.this],
                None => [all[1]; 2],
            },
            Window::Days {
                days: Days::LastMonths(n),
                ..
            } => [months_back(now, *n, tz).unwrap_or(all[0]), all[1]],
            Window::Days {
                days: Days::MoreThanMonthsAgo(n),
                ..
            } => [all[0], months_back(now, *n, tz).unwrap_or(all[0])],
            Window::Days {
                days: Days::BetweenMonthsAgo(a, b),
                ..
            } => [a.max(b), a.min(b)].map(|n| months_back(now, *n, tz).unwrap_or(all[0])),
            Window::Days { days, .. } => return Counting::of_days(days, tz, all),
        };
        let both = [first, last.min(all[1])];
        Counting::between(both, both, None)
    }

    fn between(sure: [Moment; 2], maybe: [Moment; 2], days: Option<(&'a Days, Tz)>) -> Counting<'a> {
        Counting {
            sure,
            maybe,
            sure_millis: sure.map(first_milli),
            maybe_millis: maybe.map(first_milli),
            days,
        }
    }

    /// Near midnight the calendar decides: clocks set back bring a day back.
    fn of_days(days: &'a Days, tz: Tz, all: [Moment; 2]) -> Counting<'a> {
        let near = TimeDelta::hours(27);
        let begins = |day: Option<NaiveDate>| start_of_day(tz, day?);
        let (first, end) = match days {
            Days::On(day) => (Some(*day), Some(day.succ_opt())),
            Days::Since(day) => (Some(*day), None),
            Days::Before(day) => (None, Some(Some(*day))),
            Days::Between(first, last) => (Some(*first), Some(last.succ_opt())),
            Days::This(_)
            | Days::Last(_)
            | Days::LastMonths(_)
            | Days::MoreThanMonthsAgo(_)
            | Days::BetweenMonthsAgo(..) => (None, None),
        };
        let (mut sure, mut maybe) = (all, all);
        if let Some(first) = first {
            let first = begins(Some(first));
            sure[0] = first.and_then(|at| at.checked_add_signed(near)).unwrap_or(all[1]);
            maybe[0] = first.and_then(|at| at.checked_sub_signed(near)).unwrap_or(all[0]);
        }
        if let Some(end) = end {
            let end = begins(end);
            sure[1] = end
                .and_then(|at| at.checked_sub_signed(near))
                .unwrap_or(all[0])
                .min(all[1]);
            maybe[1] = end
                .and_then(|at| at.checked_add_signed(near))
                .unwrap_or(all[1])
                .min(all[1]);
        }
        Counting::between(sure, maybe, Some((days, tz)))
    }

    /// Whether something that happened at `at` counts.
    pub fn has(&self, at: Moment) -> bool {
        if self.sure[0] <= at && at < self.sure[1] {
            return true;
        }
        if at < self.maybe[0] || self.maybe[1] <= at {
            return false;
        }
        self.has_by_calendar(at)
    }

    /// [`Counting::has`] of a moment in whole milliseconds since 1970, for very many of them.
    #[inline]
    pub fn has_millis(&self, millis: i64) -> bool {
        if self.sure_millis[0] <= millis && millis < self.sure_millis[1] {
            return true;
        }
        self.maybe_millis[0] <= millis
            && millis < self.maybe_millis[1]
            && Moment::from_timestamp_millis(millis).is_some_and(|at| self.has_by_calendar(at))
    }

    /// From which millisecond since 1970 on, and before which, all moments count and no others; `None` where the calendar
    /// has to be asked.
    pub fn span_millis(&self) -> Option<[i64; 2]> {
        self.days.is_none().then_some(self.sure_millis)
    }

    fn has_by_calendar(&self, at: Moment) -> bool {
        let Some((days, tz)) = self.days else { return false };
        local_date(at, tz).is_some_and(|date| match days {
            Days::On(day) => date == *day,
            Days::Since(day) => date >= *day,
            Days::Before(day) => date < *day,
            Days::Between(first, last) => *first <= date && date <= *last,
            Days::This(_)
            | Days::Last(_)
            | Days::LastMonths(_)
            | Days::MoreThanMonthsAgo(_)
            | Days::BetweenMonthsAgo(..) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::arbitrary::{moment, window};
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn a_moment_counts_among_many_exactly_when_it_counts_by_itself(
            window in window(), zone in 0..TZ_VARIANTS.len(), now in moment(), years in 0i64..60, moments in proptest::collection::vec(moment(), 20)
        ) {
            let tz = TZ_VARIANTS[zone];
            // Clocks were set back over midnight in the past more than they are now.
            let past = TimeDelta::days(years * 365);
            let now = now - past;
            let (counting, spans) = (Counting::new(&window, tz, now), Spans::new(&window, tz, now));
            for at in moments.into_iter().map(|at| at - past).chain([now]) {
                let alone = spans.of(at).is_some_and(|(begins, ends)| begins <= now && ends.is_none_or(|ends| now < ends));
                prop_assert_eq!(counting.has(at), alone, "{} in {:?} at {} in {}", at, window, now, tz);
                for millis in [at.timestamp_millis(), at.timestamp_millis() + 1] {
                    let at = Moment::from_timestamp_millis(millis).expect("a moment");
                    prop_assert_eq!(counting.has_millis(millis), counting.has(at), "{} in {:?} at {}", at, window, now);
                }
            }
        }
    }

    #[test]
    fn a_day_that_comes_back_for_an_hour_counts_among_many_as_by_itself() {
        // St John's set its clocks back from 00:01 on Sunday to 23:01 on Saturday.
        let tz = chrono_tz::America::St_Johns;
        let sunday: NaiveDate = "2010-11-07".parse().expect("a date");
        let saturday = sunday.pred_opt().expect("a date");
        let now: Moment = "2010-12-01T00:00:00Z".parse().expect("a moment");
        let begins: Moment = "2010-11-05T12:00:00Z".parse().expect("a moment");
        let zone = carillon_model::segment::Zone::Workspace;
        for days in [
            Days::On(saturday),
            Days::On(sunday),
            Days::Since(sunday),
            Days::Before(sunday),
            Days::Between(saturday, sunday),
        ] {
            let window = Window::Days {
                days,
                zone: zone.clone(),
            };
            let (counting, spans) = (Counting::new(&window, tz, now), Spans::new(&window, tz, now));
            for at in (0..1_000).map(|step| begins + TimeDelta::minutes(step * 5)) {
                assert_eq!(counting.has(at), spans.of(at).is_some(), "{at} in {days:?}");
            }
        }
    }
}
