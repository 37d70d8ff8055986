//! Every notice is a mail that a parser of others' making reads, and names the message it is about.

use crate::{moment, start};
use carillon_model::Moment;
use carillon_world::notices;
use carillon_world::personas::{About, Incoming, Language, Mailto, Persona, Server, Stage, Trouble};
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

const HEAD: &str = "Date: Tue, 3 Mar 2026 08:00:00 +0000\r\nFrom: Kiosk <hello@kiosk.example>\r\n\
    To: ada.smith.7@example.com\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\nMessage-ID: <m1@kiosk.example>\r\n";
const SERVERS: [Server; 3] = [Server::Postfix, Server::Exchange, Server::Qmail];
const LANGUAGES: [Language; 3] = [Language::English, Language::German, Language::French];

fn about(server: Server, language: Language) -> About {
    About {
        message_id: "m1@kiosk.example".into(),
        subject: "Café, neu im März".into(),
        from_name: "Kiosk Café".into(),
        from: "hello@kiosk.example".into(),
        reply_to: "answers@kiosk.example".into(),
        mail_from: "bounce+m1@kiosk.example".into(),
        to: "ada.smith.7@example.com".into(),
        delivered_at: start(),
        persona: Persona::Busy,
        language,
        server,
        agent: "x".into(),
    }
}

fn at() -> Moment {
    moment("2026-03-03T09:30:15Z")
}

/// What must hold of any mail.
fn parsed(incoming: &Incoming) -> Message<'_> {
    let text = String::from_utf8(incoming.bytes.clone()).unwrap();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "line ends");
    assert!(text.lines().all(|line| line.len() <= 998) && text.ends_with("\r\n"));
    let message = MessageParser::default().parse(&incoming.bytes).unwrap();
    let date = message.date().expect("a date");
    assert_eq!(date.to_timestamp(), at().timestamp());
    let id = message.message_id().expect("a Message-ID");
    assert!(id.contains('@') && id != "m1@kiosk.example");
    assert!(
        message
            .from()
            .and_then(|from| from.first())
            .and_then(|from| from.address())
            .is_some()
    );
    assert_eq!(
        message.to().unwrap().first().unwrap().address(),
        Some(incoming.to.as_str())
    );
    for name in ["From", "To", "Date", "Message-ID", "Subject"] {
        let times = message
            .headers()
            .iter()
            .filter(|header| header.name().eq_ignore_ascii_case(name));
        assert_eq!(times.count(), 1, "{name}");
    }
    message
}

/// The lines of the part of this type, as they stand.
fn part(message: &Message<'_>, kind: &str) -> String {
    let found = message.parts.iter().find(|part| {
        part.content_type()
            .is_some_and(|found| format!("{}/{}", found.ctype(), found.subtype().unwrap_or_default()) == kind)
    });
    let found = found.unwrap_or_else(|| panic!("no {kind}"));
    let body = found.raw_body_offset() as usize..found.raw_end_offset() as usize;
    String::from_utf8_lossy(&message.raw_message[body]).into_owned()
}

fn header<'a>(message: &'a Message<'_>, name: &'static str) -> Option<&'a str> {
    message.header_raw(name).map(str::trim)
}

#[test]
fn a_bounce_of_a_server_that_knows_rfc_3464_says_who_what_and_why() {
    for server in [Server::Postfix, Server::Exchange] {
        for language in LANGUAGES {
            for (trouble, statuses) in [
                (Trouble::Unknown, ["5.1.1", "5.1.10"]),
                (Trouble::Full, ["4.2.2", "5.2.2"]),
                (Trouble::Blocked, ["5.7.1", "5.7.1"]),
            ] {
                let about = about(server, language);
                let incoming = notices::bounce(&about, at(), (trouble, Stage::Failed), start(), HEAD);
                assert_eq!(incoming.to, "bounce+m1@kiosk.example");
                let message = parsed(&incoming);
                let kind = message.content_type().unwrap();
                assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("report")));
                assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
                let status = part(&message, "message/delivery-status");
                let line = |name: &str| {
                    let found = status
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                    found
                        .unwrap_or_else(|| panic!("no {name} in {status}"))
                        .trim()
                        .to_owned()
                };
                assert_eq!(line("Final-Recipient"), "rfc822;ada.smith.7@example.com");
                assert_eq!(line("Action"), "failed");
                assert_eq!(line("Status"), statuses[usize::from(server == Server::Exchange)]);
                assert!(line("Diagnostic-Code").contains(&line("Status")));
                assert!(
                    status.contains("\r\n\r\n"),
                    "the message's and the recipient's fields are apart"
                );
                let kind = if server == Server::Exchange {
                    "message/rfc822"
                } else {
                    "text/rfc822-headers"
                };
                assert!(part(&message, kind).contains("Message-ID: <m1@kiosk.example>"));
                assert_eq!(header(&message, "Return-Path"), Some("<>"));
                assert!(header(&message, "Auto-Submitted").is_some());
            }
        }
    }
}

#[test]
fn a_notice_of_a_delay_says_that_it_is_still_tried_and_until_when() {
    let about = about(Server::Postfix, Language::English);
    let incoming = notices::bounce(&about, at(), (Trouble::Full, Stage::Delayed), start(), HEAD);
    let status = part(&parsed(&incoming), "message/delivery-status");
    assert!(status.contains("Action: delayed\r\n") && status.contains("Status: 4.2.2\r\n"));
    assert!(status.contains("Will-Retry-Until: Sun, 8 Mar 2026 08:00:00 +0000"));
    assert!(status.contains("Arrival-Date: Tue, 3 Mar 2026 08:00:00 +0000"));
}

#[test]
fn qmail_tells_it_in_text_with_the_mail_below_a_line() {
    let about = about(Server::Qmail, Language::German);
    for (trouble, code) in [
        (Trouble::Unknown, "5.1.1"),
        (Trouble::Full, "4.2.2"),
        (Trouble::Blocked, "5.7.1"),
    ] {
        let incoming = notices::bounce(&about, at(), (trouble, Stage::Failed), start(), HEAD);
        let message = parsed(&incoming);
        let text = message.body_text(0).unwrap();
        assert!(text.starts_with("Hi. This is the qmail-send program at mail.kiosk.example."));
        let (notice, copy) = text
            .split_once("--- Below this line is a copy of the message.")
            .unwrap();
        assert!(notice.contains("\n<ada.smith.7@example.com>:") && notice.contains(code));
        assert_eq!(notice.contains("not going to try again"), code == "4.2.2");
        assert!(copy.contains("Message-ID: <m1@kiosk.example>"));
    }
}

#[test]
fn a_complaint_is_a_feedback_report_that_returns_the_headers() {
    for server in SERVERS {
        let about = about(server, Language::English);
        let message = notices::complaint(&about, at(), HEAD);
        let message = parsed(&message);
        let kind = message.content_type().unwrap();
        assert_eq!(kind.attribute("report-type"), Some("feedback-report"));
        let report = part(&message, "message/feedback-report");
        for field in [
            "Feedback-Type: abuse",
            "Version: 1",
            "User-Agent: ",
            "Original-Mail-From: <bounce+m1@kiosk.example>",
        ] {
            assert!(report.contains(field), "{field}");
        }
        let discreet = server == Server::Exchange;
        assert_eq!(
            report.contains("Original-Rcpt-To: <ada.smith.7@example.com>"),
            !discreet
        );
        let returned = part(
            &message,
            if discreet {
                "message/rfc822"
            } else {
                "text/rfc822-headers"
            },
        );
        assert!(returned.contains("Message-ID: <m1@kiosk.example>"));
        assert_eq!(returned.contains("ada.smith.7@example.com"), !discreet);
    }
}

#[test]
fn automatic_replies_say_that_they_are_and_name_message_and_day() {
    let back = "2026-03-17".parse().unwrap();
    let days = [
        "17 March 2026",
        "17/03/2026",
        "17. März 2026",
        "17.03.2026",
        "17 mars 2026",
        "17/03/2026",
    ];
    for server in SERVERS {
        for (n, language) in LANGUAGES.into_iter().enumerate() {
            let about = about(server, language);
            let absence = notices::out_of_office(&about, at(), back);
            let message = parsed(&absence);
            let text = message.body_text(0).unwrap();
            assert!(
                days[n * 2..n * 2 + 2].iter().any(|day| text.contains(day)),
                "{text}"
            );
            let left = notices::left_company(&about, at());
            for message in [message, parsed(&left)] {
                assert!(header(&message, "Auto-Submitted").unwrap().starts_with("auto-"));
                assert_eq!(header(&message, "In-Reply-To"), Some("<m1@kiosk.example>"));
                assert_eq!(
                    message.to().unwrap().first().unwrap().address(),
                    Some("bounce+m1@kiosk.example")
                );
                assert!(message.subject().unwrap().ends_with("Café, neu im März"));
                assert_eq!(
                    message.from().unwrap().first().unwrap().address(),
                    Some("ada.smith.7@example.com")
                );
            }
            assert!(parsed(&left).body_text(0).unwrap().contains("info@example.com"));
        }
    }
}

#[test]
fn a_reply_of_a_person_quotes_the_mail_and_says_nothing_of_machines() {
    let quote = vec![
        "Frisch diese Woche.".to_owned(),
        "Bis bald\r\nBcc: x@evil.example".to_owned(),
    ];
    for server in SERVERS {
        for language in LANGUAGES {
            let incoming = notices::reply(&about(server, language), at(), "Liefert ihr auch? Grüße", &quote);
            let message = parsed(&incoming);
            assert_eq!(incoming.to, "answers@kiosk.example");
            for name in ["Auto-Submitted", "Precedence", "Bcc", "List-Id"] {
                assert_eq!(message.header_raw(name), None, "{name}");
            }
            assert_eq!(header(&message, "References"), Some("<m1@kiosk.example>"));
            assert_eq!(header(&message, "Return-Path"), Some("<ada.smith.7@example.com>"));
            let text = message.body_text(0).unwrap();
            assert!(text.starts_with("Liefert ihr auch? Grüße"));
            let quoted = if server == Server::Exchange {
                "\nFrisch diese"
            } else {
                "\n> Frisch diese"
            };
            assert!(text.replace("\r\n", "\n").contains(quoted), "{text}");
            assert!(text.contains("hello@kiosk.example"));
            let html = message
                .parts
                .iter()
                .any(|part| matches!(part.body, PartType::Html(_)));
            assert_eq!(html, server == Server::Exchange);
        }
    }
}

#[test]
fn an_opt_out_by_mail_goes_where_the_header_says_with_its_words() {
    let mailto = Mailto {
        to: "leave+t@kiosk.example".into(),
        subject: "unsubscribe t".into(),
        body: String::new(),
    };
    let incoming = notices::unsubscribe(&about(Server::Qmail, Language::French), at(), &mailto);
    let message = parsed(&incoming);
    assert_eq!(incoming.to, "leave+t@kiosk.example");
    assert_eq!(message.subject(), Some("unsubscribe t"));
    assert_eq!(message.body_text(0).unwrap().trim(), "unsubscribe");
}

#[test]
fn no_word_of_a_hostile_mail_adds_a_header_or_a_part() {
    let evil = "x\r\nBcc: all@evil.example\r\n\r\n<script>\0";
    let mut about = about(Server::Exchange, Language::English);
    about.subject = evil.into();
    about.from_name = format!("\"{evil}\\");
    about.message_id = format!("m1@kiosk.example>{evil}");
    (about.from, about.reply_to) = (evil.into(), format!("{evil}@evil.example"));
    let mailto = Mailto {
        to: format!("{evil}@evil.example"),
        subject: evil.into(),
        body: evil.into(),
    };
    for server in SERVERS {
        about.server = server;
        let all = [
            notices::bounce(&about, at(), (Trouble::Unknown, Stage::Failed), start(), evil),
            notices::complaint(&about, at(), evil),
            notices::out_of_office(&about, at(), "2026-04-01".parse().unwrap()),
            notices::left_company(&about, at()),
            notices::reply(&about, at(), evil, &[evil.to_owned()]),
            notices::unsubscribe(&about, at(), &mailto),
        ];
        for incoming in &all {
            let message = parsed(incoming);
            assert_eq!(message.header_raw("Bcc"), None);
            assert!(message.headers().len() < 20);
        }
    }
}
