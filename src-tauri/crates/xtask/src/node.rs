//! Peers that come from the npm registry, in folders of their own below the target folder. Nobody's install script runs.

use crate::Result;
use crate::children::run;
use crate::ground::scratch;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder in which these packages are found, installed if they are not there as listed. `name` is that of the folder.
pub fn with(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let dir = scratch(name)?;
    install(&dir, packages, run)?;
    Ok(dir)
}

/// The note is written last, so that an installation that was interrupted is done again.
fn install(dir: &Path, packages: &[&str], mut run: impl FnMut(&mut Command) -> Result<()>) -> Result<()> {
    let note = dir.join("installed");
    let list = packages.join("\n");
    if std::fs::read_to_string(&note).is_ok_and(|there| there == list) {
        return Ok(());
    }
    eprintln!("Installing {} into {}", packages.join(", "), dir.display());
    let write = |file: PathBuf, text: &str| {
        std::fs::write(&file, text).map_err(|e| format!("{} cannot be written: {e}", file.display()))
    };
    // Without it npm would look for a package further up, and find the workspace's.
    write(dir.join("package.json"), "{\"private\":true}\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(dir).env("NO_UPDATE_NOTIFIER", "1").args([
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--save-exact",
    ]);
    run(npm.args(packages))?;
    write(note, &list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_once_and_again_when_the_list_has_changed() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut runs = Vec::new();
        let interrupted = install(dir.path(), &["nodemailer@10.6.1"], |_| {
            Err("interrupted".to_string())
        });
        assert_eq!(interrupted, Err("interrupted".to_string()));
        for list in [
            ["nodemailer@10.6.1"],
            ["nodemailer@10.6.1"],
            ["nodemailer@10.6.2"],
        ] {
            let counted = install(dir.path(), &list, |command| {
                runs.push(crate::children::spelled(command));
                Ok(())
            });
            assert_eq!(counted, Ok(()));
        }
        assert_eq!(runs.len(), 2, "{runs:?}");
        assert!(
            runs.iter().all(|run| run.contains("--ignore-scripts")),
            "{runs:?}"
        );
        assert!(runs[1].ends_with("nodemailer@10.6.2"), "{runs:?}");
    }
}
