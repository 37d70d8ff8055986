//! The last look at the bytes that would be sent, by code that knows nothing of how they were made.

use crate::compose::is_on_this_machine;
use std::collections::BTreeMap;

/// The longest line SMTP takes, without its CRLF (RFC 5321 §4.5.3.1.6).
pub const LINE_BYTES: usize = 998;

/// Headers this program writes. Any other is a sign that a value broke out of its place.
const KNOWN: [&str; 14] = [
    "from",
    "to",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "content-transfer-encoding",
    "dkim-signature",
];
const REQUIRED: [&str; 7] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
];

/// What is wrong with the bytes of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Line, from 1.
    #[error("Line {0} has a line feed or carriage return on its own.")]
    BareBreak(usize),
    #[error("Line {0} has a byte outside of ASCII or a control character.")]
    Byte(usize),
    #[error("Line {0} is longer than {LINE_BYTES} bytes.")]
    LongLine(usize),
    #[error("The message does not end with a line break.")]
    NoEnd,
    #[error("The headers do not end with an empty line.")]
    NoBody,
    #[error("Line {0} of the headers is no header.")]
    NoHeader(usize),
    #[error("The header {0} does not belong to our messages.")]
    Unknown(String),
    #[error("The header {0} is there {1} times.")]
    Count(String, usize),
    #[error("The header {0} has more than one address, or none.")]
    Recipients(String),
    #[error("One-click unsubscribing needs an https address.")]
    OneClick,
    #[error("A part of the body is neither quoted-printable nor base64, or there is no text and HTML.")]
    Parts,
}

/// Checks a whole message: CRLF only, ASCII only, lines up to [`LINE_BYTES`], our headers once each and no
/// other, one recipient, and a text and an HTML part in a safe encoding.
pub fn verify_bytes(bytes: &[u8]) -> Result<(), VerifyError> {
    lines(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|_| VerifyError::Byte(1))?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(VerifyError::NoBody)?;
    let headers = headers(head)?;
    for name in REQUIRED {
        let count = headers.get(name).map_or(0, Vec::len);
        if count != 1 {
            return Err(VerifyError::Count(name.into(), count));
        }
    }
    for (name, values) in &headers {
        if !KNOWN.contains(&name.as_str()) {
            return Err(VerifyError::Unknown(name.clone()));
        }
        if values.len() > 1 {
            return Err(VerifyError::Count(name.clone(), values.len()));
        }
    }
    let first = |name: &str| {
        headers
            .get(name)
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    };
    for name in ["from", "to"] {
        if !is_one_address(first(name)) {
            return Err(VerifyError::Recipients(name.into()));
        }
    }
    let by_post = |way: &str| {
        let url = way.trim().trim_matches(['<', '>']);
        url.starts_with("https://") || is_on_this_machine(url)
    };
    if headers.contains_key("list-unsubscribe-post") && !first("list-unsubscribe").split(',').any(by_post) {
        return Err(VerifyError::OneClick);
    }
    parts(first("content-type"), body)
}

fn lines(bytes: &[u8]) -> Result<(), VerifyError> {
    let whole = bytes
        .strip_suffix(b"\n")
        .filter(|rest| rest.ends_with(b"\r"))
        .ok_or(VerifyError::NoEnd)?;
    let is_fit = |b: &u8| matches!(b, b'\t' | b' '..=b'~');
    for (at, line) in whole.split(|b| *b == b'\n').enumerate() {
        let number = at + 1;
        // Nearly every line is as it should be, which one look tells; what is wrong with another, the next ones.
        // Without a way out in the middle, so that many bytes are looked at together.
        let all_fit = |content: &[u8]| content.iter().fold(true, |fit, b| fit & is_fit(b));
        let fine = |content: &[u8]| content.len() <= LINE_BYTES && all_fit(content);
        if line.strip_suffix(b"\r").is_some_and(fine) {
            continue;
        }
        let content = line
            .strip_suffix(b"\r")
            .filter(|content| !content.contains(&b'\r'));
        let content = content.ok_or(VerifyError::BareBreak(number))?;
        if content.len() > LINE_BYTES {
            return Err(VerifyError::LongLine(number));
        }
        if !content.iter().all(is_fit) {
            return Err(VerifyError::Byte(number));
        }
    }
    Ok(())
}

/// Values by lower-case name, unfolded (RFC 5322 §2.2.3).
fn headers(head: &str) -> Result<BTreeMap<String, Vec<String>>, VerifyError> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current: Option<String> = None;
    for (at, line) in head.split("\r\n").enumerate() {
        if line.starts_with([' ', '\t']) {
            let value = current
                .as_ref()
                .and_then(|name| headers.get_mut(name))
                .and_then(|values| values.last_mut());
            let value = value
                .filter(|_| !line.trim().is_empty())
                .ok_or(VerifyError::NoHeader(at + 1))?;
            value.push_str(line);
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(VerifyError::NoHeader(at + 1))?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(VerifyError::NoHeader(at + 1));
        }
        let name = name.to_ascii_lowercase();
        headers
            .entry(name.clone())
            .or_default()
            .push(value.trim_start().to_owned());
        current = Some(name);
    }
    Ok(headers)
}

/// One mailbox: outside of quoted texts no comma, and one address at the end.
fn is_one_address(value: &str) -> bool {
    let mut outside = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if !quoted => outside.push(c),
            _ => {}
        }
    }
    !quoted && !outside.contains([',', ';', ':']) && outside.matches('@').count() == 1
}

fn parts(content_type: &str, body: &str) -> Result<(), VerifyError> {
    let boundary = content_type
        .strip_prefix("multipart/alternative;")
        .and_then(|rest| rest.split_once("boundary=\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(boundary, _)| boundary)
        .filter(|boundary| !boundary.is_empty())
        .ok_or(VerifyError::Parts)?;
    let delimiter = format!("--{boundary}\r\n");
    let mut types = Vec::new();
    for part in body.split(&delimiter).skip(1) {
        let (head, _) = part.split_once("\r\n\r\n").ok_or(VerifyError::Parts)?;
        let headers = headers(head)?;
        let one = |name: &str| match headers.get(name).map(Vec::as_slice) {
            Some([value]) => Ok(value.to_ascii_lowercase()),
            _ => Err(VerifyError::Parts),
        };
        if !matches!(
            one("content-transfer-encoding")?.as_str(),
            "quoted-printable" | "base64"
        ) {
            return Err(VerifyError::Parts);
        }
        types.push(
            one("content-type")?
                .split(';')
                .next()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    let closed = body.trim_end().ends_with(&format!("--{boundary}--"));
    if closed && types == ["text/plain", "text/html"] {
        Ok(())
    } else {
        Err(VerifyError::Parts)
    }
}
