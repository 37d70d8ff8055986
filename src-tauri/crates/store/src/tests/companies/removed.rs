//! Companies that are removed and given back.

use super::{acme, read_by_index, read_by_rows, text};
use crate::companies::{self, Restored};
use crate::contacts::delete;
use crate::tests::fixtures::{Place, again, field, write};
use crate::{Error, Store, fields, imports};
use carillon_model::CompanyId;
use carillon_model::contact::FieldType;

fn restored(contacts: u64, without_domain: bool) -> Restored {
    Restored {
        contacts,
        without_domain,
    }
}

async fn remove(store: &Store, id: CompanyId) -> u64 {
    write(store, move |tx| companies::remove(tx, id)).await.unwrap()
}

async fn restore(store: &Store, id: CompanyId) -> Restored {
    write(store, move |tx| companies::restore(tx, id)).await.unwrap()
}

#[tokio::test]
async fn a_company_that_is_given_back_is_what_it_was_with_whoever_had_it() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let (a, b, c) = (people[0], people[1], people[2]);
    let other = write(&store, move |tx| {
        companies::connect(tx, a, Some(acme), "a fair")?;
        companies::connect(tx, b, Some(acme), "user")?;
        companies::connect(tx, c, Some(acme), "user")?;
        companies::set(tx, acme, "company.size", None, "user")?;
        companies::set(tx, acme, "company.industry", Some(&text("Mining")), "a list")?;
        companies::add(tx, "Other", None, "user")
    })
    .await
    .unwrap();
    let whole = |store: &Store| {
        let store = store.clone();
        async move {
            let page = store.read(move |db| companies::get(db, acme)).await.unwrap();
            let known = store.read(move |db| crate::contacts::get(db, a)).await.unwrap();
            let said = known.unwrap().fields;
            (
                page,
                said.into_iter()
                    .filter(|f| f.key == "company.name")
                    .collect::<Vec<_>>(),
            )
        }
    };
    let (before, read) = (whole(&store).await, read_by_rows(&store, a).await);
    assert!(before.0.is_some() && read.contains_key("company.industry"));
    assert_eq!(remove(&store, acme).await, 3);
    let gone = store.read(companies::removed).await.unwrap();
    assert_eq!(
        (gone[0].id, gone[0].name.as_str(), gone[0].contacts),
        (acme, "Acme", 3)
    );
    // One has another company since, one is gone.
    write(&store, move |tx| {
        companies::connect(tx, b, Some(other), "user")?;
        delete(tx, c, None, "user")
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(restore(&store, acme).await, restored(1, false));
    assert_eq!(
        whole(&store).await,
        before,
        "values, provenance, and who said the connection"
    );
    assert_eq!(read_by_rows(&store, a).await, read);
    assert_eq!(read_by_index(&store, a), read);
    let of_b = store.read(move |db| companies::of_contact(db, b)).await.unwrap();
    assert_eq!(of_b, Some(other));
    assert_eq!(store.read(companies::removed).await.unwrap(), []);
    let twice = write(&store, move |tx| companies::restore(tx, acme)).await;
    assert!(matches!(twice, Err(Error::NotFound { .. })), "{twice:?}");
    assert_eq!(remove(&store, acme).await, 1, "and removed again");
    assert_eq!(restore(&store, acme).await, restored(1, false));
}

#[tokio::test]
async fn what_was_taken_or_hidden_meanwhile_does_not_come_back_with_a_company() {
    let place = Place::new();
    let (store, _, acme) = acme(&place).await;
    remove(&store, acme).await;
    write(&store, |tx| {
        companies::add(tx, "Heir", Some("acme.example"), "user")?;
        fields::retire(tx, "company.industry")?;
        fields::add(tx, &field("company.colour", FieldType::Text, &[]))
    })
    .await
    .unwrap();
    assert_eq!(restore(&store, acme).await, restored(0, true));
    let company = store
        .read(move |db| companies::get(db, acme))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (company.name.as_str(), company.domain, company.fields.len()),
        ("Acme", None, 1)
    );
}

#[tokio::test]
async fn an_import_is_taken_back_from_a_company_that_was_given_back() {
    let place = Place::new();
    let (store, _, acme) = acme(&place).await;
    let import = write(&store, move |tx| {
        let import = imports::begin(tx, imports::ImportKind::Contacts, "list.csv", "{}")?;
        let given = companies::Given {
            key: "company.industry".to_owned(),
            value: text("Mining"),
            fill: crate::contacts::Fill::Overwrite,
        };
        let changed = companies::update(tx, acme, &[given], &imports::source(import))?;
        companies::keep_was(tx, import, acme, &changed)?;
        imports::end(tx, import, false)?;
        Ok(import)
    })
    .await
    .unwrap();
    remove(&store, acme).await;
    restore(&store, acme).await;
    write(&store, move |tx| imports::undo(tx, import, 100).map(drop))
        .await
        .unwrap();
    let values = store
        .read(move |db| companies::values_of(db, acme))
        .await
        .unwrap();
    assert!(
        values.contains(&("company.industry".to_owned(), text("Retail"))),
        "{values:?}"
    );
}

#[tokio::test]
async fn the_last_hundred_that_were_removed_can_be_given_back() {
    let place = Place::new();
    let (store, _, acme) = acme(&place).await;
    remove(&store, acme).await;
    let last = write(&store, |tx| {
        let mut last = CompanyId(0);
        for n in 0..100 {
            last = companies::add(tx, &format!("Company {n}"), None, "user")?;
            companies::remove(tx, last)?;
        }
        Ok(last)
    })
    .await
    .unwrap();
    let gone = store.read(companies::removed).await.unwrap();
    assert_eq!((gone.len(), gone[0].id), (100, last));
    let first = write(&store, move |tx| companies::restore(tx, acme)).await;
    assert!(matches!(first, Err(Error::NotFound { .. })), "{first:?}");
}
