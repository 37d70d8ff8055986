//! `cargo xtask kill`: the crash law. The sender is killed with SIGKILL at random moments, or ends itself at a named
//! point of its work, while it hands mail to a server that writes down what it has before it says so; then the two are
//! compared, person by person. An import is killed in the same two ways and compared with one that nobody disturbed.

mod imports;
mod round;

pub use round::read_copy;

use crate::args::Args;
use crate::children::run;
use crate::ground::{CLI, CLI_PACKAGE, LOOPBACK_ONLY, cargo, has_program, scratch, target_dir};
use crate::truth::Verdict;
use crate::{Result, wiring};
use round::Round;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const USAGE: &str = "\
cargo xtask kill --kills N [--of sending|campaign|import] [--at random|points] [--messages M] [--sessions S]
                 [--policy hold|retry] [--gate on|off] [--seed N] [--delay-ms N] [--window-ms N]
                 [--list csv|lines|xlsx|parquet|sqlite] [--json]

Kills the sender N times and compares what it says with what the mail server has. Ends with 1 when the law is broken:
somebody got nothing, somebody got two, more are unknown than kills times sessions, or somebody who had said no got
mail. What is sent is a journey's mail, or with `--of campaign` a campaign's, killed from its start on. With `--of import`: kills imports and goes on with them; the law is broken when a contact, a value, a consent or
a refused row differs from the import that nobody disturbed.

  --at           `random`: SIGKILL at random moments (the default); `points`: an abort at each named point in turn
  --messages M   people of one round, 2000 unless told; a round that is done is followed by another until N kills
  --sessions S   connections at a time, 4 unless told
  --policy       `retry` sends unknown messages again: the law must break
  --gate         `off` lets everything out: the law must break
  --seed N       other moments and other people; 1 unless told
  --delay-ms N   what the server waits before each reply to a dot, 10 unless told
  --window-ms N  a kill comes at most so long after the first message of a life, 800 unless told
  --list         what is imported: CSV (the default), lines of JSON, a workbook, Parquet or a table of SQLite
  --json         one JSON object instead of a table
";

/// What is killed at its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// The sender of a journey's mail.
    Sending,
    /// The sender of a campaign, from its start on.
    Campaign,
    Import,
}

impl Of {
    fn word(self) -> &'static str {
        match self {
            Of::Sending => "sending",
            Of::Campaign => "campaign",
            Of::Import => "import",
        }
    }
}

/// What kind of list an import reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Csv,
    Lines,
    Xlsx,
    Parquet,
    Sqlite,
}

impl List {
    const ALL: [List; 5] = [List::Csv, List::Lines, List::Xlsx, List::Parquet, List::Sqlite];

    fn word(self) -> &'static str {
        match self {
            List::Csv => "csv",
            List::Lines => "lines",
            List::Xlsx => "xlsx",
            List::Parquet => "parquet",
            List::Sqlite => "sqlite",
        }
    }
}

/// What one run of the harness is asked to do.
#[derive(Debug)]
struct Orders {
    kills: u64,
    of: Of,
    list: List,
    /// At named points instead of random moments.
    points: bool,
    messages: u64,
    sessions: u64,
    retry: bool,
    gate_off: bool,
    seed: u64,
    delay_ms: u64,
    window_ms: u64,
    json: bool,
}

/// What all rounds together came to.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    kills: u64,
    /// Kills by the furthest state a message was in when it happened.
    by_state: BTreeMap<String, u64>,
    /// Time in which a sender was running.
    running: Duration,
    sum: Verdict,
}

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let orders = read(&mut args)?;
    args.end()?;
    if !has_program("python3") {
        return Err("Python 3 is not installed; it reads the workspace apart from Carillon.".to_string());
    }
    let carillon = build(&orders)?;
    let dir = scratch("kill")?;
    std::fs::remove_dir_all(&dir).map_err(|e| format!("{} cannot be emptied: {e}", dir.display()))?;
    if orders.of == Of::Import {
        return imports::command(&orders, &carillon, &dir);
    }
    let mut tally = Tally::default();
    while tally.kills < orders.kills {
        tally.rounds += 1;
        let round = Round::prepare(
            &orders,
            &carillon,
            dir.join(tally.rounds.to_string()),
            tally.rounds,
        )?;
        let kills = round.play(&mut tally)?;
        // A round in which nothing could be killed any more would go on for ever.
        if kills == 0 {
            return Err(
                "A whole round passed before the first kill; use more --messages or a shorter --window-ms."
                    .to_string(),
            );
        }
    }
    report(&orders, &tally);
    if tally.sum.broken.is_empty() {
        return Ok(());
    }
    Err(format!("The law is broken:\n  {}", tally.sum.broken.join("\n  ")))
}

fn read(args: &mut Args) -> Result<Orders> {
    let choice = |value: Option<String>, name: &str, usual: &str, other: &str| match value.as_deref() {
        None => Ok(false),
        Some(v) if v == usual => Ok(false),
        Some(v) if v == other => Ok(true),
        Some(v) => Err(format!("{name} is `{usual}` or `{other}`, not `{v}`.")),
    };
    let orders = Orders {
        retry: choice(args.value("--policy")?, "--policy", "hold", "retry")?,
        gate_off: choice(args.value("--gate")?, "--gate", "on", "off")?,
        of: match args.value("--of")?.as_deref() {
            None | Some("sending") => Of::Sending,
            Some("campaign") => Of::Campaign,
            Some("import") => Of::Import,
            Some(other) => {
                return Err(format!(
                    "--of is `sending`, `campaign` or `import`, not `{other}`."
                ));
            }
        },
        list: match args.value("--list")? {
            None => List::Csv,
            Some(asked) => List::ALL
                .into_iter()
                .find(|list| list.word() == asked)
                .ok_or_else(|| {
                    format!("--list is `csv`, `lines`, `xlsx`, `parquet` or `sqlite`, not `{asked}`.")
                })?,
        },
        points: choice(args.value("--at")?, "--at", "random", "points")?,
        kills: args.parsed("--kills", 0)?,
        messages: args.parsed("--messages", 2_000)?,
        sessions: args.parsed("--sessions", 4)?,
        seed: args.parsed("--seed", 1)?,
        delay_ms: args.parsed("--delay-ms", 10)?,
        window_ms: args.parsed("--window-ms", 800)?,
        json: args.flag("--json"),
    };
    if orders.kills == 0 || orders.messages == 0 || !(1..=50).contains(&orders.sessions) {
        return Err(format!(
            "--kills and --messages are 1 or more, --sessions 1 to 50.\n\n{USAGE}"
        ));
    }
    Ok(orders)
}

fn build(orders: &Orders) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", CLI_PACKAGE]);
    if orders.retry || orders.gate_off {
        command.args(["--features", wiring::FAULTS_FEATURES]);
    }
    run(&mut command)?;
    Ok(target_dir()?.join("release").join(CLI))
}

impl Orders {
    /// A command of the built program, which dials this machine only, with the faults asked for.
    fn carillon(&self, program: &PathBuf) -> Command {
        let mut command = Command::new(program);
        command.env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
        let faults: Vec<&str> = [
            (self.retry, wiring::FAULT_RETRY),
            (self.gate_off, wiring::FAULT_GATE_OFF),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, name)| name)
        .collect();
        if !faults.is_empty() {
            command.env(wiring::FAULT, faults.join(","));
        }
        command
    }
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        self.sum.expected += verdict.expected;
        self.sum.received += verdict.received;
        self.sum.lost += verdict.lost;
        self.sum.doubled += verdict.doubled;
        self.sum.unknown += verdict.unknown;
        self.sum.refused += verdict.refused;
        self.sum.strangers += verdict.strangers;
        let round = self.rounds;
        self.sum
            .broken
            .extend(verdict.broken.into_iter().map(|b| format!("round {round}: {b}")));
    }

    fn per_second(&self) -> f64 {
        self.sum.received as f64 / self.running.as_secs_f64().max(0.001)
    }
}

fn report(orders: &Orders, tally: &Tally) {
    let law = if tally.sum.broken.is_empty() {
        "kept"
    } else {
        "broken"
    };
    let bound = tally.kills * orders.sessions;
    if orders.json {
        println!(
            "{}",
            json!({
                "of": orders.of.word(), "at": if orders.points { "points" } else { "random" },
                "kills": tally.kills, "kills_by_state": tally.by_state, "rounds": tally.rounds,
                "expected": tally.sum.expected, "received": tally.sum.received, "sessions": orders.sessions,
                "messages_per_second": (tally.per_second() * 10.0).round() / 10.0,
                "lost": tally.sum.lost, "doubled": tally.sum.doubled, "unknown": tally.sum.unknown,
                "unknown_bound": bound, "after_no": tally.sum.refused, "strangers": tally.sum.strangers,
                "policy": if orders.retry { "retry" } else { "hold" },
                "gate": if orders.gate_off { "off" } else { "on" },
                "seed": orders.seed, "law": law,
            })
        );
        return;
    }
    println!("\nkills                 {}", tally.kills);
    let when = if orders.points { "at" } else { "while" };
    for (state, kills) in &tally.by_state {
        println!("  {when:<5} {state:<14}  {kills}");
    }
    println!("rounds                {}", tally.rounds);
    println!("sessions              {}", orders.sessions);
    println!("people                {}", tally.sum.expected);
    println!(
        "messages received     {} ({:.1} a second while running)",
        tally.sum.received,
        tally.per_second()
    );
    println!("lost                  {}", tally.sum.lost);
    println!("doubled               {}", tally.sum.doubled);
    println!("unknown               {} (at most {bound})", tally.sum.unknown);
    println!("to people who said no {}", tally.sum.refused);
    println!("to strangers          {}", tally.sum.strangers);
    println!("the law is            {law}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(text: &str) -> Result<Orders> {
        let mut args = Args::new(text.split_whitespace().map(str::to_string));
        let orders = read(&mut args)?;
        args.end()?;
        Ok(orders)
    }

    #[test]
    fn the_law_is_tried_as_it_ships_unless_a_fault_is_asked_for() {
        let plain = orders("--kills 200").expect("orders");
        assert!(!plain.retry && !plain.gate_off);
        let program = PathBuf::from("carillon");
        assert!(
            plain
                .carillon(&program)
                .get_envs()
                .all(|(name, _)| name != wiring::FAULT)
        );
        let faulty = orders("--kills 1 --policy retry --gate off").expect("orders");
        let command = faulty.carillon(&program);
        let fault = command
            .get_envs()
            .find(|(name, _)| *name == wiring::FAULT)
            .and_then(|(_, v)| v);
        assert_eq!(fault.and_then(|v| v.to_str()), Some("retry-unknown,gate-off"));
    }

    #[test]
    fn orders_that_make_no_sense_are_refused() {
        for wrong in [
            "",
            "--kills 0",
            "--kills 2 --sessions 0",
            "--kills 2 --policy maybe",
            "--kills 2 --gates off",
        ] {
            assert!(orders(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_law_broken_in_one_round_stays_broken_in_the_sum() {
        let mut tally = Tally {
            rounds: 2,
            ..Tally::default()
        };
        tally.add(Verdict {
            received: 5,
            lost: 1,
            broken: vec!["one lost".into()],
            ..Verdict::default()
        });
        tally.add(Verdict {
            received: 7,
            ..Verdict::default()
        });
        assert_eq!((tally.sum.received, tally.sum.lost), (12, 1));
        assert_eq!(tally.sum.broken, ["round 2: one lost"]);
    }
}
