//! Names that can be right and mean nobody so far: perhaps written wrong.

use super::check::{ExprProblem, clauses, nearest, problem};
use super::parts::{events_of, named_journey, named_step};
use super::print::print_clause;
use super::text::fold;
use super::words::say;
use carillon_model::StepId;
use carillon_model::segment::{Clause, EventMatch, Expr};
use std::collections::{BTreeMap, BTreeSet};

/// The names a workspace uses so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InUse {
    pub tags: BTreeSet<String>,
    /// Events with the keys of the properties they came with.
    pub events: BTreeMap<String, BTreeSet<String>>,
    pub templates: BTreeSet<String>,
    pub journeys: BTreeSet<String>,
    /// May be left empty where no expression names a step ([`names_step`]): then no step is missed.
    pub steps: Steps,
}

/// Tags, events, properties, templates and journeys of `expr` that nobody has used, in the order of its clauses. None of
/// them keeps it from being saved: `unused_tag`, `unused_event`, `unused_property`, `unused_template`, `unused_journey`.
pub fn hints(expr: &Expr, known: &InUse) -> Vec<ExprProblem> {
    let mut out = Vec::new();
    for clause in clauses(expr) {
        for event in events_of(clause) {
            of_event(clause, event, known, &mut out);
        }
        if let Some(name) = named_journey(clause).filter(|name| !known.journeys.contains(*name)) {
            let near = nearest(name, known.journeys.iter().map(String::as_str));
            let message = say("hints.journey", &[("name", &name)]);
            out.push(hint("unused_journey", clause, name, near, message));
        }
        match clause {
            Clause::Tag { tag } if !known.tags.contains(tag) => {
                let near = nearest(tag, known.tags.iter().map(String::as_str));
                out.push(hint(
                    "unused_tag",
                    clause,
                    tag,
                    near,
                    say("hints.tag", &[("name", tag)]),
                ));
            }
            Clause::Sent {
                template: Some(name), ..
            } if !known.templates.contains(name) => {
                let near = nearest(name, known.templates.iter().map(String::as_str));
                let message = say("hints.template", &[("name", name)]);
                out.push(hint("unused_template", clause, name, near, message));
            }
            _ => {}
        }
    }
    out
}

/// Of [`hints`] those worth telling whoever writes a condition for what is still to come: journeys that are not there, and
/// names so near to one in use that they look like a slip. What merely has not happened so far is none.
pub fn slips(expr: &Expr, known: &InUse) -> Vec<ExprProblem> {
    let mut out = hints(expr, known);
    // A template that is missed is an error where mails are sent, and said there.
    out.retain(|hint| match hint.code.as_str() {
        "unused_journey" => true,
        "unused_template" => false,
        _ => hint.suggestion.is_some(),
    });
    out
}

/// Of an event's name, and of the keys of its properties.
fn of_event(clause: &Clause, event: &EventMatch, known: &InUse, out: &mut Vec<ExprProblem>) {
    let name = &event.name;
    let Some(keys) = known.events.get(name) else {
        let near = nearest(name, known.events.keys().map(String::as_str));
        let message = say("hints.event", &[("name", name)]);
        out.push(hint("unused_event", clause, name, near, message));
        return;
    };
    let aggregated = match clause {
        Clause::Aggregate { prop, .. } => Some(prop),
        _ => None,
    };
    let asked = aggregated
        .into_iter()
        .chain(event.props.iter().map(|prop| &prop.key));
    for key in asked.filter(|key| !keys.contains(*key)) {
        let near = nearest(key, keys.iter().map(String::as_str));
        let message = say("hints.property", &[("name", key), ("event", name)]);
        out.push(hint("unused_property", clause, key, near, message));
    }
}

/// The steps of each journey by its name: of all its versions and of its draft, each with what people call it, which may be
/// nothing.
pub type Steps = BTreeMap<String, BTreeMap<StepId, String>>;

/// Whether an expression names a step of a journey.
pub fn names_step(expr: &Expr) -> bool {
    clauses(expr)
        .into_iter()
        .any(|clause| named_step(clause).is_some())
}

/// Steps that no version of their journey ever had: `unknown_step`. A journey that is not there has none, and
/// [`hints`] tells of it. Who wrote what people call a step is told which one it is.
pub fn unknown_steps(expr: &Expr, steps: &Steps) -> Vec<ExprProblem> {
    let mut out = Vec::new();
    for clause in clauses(expr) {
        let Some((journey, step)) = named_step(clause) else {
            continue;
        };
        let Some(known) = steps.get(journey).filter(|known| !known.contains_key(step)) else {
            continue;
        };
        let called = |label: &str| !label.is_empty() && fold(label) == fold(&step.0);
        let meant = known.iter().find(|(_, label)| called(label));
        let ids = known.keys().map(|id| id.0.as_str());
        let (message, near) = match meant {
            Some((id, label)) => {
                let message = say("check.step_called", &[("name", label), ("journey", &journey)]);
                (message, Some(id.0.clone()))
            }
            None => (
                say("check.unknown_step", &[("name", step), ("journey", &journey)]),
                nearest(&step.0, ids),
            ),
        };
        out.push(problem(
            "unknown_step",
            &print_clause(clause),
            &step.0,
            near,
            message,
        ));
    }
    out
}

fn hint(code: &str, clause: &Clause, name: &str, near: Option<String>, message: String) -> ExprProblem {
    problem(code, &print_clause(clause), name, near, message)
}
