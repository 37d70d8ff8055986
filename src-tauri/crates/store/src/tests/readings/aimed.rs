//! Clauses that ask for exactly what somebody has: chance alone rarely meets an amount or a day.

use super::people::Company;
use carillon_model::Moment;
use carillon_model::contact::Value;
use carillon_model::event::Prop;
use carillon_model::segment::{
    Aggregate, AggregateBound, Clause, Compare, DateTest, EventMatch, PropMatch, Test, Times, Window, Zone,
};

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
