//! What is asked of mailboxes, and what is answered.

use crate::accounts::Keep;
use carillon_adapters::mailbox::imap::{Checked, SpecialUse};
use carillon_model::account::Tls;
use carillon_model::mailbox::{Auth, Mailbox, OAuthProvider};
use carillon_model::{MailboxId, Moment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A mailbox in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MailboxView {
    #[serde(flatten)]
    pub mailbox: Mailbox,
    /// It is not read.
    pub off: bool,
    /// A password was given, or somebody signed in.
    pub has_secret: bool,
    /// What opens it is in the file of passwords, whose passphrase was not given yet.
    pub locked: bool,
    /// Everything up to then is taken in.
    pub read_at: Option<Moment>,
    /// Why it could not be read since.
    pub trouble: Option<String>,
}

/// A mailbox as a user writes it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct MailboxDraft {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub user: String,
    #[serde(default)]
    pub auth: Auth,
    /// None: the inbox alone.
    #[serde(default)]
    pub folders: Vec<String>,
    #[serde(default)]
    pub ca_file: Option<String>,
}

/// A mailbox to add.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddMailbox {
    pub mailbox: MailboxDraft,
}

/// A mailbox to change.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateMailbox {
    pub id: MailboxId,
    pub mailbox: MailboxDraft,
}

/// Which mailbox.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneMailbox {
    pub id: MailboxId,
}

/// A mailbox to be read no more, or again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SwitchMailbox {
    pub id: MailboxId,
    pub off: bool,
}

/// What opens a mailbox. It goes in and never comes out.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SetMailboxSecret {
    pub id: MailboxId,
    /// It is the secret of the registration at the provider, not the password.
    #[serde(default)]
    pub client: bool,
    pub secret: String,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for SetMailboxSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetMailboxSecret")
            .field("id", &self.id)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// A mailbox to sign in to in the browser, and where to keep what comes of it.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SignInMailbox {
    pub id: MailboxId,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for SignInMailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInMailbox")
            .field("id", &self.id)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// A sign-in that waits for the person.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignInStarted {
    pub job: u32,
    /// The page that was opened in the browser, for where it did not open.
    pub url: String,
}

/// A folder a test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MailboxFolder {
    /// As the mailbox's settings name it.
    pub name: String,
    pub label: String,
    /// Mail the server took for unwanted lies there: notices and complaints often do.
    pub junk: bool,
}

/// How a test went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MailboxTest {
    pub ok: bool,
    /// Why not, or the server's name.
    pub message: String,
    /// New mail is told at once.
    pub listens: bool,
    /// Mails in the first folder that is read.
    pub mails: u32,
    pub folders: Vec<MailboxFolder>,
}

impl MailboxTest {
    pub(super) fn of(checked: Checked) -> MailboxTest {
        MailboxTest {
            ok: true,
            message: checked.server,
            listens: checked.listens,
            mails: checked.mails,
            folders: checked
                .folders
                .into_iter()
                .map(|folder| MailboxFolder {
                    junk: folder.special_use == Some(SpecialUse::Junk),
                    name: folder.name,
                    label: folder.label,
                })
                .collect(),
        }
    }

    pub(super) fn failed(why: String) -> MailboxTest {
        MailboxTest {
            ok: false,
            message: why,
            listens: false,
            mails: 0,
            folders: Vec::new(),
        }
    }
}

/// A provider of mailboxes to choose.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MailboxPresetView {
    pub key: String,
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// Key of the provider one can sign in at, if any.
    pub sign_in: Option<String>,
    /// What to do when it refuses a password.
    pub note: String,
    /// `YYYY-MM-DD`.
    pub dated: String,
}

/// A provider one can sign in at with an own client id.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OAuthPresetView {
    pub key: String,
    pub name: String,
    /// All but the client id.
    pub provider: OAuthProvider,
    /// How to get a client id there.
    pub note: String,
}

/// What can be chosen for a mailbox.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MailboxPresetsView {
    pub mailboxes: Vec<MailboxPresetView>,
    pub providers: Vec<OAuthPresetView>,
}
