//! Saved segments, their clauses, the conditions journeys watch, and the edges of them all.

use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::{Change, parse};
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_engine::record::Movement;
use carillon_engine::segment::{find_cycle, named_journey, named_segment, print};
use carillon_model::journey::ConditionIx;
use carillon_model::segment::{Expr, MovementKind, Segment};
use carillon_model::{ContactId, Moment, SegmentId, Seq, VersionId};
use rusqlite::Row;
use std::collections::BTreeMap;

const LIST: &str = sql!("SELECT id, name, text, created_at FROM segments ORDER BY name");
const BY_NAME: &str = sql!("SELECT id, name, text, created_at FROM segments WHERE name = ?1");
const GET: &str = sql!("SELECT id, name, text, created_at FROM segments WHERE id = ?1");
const ADD: &str =
    sql!("INSERT INTO segments(id, name, text, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?4)");
const CHANGE: &str = sql!("UPDATE segments SET name = ?2, text = ?3, updated_at = ?4 WHERE id = ?1");
const REMOVE: &str = sql!("DELETE FROM segments WHERE id = ?1");
const ADD_WATCH: &str = sql!("INSERT INTO watches(id, version, condition, text) VALUES(?1, ?2, ?3, ?4)");
const WATCHES: &str = sql!("SELECT id, version, condition, text FROM watches ORDER BY id");
const WATCHES_OF: &str = sql!("SELECT id FROM watches WHERE version = ?1 ORDER BY condition");
const REMOVE_WATCHES: &str = sql!("DELETE FROM watches WHERE version = ?1");
const EDGES: &str = sql!(
    "SELECT id, seq, segment, contact, entered, at FROM segment_edges WHERE id > ?1 ORDER BY id LIMIT ?2"
);
const BY_DAY: &str =
    sql!("SELECT object, bucket, n FROM rollups WHERE metric = 'edges' AND bucket >= ?1 / 86400000");
const CAME: &str = sql!(
    "SELECT segment, max(at) FROM segment_edges WHERE id > ?1 AND contact = ?2 AND entered = 1 GROUP BY segment"
);
const MOVED: &str = sql!(
    "SELECT contact, at FROM segment_edges WHERE segment = ?1 AND entered = ?2",
    scan: "an index by segment would cost each edge more than this costs when somebody first asks for a history"
);
const LAST_EDGE: &str = sql!("SELECT ifnull(max(id), 0) FROM segment_edges");

fn read(row: &Row<'_>) -> Result<Segment> {
    Ok(Segment {
        id: SegmentId(row.get(0)?),
        name: row.get(1)?,
        text: row.get(2)?,
        created_at: moment(row.get(3)?)?,
    })
}

/// All saved segments by name.
///
/// # Errors
/// SQLite's.
pub fn list(db: &Db<'_>) -> Result<Vec<Segment>> {
    db.all(LIST, (), read)
}

/// A saved segment.
///
/// # Errors
/// SQLite's.
pub fn get(db: &Db<'_>, id: SegmentId) -> Result<Option<Segment>> {
    db.one(GET, (id.0,), read)
}

/// A saved segment by its exact name.
///
/// # Errors
/// SQLite's.
pub fn by_name(db: &Db<'_>, name: &str) -> Result<Option<Segment>> {
    db.one(BY_NAME, (name,), read)
}

/// Saves a segment: `id` to change one, `None` for a new one. Its members enter and leave in this commit, as
/// the difference to before. The caller has checked the expression against the fields.
///
/// # Errors
/// [`Error::Taken`] for a name in use, [`Error::Invalid`] for an empty name, a circle of segments, or a new
/// name for a segment that others refer to.
pub fn save(tx: &mut Tx<'_>, id: Option<SegmentId>, name: &str, expr: &Expr) -> Result<Segment> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("A segment needs a name.".to_owned()));
    }
    if by_name(tx, name)?.is_some_and(|other| Some(other.id) != id) {
        return Err(Error::Taken {
            what: "segment",
            name: name.to_owned(),
        });
    }
    let before = match id {
        Some(id) => Some(get(tx, id)?.ok_or_else(|| Error::missing("segment", id))?),
        None => None,
    };
    refuse_circle(tx, before.as_ref(), name, expr)?;
    let text = print(expr);
    let now = tx.now();
    let segment = match before {
        Some(before) => {
            tx.run(CHANGE, (before.id.0, name, &text, ms(now)))?;
            Segment {
                name: name.to_owned(),
                text,
                ..before
            }
        }
        None => {
            let id = next_id(tx)?;
            tx.run(ADD, (id.0, name, &text, ms(now)))?;
            Segment {
                id,
                name: name.to_owned(),
                text,
                created_at: now,
            }
        }
    };
    tx.change(Change::SegmentSaved {
        id: segment.id,
        name: segment.name.clone(),
        expr: expr.clone(),
    });
    tell(tx, segment.id);
    Ok(segment)
}

fn next_id(tx: &mut Tx<'_>) -> Result<SegmentId> {
    u32::try_from(tx.take(Mark::Segments, 1))
        .map(SegmentId)
        .map_err(|_| Error::Invalid("This workspace has no numbers left for new segments.".to_owned()))
}

fn tell(tx: &mut Tx<'_>, id: SegmentId) {
    tx.touch("segments", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Segments);
}

fn refuse_circle(db: &Db<'_>, before: Option<&Segment>, name: &str, expr: &Expr) -> Result<()> {
    let mut all = BTreeMap::new();
    for segment in list(db)? {
        if before.is_some_and(|b| b.id == segment.id) {
            continue;
        }
        let other = parse(&segment.text)?;
        if let Some(before) = before
            && before.name != name
            && refers_to(&other, &before.name)
        {
            return Err(Error::Invalid(format!(
                "\"{}\" refers to \"{}\"; change that one first, then give this one a new name.",
                segment.name, before.name
            )));
        }
        all.insert(segment.name, other);
    }
    all.insert(name.to_owned(), expr.clone());
    match find_cycle(&all) {
        Some(circle) => Err(Error::Invalid(format!(
            "These segments would refer to each other in a circle: {}.",
            circle.join(" → ")
        ))),
        None => Ok(()),
    }
}

/// Removes a segment; its members leave in this commit.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] while another segment or a journey's condition refers to it.
pub fn remove(tx: &mut Tx<'_>, id: SegmentId) -> Result<()> {
    let segment = get(tx, id)?.ok_or_else(|| Error::missing("segment", id))?;
    for other in list(tx)?.into_iter().filter(|s| s.id != id) {
        if refers_to(&parse(&other.text)?, &segment.name) {
            return Err(Error::Invalid(format!(
                "\"{}\" is used by the segment \"{}\".",
                segment.name, other.name
            )));
        }
    }
    for watch in watches(tx)? {
        if refers_to(&watch.expr, &segment.name) {
            return Err(Error::Invalid(format!(
                "\"{}\" is used by a published journey.",
                segment.name
            )));
        }
    }
    tx.run(REMOVE, (id.0,))?;
    tx.change(Change::SegmentRemoved(id));
    tell(tx, id);
    Ok(())
}

/// Who asks for the history of the journey of this name: a segment, or a condition of a published journey.
pub(crate) fn reads_journey(db: &Db<'_>, name: &str) -> Result<Option<String>> {
    let reads = |expr: &Expr| {
        let mut found = false;
        each_clause(expr, &mut |clause| found |= named_journey(clause) == Some(name));
        found
    };
    for segment in list(db)? {
        if reads(&parse(&segment.text)?) {
            return Ok(Some(format!("The segment \"{}\"", segment.name)));
        }
    }
    let watched = watches(db)?.iter().any(|watch| reads(&watch.expr));
    Ok(watched.then(|| "A published journey".to_owned()))
}

/// Gives the movements of one kind into or out of a segment.
pub(crate) fn give_moved(
    db: &Db<'_>,
    movement: &Movement,
    give: &mut dyn FnMut(ContactId, Moment, i64),
) -> Result<()> {
    let entered = movement.kind == MovementKind::JoinedSegment;
    db.each(MOVED, (movement.of, entered), |row| {
        give(ContactId(row.get(0)?), moment(row.get(1)?)?, 0);
        Ok(())
    })
}

fn refers_to(expr: &Expr, name: &str) -> bool {
    let mut found = false;
    each_clause(expr, &mut |clause| {
        found |= named_segment(clause) == Some(name);
    });
    found
}

fn each_clause(expr: &Expr, f: &mut impl FnMut(&carillon_model::segment::Clause)) {
    match expr {
        Expr::Everyone => {}
        Expr::All(of) | Expr::Any(of) | Expr::None(of) | Expr::AtLeast { of, .. } => {
            for inner in of {
                each_clause(inner, f);
            }
        }
        Expr::Not(inner) => each_clause(inner, f),
        Expr::Clause(clause) => f(clause),
    }
}

/// A condition of a journey version, followed like a segment; edges name it by `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    pub id: SegmentId,
    pub version: VersionId,
    pub condition: ConditionIx,
    pub expr: Expr,
}

/// Begins to follow the conditions of a version. Whoever they hold for now enters in this commit.
///
/// # Errors
/// SQLite's; a version is watched once.
pub fn watch(tx: &mut Tx<'_>, version: VersionId, conditions: &[(usize, Expr)]) -> Result<Vec<SegmentId>> {
    let mut ids = Vec::with_capacity(conditions.len());
    for (i, expr) in conditions {
        let id = next_id(tx)?;
        tx.run(
            ADD_WATCH,
            (id.0, version.0, i64::try_from(*i).unwrap_or(0), print(expr)),
        )?;
        tx.change(Change::WatchAdded {
            id,
            expr: expr.clone(),
        });
        ids.push(id);
    }
    tx.touch("watches", i64::from(version.0), i64::from(version.0));
    Ok(ids)
}

/// Stops following the conditions of a version, when nobody is left in it.
///
/// # Errors
/// SQLite's.
pub fn unwatch(tx: &mut Tx<'_>, version: VersionId) -> Result<()> {
    let ids = tx.all(WATCHES_OF, (version.0,), |row| Ok(SegmentId(row.get(0)?)))?;
    tx.run(REMOVE_WATCHES, (version.0,))?;
    for id in ids {
        tx.change(Change::SegmentRemoved(id));
    }
    tx.touch("watches", i64::from(version.0), i64::from(version.0));
    Ok(())
}

/// All conditions that are followed.
///
/// # Errors
/// [`Error::Damaged`].
pub fn watches(db: &Db<'_>) -> Result<Vec<Watch>> {
    db.all(WATCHES, (), |row| {
        Ok(Watch {
            id: SegmentId(row.get(0)?),
            version: VersionId(row.get(1)?),
            condition: ConditionIx(row.get(2)?),
            expr: parse(&row.get::<_, String>(3)?)?,
        })
    })
}

/// Somebody came into or out of a segment or watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeRow {
    /// Position in the stream of edges.
    pub id: i64,
    pub seq: Seq,
    pub segment: SegmentId,
    pub contact: ContactId,
    pub entered: bool,
    /// The exact instant where time was the cause, else the commit's moment.
    pub at: Moment,
}

/// Edges after a position, in order: what the tick reads by its cursor.
///
/// # Errors
/// [`Error::Damaged`].
pub fn edges_after(db: &Db<'_>, position: i64, limit: u32) -> Result<Vec<EdgeRow>> {
    db.all(EDGES, (position, limit), |row| {
        Ok(EdgeRow {
            id: row.get(0)?,
            seq: Seq(row.get(1)?),
            segment: SegmentId(row.get(2)?),
            contact: ContactId(row.get(3)?),
            entered: row.get(4)?,
            at: moment(row.get(5)?)?,
        })
    })
}

/// Comings less goings by segment and day (UTC, since 1970-01-01), since a moment: the history of a count.
///
/// # Errors
/// SQLite's.
pub fn edges_by_day(db: &Db<'_>, since: Moment) -> Result<BTreeMap<(SegmentId, i64), i64>> {
    Ok(db
        .all(BY_DAY, (ms(since),), |row| {
            Ok(((SegmentId(row.get(0)?), row.get(1)?), row.get(2)?))
        })?
        .into_iter()
        .collect())
}

/// Edges looked through for one contact: about 20 ms.
const LOOKED_BACK: i64 = 250_000;

/// When a contact last came into each segment or watch, among the newest 250,000 comings and goings of the file.
///
/// # Errors
/// [`Error::Damaged`].
pub fn last_came(db: &Db<'_>, contact: ContactId) -> Result<BTreeMap<SegmentId, Moment>> {
    let after = last_edge(db)? - LOOKED_BACK;
    Ok(db
        .all(CAME, (after, contact.0), |row| {
            Ok((SegmentId(row.get(0)?), moment(row.get(1)?)?))
        })?
        .into_iter()
        .collect())
}

/// The position of the last edge: where a reader begins that only wants those to come.
///
/// # Errors
/// SQLite's.
pub fn last_edge(db: &Db<'_>) -> Result<i64> {
    Ok(db.value(LAST_EDGE, ())?.unwrap_or(0))
}
