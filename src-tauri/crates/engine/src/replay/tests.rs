use super::*;
use crate::journey::{Catalogue, compile, scenario};
use crate::sim::{Plan, World, trace};
use carillon_model::JourneyId;
use carillon_model::journey::FactKind;

/// Recorded passages with their versions, as files would carry them.
fn recorded() -> Vec<(JourneyVersion, History)> {
    let catalogue = Catalogue::sample();
    let scope = catalogue.scope(chrono_tz::Europe::Berlin);
    let mut found = Vec::new();
    for seed in 0..30 {
        let start = scenario::start(seed);
        let plan = Plan {
            journey: JourneyId(1),
            start,
            days: 10,
            seed,
            asleep: Vec::new(),
            by_hand: true,
        };
        let contact = scenario::contact(seed, 1, start);
        let given = scenario::happenings(seed, 1, start, 10);
        let histories = match compile(&scenario::journey(seed), &catalogue).0 {
            Some(version) => {
                let world = World {
                    version: &version,
                    scope: &scope,
                    plan: &plan,
                    behaviours: &[],
                    scores: None,
                };
                trace(world, &contact, &given)
            }
            None => continue,
        };
        for (_, history) in histories {
            if let Some(version) = compile(&scenario::journey(seed), &catalogue).0 {
                found.push((version, history));
            }
        }
    }
    assert!(found.len() > 20, "only {} passages", found.len());
    found
}

#[test]
fn a_history_goes_through_a_file_and_gives_its_facts_again() {
    for (version, history) in recorded() {
        let text = serde_json::to_string(&history).unwrap();
        let back: History = serde_json::from_str(&text).unwrap();
        assert_eq!(back, history);
        assert_eq!(verify(&version, &back), Ok(None));
    }
}

#[test]
fn the_first_fact_that_differs_is_shown() {
    for (version, history) in recorded() {
        let mut bent = history.clone();
        let at = bent.facts.len() / 2;
        bent.facts[at].what = FactKind::Entered { visit: 99 };
        let difference = verify(&version, &bent).unwrap().unwrap();
        assert_eq!(difference.at, at);
        assert_eq!(difference.recorded, Some(bent.facts[at].clone()));
        assert_eq!(difference.replayed, Some(history.facts[at].clone()));

        let mut short = history.clone();
        let last = short.facts.pop();
        let difference = verify(&version, &short).unwrap().unwrap();
        assert_eq!((difference.recorded, difference.replayed), (None, last));
    }
}

#[test]
fn what_was_known_decides_not_what_is() {
    // Evidence of another city leads another way: the record, not the world, is what replay reads.
    let journey = crate::steps::tests::around("if_else", serde_json::json!({"when": "city is \"Bonn\""}));
    let version = compile(&journey, &Catalogue::sample()).0.unwrap();
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let start = scenario::start(1);
    let plan = Plan {
        journey: JourneyId(1),
        start,
        days: 1,
        seed: 1,
        asleep: Vec::new(),
        by_hand: true,
    };
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let contact = crate::steps::tests::contact(3);
    let (_, mut history) = trace(world, &contact, &[]).remove(0);
    assert_eq!(verify(&version, &history), Ok(None));
    let only_aside = history.facts.iter().all(|fact| fact.step.0 != "it");
    let entry = version.find(&"in".into()).unwrap();
    if only_aside {
        let Input::Enter { entry: at, .. } = &mut history.inputs[0].input else {
            panic!("no entry")
        };
        *at = entry;
        history.facts = replay(&version, &history.inputs).unwrap();
    }
    history.inputs[0].view.as_mut().unwrap().truths[0].holds = true;
    assert!(
        verify(&version, &history).unwrap().is_some(),
        "the evidence was not read"
    );
}

#[test]
fn a_record_that_cannot_be_played_says_why() {
    let (version, history) = recorded().remove(0);
    let mut blind = history.clone();
    blind.inputs[0].view = None;
    assert_eq!(verify(&version, &blind), Err(Unplayable::NoView { call: 0 }));
    let mut nowhere = history.clone();
    nowhere.inputs[0].view.as_mut().unwrap().zone = "Mars/North".into();
    assert_eq!(
        verify(&version, &nowhere),
        Err(Unplayable::UnknownZone {
            call: 0,
            zone: "Mars/North".into()
        })
    );
    let mut other = history;
    other.inputs[0]
        .view
        .as_mut()
        .unwrap()
        .truths
        .push(crate::journey::Truth {
            holds: true,
            until: None,
        });
    assert!(matches!(
        verify(&version, &other),
        Err(Unplayable::OtherVersion { call: 0, .. })
    ));
}
