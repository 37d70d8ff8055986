//! What is asked of sender accounts, and what is answered.

use carillon_model::account::{Account, SecretState, Tls};
use carillon_model::mailbox::Auth;
use carillon_model::{AccountId, Moment, ProviderId, TemplateId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An account in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountRow {
    #[serde(flatten)]
    pub account: Account,
    /// Switched off: nothing leaves through it.
    pub off: bool,
    pub secret: SecretState,
    /// Its password is in a file whose passphrase nobody has given since the workspace was opened.
    pub locked: bool,
    #[ts(type = "number")]
    pub sent_24_hours: u64,
    pub last_test: Option<LastTest>,
}

/// How the last test went.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LastTest {
    pub at: Moment,
    pub ok: bool,
    pub message: String,
}

/// An account as a user writes it. A limit of 0 takes the preset's.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AccountDraft {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    #[serde(default)]
    pub user: String,
    /// A password, or a sign-in in the browser.
    #[serde(default)]
    pub auth: Auth,
    #[serde(default)]
    pub from_name: String,
    pub from_email: String,
    #[serde(default)]
    pub reply_to: Option<String>,
    #[serde(default)]
    pub ca_file: Option<String>,
    #[serde(default)]
    pub per_day: u32,
    #[serde(default)]
    pub per_minute: u32,
    #[serde(default)]
    pub sessions: u16,
    #[serde(default)]
    pub preset: Option<String>,
    /// Messages leave through the API of this provider; then server and user are left out.
    #[serde(default)]
    pub provider: Option<ProviderId>,
}

/// An account to add.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddAccount {
    pub account: AccountDraft,
}

/// An account to change.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateAccount {
    pub id: AccountId,
    pub account: AccountDraft,
}

/// Which account.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneAccount {
    pub id: AccountId,
}

/// An account to be switched off, or on again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SwitchAccount {
    pub id: AccountId,
    pub off: bool,
}

/// Where a password is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Keep {
    Keychain,
    PassphraseFile,
}

/// A password. It goes in and never comes out.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SetSecret {
    pub id: AccountId,
    /// It is the secret of the registration at the provider, not the password.
    #[serde(default)]
    pub client: bool,
    pub secret: String,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for SetSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetSecret")
            .field("id", &self.id)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// An account to sign in to in the browser, and where to keep what comes of it.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SignInAccount {
    pub id: AccountId,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for SignInAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInAccount")
            .field("id", &self.id)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The passphrase of the file of passwords.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UnlockPasswords {
    pub passphrase: String,
}

impl std::fmt::Debug for UnlockPasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnlockPasswords").finish_non_exhaustive()
    }
}

/// Where the password is now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SecretKept {
    pub state: SecretState,
}

/// Where to send a test.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TestAccount {
    pub id: AccountId,
    pub to: String,
    #[serde(default)]
    pub template: Option<TemplateId>,
}

/// One step of a test.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TestPhase {
    pub phase: String,
    pub ok: bool,
    pub detail: String,
}

/// How a test went.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountTest {
    pub ok: bool,
    pub phases: Vec<TestPhase>,
}

/// A preset of a provider's limits.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SenderPresetView {
    pub key: String,
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub per_day: u32,
    pub per_minute: u32,
    pub sessions: u16,
    /// When the provider's limits were read.
    pub dated: String,
    pub note: String,
}

/// A key to make for an account.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct MakeDkim {
    pub id: AccountId,
    pub domain: String,
    pub selector: String,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for MakeDkim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MakeDkim")
            .field("id", &self.id)
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

/// Whether an account signs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SwitchDkim {
    pub id: AccountId,
    pub on: bool,
}

/// The DNS record of a key: of the type TXT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DkimRecord {
    pub name: String,
    pub value: String,
    /// The value in quoted strings of at most 255 bytes, as some forms want it.
    pub quoted: String,
}
