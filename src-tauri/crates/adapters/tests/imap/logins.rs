//! Logging in, in every way a server may want it, and never with the secret in a failure.

use super::server::{Act, Server, say};
use super::{WORD, dialer, mailbox, open};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use carillon_adapters::Secret;
use carillon_adapters::mailbox::imap::{Imap, Options};
use carillon_adapters::oauth::preset;
use carillon_model::account::Tls;
use carillon_model::mailbox::Auth;
use carillon_model::message::{Failure, FailureClass};
use std::sync::{Arc, Mutex};

async fn guarded(
    capabilities: &'static str,
    answer: impl FnMut(&str, &str) -> Act + Send + 'static,
) -> Server {
    let mut answer = answer;
    Server::start("* OK ready\r\n", move |tag, rest| match rest {
        "CAPABILITY" => say(&[
            &format!("* CAPABILITY IMAP4rev1 {capabilities}"),
            &format!("{tag} OK done"),
        ]),
        _ => answer(tag, rest),
    })
    .await
}

async fn with_token(port: u16) -> Result<Imap, Failure> {
    let mut here = mailbox(port, Tls::None);
    here.auth = Auth::OAuth {
        provider: preset("google").unwrap().provider("id"),
    };
    Imap::open(
        &here,
        &Secret::new("ya29.token".into()),
        &dialer(),
        &Options::default(),
    )
    .await
}

#[tokio::test]
async fn a_password_goes_by_plain_where_it_is_offered_with_or_without_a_round() {
    let wanted = BASE64_STANDARD.encode(format!("\0ada\0{WORD}"));
    for (capabilities, rounds) in [("AUTH=PLAIN SASL-IR", 0), ("AUTH=PLAIN", 1)] {
        let expected = wanted.clone();
        let mut open_tag = String::new();
        let server = guarded(capabilities, move |tag, rest| {
            if rest == "AUTHENTICATE PLAIN" {
                open_tag = tag.to_owned();
                return say(&["+ "]);
            }
            let (tag, said) = match rest.strip_prefix("AUTHENTICATE PLAIN ") {
                Some(said) => (tag, said),
                None => (open_tag.as_str(), rest),
            };
            let verdict = if said == expected {
                "OK in"
            } else {
                "NO [AUTHENTICATIONFAILED] no"
            };
            say(&[&format!("{tag} {verdict}")])
        })
        .await;
        open(server.port)
            .await
            .unwrap_or_else(|failure| panic!("{rounds}: {failure:?}"));
    }
}

#[tokio::test]
async fn a_password_that_fits_between_no_quotes_goes_as_a_literal() {
    let secret = "pässwörd \"x\"";
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (notes, mut open_tag) = (heard.clone(), String::new());
    let server = guarded("", move |tag, rest| {
        if rest.starts_with("LOGIN") {
            open_tag = tag.to_owned();
            notes.lock().unwrap().push(rest.to_owned());
            return say(&["+ go"]);
        }
        notes.lock().unwrap().push(format!("{tag} {rest}"));
        say(&[&format!("{open_tag} OK")])
    })
    .await;
    let here = mailbox(server.port, Tls::None);
    Imap::open(&here, &Secret::new(secret.into()), &dialer(), &Options::default())
        .await
        .unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(
        *heard,
        [format!("LOGIN \"ada\" {{{}}}", secret.len()), secret.to_owned()]
    );
}

#[tokio::test]
async fn a_refused_password_is_never_repeated() {
    let coded = BASE64_STANDARD.encode(WORD);
    let server = guarded("", move |tag, _| {
        say(&[&format!(
            "{tag} NO [AUTHENTICATIONFAILED] the word {WORD} ({coded}) is wrong"
        )])
    })
    .await;
    let failure = open(server.port).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Auth, "AUTHENTICATIONFAILED")
    );
    assert!(failure.detail.contains("***"), "{}", failure.detail);
    assert!(!failure.detail.contains(WORD) && !failure.detail.contains(&BASE64_STANDARD.encode(WORD)));
}

#[tokio::test]
async fn a_server_that_takes_no_password_says_what_it_takes() {
    let server = guarded("LOGINDISABLED AUTH=XOAUTH2 AUTH=GSSAPI", |_, _| Act::Silence).await;
    let failure = open(server.port).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "no_mechanism")
    );
    assert!(failure.detail.contains("GSSAPI, XOAUTH2"), "{}", failure.detail);
    let server = guarded("AUTH=PLAIN", |_, _| Act::Silence).await;
    assert_eq!(with_token(server.port).await.unwrap_err().code, "no_mechanism");
}

#[tokio::test]
async fn a_token_goes_by_xoauth2_and_a_refused_one_says_why_and_what_to_do() {
    let wanted = BASE64_STANDARD.encode("user=ada\u{1}auth=Bearer ya29.token\u{1}\u{1}");
    for capabilities in ["AUTH=XOAUTH2 SASL-IR", "AUTH=XOAUTH2"] {
        for good in [true, false] {
            let expected = wanted.clone();
            let mut open_tag = String::new();
            let server = guarded(capabilities, move |tag, rest| {
                let said = match rest.strip_prefix("AUTHENTICATE XOAUTH2") {
                    Some(rest) => {
                        open_tag = tag.to_owned();
                        rest.trim_start()
                    }
                    None if rest.is_empty() => {
                        return say(&[&format!("{open_tag} NO SASL authentication failed")]);
                    }
                    None => rest,
                };
                if said.is_empty() {
                    return say(&["+ "]);
                }
                assert_eq!(said, expected);
                match good {
                    true => say(&[&format!("{open_tag} OK in")]),
                    false => {
                        let why = r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#;
                        say(&[&format!("+ {}", BASE64_STANDARD.encode(why))])
                    }
                }
            })
            .await;
            let outcome = with_token(server.port).await;
            if good {
                outcome.unwrap();
                continue;
            }
            let failure = outcome.unwrap_err();
            assert_eq!(failure.class, FailureClass::Auth);
            assert!(
                failure.detail.contains("status 401") && failure.detail.contains("Sign in again"),
                "{failure:?}"
            );
            assert!(!failure.detail.contains("ya29"));
        }
    }
}

#[tokio::test]
async fn without_a_password_or_with_one_that_would_end_the_line_nothing_is_sent() {
    for (word, code) in [
        ("", "no_password"),
        ("a\r\nc9 LOGOUT", "password"),
        ("a\0b", "password"),
    ] {
        let server = guarded("", |_, _| Act::Silence).await;
        let here = mailbox(server.port, Tls::None);
        let secret = Secret::new(word.to_owned());
        let failure = Imap::open(&here, &secret, &dialer(), &Options::default())
            .await
            .unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Auth, code));
        assert!(!server.heard().await.contains("LOG"));
    }
}
