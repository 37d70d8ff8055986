//! What values were and where they came from, through the command table.

use crate::studio::Studio;
use carillon_app::table::Kind;
use serde_json::{Value, json};

async fn history(studio: &Studio, id: &Value, field: Option<&str>, part: (u32, u32)) -> Value {
    let mut asked = json!({ "id": id, "offset": part.0, "limit": part.1 });
    if let Some(field) = field {
        asked["field"] = json!(field);
    }
    studio.query("contacts.history", asked).await
}

async fn say(studio: &Studio, id: &Value, key: &str, text: &str) {
    let values = json!([{ "key": key, "value": { "type": "text", "value": text } }]);
    studio
        .mutate("contacts.update", json!({ "id": id, "values": values }))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_tells_the_file_it_came_from_and_everything_is_in_the_file_for_whoever_asks() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let first = studio
        .import("first.csv", "email,city\nada@x.example,Bonn\nbo@x.example,Ulm\n")
        .await;
    let second = studio
        .import("second.csv", "email,city\nada@x.example,Kiel\n")
        .await;
    let ada = studio
        .query("contacts.find", json!({ "email": "ada@x.example" }))
        .await["id"]
        .clone();
    say(&studio, &ada, "city", "Graz").await;
    let told = history(&studio, &ada, Some("city"), (0, 50)).await;
    let lines: Vec<String> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} > {} {}",
                text(&row["value"]["value"]),
                text(&row["from"]["source"]),
                text(&row["from"]["name"]),
                text(&row["until"]["source"]),
                text(&row["until"]["name"]),
            )
        })
        .collect();
    let (one, two) = (&first["import"], &second["import"]);
    assert_eq!(
        lines,
        [
            "Graz user - > - -".to_owned(),
            format!("Kiel import:{two} second.csv > user -"),
            format!("Bonn import:{one} first.csv > import:{two} second.csv"),
        ]
    );

    let to = dir.path().join("ada.csv");
    let list = json!({ "of": "history", "contact": ada });
    let written = studio
        .job("exports.start", json!({ "list": list, "to": { "path": to } }))
        .await;
    let all = history(&studio, &ada, None, (0, 200)).await;
    assert_eq!(written["rows"], all["total"]);
    let text = std::fs::read_to_string(&to).unwrap();
    for word in ["Graz", "Kiel", "Bonn", "second.csv", "ada@x.example"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("Ulm"), "nothing of anybody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_changes_and_huge_values_are_told_in_pages_and_what_is_unknown_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .import("first.csv", "email,city\nada@x.example,Bonn\n")
        .await;
    let ada = studio
        .query("contacts.find", json!({ "email": "ada@x.example" }))
        .await["id"]
        .clone();
    let huge = "ü".repeat(50_000);
    say(&studio, &ada, "city", &huge).await;
    for n in 0..1_200 {
        say(&studio, &ada, "city", &format!("City {n}")).await;
    }
    let page = history(&studio, &ada, Some("city"), (0, 4_000_000)).await;
    assert_eq!(page["total"], 1_001, "the newest thousand, and what is there");
    assert_eq!(page["rows"].as_array().unwrap().len(), 200);
    assert_eq!(page["rows"][0]["value"]["value"], "City 1199");
    assert_eq!(page["rows"][1]["value"]["value"], "City 1198");
    let end = history(&studio, &ada, Some("city"), (4_000_000, 10)).await;
    assert_eq!(end["rows"], json!([]));
    say(&studio, &ada, "city", &huge).await;
    let page = history(&studio, &ada, Some("city"), (0, 1)).await;
    let shown = page["rows"][0]["value"]["value"].as_str().unwrap();
    assert_eq!(
        (shown.chars().count(), &page["rows"][0]["cut"]),
        (2_000, &json!(true))
    );

    for (asked, word) in [
        (json!({ "id": 77, "offset": 0, "limit": 5 }), "77"),
        (
            json!({ "id": ada, "field": "nope", "offset": 0, "limit": 5 }),
            "nope",
        ),
    ] {
        let error = studio
            .ask(Kind::Query, "contacts.history", asked)
            .await
            .unwrap_err();
        assert!(error.message.contains(word), "{error}");
    }
    let list = json!({ "of": "history", "contact": 77 });
    let to = dir.path().join("nobody.csv");
    let args = json!({ "list": list, "to": { "path": to } });
    assert!(studio.ask(Kind::Mutate, "exports.start", args).await.is_err());
}
