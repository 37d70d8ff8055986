//! A draft played over everybody on a virtual clock, or over one contact step by step.

use super::inside::named;
use super::{BehindSimulation, SimulateJourney, TryJourney, known, version_of};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::home::SIMULATED_AT;
use crate::jobs::Job;
use crate::table::JobStarted;
use crate::workspaces::Open;
use carillon_engine::journey::{Entry, JourneyVersion};
use carillon_engine::record::{ContactRecord, Scope};
use carillon_engine::segment::Needs;
use carillon_engine::sim::{
    Behaviour, Cause, Delay, Number, Plan, SimReport, World, behind, simulate, try_one,
};
use carillon_model::event::Prop;
use carillon_model::journey::{Fact, Journey};
use carillon_model::{ContactId, JourneyId, Moment};
use carillon_store::{Priority, settings};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Most properties of one event kept as what a simulated event may carry.
const SEEN: usize = 200;
/// Days of history that rates are taken from.
const HISTORY: i64 = 90;

/// How often contacts do what the draft listens to, from the workspace's own last ninety days, or as far back as its
/// history goes: events a contact and day. What nobody did in that time does not happen in the simulation either.
fn behaviours(
    open: &Open,
    version: &JourneyVersion,
    contacts: &[u32],
    until: Moment,
    job: &Job,
) -> Result<Vec<Behaviour>> {
    let needs = version.needs();
    let names: BTreeSet<&String> = needs
        .events
        .iter()
        .chain(&needs.listens)
        .chain(let_in(version))
        .collect();
    let mut seen = Seen {
        until,
        first: until,
        since: until - TimeDelta::days(HISTORY),
        events: BTreeMap::new(),
    };
    let reads = Needs {
        events: names.iter().map(|name| (*name).clone()).collect(),
        ..Needs::default()
    };
    for part in contacts.chunks(PART) {
        job.check()?;
        open.store.with_index(|index| {
            let records = part
                .iter()
                .filter_map(|id| index.record_of(ContactId(*id), &reads));
            records.for_each(|record| seen.look_at(&record, &names));
        });
    }
    let days = ((until - seen.first).num_seconds() as f64 / 86_400.0).max(1.0);
    let contact_days = contacts.len().max(1) as f64 * days;
    let drawn = seen.events.into_iter().map(|(event, (n, props))| Behaviour {
        event,
        cause: Cause::PerDay,
        probability: (n as f64 / contact_days).min(1.0),
        delay: Delay::any_time_of_day(),
        props,
    });
    Ok(drawn.collect())
}

/// Events that let contacts in.
fn let_in(version: &JourneyVersion) -> impl Iterator<Item = &String> {
    version.entries().filter_map(|(_, entry)| match entry {
        Entry::Event(wanted) => Some(&wanted.name),
        Entry::Segment(_) | Entry::Date(_) | Entry::Schedule(_) | Entry::Manual => None,
    })
}

/// What is found in the history.
struct Seen {
    since: Moment,
    until: Moment,
    /// When the first event of any kind in this time happened.
    first: Moment,
    /// How often each, and what some of them carried.
    events: BTreeMap<String, (u64, Vec<BTreeMap<String, Prop>>)>,
}

impl Seen {
    fn look_at(&mut self, record: &ContactRecord, names: &BTreeSet<&String>) {
        let lately = |at: Moment| at > self.since && at <= self.until;
        for event in record.events.iter().filter(|event| lately(event.at)) {
            self.first = self.first.min(event.at);
            if names.contains(&event.name) {
                let (n, props) = self.events.entry(event.name.clone()).or_default();
                *n += 1;
                if props.len() < SEEN {
                    props.push(event.props.clone());
                }
            }
        }
    }
}

/// Contacts simulated between two looks at whether somebody cancelled.
const PART: usize = 5_000;

/// A draft with all it is played on.
struct Rehearsal {
    open: Arc<Open>,
    version: JourneyVersion,
    scope: Scope,
    plan: Plan,
    behaviours: Vec<Behaviour>,
    contacts: Vec<u32>,
}

impl Rehearsal {
    fn new(open: Arc<Open>, version: JourneyVersion, req: &SimulateJourney, job: &Job) -> Result<Rehearsal> {
        let contacts: Vec<u32> = open.store.with_index(|index| index.contacts().iter().collect());
        if contacts.is_empty() {
            return Err(fail(Code::Refused, "journeys.no_contacts", &[]));
        }
        let start = req.start.unwrap_or_else(|| open.now());
        let behaviours = behaviours(&open, &version, &contacts, start.min(open.now()), job)?;
        let by_hand = version.entries().all(|(_, entry)| matches!(entry, Entry::Manual));
        let plan = Plan {
            journey: req.id.unwrap_or(UNSAVED),
            start,
            days: req.days.clamp(1, LONGEST),
            seed: req.seed,
            asleep: Vec::new(),
            by_hand,
        };
        let scope = open.store.with_index(|index| index.scope().clone());
        Ok(Rehearsal {
            open,
            version,
            scope,
            plan,
            behaviours,
            contacts,
        })
    }

    /// Plays part after part, until `play` says that it has seen enough.
    fn parts(
        &self,
        job: &Job,
        mut play: impl FnMut(World<'_>, &[ContactRecord]) -> ControlFlow<()>,
    ) -> Result<()> {
        let world = World {
            version: &self.version,
            scope: &self.scope,
            plan: &self.plan,
            behaviours: &self.behaviours,
        };
        let needs = self.version.needs().of_contact();
        for (n, part) in self.contacts.chunks(PART).enumerate() {
            job.check()?;
            job.progress((n * PART) as u64, self.contacts.len() as u64);
            let records: Vec<ContactRecord> = self.open.store.with_index(|index| {
                let known = part
                    .iter()
                    .filter_map(|id| index.record_of(ContactId(*id), &needs));
                known.collect()
            });
            if play(world, &records).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn report(&self, job: &Job) -> Result<SimReport> {
        let mut report: Option<SimReport> = None;
        self.parts(job, |world, records| {
            let of_part = simulate(world, records);
            match &mut report {
                Some(report) => report.merge(of_part),
                None => report = Some(of_part),
            }
            ControlFlow::Continue(())
        })?;
        report.ok_or_else(|| fail(Code::Refused, "journeys.no_contacts", &[]))
    }

    fn behind(&self, number: &Number, limit: usize, job: &Job) -> Result<Vec<ContactId>> {
        let mut found = Vec::new();
        self.parts(job, |world, records| {
            for record in records {
                found.extend(behind(world, [record], number));
                if found.len() >= limit {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        found.truncate(limit);
        Ok(found)
    }
}

/// Whose random splits a drawing has that no journey is saved of.
const UNSAVED: JourneyId = JourneyId(0);
/// Most days of a simulation.
const LONGEST: u32 = 3_650;
/// Most people named behind a number.
const PEOPLE: u32 = 200;

/// A drawing as it is tried: nothing leaves, so there need be no account yet.
async fn tried(open: &Open, document: &Journey) -> Result<JourneyVersion> {
    let mut catalogue = known(open).await?;
    catalogue.default_account.get_or_insert_default();
    version_of(document, &catalogue)
}

/// Sets a simulation up and asks something of it, on a thread of its own.
async fn rehearse<T: Send + 'static>(
    open: Arc<Open>,
    version: JourneyVersion,
    req: SimulateJourney,
    job: Arc<Job>,
    ask: impl FnOnce(&Rehearsal, &Job) -> Result<T> + Send + 'static,
) -> Result<T> {
    job.phase("simulating");
    let asked = tokio::task::spawn_blocking(move || {
        let rehearsal = Rehearsal::new(open, version, &req, &job)?;
        ask(&rehearsal, &job)
    });
    asked.await.map_err(ApiError::internal)?
}

pub(super) async fn start_simulation(cx: &Ctx, req: SimulateJourney) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let version = tried(&open, &req.document).await?;
    let job = cx.app.jobs().start("journeys.simulate", move |job| async move {
        let (store, now) = (open.store.clone(), open.now());
        let report = rehearse(open, version, req, job, Rehearsal::report).await?;
        store
            .write(Priority::User, move |tx| {
                settings::set(tx, SIMULATED_AT, Some(&now))
            })
            .await?;
        Ok(report)
    });
    Ok(JobStarted { job })
}

/// Who is behind a number of a simulation: it is played again, and is the same as long as nobody's data changed.
pub(super) async fn behind_simulation(cx: &Ctx, req: BehindSimulation) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let version = tried(&open, &req.simulation.document).await?;
    let job = cx.app.jobs().start("journeys.behind", move |job| async move {
        let store = open.store.clone();
        let limit = req.limit.min(PEOPLE) as usize;
        let found = rehearse(open, version, req.simulation, job, move |rehearsal, job| {
            rehearsal.behind(&req.number, limit, job)
        });
        let found = found.await?;
        let people = store.read(move |db| named(db, &found)).await?;
        Ok(people)
    });
    Ok(JobStarted { job })
}

pub(super) async fn try_contact(cx: &Ctx, req: TryJourney) -> Result<Vec<Fact>> {
    let open = cx.open()?;
    let version = tried(open, &req.document).await?;
    let record = open
        .store
        .with_index(|index| index.record_of(req.contact, &version.needs().of_contact()))
        .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &req.contact)]))?;
    let scope = open.store.with_index(|index| index.scope().clone());
    let start = open.now();
    let horizon = start + TimeDelta::days(i64::from(req.days.clamp(1, LONGEST)));
    let Some((entry, _)) = version.entries().next() else {
        return Ok(Vec::new());
    };
    let journey = req.id.unwrap_or(UNSAVED);
    let time = (start, horizon);
    Ok(try_one(journey, &version, &scope, &record, entry, time, &[]))
}
