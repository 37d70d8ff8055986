//! Telephone numbers as E.164.

use super::Country;
use phonenumber::Mode;
use phonenumber::country::Id;

/// Longest text that is read as a number, in bytes.
const LONGEST: usize = 40;
/// From so many digits on each side of a stroke on, it stands between two numbers and not in one.
const NUMBER: usize = 6;

/// The number as E.164, and whether it says its country itself. `None`: no number of its country, one without a country, or
/// more than one number. Letters and # stand before an extension, which E.164 has no place for, so a number with them is left
/// alone.
pub(super) fn e164(text: &str, country: Option<Country>) -> Option<(String, bool)> {
    if !is_one(text) {
        return None;
    }
    let text = text.trim_start_matches('(').trim();
    let international = text.starts_with('+');
    let country = country.and_then(|country| country.as_str().parse::<Id>().ok());
    if !international && country.is_none() {
        return None;
    }
    let country = country.filter(|_| !international);
    let new = formatted(text, country)?;
    // What comes out is read as what went in, or it is nothing to rely on.
    let sure = new == text || formatted(&new, None).as_ref() == Some(&new);
    sure.then_some((new, international))
}

fn formatted(text: &str, country: Option<Id>) -> Option<String> {
    let number = phonenumber::parse(country, text).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(Mode::E164).to_string())
}

fn is_one(text: &str) -> bool {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let written =
        |c: char| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '.' | '/' | '(' | ')' | '‐' | '–');
    let two = |sign: char| {
        text.match_indices(sign)
            .any(|(at, _)| digits(&text[..at]) >= NUMBER && digits(&text[at..]) >= NUMBER)
    };
    text.len() <= LONGEST
        && (6..=17).contains(&digits(text))
        && text.chars().all(written)
        && text.matches('+').count() <= 1
        && (!text.contains('+') || text.trim_start_matches(['(', ' ']).starts_with('+'))
        && !two('/')
}
