//! A mail server of our own, and a workspace with ten letters for it.

use crate::terminal::{Terminal, arg};
use carillon_xtask::children::Leashed;
use carillon_xtask::truth;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

const TEMPLATE: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ first_name }}, {{ postal_address }} \
{{ unsubscribe_line }}</mj-text></mj-column></mj-section></mj-body></mjml>";

/// A mail server that remembers what it took and answers each dot so late, and its port.
pub fn start_world(at: &Terminal<'_>, truth: &Path, delay_ms: u32) -> (Leashed, u16) {
    start_world_that(at, truth, &["--delay-ms", &delay_ms.to_string()])
}

/// As [`start_world`], with more words to it.
pub fn start_world_that(at: &Terminal<'_>, truth: &Path, words: &[&str]) -> (Leashed, u16) {
    let mut command = at.program();
    command
        .args(["world", "serve", "--port", "0", "--truth", arg(truth)])
        .args(words)
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
pub fn taken(truth: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(truth).unwrap_or_default();
    let mut all: Vec<String> = truth::read_log(&text)
        .expect("a log")
        .into_iter()
        .map(|record| record.to)
        .collect();
    all.sort();
    all
}

/// What the sender is like.
pub struct Sender<'a> {
    pub port: u16,
    pub sessions: u16,
    /// Messages a minute.
    pub per_minute: u32,
    /// As for [`Terminal::create`].
    pub start: Option<&'a str>,
    /// How many letters it has to send.
    pub letters: usize,
    /// Who logs in, and with which password, which is kept in a file.
    pub login: Option<(&'a str, &'a str)>,
}

impl Sender<'static> {
    /// One on the machine's clock that nobody has to log in to.
    pub fn now(port: u16, sessions: u16, letters: usize) -> Sender<'static> {
        Sender {
            port,
            sessions,
            per_minute: 1_000,
            start: None,
            letters,
            login: None,
        }
    }
}

/// How many letters are in a state.
pub fn in_state(at: &Terminal<'_>, state: &str) -> u64 {
    at.tell(&["outbox", "list", "--state", state])["total"]
        .as_u64()
        .expect("a number")
}

/// A workspace whose journey has decided letters that are held because sending is paused: to whom.
pub fn prepare(at: &Terminal<'_>, folder: &Path, sender: &Sender<'_>) -> Vec<String> {
    let people: Vec<String> = (0..sender.letters)
        .map(|n| format!("person{n}@example.com"))
        .collect();
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

    at.create(sender.start);
    at.tell(&["settings", "set", "--postal-address", "1 Long Lane, Bonn"]);
    add_account(at, sender);
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
    at.tell(&["run", "--until-idle"]);
    people
}

fn add_account(at: &Terminal<'_>, sender: &Sender<'_>) {
    let (port, per_minute, sessions) = (
        sender.port.to_string(),
        sender.per_minute.to_string(),
        sender.sessions.to_string(),
    );
    let words = [
        ["accounts", "add-smtp"],
        ["World", "--host"],
        ["127.0.0.1", "--port"],
        [&port, "--tls"],
        ["none", "--from-email"],
        ["studio@example.com", "--per-minute"],
        [&per_minute, "--sessions"],
    ];
    let words = [words.concat(), vec![&sessions]].concat();
    match sender.login {
        None => at.tell(&words),
        Some((user, password)) => {
            let login = ["--user", user, "--passphrase-file"];
            at.tell_secret(&[&words[..], &login].concat(), password)
        }
    };
}
