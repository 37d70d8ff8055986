//! What somebody wrote into a form.

use carillon_model::relay::{FieldKind, FormDefinition, FormField, GivenConsent};
use std::collections::BTreeMap;

/// Longest value of a line and of a text, in characters.
const LINE: usize = 500;
const TEXT: usize = 5_000;

/// What was filled in, and what is wrong with it: keys of fields and of words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filled {
    pub(super) values: BTreeMap<String, String>,
    pub(super) consents: Vec<GivenConsent>,
    pub(super) wrong: BTreeMap<String, String>,
    /// What is wrong with the whole.
    pub(super) problem: Option<String>,
}

/// Reads the fields the form has; whatever else was sent is not looked at.
pub(super) fn read(form: &FormDefinition, sent: &[(String, String)]) -> Filled {
    let mut filled = Filled::default();
    let sent = |name: String| sent.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
    for field in &form.fields {
        let value = match field.kind {
            FieldKind::Hidden => field.value.clone(),
            kind => clean(sent(format!("f.{}", field.key)).unwrap_or_default(), kind),
        };
        if let Some(wrong) = wrong(field, &value) {
            filled
                .wrong
                .insert(field.key.clone(), format!("form.error.{wrong}"));
        }
        if !value.is_empty() {
            filled.values.insert(field.key.clone(), value);
        }
    }
    for consent in &form.consents {
        if sent(format!("c.{}", consent.key)).is_some() {
            filled.consents.push(GivenConsent {
                key: consent.key.clone(),
                version: consent.version,
                wording_hash: consent.wording_hash.clone(),
            });
        } else if consent.required {
            filled
                .wrong
                .insert(format!("c.{}", consent.key), "form.error.missing".to_owned());
        }
    }
    filled
}

/// Without controls and marks that turn text round; a text keeps its lines.
fn clean(value: &str, kind: FieldKind) -> String {
    let lines = kind == FieldKind::LongText;
    let kept = value.chars().filter(|c| {
        let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}');
        (!c.is_control() || (lines && *c == '\n')) && !turns
    });
    let text: String = kept.take(TEXT + 1).collect();
    text.trim().to_owned()
}

fn wrong(field: &FormField, value: &str) -> Option<&'static str> {
    if value.is_empty() {
        return (field.required && field.kind != FieldKind::Hidden).then_some("missing");
    }
    let most = if field.kind == FieldKind::LongText {
        TEXT
    } else {
        LINE
    };
    if value.chars().count() > most {
        return Some("too_long");
    }
    let right = match field.kind {
        FieldKind::Email => email(value),
        FieldKind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        FieldKind::Date => chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok(),
        FieldKind::Url => crate::tokens::web_address(value).is_ok(),
        FieldKind::Select | FieldKind::Radio => field.options.iter().any(|o| o == value),
        FieldKind::Checkbox => value == "yes",
        FieldKind::Text | FieldKind::LongText | FieldKind::Tel | FieldKind::Hidden => true,
    };
    (!right).then_some(match field.kind {
        FieldKind::Email => "email",
        FieldKind::Number => "number",
        FieldKind::Date => "date",
        FieldKind::Url => "url",
        _ => "choice",
    })
}

/// Has the shape of an address; whether it is one, the studio reads properly and a confirmation shows.
fn email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else {
        return false;
    };
    let plain = |text: &str| {
        !text
            .chars()
            .any(|c| c.is_whitespace() || "<>,;:\"()[]\\".contains(c))
    };
    value.len() <= 254
        && (1..=64).contains(&local.len())
        && plain(local)
        && !local.contains('@')
        && plain(domain)
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_an_address_is_asked_for() {
        for right in ["ann@shop.example", "a.b+c@sub.shop.example", "ü@bücher.example"] {
            assert!(email(right), "{right}");
        }
        for wrong in [
            "",
            "ann",
            "@shop.example",
            "ann@",
            "ann@shop",
            "a b@shop.example",
            "a@b@c.example",
            "a@.example",
        ] {
            assert!(!email(wrong), "{wrong}");
        }
    }

    #[test]
    fn controls_and_turning_marks_are_taken_out_and_a_text_keeps_its_lines() {
        assert_eq!(clean(" A\u{202E}nn\r\n\0 ", FieldKind::Text), "Ann");
        assert_eq!(clean("one\r\ntwo", FieldKind::LongText), "one\ntwo");
    }
}
