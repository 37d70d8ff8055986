//! Members of clauses that were asked for, for as long as they are sure: whoever edits one line of an expression counts
//! the others again with each keystroke.

use super::change::Change;
use crate::segment::Needs;
use carillon_model::Moment;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Clauses kept at most; what was not asked for longest goes first.
const MOST: usize = 64;
/// From so many changes on it is cheaper to forget all than to ask which clause each of them touches.
const MANY_CHANGES: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// By canonical text.
    clauses: BTreeMap<String, Entry>,
    questions: u64,
}

#[derive(Debug)]
struct Entry {
    members: RoaringBitmap,
    needs: Needs,
    /// The moment they were read at.
    at: Moment,
    /// For whom nothing falls due later, they hold from then on.
    lasts: bool,
    asked: u64,
}

impl Remembered {
    pub fn get(&mut self, clause: &str, now: Moment) -> Option<RoaringBitmap> {
        self.questions += 1;
        let entry = self.clauses.get_mut(clause)?;
        let holds = entry.at == now || (entry.lasts && entry.at <= now);
        holds.then(|| {
            entry.asked = self.questions;
            entry.members.clone()
        })
    }

    pub fn put(&mut self, clause: String, members: RoaringBitmap, needs: Needs, at: Moment, lasts: bool) {
        if self.clauses.len() >= MOST && !self.clauses.contains_key(&clause) {
            let oldest = self.clauses.iter().min_by_key(|(_, entry)| entry.asked);
            let oldest = oldest.map(|(clause, _)| clause.clone());
            oldest.and_then(|clause| self.clauses.remove(&clause));
        }
        let asked = self.questions;
        let entry = Entry {
            members,
            needs,
            at,
            lasts,
            asked,
        };
        self.clauses.insert(clause, entry);
    }

    /// Forgets what the changes may make untrue.
    pub fn forget(&mut self, changes: &[Change]) {
        if changes.len() > MANY_CHANGES {
            self.clauses.clear();
        }
        self.clauses
            .retain(|_, entry| !changes.iter().any(|change| touches(&entry.needs, change)));
    }

    pub fn clear(&mut self) {
        self.clauses.clear();
    }

    pub fn heap_bytes(&self) -> usize {
        let of =
            |(clause, entry): (&String, &Entry)| clause.len() * 2 + entry.members.serialized_size() + 256;
        self.clauses.iter().map(of).sum()
    }
}

fn touches(needs: &Needs, change: &Change) -> bool {
    match change {
        Change::ContactAdded { .. } | Change::ContactRemoved(_) => true,
        Change::FieldSet { key, .. } => needs.fields.contains(key),
        Change::TagSet { tag, .. } => needs.tags.contains(tag),
        Change::EventAdded(event) => needs.events.contains(&event.name),
        Change::EventRemoved { name, .. } => needs.events.contains(name),
        Change::Sent { template, .. } => needs.any_message || needs.templates.contains(template),
        // Which name the number has, the clause does not know.
        Change::Moved { moved, .. } => {
            let kind = moved.movement.kind;
            needs.movements.iter().any(|asked| asked.kind == kind)
        }
        Change::ScoreTurned { key, .. } => needs.past.contains(key),
        Change::JourneyNamed { .. } | Change::JourneyRemoved(_) => {
            needs.movements.iter().any(|asked| asked.kind.is_of_journey())
        }
        Change::SegmentSaved { .. } | Change::SegmentRemoved(_) => {
            needs.movements.iter().any(|asked| !asked.kind.is_of_journey())
        }
        Change::PermissionSet { channel, purpose, .. } => needs.permissions.contains(&(*channel, *purpose)),
        Change::SuppressedSet { .. } => needs.suppressed,
        Change::ZoneSet(_) => needs.zone,
        // What refers to a segment is not remembered, and nobody was at a step before it was drawn.
        Change::StepsDrawn { .. }
        | Change::WatchAdded { .. }
        | Change::ScorePublished { .. }
        | Change::ScoreRemoved(_) => false,
    }
}
