//! Templates made into mails on one core: MJML beside mjml, and Liquid for one person after the other beside liquidjs.

use super::{Figure, Place, example, figures_of, peers};
use crate::children::capture;
use crate::ground::root;
use crate::{Result, node, setup};
use std::process::Command;

const PEERS: &[&str] = &["mjml@5.4.1", "liquidjs@10.30.1"];

/// The example of the render crate measures ours and writes down what it worked on; a script has the peers do the same.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    setup::require_node()?;
    let modules = node::with("node-render", PEERS)?;
    let folder = place.dir.join("render");
    let mut ours = example("carillon-render", "render_bench");
    ours.arg(&folder).args(place.size.map(|n| n.to_string()));
    let mut all = figures_of(&capture(&mut ours)?)?;
    let mut theirs = Command::new("node");
    theirs
        .arg(root().join("tests/bench/render_peers.mjs"))
        .arg(&modules)
        .arg(&folder);
    let beside = peers::beside(&all, &mut theirs)?;
    all.extend(beside);
    Ok(all)
}
