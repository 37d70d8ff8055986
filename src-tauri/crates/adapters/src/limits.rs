//! Dated presets of what providers allow an account (`assets/rules/senders.json`).

use crate::glob::matches;
use carillon_model::account::Tls;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All presets, with the day somebody put them together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderPresets {
    /// `YYYY-MM-DD`.
    pub dated: String,
    pub about: String,
    pub presets: Vec<SenderPreset>,
}

/// Limits one kind of account starts with; the user may change them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderPreset {
    /// Stable word kept in `Account::preset`.
    pub key: String,
    pub label: String,
    /// Host names it is proposed for, with `*` for any run of characters.
    pub hosts: Vec<String>,
    /// The server to propose where `hosts` cannot tell it from another preset.
    #[serde(default)]
    pub server: Option<String>,
    /// Recipients in any 24 hours.
    pub per_day: u32,
    /// Recipients in any 60 seconds.
    pub per_minute: u32,
    /// Connections at a time.
    pub sessions: u16,
    pub port: u16,
    pub tls: Tls,
    /// What the user should know, in one or two sentences.
    pub note: String,
    /// Where the figures come from.
    pub source: String,
    /// `YYYY-MM-DD`: when the figures were collected.
    pub checked: String,
}

static PRESETS: LazyLock<SenderPresets> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/senders.json"
    )))
    .expect("the embedded presets are read by a test")
});

/// The presets this build carries.
pub fn presets() -> &'static SenderPresets {
    &PRESETS
}

/// The preset of this key.
pub fn preset(key: &str) -> Option<&'static SenderPreset> {
    PRESETS.presets.iter().find(|preset| preset.key == key)
}

/// The preset to propose for a server; the careful generic one where nobody knows better.
pub fn preset_for_host(host: &str) -> &'static SenderPreset {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let known = |preset: &&SenderPreset| preset.hosts.iter().any(|pattern| matches(pattern, &host));
    PRESETS
        .presets
        .iter()
        .find(known)
        .unwrap_or_else(|| &PRESETS.presets[PRESETS.presets.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_dated_sourced_and_usable() {
        let is_date = |text: &str| text.len() == 10 && text.starts_with("20") && text.split('-').count() == 3;
        assert!(is_date(&presets().dated));
        for preset in &presets().presets {
            assert!(is_date(&preset.checked) && !preset.source.is_empty() && !preset.note.is_empty());
            assert!(preset.per_day > 0 && preset.per_minute > 0 && (1..=50).contains(&preset.sessions));
        }
    }

    #[test]
    fn a_host_finds_the_limits_of_its_provider() {
        let found = |host| preset_for_host(host).key.as_str();
        assert_eq!(found("SMTP.gmail.com."), "gmail");
        assert_eq!(found("smtp.office365.com"), "microsoft_365");
        assert_eq!(
            found("email-smtp.eu-central-1.amazonaws.com"),
            "amazon_ses_sandbox"
        );
        assert_eq!(found("localhost"), "loopback");
        assert_eq!(found("127.0.0.1"), "loopback");
        assert_eq!(found("mail.example.com"), "generic");
    }

    #[test]
    fn the_figures_are_those_that_were_read() {
        let figures = |key| preset(key).map(|p| (p.per_day, p.per_minute));
        assert_eq!(figures("gmail").map(|f| f.0), Some(500));
        assert_eq!(figures("google_workspace").map(|f| f.0), Some(2000));
        assert_eq!(figures("microsoft_365"), Some((10_000, 30)));
        assert_eq!(figures("amazon_ses_sandbox"), Some((200, 60)));
        assert_eq!(figures("nobody"), None);
    }
}
