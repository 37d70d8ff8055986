//! One write: rows, what they mean for membership, and whom they concern.

use crate::catalogue::Catalogue;
use crate::crash;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::{Change, Index, Staged};
use crate::rollups::Metric;
use crate::sql::sql;
use crate::time::{self, ms};
use crate::topics::{Topic, Topics};
use crate::{campaigns, contact_chunks, cuts, inputs, memberships, scores, waits};
use carillon_engine::index::Edge;
use carillon_engine::record::{Moved, Movement};
use carillon_model::{AccountId, ContactId, Moment, SegmentId, Seq, TemplateId};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::{Arc, RwLock};

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Tables whose identities are handed out here and never again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(crate) enum Mark { $($(#[$doc])* $name,)* }
        const MARKS: &[(&str, Mark)] = &[$(($word, Mark::$name),)*];
    };
}

marks! {
    Contacts = "contacts",
    Events = "events",
    /// Segments and watches share their numbers: edges name either.
    Segments = "segments",
    Edges = "segment_edges",
    Enrolments = "enrolments",
    Inputs = "inputs",
    Facts = "facts",
    Calls = "calls",
    Outbox = "outbox",
    Attempts = "attempts",
    Responses = "responses",
    Consents = "consents",
    ScoreLedger = "score_ledger",
    Seq = "seq",
    AsOf = "as_of",
}

/// The next identity of each table, the next `seq`, and the index's clock (milliseconds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks([i64; MARKS.len()]);

const LOAD_MARKS: &str = sql!("SELECT name, next FROM marks");
const SAVE_MARK: &str =
    sql!("INSERT INTO marks(name, next) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET next = excluded.next");

impl Marks {
    pub(crate) fn load(db: &Db<'_>) -> Result<Marks> {
        Marks::read(db.conn)
    }

    /// The marks of any workspace file.
    pub(crate) fn read(conn: &Connection) -> Result<Marks> {
        let mut marks = Marks([1; MARKS.len()]);
        marks.0[Mark::AsOf as usize] = 0;
        let mut statement = conn.prepare(LOAD_MARKS)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let (name, next): (String, i64) = (row.get(0)?, row.get(1)?);
            if let Some((_, mark)) = MARKS.iter().find(|(word, _)| *word == name) {
                marks.0[*mark as usize] = next;
            }
        }
        Ok(marks)
    }

    pub(crate) fn get(&self, mark: Mark) -> i64 {
        self.0[mark as usize]
    }

    pub(crate) fn set(&mut self, mark: Mark, value: i64) {
        self.0[mark as usize] = value;
    }

    /// Raises every mark to another's where that one is higher; the clock is no identity and stays.
    pub(crate) fn raise(&mut self, other: &Marks) {
        for (_, mark) in MARKS {
            if *mark != Mark::AsOf {
                self.set(*mark, self.get(*mark).max(other.get(*mark)));
            }
        }
    }

    fn save(&self, before: &Marks, db: &Db<'_>) -> Result<()> {
        for (word, mark) in MARKS {
            if self.get(*mark) != before.get(*mark) {
                db.run(SAVE_MARK, (word, self.get(*mark)))?;
            }
        }
        Ok(())
    }
}

/// Texts kept once and named by a number: sources, tags, event types.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    sources: HashMap<String, i64>,
    tags: HashMap<String, i64>,
    event_types: HashMap<String, i64>,
}

const FIND_SOURCE: &str = sql!("SELECT id FROM sources WHERE text = ?1");
const ADD_SOURCE: &str = sql!("INSERT INTO sources(text) VALUES(?1) RETURNING id");
const FIND_TAG: &str = sql!("SELECT id FROM tags WHERE name = ?1");
const ADD_TAG: &str = sql!("INSERT INTO tags(name) VALUES(?1) RETURNING id");
const FIND_TYPE: &str = sql!("SELECT id FROM event_types WHERE name = ?1");
const ADD_TYPE: &str = sql!("INSERT INTO event_types(name) VALUES(?1) RETURNING id");
const ADD_CHANGE: &str = sql!("INSERT INTO changes(seq, \"table\", first, last) VALUES(?1, ?2, ?3, ?4)");
const ADD_EDGE: &str =
    sql!("INSERT INTO segment_edges(id, seq, segment, contact, entered, at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
const ADD_GAUGE: &str = sql!(
    "INSERT INTO gauges(gauge, object, part, n) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(gauge, object, part) DO UPDATE SET n = n + excluded.n"
);
const ADD_ROLLUP: &str = sql!(
    "INSERT INTO rollups(metric, object, part, bucket, n) VALUES(?1, ?2, ?3, ?4, ?5)
     ON CONFLICT(metric, object, part, bucket) DO UPDATE SET n = n + excluded.n"
);

/// A list of changed rows longer than this is told as the one range around it.
const MOST_RANGES: usize = 32;

/// A write in progress, on the writer's thread. Reading functions take it as a [`Db`]; writing functions of
/// the table modules take it as it is and tell it what changed. Dropped without a commit, it leaves nothing.
pub struct Tx<'c> {
    pub(crate) db: Db<'c>,
    index: &'c RwLock<Index>,
    pub(crate) marks: Marks,
    pub(crate) names: Names,
    now: Moment,
    /// What a real clock says; a virtual one has no limit.
    limit: Option<Moment>,
    /// Contacts from this number on are added by this write.
    first_new: i64,
    changes: Vec<Change>,
    /// Edges that an earlier program did not write.
    lost: Vec<Edge>,
    topics: Topics,
    touched: BTreeMap<&'static str, Vec<(i64, i64)>>,
    gauges: BTreeMap<(&'static str, i64, i64), i64>,
    rollups: BTreeMap<(&'static str, i64, String, i64), i64>,
    /// Messages of campaigns by journey, domain and state.
    domains: BTreeMap<(i64, String, i64), i64>,
    /// Sender's domain and template's subject, read once a write.
    letterheads: BTreeMap<(AccountId, TemplateId), (String, String)>,
    /// Whether pairs of duplicates wait, once that was asked.
    pub(crate) open_pairs: Option<bool>,
}

impl<'c> Deref for Tx<'c> {
    type Target = Db<'c>;
    fn deref(&self) -> &Db<'c> {
        &self.db
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(
        db: Db<'c>,
        index: &'c RwLock<Index>,
        marks: Marks,
        names: Names,
        now: Moment,
        limit: Option<Moment>,
    ) -> Tx<'c> {
        Tx {
            db,
            index,
            first_new: marks.get(Mark::Contacts),
            marks,
            names,
            now,
            limit,
            changes: Vec::new(),
            lost: Vec::new(),
            topics: Topics::default(),
            touched: BTreeMap::new(),
            gauges: BTreeMap::new(),
            rollups: BTreeMap::new(),
            domains: BTreeMap::new(),
            letterheads: BTreeMap::new(),
            open_pairs: None,
        }
    }

    /// The moment of this write: the index's clock once it is committed. It never goes back.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The `seq` this write will have if it is committed.
    pub fn seq(&self) -> Seq {
        Seq(self.marks.get(Mark::Seq))
    }

    /// Reads the index as the last commit left it: what this write changed is not in it yet.
    pub fn with_index<T>(&self, f: impl FnOnce(&Index) -> T) -> T {
        f(&self
            .index
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// From now on commits say what they do to a membership.
    pub(crate) fn keeps(&self, segment: SegmentId, after: Seq) {
        self.index
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .keeps(segment, after);
    }

    /// Moves this write's moment, and with it the index's clock, forward; an earlier moment changes nothing,
    /// and a real clock goes no further than the machine's.
    pub(crate) fn advance(&mut self, to: Moment) {
        let to = self.limit.map_or(to, |limit| to.min(limit));
        self.now = self.now.max(time::whole(to));
        self.topics.insert(Topic::Clock);
    }

    /// Hands out `n` identities, from the number returned.
    pub(crate) fn take(&mut self, mark: Mark, n: usize) -> i64 {
        let first = self.marks.get(mark);
        self.marks.set(mark, first + i64::try_from(n).unwrap_or(0));
        first
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// About so many more changes are to come.
    pub(crate) fn expect(&mut self, changes: usize) {
        self.changes.reserve(changes);
    }

    /// Whether this write adds the contact.
    pub(crate) fn adds(&self, contact: ContactId) -> bool {
        (self.first_new..self.marks.get(Mark::Contacts)).contains(&i64::from(contact.0))
    }

    /// Has edges written that the index knows already and the file does not.
    pub(crate) fn lost_edges(&mut self, edges: impl IntoIterator<Item = Edge>) {
        let first = self.lost.len();
        self.lost.extend(edges);
        for edge in &self.lost[first..] {
            self.changes.push(Change::Moved {
                contact: edge.contact,
                moved: Moved {
                    movement: Movement::of_segment(edge.segment, edge.entered),
                    at: edge.at,
                    number: 0,
                },
                on: true,
            });
        }
    }

    pub(crate) fn topic(&mut self, topic: Topic) {
        self.topics.insert(topic);
    }

    /// Tells that rows of a table changed.
    pub(crate) fn touch(&mut self, table: &'static str, first: i64, last: i64) {
        let ranges = self.touched.entry(table).or_default();
        match ranges.last_mut() {
            Some(range) if first >= range.0 && first <= range.1 + 1 => range.1 = range.1.max(last),
            _ => ranges.push((first, last)),
        }
    }

    /// Adds to how many stand somewhere now.
    pub(crate) fn gauge(&mut self, gauge: &'static str, object: i64, part: i64, by: i64) {
        *self.gauges.entry((gauge, object, part)).or_default() += by;
    }

    /// Adds to how many messages of a campaign to a domain stand in a state.
    pub(crate) fn domain(&mut self, journey: i64, domain: &str, state: i64, by: i64) {
        *self
            .domains
            .entry((journey, domain.to_owned(), state))
            .or_default() += by;
    }

    /// Adds to a figure, in its bucket of the workspace's wall clock.
    pub(crate) fn roll(&mut self, metric: Metric, object: i64, part: &str, at: Moment, by: i64) {
        let bucket = metric.bucket(at, self.db.catalogue.zone());
        *self
            .rollups
            .entry((metric.word(), object, part.to_owned(), bucket))
            .or_default() += by;
        self.topics.insert(Topic::Reports);
    }

    pub(crate) fn source(&mut self, text: &str) -> Result<i64> {
        intern(&self.db, &mut self.names.sources, text, FIND_SOURCE, ADD_SOURCE)
    }

    pub(crate) fn tag(&mut self, name: &str) -> Result<i64> {
        intern(&self.db, &mut self.names.tags, name, FIND_TAG, ADD_TAG)
    }

    pub(crate) fn event_type(&mut self, name: &str) -> Result<i64> {
        intern(&self.db, &mut self.names.event_types, name, FIND_TYPE, ADD_TYPE)
    }

    /// The sender's domain and the template's subject. What this write changes of either first counts in the next.
    pub(crate) fn letterhead(
        &mut self,
        account: AccountId,
        template: TemplateId,
    ) -> Result<(String, String)> {
        if let Some(known) = self.letterheads.get(&(account, template)) {
            return Ok(known.clone());
        }
        let read = crate::outbox::letterhead(&self.db, account, template)?;
        self.letterheads.insert((account, template), read.clone());
        Ok(read)
    }

    /// Reads the catalogue again after fields, the workspace or the keys of suppressions changed.
    pub(crate) fn recatalogue(&mut self) -> Result<()> {
        self.db.catalogue = Arc::new(Catalogue::load(self.db.conn)?);
        Ok(())
    }

    /// Writes what belongs to the commit as a whole. `None`: nothing was written, nothing is to be committed.
    pub(crate) fn seal(mut self, before: &Marks) -> Result<Option<Sealed>> {
        let as_of = time::moment(before.get(Mark::AsOf))?;
        if self.changes.is_empty()
            && self.topics.is_empty()
            && self.touched.is_empty()
            && &self.marks == before
        {
            return Ok(None);
        }
        for ((gauge, object, part), by) in std::mem::take(&mut self.gauges) {
            if by != 0 {
                self.db.run(ADD_GAUGE, (gauge, object, part, by))?;
            }
        }
        for ((metric, object, part, bucket), by) in std::mem::take(&mut self.rollups) {
            self.db.run(ADD_ROLLUP, (metric, object, part, bucket, by))?;
        }
        let domains = std::mem::take(&mut self.domains);
        campaigns::flush(&mut self, domains)?;
        crash::point("rows_written");
        let now = self.now.max(as_of);
        let staged = self.stage(now)?;
        scores::write(&mut self, &staged)?;
        cuts::write(&mut self, &staged)?;
        let moved = waits::moved(&self.db, staged.changes(), now)?;
        inputs::push(&mut self, &moved)?;
        crash::point("edges_written");
        contact_chunks::forget(&self.db, staged.changes(), before.get(Mark::Contacts))?;
        let verdict_bytes = memberships::note(&self.db, &staged, self.marks.get(Mark::Seq))?;
        self.write_changes()?;
        let seq = Seq(self.take(Mark::Seq, 1));
        self.marks.set(Mark::AsOf, ms(now));
        self.marks.save(before, &self.db)?;
        crash::point("before_commit");
        Ok(Some(Sealed {
            staged,
            verdict_bytes,
            seq,
            now,
            topics: self.topics,
            marks: self.marks,
            names: self.names,
            catalogue: self.db.catalogue,
        }))
    }

    /// Asks the fold what the changes mean, and writes the edges among it.
    fn stage(&mut self, now: Moment) -> Result<Staged> {
        let mut changes = std::mem::take(&mut self.changes);
        crate::contacts::changed::follow(self, &mut changes)?;
        let staged = self.with_index(|index| index.stage(changes, now));
        let mut edges = std::mem::take(&mut self.lost);
        edges.extend_from_slice(&staged.edges);
        let first = self.take(Mark::Edges, edges.len());
        let seq = self.marks.get(Mark::Seq);
        let mut rolled: BTreeMap<(&str, i64, String, i64), i64> = BTreeMap::new();
        for (id, edge) in (first..).zip(&edges) {
            self.db.run(
                ADD_EDGE,
                (id, seq, edge.segment.0, edge.contact.0, edge.entered, ms(edge.at)),
            )?;
        }
        for edge in &edges {
            // Days of UTC: the history of a count is drawn, not reported.
            let key = (
                "edges",
                i64::from(edge.segment.0),
                String::new(),
                ms(edge.at).div_euclid(86_400_000),
            );
            *rolled.entry(key).or_default() += if edge.entered { 1 } else { -1 };
        }
        for ((metric, object, part, bucket), by) in rolled {
            self.db.run(ADD_ROLLUP, (metric, object, part, bucket, by))?;
        }
        if !edges.is_empty() {
            self.topics.insert(Topic::Membership);
            self.touched
                .insert("segment_edges", vec![(first, self.marks.get(Mark::Edges) - 1)]);
        }
        Ok(staged)
    }

    fn write_changes(&mut self) -> Result<()> {
        let seq = self.marks.get(Mark::Seq);
        for (table, mut ranges) in std::mem::take(&mut self.touched) {
            ranges.sort_unstable();
            let mut merged: Vec<(i64, i64)> = Vec::with_capacity(ranges.len().min(MOST_RANGES));
            for (first, last) in ranges {
                match merged.last_mut() {
                    Some(range) if first <= range.1 + 1 => range.1 = range.1.max(last),
                    _ => merged.push((first, last)),
                }
            }
            if merged.len() > MOST_RANGES
                && let (Some(low), Some(high)) = (merged.first(), merged.last())
            {
                merged = vec![(low.0, high.1)];
            }
            for (first, last) in merged {
                self.db.run(ADD_CHANGE, (seq, table, first, last))?;
            }
        }
        Ok(())
    }
}

fn intern(db: &Db<'_>, known: &mut HashMap<String, i64>, text: &str, find: &str, add: &str) -> Result<i64> {
    if let Some(id) = known.get(text) {
        return Ok(*id);
    }
    let id = match db.value(find, (text,))? {
        Some(id) => id,
        None => db
            .value(add, (text,))?
            .ok_or_else(|| Error::damaged("names", "a new text got no number"))?,
    };
    known.insert(text.to_owned(), id);
    Ok(id)
}

/// A write that stands in the file but for its COMMIT.
pub(crate) struct Sealed {
    pub(crate) staged: Staged,
    pub(crate) verdict_bytes: i64,
    pub(crate) seq: Seq,
    pub(crate) now: Moment,
    pub(crate) topics: Topics,
    pub(crate) marks: Marks,
    pub(crate) names: Names,
    pub(crate) catalogue: Arc<Catalogue>,
}
