//! What a reply means, by the dated rules in `assets/rules/smtp_replies.json`.

use super::{Phase, Reply};
use crate::glob::matches;
use carillon_model::message::FailureClass;
use serde::Deserialize;
use std::sync::LazyLock;

/// The rules of a file, in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the date is for people and for a test")
    )]
    dated: String,
    #[expect(dead_code, reason = "for people")]
    about: String,
    rules: Vec<Rule>,
}

/// One rule: all conditions that are given must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[cfg_attr(not(test), expect(dead_code, reason = "a name for people and for a test"))]
    id: String,
    class: FailureClass,
    #[serde(default)]
    phases: Vec<Phase>,
    #[serde(default)]
    basic: Vec<String>,
    #[serde(default)]
    enhanced: Vec<String>,
    #[serde(default)]
    text: Vec<String>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the source is for people and for a test")
    )]
    source: String,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/smtp_replies.json"
    ));
    serde_json::from_str(text).expect("the embedded rules are read by a test")
});

/// The class of a refusal. Where no rule speaks, it is the sender's fault, so that nobody is suppressed by mistake.
pub(super) fn classify(phase: Phase, reply: &Reply) -> FailureClass {
    decide(phase, reply).map_or(FailureClass::Sender, |rule| rule.class)
}

fn decide(phase: Phase, reply: &Reply) -> Option<&'static Rule> {
    let basic = reply.code.to_string();
    let enhanced = reply.enhanced.map(|e| e.to_string());
    let text = reply.text().to_lowercase();
    RULES.rules.iter().find(|rule| {
        (rule.phases.is_empty() || rule.phases.contains(&phase))
            && (rule.basic.is_empty() || rule.basic.iter().any(|p| matches(p, &basic)))
            && (rule.enhanced.is_empty()
                || enhanced
                    .as_ref()
                    .is_some_and(|e| rule.enhanced.iter().any(|p| matches(p, e))))
            && (rule.text.is_empty() || rule.text.iter().any(|word| has_word(&text, word)))
    })
}

/// Short words (`spf`, `rbl`) must stand alone; longer ones may be part of another.
fn has_word(text: &str, word: &str) -> bool {
    if word.len() > 3 {
        return text.contains(word);
    }
    text.split(|c: char| !c.is_alphanumeric())
        .any(|part| part == word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::super::reply::ReplyReader;
    use super::*;
    use FailureClass::*;

    fn class(phase: Phase, line: &str) -> FailureClass {
        let reply = ReplyReader::default().line(line.as_bytes()).unwrap().unwrap();
        classify(phase, &reply)
    }

    #[test]
    fn every_rule_is_sourced_named_once_and_lower_case() {
        assert_eq!(RULES.dated.len(), 10);
        for (n, rule) in RULES.rules.iter().enumerate() {
            assert!(!rule.source.is_empty(), "{}", rule.id);
            assert!(
                RULES.rules.iter().skip(n + 1).all(|other| other.id != rule.id),
                "{}",
                rule.id
            );
            assert!(
                rule.text.iter().all(|word| *word == word.to_lowercase()),
                "{}",
                rule.id
            );
        }
    }

    #[test]
    fn replies_that_real_servers_give_mean_what_the_law_says() {
        let cases = [
            (
                Phase::Rcpt,
                "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown",
                Recipient,
            ),
            (
                Phase::Dot,
                "550-5.1.1 The email account that you tried to reach does not exist",
                Recipient,
            ),
            (
                Phase::Rcpt,
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
                Recipient,
            ),
            (Phase::Rcpt, "550 No such user here", Recipient),
            (Phase::Rcpt, "550 5.2.1 mailbox disabled", Recipient),
            (Phase::Rcpt, "551 5.1.6 moved", Recipient),
            (
                Phase::Rcpt,
                "552 5.2.2 The email account that you tried to reach is over quota",
                Transient,
            ),
            (Phase::Rcpt, "452 4.2.2 mailbox full", Transient),
            (Phase::Dot, "554 Mailbox full", Transient),
            (
                Phase::Dot,
                "550 5.7.515 Access denied, sending domain does not meet the required level",
                Sender,
            ),
            (
                Phase::Dot,
                "550-5.7.26 Unauthenticated email is not accepted due to DMARC policy",
                Sender,
            ),
            (
                Phase::Rcpt,
                "554 5.7.1 <x@example.com>: Relay access denied",
                Sender,
            ),
            (Phase::Rcpt, "550 5.7.1 user unknown to this policy", Sender),
            (Phase::Rcpt, "554 Blocked by Spamhaus", Sender),
            (Phase::Rcpt, "550 SPF check failed", Sender),
            (Phase::Rcpt, "554 transaction failed", Sender),
            (Phase::Rcpt, "503 5.5.1 bad sequence", Sender),
            (Phase::Mail, "553 5.1.8 sender domain does not exist", Sender),
            (Phase::Mail, "550 sender domain does not exist", Sender),
            (Phase::Mail, "552 5.3.4 Message size exceeds fixed limit", Sender),
            (
                Phase::Dot,
                "554 Message rejected: Email address is not verified.",
                Sender,
            ),
            (
                Phase::Rcpt,
                "550 Sender address rejected: domain does not exist",
                Sender,
            ),
            (Phase::Dot, "550 no", Sender),
            (
                Phase::Rcpt,
                "450 4.7.1 Client host rejected: cannot find your reverse hostname",
                Throttled,
            ),
            (Phase::Mail, "421 4.7.28 unusual rate of mail", Throttled),
            (Phase::Dot, "421 4.3.2 shutting down", Throttled),
            (
                Phase::Dot,
                "454 Throttling failure: Maximum sending rate exceeded.",
                Throttled,
            ),
            (
                Phase::Mail,
                "550 5.4.5 Daily user sending limit exceeded",
                Throttled,
            ),
            (
                Phase::Dot,
                "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
                Throttled,
            ),
            (
                Phase::Rcpt,
                "450 4.7.1 Greylisted, see http://postgrey.example/",
                Transient,
            ),
            (Phase::Rcpt, "451 4.3.0 try later", Transient),
            (
                Phase::Rcpt,
                "450 4.2.1 The user is receiving mail at a rate that",
                Transient,
            ),
            (Phase::Auth, "535 5.7.8 Username and Password not accepted", Auth),
            (
                Phase::Auth,
                "534-5.7.9 Application-specific password required",
                Auth,
            ),
            (
                Phase::Auth,
                "454 4.7.0 Temporary authentication failure",
                Transient,
            ),
            (
                Phase::Auth,
                "454 4.7.0 Too many login attempts, please try again later",
                Throttled,
            ),
            (Phase::Auth, "504 5.5.4 mechanism not supported", Setup),
            (Phase::Mail, "530 5.7.0 Authentication Required", Auth),
            (Phase::Greeting, "554 no SMTP service here", Setup),
            (Phase::Greeting, "554 5.7.1 blocked", Sender),
            (Phase::Greeting, "421 busy", Throttled),
            (Phase::Starttls, "454 TLS not available", Transient),
            (Phase::Ehlo, "502 not implemented", Setup),
        ];
        for (phase, line, expected) in cases {
            let line = line.replacen("550-", "550 ", 1).replacen("534-", "534 ", 1);
            assert_eq!(class(phase, &line), expected, "{phase:?}: {line}");
        }
    }

    #[test]
    fn only_words_about_the_mailbox_let_an_address_be_suppressed() {
        for phase in [
            Phase::Greeting,
            Phase::Ehlo,
            Phase::Starttls,
            Phase::Auth,
            Phase::Mail,
        ] {
            for code in 400..=599 {
                for enhanced in ["", "5.1.1 ", "5.1.3 ", "4.1.1 "] {
                    let found = class(phase, &format!("{code} {enhanced}user unknown"));
                    assert_ne!(found, Recipient, "{phase:?} {code} {enhanced}");
                }
            }
        }
    }

    #[test]
    fn a_short_word_must_stand_alone() {
        assert!(has_word("550 spf fail", "spf"));
        assert!(!has_word("garbled", "rbl"));
        assert!(has_word("a greylisting b", "greylist"));
    }
}
