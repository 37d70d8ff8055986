//! Confirm, recall, pause, resume, stop, and the choice of a winner.

use super::advance::turn;
use super::audience::{Chosen, audience, first_of};
use super::{
    CampaignView, ChooseVariant, MOST_VARIANTS, OneCampaign, StartCampaign, preview, recall_secs, row, view,
};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::journeys::{finish_stop, publish_with};
use crate::runtime::dispatch;
use crate::workspaces::Open;
use carillon_model::campaign::CampaignState::{
    Decided, Draft, Paused, Recallable, Recalled, Scheduled, Sending, Stopped, Testing,
};
use carillon_model::campaign::{Decision, Verdict, When};
use carillon_model::journey::JourneyState;
use carillon_model::{CampaignId, ContactId, Moment};
use carillon_store::campaigns::{self as rows, CampaignRow};
use carillon_store::{Priority, Tx, events, journeys as journey_rows};
use chrono::TimeDelta;
use std::sync::Arc;

/// When a campaign that is confirmed at `now` starts, and until when it can be recalled: nothing leaves before.
pub(super) fn times(when: &When, now: Moment, recall_secs: u32) -> (Moment, Moment) {
    let starts = match when {
        When::Now => now,
        When::At { at } => *at,
        When::AtLocal { at, .. } => first_of(*at),
    };
    let starts = starts.max(now);
    (
        starts,
        starts.max(now + TimeDelta::seconds(i64::from(recall_secs))),
    )
}

fn not_now(row: &CampaignRow) -> ApiError {
    let word = serde_json::to_value(row.state).unwrap_or_default();
    let state = crate::error::sentence(
        &format!("campaigns.states.{}", word.as_str().unwrap_or_default()),
        &[],
    );
    fail(
        Code::Refused,
        "campaigns.state",
        &[("name", &row.campaign.name), ("state", &state)],
    )
}

pub(super) async fn start(cx: &Ctx, req: StartCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    let read = row(open, req.id).await?;
    if !matches!(read.state, Draft | Recalled) {
        return Err(not_now(&read));
    }
    let seen = preview::of(open, req.id, &read.campaign).await?;
    let errors: Vec<String> = seen
        .errors()
        .map(|problem| format!("  {}", problem.message))
        .collect();
    if !errors.is_empty() {
        return Err(fail(
            Code::Refused,
            "campaigns.problems",
            &[("name", &read.campaign.name), ("list", &errors.join("\n"))],
        ));
    }
    let differs = move |now: u64| now.abs_diff(req.count) > req.may_differ;
    let changed = |now: u64| {
        fail(
            Code::Stale,
            "campaigns.count",
            &[("now", &now), ("was", &req.count)],
        )
    };
    if differs(seen.gets) {
        return Err(changed(seen.gets));
    }
    let drawn = super::journey(open, req.id).await?;
    let secs = recall_secs(open).await?;
    let (campaign, now) = (read.campaign.clone(), open.now());
    let done = publish_with(open, drawn, move |tx| {
        let Some(mut row) = rows::get(tx, req.id)? else {
            return Ok(false);
        };
        if !matches!(row.state, Draft | Recalled) || row.campaign != campaign {
            return Ok(false);
        }
        let (starts, recall) = times(&row.campaign.when, now, secs);
        row.confirmed_at = Some(now);
        row.count = Some(req.count);
        row.starts_at = Some(starts);
        row.recall_until = Some(recall);
        row.state = Scheduled;
        if starts <= now {
            let count = begin(tx, &mut row, now, recall)?;
            if differs(count) {
                return Ok(false);
            }
            row.state = Recallable;
        }
        rows::update(tx, &row)?;
        Ok(true)
    })
    .await?;
    if !done {
        let again = preview::of(open, req.id, &read.campaign).await?;
        return Err(match differs(again.gets) {
            true => changed(again.gets),
            false => fail(Code::Stale, "campaigns.changed", &[("name", &read.campaign.name)]),
        });
    }
    view(cx, OneCampaign { id: req.id }).await
}

/// Reads who gets it as of `now`, for messages that leave from `from` on, and keeps that. How many.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    row: &mut CampaignRow,
    now: Moment,
    from: Moment,
) -> carillon_store::Result<u64> {
    let chosen = Chosen::read(tx, &row.campaign)?;
    let read = tx.with_index(|index| audience(index, row.id, &row.campaign, &chosen, now, from));
    let left_out: Vec<_> = read
        .left_out
        .iter()
        .map(|(reason, contacts)| (reason.word(), contacts.clone()))
        .collect();
    rows::set_audience(tx, row.id, &read.all, &left_out)?;
    row.parts = Some(read.parts.clone());
    row.events = events::last_id(tx)?;
    Ok(read.gets())
}

/// Changes a campaign in the write that looks at it; `change` says whether it may.
async fn change(
    open: &Arc<Open>,
    id: CampaignId,
    change: impl FnOnce(&mut CampaignRow, Moment) -> Option<Option<JourneyState>> + Send + 'static,
) -> Result<CampaignRow> {
    let now = open.now();
    let (row, done) = open
        .store
        .write(Priority::User, move |tx| {
            let Some(mut row) = rows::get(tx, id)? else {
                return Err(carillon_store::Error::NotFound {
                    what: "campaign",
                    id: id.to_string(),
                });
            };
            let Some(journey) = change(&mut row, now) else {
                return Ok((row, false));
            };
            rows::update(tx, &row)?;
            if let Some(state) = journey {
                journey_rows::set_state(tx, id.into(), state)?;
            }
            Ok((row, true))
        })
        .await?;
    match done {
        true => {
            open.runtime.nudge();
            Ok(row)
        }
        false => Err(not_now(&row)),
    }
}

/// Takes a campaign back before anything left.
pub(super) async fn recall(cx: &Ctx, req: OneCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    row(open, req.id).await?;
    change(open, req.id, |row, now| {
        let in_time = row.recall_until.is_some_and(|until| now < until);
        if !matches!(row.state, Scheduled | Recallable) || !in_time {
            return None;
        }
        row.state = Recalled;
        row.done_at = Some(now);
        Some(Some(JourneyState::Stopped))
    })
    .await?;
    view(cx, req).await
}

pub(super) async fn pause(cx: &Ctx, req: OneCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    row(open, req.id).await?;
    change(open, req.id, |row, _| {
        if !matches!(row.state, Sending | Testing) {
            return None;
        }
        row.was = Some(row.state);
        row.state = Paused;
        Some(Some(JourneyState::Paused))
    })
    .await?;
    view(cx, req).await
}

pub(super) async fn resume(cx: &Ctx, req: OneCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    row(open, req.id).await?;
    change(open, req.id, |row, _| {
        let was = row.was.filter(|_| row.state == Paused)?;
        row.state = was;
        row.was = None;
        Some(Some(JourneyState::Live))
    })
    .await?;
    dispatch::try_again(open, None).await?;
    open.runtime.nudge();
    view(cx, req).await
}

pub(super) async fn stop(cx: &Ctx, req: OneCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    row(open, req.id).await?;
    change(open, req.id, |row, now| {
        if !matches!(row.state, Sending | Testing | Decided | Paused) {
            return None;
        }
        row.state = Stopped;
        row.was = None;
        row.done_at = Some(now);
        Some(Some(JourneyState::Stopped))
    })
    .await?;
    finish_stop(open, req.id.into()).await?;
    view(cx, req).await
}

/// What the rest gets, by a person's word: after the test, or in place of its decision.
pub(super) async fn choose(cx: &Ctx, req: ChooseVariant) -> Result<CampaignView> {
    let open = cx.open()?;
    let read = row(open, req.id).await?;
    if usize::from(req.variant) >= read.campaign.variants.len().min(MOST_VARIANTS) {
        return Err(fail(
            Code::Invalid,
            "campaigns.no_variant",
            &[("n", &(req.variant + 1))],
        ));
    }
    change(open, req.id, move |row, now| {
        // The sample is let in first: whoever is not in yet would get nothing.
        if !matches!(row.state, Testing | Decided) || row.entered != ContactId(u32::MAX) {
            return None;
        }
        let decision = row.decision.get_or_insert_with(|| Decision {
            at: now,
            verdict: Verdict::NotEnoughData,
            chosen: None,
            by_hand: true,
            counted: Vec::new(),
        });
        decision.chosen = Some(req.variant);
        decision.by_hand = true;
        turn(row, Some(req.variant));
        Some(None)
    })
    .await?;
    view(cx, OneCampaign { id: req.id }).await
}
