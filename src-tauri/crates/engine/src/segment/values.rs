//! Tests of one value, which time does not change.

use super::addresses::{domain, is_free_mail, is_role_account};
use super::eval::Seen;
use super::nearly::is_nearly;
use super::occurrences::times_hold;
use super::patterns::{finds, is_like};
use super::text::fold;
use carillon_model::contact::Money;
use carillon_model::segment::{Compare, FieldOrder, PropMatch, Test};
use std::collections::BTreeSet;

pub(crate) fn props_match<'a>(props: &[PropMatch], get: impl Fn(&str) -> Option<Seen<'a>>) -> bool {
    props
        .iter()
        .all(|p| get(&p.key).is_some_and(|seen| test_holds(&p.test, &seen)))
}

/// Every test that does not depend on time; date tests are false here.
pub(crate) fn test_holds(test: &Test, seen: &Seen<'_>) -> bool {
    match (test, seen) {
        (Test::Known, _) => true,
        (Test::Is(_) | Test::IsNot(_), Seen::Text(text) | Seen::Choice(text)) => text_holds(test, text),
        (Test::Number(compare), Seen::Number(n)) => compare_holds(compare, n),
        (Test::Money(compare), Seen::Money(m)) => money_holds(compare, *m),
        (Test::YesNo(wanted), Seen::YesNo(b)) => wanted == b,
        (Test::HasAny(wanted), Seen::MultiChoice(has)) => wanted.iter().any(|w| chosen(has, w)),
        (Test::HasAll(wanted), Seen::MultiChoice(has)) => wanted.iter().all(|w| chosen(has, w)),
        (Test::HasExactly(wanted), Seen::MultiChoice(has)) => {
            wanted.iter().all(|w| chosen(has, w))
                && has
                    .iter()
                    .all(|option| wanted.iter().any(|w| fold(w) == fold(option)))
        }
        (Test::Options(times), Seen::MultiChoice(has)) => times_hold(*times, has.len()),
        // A whole number has no fraction; nothing and what is beyond all numbers have no whole part either.
        (Test::MultipleOf(of), Seen::Number(n)) => (n / of).fract() == 0.0,
        (Test::Equals(value), seen) => Seen::from(value) == *seen,
        (test, Seen::Text(text)) => text_holds(test, text),
        _ => false,
    }
}

/// Whether a value stands so to another one.
pub(crate) fn field_holds(order: FieldOrder, value: &Seen<'_>, other: &Seen<'_>) -> bool {
    match (value, other) {
        (Seen::Text(a) | Seen::Choice(a), Seen::Text(b) | Seen::Choice(b)) => match order {
            FieldOrder::Eq => a == b || fold(a) == fold(b),
            FieldOrder::Ne => a != b && fold(a) != fold(b),
            _ => false,
        },
        (Seen::YesNo(a), Seen::YesNo(b)) => match order {
            FieldOrder::Eq => a == b,
            FieldOrder::Ne => a != b,
            _ => false,
        },
        (Seen::Number(a), Seen::Number(b)) => compare_holds(&against(order, *b), a),
        (Seen::Money(a), Seen::Money(b)) => money_holds(&against(order, *b), *a),
        _ => false,
    }
}

/// The comparison with a value that is known.
pub(super) fn against<T>(order: FieldOrder, other: T) -> Compare<T> {
    match order {
        FieldOrder::Eq => Compare::Eq(other),
        FieldOrder::Ne => Compare::Ne(other),
        FieldOrder::Lt => Compare::Lt(other),
        FieldOrder::Le => Compare::Le(other),
        FieldOrder::Gt => Compare::Gt(other),
        FieldOrder::Ge => Compare::Ge(other),
    }
}

/// The same test with its texts folded, which costs the asking of many contacts less.
pub(crate) fn folded(test: &Test) -> Test {
    let one = |text: &String| fold(text).into_owned();
    match test {
        Test::Is(list) => Test::Is(list.iter().map(one).collect()),
        Test::IsNot(list) => Test::IsNot(list.iter().map(one).collect()),
        Test::Contains(part) => Test::Contains(one(part)),
        Test::StartsWith(part) => Test::StartsWith(one(part)),
        Test::EndsWith(part) => Test::EndsWith(one(part)),
        Test::NotContains(part) => Test::NotContains(one(part)),
        Test::NotStartsWith(part) => Test::NotStartsWith(one(part)),
        Test::NotEndsWith(part) => Test::NotEndsWith(one(part)),
        Test::Like(pattern) => Test::Like(one(pattern)),
        Test::NotLike(pattern) => Test::NotLike(one(pattern)),
        Test::Nearly(text) => Test::Nearly(one(text)),
        Test::NotNearly(text) => Test::NotNearly(one(text)),
        Test::Domain(list) => Test::Domain(list.iter().map(one).collect()),
        Test::HasExactly(options) => Test::HasExactly(options.iter().map(one).collect()),
        Test::HasAny(options) => Test::HasAny(options.iter().map(one).collect()),
        Test::HasAll(options) => Test::HasAll(options.iter().map(one).collect()),
        other => other.clone(),
    }
}

/// The tests of text.
fn text_holds(test: &Test, written: &str) -> bool {
    match test {
        // These ask for the text as it was written.
        Test::Matches(pattern) => return finds(pattern, written.trim()) == Some(true),
        Test::NotMatches(pattern) => return finds(pattern, written.trim()) == Some(false),
        Test::Characters(times) => return times_hold(*times, written.trim().chars().count()),
        _ => {}
    }
    let text = fold(written);
    match test {
        Test::Is(list) => list.iter().any(|t| fold(t) == text),
        Test::IsNot(list) => list.iter().all(|t| fold(t) != text),
        Test::Contains(part) => text.contains(&*fold(part)),
        Test::StartsWith(part) => text.starts_with(&*fold(part)),
        Test::EndsWith(part) => text.ends_with(&*fold(part)),
        Test::NotContains(part) => !text.contains(&*fold(part)),
        Test::NotStartsWith(part) => !text.starts_with(&*fold(part)),
        Test::NotEndsWith(part) => !text.ends_with(&*fold(part)),
        Test::Like(pattern) => is_like(&fold(pattern), &text) == Some(true),
        Test::NotLike(pattern) => is_like(&fold(pattern), &text) == Some(false),
        Test::Nearly(wanted) => is_nearly(&fold(wanted), &text) == Some(true),
        Test::NotNearly(wanted) => is_nearly(&fold(wanted), &text) == Some(false),
        Test::Domain(list) => {
            domain(&text).is_some_and(|domain| list.iter().any(|wanted| fold(wanted) == domain))
        }
        Test::FreeMail => is_free_mail(&text),
        Test::RoleAccount => is_role_account(&text),
        _ => false,
    }
}

fn chosen(has: &BTreeSet<String>, wanted: &str) -> bool {
    let wanted = fold(wanted);
    has.iter().any(|option| fold(option) == wanted)
}

/// Of doubles the comparison of IEEE: nothing but `!=` holds of a NaN.
pub(crate) fn compare_holds<T: PartialOrd>(compare: &Compare<T>, value: &T) -> bool {
    match compare {
        Compare::Eq(to) => value == to,
        Compare::Ne(to) => value != to,
        Compare::Lt(to) => value < to,
        Compare::Le(to) => value <= to,
        Compare::Gt(to) => value > to,
        Compare::Ge(to) => value >= to,
        Compare::Between(low, high) => low <= value && value <= high,
        Compare::NotBetween(low, high) => value < low || high < value,
    }
}

/// Amounts of another currency pass no comparison, not even `!=`.
pub(crate) fn money_holds(compare: &Compare<Money>, value: Money) -> bool {
    let minor = |m: &Money| (m.currency == value.currency).then_some(m.minor);
    let one = |m: &Money, holds: fn(&i64, &i64) -> bool| minor(m).is_some_and(|to| holds(&value.minor, &to));
    match compare {
        Compare::Eq(to) => one(to, i64::eq),
        Compare::Ne(to) => one(to, i64::ne),
        Compare::Lt(to) => one(to, i64::lt),
        Compare::Le(to) => one(to, i64::le),
        Compare::Gt(to) => one(to, i64::gt),
        Compare::Ge(to) => one(to, i64::ge),
        Compare::Between(low, high) => one(low, i64::ge) && one(high, i64::le),
        // Within one currency, as all comparisons.
        Compare::NotBetween(low, high) => {
            low.currency == high.currency && (one(low, i64::lt) || one(high, i64::gt))
        }
    }
}
