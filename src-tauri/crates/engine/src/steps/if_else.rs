//! Two ways, by a condition.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port};
use carillon_model::journey::ConditionIx;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct IfElse;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    when: String,
}

#[derive(Debug)]
struct Step {
    when: ConditionIx,
}

const YES: usize = 0;
const NO: usize = 1;

impl Kind for IfElse {
    const NAME: &'static str = "if_else";
    const FACE: Face = Face {
        group: Group::Decisions,
        icon: "git-branch",
        order: 10,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![Setting::required("when", Form::Expression)]
    }

    fn sample() -> Value {
        json!({"when": "city is \"Bonn\""})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        vec![Port::new("yes"), Port::new("no")]
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let when = cx.condition("when", &settings.when)?;
        Some(Box::new(Step { when }))
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        let holds = cx.who.holds(self.when);
        Flow::Go(if holds { YES } else { NO }, Because::truth(self.when, holds))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use serde_json::json;

    #[test]
    fn the_condition_decides_and_stands_in_the_evidence() {
        for (city, port, truth) in [
            ("Bonn", "yes", "true"),
            ("Köln", "no", "false"),
            ("", "no", "false"),
        ] {
            let mut passage = Try::of("if_else", json!({"when": "city is \"Bonn\""}));
            passage.text_field("city", city);
            passage.enter("2026-01-05T10:00:00Z");
            assert_eq!(passage.ports(), ["next", port], "{city}");
            let evidence = passage.evidence();
            assert_eq!(evidence[0].about, "city is \"Bonn\"");
            assert_eq!(evidence[0].value, truth);
        }
    }

    #[test]
    fn a_broken_condition_says_where() {
        let problems =
            crate::steps::tests::problems_of("if_else", json!({"when": "city is \"Bonn\" and and"}));
        assert_eq!(problems[0].code, "bad_expression");
        assert_eq!(problems[0].field.as_deref(), Some("when"));
        let position: usize = problems[0].params["position"].parse().unwrap();
        assert!((16..=23).contains(&position), "{position}");
        assert_eq!(
            codes_of("if_else", json!({"when": "ctiy is \"Bonn\""})),
            ["unknown_field"]
        );
        assert_eq!(
            codes_of("if_else", json!({"when": "birthday is \"Bonn\""})),
            ["wrong_type"]
        );
        assert_eq!(
            codes_of("if_else", json!({"when": "in segment \"Nobody\""})),
            ["unknown_segment"]
        );
        assert_eq!(
            codes_of("if_else", json!({"when": "was sent \"nothing\""})),
            ["missing_template"]
        );
        assert_eq!(
            codes_of("if_else", json!({"when": "in segment \"Circle\""})),
            ["cycle_of_segments"]
        );
    }
}
