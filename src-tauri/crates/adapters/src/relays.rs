//! The studio's side of a relay: pairing, pulling, acknowledging, and opening what only the studio can.

mod invitation;
mod line;
mod place;
mod seal;

pub use invitation::Invitation;
pub use seal::OpenedHit;

use crate::dialer::Dialer;
use crate::failure::failure;
use crate::http::{Http, Method};
use crate::secret::Secret;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::relay::{
    Ack, ApiKey, Device, PairRequest, PairingCode, Pulled, RelaySettings, RelayState, SealedEvent,
    SuppressionLine, SuppressionPage, signed_text,
};
use line::Line;
use place::Place;
use seal::OpeningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::OnceCell;

/// The secrets of a workspace for its relay, 32 bytes each as base64url: for the keychain, never for a file.
#[derive(Clone)]
pub struct RelaySecrets {
    /// X25519: opens what the relay sealed. The same on each machine of the workspace.
    pub opening: Secret,
    /// Ed25519 seed: signs this machine's requests. Another one on each machine.
    pub device: Secret,
    /// Keys of links, newest first. Those before the newest still open links that were sent.
    pub tokens: Vec<Secret>,
}

impl RelaySecrets {
    /// New secrets from the system's randomness.
    ///
    /// # Errors
    /// `Setup` when the system has none.
    pub fn generate() -> Result<RelaySecrets, Failure> {
        Ok(RelaySecrets {
            opening: random_secret()?,
            device: random_secret()?,
            tokens: vec![random_secret()?],
        })
    }
}

/// A new key for links, to be put before the others.
///
/// # Errors
/// `Setup` when the system has no randomness.
pub fn new_token_key() -> Result<Secret, Failure> {
    random_secret()
}

/// A new key shops and apps report events with: the text to show once, and what the relay is told of it.
///
/// # Errors
/// `Setup` when the system has no randomness.
pub fn new_api_key(tenant: &str, name: &str) -> Result<(Secret, ApiKey), Failure> {
    let key = format!("{tenant}.{}", random_secret()?.expose());
    let hash = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes()).as_ref());
    let told = ApiKey {
        name: name.to_owned(),
        hash,
    };
    Ok((Secret::new(key), told))
}

/// A paired relay, as this machine asks it.
pub struct RelayClient {
    dialer: Dialer,
    place: Place,
    http: OnceCell<Http>,
    tenant: String,
    device: Ed25519KeyPair,
    device_key: String,
    opening: OpeningKey,
    /// Milliseconds the relay's clock is ahead of ours, as it last told.
    ahead: AtomicI64,
}

impl std::fmt::Debug for RelayClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RelayClient({} at {})", self.tenant, self.place)
    }
}

impl RelayClient {
    /// A client for a relay that is paired already. `ca_file` is a PEM file to trust beside the system's authorities.
    ///
    /// # Errors
    /// `Setup` when the address or a secret is none.
    pub fn new(
        dialer: Dialer,
        url: &str,
        tenant: &str,
        secrets: &RelaySecrets,
        ca_file: Option<&str>,
    ) -> Result<RelayClient, Failure> {
        let seed = bytes32(&secrets.device)?;
        let device = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| bad_secret())?;
        Ok(RelayClient {
            place: Place::parse(url, ca_file)?,
            tenant: tenant.to_owned(),
            device_key: URL_SAFE_NO_PAD.encode(device.public_key().as_ref()),
            device,
            opening: OpeningKey::new(&bytes32(&secrets.opening)?).ok_or_else(bad_secret)?,
            ahead: AtomicI64::new(0),
            http: OnceCell::new(),
            dialer,
        })
    }

    /// Uses a pairing code up: from then on the relay knows this workspace's public keys and the keys of its links.
    ///
    /// # Errors
    /// `Auth` when the code is not valid any more, else what went wrong on the way.
    pub async fn pair(
        dialer: Dialer,
        code: &PairingCode,
        secrets: &RelaySecrets,
        machine: &str,
        ca_file: Option<&str>,
    ) -> Result<(RelayClient, RelayState), Failure> {
        let client = RelayClient::new(dialer, &code.url, &code.tenant, secrets, ca_file)?;
        let request = PairRequest {
            tenant: code.tenant.clone(),
            sealing_key: URL_SAFE_NO_PAD.encode(client.opening.public()),
            device: client.this_machine(machine),
            token_keys: secrets.tokens.iter().map(|t| t.expose().to_owned()).collect(),
        };
        let body = json(&request)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, code.secret.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, &body).as_ref());
        let headers = vec![("carillon-signature", signature)];
        let answer = client.ask("POST", "/v1/pair", &headers, body).await?;
        let state = read(&answer)?;
        Ok((client, state))
    }

    /// This machine's public key and a name for it.
    pub fn this_machine(&self, name: &str) -> Device {
        Device {
            key: self.device_key.clone(),
            name: name.to_owned(),
        }
    }

    /// What the relay is and how full.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn state(&self) -> Result<RelayState, Failure> {
        self.get("/v1/state").await
    }

    /// Events after `since`; waits up to 30 seconds for the first where there is none.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn pull(&self, since: u64, limit: usize, wait_secs: u64) -> Result<Pulled, Failure> {
        self.get(&format!(
            "/v1/events?since={since}&limit={limit}&wait={wait_secs}"
        ))
        .await
    }

    /// A line on which events come as soon as they are kept. The relay ends it after a quarter of an hour.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn live(&self, since: u64) -> Result<LiveLine, Failure> {
        let target = format!("/v1/live?since={since}");
        for again in [false, true] {
            let headers = self.sign("GET", &target, &[])?;
            let http = self.http().await;
            let mut request = http.get(&self.place.url(&target));
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            match request.open().await {
                Ok(body) => return Ok(LiveLine { line: Line::of(body) }),
                Err(refused) if again => return Err(refused.into()),
                // The clocks may differ, which this sets right, or it says better why not.
                Err(_) => self.state().await.map(drop)?,
            }
        }
        Err(clocks())
    }

    /// Tells that everything up to `seq` is applied and durable here.
    ///
    /// # Errors
    /// `Setup` with the code `epoch` when the relay is not any more the one that told it.
    pub async fn ack(&self, epoch: &str, seq: u64) -> Result<(), Failure> {
        let ack = Ack {
            epoch: epoch.to_owned(),
            seq,
        };
        self.call("POST", "/v1/ack", json(&ack)?).await.map(|_| ())
    }

    /// Opens the seal of an event.
    ///
    /// # Errors
    /// `Setup` when it was not sealed for this workspace, or was altered.
    pub fn open(&self, event: &SealedEvent) -> Result<OpenedHit, Failure> {
        self.opening.open(&self.tenant, event)
    }

    /// Sets pages, forms, sites and API keys, as one piece.
    ///
    /// # Errors
    /// `Setup` with the relay's sentence when it does not take them.
    pub async fn set_settings(&self, settings: &RelaySettings) -> Result<RelayState, Failure> {
        self.put("/v1/settings", settings).await
    }

    /// Sets the keys of links, newest first. Links of a key that is left out are not found any more.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn set_token_keys(&self, keys: &[Secret]) -> Result<RelayState, Failure> {
        let keys: Vec<&str> = keys.iter().map(Secret::expose).collect();
        self.put("/v1/keys", &keys).await
    }

    /// Tells the relay of addresses that are not written to, for the other machines of the workspace.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn suppress(&self, lines: &[SuppressionLine]) -> Result<(), Failure> {
        for some in lines.chunks(5_000) {
            self.call("POST", "/v1/suppressions", json(&some)?).await?;
        }
        Ok(())
    }

    /// Changes of that list after a cursor.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn suppressions(&self, since: u64) -> Result<SuppressionPage, Failure> {
        self.get(&format!("/v1/suppressions?since={since}")).await
    }

    /// Lets another machine of the workspace in.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn add_device(&self, device: &Device) -> Result<RelayState, Failure> {
        read(&self.call("POST", "/v1/devices", json(device)?).await?)
    }

    /// Lets a machine go.
    ///
    /// # Errors
    /// `Setup` when it is the last one.
    pub async fn remove_device(&self, key: &str) -> Result<RelayState, Failure> {
        let target = format!("/v1/devices/{key}");
        read(&self.call("DELETE", &target, Vec::new()).await?)
    }

    async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Failure> {
        read(&self.call("GET", target, Vec::new()).await?)
    }

    async fn put<T: DeserializeOwned>(
        &self,
        target: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Failure> {
        read(&self.call("PUT", target, json(body)?).await?)
    }

    /// A signed request. When the clocks differ too much, once more by the relay's.
    async fn call(&self, method: &str, target: &str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        for again in [false, true] {
            let headers = self.sign(method, target, &body)?;
            match self.ask(method, target, &headers, body.clone()).await {
                Err(refused) if refused.code == "clock" && !again => {
                    self.set_ahead(&refused);
                }
                other => return other,
            }
        }
        Err(clocks())
    }

    async fn http(&self) -> &Http {
        let made = || Http::with(self.dialer.clone(), self.place.options());
        self.http.get_or_init(made).await
    }

    async fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let http = self.http().await;
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
        let mut request = http
            .request(method, &self.place.url(target))
            .body("application/json", body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        match answer.is_success() {
            true => Ok(answer.body),
            false => Err(self.place.refused(answer.status, &answer.body)),
        }
    }

    fn set_ahead(&self, refused: &Failure) {
        if let Ok(now) = refused.detail.parse::<i64>() {
            self.ahead.store(now - now_ms(), Ordering::Relaxed);
        }
    }

    fn sign(&self, method: &str, target: &str, body: &[u8]) -> Result<Vec<(&'static str, String)>, Failure> {
        let mut nonce = [0; 16];
        fill(&mut nonce)?;
        let nonce = URL_SAFE_NO_PAD.encode(nonce);
        let time = now_ms() + self.ahead.load(Ordering::Relaxed);
        let digest = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body).as_ref());
        let text = signed_text(method, target, &self.tenant, time, &nonce, &digest);
        let signature = self.device.sign(text.as_bytes());
        Ok(vec![
            ("carillon-tenant", self.tenant.clone()),
            ("carillon-device", self.device_key.clone()),
            ("carillon-time", time.to_string()),
            ("carillon-nonce", nonce),
            ("carillon-signature", URL_SAFE_NO_PAD.encode(signature.as_ref())),
        ])
    }
}

/// A line on which events come by themselves.
pub struct LiveLine {
    line: Line,
}

impl LiveLine {
    /// The next events, in order; the first answer comes at once and says where the relay stands. `None` when the
    /// relay ended the line: open another.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn next(&mut self) -> Result<Option<Pulled>, Failure> {
        match self.line.event().await? {
            None => Ok(None),
            Some(text) => serde_json::from_str(&text).map(Some).map_err(|_| garbled()),
        }
    }
}

/// How far a machine has read a relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The relay's epoch at the last pull; empty before the first.
    pub epoch: String,
    /// The last event that was applied.
    pub seq: u64,
    /// SHA-256 of its sealed bytes, hex; empty before the first.
    pub digest: String,
}

/// What a pull says about the cursor it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// The same history: apply what came.
    Goes,
    /// The relay's file was created anew or put back from a copy. Pull from 0; (epoch, seq) tells what is known.
    Anew,
    /// The same epoch, and yet it is not what was read: the relay's machine was set back. An alarm; pull from 0.
    WentBack,
}

impl Cursor {
    /// Compares a pull made since this cursor with what was read before.
    pub fn judge(&self, pulled: &Pulled) -> History {
        if self.epoch.is_empty() {
            return History::Goes;
        }
        if self.epoch != pulled.epoch {
            return History::Anew;
        }
        let other = pulled
            .anchor
            .as_ref()
            .is_some_and(|anchor| !self.digest.is_empty() && *anchor != self.digest);
        if pulled.head < self.seq || other {
            return History::WentBack;
        }
        History::Goes
    }

    /// The cursor after these events were applied.
    pub fn after(&self, pulled: &Pulled) -> Cursor {
        match pulled.events.last() {
            None => Cursor {
                epoch: pulled.epoch.clone(),
                ..self.clone()
            },
            Some(last) => {
                let sealed = URL_SAFE_NO_PAD.decode(&last.sealed).unwrap_or_default();
                Cursor {
                    epoch: pulled.epoch.clone(),
                    seq: last.seq,
                    digest: hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sealed).as_ref()),
                }
            }
        }
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| failure(FailureClass::Setup, "body", error.to_string()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| garbled())
}

fn garbled() -> Failure {
    failure(
        FailureClass::Setup,
        "answer",
        "What answers at the relay's address does not speak as a Carillon relay of this version does.",
    )
}

fn clocks() -> Failure {
    failure(
        FailureClass::Setup,
        "clock",
        "The relay does not take the time of this machine. Check the clocks of both.",
    )
}

fn bad_secret() -> Failure {
    failure(
        FailureClass::Setup,
        "secret",
        "The stored secrets of this relay are damaged. Pair it again.",
    )
}

fn bytes32(secret: &Secret) -> Result<[u8; 32], Failure> {
    let bytes = URL_SAFE_NO_PAD
        .decode(secret.expose())
        .map_err(|_| bad_secret())?;
    bytes.try_into().map_err(|_| bad_secret())
}

fn random_secret() -> Result<Secret, Failure> {
    let mut bytes = [0; 32];
    fill(&mut bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    SystemRandom::new().fill(bytes).map_err(|_| {
        failure(
            FailureClass::Setup,
            "randomness",
            "This machine gives no random numbers, so no key can be made.",
        )
    })
}

fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulled(epoch: &str, head: u64, anchor: Option<&str>) -> Pulled {
        Pulled {
            epoch: epoch.to_owned(),
            head,
            anchor: anchor.map(str::to_owned),
            events: Vec::new(),
        }
    }

    #[test]
    fn a_relay_that_is_not_the_one_that_was_read_is_told_by_epoch_head_or_anchor() {
        let cursor = Cursor {
            epoch: "a".to_owned(),
            seq: 10,
            digest: "d".to_owned(),
        };
        assert_eq!(Cursor::default().judge(&pulled("a", 5, None)), History::Goes);
        assert_eq!(cursor.judge(&pulled("a", 10, Some("d"))), History::Goes);
        assert_eq!(cursor.judge(&pulled("a", 12, None)), History::Goes);
        assert_eq!(cursor.judge(&pulled("b", 12, Some("d"))), History::Anew);
        assert_eq!(cursor.judge(&pulled("a", 9, None)), History::WentBack);
        assert_eq!(cursor.judge(&pulled("a", 12, Some("e"))), History::WentBack);
    }

    #[test]
    fn the_debug_text_of_a_client_has_no_secret() {
        let secrets = RelaySecrets::generate().expect("secrets");
        let client =
            RelayClient::new(Dialer::new(true), "http://127.0.0.1:9", "t", &secrets, None).expect("a client");
        let text = format!("{client:?}");
        for secret in [&secrets.opening, &secrets.device, &secrets.tokens[0]] {
            assert!(!text.contains(secret.expose()));
        }
    }
}
