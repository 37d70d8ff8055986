//! What contacts did, as far as anybody told us.

use crate::contact::Money;
use crate::{ContactId, EventId, Moment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// A property of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum Prop {
    YesNo(bool),
    Number(f64),
    Money(Money),
    Text(String),
}

/// Something a contact did or that was done to it, at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Event {
    pub id: EventId,
    pub contact: ContactId,
    /// Lower-case word: `order`, `cart_abandoned`, `message_sent`.
    pub name: String,
    /// When it happened.
    pub at: Moment,
    /// When Carillon learned of it.
    pub arrived_at: Moment,
    /// As in [`crate::contact::Provenance::source`].
    pub source: String,
    #[serde(default)]
    pub props: BTreeMap<String, Prop>,
}
