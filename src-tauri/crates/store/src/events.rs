//! What contacts did. No secondary index: a contact's timeline is found through the postings in memory.

use crate::codes::{from_json, json};
use crate::contacts;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::time::{moment, ms, whole};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_engine::segment::Needs;
use carillon_model::event::{Event, Prop};
use carillon_model::{ContactId, EventId, Moment};
use rusqlite::Row;
use std::collections::BTreeMap;

const ADD: &str = sql!(
    "INSERT INTO events(id, contact, type, at, arrived_at, source, props) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
);
const GET: &str = sql!(
    "SELECT e.id, e.contact, t.name, e.at, e.arrived_at, s.text, e.props
     FROM events e JOIN event_types t ON t.id = e.type JOIN sources s ON s.id = e.source WHERE e.id = ?1"
);
const AFTER: &str = sql!(
    "SELECT e.id, e.contact, t.name, e.at, e.arrived_at, s.text, e.props
     FROM events e JOIN event_types t ON t.id = e.type JOIN sources s ON s.id = e.source
     WHERE e.id > ?1 ORDER BY e.id LIMIT ?2"
);
const NAMES: &str = sql!("SELECT name FROM event_types ORDER BY name");

/// An event to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub contact: ContactId,
    /// Lower-case word.
    pub name: String,
    /// When it happened. It arrives at the moment of the write.
    pub at: Moment,
    pub source: String,
    pub props: BTreeMap<String, Prop>,
}

/// Adds events; their ids follow one another in the order given. Those of the batch's own contacts must exist.
///
/// # Errors
/// [`Error::NotFound`] for a contact who is not there: then none is added.
pub fn append(tx: &mut Tx<'_>, events: &[NewEvent]) -> Result<Vec<EventId>> {
    let first = tx.take(Mark::Events, events.len());
    let arrived_at = tx.now();
    for (id, event) in (first..).zip(events) {
        if !contacts::exists(tx, event.contact)? {
            return Err(Error::missing("contact", event.contact));
        }
        let kind = tx.event_type(&event.name)?;
        let source = tx.source(&event.source)?;
        let props = match event.props.is_empty() {
            true => None,
            false => Some(json(&event.props)?),
        };
        tx.run(
            ADD,
            (
                id,
                event.contact.0,
                kind,
                ms(event.at),
                ms(arrived_at),
                source,
                props,
            ),
        )?;
        tx.roll(Metric::Events, 0, &event.name, event.at, 1);
        tx.change(Change::EventAdded(Event {
            id: EventId(id),
            contact: event.contact,
            name: event.name.clone(),
            at: whole(event.at),
            arrived_at,
            source: String::new(),
            props: event.props.clone(),
        }));
    }
    if !events.is_empty() {
        tx.touch("events", first, tx.marks.get(Mark::Events) - 1);
        tx.topic(Topic::Events);
    }
    Ok((first..).take(events.len()).map(EventId).collect())
}

fn read(row: &Row<'_>) -> Result<Event> {
    let props: Option<String> = row.get(6)?;
    Ok(Event {
        id: EventId(row.get(0)?),
        contact: ContactId(row.get(1)?),
        name: row.get(2)?,
        at: moment(row.get(3)?)?,
        arrived_at: moment(row.get(4)?)?,
        source: row.get(5)?,
        props: props.map_or_else(|| Ok(BTreeMap::new()), |p| from_json("events", &p))?,
    })
}

/// Events by id, in the order asked; those that are gone are left out. A contact's timeline is its postings
/// of the index, read by this.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get_many(db: &Db<'_>, ids: &[EventId]) -> Result<Vec<Event>> {
    ids.iter()
        .filter_map(|id| db.one(GET, (id.0,), read).transpose())
        .collect()
}

/// Events with an id above `after`, in the order they arrived: what the tick reads by its cursor.
///
/// # Errors
/// [`Error::Damaged`].
pub fn after(db: &Db<'_>, after: EventId, limit: u32) -> Result<Vec<Event>> {
    db.all(AFTER, (after.0, limit), read)
}

/// The id of the newest event; 0 where nothing happened yet.
///
/// # Errors
/// SQLite's.
pub fn last_id(db: &Db<'_>) -> Result<EventId> {
    const NEWEST: &str = sql!("SELECT ifnull(max(id), 0) FROM events");
    Ok(EventId(db.value(NEWEST, ())?.unwrap_or(0)))
}

/// Names of all events that ever happened.
///
/// # Errors
/// SQLite's.
pub fn names(db: &Db<'_>) -> Result<Vec<String>> {
    db.all(NAMES, (), |row| Ok(row.get(0)?))
}

/// Ids of a contact's events as the last commit left them, oldest first, through the index.
pub fn ids_of(tx: &Tx<'_>, contact: ContactId) -> Vec<EventId> {
    tx.with_index(|index| index.record_of(contact, &Needs::every_event()))
        .map(|record| record.events.iter().map(|e| e.id).collect())
        .unwrap_or_default()
}
