//! `cargo studio`: from a bare Debian to an open window.

use crate::args::Args;
use crate::children::{capture, run};
use crate::ground::{CLI, CLI_PACKAGE, LOOPBACK_ONLY, SHELL, SHELL_FEATURES, cargo, scratch, target_dir};
use crate::packages::Need;
use crate::{Result, frontend, setup, wiring};
use std::process::Command;

const USAGE: &str = "\
cargo studio [--headless] [--yes]

Installs what is missing (it says what and why, and asks before sudo), builds the screens and the studio, and opens it
on the sample workspace. The first time takes some minutes, later ones seconds.

  --headless  no window: builds the command line, plays the sample journey over 90 days of its own clock and prints
              where the report is
  --yes       installs without asking (CI=true does the same)
";

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let headless = args.flag("--headless");
    let yes = args.flag("--yes");
    args.end()?;
    if headless {
        return play_headless(yes);
    }
    if !has_display() {
        return Err(
            "There is no display here, so no window can open. `cargo studio --headless` plays the sample journey \
             without one and prints where its report is."
                .to_string(),
        );
    }
    setup::ensure(&[Need::Build, Need::Desktop], yes)?;
    setup::require_node()?;
    frontend::build()?;
    println!("Building the studio (release)");
    run(cargo().args([
        "build",
        "--release",
        "--package",
        SHELL,
        "--features",
        SHELL_FEATURES,
    ]))?;
    println!("Opening the studio on the sample workspace");
    run(Command::new(target_dir()?.join("release").join(SHELL)).args(wiring::studio_sample()))
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn play_headless(yes: bool) -> Result<()> {
    setup::ensure(&[Need::Build], yes)?;
    println!("Building the command line (release)");
    run(cargo().args(["build", "--release", "--package", CLI_PACKAGE]))?;
    let carillon = || {
        let mut command = Command::new(target_dir()?.join("release").join(CLI));
        command.env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
        Ok::<Command, String>(command)
    };
    let dir = scratch("sample")?;
    // The sample is made anew each time; it is nobody's data.
    std::fs::remove_dir_all(&dir).map_err(|e| format!("{} cannot be emptied: {e}", dir.display()))?;
    std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    let file = dir.join("sample.carillon");
    println!("Making the sample company");
    run(carillon()?.args(wiring::demo_create(&file, 5_000, 12, 1)))?;
    println!("Playing its journey over {} days", wiring::SAMPLE_DAYS);
    run(carillon()?.args(wiring::run_days(&file, wiring::SAMPLE_DAYS)))?;
    let text = capture(carillon()?.args(wiring::report(&file, wiring::SAMPLE_JOURNEY)))?;
    let report = dir.join("report.json");
    std::fs::write(&report, &text).map_err(|e| format!("{} cannot be written: {e}", report.display()))?;
    println!("\nThe sample workspace is {}", file.display());
    println!("The report is          {}", report.display());
    Ok(())
}
