//! Delivery status (RFC 3464): fields in groups, wherever they stand and however they are broken.

use super::{Action, address};
use regex::Regex;
use std::sync::LazyLock;

/// Most recipients of one report.
pub(super) const MOST_RECIPIENTS: usize = 100;
const MOST_LINES: usize = 20_000;

/// What one group says of one recipient.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub original: Option<String>,
    pub last: Option<String>,
    pub action: Option<Action>,
    pub status: Option<String>,
    pub diagnostic: String,
    pub remote: Option<String>,
}

/// A whole report.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    pub reporter: Option<String>,
    pub recipients: Vec<Fields>,
    /// Original-Message-ID and the like.
    pub references: Vec<String>,
}

static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([A-Za-z][A-Za-z0-9-]{2,40})[ \t]*:(.*)$").expect("the pattern is tested")
});
static ENHANCED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^0-9.A-Za-z])([245])\.([0-9]{1,2})\.([0-9]{1,3})(?:[^0-9.]|\.[^0-9]|\.?$)")
        .expect("the pattern is tested")
});
static BASIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^0-9.A-Za-z#/=-])([45][0-5][0-9])(?:[ \t]*$|[ \t:;,.)-][^0-9]|[ -][0-9]\.|[ -]#)")
        .expect("the pattern is tested")
});

/// All enhanced codes of a failure in a text, in order.
pub(super) fn enhanced(text: &str) -> Vec<String> {
    ENHANCED
        .captures_iter(text)
        .filter(|hit| &hit[1] != "2")
        .map(|hit| code(&hit))
        .take(20)
        .collect()
}

fn code(hit: &regex::Captures<'_>) -> String {
    let number = |n: usize| hit[n].parse::<u16>().unwrap_or(0);
    format!("{}.{}.{}", &hit[1], number(2), number(3))
}

/// The first SMTP code of a refusal.
pub(super) fn basic(text: &str) -> Option<u16> {
    BASIC.captures(text).and_then(|hit| hit[1].parse().ok())
}

/// Whether a text has the fields of a report at the beginning of lines.
pub(super) fn is_there(text: &str) -> bool {
    static SIGN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?im)^(?:final-recipient|original-recipient)[ \t]*:[^\n]*;")
            .expect("the pattern is tested")
    });
    static REST: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?im)^(?:action|status)[ \t]*:").expect("the pattern is tested"));
    SIGN.is_match(text) && REST.is_match(text)
}

/// Reads the fields of a text; other lines are passed over.
pub(super) fn parse(text: &str) -> Status {
    let mut status = Status::default();
    let mut current = Fields::default();
    let mut began = false;
    let mut after_gap = false;
    for (name, value) in unfolded(text) {
        if name.is_empty() {
            after_gap = true;
            continue;
        }
        let opens = matches!(name.as_str(), "final-recipient" | "original-recipient");
        let full = match name.as_str() {
            "final-recipient" => current.last.is_some(),
            "original-recipient" => current.original.is_some() || (after_gap && current.last.is_some()),
            _ => false,
        };
        let whole_before = after_gap && (current.action.is_some() || current.status.is_some());
        if opens
            && began
            && (full || (whole_before && (current.last.is_some() || current.original.is_some())))
        {
            status.recipients.push(std::mem::take(&mut current));
            if status.recipients.len() >= MOST_RECIPIENTS {
                return status;
            }
        }
        after_gap = false;
        began |= take(&name, value.trim(), &mut current, &mut status);
    }
    if began {
        status.recipients.push(current);
    }
    status
}

/// Whether the field is one of a recipient.
fn take(name: &str, value: &str, fields: &mut Fields, status: &mut Status) -> bool {
    match name {
        "final-recipient" => fields.last = address::of_report(value, false).or_else(|| Some(local(value))),
        "original-recipient" => fields.original = address::of_report(value, true),
        "x-actual-recipient" if fields.last.is_none() => fields.last = address::of_report(value, false),
        "action" => fields.action = fields.action.or(action(value)),
        "status" => {
            if fields.status.is_none() {
                fields.status = ENHANCED.captures(value).map(|hit| code(&hit));
            }
        }
        "diagnostic-code" | "x-notes" | "x-diagnostic" => {
            let said = match value.split_once(';') {
                Some((kind, said)) if kind.len() < 30 && !kind.contains(' ') => said,
                _ => value,
            };
            if !fields.diagnostic.is_empty() {
                fields.diagnostic.push(' ');
            }
            fields.diagnostic.push_str(said.trim());
        }
        "remote-mta" => fields.remote = host(value),
        "reporting-mta" => {
            status.reporter = status.reporter.take().or_else(|| host(value));
            return false;
        }
        "original-message-id" | "x-original-message-id" | "x-message-id" | "message-id" => {
            status.references.push(value.to_owned());
            return false;
        }
        _ => return false,
    }
    true
}

/// A recipient without a domain: `rfc822; jdoe`.
fn local(value: &str) -> String {
    let value = value.rsplit(';').next().unwrap_or("").trim();
    value
        .trim_matches(|c| matches!(c, '<' | '>' | '"'))
        .chars()
        .take(200)
        .collect()
}

fn host(value: &str) -> Option<String> {
    let value = value.rsplit_once(';').map_or(value, |(_, host)| host).trim();
    let host = value.split_whitespace().next()?;
    Some(host.chars().take(255).collect())
}

fn action(value: &str) -> Option<Action> {
    let word = value.trim_start().to_ascii_lowercase();
    let is = |beginnings: &[&str]| beginnings.iter().any(|b| word.starts_with(b));
    if is(&[
        "fail",
        "perm",
        "undeliver",
        "bounce",
        "reject",
        "error",
        "expired",
    ]) {
        Some(Action::Failed)
    } else if is(&["delay", "defer", "retry", "warning", "temp", "transient"]) {
        Some(Action::Delayed)
    } else if is(&["deliver", "success", "displayed"]) {
        Some(Action::Delivered)
    } else if is(&["relay", "transfer"]) {
        Some(Action::Relayed)
    } else if is(&["expand"]) {
        Some(Action::Expanded)
    } else {
        None
    }
}

/// Name (lower case) and value of each field; an empty name is a blank line. Lines that are no field belong to the
/// one before, because some servers break long lines without indenting them.
fn unfolded(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().take(MOST_LINES) {
        if line.trim().is_empty() {
            fields.push((String::new(), String::new()));
            continue;
        }
        let field = FIELD.captures(line).filter(|_| !line.starts_with([' ', '\t']));
        match (field, fields.last_mut()) {
            (Some(field), _) => fields.push((field[1].to_ascii_lowercase(), field[2].to_owned())),
            (None, Some((name, value))) if !name.is_empty() && value.len() < 4096 => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_addresses_of_hosts_and_versions() {
        assert_eq!(
            enhanced("550-5.1.1 no (#5.7.1) 10.5.1.1 v5.1.1 5.4.1."),
            ["5.1.1", "5.7.1", "5.4.1"]
        );
        assert_eq!(enhanced("host 5.1.2.3 said 250 2.0.0"), Vec::<String>::new());
        assert_eq!(basic("host [192.0.2.550] said: 554-no 550 x"), Some(554));
        assert_eq!(basic("error 550"), Some(550));
        assert_eq!(basic("5501 450x 5.550.1"), None);
    }

    #[test]
    fn recipients_are_told_apart_with_and_without_blank_lines() {
        let text = "Reporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; b@example.com\nAction: delayed\n\nOriginal-Recipient: rfc822;c@example.com\nFinal-Recipient: rfc822;d@example.com\n\nAction: failed\n";
        let status = parse(text);
        let got: Vec<_> = status
            .recipients
            .iter()
            .map(|r| (r.last.as_deref(), r.action))
            .collect();
        assert_eq!(
            got,
            [
                (Some("a@example.com"), Some(Action::Failed)),
                (Some("b@example.com"), Some(Action::Delayed)),
                (Some("d@example.com"), Some(Action::Failed)),
            ]
        );
        assert_eq!(status.recipients[2].original.as_deref(), Some("c@example.com"));
    }
}
