//! Digests say who is like whom exactly as records do.

use super::*;
use crate::segment::Needs;

/// The contact with one part of what is known of another.
fn with_part(who: &ContactRecord, other: &ContactRecord, part: usize, id: u32) -> ContactRecord {
    let (mut mixed, other) = (who.clone(), other.clone());
    match part {
        0 => mixed.fields = other.fields,
        1 => mixed.tags = other.tags,
        2 => mixed.events = other.events,
        3 => mixed.sent = other.sent,
        4 => mixed.moved = other.moved,
        5 => mixed.past = other.past,
        6 => mixed.permissions = other.permissions,
        7 => mixed.suppressed = other.suppressed,
        8 => mixed.events.reverse(),
        9 => mixed.events.iter_mut().for_each(|event| event.props.clear()),
        _ => {}
    }
    mixed.id = id;
    // Of one moment, in the order in which they stand.
    for (event, number) in mixed.events.iter_mut().zip(i64::from(id) * 100..) {
        event.id = carillon_model::EventId(number);
        event.contact = ContactId(id);
    }
    mixed.events.sort_by_key(|event| (event.at, event.id));
    mixed
}

/// What a record says beside who the contact is.
fn said(record: &ContactRecord) -> ContactRecord {
    let mut said = record.clone();
    said.id = 0;
    for event in &mut said.events {
        event.id = carillon_model::EventId(0);
        event.contact = ContactId(0);
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn two_have_one_digest_exactly_where_their_records_say_the_same(
        one in record(ContactId(1)), other in record(ContactId(2)), expr in expr(), now in moment()
    ) {
        let people: Vec<ContactRecord> = (0..=10).map(|part| with_part(&one, &other, part, 100 + part as u32)).collect();
        let rows = people.iter().flat_map(rows_of);
        let index = Index::open(ZONE, now, rows.chain(journeys()));
        let asked = Needs::of(&expr, &index.scope().segments);
        let mut all = Needs::everything();
        all.merge(&asked);
        for needs in [asked, all] {
            let records = index.records(&needs);
            let known: Vec<(ContactRecord, u128)> = people
                .iter()
                .map(|who| (records.of(who.contact()).expect("a contact"), records.digest(who.contact()).expect("a contact")))
                .collect();
            for (one, its) in &known {
                for (other, others) in &known {
                    prop_assert_eq!(said(one) == said(other), its == others, "{:?} and {:?}", one, other);
                }
            }
            prop_assert!(records.of(ContactId(1)).is_none() && records.digest(ContactId(1)).is_none());
        }
    }
}
