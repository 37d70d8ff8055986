//! Every way a server can fail, at every point: the phase and the class are right, and no dot is written too many.

use super::scripted::{Act, Scripted, say};
use super::{FROM, SHORT, TO, dialer, impatient, open, secret};
use carillon_adapters::channels::email::{Options, Phase, Session};
use carillon_model::message::FailureClass;
use carillon_model::message::{Failure, FailureClass::*};

const BODY: &[u8] = b"Subject: x\r\n\r\nlast line\r\n";

/// A whole conversation, without PIPELINING.
fn dialogue() -> Vec<Act> {
    vec![
        say("220 hello"),
        Act::Hear("EHLO "),
        Act::Say(b"250-hello\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n".to_vec()),
        Act::Hear("MAIL FROM:<shop@example.com>"),
        say("250 2.1.0 ok"),
        Act::Hear("RCPT TO:<ada@example.org>"),
        say("250 2.1.5 ok"),
        Act::Hear("DATA"),
        say("354 go"),
        Act::HearUntil(b"last line\r\n"),
        Act::Hear(".\r\n"),
        say("250 2.0.0 queued as 1"),
    ]
}

/// Says something else in place of the reply that stands at `place` of the dialogue, and ends there.
fn instead(place: usize, act: Act) -> Vec<Act> {
    let mut acts = dialogue();
    acts.truncate(place);
    acts.push(act);
    acts
}

/// Plays one message; where it ended, and how.
async fn run(acts: Vec<Act>, options: &Options) -> (Phase, Result<String, Failure>, String) {
    let server = Scripted::start(acts).await;
    let (phase, outcome) = match Session::open_with(&server.account, None, &dialer(), options).await {
        Err(stopped) => (stopped.phase, Err(stopped.failure)),
        Ok(session) => match session.offer(FROM, TO, BODY).await {
            Err(stopped) => (stopped.phase, Err(stopped.failure)),
            Ok(ready) => {
                let finished = ready.finish().await;
                (finished.phase, finished.outcome.map(|reply| reply.to_string()))
            }
        },
    };
    (phase, outcome, server.heard().await)
}

async fn fault(mut acts: Vec<Act>) -> (Phase, FailureClass) {
    acts.extend([Act::Hear("RSET"), say("250 ok")]);
    let (phase, outcome, heard) = run(acts, &Options::default()).await;
    let failure = outcome.unwrap_err();
    assert_eq!(
        phase == Phase::Dot,
        heard.contains("\r\n.\r\n"),
        "{phase:?} {heard:?}"
    );
    assert!(
        !failure.detail.chars().any(char::is_control) && failure.detail.len() < 1200,
        "{failure:?}"
    );
    (phase, failure.class)
}

#[tokio::test]
async fn a_server_that_behaves_gets_the_message_and_its_dot() {
    let (phase, outcome, heard) = run(dialogue(), &Options::default()).await;
    assert_eq!(
        (phase, outcome.unwrap().as_str()),
        (Phase::Dot, "250 2.0.0 queued as 1")
    );
    assert!(
        heard.ends_with("DATA\r\nSubject: x\r\n\r\nlast line\r\n.\r\n"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_server_that_closes_loses_nothing_before_the_dot_and_leaves_a_doubt_after_it() {
    let expected = [
        (0, Phase::Greeting, Transient),
        (2, Phase::Ehlo, Transient),
        (4, Phase::Mail, Transient),
        (6, Phase::Rcpt, Transient),
        (8, Phase::Data, Transient),
        (11, Phase::Dot, Unknown),
    ];
    for (place, phase, class) in expected {
        assert_eq!(
            fault(instead(place, Act::Close)).await,
            (phase, class),
            "closed at {place}"
        );
    }
}

#[tokio::test]
async fn a_refusal_has_the_phase_it_was_said_in_and_the_class_of_its_code() {
    let places = [
        (0, Phase::Greeting),
        (2, Phase::Ehlo),
        (4, Phase::Mail),
        (6, Phase::Rcpt),
        (8, Phase::Data),
        (11, Phase::Dot),
    ];
    for (place, phase) in places {
        let early = phase <= Phase::Ehlo;
        let permanent = if early {
            Setup
        } else if phase == Phase::Rcpt {
            Recipient
        } else {
            Sender
        };
        let cases = [
            ("421 4.3.2 going down", Throttled),
            ("451 4.3.0 later", Transient),
            ("450 4.7.25 slow down", Throttled),
            ("550 no", permanent),
            ("550 5.7.1 policy", Sender),
        ];
        for (line, class) in cases {
            assert_eq!(fault(instead(place, say(line))).await, (phase, class), "{line}");
        }
    }
    assert_eq!(
        fault(instead(6, say("550 5.1.1 who?"))).await,
        (Phase::Rcpt, Recipient)
    );
    assert_eq!(
        fault(instead(11, say("550 5.1.1 who?"))).await,
        (Phase::Dot, Recipient)
    );
    assert_eq!(
        fault(instead(11, say("552 5.2.2 full"))).await,
        (Phase::Dot, Transient)
    );
    assert_eq!(
        fault(instead(4, say("530 5.7.0 log in"))).await,
        (Phase::Mail, Auth)
    );
}

#[tokio::test]
async fn positive_replies_of_the_wrong_kind_are_not_taken_for_consent() {
    assert_eq!(fault(instead(4, say("354 go"))).await, (Phase::Mail, Transient));
    assert_eq!(fault(instead(8, say("250 ok"))).await, (Phase::Data, Transient));
    assert_eq!(fault(instead(11, say("354 more"))).await, (Phase::Dot, Unknown));
}

#[tokio::test]
async fn replies_in_single_bytes_in_pieces_late_and_with_bare_line_feeds_are_read() {
    let acts = dialogue().into_iter().map(|act| match act {
        Act::Say(bytes) => Act::Trickle(bytes),
        other => other,
    });
    let (_, outcome, _) = run(acts.collect(), &Options::default()).await;
    assert_eq!(outcome.unwrap(), "250 2.0.0 queued as 1");
    let acts = dialogue().into_iter().map(|act| match act {
        Act::Say(bytes) => Act::Say(
            String::from_utf8(bytes)
                .unwrap()
                .replace("\r\n", "\n")
                .into_bytes(),
        ),
        other => other,
    });
    let (_, outcome, _) = run(acts.collect(), &Options::default()).await;
    assert_eq!(outcome.unwrap(), "250 2.0.0 queued as 1");
}

#[tokio::test]
async fn half_a_reply_to_the_dot_is_no_reply() {
    for half in [
        &b"2"[..],
        b"250",
        b"250 queued",
        b"250-queued\r\n",
        b"250-queued\r\n25",
    ] {
        let mut acts = instead(11, Act::Say(half.to_vec()));
        acts.push(Act::Close);
        assert_eq!(fault(acts).await, (Phase::Dot, Unknown), "{half:?}");
    }
}

#[tokio::test]
async fn no_reply_to_the_dot_in_time_is_a_doubt() {
    let options = impatient(|times| times.dot = SHORT);
    let (phase, outcome, heard) = run(dialogue()[..11].to_vec(), &options).await;
    assert_eq!((phase, outcome.unwrap_err().class), (Phase::Dot, Unknown));
    assert!(heard.ends_with("\r\n.\r\n"));
}

#[tokio::test]
async fn no_reply_in_time_before_the_dot_is_passing() {
    let options = impatient(|times| (times.greeting, times.command, times.data) = (SHORT, SHORT, SHORT));
    let expected = [
        (0, Phase::Greeting),
        (2, Phase::Ehlo),
        (4, Phase::Mail),
        (6, Phase::Rcpt),
        (8, Phase::Data),
    ];
    for (place, expected) in expected {
        let (phase, outcome, _) = run(dialogue()[..place].to_vec(), &options).await;
        let failure = outcome.unwrap_err();
        assert_eq!(
            (phase, failure.class, failure.code.as_str()),
            (expected, Transient, "timeout")
        );
    }
}

#[tokio::test]
async fn a_reply_that_trickles_without_end_is_cut_off_by_time() {
    let options = impatient(|times| times.command = SHORT);
    let mut acts = dialogue()[..4].to_vec();
    acts.push(Act::Trickle([b"250-".to_vec(), vec![b'x'; 20_000]].concat()));
    let (phase, outcome, _) = run(acts, &options).await;
    assert_eq!(
        (phase, outcome.unwrap_err().code.as_str()),
        (Phase::Mail, "timeout")
    );
}

#[tokio::test]
async fn huge_replies_and_nonsense_end_the_session_and_after_the_dot_leave_a_doubt() {
    let nonsense: Vec<Vec<u8>> = vec![
        [b"250 ".to_vec(), vec![b'x'; 1 << 20], b"\r\n".to_vec()].concat(),
        vec![b'x'; 1 << 20],
        b"250-x\r\n".repeat(5_000),
        b"\0\0\0\0\r\n".to_vec(),
        b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
        b"250-a\r\n550 b\r\n".to_vec(),
        b"\xff\xfe\r\n".to_vec(),
    ];
    for bytes in nonsense {
        let act = Act::Say(bytes);
        assert_eq!(fault(instead(0, act.clone())).await, (Phase::Greeting, Setup));
        assert_eq!(fault(instead(4, act.clone())).await, (Phase::Mail, Transient));
        assert_eq!(fault(instead(11, act)).await, (Phase::Dot, Unknown));
    }
}

#[tokio::test]
async fn nul_bytes_and_controls_in_a_reply_reach_nobody() {
    let mut acts = instead(
        6,
        Act::Say(b"550 5.1.1 no\0 such\x1b[31m \xe2\x80\xaeuser\r\n".to_vec()),
    );
    acts.extend([Act::Hear("RSET"), say("250 ok")]);
    let (_, outcome, _) = run(acts, &Options::default()).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (Recipient, "550 5.1.1"));
    assert!(
        failure.detail.ends_with("550 5.1.1 no such[31m user"),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn a_server_that_speaks_before_its_turn_gets_no_dot() {
    for (early, class) in [
        ("250 2.0.0 queued already", Transient),
        ("421 4.4.2 too slow", Throttled),
    ] {
        let mut acts = instead(8, Act::Say(format!("354 go\r\n{early}\r\n").into_bytes()));
        acts.push(Act::HearUntil(b"last line\r\n"));
        assert_eq!(fault(acts).await, (Phase::Body, class), "{early}");
    }
}

#[tokio::test]
async fn a_server_that_leaves_while_the_message_is_held_gets_no_dot_and_leaves_no_doubt() {
    let mut acts = instead(8, say("354 go"));
    acts.extend([
        Act::HearUntil(b"last line\r\n"),
        say("421 4.4.2 idle too long"),
        Act::Close,
    ]);
    let server = Scripted::start(acts).await;
    let session = open(&server.account, None).await.unwrap();
    let ready = session.offer(FROM, TO, BODY).await.unwrap();
    let heard = server.heard().await;
    assert!(heard.ends_with("last line\r\n"), "{heard:?}");
    let finished = ready.finish().await;
    assert_eq!(
        (finished.phase, finished.outcome.unwrap_err().class),
        (Phase::Body, Throttled)
    );
    assert!(finished.session.is_none());
}

#[tokio::test]
async fn what_is_abandoned_or_dropped_before_the_dot_has_no_dot() {
    for abandon in [true, false] {
        let server = Scripted::start(dialogue()[..10].to_vec()).await;
        let session = open(&server.account, None).await.unwrap();
        let ready = session.offer(FROM, TO, BODY).await.unwrap();
        if abandon {
            ready.abandon();
        } else {
            drop(ready);
        }
        let heard = server.heard().await;
        assert!(heard.ends_with("last line\r\n"), "{heard:?}");
    }
}

#[tokio::test]
async fn a_session_that_ends_between_two_messages_says_so_before_the_second_is_begun() {
    let mut acts = dialogue();
    acts.extend([say("421 4.7.0 enough for today"), Act::Close]);
    let server = Scripted::start(acts).await;
    let session = open(&server.account, None).await.unwrap();
    let finished = session.offer(FROM, TO, BODY).await.unwrap().finish().await;
    assert!(finished.outcome.is_ok());
    let session = finished.session.unwrap();
    let heard = server.heard().await;
    let stopped = session.offer(FROM, TO, BODY).await.unwrap_err();
    assert_eq!((stopped.phase, stopped.failure.class), (Phase::Idle, Throttled));
    assert!(stopped.session.is_none());
    assert_eq!(heard.matches("MAIL FROM").count(), 1);
}

#[tokio::test]
async fn after_a_refusal_the_session_is_reset_and_takes_the_next_message() {
    let mut acts = instead(6, say("550 5.1.1 who?"));
    acts.extend([Act::Hear("RSET"), say("250 ok")]);
    acts.extend_from_slice(&dialogue()[3..]);
    let server = Scripted::start(acts).await;
    let session = open(&server.account, None).await.unwrap();
    let stopped = session.offer(FROM, TO, BODY).await.unwrap_err();
    let finished = stopped
        .session
        .unwrap()
        .offer(FROM, TO, BODY)
        .await
        .unwrap()
        .finish()
        .await;
    assert!(finished.outcome.is_ok());
    assert_eq!(finished.session.unwrap().taken(), 1);
    server.heard().await;
}

#[tokio::test]
async fn after_421_or_a_failed_reset_the_session_is_gone() {
    let mut acts = instead(6, say("550 5.1.1 who?"));
    acts.extend([Act::Hear("RSET"), say("500 what?")]);
    for acts in [acts, instead(6, say("421 4.3.2 bye"))] {
        let server = Scripted::start(acts).await;
        let stopped = open(&server.account, None)
            .await
            .unwrap()
            .offer(FROM, TO, BODY)
            .await
            .unwrap_err();
        assert!(stopped.session.is_none());
        server.heard().await;
    }
}

#[tokio::test]
async fn with_pipelining_each_of_the_two_replies_is_believed_on_its_own() {
    let acts = |replies: &str, rest: &[Act]| {
        let mut acts = vec![
            say("220 hi"),
            Act::Hear("EHLO "),
            Act::Say(b"250-hi\r\n250 PIPELINING\r\n".to_vec()),
        ];
        acts.extend([
            Act::Hear("MAIL "),
            Act::Hear("RCPT "),
            Act::Say(replies.as_bytes().to_vec()),
        ]);
        acts.extend_from_slice(rest);
        acts
    };
    let cases = [
        (
            "550 5.7.1 no\r\n503 5.5.1 sender first\r\n",
            (Phase::Mail, Sender),
        ),
        ("250 ok\r\n550 5.1.1 who?\r\n", (Phase::Rcpt, Recipient)),
        ("421 4.7.0 bye\r\n", (Phase::Mail, Throttled)),
    ];
    for (replies, expected) in cases {
        assert_eq!(fault(acts(replies, &[])).await, expected, "{replies}");
    }
    let (_, outcome, _) = run(
        acts("250 ok\r\n250 ok\r\n", &dialogue()[7..]),
        &Options::default(),
    )
    .await;
    assert!(outcome.is_ok());
}

#[tokio::test]
async fn login_is_spoken_where_plain_is_not_and_no_failure_shows_the_password() {
    let password = "canary-Geheimnis-77";
    let encoded = "Y2FuYXJ5LUdlaGVpbW5pcy03Nw==";
    let start = [say("220 hi"), Act::Hear("EHLO ")];
    let login = [
        Act::Say(b"250-hi\r\n250 AUTH LOGIN XOAUTH2\r\n".to_vec()),
        Act::Hear("AUTH LOGIN\r\n"),
        say("334 VXNlcm5hbWU6"),
        Act::Hear("YWRh\r\n"),
        say("334 UGFzc3dvcmQ6"),
        Act::Hear(encoded),
        say(&format!("535 5.7.8 {password} ({encoded}) is wrong")),
    ];
    let plain = [
        Act::Say(b"250-hi\r\n250 AUTH=LOGIN PLAIN\r\n".to_vec()),
        Act::Hear("AUTH PLAIN AGFkYQBjYW5hcnktR2VoZWltbmlzLTc3"),
        say(&format!(
            "535 5.7.8 unknown: AGFkYQBjYW5hcnktR2VoZWltbmlzLTc3 {password}"
        )),
    ];
    for rest in [&login[..], &plain[..]] {
        let server = Scripted::start([&start[..], rest].concat()).await;
        let account = carillon_model::account::Account {
            user: "ada".into(),
            ..server.account.clone()
        };
        let stopped = Session::open(&account, Some(&secret(password)), &dialer())
            .await
            .unwrap_err();
        assert_eq!((stopped.phase, stopped.failure.class), (Phase::Auth, Auth));
        let shown = format!("{stopped:?} {:?}", stopped.failure);
        assert!(shown.contains("5.7.8") && shown.contains("***"), "{shown}");
        for canary in [password, encoded, "AGFkYQBjYW5hcnktR2VoZWltbmlzLTc3"] {
            assert!(!shown.contains(canary), "{shown}");
        }
        server.heard().await;
    }
}

#[tokio::test]
async fn without_a_password_or_a_known_mechanism_nothing_secret_is_said() {
    for (offer, password, class) in [
        ("AUTH XOAUTH2", Some("geheim"), Setup),
        ("SIZE 1", Some("geheim"), Setup),
        ("AUTH PLAIN", None, Auth),
    ] {
        let acts = vec![
            say("220 hi"),
            Act::Hear("EHLO "),
            Act::Say(format!("250-hi\r\n250 {offer}\r\n").into_bytes()),
        ];
        let server = Scripted::start(acts).await;
        let account = carillon_model::account::Account {
            user: "ada".into(),
            ..server.account.clone()
        };
        let stopped = open(&account, password).await.unwrap_err();
        assert_eq!(
            (stopped.phase, stopped.failure.class),
            (Phase::Auth, class),
            "{offer}"
        );
        assert!(!server.heard().await.contains("AUTH"));
    }
}
