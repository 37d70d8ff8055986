//! The words a workspace has used so far, for whoever is about to type one.

use crate::Ctx;
use crate::commands;
use crate::error::Result;
use crate::table::NoArgs;
use carillon_model::StepId;
use carillon_store::rollups::{self, Metric};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

commands! {
    query "vocabulary.list" list(NoArgs) -> Vocabulary, reads [Events, Tags, Contacts, Journeys];
}

/// An event by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventWord {
    pub name: String,
    /// How often it happened so far.
    #[ts(type = "number")]
    pub count: u64,
    /// Keys of the properties it came with, in order.
    pub props: Vec<String>,
}

/// A tag somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TagWord {
    pub tag: String,
    /// How many contacts have it.
    #[ts(type = "number")]
    pub count: u64,
}

/// A step of a journey, of its draft or any of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepWord {
    pub id: StepId,
    /// What people call it; empty where they call it nothing.
    pub name: String,
    /// The name of its journey.
    pub journey: String,
}

/// Events, tags and steps in use, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Vocabulary {
    pub events: Vec<EventWord>,
    pub tags: Vec<TagWord>,
    pub steps: Vec<StepWord>,
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vocabulary> {
    let open = cx.open()?;
    let counts: BTreeMap<String, i64> = open
        .store
        .read(|db| rollups::parts(db, Metric::Events, 0))
        .await?
        .into_iter()
        .collect();
    let steps = open.store.read(carillon_store::journeys::steps).await?;
    let steps = steps.into_iter().flat_map(|(journey, of)| {
        let word = move |(id, name)| StepWord {
            id,
            name,
            journey: journey.clone(),
        };
        of.into_iter().map(word)
    });
    Ok(open.store.with_index(|index| Vocabulary {
        events: index
            .events_seen()
            .map(|(name, props)| EventWord {
                count: counts.get(name).map_or(0, |n| n.unsigned_abs()),
                props: props.into_iter().map(str::to_owned).collect(),
                name: name.to_owned(),
            })
            .collect(),
        tags: index
            .tags_seen()
            .map(|(tag, count)| TagWord {
                tag: tag.to_owned(),
                count,
            })
            .collect(),
        steps: steps.collect(),
    }))
}
