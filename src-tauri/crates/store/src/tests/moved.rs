//! Who joined and left segments and journeys: live, and as the file says it when it is opened again.

use super::fixtures::{Place, add, again, day, draw, fresh, ids, stage, standing_at, write};
use crate::contacts::set_field;
use crate::duplicates::{merge, unmerge};
use crate::{Store, enrolments, facts, journeys, segments};
use carillon_engine::segment::parse;
use carillon_model::contact::Value;
use carillon_model::journey::{End, Fact, FactKind};

fn members(store: &Store, text: &str) -> Vec<u32> {
    let expr = parse(text).unwrap();
    store.with_index(|index| index.members(&expr, index.as_of()).iter().collect())
}

/// The same live and when the file is opened again, also without a farewell.
async fn both(place: &Place, store: Store, wanted: &[(&str, &[u32])]) -> Store {
    for (text, ids) in wanted {
        assert_eq!(members(&store, text), *ids, "{text}");
    }
    drop(store);
    let store = again(&place.file()).await;
    assert_eq!(store.repaired(), []);
    for (text, ids) in wanted {
        assert_eq!(members(&store, text), *ids, "{text}, opened again");
    }
    store
}

#[tokio::test]
async fn who_joined_and_left_a_segment_is_known_from_the_edges_of_the_file() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (a, b) = write(&store, |tx| {
        segments::save(tx, None, "Bonn", &parse("city is 'Bonn'").unwrap())?;
        let new = "joined segment 'Bonn' in the last 30 days";
        segments::save(tx, None, "New in Bonn", &parse(new).unwrap())?;
        let all = ids(&add(tx, &["a@x.example", "b@x.example"], "user")?);
        set_field(tx, all[0], "city", Some(&Value::Text("Bonn".to_owned())), "user")?;
        Ok((all[0], all[1]))
    })
    .await
    .unwrap();
    let store = both(
        &place,
        store,
        &[
            ("in segment 'New in Bonn'", &[a.0]),
            ("joined segment 'Bonn'", &[a.0]),
        ],
    )
    .await;
    store.advance_clock(day(40)).await.unwrap();
    write(&store, move |tx| {
        set_field(tx, a, "city", None, "user")?;
        set_field(tx, b, "city", Some(&Value::Text("Bonn".to_owned())), "user")
    })
    .await
    .unwrap();
    both(
        &place,
        store,
        &[
            ("in segment 'New in Bonn'", &[b.0]),
            ("left segment 'New in Bonn' more than 5 days ago", &[a.0]),
            (
                "left segment 'Bonn' since 2020-01-01 and not in segment 'Bonn'",
                &[a.0],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_segment_whose_history_is_read_is_not_removed_and_keeps_its_name() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        segments::save(tx, None, "Bonn", &parse("city is 'Bonn'").unwrap())?;
        segments::save(tx, None, "New", &parse("joined segment 'Bonn'").unwrap())
    })
    .await
    .unwrap();
    let bonn = carillon_model::SegmentId(1);
    let gone = write(&store, move |tx| segments::remove(tx, bonn)).await;
    assert!(
        gone.unwrap_err()
            .to_string()
            .contains("is used by the segment \"New\"")
    );
    let text = "city is 'Bonn'";
    let named = write(&store, move |tx| {
        segments::save(tx, Some(bonn), "Town", &parse(text).unwrap())
    })
    .await;
    assert!(named.unwrap_err().to_string().contains("refers to"));
    let circle = "left segment 'New'";
    let round = write(&store, move |tx| {
        segments::save(tx, Some(bonn), "Bonn", &parse(circle).unwrap())
    })
    .await;
    assert!(round.unwrap_err().to_string().contains("circle"));
}

#[tokio::test]
async fn a_reading_that_panics_leaves_the_next_one_as_it_was() {
    use carillon_engine::index::Source;
    use carillon_engine::record::Movement;
    use carillon_model::SegmentId;
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        segments::save(tx, None, "All", &parse("everyone").unwrap())?;
        add(tx, &["a@x.example"], "user")
    })
    .await
    .unwrap();
    let joined = Movement::of_segment(SegmentId(1), true);
    let shelf = store.shelf();
    let read = std::panic::AssertUnwindSafe(|| shelf.moved(&joined, &mut |_, _, _| panic!("on purpose")));
    assert!(std::panic::catch_unwind(read).is_err());
    write(&store, |tx| add(tx, &["b@x.example"], "user"))
        .await
        .unwrap();
    let mut n = 0;
    assert!(
        shelf.moved(&joined, &mut |_, _, _| n += 1),
        "the file is read again"
    );
    assert_eq!(n, 2, "and as it is now");
}

#[tokio::test]
async fn passages_are_known_by_the_journeys_name_and_go_to_whoever_absorbs_a_contact() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (stage, all) = write(&store, |tx| {
        let stage = stage(tx)?;
        let all = ids(&add(tx, &["a@x.example", "b@x.example", "c@x.example"], "user")?);
        for contact in &all[..2] {
            let state = standing_at(0, day(0), None);
            enrolments::insert(tx, stage.journey, stage.version, *contact, state, day(0))?;
        }
        Ok((stage, all))
    })
    .await
    .unwrap();
    let (a, b, c) = (all[0], all[1], all[2]);
    write(&store, move |tx| {
        let passage = enrolments::active_of(tx, a)?.remove(0);
        enrolments::end(tx, passage, End::Goal("mail".into()))?;
        let mut draft = journeys::get(tx, stage.journey)?.unwrap().draft;
        // Nobody asks for its history in a saved expression.
        "Hello".clone_into(&mut draft.name);
        journeys::save_draft(tx, Some(stage.journey), &draft)
    })
    .await
    .unwrap();
    let before: [(&str, &[u32]); 4] = [
        ("entered journey 'Hello'", &[a.0, b.0]),
        ("reached the goal of journey 'Hello'", &[a.0]),
        ("in journey 'Hello'", &[b.0]),
        ("entered journey 'Welcome' or in journey 'Welcome'", &[]),
    ];
    let store = both(&place, store, &before).await;
    let merged = [(c, a), (c, b)];
    let mut done = Vec::new();
    for (survivor, absorbed) in merged {
        done.push(
            write(&store, move |tx| merge(tx, survivor, absorbed, &[], "user"))
                .await
                .unwrap(),
        );
    }
    let store = both(
        &place,
        store,
        &[
            ("entered journey 'Hello' exactly 2 times", &[c.0]),
            ("left journey 'Hello' exactly 2 times", &[c.0]),
            ("reached the goal of journey 'Hello'", &[c.0]),
            ("in journey 'Hello'", &[]),
        ],
    )
    .await;
    while let Some(id) = done.pop() {
        write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    }
    both(&place, store, &before).await;
}

#[tokio::test]
async fn steps_are_known_by_their_ids_and_go_to_whoever_absorbs_a_contact() {
    let place = Place::new();
    let store = fresh(&place).await;
    let (stage, all) = write(&store, |tx| {
        let stage = stage(tx)?;
        draw(tx, stage.journey, &["mail", "wait"])?;
        journeys::publish(tx, stage.journey)?;
        Ok((
            stage,
            ids(&add(tx, &["a@x.example", "b@x.example", "c@x.example"], "user")?),
        ))
    })
    .await
    .unwrap();
    let (a, b, c) = (all[0], all[1], all[2]);
    let fact = |step: &str, what| Fact {
        at: day(0),
        step: step.into(),
        what,
    };
    let left = |port: &str| FactKind::Left {
        port: port.to_owned(),
        because: Vec::new(),
    };
    let came = || FactKind::Entered { visit: 1 };
    // Both come to the mail and go on; the second is taken away from where it waits.
    let on = vec![
        fact("mail", came()),
        fact("mail", left("next")),
        fact("wait", came()),
    ];
    let away = vec![
        fact("wait", left("exit_rule")),
        fact("wait", FactKind::Ended { end: End::Stopped }),
    ];
    write(&store, move |tx| {
        for contact in [a, b] {
            let state = standing_at(0, day(0), None);
            let mut passage = enrolments::insert(tx, stage.journey, stage.version, contact, state, day(0))?;
            facts::append(tx, &mut passage, &on)?;
            enrolments::update(tx, &mut passage)?;
        }
        let mut passage = enrolments::active_of(tx, b)?.remove(0);
        facts::append(tx, &mut passage, &away)?;
        enrolments::end(tx, passage, End::Stopped)
    })
    .await
    .unwrap();
    let before: [(&str, &[u32]); 6] = [
        ("came to step 'mail' of journey 'Welcome'", &[a.0, b.0]),
        ("passed step 'mail' of journey 'Welcome'", &[a.0, b.0]),
        ("at step 'mail' of journey 'Welcome'", &[]),
        ("at step 'wait' of journey 'Welcome'", &[a.0]),
        ("left step 'wait' of journey 'Welcome'", &[b.0]),
        (
            "passed step 'wait' of journey 'Welcome' or at step 'mail' of journey 'Other'",
            &[],
        ),
    ];
    let store = both(&place, store, &before).await;
    // Later versions call the steps otherwise, or have them no more: what was done at them stays done.
    write(&store, move |tx| {
        let mut draft = journeys::get(tx, stage.journey)?.unwrap().draft;
        draft.steps.retain(|step| step.id.0 != "mail");
        draft
            .steps
            .iter_mut()
            .for_each(|step| step.name = "mail".to_owned());
        journeys::save_draft(tx, Some(stage.journey), &draft)?;
        journeys::publish(tx, stage.journey)
    })
    .await
    .unwrap();
    let store = both(&place, store, &before).await;
    let mut done = Vec::new();
    for absorbed in [a, b] {
        let merged = write(&store, move |tx| merge(tx, c, absorbed, &[], "user")).await;
        done.push(merged.unwrap());
    }
    let store = both(
        &place,
        store,
        &[
            ("passed step 'mail' of journey 'Welcome' exactly 2 times", &[c.0]),
            // The merge itself has ended the first where it stood.
            ("left step 'wait' of journey 'Welcome' exactly 2 times", &[c.0]),
            ("at step 'wait' of journey 'Welcome'", &[]),
        ],
    )
    .await;
    while let Some(id) = done.pop() {
        write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    }
    let store = both(&place, store, &before).await;
    // Stopped from outside where it stands, while the index holds who came and left.
    assert_eq!(members(&store, "at step 'wait' of journey 'Welcome'"), [a.0]);
    assert_eq!(members(&store, "left step 'wait' of journey 'Welcome'"), [b.0]);
    write(&store, move |tx| {
        let passage = enrolments::active_of(tx, a)?.remove(0);
        enrolments::end(tx, passage, End::Stopped)
    })
    .await
    .unwrap();
    let store = both(
        &place,
        store,
        &[
            ("at step 'wait' of journey 'Welcome'", &[]),
            ("left step 'wait' of journey 'Welcome'", &[a.0, b.0]),
            ("passed step 'wait' of journey 'Welcome'", &[]),
        ],
    )
    .await;
    write(&store, move |tx| crate::contacts::delete(tx, a, None, "user"))
        .await
        .unwrap();
    both(
        &place,
        store,
        &[
            ("came to step 'mail' of journey 'Welcome'", &[b.0]),
            ("at step 'wait' of journey 'Welcome'", &[]),
        ],
    )
    .await;
}
