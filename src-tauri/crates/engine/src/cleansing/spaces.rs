//! White space and characters nobody sees.

use carillon_model::cleansing::CleansingReason;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Marks of direction and joints that are not seen. The two joiners (U+200C, U+200D) are letters' business in many
/// scripts and in emoji, so they are dropped only beside nothing but ASCII.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}' | '\u{00AD}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// The text as NFC, without what is not seen, with single spaces between words. `None`: it is so already, or nothing is
/// left of it. Lines are somebody's own: a text of several is left alone.
pub(super) fn tidied(text: &str) -> Option<(String, CleansingReason)> {
    if text.contains(['\n', '\r']) {
        return None;
    }
    let plain = |b: u8| b.is_ascii_graphic() || b == b' ';
    if text.bytes().all(plain) && !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ") {
        return None;
    }
    let joined = !text.is_ascii()
        && text
            .chars()
            .any(|c| !c.is_ascii() && !is_hidden(c) && !is_joiner(c));
    let dropped =
        |c: char| is_hidden(c) || (is_joiner(c) && !joined) || (c.is_control() && !c.is_whitespace());
    let seen: String = text.chars().filter(|c| !dropped(*c)).nfc().collect();
    let new = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    if new.is_empty() || new == text {
        return None;
    }
    let reason = match text.chars().any(dropped) || !is_nfc(text) {
        true => CleansingReason::Invisible,
        false => CleansingReason::Spaces,
    };
    Some((new, reason))
}
