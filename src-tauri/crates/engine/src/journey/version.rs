//! A journey as the kernel runs it: immutable, indexed, its conditions numbered.

use super::entry::Entry;
use super::node::{Node, Written};
use super::view::PassageId;
use crate::record::Asked;
use crate::segment;
use carillon_model::StepId;
use carillon_model::journey::{ConditionIx, Journey, StepIx};
use carillon_model::segment::Expr;
use std::collections::BTreeSet;

/// A compiled journey. Made by [`super::compile`] only; the same document and catalogue give the same one.
#[derive(Debug)]
pub struct JourneyVersion {
    pub(super) document: Journey,
    pub(super) steps: Vec<Placed>,
    pub(super) conditions: Vec<Expr>,
    pub(super) texts: Vec<String>,
    pub(super) reads: Vec<Reads>,
    pub(super) watched: BTreeSet<ConditionIx>,
    pub(super) edges: BTreeSet<ConditionIx>,
    pub(super) goals: Vec<Goal>,
    pub(super) exit_rules: Vec<(ConditionIx, String)>,
    pub(super) entries: Vec<StepIx>,
    pub(super) needs: Needs,
}

/// One step in its place.
#[derive(Debug)]
pub struct Placed {
    pub id: StepId,
    pub kind: &'static str,
    pub(super) node: Box<dyn Node>,
    pub(super) ports: Vec<Arrow>,
}

/// A port and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    pub port: String,
    pub to: Option<StepIx>,
}

/// A goal: where it stands, when it is reached, and whether the passage ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    pub step: StepIx,
    pub when: ConditionIx,
    pub ends: bool,
}

/// What a driver loads for a contact, what a fact keeps as evidence, and what it listens to.
/// Names are transitive through the segments of the catalogue the version was compiled with: compile the
/// pinned document again when a segment it names is edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Fields by key, `time_zone` always among them.
    pub fields: BTreeSet<String>,
    /// Those of them that steps read themselves, and not only conditions.
    pub by_steps: BTreeSet<String>,
    /// Events that conditions count or steps wait for.
    pub events: BTreeSet<String>,
    /// Events that may move a passage: what [`carillon_model::journey::Input::Event`] is given for.
    pub listens: BTreeSet<String>,
    /// Segments, by name.
    pub segments: BTreeSet<String>,
    /// Templates that are sent.
    pub templates: BTreeSet<String>,
    /// Accounts that are named.
    pub accounts: BTreeSet<String>,
    /// A mail goes by the workspace's default account.
    pub default_account: bool,
    /// Tags that conditions ask for.
    pub tags: BTreeSet<String>,
    pub sent: bool,
    pub consents: bool,
    /// The contact's number, by which samples are drawn.
    pub sample: bool,
    /// Into and out of segments and journeys, by their names.
    pub movements: BTreeSet<Asked>,
    /// Scores whose past is read, by the keys of their fields.
    pub past: BTreeSet<String>,
}

impl Needs {
    /// What of a contact is read.
    pub fn of_contact(&self) -> segment::Needs {
        segment::Needs {
            fields: self.fields.clone(),
            tags: self.tags.clone(),
            events: self.events.union(&self.listens).cloned().collect(),
            any_message: self.sent,
            sample: self.sample,
            movements: self.movements.clone(),
            past: self.past.clone(),
            ..segment::Needs::default()
        }
    }
}

/// What one condition looks at, so that an effect evaluates only what it may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    pub(super) fields: BTreeSet<String>,
    pub(super) tags: bool,
    pub(super) events: BTreeSet<String>,
    pub(super) sent: bool,
    /// Another segment, which may be edited while the version lives.
    pub(super) anything: bool,
}

impl Reads {
    pub(super) fn field(&self, key: &str) -> bool {
        self.anything || self.fields.contains(key)
    }

    pub(super) fn tag(&self) -> bool {
        self.anything || self.tags
    }

    pub(super) fn event(&self, name: &str) -> bool {
        self.anything || self.events.contains(name)
    }

    pub(super) fn sent(&self) -> bool {
        self.anything || self.sent
    }
}

impl JourneyVersion {
    /// The document it was compiled from, in canonical order.
    pub fn document(&self) -> &Journey {
        &self.document
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Never true of a version that was compiled: it has an entry.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps in canonical order: [`StepIx`] counts here.
    pub fn steps(&self) -> &[Placed] {
        &self.steps
    }

    /// A step by its index.
    pub fn placed(&self, step: StepIx) -> Option<&Placed> {
        self.steps.get(usize::from(step.0))
    }

    /// A step's index by its id.
    pub fn find(&self, id: &StepId) -> Option<StepIx> {
        self.steps
            .iter()
            .position(|placed| placed.id == *id)
            .map(|ix| StepIx(ix as u16))
    }

    /// Each distinct condition once. [`ConditionIx`] counts here.
    pub fn conditions(&self) -> &[Expr] {
        &self.conditions
    }

    /// The canonical text of a condition.
    pub fn condition_text(&self, condition: ConditionIx) -> &str {
        self.texts
            .get(usize::from(condition.0))
            .map_or("", String::as_str)
    }

    /// Whether a flip of the condition may move a passage at once: [`carillon_model::journey::Input::Truth`]
    /// is given for these only.
    pub fn watches(&self, condition: ConditionIx) -> bool {
        self.watched.contains(&condition)
    }

    /// Conditions of goals and exit rules.
    pub fn watched(&self) -> &BTreeSet<ConditionIx> {
        &self.watched
    }

    /// Conditions whose flips let contacts in: those of segment entries.
    pub fn edges(&self) -> &BTreeSet<ConditionIx> {
        &self.edges
    }

    /// Waits whose moment hangs on a field of the contact, each with such a field:
    /// [`carillon_model::journey::Input::Moved`] is given when it is written.
    pub fn hanging(&self) -> impl Iterator<Item = (StepIx, &str)> {
        let steps = self.steps.iter().enumerate();
        steps.flat_map(|(ix, placed)| {
            let fields = placed.node.hangs_on();
            fields.into_iter().map(move |field| (StepIx(ix as u16), field))
        })
    }

    /// Goals in canonical order.
    pub fn goals(&self) -> &[Goal] {
        &self.goals
    }

    /// The entry steps.
    pub fn entries(&self) -> impl Iterator<Item = (StepIx, &Entry)> {
        self.entries.iter().filter_map(|ix| Some((*ix, self.entry(*ix)?)))
    }

    /// How contacts come in at a step; `None` if it is no entry.
    pub fn entry(&self, step: StepIx) -> Option<&Entry> {
        self.placed(step)?.node.entry()
    }

    /// What it needs to know.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// What its steps write of a contact beside events.
    pub(crate) fn writes(&self) -> impl Iterator<Item = Written<'_>> {
        self.steps.iter().filter_map(|placed| placed.node.writes())
    }

    /// The events that its steps record.
    pub(crate) fn posts(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|placed| placed.node.posts())
    }

    /// The ways on which chance leads one passage, of each step that draws, in canonical order: beside samples all that
    /// hangs on the contact's number.
    pub fn ways(&self, passage: PassageId) -> impl Iterator<Item = usize> {
        let steps = self.steps.iter();
        steps.filter_map(move |placed| placed.node.way(passage, &placed.id))
    }

    pub(super) fn reads(&self) -> &[Reads] {
        &self.reads
    }
}

impl Placed {
    /// Its ports in their order, and where they lead.
    pub fn ports(&self) -> &[Arrow] {
        &self.ports
    }
}
