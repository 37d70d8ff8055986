//! Complaints as feedback loops send them (RFC 5965).

use super::arrived;
use super::mime::{Message, address, date, domain, one_line, token};
use crate::personas::{About, Incoming, Server};
use carillon_model::Moment;

/// A report that the recipient pressed *spam*, with the headers of the mail. Exchange-like providers keep the
/// recipient's address to themselves.
pub fn complaint(about: &About, at: Moment, head: &str) -> Incoming {
    let (to, sender) = (address(&about.to), address(&about.mail_from));
    let provider = domain(&to);
    let of = |kind: &str, digits| {
        token(
            &["complaint", kind, &about.message_id, &to, &at.to_rfc3339()],
            digits,
        )
    };
    let boundary = format!("_----{}", of("boundary", 24));
    let discreet = about.server == Server::Exchange;
    let mut m = arrived(&sender, &format!("feedback@{provider}"), Some(provider), at);
    m.mailbox("From", "Feedback loop", &format!("feedback@{provider}"));
    m.raw("To", &sender).raw("Date", &date(at));
    m.header("Subject", &format!("FW: {}", one_line(&about.subject)));
    m.raw("Message-ID", &format!("<{}@{provider}>", of("id", 32)));
    m.raw("MIME-Version", "1.0");
    m.line("Content-Type: multipart/report; report-type=feedback-report;");
    m.line(&format!("\tboundary=\"{boundary}\"")).line("");
    m.line(&format!("--{boundary}"));
    m.text(
        "text/plain",
        &format!(
            "This is an abuse report for a message from {}, received on\n{}. Its recipient marked it as unwanted.",
            domain(&sender),
            date(about.delivered_at)
        ),
    );
    m.line("").line(&format!("--{boundary}"));
    m.raw("Content-Type", "message/feedback-report").line("");
    m.raw("Feedback-Type", "abuse")
        .raw("User-Agent", "MailWorld-FBL/1.0")
        .raw("Version", "1");
    m.raw("Original-Mail-From", &format!("<{sender}>"));
    if !discreet {
        m.raw("Original-Rcpt-To", &format!("<{to}>"));
    }
    m.raw("Arrival-Date", &date(about.delivered_at));
    m.raw("Source-IP", "192.0.2.25")
        .raw("Reported-Domain", domain(&sender));
    m.line("").line(&format!("--{boundary}"));
    m.raw(
        "Content-Type",
        if discreet {
            "message/rfc822"
        } else {
            "text/rfc822-headers"
        },
    );
    if !head.is_ascii() {
        m.raw("Content-Transfer-Encoding", "8bit");
    }
    m.line("");
    returned(&mut m, head, discreet.then_some(to.as_str()));
    m.line("").line(&format!("--{boundary}--"));
    Incoming {
        to: sender,
        bytes: m.into_bytes(),
    }
}

fn returned(m: &mut Message, head: &str, hide: Option<&str>) {
    match hide {
        Some(to) => m.head(&head.replace(to, "redacted")),
        None => m.head(head),
    };
}
