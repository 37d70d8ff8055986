//! The sample company: the same everywhere, and like life where it matters.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use carillon_model::consent::{ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::Value;
use carillon_model::event::Prop;
use carillon_world::company::{Company, SampleContact};
use chrono::{Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

fn company(contacts: u32) -> Company {
    Company::new(7, contacts, 12, NaiveDate::from_ymd_opt(2026, 11, 1).unwrap())
}

fn digest(contacts: impl Iterator<Item = SampleContact>) -> String {
    let mut hasher = blake3::Hasher::new();
    for contact in contacts {
        hasher.update(format!("{contact:?}").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[test]
fn the_same_seed_gives_the_same_company_on_every_machine() {
    assert_eq!(
        digest(company(300).iter()),
        "0e0d8f8e59e419f1b5c8f0bd21d282f41cecb568d23457f9f6baa8669f7d3c71"
    );
    assert_ne!(
        digest(company(300).iter()),
        digest(Company::new(8, 300, 12, company(1).end().date_naive()).iter())
    );
}

#[test]
fn any_contact_can_be_made_alone() {
    let company = company(2_000);
    for (ordinal, contact) in company.iter().enumerate().step_by(371) {
        assert_eq!(contact, company.contact(ordinal as u32));
    }
}

#[test]
fn addresses_are_unique_and_reach_nobody() {
    let mut seen = BTreeSet::new();
    for contact in company(5_000).iter() {
        let (local, domain) = contact.email.split_once('@').unwrap();
        let reserved =
            ["example.com", "example.org", "example.net"].contains(&domain) || domain.ends_with(".example");
        assert!(
            reserved && local.is_ascii() && contact.email == contact.email.to_lowercase(),
            "{}",
            contact.email
        );
        assert!(seen.insert(contact.email));
    }
}

#[test]
fn values_fit_their_fields_and_money_adds_up() {
    let fields: BTreeMap<String, _> = Company::fields()
        .into_iter()
        .map(|field| (field.key.clone(), field))
        .collect();
    let mut seen = BTreeSet::new();
    for contact in company(2_000).iter() {
        for (key, value) in &contact.fields {
            let field = &fields[*key];
            assert_eq!(value.field_type(), field.field_type);
            match value {
                Value::Choice(option) => assert!(field.options.contains(option)),
                Value::MultiChoice(options) => assert!(options.iter().all(|o| field.options.contains(o))),
                _ => {}
            }
            seen.insert(*key);
        }
        let paid: i64 = contact
            .events
            .iter()
            .filter(|event| matches!(event.name, "order" | "store_visit"))
            .map(|event| match event.props["amount"] {
                Prop::Money(money) => money.minor,
                _ => panic!("an amount is money"),
            })
            .sum();
        let lifetime = contact.fields.iter().find_map(|(_, value)| match value {
            Value::Money(money) => Some(money.minor),
            _ => None,
        });
        assert_eq!(lifetime.unwrap_or(0), paid);
    }
    assert_eq!(seen.len(), fields.len());
}

#[test]
fn events_lie_in_the_period_in_order_and_after_the_contact_came() {
    let company = company(2_000);
    for contact in company.iter() {
        assert!(contact.created_at < company.end());
        assert!(contact.events.windows(2).all(|two| two[0].at <= two[1].at));
        let first = contact.created_at.max(company.start());
        assert!(
            contact
                .events
                .iter()
                .all(|event| event.at >= first && event.at < company.end())
        );
        assert!(
            contact
                .consents
                .iter()
                .all(|row| row.at >= contact.created_at && row.at < company.end())
        );
    }
}

#[test]
fn an_order_follows_a_cart_and_a_cart_a_visit() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for contact in company(2_000).iter() {
        for event in &contact.events {
            *counts.entry(event.name).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), 6, "{counts:?}");
    assert!(counts["site_visit"] > counts["cart_created"] && counts["cart_created"] > counts["order"]);
    assert!(counts["order"] > counts["cart_abandoned"] && counts["cart_abandoned"] > counts["review"]);
}

#[test]
fn days_weeks_and_the_year_have_a_rhythm_where_the_contact_lives() {
    let (mut hours, mut shop_days, mut months) = ([0u32; 24], [0u32; 7], [0u32; 12]);
    for contact in company(5_000).iter().filter(|contact| contact.ordinal < 1_500) {
        let zone: Tz = contact.time_zone.parse().unwrap();
        for event in &contact.events {
            let local = event.at.with_timezone(&zone);
            match event.name {
                "site_visit" => {
                    hours[local.hour() as usize] += 1;
                    months[local.month0() as usize] += 1;
                }
                "store_visit" => {
                    shop_days[local.weekday().num_days_from_monday() as usize] += 1;
                    assert!((7..19).contains(&local.hour()), "the shop is closed at {local}");
                }
                _ => {}
            }
        }
    }
    assert!(hours[20] > 5 * hours[3] && hours[12] > hours[10], "{hours:?}");
    assert!(shop_days[5] > shop_days[0] * 3 / 2, "{shop_days:?}");
    assert!(months[11] > months[6] * 3 / 2, "{months:?}");
}

#[test]
fn a_few_people_make_most_of_the_visits() {
    let mut visits: Vec<usize> = company(5_000)
        .iter()
        .map(|contact| contact.events.len())
        .collect();
    visits.sort_unstable_by(|a, b| b.cmp(a));
    let (top, all) = (visits[..500].iter().sum::<usize>(), visits.iter().sum::<usize>());
    assert!(top * 2 > all, "{top} of {all}");
}

#[test]
fn permission_is_given_proven_and_sometimes_taken_back() {
    let (mut without, mut withdrawn, mut bounced, mut proven) = (0, 0, 0, 0);
    for contact in company(5_000).iter() {
        let marketing: Vec<_> = contact
            .consents
            .iter()
            .filter(|row| row.purpose == Purpose::Marketing)
            .collect();
        without += u32::from(marketing.is_empty());
        withdrawn += u32::from(marketing.iter().any(|row| row.action == ConsentAction::Withdrawn));
        proven += u32::from(
            marketing
                .iter()
                .any(|row| row.wording.is_some() && !row.source.is_empty()),
        );
        let reason = contact.suppression.map(|(reason, _)| reason);
        bounced += u32::from(reason == Some(SuppressionReason::Bounced));
        let last = marketing.last().map(|row| row.action);
        assert_eq!(
            last == Some(ConsentAction::Withdrawn),
            reason == Some(SuppressionReason::Unsubscribed)
        );
    }
    assert!((500..700).contains(&without), "{without}");
    assert!(
        (100..350).contains(&withdrawn) && (30..150).contains(&bounced),
        "{withdrawn} {bounced}"
    );
    assert_eq!(proven, 5_000 - without);
}

#[test]
fn people_of_many_scripts_and_zones_are_among_them() {
    let (mut zones, mut scripts) = (BTreeSet::new(), BTreeSet::new());
    for contact in company(5_000).iter() {
        zones.insert(contact.time_zone);
        for c in contact.first_name.chars() {
            scripts.insert(match c {
                'ß'..='ÿ' => "umlaut",
                '\u{590}'..='\u{6FF}' => "right to left",
                '\u{3040}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' => "east asian",
                _ => "other",
            });
        }
    }
    assert!(zones.len() >= 25, "{zones:?}");
    assert_eq!(scripts.len(), 4, "{scripts:?}");
}
