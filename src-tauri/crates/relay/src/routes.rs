//! What the world may ask, and what holds for every answer.

mod confirm;
mod devices;
mod events;
mod forms;
mod health;
mod links;
mod preferences;
mod pull;
mod site;

use crate::door::Visitor;
use crate::facts;
use crate::log::{Also, Entry, Outcome, Weight};
use crate::pages;
use crate::tenant::{Relay, Tenant};
use crate::tokens::{Block, Payload};
use crate::words::Words;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use carillon_model::Moment;
use carillon_model::relay::{Hit, PageSettings, What};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time until an answer begins; a long poll is shorter.
const ANSWER: Duration = Duration::from_secs(45);

/// Bytes of a body that a paired machine pushes.
const PUSHED: usize = 1 << 20;

/// Everything the relay answers.
pub(crate) fn router(relay: Arc<Relay>) -> Router {
    Router::new()
        .route("/u/{key}/{blob}", any(links::unsubscribe))
        .route("/c/{key}/{blob}", any(links::click))
        .route("/o/{key}/{blob}", any(links::open))
        .route("/h/{key}/{blob}", any(links::hidden))
        .route("/p/{key}/{blob}", any(preferences::page))
        .route("/k/{key}/{blob}", any(confirm::page))
        .route("/f/{tenant}/{form}", any(forms::form))
        .route("/form.js", get(forms::script))
        .route("/s/{file}", any(site::script_or_report))
        .route("/v1/identify", post(events::identify))
        .route("/v1/track", post(events::track))
        .route("/v1/page", post(events::page))
        .route("/v1/batch", post(events::batch))
        .route("/v1/pair", post(devices::pair))
        .route("/v1/devices", post(devices::add))
        .route("/v1/devices/{key}", delete(devices::remove))
        .route("/v1/state", get(devices::state))
        .route("/v1/settings", put(devices::settings))
        .route("/v1/keys", put(devices::keys))
        .route(
            "/v1/suppressions",
            get(pull::suppressions).post(devices::suppress),
        )
        .route("/v1/events", get(pull::events))
        .route("/v1/live", get(pull::live))
        .route("/v1/ack", post(pull::ack))
        .route("/health", get(health::health))
        .route("/robots.txt", get(health::robots))
        .fallback(|ask: Ask| async move { ask.missing(None) })
        .layer(middleware::from_fn_with_state(relay.clone(), guard))
        .with_state(relay)
}

/// Limits before, headers after.
async fn guard(State(relay): State<Arc<Relay>>, request: Request, next: Next) -> Response {
    let visitor = from(request.extensions().get::<Visitor>());
    let path = request.uri().path();
    // A link is limited by what it says, once its signature is checked: mail programs unsubscribe for many people
    // from few addresses.
    let link = path.as_bytes().get(2) == Some(&b'/') && b"ucohpk".contains(&path.as_bytes()[1]);
    let within = link
        || relay
            .requests
            .take(crate::limits::one_visitor(visitor), 1.0, Instant::now());
    let mut response = if within {
        match tokio::time::timeout(ANSWER, next.run(request)).await {
            Ok(response) => response,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    } else {
        pages::note(
            Words::for_browser(""),
            &PageSettings::default(),
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
        )
    };
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "geolocation=(), camera=(), microphone=()"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ] {
        let headers = response.headers_mut();
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

fn from(visitor: Option<&Visitor>) -> IpAddr {
    visitor.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |v| v.0)
}

/// A request that was read to its end.
pub(crate) struct Ask {
    pub(crate) relay: Arc<Relay>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) visitor: IpAddr,
    pub(crate) body: Bytes,
    pub(crate) words: &'static Words,
}

impl FromRequest<Arc<Relay>> for Ask {
    type Rejection = Response;

    async fn from_request(request: Request, relay: &Arc<Relay>) -> Result<Ask, Response> {
        let (parts, body) = request.into_parts();
        let limits = &relay.config.limits;
        let most = if pushes(relay, &parts.uri, &parts.headers) {
            PUSHED
        } else {
            limits.body
        };
        let body = tokio::time::timeout(Duration::from_secs(limits.read_secs), to_bytes(body, most))
            .await
            .map_err(|_| StatusCode::REQUEST_TIMEOUT.into_response())?
            .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
        let accept = parts.headers.get(header::ACCEPT_LANGUAGE);
        Ok(Ask {
            relay: relay.clone(),
            words: Words::for_browser(accept.and_then(|v| v.to_str().ok()).unwrap_or_default()),
            visitor: from(parts.extensions.get::<Visitor>()),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        })
    }
}

/// Whether this may be a paired machine's push; its signature is checked when it is read.
fn pushes(relay: &Relay, uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    matches!(uri.path(), "/v1/settings" | "/v1/suppressions")
        && relay
            .tenant(text("carillon-tenant"))
            .is_some_and(|t| t.face().devices.iter().any(|d| d.key == text("carillon-device")))
}

/// What a link says, once its signature is right.
pub(crate) struct Link {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) block: Block,
    pub(crate) payload: Payload,
}

impl Link {
    /// The block as it stands in a hit.
    pub(crate) fn token(&self) -> String {
        crate::hex(&self.block)
    }

    pub(crate) fn settings(&self) -> PageSettings {
        self.tenant.face().settings.page.clone()
    }
}

impl Ask {
    /// The link of these parts, or nothing: unknown, altered, of another tenant or kind.
    pub(crate) fn link(&self, kind: char, key: &str, blob: &str) -> Option<Link> {
        let (tenant, key) = self.relay.key(key)?;
        let (block, payload) = key.open(&tenant.id, kind, blob)?;
        Some(Link {
            tenant,
            block,
            payload,
        })
    }

    /// The page for what is not there. Whoever meets it often is asked to wait.
    pub(crate) fn missing(&self, of: Option<&PageSettings>) -> Response {
        let nobody = PageSettings::default();
        let of = of.unwrap_or(&nobody);
        if self.attempt(1.0) {
            pages::note(self.words, of, StatusCode::NOT_FOUND, "missing")
        } else {
            pages::note(self.words, of, StatusCode::TOO_MANY_REQUESTS, "busy")
        }
    }

    /// Counts something only few of are natural from one address.
    pub(crate) fn attempt(&self, cost: f64) -> bool {
        let who = crate::limits::one_visitor(self.visitor);
        self.relay.attempts.take(who, cost, Instant::now())
    }

    /// A header as text, empty when it is absent or not text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    /// 405 with what is allowed, or 204 to the question what is.
    pub(crate) fn not_allowed(&self, allowed: &'static str) -> Response {
        let status = if self.method == Method::OPTIONS {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        (status, [(header::ALLOW, allowed)]).into_response()
    }

    /// Whether this only looks.
    pub(crate) fn looks(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The fields of a form that was sent, in order: urlencoded, or the plain fields of multipart (RFC 7578).
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let kind = self.header("content-type");
        match kind.split_once("boundary=") {
            Some((start, boundary)) if start.trim_start().starts_with("multipart/form-data") => {
                multipart(&self.body, boundary.split(';').next().unwrap_or_default())
            }
            _ => url::form_urlencoded::parse(&self.body)
                .take(200)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        }
    }

    /// Seals and writes one hit; when this returns [`Outcome::Kept`], it is on the disk.
    pub(crate) async fn keep(
        &self,
        tenant: &Tenant,
        what: What,
        once: Option<([u8; 16], Moment)>,
        also: Vec<Also>,
    ) -> Outcome {
        match self.entry(tenant, what, once, also) {
            Some(entry) => one(tenant.log.append(vec![entry]).await),
            None => Outcome::NotKept,
        }
    }

    /// The same for a hit of a link: beyond one a minute, after the first sixty, a link is followed and not written.
    pub(crate) async fn keep_link(
        &self,
        link: &Link,
        what: What,
        once: Option<([u8; 16], Moment)>,
        also: Vec<Also>,
    ) -> Outcome {
        let key = crate::digest16(&[what.kind().word().as_bytes(), &link.block]);
        if !self.relay.repeats.take(key, 1.0, Instant::now()) {
            // What was said before is there already; other choices are not, and nobody is told that they were kept.
            return match what {
                What::Preferences { .. } => Outcome::NotKept,
                _ => Outcome::Before,
            };
        }
        let outcome = self.keep(&link.tenant, what, once, also).await;
        if outcome == Outcome::NotKept {
            self.relay.repeats.give_back(&key, 1.0);
        }
        outcome
    }

    /// A hit, sealed. Nothing when the tenant is not paired or there is no randomness.
    pub(crate) fn entry(
        &self,
        tenant: &Tenant,
        what: What,
        once: Option<([u8; 16], Moment)>,
        also: Vec<Also>,
    ) -> Option<Entry> {
        let kind = what.kind();
        let received_at = self.relay.clock.now();
        let hit = Hit {
            request: facts::facts(tenant, &self.method, &self.headers, self.visitor),
            what,
        };
        let face = tenant.face();
        Some(Entry {
            kind,
            weight: Weight::of(kind),
            received_at,
            sealed: face.seal.as_ref()?.seal(&tenant.id, received_at, &hit).ok()?,
            once,
            also,
        })
    }
}

fn one(mut outcomes: Vec<Outcome>) -> Outcome {
    outcomes.pop().unwrap_or(Outcome::NotKept)
}

/// Text fields of a multipart body. Files and anything malformed are left out.
fn multipart(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let boundary = boundary.trim().trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(body);
    let mark = format!("--{boundary}");
    text.split(mark.as_str())
        .skip(1)
        .take(200)
        .filter_map(|part| {
            let (head, value) = part.split_once("\r\n\r\n")?;
            let name = head.split("name=\"").nth(1)?.split('"').next()?;
            let file = head.contains("filename=");
            let value = value.strip_suffix("\r\n")?;
            (!file).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    (status, axum::Json(value)).into_response()
}

/// A JSON answer that says what is wrong.
pub(crate) fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    json(status, &serde_json::json!({ "code": code, "message": message }))
}

/// An empty body of a kind.
pub(crate) fn plain(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_fields_are_read_and_files_and_nonsense_are_not() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n\
             --xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nbytes\r\n--xyz\r\nbroken--xyz--\r\n";
        assert_eq!(
            multipart(body.as_bytes(), "xyz"),
            [("List-Unsubscribe".to_owned(), "One-Click".to_owned())]
        );
        assert_eq!(multipart(body.as_bytes(), ""), []);
        assert_eq!(multipart(&[0xff; 100], "xyz"), []);
    }
}
