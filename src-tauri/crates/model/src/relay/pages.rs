//! What the studio sets at its relay: how its pages look, what its forms ask for, who may report.

use crate::consent::Channel;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Everything the studio sets at its relay. It is pushed as one piece.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RelaySettings {
    pub page: PageSettings,
    #[serde(default)]
    pub forms: Vec<FormDefinition>,
    /// Origins the script may report from, like `https://shop.example`.
    #[serde(default)]
    pub sites: Vec<String>,
    #[serde(default)]
    pub keys: Vec<ApiKey>,
}

/// How the pages for recipients look and what the preference page offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PageSettings {
    /// Who writes, as recipients know them.
    pub sender: String,
    /// Where they live; shown at the foot of every page.
    #[serde(default)]
    pub postal_address: String,
    #[serde(default)]
    pub topics: Vec<Topic>,
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Languages a recipient may choose, two letters each.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Lengths of a pause that are offered, in days.
    #[serde(default)]
    pub pauses_days: Vec<u16>,
}

/// Something people may want or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Topic {
    /// 0 to 31, for ever the same: it stands in links that were sent.
    pub number: u8,
    pub name: String,
    #[serde(default)]
    pub about: String,
}

/// A form the relay shows at `/f/<tenant>/<key>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FormDefinition {
    /// Lower-case letters, digits and `-`; part of the address.
    pub key: String,
    pub version: u32,
    pub title: String,
    #[serde(default)]
    pub intro: String,
    pub button: String,
    /// Shown when it was sent.
    pub thanks: String,
    /// Where to lead instead of showing `thanks`: http or https.
    #[serde(default)]
    pub redirect: Option<String>,
    pub fields: Vec<FormField>,
    #[serde(default)]
    pub consents: Vec<ConsentText>,
    /// What is agreed to counts only once the link of a mail to the address was pressed (double opt-in).
    #[serde(default)]
    pub double_opt_in: bool,
    /// Faster than this many seconds is a machine.
    #[serde(default = "three")]
    pub min_secs: u32,
    /// Leading zero bits of the proof of work, 0 to 24.
    #[serde(default = "sixteen")]
    pub work_bits: u8,
    /// Whether it may be sent with scripts off; then slower, and marked.
    #[serde(default = "yes")]
    pub without_script: bool,
    /// Language of the form's own words, for `lang`; two letters.
    #[serde(default)]
    pub language: Option<String>,
}

fn three() -> u32 {
    3
}

fn sixteen() -> u8 {
    16
}

fn yes() -> bool {
    true
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FormField {
    /// Key of the contact's field, or a word of the form's own.
    pub key: String,
    pub label: String,
    pub kind: FieldKind,
    #[serde(default)]
    pub required: bool,
    /// For `select` and `radio`.
    #[serde(default)]
    pub options: Vec<String>,
    /// For `hidden`.
    #[serde(default)]
    pub value: String,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FieldKind {
    Email,
    Text,
    LongText,
    Tel,
    Url,
    Number,
    Date,
    Select,
    Radio,
    Checkbox,
    Hidden,
}

/// A consent a form asks for. Never ticked beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ConsentText {
    pub key: String,
    pub version: u32,
    pub text: String,
    /// As in [`crate::consent::Consent::wording_hash`].
    pub wording_hash: String,
    #[serde(default)]
    pub required: bool,
}

/// A key shops and apps report events with. The relay has its hash only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ApiKey {
    pub name: String,
    /// SHA-256 of the key, lower-case hex.
    pub hash: String,
}
