//! What comes from outside in a scenario: what contacts do, what somebody writes, and how the clock is moved.

use carillon_engine::journey::scenario::{self, Dice};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::journey::{Journey, ReEntry, Step};
use carillon_model::{Moment, StepId};
use chrono::TimeDelta;
use serde_json::json;

/// One thing from outside, and how the clock comes to it.
pub struct Action {
    pub at: Moment,
    pub what: What,
}

/// What is done.
pub enum What {
    /// The contact does something; it is heard of now.
    Happens(Event),
    /// Somebody puts the contact in by hand, at the n-th such entry.
    PutIn(u32, usize),
    Writes(u32, &'static str, Option<Value>),
    Tags(u32, &'static str, bool),
    /// Nothing but a stop on the way.
    Stops,
    /// The program ends and starts again.
    Restarts,
    /// The machine sleeps until a moment.
    Sleeps(Moment),
}

/// The scenario's journey; of every second one the calendar lets people in again and again, at an hour that clocks
/// skip and double.
pub fn journey(seed: u64) -> Journey {
    let mut journey = scenario::journey(seed);
    if seed.is_multiple_of(2) {
        return journey;
    }
    let mut dice = Dice::new(seed.wrapping_add(31));
    journey.re_entry = *dice.one(&[ReEntry::AfterExit, ReEntry::AfterDays { days: 1 }]);
    for entry in ["calendar", "birthdays"] {
        let zone = *dice.one(&["contact", "contact", "workspace"]);
        let at = *dice.one(&["01:30", "02:00", "02:30", "03:00"]);
        let (kind, settings) = match entry {
            "calendar" => (
                "entry_schedule",
                json!({"rule": {"every": "day"}, "at": at, "zone": zone, "who": "not (tag \"vip\")"}),
            ),
            _ => (
                "entry_date",
                json!({"field": "birthday", "offset_days": 0, "at": at, "zone": zone, "yearly": true,
                       "leap_day": dice.one(&["feb28", "mar1", "skip"])}),
            ),
        };
        journey.steps.push(Step {
            id: StepId(entry.to_owned()),
            kind: kind.to_owned(),
            name: String::new(),
            settings: settings.as_object().cloned().unwrap_or_default(),
            next: [("next".to_owned(), StepId("s0".to_owned()))].into(),
        });
    }
    journey
}

/// All of a scenario in order. Each has a millisecond of its own, so that nothing else is due when it comes.
pub fn actions(seed: u64, contacts: u32, start: Moment, days: u32) -> Vec<Action> {
    let mut dice = Dice::new(seed.wrapping_add(90_001));
    let minutes = days as usize * 1_440;
    let mut all: Vec<Action> = Vec::new();
    for id in 1..=contacts {
        for mut event in scenario::happenings(seed, id, start, days) {
            let at = event.at;
            // Some are heard of late.
            event.at -= TimeDelta::minutes(*dice.one(&[0, 0, 11, 95, 3_000]));
            all.push(Action {
                at,
                what: What::Happens(event),
            });
        }
    }
    for _ in 0..dice.below(24) {
        let contact = 1 + dice.below(contacts as usize) as u32;
        let at = start + TimeDelta::minutes(dice.below(minutes) as i64);
        let what = match dice.below(6) {
            0 => What::PutIn(contact, dice.below(3)),
            1 | 2 => writes(&mut dice, contact, at),
            3 => {
                let tag = *dice.one(&["vip", "seen"]);
                What::Tags(contact, tag, dice.once_in(2))
            }
            4 => What::Stops,
            _ => What::Restarts,
        };
        all.push(Action { at, what });
    }
    // By hand at the beginning, as whoever starts a journey does.
    for contact in 1..=contacts {
        for entry in 0..2 {
            all.push(Action {
                at: start,
                what: What::PutIn(contact, entry),
            });
        }
    }
    let (from, to) = asleep(seed, start, days);
    all.retain(|action| action.at < from || action.at > to);
    all.push(Action {
        at: from,
        what: What::Sleeps(to),
    });
    all.sort_by_key(|action| action.at);
    for (place, action) in (1..).zip(&mut all) {
        if !matches!(action.what, What::Sleeps(_)) {
            action.at += TimeDelta::milliseconds(place);
        }
    }
    all
}

/// Eight hours in which the machine sleeps: what falls due in them is handled when it wakes. It does not fall asleep at
/// the very moment at which something is due.
pub fn asleep(seed: u64, start: Moment, days: u32) -> (Moment, Moment) {
    let mut dice = Dice::new(seed.wrapping_add(480));
    let from = start + TimeDelta::minutes(1 + dice.below(days as usize * 1_440 - 490) as i64);
    let from = from + TimeDelta::milliseconds(997);
    (from, from + TimeDelta::hours(8))
}

fn writes(dice: &mut Dice, contact: u32, at: Moment) -> What {
    let leap = chrono::NaiveDate::from_ymd_opt(2000, 2, 29).map(Value::Date);
    let soon = Value::DateTime(at + TimeDelta::minutes(dice.below(6_000) as i64));
    let (key, value) = match dice.below(8) {
        0 => ("city", Some(Value::Text("Bonn".into()))),
        1 => ("city", None),
        2 => ("points", Some(Value::Number(dice.below(6) as f64))),
        3 => ("time_zone", Some(Value::Text("America/New_York".into()))),
        4 => ("time_zone", None),
        5 => ("birthday", leap),
        6 => ("birthday", Some(Value::Date(at.date_naive()))),
        _ => ("renews", Some(soon)),
    };
    What::Writes(contact, key, value)
}
