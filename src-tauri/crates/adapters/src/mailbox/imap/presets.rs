//! Dated presets of the providers of mailboxes (`assets/rules/mailboxes.json`).

use crate::glob::matches;
use carillon_model::account::Tls;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All presets, with the day somebody put them together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxPresets {
    /// `YYYY-MM-DD`.
    pub dated: String,
    pub about: String,
    pub presets: Vec<MailboxPreset>,
}

/// How mailboxes of one provider are read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxPreset {
    pub key: String,
    pub label: String,
    /// Host names it is for, with `*` for any run of characters.
    pub hosts: Vec<String>,
    /// The server to propose.
    pub server: Option<String>,
    pub port: u16,
    pub tls: Tls,
    /// Key in `assets/rules/oauth_providers.json`, where the provider lets people sign in with a browser.
    pub oauth: Option<String>,
    /// What to do when it refuses a password, in one or two sentences.
    pub refused: String,
    /// Where this can be read.
    pub source: String,
    /// `YYYY-MM-DD`: when it was written down.
    pub checked: String,
}

static PRESETS: LazyLock<MailboxPresets> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/mailboxes.json"
    )))
    .expect("the embedded presets are read by a test")
});

/// The presets this build carries.
pub fn presets() -> &'static MailboxPresets {
    &PRESETS
}

/// The preset of this key.
pub fn preset(key: &str) -> Option<&'static MailboxPreset> {
    PRESETS.presets.iter().find(|preset| preset.key == key)
}

/// The preset of a server; the generic one where nobody knows better.
pub fn preset_for_host(host: &str) -> &'static MailboxPreset {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let known = |preset: &&MailboxPreset| preset.hosts.iter().any(|pattern| matches(pattern, &host));
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
    fn every_preset_is_dated_sourced_and_usable_and_its_oauth_provider_exists() {
        let is_date = |text: &str| text.len() == 10 && text.starts_with("20") && text.split('-').count() == 3;
        assert!(is_date(&presets().dated) && !presets().about.is_empty());
        for preset in &presets().presets {
            assert!(
                is_date(&preset.checked) && !preset.source.is_empty(),
                "{}",
                preset.key
            );
            assert!(preset.refused.ends_with('.') && preset.port > 0, "{}", preset.key);
            let oauth = preset.oauth.as_deref();
            assert!(
                oauth.is_none_or(|key| crate::oauth::preset(key).is_some()),
                "{}",
                preset.key
            );
        }
        assert_eq!(preset_for_host("anything.example").key, "generic");
    }

    #[test]
    fn a_host_finds_its_provider() {
        assert_eq!(preset_for_host("IMAP.gmail.com.").key, "gmail");
        assert_eq!(
            preset_for_host("outlook.office365.com").oauth.as_deref(),
            Some("microsoft")
        );
        assert_eq!(preset("icloud").map(|p| p.port), Some(993));
    }
}
