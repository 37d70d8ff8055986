//! Postfix's `smtp-sink` on loopback: it takes every message, keeps none, and counts.

use crate::Result;
use crate::children::Leashed;
use crate::ground::find_program;
use crate::packages::Rights;
use crate::setup;
use crate::webdriver::free_port;
use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that may wait to be taken.
const BACKLOG: &str = "256";

/// A running sink, ended when it is dropped.
pub(super) struct Sink {
    pub port: u16,
    log: PathBuf,
    _running: Leashed,
}

impl Sink {
    /// Starts one that counts in `dir`; it also keeps each message in `kept` there, if asked to.
    pub fn start(dir: &Path, keeps: bool) -> Result<Sink> {
        let port = free_port()?;
        let log = dir.join(format!("sink-{port}.log"));
        let kept = Sink::kept(dir);
        std::fs::create_dir_all(&kept).map_err(|e| e.to_string())?;
        let program = find_program("smtp-sink").ok_or("smtp-sink, a part of Postfix, is not installed.")?;
        let mut command = Command::new(program);
        command.arg("-c");
        let root = setup::rights() == Rights::Root;
        if root {
            // It refuses to be root. What it keeps it keeps in its own root folder, then.
            command.args(["-u", "nobody", "-R"]).arg(&kept);
            crate::children::run(Command::new("chown").arg("nobody").arg(&kept))?;
        }
        if keeps {
            let to = if root { PathBuf::from("/") } else { kept };
            command.arg("-d").arg(to.join("m."));
        }
        command
            .args([&format!("127.0.0.1:{port}"), BACKLOG])
            .stdin(Stdio::null())
            .stdout(File::create(&log).map_err(|e| e.to_string())?)
            .stderr(Stdio::null());
        let mut running = Leashed::spawn(&mut command)?;
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if running.ended().is_some() || started.elapsed() > PATIENCE {
                return Err("smtp-sink does not answer.".to_string());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Sink {
            port,
            log,
            _running: running,
        })
    }

    /// Where messages are kept.
    pub fn kept(dir: &Path) -> PathBuf {
        dir.join("kept")
    }

    /// Messages taken so far, by its own count.
    pub fn taken(&self) -> u64 {
        let text = std::fs::read(&self.log).unwrap_or_default();
        last_count(&String::from_utf8_lossy(&text))
    }
}

/// The last of its lines like `sess=4 quit=0 mesg=1000`, which all stand on one.
fn last_count(text: &str) -> u64 {
    let last = text.rsplit("mesg=").next().filter(|rest| rest.len() < text.len());
    let digits = last.map(|rest| {
        rest.split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default()
    });
    digits.and_then(|d| d.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_count_of_the_sink_is_read() {
        assert_eq!(
            last_count("sess=1 quit=0 mesg=12\rsess=63 quit=0 mesg=4000\r"),
            4_000
        );
        assert_eq!(last_count("sess=1 quit=0 mesg=7"), 7);
        assert_eq!(last_count(""), 0);
    }
}
