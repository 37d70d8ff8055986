//! The in-memory index: the pure fold that keeps all segments true while rows change and time passes.
//!
//! Membership at a moment is a function of the rows and that moment, nothing else. The store opens the index with
//! the rows and the moment of the last commit ([`Index::open`]); before each COMMIT it asks what the commit does
//! ([`Index::stage`]), writes the edges beside the rows and the moment, and publishes after it
//! ([`Index::publish`]). A failed commit drops the [`Staged`]; a crash opens again. Neither loses or doubles an
//! edge, because an edge is the difference between two memberships that can both be worked out again.
//!
//! Time is an edge's cause like a row: each contact of each followed expression has the moment until which its
//! truth is sure, and a stage first passes all that lie behind, each at its exact instant, before it applies the
//! changes at the commit's moment.

mod change;
mod chunk;
mod column;
mod followed;
mod happened;
mod kept;
mod members;
mod near;
mod packed;
mod postings;
mod ranked;
mod remembered;
mod rows;
mod scored;
mod sighted;
mod source;
mod stage;
#[cfg(test)]
pub(crate) mod tests;
mod tracked;
mod turning;
mod turns;
mod wanted;

pub use change::{Change, Edge, Given};
pub use chunk::{ContactBits, ContactChunk, EventChunk, MembershipChunk, VerdictChunk};
pub use column::ColumnChunk;
pub use followed::Followed;
pub(crate) use followed::ScoreIx;
pub use kept::Keeping;
pub use near::Near;
pub use rows::{Held, Records};
pub use scored::ScoreMove;
pub use sighted::Sighted;
pub use source::{ColumnPart, EventPart, Source};
pub use stage::Staged;

use crate::journey::JourneyVersion;
use crate::record::{ContactRecord, Numbers, Scope};
use crate::scores::Points;
use crate::scores::backtest::Then;
use crate::segment::{Facts, Needs, Seen, changed_key, clauses, print_clause};
use carillon_model::event::Prop;
use carillon_model::score::Scored;
use carillon_model::segment::{EventMatch, Expr};
use carillon_model::{ContactId, Moment, ScoreId, SegmentId, Seq};
use chrono_tz::Tz;
use kept::Known;
use members::Count;
use remembered::Remembered;
use roaring::RoaringBitmap;
use rows::{Happened, Rows};
use scored::{ScoreTimer, Scores};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tracked::{Definitions, Membership};

/// All contacts as bitmaps, columns and postings, with the members of every followed expression.
pub struct Index {
    rows: Rows,
    scope: Scope,
    definitions: Definitions,
    memberships: BTreeMap<SegmentId, Membership>,
    scores: Scores,
    /// Until when each score of each contact is sure, where time alone may change it.
    score_until: BTreeMap<(ScoreId, u32), Moment>,
    score_timers: BTreeSet<ScoreTimer>,
    as_of: Moment,
    /// Counts publications: a staged effect fits only the index it was worked out on.
    generation: u64,
    kept: BTreeMap<SegmentId, Keeping>,
    /// Bytes that what was read from the source may take.
    budget: usize,
    remembered: Mutex<Remembered>,
}

/// What an index is opened from.
#[derive(Clone, Debug)]
pub enum Loading {
    Row(Change),
    /// Contacts of a part of the file.
    Contacts(ContactChunk),
    /// Who stands in a [`ContactChunk`] that came before, and whose rows come after, but for their fields and events.
    Anew(ContactId),
    /// The source has values of a field, by its key.
    Column(String),
    /// The source has events of a name, with properties of these keys.
    Events {
        name: String,
        keys: Vec<String>,
    },
    /// Whom a followed expression meant after a commit. Believed where the same is meant today.
    Membership {
        segment: SegmentId,
        seq: Seq,
        chunk: MembershipChunk,
    },
    /// What a commit did to memberships, after all contacts and memberships and in the order of commits. Who gives a membership gives the
    /// verdicts of all later commits.
    Verdicts {
        seq: Seq,
        chunk: VerdictChunk,
    },
}

impl From<Change> for Loading {
    fn from(change: Change) -> Loading {
        Loading::Row(change)
    }
}

/// How many an expression means, and how many each of its clauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub n: u64,
    /// Canonical text of each distinct clause with its own count, in order of appearance.
    pub per_clause: Vec<(String, u64)>,
}

/// The staged effect belongs to an earlier state of the index; nothing was changed. Open the index again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the staged changes were worked out on an earlier state of the index")]
pub struct Stale;

impl Index {
    /// An index without contacts.
    pub fn new(zone: Tz, as_of: Moment) -> Index {
        Index {
            rows: Rows::from_source(None),
            scope: Scope {
                zone,
                segments: BTreeMap::new(),
                numbers: Numbers::default(),
            },
            definitions: Definitions::default(),
            memberships: BTreeMap::new(),
            scores: Scores::default(),
            score_until: BTreeMap::new(),
            score_timers: BTreeSet::new(),
            as_of,
            generation: 0,
            kept: BTreeMap::new(),
            budget: usize::MAX,
            remembered: Mutex::default(),
        }
    }

    /// Holds no more than so many bytes of what can be read again, as far as a publication finds it: what was not asked for
    /// longest goes first.
    pub fn set_limit(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// As [`Index::set_limit`] set it.
    pub fn limit(&self) -> usize {
        self.budget
    }

    /// How many fields and names of events are in memory, and how many there are.
    pub fn loaded(&self) -> (usize, usize) {
        self.rows.loaded()
    }

    /// The index of a file whose last commit was at `as_of`: `rows` are all its rows as changes, in any order.
    /// No edges come of it; [`Index::stage`] goes on from there. Where a score says otherwise than the rows, that is due
    /// at `as_of`: the next stage has it.
    pub fn open(zone: Tz, as_of: Moment, rows: impl IntoIterator<Item = impl Into<Loading>>) -> Index {
        Index::open_from(None, zone, as_of, rows)
    }

    /// As [`Index::open`] of rows that leave out what a source has: it is read when it is first asked for.
    pub fn open_from(
        source: Option<Arc<dyn Source>>,
        zone: Tz,
        as_of: Moment,
        rows: impl IntoIterator<Item = impl Into<Loading>>,
    ) -> Index {
        let mut index = Index::new(zone, as_of);
        index.rows = Rows::from_source(source);
        let (mut definitions, mut known) = (Vec::new(), Known::default());
        for row in rows {
            match row.into() {
                Loading::Row(change) => {
                    index.rows.load(&change);
                    if change.contact().is_none() {
                        definitions.push(change);
                    }
                }
                Loading::Contacts(chunk) => index.rows.load_contacts(&chunk),
                Loading::Anew(contact) => index.rows.forget(contact.0),
                Loading::Column(key) => index.rows.has_column(key),
                Loading::Events { name, keys } => index.rows.has_events(name, keys),
                Loading::Membership { segment, seq, chunk } => known.take(segment, seq, &chunk),
                Loading::Verdicts { seq, chunk } => known.go_on(seq, &chunk, &index.rows.contacts),
            }
        }
        index.rows.settle();
        let staged = stage::stage(&index, definitions, as_of, Some(known));
        index.take(staged);
        index
    }

    /// The moment memberships are true at.
    pub fn as_of(&self) -> Moment {
        self.as_of
    }

    /// What `changes` do at `as_of`, with what time does before them. The index itself does not change.
    ///
    /// Time does not run backwards: an `as_of` before that of the index counts as the index's own. Several changes
    /// of one contact give the edges of their sum.
    pub fn stage(&self, changes: Vec<Change>, as_of: Moment) -> Staged {
        stage::stage(self, changes, as_of, None)
    }

    /// Takes in what was staged, after its commit.
    ///
    /// # Errors
    /// [`Stale`] if something else was published since.
    pub fn publish(&mut self, staged: Staged) -> Result<(), Stale> {
        if staged.generation != self.generation {
            return Err(Stale);
        }
        self.take(staged);
        Ok(())
    }

    fn take(&mut self, staged: Staged) {
        let remembered = self.remembered.get_mut().unwrap_or_else(PoisonError::into_inner);
        remembered.forget(&staged.changes);
        self.rows.apply_all(&staged.changes);
        // Read while the commit was on its way, by somebody whom nothing was noted for.
        let unnoted = staged.scored.moved.iter();
        for key in unnoted.filter(|key| !staged.scored.recalled.contains(&***key)) {
            self.rows.let_go_past(key);
        }
        self.rows.outdate(&staged.changes, &self.scores.needs.fields);
        for ((segment, contact), verdict) in staged.updates {
            if staged.replaced.contains_key(&segment) {
                continue;
            }
            let membership = self.memberships.entry(segment).or_default();
            membership.set(contact, verdict);
            if let Some(keeping) = self.kept.get_mut(&segment) {
                keeping.changed = true;
            }
        }
        for segment in staged.dropped {
            self.kept.remove(&segment);
        }
        self.kept.extend(staged.found);
        if staged
            .changes
            .iter()
            .any(|change| matches!(change, Change::ContactRemoved(_)))
        {
            self.kept.values_mut().for_each(|keeping| keeping.gone = true);
        }
        for (segment, membership) in staged.replaced {
            match membership {
                Some(membership) => self.memberships.insert(segment, membership),
                None => self.memberships.remove(&segment),
            };
        }
        for (key, until) in staged.scored.until {
            self.until_of_score(key, until);
        }
        if let Some(scores) = staged.scored.defined {
            let gone: Vec<(ScoreId, u32)> = self
                .score_until
                .keys()
                .copied()
                .filter(|(id, _)| !scores.all.contains_key(id))
                .collect();
            for key in gone {
                self.until_of_score(key, None);
            }
            self.scores = scores;
        }
        if let Some((definitions, scope)) = staged.defined {
            self.definitions = definitions;
            self.scope = scope;
        }
        self.as_of = staged.as_of;
        self.generation += 1;
        self.rows.fit(self.budget);
    }

    fn until_of_score(&mut self, (id, contact): (ScoreId, u32), until: Option<Moment>) {
        let before = match until {
            Some(until) => self.score_until.insert((id, contact), until),
            None => self.score_until.remove(&(id, contact)),
        };
        if let Some(before) = before {
            self.score_timers.remove(&(before, id, contact));
        }
        self.score_timers.extend(until.map(|until| (until, id, contact)));
    }

    /// The next instant at which time alone may change something followed; `None`: never.
    pub fn next_due(&self) -> Option<Moment> {
        let segments = self
            .memberships
            .values()
            .filter_map(|membership| membership.turns.next());
        segments
            .chain(self.score_timers.first().map(|timer| timer.0))
            .chain(self.definitions.next_measuring(self.scope.zone))
            .min()
    }

    /// Whether a segment, a watch or a score reads when values of a field were written.
    pub fn follows_writing(&self, field: &str) -> bool {
        self.scores.needs.fields.contains(&changed_key(field))
    }

    /// All contacts.
    pub fn contacts(&self) -> &RoaringBitmap {
        &self.rows.contacts
    }

    /// What expressions may refer to: the zone and the saved segments.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The members of a saved segment or watch at [`Index::as_of`]; `None` if there is none of that number.
    pub fn members_of(&self, segment: SegmentId) -> Option<&RoaringBitmap> {
        self.definitions.all.get(&segment)?;
        self.memberships
            .get(&segment)
            .map(|membership| &membership.members)
    }

    /// Saved segments and watches.
    pub fn followed_numbers(&self) -> impl Iterator<Item = SegmentId> {
        self.definitions.all.keys().copied()
    }

    /// The members of any expression at `now`, saved or not.
    pub fn members(&self, expr: &Expr, now: Moment) -> RoaringBitmap {
        self.reading(now).members(expr)
    }

    fn reading(&self, now: Moment) -> Count<'_> {
        Count::new(&self.rows, &self.scope, now).with(&self.remembered)
    }

    /// Has every clause read again when it is next asked for. For whoever measures that; what is remembered is true.
    pub fn forget(&self) {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// How many members any expression and each of its clauses has at `now`.
    pub fn count(&self, expr: &Expr, now: Moment) -> Counted {
        let mut count = self.reading(now).remembering();
        let mut per_clause = Vec::new();
        let mut seen = BTreeSet::new();
        for clause in clauses(expr) {
            let text = print_clause(clause);
            if seen.insert(text.clone()) {
                per_clause.push((text, count.clause(clause).len()));
            }
        }
        Counted {
            n: count.members(expr).len(),
            per_clause,
        }
    }

    /// Names of the events contacts have, each with the keys of the properties it ever came with, all in order.
    pub fn events_seen(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.rows.events_seen().map(|(name, keys)| (name, keys.collect()))
    }

    /// When each event of a name happened, contact by contact in order, and what it came with, for whoever asks.
    pub fn happened(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (Moment, impl Fn() -> BTreeMap<String, Prop>)> {
        let Happened { postings, symbols } = self.rows.events(name);
        let all = postings.by_contact().flat_map(|run| run.iter());
        all.map(move |posting| (posting.at(), move || symbols.unpack(posting.props())))
    }

    /// Tags somebody has, in order, with how many have each.
    pub fn tags_seen(&self) -> impl Iterator<Item = (&str, u64)> {
        let tags = self.rows.tags.iter().filter(|(_, has)| !has.is_empty());
        tags.map(|(tag, has)| (tag.as_str(), has.len()))
    }

    /// One contact with all its facts but its movements and when its values were written, as [`crate::segment::eval`] and
    /// `explain` take it. Events carry their moment as arrival and no source: the index keeps neither. All fields and events
    /// of everybody are read into memory for that; who needs less says so.
    pub fn record(&self, contact: ContactId) -> Option<ContactRecord> {
        self.record_of(contact, &Needs::everything())
    }

    /// One contact with no more of its fields, tags, events, messages and movements than `needs` names.
    pub fn record_of(&self, contact: ContactId, needs: &Needs) -> Option<ContactRecord> {
        self.records(needs).of(contact)
    }

    /// The same of many contacts.
    pub fn records<'a>(&'a self, needs: &'a Needs) -> Records<'a> {
        self.rows.records(needs, &self.scope.numbers)
    }

    /// The number that a contact has in a field, for whoever asks for those of very many.
    pub fn numbers<'a>(&'a self, field: &str) -> impl Fn(ContactId) -> Option<f64> + use<'a> {
        let column = self.rows.column(field);
        move |contact| match column?.get(contact.0)? {
            Seen::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The published scores that a journey asks for, with those that they read; `None` where it asks for none.
    pub fn followed(&self, version: &JourneyVersion) -> Option<Followed> {
        Followed::new(&self.scores, &self.scope, version)
    }

    /// What the rules of a model, published or not, come to for a contact at `now`.
    pub fn scored(&self, points: &Points, contact: ContactId, now: Moment) -> Option<Scored> {
        let there = self.rows.contacts.contains(contact.0);
        there.then(|| {
            self.scores
                .points(points, &self.rows.who(contact.0), now, &self.scope)
        })
    }

    /// The points a model would have given a contact at `then`, by what was known then ([`crate::scores::backtest`]);
    /// `None` for who was not known yet: added later, and nothing known of them is older. Lists come with events of the past.
    pub fn scored_then(&self, points: &Points, contact: ContactId, then: Moment) -> Option<i64> {
        if !self.rows.contacts.contains(contact.0) {
            return None;
        }
        let who = self.rows.who(contact.0);
        let added = matches!(who.field("created_at"), Some(Seen::DateTime(created)) if created <= then);
        if !added && !self.rows.did_anything_by(contact.0, then) {
            return None;
        }
        let who = Then { who: &who, then };
        Some(self.scores.points(points, &who, then, &self.scope).total)
    }

    /// Whether a contact has such an event after one moment and not after the other.
    pub fn did_between(&self, contact: ContactId, event: &EventMatch, after: Moment, upto: Moment) -> bool {
        let mut did = false;
        self.rows
            .who(contact.0)
            .events(event, &mut |at| did |= after < at && at <= upto);
        did
    }

    /// About how much memory the index takes beside its own struct, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let of = |m: &Membership| m.members.serialized_size() + m.turns.heap_bytes();
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        self.rows.heap_bytes()
            + remembered.heap_bytes()
            + self.memberships.values().map(of).sum::<usize>()
            + self.score_timers.len() * (size_of::<ScoreTimer>() * 3)
    }
}
