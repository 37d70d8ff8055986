//! Clauses that ask for exactly what somebody has: chance alone rarely meets an amount or a day.

use super::people::Company;
use carillon_engine::record::ContactRecord;
use carillon_model::Moment;
use carillon_model::contact::{Currency, Value};
use carillon_model::event::Prop;
use carillon_model::segment::{
    self, Aggregate, AggregateBound, Answer, Beside, Clause, Compare, DateTest, EventMatch, FieldOrder,
    Month, Period, PropMatch, Shift, Test, Times, Weekday, Window, Zone,
};
use chrono::{Datelike, Days, NaiveDate, TimeDelta};

/// Each value of the first two contacts, in every way it can be asked for.
pub fn clauses(company: &Company) -> Vec<Clause> {
    let mut all = Vec::new();
    for (channel, purpose, ..) in company.people.iter().flat_map(|person| &person.ledger) {
        all.push(Clause::Consent {
            channel: *channel,
            purpose: *purpose,
            basis: None,
        });
    }
    all.extend(shifted());
    all.extend(ranked());
    for person in company.people.iter().take(2) {
        all.extend(happened(&person.record));
        for (key, value) in &person.record.fields {
            let tests = asking_for(value, company.now).into_iter();
            all.extend(tests.map(|test| Clause::Field {
                key: key.clone(),
                test,
            }));
        }
        for event in person.record.events.iter().take(4) {
            for (key, prop) in &event.props {
                all.extend(aggregates(&event.name, key, prop));
                let tests = asking_for(&value_of(prop), company.now).into_iter();
                all.extend(tests.map(|test| Clause::Did {
                    event: EventMatch {
                        name: event.name.clone(),
                        props: vec![PropMatch {
                            key: key.clone(),
                            test,
                        }],
                    },
                    times: Times::AtLeast(1),
                    window: Window::Ever,
                }));
            }
        }
    }
    all
}

/// What a score was lately, and longer ago.
fn shifted() -> impl Iterator<Item = Clause> {
    let by = [
        Shift::AtLeast(3.0),
        Shift::MoreThan(0.0),
        Shift::AtLeastPercent(50.0),
        Shift::MoreThanPercent(20.0),
    ];
    let asked = by
        .into_iter()
        .flat_map(|by| [(by, true, 10), (by, true, 60), (by, false, 10), (by, false, 60)]);
    asked.map(|(by, rose, days)| Clause::Shifted {
        key: "score_heat".to_owned(),
        rose,
        by,
        within_secs: days * 86_400,
    })
}

/// Halves of what everybody may have.
fn ranked() -> impl Iterator<Item = Clause> {
    let of = [("age", None), ("score_heat", None), ("total", Some("EUR"))];
    let asked = of.into_iter().flat_map(|of| [(of, true), (of, false)]);
    asked.map(|((key, currency), top)| Clause::Ranked {
        key: key.to_owned(),
        top,
        percent: 40.0,
        currency: currency.and_then(Currency::parse),
        cut: None,
    })
}

/// When something was done or sent, and what was done after it.
fn happened(record: &ContactRecord) -> Vec<Clause> {
    let event = |name: &str| EventMatch {
        name: name.to_owned(),
        props: Vec::new(),
    };
    let times = Times::AtLeast(1);
    let mut all = Vec::new();
    for pair in record.events.windows(2).take(2) {
        all.push(Clause::Did {
            event: event(&pair[0].name),
            times,
            window: Window::Between {
                from: Some(crate::time::whole(pair[0].at)),
                to: None,
            },
        });
        all.push(Clause::Did {
            event: event(&pair[0].name),
            times,
            window: Window::Between {
                from: Some(crate::time::whole(pair[0].at)),
                to: Some(crate::time::whole(pair[1].at)),
            },
        });
        for follows in [true, false] {
            all.push(Clause::Sequence {
                first: event(&pair[0].name),
                then: event(&pair[1].name),
                follows,
                within_secs: 20 * 86_400,
                window: Window::Ever,
            });
        }
    }
    let answers = [Answer::Opened, Answer::Clicked, Answer::Replied];
    for (answer, last) in answers.into_iter().flat_map(|answer| [(answer, 1), (answer, 2)]) {
        all.push(Clause::Answered { answer, times, last });
    }
    for sent in record.sent.iter().take(2) {
        let before = Window::Between {
            from: None,
            to: Some(crate::time::whole(sent.at) + TimeDelta::seconds(1)),
        };
        let this = Window::Days {
            days: segment::Days::This(Period::Quarter),
            zone: Zone::Workspace,
        };
        let days = |days| Window::Days {
            days,
            zone: Zone::Workspace,
        };
        let since = days(segment::Days::Since(sent.at.date_naive()));
        let calendar = [
            segment::Days::Last(Period::Week),
            segment::Days::Last(Period::Month),
            segment::Days::LastMonths(1),
            segment::Days::MoreThanMonthsAgo(1),
            segment::Days::BetweenMonthsAgo(0, 1),
            segment::Days::BetweenMonthsAgo(3, 1),
        ];
        let windows = [before, this, since].into_iter().chain(calendar.map(days));
        all.extend(windows.map(|window| Clause::Sent {
            template: None,
            times,
            window,
        }));
    }
    all
}

/// What the values of a property come to, asked of one of them.
fn aggregates(event: &str, key: &str, prop: &Prop) -> Vec<Clause> {
    let bound = match prop {
        Prop::Number(n) => AggregateBound::Number(Compare::Ge(*n)),
        Prop::Money(money) => AggregateBound::Money(Compare::Le(*money)),
        Prop::YesNo(_) | Prop::Text(_) => return Vec::new(),
    };
    let functions = [
        Aggregate::Sum,
        Aggregate::Average,
        Aggregate::Minimum,
        Aggregate::Maximum,
    ];
    let one = |function| Clause::Aggregate {
        function,
        prop: key.to_owned(),
        event: EventMatch {
            name: event.to_owned(),
            props: Vec::new(),
        },
        bound: bound.clone(),
        window: Window::Ever,
    };
    functions.map(one).into()
}

fn value_of(prop: &Prop) -> Value {
    match prop {
        Prop::YesNo(yes) => Value::YesNo(*yes),
        Prop::Number(n) => Value::Number(*n),
        Prop::Money(money) => Value::Money(*money),
        Prop::Text(text) => Value::Text(text.clone()),
    }
}

fn asking_for(value: &Value, now: Moment) -> Vec<Test> {
    match value {
        Value::Number(n) => {
            let others = orders("age")
                .into_iter()
                .chain([Test::MultipleOf(1.0), Test::MultipleOf(3.0)]);
            with_equal(value, compares(*n).map(Test::Number).into_iter().chain(others))
        }
        Value::Money(money) => {
            let others = orders("total").into_iter().chain(orders("limit"));
            with_equal(value, compares(*money).map(Test::Money).into_iter().chain(others))
        }
        Value::Date(day) => {
            let ago = (now.date_naive() - *day).num_days();
            let around = u32::try_from(ago.abs()).unwrap() + 2;
            let tests = [
                DateTest::On(*day),
                DateTest::Before(moved(*day, 3)),
                DateTest::After(moved(*day, -3)),
                DateTest::Between(*day, *day),
                DateTest::InLastDays(around),
                DateTest::InNextDays(around),
                DateTest::MoreThanDaysAgo(around.saturating_sub(4)),
                DateTest::MoreThanDaysAhead(around.saturating_sub(4)),
                DateTest::InLastMonths(around / 28 + 1),
                DateTest::InNextMonths(around / 28 + 1),
                DateTest::This(Period::Year),
                DateTest::Last(Period::Year),
                DateTest::Next(Period::Year),
                DateTest::This(Period::Quarter),
                DateTest::Next(Period::Quarter),
                beside(Beside::On, "birthday"),
                beside(Beside::After, "seen_at"),
                beside(Beside::Before, "created_at"),
            ]
            .into_iter()
            .chain(anniversaries(*day, now));
            with_equal(value, tests.map(in_workspace))
        }
        Value::DateTime(at) => {
            // As the file keeps it.
            let equal = Value::DateTime(crate::time::whole(*at));
            let ahead = u32::try_from((*at - now).num_days()).unwrap_or(0);
            let ago = u32::try_from((now - *at).num_days()).unwrap_or(0);
            let near = (now - *at).num_days().unsigned_abs() as u32;
            let tests = [
                DateTest::InLastDays(ago + 3),
                DateTest::InLastMonths(ago / 28 + 1),
                DateTest::MoreThanDaysAgo(ago.saturating_sub(2)),
                DateTest::AnniversaryWithinDays(near + 2),
                DateTest::Between(moved(at.date_naive(), -1), moved(at.date_naive(), 1)),
                DateTest::Last(Period::Month),
                DateTest::Last(Period::Quarter),
                DateTest::Last(Period::Week),
                DateTest::On(at.date_naive()),
                DateTest::Before(moved(at.date_naive(), 3)),
                DateTest::After(moved(at.date_naive(), -3)),
                DateTest::InNextDays(ahead + 3),
                DateTest::MoreThanDaysAhead(ahead.saturating_sub(2)),
                DateTest::InNextMonths(ahead / 28 + 1),
                DateTest::Next(Period::Month),
                DateTest::Next(Period::Week),
                DateTest::Next(Period::Day),
                beside(Beside::On, "seen_at"),
                beside(Beside::Before, "created_at"),
                beside(Beside::Before, "birthday"),
                beside(Beside::After, "birthday"),
                DateTest::This(Period::Year),
                DateTest::This(Period::Quarter),
            ]
            .into_iter()
            .chain(anniversaries(at.date_naive(), now));
            with_equal(&equal, tests.map(in_workspace))
        }
        Value::Text(text) => {
            let half: String = text.chars().take(text.chars().count() / 2 + 1).collect();
            let tests = [
                Test::Is(vec![text.clone()]),
                Test::Contains(half.clone()),
                Test::StartsWith(half),
                Test::EndsWith(text.clone()),
                Test::NotStartsWith(text.clone()),
                Test::NotEndsWith(text.clone()),
                Test::NotContains(text.clone()),
                Test::Domain(vec!["gmail.com".to_owned()]),
                Test::FreeMail,
                Test::RoleAccount,
                Test::Nearly(format!("{text}x")),
                Test::NotNearly(format!("{text}x")),
                Test::Like("*o*".to_owned()),
                Test::NotLike("*o*".to_owned()),
                Test::Matches("o.n".to_owned()),
                Test::NotMatches("o.n".to_owned()),
                Test::Characters(Times::AtLeast(5)),
                Test::Field {
                    order: FieldOrder::Eq,
                    key: "city".to_owned(),
                },
                Test::Field {
                    order: FieldOrder::Ne,
                    key: "email".to_owned(),
                },
            ];
            with_equal(value, tests)
        }
        Value::MultiChoice(set) => {
            let n = u32::try_from(set.len()).unwrap();
            with_equal(
                value,
                [Test::HasExactly(set.clone()), Test::Options(Times::Exactly(n))],
            )
        }
        Value::YesNo(yes) => with_equal(value, [Test::YesNo(*yes)]),
        other => vec![Test::Equals(other.clone())],
    }
}

fn beside(order: Beside, key: &str) -> DateTest {
    DateTest::Beside {
        order,
        key: key.to_owned(),
        plus_days: 0,
    }
}

/// How far the next anniversary is, and the last one was; and what the calendar calls some days.
fn anniversaries(day: NaiveDate, now: Moment) -> Vec<DateTest> {
    let today = now.date_naive();
    let same = |on: &NaiveDate| (on.month(), on.day()) == (day.month(), day.day());
    let ahead = (0..366).find(|n| same(&(today + Days::new(*n))));
    let ago = (0..366).find(|n| same(&(today - Days::new(*n))));
    let kinds = [
        DateTest::Weekday(Weekday::Monday),
        DateTest::Weekday(Weekday::Friday),
        DateTest::Month(Month::January),
        DateTest::Month(Month::February),
        DateTest::DayOfMonth(day.day() as u8),
        DateTest::InLastMonths(2),
        DateTest::InNextMonths(2),
    ];
    let all = [
        ahead.map(|n| DateTest::AnniversaryInDays(n as u32)),
        ahead.map(|n| DateTest::AnniversaryWithinDays(n as u32 + 2)),
        ahead.map(|n| DateTest::AnniversaryWithinDays((n as u32).saturating_sub(2))),
        ahead.map(|n| DateTest::AnniversaryInNextDays(n as u32 + 2)),
        ago.map(|n| DateTest::AnniversaryDaysAgo(n as u32)),
        ago.map(|n| DateTest::AnniversaryInLastDays(n as u32 + 2)),
    ];
    all.into_iter().flatten().chain(kinds).collect()
}

fn moved(day: NaiveDate, days: i64) -> NaiveDate {
    day + TimeDelta::days(days)
}

fn in_workspace(when: DateTest) -> Test {
    let zone = Zone::Workspace;
    Test::Date { when, zone }
}

/// A comparison with another field, or with itself.
fn orders(key: &str) -> [Test; 6] {
    let orders = [
        FieldOrder::Eq,
        FieldOrder::Ne,
        FieldOrder::Lt,
        FieldOrder::Le,
        FieldOrder::Gt,
        FieldOrder::Ge,
    ];
    orders.map(|order| Test::Field {
        order,
        key: key.to_owned(),
    })
}

fn with_equal(value: &Value, tests: impl IntoIterator<Item = Test>) -> Vec<Test> {
    let mut all = vec![Test::Equals(value.clone())];
    all.extend(tests);
    all
}

fn compares<T: Copy>(to: T) -> [Compare<T>; 8] {
    [
        Compare::Eq(to),
        Compare::Ne(to),
        Compare::Lt(to),
        Compare::Le(to),
        Compare::Gt(to),
        Compare::Ge(to),
        Compare::Between(to, to),
        Compare::NotBetween(to, to),
    ]
}
