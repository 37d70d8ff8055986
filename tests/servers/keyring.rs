//! A gnome-keyring of one's own: private home, private bus, unlocked.

use super::Result;
use carillon_xtask::children::Leashed;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A session bus with an unlocked Secret Service on it, for child processes. Both end when this is dropped.
pub struct Keyring {
    // The daemon goes first, then its bus, then the home of both.
    _daemon: Option<Leashed>,
    _bus: Leashed,
    address: String,
    home: TempDir,
}

/// The name the Secret Service has on the bus.
const SECRETS: &str = "org.freedesktop.secrets";

impl Keyring {
    /// Starts a bus and an unlocked keyring on it.
    pub fn start() -> Result<Keyring> {
        let mut keyring = Keyring::bus_only()?;
        let mut command = keyring.command("gnome-keyring-daemon");
        command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut daemon =
            Leashed::spawn(&mut command).map_err(|e| format!("{e} The package gnome-keyring has it."))?;
        if let Some(mut input) = daemon.child().stdin.take() {
            // The password is everything up to the end of the input; the pipe closes here.
            input
                .write_all(b"a word for one test")
                .map_err(|e| format!("The keyring took no password: {e}"))?;
        }
        keyring._daemon = Some(daemon);
        let until = Instant::now() + Duration::from_secs(60);
        while !keyring.answers()? {
            if Instant::now() >= until {
                return Err("The keyring did not come to its bus.".to_string());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(keyring)
    }

    /// A bus without a keyring: the machine on which passwords cannot be kept. Nothing is started on demand either,
    /// because the bus has no service files to start from.
    pub fn bus_only() -> Result<Keyring> {
        let home = tempfile::Builder::new()
            .prefix("carillon-keyring-")
            .tempdir()
            .map_err(|e| format!("No private folder could be made: {e}"))?;
        for part in ["run", "data", "config", "cache"] {
            std::fs::create_dir(home.path().join(part)).map_err(|e| e.to_string())?;
        }
        std::fs::set_permissions(
            home.path().join("run"),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .map_err(|e| e.to_string())?;
        let config = home.path().join("bus.conf");
        std::fs::write(&config, bus_config(home.path())).map_err(|e| e.to_string())?;
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        private(&mut command, home.path());
        let mut bus =
            Leashed::spawn(&mut command).map_err(|e| format!("{e} The package dbus-daemon has it."))?;
        let mut address = String::new();
        if let Some(out) = bus.child().stdout.take() {
            BufReader::new(out)
                .read_line(&mut address)
                .map_err(|e| e.to_string())?;
        }
        if address.trim().is_empty() {
            return Err("The bus ended without giving its address.".to_string());
        }
        Ok(Keyring {
            _daemon: None,
            _bus: bus,
            address: address.trim().to_string(),
            home,
        })
    }

    /// A command that sees this home and this bus and nothing of the real ones.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        private(&mut command, self.home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// The folder that stands for the user's home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn answers(&self) -> Result<bool> {
        let output = self
            .command("dbus-send")
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/org/freedesktop/DBus",
            ])
            .args(["org.freedesktop.DBus.NameHasOwner", &format!("string:{SECRETS}")])
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("The bus cannot be asked: {e} The package dbus-bin has what asks it."))?;
        Ok(String::from_utf8_lossy(&output.stdout).contains("boolean true"))
    }
}

fn private(command: &mut Command, home: &Path) {
    command
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
}

/// A session bus of one user. It names no folder of service files: a real session bus would start the machine's own
/// keyring in place of ours.
fn bus_config(home: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        home.join("run/bus").display()
    )
}
