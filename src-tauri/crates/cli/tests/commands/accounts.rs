//! Sender accounts from a terminal, on a machine without a keychain.

use crate::terminal::{Said, Terminal};
use serde_json::json;
use std::io::Write;
use std::process::Stdio;

/// Runs with a secret on standard input, as a pipe hands it over.
fn told(at: &Terminal, words: &[&str], secret: &str) -> Said {
    let mut child = at
        .command(words)
        .env("CARILLON_PASSPHRASE", "eleven owls over oslo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const FILE: [&str; 2] = ["-w", "a.carillon"];

#[test]
fn a_password_is_changed_the_file_of_passwords_is_unlocked_and_an_account_is_switched_off_and_on() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon", "--clock", "virtual"]);
    let on = |words: &[&'static str]| [FILE.as_slice(), words].concat();
    let add = on(&[
        "accounts",
        "add-smtp",
        "Shop",
        "--host",
        "127.0.0.1",
        "--user",
        "shop@example.com",
        "--passphrase-file",
    ]);
    let said = told(&at, &add, "first secret\n");
    assert_eq!(said.code, Some(0), "{}", said.err);

    let said = told(
        &at,
        &on(&["accounts", "password", "Shop", "--passphrase-file"]),
        "second secret\n",
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("new password"), "{}", said.out);
    let said = told(
        &at,
        &on(&["accounts", "password", "Shop", "--passphrase-file"]),
        "",
    );
    assert_eq!(said.code, Some(1), "an empty password was kept: {}", said.out);

    let said = told(&at, &on(&["accounts", "unlock"]), "eleven owls over oslo\n");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = told(&at, &on(&["accounts", "unlock"]), "twelve owls\n");
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(!said.err.contains("twelve owls"), "{}", said.err);

    for (verb, off) in [("off", true), ("on", false)] {
        at.text(&on(&["accounts", verb, "Shop"]));
        assert_eq!(at.json(&on(&["accounts", "list"]))[0]["off"], json!(off));
    }
    assert_eq!(
        at.json(&on(&["accounts", "list"]))[0]["secret"],
        json!("passphrase_file")
    );
}

#[test]
fn a_signing_key_is_made_its_record_printed_and_nothing_signed_before_somebody_says_so() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon", "--clock", "virtual"]);
    let on = |words: &[&'static str]| [FILE.as_slice(), words].concat();
    at.text(&on(&[
        "accounts",
        "add-smtp",
        "Shop",
        "--host",
        "127.0.0.1",
        "--tls",
        "none",
        "--from-email",
        "shop@ember.example",
    ]));
    let make = |domain| {
        let key = [
            "accounts",
            "dkim-make",
            "Shop",
            "--domain",
            domain,
            "--passphrase-file",
        ];
        told(&at, &on(&key), "")
    };
    let signs = || at.json(&on(&["accounts", "list"]))[0]["dkim"]["on"].clone();

    let said = told(&at, &on(&["accounts", "dkim-on", "Shop"]), "");
    assert_eq!(said.code, Some(1), "signs without a key: {}", said.out);
    let said = make("other.example");
    assert_eq!(said.code, Some(1), "signs for others: {}", said.out);

    let said = make("ember.example");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let record = "carillon._domainkey.ember.example TXT v=DKIM1; k=rsa; p=";
    assert!(said.out.contains(record), "{}", said.out);
    assert!(!said.out.contains("PRIVATE"), "{}", said.out);
    assert_eq!(signs(), json!(false));
    for (verb, switched) in [("dkim-on", true), ("dkim-off", false)] {
        // Whether the key can be had is asked before messages are promised to be signed.
        let said = told(&at, &on(&["accounts", verb, "Shop"]), "");
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert_eq!(signs(), json!(switched));
    }
}
