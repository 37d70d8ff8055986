//! A campaign's test: what its recipients do is noted, counted when their windows are over, and decided once.

use super::advance::turn;
use super::{ArmView, MOST_VARIANTS, OddsView, TestView};
use carillon_engine::experiment::{self, Design, Interval, MISMATCH_LEVEL, Outcomes, Reading, hurt, uneven};
use carillon_model::campaign::{
    AbTest, Campaign, CampaignState, Counted, Decision, Undecided, Verdict, WinnerBy,
};
use carillon_model::event::{Event, Prop};
use carillon_model::{EventId, Moment};
use carillon_store::campaigns::{self as rows, CampaignRow, Exposure, What};
use carillon_store::{Db, Tx, events};

/// Chance to find a difference that is not there.
pub const ALPHA: f64 = 0.05;
/// Chance to find the planned difference by the planned number.
pub const POWER: f64 = 0.8;

/// Rows of one write.
const BATCH: u32 = 2_000;

const UNSUBSCRIBED: &str = "email_unsubscribed";
const COMPLAINED: &str = "email_complained";

/// What a test is declared to look for.
pub fn design(test: &AbTest, variants: usize) -> Design {
    Design {
        alpha: ALPHA,
        power: POWER,
        base_rate: test.base_rate,
        minimum_effect: test.minimum_effect,
        arms: u8::try_from(variants.min(MOST_VARIANTS)).unwrap_or(2),
    }
}

/// Notes, counts and decides what is due. True: there may be more.
pub(super) fn look(tx: &mut Tx<'_>, mut row: CampaignRow, now: Moment) -> carillon_store::Result<bool> {
    let Some(test) = row.campaign.test.clone() else {
        return Ok(false);
    };
    let design = design(&test, row.campaign.variants.len());
    let news = events::after(tx, row.events, BATCH)?;
    for event in &news {
        note(tx, &row, &test, event)?;
    }
    let more = news.len() == BATCH as usize;
    if let Some(last) = news.last() {
        row.events = EventId(last.id.0);
        rows::update(tx, &row)?;
    }
    // What happened within a window must be known before it is counted.
    if more {
        return Ok(true);
    }
    let ripe = rows::ripe(tx, row.id, now, BATCH)?;
    if !ripe.is_empty() {
        rows::count(tx, row.id, design.arms, &ripe)?;
    }
    if ripe.len() == BATCH as usize {
        return Ok(true);
    }
    let over = row.ends_at.is_some_and(|ends| ends <= now);
    if ripe.is_empty() && !over {
        return Ok(false);
    }
    let hits = rows::outcomes(tx, row.id, What::Hit, design.arms)?;
    let reading = experiment::read(&design, &hits, over);
    if !matches!(reading.verdict, Verdict::Decided { .. } | Verdict::NoDifference) {
        return Ok(false);
    }
    let alarm = alarms(tx, &row, design.arms)?;
    decide(&mut row, &test, &reading, &hits, &alarm, now);
    rows::update(tx, &row)?;
    Ok(true)
}

/// Writes down how the test ended, and what follows.
fn decide(
    row: &mut CampaignRow,
    test: &AbTest,
    reading: &Reading,
    hits: &[Outcomes],
    alarm: &Alarms,
    now: Moment,
) {
    let chosen = match reading.verdict {
        // Whoever drives people away is not sent on without a person's word, nor is a comparison that is lopsided.
        Verdict::Decided { arm } => {
            let sound = !alarm.mismatch && !alarm.hurt.get(usize::from(arm)).copied().unwrap_or(false);
            (test.winner == WinnerBy::Itself && sound).then_some(arm)
        }
        _ => (test.undecided == Undecided::Control).then_some(0),
    };
    row.decision = Some(Decision {
        at: now,
        verdict: reading.verdict,
        chosen,
        by_hand: false,
        counted: counted(hits),
    });
    turn(row, chosen);
}

fn counted(hits: &[Outcomes]) -> Vec<Counted> {
    let of = |outcomes: &Outcomes| Counted {
        recipients: outcomes.recipients(),
        hits: outcomes.hits(),
    };
    hits.iter().map(of).collect()
}

/// Notes an event of a recipient within the window of its message.
fn note(tx: &mut Tx<'_>, row: &CampaignRow, test: &AbTest, event: &Event) -> carillon_store::Result<()> {
    let mut whats = Vec::new();
    if event.name == test.metric {
        whats.push(What::Hit);
    }
    match event.name.as_str() {
        UNSUBSCRIBED => whats.push(What::Unsubscribed),
        COMPLAINED => whats.push(What::Complained),
        _ => {}
    }
    if whats.is_empty() {
        return Ok(());
    }
    let Some(exposure) = rows::exposed(tx, row.id, event.contact)? else {
        return Ok(());
    };
    if exposure.counted
        || event.at < exposure.sent_at
        || event.at > exposure.due_at
        || !is_of(event, row, &exposure)
    {
        return Ok(());
    }
    for what in whats {
        rows::hit(tx, row.id, event.contact, what, event.at)?;
    }
    Ok(())
}

/// Whether an event that names a message or campaign names this one; one that names none may be of any.
fn is_of(event: &Event, row: &CampaignRow, exposure: &Exposure) -> bool {
    let names = |key: &str, number: i64, name: Option<&str>| match event.props.get(key) {
        None => true,
        Some(Prop::Number(n)) => (*n - number as f64).abs() < 0.5,
        Some(Prop::Text(text)) => *text == number.to_string() || name == Some(text.as_str()),
        Some(Prop::YesNo(_) | Prop::Money(_)) => false,
    };
    let name = Some(row.campaign.name.as_str());
    names("message", exposure.message.0, None)
        && names("campaign", i64::from(row.id.0), name)
        && names("journey", i64::from(row.id.0), name)
}

/// What speaks against trusting a test.
struct Alarms {
    /// Accepted messages are spread unevenly.
    mismatch: bool,
    /// Arms that drive more people away than another.
    hurt: Vec<bool>,
}

fn alarms(db: &Db<'_>, row: &CampaignRow, arms: u8) -> carillon_store::Result<Alarms> {
    let accepted = rows::arms_accepted(db, row.id, arms)?;
    let unsubscribed = hurt(&rows::outcomes(db, row.id, What::Unsubscribed, arms)?);
    let complained = hurt(&rows::outcomes(db, row.id, What::Complained, arms)?);
    Ok(Alarms {
        mismatch: uneven(&accepted) >= -MISMATCH_LEVEL.ln(),
        hurt: unsubscribed
            .iter()
            .zip(complained)
            .map(|(a, b)| *a || b)
            .collect(),
    })
}

/// What a test says, for the screen. After the decision what it was decided on, and nothing since.
pub fn test_view(db: &Db<'_>, row: &CampaignRow, test: &AbTest) -> carillon_store::Result<TestView> {
    let design = design(test, row.campaign.variants.len());
    let hits = rows::outcomes(db, row.id, What::Hit, design.arms)?;
    let accepted = rows::arms_accepted(db, row.id, design.arms)?;
    let unsubscribed = rows::outcomes(db, row.id, What::Unsubscribed, design.arms)?;
    let complained = rows::outcomes(db, row.id, What::Complained, design.arms)?;
    let alarm = alarms(db, row, design.arms)?;
    let reading = experiment::read(&design, &hits, false);
    let verdict = match &row.decision {
        Some(decision) => decision.verdict,
        None => reading.verdict,
    };
    let assigned = row
        .parts
        .as_ref()
        .map(|parts| parts.arms.clone())
        .unwrap_or_default();
    let arms = reading.arms.iter().enumerate().map(|(arm, of)| ArmView {
        assigned: assigned.get(arm).copied().unwrap_or(0),
        accepted: accepted.get(arm).copied().unwrap_or(0),
        recipients: of.recipients,
        hits: of.hits,
        rate: of.rate.at,
        rate_low: of.rate.low,
        rate_high: of.rate.high,
        unsubscribed: unsubscribed.get(arm).map_or(0, Outcomes::hits),
        complained: complained.get(arm).map_or(0, Outcomes::hits),
        hurt: alarm.hurt.get(arm).copied().unwrap_or(false),
    });
    let finite = |odds: Interval| odds.at.is_finite() && odds.high.is_finite();
    let comparisons = reading.comparisons.iter().map(|of| OddsView {
        arm: of.arm,
        against: of.against,
        odds: finite(of.odds).then_some(of.odds.at),
        low: of.odds.low,
        high: of.odds.high.is_finite().then_some(of.odds.high),
        decided: of.decided,
    });
    Ok(TestView {
        verdict,
        arms: arms.collect(),
        comparisons: comparisons.collect(),
        planned_per_arm: design.planned().per_arm,
        level: ALPHA,
        power: POWER,
        ends_at: row.ends_at,
        mismatch: alarm.mismatch,
        open: matches!(row.state, CampaignState::Testing) || row.was == Some(CampaignState::Testing),
        decision: row.decision.clone(),
    })
}

/// Whether the numbers of a test can be worked with; the setting that cannot.
pub fn unfit(campaign: &Campaign) -> Option<&'static str> {
    let test = campaign.test.as_ref()?;
    let variants = (2..=MOST_VARIANTS).contains(&campaign.variants.len());
    [
        ("variants", variants),
        ("metric", !test.metric.trim().is_empty()),
        ("window_hours", (1..=720).contains(&test.window_hours)),
        ("sample_percent", (1..=100).contains(&test.sample_percent)),
        ("base_rate", test.base_rate > 0.0 && test.base_rate < 1.0),
        (
            "minimum_effect",
            test.minimum_effect >= 0.01 && test.minimum_effect <= 10.0,
        ),
        (
            "ends_after_hours",
            (test.window_hours..=2_160).contains(&test.ends_after_hours),
        ),
    ]
    .into_iter()
    .find(|(_, fine)| !fine)
    .map(|(field, _)| field)
}
