//! SendGrid against a local server written from its public documents (mail/send, suppression lists, messages).
//! It is no copy of the real one: it knows only what the documents say.

use crate::{Inbox, KEY, MESSAGE, api, at, json, serve};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use carillon_adapters::providers::{Bounce, EventKind, Found, Reason};
use carillon_model::provider::ProviderKind::Sendgrid;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Server {
    lists: Arc<Mutex<HashMap<String, Vec<Value>>>>,
    sent: Arc<Mutex<Vec<Value>>>,
    activity: bool,
}

async fn start(activity: bool) -> (Server, String) {
    let server = Server {
        activity,
        ..Server::default()
    };
    let router = Router::new()
        .route("/v3/mail/send", post(send))
        .route("/v3/suppression/{list}", get(list))
        .route("/v3/messages", get(messages))
        .route("/v3/user/credits", get(credits))
        .with_state(server.clone());
    (server, serve(router).await)
}

async fn send(State(server): State<Server>, headers: HeaderMap, body: axum::Json<Value>) -> Response {
    if headers
        .get("authorization")
        .is_none_or(|value| value != format!("Bearer {KEY}").as_str())
    {
        return (
            StatusCode::UNAUTHORIZED,
            axum::Json(value!({ "errors": [{ "message": "authorization required" }] })),
        )
            .into_response();
    }
    server.sent.lock().unwrap().push(body.0);
    (StatusCode::ACCEPTED, [("x-message-id", "sg1")]).into_response()
}

async fn list(
    State(server): State<Server>,
    Path(list): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let number = |name: &str| query[name].parse::<i64>().unwrap();
    let mut found = server
        .lists
        .lock()
        .unwrap()
        .get(&list)
        .cloned()
        .unwrap_or_default();
    found.retain(|entry| {
        (number("start_time")..=number("end_time")).contains(&entry["created"].as_i64().unwrap())
    });
    let page: Vec<Value> = found
        .into_iter()
        .skip(number("offset") as usize)
        .take(number("limit") as usize)
        .collect();
    json(value!(page))
}

async fn messages(State(server): State<Server>, Query(query): Query<HashMap<String, String>>) -> Response {
    if !server.activity {
        return StatusCode::FORBIDDEN.into_response();
    }
    let known = query["query"].contains(r#"unique_args['carillon']="m1@example.com""#);
    let found: Vec<Value> = known
        .then(|| value!({ "msg_id": "sg1.x", "status": "delivered" }))
        .into_iter()
        .collect();
    json(value!({ "messages": found }))
}

async fn credits() -> Response {
    json(value!({ "remain": 60, "total": 100, "used": 40, "reset_frequency": "daily" }))
}

fn add(server: &Server, list: &str, number: usize, time: &str, status: &str) {
    let entry = value!({ "email": format!("p{number}@example.net"), "created": at(time).timestamp(), "reason": "550 no", "status": status });
    server
        .lists
        .lock()
        .unwrap()
        .entry(list.to_owned())
        .or_default()
        .push(entry);
}

#[tokio::test]
async fn the_parts_go_with_our_headers_and_without_tracking() {
    let (server, host) = start(false).await;
    assert_eq!(
        api(Sendgrid, &host)
            .await
            .send(&MESSAGE)
            .await
            .unwrap()
            .provider_id,
        "sg1"
    );
    let sent = server.sent.lock().unwrap()[0].clone();
    assert_eq!(sent["headers"]["List-Unsubscribe"], "<https://example.com/u/1>");
    assert_eq!(
        sent["headers"]["List-Unsubscribe-Post"],
        "List-Unsubscribe=One-Click"
    );
    assert_eq!(
        sent["personalizations"][0]["custom_args"]["carillon"],
        "m1@example.com"
    );
    assert_eq!(sent["tracking_settings"]["open_tracking"]["enable"], false);
    assert_eq!(sent["content"][0]["type"], "text/plain");
}

#[tokio::test]
async fn pages_late_entries_and_a_crash_lose_nothing_and_double_nothing() {
    let (server, host) = start(false).await;
    let api = api(Sendgrid, &host).await;
    for number in 0..1200 {
        add(&server, "bounces", number, "2026-11-26T09:30:00Z", "5.1.1");
    }
    add(&server, "bounces", 1200, "2026-11-26T09:30:00Z", "4.2.2");
    add(&server, "blocks", 1, "2026-11-26T09:30:00Z", "5.7.1");
    add(&server, "spam_reports", 2, "2026-11-26T09:30:00Z", "");
    add(&server, "unsubscribes", 3, "2026-11-26T09:30:00Z", "");
    let mut inbox = Inbox::default();
    let now = at("2026-11-26T10:00:00Z");
    api.poll(None, now).await.unwrap();
    inbox.read_all(&api, now).await;
    assert_eq!(inbox.events.len(), 1204);
    let count = |kind: EventKind| inbox.events.values().filter(|event| event.kind == kind).count();
    assert_eq!(count(EventKind::Bounced(Bounce::Hard)), 1200);
    assert_eq!(count(EventKind::Bounced(Bounce::Soft)), 1);
    assert_eq!(count(EventKind::Bounced(Bounce::Block)), 1);
    assert_eq!(
        (count(EventKind::Complained), count(EventKind::Unsubscribed)),
        (1, 1)
    );
    add(&server, "unsubscribes", 4, "2026-11-26T09:10:00Z", "");
    inbox.read_all(&api, at("2026-11-26T10:05:00Z")).await;
    assert_eq!(inbox.events.len(), 1205);
}

#[tokio::test]
async fn all_lists_are_read_as_suppressions_with_their_reasons() {
    let (server, host) = start(false).await;
    for number in 0..501 {
        add(&server, "bounces", number, "2020-11-26T09:30:00Z", "5.1.1");
    }
    add(&server, "blocks", 1, "2026-11-26T09:30:00Z", "5.7.1");
    add(&server, "spam_reports", 2, "2026-11-26T09:30:00Z", "");
    let api = api(Sendgrid, &host).await;
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = api.suppressions(next.as_deref()).await.unwrap();
        all.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let count = |reason| all.iter().filter(|entry| entry.reason == reason).count();
    assert_eq!(
        [
            Reason::Bounce,
            Reason::Block,
            Reason::Complaint,
            Reason::Unsubscribe
        ]
        .map(count),
        [501, 1, 1, 0]
    );
}

#[tokio::test]
async fn one_message_is_found_where_the_account_has_its_activity_and_else_nobody_can_tell() {
    let (_, host) = start(true).await;
    let with = api(Sendgrid, &host).await;
    assert_eq!(
        with.find("m1@example.com", "ann@example.net").await.unwrap(),
        Found::Accepted
    );
    assert_eq!(
        with.find("m2@example.com", "ann@example.net").await.unwrap(),
        Found::NotFound
    );
    with.find("m\"1@example.com", "ann@example.net")
        .await
        .unwrap_err();
    let (_, host) = start(false).await;
    let without = api(Sendgrid, &host).await;
    assert_eq!(
        without.find("m1@example.com", "ann@example.net").await.unwrap(),
        Found::CannotTell
    );
    let quota = without.quota().await.unwrap().unwrap();
    assert_eq!((quota.limit, quota.sent, quota.per_day), (100, 40, true));
}
