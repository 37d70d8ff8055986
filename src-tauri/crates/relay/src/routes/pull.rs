//! How the laptop hears: pulls with a cursor, a long poll, a live line, and the acknowledgement that lets events go.

use super::devices::{failed, read, signer};
use super::{Ask, json, problem};
use crate::log::{self, Page};
use crate::tenant::Tenant;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use carillon_model::relay::{Ack, Pulled};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::wrappers::ReceiverStream;

/// Events in one answer, at most.
const MOST: usize = 1_000;

/// Longest wait of a long poll.
const LONGEST_WAIT: u64 = 30;

/// How long a live line stays; the studio opens another, newly signed.
const LIVE: Duration = Duration::from_secs(900);

/// `GET /v1/events?since=<seq>&limit=<n>&wait=<seconds>`.
pub(super) async fn events(ask: Ask) -> Response {
    let tenant = match signer(&ask) {
        Ok(tenant) => tenant,
        Err(answer) => return *answer,
    };
    let since = number(&ask, "since").unwrap_or_default();
    let limit = number(&ask, "limit").map_or(MOST, |n| n.clamp(1, MOST as u64) as usize);
    let wait = number(&ask, "wait").unwrap_or_default().min(LONGEST_WAIT);
    if wait > 0 {
        let mut head = tenant.log.head();
        let newer = head.wait_for(|head| *head > since);
        tokio::time::timeout(Duration::from_secs(wait), newer).await.ok();
    }
    match page(&tenant, since, limit).await {
        Ok(pulled) => json(StatusCode::OK, &pulled),
        Err(error) => failed(&error),
    }
}

async fn page(tenant: &Tenant, since: u64, limit: usize) -> Result<Pulled, log::LogError> {
    let page = tenant.log.read(move |db| Page::read(db, since, limit)).await?;
    Ok(Pulled {
        epoch: tenant.log.epoch().to_owned(),
        head: page.head,
        anchor: page.anchor,
        events: page.events,
    })
}

/// `GET /v1/live?since=<seq>`: pulls, as server-sent events, one as soon as there is something.
pub(super) async fn live(ask: Ask) -> Response {
    let tenant = match signer(&ask) {
        Ok(tenant) => tenant,
        Err(answer) => return *answer,
    };
    let since = number(&ask, "since").unwrap_or_default();
    let (send, lines) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        tokio::time::timeout(LIVE, feed(tenant, since, send)).await.ok();
    });
    let keep = KeepAlive::new().interval(Duration::from_secs(15));
    Sse::new(ReceiverStream::new(lines))
        .keep_alive(keep)
        .into_response()
}

async fn feed(
    tenant: Arc<Tenant>,
    mut since: u64,
    send: tokio::sync::mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut head = tenant.log.head();
    let mut first = true;
    loop {
        if !first {
            tokio::select! {
                changed = head.wait_for(|head| *head > since) => if changed.is_err() { return },
                () = send.closed() => return,
            }
        }
        let Ok(pulled) = page(&tenant, since, MOST).await else {
            return;
        };
        let Some(event) = Event::default().event("events").json_data(&pulled).ok() else {
            return;
        };
        // The first one says where the relay stands, events or not.
        let last = pulled.events.last().map(|e| e.seq);
        if (first || last.is_some()) && send.send(Ok(event)).await.is_err() {
            return;
        }
        first = false;
        since = last
            .unwrap_or(since)
            .max(if last.is_none() { pulled.head } else { 0 });
    }
}

/// `POST /v1/ack`: everything up to here is applied and durable there.
pub(super) async fn ack(ask: Ask) -> Response {
    let (tenant, ack) = match read::<Ack>(&ask) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    if ack.epoch != tenant.log.epoch() || ack.seq > *tenant.log.head().borrow() {
        return problem(
            StatusCode::CONFLICT,
            "epoch",
            "What is acknowledged was not told by this relay as it is now: it was created anew or restored.",
        );
    }
    let (now, seq) = (ask.relay.clock.now(), i64::try_from(ack.seq).unwrap_or(i64::MAX));
    let kept = tenant
        .log
        .change(move |db| {
            db.execute(
                "INSERT OR IGNORE INTO acks (seq, at) VALUES (?1, ?2)",
                [seq, now.timestamp_millis()],
            )
            .map(|_| ())
        })
        .await;
    match kept {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&error),
    }
}

/// `GET /v1/suppressions?since=<cursor>`: for each machine of the workspace, whichever pulls the events.
pub(super) async fn suppressions(ask: Ask) -> Response {
    let tenant = match signer(&ask) {
        Ok(tenant) => tenant,
        Err(answer) => return *answer,
    };
    let since = number(&ask, "since").unwrap_or_default();
    let epoch = tenant.log.epoch().to_owned();
    match tenant
        .log
        .read(move |db| log::suppressions(db, &epoch, since))
        .await
    {
        Ok(page) => json(StatusCode::OK, &page),
        Err(error) => failed(&error),
    }
}

fn number(ask: &Ask, name: &str) -> Option<u64> {
    url::form_urlencoded::parse(ask.uri.query()?.as_bytes())
        .find(|(n, _)| n == name)
        .and_then(|(_, value)| value.parse().ok())
}
