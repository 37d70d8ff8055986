//! Accounts at providers: what they are known by, what they may not lose, and when reading begins anew.

use super::fixtures::{Place, account, fresh, write};
use crate::{Error, Store, accounts, opt_out_sources, providers};
use carillon_model::account::Account;
use carillon_model::provider::{Provider, ProviderKind};
use carillon_model::{MessageId, ProviderId};

fn postmark() -> Provider {
    Provider {
        kind: ProviderKind::Postmark,
        region: String::new(),
        domain: String::new(),
        key_id: String::new(),
        configuration_set: None,
        queue_url: None,
        stream: None,
        host: None,
        tell_unsubscribed: false,
    }
}

async fn sources(store: &Store) -> Vec<String> {
    let all = store.read(opt_out_sources::list).await.unwrap();
    all.into_iter().map(|source| source.name).collect()
}

#[tokio::test]
async fn a_provider_that_tells_is_a_source_of_opt_outs_until_it_is_switched_off_or_gone() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ProviderId(1);
    let saved = write(&store, |tx| providers::save(tx, None, " Shop ", &postmark()))
        .await
        .unwrap();
    assert_eq!((saved.id, saved.name.as_str()), (id, "Shop"));
    assert_eq!(sources(&store).await, ["provider:1"]);
    write(&store, move |tx| providers::set_paused(tx, id, true))
        .await
        .unwrap();
    assert_eq!(sources(&store).await, Vec::<String>::new());
    write(&store, move |tx| providers::set_paused(tx, id, false))
        .await
        .unwrap();
    // SES without a queue tells nothing: waiting for it would hold mail for ever.
    let ses = Provider {
        kind: ProviderKind::Ses,
        ..postmark()
    };
    write(&store, move |tx| providers::save(tx, None, "Amazon", &ses))
        .await
        .unwrap();
    assert_eq!(sources(&store).await, ["provider:1"]);
    let taken = write(&store, |tx| providers::save(tx, None, "Shop", &postmark())).await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
    write(&store, move |tx| providers::remove(tx, id)).await.unwrap();
    assert_eq!(sources(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn reading_begins_anew_where_it_is_another_account_and_not_where_only_its_name_changed() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ProviderId(1);
    write(&store, |tx| {
        providers::save(tx, None, "Shop", &postmark())?;
        providers::set_cursor(tx, ProviderId(1), "here")
    })
    .await
    .unwrap();
    write(&store, move |tx| {
        providers::save(tx, Some(id), "Shop 2", &postmark())
    })
    .await
    .unwrap();
    let cursor = async || store.read(move |db| providers::cursor(db, id)).await.unwrap();
    assert_eq!(cursor().await.as_deref(), Some("here"));
    let other = Provider {
        stream: Some("broadcast".into()),
        ..postmark()
    };
    write(&store, move |tx| providers::save(tx, Some(id), "Shop 2", &other))
        .await
        .unwrap();
    assert_eq!(cursor().await, None);
    let gone = write(&store, |tx| providers::set_cursor(tx, ProviderId(9), "x")).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_provider_an_account_sends_through_stays_and_its_names_for_messages_are_its_own() {
    let place = Place::new();
    let store = fresh(&place).await;
    let id = ProviderId(1);
    write(&store, |tx| {
        providers::save(tx, None, "Shop", &postmark())?;
        let through = Account {
            provider: Some(ProviderId(1)),
            ..account()
        };
        accounts::save(tx, None, &through)?;
        providers::know(tx, ProviderId(1), "guid", MessageId(7))?;
        providers::know(tx, ProviderId(1), &"x".repeat(1_000), MessageId(8))
    })
    .await
    .unwrap();
    let refused = write(&store, move |tx| providers::remove(tx, id)).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let known = store
        .read(|db| {
            Ok((
                providers::message_of(db, ProviderId(1), "guid")?,
                providers::message_of(db, ProviderId(2), "guid")?,
                providers::message_of(db, ProviderId(1), &"x".repeat(1_000))?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(known, (Some(MessageId(7)), None, None));
}
