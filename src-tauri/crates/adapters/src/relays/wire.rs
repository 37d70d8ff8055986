//! HTTP to a relay, over a connection of the dialer: one request a connection, bounded in size and time.

use crate::channels::email::tls;
use crate::dialer::Dialer;
use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest answer, in bytes.
const LONGEST: usize = 16 << 20;

/// Until an answer begins; a long poll takes up to 30 seconds.
const ANSWER: Duration = Duration::from_secs(45);

/// Without a sign of life for so long, a live line is dead; the relay gives one every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

pub(super) type Body = Vec<u8>;

/// Where a relay is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    host: String,
    port: u16,
    tls: bool,
    path: String,
    ca_file: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Place {
    pub(super) fn parse(url: &str, ca_file: Option<&str>) -> Result<Place, Failure> {
        let wrong = || {
            failure(
                FailureClass::Setup,
                "address",
                format!("“{url}” is not the address of a relay. It begins with https://."),
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|h| !h.is_empty()).ok_or_else(wrong)?.to_owned();
        let here = host.eq_ignore_ascii_case("localhost")
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        if !tls && !here {
            return Err(failure(
                FailureClass::Refused,
                "plaintext",
                format!("The relay at {host} is only spoken to over https."),
            ));
        }
        Ok(Place {
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
            ca_file: ca_file.map(str::to_owned),
            host,
            tls,
        })
    }
}

/// One request and its whole answer.
pub(super) async fn ask(
    dialer: &Dialer,
    place: &Place,
    method: &str,
    target: &str,
    headers: &[(&'static str, String)],
    body: Body,
) -> Result<Body, Failure> {
    let answer = send(dialer, place, method, target, headers, body).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST);
    let bytes = timeout(ANSWER, body.collect())
        .await
        .map_err(|_| broken(place, "its answer stopped in the middle"))?
        .map_err(|_| broken(place, "its answer is too long or stopped in the middle"))?
        .to_bytes()
        .to_vec();
    if status.is_success() {
        return Ok(bytes);
    }
    Err(refused(place, status, &bytes))
}

async fn send(
    dialer: &Dialer,
    place: &Place,
    method: &str,
    target: &str,
    headers: &[(&'static str, String)],
    body: Body,
) -> Result<Response<Incoming>, Failure> {
    let tcp = dialer.connect(&place.host, place.port).await?;
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{target}", place.path))
        .header(header::HOST, place.to_string())
        .header(
            header::USER_AGENT,
            concat!("carillon/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| broken(place, "the request cannot be written"))?;
    let exchange = async {
        if place.tls {
            let config = tls::client_config(place.ca_file.as_deref()).await?;
            let name = tls::server_name(&place.host)?;
            let stream = TlsConnector::from(config)
                .connect(name, tcp)
                .await
                .map_err(|error| {
                    failure(
                        FailureClass::Setup,
                        "tls",
                        format!(
                            "The relay at {} could not be reached safely: {error}.",
                            place.host
                        ),
                    )
                })?;
            over(place, stream, request).await
        } else {
            over(place, tcp, request).await
        }
    };
    timeout(ANSWER, exchange)
        .await
        .map_err(|_| broken(place, "it did not answer in time"))?
}

async fn over(
    place: &Place,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| broken(place, "the connection ended"))?;
    // Ends with the answer's body, or with this connection.
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .map_err(|_| broken(place, "the connection ended before its answer"))
}

fn broken(place: &Place, why: &str) -> Failure {
    failure(
        FailureClass::Transient,
        "relay",
        format!("The relay at {} was asked, but {why}.", place.host),
    )
}

/// A refusal in the relay's own words. For `clock`, the detail is the relay's time in milliseconds.
fn refused(place: &Place, status: StatusCode, body: &[u8]) -> Failure {
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let code = said["code"].as_str().unwrap_or("relay").to_owned();
    if let ("clock", Some(now)) = (code.as_str(), said["now"].as_i64()) {
        return failure(FailureClass::Setup, code, now.to_string());
    }
    let class = match status {
        StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FailureClass::Auth,
        s if s.is_server_error() => FailureClass::Transient,
        _ => FailureClass::Setup,
    };
    let detail = match said["message"].as_str() {
        Some(message) => format!("The relay at {} says: {message}", place.host),
        None => format!(
            "What answers at {} is no Carillon relay (it said {}).",
            place.host,
            status.as_u16()
        ),
    };
    failure(class, code, detail)
}

/// A stream of server-sent events (WHATWG HTML §9.2): the data of each, comments left out.
pub(super) struct Line {
    place: Place,
    body: Incoming,
    buffer: Vec<u8>,
    /// Bytes of the buffer in which no event ends.
    looked_at: usize,
    ready: VecDeque<String>,
}

pub(super) async fn listen(
    dialer: &Dialer,
    place: &Place,
    target: &str,
    headers: &[(&'static str, String)],
) -> Result<Line, Failure> {
    let answer = send(dialer, place, "GET", target, headers, Vec::new()).await?;
    if !answer.status().is_success() {
        let status = answer.status();
        let body = Limited::new(answer.into_body(), 64 * 1024);
        let bytes = timeout(ANSWER, body.collect()).await.ok().and_then(Result::ok);
        return Err(refused(
            place,
            status,
            &bytes.map(|b| b.to_bytes()).unwrap_or_default(),
        ));
    }
    Ok(Line {
        place: place.clone(),
        body: answer.into_body(),
        buffer: Vec::new(),
        looked_at: 0,
        ready: VecDeque::new(),
    })
}

impl Line {
    /// The data of the next event; nothing at the end of the line. Cancelling loses nothing.
    pub(super) async fn event(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                return Ok(Some(data));
            }
            let frame = timeout(SILENCE, self.body.frame())
                .await
                .map_err(|_| broken(&self.place, "its live line fell silent"))?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(broken(&self.place, "its live line broke")),
                Some(Ok(frame)) => {
                    let Some(bytes) = frame.data_ref() else { continue };
                    self.buffer.extend_from_slice(bytes);
                    if self.buffer.len() > LONGEST {
                        return Err(broken(&self.place, "its live line said too much at once"));
                    }
                    self.take();
                }
            }
        }
    }

    fn take(&mut self) {
        loop {
            let unread = &self.buffer[self.looked_at..];
            let Some(end) = unread.windows(2).position(|w| w == b"\n\n") else {
                self.looked_at = self.buffer.len().saturating_sub(1);
                return;
            };
            let event: Vec<u8> = self.buffer.drain(..self.looked_at + end + 2).collect();
            self.looked_at = 0;
            let text = String::from_utf8_lossy(&event);
            let data: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|line| line.strip_prefix(' ').unwrap_or(line))
                .collect();
            if !data.is_empty() {
                self.ready.push_back(data.join("\n"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_elsewhere_is_spoken_to_over_https_only() {
        assert!(Place::parse("https://relay.example", None).is_ok());
        assert!(Place::parse("http://127.0.0.1:8080", None).is_ok());
        assert!(Place::parse("http://[::1]:8080", None).is_ok());
        for (wrong, code) in [
            ("http://relay.example", "plaintext"),
            ("http://127.0.0.1.relay.example", "plaintext"),
            ("ftp://relay.example", "address"),
            ("relay.example", "address"),
            ("", "address"),
        ] {
            assert_eq!(Place::parse(wrong, None).expect_err(wrong).code, code);
        }
    }
}
