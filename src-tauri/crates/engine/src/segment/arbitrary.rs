//! Strategies over the whole grammar and over contacts that the expressions can tell apart.
//!
//! Names, values and moments come from small pools, so that clauses hold often enough to mean something.

mod happened;
mod ranked;
mod records;
mod values;

pub use happened::{shifted, turned, window};
pub use ranked::{measured_by, ranked, unranked, with_some_cuts};
pub use records::{event, props, record};

use crate::record::{Moved, Movement};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::segment::*;
use carillon_model::{Moment, SegmentId, StepId};
use chrono::{NaiveDate, TimeDelta};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

/// Keys of fields, at least one a type, with the type they hold.
pub const KEYS: &[&str] = &[
    "city",
    "age",
    "total",
    "newsletter",
    "plan",
    "interests",
    "birthday",
    "seen_at",
    "time_zone",
    "height",
    "limit",
];
/// [`KEYS`], and those whose values are given by the file.
const ASKED: &[&str] = &[
    "city",
    "age",
    "total",
    "newsletter",
    "plan",
    "interests",
    "birthday",
    "seen_at",
    "time_zone",
    "created_at",
    "email",
    "height",
    "limit",
    "city changed",
    "plan changed",
];
/// Tags.
pub const TAGS: &[&str] = &["vip", "staff", "a \"b\"\n"];
/// Names of events.
pub const EVENTS: &[&str] = &["order", "visit", "not"];
/// Keys of templates.
pub const TEMPLATES: &[&str] = &["welcome-1", "news"];
/// Names segments refer to.
pub const SEGMENTS: &[&str] = &["A", "B", "C", "nobody knows"];
/// Ids of steps.
pub const STEPS: &[&str] = &["s1", "wait \"ö\""];
/// Names of journeys.
pub const JOURNEYS: &[&str] = &["Welcome", "Win back", "nobody knows"];
/// Events about messages.
const RESPONSES: &[&str] = &["email_opened", "email_clicked", "email_replied"];
/// Zones, with awkward midnights.
pub const ZONES: &[&str] = &[
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Nowhere/City",
];
const TEXTS: &[&str] = &[
    "Bonn",
    " bonn ",
    "KÖLN",
    "Ko\u{308}ln",
    "straße",
    "STRASSE",
    "",
    "ﬁ",
    "\"\\\u{1}é",
    "Europe/Berlin",
    "info@gmail.com",
    "Anna+x@GMAIL.com",
    "Sales+eu@web.de@firma.example",
    "a*b?\\\n",
];
const OPTIONS: &[&str] = &["tea", "Coffee", "kÖln"];

/// 1 January 2026: the moments of the pools lie around it.
pub fn epoch() -> Moment {
    Moment::from_timestamp(1_767_225_600, 0).unwrap_or_default()
}

/// Moments within about two months of [`epoch`], some on whole days, some with a fraction of a second.
pub fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        (-3i64..3).prop_map(|d| epoch() + TimeDelta::days(d * 20)),
        (-60i64..60).prop_map(|d| epoch() + TimeDelta::days(d)),
        (-1_440i64..1_440).prop_map(|h| epoch() + TimeDelta::hours(h)),
        (-5_000_000i64..5_000_000, 0u32..1_000)
            .prop_map(|(s, ms)| { epoch() + TimeDelta::seconds(s) + TimeDelta::milliseconds(i64::from(ms)) }),
    ]
}

/// Dates around [`epoch`] and birthdays, leap days among them.
pub fn date() -> impl Strategy<Value = NaiveDate> {
    let leap = NaiveDate::from_ymd_opt(2020, 2, 29).unwrap_or_default();
    prop_oneof![
        4 => (-3i64..3).prop_map(|d| epoch().date_naive() + TimeDelta::days(d * 20)),
        3 => (-60i64..60).prop_map(|d| epoch().date_naive() + TimeDelta::days(d)),
        2 => (0i64..30_000).prop_map(|d| NaiveDate::default() + TimeDelta::days(d)),
        1 => Just(leap),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![6 => select(TEXTS).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-4i32..8).prop_map(|n| f64::from(n) / 2.0),
        1 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO | proptest::num::f64::INFINITE,
    ]
}

fn money() -> impl Strategy<Value = Money> {
    let minor = prop_oneof![6 => (-3i64..6).prop_map(|m| m * 50), 1 => any::<i64>()];
    let rare = select(vec![*b"USD", *b"JPY", *b"KWD", *b"AND"]);
    (minor, prop_oneof![3 => Just(*b"EUR"), 1 => rare]).prop_map(|(minor, c)| Money {
        minor,
        currency: Currency(c),
    })
}

fn options() -> impl Strategy<Value = std::collections::BTreeSet<String>> {
    btree_set(select(OPTIONS).prop_map(str::to_owned), 0..3)
}

fn option() -> impl Strategy<Value = String> {
    select(OPTIONS).prop_map(str::to_owned)
}

/// A value of the type that [`KEYS`] gives to a key.
pub fn value_for(key: &'static str) -> BoxedStrategy<Value> {
    match key {
        "age" | "height" => number().prop_map(Value::Number).boxed(),
        "total" | "limit" => money().prop_map(Value::Money).boxed(),
        "newsletter" => any::<bool>().prop_map(Value::YesNo).boxed(),
        "plan" => option().prop_map(Value::Choice).boxed(),
        "interests" => options().prop_map(Value::MultiChoice).boxed(),
        "birthday" => date().prop_map(Value::Date).boxed(),
        "seen_at" | "created_at" | "city changed" | "plan changed" => {
            moment().prop_map(Value::DateTime).boxed()
        }
        "time_zone" => select(ZONES).prop_map(|z| Value::Text(z.to_owned())).boxed(),
        _ => text().prop_map(Value::Text).boxed(),
    }
}

/// Any value of any type.
pub fn value() -> impl Strategy<Value = Value> {
    select(KEYS).prop_flat_map(value_for)
}

fn compare<T: Clone + std::fmt::Debug + 'static>(
    of: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = Compare<T>> {
    prop_oneof![
        of.clone().prop_map(Compare::Eq),
        of.clone().prop_map(Compare::Ne),
        of.clone().prop_map(Compare::Lt),
        of.clone().prop_map(Compare::Le),
        of.clone().prop_map(Compare::Gt),
        of.clone().prop_map(Compare::Ge),
        (of.clone(), of.clone()).prop_map(|(a, b)| Compare::Between(a, b)),
        (of.clone(), of).prop_map(|(a, b)| Compare::NotBetween(a, b)),
    ]
}

fn days() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0u32..40, 1 => 150u32..400, 1 => any::<u32>()]
}

fn zone() -> impl Strategy<Value = Zone> {
    prop_oneof![
        Just(Zone::Workspace),
        Just(Zone::Contact),
        select(ZONES).prop_map(|z| Zone::Named(z.to_owned())),
    ]
}

/// Any period of the calendar.
pub fn period() -> impl Strategy<Value = Period> {
    select(vec![
        Period::Day,
        Period::Week,
        Period::Month,
        Period::Quarter,
        Period::Year,
    ])
}

const WEEKDAYS: &[Weekday] = &[
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

const MONTHS: &[Month] = &[
    Month::January,
    Month::February,
    Month::March,
    Month::April,
    Month::May,
    Month::June,
    Month::July,
    Month::August,
    Month::September,
    Month::October,
    Month::November,
    Month::December,
];

fn beside() -> impl Strategy<Value = DateTest> {
    let order = select(vec![Beside::Before, Beside::On, Beside::After]);
    let key = select(vec![
        "birthday",
        "seen_at",
        "created_at",
        "seen_at",
        "a",
        "day",
        "age",
    ]);
    let plus = prop_oneof![2 => Just(0), 4 => -40i32..40, 1 => any::<i32>()];
    (order, key, plus).prop_map(|(order, key, plus_days)| DateTest::Beside {
        order,
        key: key.to_owned(),
        plus_days,
    })
}

fn period_test() -> BoxedStrategy<DateTest> {
    prop_oneof![
        period().prop_map(DateTest::This),
        period().prop_map(DateTest::Last),
        period().prop_map(DateTest::Next),
    ]
    .boxed()
}

fn date_test() -> BoxedStrategy<Test> {
    let when = prop_oneof![
        1 => date().prop_map(DateTest::On),
        1 => date().prop_map(DateTest::Before),
        1 => date().prop_map(DateTest::After),
        1 => (date(), date()).prop_map(|(a, b)| DateTest::Between(a, b)),
        1 => days().prop_map(DateTest::InLastDays),
        1 => days().prop_map(DateTest::InNextDays),
        1 => days().prop_map(DateTest::MoreThanDaysAgo),
        1 => days().prop_map(DateTest::MoreThanDaysAhead),
        1 => days().prop_map(DateTest::AnniversaryWithinDays),
        3 => period_test(),
        1 => (0u32..30).prop_map(DateTest::InLastMonths),
        1 => (0u32..30).prop_map(DateTest::InNextMonths),
        1 => select(WEEKDAYS).prop_map(DateTest::Weekday),
        1 => select(MONTHS).prop_map(DateTest::Month),
        1 => (1u8..32).prop_map(DateTest::DayOfMonth),
        1 => days().prop_map(DateTest::AnniversaryInLastDays),
        1 => days().prop_map(DateTest::AnniversaryInNextDays),
        1 => days().prop_map(DateTest::AnniversaryDaysAgo),
        1 => days().prop_map(DateTest::AnniversaryInDays),
        3 => beside(),
    ];
    let when = when.boxed();
    (when, zone())
        .prop_map(|(when, zone)| Test::Date { when, zone })
        .boxed()
}

fn text_test(of: BoxedStrategy<String>) -> BoxedStrategy<Test> {
    prop_oneof![
        1 => vec(of.clone(), 0..3).prop_map(Test::Is),
        1 => vec(of.clone(), 0..3).prop_map(Test::IsNot),
        1 => of.clone().prop_map(Test::Contains),
        1 => of.clone().prop_map(Test::StartsWith),
        1 => of.clone().prop_map(Test::EndsWith),
        2 => values::of_text(of),
    ]
    .boxed()
}

/// Any test.
pub fn test() -> BoxedStrategy<Test> {
    prop_oneof![
        Just(Test::Known),
        text_test(text().boxed()),
        compare(number().boxed()).prop_map(Test::Number),
        compare(money().boxed()).prop_map(Test::Money),
        any::<bool>().prop_map(Test::YesNo),
        options().prop_map(Test::HasAny),
        options().prop_map(Test::HasAll),
        values::of_options(),
        values::multiple(),
        values::other(),
        date_test(),
        value().prop_map(Test::Equals),
    ]
    .boxed()
}

/// A test that fits the key more often than not: every one that its type has.
fn test_for(key: &'static str) -> BoxedStrategy<Test> {
    let fitting = match key {
        "age" | "height" => {
            prop_oneof![7 => compare(number().boxed()).prop_map(Test::Number), 1 => values::multiple()]
                .boxed()
        }
        "total" | "limit" => compare(money().boxed()).prop_map(Test::Money).boxed(),
        "newsletter" => any::<bool>().prop_map(Test::YesNo).boxed(),
        "plan" => prop_oneof![
            vec(option(), 0..3).prop_map(Test::Is),
            vec(option(), 0..3).prop_map(Test::IsNot)
        ]
        .boxed(),
        "interests" => prop_oneof![
            options().prop_map(Test::HasAny),
            options().prop_map(Test::HasAll),
            values::of_options()
        ]
        .boxed(),
        "birthday" | "seen_at" | "created_at" | "city changed" | "plan changed" => date_test().boxed(),
        "email" => text_test(
            select(vec!["c1@x.example", "C2@X", "c", ".example "])
                .prop_map(str::to_owned)
                .boxed(),
        ),
        _ => text_test(text().boxed()),
    };
    prop_oneof![8 => fitting, 1 => test(), 1 => Just(Test::Known), 2 => value_for(key).prop_map(Test::Equals), 2 => values::against(key)]
        .boxed()
}

/// Keys of the properties of events; what they hold is a matter of chance, but of some chance more often.
const PROPS: &[&str] = &["amount", "product", "where"];

/// A test of an event's property.
fn prop_test(key: &str) -> BoxedStrategy<Test> {
    let numbers = compare(number().boxed()).prop_map(Test::Number);
    let amounts = compare(money().boxed()).prop_map(Test::Money);
    let same = prop_oneof![
        number().prop_map(Value::Number),
        money().prop_map(Value::Money),
        any::<bool>().prop_map(Value::YesNo),
        text().prop_map(Value::Text),
    ]
    .prop_map(Test::Equals);
    let fitting = match key {
        "amount" => prop_oneof![4 => numbers, 4 => amounts, 1 => values::multiple()].boxed(),
        "product" => {
            prop_oneof![6 => text_test(text().boxed()), 1 => any::<bool>().prop_map(Test::YesNo)].boxed()
        }
        _ => test(),
    };
    prop_oneof![8 => fitting, 1 => Just(Test::Known), 3 => same].boxed()
}

fn prop_match() -> impl Strategy<Value = PropMatch> {
    let key = prop_oneof![6 => select(PROPS), 1 => Just("My Key")];
    key.prop_flat_map(|key| {
        prop_test(key).prop_map(move |test| PropMatch {
            key: key.to_owned(),
            test,
        })
    })
}

/// Any list of property tests.
pub fn props_match() -> BoxedStrategy<Vec<PropMatch>> {
    prop_oneof![2 => Just(Vec::new()), 3 => vec(prop_match(), 1..3)].boxed()
}

/// Any single test of a contact.
pub fn clause() -> BoxedStrategy<Clause> {
    prop_oneof![
        9 => select(ASKED).prop_flat_map(|key| test_for(key).prop_map(move |test| Clause::Field { key: key.to_owned(), test })),
        1 => (select(vec!["no_such", "Not", "tag", "ö x`"]), test()).prop_map(|(k, test)| Clause::Field { key: k.to_owned(), test }),
        3 => happened::shifted(),
        3 => ranked::ranked(),
        1 => select(TAGS).prop_map(|t| Clause::Tag { tag: t.to_owned() }),
        4 => happened::did(),
        4 => happened::more_than_did(),
        2 => (proptest::option::of(select(TEMPLATES)), happened::times(), window()).prop_map(|(t, times, window)| Clause::Sent {
            template: t.map(str::to_owned), times, window,
        }),
        2 => happened::answered(),
        2 => (channel(), purpose(), proptest::option::of(basis())).prop_map(|(channel, purpose, basis)| Clause::Consent { channel, purpose, basis }),
        1 => select(SEGMENTS).prop_map(|n| Clause::InSegment { name: n.to_owned() }),
        3 => moved(),
        1 => (select(JOURNEYS), proptest::option::of(step())).prop_map(|(n, step)| Clause::InJourney { name: n.to_owned(), step }),
        1 => (prop_oneof![(0u32..101).prop_map(f64::from), number()], text()).prop_map(|(percent, salt)| Clause::Sample { percent, salt }),
    ]
    .boxed()
}

/// A clause about who came into or out of something.
pub fn moved() -> impl Strategy<Value = Clause> {
    let which = prop_oneof![
        3 => (Just(MovementKind::JoinedSegment), select(SEGMENTS)),
        2 => (Just(MovementKind::LeftSegment), select(SEGMENTS)),
        2 => (of_journey(), select(JOURNEYS)),
    ];
    (which, step(), happened::times(), window()).prop_map(|((movement, name), step, times, window)| {
        Clause::Moved {
            movement,
            name: name.to_owned(),
            step: movement.is_of_step().then_some(step),
            times,
            window,
        }
    })
}

fn of_journey() -> impl Strategy<Value = MovementKind> {
    select(vec![
        MovementKind::EnteredJourney,
        MovementKind::LeftJourney,
        MovementKind::ReachedGoal,
        MovementKind::CameToStep,
        MovementKind::PassedStep,
        MovementKind::LeftStep,
    ])
}

fn step() -> impl Strategy<Value = StepId> {
    select(STEPS).prop_map(StepId::from)
}

/// A movement into or out of one of the first three segments or the first two journeys, by their numbers.
pub fn moves() -> impl Strategy<Value = Moved> {
    let of_segment = (1u32..4, any::<bool>(), moment()).prop_map(|(of, entered, at)| Moved {
        movement: Movement::of_segment(SegmentId(of), entered),
        at,
        number: 0,
    });
    prop_oneof![2 => of_segment, 3 => moves_in_journeys()]
}

/// A movement into or out of one of the first two journeys.
pub fn moves_in_journeys() -> impl Strategy<Value = Moved> {
    (1u32..3, of_journey(), step(), moment(), 0i64..4).prop_map(|(of, kind, step, at, number)| Moved {
        movement: Movement {
            kind,
            of,
            step: kind.is_of_step().then_some(step),
        },
        at,
        number,
    })
}

/// An expression whose truth the clock turns over: one clause that looks back or ahead from now.
pub fn timely() -> BoxedStrategy<Expr> {
    let days = || 1u32..60;
    let when = prop_oneof![
        days().prop_map(DateTest::InLastDays),
        days().prop_map(DateTest::InNextDays),
        days().prop_map(DateTest::MoreThanDaysAgo),
        days().prop_map(DateTest::MoreThanDaysAhead),
        (0u32..20).prop_map(DateTest::AnniversaryWithinDays),
        (0u32..20).prop_map(DateTest::AnniversaryInNextDays),
        (0u32..4).prop_map(DateTest::InLastMonths),
        period_test(),
    ];
    let field =
        (select(vec!["birthday", "seen_at", "created_at"]), when, zone()).prop_map(|(key, when, zone)| {
            Clause::Field {
                key: key.to_owned(),
                test: Test::Date { when, zone },
            }
        });
    prop_oneof![3 => field, 4 => happened::timely()]
        .prop_map(Expr::Clause)
        .boxed()
}

/// Any channel; mail, of which there is most, most often.
pub fn channel() -> impl Strategy<Value = Channel> {
    let rare = select(vec![Channel::Sms, Channel::Phone, Channel::Post, Channel::Push]);
    prop_oneof![2 => Just(Channel::Email), 1 => rare]
}

/// Any purpose.
pub fn purpose() -> impl Strategy<Value = Purpose> {
    let rare = select(vec![Purpose::Transactional, Purpose::Tracking]);
    prop_oneof![2 => Just(Purpose::Marketing), 1 => rare]
}

/// Any basis.
pub fn basis() -> impl Strategy<Value = Basis> {
    select(vec![
        Basis::Consent,
        Basis::DoubleOptIn,
        Basis::SoftOptIn,
        Basis::Contract,
        Basis::LegitimateInterest,
        Basis::Implied,
    ])
}

/// Any expression: every node and every clause of the grammar, up to four deep.
pub fn expr() -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![1 => Just(Expr::Everyone), 9 => clause().prop_map(Expr::Clause)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Expr::All),
            vec(inner.clone(), 0..4).prop_map(Expr::Any),
            vec(inner.clone(), 0..3).prop_map(Expr::None),
            (0u32..4, vec(inner.clone(), 0..4)).prop_map(|(k, of)| Expr::AtLeast { k, of }),
            inner.prop_map(|e| Expr::Not(Box::new(e))),
        ]
    })
    .boxed()
}
