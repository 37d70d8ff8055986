//! `/s/<tenant>.js`: the script for the user's own site, and what it reports back to `/s/<tenant>`.

use super::events::{Told, keep};
use super::{Ask, plain};
use crate::tenant::Tenant;
use axum::extract::Path;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = include_str!("../site.js");

pub(super) async fn script_or_report(Path(file): Path<String>, ask: Ask) -> Response {
    let (id, script) = match file.strip_suffix(".js") {
        Some(id) => (id, true),
        None => (file.as_str(), false),
    };
    let Some(tenant) = ask.relay.tenant(id) else {
        return ask.missing(None);
    };
    if script {
        if !ask.looks() {
            return ask.not_allowed("GET, HEAD");
        }
        let mut answer = plain(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT);
        let headers = answer.headers_mut();
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        );
        headers.insert(
            "cross-origin-resource-policy",
            HeaderValue::from_static("cross-origin"),
        );
        return answer;
    }
    let mut answer = report(&ask, &tenant).await;
    allow_site(&ask, &tenant, &mut answer);
    answer
}

async fn report(ask: &Ask, tenant: &std::sync::Arc<Tenant>) -> Response {
    if ask.method != Method::POST {
        return ask.not_allowed("POST");
    }
    if site(ask, tenant).is_none() {
        return StatusCode::FORBIDDEN.into_response();
    }
    // Somebody who tells every site not to sell or share is not followed, whatever the page's own call says.
    if ask.header("sec-gpc") == "1" {
        return StatusCode::NO_CONTENT.into_response();
    }
    match serde_json::from_slice::<Told>(&ask.body) {
        Ok(told) => match keep(ask, tenant, None, vec![told]).await {
            Ok(_) => StatusCode::NO_CONTENT.into_response(),
            Err(answer) => *answer,
        },
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The origin a request comes from, if it is one of the user's sites.
fn site(ask: &Ask, tenant: &Tenant) -> Option<HeaderValue> {
    let origin = ask.headers.get(header::ORIGIN)?;
    let known = tenant
        .face()
        .settings
        .sites
        .iter()
        .any(|s| s.as_bytes() == origin.as_bytes());
    known.then(|| origin.clone())
}

/// Lets scripts of the user's sites read an answer (Fetch Standard §3.2); everybody else's cannot.
pub(super) fn allow_site(ask: &Ask, tenant: &Tenant, answer: &mut Response) -> bool {
    let Some(origin) = site(ask, tenant) else {
        return false;
    };
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type, accept"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
    true
}
