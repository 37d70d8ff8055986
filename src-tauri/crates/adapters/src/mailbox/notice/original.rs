//! The returned message: its header, as an enclosed message or copied into the text, and what identifies it.

use super::address;
use super::envelope::Facts;
use super::mime::{Head, Mail};
use super::rules::{Rules, Sign};
use super::status;
use super::text::plain;
use regex::Regex;
use std::sync::LazyLock;

const MOST_REFERENCES: usize = 50;

static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<([^\s<>]{1,400}@[^\s<>]{1,255})>").expect("the pattern is tested"));
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[>|\s]{0,8}([A-Za-z][A-Za-z0-9-]{1,50})[ \t]*:[ \t]?(.*)$").expect("the pattern is tested")
});

/// A header copied into a text: its fields, and the line it begins at.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub head: Head,
    pub line: usize,
    /// Some of the fields, quoted in the middle of a notice that goes on after them.
    pub summary: bool,
}

/// The first run of header fields in a text that can only be a message's header.
pub(super) fn copied(lines: &[&str]) -> Option<Copied> {
    let mut start = 0;
    while start < lines.len() {
        if FIELD.is_match(lines[start]) {
            let (fields, end) = run(lines, start);
            if is_header(&fields) {
                let sent = [
                    "received",
                    "return-path",
                    "mime-version",
                    "dkim-signature",
                    "content-type",
                    "x-mailer",
                ];
                let summary = !fields.iter().any(|(name, _)| sent.contains(&name.as_str()))
                    && lines[end..]
                        .iter()
                        .take(40)
                        .any(|line| !address::find(line).is_empty());
                // words of the notice with a colon may stand right before it
                let first = (start..end).find(|n| {
                    FIELD
                        .captures(lines[*n])
                        .is_some_and(|field| is_known(&field[1].to_ascii_lowercase()))
                });
                return Some(Copied {
                    head: Head(fields),
                    line: first.unwrap_or(start),
                    summary,
                });
            }
            start = end.max(start + 1);
        } else {
            start += 1;
        }
    }
    None
}

/// The fields from this line on, and the line after them.
pub(super) fn run(lines: &[&str], start: usize) -> (Vec<(String, String)>, usize) {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut at = start;
    while let Some(line) = lines.get(at) {
        let unquoted = line.trim_start_matches(['>', '|']);
        if unquoted.trim().is_empty() || fields.len() > 200 {
            break;
        }
        let indented = unquoted.len() - unquoted.trim_start().len();
        match FIELD.captures(line) {
            // an indented line with a colon continues a field of a block that is not indented itself
            Some(field) if fields.is_empty() || indented < 6 || !matches_time(&field[1]) => {
                fields.push((field[1].to_ascii_lowercase(), field[2].trim().to_owned()));
            }
            _ => match fields.last_mut() {
                Some((_, value)) if indented > 0 && value.len() < 8192 => {
                    value.push(' ');
                    value.push_str(unquoted.trim());
                }
                _ => break,
            },
        }
        at += 1;
    }
    (fields, at)
}

/// `09:12:33`, `by host: ...` inside a folded Received.
fn matches_time(name: &str) -> bool {
    name.len() < 3 || name.bytes().all(|b| b.is_ascii_digit())
}

/// Fields that messages have.
fn is_known(name: &str) -> bool {
    matches!(
        name,
        "received"
            | "return-path"
            | "from"
            | "to"
            | "subject"
            | "date"
            | "message-id"
            | "mime-version"
            | "content-type"
            | "reply-to"
            | "sender"
            | "x-mailer"
            | "dkim-signature"
            | "content-transfer-encoding"
            | "delivered-to"
            | "user-agent"
            | "list-unsubscribe"
            | "cc"
            | "in-reply-to"
            | "references"
    )
}

fn is_header(fields: &[(String, String)]) -> bool {
    let has = |name: &str| fields.iter().any(|(key, _)| key == name);
    let known = fields.iter().filter(|(key, _)| is_known(key)).count();
    let sure = [
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "dkim-signature",
    ];
    known >= 3 && (sure.iter().any(|name| has(name)) || (has("from") && has("date") && has("subject")))
        || (known >= 2 && has("received") && has("message-id"))
}

/// The line at which the notice ends and the returned message begins.
pub(super) fn begins(lines: &[&str], copied: Option<&Copied>, rules: &Rules) -> usize {
    let end = copied
        .filter(|c| !c.summary)
        .map_or(lines.len(), |copied| copied.line);
    for (n, line) in lines.iter().enumerate().take(end) {
        let short = line.len() < 160 && !line.trim().is_empty();
        if !short || rules.sign(&rules.look(&plain(line)), Sign::Original).is_none() {
            continue;
        }
        let ruled = line.trim_start().starts_with(['-', '=', '*', '_', '+', '#', '>']);
        let near = end < lines.len() && end - n <= 4;
        if ruled || near {
            return n;
        }
    }
    end
}

/// Every Message-ID that may be one of ours, without brackets.
pub(super) fn references(mail: &Mail, facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    for (_, head) in &mail.enclosed {
        of_head(head, &mut found);
    }
    if let Some(copied) = &facts.copied {
        of_head(copied, &mut found);
    }
    for part in &mail.parts {
        if status::is_there(&part.text) || part.kind.starts_with("message/") {
            for id in status::parse(&part.text).references {
                ids(&id, &mut found);
            }
            of_disposition(&part.text, &mut found);
        }
    }
    for name in [
        "in-reply-to",
        "references",
        "original-message-id",
        "x-original-message-id",
        "x-ms-exchange-parent-message-id",
        "x-failed-message-id",
        "x-message-id",
    ] {
        for value in mail.head.all(name) {
            ids(value, &mut found);
        }
    }
    in_text(&facts.body, &mut found);
    // programs give the returned message, or what says so in HTML, any type
    for part in mail.parts.iter().take(50) {
        in_text(&part.text, &mut found);
    }
    found.retain(|id| facts.message_id.as_ref() != Some(id));
    found.truncate(MOST_REFERENCES);
    found
}

fn of_head(head: &Head, found: &mut Vec<String>) {
    for name in [
        "message-id",
        "resent-message-id",
        "x-original-message-id",
        "x-message-id",
        "in-reply-to",
        "references",
    ] {
        for value in head.all(name) {
            ids(value, found);
        }
    }
}

fn of_disposition(text: &str, found: &mut Vec<String>) {
    for line in text.lines().take(2000) {
        let lower = line.trim_start().to_ascii_lowercase();
        if lower.starts_with("original-message-id:") {
            ids(line, found);
        }
    }
}

/// `Message-ID: <...>` anywhere in what was written, and what has the form of ours whatever it is called there.
fn in_text(text: &str, found: &mut Vec<String>) {
    static OURS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b([0-9a-f]{32}@[a-z0-9.-]{1,253}[a-z0-9])").expect("the pattern is tested")
    });
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)message[- ]?id(?:entifier)?[^\n<]{0,20}<([^\s<>]{1,400}@[^\s<>]{1,255})>")
            .expect("the pattern is tested")
    });
    for hit in NAMED.captures_iter(text).take(MOST_REFERENCES) {
        push(&hit[1], found);
    }
    for hit in OURS.captures_iter(text).take(MOST_REFERENCES) {
        push(&hit[1], found);
    }
}

fn ids(value: &str, found: &mut Vec<String>) {
    let mut any = false;
    for hit in ID.captures_iter(value).take(MOST_REFERENCES) {
        any = true;
        push(&hit[1], found);
    }
    if !any && let Some(bare) = value.split_whitespace().find(|word| word.contains('@')) {
        push(bare.trim_matches(['<', '>', ',', ';']), found);
    }
}

fn push(id: &str, found: &mut Vec<String>) {
    if found.len() < MOST_REFERENCES && !found.iter().any(|known| known == id) {
        found.push(id.to_owned());
    }
}

/// To of the returned message.
pub(super) fn recipients(mail: &Mail, copied: Option<&Head>) -> Vec<String> {
    let heads = mail.enclosed.iter().map(|(_, head)| head).chain(copied);
    let mut found = Vec::new();
    for head in heads.take(2) {
        for name in ["to", "x-original-to", "delivered-to", "cc"] {
            for value in head.all(name) {
                found.extend(address::find(value).into_iter().map(|f| f.address));
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found.truncate(50);
    found
}
