//! Takes a tag from the contact.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port, Written, next};
use carillon_model::journey::Effect;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct RemoveTag;

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

impl Kind for RemoveTag {
    const NAME: &'static str = "remove_tag";
    const FACE: Face = Face {
        group: Group::Contact,
        icon: "tag-x",
        order: 30,
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
        Flow::Act(Effect::RemoveTag {
            tag: self.tag.clone(),
        })
    }

    fn writes(&self) -> Option<Written<'_>> {
        Some(Written::Tag(&self.tag))
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::Try;
    use carillon_model::journey::Effect;
    use serde_json::json;

    #[test]
    fn the_tag_is_taken_and_the_next_step_sees_it() {
        let mut passage = Try::chain(&[
            ("remove_tag", json!({"tag": "vip"})),
            ("if_else", json!({"when": "tag \"vip\""})),
        ]);
        passage.tag("vip");
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.effects, [Effect::RemoveTag { tag: "vip".into() }]);
        assert_eq!(passage.ports(), ["next", "next", "no"]);
    }
}
