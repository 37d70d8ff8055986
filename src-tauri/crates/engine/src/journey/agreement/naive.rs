//! The naive driver: all contacts in one queue, a fresh copy of the record for every call, each call made twice,
//! idle calls in between.

use crate::journey::entry::schedule_condition;
use crate::journey::*;
use crate::record::{ContactRecord, Sent, Verdict};
use crate::replay::History;
use crate::segment;
use crate::sim::{MailOf, World};
use carillon_model::Moment;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::event::Event;
use carillon_model::journey::{ConditionIx, Effect, Fact, Input, Outcome, State, StepIx};
use chrono::TimeDelta;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Default)]
struct Heard {
    effects: Vec<Effect>,
    history: History,
}

impl Out for Heard {
    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn fact(&mut self, fact: Fact) {
        self.history.facts.push(fact);
    }

    fn told(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        self.history.tell(version, now, who, input);
    }
}

struct Person {
    record: ContactRecord,
    truths: Truths,
    state: State,
    past: Vec<PastEnrolment>,
    coming: Vec<Event>,
    edges: Vec<Edge>,
    after: BTreeMap<StepIx, Moment>,
    /// Calendar moments that had come before a field was written.
    kept: BTreeMap<StepIx, Moment>,
    passages: Vec<(PassageId, Heard)>,
}

struct Naive<'a> {
    world: World<'a>,
    people: Vec<Person>,
    clock: Moment,
}

impl<'a> Naive<'a> {
    fn now(&self, due: Moment) -> Moment {
        let asleep = self
            .world
            .plan
            .asleep
            .iter()
            .find(|(from, to)| *from <= due && due < *to);
        asleep.map_or(due, |(_, to)| *to).max(self.clock)
    }

    fn id(&self, p: usize) -> PassageId {
        let person = &self.people[p];
        PassageId {
            journey: self.world.plan.journey,
            contact: person.record.contact(),
            enrolment: person.past.last().map_or(0, |past| past.number),
        }
    }

    /// One call, made twice on copies.
    fn step(&mut self, p: usize, now: Moment, input: &Input) {
        let (version, scope, id) = (self.world.version, self.world.scope, self.id(p));
        let person = &mut self.people[p];
        let view = || {
            ContactView::known(
                id,
                Cow::Owned(person.record.clone()),
                scope,
                person.truths.clone(),
            )
        };
        let (mut once, mut again) = (view(), view());
        let mut second = Heard::default();
        let (_, heard) = person.passages.last_mut().unwrap();
        let facts = heard.history.facts.len();
        let before = person.state.clone();
        let state = step(version, before.clone(), now, &mut once, input, heard);
        let other = step(version, before.clone(), now, &mut again, input, &mut second);
        assert_eq!(state, other, "the same call gave another state");
        assert_eq!(
            heard.history.facts[facts..],
            second.history.facts[..],
            "the same call gave other facts"
        );
        assert_eq!(once.truths(), again.truths());
        if before.end.is_some() {
            assert_eq!(
                (&state, heard.history.facts.len()),
                (&before, facts),
                "something after the end"
            );
        }
        assert!(
            state.wake_at.is_none_or(|wake| wake >= state.planned_at),
            "a deadline before its arrival: {state:?}"
        );
        assert!(
            state.planned_at >= before.planned_at || before.at.is_none(),
            "planned moments go back"
        );
        let wrote = heard.effects.iter().any(|e| matches!(e, Effect::SetField { .. }));
        for (entry, after) in person.after.iter_mut().filter(|_| wrote) {
            match entry_due(version, *entry, Some(&person.record), scope.zone, *after) {
                Some(due) if due <= now => drop(person.kept.entry(*entry).or_insert(due)),
                _ => *after = (*after).max(now),
            }
        }
        person.state = state;
        // Segments are seen once a call: before it and after it.
        for segment in version.edges() {
            let (was, holds) = (person.truths[usize::from(segment.0)].holds, once.holds(*segment));
            if was != holds {
                person.edges.push(Edge {
                    segment: *segment,
                    entered: holds,
                    at: now,
                });
            }
        }
        person.truths = once.truths().iter().copied().collect();
        person.record = once.record().clone();
        if person.state.end.is_some() {
            person.past.last_mut().unwrap().ended = true;
        }
        let effects = std::mem::take(&mut heard.effects);
        for effect in effects.iter() {
            if let Effect::PostEvent { name, props } = effect {
                person.coming.push(posted(id.contact, name, props.clone(), now));
            }
        }
        for effect in effects {
            if let Effect::Send {
                step,
                visit,
                template,
                transactional,
                ..
            } = effect
            {
                self.mail(p, now, (id.enrolment, step, visit), &template, transactional);
            }
        }
    }

    fn mail(&mut self, p: usize, now: Moment, mail: (u32, StepIx, u32), template: &str, transactional: bool) {
        self.slide(p, now);
        let record = &self.people[p].record;
        let granted = record
            .permissions
            .contains_key(&(Channel::Email, Purpose::Marketing));
        let leaves = !record.suppressed && (transactional || granted);
        let (enrolment, step, visit) = mail;
        if leaves {
            let person = &mut self.people[p];
            if self.world.version.needs().sent {
                person.record.sent.push(Sent {
                    template: template.to_owned(),
                    at: now,
                    id: carillon_model::MessageId(0),
                });
                self.refresh(p, now);
            }
        }
        let outcome = if leaves {
            Outcome::Accepted
        } else {
            Outcome::Suppressed
        };
        self.step(p, now, &Input::Sent { step, visit, outcome });
        let person = &mut self.people[p];
        for (place, behaviour) in self.world.behaviours.iter().enumerate().filter(|_| leaves) {
            let about = MailOf {
                passage: PassageId {
                    journey: self.world.plan.journey,
                    contact: person.record.contact(),
                    enrolment,
                },
                step: step.0,
                visit,
                template,
            };
            person
                .coming
                .extend(behaviour.after_mail(place, self.world.plan.seed, &about, now));
        }
    }

    /// Everything evaluated anew.
    fn refresh(&mut self, p: usize, now: Moment) {
        let World { version, scope, .. } = self.world;
        let person = &mut self.people[p];
        for (ix, expr) in version.conditions().iter().enumerate() {
            let was = person.truths[ix].holds;
            person.truths[ix] = segment::eval(expr, &person.record, now, scope);
            let segment = ConditionIx(ix as u16);
            let entered = person.truths[ix].holds;
            if entered != was && version.edges().contains(&segment) {
                person.edges.push(Edge {
                    segment,
                    entered,
                    at: now,
                });
            }
        }
    }

    fn slide(&mut self, p: usize, now: Moment) {
        let World { version, scope, .. } = self.world;
        loop {
            let person = &mut self.people[p];
            let changes = person.truths.iter().enumerate();
            let change = changes
                .filter_map(|(ix, v)| Some((v.until.filter(|until| *until <= now)?, ix)))
                .min();
            let Some((at, ix)) = change else { break };
            let was = person.truths[ix].holds;
            person.truths[ix] = segment::eval(&version.conditions()[ix], &person.record, at, scope);
            let holds = person.truths[ix].holds;
            let condition = ConditionIx(ix as u16);
            if holds != was && version.edges().contains(&condition) {
                person.edges.push(Edge {
                    segment: condition,
                    entered: holds,
                    at,
                });
            }
            if holds != was && version.watches(condition) && person.state.at.is_some() {
                self.step(p, now, &Input::Truth { condition, holds });
            }
        }
        let person = &self.people[p];
        for (ix, expr) in version.conditions().iter().enumerate() {
            let fresh: Verdict = segment::eval(expr, &person.record, now, scope);
            assert_eq!(
                person.truths[ix].holds,
                fresh.holds,
                "`{}` is out of date",
                segment::print(expr)
            );
        }
    }

    fn enter(&mut self, p: usize, entry: StepIx, planned: Moment, event: Option<carillon_model::EventId>) {
        let now = self.clock;
        let person = &mut self.people[p];
        let Admission::Welcome { enrolment } = admit(self.world.version, entry, &person.past, now) else {
            return;
        };
        // Journeys that feed themselves are followed as far as the simulation follows them.
        if enrolment > crate::sim::ENROLMENTS_ALLOWED {
            return;
        }
        person.past.push(PastEnrolment {
            number: enrolment,
            entered_at: now,
            ended: false,
        });
        person.state = State::fresh(now);
        let id = self.id(p);
        self.people[p].passages.push((id, Heard::default()));
        self.slide(p, now);
        self.step(
            p,
            now,
            &Input::Enter {
                entry,
                planned,
                event,
            },
        );
    }

    fn follow_edges(&mut self, p: usize) {
        let version = self.world.version;
        while let Some(edge) = self.people[p].edges.first().copied() {
            if self.next_of(p).is_some_and(|(due, ..)| due < edge.at) {
                return;
            }
            self.people[p].edges.remove(0);
            for (step, entry) in version.entries() {
                if let Entry::Segment(entry) = entry
                    && (entry.is_in, entry.on_entered) == (edge.segment, edge.entered)
                {
                    self.enter(p, step, edge.at, None);
                }
            }
        }
    }

    fn begin(&mut self, p: usize) {
        let version = self.world.version;
        let truths = self.people[p].truths.clone();
        for (step, entry) in version.entries() {
            let now = match entry {
                Entry::Manual => self.world.plan.by_hand,
                Entry::Segment(e) => {
                    e.include_current && truths[usize::from(e.is_in.0)].holds == e.on_entered
                }
                _ => false,
            };
            if now {
                self.enter(p, step, self.clock, None);
            }
        }
        self.follow_edges(p);
    }

    /// Everything that will come, of everybody: the earliest, in the order a passage is promised.
    fn next(&self) -> Option<(Moment, usize, u8, usize)> {
        let of_each = (0..self.people.len()).filter_map(|p| {
            let (due, class, place) = self.next_of(p)?;
            Some((due, p, class, place))
        });
        of_each.min()
    }

    /// What comes next for one contact: when, its class, and the place of the entry of the calendar.
    fn next_of(&self, p: usize) -> Option<(Moment, u8, usize)> {
        let World { version, scope, .. } = self.world;
        let person = &self.people[p];
        let inside = person.state.at.is_some();
        let mut all = Vec::new();
        for (ix, verdict) in person.truths.iter().enumerate() {
            let ix = ConditionIx(ix as u16);
            let wanted = version.edges().contains(&ix) || (inside && version.watches(ix));
            all.extend(verdict.until.filter(|_| wanted).map(|at| (at, 0, 0)));
        }
        all.extend(person.state.wake_at.filter(|_| inside).map(|at| (at, 1, 0)));
        all.extend(person.coming.iter().map(|event| (event.at, 2, 0)));
        for (place, (step, _)) in version.entries().enumerate() {
            let after = person.after[&step];
            let due = person.kept.get(&step).copied();
            let due = due.or_else(|| entry_due(version, step, Some(&person.record), scope.zone, after));
            all.extend(due.map(|due| (due, 3, place)));
        }
        all.into_iter().min()
    }

    fn play(&mut self) {
        let World { version, plan, .. } = self.world;
        for p in 0..self.people.len() {
            self.begin(p);
        }
        let end = plan.start + TimeDelta::days(i64::from(plan.days));
        // The clock is everybody's: a contact whose turn comes later has its own moment restored by `due`.
        while let Some((due, p, class, place)) = self.next().filter(|(due, ..)| *due < end) {
            let now = self.now(due);
            if now >= end {
                break;
            }
            self.clock = now;
            let inside = self.people[p].state.at.is_some();
            if class == 3 && self.comes_again(p, place, due, now) {
                self.follow_edges(p);
                continue;
            }
            if class != 0
                && self.people[p].state.at.is_some()
                && self.people[p].state.wake_at.is_none_or(|w| w > now)
            {
                self.slide(p, now);
                let facts = |naive: &Naive| {
                    naive.people[p]
                        .passages
                        .last()
                        .map(|(_, h)| h.history.facts.len())
                };
                let before = facts(self);
                self.step(p, now, &Input::Wake);
                assert_eq!(before, facts(self), "a call without a cause did something");
            }
            match class {
                0 => self.slide(p, now),
                1 => {
                    self.slide(p, now);
                    self.step(p, now, &Input::Wake);
                }
                2 => self.event(p, now, inside),
                _ => {
                    self.slide(p, now);
                    let (entry, _) = version.entries().nth(place).unwrap();
                    self.people[p].after.insert(entry, due);
                    self.people[p].kept.remove(&entry);
                    let who = schedule_condition(version, entry);
                    if who.is_none_or(|who| self.people[p].truths[usize::from(who.0)].holds) {
                        self.enter(p, entry, due, None);
                    }
                }
            }
            self.follow_edges(p);
        }
    }

    /// Whether a moment of the calendar lets nobody in, because the next one has come as well: it is over then.
    fn comes_again(&mut self, p: usize, place: usize, due: Moment, now: Moment) -> bool {
        let World { version, scope, .. } = self.world;
        let (entry, _) = version.entries().nth(place).unwrap();
        let person = &mut self.people[p];
        let next = entry_due(version, entry, Some(&person.record), scope.zone, due);
        let again = next.is_some_and(|next| next <= now);
        if again {
            person.after.insert(entry, due);
            person.kept.remove(&entry);
        }
        again
    }

    /// `inside` says where they were before what time alone did: whoever that leads out hears the event in there still.
    fn event(&mut self, p: usize, now: Moment, inside: bool) {
        let version = self.world.version;
        let person = &mut self.people[p];
        person.coming.sort_by_key(|event| (event.at, event.id));
        let event = Event {
            arrived_at: now,
            ..person.coming.remove(0)
        };
        self.slide(p, now);
        let own = |e: &Event| e.id == event.id && e.name == event.name && e.at == event.at;
        let known = self.people[p].record.events.iter().any(own);
        let before = self.people[p].truths.clone();
        if version.needs().events.contains(&event.name) && !known {
            let events = &mut self.people[p].record.events;
            events.push(event.clone());
            events.sort_by_key(|e| (e.at, e.id));
            self.refresh(p, now);
        }
        if inside {
            if version.needs().listens.contains(&event.name) {
                self.step(p, now, &Input::Event(event));
                return;
            }
            for condition in version.watched().iter().copied() {
                let ix = usize::from(condition.0);
                let holds = self.people[p].truths[ix].holds;
                if holds != before[ix].holds && self.people[p].state.at.is_some() {
                    self.step(p, now, &Input::Truth { condition, holds });
                }
            }
            return;
        }
        let entries: Vec<StepIx> = version.entries().map(|(step, _)| step).collect();
        for entry in entries {
            if event.at >= self.world.plan.start && admits_event(version, entry, &event) {
                self.enter(p, entry, event.at, Some(event.id));
            }
        }
    }
}

pub(super) fn naive(
    world: World<'_>,
    contacts: &[(ContactRecord, Vec<Event>)],
) -> Vec<Vec<(PassageId, History)>> {
    let World {
        version,
        scope,
        plan,
        behaviours,
        ..
    } = world;
    let people = contacts.iter().map(|(record, given)| {
        let evaluate = |expr| segment::eval(expr, record, plan.start, scope);
        let mut coming = given.clone();
        for (place, behaviour) in behaviours.iter().enumerate() {
            coming.extend((0..plan.days).filter_map(|day| {
                let begins = plan.start + TimeDelta::days(i64::from(day));
                behaviour.on_day(place, plan.seed, record.contact(), day, begins)
            }));
        }
        Person {
            record: record.clone(),
            truths: version.conditions().iter().map(evaluate).collect(),
            state: State::fresh(plan.start),
            past: Vec::new(),
            coming,
            edges: Vec::new(),
            after: version.entries().map(|(step, _)| (step, plan.start)).collect(),
            passages: Vec::new(),
            kept: BTreeMap::new(),
        }
    });
    let mut driver = Naive {
        world,
        people: people.collect(),
        clock: plan.start,
    };
    driver.play();
    let histories = |person: Person| {
        person
            .passages
            .into_iter()
            .map(|(id, heard)| (id, heard.history))
            .collect()
    };
    driver.people.into_iter().map(histories).collect()
}
