//! The message itself: headers and body as they go on the wire, by lettre's builder.
//!
//! lettre 0.11.23 has an open advisory (RUSTSEC-2026-0561: no dot-stuffing after a bare LF) and panics on CR or LF
//! in a display name. Neither reaches us: names are cleaned first, bodies are always quoted-printable or base64,
//! and [`crate::verify_bytes`] reads the result before it is handed out.

use crate::address::{self, AddressError};
use crate::context::Rendered;
use crate::liquid::eval::one_line;
use crate::quoted;
use crate::verify::{VerifyError, verify_bytes};
use carillon_model::Moment;
use chrono::Datelike;
use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;
use lettre::Message;
use lettre::message::header::{self, ContentTransferEncoding, HeaderName, HeaderValue, Headers};
use lettre::message::{Body, Mailboxes, MultiPart, SinglePart};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// Somebody with an address. The name may be empty; both are cleaned and checked when a message is composed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    #[serde(default)]
    pub name: String,
    pub email: String,
}

/// A mailing list's name and identity (RFC 2919): `Name <id.example.com>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListId {
    #[serde(default)]
    pub name: String,
    /// Dot-separated labels, ending in a domain of the sender.
    pub id: String,
}

/// All of a message that is not its content. One recipient, always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    pub from: Mailbox,
    pub to: Mailbox,
    #[serde(default)]
    pub reply_to: Option<Mailbox>,
    /// For the header `Date`, to the second.
    pub date: Moment,
    /// `token@domain`, with or without its brackets. Fixed when the message was queued.
    pub message_id: String,
    #[serde(default)]
    pub list_id: Option<ListId>,
    /// Address that unsubscribes by POST (RFC 8058), https or on this machine; brings `List-Unsubscribe-Post` with it.
    #[serde(default)]
    pub unsubscribe_https: Option<String>,
    /// `mailto:` address that unsubscribes (RFC 2369).
    #[serde(default)]
    pub unsubscribe_mailto: Option<String>,
    /// `campaign:stream:workspace:sender`, for Gmail's complaint figures. The sender has 5 to 15 characters, and nothing
    /// in it belongs to one person.
    #[serde(default)]
    pub feedback_id: Option<String>,
}

/// Why no message could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// Which of from, to and reply-to, and why.
    #[error("The {0} address cannot be used. {1}")]
    Address(&'static str, AddressError),
    #[error("The subject is empty.")]
    NoSubject,
    #[error("The subject begins as an answer or a forwarded mail does, and this is neither.")]
    FalseAnswer,
    /// The domain the name shows.
    #[error("The sender's name shows {0}, but the mail comes from another domain.")]
    OtherDomain(String),
    #[error("The message has no text.")]
    NoText,
    /// The name of a header whose value has characters that may not stand in it, or none at all.
    #[error("The value of the header {0} cannot be used.")]
    Header(&'static str),
    #[error("The date lies outside of the years 1970 to 9999.")]
    Date,
    #[error("The message could not be built: {0}")]
    Build(String),
    /// The final check failed: a fault of this program, and the message is not sent.
    #[error("The finished message failed its last check. {0}")]
    Verify(#[from] VerifyError),
}

/// Builds the message: CRLF line ends, every header once, bodies in quoted-printable or base64, and checked.
pub fn compose(envelope: &Envelope, content: &Rendered) -> Result<Vec<u8>, ComposeError> {
    let subject = one_line(&content.subject);
    if subject.is_empty() {
        return Err(ComposeError::NoSubject);
    }
    if answers(&subject) {
        return Err(ComposeError::FalseAnswer);
    }
    if content.text.trim().is_empty() {
        return Err(ComposeError::NoText);
    }
    let from = mailbox("From", &envelope.from)?;
    if let Some(other) = address::other_domain(from.name.as_deref().unwrap_or_default(), from.email.domain())
    {
        return Err(ComposeError::OtherDomain(other));
    }
    let to = mailbox("To", &envelope.to)?;
    let id = message_id(&envelope.message_id)?;
    let route = lettre::address::Envelope::new(Some(from.email.clone()), vec![to.email.clone()]);
    let mut builder = Message::builder()
        .envelope(route.map_err(|e| ComposeError::Build(e.to_string()))?)
        .date(date(envelope.date)?)
        .raw_header(people("From", from))
        .raw_header(people("To", to))
        .raw_header(subject_header(&subject))
        .raw_header(plain("Message-ID", id.clone()));
    if let Some(reply_to) = &envelope.reply_to {
        builder = builder.raw_header(people("Reply-To", mailbox("Reply-To", reply_to)?));
    }
    for header in list_headers(envelope)? {
        builder = builder.raw_header(header);
    }
    // Derived, because lettre's own is random. "=_" occurs in no quoted-printable or base64 text (RFC 2045 §6.7).
    let hash = blake3::hash(id.as_bytes()).to_hex();
    let parts = MultiPart::alternative()
        .boundary(format!("=_carillon_{}", &hash[..24]))
        .singlepart(part(header::ContentType::TEXT_PLAIN, &content.text))
        .singlepart(part(header::ContentType::TEXT_HTML, &content.html));
    let message = builder
        .multipart(parts)
        .map_err(|e| ComposeError::Build(e.to_string()))?;
    let bytes = message.formatted();
    verify_bytes(&bytes)?;
    Ok(bytes)
}

/// Whether a subject begins with `Re:` or `Fwd:` or their usual spellings. Nothing we send answers a mail.
pub fn answers(subject: &str) -> bool {
    let Some((word, _)) = subject.split_once([':', '\u{ff1a}']) else {
        return false;
    };
    let word = word.split(['[', '(']).next().unwrap_or_default().trim();
    ["re", "aw", "sv", "antw", "fw", "fwd", "wg"]
        .iter()
        .any(|answer| word.eq_ignore_ascii_case(answer))
}

fn mailbox(header: &'static str, mailbox: &Mailbox) -> Result<lettre::message::Mailbox, ComposeError> {
    let email = address::parse(&mailbox.email).map_err(|e| ComposeError::Address(header, e))?;
    let name = address::clean_name(&mailbox.name);
    Ok(lettre::message::Mailbox::new(
        (!name.is_empty()).then_some(name),
        email,
    ))
}

fn date(date: Moment) -> Result<SystemTime, ComposeError> {
    let seconds = u64::try_from(date.timestamp()).map_err(|_| ComposeError::Date)?;
    if date.year() > 9999 {
        return Err(ComposeError::Date);
    }
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The builder reads its own From again and fails on names it cannot read, so it gets the bare address to read
/// beside the encoded header to write.
fn people(name: &'static str, mailbox: lettre::message::Mailbox) -> HeaderValue {
    let address = mailbox.email.to_string();
    let shown = mailbox.name.clone().unwrap_or_default();
    let mut headers = Headers::new();
    match name {
        "From" => headers.set(header::From::from(Mailboxes::from(mailbox))),
        "To" => headers.set(header::To::from(Mailboxes::from(mailbox))),
        _ => headers.set(header::ReplyTo::from(Mailboxes::from(mailbox))),
    }
    let written = headers.to_string();
    let value = written
        .split_once(": ")
        .map_or("", |(_, value)| value)
        .trim_end_matches("\r\n");
    let value = with_quoted_dots(value, &shown);
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), address, value)
}

/// The encoder writes a word with a dot, such as Booking.com, as it is; it may stand in quotes only (RFC 5322 §3.2.5).
fn with_quoted_dots(written: &str, name: &str) -> String {
    match written.strip_prefix(name) {
        Some(rest) if name.contains('.') => format!("\"{name}\"{rest}"),
        _ => written.to_owned(),
    }
}

fn plain(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// Characters of a word that fits a line beside the header's own name.
const LONGEST_WORD: usize = 78 - "Subject: ".len();

/// A subject in ASCII that looks like an encoded word is encoded, too, so that it is read as it was written; and one with
/// a word that a line of 78 characters (RFC 5322 §2.1.1) cannot hold, because a line is folded at white space only.
fn subject_header(subject: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    let folds = subject.split(' ').all(|word| word.len() <= LONGEST_WORD);
    if subject.is_ascii() && folds && !subject.contains("=?") {
        return HeaderValue::new(name, subject.to_owned());
    }
    let mut encoded = String::new();
    {
        let mut writer = EmailWriter::new(&mut encoded, "Subject: ".len(), 0, false);
        // Writing to a String cannot fail.
        let _ = rfc2047::encode(subject, &mut writer);
    }
    HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), encoded)
}

fn message_id(id: &str) -> Result<String, ComposeError> {
    let inner = id.trim().trim_start_matches('<').trim_end_matches('>');
    let bad = ComposeError::Header("Message-ID");
    let Some((token, domain)) = inner.split_once('@') else {
        return Err(bad);
    };
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
    };
    if word(token) && word(domain) && inner.len() <= 200 {
        Ok(format!("<{inner}>"))
    } else {
        Err(bad)
    }
}

fn list_headers(envelope: &Envelope) -> Result<Vec<HeaderValue>, ComposeError> {
    let mut headers = Vec::new();
    if let Some(list) = &envelope.list_id {
        headers.push(list_id(list)?);
    }
    let uri = |text: &str, scheme: &str| {
        let begins = text.starts_with(scheme) && text.len() > scheme.len();
        let fits = text.len() <= 900 && (begins || scheme == "https://" && is_on_this_machine(text));
        let clean = text
            .bytes()
            .all(|b| matches!(b, b'!'..=b'~') && !matches!(b, b'<' | b'>' | b'"' | b','));
        if fits && clean {
            Ok(format!("<{text}>"))
        } else {
            Err(ComposeError::Header("List-Unsubscribe"))
        }
    };
    let mut ways = Vec::new();
    if let Some(https) = &envelope.unsubscribe_https {
        ways.push(uri(https, "https://")?);
    }
    if let Some(mailto) = &envelope.unsubscribe_mailto {
        ways.push(uri(mailto, "mailto:")?);
    }
    if !ways.is_empty() {
        headers.push(plain("List-Unsubscribe", ways.join(",\r\n ")));
    }
    if envelope.unsubscribe_https.is_some() {
        headers.push(plain(
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click".into(),
        ));
    }
    if let Some(id) = &envelope.feedback_id {
        if !is_feedback_id(id) {
            return Err(ComposeError::Header("Feedback-ID"));
        }
        headers.push(plain("Feedback-ID", id.clone()));
    }
    Ok(headers)
}

/// Whether an http address leads to a port of this machine, by a name or number that means nothing else: the relay of
/// whoever practises. RFC 8058 §3.1 asks for https, which protects a way that others can listen on; here is none.
pub(crate) fn is_on_this_machine(url: &str) -> bool {
    let rest = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"]
        .iter()
        .find_map(|start| url.strip_prefix(start));
    let port = rest.and_then(|rest| rest.split_once('/')).map(|(port, _)| port);
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_feedback_id(id: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let parts: Vec<&str> = id.split(':').collect();
    let has_sender = parts
        .last()
        .is_some_and(|sender| (5..=15).contains(&sender.len()));
    id.len() <= 200 && parts.len() == 4 && has_sender && parts.iter().all(|part| word(part))
}

fn list_id(list: &ListId) -> Result<HeaderValue, ComposeError> {
    let label = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if list.id.len() > 200 || !list.id.contains('.') || !list.id.split('.').all(label) {
        return Err(ComposeError::Header("List-Id"));
    }
    let name = address::clean_name(&list.name);
    let mut value = String::new();
    if !name.is_empty() {
        {
            let mut writer = EmailWriter::new(&mut value, "List-Id: ".len(), 0, false);
            // Writing to a String cannot fail.
            let _ = email_encoding::headers::quoted_string::encode(&name, &mut writer);
        }
        value = with_quoted_dots(&value, &name);
        value.push_str("\r\n ");
    }
    value.push_str(&format!("<{}>", list.id));
    Ok(plain("List-Id", value))
}

/// A text part whose encoding leaves nothing a server could misread: base64 where most of it is not ASCII, else
/// quoted-printable.
fn part(content_type: header::ContentType, text: &str) -> SinglePart {
    let text = quoted::with_line_feeds(text);
    let other = text.bytes().filter(|b| !b.is_ascii()).count();
    let builder = SinglePart::builder().header(content_type);
    if other * 5 > text.len() * 2 {
        let text = text.replace('\n', "\r\n") + "\r\n";
        return builder.header(ContentTransferEncoding::Base64).body(text);
    }
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::dangerous_pre_encoded(quoted::encoded(&text), encoding);
    builder.header(encoding).body(body)
}
