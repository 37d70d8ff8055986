//! The screens: installed by npm without running anybody's install scripts, and built once for each state of their
//! sources. Stamp files below the target folder make a second start quick.

use crate::Result;
use crate::children::run;
use crate::ground::{root, scratch};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An `npm` command in the folder of the screens.
pub fn npm() -> Command {
    let mut command = Command::new("npm");
    command
        .current_dir(root().join("ui"))
        .env("NO_UPDATE_NOTIFIER", "1");
    command
}

/// `npm ci --ignore-scripts`, unless the same lock file was installed already.
pub fn install() -> Result<()> {
    let ui = root().join("ui");
    let stamp = Stamp::of("npm", &[ui.join("package.json"), ui.join("package-lock.json")])?;
    if stamp.fresh() && ui.join("node_modules").is_dir() {
        return Ok(());
    }
    println!("Installing the screens' libraries (npm ci, no install scripts)");
    run(npm().args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    stamp.write()
}

/// `npm run build`, unless nothing has changed since the last one.
pub fn build() -> Result<()> {
    install()?;
    let stamp = built()?;
    if stamp.fresh() && root().join("ui/dist/index.html").is_file() {
        return Ok(());
    }
    println!("Building the screens (npm run build)");
    run(npm().args(["run", "build"]))?;
    stamp.write()
}

/// `npm run check`, which builds at its end: what it wrote is stamped like a build.
pub fn checked_by(check: impl FnOnce() -> Result<()>) -> Result<()> {
    install()?;
    let stamp = built()?;
    check()?;
    stamp.write()
}

fn built() -> Result<Stamp> {
    Stamp::of("ui", &[root().join("ui"), root().join("assets")])
}

/// Folders that are results and never sources.
const RESULTS: &[&str] = &["node_modules", "dist", "test-results", ".vite"];

#[derive(Debug)]
struct Stamp {
    file: PathBuf,
    sum: String,
}

impl Stamp {
    fn of(name: &str, sources: &[PathBuf]) -> Result<Stamp> {
        let mut hasher = DefaultHasher::new();
        for source in sources {
            sum(source, &mut hasher).map_err(|e| format!("{} cannot be read: {e}", source.display()))?;
        }
        Ok(Stamp {
            file: scratch("stamps")?.join(name),
            sum: format!("{:016x}", hasher.finish()),
        })
    }

    fn fresh(&self) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|old| old == self.sum)
    }

    fn write(&self) -> Result<()> {
        std::fs::write(&self.file, &self.sum)
            .map_err(|e| format!("{} cannot be written: {e}", self.file.display()))
    }
}

fn sum(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    if path.is_file() {
        path.hash(hasher);
        std::fs::read(path)?.hash(hasher);
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?
        .map(|e| e.map(|e| e.path()))
        .collect::<std::io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        if !RESULTS.iter().any(|skip| entry.ends_with(skip)) {
            sum(&entry, hasher)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dir: &Path) -> u64 {
        let mut hasher = DefaultHasher::new();
        sum(dir, &mut hasher).expect("a sum");
        hasher.finish()
    }

    #[test]
    fn the_sum_follows_names_and_contents_and_not_the_results() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("src")).expect("a folder");
        std::fs::write(dir.path().join("src/a.ts"), "1").expect("a file");
        let before = of(dir.path());
        std::fs::create_dir_all(dir.path().join("node_modules/x")).expect("a folder");
        std::fs::write(dir.path().join("node_modules/x/y.js"), "1").expect("a file");
        assert_eq!(of(dir.path()), before);
        std::fs::write(dir.path().join("src/a.ts"), "2").expect("a file");
        assert_ne!(of(dir.path()), before);
        std::fs::rename(dir.path().join("src/a.ts"), dir.path().join("src/b.ts")).expect("a new name");
        std::fs::write(dir.path().join("src/b.ts"), "1").expect("a file");
        assert_ne!(of(dir.path()), before);
    }
}
