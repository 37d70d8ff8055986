//! Providers: SES against moto where moto knows what is asked, all else against local servers written from the
//! public documents.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod brevo;
mod mailgun;
#[cfg(feature = "moto")]
mod moto;
mod postmark;
mod sendgrid;
mod ses;
mod trouble;

use axum::Router;
use axum::response::{IntoResponse, Response};
use carillon_adapters::providers::{Api, Batch, Event, Outgoing};
use carillon_adapters::{Dialer, Http, Secret};
use carillon_model::Moment;
use carillon_model::provider::{Provider, ProviderKind};
use std::collections::BTreeMap;

pub const MIME: &[u8] = b"From: Shop <shop@example.com>\r\nTo: ann@example.net\r\nSubject: Hello\r\n\
    Message-ID: <m1@example.com>\r\nList-Unsubscribe: <https://example.com/u/1>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\r\nHello Ann\r\n";

pub const MESSAGE: Outgoing<'static> = Outgoing {
    mime: MIME,
    from: "shop@example.com",
    to: "ann@example.net",
    message_id: "m1@example.com",
};

pub const KEY: &str = "key-hunter2";

pub fn settings(kind: ProviderKind, host: &str) -> Provider {
    Provider {
        kind,
        region: "us-east-1".into(),
        domain: "mg.example.com".into(),
        key_id: "AKIDEXAMPLE".into(),
        configuration_set: None,
        queue_url: None,
        stream: None,
        host: Some(host.to_owned()),
        tell_unsubscribed: false,
    }
}

pub async fn api(kind: ProviderKind, host: &str) -> Api {
    with_secret(kind, host, KEY).await
}

pub async fn with_secret(kind: ProviderKind, host: &str, secret: &str) -> Api {
    let http = Http::new(Dialer::new(true)).await;
    Api::new(http, settings(kind, host), Secret::new(secret.into())).unwrap()
}

/// Starts a server on this machine; ends with the test.
pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    host
}

pub fn json(value: serde_json::Value) -> Response {
    axum::Json(value).into_response()
}

pub fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

/// The caller's side: events by key, and the cursor, in one commit.
#[derive(Default)]
pub struct Inbox {
    pub events: BTreeMap<[u8; 16], Event>,
    pub cursor: Option<String>,
    /// How often an event was told that was there already.
    pub repeated: usize,
}

impl Inbox {
    pub fn commit(&mut self, batch: &Batch) {
        for event in &batch.events {
            let known = self.events.insert(event.key, event.clone());
            self.repeated += usize::from(known.is_some());
        }
        self.cursor = Some(batch.cursor.clone());
    }

    /// Polls until there is no more.
    pub async fn read_all(&mut self, api: &Api, now: Moment) {
        loop {
            let batch = api.poll(self.cursor.as_deref(), now).await.unwrap();
            self.commit(&batch);
            api.ack(&batch).await.unwrap();
            if !batch.more {
                return;
            }
        }
    }
}
