//! What random expressions of the whole grammar cost in a workspace of a million contacts with ten million events.
//!
//! `cargo run --release -p carillon-store --example expressions_bench FOLDER [CONTACTS] [SEED]` prints one JSON object a
//! line. The file is made in FOLDER where there is none yet. 200 expressions, drawn by SEED, are counted once, each by an
//! index that has never seen it (cold), five times more (remembered), and five times with what is remembered forgotten (warm). `checked` says that each answer is
//! that of the evaluator, contact by contact, for a thousand contacts.

mod crowd;

use carillon_engine::segment::{Needs, eval, print};
use carillon_model::ContactId;
use carillon_store::{OpenOptions, Store};
use crowd::{Outcome, at, expressions, now};
use rusqlite::Connection;
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

const EXPRESSIONS: usize = 200;
const WARM: usize = 5;
/// Contacts whose answer is compared with the evaluator's.
const SAMPLE: u32 = 1_000;
/// Told on standard error, for whoever makes them quicker.
const SLOWEST: usize = 10;

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let people: u32 = words.next().map_or(Ok(1_000_000), |word| word.parse())?;
    let seed: u64 = words.next().map_or(Ok(1), |word| word.parse())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let path = crowd::file(&runtime, &folder, people)?;
    let events: u32 =
        Connection::open(&path)?.query_row("SELECT count(*) FROM events", (), |row| row.get(0))?;
    let start = Instant::now();
    let store = runtime.block_on(Store::open(&path, OpenOptions::default()))?;
    let open = start.elapsed();
    say("random.open", open.as_secs_f64() * 1e3, "ms", events > people * 8);
    measure(&store, seed, people)?;
    runtime.block_on(store.close());
    Ok(())
}

/// What one expression came to.
struct Counted {
    cold: f64,
    /// What it reads is in memory.
    warm: f64,
    /// Its clauses were counted before, and nothing that they read has changed.
    remembered: f64,
    /// Some are meant and some are not.
    tells: bool,
    right: bool,
}

fn measure(store: &Store, seed: u64, people: u32) -> Outcome<()> {
    let exprs = expressions(seed, EXPRESSIONS)?;
    let mut all = Vec::new();
    let mut answers = Vec::new();
    for expr in &exprs {
        let count = || {
            let start = Instant::now();
            let members = store.with_index(|index| index.members(expr, now()));
            (start.elapsed().as_secs_f64() * 1e3, members)
        };
        let (cold, members) = count();
        let mut warm = Vec::new();
        let mut remembered = Vec::new();
        let mut same = true;
        for _ in 0..WARM {
            let (time, again) = count();
            remembered.push(time);
            same &= again == members;
        }
        for _ in 0..WARM {
            store.with_index(carillon_store::Index::forget);
            let (time, again) = count();
            warm.push(time);
            same &= again == members;
        }
        let n = members.len();
        answers.push(members);
        all.push(Counted {
            cold,
            warm: at(&mut warm, 0.5),
            remembered: at(&mut remembered, 0.5),
            tells: n > 0 && n < u64::from(people),
            right: same,
        });
    }
    // Only now: making records could warm what the cold counts had to find.
    let step = (people / SAMPLE).max(1) as usize;
    let sample: Vec<ContactId> = (1..=people).step_by(step).map(ContactId).collect();
    for ((expr, members), counted) in exprs.iter().zip(&answers).zip(&mut all) {
        counted.right &= store.with_index(|index| {
            let needs = Needs::of(expr, &index.scope().segments);
            let measured = index.measured(expr, now());
            sample.iter().all(|id| {
                let who = index.record_of(*id, &needs);
                let holds = who.is_some_and(|who| eval(&measured, &who, now(), index.scope()).holds);
                if holds != members.contains(id.0) {
                    eprintln!("of contact {} the evaluator says {holds}: {}", id.0, print(expr));
                }
                holds == members.contains(id.0)
            })
        });
    }
    tell(&all, sample.len() as u32 >= SAMPLE.min(people));
    let mut slowest: Vec<_> = exprs.iter().zip(&all).collect();
    slowest.sort_by(|a, b| b.1.warm.total_cmp(&a.1.warm));
    for (expr, counted) in slowest.into_iter().take(SLOWEST) {
        eprintln!(
            "{:.1} ms cold, {:.1} ms warm: {}",
            counted.cold,
            counted.warm,
            print(expr)
        );
    }
    Ok(())
}

fn tell(all: &[Counted], sampled: bool) {
    let right = sampled && all.iter().all(|counted| counted.right);
    let telling: Vec<&Counted> = all.iter().filter(|counted| counted.tells).collect();
    for (kind, of) in [
        ("cold", (|c| c.cold) as fn(&Counted) -> f64),
        ("warm", |c| c.warm),
        ("remembered", |c| c.remembered),
    ] {
        let mut times: Vec<f64> = all.iter().map(of).collect();
        say(&format!("random.{kind}_p50"), at(&mut times, 0.5), "ms", right);
        say(&format!("random.{kind}_p99"), at(&mut times, 0.99), "ms", right);
        let mut times: Vec<f64> = telling.iter().map(|counted| of(counted)).collect();
        say(
            &format!("random.telling_{kind}_p50"),
            at(&mut times, 0.5),
            "ms",
            right,
        );
    }
    // With fewer the figures would say how quickly nothing is found.
    let enough = telling.len() * 4 >= all.len();
    say(
        "random.telling",
        telling.len() as f64,
        "expressions",
        right && enough,
    );
}

fn say(bench: &str, ours: f64, unit: &str, checked: bool) {
    println!(
        "{}",
        json!({ "bench": format!("segments.{bench}"), "ours": ours, "unit": unit, "limit": null, "checked": checked })
    );
}
