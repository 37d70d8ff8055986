//! The words of pages for recipients: `assets/locales/<language>/relay_pages.json`, chosen by what the browser asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A language the pages are written in.
#[derive(Debug)]
pub(crate) struct Words {
    /// Two letters, for `lang`.
    pub(crate) language: &'static str,
    words: BTreeMap<String, String>,
}

/// The first is spoken when no other fits.
static LANGUAGES: LazyLock<[Words; 3]> = LazyLock::new(|| {
    let read = |language, text| Words {
        language,
        words: serde_json::from_str(text).expect("the embedded words are read by a test"),
    };
    [
        read(
            "en",
            include_str!("../../../../assets/locales/en/relay_pages.json"),
        ),
        read(
            "de",
            include_str!("../../../../assets/locales/de/relay_pages.json"),
        ),
        read(
            "fr",
            include_str!("../../../../assets/locales/fr/relay_pages.json"),
        ),
    ]
});

impl Words {
    /// The best of our languages for an Accept-Language header (RFC 9110 §12.5.4).
    pub(crate) fn for_browser(accept: &str) -> &'static Words {
        let mut best: Option<(&Words, f32)> = None;
        for range in accept.split(',').take(20) {
            let mut parts = range.trim().split(';');
            let tag = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            let primary = tag.split('-').next().unwrap_or_default();
            if let Some(words) = LANGUAGES
                .iter()
                .find(|w| w.language.eq_ignore_ascii_case(primary))
                && quality > best.map_or(0.0, |(_, q)| q)
            {
                best = Some((words, quality));
            }
        }
        best.map_or(&LANGUAGES[0], |(words, _)| words)
    }

    /// The sentence of a key, with `{name}` replaced.
    pub(crate) fn say(&self, key: &str, with: &[(&str, &str)]) -> String {
        let mut text = self.words.get(key).cloned().unwrap_or_else(|| key.to_owned());
        for (name, value) in with {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things_with_the_same_values() {
        let values = |text: &str| {
            let mut found: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|t| t.split_once('}').map(|(name, _)| name.to_owned()))
                .collect();
            found.sort();
            found
        };
        let english = &LANGUAGES[0];
        for other in LANGUAGES.iter() {
            assert!(english.words.keys().eq(other.words.keys()), "{}", other.language);
            for (key, text) in &other.words {
                assert!(!text.trim().is_empty());
                assert_eq!(
                    values(text),
                    values(&english.words[key]),
                    "{key} in {}",
                    other.language
                );
            }
        }
    }

    #[test]
    fn the_language_the_browser_likes_best_is_spoken() {
        for (accept, language) in [
            ("de-CH,de;q=0.9,en;q=0.8", "de"),
            ("es,fr;q=0.3,en;q=0.2", "fr"),
            ("en;q=0.1, FR", "fr"),
            ("de;q=0", "en"),
            ("", "en"),
            ("*;q=\u{7f}", "en"),
        ] {
            assert_eq!(Words::for_browser(accept).language, language, "{accept}");
        }
    }
}
