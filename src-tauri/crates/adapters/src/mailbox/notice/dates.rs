//! The day somebody is back, in the ways people write it.

use super::rules::Rules;
use super::text::plain;
use carillon_model::Moment;
use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use regex::Regex;
use std::sync::LazyLock;

/// Days before the mail that a day without a year may lie and still be of this year.
const RECENT: i64 = 60;
/// Days after the mail beyond which a day is no return.
const FARTHEST: i64 = 800;
/// What is searched, in characters.
const LONGEST: usize = 3000;

/// Names of months and weekdays, and the words around a day, compiled.
pub(super) struct DateWords {
    /// Each name of a month and its number.
    months: Vec<(String, u32)>,
    weekdays: Vec<(String, u32)>,
    day_month: Regex,
    month_day: Regex,
    weekday: Regex,
    month_only: Regex,
    week: Regex,
    from: Vec<String>,
    back: Vec<String>,
    until: Vec<String>,
}

impl DateWords {
    pub fn new(
        months: &[Vec<String>],
        weekdays: &[Vec<String>],
        from: Vec<String>,
        back: Vec<String>,
        until: Vec<String>,
        end: &[String],
        week: &[String],
    ) -> Result<Self, regex::Error> {
        let numbered = |lists: &[Vec<String>]| {
            let mut all: Vec<(String, u32)> = (1..)
                .zip(lists)
                .flat_map(|(n, names)| names.iter().map(move |name| (name.clone(), n)))
                .collect();
            all.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
            all
        };
        let (months, weekdays) = (numbered(months), numbered(weekdays));
        let any = |names: &[(String, u32)], fits: fn(&str) -> bool| {
            let names: Vec<String> = names
                .iter()
                .filter(|(name, _)| fits(name))
                .map(|(name, _)| regex::escape(name))
                .collect();
            names.join("|")
        };
        let all = any(&months, |_| true);
        // Short names of languages that put the day first are words of English ("out 12").
        let first = any(&months, |name| {
            name.chars().count() > 3
                || [
                    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
                ]
                .contains(&name)
        });
        // A month without a day is told from other words by its length or its year.
        let long = any(&months, |name| name.chars().count() > 2);
        let words = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
            words.join("|")
        };
        let (ends, weeks) = (words(end), words(week));
        let days = any(&weekdays, |_| true);
        Ok(Self {
            day_month: Regex::new(&format!(
                r"\b(\d{{1,2}})(?:st|nd|rd|th|er|º|ª|°|\.|e|-го|-е)?[ -]?(?:of |de |del |d'|ב)?(?:{all})\b\.?,?(?: de| del)?(?:[ -](20\d\d))?"
            ))?,
            month_day: Regex::new(&format!(
                // "November 2-9" ends on the 9th
                r"(?:\b(20\d\d)\.? )?\b({first})\.? (?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)? ?(?:-|–|—|to|through|until|till) ?)?(\d{{1,2}})(?:st|nd|rd|th|\.)?\b(?:[,.]? (20\d\d)\b)?"
            ))?,
            month_only: Regex::new(&format!(
                r"(?:\b({ends}) (?:of |de |du |di |d'|do |des |von )?)?\b({long})\b(?:,? (?:de )?(20\d\d))?"
            ))?,
            week: Regex::new(&format!(r"\b(?:{weeks})\.? ?(\d{{1,2}})\b"))?,
            weekday: Regex::new(&format!(
                r"({days})(?:n|en|na|in)?\b[,.]?(?: (?:the |den |dem |le |el |dia )?(\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?:\b|$))?"
            ))?,
            months,
            weekdays,
            from,
            back,
            until,
        })
    }

    /// Whether a text ends with a word that stands before a month, and not before a person.
    fn is_before_month(&self, text: &str) -> bool {
        let last = text.split_whitespace().next_back().unwrap_or("");
        let of_persons = ["to", "a", "al", "au", "-", "–", "—"];
        ["in", "im", "en", "em", "w", "в", "у", "i"].contains(&last)
            || (self.until.iter().any(|word| word == last) && !of_persons.contains(&last))
    }

    fn number(names: &[(String, u32)], text: &str) -> Option<u32> {
        names
            .iter()
            .find(|(name, _)| text.contains(name.as_str()))
            .map(|(_, n)| *n)
    }
}

static YEAR_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(20\d\d)[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{1,2})\b").expect("the pattern is tested")
});
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(\d{1,2})([./-]) ?(\d{1,2})(?:[./-] ?(20\d\d|\d\d)\b|\.)?").expect("the pattern is tested")
});
static EAST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:(20\d\d) ?[年년] ?)?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日号號일]")
        .expect("the pattern is tested")
});
/// "11月10日から14日": the second day is of the same month.
static EAST_RANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:(20\d\d) ?[年년] ?)?(\d{1,2}) ?[月월] ?\d{1,2} ?[日号號일]? ?(?:から|より|부터|至|到|-|~|〜|～|–) ?(\d{1,2}) ?[日号號일]")
        .expect("the pattern is tested")
});
static VIETNAMESE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(\d{1,2}) tháng (\d{1,2})(?: năm (20\d\d))?\b").expect("the pattern is tested")
});
static DAY_ONLY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:the|den|dem|le|el|il|dia|o dia) (\d{1,2})(?:st|nd|rd|th|er|\.)?(?:$|[ ,.;!)])")
        .expect("the pattern is tested")
});

/// How a day is spoken of, the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cue {
    From,
    None,
    Until,
    Back,
}

/// A day of return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Return {
    pub date: NaiveDate,
    /// The text says that it is one; else it only names a day.
    pub said: bool,
}

struct Day {
    date: NaiveDate,
    cue: Cue,
    /// A weekday or a day without a month: only where nothing better is said.
    vague: bool,
}

/// The day of return that a text names, or where it names none what the sender put into the subject, resolved against
/// the day of the mail. The rest of a subject is our own: "Automatic reply: Sale until Sunday".
pub(super) fn returns_on(text: &str, subject: &str, sent: Moment, rules: &Rules) -> Option<Return> {
    let mut subject = subject;
    if rules.programs.reply.is_match(subject) {
        subject = subject.split_once([':', '：']).map_or("", |(_, rest)| rest);
    }
    let subject = subject.trim_start();
    let own = subject.split([':', '：']).next().unwrap_or("");
    returns_in(text, sent, rules).or_else(|| returns_in(own, sent, rules))
}

fn returns_in(text: &str, sent: Moment, rules: &Rules) -> Option<Return> {
    let text: String = plain(text).chars().take(LONGEST).map(ascii_digit).collect();
    let sent = sent.date_naive();
    let mut days = Vec::new();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    full_dates(&text, sent, rules, &mut days, &mut taken);
    vague_dates(&text, sent, rules, &mut days, &taken);
    days.retain(|day| {
        let ahead = (day.date - sent).num_days();
        // a day gone by that is not said to be a return is when something began
        let first = if day.cue >= Cue::Until { -RECENT } else { 0 };
        (first..=FARTHEST).contains(&ahead)
    });
    let best = days
        .iter()
        .filter(|day| day.cue != Cue::From && !(day.vague && day.cue < Cue::Until))
        .map(|day| (!day.vague, day.cue))
        .max()?;
    let date = days
        .iter()
        .filter(|day| (!day.vague, day.cue) == best)
        .map(|day| day.date)
        .max()?;
    // "until 6 November, back on Monday"
    let back = days
        .iter()
        .filter(|day| day.cue == Cue::Back && (1..=10).contains(&(day.date - date).num_days()))
        .map(|day| day.date)
        .min();
    let date = back.unwrap_or(date);
    Some(Return {
        date,
        said: best.1 >= Cue::Until,
    })
}

/// Full-width, Arabic and Persian digits as ASCII.
fn ascii_digit(c: char) -> char {
    let zero = match c {
        '\u{FF10}'..='\u{FF19}' => 0xFF10,
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06F0}'..='\u{06F9}' => 0x06F0,
        _ => return c,
    };
    char::from_u32(c as u32 - zero + 0x30).unwrap_or(c)
}

fn full_dates(
    text: &str,
    sent: NaiveDate,
    rules: &Rules,
    days: &mut Vec<Day>,
    taken: &mut Vec<(usize, usize)>,
) {
    let words = &rules.dates;
    let number =
        |hit: &regex::Captures<'_>, n: usize| hit.get(n).and_then(|m| m.as_str().parse::<u32>().ok());
    let mut keep = |hit: &regex::Captures<'_>, date: Option<NaiveDate>| {
        let (Some(whole), Some(date)) = (hit.get(0), date) else {
            return;
        };
        if taken
            .iter()
            .any(|(start, end)| *start < whole.end() && whole.start() < *end)
        {
            return;
        }
        taken.push((whole.start(), whole.end()));
        days.push(Day {
            date,
            cue: cue(text, whole.start(), whole.end(), words),
            vague: false,
        });
    };
    for hit in YEAR_FIRST.captures_iter(text).take(50) {
        let date = day_of(number(&hit, 1), number(&hit, 2), number(&hit, 3), sent);
        keep(&hit, date);
    }
    for hit in EAST_RANGE.captures_iter(text).take(50) {
        let date = day_of(number(&hit, 1), number(&hit, 2), number(&hit, 3), sent);
        keep(&hit, date);
    }
    for hit in EAST.captures_iter(text).take(50) {
        let date = day_of(number(&hit, 1), number(&hit, 2), number(&hit, 3), sent);
        keep(&hit, date);
    }
    for hit in words.day_month.captures_iter(text).take(50) {
        let month = DateWords::number(&words.months, strip_day(&hit[0]));
        let date = day_of(number(&hit, 2), month, number(&hit, 1), sent);
        keep(&hit, date);
    }
    for hit in words.month_day.captures_iter(text).take(50) {
        let month = words
            .months
            .iter()
            .find(|(name, _)| *name == hit[2])
            .map(|(_, n)| *n);
        let date = day_of(number(&hit, 1).or(number(&hit, 4)), month, number(&hit, 3), sent);
        keep(&hit, date);
    }
    for hit in VIETNAMESE.captures_iter(text).take(50) {
        keep(
            &hit,
            day_of(number(&hit, 3), number(&hit, 2), number(&hit, 1), sent),
        );
    }
    for hit in NUMBERS.captures_iter(text).take(50) {
        let is_day = hit
            .get(0)
            .is_some_and(|whole| is_day(text, whole.start(), whole.end(), &hit[2]));
        if !is_day || (hit.get(4).is_none() && &hit[2] == "-") {
            continue;
        }
        let year = number(&hit, 4).map(|year| if year < 100 { year + 2000 } else { year });
        let date = in_numbers(number(&hit, 1), &hit[2], number(&hit, 3), year, text, sent);
        keep(&hit, date);
    }
}

/// Whether numbers with marks between are no part of a telephone number, no time, and not "24/7".
fn is_day(text: &str, start: usize, end: usize, mark: &str) -> bool {
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let (before, after) = (&text[..start], &text[end..]);
    let goes_on = after.strip_prefix(mark).is_some_and(digit)
        || (text[..end].ends_with(mark) && digit(after))
        || before
            .strip_suffix(mark)
            .is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()));
    let time = after.trim_start();
    let is_time = [
        "uhr", "h ", "h.", "am ", "am.", "pm", "a.m", "p.m", "o'clock", "час", "ч.",
    ]
    .iter()
    .any(|word| time.starts_with(word));
    !goes_on && !is_time && &text[start..end] != "24/7"
}

/// The name of the month in `12. januar 2027` is what follows the day.
fn strip_day(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// Weekdays and days of the month.
fn vague_dates(text: &str, sent: NaiveDate, rules: &Rules, days: &mut Vec<Day>, taken: &[(usize, usize)]) {
    let words = &rules.dates;
    let free = |start: usize, end: usize| !taken.iter().any(|(s, e)| *s < end + 3 && start < *e);
    for hit in words.weekday.captures_iter(text).take(50) {
        let Some(whole) = hit.get(0).filter(|m| free(m.start(), m.end())) else {
            continue;
        };
        let day = hit.get(2).and_then(|m| m.as_str().parse::<u32>().ok());
        let date = match day {
            Some(day) => next_day(day, sent),
            None => {
                DateWords::number(&words.weekdays, &hit[1]).and_then(|weekday| next_weekday(weekday, sent))
            }
        };
        days.extend(date.map(|date| Day {
            date,
            cue: cue(text, whole.start(), whole.end(), words),
            vague: true,
        }));
    }
    for hit in DAY_ONLY.captures_iter(text).take(50) {
        let Some(whole) = hit.get(0).filter(|m| free(m.start(), m.end())) else {
            continue;
        };
        let date = hit[1].parse().ok().and_then(|day| next_day(day, sent));
        days.extend(date.map(|date| Day {
            date,
            cue: cue(text, whole.start(), whole.end(), words),
            vague: true,
        }));
    }
    for hit in words.week.captures_iter(text).take(20) {
        let Some(whole) = hit.get(0).filter(|m| free(m.start(), m.end())) else {
            continue;
        };
        let week = hit[1].parse().ok().and_then(|week| monday(week, sent));
        days.extend(week.map(|date| Day {
            date,
            cue: cue(text, whole.start(), whole.end(), words),
            vague: true,
        }));
    }
    for hit in words.month_only.captures_iter(text).take(20) {
        let Some(whole) = hit.get(0).filter(|m| free(m.start(), m.end())) else {
            continue;
        };
        let year = hit.get(3).and_then(|m| m.as_str().parse::<u32>().ok());
        // "may" is a word, and "April" alone may be a person
        let is_word = hit[2].chars().count() <= 4;
        let is_person = hit.get(1).is_none() && !words.is_before_month(&text[..whole.start()]);
        if year.is_none() && (is_word || is_person) {
            continue;
        }
        let number = DateWords::number(&words.months, &hit[2]);
        let date = month(year, number, hit.get(1).is_some(), sent);
        days.extend(date.map(|date| Day {
            date,
            cue: cue(text, whole.start(), whole.end(), words),
            vague: true,
        }));
    }
    let tomorrow = [
        "back tomorrow",
        "morgen wieder",
        "morgen zurück",
        "de retour demain",
        "mañana",
    ];
    if tomorrow.iter().any(|word| text.contains(word)) {
        days.extend(sent.checked_add_days(Days::new(1)).map(|date| Day {
            date,
            cue: Cue::Back,
            vague: true,
        }));
    }
}

fn next_weekday(weekday: u32, sent: NaiveDate) -> Option<NaiveDate> {
    let ahead = (weekday + 6 - sent.weekday().num_days_from_monday()) % 7;
    sent.checked_add_days(Days::new(u64::from(if ahead == 0 { 7 } else { ahead })))
}

/// The next day of this number after the mail.
fn next_day(day: u32, sent: NaiveDate) -> Option<NaiveDate> {
    (1..62)
        .filter_map(|ahead| sent.checked_add_days(Days::new(ahead)))
        .find(|date| date.day() == day)
}

/// The Monday of a week of the calendar, this one or the next of that number.
fn monday(week: u32, sent: NaiveDate) -> Option<NaiveDate> {
    let of = |year| NaiveDate::from_isoywd_opt(year, week, Weekday::Mon);
    let year = sent.iso_week().year();
    of(year)
        .filter(|date| (*date - sent).num_days() >= -7)
        .or_else(|| of(year + 1))
}

/// The first day of a month or its last one.
fn month(year: Option<u32>, month: Option<u32>, at_end: bool, sent: NaiveDate) -> Option<NaiveDate> {
    let first = match year {
        Some(_) => day_of(year, month, Some(1), sent)?,
        None => [sent.year(), sent.year() + 1]
            .into_iter()
            .filter_map(|year| NaiveDate::from_ymd_opt(year, month?, 1))
            .find(|date| (sent - *date).num_days() < 31)?,
    };
    if !at_end {
        return Some(first);
    }
    first.checked_add_months(Months::new(1))?.pred_opt()
}

/// A day, of the year that fits the mail where none is given.
fn day_of(year: Option<u32>, month: Option<u32>, day: Option<u32>, sent: NaiveDate) -> Option<NaiveDate> {
    let (month, day) = (month?, day?);
    if let Some(year) = year {
        return NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day);
    }
    let this = NaiveDate::from_ymd_opt(sent.year(), month, day);
    match this {
        Some(date) if (date - sent).num_days() >= -RECENT => Some(date),
        _ => NaiveDate::from_ymd_opt(sent.year() + 1, month, day),
    }
}

/// `12.01.`, `12/01/2027`, `01/12/2027`: with dots the day is first; else the order that gives a day that is not past;
/// where both do, the month is first in English, the day elsewhere.
fn in_numbers(
    first: Option<u32>,
    mark: &str,
    second: Option<u32>,
    year: Option<u32>,
    text: &str,
    sent: NaiveDate,
) -> Option<NaiveDate> {
    let day_first = day_of(year, second, first, sent);
    if mark == "." {
        return day_first;
    }
    let month_first = day_of(year, first, second, sent);
    let (Some(a), Some(b)) = (day_first, month_first) else {
        return day_first.or(month_first);
    };
    let soon = |date: NaiveDate| (-3..=180).contains(&(date - sent).num_days());
    match (soon(a), soon(b)) {
        (true, false) => Some(a),
        (false, true) => Some(b),
        _ => {
            let english = [" the ", " will ", " office", " back ", "return"]
                .iter()
                .any(|word| text.contains(word));
            Some(if english { b } else { a })
        }
    }
}

/// What follows the last full stop that ends no abbreviation: "t.o.m. 13/11".
fn last_sentence(text: &str) -> &str {
    let ends = text
        .rmatch_indices(". ")
        .map(|(at, mark)| (&text[..at], at + mark.len()));
    let sentence = ends.into_iter().find(|(said, _)| {
        let word = said.split_whitespace().next_back().unwrap_or("");
        word.chars().count() > 1 && !word.contains('.')
    });
    sentence.map_or(text, |(_, from)| &text[from..])
}

/// What the words before and after a day say of it.
fn cue(text: &str, start: usize, end: usize, words: &DateWords) -> Cue {
    let sentence = |c: char| matches!(c, '!' | '?' | ';' | '。' | '\n');
    let before: String = text[..start]
        .chars()
        .rev()
        .take(48)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let before = before.rsplit(sentence).next().unwrap_or("");
    let before = last_sentence(before);
    let after: String = text[end..].chars().take(32).collect();
    let after = after.split(sentence).next().unwrap_or("");
    let after = after.split(". ").next().unwrap_or("");
    let after = after.split(" and ").next().unwrap_or("");
    // A weekday or an article may stand between the word and the day.
    let close: Vec<&str> = before.split_whitespace().rev().take(4).collect();
    let stands = |list: &[String], depth: usize| {
        (0..=depth).any(|skip| {
            let kept: Vec<&str> = close.iter().skip(skip).rev().copied().collect();
            let kept = kept.join(" ");
            let kept = kept.trim_end_matches('.');
            list.iter().any(|word| {
                kept == word
                    || kept.ends_with(&format!(" {word}"))
                    || (word.chars().all(|c| c >= '\u{2E80}') && kept.ends_with(word.as_str()))
            })
        })
    };
    let follows = |list: &[String]| {
        let after = after.trim_start_matches([')', '(', ' ', ',']);
        list.iter().any(|word| {
            word.chars().any(|c| c >= '\u{2E80}')
                && after.chars().take(8).collect::<String>().contains(word.as_str())
        }) || list.iter().any(|word| {
            word.is_ascii() && word.len() > 3 && after.split_whitespace().next() == Some(word.as_str())
        })
    };
    let speaks = |list: &[String], text: &str| {
        list.iter().any(|word| match text.find(word.as_str()) {
            Some(at) => !text[..at].ends_with(char::is_alphanumeric) || word.chars().all(|c| c >= '\u{0400}'),
            None => false,
        })
    };
    // the second of "9-11 November"
    let ends_range = text[..start]
        .trim_end()
        .strip_suffix(['-', '–', '—', '~', '〜'])
        .is_some_and(|rest| {
            rest.trim_end()
                .ends_with(|c: char| c.is_ascii_digit() || c == '.')
        });
    if ends_range || stands(&words.until, 1) || follows(&words.until) {
        return Cue::Until;
    }
    if speaks(&words.back, before) {
        return Cue::Back;
    }
    let from = stands(&words.from, 1) || follows(&words.from);
    if speaks(&words.back, after) {
        return Cue::Back;
    }
    if from { Cue::From } else { Cue::None }
}
