//! A file as a source: some of it as chunks, the rest row by row.

use super::*;
use crate::record::{Past, Turned};
use std::sync::{Arc, Mutex, PoisonError};

/// The file as it was last committed.
#[derive(Clone, Debug)]
pub struct Shelf(Arc<Mutex<File>>);

/// Of whom there are chunks.
const IN_CHUNKS: u32 = 2;

impl Shelf {
    pub fn of(file: &File) -> Shelf {
        Shelf(Arc::new(Mutex::new(file.clone())))
    }

    pub fn put(&self, file: &File) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = file.clone();
    }

    fn file(&self) -> File {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The index of the file, of which fields and events are read later.
    pub fn open(&self) -> Index {
        self.open_with(Vec::new())
    }

    /// And of what more the file keeps.
    pub fn open_with(&self, more: Vec<Loading>) -> Index {
        let file = self.file();
        let (mut bits, mut keys, mut names) = (ContactBits::default(), BTreeSet::new(), BTreeMap::new());
        let mut rows = Vec::new();
        for (id, who) in &file.contacts {
            keys.extend(who.record.fields.keys().cloned());
            for event in &who.record.events {
                let of_name: &mut BTreeSet<String> = names.entry(event.name.clone()).or_default();
                of_name.extend(event.props.keys().cloned());
            }
            if *id < IN_CHUNKS {
                put(&mut bits, *id, who);
            }
            if *id == 1 {
                bits.suppressed ^= RoaringBitmap::from([1]);
                for tag in TAGS {
                    *bits.tags.entry((*tag).to_owned()).or_default() ^= RoaringBitmap::from([1]);
                }
                bits.permissions
                    .values_mut()
                    .for_each(|granted| *granted ^= RoaringBitmap::from([1]));
            }
        }
        let chunk = ContactChunk::of(&bits).bytes().to_vec();
        rows.push(Loading::Contacts(
            ContactChunk::read(chunk).expect("it was just made"),
        ));
        for (id, who) in &file.contacts {
            // One stands in the chunk as they were once, and comes again row by row.
            if *id > 0 {
                rows.push(Loading::Anew(ContactId(*id)));
                let kept = |row: &Change| {
                    !matches!(
                        row,
                        Change::EventAdded(_)
                            | Change::Sent { .. }
                            | Change::Moved { .. }
                            | Change::ScoreTurned { .. }
                            | Change::ContactAdded { .. }
                            | Change::SuppressedSet { on: false, .. }
                    )
                };
                rows.extend(rows_of(&who.record).into_iter().filter(kept).map(Loading::from));
                if who.exists {
                    rows.push(added(*id).into());
                }
            }
        }
        rows.extend(keys.into_iter().map(Loading::Column));
        rows.extend(names.into_iter().map(|(name, keys)| Loading::Events {
            name,
            keys: keys.into_iter().collect(),
        }));
        let definitions = File {
            contacts: BTreeMap::new(),
            ..file.clone()
        };
        let rows = rows
            .into_iter()
            .chain(definitions.rows().into_iter().map(Loading::from))
            .chain(more);
        Index::open_from(Some(Arc::new(self.clone())), file.zone, file.as_of, rows)
    }
}

fn put(bits: &mut ContactBits, id: u32, who: &After) {
    if who.exists {
        bits.contacts.insert(id);
    }
    if who.record.suppressed {
        bits.suppressed.insert(id);
    }
    for ((channel, purpose), basis) in &who.record.permissions {
        let key = (*channel, *purpose, *basis);
        bits.permissions.entry(key).or_default().insert(id);
    }
    for tag in &who.record.tags {
        bits.tags.entry(tag.clone()).or_default().insert(id);
    }
}

impl Source for Shelf {
    fn column(&self, key: &str, give: &mut dyn FnMut(ColumnPart) -> bool) -> bool {
        let file = self.file();
        let value = |who: &After| who.record.fields.get(key).cloned();
        let of_chunks = file.contacts.iter().filter(|(id, _)| **id < IN_CHUNKS);
        // The first one's value stands in the chunk as somebody else has it, and comes after it.
        let somebody = file.contacts.values().rev().find_map(value);
        let values: Vec<(ContactId, Value)> = of_chunks
            .filter_map(|(id, who)| {
                let value = if *id == 0 { somebody.clone() } else { value(who) };
                Some((ContactId(*id), value?))
            })
            .collect();
        let chunk = ColumnChunk::of(&values).bytes().to_vec();
        assert!(give(ColumnPart::Chunk(
            ColumnChunk::read(chunk).expect("it was just made")
        )));
        let mut rest = file
            .contacts
            .iter()
            .filter(|(id, _)| **id == 0 || **id >= IN_CHUNKS);
        rest.all(|(id, who)| give(ColumnPart::Value(ContactId(*id), value(who))))
    }

    fn events(&self, name: &str, give: &mut dyn FnMut(EventPart) -> bool) -> bool {
        let file = self.file();
        let all = file.contacts.values().flat_map(|who| &who.record.events);
        let (chunk, rows): (Vec<Event>, Vec<Event>) = all
            .filter(|event| event.name == name)
            .cloned()
            .partition(|event| event.contact.0 < IN_CHUNKS);
        let chunk = EventChunk::of(&chunk).bytes().to_vec();
        assert!(give(EventPart::Chunk(
            EventChunk::read(chunk).expect("it was just made")
        )));
        rows.into_iter().all(|event| give(EventPart::Event(event)))
    }

    fn sent(&self, give: &mut dyn FnMut(ContactId, &str, Moment, MessageId)) -> bool {
        for (id, who) in &self.file().contacts {
            for sent in &who.record.sent {
                give(ContactId(*id), &sent.template, sent.at, sent.id);
            }
        }
        true
    }

    fn turned(&self, key: &str, give: &mut dyn FnMut(ContactId, Turned)) -> bool {
        for (id, who) in &self.file().contacts {
            for (at, points) in who.record.past.get(key).into_iter().flat_map(Past::iter) {
                let before = None;
                give(ContactId(*id), Turned { at, before, points });
            }
        }
        true
    }

    fn moved(&self, movement: &Movement, give: &mut dyn FnMut(ContactId, Moment, i64)) -> bool {
        for (id, who) in &self.file().contacts {
            for moved in who
                .record
                .moved
                .iter()
                .filter(|moved| moved.movement == *movement)
            {
                give(ContactId(*id), moved.at, moved.number);
            }
        }
        true
    }
}
