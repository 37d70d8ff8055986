//! One contact's time in a simulation: what comes next, and what it does to the passage.

mod mails;
mod scores;

use super::World;
use super::behaviour::Cause;
use super::limits::Held;
use super::recorded::{FromOutside, Recorded};
use crate::index::Followed;
use crate::journey::{
    Admission, ContactView, Edge, Entry, JourneyVersion, Note, Out, Passage, PassageId, PastEnrolment, admit,
    admits_event, entry_due, is_made_up_for, posted,
};
use crate::record::ContactRecord;
use carillon_model::event::Event;
use carillon_model::journey::{Effect, Fact, Input, State, StepIx};
use carillon_model::{ContactId, EventId, JourneyId, Moment};
use chrono::TimeDelta;
use mails::Mail;
use scores::{Scores, Touched, touched_by};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Most passages of one contact in a simulation.
pub const ENROLMENTS_ALLOWED: u32 = 1_000;

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The journey, for the draws of its random splits.
    pub journey: JourneyId,
    pub start: Moment,
    /// Days of 24 hours.
    pub days: u32,
    pub seed: u64,
    /// Stretches `[from, to)` in which the machine sleeps, in order and apart. What falls due in one is
    /// handled at its end.
    pub asleep: Vec<(Moment, Moment)>,
    /// Every contact is put in by hand at the start, where the draft has such an entry.
    pub by_hand: bool,
}

impl Plan {
    /// The end of the horizon.
    pub fn end(&self) -> Moment {
        self.start
            .checked_add_signed(TimeDelta::days(i64::from(self.days)))
            .unwrap_or(Moment::MAX_UTC)
    }

    /// When something that falls due at a moment is handled.
    pub fn awake(&self, due: Moment) -> Moment {
        let asleep = self.asleep.iter().find(|(from, to)| *from <= due && due < *to);
        asleep.map_or(due, |(_, to)| *to)
    }

    /// The day of a moment, from 0; what lies outside counts to the nearest.
    pub fn day(&self, at: Moment) -> usize {
        let day = (at - self.start).num_days();
        day.clamp(0, i64::from(self.days.max(1)) - 1) as usize
    }
}

/// Who looks on.
pub(super) trait Watch {
    fn begins(&mut self, _passage: PassageId) {}

    fn told(&mut self, _version: &JourneyVersion, _now: Moment, _who: &ContactView<'_>, _input: &Input) {}

    fn note(&mut self, version: &JourneyVersion, note: &Note<'_>, day: usize);

    fn mail(&mut self, _day: usize, _leaves: bool) {}

    /// A mail may leave through the account, as far as its contact goes.
    fn asks(&mut self, _at: Moment, _account: Option<&str>) {}

    fn done(&mut self, _version: &JourneyVersion, _state: &State, _cut_short: bool) {}
}

/// What comes next. Of one moment in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Slide,
    Wake,
    Event,
    /// The place in the list of calendar entries.
    Calendar(usize),
    /// What came from outside, once all that is due by itself was done.
    Recorded,
    /// A mail that was held leaves.
    Leaves,
}

/// A date or schedule entry: its last moment that is settled, and its next.
struct Occurrence {
    entry: StepIx,
    settled: Moment,
    due: Option<Moment>,
}

/// What a contact is given to do and what it does by itself, as far as it matters: the next thing last.
pub(super) fn coming(world: World<'_>, contact: ContactId, given: &[Event]) -> Vec<Event> {
    let plan = world.plan;
    let given = given.iter().filter(|event| matters(world, &event.name));
    let mut coming: Vec<Event> = given.cloned().collect();
    for (place, behaviour) in world.behaviours.iter().enumerate() {
        if behaviour.cause == Cause::PerDay && matters(world, &behaviour.event) {
            coming.extend((0..plan.days).filter_map(|day| {
                let begins_at = plan.start.checked_add_signed(TimeDelta::days(i64::from(day)))?;
                behaviour.on_day(place, plan.seed, contact, day, begins_at)
            }));
        }
    }
    coming.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
    coming
}

/// Whether the draft, or a score that it asks for, hears of an event.
fn matters(world: World<'_>, name: &str) -> bool {
    let version = world.version;
    let lets_in = |entry: &Entry| matches!(entry, Entry::Event(wanted) if wanted.name == name);
    version.needs().events.contains(name)
        || world
            .scores
            .is_some_and(|scores| scores.needs().events.contains(name))
        || version.entries().any(|(_, entry)| lets_in(entry))
}

pub(super) struct Life<'a> {
    world: World<'a>,
    passage: Passage<'a>,
    scores: Scores<'a>,
    past: Vec<PastEnrolment>,
    /// Things that will happen, the next one last.
    coming: Vec<Event>,
    calendar: Vec<Occurrence>,
    /// Comings and goings that nobody was let in by yet.
    edges: VecDeque<Edge>,
    /// What a live run was told from outside. With it, mails get their outcomes from here and nowhere else.
    recorded: Option<VecDeque<Recorded>>,
    /// Mails that could leave so far.
    asked: u32,
    /// Which of them are held by their account, and until when.
    held: &'a [Held],
    /// Mails that are held now, the first to leave last.
    leaving: Vec<(Moment, Mail)>,
    /// Enters here at the start and nowhere else.
    only: Option<StepIx>,
    until: Moment,
    clock: Moment,
    cut_short: bool,
}

impl<'a> Life<'a> {
    /// With the things that will happen, as [`coming`] has them.
    pub(super) fn new(world: World<'a>, record: &'a ContactRecord, coming: Vec<Event>) -> Life<'a> {
        let World {
            version, scope, plan, ..
        } = world;
        let id = PassageId {
            journey: plan.journey,
            contact: record.contact(),
            enrolment: 0,
        };
        let (scores, record) = Scores::begin(world.scores, record, scope, plan.start);
        let view = ContactView::new(version, id, record, scope, plan.start);
        Life {
            world,
            passage: Passage::new(version, view, plan.start),
            scores,
            past: Vec::new(),
            coming,
            calendar: Vec::new(),
            edges: VecDeque::new(),
            recorded: None,
            asked: 0,
            held: &[],
            leaving: Vec::new(),
            only: None,
            until: plan.end(),
            clock: plan.start,
            cut_short: false,
        }
    }

    pub(super) fn only(mut self, entry: StepIx) -> Life<'a> {
        self.only = Some(entry);
        self
    }

    pub(super) fn told(mut self, recorded: &[Recorded]) -> Life<'a> {
        self.recorded = Some(recorded.iter().cloned().collect());
        self
    }

    pub(super) fn held(mut self, held: &'a [Held]) -> Life<'a> {
        self.held = held;
        self
    }

    pub(super) fn play(mut self, watch: &mut impl Watch) {
        self.begin(watch);
        self.follow_edges(watch);
        while let Some((due, next)) = self.next().filter(|(due, _)| *due < self.until) {
            let now = self.world.plan.awake(due).max(self.clock);
            if now >= self.until {
                break;
            }
            self.clock = now;
            match next {
                Next::Slide => self.call(watch, |passage, _, out| passage.slide(now, out)),
                Next::Wake => self.call(watch, |passage, _, out| passage.tell(now, &Input::Wake, out)),
                Next::Event => self.event(watch),
                Next::Calendar(place) => self.calendar(place, due, watch),
                Next::Recorded => self.outside(watch),
                Next::Leaves => self.leaves(watch),
            }
            self.follow_edges(watch);
        }
        watch.done(self.world.version, &self.passage.state, self.cut_short);
    }

    /// Who is inside at once: put in by hand, or in a segment whose present members come in too.
    fn begin(&mut self, watch: &mut impl Watch) {
        let (version, plan) = (self.world.version, self.world.plan);
        if let Some(entry) = self.only {
            self.enter(entry, plan.start, None, watch);
            return;
        }
        // All that is decided by how things stand at the beginning, before the first one changes them.
        let mut inside = SmallVec::<[StepIx; 4]>::new();
        for (step, entry) in version.entries() {
            match entry {
                Entry::Manual if plan.by_hand => inside.push(step),
                Entry::Segment(entry) if entry.include_current => {
                    if self.passage.view.holds(entry.is_in) == entry.on_entered {
                        inside.push(step);
                    }
                }
                Entry::Date(_) | Entry::Schedule(_) => {
                    self.calendar.push(Occurrence {
                        entry: step,
                        settled: plan.start,
                        due: None,
                    });
                }
                Entry::Manual | Entry::Segment(_) | Entry::Event(_) => {}
            }
        }
        for step in inside {
            self.enter(step, plan.start, None, watch);
        }
        self.plan_calendar(plan.start);
    }

    fn next(&self) -> Option<(Moment, Next)> {
        let inside = self.passage.state.at.is_some();
        let version = self.world.version;
        let watched = version.watched().iter().filter(|_| inside);
        let conditions = watched.chain(version.edges().iter().filter(|_| self.only.is_none()));
        let slides = conditions
            .filter_map(|ix| self.passage.view.truths().get(usize::from(ix.0))?.until)
            .min();
        let scores = self.scores.due(inside, self.only.is_none());
        let calendar = self.calendar.iter().enumerate();
        let calendar = calendar
            .filter_map(|(place, next)| Some((next.due?, Next::Calendar(place))))
            .min();
        [
            [slides, scores]
                .into_iter()
                .flatten()
                .min()
                .map(|at| (at, Next::Slide)),
            self.passage
                .state
                .wake_at
                .filter(|_| inside)
                .map(|at| (at, Next::Wake)),
            self.coming.last().map(|event| (event.at, Next::Event)),
            calendar,
            self.recorded
                .as_ref()
                .and_then(VecDeque::front)
                .map(|told| (told.at, Next::Recorded)),
            self.leaving.last().map(|(at, _)| (*at, Next::Leaves)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// An event lets the contact in, or is told to the passage it is in; never both.
    fn event(&mut self, watch: &mut impl Watch) {
        if let Some(event) = self.coming.pop() {
            self.happened(event, watch);
        }
    }

    fn happened(&mut self, event: Event, watch: &mut impl Watch) {
        let now = self.clock;
        let event = Event {
            arrived_at: now,
            ..event
        };
        if self.passage.state.at.is_some() {
            return self.call(watch, |passage, scores, out| {
                scores.happened(passage, &event, now, out)
            });
        }
        self.call(watch, |passage, scores, out| {
            scores.happened_outside(passage, &event, now, out)
        });
        let entries = self.world.version.entries();
        let entries: SmallVec<[StepIx; 4]> = entries.map(|(step, _)| step).collect();
        for entry in entries {
            // What happened before the publish lets nobody in, though it is heard of only now.
            if event.at >= self.world.plan.start && admits_event(self.world.version, entry, &event) {
                self.enter(entry, event.at, Some(event.id), watch);
            }
        }
    }

    /// The next thing a live run was told.
    fn outside(&mut self, watch: &mut impl Watch) {
        let Some(told) = self.recorded.as_mut().and_then(VecDeque::pop_front) else {
            return;
        };
        let now = self.clock;
        match told.what {
            FromOutside::Happened(event) if self.matters(&event.name) => self.happened(event, watch),
            FromOutside::Happened(_) => {}
            FromOutside::PutIn(entry) => {
                self.call(watch, |passage, _, out| passage.slide(now, out));
                self.enter(entry, told.at, None, watch);
            }
            FromOutside::Wrote(key, value) => {
                self.call(watch, |passage, scores, out| {
                    scores.wrote(passage, &key, value, now, out)
                });
                self.plan_calendar(now);
            }
            FromOutside::Tagged(tag, on) => {
                self.call(watch, |passage, scores, out| {
                    scores.tagged(passage, (&tag, on), now, out)
                });
            }
            FromOutside::Mail {
                enrolment,
                step,
                visit,
                template,
                outcome,
            } => self.learns(enrolment, (step, visit), &template, outcome, watch),
        }
    }

    fn calendar(&mut self, place: usize, due: Moment, watch: &mut impl Watch) {
        let entry = self.calendar[place].entry;
        let now = self.clock;
        self.calendar[place].settled = due;
        self.calendar[place].due = self.due(entry, due);
        if is_made_up_for(self.calendar[place].due, now) {
            return;
        }
        self.call(watch, |passage, _, out| passage.slide(now, out));
        let condition = crate::journey::entry::schedule_condition(self.world.version, entry);
        if condition.is_none_or(|who| self.passage.view.holds(who)) {
            self.enter(entry, due, None, watch);
        }
    }

    fn enter(&mut self, entry: StepIx, planned: Moment, event: Option<EventId>, watch: &mut impl Watch) {
        let now = self.clock;
        let welcome = match self.only {
            Some(_) if self.past.is_empty() => Admission::Welcome { enrolment: 1 },
            Some(_) => return,
            None => admit(self.world.version, entry, &self.past, now),
        };
        let enrolment = match welcome {
            Admission::Welcome { enrolment } if enrolment <= ENROLMENTS_ALLOWED => enrolment,
            Admission::Welcome { .. } | Admission::TooOften => {
                self.cut_short = true;
                return;
            }
            Admission::StillInside | Admission::OnceOnly | Admission::TooSoon { .. } | Admission::NoEntry => {
                return;
            }
        };
        self.passage.view.passage.enrolment = enrolment;
        self.passage.state = State::fresh(now);
        self.past.push(PastEnrolment {
            number: enrolment,
            entered_at: now,
            ended: false,
        });
        watch.begins(self.passage.view.passage);
        self.call(watch, |passage, _, out| {
            passage.enter(entry, planned, event, now, out)
        });
    }

    /// Calls the passage, and does what it asks: mails are accepted or refused, posted events come back. Scores that time
    /// turned over are measured before, and those that the call moved right after it, as its commit would.
    fn call(
        &mut self,
        watch: &mut impl Watch,
        tell: impl FnOnce(&mut Passage<'a>, &mut Scores<'a>, &mut dyn Out),
    ) {
        let now = self.clock;
        let mut heard = Heard {
            day: self.world.plan.day(now),
            now,
            id: self.passage.view.passage,
            watch: &mut *watch,
            mails: SmallVec::new(),
            posted: SmallVec::new(),
            committed: 0,
            wrote: false,
            scores: self.world.scores,
            touched: Touched::new(),
        };
        self.scores.pass(&mut self.passage, now, &mut heard);
        heard.settle(&mut self.passage, &mut self.scores);
        tell(&mut self.passage, &mut self.scores, &mut heard);
        heard.settle(&mut self.passage, &mut self.scores);
        let Heard {
            mails, posted, wrote, ..
        } = heard;
        if self.passage.state.end.is_some()
            && let Some(last) = self.past.last_mut()
        {
            last.ended = true;
        }
        for mail in mails {
            self.deliver(mail, watch);
        }
        for event in posted {
            self.comes(event);
        }
        if self.scores.take_wrote() || wrote {
            self.plan_calendar(now);
        }
    }

    /// Lets the contact in by the edges of segments, those included that come of that. What was due before an edge, and
    /// slept through, comes before it.
    fn follow_edges(&mut self, watch: &mut impl Watch) {
        loop {
            self.edges.extend(self.passage.view.take_edges());
            if self.only.is_some() {
                self.edges.clear();
            }
            let Some(edge) = self.edges.front().copied() else {
                return;
            };
            if self.next().is_some_and(|(due, _)| due < edge.at) {
                return;
            }
            self.edges.pop_front();
            for (step, entry) in self.world.version.entries() {
                if let Entry::Segment(entry) = entry
                    && entry.is_in == edge.segment
                    && entry.on_entered == edge.entered
                {
                    self.enter(step, edge.at, None, watch);
                }
            }
        }
    }

    fn comes(&mut self, event: Event) {
        if self.matters(&event.name) {
            let place = self
                .coming
                .partition_point(|other| (other.at, other.id) > (event.at, event.id));
            self.coming.insert(place, event);
        }
    }

    fn matters(&self, name: &str) -> bool {
        matters(self.world, name)
    }

    /// A field may have been written at `now`: what was due by then stays due, and of what is written only later
    /// moments count.
    fn plan_calendar(&mut self, now: Moment) {
        for place in 0..self.calendar.len() {
            if self.calendar[place].due.is_some_and(|due| due <= now) {
                continue;
            }
            let settled = self.calendar[place].settled.max(now);
            self.calendar[place].settled = settled;
            self.calendar[place].due = self.due(self.calendar[place].entry, settled);
        }
    }

    fn due(&self, entry: StepIx, after: Moment) -> Option<Moment> {
        let record = self.passage.view.record();
        entry_due(
            self.world.version,
            entry,
            Some(record),
            self.world.scope.zone,
            after,
        )
    }
}

struct Heard<'w, W> {
    watch: &'w mut W,
    day: usize,
    now: Moment,
    id: PassageId,
    mails: SmallVec<[Mail; 2]>,
    posted: SmallVec<[Event; 1]>,
    /// How many of those are in the record.
    committed: usize,
    /// A field was written: dates may have moved.
    wrote: bool,
    scores: Option<&'w Followed>,
    /// Those that what was asked for may move.
    touched: Touched,
}

impl<W: Watch> Heard<'_, W> {
    /// Measures what was touched, as the commit of the call does, until what comes of that touches nothing more.
    fn settle<'a>(&mut self, passage: &mut Passage<'a>, scores: &mut Scores<'a>) {
        while !self.touched.is_empty() {
            let touched = std::mem::take(&mut self.touched);
            let posted: SmallVec<[Event; 1]> = self.posted[self.committed..].iter().cloned().collect();
            self.committed = self.posted.len();
            scores.committed(passage, touched, &posted, self.now, self);
        }
    }
}

impl<W: Watch> Out for Heard<'_, W> {
    fn effect(&mut self, effect: Effect) {
        if let Some(scores) = self.scores {
            self.touched.extend(touched_by(scores, &effect));
        }
        match effect {
            Effect::Send {
                step,
                visit,
                template,
                transactional,
                account,
            } => {
                self.mails.push(Mail {
                    enrolment: self.id.enrolment,
                    step,
                    visit,
                    template,
                    account,
                    transactional,
                });
            }
            Effect::PostEvent { name, props } => {
                self.posted.push(posted(self.id.contact, &name, props, self.now));
            }
            Effect::SetField { .. } => self.wrote = true,
            Effect::AddTag { .. } | Effect::RemoveTag { .. } => {}
        }
    }

    fn fact(&mut self, _: Fact) {}

    fn note(&mut self, version: &JourneyVersion, note: Note<'_>) {
        self.watch.note(version, &note, self.day);
    }

    fn told(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        self.watch.told(version, now, who, input);
    }
}
