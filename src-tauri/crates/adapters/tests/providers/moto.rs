//! SES, SNS and SQS by moto, an emulator in Python. It checks no signature and publishes no events of SES by itself, so
//! these are put into the topic as the documents show them; suppressions and quota it does not know (see `ses.rs`).

use crate::{Inbox, KEY, MESSAGE, at, settings};
use carillon_adapters::Secret;
use carillon_adapters::providers::{Api, EventKind};
use carillon_model::provider::ProviderKind::Ses;
use serde_json::json as value;

mod server;

use server::Moto;

fn api(moto: &Moto, queue: Option<String>) -> Api {
    let mut settings = settings(Ses, &moto.host);
    settings.queue_url = queue;
    Api::new(moto.http.clone(), settings, Secret::new(KEY.into())).unwrap()
}

#[tokio::test]
async fn the_finished_message_goes_as_it_is() {
    let moto = Moto::start().await;
    moto.sends_for("shop@example.com").await;
    let accepted = api(&moto, None).send(&MESSAGE).await.unwrap();
    assert!(!accepted.provider_id.is_empty());
    let mut other = MESSAGE;
    other.from = "stranger@example.org";
    let failure = api(&moto, None).send(&other).await.unwrap_err().failure;
    assert_eq!(
        failure.class,
        carillon_model::message::FailureClass::Sender,
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_quota_that_cannot_be_asked_for_is_none() {
    let moto = Moto::start().await;
    assert_eq!(api(&moto, None).quota().await.unwrap(), None);
}

#[tokio::test]
async fn events_come_from_topic_and_queue_again_until_they_are_acknowledged_and_never_twice() {
    let moto = Moto::start().await;
    let (queue, topic) = moto.queue_behind_topic().await;
    for number in 0..12 {
        let record = value!({
            "eventType": "Delivery",
            "mail": { "messageId": format!("ses{number}"), "timestamp": "2026-11-26T09:00:00Z", "destination": ["ann@example.net"] },
            "delivery": { "timestamp": "2026-11-26T09:00:01Z", "recipients": ["ann@example.net"], "smtpResponse": "250 ok" },
        });
        moto.publish(&topic, &record.to_string()).await;
    }
    moto.publish(&topic, "no record at all").await;
    let api = api(&moto, Some(queue));
    let now = at("2026-11-26T10:00:00Z");
    let mut inbox = Inbox::default();
    // A crash between poll and commit, and one between commit and acknowledgement.
    let lost = api.poll(None, now).await.unwrap();
    assert_eq!(lost.events.len() + lost.unreadable as usize, 10);
    let committed = api.poll(None, now).await.unwrap();
    inbox.commit(&committed);
    let mut unreadable = 0;
    while inbox.events.len() < 12 || unreadable == 0 {
        let batch = api.poll(inbox.cursor.as_deref(), now).await.unwrap();
        inbox.commit(&batch);
        unreadable += batch.unreadable;
        api.ack(&batch).await.unwrap();
    }
    assert_eq!(inbox.events.len(), 12);
    assert!(
        inbox.repeated > 0,
        "what was committed and not acknowledged came again"
    );
    assert!(
        inbox
            .events
            .values()
            .all(|event| event.kind == EventKind::Delivered)
    );
    let rest = api.poll(None, now).await.unwrap();
    assert_eq!(
        (rest.events.len(), rest.unreadable),
        (0, 0),
        "all of it was forgotten"
    );
}
