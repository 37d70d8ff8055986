//! The classifier of incoming mail against notices of many systems, and against bytes that are no mail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "mailbox/doubts.rs"]
mod doubts;
#[path = "mailbox/said.rs"]
mod said;

use carillon_adapters::mailbox::notice::{Action, AutoReply, Class, Kind, Notice, Recipient, Rules, read};
use carillon_model::Moment;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mailbox/notices")
}

fn now() -> Moment {
    "2027-01-04T12:00:00Z".parse().unwrap()
}

fn notice(raw: impl AsRef<[u8]>) -> Notice {
    read(raw.as_ref(), Rules::embedded(), now())
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.eml"))).unwrap()
}

/// Each mail and, in one line, what it says.
static EXPECTED: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
});

fn reported(kind: &str, recipients: &[Recipient]) -> String {
    let class = match recipients.first().and_then(|r| r.class) {
        Some(Class::Hard) => "hard",
        Some(Class::Soft) => "soft",
        Some(Class::Block) => "block",
        None => "-",
    };
    let addresses: Vec<_> = recipients.iter().map(|r| r.address.as_str()).collect();
    format!("{kind} {class} {}", addresses.join(","))
}

fn line(notice: &Notice) -> String {
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    match &notice.kind {
        Kind::Bounce(report) => reported("bounce", &report.recipients),
        Kind::Delayed(report) => reported("delayed", &report.recipients),
        Kind::Delivered(report) => reported("delivered", &report.recipients),
        Kind::Complaint(c) => format!("complaint {} {}", c.feedback_type, c.recipients.join(",")),
        Kind::Receipt {
            disposition,
            recipient,
        } => format!("receipt {disposition} {}", or_dash(recipient)),
        Kind::Unsubscribe { token } => format!("unsubscribe {}", or_dash(token)),
        Kind::AutoReply(AutoReply::OutOfOffice {
            returns_on,
            replacement,
        }) => {
            let day = returns_on.map_or("-".to_owned(), |day| day.to_string());
            format!("out_of_office {day} {}", or_dash(replacement))
        }
        Kind::AutoReply(AutoReply::LeftCompany { replacement }) => {
            format!("left_company {}", or_dash(replacement))
        }
        Kind::AutoReply(AutoReply::AddressChanged { new }) => format!("address_changed {}", or_dash(new)),
        Kind::AutoReply(AutoReply::Other) => "auto_reply".to_owned(),
        Kind::Challenge => "challenge".to_owned(),
        Kind::Reply { .. } => "reply".to_owned(),
        Kind::Other => "other".to_owned(),
    }
}

#[test]
fn every_mail_of_the_collection_says_what_stands_beside_it() {
    let wrong: Vec<String> = EXPECTED
        .iter()
        .filter_map(|(name, wanted)| {
            let got = line(&notice(fixture(name)));
            (got != *wanted).then(|| format!("{name}: wanted {wanted}, got {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(EXPECTED.len() >= 319);
}

#[test]
fn line_ends_of_every_system_make_no_difference() {
    for (name, wanted) in EXPECTED.iter() {
        let text = String::from_utf8(fixture(name)).unwrap();
        assert_eq!(
            line(&notice(text.replace('\n', "\r\n"))),
            *wanted,
            "{name} with CRLF"
        );
        let mbox = format!("From MAILER-DAEMON Mon Jan  4 10:00:00 2027\n{text}");
        assert_eq!(line(&notice(mbox)), *wanted, "{name} in an mbox");
    }
}

#[test]
fn a_bounce_names_the_message_it_is_about() {
    for name in [
        "dsn-postfix-unknown",
        "dsn-headers-only",
        "qmail",
        "exim",
        "exchange-ja",
        "arf-abuse",
        "mdn",
        "sieve-reject",
        "reply",
    ] {
        let found = notice(fixture(name));
        assert!(
            found.references.iter().any(|id| id == "tok123.abc@shop.example"),
            "{name}: {:?}",
            found.references
        );
    }
}

#[test]
fn the_address_a_notice_was_delivered_to_is_kept_for_matching() {
    let found = notice(fixture("qmail"));
    assert!(
        found
            .delivered_to
            .iter()
            .any(|to| to == "news+t4711@shop.example")
    );
}

#[test]
fn recipients_of_one_report_keep_their_own_action_and_class() {
    let Kind::Bounce(report) = notice(fixture("dsn-three")).kind else {
        panic!("a report with one failure is a bounce");
    };
    let actions: Vec<_> = report.recipients.iter().map(|r| (r.action, r.class)).collect();
    assert_eq!(
        actions,
        [
            (Action::Failed, Some(Class::Hard)),
            (Action::Delayed, None),
            (Action::Delivered, None)
        ]
    );
    let Kind::Bounce(report) = notice(fixture("qmail-full")).kind else {
        panic!("a failure notice is a bounce");
    };
    let classes: Vec<_> = report.recipients.iter().map(|r| r.class).collect();
    assert_eq!(classes, [Some(Class::Soft), Some(Class::Hard)]);
    assert_eq!(report.recipients[1].status.as_deref(), Some("5.1.1"));
}

#[test]
fn a_forwarder_is_told_from_whom_we_wrote_to() {
    let Kind::Bounce(report) = notice(fixture("dsn-forwarded")).kind else {
        panic!("it is a bounce");
    };
    assert_eq!(
        report.recipients[0].final_address.as_deref(),
        Some("other@far.example")
    );
}

#[test]
fn every_failure_names_the_rule_that_decided() {
    let known: Vec<_> = Rules::embedded().origins.iter().map(|o| o.id.as_str()).collect();
    for name in EXPECTED.keys() {
        if let Kind::Bounce(report) = notice(fixture(name)).kind {
            for one in report.recipients.iter().filter(|r| r.action == Action::Failed) {
                assert!(known.contains(&one.rule.as_str()), "{name}: {one:?}");
            }
        }
    }
}

#[test]
fn only_not_spam_and_machine_reports_are_complaints_without_an_objection() {
    let objects = |name: &str| match notice(fixture(name)).kind {
        Kind::Complaint(complaint) => complaint.objects(),
        other => panic!("{name} is {other:?}"),
    };
    assert!(objects("arf-abuse") && objects("arf-optout") && objects("jmrp"));
    assert!(!objects("arf-notspam"));
}

#[test]
fn what_a_person_wrote_is_kept_without_what_they_quote() {
    assert_eq!(
        notice(fixture("reply")).text,
        "Thanks, I like the blue one. How much is it?"
    );
}

#[test]
fn a_year_is_chosen_by_the_date_of_the_mail() {
    let text = |sent: &str, said: &str| {
        let raw = format!(
            "From: a@dest.example\nTo: b@shop.example\nSubject: Automatic reply: x\nAuto-Submitted: auto-replied\nDate: {sent}\n\n{said}\n"
        );
        line(&notice(raw))
    };
    let cases = [
        (
            "Mon, 21 Dec 2026 10:00:00 +0000",
            "I am back on 4 January.",
            "out_of_office 2027-01-04 -",
        ),
        (
            "Mon, 4 Jan 2027 10:00:00 +0000",
            "Ich bin ab 5.2. wieder da.",
            "out_of_office 2027-02-05 -",
        ),
        (
            "Mon, 4 Jan 2027 10:00:00 +0000",
            "I am away from 5 January to 20 January.",
            "out_of_office 2027-01-20 -",
        ),
        (
            "Mon, 4 Jan 2027 10:00:00 +0000",
            "I am away, back on 2027-02-30.",
            "out_of_office - -",
        ),
    ];
    for (sent, said, wanted) in cases {
        assert_eq!(text(sent, said), wanted, "{said}");
    }
}

#[test]
fn a_mail_of_fifty_megabytes_is_read_at_its_beginning() {
    let mut raw = fixture("dsn-postfix-unknown");
    raw.extend(
        std::iter::repeat_n(b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n".as_slice(), 1_400_000).flatten(),
    );
    let found = notice(&raw);
    assert!(found.truncated);
    assert_eq!(line(&found), EXPECTED["dsn-postfix-unknown"]);
}

#[test]
fn nests_without_end_are_read_without_end_of_the_stack() {
    let rfc822 = "Content-Type: message/rfc822\n\n".repeat(50_000);
    let mut multipart = String::new();
    for n in 0..20_000 {
        multipart.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"
        ));
    }
    let missing = format!(
        "Content-Type: multipart/mixed; boundary=p\n\n{}",
        "--p\nContent-Type: multipart/mixed; boundary=q\n\n".repeat(20_000)
    );
    let brackets = format!(
        "From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n{}",
        "<a@".repeat(100_000)
    );
    let ats = format!(
        "From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n{}",
        "a@b.example ".repeat(50_000)
    );
    for hostile in [rfc822, multipart, missing, brackets, ats] {
        let found = notice(hostile);
        assert!(found.references.len() <= 50 && found.text.chars().count() <= 4000);
    }
}

fn bounded(found: &Notice) -> bool {
    let recipients = match &found.kind {
        Kind::Bounce(r) | Kind::Delayed(r) | Kind::Delivered(r) => r.recipients.len(),
        _ => 0,
    };
    recipients <= 100
        && found.references.len() <= 50
        && found.delivered_to.len() <= 20
        && found.subject.chars().count() <= 401
        && !found.subject.chars().any(char::is_control)
        && found.text.chars().count() <= 4000
        && serde_json::to_string(found).is_ok()
}

/// One fixture with pieces cut, doubled, swapped and overwritten.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<String> = EXPECTED.keys().cloned().collect();
    let change = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        0u8..6,
    );
    (prop::sample::select(names), prop::collection::vec(change, 1..8)).prop_map(|(name, changes)| {
        let mut raw = fixture(&name);
        for (a, b, byte, how) in changes {
            let (a, b) = (a.index(raw.len().max(1)), b.index(raw.len().max(1)));
            let (low, high) = (a.min(b), a.max(b).min(raw.len()));
            match how {
                0 if low < raw.len() => raw[low] = byte,
                1 => raw.truncate(high),
                2 => drop(raw.drain(low..high.min(low + 60))),
                3 => raw = [&raw[..high], &raw[low..]].concat(),
                4 => raw.insert(low, b'\n'),
                _ => raw.extend_from_slice("é@日本.example <x@".as_bytes()),
            }
        }
        raw
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_bytes_are_read(raw in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(bounded(&notice(&raw)));
    }

    #[test]
    fn damaged_notices_are_read(raw in mutated()) {
        prop_assert!(bounded(&notice(&raw)));
    }

    #[test]
    fn text_that_only_looks_like_mail_is_read(raw in r"(From|To|Subject|Date|Content-Type|Final-Recipient|Action|Status|Message-ID|X-Failed-Recipients): [ -~\n\u{e9}\u{4e00}]{0,80}(\n|\r\n)([ -~\n]{0,400})") {
        prop_assert!(bounded(&notice(&raw)));
    }

    #[test]
    fn a_reply_of_a_person_is_never_a_bounce_whatever_they_quote(words in "[a-z ]{10,80}", name in prop::sample::select(EXPECTED.keys().filter(|n| n.starts_with("dsn-")).cloned().collect::<Vec<_>>())) {
        let quoted: String = String::from_utf8(fixture(&name)).unwrap().lines().map(|l| format!("> {l}\n")).collect();
        let raw = format!("From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: Re: Undelivered Mail Returned to Sender\nIn-Reply-To: <tok123.abc@shop.example>\n\n{words}\n\n{quoted}");
        let found = notice(raw);
        let is_notice = matches!(found.kind, Kind::Bounce(_) | Kind::Delayed(_) | Kind::Delivered(_));
        prop_assert!(!is_notice, "{:?}", found.kind);
    }

    #[test]
    fn the_digits_of_our_own_unsubscribe_address_come_back(token in "[0-9a-f]{32}", upper in any::<bool>(), prefix in prop::sample::select(vec!["", "Re: ", "AW: "])) {
        let said = if upper { token.to_uppercase() } else { token.clone() };
        let found = notice(format!("From: a@dest.example\nTo: news@shop.example\nSubject: {prefix}unsubscribe {said}\n\n\n"));
        prop_assert_eq!(found.kind, Kind::Unsubscribe { token: Some(token) });
    }
}
