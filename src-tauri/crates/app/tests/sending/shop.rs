//! A shop with a few contacts, a journey that writes to them, and a mail server.

use crate::studio::Studio;
use base64::Engine;
use carillon_app::table::Kind;
use carillon_world::{Mailbox, Options, SmtpWorld, Truth, truth};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A foot that makes a mail fit to be sent.
pub const FOOT: &str = "{{ postal_address }} {{ unsubscribe_line }}";

/// A body with this in it.
pub fn body(inner: &str) -> String {
    format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
}

pub struct Shop {
    pub studio: Studio,
    world: Arc<SmtpWorld>,
    home: Arc<TempDir>,
}

impl Shop {
    /// With a postal address and an account called `World`, and nobody in it.
    pub async fn new(change: impl FnOnce(&mut Options)) -> Shop {
        let home = tempfile::tempdir().unwrap();
        let studio = Studio::new(home.path()).await;
        let mut options = Options::new(log(home.path()));
        options.mailbox = Some(home.path().join("mail"));
        change(&mut options);
        let world = SmtpWorld::start(options).await.unwrap();
        let mut settings = studio.query("settings.get", json!({})).await;
        settings["organisation"] = json!("Ember & Oak");
        settings["postal_address"] = json!("1 Mill Lane, Bath");
        studio.mutate("settings.save", settings).await;
        let shop = Shop {
            studio,
            world: Arc::new(world),
            home: Arc::new(home),
        };
        shop.studio
            .mutate("accounts.add", json!({ "account": shop.account() }))
            .await;
        shop
    }

    /// Another program with a copy of the workspace, which sends to the same server.
    pub async fn copy_of(other: &Shop, copy: &Path) -> Shop {
        let dir = other.home.path().join("second");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::copy(copy, dir.join("shop.carillon")).unwrap();
        Shop {
            studio: Studio::again(&dir).await,
            world: other.world.clone(),
            home: other.home.clone(),
        }
    }

    /// The account as a user writes it.
    pub fn account(&self) -> Value {
        json!({
            "name": "World", "host": "127.0.0.1", "port": self.world.address().port(), "tls": "none",
            "from_name": "Ember & Oak", "from_email": "hello@ember.example", "sessions": 1,
        })
    }

    /// The account changed.
    pub async fn change_account(&self, key: &str, value: Value) {
        let mut account = self.account();
        account[key] = value;
        self.studio
            .mutate("accounts.update", json!({ "id": 1, "account": account }))
            .await;
    }

    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// So many contacts with permission, numbered from 1.
    pub async fn people(&self, n: usize) {
        let rows: String = (1..=n)
            .map(|n| format!("c{n}@example.com,Person {n}\n"))
            .collect();
        self.studio
            .import("people.csv", &format!("email,first_name\n{rows}"))
            .await;
    }

    pub async fn template(&self, name: &str, inner: &str) -> Value {
        self.save_template(None, name, &body(inner), "").await.unwrap()
    }

    pub async fn save_template(
        &self,
        id: Option<u64>,
        name: &str,
        body: &str,
        text: &str,
    ) -> Result<Value, String> {
        let draft = json!({ "name": name, "subject": "Hello {{ first_name }}", "body": body, "text": text });
        let saved = self.studio.ask(
            Kind::Mutate,
            "templates.save",
            json!({ "id": id, "draft": draft }),
        );
        saved.await.map_err(|e| e.message)
    }

    /// Draws a journey whose entry leads to one mail, and publishes it.
    pub async fn publish(&self, entry: Value, mail: Value) -> Result<Value, String> {
        let drawn = json!({
            "format": "carillon/journey/1", "name": "Hello",
            "steps": [
                { "id": "s1", "kind": entry["kind"], "settings": entry["settings"], "next": { "next": "s2" } },
                { "id": "s2", "kind": "send_email", "settings": mail, "next": { "next": "s3" } },
                { "id": "s3", "kind": "exit" },
            ],
        });
        let known = self.studio.query("journeys.list", json!({})).await;
        let id = match known.as_array().and_then(|all| all.first()) {
            Some(row) => row["id"].clone(),
            None => {
                let args = json!({ "text": drawn.to_string() });
                self.studio.mutate("journeys.import", args).await["id"].clone()
            }
        };
        let published = self
            .studio
            .ask(Kind::Mutate, "journeys.publish", json!({ "id": id }));
        published.await.map_err(|e| e.message)
    }

    /// Decides one mail for each contact.
    pub async fn write_to_all(&self) {
        self.studio
            .mutate(
                "segments.save",
                json!({ "id": null, "name": "All", "text": "everyone" }),
            )
            .await;
        let entry = json!({ "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true } });
        self.publish(entry, json!({ "template": "Hello" })).await.unwrap();
    }

    /// Does all that is due now.
    pub async fn run(&self) -> Value {
        self.studio
            .job("runtime.run", json!({ "until": null, "for_secs": null }))
            .await
    }

    pub async fn in_state(&self, state: &str) -> u64 {
        let page = json!({ "states": [state], "offset": 0, "limit": 10 });
        self.studio.query("outbox.page", page).await["total"]
            .as_u64()
            .unwrap()
    }

    /// What the server took.
    pub fn taken(&self) -> Vec<Truth> {
        truth::read(&log(self.home.path())).unwrap()
    }

    /// To whom, in order of address.
    pub fn reached(&self) -> Vec<String> {
        let mut all: Vec<String> = self.taken().into_iter().flat_map(|taken| taken.rcpt_to).collect();
        all.sort();
        all
    }

    /// The Message-ID of the mail to somebody, with its brackets.
    pub fn id_of(&self, to: &str) -> String {
        let all = self.taken();
        let mail = all.iter().rev().find(|mail| mail.rcpt_to == [to]).unwrap();
        format!(
            "<{}>",
            mail.message_id.as_deref().unwrap().trim_matches(['<', '>'])
        )
    }

    /// Takes in a mail as if a mailbox had brought it.
    pub async fn take_in(&self, mail: &str) -> Value {
        let raw = base64::engine::general_purpose::STANDARD.encode(mail.replace('\n', "\r\n"));
        self.studio
            .mutate("responses.take_in_mail", json!({ "raw": raw }))
            .await
    }

    /// The HTML of the last mail to somebody.
    pub fn mail_to(&self, to: &str) -> String {
        let mailbox = Mailbox::open(&self.home.path().join("mail")).unwrap();
        for id in mailbox.list().unwrap().iter().rev() {
            let bytes = mailbox.read(id).unwrap().unwrap();
            let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            if mail
                .to()
                .and_then(|all| all.first())
                .and_then(|one| one.address())
                == Some(to)
            {
                let html = mail.body_html(0).unwrap().into_owned();
                let leave = mail.header_raw("List-Unsubscribe").unwrap_or_default();
                let leave: String = leave.split_whitespace().collect();
                return format!("{} {leave}", html.replace("&amp;", "&"));
            }
        }
        panic!("no mail to {to}");
    }

    /// The bytes of the last mail that was taken.
    pub fn last_mail(&self) -> Vec<u8> {
        let mailbox = Mailbox::open(&self.home.path().join("mail")).unwrap();
        let last = mailbox.list().unwrap().pop().unwrap();
        mailbox.read(&last).unwrap().unwrap()
    }
}

fn log(home: &Path) -> PathBuf {
    home.join("truth.jsonl")
}

/// A delivery status notification as RFC 3464 has it.
pub fn notice(id: &str, to: &str, action: &str, status: &str, diagnostic: &str) -> String {
    format!(
        "Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: hello@ember.example
Subject: Undelivered Mail Returned to Sender
Date: Sun, 01 Mar 2026 00:00:00 +0000
Message-ID: <{status}.{action}.{to}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"

--b
Content-Type: text/plain

This is the mail system at host mx.example.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b
Content-Type: text/rfc822-headers

From: Ember & Oak <hello@ember.example>
To: {to}
Message-ID: {id}
Subject: Hello

--b--
"
    )
}
