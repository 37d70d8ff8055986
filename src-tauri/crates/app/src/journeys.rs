//! Journeys: drawn, checked, simulated, tried, published, paused, drained, stopped; and who is where in them.

use crate::commands;
use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::files::{FileRef, read_text};
use crate::runtime::{self, tick};
use crate::table::{JobStarted, NoArgs};
use crate::workspaces::Open;
use crate::{Ctx, contacts};
use carillon_engine::journey::face::StepKindFace;
use carillon_engine::journey::{self, Admission, Catalogue, Entry, JourneyVersion, PastEnrolment, admit};
use carillon_engine::segment;
use carillon_engine::sim::{Behaviour, Cause, Delay, Plan, SimReport, World, simulate, try_one};
use carillon_model::event::Prop;
use carillon_model::journey::{Fact, Input, Journey, JourneyState, Problem, Severity};
use carillon_model::segment::Expr;
use carillon_model::{ContactId, EnrolmentId, JourneyId, Moment};
use carillon_store::inputs::{NewInput, Pending};
use carillon_store::{Priority, enrolments, facts, inputs, journeys as rows, outbox, rollups, segments};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use ts_rs::TS;

commands! {
    query "journeys.list" list(NoArgs) -> Vec<JourneyRow>, reads [Journeys, Enrolments, Outbox, Reports];
    query "journeys.get" get(OneJourney) -> JourneyView, reads [Journeys, Fields, Segments, Templates, Accounts];
    mutate "journeys.save" save(SaveJourney) -> SavedJourney, reads [];
    query "journeys.check" check(CheckJourney) -> Vec<Problem>, reads [Fields, Segments, Templates, Accounts];
    query "journeys.catalogue" catalogue(NoArgs) -> Vec<StepKindFace>, reads [];
    mutate "journeys.publish" publish(OneJourney) -> PublishedNow, reads [];
    query "journeys.entering" entering(OneJourney) -> Entering, reads [Journeys, Membership];
    mutate "journeys.pause" pause(OneJourney) -> StateNow, reads [];
    mutate "journeys.resume" resume(OneJourney) -> StateNow, reads [];
    mutate "journeys.drain" drain(OneJourney) -> StateNow, reads [];
    mutate "journeys.stop" stop(OneJourney) -> StateNow, reads [];
    mutate "journeys.duplicate" duplicate(OneJourney) -> SavedJourney, reads [];
    mutate "journeys.delete" delete(OneJourney) -> crate::table::Done, reads [];
    query "journeys.export" export(OneJourney) -> JourneyText, reads [Journeys];
    mutate "journeys.import" import(ImportText) -> Imported, reads [];
    mutate "journeys.import_file" import_file(ImportFile) -> Imported, reads [];
    query "journeys.counts" counts(OneJourney) -> JourneyCounts, reads [Journeys, Enrolments, Reports];
    mutate "journeys.simulate" start_simulation(SimulateJourney) -> JobStarted, reads [];
    query "journeys.try" try_contact(TryJourney) -> Vec<Fact>, reads [];
    query "journeys.path" path(PathOf) -> Vec<Fact>, reads [Enrolments];
    query "journeys.people" people(PeopleAt) -> Vec<contacts::Named>, reads [Enrolments];
    mutate "journeys.enter" enter(EnterByHand) -> crate::table::Done, reads [];
}

/// A journey in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyRow {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    /// Number of the newest published version, if any.
    pub version: Option<u32>,
    /// The draft differs from it.
    pub changed: bool,
    #[ts(type = "number")]
    pub active: u64,
    #[ts(type = "number")]
    pub entered_30_days: i64,
    #[ts(type = "number")]
    pub sent_30_days: i64,
    /// Problems that keep the draft from being published.
    pub problems: u32,
    pub updated_at: Moment,
}

/// Which journey.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneJourney {
    pub id: JourneyId,
}

/// A journey for the designer. `revision` changes with each save.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyView {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    pub version: Option<u32>,
    pub changed: bool,
    pub document: Journey,
    #[ts(type = "number")]
    pub revision: i64,
    pub problems: Vec<Problem>,
}

/// A draft to save. Without an id, a new journey. `revision`: what it was made from; refused where somebody else
/// saved since.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveJourney {
    pub id: Option<JourneyId>,
    pub document: Journey,
    #[ts(type = "number | null")]
    pub revision: Option<i64>,
}

/// A draft that was saved.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SavedJourney {
    pub id: JourneyId,
    #[ts(type = "number")]
    pub revision: i64,
    pub problems: Vec<Problem>,
}

/// A drawing to look over.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CheckJourney {
    pub document: Journey,
}

/// A version that contacts enter from now on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PublishedNow {
    pub version: u32,
    /// Contacts that enter at once.
    #[ts(type = "number")]
    pub entering: u64,
}

/// What a publish would do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Entering {
    /// Contacts that would enter at once.
    #[ts(type = "number")]
    pub now: u64,
    /// Contacts inside now: they stay on their version.
    #[ts(type = "number")]
    pub inside: u64,
}

/// The state a journey is in now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StateNow {
    pub state: JourneyState,
}

/// A journey as a file.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyText {
    pub name: String,
    pub text: String,
}

/// A journey's text to take in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportText {
    pub text: String,
}

/// A journey file to take in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportFile {
    pub file: FileRef,
}

/// A journey that was taken in as a draft.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Imported {
    pub id: JourneyId,
    pub name: String,
    pub problems: Vec<Problem>,
}

/// One step's live figures.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepCounts {
    pub step: String,
    /// Standing here now.
    #[ts(type = "number")]
    pub waiting: u64,
    #[ts(type = "number")]
    pub entered: i64,
    /// By port.
    #[ts(type = "Record<string, number>")]
    pub left: BTreeMap<String, i64>,
}

/// A journey's live figures.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JourneyCounts {
    pub steps: Vec<StepCounts>,
    #[ts(type = "number")]
    pub active: u64,
}

/// A draft to play over everybody.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SimulateJourney {
    pub document: Journey,
    pub days: u32,
    #[ts(type = "number")]
    pub seed: u64,
    #[serde(default)]
    pub start: Option<Moment>,
}

/// A draft to walk one contact through.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TryJourney {
    pub document: Journey,
    pub contact: ContactId,
    pub days: u32,
}

/// Whose way through which journey; without an enrolment, the last one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PathOf {
    pub id: JourneyId,
    pub contact: ContactId,
    #[serde(default)]
    pub enrolment: Option<EnrolmentId>,
}

/// Who stands at a step now.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PeopleAt {
    pub id: JourneyId,
    /// Everybody inside where left out.
    #[serde(default)]
    pub step: Option<String>,
    pub limit: u32,
}

/// A contact to let in by hand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct EnterByHand {
    pub id: JourneyId,
    pub contact: ContactId,
}

/// A contact's passage through a journey, for the contact's page.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Passage {
    pub enrolment: EnrolmentId,
    pub journey: JourneyId,
    pub journey_name: String,
    pub version: u32,
    pub entered_at: Moment,
    pub ended_at: Option<Moment>,
    /// Title of the step the contact stands at or ended at.
    pub at_step: String,
    pub path: Vec<PassageStep>,
}

/// One visit of a step.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PassageStep {
    pub step: String,
    pub title: String,
    pub kind: String,
    pub facts: Vec<Fact>,
}

/// The sentence of a problem, for terminals.
pub fn problem_sentence(problem: &serde_json::Value) -> String {
    serde_json::from_value::<Problem>(problem.clone())
        .map(|p| told(&p))
        .unwrap_or_default()
}

fn told(problem: &Problem) -> String {
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

async fn row(open: &Open, id: JourneyId) -> Result<rows::JourneyRow> {
    let found = open.store.read(move |db| rows::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.journey", &[("name", &id)]))
}

fn problems(document: &Journey, catalogue: &Catalogue) -> Vec<Problem> {
    journey::compile(document, catalogue).1
}

fn version_of(document: &Journey, catalogue: &Catalogue) -> Result<JourneyVersion> {
    let (version, found) = journey::compile(document, catalogue);
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
            for row in rows::list(db)? {
                let versions = rows::versions(db, row.id)?;
                let newest = versions.last();
                let mut active = 0;
                for version in &versions {
                    active += enrolments::standing(db, version.id)?
                        .iter()
                        .map(|(_, n)| n)
                        .sum::<u64>();
                }
                let object = i64::from(row.id.0);
                let sum = |metric| -> carillon_store::Result<i64> {
                    Ok(rollups::series(db, metric, Some(object), first, i64::MAX)?
                        .into_iter()
                        .map(|(_, n)| n)
                        .sum())
                };
                let found = problems(&row.draft, &catalogue);
                out.push(JourneyRow {
                    version: newest.map(|v| v.number),
                    changed: newest.is_none_or(|v| {
                        journey::without_layout(&v.document) != journey::without_layout(&row.draft)
                    }),
                    active,
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
    let catalogue = known(open).await?;
    let versions = open.store.read(move |db| rows::versions(db, req.id)).await?;
    let newest = versions.last();
    Ok(JourneyView {
        problems: problems(&row.draft, &catalogue),
        version: newest.map(|v| v.number),
        changed: newest
            .is_none_or(|v| journey::without_layout(&v.document) != journey::without_layout(&row.draft)),
        id: row.id,
        name: row.name,
        state: row.state,
        revision: revision(&row.draft),
        document: row.draft,
    })
}

/// A number that changes with the drawing: 48 bits of its hash, which a screen's numbers hold exactly.
fn revision(document: &Journey) -> i64 {
    let hash = blake3::hash(journey::canonical(document).as_bytes());
    hash.as_bytes()[..6]
        .iter()
        .fold(0, |n, byte| n << 8 | i64::from(*byte))
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
                    .is_some_and(|b| revision(&b.draft) != expected && b.draft != written)
                {
                    return Ok(None);
                }
            }
            rows::save_draft(tx, id, &written).map(Some)
        })
        .await?;
    let id = saved.ok_or_else(|| fail(Code::Stale, "journeys.stale", &[("name", &document.name)]))?;
    let catalogue = known(open).await?;
    Ok(SavedJourney {
        id,
        revision: revision(&document),
        problems: problems(&document, &catalogue),
    })
}

async fn check(cx: &Ctx, req: CheckJourney) -> Result<Vec<Problem>> {
    Ok(problems(&req.document, &known(cx.open()?).await?))
}

async fn catalogue(_: &Ctx, _: NoArgs) -> Result<Vec<StepKindFace>> {
    Ok(carillon_engine::steps::catalogue())
}

/// Contacts that come in at the publish, because a step says that those who are in the segment already do.
fn current(open: &Open, version: &JourneyVersion) -> Vec<(carillon_model::journey::StepIx, ContactId)> {
    let now = open.now();
    let mut all = Vec::new();
    for (step, entry) in version.entries() {
        let Entry::Segment(wanted) = entry else { continue };
        if !wanted.include_current {
            continue;
        }
        let Some(is_in) = version.conditions().get(usize::from(wanted.is_in.0)) else {
            continue;
        };
        let members = open.store.with_index(|index| {
            let members = index.members(is_in, now);
            if wanted.on_entered {
                members
            } else {
                index.contacts() - &members
            }
        });
        all.extend(members.into_iter().map(|id| (step, ContactId(id))));
    }
    all
}

async fn entering(cx: &Ctx, req: OneJourney) -> Result<Entering> {
    let open = cx.open()?;
    let row = row(open, req.id).await?;
    let version = version_of(&row.draft, &known(open).await?)?;
    let inside = active(open, req.id).await?;
    Ok(Entering {
        now: current(open, &version).len() as u64,
        inside,
    })
}

async fn active(open: &Open, id: JourneyId) -> Result<u64> {
    Ok(open
        .store
        .read(move |db| {
            let mut active = 0;
            for version in rows::versions(db, id)? {
                active += enrolments::standing(db, version.id)?
                    .iter()
                    .map(|(_, n)| n)
                    .sum::<u64>();
            }
            Ok(active)
        })
        .await?)
}

async fn publish(cx: &Ctx, req: OneJourney) -> Result<PublishedNow> {
    publish_now(cx.open()?, req.id).await
}

/// Makes the draft a version that contacts enter. Its watched conditions are followed from this commit on.
///
/// # Errors
/// `Refused` with the problems, or where the sender's postal address is empty.
pub async fn publish_now(open: &Arc<Open>, id: JourneyId) -> Result<PublishedNow> {
    let draft = row(open, id).await?;
    let catalogue = known(open).await?;
    let version = version_of(&draft.draft, &catalogue)?;
    let mails = !version.needs().templates.is_empty();
    if mails && open.workspace()?.postal_address.trim().is_empty() {
        return Err(fail(Code::Refused, "journeys.no_address", &[]));
    }
    let entering = current(open, &version);
    let watched: Vec<(usize, Expr)> = version
        .watched()
        .iter()
        .filter_map(|ix| {
            Some((
                usize::from(ix.0),
                version.conditions().get(usize::from(ix.0))?.clone(),
            ))
        })
        .collect();
    let now = open.now();
    let count = entering.len() as u64;
    let published = open
        .store
        .write(Priority::User, move |tx| {
            let published = rows::publish(tx, id)?;
            segments::watch(tx, published.id, &watched)?;
            let pending: Vec<NewInput> = entering
                .into_iter()
                .map(|(entry, contact)| NewInput {
                    planned_at: now,
                    enrolment: None,
                    journey: Some(id),
                    contact,
                    pending: Pending::Input {
                        input: Input::Enter {
                            entry,
                            planned: now,
                            event: None,
                        },
                    },
                })
                .collect();
            inputs::push(tx, &pending)?;
            Ok(published)
        })
        .await?;
    open.runtime.nudge();
    Ok(PublishedNow {
        version: published.number,
        entering: count,
    })
}

async fn set_state(cx: &Ctx, id: JourneyId, allowed: &[JourneyState], to: JourneyState) -> Result<StateNow> {
    let open = cx.open()?;
    let before = row(open, id).await?;
    if !allowed.contains(&before.state) {
        let state = serde_json::to_value(before.state)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        return Err(fail(
            Code::Refused,
            "journeys.state",
            &[("name", &before.name), ("state", &state)],
        ));
    }
    open.store
        .write(Priority::User, move |tx| rows::set_state(tx, id, to))
        .await?;
    open.runtime.nudge();
    Ok(StateNow { state: to })
}

async fn pause(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    set_state(
        cx,
        req.id,
        &[JourneyState::Live, JourneyState::Draining],
        JourneyState::Paused,
    )
    .await
}

async fn resume(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    set_state(
        cx,
        req.id,
        &[JourneyState::Paused, JourneyState::Draining],
        JourneyState::Live,
    )
    .await
}

async fn drain(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    set_state(
        cx,
        req.id,
        &[JourneyState::Live, JourneyState::Paused],
        JourneyState::Draining,
    )
    .await
}

async fn stop(cx: &Ctx, req: OneJourney) -> Result<StateNow> {
    let open = cx.open()?.clone();
    let live = [JourneyState::Live, JourneyState::Paused, JourneyState::Draining];
    let now = set_state(cx, req.id, &live, JourneyState::Stopped).await?;
    let id = req.id;
    loop {
        let (plan, at) = (open.runtime.plan(), open.now());
        let more = open
            .store
            .write(Priority::User, move |tx| {
                let mut plan = plan.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let more = tick::stop(tx, &mut plan, id, at)?;
                let cancelled = outbox::cancel_journey(tx, id, 500)?;
                Ok(more || cancelled > 0)
            })
            .await?;
        if !more {
            return Ok(now);
        }
    }
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

async fn free_name(open: &Open, name: &str) -> Result<String> {
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

async fn delete(cx: &Ctx, req: OneJourney) -> Result<crate::table::Done> {
    cx.open()?
        .store
        .write(Priority::User, move |tx| rows::remove(tx, req.id))
        .await?;
    Ok(crate::table::Done {})
}

async fn export(cx: &Ctx, req: OneJourney) -> Result<JourneyText> {
    let row = row(cx.open()?, req.id).await?;
    Ok(JourneyText {
        name: row.name,
        text: journey::canonical(&row.draft),
    })
}

async fn import(cx: &Ctx, req: ImportText) -> Result<Imported> {
    let open = cx.open()?;
    let mut document =
        journey::read(&req.text).map_err(|e| fail(Code::Invalid, "journeys.not_json", &[("detail", &e)]))?;
    let name = document.name.clone();
    let known = open.store.read(move |db| rows::by_name(db, &name)).await?;
    if known.is_some() {
        document.name = free_name(open, &document.name).await?;
    }
    let name = document.name.clone();
    let saved = save(
        cx,
        SaveJourney {
            id: None,
            document,
            revision: None,
        },
    )
    .await?;
    Ok(Imported {
        id: saved.id,
        name,
        problems: saved.problems,
    })
}

async fn import_file(cx: &Ctx, req: ImportFile) -> Result<Imported> {
    let text = read_text(&cx.path(&req.file)?, journey::FILE_BYTES_ALLOWED as u64)?;
    import(cx, ImportText { text }).await
}

async fn counts(cx: &Ctx, req: OneJourney) -> Result<JourneyCounts> {
    let open = cx.open()?;
    let id = req.id;
    Ok(open
        .store
        .read(move |db| {
            let mut steps: BTreeMap<String, StepCounts> = BTreeMap::new();
            let mut active = 0;
            for version in rows::versions(db, id)? {
                let order = in_order(&version.document);
                for (ix, n) in enrolments::standing(db, version.id)? {
                    active += n;
                    if let Some(step) = order.get(usize::from(ix.0)) {
                        steps.entry(step.clone()).or_default().waiting += n;
                    }
                }
            }
            let object = i64::from(id.0);
            for (step, n) in rollups::parts(db, rollups::Metric::StepEntered, object)? {
                steps.entry(step).or_default().entered += n;
            }
            for (part, n) in rollups::parts(db, rollups::Metric::StepLeft, object)? {
                let (step, port) = part.split_once('/').unwrap_or((&part, ""));
                *steps
                    .entry(step.to_owned())
                    .or_default()
                    .left
                    .entry(port.to_owned())
                    .or_default() += n;
            }
            Ok(JourneyCounts {
                steps: steps
                    .into_iter()
                    .map(|(step, counts)| StepCounts { step, ..counts })
                    .collect(),
                active,
            })
        })
        .await?)
}

/// Ids of the steps in canonical order: what a step's index counts.
fn in_order(document: &Journey) -> Vec<String> {
    let mut ids: Vec<String> = document.steps.iter().map(|s| s.id.0.clone()).collect();
    ids.sort_by(|a, b| journey::natural(a, b));
    ids
}

/// Most properties of one event kept as what a simulated event may carry.
const SEEN: usize = 200;
/// Days of history that rates are taken from.
const HISTORY: i64 = 90;

/// How often contacts do what the draft listens to, from the workspace's own last ninety days: events a contact and
/// day. What nobody did in that time does not happen in the simulation either.
async fn behaviours(open: &Arc<Open>, version: &JourneyVersion, contacts: u64) -> Result<Vec<Behaviour>> {
    let names: Vec<String> = version
        .needs()
        .events
        .iter()
        .chain(&version.needs().listens)
        .cloned()
        .collect();
    let until = open.now();
    let since = until - TimeDelta::days(HISTORY);
    let open = open.clone();
    let seen = tokio::task::spawn_blocking(move || {
        let mut seen: BTreeMap<String, (u64, Vec<BTreeMap<String, Prop>>)> = BTreeMap::new();
        open.store.with_index(|index| {
            for contact in index.contacts() {
                let Some(record) = index.record(ContactId(contact)) else {
                    continue;
                };
                for event in record
                    .events
                    .iter()
                    .filter(|e| e.at > since && e.at <= until && names.contains(&e.name))
                {
                    let (n, props) = seen.entry(event.name.clone()).or_default();
                    *n += 1;
                    if props.len() < SEEN {
                        props.push(event.props.clone());
                    }
                }
            }
        });
        seen
    })
    .await
    .map_err(ApiError::internal)?;
    let contact_days = (contacts.max(1) * HISTORY.unsigned_abs()) as f64;
    Ok(seen
        .into_iter()
        .map(|(event, (n, props))| Behaviour {
            event,
            cause: Cause::PerDay,
            probability: (n as f64 / contact_days).min(1.0),
            delay: Delay::any_time_of_day(),
            props,
        })
        .collect())
}

/// Contacts simulated between two looks at whether somebody cancelled.
const PART: usize = 5_000;

async fn start_simulation(cx: &Ctx, req: SimulateJourney) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let version = version_of(&req.document, &known(&open).await?)?;
    let job = cx.app.jobs().start("journeys.simulate", move |job| async move {
        job.phase("simulating");
        let contacts: Vec<u32> = open.store.with_index(|index| index.contacts().iter().collect());
        if contacts.is_empty() {
            return Err(fail(Code::Refused, "journeys.no_contacts", &[]));
        }
        let behaviours = behaviours(&open, &version, contacts.len() as u64).await?;
        let manual = version.entries().all(|(_, entry)| matches!(entry, Entry::Manual));
        let plan = Plan {
            journey: JourneyId(0),
            start: req.start.unwrap_or_else(|| open.now()),
            days: req.days.clamp(1, 3_650),
            seed: req.seed,
            asleep: Vec::new(),
            by_hand: manual,
        };
        let total = contacts.len() as u64;
        tokio::task::spawn_blocking(move || {
            let scope = open.store.with_index(|index| index.scope().clone());
            let world = World {
                version: &version,
                scope: &scope,
                plan: &plan,
                behaviours: &behaviours,
            };
            let mut report: Option<SimReport> = None;
            for (n, part) in contacts.chunks(PART).enumerate() {
                job.check()?;
                job.progress((n * PART) as u64, total);
                let records: Vec<_> = open.store.with_index(|index| {
                    part.iter()
                        .filter_map(|id| index.record(ContactId(*id)))
                        .collect()
                });
                let of_part = simulate(world, &records);
                match &mut report {
                    Some(report) => report.merge(of_part),
                    None => report = Some(of_part),
                }
            }
            report.ok_or_else(|| fail(Code::Refused, "journeys.no_contacts", &[]))
        })
        .await
        .map_err(ApiError::internal)?
    });
    Ok(JobStarted { job })
}

async fn try_contact(cx: &Ctx, req: TryJourney) -> Result<Vec<Fact>> {
    let open = cx.open()?;
    let version = version_of(&req.document, &known(open).await?)?;
    let record = open
        .store
        .with_index(|index| index.record(req.contact))
        .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &req.contact)]))?;
    let scope = open.store.with_index(|index| index.scope().clone());
    let start = open.now();
    let horizon = start + TimeDelta::days(i64::from(req.days.clamp(1, 3_650)));
    let Some((entry, _)) = version.entries().next() else {
        return Ok(Vec::new());
    };
    Ok(try_one(&version, &scope, &record, entry, (start, horizon), &[]))
}

async fn path(cx: &Ctx, req: PathOf) -> Result<Vec<Fact>> {
    let open = cx.open()?;
    let name = row(open, req.id).await?.name;
    let email = contacts::existing(open, req.contact).await?.email;
    let found = open
        .store
        .read(move |db| {
            let enrolment = match req.enrolment {
                Some(id) => enrolments::get(db, id)?,
                None => enrolments::last_of(db, req.id, req.contact)?,
            };
            enrolment.map(|e| facts::path(db, e.id)).transpose()
        })
        .await?;
    found.ok_or_else(|| {
        fail(
            Code::NotFound,
            "not_found.enrolment",
            &[("contact", &email), ("name", &name)],
        )
    })
}

const PEOPLE: u32 = 200;

async fn people(cx: &Ctx, req: PeopleAt) -> Result<Vec<contacts::Named>> {
    let open = cx.open()?;
    let limit = req.limit.min(PEOPLE) as usize;
    Ok(open
        .store
        .read(move |db| {
            let mut orders = BTreeMap::new();
            for version in rows::versions(db, req.id)? {
                orders.insert(version.id, in_order(&version.document));
            }
            let mut found = Vec::new();
            let mut after = None;
            while found.len() < limit {
                let batch = enrolments::active_in(db, req.id, after, 1_000)?;
                let Some(last) = batch.last() else { break };
                after = Some(last.contact);
                found.extend(
                    batch
                        .iter()
                        .filter(|e| match (&req.step, e.state.at) {
                            (None, _) => true,
                            (Some(step), Some(ix)) => {
                                orders.get(&e.version).and_then(|o| o.get(usize::from(ix.0))) == Some(step)
                            }
                            (Some(_), None) => false,
                        })
                        .map(|e| e.contact),
                );
            }
            found.truncate(limit);
            let people = carillon_store::contacts::get_many(db, &found)?;
            Ok(people
                .into_iter()
                .map(|c| contacts::Named {
                    id: c.id,
                    email: c.email,
                })
                .collect())
        })
        .await?)
}

async fn enter(cx: &Ctx, req: EnterByHand) -> Result<crate::table::Done> {
    let open = cx.open()?;
    let row = row(open, req.id).await?;
    let contact = contacts::existing(open, req.contact).await?;
    let catalogue = known(open).await?;
    let found = open
        .store
        .read(move |db| row.version.map(|id| rows::version(db, id)).transpose())
        .await?
        .flatten();
    let none = || fail(Code::Refused, "journeys.no_manual_entry", &[("name", &row.name)]);
    let version = found.ok_or_else(none)?;
    let version = version_of(&version.document, &catalogue)?;
    let (entry, _) = version
        .entries()
        .find(|(_, e)| matches!(e, Entry::Manual))
        .ok_or_else(none)?;
    let last = open
        .store
        .read(move |db| enrolments::last_of(db, req.id, req.contact))
        .await?;
    let history: Vec<PastEnrolment> = last
        .into_iter()
        .map(|l| PastEnrolment {
            number: l.number,
            entered_at: l.entered_at,
            ended: l.state.end.is_some(),
        })
        .collect();
    let now = open.now();
    let reason = match admit(&version, entry, &history, now) {
        Admission::Welcome { .. } => None,
        Admission::StillInside => Some("inside"),
        Admission::OnceOnly => Some("once"),
        Admission::TooSoon { .. } => Some("too_soon"),
        Admission::NoEntry => Some("no_entry"),
    };
    if let Some(reason) = reason {
        let reason = sentence(&format!("journeys.reasons.{reason}"), &[]);
        return Err(fail(
            Code::Refused,
            "journeys.not_admitted",
            &[
                ("contact", &contact.email),
                ("name", &row.name),
                ("reason", &reason),
            ],
        ));
    }
    let input = NewInput {
        planned_at: now,
        enrolment: None,
        journey: Some(req.id),
        contact: req.contact,
        pending: Pending::Input {
            input: Input::Enter {
                entry,
                planned: now,
                event: None,
            },
        },
    };
    open.store
        .write(Priority::User, move |tx| inputs::push(tx, &[input]))
        .await?;
    open.runtime.nudge();
    Ok(crate::table::Done {})
}

/// A contact's passages with their facts, newest first.
pub async fn passages(open: &Open, contact: ContactId) -> Result<Vec<Passage>> {
    Ok(open
        .store
        .read(move |db| {
            let mut out = Vec::new();
            for enrolment in enrolments::of_contact(db, contact)?.into_iter().rev().take(20) {
                let Some(version) = rows::version(db, enrolment.version)? else {
                    continue;
                };
                let title = |id: &str| {
                    let step = version.document.steps.iter().find(|s| s.id.0 == id);
                    step.map_or((id.to_owned(), String::new()), |s| {
                        (
                            if s.name.is_empty() {
                                s.id.0.clone()
                            } else {
                                s.name.clone()
                            },
                            s.kind.clone(),
                        )
                    })
                };
                let mut path: Vec<PassageStep> = Vec::new();
                for fact in facts::path(db, enrolment.id)? {
                    let step = fact.step.0.clone();
                    match path.last_mut().filter(|last| last.step == step) {
                        Some(last) => last.facts.push(fact),
                        None => {
                            let (title, kind) = title(&step);
                            path.push(PassageStep {
                                step,
                                title,
                                kind,
                                facts: vec![fact],
                            });
                        }
                    }
                }
                out.push(Passage {
                    enrolment: enrolment.id,
                    journey: enrolment.journey,
                    journey_name: version.document.name.clone(),
                    version: version.number,
                    entered_at: enrolment.entered_at,
                    ended_at: enrolment.ended_at,
                    at_step: path.last().map(|p| p.title.clone()).unwrap_or_default(),
                    path,
                });
            }
            Ok(out)
        })
        .await?)
}

/// Drawings that count as users of a name: drafts, and versions somebody may still be in.
async fn drawings(open: &Open) -> Result<Vec<(String, Journey)>> {
    Ok(open
        .store
        .read(|db| {
            let mut all = Vec::new();
            for row in rows::list(db)? {
                let moving = matches!(
                    row.state,
                    JourneyState::Live | JourneyState::Paused | JourneyState::Draining
                );
                if moving {
                    for version in rows::versions(db, row.id)? {
                        all.push((row.name.clone(), version.document));
                    }
                }
                all.push((row.name, row.draft));
            }
            Ok(all)
        })
        .await?)
}

fn settings_with(document: &Journey, kind: &str, key: &str) -> Vec<String> {
    let steps = document.steps.iter().filter(|s| s.kind == kind);
    steps
        .filter_map(|s| s.settings.get(key)?.as_str().map(str::to_owned))
        .collect()
}

/// Segment names that expressions anywhere in the drawing refer to, or an entry is about.
fn segments_of(document: &Journey) -> Vec<String> {
    fn walk(value: &serde_json::Value, texts: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => texts.push(text.clone()),
            serde_json::Value::Array(items) => items.iter().for_each(|v| walk(v, texts)),
            serde_json::Value::Object(map) => map.values().for_each(|v| walk(v, texts)),
            _ => {}
        }
    }
    let mut names = settings_with(document, "entry_segment", "segment");
    let mut texts: Vec<String> = document.exit_when.iter().map(|r| r.when.clone()).collect();
    for step in &document.steps {
        step.settings.values().for_each(|v| walk(v, &mut texts));
    }
    for text in texts {
        if let Ok(expr) = segment::parse(&text) {
            names.extend(segment::Needs::of(&expr, &BTreeMap::new()).segments);
        }
    }
    names
}

/// How many journeys use each segment.
pub async fn segment_users(open: &Open) -> Result<BTreeMap<String, u32>> {
    let mut users: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for (name, document) in drawings(open).await? {
        for segment in segments_of(&document) {
            users.entry(segment).or_default().insert(name.clone());
        }
    }
    Ok(users
        .into_iter()
        .map(|(segment, by)| (segment, u32::try_from(by.len()).unwrap_or(u32::MAX)))
        .collect())
}

/// Names of the journeys that use a segment, for a sentence.
pub async fn users_of_segment(open: &Open, segment: &str) -> Result<String> {
    let all = drawings(open).await?;
    Ok(names(
        all.iter()
            .filter(|(_, d)| segments_of(d).iter().any(|s| s == segment)),
    ))
}

/// How many journeys send each template.
pub async fn template_users(open: &Open) -> Result<BTreeMap<String, u32>> {
    let mut users: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for (name, document) in drawings(open).await? {
        for template in settings_with(&document, "send_email", "template") {
            users.entry(template).or_default().insert(name.clone());
        }
    }
    Ok(users
        .into_iter()
        .map(|(t, by)| (t, u32::try_from(by.len()).unwrap_or(u32::MAX)))
        .collect())
}

/// Names of the journeys that send a template, for a sentence.
pub async fn users_of_template(open: &Open, template: &str) -> Result<String> {
    let all = drawings(open).await?;
    let uses = |d: &Journey| {
        settings_with(d, "send_email", "template")
            .iter()
            .any(|t| t == template)
    };
    Ok(names(all.iter().filter(|(_, d)| uses(d))))
}

fn names<'a>(found: impl Iterator<Item = &'a (String, Journey)>) -> String {
    let unique: std::collections::BTreeSet<&str> = found.map(|(name, _)| name.as_str()).collect();
    unique
        .into_iter()
        .map(|n| format!("“{n}”"))
        .collect::<Vec<_>>()
        .join(", ")
}
