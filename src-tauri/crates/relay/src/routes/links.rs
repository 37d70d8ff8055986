//! Links of messages: unsubscribe, click, pixel, and the link nobody sees.

use super::{Ask, Link, plain};
use crate::log::{Also, Outcome};
use crate::pages::{self, Allow, sender};
use crate::tokens::Payload;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use carillon_model::relay::What;
use maud::html;

/// A transparent picture of one pixel (GIF89a).
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// A page that does nothing more than stand there.
pub(super) const PAGE_ONLY: Allow<'static> = Allow {
    script: false,
    leads_to: None,
};

/// The field and value of RFC 8058 §3.1.
const ONE_CLICK: (&str, &str) = ("List-Unsubscribe", "One-Click");

/// `/u`: a POST with the body of RFC 8058 changes, whatever sent it; everything else only shows.
pub(super) async fn unsubscribe(Path((key, blob)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(link) = ask.link('u', &key, &blob) else {
        return ask.missing(None);
    };
    let Payload::Unsubscribe { address, scope } = link.payload else {
        return ask.missing(None);
    };
    if ask.looks() {
        return unsubscribe_page(&ask, &link, scope);
    }
    if ask.method != Method::POST {
        return ask.not_allowed("GET, HEAD, POST");
    }
    let fields = ask.fields();
    if !fields
        .iter()
        .any(|(n, v)| n.eq_ignore_ascii_case(ONE_CLICK.0) && v.eq_ignore_ascii_case(ONE_CLICK.1))
    {
        return pages::note(ask.words, &link.settings(), StatusCode::BAD_REQUEST, "wrong");
    }
    let what = What::Unsubscribe {
        token: link.token(),
        address: crate::hex(&address),
        scope,
        one_click: !fields.iter().any(|(name, _)| name == "page"),
    };
    let list = Also::Suppress {
        address,
        scope,
        lifted: false,
    };
    let kept = ask.keep_link(&link, what, None, vec![list]).await;
    said(&ask, &link, kept, "unsubscribe.done")
}

/// What a person is told after it is on the disk, or is not.
pub(super) fn said(ask: &Ask, link: &Link, kept: Outcome, done: &str) -> Response {
    let settings = link.settings();
    match kept {
        Outcome::Kept(_) | Outcome::Before => pages::done(ask.words, &settings, StatusCode::OK, done),
        Outcome::NotKept => {
            let mut answer = pages::note(ask.words, &settings, StatusCode::SERVICE_UNAVAILABLE, "full");
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
            answer
        }
    }
}

fn unsubscribe_page(ask: &Ask, link: &Link, scope: u16) -> Response {
    let settings = link.settings();
    let who = sender(ask.words, &settings);
    let topic = settings.topics.iter().find(|t| u16::from(t.number) + 1 == scope);
    let question = match topic {
        Some(topic) => ask.words.say(
            "unsubscribe.question_topic",
            &[("sender", &who), ("topic", &topic.name)],
        ),
        None => ask.words.say("unsubscribe.question", &[("sender", &who)]),
    };
    let body = html! {
        p { (question) }
        form method="post" {
            input type="hidden" name=(ONE_CLICK.0) value=(ONE_CLICK.1);
            input type="hidden" name="page" value="1";
            button { (ask.words.say("unsubscribe.button", &[])) }
        }
    };
    let title = ask.words.say("unsubscribe.title", &[]);
    pages::answer(
        StatusCode::OK,
        &Allow::default(),
        pages::page(ask.words, None, &settings, &title, body),
    )
}

/// `/c`: leads on to the address in the link, written down or not.
pub(super) async fn click(Path((key, blob)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(link) = ask.link('c', &key, &blob) else {
        return ask.missing(None);
    };
    if !ask.looks() {
        return ask.not_allowed("GET, HEAD");
    }
    let Payload::Click { link: place, url } = &link.payload else {
        return ask.missing(None);
    };
    let Ok(location) = HeaderValue::from_str(url) else {
        return ask.missing(None);
    };
    let what = What::Click {
        token: link.token(),
        link: *place,
        url: url.clone(),
    };
    ask.keep_link(&link, what, None, Vec::new()).await;
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

/// `/o`: the pixel, written down or not.
pub(super) async fn open(Path((key, blob)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(link) = ask.link('o', &key, &blob) else {
        return ask.missing(None);
    };
    if !ask.looks() {
        return ask.not_allowed("GET, HEAD");
    }
    let what = What::Open { token: link.token() };
    ask.keep_link(&link, what, None, Vec::new()).await;
    plain(StatusCode::OK, "image/gif", Body::from(PIXEL))
}

/// `/h`: a link that is in the message and that people do not see; programs that follow all of them do.
pub(super) async fn hidden(Path((key, blob)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(link) = ask.link('h', &key, &blob) else {
        return ask.missing(None);
    };
    if !ask.looks() {
        return ask.not_allowed("GET, HEAD");
    }
    let what = What::Hidden { token: link.token() };
    ask.keep_link(&link, what, None, Vec::new()).await;
    pages::note(ask.words, &link.settings(), StatusCode::OK, "hidden")
}
