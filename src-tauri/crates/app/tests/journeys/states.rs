//! Stopped, paused and published again, cut off and opened again; and the names that running journeys need.

use super::*;
use carillon_app::journeys::publish_as_read;
use carillon_store::{contacts, segments};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_was_cut_off_is_finished_after_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    everybody_in(&app, &open, id).await;
    // All that was committed when the program was killed.
    let cut = open
        .store
        .write(Priority::User, move |tx| journeys::set_state(tx, id, Stopped));
    cut.await.unwrap();
    drop(open);
    close_current(&app).await;

    let (_app, open) = again(dir.path()).await;
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 0);
    let last = open
        .store
        .read(move |db| enrolments::last_of(db, id, ContactId(1)));
    assert_eq!(last.await.unwrap().unwrap().state.end, Some(End::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_still_on_the_way_in_at_the_stop_stays_outside() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    enter(&app, id, 1).await.unwrap();
    ask(&app, "journeys.stop", json!({"id": id})).await.unwrap();
    assert_eq!(waiting(&open).await, 0, "the stop left entries waiting");
    // One that was written at the same time.
    let late = open.store.write(Priority::User, move |tx| {
        let pending = Pending::Enter {
            entry: "hand".into(),
            planned: tx.now(),
            event: None,
        };
        let row = NewInput {
            planned_at: tx.now(),
            enrolment: None,
            journey: Some(id),
            contact: ContactId(2),
            pending,
        };
        inputs::push(tx, &[row])
    });
    late.await.unwrap();
    settle(&open).await;
    assert_eq!((inside(&open, id).await, waiting(&open).await), (0, 0));
    let refused = enter(&app, id, 3).await.unwrap_err();
    assert!(refused.contains("“Welcome” is stopped"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_is_told_to_finish_lets_nobody_in_who_was_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    enter(&app, id, 1).await.unwrap();
    ask(&app, "journeys.drain", json!({"id": id})).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 0);
    let refused = enter(&app, id, 2).await.unwrap_err();
    assert!(refused.contains("“Welcome” is draining"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_came_during_a_pause_enters_by_the_same_step_though_the_new_version_has_one_more() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    ask(&app, "journeys.pause", json!({"id": id})).await.unwrap();
    visits(&open, 1).await;
    settle(&open).await;
    assert_eq!((inside(&open, id).await, waiting(&open).await), (0, 1));
    // Steps are counted in the order of their ids: this one moves all others.
    let mut more = drawing();
    let settings = json!({"event": "order", "where": ""});
    more.steps
        .push(step("a", "entry_event", settings, &[("next", "rest")]));
    drawn(&open, Some(id), more).await;
    publish_now(&open, id).await.unwrap();
    assert_eq!(state_of(&open, id).await, Paused);
    ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 1);
    let last = open
        .store
        .read(move |db| enrolments::last_of(db, id, ContactId(1)));
    let visits = last.await.unwrap().unwrap().state.visits;
    // a, end, hand, rest, visit.
    assert!(
        visits.iter().any(|(step, _)| step.0 == 4),
        "came in elsewhere: {visits:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_does_not_resume_what_was_paused_or_told_to_finish() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    for (command, state) in [("journeys.pause", Paused), ("journeys.drain", Draining)] {
        ask(&app, command, json!({"id": id})).await.unwrap();
        publish_now(&open, id).await.unwrap();
        assert_eq!(state_of(&open, id).await, state);
    }
    ask(&app, "journeys.stop", json!({"id": id})).await.unwrap();
    publish_now(&open, id).await.unwrap();
    assert_eq!(state_of(&open, id).await, Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_since_it_was_checked_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = published(&open, drawing()).await;
    let read = || open.store.read(move |db| journeys::get(db, id));
    let versions = || open.store.read(move |db| journeys::versions(db, id));

    let drawn_before = read().await.unwrap().unwrap();
    let mut unchecked = drawing();
    unchecked.steps.clear();
    drawn(&open, Some(id), unchecked).await;
    let refused = publish_as_read(&open, drawn_before).await.unwrap_err();
    assert!(refused.message.contains("Nothing was published"), "{refused:?}");

    drawn(&open, Some(id), drawing()).await;
    let live_before = read().await.unwrap().unwrap();
    ask(&app, "journeys.pause", json!({"id": id})).await.unwrap();
    publish_as_read(&open, live_before).await.unwrap_err();
    assert_eq!(state_of(&open, id).await, Paused);
    assert_eq!(versions().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_saved_since_it_was_shown_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let id = drawn(&open, None, drawing()).await;
    let row = open.store.read(move |db| journeys::get(db, id));
    let shown = row.await.unwrap().unwrap().revision;
    let mut other = drawing();
    other.steps[2].name = "Rest".to_owned();
    drawn(&open, Some(id), other.clone()).await;
    let refused = ask(&app, "journeys.publish", json!({"id": id, "revision": shown})).await;
    assert!(refused.unwrap_err().contains("Nothing was published"));
    // The same once more is nothing new.
    drawn(&open, Some(id), other).await;
    ask(&app, "journeys.publish", json!({"id": id, "revision": shown + 1}))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_keeps_a_journey_from_being_published_is_among_its_problems() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    account_added(&app, "Shop").await;
    with_template(&open).await;
    let check = || async {
        let call = Call {
            kind: Kind::Query,
            name: "journeys.check".to_owned(),
            args: json!({"document": mailing(None)}),
        };
        app.call(Window::Terminal, call).await.unwrap()
    };
    assert_eq!(check().await, json!([]));
    let silent = open.store.write(Priority::User, |tx| {
        let id = templates::by_name(tx, "Hello")?.map(|known| known.id);
        let template = Template {
            id: TemplateId(0),
            name: "Hello".to_owned(),
            subject: "Hello".to_owned(),
            preheader: String::new(),
            body: "<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>"
                .to_owned(),
            text: String::new(),
            topic: None,
            updated_at: tx.now(),
        };
        templates::save(tx, id, &template)
    });
    silent.await.unwrap();
    let problems = check().await;
    assert_eq!(
        (&problems[0]["code"], &problems[0]["step"]),
        (&json!("unfit_template"), &json!("mail"))
    );
    let id = drawn(&open, None, mailing(None)).await;
    ask(&app, "journeys.publish", json!({"id": id}))
        .await
        .unwrap_err();
}

pub(super) fn account(name: &str) -> Json {
    json!({"name": name, "host": "localhost", "port": 25, "tls": "none", "from_email": "shop@x.example"})
}

async fn account_added(app: &App, name: &str) -> u64 {
    let added = ask(app, "accounts.add", json!({"account": account(name)})).await;
    added.unwrap()["id"].as_u64().unwrap()
}

async fn renamed(app: &App, id: u64, name: &str) -> Result<Json, String> {
    ask(
        app,
        "accounts.update",
        json!({"id": id, "account": account(name)}),
    )
    .await
}

/// As [`drawing`], but a mail is sent after the wait, through an account or the default one.
pub(super) fn mailing(account: Option<&str>) -> Journey {
    let mut drawing = drawing();
    let mut settings = json!({"template": "Hello"});
    if let Some(account) = account {
        settings["account"] = json!(account);
    }
    drawing.steps[2].next = [("next".to_owned(), "mail".into())].into();
    drawing
        .steps
        .push(step("mail", "send_email", settings, &[("next", "end")]));
    drawing
}

pub(super) async fn with_template(open: &Open) {
    let saved = open.store.write(Priority::User, |tx| {
        let template = Template {
            id: TemplateId(0),
            name: "Hello".to_owned(),
            subject: "Hello".to_owned(),
            preheader: String::new(),
            body: "<mjml><mj-body><mj-section><mj-column><mj-text>{{ postal_address }} {{ unsubscribe_line }}</mj-text>\
                   </mj-column></mj-section></mj-body></mjml>"
                .to_owned(),
            text: String::new(),
            topic: None,
            updated_at: tx.now(),
        };
        templates::save(tx, None, &template)
    });
    saved.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_keeps_its_name_as_long_as_somebody_is_in_a_version_that_sends_through_it() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    with_template(&open).await;
    let shop = account_added(&app, "Shop").await;
    let other = account_added(&app, "Other").await;
    let id = published(&open, mailing(Some("Shop"))).await;
    everybody_in(&app, &open, id).await;
    let refused = renamed(&app, shop, "Store").await.unwrap_err();
    assert!(
        refused.contains("“Welcome”") && refused.contains("“Shop”"),
        "{refused}"
    );
    ask(&app, "accounts.delete", json!({"id": shop}))
        .await
        .unwrap_err();
    // What is no change of the name is allowed, and so is the other one.
    renamed(&app, shop, "Shop").await.unwrap();
    renamed(&app, other, "Another").await.unwrap();

    // Nobody enters by the first version any more, but some are in it.
    drawn(&open, Some(id), mailing(None)).await;
    publish_now(&open, id).await.unwrap();
    renamed(&app, shop, "Store").await.unwrap_err();
    ask(&app, "journeys.stop", json!({"id": id})).await.unwrap();
    renamed(&app, shop, "Store").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_account_stays_while_a_journey_sends_through_the_default_one() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    with_template(&open).await;
    let shop = account_added(&app, "Shop").await;
    let other = account_added(&app, "Other").await;
    let id = published(&open, mailing(None)).await;
    ask(&app, "accounts.delete", json!({"id": other})).await.unwrap();
    let refused = ask(&app, "accounts.delete", json!({"id": shop}))
        .await
        .unwrap_err();
    assert!(refused.contains("“Welcome”"), "{refused}");
    ask(&app, "journeys.stop", json!({"id": id})).await.unwrap();
    ask(&app, "accounts.delete", json!({"id": shop})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_stays_while_a_condition_of_a_running_journey_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    for label in ["Level", "Shoe"] {
        let field = json!({"label": label, "type": "text"});
        ask(&app, "fields.add", field).await.unwrap();
    }
    let mut reads = drawing();
    let settings = json!({"when": "level is \"gold\""});
    reads.steps.push(step("goal", "goal", settings, &[]));
    let id = published(&open, reads).await;
    ask(&app, "fields.retire", json!({"key": "shoe"})).await.unwrap();
    let refused = ask(&app, "fields.retire", json!({"key": "level"}))
        .await
        .unwrap_err();
    assert!(
        refused.contains("“Welcome”") && refused.contains("level"),
        "{refused}"
    );
    ask(&app, "journeys.stop", json!({"id": id})).await.unwrap();
    ask(&app, "fields.retire", json!({"key": "level"})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reached_a_goal_is_known_to_segments_and_lets_them_into_the_next_journey() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    let mut first = drawing();
    let settings = json!({"when": "tag \"vip\""});
    first.steps.push(step("goal", "goal", settings, &[]));
    let id = published(&open, first.clone()).await;
    let saved = open.store.write(Priority::User, |tx| {
        let reached = "reached the goal of journey \"Welcome\" in the last 7 days";
        let reached = carillon_engine::segment::parse(reached).unwrap();
        segments::save(tx, None, "Won", &reached)
    });
    saved.await.unwrap();
    let settings = json!({"segment": "Won", "on": "entered"});
    let mut next = drawing();
    "Thanks".clone_into(&mut next.name);
    next.steps[0] = step("hand", "entry_segment", settings, &[("next", "rest")]);
    let next = published(&open, next).await;
    everybody_in(&app, &open, id).await;
    let tagged = open.store.write(Priority::User, |tx| {
        contacts::add_tag(tx, ContactId(2), "vip", "test")
    });
    tagged.await.unwrap();
    settle(&open).await;
    assert_eq!((inside(&open, id).await, inside(&open, next).await), (2, 1));
    let members = |open: &Open, text: &str| -> Vec<u32> {
        let expr = carillon_engine::segment::parse(text).unwrap();
        let found = open.store.with_index(|index| index.members(&expr, index.as_of()));
        found.iter().collect()
    };
    let wanted: [(&str, &[u32]); 10] = [
        ("at step \"rest\" of journey \"Welcome\"", &[1, 3]),
        ("passed step \"hand\" of journey \"Welcome\"", &[1, 2, 3]),
        ("left step \"rest\" of journey \"Welcome\" today", &[2]),
        ("passed step \"rest\" of journey \"Welcome\"", &[]),
        ("came to step \"goal\" of journey \"Welcome\"", &[2]),
        ("entered journey \"Welcome\" exactly 1 times", &[1, 2, 3]),
        ("in journey \"Welcome\"", &[1, 3]),
        ("left journey \"Welcome\" today", &[2]),
        ("in segment \"Won\"", &[2]),
        ("in journey \"Thanks\"", &[2]),
    ];
    for (text, ids) in wanted {
        assert_eq!(members(&open, text), ids, "{text}");
    }
    // A step that is none is pointed at, and the nearest is named.
    let unknown = json!({"text": "tag \"vip\" or at step \"rset\" of journey \"Welcome\""});
    let call = Call {
        kind: Kind::Query,
        name: "segments.check".to_owned(),
        args: unknown,
    };
    let check = app.call(Window::Terminal, call).await.unwrap();
    let problem = &check["error"];
    assert_eq!(
        (&check["ok"], &problem["offset"]),
        (&json!(false), &json!(21)),
        "{check}"
    );
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .ends_with("did you mean \"rest\"?"),
        "{check}"
    );
    let unknown = json!({"name": "Nowhere", "text": "passed step \"rset\" of journey \"Welcome\""});
    let refused = ask(&app, "segments.save", unknown).await.unwrap_err();
    assert!(refused.contains("no step"), "{refused}");
    // Who is named stays as it is.
    "Hello".clone_into(&mut first.name);
    let named = open.store.write(Priority::User, move |tx| {
        journeys::save_draft(tx, Some(id), &first)
    });
    let refused = named.await.unwrap_err().to_string();
    assert!(
        refused.contains("“Won”") || refused.contains("\"Won\""),
        "{refused}"
    );
    close_current(&app).await;
    drop((app, open));
    let (_app, open) = again(dir.path()).await;
    for (text, ids) in wanted {
        assert_eq!(members(&open, text), ids, "{text}, opened again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_cannot_run_loses_nothing_until_it_can_again() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    with_template(&open).await;
    let shop = account_added(&app, "Shop").await;
    let mut drawing = mailing(Some("Shop"));
    let settings = json!({"event": "order", "where": "", "timeout": {"amount": 30, "unit": "days"}});
    drawing.steps[2] = step(
        "rest",
        "wait_event",
        settings,
        &[("happened", "end"), ("timed_out", "mail")],
    );
    let id = published(&open, drawing).await;
    enter(&app, id, 1).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 1);
    // As a file from elsewhere may have it: the guards of the commands do not see this.
    let rename = |name: &'static str| {
        open.store.write(Priority::User, move |tx| {
            let shop = AccountId(u32::try_from(shop).unwrap_or_default());
            let mut account = accounts::get(tx, shop)?.unwrap().account;
            name.clone_into(&mut account.name);
            accounts::save(tx, Some(shop), &account)
        })
    };
    rename("Store").await.unwrap();
    visits(&open, 2).await;
    happens(&open, 1, "order").await;
    settle(&open).await;
    assert_eq!((inside(&open, id).await, waiting(&open).await), (1, 2));

    rename("Shop").await.unwrap();
    settle(&open).await;
    assert_eq!(waiting(&open).await, 0);
    let last = |contact| {
        open.store
            .read(move |db| enrolments::last_of(db, id, ContactId(contact)))
    };
    let ended = last(1).await.unwrap().unwrap().state.end;
    assert_eq!(ended, Some(End::Completed("done".to_owned())));
    assert!(last(2).await.unwrap().is_some(), "who came meanwhile was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deadlines_in_a_journey_that_cannot_run_do_not_keep_the_ticks_going() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path()).await;
    with_template(&open).await;
    let shop = account_added(&app, "Shop").await;
    let people = open.store.write(Priority::User, |tx| {
        let columns = Columns::resolve(tx, &[])?;
        let mut rows: Vec<NewContact> = (0..600)
            .map(|n| NewContact {
                email: format!("more{n}@x.example"),
                values: Vec::new(),
                zone_source: None,
            })
            .collect();
        insert_batch(tx, &columns, &mut rows, "test")
    });
    people.await.unwrap();
    let id = published(&open, mailing(Some("Shop"))).await;
    let all = open.store.write(Priority::User, move |tx| {
        let rows: Vec<NewInput> = (1..=600)
            .map(|contact| NewInput {
                planned_at: tx.now(),
                enrolment: None,
                journey: Some(id),
                contact: ContactId(contact),
                pending: Pending::Enter {
                    entry: "hand".into(),
                    planned: tx.now(),
                    event: None,
                },
            })
            .collect();
        inputs::push(tx, &rows)
    });
    all.await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 600);
    let gone = open.store.write(Priority::User, move |tx| {
        accounts::remove(tx, AccountId(u32::try_from(shop).unwrap_or_default()))
    });
    gone.await.unwrap();
    let later = open.now() + chrono::TimeDelta::days(10);
    open.store.advance_clock(later).await.unwrap();
    let (plan, now) = (open.runtime.plan(), open.now());
    let ticked = open.store.write(Priority::Tick, move |tx| {
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        runtime::tick::tick(tx, &mut plan, now, true)
    });
    assert!(!ticked.await.unwrap().more, "the ticks would go on for ever");
    assert_eq!(inside(&open, id).await, 600);
}
