//! An answer, and what its status and headers mean.

use super::HeaderMap;
use crate::Secret;
use crate::failure::{failure, one_line};
use carillon_model::message::{Failure, FailureClass};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;

/// Longest wait a server may ask for; more is taken as this.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A failure over HTTP, with the server's word on when to come again.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    pub failure: Failure,
    /// Not before this long from now, where the server said so; at most a day.
    pub retry_after: Option<Duration>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed {
            failure,
            retry_after: None,
        }
    }
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Failure {
        failed.failure
    }
}

/// How a header says when a limit is free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Seconds from now.
    Seconds,
    /// Seconds since 1970.
    Epoch,
}

/// A whole answer.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub(super) host: String,
    pub(super) headers: HeaderMap,
    /// What the request said in confidence, so that a server that repeats it puts it in no log of ours.
    pub(super) secrets: Vec<Secret>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("host", &self.host)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, where it is readable text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The body as text, whatever its bytes are.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON of this shape.
    ///
    /// # Errors
    /// `Transient` with the code `answer` when it is not: whatever stands between may have answered.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            failure(
                FailureClass::Transient,
                "answer",
                format!(
                    "{} answered something that is not what its documents describe (line {}, column {}).",
                    self.host,
                    error.line(),
                    error.column()
                ),
            )
        })
    }

    /// The answer where its status is 2xx.
    ///
    /// # Errors
    /// As [`Answer::refusal`].
    pub fn ok(self) -> Result<Answer, Failed> {
        if self.is_success() {
            Ok(self)
        } else {
            Err(self.refusal())
        }
    }

    /// What a status that is not 2xx means where nobody knows better: 401 and 403 are `Auth`; 429 is `Throttled`;
    /// 408, 425 and 5xx are `Transient`; all else is `Setup`.
    pub fn refusal(&self) -> Failed {
        let class = match self.status {
            401 | 403 => FailureClass::Auth,
            429 => FailureClass::Throttled,
            408 | 425 | 500.. => FailureClass::Transient,
            _ => FailureClass::Setup,
        };
        self.failed(class, &self.words())
    }

    /// This answer as a failure: `words` are the server's, and become part of one line.
    pub fn failed(&self, class: FailureClass, words: &str) -> Failed {
        let words = self.without_secrets(words);
        let said = if words.is_empty() { "nothing more" } else { &words };
        Failed {
            failure: failure(
                class,
                self.status.to_string(),
                format!("{} answered {}: {said}", self.host, self.status),
            ),
            retry_after: self.retry_after(),
        }
    }

    /// What the server says in its body, as one line: the usual fields of a JSON error, or text that is no page.
    pub fn words(&self) -> String {
        let text = match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(json) => spoken(&json, 4).unwrap_or_default(),
            Err(_) => self.text(),
        };
        let text = if text.trim_start().starts_with('<') {
            ""
        } else {
            &text
        };
        one_line(&self.without_secrets(text))
    }

    /// When to come again (RFC 9110 §10.2.3): seconds, or a date, which counts from the server's own `Date`.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?;
        let wait = match value.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => self.until(DateTime::parse_from_rfc2822(value).ok()?.to_utc()),
        };
        Some(wait.min(LONGEST_WAIT))
    }

    /// When a limit is free again, by a header that is no standard.
    pub fn reset(&self, header: &str, style: Reset) -> Option<Duration> {
        // Some write a fraction of a second.
        let value: f64 = self.header(header)?.parse().ok()?;
        let seconds = value.ceil();
        if !(0.0..1e11).contains(&seconds) {
            return None;
        }
        let wait = match style {
            Reset::Seconds => Duration::from_secs(seconds as u64),
            Reset::Epoch => self.until(DateTime::from_timestamp(seconds as i64, 0)?),
        };
        Some(wait.min(LONGEST_WAIT))
    }

    fn until(&self, moment: DateTime<Utc>) -> Duration {
        let now = self
            .header("date")
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            .map_or_else(Utc::now, |date| date.to_utc());
        (moment - now).to_std().unwrap_or_default()
    }

    fn without_secrets(&self, text: &str) -> String {
        let told = self.secrets.iter().filter(|secret| !secret.is_empty());
        told.fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "…"))
    }
}

/// The sentence in an error document, by the names in use: RFC 9457 `detail` and `title`, and what vendors write.
fn spoken(json: &serde_json::Value, deeper: u8) -> Option<String> {
    const NAMES: [&str; 10] = [
        "message",
        "Message",
        "detail",
        "error_description",
        "title",
        "description",
        "reason",
        "error",
        "errors",
        "code",
    ];
    match json {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Array(list) if deeper > 0 => list.iter().find_map(|one| spoken(one, deeper - 1)),
        serde_json::Value::Object(fields) if deeper > 0 => NAMES
            .iter()
            .filter_map(|name| fields.get(*name))
            .find_map(|field| spoken(field, deeper - 1)),
        _ => None,
    }
}
