//! Replies of an SMTP server (RFC 5321 §4.2), read with bounds: the server may be anybody.

use crate::failure::{clean, one_line};
use std::fmt;

/// Longest line taken, in bytes. RFC 5321 §4.5.3.1.5 allows 512; servers that explain themselves go beyond.
pub(super) const LONGEST_LINE: usize = 2048;
/// Most lines of one reply.
pub(super) const MOST_LINES: usize = 100;

/// An enhanced status code (RFC 2034, RFC 3463): class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// One whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    pub enhanced: Option<Enhanced>,
    /// The text of each line, without codes, controls and direction marks.
    pub lines: Vec<String>,
}

impl Reply {
    /// Whether the server did what was asked (2xx).
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Basic and enhanced code: `550 5.1.1`.
    pub fn codes(&self) -> String {
        match self.enhanced {
            Some(enhanced) => format!("{} {enhanced}", self.code),
            None => self.code.to_string(),
        }
    }

    /// The text of all lines as one, at most 400 characters.
    pub fn text(&self) -> String {
        one_line(&self.lines.join(" "))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.codes(), self.text())
    }
}

/// Why bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadReply {
    /// A line does not begin with three digits and a space or hyphen.
    NotSmtp,
    /// A line or the whole is longer than anybody needs.
    TooLong,
    /// The lines of one reply disagree about the code.
    Mixed,
}

/// Collects lines until a reply is whole.
#[derive(Default)]
pub(super) struct ReplyReader {
    code: Option<u16>,
    enhanced: Option<Enhanced>,
    lines: Vec<String>,
}

impl ReplyReader {
    /// Takes one line without its line end. Returns the reply when the line ends it.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, BadReply> {
        if line.len() > LONGEST_LINE || self.lines.len() >= MOST_LINES {
            return Err(BadReply::TooLong);
        }
        let (code, more, text) = split(line).ok_or(BadReply::NotSmtp)?;
        match self.code {
            None => self.code = Some(code),
            Some(first) if first == code => {}
            Some(_) => return Err(BadReply::Mixed),
        }
        let (enhanced, text) = take_enhanced(code, text);
        self.enhanced = self.enhanced.or(enhanced);
        self.lines.push(clean(&String::from_utf8_lossy(text)));
        if more {
            return Ok(None);
        }
        let whole = std::mem::take(self);
        Ok(Some(Reply {
            code,
            enhanced: whole.enhanced,
            lines: whole.lines,
        }))
    }
}

/// Code, whether more lines follow, text. A line of three digits alone ends a reply (RFC 5321 §4.2).
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&digits[0]) {
        return None;
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest.split_first() {
        None => Some((code, false, rest)),
        Some((b' ', text)) => Some((code, false, text)),
        Some((b'-', text)) => Some((code, true, text)),
        Some(_) => None,
    }
}

/// An enhanced code stands first in the text and its class agrees with the basic code (RFC 2034 §4).
fn take_enhanced(code: u16, text: &[u8]) -> (Option<Enhanced>, &[u8]) {
    let end = text.iter().position(|b| *b == b' ').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    match parse_enhanced(word) {
        Some(enhanced) if u16::from(enhanced.0) == code / 100 => (Some(enhanced), rest),
        _ => (None, text),
    }
}

fn parse_enhanced(word: &[u8]) -> Option<Enhanced> {
    let text = std::str::from_utf8(word).ok()?;
    let mut parts = text.split('.');
    let mut number = |longest: usize| {
        let part = parts.next()?;
        let fits = (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse::<u16>().ok())?
    };
    let (class, subject, detail) = (number(1)?, number(3)?, number(3)?);
    let whole = parts.next().is_none() && matches!(class, 2 | 4 | 5);
    whole.then_some(Enhanced(class as u8, subject, detail))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(lines: &[&[u8]]) -> Result<Option<Reply>, BadReply> {
        let mut reader = ReplyReader::default();
        let mut last = None;
        for line in lines {
            last = reader.line(line)?;
        }
        Ok(last)
    }

    #[test]
    fn a_reply_of_many_lines_keeps_code_enhanced_code_and_text() {
        let reply = read(&[b"550-5.1.1 no such", b"550-5.1.1 user", b"550 5.1.1 here"])
            .unwrap()
            .unwrap();
        assert_eq!((reply.code, reply.enhanced), (550, Some(Enhanced(5, 1, 1))));
        assert_eq!(reply.to_string(), "550 5.1.1 no such user here");
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_text() {
        let reply = read(&[b"250 5.1.1 odd"]).unwrap().unwrap();
        assert_eq!((reply.enhanced, reply.text().as_str()), (None, "5.1.1 odd"));
        let reply = read(&[b"250 2.0.0.1 10.2.3.4"]).unwrap().unwrap();
        assert_eq!(reply.enhanced, None);
    }

    #[test]
    fn a_line_of_three_digits_alone_is_a_reply() {
        assert_eq!(read(&[b"250"]).unwrap().unwrap().text(), "");
    }

    #[test]
    fn what_is_not_smtp_is_said_to_be_so() {
        for line in [
            &b"HTTP/1.1 400 Bad Request"[..],
            b"",
            b"25",
            b"25x no",
            b"250x no",
            b"150 no",
            b"650 no",
        ] {
            assert_eq!(read(&[line]), Err(BadReply::NotSmtp), "{line:?}");
        }
        assert_eq!(read(&[b"250-a", b"251 b"]), Err(BadReply::Mixed));
        assert_eq!(read(&[&[b'2'; 3000]]), Err(BadReply::TooLong));
        assert_eq!(read(&vec![&b"250-x"[..]; 101]), Err(BadReply::TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_and_text_never_holds_a_control(
            lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..6),
            code in "[2-5][0-5][0-9][ -]",
        ) {
            let mut reader = ReplyReader::default();
            for line in &lines {
                let line = [code.as_bytes(), line].concat();
                if let Ok(Some(reply)) = reader.line(&line) {
                    prop_assert!(!reply.to_string().chars().any(char::is_control));
                }
            }
        }
    }
}
