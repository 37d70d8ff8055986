//! Whatever a server says or does not say, the session ends in time and with a sentence.

use super::server::{Act, Server, examined, say};
use super::{WORD, dialer, impatient, mailbox, open, open_with};
use carillon_adapters::Secret;
use carillon_adapters::mailbox::imap::{Imap, Options};
use carillon_model::account::Tls;
use carillon_model::mailbox::MailboxCursor;
use carillon_model::message::{Failure, FailureClass};
use chrono::NaiveDate;
use std::time::{Duration, Instant};

fn from_the_first() -> MailboxCursor {
    MailboxCursor::start("INBOX", NaiveDate::from_ymd_opt(2020, 1, 1))
}

/// A folder with one mail, whose FETCH is answered by the test.
async fn one_mail(mut fetch: impl FnMut(&str, &str) -> Act + Send + 'static) -> Server {
    Server::friendly("", move |tag, rest| match rest {
        rest if rest.starts_with("EXAMINE") => examined(tag, 1, 2),
        rest if rest.starts_with("UID SEARCH") => say(&["* SEARCH 1", &format!("{tag} OK done")]),
        rest => fetch(tag, rest),
    })
    .await
}

async fn fetched(server: &Server, options: &Options) -> Failure {
    let mut imap = open_with(server.port, options).await.unwrap();
    let failure = imap.fetch("INBOX", &from_the_first(), 10).await.unwrap_err();
    // Nothing more is said in a session that was lost.
    assert!(imap.fetch("INBOX", &from_the_first(), 10).await.is_err());
    failure
}

#[tokio::test]
async fn a_mail_of_two_hundred_megabytes_is_not_even_begun() {
    let server =
        one_mail(|_, _| Act::Say("* 1 FETCH (UID 1 BODY[]<0> {209715200}\r\nSubject: x\r\n".into())).await;
    let failure = fetched(&server, &Options::default()).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "too_long")
    );
}

#[tokio::test]
async fn a_line_without_end_and_answers_without_end_are_cut_off() {
    for endless in [
        &b"* OK a line without an end "[..],
        b"* 1 EXISTS\r\n",
        b"* JUNK {3}\r\nabc (\r\n",
    ] {
        let server = one_mail(move |_, _| Act::Endless(endless)).await;
        let mut options = Options::default();
        options.limits.responses = 5000;
        options.limits.answer = 1 << 20;
        let failure = fetched(&server, &options).await;
        assert_eq!(failure.code, "too_long", "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let begun = Instant::now();
    let silent = Server::start("", |_, _| Act::Silence).await;
    let failure = open_with(silent.port, &impatient()).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "timeout")
    );
    let server = one_mail(|_, _| Act::Silence).await;
    assert_eq!(fetched(&server, &impatient()).await.code, "timeout");
    // It trickles: no single answer is late, and all of them together are.
    let server = one_mail(|_, _| Act::Say("* 1 FETCH (UID 1 BODY[]<0> {10}\r\n012".into())).await;
    assert_eq!(fetched(&server, &impatient()).await.code, "timeout");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn what_is_no_mail_server_is_told_apart_from_one_that_is_busy() {
    for junk in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "220 smtp.example.com ESMTP\r\n",
        "\0\0\0\0\r\n",
        "+OK POP3\r\n",
    ] {
        let server = Server::start(junk, |_, _| Act::Silence).await;
        let failure = open(server.port).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Setup, "not_imap"),
            "{junk:?}"
        );
    }
    let server = Server::start("* BYE [UNAVAILABLE] too many sessions\r\n", |_, _| Act::Silence).await;
    let failure = open(server.port).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "UNAVAILABLE")
    );
    assert!(failure.detail.contains("too many sessions"));
}

#[tokio::test]
async fn a_server_that_goes_with_or_without_a_word_is_connected_again() {
    let server = one_mail(|_, _| say(&["* BYE going down for the night"])).await;
    let failure = fetched(&server, &Options::default()).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "bye")
    );
    let server = one_mail(|_, _| Act::Close).await;
    let failure = fetched(&server, &Options::default()).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "connection_lost")
    );
}

async fn with_starttls(server: &Server) -> Failure {
    let secret = Secret::new(WORD.to_owned());
    let mut here = mailbox(server.port, Tls::Starttls);
    // A machine may have no authorities of its own.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&path, made.cert.pem()).unwrap();
    here.ca_file = Some(path.to_str().unwrap().to_owned());
    Imap::open(&here, &secret, &dialer(), &Options::default())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn without_starttls_nothing_is_said_and_nothing_is_believed_that_was_slipped_in() {
    let server = Server::friendly("LOGIN", |_, _| Act::Silence).await;
    assert_eq!(with_starttls(&server).await.code, "no_starttls");
    let heard = server.heard().await;
    assert_eq!(heard.lines().count(), 1, "{heard}");
    assert!(!heard.contains("ada") && !heard.contains(WORD));

    for slipped in ["* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "c3 OK", "x"] {
        let server = Server::friendly("STARTTLS", move |tag, _| {
            Act::Say(format!("{tag} OK go\r\n{slipped}"))
        })
        .await;
        let failure = with_starttls(&server).await;
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Setup, "starttls_injection")
        );
        assert!(!server.heard().await.contains(WORD));
    }
    let server = Server::start("* PREAUTH welcome\r\n", |_, _| Act::Silence).await;
    assert_eq!(with_starttls(&server).await.code, "preauth");
}

#[tokio::test]
async fn a_server_that_answers_out_of_turn_is_left() {
    for out_of_turn in ["c99 OK done", "+ go on"] {
        let server = one_mail(move |_, _| say(&[out_of_turn])).await;
        assert_eq!(
            fetched(&server, &Options::default()).await.code,
            "out_of_turn",
            "{out_of_turn}"
        );
    }
    let server = one_mail(|_, _| say(&["what?"])).await;
    assert_eq!(fetched(&server, &Options::default()).await.code, "bad_response");
}

#[tokio::test]
async fn a_call_that_was_dropped_half_way_ends_the_session() {
    let server = one_mail(|_, _| Act::Silence).await;
    let mut imap = open(server.port).await.unwrap();
    let cursor = from_the_first();
    let dropped = tokio::time::timeout(Duration::from_millis(300), imap.fetch("INBOX", &cursor, 10)).await;
    assert!(dropped.is_err());
    let failure = imap.fetch("INBOX", &cursor, 10).await.unwrap_err();
    assert_eq!(failure.code, "connection_lost");
}
