//! What the sender does when its server or its letters go away under it.

use crate::post::{Sender, in_state, prepare, start_world, taken};
use crate::terminal::{Terminal, until};
use carillon_xtask::children::Leashed;
use serde_json::json;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

/// A server that hangs up on everybody and counts them.
fn hangs_up() -> (u16, Arc<AtomicUsize>) {
    let door = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = door.local_addr().expect("an address").port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    std::thread::spawn(move || {
        for call in door.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(call);
        }
    });
    (port, calls)
}

#[test]
fn a_server_that_is_down_is_left_alone_for_a_while_and_asked_at_once_when_somebody_wants_it() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shop.carillon"));
    let (port, calls) = hangs_up();
    prepare(&at, home.path(), &Sender::now(port, 2, 10));
    at.tell(&["outbox", "resume"]);

    let ran = at.tell(&["run", "--for", "3"]);
    let first = calls.load(Ordering::SeqCst);
    assert!((1..=2).contains(&first), "one try a session, not {first}");
    assert!(
        ran["troubles"][0]
            .as_str()
            .is_some_and(|why| why.contains("World")),
        "{ran}"
    );
    assert_eq!(in_state(&at, "queued") + in_state(&at, "deferred"), 10);

    at.tell(&["run", "--until-idle"]);
    assert!(
        calls.load(Ordering::SeqCst) > first,
        "a run that somebody asks for tries again"
    );
}

#[test]
fn a_letter_whose_contact_is_erased_on_its_way_is_not_sent_and_stops_no_other() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shop.carillon"));
    let truth = home.path().join("truth.jsonl");
    let (_world, port) = start_world(&at, &truth, 400);
    let people = prepare(&at, home.path(), &Sender::now(port, 1, 10));
    at.tell(&["outbox", "resume"]);

    let mut command = at.on_file(&["run", "--until-idle"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut sender = Leashed::spawn(&mut command).unwrap_or_else(|why| panic!("{why}"));
    until("something is sent", || !taken(&truth).is_empty());
    // All ten are claimed, one or two are done; the last one goes now.
    let last = people.last().expect("ten people");
    at.tell(&["contacts", "delete", last]);
    let ended = sender.wait_for(PATIENCE);
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");

    let mut wanted = people[..9].to_vec();
    wanted.sort();
    assert_eq!(taken(&truth), wanted);
    assert_eq!((in_state(&at, "accepted"), in_state(&at, "cancelled")), (9, 1));
    assert_eq!(at.tell(&["contacts", "list"])["total"], json!(9));
}

#[test]
fn a_limit_that_is_used_up_lets_the_account_rest_and_the_letters_wait() {
    let home = tempfile::tempdir().expect("a home");
    let at = Terminal::at_home(home.path(), &home.path().join("shop.carillon"));
    let truth = home.path().join("truth.jsonl");
    let (_world, port) = start_world(&at, &truth, 0);
    let few = Sender {
        per_minute: 4,
        ..Sender::now(port, 2, 10)
    };
    prepare(&at, home.path(), &few);
    at.tell(&["outbox", "resume"]);

    let ran = at.tell(&["run", "--until-idle"]);
    assert_eq!(taken(&truth).len(), 4);
    assert!(
        ran["troubles"][0]
            .as_str()
            .is_some_and(|why| why.contains("limit is used up")),
        "{ran}"
    );
    assert_eq!((in_state(&at, "accepted"), in_state(&at, "queued")), (4, 6));
    assert_eq!(ran["accepted"], json!(4));
    let again = at.tell(&["run", "--until-idle"]);
    assert_eq!(
        again["accepted"],
        json!(0),
        "nobody's limit is free by asking again"
    );
}
