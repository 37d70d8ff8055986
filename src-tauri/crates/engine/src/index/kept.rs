//! Memberships that a file has: what an opening is told of them, and how far they are those of the index.

use super::Index;
use super::chunk::{MembershipChunk, VerdictChunk};
use super::members::Count;
use super::rows::Held;
use super::tracked::Membership;
use crate::segment::eval_facts;
use carillon_model::{SegmentId, Seq};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// How far the file has a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// The commit it was kept after.
    pub seq: Seq,
    /// Verdicts came since.
    pub changed: bool,
    /// Somebody whom it may name is there no more: it is to be kept anew soon.
    pub gone: bool,
}

impl Keeping {
    fn after(seq: Seq) -> Keeping {
        Keeping {
            seq,
            changed: false,
            gone: false,
        }
    }
}

/// What an opening is told of memberships: each with what was meant.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<SegmentId, (Keeping, String, Membership)>);

impl Known {
    /// Takes in a membership. Nothing, if it is no chunk after all.
    pub fn take(&mut self, segment: SegmentId, seq: Seq, chunk: &MembershipChunk) {
        if let Some((meaning, membership)) = chunk.membership() {
            self.0.insert(segment, (Keeping::after(seq), meaning, membership));
        }
    }

    /// Takes in what a commit did to those that were kept before it.
    pub fn go_on(&mut self, after: Seq, chunk: &VerdictChunk, there: &RoaringBitmap) {
        // Only whole chunks were read.
        let _ = chunk.each(|segment, contact, verdict| {
            if let Some((keeping, _, membership)) = self.0.get_mut(&segment)
                && keeping.seq < after
            {
                membership.set(contact, verdict);
                keeping.changed = true;
                keeping.gone |= !there.contains(contact);
            }
        });
    }

    /// The membership of what means this today; `None` where something else was meant, or nothing is known.
    pub fn of(&mut self, segment: SegmentId, meaning: &str) -> Option<(Keeping, Membership)> {
        let (keeping, meant, membership) = self.0.remove(&segment)?;
        (meant == meaning).then_some((keeping, membership))
    }
}

impl Index {
    /// The memberships that the file has, as far as this index knows.
    pub fn kept(&self) -> &BTreeMap<SegmentId, Keeping> {
        &self.kept
    }

    /// From now on the commits say what they do to a membership that is about to be kept as it is after `seq`, the last of
    /// them. Told before the file has it: a commit more that says so harms nothing, and one less would.
    pub fn keeps(&mut self, segment: SegmentId, seq: Seq) {
        if self.memberships.contains_key(&segment) {
            self.kept.insert(segment, Keeping::after(seq));
        }
    }

    /// A membership for the file.
    pub fn membership(&self, segment: SegmentId) -> Option<MembershipChunk> {
        let meaning = self.definitions.meaning(segment, &self.scope)?;
        let membership = self.memberships.get(&segment)?;
        Some(MembershipChunk::of(&meaning, membership))
    }

    /// What is in memory of fields, events, messages and movements.
    pub fn held(&self) -> Held {
        self.rows.held()
    }

    /// Forgets what was read from the source since then.
    pub fn let_go_since(&mut self, then: &Held) {
        self.rows.let_go_since(then);
    }

    /// Whether a membership is what its rows say: the members, and for everybody a moment no later than that until which it
    /// is sure. Reads what its expression asks for.
    pub fn is_true(&self, segment: SegmentId) -> bool {
        let (Some(definition), Some(kept)) =
            (self.definitions.all.get(&segment), self.memberships.get(&segment))
        else {
            return true;
        };
        let mut count = Count::new(&self.rows, &self.scope, self.as_of);
        if count.members(&definition.expr) != kept.members {
            return false;
        }
        if self
            .definitions
            .needs
            .get(&segment)
            .is_some_and(|needs| !needs.time)
        {
            return true;
        }
        let turns = kept.turns.by_contact();
        count.turning(&definition.expr).iter().all(|id| {
            let who = self.rows.who(id);
            let until = eval_facts(&definition.expr, &who, self.as_of, &self.scope).until;
            until.is_none_or(|until| turns.get(&id).is_some_and(|kept| *kept <= until))
        })
    }
}
