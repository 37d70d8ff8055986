//! How good the data is.

use crate::terminal::Terminal;
use serde_json::{Value, json};

const LIST: &str = "\
email,first_name,phone,country
ada@x.example,Ada,+4930901820,DE
bo@gmial.com,BO-LENA,030 901821,DE
cy@x.example,R2D2,nonsense,
dee@x.example,,,Germany
";

fn field<'a>(shown: &'a Value, key: &str) -> &'a Value {
    let fields = shown["fields"].as_array().unwrap();
    &fields.iter().find(|field| field["key"] == key).unwrap()["now"]
}

#[test]
fn the_data_is_measured_field_by_field_and_told_by_day_and_contact() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon", "--clock", "virtual"]);
    at.write("list.csv", LIST);
    at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    let shown = at.json(&["cleansing", "quality"]);
    assert_eq!(
        shown["measured"]["contacts"], 4,
        "what was never measured is measured: {shown}"
    );
    for (key, known, valid, tidy, score) in [
        ("email", 4, 3, 3, 75),
        ("first_name", 3, 2, 1, 25),
        ("phone", 3, 2, 1, 25),
        ("country", 3, 3, 2, 50),
        ("city", 0, 0, 0, 0),
    ] {
        let figures = json!({ "known": known, "valid": valid, "tidy": tidy, "score": score });
        assert_eq!(*field(&shown, key), figures, "{key}");
    }
    let text = at.text(&["cleansing", "quality", "--field", "phone", "--list", "invalid"]);
    assert!(
        text.contains("cy@x.example") && text.contains("nonsense"),
        "{text}"
    );
    assert!(!text.contains("ada@"), "{text}");
    at.write("more.csv", "email,first_name\nef@x.example,Ef\n");
    at.json(&[
        "contacts", "import", "more.csv", "--basis", "consent", "--source", "a fair",
    ]);
    let shown = at.json(&["cleansing", "quality"]);
    assert_eq!(shown["measured"]["contacts"], 4, "as it was measured last");
    let shown = at.json(&["cleansing", "quality", "--measure"]);
    assert_eq!(shown["measured"]["contacts"], 5);
    let days = at.json(&["cleansing", "quality", "--days", "--field", "email"]);
    assert_eq!(
        days["fields"][0]["days"].as_array().map(Vec::len),
        Some(1),
        "one day, its last figures: {days}"
    );
    let text = at.text(&["cleansing", "quality"]);
    assert!(
        text.contains("5 contacts") && text.contains("share of contacts"),
        "{text}"
    );
}
