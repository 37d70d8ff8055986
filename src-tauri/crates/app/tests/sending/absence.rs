//! What fell due while nobody was there: a few messages leave, many wait for an answer.

use crate::shop::{FOOT, Shop, body};
use crate::studio::Studio;
use crate::trial;
use carillon_app::{App, absence};
use carillon_world::{Options, SmtpWorld, truth};
use chrono::TimeDelta;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::time::Duration;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "many_messages_that_fell_due_in_an_absence_wait_until_somebody_says_send",
            sent,
        ),
        trial(
            "messages_that_fell_due_in_an_absence_can_be_skipped_or_left_for_the_next_morning",
            skipped_and_later,
        ),
        trial("a_few_messages_leave_by_themselves_after_an_absence", few),
        trial(
            "a_workspace_that_is_opened_after_hours_lets_nothing_leave_before_it_has_asked",
            opened,
        ),
    ]
}

/// So many people with a message each, queued after an absence of three hours.
async fn back(people: usize) -> Shop {
    let shop = Shop::new(|_| {}).await;
    shop.people(people).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    shop.write_to_all().await;
    shop.studio.mutate("outbox.pause", json!({})).await;
    shop.run().await;
    let open = shop.studio.app.own().await.unwrap();
    let from = open.now() - TimeDelta::hours(3);
    absence::note(&open, from).await.unwrap();
    shop.studio.mutate("outbox.resume", json!({})).await;
    shop.run().await;
    shop
}

async fn seen(shop: &Shop) -> Value {
    shop.studio.query("absence.get", json!({})).await
}

async fn answer(shop: &Shop, fate: &str) {
    shop.studio
        .mutate("absence.answer", json!({ "fate": fate }))
        .await;
}

async fn sent() {
    let shop = back(30).await;
    assert_eq!(shop.taken().len(), 0, "nothing leaves before somebody says so");
    let found = seen(&shop).await;
    assert_eq!(found["waiting"], 30);
    assert_eq!(found["journeys"][0]["name"], "Hello");
    assert_eq!(found["journeys"][0]["fate"], "waits");
    let refused = shop
        .studio
        .ask(carillon_app::table::Kind::Mutate, "absence.close", json!({}));
    assert!(refused.await.is_err(), "what waits is not put away");
    answer(&shop, "send").await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 30);
    assert_eq!(seen(&shop).await["waiting"], 0);
    shop.studio.mutate("absence.close", json!({})).await;
    assert_eq!(seen(&shop).await, Value::Null);
}

async fn skipped_and_later() {
    let shop = back(30).await;
    answer(&shop, "skip").await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 0);
    assert_eq!(shop.in_state("cancelled").await, 30);

    let shop = back(30).await;
    answer(&shop, "next_morning").await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 0, "it is night in Berlin");
    let nine = json!({ "until": "2026-03-01T08:00:00Z", "for_secs": null });
    let before = json!({ "until": "2026-03-01T07:59:59Z", "for_secs": null });
    shop.studio.job("runtime.run", before).await;
    assert_eq!(shop.taken().len(), 0);
    shop.studio.job("runtime.run", nine).await;
    assert_eq!(shop.taken().len(), 30);
}

async fn few() {
    let shop = back(5).await;
    assert_eq!(shop.taken().len(), 5);
    let found = seen(&shop).await;
    assert_eq!(found["waiting"], 0);
    assert_eq!(found["journeys"][0]["messages"], 5);
    assert_eq!(found["journeys"][0]["fate"], "left_alone");

    let shop = Shop::new(|_| {}).await;
    shop.studio
        .mutate("absence.set_limit", json!({ "messages": 0 }))
        .await;
    let limit = shop.studio.query("absence.limit", json!({})).await;
    assert_eq!(limit["messages"], 0);
}

async fn opened() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("truth.jsonl");
    let world = SmtpWorld::start(Options::new(&log)).await.unwrap();
    let file = home.path().join("shop.carillon");
    prepared(&Studio::idle(home.path()), &file, world.address().port()).await;
    // Five hours ago somebody was there last.
    let rows = rusqlite::Connection::open(&file).unwrap();
    let aged = rows.execute("UPDATE marks SET next = next - 18000000 WHERE name = 'as_of'", ());
    assert_eq!(aged.unwrap(), 1);
    drop(rows);
    let studio = Studio {
        app: App::new(home.path().join("home"), true),
        dir: home.path().to_owned(),
    };
    studio
        .mutate("workspaces.open", json!({ "file": { "path": file } }))
        .await;
    let waiting = until(&studio, |seen| seen["waiting"].as_u64() == Some(30)).await;
    assert_eq!(waiting["journeys"][0]["name"], "Hello");
    // The loop has looked at them by the time the gate has said why they stay.
    loop {
        let page = json!({ "states": ["queued"], "offset": 0, "limit": 50 });
        let held = studio.query("outbox.page", page).await;
        let rows = held["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 30);
        if rows.iter().all(|row| !row["last_word"].is_null()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(truth::read(&log).unwrap().len(), 0);
    studio.mutate("absence.answer", json!({ "fate": "send" })).await;
    while truth::read(&log).unwrap().len() < 30 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    studio.mutate("workspaces.close", json!({})).await;
}

async fn until(studio: &Studio, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        let seen = studio.query("absence.get", json!({})).await;
        if fits(&seen) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A workspace on the real clock with thirty people in a journey that has written to none of them yet; closed.
async fn prepared(studio: &Studio, file: &std::path::Path, port: u16) {
    let args =
        json!({ "file": { "path": file }, "name": "Shop", "clock": "real", "time_zone": "Europe/Berlin" });
    studio.mutate("workspaces.create", args).await;
    let mut settings = studio.query("settings.get", json!({})).await;
    settings["organisation"] = json!("Ember & Oak");
    settings["postal_address"] = json!("1 Mill Lane, Bath");
    studio.mutate("settings.save", settings).await;
    let account = json!({
        "name": "World", "host": "127.0.0.1", "port": port, "tls": "none",
        "from_name": "Ember & Oak", "from_email": "hello@ember.example", "sessions": 1,
    });
    studio.mutate("accounts.add", json!({ "account": account })).await;
    let rows: String = (1..=30)
        .map(|n| format!("c{n}@example.com,Person {n}\n"))
        .collect();
    studio
        .import("people.csv", &format!("email,first_name\n{rows}"))
        .await;
    let body = body(&format!("Hello {{{{ first_name }}}}, {FOOT}"));
    let draft = json!({ "name": "Hello", "subject": "Hello", "body": body, "text": "" });
    studio
        .mutate("templates.save", json!({ "id": null, "draft": draft }))
        .await;
    let all = json!({ "id": null, "name": "All", "text": "everyone" });
    studio.mutate("segments.save", all).await;
    let entry = json!({ "segment": "All", "on": "entered", "include_current": true });
    let drawn = json!({
        "format": "carillon/journey/1", "name": "Hello",
        "steps": [
            { "id": "s1", "kind": "entry_segment", "settings": entry, "next": { "next": "s2" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Hello" }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    let imported = studio
        .mutate("journeys.import", json!({ "text": drawn.to_string() }))
        .await;
    studio
        .mutate("journeys.publish", json!({ "id": imported["id"] }))
        .await;
    studio.mutate("workspaces.close", json!({})).await;
}
