//! Which journeys use a segment or a template by its name, and which cannot do without an account or a field.

use crate::error::Result;
use crate::workspaces::Open;
use carillon_engine::journey::{self, Catalogue};
use carillon_engine::segment;
use carillon_model::campaign::CampaignState;
use carillon_model::journey::{Journey, JourneyState, Severity};
use carillon_model::{CampaignId, JourneyId, VersionId};
use carillon_store::{Db, campaigns, enrolments, journeys as rows};
use std::collections::{BTreeMap, BTreeSet};

/// Whether somebody may be on the way through a journey.
fn moving(state: JourneyState) -> bool {
    matches!(
        state,
        JourneyState::Live | JourneyState::Paused | JourneyState::Draining
    )
}

/// Drawings that count as users of a name: drafts, and versions somebody may still be in.
async fn drawings(open: &Open) -> Result<Vec<(JourneyId, String, Journey)>> {
    Ok(open
        .store
        .read(|db| {
            let mut all = Vec::new();
            for row in rows::list(db)? {
                if moving(row.state) {
                    for version in rows::versions(db, row.id)? {
                        all.push((row.id, row.name.clone(), version.document));
                    }
                }
                all.push((row.id, row.name, row.draft));
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

/// Names of segments that campaigns still to be started are about, each with its campaign.
fn of_campaigns(db: &Db<'_>) -> carillon_store::Result<Vec<(CampaignId, String, String)>> {
    let mut all = Vec::new();
    for row in campaigns::list(db)? {
        let ahead = matches!(
            row.state,
            CampaignState::Draft | CampaignState::Scheduled | CampaignState::Recallable
        );
        if ahead {
            let names = row.campaign.exclude.into_iter().chain([row.campaign.segment]);
            all.extend(names.map(|segment| (row.id, row.campaign.name.clone(), segment)));
        }
    }
    Ok(all)
}

/// All texts of the drawing that may be expressions.
pub(super) fn texts_of(document: &Journey) -> Vec<String> {
    fn walk(value: &serde_json::Value, texts: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => texts.push(text.clone()),
            serde_json::Value::Array(items) => items.iter().for_each(|v| walk(v, texts)),
            serde_json::Value::Object(map) => map.values().for_each(|v| walk(v, texts)),
            _ => {}
        }
    }
    let mut texts: Vec<String> = document.exit_when.iter().map(|r| r.when.clone()).collect();
    for step in &document.steps {
        step.settings.values().for_each(|v| walk(v, &mut texts));
    }
    texts
}

/// Segment names that expressions anywhere in the drawing refer to, or an entry is about.
fn segments_of(document: &Journey) -> Vec<String> {
    let mut names = settings_with(document, "entry_segment", "segment");
    for text in texts_of(document) {
        if let Ok(expr) = segment::parse(&text) {
            names.extend(segment::Needs::of(&expr, &BTreeMap::new()).segments);
        }
    }
    names
}

/// Template names that mails of the drawing are made from.
fn templates_of(document: &Journey) -> Vec<String> {
    settings_with(document, "send_email", "template")
}

/// The mails of a drawing: each template it sends, and whether as marketing.
pub fn mails_of(document: &Journey) -> BTreeMap<String, bool> {
    let mut mails = BTreeMap::new();
    for step in document.steps.iter().filter(|s| s.kind == "send_email") {
        if let Some(template) = step.settings.get("template").and_then(|name| name.as_str()) {
            let transactional = step.settings.get("transactional").and_then(|it| it.as_bool());
            *mails.entry(template.to_owned()).or_insert(false) |= transactional != Some(true);
        }
    }
    mails
}

/// Whether a journey that somebody may be in sends a template as marketing; `None` where none sends it at all.
///
/// # Errors
/// The store's.
pub async fn sent_now(open: &Open, template: &str) -> Result<Option<bool>> {
    let template = template.to_owned();
    Ok(open
        .store
        .read(move |db| {
            let mut marketing = None;
            for row in rows::list(db)?.iter().filter(|row| moving(row.state)) {
                for version in rows::versions(db, row.id)? {
                    if in_use(db, row, version.id)?
                        && let Some(as_marketing) = mails_of(&version.document).get(&template)
                    {
                        *marketing.get_or_insert(false) |= *as_marketing;
                    }
                }
            }
            Ok(marketing)
        })
        .await?)
}

/// Names of the live journeys that contacts enter in a version with one of these templates.
///
/// # Errors
/// The store's.
pub fn live_with(db: &Db<'_>, templates: &BTreeSet<String>) -> carillon_store::Result<Vec<String>> {
    let mut names = Vec::new();
    for row in rows::list(db)? {
        let version = row.version.filter(|_| row.state == JourneyState::Live);
        let Some(version) = version.map(|id| rows::version(db, id)).transpose()?.flatten() else {
            continue;
        };
        if mails_of(&version.document)
            .keys()
            .any(|name| templates.contains(name))
        {
            names.push(row.name);
        }
    }
    Ok(names)
}

/// How many journeys use each name.
async fn users(open: &Open, used: fn(&Journey) -> Vec<String>) -> Result<BTreeMap<String, u32>> {
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, journey, document) in drawings(open).await? {
        for name in used(&document) {
            users.entry(name).or_default().insert(journey.clone());
        }
    }
    Ok(users
        .into_iter()
        .map(|(name, by)| (name, u32::try_from(by.len()).unwrap_or(u32::MAX)))
        .collect())
}

/// Names of the journeys that use `name`, for a sentence; empty where none does.
async fn users_of(open: &Open, name: &str, used: fn(&Journey) -> Vec<String>) -> Result<String> {
    let all = drawings(open).await?;
    let unique: BTreeSet<&str> = all
        .iter()
        .filter(|(_, _, document)| used(document).iter().any(|n| n == name))
        .map(|(_, journey, _)| journey.as_str())
        .collect();
    Ok(unique
        .into_iter()
        .map(|n| format!("“{n}”"))
        .collect::<Vec<_>>()
        .join(", "))
}

/// Whether contacts enter a version, or some are in it.
///
/// # Errors
/// SQLite's.
pub(crate) fn in_use(
    db: &Db<'_>,
    row: &rows::JourneyRow,
    version: VersionId,
) -> carillon_store::Result<bool> {
    Ok(row.version == Some(version) || !enrolments::standing(db, version)?.is_empty())
}

/// Names of the journeys that run now and would meet a new problem if the workspace were `after` instead of `before`,
/// for a sentence; empty where none does. To be asked in the write that makes the change.
///
/// # Errors
/// [`carillon_store::Error::Damaged`].
pub fn broken_by(db: &Db<'_>, before: &Catalogue, after: &Catalogue) -> carillon_store::Result<String> {
    let errors = |document: &Journey, catalogue: &Catalogue| {
        let found = journey::compile(document, catalogue).1;
        found.iter().filter(|p| p.severity == Severity::Error).count()
    };
    let mut names = BTreeSet::new();
    for row in rows::list(db)? {
        if !moving(row.state) {
            continue;
        }
        for version in rows::versions(db, row.id)? {
            if in_use(db, &row, version.id)?
                && errors(&version.document, after) > errors(&version.document, before)
            {
                names.insert(format!("“{}”", row.name));
            }
        }
    }
    Ok(names.into_iter().collect::<Vec<_>>().join(", "))
}

/// How many journeys and campaigns use each segment.
pub async fn segment_users(open: &Open) -> Result<BTreeMap<String, u32>> {
    let mut all = users(open, segments_of).await?;
    let about: BTreeSet<_> = open.store.read(of_campaigns).await?.into_iter().collect();
    for (_, _, segment) in about {
        *all.entry(segment).or_default() += 1;
    }
    Ok(all)
}

/// Names of the journeys and campaigns that use a segment, for a sentence.
pub async fn users_of_segment(open: &Open, segment: &str) -> Result<String> {
    let journeys = users_of(open, segment, segments_of).await?;
    let about = open.store.read(of_campaigns).await?.into_iter();
    let names: BTreeSet<String> = about
        .filter(|(_, _, of)| of == segment)
        .map(|(_, name, _)| format!("“{name}”"))
        .collect();
    let all = (!journeys.is_empty())
        .then_some(journeys)
        .into_iter()
        .chain(names);
    Ok(all.collect::<Vec<_>>().join(", "))
}

/// The journeys and campaigns that use a segment, each once, by name.
pub async fn using_segment(
    open: &Open,
    segment: &str,
) -> Result<(Vec<(JourneyId, String)>, Vec<(CampaignId, String)>)> {
    let all = drawings(open).await?.into_iter();
    let journeys: BTreeMap<JourneyId, String> = all
        .filter(|(_, _, document)| segments_of(document).iter().any(|name| name == segment))
        .map(|(id, name, _)| (id, name))
        .collect();
    let about = open.store.read(of_campaigns).await?.into_iter();
    let campaigns: BTreeMap<CampaignId, String> = about
        .filter(|(_, _, of)| of == segment)
        .map(|(id, name, _)| (id, name))
        .collect();
    Ok((by_name(journeys), by_name(campaigns)))
}

fn by_name<Id: Ord>(all: BTreeMap<Id, String>) -> Vec<(Id, String)> {
    let mut all: Vec<(Id, String)> = all.into_iter().collect();
    all.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    all
}

/// How many journeys send each template.
pub async fn template_users(open: &Open) -> Result<BTreeMap<String, u32>> {
    users(open, templates_of).await
}

/// Names of the journeys that send a template, for a sentence.
pub async fn users_of_template(open: &Open, template: &str) -> Result<String> {
    users_of(open, template, templates_of).await
}
