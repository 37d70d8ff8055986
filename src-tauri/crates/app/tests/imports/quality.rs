//! How good the data is, through the command table.

use crate::studio::Studio;
use carillon_app::error::Code;
use carillon_app::table::Kind;
use serde_json::{Value, json};
use std::fmt::Write;

const MANY: u32 = 6_000;

/// Six thousand people: every third without a telephone, every tenth with one that is none, every fourth not as it is written;
/// every hundredth with a slip in the address.
fn town() -> String {
    let mut list = "email,phone,country,shoe\n".to_owned();
    for n in 0..MANY {
        let domain = if n % 100 == 7 { "gmial.com" } else { "gmail.com" };
        let phone = match n {
            n if n % 3 == 0 => String::new(),
            n if n % 10 == 1 => "none".to_owned(),
            n if n % 4 == 1 => format!("030 {:06}", 900_000 + n),
            n => format!("+4930{:06}", 900_000 + n),
        };
        writeln!(list, "p{n}@{domain},{phone},DE,{}", 36 + n % 10).unwrap();
    }
    list
}

async fn studio(dir: &std::path::Path, list: &str) -> Studio {
    let studio = Studio::new(dir).await;
    studio
        .mutate(
            "fields.add",
            json!({ "key": "shoe", "label": "Shoe", "type": "number" }),
        )
        .await;
    studio.import("town.csv", list).await;
    studio
}

async fn shown(studio: &Studio) -> Value {
    studio.query("cleansing.quality", json!({})).await
}

fn field<'a>(shown: &'a Value, key: &str) -> &'a Value {
    let fields = shown["fields"].as_array().unwrap();
    fields.iter().find(|field| field["key"] == key).unwrap()
}

fn count(of: impl Fn(u32) -> bool) -> u32 {
    u32::try_from((0..MANY).filter(|n| of(*n)).count()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_is_measured_in_one_pass_and_each_figure_names_its_contacts() {
    let dir = tempfile::tempdir().unwrap();
    let studio = studio(dir.path(), &town()).await;
    let before = shown(&studio).await;
    assert_eq!(
        (&before["measured"], &before["at_hand"]),
        (&Value::Null, &json!(false))
    );
    assert!(
        before["fields"]
            .as_array()
            .unwrap()
            .iter()
            .all(|field| field["now"].is_null())
    );

    let measured = studio.job("cleansing.measure", json!({})).await;
    assert_eq!(
        (&measured["contacts"], &measured["pairs"]),
        (&json!(MANY), &Value::Null)
    );
    let after = shown(&studio).await;
    let known = count(|n| n % 3 != 0);
    let valid = count(|n| n % 3 != 0 && n % 10 != 1);
    let tidy = count(|n| n % 3 != 0 && n % 10 != 1 && n % 4 != 1);
    let figures = |known: u32, valid: u32, tidy: u32| json!({ "known": known, "valid": valid, "tidy": tidy, "score": tidy * 100 / MANY });
    assert_eq!(field(&after, "phone")["now"], figures(known, valid, tidy));
    assert_eq!(field(&after, "email")["now"], figures(MANY, MANY - 60, MANY - 60));
    assert_eq!(field(&after, "shoe")["now"], figures(MANY, MANY, MANY));
    assert_eq!(field(&after, "city")["now"], figures(0, 0, 0));
    assert_eq!(after["running"], Value::Null);

    let ask = |verdict: &str| json!({ "field": "phone", "verdict": verdict, "offset": 0, "limit": 100_000 });
    let invalid = studio.query("cleansing.quality_contacts", ask("invalid")).await;
    assert_eq!(
        (&invalid["total"], &invalid["at_hand"]),
        (&json!(known - valid), &json!(true))
    );
    let rows = invalid["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 200, "a page is bounded");
    assert!(
        rows.iter().all(|row| row["value"]["value"] == "none"),
        "{invalid}"
    );
    let untidy = studio.query("cleansing.quality_contacts", ask("untidy")).await;
    assert_eq!(untidy["total"], json!(valid - tidy));

    // Who is mended meanwhile is not shown, and the figures are those of the measurement.
    let mended = json!([{ "key": "phone", "value": { "type": "text", "value": "+4930901820" } }]);
    studio
        .mutate(
            "contacts.update",
            json!({ "id": rows[0]["id"], "values": mended }),
        )
        .await;
    let again = studio.query("cleansing.quality_contacts", ask("invalid")).await;
    assert_eq!(
        (&again["total"], again["rows"].as_array().unwrap().len()),
        (&json!(known - valid), 199)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_kept_by_day_and_whom_they_are_about_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let studio = studio(
        dir.path(),
        "email,phone,country,shoe\na@x.example,+4930901820,DE,41\nb@x.example,,DE,42\n",
    )
    .await;
    studio.job("cleansing.measure", json!({})).await;
    studio
        .job("clock.jump", json!({ "to": { "at": "2026-03-05T12:00:00Z" } }))
        .await;
    studio.import("more.csv", "email\nc@x.example\n").await;
    studio.job("cleansing.measure", json!({})).await;
    studio.job("cleansing.measure", json!({})).await;
    let told = shown(&studio).await;
    let days = |told: &Value| -> Vec<(String, u64)> {
        let days = field(told, "phone")["days"].as_array().unwrap();
        days.iter()
            .map(|day| {
                (
                    day["day"].as_str().unwrap().to_owned(),
                    day["score"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let all = [("2026-03-01".to_owned(), 50), ("2026-03-05".to_owned(), 33)];
    assert_eq!(days(&told), all, "the last of a day, and nothing in between");
    studio.mutate("workspaces.close", json!({})).await;
    let studio = Studio::again(dir.path()).await;
    let told = shown(&studio).await;
    assert_eq!(days(&told), all);
    assert_eq!(told["at_hand"], false);
    let asked = json!({ "field": "phone", "verdict": "invalid", "offset": 0, "limit": 5 });
    let rows = studio.query("cleansing.quality_contacts", asked).await;
    assert_eq!((&rows["at_hand"], &rows["rows"]), (&json!(false), &json!([])));
    studio.mutate("fields.retire", json!({ "key": "shoe" })).await;
    let told = shown(&studio).await;
    assert!(
        !told["fields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|field| field["label"] == "Shoe")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_measurements_at_once_are_one_too_many_and_a_stopped_one_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let studio = studio(dir.path(), &town()).await;
    let first = studio.mutate("cleansing.measure", json!({})).await;
    let error = studio
        .try_job("cleansing.measure", json!({}), false)
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Refused, "{error}");
    studio.mutate("jobs.cancel", json!({ "id": first["job"] })).await;
    loop {
        let job = studio.query("jobs.get", json!({ "id": first["job"] })).await;
        if job["state"] != "running" {
            assert_eq!(job["state"], "cancelled");
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let told = shown(&studio).await;
    assert_eq!(
        (&told["measured"], &told["running"]),
        (&Value::Null, &Value::Null)
    );
    studio.job("cleansing.measure", json!({})).await;
    let unknown = json!({ "field": "nope", "verdict": "invalid", "offset": 0, "limit": 5 });
    let rows = studio
        .ask(Kind::Query, "cleansing.quality_contacts", unknown)
        .await
        .unwrap();
    assert_eq!((&rows["total"], &rows["rows"]), (&json!(0), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_that_is_opened_late_learns_which_job_is_at_work() {
    let dir = tempfile::tempdir().unwrap();
    let studio = studio(dir.path(), &town()).await;
    let job = studio.mutate("cleansing.find", json!({})).await["job"].clone();
    let told = studio.query("cleansing.show", json!({})).await;
    assert_eq!(told["running"], json!({ "job": job, "what": "find" }));
    while studio.query("jobs.get", json!({ "id": job })).await["state"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let told = studio.query("cleansing.show", json!({})).await;
    assert_eq!(told["running"], Value::Null);
}
