//! One engine: over random journeys, contacts, happenings and sleep, the simulation, a naive driver and the
//! replay of both records give the same facts, and the laws of the kernel hold.
//!
//! The naive driver shares nothing with the simulation but the kernel: all contacts in one queue, a fresh
//! copy of the record for every call, each call made twice, idle calls in between.

use super::*;
use crate::record::{ContactRecord, Scope};
use crate::replay::{History, verify};
use crate::sim::{Behaviour, Cause, Delay, Plan, World, simulate, trace};
use carillon_model::JourneyId;
use carillon_model::event::Event;
use carillon_model::journey::{Effect, End, FactKind, Journey};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

mod naive;

use naive::naive;

const CONTACTS: u32 = 4;
const DAYS: u32 = 12;
/// Most rounds of the shortest wait within the days played: each call of the naive driver copies all that happened.
const ROUNDS: u64 = 300;

fn laws(histories: &[(PassageId, History)]) {
    let mut keys = BTreeSet::new();
    for (id, history) in histories {
        let mut visits: BTreeMap<&carillon_model::StepId, u32> = BTreeMap::new();
        let mut ended = false;
        for fact in &history.facts {
            assert!(!ended, "after the end: {fact:?}");
            match &fact.what {
                FactKind::Entered { visit } => {
                    let count = visits.entry(&fact.step).or_default();
                    *count += 1;
                    assert_eq!(*visit, *count, "visits count up one by one");
                }
                FactKind::Did {
                    effect: Effect::Send { step, visit, .. },
                } => {
                    assert!(
                        keys.insert((*id, *step, *visit)),
                        "one message key twice: {fact:?}"
                    );
                }
                FactKind::Ended { end } => {
                    ended = true;
                    assert_ne!(*end, End::Stopped, "a valid journey ran out of moves");
                }
                FactKind::Did { .. }
                | FactKind::Left { .. }
                | FactKind::Waiting { .. }
                | FactKind::Learned { .. } => {}
            }
        }
    }
}

fn behaviours() -> Vec<Behaviour> {
    let rate = |event: &str, cause, probability, delay: &[u32]| Behaviour {
        event: event.into(),
        cause,
        probability,
        delay: Delay(delay.to_vec()),
        props: Vec::new(),
    };
    vec![
        rate("click", Cause::AfterMail, 0.7, &[60, 3_600, 90_000]),
        rate("order", Cause::AfterMail, 0.7, &[600, 40_000, 300_000]),
        rate("email_clicked", Cause::AfterMail, 0.6, &[60, 7_200, 200_000]),
        rate("visit", Cause::PerDay, 0.3, &[0, 86_399]),
    ]
}

/// The scenario's journey, with waits of ten minutes at the least, and the days it is played for: a circle that mails
/// every few minutes has shown all it can within two of them.
fn journey_and_days(seed: u64) -> (Journey, u32) {
    let mut document = scenario::journey(seed);
    let mut shortest = u64::MAX;
    for step in &mut document.steps {
        for setting in ["for", "timeout"] {
            let Some(wait) = step
                .settings
                .get_mut(setting)
                .filter(|wait| wait["unit"] == "minutes")
            else {
                continue;
            };
            let minutes = wait["amount"].as_u64().unwrap_or_default().max(10);
            wait["amount"] = minutes.into();
            shortest = shortest.min(minutes);
        }
    }
    let days = (shortest.saturating_mul(ROUNDS) / (24 * 60)).clamp(1, u64::from(DAYS));
    (document, u32::try_from(days).unwrap_or(DAYS))
}

fn agree(seed: u64) -> usize {
    let (document, days) = journey_and_days(seed);
    let catalogue = Catalogue::sample();
    let (version, problems) = compile(&document, &catalogue);
    // By far most are valid; one that runs in a circle without waiting is not, and is refused as it must be.
    let Some(version) = version else {
        assert!(
            problems.iter().any(|problem| problem.code == "endless_loop"),
            "{problems:?}"
        );
        return 0;
    };
    let start = scenario::start(seed);
    let plan = Plan {
        journey: JourneyId(9),
        start,
        days,
        seed,
        asleep: scenario::asleep(seed, start, days),
        by_hand: true,
    };
    let scope: Scope = catalogue.scope(chrono_tz::Europe::Berlin);
    let behaviours = behaviours();
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &behaviours,
        scores: None,
    };
    let contacts: Vec<(ContactRecord, Vec<Event>)> = (1..=CONTACTS)
        .map(|id| {
            (
                scenario::contact(seed, id, start),
                scenario::happenings(seed, id, start, days),
            )
        })
        .collect();
    let plain = naive(world, &contacts);
    let mut facts = 0;
    for ((record, given), naive) in contacts.iter().zip(plain) {
        let simulated = trace(world, record, given);
        let ids =
            |histories: &[(PassageId, History)]| histories.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        for ((_, one), (_, other)) in simulated.iter().zip(&naive) {
            assert_eq!(
                one.facts, other.facts,
                "simulation and naive driver differ, seed {seed}"
            );
        }
        assert_eq!(ids(&simulated), ids(&naive), "other passages, seed {seed}");
        laws(&simulated);
        for (_, history) in simulated.iter().chain(&naive) {
            assert_eq!(verify(&version, history), Ok(None), "replay differs, seed {seed}");
            facts += history.facts.len();
        }
    }
    let report = simulate(world, contacts.iter().map(|(record, _)| record));
    for step in &report.steps {
        let left: u64 = step.left.iter().flat_map(|port| &port.per_day).sum();
        let entered: u64 = step.entered.iter().sum();
        assert_eq!(
            entered,
            left + step.waiting,
            "contacts got lost in {}, seed {seed}",
            step.step
        );
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn simulation_naive_driver_and_replay_give_the_same_facts(seed in any::<u64>()) {
        agree(seed);
    }
}

#[test]
fn a_circle_that_records_an_event_every_few_minutes_agrees_too() {
    assert!(agree(9_053_918_417_193_065_693) > 500);
}

#[test]
fn what_a_long_sleep_held_back_comes_in_one_order() {
    // Found by chance: an entry let in between two moments of the calendar that are made up for, and one who goes by time
    // alone before an event that was slept through.
    for seed in [
        16_311_477_613_941_504_106,
        10_066_360_952_645_260_723,
        18_267_296_220_134_136_041,
    ] {
        agree(seed);
    }
}

#[test]
fn the_scenarios_reach_every_kind_and_go_through_much() {
    let mut kinds = BTreeSet::new();
    let mut facts = 0;
    let mut refused = 0;
    for seed in 0..60 {
        kinds.extend(scenario::journey(seed).steps.into_iter().map(|step| step.kind));
        let here = agree(seed);
        facts += here;
        refused += usize::from(here == 0);
    }
    assert!(refused < 12, "{refused} of 60 came to nothing");
    let all: BTreeSet<String> = crate::steps::KINDS
        .iter()
        .map(|kind| kind.name.to_owned())
        .collect();
    assert_eq!(kinds, all);
    assert!(facts > 5_000, "only {facts} facts");
}
