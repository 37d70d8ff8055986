//! Of those who live alike one is played: it must make no difference to any number.

use super::*;
use crate::index::tests::rows_of;
use crate::index::{Change, Index};
use crate::journey::scenario::contact as somebody;
use crate::segment;
use carillon_model::contact::Value;
use carillon_model::event::Prop;
use carillon_model::{EventId, SegmentId};

/// Somebody else who is the same.
fn another(person: &ContactRecord, id: u32) -> ContactRecord {
    let mut other = person.clone();
    other.id = id;
    for (event, number) in other.events.iter_mut().zip(i64::from(id) * 100..) {
        event.id = EventId(number);
        event.contact = ContactId(id);
    }
    other
}

/// So many of each of these, in turn.
fn many(of: &[ContactRecord], each: u32) -> Vec<ContactRecord> {
    let ids = 1..=each * of.len() as u32;
    ids.zip(of.iter().cycle())
        .map(|(id, person)| another(person, id))
        .collect()
}

/// A draft before people who are in an index.
struct Crowd {
    version: JourneyVersion,
    index: Index,
    people: Vec<ContactId>,
}

impl Crowd {
    fn of(
        journey: &Journey,
        catalogue: &Catalogue,
        people: &[ContactRecord],
        start: Moment,
    ) -> Option<Crowd> {
        let version = compile(journey, catalogue).0?;
        let segments = catalogue.segments.iter().zip(1..);
        let segments = segments.filter(|((name, _), _)| !["Circle", "Round"].contains(&name.as_str()));
        let segments = segments.map(|((name, expr), id)| Change::SegmentSaved {
            id: SegmentId(id),
            name: name.clone(),
            expr: expr.clone(),
        });
        let rows = people.iter().flat_map(rows_of);
        Some(Crowd {
            version,
            index: Index::open(chrono_tz::Europe::Berlin, start, rows.chain(segments)),
            people: people.iter().map(ContactRecord::contact).collect(),
        })
    }

    fn world<'a>(&'a self, plan: &'a Plan, behaviours: &'a [Behaviour]) -> World<'a> {
        World {
            version: &self.version,
            scope: self.index.scope(),
            plan,
            behaviours,
            scores: None,
        }
    }

    /// Gives everybody to an audience. How many were known without being played.
    fn show(&self, world: World<'_>, audience: &mut impl Audience) -> usize {
        let sight = Sight::new(world);
        let sighted = self.index.sighted(&sight);
        let known = self.people.iter().filter(|contact| {
            let digest = sighted.digest(**contact);
            let known = digest.is_some_and(|digest| audience.knows(**contact, digest));
            if !known {
                audience.plays(&sighted.record(**contact).unwrap(), digest);
            }
            known
        });
        known.count()
    }

    fn records(&self, world: World<'_>) -> Vec<ContactRecord> {
        let sight = Sight::new(world);
        let sighted = self.index.sighted(&sight);
        let all = self
            .people
            .iter()
            .map(|contact| sighted.record(*contact).unwrap());
        all.collect()
    }

    /// Asserts that it makes no difference who is played with whom, with nothing held, under a small account, and to who is
    /// behind a number. The figures, and how many were not played.
    fn agrees(&self, world: World<'_>) -> (SimReport, usize) {
        let alone = self.records(world);
        let both = |accounts: &Accounts, holds: &Holds| {
            let mut one = Simulation::new(world, accounts, holds);
            let known = self.show(world, &mut one);
            let mut other = Simulation::new(world, accounts, holds);
            alone.iter().for_each(|person| other.plays(person, None));
            let (one, other) = (one.finish(), other.finish());
            assert_eq!(one.0, other.0);
            (known, one, other)
        };
        let accounts = small(7);
        for which in [true, false] {
            let play = |holds: &Holds| {
                let (_, one, other) = both(&accounts, holds);
                Ok::<_, std::convert::Infallible>(if which { one } else { other })
            };
            settled(world, &accounts, play).unwrap();
        }
        let holds = Holds::default();
        let (known, (report, _), _) = both(&Accounts::default(), &holds);
        for step in &report.steps {
            let number = Number::Entered {
                step: step.step.clone(),
                day: Some(0),
            };
            let mut together = Behind::new(world, &holds, &number);
            self.show(world, &mut together);
            assert_eq!(together.found(), behind(world, &alone, &holds, &number));
        }
        (report, known)
    }
}

fn rarely(probability: f64) -> Behaviour {
    Behaviour {
        event: "order".into(),
        cause: Cause::PerDay,
        probability,
        delay: Delay::any_time_of_day(),
        props: Vec::new(),
    }
}

#[test]
fn random_drafts_come_to_the_same_whoever_is_played_with_whom() {
    let (mut came_in, mut not_played) = (0, 0);
    for seed in 0..40 {
        let start = scenario::start(seed);
        let days = 4;
        let plan = Plan {
            start,
            seed,
            asleep: scenario::asleep(seed, start, days),
            ..plan(days)
        };
        let kinds: Vec<ContactRecord> = (1..=8).map(|id| somebody(seed, id, start)).collect();
        let journey = scenario::journey(seed);
        let Some(crowd) = Crowd::of(&journey, &Catalogue::sample(), &many(&kinds, 4), start) else {
            continue;
        };
        let answers = Behaviour {
            probability: 0.4,
            ..orders()
        };
        for behaviours in [vec![], vec![rarely(0.1)], vec![answers]] {
            let (report, known) = crowd.agrees(crowd.world(&plan, &behaviours));
            came_in += report.entered;
            not_played += known;
        }
    }
    assert!(came_in > 1_000 && not_played > 500, "{came_in}, {not_played}");
}

#[test]
fn chance_leads_those_apart_who_are_the_same_in_all_else() {
    let halves = json!({"branches": [
        {"port": "a", "name": "", "percent": 50}, {"port": "b", "name": "", "percent": 50}]});
    let daily = json!({"rule": {"every": "day"}, "at": "12:00", "who": "not tag \"vip\""});
    let mut journey = row(&[
        ("entry_schedule", daily),
        ("random", halves.clone()),
        ("wait", json!({"for": {"amount": 2, "unit": "hours"}})),
        ("random", halves),
        ("send_email", json!({"template": "welcome"})),
    ]);
    journey.steps.retain(|step| step.id.0 != "aside");
    journey.re_entry = ReEntry::AfterExit;
    let it = |n: u32| carillon_model::StepId(format!("it{n}"));
    for (at, to) in [(2, 3), (4, 5)] {
        let step = journey.steps.iter_mut().find(|step| step.id == it(at)).unwrap();
        step.next = [("a".to_owned(), it(to)), ("b".to_owned(), "done".into())].into();
    }
    let people = many(&[contact(1)], 80);
    let start = plan(1).start;
    let crowd = Crowd::of(&journey, &Catalogue::sample(), &people, start).unwrap();
    // Four ways in the first passage; of who comes again nobody else is known by it.
    for (days, entered, not_played) in [(1, 80, 76), (4, 320, 0)] {
        let plan = plan(days);
        let (report, known) = crowd.agrees(crowd.world(&plan, &[]));
        assert_eq!((report.entered, known), (entered, not_played));
        let of = |n: u32| {
            let step = report.steps.iter().find(|step| step.step == it(n)).unwrap();
            step.entered.iter().sum::<u64>()
        };
        let mails = entered / 4;
        assert!(
            (mails * 2 / 3..mails * 4 / 3).contains(&of(5)),
            "{} of {entered}",
            of(5)
        );
    }
}

/// How many a condition is true of after some steps and two days, of people of whom so many were not played.
fn meets(when: &str, before: &[(&str, serde_json::Value)], people: &[ContactRecord], known: usize) -> u64 {
    let mut steps = before.to_vec();
    steps.push(("wait", json!({"for": {"amount": 2, "unit": "days"}})));
    steps.push(("if_else", json!({"when": when})));
    steps.push(("add_tag", json!({"tag": "met"})));
    let last = carillon_model::StepId(format!("it{}", steps.len()));
    let mut journey = row(&steps);
    journey.steps.retain(|step| step.id.0 != "aside");
    let mut catalogue = Catalogue::sample();
    let sample = segment::parse("random 20% of \"holdout\"").unwrap();
    catalogue.segments.insert("Held out".into(), sample);
    let plan = plan(4);
    let crowd = Crowd::of(&journey, &catalogue, people, plan.start).unwrap();
    let (report, not_played) = crowd.agrees(crowd.world(&plan, &[]));
    assert_eq!(not_played, known, "{when}");
    let met = report.steps.iter().find(|step| step.step == last).unwrap();
    met.entered.iter().sum()
}

#[test]
fn a_sample_is_of_the_same_people_however_alike_they_are() {
    let people = many(&[contact(1)], 200);
    let drawn = meets("in segment \"Held out\"", &[], &people, 198);
    assert!((20..60).contains(&drawn), "{drawn}");
    // Where the truth may change who somebody is decides, and nobody is like anybody.
    let tags = [("add_tag", json!({"tag": "seen"}))];
    let when = "in segment \"Held out\" and tag \"seen\"";
    assert_eq!(meets(when, &tags, &people, 0), drawn);
    // And where time turns over something else of everybody.
    let mut ordered = contact(1);
    ordered.events = vec![event("order", "2026-01-04T20:00:00Z", &[])];
    let lately = [("if_else", json!({"when": "did order in the last 3 days"}))];
    let when = "in segment \"Held out\"";
    assert_eq!(meets(when, &lately, &many(&[ordered], 200), 0), drawn);
}

#[test]
fn of_what_nothing_changes_only_the_truth_decides() {
    let mut people = many(&[contact(1)], 100);
    for person in &mut people {
        let points = f64::from(person.id);
        person.fields.insert("points".into(), Value::Number(points));
    }
    let set = |field: &str, value: i64| ("set_field", json!({"field": field, "value": value}));
    // Two kinds of people, of a hundred that all have other points.
    assert_eq!(meets("points > 60", &[], &people, 98), 40);
    assert_eq!(meets("points > 60", &[set("points", 61)], &people, 0), 100);
    // What time turns over is seen.
    for person in &mut people {
        let hour = TimeDelta::hours(i64::from(person.id));
        let mut order = event("order", "2026-01-01T10:00:00Z", &[("total", Prop::Number(1.0))]);
        (order.at, order.contact) = (order.at + hour, person.contact());
        (order.arrived_at, order.id) = (order.at, EventId(i64::from(person.id)));
        person.events = vec![order];
    }
    // Orders were one to a hundred hours after 1 January, 10:00; 24 people's were more than three days ago at the start already,
    // and four people's are still to come.
    let lately = "did order in the last 3 days";
    assert_eq!(meets(lately, &[], &people, 23), 28);
    assert_eq!(meets("did order in the last 90 days", &[], &people, 95), 100);
}

#[test]
fn what_the_draft_does_to_somebody_adds_to_what_was_there() {
    let mut people = many(&[contact(1)], 20);
    for person in &mut people {
        person
            .permissions
            .insert((Channel::Email, Purpose::Marketing), Basis::Consent);
        let at = utc("2026-01-01T10:00:00Z");
        if person.id % 2 == 0 {
            let (template, id) = ("thanks".to_owned(), carillon_model::MessageId(1));
            person.sent = vec![crate::record::Sent { template, at, id }];
            person.events = vec![event("order", "2026-01-01T10:00:00Z", &[])];
            person.events[0].contact = person.contact();
            person.tags = ["vip".to_owned()].into();
        }
    }
    // Of nobody it is true at the start, and of half of them in the end.
    let mail = ("send_email", json!({"template": "welcome"}));
    let order = ("post_event", json!({"event": "order", "props": {}}));
    let tag = ("add_tag", json!({"tag": "seen"}));
    assert_eq!(
        meets("was sent any message at least 2 times", &[mail], &people, 18),
        10
    );
    assert_eq!(meets("did order at least 2 times", &[order], &people, 18), 10);
    assert_eq!(meets("tag \"vip\" and tag \"seen\"", &[tag], &people, 18), 10);
}
