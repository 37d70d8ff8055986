use super::fixtures::{Place, add, again, day, fresh, ids, write};
use crate::contacts::{add_tag, count, delete, remove_tag, set_field};
use crate::{Error, Priority, Topic, changes, consents, segments, settings};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::Value;
use carillon_model::{ContactId, Seq};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_write_that_fails_or_panics_leaves_no_row_no_number_and_no_edge() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        segments::save(
            tx,
            None,
            "All",
            &carillon_engine::segment::parse("everyone").unwrap(),
        )
    })
    .await
    .unwrap();
    let seq = store.seq();
    let failed = write(&store, |tx| {
        add(tx, &["a@example.com"], "user")?;
        Err::<(), _>(Error::Invalid("no".to_owned()))
    })
    .await;
    assert!(matches!(failed, Err(Error::Invalid(_))));
    let panicked = write(&store, |tx| {
        add(tx, &["a@example.com"], "user")?;
        if tx.now() >= day(0) {
            panic!("on purpose");
        }
        Ok(())
    })
    .await;
    assert!(
        matches!(&panicked, Err(Error::Panicked(why)) if why == "on purpose"),
        "{panicked:?}"
    );
    assert_eq!(store.seq(), seq);
    assert_eq!(store.read(count).await.unwrap(), 0);
    assert_eq!(store.with_index(|i| i.contacts().len()), 0);
    let added = write(&store, |tx| add(tx, &["a@example.com"], "user"))
        .await
        .unwrap();
    assert_eq!(ids(&added), [ContactId(1)]);
    let edges = store.read(|db| segments::edges_after(db, 0, 10)).await.unwrap();
    assert_eq!(edges.len(), 1);
    assert_eq!(
        (edges[0].id, edges[0].seq, edges[0].contact),
        (1, Seq(seq.0 + 1), ContactId(1))
    );
}

#[tokio::test]
async fn a_commit_is_told_once_with_its_seq_and_topics_after_the_index_knows_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let mut commits = store.subscribe();
    let seq = store.seq();
    write(&store, |tx| add(tx, &["a@example.com", "b@example.com"], "user"))
        .await
        .unwrap();
    let commit = commits.try_recv().unwrap();
    assert_eq!(commit.seq, Seq(seq.0 + 1));
    assert!(commit.topics.contains(Topic::Contacts) && !commit.topics.contains(Topic::Outbox));
    assert_eq!(store.with_index(|i| i.contacts().len()), 2);
    write(&store, |tx| tx.one("SELECT 1", (), |_| Ok(())))
        .await
        .unwrap();
    assert!(
        commits.try_recv().is_err(),
        "a write that wrote nothing is no commit"
    );
    let touched = store.read(move |db| changes::after(db, seq, 10)).await.unwrap();
    let contacts: Vec<_> = touched.iter().filter(|t| t.table == "contacts").collect();
    assert_eq!((contacts.len(), contacts[0].first, contacts[0].last), (1, 1, 2));
}

#[tokio::test]
async fn the_most_urgent_write_goes_first() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (open, gate) = mpsc::channel::<()>();
    let first = store.clone();
    let order = Arc::new(Mutex::new(Vec::new()));
    let blocker = tokio::spawn(async move {
        first
            .write(Priority::Gate, move |_| {
                gate.recv().unwrap();
                Ok(())
            })
            .await
    });
    tokio::task::yield_now().await;
    let mut waiting = Vec::new();
    for priority in [
        Priority::Import,
        Priority::User,
        Priority::Intake,
        Priority::Tick,
        Priority::Gate,
    ] {
        let order = order.clone();
        let store = store.clone();
        waiting.push(tokio::spawn(async move {
            store
                .write(priority, move |_| {
                    order.lock().unwrap().push(priority);
                    Ok(())
                })
                .await
        }));
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    blocker.await.unwrap().unwrap();
    for write in waiting {
        write.await.unwrap().unwrap();
    }
    let order = order.lock().unwrap();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(*order, sorted);
}

#[tokio::test]
async fn numbers_of_contacts_are_never_given_again_not_even_the_last_one_after_reopening() {
    let place = Place::new();
    let store = fresh(&place).await;
    let first = write(&store, |tx| add(tx, &["a@example.com", "b@example.com"], "user"))
        .await
        .unwrap();
    let last = ids(&first)[1];
    write(&store, move |tx| delete(tx, last, None, "user"))
        .await
        .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    let next = write(&store, |tx| add(tx, &["c@example.com"], "user"))
        .await
        .unwrap();
    assert_eq!(ids(&next), [ContactId(last.0 + 1)]);
    assert_eq!(
        store.with_index(|i| i.contacts().iter().collect::<Vec<_>>()),
        [1, 3]
    );
}

fn grant(contact: ContactId, at: carillon_model::Moment, action: ConsentAction) -> Consent {
    Consent {
        contact,
        channel: Channel::Email,
        purpose: Purpose::Marketing,
        action,
        basis: Basis::Consent,
        wording: Some("Yes, write to me.".to_owned()),
        wording_hash: None,
        source: "form".to_owned(),
        at,
    }
}

#[tokio::test]
async fn the_ledger_says_nothing_of_somebody_who_is_not_there() {
    let place = Place::new();
    let store = fresh(&place).await;
    let refused = write(&store, |tx| {
        let id = ids(&add(tx, &["a@example.com"], "user")?)[0];
        let word = grant(id, day(-5), ConsentAction::Granted);
        consents::append_of_each(tx, &word, &[id, ContactId(id.0 + 1)])
    });
    assert!(matches!(refused.await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn many_who_say_the_same_are_written_as_if_each_said_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let old = ids(&write(&store, |tx| add(tx, &["old@example.com"], "user"))
        .await
        .unwrap())[0];
    let numbers = 0..24;
    let addresses: Vec<String> = numbers.map(|n| format!("{n:02}@example.com")).collect();
    let new = write(&store, move |tx| {
        let names: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let new = ids(&add(tx, &names, "user")?);
        // The tenth took it back in a later moment, and one who was there before is among them.
        consents::add(tx, &grant(new[9], day(-1), ConsentAction::Withdrawn))?;
        let (mut each, no) = (new[..20].to_vec(), &new[20..]);
        each.remove(4);
        each.push(old);
        let word = grant(new[0], day(-5), ConsentAction::Granted);
        consents::append_of_each(tx, &word, &each)?;
        let taken_back = grant(old, day(-5), ConsentAction::Withdrawn);
        consents::append_of_each(tx, &taken_back, &new[..4])?;
        consents::append_of_each(tx, &taken_back, no)?;
        Ok(new)
    })
    .await
    .unwrap();
    let told = new.clone();
    let words = store
        .read(move |db| {
            let of = |id: &ContactId| Ok((consents::of(db, *id)?.len(), consents::permissions_of(db, *id)?));
            told.iter()
                .chain([&old])
                .map(of)
                .collect::<Result<Vec<_>, Error>>()
        })
        .await
        .unwrap();
    let permitted = carillon_engine::segment::parse("consent email marketing").unwrap();
    let members = store.with_index(|index| index.members(&permitted, day(0)));
    for (n, (rows, last)) in words.iter().enumerate() {
        let granted = last.first().map(|word| word.granted);
        let (wanted, rows_wanted) = match n {
            0..4 => (Some(false), 2),
            4 => (None, 0),
            9 => (Some(false), 2),
            20..24 => (Some(false), 1),
            _ => (Some(true), 1),
        };
        assert_eq!((granted, *rows), (wanted, rows_wanted), "{n}");
        let id = new.get(n).copied().unwrap_or(old);
        assert_eq!(members.contains(id.0), wanted == Some(true), "{n}");
    }
    let first = new[5];
    let ledger = store.read(move |db| consents::of(db, first)).await.unwrap();
    assert_eq!(
        ledger,
        [Consent {
            wording_hash: Some(blake3::hash(b"Yes, write to me.").to_hex().to_string()),
            ..grant(first, day(-5), ConsentAction::Granted)
        }]
    );
    store.close().await;
    let store = again(&place.file()).await;
    let again = store.with_index(|index| index.members(&permitted, day(0)));
    assert_eq!(again, members);
}

#[tokio::test]
async fn the_ledger_only_grows_and_its_latest_moment_is_the_last_word() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@example.com"], "user"))
        .await
        .unwrap())[0];
    let permission = async || {
        store
            .read(move |db| consents::permission(db, id, Channel::Email, Purpose::Marketing))
            .await
            .unwrap()
    };
    write(&store, move |tx| {
        consents::add(tx, &grant(id, day(-5), ConsentAction::Granted))
    })
    .await
    .unwrap();
    assert_eq!(permission().await, Some(Basis::Consent));
    write(&store, move |tx| {
        consents::add(tx, &grant(id, day(-1), ConsentAction::Withdrawn))
    })
    .await
    .unwrap();
    write(&store, move |tx| {
        consents::add(tx, &grant(id, day(-3), ConsentAction::Granted))
    })
    .await
    .unwrap();
    assert_eq!(
        permission().await,
        None,
        "an older grant does not undo a later opt-out"
    );
    let ledger = store.read(move |db| consents::of(db, id)).await.unwrap();
    assert_eq!(ledger.len(), 3);
    let hash = blake3::hash(b"Yes, write to me.").to_hex().to_string();
    assert!(ledger.iter().all(|row| row.wording_hash.as_ref() == Some(&hash)));
    for forbidden in [
        "UPDATE consents SET action = 1",
        "DELETE FROM consents",
        "DELETE FROM suppression_acts",
    ] {
        let refused = write(&store, move |tx| {
            tx.conn.execute(
                "INSERT INTO suppression_acts(hash, added, reason, source, at) VALUES(x'00', 1, '', 1, 0)",
                (),
            )?;
            tx.run(forbidden, ()).map(|_| ())
        })
        .await;
        assert!(refused.is_err(), "{forbidden}");
    }
    assert_eq!(store.with_index(|i| i.record(id).unwrap().permissions.len()), 0);
}

#[tokio::test]
async fn what_is_requested_permits_and_withdraws_nothing_and_waits_until_something_is_said_after_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@example.com"], "user"))
        .await
        .unwrap())[0];
    let say = async |days: i64, action: ConsentAction| {
        write(&store, move |tx| consents::add(tx, &grant(id, day(days), action)))
            .await
            .unwrap();
        let read = store.read(move |db| {
            Ok((
                consents::permission(db, id, Channel::Email, Purpose::Marketing)?,
                consents::requested(db, id, Channel::Email)?.len(),
            ))
        });
        read.await.unwrap()
    };
    assert_eq!(say(-9, ConsentAction::Requested).await, (None, 1));
    assert_eq!(say(-8, ConsentAction::Granted).await, (Some(Basis::Consent), 0));
    assert_eq!(say(-7, ConsentAction::Requested).await, (Some(Basis::Consent), 1));
    assert_eq!(say(-6, ConsentAction::Withdrawn).await, (None, 0));
    assert_eq!(say(-5, ConsentAction::Requested).await, (None, 1));
}

#[tokio::test]
async fn the_index_after_reopening_equals_the_one_kept_true_by_commits() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ids(
        &write(&store, |tx| add(tx, &["a@example.com", "b@example.com"], "user"))
            .await
            .unwrap(),
    )[0];
    write(&store, move |tx| {
        add_tag(tx, id, "vip", "user")?;
        add_tag(tx, id, "staff", "user")?;
        remove_tag(tx, id, "staff")?;
        set_field(tx, id, "city", Some(&Value::Text("Bonn".to_owned())), "user")?;
        consents::add(tx, &grant(id, day(0), ConsentAction::Granted))?;
        let event = crate::events::NewEvent {
            contact: id,
            name: "order".to_owned(),
            at: day(-2),
            source: "shop".to_owned(),
            props: [("amount".to_owned(), carillon_model::event::Prop::Number(12.5))].into(),
        };
        crate::events::append(tx, &[event])?;
        Ok(())
    })
    .await
    .unwrap();
    let before = store.with_index(|i| i.record(id).unwrap());
    assert_eq!(before.events.len(), 1);
    store.close().await;
    let store = again(&place.file()).await;
    let mut after = store.with_index(|i| i.record(id).unwrap());
    for event in &mut after.events {
        event.arrived_at = before.events[0].arrived_at;
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn settings_and_cursors_read_back_and_the_workspace_keeps_its_clock() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        settings::set(tx, "pace", Some(&7u32))?;
        settings::set_cursor(tx, "edges", 41)?;
        let mut workspace = settings::workspace(tx)?;
        workspace.clock = carillon_model::workspace::ClockKind::Real;
        workspace.time_zone = "America/New_York".to_owned();
        settings::set_workspace(tx, &workspace)
    })
    .await
    .unwrap();
    let (pace, cursor, workspace) = store
        .read(|db| {
            Ok((
                settings::get::<u32>(db, "pace")?,
                settings::cursor(db, "edges")?,
                settings::workspace(db)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((pace, cursor), (Some(7), 41));
    assert_eq!(workspace.clock, carillon_model::workspace::ClockKind::Virtual);
    assert_eq!(store.catalogue().zone(), chrono_tz::America::New_York);
    let refused = write(&store, |tx| {
        let mut workspace = settings::workspace(tx)?;
        workspace.time_zone = "Mars/Olympus".to_owned();
        settings::set_workspace(tx, &workspace)
    })
    .await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}
