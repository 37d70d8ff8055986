//! A real gnome-keyring on a bus, in folders and for a moment of its own. Each case is a process of its own, because
//! the library asks for the bus once in a process: this test started again, with the case in a variable.

#![cfg(target_os = "linux")]

use super::{name, secret};
use carillon_adapters::vault::{Keychain, KeychainState, Vault, VaultError};
use std::process::{Command, Stdio};
use std::time::Duration;

const CASE: &str = "CARILLON_TEST_KEYCHAIN_CASE";

/// Waits for the keyring to own its name, runs the test, ends the keyring.
const UNLOCKED: &str = r#"
printf 'a login password' | gnome-keyring-daemon --foreground --unlock --components=secrets >&2 &
keyring=$!
trap 'kill $keyring; wait $keyring' EXIT
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets | grep -q 'boolean true'
do
    kill -0 $keyring || exit 97
    sleep 0.1
done
"$@"
"#;

/// The keyring owns its name, and nobody has ever unlocked it.
const LOCKED: &str = r#"
gnome-keyring-daemon --foreground --components=secrets </dev/null >&2 &
keyring=$!
trap 'kill $keyring; wait $keyring' EXIT
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets | grep -q 'boolean true'
do
    kill -0 $keyring || exit 97
    sleep 0.1
done
"$@"
"#;

/// Runs a case in folders of its own: under a script on a bus of its own, or with this address of a bus.
fn case(test: &str, script: Option<&str>, bus: Option<&str>) {
    let home = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let mut command = match script {
        Some(script) => {
            let mut command = Command::new("dbus-run-session");
            command.args(["--", "sh", "-c", script, "sh"]).arg(this);
            command
        }
        None => Command::new(this),
    };
    command.args(["--exact", &format!("keychain::{test}"), "--nocapture"]);
    for variable in [
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "GNOME_KEYRING_CONTROL",
    ] {
        command.env_remove(variable);
    }
    for variable in [
        "HOME",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        command.env(variable, home.path());
    }
    if let Some(bus) = bus {
        command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    }
    let output = command.env(CASE, test).stdin(Stdio::null()).output();
    let output = output.expect("dbus-run-session is missing: apt-get install dbus gnome-keyring");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !said.contains("gnome-keyring-daemon: not found") && output.status.code() != Some(97),
        "gnome-keyring is missing or does not start: apt-get install gnome-keyring dbus\n{said}"
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

/// Whether this process is the one in which the case is to be played.
fn inside(test: &str) -> bool {
    std::env::var_os(CASE).is_some_and(|case| case == test)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

#[test]
fn a_real_keychain_keeps_and_forgets_secrets() {
    const TEST: &str = "a_real_keychain_keeps_and_forgets_secrets";
    if !inside(TEST) {
        case(TEST, Some(UNLOCKED), None);
        return;
    }
    run(async {
        let keychain = Keychain::default();
        assert_eq!(keychain.probe().await, KeychainState::Available);
        let vault = Vault::Keychain(keychain);
        let (one, two) = (name("w1", 1), name("w1", 2));
        assert!(vault.get(&one).await.unwrap().is_none());
        vault.set(&one, &secret("first")).await.unwrap();
        vault.set(&one, &secret("pässwörd \u{1F511}")).await.unwrap();
        vault.set(&two, &secret("second")).await.unwrap();
        assert_eq!(
            vault.get(&one).await.unwrap().unwrap().expose(),
            "pässwörd \u{1F511}"
        );
        // A provider's token has more than one entry takes on some systems.
        let token = "0123456789abcdef".repeat(200);
        vault.set(&one, &secret(&token)).await.unwrap();
        assert_eq!(vault.get(&one).await.unwrap().unwrap().expose(), token);
        vault.delete(&one).await.unwrap();
        vault.delete(&one).await.unwrap();
        assert!(vault.get(&one).await.unwrap().is_none());
        assert_eq!(vault.get(&two).await.unwrap().unwrap().expose(), "second");
    });
}

#[test]
fn a_keychain_nobody_unlocked_is_missing_and_never_says_that_there_is_no_secret() {
    const TEST: &str = "a_keychain_nobody_unlocked_is_missing_and_never_says_that_there_is_no_secret";
    if !inside(TEST) {
        case(TEST, Some(LOCKED), None);
        return;
    }
    run(async {
        let keychain = Keychain::with_time_limit(Duration::from_secs(20));
        assert!(matches!(keychain.probe().await, KeychainState::Missing { .. }));
        assert!(matches!(
            keychain.get(&name("w1", 1)).await,
            Err(VaultError::NoKeychain { .. })
        ));
        let error = keychain.set(&name("w1", 1), &secret("canary")).await.unwrap_err();
        assert!(
            error.to_string().contains("passphrase") && !format!("{error:?}").contains("canary"),
            "{error}"
        );
    });
}

#[test]
fn a_machine_without_a_keychain_says_so() {
    const TEST: &str = "a_machine_without_a_keychain_says_so";
    if !inside(TEST) {
        case(TEST, None, None);
        return;
    }
    run(async {
        let keychain = Keychain::default();
        let KeychainState::Missing { why } = keychain.probe().await else {
            panic!("there is a keychain")
        };
        assert!(why.starts_with("none answers on this machine"), "{why}");
        assert!(matches!(
            keychain.get(&name("w1", 1)).await,
            Err(VaultError::NoKeychain { .. })
        ));
    });
}

/// A bus that takes the connection and then says nothing: the worst kind of broken desktop.
#[test]
fn a_bus_that_never_answers_does_not_hang_the_app() {
    const TEST: &str = "a_bus_that_never_answers_does_not_hang_the_app";
    if !inside(TEST) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bus");
        let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        case(TEST, None, Some(&format!("unix:path={}", socket.display())));
        return;
    }
    run(async {
        let keychain = Keychain::with_time_limit(Duration::from_millis(300));
        for _ in 0..20 {
            assert!(matches!(
                keychain.get(&name("w1", 1)).await,
                Err(VaultError::NoKeychain { .. })
            ));
        }
    });
}
