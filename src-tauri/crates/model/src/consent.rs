//! Permission: the ledger, what it amounts to, and the list that outlives deletion.

use crate::{ContactId, Moment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A way to reach a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Channel {
    Email,
    Sms,
    Phone,
    Post,
    Push,
}

/// What a contact is written to for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Purpose {
    Marketing,
    Transactional,
    Tracking,
}

/// The legal ground of a permission (GDPR Art. 6(1); CASL implied consent; PECR reg. 22 soft opt-in).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Basis {
    Consent,
    DoubleOptIn,
    SoftOptIn,
    Contract,
    LegitimateInterest,
    Implied,
}

/// What a row of the ledger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ConsentAction {
    Granted,
    Withdrawn,
    /// Said in a form, and not confirmed by whoever owns the address: it permits nothing, and takes nothing back.
    Requested,
}

/// One row of the append-only consent ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Consent {
    pub contact: ContactId,
    pub channel: Channel,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub basis: Basis,
    /// The words the contact agreed to, where known.
    pub wording: Option<String>,
    /// BLAKE3 of the wording, hex: proves it unchanged.
    pub wording_hash: Option<String>,
    pub source: String,
    pub at: Moment,
}

/// Why an address is never written to again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SuppressionReason {
    Unsubscribed,
    Bounced,
    Complained,
    Manual,
    Imported,
    Erased,
}
