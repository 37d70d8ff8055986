//! What is told of journeys: on a contact's timeline, and of the names in their conditions.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_what_happened_at_one_moment_a_timeline_shows_the_last_first() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let mut drawing = drawing();
    drawing.steps[1].next.insert("next".to_owned(), "end".into());
    let id = published(&open, drawing).await;
    visits(&open, 1).await;
    visits(&open, 1).await;
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 0);
    let call = Call {
        kind: Kind::Query,
        name: "contacts.timeline".to_owned(),
        args: json!({"id": 1, "before": null, "limit": 50}),
    };
    let shown = app.call(Window::Terminal, call).await.unwrap();
    let entries = shown.as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["at"] == entries[0]["at"]));
    let word = |entry: &Json| match entry["entry"].as_str().unwrap() {
        "journey" => entry["what"].as_str().unwrap().to_owned(),
        "event" => format!("event {}", entry["event"]["id"]),
        other => other.to_owned(),
    };
    let told: Vec<String> = entries.iter().map(word).collect();
    let journeys: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|w| ["left", "entered"].contains(w))
        .collect();
    assert_eq!(journeys, ["left", "entered", "left", "entered"]);
    let happened: Vec<&String> = told.iter().filter(|word| word.starts_with("event")).collect();
    assert_eq!(happened, ["event 2", "event 1"]);
    assert_eq!(told.last().map(String::as_str), Some("created"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_of_a_journey_and_a_rule_of_a_score_name_steps_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    published(&open, drawing()).await;
    let read = |name: &str, args: Json| {
        let call = Call {
            kind: Kind::Query,
            name: name.to_owned(),
            args,
        };
        app.call(Window::Terminal, call)
    };
    let asking = |when: &str| {
        let mut asking = drawing();
        "Later".clone_into(&mut asking.name);
        let ports = [("yes", "end"), ("no", "end")];
        asking.steps[2] = step("rest", "if_else", json!({"when": when}), &ports);
        asking
    };
    let gone = "passed step \"rset\" of journey \"Welcome\"";
    // Saved as it is: a draft may be wrong, and says so wherever it is seen.
    let saved = json!({"id": null, "document": asking(gone), "revision": null});
    let saved = ask(&app, "journeys.save", saved).await.unwrap();
    let told = (
        &json!("unknown_step_named"),
        &json!("rest"),
        &json!("error"),
        &json!("13"),
    );
    let shown = read("journeys.get", json!({"id": saved["id"]})).await.unwrap();
    let checked = read("journeys.check", json!({"document": asking(gone)}));
    for problems in [&saved["problems"], &shown["problems"], &checked.await.unwrap()] {
        let one = &problems[0];
        let position = &one["params"]["position"];
        assert_eq!(
            (&one["code"], &one["step"], &one["severity"], position),
            told,
            "{problems}"
        );
        assert_eq!(problems.as_array().unwrap().len(), 1, "{problems}");
    }
    let listed = read("journeys.list", json!({})).await.unwrap();
    let later = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "Later");
    assert_eq!(later.unwrap()["problems"], 1);
    let one = json!({"id": saved["id"]});
    let refused = ask(&app, "journeys.publish", one.clone()).await.unwrap_err();
    assert!(refused.contains("did you mean \"rest\"?"), "{refused}");
    // Another journey that is not there may come: it is told, and keeps nobody.
    let id = JourneyId(u32::try_from(saved["id"].as_u64().unwrap()).unwrap());
    drawn(&open, Some(id), asking("in journey \"Autumn\"")).await;
    ask(&app, "journeys.publish", one).await.unwrap();

    let model = |when: &str| {
        let rule = json!({"key": "r", "when": when, "points": {"per": "while", "points": 5}});
        let group = json!({"key": "g", "name": "Way", "rules": [rule]});
        json!({"kind": "points", "groups": [group]})
    };
    let trouble = |when: &str| read("scores.check", json!({"model": model(when)}));
    let found = trouble(gone).await.unwrap();
    assert_eq!(
        (&found[0]["place"], &found[0]["severity"]),
        (&json!("r"), &json!("error"))
    );
    let message = found[0]["message"].as_str().unwrap();
    assert!(
        message.ends_with("did you mean \"rest\"? (at character 13)"),
        "{message}"
    );
    let found = trouble("in journey \"Autumn\"").await.unwrap();
    assert_eq!(found[0]["severity"], "warning", "{found}");
    let mut score = json!({"name": "Way", "draft": model(gone)});
    let kept = ask(&app, "scores.save", score.clone()).await.unwrap();
    let one = json!({"id": kept["id"]});
    let refused = ask(&app, "scores.publish", one.clone()).await.unwrap_err();
    assert!(refused.contains("no step"), "{refused}");
    score["id"] = kept["id"].clone();
    score["draft"] = model("in journey \"Autumn\"");
    ask(&app, "scores.save", score).await.unwrap();
    ask(&app, "scores.publish", one).await.unwrap();
}
