//! Bad input: a plain sentence that says what happened, what was kept and what to do.

use crate::terminal::{Terminal, arg, plain};
use serde_json::json;

fn importing(file: &str) -> Vec<&str> {
    vec![
        "contacts", "import", file, "--basis", "consent", "--source", "a fair",
    ]
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_nothing_is_changed() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    std::fs::create_dir(at.path("folder")).unwrap();
    at.write("empty.csv", "");
    at.write("notes.txt", "\u{0}\u{1}\u{2}");
    let files = ["missing", "folder", "empty.csv"];
    let commands: &[&[&str]] = &[
        &[
            "contacts", "import", "FILE", "--basis", "consent", "--source", "x",
        ],
        &["events", "import", "FILE", "--source", "x"],
        &["journeys", "import", "FILE"],
        &["templates", "import", "FILE", "--subject", "x"],
        &["restore", "FILE"],
        &["-w", "FILE", "workspaces", "show"],
    ];
    for file in files {
        for words in commands {
            let words: Vec<&str> = words
                .iter()
                .map(|w| if *w == "FILE" { file } else { w })
                .collect();
            let said = at.refused(&words);
            assert!(said.contains(file), "{words:?}: {said}");
        }
    }
    for words in commands {
        let words: Vec<&str> = words
            .iter()
            .map(|w| if *w == "FILE" { "notes.txt" } else { w })
            .collect();
        at.refused(&words);
    }
    assert_eq!(
        at.json(&["-w", "a.carillon", "contacts", "list"])["total"],
        json!(0)
    );
}

#[test]
fn a_broken_list_is_told_row_by_row_and_never_half_understood() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    at.write(
        "bad.csv",
        "email,city\nada@example.com,London\nnobody,Rome\nada@example.com,Paris\nb@example.com\n",
    );
    let done = at.json(&importing("bad.csv"));
    assert_eq!(done["counts"]["new"], json!(1));
    let rejects = std::fs::read_to_string(done["rejects"].as_str().unwrap()).unwrap();
    assert_eq!(rejects.lines().count(), 4, "{rejects}");

    at.write("no_mail.csv", "name,city\nAda,London\n");
    let said = at.refused(&importing("no_mail.csv"));
    assert!(said.contains("--map") && said.contains("name, city"), "{said}");
    at.write("wrong.csv", b"email,city\nada@example.com,Z\xfcrich\n");
    let mut words = importing("wrong.csv");
    words.extend(["--encoding", "utf-16le"]);
    at.refused(&words);
    let mut words = importing("bad.csv");
    words.extend(["--map", "Town=city"]);
    assert!(at.refused(&words).contains("email, city"));
    let mut words = importing("bad.csv");
    words.extend(["--fill-empty", "nowhere"]);
    assert!(at.refused(&words).contains("nowhere"));
}

#[test]
fn a_journey_that_turns_in_a_circle_is_taken_as_a_draft_and_not_published() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon", "--clock", "virtual"]);
    at.write("broken.json", "{\"name\": \"Broken\", \"steps\": [");
    assert!(
        at.refused(&["journeys", "import", "broken.json"])
            .contains("Nothing was imported")
    );
    let circle = json!({
        "format": "carillon/journey/1",
        "name": "Circle",
        "re_entry": { "policy": "never" },
        "steps": [
            { "id": "s1", "kind": "entry_manual", "next": { "next": "s2" }, "settings": {} },
            { "id": "s2", "kind": "add_tag", "next": { "next": "s3" }, "settings": { "tag": "x" } },
            { "id": "s3", "kind": "remove_tag", "next": { "next": "s2" }, "settings": { "tag": "x" } },
        ],
    });
    at.write("circle.json", circle.to_string());
    let taken = at.text(&["journeys", "import", "circle.json"]);
    assert!(
        taken.contains("Imported “Circle” as a draft.") && taken.contains("error: "),
        "{taken}"
    );
    let checked = at.run(&["journeys", "check", "Circle"]);
    assert_eq!(checked.code, Some(1));
    plain(&checked.out);
    plain(&checked.err);
    assert!(
        checked.err.contains("must be mended before it is published"),
        "{}",
        checked.err
    );
    assert!(at.refused(&["journeys", "publish", "Circle"]).contains("Circle"));
    assert_eq!(at.json(&["journeys", "list"])[0]["state"], json!("draft"));

    let unknown = circle.to_string().replace("add_tag", "teleport");
    at.write("unknown.json", unknown);
    let said = at.text(&["journeys", "import", "unknown.json"]);
    assert!(said.contains("error: ") && said.contains("teleport"), "{said}");
}

#[test]
fn a_template_bomb_is_refused_in_a_sentence_and_harms_nothing() {
    let at = Terminal::with_shop();
    let somebody = at.json(&["contacts", "list", "--limit", "1"]);
    let who = somebody["rows"][0]["email"].as_str().unwrap().to_owned();
    let inside = "{% for i in (1..100000000) %}{% for j in (1..100000000) %}aaaa{% endfor %}{% endfor %}";
    let bomb = format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{inside}</mj-text></mj-column></mj-section></mj-body></mjml>"
    );
    at.write("bomb.mjml", bomb);
    at.write("deep.mjml", "<mjml>".repeat(20_000));
    for name in ["bomb", "deep"] {
        at.json(&["templates", "import", &format!("{name}.mjml"), "--subject", "x"]);
        let said = at.refused(&["templates", "render", name, "--as", &who, "--html", "out.html"]);
        assert!(said.contains(name) && !at.path("out.html").exists(), "{said}");
    }
    at.json(&["templates", "list"]);
}

#[test]
fn an_expression_that_cannot_be_read_is_refused_where_it_goes_wrong() {
    let at = Terminal::with_shop();
    for words in [["segments", "check"], ["segments", "count"], ["contacts", "list"]] {
        let said = at.run(&[&words[..], &["--where", "tag vip"]].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{words:?}");
        assert!(
            said.err.contains("`vip`") && said.err.contains("character 5"),
            "{}",
            said.err
        );
        plain(&said.err);
    }
    let said = at.run(&["--json", "segments", "check", "--where", "tag vip"]);
    let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &document["ok"]), (Some(1), &json!(false)));
}

#[test]
fn a_template_that_cannot_be_rendered_says_so_when_it_is_imported() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    let around = |text: &str| {
        format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section></mj-body></mjml>"
        )
    };
    at.write("good.mjml", around("Hello {{ first_name }}"));
    at.write("bad.mjml", around("Hello {{ first_name | shout }}"));
    let good = at.text(&["templates", "import", "good.mjml", "--subject", "x"]);
    assert_eq!(good, "Imported “good”.\n");
    let bad = at.text(&["templates", "import", "bad.mjml", "--subject", "x"]);
    assert!(bad.contains("error: ") && bad.contains("shout"), "{bad}");
    plain(&bad);

    for (document, wanted) in [
        (json!({ "name": "N", "subject": "x" }), "has no body"),
        (
            json!({ "name": "N", "body": around("x") }),
            "A subject is missing",
        ),
        (
            json!({ "name": 7, "subject": "x", "body": around("x") }),
            "is not a template (line 1",
        ),
    ] {
        at.write("file.json", document.to_string());
        let said = at.refused(&["templates", "import", "file.json"]);
        assert!(said.contains(wanted), "{said}");
    }
    at.write("plain.json", json!({ "body": around("x") }).to_string());
    let taken = at.json(&["templates", "import", "plain.json", "--subject", "y"]);
    assert_eq!(
        (&taken["name"], &taken["subject"], &taken["problems"]),
        (&json!("plain"), &json!("y"), &json!([]))
    );
}

#[test]
fn names_that_are_not_there_come_with_those_that_are() {
    let at = Terminal::with_shop();
    let said = at.refused(&["journeys", "status", "Welcom"]);
    assert!(
        said.contains("“Welcom”") && said.contains("Welcome series"),
        "{said}"
    );
    let words: &[&[&str]] = &[
        &["segments", "count", "--name", "x"],
        &["templates", "render", "x", "--as", "a@example.com"],
        &["accounts", "test", "x", "--to", "a@example.com"],
        &["contacts", "show", "nobody@example.com"],
        &["contacts", "undo-import", "99"],
        &["fields", "retire", "nothing"],
        &["journeys", "path", "Welcome series", "--as", "nobody@example.com"],
    ];
    for words in words {
        at.refused(words);
    }
}

#[test]
fn words_that_are_not_known_are_wrong_usage_and_open_nothing() {
    let at = Terminal::new();
    let words: &[&[&str]] = &[
        &[],
        &["nonsense"],
        &["contacts"],
        &["contacts", "import", "a.csv"],
        &["contacts", "import", "a.csv", "--basis", "hope", "--source", "x"],
        &[
            "contacts",
            "import",
            "a.csv",
            "--basis",
            "none",
            "--source",
            "x",
            "--delimiter",
            "#",
        ],
        &[
            "contacts",
            "import",
            "a.csv",
            "--basis",
            "none",
            "--source",
            "x",
            "--encoding",
            "ebcdic",
        ],
        &["fields", "add", "x", "--type", "colour"],
        &["segments", "count"],
        &["segments", "count", "--name", "a", "--where", "b"],
        &["consent", "add", "a@example.com", "--source", "x"],
        &[
            "accounts",
            "add-smtp",
            "A",
            "--host",
            "h",
            "--tls",
            "maybe",
            "--from-email",
            "a@example.com",
        ],
        &["accounts", "add-smtp", "A", "--host", "h"],
        &["outbox", "resolve", "--state", "queued", "--as", "sent"],
        &["report", "weather"],
        &["run", "--for", "-1"],
        &["journeys", "simulate", "x", "--days", "0"],
        &["workspaces", "create", "x.carillon", "--time-zone", "Mars"],
        &["settings", "set"],
    ];
    for words in words {
        at.wrong(words);
    }
    assert!(!at.path("x.carillon").exists());
}

#[test]
fn without_a_workspace_the_program_asks_which() {
    let at = Terminal::new();
    let said = at.refused(&["contacts", "list"]);
    assert!(said.contains("--workspace"), "{said}");
    let said = at.refused(&["-w", "nowhere/a.carillon", "contacts", "list"]);
    assert!(said.contains("nowhere"), "{said}");
    let said = at.refused(&["workspaces", "create", "nowhere/a.carillon"]);
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let at = Terminal::with_shop();
    let before = std::fs::read(at.path("shop.carillon")).unwrap().len();
    let shop = arg(&at.path("shop.carillon")).to_owned();
    let words: &[&[&str]] = &[
        &["workspaces", "create", &shop],
        &["demo", "create", &shop],
        &["backup", &shop],
        &["contacts", "export", &shop],
        &["journeys", "export", "Welcome series", &shop],
    ];
    for words in words {
        let said = at.refused(words);
        assert!(said.contains("not touched"), "{words:?}: {said}");
    }
    assert!(std::fs::read(at.path("shop.carillon")).unwrap().len() >= before);
    assert_eq!(at.json(&["contacts", "list"])["total"], json!(60));
}

#[test]
fn a_refusal_in_json_is_a_document_on_standard_error() {
    let at = Terminal::new();
    let said = at.run(&["--json", "contacts", "list"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    let document: serde_json::Value = serde_json::from_str(said.err.lines().last().unwrap()).unwrap();
    assert_eq!(document["code"], json!("closed"));
}
