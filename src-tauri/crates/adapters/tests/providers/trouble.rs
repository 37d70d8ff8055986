//! What goes wrong in the same way with all of them.

use crate::{KEY, MESSAGE, api, at, json, serve, with_secret};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use carillon_adapters::Http;
use carillon_adapters::providers::{Api, Outgoing, Reason};
use carillon_adapters::{Dialer, Secret};
use carillon_model::message::{Failure, FailureClass};
use carillon_model::provider::ProviderKind;
use serde_json::json as value;
use std::time::Duration;

/// Those that are asked over plain JSON; SES has its own tests.
const KINDS: [ProviderKind; 5] = ProviderKind::ALL;

async fn always(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> String {
    serve(Router::new().fallback(move || {
        let answer = answer.clone();
        async move { answer() }
    }))
    .await
}

async fn sending(
    kind: ProviderKind,
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> Failure {
    let host = always(answer).await;
    api(kind, &host).await.send(&MESSAGE).await.unwrap_err().failure
}

#[tokio::test]
async fn a_server_error_after_the_message_was_handed_over_is_a_doubt() {
    for kind in KINDS {
        for status in [500, 502, 504] {
            let failure = sending(kind, move || {
                StatusCode::from_u16(status).unwrap().into_response()
            })
            .await;
            assert_eq!(failure.class, FailureClass::Unknown, "{kind:?} {status}");
        }
        let busy = sending(kind, || StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
        assert_eq!(busy.class, FailureClass::Transient, "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_a_doubt() {
    for kind in KINDS {
        let failure = sending(kind, || {
            let cut = less_than_it_claims();
            Response::builder()
                .header("content-length", "100")
                .body(cut)
                .unwrap()
        })
        .await;
        assert_eq!(failure.class, FailureClass::Unknown, "{kind:?}");
    }
}

fn less_than_it_claims() -> Body {
    Body::from("{\"id\":")
}

#[tokio::test]
async fn a_wrong_key_is_a_matter_of_the_account_and_is_never_shown() {
    for kind in KINDS {
        let refuse = || (StatusCode::UNAUTHORIZED, format!("no such key {KEY}")).into_response();
        let host = always(refuse).await;
        let api = api(kind, &host).await;
        for failure in [
            api.send(&MESSAGE).await.unwrap_err().failure,
            api.suppressions(None).await.unwrap_err().failure,
            api.quota().await.unwrap_err().failure,
        ] {
            assert_eq!(failure.class, FailureClass::Auth, "{kind:?}");
            let shown = kind == ProviderKind::Ses || !failure.detail.contains("hunter2");
            assert!(shown, "{kind:?}: {}", failure.detail);
        }
    }
}

#[tokio::test]
async fn when_to_come_again_is_obeyed_in_the_style_of_each() {
    let date = "Thu, 26 Nov 2026 10:00:00 GMT";
    for (kind, header, text) in [
        (ProviderKind::Ses, "retry-after", "60"),
        (
            ProviderKind::Mailgun,
            "retry-after",
            "Thu, 26 Nov 2026 10:01:00 GMT",
        ),
        (ProviderKind::Postmark, "retry-after", "60"),
        (ProviderKind::Brevo, "x-sib-ratelimit-reset", "60"),
        (ProviderKind::Sendgrid, "x-ratelimit-reset", "1795687260"),
    ] {
        let host = always(move || {
            let answer = Response::builder()
                .status(429)
                .header("date", date)
                .header(header, text);
            answer.body(Body::empty()).unwrap()
        })
        .await;
        let failed = api(kind, &host).await.send(&MESSAGE).await.unwrap_err();
        assert_eq!(failed.failure.class, FailureClass::Throttled, "{kind:?}");
        assert_eq!(failed.retry_after, Some(Duration::from_secs(60)), "{kind:?}");
    }
}

#[tokio::test]
async fn hostile_answers_are_failures_or_are_skipped_and_never_events() {
    let deep = "[".repeat(200_000);
    let odd = value!([null, 7, "x", {"id": 1}, {"email": {"a": 1}, "created": "soon"}, {"created": i64::MAX, "email": "a"}]);
    let lists = value!({
        "items": odd, "events": odd, "Bounces": odd, "Messages": odd, "Opens": odd, "Clicks": odd, "contacts": odd,
        "Suppressions": odd, "TotalCount": 3, "paging": {"next": "http://203.0.113.7/steal"},
        "SuppressedDestinationSummaries": odd,
    });
    for kind in KINDS.into_iter().filter(|kind| *kind != ProviderKind::Ses) {
        for body in [
            deep.clone(),
            "<html>".into(),
            "".into(),
            "7".into(),
            lists.to_string(),
            odd.to_string(),
        ] {
            let host = always(move || body.clone().into_response()).await;
            let api = api(kind, &host).await;
            if let Ok(batch) = api.poll(None, at("2026-11-26T10:00:00Z")).await {
                assert_eq!(batch.events, [], "{kind:?}");
            }
            if let Ok(page) = api.suppressions(None).await {
                assert!(page.entries.len() <= 1, "{kind:?}");
            }
            api.quota().await.ok();
            api.find("m1@example.com", "ann@example.net").await.ok();
        }
    }
}

#[tokio::test]
async fn an_answer_of_many_megabytes_is_not_read() {
    for kind in KINDS.into_iter().filter(|kind| *kind != ProviderKind::Ses) {
        let host = always(|| "x".repeat(6_000_000).into_response()).await;
        let failure = api(kind, &host)
            .await
            .poll(None, at("2026-11-26T10:00:00Z"))
            .await
            .unwrap_err()
            .failure;
        assert_eq!(failure.code, "too_long", "{kind:?}");
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_is_refused() {
    for kind in KINDS.into_iter().filter(|kind| *kind != ProviderKind::Ses) {
        let host = always(|| json(value!({}))).await;
        let poll = api(kind, &host)
            .await
            .poll(Some("{\"a\":1}"), at("2026-11-26T10:00:00Z"))
            .await;
        assert_eq!(poll.unwrap_err().failure.code, "cursor", "{kind:?}");
    }
}

#[tokio::test]
async fn an_account_without_its_key_or_with_an_unknown_region_is_not_made() {
    let http = Http::new(Dialer::new(true)).await;
    let mut settings = crate::settings(ProviderKind::Mailgun, "http://127.0.0.1:1");
    let make = |settings, key: &str| Api::new(http.clone(), settings, Secret::new(key.into())).err();
    assert_eq!(make(settings.clone(), "").unwrap().class, FailureClass::Setup);
    settings.host = None;
    settings.region = "mars".into();
    assert_eq!(make(settings, KEY).unwrap().code, "region");
    with_secret(ProviderKind::Mailgun, "http://127.0.0.1:1", KEY).await;
}

#[tokio::test]
async fn a_message_that_is_longer_than_the_provider_takes_is_not_handed_over() {
    for kind in KINDS {
        let mime = vec![b'x'; 41_000_000];
        let message = Outgoing {
            mime: &mime,
            ..MESSAGE
        };
        let failure = api(kind, "http://127.0.0.1:1")
            .await
            .send(&message)
            .await
            .unwrap_err()
            .failure;
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Sender, "too_long"),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn suppressing_says_what_the_server_says() {
    for kind in KINDS {
        let host = always(|| json(value!({}))).await;
        api(kind, &host)
            .await
            .suppress("ann@example.net", Reason::Unsubscribe)
            .await
            .unwrap();
        let host = always(|| StatusCode::BAD_REQUEST.into_response()).await;
        api(kind, &host)
            .await
            .suppress("ann@example.net", Reason::Unsubscribe)
            .await
            .unwrap_err();
    }
}
