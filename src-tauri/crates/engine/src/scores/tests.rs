//! Scores by example.

use super::*;
use crate::record::{ContactRecord, Numbers};
use crate::segment::InUse;
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::event::{Event, Prop};
use carillon_model::score::{GradeAxis, GradeBand, ScoreGroup};
use carillon_model::{ContactId, EventId};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};

mod laws;

pub(crate) use laws::models;

const ZONE: chrono_tz::Tz = chrono_tz::Europe::Berlin;

fn scope() -> Scope {
    Scope {
        zone: ZONE,
        segments: BTreeMap::new(),
        numbers: Numbers::default(),
    }
}

fn at(text: &str) -> Moment {
    text.parse().expect("a moment")
}

fn rule(key: &str, when: &str, points: RulePoints) -> ScoreRule {
    ScoreRule {
        key: key.to_owned(),
        when: when.to_owned(),
        points,
        bounds: ScoreBounds::default(),
        from: None,
        to: None,
    }
}

fn group(decay: Decay, rules: Vec<ScoreRule>) -> ScoreGroup {
    ScoreGroup {
        key: "group".to_owned(),
        name: String::new(),
        bounds: ScoreBounds::default(),
        decay,
        rules,
    }
}

fn points(groups: Vec<ScoreGroup>, stages: &[(&str, i32)]) -> ScoreModel {
    let stages = stages.iter().map(|(name, at_least)| ScoreStage {
        name: (*name).to_owned(),
        at_least: *at_least,
    });
    ScoreModel::Points {
        groups,
        bounds: ScoreBounds::default(),
        stages: stages.collect(),
        companies: None,
    }
}

fn read(model: &ScoreModel) -> Points {
    match Scoring::read("engagement", model) {
        Ok(Scoring::Points(points)) => points,
        other => panic!("{other:?}"),
    }
}

fn event(id: i64, name: &str, at: Moment, props: &[(&str, Prop)]) -> Event {
    Event {
        id: EventId(id),
        contact: ContactId(1),
        name: name.to_owned(),
        at,
        arrived_at: at,
        source: String::new(),
        props: props.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
    }
}

fn person(events: Vec<Event>) -> ContactRecord {
    ContactRecord {
        id: 1,
        events,
        ..ContactRecord::default()
    }
}

fn visits(n: i64) -> ContactRecord {
    let first = at("2026-03-01T12:00:00Z");
    person(
        (0..n)
            .map(|i| event(i, "visit", first + TimeDelta::days(i), &[]))
            .collect(),
    )
}

fn totals(model: &ScoreModel, who: &ContactRecord, moments: &[&str]) -> Vec<i64> {
    let points = read(model);
    moments
        .iter()
        .map(|now| points.score(who, at(now), &scope()).total)
        .collect()
}

#[test]
fn an_event_counts_once_each_time_or_by_how_often() {
    let ranges = [(1, Some(2), 3), (3, Some(9), 8), (10, None, 15)]
        .map(|(from, to, points)| FrequencyRange { from, to, points })
        .to_vec();
    let model = |points_of| {
        points(
            vec![group(Decay::None, vec![rule("r", "did visit", points_of)])],
            &[],
        )
    };
    let now = ["2026-06-01T00:00:00Z"];
    let of = |model: &ScoreModel| [0, 1, 2, 3, 9, 10, 40].map(|n| totals(model, &visits(n), &now)[0]);
    assert_eq!(of(&model(RulePoints::Once { points: 5 })), [0, 5, 5, 5, 5, 5, 5]);
    assert_eq!(
        of(&model(RulePoints::Each { points: 2 })),
        [0, 2, 4, 6, 18, 20, 80]
    );
    assert_eq!(of(&model(RulePoints::Ranges { ranges })), [0, 3, 3, 8, 8, 15, 15]);
}

#[test]
fn points_for_what_is_known_are_withdrawn_when_it_holds_no_more() {
    let fit = rule("bonn", "city is \"Bonn\"", RulePoints::While { points: 20 });
    let model = points(vec![group(Decay::HalfLife { days: 1 }, vec![fit])], &[]);
    let mut who = person(Vec::new());
    who.fields
        .insert("city".to_owned(), Value::Text("Bonn".to_owned()));
    let later = ["2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z"];
    assert_eq!(
        totals(&model, &who, &later),
        [20, 20],
        "what is known does not decay"
    );
    who.fields.clear();
    assert_eq!(totals(&model, &who, &later), [0, 0]);
}

#[test]
fn a_rule_its_group_and_the_score_have_bounds_of_their_own() {
    let mut each = rule("each", "did visit", RulePoints::Each { points: 10 });
    each.bounds.most = Some(45);
    let minus = rule("minus", "did visit", RulePoints::Each { points: -1 });
    let mut group = group(Decay::None, vec![each, minus]);
    let of = |group: &ScoreGroup, bounds| {
        let groups = vec![group.clone()];
        let model = ScoreModel::Points {
            groups,
            bounds,
            stages: Vec::new(),
            companies: None,
        };
        totals(&model, &visits(10), &["2026-06-01T00:00:00Z"])[0]
    };
    let open = ScoreBounds::default();
    assert_eq!(of(&group, open), 35);
    group.bounds.most = Some(30);
    assert_eq!(of(&group, open), 30);
    assert_eq!(
        of(
            &group,
            ScoreBounds {
                least: None,
                most: Some(25)
            }
        ),
        25
    );
    assert_eq!(
        of(
            &group,
            ScoreBounds {
                least: Some(31),
                most: None
            }
        ),
        31
    );
}

#[test]
fn points_decay_at_midnight_and_a_window_ends_at_its_own_moment() {
    let who = visits(1);
    let half = points(
        vec![group(
            Decay::HalfLife { days: 2 },
            vec![rule("r", "did visit", RulePoints::Each { points: 100 })],
        )],
        &[],
    );
    let days = [
        "2026-03-01T12:00:00Z",
        "2026-03-01T23:59:59Z",
        "2026-03-02T00:00:00Z",
        "2026-03-03T00:00:00Z",
    ];
    assert_eq!(totals(&half, &who, &days), [100, 100, 71, 50]);
    assert_eq!(
        read(&half).score(&who, at(days[0]), &scope()).until,
        Some(at("2026-03-02T00:00:00Z"))
    );
    let recent = rule(
        "r",
        "did visit in the last 2 days",
        RulePoints::Once { points: 7 },
    );
    let recent = points(vec![group(Decay::None, vec![recent])], &[]);
    let around = [
        "2026-03-01T11:59:59Z",
        "2026-03-01T12:00:00Z",
        "2026-03-03T11:59:59Z",
        "2026-03-03T12:00:00Z",
    ];
    assert_eq!(totals(&recent, &who, &around), [0, 7, 7, 0]);
    assert_eq!(
        around.map(|now| read(&recent)
            .score(&who, at(now), &scope())
            .until
            .map(|until| until.to_rfc3339())),
        [Some(around[1]), Some(around[3]), Some(around[3]), None]
            .map(|t| t.map(|t| t.replace('Z', "+00:00")))
    );
}

#[test]
fn a_rule_counts_between_its_dates_only() {
    let mut each = rule("r", "did visit", RulePoints::Each { points: 1 });
    each.from = Some(at("2026-03-03T12:00:00Z"));
    each.to = Some(at("2026-03-05T12:00:00Z"));
    let model = points(vec![group(Decay::None, vec![each])], &[]);
    assert_eq!(totals(&model, &visits(10), &["2026-06-01T00:00:00Z"]), [2]);
}

#[test]
fn points_are_added_by_hand_from_their_moment_on_to_the_score_that_is_named() {
    let add = |id, score: &str, points: Prop| {
        let props = [("score", Prop::Text(score.to_owned())), ("points", points)];
        event(id, ADJUSTED, at("2026-03-01T00:00:00Z"), &props)
    };
    let who = person(vec![
        add(1, "engagement", Prop::Number(12.0)),
        add(2, "fit", Prop::Number(100.0)),
        add(3, "engagement", Prop::Number(-2.5)),
        add(4, "engagement", Prop::Text("1000".to_owned())),
        add(5, "engagement", Prop::Number(f64::NAN)),
    ]);
    let model = points(Vec::new(), &[]);
    assert_eq!(
        totals(&model, &who, &["2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"]),
        [0, 10]
    );
    let before = read(&model).score(&who, at("2026-02-28T00:00:00Z"), &scope());
    assert_eq!(before.until, Some(at("2026-03-01T00:00:00Z")));
}

#[test]
fn a_stage_is_never_left_for_an_earlier_one() {
    let model = read(&points(
        Vec::new(),
        &[("Lead", 10), ("Ready", 50), ("Customer", 100)],
    ));
    let steps = [
        (None, 5, None),
        (None, 10, Some("Lead")),
        (Some("Lead"), 120, Some("Customer")),
    ];
    for (before, total, after) in steps {
        assert_eq!(model.stage(before, total), after);
    }
    assert_eq!(model.stage(Some("Ready"), 0), Some("Ready"));
    assert_eq!(model.stage(Some("gone from the model"), 12), Some("Lead"));
}

#[test]
fn a_grade_is_the_bands_of_two_scores() {
    let axis = |score: &str, bands: &[(&str, Option<i32>)]| GradeAxis {
        score: score.to_owned(),
        bands: bands
            .iter()
            .map(|(label, at_least)| GradeBand {
                label: (*label).to_owned(),
                at_least: *at_least,
            })
            .collect(),
    };
    let grade = Grade::new(
        &axis("fit", &[("A", Some(70)), ("B", Some(40)), ("C", None)]),
        &axis("engagement", &[("1", Some(50)), ("2", None)]),
    );
    let label = |a, b| grade.label(Some(a), Some(b)).expect("a label");
    assert_eq!(
        [label(70, 50), label(69, 49), label(-5, 1_000)],
        ["A1", "B2", "C1"]
    );
    assert_eq!(grade.label(None, Some(3)), None);
}

#[test]
fn the_reasons_of_a_change_name_the_rules_that_moved() {
    let rules = vec![
        rule("visit", "did visit", RulePoints::Each { points: 2 }),
        rule("bonn", "city is \"Bonn\"", RulePoints::While { points: 20 }),
    ];
    let model = read(&points(vec![group(Decay::None, rules)], &[]));
    let now = at("2026-06-01T00:00:00Z");
    let (before, after) = (
        model.score(&visits(1), now, &scope()),
        model.score(&visits(3), now, &scope()),
    );
    let reason = ScoreReason {
        rule: "visit".to_owned(),
        before: 2_000,
        after: 6_000,
        event: None,
    };
    assert_eq!(reasons(Some(&before), &after), [reason]);
    assert_eq!(reasons(None, &after).len(), 1);
}

#[test]
fn what_is_wrong_with_a_model_is_said_with_its_place() {
    let field = |key: &str, score: Option<&str>| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type: FieldType::Number,
        options: Vec::new(),
        built_in: false,
        score: score.map(str::to_owned),
    };
    let fields = [field("age", None), field("score_fit", Some("fit"))];
    let high = crate::segment::parse("score_fit > 3").expect("an expression");
    let segments = BTreeMap::from([("High".to_owned(), high)]);
    let names = InUse {
        journeys: BTreeSet::from(["Welcome".to_owned()]),
        tags: BTreeSet::from(["vip".to_owned()]),
        steps: BTreeMap::from([(
            "Welcome".to_owned(),
            BTreeMap::from([("mail".into(), "The mail".to_owned())]),
        )]),
        ..InUse::default()
    };
    let of = |rules: Vec<ScoreRule>| {
        let found = check(
            &points(vec![group(Decay::None, rules)], &[]),
            &fields,
            &segments,
            &BTreeSet::new(),
            &names,
        );
        found.into_iter().map(|p| (p.place, p.kind)).collect::<Vec<_>>()
    };
    let once = RulePoints::Once { points: 1 };
    let holds = RulePoints::While { points: 1 };
    let r = |when: &str, points: &RulePoints| of(vec![rule("r", when, points.clone())]);
    let at_r = |kind| vec![("r".to_owned(), kind)];
    assert_eq!(r("did visit in the last 3 days where page is \"/\"", &once), []);
    assert_eq!(r("age > 3", &once), at_r(ScoreProblemKind::NotAnEvent));
    assert_eq!(
        r("did visit at least 3 times", &once),
        at_r(ScoreProblemKind::NotAnEvent)
    );
    assert_eq!(r("age > 3", &holds), []);
    assert!(matches!(
        r("nobody > 3", &holds)[..],
        [(_, ScoreProblemKind::Unfit { at: 0, .. })]
    ));
    let reads = at_r(ScoreProblemKind::ReadsScore("score_fit".to_owned()));
    assert_eq!(r("score_fit > 3", &holds), reads);
    assert_eq!(r("in segment \"High\"", &holds), reads);
    assert_eq!(
        r("joined segment \"High\"", &holds),
        at_r(ScoreProblemKind::ReadsHistory("High".to_owned()))
    );
    assert_eq!(r("entered journey \"Welcome\" this year", &holds), []);
    assert_eq!(r("passed step \"mail\" of journey \"Welcome\"", &holds), []);
    let gone = r("passed step \"mial\" of journey \"Welcome\"", &holds);
    let [(place, ScoreProblemKind::Unfit { at: 12, problem })] = &gone[..] else {
        panic!("{gone:?}");
    };
    assert_eq!(
        (place.as_str(), problem.suggestion.as_deref()),
        ("r", Some("mail"))
    );
    // What nobody has so far may come; what looks like a slip is told, and keeps nobody.
    assert_eq!(r("tag \"regular\"", &holds), []);
    for (when, byte) in [("age > 3 and tag \"vib\"", 16), ("in journey \"Welcom\"", 11)] {
        let found = r(when, &holds);
        assert!(
            matches!(&found[..], [(_, ScoreProblemKind::Doubtful { at, .. })] if *at == byte),
            "{when}: {found:?}"
        );
    }
    assert_eq!(
        r("did visit", &RulePoints::Each { points: 0 }),
        at_r(ScoreProblemKind::BadPoints)
    );
    let same = vec![rule("r", "did visit", once.clone()), rule("r", "did order", once)];
    assert_eq!(of(same), at_r(ScoreProblemKind::BadKey));
    let ranges = |of: &[(u32, Option<u32>)]| RulePoints::Ranges {
        ranges: of
            .iter()
            .map(|(from, to)| FrequencyRange {
                from: *from,
                to: *to,
                points: 1,
            })
            .collect(),
    };
    assert_eq!(r("did visit", &ranges(&[(3, None), (1, Some(2))])), []);
    for bad in [
        &[][..],
        &[(0, None)],
        &[(2, Some(1))],
        &[(1, Some(3)), (3, None)],
        &[(1, None), (4, None)],
    ] {
        assert_eq!(
            r("did visit", &ranges(bad)),
            at_r(ScoreProblemKind::BadRanges),
            "{bad:?}"
        );
    }
    let staged = |stages| {
        let model = points(Vec::new(), stages);
        check(&model, &fields, &segments, &BTreeSet::new(), &names).len()
    };
    assert_eq!(
        [
            staged(&[("a", 1), ("b", 2)]),
            staged(&[("a", 1), ("a", 2)]),
            staged(&[("a", 2), ("b", 2)])
        ],
        [0, 1, 1]
    );
}

/// Two points for each visit.
pub(crate) fn visits_model() -> ScoreModel {
    let visit = rule("visit", "did visit", RulePoints::Each { points: 2 });
    points(vec![group(Decay::None, vec![visit])], &[])
}
