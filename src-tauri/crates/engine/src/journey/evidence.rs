//! A view as evidence: what a fact keeps, and all that replay reads of a contact.

use super::version::JourneyVersion;
use super::view::{ContactView, PassageId, Truths};
use crate::record::{ContactRecord, Moved, Numbers, Past, Scope, Sent, Verdict};
use carillon_model::Moment;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::segment::Expr;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A [`ContactView`] cut down to what its version needs, as it was before a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewEvidence {
    pub passage: PassageId,
    /// The workspace's zone, an IANA name.
    pub zone: String,
    pub truths: Vec<Truth>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<(String, Moment)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<(Channel, Purpose, Basis)>,
    #[serde(default)]
    pub suppressed: bool,
    /// Segments the conditions refer to, as they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Expr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
    /// What scores were that the conditions ask for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub past: BTreeMap<String, Past>,
    /// Of the segments and journeys whose history the conditions read.
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    pub numbers: Numbers,
}

/// A [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    pub holds: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

impl ViewEvidence {
    /// Cuts a view down to what `version` needs.
    pub fn of(version: &JourneyVersion, view: &ContactView<'_>) -> ViewEvidence {
        let needs = version.needs();
        let record = view.record();
        let fields = record
            .fields
            .iter()
            .filter(|(key, _)| needs.fields.contains(*key));
        let events = record
            .events
            .iter()
            .filter(|event| needs.events.contains(&event.name));
        let past = record.past.iter().filter(|(key, _)| needs.past.contains(*key));
        let segments = view
            .scope()
            .segments
            .iter()
            .filter(|(name, _)| needs.segments.contains(*name));
        let permissions = record
            .permissions
            .iter()
            .map(|((channel, purpose), basis)| (*channel, *purpose, *basis));
        ViewEvidence {
            passage: view.passage,
            zone: view.scope().zone.name().to_owned(),
            truths: view
                .truths()
                .iter()
                .map(|v| Truth {
                    holds: v.holds,
                    until: v.until,
                })
                .collect(),
            fields: fields.map(|(key, value)| (key.clone(), value.clone())).collect(),
            tags: record.tags.intersection(&needs.tags).cloned().collect(),
            events: events.cloned().collect(),
            sent: if needs.sent {
                record
                    .sent
                    .iter()
                    .map(|sent| (sent.template.clone(), sent.at))
                    .collect()
            } else {
                Vec::new()
            },
            permissions: if needs.consents {
                permissions.collect()
            } else {
                Vec::new()
            },
            suppressed: needs.consents && record.suppressed,
            segments: segments
                .map(|(name, expr)| (name.clone(), expr.clone()))
                .collect(),
            moved: match needs.movements.is_empty() {
                true => Vec::new(),
                false => record.moved.clone(),
            },
            past: past.map(|(key, past)| (key.clone(), past.clone())).collect(),
            numbers: view.scope().numbers.only(&needs.movements),
        }
    }

    /// The scope it was seen in; `None` if the zone has no name this program knows.
    pub fn scope(&self) -> Option<Scope> {
        Some(Scope {
            zone: self.zone.parse::<Tz>().ok()?,
            segments: self.segments.clone(),
            numbers: self.numbers.clone(),
        })
    }

    /// The view again.
    pub fn view<'a>(&self, scope: &'a Scope) -> ContactView<'a> {
        let record = ContactRecord {
            id: self.passage.contact.0,
            fields: self.fields.clone(),
            tags: self.tags.clone(),
            events: self.events.clone(),
            sent: self
                .sent
                .iter()
                .map(|(template, at)| Sent {
                    template: template.clone(),
                    at: *at,
                    id: carillon_model::MessageId(0),
                })
                .collect(),
            permissions: self
                .permissions
                .iter()
                .map(|(channel, purpose, basis)| ((*channel, *purpose), *basis))
                .collect(),
            moved: self.moved.clone(),
            past: self.past.clone(),
            suppressed: self.suppressed,
        };
        let truths: Truths = self
            .truths
            .iter()
            .map(|t| Verdict {
                holds: t.holds,
                until: t.until,
            })
            .collect();
        ContactView::known(self.passage, Cow::Owned(record), scope, truths)
    }
}
