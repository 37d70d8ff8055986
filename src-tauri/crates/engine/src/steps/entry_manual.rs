//! Lets contacts in by hand.

use crate::journey::check::Check;
use crate::journey::entry::Entry;
use crate::journey::face::{Face, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, next};
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct EntryManual;

/// It has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

#[derive(Debug)]
struct Step;

impl Kind for EntryManual {
    const NAME: &'static str = "entry_manual";
    const FACE: Face = Face {
        group: Group::Entries,
        icon: "hand",
        order: 50,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        Vec::new()
    }

    fn sample() -> Value {
        json!({})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(_: Settings, _: &mut Check<'_>) -> Option<Box<dyn Node>> {
        Some(Box::new(Step))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Go(0, Because::Nothing)
    }

    fn entry(&self) -> Option<&Entry> {
        Some(&Entry::Manual)
    }
}

#[cfg(test)]
mod tests {
    use crate::journey::entry::{admits_edge, admits_event, entry_due};
    use crate::steps::tests::{contact, event, only, utc};
    use serde_json::json;

    #[test]
    fn nothing_but_a_hand_lets_in() {
        let (version, entry) = only("entry_manual", json!({}));
        let now = "2026-01-01T00:00:00Z";
        assert!(!admits_edge(&version, entry, "Regulars", true));
        assert!(!admits_event(&version, entry, &event("order", now, &[])));
        assert_eq!(
            entry_due(&version, entry, Some(&contact(1)), chrono_tz::UTC, utc(now)),
            None
        );
    }
}
