//! What people write and what is printed back.

use super::*;
use crate::segment::arbitrary::epoch;

#[test]
fn the_forms_people_write_mean_what_they_say() {
    for (written, canonical) in [
        ("EVERYONE", "everyone"),
        ("city is 'Bonn'", "city is \"Bonn\""),
        ("city is “Bonn”", "city is \"Bonn\""),
        (
            "phone changed MORE than 180 days ago",
            "phone changed more than 180 days ago",
        ),
        (
            "not `first name` changed between 2026-01-01 and 2026-01-31",
            "not `first name` changed between 2026-01-01 and 2026-01-31",
        ),
        (
            "changed changed after seen plus 1 week",
            "changed changed after seen plus 7 days",
        ),
        (
            "score_fit ROSE by at least 10 in the last 2 weeks",
            "score_fit rose by at least 10 in the last 14 days",
        ),
        (
            "not fell fell by more than 2.5 in the last 90 minutes",
            "not fell fell by more than 2.5 in the last 90 minutes",
        ),
        (
            "score_fit rose by at least 12.5 % in the last 2 weeks",
            "score_fit rose by at least 12.5% in the last 14 days",
        ),
        (
            "score_fit fell by more than 0% in the last 1 day",
            "score_fit fell by more than 0% in the last 1 day",
        ),
        ("points IS in the Top 10 %", "points is in the top 10%"),
        (
            "spent is in the bottom 2.5% eur and top is in the top 1%",
            "spent is in the bottom 2.5% EUR and top is in the top 1%",
        ),
        (
            "spent is in the top 1% \"and\" and bottom is in the bottom 1% or age > 1",
            "(spent is in the top 1% \"AND\" and bottom is in the bottom 1%) or age > 1",
        ),
        (
            "score_fit rose by more than 0 in the last 1 day",
            "score_fit rose in the last 1 day",
        ),
        ("a = 1 and b = 2 or c = 3", "(a = 1 and b = 2) or c = 3"),
        ("a = 1 and (b = 2 or c = 3)", "a = 1 and (b = 2 or c = 3)"),
        ("all(a = 1, b = 2)", "a = 1 and b = 2"),
        ("not not tag \"x\"", "not not tag \"x\""),
        ("not did order", "did not order"),
        (
            "did order in the last 2 weeks at least 2 times",
            "did order at least 2 times in the last 14 days",
        ),
        (
            "did order between 2 and 5 times between 30 and 60 days ago",
            "did order between 2 and 5 times between 30 and 60 days ago",
        ),
        (
            "did order between 1 and 2 weeks ago between 0 and 1 times",
            "did order between 0 and 1 times between 7 and 14 days ago",
        ),
        (
            "did not order more than 90 minutes ago",
            "did not order more than 90 minutes ago",
        ),
        (
            "did order in the last 24 months in zone 'UTC' at least 2 times",
            "did order at least 2 times in the last 2 years in zone \"UTC\"",
        ),
        (
            "was not sent 'w' more than 1 month ago in contact's zone",
            "was not sent \"w\" more than 1 month ago in contact's zone",
        ),
        (
            "sum of amount of order between 1 and 2 between 1 and 2 years ago",
            "sum of amount of order between 1 and 2 between 1 and 2 years ago",
        ),
        (
            "did order between 6 and 12 months ago",
            "did order between 6 and 12 months ago",
        ),
        (
            "opened at least 2 of the last 5 mails and clicked none of the last 1 message",
            "opened at least 2 of the last 5 messages and clicked none of the last 1 message",
        ),
        (
            "replied to between 1 and 2 of the last 3 messages or clicked exactly 0 of the last 3 messages",
            "replied to between 1 and 2 of the last 3 messages or clicked none of the last 3 messages",
        ),
        (
            "opened between 1 and 2 and clicked is known and opened at most 1 of the last 2 messages",
            "opened between 1 and 2 and clicked is known and opened at most 1 of the last 2 messages",
        ),
        (
            "did order where amount > 1 and opened none of the last 2 messages",
            "(did order where amount > 1) and opened none of the last 2 messages",
        ),
        (
            "did visit in the last 30 days at least 5 days in a row in contact's zone where page is 'x'",
            "did visit on at least 5 days in a row in contact's zone in the last 30 days where page is \"x\"",
        ),
        (
            "did not visit in at least 1 week in a row this month in zone 'UTC'",
            "did not visit in at least 1 week in a row this month in zone \"UTC\"",
        ),
        ("did order Last Week", "did order last week"),
        (
            "did order this quarter in contact's zone where amount > 1",
            "did order this quarter in contact's zone where amount > 1",
        ),
        ("did last last year", "did last last year"),
        ("birthday is tomorrow", "birthday tomorrow"),
        (
            "city does not contain 'x' and city does not start with 'y'",
            "city does not contain \"x\" and city does not start with \"y\"",
        ),
        ("city does not end with 'x'", "city does not end with \"x\""),
        (
            "city is like 'B*' or city is not like 'K?ln'",
            "city is like \"B*\" or city is not like \"K?ln\"",
        ),
        (
            "city is nearly 'Meier' or city is not nearly 'x'",
            "city is nearly \"Meier\" or city is not nearly \"x\"",
        ),
        ("nearly is nearly 'x'", "nearly is nearly \"x\""),
        (
            "city matches '^b' and city does not match 'n$'",
            "city matches \"^b\" and city does not match \"n$\"",
        ),
        ("city has at least 1 characters", "city has at least 1 character"),
        (
            "city has between 2 and 5 characters",
            "city has between 2 and 5 characters",
        ),
        ("email domain is 'x.com'", "email domain is \"x.com\""),
        (
            "email domain is any of ('a', 'b')",
            "email domain is any of (\"a\", \"b\")",
        ),
        (
            "email is free mail or email is a role account",
            "email is free mail or email is a role account",
        ),
        (
            "domain is 'x.com' and does is known",
            "domain is \"x.com\" and does is known",
        ),
        ("age not between 5 and 10", "age not between 5 and 10"),
        (
            "total not between 5 EUR and 10 EUR",
            "total not between 5.00 EUR and 10.00 EUR",
        ),
        ("age is a multiple of 5", "age is a multiple of 5"),
        ("age >= height and `nan` = `nan`", "age >= height and nan = `nan`"),
        ("interests has exactly ('tea')", "interests has exactly (\"tea\")"),
        ("interests has exactly 1 option", "interests has exactly 1 option"),
        (
            "sum of amount of order not between 1 and 2",
            "sum of amount of order not between 1 and 2",
        ),
        (
            "birthday on a Monday in zone 'UTC'",
            "birthday on a monday in zone \"UTC\"",
        ),
        (
            "birthday in may in contact's zone",
            "birthday in may in contact's zone",
        ),
        ("birthday on day 29", "birthday on day 29 of the month"),
        (
            "birthday on day plus 1 week and x = 1",
            "birthday on day plus 7 days and x = 1",
        ),
        ("birthday on a minus 1 day", "birthday on a minus 1 day"),
        ("birthday before `and`", "birthday before `and`"),
        (
            "birthday after seen_at in zone 'UTC'",
            "birthday after seen_at in zone \"UTC\"",
        ),
        ("birthday in the last 24 months", "birthday in the last 2 years"),
        ("birthday in the next 1 month", "birthday in the next 1 month"),
        ("birthday anniversary today", "birthday anniversary in 0 days"),
        (
            "birthday anniversary in 2 weeks",
            "birthday anniversary in 14 days",
        ),
        (
            "birthday anniversary 3 days ago",
            "birthday anniversary 3 days ago",
        ),
        (
            "birthday anniversary in the last 7 days",
            "birthday anniversary in the last 7 days",
        ),
        (
            "birthday anniversary in the next 7 days",
            "birthday anniversary in the next 7 days",
        ),
        ("birthday next month", "birthday next month"),
        (
            "first did order where amount > 1 in the last 3 days and last did order yesterday",
            "(first did order in the last 3 days where amount > 1) and last did order yesterday",
        ),
        ("first is known and last = 1", "first is known and last = 1"),
        (
            "sum of amount of order in the last 90 days is at least 100 EUR where product is 'x'",
            "sum of amount of order >= 100.00 EUR in the last 90 days where product is \"x\"",
        ),
        (
            "did order where amount > 1 and average of amount of order between 1 and 2",
            "(did order where amount > 1) and average of amount of order between 1 and 2",
        ),
        (
            "number of different product of order between 2 and 5 between 2 and 5 days ago",
            "number of different product of order between 2 and 5 between 2 and 5 days ago",
        ),
        (
            "sum is known and number of different `of` of of > 1",
            "sum is known and number of different of of of > 1",
        ),
        (
            "did visit in the last 30 days where page is 'x' then order where amount > 1 within 48 hours",
            "did visit where page is \"x\" then order where amount > 1 within 2 days in the last 30 days",
        ),
        (
            "did cart without order within 1 day and tag 'x'",
            "did cart without order within 1 day and tag \"x\"",
        ),
        (
            "did order in the last 90 minutes",
            "did order in the last 90 minutes",
        ),
        (
            "did order since 2026-01-01 in workspace's zone",
            "did order since 2026-01-01",
        ),
        (
            "was sent 'w' between 2026-01-01 and 2026-01-31 in contact’s zone exactly 1 time",
            "was sent \"w\" exactly 1 time between 2026-01-01 and 2026-01-31 in contact's zone",
        ),
        (
            "did order on 2026-03-29 in zone 'Europe/Berlin'",
            "did order on 2026-03-29 in zone \"Europe/Berlin\"",
        ),
        (
            "did order before 2026-01-01T00:00:00+01:00",
            "did order before 2025-12-31T23:00:00Z",
        ),
        (
            "did order where amount >= 10 at least 2 times in the last 30 days and city is \"Bonn\"",
            "(did order at least 2 times in the last 30 days where amount >= 10) and city is \"Bonn\"",
        ),
        ("birthday is 2000-02-29", "birthday on 2000-02-29"),
        (
            "did order where amount >= 10 and product is \"beans\"",
            "did order where amount >= 10 and product is \"beans\"",
        ),
        (
            "did order where (amount ≥ 10) and city is \"Bonn\"",
            "(did order where amount >= 10) and city is \"Bonn\"",
        ),
        (
            "did order where amount >= 10 and tag \"vip\"",
            "(did order where amount >= 10) and tag \"vip\"",
        ),
        ("not city is known", "city is empty"),
        ("age is not 5", "age != 5"),
        ("total >= 100 eur", "total >= 100.00 EUR"),
        ("total < -5 JPY AND age > 1e3", "total < -5 JPY and age > 1000"),
        (
            "birthday anniversary within 1 week in contact's zone",
            "birthday anniversary within 7 days in contact's zone",
        ),
        (
            "birthday before 2000-02-29 in workspace's zone",
            "birthday before 2000-02-29",
        ),
        ("interests has \"tea\"", "interests has any of (\"tea\")"),
        (
            "consent EMAIL marketing by double_opt_in",
            "consent email marketing by double_opt_in",
        ),
        ("random 10%", "random 10% of \"\""),
        (
            "at least 1 of (everyone, in segment \"V\\\"IP\")",
            "at least 1 of (everyone, in segment \"V\\\"IP\")",
        ),
        ("`tag` is known", "`tag` is known"),
        (
            "was not sent 'w' in the last 1 day",
            "was not sent \"w\" in the last 1 day",
        ),
    ] {
        assert_eq!(print(&reads(written)), canonical, "{written}");
        assert_eq!(reads(canonical), reads(written), "{written}");
    }
}

#[test]
fn each_example_of_the_help_can_be_read() {
    let examples = GRAMMAR_HELP
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|l| !l.starts_with(' '));
    let mut n = 0;
    for line in examples {
        let example = line.split("   ").next().unwrap_or(line);
        reads(example);
        n += 1;
    }
    assert!(n >= 15, "{n} examples");
}

#[test]
fn each_example_of_the_window_can_be_read() {
    let source = include_str!("../../../../../../ui/src/segments/examples.ts");
    let (_, list) = source.split_once("EXAMPLES = [").expect("the list");
    let (list, _) = list.split_once("\n]").expect("its end");
    let mut n = 0;
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let quoted = line.trim_end_matches(',');
        let quote = quoted.chars().next().filter(|c| ['"', '\'', '`'].contains(c));
        let text = quote.and_then(|quote| quoted.strip_prefix(quote)?.strip_suffix(quote));
        let text = text.unwrap_or_else(|| panic!("not one text a line: {line}"));
        assert!(!text.contains('\\'), "an escape this test does not undo: {line}");
        assert_eq!(reads(&print(&reads(text))), reads(text));
        n += 1;
    }
    assert!(n >= 5, "{n} examples");
}

/// What the window offers as somebody writes, each finished to an expression by its own test.
#[test]
fn each_offer_of_the_window_can_be_read_and_fits_its_field() {
    let field = |key: &str, field_type, options: &[&str]| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        built_in: false,
        score: None,
    };
    let fields = [
        field("city", FieldType::Text, &[]),
        field("billing_city", FieldType::Text, &[]),
        field("tag", FieldType::Text, &[]),
        field("age", FieldType::Number, &[]),
        field("nan", FieldType::Number, &[]),
        field("total", FieldType::Money, &[]),
        field("paid", FieldType::Money, &[]),
        field("newsletter", FieldType::YesNo, &[]),
        field("plan", FieldType::Choice, &["gold", "the \"big\" one"]),
        field("interests", FieldType::MultiChoice, &["tea", "coffee"]),
        field("birthday", FieldType::Date, &[]),
        field("created_at", FieldType::DateTime, &[]),
    ];
    let segments = BTreeSet::from(["VIP".to_owned()]);
    let offered = include_str!("../../../../../../ui/test/offered.txt");
    for text in offered.lines() {
        let problems = check(&reads(text), &fields, &segments);
        // A text that is still empty is one to be typed, and so is the rest of a list.
        let wrong = problems.iter().find(|problem| !problem.name.is_empty());
        assert!(wrong.is_none(), "{text}: {wrong:?}");
    }
    assert!(offered.lines().count() > 500);
}

#[test]
fn hostile_depth_length_and_number_are_refused() {
    let deep = |open: &str, close: &str| {
        format!(
            "{}everyone{}",
            open.repeat(20_000 / open.len()),
            close.repeat(20_000 / open.len())
        )
    };
    for text in [
        deep("(", ")"),
        deep("not ", ""),
        deep("all(", ")"),
        deep("at least 1 of (", ")"),
    ] {
        assert!(parse(&text).expect_err("too deep").message.contains("64 deep"));
    }
    let alternating = "(everyone or everyone and ".repeat(40) + "everyone" + &")".repeat(40);
    assert!(
        parse(&alternating)
            .expect_err("too deep")
            .message
            .contains("64 deep")
    );
    assert!(
        parse(&"x ".repeat(40_000))
            .expect_err("too long")
            .message
            .contains("64 KiB")
    );
    assert!(
        parse(&vec!["a = 1"; 2_001].join(" or "))
            .expect_err("too many")
            .message
            .contains("2000")
    );
    assert!(parse(&vec!["a = 1"; 2_000].join(" or ")).is_ok());
    let wide = "é".repeat(40_000);
    assert!(parse(&wide).is_err_and(|error| wide.is_char_boundary(error.at)));
    for number in [
        "9".repeat(60_000),
        format!("1e{}", "9".repeat(60_000)),
        format!("0.{}1", "0".repeat(60_000)),
    ] {
        for text in [
            format!("a = {number}"),
            format!("a = {number} EUR"),
            format!("a in the last {number} days"),
            format!("at least {number} of ()"),
            format!("did x at most {number} times in the last {number} weeks"),
            format!("random {number}%"),
            format!("a on {number}-01-01"),
            format!("did x since {number}-01-01T00:00:00Z"),
        ] {
            if let Ok(expr) = parse(&text) {
                assert_eq!(parse(&print(&expr)), Ok(expr));
            }
        }
    }
    assert!(parse(&format!("{}everyone{}", "(".repeat(64), ")".repeat(64))).is_ok());
}

#[test]
fn the_deepest_expressions_that_pass_the_check_read_back() {
    let leaf = || reads("did order where amount = 1");
    let wraps: [fn(Expr, Expr) -> Expr; 6] = [
        |inner, _| Expr::Not(Box::new(inner)),
        |inner, leaf| Expr::All(vec![inner, leaf]),
        |inner, leaf| Expr::Any(vec![leaf, Expr::Not(Box::new(inner))]),
        |inner, _| Expr::All(vec![inner]),
        |inner, _| Expr::None(vec![inner]),
        |inner, leaf| Expr::AtLeast {
            k: 1,
            of: vec![leaf, inner],
        },
    ];
    let known = |expr: &Expr| check(expr, &[], &BTreeSet::new());
    for (a, b) in (0..6).flat_map(|a| (0..6).map(move |b| (a, b))) {
        let mut expr = leaf();
        let mut level = 0;
        loop {
            let deeper = wraps[if level % 2 == 0 { a } else { b }](expr.clone(), leaf());
            if !known(&deeper).is_empty() {
                break;
            }
            expr = deeper;
            level += 1;
        }
        assert!(level >= 31, "{a} {b}: {level}");
        assert_eq!(parse(&print(&expr)), Ok(expr), "{a} {b}");
        let too_deep = (0..64).fold(leaf(), |expr, _| wraps[a](expr, leaf()));
        assert_eq!(known(&too_deep)[0].code, "too_deep");
    }
}

#[test]
fn the_ends_of_time_read_back() {
    use carillon_model::segment::{DateTest, EventMatch, Times, Window, Zone};
    use chrono::NaiveDate;
    for date in [NaiveDate::MIN, NaiveDate::MAX, NaiveDate::default()] {
        let expr = Expr::Clause(Clause::Field {
            key: "x".to_owned(),
            test: Test::Date {
                when: DateTest::On(date),
                zone: Zone::Workspace,
            },
        });
        assert_eq!(parse(&print(&expr)), Ok(expr));
    }
    let leap_second: Moment = "2016-12-31T23:59:60.5Z".parse().expect("a leap second");
    for at in [
        Moment::MIN_UTC,
        Moment::MAX_UTC,
        leap_second,
        epoch() - TimeDelta::nanoseconds(1),
    ] {
        let window = Window::Between {
            from: Some(at),
            to: None,
        };
        let event = EventMatch {
            name: "x".to_owned(),
            props: Vec::new(),
        };
        let expr = Expr::Clause(Clause::Did {
            event,
            times: Times::AtLeast(1),
            window,
        });
        assert_eq!(parse(&print(&expr)), Ok(expr));
        let dated = contact(&[("x", Value::DateTime(at))]);
        for test in [
            "x in the last 3 days",
            "x more than 4294967295 days ahead",
            "x anniversary within 3 days",
            "x before 2026-01-01",
        ] {
            let verdict = eval(&reads(test), &dated, at, &scope(&[]));
            assert!(verdict.until.is_none_or(|until| until > at), "{test} at {at}");
        }
    }
}

#[test]
fn steps_of_journeys_read_as_sentences() {
    for (text, canonical) in [
        (
            "AT step 's1' of journey 'Welcome'",
            "at step \"s1\" of journey \"Welcome\"",
        ),
        (
            "not at step 's1' of journey 'Welcome'",
            "not at step \"s1\" of journey \"Welcome\"",
        ),
        (
            "came to step 's1' of journey 'Welcome' at least 2 times in the last 30 days",
            "came to step \"s1\" of journey \"Welcome\" at least 2 times in the last 30 days",
        ),
        (
            "passed step 's1' of journey 'Welcome' ever",
            "passed step \"s1\" of journey \"Welcome\"",
        ),
        (
            "did order where amount > 1 and left step 's1' of journey 'W' and at step 's1' of journey 'W'",
            "(did order where amount > 1) and left step \"s1\" of journey \"W\" and at step \"s1\" of journey \"W\"",
        ),
    ] {
        assert_eq!(print(&reads(text)), canonical);
    }
    for (text, message) in [
        (
            "at step s1 of journey 'W'",
            "found `s1`, expected a step's id in quotes",
        ),
        ("passed step 's1'", "found the end, expected `of`"),
        (
            "came to step 's1' of segment 'W'",
            "found `segment`, expected `journey`",
        ),
        ("at step 's1' of journey 'W' in the last 3 days", "found `in`"),
    ] {
        let error = parse(text).expect_err("no step of a journey");
        assert!(error.message.contains(message), "{text}: {}", error.message);
    }
}
