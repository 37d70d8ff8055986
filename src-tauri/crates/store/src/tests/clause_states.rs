//! What the states of clauses say when a file is opened again.

use super::fixtures::{Place, add, again, day, fresh, ids, write};
use crate::contacts::{add_tag, set_field};
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
    let clauses: i64 = Connection::open(place.file())
        .unwrap()
        .query_row("SELECT count(*) FROM clauses", (), |row| row.get(0))
        .unwrap();
    assert_eq!(clauses, 2, "the two of the segments");
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
