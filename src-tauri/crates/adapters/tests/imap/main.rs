//! The IMAP session against servers that misbehave at every point. Real ones are in the stories.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod hostile;
mod logins;
mod reading;
mod server;

use carillon_adapters::mailbox::imap::{Imap, Options};
use carillon_adapters::{Dialer, Secret};
use carillon_model::MailboxId;
use carillon_model::account::Tls;
use carillon_model::mailbox::{Auth, Mailbox};
use carillon_model::message::Failure;
use std::time::Duration;

pub const WORD: &str = "a quite secret word";

pub fn mailbox(port: u16, tls: Tls) -> Mailbox {
    Mailbox {
        id: MailboxId(1),
        name: "test".into(),
        host: "localhost".into(),
        port,
        tls,
        user: "ada".into(),
        auth: Auth::Password,
        folders: vec!["INBOX".into()],
        ca_file: None,
    }
}

pub fn dialer() -> Dialer {
    Dialer::new(true).with_name("localhost", vec!["127.0.0.1".parse().unwrap()])
}

/// Limits that a test can reach, and times it can wait for.
pub fn impatient() -> Options {
    let mut options = Options::default();
    options.timeouts.greeting = Duration::from_millis(400);
    options.timeouts.command = Duration::from_millis(400);
    options.timeouts.fetch = Duration::from_millis(400);
    options.timeouts.probe = Duration::from_millis(400);
    options
}

pub async fn open(port: u16) -> Result<Imap, Failure> {
    open_with(port, &Options::default()).await
}

pub async fn open_with(port: u16, options: &Options) -> Result<Imap, Failure> {
    let secret = Secret::new(WORD.to_owned());
    Imap::open(&mailbox(port, Tls::None), &secret, &dialer(), options).await
}
