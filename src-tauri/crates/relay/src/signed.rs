//! Requests of paired machines: signed with Ed25519 over method, target, time, nonce and body, each accepted once.

use crate::tenant::{Relay, Tenant};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::relay::{SIGNED_WINDOW_SECS, signed_text};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Nonces of the window in which a signature counts. A request from before the start of this process is refused, so
/// nothing need be remembered over it.
#[derive(Debug)]
pub(crate) struct Nonces {
    /// Milliseconds of the machine's clock.
    since: i64,
    seen: Mutex<HashMap<[u8; 16], i64>>,
}

/// Most nonces of one tenant in the window.
const MOST: usize = 200_000;

impl Default for Nonces {
    fn default() -> Nonces {
        Nonces {
            since: chrono::Utc::now().timestamp_millis(),
            seen: Mutex::default(),
        }
    }
}

impl Nonces {
    /// Whether a nonce is new; from then on it is not.
    fn fresh(&self, nonce: [u8; 16], time: i64, now: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now - SIGNED_WINDOW_SECS * 1_000;
        if seen.len() >= MOST {
            seen.retain(|_, at| *at >= oldest);
        }
        seen.len() < MOST && seen.insert(nonce, time).is_none()
    }
}

/// Who signed a request.
pub(crate) struct Signer {
    pub(crate) tenant: Arc<Tenant>,
}

/// Checks the signature of a request.
///
/// # Errors
/// The answer: 401, with the code `clock` and the relay's time when it was signed by a clock that differs too much.
pub(crate) fn check(
    relay: &Relay,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Signer, Box<Response>> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)).unwrap_or_default();
    let unknown = || refused("device", "This machine is not paired with this relay.");
    let tenant = relay.tenant(text("carillon-tenant")).ok_or_else(unknown)?;
    let device = text("carillon-device");
    if !tenant.face().devices.iter().any(|d| d.key == device) {
        return Err(unknown());
    }
    let nonce: [u8; 16] = bytes("carillon-nonce")
        .try_into()
        .map_err(|_| refused("signature", "The request has no nonce."))?;
    let time: i64 = text("carillon-time")
        .parse()
        .map_err(|_| refused("signature", "The request has no time."))?;
    let target = uri.path_and_query().map_or("/", |p| p.as_str());
    let digest = crate::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body).as_ref());
    let said = signed_text(
        method.as_str(),
        target,
        &tenant.id,
        time,
        text("carillon-nonce"),
        &digest,
    );
    UnparsedPublicKey::new(&ED25519, bytes("carillon-device"))
        .verify(said.as_bytes(), &bytes("carillon-signature"))
        .map_err(|_| refused("signature", "The signature of the request is not right."))?;
    let now = chrono::Utc::now().timestamp_millis();
    if (now - time).abs() > SIGNED_WINDOW_SECS * 1_000 || time < tenant.nonces.since {
        return Err(clock(now));
    }
    if !tenant.nonces.fresh(nonce, time, now) {
        return Err(refused("replay", "This request was made before."));
    }
    Ok(Signer { tenant })
}

fn clock(now: i64) -> Box<Response> {
    let said = json!({ "code": "clock", "message": "The clocks of this machine and of the relay differ.", "now": now });
    Box::new((StatusCode::UNAUTHORIZED, axum::Json(said)).into_response())
}

fn refused(code: &str, message: &str) -> Box<Response> {
    let said = json!({ "code": code, "message": message });
    Box::new((StatusCode::UNAUTHORIZED, axum::Json(said)).into_response())
}
