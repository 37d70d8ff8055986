//! What is asked of templates, and what is answered.

use crate::files::FileRef;
use carillon_model::{ContactId, Moment, TemplateId};
use carillon_render::TemplateParts;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A template in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TemplateRow {
    pub id: TemplateId,
    pub name: String,
    pub subject: String,
    pub updated_at: Moment,
    /// Journeys that send it.
    pub used_by: u32,
    #[ts(type = "number")]
    pub sent_30_days: u64,
}

/// Which template.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneTemplate {
    pub id: TemplateId,
}

/// What a user writes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TemplateDraft {
    pub name: String,
    pub subject: String,
    #[serde(default)]
    pub preheader: String,
    pub body: String,
    #[serde(default)]
    pub text: String,
    /// What its mails are about: the number of a topic people may leave.
    #[serde(default)]
    pub topic: Option<u8>,
}

impl TemplateDraft {
    pub(super) fn parts(&self) -> TemplateParts {
        TemplateParts {
            subject: self.subject.clone(),
            preheader: self.preheader.clone(),
            body: self.body.clone(),
            text: self.text.clone(),
        }
    }
}

/// A template to save; without an id, a new one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveTemplate {
    pub id: Option<TemplateId>,
    pub draft: TemplateDraft,
}

/// A draft to render as a contact, or as nobody in particular.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RenderTemplate {
    pub draft: TemplateDraft,
    pub contact: Option<ContactId>,
    /// The HTML itself as well: for files, never for a screen.
    #[serde(default)]
    pub with_html: bool,
}

/// Something wrong with a template, or a value it lacks.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TemplateProblem {
    /// `error` or `warning`.
    pub severity: String,
    /// `subject`, `preheader`, `body` or `text`.
    pub part: String,
    pub line: Option<u32>,
    pub message: String,
}

/// A mail as somebody would get it. The HTML is fetched through `frame`, with its own policy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RenderedTemplate {
    pub frame: String,
    pub subject: String,
    pub preheader: String,
    pub text: String,
    #[ts(type = "number")]
    pub bytes: usize,
    pub problems: Vec<TemplateProblem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// A draft to look through for everybody of a segment.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskMissing {
    pub draft: TemplateDraft,
    #[serde(rename = "where")]
    pub expression: Option<String>,
}

/// A value that is missing, for how many, and whether a fallback stands in for it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MissingValue {
    pub key: String,
    pub count: u32,
    pub example: Option<crate::contacts::Named>,
    pub has_fallback: bool,
}

/// For how many contacts a template has everything.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MissingReport {
    pub looked_at: u32,
    pub complete: u32,
    pub missing: Vec<MissingValue>,
}

/// A template to begin with.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Starter {
    pub key: String,
    pub name: String,
    pub about: String,
    pub draft: TemplateDraft,
}

/// A file to take in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportTemplate {
    pub file: FileRef,
    pub name: Option<String>,
    pub subject: Option<String>,
    /// A new template in any case: where its name is taken, it gets a number. Else one of that name is replaced.
    #[serde(default)]
    pub fresh: bool,
}
