//! Where the passwords are: the keychain, or a file under a passphrase. They go in and never come out.

use super::{Keep, SecretKept, SetSecret, existing};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::vault::{Keychain, KeychainState, PassphraseFile, SecretName, Vault, VaultError};
use carillon_model::AccountId;
use carillon_model::account::Account;
use carillon_store::Priority;
use std::path::PathBuf;

pub(super) fn secret_key(id: AccountId) -> String {
    format!("secret_of_account_{id}")
}

fn passphrase_path(open: &Open) -> PathBuf {
    let mut name = open.path.as_os_str().to_owned();
    name.push(".secrets");
    PathBuf::from(name)
}

/// The vault in use: the passphrase file where one lies beside the workspace and its passphrase is known, else
/// the keychain.
pub(super) async fn vault(open: &Open, passphrase: Option<&str>) -> std::result::Result<Vault, VaultError> {
    let mut kept = open.vault.lock().await;
    if let Some(vault) = kept.as_ref() {
        return Ok(vault.clone());
    }
    let path = passphrase_path(open);
    let from_env = std::env::var("CARILLON_PASSPHRASE").ok();
    let given = passphrase
        .map(str::to_owned)
        .or(from_env)
        .filter(|p| !p.is_empty());
    let vault = match (path.exists(), given) {
        (true, Some(given)) => Vault::File(PassphraseFile::open(&path, &Secret::new(given))?),
        _ => Vault::Keychain(Keychain::default()),
    };
    *kept = Some(vault.clone());
    Ok(vault)
}

fn vault_error(error: VaultError) -> ApiError {
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
            let passphrase = req.passphrase.clone().filter(|p| !p.is_empty());
            let passphrase = passphrase
                .ok_or_else(|| fail(Code::Invalid, "accounts.no_passphrase", &[]).at("passphrase"))?;
            let path = passphrase_path(open);
            let secret = Secret::new(passphrase);
            let file = if path.exists() {
                PassphraseFile::open(&path, &secret)
            } else {
                PassphraseFile::create(&path, &secret)
            };
            Vault::File(file.map_err(vault_error)?)
        }
    };
    let name = SecretName::new(open.workspace_id.clone(), req.id);
    vault
        .set(&name, &Secret::new(req.secret))
        .await
        .map_err(vault_error)?;
    let state = vault.kind();
    *open.vault.lock().await = Some(vault);
    let id = req.id;
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::settings::set(tx, &secret_key(id), Some(&state))
        })
        .await?;
    Ok(SecretKept { state })
}

/// The password of an account, if it needs one.
///
/// # Errors
/// A sentence that says what is missing.
pub async fn secret(open: &Open, account: &Account) -> Result<Option<Secret>> {
    if account.user.is_empty() {
        return Ok(None);
    }
    let vault = vault(open, None).await.map_err(vault_error)?;
    let found = vault
        .get(&SecretName::new(open.workspace_id.clone(), account.id))
        .await
        .map_err(vault_error)?;
    found
        .map(Some)
        .ok_or_else(|| fail(Code::Keychain, "accounts.no_secret", &[("name", &account.name)]))
}
