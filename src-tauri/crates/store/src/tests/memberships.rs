//! What a file says of memberships when it is opened again. What a small one keeps of them is not believed, and shows what was
//! lost.

mod kept;

use super::fixtures::{Place, add, again, day, fresh, ids, write};
use crate::contacts::{add_tag, delete, set_field};
use crate::events::{NewEvent, append};
use crate::imports::{self, ImportCounts, ImportKind};
use crate::segments::{self, EdgeRow};
use crate::{LostEdges, Store};
use carillon_engine::segment::parse;
use carillon_model::contact::Value;
use carillon_model::{ContactId, SegmentId, VersionId};
use chrono::TimeDelta;
use rusqlite::Connection;
use std::collections::BTreeMap;

async fn edges(store: &Store) -> Vec<EdgeRow> {
    store
        .read(|db| segments::edges_after(db, 0, 10_000))
        .await
        .unwrap()
}

/// Members by the edges alone: whoever entered last and did not leave.
async fn by_edges(store: &Store, segment: SegmentId) -> Vec<u32> {
    let mut inside = BTreeMap::new();
    for edge in edges(store)
        .await
        .into_iter()
        .filter(|edge| edge.segment == segment)
    {
        let before = inside.insert(edge.contact.0, edge.entered).unwrap_or(false);
        assert_ne!(before, edge.entered, "an edge that changes nothing: {edge:?}");
    }
    inside
        .into_iter()
        .filter(|(_, inside)| *inside)
        .map(|(id, _)| id)
        .collect()
}

fn members(store: &Store, segment: SegmentId) -> Vec<u32> {
    store.with_index(|index| index.members_of(segment).unwrap().iter().collect())
}

/// Four contacts, the first two in Bonn; who is in Bonn, and who is neither there nor a friend of the house.
async fn town(place: &Place) -> (Store, Vec<ContactId>) {
    let store = fresh(place).await;
    let ids = write(&store, |tx| {
        segments::save(tx, None, "Bonn", &parse("city is \"Bonn\"").unwrap())?;
        let far = "not (city is \"Bonn\" or tag \"friend\")";
        segments::save(tx, None, "Far", &parse(far).unwrap())?;
        let all = ids(&add(
            tx,
            &["a@x.example", "b@x.example", "c@x.example", "d@x.example"],
            "user",
        )?);
        for id in &all[..2] {
            set_field(tx, *id, "city", Some(&Value::Text("Bonn".to_owned())), "user")?;
        }
        Ok(all)
    })
    .await
    .unwrap();
    (store, ids)
}

/// Writes to the file behind everybody's back, as a program would that reads the same rows differently.
fn behind(place: &Place, sql: &str) {
    let conn = Connection::open(place.file()).unwrap();
    assert_eq!(conn.execute(sql, ()).unwrap(), 1);
}

const BONN: SegmentId = SegmentId(1);
const FAR: SegmentId = SegmentId(2);

#[tokio::test]
async fn a_membership_that_comes_out_otherwise_becomes_the_edges_that_were_lost_and_is_reported() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    store.close().await;
    behind(&place, "UPDATE contacts SET city = 'Ulm' WHERE id = 1");
    behind(&place, "UPDATE contacts SET city = 'bonn ' WHERE id = 4");
    let store = again(&place.file()).await;
    let lost = |segment| LostEdges {
        segment,
        entered: 1,
        left: 1,
    };
    assert_eq!(store.repaired(), [lost(BONN), lost(FAR)]);
    assert_eq!(members(&store, BONN), [ids[1].0, ids[3].0]);
    for segment in [BONN, FAR] {
        assert_eq!(by_edges(&store, segment).await, members(&store, segment));
    }
    assert!(edges(&store).await.iter().all(|edge| edge.at == day(0)));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(store.repaired(), [], "what was repaired is not repaired again");
    for segment in [BONN, FAR] {
        assert_eq!(by_edges(&store, segment).await, members(&store, segment));
    }
}

#[tokio::test]
async fn edges_since_the_states_are_not_lost_and_those_missing_beside_them_are_found() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    store.close().await;
    let store = again(&place.file()).await;
    let (second, third) = (ids[1], ids[2]);
    write(&store, move |tx| {
        add(tx, &["e@x.example"], "user")?;
        add_tag(tx, third, "friend", "user")?;
        set_field(tx, second, "city", None, "user")?;
        segments::save(tx, None, "New", &parse("first_name is \"Ada\"").unwrap())?;
        segments::save(tx, Some(FAR), "Far", &parse("not (tag \"friend\")").unwrap())?;
        segments::watch(tx, VersionId(7), &[(0, parse("tag \"friend\"").unwrap())])
    })
    .await
    .unwrap();
    // No farewell: the states stay as they were.
    drop(store);
    behind(&place, "UPDATE contacts SET city = 'Bonn' WHERE id = 3");
    let store = again(&place.file()).await;
    let lost = LostEdges {
        segment: BONN,
        entered: 1,
        left: 0,
    };
    assert_eq!(store.repaired(), [lost]);
    for segment in 1..=4 {
        let segment = SegmentId(segment);
        assert_eq!(
            by_edges(&store, segment).await,
            members(&store, segment),
            "{segment}"
        );
    }
}

#[tokio::test]
async fn a_condition_of_a_journey_gets_its_lost_edges_too_and_goes_with_its_version() {
    let place = Place::new();
    let (store, _) = town(&place).await;
    let watch = write(&store, |tx| {
        segments::watch(tx, VersionId(7), &[(0, parse("city is \"Köln\"").unwrap())])
    })
    .await
    .unwrap()[0];
    store.close().await;
    behind(&place, "UPDATE contacts SET city = 'KÖLN' WHERE id = 4");
    let store = again(&place.file()).await;
    let lost = LostEdges {
        segment: watch,
        entered: 1,
        left: 0,
    };
    assert_eq!(store.repaired(), [lost]);
    assert_eq!(by_edges(&store, watch).await, [4]);
    write(&store, |tx| segments::unwatch(tx, VersionId(7)))
        .await
        .unwrap();
    store.close().await;
    let conn = Connection::open(place.file()).unwrap();
    for table in ["memberships", "membership_chunks"] {
        let kept = format!("SELECT group_concat(segment) FROM {table}");
        let kept: String = conn.query_row(&kept, (), |row| row.get(0)).unwrap();
        assert_eq!(kept, "1,2", "those of the segments");
    }
}

#[tokio::test]
async fn opening_and_closing_without_a_change_writes_nothing() {
    let place = Place::new();
    let (store, _) = town(&place).await;
    store.close().await;
    let store = again(&place.file()).await;
    let seq = store.seq();
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!((store.seq(), store.repaired().len()), (seq, 0));
}

#[tokio::test]
async fn what_time_did_since_is_no_loss() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        segments::save(
            tx,
            None,
            "Fresh",
            &parse("created_at in the last 2 days").unwrap(),
        )?;
        add(tx, &["a@x.example", "b@x.example"], "user")
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    store.advance_clock(day(5) + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(edges(&store).await.len(), 4);
    drop(store);
    let store = again(&place.file()).await;
    assert_eq!((store.repaired().len(), edges(&store).await.len()), (0, 4));
}

/// One import that brings two contacts with a tag, and one that brings an event of each contact.
async fn import(store: &Store, old: ContactId) -> [carillon_model::ImportId; 2] {
    write(store, move |tx| {
        let people = imports::begin(tx, ImportKind::Contacts, "fair.csv", "{}")?;
        let source = imports::source(people);
        let new = ids(&add(tx, &["e@x.example", "f@x.example"], &source)?);
        for id in &new {
            add_tag(tx, *id, "friend", &source)?;
        }
        let range = Some((i64::from(new[0].0), i64::from(new[1].0)));
        imports::advance(tx, people, 2, range, ImportCounts::default())?;
        imports::end(tx, people, false)?;

        let orders = imports::begin(tx, ImportKind::Events, "orders.csv", "{}")?;
        let event = NewEvent {
            contact: old,
            name: "order".to_owned(),
            at: tx.now(),
            source: imports::source(orders),
            props: BTreeMap::new(),
        };
        let events = append(tx, &[event])?;
        let range = Some((events[0].0, events[0].0));
        imports::advance(tx, orders, 1, range, ImportCounts::default())?;
        imports::end(tx, orders, false)?;
        Ok([people, orders])
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn who_is_erased_or_taken_back_with_an_import_leaves_every_segment_once() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    write(&store, |tx| {
        segments::save(tx, None, "Friends", &parse("tag \"friend\"").unwrap())?;
        segments::save(
            tx,
            None,
            "Ordered",
            &parse("did order in the last 7 days").unwrap(),
        )?;
        segments::save(tx, None, "Others", &parse("did not order").unwrap())
    })
    .await
    .unwrap();
    let (friends, ordered, others) = (SegmentId(3), SegmentId(4), SegmentId(5));
    let [people, orders] = import(&store, ids[0]).await;
    assert_eq!(members(&store, friends), [5, 6]);
    assert_eq!(members(&store, ordered), [ids[0].0]);
    assert_eq!(members(&store, others).len(), 5);

    for import in [people, orders] {
        write(&store, move |tx| imports::undo(tx, import, 100))
            .await
            .unwrap();
    }
    let second = ids[1];
    write(&store, move |tx| delete(tx, second, None, "user"))
        .await
        .unwrap();
    assert_eq!(members(&store, friends), [0u32; 0]);
    assert_eq!(members(&store, ordered), [0u32; 0]);
    assert_eq!(members(&store, BONN), [ids[0].0]);
    assert_eq!(members(&store, others), [ids[0].0, ids[2].0, ids[3].0]);
    store.advance_clock(day(30)).await.unwrap();
    drop(store);
    let store = again(&place.file()).await;
    assert_eq!(store.repaired(), []);
    for segment in [BONN, FAR, friends, ordered, others] {
        assert_eq!(
            by_edges(&store, segment).await,
            members(&store, segment),
            "{segment}"
        );
    }
}
