//! What companies come to by published scores, and the order it puts them in.

use super::{acme, text};
use crate::companies::{self, CompaniesQuery};
use crate::contacts::add_tag;
use crate::scores::{add as add_score, archive, publish, save};
use crate::tests::fixtures::{Place, add, field, ids, write};
use crate::{Error, Store, fields};
use carillon_model::contact::{FieldType, Value};
use carillon_model::score::{
    CompanyRule, CompanyScoring, Decay, RollUp, RulePoints, ScoreBounds, ScoreGroup, ScoreModel, ScoreRule,
};
use carillon_model::{CompanyId, Moment, ScoreId};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// The field that the score of these tests writes.
const FIELD: &str = "score_shop";

/// Ninety points for the tag best, ten for good, four less for bad.
fn model(companies: Option<CompanyScoring>) -> ScoreModel {
    let rules = [("best", 90), ("good", 10), ("bad", -4)].map(|(tag, points)| ScoreRule {
        key: tag.to_owned(),
        when: format!("tag \"{tag}\""),
        points: RulePoints::While { points },
        bounds: ScoreBounds::default(),
        from: None,
        to: None,
    });
    ScoreModel::Points {
        groups: vec![ScoreGroup {
            key: "shop".to_owned(),
            name: "Shop".to_owned(),
            bounds: ScoreBounds::default(),
            decay: Decay::None,
            rules: rules.to_vec(),
        }],
        bounds: ScoreBounds::default(),
        stages: Vec::new(),
        companies,
    }
}

fn rule(key: &str, when: &str, people: Option<u32>, points: i32) -> CompanyRule {
    CompanyRule {
        key: key.to_owned(),
        when: when.to_owned(),
        people,
        points,
    }
}

/// Acme in retail with somebody good and somebody bad, Best with the best, Alone with nobody, Zero with nobody of note; and a
/// score that measures them.
async fn town(place: &Place, companies: Option<CompanyScoring>) -> (Store, CompanyId, ScoreId) {
    let (store, people, acme) = acme(place).await;
    let (a, b, c) = (people[0], people[1], people[2]);
    let score = write(&store, move |tx| {
        for (contact, tag) in [(a, "good"), (b, "bad"), (c, "best")] {
            add_tag(tx, contact, tag, "user")?;
        }
        let best = companies::add(tx, "Best", None, "user")?;
        let zero = companies::add(tx, "Zero", None, "user")?;
        companies::add(tx, "Alone", None, "user")?;
        let d = ids(&add(tx, &["d@x.example"], "user")?)[0];
        for (contact, company) in [(a, acme), (b, acme), (c, best), (d, zero)] {
            companies::connect(tx, contact, Some(company), "user")?;
        }
        let score = add_score(tx, "shop", "Shop", &model(companies))?;
        Ok(publish(tx, score.id)?.id)
    })
    .await
    .unwrap();
    (store, acme, score)
}

async fn republish(store: &Store, id: ScoreId, companies: CompanyScoring) {
    write(store, move |tx| {
        save(tx, id, "Shop", &model(Some(companies)))?;
        publish(tx, id).map(drop)
    })
    .await
    .unwrap();
}

fn now(store: &Store) -> Moment {
    store.with_index(crate::Index::as_of)
}

fn query(descending: bool) -> CompaniesQuery {
    CompaniesQuery {
        descending,
        limit: 10,
        ..CompaniesQuery::default()
    }
}

/// Names in the order of the score with what it says of them.
async fn ranked(store: &Store, query: CompaniesQuery) -> Vec<(String, Option<i64>)> {
    let by_score = store.companies_by_score(FIELD.to_owned(), query, now(store));
    let (rows, _) = by_score.await.unwrap();
    let found = rows.iter().map(|row| row.company.id).collect();
    let only = Some(vec![FIELD.to_owned()]);
    let measured = store.companies_measured(found, only, now(store)).await.unwrap();
    let totals = measured.scored[0]
        .iter()
        .map(|scored| scored.as_ref().map(|scored| scored.total));
    rows.into_iter().map(|row| row.company.name).zip(totals).collect()
}

fn of(names: &[(&str, Option<i64>)]) -> Vec<(String, Option<i64>)> {
    names
        .iter()
        .map(|(name, total)| ((*name).to_owned(), *total))
        .collect()
}

#[tokio::test]
async fn without_a_word_of_companies_their_people_are_added_up_and_those_without_measured_people_come_last() {
    let place = Place::new();
    let (store, acme, score) = town(&place, None).await;
    let (six, ninety, zero) = (("Acme", Some(6)), ("Best", Some(90)), ("Zero", Some(0)));
    let alone = ("Alone", None);
    assert_eq!(ranked(&store, query(true)).await, of(&[ninety, six, zero, alone]));
    assert_eq!(
        ranked(&store, query(false)).await,
        of(&[zero, six, ninety, alone])
    );
    let measured = store
        .companies_measured(vec![acme], None, now(&store))
        .await
        .unwrap();
    assert_eq!(
        (measured.measures.len(), measured.measures[0].name.as_str()),
        (1, "Shop")
    );
    let acme = measured.scored[0][0].as_ref().unwrap();
    assert_eq!(
        (acme.contacts, acme.sum, acme.highest, acme.total),
        (2, 6, Some(10), 6)
    );
    let second = CompaniesQuery {
        offset: 1,
        limit: 1,
        ..query(true)
    };
    assert_eq!(ranked(&store, second).await, of(&[six]));
    let searched = CompaniesQuery {
        search: "ES".to_owned(),
        ..query(true)
    };
    assert_eq!(ranked(&store, searched).await, of(&[ninety]));
    let unhad = CompaniesQuery {
        without_contacts: true,
        ..query(true)
    };
    let by_score = store.companies_by_score(FIELD.to_owned(), unhad, now(&store));
    let (rows, total) = by_score.await.unwrap();
    assert_eq!((rows[0].company.name.as_str(), total), ("Alone", 1));
    let too_many = CompaniesQuery {
        limit: 1_001,
        ..query(true)
    };
    let by_score = store.companies_by_score(FIELD.to_owned(), too_many, now(&store));
    assert!(matches!(by_score.await, Err(Error::Invalid(_))));
    write(&store, move |tx| archive(tx, score).map(drop))
        .await
        .unwrap();
    let by_score = store.companies_by_score(FIELD.to_owned(), query(true), now(&store));
    assert!(matches!(by_score.await, Err(Error::NotFound { .. })));
    let nothing = store
        .companies_measured(Vec::new(), None, now(&store))
        .await
        .unwrap();
    assert_eq!((nothing.measures.len(), nothing.scored.len()), (0, 0));
}

#[tokio::test]
async fn rules_of_companies_count_as_soon_as_a_company_or_its_people_meet_them() {
    let place = Place::new();
    let companies = CompanyScoring {
        roll_up: RollUp::Highest,
        rules: vec![
            rule("retail", "company.industry is \"Retail\"", None, 50),
            rule("team", "score_shop >= 5", Some(2), 40),
        ],
        bounds: ScoreBounds {
            least: None,
            most: Some(95),
        },
    };
    let (store, acme, score) = town(&place, Some(companies)).await;
    let rest = [("Best", Some(90)), ("Alone", Some(0)), ("Zero", Some(0))];
    let with = |acme: i64| {
        let mut all = vec![("Acme", Some(acme))];
        all.extend(rest);
        all.sort_by_key(|(_, total)| std::cmp::Reverse(*total));
        of(&all)
    };
    assert_eq!(ranked(&store, query(true)).await, with(60));
    // Two with five points make a team; the whole stays within its bounds.
    write(&store, move |tx| {
        let d = ids(&add(tx, &["e@x.example"], "user")?)[0];
        add_tag(tx, d, "good", "user")?;
        companies::connect(tx, d, Some(acme), "user").map(drop)
    })
    .await
    .unwrap();
    assert_eq!(ranked(&store, query(true)).await, with(95));
    let measured = store
        .companies_measured(vec![acme], None, now(&store))
        .await
        .unwrap();
    let scored = measured.scored[0][0].as_ref().unwrap();
    let rules = scored
        .rules
        .iter()
        .map(|rule| (rule.key.as_str(), rule.count, rule.points));
    assert_eq!(
        rules.collect::<Vec<_>>(),
        [("retail", 1, 50_000), ("team", 2, 40_000)]
    );
    assert_eq!((scored.rolled_up, scored.limited), (10_000, -5_000));
    // What is known of the company goes, and with it the points.
    write(&store, move |tx| {
        companies::set(tx, acme, "company.industry", Some(&text("Mining")), "user").map(drop)
    })
    .await
    .unwrap();
    assert_eq!(ranked(&store, query(true)).await, with(50));
    let only_rules = CompanyScoring {
        roll_up: RollUp::Nothing,
        rules: vec![rule("not", "not company.industry is \"Mining\"", None, 1)],
        bounds: ScoreBounds::default(),
    };
    republish(&store, score, only_rules).await;
    let found = ranked(&store, query(true)).await;
    assert_eq!(found.last().unwrap(), &("Acme".to_owned(), Some(0)), "{found:?}");
}

#[tokio::test]
async fn the_order_is_that_of_a_statement_over_all_rows() {
    let place = Place::new();
    let (store, _, score) = town(&place, None).await;
    write(&store, |tx| {
        // Numbers that look drawn, the same each time.
        let mut seed = 7u32;
        let mut draw = |most: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % most
        };
        let mut all = Vec::new();
        for n in 0..30 {
            all.push(companies::add(tx, &format!("Company {n}"), None, "user")?);
        }
        let emails: Vec<String> = (0..300).map(|n| format!("p{n}@many.example")).collect();
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        for contact in ids(&add(tx, &emails, "user")?) {
            for (tag, of) in [("best", 20), ("good", 3), ("bad", 2)] {
                if draw(of) == 0 {
                    add_tag(tx, contact, tag, "user")?;
                }
            }
            // A fifth of them works nowhere.
            if let Some(company) = all.get(draw(37) as usize) {
                companies::connect(tx, contact, Some(*company), "user")?;
            }
        }
        Ok(())
    })
    .await
    .unwrap();
    for (roll_up, asked) in [
        (RollUp::Sum, "sum(f.{c})"),
        (RollUp::Average, "round(avg(f.{c}))"),
        (RollUp::Highest, "max(f.{c})"),
    ] {
        let companies = CompanyScoring {
            roll_up,
            ..CompanyScoring::default()
        };
        republish(&store, score, companies).await;
        let by_rows = store.read(move |db| {
            let mut scored = db.catalogue.active().filter(|custom| custom.field.key == FIELD);
            let column = scored.next().unwrap().column();
            let asked = asked.replace("{c}", &column);
            let sql = format!(
                "SELECT k.name, {asked} FROM companies k JOIN contacts c ON c.company_id = k.id
                 JOIN contact_fields f ON f.contact = c.id GROUP BY k.id HAVING count(f.{column}) > 0"
            );
            db.all(&sql, (), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)? as i64))
            })
        });
        let by_rows: BTreeMap<String, i64> = by_rows.await.unwrap().into_iter().collect();
        assert!(by_rows.len() > 30, "{}", by_rows.len());
        let mut last = i64::MAX;
        let whole = CompaniesQuery {
            limit: 100,
            ..query(true)
        };
        for (name, total) in ranked(&store, whole).await {
            assert_eq!(total, by_rows.get(&name).copied(), "{name} by {roll_up:?}");
            assert!(total.is_none_or(|total| total <= last), "{name} by {roll_up:?}");
            last = total.unwrap_or(i64::MIN);
        }
    }
}

#[tokio::test]
async fn an_order_by_a_score_follows_the_clock_though_nothing_is_written() {
    let place = Place::new();
    let companies = CompanyScoring {
        rules: vec![rule("new", "company.renewed in the last 30 days", None, 500)],
        ..CompanyScoring::default()
    };
    let (store, acme, score) = town(&place, None).await;
    let today = now(&store);
    write(&store, move |tx| {
        fields::add(tx, &field("company.renewed", FieldType::Date, &[]))?;
        let renewed = Value::Date(today.date_naive());
        companies::set(tx, acme, "company.renewed", Some(&renewed), "user").map(drop)
    })
    .await
    .unwrap();
    republish(&store, score, companies).await;
    let today = now(&store);
    for (days, first) in [(0, "Acme"), (29, "Acme"), (40, "Best"), (0, "Acme")] {
        let at = today + TimeDelta::days(days);
        let by_score = store.companies_by_score(FIELD.to_owned(), query(true), at);
        let (rows, _) = by_score.await.unwrap();
        assert_eq!(rows[0].company.name, first, "after {days} days");
    }
}
