//! Bytes of chunks: what is whole is read, and no bytes break the reader. That chunks say what rows say, the histories
//! show (`history::shelf`).

use super::*;
use crate::record::Verdict;

fn events_of(people: &[ContactRecord]) -> Vec<Event> {
    people.iter().flat_map(|who| who.events.iter().cloned()).collect()
}

/// Each kind of chunk of some people, with what reads it.
type Kind = (Vec<u8>, fn(Vec<u8>) -> bool);

fn kinds(people: &[ContactRecord]) -> [Kind; 5] {
    let mut bits = ContactBits::default();
    for who in people {
        bits.contacts.insert(who.id);
        for tag in &who.tags {
            bits.tags.entry(tag.clone()).or_default().insert(who.id);
        }
    }
    let city = |who: &ContactRecord| Some((who.contact(), who.fields.get("city")?.clone()));
    let segment = SegmentId(1);
    let rows =
        people
            .iter()
            .flat_map(rows_of)
            .chain([saved(1, "Lately", reads("did order in the last 30 days"))]);
    let index = Index::open(ZONE, epoch(), rows);
    let memberships = index.membership(segment).expect("it is followed");
    let verdicts = index.memberships[&segment]
        .turns
        .by_contact()
        .into_iter()
        .map(|(contact, until)| {
            let verdict = Verdict {
                holds: contact % 2 == 0,
                until: Some(until),
            };
            ((segment, contact), verdict)
        });
    let verdicts: Vec<_> = verdicts.collect();
    let verdicts = VerdictChunk::of(verdicts.iter().map(|(key, verdict)| (key, verdict)));
    let cities: Vec<_> = people.iter().filter_map(city).collect();
    [
        (EventChunk::of(&events_of(people)).bytes().to_vec(), |bytes| {
            EventChunk::read(bytes).is_some()
        }),
        (ColumnChunk::of(&cities).bytes().to_vec(), |bytes| {
            ColumnChunk::read(bytes).is_some()
        }),
        (memberships.bytes().to_vec(), |bytes| {
            MembershipChunk::read(bytes).is_some()
        }),
        (verdicts.bytes().to_vec(), |bytes| {
            VerdictChunk::read(bytes).is_some()
        }),
        (ContactChunk::of(&bits).bytes().to_vec(), |bytes| {
            ContactChunk::read(bytes).is_some()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_chunk_with_any_byte_changed_is_refused(people in people(), place in any::<prop::sample::Index>(), by in 1u8..) {
        for (mut bytes, is_whole) in kinds(&people) {
            prop_assert!(is_whole(bytes.clone()));
            let place = place.index(bytes.len());
            bytes[place] ^= by;
            prop_assert!(!is_whole(bytes));
        }
    }
}

#[test]
fn bytes_that_are_too_few_are_no_chunk() {
    for (whole, is_whole) in kinds(&[]) {
        for end in 0..whole.len() {
            assert!(!is_whole(whole[..end].to_vec()), "{end}");
        }
        assert!(is_whole(whole));
    }
}
