//! A message as it goes over the wire: CRLF line ends, dots doubled (RFC 5321 §4.5.2).

/// Longest line of a message without its CRLF (RFC 5321 §4.5.3.1.6).
pub(super) const LONGEST_LINE: usize = 998;

/// Why a message cannot go over the wire as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadBody {
    /// A NUL byte.
    Nul,
    /// A line of more than [`LONGEST_LINE`] bytes.
    LongLine,
    Empty,
}

/// A message ready for DATA, without the final dot.
#[derive(Debug)]
pub(super) struct WireBody {
    pub bytes: Vec<u8>,
    /// Whether a byte above 127 is in it (RFC 6152).
    pub eight_bit: bool,
}

/// Makes every line end CRLF and doubles each dot that begins a line. A bare CR or LF counts as a line end, so
/// that no server can see a line, and with it a command, that we did not see (RUSTSEC-2026-0561 is that fault).
pub(super) fn wire_body(message: &[u8]) -> Result<WireBody, BadBody> {
    if message.is_empty() {
        return Err(BadBody::Empty);
    }
    let mut bytes = Vec::with_capacity(message.len() + message.len() / 64 + 2);
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|b| matches!(b, b'\r' | b'\n'))
            .unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if line.len() > LONGEST_LINE {
            return Err(BadBody::LongLine);
        }
        if line.first() == Some(&b'.') {
            bytes.push(b'.');
        }
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
        rest = tail
            .strip_prefix(b"\r\n")
            .or_else(|| tail.get(1..))
            .unwrap_or(&[]);
    }
    if bytes.contains(&0) {
        return Err(BadBody::Nul);
    }
    let eight_bit = !bytes.is_ascii();
    Ok(WireBody { bytes, eight_bit })
}

/// The law on the final bytes, checked apart from how they were made: whole CRLF lines, none a lone dot, none
/// beginning with a single one.
pub(super) fn is_safe(bytes: &[u8]) -> bool {
    let Some(body) = bytes.strip_suffix(b"\r\n") else {
        return false;
    };
    let mut lines = body.split(|b| *b == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = match (line.strip_suffix(b"\r"), lines.peek().is_some()) {
            (Some(line), true) => line,
            (None, false) => line,
            _ => return false,
        };
        if line.contains(&b'\r') || (line.starts_with(b".") && !line.starts_with(b"..")) {
            return false;
        }
    }
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(message: &[u8]) -> Vec<u8> {
        wire_body(message).unwrap().bytes
    }

    #[test]
    fn dots_at_the_start_of_any_kind_of_line_are_doubled() {
        assert_eq!(wire(b".\r\n..\r\na.\r\n"), b"..\r\n...\r\na.\r\n");
        assert_eq!(
            wire(b"a\n.\nMAIL FROM:<spoof@evil>\n"),
            b"a\r\n..\r\nMAIL FROM:<spoof@evil>\r\n"
        );
        assert_eq!(wire(b"a\r.\rb"), b"a\r\n..\r\nb\r\n");
        assert_eq!(wire(b"a\n\r.x\r\r\n"), b"a\r\n\r\n..x\r\n\r\n");
    }

    #[test]
    fn the_last_line_gets_its_line_end() {
        assert_eq!(wire(b"a"), b"a\r\n");
        assert_eq!(wire(b"\r\n"), b"\r\n");
    }

    #[test]
    fn nul_long_lines_and_nothing_are_refused() {
        assert_eq!(wire_body(b"a\0b\r\n").unwrap_err(), BadBody::Nul);
        assert_eq!(wire_body(&[b'a'; 999]).unwrap_err(), BadBody::LongLine);
        assert_eq!(wire_body(b"").unwrap_err(), BadBody::Empty);
        assert_eq!(wire(&[b'.'; 998]).len(), 1001);
    }

    #[test]
    fn the_check_sees_each_fault() {
        for bad in [
            &b""[..],
            b"a",
            b".\r\n",
            b".a\r\n",
            b"a\n.\r\n",
            b"a\nb\r\n",
            b"a\rb\r\n",
            b"a\r\r\n",
            b"a\n",
        ] {
            assert!(!is_safe(bad), "{bad:?}");
        }
        for good in [&b"\r\n"[..], b"a\r\n", b"..\r\n", b"a\r\n\r\n..b\r\n"] {
            assert!(is_safe(good), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_goes_in_the_wire_is_safe_and_undoing_the_dots_gives_the_lines_back(
            parts in proptest::collection::vec("\r|\n|\r\n|\\.|[a-z.]{1,3}|\u{e9}", 1..40)
        ) {
            let message = parts.concat();
            let wire = wire(message.as_bytes());
            prop_assert!(is_safe(&wire));
            let text = String::from_utf8(wire).unwrap();
            let undone: Vec<&str> =
                text.split_terminator("\r\n").map(|l| l.strip_prefix('.').unwrap_or(l)).collect();
            let unified = message.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(undone, unified.split_terminator('\n').collect::<Vec<_>>());
        }
    }
}
