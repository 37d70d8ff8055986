//! The laws of the language.

mod happened;
mod problems;
mod ranked;
mod reading;
mod shifted;

use super::arbitrary::{epoch, expr, moment, props_match, record, with_some_cuts};
use super::*;
use crate::record::{ContactRecord, Numbers, Scope};
use carillon_model::contact::{BUILT_IN_FIELDS, Field, FieldType, Value};
use carillon_model::segment::{Clause, Expr, Test};
use carillon_model::{ContactId, Moment};
use chrono::TimeDelta;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn scope(segments: &[(&str, Expr)]) -> Scope {
    let segments = segments
        .iter()
        .map(|(name, expr)| ((*name).to_owned(), expr.clone()))
        .collect();
    Scope {
        zone: chrono_tz::Europe::Berlin,
        segments,
        numbers: Numbers::default(),
    }
}

fn reads(text: &str) -> Expr {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn holds(text: &str, who: &ContactRecord) -> bool {
    eval(&reads(text), who, epoch(), &scope(&[])).holds
}

fn contact(fields: &[(&str, Value)]) -> ContactRecord {
    let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    ContactRecord {
        id: 7,
        fields,
        ..ContactRecord::default()
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// No `in segment`, so that a random expression cannot be part of a circle.
fn flat(expr: Expr) -> Expr {
    match expr {
        Expr::Clause(Clause::InSegment { .. }) => Expr::Everyone,
        Expr::All(of) => Expr::All(of.into_iter().map(flat).collect()),
        Expr::Any(of) => Expr::Any(of.into_iter().map(flat).collect()),
        Expr::None(of) => Expr::None(of.into_iter().map(flat).collect()),
        Expr::AtLeast { k, of } => Expr::AtLeast {
            k,
            of: of.into_iter().map(flat).collect(),
        },
        Expr::Not(inner) => Expr::Not(Box::new(flat(*inner))),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_expression_reads_back_from_its_text(expr in expr()) {
        let text = print(&expr);
        let back = parse(&text);
        prop_assert_eq!(back.as_ref(), Ok(&expr), "{}", text);
        prop_assert_eq!(print(&expr), print(&back.expect("just compared")));
    }

    #[test]
    fn property_tests_read_back_from_their_text(props in props_match()) {
        let text = print_where(&props);
        prop_assert_eq!(parse_where(&text), Ok(props), "{}", text);
    }

    #[test]
    fn not_is_the_exact_complement(expr in expr(), who in record(ContactId(3)), now in moment()) {
        let (scope, expr) = (scope(&[]), with_some_cuts(&expr));
        let not = Expr::Not(Box::new(expr.clone()));
        prop_assert_ne!(eval(&expr, &who, now, &scope).holds, eval(&not, &who, now, &scope).holds);
        let none = Expr::None(vec![expr.clone()]);
        prop_assert_ne!(eval(&expr, &who, now, &scope).holds, eval(&none, &who, now, &scope).holds);
    }

    #[test]
    fn truth_is_constant_until_the_verdict_ends(
        expr in expr(), a in expr(), b in expr(), who in record(ContactId(3)), now in moment(), parts in proptest::collection::vec(0f64..1.0, 20)
    ) {
        let [expr, a, b] = [expr, a, b].map(|expr| with_some_cuts(&expr));
        let scope = scope(&[("A", flat(a)), ("B", flat(b))]);
        let verdict = eval(&expr, &who, now, &scope);
        prop_assert!(verdict.until.is_none_or(|until| until > now));
        // Later changes lie within the pools: 60 days of events with windows of 60 days, and dates.
        let end = verdict.until.unwrap_or(now + TimeDelta::days(500));
        let length = (end - now).num_milliseconds();
        let last = end - TimeDelta::nanoseconds(1);
        let probes = parts.iter().map(|part| now + TimeDelta::milliseconds((length as f64 * part * part) as i64));
        for probe in probes.chain([last]).filter(|p| *p >= now && *p < end) {
            prop_assert_eq!(eval(&expr, &who, probe, &scope).holds, verdict.holds, "{} at {}, until {:?}", print(&expr), probe, verdict.until);
        }
    }

    #[test]
    fn the_reason_agrees_with_the_verdict_at_every_node(expr in expr(), a in expr(), who in record(ContactId(3)), now in moment()) {
        let (expr, a) = (with_some_cuts(&expr), with_some_cuts(&a));
        let scope = scope(&[("A", flat(a))]);
        let reason = explain(&expr, &who, now, &scope);
        let verdict = eval(&expr, &who, now, &scope);
        prop_assert_eq!((reason.holds, reason.until), (verdict.holds, verdict.until));
        let mut open = vec![&reason];
        while let Some(node) = open.pop() {
            let again = with_some_cuts(&parse(&node.text).expect("canonical text"));
            let again = eval(&again, &who, now, &scope);
            prop_assert_eq!(again.holds, node.holds, "{}", node.text);
            open.extend(&node.of);
        }
    }

    #[test]
    fn hostile_text_is_refused_or_read_but_never_breaks(text in "[a-z \"(),=<>%`\\\\0-9.é’“„:TZ{}\u{0}-]{0,80}") {
        survives(&text);
    }

    #[test]
    fn a_text_with_pieces_cut_out_doubled_and_moved_is_refused_or_read_but_never_breaks(
        a in expr(), b in expr(), cuts in proptest::collection::vec((0usize..4_000, 0usize..40, 0usize..4_000), 1..6)
    ) {
        let mut text = format!("{} and {}", print(&a), print(&b));
        for (from, length, to) in cuts {
            let place = |at: usize| text.floor_char_boundary(at % (text.len() + 1));
            let (from, to) = (place(from), place(to));
            let end = text.floor_char_boundary((from + length).min(text.len()));
            let piece = text[from..end].to_owned();
            match length % 3 {
                0 => text.insert_str(to, &piece),
                1 => text.replace_range(from..end, ""),
                _ => text.insert(to, ['"', '\'', '`', '(', '-', '\u{1F980}'][from % 6]),
            }
        }
        survives(&text);
    }
}

/// Whatever is written: an error points into the text, and what can be read is printed, checked and asked.
fn survives(text: &str) {
    match parse(text) {
        Err(error) => assert!(
            error.at <= text.len() && text.is_char_boundary(error.at),
            "{error}"
        ),
        Ok(expr) => {
            assert_eq!(parse(&print(&expr)).map(|again| print(&again)), Ok(print(&expr)));
            for problem in check(&expr, &[], &BTreeSet::new()) {
                assert!(
                    text.get(locate(text, &problem)).is_some(),
                    "{problem:?} in {text}"
                );
            }
            let who = contact(&[("a", Value::Number(1.0)), ("b", Value::DateTime(epoch()))]);
            let expr = with_some_cuts(&expr);
            let truth = eval(&expr, &who, epoch(), &scope(&[]));
            assert_eq!(explain(&expr, &who, epoch(), &scope(&[])).holds, truth.holds);
        }
    }
}

#[test]
fn a_missing_value_never_matches_and_not_turns_it_over() {
    let nobody = contact(&[]);
    assert!(!holds("city is \"Bonn\"", &nobody) && !holds("city is not \"Bonn\"", &nobody));
    assert!(holds("not (city is \"Bonn\")", &nobody) && holds("city is empty", &nobody));
    assert!(!holds("did order where amount != 5", &nobody) && holds("did order at most 0 times", &nobody));
}

#[test]
fn text_money_and_options_compare_by_their_laws() {
    let who = contact(&[
        ("city", text(" KO\u{308}LN ")),
        ("total", reads_money("100.00 EUR")),
        ("interests", Value::MultiChoice(["Tea".to_owned()].into())),
    ]);
    assert!(holds("city is \"köln\"", &who) && holds("city is any of (\"x\", \"Köln\")", &who));
    assert!(holds("city ends with \"LN\"", &who) && !holds("city equals \"Köln\"", &who));
    assert!(
        holds("total >= 100 EUR", &who) && !holds("total >= 1 USD", &who) && !holds("total != 1 USD", &who)
    );
    assert!(!holds("total >= 100", &who), "a bare number is no amount");
    assert!(
        holds("interests has any of (\"tea\", \"mate\")", &who)
            && !holds("interests has all of (\"tea\", \"mate\")", &who)
    );
    assert!(holds("interests has all of ()", &who) && !holds("interests has any of ()", &who));
}

#[test]
fn negative_tests_of_text_want_a_value_and_patterns_and_addresses_are_told_apart() {
    let who = contact(&[
        ("city", text(" Bonn ")),
        ("email", text("Info+x@GMX.de")),
        ("code", text("a\nb")),
    ]);
    assert!(holds("city does not contain \"x\"", &who) && !holds("city does not contain \"ON\"", &who));
    assert!(holds("city does not start with \"o\"", &who) && !holds("city does not end with \"nn\"", &who));
    for text in [
        "does not contain \"x\"",
        "is not like \"x\"",
        "is not nearly \"x\"",
        "does not match \"x\"",
    ] {
        assert!(!holds(&format!("phone {text}"), &who), "{text}");
    }
    assert!(holds("city is like \"B?N*\"", &who) && holds("city is not like \"on\"", &who));
    assert!(holds("city is nearly \"BNON\"", &who) && holds("city is not nearly \"Boon am See\"", &who));
    let long = "x".repeat(300);
    assert!(!holds(
        &format!("city is nearly \"{long}\" or city is not nearly \"{long}\""),
        &who
    ));
    assert!(holds("city matches \"^b\"", &who) && !holds("city matches \"(?-i)^b\"", &who));
    assert!(!holds("city matches \"(\"", &who) && !holds("city does not match \"(\"", &who));
    assert!(
        holds("city has exactly 4 characters", &who) && holds("code has between 3 and 3 characters", &who)
    );
    assert!(holds("email domain is \"gmx.DE\"", &who) && !holds("email domain is \"de\"", &who));
    assert!(holds("email is free mail and email is a role account", &who));
    assert!(!holds("city is free mail or city is a role account", &who));
}

#[test]
fn values_are_compared_with_those_of_other_fields_and_counted() {
    let interests = Value::MultiChoice(["Tea".to_owned(), "mate".to_owned()].into());
    let who = contact(&[
        ("city", text("KÖLN")),
        ("town", text(" köln")),
        ("age", Value::Number(6.0)),
        ("height", Value::Number(4.5)),
        ("total", reads_money("5 EUR")),
        ("limit", reads_money("5 USD")),
        ("interests", interests),
    ]);
    assert!(holds("city = town", &who) && !holds("city != town", &who) && !holds("city != phone", &who));
    assert!(holds("age > height", &who) && holds("height <= age", &who) && !holds("age = city", &who));
    assert!(!holds("total = limit", &who) && !holds("total != limit", &who) && holds("total >= total", &who));
    assert!(holds("age is a multiple of 3", &who) && holds("height is a multiple of 1.5", &who));
    assert!(!holds("age is a multiple of 4", &who) && !holds("age is a multiple of 0", &who));
    assert!(holds("age not between 7 and 9", &who) && !holds("age not between 6 and 9", &who));
    assert!(
        !holds("total not between 6 USD and 9 USD", &who),
        "another currency passes nothing"
    );
    assert!(
        holds("interests has exactly (\"TEA\", \"mate\")", &who)
            && !holds("interests has exactly (\"tea\")", &who)
    );
    assert!(!holds("interests has exactly (\"tea\", \"mate\", \"x\")", &who));
    assert!(
        holds("interests has at least 2 options", &who) && !holds("interests has exactly 1 option", &who)
    );
    let seen = explain(&reads("age > height"), &who, epoch(), &scope(&[])).seen;
    assert_eq!(seen.as_deref(), Some("age = 6; height = 4.5"));
}

#[test]
fn dates_are_compared_with_those_of_other_fields_in_one_zone() {
    let day = |text: &str| Value::Date(text.parse().expect("a date"));
    let who = contact(&[
        ("born", day("2026-01-10")),
        ("paid", day("2026-01-03")),
        (
            "seen",
            Value::DateTime("2026-01-09T23:30:00Z".parse().expect("a moment")),
        ),
    ]);
    assert!(holds("born after paid plus 6 days", &who) && holds("born on paid plus 1 week", &who));
    assert!(holds("paid before born minus 6 days", &who) && !holds("paid before born minus 7 days", &who));
    assert!(holds("seen on born", &who), "it is the 10th in Berlin");
    assert!(holds("seen before born in zone \"UTC\"", &who));
    assert!(!holds("born on lost", &who) && !holds("lost on born", &who));
}

fn reads_money(amount: &str) -> Value {
    match reads(&format!("x equals {amount}")) {
        Expr::Clause(Clause::Field {
            test: Test::Equals(value),
            ..
        }) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sample_is_the_same_on_every_machine() {
    // Worked out by a second SipHash-2-4 outside; another figure would move people between samples.
    let share = |id| format!("{:.6}", sample_share("spring", ContactId(id)));
    assert_eq!(
        [share(0), share(1), share(2)],
        ["28.173833", "5.741369", "1.902578"].map(str::to_owned)
    );
    let inside = (0..20_000)
        .filter(|id| sample_share("x", ContactId(*id)) < 10.0)
        .count();
    assert!((1_850..2_150).contains(&inside), "{inside} of 20000 are no 10%");
}

#[test]
fn an_expired_window_says_when() {
    let mut who = contact(&[]);
    let at = |days: i64| epoch() - TimeDelta::days(days);
    let event = |id: i64, at: Moment| carillon_model::event::Event {
        id: carillon_model::EventId(id),
        contact: ContactId(7),
        name: "order".to_owned(),
        at,
        arrived_at: at,
        source: String::new(),
        props: BTreeMap::new(),
    };
    who.events = vec![event(1, at(20)), event(2, at(10)), event(3, at(-5))];
    let verdict = |text: &str| eval(&reads(text), &who, epoch(), &scope(&[]));
    let once = verdict("did order in the last 30 days");
    assert_eq!(
        (once.holds, once.until),
        (true, Some(at(-35))),
        "the future order takes over before the others end"
    );
    let twice = verdict("did order at least 2 times in the last 30 days");
    assert_eq!(
        (twice.holds, twice.until),
        (true, Some(at(-20))),
        "until the second newest that counts then ends"
    );
    let thrice = verdict("did order at least 3 times");
    assert_eq!(
        (thrice.holds, thrice.until),
        (false, Some(at(-5))),
        "what is still to come does not count yet"
    );
    let edge = verdict("did order in the last 10 days");
    assert!(!edge.holds, "the window is open at its old end");
}

fn ordered(moments: &[&str]) -> ContactRecord {
    let mut who = contact(&[("time_zone", text("America/New_York"))]);
    who.events = (1..)
        .zip(moments)
        .map(|(id, at)| carillon_model::event::Event {
            id: carillon_model::EventId(id),
            contact: ContactId(7),
            name: "order".to_owned(),
            at: at.parse().expect("a moment of the test"),
            arrived_at: epoch(),
            source: String::new(),
            props: BTreeMap::new(),
        })
        .collect();
    who
}

#[test]
fn the_check_names_what_nobody_knows() {
    let mut fields: Vec<Field> = BUILT_IN_FIELDS
        .iter()
        .map(|(key, label, field_type)| Field {
            key: (*key).to_owned(),
            label: (*label).to_owned(),
            field_type: *field_type,
            options: Vec::new(),
            built_in: true,
            score: None,
        })
        .collect();
    let plan = Field {
        key: "plan".to_owned(),
        field_type: FieldType::Choice,
        options: vec!["Free".to_owned(), "Pro".to_owned()],
        ..fields[0].clone()
    };
    fields.push(plan);
    let segments = BTreeSet::from(["VIP".to_owned()]);
    let found = |text: &str| {
        let problems = check(&reads(text), &fields, &segments);
        problems
            .into_iter()
            .map(|p| (p.code, p.name, p.suggestion.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let one = |code: &str, name: &str, near: &str| vec![(code.to_owned(), name.to_owned(), near.to_owned())];
    assert_eq!(
        found("city is \"Bonn\" and plan is \"pro\" and in segment \"VIP\""),
        []
    );
    assert_eq!(found("ctiy is \"Bonn\""), one("unknown_field", "ctiy", "city"));
    assert_eq!(found("city > 5"), one("wrong_type", "city", ""));
    assert_eq!(found("plan is \"por\""), one("unknown_option", "por", "Pro"));
    assert_eq!(found("in segment \"VPI\""), one("unknown_segment", "VPI", "VIP"));
    assert_eq!(
        found("created_at in the last 3 days in zone \"Europe/Berlim\""),
        one("unknown_zone", "Europe/Berlim", "Europe/Berlin")
    );
    assert_eq!(
        found("did order where amount on 2026-01-01"),
        one("wrong_type", "amount", "")
    );
    assert_eq!(
        found("did order where amount between 1 EUR and 2 USD"),
        one("mixed_currencies", "USD", "")
    );
}

#[test]
fn circles_and_long_chains_of_segments_are_found() {
    let map = |of: &[(&str, &str)]| -> BTreeMap<String, Expr> {
        of.iter()
            .map(|(name, text)| ((*name).to_owned(), reads(text)))
            .collect()
    };
    assert_eq!(
        find_cycle(&map(&[
            ("a", "in segment \"b\" or in segment \"c\""),
            ("b", "in segment \"c\""),
            ("c", "in segment \"x\"")
        ])),
        None
    );
    let circle = find_cycle(&map(&[
        ("a", "in segment \"b\""),
        ("b", "not in segment \"c\""),
        ("c", "in segment \"b\""),
    ]));
    assert_eq!(circle.map(|names| names.len()), Some(2));
    assert_eq!(
        find_cycle(&map(&[("a", "not in segment \"a\"")])),
        Some(vec!["a".to_owned()])
    );
    let chain: BTreeMap<String, Expr> = (0..12)
        .map(|i| {
            (
                format!("s{i:02}"),
                reads(&format!("in segment \"s{:02}\"", i + 1)),
            )
        })
        .collect();
    assert!(find_cycle(&chain).is_some_and(|names| names.len() > 10));
    assert_eq!(find_cycle(&chain.into_iter().skip(2).collect()), None);
    let saved = map(&[("a", "in segment \"b\""), ("b", "everyone")]);
    let found = check_saved("b", &reads("in segment \"a\""), &[], &saved);
    assert_eq!(
        found.iter().map(|p| p.code.as_str()).collect::<Vec<_>>(),
        ["cycle"]
    );
    assert!(found[0].message.contains("\"a\" → \"b\""), "{}", found[0].message);
    assert_eq!(check_saved("c", &reads("in segment \"a\""), &[], &saved), []);
}

#[test]
fn a_lattice_or_a_circle_of_segments_costs_no_more_than_its_parts() {
    let both = |i: u32| {
        reads(&format!(
            "in segment \"{i}\" and in segment \"{i}\" and in segment \"{i}\""
        ))
    };
    let named: Vec<(String, Expr)> = (0..9).map(|i| (i.to_string(), both(i + 1))).collect();
    let mut scope = scope(&[]);
    scope.segments = named.into_iter().collect();
    scope.segments.insert("9".to_owned(), Expr::Everyone);
    assert!(eval(&reads("in segment \"0\""), &contact(&[]), epoch(), &scope).holds);
    scope.segments.insert("9".to_owned(), both(0));
    assert!(!eval(&reads("in segment \"0\""), &contact(&[]), epoch(), &scope).holds);
    let reason = explain(&reads("in segment \"0\""), &contact(&[]), epoch(), &scope);
    assert_eq!(reason.of[0].of[1].seen.as_deref(), Some("shown above"));
}

#[test]
fn the_reason_shows_what_was_seen() {
    let mut who = contact(&[("city", text("Köln"))]);
    who.permissions.insert(
        (
            carillon_model::consent::Channel::Email,
            carillon_model::consent::Purpose::Marketing,
        ),
        carillon_model::consent::Basis::DoubleOptIn,
    );
    who.suppressed = true;
    let expr = reads("city is \"Bonn\" and did order and consent email marketing and phone is empty");
    let reason = explain(&expr, &who, epoch(), &scope(&[]));
    let seen: Vec<_> = reason
        .of
        .iter()
        .map(|r| (r.holds, r.seen.clone().unwrap_or_default()))
        .collect();
    let said = |holds, text: &str| (holds, text.to_owned());
    assert_eq!(seen[0], said(false, "city = \"Köln\""));
    assert_eq!(seen[1], said(false, "never"));
    assert_eq!(
        seen[2],
        said(false, "granted by double_opt_in; the address is suppressed")
    );
    assert!(reason.of[3].holds && reason.of[3].of[0].seen.as_deref() == Some("phone is empty"));
}

#[test]
fn when_a_value_was_written_is_a_date_of_its_own() {
    let who = contact(&[
        ("phone", text("1")),
        ("phone changed", Value::DateTime(epoch() - TimeDelta::days(40))),
    ]);
    let old = reads("phone changed more than 30 days ago in zone \"UTC\"");
    assert!(eval(&old, &who, epoch(), &scope(&[])).holds);
    let needs = Needs::of(&old, &BTreeMap::new());
    assert_eq!(
        needs.fields.into_iter().collect::<Vec<_>>(),
        ["phone", "phone changed"],
        "a new value is a new moment"
    );
    let seen = explain(&old, &who, epoch(), &scope(&[])).seen.unwrap_or_default();
    assert!(seen.starts_with("phone changed = 2025-11-22"), "{seen}");
    let nobody = contact(&[]);
    assert!(!eval(&old, &nobody, epoch(), &scope(&[])).holds);
    assert!(
        !eval(
            &reads("phone changed before 2030-01-01"),
            &nobody,
            epoch(),
            &scope(&[])
        )
        .holds
    );
}

#[test]
fn a_field_of_companies_is_written_as_one_word() {
    let text = "company.industry is \"Retail\"";
    assert_eq!(parse(text).map(|expr| print(&expr)), Ok(text.to_owned()));
    let keyed = |key: &str| {
        Expr::Clause(Clause::Field {
            key: key.to_owned(),
            test: Test::Known,
        })
    };
    for key in [
        "company.name",
        "a.b.c",
        "a..b",
        ".a",
        "a.",
        "a.B",
        "company.",
        "a.1",
        "not.a",
    ] {
        assert_eq!(parse(&print(&keyed(key))), Ok(keyed(key)), "{key}");
    }
    assert_eq!(print(&keyed("a..b")), "`a..b` is known");
}
