//! What is asked and answered about scores.

use carillon_model::journey::Severity;
use carillon_model::score::{Score, ScoreChange, ScoreModel, Scored};
use carillon_model::{ContactId, EventId, Moment, ScoreId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A score in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreRow {
    #[serde(flatten)]
    pub score: Score,
    /// The draft is other than what contacts are measured by.
    pub changed: bool,
}

/// Which score.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneScore {
    pub id: ScoreId,
}

/// A draft to keep; without an id, a new score.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveScore {
    #[serde(default)]
    pub id: Option<ScoreId>,
    /// Of a new one; without it, one is made from the name.
    #[serde(default)]
    pub key: Option<String>,
    pub name: String,
    pub draft: ScoreModel,
}

/// A model to look over.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CheckScore {
    /// The score it is a draft of: its rules about companies may read its own points.
    #[serde(default)]
    pub id: Option<ScoreId>,
    pub model: ScoreModel,
}

/// Something wrong with a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreTrouble {
    /// The key of the rule or group; `:companies` for the score of companies as a whole; empty for all of it.
    pub place: String,
    /// A warning keeps nobody from publishing.
    pub severity: Severity,
    pub message: String,
}

/// A model that contacts are to be measured by, without publishing it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PreviewScore {
    /// The score it is a draft of: adjustments by hand count for it.
    #[serde(default)]
    pub id: Option<ScoreId>,
    pub model: ScoreModel,
}

/// What a model says of up to 1,000 contacts.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScorePreview {
    /// How many were measured.
    pub measured: u32,
    /// Of how many.
    #[ts(type = "number")]
    pub contacts: u64,
    /// The fewest points, those that each further tenth of the contacts reaches at most, and the most: eleven numbers,
    /// or none for a grade or nobody.
    #[ts(type = "Array<number>")]
    pub deciles: Vec<i64>,
    /// How many have each stage, or each grade; the last for those without one.
    pub labels: Vec<LabelCount>,
    /// How many have other points or another grade than now; `None` where nothing is published.
    pub differ: Option<u32>,
}

/// How many have a label; `None`: no label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LabelCount {
    pub label: Option<String>,
    pub count: u32,
}

/// A model to try on the past.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BacktestScore {
    /// The score it is the draft of; its published model is tried as well.
    pub id: Option<ScoreId>,
    pub model: ScoreModel,
    /// What people were to do: one `did`, without times and dates.
    pub goal: String,
    /// Within so many days, which are also how far back the model is asked.
    pub days: u32,
}

/// What a model would have said, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreBacktest {
    /// The model is asked about this moment; the goal counts from it until `until`.
    pub since: Moment,
    pub until: Moment,
    /// Contacts known at that time, of those that were looked at.
    pub measured: u32,
    pub sampled: u32,
    /// All there are.
    #[ts(type = "number")]
    pub contacts: u64,
    /// Of those measured, how many reached the goal.
    pub reached: u32,
    pub draft: BacktestModel,
    /// The same of what contacts are measured by now.
    pub published: Option<BacktestModel>,
    pub difference: Option<BacktestDifference>,
    /// Of those looked at, who would be in another stage now, or have another grade; the most first.
    pub moves: Option<Vec<StageMove>>,
}

/// How one model did.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BacktestModel {
    /// From the most points to the fewest; none of a grade.
    pub tenths: Vec<BacktestTenth>,
    /// Of a grade, from the highest bands down; those nobody had are left out.
    pub grades: Vec<BacktestGrade>,
    /// In what share of pairs, one who reached the goal and one who did not, the first had more points; a half is chance.
    /// Nothing where too few did, or too few did not, and of a grade, whose labels have no order.
    pub area: Option<f64>,
    /// Its standard error.
    pub error: Option<f64>,
}

/// A tenth of the people.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BacktestTenth {
    #[ts(type = "number")]
    pub from: i64,
    #[ts(type = "number")]
    pub to: i64,
    pub people: u32,
    /// How many of them reached the goal; those of equal points are shared out.
    pub reached: f64,
}

impl From<carillon_engine::scores::backtest::Tenth> for BacktestTenth {
    fn from(tenth: carillon_engine::scores::backtest::Tenth) -> BacktestTenth {
        let carillon_engine::scores::backtest::Tenth {
            from,
            to,
            people,
            reached,
        } = tenth;
        BacktestTenth {
            from,
            to,
            people,
            reached,
        }
    }
}

/// The people of one grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BacktestGrade {
    /// `null`: points for which the grid has no band.
    pub grade: Option<String>,
    pub people: u32,
    /// How many of them reached the goal.
    pub reached: u32,
}

/// The draft beside the published model.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BacktestDifference {
    /// By how much the draft's area is larger, and the standard error of that.
    pub by: f64,
    pub error: f64,
    /// More than chance does in five of a hundred cases.
    pub sure: bool,
}

/// People who would be in another stage, or have another grade.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StageMove {
    pub from: Option<String>,
    pub to: Option<String>,
    pub people: u32,
}

/// Whose scores.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OfContact {
    pub contact: ContactId,
}

/// A published score of one contact.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ContactScore {
    pub id: ScoreId,
    pub key: String,
    pub name: String,
    /// What it is measured by.
    pub model: ScoreModel,
    /// Of a number of points: what each rule gives now.
    pub scored: Option<Scored>,
    pub grade: Option<String>,
    pub stage: Option<String>,
    /// In the order in which they were entered.
    pub entered: Vec<StageEntered>,
}

/// When a stage was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StageEntered {
    pub stage: String,
    pub at: Moment,
}

/// Which rows of a contact's ledger.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskLedger {
    pub contact: ContactId,
    /// Of this score only.
    #[serde(default)]
    pub score: Option<ScoreId>,
    /// Those before this row.
    #[serde(default)]
    #[ts(type = "number | null")]
    pub before: Option<i64>,
    pub limit: u32,
}

/// A change with its reasons in the words of the rules.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreLedgerRow {
    #[serde(flatten)]
    pub change: ScoreChange,
    /// The score's name.
    pub name: String,
    pub because: Vec<ScoreBecause>,
}

/// What one rule had to do with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScoreBecause {
    /// The rule's expression; `None` for points by hand or by a journey.
    pub when: Option<String>,
    /// Thousandths of a point more, or less.
    #[ts(type = "number")]
    pub points: i64,
    pub event: Option<EventId>,
}

/// Points by hand.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AdjustScore {
    pub score: ScoreId,
    pub contact: ContactId,
    pub points: f64,
    #[serde(default)]
    pub why: String,
}
