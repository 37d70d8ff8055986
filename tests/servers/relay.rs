//! The relay as it runs on a cheap server: its own program, with its own folder.

use super::web::request;
use super::{Result, free_ports};
use crate::programs;
use carillon_xtask::children::{Leashed, capture};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A running relay, whose first tenant waits to be paired. It ends when this is dropped.
pub struct Relay {
    _process: Leashed,
    _folder: tempfile::TempDir,
    url: String,
    code: String,
}

const START_LIMIT: Duration = Duration::from_secs(30);

impl Relay {
    /// Sets one up as its guide says, and runs it on a free port without TLS.
    pub fn start() -> Result<Relay> {
        let program = programs::relay()?;
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let [port] = free_ports()?;
        let url = format!("http://127.0.0.1:{port}");
        let command = || {
            let mut command = Command::new(&program);
            command.arg("--config").arg(folder.path().join("relay.toml"));
            command
        };
        let mut init = command();
        init.args([
            "init",
            "--url",
            &url,
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--data",
        ])
        .arg(folder.path().join("data"));
        let told = capture(&mut init)?;
        let code = told
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with(&url) && line.contains('#'));
        let code = code.ok_or(format!("No pairing code: {told}"))?.to_string();
        let process = Leashed::spawn(
            command()
                .arg("run")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        let relay = Relay {
            _process: process,
            _folder: folder,
            url,
            code,
        };
        let until = Instant::now() + START_LIMIT;
        while let Err(why) = request("GET", &format!("{}/health", relay.url), &[], "") {
            if Instant::now() >= until {
                return Err(format!("The relay does not answer: {why}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(relay)
    }

    /// Where the world reaches it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is pasted into the studio.
    pub fn code(&self) -> &str {
        &self.code
    }
}
