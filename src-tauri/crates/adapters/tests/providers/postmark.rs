//! Postmark against a local server written from its public documents (e-mail, messages, bounces, suppressions).
//! It is no copy of the real one: it knows only what the documents say.

use crate::{Inbox, KEY, MESSAGE, api, at, json, serve};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use carillon_adapters::providers::{Bounce, EventKind, Found, Reason};
use carillon_model::Moment;
use carillon_model::message::FailureClass;
use carillon_model::provider::ProviderKind::Postmark;
use chrono::{NaiveDateTime, TimeZone};
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Server {
    /// Path, time, entry.
    entries: Arc<Mutex<Vec<(String, Moment, Value)>>>,
    sent: Arc<Mutex<Vec<Value>>>,
}

async fn start() -> (Server, String) {
    let server = Server::default();
    let router = Router::new()
        .route("/email", post(email))
        .route("/message-streams/outbound/suppressions/dump", get(dump))
        .fallback(search)
        .with_state(server.clone());
    (server, serve(router).await)
}

fn refused(headers: &HeaderMap) -> Option<Response> {
    let good = headers
        .get("x-postmark-server-token")
        .is_some_and(|token| token == KEY);
    let body = axum::Json(value!({ "ErrorCode": 10, "Message": "Bad or missing Server API token." }));
    (!good).then(|| (StatusCode::UNAUTHORIZED, body).into_response())
}

async fn email(State(server): State<Server>, headers: HeaderMap, body: axum::Json<Value>) -> Response {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    if body["To"].as_str().unwrap().contains("inactive") {
        let told = axum::Json(
            value!({ "ErrorCode": 406, "Message": "You tried to send to an inactive recipient." }),
        );
        return (StatusCode::UNPROCESSABLE_ENTITY, told).into_response();
    }
    server.sent.lock().unwrap().push(body.0);
    json(value!({ "ErrorCode": 0, "Message": "OK", "MessageID": "guid-1", "To": "ann@example.net" }))
}

/// Newest first, 500 a page, 10,000 in all; times of New York where the search has some.
async fn search(
    State(server): State<Server>,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    let (count, offset): (usize, usize) = (query["count"].parse().unwrap(), query["offset"].parse().unwrap());
    if count > 500 || count + offset > 10_000 {
        let told =
            axum::Json(value!({ "ErrorCode": 600, "Message": "Count plus offset cannot exceed 10000." }));
        return (StatusCode::UNPROCESSABLE_ENTITY, told).into_response();
    }
    let bound = |name: &str| {
        let text = query.get(name)?;
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").unwrap();
        Some(
            chrono_tz::America::New_York
                .from_local_datetime(&local)
                .earliest()
                .unwrap()
                .to_utc(),
        )
    };
    let (from, to) = (bound("fromdate"), bound("todate"));
    let wanted = query.get("metadata_carillon");
    let mut found: Vec<(Moment, Value)> = server
        .entries
        .lock()
        .unwrap()
        .iter()
        .filter(|(path, at, entry)| {
            path == uri.path()
                && from.is_none_or(|from| *at >= from)
                && to.is_none_or(|to| *at <= to)
                && wanted.is_none_or(|wanted| entry["Metadata"]["carillon"] == wanted.as_str())
        })
        .map(|(_, at, entry)| (*at, entry.clone()))
        .collect();
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let total = found.len();
    let page: Vec<Value> = found
        .into_iter()
        .skip(offset)
        .take(count)
        .map(|(_, entry)| entry)
        .collect();
    let name = match uri.path().rsplit('/').next().unwrap() {
        "bounces" => "Bounces",
        "opens" => "Opens",
        "clicks" => "Clicks",
        _ => "Messages",
    };
    json(value!({ "TotalCount": total, name: page }))
}

async fn dump() -> Response {
    json(value!({ "Suppressions": [
        { "EmailAddress": "a@example.net", "SuppressionReason": "HardBounce", "Origin": "Recipient", "CreatedAt": "2019-12-10T08:58:33-05:00" },
        { "EmailAddress": "b@example.net", "SuppressionReason": "SpamComplaint", "Origin": "Recipient" },
        { "EmailAddress": "c@example.net", "SuppressionReason": "ManualSuppression", "Origin": "Customer" },
    ] }))
}

fn add(server: &Server, path: &str, time: Moment, mut entry: Value) {
    let key = if path == "/bounces" {
        "BouncedAt"
    } else {
        "ReceivedAt"
    };
    entry[key] = value!(time.with_timezone(&chrono_tz::America::New_York).to_rfc3339());
    server
        .entries
        .lock()
        .unwrap()
        .push((path.to_owned(), time, entry));
}

fn message(number: u32) -> Value {
    value!({
        "MessageID": format!("guid-{number}"), "Status": "Sent", "Recipients": ["ann@example.net"],
        "Metadata": { "carillon": format!("m{number}@example.com") },
    })
}

#[tokio::test]
async fn the_parts_go_with_our_headers_and_our_message_id() {
    let (server, host) = start().await;
    let api = api(Postmark, &host).await;
    assert_eq!(api.send(&MESSAGE).await.unwrap().provider_id, "guid-1");
    let sent = server.sent.lock().unwrap()[0].clone();
    let header = |name: &str| {
        let all = sent["Headers"].as_array().unwrap();
        all.iter()
            .find(|header| header["Name"] == name)
            .map(|header| header["Value"].clone())
    };
    assert_eq!(header("Message-ID"), Some(value!("<m1@example.com>")));
    assert_eq!(header("X-PM-KeepID"), Some(value!("true")));
    assert_eq!(
        header("List-Unsubscribe"),
        Some(value!("<https://example.com/u/1>"))
    );
    assert_eq!(
        header("List-Unsubscribe-Post"),
        Some(value!("List-Unsubscribe=One-Click"))
    );
    assert_eq!(
        (&sent["TrackOpens"], &sent["Metadata"]["carillon"]),
        (&value!(false), &value!("m1@example.com"))
    );
}

#[tokio::test]
async fn an_inactive_recipient_is_the_recipients_matter() {
    let (_, host) = start().await;
    let mime = String::from_utf8_lossy(crate::MIME).replace("ann@", "inactive@");
    let message = carillon_adapters::providers::Outgoing {
        mime: mime.as_bytes(),
        ..MESSAGE
    };
    let failure = api(Postmark, &host)
        .await
        .send(&message)
        .await
        .unwrap_err()
        .failure;
    assert_eq!(failure.class, FailureClass::Recipient);
}

#[tokio::test]
async fn more_than_a_search_shows_is_read_in_slices_and_nothing_is_lost() {
    let (server, host) = start().await;
    let begin = at("2026-11-25T10:00:00Z");
    for number in 0..25_000 {
        // Most of them within one hour.
        let secs = if number < 22_000 { number / 8 } else { number };
        add(
            &server,
            "/messages/outbound",
            begin + chrono::TimeDelta::seconds(secs.into()),
            message(number),
        );
    }
    let api = api(Postmark, &host).await;
    let mut inbox = Inbox::default();
    inbox.read_all(&api, at("2026-11-26T10:00:00Z")).await;
    assert_eq!(inbox.events.len(), 25_000);
}

#[tokio::test]
async fn all_feeds_are_read_and_what_is_late_by_less_than_the_overlap_comes_too() {
    let (server, host) = start().await;
    let time = at("2026-11-26T09:30:00Z");
    add(&server, "/messages/outbound", time, message(1));
    for (id, kind) in [
        (1, "HardBounce"),
        (2, "SoftBounce"),
        (3, "Blocked"),
        (4, "SpamComplaint"),
        (5, "Transient"),
        (6, "AutoResponder"),
    ] {
        let entry = value!({ "ID": id, "Type": kind, "MessageID": "guid-1", "Email": "ann@example.net", "Details": "smtp;550" });
        add(&server, "/bounces", time, entry);
    }
    let open = value!({ "MessageID": "guid-1", "Recipient": "ann@example.net", "UserAgent": "Moon/1" });
    add(&server, "/messages/outbound/opens", time, open.clone());
    let mut click = open.clone();
    click["OriginalLink"] = value!("https://example.com/a");
    add(&server, "/messages/outbound/clicks", time, click);
    let api = api(Postmark, &host).await;
    let mut inbox = Inbox::default();
    // A crash between poll and commit.
    api.poll(None, at("2026-11-26T10:00:00Z")).await.unwrap();
    inbox.read_all(&api, at("2026-11-26T10:00:00Z")).await;
    let kinds: Vec<EventKind> = inbox.events.values().map(|event| event.kind.clone()).collect();
    for kind in [
        EventKind::Delivered,
        EventKind::Bounced(Bounce::Hard),
        EventKind::Bounced(Bounce::Soft),
        EventKind::Bounced(Bounce::Block),
        EventKind::Complained,
        EventKind::Delayed,
        EventKind::Opened,
        EventKind::Clicked {
            url: "https://example.com/a".into(),
        },
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
    assert_eq!(kinds.len(), 8, "an auto-reply is no bounce");
    add(
        &server,
        "/messages/outbound",
        at("2026-11-26T09:20:00Z"),
        message(2),
    );
    add(
        &server,
        "/messages/outbound/opens",
        at("2026-11-26T10:00:30Z"),
        open,
    );
    inbox.read_all(&api, at("2026-11-26T10:02:00Z")).await;
    assert_eq!(inbox.events.len(), 10);
}

#[tokio::test]
async fn the_hour_that_the_clock_repeats_is_read() {
    let (server, host) = start().await;
    // New York goes back from 02:00 to 01:00 at 06:00 UTC.
    add(
        &server,
        "/messages/outbound",
        at("2026-11-01T05:50:00Z"),
        message(1),
    );
    add(
        &server,
        "/messages/outbound",
        at("2026-11-01T07:10:00Z"),
        message(2),
    );
    let api = api(Postmark, &host).await;
    let mut inbox = Inbox::default();
    inbox.read_all(&api, at("2026-11-01T05:45:00Z")).await;
    inbox.read_all(&api, at("2026-11-01T06:10:00Z")).await;
    inbox.read_all(&api, at("2026-11-01T07:30:00Z")).await;
    assert_eq!(inbox.events.len(), 2);
}

#[tokio::test]
async fn suppressions_and_one_message_are_found() {
    let (server, host) = start().await;
    add(
        &server,
        "/messages/outbound",
        at("2026-11-26T09:30:00Z"),
        message(1),
    );
    let api = api(Postmark, &host).await;
    let page = api.suppressions(None).await.unwrap();
    let reasons: Vec<Reason> = page.entries.iter().map(|entry| entry.reason).collect();
    assert_eq!(reasons, [Reason::Bounce, Reason::Complaint, Reason::Unsubscribe]);
    assert_eq!(
        (page.next, page.entries[0].at),
        (None, Some(at("2019-12-10T13:58:33Z")))
    );
    assert_eq!(
        api.find("m1@example.com", "ann@example.net").await.unwrap(),
        Found::Accepted
    );
    assert_eq!(
        api.find("m2@example.com", "ann@example.net").await.unwrap(),
        Found::NotFound
    );
}
