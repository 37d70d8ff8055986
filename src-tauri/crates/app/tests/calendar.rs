//! Who comes in by the calendar and by what was there before, when commits are cut off and clocks stand still.
#![allow(clippy::unwrap_used)]

use carillon_app::jobs::Job;
use carillon_app::journeys::publish_now;
use carillon_app::workspaces::{Open, close_current, make, open_path};
use carillon_app::{App, runtime};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::journey::{JOURNEY_FORMAT, Journey, ReEntry, Step};
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{ContactId, JourneyId, Moment};
use carillon_store::contacts::{Columns, NewContact, insert_batch};
use carillon_store::{Priority, enrolments, events, fields, journeys, segments};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

fn step(id: &str, kind: &str, settings: Json, next: &[(&str, &str)]) -> Step {
    Step {
        id: id.into(),
        kind: kind.to_owned(),
        name: String::new(),
        settings: settings.as_object().cloned().unwrap(),
        next: next
            .iter()
            .map(|(port, to)| ((*port).to_owned(), (*to).into()))
            .collect(),
    }
}

fn journey(name: &str, entry: Step) -> Journey {
    let wait = json!({"for": {"amount": 9, "unit": "days"}});
    Journey {
        format: JOURNEY_FORMAT.to_owned(),
        name: name.to_owned(),
        re_entry: ReEntry::AfterExit,
        exit_when: Vec::new(),
        steps: vec![
            entry,
            step("rest", "wait", wait, &[("next", "end")]),
            step("end", "exit", json!({"reason": "done"}), &[]),
        ],
        layout: BTreeMap::new(),
    }
}

fn birthdays(name: &str) -> Journey {
    let settings = json!({"field": "birthday", "offset_days": 0, "at": "09:00", "zone": "workspace",
                          "yearly": true, "leap_day": "feb28"});
    journey(name, step("in", "entry_date", settings, &[("next", "rest")]))
}

/// A workspace that stands at noon of 9 May 2026 UTC, opened; `people` contacts have their birthday on the 10th.
async fn opened(dir: &std::path::Path, people: usize) -> (App, Arc<Open>) {
    let file = dir.join("test.carillon");
    let workspace = Workspace {
        name: "Test".to_owned(),
        clock: ClockKind::Virtual,
        sample: false,
        time_zone: "UTC".to_owned(),
        postal_address: String::new(),
        organisation: String::new(),
        created_at: at("2026-05-09T12:00:00Z"),
    };
    let store = make(&file, &workspace).await.unwrap();
    let birthday = Field {
        key: "birthday".to_owned(),
        label: String::new(),
        field_type: FieldType::Date,
        options: Vec::new(),
        built_in: false,
    };
    store
        .write(Priority::User, move |tx| {
            fields::add(tx, &birthday)?;
            let columns = Columns::resolve(tx, &["birthday"])?;
            let born = chrono::NaiveDate::from_ymd_opt(1990, 5, 10).unwrap();
            let rows: Vec<NewContact> = (0..people)
                .map(|n| NewContact {
                    email: format!("c{n}@x.example"),
                    values: vec![Some(Value::Date(born))],
                    zone_source: None,
                })
                .collect();
            insert_batch(tx, &columns, &rows, "test")
        })
        .await
        .unwrap();
    store.close().await;
    again(dir).await
}

async fn again(dir: &std::path::Path) -> (App, Arc<Open>) {
    let app = App::new(dir.join("home"), false);
    open_path(&app, &dir.join("test.carillon")).await.unwrap();
    let open = app.own().await.unwrap();
    (app, open)
}

async fn published(open: &Arc<Open>, drawing: Journey) -> JourneyId {
    let id = open
        .store
        .write(Priority::User, move |tx| journeys::save_draft(tx, None, &drawing))
        .await
        .unwrap();
    publish_now(open, id).await.unwrap();
    id
}

async fn inside(open: &Open, journey: JourneyId) -> usize {
    let all = open
        .store
        .read(move |db| enrolments::active_in(db, journey, None, 10_000));
    all.await.unwrap().len()
}

/// One commit of the journeys and no more.
async fn one_tick(open: &Open) {
    let (plan, now) = (open.runtime.plan(), open.now());
    open.store
        .write(Priority::Tick, move |tx| {
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            runtime::tick::tick(tx, &mut plan, now, true)
        })
        .await
        .unwrap();
}

async fn run_until(open: &Arc<Open>, until: &str) {
    runtime::drive(open, Some(at(until)), &Job::unwatched())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_many_birthdays_loses_and_doubles_none_when_the_program_ends_after_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 1_200).await;
    let id = published(&open, birthdays("Birthdays")).await;
    run_until(&open, "2026-05-10T08:59:00Z").await;
    open.store
        .advance_clock(at("2026-05-10T09:00:00Z"))
        .await
        .unwrap();
    one_tick(&open).await;
    assert!(inside(&open, id).await > 0, "the tick let nobody in");
    drop(open);
    close_current(&app).await;
    let (_app, open) = again(dir.path()).await;
    run_until(&open, "2026-05-10T10:00:00Z").await;
    assert_eq!(inside(&open, id).await, 1_200);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_one_journey_loses_no_date_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 3).await;
    let (one, other) = (
        published(&open, birthdays("One")).await,
        published(&open, birthdays("Other")).await,
    );
    run_until(&open, "2026-05-10T08:59:00Z").await;
    open.store
        .advance_clock(at("2026-05-10T09:00:00Z"))
        .await
        .unwrap();
    let (plan, now) = (open.runtime.plan(), open.now());
    open.store
        .write(Priority::User, move |tx| {
            journeys::set_state(tx, one, carillon_model::journey::JourneyState::Stopped)?;
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            runtime::tick::stop(tx, &mut plan, one, now)
        })
        .await
        .unwrap();
    run_until(&open, "2026-05-10T10:00:00Z").await;
    assert_eq!((inside(&open, one).await, inside(&open, other).await), (0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_in_by_what_stood_in_the_file_at_the_publish_though_the_clock_stood_still() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 2).await;
    let visit = |contact: u32| {
        let row = move |at| events::NewEvent {
            contact: ContactId(contact),
            name: "visit".to_owned(),
            at,
            source: "test".to_owned(),
            props: BTreeMap::new(),
        };
        open.store
            .write(Priority::User, move |tx| events::append(tx, &[row(tx.now())]))
    };
    let expr = carillon_engine::segment::parse("did visit").unwrap();
    open.store
        .write(Priority::User, move |tx| {
            segments::save(tx, None, "Visitors", &expr)
        })
        .await
        .unwrap();
    visit(1).await.unwrap();
    let settings = json!({"segment": "Visitors", "on": "entered", "include_current": false});
    let by_segment = step("in", "entry_segment", settings, &[("next", "rest")]);
    let by_event = step(
        "in",
        "entry_event",
        json!({"event": "visit", "where": ""}),
        &[("next", "rest")],
    );
    let segment = published(&open, journey("By segment", by_segment)).await;
    let event = published(&open, journey("By event", by_event)).await;
    runtime::drive(&open, None, &Job::unwatched()).await.unwrap();
    assert_eq!((inside(&open, segment).await, inside(&open, event).await), (0, 0));
    // Of the same moment, but after it.
    visit(2).await.unwrap();
    runtime::drive(&open, None, &Job::unwatched()).await.unwrap();
    assert_eq!((inside(&open, segment).await, inside(&open, event).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_done_and_did_not_stand_loses_no_birthday() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 3).await;
    let id = published(&open, birthdays("Birthdays")).await;
    run_until(&open, "2026-05-10T08:59:00Z").await;
    open.store
        .advance_clock(at("2026-05-10T09:00:00Z"))
        .await
        .unwrap();
    let (plan, now) = (open.runtime.plan(), open.now());
    let cut = runtime::tick::commit(&open.store, Priority::Tick, plan, move |tx, plan| {
        let ticked = runtime::tick::tick(tx, plan, now, true)?;
        assert_eq!(ticked.entered, 3);
        Err::<(), _>(carillon_store::Error::Full)
    });
    cut.await.unwrap_err();
    assert_eq!(inside(&open, id).await, 0);
    run_until(&open, "2026-05-10T10:00:00Z").await;
    assert_eq!(inside(&open, id).await, 3);
}
