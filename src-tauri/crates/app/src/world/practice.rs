//! The relay of a sample: the same as on a server, in this process, on loopback, at the workspace's time.
//!
//! Its keys are in a file beside the sample. That is not done for any other workspace: a sample's people are invented, and
//! it must work on a machine without a keychain.

use super::folder_of;
use crate::error::{ApiError, Result};
use crate::intake;
use crate::relay::{self, PAIRED, Paired, SOURCE};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::relays::{RelayClient, RelaySecrets};
use carillon_relay::{Clock, Config, Handle, Limits, Relay};
use carillon_store::{Priority, opt_out_sources, settings};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What this machine is called at its own relay.
const MACHINE: &str = "studio";
/// Key of the setting with the ports the relay had: links of older mails lead there.
const PORTS: &str = "world_ports";
/// How many of them are remembered, the latest ones.
const MOST_PORTS: usize = 100;

/// A practice relay that runs.
pub(super) struct Practice {
    handle: tokio::sync::Mutex<Option<Handle>>,
    port: u16,
    former: Vec<u16>,
    head: watch::Receiver<u64>,
    /// The last event that was pulled, as far as this process knows.
    pulled: AtomicU64,
    /// Made when it is first asked, and kept: so are its connections.
    client: tokio::sync::OnceCell<RelayClient>,
}

impl Practice {
    /// Starts it on the port it had, if that is free, and pairs it if it is not.
    ///
    /// # Errors
    /// When its files cannot be used, or it does not answer.
    pub(super) async fn start(open: &Arc<Open>, folder: &Path) -> Result<Practice> {
        let (paired, former): (Option<Paired>, Option<Vec<u16>>) = open
            .store
            .read(|db| Ok((relay::paired(db)?, settings::get(db, PORTS)?)))
            .await?;
        let former = former.unwrap_or_default();
        let listener = listener(paired.as_ref().and_then(|paired| port_of(&paired.url))).await?;
        let port = listener.local_addr()?.port();
        let clock = open.clock.clone();
        let config = Config {
            listen: listener.local_addr()?,
            public_url: url(port),
            data: folder.join("relay"),
            behind_proxy: false,
            tls: None,
            limits: Limits::for_practice(),
        };
        let clock = Clock::from_fn(move || clock.now()).told_by_visitors();
        let relay = Relay::open(config, clock).map_err(ApiError::internal)?;
        let relay = Arc::new(relay);
        let handle = carillon_relay::serve(relay.clone(), listener).map_err(ApiError::internal)?;
        let tenant = match paired.filter(|paired| relay.tenants().contains(&paired.tenant)) {
            Some(paired) if keys(open, &paired.tenant)?.is_some() => moved(open, paired, port).await?,
            _ => pair(open, &relay).await?,
        };
        let former = remember_port(open, former, port).await?;
        let head = relay
            .head_of(&tenant)
            .ok_or_else(|| ApiError::internal("no such tenant"))?;
        Ok(Practice {
            handle: tokio::sync::Mutex::new(Some(handle)),
            port,
            former,
            head,
            pulled: AtomicU64::new(0),
            client: tokio::sync::OnceCell::new(),
        })
    }

    /// The number of its last event, to be waited on.
    pub(super) fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// Where it is reached.
    pub(super) fn url(&self) -> String {
        url(self.port)
    }

    /// The address a link of any mail leads to now: the relay may have had another port when the mail was sent. `None` for
    /// an address that is not on this machine.
    pub(super) fn found(&self, link: &str) -> Option<String> {
        let here = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let rest = here.iter().find_map(|here| link.strip_prefix(here))?;
        if !rest.starts_with([':', '/']) {
            return None;
        }
        let path = self.former.iter().find_map(|port| link.strip_prefix(&url(*port)));
        Some(match path {
            Some(path) if path.starts_with('/') => format!("{}{path}", url(self.port)),
            _ => link.to_owned(),
        })
    }

    /// Whether an address of any mail leads to this relay.
    pub(super) fn hears_of(&self, link: &str) -> bool {
        let found = self.found(link);
        let path = found.as_deref().and_then(|found| found.strip_prefix(&self.url()));
        path.is_some_and(|path| path.starts_with('/'))
    }

    /// Takes in what it heard since, if it heard anything: whether it did.
    ///
    /// # Errors
    /// The store's; why the relay cannot be read is the inner error.
    pub(super) async fn pull(&self, open: &Arc<Open>) -> Result<std::result::Result<bool, String>> {
        let head = *self.head.borrow();
        if head <= self.pulled.load(Ordering::Relaxed) {
            return Ok(Ok(false));
        }
        let paired = || async {
            relay::client(open)
                .await?
                .ok_or_else(|| ApiError::internal("the sample has no relay"))
        };
        let client = match self.client.get_or_try_init(paired).await {
            Ok(client) => client,
            Err(error) => return Ok(Err(error.message)),
        };
        Ok(match intake::read_relay(open, client).await? {
            Ok(read) => {
                self.pulled.fetch_max(head, Ordering::Relaxed);
                Ok(read)
            }
            Err(why) => Err(why),
        })
    }

    /// Ends it.
    pub(super) async fn stop(&self) {
        if let Some(handle) = self.handle.lock().await.take() {
            handle.stop().await;
        }
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn port_of(url: &str) -> Option<u16> {
    url.strip_prefix("http://127.0.0.1:")?.parse().ok()
}

async fn listener(port: Option<u16>) -> std::io::Result<TcpListener> {
    let at = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => match at(port).await {
            Ok(listener) => Ok(listener),
            // Somebody else has it: another copy of this sample, perhaps.
            Err(_) => at(0).await,
        },
        None => at(0).await,
    }
}

/// The relay is where it was, or its new place is noted. Its tenant.
async fn moved(open: &Open, mut paired: Paired, port: u16) -> Result<String> {
    let tenant = paired.tenant.clone();
    if paired.url != url(port) {
        paired.url = url(port);
        open.store
            .write(Priority::User, move |tx| {
                settings::set(tx, PAIRED, Some(&paired))?;
                opt_out_sources::keep(tx, SOURCE, &paired.url)?;
                opt_out_sources::relay_changed(tx);
                Ok(())
            })
            .await?;
    }
    Ok(tenant)
}

/// Pairs the sample with its relay as a user does. Its tenant.
async fn pair(open: &Open, relay: &Relay) -> Result<String> {
    let code = relay.add_tenant().await.map_err(ApiError::internal)?;
    let made = RelaySecrets::generate().map_err(relay::in_words)?;
    write_keys(&keys_of(&open.path, &code.tenant), &relay::packed(&made)?)?;
    let (client, _) = RelayClient::pair(open.dialer.clone(), &code, &made, MACHINE, None)
        .await
        .map_err(relay::in_words)?;
    let row = Paired {
        url: code.url,
        tenant: code.tenant.clone(),
        machine: MACHINE.to_owned(),
        ca_file: None,
        at: open.now(),
    };
    open.store
        .write(Priority::User, move |tx| {
            settings::set(tx, PAIRED, Some(&row))?;
            opt_out_sources::keep(tx, SOURCE, &row.url)?;
            opt_out_sources::relay_changed(tx);
            Ok(())
        })
        .await?;
    client
        .set_settings(&relay::settings_for(open).await?)
        .await
        .map_err(relay::in_words)?;
    Ok(code.tenant)
}

async fn remember_port(open: &Open, mut ports: Vec<u16>, port: u16) -> Result<Vec<u16>> {
    if ports.last() == Some(&port) {
        return Ok(ports);
    }
    ports.retain(|known| *known != port);
    ports.push(port);
    let surplus = ports.len().saturating_sub(MOST_PORTS);
    ports.drain(..surplus);
    let kept = ports.clone();
    open.store
        .write(Priority::User, move |tx| settings::set(tx, PORTS, Some(&kept)))
        .await?;
    Ok(ports)
}

/// One file a pairing: a sample that is put back from a copy may know an older one.
fn keys_of(workspace: &Path, tenant: &str) -> PathBuf {
    let word: String = tenant.chars().filter(char::is_ascii_alphanumeric).collect();
    folder_of(workspace).join(format!("relay-{word}.keys"))
}

/// The keys with which a sample was paired with its own relay. `None` for any other workspace, whatever lies beside it, and
/// where there are none.
///
/// # Errors
/// The file is there and cannot be read.
pub fn keys(open: &Open, tenant: &str) -> Result<Option<Secret>> {
    if !open.sample {
        return Ok(None);
    }
    match std::fs::read_to_string(keys_of(&open.path, tenant)) {
        Ok(text) => Ok(Some(Secret::new(text)).filter(|text| relay::unpacked(text).is_ok())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whole or not at all, and for this user's eyes.
fn write_keys(path: &Path, keys: &Secret) -> std::io::Result<()> {
    let fresh = path.with_extension("fresh");
    let _ = std::fs::remove_file(&fresh);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(keys.expose().as_bytes())?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_an_older_mail_is_found_where_the_relay_is_now_and_nothing_outside_is_asked() {
        let relay = Practice {
            handle: tokio::sync::Mutex::new(None),
            port: 4_000,
            former: vec![3_000, 4_000],
            head: watch::channel(0).1,
            pulled: AtomicU64::new(0),
            client: tokio::sync::OnceCell::new(),
        };
        for (link, found) in [
            ("http://127.0.0.1:3000/u/a/b", Some("http://127.0.0.1:4000/u/a/b")),
            ("http://127.0.0.1:4000/c/a/b", Some("http://127.0.0.1:4000/c/a/b")),
            ("http://127.0.0.1:30001/u", Some("http://127.0.0.1:30001/u")),
            ("http://localhost:8080/shop", Some("http://localhost:8080/shop")),
            ("http://localhost.example/", None),
            ("http://127.0.0.1.example/", None),
            ("http://127.0.0.1@shop.example/", None),
            ("https://shop.example/", None),
        ] {
            assert_eq!(relay.found(link).as_deref(), found, "{link}");
        }
        assert!(relay.hears_of("http://127.0.0.1:3000/c/a/b") && relay.hears_of("http://127.0.0.1:4000/f/a"));
        for past in [
            "http://127.0.0.1:40001/c/a",
            "http://localhost:4000/c/a",
            "https://shop.example/",
        ] {
            assert!(!relay.hears_of(past), "{past}");
        }
    }
}
