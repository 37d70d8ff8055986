//! The script of the user's site, events with a key, what the guard holds, and what a thief of the disk finds.

use crate::forms::{ANN, place, push, stamp, work};
use crate::ground::{ADDRESS, Ground, settings};
use carillon_adapters::relays::new_api_key;
use carillon_model::relay::{HitKind, What};
use carillon_relay::Limits;
use carillon_relay::tokens::Payload;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PAGE: &[u8] =
    br#"{"type":"page","anonymousId":"v1","messageId":"m1","properties":{"url":"https://shop.example/"}}"#;

async fn with_key(ground: &Ground) -> String {
    let (key, told) = new_api_key(&ground.tenant, "shop").unwrap();
    let mut settings = settings();
    settings.keys = vec![told];
    ground.studio.set_settings(&settings).await.unwrap();
    key.expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_sends_nothing_without_consent_and_nothing_under_global_privacy_control() {
    let ground = Ground::new().await;
    push(&ground, |_| {}).await;
    let script = ground.get(&format!("/s/{}.js", ground.tenant)).await;
    assert_eq!(
        (script.status, script.header("content-type")),
        (200, Some("text/javascript; charset=utf-8"))
    );
    assert!(script.text().contains("globalPrivacyControl") && !script.text().contains("document.cookie"));
    let report = format!("/s/{}", ground.tenant);
    let ours = ("origin", "https://shop.example");
    for (headers, status, kept) in [
        (vec![ours], 204, 1),
        (vec![ours, ("sec-gpc", "1")], 204, 1),
        (vec![("origin", "https://evil.example")], 403, 1),
        (vec![], 403, 1),
    ] {
        let answer = ground.say("POST", &report, &headers, PAGE).await;
        assert_eq!(answer.status, status, "{headers:?}");
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, headers.contains(&ours).then_some("https://shop.example"));
        assert_eq!(ground.whats().await.len(), kept, "{headers:?}");
    }
    assert_eq!(ground.get("/s/nobody.js").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_with_a_key_one_by_one_or_many_and_a_message_id_counts_once() {
    let ground = Ground::new().await;
    let key = with_key(&ground).await;
    use base64::Engine;
    let basic = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(format!("{key}:"))
    );
    let bearer = format!("Bearer {key}");
    let order = br#"{"userId":"u1","event":"order","messageId":"o1","properties":{"total":12.5},"timestamp":"2027-01-15T08:00:00Z"}"#;
    for auth in [&basic, &bearer] {
        let answer = ground
            .say("POST", "/v1/track", &[("authorization", auth)], order)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let batch = br#"{"batch":[{"type":"identify","userId":"u1","traits":{"email":"ann@shop.example"},"messageId":"i1"},
        {"type":"track","userId":"u1","event":"order","messageId":"o1"},{"type":"page","anonymousId":"v","name":"home"}]}"#;
    let answer = ground
        .say("POST", "/v1/batch", &[("authorization", &bearer)], batch)
        .await;
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&said["accepted"], &said["duplicates"]), (&2.into(), &1.into()));
    let kinds: Vec<HitKind> = ground.whats().await.iter().map(What::kind).collect();
    assert_eq!(kinds, [HitKind::Track, HitKind::Identify, HitKind::Page]);
    let What::Track(first) = &ground.whats().await[0] else {
        panic!()
    };
    assert_eq!(
        (first.key.as_deref(), first.event.as_deref()),
        (Some("shop"), Some("order"))
    );
    assert_eq!(first.properties["total"], 12.5);
    let other = format!("Bearer {}x", key);
    for (auth, body, status) in [
        (other.as_str(), &order[..], 401),
        ("", order, 401),
        (&bearer, b"{}", 400),
        (&bearer, br#"{"event":"x"}"#, 400),
        (&bearer, br#"{"userId":"u"}"#, 400),
        (&bearer, b"[", 400),
    ] {
        let answer = ground
            .say("POST", "/v1/track", &[("authorization", auth)], body)
            .await;
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(body));
    }
    ground.pass(8 * 86_400);
    ground.relay().clean().await.unwrap();
    ground
        .say("POST", "/v1/track", &[("authorization", &bearer)], order)
        .await;
    assert_eq!(
        ground.whats().await.len(),
        4,
        "an id is remembered for seven days"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_a_slow_head_and_a_slow_body_are_cut_off() {
    let limits = Limits {
        read_secs: 1,
        ..Limits::for_practice()
    };
    let ground = Ground::with(limits).await;
    let key = with_key(&ground).await;
    let auth = format!("Bearer {key}");
    let large = vec![b' '; 64 * 1024 + 1];
    let answer = ground
        .say("POST", "/v1/track", &[("authorization", &auth)], &large)
        .await;
    assert_eq!(answer.status, 413);
    for start in [
        "GET / HTTP/1.1\r\nhost: x\r\nx-a: ",
        "POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
    ] {
        let mut line = TcpStream::connect(ground.at).await.unwrap();
        line.write_all(start.as_bytes()).await.unwrap();
        let started = Instant::now();
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), line.read_to_end(&mut bytes)).await;
        assert!(closed.is_ok(), "{start:?} was waited for");
        assert!(
            started.elapsed() >= Duration::from_millis(900),
            "not before its time"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_only_so_many_connections_and_requests_but_unsubscribes_all_it_wants() {
    let limits = Limits {
        connections_per_address: 4,
        requests_per_second: 1.0,
        attempts_per_minute: 5.0,
        ..Limits::for_practice()
    };
    let ground = Ground::with(limits).await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(ground.get("/health").await.status);
    }
    assert!(
        statuses.contains(&200) && statuses.ends_with(&[429, 429]),
        "{statuses:?}"
    );
    for n in 0..40u8 {
        let link = ground.link_of(
            &[n; 16],
            &Payload::Unsubscribe {
                address: ADDRESS,
                scope: 0,
            },
        );
        assert_eq!(ground.post(&link, "List-Unsubscribe=One-Click").await.status, 200);
    }
    let guesses: Vec<u16> = {
        let mut all = Vec::new();
        for n in 0..8 {
            all.push(ground.get(&format!("/u/AAAAAAAA/{n}")).await.status);
        }
        all
    };
    assert_eq!(guesses.last(), Some(&429), "{guesses:?}");
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(ground.at).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut fifth = TcpStream::connect(ground.at).await.unwrap();
    fifth
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .ok();
    let mut bytes = Vec::new();
    fifth.read_to_end(&mut bytes).await.ok();
    assert_eq!(bytes, b"", "no seat, no answer");
}

fn files(folder: &Path, found: &mut Vec<u8>) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += files(&path, found);
        } else {
            found.extend(std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_disk_has_no_address_no_click_target_and_no_word_of_a_person() {
    let ground = Ground::new().await;
    push(&ground, |_| {}).await;
    let agent = [("user-agent", "canary-agent/7"), ("accept-language", "xx-canary")];
    let click = Payload::Click {
        link: 0,
        url: "https://shop.example/canary-target".to_owned(),
    };
    ground.say("GET", &ground.link(&click), &agent, b"").await;
    let unsubscribe = ground.link(&Payload::Unsubscribe {
        address: ADDRESS,
        scope: 0,
    });
    ground.post(&unsubscribe, "List-Unsubscribe=One-Click").await;
    let stamp = stamp(&ground).await;
    ground.pass(4);
    let filled = format!("_stamp={stamp}&_work={}&{ANN}", work(&stamp, 8)).replace("ann%40", "canary-ann%40");
    assert_eq!(ground.post(&place(&ground), &filled).await.status, 200);
    let report = format!("/s/{}", ground.tenant);
    let page = br#"{"type":"page","anonymousId":"canary-visitor","messageId":"canary-id","properties":{"url":"https://x/canary-page"}}"#;
    ground
        .say("POST", &report, &[("origin", "https://shop.example")], page)
        .await;
    assert_eq!(ground.hits().await.len(), 4, "all of it is there, for the laptop");
    let mut bytes = Vec::new();
    let count = files(ground.folder.path(), &mut bytes);
    assert!(
        count >= 3 && bytes.windows(10).any(|w| w == b"newsletter"),
        "the files were read, WAL and all"
    );
    let token = crate::ground::BLOCK;
    for canary in [
        &b"canary"[..],
        b"ann@shop.example",
        b"ann%40shop",
        b"127.0.0.1",
        &token[..],
        ground.secrets.opening.expose().as_bytes(),
        ground.secrets.device.expose().as_bytes(),
    ] {
        let there = bytes.windows(canary.len()).any(|w| w == canary);
        assert!(!there, "{:?} is on the disk", String::from_utf8_lossy(canary));
    }
}
