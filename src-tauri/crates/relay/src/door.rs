//! The door: connections, their limits and times, TLS, and who is at the other end.

use crate::config::{self, TlsFiles};
use crate::routes;
use crate::tenant::{Relay, RelayError};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// How often files of certificates are looked at, and acknowledged events are deleted.
const TIDY: Duration = Duration::from_secs(600);

/// A relay that is being served.
pub struct Handle {
    relay: Arc<Relay>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    done: tokio::task::JoinHandle<()>,
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The relay itself: for tenants and their pairing codes.
    pub fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// Closes the door. What was answered is on the disk; requests in their middle are cut.
    pub async fn stop(self) {
        self.stop.send(true).ok();
        self.done.await.ok();
    }

    /// Until it ends by itself, which it does not.
    pub async fn ended(self) {
        self.done.await.ok();
    }
}

/// Serves a relay on a listener.
///
/// # Errors
/// When the certificate cannot be used or the listener has no address.
pub fn serve(relay: Arc<Relay>, listener: TcpListener) -> Result<Handle, RelayError> {
    let address = listener.local_addr()?;
    let tls = match &relay.config.tls {
        None => None,
        Some(files) => Some(Arc::new(Tls::load(files)?)),
    };
    let (stop, stopped) = watch::channel(false);
    let app = routes::router(relay.clone());
    let accept = accept(relay.clone(), listener, tls.clone(), app, stopped.clone());
    let tidy = tidy(relay.clone(), tls, stopped);
    let done = tokio::spawn(async move {
        tokio::join!(accept, tidy);
    });
    Ok(Handle {
        relay,
        address,
        stop,
        done,
    })
}

/// The address a visitor comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor(pub(crate) IpAddr);

/// A visitor as a proxy on this machine tells; anybody else's word about it counts for nothing.
fn visitor(peer: IpAddr, headers: &HeaderMap, behind_proxy: bool) -> IpAddr {
    if !behind_proxy || !peer.to_canonical().is_loopback() {
        return peer;
    }
    let told = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.rsplit(',').next())
        .and_then(|v| v.trim().parse().ok());
    told.unwrap_or(peer)
}

async fn accept(
    relay: Arc<Relay>,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = relay.config.limits.clone();
    let all = Arc::new(Semaphore::new(limits.connections));
    let each = Arc::new(PerAddress::default());
    loop {
        let Ok(place) = all.clone().acquire_owned().await else {
            return;
        };
        let (tcp, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, mostly: others end soon.
                    tracing::warn!("no connection could be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = stopped.changed() => return,
        };
        let proxied = relay.config.behind_proxy && peer.ip().to_canonical().is_loopback();
        let most = if proxied {
            usize::MAX
        } else {
            limits.connections_per_address
        };
        let Some(seat) = each.clone().sit(peer.ip(), most) else {
            continue;
        };
        tcp.set_nodelay(true).ok();
        let (app, relay, tls, mut stopped) = (app.clone(), relay.clone(), tls.clone(), stopped.clone());
        tokio::spawn(async move {
            let talk = async {
                match tls {
                    None => talk(tcp, peer, app, &relay).await,
                    Some(tls) => {
                        let limit = Duration::from_secs(relay.config.limits.read_secs);
                        let shaken = tokio::time::timeout(limit, tls.acceptor().accept(tcp)).await;
                        if let Ok(Ok(stream)) = shaken {
                            talk(stream, peer, app, &relay).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = talk => {}
                _ = stopped.changed() => {}
            }
            drop((place, seat));
        });
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr, app: Router, relay: &Relay) {
    let behind_proxy = relay.config.behind_proxy;
    let clock = relay.clock.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(Body::new);
        let from = visitor(peer.ip(), request.headers(), behind_proxy);
        request.extensions_mut().insert(Visitor(from));
        let said = clock.said_in(request.headers());
        let answer = hyper::service::Service::call(&TowerToHyperService::new(app.clone()), request);
        config::at(said, answer)
    });
    // An ended or broken connection is no news.
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(relay.config.limits.read_secs))
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

async fn tidy(relay: Arc<Relay>, tls: Option<Arc<Tls>>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = relay.clean().await {
            tracing::error!("old events could not be deleted: {error}");
        }
        if let Some(tls) = &tls {
            tls.look_again();
        }
    }
}

/// Connections of each address.
#[derive(Default)]
struct PerAddress(Mutex<HashMap<[u8; 16], usize>>);

struct Seat {
    of: Arc<PerAddress>,
    key: [u8; 16],
}

impl PerAddress {
    fn sit(self: Arc<PerAddress>, address: IpAddr, most: usize) -> Option<Seat> {
        let key = crate::limits::one_visitor(address);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat { of: self, key })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

/// A certificate that is read again when its file changes.
struct Tls {
    files: TlsFiles,
    state: RwLock<(TlsAcceptor, Option<SystemTime>)>,
}

impl Tls {
    fn load(files: &TlsFiles) -> Result<Tls, RelayError> {
        Ok(Tls {
            state: RwLock::new((acceptor(files)?, changed_at(files))),
            files: files.clone(),
        })
    }

    fn acceptor(&self) -> TlsAcceptor {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .clone()
    }

    fn look_again(&self) {
        let now = changed_at(&self.files);
        let known = self.state.read().unwrap_or_else(PoisonError::into_inner).1;
        if now == known {
            return;
        }
        match acceptor(&self.files) {
            Ok(fresh) => *self.state.write().unwrap_or_else(PoisonError::into_inner) = (fresh, now),
            Err(error) => tracing::error!("the old certificate stays: {error}"),
        }
    }
}

fn changed_at(files: &TlsFiles) -> Option<SystemTime> {
    std::fs::metadata(&files.certificate).ok()?.modified().ok()
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, RelayError> {
    let wrong = |what: &std::path::Path, why: &dyn std::fmt::Display| {
        RelayError::Certificate(format!("{}: {why}", what.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|e| wrong(&files.certificate, &e))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| wrong(&files.key, &e))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|b| b.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| wrong(&files.certificate, &e))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], behind_proxy: bool) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().expect("a header"));
        }
        visitor(peer.parse().expect("an address"), &headers, behind_proxy).to_string()
    }

    #[test]
    fn only_a_proxy_on_this_machine_may_say_who_comes_and_only_its_own_word_counts() {
        let spoofed = ["203.0.113.9, 198.51.100.7"];
        assert_eq!(seen("127.0.0.1", &spoofed, true), "198.51.100.7");
        assert_eq!(
            seen("127.0.0.1", &["203.0.113.9", "198.51.100.7"], true),
            "198.51.100.7"
        );
        assert_eq!(seen("192.0.2.1", &spoofed, true), "192.0.2.1");
        assert_eq!(seen("127.0.0.1", &spoofed, false), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["nonsense"], true), "127.0.0.1");
    }

    #[test]
    fn an_address_has_so_many_seats_and_gets_them_back() {
        let each = Arc::new(PerAddress::default());
        let address: IpAddr = "192.0.2.1".parse().expect("an address");
        let first = each.clone().sit(address, 1);
        assert!(first.is_some() && each.clone().sit(address, 1).is_none());
        drop(first);
        assert!(each.clone().sit(address, 1).is_some());
        assert!(each.0.lock().expect("a lock").is_empty());
    }
}
