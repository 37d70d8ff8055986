//! Server-sent events (WHATWG HTML §9.2), as far as a relay speaks them.

use crate::failure::failure;
use crate::http::Incoming;
use carillon_model::message::{Failure, FailureClass};
use std::collections::VecDeque;
use std::time::Duration;

/// Longest event, in bytes.
const LONGEST: usize = 16 << 20;

/// Without a sign of life for so long, a line is dead; the relay gives one every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// The data of each event, comments left out.
pub(super) struct Line {
    body: Incoming,
    events: Events,
}

impl Line {
    pub(super) fn of(body: Incoming) -> Line {
        Line {
            body,
            events: Events::default(),
        }
    }

    /// The data of the next event; nothing at the end of the line. Cancelling loses nothing.
    pub(super) async fn event(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(data) = self.events.ready.pop_front() {
                return Ok(Some(data));
            }
            match self.body.chunk(SILENCE).await? {
                None => return Ok(None),
                Some(bytes) if self.events.buffer.len() + bytes.len() > LONGEST => {
                    return Err(failure(
                        FailureClass::Transient,
                        "relay",
                        "The relay's live line said too much at once.",
                    ));
                }
                Some(bytes) => self.events.take(&bytes),
            }
        }
    }
}

#[derive(Default)]
struct Events {
    buffer: Vec<u8>,
    /// Bytes of the buffer in which no event ends.
    looked_at: usize,
    ready: VecDeque<String>,
}

impl Events {
    fn take(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        loop {
            let unread = &self.buffer[self.looked_at..];
            let Some(end) = unread.windows(2).position(|w| w == b"\n\n") else {
                self.looked_at = self.buffer.len().saturating_sub(1);
                return;
            };
            let event: Vec<u8> = self.buffer.drain(..self.looked_at + end + 2).collect();
            self.looked_at = 0;
            let text = String::from_utf8_lossy(&event);
            let data: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|line| line.strip_prefix(' ').unwrap_or(line))
                .collect();
            if !data.is_empty() {
                self.ready.push_back(data.join("\n"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_the_network_cuts_them() {
        let text = ": here\n\nevent: events\ndata: one\ndata: more\n\ndata:two\n\n";
        for cut in 0..text.len() {
            let mut events = Events::default();
            events.take(&text.as_bytes()[..cut]);
            events.take(&text.as_bytes()[cut..]);
            assert_eq!(Vec::from(events.ready), ["one\nmore", "two"], "cut at {cut}");
        }
    }
}
