//! Where in a text a problem stands that was found in the tree.

use super::check::{ExprProblem, clauses};
use super::lex::{Kind, tokens};
use super::parse::parse_located;
use super::print::print_clause;
use carillon_model::segment::{Clause, EventMatch, Times, Window};
use std::ops::Range;

/// The bytes of `text` that `problem`, found by [`super::check`] or [`super::hints`] in what was read from it, is
/// about: the name that is meant, else the clause it stands in, else all of the text.
pub fn locate(text: &str, problem: &ExprProblem) -> Range<usize> {
    let found = parse_located(text).ok().and_then(|(expr, places)| {
        let nth = clauses(&expr)
            .into_iter()
            .position(|clause| print_clause(clause) == problem.clause)?;
        places.get(nth).cloned()
    });
    let Some(clause) = found else {
        return 0..text.len();
    };
    // A test that does not fit is more than the name of its field.
    if problem.code == "wrong_type" || problem.name.is_empty() {
        return clause;
    }
    let named = |kind: &Kind<'_>| match kind {
        Kind::Word(word) => word.eq_ignore_ascii_case(&problem.name),
        Kind::Key(name) | Kind::Text(name) => *name == problem.name,
        _ => false,
    };
    let all = tokens(text).unwrap_or_default();
    let inside = |at: usize, end: usize| clause.start <= at && end <= clause.end;
    let mut meant = all.iter().filter(|t| inside(t.at, t.end) && named(&t.kind));
    // A field stands first in its clause, an option that is called like it behind.
    let token = match problem.code.as_str() {
        "unknown_field" | "unused_event" => meant.next(),
        _ => meant.next_back(),
    };
    token.map_or(clause.clone(), |token| token.at..token.end)
}

/// As [`locate`], of tests of properties as they stand behind `where`, of events of the name `event`.
pub fn locate_where(text: &str, event: &str, problem: &ExprProblem) -> Range<usize> {
    let event = EventMatch {
        name: event.to_owned(),
        props: Vec::new(),
    };
    let before = print_clause(&Clause::Did {
        event,
        times: Times::AtLeast(1),
        window: Window::Ever,
    }) + " where ";
    let found = locate(&format!("{before}{text}"), problem);
    let inside = |at: usize| at.saturating_sub(before.len()).min(text.len());
    inside(found.start)..inside(found.end)
}

/// Which character of a text stands at a byte, counted from 1.
pub fn character(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}
