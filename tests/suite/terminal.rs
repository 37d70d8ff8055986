//! A terminal at which a story is told: the command line on one workspace, in a home of its own.

use carillon_tests::programs;
#[cfg(feature = "mail")]
use carillon_tests::servers::Keyring;
use carillon_xtask::children::spelled;
#[cfg(feature = "mail")]
use carillon_xtask::ground;
use serde_json::Value;
#[cfg(feature = "mail")]
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs `carillon -w FILE --json ...` and reads its answers.
pub struct Terminal<'a> {
    file: PathBuf,
    command: Box<dyn Fn(&Path) -> Command + 'a>,
}

impl<'a> Terminal<'a> {
    /// In an empty home, where no keychain is.
    pub fn at_home(home: &'a Path, file: &Path) -> Terminal<'a> {
        for part in ["run", "data", "config", "cache"] {
            std::fs::create_dir_all(home.join(part)).expect("a private home");
        }
        let command = move |program: &Path| {
            let mut command = Command::new(program);
            command
                .env("HOME", home)
                .env("XDG_RUNTIME_DIR", home.join("run"))
                .env("XDG_DATA_HOME", home.join("data"))
                .env("XDG_CONFIG_HOME", home.join("config"))
                .env("XDG_CACHE_HOME", home.join("cache"))
                .env_remove("DBUS_SESSION_BUS_ADDRESS");
            command
        };
        Terminal {
            file: file.to_owned(),
            command: Box::new(command),
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
    #[cfg(feature = "mail")]
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
        refusal(&mut self.on_file(words))
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

fn refusal(command: &mut Command) -> String {
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
