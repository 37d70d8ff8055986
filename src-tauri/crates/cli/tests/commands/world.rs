//! The people of a sample from the command line: set, read, acted for; and killed in the middle of their life.

use crate::terminal::{Terminal, plain};
use serde_json::{Value, json};

#[test]
fn the_people_of_a_sample_are_set_read_and_acted_for() {
    let at = Terminal::with_shop();
    let set = [
        "world",
        "set",
        "--people",
        "off",
        "--seed",
        "7",
        "--season",
        "retail",
        "--mix",
        "5,4,3,2,1,0",
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
    assert!(
        shown.contains("as in shops") && shown.contains("eager 5"),
        "{shown}"
    );
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
    assert_eq!(
        older["mails"][0]["id"].as_u64(),
        newest["id"].as_u64().map(|id| id - 1)
    );
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
    assert!(
        bought.contains("19.90 EUR") && bought.contains("the grinder?"),
        "{bought}"
    );
    let replied = at.json(&["responses", "list"]);
    assert_eq!(replied[0]["email"], json!(to), "it goes the way of a real answer");

    assert!(
        at.refused(&["world", "act", &id, "click", "900"])
            .contains("no such link")
    );
    assert!(
        at.refused(&["world", "act", &id, "click", "0"])
            .contains("no such link")
    );
    assert!(
        at.refused(&["world", "act", &id, "buy", "twelve"])
            .contains("is no amount")
    );
    assert!(
        at.refused(&["world", "set", "--list-quality", "2"])
            .contains("between 0 and 1")
    );
    at.wrong(&["world", "set"]);
    at.wrong(&["world", "set", "--mix", "1,2"]);
    at.json(&["workspaces", "create", "a.carillon"]);
    assert!(
        at.refused(&["-w", "a.carillon", "world", "show"])
            .contains("Only a sample")
    );
}

const UNTIL: &str = "2026-09-10T00:00:00Z";

/// A sample whose readers get a letter each Tuesday, and do much about it.
fn written_to() -> Terminal {
    let at = Terminal::new();
    at.json(&[
        "demo",
        "create",
        "shop.carillon",
        "--contacts",
        "60",
        "--months",
        "1",
        "--seed",
        "5",
    ]);
    at.text(&["journeys", "pause", "Welcome series"]);
    at.text(&["world", "set", "--mix", "40,10,5,25,10,10"]);
    let body = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ first_name }}, <a href=\"https://kiosk.example/beans\">new beans</a>, <a href=\"https://kiosk.example/mugs\">new mugs</a>. {{ postal_address }} {{ unsubscribe_line }}</mj-text></mj-column></mj-section></mj-body></mjml>";
    at.write("letter.mjml", body);
    at.text(&[
        "templates",
        "import",
        "letter.mjml",
        "--name",
        "Letter",
        "--subject",
        "News of the week",
    ]);
    let weekly = json!({
        "format": "carillon/journey/1", "name": "Weekly letter", "re_entry": { "policy": "after_exit" },
        "steps": [
            { "id": "s1", "kind": "entry_schedule", "next": { "next": "s2" },
              "settings": { "rule": { "every": "week", "days": ["tue"] }, "who": "consent email marketing" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Letter" }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    at.write("weekly.json", weekly.to_string());
    at.text(&["journeys", "import", "weekly.json"]);
    at.text(&["journeys", "publish", "Weekly letter"]);
    at
}

/// What came, what was done about it, and what of that came back.
fn life(at: &Terminal) -> Vec<String> {
    let picked = |row: &Value, keys: &[&str]| {
        let cells: Vec<String> = keys.iter().map(|key| row[*key].to_string()).collect();
        cells.join(" ")
    };
    let mut all = Vec::new();
    let mails = at.json(&["world", "mails", "--limit", "1000"]);
    for mail in mails["mails"].as_array().unwrap() {
        let got = picked(mail, &["received_at", "to"]);
        for answer in mail["answers"].as_array().unwrap() {
            all.push(format!("{got} {}", picked(answer, &["at", "kind"])));
        }
        all.push(got);
    }
    for kind in ["replied", "bounced", "complained", "unsubscribed", "auto_replied"] {
        let rows = at.json(&["responses", "list", "--kind", kind, "--limit", "1000"]);
        let rows = rows.as_array().unwrap().iter();
        all.extend(rows.map(|row| picked(row, &["at", "kind", "email", "hand"])));
    }
    for who in [
        "did email_opened",
        "did email_clicked at least 2 times",
        "did order",
    ] {
        let found = at.json(&["segments", "count", "--where", who]);
        all.push(format!("{who}: {}", found["count"]));
    }
    all.sort();
    all
}

#[test]
fn a_run_that_is_killed_again_and_again_lives_the_same_life_as_one_that_is_not() {
    let (whole, killed) = (written_to(), written_to());
    whole.text(&["run", "--until", UNTIL]);
    let written = |name: &str| {
        let path = killed.path(&format!("shop.carillon.{name}"));
        std::fs::metadata(path).map_or(0, |file| file.len())
    };
    // After so many more bytes of mails taken and answers noted, each somewhere else in what is being done.
    let moments = [900, 14_000, 300, 9_000, 5_000];
    for (kills, more) in moments.into_iter().enumerate() {
        let before = written("truth.jsonl") + written("world/diary.jsonl");
        let mut running = killed.start(&["run", "--until", UNTIL]);
        while written("truth.jsonl") + written("world/diary.jsonl") < before + more {
            assert!(
                running.child().try_wait().unwrap().is_none(),
                "it came to its end after {kills} kills"
            );
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        running.signal("KILL");
        running.end();
    }
    killed.text(&["run", "--until", UNTIL]);
    let (whole, killed_life) = (life(&whole), life(&killed));
    let lost: Vec<&String> = whole.iter().filter(|one| !killed_life.contains(one)).collect();
    let more: Vec<&String> = killed_life.iter().filter(|one| !whole.contains(one)).collect();
    assert!(
        lost.is_empty() && more.is_empty(),
        "lost: {lost:#?}, more: {more:#?}"
    );
    assert_eq!(killed_life.len(), whole.len(), "nothing twice");
    assert!(whole.len() > 150, "{}", whole.len());
    let unknown = killed.json(&["outbox", "list", "--state", "unknown"]);
    assert_eq!(unknown["rows"], json!([]), "{unknown}");
}
