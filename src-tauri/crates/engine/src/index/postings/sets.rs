//! Properties that events of a name share: what one came with, most came with before.

use crate::index::packed::Props;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// Most of one name, and most bytes of them. Where there are more, hardly two events share any, and a page keeps its own.
const MOST: usize = if cfg!(test) { 5 } else { u16::MAX as usize };
const MOST_BYTES: usize = 1 << 22;

/// Properties by a number of two bytes, which is kept as long as they are. Number 0 is of none.
#[derive(Clone, Debug, Default)]
pub(in crate::index) struct Sets {
    /// Where those of each number from 1 on end in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// Only looked up, never walked.
    numbers: HashTable<u16>,
    hasher: RandomState,
}

/// Properties on their way into a page.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) enum Entered<'p> {
    Shared(u16),
    Own(&'p [u8]),
}

impl<'p> Entered<'p> {
    /// The properties themselves.
    pub fn bytes(self, sets: &'p Sets) -> &'p [u8] {
        match self {
            Entered::Shared(number) => sets.of(number),
            Entered::Own(props) => props,
        }
    }
}

impl Sets {
    /// The properties of a number that was given.
    pub fn of(&self, number: u16) -> &[u8] {
        let place = usize::from(number);
        let end = |place: usize| {
            place
                .checked_sub(1)
                .map_or(0, |before| self.ends[before] as usize)
        };
        match place {
            0 => &[],
            _ => &self.bytes[end(place - 1)..end(place)],
        }
    }

    /// All of them in order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = Props<'_>> {
        (0..=self.ends.len()).map(|number| Props(self.of(number as u16)))
    }

    /// The number of properties, a new one if they were never seen; themselves, if there are no more numbers.
    pub fn enter<'p>(&mut self, props: &'p [u8]) -> Entered<'p> {
        if props.is_empty() {
            return Entered::Shared(0);
        }
        if self.ends.len() >= MOST || self.bytes.len() + props.len() > MOST_BYTES {
            return Entered::Own(props);
        }
        let hash = self.hasher.hash_one(props);
        if let Some(known) = self.numbers.find(hash, |known| self.of(*known) == props) {
            return Entered::Shared(*known);
        }
        self.bytes.extend_from_slice(props);
        self.ends.push(self.bytes.len() as u32);
        let number = self.ends.len() as u16;
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.insert_unique(hash, number, |known| self.hasher.hash_one(self.of(*known)));
        self.numbers = numbers;
        Entered::Shared(number)
    }

    pub fn heap_bytes(&self) -> usize {
        self.ends.capacity() * size_of::<u32>() + self.bytes.capacity() + self.numbers.capacity() * 3
    }
}
