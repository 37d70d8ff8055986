//! Waits for a length of time.

use crate::journey::calendar::later;
use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, Signal, next};
use crate::journey::settings::Duration;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct Wait;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(rename = "for")]
    length: Duration,
}

#[derive(Debug)]
struct Step {
    secs: i64,
}

impl Kind for Wait {
    const NAME: &'static str = "wait";
    const FACE: Face = Face {
        group: Group::Time,
        icon: "timer",
        order: 10,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![Setting::required("for", Form::Duration)]
    }

    fn sample() -> Value {
        json!({"for": {"amount": 3, "unit": "days"}})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let secs = cx.wait_secs("for", settings.length)?;
        Some(Box::new(Step { secs }))
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        Flow::Park(Some(later(cx.base, self.secs)))
    }

    fn wake(&self, _: &Cx<'_>, signal: Signal<'_>) -> Flow<'_> {
        match signal {
            Signal::Due => Flow::Go(0, Because::Nothing),
            Signal::Event(_) | Signal::Moved => Flow::Stay,
        }
    }

    fn always_waits(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use serde_json::json;

    #[test]
    fn a_wait_counts_from_the_planned_moment_unless_the_call_is_late() {
        let table = [
            // planned 10:00; called at; wakes at
            ("10:00:00", "13:00:00"),
            ("10:20:00", "13:00:00"),
            ("10:30:00", "13:00:00"),
            ("10:30:01", "13:30:01"),
            ("18:00:00", "21:00:00"),
        ];
        for (called, wakes) in table {
            let mut passage = Try::of("wait", json!({"for": {"amount": 3, "unit": "hours"}}));
            passage.enter_planned(&format!("2026-01-05T{called}Z"), "2026-01-05T10:00:00Z");
            assert_eq!(
                passage.wakes(),
                format!("2026-01-05T{wakes}Z"),
                "called at {called}"
            );
        }
    }

    #[test]
    fn a_day_is_24_hours_whatever_the_clocks_do() {
        let mut passage = Try::of("wait", json!({"for": {"amount": 1, "unit": "days"}}));
        passage.enter("2026-03-28T12:00:00Z");
        assert_eq!(passage.wakes(), "2026-03-29T12:00:00Z");
    }

    #[test]
    fn nothing_but_the_deadline_ends_a_wait() {
        let mut passage = Try::of("wait", json!({"for": {"amount": 10, "unit": "minutes"}}));
        passage.enter("2026-01-05T10:00:00Z");
        passage.event("order", "2026-01-05T10:05:00Z");
        passage.wake("2026-01-05T10:09:59Z");
        assert_eq!(passage.ports(), ["next"], "only the entry was left");
        passage.wake("2026-01-05T10:10:00Z");
        assert_eq!(passage.ports(), ["next", "next"]);
    }

    #[test]
    fn a_wait_of_nothing_or_of_centuries_is_a_problem() {
        for (amount, unit) in [(0, "days"), (4_000, "days"), (4_000_000_000u64, "weeks")] {
            let settings = json!({"for": {"amount": amount, "unit": unit}});
            assert_eq!(codes_of("wait", settings), ["bad_settings"], "{amount} {unit}");
        }
    }
}
