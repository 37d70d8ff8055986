//! What a live run was told from outside, so that the simulation can be told the same.

use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::journey::{Outcome, StepIx};

/// One thing that came from outside the journey, at the moment the live run took it in.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub at: Moment,
    pub what: FromOutside,
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub enum FromOutside {
    /// The contact did something.
    Happened(Event),
    /// Somebody put the contact in by hand, at this entry.
    PutIn(StepIx),
    /// Somebody wrote a field, or cleared it.
    Wrote(String, Option<Value>),
    /// Somebody gave the tag (`true`) or took it.
    Tagged(String, bool),
    /// What became of a message of the contact's n-th passage (from 1).
    Mail {
        enrolment: u32,
        step: StepIx,
        visit: u32,
        template: String,
        outcome: Outcome,
    },
}
