//! Where the browser comes back: a listener on this machine for one redirect (RFC 8252 §7.3, §8.3).

use crate::Secret;
use crate::failure::{clean, failure};
use carillon_model::mailbox::OAuthRedirect;
use carillon_model::message::{Failure, FailureClass};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at a time: browsers open some that they never use.
const MOST_CONNECTIONS: usize = 16;
/// Time for the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;
/// Time for the last page to reach the browser.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the browser brought.
pub(super) enum Redirected {
    Code(Secret),
    Error { error: String, description: String },
}

/// A port of this machine, listened to by its number and, where the name may mean both, on both addresses.
pub(super) struct Listener {
    first: TcpListener,
    second: Option<TcpListener>,
    port: u16,
}

impl Listener {
    pub async fn bind(redirect: OAuthRedirect) -> Result<Listener, Failure> {
        let no_port = |_| {
            failure(
                FailureClass::Setup,
                "no_port",
                "This machine gave no port on which the browser could come back. Close other programs and try again.",
            )
        };
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(no_port)?;
        let port = first.local_addr().map_err(no_port)?.port();
        // Where the other address cannot be had, browsers go on to this one.
        let second = match redirect {
            OAuthRedirect::Address => None,
            OAuthRedirect::Localhost => TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok(),
        };
        Ok(Listener { first, second, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until a request brings this state. Whatever else comes is answered with 404, and so is everything after.
    pub async fn wait(self, state: &str) -> Result<Redirected, Failure> {
        let (found, mut told) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            state: blake3::hash(state.as_bytes()),
            port: self.port,
            found,
        });
        let mut connections = JoinSet::new();
        let redirected = loop {
            while connections.try_join_next().is_some() {}
            let room = connections.len() < MOST_CONNECTIONS;
            tokio::select! {
                Some(redirected) = told.recv() => break redirected,
                stream = self.accept(), if room => {
                    if let Some(stream) = stream {
                        connections.spawn(serve(stream, desk.clone()));
                    }
                }
                _ = connections.join_next(), if !room => {}
            }
        };
        told.close();
        // The browser has its page once the connection that brought the code is done; those that say nothing are cut.
        timeout(FAREWELL, async {
            while connections.join_next().await.is_some() {}
        })
        .await
        .ok();
        Ok(redirected)
    }

    async fn accept(&self) -> Option<TcpStream> {
        let accepted = match &self.second {
            Some(second) => tokio::select! {
                accepted = self.first.accept() => accepted,
                accepted = second.accept() => accepted,
            },
            None => self.first.accept().await,
        };
        match accepted {
            Ok((stream, _)) => Some(stream),
            Err(_) => {
                // No more open files, say: others may close some.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

/// What every connection knows.
struct Desk {
    /// Compared as a hash, which takes the same time wherever two differ.
    state: blake3::Hash,
    port: u16,
    found: mpsc::Sender<Redirected>,
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let answer = service_fn(move |request| {
        let response = desk.answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(LONGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    connection.await.ok();
}

impl Desk {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let target = (
            request.method(),
            request.uri().path(),
            request.uri().query().unwrap_or(""),
        );
        match self.read(target, host) {
            Some(redirected) => {
                let good = matches!(redirected, Redirected::Code(_));
                match self.found.try_send(redirected) {
                    Ok(()) if good => page(
                        StatusCode::OK,
                        "Thank you",
                        "Carillon goes on by itself. You can close this window.",
                    ),
                    Ok(()) => page(
                        StatusCode::OK,
                        "Not signed in",
                        "Close this window; Carillon says what happened and how to begin again.",
                    ),
                    Err(_) => nothing_here(),
                }
            }
            None => nothing_here(),
        }
    }

    /// The redirect in a request, if it is the one that is waited for. The name the browser used must be ours, or
    /// another site's page could speak through a name of its own.
    fn read(&self, (method, path, query): (&Method, &str, &str), host: Option<&str>) -> Option<Redirected> {
        let ours = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{}", self.port));
        if method != Method::GET || path != "/" || !ours.iter().any(|name| Some(name.as_str()) == host) {
            return None;
        }
        let value = |wanted: &str| {
            oauth2::url::form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        let state = value("state")?;
        if blake3::hash(state.as_bytes()) != self.state {
            return None;
        }
        if let Some(error) = value("error") {
            return Some(Redirected::Error {
                error: clean(&error).chars().take(60).collect(),
                description: clean(&value("error_description").unwrap_or_default())
                    .chars()
                    .take(200)
                    .collect(),
            });
        }
        value("code")
            .filter(|code| !code.is_empty())
            .map(|code| Redirected::Code(Secret::new(code)))
    }
}

fn nothing_here() -> Response<Full<Bytes>> {
    page(
        StatusCode::NOT_FOUND,
        "Nothing here",
        "This address is only for a sign-in that Carillon has begun.",
    )
}

/// A small page without anything of others in it.
fn page(status: StatusCode, title: &str, text: &str) -> Response<Full<Bytes>> {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1.1rem system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;\
         color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p></html>"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (CONNECTION, "close"),
    ] {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}
