//! What is asked of providers, and what is answered.

use crate::accounts::Keep;
use carillon_model::provider::{Provider, ProviderKind};
use carillon_model::{Moment, ProviderId};
use carillon_store::providers::QuotaTold;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An account at a provider, in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProviderView {
    pub id: ProviderId,
    pub name: String,
    /// What people call the company.
    pub label: String,
    pub settings: Provider,
    /// It tells what came back, as it is set up: then it is a source of opt-outs.
    pub tells: bool,
    /// It is not read.
    pub off: bool,
    pub has_secret: bool,
    /// Its key is in the file of passwords, whose passphrase was not given yet.
    pub locked: bool,
    /// Everything up to then is taken in.
    pub read_at: Option<Moment>,
    /// Why it could not be read since.
    pub trouble: Option<String>,
    /// What it said last of what it may send, if it says.
    pub quota: Option<ProviderQuota>,
    /// Names of the sender accounts that leave through it.
    pub accounts: Vec<String>,
}

/// What a provider may send.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProviderQuota {
    /// When it said so.
    pub at: Moment,
    /// Messages in any 24 hours, or in the plan's period where `per_day` is false. Nothing: as many as one likes.
    #[ts(type = "number | null")]
    pub limit: Option<u64>,
    #[ts(type = "number")]
    pub sent: u64,
    pub per_day: bool,
    pub per_second: Option<f64>,
    /// False: only to addresses that were confirmed there.
    pub production: bool,
}

impl From<QuotaTold> for ProviderQuota {
    fn from(told: QuotaTold) -> ProviderQuota {
        ProviderQuota {
            at: told.at,
            limit: told.limit,
            sent: told.sent,
            per_day: told.per_day,
            per_second: told.per_second,
            production: told.production,
        }
    }
}

/// A provider to choose.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProviderKindView {
    pub kind: ProviderKind,
    pub label: String,
    /// Where an account can live; none: there is one place, or the region is written out.
    pub regions: Vec<String>,
    /// `YYYY-MM-DD`: when its rules were read.
    pub dated: String,
    /// Where.
    pub source: String,
}

/// A provider as a user writes it. What another kind would need is left out.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ProviderDraft {
    pub name: String,
    pub settings: Provider,
}

/// A provider to add.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddProvider {
    pub provider: ProviderDraft,
}

/// A provider to change.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateProvider {
    pub id: ProviderId,
    pub provider: ProviderDraft,
}

/// A provider that was saved.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProviderSaved {
    pub id: ProviderId,
    pub name: String,
}

/// Which provider.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneProvider {
    pub id: ProviderId,
}

/// A provider to be read no more, or again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SwitchProvider {
    pub id: ProviderId,
    pub off: bool,
}

/// The key of a provider. It goes in and never comes out.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SetProviderSecret {
    pub id: ProviderId,
    pub secret: String,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for SetProviderSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetProviderSecret")
            .field("id", &self.id)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// How a test went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ProviderTest {
    pub ok: bool,
    /// Why not.
    pub message: String,
    /// It tells what came back, as it is set up.
    pub tells: bool,
    /// Things that wait to be read, in the first page of them.
    pub found: u32,
    pub quota: Option<ProviderQuota>,
}
