//! What fell due while nobody was there: a few messages leave, many wait for an answer.

use crate::shop::{FOOT, Shop, body};
use crate::studio::Studio;
use crate::trial;
use crate::waiting::until;
use carillon_app::{App, absence};
use carillon_relay::{Clock, Config, Limits, Relay};
use carillon_store::{Priority, Topic};
use carillon_world::{Options, SmtpWorld, truth};
use chrono::TimeDelta;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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
        trial(
            "whatever_moment_an_answer_is_cut_off_at_what_was_sent_on_goes_and_what_was_skipped_stays",
            cut_off,
        ),
        trial("of_two_answers_the_first_stands", two_answers),
        trial("a_few_messages_leave_by_themselves_after_an_absence", few),
        trial(
            "a_workspace_that_is_opened_after_hours_lets_nothing_leave_before_it_has_asked",
            opened,
        ),
        trial(
            "whoever_said_no_while_the_keys_were_locked_is_heard_before_what_is_due_leaves",
            heard_first,
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

/// Whether each commit of an answer wrote what becomes of the messages. There are more messages than one commit takes.
async fn commits_of(fate: &str) -> Vec<bool> {
    let shop = back(600).await;
    let open = shop.studio.app.own().await.unwrap();
    let mut commits = open.store.subscribe();
    answer(&shop, fate).await;
    let mut wrote = Vec::new();
    while let Ok(commit) = commits.try_recv() {
        if commit.topics.contains(Topic::Outbox) {
            wrote.push(commit.topics.contains(Topic::Workspace));
        }
    }
    assert_eq!(seen(&shop).await["journeys"][0]["fate"], fate);
    wrote
}

async fn cut_off() {
    // Sent on: from the first commit on the gate holds none of them.
    assert_eq!(commits_of("send").await, [true, false]);
    // Else none is let go before the last of them has its answer.
    assert_eq!(commits_of("skip").await, [false, true]);
    assert_eq!(commits_of("next_morning").await, [false, true]);
}

async fn two_answers() {
    let shop = back(30).await;
    let open = shop.studio.app.own().await.unwrap();
    // Both have read that it waits before either is written: the writer has something else to do until then.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let busy = open.store.write(Priority::User, move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let released = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        go.send(()).unwrap();
    };
    let (busy, ..) = tokio::join!(busy, answer(&shop, "skip"), answer(&shop, "send"), released);
    busy.unwrap();
    let fate = seen(&shop).await["journeys"][0]["fate"].clone();
    shop.run().await;
    let ends = (shop.taken().len(), shop.in_state("cancelled").await);
    match fate.as_str().unwrap() {
        "send" => assert_eq!(ends, (30, 0)),
        "skip" => assert_eq!(ends, (0, 30)),
        other => panic!("{other}"),
    }
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
    let studio = Studio::idle(home.path());
    prepared(&studio, &file, world.address().port(), 30).await;
    write_to_all(&studio, "Hello").await;
    studio.mutate("workspaces.close", json!({})).await;
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
    let mut waiting = Value::Null;
    until("thirty messages that wait for an answer", async || {
        waiting = studio.query("absence.get", json!({})).await;
        waiting["waiting"].as_u64() == Some(30)
    })
    .await;
    assert_eq!(waiting["journeys"][0]["name"], "Hello");
    // The loop has looked at them by the time the gate has said why they stay.
    until("the gate's word on each of them", async || {
        let page = json!({ "states": ["queued"], "offset": 0, "limit": 50 });
        let held = studio.query("outbox.page", page).await;
        let rows = held["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 30);
        rows.iter().all(|row| !row["last_word"].is_null())
    })
    .await;
    assert_eq!(truth::read(&log).unwrap().len(), 0);
    studio.mutate("absence.answer", json!({ "fate": "send" })).await;
    until("thirty mails that were sent on", async || {
        truth::read(&log).unwrap().len() >= 30
    })
    .await;
    studio.mutate("workspaces.close", json!({})).await;
}

/// A workspace on the real clock with so many people, a template and an account.
async fn prepared(studio: &Studio, file: &Path, port: u16, people: usize) {
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
    let rows: String = (1..=people)
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
}

/// Publishes a journey of one mail to everybody; nothing of it is done yet.
async fn write_to_all(studio: &Studio, name: &str) {
    let entry = json!({ "segment": "All", "on": "entered", "include_current": true });
    let drawn = json!({
        "format": "carillon/journey/1", "name": name,
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
}

/// A relay that is far away: each connection to it waits before it gets there.
async fn far_away(delay: Duration) -> (String, carillon_relay::Handle, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let near = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let far = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (at, public) = (near.local_addr().unwrap(), far.local_addr().unwrap());
    let config = Config {
        listen: at,
        public_url: format!("http://{public}"),
        data: folder.path().join("data"),
        behind_proxy: false,
        tls: None,
        limits: Limits::for_practice(),
    };
    let relay = Relay::open(config, Clock::system()).unwrap();
    let served = carillon_relay::serve(Arc::new(relay), near).unwrap();
    tokio::spawn(async move {
        while let Ok((mut guest, _)) = far.accept().await {
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let mut host = TcpStream::connect(at).await?;
                tokio::io::copy_bidirectional(&mut guest, &mut host).await
            });
        }
    });
    (format!("http://{at}"), served, folder)
}

async fn heard_first() {
    const PASSPHRASE: &str = "four words nobody knows";
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("truth.jsonl");
    let mut options = Options::new(&log);
    options.mailbox = Some(home.path().join("mail"));
    let world = SmtpWorld::start(options).await.unwrap();
    let file = home.path().join("shop.carillon");
    let (near, relay, _folder) = far_away(Duration::from_millis(700)).await;
    let studio = Studio::idle(home.path());
    prepared(&studio, &file, world.address().port(), 3).await;
    let code = relay.relay().add_tenant().await.unwrap().to_string();
    let pair = json!({ "code": code, "keep": "passphrase_file", "passphrase": PASSPHRASE });
    studio.mutate("relay.pair", pair).await;
    write_to_all(&studio, "First").await;
    studio
        .job("runtime.run", json!({ "until": null, "for_secs": null }))
        .await;
    assert_eq!(truth::read(&log).unwrap().len(), 3);
    write_to_all(&studio, "Second").await;
    studio.mutate("workspaces.close", json!({})).await;
    drop(studio);

    // Whoever got the last of them says no, while nobody is there.
    let mailbox = carillon_world::Mailbox::open(&home.path().join("mail")).unwrap();
    let last = mailbox.list().unwrap().pop().unwrap();
    let mail = mailbox.read(&last).unwrap().unwrap();
    let gone = truth::read(&log).unwrap().pop().unwrap().rcpt_to;
    let parsed = mail_parser::MessageParser::default().parse(&mail).unwrap();
    let mail_parser::HeaderValue::Address(list) = parsed.header("List-Unsubscribe").unwrap() else {
        panic!("no addresses in List-Unsubscribe");
    };
    let link = list
        .iter()
        .filter_map(|one| one.address())
        .find_map(|address| address.split_once("/u/"))
        .unwrap();
    let answer = one_click(&near, &format!("/u/{}", link.1)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let studio = Studio {
        app: App::new(home.path().join("home"), true),
        dir: home.path().to_owned(),
    };
    studio
        .mutate("workspaces.open", json!({ "file": { "path": file } }))
        .await;
    studio
        .mutate("accounts.unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    until(
        "the two others' mails, and the gate's word on whoever said no",
        async || {
            let reached = truth::read(&log).unwrap();
            let again = reached.iter().skip(3).any(|mail| mail.rcpt_to == gone);
            assert!(!again, "whoever had said no got another mail");
            in_state(&studio, "suppressed").await >= 1 && reached.len() >= 5
        },
    )
    .await;
    assert_eq!(truth::read(&log).unwrap().len(), 5);
    studio.mutate("workspaces.close", json!({})).await;
    relay.stop().await;
}

async fn in_state(studio: &Studio, state: &str) -> u64 {
    let page = json!({ "states": [state], "offset": 0, "limit": 10 });
    let found = studio.query("outbox.page", page).await;
    found["total"].as_u64().unwrap()
}

/// Presses the button of a mail program (RFC 8058).
async fn one_click(at: &str, path: &str) -> String {
    let host = at.strip_prefix("http://").unwrap();
    let body = "List-Unsubscribe=One-Click";
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    );
    let mut line = TcpStream::connect(host).await.unwrap();
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    answer
}
