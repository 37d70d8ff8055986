//! Lets contacts in when a date field comes round, once or every year.

use crate::journey::calendar::LeapDay;
use crate::journey::check::Check;
use crate::journey::entry::{DateEntry, Entry};
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, next};
use crate::journey::settings::{TimeOfDay, ZoneChoice};
use carillon_model::contact::FieldType;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct EntryDate;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    field: String,
    #[serde(default)]
    offset_days: i64,
    #[serde(default = "TimeOfDay::morning")]
    at: TimeOfDay,
    #[serde(default = "ZoneChoice::contact")]
    zone: ZoneChoice,
    #[serde(default)]
    yearly: bool,
    #[serde(default)]
    leap_day: LeapDay,
}

#[derive(Debug)]
struct Step(Entry);

/// Furthest an offset reaches, in days: ten years.
const FURTHEST: i64 = 3_653;

impl Kind for EntryDate {
    const NAME: &'static str = "entry_date";
    const FACE: Face = Face {
        group: Group::Entries,
        icon: "cake",
        order: 30,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("field", Form::Field).options(&["date", "date_time"]),
            Setting::optional("offset_days", Form::Number, 0),
            Setting::optional("at", Form::Time, "09:00"),
            Setting::optional("zone", Form::Zone, "contact"),
            Setting::optional("yearly", Form::Bool, false),
            Setting::optional("leap_day", Form::Choice, "feb28").options(&["feb28", "mar1", "skip"]),
        ]
    }

    fn sample() -> Value {
        json!({"field": "birthday", "offset_days": -7, "yearly": true, "leap_day": "mar1"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let known = cx.field("field", &settings.field, &[FieldType::Date, FieldType::DateTime]);
        if !(-FURTHEST..=FURTHEST).contains(&settings.offset_days) {
            cx.bad_settings("offset_days", "at most 3,653 days (ten years) to either side");
            return None;
        }
        known?;
        Some(Box::new(Step(Entry::Date(DateEntry {
            field: settings.field,
            offset_days: settings.offset_days,
            at: settings.at,
            zone: settings.zone,
            yearly: settings.yearly,
            leap_day: settings.leap_day,
        }))))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Go(0, Because::Nothing)
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
    fn a_date_comes_round_when_its_rule_says() {
        let yearly = |more: serde_json::Value| {
            let mut settings = json!({"field": "birthday", "yearly": true});
            settings
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            settings
        };
        let table = [
            (
                json!({"field": "birthday"}),
                "2026-05-04",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-05-04T07:00:00Z"),
            ),
            (
                json!({"field": "birthday"}),
                "2026-05-04",
                "",
                "2026-05-04T07:00:00Z",
                None,
            ),
            (
                json!({"field": "birthday", "offset_days": -2}),
                "2026-05-04",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-05-02T07:00:00Z"),
            ),
            (
                json!({"field": "birthday", "offset_days": 1, "at": "23:30"}),
                "2025-12-31",
                "",
                "2025-12-31T00:00:00Z",
                Some("2026-01-01T22:30:00Z"),
            ),
            // the contact's own calendar
            (
                yearly(json!({})),
                "1990-07-04",
                "America/New_York",
                "2026-01-01T00:00:00Z",
                Some("2026-07-04T13:00:00Z"),
            ),
            (
                yearly(json!({"zone": "workspace"})),
                "1990-07-04",
                "America/New_York",
                "2026-01-01T00:00:00Z",
                Some("2026-07-04T07:00:00Z"),
            ),
            (
                yearly(json!({"zone": "Asia/Tokyo"})),
                "1990-07-04",
                "",
                "2026-07-04T00:00:00Z",
                Some("2027-07-04T00:00:00Z"),
            ),
            // not before its own year
            (
                yearly(json!({})),
                "2031-07-04",
                "",
                "2026-01-01T00:00:00Z",
                Some("2031-07-04T07:00:00Z"),
            ),
            // 29 February
            (
                yearly(json!({})),
                "2000-02-29",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-02-28T08:00:00Z"),
            ),
            (
                yearly(json!({"leap_day": "mar1"})),
                "2000-02-29",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-03-01T08:00:00Z"),
            ),
            (
                yearly(json!({"leap_day": "skip"})),
                "2000-02-29",
                "",
                "2026-01-01T00:00:00Z",
                Some("2028-02-29T08:00:00Z"),
            ),
            (
                yearly(json!({"leap_day": "skip"})),
                "1896-02-29",
                "",
                "1896-03-01T00:00:00Z",
                Some("1904-02-29T08:00:00Z"),
            ),
            // an offset over the year's end, both ways
            (
                yearly(json!({"offset_days": -7})),
                "1990-01-03",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-12-27T08:00:00Z"),
            ),
            (
                yearly(json!({"offset_days": 7})),
                "1990-12-30",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-01-06T08:00:00Z"),
            ),
            // an offset of years
            (
                yearly(json!({"offset_days": -400})),
                "1990-05-04",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-03-30T07:00:00Z"),
            ),
            // a missing hour
            (
                yearly(json!({"at": "02:30"})),
                "1990-03-29",
                "",
                "2026-01-01T00:00:00Z",
                Some("2026-03-29T01:00:00Z"),
            ),
        ];
        for (settings, birthday, zone, after, expected) in table {
            let (version, entry) = only("entry_date", settings.clone());
            let mut who = contact(1);
            who.fields
                .insert("birthday".into(), Value::Date(birthday.parse().unwrap()));
            if !zone.is_empty() {
                who.fields.insert("time_zone".into(), Value::Text(zone.into()));
            }
            let due = entry_due(&version, entry, Some(&who), Berlin, utc(after));
            assert_eq!(due, expected.map(utc), "{settings} {birthday} after {after}");
        }
    }

    #[test]
    fn a_contact_without_the_date_never_comes_in() {
        let (version, entry) = only("entry_date", json!({"field": "birthday", "yearly": true}));
        assert_eq!(
            entry_due(
                &version,
                entry,
                Some(&contact(1)),
                Berlin,
                utc("2026-01-01T00:00:00Z")
            ),
            None
        );
    }

    #[test]
    fn a_date_and_time_counts_as_its_local_day() {
        let (version, entry) = only("entry_date", json!({"field": "renews", "offset_days": 1}));
        let mut who = contact(1);
        who.fields
            .insert("renews".into(), Value::DateTime(utc("2026-01-31T23:30:00Z")));
        let due = entry_due(&version, entry, Some(&who), Berlin, utc("2026-01-01T00:00:00Z"));
        assert_eq!(
            due,
            Some(utc("2026-02-02T08:00:00Z")),
            "already 1 February in Berlin"
        );
    }

    #[test]
    fn a_field_that_is_no_date_is_a_problem() {
        assert_eq!(codes_of("entry_date", json!({"field": "city"})), ["wrong_type"]);
        assert_eq!(
            codes_of("entry_date", json!({"field": "nothing"})),
            ["unknown_field"]
        );
        assert_eq!(
            codes_of("entry_date", json!({"field": "birthday", "offset_days": 4_000})),
            ["bad_settings"]
        );
        assert_eq!(
            codes_of("entry_date", json!({"field": "birthday", "zone": "Mars/North"})),
            ["bad_settings"]
        );
    }
}
