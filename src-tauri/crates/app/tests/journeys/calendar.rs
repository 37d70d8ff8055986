//! Who comes in by the calendar and by what was there before, when commits are cut off and clocks stand still.

use super::*;
use carillon_model::Moment;
use carillon_model::contact::{Field, FieldType, Value};
use carillon_store::{fields, segments};

fn at(text: &str) -> Moment {
    text.parse().unwrap()
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
async fn opened(dir: &Path, people: usize) -> (App, Arc<Open>) {
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
        score: None,
    };
    store
        .write(Priority::User, move |tx| {
            fields::add(tx, &birthday)?;
            let columns = Columns::resolve(tx, &["birthday"])?;
            let born = chrono::NaiveDate::from_ymd_opt(1990, 5, 10).unwrap();
            let mut rows: Vec<NewContact> = (0..people)
                .map(|n| NewContact {
                    email: format!("c{n}@x.example"),
                    values: vec![Some(Value::Date(born))],
                    zone_source: None,
                })
                .collect();
            insert_batch(tx, &columns, &mut rows, "test")
        })
        .await
        .unwrap();
    store.close().await;
    again(dir).await
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

fn every_day(id: &str) -> Step {
    let settings = json!({"rule": {"every": "day"}, "at": "09:00", "zone": "workspace", "who": "everyone"});
    step(id, "entry_schedule", settings, &[("next", "rest")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_a_new_version_brings_begins_with_that_version() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 3).await;
    let by_hand = journey(
        "Daily",
        step("in", "entry_manual", json!({}), &[("next", "rest")]),
    );
    let id = published(&open, by_hand.clone()).await;
    run_until(&open, "2026-05-13T12:00:00Z").await;
    drop(open);
    close_current(&app).await;
    // As the command line does it: opened, published, run.
    let (_app, open) = again(dir.path()).await;
    let mut daily = by_hand;
    daily.steps.push(every_day("daily"));
    drawn(&open, Some(id), daily).await;
    publish_now(&open, id).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 0, "by mornings of before the publish");
    run_until(&open, "2026-05-14T09:30:00Z").await;
    assert_eq!(inside(&open, id).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn mornings_on_which_nobody_was_let_in_are_not_made_up_for() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 3).await;
    let id = published(&open, journey("Daily", every_day("in"))).await;
    ask(&app, "journeys.drain", json!({"id": id})).await.unwrap();
    run_until(&open, "2026-05-13T12:00:00Z").await;
    drop(open);
    close_current(&app).await;
    let (app, open) = again(dir.path()).await;
    ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 0);
    run_until(&open, "2026-05-14T09:30:00Z").await;
    assert_eq!(inside(&open, id).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_with_the_same_schedule_loses_no_morning_that_was_due() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 3).await;
    let daily = journey("Daily", every_day("in"));
    let id = published(&open, daily.clone()).await;
    // The morning has come and nothing was handled yet when the next version is published.
    open.store
        .advance_clock(at("2026-05-10T09:30:00Z"))
        .await
        .unwrap();
    let mut renamed = daily;
    renamed.steps[1].name = "Rest".to_owned();
    drawn(&open, Some(id), renamed).await;
    publish_now(&open, id).await.unwrap();
    settle(&open).await;
    assert_eq!(inside(&open, id).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_before_the_publish_lets_nobody_in_though_it_is_heard_of_later() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 2).await;
    let settings = json!({"event": "visit", "where": ""});
    let by_event = step("in", "entry_event", settings, &[("next", "rest")]);
    let id = published(&open, journey("By event", by_event)).await;
    for (contact, when) in [(1, "2026-05-09T11:59:59Z"), (2, "2026-05-09T12:00:00Z")] {
        let heard = open.store.write(Priority::User, move |tx| {
            let visit = events::NewEvent {
                contact: ContactId(contact),
                name: "visit".to_owned(),
                at: at(when),
                source: "import".to_owned(),
                props: BTreeMap::new(),
            };
            events::append(tx, &[visit])
        });
        heard.await.unwrap();
    }
    settle(&open).await;
    let inside = open.store.read(move |db| enrolments::active_in(db, id, None, 10));
    let inside: Vec<u32> = inside.await.unwrap().iter().map(|e| e.contact.0).collect();
    assert_eq!(inside, [2]);
}

/// Passages begun so far.
async fn passages(open: &Open, id: JourneyId) -> i64 {
    use carillon_store::rollups::{Metric, parts};
    let begun = open
        .store
        .read(move |db| parts(db, Metric::Enrolled, i64::from(id.0)));
    begun.await.unwrap().iter().map(|(_, n)| n).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_for_more_than_one_commit_takes_in_lets_in_each_once_though_the_program_ends_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 1_200).await;
    // Out again at once, so that whoever came twice would be counted twice.
    let mut daily = journey("Daily", every_day("in"));
    daily.steps[0].next = [("next".to_owned(), "end".into())].into();
    daily.steps.remove(1);
    let id = published(&open, daily).await;
    open.store
        .advance_clock(at("2026-05-10T09:00:00Z"))
        .await
        .unwrap();
    one_tick(&open).await;
    let first = passages(&open, id).await;
    assert!(first > 0 && first < 1_200, "{first} in one commit");
    drop(open);
    close_current(&app).await;
    let (_app, open) = again(dir.path()).await;
    run_until(&open, "2026-05-10T10:00:00Z").await;
    assert_eq!(passages(&open, id).await, 1_200);
    run_until(&open, "2026-05-11T10:00:00Z").await;
    assert_eq!(passages(&open, id).await, 2_400);
}

/// Every morning, and out again at once: whoever came twice is counted twice.
fn every_morning() -> Journey {
    let mut daily = journey("Daily", every_day("in"));
    daily.steps[0].next = [("next".to_owned(), "end".into())].into();
    daily.steps.remove(1);
    daily
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_mornings_a_machine_slept_through_only_the_last_is_made_up_for() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 3).await;
    let id = published(&open, every_morning()).await;
    open.store
        .advance_clock(at("2026-05-13T12:00:00Z"))
        .await
        .unwrap();
    settle(&open).await;
    assert_eq!(passages(&open, id).await, 3);
    run_until(&open, "2026-05-14T09:30:00Z").await;
    assert_eq!(passages(&open, id).await, 6, "the next one comes as ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_falls_asleep_while_it_lets_many_in_lets_all_in_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let (_app, open) = opened(dir.path(), 1_200).await;
    let id = published(&open, every_morning()).await;
    open.store
        .advance_clock(at("2026-05-10T09:00:00Z"))
        .await
        .unwrap();
    one_tick(&open).await;
    let first = passages(&open, id).await;
    assert!(first > 0 && first < 1_200, "{first} in one commit");
    open.store
        .advance_clock(at("2026-05-12T09:30:00Z"))
        .await
        .unwrap();
    settle(&open).await;
    assert_eq!(passages(&open, id).await, first + 1_200);
    run_until(&open, "2026-05-13T09:30:00Z").await;
    assert_eq!(passages(&open, id).await, first + 2_400);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_mornings_of_a_pause_only_the_last_lets_in_when_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 3).await;
    let id = published(&open, every_morning()).await;
    ask(&app, "journeys.pause", json!({"id": id})).await.unwrap();
    run_until(&open, "2026-05-13T12:00:00Z").await;
    assert_eq!(passages(&open, id).await, 0);
    ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    settle(&open).await;
    assert_eq!(passages(&open, id).await, 3);
}

/// Two days before the date of the field, which is not a birthday of long ago here.
fn before_the_date() -> Journey {
    let mut journey = journey(
        "Before",
        step("in", "entry_manual", json!({}), &[("next", "rest")]),
    );
    let settings = json!({"field": "birthday", "offset": {"amount": 2, "unit": "days"}, "direction": "before",
                          "at": "09:00", "zone": "workspace"});
    journey.steps[1] = step("rest", "wait_date", settings, &[("next", "end"), ("none", "end")]);
    journey
}

/// Writes the field of the first contact, as a screen or an import does.
async fn moved_to(open: &Open, day: &str) {
    let day = Value::Date(day.parse().unwrap());
    let written = open.store.write(Priority::User, move |tx| {
        carillon_store::contacts::set_field(tx, ContactId(1), "birthday", Some(&day), "user")
    });
    written.await.unwrap();
}

async fn ended_at(open: &Open, id: JourneyId) -> Option<Moment> {
    let last = open
        .store
        .read(move |db| enrolments::last_of(db, id, ContactId(1)));
    last.await.unwrap().unwrap().ended_at
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_date_that_is_brought_forward_goes_on_by_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 2).await;
    let id = published(&open, before_the_date()).await;
    moved_to(&open, "2026-07-20").await;
    enter(&app, id, 1).await.unwrap();
    settle(&open).await;
    moved_to(&open, "2026-05-20").await;
    run_until(&open, "2026-05-19T12:00:00Z").await;
    assert_eq!(ended_at(&open, id).await, Some(at("2026-05-18T09:00:00Z")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_moved_in_a_pause_or_just_before_the_program_ends_is_not_missed() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = opened(dir.path(), 2).await;
    let id = published(&open, before_the_date()).await;
    moved_to(&open, "2026-07-20").await;
    enter(&app, id, 1).await.unwrap();
    settle(&open).await;
    ask(&app, "journeys.pause", json!({"id": id})).await.unwrap();
    moved_to(&open, "2026-05-20").await;
    drop(open);
    close_current(&app).await;
    let (app, open) = again(dir.path()).await;
    run_until(&open, "2026-05-12T12:00:00Z").await;
    ask(&app, "journeys.resume", json!({"id": id})).await.unwrap();
    moved_to(&open, "2026-05-17").await;
    drop(open);
    close_current(&app).await;
    let (_app, open) = again(dir.path()).await;
    run_until(&open, "2026-05-19T12:00:00Z").await;
    assert_eq!(ended_at(&open, id).await, Some(at("2026-05-15T09:00:00Z")));
}
