//! Lets contacts in when they enter or leave a segment.

use crate::journey::check::Check;
use crate::journey::entry::{Entry, SegmentEntry};
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, next};
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct EntrySegment;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    segment: String,
    on: On,
    #[serde(default)]
    include_current: bool,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum On {
    Entered,
    Left,
}

#[derive(Debug)]
struct Step(Entry);

impl Kind for EntrySegment {
    const NAME: &'static str = "entry_segment";
    const FACE: Face = Face {
        group: Group::Entries,
        icon: "users",
        order: 10,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("segment", Form::Segment),
            Setting::required("on", Form::Choice).options(&["entered", "left"]),
            Setting::optional("include_current", Form::Bool, false),
        ]
    }

    fn sample() -> Value {
        json!({"segment": "Regulars", "on": "entered"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let is_in = cx.segment("segment", &settings.segment)?;
        Some(Box::new(Step(Entry::Segment(SegmentEntry {
            segment: settings.segment,
            is_in,
            on_entered: settings.on == On::Entered,
            include_current: settings.include_current,
        }))))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        match &self.0 {
            Entry::Segment(entry) => Flow::Go(0, Because::truth(entry.is_in, entry.on_entered)),
            Entry::Event(_) | Entry::Date(_) | Entry::Schedule(_) | Entry::Manual => {
                Flow::Go(0, Because::Nothing)
            }
        }
    }

    fn entry(&self) -> Option<&Entry> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::journey::entry::admits_edge;
    use crate::steps::tests::{codes_of, only};
    use serde_json::json;

    #[test]
    fn only_the_edge_of_its_own_segment_lets_in() {
        for (on, entered) in [("entered", true), ("left", false)] {
            let (version, entry) = only("entry_segment", json!({"segment": "Regulars", "on": on}));
            assert!(admits_edge(&version, entry, "Regulars", entered));
            assert!(!admits_edge(&version, entry, "Regulars", !entered));
            assert!(!admits_edge(&version, entry, "Others", entered));
        }
    }

    #[test]
    fn a_segment_that_is_not_there_or_goes_in_circles_is_a_problem() {
        assert_eq!(
            codes_of("entry_segment", json!({"segment": "Nobody", "on": "left"})),
            ["unknown_segment"]
        );
        assert_eq!(
            codes_of("entry_segment", json!({"segment": "Circle", "on": "left"})),
            ["cycle_of_segments"]
        );
    }
}
