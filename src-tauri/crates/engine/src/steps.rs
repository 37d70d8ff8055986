//! The kinds of steps: one line here and one file in `steps/` each.

use crate::journey::face::{Form, PortFace, StepKindFace};
use crate::journey::node::{KindEntry, entry};

pub mod add_tag;
pub mod change_score;
pub mod entry_date;
pub mod entry_event;
pub mod entry_manual;
pub mod entry_schedule;
pub mod entry_segment;
pub mod exit;
pub mod goal;
pub mod if_else;
pub mod post_event;
pub mod random;
pub mod remove_tag;
pub mod send_email;
pub mod set_field;
pub mod split;
pub mod wait;
pub mod wait_date;
pub mod wait_event;
pub mod wait_response;
pub mod wait_until;
pub mod wait_window;

/// Every kind there is.
pub const KINDS: &[KindEntry] = &[
    entry::<entry_segment::EntrySegment>(),
    entry::<entry_event::EntryEvent>(),
    entry::<entry_date::EntryDate>(),
    entry::<entry_schedule::EntrySchedule>(),
    entry::<entry_manual::EntryManual>(),
    entry::<wait::Wait>(),
    entry::<wait_window::WaitWindow>(),
    entry::<wait_until::WaitUntil>(),
    entry::<wait_date::WaitDate>(),
    entry::<wait_event::WaitEvent>(),
    entry::<wait_response::WaitResponse>(),
    entry::<if_else::IfElse>(),
    entry::<split::Split>(),
    entry::<random::Random>(),
    entry::<send_email::SendEmail>(),
    entry::<set_field::SetField>(),
    entry::<add_tag::AddTag>(),
    entry::<remove_tag::RemoveTag>(),
    entry::<change_score::ChangeScore>(),
    entry::<post_event::PostEvent>(),
    entry::<goal::Goal>(),
    entry::<exit::Exit>(),
];

/// A kind by name.
pub fn kind(name: &str) -> Option<&'static KindEntry> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The kinds as the palette and the inspector show them, by group and order.
pub fn catalogue() -> Vec<StepKindFace> {
    let mut faces: Vec<StepKindFace> = KINDS.iter().map(face).collect();
    faces.sort_by_key(|face| (face.group, face.order));
    faces
}

fn face(kind: &KindEntry) -> StepKindFace {
    let settings = (kind.schema)();
    let sample = (kind.sample)();
    // A branch names its own port, so a port that a branch of the sample names is not one of the kind.
    let mut branches = Vec::new();
    if let Some(setting) = settings.iter().find(|setting| setting.form == Form::Branches) {
        let list = sample[&setting.name].as_array();
        branches.extend(
            list.into_iter()
                .flatten()
                .filter_map(|branch| branch["port"].as_str()),
        );
    }
    let ports = (kind.ports)(&sample)
        .into_iter()
        .filter(|port| !branches.contains(&port.name.as_str()))
        .map(|port| PortFace {
            name: port.name,
            required: port.required,
        })
        .collect();
    StepKindFace {
        kind: kind.name.to_owned(),
        group: kind.face.group,
        icon: kind.face.icon.to_owned(),
        order: kind.face.order,
        ports,
        settings,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests;
