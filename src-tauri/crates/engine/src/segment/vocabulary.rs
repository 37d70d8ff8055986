//! Words that stand for one thing each, both ways.

use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::segment::{Aggregate, Answer, Beside, FieldOrder, Month, MovementKind, Period, Weekday};

pub(super) const CHANNELS: &[(&str, Channel)] = &[
    ("email", Channel::Email),
    ("sms", Channel::Sms),
    ("phone", Channel::Phone),
    ("post", Channel::Post),
    ("push", Channel::Push),
];

pub(super) const PURPOSES: &[(&str, Purpose)] = &[
    ("marketing", Purpose::Marketing),
    ("transactional", Purpose::Transactional),
    ("tracking", Purpose::Tracking),
];

pub(super) const BASES: &[(&str, Basis)] = &[
    ("consent", Basis::Consent),
    ("double_opt_in", Basis::DoubleOptIn),
    ("soft_opt_in", Basis::SoftOptIn),
    ("contract", Basis::Contract),
    ("legitimate_interest", Basis::LegitimateInterest),
    ("implied", Basis::Implied),
];

pub(super) const AGGREGATES: &[(&str, Aggregate)] = &[
    ("sum of", Aggregate::Sum),
    ("average of", Aggregate::Average),
    ("minimum of", Aggregate::Minimum),
    ("maximum of", Aggregate::Maximum),
    ("number of different", Aggregate::Different),
];

pub(super) const ANSWERS: &[(&[&str], Answer)] = &[
    (&["opened"], Answer::Opened),
    (&["clicked"], Answer::Clicked),
    (&["replied", "to"], Answer::Replied),
];

pub(super) const MOVEMENTS: &[(&[&str], MovementKind)] = &[
    (&["joined", "segment"], MovementKind::JoinedSegment),
    (&["left", "segment"], MovementKind::LeftSegment),
    (&["entered", "journey"], MovementKind::EnteredJourney),
    (&["left", "journey"], MovementKind::LeftJourney),
    (
        &["reached", "the", "goal", "of", "journey"],
        MovementKind::ReachedGoal,
    ),
    (&["came", "to", "step"], MovementKind::CameToStep),
    (&["passed", "step"], MovementKind::PassedStep),
    (&["left", "step"], MovementKind::LeftStep),
];

pub(super) const ORDERS: &[(&str, FieldOrder)] = &[
    ("=", FieldOrder::Eq),
    ("!=", FieldOrder::Ne),
    ("<", FieldOrder::Lt),
    ("<=", FieldOrder::Le),
    (">", FieldOrder::Gt),
    (">=", FieldOrder::Ge),
];

pub(super) const BESIDE: &[(&str, Beside)] = &[
    ("before", Beside::Before),
    ("on", Beside::On),
    ("after", Beside::After),
];

pub(super) const WEEKDAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

pub(super) const MONTHS: &[(&str, Month)] = &[
    ("january", Month::January),
    ("february", Month::February),
    ("march", Month::March),
    ("april", Month::April),
    ("may", Month::May),
    ("june", Month::June),
    ("july", Month::July),
    ("august", Month::August),
    ("september", Month::September),
    ("october", Month::October),
    ("november", Month::November),
    ("december", Month::December),
];

/// Periods longer than a day.
pub(super) const PERIODS: &[(&str, Period)] = &[
    ("week", Period::Week),
    ("month", Period::Month),
    ("quarter", Period::Quarter),
    ("year", Period::Year),
];

pub(super) fn word_of<T: PartialEq>(words: &'static [(&'static str, T)], of: T) -> &'static str {
    words.iter().find(|(_, t)| *t == of).map_or("", |(word, _)| word)
}
