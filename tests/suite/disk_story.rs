//! A disk that is full, and folders in which nothing can be written: what was kept is kept, and work goes on when there
//! is room.

use crate::post::{Sender, in_state, prepare, start_world, taken};
use crate::terminal::{Terminal, arg, refused};
use serde_json::json;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command in a shell in which no file can grow beyond so many bytes, as on a disk that is full.
fn on_a_full_disk(command: &Command, bytes: u64) -> Command {
    let mut shell = Command::new("sh");
    let blocks = bytes / 512;
    shell
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""))
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn a_disk_that_takes_no_more_is_named_and_no_letter_is_lost_or_sent_twice() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shop.carillon"));
    let truth = home.path().join("truth.jsonl");
    let (_world, port) = start_world(&at, &truth, 0);
    let mut people = prepare(&at, home.path(), &Sender::now(port, 2, 60));
    at.tell(&["outbox", "resume"]);

    let size = std::fs::metadata(at.file()).expect("the file").len();
    let refused = on_a_full_disk(&at.on_file(&["run", "--until-idle"]), size)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("This change was not kept; everything before it was."),
        "{said}"
    );
    let before = taken(&truth).len();
    assert!(
        (1..60).contains(&before),
        "{before} letters left before the disk was full"
    );

    at.tell(&["run", "--until-idle"]);
    people.sort();
    assert_eq!(taken(&truth), people, "each once");
    let unknown = in_state(&at, "unknown");
    assert!(unknown <= 2, "{unknown} are unknown, of two sessions");
    assert_eq!(in_state(&at, "accepted") + unknown, 60);
}

/// Rows of a list, of which each tenth is of nobody.
const ROWS: usize = 40_000;

#[test]
fn an_import_onto_a_disk_that_takes_no_more_keeps_what_it_had_and_goes_on_when_there_is_room() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shop.carillon"));
    at.create(None);
    let list = home.path().join("people.csv");
    let rows: String = (0..ROWS)
        .map(|n| match n % 10 {
            0 => format!("nobody {n},London\n"),
            _ => format!("person{n}@example.com,City {}\n", n % 100),
        })
        .collect();
    std::fs::write(&list, format!("email,city\n{rows}")).expect("a list");
    let words = [
        "contacts",
        "import",
        arg(&list),
        "--basis",
        "consent",
        "--source",
        "a fair",
    ];

    let said = refused(&mut on_a_full_disk(&at.on_file(&words), 1 << 20));
    assert!(said.contains("everything before it was."), "{said}");
    let on = said
        .split("carillon contacts import ")
        .nth(1)
        .expect("how to go on");
    let id = on
        .trim()
        .rsplit("--resume ")
        .next()
        .expect("its number")
        .to_owned();
    assert!(on.contains(arg(&list)), "{said}");

    let kept = at.tell(&["contacts", "list"])["total"]
        .as_u64()
        .expect("a number");
    assert!(kept > 0 && kept < (ROWS - ROWS / 10) as u64, "{kept} are kept");
    let done = at.tell(&["contacts", "import", arg(&list), "--resume", &id]);
    assert_eq!(
        (
            &done["counts"]["new"],
            &done["counts"]["invalid"],
            &done["counts"]["duplicate"]
        ),
        (&json!(ROWS - ROWS / 10), &json!(ROWS / 10), &json!(0)),
        "{done}"
    );
    assert_eq!(at.tell(&["contacts", "list"])["total"], json!(ROWS - ROWS / 10));
    let rejects = std::fs::read_to_string(done["rejects"].as_str().expect("a file")).expect("its rows");
    let each: BTreeSet<&str> = rejects.lines().collect();
    assert_eq!(
        (rejects.lines().count(), each.len()),
        (ROWS / 10 + 1, ROWS / 10 + 1),
        "each row that cannot be taken stands there once, below the heading"
    );
}

#[test]
fn a_workspace_for_which_there_is_no_room_leaves_nothing_that_keeps_the_next_try_from_its_name() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("data/shop.carillon"));
    let before = names(&home.path().join("data"));
    for words in [
        &["workspaces", "create"][..],
        &["demo", "create", "--contacts", "50"],
    ] {
        let mut command = at.program();
        command.args(words).arg(at.file());
        refused(&mut on_a_full_disk(&command, 50 << 10));
        let mut left = names(&home.path().join("data"));
        left.retain(|name| !before.contains(name) && *name != "carillon" && *name != "shop.carillon.lock");
        assert!(left.is_empty(), "{words:?} left {left:?}");
    }
    at.create(None);
    assert_eq!(at.tell(&["contacts", "list"])["total"], json!(0));
}

/// A folder in which nothing can be made, until this goes.
struct Closed(PathBuf);

impl Closed {
    fn close(folder: &Path) -> Closed {
        let mode = std::fs::Permissions::from_mode(0o555);
        std::fs::set_permissions(folder, mode).expect("a closed folder");
        Closed(folder.to_owned())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let _ = std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o755));
    }
}

fn names(folder: &Path) -> BTreeSet<std::ffi::OsString> {
    let there = std::fs::read_dir(folder).expect("a folder");
    there.flatten().map(|entry| entry.file_name()).collect()
}

const LIST: &str = "email,city\nada@example.com,London\nnobody,Rome\n";

fn importing(list: &Path) -> [&str; 7] {
    [
        "contacts",
        "import",
        arg(list),
        "--basis",
        "consent",
        "--source",
        "a fair",
    ]
}

#[test]
fn in_a_folder_where_nothing_can_be_written_each_command_says_so_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a home");
    // Of the home's folders one is as good as another.
    let (shelf, desk) = (home.path().join("cache"), home.path().join("data"));
    let there = Terminal::of_a_common_user(home.path(), &shelf.join("shop.carillon"));
    let here = Terminal::of_a_common_user(home.path(), &desk.join("shop.carillon"));
    for at in [&there, &here] {
        at.create(None);
    }
    let (list, copy) = (shelf.join("people.csv"), desk.join("copy.carillon"));
    std::fs::write(&list, LIST).expect("a list");
    there.tell(&importing(&list));
    here.tell(&["backup", arg(&copy)]);

    let closed = Closed::close(&shelf);
    let before = names(&shelf);
    let on_shelf = shelf.join("new.carillon");
    let new = arg(&on_shelf);
    let writing: [&[&str]; 5] = [
        &["workspaces", "create", new],
        &["demo", "create", new, "--contacts", "20"],
        &["backup", new],
        &["contacts", "export", new],
        &["segments", "list"],
    ];
    for words in &writing[..4] {
        let said = here.refusal(words);
        assert!(
            said.contains(new) && said.contains("Permission denied. Nothing was changed.")
                || said.contains("Check that you may write to the folder"),
            "{words:?}: {said}"
        );
    }
    for words in [writing[4], &["restore", arg(&copy)]] {
        let said = there.refusal(words);
        assert!(
            said.contains(arg(&shelf)) && said.contains("cannot be written"),
            "{words:?}: {said}"
        );
    }
    assert_eq!(names(&shelf), before, "something was left on the shelf");

    // A list may lie there; what is to be said of its rows stands beside the workspace.
    let done = here.tell(&importing(&list));
    assert_eq!(done["counts"]["new"], json!(1), "{done}");
    assert!(
        done["rejects"]
            .as_str()
            .is_some_and(|path| path.starts_with(arg(&desk))),
        "{done}"
    );
    drop(closed);
    assert_eq!(there.tell(&["contacts", "list"])["total"], json!(1));
    assert_eq!(there.tell(&["restore", arg(&copy)])["frozen"], json!(0));
}

#[test]
fn where_the_folder_for_what_runs_is_closed_or_far_away_programs_find_each_other_all_the_same() {
    let home = tempfile::tempdir().expect("a home");
    let far = home.path().join("far".repeat(40));
    for folder in [&home.path().join("cache"), &far] {
        std::fs::create_dir_all(folder).expect("a folder");
        let file = home.path().join("data/shop.carillon");
        let at = Terminal::of_a_common_user(home.path(), &file)
            .with("XDG_RUNTIME_DIR", folder)
            .with("TMPDIR", home.path());
        let _closed = Closed::close(folder);
        at.create(None);
        let first = at.start_owner();
        assert_eq!(at.tell(&["contacts", "list"])["total"], json!(0));
        drop(first);
        std::fs::remove_file(&file).expect("the workspace");
    }
}

#[test]
fn a_home_in_which_nothing_can_be_written_keeps_nobody_from_work() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::of_a_common_user(home.path(), &home.path().join("cache/shop.carillon"));
    let list = home.path().join("people.csv");
    std::fs::write(&list, LIST).expect("a list");
    let _closed = Closed::close(&home.path().join("data"));
    at.create(None);
    for words in [
        &importing(&list)[..],
        &["run"],
        &["contacts", "list"],
        &["segments", "save", "A", "--where", "everyone"],
    ] {
        let output = at.on_file(words).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{words:?}");
    }
}
