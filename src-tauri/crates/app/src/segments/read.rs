//! Texts of expressions: read, checked against the workspace, and what is wrong with them where.

use super::TextProblem;
use crate::error::{ApiError, Code, Result, fail};
use crate::workspaces::Open;
use carillon_engine::segment::{self, ExprProblem, InUse, ParseError};
use carillon_model::segment::Expr;
use std::collections::BTreeSet;
use std::ops::Range;

/// A text as an expression of this workspace.
///
/// # Errors
/// A sentence that says where and what.
pub fn expression(open: &Open, text: &str) -> Result<Expr> {
    read(open, text).map_err(|problem| refused(&problem))
}

fn refused(problem: &TextProblem) -> ApiError {
    let at = problem.offset + 1;
    fail(
        Code::Invalid,
        "segments.bad_text",
        &[("detail", &problem.message), ("at", &at)],
    )
    .at("text")
}

/// A text as an expression of this workspace, or the first thing that is wrong with it.
pub(super) fn read(open: &Open, text: &str) -> std::result::Result<Expr, TextProblem> {
    let expr = segment::parse(text).map_err(|error| unreadable(text, &error))?;
    let fields = open.store.catalogue().fields();
    let names: BTreeSet<String> = open
        .store
        .with_index(|index| index.scope().segments.keys().cloned().collect());
    match segment::check(&expr, &fields, &names).into_iter().next() {
        None => Ok(expr),
        Some(problem) => Err(placed(text, &problem)),
    }
}

/// A text as [`expression`] reads it, in which every step is one that its journey has, or had in some version.
///
/// # Errors
/// As [`expression`].
pub(super) async fn of_known_steps(open: &Open, text: &str) -> Result<Expr> {
    let expr = expression(open, text)?;
    match unknown_step(open, text, &expr).await? {
        None => Ok(expr),
        Some(problem) => Err(refused(&problem)),
    }
}

/// The first step in an expression that no version of its journey has.
pub(super) async fn unknown_step(open: &Open, text: &str, expr: &Expr) -> Result<Option<TextProblem>> {
    if !segment::names_step(expr) {
        return Ok(None);
    }
    let steps = open.store.read(carillon_store::journeys::steps).await?;
    let found = segment::unknown_steps(expr, &steps);
    Ok(found.first().map(|problem| placed(text, problem)))
}

/// Names in an expression that nobody has used so far.
pub(super) async fn hints(open: &Open, text: &str, expr: &Expr) -> Result<Vec<TextProblem>> {
    let known = in_use(open).await?;
    let found = segment::hints(expr, &known);
    Ok(found.iter().map(|hint| placed(text, hint)).collect())
}

/// What this workspace calls things, for expressions with these texts: the steps of journeys only where one names a step.
///
/// # Errors
/// The store's.
pub async fn names(open: &Open, texts: &[String]) -> Result<InUse> {
    let mut known = in_use(open).await?;
    let names_step = |text: &String| segment::parse(text).is_ok_and(|expr| segment::names_step(&expr));
    if texts.iter().any(names_step) {
        known.steps = open.store.read(carillon_store::journeys::steps).await?;
    }
    Ok(known)
}

/// All but the steps of journeys.
async fn in_use(open: &Open) -> Result<InUse> {
    let templates = open.store.read(carillon_store::templates::list).await?;
    Ok(open.store.with_index(|index| InUse {
        journeys: index.scope().numbers.journeys.keys().cloned().collect(),
        tags: index.tags_seen().map(|(tag, _)| tag.to_owned()).collect(),
        events: index
            .events_seen()
            .map(|(name, keys)| (name.to_owned(), keys.into_iter().map(str::to_owned).collect()))
            .collect(),
        templates: templates.into_iter().map(|template| template.name).collect(),
        ..InUse::default()
    }))
}

/// An error with the word that stands where it is.
fn unreadable(text: &str, error: &ParseError) -> TextProblem {
    let at = text.floor_char_boundary(error.at);
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let word = text[at..].split(|c| !inner(c)).next().unwrap_or_default();
    let first = text[at..].chars().next().map_or(0, char::len_utf8);
    told(text, at..at + word.len().max(first), error.message.clone())
}

fn placed(text: &str, problem: &ExprProblem) -> TextProblem {
    told(text, segment::locate(text, problem), problem.message.clone())
}

/// Bytes as UTF-16 code units, one at least.
fn told(text: &str, bytes: Range<usize>, message: String) -> TextProblem {
    let units = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    TextProblem {
        offset: units(&text[..bytes.start]),
        length: units(&text[bytes]).max(1),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_points_in_the_units_editors_count_in() {
        let text = "city is \"𝄞\" and oops 1";
        let error = segment::parse(text).expect_err("oops has no test");
        let problem = unreadable(text, &error);
        let units: Vec<u16> = text.encode_utf16().collect();
        let (from, to) = (
            problem.offset as usize,
            (problem.offset + problem.length) as usize,
        );
        assert_eq!(String::from_utf16_lossy(&units[from..to]), "1", "{problem:?}");
        let at_the_end = unreadable("city", &segment::parse("city").expect_err("no test"));
        assert_eq!((at_the_end.offset, at_the_end.length), (4, 1));
    }
}
