//! SES, SNS and SQS by moto, an emulator in Python. It checks no signature and publishes no events of SES by itself, so
//! these are put into the topic as the documents show them; suppressions and quota it does not know (see `ses.rs`).

use crate::{Inbox, KEY, MESSAGE, at, settings};
use carillon_adapters::providers::{Api, EventKind};
use carillon_adapters::{Dialer, Http, Secret};
use carillon_model::provider::ProviderKind::Ses;
use serde_json::{Value, json as value};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Moto {
    child: Child,
    host: String,
    http: Http,
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Moto {
    async fn start() -> Moto {
        if let Ok(why) = std::env::var("CARILLON_NO_MOTO") {
            panic!("moto could not be installed: {why}");
        }
        let program = std::env::var_os("CARILLON_MOTO")
            .expect("CARILLON_MOTO names the program moto_server; `cargo verify` installs it and sets this");
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Moto {
            child,
            host: format!("http://127.0.0.1:{port}"),
            http: Http::new(Dialer::new(true)).await,
        };
        for _ in 0..600 {
            if moto
                .http
                .get(&format!("{}/moto-api/data.json", moto.host))
                .send()
                .await
                .is_ok()
            {
                return moto;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto does not answer");
    }

    fn place(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    async fn sqs(&self, target: &str, body: Value) -> Value {
        let request = self.http.post(&format!("{}/", self.host)).json(&body);
        let request = request.header("content-type", "application/x-amz-json-1.0");
        let request = request.header("x-amz-target", &format!("AmazonSQS.{target}"));
        let answer = request
            .header("authorization", &Moto::place("sqs"))
            .send()
            .await
            .unwrap()
            .ok()
            .unwrap();
        answer.json().unwrap_or_default()
    }

    async fn sns(&self, form: &[(&str, &str)]) -> String {
        let request = self.http.post(&format!("{}/", self.host)).form(form);
        let answer = request
            .header("authorization", &Moto::place("sns"))
            .send()
            .await
            .unwrap();
        answer.ok().unwrap().text()
    }

    /// A queue behind a topic; the messages of a reader that crashed come again after a second.
    async fn queue_behind_topic(&self) -> (String, String) {
        let asked = value!({ "QueueName": "events", "Attributes": { "VisibilityTimeout": "1" } });
        let queue = self.sqs("CreateQueue", asked).await["QueueUrl"]
            .as_str()
            .unwrap()
            .to_owned();
        let told = self.sns(&[("Action", "CreateTopic"), ("Name", "ses")]).await;
        let topic = told
            .split("<TopicArn>")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap()
            .to_owned();
        let arn = "arn:aws:sqs:us-east-1:123456789012:events";
        self.sns(&[
            ("Action", "Subscribe"),
            ("TopicArn", &topic),
            ("Protocol", "sqs"),
            ("Endpoint", arn),
        ])
        .await;
        (queue, topic)
    }

    fn api(&self, queue: Option<String>) -> Api {
        let mut settings = settings(Ses, &self.host);
        settings.queue_url = queue;
        Api::new(self.http.clone(), settings, Secret::new(KEY.into())).unwrap()
    }
}

#[tokio::test]
async fn the_finished_message_goes_as_it_is() {
    let moto = Moto::start().await;
    let request = moto.http.post(&format!("{}/v2/email/identities", moto.host));
    let request = request
        .json(&value!({ "EmailIdentity": "shop@example.com" }))
        .header("authorization", &Moto::place("ses"));
    request.send().await.unwrap().ok().unwrap();
    let accepted = moto.api(None).send(&MESSAGE).await.unwrap();
    assert!(!accepted.provider_id.is_empty());
    let mut other = MESSAGE;
    other.from = "stranger@example.org";
    let failure = moto.api(None).send(&other).await.unwrap_err().failure;
    assert_eq!(
        failure.class,
        carillon_model::message::FailureClass::Sender,
        "{failure:?}"
    );
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
        moto.sns(&[
            ("Action", "Publish"),
            ("TopicArn", &topic),
            ("Message", &record.to_string()),
        ])
        .await;
    }
    moto.sns(&[
        ("Action", "Publish"),
        ("TopicArn", &topic),
        ("Message", "no record at all"),
    ])
    .await;
    let api = moto.api(Some(queue));
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
