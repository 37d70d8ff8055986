//! Amazon SES: API v2 for sending, suppressions and quota; SNS to SQS for events.
//!
//! SES replaces the Message-ID, so ours goes along as a tag of the message, which each event repeats.

use super::sigv4::{Scope, sign};
use super::{
    Accepted, Account, Batch, Bounce, Event, EventKind, Found, Outgoing, Quota, Reason, Suppressed,
    SuppressionPage, bare, key, segment,
};
use crate::failure::{failure, one_line};
use crate::http::{Answer, Failed, Method};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use carillon_model::Moment;
use carillon_model::message::FailureClass;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Name of the tag that holds our Message-ID.
const TAG: &str = "carillon";
/// How long SQS waits for a first event, in seconds, at most 20. Any wait has all of its servers asked, where none asks
/// only some (SQS Developer Guide, "short and long polling"); a short one keeps nobody waiting who is about to send.
const LONG_POLL: u64 = 1;

pub(super) async fn send(account: &Account, message: &Outgoing<'_>) -> Result<Accepted, Failed> {
    let mut body = json!({
        "FromEmailAddress": message.from,
        "Destination": { "ToAddresses": [message.to] },
        "Content": { "Raw": { "Data": STANDARD.encode(message.mime) } },
        // Only letters, digits, `-` and `_` are sure to be allowed in a tag.
        "EmailTags": [{ "Name": TAG, "Value": URL_SAFE_NO_PAD.encode(message.message_id) }],
    });
    if let Some(set) = &account.settings.configuration_set {
        body["ConfigurationSetName"] = json!(set);
    }
    let answer = call(
        account,
        Method::POST,
        "/v2/email/outbound-emails",
        Some(&body),
        true,
    )
    .await?;
    let code = error_code(&answer);
    let answer = account.taken(answer, &code)?;
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        message_id: String,
    }
    // It was taken, whatever the answer looks like.
    let provider_id = answer
        .json()
        .map_or_else(|_| String::new(), |sent: Sent| sent.message_id);
    Ok(Accepted { provider_id })
}

/// A call of SES itself.
async fn call(
    account: &Account,
    method: Method,
    path: &str,
    body: Option<&Value>,
    at_most_once: bool,
) -> Result<Answer, Failed> {
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let url = account.url(path);
    signed(
        account,
        "ses",
        method,
        &url,
        "application/json",
        None,
        bytes,
        at_most_once,
    )
    .await
}

/// A call of SQS, in its JSON protocol.
async fn queue(account: &Account, target: &str, body: Value) -> Result<Answer, Failed> {
    let url = Url::parse(queue_url(account)?).map_err(|_| failure(FailureClass::Setup, "queue", NO_QUEUE))?;
    let root = url
        .join("/")
        .map_err(|_| failure(FailureClass::Setup, "queue", NO_QUEUE))?;
    let target = format!("AmazonSQS.{target}");
    let bytes = body.to_string().into_bytes();
    let kind = "application/x-amz-json-1.0";
    let answer = signed(
        account,
        "sqs",
        Method::POST,
        root.as_str(),
        kind,
        Some(&target),
        bytes,
        false,
    )
    .await?;
    let code = error_code(&answer);
    account.accepted(answer, &code)
}

const NO_QUEUE: &str = "Set the address of the SQS queue that the configuration set's events reach.";

fn queue_url(account: &Account) -> Result<&str, Failed> {
    let url = account.settings.queue_url.as_deref();
    url.ok_or_else(|| failure(FailureClass::Setup, "queue", NO_QUEUE).into())
}

#[expect(clippy::too_many_arguments, reason = "what a signature is made of")]
async fn signed(
    account: &Account,
    service: &str,
    method: Method,
    url: &str,
    content_type: &str,
    target: Option<&str>,
    body: Vec<u8>,
    at_most_once: bool,
) -> Result<Answer, Failed> {
    let parsed =
        Url::parse(url).map_err(|_| failure(FailureClass::Setup, "host", "The host is no web address."))?;
    let scope = Scope {
        key_id: &account.settings.key_id,
        secret: &account.secret,
        region: &account.settings.region,
        service,
    };
    let mut headers = vec![("content-type", content_type)];
    headers.extend(target.map(|target| ("x-amz-target", target)));
    // The clock of the machine, whatever the workspace's own says: AWS compares it with its own.
    let (stamp, authorization) = sign(&scope, method.as_str(), &parsed, &headers, &body, Utc::now());
    let mut request = account
        .http
        .request(method, url)
        .body(content_type, body)
        .header("x-amz-date", &stamp);
    request = request.secret_header("authorization", &crate::Secret::new(authorization));
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    if at_most_once {
        request = request.at_most_once();
    }
    request
        .time_limit(Duration::from_secs(30 + LONG_POLL))
        .send()
        .await
}

/// The name of the error, from the header or from `__type`, without its namespace.
fn error_code(answer: &Answer) -> String {
    let typed = || {
        let body: Value = answer.json().ok()?;
        body["__type"]
            .as_str()
            .or(body["code"].as_str())
            .map(str::to_owned)
    };
    let whole = answer
        .header("x-amzn-errortype")
        .map(str::to_owned)
        .or_else(typed)
        .unwrap_or_default();
    let name = whole.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    #[serde(default)]
    messages: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    receipt_handle: String,
    #[serde(default)]
    body: String,
}

/// The cursor stays empty: what was read is forgotten by [`ack`]. Until then it comes again, each time the queue's own
/// visibility timeout is over.
pub(super) async fn poll(account: &Account, _: Option<&str>, _: Moment) -> Result<Batch, Failed> {
    let page = account.rules.page;
    let asked = json!({
        "QueueUrl": queue_url(account)?, "MaxNumberOfMessages": page, "WaitTimeSeconds": LONG_POLL,
    });
    let received: Received = queue(account, "ReceiveMessage", asked).await?.json()?;
    let mut batch = Batch {
        events: Vec::new(),
        cursor: String::new(),
        more: received.messages.len() as u32 >= page,
        unreadable: 0,
        receipts: Vec::new(),
    };
    for entry in received.messages {
        match notice(&entry.body) {
            Some(notice) => batch.events.extend(events(notice)),
            None => batch.unreadable += 1,
        }
        batch.receipts.push(entry.receipt_handle);
    }
    Ok(batch)
}

pub(super) async fn ack(account: &Account, receipts: &[String]) -> Result<(), Failed> {
    for ten in receipts.chunks(10) {
        let entries: Vec<Value> = ten
            .iter()
            .enumerate()
            .map(|(number, receipt)| json!({ "Id": number.to_string(), "ReceiptHandle": receipt }))
            .collect();
        let asked = json!({ "QueueUrl": queue_url(account)?, "Entries": entries });
        queue(account, "DeleteMessageBatch", asked).await?;
    }
    Ok(())
}

/// A record of event publishing, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    #[serde(alias = "notificationType")]
    event_type: String,
    mail: Mail,
    #[serde(default)]
    bounce: Details,
    #[serde(default)]
    complaint: Details,
    #[serde(default)]
    delivery: Details,
    #[serde(default)]
    delivery_delay: Details,
    #[serde(default)]
    open: Details,
    #[serde(default)]
    click: Details,
    #[serde(default)]
    reject: Details,
    #[serde(default)]
    subscription: Details,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    timestamp: Moment,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    common_headers: CommonHeaders,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommonHeaders {
    message_id: Option<String>,
}

/// What the part of one kind holds; each kind has some of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    timestamp: Option<Moment>,
    feedback_id: Option<String>,
    bounce_type: Option<String>,
    bounce_sub_type: Option<String>,
    #[serde(default, alias = "complainedRecipients", alias = "delayedRecipients")]
    bounced_recipients: Vec<Recipient>,
    #[serde(default)]
    recipients: Vec<String>,
    smtp_response: Option<String>,
    user_agent: Option<String>,
    link: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    diagnostic_code: Option<String>,
    status: Option<String>,
}

/// The record in the body of a queue entry: inside the envelope of SNS, or as it is (raw delivery).
fn notice(body: &str) -> Option<Notice> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Envelope {
        message: String,
    }
    match serde_json::from_str::<Envelope>(body) {
        Ok(envelope) => serde_json::from_str(&envelope.message).ok(),
        Err(_) => serde_json::from_str(body).ok(),
    }
}

/// One event for each recipient it is about. What no reader of ours acts on (`Send`) makes none.
fn events(notice: Notice) -> Vec<Event> {
    let kind = notice.event_type.as_str();
    let (details, kind) = match kind {
        "Delivery" => (&notice.delivery, EventKind::Delivered),
        "Bounce" => (&notice.bounce, EventKind::Bounced(bounce(&notice.bounce))),
        "Complaint" => (&notice.complaint, EventKind::Complained),
        "DeliveryDelay" => (&notice.delivery_delay, EventKind::Delayed),
        "Open" => (&notice.open, EventKind::Opened),
        "Click" => {
            let url = notice.click.link.clone().unwrap_or_default();
            (&notice.click, EventKind::Clicked { url })
        }
        "Reject" => (&notice.reject, EventKind::Rejected),
        "Subscription" => (&notice.subscription, EventKind::Unsubscribed),
        _ => return Vec::new(),
    };
    let mut about: Vec<(&str, String)> = details.bounced_recipients.iter().map(told).collect();
    if about.is_empty() {
        let all = if details.recipients.is_empty() {
            &notice.mail.destination
        } else {
            &details.recipients
        };
        let said = details
            .smtp_response
            .as_deref()
            .or(details.reason.as_deref())
            .unwrap_or_default();
        about = all
            .iter()
            .map(|address| (address.as_str(), said.to_owned()))
            .collect();
    }
    let at = details.timestamp.unwrap_or(notice.mail.timestamp);
    let mark = details
        .feedback_id
        .as_deref()
        .or(details.link.as_deref())
        .unwrap_or_default();
    let event = |(address, said): (&str, String)| Event {
        key: key(&[
            "ses",
            &notice.mail.message_id,
            &notice.event_type,
            address,
            &at.to_rfc3339(),
            mark,
        ]),
        kind: kind.clone(),
        message_id: our_id(&notice.mail),
        provider_id: Some(notice.mail.message_id.clone()),
        recipient: address.to_owned(),
        at,
        detail: one_line(&said),
        user_agent: details.user_agent.as_deref().map(one_line),
    };
    about.into_iter().map(event).collect()
}

fn told(recipient: &Recipient) -> (&str, String) {
    let said = recipient
        .diagnostic_code
        .as_deref()
        .or(recipient.status.as_deref());
    (&recipient.email_address, said.unwrap_or_default().to_owned())
}

fn our_id(mail: &Mail) -> Option<String> {
    let tag = mail.tags.get(TAG).and_then(|values| values.first());
    let told = tag.and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
    let told = told.and_then(|bytes| String::from_utf8(bytes).ok());
    told.or_else(|| mail.common_headers.message_id.as_deref().map(bare))
}

/// `Permanent` is hard but for the sub-types that speak of the sender or the content; `Undetermined` is soft.
fn bounce(details: &Details) -> Bounce {
    let sub = details.bounce_sub_type.as_deref().unwrap_or_default();
    match details.bounce_type.as_deref() {
        _ if matches!(sub, "ContentRejected" | "MessageTooLarge" | "AttachmentRejected") => Bounce::Block,
        Some("Permanent") => Bounce::Hard,
        _ => Bounce::Soft,
    }
}

pub(super) async fn suppressions(account: &Account, next: Option<&str>) -> Result<SuppressionPage, Failed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Page {
        #[serde(default)]
        suppressed_destination_summaries: Vec<Value>,
        next_token: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Summary {
        email_address: String,
        reason: String,
        last_update_time: Option<f64>,
    }
    let token = next
        .map(|next| format!("&NextToken={}", segment(next)))
        .unwrap_or_default();
    let path = format!("/v2/email/suppression/addresses?PageSize=1000{token}");
    let answer = call(account, Method::GET, &path, None, false).await?;
    let code = error_code(&answer);
    let page: Page = account.accepted(answer, &code)?.json()?;
    let summaries: Vec<Summary> = super::readable(page.suppressed_destination_summaries, &mut 0);
    let entry = |summary: Summary| Suppressed {
        reason: if summary.reason == "COMPLAINT" {
            Reason::Complaint
        } else {
            Reason::Bounce
        },
        at: summary
            .last_update_time
            .and_then(|secs| DateTime::from_timestamp(secs as i64, 0)),
        address: summary.email_address,
    };
    Ok(SuppressionPage {
        entries: summaries.into_iter().map(entry).collect(),
        next: page
            .next_token
            .filter(|token| !token.is_empty() && Some(token.as_str()) != next),
    })
}

/// SES knows two reasons; whoever left is put there as a complaint, which is the stronger one.
pub(super) async fn suppress(account: &Account, address: &str, reason: Reason) -> Result<(), Failed> {
    let reason = match reason {
        Reason::Bounce | Reason::Block => "BOUNCE",
        Reason::Complaint | Reason::Unsubscribe => "COMPLAINT",
    };
    let body = json!({ "EmailAddress": address, "Reason": reason });
    let answer = call(
        account,
        Method::PUT,
        "/v2/email/suppression/addresses",
        Some(&body),
        false,
    )
    .await?;
    let code = error_code(&answer);
    account.accepted(answer, &code).map(|_| ())
}

/// `None`: the key has no right to ask (`ses:GetAccount`), and the account's own limits are all there is.
pub(super) async fn quota(account: &Account) -> Result<Option<Quota>, Failed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Told {
        #[serde(default)]
        production_access_enabled: bool,
        send_quota: SendQuota,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct SendQuota {
        #[serde(rename = "Max24HourSend")]
        max: f64,
        max_send_rate: f64,
        #[serde(rename = "SentLast24Hours")]
        sent: f64,
    }
    let answer = call(account, Method::GET, "/v2/email/account", None, false).await?;
    let code = error_code(&answer);
    // A key that may send and no more is a careful one; and what only answers like SES may not know the question.
    if answer.status == 404 || code.starts_with("AccessDenied") {
        return Ok(None);
    }
    let told: Told = account.accepted(answer, &code)?.json()?;
    Ok(Some(Quota {
        // -1 is without a limit.
        limit: if told.send_quota.max < 0.0 {
            u64::MAX
        } else {
            told.send_quota.max as u64
        },
        sent: told.send_quota.sent.max(0.0) as u64,
        per_day: true,
        per_second: Some(told.send_quota.max_send_rate),
        production: told.production_access_enabled,
    }))
}

/// SES looks messages up by its own id only, which an unknown message does not have. The queue tells: an event with
/// our tag proves that it was taken.
pub(super) async fn find(_: &Account, _: &str, _: &str) -> Result<Found, Failed> {
    Ok(Found::CannotTell)
}
