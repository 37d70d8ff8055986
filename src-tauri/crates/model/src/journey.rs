//! Journeys: the drawing, a passage through it, and what the kernel takes and gives.

use crate::contact::Value;
use crate::event::{Event, Prop};
use crate::{EventId, JourneyId, Moment, StepId, VersionId};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::collections::BTreeMap;
use ts_rs::TS;

/// A journey as people draw it and as files carry it. Its canonical text is [`Journey`] as pretty JSON,
/// steps sorted by id; `layout` is where the boxes stand and never makes a new version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Journey {
    /// Format of the file: `carillon/journey/1`.
    pub format: String,
    pub name: String,
    #[serde(default)]
    pub re_entry: ReEntry,
    /// Leave at once when one of these holds, wherever the contact stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_when: Vec<ExitRule>,
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layout: BTreeMap<StepId, Place>,
}

/// The value of [`Journey::format`].
pub const JOURNEY_FORMAT: &str = "carillon/journey/1";

/// Where a box stands on the canvas, in canvas pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Place {
    pub x: f64,
    pub y: f64,
}

/// One step of the drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Step {
    pub id: StepId,
    /// The stem of the step's file in `engine/src/steps`.
    pub kind: String,
    /// What people call it; empty: the kind's own title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Settings as the kind defines them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[ts(type = "Record<string, unknown>")]
    pub settings: Map<String, serde_json::Value>,
    /// Where each port leads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub next: BTreeMap<String, StepId>,
}

/// Whether a contact may pass more than once. One passage at a time, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "policy", rename_all = "snake_case")]
#[ts(export)]
pub enum ReEntry {
    /// Once in a life.
    #[default]
    Never,
    /// Again as soon as the last passage has ended.
    AfterExit,
    /// Again when the last entry is at least so long ago and that passage has ended.
    AfterDays { days: u32 },
}

/// A rule that ends a passage wherever it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ExitRule {
    /// A segment expression in its text form.
    pub when: String,
    /// Word for reports.
    pub reason: String,
}

/// Whether a problem keeps a journey from being published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Severity {
    Error,
    Warning,
}

/// Something wrong with a drawing: data for the canvas, not an error of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Problem {
    pub severity: Severity,
    /// Stable word: `unreachable`, `dangling`, `endless_loop`, `split_sum`, `missing_template` ...
    /// The sentence is `problems.<code>` of the locale files.
    pub code: String,
    pub step: Option<StepId>,
    /// Setting of the step that is meant.
    pub field: Option<String>,
    /// Values for the sentence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

/// The life of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum JourneyState {
    /// Never published, or published and changed since (the draft stands beside the live version).
    Draft,
    Live,
    /// Nobody enters and nobody moves; what fell due meanwhile happens after resume, in order.
    Paused,
    /// Nobody enters; those inside finish.
    Draining,
    /// Everybody left; queued messages were cancelled.
    Stopped,
}

/// Index of a step in its version, in canonical order. Only meaningful with the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIx(pub u16);

/// Index of a condition in `JourneyVersion::conditions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConditionIx(pub u16);

/// Why a passage ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(tag = "end", content = "reason", rename_all = "snake_case")]
#[ts(export)]
pub enum End {
    /// Came to an exit step or to a port that leads nowhere.
    Completed(String),
    /// A goal was reached.
    Goal(StepId),
    /// A rule of the journey.
    ExitRule(String),
    /// The user stopped the journey or took the contact out.
    Stopped,
    /// The contact was erased.
    Erased,
    /// The contact was merged into another, whose own passages go on.
    Merged,
}

/// Where a passage stands: all the kernel remembers between two calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The step the contact is in; `None` after the end.
    pub at: Option<StepIx>,
    /// Planned moment of the last arrival: base of the next relative wait.
    pub planned_at: Moment,
    /// Deadline of the present wait, if it has one.
    pub wake_at: Option<Moment>,
    /// Visits of the steps entered so far, in step order.
    pub visits: Vec<(StepIx, u32)>,
    /// Goals with `then = continue` that were reached; each counts once a passage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<StepIx>,
    pub end: Option<End>,
}

impl State {
    /// A passage that has not begun: what [`Input::Enter`] is given to.
    pub fn fresh(now: Moment) -> State {
        State {
            at: None,
            planned_at: now,
            wake_at: None,
            visits: Vec::new(),
            reached: Vec::new(),
            end: None,
        }
    }
}

/// What a passage is told. Closed: the kernel matches each arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// The contact enters at an entry step. `planned` is when the cause happened.
    Enter {
        entry: StepIx,
        planned: Moment,
        event: Option<EventId>,
    },
    /// `wake_at` has come.
    Wake,
    /// The contact did something the version listens for.
    Event(Event),
    /// A condition of the version changed its truth.
    Truth { condition: ConditionIx, holds: bool },
    /// What became of a message of this passage.
    Sent {
        step: StepIx,
        visit: u32,
        outcome: Outcome,
    },
    /// A field that the wait hangs on was written while the contact stands in it.
    Moved,
    /// The journey was stopped or the contact taken out.
    Stop(End),
}

/// What a journey may know of a message's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Accepted,
    Bounced,
    Suppressed,
    Unknown,
    Expired,
    Cancelled,
}

/// What a passage wants done. Closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Queue one message; `(enrolment, step, visit)` is its identity.
    Send {
        step: StepIx,
        visit: u32,
        template: String,
        /// Sender account by name; `None`: the workspace's default.
        account: Option<String>,
        transactional: bool,
    },
    /// Write a field, or clear it.
    SetField {
        key: String,
        value: Option<Value>,
    },
    AddTag {
        tag: String,
    },
    RemoveTag {
        tag: String,
    },
    /// Record an event of the contact.
    PostEvent {
        name: String,
        props: BTreeMap<String, Prop>,
    },
}

/// One line of a passage's history: what happened, where, and the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Fact {
    /// Step of the version, by its id.
    pub step: StepId,
    pub at: Moment,
    #[serde(flatten)]
    pub what: FactKind,
}

/// Kinds of facts. Closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[ts(export)]
pub enum FactKind {
    /// Came into the step.
    Entered { visit: u32 },
    /// Waits here, until a moment or for something to happen.
    Waiting { until: Option<Moment> },
    /// Left by a port. `because` is the evidence: condition texts with their truth, the event, the hash bucket.
    Left {
        port: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        because: Vec<Evidence>,
    },
    /// Asked for something to be done.
    #[ts(type = "{ fact: \"did\", effect: unknown }")]
    Did { effect: Effect },
    /// Learned what became of a message.
    #[ts(type = "{ fact: \"learned\", outcome: string }")]
    Learned { outcome: Outcome },
    /// The passage ended.
    Ended { end: End },
}

/// What a decision was taken on, with the values of that moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Evidence {
    /// Expression text, event name, or `random`.
    pub about: String,
    /// `true`, `false`, the event's id, the bucket.
    pub value: String,
}

/// A published, immutable version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Published {
    pub id: VersionId,
    pub journey: JourneyId,
    /// 1, 2, 3 ...
    pub number: u32,
    pub document: Journey,
    pub published_at: Moment,
}
