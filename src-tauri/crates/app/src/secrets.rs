//! Where passwords, tokens and keys are: the keychain, or a file under a passphrase. They go in and never come out to a
//! screen.

use crate::accounts::Keep;
use crate::error::{ApiError, Code, Result, fail};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::vault::{Keychain, KeychainState, PassphraseFile, SecretName, Vault, VaultError};
use carillon_model::account::SecretState;
use carillon_model::{AccountId, MailboxId};
use carillon_store::{Db, Priority, settings};
use std::path::PathBuf;

/// Whose secret is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Account(AccountId),
    Mailbox(MailboxId),
    /// The secret of the registration through which one signs in to a mailbox.
    MailboxClient(MailboxId),
    /// Something a workspace has one of, or that has a word of its own.
    Named(String),
}

impl Owner {
    fn word(&self) -> String {
        match self {
            Owner::Account(id) => format!("account_{id}"),
            Owner::Mailbox(id) => format!("mailbox_{id}"),
            Owner::MailboxClient(id) => format!("mailbox_client_{id}"),
            Owner::Named(word) => word.clone(),
        }
    }

    fn name(&self, open: &Open) -> SecretName {
        match self {
            Owner::Account(id) => SecretName::new(open.workspace_id.clone(), *id),
            Owner::Mailbox(id) => SecretName::of_mailbox(open.workspace_id.clone(), *id),
            Owner::MailboxClient(id) => SecretName::of_client(open.workspace_id.clone(), *id),
            Owner::Named(word) => SecretName::of(open.workspace_id.clone(), word.clone()),
        }
    }
}

fn secret_key(owner: &Owner) -> String {
    format!("secret_of_{}", owner.word())
}

/// Where a secret is kept, if it was ever given.
///
/// # Errors
/// The store's.
pub fn kept(db: &Db<'_>, owner: &Owner) -> carillon_store::Result<Option<SecretState>> {
    settings::get(db, &secret_key(owner))
}

/// Notes where a secret is kept now; nothing: nowhere.
///
/// # Errors
/// The store's.
pub fn note_kept(
    tx: &mut carillon_store::Tx<'_>,
    owner: &Owner,
    state: Option<SecretState>,
) -> carillon_store::Result<()> {
    settings::set(tx, &secret_key(owner), state.as_ref())
}

fn path(open: &Open) -> PathBuf {
    let mut name = open.path.as_os_str().to_owned();
    name.push(".secrets");
    PathBuf::from(name)
}

/// The passphrase a terminal gives. A screen asks for it.
fn from_environment() -> Option<String> {
    std::env::var("CARILLON_PASSPHRASE")
        .ok()
        .filter(|p| !p.is_empty())
}

/// Whether the file of passwords cannot be read until somebody gives its passphrase.
pub async fn is_locked(open: &Open) -> bool {
    open.passwords.lock().await.is_none() && from_environment().is_none()
}

/// Opens the file of passwords, or makes it where there is none and one is wanted. On a thread that may wait: the key
/// takes half a second.
async fn open_file(open: &Open, passphrase: String, make: bool) -> Result<PassphraseFile> {
    let path = path(open);
    let opened = tokio::task::spawn_blocking(move || {
        let secret = Secret::new(passphrase);
        match make && !path.exists() {
            true => PassphraseFile::create(&path, &secret),
            false => PassphraseFile::open(&path, &secret),
        }
    });
    let file = opened.await.map_err(ApiError::internal)?.map_err(in_words)?;
    *open.passwords.lock().await = Some(file.clone());
    Ok(file)
}

/// The file of passwords, as far as its passphrase is known.
async fn unlocked(open: &Open) -> Result<PassphraseFile> {
    if let Some(file) = open.passwords.lock().await.as_ref() {
        return Ok(file.clone());
    }
    match from_environment() {
        Some(passphrase) => open_file(open, passphrase, false).await,
        None => Err(fail(Code::Keychain, "accounts.locked", &[])),
    }
}

async fn vault(open: &Open, state: Option<SecretState>) -> Result<Vault> {
    Ok(match state {
        Some(SecretState::PassphraseFile) => Vault::File(unlocked(open).await?),
        _ => Vault::Keychain(Keychain::default()),
    })
}

fn in_words(error: VaultError) -> ApiError {
    match &error {
        VaultError::NoKeychain { why } => fail(Code::Keychain, "accounts.no_keychain", &[("why", why)]),
        _ => ApiError {
            message: error.to_string(),
            ..fail(Code::Keychain, "accounts.no_keychain", &[("why", &"")])
        },
    }
}

/// The place the user chose for a secret, ready to be written to.
async fn chosen(open: &Open, keep: Keep, passphrase: Option<String>) -> Result<Vault> {
    match keep {
        Keep::Keychain => {
            let keychain = Keychain::default();
            // A locked keychain looks like an empty one until something is written.
            if let KeychainState::Missing { why } = keychain.probe().await {
                return Err(fail(Code::Keychain, "accounts.no_keychain", &[("why", &why)]));
            }
            Ok(Vault::Keychain(keychain))
        }
        Keep::PassphraseFile => match passphrase.filter(|p| !p.is_empty()) {
            Some(passphrase) => Ok(Vault::File(open_file(open, passphrase, true).await?)),
            None if open.passwords.lock().await.is_some() || from_environment().is_some() => {
                Ok(Vault::File(unlocked(open).await?))
            }
            None => Err(fail(Code::Invalid, "accounts.no_passphrase", &[]).at("passphrase")),
        },
    }
}

/// Keeps a secret where the user wants it, and nowhere else. Where that is.
///
/// # Errors
/// `Keychain` where there is none or the file is locked, `Invalid` without a passphrase.
pub async fn keep(
    open: &Open,
    owner: &Owner,
    secret: Secret,
    keep: Keep,
    passphrase: Option<String>,
) -> Result<SecretState> {
    let vault = chosen(open, keep, passphrase).await?;
    let state = vault.kind();
    let of = owner.clone();
    let before = open.store.read(move |db| kept(db, &of)).await?;
    vault.set(&owner.name(open), &secret).await.map_err(in_words)?;
    let of = owner.clone();
    open.store
        .write(Priority::User, move |tx| note_kept(tx, &of, Some(state)))
        .await?;
    if before.is_some_and(|before| before != state) {
        forget_in(open, owner, before).await;
    }
    Ok(state)
}

/// Keeps a newer secret where the older one is: tokens that were refreshed.
///
/// # Errors
/// As [`keep`].
pub async fn renew(open: &Open, owner: &Owner, secret: Secret) -> Result<()> {
    let of = owner.clone();
    let state = open.store.read(move |db| kept(db, &of)).await?;
    vault(open, state)
        .await?
        .set(&owner.name(open), &secret)
        .await
        .map_err(in_words)
}

/// Takes a secret away from where it was. What cannot be reached now keeps an entry that nobody reads any more.
async fn forget_in(open: &Open, owner: &Owner, state: Option<SecretState>) {
    if let Ok(vault) = vault(open, state).await {
        let _ = vault.delete(&owner.name(open)).await;
    }
}

/// Forgets the secret of what is gone.
pub async fn forget(open: &Open, owner: &Owner, state: Option<SecretState>) {
    if state.is_some() {
        forget_in(open, owner, state).await;
    }
}

/// Unlocks the file of secrets for as long as the workspace is open.
///
/// # Errors
/// `Keychain` with a wrong passphrase.
pub async fn unlock(open: &Open, passphrase: String) -> Result<()> {
    open_file(open, passphrase, false).await.map(drop)
}

/// A secret; `None` where none was ever given.
///
/// # Errors
/// A sentence that says why it cannot be had.
pub async fn get(open: &Open, owner: &Owner) -> Result<Option<Secret>> {
    let of = owner.clone();
    let state = open.store.read(move |db| kept(db, &of)).await?;
    if state.is_none() {
        return Ok(None);
    }
    vault(open, state)
        .await?
        .get(&owner.name(open))
        .await
        .map_err(in_words)
}
