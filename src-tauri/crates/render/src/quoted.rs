//! Quoted-printable (RFC 2045 §6.7), with the line breaks that lettre's encoder makes.
//!
//! lettre looks through a body three times, moves its line ends in place and encodes by characters, which took longer than
//! making the mail. Here it is one way over the bytes.

use std::borrow::Cow;

/// Characters of an encoded line, with the "=" of a soft break (RFC 2045 §6.7, rule 5).
const LIMIT: usize = 76;

/// Text with a line feed for each line end, and without NUL.
pub(crate) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    match text.as_bytes().contains(&b'\r') || text.as_bytes().contains(&0) {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")),
        false => Cow::Borrowed(text),
    }
}

/// Text [`with_line_feeds`], encoded, each line with its CRLF.
pub(crate) fn encoded(text: &str) -> Vec<u8> {
    let mut writer = Writer {
        out: Vec::with_capacity(text.len() + text.len() / 6 + 64),
        column: 0,
        last: 0,
    };
    for line in text.split('\n') {
        writer.line(line.as_bytes());
    }
    writer.out
}

fn is_literal(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~') && byte != b'='
}

struct Writer {
    out: Vec<u8>,
    /// Characters of the line so far.
    column: usize,
    /// Where the last sign begins, while the line is nearly full.
    last: usize,
}

impl Writer {
    fn line(&mut self, line: &[u8]) {
        self.column = 0;
        // White space at the end of a line would be lost on the way.
        let (body, end) = match line.split_last() {
            Some((b' ' | b'\t', body)) => (body, &line[body.len()..]),
            _ => (line, &[][..]),
        };
        let mut rest = body;
        while let Some(&first) = rest.first() {
            // Far from the end of the line what needs no code is taken as it is.
            let room = LIMIT.saturating_sub(self.column + 2);
            let run = rest
                .iter()
                .take(room)
                .position(|byte| !is_literal(*byte))
                .unwrap_or(room.min(rest.len()));
            if run > 0 {
                self.out.extend_from_slice(&rest[..run]);
                self.column += run;
                rest = &rest[run..];
                continue;
            }
            if is_literal(first) {
                self.sign(&[first]);
            } else {
                self.code(first);
            }
            rest = &rest[1..];
        }
        end.iter().for_each(|byte| self.code(*byte));
        self.out.extend_from_slice(b"\r\n");
    }

    fn code(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        self.sign(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }

    /// Adds a character or a code, with a soft break before it where it does not fit, or before the sign that would leave no
    /// room for the break.
    fn sign(&mut self, sign: &[u8]) {
        if self.column + sign.len() > LIMIT {
            let at = if self.column == LIMIT {
                self.last
            } else {
                self.out.len()
            };
            let moved = self.out.split_off(at);
            self.out.extend_from_slice(b"=\r\n");
            self.out.extend_from_slice(&moved);
            self.column = moved.len();
        }
        self.last = self.out.len();
        self.out.extend_from_slice(sign);
        self.column += sign.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::message::SinglePart;
    use lettre::message::header::{ContentTransferEncoding, ContentType};
    use proptest::prelude::*;

    /// The body that lettre makes of the same text.
    fn by_lettre(text: &str) -> Vec<u8> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
        let part = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(text.replace('\n', "\r\n") + "\r\n");
        part.raw_body().to_vec()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        #[test]
        fn every_text_is_encoded_as_lettre_does(
            pieces in prop::collection::vec(
                prop_oneof![
                    4 => (70usize..80).prop_map(|n| "x".repeat(n)),
                    4 => (1usize..5).prop_map(|n| "y".repeat(n)),
                    3 => prop::sample::select(vec!["=", "é", " ", "\t", "\n", "\r\n", "\r", "\0", "👨", "  ", ".", "\u{7f}"]).prop_map(str::to_owned),
                    1 => "[ -~\n]{0,200}",
                ],
                0..24,
            )
        ) {
            let text = pieces.concat();
            let ours = String::from_utf8_lossy(&encoded(&with_line_feeds(&text))).into_owned();
            prop_assert_eq!(ours, String::from_utf8_lossy(&by_lettre(&text)).into_owned());
        }
    }
}
