//! Looking at the machine, asking, and installing.

use crate::children::{capture, run};
use crate::ground::{has_program, unattended};
use crate::packages::{self, Consent, Need, OTHER_MAIL_SERVERS, Plan, Rights};
use crate::{Result, mail_setup};
use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};
use std::process::Command;

/// The file Debian asks before it starts a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Which of the packages are installed, by dpkg. `None` where there is no dpkg.
fn installed(names: &[&str]) -> Option<BTreeSet<String>> {
    if !has_program("dpkg-query") || !has_program("apt-get") {
        return None;
    }
    // dpkg-query ends with 1 when one of the names is unknown, and still lists the others.
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\\n"])
        .args(names)
        .output()
        .ok()?;
    Some(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_suffix(" installed"))
            .map(str::to_string)
            .collect(),
    )
}

/// Whether we are root, may become it, or neither.
pub fn rights() -> Rights {
    #[cfg(unix)]
    if std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0) {
        return Rights::Root;
    }
    if has_program("sudo") {
        Rights::Sudo
    } else {
        Rights::Neither
    }
}

/// How questions are answered in this run.
pub fn consent(yes: bool) -> Consent {
    if yes || unattended() {
        Consent::Given
    } else if std::io::stdin().is_terminal() {
        Consent::Ask
    } else {
        Consent::Nobody
    }
}

/// Installs what these tasks need and the machine lacks, after saying what and why.
pub fn ensure(needs: &[Need], yes: bool) -> Result<()> {
    let names: Vec<&str> = packages::PACKAGES.iter().map(|(name, _, _)| *name).collect();
    let Some(installed) = installed(&names) else {
        println!("This is no Debian; what the build needs has to be there already (see the README).");
        return Ok(());
    };
    let missing = packages::missing(needs, &installed);
    match packages::plan(missing.clone(), rights(), consent(yes)) {
        Plan::Nothing => Ok(()),
        Plan::Stop(why) => {
            announce(&missing);
            Err(why)
        }
        Plan::Install { packages, sudo, ask } => {
            announce(&packages);
            if ask && !agreed("Install them?", sudo)? {
                return Err("Nothing was installed and nothing was built.".to_string());
            }
            let script = format!(
                "export DEBIAN_FRONTEND=noninteractive\napt-get update\n{}",
                packages::apt_line(&packages)
            );
            run(&mut as_root(sudo, &script))
        }
    }
}

/// Installs the mail servers, on a consent of their own. The error says why the mail stories will fail.
pub fn ensure_mail(yes: bool) -> Result<()> {
    let names: Vec<&str> = packages::PACKAGES
        .iter()
        .map(|(name, _, _)| *name)
        .chain(OTHER_MAIL_SERVERS.iter().copied())
        .collect();
    let Some(installed) = installed(&names) else {
        return Err("The mail stories need Postfix and Dovecot as Debian packages.".to_string());
    };
    let missing = packages::missing(&[Need::Mail], &installed);
    let others: Vec<String> = OTHER_MAIL_SERVERS
        .iter()
        .filter(|name| installed.contains(**name))
        .map(|name| name.to_string())
        .collect();
    match packages::mail_plan(missing, &others, rights(), consent(yes), unattended()) {
        Plan::Nothing => Ok(()),
        Plan::Stop(why) => Err(why),
        Plan::Install { packages, sudo, ask } => {
            announce(&packages);
            println!(
                "They are kept from starting, now and at boot; the stories start them for themselves, on this machine's own address only."
            );
            if !others.is_empty() {
                println!("Postfix replaces {}.", others.join(" and "));
            }
            if ask && !agreed("Install these mail servers?", sudo)? {
                return Err(
                    "You did not want mail servers installed; the stories that need them fail.".to_string(),
                );
            }
            let script = format!("apt-get update\n{}", mail_setup::script(&packages, POLICY));
            run(&mut as_root(sudo, &script))
        }
    }
}

/// Installs the databases the figures are taken beside, on a consent of their own.
pub fn ensure_databases(yes: bool) -> Result<()> {
    let names: Vec<&str> = packages::PACKAGES.iter().map(|(name, _, _)| *name).collect();
    let Some(installed) = installed(&names) else {
        return Err("The figures are taken beside PostgreSQL and MariaDB as Debian packages.".to_string());
    };
    match packages::plan(
        packages::missing(&[Need::Databases], &installed),
        rights(),
        consent(yes),
    ) {
        Plan::Nothing => Ok(()),
        Plan::Stop(why) => Err(why),
        Plan::Install { packages, sudo, ask } => {
            announce(&packages);
            println!(
                "They are kept from starting, now and at boot; the figures start them for themselves, on this machine's own address only."
            );
            if ask && !agreed("Install these databases?", sudo)? {
                return Err("Nothing was installed and nothing was measured.".to_string());
            }
            let script = format!("apt-get update\n{}", mail_setup::script(&packages, POLICY));
            run(&mut as_root(sudo, &script))
        }
    }
}

/// Lets sudo ask for the password now, so that a test that needs root minutes later does not stand still.
pub fn refresh_sudo() {
    if rights() == Rights::Sudo && consent(false) == Consent::Ask {
        run(Command::new("sudo").arg("--validate")).ok();
    }
}

fn announce(packages: &[&str]) {
    println!("\nMissing Debian packages:");
    for package in packages {
        println!("  {package:<30} {}", packages::reason(package));
    }
}

fn as_root(sudo: bool, script: &str) -> Command {
    let mut command = Command::new(if sudo { "sudo" } else { "sh" });
    if sudo {
        command.arg("sh");
    }
    command.args(["-ec", script]);
    command
}

fn agreed(question: &str, sudo: bool) -> Result<bool> {
    let how = if sudo {
        " (sudo may ask for your password)"
    } else {
        ""
    };
    print!("{question}{how} [y/N] ");
    std::io::stdout().flush().ok();
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| e.to_string())?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Refuses when Node 20 or later with npm is not there: nothing of ours installs a second Node.
pub fn require_node() -> Result<()> {
    let version = capture(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(20..) if has_program("npm") => Ok(()),
        Some(_) if !has_program("npm") => {
            Err("Node is here but npm is not. Install npm and start again.".to_string())
        }
        Some(old) => Err(format!(
            "Node {old} is too old: the screens need Node 20 or later."
        )),
        None => Err("Node is not installed: the screens need Node 20 or later with npm.".to_string()),
    }
}
