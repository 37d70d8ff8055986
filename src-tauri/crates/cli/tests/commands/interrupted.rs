//! Ctrl+C, signals, and several programs on one file.

use crate::terminal::{Terminal, plain};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What is waited for comes; a program that hangs must not hang the tests.
const PATIENCE: Duration = Duration::from_secs(180);
const PEOPLE: usize = 150_000;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "it did not come: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn with_list() -> Terminal {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    let people: String = (0..PEOPLE)
        .map(|n| format!("p{n}@example.com,City {}\n", n % 100))
        .collect();
    at.write("list.csv", format!("email,city\n{people}"));
    at
}

const IMPORT: [&str; 7] = [
    "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
];

fn imported(at: &Terminal) -> Value {
    at.json(&["contacts", "imports"])[0].clone()
}

#[test]
fn an_import_that_is_broken_off_keeps_what_was_committed_and_goes_on_when_told() {
    let at = with_list();
    let running = at.start(&IMPORT);
    until("the import writes", || {
        at.owner("a.carillon") == Some(u64::from(running.id()))
            && imported(&at)["counts"]["new"].as_u64().is_some_and(|n| n > 0)
    });
    running.signal("INT");
    let said = running.end();
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
    plain(&said.err);
    assert!(
        said.err.contains("Stopped as you asked") && said.err.contains("is kept"),
        "{}",
        said.err
    );

    let on = said
        .err
        .trim()
        .rsplit("carillon contacts import ")
        .next()
        .unwrap();
    assert_eq!(on, "\"list.csv\" --resume 1", "{}", said.err);

    let there = at.json(&["contacts", "list"])["total"].as_u64().unwrap();
    assert!(there > 0 && there < PEOPLE as u64, "{there}");
    let id = imported(&at)["id"].to_string();
    at.json(&[&IMPORT[..], &["--resume", &id]].concat());
    assert_eq!(at.json(&["contacts", "list"])["total"], json!(PEOPLE));
}

#[test]
fn a_run_ends_when_it_is_asked_to_by_either_signal() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    for signal in ["INT", "TERM"] {
        let running = at.start(&["run", "--for", "86400"]);
        until("it owns the file", || {
            at.owner("a.carillon") == Some(u64::from(running.id()))
        });
        at.json(&["contacts", "list"]);
        running.signal(signal);
        let said = running.end();
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
        assert!(said.err.contains("Stopped as you asked"), "{}", said.err);
        plain(&said.err);
    }
    at.json(&["contacts", "list"]);
}

#[test]
fn work_that_goes_through_another_program_is_finished_before_that_one_ends() {
    let at = with_list();
    let first = at.start(&["run", "--for", "86400"]);
    until("it owns the file", || {
        at.owner("a.carillon") == Some(u64::from(first.id()))
    });
    let second = at.start(&[&["--json"], &IMPORT[..]].concat());
    until("the import writes", || {
        imported(&at)["counts"]["new"].as_u64().is_some_and(|n| n > 0)
    });
    first.signal("INT");
    let said = second.end();
    assert_eq!(said.code, Some(0), "{}", said.err);
    let done: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(done["counts"]["new"], json!(PEOPLE));
    let said = first.end();
    assert!(said.err.contains("Stopped as you asked"), "{}", said.err);
}

#[test]
fn many_programs_on_one_file_at_once_lose_nothing() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    at.write("list.csv", "email\nada@example.com\n");
    at.json(&IMPORT);
    let all: Vec<_> = (0..12)
        .map(|n| {
            let source = format!("call {n}");
            let words = [
                "consent",
                "add",
                "ada@example.com",
                "--basis",
                "consent",
                "--source",
            ];
            at.start(&[&words[..], &[&source]].concat())
        })
        .collect();
    for one in all {
        let said = one.end();
        assert_eq!(said.code, Some(0), "{}", said.err);
    }
    let ledger = at.json(&["consent", "show", "ada@example.com"]);
    assert_eq!(ledger.as_array().unwrap().len(), 13, "{ledger}");
}
