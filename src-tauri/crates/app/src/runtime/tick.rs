//! One commit of the journeys: due inputs in, the kernel's word out, and state, outbox, facts, figures and the
//! cursors of the inputs written together.

mod stop;

pub use stop::stop;

use super::due::{BY_JOURNEY, EDGES, ENTRIES, EVENTS, Gathered, Item, Queue, Taken, gather};
use super::plan::Plan;
use carillon_engine::journey::entry::schedule_condition;
use carillon_engine::journey::{
    Admission, ContactView, JourneyVersion, Out, Passage, PassageId, PastEnrolment, ViewEvidence, admit,
    admits_edge, admits_event,
};
use carillon_engine::record::{ContactRecord, Scope};
use carillon_model::event::Event;
use carillon_model::journey::{Effect, Fact, Input, JourneyState, StepIx};
use carillon_model::{AccountId, ContactId, EnrolmentId, EventId, JourneyId, Moment, VersionId};
use carillon_store::enrolments::{self, Enrolment};
use carillon_store::inputs::{self, NewInput, Pending};
use carillon_store::segments::EdgeRow;
use carillon_store::{Priority, Result, Store, Tx, contacts, events, facts, outbox, settings};
use chrono::TimeDelta;
use std::borrow::Cow;
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
    let Gathered {
        items,
        more,
        mut upto,
        horizon,
    } = gather(tx, plan, now)?;
    if items.is_empty() {
        plan.saw(now);
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
        done: Ticked {
            more: more || stopping,
            ..Ticked::default()
        },
    };
    let mut queue = Queue::new(items);
    let mut taken = Taken::default();
    while let Some((at, rank, item)) = queue.next() {
        taken.note(&item);
        work.take(tx, at, item)?;
        let beyond = horizon.is_some() && queue.next_at() > horizon && queue.parts_streams(&taken);
        if beyond || queue.may_stop((at, rank), &work.disturbed, &taken) {
            work.done.more = true;
            break;
        }
    }
    let done = work.done;
    for (at, version, step, contact) in queue.entries_left() {
        upto = upto.min(at - TimeDelta::milliseconds(1));
        plan.put_back((at, version, step, contact));
    }
    plan.saw(upto);
    inputs::done(tx, &taken.inputs)?;
    if let Some(id) = taken.edge {
        settings::set_cursor(tx, EDGES, id)?;
    }
    if let Some(id) = taken.event {
        settings::set_cursor(tx, EVENTS, id)?;
    }
    if upto.timestamp_millis() > entries_cursor {
        settings::set_cursor(tx, ENTRIES, upto.timestamp_millis())?;
    }
    Ok(done)
}

/// Up to which moment dates and schedules have let their contacts in: the cursor's milliseconds, and the moment.
fn entries_seen(tx: &Tx<'_>, now: Moment) -> Result<(i64, Moment)> {
    let cursor = settings::cursor(tx, ENTRIES)?;
    let moment = match cursor {
        // A new file: dates of the past do not let anybody in.
        0 => tx.now(),
        millis => chrono::DateTime::from_timestamp_millis(millis).unwrap_or(now),
    };
    Ok((cursor, moment))
}

struct Work<'p> {
    plan: &'p Plan,
    scope: Arc<Scope>,
    now: Moment,
    /// No call is told an earlier moment than the one before it.
    floor: Option<Moment>,
    on_time: bool,
    /// Contacts as this write leaves them: the index still shows the last commit.
    records: BTreeMap<ContactId, ContactRecord>,
    /// Contacts of whom this write changed what others see, or who are due again at once.
    disturbed: BTreeSet<ContactId>,
    done: Ticked,
}

/// What a call of the kernel gave.
#[derive(Default)]
struct Given {
    effects: Vec<Effect>,
    facts: Vec<Fact>,
    calls: Vec<facts::Call>,
}

impl Out for Given {
    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    fn told(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        // Both are plain data of ours; what cannot be written as JSON would be a fault of the program.
        let input = serde_json::to_string(input).unwrap_or_default();
        let who = serde_json::to_string(&ViewEvidence::of(version, who)).unwrap_or_default();
        self.calls.push(facts::Call { at: now, input, who });
    }
}

impl Work<'_> {
    /// The moment a call is made at.
    fn moment(&mut self, meant: Moment) -> Moment {
        let at = if self.on_time {
            meant.min(self.now)
        } else {
            self.now
        };
        let at = at.max(self.floor.unwrap_or(at));
        self.floor = Some(at);
        at
    }

    fn take(&mut self, tx: &mut Tx<'_>, meant: Moment, item: Item) -> Result<()> {
        let at = self.moment(meant);
        match item {
            Item::Edge(edge) => self.edge(tx, at, &edge),
            Item::Happened(event) => self.happened(tx, at, &event),
            Item::Input(row) => self.input(tx, at, row.input),
            Item::Wake(enrolment) => self.wake(tx, at, enrolment),
            Item::Entry(version, step, contact) => self.entry(tx, at, meant, version, step, contact),
        }
    }

    fn edge(&mut self, tx: &mut Tx<'_>, at: Moment, edge: &EdgeRow) -> Result<()> {
        if let Some((version_id, condition)) = self.plan.watches.get(&edge.segment).copied() {
            let input = Input::Truth {
                condition,
                holds: edge.entered,
            };
            for enrolment in enrolments::active_of(tx, edge.contact)? {
                if enrolment.version == version_id {
                    self.tell(tx, at, enrolment, &input)?;
                }
            }
            return Ok(());
        }
        let Some(name) = self.plan.segments.get(&edge.segment) else {
            return Ok(());
        };
        let doors: Vec<(JourneyId, VersionId, StepIx)> = self
            .plan
            .entering()
            .flat_map(|(live, id, version)| {
                let admitted = version
                    .entries()
                    .filter(|(step, _)| admits_edge(version, *step, name, edge.entered));
                admitted
                    .map(move |(step, _)| (live.id, id, step))
                    .collect::<Vec<_>>()
            })
            .collect();
        for (journey, version, step) in doors {
            if self
                .plan
                .opened(journey)
                .is_some_and(|first| edge.id > first.edge)
            {
                self.enter(tx, at, edge.at, journey, version, step, edge.contact, None)?;
            }
        }
        Ok(())
    }

    fn happened(&mut self, tx: &mut Tx<'_>, at: Moment, event: &Event) -> Result<()> {
        let mut inside = BTreeSet::new();
        for enrolment in enrolments::active_of(tx, event.contact)? {
            inside.insert(enrolment.journey);
            // What a version that cannot be read listens for is not known: all is kept for it.
            let version = self.plan.version(enrolment.version);
            if version.is_none_or(|version| version.needs().listens.contains(&event.name)) {
                self.tell(tx, at, enrolment, &Input::Event(event.clone()))?;
            }
        }
        let doors: Vec<(JourneyId, VersionId, StepIx)> = self
            .plan
            .entering()
            .filter(|(live, ..)| !inside.contains(&live.id))
            .flat_map(|(live, id, version)| {
                let admitted = version
                    .entries()
                    .filter(|(step, _)| admits_event(version, *step, event));
                admitted
                    .map(move |(step, _)| (live.id, id, step))
                    .collect::<Vec<_>>()
            })
            .collect();
        for (journey, version, step) in doors {
            if self
                .plan
                .opened(journey)
                .is_some_and(|first| event.id > first.event)
            {
                let id = Some(event.id);
                self.enter(tx, at, event.at, journey, version, step, event.contact, id)?;
            }
        }
        Ok(())
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
                match current {
                    Some((journey, version, step)) => {
                        self.enter(tx, at, planned, journey, version, step, input.contact, event)
                    }
                    // The version that is entered now has no such step any more.
                    None => Ok(()),
                }
            }
            (Some(id), pending) => self.kept(tx, at, id, pending),
            (None, _) => Ok(()),
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
            Pending::Enter { .. } => Ok(()),
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

    fn entry(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        planned: Moment,
        id: VersionId,
        step: StepIx,
        contact: Option<ContactId>,
    ) -> Result<()> {
        let Some((journey, version)) = self
            .plan
            .entering()
            .find(|(_, v, _)| *v == id)
            .map(|(live, _, version)| (live.id, version.clone()))
        else {
            return Ok(());
        };
        // The calendar begins after the publish.
        if self.plan.opened(journey).is_none_or(|first| planned <= first.at) {
            return Ok(());
        }
        let condition =
            schedule_condition(&version, step).and_then(|ix| version.conditions().get(usize::from(ix.0)));
        let who: Vec<ContactId> = match (contact, condition) {
            (Some(contact), None) => vec![contact],
            (Some(contact), Some(who)) => {
                let record = self.record(tx, contact);
                let holds =
                    record.is_some_and(|r| carillon_engine::segment::eval(who, &r, at, &self.scope).holds);
                if holds { vec![contact] } else { Vec::new() }
            }
            (None, Some(who)) => {
                let mut members = tx.with_index(|index| index.members(who, at));
                for (contact, record) in &self.records {
                    match carillon_engine::segment::eval(who, record, at, &self.scope).holds {
                        true => members.insert(contact.0),
                        false => members.remove(contact.0),
                    };
                }
                members.into_iter().map(ContactId).collect()
            }
            (None, None) => Vec::new(),
        };
        for contact in who {
            self.enter(tx, at, planned, journey, id, step, contact, None)?;
        }
        Ok(())
    }

    fn record(&self, tx: &Tx<'_>, contact: ContactId) -> Option<ContactRecord> {
        match self.records.get(&contact) {
            Some(record) => Some(record.clone()),
            None => tx.with_index(|index| index.record(contact)),
        }
    }

    /// Lets a contact in, if the journey's rules say so.
    #[allow(clippy::too_many_arguments)]
    fn enter(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        planned: Moment,
        journey: JourneyId,
        id: VersionId,
        step: StepIx,
        contact: ContactId,
        event: Option<EventId>,
    ) -> Result<()> {
        let Some(version) = self.plan.version(id) else {
            return Ok(());
        };
        let Some(live) = self.plan.journeys.get(&journey) else {
            return Ok(());
        };
        match live.state {
            JourneyState::Live | JourneyState::Paused if live.waits() => {
                return keep_entry(tx, planned, journey, &version, step, contact, event);
            }
            JourneyState::Live => {}
            // Whoever was on the way in when it was told to finish or to stop stays outside.
            _ => return Ok(()),
        }
        let history: Vec<PastEnrolment> = enrolments::last_of(tx, journey, contact)?
            .into_iter()
            .map(|last| PastEnrolment {
                number: last.number,
                entered_at: last.entered_at,
                ended: last.state.end.is_some(),
            })
            .collect();
        let Admission::Welcome { .. } = admit(&version, step, &history, at) else {
            return Ok(());
        };
        if self.record(tx, contact).is_none() {
            return Ok(());
        }
        let fresh = carillon_model::journey::State::fresh(planned);
        let enrolment = enrolments::insert(tx, journey, id, contact, fresh, at)?;
        self.done.entered += 1;
        self.call(
            tx,
            at,
            enrolment,
            &version,
            &Input::Enter {
                entry: step,
                planned,
                event,
            },
        )
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
            let kept = NewInput {
                planned_at: at,
                enrolment: Some(enrolment.id),
                journey: Some(enrolment.journey),
                contact: enrolment.contact,
                pending: Pending::Input { input: input.clone() },
            };
            return inputs::push(tx, &[kept]);
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
        let (enrolment, given, record) = call(&self.scope, at, enrolment, version, record, input);
        let seen = given
            .effects
            .iter()
            .any(|effect| !matches!(effect, Effect::Send { .. }));
        if seen || enrolment.state.wake_at.is_some_and(|wake| wake <= self.now) {
            self.disturbed.insert(enrolment.contact);
        }
        self.records.insert(enrolment.contact, record);
        self.done.calls += 1;
        self.done.queued += write(tx, self.plan, version, enrolment, given)?;
        Ok(())
    }
}

/// Keeps an entry until the journey is resumed: nobody enters before, and then in order. The step is kept by its id,
/// because the version that is entered then may be another.
fn keep_entry(
    tx: &mut Tx<'_>,
    planned: Moment,
    journey: JourneyId,
    version: &JourneyVersion,
    step: StepIx,
    contact: ContactId,
    event: Option<EventId>,
) -> Result<()> {
    let Some(placed) = version.placed(step) else {
        return Ok(());
    };
    let pending = Pending::Enter {
        entry: placed.id.clone(),
        planned,
        event,
    };
    let row = NewInput {
        planned_at: planned,
        enrolment: None,
        journey: Some(journey),
        contact,
        pending,
    };
    inputs::push(tx, &[row])
}

fn call(
    scope: &Scope,
    at: Moment,
    mut enrolment: Enrolment,
    version: &JourneyVersion,
    record: ContactRecord,
    input: &Input,
) -> (Enrolment, Given, ContactRecord) {
    let id = PassageId {
        journey: enrolment.journey,
        contact: enrolment.contact,
        enrolment: enrolment.number,
    };
    let view = ContactView::new(version, id, Cow::Owned(record), scope, at);
    let mut passage = Passage {
        version,
        view,
        state: enrolment.state.clone(),
    };
    let mut given = Given::default();
    match input {
        Input::Event(event) => passage.happened(event, at, &mut given),
        other => passage.tell(at, other, &mut given),
    }
    let record = passage.view.record().clone();
    enrolment.state = passage.state;
    (enrolment, given, record)
}

/// Writes what a call gave. How many messages were queued.
fn write(
    tx: &mut Tx<'_>,
    plan: &Plan,
    version: &JourneyVersion,
    mut enrolment: Enrolment,
    given: Given,
) -> Result<u64> {
    for call in &given.calls {
        facts::append_call(tx, &mut enrolment, call)?;
    }
    facts::append(tx, &mut enrolment, &given.facts)?;
    enrolments::update(tx, &mut enrolment)?;
    let mut queued = 0;
    for effect in given.effects {
        queued += u64::from(apply(tx, plan, version, &enrolment, effect)?);
    }
    Ok(queued)
}

/// Does what a step asked for. True: a message was queued.
fn apply(
    tx: &mut Tx<'_>,
    plan: &Plan,
    version: &JourneyVersion,
    enrolment: &Enrolment,
    effect: Effect,
) -> Result<bool> {
    let source = format!("{BY_JOURNEY}{}", enrolment.journey);
    match effect {
        Effect::Send {
            step,
            visit,
            template,
            account,
            transactional,
        } => {
            let Some(placed) = version.placed(step) else {
                return Ok(false);
            };
            let account: Option<AccountId> = match &account {
                Some(name) => plan.accounts.get(name).copied(),
                None => plan.default_account,
            };
            let (Some(account), Some(template)) = (account, plan.templates.get(&template).copied()) else {
                // The checks before a publish and the refusal to remove what is used keep this from happening.
                tracing::error!(journey = %enrolment.journey, %template, "no account or template for a message");
                return Ok(false);
            };
            outbox::queue(
                tx,
                &outbox::NewMessage {
                    enrolment: enrolment.id,
                    journey: enrolment.journey,
                    step: placed.id.clone(),
                    contact: enrolment.contact,
                    number: enrolment.number,
                    visit,
                    account,
                    template,
                    transactional,
                },
            )
        }
        Effect::SetField { key, value } => {
            contacts::set_field(tx, enrolment.contact, &key, value.as_ref(), &source)?;
            Ok(false)
        }
        Effect::AddTag { tag } => {
            contacts::add_tag(tx, enrolment.contact, &tag, &source)?;
            Ok(false)
        }
        Effect::RemoveTag { tag } => {
            contacts::remove_tag(tx, enrolment.contact, &tag)?;
            Ok(false)
        }
        Effect::PostEvent { name, props } => {
            let at = tx.now();
            events::append(
                tx,
                &[events::NewEvent {
                    contact: enrolment.contact,
                    name,
                    at,
                    source,
                    props,
                }],
            )?;
            Ok(false)
        }
    }
}
