//! Wishes to be left alone: our own List-Unsubscribe address, and words of people.

use super::envelope::Facts;
use super::rules::Rules;
use super::text::plain;
use regex::Regex;
use std::sync::LazyLock;

/// Longest text, in characters, in which a wish is looked for; longer ones are read by a person.
const LONGEST_WISH: usize = 200;

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\W{0,4}(?:(?:re|aw|antw|sv|fw|fwd|wg)\s*:\s*)*unsubscribe[\s:_+=%-]{1,5}(?:20)?([0-9a-f]{32})\W*$")
        .expect("the pattern is tested")
});

/// The token of our own unsubscribe address, from the subject or the first line of the text.
pub(super) fn token(facts: &Facts) -> Option<String> {
    let first = facts.own_text.lines().next().unwrap_or("");
    [facts.subject.as_str(), first]
        .iter()
        .find_map(|line| TOKEN.captures(line))
        .map(|hit| hit[1].to_ascii_lowercase())
}

/// Whether a person asks for no more mail, with as many words as it takes.
pub(super) fn asked(facts: &Facts, rules: &Rules) -> bool {
    let said = &facts.own_plain;
    if said.chars().count() > LONGEST_WISH || rules.wants_to_stay(&facts.own_hits) {
        return false;
    }
    let subject = plain(&facts.subject);
    let bare = subject.rsplit([':', '：']).next().unwrap_or("");
    if said.is_empty() || said.chars().count() < 2 {
        return is_wish(bare, rules) || (!facts.is_reply_subject && rules.asks_to_leave(&facts.subject_hits));
    }
    if facts.bulk {
        return false;
    }
    let lines = facts.own_text.lines().next().map(plain).unwrap_or_default();
    is_wish(said, rules)
        || is_wish(&lines, rules)
        || (!said.contains('?') || asks_politely(said, rules)) && rules.asks_to_leave(&facts.own_hits)
        || (!facts.is_reply_subject && is_wish(bare, rules))
}

/// "Can you please remove me?" is a wish, "how does one unsubscribe?" is not for a machine to decide.
fn asks_politely(said: &str, rules: &Rules) -> bool {
    !rules.asking.iter().any(|word| said.starts_with(word.as_str()))
}

/// The text is a wish and nothing else, polite words aside.
fn is_wish(text: &str, rules: &Rules) -> bool {
    let trim = |c: char| !c.is_alphanumeric();
    let mut text = text.trim_matches(trim);
    for _ in 0..6 {
        if rules.unsubscribe.iter().any(|word| word == text) {
            return true;
        }
        let polite = rules.polite.iter().filter_map(|word| {
            let without = text
                .strip_prefix(word.as_str())
                .filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() && c < '\u{0E00}'))
                .or_else(|| {
                    text.strip_suffix(word.as_str())
                        .filter(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() && c < '\u{0E00}'))
                })?;
            Some(without.trim_matches(trim))
        });
        match polite.min_by_key(|rest| rest.len()) {
            Some(rest) if !rest.is_empty() => text = rest,
            _ => return false,
        }
    }
    false
}
