//! Records an event of the contact.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port, next};
use carillon_model::event::Prop;
use carillon_model::journey::Effect;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The kind.
pub struct PostEvent;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    event: String,
    #[serde(default)]
    props: BTreeMap<String, Prop>,
}

#[derive(Debug)]
struct Step {
    name: String,
    props: BTreeMap<String, Prop>,
}

/// Most properties of one event.
const MOST_PROPS: usize = 50;

impl Kind for PostEvent {
    const NAME: &'static str = "post_event";
    const FACE: Face = Face {
        group: Group::Contact,
        icon: "activity",
        order: 40,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("event", Form::Event),
            Setting::optional("props", Form::Props, json!({})),
        ]
    }

    fn sample() -> Value {
        json!({"event": "reminded", "props": {"round": 2, "channel": "email"}})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let name = cx.word("event", &settings.event)?;
        if settings.props.len() > MOST_PROPS {
            cx.bad_settings("props", "at most 50 properties");
            return None;
        }
        for key in settings.props.keys() {
            cx.word("props", key)?;
        }
        Some(Box::new(Step {
            name,
            props: settings.props,
        }))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Act(Effect::PostEvent {
            name: self.name.clone(),
            props: self.props.clone(),
        })
    }

    fn posts(&self) -> Option<&str> {
        Some(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::event::Prop;
    use carillon_model::journey::Effect;
    use serde_json::json;

    #[test]
    fn the_event_is_recorded_and_the_next_step_sees_it() {
        let posts = json!({"event": "reminded", "props": {"round": 2}});
        let asks = json!({"when": "did reminded where round >= 2"});
        let mut passage = Try::chain(&[("post_event", posts), ("if_else", asks)]);
        passage.enter("2026-01-05T10:00:00Z");
        let props = [("round".to_owned(), Prop::Number(2.0))].into();
        assert_eq!(
            passage.effects,
            [Effect::PostEvent {
                name: "reminded".into(),
                props
            }]
        );
        assert_eq!(passage.ports(), ["next", "next", "yes"]);
    }

    #[test]
    fn a_property_that_is_a_list_is_a_problem() {
        let settings = json!({"event": "reminded", "props": {"rounds": [1, 2]}});
        assert_eq!(codes_of("post_event", settings), ["bad_settings"]);
    }
}
