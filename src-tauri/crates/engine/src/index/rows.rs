//! The facts of all contacts: the fold of every change, and one contact read out of it.

use super::change::Change;
use super::column::Column;
use super::packed::{Props, Symbols};
use super::postings::{New, Posting, Postings};
use crate::record::{ContactRecord, Sent};
use crate::segment::{Facts, Needs, Seen};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::event::Event;
use carillon_model::segment::EventMatch;
use carillon_model::{ContactId, EventId, Moment};
use chrono_tz::Tz;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Bitmaps, columns and postings of the rows, without any segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub contacts: RoaringBitmap,
    pub columns: BTreeMap<String, Column>,
    pub tags: BTreeMap<String, RoaringBitmap>,
    pub permissions: BTreeMap<(Channel, Purpose, Basis), RoaringBitmap>,
    pub suppressed: RoaringBitmap,
    pub events: BTreeMap<String, Postings>,
    /// Keys of the properties that events of each name came with, by symbol.
    pub event_keys: BTreeMap<String, BTreeSet<u32>>,
    pub sent: BTreeMap<String, Postings>,
    pub symbols: Symbols,
}

impl Rows {
    /// As [`Rows::apply`], of many at once: [`Rows::settle`] comes after the last.
    pub fn load(&mut self, change: &Change) {
        match change {
            Change::EventAdded(event) => {
                let new = self.posting(event);
                entry(&mut self.events, &event.name).add(&new);
            }
            Change::Sent {
                contact,
                template,
                at,
            } => entry(&mut self.sent, template).add(&message(*contact, *at)),
            other => self.apply(other),
        }
    }

    /// Brings what was loaded into its order.
    pub fn settle(&mut self) {
        self.events.values_mut().for_each(|events| events.settle(true));
        self.sent.values_mut().for_each(|sent| sent.settle(false));
    }

    fn posting(&mut self, event: &Event) -> New {
        let props = self.symbols.pack(&event.props);
        let keys = entry(&mut self.event_keys, &event.name);
        keys.extend(Props(&props).map(|(key, _)| key));
        New {
            contact: event.contact.0,
            at: event.at,
            id: event.id.0,
            props,
        }
    }

    /// Takes in one change; definitions are not its business.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::ContactAdded { contact, fields } => {
                self.contacts.insert(contact.0);
                for (key, value) in fields {
                    self.column(key).set(contact.0, Some(value));
                }
            }
            Change::ContactRemoved(contact) => self.remove_contact(contact.0),
            Change::FieldSet { contact, key, value } => self.column(key).set(contact.0, value.as_ref()),
            Change::TagSet { contact, tag, on } => set_bit(&mut self.tags, tag, contact.0, *on),
            Change::EventAdded(event) => {
                let new = self.posting(event);
                entry(&mut self.events, &event.name).insert(&new, true);
            }
            Change::EventRemoved {
                contact,
                name,
                at,
                id,
            } => {
                if let Some(postings) = self.events.get_mut(name) {
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
            } => {
                entry(&mut self.sent, template).insert(&message(*contact, *at), false);
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
            Change::SegmentSaved { .. }
            | Change::SegmentRemoved(_)
            | Change::WatchAdded { .. }
            | Change::ScorePublished { .. }
            | Change::ScoreRemoved(_)
            | Change::ZoneSet(_) => {}
        }
    }

    fn column(&mut self, key: &str) -> &mut Column {
        entry(&mut self.columns, key)
    }

    fn remove_contact(&mut self, id: u32) {
        self.contacts.remove(id);
        self.suppressed.remove(id);
        for column in self.columns.values_mut() {
            column.set(id, None);
        }
        for has in self.tags.values_mut().chain(self.permissions.values_mut()) {
            has.remove(id);
        }
        for postings in self.events.values_mut().chain(self.sent.values_mut()) {
            postings.remove_contact(id);
        }
    }

    /// Whether anything of a contact happened at `then` or before.
    pub fn did_anything_by(&self, id: u32, then: Moment) -> bool {
        let mut postings = self.events.values().chain(self.sent.values());
        postings.any(|of| of.of(id).iter().next().is_some_and(|first| first.at() <= then))
    }

    pub fn who(&self, id: u32) -> Who<'_> {
        Who { rows: self, id }
    }

    /// One contact as a value, with all its facts or only the needed ones.
    pub fn record(&self, id: u32, needs: Option<&Needs>) -> ContactRecord {
        let who = self.who(id);
        let mut record = ContactRecord {
            id,
            suppressed: self.suppressed.contains(id),
            ..ContactRecord::default()
        };
        for (key, column) in wanted(&self.columns, needs.map(|n| &n.fields)) {
            if let Some(seen) = column.get(id) {
                record.fields.insert(key.clone(), seen.into());
            }
        }
        for (tag, has) in wanted(&self.tags, needs.map(|n| &n.tags)) {
            if has.contains(id) {
                record.tags.insert(tag.clone());
            }
        }
        for (key, granted) in &self.permissions {
            if granted.contains(id) {
                record.permissions.insert((key.0, key.1), key.2);
            }
        }
        for (name, postings) in wanted(&self.events, needs.map(|n| &n.events)) {
            record
                .events
                .extend(postings.of(id).iter().map(|p| who.event(name, &p)));
        }
        record.events.sort_by_key(|e| (e.at, e.id));
        let templates = needs.filter(|n| !n.any_message).map(|n| &n.templates);
        for (template, postings) in wanted(&self.sent, templates) {
            record.sent.extend(postings.of(id).iter().map(|p| Sent {
                template: template.clone(),
                at: p.at(),
            }));
        }
        record.sent.sort_by_key(|s| s.at);
        record
    }

    pub fn heap_bytes(&self) -> usize {
        let bits = self
            .tags
            .values()
            .chain(self.permissions.values())
            .chain([&self.contacts, &self.suppressed]);
        bits.map(|bits| bits.serialized_size() + 64).sum::<usize>()
            + self.columns.values().map(Column::heap_bytes).sum::<usize>()
            + self
                .events
                .values()
                .chain(self.sent.values())
                .map(Postings::heap_bytes)
                .sum::<usize>()
            + self.symbols.heap_bytes()
    }
}

/// Entries of the names, or all of them: no more are looked at than are wanted.
fn wanted<'a, T>(
    map: &'a BTreeMap<String, T>,
    names: Option<&'a BTreeSet<String>>,
) -> impl Iterator<Item = (&'a String, &'a T)> {
    let some = names
        .into_iter()
        .flatten()
        .filter_map(|name| map.get_key_value(name));
    let all = names.is_none().then(|| map.iter());
    some.chain(all.into_iter().flatten())
}

/// The entry of a name, made if it is missing; the name is copied only then.
fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name)
        .unwrap_or_else(|| unreachable!("inserted above"))
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

/// One contact, asked in place.
pub(super) struct Who<'a> {
    rows: &'a Rows,
    id: u32,
}

impl Who<'_> {
    /// Arrival and source are not in the index: the moment itself and nothing stand for them.
    fn event(&self, name: &str, posting: &Posting<'_>) -> Event {
        Event {
            id: EventId(posting.id()),
            contact: ContactId(self.id),
            name: name.to_owned(),
            at: posting.at(),
            arrived_at: posting.at(),
            source: String::new(),
            props: self.rows.symbols.unpack(posting.props()),
        }
    }
}

impl Facts for Who<'_> {
    fn contact(&self) -> ContactId {
        ContactId(self.id)
    }
    fn field(&self, key: &str) -> Option<Seen<'_>> {
        self.rows.columns.get(key)?.get(self.id)
    }
    fn has_tag(&self, tag: &str) -> bool {
        self.rows.tags.get(tag).is_some_and(|has| has.contains(self.id))
    }
    fn events(&self, matching: &EventMatch, push: &mut dyn FnMut(Moment)) {
        let Some(postings) = self.rows.events.get(&matching.name) else {
            return;
        };
        let wanted = postings
            .of(self.id)
            .iter()
            .filter(|p| self.rows.symbols.pass(&matching.props, p.props()));
        wanted.for_each(|p| push(p.at()));
    }
    fn values<'a>(&'a self, matching: &EventMatch, prop: &str, push: &mut dyn FnMut(Moment, Seen<'a>)) {
        let symbols = &self.rows.symbols;
        let postings = self.rows.events.get(&matching.name);
        let Some((postings, key)) = postings.zip(symbols.number(prop)) else {
            return;
        };
        for posting in postings.of(self.id).iter() {
            if let Some(value) = posting.prop(key)
                && symbols.pass(&matching.props, posting.props())
            {
                push(posting.at(), symbols.seen(&value));
            }
        }
    }
    fn sent(&self, template: Option<&str>, push: &mut dyn FnMut(Moment)) {
        match template {
            Some(template) => {
                let postings = self.rows.sent.get(template);
                postings
                    .into_iter()
                    .flat_map(|p| p.of(self.id).iter())
                    .for_each(|p| push(p.at()));
            }
            None => self
                .rows
                .sent
                .values()
                .flat_map(|p| p.of(self.id).iter())
                .for_each(|p| push(p.at())),
        }
    }
    fn messages<'a>(&'a self, push: &mut dyn FnMut(&'a str, Moment)) {
        for (template, postings) in &self.rows.sent {
            postings.of(self.id).iter().for_each(|p| push(template, p.at()));
        }
    }
    fn permission(&self, channel: Channel, purpose: Purpose) -> Option<Basis> {
        let granted = self
            .rows
            .permissions
            .iter()
            .filter(|(key, _)| (key.0, key.1) == (channel, purpose));
        granted
            .filter(|(_, has)| has.contains(self.id))
            .map(|(key, _)| key.2)
            .next()
    }
    fn suppressed(&self) -> bool {
        self.rows.suppressed.contains(self.id)
    }
    fn zone(&self) -> Option<Tz> {
        match self.field("time_zone") {
            Some(Seen::Text(name)) => name.parse().ok(),
            _ => None,
        }
    }
}

/// A message that was accepted; several at one moment are all kept.
fn message(contact: ContactId, at: Moment) -> New {
    New {
        contact: contact.0,
        at,
        id: 0,
        props: Vec::new(),
    }
}
