//! Requests and answers about cleansings.

use carillon_model::cleansing::{CleansingRule, CleansingStep};
use carillon_model::{CleansingId, ContactId, Moment};
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
