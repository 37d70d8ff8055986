//! Providers over their API: sending, and what came back.
//!
//! One file a provider and one line in each list below. SES and Mailgun take the finished message as it is; the
//! others take parts, so the message is taken apart again, with our headers kept, and the provider signs it.
//!
//! Reading is [`Api::poll`], then a commit of the caller that holds the events and the new cursor, then [`Api::ack`].
//! A crash between them repeats events and loses none; [`Event::key`] tells the repeated ones.

mod brevo;
mod mailgun;
mod parts;
mod postmark;
mod rules;
mod sendgrid;
mod ses;
mod sigv4;

pub use rules::{Rules, dated, of as rules_of, rules};

use crate::failure::failure;
use crate::http::{Answer, Failed};
use crate::{Http, Secret};
use carillon_model::Moment;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::provider::{Provider, ProviderKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A message to send. Its MIME form holds one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The finished message (RFC 5322), lines ended by CR LF.
    pub mime: &'a [u8],
    pub from: &'a str,
    pub to: &'a str,
    /// As in the header, without angle brackets. The same at each attempt.
    pub message_id: &'a str,
}

/// The provider took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The provider's own name for it: events may carry only that.
    pub provider_id: String,
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The recipient's server took it.
    Delivered,
    Bounced(Bounce),
    /// Still being tried. Not a bounce.
    Delayed,
    Complained,
    Opened,
    Clicked {
        url: String,
    },
    Unsubscribed,
    /// The provider itself would not send it.
    Rejected,
}

/// Whose fault a bounce is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounce {
    /// The address does not work.
    Hard,
    /// It may work later.
    Soft,
    /// The sender is refused: never the person's fault.
    Block,
}

/// One thing that happened, in one shape for all providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same each time the same thing is told: for exactly once.
    pub key: [u8; 16],
    pub kind: EventKind,
    /// Our Message-ID without angle brackets, where the provider repeats it.
    pub message_id: Option<String>,
    /// The provider's name for the message, as in [`Accepted`].
    pub provider_id: Option<String>,
    pub recipient: String,
    pub at: Moment,
    /// One line for people.
    pub detail: String,
    pub user_agent: Option<String>,
}

/// What one poll brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub events: Vec<Event>,
    /// Where to go on: to be stored in the commit that stores the events.
    pub cursor: String,
    /// Whether there is more now.
    pub more: bool,
    /// Entries that are no events as the documents describe them. They are skipped.
    pub unreadable: u32,
    /// What [`Api::ack`] tells the provider to forget.
    receipts: Vec<String>,
}

/// An address the provider does not send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    pub address: String,
    pub reason: Reason,
    pub at: Option<Moment>,
}

/// Why an address is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Bounce,
    Complaint,
    Unsubscribe,
    /// The sender is refused there; the person said nothing.
    Block,
}

/// One page of the provider's suppressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionPage {
    pub entries: Vec<Suppressed>,
    /// For the next page; `None` after the last.
    pub next: Option<String>,
}

/// What the account may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// Messages in any 24 hours, or left in the plan's period where `per_day` is false.
    pub limit: u64,
    /// Of them, sent.
    pub sent: u64,
    /// Whether `limit` is of 24 hours; else it is of the plan's own period.
    pub per_day: bool,
    /// Messages a second.
    pub per_second: Option<f64>,
    /// Whether the account may send to anybody.
    pub production: bool,
}

/// What the provider's records say of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has the message.
    Accepted,
    Bounced(Bounce),
    /// It was asked and has nothing. Records come late: minutes after the attempt this proves nothing.
    NotFound,
    /// It keeps no record that could be asked by our Message-ID.
    CannotTell,
}

/// An account at a provider.
pub struct Account {
    http: Http,
    settings: Provider,
    secret: Secret,
    base: String,
    rules: &'static Rules,
}

/// An account, with its provider's own ways.
pub enum Api {
    Ses(Account),
    Mailgun(Account),
    Postmark(Account),
    Brevo(Account),
    Sendgrid(Account),
}

/// One line a provider: the same call in its file.
macro_rules! in_its_file {
    ($api:expr, $call:ident ( $($given:expr),* )) => {
        match $api {
            Api::Ses(account) => ses::$call(account, $($given),*).await,
            Api::Mailgun(account) => mailgun::$call(account, $($given),*).await,
            Api::Postmark(account) => postmark::$call(account, $($given),*).await,
            Api::Brevo(account) => brevo::$call(account, $($given),*).await,
            Api::Sendgrid(account) => sendgrid::$call(account, $($given),*).await,
        }
    };
}

impl Api {
    /// An account. `secret` is the API key; for SES, the secret half of the access key.
    ///
    /// # Errors
    /// `Setup` when a setting is missing or the region is unknown.
    pub fn new(http: Http, settings: Provider, secret: Secret) -> Result<Api, Failure> {
        let rules = rules::of(settings.kind);
        let base = match &settings.host {
            Some(host) => host.trim_end_matches('/').to_owned(),
            None => rules.host(&settings.region)?,
        };
        let needed = match settings.kind {
            ProviderKind::Ses => [&settings.key_id, &settings.region],
            ProviderKind::Mailgun => [&settings.domain, &settings.domain],
            _ => [&base, &base],
        };
        if secret.is_empty() || needed.iter().any(|setting| setting.is_empty()) {
            let detail = format!("{} needs its key, region and domain set.", rules.label);
            return Err(failure(FailureClass::Setup, "provider", detail));
        }
        let wrap = match settings.kind {
            ProviderKind::Ses => Api::Ses,
            ProviderKind::Mailgun => Api::Mailgun,
            ProviderKind::Postmark => Api::Postmark,
            ProviderKind::Brevo => Api::Brevo,
            ProviderKind::Sendgrid => Api::Sendgrid,
        };
        Ok(wrap(Account {
            http,
            settings,
            secret,
            base,
            rules,
        }))
    }

    /// What people call the provider.
    pub fn label(&self) -> &'static str {
        &self.account().rules.label
    }

    /// Whether the provider recognises a second attempt made at once, by our Message-ID: then one whose answer was lost
    /// may be made again, within [`Rules::idempotency_secs`].
    pub fn recognises_repeats(&self) -> bool {
        self.account().rules.idempotency_secs.is_some()
    }

    /// Whether the provider can take a message of this size and make at all. Nothing is sent.
    ///
    /// # Errors
    /// `Sender`: this provider can never take it.
    pub fn fits(&self, message: &Outgoing<'_>) -> Result<(), Failure> {
        self.account().short_enough(message)?;
        match self {
            Api::Ses(_) | Api::Mailgun(_) => Ok(()),
            Api::Postmark(_) | Api::Brevo(_) | Api::Sendgrid(_) => parts::parts(message.mime).map(drop),
        }
    }

    /// Hands a message over. Classes mean what they mean for SMTP; `Unknown` when it may have been taken.
    ///
    /// # Errors
    /// As said; `Recipient` only where the provider says so of the address.
    pub async fn send(&self, message: &Outgoing<'_>) -> Result<Accepted, Failed> {
        self.account().short_enough(message)?;
        in_its_file!(self, send(message))
    }

    fn account(&self) -> &Account {
        match self {
            Api::Ses(account)
            | Api::Mailgun(account)
            | Api::Postmark(account)
            | Api::Brevo(account)
            | Api::Sendgrid(account) => account,
        }
    }

    /// The next events after `cursor`; without one, those of the last days.
    ///
    /// # Errors
    /// Nothing is lost by one: ask again with the same cursor.
    pub async fn poll(&self, cursor: Option<&str>, now: Moment) -> Result<Batch, Failed> {
        in_its_file!(self, poll(cursor, now))
    }

    /// Tells the provider to forget what was read. Only after the events and the cursor are committed.
    ///
    /// # Errors
    /// Nothing is lost by one: what is not forgotten comes again, with the same keys.
    pub async fn ack(&self, batch: &Batch) -> Result<(), Failed> {
        match self {
            Api::Ses(account) => ses::ack(account, &batch.receipts).await,
            // Their records are read by time and stay.
            Api::Mailgun(_) | Api::Postmark(_) | Api::Brevo(_) | Api::Sendgrid(_) => Ok(()),
        }
    }

    /// One page of the addresses the provider does not send to. Removing is never done by itself, so it is not here.
    ///
    /// # Errors
    /// Those of the connection and the account.
    pub async fn suppressions(&self, next: Option<&str>) -> Result<SuppressionPage, Failed> {
        in_its_file!(self, suppressions(next))
    }

    /// Keeps the provider from sending to an address.
    ///
    /// # Errors
    /// Those of the connection and the account. Doing it twice is no error.
    pub async fn suppress(&self, address: &str, reason: Reason) -> Result<(), Failed> {
        in_its_file!(self, suppress(address, reason))
    }

    /// What the account may send now; `None` where the provider does not say. It is asked in any case, so that an answer
    /// also tells that it is there and takes the key.
    ///
    /// # Errors
    /// Those of the connection and the account.
    pub async fn quota(&self) -> Result<Option<Quota>, Failed> {
        in_its_file!(self, quota())
    }

    /// What the provider's records say of a message whose fate is unknown.
    ///
    /// # Errors
    /// Those of the connection and the account.
    pub async fn find(&self, message_id: &str, to: &str) -> Result<Found, Failed> {
        in_its_file!(self, find(message_id, to))
    }
}

impl Account {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn short_enough(&self, message: &Outgoing<'_>) -> Result<(), Failure> {
        let longest = self.rules.longest_message;
        if message.mime.len() <= longest {
            return Ok(());
        }
        let megabytes = longest / 1_000_000;
        let detail = format!("{} takes messages of at most {megabytes} MB.", self.rules.label);
        Err(failure(FailureClass::Sender, "too_long", detail))
    }

    /// The answer where it is a success; else its failure, by the dated rules and the provider's own limit header.
    fn accepted(&self, answer: Answer, code: &str) -> Result<Answer, Failed> {
        if answer.is_success() {
            return Ok(answer);
        }
        let mut failed = match self.rules.refusal(code) {
            Some(class) => answer.failed(class, &answer.words()),
            None => answer.refusal(),
        };
        if failed.retry_after.is_none()
            && let Some(limit) = &self.rules.limit_header
        {
            failed.retry_after = answer.reset(&limit.name, limit.style);
        }
        Err(failed)
    }

    /// [`Account::accepted`] for a message.
    fn taken(&self, answer: Answer, code: &str) -> Result<Answer, Failed> {
        let status = answer.status;
        let known = self.rules.refusal(code).is_some();
        let mut outcome = self.accepted(answer, code);
        if let Err(failed) = &mut outcome {
            let class = &mut failed.failure.class;
            match status {
                // The front may have lost the answer of what stands behind it, after the message was taken.
                500 | 502 | 504 => *class = FailureClass::Unknown,
                // A request that is not accepted is the sender's fault; never the account's set-up alone.
                400..=499 if !known && *class == FailureClass::Setup => *class = FailureClass::Sender,
                _ => {}
            }
        }
        outcome
    }
}

/// The key of an event: its parts, each with its length, hashed.
fn key(parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("carillon provider event v1");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// Entries of a list one by one, so that one that is odd does not cost the others. Counts the odd ones.
fn readable<T: DeserializeOwned>(entries: Vec<serde_json::Value>, odd: &mut u32) -> Vec<T> {
    let read = |entry| serde_json::from_value(entry).ok();
    let total = entries.len();
    let good: Vec<T> = entries.into_iter().filter_map(read).collect();
    *odd += (total - good.len()) as u32;
    good
}

/// A cursor of ours, or the beginning where there is none.
///
/// # Errors
/// `Setup` for one that is not ours.
fn resume<T: DeserializeOwned>(cursor: Option<&str>, beginning: impl FnOnce() -> T) -> Result<T, Failure> {
    match cursor {
        None => Ok(beginning()),
        Some(text) => serde_json::from_str(text).map_err(|_| {
            let detail =
                "The place up to which this provider was read is damaged. Read it from the beginning.";
            failure(FailureClass::Setup, "cursor", detail)
        }),
    }
}

fn stored(cursor: &impl Serialize) -> String {
    serde_json::to_string(cursor).unwrap_or_default()
}

/// The address inside angle brackets, or the whole.
fn bare(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// One segment of a path.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
