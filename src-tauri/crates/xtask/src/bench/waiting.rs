//! A crowd of contacts who all wait in a journey: what it costs to open their workspace, to do nothing while they wait, and
//! that they are all due at one instant.

use super::kernel::{NAME, all_reached, fill, journey_of};
use super::watched::{LIMIT, processor, resident_kb};
use super::{Figure, Place, figure};
use crate::children::{Leashed, capture};
use crate::{Result, wiring};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// When all of them are due: later than any clock of a machine says.
const DUE: &str = "2100-01-01T00:00:00Z";
/// The steps that are left then, of each contact.
const LEFT: u64 = 3;
/// How long nothing is done: until the program has come to rest, for after much was written it packs columns in its idle
/// moments, and then as long as it is watched.
const REST: Duration = Duration::from_secs(90);
const WATCHED: Duration = Duration::from_secs(20);

pub(super) fn measure(place: &Place, contacts: u64) -> Result<Vec<Figure>> {
    let mut all = on_the_machines_clock(place, contacts)?;
    all.extend(on_a_virtual_clock(place, contacts)?);
    Ok(all)
}

/// Everybody comes to the wait; then the program is started again, and another time to be watched doing nothing.
fn on_the_machines_clock(place: &Place, contacts: u64) -> Result<Vec<Figure>> {
    let file = place.dir.join("waiting.carillon");
    capture(&mut place.carillon(wiring::workspace_create(&file)))?;
    fill(place, &file, contacts, &waits())?;
    capture(&mut place.carillon(wiring::run_until_idle(&file)))?;
    let (start, told) = place.timed(json_of(wiring::run_until_idle(&file)))?;
    let right = waits_only(&told)? && place.count(&file, r#"in journey "Bench""#)? == contacts;
    let (idle, megabytes) = at_rest(place, &file)?;
    std::fs::remove_file(&file).ok();
    let of =
        |what: &str, number: f64, unit: &str| figure(&format!("kernel.waiting.{what}"), number, unit, right);
    Ok(vec![
        of("start", start.as_secs_f64() * 1_000.0, "ms"),
        of("memory", megabytes, "MB"),
        // Milliseconds of a second: thousandths of a core.
        of(
            "processor",
            idle.as_secs_f64() * 1_000.0 / WATCHED.as_secs_f64(),
            "ms/s",
        ),
    ])
}

/// The processor's time while it is watched doing nothing, and its memory in MB.
fn at_rest(place: &Place, file: &Path) -> Result<(Duration, f64)> {
    let mut command = place.carillon(wiring::run_secs(file, (REST + WATCHED).as_secs() * 2));
    let mut running = Leashed::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
    let ended = |running: &mut Leashed, after| match running.wait_for(after) {
        Some(status) => Err(format!("What was to wait ended with {status}.")),
        None => Ok(()),
    };
    ended(&mut running, REST)?;
    let before = processor(running.id());
    ended(&mut running, WATCHED)?;
    let idle = processor(running.id()).saturating_sub(before);
    Ok((idle, resident_kb(running.id()) as f64 / 1e3))
}

/// The clock goes to the instant: everybody's last steps, from the order to the end of the program.
fn on_a_virtual_clock(place: &Place, contacts: u64) -> Result<Vec<Figure>> {
    let file = place.dir.join("due.carillon");
    capture(&mut place.carillon(wiring::workspace_create_virtual(&file)))?;
    fill(place, &file, contacts, &waits())?;
    let (entering, _) = place.timed(wiring::run_until_idle(&file))?;
    let mut command = place.carillon(wiring::run_until(&file, DUE));
    let started = Instant::now();
    let mut running = Leashed::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
    let mut most = 0;
    while running.wait_for(Duration::from_millis(50)).is_none() {
        if started.elapsed() > LIMIT {
            return Err("Those who were due did not come to an end.".to_string());
        }
        most = most.max(resident_kb(running.id()));
    }
    let took = started.elapsed();
    let report = capture(&mut place.carillon(wiring::report(&file, NAME)))?;
    let report = serde_json::from_str(&report).map_err(|e| format!("The report is no JSON: {e}"))?;
    let right = all_reached(&report, contacts)
        && place.count(&file, r#"tag "tried" and score_heat = 5"#)? == contacts;
    std::fs::remove_file(&file).ok();
    let rate = |steps: u64, took: Duration| (contacts * steps) as f64 / took.as_secs_f64();
    Ok(vec![
        figure("kernel.waiting.entering", rate(3, entering), "steps/s", right),
        figure("kernel.waiting.due", rate(LEFT, took), "steps/s", right),
        figure("kernel.waiting.due.memory", most as f64 / 1e3, "MB", right),
    ])
}

/// The journey of the bench with a wait for all at once.
fn waits() -> Value {
    journey_of(
        json!({ "id": "wait", "kind": "wait_until", "next": { "next": "score" },
                       "settings": { "at": "2100-01-01T00:00", "zone": "UTC" } }),
    )
}

fn json_of(mut args: Vec<String>) -> Vec<String> {
    args.insert(0, "--json".to_string());
    args
}

/// Whether a run found nothing to do, and would have at the instant.
fn waits_only(told: &str) -> Result<bool> {
    let told: Value = serde_json::from_str(told).map_err(|e| format!("A run wrote no JSON: {e}"))?;
    Ok(told["calls"] == 0
        && told["next_due"]
            .as_str()
            .is_some_and(|due| DUE.starts_with(&due[..10.min(due.len())])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_did_something_or_has_something_before_is_seen() {
        let told = |calls, due: Value| waits_only(&json!({ "calls": calls, "next_due": due }).to_string());
        assert_eq!(told(0, json!("2100-01-01T00:00:00Z")), Ok(true));
        assert_eq!(told(1, json!("2100-01-01T00:00:00Z")), Ok(false));
        assert_eq!(told(0, json!("2026-01-01T00:00:00Z")), Ok(false));
        assert_eq!(told(0, Value::Null), Ok(false));
        assert!(waits_only("").is_err());
    }
}
