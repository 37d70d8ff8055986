//! What paired machines set: the pairing itself, pages and forms, keys of links, suppressions.

use super::{Ask, json, problem};
use crate::log::{self, LogError};
use crate::signed;
use crate::tenant::{Tenant, add_device};
use crate::tokens::{TokenKey, web_address};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::relay::{Device, RelaySettings, RelayState, Room, SuppressionLine, address_bytes};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Most forms, fields of one, topics, sites and keys.
const MOST: usize = 100;

/// `POST /v1/pair`: the body is authenticated by the pairing code's secret, in `carillon-signature`.
pub(super) async fn pair(ask: Ask) -> Response {
    if !ask.attempt(1.0) {
        return problem(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "Too many attempts. Wait a minute.",
        );
    }
    let signature = URL_SAFE_NO_PAD
        .decode(ask.header("carillon-signature"))
        .unwrap_or_default();
    match ask.relay.pair(&ask.body, &signature).await {
        Ok(tenant) => tell(&ask, &tenant).await,
        Err(why) => problem(StatusCode::FORBIDDEN, "pairing", why),
    }
}

/// `POST /v1/devices`: a paired machine lets another in.
pub(super) async fn add(ask: Ask) -> Response {
    let (tenant, device) = match read::<Device>(&ask) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    let key: Option<[u8; 32]> = URL_SAFE_NO_PAD
        .decode(&device.key)
        .ok()
        .and_then(|k| k.try_into().ok());
    let Some(key) = key else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "key", "This is no Ed25519 key.");
    };
    if tenant.face().devices.len() >= MOST {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "devices",
            "So many machines are paired that one has to be removed first.",
        );
    }
    let now = ask.relay.clock.now();
    let added = tenant
        .log
        .change(move |db| add_device(db, &key, &device.name, now))
        .await;
    changed(&ask, &tenant, added).await
}

/// `DELETE /v1/devices/<key>`: a machine is let go; the last one stays.
pub(super) async fn remove(Path(key): Path<String>, ask: Ask) -> Response {
    let tenant = match signer(&ask) {
        Ok(tenant) => tenant,
        Err(answer) => return *answer,
    };
    if !tenant.face().devices.iter().any(|d| d.key != key) {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "last",
            "This is the last paired machine; pair another one first.",
        );
    }
    let bytes = URL_SAFE_NO_PAD.decode(&key).unwrap_or_default();
    let gone = tenant
        .log
        .change(move |db| {
            db.execute("DELETE FROM devices WHERE key = ?1", [&bytes])
                .map(|_| ())
        })
        .await;
    changed(&ask, &tenant, gone).await
}

/// `GET /v1/state`.
pub(super) async fn state(ask: Ask) -> Response {
    match signer(&ask) {
        Ok(tenant) => tell(&ask, &tenant).await,
        Err(answer) => *answer,
    }
}

/// `PUT /v1/settings`: pages, forms, sites and API keys, as one piece.
pub(super) async fn settings(ask: Ask) -> Response {
    let (tenant, settings) = match read::<RelaySettings>(&ask) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    if let Err(why) = check(&settings) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "settings", &why);
    }
    let body = ask.body.to_vec();
    let kept = tenant
        .log
        .change(move |db| log::set_meta(db, "settings", &body))
        .await;
    changed(&ask, &tenant, kept).await
}

/// `PUT /v1/keys`: the secrets of links, newest first; what is not among them is forgotten.
pub(super) async fn keys(ask: Ask) -> Response {
    let (tenant, secrets) = match read::<Vec<String>>(&ask) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    let keys: Option<Vec<TokenKey>> = secrets
        .iter()
        .map(|s| Some(TokenKey::new(URL_SAFE_NO_PAD.decode(s).ok()?.try_into().ok()?)))
        .collect();
    let Some(keys) = keys.filter(|k| (1..=64).contains(&k.len())) else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "keys",
            "One to 64 keys of 32 bytes are needed.",
        );
    };
    let kept = ask.relay.set_keys(&tenant, keys).await;
    changed(&ask, &tenant, kept).await
}

/// `POST /v1/suppressions`: what the studio knows of addresses that are not written to.
pub(super) async fn suppress(ask: Ask) -> Response {
    let (tenant, lines) = match read::<Vec<SuppressionLine>>(&ask) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    let lines: Option<Vec<([u8; 16], u16, bool)>> = lines
        .iter()
        .map(|l| Some((address_bytes(&l.address)?, l.scope, l.lifted)))
        .collect();
    let Some(lines) = lines else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "address",
            "An address is told as 32 hexadecimal digits.",
        );
    };
    let kept = tenant
        .log
        .change(move |db| {
            let mut lines = lines.iter();
            lines.try_for_each(|(address, scope, lifted)| log::suppress(db, address, *scope, *lifted))
        })
        .await;
    changed(&ask, &tenant, kept).await
}

/// The tenant whose machine signed this.
pub(super) fn signer(ask: &Ask) -> Result<Arc<Tenant>, Box<Response>> {
    signed::check(&ask.relay, &ask.method, &ask.uri, &ask.headers, &ask.body).map(|s| s.tenant)
}

/// The tenant and the body of a signed request.
pub(super) fn read<T: DeserializeOwned>(ask: &Ask) -> Result<(Arc<Tenant>, T), Box<Response>> {
    let tenant = signer(ask)?;
    match serde_json::from_slice(&ask.body) {
        Ok(body) => Ok((tenant, body)),
        Err(error) => Err(Box::new(problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "body",
            &format!("The request cannot be read: {error}."),
        ))),
    }
}

async fn changed(ask: &Ask, tenant: &Arc<Tenant>, kept: Result<(), LogError>) -> Response {
    let fresh = match kept {
        Ok(()) => tenant.refresh().await,
        Err(error) => Err(error),
    };
    match fresh {
        Ok(()) => tell(ask, tenant).await,
        Err(error) => failed(&error),
    }
}

/// 503 with the reason.
pub(super) fn failed(error: &LogError) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "file", &error.to_string())
}

async fn tell(ask: &Ask, tenant: &Arc<Tenant>) -> Response {
    let (kept, acked) = match tenant.log.read(log::tally).await {
        Ok(tally) => tally,
        Err(error) => return failed(&error),
    };
    let counts = tenant.log.counts();
    let state = RelayState {
        tenant: tenant.id.clone(),
        epoch: tenant.log.epoch().to_owned(),
        head: *tenant.log.head().borrow(),
        acked,
        kept,
        used_bytes: counts.used.load(Ordering::Relaxed),
        quota_bytes: ask.relay.config.limits.quota_bytes,
        room: room(tenant),
        pixels_dropped: counts.pixels.load(Ordering::Relaxed),
        clicks_dropped: counts.clicks.load(Ordering::Relaxed),
        devices: tenant.face().devices.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: ask.relay.clock.now(),
    };
    json(StatusCode::OK, &state)
}

/// What a tenant still writes down.
pub(super) fn room(tenant: &Tenant) -> Room {
    match tenant.log.counts().room.load(Ordering::Relaxed) {
        0 => Room::Everything,
        1 => Room::NoPixels,
        _ => Room::OnlyWords,
    }
}

/// What is wrong with settings, in a sentence.
fn check(settings: &RelaySettings) -> Result<(), String> {
    let counts = [
        settings.forms.len(),
        settings.sites.len(),
        settings.keys.len(),
        settings.page.topics.len(),
        settings.page.languages.len(),
        settings.page.pauses_days.len(),
    ];
    if counts.iter().any(|n| *n > MOST) {
        return Err(format!("There may be at most {MOST} of each kind of setting."));
    }
    let numbers: BTreeSet<u8> = settings.page.topics.iter().map(|t| t.number).collect();
    if numbers.len() != settings.page.topics.len() || numbers.iter().any(|n| *n > 31) {
        return Err("Each topic needs a number of its own from 0 to 31.".to_owned());
    }
    if settings.page.languages.iter().any(|l| !two_letters(l)) {
        return Err("A language is told by two lower-case letters.".to_owned());
    }
    for site in &settings.sites {
        let origin = url::Url::parse(site).map(|u| u.origin().ascii_serialization());
        if web_address(site).is_err() || origin.as_deref() != Ok(site.as_str()) {
            return Err(format!(
                "“{site}” is no address of a site. It is written like https://shop.example, without a slash at the end."
            ));
        }
    }
    let keys: BTreeSet<&str> = settings.forms.iter().map(|f| f.key.as_str()).collect();
    if keys.len() != settings.forms.len() {
        return Err("Two forms have the same key.".to_owned());
    }
    settings.forms.iter().try_for_each(check_form)
}

fn check_form(form: &carillon_model::relay::FormDefinition) -> Result<(), String> {
    let slug = |text: &str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    let name = &form.key;
    if !slug(name) {
        return Err(format!(
            "The form key “{name}” may have lower-case letters, digits, - and _ only."
        ));
    }
    let fields: BTreeSet<&str> = form.fields.iter().map(|f| f.key.as_str()).collect();
    let consents: BTreeSet<&str> = form.consents.iter().map(|c| c.key.as_str()).collect();
    if fields.len() != form.fields.len() || consents.len() != form.consents.len() {
        return Err(format!(
            "Two fields or consents of the form “{name}” have the same key."
        ));
    }
    if form.fields.len() > MOST
        || form.consents.len() > MOST
        || !fields.iter().chain(&consents).all(|k| slug(k))
    {
        return Err(format!(
            "Keys of fields and consents of the form “{name}” may have lower-case letters, digits, - and _ only."
        ));
    }
    if form.work_bits > 24 {
        return Err(format!(
            "The proof of work of the form “{name}” may have at most 24 bits."
        ));
    }
    if form.redirect.as_deref().is_some_and(|r| web_address(r).is_err()) {
        return Err(format!(
            "The form “{name}” leads on to something that is no web address."
        ));
    }
    if form.language.as_deref().is_some_and(|l| !two_letters(l)) {
        return Err(format!(
            "The language of the form “{name}” is told by two lower-case letters."
        ));
    }
    Ok(())
}

fn two_letters(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase())
}
