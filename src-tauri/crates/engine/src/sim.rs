//! Simulation of a draft: contact by contact, no store, no state of chance.
//!
//! Every draw is a stable hash of the seed, the contact and what is drawn, so a figure does not depend on the
//! order of contacts or on threads: simulate parts and [`SimReport::merge`] them. Only figures are kept; the
//! people behind one are found by running again with a filter ([`behind`]).

mod behaviour;
mod life;
mod limits;
mod recorded;
mod report;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use behaviour::{Behaviour, Cause, Delay, MailOf};
pub use life::{ENROLMENTS_ALLOWED, Plan};
pub use limits::{Accounts, Holds, Limit, Mails, reads_mails, settled};
pub use recorded::{FromOutside, Recorded};
pub use report::{EndCount, GoalCount, Number, PortCount, SimReport, StepCount};

use crate::index::Followed;
use crate::journey::{ContactView, JourneyVersion, Note, PassageId};
use crate::record::{ContactRecord, Scope};
use crate::replay::History;
use carillon_model::event::Event;
use carillon_model::journey::{Fact, Input, StepIx};
use carillon_model::{ContactId, Moment};
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

/// Plays the draft over many contacts.
pub fn simulate<'r>(world: World<'_>, contacts: impl IntoIterator<Item = &'r ContactRecord>) -> SimReport {
    let mut report = SimReport::new(world.version, world.plan);
    let mut counting = report::Counting::new(&mut report, world.version);
    for contact in contacts {
        counting.report.contacts += 1;
        Life::new(world, contact, &[]).play(&mut counting);
    }
    report
}

/// Plays the draft over many contacts whose mails are held as `holds` says, and adds to `mails` when each wants to leave.
/// With nothing held, every mail leaves at once. Reports and mails of other contacts are merged.
pub fn simulate_mails<'r>(
    world: World<'_>,
    contacts: impl IntoIterator<Item = &'r ContactRecord>,
    accounts: &Accounts,
    holds: &Holds,
    mails: &mut Mails,
) -> SimReport {
    let mut report = SimReport::new(world.version, world.plan);
    let mut watch = limits::Asking {
        watch: report::Counting::new(&mut report, world.version),
        accounts,
        mails,
    };
    for contact in contacts {
        watch.watch.report.contacts += 1;
        let life = Life::new(world, contact, &[]);
        life.held(holds.of(contact.contact())).play(&mut watch);
    }
    report
}

/// The contacts a number of the report counts, in their order, where mails are held as `holds` says.
pub fn behind<'r>(
    world: World<'_>,
    contacts: impl IntoIterator<Item = &'r ContactRecord>,
    holds: &Holds,
    number: &Number,
) -> Vec<ContactId> {
    let mut meant = Vec::new();
    for contact in contacts {
        let mut filter = report::Filter::new(number);
        let life = Life::new(world, contact, &[]);
        life.held(holds.of(contact.contact())).play(&mut filter);
        if filter.matched {
            meant.push(contact.contact());
        }
    }
    meant
}

/// One contact's passages with all they were told, as replay reads them. `given` are things that surely
/// happen, beside what the behaviours draw; in order of time.
pub fn trace(world: World<'_>, contact: &ContactRecord, given: &[Event]) -> Vec<(PassageId, History)> {
    let mut traces = Traces::default();
    Life::new(world, contact, given).play(&mut traces);
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
    Life::new(world, contact, &[]).told(recorded).play(&mut traces);
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
    Life::new(world, contact, happens).only(entry).play(&mut traces);
    traces
        .0
        .into_iter()
        .flat_map(|(_, history)| history.facts)
        .collect()
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
