//! Strategies over what contacts did and were sent.

use super::{EVENTS, compare, date, moment, money, number, period, props_match, zone};
use crate::record::Turned;
use carillon_model::segment::*;
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::select;

/// Any number of times.
pub(super) fn times() -> BoxedStrategy<Times> {
    prop_oneof![
        3 => Just(Times::AtLeast(1)),
        2 => (0u32..4).prop_map(Times::AtLeast),
        1 => (0u32..3).prop_map(Times::AtMost),
        1 => (0u32..3).prop_map(Times::Exactly),
        1 => (0u32..3, 0u32..4).prop_map(|(low, high)| Times::Between(low, high)),
    ]
    .boxed()
}

/// Seconds of whole days, hours, or anything.
fn secs() -> BoxedStrategy<u32> {
    prop_oneof![
        6 => (1u32..60).prop_map(|d| d * 86_400),
        1 => Just(0),
        1 => (1u32..100).prop_map(|h| h * 3_600),
        1 => any::<u32>(),
    ]
    .boxed()
}

/// Any window.
pub fn window() -> BoxedStrategy<Window> {
    prop_oneof![
        2 => Just(Window::Ever),
        4 => secs().prop_map(Window::LastSecs),
        1 => secs().prop_map(Window::MoreThanSecsAgo),
        2 => (secs(), secs()).prop_map(|(a, b)| Window::BetweenSecsAgo(a, b)),
        2 => (proptest::option::of(moment()), proptest::option::of(moment())).prop_map(|(from, to)| Window::Between { from, to }),
        5 => (window_days(), zone()).prop_map(|(days, zone)| Window::Days { days, zone }),
    ]
    .boxed()
}

fn window_days() -> BoxedStrategy<Days> {
    prop_oneof![
        date().prop_map(Days::On),
        date().prop_map(Days::Since),
        date().prop_map(Days::Before),
        (date(), 0i64..40).prop_map(|(first, n)| Days::Between(first, first + TimeDelta::days(n))),
        (date(), date()).prop_map(|(first, last)| Days::Between(first, last)),
        period().prop_map(Days::This),
        period().prop_map(Days::Last),
        months().prop_map(Days::LastMonths),
        months().prop_map(Days::MoreThanMonthsAgo),
        (months(), months()).prop_map(|(a, b)| Days::BetweenMonthsAgo(a, b)),
    ]
    .boxed()
}

fn months() -> BoxedStrategy<u32> {
    prop_oneof![8 => 0u32..5, 1 => 5u32..40, 1 => any::<u32>()].boxed()
}

fn event() -> BoxedStrategy<EventMatch> {
    let event = |(name, props): (&str, Vec<PropMatch>)| EventMatch {
        name: name.to_owned(),
        props,
    };
    (select(EVENTS), props_match()).prop_map(event).boxed()
}

/// How often something was done.
pub(super) fn did() -> BoxedStrategy<Clause> {
    (event(), times(), window())
        .prop_map(|(event, times, window)| Clause::Did { event, times, window })
        .boxed()
}

/// How many of the last messages were answered.
pub(super) fn answered() -> BoxedStrategy<Clause> {
    let answer = select(vec![Answer::Opened, Answer::Clicked, Answer::Replied]);
    let last = prop_oneof![9 => 0u32..5, 1 => any::<u32>()];
    (answer, times(), last)
        .prop_map(|(answer, times, last)| Clause::Answered { answer, times, last })
        .boxed()
}

/// Anything else that is asked of events.
pub(super) fn more_than_did() -> BoxedStrategy<Clause> {
    prop_oneof![
        1 => (event(), window()).prop_map(|(event, window)| Clause::FirstDid { event, window }),
        1 => (event(), window()).prop_map(|(event, window)| Clause::LastDid { event, window }),
        2 => (event_of_any(), 0u32..4, period(), zone(), window())
            .prop_map(|(event, n, period, zone, window)| Clause::Streak { event, n, period, zone, window }),
        4 => aggregate(),
        2 => (event(), event(), any::<bool>(), secs(), window())
            .prop_map(|(first, then, follows, within_secs, window)| Clause::Sequence { first, then, follows, within_secs, window }),
    ]
    .boxed()
}

/// Mostly all events of a name, so that there are enough.
fn event_of_any() -> BoxedStrategy<EventMatch> {
    prop_oneof![
        3 => select(EVENTS).prop_map(|name| EventMatch { name: name.to_owned(), props: Vec::new() }),
        1 => event(),
    ]
    .boxed()
}

fn aggregate() -> BoxedStrategy<Clause> {
    let function = select(vec![
        Aggregate::Sum,
        Aggregate::Average,
        Aggregate::Minimum,
        Aggregate::Maximum,
        Aggregate::Different,
    ]);
    let event = event_of_any();
    let window = prop_oneof![2 => Just(Window::Ever), 3 => window()];
    (function, event, window)
        .prop_flat_map(|(function, event, window)| {
            let (prop, bound) = match function {
                Aggregate::Different => (select(vec!["amount", "product", "where"]), counts()),
                _ => (
                    select(vec!["amount", "amount", "amount", "where", "My Key"]),
                    bounds(),
                ),
            };
            (prop, bound).prop_map(move |(prop, bound)| Clause::Aggregate {
                function,
                prop: prop.to_owned(),
                event: event.clone(),
                bound,
                window: window.clone(),
            })
        })
        .boxed()
}

fn bounds() -> BoxedStrategy<AggregateBound> {
    prop_oneof![
        compare(number().boxed()).prop_map(AggregateBound::Number),
        compare(money().boxed()).prop_map(AggregateBound::Money),
    ]
    .boxed()
}

fn counts() -> BoxedStrategy<AggregateBound> {
    let few = (0u32..4).prop_map(f64::from).boxed();
    prop_oneof![9 => compare(few).prop_map(AggregateBound::Number), 1 => bounds()].boxed()
}

/// A clause that looks back from now and turns over by the clock alone.
pub(super) fn timely() -> BoxedStrategy<Clause> {
    let days = || 1u32..60;
    let last = move || {
        prop_oneof![
            3 => days().prop_map(|days| Window::LastSecs(days * 86_400 + 1)),
            1 => days().prop_map(|days| Window::MoreThanSecsAgo(days * 86_400)),
            1 => (days(), days()).prop_map(|(a, b)| Window::BetweenSecsAgo(a * 86_400, b * 86_400)),
            2 => (prop_oneof![
                period().prop_map(Days::This),
                period().prop_map(Days::Last),
                (1u32..4).prop_map(Days::LastMonths),
                (1u32..4).prop_map(Days::MoreThanMonthsAgo),
                (0u32..3, 1u32..4).prop_map(|(a, b)| Days::BetweenMonthsAgo(a, b)),
            ], zone())
                .prop_map(|(days, zone)| Window::Days { days, zone }),
        ]
        .boxed()
    };
    let event = || {
        select(EVENTS).prop_map(|name| EventMatch {
            name: name.to_owned(),
            props: Vec::new(),
        })
    };
    let did =
        (event(), times(), last()).prop_map(|(event, times, window)| Clause::Did { event, times, window });
    let sent = (times(), last()).prop_map(|(times, window)| Clause::Sent {
        template: None,
        times,
        window,
    });
    let ends = (event(), last(), any::<bool>()).prop_map(|(event, window, first)| match first {
        true => Clause::FirstDid { event, window },
        false => Clause::LastDid { event, window },
    });
    let sequence =
        (event(), event(), any::<bool>(), days()).prop_map(|(first, then, follows, days)| Clause::Sequence {
            first,
            then,
            follows,
            within_secs: days * 86_400,
            window: Window::Ever,
        });
    let sum =
        (event(), compare(number().boxed()), last()).prop_map(|(event, compare, window)| Clause::Aggregate {
            function: Aggregate::Sum,
            prop: "amount".to_owned(),
            event,
            bound: AggregateBound::Number(compare),
            window,
        });
    let answers = vec![Answer::Opened, Answer::Clicked, Answer::Replied];
    let answered = (select(answers), any::<bool>(), 1u32..3).prop_map(|(answer, some, last)| {
        let times = if some {
            Times::AtLeast(1)
        } else {
            Times::Exactly(0)
        };
        Clause::Answered { answer, times, last }
    });
    prop_oneof![3 => did, 2 => sent, 2 => ends, 2 => sequence, 1 => sum, 2 => answered].boxed()
}

/// A clause about what a score was.
pub fn shifted() -> impl Strategy<Value = Clause> {
    let points = || prop_oneof![6 => (-1i32..8).prop_map(f64::from), 1 => number()];
    // Of what scores of a few points come to: halves, doubles, thirds, and a little beside them.
    let percents = || prop_oneof![6 => select(vec![0.0, 33.4, 50.0, 100.0, 200.0, -50.0]), 1 => number()];
    let by = prop_oneof![
        3 => points().prop_map(Shift::AtLeast),
        2 => points().prop_map(Shift::MoreThan),
        2 => percents().prop_map(Shift::AtLeastPercent),
        2 => percents().prop_map(Shift::MoreThanPercent),
        2 => Just(Shift::MoreThan(0.0)),
    ];
    let key = prop_oneof![3 => Just("score_heat"), 2 => Just("age")];
    let length =
        prop_oneof![8 => (0u32..60).prop_map(|days| days * 86_400), 2 => 0u32..2_000_000, 1 => any::<u32>()];
    (key, any::<bool>(), by, length).prop_map(|(key, rose, by, within_secs)| Clause::Shifted {
        key: key.to_owned(),
        rose,
        by,
        within_secs,
    })
}

/// A change of a score, whole or not.
pub fn turned() -> impl Strategy<Value = Turned> {
    let points = || -2i64..10;
    (moment(), proptest::option::of(points()), points()).prop_map(|(at, before, points)| Turned {
        at,
        before,
        points,
    })
}
