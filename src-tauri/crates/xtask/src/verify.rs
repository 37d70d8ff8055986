//! `cargo verify`: every check and every test, stage by stage, with a count at the end.

use crate::args::Args;
use crate::children::{capture, tee};
use crate::counts::{self, Counts};
use crate::ground::{
    CLI, LOOPBACK_ONLY, SHELL, SHELL_FEATURES, STORIES, cargo, find_program, metadata, target_dir,
};
use crate::packages::Need;
use crate::{Result, bindings, frontend, python, setup};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// One part of the whole, in the order they run.
struct Stage {
    /// Word for `--only`.
    name: &'static str,
    title: &'static str,
    needs: &'static [Need],
    run: fn(&Run) -> Outcome,
}

/// Compiling the workspace takes both: the shell is part of it.
const BUILD: &[Need] = &[Need::Build, Need::Desktop];

/// Every target is built with one selection of packages and features, so that cargo compiles each crate once.
const STAGES: &[Stage] = &[
    Stage {
        name: "fmt",
        title: "Format",
        needs: &[],
        run: format,
    },
    Stage {
        name: "ui",
        title: "Screens: types, lints, unit tests, build",
        needs: &[],
        run: screens,
    },
    Stage {
        name: "build",
        title: "Build of programs and tests, with lints",
        needs: BUILD,
        run: build,
    },
    Stage {
        name: "unit",
        title: "Unit and property tests",
        needs: &[Need::Build, Need::Desktop, Need::Keychain, Need::Python],
        run: unit,
    },
    Stage {
        name: "bindings",
        title: "TypeScript words are fresh",
        needs: BUILD,
        run: fresh_bindings,
    },
    Stage {
        name: "stories",
        title: "Stories, with real servers",
        needs: &[Need::Build, Need::Desktop, Need::Keychain, Need::Mail],
        run: stories,
    },
    Stage {
        name: "browser",
        title: "Screens in a browser",
        needs: &[Need::Build, Need::Desktop, Need::Browser],
        run: browser,
    },
    Stage {
        name: "window",
        title: "The real window",
        needs: &[Need::Build, Need::Desktop, Need::Window],
        run: window,
    },
];

/// What the stages of one run share.
struct Run {
    target: PathBuf,
    /// Integration tests of the crates, by name; the stories' own are not among them.
    crate_tests: Vec<String>,
    /// Integration tests of the stories that need no window.
    story_tests: Vec<String>,
    nextest: bool,
    /// Why there are no mail servers, when there are none.
    no_mail: Option<String>,
    /// The emulator of Amazon's services, or why there is none; `None` where no stage needs it.
    moto: Option<Result<PathBuf>>,
}

/// How a stage ended: what its runners counted, and what went wrong.
struct Outcome {
    counts: Option<Counts>,
    problem: Option<String>,
}

fn usage() -> String {
    let mut text = String::from(
        "\
cargo verify [--only LIST] [--yes] [--list]

Runs every check and every test. Installs what the stages need, says what, and asks before sudo; mail servers for the
mail stories are a second question, because Postfix replaces another mail server.

  --only LIST  stages by name, with commas between
  --yes        answers both questions with yes (CI=true does the same)

Stages:
",
    );
    for stage in STAGES {
        text.push_str(&format!("  {:<9} {}\n", stage.name, stage.title));
    }
    text
}

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") || args.flag("--list") {
        print!("{}", usage());
        return Ok(());
    }
    let only = args.value("--only")?;
    let yes = args.flag("--yes");
    args.end()?;
    let stages = chosen(only.as_deref())?;
    let results = match prepare(&stages, yes) {
        Ok(run) => stages.iter().map(|stage| play(stage, &run)).collect(),
        Err(problem) => {
            eprintln!("\n{problem}");
            vec![Played {
                name: "set-up",
                took: Duration::ZERO,
                counts: Counts { passed: 0, failed: 1 },
                problem: Some(problem),
            }]
        }
    };
    let total = conclude(&results);
    if total.failed > 0 {
        Err(String::new())
    } else {
        Ok(())
    }
}

fn chosen(only: Option<&str>) -> Result<Vec<&'static Stage>> {
    let Some(list) = only else {
        return Ok(STAGES.iter().collect());
    };
    let wanted: BTreeSet<&str> = list.split(',').map(str::trim).filter(|w| !w.is_empty()).collect();
    if let Some(unknown) = wanted.iter().find(|w| !STAGES.iter().any(|s| s.name == **w)) {
        return Err(format!("There is no stage `{unknown}`.\n\n{}", usage()));
    }
    if wanted.is_empty() {
        return Err(format!("--only names no stage.\n\n{}", usage()));
    }
    Ok(STAGES.iter().filter(|s| wanted.contains(s.name)).collect())
}

fn prepare(stages: &[&Stage], yes: bool) -> Result<Run> {
    let needs: BTreeSet<Need> = stages.iter().flat_map(|s| s.needs).copied().collect();
    let ordinary: Vec<Need> = needs.iter().copied().filter(|n| *n != Need::Mail).collect();
    if !ordinary.is_empty() {
        setup::ensure(&ordinary, yes)?;
    }
    setup::require_node()?;
    let no_mail = if needs.contains(&Need::Mail) {
        let problem = setup::ensure_mail(yes).err();
        if let Some(why) = &problem {
            println!("\n{why}");
        }
        setup::refresh_sudo();
        problem
    } else {
        None
    };
    let about = metadata()?;
    Ok(Run {
        target: target_dir()?,
        crate_tests: test_targets(&about, |package, _| package != STORIES),
        story_tests: test_targets(&about, |package, target| package == STORIES && target != "window"),
        nextest: capture(cargo().args(["nextest", "--version"])).is_ok(),
        no_mail,
        moto: needs.contains(&Need::Python).then(python::moto),
    })
}

fn test_targets(metadata: &Value, wanted: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut names = BTreeSet::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            let (Some(of), Some(name)) = (package["name"].as_str(), target["name"].as_str()) else {
                continue;
            };
            if list(&target["kind"]).iter().any(|k| k == "test") && wanted(of, name) {
                names.insert(name.to_string());
            }
        }
    }
    names.into_iter().collect()
}

struct Played {
    name: &'static str,
    took: Duration,
    counts: Counts,
    problem: Option<String>,
}

fn play(stage: &Stage, run: &Run) -> Played {
    println!("\n== {} ({})", stage.title, stage.name);
    let started = Instant::now();
    let outcome = (stage.run)(run);
    let took = started.elapsed();
    if let Some(problem) = &outcome.problem {
        eprintln!("{problem}");
    }
    let state = if outcome.problem.is_some() { "FAILED" } else { "ok" };
    println!("== {} {state} in {}", stage.name, spoken(took));
    Played {
        name: stage.name,
        took,
        counts: tally(outcome.counts, outcome.problem.is_some()),
        problem: outcome.problem,
    }
}

/// A stage without a runner that counts is one test; a stage that failed has at least one failure.
fn tally(counts: Option<Counts>, failed: bool) -> Counts {
    let mut counts = counts.unwrap_or(Counts {
        passed: u64::from(!failed),
        failed: 0,
    });
    if failed {
        counts.failed = counts.failed.max(1);
    }
    counts
}

fn conclude(results: &[Played]) -> Counts {
    let mut total = Counts::default();
    println!("\n{:<10} {:>8} {:>8} {:>8}", "stage", "passed", "failed", "time");
    for one in results {
        total += one.counts;
        println!(
            "{:<10} {:>8} {:>8} {:>8}",
            one.name,
            one.counts.passed,
            one.counts.failed,
            spoken(one.took)
        );
    }
    let whole: Duration = results.iter().map(|r| r.took).sum();
    println!(
        "{:<10} {:>8} {:>8} {:>8}",
        "all",
        total.passed,
        total.failed,
        spoken(whole)
    );
    for one in results {
        if let Some(problem) = &one.problem {
            println!("\n{}: {}", one.name, problem.lines().next().unwrap_or_default());
        }
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    total
}

fn spoken(took: Duration) -> String {
    let secs = took.as_secs();
    if secs < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{}:{:02}", secs / 60, secs % 60)
    }
}

/// A `cargo` subcommand on the one selection that all stages share.
fn on_workspace(subcommand: &[&str]) -> Command {
    let features =
        format!("{SHELL_FEATURES},{STORIES}/mail,{STORIES}/window,carillon-adapters/moto,carillon-app/moto");
    let mut command = cargo();
    command
        .args(subcommand)
        .args(["--workspace", "--features", &features])
        .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1)
        .env("CARGO_TERM_COLOR", "never");
    linted(&mut command);
    command
}

/// Has our crates compiled by clippy's driver, which is the compiler with its lints: `cargo clippy` would only check,
/// and every library would be gone through a second time, a quarter of the whole run.
fn linted(command: &mut Command) {
    if let Some(driver) = clippy_driver() {
        command.env("RUSTC_WORKSPACE_WRAPPER", driver).env(
            "CLIPPY_ARGS",
            "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
        );
    }
}

/// Clippy's compiler, beside the one in use.
fn clippy_driver() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let root = capture(Command::new("rustc").args(["--print", "sysroot"])).ok()?;
            let driver = PathBuf::from(root.trim())
                .join("bin")
                .join(format!("clippy-driver{}", std::env::consts::EXE_SUFFIX));
            driver.is_file().then_some(driver)
        })
        .clone()
}

/// Test binaries, by nextest where it is installed. The words of the crates go to a scratch folder, so that a test
/// run never touches the tree.
fn on_tests(run: &Run, select: &[&str], named: &[String]) -> Command {
    let mut command = if run.nextest {
        on_workspace(&["nextest", "run", "--no-fail-fast"])
    } else {
        on_workspace(&["test", "--no-fail-fast"])
    };
    command.args(select);
    for name in named {
        command.args(["--test", name]);
    }
    command
        .env("TS_RS_EXPORT_DIR", run.target.join("xtask/exported"))
        .env("CARILLON_CLI", run.target.join("debug").join(CLI))
        .env("CARILLON_STUDIO", run.target.join("debug").join(SHELL));
    if let Some(why) = &run.no_mail {
        command.env("CARILLON_NO_MAIL", why);
    }
    match &run.moto {
        Some(Ok(program)) => {
            command.env("CARILLON_MOTO", program);
        }
        Some(Err(why)) => {
            command.env("CARILLON_NO_MOTO", why);
        }
        None => {}
    }
    command
}

fn told(problem: Result<()>) -> Outcome {
    Outcome {
        counts: None,
        problem: problem.err(),
    }
}

fn watched(mut command: Command) -> Outcome {
    match tee(&mut command) {
        Err(problem) => told(Err(problem)),
        Ok((status, text)) => Outcome {
            counts: counts::read(&text),
            problem: crate::children::ended_well(&command, status).err(),
        },
    }
}

/// Both outcomes, as one.
fn joined(one: Outcome, other: Outcome) -> Outcome {
    let counts = match (one.counts, other.counts) {
        (Some(mut a), Some(b)) => {
            a += b;
            Some(a)
        }
        (a, b) => a.or(b),
    };
    Outcome {
        counts,
        problem: one.problem.or(other.problem),
    }
}

fn format(_: &Run) -> Outcome {
    let mut command = cargo();
    command.args(["fmt", "--all", "--check"]);
    watched(command)
}

fn screens(_: &Run) -> Outcome {
    let mut outcome = told(Ok(()));
    let done = frontend::checked_by(|| {
        let mut command = frontend::npm();
        command
            .args(["run", "check"])
            .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
        outcome = watched(command);
        outcome.problem.clone().map_or(Ok(()), Err)
    });
    outcome.problem = done.err();
    outcome
}

/// The shell carries the built screens inside, so nothing compiles it without them.
fn with_screens(command: Command) -> Outcome {
    match frontend::build() {
        Ok(()) => watched(command),
        Err(problem) => told(Err(problem)),
    }
}

fn build(_: &Run) -> Outcome {
    if clippy_driver().is_none() {
        return told(Err(
            "There is no clippy. Add it with: rustup component add clippy".to_owned(),
        ));
    }
    everything()
}

/// Programs and tests in one selection: each alone would settle on other features of the libraries they share, and
/// these and most of our crates would be compiled twice.
fn everything() -> Outcome {
    with_screens(on_workspace(&["build", "--all-targets"]))
}

fn unit(run: &Run) -> Outcome {
    let tests = match frontend::build() {
        Ok(()) => watched(on_tests(run, &["--lib", "--bins"], &run.crate_tests)),
        Err(problem) => told(Err(problem)),
    };
    joined(tests, watched(on_workspace(&["test", "--doc"])))
}

fn fresh_bindings(_: &Run) -> Outcome {
    told(programs().and_then(|()| bindings::check(on_workspace(&["test", "--quiet", "--lib"]))))
}

fn programs() -> Result<()> {
    everything().problem.map_or(Ok(()), Err)
}

fn stories(run: &Run) -> Outcome {
    match programs() {
        Ok(()) => watched(on_tests(run, &[], &run.story_tests)),
        Err(problem) => told(Err(problem)),
    }
}

fn browser(run: &Run) -> Outcome {
    if let Err(problem) = programs() {
        return told(Err(problem));
    }
    let Some(chromium) = find_program("chromium") else {
        return told(Err(
            "Chromium is not installed, so the screens cannot be tried in a browser.".to_string(),
        ));
    };
    let mut command = frontend::npm();
    command
        .args(["run", "e2e"])
        .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1)
        .env("CARILLON_CLI", run.target.join("debug").join(CLI))
        .env("CHROMIUM", chromium);
    watched(command)
}

fn window(run: &Run) -> Outcome {
    match programs() {
        Ok(()) => watched(on_tests(run, &[], &["window".to_string()])),
        Err(problem) => told(Err(problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_run_in_their_own_order_whatever_the_order_of_the_list() {
        let names: Vec<&str> = chosen(Some("unit, fmt"))
            .map(|s| s.iter().map(|s| s.name).collect())
            .expect("stages");
        assert_eq!(names, ["fmt", "unit"]);
        assert_eq!(chosen(None).map(|s| s.len()), Ok(STAGES.len()));
    }

    #[test]
    fn an_unknown_stage_and_an_empty_list_are_refused() {
        assert!(chosen(Some("fmt,unti")).is_err());
        assert!(chosen(Some(" , ")).is_err());
    }

    #[test]
    fn a_stage_without_a_count_is_one_test_and_a_failed_one_always_fails() {
        assert_eq!(tally(None, false), Counts { passed: 1, failed: 0 });
        assert_eq!(tally(None, true), Counts { passed: 0, failed: 1 });
        assert_eq!(
            tally(Some(Counts { passed: 7, failed: 0 }), true),
            Counts { passed: 7, failed: 1 }
        );
        assert_eq!(
            tally(Some(Counts { passed: 7, failed: 3 }), true),
            Counts { passed: 7, failed: 3 }
        );
    }

    #[test]
    fn integration_tests_of_crates_and_stories_are_kept_apart() {
        let about = serde_json::json!({ "packages": [
            { "name": "carillon-store", "targets": [
                { "name": "carillon_store", "kind": ["lib"] }, { "name": "statements", "kind": ["test"] } ] },
            { "name": "carillon-tests", "targets": [
                { "name": "suite", "kind": ["test"] }, { "name": "window", "kind": ["test"] } ] } ] });
        assert_eq!(test_targets(&about, |p, _| p != STORIES), ["statements"]);
        assert_eq!(
            test_targets(&about, |p, t| p == STORIES && t != "window"),
            ["suite"]
        );
    }
}
