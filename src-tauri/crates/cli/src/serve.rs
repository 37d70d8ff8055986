//! The studio's screens in a browser, on loopback only.
//!
//! Any page of the web may send requests to 127.0.0.1. So each call needs a random token that only the
//! address printed here carries, the `Host` must be ours (DNS rebinding), and an `Origin`, where the browser
//! sends one, must be ours too.

use crate::backend::Backend;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use carillon_app::App;
use carillon_app::error::{ApiError, Code, Result, fail};
use carillon_app::table::{Call, Kind, Window};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt};

/// Policy of the studio's own pages: everything from here, nothing inline, frames from here only.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self'; object-src 'none'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Policy of mail of others: no script, no network, shown in our frame only.
pub const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

struct Served {
    app: App,
    token: String,
    hosts: [String; 2],
    ui: PathBuf,
}

/// Serves until the process ends. Prints the address with its token.
///
/// # Errors
/// When the port is taken or the screens are not built.
pub async fn serve(backend: &Backend, port: u16, ui: Option<PathBuf>, json: bool) -> Result<()> {
    let ui = ui.unwrap_or_else(default_ui);
    if !ui.join("index.html").is_file() {
        return Err(fail(Code::NotFound, "serve.no_ui", &[("dir", &ui.display())]));
    }
    let cannot = |e: std::io::Error| fail(Code::Refused, "serve.port", &[("port", &port), ("detail", &e)]);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(cannot)?;
    let address: SocketAddr = listener.local_addr().map_err(cannot)?;
    let token = carillon_app::files::ticket();
    let served = Arc::new(Served {
        app: backend.app.clone(),
        token: token.clone(),
        hosts: [
            format!("127.0.0.1:{}", address.port()),
            format!("localhost:{}", address.port()),
        ],
        ui,
    });
    let url = format!("http://127.0.0.1:{}/#token={token}", address.port());
    if json {
        crate::output::json(&json!({ "url": url, "port": address.port() }));
    } else {
        crate::words::say!("serve.at", url = url);
    }
    let (interrupt, patience) = (backend.interrupt.clone(), backend.interrupt.clone());
    let serving =
        axum::serve(listener, router(served)).with_graceful_shutdown(async move { interrupt.asked().await });
    tokio::select! {
        ended = serving => ended.map_err(cannot),
        // Pages hold a line open to hear of commits; it would keep this program alive as long as they are shown.
        () = async { patience.asked().await; tokio::time::sleep(LAST_ANSWERS).await } => Ok(()),
    }
}

/// How long answers that are being made may take when the program was asked to end.
const LAST_ANSWERS: std::time::Duration = std::time::Duration::from_secs(1);

fn router(served: Arc<Served>) -> Router {
    let keyed = Router::new()
        .route("/api/query", post(query))
        .route("/api/mutate", post(mutate))
        .route("/api/upload", post(upload))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .route_layer(middleware::from_fn_with_state(served.clone(), needs_token));
    Router::new()
        .merge(keyed)
        .route("/api/changes", get(changes))
        .route("/api/frame/{ticket}", get(frame))
        .route("/api/download/{ticket}", get(download))
        .fallback(get(page))
        .layer(middleware::from_fn_with_state(served.clone(), ours_only))
        .with_state(served)
}

/// The folder of the screens: beside the program, or where a build from source leaves them.
fn default_ui() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let beside = exe.parent().map(|dir| dir.join("ui"));
    let built = exe.ancestors().map(|dir| dir.join("ui/dist"));
    let here = PathBuf::from("ui/dist");
    let mut candidates = beside.into_iter().chain(built).chain([here.clone()]);
    candidates
        .find(|dir| dir.join("index.html").is_file())
        .unwrap_or(here)
}

/// Whether a request came by our name, and from our own page if from any.
fn is_ours(served: &Served, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let host = text(header::HOST).is_some_and(|host| served.hosts.iter().any(|h| h == host));
    let origin = text(header::ORIGIN)
        .is_none_or(|origin| served.hosts.iter().any(|h| origin == format!("http://{h}")));
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    host && origin && !matches!(site, Some("cross-site" | "same-site"))
}

/// Refuses other hosts' names and other pages' requests.
async fn ours_only(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    if !is_ours(&served, request.headers()) {
        return (StatusCode::FORBIDDEN, crate::words::text!("serve.not_ours")).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn same(a: &str, b: &str) -> bool {
    // Of equal length always: a difference is found in the same time wherever it stands.
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

async fn needs_token(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    match given.and_then(|v| v.strip_prefix("Bearer ")) {
        Some(token) if same(token, &served.token) => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

#[derive(Deserialize)]
struct Ask {
    name: String,
    #[serde(default)]
    args: Value,
}

async fn call(served: &Served, kind: Kind, body: &Bytes) -> Response {
    let ask: Ask = match serde_json::from_slice(body) {
        Ok(ask) => ask,
        Err(e) => return error(&fail(Code::Invalid, "table.bad_args", &[("detail", &e)])),
    };
    match served
        .app
        .call(
            Window::Browser,
            Call {
                kind,
                name: ask.name,
                args: ask.args,
            },
        )
        .await
    {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(e) => error(&e),
    }
}

fn error(e: &ApiError) -> Response {
    let status = match e.code {
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Denied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, axum::Json(e)).into_response()
}

const BODY_MAX: usize = 16 << 20;

async fn query(State(served): State<Arc<Served>>, body: Body) -> Response {
    match axum::body::to_bytes(body, BODY_MAX).await {
        Ok(body) => call(&served, Kind::Query, &body).await,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

async fn mutate(State(served): State<Arc<Served>>, body: Body) -> Response {
    match axum::body::to_bytes(body, BODY_MAX).await {
        Ok(body) => call(&served, Kind::Mutate, &body).await,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

#[derive(Deserialize)]
struct UploadName {
    #[serde(default)]
    name: String,
}

/// Takes a file to disk as it comes, whatever its size.
async fn upload(State(served): State<Arc<Served>>, Query(named): Query<UploadName>, body: Body) -> Response {
    let (ticket, path) = match served.app.tickets().file(served.app.home(), &named.name) {
        Ok(place) => place,
        Err(e) => return error(&e),
    };
    let written = async {
        use tokio::io::AsyncWriteExt;
        let mut file = tokio::fs::File::create(&path).await?;
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            file.write_all(&chunk.map_err(std::io::Error::other)?).await?;
        }
        file.flush().await
    };
    match written.await {
        Ok(()) => axum::Json(json!({ "upload": ticket })).into_response(),
        Err(e) => {
            let _ = tokio::fs::remove_file(&path).await;
            error(&ApiError::from(e))
        }
    }
}

#[derive(Deserialize)]
struct TokenParam {
    #[serde(default)]
    token: String,
}

/// Commits as server-sent events. `EventSource` cannot set a header, so the token comes in the query.
async fn changes(State(served): State<Arc<Served>>, Query(param): Query<TokenParam>) -> Response {
    if !same(&param.token, &served.token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let stream = heard(served.app.bus().listen()).filter_map(|change| {
        Event::default()
            .event("changed")
            .json_data(change)
            .ok()
            .map(Ok::<_, std::convert::Infallible>)
    });
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

/// What is told of commits; to a page that fell behind, that everything may have changed.
fn heard(changes: Receiver<Value>) -> impl Stream<Item = Value> {
    BroadcastStream::new(changes)
        .map(|change| change.unwrap_or_else(|_| json!({ "seq": 0, "topics": ["everything"] })))
}

/// Mail of others: its ticket is its key, its policy its cage.
async fn frame(State(served): State<Arc<Served>>, Path(ticket): Path<String>) -> Response {
    let Some(html) = served.app.frame(&ticket).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(MAIL_POLICY),
    );
    (headers, html.to_string()).into_response()
}

async fn download(State(served): State<Arc<Served>>, Path(ticket): Path<String>) -> Response {
    let Some(path) = served.app.tickets().get_file(&ticket) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match tokio::fs::File::open(&path).await {
        Ok(file) => {
            let stream = tokio_util::io::ReaderStream::new(file);
            let mut headers = HeaderMap::new();
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            );
            headers.insert(
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment"),
            );
            (headers, Body::from_stream(stream)).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn media_type(path: &std::path::Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// The built screens. Only plain names below the folder: no way up, no hidden files, no links out.
async fn page(State(served): State<Arc<Served>>, request: Request) -> Response {
    let asked = request.uri().path().trim_start_matches('/');
    let asked = if asked.is_empty() { "index.html" } else { asked };
    let plain = asked.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    });
    if !plain {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = served.ui.join(asked);
    match tokio::fs::read(&path).await {
        Ok(bytes) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(&path)));
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(PAGE_POLICY),
            );
            (headers, bytes).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_that_fell_behind_is_told_that_everything_may_have_changed() {
        let (tell, listen) = tokio::sync::broadcast::channel(2);
        for seq in 1..=5 {
            let _ = tell.send(json!({ "seq": seq, "topics": ["contacts"] }));
        }
        drop(tell);
        let told: Vec<Value> = heard(listen).collect().await;
        assert_eq!(told[0]["topics"], json!(["everything"]), "{told:?}");
        assert_eq!((&told[1]["seq"], &told[2]["seq"]), (&json!(4), &json!(5)));
    }
}
