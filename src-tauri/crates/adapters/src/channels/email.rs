//! E-mail: our own SMTP session (RFC 5321), in which the body and the final dot are two calls.
//!
//! Between them the caller makes *in flight* durable. Whatever fails before the dot has delivered nothing; once the
//! dot began, only the server's reply tells the outcome, and a missing reply is [`FailureClass::Unknown`] (RFC 1047).

mod address;
mod auth;
mod body;
mod hello;
mod phase;
mod reply;
mod rules;
mod session;
pub(crate) mod tls;
mod wire;

pub use phase::Phase;
pub use reply::{Enhanced, Reply};
pub use session::{Finished, Ready, Session, Stopped};

use std::time::Duration;

#[cfg(doc)]
use carillon_model::message::FailureClass;

/// How long each phase may take: the least a client should wait, from RFC 5321 §4.5.3.2.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// The TLS handshake.
    pub tls: Duration,
    /// The greeting (§4.5.3.2.1).
    pub greeting: Duration,
    /// EHLO, STARTTLS, AUTH, MAIL, RCPT and NOOP (§4.5.3.2.2, §4.5.3.2.3).
    pub command: Duration,
    /// The reply to DATA (§4.5.3.2.4).
    pub data: Duration,
    /// Each block of 64 KiB of the message (§4.5.3.2.5).
    pub block: Duration,
    /// The reply to the final dot (§4.5.3.2.6). Shorter makes doubts where the server is merely slow.
    pub dot: Duration,
    /// The reply to QUIT, and to RSET after a refusal: no message depends on either.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            tls: Duration::from_secs(60),
            greeting: Duration::from_secs(300),
            command: Duration::from_secs(300),
            data: Duration::from_secs(120),
            block: Duration::from_secs(180),
            dot: Duration::from_secs(600),
            quit: Duration::from_secs(5),
        }
    }
}

/// What a session may be told beyond its account.
#[derive(Clone, Debug)]
pub struct Options {
    pub timeouts: Timeouts,
    /// Messages after which the session wants to be ended, as many servers ask for.
    pub max_messages: u32,
    /// Name said in EHLO; without one, the address of this end (RFC 5321 §4.1.3).
    pub client_name: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeouts: Timeouts::default(),
            max_messages: 100,
            client_name: None,
        }
    }
}
