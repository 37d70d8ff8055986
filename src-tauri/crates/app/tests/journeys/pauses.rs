//! What a pause keeps, and when it happens.

use super::*;
use carillon_model::Moment;
use carillon_model::journey::{Fact, FactKind};
use carillon_store::{contacts, facts};

async fn run_until(open: &Arc<Open>, until: &str) {
    let until: Moment = until.parse().unwrap();
    runtime::drive(open, Some(until), &Job::unwatched())
        .await
        .unwrap();
}

async fn path(open: &Open, id: JourneyId, contact: u32) -> Vec<Fact> {
    let facts = open.store.read(move |db| {
        let last = enrolments::last_of(db, id, ContactId(contact))?.unwrap();
        facts::path(db, last.id)
    });
    facts.await.unwrap()
}

fn entered_at(path: &[Fact]) -> Moment {
    path[0].at
}

#[tokio::test(flavor = "multi_thread")]
async fn what_falls_due_in_a_pause_happens_when_it_is_over_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    everybody_in(&app, &open, id).await;
    run_until(&open, "2026-05-15T12:00:00Z").await;
    ask(&app, "journeys.pause", json!({"id": id})).await.unwrap();
    // Nine days of waiting are over on the 18th.
    run_until(&open, "2026-05-20T12:00:00Z").await;
    assert_eq!(inside(&open, id).await, PEOPLE as usize);
    ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    settle(&open).await;
    let path = path(&open, id, 1).await;
    let last = path.last().unwrap();
    assert!(matches!(last.what, FactKind::Ended { .. }), "{last:?}");
    assert_eq!(last.at, "2026-05-20T12:00:00Z".parse::<Moment>().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_have_left_in_a_pause_and_come_again_does_both_when_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    visits(&open, 1).await;
    settle(&open).await;
    run_until(&open, "2026-05-15T12:00:00Z").await;
    ask(&app, "journeys.pause", json!({"id": id})).await.unwrap();
    run_until(&open, "2026-05-19T12:00:00Z").await;
    visits(&open, 1).await;
    settle(&open).await;
    run_until(&open, "2026-05-20T12:00:00Z").await;
    ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 1, "the second visit was lost");
    let again = path(&open, id, 1).await;
    assert_eq!(
        entered_at(&again),
        "2026-05-20T12:00:00Z".parse::<Moment>().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_passages_of_a_contact_who_is_erased_nothing_is_known_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    everybody_in(&app, &open, id).await;
    let calls = || {
        open.store.read(move |db| {
            let last = enrolments::last_of(db, id, ContactId(1))?.unwrap();
            Ok((last.state.end, facts::calls(db, last.id)?.len()))
        })
    };
    assert_eq!(calls().await.unwrap(), (None, 1));
    let gone = open.store.write(Priority::User, |tx| {
        contacts::delete(tx, ContactId(1), None, "test")
    });
    gone.await.unwrap();
    assert_eq!(calls().await.unwrap(), (Some(End::Erased), 0));
    run_until(&open, "2026-05-20T12:00:00Z").await;
    assert_eq!(inside(&open, id).await, 0, "the others went on to the end");
}
