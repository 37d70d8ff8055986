//! The log as machines of the workspace read it: once, in order, and never another history unnoticed.

use crate::ground::{ADDRESS, Ground, pair};
use carillon_adapters::relays::{Cursor, History, RelaySecrets};
use carillon_model::relay::{HitKind, SuppressionLine};
use carillon_relay::tokens::Payload;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

async fn clicks(ground: &Ground, count: u64) {
    for n in 0..count {
        let mut block = [0; 16];
        block[..8].copy_from_slice(&rand::random::<u64>().to_be_bytes());
        let link = ground.link_of(
            &block,
            &Payload::Click {
                link: 0,
                url: format!("https://shop.example/{n}"),
            },
        );
        assert_eq!(ground.get(&link).await.status, 302);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_pulled_in_order_by_cursor_and_go_only_when_acknowledged_and_the_grace_is_over() {
    let ground = Ground::new().await;
    clicks(&ground, 7).await;
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    loop {
        let pulled = ground.studio.pull(cursor.seq, 3, 0).await.unwrap();
        assert_eq!(cursor.judge(&pulled), History::Goes);
        if pulled.events.is_empty() {
            break;
        }
        seen.extend(pulled.events.iter().map(|e| e.seq));
        cursor = cursor.after(&pulled);
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    ground.studio.ack(&cursor.epoch, 5).await.unwrap();
    ground.pass(6 * 86_400);
    ground.relay().clean().await.unwrap();
    assert_eq!(ground.hits().await.len(), 7, "the grace is seven days");
    ground.pass(2 * 86_400);
    ground.relay().clean().await.unwrap();
    let left: Vec<u64> = ground.hits().await.iter().map(|h| h.seq).collect();
    assert_eq!(left, [6, 7], "what nobody acknowledged stays");
    clicks(&ground, 1).await;
    assert_eq!(ground.hits().await.last().unwrap().seq, 8);
    let early = ground.studio.ack(&cursor.epoch, 99).await.unwrap_err();
    assert_eq!(early.code, "epoch", "nobody acknowledges what was never told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_never_given_twice_even_when_all_events_are_gone() {
    let mut ground = Ground::new().await;
    clicks(&ground, 3).await;
    let epoch = ground.studio.state().await.unwrap().epoch;
    ground.studio.ack(&epoch, 3).await.unwrap();
    ground.pass(8 * 86_400);
    ground.relay().clean().await.unwrap();
    assert_eq!(ground.hits().await, []);
    ground.again(|_| {}).await;
    let state = ground.studio.state().await.unwrap();
    assert_eq!(
        (state.head, &state.epoch),
        (3, &epoch),
        "a restart changes neither"
    );
    clicks(&ground, 1).await;
    assert_eq!(ground.hits().await[0].seq, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_put_back_from_a_copy_has_a_new_epoch_and_its_old_events_keep_theirs() {
    let mut ground = Ground::new().await;
    clicks(&ground, 2).await;
    let folder = ground.folder.path().join("data").join(&ground.tenant);
    let copy = ground.folder.path().join("copy.db");
    let target = copy.clone();
    ground
        .again(move |folder| {
            let db = rusqlite::Connection::open(folder.join("relay.db")).unwrap();
            db.execute("VACUUM INTO ?1", [target.to_str().unwrap()]).unwrap();
        })
        .await;
    let pulled = ground.studio.pull(0, 10, 0).await.unwrap();
    let cursor = Cursor::default().after(&pulled);
    clicks(&ground, 3).await;
    let later = ground.studio.pull(cursor.seq, 10, 0).await.unwrap();
    let read = cursor.after(&later);
    ground
        .again(move |_| {
            for name in ["relay.db-wal", "relay.db-shm"] {
                std::fs::remove_file(folder.join(name)).ok();
            }
            std::fs::rename(&copy, folder.join("relay.db")).unwrap();
        })
        .await;
    clicks(&ground, 2).await;
    let pulled = ground.studio.pull(read.seq, 10, 0).await.unwrap();
    assert_eq!(read.judge(&pulled), History::Anew);
    let all = ground.hits().await;
    let old: Vec<u64> = all
        .iter()
        .filter(|h| h.epoch == read.epoch)
        .map(|h| h.seq)
        .collect();
    assert_eq!(old, [1, 2], "told again under the identity they had");
    let identities: BTreeSet<(String, u64)> = all.iter().map(|h| (h.epoch.clone(), h.seq)).collect();
    let known: BTreeSet<(String, u64)> = (1..=5).map(|seq| (read.epoch.clone(), seq)).collect();
    assert_eq!(
        identities.difference(&known).count(),
        2,
        "what is new is new to the laptop"
    );
    assert_eq!(
        ground.studio.ack(&read.epoch, read.seq).await.unwrap_err().code,
        "epoch"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_set_back_under_the_same_epoch_is_noticed() {
    let ground = Ground::new().await;
    clicks(&ground, 2).await;
    let pulled = ground.studio.pull(0, 10, 0).await.unwrap();
    let cursor = Cursor::default().after(&pulled);
    let ahead = Cursor {
        seq: 9,
        ..cursor.clone()
    };
    let pulled = ground.studio.pull(ahead.seq, 10, 0).await.unwrap();
    assert_eq!(ahead.judge(&pulled), History::WentBack, "fewer than were read");
    let other = Cursor {
        digest: "0".repeat(64),
        ..cursor.clone()
    };
    let pulled = ground.studio.pull(other.seq, 10, 0).await.unwrap();
    assert_eq!(
        other.judge(&pulled),
        History::WentBack,
        "another event under a number that was read"
    );
    assert_eq!(cursor.judge(&pulled), History::Goes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_on_the_live_line_before_two_seconds_are_over_and_wakes_a_long_poll() {
    let ground = Ground::new().await;
    let mut live = ground.studio.live(0).await.unwrap();
    let first = live.next().await.unwrap().unwrap();
    assert_eq!(
        (first.head, first.events.len()),
        (0, 0),
        "it says where the relay stands"
    );
    let poll = ground.studio.pull(0, 10, 30);
    let hit = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        clicks(&ground, 1).await;
        let told = live.next().await.unwrap().unwrap();
        (started.elapsed(), told)
    };
    let (polled, (took, told)) = tokio::join!(poll, hit);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(told.events, polled.unwrap().events);
    assert_eq!(told.events[0].kind, HitKind::Click);
    clicks(&ground, 2).await;
    let mut seqs = Vec::new();
    while seqs.len() < 2 {
        seqs.extend(live.next().await.unwrap().unwrap().events.iter().map(|e| e.seq));
    }
    assert_eq!(seqs, [2, 3], "each comes once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairing_code_works_once_and_a_wrong_one_never() {
    let ground = Ground::new().await;
    let code = ground.relay().add_tenant().await.unwrap();
    let mut wrong = code.clone();
    wrong.secret = code.secret.chars().rev().collect();
    assert_eq!(pair(&wrong).await.unwrap_err().code, "pairing");
    let mut elsewhere = code.clone();
    elsewhere.tenant = ground.tenant.clone();
    assert_eq!(pair(&elsewhere).await.unwrap_err().code, "pairing");
    assert!(pair(&code).await.is_ok());
    assert_eq!(pair(&code).await.unwrap_err().code, "pairing");
    assert!(
        ground.studio.state().await.is_ok(),
        "the other tenant is as it was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_a_paired_machine_reads_and_no_request_counts_twice() {
    let ground = Ground::new().await;
    clicks(&ground, 1).await;
    let stranger = ground.client(&RelaySecrets::generate().unwrap());
    assert_eq!(stranger.pull(0, 10, 0).await.unwrap_err().code, "device");
    for target in ["/v1/events?since=0", "/v1/state", "/v1/suppressions", "/v1/live"] {
        assert_eq!(ground.get(target).await.status, 401, "{target}");
    }
    let second = RelaySecrets {
        opening: ground.secrets.opening.clone(),
        ..RelaySecrets::generate().unwrap()
    };
    let second = ground.client(&second);
    let state = ground
        .studio
        .add_device(&second.this_machine("server"))
        .await
        .unwrap();
    assert_eq!(state.devices.len(), 2);
    let pulled = second.pull(0, 10, 0).await.unwrap();
    assert!(second.open(&pulled.events[0]).is_ok());
    let key = ground.studio.this_machine("").key;
    second.remove_device(&key).await.unwrap();
    assert_eq!(ground.studio.state().await.unwrap_err().code, "device");
    let last = second.this_machine("").key;
    assert_eq!(second.remove_device(&last).await.unwrap_err().code, "last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_refused_again_altered_or_old() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let ground = Ground::new().await;
    let seed = URL_SAFE_NO_PAD.decode(ground.secrets.device.expose()).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let device = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let ask = async |target: &str, signed: &str, time: i64, nonce: &str| {
        let text = carillon_model::relay::signed_text("GET", signed, &ground.tenant, time, nonce, empty);
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes()).as_ref());
        let time = time.to_string();
        let headers = [
            ("carillon-tenant", ground.tenant.as_str()),
            ("carillon-device", &device),
            ("carillon-time", &time),
            ("carillon-nonce", nonce),
            ("carillon-signature", &signature),
        ];
        let answer = ground.say("GET", target, &headers, b"").await;
        let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        (
            answer.status,
            said["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let now = chrono::Utc::now().timestamp_millis();
    let nonce = |n: u8| URL_SAFE_NO_PAD.encode([n; 16]);
    let state = "/v1/state";
    assert_eq!(ask(state, state, now, &nonce(1)).await.0, 200);
    assert_eq!(
        ask(state, state, now, &nonce(1)).await,
        (401, "replay".to_owned())
    );
    assert_eq!(
        ask("/v1/events?since=0", state, now, &nonce(2)).await,
        (401, "signature".to_owned())
    );
    for off in [-301_000, 301_000] {
        assert_eq!(
            ask(state, state, now + off, &nonce(3)).await,
            (401, "clock".to_owned())
        );
    }
    assert_eq!(
        ask(state, state, now, "short").await,
        (401, "signature".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_tell_each_other_who_is_not_written_to_and_who_is_again() {
    let ground = Ground::new().await;
    let line = |n: u8, lifted| SuppressionLine {
        address: format!("{n:02x}").repeat(16),
        scope: 0,
        lifted,
    };
    ground
        .studio
        .suppress(&[line(1, false), line(2, false)])
        .await
        .unwrap();
    let first = ground.studio.suppressions(0).await.unwrap();
    assert_eq!(first.lines, [line(1, false), line(2, false)]);
    ground.studio.suppress(&[line(1, false)]).await.unwrap();
    assert_eq!(
        ground.studio.suppressions(first.next).await.unwrap().lines,
        [],
        "nothing new"
    );
    ground.studio.suppress(&[line(1, true)]).await.unwrap();
    assert_eq!(
        ground.studio.suppressions(first.next).await.unwrap().lines,
        [line(1, true)]
    );
    let link = ground.link(&Payload::Unsubscribe {
        address: ADDRESS,
        scope: 4,
    });
    ground.post(&link, "List-Unsubscribe=One-Click").await;
    let last = ground.studio.suppressions(first.next).await.unwrap();
    assert_eq!(last.lines.last().unwrap().scope, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_opens_for_its_workspace_kind_and_moment_only() {
    let ground = Ground::new().await;
    clicks(&ground, 1).await;
    let event = ground.studio.pull(0, 1, 0).await.unwrap().events.remove(0);
    assert!(ground.studio.open(&event).is_ok());
    assert!(
        ground
            .client(&RelaySecrets::generate().unwrap())
            .open(&event)
            .is_err()
    );
    for change in [
        (|e| e.kind = HitKind::Open) as fn(&mut carillon_model::relay::SealedEvent),
        |e| e.received_at += chrono::TimeDelta::milliseconds(1),
        |e| {
            e.sealed
                .replace_range(60..61, if &e.sealed[60..61] == "A" { "B" } else { "A" })
        },
        |e| e.sealed.truncate(20),
        |e| e.sealed.clear(),
    ] {
        let mut changed = event.clone();
        change(&mut changed);
        assert!(ground.studio.open(&changed).is_err(), "{changed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_a_certificate_of_its_own_is_paired_over_tls_by_who_trusts_it_only() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = carillon_relay::TlsFiles {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut config = crate::ground::config(folder.path(), at, carillon_relay::Limits::for_practice());
    config.public_url = format!("https://localhost:{}", at.port());
    config.tls = Some(files.clone());
    let relay = carillon_relay::Relay::open(config, carillon_relay::Clock::system()).unwrap();
    let served = carillon_relay::serve(std::sync::Arc::new(relay), listener).unwrap();
    let code = served.relay().add_tenant().await.unwrap();
    let secrets = RelaySecrets::generate().unwrap();
    let pair = async |trusted: Option<&str>| {
        let dialer = carillon_adapters::Dialer::new(true);
        carillon_adapters::relays::RelayClient::pair(dialer, &code, &secrets, "laptop", trusted).await
    };
    assert_eq!(pair(None).await.map(|_| ()).unwrap_err().code, "certificate");
    let (studio, _) = pair(files.certificate.to_str()).await.unwrap();
    assert_eq!(studio.state().await.unwrap().head, 0);
}
