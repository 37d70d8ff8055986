//! A passage with its clock: what every driver does around the kernel, in one place.

use super::kernel::{Out, step};
use super::version::JourneyVersion;
use super::view::ContactView;
use carillon_model::event::Event;
use carillon_model::journey::{Input, State, StepIx};
use carillon_model::{EventId, Moment};
use smallvec::SmallVec;
use std::sync::Arc;

/// Keys of fields that were written.
pub(crate) type Wrote = SmallVec<[Arc<str>; 2]>;

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
        let told = self.told_of(event);
        self.takes_in(told.as_ref(), [now, now], out, |version, view| {
            if version.needs().events.contains(&event.name) {
                view.joins(version, event, now);
            }
            Wrote::new()
        });
    }

    /// What a version that listens for an event is told of it.
    pub(crate) fn told_of(&self, event: &Event) -> Option<Input> {
        let listens = self.version.needs().listens.contains(&event.name);
        listens.then(|| Input::Event(event.clone()))
    }

    /// Takes in what changed of the contact, as one commit: time passes up to `at`, `change` says which fields were
    /// written, and `now` the passage is told, of the change by `told`, or of the watched conditions that flipped.
    pub(crate) fn takes_in(
        &mut self,
        told: Option<&Input>,
        [at, now]: [Moment; 2],
        out: &mut dyn Out,
        change: impl FnOnce(&'a JourneyVersion, &mut ContactView<'a>) -> Wrote,
    ) {
        self.slide_to(at, now, out);
        let first = self.view.edges_so_far();
        self.changes(first, told, now, out, change);
    }

    /// Takes in what the commit of the last call has changed beside what the call itself did.
    pub(crate) fn committed(
        &mut self,
        now: Moment,
        out: &mut dyn Out,
        change: impl FnOnce(&'a JourneyVersion, &mut ContactView<'a>) -> Wrote,
    ) {
        let first = self.view.edges_before_last_call();
        self.changes(first, None, now, out, change);
    }

    fn changes(
        &mut self,
        first_edge: usize,
        told: Option<&Input>,
        now: Moment,
        out: &mut dyn Out,
        change: impl FnOnce(&'a JourneyVersion, &mut ContactView<'a>) -> Wrote,
    ) {
        let before = self.holding();
        let wrote = change(self.version, &mut self.view);
        self.view.commit_is_over(first_edge);
        let moved = self.hangs_on(&wrote);
        if told.is_none() {
            self.flips(&before, now, out);
        }
        if moved {
            self.step(now, &Input::Moved, out);
        }
        if let Some(told) = told {
            self.step(now, told, out);
        }
    }

    /// Whether the wait the contact is in hangs on one of these fields.
    fn hangs_on(&self, wrote: &[Arc<str>]) -> bool {
        let here = self.state.at.filter(|_| !wrote.is_empty());
        let here = here.and_then(|at| self.version.placed(at));
        here.is_some_and(|placed| {
            let fields = placed.node.hangs_on();
            wrote.iter().any(|key| fields.contains(&&**key))
        })
    }

    fn holding(&self) -> SmallVec<[bool; 8]> {
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
        self.slide_to(now, now, out);
    }

    /// Brings the conditions to `upto`, telling the flips of watched ones at `now`.
    pub(crate) fn slide_to(&mut self, upto: Moment, now: Moment, out: &mut dyn Out) {
        let (version, state) = (self.version, &mut self.state);
        self.view.slide(version, upto, |view, condition| {
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
