use super::fixtures::{Place, add, day, fresh, ids, stage, standing_at, write};
use crate::{Error, enrolments, facts, reports};
use carillon_model::journey::{End, Fact, FactKind, StepIx};

#[tokio::test]
async fn a_passage_is_due_in_order_tells_its_path_and_moves_the_figures() {
    let place = Place::new();
    let store = fresh(&place).await;
    let stage = write(&store, stage).await.unwrap();
    write(&store, move |tx| {
        for (i, id) in ids(&add(tx, &["a@x.example", "b@x.example", "c@x.example"], "user")?)
            .into_iter()
            .enumerate()
        {
            let wake = day(3 - i as i64);
            enrolments::insert(
                tx,
                stage.journey,
                stage.version,
                id,
                standing_at(0, day(0), Some(wake)),
                day(0),
            )?;
        }
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(
        store.read(|db| enrolments::next_wake(db, &[])).await.unwrap(),
        Some(day(1))
    );
    assert_eq!(
        store
            .read(move |db| enrolments::next_wake(db, &[stage.journey]))
            .await
            .unwrap(),
        None
    );
    let due = store
        .read(|db| enrolments::due(db, day(2), &[], 10))
        .await
        .unwrap();
    assert_eq!(due.iter().map(|e| e.contact.0).collect::<Vec<_>>(), [3, 2]);
    let id = write(&store, |tx| {
        let mut e = enrolments::due(tx, day(2), &[], 1)?.remove(0);
        let fact = |what| Fact {
            step: "mail".into(),
            at: day(1),
            what,
        };
        facts::append(tx, &mut e, &[fact(FactKind::Entered { visit: 1 })])?;
        facts::append_call(
            tx,
            &mut e,
            &facts::Call {
                at: day(1),
                input: "wake".into(),
                who: "{}".into(),
            },
        )?;
        let end = End::Completed("done".to_owned());
        facts::append(
            tx,
            &mut e,
            &[
                fact(FactKind::Waiting { until: None }),
                fact(FactKind::Ended { end: end.clone() }),
            ],
        )?;
        e.state.at = Some(StepIx(1));
        e.state.reached = vec![StepIx(0)];
        enrolments::update(tx, &mut e)?;
        e.state.end = Some(end);
        enrolments::update(tx, &mut e)?;
        Ok(e.id)
    })
    .await
    .unwrap();
    let path = store.read(move |db| facts::path(db, id)).await.unwrap();
    assert_eq!(path.len(), 3);
    assert!(matches!(path[0].what, FactKind::Entered { visit: 1 }));
    assert!(matches!(path[2].what, FactKind::Ended { .. }));
    assert_eq!(store.read(move |db| facts::calls(db, id)).await.unwrap().len(), 1);
    let ended = store
        .read(move |db| enrolments::get(db, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (ended.state.reached.as_slice(), ended.state.wake_at),
        (&[StepIx(0)][..], None)
    );
    let standing = store
        .read(move |db| enrolments::standing(db, stage.version))
        .await
        .unwrap();
    assert_eq!(standing, [(StepIx(0), 2)]);
    let funnel = store
        .read(move |db| reports::journey_funnel(db, stage.journey))
        .await
        .unwrap();
    assert_eq!(
        (
            funnel.enrolled,
            funnel.steps[&"mail".into()].entered,
            funnel
                .ended
                .iter()
                .map(|e| (e.end.as_str(), e.reason.as_str(), e.count))
                .collect::<Vec<_>>()
        ),
        (3, 1, vec![("completed", "done", 1)])
    );
    let contact = ended.contact;
    let twice = write(&store, move |tx| {
        let insert = |tx: &mut crate::Tx<'_>| {
            enrolments::insert(
                tx,
                stage.journey,
                stage.version,
                contact,
                standing_at(0, day(4), None),
                day(4),
            )
        };
        let second = insert(tx)?;
        assert_eq!(second.number, 2);
        insert(tx)
    })
    .await;
    assert!(matches!(twice, Err(Error::Invalid(_))), "one passage at a time");
}
