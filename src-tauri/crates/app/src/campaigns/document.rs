//! The journey that sends a campaign.
//!
//! Each variant has two ways through it, one for the test (`test_0`) and one for the rest (`rest_0`), each with an
//! entry of its own that nobody comes in at by itself. So the identity of a message, the gate, pause and stop, the reports
//! and the reasons are those of journeys.

use carillon_model::StepId;
use carillon_model::campaign::{AbTest, Campaign, CampaignPurpose, Past, When};
use carillon_model::journey::{JOURNEY_FORMAT, Journey, ReEntry, Step};
use chrono::{NaiveTime, TimeDelta};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long the rest's window of the day is open, for whoever is late.
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// The entry that leads to a message.
pub fn entry(message: &str) -> StepId {
    StepId(format!("in_{message}"))
}

/// The message of an arm in the test.
pub fn in_test(arm: u8) -> String {
    format!("test_{arm}")
}

/// The message the rest gets, where this arm was chosen.
pub fn for_rest(arm: u8) -> String {
    format!("rest_{arm}")
}

/// The variant a message step sends.
pub fn variant_of(step: &str) -> Option<usize> {
    let (kind, arm) = step.split_once('_')?;
    matches!(kind, "test" | "rest")
        .then(|| arm.parse().ok())
        .flatten()
}

fn step(id: &StepId, kind: &str, settings: Value, next: Option<&StepId>) -> Step {
    Step {
        id: id.clone(),
        kind: kind.to_owned(),
        name: String::new(),
        settings: settings.as_object().cloned().unwrap_or_default(),
        next: next
            .map(|to| ("next".to_owned(), to.clone()))
            .into_iter()
            .collect(),
    }
}

/// The wait of a campaign that is sent at each contact's own time.
fn until_local(when: &When) -> Option<(&'static str, Value)> {
    match when {
        When::Now | When::At { .. } => None,
        When::AtLocal { at, past } => Some((
            "wait_until",
            json!({
                "at": at.format("%Y-%m-%d %H:%M").to_string(),
                "zone": "contact",
                "if_past": match past { Past::SendNow => "continue", Past::Skip => "exit" },
            }),
        )),
    }
}

/// The wait of the rest for its own time of day.
fn until_time(at: NaiveTime) -> (&'static str, Value) {
    let to = at.overflowing_add_signed(WINDOW).0;
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let (from, to) = (at.format("%H:%M").to_string(), to.format("%H:%M").to_string());
    (
        "wait_window",
        json!({ "days": days, "from": from, "to": to, "zone": "contact" }),
    )
}

/// The journey of a campaign, whether it can be published or not.
pub fn document(campaign: &Campaign) -> Journey {
    let out = StepId("out".to_owned());
    let mut steps = vec![step(&out, "exit", json!({ "reason": "sent" }), None)];
    let mut way = |arm: usize, message: String, wait: Option<(&'static str, Value)>| {
        let Some(variant) = campaign.variants.get(arm) else {
            return;
        };
        let send = StepId(message.clone());
        let mut first = send.clone();
        if let Some((kind, settings)) = wait {
            first = StepId(format!("wait_{message}"));
            steps.push(step(&first, kind, settings, Some(&send)));
        }
        steps.push(step(&entry(&message), "entry_manual", json!({}), Some(&first)));
        let mut settings = json!({
            "template": variant.template,
            "transactional": campaign.purpose == CampaignPurpose::Transactional,
        });
        if let Some(account) = &campaign.account {
            settings["account"] = json!(account);
        }
        steps.push(step(&send, "send_email", settings, Some(&out)));
    };
    match &campaign.test {
        None => way(0, for_rest(0), until_local(&campaign.when)),
        Some(AbTest { rest_at, .. }) => {
            for arm in 0..campaign.variants.len().min(super::MOST_VARIANTS) {
                way(arm, in_test(arm as u8), until_local(&campaign.when));
                way(arm, for_rest(arm as u8), rest_at.map(until_time));
            }
        }
    }
    Journey {
        format: JOURNEY_FORMAT.to_owned(),
        name: campaign.name.clone(),
        re_entry: ReEntry::Never,
        exit_when: Vec::new(),
        steps,
        layout: BTreeMap::new(),
    }
}
