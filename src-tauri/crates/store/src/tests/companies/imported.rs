//! Companies of lists that are taken back.

use super::{acme, read_by_index, read_by_rows, text};
use crate::companies::{self, Given};
use crate::contacts::{self, Fill};
use crate::imports::{self, ImportCounts, ImportKind};
use crate::tests::fixtures::{Place, add, write};
use crate::{Result, Store, Tx};
use carillon_model::{CompanyId, ImportId};

async fn begin(store: &Store) -> ImportId {
    let began = write(store, |tx| {
        imports::begin(tx, ImportKind::Contacts, "fair.csv", "{}")
    });
    began.await.unwrap()
}

/// A row of a list: somebody at a company of an industry.
fn row(tx: &mut Tx<'_>, import: ImportId, email: &str, company: CompanyId, industry: &str) -> Result<()> {
    let source = imports::source(import);
    let inserted = add(tx, &[email], &source)?[0];
    let given = [Given {
        key: "company.industry".to_owned(),
        value: text(industry),
        fill: Fill::Overwrite,
    }];
    let changed = companies::update(tx, company, &given, &source)?;
    companies::keep_was(tx, import, company, &changed)?;
    let connected = companies::connect_imported(tx, inserted.id(), Some(company), &source)?;
    if let contacts::Inserted::Exists(id) = inserted {
        imports::keep_was(tx, import, id, connected.as_slice())?;
    }
    let n = i64::from(inserted.id().0);
    let range = matches!(inserted, contacts::Inserted::New { .. }).then_some((n, n));
    imports::advance(tx, import, 1, range, ImportCounts::default())
}

#[tokio::test]
async fn an_import_that_is_taken_back_leaves_companies_as_they_were() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let (a, c) = (people[0], people[2]);
    write(&store, move |tx| {
        companies::connect(tx, a, Some(acme), "user").map(drop)
    })
    .await
    .unwrap();
    let before = [read_by_rows(&store, a).await, read_by_rows(&store, c).await];
    let import = begin(&store).await;
    let (made, kept) = write(&store, move |tx| {
        let source = imports::source(import);
        let made = companies::add(tx, "Made", None, &source)?;
        let kept = companies::add(tx, "Kept", None, &source)?;
        row(tx, import, "a@acme.example", made, "Tea")?;
        row(tx, import, "c@x.example", acme, "Coffee")?;
        row(tx, import, "new@x.example", made, "Tea")?;
        imports::end(tx, import, false)?;
        Ok((made, kept))
    })
    .await
    .unwrap();
    assert_eq!(read_by_index(&store, a).get("company.name"), Some(&text("Made")));
    assert_eq!(
        read_by_index(&store, c).get("company.industry"),
        Some(&text("Coffee"))
    );
    write(&store, move |tx| {
        companies::set(tx, kept, "company.industry", Some(&text("By hand")), "user").map(drop)
    })
    .await
    .unwrap();
    let mut calls = 0;
    while !write(&store, move |tx| imports::undo(tx, import, 1))
        .await
        .unwrap()
        .finished
    {
        calls += 1;
        assert!(calls < 50, "it never ends");
    }
    for (id, was) in [a, c].into_iter().zip(&before) {
        assert_eq!(read_by_rows(&store, id).await, *was);
        assert_eq!(read_by_index(&store, id), *was);
    }
    let (industry, there, stays, new) = store
        .read(move |db| {
            let industry = companies::values_of(db, acme)?;
            Ok((
                industry,
                companies::exists(db, made)?,
                companies::exists(db, kept)?,
                contacts::id_of(db, "new@x.example")?,
            ))
        })
        .await
        .unwrap();
    assert!(industry.contains(&("company.industry".to_owned(), text("Retail"))));
    assert!(!there, "nobody has it");
    assert!(stays, "somebody changed it since");
    assert_eq!(new, None, "a connection of its own import is no change since");
}
