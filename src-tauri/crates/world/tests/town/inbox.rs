//! The practice inbox.

use crate::letter::newsletter;
use crate::{address, deliver, only, start};
use carillon_world::inbox::AnswerKind;
use carillon_world::personas::{Persona, Town};
use carillon_world::{Inbox, Mailbox, Options, SmtpWorld, Taken};
use chrono::TimeDelta;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

#[test]
fn a_mail_shows_what_the_town_answered_to_it() {
    let mut town = Town::new(only(Persona::Eager, 20));
    let mut inbox = Inbox::new(None);
    for n in 0..300 {
        let mail = newsletter(&address(n), 1, start(), 0);
        inbox.received(&address(n).to_uppercase(), &mail, start(), None);
        deliver(&mut town, &address(n), &mail, start());
    }
    let acts = town.due(start() + TimeDelta::days(60));
    assert!(acts.iter().all(|(at, act)| inbox.answered(*at, act)));
    let all = inbox.list("", None, 200);
    assert_eq!((all.found, all.mails.len()), (300, 200));
    let rest = inbox.list("", all.before, 200);
    assert_eq!((rest.mails.len(), rest.before), (100, None));
    let answers = all.mails.iter().chain(&rest.mails).flat_map(|mail| &mail.answers);
    assert_eq!(answers.clone().count(), acts.len());
    assert!(
        answers
            .clone()
            .any(|answer| answer.kind == AnswerKind::Opened && !answer.machine)
    );
}

#[test]
fn the_list_is_newest_first_and_searched_by_all_words_in_address_and_subject() {
    let mut inbox = Inbox::new(None);
    for number in 0..10 {
        let to = if number % 2 == 0 {
            "ada@example.com"
        } else {
            "bob@example.org"
        };
        inbox.received(to, &newsletter(to, number, start(), 0), start(), None);
    }
    let ids = |search: &str| {
        inbox
            .list(search, None, 50)
            .mails
            .iter()
            .map(|mail| mail.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("ADA fresh"), [8, 6, 4, 2, 0]);
    assert_eq!(ids("example.org \"no. 7\"").len(), 0);
    assert_eq!(ids("bob no. 7"), [7]);
    assert_eq!(ids("kiosk").len(), 10);
    assert_eq!(ids("nobody").len(), 0);
}

#[test]
fn one_mail_is_shown_raw_with_its_headers_and_its_parts() {
    let mut inbox = Inbox::new(None);
    let raw = newsletter("ada@example.com", 3, start(), 0);
    let id = inbox.received("ada@example.com", &raw, start(), None);
    let mail = inbox.open(id).unwrap().unwrap();
    assert_eq!(mail.raw, raw);
    let header = |name: &str| {
        mail.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("Subject"), Some("Fresh this week, no. 3"));
    assert!(
        header("List-Unsubscribe").unwrap().contains(">, <mailto:"),
        "unfolded"
    );
    let kinds: Vec<&str> = mail.parts.iter().map(|part| part.content_type.as_str()).collect();
    assert_eq!(kinds, ["text/plain", "text/html"]);
    assert!(mail.parts[1].text.as_ref().unwrap().contains("Roast no. 5"));
    assert_eq!(inbox.open(id + 1).unwrap(), None);
}

#[test]
fn what_is_held_is_bounded_and_the_newest_stay() {
    let mut inbox = Inbox::new(None);
    let big = newsletter("ada@example.com", 1, start(), 4 << 20);
    let count = (80 << 20) / big.len() as u64;
    for _ in 0..count {
        inbox.received("ada@example.com", &big, start(), None);
    }
    assert_eq!(inbox.len() as u64, count);
    assert_eq!(inbox.open(0).unwrap(), None);
    assert_eq!(inbox.open(count - 1).unwrap().unwrap().raw, big);
}

/// Sends one mail by hand.
async fn send(world: &SmtpWorld, to: &str, mail: &[u8]) {
    let stream = TcpStream::connect(world.address()).await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    lines.next_line().await.unwrap();
    for command in [
        "HELO me",
        "MAIL FROM:<bounce@kiosk.example>",
        &format!("RCPT TO:<{to}>"),
        "DATA",
    ] {
        write
            .write_all(format!("{command}\r\n").as_bytes())
            .await
            .unwrap();
        lines.next_line().await.unwrap();
    }
    write.write_all(mail).await.unwrap();
    write.write_all(b".\r\n").await.unwrap();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("250"));
}

#[tokio::test]
async fn what_the_server_took_is_handed_over_and_listed_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (log, mails) = (folder.path().join("truth.jsonl"), folder.path().join("mail"));
    let (sender, mut taken) = mpsc::channel(8);
    let mut options = Options::new(&log);
    (options.mailbox, options.taken) = (Some(mails.clone()), Some(sender));
    let world = SmtpWorld::start(options).await.unwrap();
    let mail = newsletter("ada@example.com", 5, start(), 100_000);
    send(&world, "ada@example.com", &mail).await;
    let Taken {
        queue_id,
        mail_from,
        rcpt_to,
        message,
    } = taken.recv().await.unwrap();
    assert_eq!(
        (mail_from.as_str(), rcpt_to, &message),
        ("bounce@kiosk.example", vec!["ada@example.com".to_owned()], &mail)
    );
    world.stop().await;
    let mailbox = Mailbox::open(&mails).unwrap();
    let mut inbox = Inbox::new(Some(mailbox.clone()));
    inbox.received("ada@example.com", &message, start(), Some(&queue_id));
    let again = Inbox::load(&log, mailbox).unwrap();
    assert_eq!(again.list("", None, 9), inbox.list("", None, 9));
    assert_eq!(again.open(0).unwrap().unwrap().raw, mail);
}
