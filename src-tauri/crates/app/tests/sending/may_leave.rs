//! A reply that may be a wish to get no more mail: marketing to its sender rests until somebody has decided.

use crate::shop::{FOOT, Shop};
use crate::trial;
use carillon_app::table::Kind;
use carillon_model::AccountId;
use carillon_store::Db;
use carillon_store::outbox::{self, Which};
use chrono::TimeDelta;
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "marketing_to_whoever_may_want_to_leave_rests_until_it_is_decided_and_then_goes_or_ends",
            decided,
        ),
        trial("what_nobody_decides_on_for_a_week_is_not_sent_any_more", late),
        trial(
            "a_person_taken_off_for_a_reply_is_put_back_as_they_were_when_that_is_taken_back",
            taken_back,
        ),
        trial(
            "a_doubtful_mail_that_names_no_message_of_ours_holds_for_its_sender_too",
            unnamed,
        ),
        trial(
            "a_campaign_leaves_out_whoever_may_want_to_leave_and_says_why",
            left_out,
        ),
    ]
}

const DOUBTFUL: &str = "Such a lot of paper for one old lady. I have no use for any of it.";

fn answer(id: &str, from: &str, text: &str) -> String {
    let named = match id {
        "" => String::new(),
        id => format!("In-Reply-To: {id}\nReferences: {id}\n"),
    };
    format!(
        "From: {from}\nTo: hello@ember.example\nSubject: Re: Hello\nDate: Sun, 01 Mar 2026 00:00:00 +0000\n\
         Message-ID: <{from}>\n{named}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
}

/// A shop that has written to three people, the first of whom has answered in words that are not sure.
async fn doubted() -> Shop {
    let shop = Shop::new(|_| {}).await;
    shop.people(3).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    shop.write_to_all().await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 3);
    let mail = answer(&shop.id_of("c1@example.com"), "c1@example.com", DOUBTFUL);
    assert_eq!(shop.take_in(&mail).await, json!({ "kind": "reply", "kept": 1 }));
    shop
}

/// Sends to everybody through a new journey of this name.
async fn send(shop: &Shop, name: &str, transactional: bool) {
    let drawn = json!({
        "format": "carillon/journey/1", "name": name,
        "steps": [
            { "id": "s1", "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true }, "next": { "next": "s2" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Hello", "transactional": transactional }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    let args = json!({ "text": drawn.to_string() });
    let id = shop.studio.mutate("journeys.import", args).await["id"].clone();
    shop.studio.mutate("journeys.publish", json!({ "id": id })).await;
    shop.run().await;
}

/// Why what stands in a state does not leave.
async fn words(shop: &Shop, state: &str) -> Vec<String> {
    let page = json!({ "states": [state], "offset": 0, "limit": 100 });
    let page = shop.studio.query("outbox.page", page).await;
    let rows = page["rows"].as_array().unwrap().iter();
    rows.map(|row| row["last_word"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// How long from now the first account has nothing to do.
async fn next_look(shop: &Shop) -> TimeDelta {
    let open = shop.studio.app.own().await.unwrap();
    let next = |db: &Db<'_>| outbox::next_at(db, AccountId(1), Which::Any);
    open.store.read(next).await.unwrap().unwrap() - open.now()
}

async fn undecided(shop: &Shop) -> Vec<Value> {
    let found = shop.studio.query("responses.undecided", json!({})).await;
    let rows = found["rows"].as_array().unwrap().clone();
    assert_eq!(found["count"], json!(rows.len()));
    rows
}

async fn decide(shop: &Shop, id: &Value, decided: &str) {
    let args = json!({ "id": id, "decided": decided });
    shop.studio.mutate("responses.decide", args).await;
}

fn reached(shop: &Shop, who: &str) -> usize {
    shop.reached().iter().filter(|to| *to == who).count()
}

async fn listed(shop: &Shop) -> bool {
    let asked = json!({ "email": "c1@example.com" });
    shop.studio.query("suppressions.check", asked).await["suppressed"] == json!(true)
}

async fn decided() {
    let shop = doubted().await;
    let rows = undecided(&shop).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["email"], &rows[0]["may_leave"]),
        (&json!("c1@example.com"), &json!("open"))
    );
    assert_eq!(rows[0]["detail"], json!(DOUBTFUL));
    let id = rows[0]["id"].clone();
    let shown = shop.studio.contact("c1@example.com").await;
    assert_eq!(shown["chosen"]["undecided"], json!([id]));

    send(&shop, "News", false).await;
    assert_eq!(
        (reached(&shop, "c1@example.com"), reached(&shop, "c2@example.com")),
        (1, 2)
    );
    let why = words(&shop, "queued").await;
    assert_eq!(why.len(), 1);
    assert!(why[0].contains("may be a wish to be left alone"), "{why:?}");
    assert!(
        next_look(&shop).await >= TimeDelta::hours(23),
        "a fast clock is not stopped"
    );
    send(&shop, "Receipt", true).await;
    assert_eq!(reached(&shop, "c1@example.com"), 2, "what was asked for goes on");

    decide(&shop, &id, "kept").await;
    assert!(undecided(&shop).await.is_empty());
    shop.run().await;
    assert_eq!(reached(&shop, "c1@example.com"), 3, "the mail that was held");
    assert!(words(&shop, "queued").await.is_empty());

    decide(&shop, &id, "left").await;
    assert!(listed(&shop).await && !shop.studio.permitted("c1@example.com").await);
    let shown = shop.studio.contact("c1@example.com").await;
    assert_eq!(shown["suppressed"]["source"], json!(format!("reply:{id}")));
    assert_eq!(shown["suppressed"]["reason"], json!("unsubscribed"));
    send(&shop, "More", false).await;
    assert_eq!(
        (reached(&shop, "c1@example.com"), reached(&shop, "c2@example.com")),
        (3, 4)
    );
    assert_eq!(shop.in_state("suppressed").await, 1);

    let other = json!({ "id": 999, "decided": "kept" });
    let refused = shop.studio.ask(Kind::Mutate, "responses.decide", other).await;
    assert!(refused.unwrap_err().message.contains("999"));
}

async fn late() {
    let shop = doubted().await;
    send(&shop, "News", false).await;
    let days = json!({ "until": null, "for_secs": 8 * 86_400 });
    shop.studio.job("runtime.run", days).await;
    assert!(words(&shop, "queued").await.is_empty());
    let why = words(&shop, "suppressed").await;
    assert!(why[0].contains("may be a wish to be left alone"), "{why:?}");
    let id = undecided(&shop).await[0]["id"].clone();
    decide(&shop, &id, "kept").await;
    shop.run().await;
    assert_eq!(reached(&shop, "c1@example.com"), 1);
}

async fn taken_back() {
    let shop = doubted().await;
    let again = answer(
        &shop.id_of("c1@example.com"),
        "C1@example.com",
        "Still so much paper. Why me?",
    );
    assert_eq!(shop.take_in(&again).await["kept"], json!(1));
    let rows = undecided(&shop).await;
    assert_eq!(rows.len(), 2);
    let id = rows[1]["id"].clone();
    decide(&shop, &id, "left").await;
    assert!(
        undecided(&shop).await.is_empty(),
        "the other reply is answered by it"
    );
    assert!(listed(&shop).await && !shop.studio.permitted("c1@example.com").await);

    decide(&shop, &id, "open").await;
    assert!(!listed(&shop).await && shop.studio.permitted("c1@example.com").await);
    send(&shop, "News", false).await;
    assert_eq!(reached(&shop, "c1@example.com"), 1, "it is to be decided again");

    // Who said no themselves meanwhile stays where they are.
    let no = json!({ "email": "c1@example.com", "reason": "complained", "source": "a call" });
    shop.studio.mutate("suppressions.add", no).await;
    decide(&shop, &id, "left").await;
    decide(&shop, &id, "kept").await;
    assert!(listed(&shop).await);
}

async fn unnamed() {
    let shop = doubted().await;
    let plain = answer("", "c2@example.com", "How much is the oak table?");
    assert_eq!(
        shop.take_in(&plain).await["kept"],
        json!(0),
        "it answers nothing of ours"
    );
    let stranger = answer("", "who@elsewhere.example", DOUBTFUL);
    assert_eq!(shop.take_in(&stranger).await["kept"], json!(0));
    let doubtful = answer("", "c3@example.com", DOUBTFUL);
    assert_eq!(shop.take_in(&doubtful).await["kept"], json!(1));
    send(&shop, "News", false).await;
    assert_eq!(
        (reached(&shop, "c2@example.com"), reached(&shop, "c3@example.com")),
        (2, 1)
    );
}

async fn left_out() {
    let shop = doubted().await;
    let campaign = json!({
        "name": "Sale", "segment": "All", "variants": [{ "template": "Hello" }], "when": { "when": "now" },
    });
    let saved = shop
        .studio
        .mutate("campaigns.save", json!({ "id": null, "campaign": campaign }))
        .await;
    let preview = shop
        .studio
        .query("campaigns.preview", json!({ "id": saved["id"] }))
        .await;
    assert!(
        preview.to_string().contains("\"reason\":\"may_leave\""),
        "{preview}"
    );
    assert_eq!(preview["gets"], json!(2), "{preview}");
}
