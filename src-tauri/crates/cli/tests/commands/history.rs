//! What the values of a contact were.

use crate::terminal::Terminal;

#[test]
fn a_terminal_tells_what_a_value_was_and_writes_all_of_it_to_a_file() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon", "--clock", "virtual"]);
    for (name, city) in [("first.csv", "Bonn"), ("second.csv", "Kiel")] {
        at.write(name, format!("email,city,first_name\nada@x.example,{city},Ada\n"));
        at.json(&[
            "contacts", "import", name, "--basis", "consent", "--source", "a fair",
        ]);
    }
    let shown = at.text(&["contacts", "history", "ada@x.example", "--field", "city"]);
    for part in [
        "Kiel",
        "import:2 (second.csv)",
        "Bonn",
        "import:1 (first.csv)",
        "2 values",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("Ada"), "{shown}");
    let all = at.json(&["contacts", "history", "ada@x.example", "--limit", "1"]);
    assert_eq!(all["rows"].as_array().map(Vec::len), Some(1), "{all}");
    let wrote = at.text(&["export", "history", "ada@x.example", "--out", "ada.csv"]);
    assert!(wrote.contains("ada.csv"), "{wrote}");
}
