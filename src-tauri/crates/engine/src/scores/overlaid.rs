//! A contact some of whose fields are other than they are kept.

use crate::record::{Moved, Movement, Past, Turned};
use crate::segment::{Facts, Seen};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::segment::EventMatch;
use carillon_model::{ContactId, Moment};
use chrono_tz::Tz;
use std::sync::Arc;

/// The facts of `who`, but for the fields that `field` answers for: `Some(None)` is one without a value.
pub(crate) struct Overlaid<'a, F> {
    pub who: &'a F,
    pub field: &'a dyn Fn(&str) -> Option<Option<&'a Value>>,
    pub moved: History<'a>,
    /// What scores came to beside what is kept, each with the key of its field.
    pub turned: &'a [(Arc<str>, Turned)],
}

/// What segments the contact came into and out of.
#[derive(Clone, Copy)]
pub(crate) enum History<'a> {
    /// Nobody came into a segment yet.
    Hidden,
    /// What is kept, and this.
    And(&'a [Moved]),
}

impl<F: Facts> Facts for Overlaid<'_, F> {
    fn contact(&self) -> ContactId {
        self.who.contact()
    }
    fn field(&self, key: &str) -> Option<Seen<'_>> {
        match (self.field)(key) {
            Some(value) => value.map(Seen::from),
            None => self.who.field(key),
        }
    }
    fn has_tag(&self, tag: &str) -> bool {
        self.who.has_tag(tag)
    }
    fn events(&self, matching: &EventMatch, push: &mut dyn FnMut(Moment)) {
        self.who.events(matching, push);
    }
    fn values<'a>(&'a self, matching: &EventMatch, prop: &str, push: &mut dyn FnMut(Moment, Seen<'a>)) {
        self.who.values(matching, prop, push);
    }
    fn sent(&self, template: Option<&str>, push: &mut dyn FnMut(Moment)) {
        self.who.sent(template, push);
    }
    fn moved(&self, movement: &Movement, push: &mut dyn FnMut(Moment)) {
        if movement.kind.is_of_journey() {
            return self.who.moved(movement, push);
        }
        let History::And(more) = self.moved else {
            return;
        };
        let own = || more.iter().filter(|moved| moved.movement == *movement);
        // What is kept of the same moment is the same.
        self.who.moved(movement, &mut |at| {
            if own().all(|moved| moved.at != at) {
                push(at);
            }
        });
        own().for_each(|moved| push(moved.at));
    }
    fn messages<'a>(&'a self, push: &mut dyn FnMut(&'a str, Moment)) {
        self.who.messages(push);
    }
    fn past(&self, key: &str) -> Past {
        let mut past = self.who.past(key);
        let own = self.turned.iter().filter(|(of, _)| **of == *key);
        own.for_each(|(_, turned)| past.turns(*turned));
        past
    }
    fn permission(&self, channel: Channel, purpose: Purpose) -> Option<Basis> {
        self.who.permission(channel, purpose)
    }
    fn suppressed(&self) -> bool {
        self.who.suppressed()
    }
    fn zone(&self) -> Option<Tz> {
        self.who.zone()
    }
}
