use super::fixtures::{Place, add, fresh, ids, said, write};
use crate::cleansing::{self, CleansingState, CleansingUndone, Mend, Mended};
use crate::{Store, consents, contacts, suppressions};
use carillon_model::consent::{ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{Contact, Value};
use carillon_model::{CleansingId, ContactId};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn mend(key: &str, was: Option<&str>, now: &str) -> Mend {
    Mend {
        key: key.to_owned(),
        was: was.map(text),
        now: text(now),
    }
}

async fn people(store: &Store, emails: &[&str]) -> Vec<ContactId> {
    let emails: Vec<String> = emails.iter().map(|email| (*email).to_owned()).collect();
    let added = write(store, move |tx| {
        add(tx, &emails.iter().map(String::as_str).collect::<Vec<_>>(), "user")
    });
    ids(&added.await.unwrap())
}

async fn begin(store: &Store) -> CleansingId {
    write(store, cleansing::begin).await.unwrap()
}

async fn apply(store: &Store, id: CleansingId, contact: ContactId, mends: Vec<Mend>) -> Mended {
    write(store, move |tx| cleansing::mend(tx, id, contact, &mends))
        .await
        .unwrap()
}

async fn undo(store: &Store, id: CleansingId, limit: u32) -> CleansingUndone {
    let mut sum = CleansingUndone::default();
    while !sum.finished {
        let part = write(store, move |tx| cleansing::undo(tx, id, limit))
            .await
            .unwrap();
        sum.restored += part.restored;
        sum.kept += part.kept;
        sum.finished = part.finished;
    }
    sum
}

async fn get(store: &Store, id: ContactId) -> Contact {
    store
        .read(move |db| contacts::get(db, id))
        .await
        .unwrap()
        .unwrap()
}

fn field(contact: &Contact, key: &str) -> Option<(Value, String)> {
    let found = contact.fields.iter().find(|field| field.key == key)?;
    Some((found.value.clone(), found.provenance.source.clone()))
}

#[tokio::test]
async fn a_cleansing_is_taken_back_whole_with_who_had_written_what() {
    let place = Place::new();
    let store = fresh(&place).await;
    let all = people(&store, &["a@x.example", "b@gmial.com"]).await;
    let (one, other) = (all[0], all[1]);
    write(&store, move |tx| {
        contacts::set_field(tx, one, "city", Some(&text("BONN ")), "import:7")
    })
    .await
    .unwrap();
    let before = [get(&store, one).await, get(&store, other).await];

    let id = begin(&store).await;
    let done = apply(
        &store,
        id,
        one,
        vec![
            mend("city", Some("BONN "), "Bonn"),
            mend("first_name", Some("Ada"), "Adah"),
            mend("last_name", None, "Smith"),
        ],
    );
    assert_eq!(done.await.written, 3);
    apply(
        &store,
        id,
        other,
        vec![mend("email", Some("b@gmial.com"), "b@gmail.com")],
    )
    .await;
    write(&store, move |tx| cleansing::end(tx, id)).await.unwrap();
    let after = get(&store, one).await;
    assert_eq!(
        field(&after, "city"),
        Some((text("Bonn"), "cleansing:1".to_owned()))
    );
    assert_eq!(
        field(&after, "last_name"),
        Some((text("Smith"), "cleansing:1".to_owned()))
    );
    assert_eq!(get(&store, other).await.email, "b@gmail.com");
    let row = store
        .read(move |db| cleansing::get(db, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.state, row.contacts, row.changed),
        (CleansingState::Done, 2, 4)
    );

    // One value at a time, as if it were cut off after each.
    let undone = undo(&store, id, 1).await;
    assert_eq!((undone.restored, undone.kept), (4, 0));
    assert_eq!([get(&store, one).await, get(&store, other).await], before);
    let row = store
        .read(move |db| cleansing::get(db, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.state, CleansingState::Undone);
    assert!(row.undone_at.is_some());
    assert!(write(&store, move |tx| cleansing::undo(tx, id, 1)).await.is_err());
}

#[tokio::test]
async fn what_somebody_wrote_meanwhile_is_left_alone_both_ways() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"]).await[0];
    let id = begin(&store).await;
    let done = apply(
        &store,
        id,
        one,
        vec![
            mend("first_name", Some("ADA"), "Ada!"),
            mend("city", None, "Bonn"),
        ],
    )
    .await;
    assert_eq!((done.written, done.changed_since), (1, 1));
    write(&store, move |tx| {
        contacts::set_field(tx, one, "city", Some(&text("Ulm")), "user")
    })
    .await
    .unwrap();
    let undone = undo(&store, id, 100).await;
    assert_eq!((undone.restored, undone.kept), (0, 1));
    assert_eq!(
        field(&get(&store, one).await, "city"),
        Some((text("Ulm"), "user".to_owned()))
    );
}

#[tokio::test]
async fn two_cleansings_are_taken_back_in_either_order() {
    for first_undone in [0, 1] {
        let place = Place::new();
        let store = fresh(&place).await;
        let one = people(&store, &["a@x.example"]).await[0];
        let before = get(&store, one).await;
        let both = [begin(&store).await, begin(&store).await];
        apply(
            &store,
            both[0],
            one,
            vec![mend("first_name", Some("Ada"), "Adah")],
        )
        .await;
        apply(
            &store,
            both[1],
            one,
            vec![mend("first_name", Some("Adah"), "Adaah")],
        )
        .await;
        undo(&store, both[first_undone], 100).await;
        undo(&store, both[1 - first_undone], 100).await;
        assert_eq!(get(&store, one).await, before, "{first_undone} first");
    }
}

#[tokio::test]
async fn an_address_somebody_has_is_not_written_and_not_written_back() {
    let place = Place::new();
    let store = fresh(&place).await;
    let all = people(&store, &["a@gmial.com", "a@gmail.com", "b@gmial.com"]).await;
    let id = begin(&store).await;
    let done = apply(
        &store,
        id,
        all[0],
        vec![mend("email", Some("a@gmial.com"), "a@gmail.com")],
    )
    .await;
    assert_eq!(
        done,
        Mended {
            written: 0,
            changed_since: 0,
            taken: Some(all[1])
        }
    );
    apply(
        &store,
        id,
        all[2],
        vec![mend("email", Some("b@gmial.com"), "b@gmail.com")],
    )
    .await;
    people(&store, &["b@gmial.com"]).await;
    let undone = undo(&store, id, 100).await;
    assert_eq!((undone.restored, undone.kept), (0, 1));
    assert_eq!(get(&store, all[2]).await.email, "b@gmail.com");
}

#[tokio::test]
async fn a_no_goes_with_the_new_address_and_a_listed_one_stays_listed() {
    let place = Place::new();
    let store = fresh(&place).await;
    let all = people(&store, &["no@gmial.com", "yes@gmial.com", "bounced@gmial.com"]).await;
    let (no, yes, bounced) = (all[0], all[1], all[2]);
    write(&store, move |tx| {
        suppressions::add(tx, "no@gmial.com", SuppressionReason::Unsubscribed, "user")?;
        suppressions::add(tx, "yes@gmail.com", SuppressionReason::Complained, "user")?;
        suppressions::add(tx, "bounced@gmial.com", SuppressionReason::Bounced, "user")?;
        let now = tx.now();
        consents::add(
            tx,
            &said(yes, ConsentAction::Granted, Purpose::Marketing, "form", now),
        )
    })
    .await
    .unwrap();
    let id = begin(&store).await;
    for (contact, was, now) in [
        (no, "no@gmial.com", "no@gmail.com"),
        (yes, "yes@gmial.com", "yes@gmail.com"),
        (bounced, "bounced@gmial.com", "bounced@gmail.com"),
    ] {
        assert_eq!(
            apply(&store, id, contact, vec![mend("email", Some(was), now)])
                .await
                .written,
            1
        );
    }
    let listed = |contact| store.read(move |db| suppressions::of_contact(db, contact));
    assert!(
        listed(no).await.unwrap(),
        "who unsubscribed has unsubscribed at the right address, too"
    );
    assert!(listed(yes).await.unwrap(), "the address was listed before");
    assert!(
        !listed(bounced).await.unwrap(),
        "that the wrong address bounced says nothing of the right one"
    );
    let ledger = store.read(move |db| consents::of(db, yes)).await.unwrap();
    assert_eq!(ledger.len(), 1, "consent is the contact's, whatever the address");

    undo(&store, id, 100).await;
    for contact in [no, yes, bounced] {
        assert!(
            listed(contact).await.unwrap(),
            "a no that was met on the way is not unheard by an undo"
        );
    }
    let stays = |email: &'static str| store.read(move |db| suppressions::contains(db, email));
    assert!(stays("no@gmail.com").await.unwrap().is_some());
    assert!(stays("yes@gmail.com").await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_contact_was_is_forgotten_with_the_contact() {
    let place = Place::new();
    let store = fresh(&place).await;
    let one = people(&store, &["a@x.example"]).await[0];
    let id = begin(&store).await;
    apply(&store, id, one, vec![mend("first_name", Some("Ada"), "Adah")]).await;
    let left = || {
        store.read(|db| {
            Ok(db
                .conn
                .query_row("SELECT count(*) FROM cleansing_changes", (), |row| {
                    row.get::<_, u32>(0)
                })?)
        })
    };
    assert_eq!(left().await.unwrap(), 1);
    write(&store, move |tx| contacts::delete(tx, one, None, "user"))
        .await
        .unwrap();
    assert_eq!(left().await.unwrap(), 0);
    assert_eq!(undo(&store, id, 10).await.restored, 0);

    // What somebody was who was merged into another is forgotten with that one.
    let both = people(&store, &["b@x.example", "c@x.example"]).await;
    let id = begin(&store).await;
    apply(&store, id, both[1], vec![mend("first_name", Some("Ada"), "Adah")]).await;
    let (stays, absorbed) = (both[0], both[1]);
    write(&store, move |tx| {
        crate::duplicates::merge(tx, stays, absorbed, &[], "user")?;
        contacts::delete(tx, stays, None, "user")
    })
    .await
    .unwrap();
    assert_eq!(left().await.unwrap(), 0);
}
