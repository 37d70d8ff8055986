//! Journeys: drawn, checked, simulated, tried, published, paused, drained, stopped; and who is where in them.

mod exchange;
mod inside;
mod path;
mod publish;
mod simulate;
mod states;
mod users;
mod words;

pub(crate) use inside::{active, in_order, named, standing};
pub use path::passages;
pub(crate) use publish::{arrival, publish_with};
pub use publish::{publish_as_read, publish_now};
pub(crate) use states::finish_stop;
pub(crate) use users::in_use;
pub use users::{
    broken_by, live_with, mails_of, segment_users, sent_now, template_users, users_of_segment,
    users_of_template, using_segment,
};
pub use words::*;

use crate::commands;
use crate::error::{Code, Result, fail};
use crate::files::Saved;
use crate::table::{Done, JobStarted, NoArgs};
use crate::workspaces::Open;
use crate::{Ctx, contacts, runtime, segments, templates};
use carillon_engine::journey::face::StepKindFace;
use carillon_engine::journey::problem::Code as ProblemCode;
use carillon_engine::journey::{self, Catalogue, JourneyVersion};
use carillon_engine::segment::{self, InUse};
use carillon_model::JourneyId;
use carillon_model::journey::{Fact, Journey, Problem, Severity, Step};
use carillon_store::{Priority, journeys as rows, rollups};
use exchange::{export, export_file, import, import_file};
use inside::{counts, enter, people};
use path::path;
use publish::{entering, publish};
use simulate::{behind_simulation, start_simulation, try_contact};
use states::{drain, pause, resume, stop};
use std::collections::BTreeMap;

commands! {
    query "journeys.list" list(NoArgs) -> Vec<JourneyRow>, reads [Journeys, Enrolments, Outbox, Reports];
    query "journeys.get" get(OneJourney) -> JourneyView, reads [Journeys, Fields, Segments, Templates, Accounts];
    mutate "journeys.save" save(SaveJourney) -> SavedJourney, reads [];
    query "journeys.check" check(CheckJourney) -> Vec<Problem>, reads [Journeys, Fields, Segments, Templates, Accounts];
    query "journeys.catalogue" catalogue(NoArgs) -> Vec<StepKindFace>, reads [];
    mutate "journeys.publish" publish(PublishJourney) -> PublishedNow, reads [];
    query "journeys.entering" entering(OneJourney) -> Entering, reads [Journeys, Membership];
    mutate "journeys.pause" pause(OneJourney) -> StateNow, reads [];
    mutate "journeys.resume" resume(OneJourney) -> StateNow, reads [];
    mutate "journeys.drain" drain(OneJourney) -> StateNow, reads [];
    mutate "journeys.stop" stop(OneJourney) -> StateNow, reads [];
    mutate "journeys.duplicate" duplicate(OneJourney) -> SavedJourney, reads [];
    mutate "journeys.delete" delete(OneJourney) -> Done, reads [];
    query "journeys.export" export(OneJourney) -> JourneyText, reads [Journeys];
    mutate "journeys.import" import(ImportText) -> Imported, reads [];
    mutate "journeys.export_file" export_file(ExportJourney) -> Saved, reads [];
    mutate "journeys.import_file" import_file(ImportFile) -> Imported, reads [];
    query "journeys.counts" counts(OneJourney) -> JourneyCounts, reads [Journeys, Enrolments, Reports];
    mutate "journeys.simulate" start_simulation(SimulateJourney) -> JobStarted, reads [];
    mutate "journeys.behind" behind_simulation(BehindSimulation) -> JobStarted, reads [];
    query "journeys.try" try_contact(TryJourney) -> Trial, reads [];
    query "journeys.path" path(PathOf) -> Vec<Fact>, reads [Enrolments];
    query "journeys.people" people(PeopleAt) -> Vec<contacts::Named>, reads [Enrolments];
    mutate "journeys.enter" enter(EnterByHand) -> Done, reads [];
}

/// The sentence of a problem, for terminals.
pub fn problem_sentence(problem: &serde_json::Value) -> String {
    serde_json::from_value::<Problem>(problem.clone())
        .map(|p| told(&p))
        .unwrap_or_default()
}

pub(crate) fn told(problem: &Problem) -> String {
    static SENTENCES: std::sync::LazyLock<BTreeMap<String, String>> = std::sync::LazyLock::new(|| {
        serde_json::from_str(include_str!("../../../../assets/locales/en/problems.json")).unwrap_or_default()
    });
    let mut text = SENTENCES
        .get(&problem.code)
        .cloned()
        .unwrap_or_else(|| problem.code.clone());
    for (name, value) in &problem.params {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    if let Some(step) = &problem.step {
        text = text.replace("{step}", &step.0);
    }
    text
}

async fn known(open: &Open) -> Result<Catalogue> {
    Ok(open.store.read(runtime::catalogue).await?)
}

pub(crate) async fn row(open: &Open, id: JourneyId) -> Result<rows::JourneyRow> {
    let found = open.store.read(move |db| rows::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.journey", &[("name", &id)]))
}

/// What the workspace calls things, for the conditions of a drawing.
async fn names(open: &Open, document: &Journey) -> Result<InUse> {
    segments::names(open, &users::texts_of(document)).await
}

/// All that keeps a drawing from being published, templates included, which are rendered for it.
pub(crate) async fn all_problems(open: &Open, document: &Journey) -> Result<Vec<Problem>> {
    let catalogue = known(open).await?;
    let (_, mut found) = journey::compile_draft(document, &catalogue, names(open, document).await?);
    for (name, detail) in templates::unfit(open, document).await? {
        let sends = |step: &&Step| {
            step.kind == "send_email" && step.settings.get("template").and_then(|t| t.as_str()) == Some(&name)
        };
        let params = [("name", name.as_str()), ("detail", detail.trim_end_matches('.'))];
        let of_step = |step: &Step| ProblemCode::UnfitTemplate.of_step(&step.id, Some("template"), &params);
        found.extend(document.steps.iter().filter(sends).map(of_step));
    }
    Ok(found)
}

/// A drawing as it runs: one that is out, or is only played.
fn version_of(document: &Journey, catalogue: &Catalogue) -> Result<JourneyVersion> {
    without_errors(document, journey::compile(document, catalogue))
}

/// A drawing as it would run if it were published now.
async fn draft_of(open: &Open, document: &Journey, catalogue: &Catalogue) -> Result<JourneyVersion> {
    let names = names(open, document).await?;
    without_errors(document, journey::compile_draft(document, catalogue, names))
}

fn without_errors(
    document: &Journey,
    (version, found): (Option<JourneyVersion>, Vec<Problem>),
) -> Result<JourneyVersion> {
    let errors: Vec<String> = found
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(|p| format!("  {}", told(p)))
        .collect();
    match version {
        Some(version) if errors.is_empty() => Ok(version),
        _ => Err(fail(
            Code::Refused,
            "journeys.problems",
            &[("name", &document.name), ("list", &errors.join("\n"))],
        )),
    }
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<JourneyRow>> {
    let open = cx.open()?;
    let catalogue = known(open).await?;
    let zone = open.store.catalogue().zone();
    let today = open.now().with_timezone(&zone).date_naive();
    Ok(open
        .store
        .read(move |db| {
            let first = carillon_store::time::days(today) - 30;
            let mut out = Vec::new();
            let mut all = rows::list(db)?;
            all.retain(|row| !row.campaign);
            let asks = |text: &String| segment::parse(text).is_ok_and(|expr| segment::names_step(&expr));
            let names = InUse {
                steps: match all.iter().any(|row| users::texts_of(&row.draft).iter().any(asks)) {
                    true => rows::steps(db)?,
                    false => BTreeMap::new(),
                },
                ..InUse::default()
            };
            for row in all {
                let versions = rows::versions(db, row.id)?;
                let newest = versions.last();
                let object = i64::from(row.id.0);
                let sum = |metric| -> carillon_store::Result<i64> {
                    Ok(rollups::series(db, metric, Some(object), first, i64::MAX)?
                        .into_iter()
                        .map(|(_, n)| n)
                        .sum())
                };
                let (_, found) = journey::compile_draft(&row.draft, &catalogue, names.clone());
                out.push(JourneyRow {
                    version: newest.map(|v| v.number),
                    changed: newest.is_none_or(|v| {
                        journey::without_layout(&v.document) != journey::without_layout(&row.draft)
                    }),
                    active: active(db, &versions)?,
                    entered_30_days: sum(rollups::Metric::Enrolled)?,
                    sent_30_days: sum_hours(db, object, first)?,
                    problems: u32::try_from(found.iter().filter(|p| p.severity == Severity::Error).count())
                        .unwrap_or(0),
                    id: row.id,
                    name: row.name,
                    state: row.state,
                    updated_at: row.updated_at,
                });
            }
            Ok(out)
        })
        .await?)
}

/// Accepted messages of a journey since a day; their buckets are hours.
fn sum_hours(db: &carillon_store::Db<'_>, object: i64, first_day: i64) -> carillon_store::Result<i64> {
    let found = rollups::series(
        db,
        rollups::Metric::Accepted,
        Some(object),
        first_day * 24,
        i64::MAX,
    )?;
    Ok(found.into_iter().map(|(_, n)| n).sum())
}

async fn get(cx: &Ctx, req: OneJourney) -> Result<JourneyView> {
    let open = cx.open()?;
    let row = row(open, req.id).await?;
    let versions = open.store.read(move |db| rows::versions(db, req.id)).await?;
    let newest = versions.last();
    Ok(JourneyView {
        problems: all_problems(open, &row.draft).await?,
        version: newest.map(|v| v.number),
        changed: newest
            .is_none_or(|v| journey::without_layout(&v.document) != journey::without_layout(&row.draft)),
        id: row.id,
        name: row.name,
        state: row.state,
        revision: row.revision,
        document: row.draft,
    })
}

async fn save(cx: &Ctx, req: SaveJourney) -> Result<SavedJourney> {
    let open = cx.open()?;
    let mut document = req.document;
    document.name = crate::imports::clean::line(&document.name);
    let (id, expected) = (req.id, req.revision);
    let written = document.clone();
    let saved = open
        .store
        .write(Priority::User, move |tx| {
            if let (Some(id), Some(expected)) = (id, expected) {
                let before = rows::get(tx, id)?;
                // Saving the same drawing twice is no conflict.
                if before
                    .as_ref()
                    .is_some_and(|b| b.revision != expected && b.draft != written)
                {
                    return Ok(None);
                }
            }
            let id = rows::save_draft(tx, id, &written)?;
            Ok(rows::get(tx, id)?.map(|row| (id, row.revision)))
        })
        .await?;
    let stale = || fail(Code::Stale, "journeys.stale", &[("name", &document.name)]);
    let (id, revision) = saved.ok_or_else(stale)?;
    Ok(SavedJourney {
        id,
        revision,
        problems: all_problems(open, &document).await?,
    })
}

async fn check(cx: &Ctx, req: CheckJourney) -> Result<Vec<Problem>> {
    all_problems(cx.open()?, &req.document).await
}

async fn catalogue(_: &Ctx, _: NoArgs) -> Result<Vec<StepKindFace>> {
    Ok(carillon_engine::steps::catalogue())
}

async fn duplicate(cx: &Ctx, req: OneJourney) -> Result<SavedJourney> {
    let open = cx.open()?;
    let mut document = row(open, req.id).await?.draft;
    document.name = free_name(open, &document.name).await?;
    save(
        cx,
        SaveJourney {
            id: None,
            document,
            revision: None,
        },
    )
    .await
}

pub(crate) async fn free_name(open: &Open, name: &str) -> Result<String> {
    let known: Vec<String> = open
        .store
        .read(rows::list)
        .await?
        .into_iter()
        .map(|r| r.name)
        .collect();
    Ok((2..)
        .map(|n| format!("{name} {n}"))
        .find(|n| !known.contains(n))
        .unwrap_or_else(|| name.to_owned()))
}

async fn delete(cx: &Ctx, req: OneJourney) -> Result<Done> {
    cx.open()?
        .store
        .write(Priority::User, move |tx| rows::remove(tx, req.id))
        .await?;
    Ok(Done {})
}
