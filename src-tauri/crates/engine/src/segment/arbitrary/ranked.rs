//! Clauses that rank, and what it takes by them, read the long way.

use super::number;
use crate::record::ContactRecord;
use crate::segment::ranked::with_clauses;
use crate::segment::{measured, unmeasured};
use carillon_model::Moment;
use carillon_model::contact::{Currency, Value};
use carillon_model::segment::{Clause, Cut, Expr};
use proptest::prelude::*;
use proptest::sample::select;
use std::cmp::Ordering;

/// Among the highest or lowest, of a field that has them or not. Not measured yet.
pub fn ranked() -> impl Strategy<Value = Clause> {
    let money = || proptest::option::weighted(0.8, select(vec!["EUR", "JPY", "AND"]));
    let of = prop_oneof![
        4 => (select(vec!["age", "height"]), proptest::option::weighted(0.1, Just("EUR"))),
        4 => (select(vec!["total", "limit"]), money()),
        1 => (select(vec!["city", "no_such"]), Just(None)),
    ];
    let percent = prop_oneof![6 => select(vec![1.0, 10.0, 25.0, 33.4, 50.0, 80.0, 99.5]), 1 => number()];
    (of, any::<bool>(), percent).prop_map(|((key, currency), top, percent)| Clause::Ranked {
        key: key.to_owned(),
        top,
        percent,
        currency: currency.and_then(Currency::parse),
        cut: None,
    })
}

/// The expression with whatever it lacks of cuts, by the values of these people: all of them in order, and the first of whom no
/// fewer than the wanted part have as much.
pub fn measured_by<'a>(
    expr: &Expr,
    people: impl Iterator<Item = &'a ContactRecord> + Clone,
    at: Moment,
) -> Expr {
    measured(expr, at, &mut |_, asked| {
        let fits = |value: &&Value| match (value, asked.currency) {
            (Value::Number(n), None) => !n.is_nan(),
            (Value::Money(money), Some(currency)) => money.currency == currency,
            _ => false,
        };
        let values = people.clone().filter_map(|who| who.fields.get(asked.key));
        let mut values: Vec<Value> = values.filter(fits).cloned().collect();
        values.sort_by(|a, b| if asked.top { order(b, a) } else { order(a, b) });
        let hundreds = values.len() as f64 * asked.percent;
        let enough = |place: &usize| (place + 1) as f64 * 100.0 + 1e-6 >= hundreds;
        let last = (0..values.len()).find(enough).or(values.len().checked_sub(1));
        Some(Cut {
            measured_at: at,
            value: last.map(|place| values[place].clone()),
        })
    })
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Money(a), Value::Money(b)) => a.minor.cmp(&b.minor),
        _ => Ordering::Equal,
    }
}

/// The expression with tags in the place of ranks.
pub fn unranked(expr: &Expr) -> Expr {
    with_clauses(expr, &mut |clause| match clause {
        Clause::Ranked { key, .. } => Clause::Tag { tag: key },
        other => other,
    })
}

/// The expression with any cuts, where there is nobody to measure them by.
pub fn with_some_cuts(expr: &Expr) -> Expr {
    measured(&unmeasured(expr), Moment::UNIX_EPOCH, &mut |_, asked| {
        let value = match asked.currency {
            _ if asked.percent == 1.0 => None,
            None => Some(Value::Number(1.5)),
            Some(currency) => Some(Value::Money(carillon_model::contact::Money {
                minor: 100,
                currency,
            })),
        };
        Some(Cut {
            measured_at: Moment::UNIX_EPOCH,
            value,
        })
    })
}
