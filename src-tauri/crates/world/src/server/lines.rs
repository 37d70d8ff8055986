//! Lines as SMTP has them: ended by CRLF and nothing else (RFC 5321 §2.3.8).

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Bytes there is room for in one read.
const CHUNK: usize = 16 * 1024;

/// A connection, plain or encrypted.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Bytes that came in and were not read as lines yet.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    start: usize,
    searched: usize,
}

/// One line, or the beginning of one that is too long.
pub(super) enum Line {
    Whole(Vec<u8>),
    /// So much of a line that has not ended within the limit; the rest comes with the next call.
    Part,
}

impl Lines {
    /// The next line without its CRLF, or `None` at the end of the connection.
    pub async fn next(&mut self, stream: &mut dyn Duplex, longest: usize) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.came(longest) {
                return Ok(Some(line));
            }
            self.bytes.drain(..self.start);
            self.start = 0;
            // Into what is kept and not over an array of this future, which would be copied for every line.
            self.bytes.reserve(CHUNK);
            if stream.read_buf(&mut self.bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next line of what came in, if it is whole or too long.
    pub fn came(&mut self, longest: usize) -> Option<Line> {
        let from = self.start + self.searched.saturating_sub(1);
        if let Some(at) = self.bytes[from..].windows(2).position(|two| two == b"\r\n") {
            let line = self.bytes[self.start..from + at].to_vec();
            self.start = from + at + 2;
            self.searched = 0;
            return Some(Line::Whole(line));
        }
        self.searched = self.bytes.len() - self.start;
        if self.searched > longest + 2 {
            // The last byte may be the CR of the line's end.
            self.start = self.bytes.len() - 1;
            self.searched = 1;
            return Some(Line::Part);
        }
        None
    }

    /// Forgets what came in before encryption began (RFC 3207 §4.2 by way of CVE-2011-0411).
    pub fn forget(&mut self) {
        *self = Lines::default();
    }
}
