//! What goes into a render and what comes out of it.

use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::event::Prop;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The sources of a template, as the author wrote them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateParts {
    /// Liquid.
    pub subject: String,
    /// Liquid; shown by mail clients beside the subject.
    #[serde(default)]
    pub preheader: String,
    /// MJML with Liquid.
    pub body: String,
    /// Plain text with Liquid; made from the HTML where blank.
    #[serde(default)]
    pub text: String,
}

impl TemplateParts {
    /// Bytes of all parts together.
    pub(crate) fn bytes(&self) -> usize {
        let parts = [&self.subject, &self.preheader, &self.body, &self.text];
        parts.into_iter().map(String::len).sum()
    }
}

impl From<&carillon_model::template::Template> for TemplateParts {
    fn from(template: &carillon_model::template::Template) -> Self {
        TemplateParts {
            subject: template.subject.clone(),
            preheader: template.preheader.clone(),
            body: template.body.clone(),
            text: template.text.clone(),
        }
    }
}

/// Who sends, the same for every contact of a batch: `organisation`, `postal_address`, `sender.name`,
/// `sender.email` in templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sender {
    pub organisation: String,
    pub postal_address: String,
    pub name: String,
    pub email: String,
}

/// The event a passage through a journey began with: `event.name`, `event.at` and its properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventContext {
    pub name: String,
    pub at: Moment,
    #[serde(default)]
    pub props: BTreeMap<String, Prop>,
}

/// One contact to render for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Fields by key, `email` among them. An absent value is an absent key.
    pub contact: BTreeMap<String, Value>,
    #[serde(default)]
    pub tags: BTreeSet<String>,
    #[serde(default)]
    pub event: Option<EventContext>,
    /// `https:` or `mailto:` address that ends the mails: `unsubscribe_url` and `unsubscribe_line`.
    #[serde(default)]
    pub unsubscribe_url: Option<String>,
    /// `https:` address where the contact chooses what to get: `preferences_url`.
    #[serde(default)]
    pub preferences_url: Option<String>,
    /// `https:` address where the contact confirms the address: `confirm_url`.
    #[serde(default)]
    pub confirm_url: Option<String>,
    /// IANA name of the zone dates are shown in; UTC where it is not one.
    pub zone: String,
    /// Language tag (BCP 47) such as `de` or `pt-BR`, for money, numbers and names of months.
    pub locale: String,
    /// The moment of the message, for `now` and `today`.
    pub now: Moment,
}

/// A message's content for one contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// One line, also the hidden preview in `html`.
    pub preheader: String,
    pub html: String,
    /// Never blank unless the HTML has no text either.
    pub text: String,
    /// Paths of values that were printed without having one and without `default`; sorted, each once.
    pub missing: Vec<String>,
}

/// The part of a template an error is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Subject,
    Preheader,
    Body,
    Text,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Subject => "subject",
            Part::Preheader => "preheader",
            Part::Body => "body",
            Part::Text => "text part",
        })
    }
}

/// What sort of error a template has; screens and retry read only this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Liquid that cannot be read, an unknown tag or filter.
    Liquid,
    /// MJML that cannot be read.
    Mjml,
    /// Scripts, dangerous links, or a value where no value may stand.
    Unsafe,
    /// A bound of [`crate::limits`] was reached.
    TooMuch,
    /// The child process ended, or took more memory or time than a message may.
    Stopped,
}

/// Why a template could not be rendered, in words for its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{message}", self.place())]
pub struct RenderError {
    pub kind: ErrorKind,
    pub part: Option<Part>,
    /// Line in the part's source, from 1, where it is known.
    pub line: Option<u32>,
    pub message: String,
}

impl RenderError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        RenderError {
            kind,
            part: None,
            line: None,
            message: message.into(),
        }
    }

    pub(crate) fn at_line(mut self, line: u32) -> Self {
        self.line.get_or_insert(line);
        self
    }

    pub(crate) fn in_part(mut self, part: Part) -> Self {
        self.part.get_or_insert(part);
        self
    }

    fn place(&self) -> String {
        match (self.part, self.line) {
            (Some(part), Some(line)) => format!("In the {part}, line {line}: "),
            (Some(part), None) => format!("In the {part}: "),
            _ => String::new(),
        }
    }
}

pub(crate) type Fallible<T> = Result<T, RenderError>;
