//! What merges say of where values came from: which values of the absorbed became the survivor's, and which were let go.

use super::merge::Was;
use super::person::Held;
use crate::catalogue::Catalogue;
use crate::codes::from_json;
use crate::contacts::history;
use crate::contacts::{Origin, TIME_ZONE};
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::contact::{Contact, Value};
use carillon_model::{ContactId, MergeId};

const INTO: &str = sql!(
    "SELECT m.id, m.absorbed, m.at, m.was FROM merges m WHERE m.survivor = ?1 AND m.undone_at IS NULL ORDER BY m.id"
);

/// One merge, as it is told of values.
pub(crate) struct Lent {
    pub(crate) merge: MergeId,
    pub(crate) survivor: ContactId,
    pub(crate) absorbed: ContactId,
    /// Milliseconds.
    pub(crate) at: i64,
    /// Who had added the absorbed.
    pub(crate) added: Option<Origin>,
    pub(crate) ended: Vec<Ended>,
}

/// A value that the merge ended.
pub(crate) struct Ended {
    /// The field's number.
    pub(crate) field: i64,
    /// Whose it was: the survivor's, or the absorbed's.
    pub(crate) contact: ContactId,
    pub(crate) value: Option<Value>,
    /// Who had written it; `None`: whoever added that contact.
    pub(crate) origin: Option<Origin>,
    /// Who had written what the survivor got instead of its own.
    pub(crate) instead: Option<Origin>,
}

/// Merges into a contact that stand, the first first.
pub(crate) fn lent(db: &Db<'_>, survivor: ContactId) -> Result<Vec<Lent>> {
    db.all(INTO, (survivor.0,), |row| {
        let text: String = row.get(3)?;
        let was: Was = from_json("merges", &text)?;
        let absorbed = ContactId(row.get(1)?);
        Ok(Lent {
            merge: MergeId(row.get(0)?),
            survivor,
            absorbed,
            at: row.get(2)?,
            added: added(&was),
            ended: ended(&db.catalogue, &was, survivor, absorbed),
        })
    })
}

fn added(was: &Was) -> Option<Origin> {
    let row = was.own.first()?;
    Some(Origin {
        source: row.number(0, "source").ok()?,
        at: row.number(0, "created_at").ok()?,
    })
}

fn value_of(contact: &Contact, key: &str) -> Option<Value> {
    let field = contact.fields.iter().find(|field| field.key == key);
    field.map(|field| field.value.clone())
}

/// Who wrote a value that is held, or chose the time zone of its contact.
fn origin(number: i64, held: &Held, added: i64) -> Option<Origin> {
    let zone = held.cells.get(1).filter(|_| number == TIME_ZONE as i64);
    let zone = zone.and_then(super::kept::Cell::int);
    held.origin.or(zone.map(|source| Origin { source, at: added }))
}

fn ended(catalogue: &Catalogue, was: &Was, survivor: ContactId, absorbed: ContactId) -> Vec<Ended> {
    let mut all = Vec::new();
    let mut taken = Vec::new();
    for (number, before) in &was.before.fields {
        let Some(after) = was.after.fields.get(number).filter(|after| *after != before) else {
            continue;
        };
        taken.push(*number);
        let Some(field) = catalogue.by_number(*number) else {
            continue;
        };
        all.push(Ended {
            field: *number,
            contact: survivor,
            value: value_of(&was.survivor, field.key()),
            origin: origin(*number, before, was.survivor.created_at.timestamp_millis()),
            instead: after.origin,
        });
    }
    let said = catalogue.all().filter(|field| history::is_told(*field));
    for field in said.filter(|field| !taken.contains(&field.number())) {
        let Some(value) = value_of(&was.absorbed, field.key()) else {
            continue;
        };
        all.push(Ended {
            field: field.number(),
            contact: absorbed,
            value: Some(value),
            origin: own_origin(was, field.number()),
            instead: None,
        });
    }
    all
}

/// Who had written a value of the absorbed, of the rows that were put aside.
fn own_origin(was: &Was, number: i64) -> Option<Origin> {
    let rows = was.own.get(2)?;
    let at = (0..rows.rows.len()).find(|row| rows.number(*row, "field").ok() == Some(number))?;
    Some(Origin {
        source: rows.number(at, "source").ok()?,
        at: rows.number(at, "at").ok()?,
    })
}

/// What a merge lent is told no more once it is taken back: whoever wrote to the survivor since replaced their own value.
pub(super) fn call_back(
    tx: &Tx<'_>,
    was: &Was,
    survivor: ContactId,
    absorbed: ContactId,
    at: i64,
) -> Result<()> {
    for ended in ended(&tx.catalogue, was, survivor, absorbed) {
        let Some(lent) = ended.instead else {
            continue;
        };
        let own = history::Was {
            field: ended.field,
            value: ended.value.as_ref(),
            origin: ended.origin,
        };
        history::hand_on(tx, survivor, lent, at, &own)?;
    }
    Ok(())
}
