//! A local server written from Brevo's public documents, as far as sending and its quota go. It is no copy of the real
//! one.

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

/// What it was asked, and what it allows.
#[derive(Clone, Default)]
pub struct Brevo {
    pub said: Arc<Mutex<Said>>,
    /// What happens after the next message was taken and before the answer.
    pub meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

pub type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
pub struct Said {
    /// Calls that brought a message.
    pub calls: usize,
    /// Messages, by the key with which it knows a second call.
    pub keys: BTreeSet<String>,
    /// Messages it still takes.
    pub credits: usize,
    /// Answers that are lost after the message was taken.
    pub loses: usize,
}

impl Brevo {
    /// The server and its address; it ends with the test.
    pub async fn start() -> (Brevo, String) {
        let server = Brevo::default();
        let router = Router::new().fallback(answer).with_state(server.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, host)
    }
}

async fn answer(State(server): State<Brevo>, method: Method, uri: Uri, body: String) -> Response {
    if uri.path() == "/v3/smtp/email" {
        let meanwhile = server.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
    let mut said = server.said.lock().unwrap();
    let told = match (method, uri.path()) {
        (Method::GET, "/v3/account") => {
            json!({ "plan": [{ "type": "free", "creditsType": "sendLimit", "credits": said.credits }] })
        }
        (Method::POST, "/v3/smtp/email") => {
            let body: Value = serde_json::from_str(&body).unwrap();
            let key = body["headers"]["idempotencyKey"].as_str().unwrap().to_owned();
            said.calls += 1;
            if said.keys.insert(key) {
                said.credits -= 1;
            }
            if said.loses > 0 {
                said.loses -= 1;
                return StatusCode::BAD_GATEWAY.into_response();
            }
            let id = format!("<b{}@smtp-relay.mailin.fr>", said.keys.len());
            return (StatusCode::CREATED, axum::Json(json!({ "messageId": id }))).into_response();
        }
        // An empty search has no list at all.
        (Method::GET, "/v3/smtp/statistics/events") => json!({}),
        (Method::GET, "/v3/smtp/blockedContacts") => json!({ "contacts": [], "count": 0 }),
        (method, path) => panic!("{method} {path} is not in its documents"),
    };
    axum::Json(told).into_response()
}
