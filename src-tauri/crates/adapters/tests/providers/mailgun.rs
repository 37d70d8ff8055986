//! Mailgun against a local server written from its public documents (event polling, messages.mime, suppressions).
//! It is no copy of the real one: it knows only what the documents say.

use crate::{Inbox, KEY, MESSAGE, MIME, api, at, json, serve};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use carillon_adapters::providers::{Bounce, EventKind, Found, Reason};
use carillon_model::message::FailureClass;
use carillon_model::provider::ProviderKind::Mailgun;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Server {
    host: Arc<Mutex<String>>,
    events: Arc<Mutex<Vec<Value>>>,
    sent: Arc<Mutex<Vec<String>>>,
}

/// Entries of a page: few, so that there are many pages.
const PAGE: usize = 3;

async fn start() -> (Server, String) {
    let server = Server::default();
    let router = Router::new()
        .route("/v3/mg.example.com/events", get(events))
        .route("/v3/mg.example.com/messages.mime", post(messages))
        .route("/v3/mg.example.com/{list}", get(list))
        .with_state(server.clone());
    let host = serve(router).await;
    *server.host.lock().unwrap() = host.clone();
    (server, host)
}

fn authorised(headers: &HeaderMap) -> bool {
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("api:{KEY}"));
    headers
        .get("authorization")
        .is_some_and(|value| value == format!("Basic {expected}").as_str())
}

async fn events(
    State(server): State<Server>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if !authorised(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let number = |name: &str, default: f64| query.get(name).map_or(default, |text| text.parse().unwrap());
    let (begin, end) = (number("begin", 0.0), number("end", 1e12));
    let skip = number("skip", 0.0) as usize;
    let mut found = server.events.lock().unwrap().clone();
    found.retain(|event| {
        let time = event["timestamp"].as_f64().unwrap();
        let id = query.get("message-id");
        let wanted = id.is_none_or(|id| event["message"]["headers"]["message-id"] == id.as_str());
        (begin..=end).contains(&time) && wanted
    });
    found.sort_by(|a, b| {
        a["timestamp"]
            .as_f64()
            .unwrap()
            .total_cmp(&b["timestamp"].as_f64().unwrap())
    });
    let page: Vec<Value> = found.into_iter().skip(skip).take(PAGE).collect();
    let host = server.host.lock().unwrap().clone();
    let next = format!(
        "{host}/v3/mg.example.com/events?begin={begin}&end={end}&skip={}",
        skip + page.len()
    );
    json(value!({ "items": page, "paging": { "next": next } }))
}

async fn messages(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    if !authorised(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    server
        .sent
        .lock()
        .unwrap()
        .push(String::from_utf8_lossy(&body).into_owned());
    json(value!({ "id": "<m1@example.com>", "message": "Queued. Thank you." }))
}

async fn list(
    State(server): State<Server>,
    axum::extract::Path(list): axum::extract::Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let host = server.host.lock().unwrap().clone();
    let page: usize = query.get("page").map_or(0, |text| text.parse().unwrap());
    let items: Vec<Value> = match page {
        0 | 1 => vec![
            value!({ "address": format!("{list}{page}@example.net"), "created_at": "Fri, 21 Oct 2011 11:02:55 UTC" }),
        ],
        _ => Vec::new(),
    };
    let next = format!("{host}/v3/mg.example.com/{list}?page={}", page + 1);
    json(value!({ "items": items, "paging": { "next": next } }))
}

fn told(number: u32, kind: &str, time: &str) -> Value {
    value!({
        "id": format!("id{number}"), "event": kind, "recipient": format!("p{number}@example.net"),
        "timestamp": at(time).timestamp_millis() as f64 / 1000.0,
        "message": { "headers": { "message-id": format!("m{number}@example.com") } },
    })
}

#[tokio::test]
async fn the_finished_message_goes_as_it_is() {
    let (server, host) = start().await;
    let accepted = api(Mailgun, &host).await.send(&MESSAGE).await.unwrap();
    assert_eq!(accepted.provider_id, "m1@example.com");
    let sent = server.sent.lock().unwrap()[0].clone();
    assert!(
        sent.contains(std::str::from_utf8(MIME).unwrap())
            && sent.contains("name=\"to\"\r\n\r\nann@example.net\r\n")
    );
    let wrong = crate::with_secret(Mailgun, &host, "wrong").await;
    assert_eq!(
        wrong.send(&MESSAGE).await.unwrap_err().failure.class,
        FailureClass::Auth
    );
}

#[tokio::test]
async fn pages_late_events_and_a_crash_lose_nothing_and_double_nothing() {
    let (server, host) = start().await;
    let api = api(Mailgun, &host).await;
    let now = at("2026-11-26T10:00:00Z");
    for number in 0..10 {
        server.events.lock().unwrap().push(told(
            number,
            "delivered",
            &format!("2026-11-26T09:{:02}:00Z", 40 + number),
        ));
    }
    let mut inbox = Inbox::default();
    // A crash after the first page, before anything was committed; and one after the commit of the second.
    api.poll(None, now).await.unwrap();
    let page = api.poll(None, now).await.unwrap();
    inbox.commit(&page);
    assert!(page.more && page.events.len() == PAGE);
    inbox.read_all(&api, now).await;
    assert_eq!(inbox.events.len(), 10);
    // One comes late, in the middle of what was read.
    server
        .events
        .lock()
        .unwrap()
        .push(told(77, "opened", "2026-11-26T09:45:30Z"));
    server
        .events
        .lock()
        .unwrap()
        .push(told(78, "complained", "2026-11-26T10:00:30Z"));
    inbox.read_all(&api, at("2026-11-26T10:01:00Z")).await;
    assert_eq!(inbox.events.len(), 12);
    assert!(inbox.repeated > 0, "the last hour is read again");
    assert!(
        inbox
            .events
            .values()
            .any(|event| event.message_id.as_deref() == Some("m77@example.com"))
    );
}

#[tokio::test]
async fn each_kind_is_what_the_documents_say() {
    let (server, host) = start().await;
    let mut hard = told(1, "failed", "2026-11-26T09:50:00Z");
    hard["severity"] = value!("permanent");
    hard["delivery-status"] = value!({ "code": 550, "message": "No such\r\nuser", "enhanced-code": "5.1.1" });
    let mut block = hard.clone();
    block["id"] = value!("id2");
    block["delivery-status"] = value!({ "code": 550, "enhanced-code": "5.7.26" });
    let mut delayed = hard.clone();
    delayed["id"] = value!("id3");
    delayed["severity"] = value!("temporary");
    let mut clicked = told(4, "clicked", "2026-11-26T09:51:00Z");
    clicked["url"] = value!("https://example.com/a");
    clicked["client-info"] = value!({ "user-agent": "Moon/1" });
    let accepted = told(5, "accepted", "2026-11-26T09:52:00Z");
    *server.events.lock().unwrap() = vec![hard, block, delayed, clicked, accepted];
    let api = api(Mailgun, &host).await;
    let mut inbox = Inbox::default();
    inbox.read_all(&api, at("2026-11-26T10:00:00Z")).await;
    let kinds: Vec<EventKind> = inbox.events.values().map(|event| event.kind.clone()).collect();
    for kind in [
        EventKind::Bounced(Bounce::Hard),
        EventKind::Bounced(Bounce::Block),
        EventKind::Delayed,
        EventKind::Clicked {
            url: "https://example.com/a".into(),
        },
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
    assert_eq!(kinds.len(), 4);
    assert!(inbox.events.values().any(|event| event.detail == "No such user"));
    assert_eq!(
        api.find("m1@example.com", "p1@example.net").await.unwrap(),
        Found::Bounced(Bounce::Hard)
    );
    assert_eq!(
        api.find("m5@example.com", "p5@example.net").await.unwrap(),
        Found::Accepted
    );
    assert_eq!(
        api.find("m9@example.com", "p9@example.net").await.unwrap(),
        Found::NotFound
    );
}

#[tokio::test]
async fn all_pages_of_all_three_lists_are_read() {
    let (_, host) = start().await;
    let api = api(Mailgun, &host).await;
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let page = api.suppressions(next.as_deref()).await.unwrap();
        all.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 6);
    let count = |reason| all.iter().filter(|entry| entry.reason == reason).count();
    assert_eq!(
        [Reason::Bounce, Reason::Complaint, Reason::Unsubscribe].map(count),
        [2, 2, 2]
    );
    assert_eq!(all[0].at, Some(at("2011-10-21T11:02:55Z")));
}

#[tokio::test]
async fn a_next_page_on_another_server_never_sees_the_key() {
    let thief = crate::mailgun::start().await;
    let place = thief.1.clone();
    let host = serve(Router::new().fallback(move || {
        let next = format!("{place}/v3/mg.example.com/events");
        async move { json(value!({ "items": [{}], "paging": { "next": next } })) }
    }))
    .await;
    let api = api(Mailgun, &host).await;
    let now = at("2026-11-26T10:00:00Z");
    let first = api.poll(None, now).await.unwrap();
    let failure = api.poll(Some(&first.cursor), now).await.unwrap_err().failure;
    assert_eq!(failure.code, "paging");
}
