//! Random scores against a second reading that shares no arithmetic with the first.

use super::*;
use crate::segment::arbitrary::{expr, moment, props_match, record, unranked, window};
use crate::segment::{eval, event_matches, print};
use chrono::{Datelike, Months};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn decays() -> impl Strategy<Value = Decay> {
    prop_oneof![
        Just(Decay::None),
        (1u32..=100, 1u32..=3).prop_map(|(percent, months)| Decay::Linear { percent, months }),
        (1u32..=40).prop_map(|days| Decay::HalfLife { days }),
    ]
}

fn bounds() -> impl Strategy<Value = ScoreBounds> {
    (option::weighted(0.2, -20..10), option::weighted(0.3, 10..60))
        .prop_map(|(least, most)| ScoreBounds { least, most })
}

fn rules() -> impl Strategy<Value = ScoreRule> {
    let events = (
        proptest::sample::select(crate::segment::arbitrary::EVENTS),
        props_match(),
        window(),
    );
    let counted = (
        events,
        0..3,
        option::weighted(0.2, moment()),
        option::weighted(0.2, moment()),
        1i32..30,
        any::<bool>(),
    );
    let counted = counted.prop_map(|((name, props, window), kind, from, to, points, minus)| {
        let points = if minus { -points } else { points };
        let event = EventMatch {
            name: name.to_owned(),
            props,
        };
        let range = |from, to, points| FrequencyRange { from, to, points };
        ScoreRule {
            from,
            to,
            ..rule(
                "r",
                &print(&did(&event, window)),
                match kind {
                    0 => RulePoints::Once { points },
                    1 => RulePoints::Each { points },
                    _ => RulePoints::Ranges {
                        ranges: vec![range(1, Some(1), points), range(3, None, points * 2)],
                    },
                },
            )
        }
    });
    // Rules do not rank.
    let fit = (expr().prop_map(|expr| unranked(&expr)), -20i32..20)
        .prop_map(|(expr, points)| rule("r", &print(&expr), RulePoints::While { points }));
    (prop_oneof![2 => counted, 1 => fit], bounds()).prop_map(|(rule, bounds)| ScoreRule { bounds, ..rule })
}

pub(crate) fn models() -> impl Strategy<Value = ScoreModel> {
    let groups = vec((decays(), bounds(), vec(rules(), 1..4)), 1..3);
    (groups, bounds()).prop_map(|(groups, bounds)| ScoreModel::Points {
        groups: groups
            .into_iter()
            .map(|(decay, bounds, rules)| ScoreGroup {
                bounds,
                ..group(decay, rules)
            })
            .collect(),
        bounds,
        stages: Vec::new(),
        companies: None,
    })
}

/// The second reading: event by event, each put alone before the segment evaluator, weights as floating powers.
fn naive(model: &ScoreModel, who: &ContactRecord, now: Moment) -> f64 {
    let ScoreModel::Points { groups, bounds, .. } = model else {
        panic!("no points")
    };
    let clamp = |n: f64, b: &ScoreBounds| {
        let n = b.least.map_or(n, |least| n.max(f64::from(least)));
        b.most.map_or(n, |most| n.min(f64::from(most)))
    };
    let of_rule = |rule: &ScoreRule, decay: &Decay| {
        let expr = parse(&rule.when).expect("printed");
        if let RulePoints::While { points } = &rule.points {
            return f64::from(*points) * f64::from(u8::from(eval(&expr, who, now, &scope()).holds));
        }
        let alone = |event: &&Event| {
            let only = ContactRecord {
                events: vec![(*event).clone()],
                ..who.clone()
            };
            let dated =
                rule.from.is_none_or(|from| from <= event.at) && rule.to.is_none_or(|to| event.at < to);
            dated && eval(&expr, &only, now, &scope()).holds
        };
        let counting: Vec<&Event> = who.events.iter().filter(alone).collect();
        let weight = |at: Moment| weight(*decay, at, now);
        let last = counting.iter().map(|e| e.at).max();
        match &rule.points {
            RulePoints::Each { points } => counting.iter().map(|e| f64::from(*points) * weight(e.at)).sum(),
            RulePoints::Once { points } => last.map_or(0.0, |at| f64::from(*points) * weight(at)),
            RulePoints::Ranges { ranges } => {
                let n = counting.len() as u32;
                let points: i32 = ranges
                    .iter()
                    .filter(|r| n >= r.from && n <= r.to.unwrap_or(u32::MAX))
                    .map(|r| r.points)
                    .sum();
                last.map_or(0.0, |at| f64::from(points) * weight(at))
            }
            RulePoints::While { .. } => 0.0,
        }
    };
    let of_group = |group: &ScoreGroup| {
        let rules = group
            .rules
            .iter()
            .map(|rule| clamp(of_rule(rule, &group.decay), &rule.bounds));
        clamp(rules.sum(), &group.bounds)
    };
    clamp(groups.iter().map(of_group).sum(), bounds)
}

fn weight(decay: Decay, at: Moment, now: Moment) -> f64 {
    let (from, to) = (at.date_naive(), now.date_naive());
    match decay {
        Decay::None => 1.0,
        Decay::HalfLife { days } => 0.5f64.powf((to - from).num_days() as f64 / f64::from(days)),
        Decay::Linear { percent, months } => {
            let steps = (1..5_000).take_while(|n| {
                from.checked_add_months(Months::new(n * months))
                    .is_some_and(|d| d <= to)
            });
            (1.0 - f64::from(percent) / 100.0 * steps.count() as f64).max(0.0)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_score_is_what_a_second_reading_counts(model in models(), who in record(ContactId(1)), now in moment()) {
        let scored = read(&model).score(&who, now, &scope());
        let again = naive(&model, &who, now);
        // Each decayed event is rounded to a thousandth, the total to a point.
        prop_assert!((scored.total as f64 - again).abs() <= 0.5 + 0.001 * (1 + who.events.len()) as f64, "{} or {again}", scored.total);
        let backwards = ContactRecord { events: who.events.iter().rev().cloned().collect(), ..who.clone() };
        prop_assert_eq!(&scored, &read(&model).score(&backwards, now, &scope()), "the order of rows does not matter");
    }

    #[test]
    fn until_its_moment_a_score_stays_as_it_is(model in models(), who in record(ContactId(1)), now in moment(), part in 0.0f64..1.0) {
        let points = read(&model);
        let scored = points.score(&who, now, &scope());
        let until = scored.until.unwrap_or(now + TimeDelta::days(800));
        prop_assert!(until > now);
        let between = now + TimeDelta::nanoseconds(1) + TimeDelta::seconds(((until - now).num_seconds() as f64 * part) as i64);
        for then in [between.min(until - TimeDelta::nanoseconds(1)), until - TimeDelta::nanoseconds(1)] {
            let later = points.score(&who, then, &scope());
            prop_assert_eq!((later.total, &later.groups), (scored.total, &scored.groups), "at {}", then);
        }
    }
}

#[test]
fn the_pools_of_the_property_tests_hold_events_that_count() {
    // A second reading of nothing proves nothing: of these models and contacts many must give points.
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut given = 0;
    for _ in 0..200 {
        let model = models().new_tree(&mut runner).expect("a model").current();
        let who = record(ContactId(1))
            .new_tree(&mut runner)
            .expect("a contact")
            .current();
        let now = moment().new_tree(&mut runner).expect("a moment").current();
        let scored = read(&model).score(&who, now, &scope());
        let rules = scored.groups.iter().flat_map(|g| &g.rules);
        given += usize::from(rules.into_iter().any(|r| r.count > 0 && r.points != 0));
        assert!(
            now.year() > 2000
                && !who
                    .events
                    .iter()
                    .any(|e| event_matches(&read(&model).adjusted, e))
        );
    }
    assert!(given > 50, "{given} of 200");
}
