//! Simulation of a draft: contact by contact, no store, no state of chance.
//!
//! Every draw is a stable hash of the seed, the contact and what is drawn, so a figure does not depend on the
//! order of contacts or on threads: simulate parts and [`SimReport::merge`] them. Only figures are kept; the
//! people behind one are found by running again with a filter ([`Behind`]).

mod alike;
mod behaviour;
mod everybody;
mod life;
mod limits;
mod recorded;
mod report;
mod sight;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use behaviour::{Behaviour, Cause, Delay, MailOf};
pub use everybody::{Audience, Behind, Simulation};
pub use life::{ENROLMENTS_ALLOWED, Plan};
pub use limits::{Accounts, Holds, Limit, Mails, reads_mails, settled};
pub use recorded::{FromOutside, Recorded};
pub use report::{EndCount, GoalCount, Number, PortCount, SimReport, StepCount};
pub use sight::Sight;

use crate::index::Followed;
use crate::journey::{ContactView, JourneyVersion, Note, PassageId};
use crate::record::{ContactRecord, Scope};
use crate::replay::History;
use carillon_model::Moment;
use carillon_model::event::Event;
use carillon_model::journey::{Fact, Input, StepIx};
use life::{Life, Watch};

/// A draft and the world it is tried in.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    pub version: &'a JourneyVersion,
    pub scope: &'a Scope,
    pub plan: &'a Plan,
    pub behaviours: &'a [Behaviour],
    /// The scores that the draft asks for. Records hold what they [need](Followed::needs) as well. `None`: it asks for
    /// none, or they are told from outside.
    pub scores: Option<&'a Followed>,
}

/// Plays the draft over some contacts, with nothing held.
pub fn simulate<'r>(world: World<'_>, contacts: impl IntoIterator<Item = &'r ContactRecord>) -> SimReport {
    let (accounts, holds) = (Accounts::default(), Holds::default());
    let mut simulation = Simulation::new(world, &accounts, &holds);
    for contact in contacts {
        simulation.plays(contact, None);
    }
    simulation.finish().0
}

/// One contact's passages with all they were told, as replay reads them. `given` are things that surely
/// happen, beside what the behaviours draw; in order of time.
pub fn trace(world: World<'_>, contact: &ContactRecord, given: &[Event]) -> Vec<(PassageId, History)> {
    let mut traces = Traces::default();
    life(world, contact, given).play(&mut traces);
    traces.0
}

/// One contact's passages, told what a live run was told from outside and nothing by chance: mails have the outcomes
/// of the record, at its moments. `recorded` is in order of time.
pub fn retrace(
    world: World<'_>,
    contact: &ContactRecord,
    recorded: &[Recorded],
) -> Vec<(PassageId, History)> {
    let world = World {
        behaviours: &[],
        ..world
    };
    let mut traces = Traces::default();
    life(world, contact, &[]).told(recorded).play(&mut traces);
    traces.0
}

/// One contact through the draft from one entry, with things that surely happen and nothing by chance: the facts from the
/// plan's start until its end.
pub fn try_one(world: World<'_>, contact: &ContactRecord, entry: StepIx, happens: &[Event]) -> Vec<Fact> {
    let world = World {
        behaviours: &[],
        ..world
    };
    let mut traces = Traces::default();
    life(world, contact, happens).only(entry).play(&mut traces);
    traces
        .0
        .into_iter()
        .flat_map(|(_, history)| history.facts)
        .collect()
}

fn life<'a>(world: World<'a>, contact: &'a ContactRecord, given: &[Event]) -> Life<'a> {
    Life::new(world, contact, life::coming(world, contact.contact(), given))
}

#[derive(Default)]
struct Traces(Vec<(PassageId, History)>);

impl Watch for Traces {
    fn begins(&mut self, passage: PassageId) {
        self.0.push((passage, History::default()));
    }

    fn told(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        if let Some((_, history)) = self.0.last_mut() {
            history.tell(version, now, who, input);
        }
    }

    fn note(&mut self, version: &JourneyVersion, note: &Note<'_>, _day: usize) {
        if let Some((_, history)) = self.0.last_mut() {
            history.facts.extend(note.fact(version));
        }
    }
}
