//! Messages as they would leave, for contacts whose values are meant to break them, read byte by byte by a checker in
//! another language (`tests/model/compliance`). `cargo xtask compliance` runs this with more of them.
//!
//! `CARILLON_COMPLIANCE_MESSAGES` says how many, `CARILLON_COMPLIANCE_SEED` which.
#![allow(clippy::unwrap_used)]

mod post;

use libtest_mimic::{Arguments, Failed, Trial};
use post::{Made, Post};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Messages of a plain test run.
const MESSAGES: u64 = 2_000;

fn main() -> ExitCode {
    if let Some(code) = carillon_app::render_child() {
        return ExitCode::from(code as u8);
    }
    let trials = vec![
        Trial::test(
            "the_checker_refuses_a_broken_message_of_each_rule",
            checker_is_strict,
        ),
        Trial::test("no_message_breaks_a_rule", messages_are_good),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn python(words: &[&str]) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/model/compliance");
    let mut command = Command::new("python3");
    // No bytecode is written into the tree.
    command.arg("-B").args(words).current_dir(folder);
    command
}

const NO_PYTHON: &str = "Python 3 does not start; it checks the messages apart from Carillon";

fn checker_is_strict() -> Result<(), Failed> {
    let out = python(&["-m", "unittest", "test_check"])
        .output()
        .map_err(|e| format!("{NO_PYTHON}: {e}"))?;
    match out.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&out.stderr).into_owned().into()),
    }
}

fn messages_are_good() -> Result<(), Failed> {
    let wanted = number("CARILLON_COMPLIANCE_MESSAGES", MESSAGES);
    let mut post = Post::new(number("CARILLON_COMPLIANCE_SEED", 1));
    let mut checker = python(&["check.py", "--expect", &wanted.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{NO_PYTHON}: {e}"))?;
    let mut stream = BufWriter::new(checker.stdin.take().ok_or("the checker has no input")?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (started, mut bytes, mut made) = (Instant::now(), 0, 0);
    while made < wanted {
        for Made { message, told } in runtime.block_on(post.batch(wanted - made)) {
            made += 1;
            bytes += message.len();
            writeln!(stream, "{told}")?;
            stream.write_all(&message)?;
        }
    }
    drop(stream);
    let out = checker.wait_with_output()?;
    let took = started.elapsed().as_secs_f64();
    println!(
        "{made} messages, {bytes} bytes, {took:.1} s, {:.0} a second; not made: {:?}",
        made as f64 / took,
        post.refused
    );
    let report = String::from_utf8_lossy(&out.stdout).into_owned();
    println!("{report}");
    match out.status.success() {
        true => Ok(()),
        false => Err(report.into()),
    }
}
