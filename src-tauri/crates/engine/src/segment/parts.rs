//! What clauses of any kind have in common.

use carillon_model::segment::{Clause, EventMatch, Window};

/// The events a clause reads, in the order in which it names them.
pub(crate) fn events_of(clause: &Clause) -> impl Iterator<Item = &EventMatch> {
    let (first, then) = match clause {
        Clause::Did { event, .. }
        | Clause::FirstDid { event, .. }
        | Clause::LastDid { event, .. }
        | Clause::Aggregate { event, .. } => (Some(event), None),
        Clause::Sequence { first, then, .. } => (Some(first), Some(then)),
        Clause::Field { .. }
        | Clause::Tag { .. }
        | Clause::Sent { .. }
        | Clause::Consent { .. }
        | Clause::InSegment { .. }
        | Clause::Sample { .. } => (None, None),
    };
    first.into_iter().chain(then)
}

/// The window in which something must have happened, of a clause that has one.
pub(crate) fn window_of(clause: &Clause) -> Option<&Window> {
    match clause {
        Clause::Did { window, .. }
        | Clause::FirstDid { window, .. }
        | Clause::LastDid { window, .. }
        | Clause::Aggregate { window, .. }
        | Clause::Sequence { window, .. }
        | Clause::Sent { window, .. } => Some(window),
        Clause::Field { .. }
        | Clause::Tag { .. }
        | Clause::Consent { .. }
        | Clause::InSegment { .. }
        | Clause::Sample { .. } => None,
    }
}
