//! Who is among the highest: what it takes is measured when that is asked for, and anew with each day.

use super::*;
use crate::scores::Scoring;
use crate::segment::start_of_day;
use carillon_model::contact::{Currency, Money};
use carillon_model::segment::Cut;
use carillon_model::{ScoreId, Seq};
use chrono::{Datelike, Days};
use serde_json::json;
use std::sync::Arc;

fn points(contact: u32, points: f64) -> Change {
    Change::FieldSet {
        contact: ContactId(contact),
        key: "points".to_owned(),
        value: Some(Value::Number(points)),
    }
}

fn having(contact: u32, value: f64) -> Change {
    Change::ContactAdded {
        contact: ContactId(contact),
        fields: Given::from_iter([("points", Value::Number(value))]),
    }
}

/// The first moment of a day of January 2026.
fn january(day: u32) -> Moment {
    let date = epoch().date_naive().with_day(day).expect("a day of January");
    start_of_day(ZONE, date).expect("it begins")
}

/// Ten contacts with 10, 20 .. points, "Best" of whom are the top fifth and "Rest" all others.
fn ten() -> Index {
    let people = (1..=10).map(|n| having(n, f64::from(n) * 10.0));
    let best = saved(1, "Best", reads("points is in the top 20%"));
    let rest = saved(2, "Rest", reads("not in segment \"Best\""));
    Index::open(ZONE, epoch(), people.chain([best, rest]))
}

fn members(index: &Index, segment: u32) -> Vec<u32> {
    let all = index.members_of(SegmentId(segment)).expect("it is saved");
    all.iter().collect()
}

/// Edges as (segment, contact, entered).
fn edges(staged: &Staged) -> Vec<(u32, u32, bool)> {
    let edges = staged.edges.iter();
    edges
        .map(|edge| (edge.segment.0, edge.contact.0, edge.entered))
        .collect()
}

fn cuts(staged: &Staged) -> Vec<(u32, &str, Moment, Option<&Value>)> {
    let all = staged.cuts().flat_map(|(id, cuts)| {
        cuts.iter()
            .map(move |(clause, cut)| (id.0, clause.as_str(), cut.measured_at, cut.value.as_ref()))
    });
    all.collect()
}

fn commit(index: &mut Index, changes: Vec<Change>, at: Moment) -> Vec<(u32, u32, bool)> {
    let staged = index.stage(changes, at);
    let edges = edges(&staged);
    assert!(staged.edges.iter().all(|edge| edge.at <= at));
    index.publish(staged).expect("nothing between");
    edges
}

#[test]
fn a_cut_stays_what_it_is_until_the_next_day_begins() {
    let mut index = ten();
    assert_eq!(members(&index, 1), [9, 10]);
    // Within the day whoever reaches what it takes comes in, and nobody goes for that.
    let later = epoch() + TimeDelta::hours(3);
    assert_eq!(
        commit(&mut index, vec![points(1, 95.0)], later),
        [(1, 1, true), (2, 1, false)]
    );
    assert_eq!(commit(&mut index, vec![points(2, 89.0)], later), []);
    assert_eq!(
        commit(&mut index, vec![points(9, 5.0)], later),
        [(1, 9, false), (2, 9, true)]
    );
    assert_eq!(
        commit(&mut index, vec![points(3, 99.0), points(4, 98.0)], later).len(),
        4
    );
    assert_eq!(members(&index, 1), [1, 3, 4, 10]);
    // Of ten the top fifth are two: 100 and 99.
    assert_eq!(index.next_due(), Some(january(2)));
    let before = january(2) - TimeDelta::milliseconds(1);
    assert_eq!(commit(&mut index, Vec::new(), before), []);
    let staged = index.stage(Vec::new(), january(2));
    let wanted = Value::Number(99.0);
    let best = "points is in the top 20%";
    assert_eq!(cuts(&staged), [(1, best, january(2), Some(&wanted))]);
    assert!(staged.edges.iter().all(|edge| edge.at == january(2)));
    let gone = [(1, 1, false), (1, 4, false), (2, 1, true), (2, 4, true)];
    assert_eq!(edges(&staged), gone);
    index.publish(staged).expect("nothing between");
    assert_eq!(members(&index, 1), [3, 10]);
    assert_eq!(index.next_due(), Some(january(3)));
}

#[test]
fn a_stretch_of_days_measures_once_at_its_end() {
    let mut index = ten();
    assert_eq!(
        commit(&mut index, vec![points(1, 200.0)], epoch()),
        [(1, 1, true), (2, 1, false)]
    );
    let back = january(6) + TimeDelta::hours(9);
    let staged = index.stage(vec![points(2, 300.0)], back);
    // Also by what this commit itself says: 300 and 200.
    assert_eq!(
        cuts(&staged),
        [(1, "points is in the top 20%", back, Some(&Value::Number(200.0)))]
    );
    assert!(staged.edges.iter().all(|edge| edge.at == back));
    index.publish(staged).expect("nothing between");
    assert_eq!(members(&index, 1), [1, 2]);
    assert_eq!(index.next_due(), Some(january(7)));
    let staged = index.stage(Vec::new(), back + TimeDelta::hours(1));
    assert_eq!(cuts(&staged), []);
}

#[test]
fn a_segment_is_measured_by_what_the_commit_that_saves_it_leaves() {
    let mut index = Index::open(ZONE, epoch(), [having(1, 10.0), having(2, 20.0), having(3, 30.0)]);
    let changes = vec![
        saved(1, "Best", reads("points is in the top 50%")),
        having(4, 40.0),
        points(1, 35.0),
        Change::ContactRemoved(ContactId(3)),
        points(7, 1_000.0),
    ];
    // 40, 35, 20: half of three are two. Of somebody who is no contact nothing counts.
    assert_eq!(commit(&mut index, changes, epoch()), [(1, 1, true), (1, 4, true)]);
    // Saved again it is measured again, and without ranks nothing is kept of it any more.
    let at = epoch() + TimeDelta::minutes(1);
    let again = saved(1, "Best", reads("points is in the top 50%"));
    assert_eq!(commit(&mut index, vec![points(2, 50.0)], at), [(1, 2, true)]);
    assert_eq!(commit(&mut index, vec![again], at), [(1, 1, false)]);
    let staged = index.stage(vec![saved(1, "Best", reads("points > 3"))], at);
    assert_eq!(
        staged
            .cuts()
            .map(|(id, cuts)| (id.0, cuts.len()))
            .collect::<Vec<_>>(),
        [(1, 0)]
    );
    index.publish(staged).expect("nothing between");
    assert_eq!(index.next_due(), None);
}

#[test]
fn who_just_asks_asks_by_what_it_takes_now() {
    let mut index = ten();
    commit(&mut index, vec![points(1, 200.0), points(2, 200.0)], epoch());
    let text = "points is in the top 20%";
    let asked = |text: &str| -> Vec<u32> { index.members(&reads(text), epoch()).iter().collect() };
    assert_eq!(asked(text), [1, 2]);
    assert_eq!(asked("in segment \"Best\""), [1, 2, 9, 10]);
    // What one of both says is not taken for what the other one says.
    assert_eq!(asked(&format!("in segment \"Best\" and not {text}")), [9, 10]);
    assert_eq!(asked(&format!("{text} and not in segment \"Rest\"")), [1, 2]);
    let counted = index.count(&reads(&format!("{text} or in segment \"Best\"")), epoch());
    let per_clause: Vec<u64> = counted.per_clause.iter().map(|(_, n)| *n).collect();
    assert_eq!((counted.n, per_clause), (4, vec![2, 4]));
    assert_eq!(asked("points is in the bottom 20%"), [3, 4]);
    assert_eq!(asked("points is in the top 20% EUR"), Vec::<u32>::new());
    assert_eq!(asked("nothing is in the top 20%"), Vec::<u32>::new());
    let measured = index.measured(&reads(text), epoch()).into_owned();
    let needs = Needs::of(&measured, &index.scope().segments);
    let holds = |id: u32| {
        let record = index.record_of(ContactId(id), &needs).expect("a contact");
        eval(&measured, &record, epoch(), index.scope()).holds
    };
    assert_eq!((1..=10).filter(|id| holds(*id)).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn an_index_opened_with_the_cuts_that_were_kept_has_the_same_members() {
    let mut index = ten();
    let staged = index.stage(vec![saved(1, "Best", reads("points is in the top 10%"))], epoch());
    let (_, kept) = staged.cuts().next().expect("it is measured");
    let kept: BTreeMap<String, _> = kept.iter().cloned().collect();
    index.publish(staged).expect("nothing between");
    commit(&mut index, vec![points(1, 500.0), points(2, 110.0)], epoch());
    assert_eq!(members(&index, 1), [1, 2, 10]);
    let people = (3..=10).map(|n| having(n, f64::from(n) * 10.0));
    let people = people.chain([having(1, 500.0), having(2, 110.0)]);
    let best = crate::segment::with_cuts(&reads("points is in the top 10%"), &kept);
    let again = Index::open(ZONE, epoch(), people.clone().chain([saved(1, "Best", best)]));
    assert_eq!(members(&again, 1), [1, 2, 10]);
    let fresh = Index::open(
        ZONE,
        epoch(),
        people.chain([saved(1, "Best", reads("points is in the top 10%"))]),
    );
    assert_eq!(members(&fresh, 1), [1]);
}

#[test]
fn another_zone_has_other_days() {
    let mut index = ten();
    let zone = chrono_tz::Pacific::Apia;
    commit(&mut index, vec![Change::ZoneSet(zone)], epoch());
    let next = epoch().with_timezone(&zone).date_naive() + Days::new(1);
    assert_eq!(index.next_due(), start_of_day(zone, next));
    let euros = |minor| {
        Value::Money(Money {
            minor,
            currency: Currency::parse("EUR").expect("a currency"),
        })
    };
    let spent = Change::FieldSet {
        contact: ContactId(3),
        key: "spent".to_owned(),
        value: Some(euros(5)),
    };
    let staged = index.stage(
        vec![spent, saved(3, "Big", reads("spent is in the top 1% EUR"))],
        epoch(),
    );
    assert_eq!(
        cuts(&staged),
        [(3, "spent is in the top 1% EUR", epoch(), Some(&euros(5)))]
    );
}

#[test]
fn points_that_time_has_taken_by_then_do_not_count() {
    let rule = |key: &str, when: &str, points: i32| json!({"key": key, "when": when, "points": {"per": "while", "points": points}});
    let rules = [
        rule("visits", "did visit in the last 12 hours", 10),
        rule("staff", "tag \"staff\"", 5),
    ];
    let model = json!({"kind": "points", "groups": [{"key": "g", "name": "G", "rules": rules}]});
    let model = serde_json::from_value(model).expect("a model");
    let score = Change::ScorePublished {
        id: ScoreId(1),
        key: "heat".to_owned(),
        scoring: Arc::new(Scoring::read("heat", &model).expect("it reads")),
    };
    let visit = match order(1, 1, epoch()) {
        Change::EventAdded(event) => Change::EventAdded(Event {
            name: "visit".to_owned(),
            ..event
        }),
        other => other,
    };
    let staff = Change::TagSet {
        contact: ContactId(2),
        tag: "staff".to_owned(),
        on: true,
    };
    let mut index = Index::open(ZONE, epoch(), [added(1), added(2), visit, staff, score]);
    let staged = index.stage(Vec::new(), epoch());
    index.publish(staged).expect("nothing between");
    let best = saved(1, "Best", reads("score_heat is in the top 50%"));
    assert_eq!(commit(&mut index, vec![best], epoch()), [(1, 1, true)]);
    // By one commit of the next day: the first has nothing left since noon, and the second five points.
    let staged = index.stage(Vec::new(), january(2));
    assert_eq!(edges(&staged), [(1, 1, false), (1, 2, true)]);
    assert_eq!(
        [staged.edges[0].at, staged.edges[1].at],
        [epoch() + TimeDelta::hours(12), january(2)]
    );
}

#[test]
fn a_membership_that_was_kept_by_another_cut_is_not_believed() {
    let of = |cut: f64| {
        let cut = Cut {
            measured_at: epoch(),
            value: Some(Value::Number(cut)),
        };
        let text = "points is in the top 20%";
        let expr = crate::segment::with_cuts(&reads(text), &BTreeMap::from([(text.to_owned(), cut)]));
        let people = (1..=10).map(|n| having(n, f64::from(n) * 10.0));
        let rest = saved(2, "Rest", reads("not in segment \"Best\""));
        people.chain([saved(1, "Best", expr), rest]).map(Loading::from)
    };
    let index = Index::open(ZONE, epoch(), of(90.0));
    let kept = [1, 2].map(|id| Loading::Membership {
        segment: SegmentId(id),
        seq: Seq(1),
        chunk: index.membership(SegmentId(id)).expect("it is followed"),
    });
    let same = Index::open(ZONE, epoch(), of(90.0).chain(kept.clone()));
    assert_eq!((members(&same, 1), same.kept().len()), (vec![9, 10], 2));
    let other = Index::open(ZONE, epoch(), of(60.0).chain(kept));
    assert_eq!((members(&other, 1), other.kept().len()), ((6..=10).collect(), 0));
    assert_eq!(members(&other, 2), (1..=5).collect::<Vec<u32>>());
}
