//! A request, from its address to the whole answer.

use super::answer::{Answer, Failed};
use super::lost::{self, Reach};
use super::{Http, MOST_REDIRECTS, bad_url};
use crate::Secret;
use crate::failure::failure;
use base64::Engine;
use carillon_model::message::{Failure, FailureClass};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// A request being put together. What is wrong with its parts is told by [`Request::send`].
pub struct Request<'a> {
    http: &'a Http,
    method: Method,
    url: Result<Url, Failure>,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    body: Option<Vec<u8>>,
    total: Duration,
    longest: usize,
    at_most_once: bool,
    stays: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(http: &'a Http, method: Method, url: &str) -> Request<'a> {
        Request {
            http,
            method,
            url: Url::parse(url).map_err(|_| bad_url("it is not a web address")),
            headers: HeaderMap::new(),
            secrets: Vec::new(),
            body: None,
            total: http.total,
            longest: http.longest,
            at_most_once: false,
            stays: false,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.put(name, value, false);
        self
    }

    /// Adds a header that nobody else may read: it is kept out of every text.
    pub fn secret_header(mut self, name: &str, value: &Secret) -> Self {
        self.put(name, value.expose(), true);
        self.secrets.push(value.clone());
        self
    }

    /// `Authorization: Bearer` (RFC 6750).
    pub fn bearer(self, token: &Secret) -> Self {
        let value = Secret::new(format!("Bearer {}", token.expose()));
        let mut request = self.secret_header(AUTHORIZATION.as_str(), &value);
        request.secrets.push(token.clone());
        request
    }

    /// `Authorization: Basic` (RFC 7617).
    pub fn basic(self, user: &str, password: &Secret) -> Self {
        let pair = zeroize::Zeroizing::new(format!("{user}:{}", password.expose()));
        let coded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
        let mut request = self.secret_header(AUTHORIZATION.as_str(), &Secret::new(format!("Basic {coded}")));
        request.secrets.push(Secret::new(coded));
        request.secrets.push(password.clone());
        request
    }

    /// Adds a pair to the query of the address.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Sends these bytes.
    pub fn body(mut self, content_type: &str, bytes: Vec<u8>) -> Self {
        self.put(CONTENT_TYPE.as_str(), content_type, false);
        self.body = Some(bytes);
        self
    }

    /// Sends this as JSON.
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(_) => self.spoiled(failure(
                FailureClass::Setup,
                "json",
                "What was to be sent cannot be written as JSON.",
            )),
        }
    }

    /// Sends these pairs as a form does (`application/x-www-form-urlencoded`).
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.body("application/x-www-form-urlencoded", text.into_bytes())
    }

    /// Another limit for the whole.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.total = limit;
        self
    }

    /// Another bound for the answer, in bytes.
    pub fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// What this asks for must not happen twice: once it may have reached the server, a missing answer is
    /// `Unknown`, not `Transient`.
    pub fn at_most_once(mut self) -> Self {
        self.at_most_once = true;
        self
    }

    /// Where it is sent on to is told in the answer (`Location`) and not followed.
    pub fn stays(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Sends it and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `Setup` for an address that cannot be used, a certificate, an answer that is too long; `Refused` by the
    /// dialer; `Transient` when nothing answers; `Unknown` as [`Request::at_most_once`] says.
    pub async fn send(self) -> Result<Answer, Failed> {
        let (total, doubt) = (self.total, self.doubt());
        let host = self.host();
        match timeout(total, self.complete()).await {
            Ok(outcome) => outcome.map_err(Failed::from),
            Err(_) => Err(doubt(lost::no_answer_in_time(&host)).into()),
        }
    }

    /// Sends it and leaves the body to be read as it comes: for lines that stay open. The limit for the whole is
    /// the one for the head of the answer.
    ///
    /// # Errors
    /// As [`Request::send`], and as [`Answer::ok`] for a status that is not 2xx.
    pub async fn open(self) -> Result<Incoming, Failed> {
        let (total, host) = (self.total, self.host());
        let beginning = async {
            let longest = self.longest;
            let (response, host, secrets, doubt) = self.head().await?;
            if response.status().is_success() {
                return Ok(Incoming { response, host });
            }
            Err(whole(response, host, secrets, longest, &doubt).await?.refusal())
        };
        match timeout(total, beginning).await {
            Ok(outcome) => outcome,
            Err(_) => Err(lost::no_answer_in_time(&host).into()),
        }
    }

    async fn complete(self) -> Result<Answer, Failure> {
        let longest = self.longest;
        let (response, host, secrets, doubt) = self.head().await?;
        whole(response, host, secrets, longest, &doubt).await
    }

    /// The head of the last answer, after all redirects.
    async fn head(self) -> Result<(reqwest::Response, String, Vec<Secret>, Doubt), Failure> {
        let doubt = self.doubt();
        let mut url = self.url?;
        let mut headers = self.headers;
        let mut body = self.body;
        for _ in 0..=MOST_REDIRECTS {
            url.set_fragment(None);
            let host = host_of(&url);
            let client = self.http.client_for(&url).await?;
            let mut request = reqwest::Request::new(self.method.clone(), url.clone());
            *request.headers_mut() = headers.clone();
            *request.body_mut() = body.take().map(Into::into);
            let response = client.execute(request).await.map_err(|error| {
                let reach = if error.is_connect() {
                    Reach::Connecting
                } else {
                    Reach::Written
                };
                let failure = lost::failure_of(&host, reach, error.is_timeout(), &error);
                if reach == Reach::Written {
                    doubt(failure)
                } else {
                    failure
                }
            })?;
            let next = match self.stays {
                true => None,
                false => onward(&self.method, &url, &response)?,
            };
            let Some(next) = next else {
                return Ok((response, host, self.secrets, doubt));
            };
            if next.origin() != url.origin() {
                headers = headers
                    .remove(ACCEPT)
                    .map(|accept| (ACCEPT, accept))
                    .into_iter()
                    .collect();
            }
            url = next;
        }
        Err(moved(&url, "it sends on and on"))
    }

    /// What becomes of a failure after the request may have been read.
    fn doubt(&self) -> Doubt {
        let (at_most_once, host) = (self.at_most_once, self.host());
        Box::new(move |failure: Failure| match failure.class {
            FailureClass::Transient if at_most_once => lost::unknown(&host, &failure),
            _ => failure,
        })
    }

    fn host(&self) -> String {
        self.url.as_ref().map(host_of).unwrap_or_default()
    }

    fn put(&mut self, name: &str, value: &str, secret: bool) {
        let pair = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        match pair {
            Some((name, mut value)) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            None => {
                let problem =
                    format!("The header {name} cannot be sent: its value holds what no header may hold.");
                self.url = Err(failure(FailureClass::Setup, "header", problem));
            }
        }
    }

    fn spoiled(mut self, problem: Failure) -> Self {
        self.url = Err(problem);
        self
    }
}

type Doubt = Box<dyn Fn(Failure) -> Failure + Send + Sync>;

/// A body that is read as it comes.
pub struct Incoming {
    response: reqwest::Response,
    host: String,
}

impl Incoming {
    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// `Transient` when the line breaks or is silent for longer than `silence`.
    pub async fn chunk(&mut self, silence: Duration) -> Result<Option<Vec<u8>>, Failure> {
        match timeout(silence, self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(|bytes| bytes.to_vec())),
            Ok(Err(error)) => Err(lost::failure_of(&self.host, Reach::Written, false, &error)),
            Err(_) => Err(lost::no_answer_in_time(&self.host)),
        }
    }
}

async fn whole(
    mut response: reqwest::Response,
    host: String,
    secrets: Vec<Secret>,
    longest: usize,
    doubt: &Doubt,
) -> Result<Answer, Failure> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            doubt(lost::failure_of(
                &host,
                Reach::Written,
                error.is_timeout(),
                &error,
            ))
        })?;
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > longest {
            let problem =
                format!("{host} answered more than {longest} bytes, which nobody needs. It was not read.");
            return Err(doubt(failure(FailureClass::Transient, "too_long", problem)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status().as_u16(),
        body,
        host,
        headers: std::mem::take(response.headers_mut()),
        secrets,
    })
}

/// Where an answer sends us on to, if it does.
fn onward(method: &Method, from: &Url, response: &reqwest::Response) -> Result<Option<Url>, Failure> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(place) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(moved(from, "it sends what is meant for it on to another address"));
    }
    let next = place.to_str().ok().and_then(|place| from.join(place).ok());
    let Some(next) = next else {
        return Err(moved(from, "it sends on to what is no address"));
    };
    if from.scheme() == "https" && next.scheme() != "https" {
        return Err(moved(from, "it sends on to an address without encryption"));
    }
    Ok(Some(next))
}

fn moved(from: &Url, why: &str) -> Failure {
    let host = host_of(from);
    failure(
        FailureClass::Setup,
        "redirect",
        format!("{host} does not answer itself: {why}. Check the address that is set."),
    )
}

/// Name and, where it is not the usual one, port: for people.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
