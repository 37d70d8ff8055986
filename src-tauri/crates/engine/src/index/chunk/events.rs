//! Neighbouring events of one name.

use super::{inside, is_whole, read_text, sealed, write_bytes};
use crate::index::packed::{Packed, Props, Symbols, unzigzag, write, write_number, zigzag};
use crate::index::rows::Happened;
use carillon_model::event::Event;

/// Of the layout described here: texts by number, then the events by contact and moment, so that those of one page of
/// postings come together.
const LAYOUT: u8 = 2;

/// Events of one name in the bytes of a file. What no clause can ask (source, arrival) is not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventChunk(Vec<u8>);

impl EventChunk {
    /// The chunk of some events of one name, in any order.
    pub fn of(events: &[Event]) -> EventChunk {
        let mut symbols = Symbols::default();
        let mut sorted: Vec<&Event> = events.iter().collect();
        sorted.sort_by_key(|event| (event.contact, event.at, event.id));
        let mut group = Vec::new();
        write_number(&mut group, sorted.len() as u64);
        let (mut contact, mut millis, mut id) = (0, 0, 0);
        for event in sorted {
            let at = event.at.timestamp_millis();
            write_number(&mut group, u64::from(event.contact.0 - contact));
            write_number(&mut group, zigzag(at.wrapping_sub(millis)));
            write_number(&mut group, zigzag(event.id.0.wrapping_sub(id)));
            write_bytes(&mut group, &symbols.pack(&event.props));
            (contact, millis, id) = (event.contact.0, at, event.id.0);
        }
        let mut out = vec![LAYOUT];
        write_number(&mut out, symbols.texts().count() as u64);
        for text in symbols.texts() {
            write_bytes(&mut out, text.as_bytes());
        }
        out.append(&mut group);
        EventChunk(sealed(out))
    }

    /// The chunk whose [`EventChunk::bytes`] these are; `None` if they are damaged or of another layout.
    pub fn read(bytes: Vec<u8>) -> Option<EventChunk> {
        is_whole(&bytes, LAYOUT).then_some(EventChunk(bytes))
    }

    /// What to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Happened {
    /// Adds each of its events. `None`, and nothing of the rest, if it is no chunk after all.
    pub fn load_chunk(&mut self, chunk: &EventChunk) -> Option<()> {
        let mut rest = inside(&chunk.0)?;
        let mut numbers = Vec::new();
        for _ in 0..rest.number()? {
            numbers.push(self.symbols.enter(read_text(&mut rest)?));
        }
        let mut props = Vec::new();
        let (mut contact, mut millis, mut id) = (0u32, 0i64, 0i64);
        for _ in 0..rest.number()? {
            contact = contact.checked_add(u32::try_from(rest.number()?).ok()?)?;
            millis = millis.wrapping_add(unzigzag(rest.number()?));
            id = id.wrapping_add(unzigzag(rest.number()?));
            let length = usize::try_from(rest.number()?).ok()?;
            props.clear();
            renumber(Props(rest.bytes(length)?), &numbers, &mut props)?;
            self.postings.add_packed(contact, millis, id, &props);
        }
        rest.0.is_empty().then_some(())
    }
}

/// Properties with the symbols of the postings in place of those of the chunk.
fn renumber(props: Props<'_>, numbers: &[u32], out: &mut Vec<u8>) -> Option<()> {
    for (key, value) in props {
        let key = *numbers.get(key as usize)?;
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
            let chunk = EventChunk::read(sealed(bytes)).expect("its hash is right");
            let mut happened = Happened::default();
            // Whether it can be read does not matter here.
            let _ = happened.load_chunk(&chunk);
            happened.postings.settle(true);
        }
    }
}
