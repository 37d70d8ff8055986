//! `/k`: the confirmed opt-in. The button gives it, once, in time.

use super::Ask;
use super::links::said;
use crate::pages::{self, Allow, sender};
use crate::tokens::Payload;
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use carillon_model::relay::What;
use chrono::TimeDelta;
use maud::html;

pub(super) async fn page(Path((key, blob)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(link) = ask.link('k', &key, &blob) else {
        return ask.missing(None);
    };
    let Payload::Confirm {
        address,
        list,
        expires_at,
    } = link.payload
    else {
        return ask.missing(None);
    };
    let settings = link.settings();
    if !ask.looks() && ask.method != Method::POST {
        return ask.not_allowed("GET, HEAD, POST");
    }
    if ask.relay.clock.now() > expires_at {
        return pages::done(ask.words, &settings, StatusCode::GONE, "confirm.expired");
    }
    if ask.looks() {
        let who = sender(ask.words, &settings);
        let body = html! {
            p { (ask.words.say("confirm.question", &[("sender", &who)])) }
            form method="post" { button { (ask.words.say("confirm.button", &[])) } }
        };
        let title = ask.words.say("confirm.title", &[]);
        let page = pages::page(ask.words, None, &settings, &title, body);
        return pages::answer(StatusCode::OK, &Allow::default(), page);
    }
    let id = crate::digest16(&[b"confirm", &link.block, &list.to_be_bytes()]);
    let what = What::Confirm {
        token: link.token(),
        address: crate::hex(&address),
        list,
    };
    let once = Some((id, expires_at + TimeDelta::days(1)));
    let kept = ask.keep_link(&link, what, once, Vec::new()).await;
    said(&ask, &link, kept, "confirm.done")
}
