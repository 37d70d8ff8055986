//! Who is among the highest: in the file, over days, and after opening again.

use super::fixtures::{Place, add, again, field, fresh, ids, write};
use crate::contacts::{delete, set_field};
use crate::{Store, fields, segments};
use carillon_engine::segment::{parse, start_of_day};
use carillon_model::contact::{Currency, FieldType, Money, Value};
use carillon_model::{ContactId, Moment};
use chrono::{Days, TimeDelta};

/// Five contacts with 10 to 50 points, who spent as many euros, and "Best" and "Big": the best two fifths by either.
async fn ranked(place: &Place) -> (Store, Vec<ContactId>) {
    let store = fresh(place).await;
    let people = write(&store, |tx| {
        fields::add(tx, &field("points", FieldType::Number, &[]))?;
        fields::add(tx, &field("spent", FieldType::Money, &[]))?;
        let emails = [
            "a@x.example",
            "b@x.example",
            "c@x.example",
            "d@x.example",
            "e@x.example",
        ];
        let people = ids(&add(tx, &emails, "user")?);
        for (n, who) in (1..).zip(&people) {
            set_field(
                tx,
                *who,
                "points",
                Some(&Value::Number(f64::from(n) * 10.0)),
                "user",
            )?;
            set_field(tx, *who, "spent", Some(&euros(i64::from(n) * 1_000)), "user")?;
        }
        Ok(people)
    });
    let people = people.await.unwrap();
    write(&store, |tx| {
        segments::save(tx, None, "Best", &parse("points is in the top 40%").unwrap())?;
        segments::save(tx, None, "Big", &parse("spent is in the top 40% EUR").unwrap())?;
        segments::save(
            tx,
            None,
            "None",
            &parse("spent is in the top 40% CHF or points > 10000").unwrap(),
        )
    })
    .await
    .unwrap();
    (store, people)
}

fn euros(minor: i64) -> Value {
    Value::Money(Money {
        minor,
        currency: Currency::parse("EUR").unwrap(),
    })
}

async fn points(store: &Store, who: ContactId, points: f64) {
    write(store, move |tx| {
        set_field(tx, who, "points", Some(&Value::Number(points)), "user")
    })
    .await
    .unwrap();
}

/// The members, by the places of the contacts.
fn members(store: &Store, people: &[ContactId], name: &str) -> Vec<usize> {
    let expr = parse(&format!("in segment \"{name}\"")).unwrap();
    let found = store.with_index(|index| index.members(&expr, index.as_of()));
    (0..people.len())
        .filter(|n| found.contains(people[*n].0))
        .collect()
}

/// The first moment of the next day where the workspace is.
fn tomorrow(store: &Store) -> Moment {
    let zone = store.catalogue().zone();
    let today = store.as_of().with_timezone(&zone).date_naive();
    start_of_day(zone, today + Days::new(1)).unwrap()
}

async fn edges_since(store: &Store, position: i64) -> Vec<(u32, bool, Moment)> {
    let edges = store
        .read(move |db| segments::edges_after(db, position, 1_000))
        .await
        .unwrap();
    edges
        .into_iter()
        .map(|edge| (edge.contact.0, edge.entered, edge.at))
        .collect()
}

#[tokio::test]
async fn what_it_takes_moves_with_the_days_and_the_edges_are_written() {
    let place = Place::new();
    let (store, people) = ranked(&place).await;
    assert_eq!(members(&store, &people, "Best"), [3, 4]);
    assert_eq!(members(&store, &people, "Big"), [3, 4]);
    assert_eq!(members(&store, &people, "None"), Vec::<usize>::new());
    points(&store, people[0], 100.0).await;
    points(&store, people[1], 90.0).await;
    assert_eq!(
        members(&store, &people, "Best"),
        [0, 1, 3, 4],
        "those of this morning stay"
    );
    let due = tomorrow(&store);
    assert_eq!(store.with_index(crate::Index::next_due), Some(due));
    let position = store.read(segments::last_edge).await.unwrap();
    store
        .advance_clock(due - TimeDelta::milliseconds(1))
        .await
        .unwrap();
    assert_eq!(edges_since(&store, position).await, []);
    store.advance_clock(due).await.unwrap();
    let gone = [(people[3].0, false, due), (people[4].0, false, due)];
    assert_eq!(edges_since(&store, position).await, gone);
    assert_eq!(members(&store, &people, "Best"), [0, 1]);
    assert_eq!(members(&store, &people, "Big"), [3, 4]);
    store.close().await;
}

#[tokio::test]
async fn opened_again_everybody_is_where_they_were_and_the_days_that_were_slept_through_are_measured_at_their_end()
 {
    let place = Place::new();
    let (store, people) = ranked(&place).await;
    points(&store, people[0], 100.0).await;
    let gone = people[4];
    write(&store, move |tx| delete(tx, gone, None, "user"))
        .await
        .unwrap();
    assert_eq!(members(&store, &people, "Best"), [0, 3]);
    // Measured now, of four the best two would be those with 100 and 41.
    points(&store, people[1], 39.0).await;
    points(&store, people[2], 41.0).await;
    assert_eq!(members(&store, &people, "Best"), [0, 2, 3]);
    // Once without a farewell, once with one.
    drop(store);
    let mut store = again(&place.file()).await;
    for _ in 0..2 {
        assert_eq!(store.repaired(), []);
        assert_eq!(members(&store, &people, "Best"), [0, 2, 3]);
        assert_eq!(members(&store, &people, "Big"), [3]);
        store.close().await;
        store = again(&place.file()).await;
    }
    let position = store.read(segments::last_edge).await.unwrap();
    let back = tomorrow(&store) + TimeDelta::days(3) + TimeDelta::hours(2);
    store.advance_clock(back).await.unwrap();
    let edges = edges_since(&store, position).await;
    assert_eq!(edges, [(people[3].0, false, back), (people[2].0, true, back)]);
    assert_eq!(members(&store, &people, "Best"), [0, 2]);
    assert_eq!(members(&store, &people, "Big"), [2, 3]);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(store.repaired(), []);
    assert_eq!(members(&store, &people, "Best"), [0, 2]);
    let due = tomorrow(&store);
    assert_eq!(store.with_index(crate::Index::next_due), Some(due));
    store.close().await;
}

#[tokio::test]
async fn of_what_ranks_no_more_nothing_is_kept() {
    let place = Place::new();
    let (store, _) = ranked(&place).await;
    let kept = async |store: &Store| {
        let all = store.read(crate::cuts::all).await.unwrap();
        all.into_values()
            .map(|cuts| {
                cuts.into_iter()
                    .map(|(clause, cut)| (clause, cut.value))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    let best = ("points is in the top 40%".to_owned(), Some(Value::Number(40.0)));
    let big = ("spent is in the top 40% EUR".to_owned(), Some(euros(4_000)));
    let none = ("spent is in the top 40% CHF".to_owned(), None);
    assert_eq!(
        kept(&store).await,
        [vec![best], vec![big.clone()], vec![none.clone()]]
    );
    write(&store, |tx| {
        let best = segments::by_name(tx, "Best")?.unwrap();
        segments::save(tx, Some(best.id), "Best", &parse("points > 3").unwrap())
    })
    .await
    .unwrap();
    assert_eq!(kept(&store).await, [vec![big.clone()], vec![none.clone()]]);
    write(&store, |tx| {
        let none = segments::by_name(tx, "None")?.unwrap();
        segments::remove(tx, none.id)
    })
    .await
    .unwrap();
    assert_eq!(kept(&store).await, [vec![big]]);
    store.close().await;
}
