use super::fixtures::{Place, add, again, enrol_and_queue, fresh, ids, said, stage, write};
use crate::contacts::{
    Columns, Fill, Inserted, NewContact, add_tag, by_email, get, insert_batch, set_field, update,
};
use crate::imports::{self, ImportCounts, ImportKind, ImportState};
use crate::{Error, Result, Store, Tx, consents, crash, events, intake};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::Value;
use carillon_model::{ContactId, ImportId};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// One batch of an import: adds who is new, updates who is there, tags and permits everybody.
fn batch(tx: &mut Tx<'_>, import: ImportId, rows: &[(&str, &str)], position: u64) -> Result<()> {
    let source = imports::source(import);
    let columns = Columns::resolve(tx, &["city"])?;
    let mut new: Vec<NewContact> = rows
        .iter()
        .map(|(email, city)| NewContact {
            email: (*email).to_owned(),
            values: vec![Some(text(city))],
            zone_source: None,
        })
        .collect();
    let mut counts = ImportCounts::default();
    let mut range: Option<(i64, i64)> = None;
    for (inserted, (_, city)) in insert_batch(tx, &columns, &mut new, &source)?
        .into_iter()
        .zip(rows)
    {
        let id = inserted.id();
        match inserted {
            Inserted::New { .. } => {
                let n = i64::from(id.0);
                range = Some(range.map_or((n, n), |(a, b)| (a.min(n), b.max(n))));
                counts.added += 1;
            }
            Inserted::Exists(id) => {
                let changed = update(tx, id, &columns, &[Some(text(city))], &[Fill::Overwrite], &source)?;
                imports::keep_was(tx, import, id, &changed)?;
                counts.changed += 1;
            }
        }
        add_tag(tx, id, "fair", &source)?;
        let now = tx.now();
        let evidence = imports::evidence("A fair", import);
        let consent = said(id, ConsentAction::Granted, Purpose::Marketing, &evidence, now);
        consents::add(tx, &consent)?;
    }
    imports::advance(tx, import, position, range, counts)
}

async fn begin(store: &Store) -> ImportId {
    write(store, |tx| {
        imports::begin(tx, ImportKind::Contacts, "fair.csv", "{}")
    })
    .await
    .unwrap()
}

async fn undo_all(store: &Store, import: ImportId, limit: u32) -> imports::Undone {
    let mut sum = imports::Undone::default();
    while !sum.finished {
        let part = write(store, move |tx| imports::undo(tx, import, limit))
            .await
            .unwrap();
        sum.removed += part.removed;
        sum.kept += part.kept;
        sum.restored += part.restored;
        sum.events += part.events;
        sum.permissions += part.permissions;
        sum.finished = part.finished;
    }
    sum
}

async fn city(store: &Store, id: ContactId) -> Option<Value> {
    let contact = store.read(move |db| get(db, id)).await.unwrap().unwrap();
    contact
        .fields
        .into_iter()
        .find(|f| f.key == "city")
        .map(|f| f.value)
}

#[tokio::test]
async fn undoing_an_import_takes_back_what_nobody_touched_since_and_nothing_else() {
    let place = Place::new();
    let store = fresh(&place).await;
    let before = ids(&write(&store, |tx| {
        add(
            tx,
            &["old1@x.example", "old2@x.example", "old3@x.example"],
            "user",
        )
    })
    .await
    .unwrap());
    let (old1, old2, old3) = (before[0], before[1], before[2]);
    write(&store, move |tx| {
        set_field(tx, old1, "city", Some(&text("Bonn")), "user")
    })
    .await
    .unwrap();
    let stage = write(&store, stage).await.unwrap();
    let import = begin(&store).await;
    write(&store, move |tx| {
        let rows = [
            ("old1@x.example", "Ulm"),
            ("old2@x.example", "Ulm"),
            ("old3@x.example", "Ulm"),
            ("new1@x.example", "Ulm"),
            ("new2@x.example", "Ulm"),
            ("new3@x.example", "Ulm"),
        ];
        batch(tx, import, &rows, 6)
    })
    .await
    .unwrap();
    let early = write(&store, move |tx| imports::undo(tx, import, 100)).await;
    assert!(matches!(early, Err(Error::Invalid(_))), "it is still running");
    write(&store, move |tx| imports::end(tx, import, false))
        .await
        .unwrap();
    let shown = store
        .read(move |db| imports::get(db, import))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            shown.counts.added,
            shown.counts.changed,
            shown.position,
            shown.range
        ),
        (3, 3, 6, Some((4, 6)))
    );

    // Since then: one was mailed, one changed by hand, and one value of an older contact too.
    let id = |email: &'static str| {
        let store = store.clone();
        async move {
            store
                .read(move |db| by_email(db, email))
                .await
                .unwrap()
                .map(|c| c.id)
        }
    };
    let (mailed, edited) = (
        id("new1@x.example").await.unwrap(),
        id("new2@x.example").await.unwrap(),
    );
    write(&store, move |tx| {
        enrol_and_queue(tx, stage, mailed)?;
        set_field(tx, edited, "first_name", Some(&text("Eve")), "user")?;
        set_field(tx, old2, "city", Some(&text("Aachen")), "user").map(|_| ())
    })
    .await
    .unwrap();

    let undone = undo_all(&store, import, 2).await;
    assert_eq!((undone.removed, undone.kept, undone.restored), (1, 2, 3));
    assert_eq!(undone.permissions, 3);
    assert!(id("new3@x.example").await.is_none());
    assert!(id("new1@x.example").await.is_some() && id("new2@x.example").await.is_some());
    assert_eq!(city(&store, old1).await, Some(text("Bonn")));
    assert_eq!(
        city(&store, old2).await,
        Some(text("Aachen")),
        "changed since: stays"
    );
    assert_eq!(city(&store, old3).await, None, "there was none before");
    let tags = store.read(move |db| get(db, old1)).await.unwrap().unwrap().tags;
    assert!(tags.is_empty());
    let allowed = store
        .read(move |db| consents::permission(db, old1, Channel::Email, Purpose::Marketing))
        .await
        .unwrap();
    assert_eq!(allowed, None, "the consent it brought is withdrawn");
    let kept = store.read(move |db| get(db, mailed)).await.unwrap().unwrap();
    assert!(
        kept.fields
            .iter()
            .any(|f| f.provenance.source == imports::source(import))
    );
    let shown = store
        .read(move |db| imports::get(db, import))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown.state, ImportState::Undone);
    assert!(
        write(&store, move |tx| imports::undo(tx, import, 1))
            .await
            .is_err()
    );
    store.close().await;
    let rebuilt = again(&place.file()).await;
    assert_eq!(
        rebuilt.with_index(|i| i.contacts().iter().collect::<Vec<_>>()),
        [1, 2, 3, 4, 5]
    );
}

#[tokio::test]
async fn a_permission_from_before_an_import_is_said_again_by_its_undoing() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        let row = Consent {
            contact: id,
            channel: Channel::Email,
            purpose: Purpose::Marketing,
            action: ConsentAction::Granted,
            basis: Basis::DoubleOptIn,
            wording: None,
            wording_hash: None,
            source: "form".to_owned(),
            at: tx.now(),
        };
        consents::add(tx, &row)
    })
    .await
    .unwrap();
    let import = begin(&store).await;
    write(&store, move |tx| batch(tx, import, &[("a@x.example", "Ulm")], 1))
        .await
        .unwrap();
    write(&store, move |tx| imports::end(tx, import, true))
        .await
        .unwrap();
    undo_all(&store, import, 100).await;
    let allowed = store
        .read(move |db| consents::permission(db, id, Channel::Email, Purpose::Marketing))
        .await
        .unwrap();
    assert_eq!(allowed, Some(Basis::DoubleOptIn));
    assert_eq!(
        store.read(move |db| consents::of(db, id)).await.unwrap().len(),
        3,
        "the ledger only grows"
    );
}

async fn imported(store: &Store, rows: &'static [(&'static str, &'static str)]) -> ImportId {
    let import = begin(store).await;
    write(store, move |tx| {
        batch(tx, import, rows, rows.len() as u64)?;
        imports::end(tx, import, false)
    })
    .await
    .unwrap();
    import
}

#[tokio::test]
async fn values_go_back_with_who_wrote_them_so_that_imports_are_undone_one_after_the_other() {
    let place = Place::new();
    let store = fresh(&place).await;
    let old = ids(&write(&store, |tx| add(tx, &["old@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        set_field(tx, old, "city", Some(&text("Bonn")), "a form")
    })
    .await
    .unwrap();
    let first = imported(&store, &[("old@x.example", "Ulm"), ("new@x.example", "Ulm")]).await;
    let second = imported(&store, &[("old@x.example", "Kiel"), ("new@x.example", "Kiel")]).await;
    let wrote = |id: ContactId| {
        let store = store.clone();
        async move {
            let contact = store.read(move |db| get(db, id)).await.unwrap().unwrap();
            let field = contact.fields.into_iter().find(|f| f.key == "city").unwrap();
            (field.value, field.provenance.source)
        }
    };
    assert_eq!(wrote(old).await, (text("Kiel"), imports::source(second)));
    undo_all(&store, second, 1).await;
    assert_eq!(wrote(old).await, (text("Ulm"), imports::source(first)));
    let undone = undo_all(&store, first, 1).await;
    assert_eq!((undone.removed, undone.kept, undone.restored), (1, 0, 1));
    assert_eq!(wrote(old).await, (text("Bonn"), "a form".to_owned()));
}

#[tokio::test]
async fn two_imports_that_wrote_one_value_are_undone_in_any_order() {
    let place = Place::new();
    let store = fresh(&place).await;
    let old = ids(&write(&store, |tx| add(tx, &["old@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        set_field(tx, old, "city", Some(&text("Bonn")), "a form")
    })
    .await
    .unwrap();
    let first = imported(&store, &[("old@x.example", "Ulm")]).await;
    let second = imported(&store, &[("old@x.example", "Kiel")]).await;
    let third = imported(&store, &[("old@x.example", "Trier")]).await;
    undo_all(&store, first, 9).await;
    undo_all(&store, second, 9).await;
    assert_eq!(
        city(&store, old).await,
        Some(text("Trier")),
        "the last one stands"
    );
    undo_all(&store, third, 9).await;
    let contact = store.read(move |db| get(db, old)).await.unwrap().unwrap();
    let field = contact.fields.into_iter().find(|f| f.key == "city").unwrap();
    assert_eq!(
        (field.value, field.provenance.source),
        (text("Bonn"), "a form".to_owned())
    );
}

#[tokio::test]
async fn what_files_kept_of_values_at_first_is_still_read() {
    let place = Place::new();
    let store = fresh(&place).await;
    let old = ids(&write(&store, |tx| add(tx, &["old@x.example"], "user"))
        .await
        .unwrap())[0];
    let import = imported(&store, &[("old@x.example", "Ulm")]).await;
    write(&store, |tx| {
        let first = r#"[[5,{"type":"text","value":"Bonn"}]]"#;
        Ok(tx.conn.execute("UPDATE import_changes SET was = ?1", (first,))?)
    })
    .await
    .unwrap();
    undo_all(&store, import, 9).await;
    assert_eq!(city(&store, old).await, Some(text("Bonn")));
}

#[tokio::test]
async fn whoever_said_something_since_an_import_is_not_removed_with_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let import = imported(&store, &[("no@x.example", "Ulm"), ("quiet@x.example", "Ulm")]).await;
    let no = store
        .read(|db| crate::contacts::id_of(db, "no@x.example"))
        .await
        .unwrap()
        .unwrap();
    write(&store, move |tx| {
        let now = tx.now();
        consents::add(
            tx,
            &said(no, ConsentAction::Withdrawn, Purpose::Marketing, "a call", now),
        )
    })
    .await
    .unwrap();
    let undone = undo_all(&store, import, 9).await;
    assert_eq!((undone.removed, undone.kept), (1, 1));
    let allowed = store
        .read(move |db| consents::permission(db, no, Channel::Email, Purpose::Marketing))
        .await
        .unwrap();
    assert_eq!(allowed, None);
}

#[tokio::test]
async fn a_full_disk_keeps_what_was_committed_and_the_import_goes_on_when_there_is_room() {
    let place = Place::new();
    let store = fresh(&place).await;
    let import = begin(&store).await;
    let limit = |pages: i64| {
        write(&store, move |tx| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            Ok(tx.conn.query_row(&sql, (), |row| row.get::<_, i64>(0))?)
        })
    };
    // SQLite lets a file not be smaller than it is: not one page more.
    let now = limit(1).await.unwrap();
    let fill = |n: u32| {
        write(&store, move |tx| {
            let emails: Vec<String> = (0..2_000)
                .map(|i| format!("p{}@x.example", n * 2_000 + i))
                .collect();
            let rows: Vec<(&str, &str)> = emails.iter().map(|e| (e.as_str(), "Ulm")).collect();
            batch(tx, import, &rows, u64::from(n + 1) * 2_000)
        })
    };
    let full = fill(0).await.unwrap_err();
    assert!(matches!(full, Error::Full), "{full:?}");
    assert!(full.to_string().contains("disk is full") && full.to_string().contains("Free some space"));
    assert_eq!(store.read(crate::contacts::count).await.unwrap(), 0);
    assert_eq!(store.with_index(|i| i.contacts().len()), 0);
    limit(now * 1_000).await.unwrap();
    fill(0).await.unwrap();
    let row = store
        .read(move |db| imports::get(db, import))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.position, row.counts.added), (2_000, 2_000));
    assert_eq!(store.read(crate::contacts::count).await.unwrap(), 2_000);
}

#[tokio::test]
async fn a_batch_after_the_cancelling_is_not_kept_and_the_position_is_that_of_the_last_kept_batch() {
    let place = Place::new();
    let store = fresh(&place).await;
    let import = begin(&store).await;
    write(&store, move |tx| batch(tx, import, &[("a@x.example", "Ulm")], 1))
        .await
        .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    let shown = store
        .read(move |db| imports::get(db, import))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((shown.state, shown.position), (ImportState::Running, 1));
    write(&store, move |tx| imports::end(tx, import, true))
        .await
        .unwrap();
    let late = write(&store, move |tx| batch(tx, import, &[("b@x.example", "Ulm")], 2)).await;
    assert!(matches!(late, Err(Error::Invalid(_))));
    assert_eq!(store.read(crate::contacts::count).await.unwrap(), 1);
    crash::point("no test asks for this one");
}

#[tokio::test]
async fn imported_events_are_taken_back_from_rows_figures_and_index() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    let import = write(&store, |tx| {
        imports::begin(tx, ImportKind::Events, "orders.csv", "{}")
    })
    .await
    .unwrap();
    write(&store, move |tx| {
        let event = |source: String| events::NewEvent {
            contact: id,
            name: "order".to_owned(),
            at: tx.now(),
            source,
            props: std::collections::BTreeMap::new(),
        };
        let all = [
            event(imports::source(import)),
            event("shop".to_owned()),
            event(imports::source(import)),
        ];
        let ids = events::append(tx, &all)?;
        let counts = ImportCounts {
            added: 2,
            ..ImportCounts::default()
        };
        imports::advance(tx, import, 3, Some((ids[0].0, ids[2].0)), counts)?;
        imports::end(tx, import, false)
    })
    .await
    .unwrap();
    assert_eq!(undo_all(&store, import, 1).await.events, 2);
    assert_eq!(store.with_index(|i| i.record(id).unwrap().events.len()), 1);
    assert_eq!(
        store
            .read(|db| events::after(db, carillon_model::EventId(0), 10))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_was_taken_in_before_is_known_again() {
    let place = Place::new();
    let store = fresh(&place).await;
    let new = write(&store, |tx| {
        intake::remember(tx, "shop", &[[2; 16], [1; 16], [2; 16]])
    })
    .await
    .unwrap();
    assert_eq!(new, [true, true, false]);
    let new = write(&store, |tx| intake::remember(tx, "shop", &[[1; 16], [3; 16]]))
        .await
        .unwrap();
    assert_eq!(new, [false, true]);
    let new = write(&store, |tx| intake::remember(tx, "other", &[[1; 16]]))
        .await
        .unwrap();
    assert_eq!(new, [true]);
    let cursor = intake::IntakeCursor {
        epoch: "e1".to_owned(),
        seq: 9,
    };
    let kept = cursor.clone();
    write(&store, move |tx| intake::set_cursor(tx, "relay", &kept))
        .await
        .unwrap();
    assert_eq!(
        store.read(|db| intake::cursor(db, "relay")).await.unwrap(),
        Some(cursor)
    );
    let later = super::fixtures::day(intake::KEEP_DAYS + 1);
    assert_eq!(
        write(&store, move |tx| intake::forget_old(tx, later))
            .await
            .unwrap(),
        4
    );
}
