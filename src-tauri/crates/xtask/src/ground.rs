//! Where things are, and what the product's programs are called.

use crate::Result;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Package and binary of the desktop shell.
pub const SHELL: &str = "carillon-studio";
/// Package of the command line.
pub const CLI_PACKAGE: &str = "carillon-cli";
/// Binary of the command line.
pub const CLI: &str = "carillon";
/// Package of the stories.
pub const STORIES: &str = "carillon-tests";
/// Makes the shell carry its screens inside instead of asking a development server for them.
pub const SHELL_FEATURES: &str = "tauri/custom-protocol";
/// Every process of ours that is not the user's own studio carries this: the dialer then refuses all but loopback.
pub const LOOPBACK_ONLY: (&str, &str) = ("CARILLON_LOOPBACK_ONLY", "1");

/// The tree this was built from.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .filter(|p| p.ends_with("crates/xtask"))
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.ancestors().nth(3).map_or(here.clone(), Path::to_path_buf)
}

/// A `cargo` command in the root of the tree, the same cargo that started us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What cargo set for us describes this crate; a child build would take it for its own.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// What `cargo metadata --no-deps` says of the workspace.
pub fn metadata() -> Result<Value> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo cannot read the workspace:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata is not JSON: {e}"))
}

/// The folder cargo builds into.
pub fn target_dir() -> Result<PathBuf> {
    metadata()?["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target folder.".to_string())
}

/// A folder of our own below the target folder, made if it is not there.
pub fn scratch(name: &str) -> Result<PathBuf> {
    let dir = target_dir()?.join("xtask").join(name);
    std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    Ok(dir)
}

/// Whether the machine has the program in its PATH.
pub fn has_program(name: &str) -> bool {
    find_program(name).is_some()
}

/// Where the program is, looking through PATH and the folders only root has in it.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Whether nobody sits here to answer: a build machine says `CI=true`.
pub fn unattended() -> bool {
    std::env::var("CI").is_ok_and(|v| v == "true" || v == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_workspace_file_is() {
        let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace file");
        assert!(text.contains("[workspace]"));
    }

    #[test]
    fn programs_are_found_by_name_and_absent_ones_are_not() {
        assert!(has_program("sh"));
        assert!(!has_program("no-such-program-anywhere"));
    }
}
