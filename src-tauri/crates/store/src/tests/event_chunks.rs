//! What the index is opened from where the file has chunks of events.

use super::fixtures::{Place, add, again, day, fresh, ids, write};
use crate::Store;
use crate::contacts::delete;
use crate::events::{NewEvent, append};
use carillon_engine::segment::parse;
use carillon_model::ContactId;
use carillon_model::event::Prop;
use chrono::TimeDelta;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// A few more than one chunk holds.
const EVENTS: i64 = 65_600;
const SECRET: &str = "Allegra Winterstein";

/// Four people; the first one's events have a text of hers, the others' a number.
async fn town(place: &Place) -> (Store, Vec<ContactId>) {
    let store = fresh(place).await;
    let ids = write(&store, |tx| {
        let all = ids(&add(
            tx,
            &["a@x.example", "b@x.example", "c@x.example", "d@x.example"],
            "user",
        )?);
        let events: Vec<NewEvent> = (0..EVENTS)
            .map(|n| {
                let contact = all[n as usize % 4];
                let prop = match n % 4 {
                    0 => Prop::Text(SECRET.to_owned()),
                    _ => Prop::Number((n % 10) as f64),
                };
                NewEvent {
                    contact,
                    name: if n % 8 < 4 { "visit" } else { "order" }.to_owned(),
                    at: day(0) + TimeDelta::seconds(n % 1_000),
                    source: "test".to_owned(),
                    props: BTreeMap::from([("of".to_owned(), prop)]),
                }
            })
            .collect();
        append(tx, &events)?;
        Ok(all)
    })
    .await
    .unwrap();
    (store, ids)
}

/// All events of each of the four as the index has them, and some counts.
fn known(store: &Store) -> (Vec<usize>, Vec<u64>) {
    store.with_index(|index| {
        let of = |id| {
            index
                .record(ContactId(id))
                .map_or(0, |record| record.events.len())
        };
        let texts = [
            "did visit where of is \"Allegra Winterstein\"",
            "did order where of is 7",
            "did visit at least 16401 times",
        ];
        let counts = texts.map(|text| index.members(&parse(text).unwrap(), day(1)).len());
        ((1..=4).map(of).collect(), counts.to_vec())
    })
}

/// The chunks of *order* and *visit*.
fn chunks(place: &Place) -> Vec<Vec<u8>> {
    let conn = Connection::open(place.file()).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT c.bytes FROM event_parts p JOIN event_chunks c ON c.part = p.part JOIN event_types t ON t.id = c.type
             ORDER BY p.part, t.name",
        )
        .unwrap();
    let rows = statement.query_map((), |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn behind(place: &Place, sql: &str) {
    let conn = Connection::open(place.file()).unwrap();
    assert_eq!(conn.execute(sql, ()).unwrap(), 1, "{sql}");
}

#[tokio::test]
async fn the_commit_that_fills_a_chunk_has_it_written_and_an_opening_reads_it() {
    let place = Place::new();
    let (store, _) = town(&place).await;
    let before = known(&store);
    assert_eq!(before.0, [16_400; 4]);
    assert_eq!(before.1, [1, 2, 0]);
    store.close().await;
    let kept = chunks(&place);
    assert_eq!(kept.len(), 2, "the second part is not full");

    // An opening writes what is missing.
    behind(&place, "DELETE FROM event_parts");
    let store = again(&place.file()).await;
    assert_eq!(known(&store), before);
    store.close().await;
    assert_eq!(chunks(&place), kept);

    // That it is the chunk that is read shows by an event that stands in nothing else.
    let conn = Connection::open(place.file()).unwrap();
    conn.execute_batch(
        "DROP TRIGGER event_chunks_deleted; DELETE FROM events WHERE id = 5;
         CREATE TRIGGER event_chunks_deleted AFTER DELETE ON events BEGIN
           DELETE FROM event_parts WHERE part = OLD.id >> 16;
           DELETE FROM event_chunks WHERE part = OLD.id >> 16;
         END;",
    )
    .unwrap();
    drop(conn);
    let store = again(&place.file()).await;
    assert_eq!(known(&store), before);
    store.close().await;

    // One that is damaged is not believed: its rows are read, which lack the one.
    behind(
        &place,
        "UPDATE event_chunks SET bytes = CAST(substr(bytes, 1, 5000) || 'x' || substr(bytes, 5002) AS BLOB)
         WHERE type = (SELECT type FROM events WHERE id = 6)",
    );
    let store = again(&place.file()).await;
    assert_eq!(known(&store).0.iter().sum::<usize>(), 65_599);
    store.close().await;
}

#[tokio::test]
async fn who_is_erased_stands_in_no_chunk_any_more() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    let has_it = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|at| at == SECRET.as_bytes());
    assert!(chunks(&place).iter().any(|bytes| has_it(bytes)));
    let first = ids[0];
    write(&store, move |tx| delete(tx, first, None, "user"))
        .await
        .unwrap();
    assert!(chunks(&place).is_empty(), "with the commit that erases");
    let before = known(&store);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(known(&store), before);
    assert_eq!(before.0, [0, 16_400, 16_400, 16_400]);
    let kept = chunks(&place);
    assert!(kept.len() == 2 && !kept.iter().any(|bytes| has_it(bytes)));
    store.close().await;
}

#[tokio::test]
async fn a_change_of_a_row_by_anybody_throws_the_chunk_away() {
    let place = Place::new();
    let (store, _) = town(&place).await;
    store.close().await;
    assert_eq!(chunks(&place).len(), 2);
    behind(&place, "UPDATE events SET contact = 2 WHERE id = 9");
    assert!(chunks(&place).is_empty());
}
