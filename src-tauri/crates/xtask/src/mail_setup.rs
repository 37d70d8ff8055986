//! Servers for the stories (mail) and the figures (databases). A second consent, because a Debian server starts by
//! itself and a postfix replaces another mail server: they are kept from starting now by a policy file (only ours is
//! taken away again) and at the next boot by disabling their units; postfix gets the answer "No configuration".

use crate::packages;

/// First line of our policy file but one: how a file that an interrupted run left behind is known to be ours.
const MARK: &str = "# put here by Carillon's set-up for the time of one installation";

/// The shell script that installs the servers, to be run as root. `policy` is `/usr/sbin/policy-rc.d` (Debian Policy
/// §9.3.3: exit 101 forbids the action).
pub fn script(packages: &[&str], policy: &str) -> String {
    let units: Vec<&str> = packages
        .iter()
        .filter_map(|name| match *name {
            "postfix" => Some("postfix.service"),
            "dovecot-imapd" => Some("dovecot.service dovecot.socket"),
            "postgresql" => Some("postgresql.service"),
            "mariadb-server" => Some("mariadb.service"),
            _ => None,
        })
        .collect();
    let answer = match packages.contains(&"postfix") {
        true => "echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections\n",
        false => "",
    };
    format!(
        r#"set -e
policy={policy}
mark="{MARK}"
away() {{ if [ -n "$ours" ]; then rm -f "$policy"; fi; }}
trap away EXIT
trap 'exit 130' HUP INT TERM
ours=
if [ -e "$policy" ] && grep -qxF "$mark" "$policy"; then ours=yes; fi
if [ ! -e "$policy" ]; then
  ours=yes
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
  chmod 755 "$policy"
fi
{answer}export DEBIAN_FRONTEND=noninteractive
{install}
if command -v systemctl > /dev/null; then
  for unit in {units}; do systemctl --quiet disable "$unit" > /dev/null 2>&1 || true; done
fi
"#,
        install = packages::apt_line(packages),
        units = units.join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    /// Runs the script with stand-ins for the programs that change the machine; `apt-get` notes the policy it saw.
    fn play(dir: &Path, apt: &str) -> (bool, String) {
        play_with(dir, apt, &["postfix", "dovecot-imapd"])
    }

    fn play_with(dir: &Path, apt: &str, packages: &[&str]) -> (bool, String) {
        let bin = dir.join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        let log = dir.join("log");
        let policy = dir.join("policy-rc.d");
        for (name, body) in [
            ("apt-get", apt.to_string()),
            ("debconf-set-selections", format!("cat >> {}\n", log.display())),
            ("systemctl", format!("echo systemctl $@ >> {}\n", log.display())),
        ] {
            let body = body
                .replace("LOG", &log.to_string_lossy())
                .replace("POLICY", &policy.to_string_lossy());
            std::fs::write(bin.join(name), format!("#!/bin/sh\n{body}")).expect("a program");
            std::fs::set_permissions(bin.join(name), PermissionsExt::from_mode(0o755)).expect("its mode");
        }
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let status = Command::new("sh")
            .args(["-c", &script(packages, &policy.to_string_lossy())])
            .env("PATH", path)
            .status()
            .expect("sh");
        (
            status.success(),
            std::fs::read_to_string(&log).unwrap_or_default(),
        )
    }

    const NOTES_THE_POLICY: &str = "echo apt $@ >> LOG; sh POLICY; echo policy answers $? >> LOG\n";

    #[test]
    fn servers_are_kept_from_starting_while_they_are_installed_and_the_policy_goes_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let (well, log) = play(dir.path(), NOTES_THE_POLICY);
        assert!(well, "{log}");
        assert!(log.contains("select No configuration"), "{log}");
        assert!(log.contains("policy answers 101"), "{log}");
        assert!(log.contains("systemctl --quiet disable postfix.service"), "{log}");
        assert!(!dir.path().join("policy-rc.d").exists());
    }

    #[test]
    fn databases_are_kept_from_starting_as_well_and_nothing_is_said_about_mail() {
        let dir = tempfile::tempdir().expect("a folder");
        let (well, log) = play_with(dir.path(), NOTES_THE_POLICY, &["postgresql", "mariadb-server"]);
        assert!(well && log.contains("policy answers 101"), "{log}");
        assert!(log.contains("disable postgresql.service"), "{log}");
        assert!(log.contains("disable mariadb.service"), "{log}");
        assert!(!log.contains("postfix"), "{log}");
    }

    #[test]
    fn a_policy_of_somebody_else_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("policy-rc.d"), "#!/bin/sh\nexit 101\n").expect("a policy");
        let (well, log) = play(dir.path(), NOTES_THE_POLICY);
        assert!(well && log.contains("policy answers 101"), "{log}");
        assert!(dir.path().join("policy-rc.d").exists());
    }

    #[test]
    fn a_failed_installation_is_reported_and_leaves_no_policy() {
        let dir = tempfile::tempdir().expect("a folder");
        let (well, _) = play(dir.path(), "exit 100\n");
        assert!(!well);
        assert!(!dir.path().join("policy-rc.d").exists());
    }

    #[test]
    fn a_policy_that_an_interrupted_run_of_ours_left_is_taken_away() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(
            dir.path().join("policy-rc.d"),
            format!("#!/bin/sh\n{MARK}\nexit 101\n"),
        )
        .expect("a policy");
        let (well, log) = play(dir.path(), NOTES_THE_POLICY);
        assert!(well && log.contains("policy answers 101"), "{log}");
        assert!(!dir.path().join("policy-rc.d").exists());
    }
}
