//! Where the passwords are: the keychain, or a file under a passphrase. They go in and never come out.

use super::{Keep, SecretKept, SetSecret, UnlockPasswords, existing};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::runtime::dispatch::try_again;
use crate::table::Done;
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::vault::{Keychain, KeychainState, PassphraseFile, SecretName, Vault, VaultError};
use carillon_model::AccountId;
use carillon_model::account::{Account, SecretState};
use carillon_store::{Db, Priority, settings};
use std::path::PathBuf;

fn secret_key(id: AccountId) -> String {
    format!("secret_of_account_{id}")
}

/// Where the password of an account is kept, if it was ever given.
///
/// # Errors
/// The store's.
pub(super) fn kept(db: &Db<'_>, id: AccountId) -> carillon_store::Result<Option<SecretState>> {
    settings::get(db, &secret_key(id))
}

/// Notes where the password of an account is kept now; nothing: nowhere.
///
/// # Errors
/// The store's.
pub(super) fn note_kept(
    tx: &mut carillon_store::Tx<'_>,
    id: AccountId,
    state: Option<SecretState>,
) -> carillon_store::Result<()> {
    settings::set(tx, &secret_key(id), state.as_ref())
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
pub(super) async fn is_locked(open: &Open) -> bool {
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

pub(super) async fn set_secret(cx: &Ctx, req: SetSecret) -> Result<SecretKept> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let vault = match req.keep {
        Keep::Keychain => {
            let keychain = Keychain::default();
            // A locked keychain looks like an empty one until something is written.
            if let KeychainState::Missing { why } = keychain.probe().await {
                return Err(fail(Code::Keychain, "accounts.no_keychain", &[("why", &why)]));
            }
            Vault::Keychain(keychain)
        }
        Keep::PassphraseFile => {
            let passphrase = req.passphrase.filter(|p| !p.is_empty());
            let passphrase = passphrase
                .ok_or_else(|| fail(Code::Invalid, "accounts.no_passphrase", &[]).at("passphrase"))?;
            Vault::File(open_file(open, passphrase, true).await?)
        }
    };
    let (id, state) = (req.id, vault.kind());
    let before = open.store.read(move |db| kept(db, id)).await?;
    let name = SecretName::new(open.workspace_id.clone(), id);
    vault
        .set(&name, &Secret::new(req.secret))
        .await
        .map_err(in_words)?;
    open.store
        .write(Priority::User, move |tx| note_kept(tx, id, Some(state)))
        .await?;
    if before.is_some_and(|before| before != state) {
        forget_in(open, id, before).await;
    }
    try_again(open, Some(id)).await?;
    open.runtime.nudge();
    Ok(SecretKept { state })
}

/// Takes a password away from where it was. What cannot be reached now keeps an entry that nobody reads any more.
async fn forget_in(open: &Open, id: AccountId, state: Option<SecretState>) {
    if let Ok(vault) = vault(open, state).await {
        let _ = vault
            .delete(&SecretName::new(open.workspace_id.clone(), id))
            .await;
    }
}

/// Forgets the password of an account that is gone.
pub(super) async fn forget(open: &Open, id: AccountId, state: Option<SecretState>) {
    if state.is_some() {
        forget_in(open, id, state).await;
    }
}

/// Unlocks the file of passwords for as long as the workspace is open.
pub(super) async fn unlock(cx: &Ctx, req: UnlockPasswords) -> Result<Done> {
    let open = cx.open()?;
    open_file(open, req.passphrase, false)
        .await
        .map_err(|error| error.at("passphrase"))?;
    try_again(open, None).await?;
    open.runtime.nudge();
    cx.app.bus().tell(0, vec!["accounts".into()]);
    Ok(Done {})
}

/// The password of an account, if it needs one.
///
/// # Errors
/// A sentence that says what is missing.
pub async fn secret(open: &Open, account: &Account) -> Result<Option<Secret>> {
    if account.user.is_empty() {
        return Ok(None);
    }
    let id = account.id;
    let missing = || fail(Code::Keychain, "accounts.no_secret", &[("name", &account.name)]);
    let state = open.store.read(move |db| kept(db, id)).await?;
    if state.is_none() {
        return Err(missing());
    }
    let found = vault(open, state)
        .await?
        .get(&SecretName::new(open.workspace_id.clone(), id))
        .await
        .map_err(in_words)?;
    found.map(Some).ok_or_else(missing)
}
