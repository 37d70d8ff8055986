use super::fixtures::{Place, add, again, day, field, fresh, write};
use crate::quality::{self, FieldFigures, Measured};
use crate::{Store, contacts, fields};
use carillon_model::contact::{FieldType, Value};
use carillon_model::{ContactId, Seq};
use chrono::NaiveDate;

const fn figures(known: u32, valid: u32, tidy: u32) -> FieldFigures {
    FieldFigures { known, valid, tidy }
}

async fn put(store: &Store, of: &[(&str, FieldFigures)]) {
    let seq = store.read(quality::next_seq).await.unwrap();
    let measured = Measured {
        seq,
        contacts: 10,
        fields: of.iter().map(|(key, f)| ((*key).to_owned(), *f)).collect(),
    };
    write(store, move |tx| quality::put(tx, &measured)).await.unwrap();
}

async fn of(store: &Store, key: &'static str, span: u32) -> Vec<(NaiveDate, FieldFigures)> {
    let today = day(9).date_naive();
    let mut all = store
        .read(move |db| quality::of_fields(db, today, span))
        .await
        .unwrap();
    all.remove(key).unwrap_or_default()
}

#[tokio::test]
async fn the_last_figures_of_a_day_are_its_figures_and_days_without_any_have_none() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        fields::add(tx, &field("shoe", FieldType::Number, &[]))
    })
    .await
    .unwrap();
    assert_eq!(store.read(quality::last).await.unwrap(), None);
    put(
        &store,
        &[
            ("city", figures(3, 2, 1)),
            ("shoe", figures(1, 1, 1)),
            ("gone", figures(1, 1, 1)),
        ],
    )
    .await;
    put(&store, &[("city", figures(5, 5, 4))]).await;
    store.advance_clock(day(4)).await.unwrap();
    put(&store, &[("city", figures(6, 6, 6)), ("shoe", figures(2, 2, 2))]).await;
    let date = |n| day(n).date_naive();
    let all = [(date(0), figures(5, 5, 4)), (date(4), figures(6, 6, 6))];
    assert_eq!(of(&store, "city", 90).await, all);
    assert_eq!(
        of(&store, "shoe", 90).await,
        [(date(4), figures(2, 2, 2))],
        "measured anew without it"
    );
    assert_eq!(
        of(&store, "city", 9).await,
        all[1..],
        "nine days before the ninth begin on the first"
    );
    assert_eq!(of(&store, "nope", 90).await, []);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(of(&store, "city", 90).await, all);
    let last = store.read(quality::last).await.unwrap().unwrap();
    assert_eq!((last.day, last.contacts, last.pairs), (date(4), 10, None));
    let days = store
        .read(move |db| quality::days(db, date(9), 90))
        .await
        .unwrap();
    assert_eq!(
        days.iter().map(|day| day.day).collect::<Vec<_>>(),
        [date(0), date(4)]
    );
    write(&store, |tx| fields::retire(tx, "shoe")).await.unwrap();
    assert_eq!(of(&store, "shoe", 90).await, []);
}

#[tokio::test]
async fn a_change_of_contacts_is_known_to_be_one_since_the_last_measurement() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap();
    put(&store, &[("city", figures(0, 0, 0))]).await;
    let changed = || async {
        store
            .read(|db| quality::changed_since(db, quality::last(db)?.map_or(Seq(0), |day| day.seq)))
            .await
            .unwrap()
    };
    assert!(!changed().await, "figures are no change of contacts");
    let bonn = Value::Text("Bonn".to_owned());
    write(&store, move |tx| {
        contacts::set_field(tx, ContactId(1), "city", Some(&bonn), "user")
    })
    .await
    .unwrap();
    assert!(changed().await);
}

#[tokio::test]
async fn what_a_score_or_a_company_says_is_not_measured() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        fields::add(tx, &field("shoe", FieldType::Number, &[]))?;
        fields::add(tx, &field("company.size", FieldType::Number, &[]))?;
        let scored = carillon_model::contact::Field {
            score: Some("fit".to_owned()),
            ..field("score_fit", FieldType::Number, &[])
        };
        fields::insert(tx, &scored)
    })
    .await
    .unwrap();
    let keys = store.read(|db| Ok(quality::keys(db))).await.unwrap();
    assert!(
        keys.contains(&"email".to_owned()) && keys.contains(&"shoe".to_owned()),
        "{keys:?}"
    );
    for key in ["created_at", "company.name", "company.size", "score_fit"] {
        assert!(!keys.contains(&key.to_owned()), "{key}");
    }
}
