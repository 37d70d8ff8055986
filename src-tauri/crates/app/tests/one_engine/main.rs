//! One engine: over random journeys, contacts, happenings and time jumps, a live run on a virtual clock (the app's
//! own runtime, a real file, mails to a real SMTP server on loopback, eight hours of sleep), the simulation that is told the same from
//! outside, and the replay of the live record give the same facts.
//!
//! `CARILLON_CASES` says how many scenarios are tried, `CARILLON_FIRST_CASE` where their numbers begin.
#![allow(clippy::unwrap_used)]

mod live;
mod outside;

use carillon_engine::journey::{Catalogue, PassageId, compile};
use carillon_engine::replay::{History, verify};
use carillon_engine::sim::{Plan, World, retrace};
use carillon_model::journey::{Fact, FactKind};
use carillon_world::{Options, SmtpWorld};
use live::Lived;
use std::collections::BTreeSet;

/// Days a scenario lasts.
const DAYS: u32 = 12;
/// Scenarios without `CARILLON_CASES`: they begin near each change of the clocks, leap days, and the year's end.
const CASES: u64 = 40;

fn main() {
    if let Some(code) = carillon_app::render_child() {
        std::process::exit(code);
    }
    let name = "a_live_run_the_simulation_and_the_replay_give_the_same_facts";
    if std::env::args().any(|arg| arg == "--list") {
        println!("{name}: test");
        return;
    }
    let result = |passed: u32| {
        println!(
            "test result: ok. {passed} passed; 0 failed; 0 ignored; 0 measured; {} filtered out",
            1 - passed
        );
    };
    if !asked_for(name) {
        return result(0);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(agree());
    println!("test {name} ... ok");
    result(1);
}

/// Whether the words on the command line, as `cargo test WORD` gives them, mean this test; numbers are values of
/// options.
fn asked_for(name: &str) -> bool {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-') && arg.parse::<u32>().is_err())
        .collect();
    words.is_empty() || words.iter().any(|word| name.contains(word))
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

async fn agree() {
    let dir = tempfile::tempdir().unwrap();
    let world = SmtpWorld::start(Options::new(dir.path().join("truth.jsonl")))
        .await
        .unwrap();
    let (first, cases) = (number("CARILLON_FIRST_CASE", 0), number("CARILLON_CASES", CASES));
    let mut reached = Reached::default();
    let mut played = 0;
    for seed in first.. {
        if played == cases {
            break;
        }
        let document = outside::journey(seed);
        // One that runs in a circle without waiting is refused, as it must be.
        if compile(&document, &Catalogue::sample()).0.is_none() {
            continue;
        }
        played += 1;
        let place = tempfile::tempdir().unwrap();
        let lived = live::run(place.path(), seed, &document, world.address().port()).await;
        same(seed, &lived, &mut reached);
        reached.mails += lived.sent;
    }
    let acknowledged = world.acknowledged();
    assert_eq!(
        acknowledged, reached.mails,
        "each mail that counts as accepted was taken by the server, once"
    );
    println!(
        "{played} scenarios: {} passages, {} facts, {acknowledged} mails, ends {:?}",
        reached.passages, reached.facts, reached.ends
    );
    assert!(
        cases < CASES || (reached.facts > 2_000 && reached.mails > 20 && reached.ends.len() > 2),
        "the scenarios came to nearly nothing"
    );
}

/// What the scenarios came to.
#[derive(Default)]
struct Reached {
    passages: usize,
    facts: usize,
    mails: u64,
    ends: BTreeSet<&'static str>,
}

fn same(seed: u64, lived: &Lived, reached: &mut Reached) {
    let plan = Plan {
        journey: lived.journey,
        start: lived.published_at,
        days: DAYS,
        seed,
        asleep: vec![outside::asleep(seed, lived.published_at, DAYS)],
        by_hand: false,
    };
    let world = World {
        version: &lived.version,
        scope: &lived.scope,
        plan: &plan,
        behaviours: &[],
    };
    for contact in &lived.contacts {
        let simulated = retrace(world, &contact.record, &contact.told);
        for ((id, live), (other, sim)) in contact.passages.iter().zip(&simulated) {
            assert_eq!(id, other, "seed {seed}: other passages");
            facts_are_the_same(seed, *id, &live.facts, &sim.facts);
        }
        let ids = |all: &[(PassageId, History)]| all.iter().map(|(id, _)| id.enrolment).collect::<Vec<_>>();
        assert_eq!(
            ids(&contact.passages),
            ids(&simulated),
            "seed {seed}, contact {}: another number of passages, live and simulated\nlive: {:#?}\nsimulated: {:#?}",
            contact.record.id,
            contact.passages.last().map(|(_, h)| &h.facts),
            simulated.last().map(|(_, h)| &h.facts),
        );
        for (id, recorded) in &contact.records {
            assert_eq!(
                verify(&lived.version, recorded),
                Ok(None),
                "seed {seed}, {id:?}: the replay of the live record differs"
            );
            reached.passages += 1;
            reached.facts += recorded.facts.len();
            reached
                .ends
                .extend(recorded.facts.iter().filter_map(|fact| match &fact.what {
                    FactKind::Ended { end } => Some(match end {
                        carillon_model::journey::End::Completed(_) => "completed",
                        carillon_model::journey::End::Goal(_) => "goal",
                        carillon_model::journey::End::ExitRule(_) => "exit rule",
                        _ => "other",
                    }),
                    _ => None,
                }));
        }
    }
}

fn facts_are_the_same(seed: u64, id: PassageId, live: &[Fact], simulated: &[Fact]) {
    let longer = live.len().max(simulated.len());
    if let Some(at) = (0..longer).find(|at| live.get(*at) != simulated.get(*at)) {
        let from = at.saturating_sub(4);
        panic!(
            "seed {seed}, {id:?}: fact {at} differs\nlive:      {:#?}\nsimulated: {:#?}",
            &live[from.min(live.len())..(at + 2).min(live.len())],
            &simulated[from.min(simulated.len())..(at + 2).min(simulated.len())],
        );
    }
}
