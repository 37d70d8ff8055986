//! Where the built programs are.

use std::path::PathBuf;

/// The command line. `cargo verify` says where it is; without it, it stands beside the running test.
pub fn carillon() -> Result<PathBuf, String> {
    built("CARILLON_CLI", "carillon")
}

/// The desktop shell, as [`carillon`].
pub fn studio() -> Result<PathBuf, String> {
    built("CARILLON_STUDIO", "carillon-studio")
}

/// The relay, as [`carillon`].
pub fn relay() -> Result<PathBuf, String> {
    built("CARILLON_RELAY", "carillon-relay")
}

fn built(variable: &str, name: &str) -> Result<PathBuf, String> {
    let beside = || {
        let test = std::env::current_exe().ok()?;
        Some(test.parent()?.parent()?.join(name))
    };
    std::env::var_os(variable)
        .map(PathBuf::from)
        .or_else(beside)
        .filter(|path| path.is_file())
        .ok_or_else(|| {
            format!("{name} is not built; `cargo verify` builds it, or set {variable} to where it is.")
        })
}
