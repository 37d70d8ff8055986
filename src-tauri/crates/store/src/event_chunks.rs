//! Events for the index, read from chunks where the file has them and from rows where it has not.
//!
//! Rows are the truth and chunks are derived: a commit that fills one has it written after it, an opening writes those
//! that are missing, triggers (migration 0016) throw one away when a row of it changes, and one that is damaged is not
//! believed. Without them everything is as true, and opening takes longer.

use crate::codes::from_json;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::moment;
use crate::tx::{Mark, Marks};
use carillon_engine::index::{Change, EventChunk, Loading};
use carillon_model::event::Event;
use carillon_model::{ContactId, EventId};
use rusqlite::{OptionalExtension, Row};
use std::collections::{BTreeMap, HashMap};

const EVENT_TYPES: &str = sql!("SELECT id, name FROM event_types");
const EVENTS: &str =
    sql!("SELECT id, contact, type, at, props FROM events WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
const CHUNK: &str = sql!("SELECT bytes FROM event_chunks WHERE part = ?1");
const KEEP: &str = sql!("INSERT OR REPLACE INTO event_chunks(part, bytes) VALUES(?1, ?2)");

/// Events a chunk has room for; as the triggers say it.
const EVENTS_A_CHUNK: i64 = 1 << 16;

/// Whether the commit between these marks filled a chunk.
pub(crate) fn fills(before: &Marks, after: &Marks) -> bool {
    let full = |marks: &Marks| marks.get(Mark::Events) / EVENTS_A_CHUNK;
    full(before) < full(after)
}

/// Writes the chunks that the commit between these marks filled.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn keep(db: &Db<'_>, before: &Marks, after: &Marks) -> Result<()> {
    let mut events = Events::new(db, after)?;
    events.next = before.get(Mark::Events) / EVENTS_A_CHUNK;
    while events.keeps && (events.next + 1) * EVENTS_A_CHUNK <= events.end {
        events.read(events.next)?;
        events.next += 1;
    }
    Ok(())
}

/// Reads the events of a file part by part.
pub(crate) struct Events<'a> {
    db: &'a Db<'a>,
    types: HashMap<i64, String>,
    /// The number the next event will have.
    end: i64,
    next: i64,
    /// Chunks that are missing are written, until one cannot be.
    keeps: bool,
}

impl<'a> Events<'a> {
    /// # Errors
    /// SQLite's.
    pub fn new(db: &'a Db<'a>, marks: &Marks) -> Result<Events<'a>> {
        let types = db.all(EVENT_TYPES, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Events {
            db,
            types: types.into_iter().collect(),
            end: marks.get(Mark::Events),
            next: 0,
            keeps: true,
        })
    }

    /// The events of the next part; `None` after the last.
    ///
    /// # Errors
    /// SQLite's, and rows that cannot be read.
    pub fn part(&mut self) -> Option<Result<Vec<Loading>>> {
        let part = self.next;
        (part * EVENTS_A_CHUNK < self.end).then(|| {
            self.next += 1;
            self.read(part)
        })
    }

    fn read(&mut self, part: i64) -> Result<Vec<Loading>> {
        // Numbers are handed out once: below the next one, none comes to a part any more.
        let is_full = (part + 1) * EVENTS_A_CHUNK <= self.end;
        if is_full && let Some(chunk) = self.kept(part)? {
            return Ok(vec![Loading::Events(chunk)]);
        }
        let first = part * EVENTS_A_CHUNK;
        let events = self.db.all(EVENTS, (first, first + EVENTS_A_CHUNK - 1), |row| {
            event(&self.types, row)
        })?;
        if !is_full {
            return Ok(events
                .into_iter()
                .map(|event| Change::EventAdded(event).into())
                .collect());
        }
        let chunk = EventChunk::of(&events);
        // A full disk is no reason not to open: rows stay what is read.
        self.keeps = self.keeps && self.db.run(KEEP, (part, chunk.bytes())).is_ok();
        Ok(vec![Loading::Events(chunk)])
    }

    fn kept(&self, part: i64) -> Result<Option<EventChunk>> {
        let mut statement = self.db.conn.prepare_cached(CHUNK)?;
        let bytes: Option<Vec<u8>> = statement.query_row((part,), |row| row.get(0)).optional()?;
        Ok(bytes.and_then(EventChunk::read))
    }
}

fn event(types: &HashMap<i64, String>, row: &Row<'_>) -> Result<Event> {
    let name = types
        .get(&row.get(2)?)
        .ok_or_else(|| Error::damaged("events", "an event has an unknown type"))?;
    let at = moment(row.get(3)?)?;
    let props = row.get_ref(4)?.as_str_or_null();
    Ok(Event {
        id: EventId(row.get(0)?),
        contact: ContactId(row.get(1)?),
        name: name.clone(),
        at,
        // Neither arrival nor source is anything an index keeps.
        arrived_at: at,
        source: String::new(),
        props: match props.map_err(|e| Error::damaged("events", e))? {
            Some(props) => from_json("events", props)?,
            None => BTreeMap::new(),
        },
    })
}
