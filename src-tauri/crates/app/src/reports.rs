//! Figures, from roll-ups that were written in the same commit as what they count.

use crate::Ctx;
use crate::commands;
use crate::error::Result;
use carillon_model::JourneyId;
use carillon_store::reports as figures;
use chrono::{Datelike, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

commands! {
    query "reports.messages" messages(Span) -> MessagesReport, reads [Reports];
    query "reports.funnel" funnel(FunnelOf) -> FunnelReport, reads [Reports, Enrolments, Journeys];
    query "reports.growth" growth(Span) -> GrowthReport, reads [Reports];
}

/// Width of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Bucket {
    Day,
    Week,
    Month,
}

impl Bucket {
    /// First day of the bucket a day lies in.
    fn of(self, day: NaiveDate) -> NaiveDate {
        match self {
            Bucket::Day => day,
            Bucket::Week => day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday())),
            Bucket::Month => day.with_day(1).unwrap_or(day),
        }
    }
}

/// The last so many days.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Span {
    pub days: u32,
    pub step: Bucket,
}

/// Messages of one bucket.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessagesRow {
    pub at: NaiveDate,
    #[ts(type = "number")]
    pub queued: i64,
    #[ts(type = "number")]
    pub accepted: i64,
    #[ts(type = "number")]
    pub bounced: i64,
    #[ts(type = "number")]
    pub suppressed: i64,
    #[ts(type = "number")]
    pub unknown: i64,
}

/// Messages over time.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessagesReport {
    pub step: Bucket,
    pub rows: Vec<MessagesRow>,
}

/// Which journey's funnel.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FunnelOf {
    pub journey: JourneyId,
    #[serde(default)]
    pub version: Option<u32>,
}

/// One step of a funnel.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FunnelStep {
    pub step: String,
    pub title: String,
    pub kind: String,
    #[ts(type = "number")]
    pub reached: i64,
    #[ts(type = "number")]
    pub now: u64,
    #[ts(type = "number")]
    pub accepted: i64,
    #[ts(type = "number")]
    pub bounced: i64,
    #[ts(type = "number")]
    pub suppressed: i64,
    #[ts(type = "number")]
    pub unknown: i64,
}

/// One way passages ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FunnelEnd {
    /// `completed`, `goal`, `exit_rule`, `stopped`, `erased`.
    pub end: String,
    /// The reason of the exit or rule, or the goal's step; empty where there is none.
    pub reason: String,
    /// The reason as people read it: a goal by the title of its step.
    pub title: String,
    #[ts(type = "number")]
    pub count: i64,
}

/// How far contacts came.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FunnelReport {
    pub journey: JourneyId,
    pub version: Option<u32>,
    #[ts(type = "number")]
    pub entered: i64,
    /// In the order of the way through the drawing.
    pub steps: Vec<FunnelStep>,
    /// Each way of its own, the most frequent first.
    pub ended: Vec<FunnelEnd>,
}

/// The list at the end of one bucket.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GrowthRow {
    pub at: NaiveDate,
    #[ts(type = "number")]
    pub total: i64,
    #[ts(type = "number")]
    pub added: i64,
    #[ts(type = "number")]
    pub removed: i64,
}

/// Growth of the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GrowthReport {
    pub step: Bucket,
    pub rows: Vec<GrowthRow>,
}

/// A span longer than this is read from the beginning of the workspace at the earliest.
const DAYS_MAX: i64 = 3_650;

fn span(cx: &Ctx, days: u32) -> Result<(NaiveDate, NaiveDate)> {
    let open = cx.open()?;
    let zone = open.store.catalogue().zone();
    let last = open.now().with_timezone(&zone).date_naive();
    let born = open.workspace()?.created_at.with_timezone(&zone).date_naive();
    let first = last - TimeDelta::days(i64::from(days).clamp(1, DAYS_MAX) - 1);
    Ok((first.max(born.min(last)), last))
}

pub(crate) async fn messages(cx: &Ctx, req: Span) -> Result<MessagesReport> {
    let (first, last) = span(cx, req.days)?;
    let days = cx
        .open()?
        .store
        .read(move |db| figures::messages_over_time(db, None, first, last))
        .await?;
    let mut rows: BTreeMap<NaiveDate, MessagesRow> = BTreeMap::new();
    for day in days {
        let at = req.step.of(day.date);
        let row = rows.entry(at).or_insert_with(|| MessagesRow {
            at,
            ..MessagesRow::default()
        });
        row.queued += day.queued;
        row.accepted += day.accepted;
        row.bounced += day.bounced;
        row.suppressed += day.suppressed;
        row.unknown += day.unknown;
    }
    Ok(MessagesReport {
        step: req.step,
        rows: rows.into_values().collect(),
    })
}

pub(crate) async fn growth(cx: &Ctx, req: Span) -> Result<GrowthReport> {
    let (first, last) = span(cx, req.days)?;
    let days = cx
        .open()?
        .store
        .read(move |db| figures::list_growth(db, first, last))
        .await?;
    let mut rows: BTreeMap<NaiveDate, GrowthRow> = BTreeMap::new();
    for day in days {
        let at = req.step.of(day.date);
        let row = rows.entry(at).or_insert(GrowthRow {
            at,
            total: 0,
            added: 0,
            removed: 0,
        });
        row.added += day.added;
        row.removed += day.removed;
        row.total = day.total;
    }
    Ok(GrowthReport {
        step: req.step,
        rows: rows.into_values().collect(),
    })
}

pub(crate) async fn funnel(cx: &Ctx, req: FunnelOf) -> Result<FunnelReport> {
    let open = cx.open()?;
    let id = req.journey;
    let found = open
        .store
        .read(move |db| {
            let versions = carillon_store::journeys::versions(db, id)?;
            let wanted = match req.version {
                Some(number) => versions.iter().find(|v| v.number == number),
                None => versions.last(),
            };
            let Some(version) = wanted else { return Ok(None) };
            let now = crate::journeys::standing(db, &versions)?;
            Ok(Some((version.clone(), figures::journey_funnel(db, id)?, now)))
        })
        .await?;
    let Some((version, figures, now)) = found else {
        return Ok(FunnelReport {
            journey: id,
            version: None,
            entered: 0,
            steps: Vec::new(),
            ended: Vec::new(),
        });
    };
    let title = |id: &str| {
        let step = version.document.steps.iter().find(|s| s.id.0 == id);
        step.map(|s| if s.name.is_empty() { &s.kind } else { &s.name })
    };
    let steps = walk(&version.document)
        .into_iter()
        .filter_map(|id| {
            let step = version.document.steps.iter().find(|s| s.id.0 == id)?;
            let f = figures.steps.get(&step.id).copied().unwrap_or_default();
            Some(FunnelStep {
                title: title(&id)?.clone(),
                kind: step.kind.clone(),
                reached: f.entered,
                now: now.get(&id).copied().unwrap_or(0),
                accepted: f.accepted,
                bounced: f.bounced,
                suppressed: f.suppressed,
                unknown: f.unknown,
                step: id,
            })
        })
        .collect();
    let mut ended: Vec<FunnelEnd> = figures
        .ended
        .into_iter()
        .map(|e| FunnelEnd {
            title: match e.end.as_str() {
                "goal" => title(&e.reason).unwrap_or(&e.reason).clone(),
                _ => e.reason.clone(),
            },
            end: e.end,
            reason: e.reason,
            count: e.count,
        })
        .collect();
    ended.sort_by(|a, b| {
        b.count
            .cmp(&a.count)
            .then_with(|| (&a.end, &a.reason).cmp(&(&b.end, &b.reason)))
    });
    Ok(FunnelReport {
        journey: id,
        version: Some(version.number),
        entered: figures.enrolled,
        steps,
        ended,
    })
}

/// Steps in the order contacts meet them: from the entries on, each after those that lead to it where that can be.
fn walk(document: &carillon_model::journey::Journey) -> Vec<String> {
    let mut order = Vec::new();
    let mut waiting: std::collections::VecDeque<String> = document
        .steps
        .iter()
        .filter(|s| s.kind.starts_with("entry_"))
        .map(|s| s.id.0.clone())
        .collect();
    while let Some(id) = waiting.pop_front() {
        if order.contains(&id) {
            continue;
        }
        if let Some(step) = document.steps.iter().find(|s| s.id.0 == id) {
            waiting.extend(step.next.values().map(|n| n.0.clone()));
        }
        order.push(id);
    }
    order
}
