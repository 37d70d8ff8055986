//! Neighbouring events of one name.

use super::{inside, is_whole, read_text, sealed, write_bytes};
use crate::index::packed::{Packed, Props, Symbols, unzigzag, write, write_number, zigzag};
use crate::index::postings::Entered;
use crate::index::rows::Happened;
use carillon_model::event::Event;
use std::collections::HashMap;
use std::ops::Range;

/// Of the layout described here: texts by number, then the properties that one or more events came with, by number, then the
/// events by contact and moment, so that those of one page of postings come together.
const LAYOUT: u8 = 3;

/// Events of one name in the bytes of a file. What no clause can ask (source, arrival) is not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventChunk(Vec<u8>);

impl EventChunk {
    /// The chunk of some events of one name, in any order.
    pub fn of(events: &[Event]) -> EventChunk {
        let mut symbols = Symbols::default();
        let mut sorted: Vec<&Event> = events.iter().collect();
        sorted.sort_by_key(|event| (event.contact, event.at, event.id));
        // Only looked up, never walked.
        let mut numbers: HashMap<Vec<u8>, u64> = HashMap::new();
        let (mut sets, mut group) = (Vec::new(), Vec::new());
        write_number(&mut group, sorted.len() as u64);
        let (mut contact, mut millis, mut id) = (0, 0, 0);
        for event in sorted {
            let at = event.at.timestamp_millis();
            write_number(&mut group, u64::from(event.contact.0 - contact));
            write_number(&mut group, zigzag(at.wrapping_sub(millis)));
            write_number(&mut group, zigzag(event.id.0.wrapping_sub(id)));
            let next = numbers.len() as u64;
            let number = numbers.entry(symbols.pack(&event.props));
            let number = number.or_insert_with_key(|props| {
                write_bytes(&mut sets, props);
                next
            });
            write_number(&mut group, *number);
            (contact, millis, id) = (event.contact.0, at, event.id.0);
        }
        let mut out = vec![LAYOUT];
        write_number(&mut out, symbols.texts().count() as u64);
        for text in symbols.texts() {
            write_bytes(&mut out, text.as_bytes());
        }
        write_number(&mut out, numbers.len() as u64);
        out.append(&mut sets);
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
        // Those without a number among the postings, one after another.
        let mut own = Vec::new();
        let mut sets = Vec::new();
        for _ in 0..rest.number()? {
            let length = usize::try_from(rest.number()?).ok()?;
            let start = own.len();
            renumber(Props(rest.bytes(length)?), &numbers, &mut own)?;
            sets.push(match self.postings.enter(&own[start..]) {
                Entered::Shared(number) => {
                    own.truncate(start);
                    Set::Shared(number)
                }
                Entered::Own(_) => Set::Own(start..own.len()),
            });
        }
        let (mut contact, mut millis, mut id) = (0u32, 0i64, 0i64);
        for _ in 0..rest.number()? {
            contact = contact.checked_add(u32::try_from(rest.number()?).ok()?)?;
            millis = millis.wrapping_add(unzigzag(rest.number()?));
            id = id.wrapping_add(unzigzag(rest.number()?));
            let props = match sets.get(usize::try_from(rest.number()?).ok()?)? {
                Set::Shared(number) => Entered::Shared(*number),
                Set::Own(range) => Entered::Own(&own[range.clone()]),
            };
            self.postings.add_entered(contact, millis, id, props);
        }
        rest.0.is_empty().then_some(())
    }
}

/// Properties of a chunk: their number among the postings, or where they stand.
enum Set {
    Shared(u16),
    Own(Range<usize>),
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
    use crate::index::postings::Run;
    use crate::segment::arbitrary::event;
    use carillon_model::event::Prop;
    use carillon_model::{ContactId, EventId};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Each event as the index has it.
    fn all(happened: &Happened) -> Vec<(u32, i64, i64, BTreeMap<String, Prop>)> {
        let Happened { postings, symbols } = happened;
        let of_run = |run: Run<'_>| {
            let contact = run.contact;
            let each = run
                .iter()
                .map(move |p| (contact, p.millis(), p.id(), symbols.unpack(p.props())));
            each.collect::<Vec<_>>()
        };
        postings.by_contact().flat_map(of_run).collect()
    }

    proptest! {
        /// More properties than get numbers, in parts that number them differently.
        #[test]
        fn chunks_say_of_each_event_what_it_came_with(
            events in prop::collection::vec((0u32..600).prop_flat_map(|contact| event(ContactId(contact))), 0..40),
            parts in 1usize..4,
        ) {
            let number = |(n, event): (usize, Event)| Event { id: EventId(n as i64), ..event };
            let events: Vec<Event> = events.into_iter().enumerate().map(number).collect();
            let mut happened = Happened::default();
            for part in events.chunks(events.len() / parts + 1) {
                happened.load_chunk(&EventChunk::of(part)).expect("it was just made");
            }
            happened.postings.settle(true);
            let mut wanted: Vec<_> = events
                .into_iter()
                .map(|event| (event.contact.0, event.at.timestamp_millis(), event.id.0, event.props))
                .collect();
            wanted.sort_by_key(|event| (event.0, event.1, event.2));
            prop_assert_eq!(all(&happened), wanted);
        }

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
