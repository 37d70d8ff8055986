//! Scores in the file: what a commit writes of them, who may write, and what stays after an end.

use super::fixtures::{Place, add, again, day, fresh, ids, write};
use crate::contacts::{self, Columns, delete, set_field};
use crate::duplicates::{merge, unmerge};
use crate::events::{NewEvent, append};
use crate::scores::{self, archive, publish, save};
use crate::{Error, Store, segments};
use carillon_engine::segment::parse;
use carillon_model::contact::Value;
use carillon_model::score::{
    Decay, RulePoints, ScoreBounds, ScoreCause, ScoreChange, ScoreGroup, ScoreModel, ScoreRule, ScoreStage,
};
use carillon_model::{ContactId, ScoreId};
use chrono::TimeDelta;
use std::collections::BTreeMap;

fn rule(key: &str, when: &str, points: RulePoints) -> ScoreRule {
    ScoreRule {
        key: key.to_owned(),
        when: when.to_owned(),
        points,
        bounds: ScoreBounds::default(),
        from: None,
        to: None,
    }
}

/// Five for each order in the last ten days, three in Bonn; a customer from ten points on.
fn model() -> ScoreModel {
    ScoreModel::Points {
        groups: vec![ScoreGroup {
            key: "shop".to_owned(),
            name: "Shop".to_owned(),
            bounds: ScoreBounds::default(),
            decay: Decay::None,
            rules: vec![
                rule(
                    "orders",
                    "did order in the last 10 days",
                    RulePoints::Each { points: 5 },
                ),
                rule("bonn", "city is \"Bonn\"", RulePoints::While { points: 3 }),
            ],
        }],
        bounds: ScoreBounds::default(),
        stages: vec![ScoreStage {
            name: "Customer".to_owned(),
            at_least: 10,
        }],
        companies: None,
    }
}

/// Two contacts, the first in Bonn, and a score that measures them.
async fn measured(place: &Place) -> (Store, Vec<ContactId>, ScoreId) {
    let store = fresh(place).await;
    let (people, id) = write(&store, |tx| {
        let people = ids(&add(tx, &["a@x.example", "b@x.example"], "user")?);
        set_field(
            tx,
            people[0],
            "city",
            Some(&Value::Text("Bonn".to_owned())),
            "user",
        )?;
        let score = scores::add(tx, "shop", "Shop", &model())?;
        assert_eq!((score.version, score.published), (0, None));
        publish(tx, score.id)?;
        segments::save(tx, None, "Ready", &parse("score_shop >= 10").unwrap())?;
        Ok((people, score.id))
    })
    .await
    .unwrap();
    (store, people, id)
}

async fn orders(store: &Store, contact: ContactId, n: usize) {
    write(store, move |tx| {
        let order = NewEvent {
            contact,
            name: "order".to_owned(),
            at: tx.now(),
            source: "user".to_owned(),
            props: BTreeMap::new(),
        };
        append(tx, &vec![order; n]).map(|_| ())
    })
    .await
    .unwrap();
}

async fn value(store: &Store, contact: ContactId, key: &'static str) -> Option<Value> {
    let of_index = store.with_index(|index| index.record(contact).unwrap().fields.remove(key));
    let of_file = store
        .read(move |db| contacts::record_fields(db, contact))
        .await
        .unwrap()
        .unwrap()
        .into_iter()
        .find(|(known, _)| known == key)
        .map(|(_, value)| value);
    assert_eq!(of_index, of_file, "{key} in the index and in the file");
    of_file
}

async fn points(store: &Store, contact: ContactId) -> f64 {
    match value(store, contact, "score_shop").await {
        Some(Value::Number(n)) => n,
        other => panic!("{other:?}"),
    }
}

async fn ledger(store: &Store, contact: ContactId) -> Vec<ScoreChange> {
    store
        .read(move |db| scores::ledger(db, contact, None, None, 100))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_score_follows_events_fields_and_time_and_each_change_is_in_the_ledger_with_its_reason() {
    let place = Place::new();
    let (store, people, id) = measured(&place).await;
    let ada = people[0];
    assert_eq!(
        (points(&store, ada).await, points(&store, people[1]).await),
        (3.0, 0.0)
    );
    orders(&store, ada, 2).await;
    assert_eq!(points(&store, ada).await, 13.0);
    assert_eq!(
        value(&store, ada, "stage_shop").await,
        Some(Value::Text("Customer".to_owned()))
    );
    assert_eq!(
        value(&store, ada, "stage_shop_since").await,
        Some(Value::DateTime(day(0)))
    );
    write(&store, move |tx| set_field(tx, ada, "city", None, "user"))
        .await
        .unwrap();
    assert_eq!(points(&store, ada).await, 10.0);
    store.advance_clock(day(30)).await.unwrap();
    assert_eq!(points(&store, ada).await, 0.0);
    assert_eq!(
        value(&store, ada, "stage_shop").await,
        Some(Value::Text("Customer".to_owned())),
        "never back"
    );

    let told = ledger(&store, ada).await;
    let seen: Vec<_> = told
        .iter()
        .rev()
        .map(|c| (c.before, c.after, c.cause, c.at))
        .collect();
    assert_eq!(
        seen,
        [
            (None, 3, ScoreCause::Published, day(0)),
            (Some(3), 13, ScoreCause::Event, day(0)),
            (Some(13), 10, ScoreCause::Changed, day(0)),
            (Some(10), 0, ScoreCause::Time, day(10)),
        ]
    );
    assert_eq!((told[2].stage.as_deref(), told[2].version), (Some("Customer"), 1));
    let reason = &told[2].reasons[0];
    assert_eq!(
        (reason.rule.as_str(), reason.before, reason.after),
        ("orders", 0, 10_000)
    );
    assert!(reason.event.is_some());
    let edges = store.read(|db| segments::edges_after(db, 0, 100)).await.unwrap();
    let edges: Vec<_> = edges
        .iter()
        .map(|edge| (edge.contact, edge.entered, edge.at))
        .collect();
    assert_eq!(
        edges,
        [(ada, true, day(0)), (ada, false, day(10))],
        "the segment follows at the instant"
    );
    assert_eq!(ledger(&store, people[1]).await, [], "no points are no change");
    let stages = store.read(move |db| scores::stages(db, ada)).await.unwrap();
    assert_eq!(stages, [(id, "Customer".to_owned(), day(0))]);
}

#[tokio::test]
async fn an_opened_file_measures_as_it_was_left_and_goes_on() {
    let place = Place::new();
    let (store, people, _) = measured(&place).await;
    orders(&store, people[1], 3).await;
    let before = ledger(&store, people[1]).await;
    store.close().await;
    let store = again(&place.file()).await;
    assert!(store.repaired().is_empty());
    assert_eq!(points(&store, people[1]).await, 15.0);
    assert_eq!(ledger(&store, people[1]).await, before);
    store
        .advance_clock(day(10) + TimeDelta::seconds(1))
        .await
        .unwrap();
    assert_eq!(points(&store, people[1]).await, 0.0);
    assert_eq!(ledger(&store, people[1]).await.len(), before.len() + 1);
}

#[tokio::test]
async fn nobody_but_the_score_writes_its_fields() {
    let place = Place::new();
    let (store, people, _) = measured(&place).await;
    let contact = people[0];
    let refused = write(&store, move |tx| {
        set_field(tx, contact, "score_shop", Some(&Value::Number(99.0)), "user").map(|_| ())
    });
    assert!(matches!(refused.await, Err(Error::Invalid(_))));
    let refused = write(&store, |tx| Columns::resolve(tx, &["score_shop"]).map(|_| ()));
    assert!(matches!(refused.await, Err(Error::Invalid(_))));
    let refused = write(&store, |tx| crate::fields::retire(tx, "stage_shop"));
    assert!(matches!(refused.await, Err(Error::Invalid(_))));
    assert_eq!(points(&store, contact).await, 3.0);
    let fields = store.catalogue().fields();
    let mine: Vec<_> = fields
        .iter()
        .filter(|f| f.score.as_deref() == Some("shop"))
        .map(|f| f.key.as_str())
        .collect();
    assert_eq!(mine, ["score_shop", "stage_shop", "stage_shop_since"]);
}

#[tokio::test]
async fn a_new_version_measures_everybody_anew_and_an_archived_score_leaves_only_its_ledger() {
    let place = Place::new();
    let (store, people, id) = measured(&place).await;
    let contact = people[0];
    let ScoreModel::Points {
        mut groups, bounds, ..
    } = model()
    else {
        panic!()
    };
    groups[0].rules[1].points = RulePoints::While { points: 8 };
    let next = ScoreModel::Points {
        groups,
        bounds,
        stages: Vec::new(),
        companies: None,
    };
    let score = write(&store, move |tx| {
        save(tx, id, "Shop", &next)?;
        publish(tx, id)
    })
    .await
    .unwrap();
    assert_eq!(score.version, 2);
    assert_eq!(points(&store, contact).await, 8.0);
    assert_eq!(
        value(&store, contact, "stage_shop").await,
        None,
        "a score without stages writes none"
    );
    let told = ledger(&store, contact).await;
    assert_eq!((told[0].before, told[0].after, told[0].version), (Some(3), 8, 2));
    assert_eq!(
        store.read(move |db| scores::version(db, id, 1)).await.unwrap(),
        Some(model())
    );

    write(&store, move |tx| archive(tx, id)).await.unwrap();
    assert!(
        store
            .catalogue()
            .fields()
            .iter()
            .all(|field| field.score.is_none())
    );
    assert!(store.with_index(|index| !index.record(contact).unwrap().fields.contains_key("score_shop")));
    orders(&store, contact, 4).await;
    assert_eq!(ledger(&store, contact).await, told);
    let back = write(&store, move |tx| publish(tx, id)).await.unwrap();
    assert_eq!((back.version, back.archived_at), (3, None));
    assert_eq!(points(&store, contact).await, 28.0);
}

#[tokio::test]
async fn what_was_written_of_somebody_goes_with_them() {
    let place = Place::new();
    let (store, people, _) = measured(&place).await;
    let contact = people[0];
    orders(&store, contact, 2).await;
    write(&store, move |tx| delete(tx, contact, None, "user"))
        .await
        .unwrap();
    assert_eq!(ledger(&store, contact).await, []);
    assert_eq!(
        store.read(move |db| scores::stages(db, contact)).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn a_field_of_somebody_else_keeps_a_score_from_being_published_and_nothing_is_left_of_it() {
    let place = Place::new();
    let store = fresh(&place).await;
    let outcome = write(&store, |tx| {
        let field = super::fixtures::field("score_shop", carillon_model::contact::FieldType::Number, &[]);
        crate::fields::add(tx, &field)?;
        Ok(scores::add(tx, "shop", "Shop", &model())?.id)
    });
    let id = outcome.await.unwrap();
    let refused = write(&store, move |tx| publish(tx, id)).await;
    assert!(
        matches!(refused, Err(Error::Taken { what: "field", .. })),
        "{refused:?}"
    );
    assert_eq!(
        store
            .read(move |db| scores::get(db, id))
            .await
            .unwrap()
            .unwrap()
            .version,
        0
    );
    let taken = write(&store, |tx| scores::add(tx, "shop", "Other", &model())).await;
    assert!(matches!(taken, Err(Error::Taken { what: "score", .. })));
}

#[tokio::test]
async fn two_contacts_that_become_one_are_measured_as_one_and_as_two_again() {
    let place = Place::new();
    let (store, people, _) = measured(&place).await;
    let (ada, twin) = (people[0], people[1]);
    orders(&store, ada, 1).await;
    orders(&store, twin, 1).await;
    let both = async |of: &Store| (points(of, ada).await, points(of, twin).await);
    assert_eq!(both(&store).await, (8.0, 5.0));
    let refused = write(&store, move |tx| {
        merge(tx, ada, twin, &["score_shop".into()], "user")
    })
    .await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let id = write(&store, move |tx| merge(tx, ada, twin, &[], "user"))
        .await
        .unwrap();
    assert_eq!(points(&store, ada).await, 13.0);
    write(&store, move |tx| unmerge(tx, id)).await.unwrap();
    assert_eq!(both(&store).await, (8.0, 5.0));
}

#[tokio::test]
async fn who_rises_and_falls_is_followed_by_commits_and_by_the_clock_and_read_back_from_the_ledger() {
    let place = Place::new();
    let (store, people, _) = measured(&place).await;
    write(&store, |tx| {
        let rose = parse("score_shop rose by at least 5 in the last 3 days").unwrap();
        let fell = parse("score_shop fell in the last 3 days").unwrap();
        segments::save(tx, None, "Warmer", &rose)?;
        segments::save(tx, None, "Cooler", &fell)
    })
    .await
    .unwrap();
    let members = |store: &Store, text: &str| -> Vec<u32> {
        let expr = parse(text).unwrap();
        let of_all = store.with_index(|index| index.members(&expr, index.as_of()));
        of_all.iter().collect()
    };
    let named = |store: &Store, name: &str| members(store, &format!("in segment \"{name}\""));
    let [a, b] = [people[0], people[1]];
    let begun = store.as_of() + TimeDelta::hours(1);
    store.advance_clock(begun).await.unwrap();
    let in_three = begun + TimeDelta::days(3);
    assert_eq!(named(&store, "Warmer"), Vec::<u32>::new());
    orders(&store, a, 1).await;
    assert_eq!(named(&store, "Warmer"), [a.0]);
    // The first measure of who comes later is no rise.
    let late = write(&store, |tx| Ok(ids(&add(tx, &["c@x.example"], "user")?)[0]))
        .await
        .unwrap();
    store.advance_clock(begun + TimeDelta::minutes(1)).await.unwrap();
    write(&store, move |tx| {
        set_field(tx, late, "city", Some(&Value::Text("Bonn".to_owned())), "user")
    })
    .await
    .unwrap();
    assert_eq!(named(&store, "Warmer"), [a.0]);
    assert_eq!(
        members(&store, "score_shop rose in the last 3 days"),
        [a.0, late.0]
    );
    store.advance_clock(in_three + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(
        named(&store, "Warmer"),
        Vec::<u32>::new(),
        "it was then what it is now"
    );
    orders(&store, b, 2).await;
    assert_eq!(named(&store, "Warmer"), [b.0]);
    // Ten days after the first order its points are gone, and so far nobody did anything.
    store
        .advance_clock(in_three + TimeDelta::days(7) + TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!(named(&store, "Cooler"), [a.0]);
    let asked = [
        "score_shop fell by at least 5 in the last 1 day",
        "score_shop fell by more than 5 in the last 1 day",
        "score_shop rose by at least 10 in the last 30 days",
        "score_shop rose in the last 30 days",
    ];
    let wanted = [vec![a.0], vec![], vec![b.0], vec![b.0, late.0]];
    let answers = |store: &Store| asked.map(|text| members(store, text));
    assert_eq!(answers(&store), wanted);
    let erased = write(&store, move |tx| delete(tx, b, None, "user")).await;
    erased.unwrap();
    let wanted = [vec![a.0], vec![], vec![], vec![late.0]];
    assert_eq!(answers(&store), wanted);
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(named(&store, "Cooler"), [a.0]);
    assert_eq!(answers(&store), wanted, "opened again");
}
