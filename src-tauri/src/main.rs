//! Carillon's window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

/// Threads hand rendered mails, rows and records to each other all day, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = carillon_shell::render_child() {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    // Before any thread starts: the web view reads these when it is loaded.
    carillon_shell::graphics::prepare();
    match carillon_shell::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carillon-studio: {error}");
            ExitCode::from(1)
        }
    }
}
