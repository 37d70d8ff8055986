//! Replies that may be a wish to get no more mail: kept with the reply, until somebody decides.

use super::fixtures::{Place, add, again, day, fresh, write};
use crate::responses::{self, NewResponse};
use crate::{Store, duplicates};
use carillon_model::response::{Hand, MayLeave, ResponseKind};
use carillon_model::{ContactId, ResponseId};

async fn people(store: &Store) -> (ContactId, ContactId) {
    let added = write(store, |tx| {
        add(tx, &["ann@example.com", "ben@example.com"], "user")
    })
    .await
    .unwrap();
    (added[0].id(), added[1].id())
}

fn plain(contact: ContactId) -> NewResponse {
    NewResponse {
        kind: ResponseKind::Replied,
        message: None,
        contact: Some(contact),
        at: day(1),
        source: "mailbox:1".to_owned(),
        hand: Hand::Human,
        class: None,
        link: None,
        rule: None,
        detail: Some("Such a lot of paper.".to_owned()),
        may_leave: false,
    }
}

async fn reply(store: &Store, contact: ContactId) -> ResponseId {
    let doubtful = NewResponse {
        may_leave: true,
        ..plain(contact)
    };
    write(store, move |tx| responses::add(tx, &doubtful))
        .await
        .unwrap()
        .0
}

async fn undecided(store: &Store, contact: ContactId) -> Vec<ResponseId> {
    store
        .read(move |db| responses::undecided_of(db, contact))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_doubtful_reply_waits_through_a_reopening_until_somebody_decides_and_again_when_that_is_taken_back()
{
    let place = Place::new();
    let store = fresh(&place).await;
    let (ann, ben) = people(&store).await;
    let other = plain(ben);
    write(&store, move |tx| responses::add(tx, &other)).await.unwrap();
    let id = reply(&store, ann).await;
    drop(store);
    let store = again(&place.file()).await;
    assert_eq!(undecided(&store, ann).await, [id]);
    assert_eq!(undecided(&store, ben).await, []);
    assert_eq!(store.read(responses::undecided_count).await.unwrap(), 1);
    assert_eq!(store.read(responses::who_is_undecided).await.unwrap(), [ann]);
    let shown = store.read(|db| responses::undecided(db, 10)).await.unwrap();
    assert_eq!(
        shown
            .iter()
            .map(|one| (one.id, one.may_leave))
            .collect::<Vec<_>>(),
        [(id, Some(MayLeave::Open))]
    );
    write(&store, move |tx| responses::decide(tx, id, MayLeave::Kept))
        .await
        .unwrap();
    assert_eq!(undecided(&store, ann).await, []);
    let kept = store
        .read(move |db| responses::get(db, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.may_leave, Some(MayLeave::Kept));
    write(&store, move |tx| responses::decide(tx, id, MayLeave::Open))
        .await
        .unwrap();
    assert_eq!(undecided(&store, ann).await, [id]);
}

#[tokio::test]
async fn a_plain_reply_takes_no_decision() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (_, ben) = people(&store).await;
    let other = plain(ben);
    let (id, _) = write(&store, move |tx| responses::add(tx, &other)).await.unwrap();
    assert!(
        write(&store, move |tx| responses::decide(tx, id, MayLeave::Left))
            .await
            .is_err()
    );
    let found = store
        .read(move |db| responses::get(db, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.may_leave, None);
}

#[tokio::test]
async fn a_doubt_goes_along_into_the_contact_its_own_is_merged_into() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (ann, ben) = people(&store).await;
    let id = reply(&store, ben).await;
    assert_eq!(undecided(&store, ann).await, []);
    write(&store, move |tx| {
        duplicates::merge(tx, ann, ben, &[], "user").map(drop)
    })
    .await
    .unwrap();
    assert_eq!(undecided(&store, ann).await, [id]);
    assert_eq!(store.read(responses::who_is_undecided).await.unwrap(), [ann]);
}
