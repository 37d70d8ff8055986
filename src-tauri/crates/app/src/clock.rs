//! The workspace's clock: the only place that asks the machine for the time.

use carillon_model::Moment;
use carillon_model::workspace::ClockKind;
use carillon_store::Store;
use chrono::{SubsecRound, Utc};

/// Tells the time of one workspace, in whole milliseconds. A virtual clock is the index's own clock, kept in
/// the file: it stands where the last commit left it.
#[derive(Clone, Debug)]
pub struct Clock {
    kind: ClockKind,
    store: Store,
}

/// The machine's time, for what is real whatever the workspace's clock says: leases, time-outs, files.
pub fn machine_now() -> Moment {
    Utc::now().trunc_subsecs(3)
}

impl Clock {
    /// The clock of an open file.
    pub fn new(kind: ClockKind, store: Store) -> Clock {
        Clock { kind, store }
    }

    /// Real or virtual.
    pub fn kind(&self) -> ClockKind {
        self.kind
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        match self.kind {
            // The file's clock never goes back, so neither does what is told, if the machine's is set back.
            ClockKind::Real => machine_now().max(self.store.as_of()),
            ClockKind::Virtual => self.store.as_of(),
        }
    }
}
