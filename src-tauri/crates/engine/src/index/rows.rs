//! The facts of all contacts: the fold of every change, and one contact read out of it.

mod applied;
mod held;
mod past;
mod read;
mod records;
mod who;

pub use held::Held;
pub use records::Records;
pub(super) use who::Who;

use super::change::Change;
use super::column::Column;
use super::packed::Symbols;
use super::postings::{New, Passing, Postings};
use super::source::{Slot, Source};
use crate::record::{Moved, Movement};
use crate::segment::changed_field;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::event::Event;
use carillon_model::segment::{MovementKind, PropMatch};
use carillon_model::{ContactId, MessageId, Moment};
use read::{read_column, read_events, read_moved, read_sent};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

/// Events of one name.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub postings: Postings,
    /// Of the keys and texts of their properties.
    pub symbols: Symbols,
}

/// Accepted messages by template.
type Messages = BTreeMap<String, Postings>;

/// Publications during which whatever was asked for stays. Tests want to see it gone.
const GRACE: usize = if cfg!(test) { 1 } else { 64 };

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Column,
    Events,
    Sent,
    Moved,
    Past,
}

/// What is held and was not asked for longest: when that was, its bytes, what it is, and its name or movement.
type Unasked = (u64, usize, Kept, String, Option<Movement>);

static NEVER: LazyLock<Happened> = LazyLock::new(Happened::default);
static NOBODY: LazyLock<Postings> = LazyLock::new(Postings::default);
static NOTHING: Messages = Messages::new();

/// Bitmaps, columns and postings of the rows, without any segment.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub contacts: RoaringBitmap,
    columns: BTreeMap<String, Slot<Column>>,
    pub tags: BTreeMap<String, RoaringBitmap>,
    pub permissions: BTreeMap<(Channel, Purpose, Basis), RoaringBitmap>,
    pub suppressed: RoaringBitmap,
    events: BTreeMap<String, Slot<Happened>>,
    /// Keys of the properties that events of each name came with.
    event_keys: BTreeMap<String, BTreeSet<String>>,
    /// Messages by template, read all at once: who asks for one template mostly asks for others, too.
    sent: Slot<Messages>,
    moved: BTreeMap<Movement, Slot<Postings>>,
    /// What scores were, by the keys of their fields: the number of a posting is the points from its moment on.
    past: BTreeMap<String, Slot<Postings>>,
    source: Option<Arc<dyn Source>>,
    /// Questions so far.
    asked: AtomicU64,
    /// Something was read from the source since all that is held was found to fit.
    grown: AtomicBool,
    /// Questions there had been at each of the last publications.
    published: VecDeque<u64>,
    /// Times the source could not be read.
    failures: AtomicU64,
}

impl Rows {
    /// Rows whose unread columns and events are read from there.
    pub fn from_source(source: Option<Arc<dyn Source>>) -> Rows {
        Rows {
            sent: match &source {
                Some(_) => Slot::unread(),
                None => Slot::of(Messages::new()),
            },
            source,
            ..Rows::default()
        }
    }

    /// The source has values of a field.
    pub fn has_column(&mut self, key: String) {
        if changed_field(&key).is_none() {
            self.past.entry(key.clone()).or_insert_with(Slot::unread);
        }
        self.columns.entry(key).or_insert_with(Slot::unread);
    }

    /// The source has events of a name, with properties of these keys.
    pub fn has_events(&mut self, name: String, keys: impl IntoIterator<Item = String>) {
        self.event_keys.entry(name.clone()).or_default().extend(keys);
        self.events.entry(name).or_insert_with(Slot::unread);
    }

    /// The values of a field.
    pub fn column(&self, key: &str) -> Option<&Column> {
        let slot = self.columns.get(key)?;
        slot.get(self.question(), || self.read(|source| read_column(source, key)))
    }

    /// The events of a name; without any where there are none.
    pub fn events(&self, name: &str) -> &Happened {
        let slot = self.events.get(name);
        slot.and_then(|slot| slot.get(self.question(), || self.read(|source| read_events(source, name))))
            .unwrap_or(&NEVER)
    }

    /// Accepted messages by template.
    pub fn sent(&self) -> &Messages {
        let held = self.sent.get(self.question(), || self.read(read_sent));
        held.unwrap_or(&NOTHING)
    }

    /// Who came into or out of something; nobody where it is not there.
    pub fn moved(&self, movement: &Movement) -> &Postings {
        let slot = self.moved.get(movement);
        slot.and_then(|slot| {
            slot.get(self.question(), || {
                self.read(|source| read_moved(source, movement))
            })
        })
        .unwrap_or(&NOBODY)
    }

    /// Whether movements are in memory, and must be told of new ones.
    pub fn holds(&self, movement: &Movement) -> bool {
        self.moved.get(movement).is_some_and(|slot| slot.held().is_some())
    }

    /// Movements of these kinds may come, or the source may have them.
    fn may_move(&mut self, kinds: &[MovementKind], of: u32) {
        for kind in kinds {
            let (kind, step) = (*kind, None);
            self.may_move_to(Movement { kind, of, step });
        }
    }

    fn may_move_to(&mut self, movement: Movement) {
        let there = self.source.is_some();
        let slot = self.moved.entry(movement);
        slot.or_insert_with(|| unmoved(there));
    }

    fn read<T>(&self, read: impl FnOnce(&dyn Source) -> Option<T>) -> Option<T> {
        self.grown.store(true, Ordering::Relaxed);
        let found = self.source.as_deref().and_then(read);
        if found.is_none() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// How often something could not be read so far, and counted as if nobody had it.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The number of the next question, from 1 on.
    fn question(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Names of events somebody has, each with the keys of the properties they ever came with, all in order.
    pub fn events_seen(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        let some = |slot: &Slot<Happened>| slot.held().is_none_or(|held| !held.postings.is_empty());
        let seen = self.events.iter().filter(move |(_, slot)| some(slot));
        seen.map(|(name, _)| {
            let keys = self.event_keys.get(name).into_iter().flatten();
            (name.as_str(), keys.map(String::as_str))
        })
    }

    /// After a publication: forgets what was not asked for longest and not lately, until what is held takes no more than that
    /// many bytes. What the followed expressions read again and again stays, whatever it takes.
    pub fn fit(&mut self, bytes: usize) {
        self.published.push_back(self.asked.load(Ordering::Relaxed));
        if self.published.len() < GRACE {
            return;
        }
        let lately = self.published.pop_front().unwrap_or_default();
        if !self.grown.load(Ordering::Relaxed) {
            return;
        }
        let mut taken = self.heap_bytes();
        while taken > bytes {
            let Some((_, freed, kind, key, movement)) = self.longest_unasked(lately) else {
                return;
            };
            match (kind, movement) {
                (Kept::Column, _) => self.columns.get_mut(&key).into_iter().for_each(Slot::let_go),
                (Kept::Events, _) => self.events.get_mut(&key).into_iter().for_each(Slot::let_go),
                (Kept::Sent, _) => self.sent.let_go(),
                (Kept::Past, _) => self.past.get_mut(&key).into_iter().for_each(Slot::let_go),
                (Kept::Moved, of) => {
                    let slot = of.and_then(|of| self.moved.get_mut(&of));
                    slot.into_iter().for_each(Slot::let_go);
                }
            }
            taken = taken.saturating_sub(freed);
        }
        self.grown.store(false, Ordering::Relaxed);
    }

    /// What was not asked for longest, and not after that question.
    fn longest_unasked(&self, before: u64) -> Option<Unasked> {
        let columns = self.columns.iter().filter_map(|(key, slot)| {
            let held = slot.held()?;
            Some((slot.asked(), held.heap_bytes(), Kept::Column, key.as_str(), None))
        });
        let events = self.events.iter().filter_map(|(name, slot)| {
            let held = slot.held()?;
            Some((slot.asked(), held.heap_bytes(), Kept::Events, name.as_str(), None))
        });
        let moved = self.moved.iter().filter_map(|(movement, slot)| {
            let held = slot.held()?;
            Some((
                slot.asked(),
                held.heap_bytes(),
                Kept::Moved,
                "",
                Some(movement.clone()),
            ))
        });
        let sent = self.sent.held().map(|held| {
            let bytes = held.values().map(Postings::heap_bytes).sum();
            (self.sent.asked(), bytes, Kept::Sent, "", None)
        });
        let past = self.past.iter().filter_map(|(key, slot)| {
            let held = slot.held()?;
            Some((slot.asked(), held.heap_bytes(), Kept::Past, key.as_str(), None))
        });
        // Without a source nothing can be read again.
        let more = moved.chain(sent).chain(past).filter(|_| self.source.is_some());
        let (asked, freed, kind, key, movement) = columns.chain(events).chain(more).min()?;
        (asked <= before).then(|| (asked, freed, kind, key.to_owned(), movement))
    }

    /// As [`Rows::apply`], of many at once: [`Rows::settle`] comes after the last.
    pub fn load(&mut self, change: &Change) {
        match change {
            Change::EventAdded(event) => {
                if let Some(happened) = self.happened(event) {
                    let new = happened.posting(event);
                    happened.postings.add(&new);
                }
            }
            Change::Sent {
                contact,
                template,
                at,
                id,
            } => {
                if let Some(sent) = self.sent.held_mut() {
                    entry(sent, template).add(&message(*contact, *at, *id));
                }
            }
            Change::Moved {
                contact,
                moved,
                on: true,
            } => {
                if let Some(postings) = self.moves_held(&moved.movement) {
                    postings.add(&movement(*contact, moved));
                }
            }
            other => self.apply(other),
        }
    }

    /// Brings what was loaded into its order.
    pub fn settle(&mut self) {
        let held = self.events.values_mut().filter_map(Slot::held_mut);
        held.for_each(|events| events.postings.settle(true));
        let sent = self.sent.held_mut().into_iter().flat_map(BTreeMap::values_mut);
        sent.for_each(|sent| sent.settle(true));
        let moved = self.moved.values_mut().filter_map(Slot::held_mut);
        moved.for_each(|moved| moved.settle(true));
    }

    /// Where an event is put, its keys noted; `None` where the source has it to say.
    fn happened(&mut self, event: &Event) -> Option<&mut Happened> {
        let keys = entry(&mut self.event_keys, &event.name);
        for key in event
            .props
            .keys()
            .filter(|key| !keys.contains(*key))
            .collect::<Vec<_>>()
        {
            keys.insert(key.clone());
        }
        held(&mut self.events, &event.name)
    }

    /// Forgets when values were written where a change writes some and nobody follows that: the source says it anew when it is
    /// asked for.
    pub fn outdate(&mut self, changes: &[Change], followed: &BTreeSet<String>) {
        if self.source.is_none() {
            return;
        }
        let outdated = |field: &str| changes.iter().any(|change| writes(change, field));
        for (key, slot) in &mut self.columns {
            if let Some(field) = changed_field(key)
                && slot.held().is_some()
                && !followed.contains(key)
                && outdated(field)
            {
                slot.let_go();
            }
        }
    }

    /// Whether anything of a contact happened at `then` or before.
    pub fn did_anything_by(&self, id: u32, then: Moment) -> bool {
        let events = self.events.keys().map(|name| &self.events(name).postings);
        let mut postings = self.sent().values().chain(events);
        postings.any(|of| of.of(id).iter().next().is_some_and(|first| first.at() <= then))
    }

    pub fn who(&self, id: u32) -> Who<'_> {
        Who { rows: self, id }
    }

    pub fn heap_bytes(&self) -> usize {
        let bits = self
            .tags
            .values()
            .chain(self.permissions.values())
            .chain([&self.contacts, &self.suppressed]);
        bits.map(|bits| bits.serialized_size() + 64).sum::<usize>()
            + self
                .columns
                .values()
                .filter_map(Slot::held)
                .map(Column::heap_bytes)
                .sum::<usize>()
            + self
                .events
                .values()
                .filter_map(Slot::held)
                .map(Happened::heap_bytes)
                .sum::<usize>()
            + self
                .sent
                .held()
                .into_iter()
                .flat_map(BTreeMap::values)
                .map(Postings::heap_bytes)
                .sum::<usize>()
            + self
                .past
                .values()
                .filter_map(Slot::held)
                .map(Postings::heap_bytes)
                .sum::<usize>()
            + self
                .moved
                .values()
                .filter_map(Slot::held)
                .map(Postings::heap_bytes)
                .sum::<usize>()
    }

    /// How many fields and names of events are held, and how many there are.
    pub fn loaded(&self) -> (usize, usize) {
        let held = self.columns.values().filter(|slot| slot.held().is_some()).count()
            + self.events.values().filter(|slot| slot.held().is_some()).count();
        (held, self.columns.len() + self.events.len())
    }
}

impl Happened {
    fn posting(&mut self, event: &Event) -> New {
        New {
            contact: event.contact.0,
            at: event.at,
            id: event.id.0,
            props: self.symbols.pack(&event.props),
        }
    }

    /// The events whose properties pass each test.
    pub fn passing(&self, props: &[PropMatch]) -> Passing<'_> {
        match props {
            [] => Passing::all(),
            props => self.postings.passing(self.symbols.tests(props)),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.postings.heap_bytes() + self.symbols.heap_bytes()
    }
}

/// What is held of a name: made if nobody has heard of it, `None` if it is unread.
fn held<'a, T: Default>(map: &'a mut BTreeMap<String, Slot<T>>, name: &str) -> Option<&'a mut T> {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), Slot::of(T::default()));
    }
    map.get_mut(name)?.held_mut()
}

/// Whether a change writes values of a field.
fn writes(change: &Change, field: &str) -> bool {
    match change {
        Change::FieldSet { key, .. } => key == field,
        Change::ContactAdded { fields, .. } => fields.iter().any(|(key, _)| **key == *field),
        _ => false,
    }
}

/// The entry of a name, made if it is missing; the name is copied only then.
fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name)
        .unwrap_or_else(|| unreachable!("inserted above"))
}

fn message(contact: ContactId, at: Moment, id: MessageId) -> New {
    New {
        contact: contact.0,
        at,
        id: id.0,
        props: Vec::new(),
    }
}

/// Nobody has moved, as far as memory knows; `there`: the source has it to say.
fn unmoved(there: bool) -> Slot<Postings> {
    match there {
        true => Slot::unread(),
        false => Slot::of(Postings::default()),
    }
}

fn movement(contact: ContactId, moved: &Moved) -> New {
    New {
        contact: contact.0,
        at: moved.at,
        id: moved.number,
        props: Vec::new(),
    }
}
