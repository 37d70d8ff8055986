//! What servers answer, and what becomes of it.

use crate::{Scripted, answer, client};
use carillon_adapters::http::Reset;
use carillon_adapters::{Dialer, Http, Secret};
use carillon_model::message::FailureClass;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::test]
async fn an_answer_longer_than_the_bound_is_not_read_whatever_length_it_claims() {
    let long = "x".repeat(2000);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{long}\r\n0\r\n\r\n");
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}");
    for bytes in [answer("200 OK", "", &long), chunked, endless] {
        let server = Scripted::start(bytes).await;
        let http = client().await;
        let failure = http
            .get(&server.url("/"))
            .longest(1999)
            .send()
            .await
            .unwrap_err()
            .failure;
        assert_eq!(failure.code, "too_long");
        let answer = http.get(&server.url("/")).longest(2000).send().await.unwrap();
        assert_eq!(answer.body.len(), 2000);
    }
}

#[tokio::test]
async fn a_lost_answer_is_a_doubt_only_where_the_request_must_not_happen_twice() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this";
    for bytes in ["", "HTTP/1.1 2", cut, "SSH-2.0-OpenSSH\r\n"] {
        let server = Scripted::start(bytes).await;
        let http = client().await;
        let again = http.post(&server.url("/")).send().await.unwrap_err().failure;
        assert_eq!(again.class, FailureClass::Transient, "{bytes:?}");
        let once = http
            .post(&server.url("/"))
            .at_most_once()
            .send()
            .await
            .unwrap_err()
            .failure;
        assert_eq!(once.class, FailureClass::Unknown, "{bytes:?}");
    }
}

#[tokio::test]
async fn where_nothing_could_be_said_there_is_no_doubt() {
    let closed = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let http = client().await;
    let failure = http
        .post(&format!("http://{closed}/"))
        .at_most_once()
        .send()
        .await
        .unwrap_err()
        .failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "connection_refused")
    );
    let nowhere = Http::new(Dialer::new(true).with_name("none.example.com", Vec::new())).await;
    let failure = nowhere
        .post("http://none.example.com/")
        .at_most_once()
        .send()
        .await
        .unwrap_err()
        .failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "no_such_host")
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_the_time_that_is_given() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let http = client().await;
    let limit = Duration::from_millis(50);
    let failure = http.get(&url).time_limit(limit).send().await.unwrap_err().failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "timeout")
    );
    let failure = http
        .post(&url)
        .time_limit(limit)
        .at_most_once()
        .send()
        .await
        .unwrap_err()
        .failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Unknown, "timeout")
    );
}

#[tokio::test]
async fn a_status_has_its_class_and_the_words_of_the_server_without_our_secret() {
    use FailureClass::*;
    for (status, class) in [
        ("400 Bad Request", Setup),
        ("401 Unauthorized", Auth),
        ("403 Forbidden", Auth),
        ("404 Not Found", Setup),
        ("408 Request Timeout", Transient),
        ("429 Too Many Requests", Throttled),
        ("500 Internal Server Error", Transient),
        ("503 Service Unavailable", Transient),
    ] {
        let body = r#"{"errors":[{"message":"the key hunter2 \u0000\r\nis wrong"}]}"#;
        let server = Scripted::start(answer(status, "", body)).await;
        let http = client().await;
        let request = http.get(&server.url("/")).bearer(&Secret::new("hunter2".into()));
        let failure = request.send().await.unwrap().ok().unwrap_err().failure;
        assert_eq!((failure.class, failure.code.as_str()), (class, &status[..3]));
        assert!(
            failure.detail.ends_with(": the key … is wrong"),
            "{}",
            failure.detail
        );
    }
}

#[tokio::test]
async fn when_to_come_again_is_read_in_every_style() {
    let headers = "date: Thu, 26 Nov 2026 10:00:00 GMT\r\nretry-after: Thu, 26 Nov 2026 10:02:00 GMT\r\n\
                   x-relative: 30.2\r\nx-epoch: 1795687260\r\nx-past: 5\r\nx-odd: NaN\r\nx-huge: 1e300\r\n";
    let server = Scripted::start(answer("429 Too Many Requests", headers, "")).await;
    let failed = client().await.get(&server.url("/")).send().await.unwrap();
    let seconds = |wait: Option<Duration>| wait.map(|wait| wait.as_secs());
    assert_eq!(seconds(failed.retry_after()), Some(120));
    assert_eq!(seconds(failed.reset("x-relative", Reset::Seconds)), Some(31));
    assert_eq!(seconds(failed.reset("x-epoch", Reset::Epoch)), Some(60));
    assert_eq!(seconds(failed.reset("x-past", Reset::Epoch)), Some(0));
    for header in ["x-odd", "x-huge", "x-none", "date"] {
        assert_eq!(failed.reset(header, Reset::Seconds), None, "{header}");
    }
    for (value, expected) in [
        ("7", Some(7)),
        ("9999999999", Some(86_400)),
        ("soon", None),
        ("-1", None),
    ] {
        let headers = format!("retry-after: {value}\r\n");
        let server = Scripted::start(answer("503 Busy", &headers, "")).await;
        let failed = client()
            .await
            .get(&server.url("/"))
            .send()
            .await
            .unwrap()
            .ok()
            .unwrap_err();
        assert_eq!(seconds(failed.retry_after), expected, "{value}");
    }
}

#[tokio::test]
async fn json_that_is_not_what_was_expected_is_one_plain_failure() {
    for body in ["", "<html>", "[1,2", &"[".repeat(100_000), r#"{"a":1}"#] {
        let server = Scripted::start(answer("200 OK", "", body)).await;
        let answer = client().await.get(&server.url("/")).send().await.unwrap();
        let failure = answer.json::<Vec<u32>>().unwrap_err();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Transient, "answer")
        );
    }
}

#[tokio::test]
async fn a_line_that_stays_open_is_read_as_it_comes() {
    let stream = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n";
    let server = Scripted::start(stream).await;
    let http = client().await;
    let mut incoming = http.get(&server.url("/")).open().await.unwrap();
    let mut heard = Vec::new();
    while let Some(bytes) = incoming.chunk(Duration::from_secs(30)).await.unwrap() {
        heard.extend(bytes);
    }
    assert_eq!(heard, b"onetwo");
    let refused = Scripted::start(answer("401 Unauthorized", "", "")).await;
    let failed = http.get(&refused.url("/")).open().await.err().unwrap();
    assert_eq!(failed.failure.class, FailureClass::Auth);
}

#[tokio::test]
async fn a_header_that_would_break_the_request_is_refused() {
    let server = Scripted::start(answer("200 OK", "", "")).await;
    let http = client().await;
    let failure = http
        .get(&server.url("/"))
        .header("x-a", "b\r\nc: d")
        .send()
        .await
        .unwrap_err()
        .failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "header")
    );
    let broken = Secret::new("hunter2\n".into());
    let failure = http
        .get(&server.url("/"))
        .bearer(&broken)
        .send()
        .await
        .unwrap_err()
        .failure;
    assert!(!failure.detail.contains("hunter2"));
    assert_eq!(server.connections(), 0);
}
