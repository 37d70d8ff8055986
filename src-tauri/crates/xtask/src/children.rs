//! Starting other programs, listening to them and ending them by their id.

use crate::Result;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The command as one would type it, for messages.
pub fn spelled(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Runs to the end with our own input and output. A failure is an error that names the command.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .map_err(|e| format!("`{}` does not start: {e}", spelled(command)))?;
    ended_well(command, status)
}

/// Runs to the end in silence and returns what it wrote on standard output.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("`{}` does not start: {e}", spelled(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "`{}` failed ({}).\n{}{}",
        spelled(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Runs to the end, showing everything it writes as it comes, and returns that text with the outcome.
pub fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("`{}` does not start: {e}", spelled(command)))?;
    let text = Arc::new(Mutex::new(String::new()));
    let readers = [
        child
            .stdout
            .take()
            .map(|s| copy(s, std::io::stdout(), text.clone())),
        child
            .stderr
            .take()
            .map(|s| copy(s, std::io::stderr(), text.clone())),
    ];
    let status = child.wait().map_err(|e| e.to_string())?;
    for reader in readers.into_iter().flatten() {
        reader.join().ok();
    }
    let text = text.lock().map(|t| t.clone()).unwrap_or_default();
    Ok((status, text))
}

fn copy(
    from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    text: Arc<Mutex<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            to.write_all(&line).and_then(|()| to.flush()).ok();
            if let Ok(mut text) = text.lock() {
                text.push_str(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
    })
}

/// An error that names the command when it did not end with 0.
pub fn ended_well(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` failed ({status}).", spelled(command)))
}

/// A child in a process group of its own; the whole group is killed when this is dropped.
#[derive(Debug)]
pub struct Leashed {
    child: Child,
}

impl Leashed {
    /// Starts the command as leader of a new process group.
    pub fn spawn(command: &mut Command) -> Result<Leashed> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command
            .spawn()
            .map_err(|e| format!("`{}` does not start: {e}", spelled(command)))?;
        Ok(Leashed { child })
    }

    /// The process id, also the id of the group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits at most so long; `None` when it is still running then.
    pub fn wait_for(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGKILL, now, to the whole group: nothing in it gets a last word.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            signal_group("KILL", self.child.id());
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        // Children may outlive their leader, so the group is signalled even when the leader has ended.
        signal_group("KILL", self.child.id());
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn signal_group(signal: &str, group: u32) {
    // The shell's own `kill` is there even where the program is not installed.
    Command::new("sh")
        .args(["-c", &format!("kill -s {signal} -- -{group}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok();
}

/// Ends every process that carries `name=value` in its environment, and no other: the way to catch what a
/// web view or a bus left behind. Returns how many there were.
pub fn end_marked(name: &str, value: &str) -> usize {
    let marked = marked(name, value);
    for pid in &marked {
        Command::new("sh")
            .args(["-c", &format!("kill -s KILL {pid}")])
            .stderr(Stdio::null())
            .status()
            .ok();
    }
    marked.len()
}

/// The ids of all processes but this one that carry `name=value` in their environment.
pub fn marked(name: &str, value: &str) -> Vec<u32> {
    let mark = format!("{name}={value}").into_bytes();
    let own = std::process::id();
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|pair| pair == mark))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo gone wrong >&2; exit 3"]);
        let problem = capture(&mut command).expect_err("it fails");
        assert!(
            problem.contains("gone wrong") && problem.contains("sh -c"),
            "{problem}"
        );
    }

    #[test]
    fn tee_returns_both_streams_and_the_outcome() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 4"]);
        let (status, text) = tee(&mut command).expect("it starts");
        assert_eq!(status.code(), Some(4));
        assert!(text.contains("one\n") && text.contains("two\n"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn dropping_a_leash_ends_the_children_of_the_child_too() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & echo $!; wait"])
            .stdout(Stdio::piped());
        let mut leashed = Leashed::spawn(&mut command).expect("sh");
        let mut line = String::new();
        let out = leashed.child().stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("the id");
        let grandchild = format!("/proc/{}", line.trim());
        assert!(std::path::Path::new(&grandchild).exists());
        drop(leashed);
        assert!(gone(&grandchild), "the grandchild still runs");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_processes_that_carry_the_mark_are_ended() {
        let mark = format!("mark-{}", std::process::id());
        let mut marked = Command::new("sleep")
            .arg("600")
            .env("CARILLON_RUN", &mark)
            .spawn()
            .expect("sleep");
        let mut other = Command::new("sleep")
            .arg("600")
            .env("CARILLON_RUN", "another")
            .spawn()
            .expect("sleep");
        // The environment is there only once the new program has taken the place of the fork.
        let started = Instant::now();
        while end_marked("CARILLON_RUN", &mark) == 0 && started.elapsed() < Duration::from_secs(60) {}
        assert!(!marked.wait().expect("its end").success());
        assert!(other.try_wait().expect("its state").is_none());
        other.kill().expect("our own child");
        other.wait().expect("its end");
    }

    #[cfg(target_os = "linux")]
    fn gone(path: &str) -> bool {
        for _ in 0..1000 {
            let state = std::fs::read_to_string(format!("{path}/stat")).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}
