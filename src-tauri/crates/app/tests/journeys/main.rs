//! What journeys promise about who is where and when: stopped, paused, published again, cut off, opened again; and
//! that a simulation counts what then happens.
#![allow(clippy::unwrap_used)]

mod calendar;
mod loops;
mod pauses;
mod ranked;
mod simulations;
mod states;
mod told;

use carillon_app::jobs::Job;
use carillon_app::journeys::publish_now;
use carillon_app::table::{Call, Kind, Window};
use carillon_app::workspaces::{Open, close_current, make, open_path};
use carillon_app::{App, runtime};
use carillon_model::journey::JourneyState::{self, Draining, Live, Paused, Stopped};
use carillon_model::journey::{End, JOURNEY_FORMAT, Journey, ReEntry, Step};
use carillon_model::template::Template;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{AccountId, ContactId, JourneyId, TemplateId};
use carillon_store::contacts::{Columns, NewContact, insert_batch};
use carillon_store::inputs::{NewInput, Pending};
use carillon_store::{Priority, accounts, enrolments, events, inputs, journeys, templates};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// People of the workspace.
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
        let mut rows: Vec<NewContact> = (1..=PEOPLE)
            .map(|n| NewContact {
                email: format!("c{n}@x.example"),
                values: Vec::new(),
                zone_source: None,
            })
            .collect();
        insert_batch(tx, &columns, &mut rows, "test")
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
    happens(open, contact, "visit").await;
}

async fn happens(open: &Open, contact: u32, name: &'static str) {
    let rows = open.store.write(Priority::User, move |tx| {
        let visit = events::NewEvent {
            contact: ContactId(contact),
            name: name.to_owned(),
            at: tx.now(),
            source: "test".to_owned(),
            props: BTreeMap::new(),
        };
        events::append(tx, &[visit])
    });
    rows.await.unwrap();
}
