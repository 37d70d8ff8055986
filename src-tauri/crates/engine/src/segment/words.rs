//! What the language says to people: the sentences of `assets/locales/en/expressions.json`.

use std::fmt::Display;
use std::sync::LazyLock;

static SENTENCES: LazyLock<serde_json::Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../../assets/locales/en/expressions.json"))
        .unwrap_or_default()
});

/// The sentence of a dotted key, with each `{name}` replaced by its value; values are not looked into.
pub(super) fn say(key: &str, values: &[(&str, &dyn Display)]) -> String {
    let found = key.split('.').try_fold(&*SENTENCES, |node, part| node.get(part));
    let mut rest = found.and_then(|text| text.as_str()).unwrap_or(key);
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            out.push_str(&value.to_string());
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every sentence by its dotted key.
    fn sentences() -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for (stem, group) in SENTENCES.as_object().expect("groups of sentences") {
            let group = group.as_object().expect("a group");
            keys.extend(group.keys().map(|word| format!("{stem}.{word}")));
        }
        keys
    }

    #[test]
    fn every_sentence_is_said_and_every_one_said_is_there() {
        let sources = [
            include_str!("calendar.rs"),
            include_str!("check.rs"),
            include_str!("explain.rs"),
            include_str!("happened.rs"),
            include_str!("hints.rs"),
            include_str!("lex.rs"),
            include_str!("literals.rs"),
            include_str!("nearly.rs"),
            include_str!("parse.rs"),
            include_str!("patterns.rs"),
            include_str!("ranked.rs"),
            include_str!("shifted.rs"),
        ];
        let stems: BTreeSet<String> = SENTENCES
            .as_object()
            .map(|groups| groups.keys().cloned().collect())
            .unwrap_or_default();
        let mut said: BTreeSet<String> = BTreeSet::new();
        for source in sources {
            let keys = source.split('"').filter(|quoted| {
                let parts = quoted.split_once('.');
                parts.is_some_and(|(stem, word)| stems.contains(stem) && is_word(word))
            });
            said.extend(keys.map(str::to_owned));
        }
        assert_eq!(said, sentences());
    }

    fn is_word(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_not_filled_again() {
        let said = say("read.expected", &[("found", &"{what}"), ("what", &"more")]);
        assert_eq!(said, "found {what}, expected more");
    }
}
