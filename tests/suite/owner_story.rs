//! One file, one owner: other processes work through it, and say so plainly when it does not answer.

use crate::terminal::{Terminal, until};
use carillon_xtask::children::Leashed;
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

/// Whether somebody has a line to the owner: the system lists the listening socket and each accepted line by its path.
fn is_connected(at: &Terminal<'_>) -> bool {
    let sign = std::fs::read(format!("{}.lock", at.file().display())).expect("a side file");
    let sign: serde_json::Value = serde_json::from_slice(&sign).expect("a sign");
    let socket = sign["socket"].as_str().expect("a path");
    let all = std::fs::read_to_string("/proc/net/unix").expect("the sockets of the system");
    all.lines().filter(|line| line.ends_with(socket)).count() > 1
}

fn signal(name: &str, process: &Leashed) {
    let told = Command::new("sh")
        .args(["-c", &format!("kill -s {name} {}", process.id())])
        .status();
    assert!(told.is_ok_and(|status| status.success()), "no signal {name}");
}

/// What a program that has ended said on standard error.
fn complaint(process: &mut Leashed) -> String {
    let mut said = String::new();
    let errors = process.child().stderr.take().expect("a pipe");
    std::io::Read::read_to_string(&mut { errors }, &mut said).expect("what it said");
    said
}

#[test]
fn a_second_process_works_through_the_owner_and_a_stopped_owner_is_named_in_plain_words() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shared.carillon"));
    at.create(None);
    let people = home.path().join("people.csv");
    std::fs::write(
        &people,
        "email,city\nada@example.com,London\ngrace@example.org,New York\n",
    )
    .expect("a list");
    let mut first = at.start_owner();

    let words = [
        "contacts",
        "import",
        people.to_str().expect("a path"),
        "--basis",
        "consent",
        "--source",
        "a fair",
    ];
    assert_eq!(at.tell(&words)["counts"]["new"], json!(2));
    let found = at.tell(&["contacts", "list", "--where", "city is \"London\""]);
    assert_eq!(found["rows"][0]["email"], json!("ada@example.com"), "{found}");
    assert_eq!(at.owner(), Some(u64::from(first.id())), "the owner changed");
    let refused = at.refusal(&["restore", people.to_str().expect("a path")]);
    assert!(
        refused.contains(&format!("process {}", first.id())) && refused.contains("Nothing was changed"),
        "{refused}"
    );

    // One that has been let in waits for the end of a long run.
    let mut patient = at.on_file(&["run", "--for", "86400"]);
    patient.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut patient = Leashed::spawn(&mut patient).unwrap_or_else(|why| panic!("{why}"));
    until("it is let in", || is_connected(&at));

    signal("STOP", &first);
    let asked = Instant::now();
    let mut hasty = at.on_file(&["contacts", "list"]);
    hasty.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut hasty = Leashed::spawn(&mut hasty).unwrap_or_else(|why| panic!("{why}"));
    let refused = hasty.wait_for(PATIENCE);
    let waited = asked.elapsed();
    let given_up = patient.wait_for(PATIENCE);
    signal("CONT", &first);
    for (ended, process) in [(given_up, &mut patient), (refused, &mut hasty)] {
        assert_eq!(
            ended.and_then(|status| status.code()),
            Some(1),
            "it waits for ever"
        );
        let said = complaint(process);
        assert!(
            said.contains(&format!("process {}", first.id())) && said.contains("does not answer"),
            "{said}"
        );
    }
    assert!(
        waited >= Duration::from_secs(5),
        "an owner that is only slow deserves some patience: {waited:?}"
    );
    assert_eq!(
        at.tell(&["contacts", "list"])["total"],
        json!(2),
        "the owner goes on where it stood"
    );

    // An owner that is killed leaves the file to the next one.
    first.kill();
    assert_eq!(
        at.tell(&["segments", "count", "--where", "city is \"London\""])["count"],
        json!(1)
    );
    let mut second = at.start_owner();
    assert_eq!(at.tell(&["contacts", "list"])["total"], json!(2));
    // One that is asked to end does so politely and says that it is done.
    signal("INT", &second);
    assert!(second.wait_for(PATIENCE).is_some(), "it did not end");
    assert_eq!(at.tell(&["contacts", "list"])["total"], json!(2));
}
