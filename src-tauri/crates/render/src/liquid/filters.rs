//! The filters. Each tells the run what it will make before it makes it.

use super::eval::{Mode, Run};
use super::expr::syntax;
use super::markup::escape;
use super::value::Val;
use crate::context::{Fallible, RenderError};
use crate::limits::LIST_ITEMS;
use carillon_model::contact::{Currency, Money};
use chrono::{DateTime, NaiveDate};
use std::cmp::Ordering;
use std::sync::Arc;

/// A filter of [`FILTERS`], by its place there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Filter(&'static Entry);

#[derive(Debug, PartialEq)]
struct Entry {
    name: &'static str,
    least: usize,
    most: usize,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Family {
    Default,
    Text,
    Number,
    List,
    Shown,
}

const fn entry(name: &'static str, least: usize, most: usize, family: Family) -> Entry {
    Entry {
        name,
        least,
        most,
        family,
    }
}

const FILTERS: &[Entry] = &[
    entry("default", 1, 1, Family::Default),
    entry("append", 1, 1, Family::Text),
    entry("prepend", 1, 1, Family::Text),
    entry("upcase", 0, 0, Family::Text),
    entry("downcase", 0, 0, Family::Text),
    entry("capitalize", 0, 0, Family::Text),
    entry("strip", 0, 0, Family::Text),
    entry("lstrip", 0, 0, Family::Text),
    entry("rstrip", 0, 0, Family::Text),
    entry("strip_newlines", 0, 0, Family::Text),
    entry("strip_html", 0, 0, Family::Text),
    entry("newline_to_br", 0, 0, Family::Text),
    entry("escape", 0, 0, Family::Text),
    entry("url_encode", 0, 0, Family::Text),
    entry("replace", 2, 2, Family::Text),
    entry("replace_first", 2, 2, Family::Text),
    entry("remove", 1, 1, Family::Text),
    entry("remove_first", 1, 1, Family::Text),
    entry("truncate", 0, 2, Family::Text),
    entry("truncatewords", 0, 2, Family::Text),
    entry("slice", 1, 2, Family::Text),
    entry("split", 1, 1, Family::Text),
    entry("plus", 1, 1, Family::Number),
    entry("minus", 1, 1, Family::Number),
    entry("times", 1, 1, Family::Number),
    entry("divided_by", 1, 1, Family::Number),
    entry("modulo", 1, 1, Family::Number),
    entry("at_least", 1, 1, Family::Number),
    entry("at_most", 1, 1, Family::Number),
    entry("abs", 0, 0, Family::Number),
    entry("ceil", 0, 0, Family::Number),
    entry("floor", 0, 0, Family::Number),
    entry("round", 0, 1, Family::Number),
    entry("size", 0, 0, Family::List),
    entry("first", 0, 0, Family::List),
    entry("last", 0, 0, Family::List),
    entry("join", 0, 1, Family::List),
    entry("reverse", 0, 0, Family::List),
    entry("sort", 0, 0, Family::List),
    entry("uniq", 0, 0, Family::List),
    entry("compact", 0, 0, Family::List),
    entry("concat", 1, 1, Family::List),
    entry("date", 0, 1, Family::Shown),
    entry("money", 0, 1, Family::Shown),
    entry("number", 0, 1, Family::Shown),
];

/// The filter of that name.
pub(crate) fn find(name: &str) -> Fallible<Filter> {
    let found = FILTERS.iter().find(|entry| entry.name == name);
    found.map(Filter).ok_or_else(|| {
        let name: String = name.chars().take(40).collect();
        syntax(format!(
            "The filter “{name}” is not available in e-mail templates."
        ))
    })
}

impl Filter {
    pub(crate) fn check(self, arguments: usize) -> Fallible<()> {
        let Entry {
            name, least, most, ..
        } = self.0;
        if (*least..=*most).contains(&arguments) {
            return Ok(());
        }
        let wanted = if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        };
        Err(syntax(format!(
            "The filter “{name}” takes {wanted} values after its colon, not {arguments}."
        )))
    }

    pub(crate) fn is_default(self) -> bool {
        self.0.family == Family::Default
    }
}

/// Applies a filter other than `default`. A missing value stays missing through filters that only change it.
pub(crate) fn apply(filter: Filter, input: Val, arguments: &[Val], run: &mut Run<'_>) -> Fallible<Val> {
    let name = filter.0.name;
    match filter.0.family {
        Family::Default => Ok(input),
        Family::Text => text(name, &input, arguments, run),
        Family::Number => number(name, &input, arguments),
        Family::List => list(name, input, arguments, run),
        Family::Shown => shown(name, input, arguments, run),
    }
}

fn as_text(value: Option<&Val>, run: &Run<'_>) -> Arc<str> {
    match value {
        Some(Val::Str(text) | Val::Markup(text)) => text.clone(),
        Some(value) => value.text(run.scope.locale()).into(),
        None => "".into(),
    }
}

fn text(name: &str, input: &Val, arguments: &[Val], run: &mut Run<'_>) -> Fallible<Val> {
    if matches!(input, Val::Nil) && !matches!(name, "append" | "prepend" | "split") {
        return Ok(Val::Nil);
    }
    let text = as_text(Some(input), run);
    let first = as_text(arguments.first(), run);
    let second = as_text(arguments.get(1), run);
    // Case changes and escapes can lengthen a text (ß to SS, & to &amp;, %C3%9F); six times is the most.
    let grown = match name {
        "append" | "prepend" => text.len() + first.len(),
        "replace" => replaced_length(&text, &first, &second, usize::MAX),
        "replace_first" => replaced_length(&text, &first, &second, 1),
        "truncate" | "truncatewords" => text.len() + second.len(),
        _ => text.len(),
    };
    run.make(grown)?;
    let out = match name {
        "append" => format!("{text}{first}"),
        "prepend" => format!("{first}{text}"),
        "upcase" => text.to_uppercase(),
        "downcase" => text.to_lowercase(),
        "capitalize" => capitalised(&text),
        "strip" => text.trim().to_owned(),
        "lstrip" => text.trim_start().to_owned(),
        "rstrip" => text.trim_end().to_owned(),
        "strip_newlines" => text.replace('\n', ""),
        "strip_html" => without_tags(&text),
        "newline_to_br" if run.mode == Mode::Html => {
            return markup(escape(&text).replace('\n', "<br />\n"), run);
        }
        "escape" if run.mode == Mode::Html => return markup(escape(&text).into_owned(), run),
        "newline_to_br" | "escape" => text.to_string(),
        "url_encode" => {
            percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
        }
        "replace" if first.is_empty() => text.to_string(),
        "replace" => text.replace(&*first, &second),
        "replace_first" if first.is_empty() => text.to_string(),
        "replace_first" => text.replacen(&*first, &second, 1),
        "remove" if first.is_empty() => text.to_string(),
        "remove" => text.replace(&*first, ""),
        "remove_first" => text.replacen(&*first, "", 1),
        "truncate" => truncated(&text, length(arguments, 50), second_or_dots(arguments, &second)),
        "truncatewords" => truncated_words(&text, length(arguments, 15), second_or_dots(arguments, &second)),
        "slice" => sliced(&text, arguments),
        _ => return split(&text, &first, run),
    };
    // What grew beyond the text's own length is counted, too.
    run.make(out.len())?;
    Ok(Val::Str(out.into()))
}

fn markup(out: String, run: &mut Run<'_>) -> Fallible<Val> {
    run.make(out.len())?;
    Ok(Val::Markup(out.into()))
}

fn replaced_length(text: &str, from: &str, to: &str, most: usize) -> usize {
    if from.is_empty() || to.len() <= from.len() {
        return text.len();
    }
    text.len() + text.matches(from).take(most).count() * (to.len() - from.len())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| {
            first
                .to_uppercase()
                .chain(chars.flat_map(char::to_lowercase))
                .collect()
        })
        .unwrap_or_default()
}

fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

fn length(arguments: &[Val], otherwise: usize) -> usize {
    arguments
        .first()
        .and_then(Val::number)
        .map_or(otherwise, |n| n.max(0.0) as usize)
}

fn second_or_dots<'a>(arguments: &[Val], second: &'a str) -> &'a str {
    if arguments.len() > 1 { second } else { "..." }
}

fn truncated(text: &str, length: usize, end: &str) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let keep = length.saturating_sub(end.chars().count());
    text.chars().take(keep).collect::<String>() + end
}

fn truncated_words(text: &str, length: usize, end: &str) -> String {
    let mut words = text.split_whitespace();
    let kept: Vec<&str> = words.by_ref().take(length.max(1)).collect();
    let more = words.next().is_some();
    if more {
        kept.join(" ") + end
    } else {
        text.to_owned()
    }
}

fn sliced(text: &str, arguments: &[Val]) -> String {
    let count = text.chars().count();
    let from = arguments.first().and_then(Val::number).unwrap_or(0.0) as i64;
    let from = if from < 0 {
        (count as i64 + from).max(0)
    } else {
        from
    } as usize;
    let take = arguments.get(1).and_then(Val::number).unwrap_or(1.0).max(0.0) as usize;
    text.chars().skip(from).take(take).collect()
}

fn split(text: &str, by: &str, run: &mut Run<'_>) -> Fallible<Val> {
    if text.is_empty() {
        return Ok(Val::List(Arc::from([])));
    }
    let parts = if by.is_empty() {
        text.chars().count()
    } else {
        text.matches(by).count() + 1
    };
    too_long(parts)?;
    run.step(parts * 16)?;
    Ok(Val::List(match by {
        "" => text.chars().map(|c| Val::str(c.to_string())).collect(),
        _ => text.split(by).map(Val::str).collect(),
    }))
}

fn too_long(items: usize) -> Fallible<()> {
    if items <= LIST_ITEMS {
        return Ok(());
    }
    let message = format!("A list may have {LIST_ITEMS} items, not {items}.");
    Err(RenderError::new(crate::context::ErrorKind::TooMuch, message))
}

fn number(name: &str, input: &Val, arguments: &[Val]) -> Fallible<Val> {
    if matches!(input, Val::Nil) {
        return Ok(Val::Nil);
    }
    let left = input.number().unwrap_or(0.0);
    let right = arguments.first().and_then(Val::number).unwrap_or(0.0);
    if matches!(name, "divided_by" | "modulo") && right == 0.0 {
        return Err(syntax("Nothing can be divided by zero."));
    }
    if let (Some(a), Some(b)) = (
        whole(Some(input)),
        whole(arguments.first().or(Some(&Val::Int(0)))),
    ) && let Some(result) = of_whole(name, a, b)
    {
        return Ok(Val::Int(result));
    }
    let result = match name {
        "plus" => left + right,
        "minus" => left - right,
        "times" => left * right,
        "divided_by" => left / right,
        "modulo" => left - right * (left / right).floor(),
        "at_least" => left.max(right),
        "at_most" => left.min(right),
        "abs" => left.abs(),
        "ceil" => return Ok(whole_or_number(left.ceil())),
        "floor" => return Ok(whole_or_number(left.floor())),
        _ => {
            let places = right.clamp(0.0, 12.0) as i32;
            let scale = 10f64.powi(places);
            let rounded = (left * scale).round() / scale;
            return Ok(if places == 0 {
                whole_or_number(rounded)
            } else {
                Val::Num(rounded)
            });
        }
    };
    // Money stays money where only its amount changed.
    Ok(match input {
        Val::Money(money) if matches!(name, "plus" | "minus" | "times" | "divided_by" | "abs") => {
            in_currency(result, money.currency)
        }
        _ => Val::Num(result),
    })
}

fn in_currency(amount: f64, currency: Currency) -> Val {
    let minor = (amount * 10f64.powi(currency.digits() as i32)).round();
    Val::Money(Money {
        minor: minor as i64,
        currency,
    })
}

fn whole(value: Option<&Val>) -> Option<i64> {
    match value? {
        Val::Int(number) => Some(*number),
        Val::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn of_whole(name: &str, a: i64, b: i64) -> Option<i64> {
    match name {
        "plus" => a.checked_add(b),
        "minus" => a.checked_sub(b),
        "times" => a.checked_mul(b),
        "divided_by" => a.checked_sub(floored_rest(a, b)?)?.checked_div(b),
        "modulo" => floored_rest(a, b),
        "at_least" => Some(a.max(b)),
        "at_most" => Some(a.min(b)),
        "abs" => a.checked_abs(),
        _ => Some(a),
    }
}

/// What is left of a whole number after dividing downwards, as Ruby and with it Liquid does: it has the sign of the
/// divisor.
fn floored_rest(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) {
        rest + b
    } else {
        rest
    })
}

fn whole_or_number(number: f64) -> Val {
    if number.abs() < 9e15 {
        Val::Int(number as i64)
    } else {
        Val::Num(number)
    }
}

fn list(name: &str, input: Val, arguments: &[Val], run: &mut Run<'_>) -> Fallible<Val> {
    let items = match (&input, name) {
        (Val::Str(text) | Val::Markup(text), "size") => return Ok(Val::Int(text.chars().count() as i64)),
        (Val::List(items), _) => items.clone(),
        (Val::Nil, "size") => return Ok(Val::Int(0)),
        (Val::Nil, "concat") => Arc::from([]),
        (Val::Nil, _) => return Ok(Val::Nil),
        _ => Arc::from([input]),
    };
    run.step(items.len() * 64)?;
    let collected: Vec<Val> = match name {
        "size" => return Ok(Val::Int(items.len() as i64)),
        "first" => return Ok(items.first().cloned().unwrap_or(Val::Nil)),
        "last" => return Ok(items.last().cloned().unwrap_or(Val::Nil)),
        "join" => return join(&items, arguments.first(), run),
        "reverse" => items.iter().rev().cloned().collect(),
        "sort" => {
            let mut sorted = items.to_vec();
            sort(&mut sorted, run);
            sorted
        }
        "uniq" => {
            // Compared by their text, so that a list of ten thousand takes no hundred million comparisons.
            let mut seen = std::collections::BTreeSet::new();
            items
                .iter()
                .filter(|item| seen.insert(item.text(run.scope.locale())))
                .cloned()
                .collect()
        }
        "compact" => items
            .iter()
            .filter(|item| !matches!(item, Val::Nil))
            .cloned()
            .collect(),
        _ => {
            let more = match arguments.first() {
                Some(Val::List(more)) => more.clone(),
                _ => return Err(syntax("“concat” takes a list.")),
            };
            too_long(items.len() + more.len())?;
            items.iter().chain(more.iter()).cloned().collect()
        }
    };
    let weight: usize = collected.iter().map(Val::weight).sum();
    run.make(weight)?;
    Ok(Val::List(collected.into()))
}

/// Numbers by size where all are numbers, else by text: always a total order, which `sort_by` needs.
fn sort(items: &mut [Val], run: &Run<'_>) {
    if items.iter().all(|item| matches!(item, Val::Int(_) | Val::Num(_))) {
        items.sort_by(|a, b| {
            let (a, b) = (a.number().unwrap_or(0.0), b.number().unwrap_or(0.0));
            a.partial_cmp(&b).unwrap_or(Ordering::Equal)
        });
    } else {
        items.sort_by_cached_key(|item| item.text(run.scope.locale()));
    }
}

fn join(items: &[Val], by: Option<&Val>, run: &mut Run<'_>) -> Fallible<Val> {
    let by = by.map_or_else(|| Arc::from(" "), |by| as_text(Some(by), run));
    let texts: Vec<String> = items.iter().map(|item| item.text(run.scope.locale())).collect();
    run.make(texts.iter().map(|text| text.len() + by.len()).sum())?;
    Ok(Val::str(texts.join(&by)))
}

fn shown(name: &str, input: Val, arguments: &[Val], run: &mut Run<'_>) -> Fallible<Val> {
    if matches!(input, Val::Nil) {
        return Ok(Val::Nil);
    }
    let out = match name {
        "date" => date(&input, arguments.first(), run)?,
        "money" => match (&input, arguments.first()) {
            (Val::Money(money), _) => run.scope.locale().money(*money),
            (_, Some(code)) => {
                let currency = Currency::parse(&as_text(Some(code), run));
                let currency =
                    currency.ok_or_else(|| syntax("“money” takes a currency of three letters, like EUR."))?;
                in_currency(input.number().unwrap_or(0.0), currency).text(run.scope.locale())
            }
            (other, None) => run.scope.locale().number(other.number().unwrap_or(0.0), 2),
        },
        _ => {
            let number = input.number().unwrap_or(0.0);
            let decimals = arguments
                .first()
                .and_then(Val::number)
                .map(|n| n.clamp(0.0, 12.0) as u32);
            run.scope.locale().number(
                number,
                decimals.unwrap_or(if number.fract() == 0.0 { 0 } else { 2 }),
            )
        }
    };
    run.make(out.len())?;
    Ok(Val::Str(out.into()))
}

fn date(input: &Val, pattern: Option<&Val>, run: &Run<'_>) -> Fallible<String> {
    let locale = run.scope.locale();
    let read = match input {
        Val::Str(text) => dated(text, run),
        Val::Int(seconds) => DateTime::from_timestamp(*seconds, 0).map(Val::At),
        other => Some(other.clone()),
    };
    let Some(pattern) = pattern.map(|pattern| as_text(Some(pattern), run)) else {
        return Ok(read.unwrap_or_else(|| input.clone()).text(locale));
    };
    let written = match read {
        Some(Val::Date(date)) => locale.format_date(date, &pattern),
        Some(Val::At(moment)) => locale.format_moment(moment, &pattern),
        // Liquid's rule: what is no date is shown as it is.
        _ => return Ok(input.text(locale)),
    };
    written.ok_or_else(|| syntax("The pattern of “date” cannot be read. It is written like “%d %B %Y”."))
}

/// A text that is a date or a moment, or a word for one.
pub(super) fn dated(text: &str, run: &Run<'_>) -> Option<Val> {
    match text.trim() {
        "now" => Some(Val::At(run.scope.context.now)),
        "today" => Some(Val::Date(run.scope.locale().day(run.scope.context.now))),
        text => text.parse::<NaiveDate>().ok().map(Val::Date).or_else(|| {
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|moment| Val::At(moment.to_utc()))
        }),
    }
}
