use super::fixtures::{Place, Stage, add, again, day, enrol_and_queue, fresh, ids, stage, write};
use crate::backup::restore;
use crate::outbox::{self, Resolution, Word};
use crate::{Error, Refusal, Store, consents, contacts, suppressions};
use carillon_model::ContactId;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::message::MessageState;

fn word(contact: ContactId, action: ConsentAction, days: i64) -> Consent {
    Consent {
        contact,
        channel: Channel::Email,
        purpose: Purpose::Marketing,
        action,
        basis: Basis::Consent,
        wording: None,
        wording_hash: None,
        source: "form".to_owned(),
        at: day(days),
    }
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
        outbox::claim(tx, stage.account, day(0), 1, day(1), fence)
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
        outbox::claim(tx, stage.account, day(9), 9, day(9), 9)
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
    assert_eq!(again(&target).await.read(contacts::count).await.unwrap(), 3);
}
