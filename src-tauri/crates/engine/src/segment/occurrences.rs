//! What the moments of events and messages of one contact say, and until when.

use super::aggregates::aggregate_holds;
use super::eval::Seen;
use super::periods::{day_at, first_day, next_first};
use super::windows::{Span, Spans};
use crate::record::Verdict;
use carillon_model::Moment;
use carillon_model::segment::{Aggregate, AggregateBound, Period, Times};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use smallvec::SmallVec;

/// Moments of one contact.
pub(super) type Moments = SmallVec<[Moment; 16]>;

/// Whether a count passes.
pub(crate) fn times_hold(times: Times, n: usize) -> bool {
    let n = u32::try_from(n).unwrap_or(u32::MAX);
    let [least, most] = least_and_most(times);
    least <= n && n <= most
}

/// The numbers that hold, the first and the last of them.
pub(crate) fn least_and_most(times: Times) -> [u32; 2] {
    match times {
        Times::AtLeast(k) => [k, u32::MAX],
        Times::AtMost(k) => [0, k],
        Times::Exactly(k) => [k, k],
        Times::Between(low, high) => [low, high],
    }
}

/// How many of the moments count now, and the first later moment at which the test of that number turns over.
pub(super) fn counted(at: &Moments, times: Times, spans: &Spans<'_>, now: Moment) -> Verdict {
    let mut counting: SmallVec<[Span; 16]> = at.iter().filter_map(|moment| spans.of(*moment)).collect();
    // Ends come in the order of their beginnings; those without one are last.
    counting.sort_unstable_by_key(|(begins, _)| *begins);
    let end_of = |span: &Span| span.1;
    let mut begun = counting.partition_point(|(begins, _)| *begins <= now);
    let mut ended = counting.partition_point(|span| end_of(span).is_some_and(|end| end <= now));
    let holds = times_hold(times, begun - ended);
    loop {
        let begins = counting.get(begun).map(|(begins, _)| *begins);
        let ends = counting.get(ended).and_then(end_of);
        let Some(next) = [begins, ends].into_iter().flatten().min() else {
            return Verdict { holds, until: None };
        };
        while counting.get(begun).is_some_and(|(begins, _)| *begins <= next) {
            begun += 1;
        }
        while counting
            .get(ended)
            .and_then(end_of)
            .is_some_and(|end| end <= next)
        {
            ended += 1;
        }
        if times_hold(times, begun - ended) != holds {
            return Verdict {
                holds,
                until: Some(next),
            };
        }
    }
}

/// True while any of the spans lasts.
fn while_any(mut spans: SmallVec<[Span; 16]>, now: Moment) -> Verdict {
    spans.retain(|(begins, ends)| ends.is_none_or(|ends| now < ends && *begins < ends));
    spans.sort_unstable_by_key(|(begins, _)| *begins);
    let Some((first, _)) = spans.first().filter(|(begins, _)| *begins <= now) else {
        return Verdict {
            holds: false,
            until: spans.first().map(|(begins, _)| *begins),
        };
    };
    // Spans that meet or overlap are one.
    let mut until = Some(*first);
    for (begins, ends) in &spans {
        if until.is_some_and(|until| until.max(now) < *begins) {
            break;
        }
        until = match (until, ends) {
            (Some(until), Some(ends)) => Some(until.max(*ends)),
            _ => None,
        };
        if until.is_none() {
            break;
        }
    }
    Verdict { holds: true, until }
}

/// Whether the first of the moments counts.
pub(super) fn first_counts(at: &Moments, spans: &Spans<'_>, now: Moment) -> Verdict {
    let first = at.iter().min().and_then(|first| spans.of(*first));
    while_any(first.into_iter().collect(), now)
}

/// Whether the last of those moments counts that lie not behind now.
pub(super) fn last_counts(mut at: Moments, spans: &Spans<'_>, now: Moment) -> Verdict {
    at.sort_unstable();
    let last_now = at.partition_point(|moment| *moment <= now).saturating_sub(1);
    let of = |i: usize| {
        let (begins, ends) = spans.of(at[i])?;
        // Until the next one is the last.
        let next = at.get(i + 1).copied();
        Some((begins, [ends, next].into_iter().flatten().min()))
    };
    while_any((last_now..at.len()).filter_map(of).collect(), now)
}

/// Whether one of the `first` moments that count was followed by one of `then`, or not, within `secs`.
pub(super) fn followed(
    first: &Moments,
    mut then: Moments,
    follows: bool,
    secs: u32,
    spans: &Spans<'_>,
    now: Moment,
) -> Verdict {
    then.sort_unstable();
    let of = |at: &Moment| {
        let (begins, ends) = spans.of(*at)?;
        let over = wait_ends(*at, secs);
        let next = next_after(&then, *at).filter(|next| over.is_none_or(|over| *next <= over));
        let from = match (follows, next) {
            (true, Some(next)) => next,
            (false, None) => over?,
            _ => return None,
        };
        Some((begins.max(from), ends))
    };
    while_any(first.iter().filter_map(of).collect(), now)
}

/// The last moment at which something can still follow; `None` beyond all calendars.
pub(crate) fn wait_ends(at: Moment, secs: u32) -> Option<Moment> {
    at.checked_add_signed(TimeDelta::seconds(i64::from(secs)))
}

/// The first of the sorted moments later than `at`.
pub(super) fn next_after(sorted: &[Moment], at: Moment) -> Option<Moment> {
    sorted
        .get(sorted.partition_point(|moment| *moment <= at))
        .copied()
}

/// The most periods of a calendar in a row that each hold one of the days, which come in order.
pub(crate) fn longest_streak(days: impl Iterator<Item = NaiveDate>, period: Period) -> u32 {
    let (mut longest, mut row) = (0, 0);
    let mut last: Option<NaiveDate> = None;
    for first in days.filter_map(|day| first_day(period, day)) {
        if last == Some(first) {
            continue;
        }
        let follows = last.is_some_and(|last| next_first(period, last) == Some(first));
        row = if follows { row + 1 } else { 1 };
        last = Some(first);
        longest = row.max(longest);
    }
    longest
}

/// The days of `tz` on which the moments lie, in order.
pub(super) fn days_in_order(mut at: Moments, tz: Tz) -> impl Iterator<Item = NaiveDate> {
    at.sort_unstable();
    at.into_iter().filter_map(move |moment| day_at(moment, tz))
}

/// Whether so many periods in a row hold one of the moments that count, and until when those are the same.
pub(super) fn in_a_row(
    at: &Moments,
    n: u32,
    period: Period,
    tz: Tz,
    spans: &Spans<'_>,
    now: Moment,
) -> Verdict {
    let all: SmallVec<[(Moment, Span); 16]> = at
        .iter()
        .filter_map(|moment| Some((*moment, spans.of(*moment)?)))
        .collect();
    let changes = all.iter().flat_map(|(_, (begins, ends))| [Some(*begins), *ends]);
    let until = changes.flatten().filter(|change| *change > now).min();
    let counts = |(begins, ends): &Span| *begins <= now && ends.is_none_or(|ends| now < ends);
    let counting = all
        .iter()
        .filter(|(_, span)| counts(span))
        .map(|(moment, _)| *moment);
    Verdict {
        holds: longest_streak(days_in_order(counting.collect(), tz), period) >= n,
        until,
    }
}

/// Whether the aggregate of the values that count passes, and until when those are the same.
pub(super) fn aggregated(
    function: Aggregate,
    bound: &AggregateBound,
    mut values: Vec<(Moment, Seen<'_>)>,
    spans: &Spans<'_>,
    now: Moment,
) -> Verdict {
    // The sum of many numbers depends on their order.
    values.sort_by_key(|(at, _)| *at);
    let mut until: Option<Moment> = None;
    let mut counting = Vec::new();
    for (at, value) in values {
        let Some((begins, ends)) = spans.of(at) else {
            continue;
        };
        let next = [Some(begins), ends]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min();
        until = [until, next].into_iter().flatten().min();
        if begins <= now && ends.is_none_or(|ends| now < ends) {
            counting.push(value);
        }
    }
    Verdict {
        holds: aggregate_holds(function, bound, &counting),
        until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_timestamp(second, 0).expect("in range")
    }

    #[test]
    fn spans_that_meet_are_one_and_a_gap_ends_them() {
        let verdict = |spans: &[(i64, Option<i64>)], now: i64| {
            let spans = spans.iter().map(|(from, to)| (at(*from), to.map(at))).collect();
            let verdict = while_any(spans, at(now));
            (verdict.holds, verdict.until.map(|until| until.timestamp()))
        };
        let some = [
            (10, Some(20)),
            (40, Some(50)),
            (20, Some(30)),
            (12, Some(15)),
            (5, Some(5)),
        ];
        assert_eq!(verdict(&some, 5), (false, Some(10)));
        assert_eq!(verdict(&some, 10), (true, Some(30)));
        assert_eq!(verdict(&some, 29), (true, Some(30)));
        assert_eq!(verdict(&some, 30), (false, Some(40)));
        assert_eq!(verdict(&some, 50), (false, None));
        assert_eq!(verdict(&[(1, Some(4)), (3, None)], 1), (true, None));
    }
}
