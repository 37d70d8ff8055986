//! Where rows meet the pure fold of `engine::index`: the index opened from the rows of the file.

use crate::db::Db;
use crate::error::{Error, Result};
use crate::shelf::Shelf;
use crate::sql::sql;
use crate::tx::Marks;
use crate::{contact_chunks, cuts, event_chunks, journeys, memberships};
use carillon_engine::index::Loading;
use carillon_engine::segment;
use carillon_model::segment::Expr;
use carillon_model::{JourneyId, Moment, SegmentId};
use std::sync::Arc;

pub use carillon_engine::index::{Change, Index, Staged};

const SEGMENTS: &str = sql!("SELECT id, name, text FROM segments ORDER BY id");
const WATCHES: &str = sql!("SELECT id, text FROM watches ORDER BY id");
const JOURNEYS: &str = sql!("SELECT id, name FROM journeys ORDER BY id");
/// Bytes that fields and events in memory may take; what was not asked for longest makes room. A million contacts with ten
/// million events take 340 MB when all of it was asked for.
pub(crate) const INDEX_BYTES: usize = 512 << 20;

/// An expression kept as its canonical text.
pub(crate) fn parse(text: &str) -> Result<Expr> {
    segment::parse(text).map_err(|e| Error::damaged("segments", e))
}

/// The index of the rows as they stand, at `as_of`. What it does not hold it reads from the shelf.
pub(crate) fn build(db: &Db<'_>, marks: &Marks, as_of: Moment, shelf: &Arc<Shelf>) -> Result<Index> {
    of_rows(db, marks, as_of, shelf, Vec::new())
}

/// As [`build`], with the memberships that the file keeps, as far as they are believed.
pub(crate) fn open(db: &Db<'_>, marks: &Marks, as_of: Moment, shelf: &Arc<Shelf>) -> Result<Index> {
    of_rows(db, marks, as_of, shelf, memberships::loading(db, marks)?)
}

fn of_rows(
    db: &Db<'_>,
    marks: &Marks,
    as_of: Moment,
    shelf: &Arc<Shelf>,
    kept: Vec<Loading>,
) -> Result<Index> {
    let mut rows: Vec<Loading> = definitions(db)?.into_iter().map(Loading::from).collect();
    rows.extend(contact_chunks::loading(db, marks)?);
    rows.extend(event_chunks::loading(db, marks)?);
    rows.extend(kept);
    let failures = shelf.failures();
    let mut index = Index::open_from(Some(shelf.clone()), db.catalogue.zone, as_of, rows);
    // What the definitions read may have failed; an index that knows nothing of it would say that all have left.
    shelf.check(failures)?;
    index.set_limit(INDEX_BYTES);
    Ok(index)
}

fn definitions(db: &Db<'_>) -> Result<Vec<Change>> {
    let mut cuts = cuts::all(db)?;
    let mut followed = |id: SegmentId, text: &str| -> Result<Expr> {
        let cuts = cuts.remove(&id).unwrap_or_default();
        Ok(segment::with_cuts(&parse(text)?, &cuts))
    };
    let mut found = db.all(SEGMENTS, (), |row| {
        let id = SegmentId(row.get(0)?);
        Ok(Change::SegmentSaved {
            id,
            name: row.get(1)?,
            expr: followed(id, &row.get::<_, String>(2)?)?,
        })
    })?;
    found.extend(db.all(WATCHES, (), |row| {
        let id = SegmentId(row.get(0)?);
        Ok(Change::WatchAdded {
            id,
            expr: followed(id, &row.get::<_, String>(1)?)?,
        })
    })?);
    let mut steps = journeys::steps(db)?;
    let named = db.all(JOURNEYS, (), |row| Ok((JourneyId(row.get(0)?), row.get(1)?)))?;
    for (id, name) in named {
        let drawn = steps.remove(&name).unwrap_or_default();
        found.push(Change::JourneyNamed { id, name });
        found.push(Change::StepsDrawn {
            journey: id,
            steps: drawn.into_keys().collect(),
        });
    }
    found.extend(crate::scores::definitions(db)?);
    Ok(found)
}
