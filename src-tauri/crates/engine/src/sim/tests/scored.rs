//! Scores in a simulation: what moves them, when, and what that does to a contact's way.

use super::*;
use crate::index::{Change, Followed, Index};
use crate::scores::Scoring;
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::score::{Score, ScoreModel};
use carillon_model::{ScoreId, SegmentId};
use serde_json::Value as Json;
use std::sync::Arc;

const START: &str = "2026-01-05T10:00:00Z";

/// Ten points for each order, which halve each day, a hundred for whoever has been sent a mail, five while somebody is a VIP;
/// thirty less for half a day after a complaint.
fn heat() -> Json {
    json!({"kind": "points",
    "stages": [{"name": "cold", "at_least": 0}, {"name": "warm", "at_least": 10}],
    "groups": [
        {"key": "did", "name": "Did", "decay": {"decay": "half_life", "days": 1}, "rules": [
            {"key": "orders", "when": "did order", "points": {"per": "each", "points": 10},
             "bounds": {"least": null, "most": 40}}]},
        {"key": "is", "name": "Is", "rules": [
            {"key": "angry", "when": "did complain in the last 12 hours", "points": {"per": "each", "points": -30}},
            {"key": "vip", "when": "tag \"vip\"", "points": {"per": "while", "points": 5}},
            {"key": "mailed", "when": "was sent any message", "points": {"per": "while", "points": 100}}]},
    ]})
}

/// One point however often somebody came, two from the third time on.
fn fit() -> Json {
    json!({"kind": "points", "groups": [{"key": "came", "name": "Came", "rules": [
        {"key": "visits", "when": "did visit", "points": {"per": "ranges", "ranges": [
            {"from": 1, "to": 2, "points": 1}, {"from": 3, "to": null, "points": 2}]}}]}]})
}

fn grade() -> Json {
    let bands = |most: i32| json!([{"label": "A", "at_least": most}, {"label": "B", "at_least": null}]);
    json!({"kind": "grade", "rows": {"score": "heat", "bands": bands(10)}, "columns": {"score": "fit", "bands": bands(2)}})
}

/// A draft, and the published scores that it asks for.
struct Draft {
    version: JourneyVersion,
    scope: Scope,
    followed: Option<Followed>,
    needs: crate::segment::Needs,
}

impl Draft {
    fn of(journey: &Journey) -> Draft {
        Draft::among("tag \"vip\"", journey)
    }

    /// Where those are VIPs of whom this is true.
    fn among(vips: &str, journey: &Journey) -> Draft {
        let mut catalogue = Catalogue::sample();
        let vips = crate::segment::parse(vips).unwrap();
        catalogue.segments.insert("Vips".into(), vips.clone());
        let field = |key: String, field_type| Field {
            key: key.clone(),
            label: key,
            field_type,
            options: Vec::new(),
            built_in: false,
            score: Some("heat".to_owned()),
        };
        catalogue.fields.extend([
            field(Score::stage_field("heat"), FieldType::Text),
            field(Score::since_field("heat"), FieldType::DateTime),
            field(Score::field("fit"), FieldType::Number),
            field(Score::field("grade"), FieldType::Text),
        ]);
        let (version, problems) = compile(journey, &catalogue);
        let version = version.unwrap_or_else(|| panic!("{problems:?}"));
        let mut index = Index::new(chrono_tz::UTC, utc(START));
        let published = [("heat", heat()), ("fit", fit()), ("grade", grade())];
        let published = (1..).zip(published).map(|(id, (key, model))| {
            let model: ScoreModel = serde_json::from_value(model).unwrap();
            Change::ScorePublished {
                id: ScoreId(id),
                key: key.to_owned(),
                scoring: Arc::new(Scoring::read(key, &model).unwrap()),
            }
        });
        let saved = Change::SegmentSaved {
            id: SegmentId(1),
            name: "Vips".into(),
            expr: vips,
        };
        let staged = index.stage(published.chain([saved]).collect(), utc(START));
        index.publish(staged).unwrap();
        let followed = index.followed(&version);
        Draft {
            needs: followed.as_ref().map(|f| f.needs().clone()).unwrap_or_default(),
            scope: catalogue.scope(chrono_tz::UTC),
            version,
            followed,
        }
    }

    fn world<'a>(&'a self, plan: &'a Plan, behaviours: &'a [Behaviour]) -> World<'a> {
        World {
            version: &self.version,
            scope: &self.scope,
            plan,
            behaviours,
            scores: self.followed.as_ref(),
        }
    }

    /// What one contact does in twenty days, whom these things surely happen to.
    fn tried(&self, who: &ContactRecord, happens: &[Event]) -> Vec<Fact> {
        let plan = plan(20);
        let entry = self.version.find(&"in".into()).unwrap();
        try_one(self.world(&plan, &[]), who, entry, happens)
    }
}

fn orders_at(moments: &[&str]) -> Vec<Event> {
    moments.iter().map(|at| event("order", at, &[])).collect()
}

/// When a step was left, and by which port.
fn left(facts: &[Fact], step: &str) -> Vec<(Moment, String)> {
    let of = facts.iter().filter(|fact| fact.step.0 == step);
    of.filter_map(|fact| match &fact.what {
        FactKind::Left { port, .. } => Some((fact.at, port.clone())),
        _ => None,
    })
    .collect()
}

fn port(facts: &[Fact], step: &str) -> String {
    left(facts, step).pop().map_or_else(String::new, |(_, port)| port)
}

fn wait(amount: u32, unit: &str) -> (&'static str, Json) {
    ("wait", json!({"for": {"amount": amount, "unit": unit}}))
}

fn when(condition: &str) -> (&'static str, Json) {
    ("if_else", json!({"when": condition}))
}

fn granted(id: u32) -> ContactRecord {
    let mut person = contact(id);
    person
        .permissions
        .insert((Channel::Email, Purpose::Marketing), Basis::Consent);
    person
}

#[test]
fn what_happens_counts_and_the_way_is_another() {
    let draft = Draft::of(&row(&[wait(2, "hours"), when("score_heat >= 20")]));
    let way = |moments: &[&str]| port(&draft.tried(&contact(1), &orders_at(moments)), "it2");
    assert_eq!(way(&[]), "no");
    assert_eq!(way(&["2026-01-05T11:00:00Z"]), "no");
    assert_eq!(way(&["2026-01-05T11:00:00Z", "2026-01-05T11:30:00Z"]), "yes");
    assert_eq!(way(&["2026-01-05T11:00:00Z", "2026-01-05T12:30:00Z"]), "no");
}

#[test]
fn who_has_points_at_the_start_has_them_in_the_simulation() {
    let draft = Draft::of(&row(&[when("score_heat >= 20")]));
    let mut who = contact(1);
    who.events = orders_at(&["2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z"]);
    assert_eq!(port(&draft.tried(&who, &[]), "it"), "yes");
    // What the field said is as old as what it was read from: five days later nearly nothing is left.
    who.events = orders_at(&["2025-12-31T08:00:00Z", "2025-12-31T09:00:00Z"]);
    who.fields.insert("score_heat".into(), Value::Number(20.0));
    assert_eq!(port(&draft.tried(&who, &[]), "it"), "no");
}

#[test]
fn points_grow_less_at_midnight_and_a_goal_is_reached_then() {
    let goal = ("goal", json!({"when": "score_heat < 8 and did order"}));
    let draft = Draft::of(&row(&[wait(9, "days"), goal]));
    let facts = draft.tried(&contact(1), &orders_at(&["2026-01-05T11:00:00Z"]));
    assert_eq!(
        left(&facts, "it1"),
        [(utc("2026-01-06T00:00:00Z"), "goal".to_owned())]
    );
    // What nobody is moved by is read when it is asked for.
    let draft = Draft::of(&row(&[wait(9, "days"), when("score_fit = 0 and score_heat < 8")]));
    let facts = draft.tried(&contact(1), &orders_at(&["2026-01-05T11:00:00Z"]));
    assert_eq!(port(&facts, "it2"), "yes");
}

#[test]
fn who_rises_in_the_simulation_is_held_against_what_it_said_before() {
    let draft = Draft::of(&row(&[
        wait(4, "days"),
        when("score_fit rose in the last 2 days"),
    ]));
    let way = |days: [u32; 3]| {
        let at = |(hour, day)| format!("2026-01-{day:02}T{hour}:00:00Z");
        let visits = (12..).zip(days).map(at);
        let visits: Vec<Event> = visits.map(|at| event("visit", &at, &[])).collect();
        port(&draft.tried(&contact(1), &visits), "it2")
    };
    // The third visit is the one that gives another point.
    assert_eq!(way([6, 6, 8]), "yes");
    assert_eq!(way([6, 6, 6]), "no");
    assert_eq!(way([6, 8, 20]), "no");
}

#[test]
fn points_that_a_step_gives_are_there_after_the_call_that_gave_them() {
    let given = |points: f64| ("change_score", json!({"score": "heat", "points": points}));
    let warm = "score_heat >= 15";
    let draft = Draft::of(&row(&[
        given(5.0),
        given(10.0),
        (
            "split",
            json!({"branches": [{"port": "next", "when": format!("not {warm}")}]}),
        ),
        wait(1, "minutes"),
        when(warm),
    ]));
    let facts = draft.tried(&contact(1), &[]);
    assert_eq!(port(&facts, "it3"), "next", "the call itself sees none of them");
    assert_eq!(port(&facts, "it5"), "yes", "both counted");
    // A goal hears of it in the same moment, and only once.
    let goal = ("goal", json!({"when": warm}));
    let draft = Draft::of(&row(&[given(15.0), wait(1, "days"), goal]));
    let facts = draft.tried(&contact(1), &[]);
    assert_eq!(left(&facts, "it2"), [(utc(START), "goal".to_owned())]);
}

#[test]
fn what_a_step_writes_counts_and_no_longer_than_it_stands() {
    let vip = |kind: &'static str| (kind, json!({"tag": "vip"}));
    let draft = Draft::of(&row(&[
        vip("add_tag"),
        wait(1, "minutes"),
        when("score_heat = 5"),
        vip("remove_tag"),
        wait(1, "minutes"),
        when("score_heat = 0"),
    ]));
    let facts = draft.tried(&contact(1), &[]);
    assert_eq!(
        (port(&facts, "it3"), port(&facts, "it6")),
        ("yes".into(), "yes".into())
    );
}

#[test]
fn a_mail_that_was_accepted_counts() {
    let mail = ("send_email", json!({"template": "welcome"}));
    let draft = Draft::of(&row(&[mail, wait(1, "minutes"), when("score_heat >= 100")]));
    assert_eq!(port(&draft.tried(&granted(1), &[]), "it3"), "yes");
    assert_eq!(
        port(&draft.tried(&contact(1), &[]), "it3"),
        "no",
        "it was refused"
    );
}

#[test]
fn a_stage_is_entered_and_never_left_for_an_earlier_one() {
    let draft = Draft::of(&row(&[
        wait(5, "days"),
        when("stage_heat is \"warm\" and score_heat < 5"),
        when("stage_heat_since on 2026-01-06"),
    ]));
    let facts = draft.tried(&contact(1), &orders_at(&["2026-01-06T11:00:00Z"]));
    assert_eq!(
        (port(&facts, "it2"), port(&facts, "it3")),
        ("yes".into(), "yes".into())
    );
    assert_eq!(port(&draft.tried(&contact(1), &[]), "it2"), "no");
}

#[test]
fn a_stage_that_time_let_somebody_enter_is_kept_though_nobody_looked_then() {
    let draft = Draft::of(&row(&[
        wait(5, "days"),
        when("stage_heat is \"warm\" and stage_heat_since on 2026-01-05"),
    ]));
    let mut happens = vec![event("complain", "2026-01-05T10:30:00Z", &[])];
    happens.extend(orders_at(&["2026-01-05T11:00:00Z", "2026-01-05T11:05:00Z"]));
    // At half past ten in the evening the complaint counts no more, and the orders count in full until midnight.
    assert_eq!(port(&draft.tried(&contact(1), &happens), "it2"), "yes");
    // At half past midnight only ten of them are left, and of one order five.
    happens[0].at = utc("2026-01-05T12:30:00Z");
    happens[1].at = utc("2026-01-05T13:00:00Z");
    assert_eq!(port(&draft.tried(&contact(1), &happens[..2]), "it2"), "no");
}

#[test]
fn a_grade_follows_the_two_scores_it_is_read_from() {
    let draft = Draft::of(&row(&[wait(2, "hours"), when("score_grade is \"AA\"")]));
    let mut happens = orders_at(&["2026-01-05T10:30:00Z"]);
    for minute in [40, 41, 42] {
        happens.push(event("visit", &format!("2026-01-05T10:{minute}:00Z"), &[]));
    }
    assert_eq!(port(&draft.tried(&contact(1), &happens), "it2"), "yes");
    assert_eq!(
        port(&draft.tried(&contact(1), &happens[..3]), "it2"),
        "no",
        "two visits"
    );
    assert_eq!(
        port(&draft.tried(&contact(1), &happens[1..]), "it2"),
        "no",
        "no order"
    );
}

#[test]
fn a_score_lets_in_whom_it_reaches_at_the_moment() {
    let mut journey = row(&[("entry_segment", json!({"segment": "Vips", "on": "entered"}))]);
    journey.steps.retain(|step| step.id.0 != "aside");
    let draft = Draft::among("score_heat >= 15", &journey);
    let plan = plan(3);
    let who = contact(1);
    let happens = orders_at(&["2026-01-05T11:00:00Z", "2026-01-05T12:00:00Z"]);
    let traces = trace(draft.world(&plan, &[]), &who, &happens);
    let entered: Vec<Moment> = traces.iter().map(|(_, history)| history.facts[0].at).collect();
    assert_eq!(entered, [utc("2026-01-05T12:00:00Z")]);
}

#[test]
fn behaviours_move_scores_of_many_and_each_is_behind_the_number_that_counts_it() {
    let mail = ("send_email", json!({"template": "welcome"}));
    let mut journey = row(&[mail, wait(2, "days"), when("score_heat >= 108"), wait(1, "days")]);
    journey.steps.retain(|step| step.id.0 != "aside");
    let draft = Draft::of(&journey);
    let people: Vec<ContactRecord> = (1..=200).map(granted).collect();
    let (plan, behaviours) = (
        plan(4),
        [Behaviour {
            probability: 0.3,
            // Late enough that nothing of it has halved by then.
            delay: Delay(vec![140_000]),
            ..orders()
        }],
    );
    let world = draft.world(&plan, &behaviours);
    let report = simulate(world, &people);
    let warm: u64 = report
        .steps
        .iter()
        .filter(|step| step.step.0 == "it4")
        .flat_map(|step| &step.entered)
        .sum();
    assert!((40..80).contains(&warm), "{warm}");
    let number = Number::Entered {
        step: "it4".into(),
        day: None,
    };
    let named = behind(world, &people, &Holds::default(), &number);
    assert_eq!(named.len() as u64, warm);
    let fixed = World {
        scores: None,
        ..world
    };
    assert_ne!(simulate(fixed, &people).steps, report.steps);
}

#[test]
fn a_mail_that_is_held_counts_when_it_leaves() {
    let mail = ("send_email", json!({"template": "welcome", "account": "Shop"}));
    let mut journey = row(&[
        mail,
        wait(36, "hours"),
        when("score_heat >= 100"),
        wait(1, "days"),
    ]);
    journey.steps.retain(|step| step.id.0 != "aside");
    let draft = Draft::of(&journey);
    let people: Vec<ContactRecord> = (1..=6).map(granted).collect();
    let plan = plan(5);
    let (report, _) = under(draft.world(&plan, &[]), &small(2), &people);
    let asked = report.steps.iter().find(|step| step.step.0 == "it3").unwrap();
    let left: Vec<(&str, u64)> = asked
        .left
        .iter()
        .map(|left| (left.port.as_str(), left.per_day.iter().sum()))
        .collect();
    assert_eq!(left, [("yes", 4), ("no", 2)], "two left on the third day");
}

#[test]
fn a_live_run_that_says_what_a_score_wrote_is_not_believed_twice() {
    let draft = Draft::of(&row(&[wait(2, "hours"), when("score_heat >= 20")]));
    let told = |what: FromOutside| Recorded {
        at: utc("2026-01-05T11:00:00Z"),
        what,
    };
    let plan = Plan {
        by_hand: false,
        ..plan(2)
    };
    let entry = draft.version.find(&"in".into()).unwrap();
    let recorded = [
        Recorded {
            at: utc(START),
            what: FromOutside::PutIn(entry),
        },
        told(FromOutside::Happened(
            orders_at(&["2026-01-05T11:00:00Z"]).remove(0),
        )),
        told(FromOutside::Wrote("score_heat".into(), Some(Value::Number(99.0)))),
    ];
    let who = contact(1);
    let way = |world| port(&retrace(world, &who, &recorded)[0].1.facts, "it2");
    let world = draft.world(&plan, &[]);
    assert_eq!(way(world), "no", "one order is ten points");
    assert_eq!(
        way(World {
            scores: None,
            ..world
        }),
        "yes",
        "nothing but what was told"
    );
}

#[test]
fn what_a_draft_does_not_ask_for_is_not_measured() {
    assert!(Draft::of(&row(&[when("did order")])).followed.is_none());
    let fit = Draft::of(&row(&[when("score_fit >= 1")]));
    assert!(fit.needs.events.contains("visit") && !fit.needs.events.contains("order"));
    let stage = Draft::of(&row(&[when("stage_heat is \"warm\"")]));
    assert!(stage.needs.events.contains("order") && !stage.needs.events.contains("visit"));
    let graded = Draft::of(&row(&[when("score_grade is \"AA\"")]));
    assert!(graded.needs.events.contains("order") && graded.needs.events.contains("visit"));
}
