//! What comes from outside in a scenario: what contacts do, what somebody writes, and how the clock is moved.

use carillon_engine::journey::scenario::{self, Dice};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::journey::{Journey, ReEntry, Step};
use carillon_model::{Moment, StepId};
use chrono::TimeDelta;
use serde_json::{Value as Json, json};

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
    /// The journey is paused until then.
    Pauses(Moment),
}

/// The scenario's journey; of every second one the calendar lets people in again and again, at an hour that clocks
/// skip and double, and of some others a segment that the steps themselves turn over. Some ask for a score.
pub fn journey(seed: u64) -> Journey {
    let mut journey = without_scores(seed);
    let mut dice = Dice::new(seed.wrapping_add(77));
    if dice.once_in(2) {
        for rule in &mut journey.exit_when {
            if dice.once_in(2) {
                rule.when = (*dice.one(&OF_SCORES)).to_owned();
            }
        }
        for settings in journey.steps.iter_mut().map(|step| &mut step.settings) {
            for of in ["when", "who"] {
                settings
                    .entry(of)
                    .and_modify(|asked| ask_for_a_score(&mut dice, asked));
            }
            let branches = settings.get_mut("branches").and_then(Json::as_array_mut);
            for branch in branches.into_iter().flatten().filter_map(|b| b.get_mut("when")) {
                ask_for_a_score(&mut dice, branch);
            }
        }
    }
    journey
}

/// What scores are asked for.
const OF_SCORES: [&str; 6] = [
    "score_heat >= 5",
    "score_heat < 3",
    "score_heat > 7 or score_heat = 4",
    "score_heat >= 2 and tag \"vip\"",
    "score_heat < 6 and did order in the last 2 days",
    "not (score_heat > 3) and not (in segment \"Regulars\")",
];

fn ask_for_a_score(dice: &mut Dice, condition: &mut Json) {
    if dice.once_in(2) {
        *condition = json!(dice.one(&OF_SCORES));
    }
}

fn without_scores(seed: u64) -> Journey {
    let mut journey = scenario::journey(seed);
    let mut dice = Dice::new(seed.wrapping_add(31));
    if seed.is_multiple_of(2) {
        // Who may come again at once would do so a thousand times.
        if journey.re_entry != ReEntry::AfterExit {
            let on = *dice.one(&["entered", "left"]);
            let settings = json!({"segment": "Vips", "on": on, "include_current": dice.once_in(2)});
            journey.steps.push(first_of("vips", "entry_segment", &settings));
        }
        return journey;
    }
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
        journey.steps.push(first_of(entry, kind, &settings));
    }
    journey
}

/// An entry before the first step.
fn first_of(id: &str, kind: &str, settings: &Json) -> Step {
    Step {
        id: StepId(id.to_owned()),
        kind: kind.to_owned(),
        name: String::new(),
        settings: settings.as_object().cloned().unwrap_or_default(),
        next: [("next".to_owned(), StepId("s0".to_owned()))].into(),
    }
}

/// All of a scenario in order. Each has a millisecond of its own, so that nothing else is due when it comes.
pub fn actions(seed: u64, document: &Journey, contacts: u32, start: Moment, days: u32) -> Vec<Action> {
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
    let (asleep, paused) = (asleep(seed, start, days), paused(seed, document, start, days));
    for (from, to) in paused.into_iter().chain([asleep]) {
        all.retain(|action| action.at < from || action.at > to);
    }
    let pauses = paused.map(|(from, to)| (from, What::Pauses(to)));
    let stretches = pauses.into_iter().chain([(asleep.0, What::Sleeps(asleep.1))]);
    all.extend(stretches.map(|(at, what)| Action { at, what }));
    all.sort_by_key(|action| action.at);
    for (place, action) in (1..).zip(&mut all) {
        if !matches!(action.what, What::Sleeps(_) | What::Pauses(_)) {
            action.at += TimeDelta::milliseconds(place);
        }
    }
    all
}

/// Eight hours, or now and then two days and a half, in which the machine sleeps: what falls due in them is handled when
/// it wakes. It does not fall asleep at the very moment at which something is due.
pub fn asleep(seed: u64, start: Moment, days: u32) -> (Moment, Moment) {
    let mut dice = Dice::new(seed.wrapping_add(480));
    let from = start + TimeDelta::minutes(1 + dice.below(days as usize * 1_440 - 490) as i64);
    let from = from + TimeDelta::milliseconds(997);
    let long = TimeDelta::hours(60);
    let last = start + TimeDelta::days(i64::from(days)) - long - TimeDelta::minutes(10);
    match dice.once_in(4) && from < last {
        true => (from, from + long),
        false => (from, from + TimeDelta::hours(8)),
    }
}

/// Up to three days in which the journey is paused: to whom is in it, that is a sleep. Whom a schedule lets in is
/// decided at its moment, though they come in later, so a journey that has one is not paused here.
pub fn paused(seed: u64, document: &Journey, start: Moment, days: u32) -> Option<(Moment, Moment)> {
    if document.steps.iter().any(|step| step.kind == "entry_schedule") {
        return None;
    }
    let mut dice = Dice::new(seed.wrapping_add(72));
    let minutes = 1 + dice.below(3 * 1_440) as i64;
    let from = start + TimeDelta::minutes(1 + dice.below((days as usize - 3) * 1_440) as i64);
    let from = from + TimeDelta::milliseconds(991);
    let to = from + TimeDelta::minutes(minutes);
    let asleep = asleep(seed, start, days);
    (to < asleep.0 || from > asleep.1).then_some((from, to))
}

/// How many rows of a kind one commit takes in: few enough that what is due at once is told in many.
pub fn batch(seed: u64) -> u32 {
    *Dice::new(seed.wrapping_add(16)).one(&[500, 500, 1, 2, 3])
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
