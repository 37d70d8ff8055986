//! Events of shops and apps, told with a key: the shapes of identify, track and page calls as shops already send them.

use super::{Ask, json, problem};
use crate::log::Outcome;
use crate::tenant::Tenant;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use carillon_model::Moment;
use carillon_model::relay::{Reported, What};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// Days a message id is remembered.
const REMEMBERED_DAYS: i64 = 7;

/// Calls in one batch.
const MOST: usize = 100;

/// Longest id or name.
const LONGEST: usize = 256;

/// One call. What else stands in it (context, integrations) is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Told {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) anonymous_id: Option<String>,
    pub(super) event: Option<String>,
    pub(super) name: Option<String>,
    pub(super) properties: Map<String, Value>,
    pub(super) traits: Map<String, Value>,
    pub(super) timestamp: Option<Moment>,
    pub(super) message_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Batch {
    batch: Vec<Told>,
}

pub(super) async fn identify(ask: Ask) -> Response {
    single(ask, "identify").await
}

pub(super) async fn track(ask: Ask) -> Response {
    single(ask, "track").await
}

pub(super) async fn page(ask: Ask) -> Response {
    single(ask, "page").await
}

pub(super) async fn batch(ask: Ask) -> Response {
    match serde_json::from_slice::<Batch>(&ask.body) {
        Ok(batch) if batch.batch.len() <= MOST => with_key(ask, batch.batch).await,
        Ok(_) => problem(
            StatusCode::BAD_REQUEST,
            "batch",
            &format!("A batch has at most {MOST} calls."),
        ),
        Err(error) => unread(&error),
    }
}

async fn single(ask: Ask, kind: &str) -> Response {
    match serde_json::from_slice::<Told>(&ask.body) {
        Ok(mut told) => {
            told.kind = Some(kind.to_owned());
            with_key(ask, vec![told]).await
        }
        Err(error) => unread(&error),
    }
}

fn unread(error: &serde_json::Error) -> Response {
    problem(
        StatusCode::BAD_REQUEST,
        "body",
        &format!("The call cannot be read: {error}."),
    )
}

async fn with_key(ask: Ask, calls: Vec<Told>) -> Response {
    let Some((tenant, key)) = keyed(&ask) else {
        ask.attempt(1.0);
        let mut answer = problem(StatusCode::UNAUTHORIZED, "key", "This key is not known here.");
        answer.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic, Bearer"),
        );
        return answer;
    };
    match keep(&ask, &tenant, Some(&key), calls).await {
        Ok((accepted, duplicates)) => json(
            StatusCode::OK,
            &json!({ "success": true, "accepted": accepted, "duplicates": duplicates }),
        ),
        Err(answer) => *answer,
    }
}

/// The tenant and name of the key a call came with: Bearer, or the user of Basic (RFC 7617). A key is
/// `<tenant>.<random>`.
fn keyed(ask: &Ask) -> Option<(Arc<Tenant>, String)> {
    let (scheme, rest) = ask.header("authorization").split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        pair.split(':').next()?.to_owned()
    } else {
        return None;
    };
    // One that guesses gets no further guesses than attempts are free.
    let tenant = ask.relay.tenant(key.split_once('.')?.0)?;
    let hash = crate::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes()).as_ref());
    let face = tenant.face();
    let found = face
        .settings
        .keys
        .iter()
        .find(|k| bool::from(k.hash.as_bytes().ct_eq(hash.as_bytes())))?;
    let name = found.name.clone();
    Some((tenant, name))
}

/// Writes calls in one commit. Answers how many were new and how many had been told before.
pub(super) async fn keep(
    ask: &Ask,
    tenant: &Arc<Tenant>,
    key: Option<&str>,
    calls: Vec<Told>,
) -> Result<(usize, usize), Box<Response>> {
    let cost = calls.len() as f64;
    if !ask.relay.events.take(tenant.id.clone(), cost, Instant::now()) {
        return Err(Box::new(later(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "Too many events. Slow down.",
        )));
    }
    let until = ask.relay.clock.now() + TimeDelta::days(REMEMBERED_DAYS);
    let mut entries = Vec::with_capacity(calls.len());
    for told in calls {
        let once = told
            .message_id
            .as_ref()
            .map(|id| (crate::digest16(&[b"message", id.as_bytes()]), until));
        let what = what(told, key).map_err(|why| Box::new(problem(StatusCode::BAD_REQUEST, "call", why)))?;
        let unpaired = || {
            later(
                StatusCode::SERVICE_UNAVAILABLE,
                "unpaired",
                "No studio is paired yet.",
            )
        };
        let entry = ask
            .entry(tenant, what, once, Vec::new())
            .ok_or_else(|| Box::new(unpaired()))?;
        entries.push(entry);
    }
    let outcomes = tenant.log.append(entries).await;
    if outcomes.contains(&Outcome::NotKept) {
        let answer = later(
            StatusCode::SERVICE_UNAVAILABLE,
            "room",
            "Not everything could be written down. Send it again later, with the same message ids.",
        );
        return Err(Box::new(answer));
    }
    let before = outcomes.iter().filter(|o| **o == Outcome::Before).count();
    Ok((outcomes.len() - before, before))
}

fn later(status: StatusCode, code: &str, message: &str) -> Response {
    let mut answer = problem(status, code, message);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    answer
}

fn what(told: Told, key: Option<&str>) -> Result<What, &'static str> {
    let ids = [
        &told.user_id,
        &told.anonymous_id,
        &told.message_id,
        &told.event,
        &told.name,
    ];
    if ids
        .into_iter()
        .flatten()
        .any(|t| t.len() > LONGEST || t.is_empty())
    {
        return Err("Ids and names have 1 to 256 bytes.");
    }
    if told.user_id.is_none() && told.anonymous_id.is_none() && !told.traits.contains_key("email") {
        return Err("A call names userId or anonymousId, or the email among its traits.");
    }
    let kind = told.kind.as_deref().unwrap_or_default();
    let identifies = kind == "identify";
    let mut reported = Reported {
        key: key.map(str::to_owned),
        message_id: told.message_id,
        user_id: told.user_id,
        anonymous_id: told.anonymous_id,
        event: told.event.or(told.name),
        properties: if identifies { told.traits } else { told.properties },
        happened_at: told.timestamp,
    };
    match kind {
        "identify" => {
            reported.event = None;
            Ok(What::Identify(reported))
        }
        "track" if reported.event.is_some() => Ok(What::Track(reported)),
        "track" => Err("A track call names its event."),
        "page" => Ok(What::Page(reported)),
        _ => Err("A call is of type identify, track or page."),
    }
}
