//! What is wrong with an expression that can be read: names nobody knows, tests that do not fit, circles.

use super::changed;
use super::nearly::wrong_nearly;
use super::parts::{events_of, named_segment, other_field, zones_of};
use super::patterns;
use super::print::{print, print_clause};
use super::words::say;
use super::{MAX_CLAUSES, MAX_DEPTH, MAX_TEXT, fold};
use carillon_model::contact::{Field, FieldType, Money, Value};
use carillon_model::segment::{
    Aggregate, AggregateBound, Clause, Compare, Expr, FieldOrder, PropMatch, Shift, Test, Times, Zone,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use ts_rs::TS;

/// Longest chain of segments that refer to each other.
pub const MAX_CHAIN: usize = 10;

/// Something wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ExprProblem {
    /// Stable word: `unknown_field`, `wrong_type`, `unknown_option`, `unknown_segment`, `unknown_zone`,
    /// `mixed_currencies`, `bad_share`, `bad_difference`, `no_currency`, `ranked_here`, `bad_pattern`, `too_few`, `too_deep`, `too_many`, `too_long`, `cycle`; or of
    /// [`super::hints`].
    pub code: String,
    /// Canonical text of the clause; empty for the whole expression.
    pub clause: String,
    /// The name or value that is meant.
    pub name: String,
    /// The nearest name that would do.
    pub suggestion: Option<String>,
    /// A plain sentence with all of that.
    pub message: String,
}

/// Everything wrong with `expr`, in the order of its clauses; empty: it may be saved.
pub fn check(expr: &Expr, fields: &[Field], segments: &BTreeSet<String>) -> Vec<ExprProblem> {
    let whole = |code, key: &str, most: usize| {
        let message = say(key, &[("most", &most)]);
        vec![problem(code, "", "", None, message)]
    };
    if depth(expr) > MAX_DEPTH {
        return whole("too_deep", "check.too_deep", MAX_DEPTH);
    }
    let clauses = clauses(expr);
    let tests = |clause: &&Clause| 1 + events_of(clause).map(|event| event.props.len()).sum::<usize>();
    if clauses.iter().map(tests).sum::<usize>() > MAX_CLAUSES {
        return whole("too_many", "check.too_many", MAX_CLAUSES);
    }
    if print(expr).len() > MAX_TEXT {
        return whole("too_long", "check.too_long", MAX_TEXT / 1024);
    }
    let mut out = Vec::new();
    check_thresholds(expr, &mut out);
    for clause in clauses {
        check_clause(clause, fields, segments, &mut out);
    }
    out
}

/// [`check`] of a segment that is to be saved as `name` among the `saved` ones, circles included.
pub fn check_saved(
    name: &str,
    expr: &Expr,
    fields: &[Field],
    saved: &BTreeMap<String, Expr>,
) -> Vec<ExprProblem> {
    let mut all = saved.clone();
    all.insert(name.to_owned(), expr.clone());
    let mut out = check(expr, fields, &all.keys().cloned().collect());
    if let Some(names) = find_cycle(&all) {
        let path = format!("\"{}\"", names.join("\" → \""));
        let message = if names.len() > MAX_CHAIN {
            say("check.chain", &[("most", &MAX_CHAIN), ("path", &path)])
        } else {
            say("check.cycle", &[("path", &path)])
        };
        out.push(problem("cycle", "", name, None, message));
    }
    out
}

/// A circle of segments, or a chain longer than [`MAX_CHAIN`], that `segments` form: the names on it, in order.
/// Names that are not among them end a chain.
pub fn find_cycle(segments: &BTreeMap<String, Expr>) -> Option<Vec<String>> {
    let refers: BTreeMap<&str, BTreeSet<&str>> = segments
        .iter()
        .map(|(name, expr)| (name.as_str(), references(expr)))
        .collect();
    // Height of each decided segment: 1 if it refers to none.
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    for start in refers.keys() {
        let mut path: Vec<(&str, Vec<&str>)> = Vec::new();
        if !heights.contains_key(start) {
            path.push((start, refers[start].iter().copied().collect()));
        }
        while let Some((name, rest)) = path.last_mut() {
            let name = *name;
            match rest.pop() {
                Some(next) if path.iter().any(|(on_path, _)| *on_path == next) => {
                    let from = path.iter().position(|(on_path, _)| *on_path == next)?;
                    return Some(path[from..].iter().map(|(name, _)| (*name).to_owned()).collect());
                }
                Some(next) => {
                    if let (Some(more), false) = (refers.get(next), heights.contains_key(next)) {
                        path.push((next, more.iter().copied().collect()));
                    }
                }
                None => {
                    let below = refers[name].iter().filter_map(|next| heights.get(next)).max();
                    let height = 1 + below.copied().unwrap_or(0);
                    if height > MAX_CHAIN {
                        return Some(longest(name, &refers, &heights));
                    }
                    heights.insert(name, height);
                    path.pop();
                }
            }
        }
    }
    None
}

fn longest(
    from: &str,
    refers: &BTreeMap<&str, BTreeSet<&str>>,
    heights: &BTreeMap<&str, usize>,
) -> Vec<String> {
    let mut out = vec![from.to_owned()];
    let mut at = from;
    while let Some(next) = refers
        .get(at)
        .and_then(|of| of.iter().max_by_key(|next| heights.get(*next)))
    {
        out.push((*next).to_owned());
        at = next;
    }
    out
}

/// Names of the segments an expression refers to directly.
fn references(expr: &Expr) -> BTreeSet<&str> {
    clauses(expr).into_iter().filter_map(named_segment).collect()
}

/// All clauses, from left to right.
pub(crate) fn clauses(expr: &Expr) -> Vec<&Clause> {
    let mut out = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Clause(clause) => out.push(clause),
            other => open.extend(children(other).iter().rev()),
        }
    }
    out
}

pub(crate) fn children(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::Everyone | Expr::Clause(_) => &[],
        Expr::All(of) | Expr::Any(of) | Expr::None(of) | Expr::AtLeast { of, .. } => of,
        Expr::Not(inner) => std::slice::from_ref(inner),
    }
}

/// Levels of an expression; 1 for a clause. Without recursion, since it guards against depth.
pub(super) fn depth(expr: &Expr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(expr, 1)];
    while let Some((expr, level)) = open.pop() {
        deepest = deepest.max(level);
        open.extend(children(expr).iter().map(|child| (child, level + 1)));
    }
    deepest
}

/// The nearest of `names` to `word`, if it is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    let allowed = match word.chars().count() {
        0..=2 => 1,
        3..=6 => 2,
        _ => 3,
    };
    // A name may come from outside; the distance costs the product of both lengths.
    let near = names.filter(|name| name.len() < 200 && word.len() < 200);
    let near = near.map(|name| (strsim::osa_distance(&word, &name.to_lowercase()), name));
    near.filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name.to_owned())
}

pub(super) fn problem(
    code: &str,
    clause: &str,
    name: &str,
    suggestion: Option<String>,
    message: String,
) -> ExprProblem {
    let message = match &suggestion {
        Some(near) => say("check.near", &[("message", &message), ("near", near)]),
        None => message,
    };
    ExprProblem {
        code: code.to_owned(),
        clause: clause.to_owned(),
        name: name.to_owned(),
        suggestion,
        message,
    }
}

/// Lists that can never hold because they have fewer conditions than are wanted of them.
fn check_thresholds(expr: &Expr, out: &mut Vec<ExprProblem>) {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        if let Expr::AtLeast { k, of } = expr
            && *k as usize > of.len()
        {
            let message = say("check.too_few", &[("k", k), ("n", &of.len())]);
            out.push(problem("too_few", "", "", None, message));
        }
        open.extend(children(expr).iter().rev());
    }
}

fn check_clause(clause: &Clause, fields: &[Field], segments: &BTreeSet<String>, out: &mut Vec<ExprProblem>) {
    if !matches!(clause, Clause::Field { .. }) {
        zones_of(clause).for_each(|zone| check_zone(clause, zone, out));
    }
    for prop in events_of(clause).flat_map(|event| &event.props) {
        check_prop(clause, prop, out);
    }
    if let Some(name) = named_segment(clause).filter(|name| !segments.contains(*name)) {
        let near = nearest(name, segments.iter().map(String::as_str));
        let message = say("check.unknown_segment", &[("name", &name)]);
        out.push(problem(
            "unknown_segment",
            &print_clause(clause),
            name,
            near,
            message,
        ));
    }
    match clause {
        Clause::Field { key, test } => check_field(clause, key, test, fields, out),
        Clause::Shifted { key, by, .. } => check_shifted(clause, key, *by, fields, out),
        Clause::Ranked { key, .. } => check_ranked(clause, key, fields, out),
        Clause::Aggregate {
            function,
            prop,
            bound: AggregateBound::Money(compare),
            ..
        } => {
            if *function == Aggregate::Different {
                let message = say("check.different_money", &[("name", prop)]);
                out.push(problem("wrong_type", &print_clause(clause), prop, None, message));
            }
            check_currencies(clause, compare, out);
        }
        Clause::Answered { times, last, .. } if fewest(*times) > *last || *last == 0 => {
            let message = say("check.too_few_messages", &[("k", &fewest(*times)), ("n", last)]);
            out.push(problem("too_few", &print_clause(clause), "", None, message));
        }
        Clause::Sample { percent, .. } if !(0.0..=100.0).contains(percent) => {
            let message = say("check.bad_share", &[]);
            out.push(problem("bad_share", &print_clause(clause), "", None, message));
        }
        _ => {}
    }
}

/// The lowest number that passes.
fn fewest(times: Times) -> u32 {
    match times {
        Times::AtLeast(n) | Times::Exactly(n) | Times::Between(n, _) => n,
        Times::AtMost(_) => 0,
    }
}

fn check_prop(clause: &Clause, prop: &PropMatch, out: &mut Vec<ExprProblem>) {
    let fits = !matches!(
        prop.test,
        Test::HasAny(_)
            | Test::HasAll(_)
            | Test::HasExactly(_)
            | Test::Options(_)
            | Test::Field { .. }
            | Test::Date { .. }
            | Test::Equals(_)
    );
    if !fits {
        let message = say("check.wrong_property_test", &[("name", &prop.key)]);
        out.push(problem(
            "wrong_type",
            &print_clause(clause),
            &prop.key,
            None,
            message,
        ));
    }
    check_parts(clause, &prop.test, out);
}

/// Amounts of two currencies, and patterns that are none.
fn check_parts(clause: &Clause, test: &Test, out: &mut Vec<ExprProblem>) {
    let (pattern, wrong) = match test {
        Test::Money(compare) => return check_currencies(clause, compare, out),
        Test::Matches(pattern) | Test::NotMatches(pattern) => (pattern, patterns::wrong_regular(pattern)),
        Test::Like(pattern) | Test::NotLike(pattern) => (pattern, patterns::wrong_like(pattern)),
        Test::Nearly(text) | Test::NotNearly(text) => (text, wrong_nearly(text)),
        _ => return,
    };
    if let Some(why) = wrong {
        let message = say("check.bad_pattern", &[("why", &why)]);
        out.push(problem(
            "bad_pattern",
            &print_clause(clause),
            pattern,
            None,
            message,
        ));
    }
}

fn check_field(clause: &Clause, key: &str, test: &Test, fields: &[Field], out: &mut Vec<ExprProblem>) {
    let text = print_clause(clause);
    let written = changed::asked(key, test);
    let key = written.unwrap_or(key);
    let Some(field) = fields.iter().find(|f| f.key == key) else {
        let near = nearest(key, fields.iter().map(|f| f.key.as_str()));
        out.push(problem(
            "unknown_field",
            &text,
            key,
            near,
            say("check.unknown_field", &[("name", &key)]),
        ));
        return;
    };
    if written.is_some() && !changed::knows_changes(field) {
        let message = say("check.no_changes", &[("name", &key)]);
        out.push(problem("wrong_type", &text, key, None, message));
        return;
    }
    let field_type = match written {
        Some(_) => FieldType::DateTime,
        None => field.field_type,
    };
    if !fits(test, field_type) {
        let (kind, like) = kind(field_type);
        let like = say(like, &[("key", &super::print::key(key))]);
        let message = say(
            "check.wrong_type",
            &[("name", &key), ("kind", &say(kind, &[])), ("like", &like)],
        );
        out.push(problem("wrong_type", &text, key, None, message));
        return;
    }
    for option in options(test) {
        let has_options = matches!(field.field_type, FieldType::Choice | FieldType::MultiChoice);
        if has_options && !field.options.iter().any(|o| fold(o) == fold(option)) {
            let near = nearest(option, field.options.iter().map(String::as_str));
            let message = say("check.unknown_option", &[("name", option), ("field", &key)]);
            out.push(problem("unknown_option", &text, option, near, message));
        }
    }
    if let Test::Date { zone, .. } = test {
        check_zone(clause, zone, out);
    }
    if let Some(other) = other_field(test) {
        check_other(clause, field_type, other, fields, out);
    }
    check_parts(clause, test, out);
}

/// A score of points, and a difference that is one: what has not changed has neither risen nor fallen.
fn check_shifted(clause: &Clause, key: &str, by: Shift, fields: &[Field], out: &mut Vec<ExprProblem>) {
    let text = print_clause(clause);
    let score = |field: &&Field| field.score.is_some() && field.field_type == FieldType::Number;
    let Some(field) = fields.iter().find(|f| f.key == key) else {
        let scores = fields.iter().filter(score).map(|f| f.key.as_str());
        let message = say("check.unknown_field", &[("name", &key)]);
        out.push(problem(
            "unknown_field",
            &text,
            key,
            nearest(key, scores),
            message,
        ));
        return;
    };
    if !score(&field) {
        let message = say("check.no_past", &[("name", &key)]);
        out.push(problem("wrong_type", &text, key, None, message));
    }
    let differs = match by {
        Shift::AtLeast(n) | Shift::AtLeastPercent(n) => n > 0.0,
        Shift::MoreThan(n) | Shift::MoreThanPercent(n) => n >= 0.0,
    };
    if !differs {
        let message = say("check.no_difference", &[]);
        out.push(problem("bad_difference", &text, "", None, message));
    }
}

/// Numbers, or amounts of one currency, and a part of all that is neither nobody nor everybody.
fn check_ranked(clause: &Clause, key: &str, fields: &[Field], out: &mut Vec<ExprProblem>) {
    let Clause::Ranked {
        percent, currency, ..
    } = clause
    else {
        return;
    };
    let text = print_clause(clause);
    if !(*percent > 0.0 && *percent < 100.0) {
        let message = say("check.bad_percent", &[]);
        out.push(problem("bad_share", &text, "", None, message));
    }
    let ranks = |field: &&Field| matches!(field.field_type, FieldType::Number | FieldType::Money);
    let Some(field) = fields.iter().find(|f| f.key == key) else {
        let near = nearest(key, fields.iter().filter(ranks).map(|f| f.key.as_str()));
        let message = say("check.unknown_field", &[("name", &key)]);
        out.push(problem("unknown_field", &text, key, near, message));
        return;
    };
    let (code, said) = match (field.field_type, currency) {
        (FieldType::Number, None) | (FieldType::Money, Some(_)) => return,
        (FieldType::Money, None) => ("no_currency", "check.no_currency"),
        (FieldType::Number, Some(_)) => ("wrong_type", "check.no_amounts"),
        _ => ("wrong_type", "check.no_ranks"),
    };
    let kind = say(kind(field.field_type).0, &[]);
    let shown = super::print::key(key);
    let message = say(said, &[("name", &shown), ("kind", &kind)]);
    out.push(problem(code, &text, key, None, message));
}

/// The field that one of a type is compared with.
fn check_other(
    clause: &Clause,
    wanted: FieldType,
    other: &str,
    fields: &[Field],
    out: &mut Vec<ExprProblem>,
) {
    let dated = |of| matches!(of, FieldType::Date | FieldType::DateTime);
    let Some(field) = fields.iter().find(|f| f.key == other) else {
        let near = nearest(other, fields.iter().map(|f| f.key.as_str()));
        let message = say("check.unknown_field", &[("name", &other)]);
        out.push(problem(
            "unknown_field",
            &print_clause(clause),
            other,
            near,
            message,
        ));
        return;
    };
    if field.field_type != wanted && !(dated(field.field_type) && dated(wanted)) {
        let kinds = [kind(wanted).0, kind(field.field_type).0].map(|key| say(key, &[]));
        let message = say(
            "check.other_type",
            &[("name", &other), ("kind", &kinds[1]), ("wanted", &kinds[0])],
        );
        out.push(problem("wrong_type", &print_clause(clause), other, None, message));
    }
}

fn check_zone(clause: &Clause, zone: &Zone, out: &mut Vec<ExprProblem>) {
    if let Zone::Named(name) = zone
        && name.parse::<chrono_tz::Tz>().is_err()
    {
        let near = nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name()));
        let message = say("check.unknown_zone", &[("name", name)]);
        out.push(problem(
            "unknown_zone",
            &print_clause(clause),
            name,
            near,
            message,
        ));
    }
}

fn check_currencies(clause: &Clause, compare: &Compare<Money>, out: &mut Vec<ExprProblem>) {
    if let Compare::Between(low, high) | Compare::NotBetween(low, high) = compare
        && low.currency != high.currency
    {
        let message = say(
            "check.mixed_currencies",
            &[("low", &low.currency), ("high", &high.currency)],
        );
        out.push(problem(
            "mixed_currencies",
            &print_clause(clause),
            high.currency.as_str(),
            None,
            message,
        ));
    }
}

fn fits(test: &Test, field: FieldType) -> bool {
    match test {
        Test::Known => true,
        Test::Is(_) | Test::IsNot(_) => matches!(field, FieldType::Text | FieldType::Choice),
        Test::Contains(_)
        | Test::StartsWith(_)
        | Test::EndsWith(_)
        | Test::NotContains(_)
        | Test::NotStartsWith(_)
        | Test::NotEndsWith(_)
        | Test::Like(_)
        | Test::NotLike(_)
        | Test::Nearly(_)
        | Test::NotNearly(_)
        | Test::Matches(_)
        | Test::NotMatches(_)
        | Test::Characters(_)
        | Test::Domain(_)
        | Test::FreeMail
        | Test::RoleAccount => field == FieldType::Text,
        Test::Number(_) | Test::MultipleOf(_) => field == FieldType::Number,
        Test::Money(_) => field == FieldType::Money,
        Test::YesNo(_) => field == FieldType::YesNo,
        Test::HasAny(_) | Test::HasAll(_) | Test::HasExactly(_) | Test::Options(_) => {
            field == FieldType::MultiChoice
        }
        Test::Field {
            order: FieldOrder::Eq | FieldOrder::Ne,
            ..
        } => matches!(
            field,
            FieldType::Text | FieldType::Number | FieldType::Money | FieldType::Choice | FieldType::YesNo
        ),
        Test::Field { .. } => matches!(field, FieldType::Number | FieldType::Money),
        Test::Date { .. } => matches!(field, FieldType::Date | FieldType::DateTime),
        Test::Equals(v) => v.field_type() == field,
    }
}

fn options(test: &Test) -> Vec<&String> {
    match test {
        Test::Is(list) | Test::IsNot(list) => list.iter().collect(),
        Test::HasAny(set)
        | Test::HasAll(set)
        | Test::HasExactly(set)
        | Test::Equals(Value::MultiChoice(set)) => set.iter().collect(),
        Test::Equals(Value::Choice(option)) => vec![option],
        _ => Vec::new(),
    }
}

/// What a field holds, and how it can be tested: the keys of the words for both.
fn kind(field: FieldType) -> (&'static str, &'static str) {
    match field {
        FieldType::Text => ("kinds.text", "like.text"),
        FieldType::Number => ("kinds.number", "like.number"),
        FieldType::Money => ("kinds.money", "like.money"),
        FieldType::YesNo => ("kinds.yes_no", "like.yes_no"),
        FieldType::Choice => ("kinds.choice", "like.choice"),
        FieldType::MultiChoice => ("kinds.multi_choice", "like.multi_choice"),
        FieldType::Date => ("kinds.date", "like.date"),
        FieldType::DateTime => ("kinds.date_time", "like.date_time"),
    }
}
