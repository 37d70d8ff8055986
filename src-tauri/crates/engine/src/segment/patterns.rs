//! Patterns of text: wildcards and regular expressions, both in time that grows with the text and no faster.

use super::words::say;
use regex::{Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::HashMap;

/// Longest pattern, in bytes.
pub(super) const MAX_PATTERN: usize = 1_000;
/// Most memory of a compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// Deepest nesting of a pattern.
const MAX_NESTED: u32 = 50;
/// Compiled patterns a thread keeps.
const KEPT: usize = 64;

thread_local! {
    /// By the expression as it is compiled: the same pattern is asked of many texts. Only looked up, never walked.
    static COMPILED: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

fn compile(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .nest_limit(MAX_NESTED)
        .build()
}

/// Whether the expression finds something; `None` if it is none.
fn ask(expression: String, text: &str) -> Option<bool> {
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= KEPT && !compiled.contains_key(&expression) {
            compiled.clear();
        }
        let found = compiled.entry(expression);
        let regex = found.or_insert_with_key(|expression| compile(expression).ok());
        regex.as_ref().map(|regex| regex.is_match(text))
    })
}

/// A regular expression as it is compiled: whatever the case, unless it says otherwise itself.
fn regular(pattern: &str) -> String {
    format!("(?i:{pattern})")
}

/// Whether the regular expression finds something in the text; `None` if it is none, or too large a one.
pub(super) fn finds(pattern: &str, text: &str) -> Option<bool> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    ask(regular(pattern), text)
}

/// Whether all of the text is as the pattern with its wildcards says; `None` if that is too large.
pub(super) fn is_like(pattern: &str, text: &str) -> Option<bool> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    ask(like(pattern), text)
}

fn like(pattern: &str) -> String {
    let mut expression = "(?s)\\A".to_owned();
    let literal = |expression: &mut String, c: char| {
        expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    };
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '\\' => {
                let meant = chars.next_if(|next| matches!(next, '*' | '?' | '\\'));
                literal(&mut expression, meant.unwrap_or('\\'));
            }
            c => literal(&mut expression, c),
        }
    }
    expression.push_str("\\z");
    expression
}

/// Why a regular expression is none, in a few words.
pub(super) fn wrong_regular(pattern: &str) -> Option<String> {
    wrong(pattern, regular)
}

/// Why a pattern with wildcards cannot be used.
pub(super) fn wrong_like(pattern: &str) -> Option<String> {
    wrong(pattern, like)
}

fn wrong(pattern: &str, expression: fn(&str) -> String) -> Option<String> {
    if pattern.len() > MAX_PATTERN {
        return Some(say("check.long_pattern", &[("most", &MAX_PATTERN)]));
    }
    let error = compile(&expression(pattern)).err()?;
    let text = error.to_string();
    // The message shows the expression first and ends with what is wrong.
    let last = text.lines().last().unwrap_or_default().trim();
    Some(last.strip_prefix("error: ").unwrap_or(last).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_characters_and_a_backslash_takes_them_as_they_are() {
        for (pattern, text, holds) in [
            ("b*n", "bonn", true),
            ("b*n", "bonn am see", false),
            ("b?nn", "bonn", true),
            ("b?nn", "bnn", false),
            ("*", "", true),
            ("", "", true),
            ("a.c", "abc", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("\\\\?", "\\x", true),
            ("a\\", "a\\", true),
            ("ä?", "äé", true),
            ("a*c", "a\nc", true),
        ] {
            assert_eq!(is_like(pattern, text), Some(holds), "{pattern} {text}");
        }
    }

    #[test]
    fn a_regular_expression_finds_whatever_the_case_unless_it_says_otherwise() {
        assert_eq!(finds("^B.*N$", "bonn"), Some(true));
        assert_eq!(finds("(?-i)^B", "bonn"), Some(false));
        assert_eq!(finds("[", "bonn"), None);
        assert_eq!(finds("a|b", "xbx"), Some(true));
    }

    #[test]
    fn hostile_patterns_are_refused_or_answered() {
        for pattern in ["(((a{100}){100}){100})", "\\w{500}", "x{1000000}"] {
            assert_eq!(finds(pattern, "a"), None, "{pattern}");
            assert!(wrong_regular(pattern).is_some(), "{pattern}");
        }
        assert!(wrong_regular(&"(".repeat(400)).is_some());
        assert!(wrong_regular(&"a".repeat(1_001)).is_some_and(|why| why.contains("1000")));
        // Back-tracking would never end here.
        let text = "a".repeat(5_000) + "b";
        assert_eq!(finds("^(a+)+$", &text), Some(false));
        assert_eq!(is_like(&"*a".repeat(400), &text), Some(false));
        for n in 0..200 {
            assert_eq!(finds(&format!("a{n}"), &format!("a{n}")), Some(true));
        }
    }
}
