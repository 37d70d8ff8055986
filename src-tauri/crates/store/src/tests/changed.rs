//! When values were written: the index beside the rows.

use super::fixtures::{Place, add, again, day, field, fresh, ids, write};
use crate::contacts::{self, Origin, delete, set_field};
use crate::duplicates::{merge, unmerge};
use crate::{Store, fields, segments};
use carillon_engine::segment::{Needs, changed_key, parse};
use carillon_model::contact::{FieldType, Value};
use carillon_model::{ContactId, Moment, SegmentId};
use rusqlite::Connection;
use std::collections::BTreeMap;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

async fn say(store: &Store, id: ContactId, key: &'static str, value: Option<&str>) {
    let value = value.map(text);
    write(store, move |tx| set_field(tx, id, key, value.as_ref(), "user"))
        .await
        .unwrap();
}

/// When the rows say that a field was written, of everybody who has a value.
fn by_rows(place: &Place, column: &str, number: &str) -> BTreeMap<u32, Moment> {
    let db = Connection::open(place.file()).unwrap();
    let rows = format!(
        "SELECT c.id, ifnull(p.at, c.created_at) FROM contacts c LEFT JOIN contact_fields f ON f.contact = c.id
         LEFT JOIN provenance p ON p.contact = c.id AND p.field = {number} WHERE {column} IS NOT NULL"
    );
    let mut rows = db.prepare(&rows).unwrap();
    let all = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    all.map(|row| {
        let (id, at): (u32, i64) = row.unwrap();
        (id, crate::time::moment(at).unwrap())
    })
    .collect()
}

/// When the index says so.
fn by_index(store: &Store, key: &str) -> BTreeMap<u32, Moment> {
    let key = changed_key(key);
    let needs = Needs::some_fields([key.clone()]);
    store.with_index(|index| {
        let all = index.contacts().iter();
        let found = all.filter_map(
            |id| match index.record_of(ContactId(id), &needs)?.fields.get(&key)? {
                Value::DateTime(at) => Some((id, *at)),
                _ => None,
            },
        );
        found.collect()
    })
}

/// Whether all agree: of `city`, which a segment follows, and of `club`, which nobody does.
fn agree(place: &Place, store: &Store, segment: SegmentId, step: &str) {
    let city = by_rows(place, "c.city", "5");
    assert_eq!(by_index(store, "city"), city, "city: {step}");
    let club = "(SELECT 100 + id FROM fields WHERE key = 'club')";
    let column = "f.f1";
    assert_eq!(
        by_index(store, "club"),
        by_rows(place, column, club),
        "club: {step}"
    );
    let old: Vec<u32> = city
        .into_iter()
        .filter(|(_, at)| store.as_of().date_naive() - at.date_naive() > chrono::TimeDelta::days(7))
        .map(|(id, _)| id)
        .collect();
    let members = store.with_index(|index| index.members_of(segment).unwrap().clone());
    assert_eq!(members.iter().collect::<Vec<_>>(), old, "members: {step}");
}

#[tokio::test]
async fn when_a_value_was_written_follows_every_way_of_writing_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let people = write(&store, |tx| {
        ids_of(tx, &["a@x.example", "b@x.example", "c@x.example"])
    })
    .await
    .unwrap();
    let [ada, bob, cem] = people[..] else { panic!() };
    let segment = write(&store, |tx| {
        fields::add(tx, &field("club", FieldType::Text, &[]))?;
        let expr = parse("city changed more than 7 days ago in zone \"UTC\"").unwrap();
        Ok(segments::save(tx, None, "Stale", &expr)?.id)
    })
    .await
    .unwrap();
    agree(&place, &store, segment, "nobody has a value");
    say(&store, ada, "city", Some("Bonn")).await;
    say(&store, ada, "club", Some("Chess")).await;
    agree(&place, &store, segment, "first values");
    store.advance_clock(day(3)).await.unwrap();
    say(&store, bob, "city", Some("Ulm")).await;
    say(&store, bob, "club", Some("Go")).await;
    agree(&place, &store, segment, "later ones");
    store.advance_clock(day(9)).await.unwrap();
    agree(&place, &store, segment, "one is old now");
    say(&store, ada, "city", Some("Bonn")).await;
    agree(&place, &store, segment, "the same again is no writing");
    say(&store, ada, "city", Some("Kiel")).await;
    say(&store, ada, "club", None).await;
    agree(&place, &store, segment, "another one, and none");
    write(&store, move |tx| {
        let first = Origin {
            source: tx.source("shop")?,
            at: crate::time::ms(day(1)),
        };
        let city = Some(text("Kiel"));
        contacts::put_back(tx, ada, "city", city.as_ref(), Some(first), "undo")?;
        contacts::put_back(tx, bob, "club", Some(&text("Go")), None, "undo")
    })
    .await
    .unwrap();
    agree(&place, &store, segment, "put back as written by another");
    let merged = write(&store, move |tx| merge(tx, cem, bob, &[], "user"))
        .await
        .unwrap();
    agree(&place, &store, segment, "taken from another contact");
    store.advance_clock(day(12)).await.unwrap();
    agree(&place, &store, segment, "and old there");
    write(&store, move |tx| unmerge(tx, merged)).await.unwrap();
    agree(&place, &store, segment, "given back");
    write(&store, move |tx| delete(tx, ada, None, "user"))
        .await
        .unwrap();
    agree(&place, &store, segment, "gone");
    store.close().await;
    let store = again(&place.file()).await;
    agree(&place, &store, segment, "opened again");
}

fn ids_of(tx: &mut crate::Tx<'_>, emails: &[&str]) -> crate::Result<Vec<ContactId>> {
    Ok(ids(&add(tx, emails, "user")?))
}
