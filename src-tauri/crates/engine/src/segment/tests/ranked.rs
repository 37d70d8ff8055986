//! Who is among the highest or the lowest.

use super::*;
use crate::segment::ranked::{Ranking, cut_of, measured, not_here, said_of_cuts};
use carillon_model::contact::{Currency, Money};
use carillon_model::segment::Cut;

fn euros(minor: i64) -> Value {
    let currency = Currency::parse("EUR").expect("a currency");
    Value::Money(Money { minor, currency })
}

/// The expression with one cut for all its ranks.
fn cut_at(text: &str, value: Option<Value>) -> Expr {
    measured(&reads(text), epoch(), &mut |_, _| {
        Some(Cut {
            measured_at: epoch(),
            value: value.clone(),
        })
    })
}

fn cut(top: bool, percent: f64, currency: Option<&str>, values: &[Value]) -> Option<Value> {
    let asked = Ranking {
        key: "points",
        top,
        percent,
        currency: currency.and_then(Currency::parse),
    };
    cut_of(&asked, values.iter().map(Seen::from))
}

fn numbers(all: impl IntoIterator<Item = u32>) -> Vec<Value> {
    all.into_iter().map(|n| Value::Number(f64::from(n))).collect()
}

#[test]
fn the_cut_is_the_value_of_the_last_one_who_is_in_rounded_up() {
    let at = |top, percent, n: u32| match cut(top, percent, None, &numbers(1..=n)) {
        Some(Value::Number(cut)) => cut as u32,
        other => panic!("{other:?}"),
    };
    // Of ten, 10% is one and 11% are two.
    assert_eq!(
        (at(true, 10.0, 10), at(true, 11.0, 10), at(true, 50.0, 10)),
        (10, 9, 6)
    );
    assert_eq!(
        (at(false, 10.0, 10), at(false, 11.0, 10), at(false, 50.0, 10)),
        (1, 2, 5)
    );
    // One at least, and never more than there are.
    assert_eq!((at(true, 0.001, 10), at(false, 0.001, 10)), (10, 1));
    assert_eq!((at(true, 99.999, 10), at(false, 99.999, 10)), (1, 10));
    // 33 of them, though doubles make 33.00000000000001 of it.
    assert_eq!(at(true, 1.1, 3_000), 3_000 - 32);
    assert_eq!(at(true, 0.5, 1_000), 996);
    assert_eq!(at(true, 0.51, 1_000), 995);
    assert_eq!((at(true, 50.0, 1), at(false, 50.0, 1)), (1, 1));
}

#[test]
fn whoever_has_as_much_as_the_last_one_is_in_as_well() {
    let values = numbers([5, 40, 40, 40, 7]);
    let top = cut(true, 20.0, None, &values);
    assert_eq!(top, Some(Value::Number(40.0)));
    let top = cut_at("points is in the top 20%", top);
    let bottom = cut_at("points is in the bottom 50%", cut(false, 50.0, None, &values));
    let scope = scope(&[]);
    let holds =
        |expr: &Expr, n: f64| eval(expr, &contact(&[("points", Value::Number(n))]), epoch(), &scope).holds;
    assert!(holds(&top, 40.0) && holds(&top, 41.0) && !holds(&top, 39.9));
    assert!(holds(&bottom, 40.0) && holds(&bottom, 5.0) && !holds(&bottom, 40.1));
}

#[test]
fn amounts_are_ranked_within_their_currency_and_who_has_none_is_not() {
    let dollars = |minor| match euros(minor) {
        Value::Money(money) => Value::Money(Money {
            currency: Currency::parse("USD").expect("a currency"),
            ..money
        }),
        other => other,
    };
    let mut values: Vec<Value> = (1..=10).map(|n| euros(n * 100)).collect();
    values.extend((1..=90).map(|n| dollars(n * 10_000)));
    values.push(Value::Number(1e9));
    let found = cut(true, 20.0, Some("EUR"), &values);
    assert_eq!(found, Some(euros(900)));
    assert_eq!(cut(true, 20.0, Some("CHF"), &values), None);
    assert_eq!(cut(true, 20.0, None, &values), Some(Value::Number(1e9)));
    assert_eq!(
        cut(true, 20.0, None, &[Value::Number(f64::NAN), Value::Number(3.0)]),
        Some(Value::Number(3.0))
    );
    let expr = cut_at("spent is in the top 20% EUR", found);
    let not = Expr::Not(Box::new(expr.clone()));
    let scope = scope(&[]);
    for (value, wanted) in [
        (Some(euros(900)), true),
        (Some(euros(899)), false),
        (Some(dollars(900_000)), false),
        (Some(Value::Number(1e9)), false),
        (None, false),
    ] {
        let fields: Vec<(&str, Value)> = value.into_iter().map(|value| ("spent", value)).collect();
        let who = contact(&fields);
        assert_eq!(eval(&expr, &who, epoch(), &scope).holds, wanted, "{who:?}");
        assert_eq!(eval(&not, &who, epoch(), &scope).holds, !wanted, "{who:?}");
    }
    let nobody = cut_at("spent is in the top 20% EUR", None);
    assert!(!eval(&nobody, &contact(&[("spent", euros(900))]), epoch(), &scope).holds);
}

#[test]
fn amounts_beyond_the_digits_of_a_double_are_told_apart() {
    let most = 9_007_199_254_740_993;
    let found = cut(true, 50.0, Some("EUR"), &[euros(most), euros(most - 1)]);
    assert_eq!(found, Some(euros(most)));
    let expr = cut_at("spent is in the top 50% EUR", found);
    assert!(
        !eval(
            &expr,
            &contact(&[("spent", euros(most - 1))]),
            epoch(),
            &scope(&[])
        )
        .holds
    );
}

#[test]
#[should_panic(expected = "never measured")]
fn a_rank_that_was_never_measured_is_not_quietly_untrue() {
    holds("points is in the top 10%", &contact(&[]));
}

#[test]
fn a_cut_is_no_part_of_the_text() {
    let expr = cut_at(
        "points is in the top 10% and spent is in the bottom 2.5% EUR",
        Some(euros(5)),
    );
    assert_eq!(
        print(&expr),
        "points is in the top 10% and spent is in the bottom 2.5% EUR"
    );
    assert_eq!(unmeasured(&expr), reads(&print(&expr)));
    assert_ne!(expr, reads(&print(&expr)));
    // The evidence of a journey keeps the segments its conditions ask for: as they were.
    let kept = serde_json::to_string(&expr).expect("a tree");
    assert_eq!(serde_json::from_str::<Expr>(&kept).expect("a tree"), expr);
}

#[test]
fn the_reason_and_the_sentence_tell_the_cut() {
    let seen = |text: &str, value: Option<Value>, who: &ContactRecord| {
        let reason = explain(&cut_at(text, value), who, epoch(), &scope(&[]));
        reason.seen.unwrap_or_default()
    };
    let has = contact(&[("points", Value::Number(38.0)), ("spent", euros(1250))]);
    let forty = Some(Value::Number(40.0));
    assert_eq!(
        seen("points is in the top 10%", forty.clone(), &has),
        "points = 38; the top 10% begin at 40, as measured at 2026-01-01 01:00 (Europe/Berlin)"
    );
    assert_eq!(
        seen("points is in the bottom 10%", forty.clone(), &contact(&[])),
        "points is empty; the bottom 10% end at 40, as measured at 2026-01-01 01:00 (Europe/Berlin)"
    );
    assert_eq!(
        seen("spent is in the top 2.5% EUR", Some(euros(1250)), &has),
        "spent = 12.50 EUR; the top 2.5% begin at 12.50 EUR, as measured at 2026-01-01 01:00 (Europe/Berlin)"
    );
    assert_eq!(
        seen("points is in the top 10%", None, &has),
        "nobody had a value to be ranked by when that was measured, at 2026-01-01 01:00 (Europe/Berlin)"
    );
    let said = |text: &str, value: Option<Value>| -> Vec<String> {
        let all = said_of_cuts(&cut_at(text, value)).into_iter();
        all.map(|(clause, said)| format!("{clause}: {said}")).collect()
    };
    assert_eq!(
        said("tag \"a\" or not points is in the top 10%", forty.clone()),
        ["points is in the top 10%: among the top 10% by points, from 40 up"]
    );
    assert_eq!(
        said("points is in the bottom 10%", forty),
        ["points is in the bottom 10%: among the bottom 10% by points, up to 40"]
    );
    assert_eq!(
        said("points is in the bottom 10%", None),
        ["points is in the bottom 10%: by points nobody is ranked: nobody has a value"]
    );
    assert_eq!(said_of_cuts(&reads("points is in the top 10%")), []);
}

#[test]
fn where_truth_is_needed_of_one_alone_ranks_are_refused() {
    let all = not_here(&reads(
        "tag \"a\" and not (city is known or points is in the top 10%)",
    ));
    let [problem] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        (problem.code.as_str(), problem.clause.as_str()),
        ("ranked_here", "points is in the top 10%")
    );
    assert!(problem.message.contains("in segment"), "{}", problem.message);
    assert_eq!(not_here(&reads("in segment \"Best\"")), []);
}
