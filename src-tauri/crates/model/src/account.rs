//! Sender accounts.

use crate::mailbox::Auth;
use crate::{AccountId, ProviderId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Tls {
    /// Upgraded before anything else is said; refused if the server does not offer it (RFC 3207).
    Starttls,
    /// From the first byte (RFC 8314 §3.3).
    Tls,
    /// Not protected: to loopback only.
    None,
}

/// Where a secret is kept. The secret itself is never part of any value in this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SecretState {
    /// The account needs none.
    NotNeeded,
    /// None is stored yet.
    Missing,
    /// In the keychain of the operating system.
    Keychain,
    /// In a file protected by a passphrase.
    PassphraseFile,
}

/// The key that signs an account's messages (RFC 6376), where its server does not. The private half is kept where secrets
/// are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Dkim {
    /// The one of the sender's address, or one above it.
    pub domain: String,
    pub selector: String,
    /// Value of the TXT record at `selector._domainkey.domain`.
    pub record: String,
    /// Messages are signed: the record is published.
    pub on: bool,
}

/// An account messages leave through: a mail server (SMTP), or a provider's API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// Empty: no AUTH.
    pub user: String,
    /// What proves who we are, where there is a user.
    #[serde(default)]
    pub auth: Auth,
    pub from_name: String,
    pub from_email: String,
    /// Where replies go, when not to `from_email`.
    pub reply_to: Option<String>,
    /// PEM file of a certificate authority to trust beside the system's, for servers with a private one.
    pub ca_file: Option<String>,
    /// Messages in any 24 hours.
    pub per_day: u32,
    /// Messages in any 60 seconds.
    pub per_minute: u32,
    /// Connections at a time, 1 to 50.
    pub sessions: u16,
    /// The dated preset the limits came from (`assets/rules/senders.json`), if any.
    pub preset: Option<String>,
    /// Messages leave through the API of this provider; then `host` and `user` are empty.
    #[serde(default)]
    pub provider: Option<ProviderId>,
    #[serde(default)]
    pub dkim: Option<Dkim>,
}
