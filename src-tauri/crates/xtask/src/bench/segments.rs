//! Counts of segments in a large workspace, and the same counts by other programs on the same rows.

use super::{Figure, Place, example_of_the_store, figure, figures_of};
use crate::children::capture;
use crate::ground::root;
use crate::{Result, python};
use serde_json::Value;
use std::process::Command;

const PEERS: &[&str] = &["duckdb==2.0.1"];

/// The store's example makes the workspace and counts; a script has the peers count what it left behind.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let people = place.size.unwrap_or(1_000_000).to_string();
    let mut command = example_of_the_store("segments_bench");
    let mut all = figures_of(&capture(command.arg(&place.dir).arg(&people))?)?;
    let python = python::with("python-segments", PEERS)?;
    let mut peers = Command::new(python);
    peers
        .arg("-B")
        .arg(root().join("tests/bench/segments_peers.py"))
        .arg(place.dir.join("segments"));
    for line in capture(&mut peers)?.lines() {
        let told: Value =
            serde_json::from_str(line).map_err(|e| format!("A peer wrote no JSON ({e}): {line}"))?;
        let (Some(query), Some(peer), Some(ms)) =
            (told["query"].as_str(), told["peer"].as_str(), told["ms"].as_f64())
        else {
            return Err(format!("A peer's line lacks query, peer or ms: {line}"));
        };
        let name = format!("segments.{query}");
        let ours = all.iter().find(|figure| figure.name == name);
        let (ours, right) = ours.map_or((f64::NAN, false), |figure| (figure.ours, figure.checked));
        let word = peer.split(' ').next().unwrap_or(peer).to_lowercase();
        all.push(Figure {
            peer: Some((peer.to_owned(), ms)),
            ..figure(
                &format!("{name}.{word}"),
                ours,
                "ms",
                right && told["same"] == true,
            )
        });
    }
    Ok(all)
}
