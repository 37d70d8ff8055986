//! A goal: reached from anywhere, at once, when its condition becomes true.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, NEXT, Node, Port};
use carillon_model::journey::ConditionIx;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct Goal;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    when: String,
    #[serde(default)]
    then: Then,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Then {
    #[default]
    Exit,
    Continue,
}

#[derive(Debug)]
struct Step {
    when: ConditionIx,
    ends: bool,
}

impl Kind for Goal {
    const NAME: &'static str = "goal";
    const FACE: Face = Face {
        group: Group::Ends,
        icon: "target",
        order: 10,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("when", Form::Expression),
            Setting::optional("then", Form::Choice, "exit").options(&["exit", "continue"]),
        ]
    }

    fn sample() -> Value {
        json!({"when": "did order in the last 30 days"})
    }

    /// Of a goal that ends the passage `next` may be left open: only contacts that walk into it before it is
    /// reached would take it.
    fn ports(settings: &Settings) -> Vec<Port> {
        vec![Port {
            name: NEXT.to_owned(),
            required: settings.then == Then::Continue,
        }]
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let when = cx.condition("when", &settings.when)?;
        Some(Box::new(Step {
            when,
            ends: settings.then == Then::Exit,
        }))
    }
}

impl Node for Step {
    /// Only entered by the arrow: whoever reaches the goal is led by the kernel.
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        Flow::Go(0, Because::truth(self.when, cx.who.holds(self.when)))
    }

    fn goal(&self) -> Option<(ConditionIx, bool)> {
        Some((self.when, self.ends))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::journey::End;
    use serde_json::json;

    fn waiting(goal: serde_json::Value) -> Try {
        Try::chain(&[
            ("wait", json!({"for": {"amount": 3, "unit": "days"}})),
            ("goal", goal),
        ])
    }

    #[test]
    fn a_goal_is_reached_at_once_from_where_the_contact_waits() {
        let mut passage = waiting(json!({"when": "did order", "then": "exit"}));
        passage.enter("2026-01-05T10:00:00Z");
        passage.event("order", "2026-01-05T11:00:00Z");
        assert_eq!(passage.ports(), ["next", "goal"]);
        assert_eq!(passage.end(), Some(End::Goal("it2".into())));
        assert_eq!(passage.evidence().last().unwrap().about, "did order");
    }

    #[test]
    fn a_goal_that_leads_on_is_reached_once() {
        let mut passage = waiting(json!({"when": "did order", "then": "continue"}));
        passage.enter("2026-01-05T10:00:00Z");
        passage.event("order", "2026-01-05T11:00:00Z");
        assert_eq!(passage.ports(), ["next", "goal", "next"]);
        assert_eq!(passage.end(), Some(End::Completed("done".into())));
    }

    #[test]
    fn who_walks_into_a_goal_before_it_is_reached_passes_through() {
        let mut passage = waiting(json!({"when": "did order", "then": "continue"}));
        passage.enter("2026-01-05T10:00:00Z");
        passage.wake("2026-01-08T10:00:00Z");
        assert_eq!(passage.ports(), ["next", "next", "next"]);
        assert_eq!(passage.evidence().last().unwrap().value, "false");
        assert_eq!(passage.end(), Some(End::Completed("done".into())));
    }

    #[test]
    fn who_has_reached_it_before_coming_in_leaves_at_the_door() {
        let mut passage = waiting(json!({"when": "tag \"vip\""}));
        passage.tag("vip");
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.ports(), ["goal"]);
        assert_eq!(passage.end(), Some(End::Goal("it2".into())));
    }

    #[test]
    fn an_effect_on_the_way_reaches_it_before_the_next_step() {
        let mut passage = Try::chain(&[
            ("add_tag", json!({"tag": "vip"})),
            ("send_email", json!({"template": "welcome"})),
            ("goal", json!({"when": "tag \"vip\""})),
        ]);
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.effects.len(), 1, "no mail after the goal");
        assert_eq!(passage.end(), Some(End::Goal("it3".into())));
    }

    #[test]
    fn hundreds_of_goals_that_reach_one_another_need_no_deeper_stack_than_one() {
        let tag = |n: usize| json!({"tag": format!("t{n}")});
        let goal = |n: usize| json!({"when": format!("tag \"t{n}\""), "then": "continue"});
        let mut steps = vec![("add_tag", tag(0))];
        for n in 0..400 {
            steps.extend([("goal", goal(n)), ("add_tag", tag(n + 1))]);
        }
        let mut passage = Try::chain(&steps);
        let small = std::thread::Builder::new().stack_size(256 * 1_024);
        let through = small.spawn(move || {
            passage.enter("2026-01-05T10:00:00Z");
            passage
        });
        let passage = through.unwrap().join().unwrap();
        assert_eq!(passage.effects.len(), 401);
        assert_eq!(passage.end(), Some(End::Completed("done".into())));
    }

    #[test]
    fn a_condition_that_can_never_hold_is_pointed_out() {
        assert_eq!(
            codes_of("goal", json!({"when": "not everyone"})),
            ["goal_unreachable"]
        );
    }
}
