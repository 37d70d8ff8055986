//! One engine: over random journeys, contacts, happenings and time jumps, a live run on a virtual clock (the app's
//! own runtime, a real file, mails to a real SMTP server on loopback, eight hours of sleep, a pause, commits of few rows and
//! of many), the simulation that is told the same from outside, and the replay of the live record give the same facts.
//!
//! `CARILLON_CASES` says how many scenarios are tried, `CARILLON_FIRST_CASE` where their numbers begin.
#![allow(clippy::unwrap_used)]

mod live;
mod outside;

use carillon_engine::journey::{Catalogue, PassageId, compile};
use carillon_engine::replay::{History, verify};
use carillon_engine::sim::{Plan, World, retrace};
use carillon_model::Moment;
use carillon_model::journey::{End, Fact, FactKind, Journey};
use carillon_world::{Options, SmtpWorld};
use chrono::{Datelike, Offset};
use chrono_tz::Europe::Berlin;
use live::Lived;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Days a scenario lasts.
const DAYS: u32 = 12;
/// Scenarios without `CARILLON_CASES`: they begin near each change of the clocks, leap days, and the year's end.
const CASES: u64 = 40;
/// Scenarios beside those, each of which alone shows a law broken that keeps the order of what is told: deadlines before
/// what happens at their moment, the tags a replay knows, no later thing before an earlier one that another commit takes
/// in, and a contact of whom something was written.
const ALSO: [u64; 6] = [47, 51, 93, 115, 127, 151];

fn main() {
    if let Some(code) = carillon_app::render_child() {
        std::process::exit(code);
    }
    let name = "a_live_run_the_simulation_and_the_replay_give_the_same_facts";
    let told = |word: &str| std::env::args().any(|arg| arg == word);
    if told("--list") {
        // A runner that asks for what is to be left out as well is told that nothing is: else it leaves this out.
        if !told("--ignored") {
            println!("{name}: test");
        }
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
    // One that runs in a circle without waiting is refused, as it must be.
    let valid = |seed: &u64| {
        compile(&outside::journey(*seed), &Catalogue::sample())
            .0
            .is_some()
    };
    let usual = first == 0 && cases == CASES;
    let also = ALSO.into_iter().filter(|_| usual);
    for seed in (first..).filter(valid).take(cases as usize).chain(also) {
        let document = outside::journey(seed);
        played += 1;
        let place = tempfile::tempdir().unwrap();
        let lived = live::run(place.path(), seed, &document, world.address().port()).await;
        same(seed, &document, &lived, &mut reached);
        reached.mails += lived.sent;
    }
    let acknowledged = world.acknowledged();
    assert_eq!(
        acknowledged, reached.mails,
        "each mail that counts as accepted was taken by the server, once"
    );
    println!(
        "{played} scenarios: {} passages, {} facts, {acknowledged} mails; met {:?}",
        reached.passages, reached.facts, reached.met
    );
    if usual {
        let missed: Vec<_> = TO_MEET
            .iter()
            .filter(|what| !reached.met.contains(**what))
            .collect();
        assert!(missed.is_empty(), "the scenarios never met {missed:?}");
        assert!(
            reached.facts > 2_000 && reached.mails > 20,
            "the scenarios came to nearly nothing"
        );
    }
}

/// What the usual scenarios must have met, so that their agreement says something: passages that went on over these days,
/// entries by these kinds, and steps left by these ports.
const TO_MEET: [&str; 37] = [
    "a score that is asked for",
    "spring",
    "autumn",
    "leap day",
    "sleep",
    "pause",
    "a wait that was moved",
    "several commits at a time",
    "again",
    "entry_segment/next",
    "entry_event/next",
    "entry_date/next",
    "entry_schedule/next",
    "entry_manual/next",
    "wait/next",
    "wait_window/next",
    "wait_date/next",
    "wait_date/none",
    "wait_event/happened",
    "wait_event/timed_out",
    "if_else/yes",
    "if_else/no",
    "split/a",
    "split/b",
    "split/else",
    "random/a",
    "random/b",
    "send_email/next",
    "set_field/next",
    "add_tag/next",
    "remove_tag/next",
    "change_score/next",
    "post_event/next",
    "ends by goal",
    "goal/next",
    "ends by rule",
    "ends by itself",
];

/// What the scenarios came to.
#[derive(Default)]
struct Reached {
    passages: usize,
    facts: usize,
    mails: u64,
    met: BTreeSet<String>,
}

impl Reached {
    fn take(&mut self, document: &Journey, asleep: &[(Moment, Moment)], id: PassageId, facts: &[Fact]) {
        let mut meet = |what: &str| _ = self.met.insert(what.to_owned());
        if id.enrolment > 1 {
            meet("again");
        }
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else {
            return;
        };
        if asleep.iter().any(|(from, to)| first.at < *from && last.at >= *to) {
            meet("sleep");
        }
        let offset = |at: Moment| at.with_timezone(&Berlin).offset().fix().local_minus_utc();
        match offset(last.at).cmp(&offset(first.at)) {
            Ordering::Greater => meet("spring"),
            Ordering::Less => meet("autumn"),
            Ordering::Equal => {}
        }
        let leap = |year| chrono::NaiveDate::from_ymd_opt(year, 2, 29);
        let days = (first.at.date_naive(), last.at.date_naive());
        if leap(last.at.year()).is_some_and(|leap| days.0 <= leap && leap <= days.1) {
            meet("leap day");
        }
        for pair in facts.windows(2) {
            if let (FactKind::Waiting { until: Some(until) }, FactKind::Waiting { .. }) =
                (&pair[0].what, &pair[1].what)
                && pair[0].step == pair[1].step
                && pair[1].at < *until
            {
                meet("a wait that was moved");
            }
        }
        for fact in facts {
            let kind = document.steps.iter().find(|step| step.id == fact.step);
            match &fact.what {
                FactKind::Left { port, .. } => meet(&format!("{}/{port}", kind.unwrap().kind)),
                FactKind::Ended { end } => meet(match end {
                    End::Completed(_) => "ends by itself",
                    End::Goal(_) => "ends by goal",
                    End::ExitRule(_) => "ends by rule",
                    End::Stopped | End::Erased | End::Merged => "ends by the kernel's limits",
                }),
                FactKind::Entered { .. }
                | FactKind::Waiting { .. }
                | FactKind::Did { .. }
                | FactKind::Learned { .. } => {}
            }
        }
    }
}

fn same(seed: u64, document: &Journey, lived: &Lived, reached: &mut Reached) {
    let start = lived.published_at;
    let mut asleep = vec![outside::asleep(seed, start, DAYS)];
    let paused = outside::paused(seed, document, start, DAYS);
    if paused.is_some() {
        reached.met.insert("pause".to_owned());
    }
    if outside::batch(seed) < 4 {
        reached.met.insert("several commits at a time".to_owned());
    }
    asleep.extend(paused);
    asleep.sort_unstable();
    let plan = Plan {
        journey: lived.journey,
        start,
        days: DAYS,
        seed,
        asleep,
        by_hand: false,
    };
    let world = World {
        version: &lived.version,
        scope: &lived.scope,
        plan: &plan,
        behaviours: &[],
        scores: lived.followed.as_ref(),
    };
    if world.scores.is_some() {
        reached.met.insert("a score that is asked for".to_owned());
    }
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
            reached.take(document, &plan.asleep, *id, &recorded.facts);
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
