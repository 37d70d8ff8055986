//! The index against the evaluator, and what each kind of change and the passing of time do to it.

mod chunks;
mod columns;
mod history;
mod moved;
mod ranked;
mod reached;
mod records;
mod wanted;

use super::*;
use crate::record::{ContactRecord, Moved, Movement, Turned};
use crate::segment::arbitrary::{JOURNEYS, epoch, expr, measured_by, moment, record};
use crate::segment::{eval, parse, print};
use carillon_model::contact::Value;
use carillon_model::event::Event;
use carillon_model::segment::{Clause, MovementKind};
use carillon_model::{JourneyId, SegmentId};
use chrono::TimeDelta;
use proptest::prelude::*;

const ZONE: Tz = chrono_tz::Europe::Berlin;

/// Every row of a contact as a change.
pub(crate) fn rows_of(who: &ContactRecord) -> Vec<Change> {
    let contact = who.contact();
    let mut out: Vec<Change> = who.events.iter().cloned().map(Change::EventAdded).collect();
    out.extend(who.sent.iter().map(|s| Change::Sent {
        contact,
        template: s.template.clone(),
        at: s.at,
        id: s.id,
    }));
    out.extend(who.moved.iter().map(|moved| Change::Moved {
        contact,
        moved: moved.clone(),
        on: true,
    }));
    for (key, past) in &who.past {
        out.extend(past.iter().map(|(at, points)| Change::ScoreTurned {
            contact,
            key: key.clone(),
            turned: Turned {
                at,
                before: None,
                points,
            },
        }));
    }
    out.extend(who.tags.iter().map(|tag| Change::TagSet {
        contact,
        tag: tag.clone(),
        on: true,
    }));
    out.extend(
        who.permissions
            .iter()
            .map(|((channel, purpose), basis)| Change::PermissionSet {
                contact,
                channel: *channel,
                purpose: *purpose,
                basis: Some(*basis),
            }),
    );
    out.push(Change::SuppressedSet {
        contact,
        on: who.suppressed,
    });
    out.push(Change::ContactAdded {
        contact,
        fields: who.fields.clone().into_iter().collect(),
    });
    out
}

fn saved(id: u32, name: &str, expr: Expr) -> Change {
    Change::SegmentSaved {
        id: SegmentId(id),
        name: name.to_owned(),
        expr,
    }
}

/// The journeys that expressions name, and nobody else.
fn journeys() -> Vec<Change> {
    let named = JOURNEYS.iter().zip(1..).take(2);
    named
        .map(|(name, id)| Change::JourneyNamed {
            id: JourneyId(id),
            name: (*name).to_owned(),
        })
        .collect()
}

/// Only segments with a later letter are referred to, so that there is no circle.
fn acyclic(expr: Expr, after: &str) -> Expr {
    let all = |of: Vec<Expr>| of.into_iter().map(|e| acyclic(e, after)).collect();
    match expr {
        Expr::Clause(clause) if crate::segment::named_segment(&clause).is_some_and(|name| name <= after) => {
            Expr::Everyone
        }
        Expr::All(of) => Expr::All(all(of)),
        Expr::Any(of) => Expr::Any(all(of)),
        Expr::None(of) => Expr::None(all(of)),
        Expr::AtLeast { k, of } => Expr::AtLeast { k, of: all(of) },
        Expr::Not(inner) => Expr::Not(Box::new(acyclic(*inner, after))),
        other => other,
    }
}

#[test]
fn what_was_seen_is_told_by_name_until_nobody_has_it_any_more() {
    let contact = ContactId(7);
    let event = |id: i64, name: &str, keys: &[&str]| {
        Change::EventAdded(Event {
            id: carillon_model::EventId(id),
            contact,
            name: name.to_owned(),
            at: epoch(),
            arrived_at: epoch(),
            source: String::new(),
            props: keys
                .iter()
                .map(|key| ((*key).to_owned(), carillon_model::event::Prop::Number(1.0)))
                .collect(),
        })
    };
    let tag = |tag: &str, on: bool| Change::TagSet {
        contact,
        tag: tag.to_owned(),
        on,
    };
    let mut index = Index::open(
        ZONE,
        epoch(),
        [
            Change::ContactAdded {
                contact,
                fields: Given::default(),
            },
            event(1, "order", &["total"]),
            event(2, "order", &["shop", "total"]),
            event(3, "review", &[]),
            tag("vip", true),
            tag("fair", true),
        ],
    );
    let seen: Vec<_> = index.events_seen().collect();
    assert_eq!(seen, [("order", vec!["shop", "total"]), ("review", vec![])]);
    assert_eq!(index.tags_seen().collect::<Vec<_>>(), [("fair", 1), ("vip", 1)]);

    let gone = Change::EventRemoved {
        contact,
        name: "review".to_owned(),
        at: epoch(),
        id: carillon_model::EventId(3),
    };
    let staged = index.stage(vec![gone, tag("fair", false)], epoch());
    index.publish(staged).expect("nothing was published between");
    assert_eq!(
        index.events_seen().map(|(name, _)| name).collect::<Vec<_>>(),
        ["order"]
    );
    assert_eq!(index.tags_seen().collect::<Vec<_>>(), [("vip", 1)]);

    let staged = index.stage(vec![Change::ContactRemoved(contact)], epoch());
    index.publish(staged).expect("nothing was published between");
    assert_eq!((index.events_seen().count(), index.tags_seen().count()), (0, 0));
}

fn people() -> impl Strategy<Value = Vec<ContactRecord>> {
    (
        record(ContactId(0)),
        record(ContactId(1)),
        record(ContactId(63)),
        record(ContactId(64)),
        record(ContactId(70_000)),
    )
        .prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_members_are_exactly_those_the_evaluator_names(
        expr in expr(), a in expr(), b in expr(), c in expr(), people in people(), now in moment(), gone in 0usize..5
    ) {
        let named = [("A", a), ("B", b), ("C", c)].map(|(name, expr)| (name, acyclic(expr, name)));
        let definitions = named.iter().zip(1..).map(|((name, expr), id)| saved(id, name, expr.clone()));
        let rows = people.iter().flat_map(rows_of).chain([Change::ContactRemoved(people[gone].contact())]);
        // Facts of somebody who is not a contact mean nobody.
        let stranger = ContactRecord { id: 2, ..people[0].clone() };
        let strange = rows_of(&stranger).into_iter().filter(|row| !matches!(row, Change::ContactAdded { .. } | Change::EventAdded(_)));
        let rows = rows.chain(strange.collect::<Vec<_>>());
        let index = Index::open(ZONE, now, rows.chain(definitions).chain(journeys()));
        prop_assert!(index.record(people[gone].contact()).is_none());
        let (members, mut wanted) = (index.members(&expr, now), RoaringBitmap::new());
        let there = people.iter().filter(|who| who.id != people[gone].id);
        let asked = measured_by(&expr, there.clone(), now);
        prop_assert_eq!(&*index.measured(&expr, now), &asked, "{}", print(&expr));
        let turning = Count::new(&index.rows, index.scope(), now).turning(&expr);
        for who in there {
            let mut read = index.record(who.contact()).expect("a contact of the index");
            let mut by_time = read.clone();
            (by_time.moved, by_time.past) = (who.moved.clone(), who.past.clone());
            by_time.sent.sort_by(|a, b| (a.at, &a.template, a.id).cmp(&(b.at, &b.template, b.id)));
            prop_assert_eq!(&by_time, who, "the index reads back what was put in");
            let needs = Needs::of(&expr, &index.scope().segments);
            let needed = index.record_of(who.contact(), &needs).expect("a contact of the index");
            (read.moved, read.past) = (needed.moved, needed.past);
            let verdict = eval(&asked, &read, now, index.scope());
            prop_assert!(verdict.until.is_none() || turning.contains(who.id), "{} of {}", print(&expr), who.id);
            if verdict.holds {
                wanted.insert(who.id);
            }
        }
        prop_assert_eq!(&members, &wanted, "{}", print(&expr));
        let counted = index.count(&expr, now);
        prop_assert_eq!(counted.n, wanted.len());
        for (text, n) in counted.per_clause {
            let clause = parse(&text).expect("canonical text");
            prop_assert_eq!(n, index.members(&clause, now).len());
        }
        let near = index.near(&expr, now);
        for clause in clauses(&expr) {
            let text = print_clause(clause);
            let turned = index.members(&with_turned(&expr, &text), now) - &members;
            let found = near.iter().find(|near| near.clause == text).map(|near| near.contacts.clone());
            prop_assert_eq!(found.unwrap_or_default(), turned, "{} of {}", text, print(&expr));
        }
        prop_assert!(near.iter().all(|near| !near.contacts.is_empty()));
        for (id, name) in [(1, "A"), (2, "B"), (3, "C")] {
            let direct = index.members(&index.scope().segments[name], now);
            prop_assert_eq!(index.members_of(SegmentId(id)), Some(&direct));
        }
    }
}

/// The expression with the contrary of one of its clauses in place of it.
fn with_turned(expr: &Expr, clause: &str) -> Expr {
    let all = |of: &[Expr]| of.iter().map(|part| with_turned(part, clause)).collect();
    match expr {
        Expr::Everyone => Expr::Everyone,
        Expr::All(of) => Expr::All(all(of)),
        Expr::Any(of) => Expr::Any(all(of)),
        Expr::None(of) => Expr::None(all(of)),
        Expr::AtLeast { k, of } => Expr::AtLeast { k: *k, of: all(of) },
        Expr::Not(inner) => Expr::Not(Box::new(with_turned(inner, clause))),
        Expr::Clause(own) if print_clause(own) == clause => Expr::Not(Box::new(expr.clone())),
        Expr::Clause(_) => expr.clone(),
    }
}

fn order(id: i64, contact: u32, at: Moment) -> Change {
    Change::EventAdded(Event {
        id: carillon_model::EventId(id),
        contact: ContactId(contact),
        name: "order".to_owned(),
        at,
        arrived_at: at,
        source: String::new(),
        props: BTreeMap::new(),
    })
}

fn reads(text: &str) -> Expr {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn added(contact: u32) -> Change {
    Change::ContactAdded {
        contact: ContactId(contact),
        fields: Given::default(),
    }
}

#[test]
fn three_days_asleep_bring_each_edge_at_its_own_instant_and_in_order() {
    let day = |n: i64| epoch() + TimeDelta::days(n);
    let recent = saved(1, "Recent", reads("did order in the last 2 days"));
    let lapsed = saved(2, "Lapsed", reads("not in segment \"Recent\""));
    let rows = [
        added(1),
        added(2),
        recent,
        lapsed,
        order(1, 1, day(0)),
        order(2, 2, day(0) + TimeDelta::hours(1)),
        order(3, 1, day(1)),
    ];
    let mut index = Index::open(ZONE, day(1), rows);
    assert_eq!(index.next_due(), Some(day(2) + TimeDelta::hours(1)));
    let staged = index.stage(vec![order(4, 2, day(4))], day(4));
    let said: Vec<_> = staged
        .edges
        .iter()
        .map(|e| (e.at, e.segment.0, e.contact.0, e.entered))
        .collect();
    let at = day(2) + TimeDelta::hours(1);
    let wanted = vec![
        (at, 1, 2, false),
        (at, 2, 2, true),
        (day(3), 1, 1, false),
        (day(3), 2, 1, true),
        (day(4), 1, 2, true),
        (day(4), 2, 2, false),
    ];
    assert_eq!(said, wanted);
    assert_eq!(index.publish(staged), Ok(()));
    assert_eq!(index.next_due(), Some(day(6)));
    assert!(
        index.stage(Vec::new(), day(4)).edges.is_empty(),
        "nothing is said twice"
    );
}

#[test]
fn a_sleep_over_the_change_of_the_clocks_brings_each_midnight_at_its_own_instant() {
    let at = |text: &str| text.parse::<Moment>().expect("a moment of the test");
    // The 29th of March 2026 has 23 hours in Berlin, the 25th of October 25.
    for (asleep, midnights) in [
        (
            "2026-03-28T12:00:00Z",
            ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
        ),
        (
            "2026-10-24T12:00:00Z",
            ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
        ),
    ] {
        let asleep = at(asleep);
        let seen = |contact: u32, days: i64| Change::ContactAdded {
            contact: ContactId(contact),
            fields: Given::from_iter([("seen_at", Value::DateTime(asleep + TimeDelta::days(days)))]),
        };
        let today = saved(
            1,
            "Today",
            reads("seen_at in the last 1 day in zone \"Europe/Berlin\""),
        );
        let rows = [seen(1, 0), seen(2, 1), seen(3, 2), today];
        let index = Index::open(ZONE, asleep, rows);
        let staged = index.stage(Vec::new(), asleep + TimeDelta::days(3));
        let said: Vec<_> = staged
            .edges
            .iter()
            .map(|e| (e.at, e.contact.0, e.entered))
            .collect();
        let [first, second] = midnights.map(at);
        let third = second + TimeDelta::days(1);
        let wanted = [
            (first, 1, false),
            (first, 2, true),
            (second, 2, false),
            (second, 3, true),
            (third, 3, false),
        ];
        assert_eq!(said, wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Chance alone rarely asks for as many as there are.
    #[test]
    fn of_the_last_messages_the_index_says_the_same_as_the_evaluator(
        people in proptest::collection::vec(record(ContactId(0)), 1..8), now in moment()
    ) {
        // Not all in one page, and everything an answer of one kind.
        let numbered = people.into_iter().zip([0, 1, 2, 255, 256, 257, 700]);
        let people: Vec<ContactRecord> = numbered
            .map(|(mut who, id)| {
                who.id = id;
                for event in &mut who.events {
                    event.contact = ContactId(id);
                    event.name = event.name.replace("email_clicked", "email_opened").replace("email_replied", "email_opened");
                }
                who
            })
            .collect();
        let index = Index::open(ZONE, epoch(), people.iter().flat_map(rows_of));
        for (few, last) in (0..4).flat_map(|few| (0..5).map(move |last| (few, last))) {
            for often in ["at least", "at most", "exactly"] {
                let expr = reads(&format!("opened {often} {few} of the last {last} messages"));
                let found: Vec<u32> = index.members(&expr, now).iter().collect();
                let meant = people.iter().filter(|who| eval(&expr, who, now, index.scope()).holds);
                prop_assert_eq!(found, meant.map(|who| who.id).collect::<Vec<u32>>(), "{}", print(&expr));
            }
        }
    }
}

#[test]
fn what_was_staged_on_an_earlier_state_is_refused() {
    let mut index = Index::new(ZONE, epoch());
    let early = index.stage(vec![added(1)], epoch());
    let other = index.stage(vec![added(2)], epoch());
    assert_eq!(index.publish(other), Ok(()));
    assert_eq!(index.publish(early), Err(Stale));
    assert_eq!(index.contacts().iter().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_clock_set_back_does_not_move_memberships_back() {
    let mut index = Index::open(ZONE, epoch(), [added(1), saved(1, "All", Expr::Everyone)]);
    let staged = index.stage(vec![added(2)], epoch() - TimeDelta::days(3));
    assert_eq!(staged.as_of(), epoch());
    assert_eq!(
        staged.edges,
        [Edge {
            segment: SegmentId(1),
            contact: ContactId(2),
            entered: true,
            at: epoch()
        }]
    );
    assert_eq!(index.publish(staged), Ok(()));
    assert_eq!(index.as_of(), epoch());
}

#[test]
fn a_saved_segment_brings_its_members_in_and_a_removed_one_lets_them_go() {
    let mut index = Index::open(ZONE, epoch(), (0..3).map(added));
    let entered = |staged: &Staged| {
        staged
            .edges
            .iter()
            .map(|e| (e.contact.0, e.entered))
            .collect::<Vec<_>>()
    };
    let staged = index.stage(vec![saved(1, "All", Expr::Everyone)], epoch());
    assert_eq!(entered(&staged), [(0, true), (1, true), (2, true)]);
    assert_eq!(index.publish(staged), Ok(()));
    let staged = index.stage(vec![Change::SegmentRemoved(SegmentId(1))], epoch());
    assert_eq!(entered(&staged), [(0, false), (1, false), (2, false)]);
    assert_eq!(index.publish(staged), Ok(()));
    assert_eq!(index.members_of(SegmentId(1)), None);
}

#[test]
fn memory_is_counted_and_given_back() {
    let mut index = Index::new(ZONE, epoch());
    let empty = index.heap_bytes();
    let rows = (0..2_000).flat_map(|id| {
        let text = Value::Text(format!("contact-{id}@example.com"));
        [
            Change::ContactAdded {
                contact: ContactId(id),
                fields: Given::from_iter([("email", text)]),
            },
            order(i64::from(id), id, epoch()),
        ]
    });
    let staged = index.stage(rows.collect(), epoch());
    assert_eq!(index.publish(staged), Ok(()));
    let full = index.heap_bytes();
    assert!(full > empty + 2_000 * 60, "{full}");
    let staged = index.stage(
        (0..2_000)
            .map(|id| Change::ContactRemoved(ContactId(id)))
            .collect(),
        epoch(),
    );
    assert_eq!(index.publish(staged), Ok(()));
    assert!(index.heap_bytes() < full, "{} of {full}", index.heap_bytes());
}

#[test]
fn the_longest_chain_of_the_deepest_segments_fits_the_stack_of_a_thread() {
    let deep = |to: usize| {
        let clause = Expr::Clause(Clause::InSegment { name: to.to_string() });
        (0..63).fold(clause, |inner, level| match level % 2 {
            0 => Expr::Not(Box::new(inner)),
            _ => Expr::AtLeast {
                k: 1,
                of: vec![inner],
            },
        })
    };
    let segments: BTreeMap<String, Expr> = (0..9).map(|i| (i.to_string(), deep(i + 1))).collect();
    assert_eq!(crate::segment::find_cycle(&segments), None);
    let rows = segments
        .iter()
        .zip(1..)
        .map(|((name, expr), id)| saved(id, name, expr.clone()));
    let last = saved(20, "9", Expr::Everyone);
    // The default of Rust's threads, and tokio's; a build without optimisation needs the most.
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let rows: Vec<Change> = rows.chain([last, added(1)]).collect();
    let work = move || {
        let index = Index::open(ZONE, epoch(), rows);
        let expr = deep(0);
        let who = index.record(ContactId(1)).expect("a contact of the index");
        let holds = eval(&expr, &who, epoch(), index.scope()).holds;
        assert_eq!(
            crate::segment::explain(&expr, &who, epoch(), index.scope()).holds,
            holds
        );
        assert_eq!(index.count(&expr, epoch()).n, u64::from(holds));
        assert_eq!(parse(&print(&expr)), Ok(expr));
    };
    let done = thread.spawn(work).map(std::thread::JoinHandle::join);
    assert!(matches!(done, Ok(Ok(()))));
}
