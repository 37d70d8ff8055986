//! A message taken apart, with bounds and whatever is wrong with it.

use super::html::{is_mark, text_of};
use super::original;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::{Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use regex::bytes::Regex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

/// What is read of a message, in bytes. Notices put what counts first; large ones return an attachment.
const MOST_BYTES: usize = 1 << 20;
/// Content-Type fields read: bounds the parts, their nesting and the parser's time.
const MOST_PARTS: usize = 400;
/// Nesting of messages in messages.
const DEEPEST: u8 = 20;
/// What is kept of the text of one part, in bytes.
const LONGEST_TEXT: usize = 256 << 10;
/// What is kept of one header field, in bytes.
const LONGEST_FIELD: usize = 16 << 10;
/// Header fields kept of one message.
const MOST_FIELDS: usize = 1000;

/// The fields of one header, names in lower case, values decoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Head(pub Vec<(String, String)>);

impl Head {
    /// The first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// One leaf of the message.
#[derive(Debug)]
pub(super) struct Part {
    /// `text/plain`, lower case.
    pub kind: String,
    pub text: String,
    /// How many enclosed messages it is in.
    pub depth: u8,
}

/// A message taken apart.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub head: Head,
    /// The `report-type` of the outermost Content-Type, lower case.
    pub report_type: String,
    /// `multipart/report`, lower case.
    pub kind: String,
    pub parts: Vec<Part>,
    /// The headers of enclosed messages, outermost first, with their depth (from 1).
    pub enclosed: Vec<(u8, Head)>,
    pub truncated: bool,
}

static CONTENT_TYPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?im-u)^content-type[ \t]*:").expect("the pattern is tested"));

impl Mail {
    /// Takes any bytes apart.
    pub fn unpack(raw: &[u8]) -> Self {
        let raw = without_envelope_line(raw);
        let mut end = raw.len().min(MOST_BYTES);
        if let Some(found) = CONTENT_TYPE.find_iter(&raw[..end]).nth(MOST_PARTS) {
            end = found.start();
        }
        let kept = with_line_feeds(&raw[..end]);
        // The parser asserts what damaged nests break (0.11.9, in builds with assertions): such mail is read plainly.
        let mut mail =
            catch_unwind(AssertUnwindSafe(|| Self::parsed(&kept))).unwrap_or_else(|_| Self::plain(&kept));
        mail.truncated = end < raw.len();
        mail
    }

    fn parsed(raw: &[u8]) -> Self {
        let mut mail = Self::default();
        let parser = MessageParser::new().with_mime_headers().default_header_text();
        match parser.parse(raw) {
            Some(message) => mail.take(&message, 0),
            None => mail.push("text/plain", &String::from_utf8_lossy(raw), 0),
        }
        mail
    }

    /// Header and text, no parts.
    fn plain(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let lines: Vec<&str> = text.lines().take(MOST_FIELDS).collect();
        let (fields, end) = original::run(&lines, 0);
        let mut mail = Self {
            head: Head(fields),
            ..Self::default()
        };
        let body: Vec<&str> = text.lines().skip(end).collect();
        mail.push("text/plain", &body.join("\n"), 0);
        mail
    }

    fn take(&mut self, message: &Message<'_>, depth: u8) {
        for (n, part) in message.parts.iter().enumerate() {
            let kind = kind_of(part);
            if n == 0 {
                let head = head(message, part);
                if depth == 0 {
                    self.report_type = part
                        .content_type()
                        .and_then(|kind| kind.attribute("report-type"))
                        .unwrap_or_default()
                        .to_ascii_lowercase();
                    self.kind.clone_from(&kind);
                    self.head = head;
                } else {
                    self.enclosed.push((depth, head));
                }
            }
            match &part.body {
                PartType::Text(text) => self.push(&kind, &readable(text, part, message), depth),
                PartType::Html(html) => self.push("text/html", &text_of(cut(html, LONGEST_TEXT)), depth),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    if is_text(&kind) {
                        let bytes = &bytes[..bytes.len().min(LONGEST_TEXT)];
                        self.push(&kind, &String::from_utf8_lossy(bytes), depth);
                    }
                }
                PartType::Message(inner) if depth < DEEPEST => self.take(inner, depth + 1),
                PartType::Message(_) | PartType::Multipart(_) => {}
            }
        }
    }

    /// Headers alone, and messages that were encoded against the rules (RFC 2046 §5.2.1), are enclosed messages too.
    fn enclose(&mut self, kind: &str, text: &str, depth: u8) {
        if matches!(
            kind,
            "text/rfc822-headers"
                | "message/rfc822"
                | "message/rfc822-headers"
                | "message/global"
                | "message/global-headers"
        ) {
            let lines: Vec<&str> = text.lines().take(MOST_FIELDS).collect();
            let start = lines.iter().take_while(|line| line.trim().is_empty()).count();
            let (fields, _) = original::run(&lines, start);
            if !fields.is_empty() {
                self.enclosed.push((depth + 1, Head(fields)));
            }
        }
    }

    fn push(&mut self, kind: &str, text: &str, depth: u8) {
        self.enclose(kind, text, depth);
        let text: String = cut(text, LONGEST_TEXT)
            .chars()
            .filter(|c| !matches!(c, '\r' | '\0') && (kind == "text/html" || !is_mark(*c)))
            .collect();
        self.parts.push(Part {
            kind: kind.to_owned(),
            text,
            depth,
        });
    }

    /// The text a reader of the message sees: its plain parts, or its HTML (see [`super::html`]) where they say nothing.
    pub fn body(&self) -> String {
        let of = |kind: &str| {
            let mut body = String::new();
            for part in self
                .parts
                .iter()
                .filter(|part| part.depth == 0 && part.kind == kind)
            {
                if body.len() < LONGEST_TEXT {
                    body.push_str(&part.text);
                    body.push('\n');
                }
            }
            body
        };
        let plain = of("text/plain");
        if plain.trim().len() > 20 {
            return plain;
        }
        let html = of("text/html");
        if html.trim().is_empty() { plain } else { html }
    }
}

fn head(message: &Message<'_>, part: &MessagePart<'_>) -> Head {
    let mut fields = Vec::new();
    for header in part.headers.iter().take(MOST_FIELDS) {
        let value = match &header.value {
            HeaderValue::Text(text) => text.to_string(),
            HeaderValue::TextList(list) => list.join(" "),
            _ => message
                .raw_message
                .get(header.offset_start as usize..header.offset_end as usize)
                .map(|raw| String::from_utf8_lossy(raw).trim().to_owned())
                .unwrap_or_default(),
        };
        let name = header.name().trim().to_ascii_lowercase();
        fields.push((name, cut(&value, LONGEST_FIELD).to_owned()));
    }
    Head(fields)
}

fn kind_of(part: &MessagePart<'_>) -> String {
    let Some(kind) = part.content_type() else {
        return "text/plain".to_owned();
    };
    match &kind.c_subtype {
        Some(sub) => format!("{}/{sub}", kind.c_type).to_ascii_lowercase(),
        // `Content-Type: text` of old programs
        None => "text/plain".to_owned(),
    }
}

/// Parts that are read as text beside `text/*`: reports, and headers that some programs call otherwise.
fn is_text(kind: &str) -> bool {
    kind.starts_with("text/")
        || kind.starts_with("message/")
        || kind.starts_with("multipart/")
        || matches!(kind, "application/octet-stream")
}

/// Text in which bytes were lost because no character set is named is read as Windows-1252.
fn readable(text: &str, part: &MessagePart<'_>, message: &Message<'_>) -> String {
    if text.contains('\u{FFFD}') && part.encoding == Encoding::None {
        let raw = message
            .raw_message
            .get(part.offset_body as usize..part.offset_end as usize);
        if let (Some(raw), Some(decode)) = (raw, charset_decoder(b"windows-1252")) {
            return decode(&raw[..raw.len().min(LONGEST_TEXT)]);
        }
    }
    text.to_owned()
}

/// At most `most` bytes, cut between characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Without byte order mark, blank lines and the `From ` line of an mbox file before the header.
fn without_envelope_line(raw: &[u8]) -> &[u8] {
    let mut raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    raw = without_blank_lines(raw);
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        let end = raw
            .iter()
            .position(|b| *b == b'\n')
            .map_or(raw.len(), |at| at + 1);
        raw = without_blank_lines(&raw[end..]);
    }
    raw
}

/// Blank lines before the header are no end of it.
fn without_blank_lines(mut raw: &[u8]) -> &[u8] {
    while let Some(end) = raw.iter().position(|b| *b == b'\n') {
        if !raw[..end].iter().all(u8::is_ascii_whitespace) {
            break;
        }
        raw = &raw[end + 1..];
    }
    raw
}

/// Files with bare carriage returns get line feeds.
fn with_line_feeds(raw: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return raw.into();
    }
    raw.iter()
        .map(|b| if *b == b'\r' { b'\n' } else { *b })
        .collect::<Vec<u8>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_that_is_read_plainly_has_its_header_and_its_text() {
        let mail = Mail::plain(b"Subject: a\n b\nFrom: x@dest.example\n\nHello\n");
        assert_eq!(mail.head.get("subject"), Some("a b"));
        assert_eq!(mail.body().trim(), "Hello");
    }

    #[test]
    fn text_without_a_character_set_keeps_its_letters() {
        let mail = Mail::unpack(b"Subject: a\nContent-Type: text/plain\n\nZustellung verz\xF6gert, leider\n");
        assert!(mail.body().contains("verz\u{F6}gert"), "{}", mail.body());
    }
}
