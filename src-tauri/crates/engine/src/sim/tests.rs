mod alike;
mod scored;

use super::*;
use crate::journey::{Catalogue, ENTRIES_AN_HOUR, compile, scenario};
use crate::steps::tests::{contact, event, row, utc};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::journey::{End, FactKind, Journey, ReEntry};
use carillon_model::{ContactId, JourneyId};
use chrono::TimeDelta;
use serde_json::json;

fn version(journey: &Journey) -> JourneyVersion {
    let (version, problems) = compile(journey, &Catalogue::sample());
    version.unwrap_or_else(|| panic!("{problems:?}"))
}

fn plan(days: u32) -> Plan {
    let start = utc("2026-01-05T10:00:00Z");
    Plan {
        journey: JourneyId(1),
        start,
        days,
        seed: 5,
        asleep: Vec::new(),
        by_hand: true,
    }
}

/// Everybody in by hand, a mail, two days, and on to `done`; who orders meanwhile reaches the goal.
fn welcome() -> Journey {
    let mut journey = row(&[
        ("send_email", json!({"template": "welcome"})),
        ("wait", json!({"for": {"amount": 2, "unit": "days"}})),
        ("goal", json!({"when": "did order"})),
    ]);
    journey.steps.retain(|step| step.id.0 != "aside");
    journey
}

fn people(count: u32) -> Vec<ContactRecord> {
    (1..=count)
        .map(|id| {
            let mut person = contact(id);
            if id % 4 != 0 {
                person
                    .permissions
                    .insert((Channel::Email, Purpose::Marketing), Basis::Consent);
            }
            person.suppressed = id % 10 == 1;
            person
        })
        .collect()
}

/// Everybody orders 25 hours after a mail.
fn orders() -> Behaviour {
    Behaviour {
        event: "order".into(),
        cause: Cause::AfterMail,
        probability: 1.0,
        delay: Delay(vec![90_000]),
        props: Vec::new(),
    }
}

#[test]
fn the_figures_of_a_small_world_are_what_a_hand_counts() {
    let version = version(&welcome());
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let (plan, behaviours) = (plan(5), [orders()]);
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &behaviours,
        scores: None,
    };
    let people = people(100);
    let report = simulate(world, &people);
    // 75 have consent; of ids ending in 1 (suppressed) 10, none of them a multiple of 4.
    assert_eq!(
        (report.contacts, report.entered, report.never_left),
        (100, 100, 0)
    );
    assert_eq!(report.mails, [65, 0, 0, 0, 0]);
    assert_eq!(report.refused, [35, 0, 0, 0, 0]);
    // Who got the mail orders 25 hours later.
    assert_eq!(report.goals[0].conversions, 65);
    let step = |id: &str| report.steps.iter().find(|step| step.step.0 == id).unwrap();
    let wait = step("it2");
    assert_eq!(wait.entered, [100, 0, 0, 0, 0]);
    let left: Vec<(&str, Vec<u64>)> = wait
        .left
        .iter()
        .map(|port| (port.port.as_str(), port.per_day.clone()))
        .collect();
    assert_eq!(
        left,
        [("next", vec![0, 0, 35, 0, 0]), ("goal", vec![0, 65, 0, 0, 0])]
    );
    let mut ended: Vec<(End, u64)> = report
        .ended
        .iter()
        .map(|end| (end.end.clone(), end.count))
        .collect();
    ended.sort_by_key(|(_, count)| *count);
    assert_eq!(
        ended,
        [(End::Completed("done".into()), 35), (End::Goal("it3".into()), 65)]
    );

    let short = Plan {
        days: 1,
        ..plan.clone()
    };
    let report = simulate(
        World {
            plan: &short,
            ..world
        },
        &people,
    );
    assert_eq!(report.never_left, 100);
    assert_eq!(report.steps.iter().map(|step| step.waiting).sum::<u64>(), 100);
}

/// The people behind a number.
fn behind<'r>(
    world: World<'_>,
    people: impl IntoIterator<Item = &'r ContactRecord>,
    holds: &Holds,
    number: &Number,
) -> Vec<ContactId> {
    let mut behind = Behind::new(world, holds, number);
    people.into_iter().for_each(|person| behind.plays(person, None));
    behind.found().to_vec()
}

/// An account that lets so many go in a day.
fn small(per_day: u32) -> Accounts {
    let limit = Limit {
        per_day,
        per_minute: 1_000,
    };
    Accounts {
        limits: [
            (
                "Other".to_owned(),
                Limit {
                    per_day: 0,
                    per_minute: 0,
                },
            ),
            ("Shop".to_owned(), limit),
        ]
        .into(),
        default: Some("Shop".to_owned()),
    }
}

/// Two halves of the contacts, merged, as threads would.
fn under(world: World<'_>, accounts: &Accounts, people: &[ContactRecord]) -> (SimReport, Holds) {
    let play = |holds: &Holds| {
        let halves = people.split_at(people.len() / 3);
        let [one, other] = [halves.1, halves.0].map(|half| {
            let mut simulation = Simulation::new(world, accounts, holds);
            half.iter().for_each(|person| simulation.plays(person, None));
            simulation.finish()
        });
        let (mut report, mut mails) = one;
        report.merge(other.0);
        mails.merge(other.1);
        Ok::<_, std::convert::Infallible>((report, mails))
    };
    settled(world, accounts, play).unwrap()
}

#[test]
fn what_an_account_cannot_let_go_leaves_on_later_days() {
    let version = version(&welcome());
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let people = people(100);
    let played = |days: u32, per_day: u32| {
        let plan = plan(days);
        let world = World {
            version: &version,
            scope: &scope,
            plan: &plan,
            behaviours: &[],
            scores: None,
        };
        let (report, holds) = under(world, &small(per_day), &people);
        let on = |day: u32| behind(world, &people, &holds, &Number::Mails { day: Some(day) }).len() as u64;
        assert_eq!((0..days).map(on).collect::<Vec<_>>(), report.mails);
        (report.mails, report.held, report.still_held, report.refused)
    };
    // 65 may get the mail, all at the start.
    assert_eq!(
        played(4, 30),
        (vec![30, 30, 5, 0], vec![35, 0, 0, 0], 0, vec![35, 0, 0, 0])
    );
    assert_eq!(played(2, 30), (vec![30, 30], vec![35, 0], 5, vec![35, 0]));
    assert_eq!(played(2, 65), (vec![65, 0], vec![0, 0], 0, vec![35, 0]));
}

#[test]
fn who_got_the_mail_late_does_late_what_it_is_followed_by() {
    let version = version(&welcome());
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let (plan, behaviours) = (plan(5), [orders()]);
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &behaviours,
        scores: None,
    };
    let (report, _) = under(world, &small(30), &people(100));
    assert_eq!((report.mails, report.held[0]), (vec![30, 30, 5, 0, 0], 35));
    // 25 hours after a mail of the second day the wait of two days is over.
    assert_eq!(report.goals[0].conversions, 30);
    assert_eq!(report.ended.iter().map(|end| end.count).sum::<u64>(), 100);
}

#[test]
fn the_people_behind_a_number_are_as_many_as_it_says() {
    for seed in [3, 8, 21, 34] {
        let Some(version) = compile(&scenario::journey(seed), &Catalogue::sample()).0 else {
            continue;
        };
        let scope = Catalogue::sample().scope(chrono_tz::Europe::Berlin);
        let plan = Plan {
            start: scenario::start(seed),
            seed,
            ..plan(9)
        };
        let behaviours = [Behaviour {
            event: "order".into(),
            cause: Cause::PerDay,
            probability: 0.4,
            delay: Delay::any_time_of_day(),
            props: Vec::new(),
        }];
        let world = World {
            version: &version,
            scope: &scope,
            plan: &plan,
            behaviours: &behaviours,
            scores: None,
        };
        let people: Vec<ContactRecord> = (1..=60)
            .map(|id| scenario::contact(seed, id, plan.start))
            .collect();
        let report = simulate(world, &people);
        let count = |number: Number| behind(world, &people, &Holds::default(), &number).len() as u64;
        assert_eq!(count(Number::NeverLeft), report.never_left);
        for step in &report.steps {
            assert_eq!(
                count(Number::Waiting {
                    step: step.step.clone()
                }),
                step.waiting
            );
            // A contact may come twice: never more people than arrivals, and none without one.
            for (day, entered) in step.entered.iter().enumerate() {
                let people = count(Number::Entered {
                    step: step.step.clone(),
                    day: Some(day as u32),
                });
                assert!(
                    people <= *entered && (people > 0) == (*entered > 0),
                    "{} on day {day}",
                    step.step
                );
            }
        }
        for end in &report.ended {
            let people = count(Number::Ended { end: end.end.clone() });
            assert!(people <= end.count && people > 0);
        }
    }
}

#[test]
fn parts_in_any_order_add_up_to_the_whole() {
    let version = version(&welcome());
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let behaviours = [Behaviour {
        event: "order".into(),
        cause: Cause::AfterMail,
        probability: 0.4,
        delay: Delay(vec![0, 200_000]),
        props: Vec::new(),
    }];
    let plan = plan(2);
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &behaviours,
        scores: None,
    };
    let people = people(300);
    let whole = simulate(world, &people);
    let mut parts = simulate(world, people[180..].iter().rev());
    parts.merge(simulate(world, &people[..70]));
    parts.merge(simulate(world, &people[70..180]));
    assert_eq!(parts, whole);
    assert!(
        whole.never_left > 0 && whole.goals[0].conversions > 0,
        "too little happens: {whole:?}"
    );
    let plan = Plan {
        seed: 6,
        ..plan.clone()
    };
    let other = simulate(World { plan: &plan, ..world }, &people);
    assert_ne!(other, whole, "another seed draws otherwise");
}

#[test]
fn sleep_puts_off_what_falls_due_in_it() {
    let version = version(&welcome());
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let due = utc("2026-01-07T10:00:00Z");
    let asleep = vec![(due - TimeDelta::hours(2), due + TimeDelta::hours(6))];
    let plan = Plan { asleep, ..plan(5) };
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let (_, history) = trace(world, &contact(1), &[]).remove(0);
    let ended = history.facts.last().unwrap();
    assert_eq!(ended.at, due + TimeDelta::hours(6));
    assert!(matches!(ended.what, FactKind::Ended { .. }));
}

#[test]
fn of_the_mornings_slept_through_only_the_last_is_made_up_for() {
    let settings = json!({"rule": {"every": "day"}, "at": "09:00", "zone": "workspace", "who": "everyone"});
    let mut journey = row(&[("entry_schedule", settings)]);
    journey.re_entry = ReEntry::AfterExit;
    journey.steps.retain(|step| step.id.0 != "aside");
    let version = version(&journey);
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let wakes = utc("2026-01-12T07:00:00Z");
    let asleep = vec![(utc("2026-01-09T18:00:00Z"), wakes)];
    let plan = Plan { asleep, ..plan(8) };
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let entered: Vec<Moment> = trace(world, &contact(1), &[])
        .iter()
        .map(|(_, history)| history.facts[0].at)
        .collect();
    let mornings = [
        "2026-01-06T09:00:00Z",
        "2026-01-07T09:00:00Z",
        "2026-01-08T09:00:00Z",
        "2026-01-09T09:00:00Z",
    ];
    let mut wanted: Vec<Moment> = mornings.map(utc).to_vec();
    wanted.extend([wakes, utc("2026-01-12T09:00:00Z"), utc("2026-01-13T09:00:00Z")]);
    assert_eq!(entered, wanted);
}

#[test]
fn members_of_a_segment_come_in_when_time_lets_them() {
    let mut journey = row(&[(
        "entry_segment",
        json!({"segment": "Regulars", "on": "left", "include_current": false}),
    )]);
    journey.re_entry = ReEntry::AfterExit;
    journey.steps.retain(|step| step.id.0 != "aside");
    let version = version(&journey);
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let plan = plan(20);
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let mut person = contact(1);
    // Two orders within ten days make a regular: until the older one is ten days old.
    person.events = vec![
        event("order", "2026-01-01T12:00:00Z", &[]),
        event("order", "2026-01-03T12:00:00Z", &[]),
    ];
    let histories = trace(world, &person, &[]);
    assert_eq!(histories.len(), 1);
    assert_eq!(histories[0].1.facts[0].at, utc("2026-01-11T12:00:00Z"));
}

/// Who is given the tag loses it, and who loses it is given it again.
fn feeds_itself() -> (JourneyVersion, Scope) {
    let by = |on: &str| json!({"segment": "Tagged", "on": on, "include_current": true});
    let mut journey = row(&[
        ("entry_segment", by("entered")),
        ("remove_tag", json!({"tag": "vip"})),
    ]);
    let other = row(&[("entry_segment", by("left")), ("add_tag", json!({"tag": "vip"}))]);
    for mut step in other.steps {
        if step.id.0.starts_with("it") {
            step.id = format!("other_{}", step.id).as_str().into();
            for to in step.next.values_mut().filter(|to| to.0.starts_with("it")) {
                *to = format!("other_{to}").as_str().into();
            }
            journey.steps.push(step);
        }
    }
    journey.re_entry = ReEntry::AfterExit;
    tagged(&journey)
}

fn tagged(journey: &Journey) -> (JourneyVersion, Scope) {
    let mut catalogue = Catalogue::sample();
    catalogue
        .segments
        .insert("Tagged".into(), crate::segment::parse("tag \"vip\"").unwrap());
    let (version, problems) = compile(journey, &catalogue);
    let version = version.unwrap_or_else(|| panic!("{problems:?}"));
    (version, catalogue.scope(chrono_tz::UTC))
}

#[test]
fn a_journey_that_feeds_itself_is_cut_short_and_said_so() {
    let (version, scope) = feeds_itself();
    let mut plan = plan(1);
    plan.by_hand = false;
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let mut person = contact(1);
    person.tags.insert("vip".into());
    let report = simulate(world, [&person]);
    assert_eq!(
        (report.cut_short, report.entered),
        (1, u64::from(ENTRIES_AN_HOUR))
    );
    assert_eq!(
        behind(world, [&person], &Holds::default(), &Number::CutShort),
        [carillon_model::ContactId(1)]
    );
}

#[test]
fn a_tag_that_is_taken_and_given_back_in_one_call_lets_nobody_in_again() {
    let by = json!({"segment": "Tagged", "on": "entered", "include_current": true});
    let mut journey = row(&[
        ("entry_segment", by),
        ("remove_tag", json!({"tag": "vip"})),
        ("add_tag", json!({"tag": "vip"})),
    ]);
    journey.re_entry = ReEntry::AfterExit;
    let (version, scope) = tagged(&journey);
    let mut plan = plan(1);
    plan.by_hand = false;
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let mut person = contact(1);
    person.tags.insert("vip".into());
    let report = simulate(world, [&person]);
    assert_eq!((report.cut_short, report.entered), (0, 1));
}

#[test]
fn what_happened_before_the_beginning_lets_nobody_in_though_it_is_heard_of_later() {
    let mut journey = row(&[("entry_event", json!({"event": "order"}))]);
    journey.steps.retain(|step| step.id.0 != "aside");
    let version = version(&journey);
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let plan = plan(2);
    let world = World {
        version: &version,
        scope: &scope,
        plan: &plan,
        behaviours: &[],
        scores: None,
    };
    let heard = |happened: &str| Recorded {
        at: utc("2026-01-05T12:00:00Z"),
        what: FromOutside::Happened(event("order", happened, &[])),
    };
    let passages = |happened: &str| retrace(world, &contact(1), &[heard(happened)]).len();
    assert_eq!(passages("2026-01-05T09:59:59Z"), 0);
    assert_eq!(passages("2026-01-05T10:00:00Z"), 1);
}

#[test]
fn one_contact_is_tried_step_by_step() {
    let version = version(&welcome());
    let scope = Catalogue::sample().scope(chrono_tz::UTC);
    let entry = version.find(&"in".into()).unwrap();
    let tried_for = |days: u32, happens: &[Event]| {
        let world = World {
            version: &version,
            scope: &scope,
            plan: &plan(days),
            behaviours: &[orders()],
            scores: None,
        };
        try_one(world, &contact(1), entry, happens)
    };
    let tried = |happens: &[Event]| tried_for(4, happens);
    let quiet = tried(&[]);
    assert!(
        matches!(&quiet.last().unwrap().what, FactKind::Ended { end: End::Completed(word) } if word == "done")
    );
    let orders = tried(&[event("order", "2026-01-06T10:00:00Z", &[])]);
    assert_eq!(
        orders.last().unwrap().what,
        FactKind::Ended {
            end: End::Goal("it3".into())
        }
    );
    assert_eq!(orders.last().unwrap().at, utc("2026-01-06T10:00:00Z"));
    let cut = tried_for(1, &[]);
    assert!(matches!(
        cut.last().unwrap().what,
        FactKind::Waiting { .. } | FactKind::Learned { .. }
    ));
}
