//! What a contact's scores say in a simulation: measured anew with each change that they read, and when time turns them
//! over, as an index measures them with each commit.

use crate::index::{Followed, ScoreIx};
use crate::journey::{ContactView, JourneyVersion, Out, Passage, Wrote};
use crate::record::{ContactRecord, Scope};
use crate::segment::Needs;
use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::journey::{Effect, Input, Outcome};
use chrono::TimeDelta;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Scores that a change may move.
pub(super) type Touched = SmallVec<[ScoreIx; 4]>;

/// The scores of one contact; none where the draft asks for none.
pub(super) struct Scores<'a> {
    pub followed: Option<&'a Followed>,
    /// Until when each is sure.
    until: SmallVec<[Option<Moment>; 2]>,
    /// They wrote a field since this was last asked.
    wrote: bool,
}

/// The scores that an effect may move.
pub(super) fn touched_by(followed: &Followed, effect: &Effect) -> Touched {
    match effect {
        Effect::Send { .. } => Touched::new(),
        Effect::SetField { key, .. } => followed.reading(|needs| needs.fields.contains(key)).collect(),
        Effect::AddTag { tag } | Effect::RemoveTag { tag } => {
            followed.reading(|needs| needs.tags.contains(tag)).collect()
        }
        Effect::PostEvent { name, .. } => followed.reading(|needs| needs.events.contains(name)).collect(),
    }
}

impl<'a> Scores<'a> {
    /// The scores as they stand at `start`, and the contact with what they say then.
    pub fn begin(
        followed: Option<&'a Followed>,
        record: &'a ContactRecord,
        scope: &Scope,
        start: Moment,
    ) -> (Scores<'a>, Cow<'a, ContactRecord>) {
        let mut record = Cow::Borrowed(record);
        let mut until = SmallVec::new();
        if let Some(followed) = followed {
            for ix in followed.places() {
                let (written, sure) = followed.measure(ix, &record, start, scope);
                for (key, value) in written {
                    let recalled = record.past.contains_key(&*key);
                    record.to_mut().measured(&key, value, recalled.then_some(start));
                }
                until.push(sure);
            }
        }
        let scores = Scores {
            followed,
            until,
            wrote: false,
        };
        (scores, record)
    }

    /// Whether an event counts for one of them.
    pub fn reads_event(&self, name: &str) -> bool {
        self.followed
            .is_some_and(|followed| followed.needs().events.contains(name))
    }

    /// Whether they wrote a field since this was last asked.
    pub fn take_wrote(&mut self) -> bool {
        std::mem::take(&mut self.wrote)
    }

    /// When one may turn over that moves somebody at once.
    pub fn due(&self, inside: bool, may_enter: bool) -> Option<Moment> {
        let followed = self.followed?;
        let all = self.until.iter().enumerate();
        let watched = all.filter(|(ix, _)| followed.is_watched(*ix, inside, may_enter));
        watched.filter_map(|(_, until)| *until).min()
    }

    /// Lets time pass up to `now`: each turns over at its instant, and what reads it with it. What nobody saw on the way
    /// is measured once.
    pub fn pass(&mut self, passage: &mut Passage<'a>, now: Moment, out: &mut dyn Out) {
        let Some(followed) = self.followed else {
            return;
        };
        loop {
            let all = self.until.iter().enumerate();
            let stepwise = all.filter(|(ix, _)| followed.is_stepwise(*ix));
            let next = stepwise.filter_map(|(_, until)| *until).min();
            let Some(at) = next.filter(|at| *at <= now) else {
                break;
            };
            self.turn(passage, [at, now], out);
        }
        if self.until.iter().flatten().any(|until| *until <= now) {
            self.turn(passage, [now, now], out);
        }
    }

    /// Measures what is due at an instant. A condition that turns over at the same one is asked with what they say then.
    fn turn(&mut self, passage: &mut Passage<'a>, [at, now]: [Moment; 2], out: &mut dyn Out) {
        let all = self.until.iter().enumerate();
        let due = all.filter(|(_, until)| until.is_some_and(|until| until <= at));
        let due: Touched = due.map(|(ix, _)| ix).collect();
        let before = at - TimeDelta::nanoseconds(1);
        passage.takes_in(None, [before, now], out, |version, view| {
            self.measure(version, view, due, at)
        });
    }

    /// The contact did something.
    pub fn happened(&mut self, passage: &mut Passage<'a>, event: &Event, now: Moment, out: &mut dyn Out) {
        let told = passage.told_of(event);
        passage.takes_in(told.as_ref(), [now, now], out, |version, view| {
            self.joined(version, view, event, now)
        });
    }

    /// The contact did something, and is in no passage.
    pub fn happened_outside(
        &mut self,
        passage: &mut Passage<'a>,
        event: &Event,
        now: Moment,
        out: &mut dyn Out,
    ) {
        passage.takes_in(None, [now, now], out, |version, view| {
            self.joined(version, view, event, now)
        });
    }

    fn joined(
        &mut self,
        version: &JourneyVersion,
        view: &mut ContactView<'a>,
        event: &Event,
        now: Moment,
    ) -> Wrote {
        let counts = self.reads_event(&event.name);
        let asked = counts || version.needs().events.contains(&event.name);
        let is_new = asked && view.joins(version, event, now);
        if !(is_new && counts) {
            return Wrote::new();
        }
        let touched = self.reading(|needs| needs.events.contains(&event.name));
        self.measure(version, view, touched, now)
    }

    /// What became of a mail: the passage that asked for it is told, another one is not.
    pub fn mailed(
        &mut self,
        passage: &mut Passage<'a>,
        told: Option<&Input>,
        (template, outcome): (&str, Outcome),
        now: Moment,
        out: &mut dyn Out,
    ) {
        passage.takes_in(told, [now, now], out, |version, view| {
            if outcome != Outcome::Accepted {
                return Wrote::new();
            }
            let touched = self.reading(|needs| needs.any_message || needs.templates.contains(template));
            if !touched.is_empty() || version.needs().sent {
                view.accepted(version, template, now);
            }
            self.measure(version, view, touched, now)
        });
    }

    /// Somebody else wrote a field of the contact, or cleared it. What scores say is not somebody else's to write.
    pub fn wrote(
        &mut self,
        passage: &mut Passage<'a>,
        key: &str,
        value: Option<Value>,
        now: Moment,
        out: &mut dyn Out,
    ) {
        if self.followed.is_some_and(|followed| followed.writes(key)) {
            return;
        }
        passage.takes_in(None, [now, now], out, |version, view| {
            view.wrote(version, key, value, now);
            let touched = self.reading(|needs| needs.fields.contains(key));
            let mut wrote = self.measure(version, view, touched, now);
            wrote.push(key.into());
            wrote
        });
    }

    /// Somebody else gave the contact a tag (`on`) or took it.
    pub fn tagged(
        &mut self,
        passage: &mut Passage<'a>,
        (tag, on): (&str, bool),
        now: Moment,
        out: &mut dyn Out,
    ) {
        passage.takes_in(None, [now, now], out, |version, view| {
            view.tagged(version, tag, on, now);
            let touched = self.reading(|needs| needs.tags.contains(tag));
            self.measure(version, view, touched, now)
        });
    }

    /// What the passage did is committed, with what the scores say after it.
    pub fn committed(
        &mut self,
        passage: &mut Passage<'a>,
        touched: Touched,
        posted: &[Event],
        now: Moment,
        out: &mut dyn Out,
    ) {
        passage.committed(now, out, |version, view| {
            for event in posted {
                // What the version asks for the call itself has added.
                if self.reads_event(&event.name) && !version.needs().events.contains(&event.name) {
                    view.happened(version, event, now);
                }
            }
            self.measure(version, view, touched, now)
        });
    }

    fn reading(&self, reads: impl Fn(&Needs) -> bool) -> Touched {
        match self.followed {
            Some(followed) => followed.reading(reads).collect(),
            None => Touched::new(),
        }
    }

    /// Measures some, and the grades that are read from them. The fields that changed.
    fn measure(
        &mut self,
        version: &JourneyVersion,
        view: &mut ContactView<'a>,
        mut touched: Touched,
        at: Moment,
    ) -> Wrote {
        let mut wrote = Wrote::new();
        let Some(followed) = self.followed else {
            return wrote;
        };
        // Grades stand behind all that they are read from.
        touched.sort_unstable();
        touched.dedup();
        let mut next = 0;
        while let Some(ix) = touched.get(next).copied() {
            next += 1;
            let (written, sure) = followed.measure(ix, view.record(), at, view.scope());
            if let Some(until) = self.until.get_mut(ix) {
                *until = sure;
            }
            for (key, value) in written {
                let grades = followed.reading(|needs| needs.fields.contains(&*key));
                for grade in grades.filter(|grade| *grade > ix) {
                    if let Err(place) = touched.binary_search(&grade) {
                        touched.insert(place, grade);
                    }
                }
                view.put(version, &key, value, at);
                wrote.push(key);
            }
        }
        if !wrote.is_empty() {
            view.put_all(version, &wrote, at);
            self.wrote = true;
        }
        wrote
    }
}
