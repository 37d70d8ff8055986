//! Scores that are followed: when each contact's turns over, and what a commit does to them.
//!
//! A published score is a column like any field; only this fold writes it. Scores are measured before segments are
//! asked, by facts in which no score has a value and segments have no history: so there is no circle.

use super::change::{After, Change};
use super::rows::{Rows, Who};
use super::tracked::{Definition, Definitions};
use crate::record::{Scope, Turned};
use crate::scores::{History, Overlaid, Points, Scoring, reasons};
use crate::segment::{Facts, Needs, Seen, event_matches};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::score::{Score, ScoreCause, ScoreReason, Scored};
use carillon_model::segment::{Clause, Expr, Test};
use carillon_model::{ContactId, Moment, ScoreId, SegmentId};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When a score may turn over, which, of whom.
pub(super) type ScoreTimer = (Moment, ScoreId, u32);

/// New values of fields that scores write; `None`: no more.
pub(crate) type Written = Vec<(Arc<str>, Option<Value>)>;

/// A contact whose score, stage or grade changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreMove {
    pub score: ScoreId,
    pub contact: ContactId,
    /// The exact instant if time caused it, else that of the commit.
    pub at: Moment,
    /// Whole points before and after; `None` for a grade.
    pub points: Option<(Option<i64>, i64)>,
    pub cause: ScoreCause,
    /// The stage that was entered with it.
    pub stage: Option<String>,
    pub reasons: Vec<ScoreReason>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScoreDefinition {
    pub scoring: Arc<Scoring>,
    /// The fields it writes: points or grade, stage, since when.
    fields: [Arc<str>; 3],
}

impl ScoreDefinition {
    fn new(key: &str, scoring: &Arc<Scoring>) -> ScoreDefinition {
        let fields = [
            Score::field(key),
            Score::stage_field(key),
            Score::since_field(key),
        ];
        ScoreDefinition {
            scoring: scoring.clone(),
            fields: fields.map(Arc::from),
        }
    }

    /// The fields it writes with this model.
    pub fn writes(&self) -> &[Arc<str>] {
        match &*self.scoring {
            Scoring::Points(points) if points.has_stages() => &self.fields,
            _ => &self.fields[..1],
        }
    }

    /// What it asks, as an expression.
    fn asked(&self) -> Expr {
        match &*self.scoring {
            Scoring::Points(points) => points.asked(),
            Scoring::Grade(grade) => {
                let known = |key: &str| {
                    Expr::Clause(Clause::Field {
                        key: Score::field(key),
                        test: Test::Known,
                    })
                };
                Expr::Any(grade.scores().map(known).to_vec())
            }
        }
    }
}

/// All published scores with what they ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Scores {
    pub all: BTreeMap<ScoreId, ScoreDefinition>,
    /// What each asks, under its own number.
    asked: Definitions,
    /// Keys of the fields they write.
    written: BTreeSet<Arc<str>>,
    /// What scores and everything else that is followed need of a contact.
    pub needs: Needs,
}

impl Scores {
    /// Scores beside the segments that their rules may name.
    pub fn new(all: BTreeMap<ScoreId, ScoreDefinition>, definitions: &Definitions) -> Scores {
        let asked = all.iter().map(|(id, definition)| {
            let expr = definition.asked();
            (SegmentId(id.0), Definition { name: None, expr })
        });
        let asked = Definitions::among(asked.collect(), &definitions.segments());
        let written: BTreeSet<Arc<str>> = all.values().flat_map(|d| d.writes().iter().cloned()).collect();
        let mut needs = definitions.union.clone();
        needs.merge(&asked.union);
        needs.fields.extend(written.iter().map(|key| key.to_string()));
        Scores {
            all,
            asked,
            written,
            needs,
        }
    }

    /// As the changes leave it; `None` where they and the definitions change nothing of it.
    pub fn after(
        &self,
        changes: &[Change],
        defined: Option<&Definitions>,
        current: &Definitions,
    ) -> Option<Scores> {
        let mut all: Option<BTreeMap<ScoreId, ScoreDefinition>> = None;
        for change in changes {
            match change {
                Change::ScorePublished { id, key, scoring } => {
                    let all = all.get_or_insert_with(|| self.all.clone());
                    all.insert(*id, ScoreDefinition::new(key, scoring));
                }
                Change::ScoreRemoved(id) => drop(all.get_or_insert_with(|| self.all.clone()).remove(id)),
                _ => {}
            }
        }
        if all.is_none() && defined.is_none() {
            return None;
        }
        Some(Scores::new(
            all.unwrap_or_else(|| self.all.clone()),
            defined.unwrap_or(current),
        ))
    }

    /// Whose result this change of a contact may change.
    fn touched_by(&self, change: &Change, into: &mut BTreeSet<ScoreId>) {
        let mut touched = BTreeSet::new();
        self.asked.touched_by(change, &mut touched);
        into.extend(touched.into_iter().map(|id| ScoreId(id.0)));
    }

    /// What of a contact one of them reads.
    pub fn needs_of(&self, id: ScoreId) -> Needs {
        self.asked
            .needs
            .get(&SegmentId(id.0))
            .cloned()
            .unwrap_or_default()
    }

    /// Grades that read a field.
    pub fn reading(&self, key: &str) -> impl Iterator<Item = ScoreId> {
        self.asked.reading(key).map(|id| ScoreId(id.0))
    }

    /// Scores that must be measured anew for everybody.
    fn renewed(&self, before: &Scores, old_scope: &Scope, scope: &Scope) -> BTreeSet<ScoreId> {
        if std::ptr::eq(self, before) {
            return BTreeSet::new();
        }
        let asked = super::stage::renewed(&before.asked, &self.asked, old_scope, scope);
        let changed =
            |id: &ScoreId| asked.contains(&SegmentId(id.0)) || before.all.get(id) != self.all.get(id);
        self.all.keys().copied().filter(changed).collect()
    }

    fn hidden<'v>(&self, key: &str) -> Option<Option<&'v Value>> {
        self.written.contains(key).then_some(None)
    }

    /// The points of a contact, by bare facts.
    pub fn points<F: Facts>(&self, points: &Points, who: &F, now: Moment, scope: &Scope) -> Scored {
        self.bare(who, |who| points.score(who, now, scope))
    }

    /// Reads a contact by facts in which no score has a value and nobody came into a segment yet.
    fn bare<F: Facts, T>(&self, who: &F, read: impl FnOnce(&Overlaid<'_, F>) -> T) -> T {
        let hidden = |key: &str| self.hidden(key);
        read(&Overlaid {
            who,
            field: &hidden,
            moved: History::Hidden,
            turned: &[],
        })
    }

    /// What a score says of a contact at `at`, who carries what the scores said before.
    pub fn measure<F: Facts>(
        &self,
        definition: &ScoreDefinition,
        who: &F,
        at: Moment,
        scope: &Scope,
    ) -> Measured {
        let [field, stage_field, since] = &definition.fields;
        let text = |key: &str| match who.field(key) {
            Some(Seen::Text(text)) => Some(text.to_owned()),
            _ => None,
        };
        let mut out = Measured::default();
        match &*definition.scoring {
            Scoring::Points(points) => {
                let (total, until) = self.bare(who, |who| points.total(who, at, scope));
                out.until = until;
                let before = who.field(field).and_then(whole);
                if before != Some(total) {
                    out.written
                        .push((field.clone(), Some(Value::Number(total as f64))));
                }
                if points.has_stages() {
                    let was = text(stage_field);
                    let stage = points.stage(was.as_deref(), total).map(str::to_owned);
                    if stage != was {
                        let since_when = stage.is_some().then_some(Value::DateTime(at));
                        out.written
                            .push((stage_field.clone(), stage.clone().map(Value::Text)));
                        out.written.push((since.clone(), since_when));
                        out.stage = stage;
                    }
                }
                out.turned = Turned::between(at, before, Some(total)).map(|turned| (field.clone(), turned));
                out.points = Some((before, total));
            }
            Scoring::Grade(grade) => {
                let [a, b] = grade
                    .scores()
                    .map(|key| who.field(&Score::field(key)).and_then(whole));
                let label = grade.label(a, b);
                if label != text(field) {
                    out.written.push((field.clone(), label.map(Value::Text)));
                }
            }
        }
        out
    }
}

/// What [`Scores::measure`] found.
#[derive(Default)]
pub(super) struct Measured {
    points: Option<(Option<i64>, i64)>,
    stage: Option<String>,
    /// Its points are others, with the key of the field.
    turned: Option<(Arc<str>, Turned)>,
    pub written: Written,
    pub until: Option<Moment>,
}

fn whole(seen: Seen<'_>) -> Option<i64> {
    match seen {
        // Written by this fold: a whole number.
        Seen::Number(n) => Some(n as i64),
        _ => None,
    }
}

/// What a commit does to scores.
#[derive(Debug, Default)]
pub(super) struct StagedScores {
    /// The index is being opened: what differs from the columns is due at once instead of written.
    pub opening: bool,
    pub moves: Vec<ScoreMove>,
    pub until: BTreeMap<(ScoreId, u32), Option<Moment>>,
    /// Last values of fields that scores write, by contact.
    pub written: BTreeMap<u32, Written>,
    /// Fields of the scores whose past somebody asks for, or has asked for.
    pub recalled: BTreeSet<String>,
    /// How those came to other points, by contact.
    pub turned: BTreeMap<u32, Vec<(Arc<str>, Turned)>>,
    /// Fields of all scores that came to others.
    pub moved: BTreeSet<Arc<str>>,
    pub defined: Option<Scores>,
}

/// The value that a commit gave a field, if it gave one.
pub(super) fn written_to<'a>(written: Option<&'a Written>, key: &str) -> Option<Option<&'a Value>> {
    let found = written?.iter().rev().find(|(field, _)| **field == *key)?;
    Some(found.1.as_ref())
}

/// What a score is measured in: the commit as far as it has come.
pub(super) struct Measuring<'a> {
    pub rows: &'a Rows,
    pub scores: &'a Scores,
    pub scope: &'a Scope,
}

impl StagedScores {
    /// Measures one score of one contact whose rows do not change at the instant `at`. The fields that changed.
    pub fn turn(
        &mut self,
        on: &Measuring<'_>,
        id: ScoreId,
        contact: u32,
        at: Moment,
        cause: ScoreCause,
    ) -> Vec<Arc<str>> {
        let Some(definition) = on.scores.all.get(&id) else {
            return Vec::new();
        };
        let who = on.rows.who(contact);
        let measured = {
            let mine = self.written.get(&contact);
            let field = |key: &str| written_to(mine, key);
            on.scores.measure(
                definition,
                &Overlaid {
                    who: &who,
                    field: &field,
                    moved: History::Hidden,
                    turned: &[],
                },
                at,
                on.scope,
            )
        };
        let reasons = |points: &Points| {
            let of = |at: Moment| on.scores.points(points, &who, at, on.scope);
            let before = (cause == ScoreCause::Time).then(|| of(at - TimeDelta::nanoseconds(1)));
            reasons(before.as_ref(), &of(at))
        };
        let reasons = || match &*definition.scoring {
            Scoring::Points(points) => reasons(points),
            Scoring::Grade(_) => Vec::new(),
        };
        self.note(measured, id, contact, at, cause, reasons)
    }

    fn note(
        &mut self,
        measured: Measured,
        id: ScoreId,
        contact: u32,
        at: Moment,
        cause: ScoreCause,
        reasons: impl FnOnce() -> Vec<ScoreReason>,
    ) -> Vec<Arc<str>> {
        // A later moment was promised; without one, passing time would never end.
        let mut until = measured
            .until
            .map(|until| until.max(at + TimeDelta::nanoseconds(1)));
        if self.opening && !measured.written.is_empty() {
            until = Some(at);
        }
        // Nobody is due yet while the index is opened.
        if !self.opening || until.is_some() {
            self.until.insert((id, contact), until);
        }
        if self.opening || measured.written.is_empty() {
            return Vec::new();
        }
        self.moves.push(ScoreMove {
            score: id,
            contact: ContactId(contact),
            at,
            reasons: reasons(),
            points: measured.points,
            cause,
            stage: measured.stage,
        });
        if let Some(turned) = measured.turned {
            if !self.moved.contains(&turned.0) {
                self.moved.insert(turned.0.clone());
            }
            if self.recalled.contains(&*turned.0) {
                self.turned.entry(contact).or_default().push(turned);
            }
        }
        let keys = measured.written.iter().map(|(key, _)| key.clone()).collect();
        let mine = self.written.entry(contact).or_default();
        mine.retain(|(key, _)| !measured.written.iter().any(|(new, _)| new == key));
        mine.extend(measured.written);
        keys
    }

    /// Measures what the changes of a commit and new models touch, at its moment, and writes it into `after`. Whose
    /// fields changed, and which.
    pub fn change(
        &mut self,
        on: &Measuring<'_>,
        old: (&Scores, &Scope),
        changes: &[&Change],
        after: &mut BTreeMap<u32, After>,
        at: Moment,
    ) -> Vec<(u32, Arc<str>)> {
        let renewed = on.scores.renewed(old.0, old.1, on.scope);
        let mut touched: BTreeMap<u32, Touched<'_>> = BTreeMap::new();
        if !on.scores.all.is_empty() {
            for change in changes {
                if let Some(ContactId(contact)) = change.contact() {
                    let touched = touched.entry(contact).or_default();
                    on.scores.touched_by(change, &mut touched.scores);
                    if let Change::EventAdded(event) = change {
                        touched.events.push(event);
                    }
                }
            }
        }
        let mut out = Vec::new();
        for (points, published) in [(true, &renewed), (false, &renewed)] {
            let turn = |id: &ScoreId| {
                let scoring = on.scores.all.get(id).map(|d| &*d.scoring);
                scoring.is_some_and(|scoring| matches!(scoring, Scoring::Points(_)) == points)
            };
            for (contact, touched) in &touched {
                for id in touched
                    .scores
                    .iter()
                    .chain(published)
                    .filter(|id| turn(id))
                    .collect::<BTreeSet<_>>()
                {
                    let changed = self.change_one(on, old, *id, *contact, &touched.events, after, at);
                    out.extend(changed.into_iter().map(|key| (*contact, key)));
                }
            }
            let others = || on.rows.contacts.iter().filter(|id| !after.contains_key(id));
            for id in published.iter().filter(|id| turn(id)) {
                for contact in others() {
                    let changed = self.turn(on, *id, contact, at, ScoreCause::Published);
                    out.extend(changed.into_iter().map(|key| (contact, key)));
                }
            }
            if points {
                // Grades read what points were found just now.
                for (contact, key) in &out {
                    let change = Change::FieldSet {
                        contact: ContactId(*contact),
                        key: key.to_string(),
                        value: None,
                    };
                    let mut grades = BTreeSet::new();
                    on.scores.touched_by(&change, &mut grades);
                    if !grades.is_empty() {
                        touched.entry(*contact).or_default().scores.extend(grades);
                    }
                }
            }
        }
        out
    }

    #[allow(clippy::too_many_arguments)]
    fn change_one(
        &mut self,
        on: &Measuring<'_>,
        old: (&Scores, &Scope),
        id: ScoreId,
        contact: u32,
        events: &[&Event],
        after: &mut BTreeMap<u32, After>,
        at: Moment,
    ) -> Vec<Arc<str>> {
        let Some(definition) = on.scores.all.get(&id) else {
            return Vec::new();
        };
        let same_model = old.0.all.get(&id) == Some(definition);
        let Some(place) = after.get_mut(&contact) else {
            let cause = if same_model {
                ScoreCause::Changed
            } else {
                ScoreCause::Published
            };
            return self.turn(on, id, contact, at, cause);
        };
        if !place.exists {
            self.until.insert((id, contact), None);
            return Vec::new();
        }
        let measured = on.scores.measure(definition, &place.record, at, on.scope);
        let existed = on.rows.contacts.contains(contact);
        let mut reasons = match &*definition.scoring {
            Scoring::Points(points) if !measured.written.is_empty() => {
                let who: Who<'_> = on.rows.who(contact);
                let before = (same_model && existed).then(|| on.scores.points(points, &who, at, old.1));
                let scored = on.scores.points(points, &place.record, at, on.scope);
                let mut reasons = reasons(before.as_ref(), &scored);
                name_events(points, &mut reasons, events);
                reasons
            }
            _ => Vec::new(),
        };
        let cause = match (same_model, reasons.iter().any(|reason| reason.event.is_some())) {
            (false, _) => ScoreCause::Published,
            (true, true) => ScoreCause::Event,
            (true, false) => ScoreCause::Changed,
        };
        let written = measured.written.clone();
        let keys = self.note(measured, id, contact, at, cause, || std::mem::take(&mut reasons));
        if !keys.is_empty() {
            // The last one only is new; the others are taken in again in vain.
            for (key, turned) in self.turned.get(&contact).into_iter().flatten() {
                place.apply(&Change::ScoreTurned {
                    contact: ContactId(contact),
                    key: key.to_string(),
                    turned: *turned,
                });
            }
            for (key, value) in written {
                place.apply(&Change::FieldSet {
                    contact: ContactId(contact),
                    key: key.to_string(),
                    value,
                });
            }
        }
        keys
    }

    /// How scores that are recalled came to other points, in the order of contacts; of nobody who is not there any more.
    pub fn turns(&self, after: &BTreeMap<u32, After>) -> Vec<Change> {
        let there = |contact: &u32| after.get(contact).is_none_or(|after| after.exists);
        let all = self.turned.iter().filter(|(contact, _)| there(contact));
        all.flat_map(|(contact, turned)| {
            turned.iter().map(|(key, turned)| Change::ScoreTurned {
                contact: ContactId(*contact),
                key: key.to_string(),
                turned: *turned,
            })
        })
        .collect()
    }

    /// What the rows take in of it, in the order of contacts; nobody who is not there any more, and no field that the
    /// commit takes away.
    pub fn rows(&self, after: &BTreeMap<u32, After>, scores: &Scores) -> Vec<Change> {
        let there = |contact: &u32| after.get(contact).is_none_or(|after| after.exists);
        let all = self.written.iter().filter(|(contact, _)| there(contact));
        all.flat_map(|(contact, written)| {
            let kept = written.iter().filter(|(key, _)| scores.written.contains(key));
            kept.map(|(key, value)| Change::FieldSet {
                contact: ContactId(*contact),
                key: key.to_string(),
                value: value.clone(),
            })
        })
        .collect()
    }
}

/// The scores and events of one contact in a commit.
#[derive(Default)]
struct Touched<'a> {
    scores: BTreeSet<ScoreId>,
    events: Vec<&'a Event>,
}

/// The last event of the commit that each rule counts.
fn name_events(points: &Points, reasons: &mut [ScoreReason], events: &[&Event]) {
    for (rule, matching) in points.counted() {
        let event = events.iter().rev().find(|event| event_matches(matching, event));
        for reason in reasons.iter_mut().filter(|reason| reason.rule == rule) {
            reason.event = event.map(|event| event.id);
        }
    }
}
