//! One commit of the journeys: due inputs in, the kernel's word out, and state, outbox, facts, figures and the
//! cursors of the inputs written together.

mod entering;
mod given;
mod stop;

pub use stop::stop;

use super::agenda::Due;
use super::due::{EDGES, ENTRIES, EVENTS, Gathered, Item, Queue, Taken, gather, posted};
use super::plan::Plan;
use carillon_engine::journey::{JourneyVersion, admits_event};
use carillon_engine::record::{ContactRecord, Scope};
use carillon_model::event::Event;
use carillon_model::journey::{Effect, End, Input, JourneyState};
use carillon_model::{ContactId, EnrolmentId, JourneyId, Moment};
use carillon_store::enrolments::{self, Enrolment};
use carillon_store::inputs::{self, NewInput, Pending};
use carillon_store::segments::EdgeRow;
use carillon_store::{Priority, Result, Store, Tx, facts, settings};
use chrono::{DateTime, TimeDelta};
use entering::Arrival;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What a tick did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ticked {
    /// Calls of the kernel.
    pub calls: u64,
    /// Contacts that came in.
    pub entered: u64,
    /// Messages queued.
    pub queued: u64,
    /// There may be more to do at once.
    pub more: bool,
}

/// Writes journeys' work as one commit. What does not stand afterwards, though `work` itself was done (a full disk at
/// the COMMIT), the plan forgets: else it would take the dates in it for over.
///
/// # Errors
/// The store's.
pub async fn commit<T: Send + 'static>(
    store: &Store,
    priority: Priority,
    plan: Arc<Mutex<Plan>>,
    work: impl FnOnce(&mut Tx<'_>, &mut Plan) -> Result<T> + Send + 'static,
) -> Result<T> {
    let shared = plan.clone();
    let done = store
        .write(priority, move |tx| {
            let mut plan = shared.lock().unwrap_or_else(PoisonError::into_inner);
            work(tx, &mut plan)
        })
        .await;
    if done.is_err() {
        plan.lock().unwrap_or_else(PoisonError::into_inner).forget();
    }
    done
}

/// Takes in what is due at `now` and writes what comes of it.
///
/// On a virtual clock each input is handled at the moment it was meant for, though many are committed together; on
/// a real one at `now`, which is when it really is handled.
///
/// # Errors
/// The store's. Nothing was written then, and the plan is made anew.
pub fn tick(tx: &mut Tx<'_>, plan: &mut Plan, now: Moment, on_time: bool) -> Result<Ticked> {
    let outcome = run(tx, plan, now, on_time);
    if outcome.is_err() {
        plan.forget();
    }
    outcome
}

fn run(tx: &mut Tx<'_>, plan: &mut Plan, now: Moment, on_time: bool) -> Result<Ticked> {
    let (entries_cursor, entries_after) = entries_seen(tx, now)?;
    let looked = plan.refresh(tx, entries_after, now)?;
    let stopping = stop::go_on(tx, plan, now)?;
    let gathered = gather(tx, plan, now)?;
    if gathered.items.is_empty() {
        plan.agenda.saw(now);
        // Dates written since are not to be looked at again from before.
        if looked && now.timestamp_millis() > entries_cursor {
            settings::set_cursor(tx, ENTRIES, now.timestamp_millis())?;
        }
        return Ok(Ticked {
            more: stopping,
            ..Ticked::default()
        });
    }
    let scope = tx.with_index(|index| index.scope().clone());
    let mut work = Work {
        plan,
        scope: Arc::new(scope),
        now,
        floor: None,
        on_time,
        records: BTreeMap::new(),
        disturbed: BTreeSet::new(),
        unfinished: Vec::new(),
        done: Ticked {
            more: gathered.more || stopping,
            ..Ticked::default()
        },
    };
    let (taken, upto) = work.through(tx, gathered)?;
    let done = work.done;
    plan.agenda.saw(upto);
    inputs::done(tx, &taken.inputs)?;
    let cursors = [
        (EDGES, taken.edge),
        (EVENTS, taken.event),
        (
            ENTRIES,
            Some(upto.timestamp_millis()).filter(|upto| *upto > entries_cursor),
        ),
    ];
    for (name, position) in cursors {
        if let Some(position) = position {
            settings::set_cursor(tx, name, position)?;
        }
    }
    Ok(done)
}

/// Up to which moment dates and schedules have let their contacts in: the cursor's milliseconds, and the moment.
fn entries_seen(tx: &Tx<'_>, now: Moment) -> Result<(i64, Moment)> {
    let cursor = settings::cursor(tx, ENTRIES)?;
    let moment = match cursor {
        // A new file: dates of the past do not let anybody in.
        0 => tx.now(),
        millis => DateTime::from_timestamp_millis(millis).unwrap_or(now),
    };
    Ok((cursor, moment))
}

struct Work<'p> {
    plan: &'p mut Plan,
    scope: Arc<Scope>,
    now: Moment,
    /// No call of this commit is told an earlier moment than the one before it.
    floor: Option<Moment>,
    on_time: bool,
    /// Contacts as this write leaves them: the index still shows the last commit.
    records: BTreeMap<ContactId, Arc<ContactRecord>>,
    /// Contacts of whom this write changed what others see, or who are due again at once.
    disturbed: BTreeSet<ContactId>,
    /// Schedules for everybody that have let in some.
    unfinished: Vec<Due>,
    done: Ticked,
}

impl Work<'_> {
    /// Takes in what was gathered, or the first part of it. What was taken, and up to which moment dates and schedules
    /// are over.
    fn through(&mut self, tx: &mut Tx<'_>, gathered: Gathered) -> Result<(Taken, Moment)> {
        let Gathered {
            items,
            mut upto,
            horizon,
            ..
        } = gathered;
        let mut queue = Queue::new(items);
        let mut taken = Taken::default();
        while let Some((at, rank, item)) = queue.next() {
            taken.note(&item);
            self.take(tx, at, item)?;
            let beyond = horizon.is_some() && queue.next_at() > horizon || !self.unfinished.is_empty();
            if beyond && queue.parts_streams(&taken) || queue.may_stop((at, rank), &self.disturbed, &taken) {
                self.done.more = true;
                break;
            }
        }
        self.done.more |= !self.unfinished.is_empty();
        for due in queue.entries_left() {
            upto = upto.min(due.0 - TimeDelta::milliseconds(1));
            self.plan.agenda.put_back(due);
        }
        for due in self.unfinished.drain(..) {
            self.plan.agenda.put_back(due);
        }
        Ok((taken, upto))
    }

    /// The moment a call is made at. What fell due while its journey was paused happens when the pause ended.
    fn moment(&mut self, meant: Moment, journey: Option<JourneyId>) -> Moment {
        let live = journey.and_then(|journey| self.plan.journeys.get(&journey));
        let resumed = live.and_then(|live| live.resumed_at).unwrap_or(meant);
        let at = match self.on_time {
            true => meant.max(resumed).min(self.now),
            false => self.now,
        };
        let at = at.max(self.floor.unwrap_or(at));
        self.floor = Some(at);
        at
    }

    fn take(&mut self, tx: &mut Tx<'_>, meant: Moment, item: Item) -> Result<()> {
        let at = self.moment(meant, item.journey());
        match item {
            Item::Edge(edge) => self.edge(tx, at, &edge),
            Item::Happened(event) => self.happened(tx, at, &event),
            Item::Input(row) => self.input(tx, at, row.input),
            Item::Wake(enrolment) => self.wake(tx, at, enrolment),
            Item::Entry(version, step, contact) => self.calendar(tx, at, meant, version, step, contact),
        }
    }

    fn edge(&mut self, tx: &mut Tx<'_>, at: Moment, edge: &EdgeRow) -> Result<()> {
        let Some((version_id, condition)) = self.plan.watches.get(&edge.segment).copied() else {
            return self.let_in_by_edge(tx, at, edge);
        };
        let input = Input::Truth {
            condition,
            holds: edge.entered,
        };
        for enrolment in enrolments::active_of(tx, edge.contact)? {
            if enrolment.version == version_id {
                self.tell(tx, at, enrolment, &input)?;
            }
        }
        Ok(())
    }

    /// An event is told to the passages the contact is in, or lets it in; never both to one journey.
    fn happened(&mut self, tx: &mut Tx<'_>, at: Moment, event: &Event) -> Result<()> {
        let runs_away = posted(event) && self.plan.runs_away(event.contact);
        let mut inside = BTreeSet::new();
        for enrolment in enrolments::active_of(tx, event.contact)? {
            inside.insert(enrolment.journey);
            if self.listens(&enrolment, event) || self.may_come_again_by(&enrolment, event) {
                let input = match runs_away {
                    true => Input::Stop(End::Stopped),
                    false => Input::Event(event.clone()),
                };
                self.tell(tx, at, enrolment, &input)?;
            }
        }
        if runs_away {
            tracing::warn!(contact = %event.contact, event = %event.name, "journeys post events for a contact without end; those that wait for it were stopped");
            return Ok(());
        }
        self.let_in_by_event(tx, at, event, |journey| !inside.contains(&journey))
    }

    /// What a version that cannot be read listens for is not known: all is kept for it.
    fn listens(&self, enrolment: &Enrolment, event: &Event) -> bool {
        let version = self.plan.version(enrolment.version);
        version.is_none_or(|version| version.needs().listens.contains(&event.name))
    }

    /// Whether the event lets contacts in, and the passage may be over when its journey is resumed.
    fn may_come_again_by(&self, enrolment: &Enrolment, event: &Event) -> bool {
        let mut entering = self.plan.entering();
        let current = entering.find(|(live, ..)| live.id == enrolment.journey && live.waits());
        current.is_some_and(|(_, _, version)| {
            let mut entries = version.entries();
            entries.any(|(step, _)| admits_event(version, step, event))
        })
    }

    /// Takes up an event that came while the journey was paused. Who was inside then may have left since.
    fn happened_in_pause(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        event: &Event,
        journey: Option<JourneyId>,
    ) -> Result<()> {
        let active = enrolments::active_of(tx, event.contact)?.into_iter();
        match active
            .into_iter()
            .find(|enrolment| Some(enrolment.journey) == journey)
        {
            Some(enrolment) if self.listens(&enrolment, event) => {
                self.tell(tx, at, enrolment, &Input::Event(event.clone()))
            }
            Some(_) => Ok(()),
            None => self.let_in_by_event(tx, at, event, |id| Some(id) == journey),
        }
    }

    fn input(&mut self, tx: &mut Tx<'_>, at: Moment, input: NewInput) -> Result<()> {
        match (input.enrolment, input.pending) {
            (
                None,
                Pending::Enter {
                    entry,
                    planned,
                    event,
                },
            ) => {
                let current = input.journey.and_then(|id| {
                    let version = self.plan.journeys.get(&id)?.version?;
                    Some((id, version, self.plan.version(version)?.find(&entry)?))
                });
                // The version that is entered now may have no such step any more.
                let Some((journey, version, step)) = current else {
                    return Ok(());
                };
                let arrival = Arrival {
                    journey,
                    version,
                    step,
                    contact: input.contact,
                    planned,
                    event,
                };
                self.enter(tx, at, &arrival)
            }
            (Some(id), pending) => self.kept(tx, at, id, pending),
            (None, Pending::Happened { event }) => self.happened_in_pause(tx, at, &event, input.journey),
            (None, Pending::Input { .. } | Pending::Outcome { .. }) => Ok(()),
        }
    }

    /// Tells a passage what was kept for it.
    fn kept(&mut self, tx: &mut Tx<'_>, at: Moment, id: EnrolmentId, pending: Pending) -> Result<()> {
        let Some(enrolment) = enrolments::get(tx, id)? else {
            return Ok(());
        };
        let Some(version) = self.plan.version(enrolment.version) else {
            return Ok(());
        };
        match pending {
            // What was kept while the version could not be read was not sifted.
            Pending::Input {
                input: Input::Event(event),
            } if !version.needs().listens.contains(&event.name) => Ok(()),
            Pending::Input { input } => self.tell(tx, at, enrolment, &input),
            Pending::Outcome {
                step, visit, outcome, ..
            } => match version.find(&step) {
                Some(step) => self.tell(tx, at, enrolment, &Input::Sent { step, visit, outcome }),
                None => Ok(()),
            },
            Pending::Enter { .. } | Pending::Happened { .. } => Ok(()),
        }
    }

    fn wake(&mut self, tx: &mut Tx<'_>, at: Moment, enrolment: Enrolment) -> Result<()> {
        // An input earlier in this very write may have moved it on.
        match enrolments::get(tx, enrolment.id)? {
            Some(still) if still.state.wake_at == enrolment.state.wake_at && still.state.end.is_none() => {
                self.tell(tx, at, still, &Input::Wake)
            }
            _ => Ok(()),
        }
    }

    fn record(&mut self, tx: &Tx<'_>, contact: ContactId) -> Option<Arc<ContactRecord>> {
        if let Some(record) = self.records.get(&contact) {
            return Some(record.clone());
        }
        let record = Arc::new(tx.with_index(|index| index.record_of(contact, &self.plan.reads))?);
        self.records.insert(contact, record.clone());
        Some(record)
    }

    /// Tells a passage something, or keeps it until its journey is resumed. Where a journey was stopped, nothing but
    /// the stop is told.
    fn tell(&mut self, tx: &mut Tx<'_>, at: Moment, enrolment: Enrolment, input: &Input) -> Result<()> {
        let Some(live) = self.plan.journeys.get(&enrolment.journey) else {
            return Ok(());
        };
        if live.state == JourneyState::Stopped {
            return Ok(());
        }
        if live.waits() {
            return keep(tx, at, &enrolment, input);
        }
        let Some(version) = self.plan.version(enrolment.version) else {
            return Ok(());
        };
        self.call(tx, at, enrolment, &version, input)
    }

    fn call(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        enrolment: Enrolment,
        version: &JourneyVersion,
        input: &Input,
    ) -> Result<()> {
        let Some(record) = self.record(tx, enrolment.contact) else {
            return Ok(());
        };
        // Time does not go back on a passage: what is due since a moment before an event was heard of comes after it.
        let at = at.max(facts::last_call_at(tx, &enrolment)?.unwrap_or(at));
        let (enrolment, given, changed) = given::call(&self.scope, at, enrolment, version, &record, input);
        let contact = enrolment.contact;
        for effect in &given.effects {
            match effect {
                Effect::Send { .. } => continue,
                Effect::PostEvent { .. } => self.plan.posts(contact, at),
                Effect::SetField { .. } | Effect::AddTag { .. } | Effect::RemoveTag { .. } => {}
            }
            self.disturbed.insert(contact);
        }
        if enrolment.state.wake_at.is_some_and(|wake| wake <= self.now) {
            self.disturbed.insert(contact);
        }
        if let Some(changed) = changed {
            self.records.insert(contact, Arc::new(changed));
        }
        self.done.calls += 1;
        self.done.queued += given::write(tx, self.plan, version, enrolment, given)?;
        Ok(())
    }
}

/// Keeps what a passage would be told until its journey is resumed.
fn keep(tx: &mut Tx<'_>, at: Moment, enrolment: &Enrolment, input: &Input) -> Result<()> {
    let (passage, pending) = match input {
        // It may be over by then, and the event let the contact in anew.
        Input::Event(event) => (None, Pending::Happened { event: event.clone() }),
        other => (Some(enrolment.id), Pending::Input { input: other.clone() }),
    };
    let kept = NewInput {
        planned_at: at,
        enrolment: passage,
        journey: Some(enrolment.journey),
        contact: enrolment.contact,
        pending,
    };
    inputs::push(tx, &[kept])
}
