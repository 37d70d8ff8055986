//! Mailgun: the finished message as it is; events by time, which come late and out of order.
//!
//! Its own advice is to trust no page that is younger than half an hour. Here each page is used at once, and the
//! last hour is read again each time: repeated events have the same key.

use super::{
    Accepted, Account, Batch, Bounce, Event, EventKind, Found, Outgoing, Quota, Reason, Suppressed,
    SuppressionPage, bare, key, readable, resume, segment, stored,
};
use crate::failure::{failure, one_line};
use crate::http::{Answer, Failed};
use carillon_model::Moment;
use carillon_model::message::{Failure, FailureClass};
use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

pub(super) async fn send(account: &Account, message: &Outgoing<'_>) -> Result<Accepted, Failed> {
    let boundary = boundary(message.mime);
    let mut body = Vec::with_capacity(message.mime.len() + 512);
    let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=");
    body.extend(format!("{part}\"to\"\r\n\r\n{}\r\n", message.to).bytes());
    let file = "\"message\"; filename=\"message.eml\"\r\nContent-Type: message/rfc822\r\n\r\n";
    body.extend(format!("{part}{file}").bytes());
    body.extend(message.mime);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    let url = account.url(&format!(
        "/v3/{}/messages.mime",
        segment(&account.settings.domain)
    ));
    let kind = format!("multipart/form-data; boundary={boundary}");
    let request = account
        .http
        .post(&url)
        .basic("api", &account.secret)
        .body(&kind, body);
    let answer = request.at_most_once().send().await?;
    let code = answer.status.to_string();
    let answer = account.taken(answer, &code)?;
    #[derive(Deserialize)]
    struct Sent {
        id: String,
    }
    let provider_id = answer
        .json()
        .map_or_else(|_| String::new(), |sent: Sent| bare(&sent.id));
    Ok(Accepted { provider_id })
}

/// A line that does not occur in the message.
fn boundary(mime: &[u8]) -> String {
    loop {
        let boundary = format!("carillon-{:032x}", rand::random::<u128>());
        if !mime
            .windows(boundary.len())
            .any(|window| window == boundary.as_bytes())
        {
            return boundary;
        }
    }
}

async fn get(account: &Account, url: &str) -> Result<Answer, Failed> {
    let answer = account.http.get(url).basic("api", &account.secret).send().await?;
    let code = answer.status.to_string();
    account.accepted(answer, &code)
}

/// A window of time that is read page by page; the next one overlaps it.
#[derive(Serialize, Deserialize)]
struct Place {
    begin: i64,
    end: i64,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Value>,
    #[serde(default)]
    paging: Paging,
}

#[derive(Default, Deserialize)]
struct Paging {
    next: Option<String>,
}

pub(super) async fn poll(account: &Account, cursor: Option<&str>, now: Moment) -> Result<Batch, Failed> {
    let reach = TimeDelta::days(account.rules.reach_days.into());
    let mut place = resume(cursor, || Place {
        begin: (now - reach).timestamp(),
        end: now.timestamp(),
        next: None,
    })?;
    let fresh = place.next.is_none();
    if fresh {
        // Events without a page of their own yet: up to now.
        place.end = now.timestamp().max(place.begin);
    }
    let url = match &place.next {
        Some(next) => same_origin(account, next)?,
        None => account.url(&format!(
            "/v3/{}/events?begin={}&end={}&ascending=yes&limit={}",
            segment(&account.settings.domain),
            place.begin,
            place.end,
            account.rules.page
        )),
    };
    let page: Page = get(account, &url).await?.json()?;
    let mut unreadable = 0;
    let more = !page.items.is_empty();
    let told: Vec<Told> = readable(page.items, &mut unreadable);
    let next = page
        .paging
        .next
        .filter(|next| more && Some(next) != place.next.as_ref());
    let place = match next {
        Some(next) => Place {
            next: Some(next),
            ..place
        },
        None => Place {
            begin: (place.end - i64::from(account.rules.overlap_secs)).max(place.begin),
            end: place.end,
            next: None,
        },
    };
    Ok(Batch {
        events: told.into_iter().filter_map(event).collect(),
        more: place.next.is_some(),
        cursor: stored(&place),
        unreadable,
        receipts: Vec::new(),
    })
}

/// A page's address comes from outside and is asked with our key: only the server itself gets that.
fn same_origin(account: &Account, next: &str) -> Result<String, Failure> {
    let origin = |text: &str| Url::parse(text).map(|url| url.origin());
    match (origin(next), origin(&account.base)) {
        (Ok(there), Ok(here)) if there == here => Ok(next.to_owned()),
        _ => Err(failure(
            FailureClass::Setup,
            "paging",
            "Mailgun sent the next page to another server, which was not asked.",
        )),
    }
}

#[derive(Deserialize)]
struct Told {
    id: String,
    event: String,
    timestamp: f64,
    #[serde(default)]
    recipient: String,
    severity: Option<String>,
    reason: Option<String>,
    url: Option<String>,
    #[serde(default)]
    message: MessageTold,
    #[serde(default, rename = "delivery-status")]
    status: Status,
    #[serde(default, rename = "client-info")]
    client: Client,
}

#[derive(Default, Deserialize)]
struct MessageTold {
    #[serde(default)]
    headers: Headers,
}

#[derive(Default, Deserialize)]
struct Headers {
    #[serde(rename = "message-id")]
    message_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Status {
    code: Option<i64>,
    message: Option<String>,
    description: Option<String>,
    #[serde(rename = "enhanced-code")]
    enhanced: Option<String>,
}

#[derive(Default, Deserialize)]
struct Client {
    #[serde(rename = "user-agent")]
    user_agent: Option<String>,
}

fn event(told: Told) -> Option<Event> {
    let kind = match told.event.as_str() {
        "delivered" => EventKind::Delivered,
        "failed" if told.severity.as_deref() == Some("temporary") => EventKind::Delayed,
        "failed" => EventKind::Bounced(bounce(&told)),
        "rejected" => EventKind::Rejected,
        "complained" => EventKind::Complained,
        "opened" => EventKind::Opened,
        "clicked" => EventKind::Clicked {
            url: told.url.clone().unwrap_or_default(),
        },
        "unsubscribed" => EventKind::Unsubscribed,
        _ => return None,
    };
    let millis = (told.timestamp * 1000.0).round();
    let said = [&told.status.message, &told.status.description, &told.reason];
    let said = said.into_iter().flatten().find(|text| !text.is_empty());
    Some(Event {
        // Its id is unique within a day.
        key: key(&["mailgun", &told.id, &format!("{millis}")]),
        kind,
        message_id: told.message.headers.message_id.as_deref().map(bare),
        provider_id: told.message.headers.message_id.as_deref().map(bare),
        at: DateTime::from_timestamp_millis(millis as i64)?,
        detail: said.map(|text| one_line(text)).unwrap_or_default(),
        user_agent: told.client.user_agent.as_deref().map(one_line),
        recipient: told.recipient,
    })
}

/// `suppress-*` and the codes of the address are hard; codes of policy block; a full box is soft.
fn bounce(told: &Told) -> Bounce {
    let enhanced = told.status.enhanced.as_deref().unwrap_or_default();
    let reason = told.reason.as_deref().unwrap_or_default();
    if enhanced.starts_with("5.7.") || enhanced.starts_with("4.7.") || reason == "espblock" {
        Bounce::Block
    } else if enhanced == "5.2.2"
        || enhanced.starts_with("4.")
        || reason == "old"
        || matches!(told.status.code, Some(400..=499))
    {
        Bounce::Soft
    } else {
        Bounce::Hard
    }
}

/// Its three lists, one after the other.
const LISTS: [(&str, Reason); 3] = [
    ("bounces", Reason::Bounce),
    ("complaints", Reason::Complaint),
    ("unsubscribes", Reason::Unsubscribe),
];

#[derive(Default, Serialize, Deserialize)]
struct ListPlace {
    list: usize,
    next: Option<String>,
}

pub(super) async fn suppressions(account: &Account, next: Option<&str>) -> Result<SuppressionPage, Failed> {
    #[derive(Deserialize)]
    struct Entry {
        address: String,
        created_at: Option<String>,
    }
    let place: ListPlace = resume(next, ListPlace::default)?;
    let Some((list, reason)) = LISTS.get(place.list).copied() else {
        return Ok(SuppressionPage {
            entries: Vec::new(),
            next: None,
        });
    };
    let domain = segment(&account.settings.domain);
    let url = match &place.next {
        Some(next) => same_origin(account, next)?,
        None => account.url(&format!("/v3/{domain}/{list}?limit=1000")),
    };
    let page: Page = get(account, &url).await?.json()?;
    let onward = page
        .paging
        .next
        .filter(|next| !page.items.is_empty() && Some(next) != place.next.as_ref());
    let entries: Vec<Entry> = readable(page.items, &mut 0);
    let after = match onward {
        Some(next) => ListPlace {
            list: place.list,
            next: Some(next),
        },
        None => ListPlace {
            list: place.list + 1,
            next: None,
        },
    };
    let at = |text: Option<String>| DateTime::parse_from_rfc2822(&text?.replace("UTC", "GMT")).ok();
    let entry = |entry: Entry| Suppressed {
        address: entry.address,
        reason,
        at: at(entry.created_at).map(|at| at.to_utc()),
    };
    Ok(SuppressionPage {
        entries: entries.into_iter().map(entry).collect(),
        next: (after.list < LISTS.len()).then(|| stored(&after)),
    })
}

pub(super) async fn suppress(account: &Account, address: &str, reason: Reason) -> Result<(), Failed> {
    let list = match reason {
        Reason::Bounce | Reason::Block => "bounces",
        Reason::Complaint => "complaints",
        Reason::Unsubscribe => "unsubscribes",
    };
    let url = account.url(&format!("/v3/{}/{list}", segment(&account.settings.domain)));
    let form = [("address", address)];
    let answer = account
        .http
        .post(&url)
        .basic("api", &account.secret)
        .form(&form)
        .send()
        .await?;
    let code = answer.status.to_string();
    account.accepted(answer, &code).map(|_| ())
}

/// Plans differ and the API does not tell what is left; it is asked for one event.
pub(super) async fn quota(account: &Account) -> Result<Option<Quota>, Failed> {
    let domain = segment(&account.settings.domain);
    get(account, &account.url(&format!("/v3/{domain}/events?limit=1")))
        .await
        .map(|_| None)
}

pub(super) async fn find(account: &Account, message_id: &str, to: &str) -> Result<Found, Failed> {
    let url = account.url(&format!(
        "/v3/{}/events?message-id={}&recipient={}&ascending=yes&limit={}",
        segment(&account.settings.domain),
        segment(message_id),
        segment(to),
        account.rules.page
    ));
    let page: Page = get(account, &url).await?.json()?;
    let told: Vec<Told> = readable(page.items, &mut 0);
    let ours =
        |told: &&Told| told.message.headers.message_id.as_deref().map(bare).as_deref() == Some(message_id);
    let mut found = Found::NotFound;
    for told in told.iter().filter(ours) {
        found = match (told.event.as_str(), told.severity.as_deref()) {
            ("failed", severity) if severity != Some("temporary") => return Ok(Found::Bounced(bounce(told))),
            ("rejected", _) => return Ok(Found::Bounced(Bounce::Block)),
            _ => Found::Accepted,
        };
    }
    Ok(found)
}
