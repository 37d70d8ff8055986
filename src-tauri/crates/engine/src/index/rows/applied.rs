//! What a commit does to the rows.

use super::{Happened, Rows, Slot, entry, message, movement};
use crate::index::change::{Change, Given};
use crate::index::column::Column;
use crate::index::postings::Postings;
use crate::record::Movement;
use crate::segment::{changed_field, changed_key};
use carillon_model::contact::Value;
use carillon_model::segment::MovementKind;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

const OF_SEGMENTS: &[MovementKind] = &[MovementKind::JoinedSegment, MovementKind::LeftSegment];
const OF_JOURNEYS: &[MovementKind] = &[
    MovementKind::EnteredJourney,
    MovementKind::LeftJourney,
    MovementKind::ReachedGoal,
];

const OF_STEPS: [MovementKind; 3] = [
    MovementKind::CameToStep,
    MovementKind::PassedStep,
    MovementKind::LeftStep,
];

/// Contacts from which on fields that nobody asked for are not followed while many more come in at once. Tests have few.
const CROWD: u64 = if cfg!(test) { 6 } else { 65_536 };
/// So many at once are many.
const MANY: usize = if cfg!(test) { 2 } else { 256 };

impl Rows {
    /// Takes in changes in their order.
    pub fn apply_all(&mut self, changes: &[Change]) {
        let is_added = |change: &Change| matches!(change, Change::ContactAdded { .. });
        for part in changes.chunk_by(|one, other| is_added(one) && is_added(other)) {
            match part {
                [one] => self.apply(one),
                many => self.add_all(many),
            }
        }
    }

    /// Takes in contacts that were added together, field by field: each is looked for once, and its values come to it in a
    /// row.
    fn add_all(&mut self, changes: &[Change]) {
        if changes.len() >= MANY && self.contacts.len() >= CROWD {
            self.let_go_unasked();
        }
        let added: Vec<(u32, &Given)> = changes
            .iter()
            .filter_map(|change| match change {
                Change::ContactAdded { contact, fields } => Some((contact.0, fields)),
                _ => None,
            })
            .collect();
        for (id, _) in &added {
            self.contacts.insert(*id);
        }
        for alike in added.chunk_by(|(_, one), (_, other)| one.shares_keys(other)) {
            self.give_alike(alike);
        }
    }

    /// Gives contacts with the same list of keys their values.
    fn give_alike(&mut self, alike: &[(u32, &Given)]) {
        let Some((_, first)) = alike.first() else {
            return;
        };
        for (place, key) in first.keys().iter().enumerate() {
            let mut values = alike
                .iter()
                .filter_map(|(id, given)| Some((*id, given.at(place)?)))
                .peekable();
            if values.peek().is_none() {
                continue;
            }
            if let Some(column) = self.column_to_set(key) {
                values.for_each(|(id, value)| column.set(id, Some(value)));
            }
        }
    }

    /// Forgets fields that nobody ever asked for; whoever does so later has them read.
    fn let_go_unasked(&mut self) {
        if self.source.is_none() {
            return;
        }
        let unasked = self.columns.values_mut().filter(|slot| slot.asked() == 0);
        unasked.for_each(Slot::let_go);
    }

    /// Takes in one change; definitions are not its business.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::ContactAdded { contact, fields } => {
                self.contacts.insert(contact.0);
                for (key, value) in fields.iter() {
                    self.set(key, contact.0, Some(value));
                }
            }
            Change::ContactRemoved(contact) => self.remove_contact(contact.0),
            Change::FieldSet { contact, key, value } => self.set(key, contact.0, value.as_ref()),
            Change::TagSet { contact, tag, on } => set_bit(&mut self.tags, tag, contact.0, *on),
            Change::EventAdded(event) => {
                if let Some(happened) = self.happened(event) {
                    let new = happened.posting(event);
                    happened.postings.insert(&new, true);
                }
            }
            Change::EventRemoved {
                contact,
                name,
                at,
                id,
            } => {
                if let Some(Happened { postings, .. }) = self.events.get_mut(name).and_then(Slot::held_mut) {
                    postings.remove(contact.0, *at, id.0);
                    if postings.is_empty() {
                        self.events.remove(name);
                        self.event_keys.remove(name);
                    }
                }
            }
            Change::Sent {
                contact,
                template,
                at,
                id,
            } => {
                if let Some(sent) = self.sent.held_mut() {
                    entry(sent, template).insert(&message(*contact, *at, *id), true);
                }
            }
            Change::Moved { contact, moved, on } => {
                if let Some(postings) = self.moves_held(&moved.movement) {
                    match on {
                        true => postings.insert(&movement(*contact, moved), true),
                        false => postings.remove(contact.0, moved.at, moved.number),
                    }
                }
            }
            Change::ScoreTurned { contact, key, turned } => self.turn(*contact, key, *turned),
            Change::SegmentSaved { id, .. } => self.may_move(OF_SEGMENTS, id.0),
            Change::JourneyNamed { id, .. } => self.may_move(OF_JOURNEYS, id.0),
            Change::StepsDrawn { journey, steps } => {
                for step in steps {
                    for kind in OF_STEPS {
                        self.may_move_to(Movement::of_step(kind, *journey, step.clone()));
                    }
                }
            }
            Change::PermissionSet {
                contact,
                channel,
                purpose,
                basis,
            } => {
                for (key, granted) in &mut self.permissions {
                    if (key.0, key.1) == (*channel, *purpose) {
                        granted.remove(contact.0);
                    }
                }
                if let Some(basis) = basis {
                    self.permissions
                        .entry((*channel, *purpose, *basis))
                        .or_default()
                        .insert(contact.0);
                }
            }
            Change::SuppressedSet { contact, on: true } => drop(self.suppressed.insert(contact.0)),
            Change::SuppressedSet { contact, on: false } => drop(self.suppressed.remove(contact.0)),
            // What a number meant is kept: none is given twice.
            Change::SegmentRemoved(_)
            | Change::JourneyRemoved(_)
            | Change::WatchAdded { .. }
            | Change::ScorePublished { .. }
            | Change::ScoreRemoved(_)
            | Change::ZoneSet(_) => {}
        }
    }

    /// Where a movement is put; `None` where the source has it to say.
    pub(super) fn moves_held(&mut self, movement: &Movement) -> Option<&mut Postings> {
        if !self.moved.contains_key(movement) {
            self.may_move_to(movement.clone());
        }
        self.moved.get_mut(movement)?.held_mut()
    }

    fn set(&mut self, key: &str, id: u32, value: Option<&Value>) {
        if let Some(column) = self.column_to_set(key) {
            column.set(id, value);
        }
    }

    /// The column of a field, where it is held; one nobody has a value of yet is begun.
    fn column_to_set(&mut self, key: &str) -> Option<&mut Column> {
        if !self.columns.contains_key(key) {
            if self.source.is_some() && changed_field(key).is_none() {
                self.has_column(changed_key(key));
                self.past.entry(key.to_owned()).or_insert_with(Slot::unread);
            }
            let new = || Slot::of(Column::default());
            self.columns.entry(key.to_owned()).or_insert_with(new);
        }
        self.columns.get_mut(key)?.held_mut()
    }

    fn remove_contact(&mut self, id: u32) {
        self.contacts.remove(id);
        self.suppressed.remove(id);
        for column in self.columns.values_mut().filter_map(Slot::held_mut) {
            column.set(id, None);
        }
        for has in self.tags.values_mut().chain(self.permissions.values_mut()) {
            has.remove(id);
        }
        for happened in self.events.values_mut().filter_map(Slot::held_mut) {
            happened.postings.remove_contact(id);
        }
        let sent = self.sent.held_mut().into_iter().flat_map(BTreeMap::values_mut);
        sent.for_each(|sent| sent.remove_contact(id));
        let past = self.past.values_mut().filter_map(Slot::held_mut);
        past.for_each(|past| past.remove_contact(id));
    }
}

fn set_bit(map: &mut BTreeMap<String, RoaringBitmap>, name: &str, id: u32, on: bool) {
    if on {
        map.entry(name.to_owned()).or_default().insert(id);
    } else if let Some(has) = map.get_mut(name) {
        has.remove(id);
        if has.is_empty() {
            map.remove(name);
        }
    }
}
