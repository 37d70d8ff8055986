//! Strategies over further tests of one value.

use super::options;
use carillon_model::segment::{FieldOrder, Test, Times};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Regular expressions; what finds them is told in plain code beside the reading in SQL.
pub const REGULAR: &[&str] = &["^b", "N$", "^$", "[0-9]", "o.n", "(bonn|köln)", "(?-i)K", "["];

const LIKE: &[&str] = &[
    "b*",
    "*ö*",
    "??nn",
    "*",
    "",
    "a\\*b\\?*",
    "*@*",
    "K?l*",
    "\\",
    "*.example",
];

/// A slip or two beside the texts of contacts, or three.
const NEARLY: &[&str] = &[
    "BNON",
    "Bon",
    "bo",
    "Kon",
    "strase",
    "trasseE",
    "stra",
    "Ifno@gmial.com",
    "c1@x.exmaple",
];

const DOMAINS: &[&str] = &["gmail.com", "GMAIL.com", "firma.example", "x.example", ""];

fn many(most: u32) -> BoxedStrategy<Times> {
    prop_oneof![
        (0..most).prop_map(Times::AtLeast),
        (0..most).prop_map(Times::AtMost),
        (0..most).prop_map(Times::Exactly),
        (0..most, 0..most).prop_map(|(low, high)| Times::Between(low, high)),
    ]
    .boxed()
}

pub(super) fn of_text(of: BoxedStrategy<String>) -> BoxedStrategy<Test> {
    let pattern = || prop_oneof![6 => select(LIKE).prop_map(str::to_owned), 1 => "[a-z*?\\\\]{0,5}"];
    let regular = || select(REGULAR).prop_map(str::to_owned);
    prop_oneof![
        of.clone().prop_map(Test::NotContains),
        of.clone().prop_map(Test::NotStartsWith),
        of.clone().prop_map(Test::NotEndsWith),
        prop_oneof![3 => select(NEARLY).prop_map(str::to_owned), 1 => of.clone()].prop_map(Test::Nearly),
        prop_oneof![3 => select(NEARLY).prop_map(str::to_owned), 1 => of].prop_map(Test::NotNearly),
        pattern().prop_map(Test::Like),
        pattern().prop_map(Test::NotLike),
        regular().prop_map(Test::Matches),
        regular().prop_map(Test::NotMatches),
        many(8).prop_map(Test::Characters),
        vec(select(DOMAINS).prop_map(str::to_owned), 0..3).prop_map(Test::Domain),
        prop_oneof![Just(Test::FreeMail), Just(Test::RoleAccount)],
    ]
    .boxed()
}

pub(super) fn of_options() -> BoxedStrategy<Test> {
    prop_oneof![
        options().prop_map(Test::HasExactly),
        many(4).prop_map(Test::Options)
    ]
    .boxed()
}

pub(super) fn multiple() -> BoxedStrategy<Test> {
    let few = select(vec![1.0, 2.0, -2.5, 3.0, 0.0]);
    few.prop_map(Test::MultipleOf).boxed()
}

fn order() -> impl Strategy<Value = FieldOrder> {
    select(vec![
        FieldOrder::Eq,
        FieldOrder::Ne,
        FieldOrder::Lt,
        FieldOrder::Le,
        FieldOrder::Gt,
        FieldOrder::Ge,
    ])
}

/// A comparison with any field.
pub(super) fn other() -> BoxedStrategy<Test> {
    let key = select(vec![
        "city",
        "age",
        "total",
        "plan",
        "seen_at",
        "nan",
        "minus",
        "or",
        "interests",
    ]);
    (order(), key)
        .prop_map(|(order, key)| Test::Field {
            order,
            key: key.to_owned(),
        })
        .boxed()
}

/// A comparison with a field of the same type more often than not.
pub(super) fn against(key: &'static str) -> BoxedStrategy<Test> {
    let same = match key {
        "city" | "time_zone" | "email" => vec!["city", "time_zone", "email"],
        "age" | "height" => vec!["age", "height", "height"],
        "total" | "limit" => vec!["total", "limit", "limit"],
        "newsletter" => vec!["newsletter"],
        "plan" => vec!["plan", "city"],
        _ => return other(),
    };
    let near = (order(), select(same)).prop_map(|(order, key)| Test::Field {
        order,
        key: key.to_owned(),
    });
    prop_oneof![6 => near, 1 => other()].boxed()
}
