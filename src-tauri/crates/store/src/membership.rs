//! Where rows meet the pure fold of `engine::index`: the index opened from the rows of the file.

use crate::codes::Code;
use crate::contacts::Reader;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::event_chunks::Events;
use crate::sql::sql;
use crate::time::moment;
use crate::tx::Marks;
use carillon_engine::index::Loading;
use carillon_engine::segment;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::segment::Expr;
use carillon_model::{ContactId, Moment, SegmentId};
use rusqlite::Row;
use std::cell::RefCell;

pub use carillon_engine::index::{Change, Index, Staged};

const SEGMENTS: &str = sql!("SELECT id, name, text FROM segments ORDER BY id");
const WATCHES: &str = sql!("SELECT id, text FROM watches ORDER BY id");
const TAGS: &str = sql!(
    "SELECT x.contact, t.name FROM contact_tags x JOIN tags t ON t.id = x.tag",
    scan: "the index is built from all rows when the file is opened"
);
const SUPPRESSED: &str = sql!(
    "SELECT id FROM contacts WHERE suppressed = 1",
    scan: "the index is built from all rows when the file is opened"
);
const PERMISSIONS: &str = sql!(
    "SELECT contact, channel, purpose, basis FROM permissions WHERE granted = 1",
    scan: "the index is built from all rows when the file is opened"
);
const SENT: &str = sql!(
    "SELECT ifnull(a.contact, o.contact), t.name, o.accepted_at FROM outbox o JOIN templates t ON t.id = o.template
     LEFT JOIN contact_aliases a ON a.absorbed = o.contact WHERE o.accepted_at IS NOT NULL",
    scan: "the index is built from all rows when the file is opened"
);

/// `scan:` the index is built from all rows when the file is opened.
pub(crate) fn contacts_sql(reader: &Reader<'_>) -> String {
    format!("{} ORDER BY c.id", reader.select)
}

/// An expression kept as its canonical text.
pub(crate) fn parse(text: &str) -> Result<Expr> {
    segment::parse(text).map_err(|e| Error::damaged("segments", e))
}

/// The index of the rows as they stand, at `as_of`. Rows stream into it: none is kept twice.
pub(crate) fn build(db: &Db<'_>, marks: &Marks, as_of: Moment) -> Result<Index> {
    let definitions = definitions(db)?;
    let reader = Reader::new(&db.catalogue);
    let failed: RefCell<Option<Error>> = RefCell::new(None);

    let mut contacts = db.conn.prepare(&contacts_sql(&reader))?;
    let mut tags = db.conn.prepare(TAGS)?;
    let mut suppressed = db.conn.prepare(SUPPRESSED)?;
    let mut permissions = db.conn.prepare(PERMISSIONS)?;
    let mut events = Events::new(db, marks)?;
    let mut sent = db.conn.prepare(SENT)?;

    let rows = definitions
        .into_iter()
        .chain(stream(&failed, contacts.query(())?, |row| contact(&reader, row)))
        .chain(stream(&failed, tags.query(())?, |row| {
            Ok(Change::TagSet {
                contact: ContactId(row.get(0)?),
                tag: row.get(1)?,
                on: true,
            })
        }))
        .chain(stream(&failed, suppressed.query(())?, |row| {
            Ok(Change::SuppressedSet {
                contact: ContactId(row.get(0)?),
                on: true,
            })
        }))
        .chain(stream(&failed, permissions.query(())?, |row| {
            Ok(Change::PermissionSet {
                contact: ContactId(row.get(0)?),
                channel: Channel::of(row.get(1)?)?,
                purpose: Purpose::of(row.get(2)?)?,
                basis: Some(Basis::of(row.get(3)?)?),
            })
        }))
        .map(Loading::from)
        .chain(std::iter::from_fn(|| events.part()).flat_map(|part| {
            part.unwrap_or_else(|error| {
                failed.borrow_mut().get_or_insert(error);
                Vec::new()
            })
        }))
        .chain(
            stream(&failed, sent.query(())?, |row| {
                Ok(Change::Sent {
                    contact: ContactId(row.get(0)?),
                    template: row.get(1)?,
                    at: moment(row.get(2)?)?,
                })
            })
            .map(Loading::from),
        );
    let index = Index::open(db.catalogue.zone, as_of, rows);
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(index),
    }
}

fn definitions(db: &Db<'_>) -> Result<Vec<Change>> {
    let mut found = db.all(SEGMENTS, (), |row| {
        Ok(Change::SegmentSaved {
            id: SegmentId(row.get(0)?),
            name: row.get(1)?,
            expr: parse(&row.get::<_, String>(2)?)?,
        })
    })?;
    found.extend(db.all(WATCHES, (), |row| {
        Ok(Change::WatchAdded {
            id: SegmentId(row.get(0)?),
            expr: parse(&row.get::<_, String>(1)?)?,
        })
    })?);
    found.extend(crate::scores::definitions(db)?);
    Ok(found)
}

fn contact(reader: &Reader<'_>, row: &Row<'_>) -> Result<Change> {
    let mut fields = Vec::with_capacity(12);
    reader.values(row, |field, value| fields.push((field.key().to_owned(), value)))?;
    Ok(Change::ContactAdded {
        contact: ContactId(row.get(0)?),
        fields,
    })
}

/// Rows as changes until the first that cannot be read, which is kept in `failed`.
fn stream<'a>(
    failed: &'a RefCell<Option<Error>>,
    mut rows: rusqlite::Rows<'a>,
    read: impl Fn(&Row<'_>) -> Result<Change> + 'a,
) -> impl Iterator<Item = Change> + 'a {
    std::iter::from_fn(move || {
        if failed.borrow().is_some() {
            return None;
        }
        let next = match rows.next() {
            Ok(Some(row)) => read(row),
            Ok(None) => return None,
            Err(error) => Err(error.into()),
        };
        match next {
            Ok(change) => Some(change),
            Err(error) => {
                *failed.borrow_mut() = Some(error);
                None
            }
        }
    })
}
