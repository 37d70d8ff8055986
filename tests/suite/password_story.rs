//! A password that the mail server does not take: who is to be helped is named, nothing is lost, and letters leave as soon as
//! it is right.

use crate::post::{Sender, in_state, prepare, start_world_that, taken};
use crate::terminal::{Terminal, until};
use serde_json::json;

const LETTERS: usize = 12;
const RIGHT: &str = "a right secret";

#[test]
fn a_wrong_password_names_the_account_and_the_remedy_and_with_the_right_one_each_letter_leaves_once() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shop.carillon"))
        .with("CARILLON_PASSPHRASE", "eleven owls over oslo");
    let truth = home.path().join("truth.jsonl");
    let (_world, port) = start_world_that(&at, &truth, &["--user", "ada", "--password", RIGHT]);
    let mut people = prepare(
        &at,
        home.path(),
        &Sender {
            login: Some(("ada", "no such secret")),
            ..Sender::now(port, 3, LETTERS)
        },
    );
    at.tell(&["outbox", "resume"]);

    let tested = at.refusal(&["accounts", "test", "World", "--to", "me@example.com"]);
    let ran = at.tell(&["run", "--until-idle"]);
    let trouble = ran["troubles"][0].as_str().expect("a trouble").to_owned();
    for said in [&tested, &trouble] {
        assert!(
            said.contains("refused the user name or the password")
                && said.contains("carillon accounts password"),
            "{said}"
        );
        assert!(!said.contains("no such secret"), "{said}");
    }
    assert!(trouble.starts_with("World: "), "{trouble}");
    assert_eq!((&ran["accepted"], taken(&truth).len()), (&json!(0), 0), "{ran}");
    assert_eq!(in_state(&at, "queued"), LETTERS as u64);

    // Somebody else mends it while a program runs that had no luck.
    let mut running = at.start_owner();
    at.tell_secret(&["accounts", "password", "World", "--passphrase-file"], RIGHT);
    until("all letters leave", || {
        in_state(&at, "accepted") == LETTERS as u64
    });
    running.kill();

    people.sort();
    assert_eq!(taken(&truth), people, "each once");
    let outbox = at.tell(&["outbox", "list"]);
    assert_eq!(outbox["summary"]["troubles"], json!([]), "{outbox}");
}
