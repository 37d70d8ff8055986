//! Waits until a window of the week is open.

use crate::journey::calendar::Window;
use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, Signal, next};
use crate::journey::settings::{Day, TimeOfDay, ZoneChoice, window};
use serde::Deserialize;
use serde_json::{Value, json};
use smallvec::{SmallVec, smallvec};

/// The kind.
pub struct WaitWindow;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    days: Vec<Day>,
    from: TimeOfDay,
    to: TimeOfDay,
    #[serde(default = "ZoneChoice::contact")]
    zone: ZoneChoice,
}

#[derive(Debug)]
struct Step {
    window: Window,
    zone: ZoneChoice,
}

impl Kind for WaitWindow {
    const NAME: &'static str = "wait_window";
    const FACE: Face = Face {
        group: Group::Time,
        icon: "clock",
        order: 20,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("days", Form::Days),
            Setting::required("from", Form::Time),
            Setting::required("to", Form::Time),
            Setting::optional("zone", Form::Zone, "contact"),
        ]
    }

    fn sample() -> Value {
        json!({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        match window(&settings.days, settings.from, settings.to) {
            Some(window) => Some(Box::new(Step {
                window,
                zone: settings.zone,
            })),
            None => {
                cx.impossible_window(if settings.days.is_empty() { "days" } else { "to" });
                None
            }
        }
    }
}

impl Node for Step {
    /// The real moment decides, not the planned one: a window keeps mail out of the night.
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        let zone = self.zone.resolve(cx.who.zone(), cx.who.scope().zone);
        match self.window.next_open(zone, cx.now) {
            Some(open) if open > cx.now => Flow::Park(Some(open)),
            Some(_) | None => Flow::Go(0, Because::Nothing),
        }
    }

    fn wake(&self, cx: &Cx<'_>, signal: Signal<'_>) -> Flow<'_> {
        match (signal, self.enter(cx)) {
            (Signal::Event(_), _) => Flow::Stay,
            (Signal::Moved, Flow::Park(open)) if open == cx.wake_at => Flow::Stay,
            (Signal::Due | Signal::Moved, flow) => flow,
        }
    }

    fn hangs_on(&self) -> SmallVec<[&str; 2]> {
        match self.zone {
            ZoneChoice::Contact => smallvec!["time_zone"],
            ZoneChoice::Workspace | ZoneChoice::Named(_) => SmallVec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use serde_json::json;

    fn office() -> Try {
        let days = ["mon", "tue", "wed", "thu", "fri"];
        Try::of(
            "wait_window",
            json!({"days": days, "from": "09:00", "to": "17:00"}),
        )
    }

    #[test]
    fn the_window_is_the_contacts_own() {
        let table = [
            // Monday 5 January 2026, 12:00 UTC
            ("Europe/Berlin", None),
            ("America/New_York", Some("2026-01-05T14:00:00Z")),
            ("Australia/Lord_Howe", Some("2026-01-05T22:00:00Z")),
            ("Africa/Casablanca", None),
            ("Pacific/Auckland", Some("2026-01-05T20:00:00Z")),
            // unknown: the workspace's
            ("Nowhere/Land", None),
        ];
        for (zone, opens) in table {
            let mut passage = office();
            passage.text_field("time_zone", zone);
            passage.enter("2026-01-05T12:00:00Z");
            match opens {
                Some(opens) => assert_eq!(passage.wakes(), opens, "{zone}"),
                None => assert_eq!(passage.ports(), ["next", "next"], "{zone} is open"),
            }
        }
    }

    #[test]
    fn a_call_after_the_window_has_closed_waits_for_the_next() {
        let mut passage = office();
        passage.enter("2026-01-02T20:00:00Z");
        assert_eq!(
            passage.wakes(),
            "2026-01-05T08:00:00Z",
            "Friday evening, to Monday"
        );
        passage.wake("2026-01-05T17:30:00Z");
        assert_eq!(passage.wakes(), "2026-01-06T08:00:00Z", "asleep over Monday");
        passage.wake("2026-01-06T08:00:20Z");
        assert_eq!(passage.ports(), ["next", "next"]);
    }

    #[test]
    fn a_contact_who_moves_waits_for_the_window_there() {
        let mut passage = office();
        passage.enter("2026-01-05T04:00:00Z");
        assert_eq!(passage.wakes(), "2026-01-05T08:00:00Z", "Monday in Berlin");
        passage.text_field("time_zone", "Asia/Kathmandu");
        passage.moved("2026-01-05T04:10:00Z");
        assert_eq!(passage.ports(), ["next", "next"], "it is past nine there");
        let mut passage = office();
        passage.enter("2026-01-05T04:00:00Z");
        passage.text_field("time_zone", "America/New_York");
        passage.moved("2026-01-05T04:10:00Z");
        assert_eq!(passage.wakes(), "2026-01-05T14:00:00Z");
        let facts = passage.facts.len();
        passage.moved("2026-01-05T04:20:00Z");
        assert_eq!(passage.facts.len(), facts, "nothing was moved");
    }

    #[test]
    fn a_window_that_never_opens_is_a_problem() {
        let of =
            |days: &[&str], from, to| codes_of("wait_window", json!({"days": days, "from": from, "to": to}));
        assert_eq!(of(&[], "09:00", "17:00"), ["impossible_window"]);
        assert_eq!(of(&["mon"], "09:00", "09:00"), ["impossible_window"]);
        assert_eq!(of(&["mon"], "22:00", "06:00"), Vec::<String>::new());
        assert_eq!(of(&["someday"], "09:00", "17:00"), ["bad_settings"]);
    }
}
