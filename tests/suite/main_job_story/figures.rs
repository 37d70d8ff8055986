//! The app's own figures, against those that were counted by somebody else.

use super::{GONE, JOURNEY};
use crate::terminal::Terminal;
use serde_json::json;
use std::collections::BTreeMap;

pub fn check_funnel(
    shop: &Terminal<'_>,
    entered: usize,
    greeted: usize,
    yes: usize,
    no: usize,
    thanked: usize,
) {
    let funnel = shop.tell(&["report", "funnel", "--journey", JOURNEY]);
    assert_eq!(funnel["entered"], json!(entered));
    let row = |step: &str, reached: usize, accepted: usize, bounced: usize, suppressed: usize| {
        let shown = funnel["steps"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|s| s["step"] == json!(step));
        let shown = shown.unwrap_or_else(|| panic!("{step} is missing: {funnel}"));
        let figures =
            ["reached", "accepted", "bounced", "suppressed", "unknown", "now"].map(|key| shown[key].clone());
        assert_eq!(
            figures,
            [reached, accepted, bounced, suppressed, 0, 0].map(|n| json!(n)),
            "{step}"
        );
    };
    row("s1", entered, 0, 0, 0);
    row("s2", entered, greeted, GONE.len(), entered - greeted - GONE.len());
    row("s3", entered, 0, 0, 0);
    row("s4", entered, 0, 0, 0);
    row("s5", yes, thanked, 0, yes - thanked);
    row("s6", yes, 0, 0, 0);
    row("s7", no, 0, 0, 0);
    let mut exits = [("thanked", yes), ("no order", no)];
    exits.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let exits = exits.map(
        |(reason, count)| json!({ "end": "completed", "reason": reason, "title": reason, "count": count }),
    );
    assert_eq!(
        funnel["ended"],
        json!(exits),
        "everybody came to the exit they were meant to"
    );
}

/// The report of messages, summed over its days.
pub fn message_sums(shop: &Terminal<'_>) -> BTreeMap<&'static str, usize> {
    let report = shop.tell(&["report", "messages"]);
    let sum = |key: &str| {
        report["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row[key].as_u64())
            .sum::<u64>()
    };
    ["queued", "accepted", "bounced", "suppressed", "unknown"]
        .map(|key| (key, sum(key) as usize))
        .into()
}

/// Why somebody was thanked: the path says the condition and its truth.
pub fn check_path(shop: &Terminal<'_>, email: &str) {
    let path = shop.tell(&["journeys", "path", JOURNEY, "--as", email]);
    let facts = path
        .as_array()
        .or_else(|| path["facts"].as_array())
        .expect("facts");
    let left = facts
        .iter()
        .find(|f| f["fact"] == "left" && f["step"] == "s4")
        .expect("the split");
    assert_eq!(
        (&left["port"], &left["at"]),
        (&json!("yes"), &json!("2026-03-05T08:00:00Z")),
        "{left}"
    );
    assert_eq!(
        left["because"],
        json!([{ "about": "did order in the last 30 days", "value": "true" }])
    );
}
