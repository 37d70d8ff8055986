//! Many ways, by conditions; the first that holds wins.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port};
use carillon_model::journey::ConditionIx;
use serde::Deserialize;
use serde_json::{Value, json};
use smallvec::SmallVec;

/// The kind.
pub struct Split;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    branches: Vec<Branch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Branch {
    port: String,
    /// For people; the kernel has no use for it.
    #[serde(default, rename = "name")]
    _name: String,
    when: String,
}

#[derive(Debug)]
struct Step {
    whens: Vec<ConditionIx>,
}

const ELSE: &str = "else";

impl Kind for Split {
    const NAME: &'static str = "split";
    const FACE: Face = Face {
        group: Group::Decisions,
        icon: "split",
        order: 20,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![Setting::required("branches", Form::Branches).options(&["port", "name", "when"])]
    }

    fn sample() -> Value {
        json!({"branches": [
            {"port": "a", "name": "Bonn", "when": "city is \"Bonn\""},
            {"port": "b", "name": "Regulars", "when": "in segment \"Regulars\""},
        ]})
    }

    fn ports(settings: &Settings) -> Vec<Port> {
        let branches = settings.branches.iter().map(|branch| Port::new(&branch.port));
        branches.chain([Port::new(ELSE)]).collect()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let ports: Vec<&str> = settings
            .branches
            .iter()
            .map(|branch| branch.port.as_str())
            .collect();
        let ports_are_right = cx.branches("branches", &ports, Some(ELSE));
        let whens: Vec<Option<ConditionIx>> = settings
            .branches
            .iter()
            .map(|branch| cx.condition("branches", &branch.when))
            .collect();
        let whens: Vec<ConditionIx> = whens.into_iter().collect::<Option<_>>()?;
        ports_are_right.then(|| Box::new(Step { whens }) as Box<dyn Node>)
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        let mut looked_at = SmallVec::new();
        for (place, when) in self.whens.iter().enumerate() {
            let holds = cx.who.holds(*when);
            looked_at.push((*when, holds));
            if holds {
                return Flow::Go(place, Because::Truths(looked_at));
            }
        }
        Flow::Go(self.whens.len(), Because::Truths(looked_at))
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use serde_json::json;

    #[test]
    fn the_first_branch_that_holds_wins() {
        let branches = json!([
            {"port": "a", "name": "", "when": "city is \"Bonn\""},
            {"port": "b", "when": "city is known"},
        ]);
        let table = [("Bonn", "a", 1), ("Köln", "b", 2), ("", "else", 2)];
        for (city, port, looked_at) in table {
            let mut passage = Try::of("split", json!({"branches": branches}));
            passage.text_field("city", city);
            passage.enter("2026-01-05T10:00:00Z");
            assert_eq!(passage.ports(), ["next", port], "{city}");
            assert_eq!(passage.evidence().len(), looked_at, "{city}");
        }
    }

    #[test]
    fn branches_need_ports_of_their_own() {
        let of = |ports: &[&str]| {
            let branches: Vec<_> = ports
                .iter()
                .map(|port| json!({"port": port, "when": "everyone"}))
                .collect();
            codes_of("split", json!({"branches": branches}))
        };
        assert_eq!(of(&["a", "b"]), Vec::<String>::new());
        assert_eq!(of(&[]), ["empty_branches"]);
        assert_eq!(of(&["a", "a"]), ["duplicate_port"]);
        assert_eq!(of(&["a", "else"]), ["duplicate_port"]);
        assert_eq!(of(&[""]), ["bad_settings"]);
    }
}
