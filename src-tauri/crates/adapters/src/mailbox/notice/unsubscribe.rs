//! Wishes to be left alone: our own List-Unsubscribe address, and words of people.

use super::envelope::Facts;
use super::rules::Rules;
use super::text::plain;
use regex::Regex;
use std::sync::LazyLock;

/// Longest text, in characters, beside a subject that is the wish.
const LONGEST_ADDED: usize = 120;

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

/// Whether a person asks for no more mail; `by_machine` is for text that a machine sends in somebody's place.
pub(super) fn asked(facts: &Facts, rules: &Rules, by_machine: bool) -> bool {
    let wishes = &rules.wishes;
    if wishes.forbids(&facts.own_hits) {
        return false;
    }
    let subject = plain(&facts.subject);
    let bare = subject.rsplit([':', '：']).next().unwrap_or("");
    if facts.own_plain.chars().count() < 2 {
        return wishes.is_exact(bare)
            || (!facts.is_reply_subject && wishes.are_in(&facts.subject, rules, true));
    }
    if facts.bulk {
        return false;
    }
    let first = facts.own_text.lines().next().map(plain).unwrap_or_default();
    wishes.is_exact(&facts.own_plain)
        || (wishes.is_exact(&first) && speaks_of_nothing_else(facts, rules))
        || wishes.are_in(&facts.own_text, rules, by_machine)
        || (!facts.is_reply_subject
            && facts.own_plain.chars().count() <= LONGEST_ADDED
            && speaks_of_nothing_else(facts, rules)
            && (wishes.is_exact(bare) || wishes.are_in(&facts.subject, rules, true)))
}

/// Whether a person may be asking for no more mail, read generously: all that they wrote, below a quotation too.
pub(super) fn may_be_asked(facts: &Facts, rules: &Rules) -> bool {
    let wishes = &rules.wishes;
    let said = wishes.names_leaving(&facts.own_hits) && !wishes.forbids(&facts.own_hits);
    let below = match facts.body.rsplit_once("\n>") {
        Some((_, last)) => last.split_once('\n').map_or("", |(_, below)| below),
        None => "",
    };
    let mut text = format!("{}\n\n{}", facts.own_text, below);
    if !facts.is_reply_subject {
        text = format!("{}\n\n{text}", facts.subject);
    }
    said || rules.doubts.may_leave(&text)
}

/// A text that asks nothing and names nothing that can be cancelled or left likewise.
fn speaks_of_nothing_else(facts: &Facts, rules: &Rules) -> bool {
    !facts.own_text.contains(['?', '？']) && !rules.wishes.is_of_things(&facts.own_hits)
}
