//! A file of secrets under a passphrase, for machines without a keychain.
//!
//! The format is age (<https://age-encryption.org/v1>) with scrypt, so that the user can open it with other tools;
//! inside is one JSON object. Every change writes a new file and renames it over the old one.

use super::{SecretName, VaultError};
use crate::Secret;
use age::scrypt;
use age::secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use zeroize::{Zeroize, Zeroizing};

/// scrypt's N is two to this power: half a second and 128 MiB, more than OWASP's least (2^17, r = 8, p = 1).
const WORK: u8 = 17;
/// A file asking for more than this is refused rather than letting it take the machine's memory.
const MOST_WORK: u8 = 19;
/// Longest file read, in bytes.
const LONGEST_FILE: u64 = 4 << 20;
/// Fewest characters of a passphrase.
const LEAST_PASSPHRASE: usize = 8;

/// An open file of secrets: its path, and passphrase and content in memory. Opening, every change, and reading after
/// somebody else's change derive the key anew, half a second and 128 MiB, one at a time; call it on a thread that may
/// block. Clones share what they know.
#[derive(Clone)]
pub struct PassphraseFile {
    path: PathBuf,
    passphrase: SecretString,
    known: Arc<Mutex<Option<Known>>>,
}

/// What the file held when it was last read or written, and by what it is recognised as the same.
struct Known {
    stamp: Stamp,
    content: Content,
}

/// Every change is a new file, so that one of these differs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    changed_at: Option<SystemTime>,
    file: u64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// 1.
    version: u32,
    secrets: BTreeMap<String, String>,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.secrets.values_mut().for_each(Zeroize::zeroize);
    }
}

impl PassphraseFile {
    /// Makes a new, empty file that only this user may read.
    ///
    /// # Errors
    /// `Exists` where a file is there, `WeakPassphrase` under 8 characters.
    pub fn create(path: &Path, passphrase: &Secret) -> Result<PassphraseFile, VaultError> {
        if passphrase.expose().chars().count() < LEAST_PASSPHRASE {
            return Err(VaultError::WeakPassphrase {
                least: LEAST_PASSPHRASE,
            });
        }
        let file = PassphraseFile::at(path, passphrase);
        let _alone = file.lock()?;
        if path.exists() {
            return Err(VaultError::Exists {
                path: path.to_owned(),
            });
        }
        file.write(
            &mut file.known(),
            Content {
                version: 1,
                secrets: BTreeMap::new(),
            },
        )?;
        Ok(file)
    }

    /// Opens a file and proves the passphrase.
    ///
    /// # Errors
    /// `Absent`, `WrongPassphrase`, `Damaged`.
    pub fn open(path: &Path, passphrase: &Secret) -> Result<PassphraseFile, VaultError> {
        let file = PassphraseFile::at(path, passphrase);
        file.read(&mut file.known())?;
        Ok(file)
    }

    /// The secret of this name.
    pub fn get(&self, name: &SecretName) -> Result<Option<Secret>, VaultError> {
        let mut known = self.known();
        Ok(self
            .read(&mut known)?
            .secrets
            .get(&name.to_string())
            .cloned()
            .map(Secret::new))
    }

    /// Keeps a secret, in place of an earlier one.
    pub fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), VaultError> {
        self.change(|secrets| {
            if let Some(mut earlier) = secrets.insert(name.to_string(), secret.expose().to_owned()) {
                earlier.zeroize();
            }
        })
    }

    /// Forgets a secret.
    pub fn delete(&self, name: &SecretName) -> Result<(), VaultError> {
        self.change(|secrets| {
            if let Some(mut earlier) = secrets.remove(&name.to_string()) {
                earlier.zeroize();
            }
        })
    }

    fn at(path: &Path, passphrase: &Secret) -> PassphraseFile {
        let passphrase = SecretString::from(passphrase.expose().to_owned());
        PassphraseFile {
            path: path.to_owned(),
            passphrase,
            known: Arc::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, edit: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), VaultError> {
        let mut known = self.known();
        let _alone = self.lock()?;
        let mut content = self.read(&mut known)?.clone();
        edit(&mut content.secrets);
        self.write(&mut known, content)
    }

    /// One writer at a time, across processes; held until the file is dropped.
    fn lock(&self) -> Result<File, VaultError> {
        let path = beside(&self.path, "lock");
        let mut options = private(OpenOptions::new());
        let file = options.write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| self.io("locked", &error))?;
        file.lock().map_err(|error| self.io("locked", &error))?;
        Ok(file)
    }

    /// The content as it is now: what is known, where the file is the same still.
    fn read<'a>(&self, known: &'a mut Option<Known>) -> Result<&'a Content, VaultError> {
        let stamp = self.stamp()?;
        let fresh = match known.take() {
            Some(same) if same.stamp == stamp => same,
            _ => Known {
                stamp,
                content: self.decrypt()?,
            },
        };
        Ok(&known.insert(fresh).content)
    }

    fn stamp(&self) -> Result<Stamp, VaultError> {
        let about = fs::metadata(&self.path).map_err(|error| self.unopened(&error))?;
        Ok(Stamp {
            bytes: about.len(),
            changed_at: about.modified().ok(),
            file: number(&about),
        })
    }

    fn decrypt(&self) -> Result<Content, VaultError> {
        let file = File::open(&self.path).map_err(|error| self.unopened(&error))?;
        let mut bytes = Vec::new();
        file.take(LONGEST_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.io("read", &error))?;
        if bytes.len() as u64 > LONGEST_FILE {
            return Err(self.damaged("it is too long"));
        }
        let mut identity = scrypt::Identity::new(self.passphrase.clone());
        identity.set_max_work_factor(MOST_WORK);
        let plain = age::decrypt(&identity, &bytes)
            .map(Zeroizing::new)
            .map_err(|error| self.unreadable(&error))?;
        let content: Content = serde_json::from_slice(&plain)
            .map_err(|_| self.damaged("its content is not a list of secrets"))?;
        match content.version {
            1 => Ok(content),
            _ => Err(self.damaged("a newer Carillon wrote it")),
        }
    }

    fn write(&self, known: &mut Option<Known>, content: Content) -> Result<(), VaultError> {
        // Room for the whole text at once, so that no copy of it stays behind in memory that was grown out of.
        let room = content
            .secrets
            .iter()
            .map(|(name, secret)| 6 * (name.len() + secret.len()) + 16)
            .sum::<usize>();
        let mut plain = Zeroizing::new(Vec::with_capacity(room + 64));
        serde_json::to_writer(&mut *plain, &content)
            .map_err(|_| self.damaged("it could not be written as JSON"))?;
        let mut recipient = scrypt::Recipient::new(self.passphrase.clone());
        recipient.set_work_factor(WORK);
        let sealed =
            age::encrypt(&recipient, &plain).map_err(|_| self.damaged("it could not be encrypted"))?;
        self.replace(&sealed)
            .map_err(|error| self.io("written", &error))?;
        *known = Some(Known {
            stamp: self.stamp()?,
            content,
        });
        Ok(())
    }

    fn replace(&self, bytes: &[u8]) -> std::io::Result<()> {
        let fresh = beside(&self.path, &format!("{:016x}.new", rand::random::<u64>()));
        let written = (|| {
            let mut file = private(OpenOptions::new())
                .write(true)
                .create_new(true)
                .open(&fresh)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&fresh, &self.path)
        })();
        if written.is_err() {
            fs::remove_file(&fresh).ok();
            return written;
        }
        sync_folder(&self.path)
    }

    fn unreadable(&self, error: &age::DecryptError) -> VaultError {
        use age::DecryptError as Age;
        match error {
            Age::DecryptionFailed | Age::KeyDecryptionFailed | Age::NoMatchingKeys => {
                VaultError::WrongPassphrase {
                    path: self.path.clone(),
                }
            }
            Age::ExcessiveWork { .. } => self.damaged("it asks for more memory than a passphrase needs"),
            Age::InvalidMac => self.damaged("it was changed by something else"),
            Age::Io(_) => self.damaged("it breaks off or was changed"),
            _ => self.damaged("it is not an age file"),
        }
    }

    fn unopened(&self, error: &std::io::Error) -> VaultError {
        match error.kind() {
            ErrorKind::NotFound => VaultError::Absent {
                path: self.path.clone(),
            },
            _ => self.io("read", error),
        }
    }

    fn damaged(&self, why: &'static str) -> VaultError {
        VaultError::Damaged {
            path: self.path.clone(),
            why,
        }
    }

    fn io(&self, what: &'static str, error: &std::io::Error) -> VaultError {
        VaultError::Io {
            path: self.path.clone(),
            what,
            why: error.kind(),
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(unix)]
fn number(about: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

/// Elsewhere length and time must do.
#[cfg(not(unix))]
fn number(_about: &fs::Metadata) -> u64 {
    0
}

#[cfg(unix)]
fn private(mut options: OpenOptions) -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
    options
}

/// Elsewhere the folder of the user decides who may read.
#[cfg(not(unix))]
fn private(options: OpenOptions) -> OpenOptions {
    options
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Folders cannot be synced elsewhere.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
