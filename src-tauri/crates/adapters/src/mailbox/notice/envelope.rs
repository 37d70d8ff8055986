//! What every reading of a message needs, gathered once.

use super::address::{self, same};
use super::html;
use super::mime::{Head, Mail};
use super::original;
use super::rules::{Hits, Rules, Sign};
use super::text::{own, plain};
use crate::failure::one_line;
use carillon_model::Moment;
use chrono::{DateTime, Utc};

/// What is known of a message before it is judged.
#[derive(Debug)]
pub(super) struct Facts {
    pub from: Option<String>,
    pub subject: String,
    pub date: Moment,
    pub message_id: Option<String>,
    pub delivered_to: Vec<String>,
    /// The text a reader sees, whole.
    pub body: String,
    /// What comes before the returned message in it.
    pub notice: String,
    /// What the sender wrote, without quotations.
    pub own_text: String,
    /// The header of the returned message where it is copied into the text.
    pub copied: Option<Head>,
    pub subject_hits: Hits,
    pub own_hits: Hits,
    /// [`plain`] of `own_text`, in which `own_hits` are.
    pub own_plain: String,
    /// The subject begins like a reply or a forward.
    pub is_reply_subject: bool,
    /// It answers something: by header, subject or quotation.
    pub answers: bool,
    /// There is more in the text than the sender wrote: a quotation.
    pub quotes: bool,
    /// A list or a bulk sender says so.
    pub bulk: bool,
    /// From or Sender is a mail system, or there is no envelope sender.
    pub daemon: bool,
    pub null_path: bool,
}

impl Facts {
    pub fn gather(mail: &Mail, rules: &Rules, received_at: Moment) -> Self {
        let head = &mail.head;
        let from_field = head.get("from").filter(|value| !value.trim().is_empty());
        let from_text = from_field.or(head.get("sender")).unwrap_or("").to_owned();
        let subject = one_line(head.get("subject").unwrap_or(""));
        let marked = mail.body();
        let daemon = is_daemon(&from_text, head.has("from") || head.has("sender"), rules);
        let null_path = is_null(head);
        let own_text = own(&marked, &rules.programs, daemon || null_path);
        let body = html::unmarked(&marked);
        let lines: Vec<&str> = body.lines().take(5000).collect();
        let copied = original::copied(&lines);
        let notice = lines[..original::begins(&lines, copied.as_ref(), rules)].join("\n");
        let is_reply_subject = rules.programs.reply.is_match(&subject);
        let own_plain = plain(&own_text);
        let quotes =
            body.lines().any(|line| line.starts_with('>')) || own_text.len() + 40 < body.trim().len();
        Self {
            from: address::of_field(&from_text),
            date: date(head, received_at),
            message_id: head
                .get("message-id")
                .map(|id| id.trim().trim_matches(['<', '>']).to_owned()),
            delivered_to: delivered_to(head),
            answers: is_reply_subject
                || head.has("in-reply-to")
                || head.has("references")
                || (quotes && !head.has("list-id")),
            quotes,
            bulk: is_bulk(head),
            daemon,
            null_path,
            subject_hits: rules.look(&plain(&subject)),
            own_hits: rules.look(&own_plain),
            own_plain,
            subject,
            notice,
            copied: copied.map(|copied| copied.head),
            own_text,
            body,
            is_reply_subject,
        }
    }

    /// Addresses that are ours or the mail system's, never a recipient's.
    pub fn is_ours(&self, mail: &Mail, address: &str) -> bool {
        let senders = mail
            .enclosed
            .iter()
            .map(|(_, head)| head)
            .chain(self.copied.as_ref())
            .flat_map(|head| ["from", "return-path", "sender", "reply-to"].map(|name| head.get(name)))
            .flatten()
            .filter_map(address::of_field);
        self.delivered_to.iter().any(|own| same(own, address))
            || senders.into_iter().any(|own| same(&own, address))
    }
}

fn date(head: &Head, received_at: Moment) -> Moment {
    head.get("date")
        .and_then(|text| {
            let text = text.split('(').next().unwrap_or("").trim();
            DateTime::parse_from_rfc2822(text).ok()
        })
        .map_or(received_at, |date| date.with_timezone(&Utc))
}

fn delivered_to(head: &Head) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let names = [
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "x-envelope-to",
        "x-rcpt-to",
        "x-delivered-to",
        "apparently-to",
        "to",
        "cc",
    ];
    for name in names {
        for value in head.all(name) {
            for one in address::find(value) {
                if found.len() < 20 && !found.iter().any(|known| same(known, &one.address)) {
                    found.push(one.address);
                }
            }
        }
    }
    found
}

/// Where there is no such field at all, nothing is known.
fn is_daemon(from: &str, is_there: bool, rules: &Rules) -> bool {
    let from = plain(from);
    if from.is_empty() || from.ends_with("<>") {
        return is_there;
    }
    let name = match from.rsplit_once('@') {
        // the domain says nothing: "daemon.example"
        Some((before, _)) => format!("{before}@"),
        None => from,
    };
    rules.sign(&rules.look(&name), Sign::Sender).is_some()
}

fn is_null(head: &Head) -> bool {
    let null = |value: &str| {
        matches!(value.trim(), "<>" | "" | "< >") || value.to_ascii_lowercase().contains("mailer-daemon")
    };
    head.all("return-path").any(null)
        || head.all("x-return-path").any(null)
        || head.all("x-envelope-from").any(null)
}

/// Whether a list passed it on: it says so, or its sender has the name that lists' programs use.
pub(super) fn is_listed(head: &Head) -> bool {
    let of_list = |value: &str| {
        let value = value.to_ascii_lowercase();
        let local = value
            .trim()
            .trim_start_matches('<')
            .split('@')
            .next()
            .unwrap_or("");
        local.starts_with("owner-")
            || ["-bounces", "-owner", "-admin"]
                .iter()
                .any(|end| local.ends_with(end))
    };
    [
        "list-unsubscribe",
        "list-id",
        "list-post",
        "x-mailing-list",
        "x-mailman-version",
    ]
    .iter()
    .any(|name| head.has(name))
        || head.all("return-path").chain(head.all("sender")).any(of_list)
}

fn is_bulk(head: &Head) -> bool {
    let precedence = head.get("precedence").unwrap_or("").trim().to_ascii_lowercase();
    let auto = head
        .get("auto-submitted")
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    head.has("list-unsubscribe")
        || head.has("list-id")
        || head.has("feedback-id")
        || head.has("x-campaign-id")
        || head.has("x-mailgun-tag")
        || matches!(precedence.as_str(), "bulk" | "list" | "junk")
        || auto.starts_with("auto-generated")
}
