//! Requests and answers about cleansings.

use carillon_model::cleansing::{CleansingRule, CleansingStep};
use carillon_model::contact::Value;
use carillon_model::{CleansingId, ContactId, Moment};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Whose data is looked through, and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FindCleansing {
    /// Only these contacts, as the segment language says; `None`: all.
    #[serde(rename = "where", default)]
    pub expression: Option<String>,
    /// Where contacts live that have no country, as a code of two letters; `None`: nobody knows, and their telephone
    /// numbers and post codes are left alone.
    #[serde(default)]
    pub country: Option<String>,
}

/// How often a rule found something in a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingField {
    pub key: String,
    pub label: String,
    pub values: u32,
}

/// How often a rule found something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingCount {
    pub rule: CleansingRule,
    pub values: u32,
    /// In which fields, the most values first.
    pub fields: Vec<CleansingField>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingFound {
    /// Its number: what is applied is what was looked at.
    pub run: u32,
    pub at: Moment,
    pub asked: FindCleansing,
    /// Contacts that were looked at, and those something was found in.
    pub looked_at: u32,
    pub contacts: u32,
    /// Rules that found something, in their order.
    pub rules: Vec<CleansingCount>,
}

/// A cleansing in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingView {
    pub id: CleansingId,
    pub at: Moment,
    /// Contacts it changed, and how many of their values.
    pub contacts: u32,
    pub values: u32,
    /// It was begun and cut off; what it did can be taken back.
    pub cut_off: bool,
    pub undone_at: Option<Moment>,
}

/// What there is to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingShown {
    /// The country that was chosen last for contacts without one.
    pub country: Option<String>,
    /// Codes of all countries there are.
    pub countries: Vec<String>,
    /// `None`: nobody searched since the workspace was opened.
    pub found: Option<CleansingFound>,
    /// The last cleansings, the newest first.
    pub past: Vec<CleansingView>,
    /// What is at work.
    pub running: Option<CleansingRunning>,
}

/// A search, an application or an undoing at work: the job, and the command that began it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingRunning {
    pub job: u32,
    pub what: CleansingWork,
}

/// What is done to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CleansingWork {
    Find,
    Apply,
    Undo,
}

/// Which changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CleansingPage {
    /// Rules that are accepted.
    pub rules: Vec<CleansingRule>,
    /// Only what this one found, accepted or not.
    #[serde(default)]
    pub only: Option<CleansingRule>,
    /// In contacts.
    pub offset: u32,
    pub limit: u32,
}

/// Another value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingChange {
    pub key: String,
    pub label: String,
    /// `None`: there is no value yet.
    pub old: Option<String>,
    pub new: String,
    pub steps: Vec<CleansingStep>,
    /// Whoever has that address already: it is not applied, and the two may be one person.
    pub taken_by: Option<ContactId>,
    /// The address is on the list of those that are not written to, and stays on it.
    pub suppressed: bool,
}

/// A contact with what is proposed for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingContact {
    pub id: ContactId,
    pub email: String,
    pub changes: Vec<CleansingChange>,
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingRows {
    /// Those that changed since the search are left out.
    pub rows: Vec<CleansingContact>,
    /// Contacts there are of them.
    pub total: u32,
    /// Contacts the accepted rules change.
    pub accepted: u32,
}

/// A change that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CleansingExcept {
    pub contact: ContactId,
    pub key: String,
}

/// Applies what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ApplyCleansing {
    /// What [`CleansingFound::run`] said when somebody looked.
    pub run: u32,
    pub rules: Vec<CleansingRule>,
    #[serde(default)]
    pub except: Vec<CleansingExcept>,
}

/// An address that was not written, because it leads to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingTaken {
    pub contact: ContactId,
    pub email: String,
    /// The address that was proposed, and who has it.
    pub wanted: String,
    pub other: ContactId,
}

/// What applying did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingApplied {
    /// What takes it back; `None`: nothing was changed.
    pub id: Option<CleansingId>,
    pub contacts: u32,
    pub values: u32,
    /// Contacts that are others than when somebody looked: they were left alone.
    pub changed_since: u32,
    /// Addresses somebody else has, the first hundred; the two may be one person each time.
    pub taken: Vec<CleansingTaken>,
    pub taken_total: u32,
    /// New addresses that are on the list of those that are not written to.
    pub suppressed: u32,
}

/// Which cleansing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneCleansing {
    pub id: CleansingId,
}

/// What taking a cleansing back did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingTakenBack {
    pub restored: u32,
    /// Values that stay: written by somebody since, of a contact that is gone, or an address somebody else has by now.
    pub kept: u32,
}

/// Of all contacts: how many have a value in a field, how many of those one that can be what the field is for, and how
/// many of those one that is written as a cleansing would leave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityFigures {
    pub known: u32,
    pub valid: u32,
    pub tidy: u32,
    /// `tidy` of all contacts in whole percent, rounded down: 0 to 100.
    pub score: u32,
}

/// Figures of a field on a day on which was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityDay {
    pub day: NaiveDate,
    #[serde(flatten)]
    pub figures: QualityFigures,
}

/// A field with its figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityField {
    pub key: String,
    pub label: String,
    /// `None`: the field is newer than the last measurement.
    pub now: Option<QualityFigures>,
    /// Days on which was measured, in their order; on the others nothing is known.
    pub days: Vec<QualityDay>,
}

/// When was measured last, and what is true of all fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityMeasured {
    pub day: NaiveDate,
    pub at: Moment,
    pub contacts: u32,
    /// Pairs of contacts that may be one person and wait for a word; `None`: nobody ever looked for them.
    pub pairs: Option<u32>,
}

/// How good the data is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityShown {
    /// `None`: it was never measured.
    pub measured: Option<QualityMeasured>,
    /// The job that measures now; 0 for one that nobody asked for.
    pub running: Option<u32>,
    /// Whom the figures are about can be asked: not before a measurement in this session.
    pub at_hand: bool,
    /// The first and the last day of the figures.
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub fields: Vec<QualityField>,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum QualityVerdict {
    /// It cannot be what its field is for.
    Invalid,
    /// It can be, but a cleansing would write it otherwise.
    Untidy,
}

/// Whose values are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskQuality {
    pub field: String,
    pub verdict: QualityVerdict,
    pub offset: u32,
    /// At most 200.
    pub limit: u32,
}

/// A contact with a value that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityContact {
    pub id: ContactId,
    pub email: String,
    pub value: Option<Value>,
}

/// A page of contacts, as it was measured last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct QualityContacts {
    /// False: nobody knows before it is measured again.
    pub at_hand: bool,
    /// Those that are mended by now are left out.
    pub rows: Vec<QualityContact>,
    /// Contacts there were.
    pub total: u32,
}
