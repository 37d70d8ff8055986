//! From a drawing to what the kernel runs, or to what is wrong with it.

use super::canonical::natural;
use super::check::{Catalogue, Check};
use super::entry::Entry;
use super::graph::{self, Corner};
use super::node::{Node, Port};
use super::problem::Code;
use super::settings::clipped;
use super::version::{Arrow, Goal, JourneyVersion, Placed};
use crate::segment::InUse;
use crate::steps;
use carillon_model::StepId;
use carillon_model::journey::{
    ConditionIx, JOURNEY_FORMAT, Journey, Problem, ReEntry, Severity, Step, StepIx,
};
use carillon_model::segment::Expr;
use std::collections::{BTreeMap, BTreeSet};

/// Most steps of one journey.
pub const STEPS_ALLOWED: usize = 2_000;
/// Most exit rules of one journey.
pub const EXIT_RULES_ALLOWED: usize = 100;
/// Longest id of a step, in bytes.
const LONGEST_ID: usize = 64;
/// Most problems reported; a file with more is not repaired line by line.
const PROBLEMS_ALLOWED: usize = 500;

/// Checks a drawing against what the workspace knows. A version comes back if no problem is an error.
pub fn compile(document: &Journey, catalogue: &Catalogue) -> (Option<JourneyVersion>, Vec<Problem>) {
    read(document, Check::new(catalogue, None))
}

/// [`compile`] of what somebody draws now, whose conditions are held against the names in use as well: a step that no version of
/// its journey has is an error, a doubtful name a warning. What the drawing itself is, gives and does counts as used.
pub fn compile_draft(
    document: &Journey,
    catalogue: &Catalogue,
    mut names: InUse,
) -> (Option<JourneyVersion>, Vec<Problem>) {
    take_in(document, &mut names);
    read(document, Check::new(catalogue, Some(&names)))
}

/// Counts as used what a drawing brings about.
fn take_in(document: &Journey, names: &mut InUse) {
    names.journeys.insert(document.name.clone());
    let own = names.steps.entry(document.name.clone()).or_default();
    own.extend(
        document
            .steps
            .iter()
            .map(|step| (step.id.clone(), step.name.clone())),
    );
    for step in &document.steps {
        let said = |key: &str| step.settings.get(key).and_then(|text| text.as_str());
        match step.kind.as_str() {
            "add_tag" => names.tags.extend(said("tag").map(str::to_owned)),
            "post_event" => {
                if let Some(event) = said("event") {
                    let props = step.settings.get("props").and_then(|props| props.as_object());
                    let keys = props.into_iter().flat_map(|props| props.keys().cloned());
                    names.events.entry(event.to_owned()).or_default().extend(keys);
                }
            }
            _ => {}
        }
    }
}

fn read(document: &Journey, mut check: Check<'_>) -> (Option<JourneyVersion>, Vec<Problem>) {
    if document.format != JOURNEY_FORMAT {
        let params = [
            ("found", clipped(&document.format)),
            ("expected", JOURNEY_FORMAT.to_owned()),
        ];
        check.problem(Code::UnknownFormat, None, &borrowed(&params));
    }
    let sizes = [
        (document.steps.len(), STEPS_ALLOWED),
        (document.exit_when.len(), EXIT_RULES_ALLOWED),
    ];
    if let Some((count, limit)) = sizes.iter().find(|(count, limit)| count > limit) {
        let params = [("count", count.to_string()), ("limit", limit.to_string())];
        check.problem(Code::TooManySteps, None, &borrowed(&params));
        return (None, check.problems);
    }
    let mut document = document.clone();
    document.steps.sort_by(|a, b| natural(&a.id.0, &b.id.0));
    check_ids(&document, &mut check);

    let exit_rules: Vec<(Option<ConditionIx>, String)> = document
        .exit_when
        .iter()
        .map(|rule| {
            check.about(None);
            let when = check.condition("exit_when", &rule.when);
            (
                when.filter(|_| check.word("exit_when", &rule.reason).is_some()),
                rule.reason.clone(),
            )
        })
        .collect();
    let mut drafts: Vec<Draft> = document
        .steps
        .iter()
        .map(|step| draft(step, &mut check))
        .collect();
    connect(&document, &mut drafts, &mut check);
    shape(&document, &drafts, &mut check);
    goals_that_cannot_be_reached(&drafts, &mut check);

    let mut problems = std::mem::take(&mut check.problems);
    problems.truncate(PROBLEMS_ALLOWED);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return (None, problems);
    }
    let exit_rules = exit_rules
        .into_iter()
        .filter_map(|(when, reason)| Some((when?, reason)))
        .collect();
    (finish(document, drafts, exit_rules, check), problems)
}

/// A step on its way into a version.
struct Draft {
    id: StepId,
    kind: &'static str,
    node: Option<Box<dyn Node>>,
    /// `None`: not known, because kind or settings cannot be read.
    ports: Option<Vec<Port>>,
    to: BTreeMap<String, StepIx>,
    is_entry: bool,
    is_goal: bool,
}

fn check_ids(document: &Journey, check: &mut Check<'_>) {
    let mut seen = BTreeSet::new();
    for step in &document.steps {
        check.about(Some(&step.id));
        let id = &step.id.0;
        if id.is_empty() || id.len() > LONGEST_ID || id.trim() != id || id.chars().any(char::is_control) {
            check.problem(Code::BadId, None, &[("step", &clipped(id))]);
        }
        if !seen.insert(id) {
            check.problem(Code::DuplicateId, None, &[]);
        }
    }
}

fn draft(step: &Step, check: &mut Check<'_>) -> Draft {
    check.about(Some(&step.id));
    let mut draft = Draft {
        id: step.id.clone(),
        kind: "",
        node: None,
        ports: None,
        to: BTreeMap::new(),
        is_entry: false,
        is_goal: false,
    };
    match steps::kind(&step.kind) {
        Some(kind) => {
            let built = (kind.build)(&step.settings, check);
            draft.kind = kind.name;
            draft.is_entry = kind.face.group == super::face::Group::Entries;
            draft.is_goal = kind.name == "goal";
            draft.node = built.node;
            draft.ports = built.ports;
        }
        None => check.problem(Code::UnknownKind, None, &[("kind", &clipped(&step.kind))]),
    }
    draft
}

fn connect(document: &Journey, drafts: &mut [Draft], check: &mut Check<'_>) {
    let places: BTreeMap<&StepId, StepIx> = document
        .steps
        .iter()
        .enumerate()
        .map(|(ix, step)| (&step.id, StepIx(ix as u16)))
        .collect();
    let entries: Vec<bool> = drafts.iter().map(|draft| draft.is_entry).collect();
    for (step, draft) in document.steps.iter().zip(drafts) {
        check.about(Some(&step.id));
        for (port, target) in &step.next {
            let params = [("port", clipped(port)), ("target", clipped(&target.0))];
            if draft
                .ports
                .as_ref()
                .is_some_and(|ports| ports.iter().all(|known| known.name != *port))
            {
                check.problem(Code::UnknownPort, None, &borrowed(&params));
                continue;
            }
            match places.get(target) {
                None => check.problem(Code::UnknownStep, None, &borrowed(&params)),
                Some(ix) if entries[usize::from(ix.0)] => {
                    check.problem(Code::ArrowIntoEntry, None, &borrowed(&params))
                }
                Some(ix) => {
                    draft.to.insert(port.clone(), *ix);
                }
            }
        }
        for port in draft.ports.iter().flatten().filter(|port| port.required) {
            if !step.next.contains_key(&port.name) {
                check.problem(Code::Dangling, None, &[("port", &clipped(&port.name))]);
            }
        }
    }
}

fn shape(document: &Journey, drafts: &[Draft], check: &mut Check<'_>) {
    let ids: Vec<&StepId> = drafts.iter().map(|draft| &draft.id).collect();
    let corners = corners(document, drafts);
    check.about(None);
    if !drafts.iter().any(|draft| draft.is_entry) {
        check.problem(Code::NoEntry, None, &[]);
    } else {
        for ix in graph::unreachable(&corners) {
            check.about(Some(ids[ix]));
            check.problem(Code::Unreachable, None, &[]);
        }
    }
    let named = |cycle: &[usize]| {
        let names: Vec<String> = cycle
            .iter()
            .chain(cycle.first())
            .map(|ix| clipped(&ids[*ix].0))
            .collect();
        let shown = if names.len() > 12 {
            [&names[..11], &["…".to_owned()]].concat()
        } else {
            names
        };
        shown.join(" → ")
    };
    for cycle in graph::endless_loops(&corners) {
        check.about(Some(ids[cycle[0]]));
        check.problem(Code::EndlessLoop, None, &[("cycle", &named(&cycle))]);
    }
    let ends_elsewhere = drafts.iter().any(|d| {
        d.node
            .as_ref()
            .and_then(|node| node.goal())
            .is_some_and(|(_, ends)| ends)
    });
    if document.exit_when.is_empty() && !ends_elsewhere {
        for cycle in graph::loops_without_end(&corners) {
            check.about(Some(ids[cycle[0]]));
            check.problem(Code::NoEnd, None, &[("cycle", &named(&cycle))]);
        }
    }
}

/// The graph. An event that the journey records itself is an arrow too: it ends waits for it at once and,
/// where contacts may come again after an exit, leads back in.
fn corners(document: &Journey, drafts: &[Draft]) -> Vec<Corner> {
    let posted: BTreeSet<&str> = drafts
        .iter()
        .filter_map(|draft| draft.node.as_ref()?.posts())
        .collect();
    let again = document.re_entry == ReEntry::AfterExit;
    let lets_in = |event: &str| {
        let entries = drafts.iter().enumerate().filter(move |(_, draft)| {
            let entry = draft.node.as_ref().and_then(|node| node.entry());
            matches!(entry, Some(Entry::Event(wanted)) if again && wanted.name == event)
        });
        entries.map(|(ix, _)| ix).collect::<Vec<usize>>()
    };
    drafts
        .iter()
        .map(|draft| {
            // Of a step that could not be read nothing more is said than that.
            let node = draft.node.as_ref();
            let open = |ports: &Vec<Port>| ports.iter().any(|port| !draft.to.contains_key(&port.name));
            let mut to: Vec<usize> = draft.to.values().map(|ix| usize::from(ix.0)).collect();
            to.extend(
                node.and_then(|node| node.posts())
                    .map(lets_in)
                    .into_iter()
                    .flatten(),
            );
            Corner {
                root: draft.is_entry || draft.is_goal,
                to,
                waits: node.is_none_or(|node| {
                    node.always_waits() && node.waits_for().is_none_or(|event| !posted.contains(event))
                }),
                ends: node.is_none_or(|node| node.ends()) || draft.ports.as_ref().is_none_or(open),
            }
        })
        .collect()
}

/// A goal whose condition is false of everybody, or comes true only together with an earlier goal that ends.
fn goals_that_cannot_be_reached(drafts: &[Draft], check: &mut Check<'_>) {
    let goals: Vec<(&StepId, ConditionIx, bool)> = drafts
        .iter()
        .filter_map(|draft| {
            draft
                .node
                .as_ref()?
                .goal()
                .map(|(when, ends)| (&draft.id, when, ends))
        })
        .collect();
    for (place, (id, when, ends)) in goals.iter().enumerate() {
        let never = constant(&check.conditions[usize::from(when.0)]) == Some(false);
        let rivals = goals.iter().enumerate();
        let taken = rivals
            .filter(|(other, (_, same, rival_ends))| same == when && *rival_ends && (*other < place || !ends))
            .any(|(other, _)| other != place);
        if never || taken {
            check.about(Some(id));
            check.problem(Code::GoalUnreachable, Some("when"), &[]);
        }
    }
}

/// The truth of an expression that depends on nobody.
fn constant(expr: &Expr) -> Option<bool> {
    let count = |of: &[Expr], truth: bool| of.iter().filter(|e| constant(e) == Some(truth)).count();
    match expr {
        Expr::Everyone => Some(true),
        Expr::Clause(_) => None,
        Expr::Not(inner) => constant(inner).map(|truth| !truth),
        Expr::All(of) if count(of, false) > 0 => Some(false),
        Expr::All(of) => (count(of, true) == of.len()).then_some(true),
        Expr::Any(of) if count(of, true) > 0 => Some(true),
        Expr::Any(of) => (count(of, false) == of.len()).then_some(false),
        Expr::None(of) if count(of, true) > 0 => Some(false),
        Expr::None(of) => (count(of, false) == of.len()).then_some(true),
        Expr::AtLeast { k, of } if count(of, true) >= *k as usize => Some(true),
        Expr::AtLeast { k, of } => (of.len() - count(of, false) < *k as usize).then_some(false),
    }
}

fn finish(
    document: Journey,
    drafts: Vec<Draft>,
    exit_rules: Vec<(ConditionIx, String)>,
    check: Check<'_>,
) -> Option<JourneyVersion> {
    let mut steps = Vec::with_capacity(drafts.len());
    let mut goals = Vec::new();
    let mut entries = Vec::new();
    for (ix, draft) in drafts.into_iter().enumerate() {
        let node = draft.node?;
        let step = StepIx(ix as u16);
        goals.extend(node.goal().map(|(when, ends)| Goal { step, when, ends }));
        entries.extend(node.entry().map(|_| step));
        let ports = draft.ports?.into_iter();
        let ports = ports
            .map(|port| Arrow {
                to: draft.to.get(&port.name).copied(),
                port: port.name,
            })
            .collect();
        steps.push(Placed {
            id: draft.id,
            kind: draft.kind,
            node,
            ports,
        });
    }
    let edges = steps
        .iter()
        .filter_map(|placed: &Placed| match placed.node.entry()? {
            Entry::Segment(entry) => Some(entry.is_in),
            Entry::Event(_) | Entry::Date(_) | Entry::Schedule(_) | Entry::Manual => None,
        });
    let edges = edges.collect();
    let watched = goals
        .iter()
        .map(|goal| goal.when)
        .chain(exit_rules.iter().map(|(when, _)| *when))
        .collect();
    Some(JourneyVersion {
        document,
        steps,
        conditions: check.conditions,
        texts: check.texts,
        reads: check.reads,
        watched,
        edges,
        goals,
        exit_rules,
        entries,
        needs: check.needs,
    })
}

fn borrowed<'p>(params: &'p [(&'p str, String)]) -> Vec<(&'p str, &'p str)> {
    params.iter().map(|(key, value)| (*key, value.as_str())).collect()
}
