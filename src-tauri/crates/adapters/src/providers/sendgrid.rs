//! SendGrid: takes parts; what went wrong is read from its suppression lists by time. Deliveries, opens and clicks
//! are told by its webhook only: an account with its e-mail activity can be asked about one message.

use super::parts::parts;
use super::{
    Accepted, Account, Batch, Bounce, Event, EventKind, Found, Outgoing, Quota, Reason, Suppressed,
    SuppressionPage, key, readable, resume, segment, stored,
};
use crate::failure::{failure, one_line};
use crate::http::{Answer, Failed};
use carillon_model::Moment;
use carillon_model::message::FailureClass;
use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Name of the argument that holds our Message-ID.
const ARGUMENT: &str = "carillon";

async fn get(account: &Account, path: &str) -> Result<Answer, Failed> {
    let answer = account
        .http
        .get(&account.url(path))
        .bearer(&account.secret)
        .send()
        .await?;
    let code = answer.status.to_string();
    account.accepted(answer, &code)
}

pub(super) async fn send(account: &Account, message: &Outgoing<'_>) -> Result<Accepted, Failed> {
    let parts = parts(message.mime)?;
    let headers: Map<String, Value> = parts
        .headers
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    let mut content = vec![json!({ "type": "text/plain", "value": parts.text })];
    content.extend(
        parts
            .html
            .map(|html| json!({ "type": "text/html", "value": html })),
    );
    let mut body = json!({
        "personalizations": [{ "to": [{ "email": parts.to.email }], "custom_args": { ARGUMENT: message.message_id } }],
        "from": { "email": parts.from.email, "name": parts.from.name },
        "subject": parts.subject, "content": content, "headers": headers,
        "tracking_settings": {
            "click_tracking": { "enable": false }, "open_tracking": { "enable": false },
            "subscription_tracking": { "enable": false },
        },
    });
    if let Some(reply) = parts.reply_to {
        body["reply_to"] = json!({ "email": reply.email });
    }
    let url = account.url("/v3/mail/send");
    let request = account.http.post(&url).bearer(&account.secret).json(&body);
    let answer = request.at_most_once().send().await?;
    let code = answer.status.to_string();
    let answer = account.taken(answer, &code)?;
    Ok(Accepted {
        provider_id: answer.header("x-message-id").unwrap_or_default().to_owned(),
    })
}

/// Its lists, what an entry in each means, and why it is there.
const FEEDS: [(&str, EventKind, Reason); 5] = [
    ("bounces", EventKind::Bounced(Bounce::Hard), Reason::Bounce),
    ("blocks", EventKind::Bounced(Bounce::Block), Reason::Block),
    ("invalid_emails", EventKind::Bounced(Bounce::Hard), Reason::Bounce),
    ("spam_reports", EventKind::Complained, Reason::Complaint),
    ("unsubscribes", EventKind::Unsubscribed, Reason::Unsubscribe),
];

#[derive(Serialize, Deserialize)]
struct Place {
    feed: usize,
    from: i64,
    /// 0: a round that has not begun.
    to: i64,
    offset: u32,
}

#[derive(Deserialize)]
struct Told {
    email: String,
    created: i64,
    reason: Option<String>,
    status: Option<String>,
}

async fn page(account: &Account, place: &Place, unreadable: &mut u32) -> Result<(Vec<Told>, u32), Failed> {
    let (list, _, _) = &FEEDS[place.feed.min(FEEDS.len() - 1)];
    let path = format!(
        "/v3/suppression/{list}?start_time={}&end_time={}&limit={}&offset={}",
        place.from, place.to, account.rules.page, place.offset
    );
    let entries: Vec<Value> = get(account, &path).await?.json()?;
    let count = entries.len() as u32;
    Ok((readable(entries, unreadable), count))
}

/// The place after a page of so many entries, or `None` after the last list.
fn after(place: &Place, count: u32, page: u32) -> Option<Place> {
    if count >= page {
        let offset = place.offset + count;
        return Some(Place { offset, ..*place });
    }
    let next = Place {
        feed: place.feed + 1,
        offset: 0,
        ..*place
    };
    (next.feed < FEEDS.len()).then_some(next)
}

pub(super) async fn poll(account: &Account, cursor: Option<&str>, now: Moment) -> Result<Batch, Failed> {
    let rules = account.rules;
    let reach = TimeDelta::days(rules.reach_days.into());
    let mut place = resume(cursor, || Place {
        feed: 0,
        from: (now - reach).timestamp(),
        to: 0,
        offset: 0,
    })?;
    if place.to == 0 {
        place.to = now.timestamp().max(place.from);
    }
    let mut unreadable = 0;
    let (told, count) = page(account, &place, &mut unreadable).await?;
    let (_, kind, _) = &FEEDS[place.feed.min(FEEDS.len() - 1)];
    let events = told.into_iter().filter_map(|told| event(told, kind)).collect();
    let next = after(&place, count, rules.page);
    let more = next.is_some();
    let next = next.unwrap_or(Place {
        feed: 0,
        from: (place.to - i64::from(rules.overlap_secs)).max(place.from),
        to: 0,
        offset: 0,
    });
    Ok(Batch {
        events,
        more,
        cursor: stored(&next),
        unreadable,
        receipts: Vec::new(),
    })
}

fn event(told: Told, kind: &EventKind) -> Option<Event> {
    let status = told.status.as_deref().unwrap_or_default();
    let kind = match kind {
        // Among bounces stand boxes that were full for days.
        EventKind::Bounced(Bounce::Hard) if status.starts_with("4.") || status == "5.2.2" => {
            EventKind::Bounced(Bounce::Soft)
        }
        kind => kind.clone(),
    };
    let said = told
        .reason
        .as_deref()
        .or(told.status.as_deref())
        .unwrap_or_default();
    Some(Event {
        key: key(&[
            "sendgrid",
            &format!("{kind:?}"),
            &told.email,
            &told.created.to_string(),
        ]),
        kind,
        message_id: None,
        provider_id: None,
        at: DateTime::from_timestamp(told.created, 0)?,
        detail: one_line(said),
        user_agent: None,
        recipient: told.email,
    })
}

pub(super) async fn suppressions(account: &Account, next: Option<&str>) -> Result<SuppressionPage, Failed> {
    let place = resume(next, || Place {
        feed: 0,
        from: 0,
        to: i64::from(u32::MAX),
        offset: 0,
    })?;
    let (told, count) = page(account, &place, &mut 0).await?;
    let reason = FEEDS[place.feed.min(FEEDS.len() - 1)].2;
    let entry = |told: Told| Suppressed {
        address: told.email,
        reason,
        at: DateTime::from_timestamp(told.created, 0),
    };
    Ok(SuppressionPage {
        entries: told.into_iter().map(entry).collect(),
        next: after(&place, count, account.rules.page).map(|place| stored(&place)),
    })
}

/// The one list of its that can be written to: nothing is sent to whoever stands there.
pub(super) async fn suppress(account: &Account, address: &str, _: Reason) -> Result<(), Failed> {
    let url = account.url("/v3/asm/suppressions/global");
    let body = json!({ "recipient_emails": [address] });
    let answer = account
        .http
        .post(&url)
        .bearer(&account.secret)
        .json(&body)
        .send()
        .await?;
    let code = answer.status.to_string();
    account.accepted(answer, &code).map(|_| ())
}

pub(super) async fn quota(account: &Account) -> Result<Option<Quota>, Failed> {
    #[derive(Deserialize)]
    struct Credits {
        total: f64,
        used: f64,
        reset_frequency: Option<String>,
    }
    let credits: Credits = match get(account, "/v3/user/credits").await {
        Ok(answer) => answer.json()?,
        // Some plans have none, and a key that may only send is not told.
        Err(failed) if failed.failure.code == "403" || failed.failure.code == "404" => return Ok(None),
        Err(failed) => return Err(failed),
    };
    Ok(Some(Quota {
        limit: credits.total.max(0.0) as u64,
        sent: credits.used.max(0.0) as u64,
        per_day: credits.reset_frequency.as_deref() == Some("daily"),
        per_second: None,
        production: true,
    }))
}

/// Asks its e-mail activity, an add-on: an account without it cannot tell.
pub(super) async fn find(account: &Account, message_id: &str, to: &str) -> Result<Found, Failed> {
    if [message_id, to]
        .iter()
        .any(|text| text.contains(['"', '\\', '\'']))
    {
        let detail = "A message with a quote in its address cannot be asked about.";
        return Err(failure(FailureClass::Setup, "find", detail).into());
    }
    let query = format!(r#"to_email="{to}" AND unique_args['{ARGUMENT}']="{message_id}""#);
    let told = get(
        account,
        &format!("/v3/messages?limit=10&query={}", segment(&query)),
    )
    .await;
    let told: Value = match told {
        Ok(answer) => answer.json()?,
        Err(failed) if failed.failure.code == "403" || failed.failure.code == "404" => {
            return Ok(Found::CannotTell);
        }
        Err(failed) => return Err(failed),
    };
    let messages = told["messages"].as_array().cloned().unwrap_or_default();
    let status = messages.iter().find_map(|message| message["status"].as_str());
    Ok(match status {
        // Why it was not is told by the lists.
        Some("not_delivered") => Found::Bounced(Bounce::Soft),
        Some(_) => Found::Accepted,
        None => Found::NotFound,
    })
}
