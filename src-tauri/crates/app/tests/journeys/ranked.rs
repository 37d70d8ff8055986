//! Who is among the highest: measured for segments, asked through them by journeys and scores, and told to whoever looks.

use super::*;
use carillon_engine::journey::{ViewEvidence, compile};
use carillon_engine::replay::{History, Told, verify};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_store::{contacts, facts, fields, segments};

/// Sets the points of a contact.
async fn points(open: &Open, contact: u32, points: f64) {
    let set = open.store.write(Priority::User, move |tx| {
        let value = Value::Number(points);
        contacts::set_field(tx, ContactId(contact), "points", Some(&value), "test")
    });
    set.await.unwrap();
}

/// Three people with 10, 20 and 30 points; "Best" is the best of them.
async fn ranked(dir: &Path) -> (App, Arc<Open>) {
    let (app, open) = opened(dir).await;
    let added = open.store.write(Priority::User, |tx| {
        let field = Field {
            key: "points".to_owned(),
            label: "Points".to_owned(),
            field_type: FieldType::Number,
            options: Vec::new(),
            built_in: false,
            score: None,
        };
        fields::add(tx, &field)
    });
    added.await.unwrap();
    for contact in 1..=PEOPLE {
        points(&open, contact, f64::from(contact) * 10.0).await;
    }
    let best = json!({"name": "Best", "text": "points is in the top 30%"});
    ask(&app, "segments.save", best).await.unwrap();
    (app, open)
}

async fn read(app: &App, name: &str, args: Json) -> Json {
    let call = Call {
        kind: Kind::Query,
        name: name.to_owned(),
        args,
    };
    json!(app.call(Window::Terminal, call).await.unwrap())
}

/// In by hand, marked, asked whether they are the best, and then out or at rest.
fn asking(when: &str) -> Journey {
    let ports = [("yes", "end"), ("no", "rest")];
    let mut asking = drawing();
    asking.steps[0] = step("hand", "entry_manual", json!({}), &[("next", "mark")]);
    asking
        .steps
        .push(step("mark", "add_tag", json!({"tag": "seen"}), &[("next", "if")]));
    asking
        .steps
        .push(step("if", "if_else", json!({"when": when}), &ports));
    asking
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rank_is_refused_in_journeys_and_scores_and_asked_through_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = ranked(dir.path()).await;
    let rank = "city is known or points is in the top 30%";
    let mut goal = drawing();
    goal.steps.push(step("goal", "goal", json!({"when": rank}), &[]));
    let mut leaving = drawing();
    leaving.exit_when = serde_json::from_value(json!([{"when": rank, "reason": "best"}])).unwrap();
    let mut entering = drawing();
    let daily = json!({"rule": {"every": "day"}, "at": "09:00", "zone": "workspace", "who": rank});
    entering.steps[0] = step("hand", "entry_schedule", daily, &[("next", "rest")]);
    for document in [asking(rank), goal, leaving, entering] {
        let problems = read(&app, "journeys.check", json!({"document": document})).await;
        let one = &problems[0];
        assert_eq!(
            (&one["code"], &one["severity"], &one["params"]["position"]),
            (&json!("ranked_condition"), &json!("error"), &json!("18")),
            "{problems}"
        );
        assert_eq!(problems.as_array().unwrap().len(), 1, "{problems}");
        let id = drawn(&open, None, document).await;
        let refused = ask(&app, "journeys.publish", json!({"id": id}))
            .await
            .unwrap_err();
        assert!(refused.contains("in segment"), "{refused}");
        let deleted = open
            .store
            .write(Priority::User, move |tx| journeys::remove(tx, id));
        deleted.await.unwrap();
    }
    let document = asking("in segment \"Best\"");
    assert_eq!(
        read(&app, "journeys.check", json!({"document": document})).await,
        json!([])
    );

    let model = |when: &str| {
        let rule = json!({"key": "r", "when": when, "points": {"per": "while", "points": 5}});
        json!({"kind": "points", "groups": [{"key": "g", "name": "Best", "rules": [rule]}]})
    };
    let found = read(&app, "scores.check", json!({"model": model(rank)})).await;
    assert_eq!(
        (&found[0]["place"], &found[0]["severity"]),
        (&json!("r"), &json!("error"))
    );
    let message = found[0]["message"].as_str().unwrap();
    assert!(
        message.contains("in segment") && message.ends_with("(at character 18)"),
        "{message}"
    );
    let score = json!({"name": "Best", "draft": model("in segment \"Best\"")});
    assert_eq!(
        read(&app, "scores.check", json!({"model": score["draft"]})).await,
        json!([])
    );
    let kept = ask(&app, "scores.save", score).await.unwrap();
    ask(&app, "scores.publish", json!({"id": kept["id"]}))
        .await
        .unwrap();
    let score = "score_best > 0";
    let count = read(&app, "segments.count", json!({"text": score})).await;
    assert_eq!(count["count"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_goes_by_what_was_measured_and_its_record_replays_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = ranked(dir.path()).await;
    let when = "in segment \"Best\" and tag \"seen\"";
    let mut document = asking(when);
    document
        .steps
        .push(step("goal", "goal", json!({"when": when}), &[]));
    let id = published(&open, document.clone()).await;
    for contact in 1..=PEOPLE {
        enter(&app, id, contact).await.unwrap();
    }
    settle(&open).await;
    // The third is marked on the way and so the best of all.
    assert_eq!(inside(&open, id).await, 2);
    points(&open, 3, 5.0).await;
    points(&open, 2, 29.0).await;
    settle(&open).await;
    assert_eq!(
        inside(&open, id).await,
        2,
        "nobody has 30 any more, and no new day has come"
    );
    let midnight = "2026-05-10T00:00:00Z".parse().unwrap();
    let until = midnight - chrono::TimeDelta::seconds(1);
    runtime::drive(&open, Some(until), &Job::unwatched())
        .await
        .unwrap();
    assert_eq!(inside(&open, id).await, 2);
    assert_eq!(runtime::next_due(&open).await.unwrap(), Some(midnight));
    let until = midnight + chrono::TimeDelta::hours(5);
    runtime::drive(&open, Some(until), &Job::unwatched())
        .await
        .unwrap();
    assert_eq!(inside(&open, id).await, 1);
    let came = open
        .store
        .read(|db| segments::last_came(db, ContactId(2)))
        .await
        .unwrap();
    assert!(came.values().any(|at| *at == midnight), "{came:?}");

    let catalogue = open.store.read(runtime::catalogue).await.unwrap();
    let version = compile(&document, &catalogue).0.unwrap();
    let mut replayed = 0;
    for contact in (1..=PEOPLE).map(ContactId) {
        let rows = open.store.read(move |db| {
            let all = enrolments::of_contact(db, contact)?.into_iter();
            all.map(|one| Ok((one.number, facts::path(db, one.id)?, facts::calls(db, one.id)?)))
                .collect::<carillon_store::Result<Vec<_>>>()
        });
        for (_, facts, calls) in rows.await.unwrap() {
            let inputs = calls.iter().map(|call| Told {
                processed_at: call.at,
                input: serde_json::from_str(&call.input).unwrap(),
                view: Some(serde_json::from_str::<ViewEvidence>(&call.who).unwrap()),
            });
            let inputs: Vec<Told> = inputs.collect();
            replayed += inputs.len();
            assert_eq!(
                verify(&version, &History { inputs, facts }),
                Ok(None),
                "{contact:?}"
            );
        }
    }
    assert!(replayed >= 3, "{replayed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_is_told_what_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = ranked(dir.path()).await;
    points(&open, 1, 50.0).await;
    let text = "points is in the top 30%";
    let list = read(&app, "segments.list", json!({})).await;
    // Saved, it goes by what was measured; who asks anew, by now.
    assert_eq!(list[0]["count"], json!(2));
    assert_eq!(
        list[0]["cuts"],
        json!(["among the top 30% by points, from 30 up"])
    );
    let count = read(&app, "segments.count", json!({"text": text, "clauses": true})).await;
    assert_eq!(count["count"], json!(1));
    let cut = "among the top 30% by points, from 50 up";
    assert_eq!(count["clauses"], json!([{"text": text, "count": 1, "cut": cut}]));
    let members = read(&app, "segments.members", json!({"text": text, "limit": 9})).await;
    assert_eq!(
        (&members["total"], &members["rows"][0]["id"]),
        (&json!(1), &json!(1))
    );
    let near = read(&app, "segments.near", json!({"text": text})).await;
    assert_eq!(near[0]["count"], json!(2));
    let overlap = read(&app, "segments.overlap", json!({"text": text, "id": null})).await;
    assert_eq!(
        (&overlap[0]["count"], &overlap[0]["shared"]),
        (&json!(2), &json!(1))
    );
    let why = |text: &str| read(&app, "segments.why", json!({"text": text, "contact": 3}));
    let now = why(text).await;
    let seen = "points = 30; the top 30% begin at 50, as measured at 2026-05-09 12:00 (UTC)";
    assert_eq!(
        (&now["holds"], &now["why"]["value"]),
        (&json!(false), &json!(seen))
    );
    let saved = why("in segment \"Best\"").await;
    let part = &saved["why"]["of"][0]["value"];
    assert_eq!(saved["holds"], json!(true));
    assert!(part.as_str().unwrap().contains("begin at 30"), "{part}");

    let app = &app;
    let simulated = |document: Journey| async move {
        let trial = json!({"document": document, "contact": 1, "days": 3});
        read(app, "journeys.try", trial).await["ranked_segments"].clone()
    };
    assert_eq!(simulated(asking("in segment \"Best\"")).await, json!(["Best"]));
    assert_eq!(simulated(drawing()).await, json!([]));
}
