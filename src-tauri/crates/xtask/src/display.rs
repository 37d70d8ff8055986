//! An X display of one's own that nobody sees, with a home of its own, so that a test or a picture never touches the
//! display, the settings or the data of the person at the machine.

use crate::Result;
use crate::children::{Leashed, capture, end_marked, marked};
use crate::ground::{LOOPBACK_ONLY, has_program};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Marks every process of one display, so that those a web view leaves behind are found and ended.
const MARK: &str = "CARILLON_RUN";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A running Xvfb with a window manager where there is one. Everything started on it ends when it is dropped.
#[derive(Debug)]
pub struct Display {
    _server: Leashed,
    _manager: Option<Leashed>,
    name: String,
    home: PathBuf,
    mark: String,
}

impl Display {
    /// A free display of so many pixels. Xvfb chooses the number itself (`-displayfd`): a number of our own could
    /// be somebody else's display.
    pub fn start(width: u32, height: u32) -> Result<Display> {
        let mark = format!(
            "{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let home = std::env::temp_dir().join(format!("carillon-display-{mark}"));
        make_home(&home)?;
        let screen = format!("{width}x{height}x24");
        let mut command = Command::new("Xvfb");
        command
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                &screen,
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server =
            Leashed::spawn(&mut command).map_err(|e| format!("{e}. The package xvfb has it."))?;
        let mut number = String::new();
        if let Some(out) = server.child().stdout.take() {
            BufReader::new(out)
                .read_line(&mut number)
                .map_err(|e| e.to_string())?;
        }
        let number: u32 = number
            .trim()
            .parse()
            .map_err(|_| "Xvfb ended without opening a display.".to_string())?;
        let mut display = Display {
            _server: server,
            _manager: None,
            name: format!(":{number}"),
            home,
            mark,
        };
        if has_program("openbox") {
            let mut manager = display.command("openbox");
            manager
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            display._manager = Some(Leashed::spawn(&mut manager)?);
        }
        Ok(display)
    }

    /// The folder that stands for the user's home here. It goes away with the display.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A command that sees this display and this home and nothing of the real ones.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.name)
            .env("HOME", &self.home)
            .env("XDG_RUNTIME_DIR", self.home.join("run"))
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            // As the studio itself sets it where there is no GPU, and set here so that every driver sees the same.
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1)
            .env(MARK, &self.mark)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        command
    }

    /// Tells web views on this display which colours the desktop prefers, for windows opened from now on.
    pub fn prefer_dark(&self, dark: bool) -> Result<()> {
        let dir = self.home.join("config/gtk-3.0");
        let text = format!(
            "[Settings]\ngtk-application-prefer-dark-theme={}\n",
            u8::from(dark)
        );
        std::fs::create_dir_all(&dir)
            .and_then(|()| std::fs::write(dir.join("settings.ini"), text))
            .map_err(|e| format!("{} cannot be written: {e}", dir.display()))
    }

    /// A PNG of the whole display: the X root window, because a web view's own screenshot waits for ever where the
    /// DMABUF renderer is off.
    pub fn picture(&self, to: &Path) -> Result<()> {
        capture(self.command("import").args(["-window", "root"]).arg(to)).map(drop)
    }

    /// Milliseconds of processor time that the main threads of the programs of this name have had on this display. Names
    /// are those of the kernel: fifteen letters at most.
    pub fn processor_ms(&self, name: &str) -> Result<f64> {
        let times = self.of(&[name], "schedstat", |text| {
            text.split_whitespace().next()?.parse().ok()
        });
        let nanoseconds: f64 = found(name, times)?;
        Ok(nanoseconds / 1e6)
    }

    /// Megabytes of memory of the programs of these names on this display, with pages that several have shared out among
    /// them (PSS).
    pub fn memory_mb(&self, names: &[&str]) -> Result<f64> {
        let sizes = self.of(names, "smaps_rollup", |text| {
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        });
        let kilobytes: f64 = found(&names.join(", "), sizes)?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    /// What is read of a file that the kernel has of each program of these names on this display.
    fn of(&self, names: &[&str], file: &str, read: impl Fn(&str) -> Option<f64>) -> Vec<f64> {
        marked(MARK, &self.mark)
            .into_iter()
            .map(|pid| PathBuf::from(format!("/proc/{pid}")))
            .filter(|dir| {
                let own = std::fs::read_to_string(dir.join("comm")).unwrap_or_default();
                names.contains(&own.trim_end())
            })
            .filter_map(|dir| read(&std::fs::read_to_string(dir.join(file)).ok()?))
            .collect()
    }
}

/// The sum of what was read of programs, of which there is to be one at least.
fn found(name: &str, numbers: Vec<f64>) -> Result<f64> {
    match numbers.is_empty() {
        true => Err(format!(
            "There is no {name} on this display, or the kernel tells nothing of it."
        )),
        false => Ok(numbers.iter().sum()),
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // The X server goes first for those that end with it; what is left carries the mark.
        self._manager = None;
        end_marked(MARK, &self.mark);
        std::fs::remove_dir_all(&self.home).ok();
    }
}

fn make_home(home: &Path) -> Result<()> {
    for part in ["run", "config", "data", "state", "cache"] {
        std::fs::create_dir_all(home.join(part))
            .map_err(|e| format!("{} cannot be made: {e}", home.display()))?;
    }
    // The XDG specification asks for 0700 on the runtime folder.
    #[cfg(unix)]
    for dir in [home.to_path_buf(), home.join("run")] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o700)).map_err(|e| e.to_string())?;
    }
    Ok(())
}
