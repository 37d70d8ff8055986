//! Events for the index, read from chunks where the file has them and from rows where it has not.
//!
//! Rows are the truth and chunks are derived: a commit that fills a part has it written after it, an opening writes those
//! that are missing, triggers (migration 0018) throw one away when a row of it changes, and one that is damaged is not
//! believed. Without them everything is as true, and takes longer.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::moment;
use crate::tx::{Mark, Marks};
use carillon_engine::index::{Change, EventChunk, EventPart, Loading};
use carillon_model::event::Event;
use carillon_model::{ContactId, EventId};
use rusqlite::Row;
use std::collections::{BTreeMap, BTreeSet};

const EVENT_TYPES: &str = sql!("SELECT id, name FROM event_types ORDER BY id");
const TYPE: &str = sql!("SELECT id FROM event_types WHERE name = ?1");
const EVENTS: &str =
    sql!("SELECT id, contact, at, props, type FROM events WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
const OF_TYPE: &str = sql!(
    "SELECT id, contact, at, props, type FROM events WHERE id BETWEEN ?1 AND ?2 AND type = ?3 ORDER BY id"
);
const LAST: &str = sql!("SELECT max(id) FROM events");
const NAMES: &str = sql!("SELECT names FROM event_parts WHERE part = ?1");
const PARTS: &str = sql!("SELECT part FROM event_parts");
const CHUNK: &str = sql!("SELECT bytes FROM event_chunks WHERE part = ?1 AND type = ?2");
const KEEP_PART: &str = sql!("INSERT OR REPLACE INTO event_parts(part, names) VALUES(?1, ?2)");
const KEEP_CHUNK: &str = sql!("INSERT OR REPLACE INTO event_chunks(part, type, bytes) VALUES(?1, ?2, ?3)");
const FORGET_CHUNKS: &str = sql!("DELETE FROM event_chunks WHERE part = ?1");

/// Numbers of events a part has room for; as the triggers say it.
const EVENTS_A_PART: i64 = 1 << 16;

/// The names in a part by number, each with the keys of its properties.
type Names = Vec<(i64, BTreeSet<String>)>;

/// Whether the commit between these marks filled a part.
pub(crate) fn fills(before: &Marks, after: &Marks) -> bool {
    full(before) < full(after)
}

/// Parts into which no event comes any more: numbers are handed out once.
fn full(marks: &Marks) -> i64 {
    marks.get(Mark::Events) / EVENTS_A_PART
}

/// Writes the parts that the commit between these marks filled.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn keep(db: &Db<'_>, before: &Marks, after: &Marks) -> Result<()> {
    let names = types(db)?;
    (full(before)..full(after)).try_for_each(|part| write(db, &names, part).map(|_| ()))
}

/// What an index is told of the events when it is opened: which names there are, or, of a file without a full part, all.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn loading(db: &Db<'_>, marks: &Marks) -> Result<Vec<Loading>> {
    let names = types(db)?;
    let full = full(marks);
    let rest = db.all(EVENTS, (full * EVENTS_A_PART, i64::MAX), |row| event(&names, row))?;
    if full == 0 {
        return Ok(rest
            .into_iter()
            .map(|event| Change::EventAdded(event).into())
            .collect());
    }
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in rest {
        all.entry(event.name).or_default().extend(event.props.into_keys());
    }
    for part in 0..full {
        let known: Option<String> = db.value(NAMES, (part,))?;
        let known: Names = match known {
            Some(known) => from_json("event_parts", &known)?,
            None => write(db, &names, part)?,
        };
        for (number, keys) in known {
            all.entry(name(&names, number)?).or_default().extend(keys);
        }
    }
    Ok(all
        .into_iter()
        .map(|(name, keys)| Loading::Events {
            name,
            keys: keys.into_iter().collect(),
        })
        .collect())
}

/// Gives all events of a name, from chunks where there are some.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn give(db: &Db<'_>, name: &str, give: &mut dyn FnMut(EventPart) -> bool) -> Result<()> {
    let Some(number) = db.value::<i64>(TYPE, (name,))? else {
        return Ok(());
    };
    let last: i64 = db.value::<Option<i64>>(LAST, ())?.flatten().unwrap_or(0);
    let known: BTreeSet<i64> = db.all(PARTS, (), |row| Ok(row.get(0)?))?.into_iter().collect();
    let names = BTreeMap::from([(number, name.to_owned())]);
    for part in 0..=last / EVENTS_A_PART {
        if known.contains(&part) {
            match db.value::<Vec<u8>>(CHUNK, (part, number))? {
                // The part has no event of the name.
                None => continue,
                Some(bytes) => {
                    if EventChunk::read(bytes).is_some_and(|chunk| give(EventPart::Chunk(chunk))) {
                        continue;
                    }
                }
            }
        }
        let first = part * EVENTS_A_PART;
        let rows = (first, first + EVENTS_A_PART - 1, number);
        for event in db.all(OF_TYPE, rows, |row| event(&names, row))? {
            give(EventPart::Event(event));
        }
    }
    Ok(())
}

/// Writes a part from its rows, and says what is in it. A full disk is no reason not to open: rows stay what is read.
fn write(db: &Db<'_>, names: &BTreeMap<i64, String>, part: i64) -> Result<Names> {
    let first = part * EVENTS_A_PART;
    let mut of_names: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
    for (number, event) in db.all(EVENTS, (first, first + EVENTS_A_PART - 1), |row| {
        Ok((row.get(4)?, event(names, row)?))
    })? {
        of_names.entry(number).or_default().push(event);
    }
    let known: Names = of_names
        .iter()
        .map(|(number, events)| {
            let keys = events.iter().flat_map(|event| event.props.keys().cloned());
            (*number, keys.collect())
        })
        .collect();
    let chunks = of_names
        .iter()
        .map(|(number, events)| (*number, EventChunk::of(events)));
    db.whole(|| {
        db.run(FORGET_CHUNKS, (part,))?;
        for (number, chunk) in chunks {
            db.run(KEEP_CHUNK, (part, number, chunk.bytes()))?;
        }
        db.run(KEEP_PART, (part, json(&known)?))
    })
    .ok();
    Ok(known)
}

fn types(db: &Db<'_>) -> Result<BTreeMap<i64, String>> {
    let types = db.all(EVENT_TYPES, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(types.into_iter().collect())
}

fn name(names: &BTreeMap<i64, String>, number: i64) -> Result<String> {
    let name = names.get(&number).cloned();
    name.ok_or_else(|| Error::damaged("events", "an event has an unknown type"))
}

fn event(names: &BTreeMap<i64, String>, row: &Row<'_>) -> Result<Event> {
    let at = moment(row.get(2)?)?;
    let props = row.get_ref(3)?.as_str_or_null();
    Ok(Event {
        id: EventId(row.get(0)?),
        contact: ContactId(row.get(1)?),
        name: name(names, row.get(4)?)?,
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
