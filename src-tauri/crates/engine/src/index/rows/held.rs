//! What is in memory of that which can be read again, so that a reading by the way leaves no more than there was.

use super::Rows;
use crate::record::Movement;
use std::collections::BTreeSet;

/// Names of what was held.
#[derive(Debug, Default)]
pub struct Held {
    columns: BTreeSet<String>,
    events: BTreeSet<String>,
    sent: bool,
    moved: BTreeSet<Movement>,
    past: BTreeSet<String>,
}

impl Rows {
    /// What is held now.
    pub fn held(&self) -> Held {
        let columns = self.columns.iter().filter(|(_, slot)| slot.held().is_some());
        let events = self.events.iter().filter(|(_, slot)| slot.held().is_some());
        let moved = self.moved.iter().filter(|(_, slot)| slot.held().is_some());
        let past = self.past.iter().filter(|(_, slot)| slot.held().is_some());
        Held {
            past: past.map(|(key, _)| key.clone()).collect(),
            columns: columns.map(|(key, _)| key.clone()).collect(),
            events: events.map(|(name, _)| name.clone()).collect(),
            sent: self.sent.held().is_some(),
            moved: moved.map(|(movement, _)| movement.clone()).collect(),
        }
    }

    /// Forgets what was read since then. Nothing, where there is no source to read it again from.
    pub fn let_go_since(&mut self, then: &Held) {
        if self.source.is_none() {
            return;
        }
        let columns = self
            .columns
            .iter_mut()
            .filter(|(key, _)| !then.columns.contains(*key));
        columns.for_each(|(_, slot)| slot.let_go());
        let events = self
            .events
            .iter_mut()
            .filter(|(name, _)| !then.events.contains(*name));
        events.for_each(|(_, slot)| slot.let_go());
        let moved = self
            .moved
            .iter_mut()
            .filter(|(movement, _)| !then.moved.contains(*movement));
        moved.for_each(|(_, slot)| slot.let_go());
        let past = self.past.iter_mut().filter(|(key, _)| !then.past.contains(*key));
        past.for_each(|(_, slot)| slot.let_go());
        if !then.sent {
            self.sent.let_go();
        }
    }
}
