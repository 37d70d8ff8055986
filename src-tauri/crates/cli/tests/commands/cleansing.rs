//! Data that is put right and put back.

use crate::terminal::Terminal;
use serde_json::json;

fn shop() -> Terminal {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon", "--clock", "virtual"]);
    let list = "email,first_name,last_name,phone,country\n\
                ada@gmial.com,ADA,Weber,030 901820,Deutschland\n\
                ada@gmail.com,Ada,Weber,,\n\
                bo@x.example,Bo,Ek,030 901821,\n";
    at.write("list.csv", list);
    let import = [
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ];
    at.json(&import);
    at
}

#[test]
fn what_would_be_changed_is_shown_applied_by_rule_and_taken_back() {
    let at = shop();
    let shown = at.json(&["cleansing", "preview", "--except", "phone"]);
    assert_eq!((&shown["looked_at"], &shown["accepted"]), (&json!(3), &json!(1)));
    assert_eq!(shown["examples"][0]["email"], "ada@gmial.com");
    let rules = shown["rules"].as_array().unwrap();
    assert!(rules.iter().all(|count| count["rule"] != "phone"), "{shown}");
    let text = at.text(&["cleansing", "preview", "--country", "de"]);
    for part in [
        "030 901821",
        "+4930901821",
        "names in capitals or small letters",
        "Of 3 contacts, 2 would be changed.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let told = at.text(&[
        "cleansing",
        "apply",
        "--only",
        "email_domain",
        "--only",
        "name_case",
    ]);
    assert!(
        told.contains("ada@gmial.com keeps its address: ada@gmail.com leads to another contact."),
        "{told}"
    );
    assert!(
        told.contains("Put 1 value of 1 contact right. To take it back: carillon cleansing undo 1"),
        "{told}"
    );
    assert_eq!(at.json(&["cleansing", "list"])[0]["values"], json!(1));
    let back = at.json(&["cleansing", "undo", "1"]);
    assert_eq!(back, json!({ "restored": 1, "kept": 0 }));
    let shown = at.json(&["cleansing", "preview", "--only", "name_case"]);
    assert_eq!(shown["accepted"], json!(1), "it is as it was");
}

#[test]
fn a_country_or_a_rule_that_is_none_is_refused() {
    let at = shop();
    let said = at.refused(&["cleansing", "preview", "--country", "Bavaria"]);
    assert!(said.contains("“Bavaria” is not the code of a country."), "{said}");
    let said = at.wrong(&["cleansing", "apply", "--only", "magic"]);
    assert!(said.contains("magic") && said.contains("name_case"), "{said}");
    let said = at.refused(&["cleansing", "undo", "7"]);
    assert!(said.contains("There is no cleansing 7."), "{said}");
}
