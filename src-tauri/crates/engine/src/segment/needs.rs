//! Which facts of a contact an expression depends on.

use super::check::clauses;
use super::parts::{events_of, fields_of, movements_of, past_of, window_of, zones_of};
use crate::record::Asked;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::segment::{Clause, Expr, Test, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// The facts whose change may change the truth of an expression, segments it refers to included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub fields: BTreeSet<String>,
    pub tags: BTreeSet<String>,
    /// Names of events.
    pub events: BTreeSet<String>,
    /// Keys of templates.
    pub templates: BTreeSet<String>,
    /// Messages of any template.
    pub any_message: bool,
    pub permissions: BTreeSet<(Channel, Purpose)>,
    pub suppressed: bool,
    /// The workspace's zone.
    pub zone: bool,
    /// Names of segments, known or not, through all references; those whose history is read not among them.
    pub segments: BTreeSet<String>,
    /// Movements, by the name of the segment or journey.
    pub movements: BTreeSet<Asked>,
    /// Scores whose past is read, by the keys of their fields.
    pub past: BTreeSet<String>,
    /// The contact's number, by which samples are drawn.
    pub sample: bool,
    /// Time alone may change it.
    pub time: bool,
    /// More of a contact than an expression names, for whoever reads a record.
    pub every: Every,
}

/// What is wanted of a contact whatever its name is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Every {
    pub field: bool,
    pub tag: bool,
    pub event: bool,
}

impl Needs {
    /// All facts of a contact but its movements and what its scores were.
    pub fn everything() -> Needs {
        Needs {
            any_message: true,
            every: Every {
                field: true,
                tag: true,
                event: true,
            },
            ..Needs::default()
        }
    }

    /// All fields and tags of a contact: what a mail may say of it.
    pub fn every_field() -> Needs {
        let mut needs = Needs::default();
        (needs.every.field, needs.every.tag) = (true, true);
        needs
    }

    /// All events of a contact.
    pub fn every_event() -> Needs {
        let mut needs = Needs::default();
        needs.every.event = true;
        needs
    }

    /// Some fields of a contact.
    pub fn some_fields(keys: impl IntoIterator<Item = impl Into<String>>) -> Needs {
        Needs {
            fields: keys.into_iter().map(Into::into).collect(),
            ..Needs::default()
        }
    }

    /// The needs of `expr` among the saved `segments`.
    pub fn of(expr: &Expr, segments: &BTreeMap<String, Expr>) -> Needs {
        let mut needs = Needs::default();
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            for clause in clauses(expr) {
                if let Clause::InSegment { name } = clause
                    && !needs.segments.contains(name)
                {
                    open.extend(segments.get(name));
                }
                needs.add(clause);
            }
        }
        needs
    }

    /// Takes in the needs of another expression.
    pub fn merge(&mut self, other: &Needs) {
        self.fields.extend(other.fields.iter().cloned());
        self.tags.extend(other.tags.iter().cloned());
        self.events.extend(other.events.iter().cloned());
        self.templates.extend(other.templates.iter().cloned());
        self.permissions.extend(other.permissions.iter().copied());
        self.segments.extend(other.segments.iter().cloned());
        self.movements.extend(other.movements.iter().cloned());
        self.past.extend(other.past.iter().cloned());
        self.any_message |= other.any_message;
        self.suppressed |= other.suppressed;
        self.zone |= other.zone;
        self.sample |= other.sample;
        self.time |= other.time;
        self.every.field |= other.every.field;
        self.every.tag |= other.every.tag;
        self.every.event |= other.every.event;
    }

    /// Whether whoever has all that `other` names has all that this does, whatever time it is.
    pub fn is_within(&self, other: &Needs) -> bool {
        let mut both = other.clone();
        both.merge(self);
        // What an expression is written with is nothing of a contact.
        (both.zone, both.time) = (other.zone, other.time);
        both.segments.clone_from(&other.segments);
        both == *other
    }

    fn add(&mut self, clause: &Clause) {
        self.events
            .extend(events_of(clause).map(|event| event.name.clone()));
        // In any window: an event may carry a moment that is still to come.
        self.time |= window_of(clause).is_some();
        self.zone |= zones_of(clause).any(|zone| !matches!(zone, Zone::Named(_)));
        self.fields.extend(fields_of(clause).map(str::to_owned));
        self.movements.extend(movements_of(clause));
        self.past.extend(past_of(clause).map(str::to_owned));
        match clause {
            Clause::Shifted { .. } => self.time = true,
            Clause::Field {
                test: Test::Date { .. },
                ..
            } => {
                // Absolute dates too: a moment's date depends on the zone.
                self.time = true;
            }
            Clause::Field { .. } | Clause::Ranked { .. } => {}
            Clause::Tag { tag } => drop(self.tags.insert(tag.clone())),
            Clause::Sent { template, .. } => match template {
                Some(template) => drop(self.templates.insert(template.clone())),
                None => self.any_message = true,
            },
            Clause::Answered { answer, .. } => {
                self.any_message = true;
                self.events.insert(answer.event().to_owned());
                // A message or an answer may carry a moment that is still to come.
                self.time = true;
            }
            Clause::Consent { channel, purpose, .. } => {
                self.permissions.insert((*channel, *purpose));
                self.suppressed = true;
            }
            Clause::InSegment { name } => drop(self.segments.insert(name.clone())),
            // A movement may carry a moment that is still to come, as an event may.
            Clause::InJourney { .. } => self.time = true,
            Clause::Sample { .. } => self.sample = true,
            Clause::Moved { .. }
            | Clause::Did { .. }
            | Clause::Streak { .. }
            | Clause::FirstDid { .. }
            | Clause::LastDid { .. }
            | Clause::Aggregate { .. }
            | Clause::Sequence { .. } => {}
        }
    }
}
