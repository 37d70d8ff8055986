//! `cargo xtask bindings`: the words of the crates as TypeScript, in `ui/src/api/gen`. The files are left exactly as
//! ts-rs prints them: every `cargo test` prints them again, so another form would never hold.

use crate::args::Args;
use crate::children::{capture, run};
use crate::ground::{CLI, CLI_PACKAGE, cargo, root, scratch, target_dir};
use crate::{Result, wiring};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const USAGE: &str = "\
cargo xtask bindings [--check]

Writes the TypeScript words of the crates to ui/src/api/gen. With --check nothing is written; stale, missing and
superfluous files are named and the exit code is 1.
";

/// Crates whose words the screens use.
const CRATES: &[&str] = &["carillon-model", "carillon-engine", "carillon-app"];

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let only_check = args.flag("--check");
    args.end()?;
    let mut export = cargo();
    export.args(["test", "--quiet", "--lib"]);
    for name in CRATES {
        export.args(["--package", name]);
    }
    run(cargo().args(["build", "--quiet", "--package", CLI_PACKAGE]))?;
    let fresh = export_into_scratch(export)?;
    let kept = kept_folder();
    let differences = differences(&read(&fresh)?, &read(&kept)?);
    if only_check {
        return match differences.as_slice() {
            [] => Ok(()),
            lines => Err(stale(lines)),
        };
    }
    replace(&fresh, &kept)?;
    println!("{} files differed in {}", differences.len(), kept.display());
    Ok(())
}

/// Compares the committed words with what the crates write now: `export` is a `cargo test` over their tests, and the
/// debug build of the command line, which must be there, writes the command table.
pub fn check(export: Command) -> Result<()> {
    let fresh = export_into_scratch(export)?;
    match differences(&read(&fresh)?, &read(&kept_folder())?).as_slice() {
        [] => Ok(()),
        lines => Err(stale(lines)),
    }
}

fn stale(lines: &[String]) -> String {
    format!(
        "The TypeScript words are stale; `cargo xtask bindings` writes them anew:\n  {}",
        lines.join("\n  ")
    )
}

fn kept_folder() -> PathBuf {
    root().join("ui/src/api/gen")
}

fn export_into_scratch(mut export: Command) -> Result<PathBuf> {
    let fresh = scratch("bindings")?;
    std::fs::remove_dir_all(&fresh).map_err(|e| format!("{} cannot be emptied: {e}", fresh.display()))?;
    // A failure to write is a failed test, so the text of the run is wanted whole.
    capture(
        export
            .env("TS_RS_EXPORT_DIR", &fresh)
            .args(["--", "export_bindings"]),
    )?;
    let program = target_dir()?.join("debug").join(CLI);
    capture(Command::new(program).args(wiring::bindings(&fresh)))?;
    Ok(fresh)
}

/// Relative path and text of every file below the folder; none when there is no folder.
fn read(dir: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path)
                .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
            files.insert(path.strip_prefix(dir).unwrap_or(&path).to_path_buf(), text);
        }
    }
    Ok(files)
}

fn differences(fresh: &BTreeMap<PathBuf, String>, kept: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, text) in fresh {
        match kept.get(path) {
            None => lines.push(format!("missing      {}", path.display())),
            Some(old) if old != text => lines.push(format!("stale        {}", path.display())),
            Some(_) => {}
        }
    }
    for path in kept.keys().filter(|p| !fresh.contains_key(*p)) {
        lines.push(format!("superfluous  {}", path.display()));
    }
    lines
}

fn replace(fresh: &Path, kept: &Path) -> Result<()> {
    let files = read(fresh)?;
    if files.is_empty() {
        return Err("The crates wrote no TypeScript at all; the folder was left as it is.".to_string());
    }
    let told = |path: &Path, e: std::io::Error| format!("{} cannot be written: {e}", path.display());
    for path in read(kept)?.keys().filter(|p| !files.contains_key(*p)) {
        std::fs::remove_file(kept.join(path)).map_err(|e| told(path, e))?;
    }
    for (path, text) in files {
        let to = kept.join(path);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|e| told(folder, e))?;
        }
        if std::fs::read_to_string(&to).ok().as_deref() != Some(text.as_str()) {
            std::fs::write(&to, text).map_err(|e| told(&to, e))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_missing_and_superfluous_files_are_named_and_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let (fresh, kept) = (dir.path().join("fresh"), dir.path().join("kept"));
        let put = |folder: &Path, name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        put(&fresh, "Same.ts", "1");
        put(&fresh, "Changed.ts", "new");
        put(&fresh, "serde_json/New.ts", "1");
        put(&kept, "Same.ts", "1");
        put(&kept, "Changed.ts", "old");
        put(&kept, "Gone.ts", "1");
        let named = |f: &Path, k: &Path| differences(&read(f).expect("fresh"), &read(k).expect("kept"));
        let lines = named(&fresh, &kept).join("\n");
        assert!(lines.contains("stale        Changed.ts"), "{lines}");
        assert!(lines.contains("missing      serde_json/New.ts"), "{lines}");
        assert!(
            lines.contains("superfluous  Gone.ts") && !lines.contains("Same.ts"),
            "{lines}"
        );
        replace(&fresh, &kept).expect("replaced");
        assert!(named(&fresh, &kept).is_empty());
    }

    #[test]
    fn an_export_of_nothing_does_not_empty_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("Kept.ts"), "1").expect("a file");
        assert!(replace(&dir.path().join("nothing"), dir.path()).is_err());
        assert!(dir.path().join("Kept.ts").exists());
    }
}
