//! What is refused, where it points, and what it suggests.

use super::*;

#[test]
fn errors_point_at_the_place_and_suggest_the_word() {
    let error = |text: &str| parse(text).expect_err(text);
    let near = error("city contians \"x\"");
    assert_eq!(near.at, 5);
    assert!(
        near.message.contains("found `contians`") && near.message.contains("did you mean `contains`?"),
        "{near}"
    );
    assert_eq!(error("city is \"Bonn").at, 8);
    assert!(
        error("did a at least 2 times then b within 1 day")
            .message
            .contains("how often")
    );
    assert!(
        error("a rose by 3 in the last 2 days")
            .message
            .contains("`at least`")
    );
    assert!(error("a is in the 10%").message.contains("`top` or `bottom`"));
    assert!(
        error("a is in the tpo 10%")
            .message
            .contains("did you mean `top`?")
    );
    assert!(error("a is in the top 10 EUR").message.contains("`%`"));
    assert!(error("a rose within 2 days").message.contains("`in`"));
    assert!(error("a rose in the last 2 months").message.contains("weeks"));
    assert!(
        error("a rsoe in the last 2 days")
            .message
            .contains("did you mean `rose`?")
    );
    assert!(error("a on day 32").message.contains("from 1 to 31"));
    assert!(error("a anniversary on").message.contains("`within`"));
    assert!(
        error("a in the last 3 moths")
            .message
            .contains("did you mean `months`?")
    );
    assert!(error("a does not hold 'x'").message.contains("`contain`"));
    assert!(error("a has at least 2").message.contains("`characters`"));
    assert!(error("sum of a of b > c").message.contains("expected a number"));
    assert!(error("did a then b").message.contains("`within`"));
    assert!(
        error("sum of amount of order this week")
            .message
            .contains("a bound")
    );
    assert!(error("sum of a of b > 1 > 2").message.contains("said twice"));
    assert!(error("did order between 2 and 5").message.contains("`times`"));
    assert!(
        error("last did order at least 2 times")
            .message
            .contains("found `at`")
    );
    assert_eq!(error("city is").at, 7);
    assert!(
        error("opened at least 2 of the last 5 orders")
            .message
            .contains("`messages`")
    );
    assert!(error("opened at least 2 times").message.contains("`of`"));
    assert!(
        error("did visit at least 2 times on at least 2 days in a row")
            .message
            .contains("said twice")
    );
    assert!(error("did visit on at least 2 days").message.contains("`in`"));
    assert!(
        error("did a on at least 2 days in a row then b within 1 day")
            .message
            .contains("how often")
    );
    assert!(error("city is nearly").message.contains("text in quotes"));
    assert!(
        error("city is neraly 'Bonn'")
            .message
            .contains("did you mean `nearly`?")
    );
    assert!(error("city is Bonn").message.contains("text in quotes"));
    assert!(
        error("tag \"a\" nad tag \"b\"")
            .message
            .contains("did you mean `and`?")
    );
    assert!(
        error("did order in the last 3 dyas")
            .message
            .contains("did you mean `days`?")
    );
    assert!(error("seen on 2026-02-30").message.contains("no date"));
    assert!(error("total > 1.234 EUR").message.contains("2 digits"));
    assert!(
        error("did order in the last 60000 days")
            .message
            .contains("longer")
    );
    assert!(
        error("did order in the last 400000000 years")
            .message
            .contains("longer")
    );
    assert!(error("did a then b within 2 months").message.contains("weeks"));
    assert!(error("did order ever ever").message.contains("twice"));
    assert!(
        error("consent email marketng")
            .message
            .contains("did you mean `marketing`?")
    );
    assert!(error("a = 1 # b").message.contains("'#'"));
    let mixed = error("did order between 2026-01-01 and 2026-02-01T00:00:00Z");
    assert_eq!(mixed.at, 33, "{mixed}");
    let twice = error("did order ever where a = 1 in the last 3 days");
    assert_eq!(twice.at, 27, "{twice}");
}

/// What `locate` shows of the first problem that `check` finds.
fn shown(text: &str) -> &str {
    let field = |key: &str, field_type, options: &[&str]| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        built_in: false,
        score: None,
    };
    let fields = [
        field("email", FieldType::Text, &[]),
        field("plan", FieldType::Choice, &["plan", "Pro"]),
        field("added", FieldType::Date, &[]),
    ];
    let problems = check(&reads(text), &fields, &BTreeSet::from(["VIP".to_owned()]));
    &text[locate(text, &problems[0])]
}

#[test]
fn a_problem_of_a_name_points_at_that_name_however_it_was_written() {
    for (text, wanted) in [
        ("email is known and mail is 'x'", "mail"),
        ("email is 'mail' and not mail is empty", "mail"),
        ("email is 'x' OR plan is any of ('plan', 'por')", "'por'"),
        ("plan is 'plans'", "'plans'"),
        ("not  in   segment 'vip' and email is 'vip'", "'vip'"),
        (
            "added before 2026-01-01 in zone 'Europe/Berlim'",
            "'Europe/Berlim'",
        ),
        ("was sent any message since 2026-01-01 in zone 'Mars'", "'Mars'"),
        (
            "did visit on at least 2 days in a row in zone 'Mars' ever",
            "'Mars'",
        ),
        ("email is 'x' and email > 5 and plan is 'Pro'", "email > 5"),
        ("did order where (`a b` between 1 eur and 2 usd)", "usd"),
        ("email is known and random 101%", "random 101%"),
        ("added after addded plus 3 days", "addded"),
        ("added after email", "added after email"),
        ("email matches '(' and email is known", "'('"),
        ("email is known and added is nearly 'x'", "added is nearly 'x'"),
        (
            "email is known or opened at least 3 of the last 2 messages",
            "opened at least 3 of the last 2 messages",
        ),
        (
            "clicked none of the last 0 messages",
            "clicked none of the last 0 messages",
        ),
        ("email < email", "email < email"),
        ("email = plan", "email = plan"),
        ("plan has exactly 1 option", "plan has exactly 1 option"),
        (
            "at least 3 of (email is known, plan is known)",
            "at least 3 of (email is known, plan is known)",
        ),
    ] {
        assert_eq!(shown(text), wanted, "{text}");
    }
    let long = format!("'{}'", "x".repeat(201));
    let text = format!("email is nearly {long} or email is known");
    assert_eq!(shown(&text), long);
}

#[test]
fn only_of_what_somebody_writes_is_it_asked_when() {
    let field = |key: &str, score: Option<&str>| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type: FieldType::Number,
        options: Vec::new(),
        built_in: false,
        score: score.map(str::to_owned),
    };
    let fields = [
        field("age", None),
        field("score_shop", Some("shop")),
        field("company.size", None),
        field("created_at", None),
    ];
    let said = |text: &str| -> Vec<(String, String)> {
        let all = check(&reads(text), &fields, &BTreeSet::new());
        all.into_iter()
            .map(|problem| (problem.code, problem.message))
            .collect()
    };
    assert_eq!(said("age changed in the last 30 days"), []);
    for key in ["score_shop", "company.size", "created_at"] {
        let all = said(&format!("{key} changed this month"));
        assert!(
            all.len() == 1 && all[0].0 == "wrong_type" && all[0].1.contains(key),
            "{all:?}"
        );
    }
    assert_eq!(said("agee changed today")[0].0, "unknown_field");
    assert_eq!(said("`age changed` is known")[0].0, "unknown_field");
    let error = parse("age changed is known").expect_err("only dates are asked");
    assert_eq!(error.at, 12);
}

#[test]
fn only_points_of_scores_rise_and_fall_and_by_more_than_nothing() {
    let field = |key: &str, field_type, score: Option<&str>| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: Vec::new(),
        built_in: false,
        score: score.map(str::to_owned),
    };
    let fields = [
        field("age", FieldType::Number, None),
        field("score_fit", FieldType::Number, Some("fit")),
        field("score_mark", FieldType::Text, Some("mark")),
        field("stage_fit_since", FieldType::DateTime, Some("fit")),
    ];
    let said = |text: &str| -> Vec<(String, String)> {
        let all = check(&reads(text), &fields, &BTreeSet::new());
        let shown = |problem: &ExprProblem| text[locate(text, problem)].to_owned();
        all.iter()
            .map(|problem| (problem.code.clone(), shown(problem)))
            .collect()
    };
    for fine in [
        "score_fit rose in the last 7 days",
        "score_fit fell by at least 1 in the last 7 days",
        "score_fit rose by at least 150% in the last 7 days",
    ] {
        assert_eq!(said(fine), [], "{fine}");
    }
    for (text, code, shown) in [
        (
            "age rose in the last 7 days",
            "wrong_type",
            "age rose in the last 7 days",
        ),
        (
            "score_mark fell in the last 7 days",
            "wrong_type",
            "score_mark fell in the last 7 days",
        ),
        (
            "stage_fit_since fell in the last 7 days",
            "wrong_type",
            "stage_fit_since fell in the last 7 days",
        ),
        (
            "age > 3 and score_fti rose in the last 7 days",
            "unknown_field",
            "score_fti",
        ),
        (
            "age > 3 and score_fit rose by at least 0 in the last 7 days",
            "bad_difference",
            "score_fit rose by at least 0 in the last 7 days",
        ),
        (
            "score_fit rose by at least 0% in the last 7 days",
            "bad_difference",
            "score_fit rose by at least 0% in the last 7 days",
        ),
        (
            "score_fit fell by more than -1 in the last 7 days",
            "bad_difference",
            "score_fit fell by more than -1 in the last 7 days",
        ),
    ] {
        assert_eq!(said(text), [(code.to_owned(), shown.to_owned())], "{text}");
    }
}

#[test]
fn a_rank_is_of_numbers_or_of_one_currency_and_of_a_part_of_all() {
    let field = |key: &str, field_type| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: Vec::new(),
        built_in: false,
        score: None,
    };
    let fields = [
        field("points", FieldType::Number),
        field("spent", FieldType::Money),
        field("born", FieldType::Date),
    ];
    let said = |text: &str| -> Vec<(String, String)> {
        let all = check(&reads(text), &fields, &BTreeSet::new()).into_iter();
        all.map(|problem| (problem.code, problem.message)).collect()
    };
    for fine in [
        "points is in the top 10%",
        "spent is in the bottom 0.5% CHF",
        "points is in the top 99.9%",
    ] {
        assert_eq!(said(fine), [], "{fine}");
    }
    for (text, code, part) in [
        ("points is in the top 0%", "bad_share", "more than 0%"),
        ("points is in the top 100%", "bad_share", "less than 100%"),
        ("points is in the top nan%", "bad_share", "more than 0%"),
        (
            "spent is in the top 10%",
            "no_currency",
            "`spent is in the top 10% EUR`",
        ),
        ("points is in the top 10% EUR", "wrong_type", "no currency"),
        ("born is in the top 10%", "wrong_type", "dates"),
        ("ponits is in the top 10%", "unknown_field", "points"),
    ] {
        let said = said(text);
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert_eq!(said[0].0, code, "{text}");
        assert!(said[0].1.contains(part), "{text}: {}", said[0].1);
    }
}

#[test]
fn a_test_that_does_not_fit_says_how_to_write_one_that_does() {
    let fields = [Field {
        key: "added".to_owned(),
        label: "Added".to_owned(),
        field_type: FieldType::Date,
        options: Vec::new(),
        built_in: false,
        score: None,
    }];
    let problems = check(&reads("added > 5"), &fields, &BTreeSet::new());
    assert!(
        problems[0].message.contains("`added in the last 30 days`"),
        "{}",
        problems[0].message
    );
}

#[test]
fn names_nobody_used_so_far_are_told_with_the_nearest_that_somebody_did() {
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<String>>()
    };
    let known = InUse {
        tags: set(&["VIP", "staff"]),
        events: BTreeMap::from([("order".to_owned(), set(&["amount", "order"]))]),
        templates: set(&["welcome-1"]),
        journeys: set(&["Welcome"]),
        ..InUse::default()
    };
    let told = |text: &str| -> Vec<String> {
        let all = hints(&reads(text), &known);
        all.iter()
            .map(|hint| format!("{}: {}", &text[locate(text, hint)], hint.message))
            .collect()
    };
    assert_eq!(
        told("tag 'VIP' and did order where amount > 1 and was sent any message"),
        [""; 0]
    );
    assert_eq!(
        told(
            "tag 'vip' or did not ordr or did order where (amonut > 1) or was sent 'welcome' or entered journey 'Welcom' or in journey 'Other'"
        ),
        [
            "'vip': nobody has the tag \"vip\" so far; did you mean \"VIP\"?",
            "ordr: \"ordr\" has not happened so far; did you mean \"order\"?",
            "amonut: \"order\" never came with the property \"amonut\" so far; did you mean \"amount\"?",
            "'welcome': there is no template \"welcome\" so far; did you mean \"welcome-1\"?",
            "'Welcom': there is no journey \"Welcom\" so far; did you mean \"Welcome\"?",
            "'Other': there is no journey \"Other\" so far",
        ]
    );
}

#[test]
fn a_step_that_no_version_has_is_pointed_at_and_a_label_is_told_its_id() {
    let of = [("s1", "Wait two days"), ("s2", "")].map(|(id, name)| (id.into(), name.to_owned()));
    let steps = Steps::from([("Welcome".to_owned(), of.into())]);
    let text = "at step 's1' of journey 'Welcome' and passed step 's22' of journey 'Welcome' ever \
                or came to step 'wait TWO days' of journey 'Welcome' or at step 's9' of journey 'Elsewhere'";
    let expr = reads(text);
    let told: Vec<String> = unknown_steps(&expr, &steps)
        .iter()
        .map(|found| format!("{}: {}", &text[locate(text, found)], found.message))
        .collect();
    assert_eq!(
        told,
        [
            "'s22': the journey \"Welcome\" has no step \"s22\", and no version of it had one; did you mean \"s2\"?",
            "'wait TWO days': a step is written by its id, and \"Wait two days\" is what a step of \"Welcome\" is called; \
             did you mean \"s1\"?",
        ]
    );
    assert!(names_step(&expr) && !names_step(&reads("in journey 'Welcome'")));
}
