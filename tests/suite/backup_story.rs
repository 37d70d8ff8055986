//! A copy put in the place of the workspace sends nothing by itself and forgets nobody's no.

use crate::post::{Sender, in_state, prepare, start_world, taken};
use crate::terminal::{Terminal, arg};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

fn is_suppressed(at: &Terminal<'_>, email: &str) -> bool {
    at.tell(&["suppressions", "check", email])["suppressed"] == json!(true)
}

#[test]
fn a_restored_outbox_is_frozen_until_somebody_decides_and_later_opt_outs_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.carillon");
    let at = Terminal::at_home(folder.path(), &file);
    let log = folder.path().join("truth.jsonl");
    let (_world, port) = start_world(&at, &log, 0);
    let people = prepare(
        &at,
        folder.path(),
        &Sender {
            port,
            sessions: 4,
            per_minute: 1_000,
            start: Some("2026-03-02T08:00:00Z"),
            letters: 10,
            login: None,
        },
    );
    assert_eq!(in_state(&at, "queued"), 10);

    let copy = folder.path().join("copy.carillon");
    let made = at.tell(&["backup", arg(&copy)]);
    assert_eq!(
        made["bytes"],
        json!(std::fs::metadata(&copy).expect("the copy").len())
    );
    let refused = at.refusal(&["backup", arg(&copy)]);
    assert!(refused.contains(arg(&copy)), "{refused}");

    // What happens after the copy: two say no, one is new, and all the letters leave.
    at.tell(&["suppressions", "add", &people[0]]);
    at.tell(&["consent", "add", &people[1], "--withdraw", "--source", "a call"]);
    at.tell(&["suppressions", "add", "stranger@example.org"]);
    at.tell(&["outbox", "resume"]);
    assert_eq!(at.tell(&["run", "--for", "60"])["accepted"], json!(8));
    assert_eq!(taken(&log), people[2..]);

    let done = at.tell(&["restore", arg(&copy)]);
    assert_eq!(
        (&done["frozen"], &done["merged"]),
        (&json!(10), &json!(3)),
        "{done}"
    );
    assert!(
        done["replaced"]
            .as_str()
            .is_some_and(|path| Path::new(path).is_file()),
        "{done}"
    );
    assert_eq!(in_state(&at, "frozen"), 10);
    assert!(is_suppressed(&at, &people[0]) && is_suppressed(&at, "stranger@example.org"));
    assert_eq!(
        at.tell(&["segments", "count", "--where", "consent email marketing"])["count"],
        json!(8)
    );

    // Nothing at all leaves before somebody says so, and why is said.
    let summary = &at.tell(&["outbox", "list"])["summary"];
    assert_eq!(
        (&summary["closed"], &summary["sending"]["paused"]),
        (&json!("restored"), &json!(true)),
        "{summary}"
    );
    // Neither time nor a resumed outbox moves what is frozen.
    at.tell(&["outbox", "resume"]);
    assert_ne!(
        at.tell(&["outbox", "list"])["summary"]["closed"],
        json!("restored")
    );
    let ran = at.tell(&["run", "--for", "864000"]);
    assert_eq!(
        (&ran["accepted"], in_state(&at, "frozen")),
        (&json!(0), 10),
        "{ran}"
    );
    assert_eq!(taken(&log).len(), 8);

    // Somebody knows that seven were sent, and that three were not; of those, two said no meanwhile.
    let rows = at.tell(&["outbox", "list", "--state", "frozen"]);
    let unsent: BTreeSet<&str> = [&people[0], &people[1], &people[9]].map(String::as_str).into();
    let ids: Vec<String> = rows["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| unsent.contains(row["to"].as_str().unwrap_or_default()))
        .map(|row| row["id"].to_string())
        .collect();
    let mut words = vec!["outbox", "resolve", "--state", "frozen", "--as", "not_sent"];
    words.extend(ids.iter().flat_map(|id| ["--id", id.as_str()]));
    assert_eq!(at.tell(&words)["changed"], json!(3));
    assert_eq!(
        at.tell(&["outbox", "resolve", "--state", "frozen", "--as", "sent"])["changed"],
        json!(7)
    );
    let ran = at.tell(&["run", "--for", "60"]);
    assert_eq!(ran["accepted"], json!(1), "{ran}");
    let mut expected = people[2..].to_vec();
    expected.push(people[9].clone());
    expected.sort();
    assert_eq!(taken(&log), expected);
    assert_eq!(in_state(&at, "suppressed"), 2);
    assert_eq!(in_state(&at, "frozen"), 0);
}

#[test]
fn what_is_no_sound_copy_is_refused_and_the_workspace_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = Terminal::at_home(folder.path(), &folder.path().join("shop.carillon"));
    at.create(Some("2026-03-02T08:00:00Z"));
    at.tell(&["suppressions", "add", "no@example.com"]);
    let copy = folder.path().join("copy.carillon");
    at.tell(&["backup", arg(&copy)]);
    let bytes = std::fs::read(&copy).expect("the copy");

    let text = folder.path().join("text.carillon");
    std::fs::write(&text, "This is a letter, not a workspace.").expect("a file");
    let cut = folder.path().join("cut.carillon");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("a file");
    let none = folder.path().join("none.carillon");
    for bad in [&text, &cut, &none] {
        let refused = at.refusal(&["restore", arg(bad)]);
        assert!(
            !refused.contains("panicked") && refused.ends_with('.'),
            "{refused}"
        );
        assert!(is_suppressed(&at, "no@example.com"), "after {}", bad.display());
    }
}
