//! Imports that are stopped or killed, and go on.

use crate::studio::{Studio, rejects};
use carillon_app::table::Kind;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Rows enough for many slices, with duplicates, gaps and refused rows among them.
fn long_list(rows: u32) -> String {
    let mut text = "email,first_name,points,group\n".to_owned();
    for n in 0..rows {
        // Neither sorted nor in the order they would be written in.
        let who = n.wrapping_mul(2_654_435_761) % rows;
        let email = match n % 50 {
            7 => "nobody".to_owned(),
            9 => format!(
                "person.{}@example.com",
                (n - 1).wrapping_mul(2_654_435_761) % rows
            ),
            _ => format!("person.{who}@example.com"),
        };
        let points = if n % 31 == 3 {
            "many".to_owned()
        } else {
            n.to_string()
        };
        text += &format!("{email},Person {who},{points},g{}\n", n % 5);
    }
    text
}

async fn long_plan(studio: &Studio, path: &Path) -> Value {
    let mut plan = studio.plan(path).await;
    plan["columns"][2] = json!({ "to": "new_field", "key": "points", "label": "Points", "type": "number" });
    plan["columns"][3] = json!({ "to": "new_field", "key": "team", "label": "Team", "type": "choice" });
    plan
}

/// What an import did, apart from where: counts, people, rejected rows.
async fn outcome(studio: &Studio, done: &Value) -> (Value, String, Vec<Vec<String>>) {
    (done["counts"].clone(), studio.everybody().await, {
        let mut rows = rejects(done);
        rows.sort();
        rows
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_stopped_and_resumed_again_and_again_is_the_uninterrupted_one() {
    const ROWS: u32 = 6_000;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = Studio::new(one.path()).await;
    let path = whole.write("long.csv", long_list(ROWS));
    let done = whole
        .job("contacts.import_run", long_plan(&whole, &path).await)
        .await;
    assert_eq!(done["counts"]["rows"], ROWS);
    let wanted = outcome(&whole, &done).await;

    let studio = Studio::new(two.path()).await;
    let path = studio.write("long.csv", long_list(ROWS));
    let plan = long_plan(&studio, &path).await;
    let mut ended = studio.try_job("contacts.import_run", plan, true).await;
    let mut stops = 0;
    while let Err(error) = &ended {
        assert!(error.message.contains("Stopped"), "{error}");
        let row = studio.query("imports.get", json!({ "id": 1 })).await;
        assert_eq!(
            (row["state"].as_str(), row["resumable"].as_bool()),
            (Some("cancelled"), Some(true))
        );
        assert!(row["counts"]["rows"].as_u64().unwrap() < u64::from(ROWS));
        stops += 1;
        ended = studio
            .try_job(
                "contacts.import_resume",
                json!({ "id": 1, "file": { "path": path } }),
                stops < 4,
            )
            .await;
    }
    assert!(stops > 0, "it was stopped before its end");
    assert_eq!(outcome(&studio, &ended.unwrap()).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_does_not_go_on_with_another_file_nor_after_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("long.csv", long_list(4_000));
    let plan = long_plan(&studio, &path).await;
    let stopped = studio.try_job("contacts.import_run", plan, true).await;
    assert!(stopped.is_err(), "it was stopped before its end");
    let other = studio.write("other.csv", long_list(4_001));
    let refused = studio
        .ask(
            Kind::Mutate,
            "contacts.import_resume",
            json!({ "id": 1, "file": { "path": other } }),
        )
        .await
        .unwrap_err();
    assert!(refused.message.contains("not the one"), "{refused}");
    studio
        .job(
            "contacts.import_resume",
            json!({ "id": 1, "file": { "path": path } }),
        )
        .await;
    let over = studio
        .ask(
            Kind::Mutate,
            "contacts.import_resume",
            json!({ "id": 1, "file": { "path": path } }),
        )
        .await
        .unwrap_err();
    assert!(over.message.contains("has ended"), "{over}");
}

const VICTIM: &str = "CARILLON_TEST_VICTIM";

/// Runs one of the tests below that are made to be killed, and kills it at a point.
fn kill(victim: &str, dir: &Path, point: &str) {
    let killed = Command::new(std::env::current_exe().unwrap())
        .args([victim, "--exact", "--ignored", "--quiet"])
        .env(VICTIM, dir)
        .env("CARILLON_CRASH_AT", point)
        .output()
        .unwrap();
    assert!(!killed.status.success(), "{point} was not passed");
}

/// Not a test of its own: the process that is killed in the one below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test of kills, in a process of its own"]
async fn victim() {
    let Ok(dir) = std::env::var(VICTIM) else { return };
    let studio = Studio::again(Path::new(&dir)).await;
    let path = Path::new(&dir).join("long.csv");
    let plan = long_plan(&studio, &path).await;
    studio.job("contacts.import_run", plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_killed_at_any_point_and_resumed_is_the_uninterrupted_one() {
    const ROWS: u32 = 3_000;
    let dir = tempfile::tempdir().unwrap();
    let whole = Studio::new(dir.path()).await;
    let path = whole.write("long.csv", long_list(ROWS));
    let done = whole
        .job("contacts.import_run", long_plan(&whole, &path).await)
        .await;
    let wanted = outcome(&whole, &done).await;
    for point in [
        "import_rejects:2",
        "import_slice:2",
        "rows_written:6",
        "before_commit:6",
        "edges_written:6",
        "after_commit:6",
        "after_publish:6",
        "import_end",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        let path = studio.write("long.csv", long_list(ROWS));
        studio.mutate("workspaces.close", json!({})).await;
        kill("kills::victim", dir.path(), point);
        let studio = Studio::again(dir.path()).await;
        let row = studio.query("imports.get", json!({ "id": 1 })).await;
        assert_eq!(
            (row["state"].as_str(), row["resumable"].as_bool()),
            (Some("failed"), Some(true)),
            "{point}: {row}"
        );
        let done = studio
            .job(
                "contacts.import_resume",
                json!({ "id": 1, "file": { "path": path } }),
            )
            .await;
        assert_eq!(outcome(&studio, &done).await, wanted, "{point}");
    }
}

/// Not a test of its own: the process that is killed in the one below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test of kills, in a process of its own"]
async fn victim_of_an_undo() {
    let Ok(dir) = std::env::var(VICTIM) else { return };
    let studio = Studio::again(Path::new(&dir)).await;
    studio.job("imports.undo", json!({ "id": 2 })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_killed_at_any_point_and_begun_again_is_the_uninterrupted_one() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let early: String = (0..1_000)
        .map(|n| format!("person.{n}@example.com,Early {n}\n"))
        .collect();
    let path = studio.write("early.csv", format!("email,first_name\n{early}"));
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    studio.job("contacts.import_run", plan).await;
    let path = studio.write("long.csv", long_list(3_000));
    let plan = long_plan(&studio, &path).await;
    studio.job("contacts.import_run", plan).await;
    studio.mutate("workspaces.close", json!({})).await;
    let imported = dir.path().join("shop.carillon");

    let mut wanted = None;
    for point in [
        None,
        Some("undo_slice:2"),
        Some("before_commit:3"),
        Some("after_commit:4"),
        Some("after_publish:5"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(&imported, dir.path().join("shop.carillon")).unwrap();
        if let Some(point) = point {
            kill("kills::victim_of_an_undo", dir.path(), point);
        }
        let studio = Studio::again(dir.path()).await;
        studio.job("imports.undo", json!({ "id": 2 })).await;
        let row = studio.query("imports.get", json!({ "id": 2 })).await;
        assert_eq!(row["state"], "undone", "{point:?}");
        let permitted = json!({ "text": "consent email marketing", "clauses": false });
        let left = (
            studio.everybody().await,
            studio.query("segments.count", permitted).await["count"].clone(),
        );
        assert!(
            left.0.lines().count() == 1_001 && left.1 == 0,
            "{point:?}: {}",
            left.1
        );
        assert_eq!(*wanted.get_or_insert_with(|| left.clone()), left, "{point:?}");
    }
}
