//! A draft played over everybody on a virtual clock, or over one contact step by step.

use super::{SimulateJourney, TryJourney, known, version_of};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::home::SIMULATED_AT;
use crate::table::JobStarted;
use crate::workspaces::Open;
use carillon_engine::journey::{Entry, JourneyVersion};
use carillon_engine::sim::{Behaviour, Cause, Delay, Plan, SimReport, World, simulate, try_one};
use carillon_model::event::Prop;
use carillon_model::journey::Fact;
use carillon_model::{ContactId, JourneyId};
use carillon_store::{Priority, settings};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most properties of one event kept as what a simulated event may carry.
const SEEN: usize = 200;
/// Days of history that rates are taken from.
const HISTORY: i64 = 90;

/// How often contacts do what the draft listens to, from the workspace's own last ninety days: events a contact and
/// day. What nobody did in that time does not happen in the simulation either.
async fn behaviours(open: &Arc<Open>, version: &JourneyVersion, contacts: u64) -> Result<Vec<Behaviour>> {
    let names: Vec<String> = version
        .needs()
        .events
        .iter()
        .chain(&version.needs().listens)
        .cloned()
        .collect();
    let until = open.now();
    let since = until - TimeDelta::days(HISTORY);
    let open = open.clone();
    let seen = tokio::task::spawn_blocking(move || {
        let mut seen: BTreeMap<String, (u64, Vec<BTreeMap<String, Prop>>)> = BTreeMap::new();
        open.store.with_index(|index| {
            for contact in index.contacts() {
                let Some(record) = index.record(ContactId(contact)) else {
                    continue;
                };
                for event in record
                    .events
                    .iter()
                    .filter(|e| e.at > since && e.at <= until && names.contains(&e.name))
                {
                    let (n, props) = seen.entry(event.name.clone()).or_default();
                    *n += 1;
                    if props.len() < SEEN {
                        props.push(event.props.clone());
                    }
                }
            }
        });
        seen
    })
    .await
    .map_err(ApiError::internal)?;
    let contact_days = (contacts.max(1) * HISTORY.unsigned_abs()) as f64;
    Ok(seen
        .into_iter()
        .map(|(event, (n, props))| Behaviour {
            event,
            cause: Cause::PerDay,
            probability: (n as f64 / contact_days).min(1.0),
            delay: Delay::any_time_of_day(),
            props,
        })
        .collect())
}

/// Contacts simulated between two looks at whether somebody cancelled.
const PART: usize = 5_000;

pub(super) async fn start_simulation(cx: &Ctx, req: SimulateJourney) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let version = version_of(&req.document, &known(&open).await?)?;
    let job = cx.app.jobs().start("journeys.simulate", move |job| async move {
        job.phase("simulating");
        let contacts: Vec<u32> = open.store.with_index(|index| index.contacts().iter().collect());
        if contacts.is_empty() {
            return Err(fail(Code::Refused, "journeys.no_contacts", &[]));
        }
        let behaviours = behaviours(&open, &version, contacts.len() as u64).await?;
        let manual = version.entries().all(|(_, entry)| matches!(entry, Entry::Manual));
        let plan = Plan {
            journey: JourneyId(0),
            start: req.start.unwrap_or_else(|| open.now()),
            days: req.days.clamp(1, 3_650),
            seed: req.seed,
            asleep: Vec::new(),
            by_hand: manual,
        };
        let total = contacts.len() as u64;
        let (store, now) = (open.store.clone(), open.now());
        let report = tokio::task::spawn_blocking(move || {
            let scope = open.store.with_index(|index| index.scope().clone());
            let world = World {
                version: &version,
                scope: &scope,
                plan: &plan,
                behaviours: &behaviours,
            };
            let mut report: Option<SimReport> = None;
            for (n, part) in contacts.chunks(PART).enumerate() {
                job.check()?;
                job.progress((n * PART) as u64, total);
                let records: Vec<_> = open.store.with_index(|index| {
                    part.iter()
                        .filter_map(|id| index.record(ContactId(*id)))
                        .collect()
                });
                let of_part = simulate(world, &records);
                match &mut report {
                    Some(report) => report.merge(of_part),
                    None => report = Some(of_part),
                }
            }
            report.ok_or_else(|| fail(Code::Refused, "journeys.no_contacts", &[]))
        })
        .await
        .map_err(ApiError::internal)??;
        store
            .write(Priority::User, move |tx| {
                settings::set(tx, SIMULATED_AT, Some(&now))
            })
            .await?;
        Ok(report)
    });
    Ok(JobStarted { job })
}

pub(super) async fn try_contact(cx: &Ctx, req: TryJourney) -> Result<Vec<Fact>> {
    let open = cx.open()?;
    let version = version_of(&req.document, &known(open).await?)?;
    let record = open
        .store
        .with_index(|index| index.record(req.contact))
        .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &req.contact)]))?;
    let scope = open.store.with_index(|index| index.scope().clone());
    let start = open.now();
    let horizon = start + TimeDelta::days(i64::from(req.days.clamp(1, 3_650)));
    let Some((entry, _)) = version.entries().next() else {
        return Ok(Vec::new());
    };
    Ok(try_one(&version, &scope, &record, entry, (start, horizon), &[]))
}
