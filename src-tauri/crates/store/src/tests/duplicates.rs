//! Merges and what becomes of everything a contact had; taking them back.

mod pairs;
mod people;

use super::fixtures::{Place, again, day, write};
use crate::contacts::{self, Columns, Inserted, NewContact, insert_batch};
use crate::duplicates::{self, merge, unmerge};
use crate::{Error, choices, consents, enrolments, events, inputs, outbox, responses, suppressions};
use carillon_model::MergeId;
use carillon_model::consent::{Channel, ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::Value;
use carillon_model::journey::End;
use carillon_model::message::MessageState;
use people::{ABSORBED, OTHER, SURVIVOR, differences, dump, records, town};

#[tokio::test]
async fn a_merge_that_is_taken_back_leaves_everything_as_it_was() {
    let place = Place::new();
    let store = town(&place).await;
    let before = dump(&place);
    let was = records(&store);
    let id = write(&store, |tx| {
        merge(
            tx,
            SURVIVOR,
            ABSORBED,
            &[
                "first_name".into(),
                "time_zone".into(),
                "total".into(),
                "note".into(),
            ],
            "user",
        )
    })
    .await
    .unwrap();
    let merged = dump(&place);
    for table in [
        "contacts",
        "contact_fields",
        "provenance",
        "contact_tags",
        "permissions",
        "events",
        "visitors",
        "enrolments",
        "inputs",
        "outbox",
        "choices",
        "suppressions",
        "duplicate_pairs",
        "gauges",
    ] {
        assert_ne!(
            before[table], merged[table],
            "{table} has nothing in it that a merge moves"
        );
    }
    write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    assert_eq!(differences(&before, &dump(&place)), Vec::<String>::new());
    assert_eq!(records(&store), was);
    store.close().await;
    assert_eq!(
        records(&again(&place.file()).await),
        was,
        "and a fresh index is the same"
    );
}

#[tokio::test]
async fn after_a_merge_the_index_is_what_a_fresh_one_is() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| {
        merge(tx, SURVIVOR, ABSORBED, &["first_name".into()], "user")
    })
    .await
    .unwrap();
    let live = records(&store);
    assert!(live.iter().all(|record| record.id != ABSORBED.0));
    let survivor = live.iter().find(|record| record.id == SURVIVOR.0).unwrap();
    assert_eq!(survivor.events.len(), 3, "events of both");
    assert_eq!(survivor.sent.len(), 2, "messages of both");
    store.close().await;
    assert_eq!(records(&again(&place.file()).await), live);
}

#[tokio::test]
async fn a_value_that_is_taken_over_keeps_its_source_and_moment() {
    let place = Place::new();
    let store = town(&place).await;
    let other = store
        .read(|db| contacts::get(db, ABSORBED))
        .await
        .unwrap()
        .unwrap();
    write(&store, |tx| {
        merge(
            tx,
            SURVIVOR,
            ABSORBED,
            &["first_name".into(), "note".into()],
            "user",
        )
    })
    .await
    .unwrap();
    let now = store
        .read(|db| contacts::get(db, SURVIVOR))
        .await
        .unwrap()
        .unwrap();
    for key in ["first_name", "note"] {
        let of = |contact: &carillon_model::contact::Contact| {
            contact.fields.iter().find(|f| f.key == key).cloned()
        };
        assert!(of(&now).is_some());
        assert_eq!(of(&now), of(&other), "{key}");
    }
    assert!(now.tags.contains("vip") && now.tags.contains("regular"));
}

#[tokio::test]
async fn permission_is_never_widened_and_every_no_is_kept() {
    let place = Place::new();
    let store = town(&place).await;
    // The survivor said yes to mail, the absorbed took it back; only the absorbed said yes to being followed.
    write(&store, |tx| merge(tx, SURVIVOR, ABSORBED, &[], "user"))
        .await
        .unwrap();
    let (mail, tracking, words, left, listed) = store
        .read(|db| {
            Ok((
                consents::permission(db, SURVIVOR, Channel::Email, Purpose::Marketing)?,
                consents::permission(db, SURVIVOR, Channel::Email, Purpose::Tracking)?,
                consents::of(db, SURVIVOR)?.len(),
                choices::of(db, "ada@new.example")?,
                suppressions::contains(db, "ada@new.example")?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((mail, tracking), (None, None));
    assert_eq!(words, 3, "the ledger of both is shown");
    assert!(left.leaves(3), "topics the absorbed left are left");
    assert_eq!(listed, Some(SuppressionReason::Unsubscribed));
}

#[tokio::test]
async fn a_bounce_of_the_old_address_does_not_bar_the_new_one() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| {
        suppressions::add(tx, "cy@x.example", SuppressionReason::Bounced, "mailbox:1")?;
        merge(tx, SURVIVOR, OTHER, &[], "user")
    })
    .await
    .unwrap();
    let read = store.read(|db| {
        Ok((
            suppressions::contains(db, "ada@new.example")?,
            suppressions::of_contact(db, SURVIVOR)?,
            suppressions::contains(db, "cy@x.example")?,
        ))
    });
    assert_eq!(
        read.await.unwrap(),
        (None, false, Some(SuppressionReason::Bounced))
    );
    // Nor does one that comes later.
    write(&store, |tx| {
        suppressions::add(tx, "cy@x.example", SuppressionReason::Complained, "mailbox:1")
    })
    .await
    .unwrap();
    assert!(
        !store
            .read(|db| suppressions::of_contact(db, SURVIVOR))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn the_address_of_the_absorbed_leads_to_the_survivor() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| merge(tx, SURVIVOR, ABSORBED, &[], "user"))
        .await
        .unwrap();
    let found = store
        .read(|db| contacts::id_of(db, " Ada@Old.example "))
        .await
        .unwrap();
    assert_eq!(found, Some(SURVIVOR));
    let added = write(&store, |tx| {
        let columns = Columns::resolve(tx, &[])?;
        let row = NewContact {
            email: "ada@old.example".to_owned(),
            values: vec![],
            zone_source: None,
        };
        insert_batch(tx, &columns, &mut [row], "import:9")
    });
    assert_eq!(
        added.await.unwrap(),
        [Inserted::Exists(SURVIVOR)],
        "an import row adds nobody"
    );
    let taken = write(&store, |tx| {
        contacts::set_field(
            tx,
            OTHER,
            "email",
            Some(&Value::Text("ada@old.example".into())),
            "user",
        )
    });
    assert!(matches!(taken.await, Err(Error::Taken { .. })));
    assert_eq!(
        store.read(|db| duplicates::standing(db, ABSORBED)).await.unwrap(),
        SURVIVOR
    );
}

#[tokio::test]
async fn passages_of_the_absorbed_end_and_still_count_for_the_rule_of_re_entry() {
    let place = Place::new();
    let store = town(&place).await;
    let journey = store
        .read(|db| Ok(enrolments::active_of(db, ABSORBED)?[0].journey))
        .await
        .unwrap();
    assert!(
        store
            .read(move |db| enrolments::history(db, journey, OTHER))
            .await
            .unwrap()
            .is_empty()
    );
    write(&store, |tx| merge(tx, OTHER, ABSORBED, &[], "user"))
        .await
        .unwrap();
    let (history, all, messages, waiting) = store
        .read(move |db| {
            Ok((
                enrolments::history(db, journey, OTHER)?,
                enrolments::of_contact(db, OTHER)?,
                outbox::of_contact(db, OTHER)?,
                inputs::due(db, day(900), &[], 100)?,
            ))
        })
        .await
        .unwrap();
    assert!(history.len() == 1 && history[0].ended, "{history:?}");
    assert_eq!(
        all.iter().map(|e| e.state.end.clone()).collect::<Vec<_>>(),
        [Some(End::Merged)]
    );
    let states: Vec<MessageState> = messages.iter().map(|m| m.state).collect();
    assert_eq!(states, [MessageState::Cancelled, MessageState::Accepted]);
    assert!(messages.iter().all(|m| m.to == "ada@old.example"));
    assert!(waiting.iter().all(|row| row.input.contact != ABSORBED));
}

#[tokio::test]
async fn nobody_is_merged_while_a_message_to_them_is_on_its_way() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| {
        let waiting = outbox::of_contact(tx, ABSORBED)?[0].clone();
        let now = tx.now();
        outbox::claim(tx, waiting.account, outbox::Which::Any, now, 10, 7)?;
        outbox::in_flight(tx, &[waiting.id], 7)
    })
    .await
    .unwrap();
    let refused = write(&store, |tx| merge(tx, SURVIVOR, ABSORBED, &[], "user")).await;
    assert!(matches!(refused, Err(Error::Invalid(why)) if why.contains("on its way")));
}

#[tokio::test]
async fn what_happened_since_a_merge_stays_with_the_survivor() {
    let place = Place::new();
    let store = town(&place).await;
    let id = write(&store, |tx| {
        merge(
            tx,
            SURVIVOR,
            ABSORBED,
            &["first_name".into(), "city".into()],
            "user",
        )
    })
    .await
    .unwrap();
    write(&store, |tx| {
        contacts::set_field(tx, SURVIVOR, "city", Some(&Value::Text("Graz".into())), "user")?;
        contacts::add_tag(tx, SURVIVOR, "late", "user")?;
        consents::add(
            tx,
            &super::fixtures::said(
                SURVIVOR,
                ConsentAction::Granted,
                Purpose::Marketing,
                "form",
                day(50),
            ),
        )?;
        events::append(tx, &[people::event(SURVIVOR, "later", day(40))])?;
        responses::add(tx, &people::opened(SURVIVOR))?;
        Ok(())
    })
    .await
    .unwrap();
    write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    let (one, other, granted) = store
        .read(|db| {
            Ok((
                contacts::get(db, SURVIVOR)?.unwrap(),
                contacts::get(db, ABSORBED)?.unwrap(),
                consents::permission(db, SURVIVOR, Channel::Email, Purpose::Marketing)?,
            ))
        })
        .await
        .unwrap();
    let value = |contact: &carillon_model::contact::Contact, key: &str| {
        contact
            .fields
            .iter()
            .find(|f| f.key == key)
            .map(|f| f.value.clone())
    };
    assert_eq!(
        value(&one, "city"),
        Some(Value::Text("Graz".into())),
        "written since"
    );
    assert_eq!(
        value(&one, "first_name"),
        Some(Value::Text("Ada".into())),
        "as it was"
    );
    assert_eq!(value(&other, "first_name"), Some(Value::Text("Adelaide".into())));
    assert!(one.tags.contains("late") && !one.tags.contains("vip"));
    assert!(granted.is_some(), "a word of their own since");
    let live = records(&store);
    store.close().await;
    assert_eq!(records(&again(&place.file()).await), live);
}

#[tokio::test]
async fn merges_are_taken_back_in_the_reverse_order() {
    let place = Place::new();
    let store = town(&place).await;
    let before = dump(&place);
    let merged = |survivor, absorbed| write(&store, move |tx| merge(tx, survivor, absorbed, &[], "user"));
    let first = merged(SURVIVOR, ABSORBED).await.unwrap();
    let second = merged(OTHER, SURVIVOR).await.unwrap();
    assert_eq!(
        store.read(|db| duplicates::standing(db, ABSORBED)).await.unwrap(),
        OTHER
    );
    let back = |id: MergeId| write(&store, move |tx| unmerge(tx, id));
    assert!(
        matches!(back(first).await, Err(Error::Invalid(why)) if why.contains(&format!("merge {second}")))
    );
    back(second).await.unwrap();
    assert_eq!(
        store.read(|db| duplicates::standing(db, ABSORBED)).await.unwrap(),
        SURVIVOR
    );
    back(first).await.unwrap();
    assert!(
        matches!(back(first).await, Err(Error::Invalid(_))),
        "once is enough"
    );
    assert_eq!(differences(&before, &dump(&place)), Vec::<String>::new());
}

#[tokio::test]
async fn erasing_a_contact_erases_what_was_merged_into_it() {
    let place = Place::new();
    let store = town(&place).await;
    write(&store, |tx| {
        merge(tx, SURVIVOR, ABSORBED, &["first_name".into()], "user")?;
        Ok(())
    })
    .await
    .unwrap();
    write(&store, |tx| {
        contacts::delete(tx, SURVIVOR, Some(SuppressionReason::Erased), "user")
    })
    .await
    .unwrap();
    let left = dump(&place);
    for (table, rows) in &left {
        for row in rows {
            assert!(
                !row.contains("ada@") && !row.contains("Adelaide"),
                "{table}: {row}"
            );
        }
    }
    for table in ["merges", "contact_aliases"] {
        assert!(left[table].is_empty(), "{table}");
    }
    let listed = store
        .read(|db| suppressions::contains(db, "ada@old.example"))
        .await
        .unwrap();
    assert!(listed.is_some(), "the old address is kept out too");
}
