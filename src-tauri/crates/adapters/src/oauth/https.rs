//! How the crate `oauth2` sends its requests: through the one client of everything that speaks HTTP.

use crate::{Dialer, Http, Secret};
use carillon_model::message::{Failure, FailureClass};
use oauth2::http::Response;
use oauth2::http::header::{AUTHORIZATION, CONTENT_TYPE};
use oauth2::{HttpRequest, HttpResponse};
use std::fmt;
use std::time::Duration;

/// Time for connecting, asking and the whole answer.
const LIMIT: Duration = Duration::from_secs(60);
/// Longest answer, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// A failure as the crate `oauth2` wants it.
#[derive(Debug)]
pub(crate) struct HttpFault(pub Failure);

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for HttpFault {}

/// What sends the requests of the crate `oauth2`.
pub(super) fn client(
    dialer: &Dialer,
) -> impl Fn(HttpRequest) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFault>> + Send>> + use<>
{
    let dialer = dialer.clone();
    move |request| {
        let dialer = dialer.clone();
        Box::pin(async move { send(dialer, request).await.map_err(HttpFault) })
    }
}

async fn send(dialer: Dialer, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let http = Http::new(dialer).await;
    let (parts, body) = request.into_parts();
    let mut asked = http
        .request(parts.method, &parts.uri.to_string())
        .time_limit(LIMIT)
        .longest(LONGEST_ANSWER);
    let mut kind = String::new();
    for (name, value) in &parts.headers {
        let value = value.to_str().map_err(|_| unsayable())?;
        if name == AUTHORIZATION {
            asked = asked.secret_header(name.as_str(), &Secret::new(value.to_owned()));
        } else if name == CONTENT_TYPE {
            kind = value.to_owned();
        } else {
            asked = asked.header(name.as_str(), value);
        }
    }
    if !body.is_empty() {
        asked = asked.body(&kind, body);
    }
    let answer = asked.send().await?;
    let mut response = Response::builder().status(answer.status);
    if let Some(kind) = answer.header(CONTENT_TYPE.as_str()) {
        response = response.header(CONTENT_TYPE, kind);
    }
    response.body(answer.body).map_err(|_| unsayable())
}

fn unsayable() -> Failure {
    crate::failure::failure(
        FailureClass::Setup,
        "http",
        "The provider's settings or its answer hold what HTTP cannot carry.",
    )
}
