//! The real servers behind the mail stories work: proved with a plain sender and a plain reader, without Carillon.

use carillon_tests::servers::{Keyring, Mail, Sender};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

fn letter(to: &str, subject: &str) -> String {
    format!(
        "From: Studio <studio@example.com>\nTo: {to}\nSubject: {subject}\nMessage-ID: <{subject}@example.com>\n\nHello {to}\n.a line with a dot\n"
    )
}

#[test]
fn what_is_submitted_under_starttls_and_auth_arrives_once_and_whole() {
    let mail = Mail::start().unwrap_or_else(|why| panic!("{why}"));
    let mut sender = Sender::sign_in(&mail.submission()).expect("signed in");
    for (to, subject) in [
        ("ada@example.com", "one"),
        ("grace+list@example.org", "two"),
        ("ada@example.com", "three"),
    ] {
        sender
            .send("studio@example.com", to, &letter(to, subject))
            .expect("taken");
    }
    let letters = mail.wait_for(3, PATIENCE).unwrap_or_else(|why| panic!("{why}"));
    let mut seen: Vec<(String, String)> = letters
        .iter()
        .map(|l| (l.delivered_to().unwrap_or_default(), l.subject()))
        .collect();
    seen.sort();
    let expected = [
        ("ada@example.com", "one"),
        ("ada@example.com", "three"),
        ("grace+list@example.org", "two"),
    ];
    assert_eq!(
        seen,
        expected.map(|(to, subject)| (to.to_string(), subject.to_string()))
    );
    let first = letters
        .iter()
        .find(|l| l.subject() == "one")
        .expect("the first letter");
    assert_eq!(first.message_id().as_deref(), Some("one@example.com"));
    assert!(first.text().contains("\n.a line with a dot"), "{}", first.text());
}

#[test]
fn the_server_refuses_strangers_wrong_passwords_and_people_it_does_not_know() {
    let mail = Mail::start().unwrap_or_else(|why| panic!("{why}"));
    let account = mail.submission();
    let mut wrong = account.clone();
    wrong.password.push('x');
    let refused = Sender::sign_in(&wrong).err().expect("a wrong password");
    assert!(refused.starts_with("535"), "{refused}");

    let mut stranger = Sender::upgraded(&account).expect("a session");
    let refused = stranger
        .send("a@example.com", "b@example.com", "Subject: x\n\nx\n")
        .expect_err("no relay");
    assert!(
        refused.starts_with("554") || refused.starts_with("530"),
        "{refused}"
    );

    let mut sender = Sender::sign_in(&account).expect("signed in");
    for (to, code) in [
        ("nouser7@example.com", "550 5.1.1"),
        ("full@example.com", "452 4.2.2"),
        ("spam@example.com", "550 5.7.1"),
    ] {
        let refused = sender
            .send("studio@example.com", to, &letter(to, "no"))
            .expect_err("refused");
        assert!(refused.starts_with(code), "{refused}");
    }
    sender
        .send(
            "studio@example.com",
            "ada@example.com",
            &letter("ada@example.com", "yes"),
        )
        .expect("taken");
    let letters = mail.wait_for(1, PATIENCE).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(letters[0].subject(), "yes");
}

#[test]
fn waiting_for_mail_tells_a_missing_and_a_surplus_letter() {
    let mail = Mail::start().unwrap_or_else(|why| panic!("{why}"));
    let mut sender = Sender::sign_in(&mail.submission()).expect("signed in");
    sender
        .send(
            "studio@example.com",
            "ada@example.com",
            &letter("ada@example.com", "one"),
        )
        .expect("taken");
    mail.wait_for(1, PATIENCE).unwrap_or_else(|why| panic!("{why}"));
    let missing = mail
        .wait_for(2, Duration::from_millis(300))
        .expect_err("one is missing");
    assert!(missing.starts_with("1 of 2"), "{missing}");
    assert!(mail.wait_for(0, PATIENCE).is_err());
}

#[test]
fn several_mail_servers_run_side_by_side() {
    let (one, other) = (
        Mail::start().unwrap_or_else(|w| panic!("{w}")),
        Mail::start().unwrap_or_else(|w| panic!("{w}")),
    );
    let mut sender = Sender::sign_in(&one.submission()).expect("signed in");
    sender
        .send(
            "studio@example.com",
            "ada@example.com",
            &letter("ada@example.com", "one"),
        )
        .expect("taken");
    one.wait_for(1, PATIENCE).unwrap_or_else(|why| panic!("{why}"));
    other.wait_for(0, PATIENCE).unwrap_or_else(|why| panic!("{why}"));
    // Its ports are free again once a server has ended.
    let port = one.submission().port;
    drop(one);
    std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
}

#[test]
fn a_private_keyring_keeps_a_secret_for_child_processes() {
    let keyring = Keyring::start().unwrap_or_else(|why| panic!("{why}"));
    let attribute = |command: &mut Command| {
        command.args(["service", "carillon-story", "account", "ada"]);
    };
    let mut store = keyring.command("secret-tool");
    store.args(["store", "--label=story"]).stdin(Stdio::piped());
    attribute(&mut store);
    let mut child = store.spawn().expect("secret-tool");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"open sesame")
        .expect("written");
    assert!(child.wait().expect("its end").success());
    let mut lookup = keyring.command("secret-tool");
    lookup.arg("lookup");
    attribute(&mut lookup);
    let output = lookup.output().expect("secret-tool");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "open sesame");
    assert!(
        keyring.home().join("data/keyrings").is_dir(),
        "the secret is not in the private home"
    );
}

#[test]
fn a_bus_without_a_keyring_keeps_no_secret() {
    let bus = Keyring::bus_only().unwrap_or_else(|why| panic!("{why}"));
    let output = bus
        .command("secret-tool")
        .args(["lookup", "service", "carillon-story", "account", "ada"])
        .output()
        .expect("secret-tool");
    assert!(!output.status.success());
}
