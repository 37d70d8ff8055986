//! What an index reads when it is first asked for: the file it was opened from, a field or a name of events at a time.
//!
//! Whoever opens an index says which there are; what nobody asks for costs nothing. What is not held takes no changes
//! either: the file has them by the time they are published, and all of them (a field set, an event added or taken back)
//! say again what it says already when something is read a little later.

use super::chunk::EventChunk;
use super::column::ColumnChunk;
use crate::record::{Movement, Turned};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::{ContactId, MessageId, Moment};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A piece of a field.
#[derive(Debug)]
pub enum ColumnPart {
    Chunk(ColumnChunk),
    /// A single value, which stands over what was given before.
    Value(ContactId, Option<Value>),
}

/// A piece of the events of one name.
#[derive(Debug)]
pub enum EventPart {
    Chunk(EventChunk),
    Event(Event),
}

/// The file behind an index. It is at least as new as the index at each moment.
pub trait Source: Send + Sync + Debug {
    /// Gives all values of a field; `give` says whether it could take the piece. Where that was a chunk and it could not,
    /// what stood in it is given by single values. `false`: the file could not be read, and not all was given.
    fn column(&self, key: &str, give: &mut dyn FnMut(ColumnPart) -> bool) -> bool;

    /// Gives all events of a name, in the same way.
    fn events(&self, name: &str, give: &mut dyn FnMut(EventPart) -> bool) -> bool;

    /// Gives all accepted messages: whose, of which template, when, and their number.
    fn sent(&self, give: &mut dyn FnMut(ContactId, &str, Moment, MessageId)) -> bool;

    /// Gives all movements of one kind into or out of one segment, journey or step: whose, when, and the number that tells two of
    /// one moment apart. Those of contacts that are gone may be among them.
    fn moved(&self, movement: &Movement, give: &mut dyn FnMut(ContactId, Moment, i64)) -> bool;

    /// Gives all changes of the score that writes a field, contact by contact, each one's in the order in which they came. None
    /// where no score does.
    fn turned(&self, key: &str, give: &mut dyn FnMut(ContactId, Turned)) -> bool;
}

/// Something of the source, held from when it is first asked for.
#[derive(Debug)]
pub(super) struct Slot<T> {
    held: OnceLock<T>,
    /// Whoever reads the source; the others wait, and have it then.
    reading: Mutex<()>,
    /// When it was last asked for, counted in questions; 0 for never.
    asked: AtomicU64,
}

impl<T> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot::unread()
    }
}

impl<T> Slot<T> {
    /// Held already.
    pub fn of(value: T) -> Slot<T> {
        let slot = Slot::unread();
        slot.held.set(value).ok();
        slot
    }

    pub fn unread() -> Slot<T> {
        Slot {
            held: OnceLock::new(),
            reading: Mutex::new(()),
            asked: AtomicU64::new(0),
        }
    }

    /// What it holds, read first if need be; `None` if that failed, and it is tried again the next time.
    pub fn get(&self, question: u64, read: impl FnOnce() -> Option<T>) -> Option<&T> {
        self.asked.store(question, Ordering::Relaxed);
        if let Some(held) = self.held.get() {
            return Some(held);
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if self.held.get().is_none() {
            self.held.set(read()?).ok();
        }
        self.held.get()
    }

    /// What it holds without reading.
    pub fn held(&self) -> Option<&T> {
        self.held.get()
    }

    pub fn held_mut(&mut self) -> Option<&mut T> {
        self.held.get_mut()
    }

    /// Forgets what it held; it is read again when somebody asks.
    pub fn let_go(&mut self) {
        self.held.take();
    }

    /// The last question it was asked by, 0 where nobody did.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}
