//! What the index is told of contacts where the file has chunks of them.

use super::fixtures::{Place, again, day, field, fresh, ids, said, write};
use crate::contacts::{Columns, NewContact, add_tag, delete, insert_batch, set_field};
use crate::{Error, Store, consents, fields, segments, suppressions};
use carillon_engine::segment::parse;
use carillon_model::consent::{ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{Currency, FieldType, Money, Value};
use carillon_model::{ContactId, SegmentId};
use chrono::TimeDelta;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::time::Duration;

/// A few more than one part holds.
const CONTACTS: u32 = 65_600;
const SECRET: &str = "Allegra Winterstein";

const FIELDS: [(&str, FieldType, &[&str]); 8] = [
    ("a_text", FieldType::Text, &[]),
    ("a_number", FieldType::Number, &[]),
    ("a_money", FieldType::Money, &[]),
    ("a_yes_no", FieldType::YesNo, &[]),
    ("a_choice", FieldType::Choice, &["x", "y"]),
    ("a_multi", FieldType::MultiChoice, &["x", "y"]),
    ("a_date", FieldType::Date, &[]),
    ("a_moment", FieldType::DateTime, &[]),
];

/// What the contact of a number has in the fields above; every seventh has nothing.
fn values(n: u32) -> Vec<Option<Value>> {
    let number = f64::from(n % 100);
    let option = if n.is_multiple_of(2) { "x" } else { "y" }.to_owned();
    let money = Money {
        minor: i64::from(n % 1_000),
        currency: Currency(*b"EUR"),
    };
    let all = [
        Value::Text(if n == 5 {
            SECRET.to_owned()
        } else {
            format!("text {}", n % 50)
        }),
        Value::Number(number),
        Value::Money(money),
        Value::YesNo(n.is_multiple_of(3)),
        Value::Choice(option.clone()),
        Value::MultiChoice(BTreeSet::from([option])),
        Value::Date(day(i64::from(n % 40)).date_naive()),
        Value::DateTime(day(i64::from(n % 40))),
    ];
    all.into_iter()
        .map(|value| (!n.is_multiple_of(7)).then_some(value))
        .collect()
}

fn people(numbers: impl Iterator<Item = u32>) -> Vec<NewContact> {
    let one = |n| NewContact {
        email: format!("{n}@x.example"),
        values: values(n),
        zone_source: None,
    };
    numbers.map(one).collect()
}

/// Two parts of people, the second not full, and a segment.
async fn city(place: &Place) -> (Store, SegmentId) {
    let store = fresh(place).await;
    let segment = write(&store, |tx| {
        for (key, kind, options) in FIELDS {
            fields::add(tx, &field(key, kind, options))?;
        }
        let keys: Vec<&str> = FIELDS.iter().map(|(key, ..)| *key).collect();
        let columns = Columns::resolve(tx, &keys)?;
        let all = ids(&insert_batch(tx, &columns, &mut people(1..=CONTACTS), "user")?);
        for id in all.iter().step_by(1_000) {
            add_tag(tx, *id, "vip", "user")?;
            consents::add(
                tx,
                &said(*id, ConsentAction::Granted, Purpose::Marketing, "form", day(0)),
            )?;
        }
        suppressions::add(tx, "3001@x.example", SuppressionReason::Manual, "user")?;
        let few = parse("a_number > 97").unwrap();
        Ok(segments::save(tx, None, "Few", &few)?.id)
    })
    .await
    .unwrap();
    (store, segment)
}

const ASKED: [&str; 12] = [
    "a_text is \"text 7\"",
    "a_number >= 50",
    "a_money <= 5 EUR",
    "a_yes_no is yes",
    "a_choice is 'x'",
    "a_multi has any of ('x')",
    "a_date before 2026-03-10",
    "a_moment is known",
    "email contains \"@x\"",
    "tag 'vip'",
    "consent email marketing",
    "in segment \"Few\"",
];

/// How many each expression means, and some people with all their facts.
fn known(store: &Store) -> (Vec<u64>, String) {
    store.with_index(|index| {
        let count = |text: &&str| {
            let expr = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            index.members(&expr, day(1)).len()
        };
        let some = [1, 5, 7, 1_001, 3_001, 65_535, 65_536, 65_599].map(|id| index.record(ContactId(id)));
        (ASKED.iter().map(count).collect(), format!("{some:?}"))
    })
}

fn conn(place: &Place) -> Connection {
    Connection::open(place.file()).unwrap()
}

fn number(place: &Place, sql: &str) -> i64 {
    conn(place).query_row(sql, (), |row| row.get(0)).unwrap()
}

/// Whether the secret stands in the bytes of a chunk.
fn is_told(place: &Place) -> bool {
    let conn = conn(place);
    let mut statement = conn.prepare("SELECT bytes FROM contact_chunks").unwrap();
    let rows = statement.query_map((), |row| row.get::<_, Vec<u8>>(0)).unwrap();
    rows.map(Result::unwrap)
        .any(|bytes| bytes.windows(SECRET.len()).any(|at| at == SECRET.as_bytes()))
}

#[tokio::test]
async fn an_opening_reads_chunks_and_what_changes_takes_its_own_with_it() {
    let place = Place::new();
    let (store, segment) = city(&place).await;
    let before = known(&store);
    assert!(before.0.iter().all(|n| *n > 0), "{:?}", before.0);
    store.close().await;

    // Where the file did not rest before, the first opening writes the full part; the second reads it.
    let store = again(&place.file()).await;
    assert_eq!(
        store.with_index(|index| index.loaded().0),
        0,
        "what the segment asks for is not asked: its members were kept"
    );
    assert_eq!(known(&store), before);
    store.close().await;
    assert_eq!(number(&place, "SELECT count(*) FROM contact_parts"), 1);
    let all = number(&place, "SELECT count(*) FROM contact_chunks");
    assert_eq!(all, 19, "nine built in, eight of its own, two of companies");
    assert!(is_told(&place));
    let store = again(&place.file()).await;
    assert_eq!(known(&store), before);

    // One value, one tag, one permission, one no, and somebody new.
    write(&store, |tx| {
        set_field(tx, ContactId(5), "a_text", None, "user")?;
        add_tag(tx, ContactId(5), "vip", "user")?;
        add_tag(tx, ContactId(65_590), "vip", "user")?;
        consents::add(
            tx,
            &said(
                ContactId(1),
                ConsentAction::Withdrawn,
                Purpose::Marketing,
                "form",
                day(1),
            ),
        )?;
        suppressions::add(tx, "7@x.example", SuppressionReason::Manual, "user")?;
        set_field(tx, ContactId(8), "a_number", Some(&Value::Number(99.0)), "user")?;
        Ok(())
    })
    .await
    .unwrap();
    let after = known(&store);
    assert_ne!(after, before);
    assert!(!is_told(&place), "gone with the commit that clears it");
    assert_eq!(number(&place, "SELECT count(*) FROM contact_chunks"), all - 2);
    assert_eq!(number(&place, "SELECT count(*) FROM contact_parts_stale"), 3);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(known(&store), after);
    assert!(store.repaired().is_empty());
    assert!(store.with_index(|index| index.members_of(segment).unwrap().contains(8)));

    // Who is erased takes the part with them.
    write(&store, |tx| delete(tx, ContactId(9), None, "user"))
        .await
        .unwrap();
    let after = known(&store);
    let left = "SELECT (SELECT count(*) FROM contact_parts) + (SELECT count(*) FROM contact_chunks)";
    assert_eq!(number(&place, left), 0);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(known(&store), after);
    store.close().await;
}

#[tokio::test]
async fn a_moment_is_told_as_it_is_kept() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        fields::add(tx, &field("seen_at", FieldType::DateTime, &[]))?;
        let columns = Columns::resolve(tx, &["seen_at"])?;
        let finer = day(0) + TimeDelta::nanoseconds(1_500_700);
        let mut rows = [NewContact {
            email: "a@x.example".to_owned(),
            values: vec![Some(Value::DateTime(finer))],
            zone_source: None,
        }];
        insert_batch(tx, &columns, &mut rows, "user").map(drop)
    })
    .await
    .unwrap();
    let told = store.with_index(|index| format!("{:?}", index.record(ContactId(1))));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(
        store.with_index(|index| format!("{:?}", index.record(ContactId(1)))),
        told
    );
}

#[tokio::test]
async fn a_part_that_was_filled_is_written_while_the_file_rests() {
    let place = Place::new();
    let (store, _) = city(&place).await;
    let parts = || number(&place, "SELECT count(*) FROM contact_parts");
    for _ in 0..200 {
        if parts() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(parts(), 1);
    let seen = known(&store);
    write(&store, |tx| delete(tx, ContactId(9), None, "user"))
        .await
        .unwrap();
    assert_eq!(
        parts(),
        0,
        "a part that was written then is forgotten like any other"
    );
    store.close().await;
    let store = again(&place.file()).await;
    assert_ne!(known(&store), seen);
    assert!(store.repaired().is_empty());
    store.close().await;
}

#[tokio::test]
async fn fields_that_nobody_asked_for_are_let_go_when_many_more_people_come() {
    let place = Place::new();
    let (store, _) = city(&place).await;
    let held = || store.with_index(|index| index.loaded().0);
    let add = async |from: u32| {
        write(&store, move |tx| {
            let keys: Vec<&str> = FIELDS.iter().map(|(key, ..)| *key).collect();
            let columns = Columns::resolve(tx, &keys)?;
            insert_batch(tx, &columns, &mut people(from..from + 300), "user").map(|_| ())
        })
        .await
        .unwrap();
    };
    let all = held();
    add(CONTACTS + 1).await;
    assert_eq!((all, held()), (10, 1), "but for the one that the segment reads");
    // Asked for, they are read with everybody who came, and follow from then on.
    let first = known(&store);
    add(CONTACTS + 301).await;
    assert!(held() > FIELDS.len());
    let second = known(&store);
    let emails = |known: &(Vec<u64>, String)| known.0[8];
    assert_eq!(emails(&first), u64::from(CONTACTS) + 300);
    assert_eq!(emails(&second), u64::from(CONTACTS) + 600);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(known(&store), second);
    assert!(store.repaired().is_empty());
    store.close().await;
}

#[tokio::test]
async fn what_somebody_else_writes_is_found_while_the_file_rests() {
    let place = Place::new();
    let (store, segment) = city(&place).await;
    store.close().await;
    let store = again(&place.file()).await;
    let before = known(&store);
    store.close().await;

    let changed = conn(&place)
        .execute("UPDATE contact_fields SET f2 = 99 WHERE contact = 8", ())
        .unwrap();
    assert_eq!(changed, 1);
    let store = again(&place.file()).await;
    assert_eq!(known(&store), before, "the chunk is read, not the row");
    for _ in 0..200 {
        if store.with_index(|index| index.members_of(segment).unwrap().contains(8)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = known(&store);
    assert_eq!(after.0[11], before.0[11] + 1);
    let edges = store
        .read(|db| segments::edges_after(db, 0, 100_000))
        .await
        .unwrap();
    let of_eight: Vec<bool> = edges
        .iter()
        .filter(|edge| edge.contact == ContactId(8))
        .map(|edge| edge.entered)
        .collect();
    assert_eq!(of_eight, [true], "they entered, and it is written");
    store.close().await;

    // Chunks that are damaged are not believed: rows are read.
    conn(&place)
        .execute("UPDATE contact_chunks SET bytes = CAST(substr(bytes, 1, 20) || 'x' || substr(bytes, 22) AS BLOB)", ())
        .unwrap();
    conn(&place)
        .execute("UPDATE contact_parts SET bytes = x'00'", ())
        .unwrap();
    let store = again(&place.file()).await;
    assert_eq!(known(&store), after);
    store.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_no_write_is_kept_that_needed_it() {
    let place = Place::new();
    let (store, _) = city(&place).await;
    store.close().await;
    let store = again(&place.file()).await;
    conn(&place)
        .execute_batch("ALTER TABLE contact_chunks RENAME TO elsewhere")
        .unwrap();
    let failed = store.readings_failed();
    let vips = parse("a_choice is 'x'").unwrap();
    assert!(store.with_index(|index| index.members(&vips, day(1)).is_empty()));
    let error = store.check_readings(failed).unwrap_err();
    assert!(matches!(&error, Error::Unread(_)), "{error}");
    let saved = write(&store, move |tx| segments::save(tx, None, "X", &vips)).await;
    assert!(matches!(&saved, Err(Error::Unread(_))), "{saved:?}");
    let names = store.read(segments::list).await.unwrap();
    assert_eq!(names.len(), 1, "only the one that was there");

    // Once the file is whole again, so is the answer.
    conn(&place)
        .execute_batch("ALTER TABLE elsewhere RENAME TO contact_chunks")
        .unwrap();
    let failed = store.readings_failed();
    let vips = parse("a_choice is 'x'").unwrap();
    assert!(store.with_index(|index| !index.members(&vips, day(1)).is_empty()));
    store.check_readings(failed).unwrap();
    store.close().await;
}
