//! Reading a mailbox over IMAP (RFC 3501), and nothing but reading: folders are opened with EXAMINE, mails are taken
//! with BODY.PEEK, so that not even a flag changes.
//!
//! The grammar of the server's answers is `imap-codec`'s; connection, limits and times are ours. Every answer is
//! bounded in bytes, number and time before it is looked at.

mod auth;
mod check;
mod failures;
mod fetch;
mod folders;
mod idle;
mod presets;
mod session;
mod wire;

pub use check::{Checked, Folder, SpecialUse};
pub use fetch::{Batch, Mail};
pub use idle::Wake;
pub use presets::{MailboxPreset, MailboxPresets, preset, preset_for_host, presets};
pub use session::Imap;

use std::time::{Duration, SystemTime};

/// How long each step may take.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// The TLS handshake.
    pub tls: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// The whole answer to a command that carries no mails.
    pub command: Duration,
    /// The whole answer that carries a batch of mails.
    pub fetch: Duration,
    /// IDLE is asked for anew after this time, and thereby shown to be alive. RFC 2177 §3 wants less than 29 minutes;
    /// routers at home forget a silent connection much sooner.
    pub idle: Duration,
    /// Between two questions where the server has no IDLE.
    pub poll: Duration,
    /// A server that does not answer within this, after the machine slept, is gone.
    pub probe: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            tls: Duration::from_secs(60),
            greeting: Duration::from_secs(60),
            command: Duration::from_secs(120),
            fetch: Duration::from_secs(600),
            idle: Duration::from_secs(9 * 60),
            poll: Duration::from_secs(60),
            probe: Duration::from_secs(20),
        }
    }
}

/// How much a server may say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one response.
    pub response: u32,
    /// Bytes of all responses to one command.
    pub answer: usize,
    /// Responses to one command.
    pub responses: usize,
    /// Bytes that are read of one mail. A report has the person-readable part, the machine-readable part and the
    /// head of the returned mail in this order (RFC 6522 §3), so its beginning says what happened.
    pub mail: u32,
    /// Bytes of mails in one batch, beyond the first.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            response: 8 << 20,
            answer: 64 << 20,
            responses: 200_000,
            mail: 1 << 20,
            batch: 8 << 20,
        }
    }
}

/// What a session may be told beyond its mailbox.
#[derive(Clone, Debug)]
pub struct Options {
    pub timeouts: Timeouts,
    pub limits: Limits,
    /// The wall clock: unlike the clock timers run by, it goes on while the machine sleeps.
    pub clock: fn() -> SystemTime,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            clock: SystemTime::now,
        }
    }
}
