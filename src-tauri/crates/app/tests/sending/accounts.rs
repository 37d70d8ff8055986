//! Passwords, tests, and what an account is told to keep to.

use crate::shop::{FOOT, Shop, body};
use crate::studio::Studio;
use crate::trial;
use carillon_app::table::Kind;
use libtest_mimic::Trial;
use serde_json::json;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_file_of_passwords_is_locked_after_each_start_until_its_passphrase_is_given",
            unlocking,
        ),
        trial(
            "a_test_goes_to_nobody_on_the_list_of_addresses_never_to_be_written_to",
            test_to_listed,
        ),
        trial(
            "without_encryption_only_servers_on_this_machine_are_accepted",
            plain_outside,
        ),
        trial(
            "a_sender_whose_name_shows_another_domain_is_told_so_when_it_is_set_up",
            another_domain,
        ),
        trial(
            "a_template_whose_subject_looks_like_an_answer_is_not_published",
            looks_like_an_answer,
        ),
    ]
}

const PASSPHRASE: &str = "correct horse battery";

async fn unlocking() {
    let shop = Shop::new(|options| options.auth = Some(("ada".into(), "geheim".into()))).await;
    shop.people(2).await;
    shop.template("Hello", FOOT).await;
    shop.change_account("user", json!("ada")).await;
    let keep = json!({ "id": 1, "secret": "geheim", "keep": "passphrase_file", "passphrase": PASSPHRASE });
    let kept = shop.studio.mutate("accounts.set_secret", keep).await;
    assert_eq!(kept["state"], json!("passphrase_file"));
    shop.write_to_all().await;
    let locked = async |studio: &Studio| studio.query("accounts.list", json!({})).await[0]["locked"].clone();
    assert_eq!(locked(&shop.studio).await, json!(false));
    shop.studio.mutate("workspaces.close", json!({})).await;

    // The next day: another program, which knows no passphrase.
    let studio = Studio::again(shop.folder()).await;
    assert_eq!(locked(&studio).await, json!(true));
    let run = json!({ "until": null, "for_secs": null });
    let ran = studio.job("runtime.run", run.clone()).await;
    assert!(
        ran["troubles"][0]
            .as_str()
            .unwrap()
            .contains("a file that a passphrase protects"),
        "{ran}"
    );
    assert!(shop.taken().is_empty());
    let wrong = studio.ask(
        Kind::Mutate,
        "accounts.unlock",
        json!({ "passphrase": "battery staple horse" }),
    );
    assert!(wrong.await.unwrap_err().message.contains("passphrase is wrong"));
    assert_eq!(locked(&studio).await, json!(true));
    studio
        .mutate("accounts.unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    assert_eq!(locked(&studio).await, json!(false));
    studio.job("runtime.run", run).await;
    assert_eq!(shop.taken().len(), 2);

    // Nothing of it can be read in any file beside the workspace.
    for entry in std::fs::read_dir(shop.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in ["geheim", PASSPHRASE, "Z2VoZWlt"] {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "{} holds {secret}", path.display());
            }
        }
    }
}

async fn test_to_listed() {
    let shop = Shop::new(|_| {}).await;
    let test = async |to: &str| {
        let asked = json!({ "id": 1, "to": to, "template": null });
        shop.studio.mutate("accounts.test", asked).await
    };
    assert_eq!(test("me@example.com").await["ok"], json!(true));
    let listed = json!({ "email": "gone@example.com", "reason": "unsubscribed", "source": "a call" });
    shop.studio.mutate("suppressions.add", listed).await;
    let refused = test("gone@example.com").await;
    assert_eq!(refused["ok"], json!(false));
    assert!(
        refused["phases"].to_string().contains("never to be written to"),
        "{refused}"
    );
    assert_eq!(shop.reached(), ["me@example.com"]);
    let rows = shop.studio.query("accounts.list", json!({})).await;
    assert_eq!(
        rows[0]["sent_24_hours"],
        json!(1),
        "a test counts against the limit"
    );
}

async fn plain_outside() {
    let shop = Shop::new(|_| {}).await;
    for (host, accepted) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("::ffff:203.0.113.7", false),
        ("203.0.113.7", false),
        ("0.0.0.0", false),
        ("localhost.example.com", false),
        ("mail.example.com", false),
    ] {
        let mut account = shop.account();
        account["name"] = json!(host);
        account["host"] = json!(host);
        let added = shop
            .studio
            .ask(Kind::Mutate, "accounts.add", json!({ "account": account }))
            .await;
        assert_eq!(added.is_ok(), accepted, "{host}: {added:?}");
    }
}

async fn another_domain() {
    let shop = Shop::new(|_| {}).await;
    let mut account = shop.account();
    account["name"] = json!("Other");
    account["from_name"] = json!("Help at bank.com");
    let added = shop
        .studio
        .ask(Kind::Mutate, "accounts.add", json!({ "account": account }));
    let refused = added.await.unwrap_err();
    let why = refused.fields.get("from_name").unwrap();
    assert!(why.contains("bank.com"), "{why}");
    let changed = json!({ "id": 1, "account": account });
    let changed = shop.studio.ask(Kind::Mutate, "accounts.update", changed).await;
    assert!(changed.is_err());
    account["from_name"] = json!("Ember & Oak, ember.example");
    shop.studio
        .mutate("accounts.add", json!({ "account": account }))
        .await;
}

async fn looks_like_an_answer() {
    let shop = Shop::new(|_| {}).await;
    shop.people(1).await;
    let draft = json!({ "name": "Hello", "subject": "RE: your order", "body": body(FOOT), "text": "" });
    let saved = json!({ "id": null, "draft": draft });
    shop.studio.mutate("templates.save", saved).await;
    let all = json!({ "id": null, "name": "All", "text": "everyone" });
    shop.studio.mutate("segments.save", all).await;
    let entry = json!({ "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true } });
    let refused = shop
        .publish(entry, json!({ "template": "Hello" }))
        .await
        .unwrap_err();
    assert!(refused.contains("begins like an answer"), "{refused}");
}
