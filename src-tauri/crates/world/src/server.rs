//! A small SMTP server (RFC 5321) on loopback that never lies: what it acknowledged is in the truth log first.

mod conversation;
mod lines;

use crate::mailbox::Mailbox;
use crate::script::Script;
use crate::truth::TruthLog;
use chrono::Utc;
use conversation::Conversation;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// How the server's connections are protected, with a certificate made at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Offered after EHLO, and asked for before AUTH and MAIL.
    Starttls,
    /// From the first byte.
    Implicit,
}

/// A message the server took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub queue_id: String,
    pub mail_from: String,
    pub rcpt_to: Vec<String>,
    pub message: Vec<u8>,
}

type Check = dyn Fn(&str, &str) -> bool + Send + Sync;

/// Asks whoever gives out tokens whether a user's is good.
#[derive(Clone)]
pub struct TokenCheck(pub Arc<Check>);

impl std::fmt::Debug for TokenCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenCheck")
    }
}

/// What kind of server to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where each message is recorded before it is acknowledged; appended to.
    pub truth_log: PathBuf,
    /// Where messages are kept, if anywhere.
    pub mailbox: Option<PathBuf>,
    /// Who is handed each message after it is recorded and before it is acknowledged, if anybody. A full channel makes
    /// senders wait.
    pub taken: Option<mpsc::Sender<Taken>>,
    /// Whether record and message are on the disk before they are acknowledged.
    pub durable: bool,
    /// 0: any free port.
    pub port: u16,
    /// User and password, asked for before MAIL; AUTH PLAIN and LOGIN.
    pub auth: Option<(String, String)>,
    /// Whether a user may come in with an access token: AUTH XOAUTH2, for that user.
    pub tokens: Option<TokenCheck>,
    pub protection: Option<Protection>,
    /// Names on the certificate beside `localhost`, `127.0.0.1` and `::1`.
    pub names: Vec<String>,
    /// Wait before the reply to each final dot.
    pub delay: Duration,
    pub script: Script,
    /// Longest message taken, in bytes.
    pub max_bytes: usize,
    pub max_connections: usize,
    /// Whether PIPELINING (RFC 2920) is offered.
    pub pipelining: bool,
}

impl Options {
    /// A server that takes everything from anybody on this machine: no TLS, no AUTH, any port.
    pub fn new(truth_log: impl Into<PathBuf>) -> Options {
        Options {
            truth_log: truth_log.into(),
            mailbox: None,
            taken: None,
            durable: false,
            port: 0,
            auth: None,
            tokens: None,
            protection: None,
            names: Vec::new(),
            delay: Duration::ZERO,
            script: Script::default(),
            max_bytes: 32 << 20,
            max_connections: 200,
            pipelining: true,
        }
    }
}

/// What all conversations share.
pub(crate) struct Shared {
    pub options: Options,
    pub log: TruthLog,
    pub mailbox: Option<Mailbox>,
    pub acceptor: Option<TlsAcceptor>,
    /// Senders and recipients that were greylisted once.
    pub grey: Mutex<HashSet<(String, String)>>,
    pub acknowledged: AtomicU64,
    started_millis: i64,
    sequence: AtomicU64,
}

impl Shared {
    /// Sorts by time of arrival, and is never given twice.
    pub fn queue_id(&self) -> String {
        let n = self.sequence.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}{n:08x}", self.started_millis)
    }
}

/// A running server. Dropping it ends it and all its connections.
pub struct SmtpWorld {
    address: SocketAddr,
    certificate_pem: Option<String>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl SmtpWorld {
    /// Starts a server on 127.0.0.1 within the current tokio runtime.
    ///
    /// # Errors
    /// The port is taken, or log or mailbox cannot be opened.
    pub async fn start(options: Options) -> io::Result<SmtpWorld> {
        let (listener, shared, certificate_pem) = prepare(options).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, shared.clone()));
        Ok(SmtpWorld {
            address,
            certificate_pem,
            shared,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate to trust, PEM, where the server has one: the account's CA file.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Where it keeps messages, if anywhere.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        self.shared.mailbox.as_ref()
    }

    /// Messages acknowledged so far: equals the records with `told` in the log, but for replies the peer did not stay
    /// to hear.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends the server and waits until it has.
    pub async fn stop(mut self) {
        self.task.abort();
        (&mut self.task).await.ok();
    }
}

impl Drop for SmtpWorld {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs a server until the future is dropped, for a process of its own. `ready` is told where it listens and the
/// certificate to trust.
///
/// # Errors
/// As [`SmtpWorld::start`].
pub async fn serve(options: Options, ready: impl FnOnce(SocketAddr, Option<&str>)) -> io::Result<()> {
    let (listener, shared, certificate_pem) = prepare(options).await?;
    ready(listener.local_addr()?, certificate_pem.as_deref());
    accept(listener, shared).await;
    Ok(())
}

async fn prepare(options: Options) -> io::Result<(TcpListener, Arc<Shared>, Option<String>)> {
    let (acceptor, certificate_pem) = match options.protection {
        None => (None, None),
        Some(_) => certificate(&options.names).map(|(acceptor, pem)| (Some(acceptor), Some(pem)))?,
    };
    let shared = Shared {
        log: TruthLog::open(&options.truth_log, options.durable)?,
        mailbox: options
            .mailbox
            .as_deref()
            .map(Mailbox::open_to_keep)
            .transpose()?,
        acceptor,
        grey: Mutex::default(),
        acknowledged: AtomicU64::new(0),
        started_millis: Utc::now().timestamp_millis(),
        sequence: AtomicU64::new(0),
        options,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, shared.options.port)).await?;
    Ok((listener, Arc::new(shared), certificate_pem))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(shared.options.max_connections));
    let mut conversations = JoinSet::new();
    loop {
        while conversations.try_join_next().is_some() {}
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok((stream, peer)) if peer.ip().is_loopback() => (stream, peer),
            Ok(_) => continue,
            Err(_) => {
                // Out of file handles, most likely: conversations end and give some back.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        stream.set_nodelay(true).ok();
        let shared = shared.clone();
        conversations.spawn(async move {
            let _place = place;
            Conversation::new(shared, peer).run(stream).await
        });
    }
}

fn certificate(names: &[String]) -> io::Result<(TlsAcceptor, String)> {
    let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    all.extend_from_slice(names);
    let made = rcgen::generate_simple_self_signed(all).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
        })
        .map_err(io::Error::other)?;
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}
