//! Journeys that feed each other come to rest.

use super::*;
use carillon_store::{contacts, segments};

fn small(name: &str, steps: Vec<Step>) -> Journey {
    Journey {
        name: name.to_owned(),
        steps,
        ..drawing()
    }
}

fn end() -> Step {
    step("end", "exit", json!({}), &[])
}

async fn passages(open: &Open, id: JourneyId) -> u32 {
    let last = open
        .store
        .read(move |db| enrolments::last_of(db, id, ContactId(1)));
    last.await.unwrap().map_or(0, |passage| passage.number)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_journeys_that_give_and_take_one_tag_come_to_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path()).await;
    let expr = carillon_engine::segment::parse("tag \"vip\"").unwrap();
    let saved = open.store.write(Priority::User, move |tx| {
        segments::save(tx, None, "Tagged", &expr)
    });
    saved.await.unwrap();
    let by = |on: &str| {
        let settings = json!({"segment": "Tagged", "on": on});
        step("in", "entry_segment", settings, &[("next", "tag")])
    };
    let tag = |kind: &str| step("tag", kind, json!({"tag": "vip"}), &[("next", "end")]);
    let takes = published(
        &open,
        small("Takes", vec![by("entered"), tag("remove_tag"), end()]),
    )
    .await;
    let gives = published(&open, small("Gives", vec![by("left"), tag("add_tag"), end()])).await;
    let given = open.store.write(Priority::User, |tx| {
        contacts::add_tag(tx, ContactId(1), "vip", "test")
    });
    given.await.unwrap();
    settle(&open).await;
    assert_eq!(
        (passages(&open, takes).await, passages(&open, gives).await),
        (100, 100)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_journeys_that_wait_for_each_others_events_come_to_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let posts =
        |event: &str, next: &str| step("post", "post_event", json!({"event": event}), &[("next", next)]);
    let waits = |event: &str, next: &str| {
        let settings = json!({"event": event, "timeout": {"amount": 9, "unit": "days"}});
        step(
            "wait",
            "wait_event",
            settings,
            &[("happened", next), ("timed_out", "end")],
        )
    };
    let hand = |next: &str| step("in", "entry_manual", json!({}), &[("next", next)]);
    let answers = vec![hand("wait"), waits("ping", "post"), posts("pong", "wait"), end()];
    let asks = vec![hand("post"), posts("ping", "wait"), waits("pong", "post"), end()];
    let answers = published(&open, small("Answers", answers)).await;
    let asks = published(&open, small("Asks", asks)).await;
    enter(&app, answers, 1).await.unwrap();
    settle(&open).await;
    enter(&app, asks, 1).await.unwrap();
    settle(&open).await;
    let mut stopped = 0;
    for id in [answers, asks] {
        let last = open
            .store
            .read(move |db| enrolments::last_of(db, id, ContactId(1)));
        stopped += u32::from(last.await.unwrap().unwrap().state.end == Some(End::Stopped));
    }
    assert_eq!(stopped, 1, "the one that was to be told once more");
}
