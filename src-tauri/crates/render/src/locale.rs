//! How money, numbers and dates are written in the reader's language and zone.

use carillon_model::Moment;
use carillon_model::contact::{Currency, Money};
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, TimeZone};
use chrono_tz::Tz;
use std::fmt::Write;

/// Zone and language of one reader.
#[derive(Clone, Debug)]
pub(crate) struct Locale {
    zone: Tz,
    names: chrono::Locale,
    style: Style,
}

/// Marks of a language: decimal, groups of three, and whether the currency stands before the number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Style {
    decimal: char,
    group: &'static str,
    symbol_first: bool,
    /// Between symbol and number.
    gap: &'static str,
    /// Groups begin only at five digits (Spanish, Portuguese of Portugal, Polish).
    late_groups: bool,
}

const fn style(
    decimal: char,
    group: &'static str,
    symbol_first: bool,
    gap: &'static str,
    late: bool,
) -> Style {
    Style {
        decimal,
        group,
        symbol_first,
        gap,
        late_groups: late,
    }
}

const NBSP: &str = "\u{a0}";
const NARROW: &str = "\u{202f}";

/// Unicode CLDR 44, "Number patterns", reduced to the languages below; others are written as English.
const STYLES: &[(&str, &str, Style)] = &[
    ("en", "en_US", style('.', ",", true, "", false)),
    ("en-gb", "en_GB", style('.', ",", true, "", false)),
    ("de", "de_DE", style(',', ".", false, NBSP, false)),
    ("de-at", "de_AT", style(',', ".", true, NBSP, false)),
    ("de-ch", "de_CH", style('.', "\u{2019}", true, NBSP, false)),
    ("fr", "fr_FR", style(',', NARROW, false, NBSP, false)),
    ("es", "es_ES", style(',', ".", false, NBSP, true)),
    ("es-mx", "es_MX", style('.', ",", true, "", false)),
    ("it", "it_IT", style(',', ".", false, NBSP, false)),
    ("pt", "pt_BR", style(',', ".", true, NBSP, false)),
    ("pt-pt", "pt_PT", style(',', NBSP, false, NBSP, true)),
    ("nl", "nl_NL", style(',', ".", true, NBSP, false)),
    ("da", "da_DK", style(',', ".", false, NBSP, false)),
    ("sv", "sv_SE", style(',', NBSP, false, NBSP, false)),
    ("nb", "nb_NO", style(',', NBSP, false, NBSP, false)),
    ("no", "nb_NO", style(',', NBSP, false, NBSP, false)),
    ("fi", "fi_FI", style(',', NBSP, false, NBSP, false)),
    ("pl", "pl_PL", style(',', NBSP, false, NBSP, true)),
    ("cs", "cs_CZ", style(',', NBSP, false, NBSP, false)),
    ("sk", "sk_SK", style(',', NBSP, false, NBSP, false)),
    ("hu", "hu_HU", style(',', NBSP, false, NBSP, false)),
    ("ro", "ro_RO", style(',', ".", false, NBSP, false)),
    ("uk", "uk_UA", style(',', NBSP, false, NBSP, false)),
    ("tr", "tr_TR", style(',', ".", true, "", false)),
    ("el", "el_GR", style(',', ".", false, NBSP, false)),
    ("ja", "ja_JP", style('.', ",", true, "", false)),
    ("zh", "zh_CN", style('.', ",", true, "", false)),
    ("ko", "ko_KR", style('.', ",", true, "", false)),
];

impl Locale {
    /// From an IANA zone and a BCP 47 tag; UTC and English where they are not known.
    pub(crate) fn new(zone: &str, tag: &str) -> Locale {
        let tag = tag.replace('_', "-").to_ascii_lowercase();
        let language = tag.split('-').next().unwrap_or_default();
        let find = |wanted: &str| STYLES.iter().find(|(name, _, _)| *name == wanted);
        let (_, posix, style) = find(&tag).or_else(|| find(language)).unwrap_or(&STYLES[0]);
        Locale {
            zone: zone.parse().unwrap_or(Tz::UTC),
            names: chrono::Locale::try_from(*posix).unwrap_or(chrono::Locale::en_US),
            style: *style,
        }
    }

    /// `€12.50` or `12,50 €`, with the digits the currency has.
    pub(crate) fn money(&self, money: Money) -> String {
        let digits = money.currency.digits();
        let unit = 10u64.pow(digits);
        let size = money.minor.unsigned_abs();
        let number = self.digits(size / unit, &fraction(size % unit, digits as usize));
        let symbol = self.symbol(money.currency);
        let sign = if money.minor < 0 { "-" } else { "" };
        // A code of letters never sticks to its number.
        let letters = symbol.chars().all(|c| c.is_ascii_alphabetic());
        let gap = if self.style.gap.is_empty() && letters {
            NBSP
        } else {
            self.style.gap
        };
        if self.style.symbol_first {
            format!("{sign}{symbol}{gap}{number}")
        } else {
            format!("{sign}{number}{gap}{symbol}")
        }
    }

    /// A number in groups of three with `decimals` digits after the mark, half away from zero.
    pub(crate) fn number(&self, number: f64, decimals: u32) -> String {
        let written = format!("{:.*}", decimals as usize, number.abs());
        let (whole, rest) = written.split_once('.').unwrap_or((&written, ""));
        let Ok(whole) = whole.parse::<u64>() else {
            return super::liquid::value::plain_number(number);
        };
        let sign = if number < 0.0 && written.bytes().any(|b| matches!(b, b'1'..=b'9')) {
            "-"
        } else {
            ""
        };
        format!("{sign}{}", self.digits(whole, rest))
    }

    fn digits(&self, whole: u64, rest: &str) -> String {
        let plain = whole.to_string();
        let grouped = plain.len() > if self.style.late_groups { 4 } else { 3 };
        let mut out = String::new();
        for (i, digit) in plain.chars().enumerate() {
            if grouped && i > 0 && (plain.len() - i).is_multiple_of(3) {
                out.push_str(self.style.group);
            }
            out.push(digit);
        }
        if !rest.is_empty() {
            out.push(self.style.decimal);
            out.push_str(rest);
        }
        out
    }

    fn symbol(&self, currency: Currency) -> String {
        match &currency.0 {
            b"EUR" => "€",
            b"GBP" => "£",
            b"USD" => "$",
            b"JPY" => "¥",
            b"INR" => "₹",
            b"BRL" => "R$",
            b"PLN" => "zł",
            b"CZK" => "Kč",
            b"SEK" | b"NOK" => "kr",
            b"DKK" => "kr.",
            b"KRW" => "₩",
            b"UAH" => "₴",
            b"TRY" => "₺",
            b"ILS" => "₪",
            b"AUD" => "A$",
            b"CAD" => "CA$",
            b"NZD" => "NZ$",
            b"MXN" => "MX$",
            b"HKD" => "HK$",
            _ => currency.as_str(),
        }
        .to_owned()
    }

    /// `12 March 2026`, with the month in the reader's language.
    pub(crate) fn date(&self, date: NaiveDate) -> String {
        self.format(&self.midnight(date), "%-d %B %Y")
            .unwrap_or_else(|| date.to_string())
    }

    /// `12 March 2026, 14:05` in the reader's zone.
    pub(crate) fn moment(&self, moment: Moment) -> String {
        self.format(&moment.with_timezone(&self.zone), "%-d %B %Y, %H:%M")
            .unwrap_or_else(|| moment.to_rfc3339())
    }

    /// The day it is at `moment` in the reader's zone.
    pub(crate) fn day(&self, moment: Moment) -> NaiveDate {
        moment.with_timezone(&self.zone).date_naive()
    }

    /// A date by a `strftime` pattern; none if the pattern cannot be read.
    pub(crate) fn format_date(&self, date: NaiveDate, pattern: &str) -> Option<String> {
        self.format(&self.midnight(date), pattern)
    }

    /// A moment by a `strftime` pattern, in the reader's zone; none if the pattern cannot be read.
    pub(crate) fn format_moment(&self, moment: Moment, pattern: &str) -> Option<String> {
        self.format(&moment.with_timezone(&self.zone), pattern)
    }

    fn midnight(&self, date: NaiveDate) -> DateTime<Tz> {
        // Where a clock change skips midnight, the day begins an hour later.
        (0..24)
            .filter_map(|hour| date.and_hms_opt(hour, 0, 0))
            .find_map(|local| self.zone.from_local_datetime(&local).earliest())
            .unwrap_or_else(|| {
                self.zone
                    .from_utc_datetime(&date.and_time(chrono::NaiveTime::MIN))
            })
    }

    fn format(&self, at: &DateTime<Tz>, pattern: &str) -> Option<String> {
        if !(0..=9999).contains(&at.year()) || pattern.len() > 256 {
            return None;
        }
        let items: Vec<Item<'_>> = StrftimeItems::new_with_locale(pattern, self.names).collect();
        if items.iter().any(|item| matches!(item, Item::Error)) {
            return None;
        }
        let mut out = String::new();
        write!(
            out,
            "{}",
            at.format_localized_with_items(items.iter(), self.names)
        )
        .ok()?;
        Some(out)
    }
}

fn fraction(rest: u64, digits: usize) -> String {
    if digits == 0 {
        String::new()
    } else {
        format!("{rest:0digits$}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money {
            minor,
            currency: Currency::parse(currency).unwrap(),
        }
    }

    #[test]
    fn money_is_written_as_the_language_writes_it() {
        for (tag, minor, currency, written) in [
            ("en", 123_450, "USD", "$1,234.50"),
            ("en-GB", -5, "GBP", "-£0.05"),
            ("de", 123_450, "EUR", "1.234,50\u{a0}€"),
            ("de-CH", 123_450, "CHF", "CHF\u{a0}1\u{2019}234.50"),
            ("fr_FR", 123_450, "EUR", "1\u{202f}234,50\u{a0}€"),
            ("es", 123_450, "EUR", "1234,50\u{a0}€"),
            ("pt-BR", 990, "BRL", "R$\u{a0}9,90"),
            ("ja", 1_200, "JPY", "¥1,200"),
            ("en", 1_500, "KWD", "KWD\u{a0}1.500"),
            ("xx", i64::MIN, "USD", "-$92,233,720,368,547,758.08"),
        ] {
            assert_eq!(
                Locale::new("UTC", tag).money(money(minor, currency)),
                written,
                "{tag}"
            );
        }
    }

    #[test]
    fn dates_are_in_the_readers_zone_and_language() {
        let moment = DateTime::parse_from_rfc3339("2026-03-01T23:30:00Z")
            .unwrap()
            .to_utc();
        let berlin = Locale::new("Europe/Berlin", "de");
        assert_eq!(
            berlin.format_moment(moment, "%d. %B %Y, %H:%M").unwrap(),
            "02. März 2026, 00:30"
        );
        let nowhere = Locale::new("Nowhere/At-all", "en");
        assert_eq!(
            nowhere.format_moment(moment, "%A %d %B %Y").unwrap(),
            "Sunday 01 March 2026"
        );
    }

    #[test]
    fn a_pattern_that_cannot_be_read_gives_nothing_and_no_panic() {
        let moment = DateTime::parse_from_rfc3339("2026-03-01T23:30:00Z")
            .unwrap()
            .to_utc();
        let locale = Locale::new("UTC", "en");
        for pattern in ["%Q", "%", "%!", &"%A".repeat(500)] {
            assert_eq!(locale.format_moment(moment, pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_day_without_midnight_still_has_a_date() {
        let santiago = Locale::new("America/Santiago", "en");
        let day = NaiveDate::from_ymd_opt(2026, 9, 6).unwrap();
        assert_eq!(santiago.format_date(day, "%Y-%m-%d").unwrap(), "2026-09-06");
    }

    #[test]
    fn numbers_are_grouped_and_never_a_negative_zero() {
        let locale = Locale::new("UTC", "de");
        assert_eq!(locale.number(1234567.891, 1), "1.234.567,9");
        assert_eq!(locale.number(-0.001, 1), "0,0");
    }
}
