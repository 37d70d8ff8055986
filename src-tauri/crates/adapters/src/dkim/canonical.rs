//! How a message is read before it is hashed: relaxed header and body canonicalization (RFC 6376 §3.4.2, §3.4.4).

/// A header as it stands in the message, without its last line end.
pub(super) struct Header<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) fn read(field: &'a [u8]) -> Option<Header<'a>> {
        let colon = field.iter().position(|b| *b == b':')?;
        let name = field[..colon].trim_ascii_end();
        let is_name = !name.is_empty() && name.iter().all(|b| matches!(b, b'!'..=b'~'));
        is_name.then_some(Header {
            name,
            value: &field[colon + 1..],
        })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Name in lower case, value on one line with each run of white space as one space, CRLF.
    pub(super) fn relaxed(&self, out: &mut Vec<u8>) {
        out.extend(self.name.to_ascii_lowercase());
        out.push(b':');
        let from = out.len();
        for byte in self.value {
            match byte {
                b'\r' | b'\n' => {}
                b' ' | b'\t' if out.len() == from || out.last() == Some(&b' ') => {}
                b' ' | b'\t' => out.push(b' '),
                byte => out.push(*byte),
            }
        }
        if out.len() > from && out.last() == Some(&b' ') {
            out.pop();
        }
        out.extend(b"\r\n");
    }
}

/// Headers and body of a message. None where a line of the headers is none, or nothing ends them.
pub(super) fn split(message: &[u8]) -> Option<(Vec<Header<'_>>, &[u8])> {
    let end = find(message, b"\r\n\r\n")?;
    let (head, body) = (&message[..end], &message[end + 4..]);
    let mut headers = Vec::new();
    let (mut from, mut line) = (0, 0);
    loop {
        let next = find(&head[line..], b"\r\n").map(|at| line + at + 2);
        let goes_on = next.is_some_and(|next| matches!(head.get(next), Some(b' ' | b'\t')));
        if !goes_on {
            let to = next.map_or(head.len(), |next| next - 2);
            headers.push(Header::read(&head[from..to])?);
        }
        let Some(next) = next else { break };
        line = next;
        if !goes_on {
            from = next;
        }
    }
    Some((headers, body))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

/// Each run of white space as one space and none at the ends of lines, no empty lines at the end.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut line = 0;
    for byte in body {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') && out.len() > line => {}
            b' ' | b'\t' => out.push(b' '),
            b'\n' if out.last() == Some(&b'\r') => {
                out.pop();
                if out.len() > line && out.last() == Some(&b' ') {
                    out.pop();
                }
                out.extend(b"\r\n");
                line = out.len();
            }
            byte => out.push(*byte),
        }
    }
    if out.len() > line {
        if out.last() == Some(&b' ') {
            out.pop();
        }
        out.extend(b"\r\n");
    }
    while out.ends_with(b"\r\n\r\n") {
        out.truncate(out.len() - 2);
    }
    if out == b"\r\n" {
        out.clear();
    }
    out
}
