//! The canonical text.

mod atoms;

use super::changed;
use super::vocabulary::{
    AGGREGATES, ANSWERS, BASES, BESIDE, CHANNELS, MONTHS, MOVEMENTS, ORDERS, PERIODS, PURPOSES, WEEKDAYS,
    word_of,
};
use carillon_model::StepId;
use carillon_model::segment::{
    AggregateBound, Clause, Compare, DateTest, Days, EventMatch, Expr, Period, PropMatch, Shift, Test, Times,
    Window, Zone,
};

use atoms::{code, money, name, quoted, texts, yes_no};
pub(super) use atoms::{key, moment, number, text, value};

/// The canonical text of an expression: [`super::parse`] of it gives the same expression.
pub fn print(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

/// Property tests as they stand after `where`; empty for none.
pub fn print_where(props: &[PropMatch]) -> String {
    let one = |p: &PropMatch| format!("{} {}", key(&p.key), test(&p.test));
    props.iter().map(one).collect::<Vec<_>>().join(" and ")
}

pub(crate) fn print_clause(clause: &Clause) -> String {
    let mut out = String::new();
    write_clause(&mut out, clause, "");
    out
}

fn write_expr(out: &mut String, expr: &Expr) {
    match expr {
        Expr::Everyone => out.push_str("everyone"),
        Expr::All(of) if of.len() > 1 => infix(out, of, " and "),
        Expr::Any(of) if of.len() > 1 => infix(out, of, " or "),
        Expr::All(of) => call(out, "all", of),
        Expr::Any(of) => call(out, "any", of),
        Expr::None(of) => call(out, "none", of),
        Expr::AtLeast { k, of } => call(out, &format!("at least {k} of "), of),
        Expr::Not(inner) => write_not(out, inner),
        Expr::Clause(clause) => write_clause(out, clause, ""),
    }
}

fn write_not(out: &mut String, inner: &Expr) {
    match inner {
        Expr::Clause(Clause::Field {
            key: name,
            test: Test::Known,
        }) => {
            out.push_str(&key(name));
            out.push_str(" is empty");
        }
        Expr::Clause(
            clause @ (Clause::Did {
                times: Times::AtLeast(1),
                ..
            }
            | Clause::Sent {
                times: Times::AtLeast(1),
                ..
            }
            | Clause::Streak { .. }
            | Clause::InSegment { .. }
            | Clause::InJourney { .. }),
        ) => write_clause(out, clause, "not "),
        _ => {
            out.push_str("not ");
            child(out, inner, false);
        }
    }
}

fn infix(out: &mut String, of: &[Expr], word: &str) {
    for (i, expr) in of.iter().enumerate() {
        if i > 0 {
            out.push_str(word);
        }
        // An open `where` would swallow what follows the `and`.
        child(out, expr, i + 1 < of.len() && ends_in_where(expr));
    }
}

fn child(out: &mut String, expr: &Expr, closed: bool) {
    let joined = matches!(expr, Expr::All(of) | Expr::Any(of) if of.len() > 1);
    if joined || closed {
        out.push('(');
        write_expr(out, expr);
        out.push(')');
    } else {
        write_expr(out, expr);
    }
}

fn ends_in_where(expr: &Expr) -> bool {
    match expr {
        Expr::Not(inner) => ends_in_where(inner),
        Expr::Clause(
            Clause::Did { event, .. }
            | Clause::Streak { event, .. }
            | Clause::FirstDid { event, .. }
            | Clause::LastDid { event, .. }
            | Clause::Aggregate { event, .. },
        ) => !event.props.is_empty(),
        _ => false,
    }
}

fn call(out: &mut String, word: &str, of: &[Expr]) {
    out.push_str(word);
    out.push('(');
    for (i, expr) in of.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_expr(out, expr);
    }
    out.push(')');
}

fn write_clause(out: &mut String, clause: &Clause, not: &str) {
    out.push_str(&match clause {
        Clause::Field { key: name, test: t } => format!("{} {}", asked(name, t), test(t)),
        Clause::Shifted {
            key: name,
            rose,
            by,
            within_secs,
        } => {
            let way = if *rose { "rose" } else { "fell" };
            let by = match by {
                Shift::MoreThan(0.0) => String::new(),
                Shift::MoreThan(n) => format!(" by more than {}", number(*n)),
                Shift::AtLeast(n) => format!(" by at least {}", number(*n)),
                Shift::MoreThanPercent(n) => format!(" by more than {}%", number(*n)),
                Shift::AtLeastPercent(n) => format!(" by at least {}%", number(*n)),
            };
            format!(
                "{} {way}{by} in the last {}",
                key(name),
                duration(&[*within_secs])
            )
        }
        Clause::Ranked {
            key: name,
            top,
            percent,
            currency,
            ..
        } => {
            let end = if *top { "top" } else { "bottom" };
            let of = currency.map_or_else(String::new, |currency| format!(" {}", code(&currency)));
            format!("{} is in the {end} {}%{of}", key(name), number(*percent))
        }
        Clause::Tag { tag } => format!("tag {}", text(tag)),
        Clause::Did {
            event,
            times: n,
            window: w,
        } => format!(
            "did {not}{}{}{}{}",
            name(&event.name),
            times(*n),
            window(w),
            wheres(event)
        ),
        Clause::Streak {
            event,
            n,
            period,
            zone,
            window: w,
        } => {
            let (on, unit) = match period {
                Period::Day => ("on", "day"),
                longer => ("in", word_of(PERIODS, *longer)),
            };
            format!(
                "did {not}{} {on} at least {} in a row{}{}{}",
                name(&event.name),
                many(*n, unit),
                in_zone(zone),
                window(w),
                wheres(event)
            )
        }
        Clause::FirstDid { event, window: w } => {
            format!("first did {}{}{}", name(&event.name), window(w), wheres(event))
        }
        Clause::LastDid { event, window: w } => {
            format!("last did {}{}{}", name(&event.name), window(w), wheres(event))
        }
        Clause::Aggregate {
            function,
            prop,
            event,
            bound: b,
            window: w,
        } => {
            let (of, event_name) = (word_of(AGGREGATES, *function), name(&event.name));
            format!(
                "{of} {} of {event_name} {}{}{}",
                key(prop),
                bound(b),
                window(w),
                wheres(event)
            )
        }
        Clause::Sequence {
            first,
            then,
            follows,
            within_secs,
            window: w,
        } => {
            let word = if *follows { "then" } else { "without" };
            let [first, then] = [first, then].map(|event| name(&event.name) + &wheres(event));
            format!(
                "did {first} {word} {then} within {}{}",
                duration(&[*within_secs]),
                window(w)
            )
        }
        Clause::Sent {
            template,
            times: n,
            window: w,
        } => {
            let what = template.as_deref().map_or_else(|| "any message".to_owned(), text);
            format!("was {not}sent {what}{}{}", times(*n), window(w))
        }
        Clause::Answered { answer, times, last } => {
            let words = ANSWERS.iter().find(|(_, of)| of == answer);
            let words = words.map_or_else(String::new, |(words, _)| words.join(" "));
            let n = match times {
                Times::Exactly(0) => "none".to_owned(),
                Times::AtLeast(n) => format!("at least {n}"),
                Times::AtMost(n) => format!("at most {n}"),
                Times::Exactly(n) => format!("exactly {n}"),
                Times::Between(low, high) => format!("between {low} and {high}"),
            };
            format!("{words} {n} of the last {}", many(*last, "message"))
        }
        Clause::Consent {
            channel,
            purpose,
            basis,
        } => {
            let by = basis.map_or_else(String::new, |b| format!(" by {}", word_of(BASES, b)));
            format!(
                "consent {} {}{by}",
                word_of(CHANNELS, *channel),
                word_of(PURPOSES, *purpose)
            )
        }
        Clause::InSegment { name } => format!("{not}in segment {}", text(name)),
        Clause::InJourney { name, step: None } => format!("{not}in journey {}", text(name)),
        Clause::InJourney { name, step } => format!("{not}at step {}{}", of_step(step.as_ref()), text(name)),
        Clause::Moved {
            movement,
            name,
            step,
            times: n,
            window: w,
        } => {
            let words = MOVEMENTS.iter().find(|(_, of)| of == movement);
            let words = words.map_or_else(String::new, |(words, _)| words.join(" "));
            let step = of_step(step.as_ref());
            format!("{words} {step}{}{}{}", text(name), times(*n), window(w))
        }
        Clause::Sample { percent, salt } => format!("random {}% of {}", number(*percent), text(salt)),
    });
}

/// A step up to the name of its journey.
fn of_step(step: Option<&StepId>) -> String {
    step.map_or_else(String::new, |step| format!("{} of journey ", text(&step.0)))
}

/// The tests of an event's properties, where there are any.
fn wheres(event: &EventMatch) -> String {
    match event.props.as_slice() {
        [] => String::new(),
        props => format!(" where {}", print_where(props)),
    }
}

fn bound(bound: &AggregateBound) -> String {
    match bound {
        AggregateBound::Number(c) => compare(c, |n| number(*n)),
        AggregateBound::Money(c) => compare(c, money),
    }
}

/// Seconds in the largest unit that has no fraction of any of them: `90 minutes`, `30 and 60 days`.
fn duration(all: &[u32]) -> String {
    in_units(all, &[(86_400, "day"), (3_600, "hour"), (60, "minute")], "second")
}

/// Numbers of the smallest unit in the first larger one that has no fraction of any of them.
fn in_units(all: &[u32], larger: &[(u32, &str)], smallest: &str) -> String {
    let fits = |(of, _): &(u32, &str)| all.iter().all(|n| *n > 0 && n % of == 0);
    let (of, unit) = larger.iter().copied().find(fits).unwrap_or((1, smallest));
    let numbers: Vec<String> = all.iter().map(|n| (n / of).to_string()).collect();
    let plural = if all == [of] { "" } else { "s" };
    format!("{} {unit}{plural}", numbers.join(" and "))
}

/// A key where a number could stand as well.
fn other_key(name: &str) -> String {
    if ["infinity", "minus", "nan"].contains(&name) {
        quoted(name, '`')
    } else {
        key(name)
    }
}

/// A number of parts of a value, such as `at least 2 options`.
fn how_many(times: Times, unit: &str) -> String {
    match times {
        Times::AtLeast(n) => format!("at least {}", many(n, unit)),
        Times::AtMost(n) => format!("at most {}", many(n, unit)),
        Times::Exactly(n) => format!("exactly {}", many(n, unit)),
        Times::Between(low, high) => format!("between {low} and {high} {unit}s"),
    }
}

fn times(times: Times) -> String {
    let of = |n: u32| format!("{n} time{}", if n == 1 { "" } else { "s" });
    match times {
        Times::AtLeast(1) => String::new(),
        Times::AtLeast(n) => format!(" at least {}", of(n)),
        Times::AtMost(n) => format!(" at most {}", of(n)),
        Times::Exactly(n) => format!(" exactly {}", of(n)),
        Times::Between(low, high) => format!(" between {low} and {high} times"),
    }
}

fn window(window: &Window) -> String {
    match window {
        Window::Ever => String::new(),
        Window::LastSecs(secs) => format!(" in the last {}", duration(&[*secs])),
        Window::MoreThanSecsAgo(secs) => format!(" more than {} ago", duration(&[*secs])),
        Window::BetweenSecsAgo(a, b) => format!(" between {} ago", duration(&[*a, *b])),
        Window::Between {
            from: Some(from),
            to: Some(to),
        } => format!(" between {} and {}", moment(*from), moment(*to)),
        Window::Between {
            from: Some(from),
            to: None,
        } => format!(" since {}", moment(*from)),
        Window::Between {
            from: None,
            to: Some(to),
        } => format!(" before {}", moment(*to)),
        Window::Between { from: None, to: None } => " at any time".to_owned(),
        Window::Days { days: of, zone } => format!(" {}{}", days(*of), in_zone(zone)),
    }
}

fn days(days: Days) -> String {
    match days {
        Days::On(day) => format!("on {day}"),
        Days::Since(day) => format!("since {day}"),
        Days::Before(day) => format!("before {day}"),
        Days::Between(first, last) => format!("between {first} and {last}"),
        Days::This(period) => period_word("this", "today", period),
        Days::Last(period) => period_word("last", "yesterday", period),
        Days::LastMonths(n) => format!("in the last {}", months(&[n])),
        Days::MoreThanMonthsAgo(n) => format!("more than {} ago", months(&[n])),
        Days::BetweenMonthsAgo(a, b) => format!("between {} ago", months(&[a, b])),
    }
}

fn period_word(which: &str, day: &str, period: Period) -> String {
    match period {
        Period::Day => day.to_owned(),
        longer => format!("{which} {}", word_of(PERIODS, longer)),
    }
}

fn many(n: u32, unit: &str) -> String {
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

fn test(test: &Test) -> String {
    match test {
        Test::Known => "is known".to_owned(),
        Test::Is(list) if list.len() == 1 => format!("is {}", text(&list[0])),
        Test::Is(list) => format!("is any of {}", texts(list)),
        Test::IsNot(list) if list.len() == 1 => format!("is not {}", text(&list[0])),
        Test::IsNot(list) => format!("is none of {}", texts(list)),
        Test::Contains(part) => format!("contains {}", text(part)),
        Test::StartsWith(part) => format!("starts with {}", text(part)),
        Test::EndsWith(part) => format!("ends with {}", text(part)),
        Test::NotContains(part) => format!("does not contain {}", text(part)),
        Test::NotStartsWith(part) => format!("does not start with {}", text(part)),
        Test::NotEndsWith(part) => format!("does not end with {}", text(part)),
        Test::Like(pattern) => format!("is like {}", text(pattern)),
        Test::NotLike(pattern) => format!("is not like {}", text(pattern)),
        Test::Nearly(near) => format!("is nearly {}", text(near)),
        Test::NotNearly(near) => format!("is not nearly {}", text(near)),
        Test::Matches(pattern) => format!("matches {}", text(pattern)),
        Test::NotMatches(pattern) => format!("does not match {}", text(pattern)),
        Test::Characters(n) => format!("has {}", how_many(*n, "character")),
        Test::Domain(list) if list.len() == 1 => format!("domain is {}", text(&list[0])),
        Test::Domain(list) => format!("domain is any of {}", texts(list)),
        Test::FreeMail => "is free mail".to_owned(),
        Test::RoleAccount => "is a role account".to_owned(),
        Test::MultipleOf(of) => format!("is a multiple of {}", number(*of)),
        Test::HasExactly(set) => format!("has exactly {}", texts(set)),
        Test::Options(n) => format!("has {}", how_many(*n, "option")),
        Test::Field { order, key: name } => format!("{} {}", word_of(ORDERS, *order), other_key(name)),
        Test::Number(c) => compare(c, |n| number(*n)),
        Test::Money(c) => compare(c, money),
        Test::YesNo(b) => format!("is {}", yes_no(*b)),
        Test::HasAny(set) => format!("has any of {}", texts(set)),
        Test::HasAll(set) => format!("has all of {}", texts(set)),
        Test::Date { when, zone } => format!("{}{}", date(when), in_zone(zone)),
        Test::Equals(v) => format!("equals {}", value(v)),
    }
}

fn compare<T>(compare: &Compare<T>, show: impl Fn(&T) -> String) -> String {
    match compare {
        Compare::Eq(to) => format!("= {}", show(to)),
        Compare::Ne(to) => format!("!= {}", show(to)),
        Compare::Lt(to) => format!("< {}", show(to)),
        Compare::Le(to) => format!("<= {}", show(to)),
        Compare::Gt(to) => format!("> {}", show(to)),
        Compare::Ge(to) => format!(">= {}", show(to)),
        Compare::Between(low, high) => format!("between {} and {}", show(low), show(high)),
        Compare::NotBetween(low, high) => format!("not between {} and {}", show(low), show(high)),
    }
}

fn date(when: &DateTest) -> String {
    match when {
        DateTest::On(d) => format!("on {d}"),
        DateTest::Before(d) => format!("before {d}"),
        DateTest::After(d) => format!("after {d}"),
        DateTest::Between(from, to) => format!("between {from} and {to}"),
        DateTest::InLastDays(n) => format!("in the last {}", many(*n, "day")),
        DateTest::InNextDays(n) => format!("in the next {}", many(*n, "day")),
        DateTest::MoreThanDaysAgo(n) => format!("more than {} ago", many(*n, "day")),
        DateTest::MoreThanDaysAhead(n) => format!("more than {} ahead", many(*n, "day")),
        DateTest::AnniversaryWithinDays(n) => format!("anniversary within {}", many(*n, "day")),
        DateTest::InLastMonths(n) => format!("in the last {}", months(&[*n])),
        DateTest::InNextMonths(n) => format!("in the next {}", months(&[*n])),
        DateTest::Weekday(day) => format!("on a {}", word_of(WEEKDAYS, *day)),
        DateTest::Month(month) => format!("in {}", word_of(MONTHS, *month)),
        DateTest::DayOfMonth(day) => format!("on day {day} of the month"),
        DateTest::AnniversaryInLastDays(n) => format!("anniversary in the last {}", many(*n, "day")),
        DateTest::AnniversaryInNextDays(n) => format!("anniversary in the next {}", many(*n, "day")),
        DateTest::AnniversaryDaysAgo(n) => format!("anniversary {} ago", many(*n, "day")),
        DateTest::AnniversaryInDays(n) => format!("anniversary in {}", many(*n, "day")),
        DateTest::Beside {
            order,
            key: name,
            plus_days,
        } => {
            let moved = match plus_days {
                0 => String::new(),
                n if *n < 0 => format!(" minus {}", many(n.unsigned_abs(), "day")),
                n => format!(" plus {}", many(n.unsigned_abs(), "day")),
            };
            format!("{} {}{moved}", word_of(BESIDE, *order), key(name))
        }
        DateTest::This(period) => period_word("this", "today", *period),
        DateTest::Last(period) => period_word("last", "yesterday", *period),
        DateTest::Next(period) => period_word("next", "tomorrow", *period),
    }
}

/// Months in years where those have no fraction of any: `18 months`, `1 and 2 years`.
fn months(all: &[u32]) -> String {
    in_units(all, &[(12, "year")], "month")
}

fn in_zone(zone: &Zone) -> String {
    match zone {
        Zone::Workspace => String::new(),
        Zone::Contact => " in contact's zone".to_owned(),
        Zone::Named(name) => format!(" in zone {}", text(name)),
    }
}

/// What a field's test asks: its value, or when that was written.
pub(super) fn asked(name: &str, test: &Test) -> String {
    match changed::asked(name, test) {
        Some(field) => format!("{} changed", key(field)),
        None => key(name),
    }
}
