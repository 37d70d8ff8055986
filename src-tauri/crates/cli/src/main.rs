//! `carillon`: every use-case of the studio without its window.

mod args;
mod backend;
mod commands;
mod output;
mod serve;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = carillon_app::render_child() {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("CARILLON_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let cli = args::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("carillon: {e}");
            return ExitCode::from(1);
        }
    };
    let json = cli.json;
    let done = runtime.block_on(commands::run(cli));
    let code = match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carillon: {error}");
            if json {
                // The same error for programs, on the same stream as for people.
                eprintln!("{}", serde_json::to_string(&error).unwrap_or_default());
            }
            ExitCode::from(1)
        }
    };
    // A reader thread that waits for standard input must not keep a finished program alive.
    runtime.shutdown_background();
    code
}
