//! Which Debian packages a task needs and why, and what to do about those that are missing. Decisions only:
//! nothing here looks at the machine.

use std::collections::BTreeSet;

/// A task that needs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Compiling anything of ours.
    Build,
    /// Compiling and running the desktop shell.
    Desktop,
    /// The screens in a browser.
    Browser,
    /// The real window on a display of its own.
    Window,
    /// A keychain of its own for the stories.
    Keychain,
    /// Emulators from the Python registry, in an environment of their own: see [`crate::python`].
    Python,
    /// Databases Carillon is compared with: asked for separately, like the mail servers.
    Databases,
    /// Real mail servers: asked for separately, see [`crate::mail_setup`].
    Mail,
}

/// Package, task, and what it is for: the sentence people read before they agree.
pub const PACKAGES: &[(&str, Need, &str)] = &[
    (
        "build-essential",
        Need::Build,
        "C compiler and linker, for SQLite and the TLS library",
    ),
    ("pkg-config", Need::Desktop, "finds the libraries below"),
    (
        "libwebkit2gtk-4.1-dev",
        Need::Desktop,
        "the web view the studio's window is made of",
    ),
    ("librsvg2-dev", Need::Desktop, "draws icons in menus and tray"),
    (
        "libdbus-1-dev",
        Need::Desktop,
        "talks to the desktop's file dialogs",
    ),
    ("libxdo-dev", Need::Desktop, "keyboard menus on X11"),
    ("libayatana-appindicator3-dev", Need::Desktop, "the tray icon"),
    (
        "chromium",
        Need::Browser,
        "runs the screens' tests against `carillon serve`",
    ),
    ("xvfb", Need::Window, "a display nobody sees"),
    (
        "webkit2gtk-driver",
        Need::Window,
        "drives the window as a person would",
    ),
    (
        "openbox",
        Need::Window,
        "a small window manager, so that windows have a size and the focus",
    ),
    ("xdotool", Need::Window, "real mouse and keys, for dragging"),
    ("imagemagick", Need::Window, "takes the pictures"),
    ("fonts-dejavu-core", Need::Window, "a font for the pictures"),
    (
        "gnome-keyring",
        Need::Keychain,
        "a real keychain, in a private home of its own",
    ),
    (
        "dbus-daemon",
        Need::Keychain,
        "the private bus the keychain answers on",
    ),
    (
        "dbus-bin",
        Need::Keychain,
        "asks the bus whether the keychain is there",
    ),
    (
        "libsecret-tools",
        Need::Keychain,
        "reads the keychain apart from Carillon",
    ),
    (
        "python3-venv",
        Need::Python,
        "an environment of its own for the emulator of Amazon's services",
    ),
    (
        "postgresql",
        Need::Databases,
        "the database most programs of this field stand on",
    ),
    (
        "mariadb-server",
        Need::Databases,
        "the database the others of this field stand on",
    ),
    (
        "sqlite3",
        Need::Databases,
        "SQLite's own shell, with its reader of lists",
    ),
    ("postfix", Need::Mail, "a real mail server for the mail stories"),
    (
        "dovecot-imapd",
        Need::Mail,
        "takes the password and gives the mail back",
    ),
    ("dovecot-lmtpd", Need::Mail, "puts the mail into the box"),
];

/// Mail servers that a Debian postfix would replace: they all provide `mail-transport-agent`.
pub const OTHER_MAIL_SERVERS: &[&str] = &[
    "citadel-server",
    "courier-mta",
    "dma",
    "esmtp-run",
    "exim4-daemon-heavy",
    "exim4-daemon-light",
    "lsb-invalid-mta",
    "masqmail",
    "msmtp-mta",
    "nullmailer",
    "opensmtpd",
    "qmail-run",
    "sendmail-bin",
    "ssmtp",
];

/// Who we are on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    Root,
    Sudo,
    Neither,
}

/// How questions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// `--yes` or `CI=true`.
    Given,
    /// Somebody sits at a terminal.
    Ask,
    /// Nobody can answer.
    Nobody,
}

/// What is to be done about missing packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    Nothing,
    /// Install them; with sudo or as root; after a question or without.
    Install {
        packages: Vec<&'static str>,
        sudo: bool,
        ask: bool,
    },
    /// We may not: the sentence says why and gives the command.
    Stop(String),
}

/// The packages of these tasks that are not installed, in the table's order.
pub fn missing(needs: &[Need], installed: &BTreeSet<String>) -> Vec<&'static str> {
    PACKAGES
        .iter()
        .filter(|(name, need, _)| needs.contains(need) && !installed.contains(*name))
        .map(|(name, _, _)| *name)
        .collect()
}

/// What a package is for.
pub fn reason(package: &str) -> &'static str {
    PACKAGES
        .iter()
        .find(|(name, _, _)| *name == package)
        .map_or("", |(_, _, why)| why)
}

/// The command that installs the packages, as one would type it.
pub fn apt_line(packages: &[&str]) -> String {
    format!(
        "apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Decides on the ordinary packages.
pub fn plan(missing: Vec<&'static str>, rights: Rights, consent: Consent) -> Plan {
    if missing.is_empty() {
        return Plan::Nothing;
    }
    match (rights, consent) {
        (Rights::Neither, _) => Plan::Stop(format!(
            "These packages are missing and neither root nor sudo is at hand. Run this as root, then start again:\n\n  {}",
            apt_line(&missing)
        )),
        (_, Consent::Nobody) => Plan::Stop(format!(
            "These packages are missing and there is no terminal to ask at. Start again with --yes, or run this as root:\n\n  {}",
            apt_line(&missing)
        )),
        (rights, consent) => Plan::Install {
            packages: missing,
            sudo: rights == Rights::Sudo,
            ask: consent == Consent::Ask,
        },
    }
}

/// Decides on the mail servers. `others` are the mail servers this machine has already; `ci` is `CI=true`, the only
/// case in which one of them is replaced.
pub fn mail_plan(
    missing: Vec<&'static str>,
    others: &[String],
    rights: Rights,
    consent: Consent,
    ci: bool,
) -> Plan {
    if missing.is_empty() {
        return Plan::Nothing;
    }
    let replaces = missing.contains(&"postfix") && !others.is_empty();
    if replaces && !ci {
        return Plan::Stop(format!(
            "The mail stories need Postfix, which would replace {} on this machine. Carillon does not do that; the \
             stories that need a mail server fail here. A build machine (CI=true) or a container runs them.",
            others.join(" and ")
        ));
    }
    plan(missing, rights, consent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn only_what_the_task_needs_and_the_machine_lacks_is_missing() {
        assert_eq!(missing(&[Need::Build], &set(&[])), ["build-essential"]);
        assert_eq!(
            missing(&[Need::Build], &set(&["build-essential"])),
            Vec::<&str>::new()
        );
        let window = missing(&[Need::Window], &set(&["xvfb", "openbox"]));
        assert!(
            window.contains(&"webkit2gtk-driver")
                && !window.contains(&"xvfb")
                && !window.contains(&"postfix")
        );
    }

    #[test]
    fn every_package_says_what_it_is_for_and_stands_once() {
        let names: BTreeSet<&str> = PACKAGES.iter().map(|(name, _, _)| *name).collect();
        assert_eq!(names.len(), PACKAGES.len());
        assert!(
            PACKAGES
                .iter()
                .all(|(name, _, why)| why.len() > 10 && reason(name) == *why)
        );
    }

    #[test]
    fn with_nothing_missing_nothing_happens_whoever_we_are() {
        assert_eq!(plan(vec![], Rights::Neither, Consent::Nobody), Plan::Nothing);
        assert_eq!(
            mail_plan(
                vec![],
                &["exim4-daemon-light".into()],
                Rights::Neither,
                Consent::Ask,
                false
            ),
            Plan::Nothing
        );
    }

    #[test]
    fn somebody_at_a_terminal_is_asked_before_sudo() {
        assert_eq!(
            plan(vec!["xvfb"], Rights::Sudo, Consent::Ask),
            Plan::Install {
                packages: vec!["xvfb"],
                sudo: true,
                ask: true
            }
        );
    }

    #[test]
    fn root_uses_no_sudo_and_a_given_consent_asks_nothing() {
        assert_eq!(
            plan(vec!["xvfb"], Rights::Root, Consent::Given),
            Plan::Install {
                packages: vec!["xvfb"],
                sudo: false,
                ask: false
            }
        );
    }

    #[test]
    fn without_root_and_sudo_the_command_is_printed_even_with_consent() {
        let Plan::Stop(said) = plan(vec!["xvfb", "openbox"], Rights::Neither, Consent::Given) else {
            panic!("it must stop");
        };
        assert!(
            said.contains("apt-get install --yes --no-install-recommends xvfb openbox"),
            "{said}"
        );
    }

    #[test]
    fn nobody_to_ask_stops_before_anything_is_installed() {
        let Plan::Stop(said) = plan(vec!["xvfb"], Rights::Root, Consent::Nobody) else {
            panic!("it must stop");
        };
        assert!(said.contains("--yes"), "{said}");
    }

    #[test]
    fn another_mail_server_is_replaced_on_a_build_machine_only() {
        let others = ["exim4-daemon-light".to_string()];
        let Plan::Stop(said) = mail_plan(vec!["postfix"], &others, Rights::Root, Consent::Given, false)
        else {
            panic!("it must stop");
        };
        assert!(said.contains("exim4-daemon-light"), "{said}");
        assert_eq!(
            mail_plan(vec!["postfix"], &others, Rights::Root, Consent::Given, true),
            Plan::Install {
                packages: vec!["postfix"],
                sudo: false,
                ask: false
            }
        );
    }

    #[test]
    fn another_mail_server_is_no_obstacle_to_what_does_not_replace_it() {
        let others = ["exim4-daemon-light".to_string()];
        assert_eq!(
            mail_plan(
                vec!["dovecot-imapd"],
                &others,
                Rights::Root,
                Consent::Given,
                false
            ),
            Plan::Install {
                packages: vec!["dovecot-imapd"],
                sudo: false,
                ask: false
            }
        );
    }

    #[test]
    fn no_crate_asks_for_a_system_library_that_is_not_on_the_list() {
        let lock = std::fs::read_to_string(crate::ground::root().join("Cargo.lock")).expect("the lock file");
        for (needs, package) in [("openssl-sys", "libssl-dev"), ("libdbus-sys", "libdbus-1-dev")] {
            let used = lock.contains(&format!("name = \"{needs}\""));
            let listed = PACKAGES.iter().any(|(name, _, _)| *name == package);
            assert!(
                !used || listed,
                "{needs} is linked, so {package} belongs on the list"
            );
        }
    }
}
