//! Pages for recipients: plain, without scripts and without anything from elsewhere, in light and dark.

use crate::words::Words;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use carillon_model::relay::PageSettings;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::sync::LazyLock;

const STYLE: &str = include_str!("pages.css");

/// The hash the style is allowed by (CSP Level 3 §6.7.3.3).
static STYLE_HASH: LazyLock<String> = LazyLock::new(|| {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(digest.as_ref()))
});

/// What a page may do beside showing itself and sending its form to where it came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allow<'a> {
    /// Run `/form.js`.
    pub(crate) script: bool,
    /// An origin a sent form may lead on to.
    pub(crate) leads_to: Option<&'a str>,
}

/// A whole page.
pub(crate) fn page(
    words: &Words,
    language: Option<&str>,
    of: &PageSettings,
    title: &str,
    body: Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.unwrap_or(words.language)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) @if !of.sender.is_empty() { " · " (of.sender) } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @if !of.sender.is_empty() { p.sender { (of.sender) } }
                    h1 { (title) }
                    (body)
                }
                @if !of.postal_address.is_empty() {
                    footer { @for line in of.postal_address.lines() { (line) br; } }
                }
            }
        }
    }
}

/// A page of one sentence.
pub(crate) fn note(words: &Words, of: &PageSettings, status: StatusCode, key: &str) -> Response {
    let sender = sender(words, of);
    let title = words.say(&format!("{key}.title"), &[]);
    let text = words.say(&format!("{key}.text"), &[("sender", &sender)]);
    answer(
        status,
        &Allow::default(),
        page(words, None, of, &title, html! { p { (text) } }),
    )
}

/// A page that says that something is done.
pub(crate) fn done(words: &Words, of: &PageSettings, status: StatusCode, key: &str) -> Response {
    let title = words.say(key, &[]);
    let text = words.say(&format!("{key}_text"), &[("sender", &sender(words, of))]);
    answer(
        status,
        &Allow::default(),
        page(words, None, of, &title, html! { p role="status" { (text) } }),
    )
}

/// Who writes, or the dash of somebody who did not say.
pub(crate) fn sender(_: &Words, of: &PageSettings) -> String {
    if of.sender.is_empty() {
        "—".to_owned()
    } else {
        of.sender.clone()
    }
}

/// The answer that carries a page.
pub(crate) fn answer(status: StatusCode, allow: &Allow<'_>, page: Markup) -> Response {
    let mut policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        *STYLE_HASH
    );
    if let Some(origin) = allow.leads_to {
        policy.push(' ');
        policy.push_str(origin);
    }
    if allow.script {
        policy.push_str("; script-src 'self'");
    }
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
