//! `/f/<tenant>/<key>`: hosted forms. Kept from machines by a field people do not see, by time, by a proof of work
//! done in the browser, and by limits; without anybody else's service.

mod read;
mod show;

use super::links::PAGE_ONLY;
use super::site::allow_site;
use super::{Ask, json, plain};
use crate::log::Outcome;
use crate::pages;
use crate::tenant::Tenant;
use axum::extract::Path;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::Moment;
use carillon_model::relay::{FormDefinition, FormEntry, What};
use chrono::{DateTime, TimeDelta};
use read::Filled;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// How long a form may stand open.
const OPEN: TimeDelta = TimeDelta::hours(24);

/// With scripts off, nobody is faster than this.
const WITHOUT_SCRIPT_SECS: i64 = 5;

/// What a form sent with scripts off counts, in attempts.
const WITHOUT_SCRIPT_COST: f64 = 4.0;

/// The script of hosted forms.
pub(super) async fn script() -> Response {
    let mut answer = plain(
        StatusCode::OK,
        "text/javascript; charset=utf-8",
        include_str!("../form.js"),
    );
    answer.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    answer
}

pub(super) async fn form(Path((tenant, key)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(tenant) = ask.relay.tenant(&tenant) else {
        return ask.missing(None);
    };
    let face = tenant.face();
    let Some(form) = face.settings.forms.iter().find(|f| f.key == key) else {
        return ask.missing(Some(&face.settings.page));
    };
    let mut answer = if ask.looks() {
        let stamp = stamp(&tenant, form, ask.relay.clock.now());
        shown(&ask, &tenant, form, StatusCode::OK, &stamp, &Filled::default())
    } else if ask.method == Method::POST {
        sent(&ask, &tenant, form).await
    } else {
        ask.not_allowed("GET, HEAD, POST")
    };
    allow_site(&ask, &tenant, &mut answer);
    answer
}

fn wants_json(ask: &Ask) -> bool {
    ask.header("accept").contains("application/json")
}

/// The form with what was filled in and what is wrong with it: a page, or JSON for the script of a site.
fn shown(
    ask: &Ask,
    tenant: &Tenant,
    form: &FormDefinition,
    status: StatusCode,
    stamp: &str,
    filled: &Filled,
) -> Response {
    if wants_json(ask) {
        let said = |key: &String| ask.words.say(key, &[]);
        let wrong: std::collections::BTreeMap<_, _> =
            filled.wrong.iter().map(|(f, k)| (f, said(k))).collect();
        let value = json!({
            "stamp": stamp, "bits": form.work_bits, "version": form.version,
            "wrong": wrong, "problem": filled.problem.as_ref().map(said),
        });
        return json(status, &value);
    }
    show::page(ask, &tenant.face().settings.page, form, status, stamp, filled)
}

async fn sent(ask: &Ask, tenant: &Arc<Tenant>, form: &FormDefinition) -> Response {
    let now = ask.relay.clock.now();
    let fields = ask.fields();
    let value = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let mut filled = read::read(form, &fields);
    let again = |filled: &Filled, status| shown(ask, tenant, form, status, &stamp(tenant, form, now), filled);

    // A field that people do not see was filled: thanked, and not written down.
    if !value("_more").is_empty() {
        return thanked(ask, tenant, form);
    }
    let stamped = value("_stamp");
    let Some(shown_at) = stamped_at(tenant, form, stamped) else {
        filled.problem = Some("form.error.again".to_owned());
        return again(&filled, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let open_for = now - shown_at;
    let worked = match value("_work") {
        "" => form.work_bits == 0,
        nonce if proof(stamped, nonce, form.work_bits) => true,
        _ => {
            filled.problem = Some("form.error.work".to_owned());
            return again(&filled, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let least =
        TimeDelta::seconds(i64::from(form.min_secs).max(if worked { 0 } else { WITHOUT_SCRIPT_SECS }));
    if open_for < least || open_for > OPEN {
        filled.problem = Some("form.error.again".to_owned());
        return again(&filled, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if !worked && !form.without_script {
        filled.problem = Some("form.no_script_refused".to_owned());
        return again(&filled, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if !filled.wrong.is_empty() {
        filled.problem = Some("form.check".to_owned());
        return again(&filled, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let cost = if worked { 1.0 } else { WITHOUT_SCRIPT_COST };
    if !ask.attempt(cost) || !ask.relay.events.take(tenant.id.clone(), 1.0, Instant::now()) {
        filled.problem = Some("form.later_text".to_owned());
        return again(&filled, StatusCode::TOO_MANY_REQUESTS);
    }
    let entry = FormEntry {
        form: form.key.clone(),
        version: form.version,
        values: filled.values,
        consents: filled.consents,
        double_opt_in: form.double_opt_in,
        page: page_of(ask),
        seconds: u32::try_from(open_for.num_seconds()).unwrap_or_default(),
        worked,
    };
    // A stamp is good for one entry, so that pressing twice sends once.
    let once = (crate::digest16(&[b"form", stamped.as_bytes()]), now + OPEN);
    match ask.keep(tenant, What::Form(entry), Some(once), Vec::new()).await {
        Outcome::Kept(_) | Outcome::Before => thanked(ask, tenant, form),
        Outcome::NotKept if wants_json(ask) => json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "problem": ask.words.say("full.text", &[]) }),
        ),
        Outcome::NotKept => pages::note(
            ask.words,
            &tenant.face().settings.page,
            StatusCode::SERVICE_UNAVAILABLE,
            "full",
        ),
    }
}

fn thanked(ask: &Ask, tenant: &Tenant, form: &FormDefinition) -> Response {
    if wants_json(ask) {
        return json(
            StatusCode::OK,
            &json!({ "thanks": form.thanks, "redirect": form.redirect }),
        );
    }
    let to = form
        .redirect
        .as_deref()
        .and_then(|r| HeaderValue::from_str(r).ok());
    match to {
        Some(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        None => pages::answer(
            StatusCode::OK,
            &PAGE_ONLY,
            pages::page(
                ask.words,
                form.language.as_deref(),
                &tenant.face().settings.page,
                &form.title,
                maud::html! { p role="status" { (form.thanks) } },
            ),
        ),
    }
}

/// The page a form stood on, without query and fragment, where the browser tells.
fn page_of(ask: &Ask) -> Option<String> {
    let mut page = url::Url::parse(ask.header("referer")).ok()?;
    page.set_query(None);
    page.set_fragment(None);
    matches!(page.scheme(), "http" | "https").then(|| page.to_string().chars().take(500).collect())
}

/// When a form was shown, signed, so that time cannot be made up and no proof be kept in store.
fn stamp(tenant: &Tenant, form: &FormDefinition, now: Moment) -> String {
    let mut bytes = now.timestamp_millis().to_be_bytes().to_vec();
    bytes.extend_from_slice(&crate::digest16(&[crate::random_word(16).as_bytes()])[..8]);
    let code = tenant.keyed("stamp", &[form.key.as_bytes(), b"\0", &bytes].concat());
    bytes.extend_from_slice(&code[..16]);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn stamped_at(tenant: &Tenant, form: &FormDefinition, stamp: &str) -> Option<Moment> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(stamp).ok()?.try_into().ok()?;
    let code = tenant.keyed("stamp", &[form.key.as_bytes(), b"\0", &bytes[..16]].concat());
    if !bool::from(code[..16].ct_eq(&bytes[16..])) {
        return None;
    }
    DateTime::from_timestamp_millis(i64::from_be_bytes(bytes[..8].try_into().ok()?))
}

/// Whether SHA-256 of stamp, colon and nonce begins with so many zero bits.
fn proof(stamp: &str, nonce: &str, bits: u8) -> bool {
    if nonce.len() > 20 {
        return false;
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{stamp}:{nonce}").as_bytes());
    let mut zeros = 0;
    for byte in digest.as_ref() {
        zeros += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    zeros >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_has_its_zeros_and_belongs_to_one_stamp() {
        let nonce = (0u32..)
            .map(|n| n.to_string())
            .find(|n| proof("stamp", n, 12))
            .expect("one of them");
        assert!(proof("stamp", &nonce, 12) && !proof("stamp", &nonce, 30));
        assert!(!proof("another", &nonce, 12));
        assert!(!proof("stamp", &"0".repeat(21), 0), "a nonce is short");
    }
}
