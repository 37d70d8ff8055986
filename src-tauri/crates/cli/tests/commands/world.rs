//! The people of a sample from the command line: set, read, acted for; and killed in the middle of their life.

use crate::terminal::{Terminal, plain};
use serde_json::{Value, json};

#[test]
fn the_people_of_a_sample_are_set_read_and_acted_for() {
    let at = Terminal::with_shop();
    let set = [
        "world", "set", "--people", "off", "--seed", "7", "--season", "retail", "--mix", "5,4,3,2,1,0",
    ];
    let view = at.json(&set);
    assert_eq!(view, at.json(&["world", "show"]));
    assert_eq!(
        (&view["settings"]["on"], &view["settings"]["seed"]),
        (&json!(false), &json!(7))
    );
    assert_eq!(view["settings"]["season"]["kind"], json!("retail"));
    assert_eq!(view["settings"]["mix"]["busy"], json!(4));
    let shown = at.text(&["world", "show"]);
    assert!(shown.contains("as in shops") && shown.contains("eager 5"), "{shown}");
    let usual = at.json(&["world", "set", "--mix", "usual"]);
    assert_eq!(usual["settings"]["mix"], Value::Null);
    assert_eq!(usual["settings"]["seed"], json!(7), "what is not said stays");

    at.json(&["run", "--for", "604800"]);
    let some = at.json(&["world", "mails", "--limit", "1"]);
    let newest = &some["mails"][0];
    let id = newest["id"].to_string();
    assert!(some["found"].as_u64().unwrap() > 1 && some["mails"].as_array().unwrap().len() == 1);
    let more = at.text(&["world", "mails", "--limit", "1"]);
    assert!(more.contains(&format!("--before {}", some["before"])), "{more}");
    let older = at.json(&["world", "mails", "--before", &id]);
    assert_eq!(older["mails"][0]["id"].as_u64(), newest["id"].as_u64().map(|id| id - 1));
    let to = newest["to"].as_str().unwrap();
    let kind = newest["persona"].as_str().unwrap();
    let theirs = at.json(&["world", "mails", "--to", to, "--persona", kind]);
    assert_eq!(theirs["mails"][0], *newest);

    let read = ["world", "mail", &id];
    let mail = at.json(&read);
    assert_eq!((&mail["row"], &mail["frame"]), (newest, &Value::Null));
    let links = mail["links"].as_array().unwrap();
    let place = links
        .iter()
        .position(|link| link["kind"] == json!("leave"))
        .unwrap();
    let text = at.text(&read);
    plain(&text);
    assert!(
        text.contains(to) && text.contains("Nothing was done") && text.contains("leave the list"),
        "{text}"
    );
    let number = (place + 1).to_string();
    let clicked = at.json(&["world", "act", &id, "click", &number]);
    assert_eq!(
        (&clicked["answers"][0]["kind"], &clicked["answers"][0]["url"]),
        (&json!("clicked"), &links[place]["url"])
    );
    at.text(&["world", "act", &id, "reply", "Do you also sell the grinder?"]);
    let bought = at.text(&["world", "act", &id, "buy", "19.90 EUR"]);
    assert!(bought.contains("19.90 EUR") && bought.contains("the grinder?"), "{bought}");
    let replied = at.json(&["responses", "list"]);
    assert_eq!(replied[0]["email"], json!(to), "it goes the way of a real answer");

    assert!(at.refused(&["world", "act", &id, "click", "900"]).contains("no such link"));
    assert!(at.refused(&["world", "act", &id, "click", "0"]).contains("no such link"));
    assert!(at.refused(&["world", "act", &id, "buy", "twelve"]).contains("is no amount"));
    assert!(at.refused(&["world", "set", "--list-quality", "2"]).contains("between 0 and 1"));
    at.wrong(&["world", "set"]);
    at.wrong(&["world", "set", "--mix", "1,2"]);
    at.json(&["workspaces", "create", "a.carillon"]);
    assert!(at.refused(&["-w", "a.carillon", "world", "show"]).contains("Only a sample"));
}
