//! Waits until a date of the contact, or some time before or after it.

use crate::journey::calendar;
use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, Signal};
use crate::journey::settings::{Duration, LONGEST_SECS, TimeOfDay, ZoneChoice};
use carillon_model::Moment;
use carillon_model::contact::{FieldType, Value as FieldValue};
use carillon_model::journey::End;
use serde::Deserialize;
use serde_json::{Value, json};
use smallvec::{SmallVec, smallvec};

/// The kind.
pub struct WaitDate;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    field: String,
    offset: Duration,
    direction: Direction,
    #[serde(default = "TimeOfDay::morning")]
    at: TimeOfDay,
    #[serde(default = "ZoneChoice::contact")]
    zone: ZoneChoice,
    #[serde(default)]
    if_past: IfPast,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Before,
    After,
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
    field: String,
    offset_secs: i64,
    at: TimeOfDay,
    zone: ZoneChoice,
    if_past: IfPast,
}

const NEXT: usize = 0;
const NONE: usize = 1;

impl Kind for WaitDate {
    const NAME: &'static str = "wait_date";
    const FACE: Face = Face {
        group: Group::Time,
        icon: "calendar",
        order: 30,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("field", Form::Field).options(&["date", "date_time"]),
            Setting::required("offset", Form::Duration),
            Setting::required("direction", Form::Choice).options(&["before", "after"]),
            Setting::optional("at", Form::Time, "09:00"),
            Setting::optional("zone", Form::Zone, "contact"),
            Setting::optional("if_past", Form::Choice, "continue").options(&["continue", "exit"]),
        ]
    }

    fn sample() -> Value {
        json!({"field": "renews", "offset": {"amount": 2, "unit": "weeks"}, "direction": "before"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        vec![Port::new("next"), Port::new("none")]
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let known = cx.field("field", &settings.field, &[FieldType::Date, FieldType::DateTime]);
        let secs = settings.offset.secs();
        if secs > LONGEST_SECS {
            cx.bad_settings("offset", "at most ten years");
            return None;
        }
        known?;
        Some(Box::new(Step {
            field: settings.field,
            offset_secs: if settings.direction == Direction::Before {
                -secs
            } else {
                secs
            },
            at: settings.at,
            zone: settings.zone,
            if_past: settings.if_past,
        }))
    }
}

impl Step {
    /// The moment waited for. Of a date it is the time of day on a day whole days away, as calendars count
    /// them; hours and minutes of the offset are exact.
    fn target(&self, cx: &Cx<'_>) -> Option<Moment> {
        let zone = self.zone.resolve(cx.who.zone(), cx.who.scope().zone);
        match cx.who.field(&self.field)? {
            FieldValue::Date(date) => {
                let (days, rest) = (self.offset_secs / 86_400, self.offset_secs % 86_400);
                let day = calendar::shifted(*date, days)?;
                Some(calendar::later(
                    calendar::instant(zone, day.and_time(self.at.0)),
                    rest,
                ))
            }
            FieldValue::DateTime(at) => Some(calendar::later(*at, self.offset_secs)),
            FieldValue::Text(_)
            | FieldValue::Number(_)
            | FieldValue::Money(_)
            | FieldValue::YesNo(_)
            | FieldValue::Choice(_)
            | FieldValue::MultiChoice(_) => None,
        }
    }

    /// The moment had come before anybody waited for it.
    fn past(&self, target: Moment) -> Flow<'_> {
        match self.if_past {
            IfPast::Continue => Flow::Go(NEXT, self.because(Some(target))),
            IfPast::Exit => Flow::End(End::Completed("date_past".to_owned())),
        }
    }

    fn because(&self, found: Option<Moment>) -> Because<'_> {
        Because::Field {
            key: &self.field,
            found,
        }
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        match self.target(cx) {
            None => Flow::Go(NONE, self.because(None)),
            Some(target) if target >= cx.base => Flow::Park(Some(target)),
            Some(target) => self.past(target),
        }
    }

    /// The date may have been moved while the contact waited: it is read again.
    fn wake(&self, cx: &Cx<'_>, signal: Signal<'_>) -> Flow<'_> {
        if matches!(signal, Signal::Event(_)) {
            return Flow::Stay;
        }
        match self.target(cx) {
            None => Flow::Go(NONE, self.because(None)),
            target if target > Some(cx.now) && target == cx.wake_at => Flow::Stay,
            Some(target) if target > cx.now => Flow::Park(Some(target)),
            // Moved to before it was waited for.
            Some(target) if cx.wake_at.is_some_and(|wake| target < wake) => self.past(target),
            Some(target) => Flow::Go(NEXT, self.because(Some(target))),
        }
    }

    fn hangs_on(&self) -> SmallVec<[&str; 2]> {
        let mut fields = smallvec![self.field.as_str()];
        if self.zone == ZoneChoice::Contact {
            fields.push("time_zone");
        }
        fields
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of, utc};
    use carillon_model::contact::Value;
    use carillon_model::journey::End;
    use serde_json::json;

    fn passage(field: &str, amount: u32, unit: &str, direction: &str, if_past: &str) -> Try {
        let offset = json!({"amount": amount, "unit": unit});
        let settings = json!({"field": field, "offset": offset, "direction": direction, "if_past": if_past});
        Try::of("wait_date", settings)
    }

    #[test]
    fn the_moment_is_the_fields_own_with_its_offset() {
        let date = |text: &str| Value::Date(text.parse().unwrap());
        let moment = |text: &str| Value::DateTime(utc(text));
        let table = [
            (
                "birthday",
                date("2026-05-04"),
                2,
                "days",
                "before",
                "",
                "2026-05-02T07:00:00Z",
            ),
            (
                "birthday",
                date("2026-05-04"),
                0,
                "days",
                "after",
                "America/New_York",
                "2026-05-04T13:00:00Z",
            ),
            // calendar days over a clock change keep the time of day
            (
                "birthday",
                date("2026-03-30"),
                2,
                "days",
                "before",
                "",
                "2026-03-28T08:00:00Z",
            ),
            (
                "birthday",
                date("2026-03-28"),
                2,
                "days",
                "after",
                "",
                "2026-03-30T07:00:00Z",
            ),
            (
                "birthday",
                date("2026-03-28"),
                36,
                "hours",
                "after",
                "",
                "2026-03-29T19:00:00Z",
            ),
            (
                "birthday",
                date("2028-02-28"),
                1,
                "days",
                "after",
                "",
                "2028-02-29T08:00:00Z",
            ),
            (
                "birthday",
                date("2026-12-31"),
                1,
                "weeks",
                "after",
                "Africa/Casablanca",
                "2027-01-07T08:00:00Z",
            ),
            // a date and time has its own time of day
            (
                "renews",
                moment("2026-05-04T15:45:00Z"),
                2,
                "hours",
                "before",
                "",
                "2026-05-04T13:45:00Z",
            ),
            (
                "renews",
                moment("2026-03-28T12:00:00Z"),
                1,
                "days",
                "after",
                "",
                "2026-03-29T12:00:00Z",
            ),
        ];
        for (field, value, amount, unit, direction, zone, wakes) in table {
            let mut passage = passage(field, amount, unit, direction, "continue");
            passage.set(field, value.clone());
            passage.text_field("time_zone", zone);
            passage.enter("2026-01-05T10:00:00Z");
            assert_eq!(
                passage.wakes(),
                wakes,
                "{value:?} {amount} {unit} {direction} {zone}"
            );
        }
    }

    #[test]
    fn a_missing_date_leaves_by_none_and_a_past_one_as_it_is_told() {
        let mut missing = passage("birthday", 1, "days", "before", "exit");
        missing.enter("2026-01-05T10:00:00Z");
        assert_eq!(missing.ports(), ["next", "none"]);

        let mut goes_on = passage("birthday", 1, "days", "before", "continue");
        goes_on.set("birthday", Value::Date("2026-01-05".parse().unwrap()));
        goes_on.enter("2026-01-05T10:00:00Z");
        assert_eq!(goes_on.ports(), ["next", "next"]);

        let mut leaves = passage("birthday", 1, "days", "before", "exit");
        leaves.set("birthday", Value::Date("2026-01-05".parse().unwrap()));
        leaves.enter("2026-01-05T10:00:00Z");
        assert_eq!(leaves.end(), Some(End::Completed("date_past".into())));
    }

    #[test]
    fn a_date_that_was_put_off_is_waited_for_again() {
        let mut passage = passage("birthday", 0, "days", "after", "continue");
        passage.set("birthday", Value::Date("2026-02-01".parse().unwrap()));
        passage.enter("2026-01-05T10:00:00Z");
        passage.set("birthday", Value::Date("2026-02-03".parse().unwrap()));
        passage.wake("2026-02-01T08:00:00Z");
        assert_eq!(passage.wakes(), "2026-02-03T08:00:00Z");
        passage.clear("birthday");
        passage.wake("2026-02-03T08:00:00Z");
        assert_eq!(passage.ports(), ["next", "none"]);
    }

    #[test]
    fn a_date_that_is_moved_is_waited_for_from_then_on() {
        let mut passage = passage("birthday", 0, "days", "after", "continue");
        passage.set("birthday", Value::Date("2026-03-01".parse().unwrap()));
        passage.enter("2026-01-05T10:00:00Z");
        passage.set("birthday", Value::Date("2026-01-20".parse().unwrap()));
        passage.moved("2026-01-10T12:00:00Z");
        assert_eq!(passage.wakes(), "2026-01-20T08:00:00Z", "brought forward");
        passage.text_field("time_zone", "America/New_York");
        passage.moved("2026-01-11T12:00:00Z");
        assert_eq!(
            passage.wakes(),
            "2026-01-20T14:00:00Z",
            "with the contact to New York"
        );
        let facts = passage.facts.len();
        passage.moved("2026-01-12T12:00:00Z");
        assert_eq!(passage.facts.len(), facts, "nothing was moved");
        passage.wake("2026-01-20T14:00:00Z");
        assert_eq!(passage.ports(), ["next", "next"]);
    }

    #[test]
    fn a_date_moved_to_before_now_is_a_past_one() {
        for (if_past, ports) in [("continue", vec!["next", "next"]), ("exit", vec!["next"])] {
            let mut passage = passage("birthday", 0, "days", "after", if_past);
            passage.set("birthday", Value::Date("2026-03-01".parse().unwrap()));
            passage.enter("2026-01-05T10:00:00Z");
            passage.set("birthday", Value::Date("2026-01-08".parse().unwrap()));
            passage.moved("2026-01-10T12:00:00Z");
            assert_eq!(passage.ports(), ports, "{if_past}");
        }
        let mut cleared = passage("birthday", 0, "days", "after", "exit");
        cleared.set("birthday", Value::Date("2026-03-01".parse().unwrap()));
        cleared.enter("2026-01-05T10:00:00Z");
        cleared.clear("birthday");
        cleared.moved("2026-01-10T12:00:00Z");
        assert_eq!(cleared.ports(), ["next", "none"]);
    }

    #[test]
    fn what_it_hangs_on_is_its_field_and_a_contacts_zone() {
        use crate::steps::tests::only;
        let fields = |zone: &str| {
            let settings = json!({"field": "renews", "offset": {"amount": 1, "unit": "days"},
                "direction": "before", "zone": zone});
            let (version, _) = only("wait_date", settings);
            let fields: Vec<String> = version.hanging().map(|(_, field)| field.to_owned()).collect();
            fields
        };
        assert_eq!(fields("contact"), ["renews", "time_zone"]);
        assert_eq!(fields("workspace"), ["renews"]);
    }

    #[test]
    fn a_field_that_is_no_date_is_a_problem() {
        let settings =
            json!({"field": "city", "offset": {"amount": 1, "unit": "days"}, "direction": "before"});
        assert_eq!(codes_of("wait_date", settings), ["wrong_type"]);
    }
}
