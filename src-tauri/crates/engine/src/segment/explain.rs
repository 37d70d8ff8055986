//! Why somebody is in or out, clause by clause.

use super::check::children;
use super::dates::{local_date, zone_of};
use super::eval::{Facts, eval_facts, sample_share, span};
use super::print::{BASES, key, moment, number, print, print_clause, value, word_of};
use crate::record::{ContactRecord, Scope};
use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::segment::{Clause, Expr, Test, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ts_rs::TS;

/// A node of an expression with its truth for one contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Reason {
    /// Canonical text of this part.
    pub text: String,
    pub holds: bool,
    /// The first later moment at which this may differ though nothing is changed.
    pub until: Option<Moment>,
    /// Of a clause: what was looked at, such as `city = "Köln"` or `3 times, last 2026-10-01T09:00:00Z`.
    pub seen: Option<String>,
    /// Of a list, a *not* or a segment: its parts. A segment is taken apart where it stands first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Reason>,
}

/// Segments one explanation takes apart at most: each goes a level deeper in the worst case.
const MOST_SEGMENTS: usize = 10;

/// The truth of `expr` and of each of its parts for `who` at `now`.
pub fn explain(expr: &Expr, who: &ContactRecord, now: Moment, scope: &Scope) -> Reason {
    reason(expr, who, now, scope, &mut BTreeSet::new())
}

fn reason<'a>(
    expr: &'a Expr,
    who: &ContactRecord,
    now: Moment,
    scope: &'a Scope,
    shown: &mut BTreeSet<&'a str>,
) -> Reason {
    let verdict = eval_facts(expr, who, now, scope);
    let mut parts: Vec<&Expr> = children(expr).iter().collect();
    let mut seen = None;
    if let Expr::Clause(clause) = expr {
        seen = seen_by(clause, who, now, scope);
        if let Clause::InSegment { name } = clause
            && let Some(inner) = scope.segments.get(name)
        {
            if shown.len() < MOST_SEGMENTS && shown.insert(name) {
                parts.push(inner);
            } else {
                seen = Some("shown above".to_owned());
            }
        }
    }
    let of = parts
        .into_iter()
        .map(|part| reason(part, who, now, scope, shown))
        .collect();
    let text = match expr {
        Expr::Clause(clause) => print_clause(clause),
        other => print(other),
    };
    Reason {
        text,
        holds: verdict.holds,
        until: verdict.until,
        seen,
        of,
    }
}

fn seen_by(clause: &Clause, who: &ContactRecord, now: Moment, scope: &Scope) -> Option<String> {
    Some(match clause {
        Clause::Field { key: name, test } => match who.fields.get(name) {
            None => format!("{} is empty", key(name)),
            Some(seen) => format!(
                "{} = {}{}",
                key(name),
                plain(seen),
                as_date(seen, test, who, scope)
            ),
        },
        Clause::Tag { tag } => if who.tags.contains(tag) {
            "has the tag"
        } else {
            "has not the tag"
        }
        .to_owned(),
        Clause::Did { event, window, .. } => {
            let mut at = Vec::new();
            who.events(event, &mut |moment| at.push(moment));
            counted(at, window, now)
        }
        Clause::Sent { template, window, .. } => {
            let mut at = Vec::new();
            Facts::sent(who, template.as_deref(), &mut |moment| at.push(moment));
            counted(at, window, now)
        }
        Clause::Consent { channel, purpose, .. } => {
            let granted = who.permissions.get(&(*channel, *purpose));
            let permission = granted.map_or("no permission".to_owned(), |b| {
                format!("granted by {}", word_of(BASES, *b))
            });
            if who.suppressed {
                format!("{permission}; the address is suppressed")
            } else {
                permission
            }
        }
        Clause::InSegment { name } if !scope.segments.contains_key(name) => {
            "there is no such segment".to_owned()
        }
        Clause::InSegment { .. } => return None,
        Clause::Sample { salt, .. } => format!("stands at {}%", number(sample_share(salt, who.contact()))),
    })
}

fn plain(seen: &Value) -> String {
    match seen {
        Value::Choice(option) => value(&Value::Text(option.clone())),
        other => value(other),
    }
}

fn as_date(seen: &Value, test: &Test, who: &ContactRecord, scope: &Scope) -> String {
    let (Value::DateTime(at), Test::Date { zone, .. }) = (seen, test) else {
        return String::new();
    };
    let tz = zone_of(zone, who.zone(), scope);
    let date = tz.and_then(|tz| Some((local_date(*at, tz)?, tz.name())));
    date.map_or_else(String::new, |(date, tz)| format!(", {date} in {tz}"))
}

fn counted(at: Vec<Moment>, window: &Window, now: Moment) -> String {
    let counts = |at: &&Moment| {
        span(**at, window).is_some_and(|(start, end)| start <= now && end.is_none_or(|end| now < end))
    };
    let (n, last) = (
        at.iter().filter(counts).count(),
        at.iter().filter(|at| **at <= now).max(),
    );
    let last = last.map_or("never".to_owned(), |last| format!("last {}", moment(*last)));
    format!("{n} time{}, {last}", if n == 1 { "" } else { "s" })
}
