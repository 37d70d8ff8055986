//! The scores that a journey asks for, measured one contact at a time where no index is told of anything: in a simulation.

use super::scored::{ScoreDefinition, Scores, Written};
use crate::journey::{Entry, JourneyVersion};
use crate::record::{ContactRecord, Scope};
use crate::scores::Scoring;
use crate::segment::Needs;
use carillon_model::Moment;
use carillon_model::score::Score;
use chrono::TimeDelta;
use std::collections::BTreeSet;

/// The place of a score among those that are followed.
pub(crate) type ScoreIx = usize;

/// The published scores that a journey asks for, and those that a grade among them is read from. Measured by the fold that
/// measures them live.
#[derive(Debug)]
pub struct Followed {
    scores: Scores,
    /// Points first: grades read them.
    of: Vec<One>,
    needs: Needs,
}

/// One of them.
#[derive(Debug)]
struct One {
    definition: ScoreDefinition,
    needs: Needs,
    /// Somebody may be moved at the instant it turns over: who is inside the journey.
    moves_inside: bool,
    /// And who is outside it.
    lets_in: bool,
    /// What it says hangs on what it said before, or somebody asks what it said: it is measured at each instant at which time alone
    /// may change it.
    remembers: bool,
}

impl Followed {
    /// Those of the published scores that `version` asks for; `None` where there are none.
    pub(super) fn new(scores: &Scores, scope: &Scope, version: &JourneyVersion) -> Option<Followed> {
        let asked = with_read(scores, version.needs().fields.clone());
        let [inside, outside] = moved_by(scope, version).map(|keys| with_read(scores, keys));
        let past = &version.needs().past;
        let mut needs = Needs::default();
        let mut of = Vec::new();
        for grade in [false, true] {
            let turn = scores.all.iter().filter(|(_, one)| is_grade(one) == grade);
            for (id, definition) in turn.filter(|(_, one)| writes(one, &asked)) {
                let own = scores.needs_of(*id);
                needs.merge(&own);
                needs
                    .fields
                    .extend(definition.writes().iter().map(|key| key.to_string()));
                of.push(One {
                    needs: own,
                    moves_inside: writes(definition, &inside),
                    lets_in: writes(definition, &outside),
                    remembers: matches!(&*definition.scoring, Scoring::Points(points) if points.has_stages())
                        || definition.writes().iter().any(|key| past.contains(&**key)),
                    definition: definition.clone(),
                });
            }
        }
        (!of.is_empty()).then(|| Followed {
            scores: scores.clone(),
            of,
            needs,
        })
    }

    /// What of a contact is read to measure them, and the fields that they write.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Fields of those whose rules read what a simulation leaves as it is: consent, suppression, and the history of
    /// journeys.
    pub fn in_part(&self) -> impl Iterator<Item = &str> {
        let of = self.of.iter().filter(|one| {
            let needs = &one.needs;
            let of_journey = needs.movements.iter().any(|asked| asked.kind.is_of_journey());
            of_journey || needs.suppressed || !needs.permissions.is_empty()
        });
        of.filter_map(|one| one.definition.writes().first().map(|key| &**key))
    }

    /// Whether one counts what was sent.
    pub(crate) fn reads_mails(&self) -> bool {
        self.needs.any_message || !self.needs.templates.is_empty()
    }

    /// In their order.
    pub(crate) fn places(&self) -> impl Iterator<Item = ScoreIx> + use<> {
        0..self.of.len()
    }

    /// The fields that they write.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        let of = self.of.iter();
        of.flat_map(|one| one.definition.writes().iter().map(|key| &**key))
    }

    /// Whether the fold of scores writes the field.
    pub(crate) fn writes(&self, key: &str) -> bool {
        self.of
            .iter()
            .any(|one| one.definition.writes().iter().any(|field| **field == *key))
    }

    /// Those whose rules a test of what is needed meets.
    pub(crate) fn reading(&self, reads: impl Fn(&Needs) -> bool) -> impl Iterator<Item = ScoreIx> {
        let of = self.of.iter().enumerate();
        of.filter(move |(_, one)| reads(&one.needs)).map(|(ix, _)| ix)
    }

    /// Whether its turning over by time must be seen at the instant by somebody who is inside or not.
    pub(crate) fn is_watched(&self, ix: ScoreIx, inside: bool, may_enter: bool) -> bool {
        self.of
            .get(ix)
            .is_some_and(|one| inside && one.moves_inside || may_enter && one.lets_in)
    }

    /// Whether it must be measured at each instant at which it may turn over, somebody seeing it or not.
    pub(crate) fn is_stepwise(&self, ix: ScoreIx) -> bool {
        self.of
            .get(ix)
            .is_some_and(|one| one.moves_inside || one.lets_in || one.remembers)
    }

    /// Measures one for a contact who carries what they said before: what it writes, and until when that is sure.
    pub(crate) fn measure(
        &self,
        ix: ScoreIx,
        who: &ContactRecord,
        at: Moment,
        scope: &Scope,
    ) -> (Written, Option<Moment>) {
        let Some(one) = self.of.get(ix) else {
            return (Written::new(), None);
        };
        let measured = self.scores.measure(&one.definition, who, at, scope);
        // A later moment was promised; without one, passing time would never end.
        let until = measured
            .until
            .map(|until| until.max(at + TimeDelta::nanoseconds(1)));
        (measured.written, until)
    }
}

fn is_grade(definition: &ScoreDefinition) -> bool {
    matches!(*definition.scoring, Scoring::Grade(_))
}

fn writes(definition: &ScoreDefinition, keys: &BTreeSet<String>) -> bool {
    definition.writes().iter().any(|key| keys.contains(&**key))
}

/// The fields, and those that grades among them are read from.
fn with_read(scores: &Scores, mut keys: BTreeSet<String>) -> BTreeSet<String> {
    let grades = scores.all.values().filter(|one| writes(one, &keys));
    let read = grades.filter_map(|one| match &*one.scoring {
        Scoring::Grade(grade) => Some(grade.scores().map(Score::field)),
        Scoring::Points(_) => None,
    });
    let read: Vec<String> = read.flatten().collect();
    keys.extend(read);
    keys
}

/// Fields at whose turning over a contact is moved at once, inside the journey and outside it.
fn moved_by(scope: &Scope, version: &JourneyVersion) -> [BTreeSet<String>; 2] {
    let read = |condition: &carillon_model::journey::ConditionIx| {
        let expr = version.conditions().get(usize::from(condition.0));
        expr.map(|expr| Needs::of(expr, &scope.segments).fields)
            .unwrap_or_default()
    };
    let mut inside: BTreeSet<String> = version.watched().iter().flat_map(read).collect();
    inside.extend(version.hanging().map(|(_, field)| field.to_owned()));
    let mut outside: BTreeSet<String> = version.edges().iter().flat_map(read).collect();
    outside.extend(version.entries().filter_map(|(_, entry)| match entry {
        Entry::Date(date) => Some(date.field.clone()),
        Entry::Segment(_) | Entry::Event(_) | Entry::Schedule(_) | Entry::Manual => None,
    }));
    [inside, outside]
}
