//! What moto does not know of SES, against a local server written from the public documents (API v2: suppression list,
//! account; event publishing; SQS in JSON). It is no copy of the real one: it knows only what the documents say.

use crate::{Inbox, KEY, MESSAGE, api, at, json, serve, settings};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_adapters::providers::{Api, Bounce, EventKind, Found, Reason};
use carillon_adapters::{Dialer, Http, Secret};
use carillon_model::message::FailureClass;
use carillon_model::provider::ProviderKind::Ses;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Server {
    queue: Arc<Mutex<Vec<String>>>,
    sent: Arc<Mutex<Vec<Value>>>,
    suppressed: Arc<Mutex<Vec<Value>>>,
}

async fn start() -> (Server, String) {
    let server = Server::default();
    let router = Router::new()
        .route("/v2/email/outbound-emails", post(email))
        .route("/v2/email/suppression/addresses", get(list).put(add))
        .route("/v2/email/account", get(account))
        .route("/", post(queue))
        .with_state(server.clone());
    (server, serve(router).await)
}

fn signed_for(headers: &HeaderMap, service: &str) -> bool {
    let text = headers.get("authorization").unwrap().to_str().unwrap();
    text.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        && text.contains(&format!("/us-east-1/{service}/aws4_request"))
}

async fn email(State(server): State<Server>, headers: HeaderMap, body: axum::Json<Value>) -> Response {
    assert!(signed_for(&headers, "ses"));
    let to = body["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
    let refuse = |status: u16, name: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        (
            status,
            [("x-amzn-errortype", format!("{name}:http://example.com/"))],
            axum::Json(value!({ "message": name })),
        )
            .into_response()
    };
    match to.split('@').next().unwrap() {
        "many" => return refuse(429, "TooManyRequestsException"),
        "rejected" => return refuse(400, "MessageRejected"),
        "signature" => return refuse(403, "SignatureDoesNotMatch"),
        _ => {}
    }
    server.sent.lock().unwrap().push(body.0);
    json(value!({ "MessageId": "ses1" }))
}

async fn list(
    State(server): State<Server>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    assert!(signed_for(&headers, "ses"));
    let all = server.suppressed.lock().unwrap().clone();
    let skip: usize = query
        .get("NextToken")
        .map_or(0, |token| token.trim_start_matches("a+/").parse().unwrap());
    let page: Vec<Value> = all.iter().skip(skip).take(2).cloned().collect();
    let next = (skip + 2 < all.len()).then(|| format!("a+/{}", skip + 2));
    json(value!({ "SuppressedDestinationSummaries": page, "NextToken": next }))
}

async fn add(State(server): State<Server>, body: axum::Json<Value>) -> Response {
    let mut entry = body.0;
    entry["LastUpdateTime"] = value!(1.58e9);
    server.suppressed.lock().unwrap().push(entry);
    json(value!({}))
}

async fn account() -> Response {
    json(
        value!({ "ProductionAccessEnabled": false, "SendQuota": { "Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 7.0 } }),
    )
}

async fn queue(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    assert!(signed_for(&headers, "sqs"));
    assert_eq!(headers["content-type"], "application/x-amz-json-1.0");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let target = headers.get("x-amz-target").unwrap().to_str().unwrap();
    let mut queue = server.queue.lock().unwrap();
    match target {
        "AmazonSQS.ReceiveMessage" => {
            let page = queue
                .iter()
                .take(10)
                .map(|text| value!({ "MessageId": "x", "ReceiptHandle": text, "Body": text }));
            json(value!({ "Messages": page.collect::<Vec<Value>>() }))
        }
        "AmazonSQS.DeleteMessageBatch" => {
            let gone = body["Entries"].as_array().unwrap().clone();
            queue.retain(|text| !gone.iter().any(|entry| entry["ReceiptHandle"] == text.as_str()));
            json(value!({ "Successful": [] }))
        }
        _ => (
            StatusCode::BAD_REQUEST,
            axum::Json(value!({ "__type": "com.amazonaws.sqs#InvalidAction" })),
        )
            .into_response(),
    }
}

async fn with_queue(host: &str) -> Api {
    let mut settings = settings(Ses, host);
    settings.queue_url = Some(format!("{host}/123456789012/events"));
    settings.configuration_set = Some("marketing".into());
    Api::new(
        Http::new(Dialer::new(true)).await,
        settings,
        Secret::new(KEY.into()),
    )
    .unwrap()
}

fn record(kind: &str, part: &str, details: Value) -> String {
    let tag = URL_SAFE_NO_PAD.encode("m1@example.com");
    value!({
        "eventType": kind, part: details,
        "mail": {
            "messageId": "ses1", "timestamp": "2026-11-26T09:00:00Z", "destination": ["ann@example.net"],
            "tags": { "carillon": [tag], "ses:caller-identity": ["x"] },
            "commonHeaders": { "messageId": "<other@example.com>" },
        },
    })
    .to_string()
}

#[tokio::test]
async fn refusals_have_their_classes_and_our_message_id_is_a_tag() {
    let (server, host) = start().await;
    let api = with_queue(&host).await;
    assert_eq!(api.send(&MESSAGE).await.unwrap().provider_id, "ses1");
    let sent = server.sent.lock().unwrap()[0].clone();
    assert_eq!(sent["ConfigurationSetName"], "marketing");
    assert_eq!(
        sent["EmailTags"][0]["Value"],
        URL_SAFE_NO_PAD.encode("m1@example.com")
    );
    for (to, class) in [
        ("many@example.net", FailureClass::Throttled),
        ("rejected@example.net", FailureClass::Sender),
        ("signature@example.net", FailureClass::Auth),
    ] {
        let message = carillon_adapters::providers::Outgoing { to, ..MESSAGE };
        assert_eq!(api.send(&message).await.unwrap_err().failure.class, class, "{to}");
    }
    assert_eq!(
        api.find("m1@example.com", "ann@example.net").await.unwrap(),
        Found::CannotTell
    );
}

#[tokio::test]
async fn each_kind_is_what_the_documents_say_inside_an_envelope_or_raw() {
    let (server, host) = start().await;
    let time = "2026-11-26T09:00:05Z";
    let bounce = |kind: &str, sub: &str, id: &str| {
        value!({ "bounceType": kind, "bounceSubType": sub, "timestamp": time, "feedbackId": id,
            "bouncedRecipients": [{ "emailAddress": "ann@example.net", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1\r\nno" }] })
    };
    let raw = record("Bounce", "bounce", bounce("Permanent", "General", "f1"));
    let records = [
        value!({ "Type": "Notification", "Message": raw }).to_string(),
        record("Bounce", "bounce", bounce("Transient", "MailboxFull", "f2")),
        record("Bounce", "bounce", bounce("Transient", "ContentRejected", "f3")),
        record(
            "Complaint",
            "complaint",
            value!({ "timestamp": time, "complainedRecipients": [{ "emailAddress": "ann@example.net" }] }),
        ),
        record(
            "DeliveryDelay",
            "deliveryDelay",
            value!({ "timestamp": time, "delayedRecipients": [{ "emailAddress": "ann@example.net" }] }),
        ),
        record(
            "Open",
            "open",
            value!({ "timestamp": time, "userAgent": "Moon/1", "ipAddress": "192.0.2.1" }),
        ),
        record(
            "Click",
            "click",
            value!({ "timestamp": time, "link": "https://example.com/a" }),
        ),
        record("Reject", "reject", value!({ "reason": "Bad content" })),
        record("Send", "send", value!({})),
        "{\"Type\":\"SubscriptionConfirmation\",\"Message\":\"hello\"}".to_owned(),
        "[".repeat(100_000),
    ];
    *server.queue.lock().unwrap() = records.to_vec();
    let api = with_queue(&host).await;
    let mut inbox = Inbox::default();
    inbox.read_all(&api, at("2026-11-26T10:00:00Z")).await;
    let kinds: Vec<EventKind> = inbox.events.values().map(|event| event.kind.clone()).collect();
    for kind in [
        EventKind::Bounced(Bounce::Hard),
        EventKind::Bounced(Bounce::Soft),
        EventKind::Bounced(Bounce::Block),
        EventKind::Complained,
        EventKind::Delayed,
        EventKind::Opened,
        EventKind::Clicked {
            url: "https://example.com/a".into(),
        },
        EventKind::Rejected,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
    assert_eq!(kinds.len(), 8);
    assert!(
        inbox
            .events
            .values()
            .all(|event| event.message_id.as_deref() == Some("m1@example.com"))
    );
    assert!(
        inbox
            .events
            .values()
            .any(|event| event.detail == "smtp; 550 5.1.1 no")
    );
    assert_eq!(
        server.queue.lock().unwrap().len(),
        0,
        "what cannot be read does not stay for ever"
    );
}

#[tokio::test]
async fn suppressions_go_both_ways_and_the_quota_is_live() {
    let (_, host) = start().await;
    let api = api(Ses, &host).await;
    for number in 0..5 {
        let reason = if number % 2 == 0 {
            Reason::Bounce
        } else {
            Reason::Unsubscribe
        };
        api.suppress(&format!("p{number}@example.net"), reason)
            .await
            .unwrap();
    }
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = api.suppressions(next.as_deref()).await.unwrap();
        all.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let reasons: Vec<Reason> = all.iter().map(|entry| entry.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::Bounce,
            Reason::Complaint,
            Reason::Bounce,
            Reason::Complaint,
            Reason::Bounce
        ]
    );
    assert!(all.iter().all(|entry| entry.at.is_some()));
    let quota = api.quota().await.unwrap().unwrap();
    assert_eq!(
        (quota.limit, quota.sent, quota.per_day, quota.production),
        (200, 7, true, false)
    );
    assert_eq!(quota.per_second, Some(1.0));
}

#[tokio::test]
async fn without_a_queue_there_is_a_sentence_that_says_what_to_set() {
    let (_, host) = start().await;
    let failure = api(Ses, &host)
        .await
        .poll(None, at("2026-11-26T10:00:00Z"))
        .await
        .unwrap_err()
        .failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "queue")
    );
}
