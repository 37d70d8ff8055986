//! What people chose, and the list as several machines share it.

use super::fixtures::{Place, add, day, fresh, write};
use crate::Store;
use crate::choices::{self, Choice};
use crate::contacts::{delete, set_field};
use crate::suppressions::{self, EVERY_MAIL, Line, MARKETING};
use crate::visitors::{self, Visitor};
use carillon_model::ContactId;
use carillon_model::consent::SuppressionReason;
use carillon_model::contact::Value;

async fn person(store: &Store, email: &'static str) -> ContactId {
    let added = write(store, move |tx| add(tx, &[email], "user")).await.unwrap();
    added[0].id()
}

fn left(bits: u32) -> Choice {
    Choice {
        left: bits,
        paused_until: None,
    }
}

#[tokio::test]
async fn what_was_chosen_outlives_the_contact_goes_along_to_a_new_address_and_the_later_choice_stands() {
    let place = Place::new();
    let store = fresh(&place).await;
    let ann = person(&store, "ann@example.com").await;
    write(&store, move |tx| {
        choices::set(tx, "Ann@Example.com ", &left(0b101), "relay", day(2))?;
        choices::set(tx, "ann@example.com", &left(0b010), "relay", day(1))?;
        let moved = Value::Text("ann@new.example".to_owned());
        set_field(tx, ann, "email", Some(&moved), "user").map(drop)
    })
    .await
    .unwrap();
    write(&store, move |tx| delete(tx, ann, None, "user"))
        .await
        .unwrap();
    let kept = |email: &'static str| store.read(move |db| choices::of(db, email));
    assert_eq!(kept("ann@example.com").await.unwrap(), left(0b101));
    assert_eq!(kept("ann@new.example").await.unwrap(), left(0b101));
    assert_eq!(kept("ben@example.com").await.unwrap(), Choice::default());
    let everybody = store.read(choices::everybody).await.unwrap();
    assert!(everybody.of("ANN@example.com").leaves(2) && !everybody.of("ann@example.com").leaves(1));
}

#[tokio::test]
async fn a_hash_another_machine_told_bars_its_address_before_anybody_knows_whose_it_is() {
    let place = Place::new();
    let store = fresh(&place).await;
    let ben = "ben@example.com";
    let hash = store
        .read(move |db| suppressions::address_hash(db, ben))
        .await
        .unwrap();
    let line = |scope: u16, lifted: bool| Line { hash, scope, lifted };
    let heard = |lines: Vec<Line>| write(&store, move |tx| suppressions::take_in(tx, &lines, &[]));
    let bars = |asked_for: bool| store.read(move |db| suppressions::bars(db, ben, asked_for));
    heard(vec![line(MARKETING, false), line(3, false)]).await.unwrap();
    assert!(bars(false).await.unwrap() && !bars(true).await.unwrap());
    assert!(
        store
            .read(move |db| choices::of(db, ben))
            .await
            .unwrap()
            .leaves(2)
    );
    heard(vec![line(EVERY_MAIL, false)]).await.unwrap();
    assert!(bars(true).await.unwrap());
    let whose = store
        .read(move |db| suppressions::whose(db, &[hash].into()))
        .await;
    assert_eq!(whose.unwrap(), []);
    let id = person(&store, ben).await;
    assert!(
        store
            .read(move |db| suppressions::of_contact(db, id))
            .await
            .unwrap()
    );
    let (told, _) = store
        .read(|db| suppressions::told_since(db, 0, 100))
        .await
        .unwrap();
    assert_eq!(told, [], "what came from elsewhere is not told back");
    heard(vec![line(MARKETING, true), line(EVERY_MAIL, true), line(3, true)])
        .await
        .unwrap();
    assert!(!bars(false).await.unwrap());
    assert!(
        !store
            .read(move |db| choices::of(db, ben))
            .await
            .unwrap()
            .leaves(2)
    );
}

#[tokio::test]
async fn what_somebody_here_put_on_the_list_is_told_and_no_other_machine_takes_it_off() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (ann, ben) = ("ann@example.com", "ben@example.com");
    write(&store, move |tx| {
        suppressions::add(tx, ann, SuppressionReason::Unsubscribed, "relay")?;
        suppressions::add(tx, ben, SuppressionReason::Complained, "mailbox:1")
    })
    .await
    .unwrap();
    let told = |since: i64| store.read(move |db| suppressions::told_since(db, since, 100));
    let (lines, upto) = told(0).await.unwrap();
    let mut scopes: Vec<(u16, bool)> = lines.iter().map(|line| (line.scope, line.lifted)).collect();
    scopes.sort_unstable();
    assert_eq!(scopes, [(MARKETING, false), (EVERY_MAIL, false)]);
    assert_eq!(told(upto).await.unwrap(), (Vec::new(), upto));
    let hash = store
        .read(move |db| suppressions::address_hash(db, ben))
        .await
        .unwrap();
    write(&store, move |tx| {
        let lifted = [MARKETING, EVERY_MAIL].map(|scope| Line {
            hash,
            scope,
            lifted: true,
        });
        suppressions::take_in(tx, &lifted, &[])
    })
    .await
    .unwrap();
    assert!(
        store
            .read(move |db| suppressions::bars(db, ben, true))
            .await
            .unwrap()
    );
    write(&store, move |tx| {
        suppressions::remove(tx, ann, "a letter", "user")
    })
    .await
    .unwrap();
    let (lines, _) = told(upto).await.unwrap();
    assert!(
        lines.iter().all(|line| line.lifted) && lines.len() == 2,
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_file_that_joins_another_lists_under_both_keys() {
    let place = Place::new();
    let store = fresh(&place).await;
    let ann = "ann@example.com";
    person(&store, ann).await;
    let before = store
        .read(move |db| suppressions::address_hash(db, ann))
        .await
        .unwrap();
    write(&store, move |tx| {
        suppressions::add(tx, ann, SuppressionReason::Unsubscribed, "relay")?;
        suppressions::share_under(tx, &[9; 32])?;
        suppressions::add(tx, "ben@example.com", SuppressionReason::Manual, "user").map(drop)
    })
    .await
    .unwrap();
    let after = store
        .read(move |db| suppressions::address_hash(db, ann))
        .await
        .unwrap();
    assert_ne!(before, after);
    assert_eq!(store.read(suppressions::key_to_share).await.unwrap(), [9; 32]);
    let (lines, _) = store
        .read(|db| suppressions::told_since(db, 0, 100))
        .await
        .unwrap();
    let listed: Vec<_> = lines.iter().filter(|line| !line.lifted).collect();
    assert_eq!(listed.len(), 2, "{lines:?}");
    assert!(listed.iter().any(|line| line.hash == after));
}

#[tokio::test]
async fn whom_an_id_of_the_site_means_is_forgotten_with_the_contact() {
    let place = Place::new();
    let store = fresh(&place).await;
    let ann = person(&store, "ann@example.com").await;
    write(&store, move |tx| visitors::keep(tx, Visitor::User("17"), ann))
        .await
        .unwrap();
    let of = |visitor: Visitor<'static>| store.read(move |db| visitors::contact_of(db, visitor));
    assert_eq!(of(Visitor::User("17")).await.unwrap(), Some(ann));
    assert_eq!(of(Visitor::Anonymous("17")).await.unwrap(), None);
    write(&store, move |tx| delete(tx, ann, None, "user"))
        .await
        .unwrap();
    assert_eq!(of(Visitor::User("17")).await.unwrap(), None);
}
