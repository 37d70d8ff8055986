//! E-mail templates.

use crate::{Moment, TemplateId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An e-mail template: Liquid in subject and preheader, MJML with Liquid as the body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Template {
    pub id: TemplateId,
    /// The name journeys and segments use; unique in the workspace.
    pub name: String,
    pub subject: String,
    #[serde(default)]
    pub preheader: String,
    /// MJML with Liquid.
    pub body: String,
    /// Plain text with Liquid; made from the HTML where empty.
    #[serde(default)]
    pub text: String,
    /// What its mails are about: the number of a topic people may leave. None: of nothing one can leave alone.
    #[serde(default)]
    pub topic: Option<u8>,
    pub updated_at: Moment,
}
