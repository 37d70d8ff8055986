//! What the values of a property come to.

use super::eval::Seen;
use super::text::fold;
use super::values::compare_holds;
use carillon_model::contact::{Currency, Money};
use carillon_model::segment::{Aggregate, AggregateBound, Compare};
use std::borrow::Cow;

/// Whether the aggregate of the values, in the order of their moments, passes. Values of another kind than the bound's
/// are left out; of no value there is no average, minimum or maximum, which passes nothing.
pub(crate) fn aggregate_holds(function: Aggregate, bound: &AggregateBound, values: &[Seen<'_>]) -> bool {
    match (function, bound) {
        (Aggregate::Different, AggregateBound::Number(compare)) => {
            compare_holds(compare, &(different(values) as f64))
        }
        (Aggregate::Different, AggregateBound::Money(_)) => false,
        (_, AggregateBound::Number(compare)) => {
            number(function, values).is_some_and(|n| compare_holds(compare, &n))
        }
        (_, AggregateBound::Money(compare)) => money_holds(function, compare, values),
    }
}

/// The aggregate of the numbers among the values.
pub(super) fn number(function: Aggregate, values: &[Seen<'_>]) -> Option<f64> {
    let numbers = values.iter().filter_map(|value| match value {
        Seen::Number(n) => Some(*n),
        _ => None,
    });
    match function {
        Aggregate::Sum => Some(numbers.fold(0.0, |sum, n| sum + n)),
        Aggregate::Average => {
            let (sum, n) = numbers.fold((0.0, 0u32), |(sum, count), n| (sum + n, count + 1));
            (n > 0).then(|| sum / f64::from(n))
        }
        Aggregate::Minimum => numbers.reduce(f64::min),
        Aggregate::Maximum => numbers.reduce(f64::max),
        Aggregate::Different => None,
    }
}

/// An exact amount of minor units: a sum, and by how many it is shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Amount {
    pub minor: i128,
    pub shared_by: i128,
}

/// The aggregate of the amounts of one currency among the values.
pub(super) fn amount(function: Aggregate, currency: Currency, values: &[Seen<'_>]) -> Option<Amount> {
    let amounts = values.iter().filter_map(|value| match value {
        Seen::Money(m) if m.currency == currency => Some(i128::from(m.minor)),
        _ => None,
    });
    let whole = |minor| Amount { minor, shared_by: 1 };
    match function {
        Aggregate::Sum => Some(whole(amounts.sum())),
        Aggregate::Average => {
            let (minor, shared_by) = amounts.fold((0, 0), |(sum, n), minor| (sum + minor, n + 1));
            (shared_by > 0).then_some(Amount { minor, shared_by })
        }
        Aggregate::Minimum => amounts.min().map(whole),
        Aggregate::Maximum => amounts.max().map(whole),
        Aggregate::Different => None,
    }
}

/// The currency of a bound; `None` if it has two, between which nothing lies.
pub(super) fn currency_of(compare: &Compare<Money>) -> Option<Currency> {
    match compare {
        Compare::Between(low, high) | Compare::NotBetween(low, high) => {
            (low.currency == high.currency).then_some(low.currency)
        }
        Compare::Eq(to)
        | Compare::Ne(to)
        | Compare::Lt(to)
        | Compare::Le(to)
        | Compare::Gt(to)
        | Compare::Ge(to) => Some(to.currency),
    }
}

fn money_holds(function: Aggregate, compare: &Compare<Money>, values: &[Seen<'_>]) -> bool {
    let found = currency_of(compare).and_then(|currency| amount(function, currency, values));
    found.is_some_and(|found| {
        // A share is compared without dividing: the bound is taken as often as it is shared.
        let compare = compare.map(|to| i128::from(to.minor) * found.shared_by);
        compare_holds(&compare, &found.minor)
    })
}

/// A value as far as it differs from others; texts as `T` names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind<T> {
    YesNo(bool),
    /// The bits of the number.
    Number(u64),
    Money(i64, Currency),
    Text(T),
}

impl<T> Kind<T> {
    /// Both zeros are one number.
    pub fn number(n: f64) -> Kind<T> {
        Kind::Number((n + 0.0).to_bits())
    }

    /// Nothing for a value that no property has.
    pub fn of<'a>(value: &Seen<'a>, text: impl FnOnce(&'a str) -> T) -> Option<Kind<T>> {
        Some(match value {
            Seen::YesNo(b) => Kind::YesNo(*b),
            Seen::Number(n) => Kind::number(*n),
            Seen::Money(m) => Kind::Money(m.minor, m.currency),
            Seen::Text(t) => Kind::Text(text(t)),
            Seen::Choice(_) | Seen::MultiChoice(_) | Seen::Date(_) | Seen::DateTime(_) => return None,
        })
    }
}

/// How many different values there are.
pub(super) fn different(values: &[Seen<'_>]) -> usize {
    let mut all: Vec<Kind<Cow<'_, str>>> = values.iter().filter_map(|value| Kind::of(value, fold)).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}
