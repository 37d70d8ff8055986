//! Campaigns: one message to the members of a segment, once, with a test of variants where somebody wants one.
//!
//! Each campaign is sent by a journey of its own, which the lists of journeys leave out: [`document`]. What it does by
//! itself as time goes on is [`advance`].

pub mod advance;
mod audience;
mod document;
mod lift;
mod preview;
mod states;
mod test;
mod words;

pub use document::variant_of;
pub use words::*;

use crate::Ctx;
use crate::commands;
use crate::contacts::Named;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::journeys::named;
use crate::runtime::dispatch;
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use carillon_engine::experiment::Design;
use carillon_model::campaign::{Campaign, CampaignState};
use carillon_model::message::MessageState;
use carillon_model::{CampaignId, ContactId};
use carillon_store::campaigns::{self as rows, CampaignRow, DomainCount, Parts};
use carillon_store::journeys::JourneyRow;
use carillon_store::{Priority, outbox, rollups, settings};
use preview::preview;
use roaring::RoaringBitmap;
use states::{choose, pause, recall, resume, start, stop};
use std::collections::BTreeMap;
use std::sync::Arc;

commands! {
    query "campaigns.list" list(NoArgs) -> Vec<CampaignListRow>, reads [Campaigns, Outbox];
    query "campaigns.get" view(OneCampaign) -> CampaignView, reads [Campaigns, Outbox, Enrolments, Accounts];
    mutate "campaigns.save" save(SaveCampaign) -> CampaignView, reads [];
    mutate "campaigns.duplicate" duplicate(OneCampaign) -> CampaignView, reads [];
    mutate "campaigns.delete" delete(OneCampaign) -> Done, reads [];
    query "campaigns.preview" preview(OneCampaign) -> CampaignPreview, reads [Campaigns, Membership, Contacts, Consents, Suppressions, Segments, Templates, Accounts, Outbox, Workspace, Responses];
    query "campaigns.people" people(CampaignPeople) -> Vec<Named>, reads [Campaigns, Membership, Contacts, Consents, Suppressions, Segments, Responses];
    query "campaigns.plan" plan(PlanTest) -> TestPlan, reads [Events, Reports];
    mutate "campaigns.start" start(StartCampaign) -> CampaignView, reads [];
    mutate "campaigns.recall" recall(OneCampaign) -> CampaignView, reads [];
    mutate "campaigns.pause" pause(OneCampaign) -> CampaignView, reads [];
    mutate "campaigns.resume" resume(OneCampaign) -> CampaignView, reads [];
    mutate "campaigns.stop" stop(OneCampaign) -> CampaignView, reads [];
    mutate "campaigns.choose" choose(ChooseVariant) -> CampaignView, reads [];
    query "campaigns.recall_secs" get_recall(NoArgs) -> RecallSecs, reads [Workspace];
    mutate "campaigns.set_recall_secs" set_recall(RecallSecs) -> RecallSecs, reads [];
}

/// Variants of one test.
pub const MOST_VARIANTS: usize = 8;

/// Setting with the seconds in which a campaign can be recalled.
const RECALL_SECS: &str = "campaign_recall_secs";
const RECALL: u32 = 60;
const LONGEST_RECALL: u32 = 3_600;

/// Rows of domains that are shown by name.
const DOMAINS: usize = 20;

async fn recall_secs(open: &Open) -> Result<u32> {
    let kept = open
        .store
        .read(|db| settings::get::<u32>(db, RECALL_SECS))
        .await?;
    Ok(kept.unwrap_or(RECALL))
}

async fn get_recall(cx: &Ctx, _: NoArgs) -> Result<RecallSecs> {
    Ok(RecallSecs {
        secs: recall_secs(cx.open()?).await?,
    })
}

async fn set_recall(cx: &Ctx, req: RecallSecs) -> Result<RecallSecs> {
    let secs = req.secs.min(LONGEST_RECALL);
    cx.open()?
        .store
        .write(Priority::User, move |tx| {
            settings::set(tx, RECALL_SECS, Some(&secs))
        })
        .await?;
    Ok(RecallSecs { secs })
}

async fn row(open: &Open, id: CampaignId) -> Result<CampaignRow> {
    let found = open.store.read(move |db| rows::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.campaign", &[("name", &id)]))
}

/// The journey that sends a campaign.
async fn journey(open: &Open, id: CampaignId) -> Result<JourneyRow> {
    crate::journeys::row(open, id.into()).await
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<CampaignListRow>> {
    let open = cx.open()?;
    Ok(open
        .store
        .read(|db| {
            let mut all = Vec::new();
            for row in rows::list(db)? {
                let counts = outbox::counts(db, Some(row.id.into()))?;
                let of = |state| counts.get(&state).copied().unwrap_or(0);
                all.push(CampaignListRow {
                    accepted: of(MessageState::Accepted),
                    waiting: of(MessageState::Queued) + of(MessageState::Deferred),
                    variants: u32::try_from(row.campaign.variants.len()).unwrap_or(u32::MAX),
                    id: row.id,
                    name: row.campaign.name,
                    state: row.state,
                    segment: row.campaign.segment,
                    starts_at: row.starts_at,
                    recall_until: row.recall_until,
                    count: row.parts.as_ref().map(Parts::gets).or(row.count),
                    updated_at: row.updated_at,
                });
            }
            Ok(all)
        })
        .await?)
}

fn cleaned(mut campaign: Campaign) -> Campaign {
    campaign.name = clean::line(&campaign.name);
    for variant in &mut campaign.variants {
        let subject = variant.subject.as_deref().map(clean::line);
        variant.subject = subject.filter(|subject| !subject.is_empty());
    }
    campaign.account = campaign.account.filter(|name| !name.trim().is_empty());
    campaign.exclude.retain(|name| !name.trim().is_empty());
    if campaign.hold_out_percent == 0 {
        campaign.measure = None;
    }
    campaign
}

async fn save(cx: &Ctx, req: SaveCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    let campaign = cleaned(req.campaign);
    if campaign.name.is_empty() {
        return Err(fail(Code::Invalid, "campaigns.no_name", &[]).at("name"));
    }
    let drawn = document::document(&campaign);
    let id = open
        .store
        .write(Priority::User, move |tx| {
            rows::save(tx, req.id, &campaign, &drawn)
        })
        .await?;
    view(cx, OneCampaign { id }).await
}

async fn duplicate(cx: &Ctx, req: OneCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    let mut campaign = row(open, req.id).await?.campaign;
    campaign.name = crate::journeys::free_name(open, &campaign.name).await?;
    save(cx, SaveCampaign { id: None, campaign }).await
}

async fn delete(cx: &Ctx, req: OneCampaign) -> Result<Done> {
    cx.open()?
        .store
        .write(Priority::User, move |tx| rows::remove(tx, req.id))
        .await?;
    Ok(Done {})
}

async fn view(cx: &Ctx, req: OneCampaign) -> Result<CampaignView> {
    let open = cx.open()?;
    let row = row(open, req.id).await?;
    let progress = match row.parts {
        Some(_) => Some(progress(open, &row).await?),
        None => None,
    };
    let of_test = row.clone();
    let test = match row.campaign.test.clone().filter(|_| row.parts.is_some()) {
        Some(test) => Some(
            open.store
                .read(move |db| test::test_view(db, &of_test, &test))
                .await?,
        ),
        None => None,
    };
    let lift = lift::view(open, &row).await?;
    Ok(CampaignView {
        id: row.id,
        campaign: row.campaign,
        state: row.state,
        was: row.was,
        count: row.count,
        confirmed_at: row.confirmed_at,
        recall_until: row.recall_until,
        starts_at: row.starts_at,
        started_at: row.started_at,
        done_at: row.done_at,
        now: open.now(),
        progress,
        test,
        lift,
    })
}

async fn progress(open: &Arc<Open>, row: &CampaignRow) -> Result<CampaignProgress> {
    let id = row.id;
    let (counts, domains, left_out, standing) = open
        .store
        .read(move |db| {
            let versions = carillon_store::journeys::versions(db, id.into())?;
            Ok((
                outbox::counts(db, Some(id.into()))?,
                rows::domains(db, id)?,
                rows::left_out(db, id)?,
                crate::journeys::active(db, &versions)?,
            ))
        })
        .await?;
    let parts = row.parts.clone().unwrap_or_default();
    let gets = parts.gets();
    let made: u64 = counts.values().sum();
    let over = matches!(
        row.state,
        CampaignState::Done | CampaignState::Stopped | CampaignState::Recalled
    );
    // What waits is counted in the forecast already; what is still to be decided comes to it.
    let forecast = match over {
        true => None,
        false => preview::forecast(open, &row.campaign, gets.saturating_sub(made), open.now()).await?,
    };
    let account = preview::account(open, &row.campaign).await?;
    let trouble = match account.filter(|_| !over) {
        Some(account) => dispatch::trouble(open, account.id).await?,
        None => None,
    };
    Ok(CampaignProgress {
        gets,
        held_out: parts.held_out,
        left_out: left_out
            .into_iter()
            .map(|(reason, contacts)| LeftOut {
                reason,
                count: contacts.len(),
            })
            .collect(),
        rest: parts.rest,
        states: counts
            .into_iter()
            .map(|(state, count)| CampaignStateCount { state, count })
            .collect(),
        waiting_for_time: standing,
        domains: by_domain(domains),
        forecast,
        trouble,
    })
}

fn by_domain(counts: Vec<DomainCount>) -> Vec<DomainProgress> {
    let mut by_domain: BTreeMap<String, DomainProgress> = BTreeMap::new();
    for DomainCount { domain, state, count } in counts {
        let of = by_domain.entry(domain).or_default();
        match state {
            MessageState::Accepted => of.accepted += count,
            MessageState::Bounced => of.bounced += count,
            MessageState::Suppressed | MessageState::Expired | MessageState::Cancelled => {
                of.not_sent += count
            }
            MessageState::Unknown | MessageState::Frozen => of.unknown += count,
            MessageState::Queued
            | MessageState::Deferred
            | MessageState::Claimed
            | MessageState::InFlight => {
                of.waiting += count;
            }
        }
    }
    let sum = |of: &DomainProgress| of.waiting + of.accepted + of.bounced + of.not_sent + of.unknown;
    let mut all: Vec<DomainProgress> = by_domain
        .into_iter()
        .map(|(domain, of)| DomainProgress { domain, ..of })
        .collect();
    all.sort_by(|a, b| sum(b).cmp(&sum(a)).then(a.domain.cmp(&b.domain)));
    if all.len() > DOMAINS {
        let others = all
            .split_off(DOMAINS)
            .into_iter()
            .fold(DomainProgress::default(), |all, of| DomainProgress {
                domain: String::new(),
                waiting: all.waiting + of.waiting,
                accepted: all.accepted + of.accepted,
                bounced: all.bounced + of.bounced,
                not_sent: all.not_sent + of.not_sent,
                unknown: all.unknown + of.unknown,
            });
        all.push(others);
    }
    all
}

/// People shown behind one number.
const PEOPLE: u32 = 200;

async fn people(cx: &Ctx, req: CampaignPeople) -> Result<Vec<Named>> {
    let open = cx.open()?;
    let all = everybody(open, req.id).await?;
    let wanted = match req.of.as_str() {
        "gets" => all.gets,
        "held_out" => all.held_out,
        word => all
            .left_out
            .into_iter()
            .find(|(reason, _)| reason == word)
            .map(|(_, contacts)| contacts)
            .unwrap_or_default(),
    };
    let limit = req.limit.min(PEOPLE) as usize;
    let ids: Vec<ContactId> = wanted.iter().take(limit).map(ContactId).collect();
    Ok(open.store.read(move |db| named(db, &ids)).await?)
}

/// The members of a campaign's segment.
pub(crate) struct Everybody {
    pub gets: RoaringBitmap,
    pub held_out: RoaringBitmap,
    /// By the word of the reason.
    pub left_out: Vec<(String, RoaringBitmap)>,
}

/// Whom a campaign is about: as of its start, or as they would be now.
///
/// # Errors
/// When there is no such campaign.
pub(crate) async fn everybody(open: &Open, id: CampaignId) -> Result<Everybody> {
    let row = row(open, id).await?;
    if row.parts.is_none() {
        let (read, _) = preview::now(open, id, &row.campaign).await?;
        let left_out = read.left_out.into_iter();
        return Ok(Everybody {
            gets: &read.all - &read.held_out,
            held_out: read.held_out,
            left_out: left_out
                .map(|(reason, who)| (reason.word().to_owned(), who))
                .collect(),
        });
    }
    let (audience, left_out) = open
        .store
        .read(move |db| {
            Ok((
                rows::audience(db, id)?.unwrap_or_default(),
                rows::left_out(db, id)?,
            ))
        })
        .await?;
    let shares = audience::shares(&row.campaign);
    let held = |contact: &u32| {
        let part = carillon_engine::experiment::place(id, ContactId(*contact), shares);
        part == carillon_model::campaign::Part::HeldOut
    };
    let (held_out, gets) = audience.iter().partition(held);
    Ok(Everybody {
        gets,
        held_out,
        left_out,
    })
}

/// Days of the workspace's own history that a base rate is read from.
const HISTORY_DAYS: i64 = 90;
/// Messages from which on a base rate is read from it.
const ENOUGH: i64 = 100;

async fn plan(cx: &Ctx, req: PlanTest) -> Result<TestPlan> {
    let open = cx.open()?;
    let zone = open.store.catalogue().zone();
    let today = carillon_store::time::days(open.now().with_timezone(&zone).date_naive());
    let metric = req.metric.clone();
    let (messages, events) = open
        .store
        .read(move |db| {
            let first = today - HISTORY_DAYS;
            let sum = |found: Vec<(i64, i64)>| found.into_iter().map(|(_, n)| n).sum::<i64>();
            let accepted = rollups::series(db, rollups::Metric::Accepted, None, first * 24, i64::MAX)?;
            let events = rollups::series_of_part(db, rollups::Metric::Events, 0, &metric, first, i64::MAX)?;
            Ok((sum(accepted), sum(events)))
        })
        .await?;
    // Fewer messages say nothing, and what happens more often than messages are sent is not theirs.
    let seen =
        (messages >= ENOUGH && events > 0 && events < messages).then(|| events as f64 / messages as f64);
    let base_rate = req.base_rate.or(seen).filter(|rate| *rate > 0.0 && *rate < 1.0);
    let per_arm = base_rate.filter(|_| req.minimum_effect >= 0.01).map(|base_rate| {
        let design = Design {
            alpha: test::ALPHA,
            power: test::POWER,
            base_rate,
            minimum_effect: req.minimum_effect,
            arms: req.variants.clamp(2, MOST_VARIANTS as u8),
        };
        design.planned().per_arm
    });
    Ok(TestPlan {
        base_rate,
        messages,
        events,
        per_arm,
    })
}
