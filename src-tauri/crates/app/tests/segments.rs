//! Segments as the screens and the command line use them.
#![allow(clippy::unwrap_used)]

use carillon_app::App;
use carillon_app::error::{ApiError, Code};
use carillon_app::table::{Call, Kind, Window};
use serde_json::{Value, json};
use std::path::Path;

/// A program with a workspace of four contacts.
struct Shop(App);

impl Shop {
    async fn new(dir: &Path) -> Shop {
        let shop = Shop(App::new(dir.join("home"), false));
        let file = dir.join("shop.carillon");
        let args = json!({
            "file": { "path": file }, "name": "Shop", "clock": "virtual", "start": "2026-03-01T09:00:00Z",
            "time_zone": "Europe/Berlin",
        });
        shop.mutate("workspaces.create", args).await;
        for (email, city, tags) in [
            ("ada@x.example", Some("Köln"), vec!["vip"]),
            ("ben@x.example", Some("KÖLN "), vec![]),
            ("eve@x.example", Some("Bonn"), vec!["vip"]),
            ("zoe@x.example", None, vec![]),
        ] {
            let values: Vec<Value> = city
                .iter()
                .map(|city| json!({ "key": "city", "value": { "type": "text", "value": city } }))
                .collect();
            let args =
                json!({ "email": email, "values": values, "tags": tags, "basis": null, "source": "user" });
            shop.mutate("contacts.add", args).await;
        }
        shop
    }

    async fn call(&self, kind: Kind, name: &str, args: Value) -> Result<Value, ApiError> {
        let name = name.to_owned();
        let answer = self.0.call(Window::Terminal, Call { kind, name, args }).await?;
        Ok(json!(answer))
    }

    async fn query(&self, name: &str, args: Value) -> Value {
        self.call(Kind::Query, name, args).await.unwrap()
    }

    async fn mutate(&self, name: &str, args: Value) -> Value {
        self.call(Kind::Mutate, name, args).await.unwrap()
    }

    async fn save(&self, id: Option<Value>, name: &str, text: &str) -> Result<Value, ApiError> {
        let args = json!({ "id": id, "name": name, "text": text });
        self.call(Kind::Mutate, "segments.save", args).await
    }
}

#[tokio::test]
async fn count_clauses_members_and_reasons_speak_of_the_same_people() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(dir.path()).await;
    let text = "city is 'köln' and not tag 'vip'";
    let saved = shop.save(None, "Quiet Cologne", text).await.unwrap();
    assert_eq!(saved["text"], json!("city is \"köln\" and not tag \"vip\""));
    let list = shop.query("segments.list", json!({})).await;
    assert_eq!(list[0]["count"], json!(1));

    let count = shop
        .query("segments.count", json!({ "text": text, "clauses": true }))
        .await;
    assert_eq!((&count["count"], &count["total"]), (&json!(1), &json!(4)));
    let clauses = json!([{ "text": "city is \"köln\"", "count": 2 }, { "text": "tag \"vip\"", "count": 2 }]);
    assert_eq!(count["clauses"], clauses);

    let members = shop
        .query("segments.members", json!({ "text": text, "limit": 10 }))
        .await;
    assert_eq!(members["rows"][0]["email"], json!("ben@x.example"));
    assert_eq!(members["rows"].as_array().unwrap().len(), 1);

    for (contact, holds, seen) in [
        (1, false, ["city = \"Köln\"", "has the tag"]),
        (2, true, ["city = \"KÖLN\"", "does not have the tag"]),
        (4, false, ["city is empty", "does not have the tag"]),
    ] {
        let answer = shop
            .query("segments.why", json!({ "text": text, "contact": contact }))
            .await;
        assert_eq!(answer["holds"], json!(holds), "{contact}");
        let parts = &answer["why"]["of"];
        assert_eq!(parts[0]["value"], json!(seen[0]), "{contact}");
        assert_eq!(parts[1]["of"][0]["value"], json!(seen[1]), "{contact}");
    }
}

#[tokio::test]
async fn a_mistake_and_a_name_nobody_used_are_shown_where_they_stand_in_the_text_as_it_was_typed() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(dir.path()).await;
    let text = "  email is known\nand mail is '𝄞'";
    let check = shop.query("segments.check", json!({ "text": text })).await;
    assert_eq!(check["ok"], json!(false));
    assert_eq!(
        (&check["error"]["offset"], &check["error"]["length"]),
        (&json!(21), &json!(4))
    );
    assert!(
        check["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no field \"mail\"")
    );

    let text = "city is '𝄞' or tag 'vpi' or did order";
    let check = shop.query("segments.check", json!({ "text": text })).await;
    assert_eq!((&check["ok"], &check["error"]), (&json!(true), &json!(null)));
    let hints = check["hints"].as_array().unwrap();
    assert_eq!(
        (&hints[0]["offset"], &hints[0]["length"]),
        (&json!(20), &json!(5))
    );
    assert!(
        hints[0]["message"]
            .as_str()
            .unwrap()
            .contains("did you mean \"vip\"?")
    );
    assert_eq!(
        (&hints[1]["offset"], &hints[1]["length"], hints.len()),
        (&json!(33), &json!(5), 2)
    );

    let refused = shop.save(None, "Broken", "city is").await.unwrap_err();
    assert_eq!(refused.code, Code::Invalid);
    assert!(
        refused.message.contains("found the end") && refused.message.contains("character 8"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_segment_others_refer_to_is_neither_removed_nor_renamed_and_never_refers_to_itself() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(dir.path()).await;
    let vip = shop.save(None, "VIP", "tag \"vip\"").await.unwrap();
    let far = shop
        .save(None, "Far", "in segment \"VIP\" and city is \"Bonn\"")
        .await
        .unwrap();

    let list = shop.query("segments.list", json!({})).await;
    assert_eq!(
        (&list[0]["name"], &list[0]["used_by"]),
        (&json!("Far"), &json!(0))
    );
    assert_eq!(
        (&list[1]["name"], &list[1]["used_by"]),
        (&json!("VIP"), &json!(1))
    );

    let circle = shop
        .save(Some(vip["id"].clone()), "VIP", "not in segment \"Far\"")
        .await
        .unwrap_err();
    assert!(
        circle.message.contains("VIP") && circle.message.contains("Far"),
        "{circle}"
    );
    let renamed = shop
        .save(Some(vip["id"].clone()), "Best", "tag \"vip\"")
        .await
        .unwrap_err();
    assert!(renamed.message.contains("Far"), "{renamed}");
    let removed = shop
        .call(Kind::Mutate, "segments.delete", json!({ "id": vip["id"] }))
        .await
        .unwrap_err();
    assert!(removed.message.contains("Far"), "{removed}");
    let taken = shop.save(None, "VIP", "everyone").await.unwrap_err();
    assert!(taken.message.contains("VIP"), "{taken}");

    shop.mutate("segments.delete", json!({ "id": far["id"] })).await;
    shop.mutate("segments.delete", json!({ "id": vip["id"] })).await;
    assert_eq!(shop.query("segments.list", json!({})).await, json!([]));
}

#[tokio::test]
async fn who_nearly_belongs_what_is_shared_and_who_uses_it_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(dir.path()).await;
    let text = "city is 'köln' and not tag 'vip'";
    let quiet = shop.save(None, "Quiet Cologne", text).await.unwrap();
    shop.save(None, "VIP", "tag 'vip'").await.unwrap();
    shop.save(None, "Cologne", "city is 'köln'").await.unwrap();
    let mail = shop
        .save(None, "Mail", "in segment 'Quiet Cologne' or in segment 'VIP'")
        .await
        .unwrap();

    // Ada is a VIP of Cologne; Zoe has no city. Eve, of Bonn and a VIP, misses two clauses and is near to neither.
    let near = shop.query("segments.near", json!({ "text": text })).await;
    let told: Vec<(Value, Value, Value)> = near
        .as_array()
        .unwrap()
        .iter()
        .map(|near| {
            (
                near["text"].clone(),
                near["count"].clone(),
                near["contacts"][0]["email"].clone(),
            )
        })
        .collect();
    let wanted = [
        ("city is \"köln\"", 1, "zoe@x.example"),
        ("tag \"vip\"", 1, "ada@x.example"),
    ];
    assert_eq!(
        told,
        wanted.map(|(text, n, who)| (json!(text), json!(n), json!(who)))
    );
    assert_eq!(
        shop.query("segments.near", json!({ "text": "everyone" })).await,
        json!([])
    );

    let overlap = shop
        .query("segments.overlap", json!({ "text": text, "id": quiet["id"] }))
        .await;
    let shared: Vec<(&Value, &Value, &Value)> = overlap
        .as_array()
        .unwrap()
        .iter()
        .map(|other| (&other["name"], &other["count"], &other["shared"]))
        .collect();
    let wanted = [("Cologne", 2, 1), ("Mail", 3, 1), ("VIP", 2, 0)];
    let wanted = wanted.map(|(name, count, shared)| (json!(name), json!(count), json!(shared)));
    assert_eq!(
        shared,
        wanted
            .each_ref()
            .map(|(name, count, shared)| (name, count, shared))
    );

    let users = shop.query("segments.users", json!({ "id": quiet["id"] })).await;
    assert_eq!(users["segments"], json!([{ "id": mail["id"], "name": "Mail" }]));
    assert_eq!((&users["journeys"], &users["asks"]), (&json!([]), &json!([])));
    let users = shop.query("segments.users", json!({ "id": mail["id"] })).await;
    let asked: Vec<&Value> = users["asks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["name"])
        .collect();
    assert_eq!(asked, ["Quiet Cologne", "VIP"]);
}

/// Two hundred people who visited in January, the more often the later in the alphabet; every second one of those who
/// came at least five times orders in February.
async fn visitors(shop: &Shop) {
    for n in 0..200u32 {
        let args = json!({ "email": format!("v{n:03}@x.example"), "values": [], "tags": [], "basis": null, "source": "user" });
        shop.mutate("contacts.add", args).await;
    }
    let open = shop.0.own().await.unwrap();
    let at = |text: &str| -> carillon_model::Moment { text.parse().unwrap() };
    let mut rows = Vec::new();
    for n in 0..200u32 {
        let event = |name: &str, at| carillon_store::events::NewEvent {
            // Four came before them.
            contact: carillon_model::ContactId(n + 5),
            name: name.to_owned(),
            at,
            source: "shop".to_owned(),
            props: Default::default(),
        };
        let visits = n / 20;
        for visit in 0..visits {
            let day = at("2026-01-10T10:00:00Z") + chrono::TimeDelta::hours(visit.into());
            rows.push(event("visit", day));
        }
        if visits >= 5 && n % 2 == 0 {
            rows.push(event("order", at("2026-02-10T10:00:00Z")));
            // What comes after the goal says nothing about before.
            rows.extend((0..50).map(|_| event("visit", at("2026-02-11T10:00:00Z"))));
        }
    }
    open.store
        .write(carillon_store::Priority::User, move |tx| {
            carillon_store::events::append(tx, &rows).map(|_| ())
        })
        .await
        .unwrap();
}

fn per_visit(points: i32) -> Value {
    json!({
        "kind": "points", "bounds": { "least": null, "most": null },
        "stages": [{ "name": "Warm", "at_least": 5 }],
        "groups": [{
            "key": "all", "name": "All", "bounds": { "least": null, "most": null }, "decay": { "decay": "none" },
            "rules": [{
                "key": "visits", "when": "did visit", "points": { "per": "each", "points": points },
                "bounds": { "least": null, "most": null }, "from": null, "to": null,
            }],
        }],
    })
}

#[tokio::test]
async fn a_model_is_tried_on_the_past_with_what_was_known_then() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(dir.path()).await;
    visitors(&shop).await;
    let args = json!({ "id": null, "key": null, "name": "Interest", "draft": per_visit(-1) });
    let score = shop.mutate("scores.save", args).await;
    shop.mutate("scores.publish", json!({ "id": score["id"] })).await;

    // The first twenty never came: nothing was known of them 30 days ago, and they were added today.
    let args = json!({ "id": score["id"], "model": per_visit(1), "goal": "did order", "days": 30 });
    let tried = shop.query("scores.backtest", args).await;
    assert_eq!((&tried["measured"], &tried["reached"]), (&json!(180), &json!(50)));
    let tenths = tried["draft"]["tenths"].as_array().unwrap();
    // The most points are nine: the fifty visits after the order were not known.
    assert_eq!((&tenths[0]["to"], &tenths[0]["people"]), (&json!(9), &json!(18)));
    let reached: Vec<f64> = tenths
        .iter()
        .map(|tenth| tenth["reached"].as_f64().unwrap())
        .collect();
    assert!(
        (reached[0] - 9.0).abs() < 1e-9 && reached[9] == 0.0,
        "{reached:?}"
    );
    assert!((reached.iter().sum::<f64>() - 50.0).abs() < 1e-9);
    let area = tried["draft"]["area"].as_f64().unwrap();
    // Of those who ordered each has as many visits as somebody who did not, and the eighty with fewer are all below:
    // (80 + 50 / 2) of 130.
    assert!((area - 105.0 / 130.0).abs() < 1e-9, "{area}");
    let published = tried["published"]["area"].as_f64().unwrap();
    assert!((published - (1.0 - area)).abs() < 1e-9);
    assert_eq!(tried["difference"]["sure"], json!(true));
    // Warm from five points on: the hundred who came five times, the fifty of them who came again.
    assert_eq!(
        tried["moves"],
        json!([{ "from": null, "to": "Warm", "people": 100 }])
    );

    for (goal, days, said) in [
        ("did order at least 2 times", 30, "The goal is one event"),
        ("tag 'vip'", 30, "The goal is one event"),
        ("did order", 0, "between 1 and 3653"),
    ] {
        let args = json!({ "id": null, "model": per_visit(1), "goal": goal, "days": days });
        let refused = shop.call(Kind::Query, "scores.backtest", args).await.unwrap_err();
        assert!(refused.message.contains(said), "{}", refused.message);
    }
    let args = json!({ "id": null, "model": per_visit(1), "goal": "did order", "days": 300 });
    let tried = shop.query("scores.backtest", args).await;
    assert_eq!(
        (&tried["measured"], &tried["draft"]["area"]),
        (&json!(0), &json!(null))
    );
}

#[tokio::test]
async fn a_grade_is_tried_on_the_past_by_the_scores_it_reads() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(dir.path()).await;
    visitors(&shop).await;
    let grade = |least: i32| {
        let bands = |key: &str, high: &str, low: &str| json!({ "score": key, "bands": [{ "label": high, "at_least": least }, { "label": low, "at_least": null }] });
        json!({ "kind": "grade", "rows": bands("interest", "A", "B"), "columns": bands("distance", "1", "2") })
    };
    let tried = async |id: Value, least: i32| {
        let args = json!({ "id": id, "model": grade(least), "goal": "did order", "days": 30 });
        shop.call(Kind::Query, "scores.backtest", args).await
    };
    for (name, points) in [("Interest", 1), ("Distance", -1)] {
        let args = json!({ "id": null, "key": null, "name": name, "draft": per_visit(points) });
        let score = shop.mutate("scores.save", args).await;
        shop.mutate("scores.publish", json!({ "id": score["id"] })).await;
    }
    let args = json!({ "id": null, "key": null, "name": "Grade", "draft": grade(7) });
    let score = shop.mutate("scores.save", args).await;
    shop.mutate("scores.publish", json!({ "id": score["id"] })).await;

    let said = tried(score["id"].clone(), 5).await.unwrap();
    assert_eq!((&said["measured"], &said["reached"]), (&json!(180), &json!(50)));
    // Five visits and more are an A, by what was known then; every second of those ordered. Nobody is far from five below.
    let grades = |of: &str| said[of]["grades"].clone();
    assert_eq!(
        grades("draft"),
        json!([{ "grade": "A2", "people": 100, "reached": 50 }, { "grade": "B2", "people": 80, "reached": 0 }])
    );
    assert_eq!(
        grades("published"),
        json!([{ "grade": "A2", "people": 60, "reached": 30 }, { "grade": "B2", "people": 120, "reached": 20 }])
    );
    assert_eq!(
        (&said["draft"]["tenths"], &said["difference"]),
        (&json!([]), &json!(null))
    );
    // Who ordered came fifty times more since and has the better grade by both models; of five and six visits, those who
    // did not order are twenty.
    assert_eq!(said["moves"], json!([{ "from": "B2", "to": "A2", "people": 20 }]));

    // A score that measures nobody any more.
    let all = shop.query("scores.list", json!({})).await;
    for name in ["Grade", "Distance"] {
        let of = |one: &&Value| one["name"] == name;
        let id = all.as_array().unwrap().iter().find(of).unwrap()["id"].clone();
        shop.mutate("scores.archive", json!({ "id": id })).await;
    }
    let refused = tried(Value::Null, 5).await.unwrap_err();
    assert!(refused.message.contains("distance"), "{}", refused.message);
}
