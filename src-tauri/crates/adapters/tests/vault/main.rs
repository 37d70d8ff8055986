//! Where secrets are kept: a file under a passphrase, and a real keychain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod keychain;
mod passphrase_file;

use carillon_adapters::Secret;
use carillon_adapters::vault::SecretName;
use carillon_model::AccountId;

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub fn name(workspace: &str, account: u32) -> SecretName {
    SecretName::new(workspace, AccountId(account))
}
