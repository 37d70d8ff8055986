use super::fixtures::{Place, add, again, day, fresh, ids, workspace, write};
use crate::events::{NewEvent, append};
use crate::segments::{self, EdgeRow};
use crate::{OpenOptions, Store};
use carillon_engine::segment::parse;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{ContactId, Moment};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Three contacts who ordered 1, 11 and 21 hours ago, and a segment of those of the last day.
async fn orders(store: &Store, now: Moment) {
    write(store, move |tx| {
        segments::save(
            tx,
            None,
            "Recent",
            &parse("did order in the last 1 days").unwrap(),
        )?;
        for (i, id) in ids(&add(tx, &["a@x.example", "b@x.example", "c@x.example"], "user")?)
            .into_iter()
            .enumerate()
        {
            let event = NewEvent {
                contact: id,
                name: "order".to_owned(),
                at: now - TimeDelta::hours(1 + 10 * i as i64),
                source: "shop".to_owned(),
                props: BTreeMap::new(),
            };
            append(tx, &[event])?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

async fn edges(store: &Store) -> Vec<EdgeRow> {
    store.read(|db| segments::edges_after(db, 0, 1000)).await.unwrap()
}

fn left(edges: &[EdgeRow]) -> Vec<(ContactId, Moment)> {
    edges
        .iter()
        .filter(|e| !e.entered)
        .map(|e| (e.contact, e.at))
        .collect()
}

fn expected(now: Moment) -> Vec<(ContactId, Moment)> {
    let leaves = |id, hours| (ContactId(id), now + TimeDelta::hours(hours));
    vec![leaves(3, 3), leaves(2, 13), leaves(1, 23)]
}

#[tokio::test]
async fn after_three_days_asleep_each_leaves_once_in_order_and_at_its_own_instant() {
    let place = Place::new();
    let store = fresh(&place).await;
    orders(&store, day(0)).await;
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(edges(&store).await.len(), 3, "opening makes no edge");
    let commit = store.advance_clock(day(3)).await.unwrap();
    let after = edges(&store).await;
    assert_eq!(left(&after), expected(day(0)));
    assert!(after[3..].iter().all(|e| e.seq == commit.seq));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(store.as_of(), day(3));
    store.advance_clock(day(4)).await.unwrap();
    store.advance_clock(day(1)).await.unwrap();
    assert_eq!((edges(&store).await.len(), store.as_of()), (6, day(4)));
}

fn clock(at: Moment) -> OpenOptions {
    OpenOptions {
        now: Some(Arc::new(move || at)),
        ..OpenOptions::default()
    }
}

#[tokio::test]
async fn with_a_real_clock_any_first_write_after_the_sleep_tells_what_time_did() {
    let place = Place::new();
    let real = Workspace {
        clock: ClockKind::Real,
        ..workspace()
    };
    let store = Store::create(&place.file(), &real, clock(day(0))).await.unwrap();
    orders(&store, day(0)).await;
    store.close().await;
    let store = Store::open(&place.file(), clock(day(3))).await.unwrap();
    write(&store, |tx| add(tx, &["d@x.example"], "user"))
        .await
        .unwrap();
    assert_eq!(left(&edges(&store).await), expected(day(0)));
    assert_eq!(store.as_of(), day(3));
    store.advance_clock(day(9)).await.unwrap();
    assert_eq!(
        store.as_of(),
        day(3),
        "a real clock goes no further than the machine's"
    );
    store.close().await;
    let store = Store::open(&place.file(), clock(day(1))).await.unwrap();
    write(&store, |tx| add(tx, &["e@x.example"], "user"))
        .await
        .unwrap();
    assert_eq!(store.as_of(), day(3), "and it never goes back");
}
