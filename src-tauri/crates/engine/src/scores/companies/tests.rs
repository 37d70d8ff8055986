//! The score of companies by example, its parts against its total, and what is wrong with it.

use super::*;
use crate::record::Numbers;
use crate::scores::{OF_COMPANIES, check};
use crate::segment::InUse;
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::score::ScoreModel;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn scope() -> Scope {
    Scope {
        zone: chrono_tz::Europe::Berlin,
        segments: BTreeMap::new(),
        numbers: Numbers::default(),
    }
}

fn now() -> Moment {
    "2026-06-01T00:00:00Z".parse().expect("a moment")
}

fn rule(key: &str, when: &str, people: Option<u32>, points: i32) -> CompanyRule {
    CompanyRule {
        key: key.to_owned(),
        when: when.to_owned(),
        people,
        points,
    }
}

fn model(roll_up: RollUp, rules: Vec<CompanyRule>) -> CompanyScoring {
    CompanyScoring {
        roll_up,
        rules,
        bounds: ScoreBounds::default(),
    }
}

fn industry(name: &str) -> ContactRecord {
    ContactRecord {
        fields: [("company.industry".to_owned(), Value::Text(name.to_owned()))].into(),
        ..ContactRecord::default()
    }
}

fn scored(
    model: &CompanyScoring,
    points: &[i64],
    meeting: &[u32],
    fields: &ContactRecord,
) -> Option<CompanyScored> {
    let companies = Companies::read(Some(model)).expect("a model that reads");
    let facts = CompanyFacts {
        points,
        meeting,
        fields,
    };
    companies.score(&facts, now(), &scope())
}

fn total(roll_up: RollUp, points: &[i64]) -> Option<i64> {
    scored(
        &model(roll_up, Vec::new()),
        points,
        &[],
        &ContactRecord::default(),
    )
    .map(|scored| scored.total)
}

#[test]
fn points_of_people_are_added_up_or_their_mean_or_the_most_of_them() {
    let points = [10, -4, 0, 8];
    assert_eq!(total(RollUp::Sum, &points), Some(14));
    assert_eq!(total(RollUp::Average, &points), Some(4), "3.5 is 4");
    assert_eq!(
        total(RollUp::Average, &[-10, 3]),
        Some(-4),
        "a half away from zero"
    );
    assert_eq!(total(RollUp::Highest, &points), Some(10));
    assert_eq!(total(RollUp::Highest, &[-10, -3]), Some(-3));
    assert_eq!(total(RollUp::Nothing, &points), Some(0));
    let companies = Companies::read(None).expect("no model");
    let facts = CompanyFacts {
        points: &points,
        meeting: &[],
        fields: &ContactRecord::default(),
    };
    let plain = companies.score(&facts, now(), &scope()).expect("measured");
    assert_eq!(
        (plain.total, plain.contacts, plain.sum, plain.highest),
        (14, 4, 14, Some(10))
    );
}

#[test]
fn a_company_of_whom_nobody_is_measured_has_a_score_only_by_rules() {
    for roll_up in [RollUp::Sum, RollUp::Average, RollUp::Highest, RollUp::Nothing] {
        assert_eq!(total(roll_up, &[]), None);
    }
    let fit = model(
        RollUp::Average,
        vec![rule("retail", "company.industry is \"Retail\"", None, 30)],
    );
    let of = |name| scored(&fit, &[], &[], &industry(name)).map(|scored| scored.total);
    assert_eq!((of("Retail"), of("Mining")), (Some(30), Some(0)));
}

#[test]
fn a_rule_counts_while_the_company_meets_it_or_enough_of_its_people_do() {
    let both = model(
        RollUp::Sum,
        vec![
            rule("team", "score_fit >= 50", Some(3), 20),
            rule("retail", "company.industry is \"Retail\"", None, 7),
            rule("few", "tag \"vip\"", Some(1), -2),
        ],
    );
    let companies = Companies::read(Some(&both)).expect("a model");
    assert_eq!(companies.of_people().count(), 2);
    assert_eq!(companies.fields(), BTreeSet::from(["company.industry"]));
    let of = |meeting: &[u32], name| {
        let scored = scored(&both, &[1], meeting, &industry(name)).expect("measured");
        let rules = scored.rules.iter().map(|rule| (rule.count, rule.points / MILLI));
        (scored.total, rules.collect::<Vec<_>>())
    };
    assert_eq!(of(&[2, 0], "Retail"), (8, vec![(2, 0), (1, 7), (0, 0)]));
    assert_eq!(of(&[3, 1], "Retail"), (26, vec![(3, 20), (1, 7), (1, -2)]));
    assert_eq!(of(&[9, 0], "Mining"), (21, vec![(9, 20), (0, 0), (0, 0)]));
}

#[test]
fn bounds_hold_the_whole_and_say_what_they_took() {
    let mut capped = model(
        RollUp::Sum,
        vec![rule("retail", "company.industry is \"Retail\"", None, 70)],
    );
    capped.bounds = ScoreBounds {
        least: Some(0),
        most: Some(100),
    };
    let of = |points: &[i64]| {
        let scored = scored(&capped, points, &[], &industry("Retail")).expect("measured");
        (scored.total, scored.limited)
    };
    assert_eq!(of(&[20]), (90, 0));
    assert_eq!(of(&[50]), (100, -20 * MILLI));
    assert_eq!(of(&[-100]), (0, 30 * MILLI));
}

proptest! {
    #[test]
    fn the_parts_make_the_total(
        points in vec(-5_000i64..5_000, 0..20), meeting in vec(0u32..6, 4), roll_up in 0usize..4,
        rules in vec((1u32..6, -50i32..50), 4), bounds in (proptest::option::of(-500i32..0), proptest::option::of(0i32..500)),
    ) {
        let roll_up = [RollUp::Sum, RollUp::Average, RollUp::Highest, RollUp::Nothing][roll_up];
        let rules = rules.iter().enumerate().map(|(n, (people, points))| rule(&format!("r{n}"), "tag \"x\"", Some(*people), *points));
        let mut model = model(roll_up, rules.collect());
        model.bounds = ScoreBounds { least: bounds.0, most: bounds.1 };
        let scored = scored(&model, &points, &meeting, &ContactRecord::default()).expect("it has rules");
        // Worked out again in numbers with a point.
        let n = points.len() as f64;
        let sum = points.iter().sum::<i64>() as f64;
        let most = points.iter().max().map_or(0.0, |most| *most as f64);
        let people = match roll_up { RollUp::Sum => sum, RollUp::Average if n > 0.0 => sum / n, RollUp::Highest => most, _ => 0.0 };
        let of_rules: i32 = model.rules.iter().zip(&meeting).filter(|(rule, met)| Some(**met) >= rule.people).map(|(rule, _)| rule.points).sum();
        let free = people + f64::from(of_rules);
        let held = free.max(bounds.0.map_or(f64::MIN, f64::from)).min(bounds.1.map_or(f64::MAX, f64::from));
        prop_assert!((scored.total as f64 - held).abs() <= 0.501, "{} or {held}", scored.total);
        let parts = scored.rolled_up + scored.rules.iter().map(|rule| rule.points).sum::<i64>() + scored.limited;
        prop_assert_eq!(rounded(parts), scored.total);
    }
}

fn field(key: &str, field_type: FieldType, score: Option<&str>) -> Field {
    Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: Vec::new(),
        built_in: false,
        score: score.map(str::to_owned),
    }
}

/// The places and kinds of what is wrong with the score of companies of an otherwise empty model.
fn wrong(companies: CompanyScoring) -> Vec<(String, ScoreProblemKind)> {
    let model = ScoreModel::Points {
        groups: Vec::new(),
        bounds: ScoreBounds::default(),
        stages: Vec::new(),
        companies: Some(companies),
    };
    let fields = [
        field("company.industry", FieldType::Text, None),
        field("city", FieldType::Text, None),
        field("score_fit", FieldType::Number, Some("fit")),
    ];
    let names = InUse {
        tags: BTreeSet::from(["vip".to_owned()]),
        ..InUse::default()
    };
    let found = check(&model, &fields, &BTreeMap::new(), &BTreeSet::new(), &names);
    found
        .into_iter()
        .map(|problem| (problem.place, problem.kind))
        .collect()
}

#[test]
fn rules_of_people_read_what_segments_read_and_those_of_the_company_its_fields_alone() {
    let retail = "company.industry is \"Retail\"";
    let fine = vec![
        rule("a", retail, None, 5),
        rule("b", "everyone", None, 5),
        rule("c", "score_fit >= 50 and did order", Some(1_000_000), -5),
    ];
    assert_eq!(wrong(model(RollUp::Nothing, fine)), []);
    let one = |of: CompanyRule| wrong(model(RollUp::Sum, vec![of]));
    let at = |kind| vec![("r".to_owned(), kind)];
    for (when, clause) in [
        ("city is \"Bonn\"", "city is \"Bonn\""),
        ("company.industry is \"Retail\" and did order", "did order"),
        ("score_fit >= 1", "score_fit >= 1"),
        ("random 10%", "random 10% of \"\""),
        ("not tag \"vip\"", "tag \"vip\""),
    ] {
        assert_eq!(
            one(rule("r", when, None, 5)),
            at(ScoreProblemKind::NotOfCompany(clause.to_owned())),
            "{when}"
        );
    }
    for people in [0, 1_000_001] {
        assert_eq!(
            one(rule("r", "city is known", Some(people), 5)),
            at(ScoreProblemKind::BadPeople)
        );
    }
    assert_eq!(one(rule("r", retail, None, 0)), at(ScoreProblemKind::BadPoints));
    assert_eq!(one(rule("R!", retail, None, 1))[0].1, ScoreProblemKind::BadKey);
    assert!(matches!(
        &one(rule("r", "city is", Some(1), 5))[..],
        [(_, ScoreProblemKind::Unreadable { .. })]
    ));
    assert!(matches!(
        &one(rule("r", "company.sector is \"x\"", None, 5))[..],
        [(_, ScoreProblemKind::Unfit { at: 0, .. })]
    ));
    assert!(matches!(
        &one(rule("r", "tag \"vib\"", Some(1), 5))[..],
        [(_, ScoreProblemKind::Doubtful { at: 4, .. })]
    ));
    let same = vec![rule("r", retail, None, 1), rule("r", retail, None, 2)];
    assert_eq!(wrong(model(RollUp::Sum, same)), at(ScoreProblemKind::BadKey));
    let whole = |kind| vec![(OF_COMPANIES.to_owned(), kind)];
    assert_eq!(
        wrong(model(RollUp::Nothing, Vec::new())),
        whole(ScoreProblemKind::NothingOfCompanies)
    );
    let mut upside_down = model(RollUp::Sum, Vec::new());
    upside_down.bounds = ScoreBounds {
        least: Some(1),
        most: Some(0),
    };
    assert_eq!(wrong(upside_down), whole(ScoreProblemKind::BadBounds));
}

#[test]
fn a_model_that_says_nothing_of_companies_is_written_as_before() {
    let text = r#"{"kind":"points","groups":[],"bounds":{"least":null,"most":null},"stages":[]}"#;
    let plain: ScoreModel = serde_json::from_str(text).expect("a model");
    assert_eq!(serde_json::to_string(&plain).expect("JSON"), text);
    let said = r#"{"kind":"points","groups":[],"companies":{"roll_up":"average","rules":[{"key":"a","when":"everyone","points":1}]}}"#;
    let ScoreModel::Points {
        companies: Some(read),
        ..
    } = serde_json::from_str(said).expect("a model")
    else {
        panic!("no companies")
    };
    assert_eq!(read, model(RollUp::Average, vec![rule("a", "everyone", None, 1)]));
}
