//! Brevo: takes parts, with a key by which it knows a second attempt; events by day.
//!
//! Days are the finest grain of its search. A day is read forwards from where the last reading ended, a page back so
//! that late entries are seen, and once more from its beginning when it is over.

use super::parts::parts;
use super::{
    Accepted, Account, Batch, Bounce, Event, EventKind, Found, Outgoing, Quota, Reason, Suppressed,
    SuppressionPage, bare, key, readable, resume, segment, stored,
};
use crate::failure::one_line;
use crate::http::{Answer, Failed, Request};
use carillon_model::Moment;
use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

fn with_key<'a>(account: &Account, request: Request<'a>) -> Request<'a> {
    let request = request.header("accept", "application/json");
    request.secret_header("api-key", &account.secret)
}

fn error_code(answer: &Answer) -> String {
    let told = answer
        .json()
        .ok()
        .and_then(|body: Value| body["code"].as_str().map(str::to_owned));
    told.unwrap_or_else(|| answer.status.to_string())
}

async fn get(account: &Account, path: &str) -> Result<Answer, Failed> {
    let answer = with_key(account, account.http.get(&account.url(path)))
        .send()
        .await?;
    let code = error_code(&answer);
    account.accepted(answer, &code)
}

/// A second attempt within the life of the key is recognised, so the caller may make one where an answer is lost.
pub(super) async fn send(account: &Account, message: &Outgoing<'_>) -> Result<Accepted, Failed> {
    let parts = parts(message.mime)?;
    let mut headers: Map<String, Value> = parts
        .headers
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    headers.insert(
        "idempotencyKey".into(),
        json!(idempotency_key(message.message_id)),
    );
    // Its header for a reference of the sender's own.
    headers.insert("X-Mailin-custom".into(), json!(message.message_id));
    let named = |name: &str, email: &str| match name {
        "" => json!({ "email": email }),
        name => json!({ "name": name, "email": email }),
    };
    let mut body = json!({
        "sender": named(&parts.from.name, &parts.from.email),
        "to": [named(&parts.to.name, &parts.to.email)],
        "subject": parts.subject, "textContent": parts.text, "headers": headers, "tags": [message.message_id],
    });
    if let Some(html) = parts.html {
        body["htmlContent"] = json!(html);
    }
    if let Some(reply) = parts.reply_to {
        body["replyTo"] = named(&reply.name, &reply.email);
    }
    let request = with_key(account, account.http.post(&account.url("/v3/smtp/email"))).json(&body);
    let answer = request.at_most_once().send().await?;
    let code = error_code(&answer);
    let answer = account.taken(answer, &code)?;
    let told: Value = answer.json().unwrap_or_default();
    Ok(Accepted {
        provider_id: bare(told["messageId"].as_str().unwrap_or_default()),
    })
}

/// It wants a UUID, the same at each attempt: one of version 8 (RFC 9562 §5.8) of our Message-ID.
fn idempotency_key(message_id: &str) -> String {
    let mut bytes = key(&["brevo", "idempotency", message_id]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[derive(Serialize, Deserialize)]
struct Place {
    /// The first day that is not read for good.
    day: NaiveDate,
    offset: u32,
    /// Whether the day is over and is read once more, by itself. Else all from it to today is read.
    closing: bool,
}

impl Place {
    fn at(day: NaiveDate, closing: bool) -> Place {
        Place {
            day,
            offset: 0,
            closing,
        }
    }
}

/// Whether a day (of UTC) has ended so long ago that its last entries are there.
fn is_over(day: NaiveDate, now: Moment, overlap: u32) -> bool {
    let end = day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1);
    now > end + TimeDelta::seconds(overlap.into())
}

pub(super) async fn poll(account: &Account, cursor: Option<&str>, now: Moment) -> Result<Batch, Failed> {
    let rules = account.rules;
    let beginning = || {
        Place::at(
            (now - TimeDelta::days(rules.reach_days.into())).date_naive(),
            true,
        )
    };
    let mut place = resume(cursor, beginning)?;
    let (page, day) = (rules.page, place.day);
    let last = if place.closing {
        day
    } else {
        now.date_naive().max(day)
    };
    let path = format!(
        "/v3/smtp/statistics/events?limit={page}&offset={}&startDate={day}&endDate={last}&sort=asc",
        place.offset
    );
    let told: Value = get(account, &path).await?.json()?;
    let entries = told["events"].as_array().cloned().unwrap_or_default();
    let count = entries.len() as u32;
    let mut unreadable = 0;
    let told: Vec<Told> = readable(entries, &mut unreadable);
    let mut more = true;
    if count >= page {
        place.offset += count;
    } else if place.closing {
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        place = Place::at(next, is_over(next, now, rules.overlap_secs));
    } else if is_over(day, now, rules.overlap_secs) {
        place = Place::at(day, true);
    } else {
        more = false;
        place.offset = (place.offset + count).saturating_sub(page);
    }
    Ok(Batch {
        events: told.into_iter().filter_map(event).collect(),
        more,
        cursor: stored(&place),
        unreadable,
        receipts: Vec::new(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    email: String,
    /// `2020-11-03T18:15:23.000+05:30`.
    date: DateTime<FixedOffset>,
    message_id: String,
    event: String,
    reason: Option<String>,
    tag: Option<String>,
    link: Option<String>,
}

fn event(told: Told) -> Option<Event> {
    let kind = match told.event.as_str() {
        "delivered" => EventKind::Delivered,
        "opened" | "loadedByProxy" => EventKind::Opened,
        "clicks" | "clicked" => EventKind::Clicked {
            url: told.link.clone().unwrap_or_default(),
        },
        "hardBounces" | "hardBounce" | "invalid" | "invalids" => EventKind::Bounced(Bounce::Hard),
        "softBounces" | "softBounce" | "bounces" => EventKind::Bounced(Bounce::Soft),
        "blocked" => EventKind::Bounced(Bounce::Block),
        "error" => EventKind::Rejected,
        "deferred" => EventKind::Delayed,
        "spam" => EventKind::Complained,
        "unsubscribed" => EventKind::Unsubscribed,
        _ => return None,
    };
    let link = told.link.as_deref().unwrap_or_default();
    let at = told.date.to_utc();
    Some(Event {
        key: key(&[
            "brevo",
            &told.message_id,
            &told.event,
            &told.email,
            &at.to_rfc3339(),
            link,
        ]),
        kind,
        message_id: told.tag.as_deref().map(bare).filter(|tag| tag.contains('@')),
        provider_id: Some(bare(&told.message_id)),
        recipient: told.email,
        at,
        detail: told.reason.as_deref().map(one_line).unwrap_or_default(),
        user_agent: None,
    })
}

pub(super) async fn suppressions(account: &Account, next: Option<&str>) -> Result<SuppressionPage, Failed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        email: String,
        #[serde(default)]
        reason: Value,
        blocked_at: Option<DateTime<FixedOffset>>,
    }
    const PAGE: usize = 100;
    let offset: usize = resume(next, || 0)?;
    let path = format!("/v3/smtp/blockedContacts?limit={PAGE}&offset={offset}&sort=asc");
    let told: Value = get(account, &path).await?.json()?;
    let contacts = told["contacts"].as_array().cloned().unwrap_or_default();
    let count = contacts.len();
    let entries: Vec<Entry> = readable(contacts, &mut 0);
    let entry = |entry: Entry| Suppressed {
        address: entry.email,
        reason: match entry.reason["code"].as_str().unwrap_or_default() {
            "hardBounce" => Reason::Bounce,
            "contactFlaggedAsSpam" => Reason::Complaint,
            _ => Reason::Unsubscribe,
        },
        at: entry.blocked_at.map(|at| at.to_utc()),
    };
    Ok(SuppressionPage {
        entries: entries.into_iter().map(entry).collect(),
        next: (count >= PAGE).then(|| stored(&(offset + count))),
    })
}

/// Its list is that of contacts; one that is not there yet is made, blocked.
pub(super) async fn suppress(account: &Account, address: &str, _: Reason) -> Result<(), Failed> {
    let body = json!({ "email": address, "emailBlacklisted": true, "updateEnabled": true });
    let answer = with_key(account, account.http.post(&account.url("/v3/contacts")))
        .json(&body)
        .send()
        .await?;
    let code = error_code(&answer);
    account.accepted(answer, &code).map(|_| ())
}

/// What is left of the plan's credits for sending.
pub(super) async fn quota(account: &Account) -> Result<Option<Quota>, Failed> {
    let told: Value = get(account, "/v3/account").await?.json()?;
    let plans = told["plan"].as_array().cloned().unwrap_or_default();
    let sends = plans.iter().find(|plan| plan["creditsType"] == "sendLimit");
    let left = sends.and_then(|plan| plan["credits"].as_f64());
    Ok(left.map(|left| Quota {
        limit: left.max(0.0) as u64,
        sent: 0,
        // The free plan counts by day, the others by their month.
        per_day: sends.is_some_and(|plan| plan["type"] == "free"),
        per_second: None,
        production: true,
    }))
}

pub(super) async fn find(account: &Account, message_id: &str, to: &str) -> Result<Found, Failed> {
    let path = format!(
        "/v3/smtp/statistics/events?limit=100&offset=0&days=30&email={}&tags={}&sort=asc",
        segment(to),
        segment(message_id)
    );
    let told: Value = get(account, &path).await?.json()?;
    let events = told["events"].as_array().cloned().unwrap_or_default();
    let told: Vec<Told> = readable(events, &mut 0);
    let mut found = Found::NotFound;
    for told in told
        .into_iter()
        .filter(|told| told.tag.as_deref() == Some(message_id))
    {
        match event(told).map(|event| event.kind) {
            Some(EventKind::Bounced(bounce)) => return Ok(Found::Bounced(bounce)),
            Some(EventKind::Rejected) => return Ok(Found::Bounced(Bounce::Block)),
            _ => found = Found::Accepted,
        }
    }
    Ok(found)
}
