//! Complaints (RFC 5965 and providers' own forms) and receipts (RFC 8098).

use super::address::{self, of_field};
use super::envelope::Facts;
use super::mime::Mail;
use super::original;
use super::rules::{Rules, Sign};
use super::{Complaint, Kind};
use crate::failure::one_line;

const MOST_RECIPIENTS: usize = 20;

/// A complaint, if the message is one.
pub(super) fn read(mail: &Mail, facts: &Facts, rules: &Rules) -> Option<Complaint> {
    let part = mail
        .parts
        .iter()
        .find(|part| part.depth == 0 && part.kind == "message/feedback-report");
    let typed = mail.report_type == "feedback-report";
    let in_text = || {
        mail.parts
            .iter()
            .find(|part| part.depth == 0 && field(&part.text, "feedback-type").is_some())
    };
    let report = part.or_else(|| {
        if typed || !facts.is_reply_subject {
            in_text()
        } else {
            None
        }
    });
    if let Some(report) = report {
        return Some(of_report(&report.text, mail, facts));
    }
    let said = !facts.is_reply_subject
        && rules
            .sign(&facts.subject_hits, Sign::Feedback)
            .is_some_and(|(start, _)| start <= 12);
    // Microsoft's programme returns the message with the address of who complained in a field of its own.
    let marked = mail
        .enclosed
        .iter()
        .any(|(_, head)| head.has("x-hmxmroriginalrecipient"));
    let returned = !mail.enclosed.is_empty() || facts.copied.is_some();
    if typed || marked || (said && returned) {
        return Some(Complaint {
            feedback_type: "abuse".to_owned(),
            recipients: complainers(mail, facts),
            original_mail_from: None,
            reporter: facts.from.clone(),
        });
    }
    None
}

fn of_report(text: &str, mail: &Mail, facts: &Facts) -> Complaint {
    let mut recipients: Vec<String> = Vec::new();
    for name in [
        "original-rcpt-to",
        "removal-recipient",
        "x-hmxmroriginalrecipient",
    ] {
        for value in fields(text, name).take(MOST_RECIPIENTS) {
            push(&mut recipients, address::of_report(value, false));
        }
    }
    if recipients.is_empty() {
        recipients = complainers(mail, facts);
    }
    Complaint {
        feedback_type: field(text, "feedback-type")
            .map(|kind| one_line(kind).to_lowercase())
            .unwrap_or_else(|| "abuse".to_owned()),
        recipients,
        original_mail_from: field(text, "original-mail-from")
            .and_then(|value| address::of_report(value, false)),
        reporter: field(text, "user-agent").map(one_line),
    }
}

/// Whom the returned message was for.
fn complainers(mail: &Mail, facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    let heads = mail
        .enclosed
        .iter()
        .map(|(_, head)| head)
        .chain(facts.copied.as_ref());
    for head in heads {
        for name in ["x-hmxmroriginalrecipient", "x-original-recipient"] {
            push(&mut found, head.get(name).and_then(of_field));
        }
    }
    if found.is_empty() {
        found = original::recipients(mail, facts.copied.as_ref());
    }
    found.truncate(MOST_RECIPIENTS);
    found
}

fn push(list: &mut Vec<String>, address: Option<String>) {
    if let Some(address) = address
        && !list.iter().any(|known| address::same(known, &address))
        && list.len() < MOST_RECIPIENTS
    {
        list.push(address);
    }
}

/// A disposition notification.
pub(super) fn receipt(mail: &Mail) -> Option<Kind> {
    let part = mail
        .parts
        .iter()
        .find(|part| part.depth == 0 && part.kind.contains("disposition-notification"));
    let part = match part {
        Some(part) => part,
        None if mail.report_type == "disposition-notification" => mail
            .parts
            .iter()
            .find(|part| part.depth == 0 && field(&part.text, "disposition").is_some())?,
        None => return None,
    };
    let disposition = field(&part.text, "disposition").unwrap_or("");
    let kind = disposition
        .rsplit(';')
        .next()
        .unwrap_or("")
        .split('/')
        .next()
        .unwrap_or("")
        .trim();
    let recipient = field(&part.text, "original-recipient").or_else(|| field(&part.text, "final-recipient"));
    Some(Kind::Receipt {
        disposition: one_line(kind).to_lowercase(),
        recipient: recipient.and_then(|value| address::of_report(value, true)),
    })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    fields(text, name).next()
}

fn fields<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    text.lines().take(2000).filter_map(move |line| {
        let (key, value) = line.split_once(':')?;
        key.trim_end().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
