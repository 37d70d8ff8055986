//! Contacts that may be one person: how they are compared, and which of two values stays.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a field says of a person, and so how two values of it are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MatchKind {
    GivenName,
    Surname,
    StreetNumber,
    Address,
    Suburb,
    PostCode,
    State,
    Country,
    Phone,
    Email,
    Date,
    /// A number or code somebody was given by somebody else: of a customer, of a tax office.
    Identifier,
    /// Anything else.
    Text,
}

/// How two values agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MatchLevel {
    /// One of the two is missing.
    Missing,
    Exact,
    /// One slip of the keyboard.
    Close,
    Sounds,
    Similar,
    Part,
    Initial,
    /// Found in the neighbouring field.
    Swapped,
    Different,
}

/// Which of two values of a field stays when two contacts are made one. A value always goes before none, and the value of
/// the contact that stays before an equal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SurvivorRule {
    /// The one written last.
    MostRecent,
    /// The one whose source is trusted more.
    MostTrusted,
    Longest,
    /// The one most of the records say, those merged earlier included.
    MostFrequent,
    /// That of the contact that stays, if it has one.
    NonEmpty,
    /// As [`SurvivorRule::NonEmpty`], until somebody has looked.
    Manual,
}
