use super::fixtures::{Place, add, again, day, field, fresh, ids, said, write};
use crate::contacts::{
    Columns, Fill, Inserted, NewContact, Order, PageQuery, add_tag, by_email, delete, get, insert_batch,
    range_after, set_field, update,
};
use crate::{Error, fields, suppressions};
use carillon_model::ContactId;
use carillon_model::consent::{ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{Currency, FieldType, Money, Value};
use chrono::NaiveDate;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn every_type() -> Vec<(&'static str, FieldType, &'static [&'static str], Value)> {
    let date = NaiveDate::from_ymd_opt(1969, 2, 28).unwrap();
    vec![
        ("note", FieldType::Text, &[], text("a \"quoted\" ünïcode")),
        ("score", FieldType::Number, &[], Value::Number(-0.125)),
        (
            "total",
            FieldType::Money,
            &[],
            Value::Money(Money {
                minor: -1_999,
                currency: Currency::parse("jpy").unwrap(),
            }),
        ),
        ("newsletter", FieldType::YesNo, &[], Value::YesNo(false)),
        (
            "size",
            FieldType::Choice,
            &["s", "m", "l"],
            Value::Choice("l".to_owned()),
        ),
        (
            "likes",
            FieldType::MultiChoice,
            &["tea", "coffee", "cake"],
            Value::MultiChoice(["tea".to_owned(), "cake".to_owned()].into()),
        ),
        ("born", FieldType::Date, &[], Value::Date(date)),
        (
            "seen",
            FieldType::DateTime,
            &[],
            Value::DateTime(super::fixtures::day(-400)),
        ),
    ]
}

#[tokio::test]
async fn values_of_every_type_read_back_from_the_rows_and_from_the_index_after_reopening() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        for (key, kind, options, _) in every_type() {
            fields::add(tx, &field(key, kind, options))?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let id = write(&store, |tx| {
        let keys: Vec<&str> = every_type().iter().map(|f| f.0).collect();
        let columns = Columns::resolve(tx, &keys)?;
        let row = NewContact {
            email: " Ada@Example.COM ".to_owned(),
            values: every_type().into_iter().map(|f| Some(f.3)).collect(),
            zone_source: None,
        };
        Ok(insert_batch(tx, &columns, &mut [row], "import:1")?[0].id())
    })
    .await
    .unwrap();
    let other = ids(&write(&store, |tx| add(tx, &["b@example.com"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        for (key, _, _, value) in every_type() {
            set_field(tx, other, key, Some(&value), "user")?;
        }
        Ok(())
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    let indexed = store.with_index(|i| i.record(id).unwrap().fields);
    for contact in [id, other] {
        let contact = store.read(move |db| get(db, contact)).await.unwrap().unwrap();
        let shown: BTreeMap<String, Value> = contact
            .fields
            .iter()
            .map(|f| (f.key.clone(), f.value.clone()))
            .collect();
        for (key, _, _, value) in every_type() {
            assert_eq!(shown.get(key), Some(&value), "{key}");
            assert_eq!(indexed.get(key), Some(&value), "{key}");
        }
    }
    let found = store
        .read(|db| by_email(db, "ADA@example.com"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.id, found.email.as_str()), (id, "ada@example.com"));
}

#[tokio::test]
async fn each_value_keeps_who_wrote_it_and_unchanged_ones_keep_their_first_source() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@example.com"], "import:7"))
        .await
        .unwrap())[0];
    let changed = write(&store, move |tx| {
        let columns = Columns::resolve(tx, &["first_name", "city", "country"])?;
        set_field(tx, id, "country", Some(&text("DE")), "user")?;
        update(
            tx,
            id,
            &columns,
            &[Some(text("Ada")), Some(text("Bonn")), Some(text("FR"))],
            &[Fill::Overwrite, Fill::Overwrite, Fill::EmptyOnly],
            "import:8",
        )
    })
    .await
    .unwrap();
    assert_eq!(
        changed.iter().map(|c| c.key.as_str()).collect::<Vec<_>>(),
        ["city"]
    );
    let contact = store.read(move |db| get(db, id)).await.unwrap().unwrap();
    let source = |key: &str| {
        contact
            .fields
            .iter()
            .find(|f| f.key == key)
            .map(|f| f.provenance.source.clone())
    };
    assert_eq!(source("first_name").as_deref(), Some("import:7"));
    assert_eq!(source("city").as_deref(), Some("import:8"));
    assert_eq!(source("country").as_deref(), Some("user"));
}

#[tokio::test]
async fn a_zone_somebody_else_chose_says_so_until_it_is_written() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = write(&store, |tx| {
        let columns = Columns::resolve(tx, &["time_zone"])?;
        let row = NewContact {
            email: "a@example.com".to_owned(),
            values: vec![Some(text("Europe/Paris"))],
            zone_source: Some("country".to_owned()),
        };
        Ok(insert_batch(tx, &columns, &mut [row], "import:1")?[0].id())
    })
    .await
    .unwrap();
    let source = async || {
        let contact = store.read(move |db| get(db, id)).await.unwrap().unwrap();
        contact
            .fields
            .iter()
            .find(|f| f.key == "time_zone")
            .unwrap()
            .provenance
            .source
            .clone()
    };
    assert_eq!(source().await, "country");
    write(&store, move |tx| {
        set_field(tx, id, "time_zone", Some(&text("Asia/Tokyo")), "user")
    })
    .await
    .unwrap();
    assert_eq!(source().await, "user");
}

#[tokio::test]
async fn a_batch_answers_in_its_own_order_and_adds_no_address_twice() {
    let place = Place::new();
    let store = fresh(&place).await;
    let done = write(&store, |tx| {
        add(
            tx,
            &["c@x.example", "a@x.example", "C@x.example ", "b@x.example"],
            "user",
        )
    })
    .await
    .unwrap();
    let got = ids(&done);
    assert_eq!(got[0], got[2]);
    assert_eq!(
        done.iter().filter(|d| matches!(d, Inserted::New { .. })).count(),
        3
    );
    let emails = store.read(|db| range_after(db, None, 10)).await.unwrap();
    assert_eq!(
        emails.iter().map(|c| c.email.as_str()).collect::<Vec<_>>(),
        ["a@x.example", "b@x.example", "c@x.example"]
    );
    assert_eq!(store.read(crate::contacts::count).await.unwrap(), 3);
}

#[tokio::test]
async fn an_address_in_use_or_empty_or_a_wrong_value_changes_nothing() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(
        &write(&store, |tx| add(tx, &["a@x.example", "b@x.example"], "user"))
            .await
            .unwrap(),
    )[0];
    let taken = write(&store, move |tx| {
        set_field(tx, id, "email", Some(&text("B@x.example")), "user")
    })
    .await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
    for (key, value) in [
        ("email", None),
        ("email", Some(text("  "))),
        ("city", Some(Value::Number(1.0))),
    ] {
        let refused = write(&store, move |tx| set_field(tx, id, key, value.as_ref(), "user")).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{key}: {refused:?}");
    }
    assert!(matches!(
        write(&store, move |tx| set_field(tx, id, "nothing", None, "user")).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(
        store.read(move |db| get(db, id)).await.unwrap().unwrap().email,
        "a@x.example"
    );
}

#[tokio::test]
async fn fields_cannot_be_confused_and_a_retired_one_frees_its_key_but_not_its_column() {
    let place = Place::new();
    let store = fresh(&place).await;
    for bad in ["", "1a", "Über", "a b", "email", "a-b", &"x".repeat(64)] {
        let bad = field(bad, FieldType::Text, &[]);
        assert!(write(&store, move |tx| fields::add(tx, &bad)).await.is_err());
    }
    let many: Vec<String> = (0..64).map(|i| format!("o{i}")).collect();
    let refs: Vec<&str> = many.iter().map(String::as_str).collect();
    let bad = field("many", FieldType::MultiChoice, &refs);
    assert!(write(&store, move |tx| fields::add(tx, &bad)).await.is_err());
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        fields::add(tx, &field("level", FieldType::Text, &[]))?;
        set_field(tx, id, "level", Some(&text("old")), "user").map(|_| ())
    })
    .await
    .unwrap();
    write(&store, |tx| fields::retire(tx, "level")).await.unwrap();
    assert!(store.with_index(|i| !i.record(id).unwrap().fields.contains_key("level")));
    write(&store, |tx| {
        fields::add(tx, &field("level", FieldType::Number, &[]))
    })
    .await
    .unwrap();
    let contact = store.read(move |db| get(db, id)).await.unwrap().unwrap();
    assert!(contact.fields.iter().all(|f| f.key != "level"));
    write(&store, |tx| {
        fields::add(tx, &field("size", FieldType::Choice, &["s"]))
    })
    .await
    .unwrap();
    let lost = write(&store, |tx| fields::change(tx, "size", "Size", &["m".to_owned()])).await;
    assert!(matches!(lost, Err(Error::Invalid(_))));
    write(&store, |tx| {
        fields::change(tx, "size", "Size", &["s".to_owned(), "m".to_owned()])
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn pages_are_sorted_filtered_and_counted_with_missing_values_last_both_ways() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        let got = ids(&add(
            tx,
            &["a@x.example", "b@x.example", "c@x.example", "d@x.example"],
            "user",
        )?);
        set_field(tx, got[0], "city", Some(&text("ulm")), "user")?;
        set_field(tx, got[1], "city", Some(&text("Bonn")), "user")?;
        set_field(tx, got[3], "city", Some(&text("Köln")), "user")?;
        Ok(())
    })
    .await
    .unwrap();
    let page = async |descending, filter: Option<RoaringBitmap>, offset, limit| {
        let query = PageQuery {
            order: Order::Field("city".to_owned()),
            descending,
            filter,
            offset,
            limit,
        };
        let page = store.contacts_page(query).await.unwrap();
        (page.rows.iter().map(|c| c.id.0).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(page(false, None, 0, 10).await, (vec![2, 4, 1, 3], 4));
    assert_eq!(page(true, None, 0, 10).await, (vec![1, 4, 2, 3], 4));
    assert_eq!(page(true, None, 1, 2).await, (vec![4, 2], 4));
    assert_eq!(
        page(false, Some([1, 3, 4].into_iter().collect()), 1, 5).await,
        (vec![1, 3], 3)
    );
    write(&store, |tx| {
        set_field(tx, ContactId(3), "city", Some(&text("Aachen")), "user")
    })
    .await
    .unwrap();
    assert_eq!(
        page(false, None, 0, 1).await,
        (vec![3], 4),
        "a kept order ends with the change"
    );
}

#[tokio::test]
async fn suppression_survives_deletion_reopening_and_a_new_import_of_the_address() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        delete(tx, id, Some(SuppressionReason::Erased), "user")
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    let reason = store
        .read(|db| suppressions::contains(db, " A@x.example"))
        .await
        .unwrap();
    assert_eq!(reason, Some(SuppressionReason::Erased));
    let back = write(&store, |tx| add(tx, &["A@X.example", "b@x.example"], "import:2"))
        .await
        .unwrap();
    assert!(matches!(back[0], Inserted::New { suppressed: true, .. }));
    assert!(matches!(
        back[1],
        Inserted::New {
            suppressed: false,
            ..
        }
    ));
    let back = back[0].id();
    assert!(store.with_index(|i| i.record(back).unwrap().suppressed));
    assert!(
        store
            .read(move |db| suppressions::of_contact(db, back))
            .await
            .unwrap()
    );
    assert!(matches!(
        write(&store, |tx| suppressions::remove(tx, "a@x.example", " ", "user")).await,
        Err(Error::Invalid(_))
    ));
    assert!(
        write(&store, |tx| suppressions::remove(
            tx,
            "a@x.example",
            "asked by phone",
            "user"
        ))
        .await
        .unwrap()
    );
    assert!(!store.with_index(|i| i.record(back).unwrap().suppressed));
    let acts = store.read(|db| suppressions::acts(db, 10)).await.unwrap();
    assert_eq!(
        (acts.len(), acts[0].added, acts[0].reason.as_str()),
        (2, false, "asked by phone")
    );
    let bytes = std::fs::read(place.file()).unwrap();
    assert!(
        !bytes.windows(19).any(|w| w == b"suppressions:a@x.ex"),
        "addresses are hashed"
    );
}

#[tokio::test]
async fn a_suppressed_address_given_to_a_contact_marks_the_contact() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, |tx| {
        suppressions::add(tx, "b@x.example", SuppressionReason::Manual, "user")
    })
    .await
    .unwrap();
    write(&store, move |tx| {
        set_field(tx, id, "email", Some(&text("b@x.example")), "user")
    })
    .await
    .unwrap();
    assert!(store.with_index(|i| i.record(id).unwrap().suppressed));
    write(&store, move |tx| {
        set_field(tx, id, "email", Some(&text("c@x.example")), "user")
    })
    .await
    .unwrap();
    assert!(!store.with_index(|i| i.record(id).unwrap().suppressed));
}

#[tokio::test]
async fn a_complaint_follows_the_person_to_a_new_address_and_a_bounce_does_not() {
    let place = Place::new();
    let store = fresh(&place).await;
    let people = ids(
        &write(&store, |tx| add(tx, &["a@x.example", "b@x.example"], "user"))
            .await
            .unwrap(),
    );
    let (a, b) = (people[0], people[1]);
    write(&store, move |tx| {
        suppressions::add(tx, "a@x.example", SuppressionReason::Complained, "smtp")?;
        suppressions::add(tx, "b@x.example", SuppressionReason::Bounced, "smtp")?;
        set_field(tx, a, "email", Some(&text("a@new.example")), "user")?;
        set_field(tx, b, "email", Some(&text("b@new.example")), "user")
    })
    .await
    .unwrap();
    let kept_back = |id| store.with_index(|i| i.record(id).unwrap().suppressed);
    assert_eq!((kept_back(a), kept_back(b)), (true, false));
    let reason = store
        .read(|db| suppressions::contains(db, "a@new.example"))
        .await
        .unwrap();
    assert_eq!(reason, Some(SuppressionReason::Complained));
}

#[tokio::test]
async fn a_no_to_marketing_mail_outlives_the_contact_and_no_permission_at_all_does_not() {
    let place = Place::new();
    let store = fresh(&place).await;
    let everybody = [
        "no@x.example",
        "yes@x.example",
        "undone@x.example",
        "untracked@x.example",
    ];
    let people = ids(&write(&store, move |tx| add(tx, &everybody, "user"))
        .await
        .unwrap());
    write(&store, move |tx| {
        for (id, action, purpose, source) in [
            (people[0], ConsentAction::Withdrawn, Purpose::Marketing, "a call"),
            (people[1], ConsentAction::Granted, Purpose::Marketing, "form"),
            (
                people[2],
                ConsentAction::Withdrawn,
                Purpose::Marketing,
                "undo:import:1",
            ),
            (people[3], ConsentAction::Withdrawn, Purpose::Tracking, "form"),
        ] {
            let now = tx.now();
            crate::consents::add(tx, &said(id, action, purpose, source, now))?;
        }
        people.iter().try_for_each(|id| delete(tx, *id, None, "user"))
    })
    .await
    .unwrap();
    let back = write(&store, move |tx| add(tx, &everybody, "import:2"))
        .await
        .unwrap();
    let kept_back: Vec<bool> = back
        .iter()
        .map(|new| matches!(new, Inserted::New { suppressed: true, .. }))
        .collect();
    assert_eq!(kept_back, [true, false, false, false]);
}

#[tokio::test]
async fn a_removed_contact_leaves_no_tag_value_or_event_behind() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    write(&store, move |tx| {
        add_tag(tx, id, "vip", "user")?;
        set_field(tx, id, "city", Some(&text("Bonn")), "user")?;
        let event = crate::events::NewEvent {
            contact: id,
            name: "order".to_owned(),
            at: tx.now(),
            source: "shop".to_owned(),
            props: BTreeMap::new(),
        };
        crate::events::append(tx, &[event])?;
        Ok(())
    })
    .await
    .unwrap();
    write(&store, move |tx| delete(tx, id, None, "user"))
        .await
        .unwrap();
    for table in [
        "contacts",
        "contact_tags",
        "provenance",
        "events",
        "permissions",
        "contact_fields",
    ] {
        let left = write(&store, move |tx| {
            Ok(tx
                .conn
                .query_row(&format!("SELECT count(*) FROM {table}"), (), |r| {
                    r.get::<_, i64>(0)
                })?)
        })
        .await
        .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

/// Whether a text stands anywhere in a file of the workspace, used pages or not.
fn stands_in_a_file(place: &Place, text: &str) -> bool {
    let folder = place.file().parent().unwrap().to_owned();
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|at| at == text.as_bytes())
    })
}

#[tokio::test]
async fn what_is_erased_is_gone_from_the_bytes_of_the_file() {
    let place = Place::new();
    let store = fresh(&place).await;
    let secrets = [
        "zuleika.quince@x.example",
        "Quincetown",
        "a long word of hers: orangery",
    ];
    let id = write(&store, move |tx| {
        let id = ids(&add(tx, &[secrets[0]], "user")?)[0];
        set_field(tx, id, "city", Some(&Value::Text(secrets[1].to_owned())), "user")?;
        let visits: Vec<_> = (0..500)
            .map(|n| crate::events::NewEvent {
                contact: id,
                name: "visit".to_owned(),
                at: day(0) + chrono::TimeDelta::seconds(n),
                source: "test".to_owned(),
                props: [(
                    "said".to_owned(),
                    carillon_model::event::Prop::Text(secrets[2].to_owned()),
                )]
                .into(),
            })
            .collect();
        crate::events::append(tx, &visits)?;
        Ok(id)
    })
    .await
    .unwrap();
    for secret in secrets {
        assert!(stands_in_a_file(&place, secret), "{secret}");
    }
    write(&store, move |tx| delete(tx, id, None, "user"))
        .await
        .unwrap();
    store.close().await;
    for secret in secrets {
        assert!(!stands_in_a_file(&place, secret), "{secret}");
    }
}
