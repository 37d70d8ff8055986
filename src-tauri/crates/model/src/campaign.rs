//! Campaigns: one message to the members of a segment, once.

use crate::{CampaignId, Moment};
use chrono::{NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A campaign as people set it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Campaign {
    pub name: String,
    /// The segment it goes to, by name.
    pub segment: String,
    /// Members of these segments get nothing, by name.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What is sent. One without a test; two to eight with one, the first of which is the control.
    pub variants: Vec<Variant>,
    /// Sender account by name; `None`: the workspace's default.
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub purpose: CampaignPurpose,
    pub when: When,
    /// Share of the audience that gets nothing, 0 to 50 percent: what the campaign is measured against.
    #[serde(default)]
    pub hold_out_percent: u8,
    /// What is compared with those who got nothing; `None`: nothing is.
    #[serde(default)]
    pub measure: Option<Measure>,
    #[serde(default)]
    pub test: Option<AbTest>,
}

/// What is counted of those who got a message and of those who were held out, declared before anything is sent. It must be
/// something both can do: an order, not a click.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Measure {
    /// Name of the event; at least once counts.
    pub metric: String,
    /// Days from the start within which it counts, 1 to 365.
    pub window_days: u32,
}

/// One of the messages a campaign tries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Variant {
    /// The template, by name.
    pub template: String,
    /// A subject in place of the template's, in the same language of placeholders.
    #[serde(default)]
    pub subject: Option<String>,
}

/// What a campaign's messages are in law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CampaignPurpose {
    /// Needs a permission, an unsubscribe link and the sender's address.
    #[default]
    Marketing,
    /// What people must be told whatever they agreed to. The suppression list still counts.
    Transactional,
}

/// When a campaign is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "when", rename_all = "snake_case")]
#[ts(export)]
pub enum When {
    /// As soon as the time to recall is over.
    Now,
    /// At a moment.
    At { at: Moment },
    /// At a wall-clock time in each contact's zone; who has none lives in the workspace's.
    AtLocal {
        /// `2026-12-01T09:00:00`.
        #[ts(type = "string")]
        at: NaiveDateTime,
        /// What those get for whom that time is over when the campaign starts.
        past: Past,
    },
}

/// What becomes of contacts in whose zone the time is over already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Past {
    /// They get it at the start.
    #[default]
    SendNow,
    /// They get none.
    Skip,
}

/// A comparison of variants on a part of the audience, declared before anything is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AbTest {
    /// Name of the event that counts: at most once a contact.
    pub metric: String,
    /// It counts when it happens within so many hours after the contact's message was accepted, 1 to 720.
    pub window_hours: u32,
    /// Share of the audience that takes part, 1 to 100 percent; the rest waits for the winner.
    pub sample_percent: u8,
    /// Share of recipients, 0 to 1, for whom the event is expected with the control.
    pub base_rate: f64,
    /// Smallest change worth finding, as a share of `base_rate`: 0.2 is from 5 % to 6 %.
    pub minimum_effect: f64,
    /// The test ends so many hours after the start, whatever it has found, 1 to 2160.
    pub ends_after_hours: u32,
    #[serde(default)]
    pub winner: WinnerBy,
    #[serde(default)]
    pub undecided: Undecided,
    /// The rest gets the winner at the next time its own clock shows this; `None`: at once.
    #[serde(default)]
    #[ts(type = "string | null")]
    pub rest_at: Option<NaiveTime>,
}

/// Who sends the winner to the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WinnerBy {
    /// The program, as soon as the test has decided.
    #[default]
    Itself,
    /// A person.
    Hand,
}

/// What the rest gets where the test ends without a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Undecided {
    /// A person chooses.
    #[default]
    Hand,
    /// The control.
    Control,
}

/// The life of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CampaignState {
    Draft,
    /// Confirmed; starts at a moment, and can be recalled until then.
    Scheduled,
    /// Started; nothing has left yet, and until a moment it can be recalled.
    Recallable,
    /// Messages leave.
    Sending,
    /// The sample gets its variants, and its answers are waited for.
    Testing,
    /// The test is over and a person chooses what the rest gets.
    Decided,
    /// Nothing leaves until it is resumed.
    Paused,
    /// Everybody got it, or will not.
    Done,
    /// Taken back before anything left.
    Recalled,
    /// Ended by hand; what had left had left.
    Stopped,
}

/// Where in a campaign's plan a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Gets a variant in the test, by its number from 0.
    Arm(u8),
    /// Gets the winner, or the only variant.
    Rest,
    /// Gets nothing.
    HeldOut,
}

/// What a test has come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[ts(export)]
pub enum Verdict {
    NotEnoughData,
    /// Ahead, and it may still be chance.
    Leading {
        arm: u8,
    },
    /// Better than each other variant at the declared level.
    Decided {
        arm: u8,
    },
    /// The test ended, and no difference was found.
    NoDifference,
}

/// How a campaign's test ended; written once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Decision {
    pub at: Moment,
    pub verdict: Verdict,
    /// What the rest gets, once that is known.
    pub chosen: Option<u8>,
    /// Chosen by a person.
    pub by_hand: bool,
    /// Counted recipients and hits of each variant when it was decided.
    pub counted: Vec<Counted>,
}

/// Recipients of a variant whose window is over, and those among them who did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Counted {
    pub recipients: u32,
    pub hits: u32,
}

/// Names a campaign: the number of the journey it is sent by.
impl From<CampaignId> for crate::JourneyId {
    fn from(id: CampaignId) -> crate::JourneyId {
        crate::JourneyId(id.0)
    }
}
