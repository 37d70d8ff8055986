//! Events from files.

use crate::studio::{Studio, rejects};
use serde_json::{Value, json};
use std::path::Path;

/// Imports a file of events whose columns have the usual names.
pub async fn import_events(studio: &Studio, path: &Path, source: &str) -> Value {
    let plan = json!({ "file": { "path": path }, "email": "email", "name": { "column": "event" }, "at": "at", "key": null, "source": source });
    studio.job("events.import_run", plan).await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_count_once_however_often_their_line_comes() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .import("a.csv", "email\nada@example.com\nbo@example.com\n")
        .await;
    let lines = "\
{\"email\":\"ada@example.com\",\"event\":\"order\",\"at\":\"2026-02-01T10:00:00Z\",\"props\":{\"amount\":{\"minor\":1250,\"currency\":\"EUR\"},\"gift\":true}}
{\"email\":\"bo@example.com\",\"event\":\"order\",\"at\":\"2026-02-02T10:00:00Z\"}
{\"email\":\"ada@example.com\",\"event\":\"review\",\"at\":\"2026-02-03T10:00:00Z\",\"props\":{\"stars\":5}}
{\"email\":\"ada@example.com\",\"event\":\"order\",\"at\":\"2026-02-01T10:00:00Z\",\"props\":{\"amount\":{\"minor\":1250,\"currency\":\"EUR\"},\"gift\":true}}
{\"email\":\"stranger@example.com\",\"event\":\"order\",\"at\":\"2026-02-02T10:00:00Z\"}
{\"email\":\"ada@exa
";
    let path = studio.write("events.jsonl", lines);
    let preview = studio
        .mutate("events.import_open", json!({ "file": { "path": path } }))
        .await;
    assert_eq!(preview["format"], "json_lines");
    assert_eq!(
        preview["guess"],
        json!({ "email": "email", "name": "event", "at": "at", "key": null })
    );
    let first = import_events(&studio, &path, "shop").await;
    let c = &first["counts"];
    assert_eq!(
        (&c["rows"], &c["new"], &c["duplicate"], &c["invalid"]),
        (&json!(6), &json!(3), &json!(1), &json!(2))
    );
    assert_eq!(
        rejects(&first).iter().map(|r| r[0].as_str()).collect::<Vec<_>>(),
        ["5", "6"]
    );
    let again = import_events(&studio, &path, "shop").await;
    assert_eq!(
        (&again["counts"]["new"], &again["counts"]["duplicate"]),
        (&json!(0), &json!(4))
    );

    let words = studio.query("vocabulary.list", json!({})).await;
    assert_eq!(
        words,
        json!({
            "events": [
                { "name": "order", "count": 2, "props": ["amount", "gift"] },
                { "name": "review", "count": 1, "props": ["stars"] },
            ],
            "tags": [{ "tag": "fair", "count": 2 }],
            "steps": [],
        })
    );

    let ada = studio
        .query("contacts.find", json!({ "email": "ada@example.com" }))
        .await;
    let events = studio.query("events.of", json!({ "contact": ada["id"] })).await;
    let names: Vec<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["review", "order"], "newest first");
    assert_eq!(
        events[1]["props"],
        json!({ "amount": { "minor": 1250, "currency": "EUR" }, "gift": true })
    );
    let count = studio
        .query(
            "segments.count",
            json!({ "text": "did order where amount >= 12.50 EUR", "clauses": false }),
        )
        .await;
    assert_eq!(count["count"], 1);

    let csv = studio.write("events.csv", "id;email;event;at;amount;items\n1;ada@example.com;order;2026-02-05 09:00;3,50 EUR;2\n1;ada@example.com;order;2026-02-05 09:00;3,50 EUR;3\n2;bo@example.com;Order;2026-02-06 09:00;;\n");
    let plan = json!({ "file": { "path": csv }, "email": "email", "name": { "column": "event" }, "at": "at", "key": "id", "source": "till" });
    let done = studio.job("events.import_run", plan.clone()).await;
    assert_eq!(
        (
            &done["counts"]["new"],
            &done["counts"]["duplicate"],
            &done["rejects"]
        ),
        (&json!(2), &json!(1), &Value::Null)
    );
    let events = studio.query("events.of", json!({ "contact": ada["id"] })).await;
    assert_eq!(
        events[0]["at"], "2026-02-05T08:00:00Z",
        "a time without a zone is the workspace's"
    );
    assert_eq!(
        events[0]["props"],
        json!({ "amount": { "minor": 350, "currency": "EUR" }, "items": 2.0 })
    );

    let undone = studio.job("imports.undo", json!({ "id": done["import"] })).await;
    assert_eq!(undone["removed"], 2);
    let events = studio.query("events.of", json!({ "contact": ada["id"] })).await;
    assert_eq!(events.as_array().unwrap().len(), 2);
    let again = studio.job("events.import_run", plan).await;
    assert_eq!(
        (&again["counts"]["new"], &again["counts"]["duplicate"]),
        (&json!(2), &json!(1)),
        "what was taken back can come again, once"
    );
}
