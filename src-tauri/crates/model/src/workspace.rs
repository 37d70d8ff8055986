//! The workspace: one file a client.

use crate::Moment;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a workspace tells the time; fixed when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ClockKind {
    /// The machine's clock.
    Real,
    /// A clock that moves only when somebody moves it; such a workspace dials loopback only.
    Virtual,
}

/// What a workspace says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Workspace {
    pub name: String,
    pub clock: ClockKind,
    /// Made by the sample generator: marked everywhere, and it dials loopback only.
    pub sample: bool,
    /// IANA zone used where a contact has none.
    pub time_zone: String,
    /// Sender's postal address, in each marketing mail (CAN-SPAM 16 CFR 316, CASL s. 6).
    pub postal_address: String,
    /// Name people know the sender by.
    pub organisation: String,
    pub created_at: Moment,
}

impl Workspace {
    /// Whether connections to anything but this machine are refused.
    pub fn loopback_only(&self) -> bool {
        self.sample || self.clock == ClockKind::Virtual
    }
}
