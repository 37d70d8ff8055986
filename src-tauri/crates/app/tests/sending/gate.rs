//! What is asked at the last instant, and what it leads to.

use crate::shop::{FOOT, Shop};
use crate::trial;
use carillon_app::table::Kind;
use carillon_world::script::{Answer, Rule};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::time::Duration;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_is_withdrawn_listed_or_erased_between_the_claim_and_the_dot_is_not_sent",
            withdrawn_on_its_way,
        ),
        trial(
            "a_pause_holds_what_stands_before_the_dot_and_its_end_lets_it_go_at_once",
            paused_on_its_way,
        ),
        trial(
            "the_end_of_a_journeys_pause_lets_its_messages_go_at_once",
            journey_paused,
        ),
        trial(
            "an_account_that_is_switched_off_sends_nothing_until_it_is_on",
            switched_off,
        ),
        trial(
            "a_message_that_was_read_whole_and_refused_for_good_is_tried_once_and_lists_nobody",
            refused_for_good,
        ),
        trial(
            "an_address_that_does_not_exist_goes_onto_the_list_and_no_other_does",
            address_gone,
        ),
        trial(
            "a_reply_that_never_came_leaves_an_unknown_message_that_only_a_person_sends_again",
            silent_after_the_dot,
        ),
        trial(
            "a_greylisted_message_goes_with_its_next_try_and_its_number_stays",
            greylisted,
        ),
        trial("no_more_goes_in_a_minute_or_a_day_than_the_account_may", limits),
    ]
}

async fn ready(n: usize, change: impl FnOnce(&mut carillon_world::Options)) -> Shop {
    let shop = Shop::new(change).await;
    shop.people(n).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    shop
}

/// Ten mails to a server that takes its time, and something that happens when the first has arrived.
async fn meanwhile(shop: &Shop, happens: impl AsyncFnOnce()) -> Value {
    shop.write_to_all().await;
    let meddling = async {
        while shop.taken().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        happens().await;
    };
    tokio::join!(shop.run(), meddling).0
}

fn slow(options: &mut carillon_world::Options) {
    options.delay = Duration::from_millis(300);
}

async fn withdrawn_on_its_way() {
    let shop = ready(10, slow).await;
    let ran = meanwhile(&shop, async || {
        let studio = &shop.studio;
        let contact = async |email: &str| {
            studio.query("contacts.find", json!({ "email": email })).await["id"].clone()
        };
        let withdrawn = json!({
            "contact": contact("c7@example.com").await, "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent",
            "wording": null, "source": "a call",
        });
        studio.mutate("consents.add", withdrawn).await;
        let listed = json!({ "email": "c8@example.com", "reason": "manual", "source": "a letter" });
        studio.mutate("suppressions.add", listed).await;
        let erased = json!({ "who": { "ids": [contact("c9@example.com").await] } });
        studio.mutate("contacts.delete", erased).await;
    })
    .await;
    let mut reached: Vec<String> = [1, 2, 3, 4, 5, 6, 10].map(|n| format!("c{n}@example.com")).into();
    reached.sort();
    assert_eq!(shop.reached(), reached, "{ran}");
    assert_eq!(
        (shop.in_state("accepted").await, shop.in_state("suppressed").await),
        (7, 2)
    );
    assert_eq!(shop.in_state("cancelled").await, 1);
    assert_eq!(
        shop.run().await["accepted"],
        json!(0),
        "and nobody is written to later"
    );
}

async fn paused_on_its_way() {
    let shop = ready(10, slow).await;
    meanwhile(&shop, async || {
        shop.studio.mutate("outbox.pause", json!({})).await;
    })
    .await;
    let before = shop.taken().len();
    assert!(before < 5, "{before} left although sending was paused");
    assert!(waits_for_the_clock(&shop).await);
    shop.studio.mutate("outbox.resume", json!({})).await;
    assert!(!waits_for_the_clock(&shop).await);
    // The clock stands still: what the pause held waits for nothing else.
    shop.run().await;
    let mut everybody: Vec<String> = (1..=10).map(|n| format!("c{n}@example.com")).collect();
    everybody.sort();
    assert_eq!(shop.reached(), everybody, "each once");
}

/// Whether a message waits for a later moment.
async fn waits_for_the_clock(shop: &Shop) -> bool {
    let page = json!({ "states": ["queued"], "offset": 0, "limit": 100 });
    let page = shop.studio.query("outbox.page", page).await;
    let rows = page["rows"].as_array().unwrap();
    assert!(!rows.is_empty(), "{page}");
    rows.iter()
        .any(|row| row["next_at"] != json!("2026-03-01T00:00:00Z"))
}

async fn journey_paused() {
    let shop = ready(10, slow).await;
    meanwhile(&shop, async || {
        shop.studio.mutate("journeys.pause", json!({ "id": 1 })).await;
    })
    .await;
    let before = shop.taken().len();
    assert!(before < 5, "{before} left although the journey was paused");
    assert!(waits_for_the_clock(&shop).await);
    shop.studio.mutate("journeys.resume", json!({ "id": 1 })).await;
    assert!(!waits_for_the_clock(&shop).await);
    shop.run().await;
    assert_eq!(shop.taken().len(), 10, "each once, and none waits for the clock");
}

async fn switched_off() {
    let shop = ready(3, |_| {}).await;
    shop.write_to_all().await;
    shop.studio
        .mutate("accounts.switch", json!({ "id": 1, "off": true }))
        .await;
    shop.run().await;
    assert!(shop.taken().is_empty());
    let rows = shop.studio.query("accounts.list", json!({})).await;
    assert_eq!(rows[0]["off"], json!(true));
    shop.studio
        .mutate("accounts.switch", json!({ "id": 1, "off": false }))
        .await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 3);
}

fn script(options: &mut carillon_world::Options, answer: Answer) {
    options.script.0.push(Rule::new("c2@example.com", answer));
}

async fn tries(shop: &Shop, id: u32) -> Vec<Value> {
    let detail = shop.studio.query("outbox.get", json!({ "id": id })).await;
    detail["tries"].as_array().unwrap().clone()
}

async fn is_listed(shop: &Shop, email: &str) -> bool {
    let answer = shop
        .studio
        .query("suppressions.check", json!({ "email": email }))
        .await;
    answer["suppressed"] == json!(true)
}

pub async fn jump(shop: &Shop, to: &str) {
    shop.studio
        .job("runtime.run", json!({ "until": to, "for_secs": null }))
        .await;
}

async fn refused_for_good() {
    let reply = "554 5.7.1 this content is not wanted here".to_owned();
    let shop = ready(3, |options| script(options, Answer::AtDot { reply })).await;
    shop.write_to_all().await;
    let ran = shop.run().await;
    assert!(
        ran["troubles"][0].as_str().unwrap().contains("not wanted"),
        "{ran}"
    );
    // The account rests for a minute; the other messages are not to blame.
    jump(&shop, "2026-03-03T00:00:00Z").await;
    assert_eq!(shop.reached(), ["c1@example.com", "c3@example.com"]);
    assert_eq!(
        (shop.in_state("bounced").await, shop.in_state("accepted").await),
        (1, 2)
    );
    assert_eq!(tries(&shop, 2).await.len(), 1, "it is not offered again");
    assert!(
        !is_listed(&shop, "c2@example.com").await,
        "the person is not to blame"
    );
}

async fn address_gone() {
    let reply = "550 5.1.1 no such user here".to_owned();
    let shop = ready(3, |options| script(options, Answer::AtRcpt { reply })).await;
    shop.write_to_all().await;
    shop.run().await;
    assert_eq!(shop.reached(), ["c1@example.com", "c3@example.com"]);
    assert_eq!(shop.in_state("bounced").await, 1);
    assert!(is_listed(&shop, "c2@example.com").await);
    assert!(!is_listed(&shop, "c1@example.com").await);
}

async fn silent_after_the_dot() {
    let shop = ready(3, |options| script(options, Answer::Silent { kept: true })).await;
    shop.write_to_all().await;
    shop.run().await;
    jump(&shop, "2026-03-08T00:00:00Z").await;
    assert_eq!(
        (shop.in_state("accepted").await, shop.in_state("unknown").await),
        (2, 1)
    );
    let copies = |shop: &Shop| shop.reached().iter().filter(|to| *to == "c2@example.com").count();
    assert_eq!(copies(&shop), 1, "a week later it still was not sent again");
    let summary = shop.studio.query("outbox.summary", json!({})).await;
    assert_eq!(summary["sending"]["attention"], json!(1));
    let id = shop.taken()[0].message_id.clone();
    let resolve = json!({ "state": "unknown", "as": "not_sent", "ids": null });
    assert_eq!(
        shop.studio.mutate("outbox.resolve_state", resolve).await["changed"],
        json!(1)
    );
    shop.run().await;
    assert_eq!((copies(&shop), shop.in_state("unknown").await), (2, 1));
    let again: Vec<_> = shop
        .taken()
        .into_iter()
        .filter(|taken| taken.rcpt_to == ["c2@example.com"])
        .collect();
    assert_eq!(
        again[0].message_id, again[1].message_id,
        "its Message-ID is the one it was queued with"
    );
    assert_ne!(again[0].message_id, id);
    let resolve = json!({ "state": "unknown", "as": "cancelled", "ids": [2] });
    shop.studio.mutate("outbox.resolve_state", resolve).await;
    assert_eq!(
        (shop.in_state("unknown").await, shop.in_state("cancelled").await),
        (0, 1)
    );
}

async fn greylisted() {
    let shop = ready(3, |options| script(options, Answer::GreylistOnce)).await;
    shop.write_to_all().await;
    shop.run().await;
    jump(&shop, "2026-03-02T00:00:00Z").await;
    assert_eq!(shop.reached().len(), 3);
    assert_eq!(shop.in_state("accepted").await, 3);
    assert_eq!(tries(&shop, 2).await.len(), 2);
}

async fn limits() {
    let shop = ready(30, |_| {}).await;
    shop.change_account("per_minute", json!(6)).await;
    shop.change_account("sessions", json!(2)).await;
    let mut account = shop.account();
    account["per_minute"] = json!(6);
    account["per_day"] = json!(20);
    account["sessions"] = json!(3);
    shop.studio
        .mutate("accounts.update", json!({ "id": 1, "account": account }))
        .await;
    shop.write_to_all().await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 6);
    // None was made ready beyond the limits, to be turned away at the dot.
    assert!(!waits_for_the_clock(&shop).await);
    // A test counts as well, and is refused where nothing is left.
    let asked = json!({ "id": 1, "to": "me@example.com", "template": null });
    let test = shop
        .studio
        .ask(Kind::Mutate, "accounts.test", asked.clone())
        .await
        .unwrap();
    assert_eq!(test["ok"], json!(false), "{test}");
    assert!(test["phases"].to_string().contains("limit"), "{test}");
    assert_eq!(shop.taken().len(), 6);
    for (until, all) in [
        ("2026-03-01T00:00:50Z", 6),
        ("2026-03-01T00:02:10Z", 12),
        // A process that has seen a minute knows to the second when the next share is free.
        ("2026-03-01T00:03:20Z", 18),
        ("2026-03-01T12:00:00Z", 20),
        ("2026-03-01T23:59:00Z", 20),
        ("2026-03-02T03:00:00Z", 30),
    ] {
        jump(&shop, until).await;
        assert_eq!(shop.taken().len(), all, "at {until}");
    }
}
