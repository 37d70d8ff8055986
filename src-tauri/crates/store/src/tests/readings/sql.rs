//! The third reading: an expression as one plain SQL query over the tables of the file. It knows the schema and what
//! the grammar promises, and nothing of the evaluator or the index.
//!
//! What SQL cannot work out is prepared: `folded(raw, text)` has each text of the file as it is compared; days of a
//! zone become bounds in milliseconds; the share of a sample is reckoned here and given as a list of contacts.

mod calendar;
mod happened;
mod texts;

use calendar::{Range, begins, day_in, epoch_day, month_days, ranges, today};
use carillon_model::Moment;
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::{BUILT_IN_FIELDS, Currency, Field, FieldType, Money, Value};
use carillon_model::segment::*;
use caseless::Caseless;
use chrono::NaiveDate;
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
    /// Every text of the file, as it was written.
    pub texts: &'a [String],
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
            Clause::Shifted {
                key,
                rose,
                by,
                within_secs,
            } => self.shifted(key, *rose, *by, *within_secs),
            Clause::Ranked {
                key,
                top,
                percent,
                currency,
                ..
            } => self.ranked(key, *top, *percent, *currency),
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

    /// Points now beside points then, both by the ledger; who has no row in it is measured as it is, and always was.
    fn shifted(&mut self, key: &str, rose: bool, by: Shift, within_secs: u32) -> String {
        let Some((column, FieldType::Number, _)) = self.column(key) else {
            return "0".to_owned();
        };
        let now = self.now.timestamp_millis();
        let start = now - i64::from(within_secs) * 1_000;
        let rows = format!(
            "FROM score_ledger l JOIN scores s ON s.id = l.score WHERE l.contact = c.id AND 'score_' || s.key = '{key}'"
        );
        let at = |moment: i64| {
            format!("(SELECT l.after {rows} AND l.at <= {moment} ORDER BY l.at DESC, l.id DESC LIMIT 1)")
        };
        let first = format!("(SELECT l.before {rows} ORDER BY l.id LIMIT 1)");
        let of_first = format!(
            "(SELECT l.after {rows} AND l.at = (SELECT min(l.at) {rows}) ORDER BY l.id DESC LIMIT 1)"
        );
        let is = format!("coalesce({}, {first}, {column})", at(now));
        let was = format!("coalesce({}, {first}, {of_first}, {column})", at(start));
        let difference = match rose {
            true => format!("{is} - {was}"),
            false => format!("{was} - {is}"),
        };
        let (operator, n, percent) = match by {
            Shift::AtLeast(n) => (">=", n, false),
            Shift::MoreThan(n) => (">", n, false),
            Shift::AtLeastPercent(n) => (">=", n, true),
            Shift::MoreThanPercent(n) => (">", n, true),
        };
        let n = self.param(Cell::Real(n));
        if !percent {
            return format!("({difference} {operator} {n})");
        }
        // Of nothing there are no percents: whatever is more is more than any.
        let from_nothing = if rose { format!("{is} > 0") } else { "0".to_owned() };
        format!(
            "(CASE WHEN {was} <= 0 THEN {from_nothing} WHEN {difference} = 0 THEN 0 {operator} {n}
              ELSE ({difference}) * 100 {operator} {n} * {was} END)"
        )
    }

    /// Fewer are ahead than so many percent of all, or nobody is.
    fn ranked(&mut self, key: &str, top: bool, percent: f64, currency: Option<Currency>) -> String {
        let Some((column, kind, _)) = self.column(key) else {
            return "0".to_owned();
        };
        let same = match (kind, currency) {
            (FieldType::Number, None) => "1".to_owned(),
            (FieldType::Money, Some(code)) => {
                format!("{column}c = {}", self.text(code.as_str()))
            }
            _ => return "0".to_owned(),
        };
        let others = |more: &str| {
            let same = same.replace("f.", "g.");
            let there = column.replace("f.", "g.");
            format!(
                "(SELECT count(*) FROM contacts d JOIN contact_fields g ON g.contact = d.id
                  WHERE {there} IS NOT NULL AND {same} AND {more})"
            )
        };
        let sign = if top { ">" } else { "<" };
        let ahead = others(&format!("{} {sign} {column}", column.replace("f.", "g.")));
        let percent = self.param(Cell::Real(percent));
        format!(
            "({column} IS NOT NULL AND {same} AND ({ahead} = 0 OR {ahead} * 100.0 + 1e-7 < {} * {percent}))",
            others("1")
        )
    }

    /// Where the values of a field stand, their type and their options.
    fn column(&self, key: &str) -> Option<(String, FieldType, Vec<String>)> {
        if let Some(field) = key.strip_suffix(" changed") {
            let (value, ..) = self.column(field)?;
            let number = match BUILT_IN_FIELDS.iter().position(|own| own.0 == field) {
                Some(place) => place.to_string(),
                None => format!("(SELECT 100 + id FROM fields WHERE key = '{field}')"),
            };
            let written = format!("SELECT at FROM provenance WHERE contact = c.id AND field = {number}");
            let at = format!("CASE WHEN {value} IS NOT NULL THEN ifnull(({written}), c.created_at) END");
            return Some((format!("({at})"), FieldType::DateTime, Vec::new()));
        }
        let built_in = ["city", "time_zone", "email"];
        match self.fields.iter().find(|(_, field)| field.key == key) {
            Some((column, field)) => Some((format!("f.{column}"), field.field_type, field.options.clone())),
            None if built_in.contains(&key) => Some((format!("c.{key}"), FieldType::Text, Vec::new())),
            None if key == "created_at" => Some(("c.created_at".to_owned(), FieldType::DateTime, Vec::new())),
            None => None,
        }
    }

    fn field(&mut self, key: &str, test: &Test) -> String {
        let Some((column, field_type, options)) = self.column(key) else {
            return "0".to_owned();
        };
        if *test == Test::Known {
            return format!("{column} IS NOT NULL");
        }
        match (field_type, test) {
            (FieldType::Text, Test::Equals(Value::Text(text))) => format!("{column} = {}", self.text(text)),
            (FieldType::Text, Test::Field { order, key }) => self.other_text(&column, *order, key),
            (FieldType::Text, test) => self.text_test(&column, test),
            (FieldType::Number, Test::MultipleOf(of)) => self.multiple(&column, *of),
            (FieldType::Number | FieldType::Money | FieldType::YesNo, Test::Field { order, key }) => {
                self.other(&column, field_type, *order, key)
            }
            (FieldType::Choice, Test::Field { order, key }) => {
                self.other_text(&place_of(&column, &options), *order, key)
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
            Compare::NotBetween(low, high) => format!("({} OR {})", one("<", *low), one(">", *high)),
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
            Compare::NotBetween(low, high) if low.currency != high.currency => "0".to_owned(),
            Compare::NotBetween(low, high) => format!("({} OR {})", one("<", low), one(">", high)),
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
        let day = || day_in(column, field_type, zone, self.now);
        if let Some(wanted) = month_days(when, today) {
            let wanted: Vec<String> = wanted.iter().map(|d| format!("'{d}'")).collect();
            return format!(
                "strftime('%m-%d', {} * 86400, 'unixepoch') IN ({})",
                day(),
                wanted.join(", ")
            );
        }
        if let DateTest::Weekday(wanted) = when {
            // SQLite's week begins on Sunday.
            let wanted = (*wanted as u32 + 1) % 7;
            return format!("strftime('%w', {} * 86400, 'unixepoch') = '{wanted}'", day());
        }
        if let DateTest::Beside {
            order,
            key,
            plus_days,
        } = when
        {
            let (first, last) = (epoch_day(NaiveDate::MIN), epoch_day(NaiveDate::MAX));
            return match self.column(key) {
                Some((other, of @ (FieldType::Date | FieldType::DateTime), _)) => {
                    let sign = match order {
                        Beside::Before => "<",
                        Beside::On => "=",
                        Beside::After => ">",
                    };
                    let moved = format!("{} + {plus_days}", day_in(&other, of, zone, self.now));
                    let day = day();
                    format!("({day} {sign} {moved} AND {moved} BETWEEN {first} AND {last})")
                }
                _ => "0".to_owned(),
            };
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

/// The text of a choice that is kept as its place among the options.
fn place_of(column: &str, options: &[String]) -> String {
    let cases: Vec<String> = (1..)
        .zip(options)
        .map(|(place, option): (i64, _)| format!(" WHEN {place} THEN '{option}'"))
        .collect();
    format!("(CASE {column}{} END)", cases.concat())
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
        Test::HasExactly(wanted) => {
            let known = wanted
                .iter()
                .all(|text| options.iter().any(|option| same(text, option)));
            let all = mask(&|option| wanted.iter().any(|text| same(text, option)));
            match known {
                true => format!("{column} = {all}"),
                false => "0".to_owned(),
            }
        }
        Test::Options(times) => {
            let one = |bit: usize| format!("(({column} >> {bit}) & 1)");
            let all: Vec<String> = (0..options.len()).map(one).collect();
            happened::counts(&all.join(" + "), *times)
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
