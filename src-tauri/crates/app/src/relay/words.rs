//! What is asked of the relay, and what is answered.

use super::Keep;
use carillon_model::Moment;
use carillon_model::relay::RelayState;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The relay of the workspace, if it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RelayView {
    /// None: there is no relay.
    pub url: Option<String>,
    pub tenant: Option<String>,
    pub paired_at: Option<Moment>,
    /// Everything up to then is taken in.
    pub read_at: Option<Moment>,
    /// Why it could not be read since.
    pub trouble: Option<String>,
    /// Its keys are in the file of passwords, whose passphrase was not given yet.
    pub locked: bool,
}

/// A pairing code, as `carillon-relay init` prints it.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PairRelay {
    pub code: String,
    /// What this machine is to be called there.
    #[serde(default)]
    pub machine: Option<String>,
    /// PEM file of a certificate authority to trust beside the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Where the keys are kept.
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for PairRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairRelay")
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// How asking the relay went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RelayTest {
    pub ok: bool,
    /// Why not, or its version.
    pub message: String,
    pub state: Option<RelayState>,
}
