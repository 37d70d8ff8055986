//! A model tried on the past: what it would have said at an earlier day, and who reached a goal since.

use super::preview::sample;
use super::{BacktestDifference, BacktestModel, BacktestScore, BacktestTenth, ScoreBacktest, StageMove};
use super::{all, troubles};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use carillon_engine::scores::backtest::{Area, Estimate, tenths};
use carillon_engine::scores::{Points, Scoring};
use carillon_model::score::ScoreModel;
use carillon_model::segment::{Clause, EventMatch, Expr, Times, Window};
use carillon_model::{ContactId, Moment};
use carillon_store::Index;
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// Most contacts that are measured.
const MEASURED: u64 = 20_000;
/// Longest time for the goal, in days: ten years.
const LONGEST: u32 = 3_653;
/// Fewer who reached the goal, or who did not, say nothing about a model.
const LEAST: usize = 20;
/// Standard errors on either side that hold the truth in 95 of 100 cases.
const SURE: f64 = 1.96;

pub(super) async fn backtest(cx: &Ctx, req: BacktestScore) -> Result<ScoreBacktest> {
    let open = cx.open()?;
    if let Some(first) = troubles(open, &req.model).await?.into_iter().next() {
        return Err(unready(&first.message));
    }
    if req.days == 0 || req.days > LONGEST {
        let most = LONGEST.to_string();
        return Err(fail(Code::Invalid, "scores.backtest_days", &[("most", &most)]).at("days"));
    }
    let goal = goal(crate::segments::expression(open, &req.goal).map_err(|error| error.at("goal"))?)?;
    let known = all(open)
        .await?
        .into_iter()
        .find(|score| Some(score.id) == req.id);
    let key = known.as_ref().map(|score| score.key.clone()).unwrap_or_default();
    let draft = points(&key, &req.model)?;
    let published = known.and_then(|score| score.published);
    let published = published.and_then(|model| points(&key, &model).ok());
    let until = open.now();
    let then = until - TimeDelta::days(i64::from(req.days));
    Ok(open.store.with_index(|index| {
        let models = Models {
            draft: &draft,
            published: published.as_ref(),
        };
        tried(index, &models, &goal, then, until)
    }))
}

fn unready(detail: &str) -> crate::error::ApiError {
    fail(Code::Invalid, "scores.unready", &[("detail", &detail)]).at("model")
}

fn points(key: &str, model: &ScoreModel) -> Result<Points> {
    match Scoring::read(key, model) {
        Ok(Scoring::Points(points)) => Ok(points),
        Ok(Scoring::Grade(_)) => Err(fail(Code::Invalid, "scores.backtest_grade", &[]).at("model")),
        Err(_) => Err(unready("")),
    }
}

/// The event of a goal: one `did` that says neither how often nor when, since the days say when.
fn goal(expr: Expr) -> Result<EventMatch> {
    match expr {
        Expr::Clause(Clause::Did {
            event,
            times: Times::AtLeast(1),
            window: Window::Ever,
        }) => Ok(event),
        _ => Err(fail(Code::Invalid, "scores.backtest_goal", &[]).at("goal")),
    }
}

struct Models<'a> {
    draft: &'a Points,
    published: Option<&'a Points>,
}

fn tried(
    index: &Index,
    models: &Models<'_>,
    goal: &EventMatch,
    then: Moment,
    until: Moment,
) -> ScoreBacktest {
    let people = sample(index, MEASURED);
    let (mut draft, mut published, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    for contact in &people {
        let Some(points) = index.scored_then(models.draft, *contact, then) else {
            continue;
        };
        draft.push(points);
        published.extend(
            models
                .published
                .and_then(|model| index.scored_then(model, *contact, then)),
        );
        reached.push(index.did_between(*contact, goal, then, until));
    }
    let those = reached.iter().filter(|is| **is).count();
    let enough = those >= LEAST && reached.len() - those >= LEAST;
    let area = |points: &[i64]| enough.then(|| Area::of(points, &reached)).flatten();
    let (of_draft, of_published) = (area(&draft), area(&published));
    let difference = of_draft
        .as_ref()
        .zip(of_published.as_ref())
        .map(|(draft, published)| {
            let Estimate { value, error } = draft.beyond(published);
            BacktestDifference {
                by: value,
                error,
                sure: value.abs() > SURE * error && error > 0.0,
            }
        });
    let model = |points: &[i64], area: Option<Area>| {
        let area = area.map(|area| area.estimate());
        BacktestModel {
            tenths: tenths(points, &reached)
                .into_iter()
                .map(BacktestTenth::from)
                .collect(),
            area: area.map(|area| area.value),
            error: area.map(|area| area.error),
        }
    };
    ScoreBacktest {
        since: then,
        until,
        measured: u32::try_from(reached.len()).unwrap_or(u32::MAX),
        sampled: u32::try_from(people.len()).unwrap_or(u32::MAX),
        contacts: index.contacts().len(),
        reached: u32::try_from(those).unwrap_or(u32::MAX),
        draft: model(&draft, of_draft),
        published: models.published.map(|_| model(&published, of_published)),
        difference,
        moves: models
            .published
            .map(|published| moves(index, models.draft, published, &people, until)),
    }
}

/// Who would be in another stage today, by points alone: stages that were reached before are kept by whoever has them.
fn moves(
    index: &Index,
    draft: &Points,
    published: &Points,
    people: &[ContactId],
    now: Moment,
) -> Vec<StageMove> {
    let stage = |model: &Points, contact: ContactId| {
        let total = index.scored(model, contact, now)?.total;
        let stage = model.stage_of(total).and_then(|i| model.stage_name(i));
        Some(stage.map(str::to_owned))
    };
    let mut counts: BTreeMap<(Option<String>, Option<String>), u32> = BTreeMap::new();
    for contact in people {
        if let (Some(from), Some(to)) = (stage(published, *contact), stage(draft, *contact))
            && from != to
        {
            *counts.entry((from, to)).or_default() += 1;
        }
    }
    let mut moves: Vec<StageMove> = counts
        .into_iter()
        .map(|((from, to), people)| StageMove { from, to, people })
        .collect();
    moves.sort_by_key(|each| std::cmp::Reverse(each.people));
    moves
}
