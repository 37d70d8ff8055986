//! Scores: how much interest somebody shows and how well they fit, as points by rules, and what is read from two of them.
//!
//! A published score is a field of every contact that nobody writes by hand: [`Score::field`] holds the points or the
//! grade, [`Score::stage_field`] and [`Score::since_field`] where it has stages.

use crate::{ContactId, EventId, Moment, ScoreId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The event that adds points to a score by hand or by a journey: `score` is the key, `points` how many.
pub const ADJUSTED: &str = "score_adjusted";

/// A score as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Score {
    pub id: ScoreId,
    /// Lower-case word, never changed: `[a-z][a-z0-9_]{0,39}`.
    pub key: String,
    pub name: String,
    /// What is being edited.
    pub draft: ScoreModel,
    /// What contacts are measured by; `None` before the first publishing and after archiving.
    pub published: Option<ScoreModel>,
    /// How often it was published.
    pub version: u32,
    pub created_at: Moment,
    pub published_at: Option<Moment>,
    pub archived_at: Option<Moment>,
}

impl Score {
    /// The field with the points, or with the grade.
    pub fn field(key: &str) -> String {
        format!("score_{key}")
    }

    /// Whether a key may be that of such a field.
    pub fn is_field(key: &str) -> bool {
        key.starts_with("score_")
    }

    /// The field with the name of the stage.
    pub fn stage_field(key: &str) -> String {
        format!("stage_{key}")
    }

    /// The field with the moment the stage was entered.
    pub fn since_field(key: &str) -> String {
        format!("stage_{key}_since")
    }
}

/// How a score is worked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum ScoreModel {
    /// A number: what the rules of all groups and adjustments come to, rounded to whole points.
    Points {
        groups: Vec<ScoreGroup>,
        #[serde(default)]
        bounds: ScoreBounds,
        /// From the lowest up. Entered on reaching the points, never left for an earlier one.
        #[serde(default)]
        stages: Vec<ScoreStage>,
        /// How companies are measured. Without it, the points of a company's contacts are added up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        companies: Option<CompanyScoring>,
    },
    /// A label such as `A1`: the band of one score, then the band of another.
    Grade { rows: GradeAxis, columns: GradeAxis },
}

/// Rules that share bounds and decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ScoreGroup {
    /// Unique within the score, kept through its versions.
    pub key: String,
    pub name: String,
    #[serde(default)]
    pub bounds: ScoreBounds,
    #[serde(default)]
    pub decay: Decay,
    pub rules: Vec<ScoreRule>,
}

/// When points are given, and how many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ScoreRule {
    /// Unique within the score, kept through its versions: the ledger names it.
    pub key: String,
    /// An expression of the segment language. Where events are counted it is one `did` without a number of times: its
    /// event, tests of properties and window are what counts.
    pub when: String,
    pub points: RulePoints,
    #[serde(default)]
    pub bounds: ScoreBounds,
    /// Events before do not count.
    #[serde(default)]
    pub from: Option<Moment>,
    /// Nor from then on.
    #[serde(default)]
    pub to: Option<Moment>,
}

/// How many points a rule gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "per", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum RulePoints {
    /// While the expression holds, and no longer. They do not decay.
    While { points: i32 },
    /// However often; they decay from the last time on.
    Once { points: i32 },
    /// For each event; each decays by itself.
    Each { points: i32 },
    /// By how many events there are; they decay from the last one on.
    Ranges { ranges: Vec<FrequencyRange> },
}

/// So many events, both ends included; an open end is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FrequencyRange {
    pub from: u32,
    #[serde(default)]
    pub to: Option<u32>,
    pub points: i32,
}

/// The least and the most points; an open end is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ScoreBounds {
    #[serde(default)]
    pub least: Option<i32>,
    #[serde(default)]
    pub most: Option<i32>,
}

/// How points for events grow less. Once a day, at midnight UTC, by the days or months between the two dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "decay", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum Decay {
    #[default]
    None,
    /// By so many hundredths of the full points each so many months, until nothing is left.
    Linear { percent: u32, months: u32 },
    /// To a half in so many days, to a quarter in twice as many.
    HalfLife { days: u32 },
}

/// A stage of the life of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ScoreStage {
    pub name: String,
    pub at_least: i32,
}

/// How the points of a company come about: what its contacts have, rolled up, and rules of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CompanyScoring {
    #[serde(default)]
    pub roll_up: RollUp,
    #[serde(default)]
    pub rules: Vec<CompanyRule>,
    /// Of all of it.
    #[serde(default)]
    pub bounds: ScoreBounds,
}

/// What the points of a company's contacts come to together. Contacts that are not measured do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RollUp {
    /// All of them added up.
    #[default]
    Sum,
    /// Their mean.
    Average,
    /// Those of the contact who has the most.
    Highest,
    /// No points at all: only the rules count.
    Nothing,
}

/// Points of a company by what is known of it, or of its contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CompanyRule {
    /// Unique within the score, as that of a [`ScoreRule`].
    pub key: String,
    /// An expression of the segment language. Where people count it is asked of each contact of the company and may read whatever
    /// a segment may, points among it; else it is asked of the company and reads nothing but fields of companies.
    pub when: String,
    /// At least so many contacts have to meet it. `None`: the company itself does.
    #[serde(default)]
    pub people: Option<u32>,
    /// While it holds, and no longer.
    pub points: i32,
}

/// One side of a grid of grades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct GradeAxis {
    /// The key of the score that is read.
    pub score: String,
    /// From the highest down; the last one takes all that are left and has no least.
    pub bands: Vec<GradeBand>,
}

/// Points from `at_least` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct GradeBand {
    pub label: String,
    #[serde(default)]
    pub at_least: Option<i32>,
}

/// What points of one contact come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Scored {
    /// Whole points.
    #[ts(type = "number")]
    pub total: i64,
    pub groups: Vec<GroupScored>,
    /// Thousandths of a point that were added by hand or by journeys.
    #[ts(type = "number")]
    pub adjusted: i64,
    /// The first later moment at which anything of this may differ though no row changes. `None`: never.
    pub until: Option<Moment>,
}

/// What the rules of one group come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GroupScored {
    pub key: String,
    /// Thousandths of a point, within the bounds.
    #[ts(type = "number")]
    pub points: i64,
    pub rules: Vec<RuleScored>,
}

/// What one rule comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RuleScored {
    pub key: String,
    /// Thousandths of a point, within the bounds.
    #[ts(type = "number")]
    pub points: i64,
    /// How many events count now; 1 while an expression holds. Of a rule about a company's people, how many meet it.
    pub count: u32,
    /// The last of them.
    pub last: Option<Moment>,
}

/// What points of one company come to. What is rolled up, all rules and what the bounds add or take make the total.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyScored {
    /// Whole points.
    #[ts(type = "number")]
    pub total: i64,
    /// Contacts of the company that are measured.
    pub contacts: u32,
    /// The whole points of these contacts, added up.
    #[ts(type = "number")]
    pub sum: i64,
    /// Those of the one who has the most; `None` where nobody is measured.
    #[ts(type = "number | null")]
    pub highest: Option<i64>,
    /// Thousandths of a point that the contacts bring.
    #[ts(type = "number")]
    pub rolled_up: i64,
    /// In the order of the model.
    pub rules: Vec<RuleScored>,
    /// Thousandths of a point that the bounds add or take.
    #[ts(type = "number")]
    pub limited: i64,
}

/// What made a score change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ScoreCause {
    /// Somebody did something, or points were added.
    Event,
    /// What is known of the contact changed.
    Changed,
    /// Time passed: a window moved on, or points decayed.
    Time,
    /// Another model was published.
    Published,
}

/// What one rule had to do with a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreReason {
    /// The key of the rule; empty for adjustments.
    pub rule: String,
    /// Thousandths of a point.
    #[ts(type = "number")]
    pub before: i64,
    #[ts(type = "number")]
    pub after: i64,
    /// The event that did it.
    pub event: Option<EventId>,
}

/// A row of the ledger: one change of one contact's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreChange {
    #[ts(type = "number")]
    pub id: i64,
    pub score: ScoreId,
    pub contact: ContactId,
    pub at: Moment,
    /// Whole points; `None` when it was first measured.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
    #[ts(type = "number")]
    pub after: i64,
    pub cause: ScoreCause,
    /// The version that was measured by.
    pub version: u32,
    /// The stage that was reached with it.
    pub stage: Option<String>,
    pub reasons: Vec<ScoreReason>,
}
