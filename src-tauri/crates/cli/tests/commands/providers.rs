//! A provider from the command line: a run that is killed between the request and its answer, and a provider that
//! cannot be read. The server is the one the program's own tests are written with.

use crate::terminal::{Running, Said, Terminal};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "the program's own tests need more of it")]
#[path = "../../../app/tests/sending/postmark.rs"]
mod postmark;

use postmark::{Postmark, TOKEN};

/// A client with contacts, whose journey writes to them through Postmark.
struct Client {
    at: Terminal,
    server: Postmark,
    _runtime: tokio::runtime::Runtime,
}

impl Client {
    fn new(contacts: usize) -> Client {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (server, host) = runtime.block_on(Postmark::start());
        let client = Client {
            at: Terminal::new(),
            server,
            _runtime: runtime,
        };
        client.done(&["workspaces", "create", "client.carillon"]);
        client.done(&[
            "settings",
            "set",
            "--organisation",
            "Ember & Oak",
            "--postal-address",
            "1 Mill Lane, Bath",
        ]);
        let added = client.with_input(
            &[
                "providers",
                "add",
                "Postmark",
                "--kind",
                "postmark",
                "--host",
                &host,
                "--passphrase-file",
            ],
            TOKEN,
        );
        assert_eq!(added.code, Some(0), "{}", added.err);
        client.done(&[
            "accounts",
            "add-api",
            "Api",
            "--provider",
            "Postmark",
            "--from-email",
            "hello@ember.example",
        ]);
        let rows: String = (1..=contacts).map(|n| format!("c{n}@example.com\n")).collect();
        client.at.write("list.csv", format!("email\n{rows}"));
        client.done(&[
            "contacts", "import", "list.csv", "--basis", "consent", "--source", "Fair",
        ]);
        let body = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ postal_address }} {{ unsubscribe_line }}</mj-text></mj-column></mj-section></mj-body></mjml>";
        client.at.write("hello.mjml", body);
        client.done(&[
            "templates",
            "import",
            "hello.mjml",
            "--name",
            "Hello",
            "--subject",
            "Hello",
        ]);
        client.done(&["segments", "save", "All", "--where", "everyone"]);
        let drawn = json!({
            "format": "carillon/journey/1", "name": "Hello",
            "steps": [
                { "id": "s1", "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true }, "next": { "next": "s2" } },
                { "id": "s2", "kind": "send_email", "settings": { "template": "Hello" }, "next": { "next": "s3" } },
                { "id": "s3", "kind": "exit" },
            ],
        });
        client.at.write("hello.json", drawn.to_string());
        client.done(&["journeys", "import", "hello.json"]);
        client.done(&["journeys", "publish", "Hello"]);
        client
    }

    /// As a user has it: nothing keeps the program from the world but its own rules.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.at.command(words);
        command
            .env("CARILLON_PASSPHRASE", "four words nobody knows")
            .env_remove("CARILLON_LOOPBACK_ONLY");
        command
    }

    fn with_input(&self, words: &[&str], input: &str) -> Said {
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Running::of(child).end()
    }

    fn done(&self, words: &[&str]) -> String {
        let out = self.command(words).output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{words:?}: {err}");
        String::from_utf8(out.stdout).unwrap()
    }

    fn asked(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[&["--json"], words].concat())).unwrap()
    }

    fn in_state(&self, state: &str) -> usize {
        let page = self.asked(&["outbox", "list", "--state", state]);
        page["rows"].as_array().map_or(0, Vec::len)
    }
}

#[test]
fn a_message_whose_run_was_killed_before_the_answer_is_unknown_then_found_in_the_record_and_never_sent_twice()
{
    let client = Client::new(1);
    client.server.said.lock().unwrap().holds = Some("c1@example.com".into());
    let mut running = Running::of(
        client
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let begun = Instant::now();
    while client.server.reached().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing was sent");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.child().kill().unwrap();
    running.child().wait().unwrap();
    client.server.said.lock().unwrap().holds = None;
    // Opened without asking anybody: what was in flight is in doubt.
    assert_eq!(client.in_state("unknown"), 1);
    client.done(&["mailboxes", "read-now"]);
    assert_eq!((client.in_state("unknown"), client.in_state("accepted")), (0, 1));
    client.done(&["run"]);
    assert_eq!(client.server.reached(), ["c1@example.com"]);
}

#[test]
fn while_the_provider_cannot_be_read_no_marketing_leaves_and_then_it_goes_on() {
    let client = Client::new(2);
    client.server.said.lock().unwrap().deaf = true;
    client.done(&["run"]);
    assert_eq!(client.server.reached(), Vec::<String>::new());
    assert_eq!(client.in_state("queued"), 2);
    let listed = client.asked(&["providers", "list"]);
    assert!(
        listed[0]["trouble"].is_string() && listed[0]["read_at"].is_null(),
        "{listed}"
    );
    client.server.said.lock().unwrap().deaf = false;
    let tested = client.done(&["providers", "test", "Postmark"]);
    assert!(tested.starts_with("Postmark takes the key."), "{tested}");
    client.done(&["run"]);
    assert_eq!(client.server.reached().len(), 2);
    assert_eq!(client.in_state("accepted"), 2);
}
