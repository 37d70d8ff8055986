//! Scores: what the rules of a model come to for one contact at one moment.
//!
//! [`Scoring::score`] is a function of the model, the contact's facts and the moment, nothing else, in whole thousandths
//! of a point: the same history gives the same score on every machine, whenever it is asked for. It says until when it
//! is sure, so that time is a cause of change like a row. The index keeps all published scores true by it.

pub mod backtest;
mod check;
mod companies;
mod decay;
mod grade;
mod overlaid;
#[cfg(test)]
pub(crate) mod tests;

pub use check::{OF_COMPANIES, ScoreProblem, ScoreProblemKind, check};
pub use companies::{Companies, CompanyFacts};
pub use grade::Grade;
pub(crate) use overlaid::{History, Overlaid};

use crate::record::Scope;
use crate::segment::{Facts, Seen, Spans, eval_facts, parse, zone_of_window};
use carillon_model::Moment;
use carillon_model::score::{
    ADJUSTED, Decay, FrequencyRange, GroupScored, RulePoints, RuleScored, ScoreBounds, ScoreModel,
    ScoreReason, ScoreRule, ScoreStage, Scored,
};
use carillon_model::segment::{Clause, EventMatch, Expr, PropMatch, Test, Times, Window};
use smallvec::SmallVec;

/// Thousandths in a point.
const MILLI: i64 = 1000;

/// A model, read: how one score is worked out.
#[derive(Clone, Debug, PartialEq)]
pub enum Scoring {
    Points(Points),
    Grade(Grade),
}

/// A score that is a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    groups: Vec<Group>,
    bounds: ScoreBounds,
    /// From the lowest up.
    stages: Vec<ScoreStage>,
    /// The events that add points by hand or by a journey.
    adjusted: EventMatch,
    companies: Companies,
}

#[derive(Clone, Debug, PartialEq)]
struct Group {
    key: String,
    bounds: ScoreBounds,
    decay: Decay,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    key: String,
    bounds: ScoreBounds,
    gives: Gives,
}

#[derive(Clone, Debug, PartialEq)]
enum Gives {
    While {
        expr: Expr,
        points: i32,
    },
    Events {
        event: EventMatch,
        window: Window,
        from: Option<Moment>,
        to: Option<Moment>,
        count: Count,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Count {
    Once(i32),
    Each(i32),
    Ranges(Vec<FrequencyRange>),
}

/// Events that count in one window, and until when that is so.
#[derive(Default)]
struct Counting {
    at: SmallVec<[Moment; 8]>,
    until: Option<Moment>,
}

/// What one rule comes to: thousandths of a point, events that count, the last of them.
#[derive(Clone, Copy)]
struct RuleSum {
    points: i64,
    count: u32,
    last: Option<Moment>,
}

/// What all rules come to.
struct Sum {
    total: i64,
    adjusted: i64,
    until: Option<Moment>,
}

impl Scoring {
    /// Reads the model of the score `key`.
    ///
    /// # Errors
    /// The rule whose text cannot be read, and why. [`check`] says everything that is wrong at once.
    pub fn read(key: &str, model: &ScoreModel) -> Result<Scoring, ScoreProblem> {
        let (groups, bounds, stages, companies) = match model {
            ScoreModel::Grade { rows, columns } => return Ok(Scoring::Grade(Grade::new(rows, columns))),
            ScoreModel::Points {
                groups,
                bounds,
                stages,
                companies,
            } => (groups, bounds, stages, companies),
        };
        let mut read = Vec::with_capacity(groups.len());
        for group in groups {
            read.push(Group {
                key: group.key.clone(),
                bounds: group.bounds,
                decay: group.decay,
                rules: group.rules.iter().map(Rule::read).collect::<Result<_, _>>()?,
            });
        }
        Ok(Scoring::Points(Points {
            groups: read,
            bounds: *bounds,
            stages: stages.clone(),
            adjusted: EventMatch {
                name: ADJUSTED.to_owned(),
                props: vec![PropMatch {
                    key: "score".to_owned(),
                    test: Test::Is(vec![key.to_owned()]),
                }],
            },
            companies: Companies::read(companies.as_ref())?,
        }))
    }
}

impl Rule {
    fn read(rule: &ScoreRule) -> Result<Rule, ScoreProblem> {
        let problem = |kind| ScoreProblem {
            place: rule.key.clone(),
            kind,
        };
        let expr = parse(&rule.when).map_err(|error| {
            problem(ScoreProblemKind::Unreadable {
                at: error.at,
                message: error.message,
            })
        })?;
        let count = match &rule.points {
            RulePoints::While { points } => {
                return Ok(Rule {
                    key: rule.key.clone(),
                    bounds: rule.bounds,
                    gives: Gives::While {
                        expr,
                        points: *points,
                    },
                });
            }
            RulePoints::Once { points } => Count::Once(*points),
            RulePoints::Each { points } => Count::Each(*points),
            RulePoints::Ranges { ranges } => Count::Ranges(ranges.clone()),
        };
        let Expr::Clause(Clause::Did {
            event,
            times: Times::AtLeast(1),
            window,
        }) = expr
        else {
            return Err(problem(ScoreProblemKind::NotAnEvent));
        };
        Ok(Rule {
            key: rule.key.clone(),
            bounds: rule.bounds,
            gives: Gives::Events {
                event,
                window,
                from: rule.from,
                to: rule.to,
                count,
            },
        })
    }

    /// What it comes to before decay has eaten of it, less what it has; and until when.
    fn sum<F: Facts>(&self, decay: Decay, who: &F, now: Moment, scope: &Scope) -> (RuleSum, Option<Moment>) {
        let mut out = RuleSum {
            points: 0,
            count: 0,
            last: None,
        };
        let until = match &self.gives {
            Gives::While { expr, points } => {
                let verdict = eval_facts(expr, who, now, scope);
                out.count = u32::from(verdict.holds);
                out.points = i64::from(out.count) * i64::from(*points) * MILLI;
                verdict.until
            }
            Gives::Events {
                event,
                window,
                from,
                to,
                count,
            } => {
                let counting = counting(event, window, [*from, *to], who, now, scope);
                out.count = u32::try_from(counting.at.len()).unwrap_or(u32::MAX);
                out.last = counting.at.iter().max().copied();
                let (points, until) = count.points(&counting.at, out.last, decay, now);
                out.points = points;
                sooner(counting.until, until)
            }
        };
        out.points = within(out.points, self.bounds);
        (out, until)
    }
}

impl Count {
    fn points(
        &self,
        at: &[Moment],
        last: Option<Moment>,
        decay: Decay,
        now: Moment,
    ) -> (i64, Option<Moment>) {
        let of = |points: i32, at: Moment| decay::left(i64::from(points) * MILLI, decay, at, now);
        let Some(last) = last else { return (0, None) };
        match self {
            Count::Once(points) => of(*points, last),
            Count::Each(points) => at.iter().fold((0, None), |(sum, until), at| {
                let (points, next) = of(*points, *at);
                (sum.saturating_add(points), sooner(until, next))
            }),
            Count::Ranges(ranges) => {
                let n = u32::try_from(at.len()).unwrap_or(u32::MAX);
                let range = ranges
                    .iter()
                    .find(|r| r.from <= n && r.to.is_none_or(|to| n <= to));
                range.map_or((0, None), |range| of(range.points, last))
            }
        }
    }
}

/// The moments of the events that count now.
fn counting<F: Facts>(
    event: &EventMatch,
    window: &Window,
    [from, to]: [Option<Moment>; 2],
    who: &F,
    now: Moment,
    scope: &Scope,
) -> Counting {
    let mut out = Counting::default();
    let Some(tz) = zone_of_window(window, || who.zone(), scope) else {
        return out;
    };
    let spans = Spans::new(window, tz, now);
    who.events(event, &mut |at| {
        if from.is_some_and(|from| at < from) || to.is_some_and(|to| to <= at) {
            return;
        }
        let Some((begins, ends)) = spans.of(at) else {
            return;
        };
        if ends.is_some_and(|ends| ends <= begins) {
            return;
        }
        if begins > now {
            out.until = sooner(out.until, Some(begins));
        } else if ends.is_none_or(|ends| now < ends) {
            out.until = sooner(out.until, ends);
            out.at.push(at);
        }
    });
    out
}

impl Points {
    /// What the rules come to for a contact at `now`, rule by rule.
    pub fn score<F: Facts>(&self, who: &F, now: Moment, scope: &Scope) -> Scored {
        let mut groups = Vec::with_capacity(self.groups.len());
        let sum = self.add_up(who, now, scope, |group, points, sums| {
            let rules = group.rules.iter().zip(sums).map(|(rule, sum)| RuleScored {
                key: rule.key.clone(),
                points: sum.points,
                count: sum.count,
                last: sum.last,
            });
            groups.push(GroupScored {
                key: group.key.clone(),
                points,
                rules: rules.collect(),
            });
        });
        Scored {
            total: sum.total,
            groups,
            adjusted: sum.adjusted,
            until: sum.until,
        }
    }

    /// The whole points of [`Points::score`] alone, and until when they are sure.
    pub(crate) fn total<F: Facts>(&self, who: &F, now: Moment, scope: &Scope) -> (i64, Option<Moment>) {
        let sum = self.add_up(who, now, scope, |_, _, _| {});
        (sum.total, sum.until)
    }

    /// `told` hears of each group, of its thousandths and of what each of its rules comes to.
    fn add_up<F: Facts>(
        &self,
        who: &F,
        now: Moment,
        scope: &Scope,
        mut told: impl FnMut(&Group, i64, &[RuleSum]),
    ) -> Sum {
        let (adjusted, mut until) = self.adjusted(who, now);
        let mut sum = adjusted;
        let mut rules = SmallVec::<[RuleSum; 8]>::new();
        for group in &self.groups {
            rules.clear();
            let mut points = 0i64;
            for rule in &group.rules {
                let (one, next) = rule.sum(group.decay, who, now, scope);
                points = points.saturating_add(one.points);
                until = sooner(until, next);
                rules.push(one);
            }
            points = within(points, group.bounds);
            sum = sum.saturating_add(points);
            told(group, points, &rules);
        }
        Sum {
            total: rounded(within(sum, self.bounds)),
            adjusted,
            until,
        }
    }

    /// Thousandths added by hand and by journeys, up to now.
    fn adjusted<F: Facts>(&self, who: &F, now: Moment) -> (i64, Option<Moment>) {
        let (mut sum, mut until) = (0i64, None);
        who.values(&self.adjusted, "points", &mut |at, value| {
            let Seen::Number(points) = value else { return };
            if at > now {
                until = sooner(until, Some(at));
            } else if points.is_finite() {
                // A cast of a float saturates.
                sum = sum.saturating_add((points * MILLI as f64).round() as i64);
            }
        });
        (sum, until)
    }

    /// The number of the stage that so many points reach by themselves.
    pub fn stage_of(&self, total: i64) -> Option<usize> {
        self.stages
            .iter()
            .rposition(|stage| i64::from(stage.at_least) <= total)
    }

    /// The stage of a contact who was in `before` and now has so many points: never an earlier one. A stage that the
    /// model no longer has counts as none.
    pub fn stage(&self, before: Option<&str>, total: i64) -> Option<&str> {
        let before = before.and_then(|name| self.stages.iter().position(|stage| stage.name == name));
        before
            .max(self.stage_of(total))
            .map(|i| self.stages[i].name.as_str())
    }

    /// How many stages there are.
    pub fn stage_count(&self) -> usize {
        self.stages.len()
    }

    /// What the stage of a number is called.
    pub fn stage_name(&self, i: usize) -> Option<&str> {
        self.stages.get(i).map(|stage| stage.name.as_str())
    }

    /// How companies are measured by it.
    pub fn companies(&self) -> &Companies {
        &self.companies
    }

    /// Whether it has stages.
    pub fn has_stages(&self) -> bool {
        !self.stages.is_empty()
    }

    /// Events that a rule counts, by the key of the rule; those of adjustments by an empty one.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (&str, &EventMatch)> {
        let rules = self.groups.iter().flat_map(|group| &group.rules);
        let counted = rules.filter_map(|rule| match &rule.gives {
            Gives::Events { event, .. } => Some((rule.key.as_str(), event)),
            Gives::While { .. } => None,
        });
        counted.chain([("", &self.adjusted)])
    }

    /// Everything the rules ask, as one expression.
    pub(crate) fn asked(&self) -> Expr {
        let rules = self.groups.iter().flat_map(|group| &group.rules);
        let asked = rules.map(|rule| match &rule.gives {
            Gives::While { expr, .. } => expr.clone(),
            Gives::Events { event, window, .. } => did(event, window.clone()),
        });
        Expr::Any(asked.chain([did(&self.adjusted, Window::Ever)]).collect())
    }
}

fn did(event: &EventMatch, window: Window) -> Expr {
    Expr::Clause(Clause::Did {
        event: event.clone(),
        times: Times::AtLeast(1),
        window,
    })
}

/// What differs between two results, rule by rule; adjustments last. Events are filled in by whoever knows them.
pub(crate) fn reasons(before: Option<&Scored>, after: &Scored) -> Vec<ScoreReason> {
    let was = |rule: &str| {
        let rules = before.iter().flat_map(|s| &s.groups).flat_map(|g| &g.rules);
        rules.clone().find(|r| r.key == rule).map_or(0, |r| r.points)
    };
    let rules = after.groups.iter().flat_map(|group| &group.rules);
    let rules = rules.map(|rule| (rule.key.clone(), was(&rule.key), rule.points));
    let adjusted = (String::new(), before.map_or(0, |s| s.adjusted), after.adjusted);
    let all = rules
        .chain([adjusted])
        .filter(|(_, before, after)| before != after);
    all.map(|(rule, before, after)| ScoreReason {
        rule,
        before,
        after,
        event: None,
    })
    .collect()
}

fn within(milli: i64, bounds: ScoreBounds) -> i64 {
    let least = bounds.least.map_or(i64::MIN, |least| i64::from(least) * MILLI);
    let most = bounds.most.map_or(i64::MAX, |most| i64::from(most) * MILLI);
    milli.max(least).min(most)
}

/// Whole points, a half away from zero.
fn rounded(milli: i64) -> i64 {
    let whole = milli / MILLI;
    if (milli % MILLI).abs() * 2 >= MILLI {
        whole + milli.signum()
    } else {
        whole
    }
}

fn sooner(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    [a, b].into_iter().flatten().min()
}
