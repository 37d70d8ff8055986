//! Lets contacts in when they do something.

use crate::journey::check::Check;
use crate::journey::entry::Entry;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, next};
use carillon_model::journey::Input;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct EntryEvent;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    event: String,
    #[serde(default, rename = "where")]
    condition: String,
}

#[derive(Debug)]
struct Step(Entry);

impl Kind for EntryEvent {
    const NAME: &'static str = "entry_event";
    const FACE: Face = Face {
        group: Group::Entries,
        icon: "zap",
        order: 20,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("event", Form::Event),
            Setting::optional("where", Form::Where, ""),
        ]
    }

    fn sample() -> Value {
        json!({"event": "order", "where": "total >= 10"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let wanted = cx.event_match("event", &settings.event, "where", &settings.condition)?;
        Some(Box::new(Step(Entry::Event(wanted))))
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        match (cx.input, &self.0) {
            (Input::Enter { event: Some(id), .. }, Entry::Event(wanted)) => Flow::Go(
                0,
                Because::Event {
                    name: &wanted.name,
                    id: *id,
                },
            ),
            _ => Flow::Go(0, Because::Nothing),
        }
    }

    fn entry(&self) -> Option<&Entry> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::journey::entry::admits_event;
    use crate::steps::tests::{codes_of, event, only};
    use carillon_model::event::Prop;
    use serde_json::json;

    #[test]
    fn an_event_lets_in_when_name_and_properties_match() {
        let (version, entry) = only("entry_event", json!({"event": "order", "where": "total >= 10"}));
        let order = |total: f64| event("order", "2026-01-01T10:00:00Z", &[("total", Prop::Number(total))]);
        assert!(admits_event(&version, entry, &order(10.0)));
        assert!(!admits_event(&version, entry, &order(9.5)));
        assert!(!admits_event(
            &version,
            entry,
            &event("order", "2026-01-01T10:00:00Z", &[])
        ));
        assert!(!admits_event(
            &version,
            entry,
            &event("visit", "2026-01-01T10:00:00Z", &[])
        ));
    }

    #[test]
    fn a_condition_that_is_no_expression_is_a_problem() {
        let settings = json!({"event": "order", "where": "total >="});
        assert_eq!(codes_of("entry_event", settings), ["bad_expression"]);
    }
}
