//! The connection under a session: lines out, responses in, each bounded in bytes and time.

use super::Limits;
use crate::channels::email::Stream;
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use imap_codec::fragmentizer::{FragmentInfo, Fragmentizer};
use imap_codec::imap_types::IntoStatic;
use imap_codec::imap_types::response::Response;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Bytes asked of the system at a time.
const CHUNK: usize = 16 * 1024;

/// Why no response came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Closed,
    TimedOut,
    /// More bytes or responses than are allowed.
    TooLong,
    /// It spoke when it was not its turn, or to a question nobody had asked.
    OutOfTurn,
    /// What it says is not IMAP.
    NotImap,
}

/// What the server said.
#[derive(Debug)]
pub(super) enum Said {
    Response(Box<Response<'static>>),
    /// A complete response that follows no grammar we know; its first bytes.
    Unreadable(Vec<u8>),
}

pub(super) struct Wire {
    stream: Stream,
    fragments: Fragmentizer,
    limits: Limits,
    /// Bytes heard since the last command.
    heard: usize,
}

impl Wire {
    pub fn new(stream: Stream, limits: &Limits) -> Wire {
        Wire {
            stream,
            fragments: Fragmentizer::new(limits.response),
            limits: limits.clone(),
            heard: 0,
        }
    }

    /// The bare connection for the TLS handshake; `None` if the server has already said more than it should, which
    /// would then count as said under encryption (CVE-2011-0411 and its kin).
    pub fn into_plain(mut self) -> Option<TcpStream> {
        // The next message begins by forgetting the one before; whatever is there then was slipped in.
        let leftover = self.fragments.progress().is_some() || !self.fragments.message_bytes().is_empty();
        match self.stream {
            Stream::Plain(stream) if !leftover => Some(stream),
            _ => None,
        }
    }

    /// A new command: the budget of bytes begins anew.
    pub fn begin(&mut self) {
        self.heard = 0;
    }

    /// Writes all of it before the deadline.
    pub async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Lost> {
        match timeout_at(deadline, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Lost::Closed),
            Err(_) => Err(Lost::TimedOut),
        }
    }

    /// The next response, whole before the deadline. Nothing is lost when this future is dropped.
    pub async fn response(&mut self, deadline: Instant) -> Result<Said, Lost> {
        loop {
            if let Some(said) = self.next_said()? {
                return Ok(said);
            }
            if self.heard > self.limits.answer {
                return Err(Lost::TooLong);
            }
            let mut chunk = [0; CHUNK];
            match timeout_at(deadline, self.stream.read(&mut chunk)).await {
                Ok(Ok(n)) if n > 0 => {
                    self.heard += n;
                    self.fragments.enqueue_bytes(&chunk[..n]);
                }
                Ok(_) => return Err(Lost::Closed),
                Err(_) => return Err(Lost::TimedOut),
            }
        }
    }

    /// The next response among the bytes that are here.
    fn next_said(&mut self) -> Result<Option<Said>, Lost> {
        while let Some(fragment) = self.fragments.progress() {
            if let FragmentInfo::Line {
                announcement: Some(literal),
                ..
            } = fragment
                && literal.length > self.limits.response
            {
                return Err(Lost::TooLong);
            }
            if self.fragments.is_max_message_size_exceeded() {
                return Err(Lost::TooLong);
            }
            if self.fragments.is_message_complete() {
                let bytes = self.fragments.message_bytes();
                let said = match ResponseCodec::default().decode(bytes) {
                    Ok(([], response)) => Said::Response(Box::new(response.into_static())),
                    _ => Said::Unreadable(bytes[..bytes.len().min(1024)].to_vec()),
                };
                return Ok(Some(said));
            }
        }
        if self.fragments.is_max_message_size_exceeded() {
            return Err(Lost::TooLong);
        }
        Ok(None)
    }
}
