//! A model tried on the past: what it would have said at an earlier day, and who reached a goal since.

use super::preview::sample;
use super::{
    BacktestDifference, BacktestGrade, BacktestModel, BacktestScore, BacktestTenth, ScoreBacktest, StageMove,
};
use super::{all, first_error};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use carillon_engine::scores::backtest::{Area, Estimate, tenths};
use carillon_engine::scores::{Grade, Points, Scoring};
use carillon_model::score::{Score, ScoreModel};
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
    if let Some(first) = first_error(open, &req.model, req.id).await? {
        return Err(unready(&first.message));
    }
    if req.days == 0 || req.days > LONGEST {
        let most = LONGEST.to_string();
        return Err(fail(Code::Invalid, "scores.backtest_days", &[("most", &most)]).at("days"));
    }
    let goal = goal(crate::segments::expression(open, &req.goal).map_err(|error| error.at("goal"))?)?;
    let scores = all(open).await?;
    let known = scores.iter().find(|score| Some(score.id) == req.id);
    let key = known.map(|score| score.key.as_str()).unwrap_or_default();
    let draft = Measure::read(key, &req.model, &scores)?;
    let published = known.and_then(|score| score.published.as_ref());
    let published = published.and_then(|model| Measure::read(key, model, &scores).ok());
    let until = open.now();
    let then = until - TimeDelta::days(i64::from(req.days));
    Ok(open.store.with_index(|index| {
        let tried = |models: &Models<'_>| tried(index, models, &goal, then, until);
        let graded = |draft, published| graded(index, draft, published, &goal, then, until);
        match (&draft, published.as_ref()) {
            (Measure::Points(draft), published) => tried(&Models {
                draft,
                published: published.and_then(Measure::points),
            }),
            (Measure::Grade(draft), published) => graded(draft, published.and_then(Measure::grade)),
        }
    }))
}

/// A model and, for a grade, what the two scores that it reads are measured by.
enum Measure {
    Points(Points),
    Grade(Box<Graded>),
}

struct Graded {
    grade: Grade,
    of: [Points; 2],
}

impl Measure {
    fn read(key: &str, model: &ScoreModel, scores: &[Score]) -> Result<Measure> {
        match Scoring::read(key, model) {
            Ok(Scoring::Points(points)) => Ok(Measure::Points(points)),
            Ok(Scoring::Grade(grade)) => {
                let of = grade.scores().map(|key| points_of(key, scores));
                let [rows, columns] = of;
                Ok(Measure::Grade(Box::new(Graded {
                    of: [rows?, columns?],
                    grade,
                })))
            }
            Err(_) => Err(unready("")),
        }
    }

    fn points(&self) -> Option<&Points> {
        match self {
            Measure::Points(points) => Some(points),
            Measure::Grade(_) => None,
        }
    }

    fn grade(&self) -> Option<&Graded> {
        match self {
            Measure::Points(_) => None,
            Measure::Grade(grade) => Some(grade),
        }
    }
}

/// What everybody has of a score that a grade reads.
fn points_of(key: &str, scores: &[Score]) -> Result<Points> {
    let of = scores.iter().find(|score| score.key == key);
    let model = of.and_then(|score| score.published.as_ref());
    match model.map(|model| Scoring::read(key, model)) {
        Some(Ok(Scoring::Points(points))) => Ok(points),
        _ => Err(unready(key)),
    }
}

impl Graded {
    /// The grade by the points that `measure` gives of each of the two scores; `None`: who was not measured.
    fn of(&self, measure: impl Fn(&Points) -> Option<i64>) -> Option<Option<String>> {
        let [rows, columns] = &self.of;
        let (rows, columns) = (measure(rows)?, measure(columns)?);
        Some(self.grade.label(Some(rows), Some(columns)))
    }
}

fn unready(detail: &str) -> crate::error::ApiError {
    fail(Code::Invalid, "scores.unready", &[("detail", &detail)]).at("model")
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
            grades: Vec::new(),
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
            .map(|published| stages(index, models.draft, published, &people, until)),
    }
}

/// How many people of each grade reached the goal. Grades have no order, so nothing is said of who is ahead.
fn graded(
    index: &Index,
    draft: &Graded,
    published: Option<&Graded>,
    goal: &EventMatch,
    then: Moment,
    until: Moment,
) -> ScoreBacktest {
    let people = sample(index, MEASURED);
    let (mut measured, mut reached) = (0, 0);
    let mut counts: [GradeCounts; 2] = Default::default();
    for contact in &people {
        let label = |model: &Graded| model.of(|points| index.scored_then(points, *contact, then));
        let Some(of_draft) = label(draft) else { continue };
        let did = index.did_between(*contact, goal, then, until);
        measured += 1;
        reached += u32::from(did);
        count(&mut counts[0], of_draft, did);
        if let Some(of_published) = published.and_then(label) {
            count(&mut counts[1], of_published, did);
        }
    }
    let [of_draft, of_published] = counts;
    ScoreBacktest {
        since: then,
        until,
        measured,
        sampled: u32::try_from(people.len()).unwrap_or(u32::MAX),
        contacts: index.contacts().len(),
        reached,
        draft: by_grade(draft, &of_draft),
        published: published.map(|published| by_grade(published, &of_published)),
        difference: None,
        moves: published.map(|published| {
            let label = |model: &Graded, contact: ContactId| {
                model.of(|points| Some(index.scored(points, contact, until)?.total))
            };
            moves(&people, |contact| {
                Some((label(published, contact)?, label(draft, contact)?))
            })
        }),
    }
}

/// People of each grade, and those of them who reached the goal.
type GradeCounts = BTreeMap<Option<String>, (u32, u32)>;

fn count(counts: &mut GradeCounts, grade: Option<String>, reached: bool) {
    let of = counts.entry(grade).or_default();
    of.0 += 1;
    of.1 += u32::from(reached);
}

fn by_grade(model: &Graded, counts: &GradeCounts) -> BacktestModel {
    let labels = model.grade.labels().into_iter().map(Some).chain([None]);
    let grades = labels.filter_map(|grade| {
        let (people, reached) = *counts.get(&grade)?;
        Some(BacktestGrade {
            grade,
            people,
            reached,
        })
    });
    BacktestModel {
        tenths: Vec::new(),
        grades: grades.collect(),
        area: None,
        error: None,
    }
}

/// Who would be in another stage today, by points alone: stages that were reached before are kept by whoever has them.
fn stages(
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
    moves(people, |contact| {
        Some((stage(published, contact)?, stage(draft, contact)?))
    })
}

/// How many go from one label to another; the most first. `labels` are those a contact has and would have.
fn moves(
    people: &[ContactId],
    labels: impl Fn(ContactId) -> Option<(Option<String>, Option<String>)>,
) -> Vec<StageMove> {
    let mut counts: BTreeMap<(Option<String>, Option<String>), u32> = BTreeMap::new();
    for (from, to) in people.iter().filter_map(|contact| labels(*contact)) {
        if from != to {
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
