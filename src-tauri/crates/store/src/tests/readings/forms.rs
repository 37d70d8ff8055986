//! Every form of the grammar, and which of them have told contacts apart so far: a form that never held, or never did
//! not, was not tried.

use carillon_engine::record::{ContactRecord, Scope};
use carillon_engine::segment::eval;
use carillon_model::Moment;
use carillon_model::contact::{FieldType, Value};
use carillon_model::segment::*;
use std::collections::{BTreeMap, BTreeSet};

/// How often each form held, and how often not.
#[derive(Default)]
pub struct Forms(BTreeMap<String, [u64; 2]>);

impl Forms {
    /// Looks at each part of an expression by itself.
    pub fn note(&mut self, expr: &Expr, who: &ContactRecord, now: Moment, scope: &Scope) {
        let holds = |expr: &Expr| eval(expr, who, now, scope).holds;
        let inner: &[Expr] = match expr {
            Expr::Everyone => &[],
            Expr::All(of) | Expr::Any(of) | Expr::None(of) | Expr::AtLeast { of, .. } => of,
            Expr::Not(inner) => std::slice::from_ref(inner),
            Expr::Clause(clause) => {
                for (form, clause) in of_clause(clause) {
                    self.count(form, holds(&Expr::Clause(clause)));
                }
                return;
            }
        };
        self.count(of_list(expr).to_owned(), holds(expr));
        for part in inner {
            self.note(part, who, now, scope);
        }
    }

    fn count(&mut self, form: String, holds: bool) {
        self.0.entry(form).or_default()[usize::from(holds)] += 1;
    }

    /// Forms that did not both hold and not hold.
    pub fn untold(self) -> Vec<String> {
        let told = |form: &String| self.0.get(form).is_some_and(|[not, held]| *not > 0 && *held > 0);
        all().into_iter().filter(|form| !told(form)).collect()
    }
}

fn of_list(expr: &Expr) -> &'static str {
    match expr {
        Expr::Everyone => "everyone",
        Expr::All(_) => "all",
        Expr::Any(_) => "any",
        Expr::None(_) => "none",
        Expr::AtLeast { .. } => "at least",
        Expr::Not(_) => "not",
        Expr::Clause(_) => "clause",
    }
}

/// The forms a clause is an example of, each with the clause that shows it.
fn of_clause(clause: &Clause) -> Vec<(String, Clause)> {
    let forms = match clause {
        Clause::Field { key, test } => of_field(key, test),
        Clause::Shifted { rose, by, .. } => {
            let way = if *rose { "rose" } else { "fell" };
            vec![match by {
                Shift::AtLeast(_) => format!("{way} by at least"),
                Shift::MoreThan(_) => format!("{way} by more than"),
                Shift::AtLeastPercent(_) => format!("{way} by at least %"),
                Shift::MoreThanPercent(_) => format!("{way} by more than %"),
            }]
        }
        Clause::Ranked { top, currency, .. } => {
            let end = if *top { "top" } else { "bottom" };
            let of = if currency.is_some() { "amounts" } else { "numbers" };
            vec![format!("{end} of {of}")]
        }
        Clause::Tag { .. } => vec!["tag".to_owned()],
        Clause::Did { event, times, window } => {
            let mut all: Vec<(String, Clause)> = of_often("did", *times, window)
                .into_iter()
                .map(|form| (form, clause.clone()))
                .collect();
            for prop in &event.props {
                let event = EventMatch {
                    name: event.name.clone(),
                    props: vec![prop.clone()],
                };
                let alone = Clause::Did {
                    event,
                    times: Times::AtLeast(1),
                    window: Window::Ever,
                };
                all.push((format!("where {}", of_test(&prop.test)), alone));
            }
            return all;
        }
        Clause::Streak { period, zone, .. } => vec![
            format!("{period:?} in a row"),
            format!("in a row {}", of_zone(zone)),
        ],
        Clause::FirstDid { .. } => vec!["first did".to_owned()],
        Clause::LastDid { .. } => vec!["last did".to_owned()],
        Clause::Aggregate { function, bound, .. } => vec![match bound {
            AggregateBound::Number(_) => format!("{function:?} of numbers"),
            AggregateBound::Money(_) if *function == Aggregate::Different => return Vec::new(),
            AggregateBound::Money(_) => format!("{function:?} of money"),
        }],
        Clause::Sequence { follows: true, .. } => vec!["then".to_owned()],
        Clause::Sequence { follows: false, .. } => vec!["without".to_owned()],
        Clause::Sent {
            template,
            times,
            window,
        } => {
            let mut all = of_often("sent", *times, window);
            all.push(format!(
                "sent {}",
                if template.is_some() { "template" } else { "any" }
            ));
            all
        }
        Clause::Answered { answer, .. } => vec![format!("{answer:?} of the last")],
        Clause::Consent { channel, basis, .. } => {
            let by = if basis.is_some() { " by" } else { "" };
            vec![format!("consent {channel:?}"), format!("consent{by}")]
        }
        Clause::InSegment { .. } => vec!["in segment".to_owned()],
        Clause::Moved {
            movement,
            times,
            window,
            ..
        } => {
            let mut all = of_often("moved", *times, window);
            all.push(format!("{movement:?}"));
            all
        }
        Clause::InJourney { step: None, .. } => vec!["in journey".to_owned()],
        Clause::InJourney { .. } => vec!["at step".to_owned()],
        Clause::Sample { .. } => vec!["random".to_owned()],
    };
    forms.into_iter().map(|form| (form, clause.clone())).collect()
}

fn of_often(what: &str, times: Times, window: &Window) -> Vec<String> {
    let times = match times {
        Times::AtLeast(_) => "at least",
        Times::AtMost(_) => "at most",
        Times::Exactly(_) => "exactly",
        Times::Between(..) => "between",
    };
    let mut all = vec![format!("{what} {times} times")];
    let window = match window {
        Window::Ever => "ever",
        Window::LastSecs(_) => "in the last",
        Window::MoreThanSecsAgo(_) => "more than ago",
        Window::BetweenSecsAgo(..) => "between ago",
        Window::Between { from, to } => match (from, to) {
            (Some(_), Some(_)) => "between moments",
            (Some(_), None) => "since a moment",
            (None, Some(_)) => "before a moment",
            (None, None) => "at any time",
        },
        Window::Days { days, zone } => {
            all.push(format!("{what} days {}", of_zone(zone)));
            match days {
                Days::On(_) => "on a day",
                Days::Since(_) => "since a day",
                Days::Before(_) => "before a day",
                Days::Between(..) => "between days",
                Days::This(_) => "this period",
                Days::Last(_) => "last period",
                Days::LastMonths(_) => "in the last months",
                Days::MoreThanMonthsAgo(_) => "more than months ago",
                Days::BetweenMonthsAgo(..) => "between months ago",
            }
        }
    };
    all.push(format!("{what} {window}"));
    all
}

fn of_zone(zone: &Zone) -> &'static str {
    match zone {
        Zone::Workspace => "in the workspace's zone",
        Zone::Contact => "in the contact's zone",
        Zone::Named(_) => "in a named zone",
    }
}

fn type_of(key: &str) -> Option<FieldType> {
    Some(match key {
        "city" | "time_zone" | "email" => FieldType::Text,
        "age" | "height" => FieldType::Number,
        "total" | "limit" => FieldType::Money,
        "newsletter" => FieldType::YesNo,
        "plan" => FieldType::Choice,
        "interests" => FieldType::MultiChoice,
        "birthday" => FieldType::Date,
        "seen_at" | "created_at" | "city changed" | "plan changed" => FieldType::DateTime,
        _ => return None,
    })
}

fn of_field(key: &str, test: &Test) -> Vec<String> {
    let Some(kind) = type_of(key) else {
        return Vec::new();
    };
    let kind = match key.ends_with(" changed") {
        true => "changed".to_owned(),
        false => format!("{kind:?}"),
    };
    let mut all = vec![format!("{kind} {}", of_test(test))];
    if let Test::Date { zone, .. } = test {
        all.push(format!("{kind} {}", of_zone(zone)));
    }
    all
}

fn of_test(test: &Test) -> String {
    match test {
        Test::Known => "known".to_owned(),
        Test::Is(_) => "is".to_owned(),
        Test::IsNot(_) => "is not".to_owned(),
        Test::Contains(_) => "contains".to_owned(),
        Test::StartsWith(_) => "starts".to_owned(),
        Test::EndsWith(_) => "ends".to_owned(),
        Test::NotContains(_) => "contains not".to_owned(),
        Test::NotStartsWith(_) => "starts not".to_owned(),
        Test::NotEndsWith(_) => "ends not".to_owned(),
        Test::Like(_) => "like".to_owned(),
        Test::NotLike(_) => "not like".to_owned(),
        Test::Nearly(_) => "nearly".to_owned(),
        Test::NotNearly(_) => "not nearly".to_owned(),
        Test::Matches(_) => "matches".to_owned(),
        Test::NotMatches(_) => "matches not".to_owned(),
        Test::Characters(_) => "characters".to_owned(),
        Test::Domain(_) => "domain".to_owned(),
        Test::FreeMail => "free mail".to_owned(),
        Test::RoleAccount => "role account".to_owned(),
        Test::HasExactly(_) => "has exactly".to_owned(),
        Test::Options(_) => "options".to_owned(),
        Test::MultipleOf(_) => "multiple".to_owned(),
        Test::Field { order, .. } => format!("{order:?} other"),
        Test::Number(compare) => format!("number {}", of_compare(compare)),
        Test::Money(compare) => format!("money {}", of_compare(compare)),
        Test::YesNo(_) => "yes or no".to_owned(),
        Test::HasAny(_) => "has any".to_owned(),
        Test::HasAll(_) => "has all".to_owned(),
        Test::Date { when, .. } => of_date(when).to_owned(),
        Test::Equals(value) => match value {
            Value::Text(_) => "equals text".to_owned(),
            other => format!("equals {:?}", other.field_type()),
        },
    }
}

fn of_compare<T>(compare: &Compare<T>) -> &'static str {
    match compare {
        Compare::Eq(_) => "=",
        Compare::Ne(_) => "!=",
        Compare::Lt(_) => "<",
        Compare::Le(_) => "<=",
        Compare::Gt(_) => ">",
        Compare::Ge(_) => ">=",
        Compare::Between(..) => "between",
        Compare::NotBetween(..) => "not between",
    }
}

fn of_date(when: &DateTest) -> &'static str {
    match when {
        DateTest::On(_) => "on",
        DateTest::Before(_) => "before",
        DateTest::After(_) => "after",
        DateTest::Between(..) => "between",
        DateTest::InLastDays(_) => "in the last",
        DateTest::InNextDays(_) => "in the next",
        DateTest::MoreThanDaysAgo(_) => "ago",
        DateTest::MoreThanDaysAhead(_) => "ahead",
        DateTest::AnniversaryWithinDays(_) => "anniversary",
        DateTest::InLastMonths(_) => "in the last months",
        DateTest::InNextMonths(_) => "in the next months",
        DateTest::Weekday(_) => "on a weekday",
        DateTest::Month(_) => "in a month",
        DateTest::DayOfMonth(_) => "on a day of the month",
        DateTest::AnniversaryInLastDays(_) => "anniversary in the last",
        DateTest::AnniversaryInNextDays(_) => "anniversary in the next",
        DateTest::AnniversaryDaysAgo(_) => "anniversary ago",
        DateTest::AnniversaryInDays(_) => "anniversary in",
        DateTest::Beside { order, .. } => match order {
            Beside::Before => "before another",
            Beside::On => "on another",
            Beside::After => "after another",
        },
        DateTest::This(_) => "this period",
        DateTest::Last(_) => "last period",
        DateTest::Next(_) => "next period",
    }
}

const COMPARES: [&str; 8] = ["=", "!=", "<", "<=", ">", ">=", "between", "not between"];
const TEXTS: &str = "known, is, is not, contains, starts, ends, equals text, contains not, starts not, ends not, like, \
                     not like, nearly, not nearly, matches, matches not, characters, domain, free mail, role account";
const ORDERS: &str = "Eq other, Ne other, Lt other, Le other, Gt other, Ge other";
const DATES: [&str; 24] = [
    "on",
    "before",
    "after",
    "between",
    "in the last",
    "in the next",
    "ago",
    "ahead",
    "anniversary",
    "this period",
    "last period",
    "next period",
    "in the last months",
    "in the next months",
    "on a weekday",
    "in a month",
    "on a day of the month",
    "anniversary in the last",
    "anniversary in the next",
    "anniversary ago",
    "anniversary in",
    "before another",
    "on another",
    "after another",
];
const ZONES: [&str; 3] = [
    "in the workspace's zone",
    "in the contact's zone",
    "in a named zone",
];

/// Every form that can both hold and not hold.
fn all() -> BTreeSet<String> {
    let words = |of: &str| -> Vec<String> { of.split(", ").map(str::to_owned).collect() };
    let mut all = BTreeSet::new();
    all.extend(words(
        "all, any, none, at least, not, tag, in segment, in journey, random, JoinedSegment, LeftSegment, EnteredJourney, \
         LeftJourney, ReachedGoal, at step, CameToStep, PassedStep, LeftStep, rose by at least, rose by more than, \
         fell by at least, fell by more than, rose by at least %, rose by more than %, fell by at least %, \
         fell by more than %, top of numbers, bottom of numbers, top of amounts, bottom of amounts",
    ));
    all.extend(words(
        "consent, consent by, consent Email, consent Sms, consent Phone, consent Post, consent Push",
    ));
    all.extend(words(
        "sent template, sent any, first did, last did, then, without, Opened of the last, Clicked of the last, \
         Replied of the last",
    ));
    for function in ["Sum", "Average", "Minimum", "Maximum"] {
        all.extend(["numbers", "money"].map(|of| format!("{function} of {of}")));
    }
    all.insert("Different of numbers".to_owned());
    all.extend(words(
        "Day in a row, Week in a row, Month in a row, Quarter in a row, Year in a row",
    ));
    all.extend(ZONES.map(|zone| format!("in a row {zone}")));
    for what in ["did", "sent", "moved"] {
        let often = words(
            "at least times, at most times, exactly times, between times, more than ago, between ago, this period, \
             last period, in the last months, more than months ago, between months ago, ever, in the last, between moments, since a moment, \
             before a moment, at any time, on a day, since a day, before a day, between days",
        );
        all.extend(often.into_iter().map(|form| format!("{what} {form}")));
        all.extend(ZONES.map(|zone| format!("{what} days {zone}")));
    }
    let tests = |stem: &str, of: &str| -> Vec<String> {
        words(of)
            .into_iter()
            .map(|test| format!("{stem} {test}"))
            .collect()
    };
    all.extend(tests("Text", TEXTS));
    all.extend(tests("Text", "Eq other, Ne other"));
    all.extend(tests("Number", ORDERS));
    all.extend(tests("Money", ORDERS));
    all.extend(tests("Number", "multiple"));
    all.extend(tests("where", "multiple"));
    all.extend(tests("Choice", "known, is, is not, equals Choice"));
    all.extend(tests(
        "MultiChoice",
        "known, has any, has all, has exactly, options, equals MultiChoice",
    ));
    all.extend(tests("YesNo", "known, yes or no, equals YesNo"));
    all.extend(tests("Number", "known, equals Number"));
    all.extend(tests("Money", "known, equals Money"));
    all.extend(tests("Date", "known, equals Date"));
    all.extend(tests("DateTime", "known, equals DateTime"));
    all.extend(tests("where", TEXTS));
    all.extend(tests("where", "yes or no"));
    all.extend(tests(
        "where",
        "equals text, equals Number, equals Money, equals YesNo",
    ));
    for compare in COMPARES {
        all.extend([
            format!("Number number {compare}"),
            format!("Money money {compare}"),
            format!("where number {compare}"),
            format!("where money {compare}"),
        ]);
    }
    for kind in ["Date", "DateTime"] {
        all.extend(DATES.map(|date| format!("{kind} {date}")));
        all.extend(ZONES.map(|zone| format!("{kind} {zone}")));
    }
    all
}
