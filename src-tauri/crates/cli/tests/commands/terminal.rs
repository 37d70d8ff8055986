//! A terminal in a home of its own.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The program.
pub const CARILLON: &str = env!("CARGO_BIN_EXE_carillon");

pub struct Terminal {
    home: tempfile::TempDir,
}

/// What a run came to.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Terminal {
    pub fn new() -> Terminal {
        Terminal {
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// With a sample company in `shop.carillon`.
    pub fn with_shop() -> Terminal {
        let at = Terminal::new();
        at.json(&[
            "demo",
            "create",
            "shop.carillon",
            "--contacts",
            "60",
            "--months",
            "2",
        ]);
        at
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.other(CARILLON, words)
    }

    /// Another program in this home.
    pub fn other(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        let home = self.home.path();
        command
            .args(words)
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_RUNTIME_DIR", home)
            .env("CARILLON_LOOPBACK_ONLY", "1")
            .env_remove("CARILLON_HOME")
            .env_remove("CARILLON_LOG")
            .env_remove("CARILLON_WORKSPACE")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, words: &[&str]) -> Said {
        said(self.command(words).output().unwrap())
    }

    /// What is said of work that must succeed.
    pub fn text(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{words:?}");
        said.out
    }

    /// The one document that is answered to work that must succeed.
    pub fn json(&self, words: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(words);
        let said = self.run(&all);
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.err);
        assert_eq!(said.err, "", "{words:?}");
        serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{words:?}: {e}\n{}", said.out))
    }

    /// The plain sentence with which work is refused.
    pub fn refused(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(1), ""),
            "{words:?}: {}",
            said.err
        );
        plain(&said.err);
        let sentence = said.err.trim().strip_prefix("carillon: ").map(str::to_owned);
        sentence.unwrap_or_else(|| panic!("{words:?}: {}", said.err))
    }

    /// What is said to who does not know the words.
    pub fn wrong(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(2), ""),
            "{words:?}: {}",
            said.err
        );
        plain(&said.err);
        said.err
    }

    /// A program that goes on, with its standard output and error to be read.
    pub fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(Some(command.spawn().unwrap()))
    }

    /// The process that owns a file, as its side file says.
    pub fn owner(&self, file: &str) -> Option<u64> {
        let sign = std::fs::read(self.path(&format!("{file}.lock"))).ok()?;
        serde_json::from_slice::<Value>(&sign).ok()?["pid"].as_u64()
    }
}

/// A program that is ended with the test.
pub struct Running(Option<Child>);

impl Running {
    /// A program that was started in a way of its own.
    pub fn of(child: Child) -> Running {
        Running(Some(child))
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn signal(&self, name: &str) {
        let told = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status();
        assert!(told.unwrap().success());
    }

    pub fn end(mut self) -> Said {
        said(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Nothing that only programmers read.
pub fn plain(text: &str) {
    for jargon in [
        "panicked",
        "os error",
        "RUST_BACKTRACE",
        "Err(",
        "Some(",
        "Error {",
        "SqliteFailure",
        "rusqlite",
        "sqlx",
        "missing field",
        "invalid type",
        "::",
    ] {
        assert!(!text.contains(jargon), "{jargon:?} in: {text}");
    }
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}
