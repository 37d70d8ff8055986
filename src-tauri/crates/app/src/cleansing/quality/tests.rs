use super::*;
use crate::App;
use crate::table::{Call, Kind, Window};
use serde_json::json;

#[test]
fn a_score_is_a_hundred_only_where_everybody_has_a_good_value() {
    assert_eq!(
        (score(999_999, 1_000_000), score(1_000_000, 1_000_000)),
        (99, 100)
    );
    assert_eq!(
        (score(0, 7), score(0, 0), score(u32::MAX, u32::MAX)),
        (0, 100, 100)
    );
}

#[test]
fn a_verdict_counts_in_all_shares_it_belongs_to() {
    let mut sum = Sum::of(1);
    for (n, verdict) in [Verdict::Missing, Verdict::Invalid, Verdict::Untidy, Verdict::Good]
        .into_iter()
        .enumerate()
    {
        sum.note(ContactId(n as u32), &[verdict]);
    }
    assert_eq!(
        sum.figures,
        [FieldFigures {
            known: 3,
            valid: 2,
            tidy: 1
        }]
    );
    assert!(sum.invalid[0].contains(1) && sum.untidy[0].contains(2));
    assert_eq!(
        (sum.contacts, sum.invalid[0].len(), sum.untidy[0].len()),
        (4, 1, 1)
    );
}

async fn workspace(dir: &std::path::Path) -> (App, Arc<Open>) {
    let app = App::new(dir.join("home"), false);
    let args = json!({
        "file": { "path": dir.join("shop.carillon") }, "name": "Shop", "clock": "virtual",
        "start": "2026-03-01T09:00:00Z", "time_zone": "Europe/Berlin",
    });
    ask(&app, "workspaces.create", args).await;
    let open = app.own().await.unwrap();
    (app, open)
}

async fn ask(app: &App, name: &str, args: serde_json::Value) {
    let call = Call {
        kind: Kind::Mutate,
        name: name.to_owned(),
        args,
    };
    app.call(Window::Terminal, call).await.unwrap();
}

async fn add(app: &App, email: &str) {
    ask(
        app,
        "contacts.add",
        json!({ "email": email, "basis": null, "source": "" }),
    )
    .await;
}

async fn on(open: &Open, day: &str) {
    open.store.advance_clock(day.parse().unwrap()).await.unwrap();
}

#[tokio::test]
async fn it_is_measured_by_itself_once_a_day_where_contacts_changed_and_nothing_else_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = workspace(dir.path()).await;
    assert!(!look(&open).await.unwrap(), "there is nobody");
    add(&app, "a@x.example").await;
    assert!(look(&open).await.unwrap());
    add(&app, "b@x.example").await;
    assert!(!look(&open).await.unwrap(), "it was today already");
    // Half past midnight in Berlin is the day before in UTC.
    on(&open, "2026-03-01T23:30:00Z").await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let job = open.jobs.start("exports.start", |_| async move {
        let _ = gone.await;
        Ok(())
    });
    assert!(!look(&open).await.unwrap(), "something else is done");
    let _ = go.send(());
    while open.jobs.is_busy() {
        tokio::task::yield_now().await;
    }
    assert!(open.jobs.get(job).is_ok());
    assert!(look(&open).await.unwrap());
    on(&open, "2026-03-04T09:00:00Z").await;
    assert!(!look(&open).await.unwrap(), "nobody changed since");
    add(&app, "c@x.example").await;
    let measuring = Measuring::begin(&open, 7).unwrap();
    assert!(!look(&open).await.unwrap(), "it is measured already");
    drop(measuring);
    assert!(look(&open).await.unwrap());
    assert!(open.cleansing.kept().measuring.is_none());
    let zone = open.store.catalogue().zone();
    let today = open.now().with_timezone(&zone).date_naive();
    let days = open
        .store
        .read(move |db| quality::days(db, today, SPAN))
        .await
        .unwrap();
    let told: Vec<(String, u32)> = days
        .iter()
        .map(|day| (day.day.to_string(), day.contacts))
        .collect();
    let all = [("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-04", 3)];
    assert_eq!(told, all.map(|(day, n)| (day.to_owned(), n)));
    crate::workspaces::close_current(&app).await;
}

#[tokio::test]
async fn whoever_asks_for_figures_takes_over_from_what_measures_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (app, open) = workspace(dir.path()).await;
    add(&app, "a@x.example").await;
    let unasked = Measuring::begin(&open, UNASKED).unwrap();
    assert!(Measuring::begin(&open, UNASKED).is_none());
    let asked = Measuring::begin(&open, 7).unwrap();
    let error = measure(&open, &Job::unwatched(), true).await.unwrap_err();
    assert_eq!(
        error.code,
        Code::Cancelled,
        "it gives way after its first contacts"
    );
    drop(unasked);
    assert_eq!(open.cleansing.kept().measuring, Some(7), "the other goes on");
    measure(&open, &Job::unwatched(), false).await.unwrap();
    drop(asked);
    assert!(open.cleansing.kept().measuring.is_none());
    crate::workspaces::close_current(&app).await;
}
