//! Waits until a moment of the wall clock, in the contact's zone.

use crate::journey::calendar;
use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, Signal, next};
use crate::journey::settings::{ZoneChoice, clipped};
use carillon_model::Moment;
use carillon_model::journey::End;
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use smallvec::{SmallVec, smallvec};

/// The kind.
pub struct WaitUntil;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    at: String,
    #[serde(default = "ZoneChoice::contact")]
    zone: ZoneChoice,
    #[serde(default)]
    if_past: IfPast,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum IfPast {
    #[default]
    Continue,
    Exit,
}

#[derive(Debug)]
struct Step {
    at: NaiveDateTime,
    zone: ZoneChoice,
    if_past: IfPast,
}

impl Kind for WaitUntil {
    const NAME: &'static str = "wait_until";
    const FACE: Face = Face {
        group: Group::Time,
        icon: "alarm-clock",
        order: 25,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("at", Form::Text),
            Setting::optional("zone", Form::Zone, "contact"),
            Setting::optional("if_past", Form::Choice, "continue").options(&["continue", "exit"]),
        ]
    }

    fn sample() -> Value {
        json!({"at": "2026-12-01 09:00"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        match read(&settings.at) {
            Some(at) => Some(Box::new(Step {
                at,
                zone: settings.zone,
                if_past: settings.if_past,
            })),
            None => {
                let found = clipped(&settings.at);
                cx.bad_settings(
                    "at",
                    &format!("`{found}` is no date and time like 2026-12-01 09:00"),
                );
                None
            }
        }
    }
}

/// `2026-12-01 09:00`, with a `T` or seconds where somebody writes them.
fn read(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())
}

impl Step {
    fn target(&self, cx: &Cx<'_>) -> Moment {
        let zone = self.zone.resolve(cx.who.zone(), cx.who.scope().zone);
        calendar::instant(zone, self.at)
    }

    fn past(&self) -> Flow<'_> {
        match self.if_past {
            IfPast::Continue => Flow::Go(0, Because::Nothing),
            IfPast::Exit => Flow::End(End::Completed("date_past".to_owned())),
        }
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        match self.target(cx) {
            target if target >= cx.base => Flow::Park(Some(target)),
            _ => self.past(),
        }
    }

    /// A contact who moves to another zone waits by that one.
    fn wake(&self, cx: &Cx<'_>, signal: Signal<'_>) -> Flow<'_> {
        let target = self.target(cx);
        match signal {
            Signal::Event(_) => Flow::Stay,
            _ if target > cx.now && cx.wake_at == Some(target) => Flow::Stay,
            _ if target > cx.now => Flow::Park(Some(target)),
            // Moved to a zone where it is over.
            _ if cx.wake_at.is_some_and(|wake| target < wake) => self.past(),
            Signal::Due | Signal::Moved => Flow::Go(0, Because::Nothing),
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
    use carillon_model::journey::End;
    use serde_json::json;

    fn nine(if_past: &str) -> Try {
        Try::of(
            "wait_until",
            json!({"at": "2026-03-02 09:00", "if_past": if_past}),
        )
    }

    #[test]
    fn nine_oclock_is_when_the_contacts_own_clock_shows_it() {
        let table = [
            ("", "2026-03-02T08:00:00Z"),
            ("America/New_York", "2026-03-02T14:00:00Z"),
            ("Asia/Tokyo", "2026-03-02T00:00:00Z"),
        ];
        for (zone, wakes) in table {
            let mut passage = nine("continue");
            passage.text_field("time_zone", zone);
            passage.enter("2026-03-01T10:00:00Z");
            assert_eq!(passage.wakes(), wakes, "{zone}");
            passage.wake(wakes);
            assert_eq!(passage.ports(), ["next", "next"], "{zone}");
        }
    }

    #[test]
    fn a_moment_that_is_over_lets_through_or_ends_as_it_is_told() {
        let mut goes_on = nine("continue");
        goes_on.enter("2026-03-02T08:00:01Z");
        assert_eq!(goes_on.ports(), ["next", "next"]);
        let mut leaves = nine("exit");
        leaves.enter("2026-03-02T08:00:01Z");
        assert_eq!(leaves.end(), Some(End::Completed("date_past".into())));
    }

    #[test]
    fn whoever_moves_waits_by_the_new_zone() {
        let mut passage = nine("exit");
        passage.enter("2026-03-01T10:00:00Z");
        passage.text_field("time_zone", "America/New_York");
        passage.moved("2026-03-01T12:00:00Z");
        assert_eq!(passage.wakes(), "2026-03-02T14:00:00Z");
        passage.text_field("time_zone", "Asia/Tokyo");
        passage.moved("2026-03-02T03:00:00Z");
        assert_eq!(passage.end(), Some(End::Completed("date_past".into())));
    }

    #[test]
    fn what_is_no_date_and_time_is_a_problem() {
        for bad in ["", "tomorrow", "2026-02-30 09:00", "2026-03-02"] {
            assert_eq!(
                codes_of("wait_until", json!({"at": bad})),
                ["bad_settings"],
                "{bad}"
            );
        }
        assert_eq!(
            codes_of("wait_until", json!({"at": "2026-03-02T09:00:00"})),
            Vec::<String>::new()
        );
    }
}
