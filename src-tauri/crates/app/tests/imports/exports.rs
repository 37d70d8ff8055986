//! What is exported, and what of it comes back.

use crate::studio::Studio;
use carillon_app::table::Kind;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FORMATS: [&str; 3] = ["csv", "xlsx", "parquet"];

const FIELDS: [(&str, &str); 7] = [
    ("note", "text"),
    ("points", "number"),
    ("rent", "money"),
    ("vip", "yes_no"),
    ("level", "choice"),
    ("likes", "multi_choice"),
    ("seen_at", "date_time"),
];

async fn with_fields(dir: &Path) -> Studio {
    let studio = Studio::new(dir).await;
    for (key, kind) in FIELDS.into_iter().chain([("born", "date")]) {
        let options = if kind.contains("choice") {
            json!(["Gold", "Tea", "Cake, with cream"])
        } else {
            json!([])
        };
        let field = json!({ "key": key, "label": key, "type": kind, "options": options });
        studio.mutate("fields.add", field).await;
    }
    studio
}

/// People with values that are easily lost: digits, fractions of a second, signs, quotes, days before all spreadsheets.
const PEOPLE: &str = "email,first_name,note,points,rent,vip,level,likes,seen_at,born,tags
ada@example.com,Ada,=1+1,0.30000000000000004,1234567.89 EUR,yes,Gold,\"Tea|Cake, with cream\",2026-01-02T03:04:05.678Z,1815-12-10,fair|vip
bo@example.com,Bo,\"two
lines, \"\"quoted\"\"\",-1234567890123.5,-0.05 USD,no,,Tea,1969-12-31T23:59:59.999Z,1990-02-28,
cy@example.com,Cyß,,,,,,,,,
di@example.com,Дi,+49 30 1,9007199254740993,500 JPY,,Tea,,2026-03-01T00:00:00Z,9999-12-31,\"a, b\"
";

async fn export(studio: &Studio, list: Value, to: &Path) -> Value {
    studio
        .job("exports.start", json!({ "list": list, "to": { "path": to } }))
        .await
}

fn everybody() -> Value {
    let keys: Vec<&str> = ["email", "first_name"]
        .into_iter()
        .chain(FIELDS.map(|(key, _)| key))
        .chain(["born"])
        .collect();
    json!({ "of": "contacts", "who": { "where": null, "search": null, "except": [] }, "columns": keys })
}

async fn as_csv(studio: &Studio) -> Vec<String> {
    let to = studio.dir.join("compared.csv");
    export(studio, everybody(), &to).await;
    let mut rows: Vec<String> = csv::Reader::from_path(to)
        .unwrap()
        .records()
        .map(|row| format!("{:?}", row.unwrap().iter().collect::<Vec<_>>()))
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_come_back_from_every_format_with_the_same_values() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_fields(dir.path()).await;
    let done = studio.import("people.csv", PEOPLE).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["with_gaps"]),
        (&json!(4), &json!(0)),
        "{done}"
    );
    let before = as_csv(&studio).await;
    assert!(
        before[0].contains("0.30000000000000004") && before[0].contains("05.678Z"),
        "{before:?}"
    );
    for format in FORMATS {
        let to = dir.path().join(format!("people.{format}"));
        let told = export(&studio, everybody(), &to).await;
        assert_eq!(
            (&told["rows"], &told["sheets"]),
            (&json!(4), &json!(1)),
            "{format}"
        );
        let other = tempfile::tempdir().unwrap();
        let again = with_fields(other.path()).await;
        let mut plan = again.plan(&to).await;
        plan["tags"] = json!([]);
        let done = again.job("contacts.import_run", plan).await;
        assert_eq!(done["counts"]["with_gaps"], 0, "{format}: {done}");
        assert_eq!(as_csv(&again).await, before, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_parquet_have_the_types_of_the_fields() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_fields(dir.path()).await;
    studio.import("people.csv", PEOPLE).await;
    let to = dir.path().join("people.parquet");
    export(&studio, everybody(), &to).await;
    let reader = SerializedFileReader::new(std::fs::File::open(&to).unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let ada = rows.iter().find(|row| format!("{row}").contains("ada@")).unwrap();
    let cell = |name: &str| {
        ada.get_column_iter()
            .find(|(key, _)| *key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(cell("points"), Field::Double(0.30000000000000004));
    assert_eq!(cell("vip"), Field::Bool(true));
    assert_eq!(cell("seen_at"), Field::TimestampMillis(1_767_323_045_678));
    assert_eq!(cell("born"), Field::Date(-56_270));
    assert_eq!(cell("note"), Field::Str("=1+1".into()));
    assert!(matches!(cell("likes"), Field::ListInternal(list) if list.len() == 2));
}

/// The rows of a file, their heading first.
async fn rows(studio: &Studio, path: &Path) -> Vec<Vec<String>> {
    let preview = studio
        .mutate(
            "contacts.import_open",
            json!({ "file": { "path": path }, "header": true }),
        )
        .await;
    let names = preview["columns"].as_array().unwrap().iter();
    let names = names
        .map(|column| column["name"].as_str().unwrap().to_owned())
        .collect();
    let rows = preview["rows"].as_array().unwrap().iter().map(|row| {
        let cells = row.as_array().unwrap().iter();
        cells.map(|cell| cell.as_str().unwrap().to_owned()).collect()
    });
    [names].into_iter().chain(rows).collect()
}

async fn sample(dir: &Path) -> Studio {
    let studio = Studio::idle(dir);
    let file: PathBuf = dir.join("shop.carillon");
    let size = json!({ "file": { "path": file }, "contacts": 150, "months": 3, "seed": 3 });
    studio.job("demo.create_file", size).await;
    studio
        .mutate("workspaces.open", json!({ "file": { "path": file } }))
        .await;
    studio.job("runtime.run", json!({ "for_secs": 864_000 })).await;
    studio
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_written_whole_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path()).await;
    let email = studio
        .query(
            "contacts.page",
            json!({ "where": null, "search": null, "sort": null, "columns": [], "offset": 0, "limit": 1 }),
        )
        .await;
    let email = email["rows"][0]["email"].as_str().unwrap().to_owned();
    studio
        .mutate(
            "suppressions.add",
            json!({ "email": email, "reason": "manual", "source": "by hand" }),
        )
        .await;
    let journeys = studio.query("journeys.list", json!({})).await;
    let live = journeys
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["state"] == "live")
        .unwrap();
    let journey = live["id"].clone();
    let outbox = studio
        .query(
            "outbox.page",
            json!({ "states": [], "journey": null, "search": null, "offset": 0, "limit": 1 }),
        )
        .await;
    let inside = studio.query("journeys.counts", json!({ "id": journey })).await;
    let suppressed: u64 = studio
        .query("suppressions.counts", json!({}))
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["count"].as_u64().unwrap())
        .sum();
    let lists = [
        ("messages", json!({ "of": "messages" }), outbox["total"].as_u64()),
        ("suppressions", json!({ "of": "suppressions" }), Some(suppressed)),
        (
            "journey",
            json!({ "of": "journey", "journey": journey }),
            inside["active"].as_u64(),
        ),
        ("events", json!({ "of": "events" }), None),
        ("orders", json!({ "of": "events", "name": "order" }), None),
        ("report", json!({ "of": "report", "report": "messages" }), None),
        ("growth", json!({ "of": "report", "report": "growth" }), None),
        ("funnel", json!({ "of": "funnel", "journey": journey }), None),
    ];
    for (name, list, wanted) in lists {
        let mut seen = Vec::new();
        for format in FORMATS {
            let to = dir.path().join(format!("{name}.{format}"));
            let told = export(&studio, list.clone(), &to).await;
            let written = told["rows"].as_u64().unwrap();
            assert!(written > 0, "{name}");
            assert_eq!(wanted.unwrap_or(written), written, "{name}");
            let all = rows(&studio, &to).await;
            assert_eq!(all.len() as u64, 1 + written.min(50), "{name} {format}");
            // A spreadsheet and Parquet have another word for yes.
            let all: Vec<Vec<String>> = all
                .into_iter()
                .map(|row| {
                    row.into_iter()
                        .map(|cell| match cell.as_str() {
                            "yes" => "true".to_owned(),
                            "no" => "false".to_owned(),
                            other => other.trim_start_matches('\'').to_owned(),
                        })
                        .collect()
                })
                .collect();
            seen.push(all);
        }
        assert_eq!(seen[0], seen[1], "{name}: csv and xlsx");
        assert_eq!(seen[0], seen[2], "{name}: csv and parquet");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_a_campaign_is_about_is_in_its_file_once_with_the_reason_for_who_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path()).await;
    let templates = studio.query("templates.list", json!({})).await;
    studio
        .mutate(
            "segments.save",
            json!({ "id": null, "name": "All", "text": "everyone" }),
        )
        .await;
    let campaign = json!({
        "name": "Spring", "segment": "All", "variants": [{ "template": templates[0]["name"] }],
        "when": { "when": "now" },
    });
    let made = studio
        .mutate("campaigns.save", json!({ "campaign": campaign }))
        .await;
    let id = made["id"].clone();
    let to = dir.path().join("people.csv");
    let told = export(&studio, json!({ "of": "campaign", "campaign": id }), &to).await;
    let contacts = studio
        .query(
            "contacts.page",
            json!({ "where": null, "search": null, "sort": null, "columns": [], "offset": 0, "limit": 1 }),
        )
        .await;
    assert_eq!(told["rows"], contacts["total"]);
    let mut emails = std::collections::BTreeSet::new();
    let mut parts = std::collections::BTreeMap::new();
    for row in csv::Reader::from_path(to).unwrap().records() {
        let row = row.unwrap();
        assert!(emails.insert(row[0].to_owned()), "{row:?}");
        assert_eq!(row[1] == *"left_out", !row[2].is_empty(), "{row:?}");
        *parts.entry(row[1].to_owned()).or_insert(0) += 1;
    }
    assert!(parts["left_out"] > 0 && parts["gets"] > 0, "{parts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused_and_nothing_is_left_beside_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let to = dir.path().join("out.parquet");
    for list in [
        json!({ "of": "journey", "journey": 77 }),
        json!({ "of": "campaign", "campaign": 77 }),
        json!({ "of": "events", "contact": 77 }),
        json!({ "of": "secrets" }),
    ] {
        let args = json!({ "list": list, "to": { "path": to } });
        assert!(
            studio.ask(Kind::Mutate, "exports.start", args).await.is_err(),
            "{list}"
        );
    }
    assert!(!to.exists());
    let told = export(&studio, json!({ "of": "messages" }), &to).await;
    assert_eq!(told["rows"], 0);
    let reader = SerializedFileReader::new(std::fs::File::open(&to).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}
