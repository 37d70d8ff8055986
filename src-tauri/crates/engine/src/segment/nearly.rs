//! Texts that are the same but for a slip or two.

use super::words::say;

/// Longest text that others are measured against, in bytes: the distance costs the product of both lengths.
pub(super) const LONGEST: usize = 200;

/// Slips that a text of so many characters may have: the steps that search engines take for names (Elasticsearch's
/// fuzziness `AUTO`), since one slip in a word of two letters makes another word of it.
fn slips(characters: usize) -> usize {
    match characters {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

/// Whether a text is `wanted` but for the slips that its length allows, both folded; `None` if that is too long.
///
/// Optimal string alignment: the edits of Levenshtein and the exchange of neighbours (Damerau 1964), no letter edited
/// twice.
pub(super) fn is_nearly(wanted: &str, text: &str) -> Option<bool> {
    if wanted.len() > LONGEST {
        return None;
    }
    let length = wanted.chars().count();
    let most = slips(length);
    // Most texts differ by their length alone; a character has at most four bytes.
    let apart = text.len() > 4 * (length + most) || text.chars().count().abs_diff(length) > most;
    Some(!apart && strsim::osa_distance(wanted, text) <= most)
}

/// Why a text cannot be measured against.
pub(super) fn wrong_nearly(wanted: &str) -> Option<String> {
    (super::fold(wanted).len() > LONGEST).then(|| say("check.long_pattern", &[("most", &LONGEST)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_are_allowed_as_the_length_of_the_text_says() {
        for (wanted, text, holds) in [
            ("meier", "meier", true),
            ("meier", "maier", true),
            ("meier", "meeir", true),
            ("meier", "meie", true),
            ("meier", "meierr", true),
            ("meier", "mayer", false),
            ("schmidt", "schmitt", true),
            ("schmidt", "shmit", true),
            ("schmidt", "smit", false),
            ("schmidt", "schmidtchen", false),
            ("li", "li", true),
            ("li", "lu", false),
            ("", "", true),
            ("", "x", false),
            ("köln", "koln", true),
            // Neighbours exchanged and a letter put between them are three edits, not two.
            ("ca", "abc", false),
            ("\u{1F980}\u{1F980}\u{1F980}", "\u{1F980}\u{1F980}", true),
        ] {
            assert_eq!(is_nearly(wanted, text), Some(holds), "{wanted} {text}");
        }
    }

    #[test]
    fn long_texts_are_refused_or_answered_at_once() {
        let long = "a".repeat(LONGEST);
        assert_eq!(is_nearly(&long, &"a".repeat(1 << 24)), Some(false));
        assert_eq!(is_nearly(&long, &"a".repeat(LONGEST + 2)), Some(true));
        assert_eq!(is_nearly(&"a".repeat(LONGEST + 1), "a"), None);
        assert!(wrong_nearly(&"a".repeat(LONGEST + 1)).is_some_and(|why| why.contains("200")));
        assert_eq!(wrong_nearly(&format!("  {long} ")), None);
    }
}
