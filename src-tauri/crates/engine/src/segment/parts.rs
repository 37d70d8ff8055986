//! What clauses of any kind have in common.

use super::changed::changed_field;
use crate::record::Asked;
use carillon_model::StepId;
use carillon_model::segment::{Clause, DateTest, EventMatch, MovementKind, Test, Window, Zone};

/// The events a clause reads, in the order in which it names them.
pub(crate) fn events_of(clause: &Clause) -> impl Iterator<Item = &EventMatch> {
    let (first, then) = match clause {
        Clause::Did { event, .. }
        | Clause::Streak { event, .. }
        | Clause::FirstDid { event, .. }
        | Clause::LastDid { event, .. }
        | Clause::Aggregate { event, .. } => (Some(event), None),
        Clause::Sequence { first, then, .. } => (Some(first), Some(then)),
        Clause::Field { .. }
        | Clause::Shifted { .. }
        | Clause::Ranked { .. }
        | Clause::Tag { .. }
        | Clause::Sent { .. }
        | Clause::Answered { .. }
        | Clause::Consent { .. }
        | Clause::InSegment { .. }
        | Clause::Moved { .. }
        | Clause::InJourney { .. }
        | Clause::Sample { .. } => (None, None),
    };
    first.into_iter().chain(then)
}

/// The window in which something must have happened, of a clause that has one.
pub(crate) fn window_of(clause: &Clause) -> Option<&Window> {
    match clause {
        Clause::Did { window, .. }
        | Clause::Streak { window, .. }
        | Clause::FirstDid { window, .. }
        | Clause::LastDid { window, .. }
        | Clause::Aggregate { window, .. }
        | Clause::Sequence { window, .. }
        | Clause::Sent { window, .. }
        | Clause::Moved { window, .. } => Some(window),
        Clause::Field { .. }
        | Clause::Shifted { .. }
        | Clause::Ranked { .. }
        | Clause::Tag { .. }
        | Clause::Answered { .. }
        | Clause::Consent { .. }
        | Clause::InSegment { .. }
        | Clause::InJourney { .. }
        | Clause::Sample { .. } => None,
    }
}

/// The zones in which a clause reads days.
pub(super) fn zones_of(clause: &Clause) -> impl Iterator<Item = &Zone> {
    let own = match clause {
        Clause::Field {
            test: Test::Date { zone, .. },
            ..
        }
        | Clause::Streak { zone, .. } => Some(zone),
        _ => None,
    };
    let of_window = match window_of(clause) {
        Some(Window::Days { zone, .. }) => Some(zone),
        _ => None,
    };
    own.into_iter().chain(of_window)
}

/// The movements a clause reads.
pub(crate) fn movements_of(clause: &Clause) -> impl Iterator<Item = Asked> {
    let inside;
    let (kinds, name, step): (&[MovementKind], &str, _) = match clause {
        Clause::Moved {
            movement, name, step, ..
        } => (std::slice::from_ref(movement), name, step.as_ref()),
        Clause::InJourney { name, step } => {
            inside = in_and_out(step.is_some());
            (&inside, name, step.as_ref())
        }
        _ => (&[], "", None),
    };
    let asked = |kind: &MovementKind| Asked {
        kind: *kind,
        name: name.to_owned(),
        step: step.cloned(),
    };
    kinds.iter().map(asked).collect::<Vec<_>>().into_iter()
}

/// By which movements it is known who is in a journey, or at a step of one.
pub(crate) fn in_and_out(of_step: bool) -> [MovementKind; 2] {
    match of_step {
        false => [MovementKind::EnteredJourney, MovementKind::LeftJourney],
        true => [MovementKind::CameToStep, MovementKind::LeftStep],
    }
}

/// The segment a clause names: who is in it, or who came into it or out.
pub fn named_segment(clause: &Clause) -> Option<&str> {
    match clause {
        Clause::InSegment { name } => Some(name),
        Clause::Moved { movement, name, .. } if !movement.is_of_journey() => Some(name),
        _ => None,
    }
}

/// The journey a clause names.
pub fn named_journey(clause: &Clause) -> Option<&str> {
    match clause {
        Clause::InJourney { name, .. } => Some(name),
        Clause::Moved { movement, name, .. } if movement.is_of_journey() => Some(name),
        _ => None,
    }
}

/// The step a clause names, with its journey.
pub(super) fn named_step(clause: &Clause) -> Option<(&str, &StepId)> {
    match clause {
        Clause::InJourney { name, step } | Clause::Moved { name, step, .. } => Some((name, step.as_ref()?)),
        _ => None,
    }
}

/// The fields a clause reads: the one it tests or whose writing it asks for, another one it is compared with, and the contact's zone.
pub(crate) fn fields_of(clause: &Clause) -> impl Iterator<Item = &str> {
    let tested = match clause {
        Clause::Field { key, test } => Some((key.as_str(), test)),
        _ => None,
    };
    let whole = match clause {
        Clause::Shifted { key, .. } | Clause::Ranked { key, .. } => Some(key.as_str()),
        _ => None,
    };
    let other = tested.and_then(|(_, test)| other_field(test));
    let of_contact = zones_of(clause)
        .any(|zone| *zone == Zone::Contact)
        .then_some("time_zone");
    // When a value was written changes whenever it is written.
    let written = tested.and_then(|(key, _)| changed_field(key));
    tested
        .map(|(key, _)| key)
        .into_iter()
        .chain(whole)
        .chain(written)
        .chain(other)
        .chain(of_contact)
}

/// The score whose past a clause reads, by the key of its field.
pub(crate) fn past_of(clause: &Clause) -> Option<&str> {
    match clause {
        Clause::Shifted { key, .. } => Some(key),
        _ => None,
    }
}

/// The field a test compares with.
pub(super) fn other_field(test: &Test) -> Option<&str> {
    match test {
        Test::Date {
            when: DateTest::Beside { key, .. },
            ..
        }
        | Test::Field { key, .. } => Some(key),
        _ => None,
    }
}
