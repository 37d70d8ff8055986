//! `cargo xtask bench NAME`: one figure, measured on the built program, as one JSON object a line. Each is checked: a
//! figure of work that was not done right is printed with `"checked": false` and the command ends with 1.

mod dedup;
mod import;
mod kernel;
mod peers;
mod relay;
mod render;
mod segments;
mod send;
mod simulate;
mod sink;
mod ui;
mod waiting;
mod watched;
mod world;

use crate::args::Args;
use crate::children::{capture, run};
use crate::display::Display;
use crate::ground::{CLI, CLI_PACKAGE, LOOPBACK_ONLY, SHELL, cargo, scratch, target_dir};
use crate::webdriver::Window;
use crate::{Result, shots, wiring};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// One measured number.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    /// `bench` or `bench.variant`.
    name: String,
    ours: f64,
    unit: String,
    /// What the machine gives the same work without us, measured in the same round.
    limit: Option<f64>,
    /// Another program on the same input in the same round: its name and its number.
    peer: Option<(String, f64)>,
    /// Whether the work behind the number was found to be done, and right.
    checked: bool,
    /// The least and the most of the rounds: of ours, and of the peer's.
    spread: Option<Spread>,
}

/// The least and the most of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    ours: (f64, f64),
    peer: Option<(f64, f64)>,
}

/// A measurement and how to take it once.
struct Bench {
    name: &'static str,
    about: &'static str,
    /// Rounds whose median counts, unless told otherwise.
    rounds: u64,
    /// Whether later rounds find what the first one made.
    keeps: bool,
    measure: fn(&Place) -> Result<Vec<Figure>>,
}

/// What one round is given.
struct Place {
    carillon: PathBuf,
    dir: PathBuf,
    /// Whether this is the first round.
    first: bool,
    /// Contacts, rows or messages; each bench has its own when this is `None`.
    size: Option<u64>,
    /// Connections at a time; each bench has its own when this is `None`.
    sessions: Option<u64>,
    seed: u64,
    /// Length of a bench that runs for a time.
    minutes: u64,
    /// Seconds between two kills, where there are any.
    kill_secs: u64,
    /// Whether questions about what is to be installed are answered with yes.
    yes: bool,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "kernel",
        about: "journey steps through the store, in random due order, in groups and one by one; 5,000 contacts (--size) \
                through five steps, also killed five times, beside DBOS and Restate; and 200 times as many who wait, and are due \
                at one instant",
        rounds: 5,
        keeps: false,
        measure: kernel::measure,
    },
    Bench {
        name: "import",
        about: "rows a second of a CSV of 1,000,000 people (--size), from the file to the last commit, beside PostgreSQL (one \
                statement a row, and COPY), DuckDB and sqlite3",
        rounds: 5,
        keeps: false,
        measure: import::measure,
    },
    Bench {
        name: "send",
        about: "messages a second to Postfix's smtp-sink, unsigned and signed, 20,000 people (--size), 16 sessions (--sessions), \
                and peak memory, beside nodemailer; of how many a kill leaves nobody knowing, and the memory of fifty times as \
                many",
        rounds: 5,
        keeps: false,
        measure: send::measure,
    },
    Bench {
        name: "render",
        about: "templates of 1, 10 and 100 sections: milliseconds from source to the first mail beside mjml, and mails a second \
                to 2,000 people (--size) on one core beside liquidjs",
        rounds: 5,
        keeps: false,
        measure: render::measure,
    },
    Bench {
        name: "start",
        about: "milliseconds from start to the first answer, and to the window's first screen with its figures, on a \
                workspace of 100,000 contacts (--size)",
        rounds: 3,
        keeps: false,
        measure: start,
    },
    Bench {
        name: "simulate",
        about: "seconds and memory to simulate 90 days of a journey of twenty steps over 1,000,000 contacts (--size), without \
                and with an account's limit that holds mails, and 500 people who live it",
        rounds: 3,
        keeps: false,
        measure: simulate::measure,
    },
    Bench {
        name: "segments",
        about: "milliseconds to count four segments of 1,000,000 contacts (--size) with ten million events, beside DuckDB, \
                SQLite, PostgreSQL, MariaDB and chDB, and 200 random expressions; opening, memory, and one event or field \
                with sixty segments that follow it",
        rounds: 5,
        keeps: true,
        measure: segments::measure,
    },
    Bench {
        name: "index",
        about: "whether the index says what the rows say of 1,000,000 contacts (--size): of two dozen random segments after 200 \
                random commits and moves of the clock, of forty random expressions, and all of it after opening again",
        rounds: 1,
        keeps: true,
        measure: segments::law,
    },
    Bench {
        name: "relay",
        about: "events a second the relay answers after they are on the disk, --sessions clients, 10 minutes (--minutes) \
                with a SIGKILL each minute (--kill-secs); right when nothing answered is lost and nothing comes twice",
        rounds: 1,
        keeps: false,
        measure: relay::measure,
    },
    Bench {
        name: "world",
        about: "seconds to play half a year of a sample, 1,000 people (--size) mailed weekly, with all they answer",
        rounds: 1,
        keeps: false,
        measure: world::measure,
    },
    Bench {
        name: "dedup",
        about: "duplicates found in the sets of Febrl and in invented people beside recordlinkage and Splink, as F1, and the \
                seconds and memory of 1,000,000 people (--size) beside Splink",
        rounds: 1,
        keeps: false,
        measure: dedup::measure,
    },
    Bench {
        name: "ui",
        about: "milliseconds between frames, and of work in each, while the table of 1,000,000 contacts (--size) moves in the \
                real window without a graphics card, beside an empty box; and from a key to the count, rows or filter shown",
        rounds: 3,
        keeps: true,
        measure: ui::measure,
    },
];

fn usage() -> String {
    let mut text = String::from(
        "\
cargo xtask bench NAME [--json] [--rounds N] [--size N] [--sessions N] [--seed N] [--minutes N] [--kill-secs N] [--yes]

Measures on the release build, on loopback only, and prints medians: one JSON object a line with bench, ours, unit, peer,
limit, ratio, spread and checked (with --json), or a table. Peers that are missing are installed: `--yes` and CI=true agree
to that.

",
    );
    for bench in BENCHES {
        text.push_str(&format!("  {:<9} {}\n", bench.name, bench.about));
    }
    text
}

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") || args.flag("--list") {
        print!("{}", usage());
        return Ok(());
    }
    let as_json = args.flag("--json");
    let yes = args.flag("--yes");
    let rounds = args.value("--rounds")?;
    let size = args.value("--size")?;
    let sessions = args.value("--sessions")?;
    let seed = args.parsed("--seed", 1)?;
    let minutes = args.parsed("--minutes", 10)?.max(1);
    let kill_secs = args.parsed("--kill-secs", 60)?.max(1);
    let name = args.word().ok_or_else(usage)?;
    args.end()?;
    let number = |text: Option<String>, option: &str| match text {
        None => Ok(None),
        Some(t) => t
            .parse::<u64>()
            .ok()
            .filter(|n| *n > 0)
            .map(Some)
            .ok_or(format!("{option} cannot be `{t}`.")),
    };
    let (rounds, size) = (number(rounds, "--rounds")?, number(size, "--size")?);
    let sessions = number(sessions, "--sessions")?;
    let bench = BENCHES
        .iter()
        .find(|b| b.name == name)
        .ok_or_else(|| format!("There is no bench `{name}`.\n\n{}", usage()))?;
    if !["relay", "render", "segments", "index", "dedup"].contains(&bench.name) {
        run(cargo().args(["build", "--release", "--package", CLI_PACKAGE]))?;
    }
    let carillon = target_dir()?.join("release").join(CLI);
    let mut all = Vec::new();
    for round in 0..rounds.unwrap_or(bench.rounds) {
        let dir = scratch("bench")?;
        let first = round == 0;
        if first || !bench.keeps {
            peers::tidy(&dir);
            std::fs::remove_dir_all(&dir).map_err(|e| format!("{} cannot be emptied: {e}", dir.display()))?;
        }
        std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
        let place = Place {
            carillon: carillon.clone(),
            dir,
            first,
            size,
            sessions,
            seed: seed + round,
            minutes,
            kill_secs,
            yes,
        };
        all.push((bench.measure)(&place)?);
    }
    peers::tidy(&scratch("bench")?);
    let figures = medians(&all);
    for figure in &figures {
        print_figure(figure, as_json);
    }
    match figures.iter().find(|f| !f.checked) {
        None if figures.is_empty() => Err("Nothing was measured.".to_string()),
        None => Ok(()),
        Some(wrong) => Err(format!(
            "The work behind `{}` was not right; its figure counts for nothing.",
            wrong.name
        )),
    }
}

fn print_figure(figure: &Figure, as_json: bool) {
    let line = line(figure);
    if as_json {
        println!("{line}");
    } else {
        let checked = if figure.checked { "" } else { "  NOT RIGHT" };
        println!(
            "{:<28} {:>14.1} {}{checked}",
            figure.name, figure.ours, figure.unit
        );
    }
}

fn line(figure: &Figure) -> Value {
    let peer = figure.peer.as_ref();
    json!({
        "bench": figure.name, "ratio": figure.ratio().map(round_to), "ours": round_to(figure.ours), "unit": figure.unit,
        "peer": peer.map(|(name, number)| json!({ "name": name, "number": round_to(*number) })),
        "limit": figure.limit.map(round_to), "checked": figure.checked,
        "spread": figure.spread.map(|s| json!({
            "ours": rounded(s.ours), "peer": s.peer.map(rounded),
        })),
    })
}

impl Figure {
    /// How many times better than the peer, more than 1 where ours is; without a peer, how much of the limit.
    fn ratio(&self) -> Option<f64> {
        let less_is_better = ["s", "ms", "us", "MB", "bytes", "twice/kill"].contains(&self.unit.as_str());
        match (&self.peer, self.limit) {
            (Some((_, peer)), _) if less_is_better => Some(peer / self.ours),
            (Some((_, peer)), _) => Some(self.ours / peer),
            (None, limit) => limit.map(|limit| self.ours / limit),
        }
    }
}

fn rounded((low, high): (f64, f64)) -> [f64; 2] {
    [round_to(low), round_to(high)]
}

fn round_to(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// The median of each figure over the rounds, in the order of the first round. It is checked only if all were.
fn medians(rounds: &[Vec<Figure>]) -> Vec<Figure> {
    let first = rounds.first().map(Vec::as_slice).unwrap_or_default();
    first
        .iter()
        .map(|figure| {
            let same: Vec<&Figure> = rounds
                .iter()
                .flatten()
                .filter(|f| f.name == figure.name)
                .collect();
            let ours: Vec<f64> = same.iter().map(|f| f.ours).collect();
            let peers: Vec<f64> = same.iter().filter_map(|f| Some(f.peer.as_ref()?.1)).collect();
            Figure {
                spread: spread(&ours).map(|ours| Spread {
                    ours,
                    peer: spread(&peers),
                }),
                ours: median(ours).unwrap_or(f64::NAN),
                limit: median(same.iter().filter_map(|f| f.limit).collect()),
                peer: figure
                    .peer
                    .as_ref()
                    .and_then(|(name, _)| Some((name.clone(), median(peers)?))),
                checked: same.len() == rounds.len() && same.iter().all(|f| f.checked),
                ..figure.clone()
            }
        })
        .collect()
}

/// The least and the most, where there were several.
fn spread(numbers: &[f64]) -> Option<(f64, f64)> {
    let low = numbers.iter().copied().min_by(f64::total_cmp)?;
    let high = numbers.iter().copied().max_by(f64::total_cmp)?;
    (numbers.len() > 1).then_some((low, high))
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let (low, high) = (
        numbers.get(numbers.len().checked_sub(1)? / 2)?,
        numbers.get(numbers.len() / 2)?,
    );
    Some((low + high) / 2.0)
}

impl Place {
    fn carillon(&self, args: Vec<String>) -> Command {
        let mut command = Command::new(&self.carillon);
        command.args(args).env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
        command
    }

    fn timed(&self, args: Vec<String>) -> Result<(Duration, String)> {
        let started = Instant::now();
        let text = capture(&mut self.carillon(args))?;
        Ok((started.elapsed(), text))
    }

    /// How many contacts match, as the program says.
    fn count(&self, file: &std::path::Path, expression: &str) -> Result<u64> {
        let (_, text) = self.timed(wiring::count(file, expression))?;
        let said: Value =
            serde_json::from_str(&text).map_err(|e| format!("`segments count` wrote no JSON: {e}"))?;
        said["count"]
            .as_u64()
            .ok_or_else(|| format!("`segments count` named no count: {text}"))
    }

    fn sample(&self, contacts: u64) -> Result<PathBuf> {
        let file = self.dir.join("sample.carillon");
        capture(&mut self.carillon(wiring::demo_create(&file, contacts, 12, self.seed)))?;
        Ok(file)
    }
}

fn figure(name: &str, ours: f64, unit: &str, checked: bool) -> Figure {
    Figure {
        name: name.to_string(),
        ours,
        unit: unit.to_string(),
        limit: None,
        peer: None,
        checked,
        spread: None,
    }
}

fn example_of_the_store(name: &str) -> Command {
    example("carillon-store", name)
}

fn example(package: &str, name: &str) -> Command {
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--release", "--package", package])
        .args(["--example", name, "--"])
        .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
    command
}

fn figures_of(text: &str) -> Result<Vec<Figure>> {
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| {
            let value: Value =
                serde_json::from_str(line).map_err(|e| format!("A figure is no JSON ({e}): {line}"))?;
            let (Some(name), Some(ours), Some(unit)) = (
                value["bench"].as_str(),
                value["ours"].as_f64(),
                value["unit"].as_str(),
            ) else {
                return Err(format!("A figure lacks bench, ours or unit: {line}"));
            };
            Ok(Figure {
                limit: value["limit"].as_f64(),
                ..figure(name, ours, unit, value["checked"] == true)
            })
        })
        .collect()
}

fn start(place: &Place) -> Result<Vec<Figure>> {
    let file = place.sample(place.size.unwrap_or(100_000))?;
    let (cold, first) = place.timed(wiring::report(&file, wiring::SAMPLE_JOURNEY))?;
    let (warm, again) = place.timed(wiring::report(&file, wiring::SAMPLE_JOURNEY))?;
    let right = !first.trim().is_empty() && first == again;
    let (shown, seen) = window(&file, place.size.unwrap_or(100_000))?;
    Ok(vec![
        figure("start.window", shown.as_secs_f64() * 1_000.0, "ms", seen),
        figure("start.first", cold.as_secs_f64() * 1_000.0, "ms", right),
        figure("start.again", warm.as_secs_f64() * 1_000.0, "ms", right),
    ])
}

/// From the order to open the studio on a file until its first screen stands still with the number of contacts on it,
/// on a display of its own, without a graphics card. The driver that gives the order and looks is in the time.
fn window(file: &std::path::Path, contacts: u64) -> Result<(Duration, bool)> {
    let programs = shots::build(false)?;
    let display = Display::start(1440, 900)?;
    let shown = json!(grouped(contacts));
    let ready = format!("{} && document.body.innerText.includes({shown})", shots::SETTLED);
    let started = Instant::now();
    let window = Window::open(&display, &programs.join(SHELL), &wiring::studio_on(file))?;
    window.wait_until(&ready, Duration::from_secs(120))?;
    Ok((started.elapsed(), true))
}

/// A number as the screens write it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_rounds_counts_and_one_wrong_round_spoils_it() {
        let round = |ours, checked| vec![figure("import", ours, "rows/s", checked)];
        let odd = medians(&[round(9.0, true), round(1.0, true), round(4.0, true)]);
        assert_eq!((odd[0].ours, odd[0].checked), (4.0, true));
        let even = medians(&[round(1.0, true), round(3.0, false)]);
        assert_eq!((even[0].ours, even[0].checked), (2.0, false));
        assert_eq!(medians(&[]), []);
        let beside = |ours, peer| {
            vec![Figure {
                peer: Some(("DuckDB".to_owned(), peer)),
                ..figure("import", ours, "rows/s", true)
            }]
        };
        let three = medians(&[beside(9.0, 2.0), beside(1.0, 7.0), beside(4.0, 3.0)]);
        assert_eq!(three[0].peer, Some(("DuckDB".to_owned(), 3.0)));
        let line = line(&three[0]);
        assert_eq!(line["spread"], json!({ "ours": [1.0, 9.0], "peer": [2.0, 7.0] }));
    }

    #[test]
    fn a_figure_missing_in_one_round_is_not_checked() {
        let both = vec![figure("a", 1.0, "s", true), figure("b", 1.0, "s", true)];
        let one = vec![figure("a", 1.0, "s", true)];
        let medians = medians(&[both, one]);
        assert!(medians[0].checked && !medians[1].checked);
    }

    #[test]
    fn a_line_names_every_field_and_nulls_what_there_is_no_measure_for() {
        let line = line(&figure("import", 1234.56789, "rows/s", true));
        let names: Vec<&str> = line
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        for name in [
            "bench", "ours", "unit", "peer", "limit", "ratio", "spread", "checked",
        ] {
            assert!(names.contains(&name), "{name} is missing");
        }
        assert_eq!(line["ours"], json!(1234.568));
        assert!(line["peer"].is_null() && line["ratio"].is_null());
        let beside = Figure {
            peer: Some(("recordlinkage".to_owned(), 0.5)),
            ..figure("dedup.febrl2.f1", 1.0, "F1", true)
        };
        let line = super::line(&beside);
        assert_eq!(line["peer"], json!({ "name": "recordlinkage", "number": 0.5 }));
        assert_eq!(line["ratio"], json!(2.0));
    }

    #[test]
    fn numbers_are_written_as_on_the_screens() {
        assert_eq!(
            [7, 999, 1_000, 100_000, 1_234_567].map(grouped),
            ["7", "999", "1,000", "100,000", "1,234,567"]
        );
    }

    #[test]
    fn figures_of_another_program_are_taken_as_it_writes_them() {
        let text = "warming up\n\
            {\"bench\":\"kernel.groups\",\"ours\":5,\"unit\":\"steps/s\",\"limit\":10,\"checked\":true}\n";
        let wanted = Figure {
            limit: Some(10.0),
            ..figure("kernel.groups", 5.0, "steps/s", true)
        };
        assert_eq!(line(&wanted)["ratio"], json!(0.5));
        assert_eq!(figures_of(text), Ok(vec![wanted]));
        assert!(figures_of("{\"bench\":\"x\"}\n").is_err());
    }
}
