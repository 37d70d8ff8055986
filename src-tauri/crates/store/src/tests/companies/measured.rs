//! Scores that measure by what is known of a company.

use super::{acme, text};
use crate::companies;
use crate::contacts;
use crate::scores::{add, publish};
use crate::tests::fixtures::{Place, again, write};
use crate::{Store, segments};
use carillon_engine::segment::parse;
use carillon_model::ContactId;
use carillon_model::contact::Value;
use carillon_model::score::{Decay, RulePoints, ScoreBounds, ScoreGroup, ScoreModel, ScoreRule};

/// Five points in retail.
fn model() -> ScoreModel {
    ScoreModel::Points {
        groups: vec![ScoreGroup {
            key: "fit".to_owned(),
            name: "Fit".to_owned(),
            bounds: ScoreBounds::default(),
            decay: Decay::None,
            rules: vec![ScoreRule {
                key: "retail".to_owned(),
                when: "company.industry is \"Retail\"".to_owned(),
                points: RulePoints::While { points: 5 },
                bounds: ScoreBounds::default(),
                from: None,
                to: None,
            }],
        }],
        bounds: ScoreBounds::default(),
        stages: Vec::new(),
        companies: None,
    }
}

/// The points of a contact by the rows, and whether it is in the segment of those who fit.
async fn points(store: &Store, id: ContactId) -> (Option<Value>, bool) {
    let values = store
        .read(move |db| contacts::record_fields(db, id))
        .await
        .unwrap()
        .unwrap();
    let found = values
        .into_iter()
        .find(|(key, _)| key == "score_fit")
        .map(|(_, value)| value);
    let fits = parse("score_fit >= 5").unwrap();
    (
        found,
        store.with_index(|index| index.members(&fits, index.as_of()).contains(id.0)),
    )
}

#[tokio::test]
async fn a_changed_company_changes_the_points_of_its_contacts_in_the_same_commit() {
    let place = Place::new();
    let (store, people, acme) = acme(&place).await;
    let a = people[0];
    let five = (Some(Value::Number(5.0)), true);
    write(&store, |tx| {
        let score = add(tx, "fit", "Fit", &model())?;
        publish(tx, score.id)?;
        segments::save(tx, None, "Fits", &parse("score_fit >= 5").unwrap()).map(drop)
    })
    .await
    .unwrap();
    assert!(!points(&store, a).await.1);
    write(&store, move |tx| {
        companies::connect(tx, a, Some(acme), "user").map(drop)
    })
    .await
    .unwrap();
    assert_eq!(points(&store, a).await, five);
    let seq = write(&store, move |tx| {
        companies::set(tx, acme, "company.industry", Some(&text("Mining")), "user")?;
        Ok(tx.seq())
    })
    .await
    .unwrap();
    assert!(!points(&store, a).await.1);
    let left = store
        .read(move |db| {
            db.value::<u32>(
                "SELECT contact FROM segment_edges WHERE seq = ?1 AND entered = 0",
                (seq.0,),
            )
        })
        .await
        .unwrap();
    assert_eq!(left, Some(a.0));
    write(&store, move |tx| {
        companies::set(tx, acme, "company.industry", Some(&text("Retail")), "user").map(drop)
    })
    .await
    .unwrap();
    let now = store.with_index(crate::Index::as_of);
    let measured = store.companies_measured(vec![acme], None, now).await.unwrap();
    let rolled = measured.scored[0][0].as_ref().unwrap();
    assert_eq!((rolled.contacts, rolled.sum), (1, 5));
    write(&store, move |tx| companies::remove(tx, acme).map(drop))
        .await
        .unwrap();
    assert!(!points(&store, a).await.1);
    store.close().await;
    assert!(!points(&again(&place.file()).await, a).await.1);
}
