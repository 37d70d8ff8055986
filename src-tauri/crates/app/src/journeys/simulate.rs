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
use carillon_engine::segment::{self, Needs};
use carillon_engine::sim::{
    Accounts, Audience, Behaviour, Behind, Cause, Delay, Holds, Limit, Mails, Number, Plan, Sight, SimReport,
    Simulation, World, reads_mails, settled, try_one,
};
use carillon_model::journey::Journey;
use carillon_model::score::ADJUSTED;
use carillon_model::{ContactId, JourneyId, Moment};
use carillon_store::{Priority, accounts, settings};
use chrono::TimeDelta;
use std::collections::BTreeSet;
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
    contacts: usize,
    until: Moment,
) -> Vec<Behaviour> {
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
    let since = until - TimeDelta::days(HISTORY);
    let mut first = until;
    let mut seen = Vec::new();
    for name in names {
        let (mut n, mut props) = (0u64, Vec::new());
        open.store.with_index(|index| {
            for (at, with) in index.happened(name).filter(|(at, _)| *at > since && *at <= until) {
                first = first.min(at);
                n += 1;
                if props.len() < SEEN {
                    props.push(with());
                }
            }
        });
        if n > 0 {
            seen.push((name.clone(), n, props));
        }
    }
    let days = ((until - first).num_seconds() as f64 / 86_400.0).max(1.0);
    let contact_days = contacts.max(1) as f64 * days;
    let drawn = seen.into_iter().map(|(event, n, props)| Behaviour {
        event,
        cause: Cause::PerDay,
        probability: (n as f64 / contact_days).min(1.0),
        delay: Delay::any_time_of_day(),
        props,
    });
    drawn.collect()
}

/// Events that let contacts in.
fn let_in(version: &JourneyVersion) -> impl Iterator<Item = &String> {
    version.entries().filter_map(|(_, entry)| match entry {
        Entry::Event(wanted) => Some(&wanted.name),
        Entry::Segment(_) | Entry::Date(_) | Entry::Schedule(_) | Entry::Manual => None,
    })
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

/// Names of the segments that a draft asks for, itself or by its scores, in which what is measured of all stays as it is.
fn ranked(version: &JourneyVersion, followed: Option<&Followed>, scope: &Scope) -> Vec<String> {
    let by_scores = followed.map(|followed| &followed.needs().segments);
    let asked: BTreeSet<&String> = version
        .needs()
        .segments
        .iter()
        .chain(by_scores.into_iter().flatten())
        .collect();
    let ranks = |name: &&String| scope.segments.get(*name).is_some_and(segment::is_ranked);
    asked.into_iter().filter(ranks).cloned().collect()
}

/// Contacts simulated between two looks at whether somebody cancelled; no more records are in memory, a core.
const PART: usize = 500;

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
    fn new(open: Arc<Open>, draft: Draft, req: &SimulateJourney) -> Result<Rehearsal> {
        let contacts: Vec<u32> = open.store.with_index(|index| index.contacts().iter().collect());
        if contacts.is_empty() {
            return Err(fail(Code::Refused, "journeys.no_contacts", &[]));
        }
        let start = req.start.unwrap_or_else(|| open.now());
        let version = &draft.version;
        let followed = open.store.with_index(|index| index.followed(version));
        let asked = (version, followed.as_ref());
        let behaviours = behaviours(&open, asked, contacts.len(), start.min(open.now()));
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
    /// all parts up to some are played then. What each core `begins` and gives its parts to, in no order.
    fn parts<T: Audience>(
        &self,
        job: &Job,
        begins: impl Fn() -> T + Sync,
        enough: impl Fn(&T) -> bool + Sync,
    ) -> Result<Vec<T>> {
        let sight = Sight::new(self.world());
        let next = AtomicUsize::new(0);
        let work = || {
            let mut own = begins();
            loop {
                job.check()?;
                // Before a part is taken: one that is taken is played.
                if enough(&own) {
                    return Ok(own);
                }
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = self.contacts.chunks(PART).nth(n) else {
                    return Ok(own);
                };
                job.progress((n * PART) as u64, self.contacts.len() as u64);
                for (record, digest) in self.unknown(part, &sight, &mut own) {
                    own.plays(&record, digest);
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let others: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
            let own = work();
            let theirs = others.into_iter().map(|other| {
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            std::iter::once(own).chain(theirs).collect()
        })
    }

    /// Those of a part who are like nobody who was played, each with what it may be like others by.
    fn unknown(
        &self,
        part: &[u32],
        sight: &Sight<'_>,
        audience: &mut impl Audience,
    ) -> Vec<(ContactRecord, Option<u128>)> {
        self.open.store.with_index(|index| {
            let sighted = index.sighted(sight);
            let unknown = part.iter().filter_map(|id| {
                let contact = ContactId(*id);
                // The record is that of the digest: nothing is committed in between.
                let digest = sighted.digest(contact);
                match digest.is_some_and(|digest| audience.knows(contact, digest)) {
                    true => None,
                    false => Some((sighted.record(contact)?, digest)),
                }
            });
            unknown.collect()
        })
    }

    /// Everybody once, with mails held as told: the figures, and when each mail wants to leave.
    fn played(&self, holds: &Holds, job: &Job) -> Result<(SimReport, Mails)> {
        let accounts = &self.draft.accounts;
        let parts = self.parts(job, || Simulation::new(self.world(), accounts, holds), |_| false)?;
        let parts = parts.into_iter().map(Simulation::finish);
        let both = parts.reduce(|mut one, (report, mails)| {
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
        report.ranked_segments = ranked(&self.draft.version, self.followed.as_ref(), &self.scope);
        Ok(report)
    }

    fn behind(&self, number: &Number, limit: usize, job: &Job) -> Result<Vec<ContactId>> {
        let by_mails = matches!(number, Number::Mails { .. }) || reads_mails(self.world());
        let holds = match by_mails && !self.draft.accounts.limits.is_empty() {
            true => self.settled(job)?.1,
            false => Holds::default(),
        };
        // One core may find them all.
        let most = AtomicUsize::new(0);
        let parts = self.parts(
            job,
            || Behind::new(self.world(), &holds, number),
            |behind| {
                let own = behind.found().len();
                most.fetch_max(own, Ordering::Relaxed).max(own) >= limit
            },
        )?;
        let mut found: Vec<ContactId> = parts.iter().flat_map(Behind::found).copied().collect();
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
        let rehearsal = Rehearsal::new(open, draft, &req)?;
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
        ranked_segments: ranked(&version, followed.as_ref(), &scope),
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
