//! Imports through the command table, on real files.
#![allow(clippy::unwrap_used)]

use carillon_app::App;
use carillon_app::error::ApiError;
use carillon_app::table::{Call, Kind, Reply, Window};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A program with a workspace of its own.
struct Studio {
    app: App,
    dir: PathBuf,
}

impl Studio {
    /// A new workspace whose clock stands still.
    async fn new(dir: &Path) -> Studio {
        let studio = Studio {
            app: App::new(dir.join("home"), false),
            dir: dir.to_owned(),
        };
        let file = dir.join("shop.carillon");
        let args = json!({ "file": { "path": file }, "name": "Shop", "clock": "virtual", "start": "2026-03-01T00:00:00Z", "time_zone": "Europe/Berlin" });
        studio.ask(Kind::Mutate, "workspaces.create", args).await.unwrap();
        studio
    }

    /// The workspace of a folder, again.
    async fn again(dir: &Path) -> Studio {
        let studio = Studio {
            app: App::new(dir.join("home"), false),
            dir: dir.to_owned(),
        };
        studio
            .mutate(
                "workspaces.open",
                json!({ "file": { "path": dir.join("shop.carillon") } }),
            )
            .await;
        studio
    }

    async fn ask(&self, kind: Kind, name: &str, args: Value) -> Reply {
        self.app
            .call(
                Window::Terminal,
                Call {
                    kind,
                    name: name.to_owned(),
                    args,
                },
            )
            .await
    }

    async fn query(&self, name: &str, args: Value) -> Value {
        self.ask(Kind::Query, name, args).await.unwrap()
    }

    async fn mutate(&self, name: &str, args: Value) -> Value {
        self.ask(Kind::Mutate, name, args).await.unwrap()
    }

    /// Starts a job and waits for its end. `cancel`: stops it as soon as it has done something.
    async fn try_job(&self, name: &str, args: Value, cancel: bool) -> Result<Value, ApiError> {
        let started = self.ask(Kind::Mutate, name, args).await?;
        let id = json!({ "id": started["job"] });
        loop {
            let job = self.query("jobs.get", id.clone()).await;
            match job["state"].as_str().unwrap() {
                "running" => {
                    if cancel && job["done"].as_f64().unwrap() > 0.0 {
                        self.mutate("jobs.cancel", id.clone()).await;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                "done" => return Ok(job["result"].clone()),
                _ => return Err(serde_json::from_value(job["error"].clone()).unwrap()),
            }
        }
    }

    async fn job(&self, name: &str, args: Value) -> Value {
        self.try_job(name, args, false).await.unwrap()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The plan that is proposed for a file, to be changed by a test.
    async fn plan(&self, path: &Path) -> Value {
        let preview = self
            .mutate("contacts.import_open", json!({ "file": { "path": path } }))
            .await;
        let columns: Vec<Value> = preview["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["plan"].clone())
            .collect();
        json!({
            "file": { "path": path }, "delimiter": preview["delimiter"], "encoding": preview["encoding"],
            "header": preview["header"], "columns": columns, "mode": "both", "basis": "double_opt_in",
            "source": "Trade fair 2026", "wording": "Yes, write to me.", "tags": ["fair"],
        })
    }

    async fn import(&self, name: &str, text: impl AsRef<[u8]>) -> Value {
        let path = self.write(name, text);
        let plan = self.plan(&path).await;
        self.job("contacts.import_run", plan).await
    }

    async fn contact(&self, email: &str) -> Value {
        let found = self.query("contacts.find", json!({ "email": email })).await;
        self.query("contacts.get", json!({ "id": found["id"] })).await
    }

    async fn missing(&self, email: &str) -> bool {
        self.ask(Kind::Query, "contacts.find", json!({ "email": email }))
            .await
            .is_err()
    }

    async fn value(&self, email: &str, key: &str) -> Value {
        let shown = self.contact(email).await;
        let fields = shown["contact"]["fields"].as_array().unwrap().clone();
        fields
            .into_iter()
            .find(|f| f["key"] == json!(key))
            .map_or(Value::Null, |f| f["value"]["value"].clone())
    }

    async fn permitted(&self, email: &str) -> bool {
        let shown = self.contact(email).await;
        let all = shown["permissions"].as_array().unwrap().clone();
        all.iter()
            .any(|p| p["channel"] == "email" && p["purpose"] == "marketing" && p["allowed"] == true)
    }

    /// All contacts as the file they are exported to.
    async fn everybody(&self) -> String {
        let to = self.dir.join("everybody.csv");
        let args = json!({ "who": { "where": null, "search": null, "except": [] }, "columns": [], "to": { "path": to } });
        self.mutate("contacts.export", args).await;
        let text = std::fs::read_to_string(to).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].sort_unstable();
        lines.join("\n")
    }
}

fn rejects(done: &Value) -> Vec<Vec<String>> {
    let path = done["rejects"].as_str().expect("a reject file");
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

const PEOPLE: &str = "\
E-Mail;Vorname;Nachname;Ort;Punkte;Tags
ada@example.com;Ada;Lovelace;London;10;vip|fair
bo@example.com;Bo;Ek;Malmö;2,5;
BO@example.com ;Bo;Again;Malmö;3;
;No;Body;;;
not an address;X;Y;;;
cy@example.com;Cy;Kurz;Köln;viele;
dee@example.com;Dee
eve@example.com;Eve;Ende;Bonn;7;
";

#[tokio::test(flavor = "multi_thread")]
async fn a_list_as_people_have_it_is_understood_tried_and_imported() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("people.csv", PEOPLE);
    let preview = studio
        .mutate("contacts.import_open", json!({ "file": { "path": path } }))
        .await;
    assert_eq!(
        (preview["delimiter"].as_str(), preview["header"].as_bool()),
        (Some(";"), Some(true))
    );
    assert_eq!(preview["rows_about"], 8);
    let guesses: Vec<&Value> = preview["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["guess"])
        .collect();
    assert_eq!(
        guesses,
        [
            &json!("email"),
            &json!("first_name"),
            &json!("last_name"),
            &json!("city"),
            &Value::Null,
            &json!("tags")
        ]
    );

    let mut plan = studio.plan(&path).await;
    plan["columns"][4] = json!({ "to": "new_field", "label": "Punkte", "type": "number", "currency": null, "fill_only": false });
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    assert!(
        studio.missing("ada@example.com").await,
        "a dry run changes nothing"
    );
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(tried["examples"], done["examples"]);
    let counts = &done["counts"];
    for (key, n) in [
        ("rows", 8),
        ("new", 4),
        ("duplicate", 1),
        ("invalid", 3),
        ("with_gaps", 1),
        ("skipped", 0),
        ("changed", 0),
    ] {
        assert_eq!(counts[key], n, "{key}");
    }
    assert_eq!(studio.value("bo@example.com", "punkte").await, 2.5);
    assert_eq!(
        studio.value("bo@example.com", "last_name").await,
        "Ek",
        "the first row of an address wins"
    );
    assert_eq!(studio.value("cy@example.com", "punkte").await, Value::Null);
    let ada = studio.contact("ada@example.com").await;
    assert_eq!(ada["contact"]["tags"], json!(["fair", "vip"]));
    let consent = &ada["consents"][0];
    assert_eq!(
        (consent["basis"].as_str(), consent["wording"].as_str()),
        (Some("double_opt_in"), Some("Yes, write to me."))
    );
    assert_eq!(consent["source"], "Trade fair 2026 (import:1)");

    let rejected: BTreeMap<String, String> = rejects(&done)
        .into_iter()
        .map(|r| (r[0].clone(), r[1].clone()))
        .collect();
    assert_eq!(rejected.keys().collect::<Vec<_>>(), ["4", "5", "6", "7", "8"]);
    assert!(rejected["7"].starts_with("Punkte: "), "{rejected:?}");
    let listed = studio.query("imports.list", json!({})).await;
    assert_eq!(
        (listed[0]["state"].as_str(), listed[0]["source"].as_str()),
        (Some("done"), Some("Trade fair 2026"))
    );
    assert_eq!(listed[0]["counts"], *counts);
    let to = dir.path().join("not imported.csv");
    studio
        .mutate("imports.errors", json!({ "id": 1, "to": { "path": to } }))
        .await;
    assert_eq!(
        std::fs::read(&to).unwrap(),
        std::fs::read(done["rejects"].as_str().unwrap()).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_brings_the_same_people() {
    let utf16 = |little: bool| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(PEOPLE.encode_utf16());
        units
            .flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() })
            .collect()
    };
    let latin = PEOPLE
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let mut seen = Vec::new();
    for bytes in [
        PEOPLE.into(),
        [b"\xEF\xBB\xBF", PEOPLE.as_bytes()].concat(),
        utf16(true),
        utf16(false),
        latin,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        studio.import("people.csv", bytes).await;
        seen.push(studio.everybody().await);
    }
    assert!(seen[0].contains("Malmö") && seen[0].contains("Köln"));
    assert!(seen.iter().all(|s| *s == seen[0]), "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_and_fill_empty_do_what_they_say_and_a_dry_run_says_the_same() {
    for (mode, wanted) in [
        (
            "create",
            json!({ "new": 1, "changed": 0, "unchanged": 0, "skipped": 3 }),
        ),
        (
            "update",
            json!({ "new": 0, "changed": 2, "unchanged": 1, "skipped": 1 }),
        ),
        (
            "both",
            json!({ "new": 1, "changed": 2, "unchanged": 1, "skipped": 0 }),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        studio.import("a.csv", "email,first_name,city\nada@example.com,Ada,Bonn\nbo@example.com,Bo,\ncy@example.com,Cy,Ulm\n").await;
        let path = studio.write("b.csv", "email,first_name,city\nada@example.com,Adele,Köln\nbo@example.com,,Kiel\ncy@example.com,Cy,Jena\ndee@example.com,Dee,\n");
        let mut plan = studio.plan(&path).await;
        plan["mode"] = json!(mode);
        plan["columns"][2]["fill_only"] = json!(true);
        let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
        let done = studio.job("contacts.import_run", plan).await;
        assert_eq!(tried["counts"], done["counts"], "{mode}");
        for (key, n) in wanted.as_object().unwrap() {
            assert_eq!(done["counts"][key], *n, "{mode} {key}");
        }
        let changed = mode != "create";
        assert_eq!(
            studio.value("ada@example.com", "first_name").await,
            if changed { "Adele" } else { "Ada" }
        );
        assert_eq!(
            studio.value("ada@example.com", "city").await,
            "Bonn",
            "what is filled stays"
        );
        assert_eq!(
            studio.value("bo@example.com", "city").await,
            if changed { json!("Kiel") } else { Value::Null }
        );
        assert_eq!(
            studio.value("bo@example.com", "first_name").await,
            "Bo",
            "an empty cell takes nothing away"
        );
        assert_eq!(studio.missing("dee@example.com").await, mode == "update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suppressed_people_stay_suppressed_and_a_withdrawal_is_not_undone_by_a_list() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .import("a.csv", "email\nada@example.com\nbo@example.com\n")
        .await;
    studio
        .mutate(
            "suppressions.add",
            json!({ "email": "ada@example.com", "reason": "unsubscribed", "source": "phone" }),
        )
        .await;
    studio
        .mutate(
            "suppressions.add",
            json!({ "email": "new@example.com", "reason": "bounced", "source": "phone" }),
        )
        .await;
    let bo = studio
        .query("contacts.find", json!({ "email": "bo@example.com" }))
        .await;
    let withdrawn = json!({ "contact": bo["id"], "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent", "wording": null, "source": "phone" });
    studio.mutate("consents.add", withdrawn).await;

    let path = studio.write(
        "b.csv",
        "email\nada@example.com\nbo@example.com\nnew@example.com\nok@example.com\n",
    );
    let mut plan = studio.plan(&path).await;
    plan["source"] = json!("Another list");
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(
        (&done["counts"]["suppressed"], &done["counts"]["withdrawn"]),
        (&json!(2), &json!(1))
    );
    for email in ["ada@example.com", "bo@example.com", "new@example.com"] {
        assert!(!studio.permitted(email).await, "{email}");
    }
    assert!(studio.permitted("ok@example.com").await);
    assert_eq!(studio.contact("new@example.com").await["suppressed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_basis_people_are_kept_and_may_not_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("a.csv", "email\nada@example.com\n");
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    studio.job("contacts.import_run", plan.clone()).await;
    assert!(!studio.permitted("ada@example.com").await);
    assert_eq!(studio.contact("ada@example.com").await["consents"], json!([]));
    plan["source"] = json!("  ");
    let refused = studio
        .ask(Kind::Mutate, "contacts.import_run", plan)
        .await
        .unwrap_err();
    assert!(refused.fields.contains_key("source"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_taken_back_leaves_what_others_did_since() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write(
        "a.csv",
        "email,first_name,city\nada@example.com,Ada,Bonn\nbo@example.com,Bo,Kiel\n",
    );
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    plan["tags"] = json!([]);
    studio.job("contacts.import_run", plan).await;
    let before = studio.everybody().await;

    let done = studio.import("b.csv", "email,first_name,city\nada@example.com,Adele,Köln\nbo@example.com,Bob,Ulm\nnew@example.com,New,Jena\nkept@example.com,Kept,Hof\n").await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["changed"]),
        (&json!(2), &json!(2))
    );
    assert!(studio.permitted("ada@example.com").await);
    let bo = studio
        .query("contacts.find", json!({ "email": "bo@example.com" }))
        .await;
    let by_hand = json!({ "id": bo["id"], "values": [{ "key": "city", "value": { "type": "text", "value": "Lübeck" } }] });
    studio.mutate("contacts.update", by_hand).await;
    let kept = studio
        .query("contacts.find", json!({ "email": "kept@example.com" }))
        .await;
    let by_hand = json!({ "id": kept["id"], "values": [{ "key": "city", "value": { "type": "text", "value": "Selb" } }] });
    studio.mutate("contacts.update", by_hand).await;

    let undone = studio.job("imports.undo", json!({ "id": done["import"] })).await;
    assert_eq!(
        (&undone["removed"], &undone["kept"], &undone["restored"]),
        (&json!(1), &json!(1), &json!(2)),
        "{undone}"
    );
    assert_eq!(undone["permissions"], 2);
    assert!(studio.missing("new@example.com").await);
    assert_eq!(studio.value("kept@example.com", "city").await, "Selb");
    assert_eq!(studio.value("bo@example.com", "city").await, "Lübeck");
    assert_eq!(studio.value("bo@example.com", "first_name").await, "Bo");
    assert!(
        !studio.permitted("ada@example.com").await,
        "nobody had permitted it before the import"
    );
    let ada = |text: &str| text.lines().find(|l| l.starts_with("ada@")).unwrap().to_owned();
    assert_eq!(ada(&studio.everybody().await), ada(&before));
    let again = studio
        .ask(Kind::Mutate, "imports.undo", json!({ "id": done["import"] }))
        .await
        .unwrap_err();
    assert!(again.message.contains("undone already"), "{again}");
}

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
                (n - 2).wrapping_mul(2_654_435_761) % rows
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
        "after_commit:6",
        "import_end",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        let path = studio.write("long.csv", long_list(ROWS));
        studio.mutate("workspaces.close", json!({})).await;
        let killed = Command::new(std::env::current_exe().unwrap())
            .args(["victim", "--exact", "--ignored", "--quiet"])
            .env(VICTIM, dir.path())
            .env("CARILLON_CRASH_AT", point)
            .output()
            .unwrap();
        assert!(!killed.status.success(), "{point} was not passed");
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

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_get_a_sentence_and_leave_the_workspace_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let open = |path: PathBuf| {
        studio.ask(
            Kind::Mutate,
            "contacts.import_open",
            json!({ "file": { "path": path } }),
        )
    };
    for (path, said) in [
        (dir.path().join("shop.carillon"), "workspace itself"),
        (dir.path().join("not there.csv"), "cannot be read"),
        (dir.path().to_owned(), "folder"),
        (studio.write("empty.csv", ""), "is empty"),
    ] {
        let refused = open(path).await.unwrap_err();
        assert!(refused.message.contains(said), "{refused}");
    }
    let mut open_quote = b"email,name\nada@example.com,Ada\nbo@example.com,\"Bo\n".to_vec();
    open_quote.resize(3 << 20, b'x');
    let path = studio.write("quote.csv", open_quote);
    let plan = studio.plan(&path).await;
    let tried = studio
        .try_job("contacts.import_dry_run", plan.clone(), false)
        .await
        .unwrap_err();
    assert!(
        tried.message.contains("Line 3") && tried.message.contains("Nothing was imported"),
        "{tried}"
    );
    let broken = studio
        .try_job("contacts.import_run", plan, false)
        .await
        .unwrap_err();
    assert!(broken.message.contains("Rows before it are imported"), "{broken}");
    assert!(!studio.missing("ada@example.com").await);
    assert!(studio.missing("bo@example.com").await);

    let swallowed = "email,name\nada@example.com,\"Ada\nbo@example.com,Bo\ncy@example.com,Cy\n";
    let done = studio.import("swallowed.csv", swallowed).await;
    assert_eq!(done["counts"]["invalid"], 1);
    assert!(
        rejects(&done)[0][1].contains("2 more lines"),
        "{:?}",
        rejects(&done)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_take_the_options_of_the_file_in_one_spelling() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .mutate(
            "fields.add",
            json!({ "key": "level", "label": "Level", "type": "choice", "options": ["Gold"] }),
        )
        .await;
    let done = studio
        .import(
            "a.csv",
            "email,level\na@example.com,gold\nb@example.com,Silver\nc@example.com,SILVER\n",
        )
        .await;
    assert_eq!(done["counts"]["with_gaps"], 0);
    assert_eq!(studio.value("a@example.com", "level").await, "Gold");
    assert_eq!(studio.value("c@example.com", "level").await, "Silver");
    let mut many = "email,level\n".to_owned();
    for n in 0..70 {
        many += &format!("p{n}@example.com,level {n}\n");
    }
    let done = studio.import("b.csv", many).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["with_gaps"]),
        (&json!(70), &json!(9))
    );
    let fields = studio.query("fields.list", json!({})).await;
    let level = fields
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["key"] == "level")
        .unwrap()
        .clone();
    assert_eq!(level["options"].as_array().unwrap().len(), 63);
}

async fn import_events(studio: &Studio, path: &Path, source: &str) -> Value {
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
    let done = studio.job("events.import_run", plan).await;
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
}

fn python(script: &str, args: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures");
    let ran = Command::new("python3")
        .arg(root.join(script))
        .args(args)
        .status()
        .expect("python3 runs");
    assert!(ran.success(), "{script} {args:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_made_outside_comes_in_as_its_maker_says() {
    for (encoding, delimiter) in [
        ("utf-8", "comma"),
        ("utf-8-bom", "semicolon"),
        ("utf-16", "tab"),
        ("windows-1252", "semicolon"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        let [people, expected, kept, events, events_expected] = [
            "people.csv",
            "expected.json",
            "kept.jsonl",
            "events.jsonl",
            "events.json",
        ]
        .map(|n| dir.path().join(n).to_str().unwrap().to_owned());
        python(
            "make_people.py",
            &[
                "--people",
                "1500",
                "--seed",
                "7",
                "--csv",
                &people,
                "--expected",
                &expected,
                "--kept",
                &kept,
                "--encoding",
                encoding,
                "--delimiter",
                delimiter,
            ],
        );
        let expected: Value = serde_json::from_slice(&std::fs::read(&expected).unwrap()).unwrap();
        let plan = studio.plan(Path::new(&people)).await;
        let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
        let done = studio.job("contacts.import_run", plan).await;
        assert_eq!(tried["counts"], done["counts"], "{encoding}");
        let sum = |of: &Value| {
            of.as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_u64)
                .sum::<u64>()
        };
        for (key, wanted) in [
            ("rows", expected["rows"].as_u64().unwrap()),
            ("new", expected["new"].as_u64().unwrap()),
            ("duplicate", expected["duplicate"].as_u64().unwrap()),
            ("invalid", sum(&expected["invalid"])),
            ("with_gaps", sum(&expected["left_out"])),
        ] {
            assert_eq!(done["counts"][key], wanted, "{encoding} {key}");
        }
        let told: BTreeMap<u64, String> = rejects(&done)
            .into_iter()
            .map(|r| (r[0].parse().unwrap(), r[1].clone()))
            .collect();
        for refused in expected["refused"].as_array().unwrap() {
            let key = format!("imports.reasons.{}", refused["reason"].as_str().unwrap());
            let line = refused["line"].as_u64().unwrap();
            assert_eq!(
                told.get(&line),
                Some(&carillon_app::error::sentence(&key, &[])),
                "{encoding} line {line}"
            );
        }
        for line in std::fs::read_to_string(&kept).unwrap().lines().step_by(97) {
            let person: Value = serde_json::from_str(line).unwrap();
            let email = person["email"].as_str().unwrap();
            for key in ["first_name", "last_name", "city", "time_zone", "birthday"] {
                assert_eq!(
                    studio.value(email, key).await,
                    person[key],
                    "{encoding} {email} {key}"
                );
            }
            assert_eq!(studio.value(email, "spent").await["minor"], person["spent_minor"]);
            assert_eq!(studio.value(email, "member").await, person["member"]);
        }
        python(
            "make_shop_events.py",
            &[
                "--kept",
                &kept,
                "--seed",
                "7",
                "--events",
                &events,
                "--expected",
                &events_expected,
            ],
        );
        let expected: Value = serde_json::from_slice(&std::fs::read(&events_expected).unwrap()).unwrap();
        let done = import_events(&studio, Path::new(&events), "shop").await;
        for (key, wanted) in [
            ("rows", expected["lines"].as_u64().unwrap()),
            ("new", expected["taken"].as_u64().unwrap()),
            ("duplicate", expected["repeated"].as_u64().unwrap()),
            ("invalid", sum(&expected["invalid"])),
        ] {
            assert_eq!(done["counts"][key], wanted, "{encoding} events {key}");
        }
    }
}
