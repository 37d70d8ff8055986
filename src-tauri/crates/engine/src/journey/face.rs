//! How a kind shows itself: enough for a palette and an inspector to be made from it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A kind's place in the palette. Its words are `steps.<kind>.title` and `steps.<kind>.about`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    pub group: Group,
    /// Name of a Lucide icon.
    pub icon: &'static str,
    /// Place within the group.
    pub order: u16,
}

/// Groups of the palette, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Group {
    Entries,
    Time,
    Decisions,
    Messages,
    Contact,
    Ends,
}

/// The form of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Form {
    Text,
    Number,
    /// `{amount, unit}`.
    Duration,
    /// The text form of a segment expression.
    Expression,
    /// Property tests, as after `where` in a segment expression.
    Where,
    /// A segment by name.
    Segment,
    /// A template by key.
    Template,
    /// A sender account by name.
    Account,
    /// A field by key.
    Field,
    /// A published score of points by key.
    Score,
    /// A value of the type of the field named in `field`, or null.
    Value,
    /// `HH:MM`.
    Time,
    /// `contact`, `workspace` or an IANA name.
    Zone,
    /// A list of `mon` to `sun`.
    Days,
    /// A list of `{port, name, when}` or, where `options` has `percent`, of `{port, name, percent}`.
    Branches,
    Tag,
    /// An event by name.
    Event,
    /// Properties of an event, by name.
    Props,
    /// The rule of a schedule.
    Schedule,
    Bool,
    /// One of `options`.
    Choice,
}

/// One setting of a kind. Its words are `steps.<kind>.settings.<name>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Setting {
    pub name: String,
    pub form: Form,
    pub required: bool,
    /// What an absent setting means; `null`: nothing.
    #[ts(type = "unknown")]
    pub default: serde_json::Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl Setting {
    /// A setting that must be given.
    pub fn required(name: &str, form: Form) -> Setting {
        Setting {
            name: name.to_owned(),
            form,
            required: true,
            default: serde_json::Value::Null,
            options: Vec::new(),
        }
    }

    /// A setting that may be left out.
    pub fn optional(name: &str, form: Form, default: impl Into<serde_json::Value>) -> Setting {
        Setting {
            required: false,
            default: default.into(),
            ..Setting::required(name, form)
        }
    }

    /// With the words of a choice.
    pub fn options(mut self, options: &[&str]) -> Setting {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        self
    }
}

/// A port of a kind. Its words are `steps.<kind>.ports.<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PortFace {
    pub name: String,
    /// Without an arrow it is a problem.
    pub required: bool,
}

/// Everything a screen needs to offer a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepKindFace {
    pub kind: String,
    pub group: Group,
    pub icon: String,
    pub order: u16,
    pub settings: Vec<Setting>,
    /// Ports that do not depend on the settings. A kind with a `branches` setting has one port for each of
    /// its branches before these.
    pub ports: Vec<PortFace>,
}
