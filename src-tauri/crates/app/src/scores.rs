//! Scores: how contacts are measured, what a model would say before it is published, and why somebody has the points
//! they have.

mod backtest;
mod preview;
mod problems;
mod words;

pub use words::*;

use backtest::backtest;
use carillon_engine::segment::Needs;
use preview::preview;

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use crate::{fields, journeys, runtime};
use carillon_engine::scores::{Scoring, check};
use carillon_model::ScoreId;
use carillon_model::event::Prop;
use carillon_model::journey::Severity;
use carillon_model::score::{ADJUSTED, Score, ScoreChange, ScoreModel};
use carillon_store::events::NewEvent;
use carillon_store::{Db, Priority, scores};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

commands! {
    query "scores.list" list(NoArgs) -> Vec<ScoreRow>, reads [Scores];
    query "scores.get" get(OneScore) -> ScoreRow, reads [Scores];
    mutate "scores.save" save(SaveScore) -> ScoreRow, reads [];
    query "scores.check" check_model(CheckScore) -> Vec<ScoreTrouble>, reads [Scores, Fields, Segments, Journeys];
    mutate "scores.publish" publish(OneScore) -> ScoreRow, reads [];
    mutate "scores.archive" archive(OneScore) -> Done, reads [];
    query "scores.preview" preview(PreviewScore) -> ScorePreview, reads [Scores, Contacts, Tags, Events, Segments, Clock];
    query "scores.backtest" backtest(BacktestScore) -> ScoreBacktest, reads [Scores];
    query "scores.of" of(OfContact) -> Vec<ContactScore>, reads [Scores, Contacts, Tags, Events, Segments, Clock];
    query "scores.ledger" ledger(AskLedger) -> Vec<ScoreLedgerRow>, reads [Scores, Events];
    mutate "scores.adjust" adjust(AdjustScore) -> Done, reads [];
}

async fn all(open: &Open) -> Result<Vec<Score>> {
    Ok(open.store.read(scores::list).await?)
}

/// A score by its number.
async fn one(open: &Open, id: ScoreId) -> Result<Score> {
    let found = open.store.read(move |db| scores::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.score", &[("name", &id)]))
}

fn row(score: Score) -> ScoreRow {
    ScoreRow {
        changed: score.published.as_ref() != Some(&score.draft),
        score,
    }
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<ScoreRow>> {
    Ok(all(cx.open()?).await?.into_iter().map(row).collect())
}

async fn get(cx: &Ctx, req: OneScore) -> Result<ScoreRow> {
    Ok(row(one(cx.open()?, req.id).await?))
}

async fn save(cx: &Ctx, req: SaveScore) -> Result<ScoreRow> {
    let open = cx.open()?;
    let name = clean::line(&req.name);
    if name.is_empty() {
        return Err(fail(Code::Invalid, "scores.no_name", &[]).at("name"));
    }
    // A draft may be unfinished, but nothing that cannot be kept.
    let size = serde_json::to_string(&req.draft).map_or(usize::MAX, |text| text.len());
    if size > LONGEST_DRAFT {
        return Err(fail(Code::Invalid, "scores.too_long", &[]).at("draft"));
    }
    let saved = open
        .store
        .write(Priority::User, move |tx| match req.id {
            Some(id) => scores::save(tx, id, &name, &req.draft),
            None => {
                let key = req
                    .key
                    .unwrap_or_else(|| fields::key_of(&name).chars().take(40).collect());
                scores::add(tx, &key, &name, &req.draft)
            }
        })
        .await?;
    Ok(row(saved))
}

/// Longest draft, as JSON: 200 rules of the longest text.
const LONGEST_DRAFT: usize = 1 << 20;

/// Everything wrong with a model of the score `id` in this workspace, as sentences with their places.
async fn troubles(open: &Open, model: &ScoreModel, id: Option<ScoreId>) -> Result<Vec<ScoreTrouble>> {
    let all = all(open).await?;
    let mut known = open.store.catalogue().fields();
    // Its own points may be read by its rules about companies before they are there.
    if let Some(score) = all.iter().find(|score| Some(score.id) == id) {
        let own = scores::written_fields(&score.key, &score.name, model);
        known.retain(|field| field.score.as_ref() != Some(&score.key));
        known.extend(own);
    }
    let points = all
        .into_iter()
        .filter(|score| matches!(score.published, Some(ScoreModel::Points { .. })));
    let points: BTreeSet<String> = points.map(|score| score.key).collect();
    let segments = open.store.with_index(|index| index.scope().segments.clone());
    let names = crate::segments::names(open, &texts_of(model)).await?;
    let found = check(model, &known, &segments, &points, &names);
    Ok(found
        .iter()
        .map(|problem| problems::told(model, problem))
        .collect())
}

/// The texts of all rules.
fn texts_of(model: &ScoreModel) -> Vec<String> {
    match model {
        ScoreModel::Points {
            groups, companies, ..
        } => {
            let rules = groups.iter().flat_map(|group| &group.rules);
            let of_companies = companies.iter().flat_map(|companies| &companies.rules);
            let texts = rules.map(|rule| &rule.when);
            texts
                .chain(of_companies.map(|rule| &rule.when))
                .cloned()
                .collect()
        }
        ScoreModel::Grade { .. } => Vec::new(),
    }
}

/// The first thing that keeps a model from measuring anybody.
async fn first_error(open: &Open, model: &ScoreModel, id: Option<ScoreId>) -> Result<Option<ScoreTrouble>> {
    let mut found = troubles(open, model, id).await?.into_iter();
    Ok(found.find(|trouble| trouble.severity == Severity::Error))
}

async fn check_model(cx: &Ctx, req: CheckScore) -> Result<Vec<ScoreTrouble>> {
    troubles(cx.open()?, &req.model, req.id).await
}

async fn publish(cx: &Ctx, req: OneScore) -> Result<ScoreRow> {
    let open = cx.open()?;
    let score = one(open, req.id).await?;
    if let Some(first) = first_error(open, &score.draft, Some(score.id)).await? {
        return Err(fail(
            Code::Invalid,
            "scores.wrong",
            &[("name", &score.name), ("detail", &first.message)],
        )
        .at("draft"));
    }
    let published = open
        .store
        .write(Priority::User, move |tx| {
            let kept = kept_fields(&score);
            let users = if score.published.is_some() {
                used_without(tx, &score.key, &kept)?
            } else {
                String::new()
            };
            match users.is_empty() {
                true => Ok(Ok(scores::publish(tx, req.id)?)),
                false => Ok(Err((score.name, users))),
            }
        })
        .await?;
    let refused = |(name, users): (String, String)| {
        fail(
            Code::Refused,
            "scores.needed",
            &[("name", &name), ("users", &users)],
        )
    };
    published.map(row).map_err(refused)
}

/// The fields that the draft of a score goes on writing.
fn kept_fields(score: &Score) -> Vec<String> {
    let mut kept = vec![Score::field(&score.key)];
    if let ScoreModel::Points { stages, .. } = &score.draft
        && !stages.is_empty()
    {
        kept.extend([Score::stage_field(&score.key), Score::since_field(&score.key)]);
    }
    kept
}

/// Journeys that could not go on if the score wrote no other fields than `kept`.
fn used_without(db: &Db<'_>, key: &str, kept: &[String]) -> carillon_store::Result<String> {
    let before = runtime::catalogue(db)?;
    let mut after = before.clone();
    after
        .fields
        .retain(|field| field.score.as_deref() != Some(key) || kept.contains(&field.key));
    if after.fields.len() == before.fields.len() {
        return Ok(String::new());
    }
    journeys::broken_by(db, &before, &after)
}

async fn archive(cx: &Ctx, req: OneScore) -> Result<Done> {
    let open = cx.open()?;
    let score = one(open, req.id).await?;
    let key = score.key.clone();
    let users = open
        .store
        .write(Priority::User, move |tx| {
            let users = used_without(tx, &key, &[])?;
            if users.is_empty() {
                scores::archive(tx, req.id)?;
            }
            Ok(users)
        })
        .await?;
    if !users.is_empty() {
        return Err(fail(
            Code::Refused,
            "scores.needed",
            &[("name", &score.name), ("users", &users)],
        ));
    }
    Ok(Done {})
}

async fn of(cx: &Ctx, req: OfContact) -> Result<Vec<ContactScore>> {
    let open = cx.open()?;
    let contact = req.contact;
    let (all, entered) = open
        .store
        .read(move |db| Ok((scores::list(db)?, scores::stages(db, contact)?)))
        .await?;
    let now = open.now();
    let fields = all.iter().flat_map(|score| {
        let [points, stage, since] = [Score::field, Score::stage_field, Score::since_field];
        [points(&score.key), stage(&score.key), since(&score.key)]
    });
    let needs = Needs::some_fields(fields);
    let record = open.store.with_index(|index| index.record_of(contact, &needs));
    let record = record.ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &contact)]))?;
    let text = |key: &str| match record.fields.get(key) {
        Some(carillon_model::contact::Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let mut out = Vec::new();
    for score in all {
        let Some(model) = score.published else { continue };
        let scored = match Scoring::read(&score.key, &model) {
            Ok(Scoring::Points(points)) => open.store.with_index(|index| index.scored(&points, contact, now)),
            _ => None,
        };
        let grade = scored
            .is_none()
            .then(|| text(&Score::field(&score.key)))
            .flatten();
        let mine = entered.iter().filter(|(id, ..)| *id == score.id);
        out.push(ContactScore {
            id: score.id,
            grade,
            stage: text(&Score::stage_field(&score.key)),
            entered: mine
                .map(|(_, stage, at)| StageEntered {
                    stage: stage.clone(),
                    at: *at,
                })
                .collect(),
            key: score.key,
            name: score.name,
            model,
            scored,
        });
    }
    Ok(out)
}

/// Most rows of the ledger at once.
const LEDGER_ROWS: u32 = 500;

async fn ledger(cx: &Ctx, req: AskLedger) -> Result<Vec<ScoreLedgerRow>> {
    let open = cx.open()?;
    let limit = req.limit.min(LEDGER_ROWS);
    Ok(open
        .store
        .read(move |db| {
            let found = scores::ledger(db, req.contact, req.score, req.before, limit)?;
            let names: BTreeMap<ScoreId, String> = scores::list(db)?
                .into_iter()
                .map(|score| (score.id, score.name))
                .collect();
            let mut models: BTreeMap<(ScoreId, u32), Option<ScoreModel>> = BTreeMap::new();
            let mut rows = Vec::with_capacity(found.len());
            for change in found {
                let version = (change.score, change.version);
                if let std::collections::btree_map::Entry::Vacant(place) = models.entry(version) {
                    place.insert(scores::version(db, change.score, change.version)?);
                }
                let model = models.get(&version).and_then(Option::as_ref);
                rows.push(ledger_row(change, &names, model));
            }
            Ok(rows)
        })
        .await?)
}

fn ledger_row(
    change: ScoreChange,
    names: &BTreeMap<ScoreId, String>,
    model: Option<&ScoreModel>,
) -> ScoreLedgerRow {
    let when = |rule: &str| {
        let Some(ScoreModel::Points { groups, .. }) = model else {
            return None;
        };
        let mut rules = groups.iter().flat_map(|group| &group.rules);
        rules
            .find(|known| known.key == rule)
            .map(|known| known.when.clone())
    };
    let because = change.reasons.iter().map(|reason| ScoreBecause {
        when: when(&reason.rule),
        points: reason.after - reason.before,
        event: reason.event,
    });
    ScoreLedgerRow {
        name: names.get(&change.score).cloned().unwrap_or_default(),
        because: because.collect(),
        change,
    }
}

/// Most points by hand at once.
const MOST_ADJUSTED: f64 = 100_000.0;

async fn adjust(cx: &Ctx, req: AdjustScore) -> Result<Done> {
    let open: &Arc<Open> = cx.open()?;
    let score = one(open, req.score).await?;
    if !matches!(score.published, Some(ScoreModel::Points { .. })) {
        return Err(fail(Code::Refused, "scores.not_points", &[("name", &score.name)]));
    }
    if !req.points.is_finite() || req.points == 0.0 || req.points.abs() > MOST_ADJUSTED {
        return Err(fail(Code::Invalid, "scores.points", &[("most", &MOST_ADJUSTED)]).at("points"));
    }
    let mut props = adjustment(&score.key, req.points);
    let why: String = clean::line(&req.why).chars().take(LONGEST_WHY).collect();
    if !why.is_empty() {
        props.insert("why".to_owned(), Prop::Text(why));
    }
    let contact = req.contact;
    open.store
        .write(Priority::User, move |tx| {
            let event = NewEvent {
                contact,
                name: ADJUSTED.to_owned(),
                at: tx.now(),
                source: "user".to_owned(),
                props,
            };
            carillon_store::events::append(tx, &[event]).map(|_| ())
        })
        .await?;
    Ok(Done {})
}

/// Longest reason of points by hand, in characters.
const LONGEST_WHY: usize = 200;

fn adjustment(key: &str, points: f64) -> BTreeMap<String, Prop> {
    [
        ("score".to_owned(), Prop::Text(key.to_owned())),
        ("points".to_owned(), Prop::Number(points)),
    ]
    .into()
}
