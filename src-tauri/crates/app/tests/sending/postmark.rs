//! A local server written from Postmark's public documents, as far as a studio asks it. It is no copy of the real one.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

pub const TOKEN: &str = "server-token-hunter2";

/// What it knows and what it was asked.
#[derive(Clone, Default)]
pub struct Postmark {
    pub said: Arc<Mutex<Said>>,
}

#[derive(Default)]
pub struct Said {
    /// Messages it took: address and body of the request.
    pub sent: Vec<(String, Value)>,
    /// Entries of `/bounces`.
    pub bounces: Vec<Value>,
    /// The list of addresses it does not send to, with its reasons.
    pub listed: BTreeMap<String, String>,
    /// It takes a message to this address, and its answer is lost.
    pub loses: Option<String>,
    /// It takes a message to this address, and never answers.
    pub holds: Option<String>,
    /// Its events cannot be read.
    pub deaf: bool,
}

impl Postmark {
    /// The server and its address; it ends with the test.
    pub async fn start() -> (Postmark, String) {
        let server = Postmark::default();
        let router = Router::new().fallback(answer).with_state(server.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, host)
    }

    /// To whom messages went, in order of address.
    pub fn reached(&self) -> Vec<String> {
        let said = self.said.lock().unwrap();
        let mut all: Vec<String> = said.sent.iter().map(|(to, _)| to.clone()).collect();
        all.sort();
        all
    }

    /// Something of a kind came back for the message to an address: as its documents show it, without our id.
    pub fn comes_back(&self, to: &str, kind: &str) {
        let mut said = self.said.lock().unwrap();
        let id = said.bounces.len() + 1;
        let entry = json!({
            "ID": id, "Type": kind, "MessageID": called(to), "Email": to, "BouncedAt": "2026-03-01T00:00:05Z",
            "Details": "smtp;550 5.1.1 said so",
        });
        said.bounces.push(entry);
    }
}

/// What it calls the message to an address.
fn called(to: &str) -> String {
    format!("guid-{to}")
}

async fn answer(
    server: State<Postmark>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: Query<HashMap<String, String>>,
    body: String,
) -> Response {
    match told(server, method, uri, headers, query, body) {
        Some(told) => told,
        None => std::future::pending().await,
    }
}

/// Its answer, if it gives one.
fn told(
    State(server): State<Postmark>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> Option<Response> {
    let mut said = server.said.lock().unwrap();
    if headers
        .get("x-postmark-server-token")
        .is_none_or(|token| token != TOKEN)
    {
        let told = json!({ "ErrorCode": 10, "Message": "Bad or missing Server API token." });
        return Some((StatusCode::UNAUTHORIZED, axum::Json(told)).into_response());
    }
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let told = match (method, uri.path()) {
        (Method::GET, "/server") => json!({ "ID": 1, "Name": "Shop" }),
        (Method::POST, "/email") => {
            let to = body["To"].as_str().unwrap().trim_matches(['<', '>']);
            let to = to.rsplit_once('<').map_or(to, |(_, to)| to).to_owned();
            said.sent.push((to.clone(), body));
            if said.holds.as_ref() == Some(&to) {
                return None;
            }
            if said.loses.as_ref() == Some(&to) {
                return Some(StatusCode::BAD_GATEWAY.into_response());
            }
            json!({ "ErrorCode": 0, "Message": "OK", "MessageID": called(&to), "To": to })
        }
        _ if said.deaf => return Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        (Method::GET, "/bounces") => {
            json!({ "TotalCount": said.bounces.len(), "Bounces": said.bounces })
        }
        (Method::GET, "/messages/outbound") => {
            let wanted = query.get("metadata_carillon");
            let found: Vec<Value> = said
                .sent
                .iter()
                .filter(|(_, body)| wanted.is_some_and(|id| body["Metadata"]["carillon"] == id.as_str()))
                .map(|(to, body)| {
                    json!({
                        "MessageID": called(to), "Recipients": [to], "Status": "Sent", "ReceivedAt": "2026-03-01T00:00:01Z",
                        "Metadata": body["Metadata"],
                    })
                })
                .collect();
            json!({ "TotalCount": found.len(), "Messages": found })
        }
        (Method::GET, path) if path.starts_with("/messages/outbound/") => json!({ "TotalCount": 0 }),
        (Method::GET, "/message-streams/outbound/suppressions/dump") => {
            let all: Vec<Value> = said
                .listed
                .iter()
                .map(|(address, reason)| json!({ "EmailAddress": address, "SuppressionReason": reason }))
                .collect();
            json!({ "Suppressions": all })
        }
        (Method::POST, "/message-streams/outbound/suppressions") => {
            for entry in body["Suppressions"].as_array().unwrap() {
                let address = entry["EmailAddress"].as_str().unwrap().to_owned();
                said.listed.insert(address, "ManualSuppression".to_owned());
            }
            json!({ "Suppressions": [] })
        }
        (method, path) => panic!("{method} {path} is not in its documents"),
    };
    Some(axum::Json(told).into_response())
}
