//! What the laws may know of one contact.

use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::segment::{Expr, MovementKind};
use carillon_model::{ContactId, JourneyId, MessageId, Moment, SegmentId, StepId};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One contact as a value: what a driver loads, what a step changes, what the evaluator reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactRecord {
    pub id: ContactIdOrZero,
    /// Built-in and custom fields by key; `email`, `time_zone` and `created_at` are among them.
    pub fields: BTreeMap<String, Value>,
    pub tags: BTreeSet<String>,
    /// Sorted by `(at, id)`. A driver may leave out what nobody asks for.
    pub events: Vec<Event>,
    /// Accepted messages, sorted by `at`.
    pub sent: Vec<Sent>,
    /// Movements that somebody asks for, sorted, each once.
    pub moved: Vec<Moved>,
    /// What scores were that somebody asks for, by the keys of their fields.
    pub past: BTreeMap<String, Past>,
    /// The ledger's last word where it is a grant.
    pub permissions: BTreeMap<(Channel, Purpose), Basis>,
    /// The address stands on the suppression list.
    pub suppressed: bool,
}

/// [`ContactId`], with 0 as the default of an empty record.
pub type ContactIdOrZero = u32;

/// One accepted message to the contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub template: String,
    pub at: Moment,
    /// 0 for one that is not in the file.
    pub id: MessageId,
}

/// A way into or out of one segment, journey or step of a journey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Movement {
    pub kind: MovementKind,
    /// The number of the segment or journey.
    pub of: u32,
    /// The step, where the movement is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
}

impl Movement {
    /// Into a segment or out of it.
    pub fn of_segment(segment: SegmentId, entered: bool) -> Movement {
        let kind = match entered {
            true => MovementKind::JoinedSegment,
            false => MovementKind::LeftSegment,
        };
        let (of, step) = (segment.0, None);
        Movement { kind, of, step }
    }

    /// Into a journey or out of it.
    pub fn of_journey(kind: MovementKind, journey: JourneyId) -> Movement {
        let (of, step) = (journey.0, None);
        Movement { kind, of, step }
    }

    /// To a step of a journey or away from it.
    pub fn of_step(kind: MovementKind, journey: JourneyId, step: StepId) -> Movement {
        let (of, step) = (journey.0, Some(step));
        Movement { kind, of, step }
    }
}

/// One movement of the contact. Two of one kind at one moment are told apart by their number: that of the passage through a
/// journey; for steps that of the fact that tells of it, or the passage's below zero where a passage was ended from
/// outside; for segments 0, so that who came in twice at one moment came in once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moved {
    pub movement: Movement,
    pub at: Moment,
    pub number: i64,
}

/// A score that came to other points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// To the millisecond, as the file keeps it.
    pub at: Moment,
    /// What it was before; `None` where it was measured for the first time.
    pub before: Option<i64>,
    /// Whole points from then on.
    pub points: i64,
}

impl Turned {
    /// From points to others. That somebody new has none is no change.
    pub fn between(at: Moment, before: Option<i64>, points: Option<i64>) -> Option<Turned> {
        let points = points.filter(|points| before.unwrap_or(0) != *points)?;
        Some(Turned { at, before, points })
    }
}

/// What a score was, and from which moment on, in order of time: the last word of each millisecond. What it was before the
/// first change that is known stands at 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Past(Vec<(Moment, i64)>);

impl Past {
    /// One after another, in order of time.
    pub fn of(all: Vec<(Moment, i64)>) -> Past {
        Past(all)
    }

    /// Takes in a change; the same again changes nothing.
    pub fn turns(&mut self, turned: Turned) {
        let Turned { at, before, points } = turned;
        if let (true, Some(before)) = (self.0.is_empty(), before) {
            self.0.push((Moment::UNIX_EPOCH, before));
        }
        let at = Moment::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at);
        match self.0.binary_search_by_key(&at, |known| known.0) {
            Ok(place) => self.0[place].1 = points,
            Err(place) => self.0.insert(place, (at, points)),
        }
    }

    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = (Moment, i64)> + Clone + '_ {
        self.0.iter().copied()
    }
}

impl ContactRecord {
    /// The contact's identity.
    pub fn contact(&self) -> ContactId {
        ContactId(self.id)
    }

    /// Takes in a movement; the same again changes nothing.
    pub fn moves(&mut self, moved: Moved) {
        if let Err(place) = self.moved.binary_search(&moved) {
            self.moved.insert(place, moved);
        }
    }

    /// Writes what a score says into its field, and, where somebody asks what it was, that it says so from `at` on.
    pub fn measured(&mut self, key: &str, value: Option<Value>, at: Option<Moment>) {
        let whole = |value: Option<&Value>| match value {
            Some(Value::Number(points)) => Some(*points as i64),
            _ => None,
        };
        let before = whole(self.fields.get(key));
        if let Some(turned) = at.and_then(|at| Turned::between(at, before, whole(value.as_ref()))) {
            self.past.entry(key.to_owned()).or_default().turns(turned);
        }
        match value {
            Some(value) => drop(self.fields.insert(key.to_owned(), value)),
            None => drop(self.fields.remove(key)),
        }
    }

    /// The contact's own zone, where it has a valid one.
    pub fn zone(&self) -> Option<Tz> {
        match self.fields.get("time_zone") {
            Some(Value::Text(name)) => name.parse().ok(),
            _ => None,
        }
    }
}

/// A movement as an expression asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub kind: MovementKind,
    /// The name of the segment or journey.
    pub name: String,
    pub step: Option<StepId>,
}

/// What an expression may refer to beside the contact.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The workspace's zone.
    pub zone: Tz,
    /// Saved segments by name, for `in segment`. Never cyclic: saving refuses that.
    pub segments: BTreeMap<String, Expr>,
    /// The numbers of segments and journeys, for their history.
    pub numbers: Numbers,
}

/// What the numbers of segments and journeys are, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, SegmentId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub journeys: BTreeMap<String, JourneyId>,
}

impl Numbers {
    /// Whether nothing has a number.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.journeys.is_empty()
    }

    /// Those of the names that movements are asked by.
    pub fn only(&self, movements: &BTreeSet<Asked>) -> Numbers {
        let mut out = Numbers::default();
        for Asked { kind, name, .. } in movements {
            if kind.is_of_journey() {
                let found = self.journeys.get(name);
                out.journeys.extend(found.map(|id| (name.clone(), *id)));
            } else {
                let found = self.segments.get(name);
                out.segments.extend(found.map(|id| (name.clone(), *id)));
            }
        }
        out
    }

    /// Which movement is meant; `None` where nothing has the name.
    pub fn movement(&self, kind: MovementKind, name: &str, step: Option<&StepId>) -> Option<Movement> {
        let of = match kind.is_of_journey() {
            true => self.journeys.get(name).map(|id| id.0),
            false => self.segments.get(name).map(|id| id.0),
        };
        of.map(|of| Movement {
            kind,
            of,
            step: step.cloned(),
        })
    }

    /// As [`Numbers::movement`].
    pub fn asked(&self, asked: &Asked) -> Option<Movement> {
        self.movement(asked.kind, &asked.name, asked.step.as_ref())
    }
}

/// Truth at a moment, and for how long it is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub holds: bool,
    /// The first later moment at which the truth may differ though no row changes. `None`: never.
    pub until: Option<Moment>,
}
