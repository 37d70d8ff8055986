//! The scheme `mail:` shows mail of others in a frame: with its own policy, without scripts or network.
//! A frame made with `srcdoc` would inherit the window's policy instead.

use carillon_app::App;
use tauri::http::{Request, Response, StatusCode, header};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};

/// No script, no network, no way out of the frame.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox";

/// Answers `mail://localhost/<ticket>`.
pub fn answer<R: Runtime>(
    context: UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let ticket = request.uri().path().trim_start_matches('/').to_owned();
    let app = context.app_handle().state::<App>().inner().clone();
    tauri::async_runtime::spawn(async move {
        let (status, body) = match app.frame(&ticket).await {
            Some(html) => (StatusCode::OK, html.as_bytes().to_vec()),
            None => (StatusCode::NOT_FOUND, Vec::new()),
        };
        respond(responder, status, body);
    });
}

fn respond(responder: UriSchemeResponder, status: StatusCode, body: Vec<u8>) {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(body);
    match response {
        Ok(response) => responder.respond(response),
        Err(error) => tracing::error!(%error, "a mail could not be shown"),
    }
}
