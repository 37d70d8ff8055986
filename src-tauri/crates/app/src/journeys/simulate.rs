//! A draft played over everybody on a virtual clock, or over one contact step by step.

use super::inside::named;
use super::{BehindSimulation, SimulateJourney, Trial, TryJourney, known, version_of};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::home::SIMULATED_AT;
use crate::jobs::Job;
use crate::table::JobStarted;
use crate::workspaces::Open;
use carillon_engine::index::Followed;
use carillon_engine::journey::{Entry, JourneyVersion};
use carillon_engine::record::{ContactRecord, Scope};
use carillon_engine::segment::Needs;
use carillon_engine::sim::{
    Accounts, Behaviour, Cause, Delay, Holds, Limit, Mails, Number, Plan, SimReport, World, behind,
    reads_mails, settled, simulate_mails, try_one,
};
use carillon_model::event::Prop;
use carillon_model::journey::Journey;
use carillon_model::score::ADJUSTED;
use carillon_model::{ContactId, JourneyId, Moment};
use carillon_store::{Priority, accounts, settings};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Most properties of one event kept as what a simulated event may carry.
const SEEN: usize = 200;
/// Days of history that rates are taken from.
const HISTORY: i64 = 90;

/// How often contacts do what the draft listens to, or a score counts that it asks for, from the workspace's own last
/// ninety days, or as far back as its history goes: events a contact and day. What nobody did in that time does not happen
/// in the simulation either.
fn behaviours(
    open: &Open,
    (version, followed): (&JourneyVersion, Option<&Followed>),
    contacts: &[u32],
    until: Moment,
    job: &Job,
) -> Result<Vec<Behaviour>> {
    let needs = version.needs();
    // Points that somebody or a journey gave are no doing of the contact's.
    let counted = followed.into_iter().flat_map(|followed| &followed.needs().events);
    let names: BTreeSet<&String> = needs
        .events
        .iter()
        .chain(&needs.listens)
        .chain(let_in(version))
        .chain(counted.filter(|name| *name != ADJUSTED))
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

/// What of a contact a draft reads, and the scores that it asks for.
fn reads(version: &JourneyVersion, followed: Option<&Followed>) -> Needs {
    let mut needs = version.needs().of_contact();
    if let Some(followed) = followed {
        needs.merge(followed.needs());
    }
    needs
}

/// Names of the scores that are not followed in all that they read.
fn partly_fixed(open: &Open, followed: Option<&Followed>) -> Vec<String> {
    let Some(followed) = followed else {
        return Vec::new();
    };
    let keys: BTreeSet<&str> = followed.in_part().collect();
    let fields = open.store.catalogue().fields().into_iter();
    let named = fields.filter(|field| keys.contains(field.key.as_str()));
    named.map(|field| field.label).collect()
}

/// Contacts simulated between two looks at whether somebody cancelled.
const PART: usize = 5_000;

/// A draft and what its mails leave through.
struct Draft {
    version: JourneyVersion,
    accounts: Accounts,
}

/// A draft with all it is played on.
struct Rehearsal {
    open: Arc<Open>,
    draft: Draft,
    scope: Scope,
    plan: Plan,
    behaviours: Vec<Behaviour>,
    followed: Option<Followed>,
    contacts: Vec<u32>,
}

impl Rehearsal {
    fn new(open: Arc<Open>, draft: Draft, req: &SimulateJourney, job: &Job) -> Result<Rehearsal> {
        let contacts: Vec<u32> = open.store.with_index(|index| index.contacts().iter().collect());
        if contacts.is_empty() {
            return Err(fail(Code::Refused, "journeys.no_contacts", &[]));
        }
        let start = req.start.unwrap_or_else(|| open.now());
        let version = &draft.version;
        let followed = open.store.with_index(|index| index.followed(version));
        let asked = (version, followed.as_ref());
        let behaviours = behaviours(&open, asked, &contacts, start.min(open.now()), job)?;
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
            draft,
            scope,
            plan,
            behaviours,
            followed,
            contacts,
        })
    }

    fn world(&self) -> World<'_> {
        World {
            version: &self.draft.version,
            scope: &self.scope,
            plan: &self.plan,
            behaviours: &self.behaviours,
            scores: self.followed.as_ref(),
        }
    }

    /// Plays part after part on every core, each on whichever part comes next, until nothing is left or enough was seen:
    /// all parts up to some are played then. What they give comes in no order.
    fn parts<T: Send>(
        &self,
        job: &Job,
        enough: impl Fn() -> bool + Sync,
        play: impl Fn(&[ContactRecord]) -> T + Sync,
    ) -> Result<Vec<T>> {
        let needs = reads(&self.draft.version, self.followed.as_ref());
        let next = AtomicUsize::new(0);
        let work = || {
            let mut given = Vec::new();
            loop {
                job.check()?;
                // Before a part is taken: one that is taken is played.
                if enough() {
                    return Ok(given);
                }
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = self.contacts.chunks(PART).nth(n) else {
                    return Ok(given);
                };
                job.progress((n * PART) as u64, self.contacts.len() as u64);
                let records: Vec<ContactRecord> = self.open.store.with_index(|index| {
                    let known = part
                        .iter()
                        .filter_map(|id| index.record_of(ContactId(*id), &needs));
                    known.collect()
                });
                given.push(play(&records));
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let all: Vec<Result<Vec<T>>> = thread::scope(|scope| {
            let others: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
            let own = work();
            let theirs = others.into_iter().map(|other| {
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            std::iter::once(own).chain(theirs).collect()
        });
        Ok(all
            .into_iter()
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Everybody once, with mails held as told: the figures, and when each mail wants to leave.
    fn played(&self, holds: &Holds, job: &Job) -> Result<(SimReport, Mails)> {
        let accounts = &self.draft.accounts;
        let parts = self.parts(
            job,
            || false,
            |records| {
                let mut mails = Mails::default();
                let report = simulate_mails(self.world(), records, accounts, holds, &mut mails);
                (report, mails)
            },
        )?;
        let both = parts.into_iter().reduce(|mut one, (report, mails)| {
            one.0.merge(report);
            one.1.merge(mails);
            one
        });
        both.ok_or_else(|| fail(Code::Refused, "journeys.no_contacts", &[]))
    }

    /// The figures, and which mails the accounts hold.
    fn settled(&self, job: &Job) -> Result<(SimReport, Holds)> {
        settled(self.world(), &self.draft.accounts, |holds| {
            self.played(holds, job)
        })
    }

    fn report(&self, job: &Job) -> Result<SimReport> {
        let (mut report, _) = self.settled(job)?;
        report.partly_fixed_scores = partly_fixed(&self.open, self.followed.as_ref());
        Ok(report)
    }

    fn behind(&self, number: &Number, limit: usize, job: &Job) -> Result<Vec<ContactId>> {
        let by_mails = matches!(number, Number::Mails { .. }) || reads_mails(self.world());
        let holds = match by_mails && !self.draft.accounts.limits.is_empty() {
            true => self.settled(job)?.1,
            false => Holds::default(),
        };
        let so_far = AtomicUsize::new(0);
        let parts = self.parts(
            job,
            || so_far.load(Ordering::Relaxed) >= limit,
            |records| {
                let found = behind(self.world(), records, &holds, number);
                so_far.fetch_add(found.len(), Ordering::Relaxed);
                found
            },
        )?;
        let mut found: Vec<ContactId> = parts.into_iter().flatten().collect();
        found.sort_unstable();
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
async fn tried(open: &Open, document: &Journey) -> Result<Draft> {
    let mut catalogue = known(open).await?;
    let rows = open.store.read(accounts::list).await?;
    let limits = rows.into_iter().map(|row| {
        let limit = Limit {
            per_day: row.account.per_day,
            per_minute: row.account.per_minute,
        };
        (row.account.name, limit)
    });
    let accounts = Accounts {
        limits: limits.collect(),
        default: catalogue.default_account.clone(),
    };
    catalogue.default_account.get_or_insert_default();
    let version = version_of(document, &catalogue)?;
    Ok(Draft { version, accounts })
}

/// Sets a simulation up and asks something of it, on a thread of its own.
async fn rehearse<T: Send + 'static>(
    open: Arc<Open>,
    draft: Draft,
    req: SimulateJourney,
    job: Arc<Job>,
    ask: impl FnOnce(&Rehearsal, &Job) -> Result<T> + Send + 'static,
) -> Result<T> {
    job.phase("simulating");
    let asked = tokio::task::spawn_blocking(move || {
        let rehearsal = Rehearsal::new(open, draft, &req, &job)?;
        ask(&rehearsal, &job)
    });
    asked.await.map_err(ApiError::internal)?
}

pub(super) async fn start_simulation(cx: &Ctx, req: SimulateJourney) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let draft = tried(&open, &req.document).await?;
    let job = cx.app.jobs().start("journeys.simulate", move |job| async move {
        let (store, now) = (open.store.clone(), open.now());
        let report = rehearse(open, draft, req, job, Rehearsal::report).await?;
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
    let draft = tried(&open, &req.simulation.document).await?;
    let job = cx.app.jobs().start("journeys.behind", move |job| async move {
        let store = open.store.clone();
        let limit = req.limit.min(PEOPLE) as usize;
        let found = rehearse(open, draft, req.simulation, job, move |rehearsal, job| {
            rehearsal.behind(&req.number, limit, job)
        });
        let found = found.await?;
        let people = store.read(move |db| named(db, &found)).await?;
        Ok(people)
    });
    Ok(JobStarted { job })
}

pub(super) async fn try_contact(cx: &Ctx, req: TryJourney) -> Result<Trial> {
    let open = cx.open()?;
    let version = tried(open, &req.document).await?.version;
    let followed = open.store.with_index(|index| index.followed(&version));
    let needs = reads(&version, followed.as_ref());
    let record = open
        .store
        .with_index(|index| index.record_of(req.contact, &needs))
        .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &req.contact)]))?;
    let scope = open.store.with_index(|index| index.scope().clone());
    let mut trial = Trial {
        facts: Vec::new(),
        partly_fixed_scores: partly_fixed(open, followed.as_ref()),
    };
    let Some((entry, _)) = version.entries().next() else {
        return Ok(trial);
    };
    let plan = Plan {
        journey: req.id.unwrap_or(UNSAVED),
        start: open.now(),
        days: req.days.clamp(1, LONGEST),
        seed: 0,
        asleep: Vec::new(),
        by_hand: false,
    };
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: followed.as_ref(),
    };
    trial.facts = try_one(world, &record, entry, &[]);
    Ok(trial)
}
