//! Lines as SMTP has them: ended by CRLF and nothing else (RFC 5321 §2.3.8).

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

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
            let from = self.start + self.searched.saturating_sub(1);
            if let Some(at) = self.bytes[from..].windows(2).position(|two| two == b"\r\n") {
                let line = self.bytes[self.start..from + at].to_vec();
                self.start = from + at + 2;
                self.searched = 0;
                return Ok(Some(Line::Whole(line)));
            }
            self.searched = self.bytes.len() - self.start;
            if self.searched > longest + 2 {
                // The last byte may be the CR of the line's end.
                self.start = self.bytes.len() - 1;
                self.searched = 1;
                return Ok(Some(Line::Part));
            }
            self.bytes.drain(..self.start);
            self.start = 0;
            let mut chunk = [0; 16 * 1024];
            match stream.read(&mut chunk).await? {
                0 => return Ok(None),
                n => self.bytes.extend_from_slice(&chunk[..n]),
            }
        }
    }

    /// Forgets what came in before encryption began (RFC 3207 §4.2 by way of CVE-2011-0411).
    pub fn forget(&mut self) {
        *self = Lines::default();
    }
}
