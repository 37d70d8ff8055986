//! Gives the contact a tag.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port, Written, next};
use carillon_model::journey::Effect;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct AddTag;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    tag: String,
}

#[derive(Debug)]
struct Step {
    tag: String,
}

impl Kind for AddTag {
    const NAME: &'static str = "add_tag";
    const FACE: Face = Face {
        group: Group::Contact,
        icon: "tag",
        order: 20,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![Setting::required("tag", Form::Tag)]
    }

    fn sample() -> Value {
        json!({"tag": "vip"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let tag = cx.word("tag", &settings.tag)?;
        Some(Box::new(Step { tag }))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Act(Effect::AddTag {
            tag: self.tag.clone(),
        })
    }

    fn writes(&self) -> Option<Written<'_>> {
        Some(Written::Tag(&self.tag))
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::journey::Effect;
    use serde_json::json;

    #[test]
    fn the_tag_is_given() {
        let mut passage = Try::of("add_tag", json!({"tag": " vip "}));
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.effects, [Effect::AddTag { tag: "vip".into() }]);
    }

    #[test]
    fn the_next_step_of_the_same_call_sees_it() {
        for (tag, port) in [("vip", "yes"), ("other", "no")] {
            let mut passage = Try::chain(&[
                ("add_tag", json!({"tag": tag})),
                ("if_else", json!({"when": "tag \"vip\""})),
            ]);
            passage.enter("2026-01-05T10:00:00Z");
            assert_eq!(passage.ports(), ["next", "next", port]);
        }
    }

    #[test]
    fn a_tag_without_letters_is_a_problem() {
        for tag in ["", "  ", "a\u{7}b"] {
            assert_eq!(
                codes_of("add_tag", json!({"tag": tag})),
                ["bad_settings"],
                "{tag:?}"
            );
        }
    }
}
