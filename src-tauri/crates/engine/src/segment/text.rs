//! Text as it is compared.

use caseless::Caseless;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Trimmed, NFKC, full case folding (Unicode §3.13 D146, compatibility caseless match): two texts are the same
/// to a segment exactly when their folded forms are equal. Idempotent.
pub fn fold(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if trimmed.is_ascii() {
        return if trimmed.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(trimmed.to_ascii_lowercase())
        } else {
            Cow::Borrowed(trimmed)
        };
    }
    let folded: String = trimmed
        .nfd()
        .default_case_fold()
        .nfkd()
        .default_case_fold()
        .nfkc()
        .collect();
    // Compatibility forms of spaces turn into plain ones only here.
    let inner = folded.trim();
    Cow::Owned(if inner.len() == folded.len() {
        folded
    } else {
        inner.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_compared_without_case_form_or_outer_spaces() {
        assert_eq!(fold("  STRASSE\u{a0}"), fold("straße"));
        assert_eq!(fold("K\u{f6}ln"), fold("KO\u{308}LN"));
        assert_eq!(fold("ﬁne"), "fine");
        assert_eq!(fold("Σίσυφος"), fold("ΣΊΣΥΦΟΣ"));
        assert_ne!(
            fold("ı"),
            fold("i"),
            "the Turkish dotless i is a letter of its own"
        );
        assert_eq!(fold("new york"), "new york");
        assert_ne!(fold("newyork"), fold("new york"), "inner spaces are kept");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,20}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once).into_owned(), once);
        }
    }
}
