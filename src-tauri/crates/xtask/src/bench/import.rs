//! A list of a million people taken in: by the command line into an empty workspace, and by other programs into tables of
//! theirs, with the same people there at the end.

use super::{Figure, Place, figure, peers};
use crate::children::capture;
use crate::ground::root;
use crate::{Result, wiring};
use serde_json::Value;
use std::process::Command;

/// Rows a second of 1,000,000 (`--size`), from the file to the last commit.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let python = peers::databases(place)?;
    let at = |name: &str| place.dir.join(name);
    let (csv, expected, kept) = (at("people.csv"), at("expected.json"), at("kept.jsonl"));
    let rows = place.size.unwrap_or(1_000_000);
    let mut maker = Command::new("python3");
    maker
        .arg(root().join("tests/fixtures/make_people.py"))
        .args(["--people", &rows.to_string(), "--seed", &place.seed.to_string()])
        .arg("--csv")
        .arg(&csv)
        .arg("--expected")
        .arg(&expected)
        .arg("--kept")
        .arg(&kept);
    capture(&mut maker)?;
    let text = std::fs::read_to_string(&expected).map_err(|e| e.to_string())?;
    let expected: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let file = at("import.carillon");
    capture(&mut place.carillon(wiring::workspace_create(&file)))?;
    let (took, _) = place.timed(wiring::import_typed(&file, &csv))?;
    let there = place.count(&file, "everyone")?;
    let lines = expected["rows"].as_u64().unwrap_or_default();
    let right = expected["new"].as_u64() == Some(there);
    let mut all = vec![figure(
        "import",
        lines as f64 / took.as_secs_f64(),
        "rows/s",
        right,
    )];
    let mut others = peers::script(python, "import_peers.py");
    others.arg(&csv).arg(&kept).arg(&file).arg(&place.dir);
    let beside = peers::beside(&all, &mut others)?;
    all.extend(beside);
    Ok(all)
}
