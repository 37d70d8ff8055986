//! Postmark: takes parts; messages and bounces are searched by time, opens and clicks newest first.
//!
//! A search shows 10,000 entries at most, so time is cut into slices until each shows less. Our Message-ID goes along
//! as metadata, by which a message is found again. Times in searches are those of New York. Opens and clicks cannot be
//! searched by time: of more than 10,000 since the last reading, only the newest 10,000 are seen.

use super::parts::parts;
use super::{
    Accepted, Account, Batch, Bounce, Event, EventKind, Found, Outgoing, Quota, Reason, Suppressed,
    SuppressionPage, key, readable, resume, segment, stored,
};
use crate::failure::one_line;
use crate::http::{Answer, Failed, Request};
use carillon_model::Moment;
use chrono::{DateTime, Offset, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Name of the metadata that holds our Message-ID.
const METADATA: &str = "carillon";

fn with_key<'a>(account: &Account, request: Request<'a>) -> Request<'a> {
    let request = request.header("accept", "application/json");
    request.secret_header("x-postmark-server-token", &account.secret)
}

fn stream(account: &Account) -> &str {
    account.settings.stream.as_deref().unwrap_or("outbound")
}

/// Its own number for what went wrong, else the status.
fn error_code(answer: &Answer) -> String {
    let told = answer
        .json()
        .ok()
        .and_then(|body: Value| body["ErrorCode"].as_i64());
    told.filter(|code| *code != 0)
        .unwrap_or(answer.status.into())
        .to_string()
}

async fn get(account: &Account, path: &str) -> Result<Answer, Failed> {
    let answer = with_key(account, account.http.get(&account.url(path)))
        .send()
        .await?;
    let code = error_code(&answer);
    account.accepted(answer, &code)
}

pub(super) async fn send(account: &Account, message: &Outgoing<'_>) -> Result<Accepted, Failed> {
    let parts = parts(message.mime)?;
    let mut headers: Vec<Value> = parts
        .headers
        .iter()
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect();
    // Its word for: leave the Message-ID as it is.
    headers.push(json!({ "Name": "X-PM-KeepID", "Value": "true" }));
    headers.push(json!({ "Name": "Message-ID", "Value": format!("<{}>", message.message_id) }));
    let body = json!({
        "From": parts.from.written(), "To": parts.to.written(),
        "ReplyTo": parts.reply_to.map(|reply| reply.written()),
        "Subject": parts.subject, "TextBody": parts.text, "HtmlBody": parts.html,
        "Headers": headers, "Metadata": { METADATA: message.message_id },
        "MessageStream": stream(account), "TrackOpens": false, "TrackLinks": "None",
    });
    let request = with_key(account, account.http.post(&account.url("/email"))).json(&body);
    let answer = request.at_most_once().send().await?;
    let code = error_code(&answer);
    let answer = account.taken(answer, &code)?;
    let told: Value = answer.json().unwrap_or_default();
    Ok(Accepted {
        provider_id: told["MessageID"].as_str().unwrap_or_default().to_owned(),
    })
}

/// What is read one after the other; then all begins again.
const FEEDS: [&str; 4] = [
    "bounces",
    "messages/outbound",
    "messages/outbound/opens",
    "messages/outbound/clicks",
];

/// A feed, a slice of time in it, and how much of the slice was read.
#[derive(Clone, Serialize, Deserialize)]
struct Place {
    feed: usize,
    /// Where this round began, and where it ends.
    from: i64,
    to: i64,
    /// The slice of a feed that is searched by time.
    slice_from: i64,
    slice_to: i64,
    offset: u32,
}

impl Place {
    fn feed(feed: usize, from: i64, to: i64) -> Place {
        Place {
            feed,
            from,
            to,
            slice_from: from,
            slice_to: to,
            offset: 0,
        }
    }

    fn is_sliced(&self) -> bool {
        self.feed < 2
    }

    /// After the last page of a slice.
    fn onward(self, overlap: i64) -> Place {
        if self.is_sliced() && self.slice_to < self.to {
            Place {
                slice_from: self.slice_to,
                slice_to: self.to,
                offset: 0,
                ..self
            }
        } else if self.feed + 1 < FEEDS.len() {
            Place::feed(self.feed + 1, self.from, self.to)
        } else {
            Place::feed(0, (self.to - overlap).max(self.from), 0)
        }
    }
}

pub(super) async fn poll(account: &Account, cursor: Option<&str>, now: Moment) -> Result<Batch, Failed> {
    let reach = TimeDelta::days(account.rules.reach_days.into());
    let mut place = resume(cursor, || Place::feed(0, (now - reach).timestamp(), 0))?;
    if place.to == 0 {
        place = Place::feed(0, place.from, now.timestamp().max(place.from));
    }
    place.feed = place.feed.min(FEEDS.len() - 1);
    let page: Page = get(account, &search(account, &place)).await?.json()?;
    if place.is_sliced() && page.total > account.rules.window && place.slice_to - place.slice_from > 1 {
        let middle = place.slice_from + (place.slice_to - place.slice_from) / 2;
        let halved = Place {
            slice_to: middle,
            offset: 0,
            ..place
        };
        return Ok(batch(Vec::new(), halved, 0));
    }
    let entries = page.entries();
    let count = entries.len() as u32;
    let mut unreadable = 0;
    let told: Vec<Told> = readable(entries, &mut unreadable);
    let events: Vec<Event> = told
        .into_iter()
        .flat_map(|told| told.events(place.feed))
        .collect();
    // The unsliced feeds go backwards in time: past the beginning of the round there is nothing new.
    let past = !place.is_sliced() && events.iter().any(|event| event.at.timestamp() < place.from);
    let offset = place.offset + count;
    let next = if count < account.rules.page || past || offset + account.rules.page > account.rules.window {
        place.onward(account.rules.overlap_secs.into())
    } else {
        Place { offset, ..place }
    };
    Ok(batch(events, next, unreadable))
}

fn batch(events: Vec<Event>, place: Place, unreadable: u32) -> Batch {
    Batch {
        events,
        more: place.to != 0,
        cursor: stored(&place),
        unreadable,
        receipts: Vec::new(),
    }
}

fn search(account: &Account, place: &Place) -> String {
    let page = account.rules.page;
    let mut path = format!(
        "/{}?count={page}&offset={}&messagestream={}",
        FEEDS[place.feed],
        place.offset,
        segment(stream(account))
    );
    if place.is_sliced() {
        let (from, to) = (there(place.slice_from), there(place.slice_to));
        // Where the clock is put back in between, an hour more, so that the beginning is not after the end.
        let moved = from.offset().fix() != to.offset().fix();
        let from = if moved {
            there(place.slice_from - 3600)
        } else {
            from
        };
        for (name, moment) in [("fromdate", from), ("todate", to)] {
            let text = moment.format("%Y-%m-%dT%H:%M:%S").to_string();
            path.push_str(&format!("&{name}={}", segment(&text)));
        }
    }
    path
}

fn there(secs: i64) -> DateTime<Tz> {
    let moment = DateTime::from_timestamp(secs, 0).unwrap_or_default();
    moment.with_timezone(&chrono_tz::America::New_York)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default, rename = "TotalCount")]
    total: u32,
    #[serde(default)]
    bounces: Vec<Value>,
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    opens: Vec<Value>,
    #[serde(default)]
    clicks: Vec<Value>,
}

impl Page {
    fn entries(self) -> Vec<Value> {
        [self.bounces, self.messages, self.opens, self.clicks].concat()
    }
}

/// An entry of any feed: each has some of these.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    #[serde(rename = "MessageID")]
    message_id: String,
    #[serde(rename = "ID")]
    id: Option<i64>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    email: Option<String>,
    recipient: Option<String>,
    #[serde(default)]
    recipients: Vec<String>,
    status: Option<String>,
    #[serde(alias = "BouncedAt")]
    received_at: Moment,
    details: Option<String>,
    original_link: Option<String>,
    user_agent: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

impl Told {
    fn events(self, feed: usize) -> Vec<Event> {
        let kind = match feed {
            0 => bounce(self.kind.as_deref().unwrap_or_default()),
            // `Sent` is: handed to the recipient's server.
            1 if self.status.as_deref() == Some("Sent") => Some(EventKind::Delivered),
            1 => None,
            2 => Some(EventKind::Opened),
            _ => Some(EventKind::Clicked {
                url: self.original_link.clone().unwrap_or_default(),
            }),
        };
        let Some(kind) = kind else { return Vec::new() };
        let mut recipients = self.recipients;
        recipients.extend(self.email.or(self.recipient));
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        let link = self.original_link.unwrap_or_default();
        let at = self.received_at.to_rfc3339();
        let ours = self.metadata.and_then(|metadata| metadata.get(METADATA).cloned());
        let event = |recipient: String| Event {
            key: key(&[
                "postmark",
                FEEDS[feed],
                &self.message_id,
                &id,
                &recipient,
                &at,
                &link,
            ]),
            kind: kind.clone(),
            message_id: ours.clone(),
            provider_id: Some(self.message_id.clone()),
            recipient,
            at: self.received_at,
            detail: self.details.as_deref().map(one_line).unwrap_or_default(),
            user_agent: self.user_agent.as_deref().map(one_line),
        };
        recipients.into_iter().map(event).collect()
    }
}

/// Its bounce types. What is no bounce at all (auto-replies, address changes) makes no event here: the mailbox has
/// them.
fn bounce(kind: &str) -> Option<EventKind> {
    Some(match kind {
        "HardBounce" | "BadEmailAddress" => EventKind::Bounced(Bounce::Hard),
        "SpamComplaint" => EventKind::Complained,
        "Unsubscribe" | "ManuallyDeactivated" => EventKind::Unsubscribed,
        "Transient" => EventKind::Delayed,
        "SoftBounce" | "DnsError" | "Undeliverable" | "Unknown" => EventKind::Bounced(Bounce::Soft),
        "Blocked" | "DMARCPolicy" | "SpamNotification" | "VirusNotification" => {
            EventKind::Bounced(Bounce::Block)
        }
        "SMTPApiError" | "TemplateRenderingFailed" => EventKind::Rejected,
        _ => return None,
    })
}

/// The whole list comes at once.
pub(super) async fn suppressions(account: &Account, _: Option<&str>) -> Result<SuppressionPage, Failed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Dump {
        #[serde(default)]
        suppressions: Vec<Value>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry {
        email_address: String,
        suppression_reason: String,
        created_at: Option<Moment>,
    }
    let path = format!("/message-streams/{}/suppressions/dump", segment(stream(account)));
    let request = with_key(account, account.http.get(&account.url(&path))).longest(100_000_000);
    let answer = request.send().await?;
    let code = error_code(&answer);
    let dump: Dump = account.accepted(answer, &code)?.json()?;
    let entries: Vec<Entry> = readable(dump.suppressions, &mut 0);
    let entry = |entry: Entry| Suppressed {
        reason: match entry.suppression_reason.as_str() {
            "HardBounce" => Reason::Bounce,
            "SpamComplaint" => Reason::Complaint,
            _ => Reason::Unsubscribe,
        },
        address: entry.email_address,
        at: entry.created_at,
    };
    Ok(SuppressionPage {
        entries: entries.into_iter().map(entry).collect(),
        next: None,
    })
}

/// All reasons become its `ManualSuppression`.
pub(super) async fn suppress(account: &Account, address: &str, _: Reason) -> Result<(), Failed> {
    let path = format!("/message-streams/{}/suppressions", segment(stream(account)));
    let body = json!({ "Suppressions": [{ "EmailAddress": address }] });
    let answer = with_key(account, account.http.post(&account.url(&path)))
        .json(&body)
        .send()
        .await?;
    let code = error_code(&answer);
    account.accepted(answer, &code).map(|_| ())
}

/// It has no quota to tell; it is asked who it is.
pub(super) async fn quota(account: &Account) -> Result<Option<Quota>, Failed> {
    get(account, "/server").await.map(|_| None)
}

pub(super) async fn find(account: &Account, message_id: &str, to: &str) -> Result<Found, Failed> {
    let path = format!(
        "/messages/outbound?count=10&offset=0&messagestream={}&recipient={}&metadata_{METADATA}={}",
        segment(stream(account)),
        segment(to),
        segment(message_id)
    );
    let page: Page = get(account, &path).await?.json()?;
    let told: Vec<Told> = readable(page.entries(), &mut 0);
    let ours = |told: &&Told| {
        let metadata = told.metadata.as_ref().and_then(|metadata| metadata.get(METADATA));
        metadata.is_some_and(|id| id == message_id)
    };
    Ok(match told.iter().find(ours) {
        Some(_) => Found::Accepted,
        None => Found::NotFound,
    })
}
