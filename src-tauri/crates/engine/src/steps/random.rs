//! Ways by chance, in fixed shares. The draw is a hash, so it is the same whenever it is asked.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port};
use crate::journey::{PassageId, chance};
use carillon_model::StepId;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct Random;

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
    percent: f64,
}

#[derive(Debug)]
struct Step {
    /// First bucket that is no longer a branch's, in order; the last is 10,000.
    bounds: Vec<u16>,
}

impl Kind for Random {
    const NAME: &'static str = "random";
    const FACE: Face = Face {
        group: Group::Decisions,
        icon: "dices",
        order: 30,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![Setting::required("branches", Form::Branches).options(&["port", "name", "percent"])]
    }

    fn sample() -> Value {
        json!({"branches": [
            {"port": "a", "name": "First", "percent": 50},
            {"port": "b", "name": "Second", "percent": 50},
        ]})
    }

    fn ports(settings: &Settings) -> Vec<Port> {
        settings
            .branches
            .iter()
            .map(|branch| Port::new(&branch.port))
            .collect()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let ports: Vec<&str> = settings
            .branches
            .iter()
            .map(|branch| branch.port.as_str())
            .collect();
        if !cx.branches("branches", &ports, None) {
            return None;
        }
        let mut bounds = Vec::new();
        let mut sum = 0u32;
        for branch in &settings.branches {
            let hundredths = branch.percent * 100.0;
            let whole = (hundredths - hundredths.round()).abs() < 1e-6;
            if !whole || !(0.0..=10_000.0).contains(&hundredths) {
                cx.bad_settings(
                    "branches",
                    "a share is 0 to 100 percent with at most two decimals",
                );
                return None;
            }
            sum += hundredths.round() as u32;
            bounds.push(sum.min(10_000) as u16);
        }
        if sum != 10_000 {
            cx.split_sum("branches", f64::from(sum) / 100.0);
            return None;
        }
        Some(Box::new(Step { bounds }))
    }
}

impl Step {
    fn port(&self, bucket: u16) -> usize {
        self.bounds.partition_point(|bound| *bound <= bucket)
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        let bucket = chance::bucket(cx.who.passage, cx.step);
        Flow::Go(self.port(bucket), Because::Bucket(bucket))
    }

    fn way(&self, passage: PassageId, step: &StepId) -> Option<usize> {
        Some(self.port(chance::bucket(passage, step)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn branches(percents: &[f64]) -> serde_json::Value {
        let list: Vec<_> = percents
            .iter()
            .enumerate()
            .map(|(n, p)| json!({"port": format!("p{n}"), "percent": p}))
            .collect();
        json!({"branches": list})
    }

    #[test]
    fn shares_are_kept_and_the_draw_never_changes() {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for contact in 1..=4_000 {
            let draw = || {
                let mut passage = Try::of("random", branches(&[70.0, 0.0, 29.5, 0.5]));
                passage.contact(contact);
                passage.enter("2026-01-05T10:00:00Z");
                passage.ports().pop().unwrap()
            };
            let port = draw();
            if contact % 500 == 0 {
                assert_eq!(draw(), port);
            }
            *counts.entry(port).or_default() += 1;
        }
        assert!((2_700..2_900).contains(&counts["p0"]), "{counts:?}");
        assert_eq!(counts.get("p1"), None, "{counts:?}");
        assert!((1_080..1_280).contains(&counts["p2"]), "{counts:?}");
        assert!((5..45).contains(&counts["p3"]), "{counts:?}");
    }

    #[test]
    fn shares_that_are_not_a_hundred_are_a_problem() {
        assert_eq!(codes_of("random", branches(&[50.0, 50.0])), Vec::<String>::new());
        assert_eq!(
            codes_of("random", branches(&[33.33, 33.33, 33.34])),
            Vec::<String>::new()
        );
        assert_eq!(codes_of("random", branches(&[50.0, 49.0])), ["split_sum"]);
        assert_eq!(codes_of("random", branches(&[100.0, 100.0])), ["split_sum"]);
        assert_eq!(codes_of("random", branches(&[-10.0, 110.0])), ["bad_settings"]);
        assert_eq!(codes_of("random", branches(&[33.333, 66.667])), ["bad_settings"]);
        assert_eq!(codes_of("random", branches(&[])), ["empty_branches"]);
    }
}
