//! The keychain of the operating system: Keychain on macOS, Credential Manager on Windows, Secret Service elsewhere.
//!
//! Its calls block and may wait for a person or for a bus that never answers, so each runs on a thread of its own
//! with a time limit; a thread that hangs is left behind, and few may be.

use super::parts::{self, Store};
use super::{SecretName, VaultError};
use crate::Secret;
use keyring::{Entry, Error};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Name under which the keychain lists our secrets.
const SERVICE: &str = "Carillon";
/// Most calls that may be waiting, hanging ones included.
const MOST_WAITING: usize = 8;

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeychainState {
    /// A value could be written, read and taken away.
    Available,
    /// It could not; `why` ends a sentence.
    Missing { why: String },
}

/// The keychain, asked with a time limit.
#[derive(Clone, Debug)]
pub struct Keychain {
    time_limit: Duration,
}

impl Default for Keychain {
    /// Waits for a minute: the system may ask a person to unlock it.
    fn default() -> Keychain {
        Keychain {
            time_limit: Duration::from_secs(60),
        }
    }
}

impl Keychain {
    /// A keychain that must answer within `limit`.
    pub fn with_time_limit(limit: Duration) -> Keychain {
        Keychain { time_limit: limit }
    }

    /// Writes, reads and deletes a random value. Reading alone would not do: a locked Secret Service says "no such
    /// entry".
    pub async fn probe(&self) -> KeychainState {
        match self.run(|| probe_now().map_err(in_words)).await {
            Ok(()) => KeychainState::Available,
            Err(VaultError::NoKeychain { why }) => KeychainState::Missing { why },
            Err(other) => KeychainState::Missing {
                why: other.to_string(),
            },
        }
    }

    /// The secret, or `None` where the keychain provably works and has none.
    pub async fn get(&self, name: &SecretName) -> Result<Option<Secret>, VaultError> {
        let user = name.to_string();
        let found = self.run(move || parts::get(&Entries, &user).map_err(in_words));
        match found.await? {
            Some(secret) => Ok(Some(secret)),
            None => match self.probe().await {
                KeychainState::Available => Ok(None),
                KeychainState::Missing { why } => Err(VaultError::NoKeychain { why }),
            },
        }
    }

    /// Keeps a secret, in place of an earlier one.
    pub async fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), VaultError> {
        let (user, secret) = (name.to_string(), secret.clone());
        self.run(move || parts::set(&Entries, &user, &secret).map_err(in_words))
            .await
    }

    /// Forgets a secret; one that is not there is no error.
    pub async fn delete(&self, name: &SecretName) -> Result<(), VaultError> {
        let user = name.to_string();
        self.run(move || parts::delete(&Entries, &user).map_err(in_words))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, VaultError> {
        let missing = |why: String| VaultError::NoKeychain { why };
        if WAITING.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            WAITING.fetch_sub(1, Ordering::Relaxed);
            return Err(missing("it has not answered for a while".to_owned()));
        }
        let (tell, told) = oneshot::channel();
        let started = std::thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                let found = work();
                WAITING.fetch_sub(1, Ordering::Relaxed);
                tell.send(found).ok();
            });
        if started.is_err() {
            WAITING.fetch_sub(1, Ordering::Relaxed);
            return Err(missing("no thread could be started for it".to_owned()));
        }
        match timeout(self.time_limit, told).await {
            Ok(Ok(found)) => found.map_err(missing),
            Ok(Err(_)) => Err(missing("its library failed".to_owned())),
            Err(_) => Err(missing(format!("it gave no answer within {:?}", self.time_limit))),
        }
    }
}

/// The entries of our name in the keychain.
struct Entries;

impl Store for Entries {
    type Error = Error;

    fn read(&self, user: &str) -> keyring::Result<Option<Zeroizing<String>>> {
        match Entry::new(SERVICE, user).and_then(|entry| entry.get_password()) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, user: &str, text: &str) -> keyring::Result<()> {
        Entry::new(SERVICE, user)?.set_password(text)
    }

    fn remove(&self, user: &str) -> keyring::Result<()> {
        match Entry::new(SERVICE, user).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn damaged() -> Error {
        Error::BadStoreFormat("a part of a long secret is missing".to_owned())
    }
}

fn probe_now() -> keyring::Result<()> {
    let random = |prefix: &str| format!("{prefix}{:032x}", rand::random::<u128>());
    let value = Zeroizing::new(random(""));
    let entry = Entry::new(SERVICE, &random("probe/"))?;
    entry.set_password(&value)?;
    let read = entry.get_password().map(Zeroizing::new);
    let deleted = entry.delete_credential();
    if *read? != *value {
        return Err(Error::BadStoreFormat(
            "what was written is not what was read".to_owned(),
        ));
    }
    deleted
}

/// Why, in plain words that end a sentence. What the library says of its bus or its entries helps nobody who reads
/// it, and its `Display` of some errors prints the data it read.
fn in_words(error: Error) -> String {
    match error {
        Error::NoDefaultStore => "none answers on this machine",
        Error::NoStorageAccess(_) => "it is locked, and nobody unlocked it",
        Error::NoEntry => "it forgot at once what was written into it",
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "an entry in it is not readable",
        Error::BadStoreFormat(_) => "what was written into it is not what was read",
        Error::TooLong(..) => "it does not take a password of this length",
        Error::Ambiguous(_) => "more than one entry in it has this name",
        _ => "it does not work on this machine",
    }
    .to_owned()
}
