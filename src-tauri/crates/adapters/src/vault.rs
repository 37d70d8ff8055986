//! Where secrets are kept: the keychain of the operating system, or a file under a passphrase. Never in plain text,
//! never in the workspace file.

mod keychain;
mod parts;
mod passphrase_file;

pub use keychain::{Keychain, KeychainState};
pub use passphrase_file::PassphraseFile;

use crate::Secret;
use carillon_model::account::SecretState;
use carillon_model::{AccountId, MailboxId};
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// Longest secret kept, in bytes: some providers' tokens have thousands of characters.
pub const LONGEST_SECRET: usize = 8 * 1024;

/// Whose secret it is: an account or a mailbox of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    workspace: String,
    owner: Owner,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Account(AccountId),
    Mailbox(MailboxId),
    /// The secret of the registration a mailbox signs in through.
    Client(MailboxId),
    /// Something a workspace has one of, or that has a word of its own: `relay`, `dkim/ember.example`.
    Named(String),
}

impl SecretName {
    /// `workspace` is the id of the workspace, not its file or title, so that both may change.
    pub fn new(workspace: impl Into<String>, account: AccountId) -> SecretName {
        SecretName {
            workspace: workspace.into(),
            owner: Owner::Account(account),
        }
    }

    /// The secret of what has a word of its own in its workspace.
    pub fn of(workspace: impl Into<String>, word: impl Into<String>) -> SecretName {
        SecretName {
            workspace: workspace.into(),
            owner: Owner::Named(word.into()),
        }
    }

    /// A mailbox's password, or what is kept of its sign-in ([`crate::oauth::Tokens::to_secret`]).
    pub fn of_mailbox(workspace: impl Into<String>, mailbox: MailboxId) -> SecretName {
        SecretName {
            workspace: workspace.into(),
            owner: Owner::Mailbox(mailbox),
        }
    }

    /// The client secret of the registration through which a mailbox is signed in to.
    pub fn of_client(workspace: impl Into<String>, mailbox: MailboxId) -> SecretName {
        SecretName {
            workspace: workspace.into(),
            owner: Owner::Client(mailbox),
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Owner::Account(account) => write!(f, "{}/{account}", self.workspace),
            Owner::Mailbox(mailbox) => write!(f, "{}/mailbox/{mailbox}", self.workspace),
            Owner::Named(word) => write!(f, "{}/{word}", self.workspace),
            Owner::Client(mailbox) => write!(f, "{}/mailbox/{mailbox}/client", self.workspace),
        }
    }
}

/// Why a secret could not be kept or had.
#[derive(Debug, Error)]
pub enum VaultError {
    #[error(
        "The keychain of this machine cannot be used: {why}. A file with a passphrase can keep passwords instead."
    )]
    NoKeychain { why: String },
    #[error("The passphrase is wrong. The file {path} was not changed.")]
    WrongPassphrase { path: PathBuf },
    #[error("The passphrase is too short: at least {least} characters.")]
    WeakPassphrase { least: usize },
    #[error("The file {path} is damaged or is no file of passwords: {why}. It was not changed.")]
    Damaged { path: PathBuf, why: &'static str },
    #[error("There is already a file {path}; open it with its passphrase.")]
    Exists { path: PathBuf },
    #[error("There is no file of passwords at {path}.")]
    Absent { path: PathBuf },
    #[error("The file {path} could not be {what}: {why}. What it held before is unchanged.")]
    Io {
        path: PathBuf,
        what: &'static str,
        why: std::io::ErrorKind,
    },
    #[error("The secret is too long: at most {LONGEST_SECRET} bytes can be kept.")]
    TooLong,
}

/// One place for secrets, whichever it is.
#[derive(Clone)]
pub enum Vault {
    Keychain(Keychain),
    File(PassphraseFile),
}

impl Vault {
    /// The secret of this name, or `None` where the vault works and has none.
    pub async fn get(&self, name: &SecretName) -> Result<Option<Secret>, VaultError> {
        match self {
            Vault::Keychain(keychain) => keychain.get(name).await,
            Vault::File(file) => {
                let (file, name) = (file.clone(), name.clone());
                blocking(move || file.get(&name)).await
            }
        }
    }

    /// Keeps a secret, in place of an earlier one.
    pub async fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), VaultError> {
        if secret.expose().len() > LONGEST_SECRET {
            return Err(VaultError::TooLong);
        }
        match self {
            Vault::Keychain(keychain) => keychain.set(name, secret).await,
            Vault::File(file) => {
                let (file, name, secret) = (file.clone(), name.clone(), secret.clone());
                blocking(move || file.set(&name, &secret)).await
            }
        }
    }

    /// Forgets a secret. To forget what is not there is no error.
    pub async fn delete(&self, name: &SecretName) -> Result<(), VaultError> {
        match self {
            Vault::Keychain(keychain) => keychain.delete(name).await,
            Vault::File(file) => {
                let (file, name) = (file.clone(), name.clone());
                blocking(move || file.delete(&name)).await
            }
        }
    }

    /// What an account whose secret lies here says of it.
    pub fn kind(&self) -> SecretState {
        match self {
            Vault::Keychain(_) => SecretState::Keychain,
            Vault::File(_) => SecretState::PassphraseFile,
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
