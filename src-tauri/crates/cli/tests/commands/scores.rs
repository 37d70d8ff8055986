//! Scores from the first draft to what a contact's page says of them.

use crate::terminal::Terminal;
use serde_json::{Value, json};

const SHOP: [&str; 2] = ["-w", "shop.carillon"];

fn words<'a>(of: &[&'a str]) -> Vec<&'a str> {
    [&SHOP, of].concat()
}

fn model(points: i32) -> String {
    json!({
        "kind": "points",
        "groups": [{
            "key": "shop", "name": "Shop",
            "decay": { "decay": "half_life", "days": 365 },
            "rules": [
                { "key": "orders", "when": "did order", "points": { "per": "each", "points": points } },
                { "key": "mail", "when": "email is known", "points": { "per": "while", "points": 1 } },
            ],
        }],
        "bounds": { "most": 100_000 },
        "stages": [{ "name": "Known", "at_least": 1 }],
    })
    .to_string()
}

fn somebody(at: &Terminal) -> String {
    let found = at.json(&words(&[
        "segments",
        "members",
        "--where",
        "did order",
        "--limit",
        "1",
    ]));
    found["rows"][0]["email"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_is_saved_tried_published_read_everywhere_and_archived() {
    let at = Terminal::with_shop();
    at.write("model.json", model(4));
    at.json(&words(&["scores", "save", "Interest", "--file", "model.json"]));
    let seen = at.json(&words(&["scores", "preview", "Interest"]));
    assert_eq!(
        (&seen["measured"], &seen["contacts"], &seen["differ"]),
        (&json!(60), &json!(60), &json!(null))
    );
    assert_eq!(seen["deciles"].as_array().map(Vec::len), Some(11));
    let back = [
        "scores",
        "backtest",
        "Interest",
        "--goal",
        "did order",
        "--days",
        "30",
    ];
    let tried = at.json(&words(&back));
    let people = tried["measured"].as_u64().unwrap();
    let tenths = tried["draft"]["tenths"].as_array().unwrap();
    let counted: u64 = tenths.iter().map(|tenth| tenth["people"].as_u64().unwrap()).sum();
    assert!(people > 0 && counted == people, "{tried}");
    assert!(at.text(&words(&back)).contains("tenths from the most points"));
    let published = at.json(&words(&["scores", "publish", "Interest"]));
    assert_eq!(
        (&published["version"], &published["key"]),
        (&json!(1), &json!("interest"))
    );

    let all = at.json(&words(&[
        "segments",
        "count",
        "--where",
        "score_interest >= 1 and stage_interest is \"Known\"",
    ]));
    assert_eq!(all["count"], json!(60));
    let email = somebody(&at);
    let of = at.json(&words(&["scores", "of", &email]));
    let before = of[0]["scored"]["total"].as_i64().unwrap();
    assert!(before >= 5, "{of}");
    assert_eq!(of[0]["stage"], json!("Known"));

    at.text(&words(&[
        "scores",
        "adjust",
        "Interest",
        &email,
        "--points=-3",
        "--why",
        "Asked by mistake",
    ]));
    let ledger = at.json(&words(&["scores", "ledger", &email]));
    assert_eq!(
        (&ledger[0]["before"], &ledger[0]["after"]),
        (&json!(before), &json!(before - 3))
    );
    assert_eq!(
        (&ledger[0]["cause"], &ledger[0]["because"][0]["when"]),
        (&json!("event"), &json!(null))
    );
    assert_eq!(ledger[1]["cause"], json!("published"));
    let told = at.text(&words(&["scores", "ledger", &email]));
    assert!(
        told.contains("by hand or by a journey") && told.contains("did order"),
        "{told}"
    );

    at.json(&words(&["contacts", "export", "all.csv"]));
    let list = std::fs::read_to_string(at.path("all.csv")).unwrap();
    assert!(list.lines().next().unwrap().contains("score_interest"), "{list}");

    at.json(&words(&["scores", "archive", "Interest"]));
    let refused = at.refused(&words(&["segments", "count", "--where", "score_interest >= 1"]));
    assert!(refused.contains("score_interest"), "{refused}");
    assert_eq!(at.json(&words(&["scores", "of", &email])), json!([]));
    let told: Value = at.json(&words(&["scores", "ledger", &email]));
    assert_eq!(told, ledger, "the ledger stays");
}

#[test]
fn a_list_that_was_exported_comes_back_without_the_points_it_holds() {
    let at = Terminal::with_shop();
    at.write("model.json", model(4));
    at.json(&words(&["scores", "save", "Interest", "--file", "model.json"]));
    at.json(&words(&["scores", "publish", "Interest"]));
    let email = somebody(&at);
    at.write(
        "back.csv",
        format!("email,score_interest\n{email},99999\nnew@example.com,7\n"),
    );
    at.json(&words(&[
        "contacts", "import", "back.csv", "--basis", "none", "--source", "Test",
    ]));
    let of = |email: &str| at.json(&words(&["scores", "of", email]))[0]["scored"]["total"].clone();
    assert!(of(&email).as_i64().unwrap() < 99_999);
    assert_eq!(of("new@example.com"), json!(1));
    let map = [
        "contacts",
        "import",
        "back.csv",
        "--basis",
        "none",
        "--source",
        "Test",
        "--map",
        "score_interest=score_interest",
    ];
    let refused = at.refused(&words(&map));
    assert!(refused.contains("written by a score alone"), "{refused}");
}

#[test]
fn what_is_wrong_is_said_when_it_is_saved_and_keeps_it_from_being_published() {
    let at = Terminal::with_shop();
    at.write("model.json", model(0));
    let told = at.text(&words(&["scores", "save", "Interest", "--file", "model.json"]));
    assert!(told.contains("gives no points"), "{told}");
    let refused = at.refused(&words(&["scores", "publish", "Interest"]));
    assert!(refused.contains("was not published"), "{refused}");
    at.write("broken.json", "{\"kind\": \"points\", \"groups\": 3}");
    at.write("blank.json", model(5).replace("\"did order\"", "\"\""));
    let told = at.text(&words(&["scores", "save", "Blank", "--file", "blank.json"]));
    assert!(
        told.contains("Say what counts") && !told.contains("found the end"),
        "{told}"
    );
    let refused = at.refused(&words(&["scores", "save", "Other", "--file", "broken.json"]));
    assert!(
        refused.contains("does not hold the model of a score"),
        "{refused}"
    );
    at.refused(&words(&["scores", "save", "Other", "--file", "nowhere.json"]));
    let refused = at.refused(&words(&["scores", "publish", "Nobody"]));
    assert!(refused.contains("Interest"), "it says which there are: {refused}");
}

#[test]
fn companies_are_measured_by_the_model_and_shown_with_what_their_points_are_made_of() {
    let at = Terminal::with_shop();
    let email = somebody(&at);
    at.json(&words(&[
        "companies",
        "create",
        "Acme",
        "--domain",
        "acme.example",
    ]));
    at.json(&words(&["companies", "create", "Nobody's"]));
    at.json(&words(&[
        "companies",
        "connect",
        "acme.example",
        "--contact",
        &email,
    ]));
    let mut with: Value = serde_json::from_str(&model(4)).unwrap();
    with["companies"] = json!({
        "roll_up": "highest", "bounds": { "most": 12 },
        "rules": [
            { "key": "known", "when": "company.domain is known", "points": 7 },
            { "key": "one", "when": "score_interest >= 1", "people": 1, "points": 6 },
        ],
    });
    at.write("model.json", with.to_string());
    let told = at.text(&words(&["scores", "save", "Interest", "--file", "model.json"]));
    assert!(!told.contains("To mend"), "{told}");
    at.json(&words(&["scores", "publish", "Interest"]));
    let by_points = ["companies", "list", "--sort", "score_interest", "--desc"];
    let list = at.json(&words(&by_points));
    assert_eq!(list["rows"][0]["scores"]["score_interest"], json!(12.0), "{list}");
    assert_eq!(list["rows"][1]["scores"]["score_interest"], json!(0.0), "{list}");
    let told = at.text(&words(&by_points));
    assert!(told.contains("POINTS") && told.contains("12"), "{told}");
    let told = at.text(&words(&["companies", "show", "acme.example"]));
    for part in [
        "Interest: 12",
        "the highest of 1 contact",
        "7  company.domain is known",
        "6  score_interest >= 1 (met by 1 contact; it takes 1)",
        "by the bounds of the whole",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
