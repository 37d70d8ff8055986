//! Waits for something the contact does, or gives up after a while.

use crate::journey::calendar::later;
use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, Signal};
use crate::journey::settings::Duration;
use crate::segment;
use carillon_model::segment::EventMatch;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct WaitEvent;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    event: String,
    #[serde(default, rename = "where")]
    condition: String,
    timeout: Duration,
}

#[derive(Debug)]
struct Step {
    wanted: EventMatch,
    timeout_secs: i64,
}

const HAPPENED: usize = 0;
const TIMED_OUT: usize = 1;

impl Kind for WaitEvent {
    const NAME: &'static str = "wait_event";
    const FACE: Face = Face {
        group: Group::Time,
        icon: "hourglass",
        order: 40,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("event", Form::Event),
            Setting::optional("where", Form::Where, ""),
            Setting::required("timeout", Form::Duration),
        ]
    }

    fn sample() -> Value {
        json!({"event": "order", "where": "total >= 10", "timeout": {"amount": 2, "unit": "days"}})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        vec![Port::new("happened"), Port::new("timed_out")]
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let wanted = cx.event_match("event", &settings.event, "where", &settings.condition);
        let timeout_secs = cx.wait_secs("timeout", settings.timeout)?;
        let wanted = wanted?;
        cx.listens(&wanted);
        Some(Box::new(Step { wanted, timeout_secs }))
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        Flow::Park(Some(later(cx.base, self.timeout_secs)))
    }

    fn wake(&self, _: &Cx<'_>, signal: Signal<'_>) -> Flow<'_> {
        match signal {
            Signal::Due => Flow::Go(TIMED_OUT, Because::Nothing),
            Signal::Event(event) if segment::event_matches(&self.wanted, event) => Flow::Go(
                HAPPENED,
                Because::Event {
                    name: &self.wanted.name,
                    id: event.id,
                },
            ),
            Signal::Event(_) | Signal::Moved => Flow::Stay,
        }
    }

    /// Each round costs an event of its own or the whole timeout, unless the journey records that event itself.
    fn always_waits(&self) -> bool {
        true
    }

    fn waits_for(&self) -> Option<&str> {
        Some(&self.wanted.name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::event::Prop;
    use serde_json::json;

    fn passage() -> Try {
        let timeout = json!({"amount": 2, "unit": "hours"});
        Try::of(
            "wait_event",
            json!({"event": "order", "where": "total >= 10", "timeout": timeout}),
        )
    }

    #[test]
    fn the_event_that_matches_ends_the_wait() {
        let mut passage = passage();
        passage.enter("2026-01-05T10:00:00Z");
        passage.event("visit", "2026-01-05T10:10:00Z");
        passage.event("order", "2026-01-05T10:20:00Z");
        passage.event_with("order", "2026-01-05T10:30:00Z", &[("total", Prop::Number(9.0))]);
        assert_eq!(passage.ports(), ["next"]);
        passage.event_with("order", "2026-01-05T10:40:00Z", &[("total", Prop::Number(10.0))]);
        assert_eq!(passage.ports(), ["next", "happened"]);
        assert_eq!(passage.evidence().last().unwrap().about, "order");
    }

    #[test]
    fn it_gives_up_when_its_time_is_over() {
        let mut passage = passage();
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.wakes(), "2026-01-05T12:00:00Z");
        passage.wake("2026-01-05T12:00:00Z");
        assert_eq!(passage.ports(), ["next", "timed_out"]);
    }

    #[test]
    fn what_happened_before_it_began_does_not_count() {
        let mut passage = passage();
        passage.enter("2026-01-05T10:00:00Z");
        let total = [("total", Prop::Number(50.0))];
        passage.event_told("order", "2026-01-05T09:59:59Z", "2026-01-05T10:05:00Z", &total);
        assert_eq!(passage.ports(), ["next"], "an order of before, imported late");
        passage.event_told("order", "2026-01-05T10:00:00Z", "2026-01-05T10:06:00Z", &total);
        assert_eq!(passage.ports(), ["next", "happened"]);
    }

    #[test]
    fn an_event_after_the_deadline_is_too_late_whatever_is_told_first() {
        let mut passage = passage();
        passage.enter("2026-01-05T10:00:00Z");
        let total = [("total", Prop::Number(50.0))];
        passage.event_told("order", "2026-01-05T12:30:00Z", "2026-01-05T18:00:00Z", &total);
        assert_eq!(passage.ports(), ["next", "timed_out"]);
    }

    #[test]
    fn an_event_in_time_counts_though_it_is_told_late() {
        let mut passage = passage();
        passage.enter("2026-01-05T10:00:00Z");
        let total = [("total", Prop::Number(50.0))];
        passage.event_told("order", "2026-01-05T11:30:00Z", "2026-01-05T18:00:00Z", &total);
        assert_eq!(passage.ports(), ["next", "happened"]);
    }

    #[test]
    fn an_event_without_a_name_is_a_problem() {
        let timeout = json!({"amount": 2, "unit": "hours"});
        assert_eq!(
            codes_of("wait_event", json!({"event": " ", "timeout": timeout})),
            ["bad_settings"]
        );
    }
}
