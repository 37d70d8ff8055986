//! What is asked of campaigns, and what is answered.

use carillon_model::campaign::{Campaign, CampaignState, Decision, Verdict};
use carillon_model::journey::Severity;
use carillon_model::message::MessageState;
use carillon_model::{CampaignId, Moment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which campaign.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneCampaign {
    pub id: CampaignId,
}

/// A campaign to save. Without an id, a new one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveCampaign {
    #[serde(default)]
    pub id: Option<CampaignId>,
    pub campaign: Campaign,
}

/// A confirmation: the count that was shown, and by how much it may differ by now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct StartCampaign {
    pub id: CampaignId,
    #[ts(type = "number")]
    pub count: u64,
    #[serde(default)]
    #[ts(type = "number")]
    pub may_differ: u64,
}

/// What the rest is to get, by the variant's number from 0.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ChooseVariant {
    pub id: CampaignId,
    pub variant: u8,
}

/// The people behind a number: `gets`, `held_out`, or a reason.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CampaignPeople {
    pub id: CampaignId,
    pub of: String,
    pub limit: u32,
}

/// How many it takes to find a difference.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PlanTest {
    pub metric: String,
    pub variants: u8,
    pub minimum_effect: f64,
    /// Where left out, what the workspace has seen.
    #[serde(default)]
    pub base_rate: Option<f64>,
}

/// How many it takes, and what it was worked out from.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TestPlan {
    /// Rate of the control, 0 to 1: the one given, or the workspace's own.
    pub base_rate: Option<f64>,
    /// Messages accepted in the last 90 days, and events by that name.
    #[ts(type = "number")]
    pub messages: i64,
    #[ts(type = "number")]
    pub events: i64,
    #[ts(type = "number | null")]
    pub per_arm: Option<u64>,
}

/// Seconds in which a campaign can be recalled, 0 to 3600.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RecallSecs {
    pub secs: u32,
}

/// A campaign in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CampaignListRow {
    pub id: CampaignId,
    pub name: String,
    pub state: CampaignState,
    pub segment: String,
    pub starts_at: Option<Moment>,
    pub recall_until: Option<Moment>,
    /// How many get it, once that is settled.
    #[ts(type = "number | null")]
    pub count: Option<u64>,
    #[ts(type = "number")]
    pub accepted: u64,
    #[ts(type = "number")]
    pub waiting: u64,
    pub variants: u32,
    pub updated_at: Moment,
}

/// A campaign with how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CampaignView {
    pub id: CampaignId,
    pub campaign: Campaign,
    pub state: CampaignState,
    /// What a pause goes back to.
    pub was: Option<CampaignState>,
    #[ts(type = "number | null")]
    pub count: Option<u64>,
    pub confirmed_at: Option<Moment>,
    pub recall_until: Option<Moment>,
    pub starts_at: Option<Moment>,
    pub started_at: Option<Moment>,
    pub done_at: Option<Moment>,
    /// Workspace time, for countdowns.
    pub now: Moment,
    pub progress: Option<CampaignProgress>,
    pub test: Option<TestView>,
    pub lift: Option<LiftView>,
}

/// How far a campaign has come.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CampaignProgress {
    /// Get a message, as of the start.
    #[ts(type = "number")]
    pub gets: u64,
    #[ts(type = "number")]
    pub held_out: u64,
    pub left_out: Vec<LeftOut>,
    /// Wait for the winner of the test.
    #[ts(type = "number")]
    pub rest: u64,
    /// Messages by state.
    pub states: Vec<CampaignStateCount>,
    /// Wait for their own clock to show the time.
    #[ts(type = "number")]
    pub waiting_for_time: u64,
    pub domains: Vec<DomainProgress>,
    /// When the last message leaves, by the account's limits; nothing where all is done.
    pub forecast: Option<Forecast>,
    /// Why the account sends nothing now.
    pub trouble: Option<String>,
}

/// Messages of a campaign in one state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CampaignStateCount {
    pub state: MessageState,
    #[ts(type = "number")]
    pub count: u64,
}

/// How far the messages to one domain have come; all others together under an empty one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DomainProgress {
    pub domain: String,
    #[ts(type = "number")]
    pub waiting: u64,
    #[ts(type = "number")]
    pub accepted: u64,
    #[ts(type = "number")]
    pub bounced: u64,
    /// Suppressed, expired or cancelled.
    #[ts(type = "number")]
    pub not_sent: u64,
    /// Unknown or frozen.
    #[ts(type = "number")]
    pub unknown: u64,
}

/// How many of the segment get nothing for one reason.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LeftOut {
    /// `excluded`, `suppressed`, `no_consent`, `topic_left`, `contact_paused`, `may_leave`, `no_address` or `past`.
    pub reason: String,
    #[ts(type = "number")]
    pub count: u64,
}

/// How many go to a domain; all others together under an empty one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DomainShare {
    pub domain: String,
    #[ts(type = "number")]
    pub count: u64,
}

/// How long it takes.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Forecast {
    /// What the account allows.
    #[ts(type = "number")]
    pub per_day: u64,
    /// Days it takes, the first included.
    #[ts(type = "number")]
    pub days: u64,
    pub finishes_at: Moment,
}

/// Something that stands in the way, or should be known.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CampaignProblem {
    pub severity: Severity,
    pub code: String,
    /// The setting that is meant.
    pub field: String,
    pub message: String,
}

/// What a campaign would do.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CampaignPreview {
    #[ts(type = "number")]
    pub members: u64,
    /// Get a message: what is confirmed.
    #[ts(type = "number")]
    pub gets: u64,
    #[ts(type = "number")]
    pub held_out: u64,
    pub left_out: Vec<LeftOut>,
    /// In the test, by variant.
    #[ts(type = "number[]")]
    pub arms: Vec<u64>,
    #[ts(type = "number")]
    pub rest: u64,
    pub domains: Vec<DomainShare>,
    pub problems: Vec<CampaignProblem>,
    pub starts_at: Moment,
    pub recall_secs: u32,
    pub forecast: Option<Forecast>,
}

/// One variant of a test.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ArmView {
    #[ts(type = "number")]
    pub assigned: u64,
    pub accepted: u32,
    /// Counted: their window is over.
    pub recipients: u32,
    pub hits: u32,
    /// 0 to 1, and where it lies at the level all variants share.
    pub rate: f64,
    pub rate_low: f64,
    pub rate_high: f64,
    pub unsubscribed: u32,
    pub complained: u32,
    /// Drives away more people than another variant.
    pub hurt: bool,
}

/// One variant beside another.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OddsView {
    pub arm: u8,
    pub against: u8,
    /// How many times the odds of the other; nothing where nobody of the other did it.
    pub odds: Option<f64>,
    pub low: f64,
    /// Nothing: there is no upper end yet.
    pub high: Option<f64>,
    pub decided: bool,
}

/// What a test says.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TestView {
    pub verdict: Verdict,
    pub arms: Vec<ArmView>,
    pub comparisons: Vec<OddsView>,
    #[ts(type = "number")]
    pub planned_per_arm: u64,
    /// Chance of a difference that is not there.
    pub level: f64,
    pub power: f64,
    pub ends_at: Option<Moment>,
    /// Accepted messages are not spread evenly over the variants.
    pub mismatch: bool,
    /// Still counts.
    pub open: bool,
    pub decision: Option<Decision>,
}

/// Contacts of one side, and those among them who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LiftSide {
    #[ts(type = "number")]
    pub of: u64,
    #[ts(type = "number")]
    pub did: u64,
}

/// What a campaign changed, against those it was held back from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LiftView {
    pub metric: String,
    /// What happens until then counts.
    pub until: Moment,
    /// The window is over.
    pub over: bool,
    /// Whoever was to get a message, whether or not it arrived.
    pub treated: LiftSide,
    pub held_out: LiftSide,
    /// By how much more of the treated did it, -1 to 1, with its interval at 95 %. Not before the window is over.
    pub difference: Option<LiftRange>,
    /// How many more of the treated did it than would have without.
    pub extra: Option<LiftRange>,
}

/// A figure and the interval it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LiftRange {
    pub at: f64,
    pub low: f64,
    pub high: f64,
}
