//! Messages as they go on the wire, read back by another parser.
#![allow(clippy::unwrap_used)]

use carillon_render::address::{clean_name, other_domain};
use carillon_render::{
    ComposeError, Envelope, ListId, Mailbox, Rendered, VerifyError, compose, verify_bytes,
};
use mail_parser::{HeaderValue, MessageParser};
use proptest::prelude::*;

fn mailbox(name: &str, email: &str) -> Mailbox {
    Mailbox {
        name: name.into(),
        email: email.into(),
    }
}

fn envelope() -> Envelope {
    Envelope {
        from: mailbox("Ember & Oak", "hello@ember.example"),
        to: mailbox("Ada Lovelace", "ada@example.com"),
        reply_to: Some(mailbox("", "replies@ember.example")),
        date: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        message_id: "k3v9q2@ember.example".into(),
        list_id: Some(ListId {
            name: "Café news".into(),
            id: "news.ember.example".into(),
        }),
        unsubscribe_https: Some("https://ember.example/u/abc".into()),
        unsubscribe_mailto: Some("mailto:leave@ember.example?subject=abc".into()),
        feedback_id: Some("welcome:journey:ember:carillon".into()),
    }
}

fn content(subject: &str, text: &str, html: &str) -> Rendered {
    Rendered {
        subject: subject.into(),
        preheader: String::new(),
        html: html.into(),
        text: text.into(),
        missing: Vec::new(),
    }
}

fn plain() -> Rendered {
    content("Hello", "Hello there", "<p>Hello there</p>")
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .trim_end_matches('\n')
        .to_owned()
}

#[test]
fn a_message_has_every_header_once_and_both_parts() {
    let bytes = compose(&envelope(), &plain()).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    for header in [
        "From: =?utf-8?b?RW1iZXIgJiBPYWs=?= <hello@ember.example>\r\n",
        "To: \"Ada Lovelace\" <ada@example.com>\r\n",
        "Reply-To: replies@ember.example\r\n",
        "Subject: Hello\r\n",
        "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n",
        "Message-ID: <k3v9q2@ember.example>\r\n",
        "<news.ember.example>\r\n",
        "List-Unsubscribe: <https://ember.example/u/abc>,\r\n <mailto:leave@ember.example?subject=abc>\r\n",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        "Feedback-ID: welcome:journey:ember:carillon\r\n",
        "MIME-Version: 1.0\r\n",
    ] {
        assert_eq!(text.matches(header).count(), 1, "{header}\n{text}");
    }
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(message.text_body_count(), 1);
    assert_eq!(message.html_body_count(), 1);
    assert_eq!(
        compose(&envelope(), &plain()).unwrap(),
        bytes,
        "the same arguments give the same bytes"
    );
}

#[test]
fn one_click_stands_only_beside_an_https_address() {
    let mut envelope = envelope();
    envelope.unsubscribe_https = None;
    let text = String::from_utf8(compose(&envelope, &plain()).unwrap()).unwrap();
    assert!(text.contains("List-Unsubscribe: <mailto:") && !text.contains("One-Click"));
    envelope.unsubscribe_mailto = None;
    let text = String::from_utf8(compose(&envelope, &plain()).unwrap()).unwrap();
    assert!(!text.contains("List-Unsubscribe"));
    // The relay of whoever practises, on this machine.
    envelope.unsubscribe_https = Some("http://127.0.0.1:8787/u/abc".into());
    let text = String::from_utf8(compose(&envelope, &plain()).unwrap()).unwrap();
    assert!(
        text.contains("List-Unsubscribe: <http://127.0.0.1:8787/u/abc>\r\n") && text.contains("One-Click")
    );
}

#[test]
fn what_cannot_be_sent_is_refused_with_its_reason() {
    let change = |edit: &dyn Fn(&mut Envelope)| {
        let mut envelope = envelope();
        edit(&mut envelope);
        compose(&envelope, &plain()).unwrap_err()
    };
    assert!(matches!(
        change(&|e| e.to.email = "müller@example.com".into()),
        ComposeError::Address("To", _)
    ));
    assert!(matches!(
        change(&|e| e.to.email = "a@b.test, c@d.test".into()),
        ComposeError::Address("To", _)
    ));
    assert!(matches!(
        change(&|e| e.from.email = "a@b.test\r\nBcc: x@y.test".into()),
        ComposeError::Address("From", _)
    ));
    assert_eq!(
        change(&|e| e.message_id = "a b@c.test".into()),
        ComposeError::Header("Message-ID")
    );
    assert_eq!(
        change(&|e| e.message_id = "a@c.test>\r\nBcc: <x@y.test".into()),
        ComposeError::Header("Message-ID")
    );
    for plain in [
        "http://x.test/",
        "http://127.0.0.1:80@x.test/",
        "http://127.0.0.1.x.test/",
        "http://127.0.0.1:",
    ] {
        assert_eq!(
            change(&|e| e.unsubscribe_https = Some(plain.into())),
            ComposeError::Header("List-Unsubscribe"),
            "{plain}"
        );
    }
    assert_eq!(
        change(&|e| e.unsubscribe_https = Some("https://x.test/>\r\nX: y".into())),
        ComposeError::Header("List-Unsubscribe")
    );
    assert_eq!(
        change(&|e| e.feedback_id = Some("a\r\nX: y".into())),
        ComposeError::Header("Feedback-ID")
    );
    assert_eq!(
        change(&|e| e.list_id = Some(ListId {
            name: String::new(),
            id: "x y".into()
        })),
        ComposeError::Header("List-Id")
    );
    assert_eq!(
        change(&|e| e.date = chrono::DateTime::from_timestamp(-1, 0).unwrap()),
        ComposeError::Date
    );
    assert_eq!(
        compose(&envelope(), &content(" \r\n ", "t", "h")).unwrap_err(),
        ComposeError::NoSubject
    );
    assert_eq!(
        compose(&envelope(), &content("s", " \n", "h")).unwrap_err(),
        ComposeError::NoText
    );
}

#[test]
fn international_domains_go_out_as_a_labels() {
    let mut envelope = envelope();
    envelope.to.email = "info@bücher.example".into();
    let text = String::from_utf8(compose(&envelope, &plain()).unwrap()).unwrap();
    assert!(text.contains("<info@xn--bcher-kva.example>"));
}

#[test]
fn the_last_check_finds_what_is_wrong_with_bytes() {
    let good = String::from_utf8(compose(&envelope(), &plain()).unwrap()).unwrap();
    let check = |text: String| verify_bytes(text.as_bytes()).unwrap_err();
    assert!(matches!(
        check(good.replacen("Hello there", "Hello\nthere", 1)),
        VerifyError::BareBreak(_)
    ));
    assert!(matches!(
        check(good.replacen("Hello there", "Hello\rthere", 1)),
        VerifyError::BareBreak(_)
    ));
    assert!(matches!(
        check(good.replacen("Hello there", "Hellö there", 1)),
        VerifyError::Byte(_)
    ));
    assert!(matches!(
        check(good.replacen("Hello there", "Hello\0there", 1)),
        VerifyError::Byte(_)
    ));
    assert!(matches!(
        check(good.replacen("Hello there", &"x".repeat(999), 1)),
        VerifyError::LongLine(_)
    ));
    assert_eq!(
        check(good.replacen("Subject: Hello", "Subject: Hello\r\nBcc: x@y.test", 1)),
        VerifyError::Unknown("bcc".into())
    );
    assert_eq!(
        check(good.replacen("Subject: Hello", "Subject: Hello\r\nSubject: Two", 1)),
        VerifyError::Count("subject".into(), 2)
    );
    assert_eq!(
        check(good.replacen("Message-ID: <k3v9q2@ember.example>\r\n", "", 1)),
        VerifyError::Count("message-id".into(), 0)
    );
    assert_eq!(
        check(good.replacen("<ada@example.com>", "<ada@example.com>, <b@c.test>", 1)),
        VerifyError::Recipients("to".into())
    );
    assert_eq!(
        check(good.replacen("<https://ember.example/u/abc>,\r\n ", "", 1)),
        VerifyError::OneClick
    );
    assert_eq!(
        check(good.replacen("Encoding: quoted-printable", "Encoding: 7bit", 1)),
        VerifyError::Parts
    );
    assert_eq!(
        check(good.replacen("Subject: Hello\r\n", "Subject: Hello\r\n\r\n", 1)),
        VerifyError::Count("message-id".into(), 0)
    );
    assert_eq!(check(good.trim_end().to_owned()), VerifyError::NoEnd);
    assert_eq!(check("\r\n".into()), VerifyError::NoBody);
}

fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "[ -~]{0,90}",
        "\\PC{0,40}",
        prop::sample::select(vec![
            "\r\n",
            "\n",
            "\r",
            "\n.\n",
            "\r\n.\r\n",
            "\0",
            "\r\nBcc: x@y.z\r\n",
            "=?utf-8?q?=41?=",
            "=_carillon_",
            "--=_",
            "\"",
            "\\",
            ",",
            "<a@b.c>",
            "é",
            "日本語日本語日本語日本語",
            "👨\u{200d}👩\u{200d}👧",
            "\u{202e}",
            "\u{a0}",
            "\u{7f}",
            "\t",
            "   ",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

/// What a reader sees of a name or a subject: one line, single spaces, nothing unprintable.
fn as_line(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'))
        .collect();
    kept.split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_is_put_in_comes_out_the_same_and_passes_the_check(
        from in any_text(), to in any_text(), list in any_text(), subject in any_text(), text in any_text(), html in any_text()
    ) {
        // Names that show another domain are refused, which has a test of its own.
        let shows_another = other_domain(&clean_name(&from), "ember.example").is_some();
        let from = if shows_another { String::new() } else { from };
        let mut envelope = envelope();
        envelope.from.name = from.clone();
        envelope.to.name = to.clone();
        envelope.list_id = Some(ListId { name: list, id: "news.ember.example".into() });
        let content = content(&format!("x{subject}"), &format!("t{text}"), &html);
        let bytes = compose(&envelope, &content).unwrap();
        verify_bytes(&bytes).unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        prop_assert_eq!(message.subject().unwrap(), as_line(&content.subject));
        let unwelcome = |text: &str| lines(&text.replace('\0', ""));
        prop_assert_eq!(lines(&message.body_text(0).unwrap()), unwelcome(&content.text));
        prop_assert_eq!(lines(&message.body_html(0).unwrap()), unwelcome(&html));
        for (header, name, email) in [(message.from(), &from, "hello@ember.example"), (message.to(), &to, "ada@example.com")] {
            let address = header.unwrap().first().unwrap();
            prop_assert_eq!(address.address().unwrap(), email);
            let wanted: String = as_line(name).chars().take(120).collect();
            prop_assert_eq!(as_line(address.name().unwrap_or("")), as_line(&wanted));
        }
        prop_assert!(message.bcc().is_none() && message.cc().is_none());
        prop_assert!(matches!(message.header("List-Unsubscribe"), Some(HeaderValue::Address(_) | HeaderValue::Text(_) | HeaderValue::TextList(_))));
        let long = bytes.split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap();
        prop_assert!(long <= 300, "a line of {long} bytes");
    }
}

#[test]
fn a_subject_without_a_space_is_folded_all_the_same() {
    let subject = "x".repeat(400);
    let bytes = compose(&envelope(), &content(&subject, "x", "<p>x</p>")).unwrap();
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(message.subject().unwrap(), subject);
    let long = bytes.split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(long <= 79, "a line of {long} bytes");
}

#[test]
fn a_subject_that_pretends_to_answer_is_refused() {
    for subject in [
        "Re: you",
        "RE : you",
        "re[2]: you",
        "Fwd: you",
        "Aw: you",
        "Antw: x",
        "Re\u{ff1a}x",
    ] {
        let error = compose(&envelope(), &content(subject, "x", "<p>x</p>")).unwrap_err();
        assert_eq!(error, ComposeError::FalseAnswer, "{subject}");
    }
    for subject in [
        "Re",
        "Recipes: spring",
        "Read: me",
        "AW (autumn and winter)",
        "Award: you",
        "Your re: x",
        "FW26 is here",
    ] {
        assert!(
            compose(&envelope(), &content(subject, "x", "<p>x</p>")).is_ok(),
            "{subject}"
        );
    }
}

#[test]
fn a_sender_whose_name_shows_another_domain_is_refused() {
    let mut envelope = envelope();
    envelope.from.name = "service@paypal.example".into();
    let error = compose(&envelope, &plain()).unwrap_err();
    assert_eq!(error, ComposeError::OtherDomain("paypal.example".into()));
    envelope.from.name = "hello@ember.example".into();
    assert!(compose(&envelope, &plain()).is_ok());
}

#[test]
fn a_feedback_id_has_four_parts_and_a_sender_of_5_to_15_characters() {
    for id in [
        "",
        "a:b:c",
        "a:b:c:d",
        "a:b:c:sixteen-letters-",
        "a::c:sender",
        "a:b:c:d:sender",
        "a:b:c:send\u{e9}r",
        "a:b:c:sen der",
    ] {
        let mut envelope = envelope();
        envelope.feedback_id = Some(id.into());
        assert_eq!(
            compose(&envelope, &plain()).unwrap_err(),
            ComposeError::Header("Feedback-ID"),
            "{id}"
        );
    }
}

#[test]
fn a_name_with_a_dot_stands_in_quotes() {
    let mut envelope = envelope();
    envelope.from.name = "Ember.Example".into();
    envelope.to.name = "J.R.".into();
    envelope.list_id = Some(ListId {
        name: "No.1".into(),
        id: "news.ember.example".into(),
    });
    let text = String::from_utf8(compose(&envelope, &plain()).unwrap()).unwrap();
    for header in [
        "From: \"Ember.Example\" <hello@ember.example>\r\n",
        "To: \"J.R.\" <ada@example.com>\r\n",
        "List-Id: \"No.1\"\r\n <news.ember.example>\r\n",
    ] {
        assert!(text.contains(header), "{text}");
    }
}
