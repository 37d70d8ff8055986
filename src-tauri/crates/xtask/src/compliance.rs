//! `cargo xtask compliance`: messages as they would leave, for hostile contacts, read by the checker in Python that knows
//! nothing of the program that made them. `cargo verify` does the same with fewer among its tests.

use crate::args::Args;
use crate::children::run;
use crate::ground::{LOOPBACK_ONLY, cargo, has_program};
use crate::{Result, wiring};

const USAGE: &str = "\
cargo xtask compliance [--messages N] [--seed N] [--release]

Makes N messages the way they are made to be sent and checks each against the rules for marketing mail, and the checker
against a broken message of each rule. Ends with 1 when a rule is broken.

  --messages N  10000 unless told
  --seed N      other contacts, templates and senders; 1 unless told
  --release     takes longer to build and less to run: for very many messages
";

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let messages: u64 = args.parsed("--messages", 10_000)?;
    let seed: u64 = args.parsed("--seed", 1)?;
    let release = args.flag("--release");
    args.end()?;
    if messages == 0 {
        return Err(format!("--messages is 1 or more.\n\n{USAGE}"));
    }
    if !has_program("python3") {
        return Err("Python 3 is not installed; it checks the messages apart from Carillon.".to_string());
    }
    let (package, test) = wiring::COMPLIANCE_TEST;
    let mut command = cargo();
    command.args(["test", "--package", package, "--test", test]);
    if release {
        command.arg("--release");
    }
    command
        .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1)
        .env(wiring::COMPLIANCE_MESSAGES, messages.to_string())
        .env(wiring::COMPLIANCE_SEED, seed.to_string());
    run(&mut command)
}
