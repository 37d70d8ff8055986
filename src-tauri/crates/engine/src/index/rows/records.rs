//! Contacts as records, and as digests of what their records say.

use super::{Happened, Rows};
use crate::index::column::Column;
use crate::index::postings::{Postings, Run};
use crate::record::{ContactRecord, Moved, Movement, Numbers, Sent};
use crate::segment::{Facts, Needs, Seen, changed_field};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::{ContactId, MessageId};
use roaring::RoaringBitmap;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

/// What is wanted of contacts, found once for many of them.
pub struct Records<'a> {
    rows: &'a Rows,
    columns: Vec<(&'a String, &'a Column)>,
    tags: Vec<(&'a String, &'a RoaringBitmap)>,
    permissions: Vec<(&'a (Channel, Purpose, Basis), &'a RoaringBitmap)>,
    events: Vec<(&'a String, &'a Happened)>,
    sent: Vec<(&'a String, &'a Postings)>,
    moved: Vec<(Movement, &'a Postings)>,
    past: Vec<(&'a String, &'a Postings)>,
}

impl Rows {
    /// One contact as a value, with those of its facts that are needed; movements by their numbers.
    pub fn record(&self, id: u32, needs: &Needs, numbers: &Numbers) -> ContactRecord {
        self.records(needs, numbers).read(id)
    }

    /// Contacts with no more of their facts than `needs` names.
    pub fn records<'a>(&'a self, needs: &'a Needs, numbers: &Numbers) -> Records<'a> {
        let every = needs.every.field;
        let columns = wanted(&self.columns, (!every).then_some(&needs.fields)).filter(|(key, _)| {
            // Every field means every value.
            !every || changed_field(key).is_none() || needs.fields.contains(*key)
        });
        let events = wanted(&self.events, (!needs.every.event).then_some(&needs.events));
        let templates = (!needs.any_message).then_some(&needs.templates);
        let some_sent = templates.is_none_or(|templates| !templates.is_empty());
        let sent = some_sent.then(|| wanted(self.sent(), templates));
        let movements = needs.movements.iter().filter_map(|asked| numbers.asked(asked));
        Records {
            rows: self,
            columns: columns
                .filter_map(|(key, _)| Some((key, self.column(key)?)))
                .collect(),
            tags: wanted(&self.tags, (!needs.every.tag).then_some(&needs.tags)).collect(),
            permissions: self.permissions.iter().collect(),
            events: events.map(|(name, _)| (name, self.events(name))).collect(),
            sent: sent.into_iter().flatten().collect(),
            moved: movements
                .map(|movement| {
                    let postings = self.moved(&movement);
                    (movement, postings)
                })
                .collect(),
            past: needs.past.iter().map(|key| (key, self.past(key))).collect(),
        }
    }
}

impl Records<'_> {
    /// The record of a contact, if there is one.
    pub fn of(&self, contact: ContactId) -> Option<ContactRecord> {
        let there = self.rows.contacts.contains(contact.0);
        there.then(|| self.read(contact.0))
    }

    fn read(&self, id: u32) -> ContactRecord {
        let who = self.rows.who(id);
        let mut record = ContactRecord {
            id,
            suppressed: self.rows.suppressed.contains(id),
            ..ContactRecord::default()
        };
        for (key, column) in &self.columns {
            if let Some(seen) = column.get(id) {
                record.fields.insert((*key).clone(), seen.into());
            }
        }
        let tags = self.tags.iter().filter(|(_, has)| has.contains(id));
        record.tags.extend(tags.map(|(tag, _)| (*tag).clone()));
        for (key, granted) in &self.permissions {
            if granted.contains(id) {
                record.permissions.insert((key.0, key.1), key.2);
            }
        }
        for (name, happened) in &self.events {
            let own = happened.postings.of(id).iter();
            record.events.extend(own.map(|p| who.event(name, happened, &p)));
        }
        record.events.sort_by_key(|e| (e.at, e.id));
        for (template, postings) in &self.sent {
            record.sent.extend(postings.of(id).iter().map(|p| Sent {
                template: (*template).clone(),
                at: p.at(),
                id: MessageId(p.id()),
            }));
        }
        record.sent.sort_by_key(|s| s.at);
        for (movement, postings) in &self.moved {
            record.moved.extend(postings.of(id).iter().map(|p| Moved {
                movement: movement.clone(),
                at: p.at(),
                number: p.id(),
            }));
        }
        record.moved.sort_unstable();
        record.moved.dedup();
        record.past = self
            .past
            .iter()
            .map(|(key, _)| ((*key).clone(), who.past(key)))
            .collect();
        record
    }

    /// A number that is the same for two contacts whose records differ in nothing but who they are and the numbers of their
    /// events, and for two others, but for one chance in 2^128, another one. `None` where there is no such contact. SipHash-1-3
    /// (Aumasson and Bernstein 2012) with 128 bits and no key: it is not kept.
    pub fn digest(&self, contact: ContactId) -> Option<u128> {
        let id = contact.0;
        if !self.rows.contacts.contains(id) {
            return None;
        }
        let mut hasher = SipHasher13::new();
        self.rows.suppressed.contains(id).hash(&mut hasher);
        for (key, column) in &self.columns {
            if let Some(seen) = column.get(id) {
                key.hash(&mut hasher);
                hash_seen(&seen, &mut hasher);
            }
        }
        // Between any two parts stands what begins no other.
        PART.hash(&mut hasher);
        for (tag, _) in self.tags.iter().filter(|(_, has)| has.contains(id)) {
            tag.hash(&mut hasher);
        }
        PART.hash(&mut hasher);
        for (key, _) in self
            .permissions
            .iter()
            .filter(|(_, granted)| granted.contains(id))
        {
            key.hash(&mut hasher);
        }
        PART.hash(&mut hasher);
        self.hash_events(id, &mut hasher);
        for (template, postings) in &self.sent {
            hash_run(template, postings.of(id), &mut hasher);
        }
        PART.hash(&mut hasher);
        for (movement, postings) in &self.moved {
            hash_run(movement, postings.of(id), &mut hasher);
        }
        PART.hash(&mut hasher);
        for (key, postings) in &self.past {
            hash_run(key, postings.of(id), &mut hasher);
        }
        Some(hasher.finish128().as_u128())
    }

    fn hash_events(&self, id: u32, hasher: &mut SipHasher13) {
        let mut order = Vec::new();
        let mut names = 0;
        for (place, (name, happened)) in self.events.iter().enumerate() {
            let own = happened.postings.of(id);
            let before = order.len();
            order.extend(own.iter().map(|p| (p.millis(), p.id(), place)));
            if order.len() == before {
                continue;
            }
            names += 1;
            (name, order.len() - before).hash(hasher);
            for posting in own.iter() {
                posting.millis().hash(hasher);
                for (key, value) in posting.props() {
                    happened.symbols.text(key).hash(hasher);
                    hash_seen(&happened.symbols.seen(&value), hasher);
                }
                PART.hash(hasher);
            }
        }
        PART.hash(hasher);
        // Those of other names may stand between them.
        if names > 1 {
            order.sort_unstable();
            for (_, _, place) in order {
                self.events[place].0.hash(hasher);
            }
        }
    }
}

/// No text begins with this byte.
const PART: u8 = 0xff;

/// Events with nothing but their moments and numbers.
fn hash_run(of: &impl Hash, run: Run<'_>, hasher: &mut SipHasher13) {
    for posting in run.iter() {
        (of, posting.millis(), posting.id()).hash(hasher);
    }
}

fn hash_seen(seen: &Seen<'_>, hasher: &mut SipHasher13) {
    std::mem::discriminant(seen).hash(hasher);
    match seen {
        Seen::Text(text) | Seen::Choice(text) => text.hash(hasher),
        Seen::Number(number) => number.to_bits().hash(hasher),
        Seen::Money(money) => money.hash(hasher),
        Seen::YesNo(yes) => yes.hash(hasher),
        Seen::MultiChoice(chosen) => chosen.hash(hasher),
        Seen::Date(date) => date.hash(hasher),
        Seen::DateTime(at) => at.hash(hasher),
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
