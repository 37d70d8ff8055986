//! What a campaign changed: those who were to get it beside those who were held out, by what both could do.

use super::audience::shares;
use super::{LiftRange, LiftSide, LiftView};
use crate::error::Result;
use crate::workspaces::Open;
use carillon_engine::experiment::{Interval, Share, lift, place};
use carillon_model::ContactId;
use carillon_model::campaign::{Measure, Part};
use carillon_model::segment::{Clause, EventMatch, Expr, Times, Window};
use carillon_store::campaigns::{self as rows, CampaignRow};
use chrono::TimeDelta;

/// What is measured, or nothing where nobody was held out or nothing was declared.
pub(super) async fn view(open: &Open, row: &CampaignRow) -> Result<Option<LiftView>> {
    let (Some(measure), Some(started_at)) = (row.campaign.measure.clone(), row.started_at) else {
        return Ok(None);
    };
    let id = row.id;
    let audience = open.store.read(move |db| rows::audience(db, id)).await?;
    let Some(audience) = audience.filter(|_| row.campaign.hold_out_percent > 0) else {
        return Ok(None);
    };
    let now = open.now();
    let until = started_at + TimeDelta::days(i64::from(measure.window_days));
    let did = Expr::Clause(Clause::Did {
        event: EventMatch {
            name: measure.metric.clone(),
            props: Vec::new(),
        },
        times: Times::AtLeast(1),
        window: Window::Between {
            from: Some(started_at),
            to: Some(until),
        },
    });
    let did = open.store.with_index(|index| index.members(&did, now));
    let shares = shares(&row.campaign);
    let (mut treated, mut held_out) = (Share::default(), Share::default());
    for contact in &audience {
        let side = match place(id, ContactId(contact), shares) {
            Part::HeldOut => &mut held_out,
            Part::Arm(_) | Part::Rest => &mut treated,
        };
        side.of += 1;
        side.did += u64::from(did.contains(contact));
    }
    let over = now >= until;
    let difference = lift(treated, held_out).filter(|_| over);
    let side = |share: Share| LiftSide {
        of: share.of,
        did: share.did,
    };
    Ok(Some(LiftView {
        metric: measure.metric,
        until,
        over,
        treated: side(treated),
        held_out: side(held_out),
        difference: difference.map(|range| ranged(range, 1.0)),
        extra: difference.map(|range| ranged(range, treated.of as f64)),
    }))
}

fn ranged(range: Interval, times: f64) -> LiftRange {
    LiftRange {
        at: range.at * times,
        low: range.low * times,
        high: range.high * times,
    }
}

/// Whether a measure can be worked with; the setting that cannot.
pub fn unfit(measure: Option<&Measure>) -> Option<&'static str> {
    let measure = measure?;
    match () {
        () if measure.metric.trim().is_empty() => Some("measure"),
        () if !(1..=365).contains(&measure.window_days) => Some("window_days"),
        () => None,
    }
}
