//! Clauses that ask for exactly what somebody has: chance alone rarely meets an amount or a day.

use super::people::Company;
use carillon_engine::record::ContactRecord;
use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::event::Prop;
use carillon_model::segment::{
    self, Aggregate, AggregateBound, Clause, Compare, DateTest, EventMatch, Period, PropMatch, Test, Times,
    Window, Zone,
};
use chrono::{NaiveDate, TimeDelta};

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
    for person in company.people.iter().take(2) {
        all.extend(happened(&person.record));
        for (key, value) in &person.record.fields {
            let tests = asking_for(value, company.now).into_iter();
            all.extend(tests.map(|test| Clause::Field {
                key: key.clone(),
                test,
            }));
        }
        for event in person.record.events.iter().take(2) {
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
    for sent in record.sent.iter().take(2) {
        let before = Window::Between {
            from: None,
            to: Some(crate::time::whole(sent.at) + TimeDelta::seconds(1)),
        };
        let this = Window::Days {
            days: segment::Days::This(Period::Quarter),
            zone: Zone::Workspace,
        };
        all.extend([before, this].map(|window| Clause::Sent {
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
        Value::Number(n) => with_equal(value, compares(*n).map(Test::Number)),
        Value::Money(money) => with_equal(value, compares(*money).map(Test::Money)),
        Value::Date(day) => {
            let ago = (now.date_naive() - *day).num_days();
            let around = u32::try_from(ago.abs()).unwrap() + 2;
            let tests = [
                DateTest::On(*day),
                DateTest::Before(moved(*day, 3)),
                DateTest::After(moved(*day, -3)),
                DateTest::This(Period::Year),
                DateTest::Last(Period::Year),
                DateTest::Next(Period::Year),
                DateTest::This(Period::Quarter),
                DateTest::Next(Period::Quarter),
                DateTest::Between(*day, *day),
                DateTest::InLastDays(around),
                DateTest::InNextDays(around),
                DateTest::MoreThanDaysAgo(around.saturating_sub(4)),
                DateTest::MoreThanDaysAhead(around.saturating_sub(4)),
            ];
            with_equal(value, tests.map(in_workspace))
        }
        Value::DateTime(at) => {
            // As the file keeps it.
            let equal = Value::DateTime(crate::time::whole(*at));
            let ahead = u32::try_from((*at - now).num_days()).unwrap_or(0);
            let tests = [
                DateTest::On(at.date_naive()),
                DateTest::Before(moved(at.date_naive(), 3)),
                DateTest::After(moved(at.date_naive(), -3)),
                DateTest::InNextDays(ahead + 3),
                DateTest::MoreThanDaysAhead(ahead.saturating_sub(2)),
            ];
            with_equal(&equal, tests.map(in_workspace))
        }
        Value::Text(text) => {
            let half: String = text.chars().take(text.chars().count() / 2 + 1).collect();
            let tests = [
                Test::Is(vec![text.clone()]),
                Test::StartsWith(half),
                Test::EndsWith(text.clone()),
            ];
            with_equal(value, tests)
        }
        other => vec![Test::Equals(other.clone())],
    }
}

fn moved(day: NaiveDate, days: i64) -> NaiveDate {
    day + TimeDelta::days(days)
}

fn in_workspace(when: DateTest) -> Test {
    let zone = Zone::Workspace;
    Test::Date { when, zone }
}

fn with_equal(value: &Value, tests: impl IntoIterator<Item = Test>) -> Vec<Test> {
    let mut all = vec![Test::Equals(value.clone())];
    all.extend(tests);
    all
}

fn compares<T: Copy>(to: T) -> [Compare<T>; 7] {
    [
        Compare::Eq(to),
        Compare::Ne(to),
        Compare::Lt(to),
        Compare::Le(to),
        Compare::Gt(to),
        Compare::Ge(to),
        Compare::Between(to, to),
    ]
}
