//! Sending through a provider's API, what comes back from it, and a key that signs where a server does not.

use crate::brevo::Brevo;
use crate::postmark::{Postmark, TOKEN};
use crate::shop::{FOOT, Shop};
use crate::trial;
use carillon_app::table::Kind;
use libtest_mimic::Trial;
use mail_parser::MessageParser;
use serde_json::{Value, json};

const PASSPHRASE: &str = "four words nobody knows";

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_comes_back_from_a_provider_counts_once_and_is_obeyed_before_the_next_message",
            comes_back,
        ),
        trial(
            "a_lost_answer_is_unknown_until_the_providers_record_tells_and_nothing_is_sent_twice",
            lost_answer,
        ),
        trial(
            "no_more_goes_than_the_provider_says_is_left_and_a_call_it_recognises_is_made_again_where_its_answer_is_lost",
            what_is_left,
        ),
        trial("lists_go_both_ways_and_a_lifted_address_stays_lifted", lists),
        trial(
            "a_key_the_provider_does_not_take_sends_nothing_and_is_shown_nowhere",
            wrong_key,
        ),
        trial("a_provider_somebody_sends_through_is_not_deleted", in_use),
        trial(
            "mail_is_signed_with_a_key_of_the_account_once_its_record_is_published",
            signed,
        ),
    ]
}

/// A shop whose journeys send through Postmark, with so many contacts.
async fn ready(n: usize) -> (Shop, Postmark) {
    let (server, host) = Postmark::start().await;
    let shop = Shop::new(|_| {}).await;
    shop.people(n).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    add(&shop, "postmark", &host, TOKEN).await;
    account(&shop).await;
    (shop, server)
}

/// An account that leaves through the provider.
pub async fn account(shop: &Shop) {
    let account = json!({
        "name": "Api", "host": "", "port": 0, "tls": "tls", "from_name": "Ember & Oak",
        "from_email": "hello@ember.example", "sessions": 2, "provider": 1,
    });
    shop.studio
        .mutate("accounts.add", json!({ "account": account }))
        .await;
}

async fn add(shop: &Shop, kind: &str, host: &str, token: &str) {
    let settings = json!({ "kind": kind, "host": host });
    let draft = json!({ "name": "Provider", "settings": settings });
    shop.studio
        .mutate("providers.add", json!({ "provider": draft }))
        .await;
    key(shop, token).await;
}

pub async fn key(shop: &Shop, token: &str) {
    let given = json!({ "id": 1, "secret": token, "keep": "passphrase_file", "passphrase": PASSPHRASE });
    shop.studio.mutate("providers.set_secret", given).await;
}

/// One mail to everybody through an account, by a journey of this name.
pub async fn write_to_all(shop: &Shop, journey: &str) {
    shop.studio
        .mutate(
            "segments.save",
            json!({ "id": null, "name": journey, "text": "everyone" }),
        )
        .await;
    let drawn = json!({
        "format": "carillon/journey/1", "name": journey,
        "steps": [
            { "id": "s1", "kind": "entry_segment", "settings": { "segment": journey, "on": "entered", "include_current": true }, "next": { "next": "s2" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Hello", "account": "Api" }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    let args = json!({ "text": drawn.to_string() });
    let id = shop.studio.mutate("journeys.import", args).await["id"].clone();
    shop.studio.mutate("journeys.publish", json!({ "id": id })).await;
    shop.run().await;
}

pub async fn read(shop: &Shop) {
    shop.studio.job("mailboxes.read_now", json!({})).await;
}

pub async fn is_listed(shop: &Shop, email: &str) -> bool {
    let asked = shop
        .studio
        .query("suppressions.check", json!({ "email": email }))
        .await;
    asked["suppressed"] == json!(true)
}

pub async fn listed(shop: &Shop) -> Value {
    shop.studio.query("providers.list", json!({})).await[0].clone()
}

async fn comes_back() {
    let (shop, server) = ready(5).await;
    write_to_all(&shop, "First").await;
    assert_eq!(server.reached().len(), 5, "{}", listed(&shop).await);
    assert_eq!(shop.in_state("accepted").await, 5);
    {
        let said = server.said.lock().unwrap();
        let headers = said.sent[0].1["Headers"].to_string();
        assert!(headers.contains("List-Unsubscribe"), "{headers}");
    }
    for (to, kind) in [
        ("c1@example.com", "HardBounce"),
        ("c2@example.com", "SpamComplaint"),
        ("c3@example.com", "Unsubscribe"),
        ("c4@example.com", "Blocked"),
    ] {
        server.comes_back(to, kind);
    }
    read(&shop).await;
    // The same is told again each time.
    read(&shop).await;
    assert_eq!(
        (shop.in_state("accepted").await, shop.in_state("bounced").await),
        (3, 2)
    );
    for (to, expected) in [
        ("c1", true),
        ("c2", true),
        ("c3", true),
        ("c4", false),
        ("c5", false),
    ] {
        assert_eq!(
            is_listed(&shop, &format!("{to}@example.com")).await,
            expected,
            "{to}"
        );
    }
    for (kind, n) in [("bounced", 2), ("complained", 1), ("unsubscribed", 1)] {
        let page = json!({ "kind": kind, "limit": 10 });
        let page = shop.studio.query("responses.page", page).await;
        let rows = page["rows"].as_array().unwrap();
        assert_eq!(rows.len(), n, "{kind}: {page}");
        assert_eq!(rows[0]["source"], json!("provider:1"), "{page}");
        assert!(rows.iter().all(|row| row["message"].is_number()), "{page}");
    }
    assert!(!shop.studio.permitted("c3@example.com").await);
    write_to_all(&shop, "Second").await;
    let again: Vec<String> = server.said.lock().unwrap().sent[5..]
        .iter()
        .map(|(to, _)| to.clone())
        .collect();
    let mut again: Vec<&str> = again.iter().map(String::as_str).collect();
    again.sort_unstable();
    assert_eq!(again, ["c4@example.com", "c5@example.com"]);
    let source = listed(&shop).await;
    assert!(
        source["read_at"].is_string() && source["trouble"].is_null(),
        "{source}"
    );
}

async fn lost_answer() {
    let (shop, server) = ready(3).await;
    server.said.lock().unwrap().loses = Some("c2@example.com".into());
    write_to_all(&shop, "First").await;
    assert_eq!(
        (shop.in_state("accepted").await, shop.in_state("unknown").await),
        (2, 1)
    );
    shop.run().await;
    assert_eq!(server.reached().len(), 3, "nothing is tried again by itself");
    read(&shop).await;
    assert_eq!(
        (shop.in_state("accepted").await, shop.in_state("unknown").await),
        (3, 0)
    );
    shop.run().await;
    assert_eq!(server.reached().len(), 3);
}

async fn what_is_left() {
    let (server, host) = Brevo::start().await;
    let shop = Shop::new(|_| {}).await;
    shop.people(5).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    add(&shop, "brevo", &host, "key-1").await;
    account(&shop).await;
    {
        let mut said = server.said.lock().unwrap();
        (said.credits, said.loses) = (3, 1);
    }
    write_to_all(&shop, "First").await;
    {
        let said = server.said.lock().unwrap();
        assert_eq!((said.keys.len(), said.calls), (3, 4), "one call was made again");
    }
    assert_eq!(
        (
            shop.in_state("accepted").await,
            shop.in_state("unknown").await,
            shop.in_state("queued").await
        ),
        (3, 0, 2)
    );
    let quota = listed(&shop).await["quota"].clone();
    assert_eq!((&quota["limit"], &quota["per_day"]), (&json!(3), &json!(true)));
    server.said.lock().unwrap().credits = 10;
    shop.studio
        .job("runtime.run", json!({ "until": null, "for_secs": 1_000 }))
        .await;
    assert_eq!(shop.in_state("accepted").await, 5);
    assert_eq!(server.said.lock().unwrap().keys.len(), 5);
}

async fn lists() {
    let (shop, server) = ready(4).await;
    {
        let mut said = server.said.lock().unwrap();
        for (address, reason) in [
            ("c1@example.com", "HardBounce"),
            ("c2@example.com", "SpamComplaint"),
            ("stranger@example.com", "ManualSuppression"),
        ] {
            said.listed.insert(address.to_owned(), reason.to_owned());
        }
    }
    for (address, reason) in [("c3@example.com", "manual"), ("c4@example.com", "unsubscribed")] {
        let given = json!({ "email": address, "reason": reason, "source": "a letter" });
        shop.studio.mutate("suppressions.add", given).await;
    }
    read(&shop).await;
    for address in ["c1@example.com", "c2@example.com", "stranger@example.com"] {
        assert!(is_listed(&shop, address).await, "{address}");
    }
    assert!(!shop.studio.permitted("c2@example.com").await);
    {
        let said = server.said.lock().unwrap();
        assert!(said.listed.contains_key("c3@example.com"));
        // Who unsubscribed still gets receipts, so the provider is not told without being asked to.
        assert!(!said.listed.contains_key("c4@example.com"));
    }
    let lifted = json!({ "email": "c1@example.com", "why": "they wrote that it works again" });
    shop.studio.mutate("suppressions.lift", lifted).await;
    let settings = json!({ "kind": "postmark", "host": listed(&shop).await["settings"]["host"], "tell_unsubscribed": true });
    let draft = json!({ "id": 1, "provider": { "name": "Provider", "settings": settings } });
    shop.studio.mutate("providers.update", draft).await;
    let later = json!({ "until": null, "for_secs": 1_000 });
    shop.studio.job("runtime.run", later).await;
    read(&shop).await;
    assert!(!is_listed(&shop, "c1@example.com").await, "it counted once");
    // Whom we heard of otherwise first and took off again does not come back from there either, however long after.
    let lifted = json!({ "email": "c3@example.com", "why": "they asked for it" });
    shop.studio.mutate("suppressions.lift", lifted).await;
    for _ in 0..2 {
        let later = json!({ "until": null, "for_secs": 50 * 86_400 });
        shop.studio.job("runtime.run", later).await;
        read(&shop).await;
    }
    for address in ["c1@example.com", "c3@example.com"] {
        assert!(!is_listed(&shop, address).await, "{address} counted once");
    }
    assert!(server.said.lock().unwrap().listed.contains_key("c4@example.com"));
}

async fn wrong_key() {
    let (shop, server) = ready(2).await;
    key(&shop, "no-such-token").await;
    write_to_all(&shop, "First").await;
    read(&shop).await;
    assert_eq!(server.reached(), Vec::<String>::new());
    assert_eq!(shop.in_state("queued").await, 2, "nothing was tried in vain");
    let row = listed(&shop).await;
    let tested = shop.studio.mutate("providers.test", json!({ "id": 1 })).await;
    let summary = shop.studio.query("outbox.summary", json!({})).await;
    assert_eq!(tested["ok"], json!(false));
    for told in [&row["trouble"], &tested["message"], &summary["troubles"][0]] {
        let told = told.as_str().unwrap();
        assert!(
            told.contains("Bad or missing") && !told.contains("no-such-token"),
            "{told}"
        );
    }
    key(&shop, TOKEN).await;
    let tested = shop.studio.mutate("providers.test", json!({ "id": 1 })).await;
    assert_eq!(tested["ok"], json!(true), "{tested}");
    shop.run().await;
    assert_eq!(server.reached().len(), 2, "and goes on by itself");
}

async fn in_use() {
    let (shop, _) = ready(1).await;
    let refused = shop
        .studio
        .ask(Kind::Mutate, "providers.delete", json!({ "id": 1 }))
        .await;
    assert!(refused.unwrap_err().message.contains("“Api”"));
    shop.studio.mutate("accounts.delete", json!({ "id": 2 })).await;
    shop.studio.mutate("providers.delete", json!({ "id": 1 })).await;
    assert_eq!(shop.studio.query("providers.list", json!({})).await, json!([]));
    let heard = shop.studio.query("listening.get", json!({})).await;
    assert_eq!(heard["sources"], json!([]));
}

async fn signed() {
    let shop = Shop::new(|_| {}).await;
    shop.people(1).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    let asked = json!({
        "id": 1, "domain": "ember.example", "selector": "carillon1", "keep": "passphrase_file", "passphrase": PASSPHRASE,
    });
    let record = shop.studio.mutate("accounts.dkim_make", asked.clone()).await;
    assert_eq!(record["name"], json!("carillon1._domainkey.ember.example"));
    assert!(
        record["quoted"].as_str().unwrap().matches('"').count() >= 4,
        "{record}"
    );
    let test = json!({ "id": 1, "to": "me@example.com" });
    let header = |shop: &Shop| {
        let bytes = shop.last_mail();
        let mail = MessageParser::default().parse(&bytes).unwrap();
        let raw = mail.header_raw("DKIM-Signature").map(str::to_owned);
        raw.map(|raw| raw.split_whitespace().collect::<String>())
    };
    shop.studio.mutate("accounts.test", test.clone()).await;
    assert_eq!(header(&shop), None, "the record is not published yet");
    let on = json!({ "id": 1, "on": true });
    shop.studio.mutate("accounts.dkim_switch", on).await;
    shop.studio.mutate("accounts.test", test).await;
    assert!(header(&shop).unwrap().contains("d=ember.example;s=carillon1;"));
    shop.write_to_all().await;
    shop.run().await;
    let header = header(&shop).unwrap();
    // The header of one click is there only with a relay; the checker of another language reads such mails.
    assert!(header.contains(":List-Unsubscribe:List-Id:"), "{header}");
    // What was changed of the account beside keeps the key, and another domain is not signed for.
    shop.change_account("from_name", json!("Ember")).await;
    let dkim = async || shop.studio.query("accounts.list", json!({})).await[0]["dkim"].clone();
    assert_eq!(dkim().await["on"], json!(true));
    shop.change_account("from_email", json!("hello@oak.example"))
        .await;
    assert_eq!(dkim().await["on"], json!(false));
    let elsewhere = shop.studio.ask(Kind::Mutate, "accounts.dkim_make", asked).await;
    assert!(elsewhere.unwrap_err().message.contains("hello@oak.example"));
}
