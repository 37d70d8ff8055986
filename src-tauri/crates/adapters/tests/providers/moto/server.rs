//! moto's program, which answers like SES, SNS and SQS.

use carillon_adapters::{Dialer, Http};
use serde_json::{Value, json as value};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The program, until the test ends.
pub struct Moto {
    child: Child,
    pub host: String,
    pub http: Http,
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Moto {
    pub async fn start() -> Moto {
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

    /// A signature it does not check, which tells it the service.
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

    /// A queue behind a topic, both by address; the messages of a reader that crashed come again after a second.
    pub async fn queue_behind_topic(&self) -> (String, String) {
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

    /// Something happened: SES would put this record there by itself.
    pub async fn publish(&self, topic: &str, record: &str) {
        self.sns(&[("Action", "Publish"), ("TopicArn", topic), ("Message", record)])
            .await;
    }

    /// It takes messages from this address.
    pub async fn sends_for(&self, email: &str) {
        let request = self.http.post(&format!("{}/v2/email/identities", self.host));
        let request = request
            .json(&value!({ "EmailIdentity": email }))
            .header("authorization", &Moto::place("ses"));
        request.send().await.unwrap().ok().unwrap();
    }

    /// What it took, oldest first: its id, to whom, and the message.
    #[allow(dead_code, reason = "the adapter's tests look at single answers")]
    pub async fn sent(&self) -> Vec<(String, String, String)> {
        let told = self.http.get(&format!("{}/moto-api/data.json", self.host));
        let told: Value = told.send().await.unwrap().json().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = told["ses"]["RawMessage"].as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| {
                (
                    text(&one["id"]),
                    text(&one["destinations"][0]),
                    text(&one["raw_data"]),
                )
            })
            .collect()
    }
}
