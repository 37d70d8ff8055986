//! A copy put in the place of the workspace sends nothing by itself and forgets nobody's no.

use crate::terminal::{Terminal, arg};
use carillon_xtask::children::Leashed;
use carillon_xtask::truth;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

const TEMPLATE: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ first_name }}, {{ postal_address }} \
{{ unsubscribe_line }}</mj-text></mj-column></mj-section></mj-body></mjml>";

/// A mail server that remembers what it took, and its port.
fn start_world(at: &Terminal<'_>, truth: &Path) -> (Leashed, u16) {
    let mut command = at.program();
    command
        .args(["world", "--port", "0", "--truth", arg(truth)])
        .stdout(Stdio::piped());
    let mut world = Leashed::spawn(&mut command).unwrap_or_else(|why| panic!("{why}"));
    let mut line = String::new();
    let out = world.child().stdout.take().expect("a pipe");
    BufReader::new(out).read_line(&mut line).expect("its port");
    let said: Value = serde_json::from_str(&line).expect("JSON");
    let port = said["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    (world, port.expect("a port"))
}

/// To whom the server took letters, in order of address.
fn taken(truth: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(truth).unwrap_or_default();
    let mut all: Vec<String> = truth::read_log(&text)
        .expect("a log")
        .into_iter()
        .map(|record| record.to)
        .collect();
    all.sort();
    all
}

/// A workspace whose journey has decided ten letters that are held because sending is paused.
fn prepare(at: &Terminal<'_>, folder: &Path, port: u16) -> Vec<String> {
    let people: Vec<String> = (0..10).map(|n| format!("person{n}@example.com")).collect();
    let csv = folder.join("people.csv");
    let rows: String = people
        .iter()
        .enumerate()
        .map(|(n, email)| format!("{email},Person {n}\n"))
        .collect();
    std::fs::write(&csv, format!("email,first_name\n{rows}")).expect("a list");
    let template = folder.join("hello.mjml");
    std::fs::write(&template, TEMPLATE).expect("a template");
    let journey = folder.join("hello.json");
    let drawn = json!({
        "format": "carillon/journey/1",
        "name": "Hello",
        "steps": [
            { "id": "s1", "kind": "entry_segment", "next": { "next": "s2" },
              "settings": { "segment": "All", "on": "entered", "include_current": true } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Hello" }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    std::fs::write(&journey, drawn.to_string()).expect("a journey");

    at.create(Some("2026-03-02T08:00:00Z"));
    at.tell(&["settings", "set", "--postal-address", "1 Long Lane, Bonn"]);
    let port = port.to_string();
    at.tell(&[
        "accounts",
        "add-smtp",
        "World",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--tls",
        "none",
        "--from-email",
        "studio@example.com",
    ]);
    at.tell(&[
        "contacts",
        "import",
        arg(&csv),
        "--basis",
        "consent",
        "--source",
        "a fair",
    ]);
    at.tell(&["segments", "save", "All", "--where", "everyone"]);
    at.tell(&[
        "templates",
        "import",
        arg(&template),
        "--name",
        "Hello",
        "--subject",
        "Hello {{ first_name }}",
    ]);
    at.tell(&["journeys", "import", arg(&journey)]);
    at.tell(&["outbox", "pause"]);
    at.tell(&["journeys", "publish", "Hello"]);
    at.tell(&["run", "--for", "60"]);
    people
}

fn in_state(at: &Terminal<'_>, state: &str) -> Value {
    at.tell(&["outbox", "list", "--state", state])["total"].clone()
}

fn is_suppressed(at: &Terminal<'_>, email: &str) -> bool {
    at.tell(&["suppressions", "check", email])["suppressed"] == json!(true)
}

#[test]
fn a_restored_outbox_is_frozen_until_somebody_decides_and_later_opt_outs_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.carillon");
    let at = Terminal::at_home(folder.path(), &file);
    let log = folder.path().join("truth.jsonl");
    let (_world, port) = start_world(&at, &log);
    let people = prepare(&at, folder.path(), port);
    assert_eq!(in_state(&at, "queued"), json!(10));

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
    assert_eq!(in_state(&at, "frozen"), json!(10));
    assert!(is_suppressed(&at, &people[0]) && is_suppressed(&at, "stranger@example.org"));
    assert_eq!(
        at.tell(&["segments", "count", "--where", "consent email marketing"])["count"],
        json!(8)
    );

    // Neither time nor a resumed outbox moves what is frozen.
    at.tell(&["outbox", "resume"]);
    let ran = at.tell(&["run", "--for", "864000"]);
    assert_eq!(
        (&ran["accepted"], in_state(&at, "frozen")),
        (&json!(0), json!(10)),
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
    assert_eq!(in_state(&at, "suppressed"), json!(2));
    assert_eq!(in_state(&at, "frozen"), json!(0));
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
