//! What can happen to the rows, as the index hears of it.

use crate::record::{ContactRecord, Moved, Sent, Turned};
use crate::scores::Scoring;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::segment::Expr;
use carillon_model::{ContactId, EventId, JourneyId, MessageId, Moment, ScoreId, SegmentId, StepId};
use chrono_tz::Tz;
use std::sync::Arc;

/// Values by the keys of their fields, which contacts that are added together share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    keys: Arc<[Arc<str>]>,
    /// In the order of the keys; there may be fewer.
    values: Vec<Option<Value>>,
}

impl Given {
    /// `values` in the order of the keys.
    pub fn of(keys: Arc<[Arc<str>]>, values: Vec<Option<Value>>) -> Given {
        Given { keys, values }
    }

    /// Whether both have the very same list of keys.
    pub(super) fn shares_keys(&self, other: &Given) -> bool {
        Arc::ptr_eq(&self.keys, &other.keys)
    }

    pub(super) fn keys(&self) -> &Arc<[Arc<str>]> {
        &self.keys
    }

    /// What it has at the place of a key.
    pub(super) fn at(&self, place: usize) -> Option<&Value> {
        self.values.get(place)?.as_ref()
    }

    /// The fields that have a value.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        let fields = self.keys.iter().zip(&self.values);
        fields.filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Given {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Given {
        let (keys, values): (Vec<Arc<str>>, _) = fields
            .into_iter()
            .map(|(key, value)| (key.into(), Some(value)))
            .unzip();
        Given::of(keys.into(), values)
    }
}

/// One change of a row. A commit is a list of them, and a file is one long list.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A contact with those of its fields that have a value. The order of a contact's other changes and of this
    /// one does not matter: facts of somebody who is not added yet wait.
    ContactAdded { contact: ContactId, fields: Given },
    /// A contact with all its facts.
    ContactRemoved(ContactId),
    /// A field written, or cleared.
    FieldSet {
        contact: ContactId,
        key: String,
        value: Option<Value>,
    },
    /// A tag given or taken.
    TagSet {
        contact: ContactId,
        tag: String,
        on: bool,
    },
    /// An event; the same (contact, name, at, id) again changes nothing.
    EventAdded(Event),
    /// An event taken back, as by undoing an import.
    EventRemoved {
        contact: ContactId,
        name: String,
        at: Moment,
        id: EventId,
    },
    /// A message that a server accepted; the same (contact, template, at, id) again changes nothing.
    Sent {
        contact: ContactId,
        template: String,
        at: Moment,
        id: MessageId,
    },
    /// Came into a journey or out of it, or that is taken back, as by undoing a merge. Of segments the index tells that
    /// itself; given from outside, it is told what it said once. The same again changes nothing, and it stays when the
    /// contact is removed.
    Moved {
        contact: ContactId,
        moved: Moved,
        on: bool,
    },
    /// A score came to other points; its field is set by a change of its own. Of scores that are followed the index tells that
    /// itself. The same again changes nothing.
    ScoreTurned {
        contact: ContactId,
        /// Of the field.
        key: String,
        turned: Turned,
    },
    /// The ledger's last word: a basis, or none.
    PermissionSet {
        contact: ContactId,
        channel: Channel,
        purpose: Purpose,
        basis: Option<Basis>,
    },
    /// The contact's address came onto or left the suppression list.
    SuppressedSet { contact: ContactId, on: bool },
    /// A segment saved, anew or changed. Its members enter, as the difference to before.
    SegmentSaved { id: SegmentId, name: String, expr: Expr },
    /// A segment or watch removed. Its members leave.
    SegmentRemoved(SegmentId),
    /// A journey that is there, under a new name or its old one.
    JourneyNamed { id: JourneyId, name: String },
    /// Steps of a journey, of its draft or a version: only at these is anybody looked for.
    StepsDrawn { journey: JourneyId, steps: Vec<StepId> },
    /// A journey that is gone, and with it its name.
    JourneyRemoved(JourneyId),
    /// An expression without a name that is followed like a segment: the condition of a journey.
    WatchAdded { id: SegmentId, expr: Expr },
    /// A score published, anew or changed: every contact is measured by it.
    ScorePublished {
        id: ScoreId,
        key: String,
        scoring: Arc<Scoring>,
    },
    /// A score that measures nobody any more. What it wrote stays until somebody clears it.
    ScoreRemoved(ScoreId),
    /// The workspace's zone.
    ZoneSet(Tz),
}

impl Change {
    /// Whose facts change; `None` for definitions.
    pub fn contact(&self) -> Option<ContactId> {
        match self {
            Change::ContactAdded { contact, .. }
            | Change::ContactRemoved(contact)
            | Change::FieldSet { contact, .. }
            | Change::TagSet { contact, .. }
            | Change::EventRemoved { contact, .. }
            | Change::Sent { contact, .. }
            | Change::Moved { contact, .. }
            | Change::ScoreTurned { contact, .. }
            | Change::PermissionSet { contact, .. }
            | Change::SuppressedSet { contact, .. } => Some(*contact),
            Change::EventAdded(event) => Some(event.contact),
            Change::SegmentSaved { .. }
            | Change::SegmentRemoved(_)
            | Change::WatchAdded { .. }
            | Change::JourneyNamed { .. }
            | Change::StepsDrawn { .. }
            | Change::JourneyRemoved(_)
            | Change::ScorePublished { .. }
            | Change::ScoreRemoved(_)
            | Change::ZoneSet(_) => None,
        }
    }
}

/// A contact that came into or out of a segment (or watch), and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub segment: SegmentId,
    pub contact: ContactId,
    pub entered: bool,
    /// The exact instant if time caused it, else that of the commit.
    pub at: Moment,
}

/// A contact as a commit leaves it.
#[derive(Clone, Debug, Default)]
pub(super) struct After {
    pub exists: bool,
    pub record: ContactRecord,
}

impl After {
    /// The same fold as [`super::rows::Rows::apply`], on one contact.
    pub fn apply(&mut self, change: &Change) {
        let record = &mut self.record;
        match change {
            Change::ContactAdded { fields, .. } => {
                self.exists = true;
                let own = fields.iter().map(|(key, value)| (key.to_string(), value.clone()));
                record.fields.extend(own);
            }
            Change::ContactRemoved(contact) => {
                *self = After {
                    exists: false,
                    record: ContactRecord {
                        id: contact.0,
                        moved: std::mem::take(&mut record.moved),
                        ..ContactRecord::default()
                    },
                };
            }
            Change::FieldSet {
                key,
                value: Some(value),
                ..
            } => drop(record.fields.insert(key.clone(), value.clone())),
            Change::FieldSet { key, value: None, .. } => drop(record.fields.remove(key)),
            Change::TagSet { tag, on: true, .. } => drop(record.tags.insert(tag.clone())),
            Change::TagSet { tag, on: false, .. } => drop(record.tags.remove(tag)),
            Change::EventAdded(event) => {
                let place = record
                    .events
                    .partition_point(|e| (e.at, e.id) <= (event.at, event.id));
                let same = |e: &&Event| (e.at, e.id) == (event.at, event.id) && e.name == event.name;
                if !record.events[..place]
                    .iter()
                    .rev()
                    .take_while(|e| e.at == event.at)
                    .any(|e| same(&e))
                {
                    record.events.insert(place, event.clone());
                }
            }
            Change::EventRemoved { name, at, id, .. } => {
                record
                    .events
                    .retain(|e| (e.at, e.id) != (*at, *id) || e.name != *name);
            }
            Change::Sent { template, at, id, .. } => {
                let place = record.sent.partition_point(|s| s.at <= *at);
                let sent = Sent {
                    template: template.clone(),
                    at: *at,
                    id: *id,
                };
                if !record.sent[..place].contains(&sent) {
                    record.sent.insert(place, sent);
                }
            }
            Change::Moved { moved, on: true, .. } => record.moves(moved.clone()),
            Change::Moved { moved, on: false, .. } => record.moved.retain(|other| other != moved),
            Change::ScoreTurned { key, turned, .. } => {
                record.past.entry(key.clone()).or_default().turns(*turned);
            }
            Change::PermissionSet {
                channel,
                purpose,
                basis: Some(basis),
                ..
            } => {
                record.permissions.insert((*channel, *purpose), *basis);
            }
            Change::PermissionSet {
                channel,
                purpose,
                basis: None,
                ..
            } => {
                record.permissions.remove(&(*channel, *purpose));
            }
            Change::SuppressedSet { on, .. } => record.suppressed = *on,
            Change::SegmentSaved { .. }
            | Change::SegmentRemoved(_)
            | Change::WatchAdded { .. }
            | Change::JourneyNamed { .. }
            | Change::StepsDrawn { .. }
            | Change::JourneyRemoved(_)
            | Change::ScorePublished { .. }
            | Change::ScoreRemoved(_)
            | Change::ZoneSet(_) => {}
        }
    }
}
