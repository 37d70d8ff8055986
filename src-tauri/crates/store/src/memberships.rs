//! What the file keeps of memberships, so that an opening reads them instead of asking everybody.
//!
//! Of each followed expression there is whom it meant after some commit, and of each commit since what it did to that. An
//! opening believes it only where this program wrote it, the same is meant today, no byte is damaged and no commit is
//! missing; anything else is worked out anew from the rows. What somebody else writes to the rows is found while the file
//! rests ([`crate::writer`]). A file of less than a full part of contacts is always read row by row, and believes nothing.
//!
//! A membership that comes out otherwise than it was left, though no edge says so, has lost an edge: a newer program reads
//! the same rows differently, or somebody else wrote to the file. The difference becomes edges of this opening, and is
//! reported. Nobody is then in a segment without ever having entered it.

use crate::contact_chunks;
use crate::db::Db;
use crate::error::Result;
use crate::segments;
use crate::sql::sql;
use crate::topics::Topic;
use crate::tx::{Mark, Marks, Tx};
use carillon_engine::index::{Edge, Index, Loading, MembershipChunk, Staged, VerdictChunk};
use carillon_model::{ContactId, SegmentId, Seq};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const ALL: &str = sql!("SELECT segment, seq, edge, program FROM memberships ORDER BY segment");
const CHUNK: &str = sql!("SELECT bytes FROM membership_chunks WHERE segment = ?1");
const VERDICTS: &str =
    sql!("SELECT seq, bytes FROM membership_verdicts WHERE seq > ?1 AND seq <= ?2 ORDER BY seq DESC");
const VERDICT_BYTES: &str = sql!("SELECT ifnull(sum(length(bytes)), 0) FROM membership_verdicts");
const KEEP: &str =
    sql!("INSERT OR REPLACE INTO memberships(segment, seq, edge, program) VALUES(?1, ?2, ?3, ?4)");
const KEEP_CHUNK: &str = sql!("INSERT OR REPLACE INTO membership_chunks(segment, bytes) VALUES(?1, ?2)");
const KEEP_VERDICTS: &str = sql!("INSERT OR REPLACE INTO membership_verdicts(seq, bytes) VALUES(?1, ?2)");
const DISBELIEVE: &str = sql!("UPDATE memberships SET program = '' WHERE segment = ?1");
const DISBELIEVE_ALL: &str = sql!("UPDATE memberships SET program = '' WHERE program <> ''");
const FORGET: &str = sql!("DELETE FROM memberships WHERE segment = ?1");
const FORGET_CHUNK: &str = sql!("DELETE FROM membership_chunks WHERE segment = ?1");
const FORGET_VERDICTS: &str = sql!("DELETE FROM membership_verdicts WHERE seq <= ?1");

/// The program by the sources that decide what rows mean.
const PROGRAM: &str = env!("CARILLON_SOURCES");
/// Of a membership that nobody believes.
const NOBODY: &str = "";
/// Edges read at once.
const BATCH: u32 = 10_000;
/// With more bytes of verdicts than that, memberships are kept anew when there is time for it.
const MANY_BYTES: i64 = 512 << 10;
/// And with more than that also when there is none.
pub(crate) const MOST_BYTES: i64 = 8 << 20;

/// Edges of one segment or watch that were missing when the file was opened, and are there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEdges {
    pub segment: SegmentId,
    pub entered: u64,
    pub left: u64,
}

struct Row {
    segment: SegmentId,
    /// Numbers of the commit and of the first later edge.
    seq: i64,
    edge: i64,
    program: String,
}

fn all(db: &Db<'_>) -> Result<Vec<Row>> {
    db.all(ALL, (), |row| {
        Ok(Row {
            segment: SegmentId(row.get(0)?),
            seq: row.get(1)?,
            edge: row.get(2)?,
            program: row.get(3)?,
        })
    })
}

fn chunk(db: &Db<'_>, segment: SegmentId) -> Result<Option<MembershipChunk>> {
    let bytes: Option<Vec<u8>> = db.value(CHUNK, (segment.0,))?;
    Ok(bytes.and_then(MembershipChunk::read))
}

/// Whether memberships of such a file are believed.
pub(crate) fn are_kept(marks: &Marks) -> bool {
    contact_chunks::full(marks) > 0
}

/// What an index is told of memberships when it is opened: those that can be believed, and what commits did to them since.
///
/// # Errors
/// SQLite's.
pub(crate) fn loading(db: &Db<'_>, marks: &Marks) -> Result<Vec<Loading>> {
    let last = marks.get(Mark::Seq) - 1;
    let mut rows = match are_kept(marks) {
        true => all(db)?,
        false => Vec::new(),
    };
    rows.retain(|row| row.program == PROGRAM && row.seq <= last);
    let Some(oldest) = rows.iter().map(|row| row.seq).min() else {
        return Ok(Vec::new());
    };
    // Of the commits after this one all is there.
    let mut complete = last;
    let mut verdicts = Vec::new();
    for (seq, bytes) in db.all(VERDICTS, (oldest, last), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })? {
        let Some(chunk) = VerdictChunk::read(bytes).filter(|_| seq == complete) else {
            break;
        };
        verdicts.push(Loading::Verdicts { seq: Seq(seq), chunk });
        complete -= 1;
    }
    let mut found = Vec::new();
    for row in rows.into_iter().filter(|row| row.seq >= complete) {
        if let Some(chunk) = chunk(db, row.segment)? {
            found.push(Loading::Membership {
                segment: row.segment,
                seq: Seq(row.seq),
                chunk,
            });
        }
    }
    found.extend(verdicts.into_iter().rev());
    Ok(found)
}

/// Has nobody believe again what this opening did not believe; before its first commit, which says nothing of those.
///
/// # Errors
/// SQLite's.
pub(crate) fn settle(tx: &Tx<'_>) -> Result<()> {
    let believed: BTreeSet<SegmentId> = tx.with_index(|index| index.kept().keys().copied().collect());
    for row in all(tx)? {
        if row.program != NOBODY && !believed.contains(&row.segment) {
            tx.run(DISBELIEVE, (row.segment.0,))?;
        }
    }
    Ok(())
}

/// Has nobody believe what is kept; before an index is worked out anew, which knows nothing of it.
///
/// # Errors
/// SQLite's.
pub(crate) fn disbelieve(db: &Db<'_>) -> Result<()> {
    db.run(DISBELIEVE_ALL, ())?;
    Ok(())
}

/// Writes what a commit does to memberships, as a part of it. The bytes.
///
/// # Errors
/// SQLite's.
pub(crate) fn note(db: &Db<'_>, staged: &Staged, seq: i64) -> Result<i64> {
    for segment in staged.dropped() {
        db.run(DISBELIEVE, (segment.0,))?;
    }
    if !staged.continues() {
        return Ok(0);
    }
    let chunk = staged.verdicts();
    db.run(KEEP_VERDICTS, (seq, chunk.bytes()))?;
    Ok(i64::try_from(chunk.bytes().len()).unwrap_or(i64::MAX))
}

/// Bytes of what commits did.
///
/// # Errors
/// SQLite's.
pub(crate) fn verdict_bytes(db: &Db<'_>) -> Result<i64> {
    Ok(db.value(VERDICT_BYTES, ())?.unwrap_or(0))
}

/// Whether there is anything to keep when there is time for it.
pub(crate) fn wait(index: &Index, bytes: i64) -> bool {
    let wants = |id: SegmentId| index.kept().get(&id).is_none_or(|keeping| keeping.gone);
    bytes > MANY_BYTES || index.followed_numbers().any(wants)
}

/// Keeps memberships as of the last commit for about so long, those first that are not kept at all. Whether all is done.
///
/// # Errors
/// SQLite's.
pub(crate) fn keep_for(tx: &mut Tx<'_>, time: Duration) -> Result<bool> {
    let start = Instant::now();
    let anew = verdict_bytes(tx)? > MANY_BYTES;
    while let Some(next) = next(tx, anew) {
        keep(tx, next)?;
        if start.elapsed() >= time {
            return Ok(false);
        }
    }
    forget_gone(tx)?;
    Ok(true)
}

/// Lets the file go: keeps what is not kept.
///
/// # Errors
/// SQLite's.
pub(crate) fn close(tx: &mut Tx<'_>) -> Result<()> {
    if are_kept(&tx.marks) {
        return keep_for(tx, Duration::MAX).map(|_| ());
    }
    // Not to be believed, but to find what is lost.
    let last = tx.seq().0 - 1;
    let there: BTreeMap<SegmentId, i64> = all(tx)?.into_iter().map(|row| (row.segment, row.seq)).collect();
    let followed: Vec<SegmentId> = tx.with_index(|index| index.followed_numbers().collect());
    for segment in followed {
        if there.get(&segment) != Some(&last) {
            write(tx, segment, NOBODY)?;
        }
    }
    forget_gone(tx)
}

/// What is to be kept next.
enum Next {
    Whole(SegmentId),
    /// Nothing was done to it since it was kept.
    Same(SegmentId),
}

fn next(tx: &Tx<'_>, anew: bool) -> Option<Next> {
    let last = tx.seq().0 - 1;
    tx.with_index(|index| {
        let kept = index.kept();
        let missing = index.followed_numbers().find(|id| !kept.contains_key(id));
        let oldest = || {
            let old = kept
                .iter()
                .filter(|(_, keeping)| keeping.gone || (anew && keeping.seq.0 < last));
            let oldest = old.min_by_key(|(_, keeping)| keeping.seq);
            oldest.map(|(id, keeping)| match keeping.changed {
                true => Next::Whole(*id),
                false => Next::Same(*id),
            })
        };
        missing.map(Next::Whole).or_else(oldest)
    })
}

fn keep(tx: &mut Tx<'_>, next: Next) -> Result<()> {
    let last = tx.seq().0 - 1;
    let (Next::Whole(segment) | Next::Same(segment)) = next;
    tx.keeps(segment, Seq(last));
    match next {
        Next::Whole(_) => write(tx, segment, PROGRAM)?,
        Next::Same(_) => drop(tx.run(KEEP, (segment.0, last, tx.marks.get(Mark::Edges), PROGRAM))?),
    }
    let oldest = tx.with_index(|index| index.kept().values().map(|keeping| keeping.seq.0).min());
    tx.run(FORGET_VERDICTS, (oldest.unwrap_or(last),))?;
    Ok(())
}

fn write(tx: &Tx<'_>, segment: SegmentId, program: &str) -> Result<()> {
    let Some(chunk) = tx.with_index(|index| index.membership(segment)) else {
        return Ok(());
    };
    let (last, edge) = (tx.seq().0 - 1, tx.marks.get(Mark::Edges));
    tx.run(KEEP_CHUNK, (segment.0, chunk.bytes()))?;
    tx.run(KEEP, (segment.0, last, edge, program))?;
    Ok(())
}

/// Forgets the memberships of what nobody follows any more.
fn forget_gone(tx: &Tx<'_>) -> Result<()> {
    let followed: BTreeSet<SegmentId> = tx.with_index(|index| index.followed_numbers().collect());
    for row in all(tx)?
        .into_iter()
        .filter(|row| !followed.contains(&row.segment))
    {
        tx.run(FORGET, (row.segment.0,))?;
        tx.run(FORGET_CHUNK, (row.segment.0,))?;
    }
    Ok(())
}

/// Compares the memberships that were worked out anew with what was kept of them and the edges since, and has the edges
/// written that are missing. One entry for each segment or watch that had lost some.
///
/// # Errors
/// SQLite's, and rows that cannot be read.
pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<LostEdges>> {
    let was = as_it_was(tx)?;
    Ok(was
        .into_iter()
        .filter_map(|(segment, was)| compare(tx, segment, &was))
        .collect())
}

/// Members of what is followed and was worked out anew: as they were kept, and by the edges since.
fn as_it_was(tx: &Tx<'_>) -> Result<BTreeMap<SegmentId, RoaringBitmap>> {
    let anew: BTreeSet<SegmentId> = tx.with_index(|index| {
        let anew = index
            .followed_numbers()
            .filter(|id| !index.kept().contains_key(id));
        anew.collect()
    });
    let (mut all_of_them, mut since) = (BTreeMap::new(), BTreeMap::new());
    for row in all(tx)?.into_iter().filter(|row| anew.contains(&row.segment)) {
        if let Some(members) = chunk(tx, row.segment)?.and_then(|chunk| chunk.members()) {
            all_of_them.insert(row.segment, members);
            since.insert(row.segment, row.edge);
        }
    }
    let Some(first) = since.values().min() else {
        return Ok(all_of_them);
    };
    let mut position = first - 1;
    loop {
        let edges = segments::edges_after(tx, position, BATCH)?;
        let Some(last) = edges.last() else { break };
        position = last.id;
        for edge in edges {
            if let Some(members) = all_of_them.get_mut(&edge.segment)
                && since.get(&edge.segment).is_some_and(|since| *since <= edge.id)
            {
                match edge.entered {
                    true => members.insert(edge.contact.0),
                    false => members.remove(edge.contact.0),
                };
            }
        }
    }
    let there = tx.with_index(|index| index.contacts().clone());
    all_of_them.values_mut().for_each(|members| *members &= &there);
    Ok(all_of_them)
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
