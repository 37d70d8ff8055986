//! What other programs measured on the same input in the same round. A script of `tests/bench` runs them and writes a line
//! of JSON for each: `of` (our figure), `peer` (name and version), `number` and `same`: whether its answers are ours.

use super::{Figure, Place, figure};
use crate::children::capture;
use crate::ground::root;
use crate::packages::Need;
use crate::{Result, python, setup};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Databases that come from the Python registry, and the drivers of those that are Debian packages.
const DATABASES: &[&str] = &[
    "duckdb==2.0.1",
    "psycopg[binary]==3.3.9",
    "pymysql==1.2.4",
    "chdb==4.4.0",
];

/// A Python that reaches every database we are compared with; they are installed where they are not.
pub(super) fn databases(place: &Place) -> Result<PathBuf> {
    setup::ensure(&[Need::Python], place.yes)?;
    setup::ensure_databases(place.yes)?;
    python::with("python-databases", DATABASES)
}

/// A script of `tests/bench`. It leaves nothing beside itself.
pub(super) fn script(python: PathBuf, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(root().join("tests/bench").join(name));
    command
}

/// Runs the script and sets what it says beside our figures: `import` and `DuckDB 2.0.1` become `import.duckdb`.
///
/// # Errors
/// The script failed, or a line of it is not of the shape above or is about a figure we do not have.
pub(super) fn beside(ours: &[Figure], command: &mut Command) -> Result<Vec<Figure>> {
    read(ours, &capture(command)?)
}

pub(super) fn read(ours: &[Figure], text: &str) -> Result<Vec<Figure>> {
    text.lines().map(|line| one(ours, line)).collect()
}

/// Where `servers.py` puts the data of a server whose user cannot reach the target folder, as below `/root`.
const ELSEWHERE: &str = "/var/tmp/carillon-bench-";

/// Takes away what servers left outside of the bench's folder. `dir` and its folders hold a note of each such place.
pub(super) fn tidy(dir: &Path) {
    for path in std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
    {
        if path.is_dir() && !path.is_symlink() {
            tidy(&path);
        } else if let Some(place) = elsewhere(&path) {
            std::fs::remove_dir_all(place).ok();
        }
    }
}

/// The place a note names, if the file is one of our notes.
fn elsewhere(note: &Path) -> Option<PathBuf> {
    let is_note = note.extension().is_some_and(|ending| ending == "elsewhere");
    let text = is_note.then(|| std::fs::read_to_string(note).ok())??;
    let name = text.strip_prefix(ELSEWHERE)?;
    (!name.contains(['/', '\0'])).then(|| PathBuf::from(text.as_str()))
}

fn one(ours: &[Figure], line: &str) -> Result<Figure> {
    let told: Value =
        serde_json::from_str(line).map_err(|e| format!("A peer wrote no JSON ({e}): {line}"))?;
    let (Some(of), Some(peer), Some(number)) = (
        told["of"].as_str(),
        told["peer"].as_str(),
        told["number"].as_f64(),
    ) else {
        return Err(format!("A peer's line lacks of, peer or number: {line}"));
    };
    let ours = ours
        .iter()
        .find(|figure| figure.name == of)
        .ok_or_else(|| format!("A peer measured `{of}`, which we did not."))?;
    Ok(Figure {
        peer: Some((peer.to_owned(), number)),
        ..figure(
            &format!("{of}.{}", short(peer)),
            ours.ours,
            &ours.unit,
            ours.checked && told["same"] == true,
        )
    })
}

/// A peer's name as part of a figure's: without versions, marks and remarks.
fn short(peer: &str) -> String {
    let plain = peer.split('(').next().unwrap_or(peer);
    let words = plain
        .split_whitespace()
        .filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
        .map(|word| word.trim_matches('.').to_lowercase());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_number_stands_beside_ours_and_other_answers_spoil_it() {
        let ours = [figure("import", 200.0, "rows/s", true)];
        let line = |same| {
            format!(r#"{{"of":"import","peer":"PostgreSQL 15.18 one by one","number":8,"same":{same}}}"#)
        };
        let taken = read(&ours, &line(true)).expect("a figure");
        assert_eq!(taken[0].name, "import.postgresql_one_by_one");
        assert_eq!((taken[0].ratio(), taken[0].checked), (Some(25.0), true));
        let taken = read(&ours, &line(false)).expect("a figure");
        assert!(!taken[0].checked);
        let wrong = [figure("import", 200.0, "rows/s", false)];
        assert!(!read(&wrong, &line(true)).expect("a figure")[0].checked);
    }

    #[test]
    fn a_line_about_nothing_of_ours_is_refused() {
        let ours = [figure("import", 200.0, "rows/s", true)];
        assert!(read(&ours, r#"{"of":"send","peer":"x","number":8,"same":true}"#).is_err());
        assert!(read(&ours, r#"{"of":"import","number":8,"same":true}"#).is_err());
        assert!(read(&ours, "Traceback").is_err());
    }

    #[test]
    fn what_a_server_kept_elsewhere_is_named_by_a_note_of_ours_and_by_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let note = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a note");
            elsewhere(&path)
        };
        let place = format!("{ELSEWHERE}ab12");
        assert_eq!(note("postgres.elsewhere", &place), Some(PathBuf::from(&place)));
        assert_eq!(note("postgres.log", &place), None);
        assert_eq!(note("a.elsewhere", "/var/tmp/other"), None);
        assert_eq!(note("b.elsewhere", &format!("{ELSEWHERE}x/../../home")), None);
    }

    #[test]
    fn names_of_peers_lose_their_versions_and_remarks() {
        assert_eq!(short("sqlite3 .import 3.40.1 (does less)"), "sqlite3_import");
        assert_eq!(short("DuckDB 2.0.1"), "duckdb");
    }
}
