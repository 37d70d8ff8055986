//! Reading a tenant's file.

use crate::seal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::Moment;
use carillon_model::relay::{SealedEvent, SuppressionLine, SuppressionPage};
use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, params};

/// Sealed bytes in one answer, at most, if more than one event is in it.
const MOST_BYTES: usize = 4 << 20;

/// Suppressions in one answer.
const MOST_LINES: usize = 5_000;

/// A page of the log.
#[derive(Debug)]
pub struct Page {
    pub head: u64,
    /// SHA-256 of the event before the page, hex, if it is kept.
    pub anchor: Option<String>,
    pub events: Vec<SealedEvent>,
}

/// The highest number ever given.
pub(super) fn head(db: &Connection) -> rusqlite::Result<u64> {
    let seq: Option<i64> = db
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |r| r.get(0))
        .optional()?;
    Ok(seq.and_then(|s| u64::try_from(s).ok()).unwrap_or_default())
}

impl Page {
    /// Events after `since`, in order.
    pub fn read(db: &Connection, since: u64, limit: usize) -> rusqlite::Result<Page> {
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        let before: Option<Vec<u8>> = db
            .prepare_cached("SELECT sealed FROM events WHERE seq = ?1")?
            .query_row([since], |r| r.get(0))
            .optional()?;
        let mut query = db.prepare_cached(
            "SELECT seq, epochs.epoch, kind, received_at, sealed FROM events
             JOIN epochs ON epochs.id = events.epoch WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = query.query(params![since, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let sealed = row.get_ref(4)?.as_blob()?;
            bytes += sealed.len();
            if bytes > MOST_BYTES && !events.is_empty() {
                break;
            }
            let (Some(kind), Some(received_at)) = (
                seal::kind(row.get(2)?),
                DateTime::from_timestamp_millis(row.get(3)?),
            ) else {
                continue;
            };
            events.push(SealedEvent {
                seq: row.get::<_, i64>(0)?.unsigned_abs(),
                epoch: row.get(1)?,
                kind,
                received_at,
                sealed: URL_SAFE_NO_PAD.encode(sealed),
            });
        }
        Ok(Page {
            head: head(db)?,
            anchor: before
                .map(|b| crate::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &b).as_ref())),
            events,
        })
    }
}

/// Changes of the list after a cursor.
pub(crate) fn suppressions(db: &Connection, epoch: &str, since: u64) -> rusqlite::Result<SuppressionPage> {
    let mut query = db.prepare_cached(
        "SELECT changed, address, scope, lifted FROM suppressions WHERE changed > ?1 ORDER BY changed LIMIT ?2",
    )?;
    let since_row = i64::try_from(since).unwrap_or(i64::MAX);
    let rows = query.query_map(params![since_row, MOST_LINES as i64 + 1], |r| {
        let line = SuppressionLine {
            address: crate::hex(r.get_ref(1)?.as_blob()?),
            scope: r.get(2)?,
            lifted: r.get(3)?,
        };
        Ok((r.get::<_, i64>(0)?.unsigned_abs(), line))
    })?;
    let mut rows: Vec<(u64, SuppressionLine)> = rows.collect::<Result<_, _>>()?;
    let more = rows.len() > MOST_LINES;
    rows.truncate(MOST_LINES);
    Ok(SuppressionPage {
        epoch: epoch.to_owned(),
        next: rows.last().map_or(since, |(n, _)| *n),
        more,
        lines: rows.into_iter().map(|(_, line)| line).collect(),
    })
}

/// What is known of an address for its preference page.
pub(crate) struct Known {
    /// What was chosen on the page last, and when.
    pub chosen: Option<([u8; 10], Moment)>,
    /// Scopes of the list that are not lifted.
    pub listed: Vec<u16>,
}

impl Known {
    /// Of this address.
    pub(crate) fn read(db: &Connection, address: &[u8; 16]) -> rusqlite::Result<Known> {
        let chosen = db
            .prepare_cached("SELECT packed, at FROM choices WHERE address = ?1")?
            .query_row([address], |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()?;
        let listed = db
            .prepare_cached("SELECT scope FROM suppressions WHERE address = ?1 AND NOT lifted")?
            .query_map([address], |r| r.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Known {
            chosen: chosen.and_then(|(packed, at)| Some((packed, DateTime::from_timestamp_millis(at)?))),
            listed,
        })
    }
}

/// How many events are kept, and up to which they are acknowledged.
pub(crate) fn tally(db: &Connection) -> rusqlite::Result<(u64, u64)> {
    let count = |sql: &str| {
        db.query_row(sql, [], |r| r.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    };
    Ok((
        count("SELECT count(*) FROM events")?,
        count("SELECT coalesce(max(seq), 0) FROM acks")?,
    ))
}
