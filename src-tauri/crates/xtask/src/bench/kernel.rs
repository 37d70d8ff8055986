//! Durable steps of journeys: what a commit of the tick costs in a file of a million enrolled, beside the same rows written
//! alone; and a journey of five steps from end to end, beside engines whose work is durable steps.

use super::{Figure, Place, example_of_the_store, figure, figures_of, peers};
use crate::children::capture;
use crate::ground::root;
use crate::packages::Need;
use crate::{Result, node, python, setup, wiring};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const DBOS: &[&str] = &["dbos==3.4.0", "psycopg[binary]==3.3.9", "psycopg_pool==3.3.3"];
const RESTATE: &[&str] = &[
    "@restatedev/restate-server@1.7.12",
    "@restatedev/restate-sdk@1.17.2",
];
/// Steps each contact goes through.
const STEPS: u64 = 5;
const NAME: &str = "Bench";

/// The example of the store writes its own figures; then the journey, ours and theirs.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    setup::ensure(&[Need::Python], place.yes)?;
    setup::ensure_databases(place.yes)?;
    setup::require_node()?;
    let python = python::with("python-dbos", DBOS)?;
    let node = node::with("node-restate", RESTATE)?;
    let mut command = example_of_the_store("kernel_bench");
    let mut all = figures_of(&capture(command.arg(&place.dir))?)?;
    let contacts = place.size.unwrap_or(5_000);
    let ours = [journey(place, contacts)?];
    let mut dbos = peers::script(python, "kernel_dbos.py");
    dbos.arg(&place.dir).arg(contacts.to_string());
    let mut restate = Command::new("node");
    restate
        .arg(root().join("tests/bench/kernel_restate.mjs"))
        .arg(&node)
        .arg(&place.dir)
        .arg(contacts.to_string());
    let mut beside = peers::beside(&ours, &mut dbos)?;
    beside.extend(peers::beside(&ours, &mut restate)?);
    all.extend(ours);
    all.extend(beside);
    Ok(all)
}

/// Everybody through five steps, from the order to run until nothing is left to do, the start of the program included.
fn journey(place: &Place, contacts: u64) -> Result<Figure> {
    let file = fill(place, contacts)?;
    let (took, _) = place.timed(wiring::run_days(&file, 1))?;
    let mut right = true;
    // The first step decided, the third counted points and the fourth tagged: everybody, and everybody once.
    for (expression, expected) in [
        ("tag \"tried\"", contacts),
        ("score_heat = 5", contacts),
        (
            "tag \"tried\" and email ends with \"1@example.com\"",
            (contacts + 8) / 10,
        ),
    ] {
        right &= place.count(&file, expression)? == expected;
    }
    let report = capture(&mut place.carillon(wiring::report(&file, NAME)))?;
    let report = serde_json::from_str(&report).map_err(|e| format!("The report is no JSON: {e}"))?;
    right &= all_reached(&report, contacts);
    Ok(figure(
        "kernel.journey",
        (contacts * STEPS) as f64 / took.as_secs_f64(),
        "steps/s",
        right,
    ))
}

/// Whether each step was reached by so many: of the journey's, and of its entry.
fn all_reached(report: &Value, contacts: u64) -> bool {
    let steps = report["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    steps.len() as u64 > STEPS && steps.iter().all(|step| step["reached"] == contacts)
}

/// A workspace on a virtual clock with everybody in front of the journey.
fn fill(place: &Place, contacts: u64) -> Result<PathBuf> {
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
        put("journey.json", &drawing().to_string())?,
    );
    let score = put("heat.json", &points_by_hand().to_string())?;
    let file = place.dir.join("journey.carillon");
    for args in [
        wiring::workspace_create_virtual(&file),
        wiring::import(&file, &csv),
        wiring::score_save(&file, "Heat", "heat", &score),
        wiring::score_publish(&file, "Heat"),
        wiring::segment_save(&file, NAME, "everyone"),
        wiring::journey_import(&file, &journey),
        wiring::journey_publish(&file, NAME),
    ] {
        capture(&mut place.carillon(args))?;
    }
    Ok(file)
}

/// Points by hand only: its one rule is about an event that nobody does.
fn points_by_hand() -> Value {
    json!({ "kind": "points", "groups": [{ "key": "all", "name": "All", "rules": [
        { "key": "none", "when": "did nothing_at_all", "points": { "per": "each", "points": 1 } },
    ] }] })
}

fn drawing() -> Value {
    json!({
        "format": "carillon/journey/1",
        "name": NAME,
        "steps": [
            { "id": "in", "kind": "entry_segment", "next": { "next": "decide" },
              "settings": { "segment": NAME, "on": "entered", "include_current": true } },
            { "id": "decide", "kind": "split", "next": { "one": "wait", "else": "wait" },
              "settings": { "branches": [{ "port": "one", "name": "One", "when": "email ends with \"1@example.com\"" }] } },
            { "id": "wait", "kind": "wait", "next": { "next": "score" },
              "settings": { "for": { "amount": 1, "unit": "minutes" } } },
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
}
