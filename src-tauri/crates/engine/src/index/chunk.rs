//! Neighbouring events of a file as bytes, which load in a fraction of the time their rows take.
//!
//! A chunk is derived: whoever keeps it throws it away when one of its rows changes. Its events stand sorted by name,
//! contact and moment, so that those of one page of postings come together. All numbers are LEB128, differences from
//! the event before are zigzag coded; the last eight bytes are SipHash-2-4 (key 0) of all before them.

use super::packed::{Packed, Props, Symbols, unzigzag, write, write_number, zigzag};
use super::rows::Rows;
use carillon_model::event::Event;
use siphasher::sip::SipHasher24;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

/// Of the layout described here.
const LAYOUT: u8 = 1;
const HASH_BYTES: usize = 8;

/// Events in the bytes of a file. What no clause can ask (source, arrival) is not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventChunk(Vec<u8>);

impl EventChunk {
    /// The chunk of some events, in any order.
    pub fn of(events: &[Event]) -> EventChunk {
        let mut symbols = Symbols::default();
        let mut names: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in events {
            names.entry(&event.name).or_default().push(event);
        }
        let mut groups = Vec::new();
        for (name, mut of_name) in names {
            of_name.sort_by_key(|event| (event.contact, event.at, event.id));
            write_text(&mut groups, name);
            write_group(&mut groups, &of_name, &mut symbols);
        }
        let mut out = vec![LAYOUT];
        write_number(&mut out, symbols.texts().count() as u64);
        for text in symbols.texts() {
            write_text(&mut out, text);
        }
        out.append(&mut groups);
        let hash = hash(&out);
        out.extend_from_slice(&hash);
        EventChunk(out)
    }

    /// The chunk whose [`EventChunk::bytes`] these are; `None` if they are damaged or of another layout.
    pub fn read(bytes: Vec<u8>) -> Option<EventChunk> {
        let (text, end) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        (text.first() == Some(&LAYOUT) && end == hash(text)).then_some(EventChunk(bytes))
    }

    /// What to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn hash(bytes: &[u8]) -> [u8; HASH_BYTES] {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn write_group(out: &mut Vec<u8>, events: &[&Event], symbols: &mut Symbols) {
    write_number(out, events.len() as u64);
    let (mut contact, mut millis, mut id) = (0, 0, 0);
    for event in events {
        let at = event.at.timestamp_millis();
        write_number(out, u64::from(event.contact.0 - contact));
        write_number(out, zigzag(at.wrapping_sub(millis)));
        write_number(out, zigzag(event.id.0.wrapping_sub(id)));
        let props = symbols.pack(&event.props);
        write_number(out, props.len() as u64);
        out.extend_from_slice(&props);
        (contact, millis, id) = (event.contact.0, at, event.id.0);
    }
}

impl Rows {
    /// As [`Rows::load`] of each of its events. `None`, and nothing of the rest, if it is no chunk after all.
    pub fn load_chunk(&mut self, chunk: &EventChunk) -> Option<()> {
        let text = chunk.0.get(1..chunk.0.len().checked_sub(HASH_BYTES)?)?;
        let mut rest = Props(text);
        let symbols = rest.number()?;
        let mut numbers = Vec::new();
        for _ in 0..symbols {
            let text = read_text(&mut rest)?;
            numbers.push(self.symbols.enter(text));
        }
        let mut props = Vec::new();
        while !rest.0.is_empty() {
            let name = read_text(&mut rest)?;
            let mut keys = self.event_keys.remove(name).unwrap_or_default();
            let mut postings = self.events.remove(name).unwrap_or_default();
            let (mut contact, mut millis, mut id) = (0u32, 0i64, 0i64);
            for _ in 0..rest.number()? {
                contact = contact.checked_add(u32::try_from(rest.number()?).ok()?)?;
                millis = millis.wrapping_add(unzigzag(rest.number()?));
                id = id.wrapping_add(unzigzag(rest.number()?));
                let length = usize::try_from(rest.number()?).ok()?;
                props.clear();
                renumber(Props(rest.bytes(length)?), &numbers, &mut props, &mut keys)?;
                postings.add_packed(contact, millis, id, &props);
            }
            self.event_keys.insert(name.to_owned(), keys);
            self.events.insert(name.to_owned(), postings);
        }
        Some(())
    }
}

fn read_text<'c>(rest: &mut Props<'c>) -> Option<&'c str> {
    let length = usize::try_from(rest.number()?).ok()?;
    std::str::from_utf8(rest.bytes(length)?).ok()
}

/// Properties with the symbols of the index in place of those of the chunk.
fn renumber(props: Props<'_>, numbers: &[u32], out: &mut Vec<u8>, keys: &mut BTreeSet<u32>) -> Option<()> {
    for (key, value) in props {
        let key = *numbers.get(key as usize)?;
        keys.insert(key);
        let value = match value {
            Packed::Text(symbol) => Packed::Text(*numbers.get(symbol as usize)?),
            other => other,
        };
        write(out, key, value);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_of_anybody_with_the_right_hash_break_nothing(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = vec![LAYOUT];
            bytes.extend_from_slice(&text);
            let hash = hash(&bytes);
            bytes.extend_from_slice(&hash);
            let chunk = EventChunk::read(bytes).expect("its hash is right");
            let mut rows = Rows::default();
            // Whether it can be read does not matter here.
            let _ = rows.load_chunk(&chunk);
            rows.settle();
        }
    }
}
