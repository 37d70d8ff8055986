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
    /// Words before an address that is not a failed recipient's.
    pub before_others: Vec<String>,
    /// Words before a failed recipient's address.
    pub before_recipient: Vec<String>,
    /// Local parts of mail systems.
    pub system_names: Vec<String>,
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
    Retrying,
    Success,
    GivenUp,
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
    pub together: Vec<Vec<String>>,
    #[serde(default)]
    pub not: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AutoFile {
    pub dated: String,
    #[serde(rename = "about")]
    pub _about: String,
    pub groups: Vec<GroupFile>,
    pub signs: Vec<SignFile>,
    pub headers: Vec<HeaderFile>,
    pub months: Vec<Vec<String>>,
    pub weekdays: Vec<Vec<String>>,
    pub from: Vec<String>,
    pub back: Vec<String>,
    pub until: Vec<String>,
    /// Words before a month whose last day is meant.
    pub end_of: Vec<String>,
    /// Words before the number of a week of the calendar.
    pub week: Vec<String>,
    /// What the first sentence of somebody who is away says besides.
    pub away_shape: Vec<String>,
    pub challenge_acts: Vec<String>,
    pub challenge_subject: Vec<String>,
    pub challenge_about: Vec<String>,
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
    /// Groups of which a word each in one clause is a wish in so many words.
    pub removing: Vec<Vec<String>>,
    /// Groups of which a word each in one clause means a wish.
    pub ceasing: Vec<Vec<String>>,
    pub words: Vec<LanguageFile>,
    /// Beginnings of questions.
    pub asking: Vec<String>,
    pub polite: Vec<String>,
    /// Words that may stand between those of a wish.
    pub fillers: Vec<String>,
    pub negation: Vec<String>,
    pub supposition: Vec<String>,
    /// A supposition that insists: "if you don't".
    pub threat: Vec<String>,
    /// What else people cancel, remove and leave.
    pub things: Vec<String>,
    /// Who else may be spoken of.
    pub others: Vec<String>,
    /// Words for mail that does not come.
    pub missing: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageFile {
    pub id: String,
    pub since: String,
    pub source: String,
    pub exact: Vec<String>,
    pub within: Vec<String>,
    /// Words that count with one of `asker` in the same clause.
    pub bare: Vec<String>,
    pub never: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeavingFile {
    pub dated: String,
    #[serde(rename = "about")]
    pub _about: String,
    pub languages: Vec<LeavingLanguage>,
}

/// Words by which a reply that may be a wish to leave is told from ordinary ones; the file says what each list means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeavingLanguage {
    pub id: String,
    pub since: String,
    pub source: String,
    pub common: Vec<String>,
    pub sure: Vec<String>,
    pub open: Vec<String>,
    pub denial: Vec<String>,
    pub mail: Vec<String>,
    pub innocent: Vec<String>,
    pub things: Vec<String>,
    pub ordinary: Vec<String>,
    pub short: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramsFile {
    pub dated: String,
    #[serde(rename = "about")]
    pub _about: String,
    pub source: String,
    pub replies: Vec<String>,
    pub original_message: Vec<String>,
    pub openers: Vec<String>,
    pub wrote: Vec<String>,
    pub wrote_who: Vec<String>,
    pub after_address: Vec<String>,
    pub after_date: Vec<String>,
    pub from: Vec<String>,
    pub fields: Vec<String>,
    pub sent_with: Vec<String>,
    pub sent_with_unspaced: Vec<String>,
}
