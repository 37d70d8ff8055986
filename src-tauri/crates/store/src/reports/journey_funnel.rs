//! How far contacts came in a journey.

use crate::db::Db;
use crate::error::Result;
use crate::rollups::{Metric, parts};
use carillon_model::{JourneyId, StepId};
use serde::Serialize;
use std::collections::BTreeMap;

/// A journey's figures over all its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// Passages begun.
    pub enrolled: i64,
    /// Arrivals by step.
    pub steps: BTreeMap<StepId, StepFigures>,
    /// Passages ended, each way of its own.
    pub ended: Vec<EndFigures>,
}

/// One way passages ended, and how many did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EndFigures {
    /// `completed`, `goal`, `exit_rule`, `stopped`, `erased`.
    pub end: String,
    /// The exit's or rule's reason, or the goal's step; empty where there is none.
    pub reason: String,
    pub count: i64,
}

/// What happened at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepFigures {
    pub entered: i64,
    pub queued: i64,
    pub accepted: i64,
    pub bounced: i64,
    pub suppressed: i64,
    pub unknown: i64,
}

/// The figures of a journey.
///
/// # Errors
/// SQLite's.
pub fn journey_funnel(db: &Db<'_>, journey: JourneyId) -> Result<Funnel> {
    let object = i64::from(journey.0);
    let mut funnel = Funnel {
        enrolled: parts(db, Metric::Enrolled, object)?
            .into_iter()
            .map(|(_, n)| n)
            .sum(),
        ended: parts(db, Metric::Ended, object)?
            .into_iter()
            .map(|(part, count)| {
                let (end, reason) = part.split_once('/').unwrap_or((&part, ""));
                EndFigures {
                    end: end.to_owned(),
                    reason: reason.to_owned(),
                    count,
                }
            })
            .collect(),
        ..Funnel::default()
    };
    type Cell = fn(&mut StepFigures) -> &mut i64;
    let columns: [(Metric, Cell); 6] = [
        (Metric::StepEntered, |s| &mut s.entered),
        (Metric::Queued, |s| &mut s.queued),
        (Metric::Accepted, |s| &mut s.accepted),
        (Metric::Bounced, |s| &mut s.bounced),
        (Metric::Suppressed, |s| &mut s.suppressed),
        (Metric::Unknown, |s| &mut s.unknown),
    ];
    for (metric, cell) in columns {
        for (step, n) in parts(db, metric, object)? {
            *cell(funnel.steps.entry(StepId(step)).or_default()) += n;
        }
    }
    Ok(funnel)
}
