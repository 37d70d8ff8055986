//! Requests and answers about duplicates.

use carillon_model::contact::Value;
use carillon_model::duplicate::{MatchKind, MatchLevel, SurvivorRule};
use carillon_model::{ContactId, MergeId, Moment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which pairs, the likeliest first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DuplicatesPage {
    pub offset: u32,
    pub limit: u32,
}

/// A pair in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateRow {
    pub a: ContactId,
    pub b: ContactId,
    /// How each of the two is called: name and address.
    pub name_a: String,
    pub email_a: String,
    pub name_b: String,
    pub email_b: String,
    /// That they are one person, 0 to 1.
    pub probability: f64,
    /// What is the very same in both.
    pub same: Vec<SameKey>,
}

/// A key that tells one person from another, and that two contacts share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SameKey {
    /// The same mailbox, written in two ways.
    Email,
    Phone,
    Identifier,
}

/// The last search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateSearch {
    pub at: Moment,
    /// Contacts that were compared.
    pub contacts: u32,
    /// Pairs that were found.
    pub pairs: u32,
    /// Pairs that were found beyond those and not kept: the least likely ones.
    pub left_out: u32,
}

/// The queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicatesShown {
    pub rows: Vec<DuplicateRow>,
    #[ts(type = "number")]
    pub total: u64,
    pub last: Option<DuplicateSearch>,
}

/// Two contacts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DuplicatePair {
    pub a: ContactId,
    pub b: ContactId,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MatchAbout {
    /// How likely any two contacts are one person.
    Prior,
    Field,
    /// Fields that agree say less together than one by one.
    Together,
    /// People of one household look alike.
    Household,
    /// People move.
    Moving,
}

/// One finding for or against two contacts being one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MatchEvidence {
    pub about: MatchAbout,
    /// The field; `None` for a number of a house that was found in an address.
    pub key: Option<String>,
    pub kind: Option<MatchKind>,
    pub level: Option<MatchLevel>,
    /// Each bit doubles the odds; below 0 speaks against.
    pub bits: f64,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateSide {
    pub id: ContactId,
    pub email: String,
    pub name: String,
    pub created_at: Moment,
    /// May get marketing mail.
    pub permitted: bool,
    /// Is not written to.
    pub suppressed: bool,
    pub tags: Vec<String>,
    pub events: u32,
    pub messages: u32,
    /// Journeys it is in now: these end when it is merged into the other.
    pub journeys: u32,
    /// Addresses of contacts that were merged into it.
    pub aliases: Vec<String>,
}

/// A value of one of the two, with where it is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateValue {
    pub value: Value,
    pub source: String,
    pub at: Moment,
}

/// A field in which the two can be told apart or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateField {
    pub key: String,
    pub label: String,
    pub a: Option<DuplicateValue>,
    pub b: Option<DuplicateValue>,
    /// Both have the same.
    pub same: bool,
    pub rule: SurvivorRule,
    /// Whose value the rule takes if `a` stays, and if `b` does.
    pub if_a: ContactId,
    pub if_b: ContactId,
}

/// Two contacts side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateShown {
    pub a: DuplicateSide,
    pub b: DuplicateSide,
    pub fields: Vec<DuplicateField>,
    /// `None`: no search found the two.
    pub probability: Option<f64>,
    pub same: Vec<SameKey>,
    /// The sum of the bits is the odds of the probability.
    pub evidence: Vec<MatchEvidence>,
    /// Who had better stay: may be written to, is written to, is known longer.
    pub survivor: ContactId,
    /// Names both as they are now; a merge of something else is refused.
    pub stamp: String,
    /// Somebody said that they are two people.
    pub different: bool,
}

/// Makes one contact of two.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct MergeDuplicates {
    /// Whose address and number stay.
    pub survivor: ContactId,
    pub absorbed: ContactId,
    /// Keys of the fields whose value comes from the absorbed; without it the rules of the fields decide.
    pub take: Option<Vec<String>>,
    /// What [`DuplicateShown::stamp`] said when somebody decided.
    pub stamp: Option<String>,
}

/// Says whether two contacts are two people.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SayDuplicate {
    pub a: ContactId,
    pub b: ContactId,
    /// False puts the pair back into the queue.
    pub different: bool,
}

/// Which merge.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneMerge {
    pub id: MergeId,
}

/// Merges before one, the last first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct MergesPage {
    pub before: Option<MergeId>,
    pub limit: u32,
}

/// A merge in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MergeView {
    pub id: MergeId,
    pub survivor: ContactId,
    pub absorbed: ContactId,
    /// The address that stayed, and the one that leads to it.
    pub email: String,
    pub alias: String,
    pub at: Moment,
    pub source: String,
    pub undone_at: Option<Moment>,
}

/// How a field is compared and which of its values stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DuplicateRule {
    pub key: String,
    pub label: String,
    /// `None`: it is not compared.
    pub kind: Option<MatchKind>,
    pub rule: SurvivorRule,
}

/// How duplicates are found and merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DuplicateRules {
    pub fields: Vec<DuplicateRule>,
    /// Kinds of sources, the most trusted first.
    pub trusted: Vec<String>,
}
