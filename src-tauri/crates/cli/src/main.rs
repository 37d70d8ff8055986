//! `carillon`: every use-case of the studio without its window.

mod args;
mod backend;
mod commands;
mod interrupt;
mod output;
mod serve;
mod words;

use carillon_app::error::{ApiError, Code, fail};
use clap::Parser;
use std::process::ExitCode;

/// Threads hand rendered mails, rows and records to each other all day, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = carillon_app::render_child() {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    carillon_app::log::start(&carillon_app::App::default_home());
    let cli = args::Cli::parse();
    let json = cli.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&ApiError::from(e), json),
    };
    let done = runtime.block_on(commands::run(cli));
    // A reader thread that waits for standard input must not keep a finished program alive.
    runtime.shutdown_background();
    let written = match output::broken() {
        Some(why) => Err(fail(Code::File, "cli.no_answer", &[("detail", &why)])),
        None => Ok(()),
    };
    match done.and(written) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, json),
    }
}

/// Says why, to people and, where asked for, on the same stream to programs.
fn failed(error: &ApiError, json: bool) -> ExitCode {
    output::complain(&format!("carillon: {error}"));
    if json {
        output::complain(&serde_json::to_string(error).unwrap_or_default());
    }
    ExitCode::from(1)
}
