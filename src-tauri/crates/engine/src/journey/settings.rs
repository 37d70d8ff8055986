//! Values that several step kinds have among their settings.

use super::calendar::{self, Window};
use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest wait a step may name: ten years, in seconds.
pub const LONGEST_SECS: i64 = 3_653 * 86_400;

/// A length of time. A day is 24 hours, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duration {
    pub amount: u32,
    pub unit: Unit,
}

/// What [`Duration::amount`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl Duration {
    /// Length in seconds.
    pub fn secs(self) -> i64 {
        let unit = match self.unit {
            Unit::Minutes => 60,
            Unit::Hours => 3_600,
            Unit::Days => 86_400,
            Unit::Weeks => 604_800,
        };
        i64::from(self.amount) * unit
    }
}

/// A time of day, `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub NaiveTime);

impl TimeOfDay {
    /// Nine in the morning: the default of every kind that has one.
    pub fn morning() -> TimeOfDay {
        TimeOfDay(NaiveTime::from_hms_opt(9, 0, 0).unwrap_or(NaiveTime::MIN))
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let strict = text.len() == 5;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .ok()
            .filter(|_| strict)
            .map(TimeOfDay)
            .ok_or_else(|| D::Error::custom(format!("`{}` is no time of day like 09:00", clipped(&text))))
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0.format("%H:%M"))
    }
}

/// Whose calendar a time is read in: `contact`, `workspace` or an IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneChoice {
    /// The contact's `time_zone`, else the workspace's.
    Contact,
    Workspace,
    Named(Tz),
}

impl ZoneChoice {
    /// The default of waits and dates.
    pub fn contact() -> ZoneChoice {
        ZoneChoice::Contact
    }

    /// The default of schedules.
    pub fn workspace() -> ZoneChoice {
        ZoneChoice::Workspace
    }

    /// The zone meant for a contact with `own` zone in a workspace.
    pub fn resolve(self, own: Option<Tz>, workspace: Tz) -> Tz {
        match self {
            ZoneChoice::Contact => own.unwrap_or(workspace),
            ZoneChoice::Workspace => workspace,
            ZoneChoice::Named(zone) => zone,
        }
    }
}

impl<'de> Deserialize<'de> for ZoneChoice {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        match text.as_str() {
            "contact" => Ok(ZoneChoice::Contact),
            "workspace" => Ok(ZoneChoice::Workspace),
            name => name.parse().map(ZoneChoice::Named).map_err(|_| {
                D::Error::custom(format!("`{}` is no time zone like Europe/Berlin", clipped(name)))
            }),
        }
    }
}

impl Serialize for ZoneChoice {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            ZoneChoice::Contact => s.serialize_str("contact"),
            ZoneChoice::Workspace => s.serialize_str("workspace"),
            ZoneChoice::Named(zone) => s.serialize_str(zone.name()),
        }
    }
}

/// A day of the week: `mon` to `sun`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Weekday {
        match day {
            Day::Mon => Weekday::Mon,
            Day::Tue => Weekday::Tue,
            Day::Wed => Weekday::Wed,
            Day::Thu => Weekday::Thu,
            Day::Fri => Weekday::Fri,
            Day::Sat => Weekday::Sat,
            Day::Sun => Weekday::Sun,
        }
    }
}

/// The days as [`Window::days`] has them.
pub fn days(list: &[Day]) -> [bool; 7] {
    let mut set = [false; 7];
    for day in list {
        set[calendar::weekday_index((*day).into())] = true;
    }
    set
}

/// A weekly window, or `None` when it can never open: no day, or no time between its ends.
pub fn window(list: &[Day], from: TimeOfDay, to: TimeOfDay) -> Option<Window> {
    (!list.is_empty() && from != to).then(|| Window {
        days: days(list),
        from: from.0,
        to: to.0,
    })
}

/// The beginning of a text from outside, short enough for a message.
pub fn clipped(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if text.chars().count() > 60 {
        short.push('…');
    }
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_exact_seconds() {
        let table = [
            ("minutes", 180),
            ("hours", 10_800),
            ("days", 259_200),
            ("weeks", 1_814_400),
        ];
        for (unit, secs) in table {
            let text = format!(r#"{{"amount": 3, "unit": "{unit}"}}"#);
            assert_eq!(serde_json::from_str::<Duration>(&text).unwrap().secs(), secs);
        }
    }

    #[test]
    fn a_time_of_day_is_five_characters_and_nothing_else() {
        for good in ["00:00", "09:30", "23:59"] {
            let json = format!("\"{good}\"");
            let time: TimeOfDay = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&time).unwrap(), json);
        }
        for bad in ["24:00", "9:00", "09:00:00", "0900", "", "ab:cd"] {
            assert!(
                serde_json::from_str::<TimeOfDay>(&format!("\"{bad}\"")).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_zone_that_is_not_known_is_refused_by_name() {
        let error = serde_json::from_str::<ZoneChoice>("\"Europe/Entenhausen\"").unwrap_err();
        assert!(error.to_string().contains("Europe/Entenhausen"), "{error}");
        let named: ZoneChoice = serde_json::from_str("\"Europe/Berlin\"").unwrap();
        assert_eq!(named, ZoneChoice::Named(chrono_tz::Europe::Berlin));
    }

    #[test]
    fn a_contact_without_a_zone_lives_in_the_workspaces() {
        let berlin = chrono_tz::Europe::Berlin;
        let lisbon = chrono_tz::Europe::Lisbon;
        assert_eq!(ZoneChoice::Contact.resolve(Some(lisbon), berlin), lisbon);
        assert_eq!(ZoneChoice::Contact.resolve(None, berlin), berlin);
        assert_eq!(ZoneChoice::Workspace.resolve(Some(lisbon), berlin), berlin);
    }
}
