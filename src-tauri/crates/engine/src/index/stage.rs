//! What a commit would do to memberships, worked out beside the index.

mod asking;
mod measuring;

use super::Index;
use super::change::{After, Change, Edge};
use super::chunk::VerdictChunk;
use super::kept::{Keeping, Known};
use super::scored::{Measuring, ScoreMove, ScoreTimer, StagedScores, written_to};
use super::tracked::{Definition, Definitions, Membership};
use super::wanted::Wanted;
use crate::record::{Asked, Moved, Movement, Numbers, Scope, Verdict};
use crate::scores::{History, Overlaid};
use crate::segment::{Needs, eval_facts};
use carillon_model::score::ScoreCause;
use carillon_model::segment::Cut;
use carillon_model::{ContactId, JourneyId, Moment, SegmentId};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};

/// The effect of a commit, to be published after it or dropped with it.
#[derive(Debug)]
#[must_use = "publish it after the commit, or drop it if the commit failed"]
pub struct Staged {
    /// In order: those of time by instant, then those of the changes; within one instant by segment and contact.
    pub edges: Vec<Edge>,
    pub(super) generation: u64,
    pub(super) as_of: Moment,
    pub(super) changes: Vec<Change>,
    /// From here on they are what scores write.
    own: usize,
    /// New truth of single contacts.
    pub(super) updates: BTreeMap<(SegmentId, u32), Verdict>,
    /// Whole memberships worked out anew; `None` for a definition that is gone.
    pub(super) replaced: BTreeMap<SegmentId, Option<Membership>>,
    /// Definitions and scope, if they changed.
    pub(super) defined: Option<(Definitions, Scope)>,
    pub(super) scored: StagedScores,
    /// Movements this commit makes, as far as somebody asks for them, of contacts whose rows it does not change.
    moved: BTreeMap<u32, Vec<Moved>>,
    /// All movements it makes that the index is to know.
    moves: Vec<Change>,
    /// The cuts of expressions that are defined or measured anew, as they are from now on; none where one has none any more.
    cuts: BTreeMap<SegmentId, Vec<(String, Cut)>>,
    /// Memberships that the file has, when the index is opened.
    known: Known,
    /// Expressions whose membership the file has, and with these verdicts will have.
    kept: BTreeSet<SegmentId>,
    /// Those an opening believed.
    pub(super) found: Vec<(SegmentId, Keeping)>,
    /// Those whose membership the file had, and with this commit has no longer.
    pub(super) dropped: BTreeSet<SegmentId>,
}

/// With more verdicts than these it is better to keep memberships anew than to keep the verdicts.
const MOST_VERDICTS: usize = 20_000;

/// Whose truth falls due, in order: at one instant those first whose history others read.
type Due = BTreeSet<(Moment, u32, SegmentId, u32)>;

/// Whether nobody reads movements of that kind: each step of each passage is one, and for most of them nobody is put together.
fn is_idle(change: &Change, definitions: &Definitions, scores: &Needs) -> bool {
    let Change::Moved { moved, .. } = change else {
        return false;
    };
    let mut read = definitions.union.movements.iter().chain(&scores.movements);
    read.all(|asked| asked.kind != moved.movement.kind)
}

impl Staged {
    /// Whose scores, stages and grades change, in order: those of time by instant, then those of the changes.
    pub fn moves(&self) -> &[ScoreMove] {
        &self.scored.moves
    }

    /// What changes in the rows, the fields that scores write among it.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The fields that scores write with this commit: contact, key, value.
    pub fn written(&self) -> impl Iterator<Item = &Change> {
        self.changes[self.own..].iter()
    }

    /// What is to be kept of the commit, beside the memberships that the file has ([`Index::kept`]).
    pub fn verdicts(&self) -> VerdictChunk {
        VerdictChunk::of(
            self.updates
                .iter()
                .filter(|((segment, _), _)| self.kept.contains(segment)),
        )
    }

    /// Whether the file has any membership that the verdicts continue.
    pub fn continues(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Expressions whose kept memberships the commit makes untrue.
    pub fn dropped(&self) -> impl Iterator<Item = SegmentId> {
        self.dropped.iter().copied()
    }

    /// What it takes from now on to be in the top or bottom, of each expression that is defined or measured anew: the canonical
    /// text of the clause, and its cut. To be kept with the commit, instead of what was kept of it before.
    pub fn cuts(&self) -> impl Iterator<Item = (SegmentId, &[(String, Cut)])> {
        self.cuts.iter().map(|(id, cuts)| (*id, cuts.as_slice()))
    }

    /// The moment memberships are true at; what the store keeps with the commit.
    pub fn as_of(&self) -> Moment {
        self.as_of
    }
}

/// `opening`: the index is being opened, with what the file knows of memberships.
pub(super) fn stage(index: &Index, changes: Vec<Change>, as_of: Moment, opening: Option<Known>) -> Staged {
    let mut staged = Staged {
        edges: Vec::new(),
        generation: index.generation,
        as_of: as_of.max(index.as_of),
        changes: Vec::new(),
        updates: BTreeMap::new(),
        replaced: BTreeMap::new(),
        defined: None,
        own: 0,
        scored: StagedScores {
            opening: opening.is_some(),
            recalled: recalled(index, &changes),
            ..StagedScores::default()
        },
        moved: BTreeMap::new(),
        moves: Vec::new(),
        cuts: BTreeMap::new(),
        known: opening.unwrap_or_default(),
        kept: index.kept.keys().copied().collect(),
        dropped: BTreeSet::new(),
        found: Vec::new(),
    };
    staged.pass_time(index);
    let mut after = BTreeMap::new();
    let changes = staged.with_outdated(index, changes);
    if !changes.is_empty() {
        staged.define(index, &changes);
        staged.change(index, &changes, &mut after);
        staged.changes = changes;
    }
    let moves = std::mem::take(&mut staged.moves);
    staged.changes.extend(moves);
    let turned = staged.scored.turns(&after);
    staged.changes.extend(turned);
    staged.own = staged.changes.len();
    let scores = staged.scored.defined.as_ref().unwrap_or(&index.scores);
    let written = staged.scored.rows(&after, scores);
    staged.changes.extend(written);
    staged.drop_kept();
    staged
}

/// Fields of the scores whose past must be told of changes: somebody follows it, will after these changes, or has asked for it.
fn recalled(index: &Index, changes: &[Change]) -> BTreeSet<String> {
    let mut all = index.definitions.union.past.clone();
    all.extend(index.rows.past_held().cloned());
    for change in changes {
        if let Change::SegmentSaved { expr, .. } | Change::WatchAdded { expr, .. } = change {
            all.extend(Needs::of(expr, &index.scope.segments).past);
        }
    }
    all
}

/// Who reads the movement that an edge of a named segment is.
fn readers<'d>(definitions: &'d Definitions, edge: &Edge) -> impl Iterator<Item = SegmentId> + use<'d> {
    let kind = Movement::of_segment(edge.segment, edge.entered).kind;
    let name = definitions.all.get(&edge.segment).and_then(|d| d.name.as_deref());
    let reading = name.map(|name| definitions.reading_moves(kind, name));
    reading.into_iter().flatten()
}

/// Of one moment, what a condition of a journey says comes before what a segment says: whoever leaves and comes in again
/// by one commit is told to leave first, also where a reader takes them in a few at a time.
fn in_order(edges: &mut [Edge], definitions: &Definitions) {
    let named = |edge: &Edge| {
        definitions
            .all
            .get(&edge.segment)
            .is_some_and(|d| d.name.is_some())
    };
    edges.sort_by_key(|edge| (edge.at, named(edge), edge.segment, edge.contact));
}

impl Staged {
    /// Turns over, each at its instant, whatever falls due up to `as_of`.
    fn pass_time(&mut self, index: &Index) {
        let ranked = |at: Moment, segment: SegmentId, contact: u32| {
            (at, index.definitions.rank(segment), segment, contact)
        };
        let mut due = Due::new();
        for (segment, membership) in &index.memberships {
            let turns = membership.turns.upto(self.as_of);
            due.extend(turns.map(|(at, contact)| ranked(at, *segment, contact)));
        }
        let mut scores: BTreeSet<ScoreTimer> = index
            .score_timers
            .iter()
            .take_while(|timer| timer.0 <= self.as_of)
            .copied()
            .collect();
        loop {
            // What a score says at an instant, segments read at the same one.
            let first = due.first().map(|timer| timer.0);
            if let Some(timer) = scores.first().copied()
                && first.is_none_or(|first| timer.0 <= first)
            {
                scores.remove(&timer);
                self.turn_score(index, timer, &mut scores, &mut due);
                continue;
            }
            let Some((at, rank, segment, contact)) = due.pop_first() else {
                break;
            };
            let Some(definition) = index.definitions.all.get(&segment) else {
                continue;
            };
            let mut verdict = self.verdict_now(index, definition, contact, at, &index.scope);
            if let Some(until) = &mut verdict.until {
                // The evaluator promises a later moment; without one this loop would never end.
                *until = (*until).max(at + TimeDelta::nanoseconds(1));
                if *until <= self.as_of {
                    due.insert((*until, rank, segment, contact));
                }
            }
            if verdict.holds != self.held(index, segment, contact) {
                let edge = Edge {
                    segment,
                    contact: ContactId(contact),
                    entered: verdict.holds,
                    at,
                };
                self.edges.push(edge);
                if let Some(moved) = self.movement(index, &index.definitions, &edge) {
                    self.moved.entry(contact).or_default().push(moved);
                    let readers = readers(&index.definitions, &edge);
                    due.extend(readers.map(|id| ranked(at, id, contact)));
                }
            }
            self.updates.insert((segment, contact), verdict);
        }
        in_order(&mut self.edges, &index.definitions);
    }

    /// Measures a score that is due, and has asked at the same instant whoever reads it.
    fn turn_score(
        &mut self,
        index: &Index,
        (at, id, contact): ScoreTimer,
        scores: &mut BTreeSet<ScoreTimer>,
        due: &mut Due,
    ) {
        let on = Measuring {
            rows: &index.rows,
            scores: &index.scores,
            scope: &index.scope,
        };
        let changed = self.scored.turn(&on, id, contact, at, ScoreCause::Time);
        if let Some(Some(until)) = self.scored.until.get(&(id, contact))
            && *until <= self.as_of
        {
            scores.insert((*until, id, contact));
        }
        for key in changed {
            scores.extend(index.scores.reading(&key).map(|grade| (at, grade, contact)));
            due.extend(
                index
                    .definitions
                    .reading(&key)
                    .map(|segment| (at, index.definitions.rank(segment), segment, contact)),
            );
        }
    }

    /// The truth for somebody whose rows do not change, with what scores wrote in this commit.
    fn verdict_now(
        &self,
        index: &Index,
        definition: &Definition,
        contact: u32,
        now: Moment,
        scope: &Scope,
    ) -> Verdict {
        let who = index.rows.who(contact);
        let (written, moved) = (self.scored.written.get(&contact), self.moved.get(&contact));
        if written.is_none() && moved.is_none() {
            return eval_facts(&definition.expr, &who, now, scope);
        }
        let field = |key: &str| written_to(written, key);
        let overlaid = Overlaid {
            who: &who,
            field: &field,
            moved: History::And(moved.map_or(&[], Vec::as_slice)),
            turned: self.scored.turned.get(&contact).map_or(&[], Vec::as_slice),
        };
        eval_facts(&definition.expr, &overlaid, now, scope)
    }

    /// The movement that an edge is, where the index is to know of it: somebody reads it, or has asked for it.
    fn movement(&mut self, index: &Index, definitions: &Definitions, edge: &Edge) -> Option<Moved> {
        definitions.all.get(&edge.segment)?.name.as_ref()?;
        let movement = Movement::of_segment(edge.segment, edge.entered);
        if !index.rows.holds(&movement) && readers(definitions, edge).next().is_none() {
            return None;
        }
        let moved = Moved {
            movement,
            at: edge.at,
            number: 0,
        };
        self.moves.push(Change::Moved {
            contact: edge.contact,
            moved: moved.clone(),
            on: true,
        });
        Some(moved)
    }

    fn held(&self, index: &Index, segment: SegmentId, contact: u32) -> bool {
        match self.updates.get(&(segment, contact)) {
            Some(verdict) => verdict.holds,
            None => index
                .memberships
                .get(&segment)
                .is_some_and(|m| m.members.contains(contact)),
        }
    }

    /// Takes in changed definitions.
    fn define(&mut self, index: &Index, changes: &[Change]) {
        let mut all: Option<BTreeMap<SegmentId, Definition>> = None;
        let mut zone = index.scope.zone;
        let known = &index.scope.numbers.journeys;
        let mut journeys: Option<BTreeMap<String, JourneyId>> = None;
        let mut measure = self.measure(index, changes);
        for change in changes {
            let mut define = |id: &SegmentId, definition: Option<Definition>| {
                let all = all.get_or_insert_with(|| index.definitions.all.clone());
                match definition {
                    Some(definition) => drop(all.insert(*id, definition)),
                    None => drop(all.remove(id)),
                }
            };
            match change {
                Change::SegmentSaved { id, name, expr } => {
                    define(
                        id,
                        Some(Definition {
                            name: Some(name.clone()),
                            expr: measure(expr),
                        }),
                    );
                }
                Change::WatchAdded { id, expr } => define(
                    id,
                    Some(Definition {
                        name: None,
                        expr: measure(expr),
                    }),
                ),
                Change::SegmentRemoved(id) => define(id, None),
                Change::ZoneSet(tz) => zone = *tz,
                Change::JourneyNamed { id, name } => {
                    let journeys = journeys.get_or_insert_with(|| known.clone());
                    journeys.retain(|_, known| known != id);
                    journeys.insert(name.clone(), *id);
                }
                Change::JourneyRemoved(id) => {
                    let journeys = journeys.get_or_insert_with(|| known.clone());
                    journeys.retain(|_, known| known != id);
                }
                _ => {}
            }
        }
        if all.is_some() || zone != index.scope.zone || journeys.is_some() {
            let definitions = all.map_or_else(|| index.definitions.clone(), Definitions::new);
            self.note_cuts(index, &definitions, changes);
            let scope = Scope {
                zone,
                segments: definitions.segments(),
                numbers: Numbers {
                    segments: definitions.numbers(),
                    journeys: journeys.unwrap_or_else(|| known.clone()),
                },
            };
            self.defined = Some((definitions, scope));
        }
        let defined = self.defined.as_ref().map(|(definitions, _)| definitions);
        self.scored.defined = index.scores.after(changes, defined, &index.definitions);
    }

    /// Applies the changes at `as_of`.
    fn change(&mut self, index: &Index, changes: &[Change], after: &mut BTreeMap<u32, After>) {
        let defined = self.defined.take();
        let scores_defined = self.scored.defined.take();
        let scores = scores_defined.as_ref().unwrap_or(&index.scores);
        let (definitions, scope) = defined
            .as_ref()
            .map_or((&index.definitions, &index.scope), |(d, s)| (d, s));
        let renewed = renewed(&index.definitions, definitions, &index.scope, scope);
        let mut dirty: BTreeMap<u32, BTreeSet<SegmentId>> = BTreeMap::new();
        // Where nobody asks, as in a list that is brought into a new workspace, nobody is put together for it.
        let asked = !definitions.all.is_empty() || !scores.all.is_empty();
        let read = |change: &&Change| !is_idle(change, definitions, &scores.needs);
        let changes: Vec<&Change> = changes.iter().filter(read).collect();
        let of_contacts = || {
            let all = changes.iter().copied().filter(|_| asked);
            all.filter_map(|change| Some((change.contact()?.0, change)))
        };
        for (contact, change) in of_contacts() {
            definitions.touched_by(change, dirty.entry(contact).or_default());
        }
        let mut needs = Wanted::new(definitions, scores, &renewed);
        for (contact, change) in of_contacts() {
            let place = after.entry(contact).or_insert_with(|| {
                let of = dirty.get(&contact).map(|asking| needs.of(asking));
                self.so_far(index, contact, of.unwrap_or(&scores.needs), &scope.numbers)
            });
            place.apply(change);
        }
        let on = Measuring {
            rows: &index.rows,
            scores,
            scope,
        };
        let old = (&index.scores, &index.scope);
        for (contact, key) in self.scored.change(&on, old, &changes, after, self.as_of) {
            dirty
                .entry(contact)
                .or_default()
                .extend(definitions.reading(&key));
        }
        let mut edges = self.ask(index, (definitions, scope), &renewed, dirty, after);
        in_order(&mut edges, definitions);
        self.edges.append(&mut edges);
        self.defined = defined;
        self.scored.defined = scores_defined;
    }

    /// A contact as time and scores have left it in this commit, before its changes.
    fn so_far(&self, index: &Index, contact: u32, needs: &Needs, numbers: &Numbers) -> After {
        let mut record = index.rows.record(contact, needs, numbers);
        for moved in self.moved.get(&contact).into_iter().flatten() {
            record.moves(moved.clone());
        }
        for (key, value) in self.scored.written.get(&contact).into_iter().flatten() {
            match value {
                Some(value) => drop(record.fields.insert(key.to_string(), value.clone())),
                None => drop(record.fields.remove(&**key)),
            }
        }
        for (key, turned) in self.scored.turned.get(&contact).into_iter().flatten() {
            record.past.entry(key.to_string()).or_default().turns(*turned);
        }
        After {
            exists: index.rows.contacts.contains(contact),
            record,
        }
    }

    /// Settles which kept memberships the verdicts continue; an opening has settled it.
    fn drop_kept(&mut self) {
        if self.scored.opening {
            return;
        }
        let touched: BTreeSet<SegmentId> = match self.updates.len() > MOST_VERDICTS {
            true => self.updates.keys().map(|(segment, _)| *segment).collect(),
            false => BTreeSet::new(),
        };
        let gone = |id: &SegmentId| self.replaced.contains_key(id) || touched.contains(id);
        let (dropped, kept) = std::mem::take(&mut self.kept).into_iter().partition(gone);
        (self.dropped, self.kept) = (dropped, kept);
    }
}

/// Definitions whose members must all be worked out anew: changed ones, those that refer to a changed name, and
/// with another zone of the workspace those that read dates in it.
pub(super) fn renewed(
    old: &Definitions,
    definitions: &Definitions,
    old_scope: &Scope,
    scope: &Scope,
) -> BTreeSet<SegmentId> {
    if std::ptr::eq(definitions, old) {
        return BTreeSet::new();
    }
    let names: BTreeSet<&String> = old
        .all
        .values()
        .chain(definitions.all.values())
        .filter_map(|d| d.name.as_ref())
        .collect();
    let names = names
        .into_iter()
        .chain(old_scope.segments.keys())
        .chain(scope.segments.keys());
    let changed: BTreeSet<&String> = names
        .filter(|name| old_scope.segments.get(*name) != scope.segments.get(*name))
        .collect();
    // Whose history is meant has another number now, or none.
    let other = |asked: &Asked| old_scope.numbers.asked(asked) != scope.numbers.asked(asked);
    let moved = old_scope.zone != scope.zone;
    let ids: BTreeSet<SegmentId> = old.all.keys().chain(definitions.all.keys()).copied().collect();
    let renew = |id: &SegmentId| {
        let (before, after) = (old.all.get(id), definitions.all.get(id));
        let needs = definitions.needs.get(id);
        before.map(|d| &d.expr) != after.map(|d| &d.expr)
            || needs.is_some_and(|needs| {
                (moved && needs.zone)
                    || changed.iter().any(|name| needs.segments.contains(*name))
                    || needs.movements.iter().any(other)
            })
    };
    ids.into_iter().filter(renew).collect()
}
