//! A campaign's test: counted by windows, decided once, and the winner goes to the rest.

use crate::post::{go, june, pass, preview, ready, save, start, state, view};
use crate::shop::Shop;
use crate::trial;
use carillon_app::table::Kind;
use carillon_engine::experiment::{Shares, place};
use carillon_model::campaign::Part;
use carillon_model::{CampaignId, ContactId};
use carillon_store::{Priority, events};
use chrono::TimeDelta;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_was_held_out_is_compared_once_the_declared_window_is_over",
            held_out,
        ),
        trial(
            "a_test_that_finds_a_winner_sends_it_to_the_rest_and_is_never_read_again",
            winner,
        ),
        trial(
            "a_test_without_a_difference_says_so_at_its_end_and_waits_for_a_person",
            no_difference,
        ),
        trial(
            "an_open_window_counts_nobody_and_an_event_of_another_message_is_no_hit",
            windows,
        ),
        trial("a_winner_that_drives_people_away_waits_for_a_person", guardrail),
        trial(
            "the_rest_gets_the_winner_when_its_own_clock_shows_the_time",
            rest_at,
        ),
        trial(
            "the_calculator_takes_the_base_rate_from_what_the_workspace_has_seen",
            calculator,
        ),
    ]
}

const PEOPLE: usize = 400;

fn test(other: Value) -> Value {
    let mut test = json!({
        "metric": "order", "window_hours": 1, "sample_percent": 60, "base_rate": 0.1, "minimum_effect": 2.0,
        "ends_after_hours": 24,
    });
    for (key, value) in other.as_object().unwrap() {
        test[key] = value.clone();
    }
    let variants =
        json!([{ "template": "Hello", "subject": "Plain" }, { "template": "Hello", "subject": "Bold" }]);
    june(json!({ "variants": variants, "test": test }))
}

/// A campaign with a test, whose sample has got its variants.
async fn sampled(other: Value) -> (Shop, u64) {
    let shop = ready(PEOPLE).await;
    shop.change_account("sessions", json!(4)).await;
    shop.change_account("per_minute", json!(100_000)).await;
    let id = save(&shop, test(other)).await;
    start(&shop, id).await;
    pass(&shop, 60).await;
    assert_eq!(state(&shop, id).await, "testing");
    (shop, id)
}

/// Contacts by their part of the campaign.
fn parts(id: u64) -> BTreeMap<Part, Vec<u32>> {
    let shares = Shares {
        hold_out: 0,
        sample: 60,
        arms: 2,
    };
    let mut parts: BTreeMap<Part, Vec<u32>> = BTreeMap::new();
    for contact in 1..=PEOPLE as u32 {
        let part = place(CampaignId(id as u32), ContactId(contact), shares);
        parts.entry(part).or_default().push(contact);
    }
    parts
}

async fn happens(shop: &Shop, name: &'static str, contacts: Vec<u32>, props: Value) {
    let open = shop.studio.app.own().await.unwrap();
    let props: BTreeMap<String, carillon_model::event::Prop> = serde_json::from_value(props).unwrap();
    let added = open.store.write(Priority::Intake, move |tx| {
        let all: Vec<_> = contacts
            .iter()
            .map(|contact| events::NewEvent {
                contact: ContactId(*contact),
                name: name.to_owned(),
                at: tx.now() + TimeDelta::milliseconds(1),
                source: "shop".to_owned(),
                props: props.clone(),
            })
            .collect();
        events::append(tx, &all)
    });
    added.await.unwrap();
}

fn every(contacts: &[u32], nth: usize) -> Vec<u32> {
    contacts.iter().copied().step_by(nth).collect()
}

fn subjects(shop: &Shop) -> BTreeMap<String, usize> {
    let mailbox = carillon_world::Mailbox::open(&shop.folder().join("mail")).unwrap();
    let mut all = BTreeMap::new();
    for name in mailbox.list().unwrap() {
        let bytes = mailbox.read(&name).unwrap().unwrap();
        let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
        *all.entry(mail.subject().unwrap().to_owned()).or_default() += 1;
    }
    all
}

async fn winner() {
    let (shop, id) = sampled(json!({})).await;
    let parts = parts(id);
    let (a, b, rest) = (&parts[&Part::Arm(0)], &parts[&Part::Arm(1)], &parts[&Part::Rest]);
    assert_eq!(
        subjects(&shop),
        BTreeMap::from([("Plain".to_owned(), a.len()), ("Bold".to_owned(), b.len())])
    );
    pass(&shop, 60).await;
    happens(&shop, "order", every(a, 20), json!({})).await;
    happens(&shop, "order", every(b, 3), json!({})).await;
    pass(&shop, 600).await;
    let seen = view(&shop, id).await["test"].clone();
    assert_eq!(
        seen["verdict"]["verdict"], "not_enough_data",
        "the windows are open: {seen}"
    );
    pass(&shop, 3_600).await;
    let seen = view(&shop, id).await;
    let decision = &seen["test"]["decision"];
    assert_eq!(
        decision["verdict"],
        json!({ "verdict": "decided", "arm": 1 }),
        "{seen}"
    );
    assert_eq!(
        (&decision["chosen"], &decision["by_hand"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(decision["counted"][1]["hits"], json!(every(b, 3).len()));
    assert_eq!(seen["test"]["mismatch"], json!(false));
    assert_eq!(seen["state"], "done");
    let sent = subjects(&shop);
    assert_eq!((sent["Plain"], sent["Bold"]), (a.len(), b.len() + rest.len()));
    // What comes later changes nothing any more.
    happens(&shop, "order", a.clone(), json!({})).await;
    pass(&shop, 86_400).await;
    assert_eq!(view(&shop, id).await["test"], seen["test"]);
    assert_eq!(shop.taken().len(), PEOPLE);
}

async fn no_difference() {
    let (shop, id) = sampled(json!({})).await;
    let parts = parts(id);
    for arm in 0..2 {
        happens(&shop, "order", every(&parts[&Part::Arm(arm)], 10), json!({})).await;
    }
    pass(&shop, 23 * 3_600).await;
    assert_eq!(state(&shop, id).await, "testing", "it never ends before its end");
    pass(&shop, 3_600).await;
    let seen = view(&shop, id).await;
    assert_eq!(seen["state"], "decided");
    assert_eq!(seen["test"]["verdict"]["verdict"], "no_difference");
    assert_eq!(seen["test"]["decision"]["chosen"], Value::Null);
    let sample = parts[&Part::Arm(0)].len() + parts[&Part::Arm(1)].len();
    assert_eq!(shop.taken().len(), sample);
    let chosen = json!({ "id": id, "variant": 7 });
    assert!(
        shop.studio
            .ask(Kind::Mutate, "campaigns.choose", chosen)
            .await
            .is_err()
    );
    let chosen = shop
        .studio
        .mutate("campaigns.choose", json!({ "id": id, "variant": 0 }))
        .await;
    assert_eq!(chosen["test"]["decision"]["by_hand"], json!(true));
    pass(&shop, 60).await;
    assert_eq!(shop.taken().len(), PEOPLE);
    assert_eq!(state(&shop, id).await, "done");
}

async fn windows() {
    let (shop, id) = sampled(json!({})).await;
    let parts = parts(id);
    let (a, b) = (&parts[&Part::Arm(0)], &parts[&Part::Arm(1)]);
    pass(&shop, 60).await;
    // Of another campaign, of another message, and of nobody in the sample.
    happens(&shop, "order", a.clone(), json!({ "campaign": "Other" })).await;
    happens(&shop, "order", a.clone(), json!({ "message": 999_999 })).await;
    happens(&shop, "order", parts[&Part::Rest].clone(), json!({})).await;
    happens(&shop, "order", every(b, 10), json!({ "campaign": "June" })).await;
    happens(&shop, "order", every(b, 10), json!({ "journey": id })).await;
    let counted = async |what: &str| {
        let seen = view(&shop, id).await["test"]["arms"].clone();
        (
            seen[0][what].as_u64().unwrap() as usize,
            seen[1][what].as_u64().unwrap() as usize,
        )
    };
    pass(&shop, 3_000).await;
    assert_eq!(counted("recipients").await, (0, 0));
    assert_eq!(counted("accepted").await, (a.len(), b.len()));
    pass(&shop, 1_200).await;
    assert_eq!(counted("recipients").await, (a.len(), b.len()));
    assert_eq!(counted("hits").await, (0, every(b, 10).len()));
    // After the window.
    happens(&shop, "order", a.clone(), json!({})).await;
    pass(&shop, 3_600).await;
    assert_eq!(counted("hits").await, (0, every(b, 10).len()));
}

async fn guardrail() {
    let (shop, id) = sampled(json!({})).await;
    let parts = parts(id);
    let (a, b) = (&parts[&Part::Arm(0)], &parts[&Part::Arm(1)]);
    pass(&shop, 60).await;
    happens(&shop, "order", every(a, 20), json!({})).await;
    happens(&shop, "order", every(b, 2), json!({})).await;
    happens(&shop, "email_unsubscribed", every(b, 4), json!({})).await;
    pass(&shop, 4_000).await;
    let seen = view(&shop, id).await;
    assert_eq!(seen["state"], "decided", "{seen}");
    assert_eq!(seen["test"]["verdict"], json!({ "verdict": "decided", "arm": 1 }));
    assert_eq!(
        (&seen["test"]["arms"][1]["hurt"], &seen["test"]["arms"][0]["hurt"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(shop.taken().len(), a.len() + b.len(), "the rest waits");
    assert_eq!(go(&shop, "stop", id).await.unwrap()["state"], "stopped");
}

async fn rest_at() {
    let (shop, id) = sampled(json!({ "rest_at": "06:30:00" })).await;
    let parts = parts(id);
    pass(&shop, 60).await;
    happens(&shop, "order", every(&parts[&Part::Arm(0)], 2), json!({})).await;
    pass(&shop, 4_000).await;
    let sample = parts[&Part::Arm(0)].len() + parts[&Part::Arm(1)].len();
    assert_eq!(state(&shop, id).await, "sending");
    assert_eq!(shop.taken().len(), sample, "it is a quarter past two in Berlin");
    // 06:30 in Berlin is 05:30 in London.
    let run = json!({ "until": "2026-03-01T05:29:00Z", "for_secs": null });
    shop.studio.job("runtime.run", run).await;
    assert_eq!(shop.taken().len(), sample);
    let run = json!({ "until": "2026-03-01T05:30:00Z", "for_secs": null });
    shop.studio.job("runtime.run", run).await;
    assert_eq!(shop.taken().len(), PEOPLE);
    assert_eq!(state(&shop, id).await, "done");
}

async fn calculator() {
    let shop = ready(100).await;
    let ask = json!({ "metric": "order", "variants": 2, "minimum_effect": 0.5 });
    let nothing = shop.studio.query("campaigns.plan", ask.clone()).await;
    assert_eq!(
        (&nothing["base_rate"], &nothing["per_arm"]),
        (&Value::Null, &Value::Null)
    );
    let given = json!({ "metric": "order", "variants": 2, "minimum_effect": 0.5, "base_rate": 0.1 });
    let given = shop.studio.query("campaigns.plan", given).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    pass(&shop, 300).await;
    happens(&shop, "order", (1..=10).collect(), json!({})).await;
    let own = shop.studio.query("campaigns.plan", ask).await;
    assert_eq!((&own["messages"], &own["events"]), (&json!(100), &json!(10)));
    assert_eq!(own["base_rate"], json!(0.1));
    assert_eq!(own["per_arm"], given["per_arm"]);
    // Too small a sample is said before it is sent.
    let small = save(&shop, {
        let mut campaign = test(json!({ "minimum_effect": 0.5 }));
        campaign["name"] = json!("Small");
        campaign
    })
    .await;
    let problems = preview(&shop, small).await["problems"].clone();
    assert_eq!(problems[0]["code"], "too_few", "{problems}");
    assert_eq!(problems[0]["severity"], "warning");
}

async fn held_out() {
    let shop = ready(400).await;
    let measure = json!({ "metric": "order", "window_days": 7 });
    let id = save(&shop, june(json!({ "hold_out_percent": 50, "measure": measure }))).await;
    start(&shop, id).await;
    pass(&shop, 120).await;
    let shares = Shares {
        hold_out: 50,
        sample: 0,
        arms: 0,
    };
    let number = CampaignId(u32::try_from(id).unwrap());
    let (held, got): (Vec<u32>, Vec<u32>) =
        (1..=400).partition(|contact| place(number, ContactId(*contact), shares) == Part::HeldOut);
    let first = |of: &[u32], n: usize| of.iter().copied().take(n).collect::<Vec<u32>>();
    happens(&shop, "order", first(&got, 60), json!({})).await;
    // Twice is once, and another event is none.
    happens(&shop, "order", first(&got, 10), json!({})).await;
    happens(&shop, "order", first(&held, 20), json!({})).await;
    happens(&shop, "page_viewed", held.clone(), json!({})).await;
    pass(&shop, 60).await;
    let lift = view(&shop, id).await["lift"].clone();
    assert_eq!(lift["treated"], json!({ "of": got.len(), "did": 60 }));
    assert_eq!(lift["held_out"], json!({ "of": held.len(), "did": 20 }));
    assert_eq!(
        (&lift["over"], &lift["difference"]),
        (&json!(false), &Value::Null)
    );
    pass(&shop, 7 * 86_400).await;
    // What happens after the window does not count.
    happens(&shop, "order", held.clone(), json!({})).await;
    pass(&shop, 60).await;
    let lift = view(&shop, id).await["lift"].clone();
    assert_eq!(lift["held_out"]["did"], json!(20));
    let at = |of: &str, what: &str| lift[of][what].as_f64().unwrap();
    let expected = 60.0 / got.len() as f64 - 20.0 / held.len() as f64;
    assert!((at("difference", "at") - expected).abs() < 1e-9);
    assert!(
        at("difference", "low") > 0.0 && at("difference", "high") < 0.4,
        "{lift}"
    );
    assert!((at("extra", "at") - expected * got.len() as f64).abs() < 1e-6);
    let unfit = save(&shop, {
        let mut campaign =
            june(json!({ "hold_out_percent": 5, "measure": { "metric": " ", "window_days": 7 } }));
        campaign["name"] = json!("Unfit");
        campaign
    })
    .await;
    assert_eq!(
        preview(&shop, unfit).await["problems"][0]["code"],
        "measure_measure"
    );
}
