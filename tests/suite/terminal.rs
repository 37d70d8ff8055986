//! A terminal at which a story is told: the command line on one workspace, in a home of its own.

use carillon_tests::programs;
#[cfg(feature = "mail")]
use carillon_tests::servers::Keyring;
use carillon_xtask::children::{Leashed, spelled};
#[cfg(feature = "mail")]
use carillon_xtask::ground;
use serde_json::Value;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs `carillon -w FILE --json ...` and reads its answers.
pub struct Terminal<'a> {
    file: PathBuf,
    command: Box<dyn Fn(&Path) -> Command + 'a>,
}

impl<'a> Terminal<'a> {
    /// In an empty home, where no keychain is.
    pub fn at_home(home: &'a Path, file: &Path) -> Terminal<'a> {
        make_home(home);
        let command = move |program: &Path| {
            let mut command = Command::new(program);
            furnish(&mut command, home);
            command
        };
        Terminal {
            file: file.to_owned(),
            command: Box::new(command),
        }
    }

    /// As [`Terminal::at_home`], of somebody whom the permissions of files bind: where the tests are run by root, of nobody.
    #[cfg(unix)]
    pub fn of_a_common_user(home: &'a Path, file: &Path) -> Terminal<'a> {
        use std::os::unix::fs::{MetadataExt, chown};
        use std::os::unix::process::CommandExt;
        const NOBODY: u32 = 65_534;
        make_home(home);
        let ours = tempfile::tempfile().and_then(|file| file.metadata());
        let is_root = ours.expect("a file of ours").uid() == 0;
        let own = home.join("carillon");
        if is_root {
            // The folder of the built program may be closed to others.
            let built = programs::carillon().unwrap_or_else(|why| panic!("{why}"));
            std::fs::copy(built, &own).expect("the program");
            let parts = HOME.map(|part| home.join(part));
            for path in parts.iter().map(PathBuf::as_path).chain([home]) {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("a home of nobody's");
            }
        }
        let command = move |program: &Path| {
            let mut command = Command::new(if is_root { &own } else { program });
            furnish(&mut command, home);
            if is_root {
                command.uid(NOBODY).gid(NOBODY).current_dir(home);
            }
            command
        };
        Terminal {
            file: file.to_owned(),
            command: Box::new(command),
        }
    }

    /// With something in the surroundings of each command.
    pub fn with(self, name: &'static str, value: impl Into<OsString>) -> Terminal<'a> {
        let (before, value) = (self.command, value.into());
        Terminal {
            file: self.file,
            command: Box::new(move |program: &Path| {
                let mut command = before(program);
                command.env(name, &value);
                command
            }),
        }
    }

    /// In the session of a keyring.
    #[cfg(feature = "mail")]
    pub fn in_session(keyring: &'a Keyring, file: &Path) -> Terminal<'a> {
        Terminal {
            file: file.to_owned(),
            command: Box::new(|program: &Path| keyring.command(program)),
        }
    }

    /// The workspace.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The program with nothing said to it yet.
    pub fn program(&self) -> Command {
        let program = programs::carillon().unwrap_or_else(|why| panic!("{why}"));
        let mut command = (self.command)(&program);
        command.env_remove("CARILLON_WORKSPACE").stdin(Stdio::null());
        command
    }

    /// The program told to work on the workspace and to answer in JSON.
    pub fn on_file(&self, words: &[&str]) -> Command {
        let mut command = self.program();
        command
            .arg("--workspace")
            .arg(&self.file)
            .arg("--json")
            .args(words);
        command
    }

    /// The answer to a command that must succeed.
    pub fn tell(&self, words: &[&str]) -> Value {
        answer(&mut self.on_file(words))
    }

    /// The answer to a command that must succeed and reads a secret from its input.
    pub fn tell_secret(&self, words: &[&str], secret: &str) -> Value {
        let mut command = self.on_file(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("a pipe");
        input
            .write_all(format!("{secret}\n").as_bytes())
            .expect("it reads its input");
        drop(input);
        judged(&command, child.wait_with_output().expect("its end"))
    }

    /// What a command that must be refused says to people: its first line, without the program's name.
    pub fn refusal(&self, words: &[&str]) -> String {
        refused(&mut self.on_file(words))
    }

    /// The process that owns the workspace, as its side file says.
    pub fn owner(&self) -> Option<u64> {
        let sign = std::fs::read(format!("{}.lock", self.file.display())).ok()?;
        serde_json::from_slice::<Value>(&sign).ok()?["pid"].as_u64()
    }

    /// A program that runs for a day and owns the workspace.
    pub fn start_owner(&self) -> Leashed {
        let mut command = self.on_file(&["run", "--for", "86400"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Leashed::spawn(&mut command).unwrap_or_else(|why| panic!("{why}"));
        until("it owns the file", || {
            self.owner() == Some(u64::from(process.id()))
        });
        process
    }

    /// Makes the workspace. Its clock is virtual where it starts somewhere.
    pub fn create(&self, start: Option<&str>) -> Value {
        let mut command = self.program();
        command
            .arg("--json")
            .args(["workspaces", "create"])
            .arg(&self.file);
        if let Some(start) = start {
            command.args(["--clock", "virtual", "--start", start]);
        }
        answer(&mut command)
    }
}

/// What is waited for comes; a program that hangs must not hang the tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for something.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "it did not come: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The folders of a home.
const HOME: [&str; 4] = ["run", "data", "config", "cache"];

fn make_home(home: &Path) {
    for part in HOME {
        std::fs::create_dir_all(home.join(part)).expect("a private home");
    }
}

fn furnish(command: &mut Command, home: &Path) {
    command
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
}

/// What a command answers; it must succeed.
pub fn answer(command: &mut Command) -> Value {
    let output = command.output().expect("the program starts");
    judged(command, output)
}

fn judged(command: &Command, output: Output) -> Value {
    assert!(
        output.status.success(),
        "`{}` failed ({}).\n{}",
        spelled(command),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!(
            "`{}` gave no JSON: {e}\n{}",
            spelled(command),
            String::from_utf8_lossy(&output.stdout)
        )
    })
}

/// What a command says that must be refused: its first line, without the program's name.
pub fn refused(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "`{}`: {said}", spelled(command));
    let line = said.lines().find_map(|line| line.strip_prefix("carillon: "));
    line.unwrap_or_else(|| panic!("`{}` gave no reason: {said}", spelled(command)))
        .to_owned()
}

/// A file of the fixtures, as an argument.
#[cfg(feature = "mail")]
pub fn fixture(name: &str) -> String {
    ground::root()
        .join("tests/fixtures")
        .join(name)
        .to_string_lossy()
        .into_owned()
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().expect("the folders of tests have plain names")
}
