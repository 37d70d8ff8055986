//! Who is inside a journey and where: figures on the steps, the people behind them, and one more by hand.

use super::states::not_now;
use super::{EnterByHand, JourneyCounts, OneJourney, PeopleAt, StepCounts, known, publish, row, version_of};
use crate::error::{Code, Result, fail, sentence};
use crate::table::Done;
use crate::{Ctx, contacts};
use carillon_engine::journey::{self, Admission, Entry, admit};
use carillon_model::ContactId;
use carillon_model::journey::{Journey, JourneyState, Published};
use carillon_store::{Db, Priority, enrolments, inputs, journeys as rows, rollups};
use std::collections::BTreeMap;

/// How many are inside one of these versions now.
///
/// # Errors
/// SQLite's.
pub(crate) fn active(db: &Db<'_>, versions: &[Published]) -> carillon_store::Result<u64> {
    let mut active = 0;
    for version in versions {
        let standing = enrolments::standing(db, version.id)?;
        active += standing.iter().map(|(_, n)| n).sum::<u64>();
    }
    Ok(active)
}

/// How many stand at each step of these versions now, by the step's id, which outlives a version.
///
/// # Errors
/// SQLite's.
pub(crate) fn standing(db: &Db<'_>, versions: &[Published]) -> carillon_store::Result<BTreeMap<String, u64>> {
    let mut by_step = BTreeMap::new();
    for version in versions {
        let order = in_order(&version.document);
        for (ix, n) in enrolments::standing(db, version.id)? {
            if let Some(step) = order.get(usize::from(ix.0)) {
                *by_step.entry(step.clone()).or_default() += n;
            }
        }
    }
    Ok(by_step)
}

pub(super) async fn counts(cx: &Ctx, req: OneJourney) -> Result<JourneyCounts> {
    let open = cx.open()?;
    let id = req.id;
    Ok(open
        .store
        .read(move |db| {
            let mut steps: BTreeMap<String, StepCounts> = BTreeMap::new();
            let versions = rows::versions(db, id)?;
            for (step, n) in standing(db, &versions)? {
                steps.entry(step).or_default().waiting = n;
            }
            let object = i64::from(id.0);
            for (step, n) in rollups::parts(db, rollups::Metric::StepEntered, object)? {
                steps.entry(step).or_default().entered += n;
            }
            for (part, n) in rollups::parts(db, rollups::Metric::StepLeft, object)? {
                let (step, port) = part.split_once('/').unwrap_or((&part, ""));
                *steps
                    .entry(step.to_owned())
                    .or_default()
                    .left
                    .entry(port.to_owned())
                    .or_default() += n;
            }
            Ok(JourneyCounts {
                steps: steps
                    .into_iter()
                    .map(|(step, counts)| StepCounts { step, ..counts })
                    .collect(),
                active: active(db, &versions)?,
            })
        })
        .await?)
}

/// Ids of the steps in canonical order: what a step's index counts.
pub(crate) fn in_order(document: &Journey) -> Vec<String> {
    let mut ids: Vec<String> = document.steps.iter().map(|s| s.id.0.clone()).collect();
    ids.sort_by(|a, b| journey::natural(a, b));
    ids
}

const PEOPLE: u32 = 200;

pub(super) async fn people(cx: &Ctx, req: PeopleAt) -> Result<Vec<contacts::Named>> {
    let open = cx.open()?;
    let limit = req.limit.min(PEOPLE) as usize;
    Ok(open
        .store
        .read(move |db| {
            let mut orders = BTreeMap::new();
            for version in rows::versions(db, req.id)? {
                orders.insert(version.id, in_order(&version.document));
            }
            let mut found = Vec::new();
            let mut after = None;
            while found.len() < limit {
                let batch = enrolments::active_in(db, req.id, after, 1_000)?;
                let Some(last) = batch.last() else { break };
                after = Some(last.contact);
                found.extend(
                    batch
                        .iter()
                        .filter(|e| match (&req.step, e.state.at) {
                            (None, _) => true,
                            (Some(step), Some(ix)) => {
                                orders.get(&e.version).and_then(|o| o.get(usize::from(ix.0))) == Some(step)
                            }
                            (Some(_), None) => false,
                        })
                        .map(|e| e.contact),
                );
            }
            found.truncate(limit);
            named(db, &found)
        })
        .await?)
}

/// Contacts with their addresses.
pub(crate) fn named(db: &Db<'_>, ids: &[ContactId]) -> carillon_store::Result<Vec<contacts::Named>> {
    let people = carillon_store::contacts::get_many(db, ids)?.into_iter();
    Ok(people
        .map(|contact| contacts::Named {
            id: contact.id,
            email: contact.email,
        })
        .collect())
}

pub(super) async fn enter(cx: &Ctx, req: EnterByHand) -> Result<Done> {
    let open = cx.open()?;
    let row = row(open, req.id).await?;
    let contact = contacts::existing(open, req.contact).await?;
    if row.version.is_some() && row.state != JourneyState::Live {
        return Err(not_now(&row.name, row.state));
    }
    let catalogue = known(open).await?;
    let found = open
        .store
        .read(move |db| row.version.map(|id| rows::version(db, id)).transpose())
        .await?
        .flatten();
    let none = || fail(Code::Refused, "journeys.no_manual_entry", &[("name", &row.name)]);
    let version = found.ok_or_else(none)?;
    let version = version_of(&version.document, &catalogue)?;
    let (entry, _) = version
        .entries()
        .find(|(_, e)| matches!(e, Entry::Manual))
        .ok_or_else(none)?;
    let history = open
        .store
        .read(move |db| enrolments::history(db, req.id, req.contact))
        .await?;
    let now = open.now();
    let reason = match admit(&version, entry, &history, now) {
        Admission::Welcome { .. } => None,
        Admission::StillInside => Some("inside"),
        Admission::OnceOnly => Some("once"),
        Admission::TooSoon { .. } => Some("too_soon"),
        Admission::TooOften => Some("too_often"),
        Admission::NoEntry => Some("no_entry"),
    };
    if let Some(reason) = reason {
        let reason = sentence(&format!("journeys.reasons.{reason}"), &[]);
        return Err(fail(
            Code::Refused,
            "journeys.not_admitted",
            &[
                ("contact", &contact.email),
                ("name", &row.name),
                ("reason", &reason),
            ],
        ));
    }
    let Some(entry) = version.placed(entry).map(|placed| placed.id.clone()) else {
        return Err(none());
    };
    let input = publish::arrival(req.id, entry, req.contact, now);
    let state = open
        .store
        .write(Priority::User, move |tx| {
            let state = rows::get(tx, req.id)?.map(|row| row.state);
            if state == Some(JourneyState::Live) {
                inputs::push(tx, &[input])?;
            }
            Ok(state)
        })
        .await?;
    if let Some(state) = state.filter(|state| *state != JourneyState::Live) {
        return Err(not_now(&row.name, state));
    }
    open.runtime.nudge();
    Ok(Done {})
}
