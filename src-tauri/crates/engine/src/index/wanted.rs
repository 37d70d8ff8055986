//! Which facts of a contact a commit asks for.

use super::scored::Scores;
use super::tracked::Definitions;
use crate::segment::Needs;
use carillon_model::SegmentId;
use std::collections::{BTreeMap, BTreeSet};

/// What of a contact a commit reads into memory: no more than is asked for, for what nobody asked for yet is in the file.
pub(super) struct Wanted<'d> {
    definitions: &'d Definitions,
    scores: &'d Scores,
    renewed: &'d BTreeSet<SegmentId>,
    /// By who asks.
    known: BTreeMap<BTreeSet<SegmentId>, Needs>,
}

impl<'d> Wanted<'d> {
    pub fn new(
        definitions: &'d Definitions,
        scores: &'d Scores,
        renewed: &'d BTreeSet<SegmentId>,
    ) -> Wanted<'d> {
        Wanted {
            definitions,
            scores,
            renewed,
            known: BTreeMap::new(),
        }
    }

    /// Of a contact whose changes have these asked. Whom a score or an edge has asked is not known before: all is wanted where
    /// there is any, and where all are asked anyway.
    pub fn of(&mut self, asking: &BTreeSet<SegmentId>) -> &Needs {
        let all = self.definitions.all.len();
        if !self.scores.all.is_empty() || self.definitions.reads_movements() || asking.len() == all {
            return &self.scores.needs;
        }
        if !self.known.contains_key(asking) {
            let mut needs = Needs::default();
            let ids = asking.union(self.renewed);
            ids.filter_map(|id| self.definitions.needs.get(id))
                .for_each(|of| needs.merge(of));
            self.known.insert(asking.clone(), needs);
        }
        self.known.get(asking).unwrap_or(&self.scores.needs)
    }
}
