use super::fixtures::{Place, Stage, add, again, day, enrol_and_queue, fresh, ids, queue, stage, write};
use crate::inputs::{self, Pending};
use crate::outbox::{self, Filter, Resolution, Word};
use crate::{Error, Store, accounts, contacts, enrolments, reports, templates};
use carillon_model::MessageId;
use carillon_model::journey::Outcome;
use carillon_model::message::{Failure, FailureClass, MessageState, Refusal};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// `n` contacts in a journey with one message each.
async fn with_messages(place: &Place, n: usize) -> (Store, Stage) {
    let store = fresh(place).await;
    let stage = write(&store, move |tx| {
        let stage = stage(tx)?;
        let emails: Vec<String> = (0..n).map(|i| format!("c{i:04}@x.example")).collect();
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        for id in ids(&add(tx, &emails, "user")?) {
            enrol_and_queue(tx, stage, id)?;
        }
        Ok(stage)
    })
    .await
    .unwrap();
    (store, stage)
}

async fn claim(store: &Store, stage: Stage, limit: u32) -> Vec<outbox::Claimed> {
    let fence = store.fence();
    write(store, move |tx| {
        outbox::claim(tx, stage.account, outbox::Which::Any, tx.now(), limit, fence)
    })
    .await
    .unwrap()
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        class,
        code: "451 4.3.0".to_owned(),
        detail: "Try again.".to_owned(),
    }
}

async fn states(store: &Store) -> BTreeMap<MessageState, u64> {
    let counted = store.read(|db| outbox::counts(db, None)).await.unwrap();
    let listed = store
        .read(|db| outbox::page(db, Filter::default(), None, 10_000))
        .await
        .unwrap();
    let mut by_rows = BTreeMap::new();
    for message in listed {
        *by_rows.entry(message.state).or_insert(0) += 1;
    }
    assert_eq!(counted, by_rows, "the gauges are the rows");
    counted
}

#[tokio::test]
async fn a_message_decided_twice_is_queued_once() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 1).await;
    let again = write(&store, move |tx| {
        let enrolment = enrolments::last_of(tx, stage.journey, carillon_model::ContactId(1))?.unwrap();
        Ok((
            queue(tx, stage, &enrolment, "mail", 1)?,
            queue(tx, stage, &enrolment, "mail", 2)?,
            queue(tx, stage, &enrolment, "mail", 2)?,
        ))
    })
    .await
    .unwrap();
    assert_eq!(again, (false, true, false));
    assert_eq!(states(&store).await, [(MessageState::Queued, 2)].into());
}

#[tokio::test]
async fn a_message_id_is_fixed_names_its_row_and_keeps_the_domain_it_was_queued_with() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 2).await;
    let first = claim(&store, stage, 1).await.remove(0);
    assert!(
        first.message_id.ends_with("@sender.example>"),
        "{}",
        first.message_id
    );
    assert_eq!(
        store.tokens().read_message_id(&first.message_id),
        Some(first.id.0)
    );
    write(&store, move |tx| {
        let mut account = accounts::get(tx, stage.account)?.unwrap().account;
        account.from_email = "x@other.example".to_owned();
        accounts::save(tx, Some(stage.account), &account)
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    let after = store
        .read(move |db| outbox::get(db, first.id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.message_id, first.message_id);
}

#[tokio::test]
async fn each_word_leads_to_its_state_and_its_outcome_comes_back_as_an_input() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 6).await;
    let fence = store.fence();
    let claimed = claim(&store, stage, 10).await;
    assert_eq!(claimed.len(), 6);
    assert!(
        claim(&store, stage, 10).await.is_empty(),
        "nothing is claimed twice"
    );
    let id: Vec<MessageId> = claimed.iter().map(|c| c.id).collect();
    let flying = id[..4].to_vec();
    write(&store, move |tx| outbox::in_flight(tx, &flying, fence))
        .await
        .unwrap();
    let words = vec![
        (
            id[0],
            Word::Accepted {
                reply: "250 ok q1".to_owned(),
            },
        ),
        (
            id[1],
            Word::Deferred {
                next_at: day(2),
                failure: failure(FailureClass::Transient),
            },
        ),
        (
            id[2],
            Word::Bounced {
                failure: failure(FailureClass::Recipient),
            },
        ),
        (
            id[3],
            Word::Unknown {
                failure: failure(FailureClass::Unknown),
            },
        ),
        (
            id[4],
            Word::Suppressed {
                refusal: Refusal::NoConsent,
            },
        ),
        (
            id[5],
            Word::Deferred {
                next_at: day(3),
                failure: failure(FailureClass::Throttled),
            },
        ),
    ];
    write(&store, move |tx| {
        for (id, word) in &words {
            outbox::record(tx, *id, fence, word)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let expected = [
        (MessageState::Accepted, 1),
        (MessageState::Deferred, 2),
        (MessageState::Bounced, 1),
        (MessageState::Unknown, 1),
        (MessageState::Suppressed, 1),
    ];
    assert_eq!(states(&store).await, expected.into());
    let told = store.read(|db| inputs::due(db, day(0), &[], 100)).await.unwrap();
    let outcomes: Vec<(MessageId, Outcome)> = told
        .iter()
        .map(|row| match &row.input.pending {
            Pending::Outcome { message, outcome, .. } => (*message, *outcome),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            (id[0], Outcome::Accepted),
            (id[2], Outcome::Bounced),
            (id[3], Outcome::Unknown),
            (id[4], Outcome::Suppressed)
        ]
    );
    let paused = store
        .read(move |db| inputs::due(db, day(0), &[stage.journey], 100))
        .await
        .unwrap();
    assert!(paused.is_empty());
    let tries = store.read(move |db| outbox::attempts(db, id[1])).await.unwrap();
    assert_eq!(
        (tries.len(), tries[0].number, tries[0].class),
        (1, 1, Some(FailureClass::Transient))
    );
    assert_eq!(
        store.with_index(|i| i.record(claimed[0].key.contact).unwrap().sent.len()),
        1
    );
    let next = store
        .read(move |db| outbox::next_at(db, stage.account, outbox::Which::Any))
        .await
        .unwrap();
    assert_eq!(next, Some(day(2)));
}

#[tokio::test]
async fn a_bounce_that_comes_after_the_acceptance_does_not_unsend_the_message() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 1).await;
    let fence = store.fence();
    let id = claim(&store, stage, 1).await[0].id;
    write(&store, move |tx| {
        outbox::in_flight(tx, &[id], fence)?;
        outbox::record(
            tx,
            id,
            fence,
            &Word::Accepted {
                reply: "250 ok".to_owned(),
            },
        )
    })
    .await
    .unwrap();
    let late = Word::Bounced {
        failure: failure(FailureClass::Recipient),
    };
    write(&store, move |tx| outbox::late_bounce(tx, id, &late))
        .await
        .unwrap();
    let before = store.with_index(|i| i.record(carillon_model::ContactId(1)).unwrap().sent);
    assert_eq!(before.len(), 1);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(
        store.with_index(|i| i.record(carillon_model::ContactId(1)).unwrap().sent),
        before
    );
    let shown = store.read(move |db| outbox::get(db, id)).await.unwrap().unwrap();
    assert_eq!(
        (shown.state, shown.last_word.as_deref()),
        (MessageState::Bounced, Some("451 4.3.0 Try again."))
    );
}

#[tokio::test]
async fn the_law_refuses_wrong_steps_and_foreign_leases() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 1).await;
    let fence = store.fence();
    let id = claim(&store, stage, 1).await[0].id;
    let accepted = Word::Accepted { reply: String::new() };
    let too_early = accepted.clone();
    let refused = write(&store, move |tx| outbox::record(tx, id, fence, &too_early)).await;
    assert!(
        matches!(refused, Err(Error::Invalid(_))),
        "accepted without in flight"
    );
    let refused = write(&store, move |tx| outbox::in_flight(tx, &[id], fence - 1)).await;
    assert!(matches!(refused, Err(Error::LostLease { .. })));
    write(&store, move |tx| outbox::in_flight(tx, &[id], fence))
        .await
        .unwrap();
    let refused = write(&store, move |tx| outbox::release(tx, id, fence, None)).await;
    assert!(
        matches!(refused, Err(Error::Invalid(_))),
        "what may have left is not put back"
    );
    write(&store, move |tx| outbox::record(tx, id, fence, &accepted))
        .await
        .unwrap();
    assert!(claim(&store, stage, 10).await.is_empty());
}

#[tokio::test]
async fn after_a_crash_in_flight_is_unknown_claimed_is_queued_and_nothing_else_moves() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 4).await;
    let fence = store.fence();
    let claimed = claim(&store, stage, 3).await;
    let (one, two) = (claimed[0].id, claimed[1].id);
    write(&store, move |tx| outbox::in_flight(tx, &[one, two], fence))
        .await
        .unwrap();
    write(&store, move |tx| {
        outbox::record(tx, two, fence, &Word::Accepted { reply: String::new() })
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(store.recovered().unknown, [one]);
    assert_eq!(store.recovered().requeued, 1);
    let expected = [
        (MessageState::Queued, 2),
        (MessageState::Unknown, 1),
        (MessageState::Accepted, 1),
    ];
    assert_eq!(states(&store).await, expected.into());
    let late = write(&store, move |tx| {
        outbox::record(tx, one, fence, &Word::Accepted { reply: String::new() })
    })
    .await;
    assert!(
        matches!(late, Err(Error::LostLease { .. })),
        "the old owner has no say"
    );
    let n = write(&store, |tx| {
        outbox::resolve_batch(tx, MessageState::Unknown, None, None, Resolution::NotSent, 10)
    })
    .await;
    assert_eq!(n.unwrap(), 1);
    assert_eq!(claim(&store, stage, 10).await.len(), 3);
}

#[tokio::test]
async fn holds_and_releases_put_a_message_back_as_it_was() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 3).await;
    let fence = store.fence();
    let claimed = claim(&store, stage, 3).await;
    let (limited, paused) = (claimed[0].id, claimed[1].id);
    write(&store, move |tx| {
        outbox::hold(tx, limited, fence, day(5), Refusal::OverLimit)?;
        outbox::hold(tx, paused, fence, day(5), Refusal::Paused)
    })
    .await
    .unwrap();
    let shown = store
        .read(move |db| outbox::get(db, limited))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (shown.state, shown.next_at, shown.last_word.as_deref()),
        (MessageState::Queued, Some(day(5)), Some("over_limit"))
    );
    assert_eq!(
        write(&store, move |tx| outbox::release_all(tx, stage.account, fence))
            .await
            .unwrap(),
        1
    );
    assert_eq!(states(&store).await, [(MessageState::Queued, 3)].into());
    // The end of a pause takes up what it held, at once and nothing else.
    let take_up =
        move |tx: &mut crate::Tx<'_>| outbox::take_up(tx, stage.account, Refusal::Paused, MessageId(0), 10);
    assert_eq!(write(&store, take_up).await.unwrap(), Some(paused));
    assert_eq!(write(&store, take_up).await.unwrap(), None);
    let ready: Vec<_> = claim(&store, stage, 10).await.into_iter().map(|m| m.id).collect();
    assert!(ready.len() == 2 && ready.contains(&paused) && !ready.contains(&limited));
}

#[tokio::test]
async fn a_stopped_journey_cancels_what_waits_and_erasing_a_contact_what_is_theirs() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 5).await;
    let fence = store.fence();
    let id = claim(&store, stage, 1).await[0].id;
    write(&store, move |tx| outbox::in_flight(tx, &[id], fence))
        .await
        .unwrap();
    write(&store, |tx| {
        contacts::delete(tx, carillon_model::ContactId(2), None, "user")
    })
    .await
    .unwrap();
    let n = write(&store, move |tx| outbox::cancel_journey(tx, stage.journey, 100))
        .await
        .unwrap();
    assert_eq!(n, 3);
    assert_eq!(
        states(&store).await,
        [(MessageState::InFlight, 1), (MessageState::Cancelled, 4)].into()
    );
    let of_gone = store
        .read(|db| outbox::get(db, MessageId(2)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(of_gone.to, "");
}

#[tokio::test]
async fn what_messages_were_made_from_cannot_be_renamed_or_removed() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 1).await;
    let removed = write(&store, move |tx| templates::remove(tx, stage.template)).await;
    assert!(matches!(removed, Err(Error::Invalid(_))));
    let renamed = write(&store, move |tx| {
        templates::save(tx, Some(stage.template), &super::fixtures::template("new"))
    })
    .await;
    assert!(matches!(renamed, Err(Error::Invalid(_))));
    assert!(
        write(&store, move |tx| accounts::remove(tx, stage.account))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn limits_are_counted_by_the_minute_over_a_sliding_day() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 0).await;
    let account = stage.account;
    write(&store, move |tx| {
        accounts::spend(tx, account, day(0), 3)?;
        accounts::spend(tx, account, day(0) + TimeDelta::seconds(90), 2)
    })
    .await
    .unwrap();
    let spent = async |since| {
        store
            .read(move |db| accounts::spent(db, account, since))
            .await
            .unwrap()
    };
    assert_eq!(spent(day(0)).await, 5);
    assert_eq!(spent(day(0) + TimeDelta::minutes(1)).await, 2);
    assert_eq!(spent(day(1)).await, 0);
    let first = store
        .read(move |db| accounts::first_spent(db, account, day(0)))
        .await
        .unwrap();
    assert_eq!(first, Some(day(0) + TimeDelta::minutes(1)));
}

#[tokio::test]
async fn days_of_the_report_are_those_of_the_workspaces_zone() {
    let place = Place::new();
    let (store, stage) = with_messages(&place, 1).await;
    // 23:30 UTC is half past midnight of the next day in Berlin.
    store
        .advance_clock(day(0) + TimeDelta::minutes(14 * 60 + 30))
        .await
        .unwrap();
    let fence = store.fence();
    let id = claim(&store, stage, 1).await[0].id;
    write(&store, move |tx| outbox::in_flight(tx, &[id], fence))
        .await
        .unwrap();
    write(&store, move |tx| {
        outbox::record(tx, id, fence, &Word::Accepted { reply: String::new() })
    })
    .await
    .unwrap();
    let (first, last) = (day(0).date_naive(), day(2).date_naive());
    let days = store
        .read(move |db| reports::messages_over_time(db, None, first, last))
        .await
        .unwrap();
    assert_eq!(
        days.iter().map(|d| (d.queued, d.accepted)).collect::<Vec<_>>(),
        [(1, 0), (0, 1), (0, 0)]
    );
    let sent = store
        .read(move |db| reports::sent_by_template(db, day(0)))
        .await
        .unwrap();
    assert_eq!(sent, [(stage.template, 1)].into());
    let growth = store
        .read(move |db| reports::list_growth(db, first, last))
        .await
        .unwrap();
    assert_eq!(
        growth.iter().map(|d| (d.added, d.total)).collect::<Vec<_>>(),
        [(1, 1), (0, 1), (0, 1)]
    );
}
