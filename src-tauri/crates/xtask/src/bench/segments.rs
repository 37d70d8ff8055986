//! Counts of segments in a large workspace, and the same counts by other programs on the same rows; and random expressions
//! of the whole grammar, which nobody else can count.

use super::{Figure, Place, example_of_the_store, figures_of, peers};
use crate::Result;
use crate::children::capture;

/// Programs the script of the peers knows.
const PEERS: &[&str] = &["duckdb", "sqlite", "postgres", "mariadb", "chdb"];

/// The store's examples make the workspaces and count; a script has the peers count what they left behind. What is made in
/// the first round is counted in all.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let python = peers::databases(place)?;
    let people = place.size.unwrap_or(1_000_000).to_string();
    let folder = place.dir.join("segments");
    let peer = |order: &str, name: &str| {
        let mut command = peers::script(python.clone(), "segments_peers.py");
        command.arg(&folder).args([order, name]);
        command
    };
    if place.first {
        let mut make = example_of_the_store("segments_bench");
        capture(make.arg(&place.dir).args([people.as_str(), "make"]))?;
        for name in PEERS {
            capture(&mut peer("load", name))?;
        }
    }
    let mut ours = example_of_the_store("segments_bench");
    let mut all = figures_of(&capture(ours.arg(&place.dir).arg(&people))?)?;
    let mut beside = Vec::new();
    for name in PEERS {
        beside.extend(peers::beside(&all, &mut peer("count", name))?);
    }
    all.append(&mut beside);
    let mut random = example_of_the_store("expressions_bench");
    random.arg(&place.dir).args([people, place.seed.to_string()]);
    all.extend(figures_of(&capture(&mut random)?)?);
    Ok(all)
}

/// Random commits in the workspace of the random expressions, and whether the index says then what the rows say.
pub(super) fn law(place: &Place) -> Result<Vec<Figure>> {
    let people = place.size.unwrap_or(1_000_000).to_string();
    let mut law = example_of_the_store("index_law");
    law.arg(&place.dir).args([people, place.seed.to_string()]);
    figures_of(&capture(&mut law)?)
}
