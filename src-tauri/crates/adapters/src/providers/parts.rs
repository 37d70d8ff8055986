//! A finished message, taken apart for APIs that take parts. The provider puts it together again and signs it, so
//! a signature of ours is left out; all other headers of ours go along where the API allows them.

use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use mail_parser::{Address, HeaderValue, MessageParser};

/// The parts an API takes.
pub(super) struct Parts {
    pub from: Mailbox,
    pub to: Mailbox,
    pub reply_to: Option<Mailbox>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// Headers that have no field of their own: List-Unsubscribe and its like. One line each.
    pub headers: Vec<(String, String)>,
}

pub(super) struct Mailbox {
    pub name: String,
    pub email: String,
}

/// Headers that the API has fields for, or that the provider writes.
const NOT_PASSED: [&str; 16] = [
    "from",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "mime-version",
    "message-id",
    "content-type",
    "content-transfer-encoding",
    "dkim-signature",
    "return-path",
    "received",
    "sender",
    "content-disposition",
];

/// Takes a message of ours apart.
///
/// # Errors
/// `Sender` when it has attachments, more than one recipient, or is no message: SMTP is the way for those.
pub(super) fn parts(mime: &[u8]) -> Result<Parts, Failure> {
    let odd = |why: &str| {
        let detail =
            format!("This message cannot be sent over the provider's API: {why}. Send it over SMTP instead.");
        failure(FailureClass::Sender, "parts", detail)
    };
    let message = MessageParser::default()
        .parse(mime)
        .ok_or_else(|| odd("it cannot be read"))?;
    if message.attachment_count() > 0 {
        return Err(odd("it has attachments"));
    }
    let to = message.to().ok_or_else(|| odd("it has no recipient"))?;
    if to.iter().count() != 1 || message.cc().is_some() || message.bcc().is_some() {
        return Err(odd("it has more than one recipient"));
    }
    let text = message
        .body_text(0)
        .ok_or_else(|| odd("it has no text"))?
        .into_owned();
    // The parser makes HTML of a message that has none.
    let has_html = message.html_bodies().any(|part| part.is_text_html());
    let html = message
        .body_html(0)
        .filter(|_| has_html)
        .map(|html| html.into_owned());
    let mut headers = Vec::new();
    for header in message.headers() {
        let name = header.name();
        let passed = !NOT_PASSED.contains(&name.to_ascii_lowercase().as_str());
        if let (true, Some(value)) = (passed, one_line(mime, header)) {
            headers.push((name.to_owned(), value));
        }
    }
    Ok(Parts {
        from: message
            .from()
            .and_then(mailbox)
            .ok_or_else(|| odd("it has no sender"))?,
        to: mailbox(to).ok_or_else(|| odd("it has no recipient"))?,
        reply_to: message.reply_to().and_then(mailbox),
        subject: message.subject().unwrap_or_default().to_owned(),
        text,
        html,
        headers,
    })
}

fn mailbox(address: &Address<'_>) -> Option<Mailbox> {
    let first = address.first()?;
    Some(Mailbox {
        name: first.name().unwrap_or_default().to_owned(),
        email: first.address()?.to_owned(),
    })
}

/// The header as it stands, unfolded (RFC 5322 §2.2.3).
fn one_line(mime: &[u8], header: &mail_parser::Header<'_>) -> Option<String> {
    if let HeaderValue::Empty = header.value {
        return None;
    }
    let raw = mime.get(header.offset_start as usize..header.offset_end as usize)?;
    let text = std::str::from_utf8(raw).ok()?;
    let words: Vec<&str> = text
        .split(['\r', '\n', '\t', ' '])
        .filter(|word| !word.is_empty())
        .collect();
    Some(words.join(" "))
}

impl Mailbox {
    /// For a field that wants one text: the name quoted (RFC 5322 §3.2.4).
    pub fn written(&self) -> String {
        if self.name.is_empty() {
            return self.email.clone();
        }
        let name: String = self
            .name
            .chars()
            .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
            .collect();
        format!("\"{name}\" <{}>", self.email)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    const MAIL: &str = "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\r\nTo: <ann@example.net>\r\n\
        Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <m1@example.com>\r\nDKIM-Signature: v=1; b=x\r\n\
        List-Unsubscribe: <https://example.com/u/1>,\r\n <mailto:u@example.com>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nH=C3=A4\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Ha</p>\r\n--b--\r\n";

    #[test]
    fn the_parts_are_those_of_the_message_and_the_headers_of_opting_out_go_along() {
        let parts = parts(MAIL.as_bytes()).unwrap();
        assert_eq!(parts.from.written(), "\"Jörg\" <joerg@example.com>");
        assert_eq!(
            (parts.to.email.as_str(), parts.subject.as_str()),
            ("ann@example.net", "Grüße")
        );
        assert_eq!(parts.text.trim_end(), "Hä");
        assert_eq!(parts.html.as_deref().map(str::trim_end), Some("<p>Ha</p>"));
        let header = |wanted: &str| {
            let mut found = parts
                .headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.next().map(|(_, value)| value.as_str())
        };
        assert_eq!(
            header("List-Unsubscribe"),
            Some("<https://example.com/u/1>, <mailto:u@example.com>")
        );
        assert_eq!(
            header("List-Unsubscribe-Post"),
            Some("List-Unsubscribe=One-Click")
        );
        assert_eq!((header("DKIM-Signature"), header("Subject")), (None, None));
    }

    #[test]
    fn what_has_no_parts_an_api_takes_is_left_to_smtp() {
        for mail in [
            "".to_owned(),
            MAIL.replace("To: <ann@example.net>", "To: a@example.net, b@example.net"),
            MAIL.replace("To:", "Cc: c@example.net\r\nTo:"),
            "From: a@example.com\r\nTo: b@example.com\r\nContent-Type: application/pdf\r\n\r\nx".to_owned(),
        ] {
            assert_eq!(
                parts(mail.as_bytes()).err().unwrap().class,
                FailureClass::Sender,
                "{mail}"
            );
        }
    }
}
