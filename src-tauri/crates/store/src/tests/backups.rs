use super::fixtures::{
    Place, Stage, add, again, day, drawing, enrol_and_queue, fresh, ids, queue, said, stage, write,
};
use crate::backup::restore;
use crate::enrolments::{self, Enrolment};
use crate::outbox::{self, Resolution, Word};
use crate::{Error, Refusal, Result, Store, Tx, consents, contacts, journeys, settings, suppressions};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::Value;
use carillon_model::journey::End;
use carillon_model::message::{Failure, FailureClass, MessageState};
use carillon_model::{ContactId, MessageId};

fn word(contact: ContactId, action: ConsentAction, days: i64) -> Consent {
    said(contact, action, Purpose::Marketing, "form", day(days))
}

async fn filled(place: &Place) -> (Store, Stage, Vec<ContactId>) {
    let store = fresh(place).await;
    let (stage, ids) = write(&store, |tx| {
        let stage = stage(tx)?;
        let ids = ids(&add(tx, &["a@x.example", "b@x.example", "c@x.example"], "user")?);
        for id in &ids {
            consents::add(tx, &word(*id, ConsentAction::Granted, 0))?;
            enrol_and_queue(tx, stage, *id)?;
        }
        Ok((stage, ids))
    })
    .await
    .unwrap();
    (store, stage, ids)
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_a_whole_workspace_of_one_moment() {
    let place = Place::new();
    let (store, _, _) = filled(&place).await;
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for i in 0..60 {
            let email = format!("more{i}@x.example");
            write(&writer, move |tx| add(tx, &[&email], "user"))
                .await
                .unwrap();
        }
    });
    let target = place.dir.path().join("copy.carillon");
    let bytes = store.backup_to(&target).await.unwrap();
    assert_eq!(bytes, std::fs::metadata(&target).unwrap().len());
    writing.await.unwrap();
    assert!(matches!(
        store.backup_to(&target).await,
        Err(Error::Refused(Refusal::Exists(_)))
    ));
    let copy = again(&target).await;
    let n = copy.read(contacts::count).await.unwrap();
    assert_eq!(copy.with_index(|i| i.contacts().len()), n);
    assert!((3..=63).contains(&n), "{n}");
    assert_eq!(copy.workspace_id(), store.workspace_id());
}

#[tokio::test]
async fn restoring_freezes_what_was_not_settled_and_takes_over_opt_outs_since() {
    let place = Place::new();
    let (store, stage, ids) = filled(&place).await;
    let fence = store.fence();
    let backup = place.dir.path().join("backup.carillon");
    let sent = write(&store, move |tx| {
        outbox::claim(tx, stage.account, outbox::Which::Any, day(0), 1, fence)
    })
    .await
    .unwrap()[0]
        .id;
    write(&store, move |tx| {
        outbox::in_flight(tx, &[sent], fence)?;
        outbox::record(tx, sent, fence, &Word::Accepted { reply: String::new() })
    })
    .await
    .unwrap();
    store.backup_to(&backup).await.unwrap();
    let (a, b) = (ids[0], ids[1]);
    write(&store, move |tx| {
        suppressions::add(tx, "c@x.example", SuppressionReason::Complained, "user")?;
        suppressions::add(tx, "stranger@x.example", SuppressionReason::Manual, "user")?;
        consents::add(tx, &word(a, ConsentAction::Withdrawn, 1))?;
        contacts::set_field(
            tx,
            b,
            "email",
            Some(&carillon_model::contact::Value::Text("new@x.example".into())),
            "user",
        )
    })
    .await
    .unwrap();
    assert!(matches!(
        restore(&backup, &place.file()).await,
        Err(Error::Refused(Refusal::AlreadyOpen(_)))
    ));
    store.close().await;

    let restored = restore(&backup, &place.file()).await.unwrap();
    assert_eq!(
        (restored.frozen, restored.suppressions, restored.withdrawals),
        (2, 2, 1)
    );
    let store = again(&place.file()).await;
    let counts = store.read(|db| outbox::counts(db, None)).await.unwrap();
    assert_eq!(
        counts,
        [(MessageState::Accepted, 1), (MessageState::Frozen, 2)].into()
    );
    let claimed = write(&store, move |tx| {
        outbox::claim(tx, stage.account, outbox::Which::Any, day(9), 9, 9)
    })
    .await
    .unwrap();
    assert!(claimed.is_empty(), "nothing frozen leaves");
    let permitted = store
        .read(move |db| consents::permission(db, a, Channel::Email, Purpose::Marketing))
        .await
        .unwrap();
    assert_eq!(permitted, None);
    assert!(store.with_index(|i| i.record(ids[2]).unwrap().suppressed));
    let stranger = store
        .read(|db| suppressions::contains(db, "stranger@x.example"))
        .await
        .unwrap();
    assert_eq!(stranger, Some(SuppressionReason::Manual));
    assert!(
        store
            .read(|db| contacts::by_email(db, "b@x.example"))
            .await
            .unwrap()
            .is_some()
    );
    let unknown = write(&store, |tx| {
        outbox::resolve_batch(tx, MessageState::Frozen, None, None, Resolution::Unknown, 1)?;
        outbox::resolve_batch(tx, MessageState::Frozen, None, None, Resolution::Cancelled, 9)
    })
    .await
    .unwrap();
    assert_eq!(unknown, 1);
    let replaced = again(&restored.replaced.unwrap()).await;
    assert!(
        replaced
            .read(|db| contacts::by_email(db, "new@x.example"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn the_list_of_another_workspace_is_taken_over_under_its_own_key() {
    let (mine, other) = (Place::new(), Place::new());
    let store = fresh(&mine).await;
    let id = ids(&write(&store, |tx| add(tx, &["a@x.example"], "user"))
        .await
        .unwrap())[0];
    let theirs = fresh(&other).await;
    write(&theirs, |tx| {
        suppressions::add(tx, "A@x.example", SuppressionReason::Unsubscribed, "user")
    })
    .await
    .unwrap();
    let list = theirs
        .read(|db| suppressions::Foreign::read(db.conn))
        .await
        .unwrap();
    assert_ne!(store.workspace_id(), theirs.workspace_id());
    assert_eq!(
        write(&store, move |tx| suppressions::merge(tx, &list, "merge"))
            .await
            .unwrap(),
        1
    );
    assert!(store.with_index(|i| i.record(id).unwrap().suppressed));
    store.close().await;
    let store = again(&mine.file()).await;
    let reason = store
        .read(|db| suppressions::contains(db, "a@x.example"))
        .await
        .unwrap();
    assert_eq!(reason, Some(SuppressionReason::Unsubscribed));
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_the_workspace_stays_as_it_was() {
    let place = Place::new();
    let (store, _, _) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    store.close().await;
    let before = std::fs::read(place.file()).unwrap();
    let whole = std::fs::read(&backup).unwrap();
    let mut broken = whole.clone();
    broken[8192..40_000].fill(0x5A);
    std::fs::write(&backup, &broken).unwrap();
    let refused = restore(&backup, &place.file()).await;
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::Damaged { .. }))),
        "{refused:?}"
    );
    std::fs::write(&backup, &whole[..whole.len() / 2]).unwrap();
    assert!(restore(&backup, &place.file()).await.is_err());
    std::fs::write(&backup, b"nothing").unwrap();
    assert!(matches!(
        restore(&backup, &place.file()).await,
        Err(Error::Refused(Refusal::NotOurs(_)))
    ));
    assert_eq!(std::fs::read(place.file()).unwrap(), before);
    again(&place.file()).await.close().await;
}

#[tokio::test]
async fn a_backup_can_be_restored_where_there_was_nothing() {
    let place = Place::new();
    let (store, _, _) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    let target = place.dir.path().join("elsewhere.carillon");
    let restored = restore(&backup, &target).await.unwrap();
    assert_eq!((restored.frozen, restored.replaced), (3, None));
    let elsewhere = again(&target).await;
    assert_eq!(elsewhere.read(contacts::count).await.unwrap(), 3);
    assert!(paused(&elsewhere).await);
}

async fn paused(store: &Store) -> bool {
    let set = |key: &'static str| store.read(move |db| settings::get::<bool>(db, key));
    let (all, why) = (set(outbox::PAUSED).await, set(outbox::RESTORED).await);
    assert_eq!(all.as_ref().unwrap(), why.as_ref().unwrap());
    all.unwrap().unwrap_or(false)
}

/// Accepts every message that waits. Their numbers.
fn send_all(tx: &mut Tx<'_>, stage: Stage, fence: i64) -> Result<Vec<MessageId>> {
    let now = tx.now();
    let claimed = outbox::claim(tx, stage.account, outbox::Which::Any, now, 99, fence)?;
    let ids: Vec<MessageId> = claimed.iter().map(|message| message.id).collect();
    outbox::in_flight(tx, &ids, fence)?;
    for id in &ids {
        outbox::record(
            tx,
            *id,
            fence,
            &Word::Accepted {
                reply: "250".to_owned(),
            },
        )?;
    }
    Ok(ids)
}

/// Ends the passage the contact is in, and begins the next.
fn pass_again(tx: &mut Tx<'_>, stage: Stage, contact: ContactId) -> Result<Enrolment> {
    for mut passage in enrolments::active_of(tx, contact)? {
        passage.state.end = Some(End::Stopped);
        enrolments::update(tx, &mut passage)?;
    }
    enrol_and_queue(tx, stage, contact)
}

#[tokio::test]
async fn what_was_decided_after_the_backup_is_not_decided_again_by_the_restored_file() {
    let place = Place::new();
    let (store, stage, people) = filled(&place).await;
    let fence = store.fence();
    write(&store, move |tx| send_all(tx, stage, fence)).await.unwrap();
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    assert!(!paused(&store).await);

    // Ada's next mail leaves, Bo goes through the journey again, Cy's mail waits, and a stranger joins.
    let (a, b, c) = (people[0], people[1], people[2]);
    let (sent, waiting, second, stranger) = write(&store, move |tx| {
        let ada = enrolments::active_of(tx, a)?.remove(0);
        assert!(queue(tx, stage, &ada, "next", 1)?);
        let second = pass_again(tx, stage, b)?;
        let stranger = ids(&add(tx, &["d@x.example"], "user")?)[0];
        enrol_and_queue(tx, stage, stranger)?;
        let sent = send_all(tx, stage, fence)?;
        let cy = enrolments::active_of(tx, c)?.remove(0);
        assert!(queue(tx, stage, &cy, "next", 1)?);
        let waiting = outbox::of_contact(tx, c)?[0].id;
        Ok((sent, waiting, second, stranger))
    })
    .await
    .unwrap();
    let last_journey = write(&store, |tx| journeys::save_draft(tx, None, &drawing("Another")))
        .await
        .unwrap();
    store.close().await;

    let restored = restore(&backup, &place.file()).await.unwrap();
    assert_eq!((restored.frozen, restored.taken_over), (1, 3));
    let store = again(&place.file()).await;
    assert!(store.repaired().is_empty());
    assert!(paused(&store).await);
    let counts = store.read(|db| outbox::counts(db, None)).await.unwrap();
    assert_eq!(
        counts,
        [(MessageState::Accepted, 5), (MessageState::Frozen, 1)].into()
    );
    let fence = store.fence();
    write(&store, move |tx| {
        for (who, passage) in [(a, 1), (c, 1)] {
            let passage = enrolments::last_of(tx, stage.journey, who)?.filter(|p| p.number == passage);
            assert!(
                !queue(tx, stage, &passage.unwrap(), "next", 1)?,
                "{who} is written to once"
            );
        }
        assert_eq!(outbox::load(tx, waiting)?.unwrap().state, MessageState::Frozen);
        assert_eq!(outbox::load(tx, sent[0])?.unwrap().key.contact, a);

        // Bo begins the passage again that the backup does not know: it is the same one.
        let known = outbox::counts(tx, None)?;
        let again = pass_again(tx, stage, b)?;
        assert_eq!((again.id, again.number), (second.id, second.number));
        assert_eq!(outbox::load(tx, sent[1])?.unwrap().enrolment, again.id);
        assert!(send_all(tx, stage, fence)?.is_empty());
        assert_eq!(outbox::counts(tx, None)?, known);
        // His third is a new one.
        let third = pass_again(tx, stage, b)?;
        assert!(third.id.0 > again.id.0);

        // No number that was given out names anybody else.
        let new = ids(&add(tx, &["e@x.example"], "user")?)[0];
        assert!(new > stranger);
        let fresh = send_all(tx, stage, fence)?;
        assert!(fresh.iter().all(|id| *id > waiting), "{fresh:?}");
        assert!(
            outbox::load(tx, sent[2])?.is_none(),
            "the stranger's token names nobody"
        );
        assert!(journeys::save_draft(tx, None, &drawing("New"))? > last_journey);

        // What comes back of Ada's mail finds Ada's mail.
        let failure = Failure {
            class: FailureClass::Recipient,
            code: "5.1.1".to_owned(),
            detail: "No such user".to_owned(),
        };
        outbox::late_bounce(tx, sent[0], &Word::Bounced { failure })
    })
    .await
    .unwrap();
    store.close().await;
    assert!(again(&place.file()).await.repaired().is_empty());
}

#[tokio::test]
async fn what_was_decided_after_the_backup_is_known_however_often_it_is_restored() {
    let place = Place::new();
    let (store, stage, people) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    let (b, fence) = (people[1], store.fence());
    write(&store, move |tx| {
        pass_again(tx, stage, b)?;
        send_all(tx, stage, fence)
    })
    .await
    .unwrap();
    store.close().await;
    for _ in 0..2 {
        assert_eq!(restore(&backup, &place.file()).await.unwrap().taken_over, 1);
    }
    let store = again(&place.file()).await;
    let added = write(&store, move |tx| {
        pass_again(tx, stage, b)?;
        outbox::claim(tx, stage.account, outbox::Which::Any, day(9), 9, 9)
    })
    .await
    .unwrap();
    assert!(added.is_empty(), "{added:?}");
}

#[tokio::test]
async fn the_numbers_of_another_workspace_mean_nothing_in_the_restored_one() {
    let (place, other) = (Place::new(), Place::new());
    let (store, _, people) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    let (theirs, stage, strangers) = filled(&other).await;
    let who = strangers[0];
    write(&theirs, move |tx| {
        consents::add(tx, &word(who, ConsentAction::Withdrawn, 1))?;
        contacts::set_field(tx, who, "email", Some(&Value::Text("z@x.example".into())), "user")?;
        pass_again(tx, stage, who)
    })
    .await
    .unwrap();
    theirs.close().await;
    let restored = restore(&backup, &other.file()).await.unwrap();
    assert_eq!((restored.taken_over, restored.withdrawals), (0, 1));
    let store = again(&other.file()).await;
    let theirs = store
        .read(|db| suppressions::contains(db, "z@x.example"))
        .await
        .unwrap();
    assert_eq!(theirs, Some(SuppressionReason::Unsubscribed));
    let first = people[0];
    let permitted = store
        .read(move |db| consents::permission(db, first, Channel::Email, Purpose::Marketing))
        .await
        .unwrap();
    assert_eq!(permitted, Some(Basis::Consent));
}

#[tokio::test]
async fn who_withdrew_under_a_new_address_is_not_written_to_under_the_old_one() {
    let place = Place::new();
    let (store, _, people) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    let who = people[0];
    write(&store, move |tx| {
        contacts::set_field(
            tx,
            who,
            "email",
            Some(&Value::Text("moved@x.example".into())),
            "user",
        )?;
        consents::add(tx, &word(who, ConsentAction::Withdrawn, 1))
    })
    .await
    .unwrap();
    store.close().await;
    assert_eq!(restore(&backup, &place.file()).await.unwrap().withdrawals, 1);
    let store = again(&place.file()).await;
    let permitted = store
        .read(move |db| consents::permission(db, who, Channel::Email, Purpose::Marketing))
        .await
        .unwrap();
    assert_eq!(permitted, None);
}

#[tokio::test]
async fn a_no_of_somebody_the_backup_does_not_know_holds_for_the_next_list_with_the_address() {
    let place = Place::new();
    let (store, _, _) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    write(&store, |tx| {
        let later = ids(&add(tx, &["later@x.example", "gone@x.example"], "import:1")?);
        for id in &later {
            consents::add(tx, &word(*id, ConsentAction::Withdrawn, 1))?;
        }
        contacts::delete(tx, later[1], None, "user")
    })
    .await
    .unwrap();
    store.close().await;
    let restored = restore(&backup, &place.file()).await.unwrap();
    assert_eq!((restored.suppressions, restored.withdrawals), (1, 1));
    let store = again(&place.file()).await;
    let back = write(&store, |tx| {
        add(tx, &["later@x.example", "gone@x.example"], "import:2")
    })
    .await
    .unwrap();
    assert!(
        back.iter()
            .all(|new| matches!(new, contacts::Inserted::New { suppressed: true, .. })),
        "{back:?}"
    );
}

#[tokio::test]
async fn a_copy_that_is_opened_as_the_workspace_sends_nothing_before_somebody_decided() {
    let place = Place::new();
    let (store, stage, _) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    let fence = store.fence();
    assert_eq!(
        write(&store, move |tx| send_all(tx, stage, fence))
            .await
            .unwrap()
            .len(),
        3
    );

    let copy = again(&backup).await;
    assert!(paused(&copy).await);
    let counts = copy.read(|db| outbox::counts(db, None)).await.unwrap();
    assert_eq!(counts, [(MessageState::Frozen, 3)].into());
    let decided = write(&copy, |tx| {
        settings::set(tx, outbox::PAUSED, Some(&false))?;
        settings::set(tx, outbox::RESTORED, Some(&false))?;
        outbox::resolve_batch(tx, MessageState::Frozen, None, None, Resolution::Cancelled, 9)
    });
    assert_eq!(decided.await.unwrap(), 3);
    copy.close().await;
    assert!(!paused(&again(&backup).await).await, "it is a copy once");
}

#[tokio::test]
async fn a_damaged_workspace_is_replaced_and_what_can_be_read_of_it_is_taken_over() {
    let place = Place::new();
    let (store, _, _) = filled(&place).await;
    let backup = place.dir.path().join("backup.carillon");
    store.backup_to(&backup).await.unwrap();
    write(&store, |tx| {
        suppressions::add(tx, "c@x.example", SuppressionReason::Complained, "user")
    })
    .await
    .unwrap();
    // The root of the table of messages is a page of the file.
    let page: u32 = write(&store, |tx| {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'";
        Ok(tx.conn.query_row(sql, (), |row| row.get(0))?)
    })
    .await
    .unwrap();
    store.close().await;
    let mut bytes = std::fs::read(place.file()).unwrap();
    let size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    bytes[(page as usize - 1) * size..page as usize * size].fill(0xA5);
    std::fs::write(place.file(), &bytes).unwrap();

    let restored = restore(&backup, &place.file()).await.unwrap();
    assert_eq!((restored.frozen, restored.suppressions), (3, 1));
    assert!(restored.unread.unwrap().contains("malformed"));
    assert_eq!(std::fs::read(restored.replaced.unwrap()).unwrap(), bytes);

    // Where not even its first page can be read, it is replaced all the same.
    bytes[100..4000].fill(0xA5);
    std::fs::write(place.file(), &bytes).unwrap();
    let restored = restore(&backup, &place.file()).await.unwrap();
    assert!(restored.unread.is_some());
    again(&place.file()).await.close().await;
}
