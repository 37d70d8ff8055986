//! What the laws may know of one contact.

use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::segment::Expr;
use carillon_model::{ContactId, Moment};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

/// One contact as a value: what a driver loads, what a step changes, what the evaluator reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactRecord {
    pub id: ContactIdOrZero,
    /// Built-in and custom fields by key; `email`, `time_zone` and `created_at` are among them.
    pub fields: BTreeMap<String, Value>,
    pub tags: BTreeSet<String>,
    /// Sorted by `(at, id)`. A driver may leave out what nobody asks for.
    pub events: Vec<Event>,
    /// Accepted messages, sorted by `at`.
    pub sent: Vec<Sent>,
    /// The ledger's last word where it is a grant.
    pub permissions: BTreeMap<(Channel, Purpose), Basis>,
    /// The address stands on the suppression list.
    pub suppressed: bool,
}

/// [`ContactId`], with 0 as the default of an empty record.
pub type ContactIdOrZero = u32;

/// One accepted message to the contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub template: String,
    pub at: Moment,
}

impl ContactRecord {
    /// The contact's identity.
    pub fn contact(&self) -> ContactId {
        ContactId(self.id)
    }

    /// The contact's own zone, where it has a valid one.
    pub fn zone(&self) -> Option<Tz> {
        match self.fields.get("time_zone") {
            Some(Value::Text(name)) => name.parse().ok(),
            _ => None,
        }
    }
}

/// What an expression may refer to beside the contact.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The workspace's zone.
    pub zone: Tz,
    /// Saved segments by name, for `in segment`. Never cyclic: saving refuses that.
    pub segments: BTreeMap<String, Expr>,
}

/// Truth at a moment, and for how long it is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub holds: bool,
    /// The first later moment at which the truth may differ though no row changes. `None`: never.
    pub until: Option<Moment>,
}
