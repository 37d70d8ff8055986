//! What lies in a folder: which of it may be a list, and which of that has come to rest.

use carillon_adapters::glob;
use carillon_store::imports::folders::Seen;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Endings of files that are not whole yet, or of those that keep others out.
const UNFINISHED: [&str; 12] = [
    "part",
    "partial",
    "tmp",
    "temp",
    "crdownload",
    "download",
    "opdownload",
    "filepart",
    "lock",
    "lck",
    "swp",
    "bak",
];

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub seen: Seen,
    pub path: PathBuf,
    /// A link to somewhere: it is not followed.
    pub is_link: bool,
}

/// The name of a file as it is kept: what is no text in it stands as `\xFF`.
pub(crate) fn name_of(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02X}");
        }
    }
    text
}

/// Whether a name is one of the patterns, between commas or semicolons. Large and small letters are the same.
pub(crate) fn is_meant(patterns: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    patterns
        .split([',', ';'])
        .map(|pattern| pattern.trim().to_lowercase())
        .any(|pattern| !pattern.is_empty() && glob::matches(&pattern, &name))
}

/// Whether a name says that the file is hidden, not whole yet, or only holds a place.
fn is_passing(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    name.starts_with(['.', '~']) || name.ends_with('~') || {
        let ending = ending.to_lowercase();
        UNFINISHED.contains(&ending.as_str())
    }
}

#[cfg(windows)]
fn is_hidden(meta: &Metadata) -> bool {
    use std::os::windows::fs::MetadataExt;
    // FILE_ATTRIBUTE_HIDDEN and FILE_ATTRIBUTE_SYSTEM.
    meta.file_attributes() & 0x6 != 0
}

#[cfg(not(windows))]
fn is_hidden(_: &Metadata) -> bool {
    false
}

/// Size and moment of the last change, as they tell whether a file is still the same.
fn stamp(meta: &Metadata) -> (u64, i64) {
    let since = meta
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
    (meta.len(), nanos)
}

/// Whether a file is still as it was seen.
pub(crate) fn is_still(path: &Path, seen: &Seen) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|meta| meta.is_file() && stamp(&meta) == (seen.size, seen.modified))
}

/// The files of a folder that may be lists, the one changed first at the front; folders in it are not looked into. `ours`:
/// the workspace, which is no list, nor is what lies beside it under its name.
///
/// # Errors
/// The system's, when the folder cannot be read.
pub(crate) fn scan(folder: &Path, ours: &Path) -> std::io::Result<Vec<Found>> {
    let own = ours
        .file_name()
        .filter(|_| ours.parent().is_some_and(|beside| beside == folder))
        .map(name_of);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = name_of(&entry.file_name());
        if is_passing(&name) || own.as_ref().is_some_and(|own| name.starts_with(own.as_str())) {
            continue;
        }
        // What goes away between the two is not there.
        let Ok(meta) = std::fs::symlink_metadata(entry.path()) else {
            continue;
        };
        let is_link = meta.is_symlink();
        if is_hidden(&meta) || !is_link && (!meta.is_file() || meta.len() == 0) {
            continue;
        }
        let (size, modified) = stamp(&meta);
        found.push(Found {
            seen: Seen { name, size, modified },
            path: entry.path(),
            is_link,
        });
    }
    found.sort_by(|a, b| (a.seen.modified, &a.seen.name).cmp(&(b.seen.modified, &b.seen.name)));
    Ok(found)
}

/// What was seen of a folder at the last look, and of which files something became.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    last: BTreeMap<String, (u64, i64)>,
    settled: BTreeMap<String, (u64, i64)>,
}

impl Looks {
    /// The files that are as they were at the look before, and not settled.
    pub fn at_rest(&mut self, found: Vec<Found>) -> Vec<Found> {
        let stamp = |found: &Found| (found.seen.size, found.seen.modified);
        let now: BTreeMap<String, (u64, i64)> = found
            .iter()
            .map(|found| (found.seen.name.clone(), stamp(found)))
            .collect();
        self.settled.retain(|name, was| now.get(name) == Some(was));
        let before = std::mem::replace(&mut self.last, now);
        let rests = |found: &Found| {
            let name = &found.seen.name;
            before.get(name) == Some(&stamp(found)) && !self.settled.contains_key(name)
        };
        found.into_iter().filter(rests).collect()
    }

    /// Nothing more becomes of a file until it changes.
    pub fn settle(&mut self, seen: &Seen) {
        self.settled.insert(seen.name.clone(), (seen.size, seen.modified));
    }

    /// Forgets what was seen: a folder that was away is looked at twice again.
    pub fn forget(&mut self) {
        self.last.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|f| f.seen.name.as_str()).collect()
    }

    #[test]
    fn what_is_hidden_not_whole_or_the_workspaces_own_is_no_list() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in [
            "a.csv",
            ".b.csv",
            "c.csv.part",
            "d.tmp",
            "~$e.xlsx",
            "f.csv~",
            "g.CRDOWNLOAD",
            "shop.carillon",
            "shop.carillon-wal",
            "shop.carillon.import-1.csv",
        ] {
            std::fs::write(dir.path().join(name), "x").expect("written");
        }
        std::fs::write(dir.path().join("empty.csv"), "").expect("written");
        std::fs::create_dir(dir.path().join("folder.csv")).expect("made");
        let found = scan(dir.path(), &dir.path().join("shop.carillon")).expect("read");
        assert_eq!(names(&found), ["a.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_files_like_others_and_links_are_told_apart() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().expect("a folder");
        let odd = OsStr::from_bytes(b"liste-\xE4.csv");
        std::fs::write(dir.path().join(odd), "x").expect("written");
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link.csv")).expect("linked");
        let mut found = scan(dir.path(), Path::new("/elsewhere")).expect("read");
        found.sort_by(|a, b| a.seen.name.cmp(&b.seen.name));
        assert_eq!(names(&found), ["link.csv", "liste-\\xE4.csv"]);
        assert_eq!([found[0].is_link, found[1].is_link], [true, false]);
        assert!(is_still(&found[1].path, &found[1].seen));
        assert!(!is_still(&found[0].path, &found[0].seen), "a link is never read");
    }

    #[test]
    fn a_file_rests_once_two_looks_saw_the_same_of_it() {
        let file = |size| Found {
            seen: Seen {
                name: "a.csv".into(),
                size,
                modified: 1,
            },
            path: PathBuf::new(),
            is_link: false,
        };
        let mut looks = Looks::default();
        assert!(looks.at_rest(vec![file(1)]).is_empty());
        assert!(looks.at_rest(vec![file(2)]).is_empty(), "it is being written");
        assert_eq!(looks.at_rest(vec![file(2)]).len(), 1);
        looks.settle(&file(2).seen);
        assert!(looks.at_rest(vec![file(2)]).is_empty());
        assert!(looks.at_rest(vec![file(3)]).is_empty(), "it changed");
        assert_eq!(looks.at_rest(vec![file(3)]).len(), 1);
        looks.forget();
        assert!(looks.at_rest(vec![file(3)]).is_empty(), "the folder was away");
    }

    #[test]
    fn patterns_mean_names_in_large_and_small_letters() {
        assert!(is_meant("*.csv", "People.CSV"));
        assert!(is_meant("*.xlsx, new-*.csv", "new-1.csv"));
        assert!(!is_meant("*.xlsx; new-*.csv", "old-1.csv"));
        assert!(!is_meant(" , ", "a.csv"));
    }
}
