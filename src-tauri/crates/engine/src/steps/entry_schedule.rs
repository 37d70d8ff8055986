//! Lets contacts in at moments of the calendar, those for whom a condition holds then.

use crate::journey::check::Check;
use crate::journey::entry::{Entry, ScheduleEntry, ScheduleRule};
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, next};
use crate::journey::settings::{Day, TimeOfDay, ZoneChoice, days};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct EntrySchedule;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    rule: Rule,
    #[serde(default = "TimeOfDay::morning")]
    at: TimeOfDay,
    #[serde(default = "ZoneChoice::workspace")]
    zone: ZoneChoice,
    who: String,
}

#[derive(Deserialize)]
#[serde(tag = "every", rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    Once { on: NaiveDate },
    Day {},
    Week { days: Vec<Day> },
    Month { day: u32 },
}

#[derive(Debug)]
struct Step(Entry);

impl Kind for EntrySchedule {
    const NAME: &'static str = "entry_schedule";
    const FACE: Face = Face {
        group: Group::Entries,
        icon: "calendar-clock",
        order: 40,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("rule", Form::Schedule).options(&["once", "day", "week", "month"]),
            Setting::optional("at", Form::Time, "09:00"),
            Setting::optional("zone", Form::Zone, "workspace"),
            Setting::required("who", Form::Expression),
        ]
    }

    fn sample() -> Value {
        json!({"rule": {"every": "week", "days": ["mon", "thu"]}, "who": "tag \"vip\""})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let who = cx.condition("who", &settings.who);
        let rule = match settings.rule {
            Rule::Once { on } => ScheduleRule::Once(on),
            Rule::Day {} => ScheduleRule::EveryDay,
            Rule::Week { days: list } if list.is_empty() => {
                cx.impossible_window("rule");
                return None;
            }
            Rule::Week { days: list } => ScheduleRule::EveryWeek(days(&list)),
            Rule::Month { day } if !(1..=31).contains(&day) => {
                cx.bad_settings("rule", "the day of a month is 1 to 31");
                return None;
            }
            Rule::Month { day } => ScheduleRule::EveryMonth(day),
        };
        Some(Box::new(Step(Entry::Schedule(ScheduleEntry {
            rule,
            at: settings.at,
            zone: settings.zone,
            who: who?,
        }))))
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        match &self.0 {
            Entry::Schedule(entry) => Flow::Go(0, Because::truth(entry.who, cx.who.holds(entry.who))),
            Entry::Segment(_) | Entry::Event(_) | Entry::Date(_) | Entry::Manual => {
                Flow::Go(0, Because::Nothing)
            }
        }
    }

    fn entry(&self) -> Option<&Entry> {
        Some(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::journey::entry::entry_due;
    use crate::steps::tests::{codes_of, contact, only, utc};
    use carillon_model::contact::Value;
    use chrono_tz::Europe::Berlin;
    use serde_json::json;

    #[test]
    fn a_schedule_comes_round_on_its_days() {
        let table = [
            (
                json!({"every": "once", "on": "2026-12-01"}),
                "09:00",
                "2026-01-01T00:00:00Z",
                Some("2026-12-01T08:00:00Z"),
            ),
            (
                json!({"every": "once", "on": "2026-12-01"}),
                "09:00",
                "2026-12-01T08:00:00Z",
                None,
            ),
            (
                json!({"every": "day"}),
                "09:00",
                "2026-01-01T08:00:00Z",
                Some("2026-01-02T08:00:00Z"),
            ),
            (
                json!({"every": "day"}),
                "09:00",
                "2026-01-01T07:59:59Z",
                Some("2026-01-01T08:00:00Z"),
            ),
            // the missing hour, and the doubled one only once
            (
                json!({"every": "day"}),
                "02:30",
                "2026-03-28T12:00:00Z",
                Some("2026-03-29T01:00:00Z"),
            ),
            (
                json!({"every": "day"}),
                "02:30",
                "2026-10-25T00:30:00Z",
                Some("2026-10-26T01:30:00Z"),
            ),
            (
                json!({"every": "week", "days": ["mon"]}),
                "09:00",
                "2026-01-05T08:00:00Z",
                Some("2026-01-12T08:00:00Z"),
            ),
            (
                json!({"every": "week", "days": ["sun", "wed"]}),
                "09:00",
                "2026-01-05T08:00:00Z",
                Some("2026-01-07T08:00:00Z"),
            ),
            (
                json!({"every": "month", "day": 31}),
                "09:00",
                "2026-01-31T08:00:00Z",
                Some("2026-02-28T08:00:00Z"),
            ),
            (
                json!({"every": "month", "day": 31}),
                "09:00",
                "2028-02-01T00:00:00Z",
                Some("2028-02-29T08:00:00Z"),
            ),
            (
                json!({"every": "month", "day": 1}),
                "00:00",
                "2026-12-31T22:59:59Z",
                Some("2026-12-31T23:00:00Z"),
            ),
            (
                json!({"every": "month", "day": 15}),
                "09:00",
                "2026-12-15T08:00:00Z",
                Some("2027-01-15T08:00:00Z"),
            ),
        ];
        for (rule, at, after, expected) in table {
            let (version, entry) = only(
                "entry_schedule",
                json!({"rule": rule, "at": at, "who": "everyone"}),
            );
            let due = entry_due(&version, entry, None, Berlin, utc(after));
            assert_eq!(due, expected.map(utc), "{rule} at {at} after {after}");
        }
    }

    #[test]
    fn a_schedule_in_the_contacts_zone_differs_by_contact() {
        let settings = json!({"rule": {"every": "day"}, "zone": "contact", "who": "everyone"});
        let (version, entry) = only("entry_schedule", settings);
        let mut who = contact(1);
        who.fields
            .insert("time_zone".into(), Value::Text("Australia/Lord_Howe".into()));
        let after = utc("2026-01-01T00:00:00Z");
        assert_eq!(
            entry_due(&version, entry, Some(&who), Berlin, after),
            Some(utc("2026-01-01T22:00:00Z"))
        );
        assert_eq!(
            entry_due(&version, entry, None, Berlin, after),
            Some(utc("2026-01-01T08:00:00Z"))
        );
    }

    #[test]
    fn a_schedule_that_never_comes_is_a_problem() {
        let of = |rule| codes_of("entry_schedule", json!({"rule": rule, "who": "everyone"}));
        assert_eq!(of(json!({"every": "week", "days": []})), ["impossible_window"]);
        assert_eq!(of(json!({"every": "month", "day": 32})), ["bad_settings"]);
        assert_eq!(of(json!({"every": "day", "days": ["mon"]})), ["bad_settings"]);
        assert_eq!(of(json!({"every": "year"})), ["bad_settings"]);
    }
}
