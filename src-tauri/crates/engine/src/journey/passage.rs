//! A passage with its clock: what every driver does around the kernel, in one place.

use super::kernel::{Out, step};
use super::version::JourneyVersion;
use super::view::ContactView;
use crate::record::ContactRecord;
use crate::segment::{changed_key, write_field};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::journey::{Input, Outcome, State, StepIx};
use carillon_model::{EventId, Moment};
use std::borrow::Cow;

/// One passage and the view of its contact, kept true as time goes on.
///
/// Order within one moment `now`: first conditions slide to `now`, each flip of a watched one being told
/// as [`Input::Truth`] in order of time; then comes the input itself. So whoever wakes late decides on what
/// is true when it wakes, and nothing that was true meanwhile is missed.
///
/// A driver tells due inputs in order of their moments, the deadline before an event of the same moment,
/// and never tells a passage the event that let it in.
#[derive(Clone, Debug)]
pub struct Passage<'a> {
    pub version: &'a JourneyVersion,
    pub view: ContactView<'a>,
    pub state: State,
}

impl<'a> Passage<'a> {
    /// A passage that has not begun.
    pub fn new(version: &'a JourneyVersion, view: ContactView<'a>, now: Moment) -> Passage<'a> {
        Passage {
            version,
            view,
            state: State::fresh(now),
        }
    }

    /// Lets the contact in.
    pub fn enter(
        &mut self,
        entry: StepIx,
        planned: Moment,
        event: Option<EventId>,
        now: Moment,
        out: &mut dyn Out,
    ) {
        self.tell(
            now,
            &Input::Enter {
                entry,
                planned,
                event,
            },
            out,
        );
    }

    /// The next moment at which it wants a call though nothing happens: its deadline, or the moment until
    /// which a watched condition is sure. `None` after the end.
    pub fn due(&self) -> Option<Moment> {
        if self.state.end.is_some() {
            return None;
        }
        let watched = self.version.watched().iter();
        let slides = watched
            .filter_map(|ix| self.view.truths().get(usize::from(ix.0))?.until)
            .min();
        [self.state.wake_at, slides].into_iter().flatten().min()
    }

    /// Brings it to `now`: conditions that changed by themselves, then a deadline that has come.
    pub fn advance(&mut self, now: Moment, out: &mut dyn Out) {
        if self.state.wake_at.is_some_and(|wake| wake <= now) {
            self.tell(now, &Input::Wake, out);
        } else {
            self.slide(now, out);
        }
    }

    /// Something happened to the contact. The event joins the record if it is not there yet. A version that does not
    /// listen for it is told what it changed.
    pub fn happened(&mut self, event: &Event, now: Moment, out: &mut dyn Out) {
        self.slide(now, out);
        let before = self.holding();
        self.joins(event, now);
        if self.version.needs().listens.contains(&event.name) {
            self.step(now, &Input::Event(event.clone()), out);
        } else {
            self.flips(&before, now, out);
        }
    }

    /// Adds an event to the record, if it is one the version asks for and is not there yet.
    pub fn joins(&mut self, event: &Event, now: Moment) {
        let events = &self.view.record().events;
        let known = events
            .iter()
            .rev()
            .any(|known| known.id == event.id && known.name == event.name && known.at == event.at);
        if !known && self.version.needs().events.contains(&event.name) {
            self.view.happened(self.version, event, now);
        }
    }

    /// What became of a message; an accepted one joins the record.
    pub fn sent(
        &mut self,
        at: StepIx,
        visit: u32,
        template: &str,
        outcome: Outcome,
        now: Moment,
        out: &mut dyn Out,
    ) {
        self.left(template, outcome, now, out);
        self.step(
            now,
            &Input::Sent {
                step: at,
                visit,
                outcome,
            },
            out,
        );
    }

    /// What became of a message that another passage of the contact asked for.
    pub fn left(&mut self, template: &str, outcome: Outcome, now: Moment, out: &mut dyn Out) {
        self.slide(now, out);
        if outcome == Outcome::Accepted && self.version.needs().sent {
            self.view.accepted(self.version, template, now);
        }
    }

    /// Somebody else wrote a field of the contact, or cleared it.
    pub fn wrote(&mut self, key: &str, value: Option<Value>, now: Moment, out: &mut dyn Out) {
        let mut record = self.view.record().clone();
        let asked = self.version.needs().fields.contains(&changed_key(key));
        write_field(&mut record.fields, key, value, now, asked);
        self.renewed(record, now, out);
        let here = self.state.at.and_then(|at| self.version.placed(at));
        if here.is_some_and(|placed| placed.node.hangs_on().contains(&key)) {
            self.step(now, &Input::Moved, out);
        }
    }

    /// Somebody else gave the contact a tag (`on`) or took it.
    pub fn tagged(&mut self, tag: &str, on: bool, now: Moment, out: &mut dyn Out) {
        let mut record = self.view.record().clone();
        if on {
            record.tags.insert(tag.to_owned());
        } else {
            record.tags.remove(tag);
        }
        self.renewed(record, now, out);
    }

    /// Takes a record that somebody else changed, telling the flips of watched conditions.
    fn renewed(&mut self, record: ContactRecord, now: Moment, out: &mut dyn Out) {
        self.slide(now, out);
        let before = self.holding();
        self.view.renew(self.version, Cow::Owned(record), now);
        self.flips(&before, now, out);
    }

    fn holding(&self) -> Vec<bool> {
        self.view.truths().iter().map(|verdict| verdict.holds).collect()
    }

    /// Tells the watched conditions that hold otherwise than before.
    fn flips(&mut self, before: &[bool], now: Moment, out: &mut dyn Out) {
        for condition in self.version.watched().iter().copied() {
            let holds = self.view.holds(condition);
            let was = before.get(usize::from(condition.0)).copied();
            if was != Some(holds) && self.state.at.is_some() {
                self.step(now, &Input::Truth { condition, holds }, out);
            }
        }
    }

    /// Gives it an input of any kind, with the record as it is.
    pub fn tell(&mut self, now: Moment, input: &Input, out: &mut dyn Out) {
        self.slide(now, out);
        self.step(now, input, out);
    }

    /// Brings the conditions to `now`, telling the flips of watched ones.
    pub fn slide(&mut self, now: Moment, out: &mut dyn Out) {
        let (version, state) = (self.version, &mut self.state);
        self.view.slide(version, now, |view, condition| {
            if version.watches(condition) && state.at.is_some() {
                let holds = view.holds(condition);
                call(version, state, now, view, &Input::Truth { condition, holds }, out);
            }
        });
    }

    fn step(&mut self, now: Moment, input: &Input, out: &mut dyn Out) {
        call(self.version, &mut self.state, now, &mut self.view, input, out);
    }
}

/// One call of the kernel.
fn call(
    version: &JourneyVersion,
    state: &mut State,
    now: Moment,
    view: &mut ContactView<'_>,
    input: &Input,
    out: &mut dyn Out,
) {
    let first = view.edges_so_far();
    let before = std::mem::replace(state, State::fresh(now));
    *state = step(version, before, now, view, input, out);
    view.call_is_over(first);
}
