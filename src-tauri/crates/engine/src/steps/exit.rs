//! Ends the passage.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port};
use carillon_model::journey::End;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct Exit;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    reason: String,
}

#[derive(Debug)]
struct Step {
    reason: String,
}

impl Kind for Exit {
    const NAME: &'static str = "exit";
    const FACE: Face = Face {
        group: Group::Ends,
        icon: "log-out",
        order: 20,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![Setting::optional("reason", Form::Text, "")]
    }

    fn sample() -> Value {
        json!({"reason": "done"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        Vec::new()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let reason = if settings.reason.is_empty() {
            String::new()
        } else {
            cx.word("reason", &settings.reason)?
        };
        Some(Box::new(Step { reason }))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::End(End::Completed(self.reason.clone()))
    }

    fn ends(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::Try;
    use carillon_model::journey::{End, FactKind};
    use serde_json::json;

    #[test]
    fn the_passage_ends_with_its_word_and_nothing_follows() {
        let mut passage = Try::chain(&[("exit", json!({"reason": "thanks"}))]);
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.end(), Some(End::Completed("thanks".into())));
        let facts = passage.facts.len();
        assert!(matches!(passage.facts[facts - 1].what, FactKind::Ended { .. }));
        passage.wake("2026-01-06T10:00:00Z");
        passage.event("order", "2026-01-06T10:00:00Z");
        assert_eq!(passage.facts.len(), facts, "nothing after the end");
    }
}
