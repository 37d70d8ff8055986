//! From a cell to a value: what a column seems to hold, and reading it as what the user says it holds.

use super::clean;
use super::source::undefused;
use carillon_model::Moment;
use carillon_model::contact::{Currency, FieldType, Money, Value};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ts_rs::TS;

/// Order of day, month and year in a column of dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum DateOrder {
    #[default]
    YearMonthDay,
    DayMonthYear,
    MonthDayYear,
}

/// How the cells of a column are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Reading {
    pub field_type: FieldType,
    #[serde(default)]
    pub date_order: DateOrder,
    /// `.` or `,`.
    #[serde(default = "point")]
    #[ts(type = "string")]
    pub decimal: char,
    /// Currency of amounts that name none.
    #[serde(default)]
    pub currency: Option<Currency>,
}

fn point() -> char {
    '.'
}

impl Reading {
    /// Text, as it stands.
    pub fn text() -> Reading {
        Reading {
            field_type: FieldType::Text,
            date_order: DateOrder::YearMonthDay,
            decimal: '.',
            currency: None,
        }
    }

    /// The value of a cell; `Ok(None)` for an empty one.
    ///
    /// # Errors
    /// The word of the reason (`imports.reasons.*`).
    pub fn read(&self, cell: &str, zone: Tz) -> Result<Option<Value>, &'static str> {
        let cell = clean::line(undefused(cell));
        if cell.is_empty() {
            return Ok(None);
        }
        let value = match self.field_type {
            FieldType::Text => Some(Value::Text(cell)),
            FieldType::Choice => Some(Value::Choice(cell)),
            FieldType::MultiChoice => Some(Value::MultiChoice(options(&cell))),
            FieldType::Number => number(&cell, self.decimal).map(Value::Number),
            FieldType::Money => money(&cell, self.decimal, self.currency).map(Value::Money),
            FieldType::YesNo => yes_no(&cell).map(Value::YesNo),
            FieldType::Date => date(&cell, self.date_order)
                .or_else(|| moment(&cell, self.date_order, zone).map(|m| m.with_timezone(&zone).date_naive()))
                .map(Value::Date),
            FieldType::DateTime => moment(&cell, self.date_order, zone).map(Value::DateTime),
        };
        value.map(Some).ok_or(match self.field_type {
            FieldType::Number => "not_a_number",
            FieldType::Money => "not_money",
            FieldType::YesNo => "not_yes_no",
            FieldType::Date => "not_a_date",
            FieldType::DateTime => "not_a_moment",
            FieldType::Text | FieldType::Choice | FieldType::MultiChoice => "not_a_choice",
        })
    }
}

/// Options of a multi-choice cell: separated by `|` or `;`, else by `,`.
fn options(cell: &str) -> BTreeSet<String> {
    let by = if cell.contains('|') {
        '|'
    } else if cell.contains(';') {
        ';'
    } else {
        ','
    };
    cell.split(by)
        .map(clean::line)
        .filter(|o| !o.is_empty())
        .collect()
}

/// A number with the column's decimal mark; the other mark, spaces and apostrophes group thousands.
pub fn number(cell: &str, decimal: char) -> Option<f64> {
    let plain = plain_number(cell, decimal)?;
    plain.parse().ok().filter(|n: &f64| n.is_finite())
}

fn plain_number(cell: &str, decimal: char) -> Option<String> {
    let mut out = String::with_capacity(cell.len());
    let mut marks = 0;
    for c in cell.chars() {
        match c {
            '0'..='9' => out.push(c),
            '-' | '+' if out.is_empty() => out.push(c),
            '−' if out.is_empty() => out.push('-'),
            'e' | 'E' if out.ends_with(|c: char| c.is_ascii_digit()) => out.push('e'),
            '-' | '+' if out.ends_with('e') => out.push(c),
            c if c == decimal => {
                marks += 1;
                out.push('.');
            }
            ',' | '.' | ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}' if marks == 0 && !out.is_empty() => {}
            _ => return None,
        }
    }
    (marks <= 1 && out.contains(|c: char| c.is_ascii_digit())).then_some(out)
}

/// An amount with its currency before or behind, or the column's. Exact: no binary fractions are involved.
pub fn money(cell: &str, decimal: char, currency: Option<Currency>) -> Option<Money> {
    let symbols = [
        ("€", b"EUR"),
        ("US$", b"USD"),
        ("$", b"USD"),
        ("£", b"GBP"),
        ("¥", b"JPY"),
        ("₹", b"INR"),
        ("zł", b"PLN"),
        ("₺", b"TRY"),
    ];
    // The sign may stand before the symbol: -€5.00.
    let (minus, mut rest) = match cell.trim().strip_prefix(['-', '−']) {
        Some(rest) => (true, rest.trim_start().to_owned()),
        None => (false, cell.trim().to_owned()),
    };
    let mut found = None;
    for (symbol, code) in symbols {
        if let Some(without) = rest.strip_prefix(symbol).or_else(|| rest.strip_suffix(symbol)) {
            // A bare dollar sign is whatever dollar the column says.
            let dollars = currency.filter(|c| symbol == "$" && c.as_str().ends_with('D'));
            found = Some(dollars.unwrap_or(Currency(*code)));
            rest = without.trim().to_owned();
            break;
        }
    }
    if found.is_none() && rest.is_ascii() && rest.len() > 3 {
        let (head, tail) = (rest[..3].to_owned(), rest[rest.len() - 3..].to_owned());
        if let Some(code) = Currency::parse(&head) {
            found = Some(code);
            rest = rest[3..].trim().to_owned();
        } else if let Some(code) = Currency::parse(&tail) {
            found = Some(code);
            rest.truncate(rest.len() - 3);
            rest = rest.trim().to_owned();
        }
    }
    let currency = found.or(currency)?;
    let plain = plain_number(&rest, decimal)?;
    if plain.contains('e') || minus && plain.starts_with(['-', '+']) {
        return None;
    }
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None if minus => (-1, plain.as_str()),
        None => (1, plain.trim_start_matches('+')),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = currency.digits() as usize;
    if fraction.len() > places && fraction[places..].contains(|c| c != '0') {
        return None;
    }
    let fraction = format!("{:0<places$}", fraction.get(..fraction.len().min(places))?);
    let minor: i64 = format!("{}{fraction}", if whole.is_empty() { "0" } else { whole })
        .parse()
        .ok()?;
    Some(Money {
        minor: sign * minor,
        currency,
    })
}

/// Yes or no in the words spreadsheets use.
pub fn yes_no(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "x" | "on" | "ja" | "j" | "oui" | "o" | "si" | "sí" | "sim"
        | "tak" | "wahr" | "vrai" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "off" | "-" | "nein" | "non" | "não" | "nie" | "falsch"
        | "faux" => Some(false),
        _ => None,
    }
}

/// A calendar date in the column's order; ISO 8601 is understood in any.
pub fn date(cell: &str, order: DateOrder) -> Option<NaiveDate> {
    if let Some(plain) = plain_iso(cell) {
        return Some(plain);
    }
    if let Ok(iso) = NaiveDate::parse_from_str(cell, "%Y-%m-%d") {
        return Some(iso);
    }
    let parts: Vec<&str> = cell
        .split(['.', '/', '-', ' '])
        .filter(|p| !p.is_empty())
        .collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let (year, month, day) = match order {
        DateOrder::YearMonthDay => (a, b, c),
        DateOrder::DayMonthYear => (c, b, a),
        DateOrder::MonthDayYear => (c, a, b),
    };
    if year.len() != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// A date of ten characters as ISO 8601 has it: what most cells of most lists are.
fn plain_iso(cell: &str) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = cell.as_bytes() else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number: u32, digit| {
            digit
                .is_ascii_digit()
                .then(|| 10 * number + u32::from(digit - b'0'))
        })
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// A moment: RFC 3339, or date and time in `zone` (a time that does not exist: the first one after it).
pub fn moment(cell: &str, order: DateOrder, zone: Tz) -> Option<Moment> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(cell) {
        return Some(exact.with_timezone(&Utc));
    }
    let (day, time) = match cell.split_once([' ', 'T']) {
        Some((day, time)) => (date(day, order)?, clock(time.trim().trim_end_matches('Z'))?),
        None => (date(cell, order)?, NaiveTime::MIN),
    };
    if cell.ends_with('Z') {
        return Some(NaiveDateTime::new(day, time).and_utc());
    }
    local(NaiveDateTime::new(day, time), zone)
}

fn clock(text: &str) -> Option<NaiveTime> {
    ["%H:%M:%S%.f", "%H:%M", "%I:%M %p", "%I:%M:%S %p"]
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

fn local(at: NaiveDateTime, zone: Tz) -> Option<Moment> {
    let mut at = at;
    for _ in 0..48 {
        if let Some(found) = zone.from_local_datetime(&at).earliest() {
            return Some(found.with_timezone(&Utc));
        }
        at += chrono::Duration::minutes(30);
    }
    None
}

/// How to read the cells of a column as a type: the order of dates and the decimal mark that most cells follow.
pub fn fit(field_type: FieldType, cells: &[&str], zone: Tz) -> Reading {
    let filled: Vec<String> = cells
        .iter()
        .map(|c| clean::line(c))
        .filter(|c| !c.is_empty())
        .collect();
    let base = Reading {
        field_type,
        decimal: decimal_mark(&filled),
        ..Reading::text()
    };
    if !matches!(field_type, FieldType::Date | FieldType::DateTime) {
        return base;
    }
    let orders = [
        DateOrder::YearMonthDay,
        DateOrder::DayMonthYear,
        DateOrder::MonthDayYear,
    ];
    let readings = orders.map(|date_order| Reading {
        date_order,
        ..base.clone()
    });
    let good = |reading: &Reading| {
        filled
            .iter()
            .filter(|c| matches!(reading.read(c, zone), Ok(Some(_))))
            .count()
    };
    // Of equals the first wins.
    readings.into_iter().rev().max_by_key(good).unwrap_or(base)
}

/// What the cells of a column seem to hold. Nine in ten of the filled cells must agree.
pub fn guess(heading: &str, cells: &[&str], zone: Tz) -> Reading {
    let filled: Vec<String> = cells
        .iter()
        .map(|c| clean::line(c))
        .filter(|c| !c.is_empty())
        .collect();
    let mut best = Reading::text();
    if filled.is_empty() {
        return best;
    }
    let fits = |reading: &Reading| {
        let good = filled
            .iter()
            .filter(|c| matches!(reading.read(c, zone), Ok(Some(_))))
            .count();
        good * 10 >= filled.len() * 9
    };
    let lower = heading.to_lowercase();
    // Digits that are names: post codes, phone numbers, ids with leading zeros.
    let named = ["zip", "post", "plz", "phone", "tel", "mobile", "id", "number"]
        .iter()
        .any(|w| lower.contains(w));
    let zeros = filled
        .iter()
        .any(|c| c.len() > 1 && c.starts_with('0') && !c.contains(['.', ',']));
    let decimal = decimal_mark(&filled);
    let base = Reading {
        decimal,
        ..Reading::text()
    };
    let distinct: BTreeSet<&String> = filled.iter().collect();
    let words = distinct.len() == 2 || filled.len() > 3 && distinct.len() <= 2;
    let yes_no = Reading {
        field_type: FieldType::YesNo,
        ..base.clone()
    };
    if words && fits(&yes_no) {
        return yes_no;
    }
    for order in [
        DateOrder::YearMonthDay,
        DateOrder::DayMonthYear,
        DateOrder::MonthDayYear,
    ] {
        let date = Reading {
            field_type: FieldType::Date,
            date_order: order,
            ..base.clone()
        };
        let with_time = filled.iter().any(|c| c.contains(':'));
        let moment = Reading {
            field_type: FieldType::DateTime,
            date_order: order,
            ..base.clone()
        };
        if with_time && fits(&moment) {
            return moment;
        }
        if !with_time && fits(&date) {
            return date;
        }
    }
    let symbols =
        |c: &String| c.contains(['€', '$', '£', '¥', '₹']) || c.ends_with(|l: char| l.is_ascii_uppercase());
    let money = Reading {
        field_type: FieldType::Money,
        ..base.clone()
    };
    if filled.iter().any(symbols) && fits(&money) {
        return money;
    }
    let number = Reading {
        field_type: FieldType::Number,
        ..base
    };
    if !named && !zeros && fits(&number) {
        return number;
    }
    let several = filled.iter().filter(|c| c.contains('|')).count() * 4 > filled.len();
    if several {
        best.field_type = FieldType::MultiChoice;
    }
    best
}

/// The decimal mark of a column: the last of two kinds, or the one that is not followed by three digits.
fn decimal_mark(cells: &[String]) -> char {
    for cell in cells {
        let (comma, point) = (cell.rfind(','), cell.rfind('.'));
        match (comma, point) {
            (Some(c), Some(p)) => return if c > p { ',' } else { '.' },
            (Some(c), None) => {
                let behind = cell[c + 1..].chars().take_while(char::is_ascii_digit).count();
                if behind != 3 && behind > 0 && cell.matches(',').count() == 1 {
                    return ',';
                }
            }
            _ => {}
        }
    }
    '.'
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;

    fn eur(minor: i64) -> Option<Money> {
        Currency::parse("EUR").map(|currency| Money { minor, currency })
    }

    #[test]
    fn numbers_follow_the_column_s_decimal_mark() {
        assert_eq!(number("1,234.5", '.'), Some(1234.5));
        assert_eq!(number("1.234,5", ','), Some(1234.5));
        assert_eq!(number("-3", '.'), Some(-3.0));
        assert_eq!(number("1 234", '.'), Some(1234.0));
        assert_eq!(number("1.2.3", '.'), None);
        assert_eq!(number("abc", '.'), None);
        assert_eq!(number("NaN", '.'), None);
        assert_eq!(number("1e999", '.'), None);
    }

    #[test]
    fn money_is_exact_and_knows_its_currency() {
        assert_eq!(money("€ 1.234,50", ',', None), eur(123450));
        assert_eq!(money("12.5 EUR", '.', None), eur(1250));
        assert_eq!(money("EUR12", '.', None), eur(1200));
        assert_eq!(money("0.1", '.', Currency::parse("EUR")), eur(10));
        assert_eq!(money("-7,05 €", ',', None), eur(-705));
        assert_eq!(money("-€7.05", '.', None), eur(-705));
        assert_eq!(money("€ -7.05", '.', None), eur(-705));
        assert_eq!(money("--7.05 EUR", '.', None), None);
        assert_eq!(
            money("1.005", '.', Currency::parse("EUR")),
            None,
            "half a cent is not money"
        );
        assert_eq!(
            money("12", '.', None),
            None,
            "an amount without a currency is not money"
        );
        assert_eq!(money("500 JPY", '.', None).map(|m| m.minor), Some(500));
    }

    #[test]
    fn dates_are_read_in_the_column_s_order() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 4);
        assert_eq!(date("2026-03-04", DateOrder::DayMonthYear), day);
        assert_eq!(date("4.3.2026", DateOrder::DayMonthYear), day);
        assert_eq!(date("3/4/2026", DateOrder::MonthDayYear), day);
        assert_eq!(date("31/02/2026", DateOrder::DayMonthYear), None);
        assert_eq!(
            date("4.3.26", DateOrder::DayMonthYear),
            None,
            "two digits could be any century"
        );
    }

    #[test]
    fn a_local_time_that_spring_skips_becomes_the_first_one_after_it() {
        let got = moment("2026-03-29 02:30", DateOrder::YearMonthDay, Berlin);
        assert_eq!(
            got.map(|m| m.to_rfc3339()),
            Some("2026-03-29T01:00:00+00:00".into())
        );
    }

    #[test]
    fn columns_are_guessed_from_their_cells() {
        let of = |heading: &str, cells: &[&str]| guess(heading, cells, Berlin).field_type;
        assert_eq!(of("newsletter", &["yes", "no", "yes", "yes"]), FieldType::YesNo);
        assert_eq!(of("birthday", &["1.2.1990", "", "31.12.1985"]), FieldType::Date);
        assert_eq!(
            of("signed up", &["2026-01-01 10:00", "2026-01-02 11:30"]),
            FieldType::DateTime
        );
        assert_eq!(of("total", &["€ 10,50", "€ 3,00"]), FieldType::Money);
        assert_eq!(of("points", &["10", "250", "3"]), FieldType::Number);
        assert_eq!(of("plz", &["53111", "10115"]), FieldType::Text);
        assert_eq!(of("code", &["00123", "00456"]), FieldType::Text);
        assert_eq!(of("city", &["Bonn", "Köln"]), FieldType::Text);
        assert_eq!(of("likes", &["a|b", "c|d", "a"]), FieldType::MultiChoice);
        assert_eq!(guess("x", &["3,5", "1,25"], Berlin).decimal, ',');
        assert_eq!(
            guess("d", &["12/31/2025", "01/02/2026"], Berlin).date_order,
            DateOrder::MonthDayYear
        );
    }
}
