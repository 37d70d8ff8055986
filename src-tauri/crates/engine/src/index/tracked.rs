//! Expressions that are followed: segments and watches, and who depends on which fact.

use super::change::Change;
use super::turns::Turns;
use crate::record::{Asked, Scope, Verdict};
use crate::segment::{Needs, local_date, meaning, measured_at, start_of_day};
use carillon_model::consent::{Channel, Purpose};
use carillon_model::segment::{Expr, MovementKind};
use carillon_model::{Moment, SegmentId};
use chrono_tz::Tz;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// What is followed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    /// `None` for a watch.
    pub name: Option<String>,
    pub expr: Expr,
}

/// Who is in, and until when that is sure where time alone may change it.
#[derive(Clone, Debug, Default)]
pub(super) struct Membership {
    pub members: RoaringBitmap,
    pub turns: Turns,
}

impl Membership {
    pub fn set(&mut self, contact: u32, verdict: Verdict) {
        match verdict.holds {
            true => self.members.insert(contact),
            false => self.members.remove(contact),
        };
        self.turns.set(contact, verdict.until);
    }
}

/// All definitions with what they need.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    pub all: BTreeMap<SegmentId, Definition>,
    pub needs: BTreeMap<SegmentId, Needs>,
    /// The needs of all together.
    pub union: Needs,
    fields: BTreeMap<String, BTreeSet<SegmentId>>,
    tags: BTreeMap<String, BTreeSet<SegmentId>>,
    events: BTreeMap<String, BTreeSet<SegmentId>>,
    templates: BTreeMap<String, BTreeSet<SegmentId>>,
    any_message: BTreeSet<SegmentId>,
    permissions: BTreeMap<(Channel, Purpose), BTreeSet<SegmentId>>,
    suppressed: BTreeSet<SegmentId>,
    /// Who reads the movements of a kind into or out of what has this name.
    movements: BTreeMap<MovementKind, BTreeMap<String, BTreeSet<SegmentId>>>,
    /// Who reads the history of others is asked after them; who is not here, first.
    ranks: BTreeMap<SegmentId, u32>,
    /// Those that ask for the highest or lowest, with the moment their cuts were measured at.
    measured: BTreeMap<SegmentId, Moment>,
}

impl Definitions {
    pub fn new(all: BTreeMap<SegmentId, Definition>) -> Definitions {
        let segments = named(&all);
        Definitions::among(all, &segments)
    }

    /// Definitions whose expressions refer to these segments.
    pub fn among(all: BTreeMap<SegmentId, Definition>, segments: &BTreeMap<String, Expr>) -> Definitions {
        let needs: BTreeMap<SegmentId, Needs> = all
            .iter()
            .map(|(id, d)| (*id, Needs::of(&d.expr, segments)))
            .collect();
        let mut out = Definitions {
            all,
            ..Definitions::default()
        };
        for (id, needs) in &needs {
            out.union.merge(needs);
            enter(&mut out.fields, &needs.fields, *id);
            enter(&mut out.tags, &needs.tags, *id);
            enter(&mut out.events, &needs.events, *id);
            enter(&mut out.templates, &needs.templates, *id);
            enter(&mut out.permissions, &needs.permissions, *id);
            for Asked { kind, name, .. } in &needs.movements {
                let of_kind = out.movements.entry(*kind).or_default();
                of_kind.entry(name.clone()).or_default().insert(*id);
            }
            if needs.any_message {
                out.any_message.insert(*id);
            }
            if needs.suppressed {
                out.suppressed.insert(*id);
            }
        }
        out.ranks = ranks(&out.all, &needs);
        let measured = out.all.iter().map(|(id, d)| (*id, measured_at(&d.expr)));
        out.measured = measured.filter_map(|(id, at)| Some((id, at?))).collect();
        out.needs = needs;
        out
    }

    /// Saved segments by name.
    pub fn segments(&self) -> BTreeMap<String, Expr> {
        named(&self.all)
    }

    /// The numbers of the saved segments by their names.
    pub fn numbers(&self) -> BTreeMap<String, SegmentId> {
        let mut out = BTreeMap::new();
        for (id, definition) in &self.all {
            if let Some(name) = &definition.name {
                out.entry(name.clone()).or_insert(*id);
            }
        }
        out
    }

    /// What a definition means: its text and, as far as it reads them, the texts and numbers of those it names and the zone. Two
    /// that mean the same have the same members; `None`: there is none.
    pub fn meaning(&self, id: SegmentId, scope: &Scope) -> Option<String> {
        let mut all = vec![meaning(&self.all.get(&id)?.expr)];
        let needs = self.needs.get(&id)?;
        if needs.zone {
            all.push(scope.zone.name().to_owned());
        }
        for name in &needs.segments {
            all.push(format!(
                "{name}\n{}",
                scope.segments.get(name).map(meaning).unwrap_or_default()
            ));
        }
        for asked in &needs.movements {
            let number = scope.numbers.asked(asked).map(|movement| movement.of);
            all.push(format!("{asked:?} {number:?}"));
        }
        Some(all.join("\n"))
    }

    /// Whose cuts were measured on an earlier day than that of `now`.
    pub fn outdated(&self, now: Moment, zone: Tz) -> impl Iterator<Item = (SegmentId, &Definition)> {
        let earlier = move |at: &Moment| local_date(*at, zone) < local_date(now, zone);
        let outdated = self.measured.iter().filter(move |(_, at)| earlier(at));
        outdated.filter_map(|(id, _)| Some((*id, self.all.get(id)?)))
    }

    /// The first moment at which cuts are to be measured anew.
    pub fn next_measuring(&self, zone: Tz) -> Option<Moment> {
        let oldest = self.measured.values().min()?;
        start_of_day(zone, local_date(*oldest, zone)?.succ_opt()?)
    }

    /// In which turn a definition is asked: later than all whose history it reads.
    pub fn rank(&self, id: SegmentId) -> u32 {
        self.ranks.get(&id).copied().unwrap_or_default()
    }

    /// The last turn.
    pub fn last_rank(&self) -> u32 {
        self.ranks.values().max().copied().unwrap_or_default()
    }

    /// Who reads the movements of a kind into or out of what has this name.
    pub fn reading_moves(&self, kind: MovementKind, name: &str) -> impl Iterator<Item = SegmentId> {
        let of_kind = self.movements.get(&kind).and_then(|names| names.get(name));
        of_kind.into_iter().flatten().copied()
    }

    /// Whether anybody reads any.
    pub fn reads_movements(&self) -> bool {
        !self.movements.is_empty()
    }

    /// Who reads movements of a kind.
    fn reading_kind(&self, kind: MovementKind) -> impl Iterator<Item = SegmentId> {
        self.movements
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .copied()
    }

    /// Who reads a field.
    pub fn reading(&self, key: &str) -> impl Iterator<Item = SegmentId> {
        self.fields.get(key).into_iter().flatten().copied()
    }

    /// Whose truth this change of a contact may change.
    pub fn touched_by(&self, change: &Change, into: &mut BTreeSet<SegmentId>) {
        match change {
            Change::ContactAdded { .. } | Change::ContactRemoved(_) => into.extend(self.all.keys()),
            // What a score was is read with what it is.
            Change::FieldSet { key, .. } | Change::ScoreTurned { key, .. } => {
                into.extend(self.fields.get(key).into_iter().flatten());
            }
            Change::TagSet { tag, .. } => into.extend(self.tags.get(tag).into_iter().flatten()),
            Change::EventAdded(event) => into.extend(self.events.get(&event.name).into_iter().flatten()),
            Change::EventRemoved { name, .. } => into.extend(self.events.get(name).into_iter().flatten()),
            Change::Sent { template, .. } => {
                into.extend(
                    self.templates
                        .get(template)
                        .into_iter()
                        .flatten()
                        .chain(&self.any_message),
                );
            }
            // Which name the number has is not asked here: one of another journey is asked in vain.
            Change::Moved { moved, .. } => into.extend(self.reading_kind(moved.movement.kind)),
            Change::PermissionSet { channel, purpose, .. } => {
                into.extend(self.permissions.get(&(*channel, *purpose)).into_iter().flatten());
            }
            Change::SuppressedSet { .. } => into.extend(&self.suppressed),
            Change::SegmentSaved { .. }
            | Change::SegmentRemoved(_)
            | Change::WatchAdded { .. }
            | Change::JourneyNamed { .. }
            | Change::StepsDrawn { .. }
            | Change::JourneyRemoved(_)
            | Change::ScorePublished { .. }
            | Change::ScoreRemoved(_)
            | Change::ZoneSet(_) => {}
        }
    }
}

/// One turn later than the latest of those whose history a definition reads, for each that reads any. Circles, which are
/// not saved, end in the last turn there can be.
fn ranks(
    all: &BTreeMap<SegmentId, Definition>,
    needs: &BTreeMap<SegmentId, Needs>,
) -> BTreeMap<SegmentId, u32> {
    let mut numbers: BTreeMap<&str, Vec<SegmentId>> = BTreeMap::new();
    for (id, definition) in all {
        if let Some(name) = &definition.name {
            numbers.entry(name).or_default().push(*id);
        }
    }
    let reads: BTreeMap<SegmentId, Vec<SegmentId>> = needs
        .iter()
        .map(|(id, needs)| {
            let movements = needs.movements.iter().filter(|asked| !asked.kind.is_of_journey());
            let named = movements.filter_map(|asked| numbers.get(asked.name.as_str()));
            (*id, named.flatten().copied().collect::<Vec<_>>())
        })
        .filter(|(_, reads)| !reads.is_empty())
        .collect();
    let mut ranks: BTreeMap<SegmentId, u32> = BTreeMap::new();
    for _ in 0..reads.len() {
        let rank = |id: &SegmentId| ranks.get(id).copied().unwrap_or_default();
        let next: BTreeMap<SegmentId, u32> = reads
            .iter()
            .map(|(id, reads)| (*id, 1 + reads.iter().map(rank).max().unwrap_or_default()))
            .collect();
        if next == ranks {
            break;
        }
        ranks = next;
    }
    ranks
}

/// Of two segments with one name (the store refuses that) the one with the lower number is meant.
fn named(all: &BTreeMap<SegmentId, Definition>) -> BTreeMap<String, Expr> {
    let mut out = BTreeMap::new();
    for definition in all.values() {
        if let Some(name) = &definition.name {
            out.entry(name.clone()).or_insert_with(|| definition.expr.clone());
        }
    }
    out
}

fn enter<K: Ord + Clone>(map: &mut BTreeMap<K, BTreeSet<SegmentId>>, keys: &BTreeSet<K>, id: SegmentId) {
    for key in keys {
        map.entry(key.clone()).or_default().insert(id);
    }
}
