//! Whoever reads what a commit changes is asked, one by one or all at once.

use super::{Staged, readers};
use crate::index::Index;
use crate::index::change::{After, Edge};
use crate::index::members::Count;
use crate::index::tracked::{Definition, Definitions, Membership};
use crate::index::turns::Turns;
use crate::record::{Scope, Verdict};
use crate::segment::{eval, eval_facts};
use carillon_model::{ContactId, Moment, SegmentId};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

impl Staged {
    /// Asks whoever reads what changed, and all who are to be worked out anew: those whose history others read before those
    /// others, who are asked as well where somebody came or went.
    pub(super) fn ask(
        &mut self,
        index: &Index,
        (definitions, scope): (&Definitions, &Scope),
        renewed: &BTreeSet<SegmentId>,
        mut dirty: BTreeMap<u32, BTreeSet<SegmentId>>,
        after: &mut BTreeMap<u32, After>,
    ) -> Vec<Edge> {
        let mut edges = Vec::new();
        for rank in 0..=definitions.last_rank() {
            let mut found = Vec::new();
            for (contact, segments) in &dirty {
                let turn = |id: &&SegmentId| definitions.rank(**id) == rank;
                for segment in segments.difference(renewed).filter(turn) {
                    let Some(definition) = definitions.all.get(segment) else {
                        continue;
                    };
                    let verdict = match after.get(contact) {
                        Some(after) => after.verdict(definition, self.as_of, scope),
                        None => self.verdict_now(index, definition, *contact, self.as_of, scope),
                    };
                    if verdict.holds != self.held(index, *segment, *contact) {
                        found.push(Edge {
                            segment: *segment,
                            contact: ContactId(*contact),
                            entered: verdict.holds,
                            at: self.as_of,
                        });
                    }
                    self.updates.insert((*segment, *contact), verdict);
                }
            }
            for segment in renewed.iter().filter(|id| definitions.rank(**id) == rank) {
                self.renew(index, definitions, *segment, after, scope, &mut found);
            }
            for edge in &found {
                let Some(moved) = self.movement(index, definitions, edge) else {
                    continue;
                };
                match after.get_mut(&edge.contact.0) {
                    Some(after) => after.record.moves(moved),
                    None => self.moved.entry(edge.contact.0).or_default().push(moved),
                }
                let dirty = dirty.entry(edge.contact.0).or_default();
                dirty.extend(readers(definitions, edge));
            }
            edges.append(&mut found);
        }
        edges
    }

    /// Works out anew who is in, and who came and went by that.
    fn renew(
        &mut self,
        index: &Index,
        definitions: &Definitions,
        segment: SegmentId,
        after: &BTreeMap<u32, After>,
        scope: &Scope,
        edges: &mut Vec<Edge>,
    ) {
        let meaning = self
            .scored
            .opening
            .then(|| definitions.meaning(segment, scope))
            .flatten();
        if let Some((keeping, membership)) = meaning.and_then(|meaning| self.known.of(segment, &meaning)) {
            self.replaced.insert(segment, Some(membership));
            self.found.push((segment, keeping));
            return;
        }
        let membership = definitions.all.get(&segment).map(|definition| {
            let time = definitions.needs.get(&segment).is_none_or(|needs| needs.time);
            self.evaluate_all(index, definition, time, after, scope)
        });
        // An opening tells of nobody.
        if !self.scored.opening {
            let empty = RoaringBitmap::new();
            let now = membership.as_ref().map_or(&empty, |m| &m.members);
            let before = self.held_by_all(index, segment);
            edges.extend((&before ^ now).iter().map(|id| Edge {
                segment,
                contact: ContactId(id),
                entered: now.contains(id),
                at: self.as_of,
            }));
        }
        self.replaced.insert(segment, membership);
    }

    /// Who is in, with what this commit changes.
    fn evaluate_all(
        &self,
        index: &Index,
        definition: &Definition,
        time: bool,
        after: &BTreeMap<u32, After>,
        scope: &Scope,
    ) -> Membership {
        let now = self.as_of;
        let mut count = match scope.zone == index.scope.zone && scope.numbers == index.scope.numbers {
            true => Count::new(&index.rows, scope, now).with(&index.remembered),
            false => Count::new(&index.rows, scope, now),
        };
        // For whom nothing falls due later, being a member or not is enough.
        let turning = time.then(|| count.turning(&definition.expr));
        let (mut members, mut turns) = (count.members(&definition.expr), Vec::new());
        let mut note = |id: u32, verdict: Verdict| {
            if verdict.holds {
                members.insert(id)
            } else {
                members.remove(id)
            };
            turns.extend(verdict.until.map(|until| (until, id)));
        };
        let overlaid: BTreeSet<u32> = self
            .scored
            .written
            .keys()
            .chain(self.moved.keys())
            .copied()
            .collect();
        let as_rows_say = |id: &u32| !after.contains_key(id) && !overlaid.contains(id);
        for id in turning.iter().flatten().filter(as_rows_say) {
            note(id, eval_facts(&definition.expr, &index.rows.who(id), now, scope));
        }
        for id in overlaid.iter().filter(|id| !after.contains_key(id)) {
            note(*id, self.verdict_now(index, definition, *id, now, scope));
        }
        for (id, contact) in after {
            note(*id, contact.verdict(definition, now, scope));
        }
        Membership {
            members,
            turns: Turns::of(turns),
        }
    }

    fn held_by_all(&self, index: &Index, segment: SegmentId) -> RoaringBitmap {
        let mut out = index
            .memberships
            .get(&segment)
            .map(|m| m.members.clone())
            .unwrap_or_default();
        for ((_, contact), verdict) in self.updates.range((segment, 0)..=(segment, u32::MAX)) {
            if verdict.holds {
                out.insert(*contact)
            } else {
                out.remove(*contact)
            };
        }
        out
    }
}

impl After {
    fn verdict(&self, definition: &Definition, now: Moment, scope: &Scope) -> Verdict {
        if self.exists {
            eval(&definition.expr, &self.record, now, scope)
        } else {
            Verdict {
                holds: false,
                until: None,
            }
        }
    }
}
