//! The house rules hold in the tree as it is.

use carillon_tests::fences;
use carillon_xtask::ground;
use std::path::PathBuf;

#[test]
fn no_crate_knows_what_the_architecture_forbids_it_to_know() {
    let output = ground::cargo()
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let broken = fences::broken(&metadata);
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_engine_has_no_clock_no_randomness_and_no_io() {
    let mut folders = vec![ground::root().join("src-tauri/crates/engine/src")];
    let mut read = 0;
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let source = std::fs::read_to_string(&path).expect("a source");
                read += 1;
                for (line, word) in fences::impure_lines(&source) {
                    found.push(format!("{}:{line}: {word}", path.display()));
                }
            }
        }
    }
    assert!(read > 5, "only {read} sources were found");
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
