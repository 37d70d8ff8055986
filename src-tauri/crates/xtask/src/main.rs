use carillon_xtask::args::Args;
use carillon_xtask::{bench, bindings, compliance, kill, shots, studio, verify};
use std::process::ExitCode;

const USAGE: &str = "\
Carillon's own tools.

  cargo studio [--headless] [--yes]     install what is missing, build, open the studio on the sample workspace
  cargo verify [--only LIST] [--yes]    every check and every test; `cargo verify --list` names the stages
  cargo xtask shots --out DIR           pictures of every screen of the real window
  cargo xtask bindings [--check]        write the TypeScript words of the crates, or say whether they are stale
  cargo xtask kill --kills N            the crash law: kill -9 at random moments while mail is sent
  cargo xtask compliance --messages N   finished messages, read byte by byte against the rules for marketing mail
  cargo xtask bench NAME [--json]       one figure, measured; `cargo xtask bench --list` names them

`--yes` answers every question with yes; CI=true does the same. Add `--help` to a command for its options.
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let run: fn(Args) -> carillon_xtask::Result<()> = match command.as_str() {
        "studio" => studio::command,
        "verify" => verify::command,
        "shots" => shots::command,
        "bindings" => bindings::command,
        "kill" => kill::command,
        "bench" => bench::command,
        "compliance" => compliance::command,
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprint!("There is no command `{other}`.\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(Args::new(rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            if !problem.is_empty() {
                eprintln!("\n{problem}");
            }
            ExitCode::FAILURE
        }
    }
}
