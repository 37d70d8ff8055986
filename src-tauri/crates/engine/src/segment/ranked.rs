//! Who is among the highest or the lowest of all: the one clause whose truth for a contact hangs on what others have.
//!
//! What it takes to be in, the cut, is measured from the values of all at certain moments and is a part of the expression from
//! then on, though not of its text. So each contact is asked by itself, as by any other clause, and a commit asks only those
//! whom it touches.

use super::check::{ExprProblem, clauses, problem};
use super::eval::Seen;
use super::explain::local;
use super::parse::{ParseError, Parser};
use super::print::{key, number, print, print_clause, value};
use super::words::say;
use crate::record::{ContactRecord, Scope};
use carillon_model::Moment;
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::segment::{Clause, Cut, Expr};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Display;

impl Parser<'_> {
    /// Which end, which part of all, and, of money, which currency.
    pub(super) fn ranked(&mut self, key: String) -> Result<Expr, ParseError> {
        let top = self.accept(&["top"]);
        if !top && !self.accept(&["bottom"]) {
            return Err(self.expected("wanted.rank", &["top", "bottom"]));
        }
        let percent = self.number()?;
        self.need_symbol("%")?;
        Ok(Expr::Clause(Clause::Ranked {
            key,
            top,
            percent,
            currency: self.currency(),
            cut: None,
        }))
    }
}

/// Which values are ranked, and how many of them are in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking<'a> {
    /// Of the field.
    pub key: &'a str,
    /// The highest, not the lowest.
    pub top: bool,
    pub percent: f64,
    /// Of money.
    pub currency: Option<Currency>,
}

impl Ranking<'_> {
    /// Of so many, one at least, so many are in, those with equal values left aside: rounded up, one at least.
    fn rank(&self, of: usize) -> usize {
        let part = of as f64 * self.percent / 100.0;
        // 1.1% of 3,000 are 33, also where a double says a little more.
        let whole = part.round();
        let near = (part - whole).abs() <= 1e-9 * whole.max(1.0);
        let rank = if near { whole } else { part.ceil() };
        (rank as usize).clamp(1, of)
    }

    /// The last one that is in.
    fn last<T: Copy>(&self, mut all: Vec<T>, order: impl FnMut(&T, &T) -> Ordering) -> Option<T> {
        if all.is_empty() {
            return None;
        }
        let rank = self.rank(all.len());
        let place = if self.top { all.len() - rank } else { rank - 1 };
        Some(*all.select_nth_unstable_by(place, order).1)
    }
}

/// The value that it takes, of the values of all; those of another kind or currency are not ranked. `None`: there is none.
pub fn cut_of<'v>(ranking: &Ranking<'_>, values: impl Iterator<Item = Seen<'v>>) -> Option<Value> {
    match ranking.currency {
        None => {
            let numbers = values.filter_map(|seen| match seen {
                Seen::Number(n) if !n.is_nan() => Some(n),
                _ => None,
            });
            ranking.last(numbers.collect(), f64::total_cmp).map(Value::Number)
        }
        Some(currency) => {
            let amounts = values.filter_map(|seen| match seen {
                Seen::Money(money) if money.currency == currency => Some(money.minor),
                _ => None,
            });
            let minor = ranking.last(amounts.collect(), i64::cmp)?;
            Some(Value::Money(Money { minor, currency }))
        }
    }
}

/// Whether a value is at least, or of the lowest at most, what it takes.
pub(crate) fn in_rank(seen: Option<&Seen<'_>>, top: bool, cut: Option<&Cut>) -> bool {
    debug_assert!(cut.is_some(), "a rank is evaluated that was never measured");
    let order = match (seen, cut.and_then(|cut| cut.value.as_ref())) {
        (Some(Seen::Number(n)), Some(Value::Number(cut))) => n.partial_cmp(cut),
        (Some(Seen::Money(m)), Some(Value::Money(cut))) if m.currency == cut.currency => {
            Some(m.minor.cmp(&cut.minor))
        }
        _ => None,
    };
    order.is_some_and(|order| if top { order.is_ge() } else { order.is_le() })
}

/// Whether an expression asks by itself for who is in the top or bottom; what it refers to is not looked into.
pub fn is_ranked(expr: &Expr) -> bool {
    clauses(expr).into_iter().any(|clause| ranking(clause).is_some())
}

/// What a clause ranks.
fn ranking(clause: &Clause) -> Option<Ranking<'_>> {
    match clause {
        Clause::Ranked {
            key,
            top,
            percent,
            currency,
            ..
        } => Some(Ranking {
            key,
            top: *top,
            percent: *percent,
            currency: *currency,
        }),
        _ => None,
    }
}

/// The cuts that an expression has, each with its clause.
pub(crate) fn cuts(expr: &Expr) -> impl Iterator<Item = (&Clause, &Cut)> {
    clauses(expr).into_iter().filter_map(|clause| match clause {
        Clause::Ranked { cut: Some(cut), .. } => Some((clause, cut)),
        _ => None,
    })
}

/// When the oldest cut of an expression was measured.
pub(crate) fn measured_at(expr: &Expr) -> Option<Moment> {
    cuts(expr).map(|(_, cut)| cut.measured_at).min()
}

/// The same expression with all cuts: those that it lacks as `cut` says at this moment.
pub fn measured(expr: &Expr, at: Moment, cut: &mut dyn FnMut(&Clause, &Ranking<'_>) -> Option<Cut>) -> Expr {
    with_clauses(expr, &mut |clause| {
        let Some(asked) = ranking(&clause) else {
            return clause;
        };
        let found = match &clause {
            Clause::Ranked { cut: Some(known), .. } => known.clone(),
            _ => cut(&clause, &asked).unwrap_or(Cut {
                measured_at: at,
                value: None,
            }),
        };
        with_cut(clause, Some(found))
    })
}

/// The same expression with the cuts that are known of its clauses, by their canonical texts.
pub fn with_cuts(expr: &Expr, known: &BTreeMap<String, Cut>) -> Expr {
    with_clauses(expr, &mut |clause| match known.get(&print_clause(&clause)) {
        Some(cut) => with_cut(clause, Some(cut.clone())),
        None => clause,
    })
}

/// The same expression without what was measured.
pub fn unmeasured(expr: &Expr) -> Expr {
    with_clauses(expr, &mut |clause| with_cut(clause, None))
}

fn with_cut(mut clause: Clause, found: Option<Cut>) -> Clause {
    if let Clause::Ranked { cut, .. } = &mut clause {
        *cut = found;
    }
    clause
}

/// The same expression with each clause as `change` makes it.
pub(super) fn with_clauses(expr: &Expr, change: &mut dyn FnMut(Clause) -> Clause) -> Expr {
    let mut all = |of: &[Expr]| of.iter().map(|inner| with_clauses(inner, change)).collect();
    match expr {
        Expr::Everyone => Expr::Everyone,
        Expr::All(of) => Expr::All(all(of)),
        Expr::Any(of) => Expr::Any(all(of)),
        Expr::None(of) => Expr::None(all(of)),
        Expr::AtLeast { k, of } => Expr::AtLeast { k: *k, of: all(of) },
        Expr::Not(inner) => Expr::Not(Box::new(with_clauses(inner, change))),
        Expr::Clause(clause) => Expr::Clause(change(clause.clone())),
    }
}

/// The text of a clause with what it takes: of two with the same the members are the same.
pub(crate) fn print_measured(clause: &Clause) -> String {
    let text = print_clause(clause);
    match clause {
        Clause::Ranked { cut: Some(cut), .. } => format!("{text} {:?}", cut.value),
        _ => text,
    }
}

/// The text of an expression with what it takes.
pub(crate) fn meaning(expr: &Expr) -> String {
    let mut text = print(expr);
    for (_, cut) in cuts(expr) {
        text.push_str(&format!("\n{cut:?}"));
    }
    text
}

/// What is wrong where a truth is needed at any moment, of one contact alone: in a journey's condition and a score's rule.
pub fn not_here(expr: &Expr) -> Vec<ExprProblem> {
    let ranks = clauses(expr)
        .into_iter()
        .filter(|clause| ranking(clause).is_some());
    let refuse = |clause: &Clause| {
        let message = say("check.ranked_here", &[]);
        problem("ranked_here", &print_clause(clause), "", None, message)
    };
    ranks.map(refuse).collect()
}

/// The cuts of an expression in words, each with the text of its clause.
pub fn said_of_cuts(expr: &Expr) -> Vec<(String, String)> {
    let said = cuts(expr).filter_map(|(clause, cut)| {
        let asked = ranking(clause)?;
        let (percent, name) = (number(asked.percent), key(asked.key));
        let sentence = match &cut.value {
            None => say("seen.among_nobody", &[("key", &name)]),
            Some(cut) => {
                let sentence = if asked.top {
                    "seen.among_top"
                } else {
                    "seen.among_bottom"
                };
                let cut = value(cut);
                say(sentence, &[("percent", &percent), ("key", &name), ("cut", &cut)])
            }
        };
        Some((print_clause(clause), sentence))
    });
    said.collect()
}

/// What somebody has, and what it takes.
pub(super) fn seen(clause: &Clause, who: &ContactRecord, scope: &Scope) -> Option<String> {
    let (Clause::Ranked { cut: Some(cut), .. }, Some(asked)) = (clause, ranking(clause)) else {
        return None;
    };
    let moment = local(cut.measured_at, scope);
    let Some(least) = &cut.value else {
        return Some(say("seen.nobody", &[("moment", &moment)]));
    };
    let own = who.fields.get(asked.key).map(value);
    let sentence = match (asked.top, own.is_some()) {
        (true, true) => "seen.top",
        (false, true) => "seen.bottom",
        (true, false) => "seen.empty_top",
        (false, false) => "seen.empty_bottom",
    };
    let values: [(&str, &dyn Display); 5] = [
        ("key", &key(asked.key)),
        ("value", &own.unwrap_or_default()),
        ("percent", &number(asked.percent)),
        ("cut", &value(least)),
        ("moment", &moment),
    ];
    Some(say(sentence, &values))
}
