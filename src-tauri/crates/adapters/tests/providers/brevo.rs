//! Brevo against a local server written from its public documents (smtp/email, statistics/events, blockedContacts).
//! It is no copy of the real one: it knows only what the documents say.

use crate::{Inbox, KEY, MESSAGE, api, at, json, serve};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use carillon_adapters::providers::{Bounce, EventKind, Found, Reason};
use carillon_model::provider::ProviderKind::Brevo;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Server {
    events: Arc<Mutex<Vec<Value>>>,
    /// By idempotency key.
    sent: Arc<Mutex<HashMap<String, Value>>>,
    /// Answers to sending that are lost after the message was taken.
    lose: Arc<Mutex<usize>>,
}

async fn start() -> (Server, String) {
    let server = Server::default();
    let router = Router::new()
        .route("/v3/smtp/email", post(email))
        .route("/v3/smtp/statistics/events", get(events))
        .route("/v3/smtp/blockedContacts", get(blocked))
        .route("/v3/account", get(account))
        .with_state(server.clone());
    (server, serve(router).await)
}

async fn email(State(server): State<Server>, headers: HeaderMap, body: axum::Json<Value>) -> Response {
    if headers.get("api-key").is_none_or(|key| key != KEY) {
        let told = axum::Json(value!({ "code": "unauthorized", "message": "Key not found" }));
        return (StatusCode::UNAUTHORIZED, told).into_response();
    }
    let key = body["headers"]["idempotencyKey"].as_str().unwrap().to_owned();
    server.sent.lock().unwrap().insert(key, body.0);
    let mut lose = server.lose.lock().unwrap();
    if *lose > 0 {
        *lose -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    (
        StatusCode::CREATED,
        axum::Json(value!({ "messageId": "<b1@smtp-relay.mailin.fr>" })),
    )
        .into_response()
}

async fn events(State(server): State<Server>, Query(query): Query<HashMap<String, String>>) -> Response {
    let number = |name: &str| query[name].parse::<usize>().unwrap();
    let (limit, offset) = (number("limit"), number("offset"));
    assert_eq!(query["sort"], "asc");
    let mut found = server.events.lock().unwrap().clone();
    found.retain(|event| {
        let day = &event["date"].as_str().unwrap()[..10];
        let after = query.get("startDate").is_none_or(|start| day >= start.as_str());
        let before = query.get("endDate").is_none_or(|end| day <= end.as_str());
        let tag = query.get("tags").is_none_or(|tag| event["tag"] == tag.as_str());
        after && before && tag
    });
    found.sort_by_key(|event| event["date"].as_str().unwrap().to_owned());
    let page: Vec<Value> = found.into_iter().skip(offset).take(limit).collect();
    // An empty search has no list at all.
    if page.is_empty() {
        json(value!({}))
    } else {
        json(value!({ "events": page }))
    }
}

async fn blocked(Query(query): Query<HashMap<String, String>>) -> Response {
    let offset: usize = query["offset"].parse().unwrap();
    let codes = ["hardBounce", "contactFlaggedAsSpam", "unsubscribedViaEmail"];
    let contacts: Vec<Value> = (offset..250.min(offset + 100))
        .map(|number| value!({ "email": format!("p{number}@example.net"), "reason": { "code": codes[number % 3] }, "blockedAt": "2017-05-01T12:30:00Z" }))
        .collect();
    json(value!({ "contacts": contacts, "count": 250 }))
}

async fn account() -> Response {
    json(
        value!({ "plan": [{ "type": "sms", "creditsType": "sendLimit2", "credits": 5 }, { "type": "free", "creditsType": "sendLimit", "credits": 290.0 }] }),
    )
}

fn told(number: usize, kind: &str, date: &str) -> Value {
    value!({
        "email": "ann@example.net", "date": date, "messageId": format!("<b{number}@smtp-relay.mailin.fr>"),
        "event": kind, "tag": format!("m{number}@example.com"),
    })
}

#[tokio::test]
async fn a_second_attempt_has_the_same_key_and_is_one_message() {
    let (server, host) = start().await;
    let api = api(Brevo, &host).await;
    *server.lose.lock().unwrap() = 1;
    assert!(api.recognises_repeats());
    api.send(&MESSAGE).await.unwrap_err();
    assert_eq!(
        api.send(&MESSAGE).await.unwrap().provider_id,
        "b1@smtp-relay.mailin.fr"
    );
    let sent = server.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 1);
    let (key, body) = sent.iter().next().unwrap();
    let parts: Vec<usize> = key.split('-').map(str::len).collect();
    assert_eq!((parts, key.as_bytes()[14]), (vec![8, 4, 4, 4, 12], b'8'));
    assert_eq!(
        body["headers"]["List-Unsubscribe-Post"],
        "List-Unsubscribe=One-Click"
    );
    assert_eq!(
        (&body["to"][0]["email"], &body["tags"][0]),
        (&value!("ann@example.net"), &value!("m1@example.com"))
    );
}

#[tokio::test]
async fn pages_days_late_events_and_a_crash_lose_nothing_and_double_nothing() {
    let (server, host) = start().await;
    let api = api(Brevo, &host).await;
    for number in 0..6000 {
        let day = 22 + number / 1500;
        let date = format!(
            "2026-11-{day:02}T{:02}:{:02}:00.000+00:00",
            number % 24,
            number % 60
        );
        server
            .events
            .lock()
            .unwrap()
            .push(told(number, "delivered", &date));
    }
    let mut inbox = Inbox::default();
    api.poll(None, at("2026-11-25T23:59:00Z")).await.unwrap();
    inbox.read_all(&api, at("2026-11-25T23:59:00Z")).await;
    assert_eq!(inbox.events.len(), 6000);
    // Late, in the middle of the day; and the first of the next day, before the day before is closed.
    server
        .events
        .lock()
        .unwrap()
        .push(told(7001, "opened", "2026-11-25T03:00:30.000+00:00"));
    server
        .events
        .lock()
        .unwrap()
        .push(told(7002, "opened", "2026-11-26T00:00:30.000+00:00"));
    inbox.read_all(&api, at("2026-11-26T00:01:00Z")).await;
    assert_eq!(inbox.events.len(), 6002);
    // Later still, when the day is over but not closed; closing reads it once more.
    server
        .events
        .lock()
        .unwrap()
        .push(told(7003, "opened", "2026-11-25T00:00:01.000+00:00"));
    inbox.read_all(&api, at("2026-11-26T08:00:00Z")).await;
    inbox.read_all(&api, at("2026-11-26T08:01:00Z")).await;
    assert_eq!(inbox.events.len(), 6003);
}

#[tokio::test]
async fn each_kind_is_what_the_documents_say() {
    let (server, host) = start().await;
    let kinds = [
        "requests",
        "delivered",
        "hardBounces",
        "softBounces",
        "blocked",
        "spam",
        "invalid",
        "deferred",
        "clicks",
        "opened",
        "unsubscribed",
        "error",
    ];
    for (number, kind) in kinds.iter().enumerate() {
        let mut told = told(number, kind, "2026-11-26T09:00:00.000+05:30");
        told["link"] = value!("https://example.com/a");
        server.events.lock().unwrap().push(told);
    }
    let api = api(Brevo, &host).await;
    let mut inbox = Inbox::default();
    inbox.read_all(&api, at("2026-11-26T10:00:00Z")).await;
    let kind_of = |id: &str| {
        inbox
            .events
            .values()
            .find(|event| event.message_id.as_deref() == Some(id))
            .map(|event| event.kind.clone())
    };
    assert_eq!(kind_of("m0@example.com"), None);
    assert_eq!(kind_of("m2@example.com"), Some(EventKind::Bounced(Bounce::Hard)));
    assert_eq!(kind_of("m3@example.com"), Some(EventKind::Bounced(Bounce::Soft)));
    assert_eq!(kind_of("m4@example.com"), Some(EventKind::Bounced(Bounce::Block)));
    assert_eq!(kind_of("m7@example.com"), Some(EventKind::Delayed));
    assert_eq!(
        kind_of("m8@example.com"),
        Some(EventKind::Clicked {
            url: "https://example.com/a".into()
        })
    );
    assert_eq!(inbox.events.len(), kinds.len() - 1);
    assert!(
        inbox
            .events
            .values()
            .all(|event| event.at == at("2026-11-26T03:30:00Z"))
    );
    assert_eq!(
        api.find("m2@example.com", "ann@example.net").await.unwrap(),
        Found::Bounced(Bounce::Hard)
    );
    assert_eq!(
        api.find("m0@example.com", "ann@example.net").await.unwrap(),
        Found::Accepted
    );
    assert_eq!(
        api.find("m99@example.com", "ann@example.net").await.unwrap(),
        Found::NotFound
    );
}

#[tokio::test]
async fn all_pages_of_suppressions_and_the_credits_are_read() {
    let (_, host) = start().await;
    let api = api(Brevo, &host).await;
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = api.suppressions(next.as_deref()).await.unwrap();
        all.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!((all.len(), all[1].reason), (250, Reason::Complaint));
    let quota = api.quota().await.unwrap().unwrap();
    assert_eq!((quota.limit, quota.per_day), (290, true));
}
