//! Worlds for tests: a workspace, and random journeys, contacts and happenings. Everything comes from one
//! number by the stable hash, so a failing case is named by its number.

use super::chance::Chance;
use super::check::Catalogue;
use crate::record::{ContactRecord, Numbers, Scope};
use crate::segment::changed_key;
use carillon_model::contact::{BUILT_IN_FIELDS, Currency, Field, FieldType, Money, Value};
use carillon_model::event::{Event, Prop};
use carillon_model::journey::{ExitRule, JOURNEY_FORMAT, Journey, ReEntry, Step};
use carillon_model::segment::{Clause, EventMatch, Expr, Times, Window};
use carillon_model::{ContactId, EventId, Moment, StepId};
use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

impl Catalogue {
    /// What the samples of the step kinds refer to.
    pub fn sample() -> Catalogue {
        let field = |key: &str, field_type, options: &[&str]| Field {
            key: key.to_owned(),
            label: key.to_owned(),
            field_type,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            built_in: false,
            score: None,
        };
        let mut fields: Vec<Field> = BUILT_IN_FIELDS
            .iter()
            .map(|(key, _, of)| field(key, *of, &[]))
            .collect();
        fields.extend([
            field("birthday", FieldType::Date, &[]),
            field("renews", FieldType::DateTime, &[]),
            field("points", FieldType::Number, &[]),
            field("spent", FieldType::Money, &[]),
            field("newsletter", FieldType::YesNo, &[]),
            field("roast", FieldType::Choice, &["light", "dark"]),
            field("interests", FieldType::MultiChoice, &["tea", "beans"]),
            Field {
                score: Some("heat".to_owned()),
                ..field("score_heat", FieldType::Number, &[])
            },
        ]);
        let often = Expr::Clause(Clause::Did {
            event: EventMatch {
                name: "order".into(),
                props: Vec::new(),
            },
            times: Times::AtLeast(2),
            window: Window::LastSecs(10 * 86_400),
        });
        let inside = |name: &str| {
            Expr::Clause(Clause::InSegment {
                name: name.to_owned(),
            })
        };
        let tagged = Expr::Clause(Clause::Tag { tag: "vip".into() });
        let segments = [
            ("Regulars", often),
            ("Vips", tagged),
            ("Circle", inside("Round")),
            ("Round", inside("Circle")),
        ];
        Catalogue {
            fields,
            segments: segments
                .into_iter()
                .map(|(name, expr)| (name.to_owned(), expr))
                .collect(),
            templates: ["welcome", "reminder", "thanks"].map(str::to_owned).into(),
            accounts: ["Shop".to_owned()].into(),
            default_account: Some("Shop".to_owned()),
        }
    }

    /// The scope its segments are read in.
    pub fn scope(&self, zone: chrono_tz::Tz) -> Scope {
        Scope {
            zone,
            segments: self.segments.clone(),
            numbers: Numbers::default(),
        }
    }
}

/// A source of choices: a number that counts itself on.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    /// The same seed throws the same.
    pub fn new(seed: u64) -> Dice {
        Dice { seed, thrown: 0 }
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.thrown += 1;
        Chance::default()
            .number(self.seed)
            .number(self.thrown)
            .below(n as u64) as usize
    }

    /// One of some.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// True once in `n` throws.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

const CONDITIONS: [&str; 13] = [
    "city is \"Bonn\"",
    "tag \"vip\"",
    "not (tag \"seen\")",
    "points >= 3",
    "did order in the last 2 days",
    "did visit at least 2 times in the last 12 hours",
    "in segment \"Regulars\"",
    "did order where total >= 20",
    "birthday anniversary within 3 days in contact's zone",
    "created_at in the last 5 days in contact's zone",
    "did reminded",
    "city changed in the last 2 days in contact's zone",
    "at least 2 of (tag \"vip\", city is known, did order in the last 3 days)",
];
const EVENTS: [&str; 4] = ["order", "visit", "reminded", "click"];
const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Nowhere/Land",
    "",
];
/// Beginnings near what time does to calendars: clock changes both ways, half-hour ones, Ramadan, leap days,
/// the year's end.
const STARTS: [&str; 8] = [
    "2026-03-27T09:30:00Z",
    "2026-10-23T21:10:00Z",
    "2026-03-06T12:00:00Z",
    "2026-04-03T00:00:00Z",
    "2026-02-13T18:45:00Z",
    "2028-02-27T23:00:00Z",
    "2027-02-27T23:00:00Z",
    "2026-12-29T16:20:00Z",
];

/// A random journey, valid by construction: steps lead on to later ones; what leads back passes a wait.
pub fn journey(seed: u64) -> Journey {
    let mut dice = Dice::new(seed);
    let count = 3 + dice.below(12);
    let mut steps: Vec<Step> = Vec::new();
    let id = |n: usize| StepId(format!("s{n}"));
    let goals = dice.below(3).min(count - 2);
    for n in 0..count {
        let is_goal = n >= count - goals;
        let (kind, settings) = if is_goal {
            goal(&mut dice)
        } else {
            inner(&mut dice)
        };
        let ports = super::super::steps::kind(kind).map_or(Vec::new(), |kind| (kind.ports)(&settings));
        let mut next = BTreeMap::new();
        for port in ports {
            let onward = n + 1 + dice.below((count - n).min(4));
            let target = if onward >= count {
                StepId("end".into())
            } else {
                id(onward)
            };
            next.insert(port.name, target);
        }
        if kind == "wait" && n > 0 && dice.once_in(4) {
            next.insert("next".into(), id(dice.below(n)));
        }
        steps.push(Step {
            id: id(n),
            kind: kind.into(),
            name: String::new(),
            settings: map(settings),
            next,
        });
    }
    // Nothing stays unreachable: what no arrow leads to gets an entry of its own.
    for n in 0..count {
        let led_to = steps.iter().any(|step| step.next.values().any(|to| *to == id(n)));
        if n == 0 || (!led_to && steps[n].kind != "goal") || dice.once_in(8) {
            let (kind, settings) = entry(&mut dice);
            let next = [("next".to_owned(), id(n))].into();
            let entry_id = StepId(format!("in{n}"));
            steps.push(Step {
                id: entry_id,
                kind: kind.into(),
                name: String::new(),
                settings: map(settings),
                next,
            });
        }
    }
    steps.push(Step {
        id: "end".into(),
        kind: "exit".into(),
        name: String::new(),
        settings: map(json!({"reason": "done"})),
        next: BTreeMap::new(),
    });
    let exit_when = if dice.once_in(4) {
        vec![ExitRule {
            when: (*dice.one(&CONDITIONS)).to_owned(),
            reason: "rule".into(),
        }]
    } else {
        Vec::new()
    };
    let re_entry = *dice.one(&[ReEntry::Never, ReEntry::AfterExit, ReEntry::AfterDays { days: 2 }]);
    let journey = Journey {
        format: JOURNEY_FORMAT.into(),
        name: format!("Scenario {seed}"),
        re_entry,
        exit_when,
        steps,
        layout: BTreeMap::new(),
    };
    reachable(journey)
}

/// Gives an entry to whatever none leads to: a loop back may have cut a step off from the others.
fn reachable(mut journey: Journey) -> Journey {
    loop {
        let (_, problems) = super::compile(&journey, &Catalogue::sample());
        let Some(lost) = problems
            .into_iter()
            .find(|problem| problem.code == "unreachable")
            .and_then(|p| p.step)
        else {
            return journey;
        };
        journey.steps.push(Step {
            id: StepId(format!("to_{lost}")),
            kind: "entry_manual".into(),
            name: String::new(),
            settings: map(json!({})),
            next: [("next".to_owned(), lost)].into(),
        });
    }
}

fn map(settings: Json) -> serde_json::Map<String, Json> {
    settings.as_object().cloned().unwrap_or_default()
}

fn duration(dice: &mut Dice) -> Json {
    let (most, unit) = *dice.one(&[(90, "minutes"), (30, "hours"), (4, "days"), (1, "weeks")]);
    json!({"amount": 1 + dice.below(most), "unit": unit})
}

fn zone(dice: &mut Dice) -> &'static str {
    const ZONES: [&str; 3] = ["contact", "workspace", "America/New_York"];
    ZONES[dice.below(ZONES.len())]
}

fn time(dice: &mut Dice) -> String {
    format!("{:02}:{:02}", dice.below(24), dice.one(&[0, 15, 30]))
}

fn filter(dice: &mut Dice, event: &str) -> &'static str {
    if event == "order" && dice.once_in(2) {
        "total >= 20"
    } else {
        ""
    }
}

fn inner(dice: &mut Dice) -> (&'static str, Json) {
    match dice.below(16) {
        0..=2 => ("wait", json!({"for": duration(dice)})),
        3 => {
            let from = dice.below(23);
            let to = (from + 1 + dice.below(10)) % 24;
            const DAYS: [&[&str]; 3] = [
                &["mon", "wed", "sat"],
                &["sun"],
                &["mon", "tue", "wed", "thu", "fri"],
            ];
            let days = DAYS[dice.below(DAYS.len())];
            let (from, to) = (format!("{from:02}:30"), format!("{to:02}:15"));
            (
                "wait_window",
                json!({"days": days, "from": from, "to": to, "zone": zone(dice)}),
            )
        }
        4 => {
            let direction = *dice.one(&["before", "after"]);
            let if_past = *dice.one(&["continue", "exit"]);
            if dice.once_in(3) {
                let at = format!(
                    "2026-{:02}-{:02} {}",
                    1 + dice.below(3),
                    1 + dice.below(28),
                    time(dice)
                );
                return (
                    "wait_until",
                    json!({"at": at, "zone": zone(dice), "if_past": if_past}),
                );
            }
            let field = *dice.one(&["birthday", "renews"]);
            (
                "wait_date",
                json!({"field": field, "offset": duration(dice), "direction": direction,
                "at": time(dice), "zone": zone(dice), "if_past": if_past}),
            )
        }
        5 | 6 => {
            if dice.once_in(4) {
                let template = *dice.one(&["welcome", "reminder", ""]);
                return (
                    "wait_response",
                    json!({"response": dice.one(&["clicked", "opened"]), "template": template, "timeout": duration(dice)}),
                );
            }
            let event = *dice.one(&EVENTS);
            (
                "wait_event",
                json!({"event": event, "where": filter(dice, event), "timeout": duration(dice)}),
            )
        }
        7 => ("if_else", json!({"when": dice.one(&CONDITIONS)})),
        8 => {
            let branches = [("a", *dice.one(&CONDITIONS)), ("b", *dice.one(&CONDITIONS))];
            let branches: Vec<Json> = branches
                .iter()
                .map(|(port, when)| json!({"port": port, "when": when}))
                .collect();
            ("split", json!({"branches": branches}))
        }
        9 => {
            let share = dice.below(101);
            let branches = json!([{"port": "a", "percent": share}, {"port": "b", "percent": 100 - share}]);
            ("random", json!({"branches": branches}))
        }
        10 | 11 => {
            let template = *dice.one(&["welcome", "reminder", "thanks"]);
            (
                "send_email",
                json!({"template": template, "transactional": dice.once_in(3)}),
            )
        }
        12 => {
            let (field, value) = dice
                .one(&[
                    ("points", json!(5)),
                    ("city", json!("Bonn")),
                    ("city", json!(null)),
                    ("time_zone", json!("Asia/Tokyo")),
                    ("birthday", json!("2000-02-29")),
                ])
                .clone();
            ("set_field", json!({"field": field, "value": value}))
        }
        13 => ("add_tag", json!({"tag": dice.one(&["vip", "seen"])})),
        14 => ("remove_tag", json!({"tag": dice.one(&["vip", "seen"])})),
        _ => {
            let (event, amount) = (*dice.one(&EVENTS), dice.below(40));
            if event == "click" && amount % 2 == 0 {
                return ("change_score", json!({"score": "heat", "points": amount + 1}));
            }
            ("post_event", json!({"event": event, "props": {"total": amount}}))
        }
    }
}

fn goal(dice: &mut Dice) -> (&'static str, Json) {
    (
        "goal",
        json!({"when": dice.one(&CONDITIONS), "then": dice.one(&["exit", "continue"])}),
    )
}

fn entry(dice: &mut Dice) -> (&'static str, Json) {
    match dice.below(6) {
        0 => (
            "entry_segment",
            json!({"segment": "Regulars", "on": dice.one(&["entered", "left"]), "include_current": dice.once_in(2)}),
        ),
        1 => {
            let event = *dice.one(&EVENTS);
            (
                "entry_event",
                json!({"event": event, "where": filter(dice, event)}),
            )
        }
        2 => {
            let leap_day = *dice.one(&["feb28", "mar1", "skip"]);
            (
                "entry_date",
                json!({"field": "birthday", "offset_days": dice.below(5) as i64 - 2, "at": time(dice),
                "zone": zone(dice), "yearly": true, "leap_day": leap_day}),
            )
        }
        3 => (
            "entry_schedule",
            json!({"rule": {"every": "day"}, "at": time(dice), "zone": zone(dice), "who": dice.one(&CONDITIONS)}),
        ),
        _ => ("entry_manual", json!({})),
    }
}

/// A random contact as of `start`, with a past.
pub fn contact(seed: u64, id: u32, start: Moment) -> ContactRecord {
    let mut dice = Dice::new(seed ^ (u64::from(id) << 32));
    let mut record = ContactRecord {
        id,
        ..ContactRecord::default()
    };
    let mut put = |key: &str, value: Value| record.fields.insert(key.to_owned(), value);
    let added = Value::DateTime(start - TimeDelta::hours(dice.below(240) as i64));
    put("email", Value::Text(format!("contact{id}@example.com")));
    put("created_at", added.clone());
    let zone = *dice.one(&ZONES);
    if !zone.is_empty() {
        put("time_zone", Value::Text(zone.to_owned()));
    }
    if dice.once_in(2) {
        put("city", Value::Text((*dice.one(&["Bonn", "Lisbon"])).to_owned()));
        put(&changed_key("city"), added);
    }
    if dice.once_in(2) {
        put("points", Value::Number(dice.below(6) as f64));
    }
    if !dice.once_in(3) {
        let day = (start + TimeDelta::days(dice.below(20) as i64 - 6)).date_naive();
        put(
            "birthday",
            Value::Date(if dice.once_in(5) {
                chrono::NaiveDate::from_ymd_opt(2000, 2, 29).unwrap_or(day)
            } else {
                day
            }),
        );
    }
    if dice.once_in(2) {
        put(
            "renews",
            Value::DateTime(start + TimeDelta::minutes(dice.below(20_000) as i64)),
        );
    }
    put(
        "spent",
        Value::Money(Money {
            minor: dice.below(10_000) as i64,
            currency: Currency(*b"EUR"),
        }),
    );
    for tag in ["vip", "seen"] {
        if dice.once_in(4) {
            record.tags.insert(tag.to_owned());
        }
    }
    let mut past: Vec<Moment> = (0..dice.below(6))
        .map(|_| start - TimeDelta::minutes(1 + dice.below(20_000) as i64))
        .collect();
    past.sort();
    record.events = past
        .into_iter()
        .enumerate()
        .map(|(n, at)| happening(&mut dice, id, n as i64 + 1, at))
        .collect();
    if dice.once_in(2) {
        use carillon_model::consent::{Basis, Channel, Purpose};
        record
            .permissions
            .insert((Channel::Email, Purpose::Marketing), Basis::Consent);
    }
    record.suppressed = dice.once_in(8);
    record
}

/// What happens to a contact in some days from `start`, in order; ids from 1,000.
pub fn happenings(seed: u64, id: u32, start: Moment, days: u32) -> Vec<Event> {
    let mut dice = Dice::new(seed.rotate_left(17) ^ u64::from(id));
    let minutes = days as usize * 1_440;
    let mut moments: Vec<Moment> = (0..dice.below(8))
        .map(|_| start + TimeDelta::minutes(1 + dice.below(minutes) as i64))
        .collect();
    moments.sort();
    moments
        .into_iter()
        .enumerate()
        .map(|(n, at)| happening(&mut dice, id, 1_000 + n as i64, at))
        .collect()
}

fn happening(dice: &mut Dice, contact: u32, id: i64, at: Moment) -> Event {
    let props = [("total".to_owned(), Prop::Number(dice.below(40) as f64))].into();
    Event {
        id: EventId(id),
        contact: ContactId(contact),
        name: (*dice.one(&EVENTS[..2])).to_owned(),
        at,
        arrived_at: at,
        source: "scenario".to_owned(),
        props,
    }
}

/// When a scenario begins: of sixteen that follow each other two at each of the moments.
pub fn start(seed: u64) -> Moment {
    let text = STARTS[(seed / 2) as usize % STARTS.len()];
    text.parse().unwrap_or(Moment::UNIX_EPOCH)
}

/// When the machine sleeps: not at all, or a few stretches of up to eight hours or three days.
pub fn asleep(seed: u64, start: Moment, days: u32) -> Vec<(Moment, Moment)> {
    let mut dice = Dice::new(seed.wrapping_add(4_711));
    let mut stretches = Vec::new();
    let mut at = start;
    for _ in 0..dice.below(4) {
        at += TimeDelta::minutes(1 + dice.below(days as usize * 360) as i64);
        let longest = *dice.one(&[480, 480, 4_320]);
        let wakes = at + TimeDelta::minutes(1 + dice.below(longest) as i64);
        stretches.push((at, wakes));
        at = wakes;
    }
    stretches
}
