//! Who each clause held for when the file was last let go, and what that says at the next opening.
//!
//! Opening rebuilds the index from rows, so nothing kept here is trusted. But a membership that comes out otherwise
//! than the last program left it, though no edge says so, has lost an edge: a newer program reads the same rows
//! differently, or somebody else wrote to the file. What a segment was is worked out from the states of its clauses
//! and the edges since; the difference to what it is now becomes edges of this opening, and is reported. Nobody is
//! then in a segment without ever having entered it.

use crate::changes;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::parse;
use crate::segments::{self, each_clause};
use crate::settings;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use carillon_engine::index::Edge;
use carillon_engine::segment::print;
use carillon_model::segment::Expr;
use carillon_model::{ContactId, SegmentId, Seq};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};

const CLAUSES: &str = sql!(
    "SELECT c.id, c.text, s.bits FROM clauses c LEFT JOIN clause_state s ON s.clause = c.id ORDER BY c.id"
);
const SET: &str = sql!(
    "INSERT INTO clause_state(clause, seq, at, n, bits) VALUES(?1, ?2, ?3, ?4, ?5)
     ON CONFLICT(clause) DO UPDATE SET seq = excluded.seq, at = excluded.at, n = excluded.n, bits = excluded.bits
     WHERE bits IS NOT excluded.bits"
);

/// No commit of the file's order: nobody follows the states.
const SET_CURSOR: &str = sql!(
    "INSERT INTO cursors(name, position) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET position = excluded.position"
);

/// The commit the states belong to.
const SEQ: &str = "clause_states_seq";
/// Edges from this number on came later.
const EDGE: &str = "clause_states_edge";
/// Contacts from this number on came later.
const CONTACTS: &str = "clause_states_contacts";
/// Segments and watches from this number on came later.
const SEGMENTS: &str = "clause_states_segments";
/// Edges read at once.
const BATCH: u32 = 10_000;

/// Edges of one segment or watch that were missing when the file was opened, and are there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEdges {
    pub segment: SegmentId,
    pub entered: u64,
    pub left: u64,
}

/// Keeps who each clause holds for, as of the last commit. Nothing is written where nothing was committed since.
pub(crate) fn keep(tx: &Tx<'_>) -> Result<()> {
    let all = clauses(tx)?;
    let last = tx.seq().0 - 1;
    let fresh = settings::cursor(tx, SEQ)? == last && all.iter().all(|clause| clause.bits.is_some());
    if all.is_empty() || fresh {
        return Ok(());
    }
    for clause in all {
        let expr = parse(&clause.text)?;
        let (at, members) = tx.with_index(|index| (index.as_of(), index.members(&expr, index.as_of())));
        let mut bits = Vec::with_capacity(members.serialized_size());
        members
            .serialize_into(&mut bits)
            .map_err(|e| Error::Invalid(format!("The state of a clause cannot be kept: {e}.")))?;
        let n = i64::try_from(members.len()).unwrap_or(i64::MAX);
        tx.run(SET, (clause.id, last, ms(at), n, bits))?;
    }
    let (edges, contacts, segments) = (Mark::Edges, Mark::Contacts, Mark::Segments);
    for (name, mark) in [(EDGE, edges), (CONTACTS, contacts), (SEGMENTS, segments)] {
        tx.run(SET_CURSOR, (name, tx.marks.get(mark)))?;
    }
    tx.run(SET_CURSOR, (SEQ, last))?;
    Ok(())
}

/// Compares the memberships of the rebuilt index with what the states and the edges since say, and has the edges
/// written that are missing. One entry for each segment or watch that had lost some.
pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<LostEdges>> {
    let base = settings::cursor(tx, SEQ)?;
    let all = clauses(tx)?;
    let missing = all.iter().any(|clause| clause.bits.is_none());
    let mut lost = Vec::new();
    if base > 0 {
        let states = all
            .into_iter()
            .filter_map(|clause| Some((clause.text, clause.bits?)))
            .collect();
        for (segment, was) in as_it_was(tx, Seq(base), &states)? {
            lost.extend(compare(tx, segment, &was));
        }
    }
    if missing || !lost.is_empty() {
        keep(tx)?;
    }
    Ok(lost)
}

struct Clause {
    id: i64,
    text: String,
    bits: Option<RoaringBitmap>,
}

fn clauses(db: &Db<'_>) -> Result<Vec<Clause>> {
    db.all(CLAUSES, (), |row| {
        let bits: Option<Vec<u8>> = row.get(2)?;
        Ok(Clause {
            id: row.get(0)?,
            text: row.get(1)?,
            // What cannot be read is no state; the next one is kept in its place.
            bits: bits.and_then(|bits| RoaringBitmap::deserialize_from(&bits[..]).ok()),
        })
    })
}

/// Members of what was followed then and is the same now: by the states of its clauses, and the edges since.
fn as_it_was(
    tx: &Tx<'_>,
    base: Seq,
    states: &HashMap<String, RoaringBitmap>,
) -> Result<BTreeMap<SegmentId, RoaringBitmap>> {
    let first_new = u32::try_from(settings::cursor(tx, CONTACTS)?).unwrap_or(u32::MAX);
    let there = tx.with_index(|index| index.contacts().clone());
    let mut old = there.clone();
    old.remove_range(first_new..);
    let rewritten = changes::ranges(tx, "segments", base)?;
    let mut all = BTreeMap::new();
    for (id, expr) in followed(tx)? {
        let number = i64::from(id.0);
        let same = number < settings::cursor(tx, SEGMENTS)?
            && !rewritten
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number));
        if same && let Some(members) = members(&expr, &old, states) {
            all.insert(id, members);
        }
    }
    let mut position = settings::cursor(tx, EDGE)? - 1;
    loop {
        let edges = segments::edges_after(tx, position, BATCH)?;
        let Some(last) = edges.last() else { break };
        position = last.id;
        for edge in edges {
            if let Some(members) = all.get_mut(&edge.segment) {
                match edge.entered {
                    true => members.insert(edge.contact.0),
                    false => members.remove(edge.contact.0),
                };
            }
        }
    }
    for members in all.values_mut() {
        *members &= &there;
    }
    Ok(all)
}

fn followed(db: &Db<'_>) -> Result<Vec<(SegmentId, Expr)>> {
    let mut all = Vec::new();
    for segment in segments::list(db)? {
        all.push((segment.id, parse(&segment.text)?));
    }
    all.extend(
        segments::watches(db)?
            .into_iter()
            .map(|watch| (watch.id, watch.expr)),
    );
    Ok(all)
}

/// Whom an expression means among `everyone`, by the states of its clauses; `None` where one has none.
fn members(
    expr: &Expr,
    everyone: &RoaringBitmap,
    states: &HashMap<String, RoaringBitmap>,
) -> Option<RoaringBitmap> {
    let each = |of: &[Expr]| -> Option<Vec<RoaringBitmap>> {
        of.iter().map(|inner| members(inner, everyone, states)).collect()
    };
    let union = |all: Vec<RoaringBitmap>| all.into_iter().fold(RoaringBitmap::new(), |a, b| a | b);
    Some(match expr {
        Expr::Everyone => everyone.clone(),
        Expr::All(of) => each(of)?.into_iter().fold(everyone.clone(), |a, b| a & b),
        Expr::Any(of) => union(each(of)?),
        Expr::None(of) => everyone - union(each(of)?),
        Expr::AtLeast { k, of } => {
            let all = each(of)?;
            let enough = |id: &u32| all.iter().filter(|one| one.contains(*id)).count() >= *k as usize;
            everyone.iter().filter(enough).collect()
        }
        Expr::Not(inner) => everyone - members(inner, everyone, states)?,
        Expr::Clause(_) => states.get(&print(expr))? & everyone,
    })
}

fn compare(tx: &mut Tx<'_>, segment: SegmentId, was: &RoaringBitmap) -> Option<LostEdges> {
    let is = tx.with_index(|index| index.members_of(segment).cloned())?;
    let (entered, left) = (&is - was, was - &is);
    if entered.is_empty() && left.is_empty() {
        return None;
    }
    let at = tx.now();
    let edge = |entered: bool| {
        move |id: u32| Edge {
            segment,
            contact: ContactId(id),
            entered,
            at,
        }
    };
    tx.lost_edges(entered.iter().map(edge(true)).chain(left.iter().map(edge(false))));
    tx.topic(Topic::Membership);
    Some(LostEdges {
        segment,
        entered: entered.len(),
        left: left.len(),
    })
}

/// The clauses of an expression, in canonical text.
pub(crate) fn texts(expr: &Expr) -> Vec<String> {
    let mut texts = Vec::new();
    each_clause(expr, &mut |clause| {
        texts.push(print(&Expr::Clause(clause.clone())))
    });
    texts
}
