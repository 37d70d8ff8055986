//! The queue of pairs.

use super::people::{ABSORBED, OTHER, SURVIVOR, town};
use crate::contacts::{self, set_field};
use crate::duplicates::{
    NewPair, PairState, different_pairs, end_run, merge, open_count, open_pairs, pair, put, say,
};
use crate::tests::fixtures::{Place, write};
use crate::{Error, Store};
use carillon_model::ContactId;
use carillon_model::contact::Value;

fn found(a: ContactId, b: ContactId, probability: f64) -> NewPair {
    NewPair {
        a,
        b,
        probability,
        same: Vec::new(),
        weights: "[]".to_owned(),
    }
}

async fn open(store: &Store) -> Vec<(u32, u32)> {
    let pairs = store.read(|db| open_pairs(db, 0, 100)).await.unwrap();
    assert_eq!(store.read(open_count).await.unwrap(), pairs.len() as u64);
    pairs.iter().map(|p| (p.a.0, p.b.0)).collect()
}

#[tokio::test]
async fn the_likeliest_pair_is_first_and_what_is_not_found_again_goes() {
    let place = Place::new();
    let store = town(&place).await;
    assert_eq!(open(&store).await, [(1, 2), (2, 3), (1, 3)]);
    write(&store, |tx| {
        let read = tx.seq();
        put(
            tx,
            &[found(OTHER, SURVIVOR, 0.6), found(SURVIVOR, ABSORBED, 0.1)],
            2,
            read,
        )?;
        end_run(tx, 2)
    })
    .await
    .unwrap();
    assert_eq!(open(&store).await, [(1, 3), (1, 2)]);
}

#[tokio::test]
async fn two_who_were_said_to_be_different_stay_so_in_the_next_search() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| say(tx, ABSORBED, SURVIVOR, PairState::Different))
        .await
        .unwrap();
    write(&store, |tx| {
        let read = tx.seq();
        put(tx, &[found(SURVIVOR, ABSORBED, 0.99)], 2, read)?;
        end_run(tx, 2)
    })
    .await
    .unwrap();
    assert!(open(&store).await.is_empty());
    let said = store.read(|db| different_pairs(db, 10)).await.unwrap();
    assert!(said.iter().any(|p| (p.a, p.b) == (SURVIVOR, ABSORBED)));
}

#[tokio::test]
async fn a_pair_is_dropped_when_one_of_the_two_is_edited_or_deleted() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| {
        set_field(
            tx,
            OTHER,
            "first_name",
            Some(&Value::Text("Cyrus".into())),
            "user",
        )
    })
    .await
    .unwrap();
    assert_eq!(open(&store).await, [(1, 2)]);
    write(&store, |tx| contacts::delete(tx, ABSORBED, None, "user"))
        .await
        .unwrap();
    assert!(open(&store).await.is_empty());
    let said = store.read(|db| different_pairs(db, 10)).await.unwrap();
    assert!(said.is_empty(), "and so is what was said of them");
}

#[tokio::test]
async fn a_search_that_read_before_an_edit_leaves_the_pair_out() {
    let place = Place::new();
    let store = town(&place).await;
    let read = store.seq();
    write(&store, |tx| {
        set_field(
            tx,
            OTHER,
            "first_name",
            Some(&Value::Text("Cyrus".into())),
            "user",
        )
    })
    .await
    .unwrap();
    let kept = write(&store, move |tx| {
        let all = [
            found(SURVIVOR, OTHER, 0.9),
            found(SURVIVOR, ContactId(99), 0.9),
            found(SURVIVOR, ABSORBED, 0.8),
        ];
        put(tx, &all, 2, read)
    });
    assert_eq!(kept.await.unwrap(), 1);
    assert_eq!(open(&store).await, [(1, 2)]);
}

#[tokio::test]
async fn what_was_said_of_the_absorbed_holds_for_the_survivor() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| merge(tx, SURVIVOR, ABSORBED, &[], "user"))
        .await
        .unwrap();
    assert_eq!(
        open(&store).await,
        [(1, 3)],
        "the pair the two had with a third is one"
    );
    let with = store
        .read(|db| pair(db, ContactId(4), SURVIVOR))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(with.state, PairState::Different);
}

#[tokio::test]
async fn nobody_is_a_pair_with_themselves_or_with_nobody() {
    let place = Place::new();
    let store = town(&place).await;
    for (a, b) in [(SURVIVOR, SURVIVOR), (SURVIVOR, ContactId(99))] {
        let refused = write(&store, move |tx| merge(tx, a, b, &[], "user")).await;
        assert!(matches!(refused, Err(Error::Invalid(_) | Error::NotFound { .. })));
        assert!(
            write(&store, move |tx| say(tx, a, b, PairState::Different))
                .await
                .is_err()
        );
    }
}
