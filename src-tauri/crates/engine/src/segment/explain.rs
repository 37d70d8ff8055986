//! Why somebody is in or out, clause by clause.

use super::aggregates;
use super::answers::Answers;
use super::check::children;
use super::dates::{local_date, zone_of};
use super::eval::{Facts, Seen, eval_facts, in_journey, sample_share};
use super::occurrences::{days_in_order, longest_streak, next_after, wait_ends};
use super::parts::other_field;
use super::print::{asked, key, moment, number, print, print_clause, value};
use super::ranked;
use super::shifted::{Shifting, at_first};
use super::vocabulary::{BASES, word_of};
use super::windows::{Counting, zone_of_window};
use super::words::say;
use crate::record::{ContactRecord, Scope};
use carillon_model::Moment;
use carillon_model::contact::{Money, Value};
use carillon_model::segment::{Aggregate, AggregateBound, Clause, EventMatch, Expr, Period, Test, Window};
use chrono::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;
use ts_rs::TS;

/// A node of an expression with its truth for one contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Reason {
    /// Canonical text of this part.
    pub text: String,
    pub holds: bool,
    /// The first later moment at which this may differ though nothing is changed.
    pub until: Option<Moment>,
    /// Of a clause: what was looked at, such as `city = "Köln"` or `3 times, the last one at 2026-10-01 11:00
    /// (Europe/Berlin)`. Moments stand in the workspace's zone.
    pub seen: Option<String>,
    /// Of a list, a *not* or a segment: its parts. A segment is taken apart where it stands first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Reason>,
}

/// Segments one explanation takes apart at most: each goes a level deeper in the worst case.
const MOST_SEGMENTS: usize = 10;

/// The truth of `expr` and of each of its parts for `who` at `now`.
pub fn explain(expr: &Expr, who: &ContactRecord, now: Moment, scope: &Scope) -> Reason {
    reason(expr, who, now, scope, &mut BTreeSet::new())
}

fn reason<'a>(
    expr: &'a Expr,
    who: &ContactRecord,
    now: Moment,
    scope: &'a Scope,
    shown: &mut BTreeSet<&'a str>,
) -> Reason {
    let verdict = eval_facts(expr, who, now, scope);
    let mut parts: Vec<&Expr> = children(expr).iter().collect();
    let mut seen = None;
    if let Expr::Clause(clause) = expr {
        seen = seen_by(clause, who, now, scope);
        if let Clause::InSegment { name } = clause
            && let Some(inner) = scope.segments.get(name)
        {
            if shown.len() < MOST_SEGMENTS && shown.insert(name) {
                parts.push(inner);
            } else {
                seen = Some(say("seen.shown_above", &[]));
            }
        }
    }
    let of = parts
        .into_iter()
        .map(|part| reason(part, who, now, scope, shown))
        .collect();
    let text = match expr {
        Expr::Clause(clause) => print_clause(clause),
        other => print(other),
    };
    Reason {
        text,
        holds: verdict.holds,
        until: verdict.until,
        seen,
        of,
    }
}

fn seen_by(clause: &Clause, who: &ContactRecord, now: Moment, scope: &Scope) -> Option<String> {
    Some(match clause {
        Clause::Field { key: name, test } => field(name, test, who, scope),
        Clause::Shifted {
            key: name,
            rose,
            by,
            within_secs,
        } => {
            let asked = Shifting {
                rose: *rose,
                by: *by,
                within_secs: *within_secs,
            };
            shifted(name, asked, who, now, scope)
        }
        Clause::Ranked { .. } => return ranked::seen(clause, who, scope),
        Clause::Tag { tag } if who.tags.contains(tag) => say("seen.tag", &[]),
        Clause::Tag { .. } => say("seen.no_tag", &[]),
        Clause::Did { event, window, .. } => counted(&moments(event, who), window, who, now, scope),
        Clause::Streak {
            event,
            period,
            zone,
            window,
            ..
        } => {
            let counts = counting(window, who, now, scope);
            let counting = moments(event, who).into_iter().filter(|at| counts(*at));
            let row = zone_of(zone, || who.zone(), scope).map_or(0, |tz| {
                longest_streak(days_in_order(counting.collect(), tz), *period)
            });
            let key = match period {
                Period::Day => "seen.days_in_a_row",
                Period::Week => "seen.weeks_in_a_row",
                Period::Month => "seen.months_in_a_row",
                Period::Quarter => "seen.quarters_in_a_row",
                Period::Year => "seen.years_in_a_row",
            };
            say(key, &[("n", &row)])
        }
        Clause::FirstDid { event, .. } => {
            let first = moments(event, who).into_iter().filter(|at| *at <= now).min();
            first.map_or_else(never, |at| say("seen.first", &[("moment", &local(at, scope))]))
        }
        Clause::LastDid { event, .. } => {
            let last = moments(event, who).into_iter().filter(|at| *at <= now).max();
            last.map_or_else(never, |at| say("seen.last", &[("moment", &local(at, scope))]))
        }
        Clause::Aggregate {
            function,
            prop,
            event,
            bound,
            window,
        } => {
            let mut values = Vec::new();
            let counts = counting(window, who, now, scope);
            who.values(event, prop, &mut |at, value| {
                if counts(at) {
                    values.push((at, value));
                }
            });
            aggregate(*function, bound, values)
        }
        Clause::Sequence {
            first,
            then,
            within_secs,
            window,
            ..
        } => {
            let counts = counting(window, who, now, scope);
            let happened = |event| moments(event, who).into_iter().filter(|at| *at <= now);
            let mut then: Vec<Moment> = happened(then).collect();
            then.sort_unstable();
            let first: Vec<Moment> = happened(first).filter(|at| counts(*at)).collect();
            let follows = |at: &&Moment| {
                let over = wait_ends(**at, *within_secs);
                next_after(&then, **at).is_some_and(|next| over.is_none_or(|over| next <= over))
            };
            let waits =
                |at: &&Moment| !follows(at) && wait_ends(**at, *within_secs).is_none_or(|over| now < over);
            let n = first.len();
            let (followed, waiting) = (
                first.iter().filter(follows).count(),
                first.iter().filter(waits).count(),
            );
            say(
                "seen.sequence",
                &[("n", &n), ("followed", &followed), ("waiting", &waiting)],
            )
        }
        Clause::Sent { template, window, .. } => {
            let mut at = Vec::new();
            Facts::sent(who, template.as_deref(), &mut |moment| at.push(moment));
            counted(&at, window, who, now, scope)
        }
        Clause::Answered { answer, last, .. } => {
            let tally = Answers::of(who, *answer).tally(*last, now);
            let key = match tally.of == *last as usize {
                true => "seen.answered",
                false => "seen.fewer_messages",
            };
            say(key, &[("n", &tally.answered), ("of", &tally.of)])
        }
        Clause::Consent { channel, purpose, .. } => {
            let permission = match who.permissions.get(&(*channel, *purpose)) {
                None => say("seen.no_permission", &[]),
                Some(basis) => say("seen.granted", &[("basis", &word_of(BASES, *basis))]),
            };
            if who.suppressed {
                say("seen.suppressed", &[("permission", &permission)])
            } else {
                permission
            }
        }
        Clause::Moved {
            movement,
            name,
            step,
            window,
            ..
        } => match scope.numbers.movement(*movement, name, step.as_ref()) {
            Some(movement) => {
                let mut at = Vec::new();
                Facts::moved(who, &movement, &mut |moment| at.push(moment));
                counted(&at, window, who, now, scope)
            }
            None if movement.is_of_journey() => say("seen.no_journey", &[]),
            None => say("seen.no_segment", &[]),
        },
        Clause::InJourney { name, step } => match (scope.numbers.journeys.get(name), step) {
            (Some(journey), step) if in_journey(who, *journey, step.as_ref(), now) => match step {
                Some(_) => say("seen.at_step", &[]),
                None => say("seen.in_journey", &[]),
            },
            (Some(_), Some(_)) => say("seen.not_at_step", &[]),
            (Some(_), None) => say("seen.not_in_journey", &[]),
            (None, _) => say("seen.no_journey", &[]),
        },
        Clause::InSegment { name } if !scope.segments.contains_key(name) => say("seen.no_segment", &[]),
        Clause::InSegment { .. } => return None,
        Clause::Sample { salt, .. } => {
            // Cut, not rounded: who stands just below a bound is shown below it.
            let share = (sample_share(salt, who.contact()) * 10_000.0).floor() / 10_000.0;
            say("seen.share", &[("share", &number(share))])
        }
    })
}

fn field(name: &str, test: &Test, who: &ContactRecord, scope: &Scope) -> String {
    let own = one_field(name, test, who, scope);
    match other_field(test) {
        Some(other) => {
            let other = one_field(other, test, who, scope);
            say("seen.both", &[("one", &own), ("other", &other)])
        }
        None => own,
    }
}

fn one_field(name: &str, test: &Test, who: &ContactRecord, scope: &Scope) -> String {
    let key = asked(name, test);
    let Some(seen) = who.fields.get(name) else {
        return say("seen.empty", &[("key", &key)]);
    };
    let shown = match seen {
        Value::Choice(option) => value(&Value::Text(option.clone())),
        Value::DateTime(at) => local(*at, scope),
        other => value(other),
    };
    if let (Value::DateTime(at), Test::Date { zone, .. }) = (seen, test)
        && let Some(tz) = zone_of(zone, || who.zone(), scope)
        && let Some(date) = local_date(*at, tz)
    {
        let values: [(&str, &dyn Display); 4] = [
            ("key", &key),
            ("value", &shown),
            ("date", &date),
            ("zone", &tz.name()),
        ];
        return say("seen.value_on", &values);
    }
    say("seen.value", &[("key", &key), ("value", &shown)])
}

/// What a score is, and what it was at the beginning of the time or found to be first.
fn shifted(name: &str, asked: Shifting, who: &ContactRecord, now: Moment, scope: &Scope) -> String {
    let (shown_key, start) = (key(name), asked.start(now));
    let Some(Value::Number(points)) = who.fields.get(name) else {
        return say("seen.empty", &[("key", &shown_key)]);
    };
    let points = number(*points);
    let past = Facts::past(who, name);
    let Some(then) = at_first(past.iter(), start, now) else {
        return say("seen.value", &[("key", &shown_key), ("value", &points)]);
    };
    let first = past.iter().next().map(|(at, _)| at).filter(|at| *at > start);
    let (sentence, at) = match first {
        Some(first) => ("seen.first_points", first),
        None => ("seen.points", start),
    };
    let values: [(&str, &dyn Display); 4] = [
        ("key", &shown_key),
        ("value", &points),
        ("then", &then),
        ("moment", &local(at, scope)),
    ];
    say(sentence, &values)
}

/// A moment as the workspace's clocks show it.
pub(super) fn local(at: Moment, scope: &Scope) -> String {
    let utc = at.naive_utc();
    let offset = scope.zone.offset_from_utc_datetime(&utc).fix();
    match utc.checked_add_offset(offset) {
        Some(local) => {
            let shown = local.format("%Y-%m-%d %H:%M");
            say(
                "seen.in_zone",
                &[("moment", &shown), ("zone", &scope.zone.name())],
            )
        }
        None => moment(at),
    }
}

fn never() -> String {
    say("seen.never", &[])
}

/// The moments of all matching events.
fn moments(event: &EventMatch, who: &ContactRecord) -> Vec<Moment> {
    let mut at = Vec::new();
    who.events(event, &mut |moment| at.push(moment));
    at
}

/// Whether something that happened at a moment counts now.
fn counting<'a>(
    window: &'a Window,
    who: &ContactRecord,
    now: Moment,
    scope: &Scope,
) -> impl Fn(Moment) -> bool + 'a {
    let zone = zone_of_window(window, || who.zone(), scope);
    let counting = zone.map(|tz| Counting::new(window, tz, now));
    move |at| counting.is_some_and(|counting| counting.has(at))
}

/// What the values come to, and of how many.
fn aggregate(function: Aggregate, bound: &AggregateBound, mut values: Vec<(Moment, Seen<'_>)>) -> String {
    values.sort_by_key(|(at, _)| *at);
    let taken = |value: &Seen<'_>| {
        let money = matches!(bound, AggregateBound::Money(_));
        function == Aggregate::Different || matches!(value, Seen::Money(_)) == money
    };
    let values: Vec<Seen<'_>> = values.into_iter().map(|(_, value)| value).filter(taken).collect();
    let shown = match bound {
        _ if function == Aggregate::Different => Some(aggregates::different(&values).to_string()),
        AggregateBound::Number(_) => aggregates::number(function, &values).map(number),
        AggregateBound::Money(compare) => aggregates::currency_of(compare).and_then(|currency| {
            let amount = aggregates::amount(function, currency, &values)?;
            // Cut to the smallest coin, away from where a rounded one might pass.
            let minor = i64::try_from(amount.minor / amount.shared_by).ok()?;
            Some(value(&Value::Money(Money { minor, currency })))
        }),
    };
    match shown {
        Some(shown) => say("seen.aggregate", &[("value", &shown), ("n", &values.len())]),
        None => say("seen.no_value", &[("n", &values.len())]),
    }
}

/// How often something happened that counts now, and when last.
fn counted(at: &[Moment], window: &Window, who: &ContactRecord, now: Moment, scope: &Scope) -> String {
    let counts_now = counting(window, who, now, scope);
    let counts = |at: &&Moment| counts_now(**at);
    let n = at.iter().filter(counts).count();
    let last = match n {
        0 => at.iter().filter(|at| **at <= now).max(),
        _ => at.iter().filter(counts).max(),
    };
    let Some(last) = last.map(|last| local(*last, scope)) else {
        return never();
    };
    match n {
        0 => say("seen.not_then", &[("last", &last)]),
        1 => say("seen.once", &[("last", &last)]),
        _ => say("seen.times", &[("n", &n), ("last", &last)]),
    }
}
