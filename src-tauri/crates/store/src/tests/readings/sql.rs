//! The third reading: an expression as one plain SQL query over the tables of the file. It knows the schema and what
//! the grammar promises, and nothing of the evaluator or the index.
//!
//! What SQL cannot work out is prepared: `folded(raw, text)` has each text of the file as it is compared; days of a
//! zone become bounds in milliseconds; the share of a sample is reckoned here and given as a list of contacts.

mod happened;

use carillon_model::Moment;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::{Field, FieldType, Money, Value};
use carillon_model::segment::*;
use caseless::Caseless;
use chrono::{Datelike, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use rusqlite::types::Value as Cell;
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;

/// What an expression is read in.
pub struct Reading<'a> {
    pub now: Moment,
    pub zone: Tz,
    /// Custom fields with their columns.
    pub fields: &'a [(String, Field)],
    pub segments: &'a BTreeMap<String, Expr>,
    pub contacts: &'a BTreeSet<u32>,
    /// Names of zones that contacts have and that are zones.
    pub zones: &'a BTreeSet<String>,
    pub params: Vec<Cell>,
}

/// Trimmed, without case and compatibility forms: repeated until nothing changes any more.
pub fn fold(text: &str) -> String {
    let mut now = text.to_owned();
    loop {
        let next: String = now.trim().nfkd().default_case_fold().nfkc().collect();
        if next == now {
            return now;
        }
        now = next;
    }
}

/// SipHash-2-4 with the key 0 (Aumasson and Bernstein, 2012).
fn siphash(bytes: &[u8]) -> u64 {
    let mut v: [u64; 4] = [
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    fn round(v: &mut [u64; 4]) {
        v[0] = v[0].wrapping_add(v[1]);
        v[2] = v[2].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[1]);
        v[0] = v[0].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].rotate_left(32);
    }
    let mut padded = bytes.to_vec();
    padded.resize((bytes.len() / 8) * 8 + 7, 0);
    padded.push(bytes.len() as u8);
    for chunk in padded.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap());
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn epoch_day(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) - 719_163
}

fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day.checked_add(719_163)?).ok()?)
}

fn today(now: Moment, zone: Tz) -> i64 {
    let offset = zone.offset_from_utc_datetime(&now.naive_utc()).fix();
    epoch_day((now.naive_utc() + offset).date())
}

/// Milliseconds of the first instant of a day in a zone; beyond all calendars, before or after everything.
fn begins(day: i64, zone: Tz) -> i64 {
    let Some(date) = date_of(day) else {
        return if day < 0 { i64::MIN } else { i64::MAX };
    };
    let midnight = date.and_time(NaiveTime::MIN);
    let first = (0..27 * 60).find_map(|minute| {
        let local = midnight.checked_add_signed(TimeDelta::minutes(minute))?;
        Some(zone.from_local_datetime(&local).earliest()?.timestamp_millis())
    });
    first.unwrap()
}

/// Days from 1970, both ends included; an open end is the largest number.
type Range = (i64, i64);
const OPEN: i64 = i64::MAX;
const FIRST: i64 = i64::MIN;

fn ranges(when: &DateTest, today: i64) -> Vec<Range> {
    let day = |date: &NaiveDate| epoch_day(*date);
    match when {
        DateTest::On(d) => vec![(day(d), day(d))],
        DateTest::Before(d) => vec![(FIRST, day(d) - 1)],
        DateTest::After(d) => vec![(day(d) + 1, OPEN)],
        DateTest::Between(a, b) => vec![(day(a), day(b))],
        DateTest::InLastDays(n) => vec![(today - i64::from(*n) + 1, today)],
        DateTest::InNextDays(n) => vec![(today, today + i64::from(*n) - 1)],
        DateTest::MoreThanDaysAgo(n) => vec![(FIRST, today - i64::from(*n) - 1)],
        DateTest::MoreThanDaysAhead(n) => vec![(today + i64::from(*n) + 1, OPEN)],
        DateTest::AnniversaryWithinDays(n) => {
            let wanted = anniversaries(*n, today);
            // Moments lie within a few months of the present.
            (today - 400..=today + 400)
                .filter(|day| date_of(*day).is_some_and(|d| wanted.contains(&month_day(d))))
                .map(|day| (day, day))
                .collect()
        }
        DateTest::This(period) => {
            let this = period_of(*period, today);
            vec![days_of(*period, this, today)]
        }
        DateTest::Last(period) => {
            let this = period_of(*period, today);
            let before = (1..).find(|n| period_of(*period, today - n) != this).unwrap();
            vec![days_of(*period, period_of(*period, today - before), today)]
        }
        DateTest::Next(period) => {
            let this = period_of(*period, today);
            let after = (1..).find(|n| period_of(*period, today + n) != this).unwrap();
            vec![days_of(*period, period_of(*period, today + after), today)]
        }
    }
}

/// The name of the period a day lies in.
fn period_of(period: Period, day: i64) -> (i32, u32) {
    let date = date_of(day).unwrap();
    match period {
        Period::Day => (0, u32::try_from(day).unwrap()),
        Period::Week => (date.iso_week().year(), date.iso_week().week()),
        Period::Month => (date.year(), date.month()),
        Period::Quarter => (date.year(), date.month().div_ceil(3)),
        Period::Year => (date.year(), 0),
    }
}

/// The first and the last day near today whose period has the name.
fn days_of(period: Period, name: (i32, u32), today: i64) -> Range {
    let days: Vec<i64> = (today - 800..=today + 800)
        .filter(|day| period_of(period, *day) == name)
        .collect();
    (days[0], days[days.len() - 1])
}

fn month_day(date: NaiveDate) -> String {
    format!("{:02}-{:02}", date.month(), date.day())
}

/// Months and days whose anniversary is at most `n` days from today.
fn anniversaries(n: u32, today: i64) -> BTreeSet<String> {
    let n = i64::from(n.min(366));
    let mut all = BTreeSet::new();
    for date in (today - n..=today + n).filter_map(date_of) {
        all.insert(month_day(date));
        if (date.month(), date.day()) == (2, 28) && !date.leap_year() {
            all.insert("02-29".to_owned());
        }
    }
    all
}

impl Reading<'_> {
    /// The ids of all whom the expression means.
    pub fn query(&mut self, expr: &Expr) -> String {
        let holds = self.expr(expr);
        format!(
            "SELECT c.id FROM contacts c LEFT JOIN contact_fields f ON f.contact = c.id WHERE {holds} ORDER BY c.id"
        )
    }

    fn param(&mut self, cell: Cell) -> String {
        self.params.push(cell);
        format!("?{}", self.params.len())
    }

    fn text(&mut self, text: &str) -> String {
        self.param(Cell::Text(text.to_owned()))
    }

    fn expr(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Everyone => "1".to_owned(),
            Expr::All(of) => self.at_least(of.len() as i64, of),
            Expr::Any(of) => self.at_least(1, of),
            Expr::None(of) => format!("(NOT {})", self.at_least(1, of)),
            Expr::AtLeast { k, of } => self.at_least(i64::from(*k), of),
            Expr::Not(inner) => format!("(NOT {})", self.expr(inner)),
            Expr::Clause(clause) => format!("coalesce(({}), 0)", self.clause(clause)),
        }
    }

    fn at_least(&mut self, k: i64, of: &[Expr]) -> String {
        let mut sum = "0".to_owned();
        for expr in of {
            sum.push_str(" + ");
            sum.push_str(&self.expr(expr));
        }
        format!("({sum} >= {k})")
    }

    fn clause(&mut self, clause: &Clause) -> String {
        if let Some(happened) = self.happened(clause) {
            return happened;
        }
        match clause {
            Clause::Field { key, test } => self.field(key, test),
            Clause::Tag { tag } => {
                let tag = self.text(tag);
                format!(
                    "EXISTS(SELECT 1 FROM contact_tags x JOIN tags t ON t.id = x.tag WHERE x.contact = c.id AND t.name = {tag})"
                )
            }
            Clause::Consent {
                channel,
                purpose,
                basis,
            } => consent(*channel, *purpose, *basis),
            Clause::InSegment { name } => match self.segments.get(name) {
                Some(expr) => self.expr(&expr.clone()),
                None => "0".to_owned(),
            },
            Clause::Sample { percent, salt } => {
                let share = |id: &u32| {
                    let mut bytes = salt.as_bytes().to_vec();
                    bytes.extend(id.to_le_bytes());
                    (siphash(&bytes) >> 11) as f64 * 100.0 / (1u64 << 53) as f64
                };
                let chosen: Vec<String> = self
                    .contacts
                    .iter()
                    .filter(|id| share(id) < *percent)
                    .map(u32::to_string)
                    .collect();
                format!("c.id IN ({})", chosen.join(", "))
            }
            other => panic!("no SQL for {other:?}"),
        }
    }

    fn field(&mut self, key: &str, test: &Test) -> String {
        let built_in = ["city", "time_zone", "email"];
        let (column, field_type, options) = match self.fields.iter().find(|(_, field)| field.key == key) {
            Some((column, field)) => (format!("f.{column}"), field.field_type, field.options.clone()),
            None if built_in.contains(&key) => (format!("c.{key}"), FieldType::Text, Vec::new()),
            None if key == "created_at" => ("c.created_at".to_owned(), FieldType::DateTime, Vec::new()),
            None => return "0".to_owned(),
        };
        if *test == Test::Known {
            return format!("{column} IS NOT NULL");
        }
        match (field_type, test) {
            (FieldType::Text, Test::Equals(Value::Text(text))) => format!("{column} = {}", self.text(text)),
            (FieldType::Text, test) => {
                let folded = format!("(SELECT text FROM folded WHERE raw = {column})");
                self.folded(&folded, test)
            }
            (FieldType::Number, Test::Number(compare)) => self.number(&column, compare),
            (FieldType::Number, Test::Equals(Value::Number(n))) => self.number(&column, &Compare::Eq(*n)),
            (FieldType::Money, Test::Money(compare)) => self.money(&column, &format!("{column}c"), compare),
            (FieldType::Money, Test::Equals(Value::Money(m))) => {
                self.money(&column, &format!("{column}c"), &Compare::Eq(*m))
            }
            (FieldType::YesNo, Test::YesNo(wanted) | Test::Equals(Value::YesNo(wanted))) => {
                format!("{column} = {}", i64::from(*wanted))
            }
            (FieldType::Choice, test) => choice(&column, &options, test),
            (FieldType::MultiChoice, test) => multi_choice(&column, &options, test),
            (FieldType::Date, Test::Equals(Value::Date(date))) => format!("{column} = {}", epoch_day(*date)),
            (FieldType::DateTime, Test::Equals(Value::DateTime(at))) => {
                format!("{column} = {}", at.timestamp_millis())
            }
            (FieldType::Date | FieldType::DateTime, Test::Date { when, zone }) => {
                self.date(&column, field_type, when, zone)
            }
            _ => "0".to_owned(),
        }
    }

    /// A test of text that is folded already.
    fn folded(&mut self, folded: &str, test: &Test) -> String {
        match test {
            Test::Is(list) => format!("{folded} IN ({})", self.list(list)),
            Test::IsNot(list) => {
                format!("{folded} NOT IN ({})", self.list(list)).replace("NOT IN ()", "IS NOT NULL")
            }
            Test::Contains(part) => format!("instr({folded}, {}) > 0", self.text(&fold(part))),
            Test::StartsWith(part) => {
                let part = self.text(&fold(part));
                format!("substr({folded}, 1, length({part})) = {part}")
            }
            Test::EndsWith(part) if fold(part).is_empty() => format!("{folded} IS NOT NULL"),
            Test::EndsWith(part) => {
                let part = self.text(&fold(part));
                format!("substr({folded}, -length({part})) = {part}")
            }
            _ => "0".to_owned(),
        }
    }

    fn list(&mut self, list: &[String]) -> String {
        let all: Vec<String> = list.iter().map(|text| self.text(&fold(text))).collect();
        all.join(", ")
    }

    fn number(&mut self, column: &str, compare: &Compare<f64>) -> String {
        let mut one = |operator: &str, to: f64| format!("{column} {operator} {}", self.param(Cell::Real(to)));
        match compare {
            Compare::Eq(to) => one("=", *to),
            Compare::Ne(to) => one("<>", *to),
            Compare::Lt(to) => one("<", *to),
            Compare::Le(to) => one("<=", *to),
            Compare::Gt(to) => one(">", *to),
            Compare::Ge(to) => one(">=", *to),
            Compare::Between(low, high) => format!("({} AND {})", one(">=", *low), one("<=", *high)),
        }
    }

    fn money(&mut self, minor: &str, currency: &str, compare: &Compare<Money>) -> String {
        let one = |operator: &str, to: &Money| {
            format!(
                "({currency} = '{}' AND {minor} {operator} {})",
                to.currency.as_str(),
                to.minor
            )
        };
        match compare {
            Compare::Eq(to) => one("=", to),
            Compare::Ne(to) => one("<>", to),
            Compare::Lt(to) => one("<", to),
            Compare::Le(to) => one("<=", to),
            Compare::Gt(to) => one(">", to),
            Compare::Ge(to) => one(">=", to),
            Compare::Between(low, high) => format!("({} AND {})", one(">=", low), one("<=", high)),
        }
    }

    fn date(&mut self, column: &str, field_type: FieldType, when: &DateTest, zone: &Zone) -> String {
        match zone {
            Zone::Workspace => self.date_in(column, field_type, when, self.zone),
            Zone::Named(name) => match name.parse() {
                Ok(zone) => self.date_in(column, field_type, when, zone),
                Err(_) => "0".to_owned(),
            },
            Zone::Contact => {
                let mut cases = String::new();
                for name in self.zones {
                    let zone: Tz = name.parse().unwrap();
                    let holds = self.date_in(column, field_type, when, zone);
                    cases.push_str(&format!(" WHEN c.time_zone = '{name}' THEN {holds}"));
                }
                let other = self.date_in(column, field_type, when, self.zone);
                match cases.is_empty() {
                    true => other,
                    false => format!("CASE{cases} ELSE {other} END"),
                }
            }
        }
    }

    fn date_in(&self, column: &str, field_type: FieldType, when: &DateTest, zone: Tz) -> String {
        let today = today(self.now, zone);
        if field_type == FieldType::Date
            && let DateTest::AnniversaryWithinDays(n) = when
        {
            let wanted: Vec<String> = anniversaries(*n, today)
                .iter()
                .map(|d| format!("'{d}'"))
                .collect();
            return format!(
                "strftime('%m-%d', {column} * 86400, 'unixepoch') IN ({})",
                wanted.join(", ")
            );
        }
        let one = |(first, last): Range| {
            let (low, high) = match field_type {
                FieldType::Date => (first, last.saturating_add(1)),
                _ => (begins(first, zone), begins(last.saturating_add(1), zone)),
            };
            format!("({column} >= {low} AND {column} < {high})")
        };
        let all: Vec<String> = ranges(when, today)
            .into_iter()
            .filter(|(first, last)| first <= last)
            .map(one)
            .collect();
        match all.is_empty() {
            true => "0".to_owned(),
            false => format!("({})", all.join(" OR ")),
        }
    }
}

fn choice(column: &str, options: &[String], test: &Test) -> String {
    let places = |wanted: &dyn Fn(&String) -> bool| {
        let all: Vec<String> = (1..)
            .zip(options)
            .filter(|(_, option)| wanted(option))
            .map(|(place, _): (i64, _)| place.to_string())
            .collect();
        all.join(", ")
    };
    let among = |list: &[String], option: &String| list.iter().any(|text| fold(text) == fold(option));
    match test {
        Test::Is(list) => format!("{column} IN ({})", places(&|option| among(list, option))),
        Test::IsNot(list) => format!("{column} IN ({})", places(&|option| !among(list, option))),
        Test::Equals(Value::Choice(text)) => format!("{column} IN ({})", places(&|option| option == text)),
        _ => "0".to_owned(),
    }
}

fn multi_choice(column: &str, options: &[String], test: &Test) -> String {
    let mask = |wanted: &dyn Fn(&String) -> bool| -> i64 {
        (0..)
            .zip(options)
            .filter(|(_, option)| wanted(option))
            .map(|(bit, _)| 1 << bit)
            .sum()
    };
    let same = |text: &String, option: &String| fold(text) == fold(option);
    match test {
        Test::HasAny(wanted) => {
            let any = mask(&|option| wanted.iter().any(|text| same(text, option)));
            format!("({column} & {any}) <> 0")
        }
        Test::HasAll(wanted) => {
            let known = wanted
                .iter()
                .all(|text| options.iter().any(|option| same(text, option)));
            let all = mask(&|option| wanted.iter().any(|text| same(text, option)));
            match known {
                true => format!("({column} & {all}) = {all}"),
                false => "0".to_owned(),
            }
        }
        Test::Equals(Value::MultiChoice(set)) => {
            let known = set.iter().all(|text| options.contains(text));
            match known {
                true => format!("{column} = {}", mask(&|option| set.contains(option))),
                false => "0".to_owned(),
            }
        }
        _ => "0".to_owned(),
    }
}

/// The ledger itself, not what is kept of it: the row with the latest moment, of two of one moment the later row.
fn consent(channel: Channel, purpose: Purpose, basis: Option<Basis>) -> String {
    let channel = match channel {
        Channel::Email => 0,
        Channel::Sms => 1,
        Channel::Phone => 2,
        Channel::Post => 3,
        Channel::Push => 4,
    };
    let purpose = match purpose {
        Purpose::Marketing => 0,
        Purpose::Transactional => 1,
        Purpose::Tracking => 2,
    };
    let by = match basis {
        None => "1",
        Some(Basis::Consent) => "l.basis = 0",
        Some(Basis::DoubleOptIn) => "l.basis = 1",
        Some(Basis::SoftOptIn) => "l.basis = 2",
        Some(Basis::Contract) => "l.basis = 3",
        Some(Basis::LegitimateInterest) => "l.basis = 4",
        Some(Basis::Implied) => "l.basis = 5",
    };
    format!(
        "c.suppressed = 0 AND EXISTS(SELECT 1 FROM consents l WHERE l.contact = c.id AND l.action = 1 AND {by}
           AND l.id = (SELECT w.id FROM consents w WHERE w.contact = c.id AND w.channel = {channel}
                         AND w.purpose = {purpose} ORDER BY w.at DESC, w.id DESC LIMIT 1))"
    )
}

#[test]
fn the_hash_of_the_samples_is_siphash_2_4() {
    // Of the empty input under the key 0.
    assert_eq!(siphash(b""), 0x1e92_4b9d_7377_00d7);
}

#[test]
fn days_begin_where_the_clocks_of_a_zone_let_them() {
    let day = |text: &str| epoch_day(text.parse().unwrap());
    let at = |text: &str| text.parse::<Moment>().unwrap().timestamp_millis();
    let brazil = begins(day("2018-11-04"), chrono_tz::America::Sao_Paulo);
    assert_eq!(brazil, at("2018-11-04T03:00:00Z"));
    let samoa = begins(day("2011-12-30"), chrono_tz::Pacific::Apia);
    assert_eq!(samoa, at("2011-12-30T10:00:00Z"));
    let next = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(1);
    assert_eq!(date_of(epoch_day(next)), Some(next));
}
