//! What scores were: held of those that somebody asks for.

use super::read::read_past;
use super::{NOBODY, Rows, Slot, unmoved};
use crate::index::postings::{New, Postings};
use crate::record::{Past, Turned};
use carillon_model::{ContactId, Moment};

impl Rows {
    /// What the score that writes a field was; nothing where none does.
    pub fn past(&self, key: &str) -> &Postings {
        let slot = self.past.get(key);
        slot.and_then(|slot| slot.get(self.question(), || self.read(|source| read_past(source, key))))
            .unwrap_or(&NOBODY)
    }

    /// Fields whose scores' past is in memory, and must be told of changes.
    pub fn past_held(&self) -> impl Iterator<Item = &String> {
        let held = self.past.iter().filter(|(_, slot)| slot.held().is_some());
        held.map(|(key, _)| key)
    }

    /// Forgets what the score of a field was; it is read again when somebody asks.
    pub fn let_go_past(&mut self, key: &str) {
        if self.source.is_some() {
            self.past.get_mut(key).into_iter().for_each(Slot::let_go);
        }
    }

    /// Puts a change of a score where what it was is held.
    pub(super) fn turn(&mut self, contact: ContactId, key: &str, turned: Turned) {
        if !self.past.contains_key(key) {
            let there = self.source.is_some();
            self.past.insert(key.to_owned(), unmoved(there));
        }
        let Some(postings) = self.past.get_mut(key).and_then(Slot::held_mut) else {
            return;
        };
        let before: Vec<(Moment, i64)> = postings.of(contact.0).iter().map(|p| (p.at(), p.id())).collect();
        let mut past = Past::of(before.clone());
        past.turns(turned);
        let after: Vec<(Moment, i64)> = past.iter().collect();
        for (at, n) in before.iter().filter(|known| !after.contains(known)) {
            postings.remove(contact.0, *at, *n);
        }
        for (at, n) in after.iter().filter(|new| !before.contains(new)) {
            postings.insert(&points(contact, *at, *n), true);
        }
    }
}

/// What a score was from a moment on.
pub(super) fn points(contact: ContactId, at: Moment, n: i64) -> New {
    New {
        contact: contact.0,
        at,
        id: n,
        props: Vec::new(),
    }
}
