//! Journeys: the kernel and what surrounds it.
//!
//! [`compile`] makes an immutable [`JourneyVersion`] of a drawing, or says what is wrong with it. [`step`] takes
//! one passage one input further; it is pure, and the live runtime, [`crate::sim`] and [`crate::replay`] all call
//! it. [`Passage`] is the bit of driving they share. Each step kind is a file in [`crate::steps`].

pub mod calendar;
mod canonical;
pub mod chance;
pub mod check;
mod compile;
mod drawing;
pub mod entry;
mod evidence;
pub mod face;
mod graph;
mod kernel;
pub mod node;
mod passage;
pub mod problem;
pub mod response;
pub mod settings;
mod version;
mod view;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod agreement;
#[cfg(any(test, feature = "arbitrary"))]
pub mod scenario;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use canonical::{
    FILE_BYTES_ALLOWED, FILE_DEPTH_ALLOWED, Unreadable, canonical, natural, read, without_layout,
};
pub use check::Catalogue;
pub use compile::{EXIT_RULES_ALLOWED, STEPS_ALLOWED, compile, compile_draft};
pub use drawing::same_drawing;
pub use entry::{
    Admission, ENTRIES_AN_HOUR, Entry, PastEnrolment, admit, admits_edge, admits_event, entry_due,
    is_made_up_for,
};
pub use evidence::{Truth, ViewEvidence};
pub use kernel::{
    LATE_ALLOWED, MOVES_ALLOWED, Note, NoteKind, Out, PORT_EXIT_RULE, PORT_GOAL, PORT_TOO_MANY_MOVES,
    is_own_port, step,
};
pub use passage::Passage;
pub(crate) use passage::Wrote;
pub use version::{Arrow, Goal, JourneyVersion, Needs, Placed};
pub use view::{ContactView, Edge, PassageId, Truths, posted};
