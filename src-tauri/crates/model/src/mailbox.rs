//! Mailboxes that are read, and how one signs in to a mail server.

use crate::account::Tls;
use crate::{MailboxId, Moment};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a mail server is told who we are. The password or the tokens lie in the vault, never here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Auth {
    /// A user name and a password, which may be an app password.
    #[default]
    Password,
    /// A short-lived token that a sign-in in the browser gave (OAuth 2.0, RFC 6749), said with SASL XOAUTH2.
    #[serde(rename = "oauth")]
    OAuth { provider: OAuthProvider },
}

/// Whose sign-in it is. Presets are in `assets/rules/oauth_providers.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum OAuthProviderKind {
    Google,
    Microsoft,
    Other,
}

/// Address on this machine to which the browser comes back (RFC 8252 §7.3). The port is any that is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum OAuthRedirect {
    /// `http://127.0.0.1:<port>/`, as RFC 8252 asks.
    #[default]
    Address,
    /// `http://localhost:<port>`, for providers that let only this name have any port.
    Localhost,
}

/// An OAuth 2.0 provider and the user's own registration there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OAuthProvider {
    pub kind: OAuthProviderKind,
    /// The user's own client id, of a desktop application.
    pub client_id: String,
    /// Where the browser is sent (RFC 6749 §3.1); `https`, or this machine.
    pub authorize_url: String,
    /// Where tokens come from (RFC 6749 §3.2); `https`, or this machine.
    pub token_url: String,
    pub scopes: Vec<String>,
    #[serde(default)]
    pub redirect: OAuthRedirect,
    /// Whether the registration has a client secret, kept in the vault. A desktop application cannot keep it from its
    /// user, but some providers want it all the same.
    #[serde(default)]
    pub has_client_secret: bool,
    /// More parameters of the address the browser is sent to, such as `access_type=offline`.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
}

/// A mailbox that is read over IMAP. Nothing in it is changed, not even what is read and what is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Mailbox {
    pub id: MailboxId,
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub user: String,
    #[serde(default)]
    pub auth: Auth,
    /// Folders that are read, as the server spells them (RFC 3501 §5.1.3); the first one is listened to. Without any,
    /// `INBOX`.
    pub folders: Vec<String>,
    /// PEM file of a certificate authority to trust beside the system's, for servers with a private one.
    pub ca_file: Option<String>,
}

/// How far a folder was read. It is committed together with what was read, so that each mail is taken exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MailboxCursor {
    pub folder: String,
    /// Whose numbers these are (RFC 3501 §2.3.1.1); 0 before the folder was first read.
    pub uid_validity: u32,
    /// The least number that was not read yet.
    pub next_uid: u32,
    /// HIGHESTMODSEQ when everything had been read (RFC 7162 §3.1.2.1), where the server has it.
    pub mod_seq: Option<u64>,
    /// While a folder is read from a day on: that day, by the server's calendar. `None` once all is read.
    pub since: Option<NaiveDate>,
    /// The server's date of the newest mail that was read, or the moment reading began. After the server has numbered
    /// its mails anew, reading begins again there.
    pub newest_at: Option<Moment>,
}

impl MailboxCursor {
    /// Before anything was read. With a day, mails that came on it or later will be read; without one, only those
    /// that come from the first reading on.
    pub fn start(folder: impl Into<String>, since: Option<NaiveDate>) -> MailboxCursor {
        MailboxCursor {
            folder: folder.into(),
            uid_validity: 0,
            next_uid: 0,
            mod_seq: None,
            since,
            newest_at: None,
        }
    }
}
