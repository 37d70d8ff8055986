//! The form of the rule files, as they stand in `assets/rules`.

use super::Class;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BounceFile {
    pub dated: String,
    #[serde(rename = "about")]
    pub _about: String,
    pub groups: Vec<GroupFile>,
    pub bare: Vec<String>,
    pub rules: Vec<ClassFile>,
    pub signs: Vec<SignFile>,
}

/// Words that mean the same thing, in all languages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupFile {
    pub id: String,
    pub since: String,
    pub source: String,
    pub text: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassFile {
    pub id: String,
    pub class: Class,
    pub since: String,
    pub source: String,
    #[serde(default)]
    pub when: When,
    #[serde(default)]
    pub whole: bool,
    /// What one message meets, every message of this sender meets.
    #[serde(default)]
    pub of_sender: bool,
    /// Only where the reason has no words that say anything.
    #[serde(default)]
    pub bare: bool,
    #[serde(default)]
    pub text: Vec<String>,
    /// Groups of which a word each stands in one sentence, near to each other.
    #[serde(default)]
    pub together: Vec<Vec<String>>,
    /// Words that must not stand in the sentence in which `together` is found.
    #[serde(default)]
    pub unless: Vec<String>,
    #[serde(default)]
    pub not: Vec<String>,
    #[serde(default)]
    pub codes: Vec<String>,
    #[serde(default)]
    pub basic: Vec<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    #[default]
    Any,
    Permanent,
    Temporary,
}

/// What a list of words tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    Sender,
    Subject,
    Opening,
    Delay,
    Success,
    Original,
    AutoSubject,
    AwaySubject,
    AutoText,
    Away,
    Left,
    Moved,
    Challenge,
    Feedback,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignFile {
    pub id: String,
    pub sign: Sign,
    pub since: String,
    pub source: String,
    pub text: Vec<String>,
    #[serde(default)]
    pub not: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AutoFile {
    pub dated: String,
    #[serde(rename = "about")]
    pub _about: String,
    pub signs: Vec<SignFile>,
    pub headers: Vec<HeaderFile>,
    pub months: Vec<Vec<String>>,
    pub weekdays: Vec<Vec<String>>,
    pub from: Vec<String>,
    pub back: Vec<String>,
    pub until: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderFile {
    pub id: String,
    pub header: String,
    pub value: String,
    pub since: String,
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordsFile {
    pub dated: String,
    #[serde(rename = "about")]
    pub _about: String,
    pub groups: Vec<GroupFile>,
    pub together: Vec<Vec<String>>,
    pub words: Vec<LanguageFile>,
    pub asking: Vec<String>,
    pub polite: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageFile {
    pub id: String,
    pub since: String,
    pub source: String,
    pub exact: Vec<String>,
    pub within: Vec<String>,
    pub never: Vec<String>,
}
