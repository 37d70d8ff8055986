//! What is asked of journeys, and what is answered.

use crate::files::{FileRef, SaveRef};
use carillon_engine::sim::Number;
use carillon_model::journey::{Fact, Journey, JourneyState, Problem};
use carillon_model::{ContactId, EnrolmentId, JourneyId, Moment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// A journey in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyRow {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    /// Number of the newest published version, if any.
    pub version: Option<u32>,
    /// The draft differs from it.
    pub changed: bool,
    #[ts(type = "number")]
    pub active: u64,
    #[ts(type = "number")]
    pub entered_30_days: i64,
    #[ts(type = "number")]
    pub sent_30_days: i64,
    /// Problems that keep the draft from being published.
    pub problems: u32,
    pub updated_at: Moment,
}

/// Which journey.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneJourney {
    pub id: JourneyId,
}

/// A journey for the designer. `revision` changes with each save.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyView {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    pub version: Option<u32>,
    pub changed: bool,
    pub document: Journey,
    #[ts(type = "number")]
    pub revision: i64,
    pub problems: Vec<Problem>,
}

/// A draft to save. Without an id, a new journey. `revision`: what it was made from; refused where somebody else
/// saved since.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveJourney {
    pub id: Option<JourneyId>,
    pub document: Journey,
    #[ts(type = "number | null")]
    pub revision: Option<i64>,
}

/// A draft that was saved.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SavedJourney {
    pub id: JourneyId,
    #[ts(type = "number")]
    pub revision: i64,
    pub problems: Vec<Problem>,
}

/// A drawing to look over.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CheckJourney {
    pub document: Journey,
}

/// What is to become a version. With a revision, only if nobody saved another drawing since.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PublishJourney {
    pub id: JourneyId,
    #[serde(default)]
    #[ts(optional, type = "number")]
    pub revision: Option<i64>,
}

/// A version that contacts enter from now on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PublishedNow {
    pub version: u32,
    /// Contacts that enter at once.
    #[ts(type = "number")]
    pub entering: u64,
}

/// What a publish would do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Entering {
    /// Contacts that would enter at once.
    #[ts(type = "number")]
    pub now: u64,
    /// Contacts inside now: they stay on their version.
    #[ts(type = "number")]
    pub inside: u64,
}

/// The state a journey is in now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StateNow {
    pub state: JourneyState,
}

/// A journey as a file.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyText {
    pub name: String,
    pub text: String,
}

/// A journey's text to take in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportText {
    pub text: String,
}

/// Where a journey is written to, as a file for people and programs.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ExportJourney {
    pub id: JourneyId,
    pub to: SaveRef,
}

/// A journey file to take in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportFile {
    pub file: FileRef,
}

/// A journey that was taken in as a draft.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Imported {
    pub id: JourneyId,
    pub name: String,
    pub problems: Vec<Problem>,
}

/// One step's live figures.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepCounts {
    pub step: String,
    /// Standing here now.
    #[ts(type = "number")]
    pub waiting: u64,
    #[ts(type = "number")]
    pub entered: i64,
    /// By port.
    #[ts(type = "Record<string, number>")]
    pub left: BTreeMap<String, i64>,
}

/// A journey's live figures.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyCounts {
    pub steps: Vec<StepCounts>,
    #[ts(type = "number")]
    pub active: u64,
}

/// A draft to play over everybody. With the journey it is the draft of, random splits are drawn as they will be live.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SimulateJourney {
    #[serde(default)]
    #[ts(optional)]
    pub id: Option<JourneyId>,
    pub document: Journey,
    pub days: u32,
    #[ts(type = "number")]
    pub seed: u64,
    #[serde(default)]
    pub start: Option<Moment>,
}

/// A number of a simulation whose people are wanted.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BehindSimulation {
    /// As it was asked for, with its start.
    pub simulation: SimulateJourney,
    pub number: Number,
    pub limit: u32,
}

/// A draft to walk one contact through. With the journey it is the draft of, random splits are drawn as they will be
/// live.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TryJourney {
    #[serde(default)]
    #[ts(optional)]
    pub id: Option<JourneyId>,
    pub document: Journey,
    pub contact: ContactId,
    pub days: u32,
}

/// One contact's way through a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Trial {
    pub facts: Vec<Fact>,
    /// Names of the scores that the draft asks for and that are followed but in part: some of their rules read consent,
    /// suppression or the history of journeys, which a trial leaves as they are.
    pub partly_fixed_scores: Vec<String>,
    /// Names of the segments it asks for that ask for the top or the bottom: what that takes stays as it is now.
    pub ranked_segments: Vec<String>,
}

/// Whose way through which journey; without an enrolment, the last one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PathOf {
    pub id: JourneyId,
    pub contact: ContactId,
    #[serde(default)]
    pub enrolment: Option<EnrolmentId>,
}

/// Who stands at a step now.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PeopleAt {
    pub id: JourneyId,
    /// Everybody inside where left out.
    #[serde(default)]
    pub step: Option<String>,
    pub limit: u32,
}

/// A contact to let in by hand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct EnterByHand {
    pub id: JourneyId,
    pub contact: ContactId,
}

/// A contact's passage through a journey, for the contact's page.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Passage {
    pub enrolment: EnrolmentId,
    pub journey: JourneyId,
    pub journey_name: String,
    pub version: u32,
    pub entered_at: Moment,
    pub ended_at: Option<Moment>,
    /// Title of the step the contact stands at or ended at.
    pub at_step: String,
    pub path: Vec<PassageStep>,
}

/// One visit of a step.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PassageStep {
    pub step: String,
    pub title: String,
    pub kind: String,
    pub facts: Vec<Fact>,
}
