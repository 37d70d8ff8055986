//! A journey through Amazon SES, by moto: messages over its API, what comes back over SNS and SQS. moto publishes nothing
//! by itself and knows neither quota nor suppression list, as a key without the rights to ask for them.

use crate::providers::{account, is_listed, key, listed, read, write_to_all};
use crate::shop::{FOOT, Shop};
use crate::trial;
use libtest_mimic::Trial;
use moto::Moto;
use serde_json::{Value, json};

#[path = "../../../adapters/tests/providers/moto/server.rs"]
mod moto;

pub fn trials() -> Vec<Trial> {
    vec![trial(
        "what_comes_back_from_ses_through_its_queue_is_obeyed_before_the_next_message",
        comes_back,
    )]
}

/// A record of event publishing for a message, as the documents show it.
fn record(kind: &str, id: &str, to: &str, part: Value) -> String {
    let mut record = json!({
        "eventType": kind,
        "mail": { "messageId": id, "timestamp": "2026-03-01T00:00:01Z", "destination": [to] },
    });
    record[kind.to_lowercase()] = part;
    record.to_string()
}

async fn comes_back() {
    let moto = Moto::start().await;
    let (queue, topic) = moto.queue_behind_topic().await;
    moto.sends_for("hello@ember.example").await;
    let shop = Shop::new(|_| {}).await;
    shop.people(4).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    let settings = json!({
        "kind": "ses", "host": moto.host, "region": "us-east-1", "key_id": "AKIDEXAMPLE", "queue_url": queue,
    });
    let draft = json!({ "name": "Provider", "settings": settings });
    shop.studio
        .mutate("providers.add", json!({ "provider": draft }))
        .await;
    key(&shop, "no-real-key").await;
    account(&shop).await;
    write_to_all(&shop, "First").await;
    let sent = moto.sent().await;
    assert_eq!(sent.len(), 4, "{}", listed(&shop).await);
    assert!(sent.iter().all(|(_, _, raw)| raw.contains("List-Unsubscribe")));
    for (id, to, _) in &sent {
        let about = json!([{ "emailAddress": to, "diagnosticCode": "smtp; 550 5.1.1 no such user" }]);
        let said = match to.split('@').next() {
            Some("c1") => {
                let part = json!({ "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": about });
                record("Bounce", id, to, part)
            }
            Some("c2") => record("Complaint", id, to, json!({ "complainedRecipients": about })),
            Some("c3") => {
                let part = json!({ "bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": about });
                record("Bounce", id, to, part)
            }
            _ => record(
                "Delivery",
                id,
                to,
                json!({ "recipients": [to], "smtpResponse": "250 ok" }),
            ),
        };
        moto.publish(&topic, &said).await;
    }
    read(&shop).await;
    for (to, expected) in [("c1", true), ("c2", true), ("c3", false), ("c4", false)] {
        let email = format!("{to}@example.com");
        assert_eq!(is_listed(&shop, &email).await, expected, "{to}");
    }
    let row = listed(&shop).await;
    assert!(row["read_at"].is_string() && row["quota"].is_null(), "{row}");
    write_to_all(&shop, "Second").await;
    let mut again: Vec<String> = moto
        .sent()
        .await
        .split_off(4)
        .into_iter()
        .map(|(_, to, _)| to)
        .collect();
    again.sort();
    assert_eq!(again, ["c3@example.com", "c4@example.com"]);
}
