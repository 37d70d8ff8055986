//! What a journey's state promises: stopped, paused and published again, cut off and opened again.
#![allow(clippy::unwrap_used)]

use carillon_app::jobs::Job;
use carillon_app::journeys::publish_now;
use carillon_app::table::{Call, Kind, Window};
use carillon_app::workspaces::{Open, close_current, make, open_path};
use carillon_app::{App, runtime};
use carillon_model::journey::JourneyState::{self, Live, Paused, Stopped};
use carillon_model::journey::{End, JOURNEY_FORMAT, Journey, ReEntry, Step};
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{ContactId, JourneyId};
use carillon_store::contacts::{Columns, NewContact, insert_batch};
use carillon_store::inputs::{NewInput, Pending};
use carillon_store::{Priority, enrolments, events, inputs, journeys};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const PEOPLE: u32 = 3;

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

/// In by hand (`hand`) or by the event `visit` (`visit`), a wait of nine days (`rest`), out.
fn drawing() -> Journey {
    let wait = json!({"for": {"amount": 9, "unit": "days"}});
    Journey {
        format: JOURNEY_FORMAT.to_owned(),
        name: "Welcome".to_owned(),
        re_entry: ReEntry::AfterExit,
        exit_when: Vec::new(),
        steps: vec![
            step("hand", "entry_manual", json!({}), &[("next", "rest")]),
            step(
                "visit",
                "entry_event",
                json!({"event": "visit", "where": ""}),
                &[("next", "rest")],
            ),
            step("rest", "wait", wait, &[("next", "end")]),
            step("end", "exit", json!({"reason": "done"}), &[]),
        ],
        layout: BTreeMap::new(),
    }
}

/// A workspace of a few people whose clock stands still, opened.
async fn opened(dir: &Path) -> (App, Arc<Open>) {
    let workspace = Workspace {
        name: "Test".to_owned(),
        clock: ClockKind::Virtual,
        sample: false,
        time_zone: "UTC".to_owned(),
        postal_address: "Example Road 1".to_owned(),
        organisation: String::new(),
        created_at: "2026-05-09T12:00:00Z".parse().unwrap(),
    };
    let store = make(&dir.join("test.carillon"), &workspace).await.unwrap();
    let people = store.write(Priority::User, |tx| {
        let columns = Columns::resolve(tx, &[])?;
        let rows: Vec<NewContact> = (1..=PEOPLE)
            .map(|n| NewContact {
                email: format!("c{n}@x.example"),
                values: Vec::new(),
                zone_source: None,
            })
            .collect();
        insert_batch(tx, &columns, &rows, "test")
    });
    people.await.unwrap();
    store.close().await;
    again(dir).await
}

async fn again(dir: &Path) -> (App, Arc<Open>) {
    let app = App::new(dir.join("home"), false);
    open_path(&app, &dir.join("test.carillon")).await.unwrap();
    let open = app.own().await.unwrap();
    (app, open)
}

async fn drawn(open: &Open, id: Option<JourneyId>, drawing: Journey) -> JourneyId {
    let saved = open
        .store
        .write(Priority::User, move |tx| journeys::save_draft(tx, id, &drawing));
    saved.await.unwrap()
}

async fn published(open: &Arc<Open>, drawing: Journey) -> JourneyId {
    let id = drawn(open, None, drawing).await;
    publish_now(open, id).await.unwrap();
    id
}

async fn ask(app: &App, name: &str, args: Json) -> Result<Json, String> {
    let call = Call {
        kind: Kind::Mutate,
        name: name.to_owned(),
        args,
    };
    app.call(Window::Terminal, call).await.map_err(|e| e.message)
}

async fn enter(app: &App, id: JourneyId, contact: u32) -> Result<Json, String> {
    ask(app, "journeys.enter", json!({"id": id, "contact": contact})).await
}

async fn everybody_in(app: &App, open: &Arc<Open>, id: JourneyId) {
    for contact in 1..=PEOPLE {
        enter(app, id, contact).await.unwrap();
    }
    settle(open).await;
    assert_eq!(inside(open, id).await, PEOPLE as usize);
}

async fn settle(open: &Arc<Open>) {
    runtime::drive(open, None, &Job::unwatched()).await.unwrap();
}

async fn inside(open: &Open, id: JourneyId) -> usize {
    let all = open
        .store
        .read(move |db| enrolments::active_in(db, id, None, 10_000));
    all.await.unwrap().len()
}

async fn state_of(open: &Open, id: JourneyId) -> JourneyState {
    let row = open.store.read(move |db| journeys::get(db, id));
    row.await.unwrap().unwrap().state
}

async fn waiting(open: &Open) -> usize {
    let now = open.now();
    let rows = open.store.read(move |db| inputs::due(db, now, &[], 1_000));
    rows.await.unwrap().len()
}

async fn visits(open: &Open, contact: u32) {
    let rows = open.store.write(Priority::User, move |tx| {
        let visit = events::NewEvent {
            contact: ContactId(contact),
            name: "visit".to_owned(),
            at: tx.now(),
            source: "test".to_owned(),
            props: BTreeMap::new(),
        };
        events::append(tx, &[visit])
    });
    rows.await.unwrap();
}

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
    if state_of(&open, id).await == Paused {
        ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    }
    settle(&open).await;
    assert_eq!(state_of(&open, id).await, Live);
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
