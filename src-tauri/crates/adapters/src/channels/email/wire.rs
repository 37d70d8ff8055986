//! The connection under a session: bytes out, replies in, each within its time.

use super::reply::{BadReply, LONGEST_LINE, Reply, ReplyReader};
use crate::failure::failure;
use crate::{Secret, channels::email::Phase};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use carillon_model::message::{Failure, FailureClass};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

/// Bytes written under one time limit.
const BLOCK: usize = 64 * 1024;
/// How long to wait for a server's explanation after it stopped reading.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A connection, bare or under TLS.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(crate) async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(into).await,
            Stream::Tls(stream) => stream.read(into).await,
        }
    }

    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }
}

/// Why no reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Closed,
    TimedOut,
    Bad(BadReply),
    /// The server spoke when it was not its turn.
    OutOfTurn,
}

/// What a server has to say when nobody asked.
pub(super) enum Unasked {
    Nothing,
    Reply(Reply),
    Lost(Lost),
}

pub(super) struct Wire {
    stream: Stream,
    inbox: Vec<u8>,
    hidden: Vec<Zeroizing<String>>,
}

impl Wire {
    pub fn new(stream: Stream) -> Wire {
        Wire {
            stream,
            inbox: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// From now on no reply shows this secret, plain or in base64, should the server repeat it.
    pub fn hide(&mut self, secret: &Secret) {
        self.hidden.push(Zeroizing::new(secret.expose().to_owned()));
        self.hidden
            .push(Zeroizing::new(BASE64_STANDARD.encode(secret.expose())));
    }

    /// Like [`Wire::hide`], for one exact text.
    pub fn hide_text(&mut self, text: &str) {
        self.hidden.push(Zeroizing::new(text.to_owned()));
    }

    /// The bare connection, for the TLS handshake; `None` if the server has already said more than it should, which
    /// would then count as said under encryption (CVE-2011-0411 and its kin).
    pub fn into_plain(self) -> Option<TcpStream> {
        match self.stream {
            Stream::Plain(stream) if self.inbox.is_empty() => Some(stream),
            _ => None,
        }
    }

    /// Writes all of it, each block within `limit`.
    pub async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), Lost> {
        for block in bytes.chunks(BLOCK) {
            match timeout(limit, self.stream.write_all(block)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Lost::Closed),
                Err(_) => return Err(Lost::TimedOut),
            }
        }
        Ok(())
    }

    /// The next reply, whole within `limit`.
    pub async fn reply(&mut self, limit: Duration) -> Result<Reply, Lost> {
        timeout(limit, self.read_reply())
            .await
            .unwrap_or(Err(Lost::TimedOut))
    }

    /// A reply that is already on its way after a write failed; the reason is worth more than the failure.
    pub async fn last_words(&mut self) -> Option<Reply> {
        self.reply(LAST_WORDS)
            .await
            .ok()
            .filter(|reply| !reply.is_positive())
    }

    /// Looks, without waiting, whether the server spoke or left when it was not its turn.
    pub async fn unasked(&mut self) -> Unasked {
        // What has arrived is seen only after the runtime has asked the system for it.
        tokio::task::yield_now().await;
        let mut chunk = [0; 4096];
        if self.inbox.is_empty() {
            let arrived = tokio::select! {
                biased;
                read = self.stream.read(&mut chunk) => read,
                () = std::future::ready(()) => return Unasked::Nothing,
            };
            match arrived {
                Ok(n) if n > 0 => self.inbox.extend_from_slice(&chunk[..n]),
                _ => return Unasked::Lost(Lost::Closed),
            }
        }
        match self.reply(LAST_WORDS).await {
            Ok(reply) if !reply.is_positive() => Unasked::Reply(reply),
            Ok(_) | Err(Lost::Bad(_)) => Unasked::Lost(Lost::OutOfTurn),
            Err(lost) => Unasked::Lost(lost),
        }
    }

    async fn read_reply(&mut self) -> Result<Reply, Lost> {
        let mut reader = ReplyReader::default();
        let mut seen = 0;
        loop {
            while let Some(end) = self.inbox[seen..].iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.inbox.drain(..=seen + end).collect();
                seen = 0;
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if let Some(reply) = reader.line(line).map_err(Lost::Bad)? {
                    return Ok(self.without_secrets(reply));
                }
            }
            seen = self.inbox.len();
            if seen > LONGEST_LINE + 2 {
                return Err(Lost::Bad(BadReply::TooLong));
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return Err(Lost::Closed),
                Ok(n) => self.inbox.extend_from_slice(&chunk[..n]),
            }
        }
    }

    fn without_secrets(&self, mut reply: Reply) -> Reply {
        for line in &mut reply.lines {
            for secret in &self.hidden {
                if !secret.is_empty() && line.contains(secret.as_str()) {
                    *line = line.replace(secret.as_str(), "***");
                }
            }
        }
        reply
    }
}

/// The failure of a connection that was lost in this phase.
pub(super) fn lost_failure(host: &str, phase: Phase, lost: Lost) -> Failure {
    if phase == Phase::Dot {
        return failure(
            FailureClass::Unknown,
            "no_reply",
            format!(
                "{host} took the whole message and then gave no answer, so nobody can tell whether it will be \
                 delivered. It is held and not sent again by itself."
            ),
        );
    }
    let (class, code, what) = match lost {
        Lost::Closed => (FailureClass::Transient, "connection_lost", "ended the connection"),
        Lost::TimedOut => (FailureClass::Transient, "timeout", "gave no answer in time"),
        Lost::OutOfTurn => (
            FailureClass::Transient,
            "out_of_turn",
            "answered a question nobody had asked",
        ),
        Lost::Bad(_) if phase <= Phase::Ehlo => (
            FailureClass::Setup,
            "not_smtp",
            "answered, but not as a mail server does",
        ),
        Lost::Bad(_) => (
            FailureClass::Transient,
            "bad_reply",
            "gave an answer that makes no sense",
        ),
    };
    failure(
        class,
        code,
        format!("{host} {what} ({phase}). Nothing was delivered."),
    )
}
