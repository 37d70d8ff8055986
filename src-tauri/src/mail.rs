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
        match page(app.frame(&ticket).await.as_deref()) {
            Ok(response) => responder.respond(response),
            Err(error) => tracing::error!(%error, "a mail could not be shown"),
        }
    });
}

/// The answer that shows a mail, or says that it is gone: never without the policy.
///
/// # Errors
/// None with the headers of this file.
pub fn page(html: Option<&str>) -> tauri::http::Result<Response<Vec<u8>>> {
    Response::builder()
        .status(match html {
            Some(_) => StatusCode::OK,
            None => StatusCode::NOT_FOUND,
        })
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(html.unwrap_or_default().as_bytes().to_vec())
}
