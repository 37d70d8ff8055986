//! Events that come as chunks are the events that come as rows, and no bytes break the reader.

use super::*;

fn events_of(people: &[ContactRecord]) -> Vec<Event> {
    let mut events: Vec<Event> = people.iter().flat_map(|who| who.events.iter().cloned()).collect();
    // In the order of the table: by time of arrival, not by person.
    events.sort_by_key(|event| (event.id.0, event.at));
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_index_of_chunks_is_the_index_of_rows(people in people(), split in 0usize..40, expr in expr(), now in moment()) {
        let all = people.iter().flat_map(rows_of);
        let (events, others): (Vec<Change>, Vec<Change>) =
            all.partition(|change| matches!(change, Change::EventAdded(_)));
        let rows = events_of(&people);
        let (first, second) = rows.split_at(split.min(rows.len()));
        let chunk = |events: &[Event]| {
            let chunk = EventChunk::of(events);
            EventChunk::read(chunk.bytes().to_vec()).expect("it was just made")
        };
        // Those of the second half twice: what is loaded again is there once.
        let chunks = [chunk(first), chunk(second)].map(Loading::Events);
        let again = second.iter().cloned().map(|event| Change::EventAdded(event).into());
        let of_chunks = Index::open(ZONE, now, others.iter().cloned().map(Loading::from).chain(chunks).chain(again));
        let of_rows = Index::open(ZONE, now, others.into_iter().chain(events));
        for who in &people {
            prop_assert_eq!(of_chunks.record(who.contact()), of_rows.record(who.contact()));
        }
        prop_assert_eq!(of_chunks.members(&expr, now), of_rows.members(&expr, now), "{}", print(&expr));
        let seen = |index: &Index| index.events_seen().map(|(name, keys)| (name.to_owned(), keys.join(" "))).collect::<Vec<_>>();
        prop_assert_eq!(seen(&of_chunks), seen(&of_rows));
    }

    #[test]
    fn a_chunk_with_any_byte_changed_is_refused(people in people(), place in any::<prop::sample::Index>(), by in 1u8..) {
        let mut bytes = EventChunk::of(&events_of(&people)).bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= by;
        prop_assert_eq!(EventChunk::read(bytes), None);
    }
}

#[test]
fn bytes_that_are_too_few_are_no_chunk() {
    let whole = EventChunk::of(&[]).bytes().to_vec();
    for end in 0..whole.len() {
        assert_eq!(EventChunk::read(whole[..end].to_vec()), None, "{end}");
    }
    assert!(EventChunk::read(whole).is_some());
}
