//! What a campaign would do: who gets it, who does not and why, how long it takes, and what stands in its way.

use super::audience::{Audience, Chosen, audience};
use super::states::times;
use super::{
    CampaignPreview, CampaignProblem, DomainShare, Forecast, LeftOut, journey, lift, recall_secs, row, test,
};
use crate::Ctx;
use crate::accounts::default_account;
use crate::error::{Result, sentence};
use crate::journeys;
use crate::workspaces::Open;
use carillon_model::account::Account;
use carillon_model::campaign::{Campaign, CampaignPurpose, Past, When};
use carillon_model::journey::Severity;
use carillon_model::{CampaignId, Moment};
use carillon_store::{accounts, outbox, segments};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Domains that are shown by name; the others as one.
const DOMAINS: usize = 12;

impl CampaignPreview {
    /// What keeps it from being confirmed.
    pub fn errors(&self) -> impl Iterator<Item = &CampaignProblem> {
        self.problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
    }
}

pub(super) async fn preview(cx: &Ctx, req: super::OneCampaign) -> Result<CampaignPreview> {
    let open = cx.open()?;
    let campaign = row(open, req.id).await?.campaign;
    of(open, req.id, &campaign).await
}

/// The audience as it is now.
pub(super) async fn now(open: &Open, id: CampaignId, campaign: &Campaign) -> Result<(Audience, Moment)> {
    let now = open.now();
    let (starts, from) = times(&campaign.when, now, recall_secs(open).await?);
    let of = campaign.clone();
    let chosen = open.store.read(move |db| Chosen::read(db, &of)).await?;
    let read = open
        .store
        .with_index(|index| audience(index, id, campaign, &chosen, now, from));
    Ok((read, starts))
}

pub(super) async fn of(open: &Arc<Open>, id: CampaignId, campaign: &Campaign) -> Result<CampaignPreview> {
    let (read, starts_at) = now(open, id, campaign).await?;
    let forecast = forecast(open, campaign, read.gets(), starts_at).await?;
    let mut problems = problems(open, id, campaign, &read).await?;
    if let Some(days) = forecast.as_ref().map(|f| f.days).filter(|days| *days > 1) {
        let per_day = forecast.as_ref().map_or(0, |f| f.per_day);
        let params: [(&str, &dyn std::fmt::Display); 2] = [("per_day", &per_day), ("days", &days)];
        problems.push(problem(Severity::Warning, "slow", "account", &params));
    }
    Ok(CampaignPreview {
        members: read.members,
        gets: read.gets(),
        held_out: read.held_out.len(),
        left_out: read
            .left_out
            .iter()
            .map(|(reason, contacts)| LeftOut {
                reason: reason.word().to_owned(),
                count: contacts.len(),
            })
            .collect(),
        arms: read.parts.arms.clone(),
        rest: read.parts.rest,
        domains: shown(&read),
        problems,
        starts_at,
        recall_secs: recall_secs(open).await?,
        forecast,
    })
}

/// The largest domains by name, the others together under an empty one.
fn shown(read: &Audience) -> Vec<DomainShare> {
    let mut all: Vec<(&String, u64)> = read.domains.iter().map(|(domain, n)| (domain, *n)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let others: u64 = all.iter().skip(DOMAINS).map(|(_, n)| n).sum();
    let mut shares: Vec<DomainShare> = all
        .into_iter()
        .take(DOMAINS)
        .map(|(domain, count)| DomainShare {
            domain: domain.clone(),
            count,
        })
        .collect();
    if others > 0 {
        shares.push(DomainShare {
            domain: String::new(),
            count: others,
        });
    }
    shares
}

fn problem(
    severity: Severity,
    code: &str,
    field: &str,
    params: &[(&str, &dyn std::fmt::Display)],
) -> CampaignProblem {
    CampaignProblem {
        severity,
        code: code.to_owned(),
        field: field.to_owned(),
        message: sentence(&format!("campaigns.problem.{code}"), params),
    }
}

async fn problems(
    open: &Arc<Open>,
    id: CampaignId,
    campaign: &Campaign,
    read: &Audience,
) -> Result<Vec<CampaignProblem>> {
    let error = |code: &str, field: &str, params: &[(&str, &dyn std::fmt::Display)]| {
        problem(Severity::Error, code, field, params)
    };
    let mut found = Vec::new();
    let known: BTreeSet<String> = open
        .store
        .read(|db| {
            Ok(segments::list(db)?
                .into_iter()
                .map(|segment| segment.name)
                .collect())
        })
        .await?;
    if campaign.segment.trim().is_empty() {
        found.push(error("no_segment", "segment", &[]));
    }
    let named = [&campaign.segment].into_iter().chain(&campaign.exclude);
    for name in named.filter(|name| !name.trim().is_empty() && !known.contains(*name)) {
        found.push(error("unknown_segment", "segment", &[("name", name)]));
    }
    if campaign
        .variants
        .iter()
        .any(|variant| variant.template.trim().is_empty())
        || campaign.variants.is_empty()
    {
        found.push(error("no_template", "variants", &[]));
    }
    if open.workspace()?.postal_address.trim().is_empty() && campaign.purpose == CampaignPurpose::Marketing {
        found.push(error("no_address", "settings", &[]));
    }
    if campaign.hold_out_percent > 50 {
        found.push(error("hold_out", "hold_out_percent", &[]));
    }
    if let Some(field) = lift::unfit(campaign.measure.as_ref()) {
        found.push(error(&format!("measure_{field}"), field, &[]));
    }
    if let Some(field) = test::unfit(campaign) {
        found.push(error(&format!("test_{field}"), field, &[]));
    }
    if campaign.test.is_none() && campaign.variants.len() > 1 {
        found.push(error("variants_without_test", "variants", &[]));
    }
    match &campaign.when {
        When::At { at } if *at <= open.now() => found.push(error("past", "when", &[])),
        When::AtLocal {
            at,
            past: Past::SendNow,
        } if at.and_utc() + TimeDelta::hours(12) <= open.now() => {
            found.push(error("past", "when", &[]));
        }
        _ => {}
    }
    let drawn = journey(open, id).await?.draft;
    for of_journey in journeys::all_problems(open, &drawn).await? {
        // An empty template name is told above.
        let about = of_journey.params.get("name").map(String::as_str);
        let told = found
            .iter()
            .any(|other: &CampaignProblem| other.code == of_journey.code);
        if of_journey.severity == Severity::Error && !told && about != Some("") {
            let message = journeys::told(&of_journey);
            if !found.iter().any(|other| other.message == message) {
                found.push(CampaignProblem {
                    severity: Severity::Error,
                    code: of_journey.code.clone(),
                    field: of_journey.field.clone().unwrap_or_default(),
                    message,
                });
            }
        }
    }
    if found.is_empty() && read.gets() == 0 {
        found.push(error("nobody", "segment", &[]));
    }
    if let Some(test) = campaign.test.as_ref().filter(|_| found.is_empty()) {
        let planned = test::design(test, campaign.variants.len()).planned().per_arm;
        let smallest = read.parts.arms.iter().min().copied().unwrap_or(0);
        if smallest < planned {
            found.push(problem(
                Severity::Warning,
                "too_few",
                "sample_percent",
                &[("have", &smallest), ("planned", &planned)],
            ));
        }
    }
    Ok(found)
}

/// The account a campaign is sent from, if there is one.
pub(super) async fn account(open: &Open, campaign: &Campaign) -> Result<Option<Account>> {
    match campaign.account.clone() {
        None => default_account(open).await,
        Some(name) => Ok(open
            .store
            .read(move |db| accounts::by_name(db, &name))
            .await?
            .map(|row| row.account)),
    }
}

/// How long so many messages take, by the account's limits and what waits for it already.
pub(super) async fn forecast(
    open: &Open,
    campaign: &Campaign,
    messages: u64,
    starts_at: Moment,
) -> Result<Option<Forecast>> {
    let Some(account) = account(open, campaign).await? else {
        return Ok(None);
    };
    let (id, now) = (account.id, open.now());
    let (spent, waiting) = open
        .store
        .read(move |db| {
            let since = now - TimeDelta::hours(24);
            Ok((accounts::spent(db, id, since)?, outbox::waiting_for(db, id)?))
        })
        .await?;
    let spent = if starts_at > now + TimeDelta::hours(24) {
        0
    } else {
        spent
    };
    let per_day = u64::from(account.per_day.max(1));
    let per_minute = u64::from(account.per_minute.max(1));
    Ok(Some(finish(
        messages + waiting,
        per_day,
        per_minute,
        u64::from(spent),
        starts_at,
    )))
}

fn finish(messages: u64, per_day: u64, per_minute: u64, spent: u64, starts_at: Moment) -> Forecast {
    let today = per_day.saturating_sub(spent);
    let later = messages.saturating_sub(today);
    let whole_days = later.div_ceil(per_day);
    let last = match whole_days {
        0 => messages,
        days => later - (days - 1) * per_day,
    };
    let minutes = i64::try_from(last / per_minute).unwrap_or(i64::MAX / 100_000);
    let days = i64::try_from(whole_days).unwrap_or(36_500).min(36_500);
    Forecast {
        per_day,
        days: whole_days + 1,
        finishes_at: starts_at + TimeDelta::days(days) + TimeDelta::minutes(minutes.min(1_440)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_thousand_at_five_hundred_a_day_take_four_days() {
        let start = Moment::UNIX_EPOCH;
        let of = |messages, spent| finish(messages, 500, 10, spent, start);
        assert_eq!(of(2_000, 0).days, 4);
        assert_eq!(
            of(2_000, 0).finishes_at,
            start + TimeDelta::days(3) + TimeDelta::minutes(50)
        );
        assert_eq!(of(500, 0).days, 1);
        assert_eq!(of(500, 0).finishes_at, start + TimeDelta::minutes(50));
        assert_eq!(of(500, 1).days, 2);
        assert_eq!(of(0, 500).days, 1);
    }
}
