//! The relay under load with SIGKILL. The load and the comparison are an example of the relay's crate, which has the
//! studio's own client; here it is built and run, and its figures taken.

use super::{Figure, Place, figures_of};
use crate::Result;
use crate::children::{capture, run};
use crate::ground::{LOOPBACK_ONLY, cargo, target_dir};
use std::process::Command;

/// Ten minutes with a kill each minute, unless told otherwise.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let package = ["--package", "carillon-relay"];
    let targets = ["--bin", "carillon-relay", "--example", "relay_bench"];
    run(cargo().args(["build", "--release"]).args(package).args(targets))?;
    let built = target_dir()?.join("release");
    let mut load = Command::new(built.join("examples/relay_bench"));
    load.arg(&place.dir)
        .arg(built.join("carillon-relay"))
        .arg((place.minutes * 60).to_string())
        .arg(place.sessions.unwrap_or(4).to_string())
        .arg(place.kill_secs.to_string())
        .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
    figures_of(&capture(&mut load)?)
}
