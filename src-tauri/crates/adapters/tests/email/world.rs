//! Many messages through the world's server: what arrived is what was sent, once each.

use super::{FROM, TO, account, dialer, open};
use carillon_adapters::channels::email::{Options as SessionOptions, Phase, Session};
use carillon_model::account::Tls;
use carillon_model::message::FailureClass;
use carillon_world::mailbox::Mailbox;
use carillon_world::{Answer, Options, Rule, Script, SmtpWorld, truth};
use std::path::PathBuf;
use tempfile::TempDir;

struct Place {
    world: SmtpWorld,
    folder: TempDir,
}

impl Place {
    async fn new(change: impl FnOnce(&mut Options)) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path().join("truth.jsonl"));
        options.mailbox = Some(folder.path().join("mail"));
        change(&mut options);
        Place {
            world: SmtpWorld::start(options).await.unwrap(),
            folder,
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("truth.jsonl")
    }

    async fn session(&self) -> Session {
        open(&account(self.world.address().port(), Tls::None), None)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn every_kind_of_line_arrives_as_it_was_meant_over_one_session_with_and_without_pipelining() {
    let parts = [
        "\r\n",
        "\n",
        "\r",
        ".",
        "..",
        "a",
        "line of text",
        "=C3=BC",
        "\r\n.\r\n",
        "\n.\n",
    ];
    for pipelining in [true, false] {
        let place = Place::new(|options| options.pipelining = pipelining).await;
        let mut session = place.session().await;
        let mut sent = Vec::new();
        for n in 0..60_usize {
            let text: String = (0..12)
                .map(|k| parts[(n * 31 + k * k * 7 + n * k) % parts.len()])
                .collect();
            let finished = session
                .offer(FROM, TO, text.as_bytes())
                .await
                .unwrap()
                .finish()
                .await;
            finished.outcome.unwrap();
            session = finished.session.unwrap();
            let unified = text.replace("\r\n", "\n").replace('\r', "\n");
            let lines = unified.strip_suffix('\n').unwrap_or(&unified);
            sent.push(format!("{}\r\n", lines.replace('\n', "\r\n")));
        }
        let mailbox = Mailbox::open(&place.folder.path().join("mail")).unwrap();
        let received: Vec<String> = mailbox
            .list()
            .unwrap()
            .iter()
            .map(|id| String::from_utf8(mailbox.read(id).unwrap().unwrap()).unwrap())
            .collect();
        assert_eq!(received, sent);
    }
}

#[tokio::test]
async fn many_sessions_stand_before_the_dot_together_and_some_are_abandoned() {
    let place = Place::new(|_| {}).await;
    let mut ready = Vec::new();
    for n in 0..10 {
        let message = format!("Message-ID: <{n}@example.com>\r\n\r\nx\r\n");
        ready.push(
            place
                .session()
                .await
                .offer(FROM, TO, message.as_bytes())
                .await
                .unwrap(),
        );
    }
    assert_eq!(truth::read(&place.log()).unwrap(), []);
    for (n, ready) in ready.into_iter().enumerate() {
        if n % 3 == 0 {
            ready.abandon();
        } else {
            ready.finish().await.outcome.unwrap();
        }
    }
    let ids: Vec<_> = truth::read(&place.log())
        .unwrap()
        .into_iter()
        .filter_map(|record| record.message_id)
        .collect();
    assert_eq!(ids, [1, 2, 4, 5, 7, 8].map(|n| format!("<{n}@example.com>")));
}

#[tokio::test]
async fn the_worlds_troubles_have_the_class_the_law_gives_them() {
    let place = Place::new(|options| {
        options.script = Script::usual();
        options.script.0.push(Rule::new(
            "late*",
            Answer::AtDot {
                reply: "554 5.6.0 not this".into(),
            },
        ));
        options
            .script
            .0
            .push(Rule::new("mute*", Answer::Silent { kept: true }));
        options.script.0.push(Rule::new("gone*", Answer::CloseAtData));
    })
    .await;
    use FailureClass::*;
    let cases = [
        ("nouser@example.org", Phase::Rcpt, Recipient, true),
        ("full@example.org", Phase::Rcpt, Transient, true),
        ("spam@example.org", Phase::Rcpt, Sender, true),
        ("grey@example.org", Phase::Rcpt, Transient, true),
        ("late@example.org", Phase::Dot, Sender, true),
        ("mute@example.org", Phase::Dot, Unknown, false),
        ("gone@example.org", Phase::Data, Transient, false),
    ];
    for (to, phase, class, stays) in cases {
        let (at, failure, session) = match place.session().await.offer(FROM, to, b"x").await {
            Err(stopped) => (stopped.phase, stopped.failure, stopped.session),
            Ok(ready) => {
                let finished = ready.finish().await;
                (finished.phase, finished.outcome.unwrap_err(), finished.session)
            }
        };
        assert_eq!(
            (at, failure.class, session.is_some()),
            (phase, class, stays),
            "{to}"
        );
    }
    assert_eq!(place.world.acknowledged(), 0);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is_said_and_the_session_stays() {
    let place = Place::new(|options| options.max_bytes = 1000).await;
    use FailureClass::*;
    let long = "x".repeat(2000);
    let big = "x\r\n".repeat(400);
    let cases: [(&str, &str, &[u8], FailureClass, &str); 7] = [
        (FROM, "ada", b"x", Recipient, "to_address"),
        (
            FROM,
            "a@example.org>\r\nRCPT TO:<b@example.org",
            b"x",
            Recipient,
            "to_address",
        ),
        ("shop", TO, b"x", Setup, "from_address"),
        (FROM, TO, b"", Sender, "empty"),
        (FROM, TO, b"a\0b", Sender, "nul"),
        (FROM, TO, long.as_bytes(), Sender, "long_line"),
        (FROM, TO, big.as_bytes(), Sender, "too_large"),
    ];
    let mut session = place.session().await;
    for (from, to, message, class, code) in cases {
        let stopped = session.offer(from, to, message).await.unwrap_err();
        assert_eq!(
            (stopped.phase, stopped.failure.class),
            (Phase::Check, class),
            "{code}"
        );
        assert_eq!(stopped.failure.code, code);
        session = stopped.session.unwrap();
    }
    session.noop().await.unwrap();
    assert!(
        session
            .offer(FROM, TO, b"x")
            .await
            .unwrap()
            .finish()
            .await
            .outcome
            .is_ok()
    );
}

#[tokio::test]
async fn a_spent_session_sends_no_more_and_says_so_before_the_message_is_begun() {
    let place = Place::new(|_| {}).await;
    let options = SessionOptions {
        max_messages: 2,
        ..SessionOptions::default()
    };
    let account = account(place.world.address().port(), Tls::None);
    let mut session = Session::open_with(&account, None, &dialer(), &options)
        .await
        .unwrap();
    for _ in 0..2 {
        assert!(!session.spent());
        session = session
            .offer(FROM, TO, b"x")
            .await
            .unwrap()
            .finish()
            .await
            .session
            .unwrap();
    }
    assert!(session.spent());
    let stopped = session.offer(FROM, TO, b"x").await.unwrap_err();
    assert_eq!(
        (stopped.phase, stopped.failure.class),
        (Phase::Idle, FailureClass::Transient)
    );
    assert!(stopped.session.is_none());
    assert_eq!(truth::read(&place.log()).unwrap().len(), 2);
}

#[tokio::test]
async fn an_address_in_another_script_goes_out_where_the_server_takes_it() {
    let place = Place::new(|_| {}).await;
    let finished = place
        .session()
        .await
        .offer(FROM, "jörg@bücher.example", b"x")
        .await
        .unwrap()
        .finish()
        .await;
    finished.outcome.unwrap();
    assert_eq!(
        truth::read(&place.log()).unwrap()[0].rcpt_to,
        ["jörg@xn--bcher-kva.example"]
    );
}
