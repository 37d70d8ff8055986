//! The SMTP session against the world's server, and against servers that misbehave at every point.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chaos;
mod encryption;
mod scripted;
mod tokens;
mod world;

use carillon_adapters::channels::email::{Options, Session, Stopped, Timeouts};
use carillon_adapters::{Dialer, Secret};
use carillon_model::AccountId;
use carillon_model::account::{Account, Tls};
use std::time::Duration;

pub const FROM: &str = "shop@example.com";
pub const TO: &str = "ada@example.org";

/// An account without password for a server on this machine.
pub fn account(port: u16, tls: Tls) -> Account {
    Account {
        id: AccountId(1),
        name: "test".into(),
        host: "localhost".into(),
        port,
        tls,
        user: String::new(),
        auth: Default::default(),
        from_name: String::new(),
        from_email: FROM.into(),
        reply_to: None,
        ca_file: None,
        per_day: 1,
        per_minute: 1,
        sessions: 1,
        preset: None,
        provider: None,
        dkim: None,
    }
}

/// A dialer that knows `localhost` as one address, so that a test has one connection.
pub fn dialer() -> Dialer {
    Dialer::new(true).with_name("localhost", vec!["127.0.0.1".parse().unwrap()])
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub async fn open(account: &Account, password: Option<&str>) -> Result<Session, Box<Stopped>> {
    let secret = password.map(secret);
    Session::open(account, secret.as_ref(), &dialer()).await
}

/// Times of which one, short, is let run out.
pub fn impatient(change: impl FnOnce(&mut Timeouts)) -> Options {
    let mut options = Options::default();
    change(&mut options.timeouts);
    options
}

pub const SHORT: Duration = Duration::from_millis(200);
