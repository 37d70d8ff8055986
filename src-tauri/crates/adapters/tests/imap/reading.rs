//! Reading and waiting where a server has less than others, or less than it says.

use super::server::{Act, Server, examined, say};
use super::{impatient, open, open_with};
use carillon_adapters::mailbox::imap::{Imap, Options, Wake};
use carillon_model::mailbox::MailboxCursor;
use carillon_model::message::FailureClass;
use chrono::NaiveDate;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

fn from_the_first() -> MailboxCursor {
    MailboxCursor::start("INBOX", NaiveDate::from_ymd_opt(2020, 1, 1))
}

fn body(uid: u32) -> String {
    let text = format!("Message-ID: <{uid}@example.com>\r\n\r\nmail {uid}\r\n");
    format!("* {uid} FETCH (UID {uid} BODY[]<0> {{{}}}\r\n{text})", text.len())
}

#[tokio::test]
async fn a_mail_the_server_cannot_give_costs_no_other() {
    let server = Server::friendly("", |tag, rest| {
        let done = format!("{tag} OK done");
        if rest.starts_with("EXAMINE") {
            return examined(tag, 5, 6);
        }
        if rest.starts_with("UID SEARCH") {
            return say(&["* SEARCH 1 2 3 4 5", &done]);
        }
        match rest
            .strip_prefix("UID FETCH ")
            .and_then(|rest| rest.split(' ').next())
        {
            Some("1:5") if rest.contains("BODY") => say(&[&format!("{tag} NO one of them is broken")]),
            Some("1") => say(&[&body(1), &done]),
            Some("2") => say(&[&format!("{tag} NO broken")]),
            Some("3") => say(&["* 3 FETCH (UID 3 BODY[]<0> what is this)", &done]),
            Some("4") => say(&[&body(4), &done]),
            Some("5") => say(&["* 5 FETCH (UID 5 BODY[]<0> NIL)", &done]),
            _ => say(&[&done]),
        }
    })
    .await;
    let mut imap = open(server.port).await.unwrap();
    let batch = imap.fetch("INBOX", &from_the_first(), 10).await.unwrap();
    let uids: Vec<u32> = batch.mails.iter().map(|mail| mail.uid).collect();
    assert_eq!(
        (uids, batch.unreadable, batch.more),
        (vec![1, 4], vec![2, 3, 5], false)
    );
    assert_eq!((batch.next.uid_validity, batch.next.next_uid), (7, 6));
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_taken() {
    let server = Server::friendly("", |tag, rest| {
        let done = format!("{tag} OK done");
        match rest {
            rest if rest.starts_with("EXAMINE") => examined(tag, 1, 6),
            rest if rest.starts_with("UID SEARCH") => say(&["* SEARCH 5 99 1", &done]),
            rest if rest.contains("BODY") => say(&[&body(99), &body(5), &body(1), &done]),
            _ => say(&[&done]),
        }
    })
    .await;
    let mut imap = open(server.port).await.unwrap();
    let cursor = MailboxCursor {
        uid_validity: 7,
        next_uid: 3,
        ..MailboxCursor::start("INBOX", None)
    };
    let batch = imap.fetch("INBOX", &cursor, 10).await.unwrap();
    assert_eq!(batch.mails.iter().map(|mail| mail.uid).collect::<Vec<_>>(), [5]);
    assert_eq!((batch.next.next_uid, batch.more), (6, false));
}

#[tokio::test]
async fn an_unchanged_count_of_changes_answers_without_opening_the_folder() {
    let server = Server::friendly("CONDSTORE", |tag, rest| {
        assert!(rest.starts_with("STATUS"), "{rest}");
        say(&[
            "* STATUS INBOX (UIDVALIDITY 7 HIGHESTMODSEQ 12)",
            &format!("{tag} OK done"),
        ])
    })
    .await;
    let mut imap = open(server.port).await.unwrap();
    let cursor = MailboxCursor {
        uid_validity: 7,
        next_uid: 3,
        mod_seq: Some(12),
        ..MailboxCursor::start("INBOX", None)
    };
    let batch = imap.fetch("INBOX", &cursor, 10).await.unwrap();
    assert_eq!((batch.mails.len(), batch.more, batch.next), (0, false, cursor));
}

#[tokio::test]
async fn a_folder_without_lasting_numbers_or_that_is_not_there_is_a_matter_of_setup() {
    let server = Server::friendly("", |tag, _| say(&["* 3 EXISTS", &format!("{tag} OK done")])).await;
    let failure = open(server.port)
        .await
        .unwrap()
        .fetch("INBOX", &from_the_first(), 1)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "no_uidvalidity")
    );
    let server = Server::friendly("", |tag, _| {
        say(&[&format!("{tag} NO [NONEXISTENT] no such box")])
    })
    .await;
    let mut imap = open(server.port).await.unwrap();
    let failure = imap.fetch("Gone", &from_the_first(), 1).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "NONEXISTENT")
    );
    // The session goes on.
    assert_eq!(
        imap.fetch("Gone", &from_the_first(), 1).await.unwrap_err().code,
        "NONEXISTENT"
    );
    assert_eq!(
        imap.fetch("a\r\nb", &from_the_first(), 1).await.unwrap_err().code,
        "folder"
    );
}

#[tokio::test]
async fn where_there_is_no_idle_the_server_is_asked_again_and_again() {
    let mut asked = 0;
    let server = Server::friendly("", move |tag, rest| match rest {
        "NOOP" => {
            asked += 1;
            let done = format!("{tag} OK done");
            if asked < 3 {
                say(&[&done])
            } else {
                say(&["* 3 EXISTS", &done])
            }
        }
        _ => examined(tag, 2, 3),
    })
    .await;
    let mut options = Options::default();
    options.timeouts.poll = Duration::from_millis(30);
    let mut imap = open_with(server.port, &options).await.unwrap();
    assert_eq!(imap.wait(Duration::from_secs(60)).await.unwrap(), Wake::Mail);
    drop(imap);
    assert_eq!(server.heard().await.matches("NOOP").count(), 3);
}

#[tokio::test]
async fn idle_is_asked_for_anew_before_its_time_is_over() {
    let mut tags = Vec::new();
    let server = Server::friendly("IDLE", move |tag, rest| match rest {
        "IDLE" => {
            tags.push(tag.to_owned());
            match tags.len() {
                // A mail that came together with the leave to wait.
                4 => say(&["+ idling", "* 3 EXISTS"]),
                _ => say(&["+ idling", "* OK Still here"]),
            }
        }
        "DONE" => say(&[&format!("{} OK done", tags.last().unwrap())]),
        _ => examined(tag, 2, 3),
    })
    .await;
    let mut options = Options::default();
    options.timeouts.idle = Duration::from_millis(50);
    let mut imap = open_with(server.port, &options).await.unwrap();
    assert_eq!(imap.wait(Duration::from_secs(60)).await.unwrap(), Wake::Mail);
    drop(imap);
    assert_eq!(server.heard().await.matches("DONE").count(), 4);
}

#[tokio::test]
async fn a_removed_mail_hides_no_new_one() {
    let mut idle = String::new();
    let server = Server::friendly("IDLE", move |tag, rest| match rest {
        "IDLE" => {
            idle = tag.to_owned();
            say(&["+ idling", "* 1 EXPUNGE", "* 2 EXISTS"])
        }
        "DONE" => say(&[&format!("{idle} OK done")]),
        _ => examined(tag, 2, 3),
    })
    .await;
    let mut imap = open(server.port).await.unwrap();
    assert_eq!(imap.wait(Duration::from_secs(60)).await.unwrap(), Wake::Mail);
}

/// Seconds the wall clock is ahead, for the tests that sleep.
static AHEAD: AtomicU64 = AtomicU64::new(0);

fn wall() -> SystemTime {
    SystemTime::now() + Duration::from_secs(AHEAD.load(Ordering::Relaxed))
}

/// A session that waits while the machine sleeps for eight hours; the server lives or does not.
async fn asleep(lives: bool) -> Result<Wake, carillon_model::message::Failure> {
    let mut idle = String::new();
    let server = Server::friendly("IDLE", move |tag, rest| match rest {
        "IDLE" => {
            idle = tag.to_owned();
            AHEAD.fetch_add(8 * 3600, Ordering::Relaxed);
            say(&["+ idling"])
        }
        "DONE" if lives => say(&[&format!("{idle} OK done")]),
        "DONE" => Act::Silence,
        _ => examined(tag, 2, 3),
    })
    .await;
    let mut options = impatient();
    options.clock = wall;
    let mut imap: Imap = open_with(server.port, &options).await.unwrap();
    imap.wait(Duration::from_millis(100)).await
}

#[tokio::test]
async fn after_a_sleep_a_living_connection_says_so_and_a_dead_one_is_found_out_at_once() {
    assert_eq!(asleep(true).await.unwrap(), Wake::Slept);
    let failure = asleep(false).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "timeout")
    );
}
