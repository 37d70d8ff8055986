//! The sample company as a file.
#![allow(clippy::unwrap_used)]

use carillon_app::App;
use carillon_app::table::{Call, Kind, Reply, Window};
use serde_json::{Value, json};
use std::time::Duration;

async fn ask(app: &App, kind: Kind, name: &str, args: Value) -> Reply {
    app.call(
        Window::Terminal,
        Call {
            kind,
            name: name.to_owned(),
            args,
        },
    )
    .await
}

async fn job(app: &App, name: &str, args: Value) -> Result<Value, Value> {
    let started = ask(app, Kind::Mutate, name, args)
        .await
        .map_err(|e| json!(e.message))?;
    loop {
        let job = ask(app, Kind::Query, "jobs.get", json!({ "id": started["job"] }))
            .await
            .unwrap();
        match job["state"].as_str().unwrap() {
            "running" => tokio::time::sleep(Duration::from_millis(5)).await,
            "done" => return Ok(job["result"].clone()),
            _ => return Err(job["error"].clone()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_a_living_company_with_a_journey_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::new(dir.path().join("home"), false);
    let file = dir.path().join("shop.carillon");
    let args = json!({ "file": { "path": file }, "contacts": 400, "months": 3, "seed": 1 });
    let made = job(&app, "demo.create_file", args.clone()).await.unwrap();
    assert_eq!(
        (&made["contacts"], &made["now"]),
        (&json!(400), &json!("2026-09-01T00:00:00Z"))
    );
    let events = made["events"].as_u64().unwrap();
    assert!(events > 400, "{events}");
    let again = job(&app, "demo.create_file", args).await.unwrap_err();
    assert!(again.as_str().unwrap().contains("is there already"), "{again}");

    let opened = ask(
        &app,
        Kind::Mutate,
        "workspaces.open",
        json!({ "file": { "path": file } }),
    )
    .await
    .unwrap();
    assert_eq!(
        (&opened["workspace"]["sample"], &opened["workspace"]["clock"]),
        (&json!(true), &json!("virtual"))
    );
    let accounts = ask(&app, Kind::Query, "accounts.list", json!({})).await.unwrap();
    assert_ne!(
        accounts[0]["port"], 25,
        "the server runs and its account knows where: {accounts}"
    );
    let journeys = ask(&app, Kind::Query, "journeys.list", json!({})).await.unwrap();
    assert_eq!(
        (&journeys[0]["name"], &journeys[0]["state"]),
        (&json!("Welcome series"), &json!("live"))
    );
    for text in [
        "consent email marketing",
        "did order in the last 90 days",
        "in segment \"New subscribers\"",
        "tag \"shop visitor\"",
        "favourite_roast is \"Espresso\"",
        "created_at in the last 30 days",
        "created_at more than 200 days ago",
    ] {
        let count = ask(
            &app,
            Kind::Query,
            "segments.count",
            json!({ "text": text, "clauses": false }),
        )
        .await
        .unwrap();
        let n = count["count"].as_u64().unwrap();
        assert!(n > 0 && n < 400, "{text}: {n}");
    }
    let page = json!({ "where": null, "search": null, "sort": null, "offset": 0, "limit": 200, "columns": ["city", "time_zone"] });
    let page = ask(&app, Kind::Query, "contacts.page", page).await.unwrap();
    assert!(
        page["rows"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["suppressed"] == true)
    );
    let who = page["rows"].as_array().unwrap().iter();
    let who = who.clone().find(|row| row["suppressed"] == true).unwrap();
    let shown = ask(&app, Kind::Query, "contacts.get", json!({ "id": who["id"] }))
        .await
        .unwrap();
    let why = &shown["suppressed"];
    assert!(
        why["reason"].is_string() && why["since"].is_string() && why["scope"].is_string(),
        "{why}"
    );
    let timeline = json!({ "id": who["id"], "before": null, "limit": 200 });
    let timeline = ask(&app, Kind::Query, "contacts.timeline", timeline)
        .await
        .unwrap();
    let entry = timeline
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["entry"] == "suppressed");
    assert_eq!(entry.map(|e| &e["at"]), Some(&why["since"]), "{timeline}");
    home_tells_all_kinds_and_what_is_still_to_do(&app, &journeys[0]["id"]).await;
    ask(&app, Kind::Mutate, "workspaces.close", json!({}))
        .await
        .unwrap();
}

async fn home_tells_all_kinds_and_what_is_still_to_do(app: &App, journey: &Value) {
    let simulated = |home: &Value| {
        let rows = home["checklist"].as_array().unwrap().clone();
        let row = rows
            .into_iter()
            .find(|row| row["item"] == "simulate_journey")
            .unwrap();
        row["done"] == true
    };
    let home = ask(app, Kind::Query, "home.overview", json!({})).await.unwrap();
    assert!(!simulated(&home));
    let published = home["latest"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["entry"] == "published");
    assert_eq!(
        published.map(|e| (&e["journey"], &e["version"])),
        Some((&json!("Welcome series"), &json!(1))),
        "{home}"
    );
    let draft = ask(app, Kind::Query, "journeys.get", json!({ "id": journey }))
        .await
        .unwrap();
    let args = json!({ "document": draft["document"], "days": 3, "seed": 1 });
    job(app, "journeys.simulate", args).await.unwrap();
    job(app, "runtime.run", json!({ "for_secs": 259_200 }))
        .await
        .unwrap();
    let home = ask(app, Kind::Query, "home.overview", json!({})).await.unwrap();
    assert!(simulated(&home));
    assert!(
        home["latest"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["entry"] == "message"),
        "{home}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_is_the_same_company_and_another_seed_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for (name, seed) in [("a", 5), ("b", 5), ("c", 6)] {
        let app = App::new(dir.path().join("home"), false);
        let file = dir.path().join(name);
        job(
            &app,
            "demo.create_file",
            json!({ "file": { "path": file }, "contacts": 60, "months": 2, "seed": seed }),
        )
        .await
        .unwrap();
        ask(
            &app,
            Kind::Mutate,
            "workspaces.open",
            json!({ "file": { "path": file } }),
        )
        .await
        .unwrap();
        let to = dir.path().join("export.csv");
        let export = json!({ "list": { "of": "contacts", "who": { "where": null, "search": null, "except": [] }, "columns": [] }, "to": { "path": to } });
        job(&app, "exports.start", export).await.unwrap();
        seen.push(std::fs::read_to_string(&to).unwrap());
        ask(&app, Kind::Mutate, "workspaces.close", json!({}))
            .await
            .unwrap();
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_this_machine_is_made_once_and_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::new(dir.path().join("home"), false);
    let size = json!({ "contacts": 50, "months": 1, "seed": 2 });
    let first = job(&app, "demo.create", size.clone()).await.unwrap();
    assert!(first["file"].as_str().unwrap().ends_with("sample.carillon"));
    let written = std::fs::metadata(first["file"].as_str().unwrap())
        .unwrap()
        .created()
        .ok();
    let second = ask(&app, Kind::Mutate, "demo.open", json!({})).await.unwrap();
    assert_eq!(second["file"], first["file"]);
    assert_eq!(
        std::fs::metadata(second["file"].as_str().unwrap())
            .unwrap()
            .created()
            .ok(),
        written
    );
    ask(&app, Kind::Mutate, "workspaces.close", json!({}))
        .await
        .unwrap();
    let refused = job(
        &app,
        "demo.create",
        json!({ "contacts": 0, "months": 1, "seed": 2 }),
    )
    .await
    .unwrap_err();
    assert!(
        refused.as_str().unwrap().contains("Nothing was made"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_has_its_name_only_when_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::new(dir.path().join("home"), false);
    let file = dir.path().join("shop.carillon");
    // What a program left that was killed while it made one.
    let left = dir.path().join("shop.carillon.making");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("sample.carillon"), "half a sample").unwrap();
    let args = json!({ "file": { "path": file }, "contacts": 300, "months": 2, "seed": 1 });
    let started = ask(&app, Kind::Mutate, "demo.create_file", args.clone())
        .await
        .unwrap();
    let id = json!({ "id": started["job"] });
    loop {
        let job = ask(&app, Kind::Query, "jobs.get", id.clone()).await.unwrap();
        if job["done"].as_f64().unwrap() > 0.0 {
            assert!(!file.exists(), "it has its name before it is whole");
            ask(&app, Kind::Mutate, "jobs.cancel", id.clone()).await.unwrap();
        }
        if job["state"] != "running" {
            assert_eq!(job["state"], "cancelled");
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!file.exists() && !left.exists());
    let made = job(&app, "demo.create_file", args).await.unwrap();
    assert_eq!(made["file"], json!(file));
    assert!(!left.exists());
    let recent = ask(&app, Kind::Query, "workspaces.recent", json!({}))
        .await
        .unwrap();
    assert_eq!(
        (&recent[0]["file"], &recent[0]["sample"]),
        (&json!(file), &json!(true))
    );
    ask(
        &app,
        Kind::Mutate,
        "workspaces.open",
        json!({ "file": { "path": file } }),
    )
    .await
    .unwrap();
    ask(&app, Kind::Mutate, "workspaces.close", json!({}))
        .await
        .unwrap();
}
