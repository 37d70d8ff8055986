//! Tenants: each workspace that is paired with this relay has a folder, a file and limits of its own.

use crate::config::{Clock, Config};
use crate::limits::Buckets;
use crate::log::{self, Log, LogError};
use crate::seal::SealingKey;
use crate::signed::Nonces;
use crate::tokens::TokenKey;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::Moment;
use carillon_model::relay::{Device, PairRequest, PairingCode, RelaySettings};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// A relay: its tenants and limits. What [`crate::serve`] puts on a listener.
pub struct Relay {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    tenants: RwLock<BTreeMap<String, Arc<Tenant>>>,
    /// Ids of keys of links, over all tenants.
    keys: RwLock<HashMap<String, (Arc<Tenant>, TokenKey)>>,
    pub(crate) requests: Buckets<[u8; 16]>,
    pub(crate) attempts: Buckets<[u8; 16]>,
    pub(crate) events: Buckets<String>,
    /// Of one token: so that a link that is called without end does not fill the log.
    pub(crate) repeats: Buckets<[u8; 16]>,
    pub(crate) started: Instant,
}

/// What goes wrong with a relay's own files, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("The relay's folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("The certificate cannot be used: {0}")]
    Certificate(String),
    #[error("There is no tenant `{0}` here.")]
    NoTenant(String),
}

/// A tenant in use.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) log: Log,
    pub(crate) nonces: Nonces,
    /// For hashes of networks and stamps of forms; random, and of no use without the file.
    pub(crate) salt: [u8; 32],
    face: RwLock<Arc<Face>>,
}

/// What is read of a tenant with every request; replaced as a whole.
#[derive(Default)]
pub(crate) struct Face {
    pub(crate) seal: Option<SealingKey>,
    pub(crate) devices: Vec<Device>,
    pub(crate) settings: RelaySettings,
}

impl Relay {
    /// Opens all tenants in the folder of the config.
    ///
    /// # Errors
    /// When the folder or a tenant's file cannot be used.
    pub fn open(config: Config, clock: Clock) -> Result<Relay, RelayError> {
        log::private_folder(&config.data)?;
        let limits = &config.limits;
        let relay = Relay {
            requests: Buckets::new(limits.requests_per_second, limits.requests_per_second * 10.0),
            attempts: Buckets::new(limits.attempts_per_minute / 60.0, limits.attempts_per_minute),
            events: Buckets::new(limits.events_per_second, limits.events_per_second * 10.0),
            repeats: Buckets::new(1.0 / 60.0, 60.0),
            started: Instant::now(),
            tenants: RwLock::default(),
            keys: RwLock::default(),
            clock,
            config,
        };
        for entry in std::fs::read_dir(&relay.config.data)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().join("relay.db").is_file() {
                relay.load(&name)?;
            }
        }
        Ok(relay)
    }

    fn load(&self, id: &str) -> Result<Arc<Tenant>, RelayError> {
        let folder = self.config.data.join(id);
        let log = Log::open(&folder, &self.config.limits, &self.clock)?;
        let tenant = Arc::new(Tenant::read(id, log, &folder.join("relay.db"))?);
        let keys = token_keys(&folder.join("relay.db"))?;
        self.index_keys(&tenant, keys);
        write(&self.tenants).insert(id.to_owned(), tenant.clone());
        Ok(tenant)
    }

    fn index_keys(&self, tenant: &Arc<Tenant>, keys: Vec<TokenKey>) {
        let mut index = write(&self.keys);
        index.retain(|_, (of, _)| of.id != tenant.id);
        for key in keys {
            // Two tenants with one key would be two with one secret: the first keeps it.
            index.entry(key.id().to_owned()).or_insert((tenant.clone(), key));
        }
    }

    /// Makes a tenant and the code a studio pairs with.
    ///
    /// # Errors
    /// When its folder or file cannot be made.
    pub async fn add_tenant(&self) -> Result<PairingCode, RelayError> {
        // Lower-case letters and digits: it stands in addresses, and a folder is called by it.
        let id = crate::hex(&crate::digest16(&[crate::random_word(32).as_bytes()]))[..16].to_owned();
        let _ = self.load(&id)?;
        self.new_code(&id).await
    }

    /// A new code for a tenant; the one before it is of no use any more.
    ///
    /// # Errors
    /// When there is no such tenant, or its file fails.
    pub async fn new_code(&self, tenant: &str) -> Result<PairingCode, RelayError> {
        let of = self
            .tenant(tenant)
            .ok_or_else(|| RelayError::NoTenant(tenant.to_owned()))?;
        let secret = crate::random_word(32);
        let kept = secret.clone();
        of.log
            .change(move |db| log::set_meta(db, "pairing", kept.as_bytes()))
            .await?;
        Ok(PairingCode {
            url: self.config.public_url.trim_end_matches('/').to_owned(),
            tenant: tenant.to_owned(),
            secret,
        })
    }

    /// Ids of all tenants.
    pub fn tenants(&self) -> Vec<String> {
        read(&self.tenants).keys().cloned().collect()
    }

    /// Deletes what was acknowledged longer ago than the grace. Done by itself every ten minutes while served.
    ///
    /// # Errors
    /// When a file fails.
    pub async fn clean(&self) -> Result<u64, RelayError> {
        let (now, grace) = (self.clock.now(), self.config.limits.grace_days);
        let all: Vec<Arc<Tenant>> = read(&self.tenants).values().cloned().collect();
        let mut gone = 0;
        for tenant in all {
            gone += tenant.log.change(move |db| log::clean(db, now, grace)).await?;
        }
        Ok(gone)
    }

    /// The number of a tenant's last event, to be waited on by whoever embeds this relay.
    pub fn head_of(&self, tenant: &str) -> Option<tokio::sync::watch::Receiver<u64>> {
        Some(self.tenant(tenant)?.log.head())
    }

    pub(crate) fn tenant(&self, id: &str) -> Option<Arc<Tenant>> {
        read(&self.tenants).get(id).cloned()
    }

    /// The tenant and key of a link.
    pub(crate) fn key(&self, id: &str) -> Option<(Arc<Tenant>, TokenKey)> {
        read(&self.keys).get(id).cloned()
    }

    /// Pairs a studio: its keys replace none but are the first. `signature` is HMAC-SHA256 of `body` under the secret.
    pub(crate) async fn pair(&self, body: &[u8], signature: &[u8]) -> Result<Arc<Tenant>, &'static str> {
        const WRONG: &str =
            "This pairing code is not valid any more. Make a new one with `carillon-relay pair`.";
        let asked: PairRequest =
            serde_json::from_slice(body).map_err(|_| "The pairing request cannot be read.")?;
        let tenant = self.tenant(&asked.tenant).ok_or(WRONG)?;
        let secret = tenant.log.read(|db| log::meta(db, "pairing")).await;
        let secret = secret.ok().flatten().ok_or(WRONG)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        hmac::verify(&key, body, signature).map_err(|_| WRONG)?;
        let bytes32 = |text: &str| -> Option<[u8; 32]> { URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok() };
        const KEYS: &str = "The pairing request has a key that is no key.";
        let seal = bytes32(&asked.sealing_key).filter(|b| SealingKey::new(b).is_some());
        let (seal, device) = seal.zip(bytes32(&asked.device.key)).ok_or(KEYS)?;
        let keys: Option<Vec<TokenKey>> = asked
            .token_keys
            .iter()
            .take(64)
            .map(|k| bytes32(k).map(TokenKey::new))
            .collect();
        let keys = keys.filter(|k| !k.is_empty()).ok_or(KEYS)?;
        let (now, name, mine) = (self.clock.now(), asked.device.name, keys.clone());
        let paired = tenant
            .log
            .change(move |db| {
                // Only one of two who use a code at once is paired.
                if log::meta(db, "pairing")?.as_deref() != Some(&secret[..]) {
                    return Ok(false);
                }
                db.execute("DELETE FROM meta WHERE key = 'pairing'", [])?;
                db.execute("DELETE FROM devices", [])?;
                log::set_meta(db, "sealing_key", &seal)?;
                add_device(db, &device, &name, now)?;
                log::set_token_keys(db, &mine, now)?;
                Ok(true)
            })
            .await;
        match paired {
            Ok(true) => {}
            Ok(false) => return Err(WRONG),
            Err(_) => return Err("The relay could not write the pairing down. Is its disk full?"),
        }
        self.index_keys(&tenant, keys);
        tenant.refresh().await.map_err(|_| "The relay's file failed.")?;
        Ok(tenant)
    }

    /// Replaces the keys of a tenant's links.
    pub(crate) async fn set_keys(&self, tenant: &Arc<Tenant>, keys: Vec<TokenKey>) -> Result<(), LogError> {
        let (now, mine) = (self.clock.now(), keys.clone());
        tenant
            .log
            .change(move |db| log::set_token_keys(db, &mine, now))
            .await?;
        self.index_keys(tenant, keys);
        Ok(())
    }
}

impl Tenant {
    fn read(id: &str, log: Log, file: &Path) -> Result<Tenant, LogError> {
        let db = Connection::open(file)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        let salt = match log::meta(&db, "salt")?.and_then(|s| s.try_into().ok()) {
            Some(salt) => salt,
            None => {
                let mut salt = [0; 32];
                salt[..16].copy_from_slice(&crate::digest16(&[crate::random_word(32).as_bytes()]));
                salt[16..].copy_from_slice(&crate::digest16(&[crate::random_word(32).as_bytes()]));
                log::set_meta(&db, "salt", &salt)?;
                salt
            }
        };
        Ok(Tenant {
            id: id.to_owned(),
            nonces: Nonces::default(),
            face: RwLock::new(Arc::new(face(&db)?)),
            salt,
            log,
        })
    }

    pub(crate) fn face(&self) -> Arc<Face> {
        read(&self.face).clone()
    }

    /// Reads the face again after a change.
    pub(crate) async fn refresh(&self) -> Result<(), LogError> {
        let fresh = self.log.read(face).await?;
        *write(&self.face) = Arc::new(fresh);
        Ok(())
    }

    /// HMAC-SHA256 under the tenant's salt, for one purpose.
    pub(crate) fn keyed(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.salt);
        let mut context = hmac::Context::with_key(&key);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(bytes);
        let mut code = [0; 32];
        code.copy_from_slice(context.sign().as_ref());
        code
    }
}

/// Lets a device in.
pub(crate) fn add_device(db: &Connection, key: &[u8; 32], name: &str, now: Moment) -> rusqlite::Result<()> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    db.execute(
        "INSERT OR REPLACE INTO devices (key, name, added_at) VALUES (?1, ?2, ?3)",
        params![key, name, now.timestamp_millis()],
    )
    .map(|_| ())
}

fn face(db: &Connection) -> rusqlite::Result<Face> {
    let devices = db
        .prepare_cached("SELECT key, name FROM devices ORDER BY added_at")?
        .query_map([], |r| {
            Ok(Device {
                key: URL_SAFE_NO_PAD.encode(r.get_ref(0)?.as_blob()?),
                name: r.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(Face {
        seal: log::meta(db, "sealing_key")?.and_then(|k| SealingKey::new(&k)),
        devices,
        settings: log::meta(db, "settings")?
            .and_then(|s| serde_json::from_slice(&s).ok())
            .unwrap_or_default(),
    })
}

fn token_keys(file: &Path) -> Result<Vec<TokenKey>, LogError> {
    let db = Connection::open(file)?;
    let mut query = db.prepare("SELECT secret FROM token_keys")?;
    let secrets = query.query_map([], |r| r.get::<_, [u8; 32]>(0))?;
    Ok(secrets
        .map(|s| s.map(TokenKey::new))
        .collect::<rusqlite::Result<_>>()?)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
