//! Durable steps of journeys: what a commit of the tick costs in a file of a million enrolled, beside the same rows written
//! alone; and a journey of five steps from end to end, also killed on the way, beside engines whose work is durable steps.

use super::{Figure, Place, example_of_the_store, figure, figures_of, peers, waiting};
use crate::children::{Leashed, capture};
use crate::ground::{root, scratch};
use crate::packages::Need;
use crate::{Result, node, python, setup, wiring};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DBOS: &[&str] = &["dbos==3.4.0", "psycopg[binary]==3.3.9", "psycopg_pool==3.3.3"];
const RESTATE: &[&str] = &[
    "@restatedev/restate-server@1.7.12",
    "@restatedev/restate-sdk@1.17.2",
];
/// Steps each contact goes through.
const STEPS: u64 = 5;
/// How often the work is killed, each time after a further sixth of it, before it may come to its end.
const KILLS: u32 = 5;
/// How many times as many contacts wait as go through the steps beside others: with 5,000 a million.
const WAITING: u64 = 200;
pub(super) const NAME: &str = "Bench";

/// The example of the store writes its own figures; then the journey, ours and theirs.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    setup::ensure(&[Need::Python], place.yes)?;
    setup::ensure_databases(place.yes)?;
    setup::require_node()?;
    let python = python::with("python-dbos", DBOS)?;
    let node = node::with("node-restate", RESTATE)?;
    let mut command = example_of_the_store("kernel_bench");
    let mut all = figures_of(&capture(command.arg(&place.dir).arg(enrolled(place)?))?)?;
    let contacts = place.size.unwrap_or(5_000);
    let (whole, took) = journey(place, contacts)?;
    let mut ours = vec![whole];
    ours.extend(killed(place, contacts, took)?);
    let mut dbos = peers::script(python, "kernel_dbos.py");
    dbos.arg(&place.dir)
        .args([contacts.to_string(), KILLS.to_string()]);
    let mut restate = Command::new("node");
    restate
        .arg(root().join("tests/bench/kernel_restate.mjs"))
        .arg(&node)
        .arg(&place.dir)
        .args([contacts.to_string(), KILLS.to_string()]);
    let mut beside = peers::beside(&ours, &mut dbos)?;
    beside.extend(peers::beside(&ours, &mut restate)?);
    all.extend(ours);
    all.extend(beside);
    all.extend(waiting::measure(place, contacts * WAITING)?);
    Ok(all)
}

/// Where the files of a million enrolled are: made in the first round and copied in all.
fn enrolled(place: &Place) -> Result<PathBuf> {
    let folder = scratch("enrolled")?;
    if place.first {
        let failed = |e: std::io::Error| format!("{} cannot be emptied: {e}", folder.display());
        std::fs::remove_dir_all(&folder).map_err(failed)?;
        std::fs::create_dir_all(&folder).map_err(failed)?;
    }
    Ok(folder)
}

/// Everybody through five steps, from the order to run until nothing is left to do, the start of the program included.
fn journey(place: &Place, contacts: u64) -> Result<(Figure, Duration)> {
    let file = workspace(place, "journey", contacts)?;
    let (took, _) = place.timed(wiring::run_days(&file, 1))?;
    let right = went_through(place, &file, contacts)?;
    Ok((rate("kernel.journey", contacts, took, right), took))
}

/// The same killed on the way, with each new start in the time; and how many got their points twice, a kill. Right when the kills
/// came in the midst of the work and all of it is done in the end, each step once.
fn killed(place: &Place, contacts: u64, whole: Duration) -> Result<[Figure; 2]> {
    let file = workspace(place, "killed", contacts)?;
    let started = Instant::now();
    let mut right = true;
    for _ in 0..KILLS {
        let mut command = place.carillon(wiring::run_days(&file, 1));
        let mut running = Leashed::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
        right &= running.wait_for(whole / (KILLS + 1)).is_none();
        running.kill();
    }
    let mut last = vec!["--json".to_string()];
    last.extend(wiring::run_days(&file, 1));
    let told = capture(&mut place.carillon(last))?;
    let took = started.elapsed();
    right &= in_the_midst(&told, contacts)? && went_through(place, &file, contacts)?;
    let twice = place.count(&file, "score_heat > 5")? as f64 / f64::from(KILLS);
    Ok([
        rate("kernel.killed", contacts, took, right),
        figure("kernel.killed.twice", twice, "twice/kill", right),
    ])
}

/// Whether the last run had a part of the steps left to do and not all of them.
fn in_the_midst(told: &str, contacts: u64) -> Result<bool> {
    let told: Value = serde_json::from_str(told).map_err(|e| format!("A run wrote no JSON: {e}"))?;
    let entered = told["entered"].as_u64().unwrap_or_default();
    let calls = told["calls"].as_u64().unwrap_or_default();
    Ok(calls > 0 && entered < contacts)
}

fn rate(name: &str, contacts: u64, took: Duration, right: bool) -> Figure {
    figure(
        name,
        (contacts * STEPS) as f64 / took.as_secs_f64(),
        "steps/s",
        right,
    )
}

/// The first step decided, the third counted points and the fourth tagged: everybody, and everybody once.
fn went_through(place: &Place, file: &Path, contacts: u64) -> Result<bool> {
    let mut right = true;
    for (expression, expected) in [
        ("tag \"tried\"", contacts),
        ("score_heat = 5", contacts),
        (
            "tag \"tried\" and email ends with \"1@example.com\"",
            (contacts + 8) / 10,
        ),
    ] {
        right &= place.count(file, expression)? == expected;
    }
    let report = capture(&mut place.carillon(wiring::report(file, NAME)))?;
    let report = serde_json::from_str(&report).map_err(|e| format!("The report is no JSON: {e}"))?;
    Ok(right && all_reached(&report, contacts))
}

/// Whether each step was reached by so many: of the journey's, and of its entry.
pub(super) fn all_reached(report: &Value, contacts: u64) -> bool {
    let steps = report["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    steps.len() as u64 > STEPS && steps.iter().all(|step| step["reached"] == contacts)
}

/// A workspace on a virtual clock with everybody in front of the journey.
fn workspace(place: &Place, name: &str, contacts: u64) -> Result<PathBuf> {
    let file = place.dir.join(format!("{name}.carillon"));
    capture(&mut place.carillon(wiring::workspace_create_virtual(&file)))?;
    let wait = json!({ "id": "wait", "kind": "wait", "next": { "next": "score" },
                       "settings": { "for": { "amount": 1, "unit": "minutes" } } });
    fill(place, &file, contacts, &journey_of(wait))?;
    Ok(file)
}

/// So many contacts, and the journey that is in front of them.
pub(super) fn fill(place: &Place, file: &Path, contacts: u64, journey: &Value) -> Result<()> {
    let put = |name: &str, text: &str| {
        let path = place.dir.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
        Ok::<PathBuf, String>(path)
    };
    let mut csv = String::from("email,first_name\n");
    for n in 1..=contacts {
        csv.push_str(&format!("person{n}@example.com,Person {n}\n"));
    }
    let (csv, journey) = (
        put("people.csv", &csv)?,
        put("journey.json", &journey.to_string())?,
    );
    let score = put("heat.json", &points_by_hand().to_string())?;
    for args in [
        wiring::import(file, &csv),
        wiring::score_save(file, "Heat", "heat", &score),
        wiring::score_publish(file, "Heat"),
        wiring::segment_save(file, NAME, "everyone"),
        wiring::journey_import(file, &journey),
        wiring::journey_publish(file, NAME),
    ] {
        capture(&mut place.carillon(args))?;
    }
    Ok(())
}

/// Points by hand only: its one rule is about an event that nobody does.
fn points_by_hand() -> Value {
    json!({ "kind": "points", "groups": [{ "key": "all", "name": "All", "rules": [
        { "key": "none", "when": "did nothing_at_all", "points": { "per": "each", "points": 1 } },
    ] }] })
}

/// Decide, the wait, change the score, tag, end.
pub(super) fn journey_of(wait: Value) -> Value {
    json!({
        "format": "carillon/journey/1",
        "name": NAME,
        "steps": [
            { "id": "in", "kind": "entry_segment", "next": { "next": "decide" },
              "settings": { "segment": NAME, "on": "entered", "include_current": true } },
            { "id": "decide", "kind": "split", "next": { "one": "wait", "else": "wait" },
              "settings": { "branches": [{ "port": "one", "name": "One", "when": "email ends with \"1@example.com\"" }] } },
            wait,
            { "id": "score", "kind": "change_score", "next": { "next": "tag" },
              "settings": { "score": "heat", "points": 5 } },
            { "id": "tag", "kind": "add_tag", "next": { "next": "out" }, "settings": { "tag": "tried" } },
            { "id": "out", "kind": "exit" },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_somebody_did_not_reach_is_seen() {
        let step = |reached: u64| json!({ "reached": reached });
        let report = |last| json!({ "steps": [step(7), step(7), step(7), step(7), step(7), step(last)] });
        assert!(all_reached(&report(7), 7));
        assert!(!all_reached(&report(6), 7));
        assert!(!all_reached(&json!({ "steps": [step(7)] }), 7));
        assert!(!all_reached(&json!({}), 7));
    }

    #[test]
    fn kills_before_or_after_the_work_are_seen() {
        let told = |entered: u64, calls: u64| {
            in_the_midst(&json!({ "entered": entered, "calls": calls }).to_string(), 7)
        };
        assert_eq!(told(3, 12), Ok(true));
        assert_eq!(told(0, 12), Ok(true));
        assert_eq!(told(7, 35), Ok(false));
        assert_eq!(told(0, 0), Ok(false));
    }
}
