//! Contacts as the rows say they are: no index, no chunks, no column of the program's own reading but the values of fields.

use super::crowd::Outcome;
use carillon_engine::record::{ContactRecord, Moved, Movement, Sent};
use carillon_engine::segment::changed_key;
use carillon_model::contact::{BUILT_IN_FIELDS, Value};
use carillon_model::event::{Event, Prop};
use carillon_model::{ContactId, EventId, MessageId, Moment, SegmentId};
use carillon_store::{Store, consents, contacts, suppressions};
use chrono::DateTime;
use roaring::RoaringBitmap;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub struct Rows(PathBuf);

/// Ids of contacts, both ends in it.
type Range = (u32, u32);
type People = BTreeMap<u32, ContactRecord>;

impl Rows {
    pub fn open(path: &Path) -> Outcome<Rows> {
        let rows = Rows(path.to_owned());
        rows.connection()?;
        Ok(rows)
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Those of the range who are there, or only some of them; in order. Nothing may be written meanwhile.
    pub fn records(&self, store: &Store, range: Range, only: Option<&[u32]>) -> Outcome<Vec<ContactRecord>> {
        let ids: Vec<u32> = match only {
            Some(some) => some.to_vec(),
            None => (range.0..=range.1).collect(),
        };
        let mut people = values(store, ids)?;
        let db = self.connection()?;
        tags(&db, range, &mut people)?;
        events(&db, range, &mut people)?;
        sent(&db, range, &mut people)?;
        moved(&db, range, &mut people)?;
        for field in ["city", "plan"] {
            written(&db, range, field, &mut people)?;
        }
        for who in people.values_mut() {
            who.events.sort_by_key(|event| (event.at, event.id));
            who.sent.sort_by_key(|sent| (sent.at, sent.id));
        }
        Ok(people.into_values().collect())
    }

    /// Who is in each segment by the edges.
    pub fn inside(&self) -> Outcome<BTreeMap<SegmentId, RoaringBitmap>> {
        let db = self.connection()?;
        let mut all: BTreeMap<SegmentId, RoaringBitmap> = BTreeMap::new();
        let mut edges = db.prepare("SELECT segment, contact, entered FROM segment_edges ORDER BY id")?;
        let mut rows = edges.query(())?;
        while let Some(row) = rows.next()? {
            let members = all.entry(SegmentId(row.get(0)?)).or_default();
            match row.get(2)? {
                true => members.insert(row.get(1)?),
                false => members.remove(row.get(1)?),
            };
        }
        Ok(all)
    }
}

fn moment(ms: i64) -> Outcome<Moment> {
    DateTime::from_timestamp_millis(ms).ok_or_else(|| format!("{ms} is no moment").into())
}

fn values(store: &Store, ids: Vec<u32>) -> Outcome<People> {
    let people = store.read_blocking(move |db| {
        let mut people = People::new();
        for id in ids {
            let contact = ContactId(id);
            let Some(fields) = contacts::record_fields(db, contact)? else {
                continue;
            };
            let words = consents::permissions_of(db, contact)?.into_iter();
            let granted = words.filter(|word| word.granted);
            let who = ContactRecord {
                id,
                fields: fields.into_iter().collect(),
                permissions: granted
                    .map(|word| ((word.channel, word.purpose), word.basis))
                    .collect(),
                suppressed: suppressions::of_contact(db, contact)?,
                ..ContactRecord::default()
            };
            people.insert(id, who);
        }
        Ok(people)
    })?;
    Ok(people)
}

fn tags(db: &Connection, range: Range, people: &mut People) -> Outcome<()> {
    let mut all = db.prepare(
        "SELECT c.contact, t.name FROM contact_tags c JOIN tags t ON t.id = c.tag WHERE c.contact BETWEEN ?1 AND ?2",
    )?;
    let mut rows = all.query(range)?;
    while let Some(row) = rows.next()? {
        if let Some(who) = people.get_mut(&row.get(0)?) {
            who.tags.insert(row.get(1)?);
        }
    }
    Ok(())
}

fn events(db: &Connection, range: Range, people: &mut People) -> Outcome<()> {
    let mut all = db.prepare(
        "SELECT e.contact, e.id, t.name, e.at, e.props FROM events e JOIN event_types t ON t.id = e.type
         WHERE e.contact BETWEEN ?1 AND ?2",
    )?;
    let mut rows = all.query(range)?;
    while let Some(row) = rows.next()? {
        let contact: u32 = row.get(0)?;
        if let Some(who) = people.get_mut(&contact) {
            let props: Option<String> = row.get(4)?;
            let props: BTreeMap<String, Prop> = match props {
                Some(text) => serde_json::from_str(&text)?,
                None => BTreeMap::new(),
            };
            let at = moment(row.get(3)?)?;
            who.events.push(Event {
                id: EventId(row.get(1)?),
                contact: ContactId(contact),
                name: row.get(2)?,
                at,
                arrived_at: at,
                source: String::new(),
                props,
            });
        }
    }
    Ok(())
}

fn sent(db: &Connection, range: Range, people: &mut People) -> Outcome<()> {
    let mut all = db.prepare(
        "SELECT o.contact, t.name, o.accepted_at, o.id FROM outbox o JOIN templates t ON t.id = o.template
         WHERE o.accepted_at IS NOT NULL AND o.contact BETWEEN ?1 AND ?2",
    )?;
    let mut rows = all.query(range)?;
    while let Some(row) = rows.next()? {
        if let Some(who) = people.get_mut(&row.get(0)?) {
            who.sent.push(Sent {
                template: row.get(1)?,
                at: moment(row.get(2)?)?,
                id: MessageId(row.get(3)?),
            });
        }
    }
    Ok(())
}

fn moved(db: &Connection, range: Range, people: &mut People) -> Outcome<()> {
    let mut all = db
        .prepare("SELECT contact, segment, entered, at FROM segment_edges WHERE contact BETWEEN ?1 AND ?2")?;
    let mut rows = all.query(range)?;
    while let Some(row) = rows.next()? {
        if let Some(who) = people.get_mut(&row.get(0)?) {
            who.moves(Moved {
                movement: Movement::of_segment(SegmentId(row.get(1)?), row.get(2)?),
                at: moment(row.get(3)?)?,
                number: 0,
            });
        }
    }
    Ok(())
}

/// When the value of a field was written, of those who have one.
fn written(db: &Connection, range: Range, field: &str, people: &mut People) -> Outcome<()> {
    let number = match BUILT_IN_FIELDS.iter().position(|own| own.0 == field) {
        Some(place) => place as i64,
        None => db.query_row("SELECT 100 + id FROM fields WHERE key = ?1", (field,), |row| {
            row.get(0)
        })?,
    };
    let mut all = db.prepare(
        "SELECT c.id, ifnull(p.at, c.created_at) FROM contacts c
         LEFT JOIN provenance p ON p.contact = c.id AND p.field = ?3 WHERE c.id BETWEEN ?1 AND ?2",
    )?;
    let mut rows = all.query((range.0, range.1, number))?;
    while let Some(row) = rows.next()? {
        if let Some(who) = people.get_mut(&row.get(0)?)
            && who.fields.contains_key(field)
        {
            let at = Value::DateTime(moment(row.get(1)?)?);
            who.fields.insert(changed_key(field), at);
        }
    }
    Ok(())
}
