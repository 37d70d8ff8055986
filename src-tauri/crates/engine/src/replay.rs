//! The driver that reads: a recorded history gives its facts again, or the first that differs.

use crate::journey::{ContactView, JourneyVersion, Note, Out, ViewEvidence, step};
use carillon_model::Moment;
use carillon_model::journey::{Effect, Fact, Input, State};
use serde::{Deserialize, Serialize};

/// One passage as it was: what it was told, what was known then, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub inputs: Vec<Told>,
    pub facts: Vec<Fact>,
}

/// One call of the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub processed_at: Moment,
    pub input: Input,
    /// What was known before the call; `None`: exactly what was known before the last call that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<ViewEvidence>,
}

impl History {
    /// Writes down what a call is given.
    pub fn tell(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        let view = ViewEvidence::of(version, who);
        let last = self.inputs.iter().rev().find_map(|told| told.view.as_ref());
        let view = (last != Some(&view)).then_some(view);
        self.inputs.push(Told {
            processed_at: now,
            input: input.clone(),
            view,
        });
    }
}

/// Why a history cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplayable {
    #[error("the record of call {call} says nothing of what was known of the contact")]
    NoView { call: usize },
    #[error("the record of call {call} names the time zone `{zone}`, which this program does not know")]
    UnknownZone { call: usize, zone: String },
    #[error("the record of call {call} has {found} truths; this version has {expected} conditions")]
    OtherVersion {
        call: usize,
        found: usize,
        expected: usize,
    },
}

/// The first fact that differs. `None` on a side: the other has more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Place in the history, from 0.
    pub at: usize,
    pub recorded: Option<Fact>,
    pub replayed: Option<Fact>,
}

/// Gives the facts of a history again, by nothing but its inputs and what was known at each.
pub fn replay(version: &JourneyVersion, inputs: &[Told]) -> Result<Vec<Fact>, Unplayable> {
    let mut facts = Facts::default();
    let mut known: Option<&ViewEvidence> = None;
    let mut state = inputs.first().map(|told| State::fresh(told.processed_at));
    for (call, told) in inputs.iter().enumerate() {
        known = told.view.as_ref().or(known);
        let view = known.ok_or(Unplayable::NoView { call })?;
        let expected = version.conditions().len();
        if view.truths.len() != expected {
            return Err(Unplayable::OtherVersion {
                call,
                found: view.truths.len(),
                expected,
            });
        }
        let scope = view.scope().ok_or_else(|| Unplayable::UnknownZone {
            call,
            zone: view.zone.clone(),
        })?;
        let mut who = view.view(&scope);
        let before = state.take().unwrap_or_else(|| State::fresh(told.processed_at));
        state = Some(step(
            version,
            before,
            told.processed_at,
            &mut who,
            &told.input,
            &mut facts,
        ));
    }
    Ok(facts.0)
}

/// Replays a history and compares. `None`: every fact is the same.
pub fn verify(version: &JourneyVersion, history: &History) -> Result<Option<Difference>, Unplayable> {
    let replayed = replay(version, &history.inputs)?;
    let longer = replayed.len().max(history.facts.len());
    let at = (0..longer).find(|at| history.facts.get(*at) != replayed.get(*at));
    Ok(at.map(|at| Difference {
        at,
        recorded: history.facts.get(at).cloned(),
        replayed: replayed.get(at).cloned(),
    }))
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Out for Facts {
    fn effect(&mut self, _: Effect) {}

    fn fact(&mut self, fact: Fact) {
        self.0.push(fact);
    }
}

/// A sink around another that writes a [`History`].
pub struct Recorder<'o> {
    pub history: History,
    out: &'o mut dyn Out,
}

impl<'o> Recorder<'o> {
    /// Records what passes on to `out`.
    pub fn new(out: &'o mut dyn Out) -> Recorder<'o> {
        Recorder {
            history: History::default(),
            out,
        }
    }
}

impl Out for Recorder<'_> {
    fn effect(&mut self, effect: Effect) {
        self.out.effect(effect);
    }

    fn fact(&mut self, fact: Fact) {
        self.history.facts.push(fact);
    }

    fn note(&mut self, version: &JourneyVersion, note: Note<'_>) {
        self.history.facts.extend(note.fact(version));
        self.out.note(version, note);
    }

    fn told(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        self.history.tell(version, now, who, input);
        self.out.told(version, now, who, input);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
