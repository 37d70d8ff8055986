//! Companies: what the points of their contacts and rules of their own come to.
//!
//! Nothing of it is kept: a company's points are a function of its contacts' points, of who of them meets which rule, of
//! its own fields and of the moment, and whoever shows them works them out.

use super::{MILLI, ScoreProblem, ScoreProblemKind, rounded, within};
use crate::record::{ContactRecord, Scope};
use crate::segment::{clauses, eval_facts, fields_of, parse};
use carillon_model::Moment;
use carillon_model::contact::is_of_company;
use carillon_model::score::{CompanyRule, CompanyScored, CompanyScoring, RollUp, RuleScored, ScoreBounds};
use carillon_model::segment::{Clause, Expr};
use std::collections::BTreeSet;

/// How companies are measured, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Companies {
    roll_up: RollUp,
    rules: Vec<Rule>,
    bounds: ScoreBounds,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    key: String,
    asks: Asks,
    points: i32,
}

#[derive(Clone, Debug, PartialEq)]
enum Asks {
    /// The company itself.
    Company(Expr),
    /// Its contacts: so many have to meet it.
    People { expr: Expr, least: u32 },
}

/// What one company is measured by.
#[derive(Clone, Copy, Debug)]
pub struct CompanyFacts<'a> {
    /// Whole points of each of its contacts that is measured.
    pub points: &'a [i64],
    /// How many of its contacts meet each expression of [`Companies::of_people`].
    pub meeting: &'a [u32],
    /// Its values under the keys contacts read them by, and nothing else.
    pub fields: &'a ContactRecord,
}

impl Companies {
    /// Reads how companies are measured; where the model does not say it, their contacts' points are added up.
    ///
    /// # Errors
    /// The rule whose text cannot be read, and why.
    pub fn read(model: Option<&CompanyScoring>) -> Result<Companies, ScoreProblem> {
        let rules = model.iter().flat_map(|model| &model.rules);
        Ok(Companies {
            roll_up: model.map(|model| model.roll_up).unwrap_or_default(),
            rules: rules.map(Rule::read).collect::<Result<_, _>>()?,
            bounds: model.map(|model| model.bounds).unwrap_or_default(),
        })
    }

    /// What is asked of contacts, in the order of the rules.
    pub fn of_people(&self) -> impl Iterator<Item = &Expr> {
        self.rules.iter().filter_map(|rule| match &rule.asks {
            Asks::People { expr, .. } => Some(expr),
            Asks::Company(_) => None,
        })
    }

    /// The fields of companies that its rules read.
    pub fn fields(&self) -> BTreeSet<&str> {
        let of_companies = self.rules.iter().filter_map(|rule| match &rule.asks {
            Asks::Company(expr) => Some(expr),
            Asks::People { .. } => None,
        });
        of_companies.flat_map(clauses).flat_map(fields_of).collect()
    }

    /// What a company comes to at `now`, part by part. `None`: nobody of it is measured, and no rule could give it points.
    pub fn score(&self, company: &CompanyFacts<'_>, now: Moment, scope: &Scope) -> Option<CompanyScored> {
        if company.points.is_empty() && self.rules.is_empty() {
            return None;
        }
        let mut meeting = company.meeting.iter().copied();
        let rules = self.rules.iter().map(|rule| {
            let (count, least) = match &rule.asks {
                Asks::Company(expr) => {
                    let holds = eval_facts(expr, company.fields, now, scope).holds;
                    (u32::from(holds), 1)
                }
                Asks::People { least, .. } => (meeting.next().unwrap_or(0), *least),
            };
            let points = if count >= least { rule.points } else { 0 };
            RuleScored {
                key: rule.key.clone(),
                points: i64::from(points) * MILLI,
                count,
                last: None,
            }
        });
        let rules: Vec<RuleScored> = rules.collect();
        let rolled_up = self.rolled_up(company.points);
        let all = rules
            .iter()
            .fold(rolled_up, |sum, rule| sum.saturating_add(rule.points));
        let bounded = within(all, self.bounds);
        Some(CompanyScored {
            total: rounded(bounded),
            contacts: u32::try_from(company.points.len()).unwrap_or(u32::MAX),
            sum: sum(company.points),
            highest: company.points.iter().max().copied(),
            rolled_up,
            rules,
            limited: bounded.saturating_sub(all),
        })
    }

    /// Thousandths that the contacts bring.
    fn rolled_up(&self, points: &[i64]) -> i64 {
        let all = || sum(points).saturating_mul(MILLI);
        match self.roll_up {
            RollUp::Sum => all(),
            RollUp::Average => match i64::try_from(points.len()) {
                Ok(n) if n > 0 => all() / n,
                _ => 0,
            },
            RollUp::Highest => points.iter().max().map_or(0, |most| most.saturating_mul(MILLI)),
            RollUp::Nothing => 0,
        }
    }
}

impl Rule {
    fn read(rule: &CompanyRule) -> Result<Rule, ScoreProblem> {
        let expr = parse(&rule.when).map_err(|error| ScoreProblem {
            place: rule.key.clone(),
            kind: ScoreProblemKind::Unreadable {
                at: error.at,
                message: error.message,
            },
        })?;
        Ok(Rule {
            key: rule.key.clone(),
            asks: match rule.people {
                Some(least) => Asks::People { expr, least },
                None => Asks::Company(expr),
            },
            points: rule.points,
        })
    }
}

fn sum(points: &[i64]) -> i64 {
    points.iter().fold(0, |sum, points| sum.saturating_add(*points))
}

/// The first clause of an expression that a company itself cannot answer.
pub(super) fn not_of_companies(expr: &Expr) -> Option<&Clause> {
    let of_company =
        |clause: &Clause| matches!(clause, Clause::Field { .. }) && fields_of(clause).all(is_of_company);
    clauses(expr).into_iter().find(|clause| !of_company(clause))
}

#[cfg(test)]
mod tests;
