//! A relay on loopback, a paired studio, and a browser that says exactly what a test wants said.

use carillon_adapters::Dialer;
use carillon_adapters::relays::{OpenedHit, RelayClient, RelaySecrets};
use carillon_model::Moment;
use carillon_model::consent::Channel;
use carillon_model::relay::{PageSettings, PairingCode, RelaySettings, Topic, What};
use carillon_relay::tokens::{Payload, TokenKey};
use carillon_relay::{Clock, Config, Handle, Limits, Relay, serve};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const BLOCK: [u8; 16] = *b"only the laptop ";
pub const ADDRESS: [u8; 16] = *b"a hash of ann's.";

pub struct Ground {
    pub folder: TempDir,
    pub served: Option<Handle>,
    pub studio: RelayClient,
    pub secrets: RelaySecrets,
    pub tenant: String,
    pub at: SocketAddr,
    now: Arc<AtomicI64>,
    limits: Limits,
}

pub fn config(folder: &Path, at: SocketAddr, limits: Limits) -> Config {
    Config {
        listen: at,
        public_url: format!("http://{at}"),
        data: folder.join("data"),
        behind_proxy: false,
        tls: None,
        limits,
    }
}

impl Ground {
    pub async fn new() -> Ground {
        Ground::with(Limits::for_practice()).await
    }

    pub async fn with(limits: Limits) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let relay = Relay::open(config(folder.path(), at, limits.clone()), clock(&now)).unwrap();
        let served = serve(Arc::new(relay), listener).unwrap();
        let code = served.relay().add_tenant().await.unwrap();
        let secrets = RelaySecrets::generate().unwrap();
        let (studio, state) = RelayClient::pair(Dialer::new(true), &code, &secrets, "laptop", None)
            .await
            .unwrap();
        assert_eq!((state.head, state.devices.len()), (0, 1));
        let ground = Ground {
            tenant: code.tenant,
            served: Some(served),
            folder,
            studio,
            secrets,
            at,
            now,
            limits,
        };
        ground.studio.set_settings(&settings()).await.unwrap();
        ground
    }

    pub fn relay(&self) -> &Arc<Relay> {
        self.served.as_ref().unwrap().relay()
    }

    pub fn now(&self) -> Moment {
        chrono::DateTime::from_timestamp_millis(self.now.load(Ordering::SeqCst)).unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub async fn stop(&mut self) {
        if let Some(served) = self.served.take() {
            served.stop().await;
        }
    }

    /// The same folder on a new listener; `meanwhile` may change its files.
    pub async fn again(&mut self, meanwhile: impl FnOnce(&Path)) {
        self.stop().await;
        // The writer's thread ends when the last request let go of it.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        meanwhile(&self.folder.path().join("data").join(&self.tenant));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        self.at = listener.local_addr().unwrap();
        let config = config(self.folder.path(), self.at, self.limits.clone());
        let relay = Relay::open(config, clock(&self.now)).unwrap();
        self.served = Some(serve(Arc::new(relay), listener).unwrap());
        self.studio = self.client(&self.secrets);
    }

    pub fn client(&self, secrets: &RelaySecrets) -> RelayClient {
        RelayClient::new(
            Dialer::new(true),
            &format!("http://{}", self.at),
            &self.tenant,
            secrets,
            None,
        )
        .unwrap()
    }

    pub fn key(&self) -> TokenKey {
        key_of(&self.secrets, 0)
    }

    pub fn link(&self, payload: &Payload) -> String {
        self.link_of(&BLOCK, payload)
    }

    pub fn link_of(&self, block: &[u8; 16], payload: &Payload) -> String {
        self.key().mint(&self.tenant, block, payload).unwrap()
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.say("GET", target, &[], b"").await
    }

    pub async fn post(&self, target: &str, body: &str) -> Answer {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.say("POST", target, &form, body.as_bytes()).await
    }

    pub async fn say(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        say(self.at, method, target, headers, body).await
    }

    /// Everything the relay has, opened.
    pub async fn hits(&self) -> Vec<OpenedHit> {
        let pulled = self.studio.pull(0, 1_000, 0).await.unwrap();
        pulled
            .events
            .iter()
            .map(|e| self.studio.open(e).unwrap())
            .collect()
    }

    pub async fn whats(&self) -> Vec<What> {
        self.hits().await.into_iter().map(|h| h.hit.what).collect()
    }
}

pub fn key_of(secrets: &RelaySecrets, place: usize) -> TokenKey {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(secrets.tokens[place].expose())
        .unwrap();
    TokenKey::new(bytes.try_into().unwrap())
}

fn clock(now: &Arc<AtomicI64>) -> Clock {
    let now = now.clone();
    Clock::from_fn(move || chrono::DateTime::from_timestamp_millis(now.load(Ordering::SeqCst)).unwrap())
}

pub fn settings() -> RelaySettings {
    RelaySettings {
        page: PageSettings {
            sender: "Ann's <Shoes>".to_owned(),
            postal_address: "Long Lane 1\nLondon".to_owned(),
            topics: [(0, "News"), (3, "Sales")]
                .map(|(number, name)| Topic {
                    number,
                    name: name.to_owned(),
                    about: String::new(),
                })
                .to_vec(),
            channels: vec![Channel::Email, Channel::Sms],
            languages: vec!["en".to_owned(), "de".to_owned()],
            pauses_days: vec![30, 90],
        },
        ..RelaySettings::default()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

pub async fn say(
    at: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut line = TcpStream::connect(at).await.unwrap();
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(body).await.ok();
    let mut bytes = Vec::new();
    line.read_to_end(&mut bytes).await.ok();
    parse(&bytes)
}

pub fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = &bytes[end + 4..];
    let body = match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => unchunk(body),
        false => body.to_vec(),
    };
    Answer { status, head, body }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}

/// A pairing code that was used before, for tests of pairing.
pub async fn pair(code: &PairingCode) -> Result<RelayClient, carillon_model::message::Failure> {
    let secrets = RelaySecrets::generate().unwrap();
    RelayClient::pair(Dialer::new(true), code, &secrets, "another", None)
        .await
        .map(|(client, _)| client)
}
