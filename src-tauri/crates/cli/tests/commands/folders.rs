//! Watched folders in a terminal.

use crate::terminal::Terminal;
use serde_json::json;

const LIST: &str = "email,first_name\nada@example.com,Ada\n";

#[test]
fn a_folder_is_watched_looked_into_paused_and_forgotten() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon", "--clock", "virtual"]);
    at.write("list.csv", LIST);
    let done = at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    let like = done["import"].to_string();
    std::fs::create_dir(at.path("in")).unwrap();
    at.write("in/old.csv", LIST);
    let added = at.text(&["imports", "folders", "add", "in", "--like", &like]);
    assert!(added.contains("is imported like import 1 (list.csv)"), "{added}");
    let nothing = at.text(&["imports", "folders", "run-once"]);
    assert!(nothing.contains("Nothing new"), "{nothing}");
    at.write("in/new.csv", "first_name,email\nBo,bo@example.com\nNo,nobody\n");
    at.write("in/good.csv", "first_name,email\nBo,bo@example.com\n");
    let looked = at.text(&["imports", "folders", "run-once"]);
    for part in ["new.csv", "waits", "1 of 2 rows", "good.csv", "imported"] {
        assert!(looked.contains(part), "{part}: {looked}");
    }
    let files = at.json(&["imports", "folders", "files", "1"]);
    let waits = files.as_array().unwrap().iter().find(|f| f["state"] == "waits");
    let waits = waits.unwrap()["id"].to_string();
    let taken = at.json(&["imports", "folders", "take", &waits]);
    assert_eq!(
        (&taken["state"], &taken["counts"]["invalid"]),
        (&json!("imported"), &json!(1))
    );
    let paused = at.text(&["imports", "folders", "pause", "1"]);
    assert!(paused.contains("is paused"), "{paused}");
    let list = at.json(&["imports", "folders", "list"]);
    assert_eq!(
        (&list[0]["paused"], &list[0]["imported"]),
        (&json!(true), &json!(2))
    );
    assert!(at.text(&["imports", "folders", "list"]).contains("*.csv"));
    at.json(&["imports", "folders", "resume", "1"]);
    at.json(&["imports", "folders", "remove", "1"]);
    assert_eq!(at.json(&["imports", "folders", "list"]), json!([]));
}

#[test]
fn a_run_on_the_real_clock_takes_what_lies_in_a_folder() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon"]);
    at.write("list.csv", LIST);
    at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    std::fs::create_dir(at.path("in")).unwrap();
    at.write("in/new.csv", "email,first_name\nbo@example.com,Bo\n");
    at.json(&["imports", "folders", "add", "in", "--like", "1", "--existing"]);
    at.json(&["run"]);
    let files = at.json(&["imports", "folders", "files", "1"]);
    assert_eq!(files[0]["state"], "imported");
    assert_eq!(
        at.json(&["contacts", "show", "bo@example.com"])["contact"]["contact"]["email"],
        "bo@example.com"
    );
}
