//! Contacts for the index, read from chunks where the file has them and from rows where it has not.
//!
//! As [`crate::event_chunks`], with two differences. A value that changes takes its field's chunk of that part with it
//! (what somebody wants corrected stands nowhere else then), while yes and no change too often for that: whom they change
//! for is noted, and read beside the part. And it is this program's commits that do so, not triggers, which cost each new row
//! something and cannot tell which column changed; what others write to a file is found while it rests ([`is_true`]).

use crate::catalogue::FieldRef;
use crate::codes::Code;
use crate::contacts::{Reader, changed};
use crate::db::Db;
use crate::error::Result;
use crate::membership::Change;
use crate::sql::sql;
use crate::tx::{Mark, Marks};
use carillon_engine::index::{ColumnChunk, ColumnPart, ContactBits, ContactChunk, Given, Loading};
use carillon_engine::segment::{changed_field, changed_key};
use carillon_model::ContactId;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::Value;
use rusqlite::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PART: &str = sql!("SELECT bytes FROM contact_parts WHERE part = ?1");
const STALE: &str = sql!("SELECT contact FROM contact_parts_stale ORDER BY contact");
const CHUNK: &str = sql!("SELECT bytes FROM contact_chunks WHERE part = ?1 AND field = ?2");
const FIELDS: &str = sql!("SELECT field FROM contact_chunks WHERE part = ?1 ORDER BY field");
const LAST: &str = sql!("SELECT max(id) FROM contacts");

const KEEP_PART: &str = sql!("INSERT OR REPLACE INTO contact_parts(part, bytes) VALUES(?1, ?2)");
const KEEP_CHUNK: &str = sql!("INSERT OR REPLACE INTO contact_chunks(part, field, bytes) VALUES(?1, ?2, ?3)");
const FORGET_PART: &str = sql!("DELETE FROM contact_parts WHERE part = ?1");
const FORGET_CHUNKS: &str = sql!("DELETE FROM contact_chunks WHERE part = ?1");
const FORGET_CHUNK: &str = sql!("DELETE FROM contact_chunks WHERE part = ?1 AND field = ?2");
const FORGET_STALE: &str = sql!("DELETE FROM contact_parts_stale WHERE contact BETWEEN ?1 AND ?2");
const NOTE_STALE: &str = sql!(
    "INSERT OR IGNORE INTO contact_parts_stale(contact) SELECT ?1 WHERE EXISTS(SELECT 1 FROM contact_parts WHERE part = ?1 >> 16)"
);

const IDS: &str = sql!("SELECT id, suppressed FROM contacts WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
const TAGS: &str = sql!(
    "SELECT x.contact, t.name FROM tags t CROSS JOIN contact_tags x ON x.tag = t.id AND x.contact BETWEEN ?1 AND ?2"
);
const PERMISSIONS: &str = sql!(
    "SELECT contact, channel, purpose, basis FROM permissions WHERE contact BETWEEN ?1 AND ?2 AND granted = 1"
);

/// Numbers of contacts a part has room for.
const CONTACTS_A_PART: i64 = 1 << 16;
/// From so many on, a part is written anew instead of being read with them beside it.
const MOST_STALE: usize = 1_024;

/// Parts into which no contact comes any more: numbers are handed out once.
pub(crate) fn full(marks: &Marks) -> i64 {
    marks.get(Mark::Contacts) / CONTACTS_A_PART
}

fn range(part: i64) -> (i64, i64) {
    let first = part * CONTACTS_A_PART;
    (first, first + CONTACTS_A_PART - 1)
}

/// What an index is told of the contacts when it is opened: who there is, and which fields there are; of a file without a
/// full part, all. What is missing is written.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn loading(db: &Db<'_>, marks: &Marks) -> Result<Vec<Loading>> {
    let full = full(marks);
    let mut all = Vec::new();
    if full == 0 {
        let reader = Reader::new(&db.catalogue);
        all.extend(db.all(&reader.between_ids(), (0, i64::MAX), |row| {
            Ok(Loading::Row(added(&reader, row)?))
        })?);
        bits_of_rows(db, (0, i64::MAX), &mut all)?;
        all.extend(moments(db));
        return Ok(all);
    }
    let mut stale: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for contact in db.all(STALE, (), |row| row.get::<_, i64>(0).map_err(Into::into))? {
        stale.entry(contact / CONTACTS_A_PART).or_default().push(contact);
    }
    for part in 0..full {
        let noted = stale.remove(&part).unwrap_or_default();
        let kept = match noted.len() <= MOST_STALE {
            true => db.value::<Vec<u8>>(PART, (part,))?.and_then(ContactChunk::read),
            false => None,
        };
        let Some(chunk) = kept else {
            all.push(Loading::Contacts(write(db, part)?));
            continue;
        };
        all.push(Loading::Contacts(chunk));
        for contact in noted {
            all.push(Loading::Anew(ContactId(
                u32::try_from(contact).unwrap_or(u32::MAX),
            )));
            bits_of_rows(db, (contact, contact), &mut all)?;
        }
    }
    let rest = (full * CONTACTS_A_PART, i64::MAX);
    all.extend(db.all(IDS, rest, |row| {
        Ok(Loading::Row(Change::ContactAdded {
            contact: ContactId(row.get(0)?),
            fields: Given::default(),
        }))
    })?);
    bits_of_rows(db, rest, &mut all)?;
    all.extend(
        db.catalogue
            .all()
            .map(|field| Loading::Column(field.key().to_owned())),
    );
    all.extend(moments(db));
    Ok(all)
}

/// When values were written is read when it is first asked for, of any file.
fn moments(db: &Db<'_>) -> impl Iterator<Item = Loading> {
    changed::known(&db.catalogue).map(|field| Loading::Column(changed_key(field.key())))
}

/// Tags, permissions and suppressions of a range of contacts, as changes.
fn bits_of_rows(db: &Db<'_>, range: (i64, i64), all: &mut Vec<Loading>) -> Result<()> {
    let tags = db.all(TAGS, range, |row| {
        Ok(Change::TagSet {
            contact: ContactId(row.get(0)?),
            tag: row.get(1)?,
            on: true,
        })
    })?;
    let permissions = db.all(PERMISSIONS, range, |row| {
        let (contact, (channel, purpose, basis)) = permission(row)?;
        Ok(Change::PermissionSet {
            contact: ContactId(contact),
            channel,
            purpose,
            basis: Some(basis),
        })
    })?;
    let suppressed = db.all(IDS, range, |row| {
        Ok((ContactId(row.get(0)?), row.get::<_, bool>(1)?))
    })?;
    let suppressed = suppressed
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(contact, on)| Change::SuppressedSet { contact, on });
    all.extend(
        tags.into_iter()
            .chain(permissions)
            .chain(suppressed)
            .map(Loading::from),
    );
    Ok(())
}

/// Gives all values of a field, from chunks where there are some.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn give(db: &Db<'_>, key: &str, give: &mut dyn FnMut(ColumnPart) -> bool) -> Result<()> {
    let of = changed_field(key);
    let Ok(field) = db.catalogue.field(of.unwrap_or(key)) else {
        // Retired: nobody has a value any more.
        return Ok(());
    };
    if of.is_some() {
        return give_changed(db, field, give);
    }
    let reader = Reader::only(field);
    let select = reader.between_ids();
    let last: i64 = db.value::<Option<i64>>(LAST, ())?.flatten().unwrap_or(0);
    for part in 0..=last / CONTACTS_A_PART {
        let chunk = db
            .value::<Vec<u8>>(CHUNK, (part, field.number()))?
            .and_then(ColumnChunk::read);
        if chunk.is_some_and(|chunk| give(ColumnPart::Chunk(chunk))) {
            continue;
        }
        for (contact, value) in db.all(&select, range(part), |row| {
            Ok((row.get(0)?, reader.value(row, field)?))
        })? {
            if value.is_some() {
                give(ColumnPart::Value(ContactId(contact), value));
            }
        }
    }
    Ok(())
}

/// When the values of a field were written.
fn give_changed(db: &Db<'_>, field: FieldRef<'_>, give: &mut dyn FnMut(ColumnPart) -> bool) -> Result<()> {
    let last: i64 = db.value::<Option<i64>>(LAST, ())?.flatten().unwrap_or(0);
    (0..=last / CONTACTS_A_PART).try_for_each(|part| {
        changed::each(db, field, range(part), |contact, at| {
            give(ColumnPart::Value(contact, Some(Value::DateTime(at))));
        })
    })
}

/// Throws away, in the commit itself, what its changes make untrue. `first_new`: contacts from there on are new with it.
///
/// # Errors
/// SQLite's.
pub(crate) fn forget(db: &Db<'_>, changes: &[Change], first_new: i64) -> Result<()> {
    let (mut stale, mut fields, mut parts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for change in changes {
        let Some(ContactId(contact)) = change.contact() else {
            continue;
        };
        let contact = i64::from(contact);
        if contact >= first_new {
            continue;
        }
        let part = contact / CONTACTS_A_PART;
        match change {
            Change::FieldSet { key, .. } => drop(fields.insert((part, key.as_str()))),
            Change::TagSet { .. } | Change::PermissionSet { .. } | Change::SuppressedSet { .. } => {
                stale.insert(contact);
            }
            Change::ContactAdded { .. } | Change::ContactRemoved(_) => {
                parts.insert(part);
            }
            _ => {}
        }
    }
    for (part, key) in fields {
        if let Ok(field) = db.catalogue.field(key) {
            db.run(FORGET_CHUNK, (part, field.number()))?;
        }
    }
    for part in parts {
        forget_part(db, part)?;
    }
    for contact in stale {
        db.run(NOTE_STALE, (contact,))?;
    }
    Ok(())
}

fn forget_part(db: &Db<'_>, part: i64) -> Result<()> {
    db.run(FORGET_PART, (part,))?;
    db.run(FORGET_CHUNKS, (part,))?;
    db.run(FORGET_STALE, range(part))?;
    Ok(())
}

/// A part as its rows say it.
struct Part {
    contacts: ContactChunk,
    /// By number of the field.
    fields: BTreeMap<i64, ColumnChunk>,
}

fn of_rows(db: &Db<'_>, part: i64) -> Result<Part> {
    let mut bits = ContactBits::default();
    for (id, suppressed) in db.all(IDS, range(part), |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, bool>(1)?))
    })? {
        bits.contacts.insert(id);
        if suppressed {
            bits.suppressed.insert(id);
        }
    }
    for (contact, tag) in db.all(TAGS, range(part), |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))
    })? {
        bits.tags.entry(tag).or_default().insert(contact);
    }
    for (contact, key) in db.all(PERMISSIONS, range(part), permission)? {
        bits.permissions.entry(key).or_default().insert(contact);
    }
    let reader = Reader::new(&db.catalogue);
    let mut values: BTreeMap<i64, Vec<(ContactId, Value)>> = BTreeMap::new();
    db.all(&reader.between_ids(), range(part), |row| {
        let contact = ContactId(row.get(0)?);
        reader.values(row, |field, value| {
            values.entry(field.number()).or_default().push((contact, value));
        })
    })?;
    let none = db.catalogue.all().map(|field| (field.number(), Vec::new()));
    let mut fields: BTreeMap<i64, Vec<_>> = none.collect();
    fields.extend(values);
    Ok(Part {
        contacts: ContactChunk::of(&bits),
        fields: fields
            .into_iter()
            .map(|(field, values)| (field, ColumnChunk::of(&values)))
            .collect(),
    })
}

/// Writes a part from its rows. A full disk is no reason not to open: rows stay what is read.
fn write(db: &Db<'_>, part: i64) -> Result<ContactChunk> {
    let made = of_rows(db, part)?;
    db.whole(|| keep(db, part, &made)).ok();
    Ok(made.contacts)
}

fn keep(db: &Db<'_>, part: i64, made: &Part) -> Result<()> {
    forget_part(db, part)?;
    for (field, chunk) in &made.fields {
        db.run(KEEP_CHUNK, (part, field, chunk.bytes()))?;
    }
    db.run(KEEP_PART, (part, made.contacts.bytes()))?;
    Ok(())
}

/// Brings a part up to date while the file rests, and says whether what was there was true: what this program changed was
/// thrown away or noted then, so that anything else was written by somebody else.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn is_true(db: &Db<'_>, part: i64) -> Result<bool> {
    let made = of_rows(db, part)?;
    let kept = db.value::<Vec<u8>>(PART, (part,))?;
    let stale: BTreeSet<i64> = db.all(STALE, (), |row| Ok(row.get(0)?))?.into_iter().collect();
    let (first, last) = range(part);
    let noted = stale.range(first..=last).next().is_some();
    let mut same = kept.as_deref() == Some(made.contacts.bytes());
    let mut is_true = kept.is_none() || noted || same;
    let there: BTreeSet<i64> = db
        .all(FIELDS, (part,), |row| Ok(row.get(0)?))?
        .into_iter()
        .collect();
    for (field, chunk) in &made.fields {
        match there.contains(field) {
            true => {
                let kept = db.value::<Vec<u8>>(CHUNK, (part, field))?;
                let as_made = kept.as_deref() == Some(chunk.bytes());
                same &= as_made;
                is_true &= as_made;
            }
            false => same = false,
        }
    }
    same &= there.len() == made.fields.len();
    if !same {
        db.whole(|| keep(db, part, &made))?;
    }
    Ok(is_true)
}

fn permission(row: &Row<'_>) -> Result<(u32, (Channel, Purpose, Basis))> {
    let key = (
        Channel::of(row.get(1)?)?,
        Purpose::of(row.get(2)?)?,
        Basis::of(row.get(3)?)?,
    );
    Ok((row.get(0)?, key))
}

fn added(reader: &Reader<'_>, row: &Row<'_>) -> Result<Change> {
    let mut fields = Vec::with_capacity(12);
    reader.values(row, |field, value| {
        fields.push((Arc::<str>::from(field.key()), value))
    })?;
    Ok(Change::ContactAdded {
        contact: ContactId(row.get(0)?),
        fields: fields.into_iter().collect(),
    })
}
