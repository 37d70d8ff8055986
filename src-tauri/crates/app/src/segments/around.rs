//! What stands around a segment: who nearly belongs, which other segments have its people, and who uses it.

use super::{OneSegment, TextOnly, expression, sampled};
use crate::Ctx;
use crate::contacts::{self, ContactRow};
use crate::error::{Code, Result, fail};
use carillon_engine::index::Near;
use carillon_engine::segment::Needs;
use carillon_model::{CampaignId, ContactId, JourneyId, SegmentId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// People shown of each clause, at most.
const SHOWN: usize = 5;

/// Those whom one clause of an expression keeps out.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NearClause {
    /// The clause.
    pub text: String,
    /// Contacts who are not meant and would be if it held otherwise.
    #[ts(type = "number")]
    pub count: u64,
    /// Some of them, always the same ones.
    pub contacts: Vec<ContactRow>,
}

pub(super) async fn near(cx: &Ctx, req: TextOnly) -> Result<Vec<NearClause>> {
    let open = cx.open()?;
    let expr = expression(open, &req.text)?;
    let now = open.now();
    let mut near = open.store.with_index(|index| index.near(&expr, now));
    near.sort_by_key(|near| std::cmp::Reverse(near.contacts.len()));
    let shown: Vec<_> = near.iter().map(|near| sampled(&near.contacts, SHOWN)).collect();
    let mut ids = shown.concat();
    ids.sort_unstable();
    ids.dedup();
    let found = open
        .store
        .read(move |db| carillon_store::contacts::get_many(db, &ids))
        .await?;
    let columns = contacts::searched().map(str::to_owned).collect();
    let found: BTreeMap<_, _> = contacts::rows(open, found, columns)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let clause = |(near, ids): (Near, Vec<ContactId>)| NearClause {
        text: near.clause,
        count: near.contacts.len(),
        contacts: ids.iter().filter_map(|id| found.get(id).cloned()).collect(),
    };
    Ok(near.into_iter().zip(shown).map(clause).collect())
}

/// With which saved segments to compare.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CompareSegment {
    pub text: String,
    /// The segment the text is of, which is not compared with itself.
    pub id: Option<SegmentId>,
}

/// A saved segment beside an expression.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentOverlap {
    pub id: SegmentId,
    pub name: String,
    /// Its members.
    #[ts(type = "number")]
    pub count: u64,
    /// Contacts whom both mean.
    #[ts(type = "number")]
    pub shared: u64,
}

/// All other saved segments, the most alike first: by the share of both that is in both (Jaccard 1901).
pub(super) async fn overlap(cx: &Ctx, req: CompareSegment) -> Result<Vec<SegmentOverlap>> {
    let open = cx.open()?;
    let expr = expression(open, &req.text)?;
    let now = open.now();
    let mut others = open.store.read(carillon_store::segments::list).await?;
    others.retain(|other| Some(other.id) != req.id);
    Ok(open.store.with_index(|index| {
        let own = index.members(&expr, now);
        let mut all: Vec<(f64, SegmentOverlap)> = others
            .into_iter()
            .map(|other| {
                let members = index.members_of(other.id);
                let count = members.map_or(0, |members| members.len());
                let shared = members.map_or(0, |members| members.intersection_len(&own));
                let either = own.len() + count - shared;
                let alike = if either == 0 {
                    0.0
                } else {
                    shared as f64 / either as f64
                };
                let (id, name) = (other.id, other.name);
                let overlap = SegmentOverlap {
                    id,
                    name,
                    count,
                    shared,
                };
                (alike, overlap)
            })
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
        all.into_iter().map(|(_, overlap)| overlap).collect()
    }))
}

/// Who could not go on without a segment.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentUsers {
    pub segments: Vec<SegmentUser<SegmentId>>,
    /// Drafts, and those somebody may be in.
    pub journeys: Vec<SegmentUser<JourneyId>>,
    /// Those still to be started.
    pub campaigns: Vec<SegmentUser<CampaignId>>,
    /// Saved segments that this one asks.
    pub asks: Vec<SegmentUser<SegmentId>>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentUser<Id> {
    pub id: Id,
    pub name: String,
}

pub(super) async fn users(cx: &Ctx, req: OneSegment) -> Result<SegmentUsers> {
    let open = cx.open()?;
    let all = open.store.read(carillon_store::segments::list).await?;
    let Some(own) = all.iter().find(|segment| segment.id == req.id) else {
        return Err(fail(Code::NotFound, "not_found.segment", &[("name", &req.id)]));
    };
    let asked: BTreeMap<String, Vec<String>> = open.store.with_index(|index| {
        let of = |expr| Needs::of(expr, &BTreeMap::new()).segments.into_iter().collect();
        let scope = index.scope().segments.iter();
        scope.map(|(name, expr)| (name.clone(), of(expr))).collect()
    });
    let asks = |by: &str, of: &str| {
        asked
            .get(by)
            .is_some_and(|names| names.iter().any(|name| name == of))
    };
    let some = |is: &dyn Fn(&str) -> bool| {
        let those = all.iter().filter(|other| is(&other.name));
        those.map(|other| user((other.id, other.name.clone()))).collect()
    };
    let (journeys, campaigns) = crate::journeys::using_segment(open, &own.name).await?;
    Ok(SegmentUsers {
        segments: some(&|other| asks(other, &own.name)),
        asks: some(&|other| asks(&own.name, other)),
        journeys: journeys.into_iter().map(user).collect(),
        campaigns: campaigns.into_iter().map(user).collect(),
    })
}

fn user<Id>((id, name): (Id, String)) -> SegmentUser<Id> {
    SegmentUser { id, name }
}
