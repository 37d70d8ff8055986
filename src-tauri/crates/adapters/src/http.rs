//! HTTP to the outside: one client, whose connections keep the dialer's rules.
//!
//! Names are resolved by the [`Dialer`], so a connection goes only to an address it permits; addresses written out
//! in a URL are asked about before each hop, because nothing resolves them. Without encryption only this machine is
//! reached. Redirects are followed for GET and HEAD only, and another origin sees none of the caller's headers.
//!
//! ```no_run
//! # async fn demo(key: carillon_adapters::Secret) -> Result<(), carillon_adapters::http::Failed> {
//! use carillon_adapters::{Dialer, Http};
//! let http = Http::new(Dialer::new(false)).await;
//! let answer = http.get("https://api.example.com/v1/things").bearer(&key).send().await?.ok()?;
//! let things: Vec<String> = answer.json()?;
//! # Ok(()) }
//! ```

mod answer;
mod lost;
mod request;

pub use answer::{Answer, Failed, Reset};
pub use request::{Incoming, Request};
pub use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::Dialer;
use crate::channels::email::tls;
use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use lost::Barred;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::time::Duration;
use url::{Host, Url};

/// Redirects followed for one request.
const MOST_REDIRECTS: usize = 3;
/// How long an idle connection is kept: short, so that a request seldom meets one the server has just closed.
const IDLE: Duration = Duration::from_secs(15);

/// What a client may be told beyond its dialer.
#[derive(Clone, Debug)]
pub struct Options {
    /// PEM file of certificate authorities to trust beside the system's.
    pub ca_file: Option<String>,
    /// Goes through the proxies the system names. Then a proxy resolves the names of https addresses, and the rules
    /// of the dialer hold for its name and for addresses that are written out. Never in a loopback-only workspace.
    pub system_proxies: bool,
    /// Limits name look-up, connecting and the TLS handshake together.
    pub connect: Duration,
    /// Limits the whole of a request: all its hops, and reading the answer.
    pub total: Duration,
    /// Longest answer read, in bytes.
    pub longest: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            ca_file: None,
            system_proxies: false,
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            longest: 5_000_000,
        }
    }
}

/// An HTTP client. Cloning shares its connections.
#[derive(Clone)]
pub struct Http {
    dialer: Dialer,
    secure: Result<reqwest::Client, Failure>,
    plain: Result<reqwest::Client, Failure>,
    total: Duration,
    longest: usize,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Http");
        shown.field("dialer", &self.dialer).finish_non_exhaustive()
    }
}

impl Http {
    /// A client that keeps the rules of `dialer`: 10 s to connect, 30 s in all, answers of at most 5 MB.
    pub async fn new(dialer: Dialer) -> Http {
        Http::with(dialer, &Options::default()).await
    }

    /// [`Http::new`] with other limits or trust. A CA file that cannot be used makes every https request fail with
    /// `Setup`.
    pub async fn with(dialer: Dialer, options: &Options) -> Http {
        let proxies = options.system_proxies && !dialer.loopback_only();
        let secure = match tls::client_config(options.ca_file.as_deref()).await {
            Ok(trust) => client(&dialer, false, proxies, trust.as_ref().clone(), options),
            Err(problem) => Err(problem),
        };
        let nobody = tls::trusting_nobody();
        let plain = nobody.and_then(|trust| client(&dialer, true, false, trust, options));
        Http {
            dialer,
            secure,
            plain,
            total: options.total,
            longest: options.longest,
        }
    }

    /// Begins a request. What is wrong with `url` is told by [`Request::send`].
    pub fn request(&self, method: Method, url: &str) -> Request<'_> {
        Request::new(self, method, url)
    }

    /// Begins a GET.
    pub fn get(&self, url: &str) -> Request<'_> {
        self.request(Method::GET, url)
    }

    /// Begins a POST.
    pub fn post(&self, url: &str) -> Request<'_> {
        self.request(Method::POST, url)
    }

    /// The client for this hop, once the address may be asked.
    async fn client_for(&self, url: &Url) -> Result<&reqwest::Client, Failure> {
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(bad_url("it begins with neither https:// nor http://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad_url("it holds a user name or password"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.to_string()),
            Some(Host::Ipv6(address)) => Some(address.to_string()),
            Some(Host::Domain(_)) => None,
            None => return Err(bad_url("it names no server")),
        };
        if let Some(address) = literal {
            let doorman = Doorman {
                dialer: self.dialer.clone(),
                plain,
            };
            doorman.permitted(&address).await?;
        }
        let client = if plain { &self.plain } else { &self.secure };
        client.as_ref().map_err(Failure::clone)
    }
}

/// The only place where the library's client is made.
fn client(
    dialer: &Dialer,
    plain: bool,
    proxies: bool,
    trust: rustls::ClientConfig,
    options: &Options,
) -> Result<reqwest::Client, Failure> {
    let doorman = Doorman {
        dialer: dialer.clone(),
        plain,
    };
    let mut builder = reqwest::Client::builder()
        .dns_resolver(doorman)
        .tls_backend_preconfigured(trust)
        .https_only(!plain)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(options.connect)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("Carillon/", env!("CARGO_PKG_VERSION")));
    if !proxies {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| {
        failure(
            FailureClass::Setup,
            "http",
            "The HTTP client could not be set up.",
        )
    })
}

/// Resolves names for the library, by the rules of the dialer.
struct Doorman {
    dialer: Dialer,
    /// Unencrypted: to this machine only.
    plain: bool,
}

impl Doorman {
    async fn permitted(&self, host: &str) -> Result<Vec<std::net::SocketAddr>, Failure> {
        // The library puts in the port of the URL.
        let addresses = self.dialer.permitted(host, 0).await?;
        let away = |address: &std::net::SocketAddr| !address.ip().to_canonical().is_loopback();
        if self.plain && addresses.iter().any(away) {
            return Err(failure(
                FailureClass::Setup,
                "plain_http",
                format!(
                    "Not connected to {host}: without encryption (http://) only this machine is reached. \
                     Use an address that begins with https://."
                ),
            ));
        }
        Ok(addresses)
    }
}

impl Resolve for Doorman {
    fn resolve(&self, name: Name) -> Resolving {
        let doorman = Doorman {
            dialer: self.dialer.clone(),
            plain: self.plain,
        };
        Box::pin(async move {
            match doorman.permitted(name.as_str()).await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(barred) => Err(Barred(barred).into()),
            }
        })
    }
}

/// The address itself is not repeated: it may carry a token.
fn bad_url(why: &str) -> Failure {
    failure(
        FailureClass::Setup,
        "url",
        format!("This address cannot be used: {why}."),
    )
}
