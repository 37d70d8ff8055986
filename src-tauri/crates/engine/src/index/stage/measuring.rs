//! Cuts are measured when an expression is defined, and at the first commit of each day.

use super::Staged;
use crate::index::Index;
use crate::index::change::{After, Change};
use crate::index::tracked::{Definition, Definitions};
use crate::segment::{Needs, Seen, cuts, is_ranked, measured, print_clause, unmeasured};
use carillon_model::SegmentId;
use carillon_model::segment::{Cut, Expr};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// What a change defines, if it does.
fn defined(change: &Change) -> Option<(SegmentId, Option<&Expr>)> {
    match change {
        Change::SegmentSaved { id, expr, .. } | Change::WatchAdded { id, expr } => Some((*id, Some(expr))),
        Change::SegmentRemoved(id) => Some((*id, None)),
        _ => None,
    }
}

impl Staged {
    /// The changes, and the definition anew of whatever was measured on an earlier day than that of this commit.
    pub(super) fn with_outdated(&self, index: &Index, mut changes: Vec<Change>) -> Vec<Change> {
        let by_hand: BTreeSet<SegmentId> = changes.iter().filter_map(defined).map(|(id, _)| id).collect();
        let outdated = index.definitions.outdated(self.as_of, index.scope.zone);
        let again = |(id, Definition { name, expr }): (SegmentId, &Definition)| {
            let expr = unmeasured(expr);
            match name {
                Some(name) => Change::SegmentSaved {
                    id,
                    name: name.clone(),
                    expr,
                },
                None => Change::WatchAdded { id, expr },
            }
        };
        changes.extend(outdated.filter(|(id, _)| !by_hand.contains(id)).map(again));
        changes
    }

    /// Gives an expression the cuts it lacks: by the rows as time and these changes leave them. What the changes mean for scores
    /// comes later, since rules of scores may ask who is in a segment.
    pub(super) fn measure(&self, index: &Index, changes: &[Change]) -> impl FnMut(&Expr) -> Expr + use<> {
        let ranked: Vec<&Expr> = changes
            .iter()
            .filter_map(|change| defined(change)?.1)
            .filter(|expr| is_ranked(expr))
            .collect();
        let mut known: BTreeMap<String, Cut> = BTreeMap::new();
        let (mut touched, mut without) = (BTreeMap::new(), RoaringBitmap::new());
        if !ranked.is_empty() {
            touched = self.touched(index, changes, &ranked);
            without.extend(touched.keys());
        }
        for expr in ranked {
            measured(expr, self.as_of, &mut |clause, asked| {
                known.entry(print_clause(clause)).or_insert_with(|| {
                    let there = touched.values().filter(|after| after.exists);
                    let values = there.filter_map(|after| after.record.fields.get(asked.key));
                    let value = index.rows.cut(asked, &without, values.map(Seen::from));
                    let measured_at = self.as_of;
                    Cut { measured_at, value }
                });
                None
            });
        }
        let at = self.as_of;
        move |expr| match is_ranked(expr) {
            true => measured(expr, at, &mut |clause, _| {
                known.get(&print_clause(clause)).cloned()
            }),
            false => expr.clone(),
        }
    }

    /// Contacts whose rows say something else with this commit, with what is ranked of them.
    fn touched(&self, index: &Index, changes: &[Change], ranked: &[&Expr]) -> BTreeMap<u32, After> {
        let mut needs = Needs::default();
        for expr in ranked {
            needs.merge(&Needs::of(expr, &BTreeMap::new()));
        }
        let needs = Needs::some_fields(needs.fields);
        let so_far = |contact: u32| self.so_far(index, contact, &needs, &index.scope.numbers);
        let written = self.scored.written.keys();
        let mut touched: BTreeMap<u32, After> = written.map(|id| (*id, so_far(*id))).collect();
        for change in changes {
            if let Some(contact) = change.contact() {
                let after = touched.entry(contact.0).or_insert_with(|| so_far(contact.0));
                after.apply(change);
            }
        }
        touched
    }

    /// Notes what is to be kept of what these changes define.
    pub(super) fn note_cuts(&mut self, index: &Index, definitions: &Definitions, changes: &[Change]) {
        let of = |definitions: &Definitions, id: SegmentId| -> Vec<(String, Cut)> {
            let definition = definitions.all.get(&id);
            let all = definition.into_iter().flat_map(|d| cuts(&d.expr));
            all.map(|(clause, cut)| (print_clause(clause), cut.clone()))
                .collect()
        };
        for (id, _) in changes.iter().filter_map(defined) {
            let now = of(definitions, id);
            if !now.is_empty() || !of(&index.definitions, id).is_empty() {
                self.cuts.insert(id, now);
            }
        }
    }
}
