//! Where in a session something happened.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The phases of a session, in order. Nothing before [`Phase::Dot`] can have delivered a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Our own checks, before anything is said.
    Check,
    Connect,
    Greeting,
    Ehlo,
    Starttls,
    Tls,
    Auth,
    /// Between two messages: the server ended the session, and nothing of the next message was said.
    Idle,
    Mail,
    Rcpt,
    Data,
    Body,
    /// The final dot was written, or may have been.
    Dot,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Check => "checking the message",
            Phase::Connect => "connecting",
            Phase::Greeting => "waiting for the greeting",
            Phase::Ehlo => "introducing ourselves",
            Phase::Starttls => "asking for encryption",
            Phase::Tls => "setting up encryption",
            Phase::Auth => "logging in",
            Phase::Idle => "waiting between two messages",
            Phase::Mail => "naming the sender",
            Phase::Rcpt => "naming the recipient",
            Phase::Data => "asking to hand over the message",
            Phase::Body => "handing over the message",
            Phase::Dot => "waiting for the last word on the message",
        })
    }
}
