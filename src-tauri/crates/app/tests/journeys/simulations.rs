//! A simulation counts what a live run then does, names the people behind its figures, and knows the history.

use super::*;
use carillon_engine::sim::SimReport;
use carillon_model::journey::{Fact, FactKind};
use carillon_store::{Tx, contacts, segments};
use std::time::Duration;

async fn job(app: &App, name: &str, args: Json) -> Json {
    let started = ask(app, name, args).await.unwrap();
    loop {
        let call = Call {
            kind: Kind::Query,
            name: "jobs.get".to_owned(),
            args: json!({"id": started["job"]}),
        };
        let job = app.call(Window::Terminal, call).await.unwrap();
        match job["state"].as_str() {
            Some("done") => return job["result"].clone(),
            Some("failed" | "cancelled") => panic!("{job}"),
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn query(app: &App, name: &str, args: Json) -> Json {
    let call = Call {
        kind: Kind::Query,
        name: name.to_owned(),
        args,
    };
    app.call(Window::Terminal, call).await.unwrap()
}

fn more_people(tx: &mut Tx<'_>, count: u32) -> carillon_store::Result<()> {
    let columns = Columns::resolve(tx, &[])?;
    let mut rows: Vec<NewContact> = (0..count)
        .map(|n| NewContact {
            email: format!("more{n}@x.example"),
            values: Vec::new(),
            zone_source: None,
        })
        .collect();
    for new in insert_batch(tx, &columns, &mut rows, "test")? {
        if new.id().0 % 3 != 0 {
            contacts::add_tag(tx, new.id(), "vip", "test")?;
        }
    }
    Ok(())
}

/// Whoever has the tag: by chance on two ways, of which one lasts.
fn halves() -> Journey {
    let by = json!({"segment": "Tagged", "on": "entered", "include_current": true});
    let shares = json!({"branches": [{"port": "a", "percent": 50}, {"port": "b", "percent": 50}]});
    let wait = |days: u32| json!({"for": {"amount": days, "unit": "days"}});
    Journey {
        steps: vec![
            step("in", "entry_segment", by, &[("next", "halves")]),
            step("halves", "random", shares, &[("a", "short"), ("b", "long")]),
            step("short", "wait", wait(2), &[("next", "end")]),
            step("long", "wait", wait(30), &[("next", "end")]),
            step("end", "exit", json!({}), &[]),
        ],
        ..drawing()
    }
}

async fn tagged(open: &Open) {
    let expr = carillon_engine::segment::parse("tag \"vip\"").unwrap();
    let written = open.store.write(Priority::User, move |tx| {
        segments::save(tx, None, "Tagged", &expr)?;
        more_people(tx, 60)
    });
    written.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_counts_and_names_whom_the_live_run_then_leads_there() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    tagged(&open).await;
    let id = drawn(&open, None, halves()).await;
    let asked = json!({"id": id, "document": halves(), "days": 10, "seed": 1});
    let report: SimReport =
        serde_json::from_value(job(&app, "journeys.simulate", asked.clone()).await).unwrap();
    let stays = json!({"simulation": asked, "number": {"number": "never_left"}, "limit": 200});
    let stays = job(&app, "journeys.behind", stays).await;

    publish_now(&open, id).await.unwrap();
    let until = open.now() + chrono::TimeDelta::days(10) - chrono::TimeDelta::seconds(1);
    runtime::drive(&open, Some(until), &Job::unwatched())
        .await
        .unwrap();
    let call = Call {
        kind: Kind::Query,
        name: "journeys.counts".to_owned(),
        args: json!({"id": id}),
    };
    let live = app.call(Window::Terminal, call).await.unwrap();
    assert_eq!(live["active"].as_u64(), Some(report.never_left));
    assert!(report.never_left > 0 && report.never_left < report.entered);
    for step in &report.steps {
        let steps = live["steps"].as_array().unwrap();
        let live = steps
            .iter()
            .find(|live| live["step"] == json!(step.step))
            .unwrap();
        let entered: u64 = step.entered.iter().sum();
        assert_eq!(
            (live["entered"].as_u64(), live["waiting"].as_u64()),
            (Some(entered), Some(step.waiting))
        );
        for port in step.left.iter().filter(|port| port.port != "end") {
            let left: u64 = port.per_day.iter().sum();
            assert_eq!(
                live["left"][&port.port].as_u64().unwrap_or(0),
                left,
                "{} {}",
                step.step,
                port.port
            );
        }
    }
    let inside = open
        .store
        .read(move |db| enrolments::active_in(db, id, None, 1_000));
    let mut inside: Vec<u64> = inside
        .await
        .unwrap()
        .iter()
        .map(|e| u64::from(e.contact.0))
        .collect();
    inside.sort_unstable();
    let named = stays.as_array().unwrap();
    let named: Vec<u64> = named
        .iter()
        .map(|person| person["id"].as_u64().unwrap())
        .collect();
    assert_eq!(named, inside);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_come_in_by_events_as_often_as_in_a_history_of_only_ten_days() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    for _ in 0..10 {
        for contact in 1..=PEOPLE {
            visits(&open, contact).await;
        }
        let next = open.now() + chrono::TimeDelta::days(1);
        open.store.advance_clock(next).await.unwrap();
    }
    let mut daily = drawing();
    daily.steps[2] = step(
        "rest",
        "wait_window",
        json!({"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "23:59"}),
        &[("next", "end")],
    );
    daily.steps.remove(0);
    let asked = json!({"document": daily, "days": 20, "seed": 1});
    let report: SimReport = serde_json::from_value(job(&app, "journeys.simulate", asked).await).unwrap();
    // One visit a contact and day, and each visit one passage.
    assert_eq!(report.entered, u64::from(PEOPLE) * 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_mails_is_simulated_and_tried_before_there_is_an_account() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    states::with_template(&open).await;
    let document = states::mailing(None);
    let mut asked = json!({"document": document, "days": 10, "seed": 1});
    asked["document"]["steps"][1] = json!({"id": "visit", "kind": "entry_manual", "name": "", "settings": {},
                                           "next": {"next": "rest"}});
    let report: SimReport = serde_json::from_value(job(&app, "journeys.simulate", asked).await).unwrap();
    assert_eq!(report.entered, u64::from(PEOPLE));
    let trial = json!({"document": document, "contact": 1, "days": 10});
    let trial = query(&app, "journeys.try", trial).await;
    assert!(!trial["facts"].as_array().unwrap().is_empty());
    let id = drawn(&open, None, document).await;
    ask(&app, "journeys.publish", json!({"id": id}))
        .await
        .unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_that_an_account_cannot_let_go_are_simulated_on_later_days_and_whose_they_are_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    states::with_template(&open).await;
    let mut shop = states::account("Shop");
    shop["per_day"] = json!(2);
    ask(&app, "accounts.add", json!({ "account": shop }))
        .await
        .unwrap();
    let mut document = json!(states::mailing(None));
    // Everybody comes in by hand, and nobody has agreed to anything.
    document["steps"][1] = json!({"id": "visit", "kind": "entry_manual", "name": "", "settings": {},
                                  "next": {"next": "rest"}});
    document["steps"][4]["settings"]["transactional"] = json!(true);
    let asked = json!({"document": document, "days": 12, "seed": 1});
    let report: SimReport =
        serde_json::from_value(job(&app, "journeys.simulate", asked.clone()).await).unwrap();
    // Three people, nine days after they came in.
    assert_eq!(report.mails[8..], [0, 2, 1, 0]);
    assert_eq!(
        (report.held[9], report.held.iter().sum::<u64>(), report.still_held),
        (1, 1, 0)
    );
    for (day, people) in [(9, 2), (10, 1), (11, 0)] {
        let number = json!({"number": "mails", "day": day});
        let named = json!({"simulation": asked, "number": number, "limit": 200});
        let named = job(&app, "journeys.behind", named).await;
        assert_eq!(named.as_array().unwrap().len(), people, "day {day}");
    }
}

/// A published score whose rules are these: what is asked, how points are given, and how many.
async fn scored(app: &App, name: &str, rules: &[(&str, &str, i32)]) {
    let no_bounds = json!({"least": null, "most": null});
    let rules = rules.iter().enumerate().map(|(n, (when, per, points))| {
        json!({"key": format!("rule{n}"), "when": when, "points": {"per": per, "points": points},
               "bounds": no_bounds, "from": null, "to": null})
    });
    let model = json!({"kind": "points", "bounds": no_bounds, "stages": [],
                       "groups": [{"key": "all", "name": "All", "bounds": no_bounds,
                                   "decay": {"decay": "none"}, "rules": rules.collect::<Vec<_>>()}]});
    let draft = json!({"id": null, "key": null, "name": name, "draft": model});
    let score = ask(app, "scores.save", draft).await.unwrap();
    ask(app, "scores.publish", json!({"id": score["id"]}))
        .await
        .unwrap();
}

/// Points from a step that are asked for a day later, and once more for what the contacts did since.
fn warming() -> Journey {
    let asks = |when: &str| json!({"when": when});
    let days = |n: u32| json!({"for": {"amount": n, "unit": "days"}});
    let points = json!({"score": "interest", "points": 7});
    Journey {
        steps: vec![
            step("in", "entry_manual", json!({}), &[("next", "give")]),
            step("give", "change_score", points, &[("next", "day")]),
            step("day", "wait", days(1), &[("next", "warm")]),
            step(
                "warm",
                "if_else",
                asks("score_interest >= 7"),
                &[("yes", "days"), ("no", "end")],
            ),
            step("days", "wait", days(5), &[("next", "hot")]),
            step(
                "hot",
                "if_else",
                asks("score_interest >= 12"),
                &[("yes", "end"), ("no", "end")],
            ),
            step("end", "exit", json!({}), &[]),
        ],
        ..drawing()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_steps_and_visits_give_lead_people_in_a_simulation_and_in_a_trial() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    scored(&app, "Interest", &[("did visit", "each", 5)]).await;
    let more = open.store.write(Priority::User, |tx| more_people(tx, 60));
    more.await.unwrap();
    // Who visited is known by ten days of a visit a day each.
    for _ in 0..10 {
        visits(&open, 1).await;
        open.store
            .advance_clock(open.now() + chrono::TimeDelta::days(1))
            .await
            .unwrap();
    }
    let asked = json!({"document": warming(), "days": 10, "seed": 1});
    let report: SimReport = serde_json::from_value(job(&app, "journeys.simulate", asked).await).unwrap();
    let way = |id: &str, port: &str| -> u64 {
        let step = report.steps.iter().find(|step| step.step.0 == id).unwrap();
        let of = step.left.iter().filter(|left| left.port == port);
        of.flat_map(|left| &left.per_day).sum()
    };
    assert_eq!(
        (way("warm", "yes"), way("warm", "no")),
        (u64::from(PEOPLE) + 60, 0)
    );
    assert!(way("hot", "yes") > 1 && way("hot", "no") > 0, "{report:?}");
    let trial = json!({"document": warming(), "contact": 2, "days": 10});
    let trial = query(&app, "journeys.try", trial).await;
    let facts: Vec<Fact> = serde_json::from_value(trial["facts"].clone()).unwrap();
    let port = |id: &str| {
        facts.iter().find_map(|fact| match &fact.what {
            FactKind::Left { port, .. } if fact.step.0 == id => Some(port.clone()),
            _ => None,
        })
    };
    assert_eq!(
        (port("warm"), port("hot")),
        (Some("yes".into()), Some("no".into()))
    );
    assert_eq!(trial["partly_fixed_scores"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_of_consent_are_named_as_a_simulation_leaves_that_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (app, _open) = opened(dir.path()).await;
    let consent = ("consent email marketing", "while", 5);
    scored(&app, "Interest", &[("did visit", "each", 5), consent]).await;
    scored(&app, "Other", &[consent]).await;
    scored(&app, "Visits", &[("did visit", "each", 5)]).await;
    let mut document = drawing();
    let simulated = |document: Journey| {
        let app = &app;
        async move {
            let asked = json!({"document": document, "days": 3, "seed": 1});
            let report = job(app, "journeys.simulate", asked).await;
            let trial = json!({"document": document, "contact": 1, "days": 3});
            let trial = query(app, "journeys.try", trial).await;
            assert_eq!(trial["partly_fixed_scores"], report["partly_fixed_scores"]);
            serde_json::from_value::<SimReport>(report)
                .unwrap()
                .partly_fixed_scores
        }
    };
    assert!(simulated(document.clone()).await.is_empty());
    let settings = json!({"when": "score_visits >= 5"});
    document.steps.push(step("visited", "goal", settings, &[]));
    assert!(simulated(document.clone()).await.is_empty(), "it is followed");
    let settings = json!({"when": "score_interest >= 5"});
    document.steps.push(step("goal", "goal", settings, &[]));
    assert_eq!(simulated(document).await, ["Interest"]);
}
