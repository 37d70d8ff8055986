//! One request and its answer, over the dialer.

use crate::Dialer;
use crate::channels::email::{only_to_loopback, tls};
use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use oauth2::http::{Request, Response, Uri};
use oauth2::{HttpRequest, HttpResponse};
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Time for connecting, asking and the whole answer.
const LIMIT: Duration = Duration::from_secs(60);
/// Longest answer, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// A failure as the crate `oauth2` wants it.
#[derive(Debug)]
pub(crate) struct HttpFault(pub Failure);

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for HttpFault {}

/// What sends the requests of the crate `oauth2`: no redirects, no cookies, no proxy.
pub(super) fn client(
    dialer: &Dialer,
) -> impl Fn(HttpRequest) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFault>> + Send>> + use<>
{
    let dialer = dialer.clone();
    move |request| {
        let dialer = dialer.clone();
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            match timeout(LIMIT, send(&dialer, request)).await {
                Ok(answer) => answer.map_err(HttpFault),
                Err(_) => Err(HttpFault(lost(&host, "gave no answer in time"))),
            }
        })
    }
}

async fn send(dialer: &Dialer, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let uri = request.uri().clone();
    let host = uri.host().unwrap_or_default().to_owned();
    let encrypted = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let config = match encrypted {
        true => Some(tls::client_config(None).await?),
        false => None,
    };
    let stream = dialer.connect(&host, port).await?;
    match config {
        Some(config) => {
            let name = tls::server_name(&host)?;
            let stream = TlsConnector::from(config).connect(name, stream).await;
            exchange(
                stream.map_err(|error| tls::handshake_failure(&host, &error))?,
                &uri,
                request,
            )
            .await
        }
        None => {
            only_to_loopback(&host, &stream)?;
            exchange(stream, &uri, request).await
        }
    }
}

async fn exchange<S>(stream: S, uri: &Uri, request: HttpRequest) -> Result<HttpResponse, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let host = uri.host().unwrap_or_default();
    let gone = |_| lost(host, "ended the connection");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(gone)?;
    let driver = tokio::spawn(connection);
    let answer = async {
        let request = addressed(request, uri).map_err(|_| lost(host, "cannot be asked"))?;
        let response = sender.send_request(request).await.map_err(gone)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await;
        let body = body.map_err(|_| lost(host, "broke its answer off, or gave one that is too long"))?;
        Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
    }
    .await;
    driver.abort();
    answer
}

/// The request as it goes over a connection to its server (RFC 9112 §3.2.1).
fn addressed(request: HttpRequest, uri: &Uri) -> Result<Request<Full<Bytes>>, oauth2::http::Error> {
    let (mut parts, body) = request.into_parts();
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = Uri::builder().path_and_query(target).build()?;
    if let Some(authority) = uri.authority() {
        parts.headers.insert(HOST, authority.as_str().parse()?);
    }
    Ok(Request::from_parts(parts, Full::new(body.into())))
}

fn lost(host: &str, what: &str) -> Failure {
    failure(
        FailureClass::Transient,
        "http_lost",
        format!("{host} {what}. It is tried again by itself."),
    )
}
